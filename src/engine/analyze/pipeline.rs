//! Diffusion pipelines: several models in folders, each in one or more precisions.

use std::collections::BTreeSet;

use super::companions::Support;
use super::formats::{Kind, by_kind, singles};
use super::sets::{Set, folder};
use super::variant_of;
use crate::desk::{RepoFile, Variant};

/// One variant for each format and precision of the components, then the single-file checkpoints of the root.
///
/// A component that has no weights of a kind is taken in full precision, as `diffusers` does: as a companion.
pub(super) fn variants(sets: &[Set], files: &[RepoFile]) -> Vec<Variant> {
    let groups = by_kind(sets.iter().filter(|set| set.name.contains('/')));
    let main = groups.keys().next().map(|kind| kind.format());
    let mut variants: Vec<Variant> = Vec::new();
    let support = Support::of(files);
    for (kind, sets) in &groups {
        let is_main = main == Some(kind.format());
        let stand_ins = std::iter::once(kind.in_full()).chain(is_main.then(|| kind.in_pytorch()));
        let full: Vec<&[&Set]> = stand_ins.filter_map(|other| groups.get(&other)).map(Vec::as_slice).collect();
        variants.push(variant(*kind, is_main, sets, &full, &support));
    }
    variants.extend(singles(sets.iter().filter(|set| !set.name.contains('/')), "files"));
    variants
}

fn variant(kind: Kind, is_main: bool, sets: &[&Set], full: &[&[&Set]], support: &Support) -> Variant {
    let precision = match (is_main, kind.precision) {
        (true, "") => "full".to_owned(),
        (true, precision) => precision.to_owned(),
        (false, "") => kind.format().to_owned(),
        (false, precision) => format!("{}-{precision}", kind.format()),
    };
    let label = if kind.folder().is_empty() { precision } else { format!("{}-{precision}", kind.folder()) };
    let mut variant = variant_of(&label, &label, "format", sets);
    variant.companions = support.below(kind, kind.folder());
    let mut covered: BTreeSet<&str> = sets.iter().map(|set| folder(&set.name)).collect();
    for group in full {
        let missing: Vec<&&Set> = group.iter().filter(|set| !covered.contains(folder(&set.name))).collect();
        covered.extend(missing.iter().map(|set| folder(&set.name)));
        variant.companions.extend(missing.iter().flat_map(|set| set.files.iter().map(|file| file.path.clone())));
    }
    variant
}
