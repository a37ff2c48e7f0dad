//! llama.cpp's own downloads (<https://github.com/ggml-org/llama.cpp/pull/7826>): one folder of `.gguf` files with what was
//! noted of each beside it. Newer versions use the Hugging Face cache (<https://github.com/ggml-org/llama.cpp/pull/21009>).

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::super::seen::Kind;
use super::find::{Find, last};

/// How the name of a file of weights ends.
const WEIGHTS: &str = ".gguf";

pub(super) fn read(find: &mut Find) {
    let mut models = BTreeMap::<String, Vec<PathBuf>>::new();
    for (path, kind) in find.entries(find.root()) {
        if let Some(name) = model_of(&last(&path)).filter(|_| kind != Kind::Folder) {
            models.entry(name).or_default().push(path);
        }
    }
    for (name, files) in models {
        let Some(first) = files.first() else { continue };
        find.add(&name, &first.clone(), &files);
    }
}

/// The model that a file belongs to: its name without the end, and without a part's number.
///
/// What is beside `x.gguf` begins with its name: `x.gguf.json`, `x.gguf.etag`, `x.gguf.downloadInProgress`.
fn model_of(file: &str) -> Option<String> {
    let stem = file.get(..file.find(WEIGHTS)?)?;
    Some(without_part(stem).unwrap_or(stem).to_owned()).filter(|name| !name.is_empty())
}

/// The name of a model in parts without `-00001-of-00003`.
fn without_part(stem: &str) -> Option<&str> {
    let (rest, count) = stem.rsplit_once("-of-")?;
    let (name, part) = rest.rsplit_once('-')?;
    let is_number = |text: &str| text.len() == 5 && text.bytes().all(|digit| digit.is_ascii_digit());
    (is_number(count) && is_number(part)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_belong_to_models_by_their_names() {
        for (file, model) in [
            ("org_m_m-q4.gguf", Some("org_m_m-q4")),
            ("org_m_m-q4.gguf.json", Some("org_m_m-q4")),
            ("org_m_m-q4.gguf.downloadInProgress", Some("org_m_m-q4")),
            ("big-00001-of-00003.gguf", Some("big")),
            ("big-00003-of-00003.gguf.etag", Some("big")),
            ("big-1-of-3.gguf", Some("big-1-of-3")),
            ("manifest=org=m=q4.json", None),
            (".gguf", None),
        ] {
            assert_eq!(model_of(file).as_deref(), model, "{file}");
        }
    }
}
