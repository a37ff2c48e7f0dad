//! What the program says of one repository of each kind.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc)] // a test may stop at the first surprise

#[path = "support/hub.rs"]
mod hub;
#[path = "support/machine.rs"]
mod machine;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/terminal.rs"]
mod terminal;

use scene::{AURORA, Scene};
use serde_json::Value;

/// A repository of each kind, and the flags that name it.
const KINDS: [(&str, &str); 17] = [
    ("gguf", AURORA),
    ("transformers", "lumen-research/Lumen-3B-Base"),
    ("diffusers", "prism-studio/Prism-Diffusion-XS"),
    ("lora", "quietforest/aurora-8b-support-lora"),
    ("gptq", "copperline/Brook-3B-Instruct-GPTQ-Int4"),
    ("awq", "copperline/Brook-3B-Instruct-AWQ"),
    ("exl", "saltmarsh/Brook-3B-Instruct-exl3-4.0bpw"),
    ("fp8", "larkspur/Brook-3B-Instruct-FP8"),
    ("mlx", "orchard-ml/Brook-3B-Instruct-4bit"),
    ("bitsandbytes", "juniper-lab/Brook-3B-Instruct-bnb-4bit"),
    ("onnx", "blue-heron-labs/Egret-embed-ONNX"),
    ("dataset", "openfield/field-notes-qa --type dataset"),
    ("space", "aurora-labs/aurora-chat --type space"),
    ("audio", "polar-speech/Skua-small"),
    ("vision", "kestrel-vision/Buzzard-patch16-224"),
    ("multimodal", "vellum-press/Fresco-3B-VL"),
    ("generic", "fathom-works/Plover-detectors"),
];

#[test]
fn every_kind_is_told_with_its_choices() {
    let scene = Scene::new(|config| config.rate = None);
    for (kind, repo) in KINDS {
        let output = scene.run(&format!("analyze {repo} --gpu 24G --ram 64G --json"));
        assert!(output.status.success(), "{repo}: {}", String::from_utf8_lossy(&output.stderr));
        let analysis: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(analysis["type"], kind, "{repo}");
        assert_every_file_has_its_place(&analysis);
        insta::assert_snapshot!(kind, format!("{analysis:#}"));
    }
}

/// Every file is one variant's own, a companion, or in the rest; and nothing else is named.
fn assert_every_file_has_its_place(analysis: &Value) {
    let list = |value: &Value| value.as_array().unwrap().clone();
    let own: Vec<Value> = list(&analysis["variants"]).iter().flat_map(|variant| list(&variant["files"])).collect();
    let companions = list(&analysis["variants"]).into_iter().flat_map(|variant| list(&variant["companions"]));
    let rest = list(&analysis["rest"]);
    let mut shown: Vec<String> =
        own.iter().cloned().chain(companions).chain(rest.clone()).map(|path| path.as_str().unwrap().to_owned()).collect();
    shown.sort();
    shown.dedup();
    let files: Vec<String> = list(&analysis["files"]).iter().map(|file| file["path"].as_str().unwrap().to_owned()).collect();
    assert_eq!(shown, files);
    assert!(own.iter().all(|path| own.iter().filter(|other| *other == path).count() == 1 && !rest.contains(path)), "{own:?}");
}
