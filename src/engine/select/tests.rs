//! Choices against a GGUF repository and some of other kinds; then any choice against any repository.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::desk::{Choice, Digest, RepoRef, Variant};
use crate::engine::analyze::{Configs, analyze};
use crate::engine::hub::RepoInfo;

fn repo() -> RepoRef {
    RepoRef::model("org/name".parse().unwrap())
}

fn analysis(paths: &[&str]) -> Analysis {
    let digest = || Some(Digest::GitSha1("0123456789abcdef0123456789abcdef01234567".into()));
    let files = paths.iter().map(|path| RepoFile { path: (*path).to_owned(), size: 10, digest: digest(), xet_hash: None }).collect();
    analyze(&repo(), &RepoInfo::default(), files, &Configs::new())
}

fn gguf() -> Analysis {
    analysis(&[
        "README.md",
        "BF16/m-BF16-00001-of-00002.gguf",
        "BF16/m-BF16-00002-of-00002.gguf",
        "m-Q6_K.gguf",
        "m-Q6_K_L.gguf",
        "m-UD-Q4_K_XL.gguf",
        "m-Q8_0.gguf",
        "mmproj-Q8_0.gguf",
        "mmproj-model-f16.gguf",
    ])
}

fn pipeline() -> Analysis {
    analysis(&[
        "README.md",
        "model_index.json",
        "text_encoder/model.bin",
        "unet/config.json",
        "unet/diffusion.fp16.safetensors",
        "unet/diffusion.safetensors",
        "vae/config.json",
        "vae/diffusion.fp16.safetensors",
        "vae/diffusion.safetensors",
        "vae_tiny/x.safetensors",
    ])
}

fn transformers() -> Analysis {
    analysis(&["README.md", "config.json", "model.safetensors", "pytorch_model.bin", "tokenizer.json", "sub/notes.txt"])
}

fn chosen(analysis: &Analysis, choice: Choice) -> Result<Vec<String>, Fault> {
    let plan = plan(analysis, &Selection::new(repo(), choice))?;
    Ok(plan.files.into_iter().map(|file| file.path).collect())
}

fn filtered(analysis: &Analysis, filters: &[&str], exact: bool) -> Result<Vec<String>, Fault> {
    chosen(analysis, Choice::Filters { filters: filters.iter().map(|filter| (*filter).to_owned()).collect(), exact })
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn a_filter_names_labels_first_and_brings_the_projector() {
    let gguf = gguf();
    let projector = "mmproj-model-f16.gguf";
    for (filter, exact, wanted) in [
        ("q6_k", false, &["m-Q6_K.gguf", "m-Q6_K_L.gguf", projector][..]),
        ("q6_k", true, &["m-Q6_K.gguf", projector]),
        (" Q6-K ", true, &["m-Q6_K.gguf", projector]),
        ("q4_k_xl", false, &["m-UD-Q4_K_XL.gguf", projector]),
        ("q4_k_xl", true, &["m-UD-Q4_K_XL.gguf", projector]),
        ("ud-q4_k_xl", true, &["m-UD-Q4_K_XL.gguf", projector]),
        ("q8_0", false, &["m-Q8_0.gguf", projector]),
        ("mmproj", false, &["mmproj-Q8_0.gguf", projector]),
        ("mmproj-q8_0", true, &["mmproj-Q8_0.gguf"]),
        ("mmproj-model", false, &[projector]),
        ("bf16", true, &["BF16/m-BF16-00001-of-00002.gguf", "BF16/m-BF16-00002-of-00002.gguf", projector]),
        ("00001-of", false, &["BF16/m-BF16-00001-of-00002.gguf"]),
        ("readme", false, &["README.md"]),
    ] {
        assert_eq!(filtered(&gguf, &[filter], exact).unwrap(), wanted, "{filter} {exact}");
    }
    assert_eq!(filtered(&gguf, &["q6_k", "q8_0"], true).unwrap(), ["m-Q6_K.gguf", "m-Q8_0.gguf", projector]);
}

#[test]
fn an_exact_filter_that_names_no_variant_is_a_folder_an_ending_a_path_or_a_segment() {
    let pipeline = pipeline();
    let small = ["model_index.json", "unet/config.json", "vae/config.json"];
    for (filter, exact, wanted) in [
        ("VAE/", true, Some(&["vae/diffusion.fp16.safetensors", "vae/diffusion.safetensors"][..])),
        ("ae/", true, None),
        ("vae", true, Some(&["vae/diffusion.fp16.safetensors", "vae/diffusion.safetensors"])),
        ("va", true, None),
        (".bin", true, Some(&["text_encoder/model.bin"])),
        ("bin", true, Some(&["text_encoder/model.bin"])),
        (".tensors", true, None),
        ("vae_tiny/x.safetensors", true, Some(&["vae_tiny/x.safetensors"])),
        ("vae_tiny/x", true, None),
        ("tiny/x.safetensors", true, None),
        ("tiny/x", false, Some(&["vae_tiny/x.safetensors"])),
        ("e/diffusion.saf", false, Some(&["vae/diffusion.safetensors"])),
        ("/", true, None),
    ] {
        let found = filtered(&pipeline, &[filter], exact).ok();
        let weights = found.map(|mut paths| {
            paths.retain(|path| !small.contains(&path.as_str()));
            paths
        });
        assert_eq!(weights, wanted.map(texts), "{filter} {exact}");
    }
    assert_eq!(filtered(&pipeline, &["vae/"], true).unwrap().len(), 5, "the configs of the pipeline come along, its other weights do not");
}

#[test]
fn the_projector_comes_with_variants_and_not_with_files_and_globs() {
    let gguf = gguf();
    let variants = |id: &str| Choice::Variants(texts(&[id]));
    assert_eq!(chosen(&gguf, variants("Q8_0")).unwrap(), ["m-Q8_0.gguf", "mmproj-model-f16.gguf"]);
    assert_eq!(chosen(&gguf, Choice::Globs(texts(&["m-Q8_0*"]))).unwrap(), ["m-Q8_0.gguf"]);
    assert_eq!(chosen(&gguf, Choice::Files(texts(&["m-Q8_0.gguf"]))).unwrap(), ["m-Q8_0.gguf"]);
    let without = Selection { excludes: texts(&["*mmproj*"]), ..Selection::new(repo(), variants("Q8_0")) };
    let without = plan(&gguf, &without).unwrap();
    assert_eq!((without.files.len(), without.title.as_str()), (1, "Q8_0"));
}

#[test]
fn a_plan_names_what_it_leaves() {
    let plan = plan(&gguf(), &Selection::new(repo(), Choice::Globs(texts(&["*00001-of*", "m-*.gguf"])))).unwrap();
    let left: Vec<(&str, Option<&str>)> = plan.left.iter().map(|file| (file.path.as_str(), file.variant.as_deref())).collect();
    assert_eq!(
        left,
        [
            ("BF16/m-BF16-00002-of-00002.gguf", None), // a part of the variant is taken
            ("README.md", None),
            ("mmproj-Q8_0.gguf", Some("mmproj-Q8_0")),
            ("mmproj-model-f16.gguf", Some("mmproj-F16")),
        ]
    );
    assert_eq!(plan.left_out(), "4 files, 40 B: mmproj-F16, mmproj-Q8_0");
}

#[test]
fn a_filter_that_means_nothing_is_never_an_empty_success() {
    let gguf = gguf();
    for filters in [&["q5_k_m"][..], &["q6_k", "q5_k_m"], &[""], &[" "], &[]] {
        let fault = filtered(&gguf, filters, false).unwrap_err();
        assert_eq!(fault.kind, FaultKind::NothingMatches);
        assert!(fault.hint.unwrap().contains("Q6_K (10 B)"));
    }
    assert_eq!(filtered(&gguf, &["m-Q6"], true).unwrap_err().kind, FaultKind::NothingMatches);
    assert_eq!(filtered(&transformers(), &["tokenizer"], false).unwrap(), ["tokenizer.json"], "a part of a path is enough");
}

#[test]
fn outside_gguf_what_weights_need_comes_along() {
    let model = transformers();
    assert_eq!(filtered(&model, &["safetensors"], false).unwrap(), ["config.json", "model.safetensors", "tokenizer.json"]);
    assert_eq!(filtered(&model, &[".bin"], false).unwrap(), ["config.json", "pytorch_model.bin", "tokenizer.json"]);
    assert_eq!(chosen(&model, Choice::Variants(texts(&["pytorch"]))).unwrap(), ["config.json", "pytorch_model.bin", "tokenizer.json"]);
}

#[test]
fn an_unknown_variant_is_told_with_those_there_are() {
    let fault = chosen(&gguf(), Choice::Variants(texts(&["Q4_K_M"]))).unwrap_err();
    assert_eq!(fault.kind, FaultKind::NothingMatches);
    assert!(fault.message.contains("Q4_K_M") && fault.hint.unwrap().contains("BF16 (20 B)"));
}

#[test]
fn of_many_choices_a_fault_names_the_nearest_first() {
    let labels =
        ["Q2_K", "Q3_K_S", "Q3_K_M", "Q3_K_L", "Q4_0", "Q4_K_S", "Q4_K_M", "Q5_0", "Q5_1", "Q5_K_S", "Q6_K", "Q8_0", "F16", "BF16", "F32"];
    let paths: Vec<String> = labels.iter().map(|label| format!("m-{label}.gguf")).collect();
    let many = analysis(&paths.iter().map(String::as_str).collect::<Vec<_>>());
    let fault = filtered(&many, &["q5_k_m"], false).unwrap_err();
    assert_eq!((fault.kind.exit_status(), fault.message.as_str()), (4, "nothing matches “q5_k_m” in org/name"));
    let hint = fault.hint.unwrap();
    assert!(hint.starts_with("there is Q3_K_M (10 B), Q4_K_M (10 B), Q5_K_S (10 B), "), "{hint}");
    assert!(hint.ends_with(" and 3 more"), "{hint}");
}

#[test]
fn where_nothing_groups_the_files_a_fault_names_them() {
    let fault = filtered(&analysis(&["a.txt", "b.md"]), &["q4"], false).unwrap_err();
    assert_eq!(fault.hint.as_deref(), Some("there is a.txt (10 B), b.md (10 B)"));
    let fault = chosen(&analysis(&[]), Choice::Everything).unwrap_err();
    assert_eq!((fault.kind, fault.hint.as_deref()), (FaultKind::NothingMatches, Some("the repository is empty")));
    assert_eq!(chosen(&gguf(), Choice::Variants(Vec::new())).unwrap_err().message, "nothing is chosen in org/name");
}

#[test]
fn files_are_exact_and_a_folder_means_what_is_in_it() {
    let gguf = gguf();
    assert_eq!(chosen(&gguf, Choice::Files(texts(&["m-Q6_K.gguf"]))).unwrap(), ["m-Q6_K.gguf"]);
    assert_eq!(chosen(&gguf, Choice::Files(texts(&["BF16/"]))).unwrap().len(), 2);
    let fault = chosen(&gguf, Choice::Files(texts(&["m-q6_k_m.gguf"]))).unwrap_err();
    assert_eq!(fault.kind, FaultKind::EntryNotFound);
    assert!(fault.hint.unwrap().starts_with("there is m-Q6_K_L.gguf (10 B), m-Q6_K.gguf (10 B), "));
    assert_eq!(chosen(&gguf, Choice::Files(texts(&["BF16"]))).unwrap().len(), 2);
    assert_eq!(chosen(&gguf, Choice::Files(texts(&["BF"]))).unwrap_err().kind, FaultKind::EntryNotFound);
}

#[test]
fn a_globs_star_also_matches_slashes() {
    let gguf = gguf();
    assert_eq!(chosen(&gguf, Choice::Globs(texts(&["*BF16*"]))).unwrap().len(), 2);
    assert_eq!(chosen(&gguf, Choice::Globs(texts(&["BF16/"]))).unwrap().len(), 2);
    assert_eq!(chosen(&gguf, Choice::Globs(texts(&["*.bin"]))).unwrap_err().kind, FaultKind::NothingMatches);
    let fault = chosen(&gguf, Choice::Globs(texts(&["mmproj-q8*", "["]))).unwrap_err();
    assert_eq!((fault.kind, fault.message.as_str()), (FaultKind::NothingMatches, "no file matches mmproj-q8*, [ in org/name"));
    assert!(fault.hint.unwrap().contains("UD-Q4_K_XL (10 B), "));
}

#[test]
fn excludes_win_over_every_choice() {
    let model = transformers();
    let mut selection = Selection { excludes: texts(&["*.bin", "sub/"]), ..Selection::new(repo(), Choice::Everything) };
    let all_but = plan(&model, &selection).unwrap();
    assert_eq!((all_but.files.len(), all_but.left_files, all_but.left_bytes), (4, 2, 20));
    selection.choice = Choice::Files(texts(&["pytorch_model.bin"]));
    assert_eq!(plan(&model, &selection).unwrap_err().kind, FaultKind::NothingMatches);
}

#[test]
fn a_plan_is_titled_by_what_it_takes() {
    let (gguf, model) = (gguf(), transformers());
    let title = |analysis, choice| plan(analysis, &Selection::new(repo(), choice)).unwrap().title;
    assert_eq!(title(&gguf, Choice::Everything), "everything");
    assert_eq!(title(&gguf, Choice::Variants(texts(&["Q8_0"]))), "Q8_0", "what comes along is not named");
    assert_eq!(title(&gguf, Choice::Variants(texts(&["Q8_0", "mmproj-Q8_0"]))), "Q8_0, mmproj-Q8_0");
    assert_eq!(title(&gguf, Choice::Variants(texts(&["mmproj-F16"]))), "mmproj-F16");
    assert_eq!(title(&gguf, Choice::Globs(texts(&["*.gguf"]))), "6 variants");
    assert_eq!(title(&gguf, Choice::Files(texts(&["README.md"]))), "README.md");
    assert_eq!(title(&gguf, Choice::Files(texts(&["README.md", "m-Q8_0.gguf"]))), "2 files");
    assert_eq!(title(&model, Choice::Variants(texts(&["safetensors"]))), "safetensors");
}

#[test]
fn a_file_that_cannot_be_verified_is_not_planned() {
    let mut gguf = gguf();
    gguf.files[0].digest = None;
    let path = gguf.files[0].path.clone();
    let fault = chosen(&gguf, Choice::Everything).unwrap_err();
    assert_eq!(fault.kind, FaultKind::BadReply);
    assert!(fault.message.contains(&path), "{fault}");
    assert!(filtered(&gguf, &["q8_0"], false).is_ok(), "other files are not affected");
}

/// Paths made of the words that our rules look at, in no folder or one.
fn paths() -> impl Strategy<Value = Vec<String>> {
    let words = "(m|one|two|mmproj|mmproj-one|mmproj-two|vae|unet|model|imatrix|data)";
    let labels = "(-Q4_0|-Q8_0|-F16|-BF16|\\.fp16|)(-0000[12]-of-00002)?";
    let told = "(config\\.json|model_index\\.json|tokenizer\\.json|README\\.md)";
    let path = format!("({words}/)?{words}{labels}\\.(gguf|safetensors|bin|json)");
    let path = prop_oneof![5 => proptest::string::string_regex(&path).unwrap(), 1 => proptest::string::string_regex(told).unwrap()];
    proptest::collection::vec(path, 1..25)
}

/// A choice of every sort, made of what the repository has.
fn choice_of(analysis: &Analysis, sort: usize, at: usize) -> Choice {
    let variant = &analysis.variants[at % analysis.variants.len()];
    let path = &analysis.files[at % analysis.files.len()].path;
    match sort {
        0 => Choice::Everything,
        1 => Choice::Variants(vec![variant.id.clone()]),
        2 => Choice::Filters { filters: vec![variant.label.clone()], exact: false },
        3 => Choice::Filters { filters: vec![variant.id.clone()], exact: true },
        4 => Choice::Files(vec![path.clone()]),
        _ => Choice::Globs(vec![format!("*{}", &path[path.len() / 2..])]),
    }
}

proptest! {
    #[test]
    fn every_file_is_either_taken_or_left_and_a_variant_comes_whole(paths in paths(), sort in 0..6_usize, at in 0..25_usize, excluded in 0..25_usize) {
        let mut paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        paths.sort_unstable();
        paths.dedup();
        let analysis = analysis(&paths);
        let choice = choice_of(&analysis, sort, at);
        let excludes: Vec<String> = paths.get(excluded).into_iter().map(|path| (*path).to_owned()).collect();
        let selection = Selection { excludes: excludes.clone(), ..Selection::new(repo(), choice.clone()) };
        let plan = match plan(&analysis, &selection) {
            Ok(plan) => plan,
            Err(fault) => {
                prop_assert_eq!(fault.kind, FaultKind::NothingMatches);
                prop_assert!(!excludes.is_empty(), "{}", fault);
                return Ok(());
            }
        };
        let mut all: Vec<&str> = plan.files.iter().map(|file| file.path.as_str()).chain(plan.left.iter().map(|file| file.path.as_str())).collect();
        all.sort_unstable();
        prop_assert_eq!(&all, &paths);
        prop_assert_eq!((plan.left.len(), plan.left_bytes), (plan.left_files, plan.left.iter().map(|file| file.size).sum()));
        let taken: HashSet<&str> = plan.files.iter().map(|file| file.path.as_str()).collect();
        let chosen: Vec<&Variant> = match &choice {
            Choice::Variants(ids) => ids.iter().filter_map(|id| analysis.variant(id)).collect(),
            Choice::Filters { filters, exact } => analysis.named(&filters[0], *exact),
            _ => return Ok(()),
        };
        let wanted: HashSet<&str> =
            chosen.into_iter().flat_map(choice::whole).filter(|path| !excludes.iter().any(|excluded| excluded == path)).collect();
        prop_assert_eq!(&taken, &wanted);
    }
}
