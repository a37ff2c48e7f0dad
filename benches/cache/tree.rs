//! A cache of many repositories, laid out as the official client does: files of no content but of a size, blobs named by digests, links.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

/// So many repositories.
pub const REPOS: usize = 10_000;
/// So many files in each.
pub const FILES: usize = 20;

/// Lays the cache out below a folder that is there.
pub fn lay_out(root: &Path) -> io::Result<()> {
    for repo in 0..REPOS {
        lay_out_repo(&root.join(format!("models--owner-{:03}--model-{repo:05}-Instruct-GGUF", repo % 500)), repo)?;
    }
    Ok(())
}

/// One commit with `main`; every tenth repository also has an older one without any ref, which lacks two of the files.
fn lay_out_repo(folder: &Path, repo: usize) -> io::Result<()> {
    fs::create_dir_all(folder.join("blobs"))?;
    fs::create_dir_all(folder.join("refs"))?;
    for file in 0..FILES {
        let digest = format!("{:064x}", ((repo * FILES + file) as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
        // As long as a file may be without a block: what is read of it is only what the folder says.
        File::create(folder.join("blobs").join(&digest))?.set_len((file as u64 + 1) * 1_000_003)?;
        let older = repo.is_multiple_of(10) && file < FILES - 2;
        for number in [Some(0), older.then_some(1)].into_iter().flatten() {
            let name = name(file);
            let entry = folder.join("snapshots").join(commit(repo, number)).join(&name);
            fs::create_dir_all(entry.parent().unwrap_or(folder))?;
            symlink(format!("{}../../blobs/{digest}", "../".repeat(name.matches('/').count())), entry)?;
        }
    }
    fs::write(folder.join("refs/main"), commit(repo, 0))
}

fn commit(repo: usize, number: usize) -> String {
    format!("{:040x}", ((repo * 2 + number) as u128).wrapping_mul(0x2545_f491_4f6c_dd1d_1234_5678_9abc_def1))
}

fn name(file: usize) -> String {
    match file {
        0 => "config.json".to_owned(),
        1 => "tokenizer.json".to_owned(),
        2..=5 => format!("onnx/decoder-{file:02}.onnx"),
        _ => format!("model-{file:05}-of-00020.safetensors"),
    }
}
