//! Small files that weights need beside them: configs, tokenizers, vocabularies, code.

use crate::desk::RepoFile;

use super::formats::{Kind, format};
use super::sets::{extension, file_name, folder};

/// Extensions of files that a library reads together with weights.
const EXTENSIONS: [&str; 11] = ["json", "txt", "model", "py", "jinja", "tiktoken", "spm", "bpe", "vocab", "yaml", "yml"];
/// Beginnings of names that are for people or for whoever trained the model.
const FOR_PEOPLE: [&str; 8] = ["readme", "license", "notice", "requirements", "trainer_state", "training_args", "changelog", "use_policy"];

/// The files that weights of this kind need, from the folders that `in_scope` names.
pub(super) fn companions(files: &[RepoFile], kind: Kind, in_scope: impl Fn(&str) -> bool) -> Vec<String> {
    let wanted = |path: &str| in_scope(folder(path)) && is_support(path) && Kind::of_index(path).is_none_or(|index| index == kind);
    files.iter().map(|file| file.path.as_str()).filter(|path| wanted(path)).map(str::to_owned).collect()
}

/// Whether a file supports weights of whatever format.
fn is_support(path: &str) -> bool {
    let name = file_name(path).to_ascii_lowercase();
    let known = EXTENSIONS.contains(&extension(&name).as_str());
    let result = name.ends_with("_results.json");
    known && !result && format(path).is_none() && !FOR_PEOPLE.iter().any(|beginning| name.starts_with(beginning))
}

/// Whether a folder is a numbered module of a sentence-transformers model, such as `1_Pooling`.
pub(super) fn is_module(folder: &str) -> bool {
    folder
        .split_once('_')
        .is_some_and(|(number, name)| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) && !name.contains('/'))
}
