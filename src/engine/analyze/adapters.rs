//! Adapters: weights that change a model and are none themselves, such as LoRA and control vectors.

use std::collections::HashSet;

use super::label::parse;
use super::sets::{Set, file_name, folder, plain_stem};

/// How many times larger than an adapter without a label a model is at least. Control vectors and LoRA are smaller still.
const UNLABELLED: u64 = 100;
/// How many times larger than what its name calls an adapter a model is at least: merged models keep the word in their names.
const NAMED: u64 = 10;

/// What tells a repository's adapters from its models.
pub(super) struct Adapters<'a> {
    /// Folders that hold adapters as libraries save them, and the folders around those.
    folders: HashSet<&'a str>,
    /// What control vectors turn, as far as their names say: see [`axis`].
    axes: HashSet<&'a str>,
    /// Size in bytes of the largest weights whose name does not call them an adapter.
    largest: u64,
}

impl<'a> Adapters<'a> {
    /// From all of a repository's files.
    pub fn of(sets: &'a [Set]) -> Self {
        let saved = sets.iter().filter(|set| is_saved(&set.name)).flat_map(|set| folders(&set.name));
        let debias = sets.iter().filter_map(|set| axis(&set.name)).filter(|(_, direction)| *direction == "debias");
        let models = sets.iter().filter(|set| !is_saved(&set.name) && !is_called(&set.name));
        Self { folders: saved.collect(), axes: debias.map(|(axis, _)| axis).collect(), largest: models.map(Set::size).max().unwrap_or(0) }
    }

    /// Whether a GGUF file is an adapter: by its name, or by its size where its name tells nothing of a model.
    pub fn has(&self, set: &Set) -> bool {
        let stem = plain_stem(&set.name);
        let smaller = |times: u64| set.size().saturating_mul(times) < self.largest;
        axis(&set.name).is_some_and(|(axis, _)| self.axes.contains(axis))
            || (is_called(&set.name) && smaller(NAMED))
            || (is_unlabelled(&set.name) && (self.folders.contains(stem) || (smaller(UNLABELLED) && !states_parameters(stem))))
    }
}

/// Whether a file is an adapter as libraries save it.
pub(super) fn is_saved(path: &str) -> bool {
    file_name(path).starts_with("adapter_model.")
}

/// The names of the folders around a file.
fn folders(path: &str) -> impl Iterator<Item = &str> {
    folder(path).split('/').filter(|folder| !folder.is_empty())
}

/// What a control vector turns and the direction, where it is named as its generator does: `m_language__simple`.
///
/// Each axis has `debias` and two directions: <https://github.com/jukofyork/control-vectors>.
fn axis(path: &str) -> Option<(&str, &str)> {
    plain_stem(path).rsplit_once("__")
}

fn is_called(path: &str) -> bool {
    let name = plain_stem(path).to_ascii_lowercase();
    name.split(['-', '_', '.']).any(|piece| matches!(piece, "lora" | "adapter"))
}

fn is_unlabelled(path: &str) -> bool {
    parse(plain_stem(path)).is_none() && !folders(path).any(|folder| parse(folder).is_some())
}

/// Whether a name states how many parameters it has, as a model's does: `stories260K`, `bge-0.1b`.
fn states_parameters(stem: &str) -> bool {
    let counts = |piece: &str| {
        let number = piece.strip_suffix(['K', 'k', 'M', 'm', 'B', 'b', 'T', 't']);
        number.is_some_and(|number| number.ends_with(|c: char| c.is_ascii_digit()))
    };
    stem.split(['-', '_', '.', ' ']).any(counts)
}

#[cfg(test)]
mod tests {
    use super::super::sets::sets;
    use super::*;
    use crate::desk::RepoFile;

    /// The adapters among files of so many bytes.
    fn told(files: &[(&str, u64)]) -> Vec<String> {
        let file = |(path, size): &(&str, u64)| RepoFile { path: (*path).to_owned(), size: *size, digest: None, xet_hash: None };
        let files: Vec<RepoFile> = files.iter().map(file).collect();
        let sets = sets(&files);
        let adapters = Adapters::of(&sets);
        sets.iter().filter(|set| adapters.has(set)).map(|set| set.name.clone()).collect()
    }

    #[test]
    fn what_is_tiny_beside_a_model_and_tells_nothing_is_an_adapter() {
        assert_eq!(told(&[("m-Q4.gguf", 4_000_000), ("m.gguf", 16_000_000), ("mild.gguf", 500)]), ["mild.gguf"]);
        assert!(told(&[("m-Q4.gguf", 4_000_000), ("tiny-Q4.gguf", 500), ("stories260K.gguf", 500), ("Q8_0/tiny.gguf", 500)]).is_empty());
        assert!(told(&[("m-Q4.gguf", 4_000), ("style.gguf", 3_000)]).is_empty());
        assert!(told(&[("a.gguf", 16), ("b.gguf", 16)]).is_empty());
    }

    #[test]
    fn a_label_makes_no_model_of_what_is_called_an_adapter() {
        assert_eq!(told(&[("m-Q4_0.gguf", 4_000), ("m-lora-F16.gguf", 100)]), ["m-lora-F16.gguf"]);
        assert!(told(&[("m-lora-Q2_K.gguf", 100), ("m-lora-F32.gguf", 4_000)]).is_empty());
        assert!(told(&[("m-F16.gguf", 4_000), ("m-lora-merged-Q4_0.gguf", 1_000), ("explorations-Q4_0.gguf", 10)]).is_empty());
    }

    #[test]
    fn a_folder_that_holds_an_adapter_names_its_conversion() {
        let files = [("m-F16.gguf", 70), ("tale/checkpoint-4/adapter_model.safetensors", 60), ("tale.gguf", 16), ("other.gguf", 16)];
        assert_eq!(told(&files), ["tale.gguf"]);
    }

    #[test]
    fn control_vectors_come_in_directions_of_an_axis() {
        assert_eq!(
            told(&[("m_tone__debias.gguf", 2), ("m_tone__simple.gguf", 2), ("m_other__simple.gguf", 2)]),
            ["m_tone__debias.gguf", "m_tone__simple.gguf"]
        );
    }
}
