//! Sample repositories: made on the spot, the same on every machine, valid in form, and random in content.
//!
//! All owners and names are invented.

mod aurora;
mod crowd;
mod field_notes;
mod folder;
mod gated;
mod gguf;
mod llama;
mod lumen;
mod noise;
mod prism;
mod quant;
mod safetensors;
mod tokens;

use std::fs;
use std::path::Path;

use folder::Folder;

use crate::desk::Fault;

/// Where a finished set says which one it is. Another version is made again, over the older files.
const STAMP: &str = ".hub-samples";
const VERSION: u32 = 3;

/// How large the samples are. Names and shapes are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// About 300 MB, the largest file about 25 MB: enough to watch a download.
    Full,
    /// A few MB, for tests.
    Tiny,
}

/// Fills `root` with the sample repositories, unless this set is there already. Blocks; the full set takes about a second.
pub fn generate(root: &Path, scale: Scale) -> Result<(), Fault> {
    let stamp = format!("{VERSION} {scale:?}\n");
    let path = root.join(STAMP);
    if fs::read_to_string(&path).is_ok_and(|found| found == stamp) {
        return Ok(());
    }
    let root = Folder::new(root)?;
    aurora::write(&root, scale)?;
    lumen::write(&root, scale)?;
    prism::write(&root, scale)?;
    gated::write(&root, scale)?;
    field_notes::write(&root, scale)?;
    crowd::write(&root)?;
    root.text(STAMP, &stamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_made_once_and_is_the_same_everywhere() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        generate(one.path(), Scale::Tiny).unwrap();
        generate(two.path(), Scale::Tiny).unwrap();
        let file = "models/aurora-labs/Aurora-8B-Instruct-GGUF/Aurora-8B-Instruct-Q4_K_M.gguf";
        assert_eq!(fs::read(one.path().join(file)).unwrap(), fs::read(two.path().join(file)).unwrap());
        fs::remove_file(one.path().join(file)).unwrap();
        generate(one.path(), Scale::Tiny).unwrap();
        assert!(!one.path().join(file).exists(), "a finished set is left alone");
    }
}
