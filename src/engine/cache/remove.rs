//! Carrying out a deletion.
//!
//! Everything goes by rename into the trash, in an order that leaves at every instant a cache that the official client reads without a
//! warning; what is not to be kept is removed from there at once. Deleting the same again finishes what was interrupted. Locks stay, as
//! in the official client.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Cache;
use super::deletion::{Planned, folder};
use super::footprint::Footprint;
use super::going::Step;
use super::moves::{Outcome, Way};
use super::record::{Entry, Record, State};
use super::trash::{Trash, remove, way};
use crate::desk::{DeletionPlan, DeletionReport, Disposal, Fault, FaultKind, RepoKey, bytes};

impl Cache {
    /// Carries out a deletion plan. Where the cache has changed since it was made, or a file of it is being downloaded, nothing is
    /// removed; what cannot be removed on the way is told in the report.
    ///
    /// A plan whose deletion was interrupted is gone on with. A disk without room for the trash does not keep anything from being deleted
    /// for good.
    pub fn delete(&self, plan: &DeletionPlan, disposal: Disposal) -> Result<DeletionReport, Fault> {
        check_root(plan, &self.root)?;
        if disposal == Disposal::Trash && self.trash_kept.is_zero() {
            return Err(switched_off());
        }
        let trash = self.trash_if_any();
        let again = trash.as_ref().ok().and_then(Option::as_ref).and_then(|trash| trash.finish(Some((plan, disposal))));
        let trash = match (trash, again) {
            (Ok(Some(trash)), Some(entry)) => return self.go_on(trash, entry, disposal),
            (trash, _) => trash,
        };
        let mut planned = self.still(plan)?;
        let trash = match trash {
            Ok(None) => {
                let made = self.open_trash();
                // Somebody else may have deleted before the trash was ours.
                planned = self.still(plan)?;
                made
            }
            Ok(Some(trash)) => Ok(trash),
            Err(fault) => Err(fault),
        };
        let record = Record::new(&planned, disposal, self.trash_kept);
        let footprint = planned.footprint;
        match (trash.and_then(|trash| Ok((trash.begin(record.clone())?, trash))), disposal) {
            (Ok((entry, trash)), _) => self.carry_out(trash, entry, &footprint),
            (Err(fault), _) if fault.kind == FaultKind::Busy => Err(fault),
            (Err(fault), Disposal::Trash) => Err(no_trash(&fault)),
            (Err(_), Disposal::Forever) => Ok(report(&record, &self.make_moves(&record, Way::Straight, usize::MAX), &footprint)),
        }
    }

    /// The plan as it is now, where that is what people saw and nobody downloads what goes.
    fn still(&self, plan: &DeletionPlan) -> Result<Planned, Fault> {
        let planned = self.plan_now(&plan.targets).map_err(changed)?;
        check(plan, &planned.plan)?;
        self.check_rights(&planned.steps)?;
        self.check_idle(&planned.steps)?;
        Ok(planned)
    }

    fn carry_out(&self, trash: Trash, mut entry: Entry, footprint: &Footprint) -> Result<DeletionReport, Fault> {
        let outcome = self.make_moves(&entry.record, way(&entry), usize::MAX);
        if let Some(error) = outcome.refused {
            entry.turn(State::Restoring)?;
            let back = self.put_back(&mut entry)?;
            let refused = no_trash(&not_moved(error));
            return Err(match back.failures.first() {
                None => refused,
                Some(why) => refused.hint(format!("bring back what had gone, which is in the trash: {why}")),
            });
        }
        let mut report = report(&entry.record, &outcome, footprint);
        let entry = trash.settle(entry)?;
        drop(trash);
        if entry.record.disposal == Disposal::Trash {
            report.freed = 0;
        }
        if entry.state == State::Kept {
            report.trashed = Some(entry.shown());
        } else if let Err(fault) = remove(&entry) {
            report.freed = report.freed.saturating_sub(entry.size());
            report.failures.push(fault.message);
        }
        Ok(report)
    }

    /// Goes on with a deletion that was interrupted and is asked for again. Its report is as if it had not been interrupted.
    fn go_on(&self, trash: Trash, entry: Entry, disposal: Disposal) -> Result<DeletionReport, Fault> {
        let rest = entry.record.moves.iter().filter(|moved| !entry.holds(moved));
        self.check_idle(&rest.map(|moved| Step { what: moved.what, path: moved.from.clone() }).collect::<Vec<_>>())?;
        let outcome = self.make_moves(&entry.record, way(&entry), usize::MAX);
        let removed = removed(&entry.record, &outcome);
        let mut report = DeletionReport { removed, freed: 0, trashed: None, failures: outcome.failures };
        let mut entry = trash.settle(entry)?;
        if entry.state == State::Kept && disposal == Disposal::Trash {
            report.trashed = Some(entry.shown());
            return Ok(report);
        }
        entry.turn(State::Emptying)?;
        drop(trash);
        remove(&entry)?;
        report.freed = entry.record.plan.frees;
        Ok(report)
    }
}

impl Record {
    /// Whether this is the deletion that a plan is for: the same was asked for, nothing more would go, and none of it for good that is
    /// to be kept.
    pub(super) fn covers(&self, plan: &DeletionPlan, disposal: Disposal) -> bool {
        let targets = |plan: &DeletionPlan| plan.targets.iter().cloned().collect::<BTreeSet<_>>();
        let goes: BTreeSet<&PathBuf> = all(&self.plan).collect();
        let is_kept_enough = disposal == Disposal::Forever || self.disposal == disposal;
        is_kept_enough && targets(plan) == targets(&self.plan) && all(plan).all(|path| goes.contains(path))
    }
}

/// What a deletion did, all that went being gone for good.
fn report(record: &Record, outcome: &Outcome, footprint: &Footprint) -> DeletionReport {
    let freed = footprint.totals(|path| outcome.is_gone(path)).frees;
    DeletionReport { removed: removed(record, outcome), freed, trashed: None, failures: outcome.failures.clone() }
}

/// The repositories that went whole.
fn removed(record: &Record, outcome: &Outcome) -> Vec<RepoKey> {
    record.plan.repos.iter().filter(|key| outcome.is_gone(&folder(key))).cloned().collect()
}

/// Everything that a plan removes.
fn all(plan: &DeletionPlan) -> impl Iterator<Item = &PathBuf> {
    plan.paths.iter().chain(&plan.payloads)
}

fn check_root(plan: &DeletionPlan, root: &Path) -> Result<(), Fault> {
    let differs = || format!("the plan is for {}, the cache is {}", plan.root.display(), root.display());
    if plan.root == root { Ok(()) } else { Err(stale(&differs())) }
}

/// Whether the plan that people saw is what would be done now.
fn check(seen: &DeletionPlan, now: &DeletionPlan) -> Result<(), Fault> {
    let (before, after): (BTreeSet<&PathBuf>, BTreeSet<&PathBuf>) = (all(seen).collect(), all(now).collect());
    let mut what = Vec::new();
    what.extend(named(&after, &before).map(|paths| format!("{paths} would be removed too")));
    what.extend(named(&before, &after).map(|paths| format!("{paths} would not be removed now")));
    if (seen.frees, seen.unused, seen.keeps) != (now.frees, now.unused, now.keeps) {
        let tell = |plan: &DeletionPlan| format!("free {} ({} bytes) and keep {}", bytes(plan.frees), plan.frees, bytes(plan.keeps));
        what.push(format!("it would {} now, not {}", tell(now), tell(seen)));
    }
    // Fewer are no news: the trash is rid of some by itself.
    let spoiled = now.spoils.iter().filter(|id| !seen.spoils.contains(id)).count();
    if spoiled > 0 {
        what.push(format!("{spoiled} more of what is in the trash could not be brought back any more"));
    }
    if what.is_empty()
        && (&seen.repos, &seen.revisions, &seen.paths, &seen.payloads) != (&now.repos, &now.revisions, &now.paths, &now.payloads)
    {
        what.push("other revisions would go now".to_owned());
    }
    if what.is_empty() { Ok(()) } else { Err(stale(&what.join("; "))) }
}

/// The first of the paths that are here and not there, and how many more there are.
fn named(here: &BTreeSet<&PathBuf>, there: &BTreeSet<&PathBuf>) -> Option<String> {
    let mut paths = here.difference(there);
    let first = paths.next()?.display();
    match paths.count() {
        0 => Some(format!("{first}")),
        more => Some(format!("{first} and {more} more")),
    }
}

fn stale(what: &str) -> Fault {
    Fault::new(FaultKind::Conflict, format!("the cache has changed since this deletion was planned: {what}"))
        .hint("look at the new plan and confirm it")
}

/// What was planned and is not there any more is a change of the cache.
fn changed(fault: Fault) -> Fault {
    match fault.kind {
        FaultKind::NotFound | FaultKind::RevisionNotFound | FaultKind::EntryNotFound => stale(&fault.message).because(fault),
        _ => fault,
    }
}

fn switched_off() -> Fault {
    Fault::new(FaultKind::Conflict, "it cannot be kept in the trash, which is switched off: trash_days is 0")
        .hint("delete it for good instead, or set trash_days to the days that the trash keeps; nothing was removed")
}

/// What the error of a rename into the trash means.
fn not_moved(error: std::io::Error) -> Fault {
    match error.kind() {
        std::io::ErrorKind::CrossesDevices => Fault::new(FaultKind::Disk, "it lies on another disk than the trash").because(error),
        _ => Fault::disk("move it there", error),
    }
}

fn no_trash(fault: &Fault) -> Fault {
    Fault::new(fault.kind, format!("it cannot be kept in the trash: {}", fault.message))
        .hint("delete it for good instead; nothing was removed")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::super::testkit::{self, HASH, add, key, plan, share, whole};
    use super::*;

    const FILES: &[(&str, &[u8])] = &[("b.json", b"{}"), ("x.bin", b"payload")];

    fn delete(cache: &Cache, repo: &str) -> DeletionReport {
        cache.delete(&cache.plan_deletion(&[whole(repo)]).unwrap(), Disposal::Forever).unwrap()
    }

    #[test]
    fn a_repository_goes_whole_and_frees_what_was_planned() {
        let (_dir, cache) = testkit::cache();
        add(&cache, "org/m", FILES);
        add(&cache, "org/other", FILES);
        let planned = cache.plan_deletion(&[whole("org/m")]).unwrap();
        let report = cache.delete(&planned, Disposal::Forever).unwrap();
        assert_eq!(report, DeletionReport { removed: vec![key("org/m")], freed: planned.frees, trashed: None, failures: vec![] });
        assert!(!cache.root().join("models--org--m").exists());
        let rest = cache.scan().unwrap();
        assert_eq!((rest.repos.len(), rest.size, rest.warnings.len()), (1, 9, 0));
    }

    #[test]
    fn a_shared_payload_goes_with_its_last_user() {
        let (_dir, cache) = testkit::cache();
        let etag = plan("org/a", FILES).files[1].digest.hex().to_owned();
        for repo in ["org/a", "org/b"] {
            add(&cache, repo, FILES);
            share(&cache, repo, &etag, HASH, b"payload");
        }
        let payload = cache.root().join("blobs/c6").join(HASH);
        assert_eq!(delete(&cache, "org/a").freed, 2);
        assert!(payload.exists());
        assert_eq!(delete(&cache, "org/b").freed, 2 + 7);
        assert!(!payload.exists());
    }

    #[test]
    fn two_users_in_one_plan_free_their_payload() {
        let (_dir, cache) = testkit::cache();
        let etag = plan("org/a", FILES).files[1].digest.hex().to_owned();
        for repo in ["org/a", "org/b"] {
            add(&cache, repo, FILES);
            share(&cache, repo, &etag, HASH, b"payload");
        }
        let planned = cache.plan_deletion(&[whole("org/a"), whole("org/b")]).unwrap();
        assert_eq!(cache.delete(&planned, Disposal::Forever).unwrap().freed, planned.frees);
        assert_eq!(cache.scan().unwrap().size, 0);
    }

    #[test]
    fn a_stale_plan_removes_nothing() {
        let (_dir, cache) = testkit::cache();
        let place = add(&cache, "org/m", FILES);
        let planned = cache.plan_deletion(&[whole("org/m")]).unwrap();
        fs::write(place.dir().join("more"), "more").unwrap();
        let fault = cache.delete(&planned, Disposal::Forever).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Conflict);
        assert!(fault.message.contains("13 bytes") && fault.message.contains("9 bytes"), "{fault}");
        assert!(place.dir().exists());
    }

    #[test]
    fn a_forged_plan_removes_nothing() {
        let (dir, cache) = testkit::cache();
        add(&cache, "org/m", FILES);
        let planned = cache.plan_deletion(&[whole("org/m")]).unwrap();
        let forged = [
            DeletionPlan { root: dir.path().into(), ..planned.clone() },
            DeletionPlan { paths: vec![dir.path().into()], ..planned.clone() },
            DeletionPlan { paths: vec![], ..planned.clone() },
            DeletionPlan { payloads: vec![dir.path().join("x")], ..planned },
        ];
        for plan in forged {
            assert_eq!(cache.delete(&plan, Disposal::Forever).unwrap_err().kind, FaultKind::Conflict, "{plan:?}");
        }
        assert_eq!(cache.scan().unwrap().size, 9);
    }

    #[test]
    fn a_repository_that_is_being_downloaded_stays() {
        let (_dir, cache) = testkit::cache();
        let place = add(&cache, "org/m", FILES);
        let lock = place.lock(&plan("org/m", FILES).files[0]).unwrap();
        let planned = cache.plan_deletion(&[whole("org/m")]).unwrap();
        let fault = cache.delete(&planned, Disposal::Forever).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Busy);
        assert!(fault.message.contains(".lock"), "{fault}");
        drop(lock);
        cache.delete(&planned, Disposal::Forever).unwrap();
        assert_eq!(fs::read_dir(cache.root().join(".locks/models--org--m")).unwrap().count(), 1);
    }

    #[test]
    fn links_are_removed_and_not_followed() {
        let (dir, cache) = testkit::cache();
        let place = add(&cache, "org/m", FILES);
        let outside = dir.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("mine"), "mine").unwrap();
        let repo = cache.root().join("models--org--m");
        for link in [place.dir().join("door"), repo.join("trees/door"), repo.join("door"), repo.join("snapshots/door")] {
            symlink(&outside, link).unwrap();
        }
        fs::remove_dir_all(repo.join("refs")).unwrap();
        symlink(&outside, repo.join("refs")).unwrap();
        assert_eq!(delete(&cache, "org/m").failures, Vec::<String>::new());
        assert!(!repo.exists());
        assert_eq!(fs::read(outside.join("mine")).unwrap(), b"mine");
    }
}
