//! Folders of `<owner>/<model>`, as LM Studio keeps them (<https://lmstudio.ai/docs/basics/import-model>) and as people lay them out.
//!
//! A model is what has weights: a `.gguf` or `.safetensors` file anywhere below its folder.

use std::path::Path;

use super::find::{Find, last};

/// How the names of files with weights end.
const WEIGHTS: [&str; 2] = ["gguf", "safetensors"];

pub(super) fn read(find: &mut Find) {
    for owner in find.folders(find.root()) {
        for model in find.folders(&owner) {
            let files = find.files_below(&model);
            if files.iter().any(|file| has_weights(file)) {
                find.add(&format!("{}/{}", last(&owner), last(&model)), &model, &files);
            }
        }
    }
}

fn has_weights(file: &Path) -> bool {
    let ends = |extension: &std::ffi::OsStr| WEIGHTS.iter().any(|known| extension.eq_ignore_ascii_case(known));
    file.extension().is_some_and(ends)
}
