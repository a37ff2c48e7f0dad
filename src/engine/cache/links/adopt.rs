//! Files of other programs that are recognised by their digest, and placed in the cache.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::super::elsewhere::OfferKind;
use super::super::{Cache, Elsewhere, Offer, Place};
use super::make;
use crate::desk::{Fault, FaultKind, LinkAction, LinkHow, LinkName, LinkPlan, LinkReport, LinkRequest, Plan, PlannedFile, RepoKey, bytes};
use crate::engine::host::{nearest_existing, space};

impl Cache {
    /// What adopting a plan's files from these folders, or from other repositories of this cache, would do. Reads every candidate of the
    /// right size to the end, once; what is found nowhere stays missing.
    pub fn plan_adoption(&self, request: &LinkRequest, plan: Plan, from: Vec<PathBuf>) -> Result<LinkPlan, Fault> {
        let hard = matches!(request, LinkRequest::Adopt { hard: true, .. });
        let looking = self.clone().with_local_roots(from);
        let (place, elsewhere) = (self.place(&plan)?, looking.elsewhere());
        let mut names = Vec::new();
        for file in &plan.files {
            if place.held(file) {
                names.push(named(&plan, &*place, file, &place.file_path(file), LinkHow::Symlink, LinkAction::Keep));
            } else if let Some(offer) = self.recognised(&elsewhere, file, hard) {
                names.push(named(&plan, &*place, file, &offer.path, self.how(&offer, &*place), LinkAction::Make));
            }
        }
        let missing = plan.files.len() - names.len();
        let copied = |name: &&LinkName| name.action == LinkAction::Make && name.how == LinkHow::Copy;
        let cost = names.iter().filter(copied).map(|name| name.size).sum();
        let (folder, cautions) = (place.dir(), cautions(&names, hard, missing));
        let disk_free = space(&folder).ok().map(|space| space.free);
        Ok(LinkPlan { request: request.clone(), folder, names, cost, disk_free, obstacles: Vec::new(), cautions, adopts: Some(plan) })
    }

    /// The first offer whose content is right.
    fn recognised(&self, elsewhere: &Elsewhere, file: &PlannedFile, hard: bool) -> Option<Offer> {
        let right = elsewhere.offers(file).into_iter().find(|offer| match self.known.vouch(&offer.path, &file.digest, &|_| true) {
            Ok(stamp) => stamp.is_some(),
            Err(error) => {
                tracing::warn!(offered = %offer.path.display(), %error, "a file on this machine cannot be read");
                false
            }
        })?;
        Some(if hard { shared(right) } else { right })
    }

    /// How an offer gets into the cache.
    fn how(&self, offer: &Offer, place: &dyn Place) -> LinkHow {
        let folder = nearest_existing(&place.dir());
        let device = |path: &Path| fs::metadata(path).ok().map(|found| found.dev());
        match offer.kind {
            OfferKind::Payload(_) if self.symlinks => LinkHow::Symlink,
            OfferKind::Blob if self.symlinks && device(&offer.path) == device(&folder) => LinkHow::Hard,
            _ if make::can_clone(&offer.path, &folder) => LinkHow::Reflink,
            _ => LinkHow::Copy,
        }
    }

    /// Places what a plan found. Content is read again wherever it may have changed.
    pub(super) fn adopt(&self, plan: &LinkPlan) -> Result<LinkReport, Fault> {
        let Some(adopts) = &plan.adopts else { return Err(Fault::internal("a plan that adopts nothing")) };
        let hard = matches!(plan.request, LinkRequest::Adopt { hard: true, .. });
        let (place, mut report) = (self.place(adopts)?, LinkReport { kept: plan.count(LinkAction::Keep), ..LinkReport::default() });
        if !plan.changes() {
            return Ok(report);
        }
        place.prepare()?;
        let names: HashMap<&Path, &LinkName> = plan.names.iter().map(|name| (name.path.as_path(), name)).collect();
        let elsewhere = self.clone().with_local_roots(Vec::new()).elsewhere();
        for file in &adopts.files {
            let Some(name) = names.get(place.file_path(file).as_path()) else { continue };
            match adopt_one(&*place, file, &offer_of(&elsewhere, name, file, hard), name.action) {
                Ok(true) if name.action == LinkAction::Make => report.made += 1,
                Ok(true) => {}
                Ok(false) => report.failures.push(format!("{} is not what it was, and is not adopted", name.source.display())),
                Err(fault) => report.failures.push(fault.to_string()),
            }
        }
        Ok(report)
    }
}

/// The offer that a plan names: another repository's blob, or a file of another program.
fn offer_of(elsewhere: &Elsewhere, name: &LinkName, file: &PlannedFile, hard: bool) -> Offer {
    let offer = elsewhere.offers(file).into_iter().find(|offer| offer.path == name.source);
    let offer = offer.unwrap_or_else(|| Offer::file(name.source.clone()));
    if hard { shared(offer) } else { offer }
}

/// Places one file, or points the snapshot at what is held; `false` where the offer is not what it was.
fn adopt_one(place: &dyn Place, file: &PlannedFile, offer: &Offer, action: LinkAction) -> Result<bool, Fault> {
    if action == LinkAction::Keep || place.held(file) {
        return place.link(&[file]).map(|()| true);
    }
    let lock = place.lock(file)?;
    match lock {
        Some(_lock) => place.adopt(file, offer, &|_| true),
        None => Err(Fault::new(FaultKind::Busy, format!("{} is being downloaded", file.path)).hint("wait until it is done")),
    }
}

/// A file that both programs may share: what is linked is the file itself, not a link to it.
fn shared(offer: Offer) -> Offer {
    let path = fs::canonicalize(&offer.path).unwrap_or_else(|_| offer.path.clone());
    if offer.kind == OfferKind::File { Offer { path, kind: OfferKind::Blob } } else { offer }
}

fn named(plan: &Plan, place: &dyn Place, file: &PlannedFile, source: &Path, how: LinkHow, action: LinkAction) -> LinkName {
    let repo = RepoKey { kind: plan.repo.kind, id: plan.repo.id.clone() };
    LinkName { path: place.file_path(file), source: source.to_path_buf(), how, size: file.size, action, repo }
}

fn cautions(names: &[LinkName], hard: bool, missing: usize) -> Vec<String> {
    let mut cautions = Vec::new();
    let made = || names.iter().filter(|name| name.action == LinkAction::Make);
    if hard && made().any(|name| name.how == LinkHow::Hard) {
        cautions.push("both programs share the bytes: writing into one file writes into the other, and damages the cache".to_owned());
    }
    let copies: u64 = made().filter(|name| name.how == LinkHow::Copy).map(|name| name.size).sum();
    if hard && copies > 0 {
        cautions.push(format!("{} cannot be linked, as they lie on another filesystem, and are copied", bytes(copies)));
    }
    if missing > 0 {
        cautions.push(format!("{missing} files of the selection are nowhere on this machine; a download fetches just those"));
    }
    cautions
}
