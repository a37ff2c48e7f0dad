//! `openfield`: a dataset of questions and answers in three splits.

use std::fmt::Write;

use serde_json::json;

use super::Scale;
use super::folder::Folder;
use super::noise::Noise;
use crate::desk::Fault;

const PLACES: [&str; 6] = ["the tidal flat", "the north meadow", "the orchard", "the upper stream", "the gravel pit", "the hedgerow"];
const FINDINGS: [&str; 6] =
    ["two curlews", "fresh otter tracks", "marsh gentian in flower", "a roosting owl", "no sign of frost", "water at 11 °C"];

/// Writes the repository.
pub fn write(root: &Folder, scale: Scale) -> Result<(), Fault> {
    let facts =
        "downloads = 7451\nlikes = 88\ntrending = 19\ncreated_at = \"2026-01-10T08:30:00Z\"\nlast_modified = \"2026-06-24T17:00:00Z\"\n";
    let repo = root.repo("datasets/openfield/field-notes-qa", include_str!("texts/field-notes.md"), facts)?;
    let data = repo.below("data")?;
    let factor = if scale == Scale::Full { 100 } else { 1 };
    for (split, rows) in [("train", 80), ("validation", 10), ("test", 10)] {
        data.text(&format!("{split}.jsonl"), &split_rows(split, rows * factor))?;
    }
    repo.text("sources.csv", "id,observer,season\n1,A. Moss,spring\n2,J. Reed,autumn\n")
}

fn split_rows(split: &str, count: u64) -> String {
    let mut noise = Noise::of(split);
    let mut rows = String::new();
    for number in 0..count {
        let (place, finding) = (noise.pick(&PLACES), noise.pick(&FINDINGS));
        let row = json!({
            "id": format!("{split}-{number:05}"),
            "context": format!("Day {}: at {place} we noted {finding}.", 1 + noise.below(365)),
            "question": format!("What was noted at {place}?"),
            "answer": finding,
        });
        let _ = writeln!(rows, "{row}"); // writing to a string cannot fail
    }
    rows
}
