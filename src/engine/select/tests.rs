//! Choices against a GGUF repository and one of another kind.

use super::*;
use crate::desk::{Choice, Digest, RepoRef};
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
fn a_filter_names_labels_first() {
    let gguf = gguf();
    for (filter, exact, wanted) in [
        ("q6_k", false, &["m-Q6_K.gguf", "m-Q6_K_L.gguf"][..]),
        ("q6_k", true, &["m-Q6_K.gguf"]),
        ("Q6-K", true, &["m-Q6_K.gguf"]),
        ("q4_k_xl", false, &["m-UD-Q4_K_XL.gguf"]),
        ("q4_k_xl", true, &["m-UD-Q4_K_XL.gguf"]),
        ("ud-q4_k_xl", true, &["m-UD-Q4_K_XL.gguf"]),
        ("q8_0", false, &["m-Q8_0.gguf"]),
        ("mmproj", false, &["mmproj-Q8_0.gguf"]),
        ("bf16", true, &["BF16/m-BF16-00001-of-00002.gguf", "BF16/m-BF16-00002-of-00002.gguf"]),
        ("00001-of", false, &["BF16/m-BF16-00001-of-00002.gguf"]),
        ("readme", false, &["README.md"]),
    ] {
        assert_eq!(filtered(&gguf, &[filter], exact).unwrap(), wanted, "{filter} {exact}");
    }
    assert_eq!(filtered(&gguf, &["q6_k", "q8_0"], true).unwrap(), ["m-Q6_K.gguf", "m-Q8_0.gguf"]);
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
    let companions = filtered(&transformers(), &["tokenizer"], false).unwrap_err();
    assert_eq!(companions.kind, FaultKind::NothingMatches, "companions alone are no download");
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
fn files_are_exact_and_a_folder_means_what_is_in_it() {
    let gguf = gguf();
    assert_eq!(chosen(&gguf, Choice::Files(texts(&["m-Q6_K.gguf"]))).unwrap(), ["m-Q6_K.gguf"]);
    assert_eq!(chosen(&gguf, Choice::Files(texts(&["BF16/"]))).unwrap().len(), 2);
    let fault = chosen(&gguf, Choice::Files(texts(&["m-q6_k_m.gguf"]))).unwrap_err();
    assert_eq!(fault.kind, FaultKind::EntryNotFound);
    assert!(fault.hint.unwrap().contains("m-Q6_K_L.gguf"));
    assert_eq!(chosen(&gguf, Choice::Files(texts(&["BF16"]))).unwrap().len(), 2);
    assert_eq!(chosen(&gguf, Choice::Files(texts(&["BF"]))).unwrap_err().kind, FaultKind::EntryNotFound);
}

#[test]
fn a_globs_star_also_matches_slashes() {
    let gguf = gguf();
    assert_eq!(chosen(&gguf, Choice::Globs(texts(&["*BF16*"]))).unwrap().len(), 2);
    assert_eq!(chosen(&gguf, Choice::Globs(texts(&["BF16/"]))).unwrap().len(), 2);
    assert_eq!(chosen(&gguf, Choice::Globs(texts(&["*.bin"]))).unwrap_err().kind, FaultKind::NothingMatches);
    assert_eq!(chosen(&gguf, Choice::Globs(texts(&["[a"]))).unwrap_err().kind, FaultKind::Usage);
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
    assert_eq!(title(&gguf, Choice::Variants(texts(&["Q8_0", "mmproj-Q8_0"]))), "Q8_0, mmproj-Q8_0");
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
