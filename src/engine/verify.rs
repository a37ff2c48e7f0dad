//! Verifying what the cache holds, and setting damaged files aside so that a download fetches what is wrong in them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use futures::stream::BoxStream;
use jiff::Timestamp;

use super::cache::{Cache, Content, Gauge, Reading, Survey, read_all, read_watched};
use super::transfer::{BlockSummer, BlockSums, Partial};
use super::underway;
use super::verified::Record;
use crate::desk::{Fault, Quarantined, RepairReport, Verdict, VerifiedFile, VerifyReport, VerifyStep, VerifyTarget, printable};

/// Verifies and repairs one cache.
#[derive(Clone)]
pub(super) struct Verifier {
    pub cache: Cache,
    pub state_dir: PathBuf,
}

impl Verifier {
    /// The folder of the block digests of what was downloaded.
    pub(super) fn blocks(&self) -> PathBuf {
        self.state_dir.join("blocks")
    }

    /// Reads what these targets name and tells how far it is, then what came of it.
    pub(super) fn verify(&self, targets: Vec<VerifyTarget>) -> BoxStream<'static, VerifyStep> {
        let verifier = self.clone();
        let end = |outcome: Result<_, Fault>| outcome.map_or_else(VerifyStep::Failed, VerifyStep::Done);
        underway::steps(move |gauge| verifier.verify_now(&targets, gauge), VerifyStep::Progress, end)
    }

    fn verify_now(&self, targets: &[VerifyTarget], gauge: &Gauge) -> Result<VerifyReport, Fault> {
        let Survey { contents, warnings } = self.cache.survey(targets)?;
        let readings = read_all(self.cache.root(), &contents, gauge);
        let bytes = gauge.now().bytes_done;
        let files = self.judge(&contents, readings);
        Ok(VerifyReport { root: self.cache.root().to_path_buf(), files, bytes, warnings })
    }

    /// What the readings mean, kept for the next time.
    fn judge(&self, contents: &[Content], readings: Vec<Reading>) -> Vec<VerifiedFile> {
        let (now, root) = (Timestamp::now(), self.cache.root());
        let mut records = BTreeMap::new();
        let mut files = Vec::new();
        for (content, reading) in contents.iter().zip(readings) {
            let record = records.entry(&content.repo).or_insert_with(|| Record::load(&self.state_dir, root, &content.repo));
            let (verdict, reason) = verdict(content, reading);
            let last_good_at = record.last_good_at(content);
            record.note(content, verdict, now);
            files.push(VerifiedFile {
                repo: content.repo.clone(),
                path: root.join(&content.path),
                files: content.files.iter().cloned().collect(),
                commits: content.commits.iter().cloned().collect(),
                size: content.size,
                digest: content.digest.clone(),
                verdict,
                reason,
                verified_at: now,
                last_good_at,
            });
        }
        for (repo, record) in records {
            record.save(&self.state_dir, repo);
        }
        files
    }

    /// Sets every file aside that is still damaged when it is read again under its locks.
    pub(super) fn repair(&self, damaged: Vec<VerifiedFile>) -> RepairReport {
        let mut report = RepairReport::default();
        for file in damaged {
            if went_with_another(&report, &file, self.cache.root()) {
                continue;
            }
            match self.repair_one(&file) {
                Ok(Some(quarantined)) => report.quarantined.push(quarantined),
                Ok(None) => report.mended.push(file.path),
                Err(fault) => report.failures.push(fault.message),
            }
        }
        report
    }

    /// Sets a file aside; `None` where it is good or gone. Its blocks that are as they were when its digest matched, if that was kept, are vouched for.
    fn repair_one(&self, file: &VerifiedFile) -> Result<Option<Quarantined>, Fault> {
        let Some(seized) = self.cache.seize(file)? else { return Ok(None) };
        let digest = seized.digest();
        let kept = BlockSums::load(&self.blocks(), digest);
        let mut found = BlockSummer::new(kept.as_ref().map_or(0, BlockSums::size));
        if read_watched(&seized.bytes(), digest, |piece| found.update(piece))? {
            return Ok(None);
        }
        let aside = seized.set_aside()?;
        let partial = Partial { data: aside.partial.data, journal: aside.partial.journal };
        let vouched = kept.map_or(Ok(0), |kept| partial.vouch(&kept, &found.finish(digest.clone())))?;
        Ok(Some(Quarantined { file: file.clone(), partial: partial.data, vouched, shared_with: aside.shared_with }))
    }
}

/// What a reading means, and why it is not good.
fn verdict(content: &Content, reading: Reading) -> (Verdict, Option<String>) {
    match reading {
        Reading::Good => (Verdict::Good, None),
        Reading::Other(found) => (Verdict::Damaged, Some(format!("its digest is {found}"))),
        Reading::Failed(why) => (Verdict::Unreadable, Some(printable(&why))),
        Reading::None if content.digest.is_some() => (Verdict::Unknown, Some("it was not read to its end".to_owned())),
        Reading::None => (Verdict::Unknown, Some("nothing in the cache says what its digest should be".to_owned())),
    }
}

/// Whether a file's content was set aside already, as that of another repository that shared it.
fn went_with_another(report: &RepairReport, file: &VerifiedFile, root: &Path) -> bool {
    let path = file.path.strip_prefix(root).unwrap_or(&file.path);
    report.quarantined.iter().any(|earlier| earlier.shared_with.iter().any(|shared| shared == path))
}
