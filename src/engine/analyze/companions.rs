//! Small files that weights need beside them: configs, tokenizers, vocabularies, code.

use std::collections::{BTreeMap, BTreeSet};

use crate::desk::RepoFile;

use super::formats::{Kind, format};
use super::sets::{extension, file_name, folder};

/// Extensions of files that a library reads together with weights.
const EXTENSIONS: [&str; 11] = ["json", "txt", "model", "py", "jinja", "tiktoken", "spm", "bpe", "vocab", "yaml", "yml"];
/// Beginnings of names that are for people or for whoever trained the model.
const FOR_PEOPLE: [&str; 8] = ["readme", "license", "notice", "requirements", "trainer_state", "training_args", "changelog", "use_policy"];

/// The files of a repository that weights may need, by folder.
pub(super) struct Support<'a>(BTreeMap<&'a str, Vec<&'a str>>);

impl<'a> Support<'a> {
    /// From all of a repository's files.
    pub fn of(files: &'a [RepoFile]) -> Self {
        let mut folders: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for path in files.iter().map(|file| file.path.as_str()).filter(|path| is_support(path)) {
            folders.entry(folder(path)).or_default().push(path);
        }
        Self(folders)
    }

    /// Those that weights of this kind need from these folders, in path order.
    pub fn in_folders<'b>(&self, kind: Kind, folders: impl IntoIterator<Item = &'b str>) -> Vec<String> {
        let folders: BTreeSet<&str> = folders.into_iter().collect();
        Self::needed(kind, folders.into_iter().filter_map(|folder| self.0.get(folder)))
    }

    /// Those that weights of this kind need from a folder and all below it, in path order.
    pub fn below(&self, kind: Kind, top: &str) -> Vec<String> {
        let inside = |folder: &str| folder.strip_prefix(top).is_some_and(|rest| top.is_empty() || rest.is_empty() || rest.starts_with('/'));
        let found = self.0.range(top..).take_while(|(folder, _)| folder.starts_with(top)).filter(|(folder, _)| inside(folder));
        Self::needed(kind, found.map(|(_, paths)| paths))
    }

    /// The folders that are modules of a sentence-transformers model.
    pub fn modules(&self) -> impl Iterator<Item = &'a str> {
        self.0.keys().copied().filter(|folder| is_module(folder))
    }

    fn needed<'b>(kind: Kind, found: impl Iterator<Item = &'b Vec<&'a str>>) -> Vec<String>
    where
        'a: 'b,
    {
        let mine = |path: &&&str| Kind::of_index(path).is_none_or(|index| index == kind);
        let mut paths: Vec<String> = found.flatten().filter(mine).map(|path| (*path).to_owned()).collect();
        paths.sort();
        paths
    }
}

/// Whether a file supports weights of whatever format.
fn is_support(path: &str) -> bool {
    let name = file_name(path).to_ascii_lowercase();
    let known = EXTENSIONS.contains(&extension(&name).as_str());
    let result = name.ends_with("_results.json");
    known && !result && format(path).is_none() && !FOR_PEOPLE.iter().any(|beginning| name.starts_with(beginning))
}

/// Whether a folder is a numbered module of a sentence-transformers model, such as `1_Pooling`.
fn is_module(folder: &str) -> bool {
    folder
        .split_once('_')
        .is_some_and(|(number, name)| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) && !name.contains('/'))
}
