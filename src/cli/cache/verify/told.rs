//! What a verification found, as people, programs and pipes read it.

use serde_json::Value;

use crate::cli::cell::Cell;
use crate::cli::record::{Record, Sheet};
use crate::cli::table::{Column, Table};
use crate::cli::text::counted;
use crate::cli::view::{Look, View};
use crate::desk::{Quarantined, RepairReport, Verdict, VerifiedFile, VerifyReport};

const FILES: [Column<VerifiedFile>; 12] = [
    Column::shown("id", |file| Cell::text(file.repo.to_string())),
    Column::json("repo_id", |file| Cell::text(file.repo.id.as_str())),
    Column::json("repo_type", |file| Cell::text(file.repo.kind.name())),
    Column::shown("files", |file| Cell::list(&file.files)),
    Column::json("revisions", |file| Cell::list(&file.commits)),
    Column::shown("size", |file| Cell::bytes(file.size)),
    Column::shown("verdict", |file| Cell::text(file.verdict.name())),
    Column::json("reason", |file| Cell::maybe(file.reason.as_ref(), Cell::text)),
    Column::json("digest", |file| Cell::maybe(file.digest.as_ref(), |digest| Cell::text(digest.hex()))),
    Column::json("path", |file| Cell::path(&file.path)),
    Column::json("verified_at", |file| Cell::text(file.verified_at.to_string())),
    Column::json("last_good_at", |file| Cell::maybe(file.last_good_at, |time| Cell::text(time.to_string()))),
];

const QUARANTINED: [Column<Quarantined>; 6] = [
    Column::shown("id", |aside| Cell::text(aside.file.repo.to_string())),
    Column::shown("files", |aside| Cell::list(&aside.file.files)),
    Column::json("path", |aside| Cell::path(&aside.file.path)),
    Column::json("partial", |aside| Cell::path(&aside.partial)),
    Column::json("bytes_kept", |aside| Cell::bytes(aside.vouched)),
    Column::json("shared_with", |aside| Cell::list(aside.shared_with.iter().map(|path| path.to_string_lossy()))),
];

/// What a verification found and what a repair did. People read what is not good, programs every file, pipes the paths of what is damaged.
pub(super) struct Told<'a> {
    pub(super) report: &'a VerifyReport,
    pub(super) repair: Option<&'a RepairReport>,
}

impl Told<'_> {
    fn count(&self, verdict: Verdict) -> usize {
        self.report.with(verdict).count()
    }

    fn record(&self) -> Record {
        let all = self.report.files.len();
        let heading = format!("Verified {}", counted(all, "file", "files"));
        let record = if self.count(Verdict::Good) == all { Record::done(heading) } else { Record::about(heading) };
        let record = record
            .json_field("root", Cell::path(&self.report.root))
            .json_field("checked", Cell::len(all))
            .field("read", Cell::bytes(self.report.bytes))
            .field("good", Cell::len(self.count(Verdict::Good)))
            .field("damaged", Cell::len(self.count(Verdict::Damaged)))
            .field("unreadable", Cell::len(self.count(Verdict::Unreadable)))
            .field("unknown", Cell::len(self.count(Verdict::Unknown)));
        match self.repair {
            Some(repair) => record
                .field("set_aside", Cell::len(repair.quarantined.len()))
                .field("bytes_kept", Cell::bytes(repair.quarantined.iter().map(|aside| aside.vouched).sum()))
                .json_field("failures", Cell::list(&repair.failures)),
            None => record,
        }
    }
}

impl View for Told<'_> {
    fn human(&self, look: Look) -> String {
        let not_good = self.report.files.iter().filter(|file| file.verdict != Verdict::Good);
        Sheet { record: self.record(), tables: vec![("files", Table::new(&FILES, not_good))] }.human(look)
    }

    fn json(&self) -> Value {
        let mut value = Sheet { record: self.record(), tables: vec![("files", Table::new(&FILES, &self.report.files))] }.json();
        if let Some(repair) = self.repair {
            value["quarantined"] = Table::new(&QUARANTINED, &repair.quarantined).json();
        }
        value
    }

    fn quiet(&self) -> Vec<String> {
        self.report.with(Verdict::Damaged).flat_map(|file| Cell::path(&file.path).lines()).collect()
    }
}
