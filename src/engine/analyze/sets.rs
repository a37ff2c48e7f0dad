//! Files that are one thing in several parts: `model-00001-of-00003.safetensors` and its like.

use std::collections::BTreeMap;

use crate::desk::RepoFile;

/// One file, or all shards of one.
#[derive(Clone, Debug)]
pub(super) struct Set<'a> {
    /// The path without the shard's number: `sub/model.safetensors`.
    pub name: String,
    /// Its files in order.
    pub files: Vec<&'a RepoFile>,
}

impl Set<'_> {
    /// Size in bytes.
    pub fn size(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }
}

/// The files as sets, in path order.
pub(super) fn sets(files: &[RepoFile]) -> Vec<Set<'_>> {
    let mut sets: BTreeMap<String, Vec<&RepoFile>> = BTreeMap::new();
    for file in files {
        sets.entry(unsharded(&file.path)).or_default().push(file);
    }
    sets.into_iter().map(|(name, files)| Set { name, files }).collect()
}

/// The part of a path before its last slash; empty in the root.
pub(super) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The part of a path after its last slash.
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// What stands behind a file name's last dot, in small letters; empty without a dot.
pub(super) fn extension(path: &str) -> String {
    file_name(path).rsplit_once('.').map_or(String::new(), |(_, extension)| extension.to_ascii_lowercase())
}

/// A file's name without its extension.
pub(super) fn stem(path: &str) -> &str {
    let name = file_name(path);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// A GGUF file's name without `.gguf`, also where that stands twice.
pub(super) fn plain_stem(path: &str) -> &str {
    let stem = stem(path);
    stem.strip_suffix(".gguf").unwrap_or(stem)
}

/// A path without a shard's number: `-00001-of-00003` (also after `.` or `_`, also behind the extension) or `.part1of3`.
///
/// A dataset's name may count with `-of-` in front of two extensions (`c4-train.00000-of-01024.json.gz`).
pub(super) fn unsharded(path: &str) -> String {
    let start = path.len() - file_name(path).len();
    let marker = path[start..].match_indices("of").find_map(|(at, _)| marker(&path[start..], at));
    let Some((from, to)) = marker else { return path.to_owned() };
    let before = path[..start + from].strip_suffix("-split").unwrap_or(&path[..start + from]);
    format!("{before}{}", &path[start + to..])
}

/// The extent of a shard's number around an `of` at this place: a separator, digits, `of`, digits, and then the end or a dot.
fn marker(name: &str, of: usize) -> Option<(usize, usize)> {
    let (before, after) = (&name[..of], &name[of + 2..]);
    let dashed = before.ends_with('-') && after.starts_with('-');
    let (before, after) = if dashed { (&before[..of - 1], &after[1..]) } else { (before, after) };
    let head = before.trim_end_matches(|c: char| c.is_ascii_digit());
    let tail = after.trim_start_matches(|c: char| c.is_ascii_digit());
    let counted = head.len() < before.len() && tail.len() < after.len() && (tail.is_empty() || tail.starts_with('.'));
    let from = if dashed { head.strip_suffix(['-', '.', '_'])? } else { head.strip_suffix(".part")? };
    (counted && !from.is_empty()).then_some((from.len(), name.len() - tail.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_lose_their_number_and_other_names_do_not() {
        for (path, name) in [
            ("model-00001-of-00003.safetensors", "model.safetensors"),
            ("Q8_0/x-Q8_0-00001-of-00025.gguf", "Q8_0/x-Q8_0.gguf"),
            ("x.fp16.gguf-00001-of-00006", "x.fp16.gguf"),
            ("x.Q8_0.gguf.part1of3", "x.Q8_0.gguf"),
            ("x-F16-split-00001-of-00002.gguf", "x-F16.gguf"),
            ("en/c4-train.00000-of-01024.json.gz", "en/c4-train.json.gz"),
            ("m.fp16-00001-of-00002.safetensors", "m.fp16.safetensors"),
            ("diffusion-00001-of-00002.fp16.safetensors", "diffusion.fp16.safetensors"),
            ("exp-16-16-16.gguf", "exp-16-16-16.gguf"),
            ("1-of-a-kind.gguf", "1-of-a-kind.gguf"),
            ("best-of-7.gguf", "best-of-7.gguf"),
            ("00001-of-00002.gguf", "00001-of-00002.gguf"),
            ("a-1-of-2/b.gguf", "a-1-of-2/b.gguf"),
            ("3-of-4b-Q4_0.gguf", "3-of-4b-Q4_0.gguf"),
        ] {
            assert_eq!(unsharded(path), name, "{path}");
        }
    }

    #[test]
    fn odd_bytes_break_nothing() {
        for path in ["of", "-of-", "1-of-1", "模1-of-2型", "é-1-of-2é", ".part1of", "a.part1of2", "xof1", "/of"] {
            unsharded(path);
        }
    }
}
