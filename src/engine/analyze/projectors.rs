//! Which projector comes along with a quantization, so that it can see or hear: one of the same model.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::label::parse;
use super::sets::{folder, plain_stem};

/// Types of projectors, the one to take first: halves, which encoders are trained in; then what is smaller; then what is larger for nothing.
const BY_PREFERENCE: [&str; 6] = ["F16", "FP16", "BF16", "Q8_0", "F32", "FP32"];
/// Words in names that tell nothing of a model.
const NOTHING_OF_A_MODEL: [&str; 4] = ["model", "ggml", "gguf", "projector"];
/// The most projectors among which names tell something, and the most files of one. A larger collection brings none along.
pub(super) const MOST: usize = 64;

/// What a set of files is to a projector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// One.
    Projector,
    /// A model, with which one may come along.
    Model,
    /// A model that reads for another one: projectors may be its own, but come along with nothing.
    Encoder,
    /// Nothing.
    Other,
}

/// A set of files with what its name tells.
pub(super) struct Member<'a> {
    path: &'a str,
    role: Role,
    words: BTreeSet<String>,
    /// The place of its type among [`BY_PREFERENCE`].
    preference: usize,
}

impl<'a> Member<'a> {
    /// The set of this path; `model` is what its model is called where the file's own name does not tell.
    pub fn new(path: &'a str, role: Role, model: &str) -> Self {
        let stem = plain_stem(path);
        let named = parse(stem);
        let own = named.as_ref().map_or(words(stem), |named| words(&format!("{} {}", named.before, named.after)));
        let is_type = |name: &&str| named.as_ref().is_some_and(|named| named.label == **name);
        let preference = BY_PREFERENCE.iter().position(is_type).unwrap_or(BY_PREFERENCE.len());
        Self { path, role, words: if own.is_empty() && role != Role::Projector { words(model) } else { own }, preference }
    }

    /// How many words two names have in common.
    fn likeness(&self, other: &Self) -> usize {
        self.words.intersection(&other.words).count()
    }

    /// How many folders two paths have in common.
    fn nearness(&self, other: &Self) -> usize {
        let (one, other) = (folder(self.path).split('/'), folder(other.path).split('/'));
        one.zip(other).take_while(|(one, other)| one == other && !one.is_empty()).count()
    }
}

fn words(name: &str) -> BTreeSet<String> {
    let pieces = name.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
    pieces.filter(|word| !word.is_empty() && !word.starts_with("mmproj") && !NOTHING_OF_A_MODEL.contains(&word.as_str())).collect()
}

/// For each member, which other one is the projector that comes along with it.
///
/// A projector belongs to those whose names share the most words with its own. Where it shares none, it belongs to those that are nearest
/// to its folder and to others of the same name. Of several a model takes the one that is named most like it, then the nearest, then the
/// preferred type (F16, BF16, Q8_0, F32), then the first.
pub(super) fn companions(members: &[Member]) -> Vec<Option<usize>> {
    let projectors: Vec<usize> = (0..members.len()).filter(|&one| members[one].role == Role::Projector).collect();
    if projectors.is_empty() || projectors.len() > MOST {
        return vec![None; members.len()];
    }
    let owners: Vec<Vec<bool>> = projectors.iter().map(|&one| owners(&members[one], members)).collect();
    let best = |(at, member): (usize, &Member)| {
        let own = projectors.iter().zip(&owners).filter(|(_, owners)| member.role == Role::Model && owners[at]);
        let rank = |one: &Member| (Reverse(one.likeness(member)), Reverse(one.nearness(member)), one.preference);
        own.map(|(&projector, _)| projector).min_by_key(|&projector| rank(&members[projector]))
    };
    members.iter().enumerate().map(best).collect()
}

/// Whether a projector belongs to each of the members.
fn owners(projector: &Member, members: &[Member]) -> Vec<bool> {
    let models: Vec<&Member> = members.iter().filter(|member| matches!(member.role, Role::Model | Role::Encoder)).collect();
    let most = |measure: &dyn Fn(&Member) -> usize| models.iter().map(|model| measure(model)).max().unwrap_or_default();
    let (likeness, nearness) = (most(&|model| projector.likeness(model)), most(&|model| projector.nearness(model)));
    let near: BTreeSet<&BTreeSet<String>> =
        models.iter().filter(|model| projector.nearness(model) == nearness).map(|model| &model.words).collect();
    let is_meant = |member: &Member| if likeness > 0 { projector.likeness(member) == likeness } else { near.contains(&member.words) };
    members.iter().map(|member| member.words.is_empty() || is_meant(member)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which projector comes along with the last path; in a folder `encoder` lies one that is no choice.
    fn told<'a>(paths: &[&'a str]) -> Option<&'a str> {
        let role = |path: &str| match path {
            path if path.contains("mmproj") || path.contains("projector") => Role::Projector,
            path if path.starts_with("encoder/") => Role::Encoder,
            _ => Role::Model,
        };
        let members: Vec<Member> = paths.iter().map(|path| Member::new(path, role(path), "")).collect();
        companions(&members).pop().flatten().map(|projector| paths[projector])
    }

    #[test]
    fn of_one_models_projectors_the_preferred_type_comes_along() {
        for (paths, wanted) in [
            (&["mmproj-BF16.gguf", "mmproj-F16.gguf", "mmproj-F32.gguf", "m-Q4_0.gguf"][..], Some("mmproj-F16.gguf")),
            (&["mmproj-F32.gguf", "mmproj-Q8_0.gguf", "mmproj-bf16.gguf", "m-Q4_0.gguf"], Some("mmproj-bf16.gguf")),
            (&["mmproj-F32.gguf", "mmproj-Q4_0.gguf", "mmproj-Q8_0.gguf", "m-Q4_0.gguf"], Some("mmproj-Q8_0.gguf")),
            (&["mmproj-F32.gguf", "mmproj-Q4_0.gguf", "m-Q4_0.gguf"], Some("mmproj-F32.gguf")),
            (&["mmproj-Q4_0.gguf", "mmproj-Q5_0.gguf", "m-Q4_0.gguf"], Some("mmproj-Q4_0.gguf")),
            (&["mmproj-kquant.gguf", "mmproj-muse-30B-BF16.gguf", "muse-30B-Q8_0.gguf"], Some("mmproj-muse-30B-BF16.gguf")),
            (&["M.mmproj-Q8_0.gguf", "M.mmproj-f16.gguf", "M.Q4_K_M.gguf"], Some("M.mmproj-f16.gguf")),
            (&["mmproj/mmproj-model-f16.gguf", "BF16/m-BF16.gguf"], Some("mmproj/mmproj-model-f16.gguf")),
            (&["qwen2-audio-projector.gguf", "Qwen2-7B-LLM-Q4_0.gguf"], Some("qwen2-audio-projector.gguf")),
            (&["mmproj-Kimi-F16.gguf", "Q3_K_S/Q3_K_S.gguf"], Some("mmproj-Kimi-F16.gguf")),
            (&["m-Q8_0.gguf", "m-Q4_0.gguf"], None),
        ] {
            assert_eq!(told(paths), wanted, "{paths:?}");
        }
    }

    #[test]
    fn of_several_models_each_takes_its_own() {
        for (paths, wanted) in [
            (&["mmproj-g-12b-F16.gguf", "mmproj-g-4b-F32.gguf", "g-12b-Q4_0.gguf", "g-4b-Q4_0.gguf"][..], Some("mmproj-g-4b-F32.gguf")),
            (
                &["mmproj-model-f16-4B.gguf", "mmproj-model-f16-9B.gguf", "g-9b-Q4_0.gguf", "g-4b-Q4_0.gguf"],
                Some("mmproj-model-f16-4B.gguf"),
            ),
            (&["a/mmproj-F16.gguf", "b/mmproj-BF16.gguf", "a/m-Q4_0.gguf", "b/m-Q4_0.gguf"], Some("b/mmproj-BF16.gguf")),
            (&["mmproj-g-vl-F16.gguf", "g-vl-Q4_0.gguf", "g-Q4_0.gguf"], None),
            (&["a/mmproj-F16.gguf", "a/one-Q4_0.gguf", "b/two-Q4_0.gguf"], None),
            (&["a/mmproj-F16.gguf", "a/one-Q4_0.gguf", "one-Q8_0.gguf"], Some("a/mmproj-F16.gguf")),
            (&["mmproj-F16.gguf", "one-Q4_0.gguf", "two-Q4_0.gguf"], Some("mmproj-F16.gguf")),
            (&["Qwen2.5-VL-mmproj-F16.gguf", "encoder/Qwen2.5-VL-Q4_0.gguf", "qwen-image-2.5-Q4_0.gguf"], None),
        ] {
            assert_eq!(told(paths), wanted, "{paths:?}");
        }
    }

    #[test]
    fn a_large_collection_brings_none_along() {
        let names: Vec<String> = (0..=MOST).map(|number| format!("mmproj-{number}.gguf")).chain(["m-Q4_0.gguf".to_owned()]).collect();
        assert_eq!(told(&names.iter().map(String::as_str).collect::<Vec<_>>()), None);
    }
}
