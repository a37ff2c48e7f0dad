//! Listings of real repositories as the judge of what the analysis makes of names: which files are one choice, what people call it, and
//! what goes with it.
//!
//! The listings are `data/listings.json` in the folder that `HFDESK_SHARED_DATA` names, else in `shared` beside this checkout. Without
//! them the test is skipped loudly, or fails if `HFDESK_REQUIRE_SHARED_DATA=1`.

#![allow(clippy::unwrap_used)] // a test's helpers fail as loudly as the test itself

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use hfdesk_tui::desk::{Analysis, FitVerdict, Machine, RepoFile, RepoRef, RepoType, Scenario, Variant};
use hfdesk_tui::engine::analyze::{Configs, Known, analyze, assess};
use hfdesk_tui::engine::hub::RepoInfo;
use serde::Deserialize;

/// How many repositories must be wholly as expected, of the 91 that there are.
const ENOUGH: usize = 88;

/// Those that differ, by name, each with the reason why that is left so.
const DIFFERENT: [(&str, &str); 2] = [
    ("ggml-org/sesame-csm-1b-GGUF", "only who knows the model knows that it needs all three files"),
    ("microsoft/VibeVoice-ASR-BitNet", "only who knows the model knows that it needs the encoder; the grouping itself is in doubt"),
];

#[derive(Deserialize)]
struct Corpus {
    repos: Vec<Listing>,
}

#[derive(Deserialize)]
struct Listing {
    id: String,
    files: Vec<Listed>,
    expected: Expected,
    confidence: Confidence,
}

#[derive(Deserialize)]
struct Listed {
    path: String,
    size: u64,
}

#[derive(Deserialize)]
struct Expected {
    kind: String,
    variants: Vec<Choice>,
    companions: BTreeMap<String, Vec<String>>,
}

/// How sure a listing's grouping is: wholly, of the files alone, or not enough to be judged by.
#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Confidence {
    High,
    Medium,
    Low,
}

/// An expected variant. No label: its name carries none.
#[derive(Deserialize)]
struct Choice {
    label: Option<String>,
    #[serde(default)]
    alt_labels: Vec<String>,
    model: Option<String>,
    files: BTreeSet<String>,
}

impl Choice {
    /// Whether a variant is called as expected; where its name carries no label, by the name itself.
    fn is_called(&self, variant: &Variant) -> bool {
        let named = |one: &String| one.eq_ignore_ascii_case(&variant.label);
        let file_name = self.files.first().and_then(|path| path.rsplit('/').next());
        let whole = self.label.is_none() && file_name.is_some_and(|name| name.starts_with(&variant.label));
        whole || self.alt_labels.iter().chain(&self.label).any(named)
    }

    /// Whether the id tells the model, where another choice has the same label.
    fn is_told_apart(&self, variant: &Variant, others: &[Self]) -> bool {
        let twin = |other: &&Self| other.label == self.label && other.model != self.model;
        let told = |model: &String| variant.id.to_lowercase().contains(&model.to_lowercase());
        others.iter().find(twin).is_none() || self.model.as_ref().is_none_or(told)
    }
}

/// The listings, where they are.
fn corpus() -> Option<Corpus> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let path = std::env::var_os("HFDESK_SHARED_DATA").map_or_else(beside, PathBuf::from).join("data/listings.json");
    if let Ok(text) = std::fs::read_to_string(&path) {
        return Some(serde_json::from_str(&text).unwrap());
    }
    assert_ne!(std::env::var("HFDESK_REQUIRE_SHARED_DATA").as_deref(), Ok("1"), "no listings at {}", path.display());
    #[allow(clippy::print_stderr)] // a skipped check must be seen
    {
        eprintln!("SKIPPED: no listings at {}; set HFDESK_SHARED_DATA to the folder above data/listings.json", path.display());
    }
    None
}

fn analysis(listing: &Listing) -> Analysis {
    let file = |listed: &Listed| RepoFile { path: listed.path.clone(), size: listed.size, digest: None, xet_hash: None };
    let repo = RepoRef::model(listing.id.parse().unwrap());
    analyze(&repo, &RepoInfo::default(), listing.files.iter().map(file).collect(), &Configs::new())
}

/// What a variant is that goes with others, in the listings' words; `None` for a choice of its own.
fn companion(variant: &Variant) -> Option<&'static str> {
    match variant.category.as_str() {
        "projector" => Some("mmproj"),
        "imatrix" => Some("imatrix"),
        "draft" => Some("draft"),
        "component" => Some("component"),
        _ => None,
    }
}

/// Kinds of companions that we call by one word.
fn broad(kind: &str) -> &str {
    if matches!(kind, "mmproj" | "imatrix" | "draft") { kind } else { "component" }
}

/// How the analysis differs from what is expected, a line for each difference.
fn differences(listing: &Listing, found: &Analysis) -> Vec<String> {
    let expected = &listing.expected.variants;
    let choices: Vec<&Variant> = found.variants.iter().filter(|variant| companion(variant).is_none()).collect();
    let is_same = |choice: &Choice, variant: &Variant| choice.files.iter().eq(variant.files.iter().collect::<BTreeSet<_>>());
    let mut lines: Vec<String> = type_difference(listing, found.repo_type).into_iter().collect();
    for choice in expected {
        let variant = choices.iter().find(|variant| is_same(choice, variant));
        lines.extend(match variant {
            None => Some(format!("no variant {:?} of {:?}", choice.label, choice.files)),
            Some(variant) => name_difference(listing, choice, variant),
        });
    }
    let others = choices.iter().filter(|variant| !expected.iter().any(|choice| is_same(choice, variant)));
    lines.extend(others.map(|variant| format!("a variant {:?} of {:?}", variant.label, variant.files)));
    lines.extend(companion_differences(listing, found));
    lines
}

/// Names count only where the listing is sure of them.
fn name_difference(listing: &Listing, choice: &Choice, variant: &Variant) -> Option<String> {
    if listing.confidence != Confidence::High {
        None
    } else if !choice.is_called(variant) {
        Some(format!("{:?} is called {:?}", choice.label, variant.label))
    } else if !choice.is_told_apart(variant, &listing.expected.variants) {
        Some(format!("{:?} of {:?} is only {:?}", choice.label, choice.model, variant.id))
    } else {
        None
    }
}

/// A repository of GGUF files is one; a single GGUF file beside other weights makes none.
fn type_difference(listing: &Listing, found: RepoType) -> Option<String> {
    let is_gguf = |file: &&Listed| Path::new(&file.path).extension().is_some_and(|extension| extension == "gguf");
    let wrong = match listing.expected.kind.as_str() {
        "gguf+safetensors" => found == RepoType::Gguf && listing.files.iter().filter(is_gguf).count() == 1,
        _ => found != RepoType::Gguf,
    };
    wrong.then(|| format!("a repository of type {}", found.name()))
}

fn companion_differences(listing: &Listing, found: &Analysis) -> Vec<String> {
    let expected = listing.expected.companions.iter().flat_map(|(kind, files)| files.iter().map(|file| (broad(kind), file)));
    let ours = found.variants.iter().filter_map(|variant| Some((companion(variant)?, variant)));
    let ours = ours.flat_map(|(kind, variant)| variant.files.iter().map(move |file| (kind, file)));
    let (expected, ours): (BTreeSet<_>, BTreeSet<_>) = (expected.collect(), ours.collect());
    let missing = expected.difference(&ours).map(|(kind, file)| format!("no {kind} {file}"));
    missing.chain(ours.difference(&expected).map(|(kind, file)| format!("a {kind} {file}"))).collect()
}

#[test]
fn real_repositories_are_grouped_as_people_expect() {
    let Some(corpus) = corpus() else { return };
    let mut different = Vec::new();
    for listing in &corpus.repos {
        let lines = differences(listing, &analysis(listing));
        if !lines.is_empty() {
            println!("{}\n    {}", listing.id, lines.join("\n    "));
            different.push(listing.id.as_str());
        }
    }
    let wholly = corpus.repos.len() - different.len();
    println!("{wholly} of {} are wholly as expected", corpus.repos.len());
    different.sort_unstable();
    assert_eq!(different, DIFFERENT.map(|(id, _)| id));
    assert!(wholly >= ENOUGH);
}

#[test]
fn one_variant_of_each_real_repository_is_recommended() {
    let Some(corpus) = corpus() else { return };
    let scenario = Scenario::default();
    for listing in &corpus.repos {
        let found = analysis(listing);
        let quantizations = || found.variants.iter().filter(|variant| variant.category == "quantization");
        for cards in [&[][..], &[8 << 30], &[24 << 30], &[80 << 30, 80 << 30]] {
            let told = assess(&found, &Known::new(), Machine::simulated(cards, Some(64 << 30)), &scenario);
            let Some(recommended) = told.recommended else {
                assert_eq!(quantizations().count(), 0, "{}", listing.id);
                continue;
            };
            let taken = found.variant(&recommended.variant).unwrap();
            assert!(quantizations().count() == 0 || taken.category == "quantization", "{}: {recommended:?}", listing.id);
            let fit = told.variants.iter().find(|one| one.variant == taken.id).unwrap().fit.as_ref().unwrap();
            let any_fits = told.variants.iter().filter_map(|one| one.fit.as_ref()).any(|fit| fit.verdict != FitVerdict::TooLarge);
            assert!(fit.verdict != FitVerdict::TooLarge || !any_fits, "{}: {recommended:?}", listing.id);
        }
    }
}
