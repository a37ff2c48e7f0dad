//! What people call a set of files.

use super::Paths;
use crate::desk::{Analysis, Variant};

/// The most variants named one by one.
const MOST_NAMES: usize = 4;

/// `everything`, the variants that the files are (`Q4_K_M, Q8_0`; not what comes along with them), a single file's name, or `3 files`.
pub(super) fn title(analysis: &Analysis, chosen: &Paths) -> String {
    if chosen.len() == analysis.files.len() {
        return "everything".to_owned();
    }
    let whole = || analysis.variants.iter().filter(|variant| is_whole(variant, chosen));
    let companions: Paths = whole().flat_map(|variant| &variant.companions).map(String::as_str).collect();
    let variants: Vec<&Variant> = whole().filter(|variant| !is_whole(variant, &companions)).collect();
    let covered: Paths = variants.iter().flat_map(|variant| super::choice::whole(variant)).collect();
    match (variants.as_slice(), chosen.is_subset(&covered)) {
        ([_, ..], true) if variants.len() <= MOST_NAMES => {
            variants.iter().map(|variant| variant.id.as_str()).collect::<Vec<_>>().join(", ")
        }
        ([_, ..], true) => format!("{} variants", variants.len()),
        _ => files(chosen),
    }
}

fn is_whole(variant: &Variant, chosen: &Paths) -> bool {
    variant.files.iter().all(|path| chosen.contains(path.as_str()))
}

fn files(chosen: &Paths) -> String {
    match chosen.first() {
        Some(path) if chosen.len() == 1 => path.rsplit('/').next().unwrap_or_default().to_owned(),
        _ => format!("{} files", chosen.len()),
    }
}
