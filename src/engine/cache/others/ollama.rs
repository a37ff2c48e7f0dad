//! Ollama's models (<https://github.com/ollama/ollama/blob/main/docs/faq.md>): a manifest for each tag at
//! `manifests/<host>/<namespace>/<model>/<tag>` names its config and its layers, which lie in `blobs` by their SHA-256.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::super::layout::is_hex;
use super::super::seen::Kind;
use super::find::{Find, last};
use crate::desk::OtherKind;

/// The host and the namespace that `ollama ls` does not show.
const DEFAULTS: (&str, &str) = ("registry.ollama.ai", "library");
/// The longest manifest that is read, in bytes; they have about a thousand.
const LONGEST_MANIFEST: u64 = 1 << 20;

/// What a tag consists of.
#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    config: Option<Layer>,
    #[serde(default)]
    layers: Vec<Layer>,
}

#[derive(Deserialize)]
struct Layer {
    digest: String,
}

pub(super) fn read(find: &mut Find) {
    let folder = find.root().join("blobs");
    let blobs = blobs_in(find, &folder);
    let (mut used, mut all_read) = (BTreeSet::new(), true);
    let manifests = find.root().join("manifests");
    for manifest in find.files_below(&manifests) {
        let Some(name) = manifest.strip_prefix(&manifests).ok().and_then(model_name) else { continue };
        let Some(layers) = layers(&manifest) else {
            all_read = false;
            find.warn(&manifest, "cannot be read as a manifest");
            continue;
        };
        read_model(find, &name, &manifest, &layers, &blobs);
        used.extend(layers);
    }
    let rest = blobs.into_iter().filter(|(name, _)| !used.contains(name));
    let (unfinished, unused): (Vec<_>, Vec<_>) = rest.partition(|(name, _)| name.contains("-partial"));
    let paths = |blobs: Vec<(String, PathBuf)>| blobs.into_iter().map(|(_, path)| path).collect::<Vec<_>>();
    find.add_as(OtherKind::Unfinished, "unfinished downloads", &folder, &paths(unfinished));
    let (kind, name) = if all_read { (OtherKind::Unused, "unused blobs") } else { (OtherKind::Unknown, "blobs of unknown models") };
    find.add_as(kind, name, &folder, &paths(unused));
}

/// The files in `blobs`, by the names that manifests imply: the first versions wrote `sha256:` where newer ones write `sha256-`.
fn blobs_in(find: &mut Find, folder: &Path) -> BTreeMap<String, PathBuf> {
    let files = find.entries(folder).into_iter().filter(|(_, kind)| *kind != Kind::Folder);
    files.map(|(path, _)| (last(&path).replacen(':', "-", 1), path)).collect()
}

fn read_model(find: &mut Find, name: &str, manifest: &Path, layers: &BTreeSet<String>, blobs: &BTreeMap<String, PathBuf>) {
    let files: Vec<PathBuf> = layers.iter().filter_map(|layer| blobs.get(layer).cloned()).collect();
    if files.len() < layers.len() {
        find.warn(manifest, "names blobs that are not here");
    }
    find.add(name, manifest, &files);
}

/// The blobs that a manifest names.
fn layers(manifest: &Path) -> Option<BTreeSet<String>> {
    fs::symlink_metadata(manifest).ok().filter(|found| found.is_file() && found.len() <= LONGEST_MANIFEST)?;
    let Manifest { config, layers } = serde_json::from_slice(&fs::read(manifest).ok()?).ok()?;
    let digests = layers.iter().chain(&config).filter(|layer| !layer.digest.is_empty());
    digests.map(|layer| layer.digest.strip_prefix("sha256:").filter(|hex| is_hex(hex, 64)).map(|hex| format!("sha256-{hex}"))).collect()
}

/// What `ollama ls` calls the model whose manifest lies here; `None` for what is no manifest's place.
fn model_name(manifest: &Path) -> Option<String> {
    let parts = manifest.iter().map(|part| part.to_str()).collect::<Option<Vec<_>>>()?;
    let [host, namespace, model, tag] = parts[..] else { return None };
    Some(match (host, namespace) {
        _ if (host, namespace) == DEFAULTS => format!("{model}:{tag}"),
        _ if host == DEFAULTS.0 => format!("{namespace}/{model}:{tag}"),
        _ => format!("{host}/{namespace}/{model}:{tag}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_named_as_their_program_names_them() {
        for (path, name) in [
            ("registry.ollama.ai/library/llama3.2/3b", Some("llama3.2:3b")),
            ("registry.ollama.ai/ada/tuned/latest", Some("ada/tuned:latest")),
            ("hf.co/org/name/Q4_K_M", Some("hf.co/org/name:Q4_K_M")),
            ("registry.ollama.ai/library/llama3.2", None),
            ("a/b/c/d/e", None),
        ] {
            assert_eq!(model_name(Path::new(path)).as_deref(), name, "{path}");
        }
    }
}
