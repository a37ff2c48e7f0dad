//! Making names and taking them away: nothing is overwritten, and what is made is noted before it is there.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, linkat};
use tempfile::TempPath;

use super::super::adopt::is_cloned;
use super::super::entries::{inner_dir, nameless, sync_parents, temporary};
use super::super::seen::Seen;
use super::ledger::{FILE, Ledger, Made, Mark};
use super::within::Within;
use crate::desk::{Fault, LinkAction, LinkHow, LinkName, LinkPlan, LinkReport};

/// Carries out a plan that holds, and notes what comes of it.
pub(super) fn carry_out(plan: &LinkPlan) -> Result<LinkReport, Fault> {
    let mut work = Work { plan, ledger: Ledger::of(&plan.folder)?, report: LinkReport::default() };
    work.remove_all();
    work.make_all()?;
    work.finish()?;
    work.report.kept = plan.count(LinkAction::Keep);
    Ok(work.report)
}

struct Work<'a> {
    plan: &'a LinkPlan,
    ledger: Ledger,
    report: LinkReport,
}

impl Work<'_> {
    fn save(&self) -> Result<(), Fault> {
        self.ledger.save(&self.plan.folder.join(FILE))
    }

    /// Takes away what goes, and what is made anew.
    fn remove_all(&mut self) {
        let within = Within::new(&self.plan.folder);
        for name in self.plan.names.iter().filter(|name| matches!(name.action, LinkAction::Remove | LinkAction::Update)) {
            let made = relative(self.plan, name).and_then(|relative| self.ledger.names.get(relative));
            let is_ours = made.is_some_and(|made| made.is_still(&name.path)) && within.has(&name.path);
            match fs::remove_file(&name.path) {
                _ if !is_ours => self.failed(name, "it has changed since it was made"),
                Ok(()) if name.action == LinkAction::Remove => self.report.removed += 1,
                Ok(()) => {}
                Err(error) => self.failed(name, &error.to_string()),
            }
        }
    }

    /// Makes what is wanted. Links are noted together before the first of them is made; what has content of its own, one by one.
    fn make_all(&mut self) -> Result<(), Fault> {
        let plan = self.plan;
        let wanted = plan.names.iter().filter(|name| matches!(name.action, LinkAction::Make | LinkAction::Update));
        let mut ready = Vec::new();
        for name in wanted {
            match self.prepare(name) {
                Ok(()) => ready.push(name),
                Err(fault) => self.failed(name, &fault.message),
            }
        }
        if ready.is_empty() {
            return Ok(());
        }
        self.save()?;
        for name in ready {
            match self.make(name) {
                Ok(()) if name.action == LinkAction::Update => self.report.updated += 1,
                Ok(()) => self.report.made += 1,
                Err(error) => self.failed(name, &error.to_string()),
            }
        }
        sync_parents(plan.names.iter().filter(|name| name.path.parent().is_some_and(Path::is_dir)).map(|name| &name.path))
    }

    /// Makes the folder of a name, and notes both as they will be.
    fn prepare(&mut self, name: &LinkName) -> Result<(), Fault> {
        let Some(relative) = relative(self.plan, name) else { return Err(Fault::internal("a name is not text")) };
        let parent = Path::new(relative).parent().unwrap_or(Path::new(""));
        let new = parent.ancestors().filter(|folder| !folder.as_os_str().is_empty() && !self.plan.folder.join(folder).exists());
        self.ledger.folders.extend(new.filter_map(|folder| folder.to_str().map(str::to_owned)));
        inner_dir(&self.plan.folder, parent)?;
        if let LinkHow::Symlink | LinkHow::Hard = name.how {
            let mark = fs::metadata(&name.source).ok().map(|found| Mark::of(&Seen::of(&found)));
            self.note(relative, name, mark);
        }
        Ok(())
    }

    fn note(&mut self, relative: &str, name: &LinkName, mark: Option<Mark>) {
        let mark = mark.filter(|_| name.how != LinkHow::Symlink);
        let made = Made { repo: name.repo.clone(), source: name.source.clone(), how: name.how, mark };
        self.ledger.names.insert(relative.to_owned(), made);
    }

    fn make(&mut self, name: &LinkName) -> io::Result<()> {
        match name.how {
            LinkHow::Symlink => symlink(&name.source, &name.path),
            // A snapshot's entry is a link itself, and so may a blob be.
            LinkHow::Hard => fs::hard_link(fs::canonicalize(&name.source)?, &name.path),
            LinkHow::Reflink | LinkHow::Copy => {
                let copy = copied(name)?;
                let mark = Mark::of(&Seen::of(&copy.file.metadata()?));
                if let Some(relative) = relative(self.plan, name) {
                    self.note(relative, name, Some(mark));
                }
                self.save().map_err(|fault| io::Error::other(fault.message))?;
                copy.call(&name.path)
            }
        }
    }

    /// Forgets names that are no longer what was made, and removes folders that were made and are empty.
    fn finish(&mut self) -> Result<(), Fault> {
        let (folder, within) = (&self.plan.folder, Within::new(&self.plan.folder));
        self.ledger.names.retain(|relative, made| within.has(&folder.join(relative)) && made.is_still(&folder.join(relative)));
        // The deepest first: what lies in a folder comes behind it.
        let mut folders: Vec<String> = self.ledger.folders.iter().cloned().collect();
        folders.reverse();
        let is_gone = |path: &Path| match fs::remove_dir(path) {
            Ok(()) => true,
            Err(error) => error.kind() == ErrorKind::NotFound,
        };
        for relative in folders {
            let path = folder.join(&relative);
            if !within.has(&path) || is_gone(&path) {
                self.ledger.folders.remove(&relative);
            }
        }
        self.save()
    }

    fn failed(&mut self, name: &LinkName, why: &str) {
        let doing = if name.action == LinkAction::Remove { "remove" } else { "make" };
        self.report.failures.push(crate::desk::printable(&format!("cannot {doing} {}: {why}", name.path.display())));
    }
}

/// A name below its folder, as the ledger has it.
fn relative<'a>(plan: &LinkPlan, name: &'a LinkName) -> Option<&'a str> {
    name.path.strip_prefix(&plan.folder).ok()?.to_str()
}

/// A copy of a name's content on the disk, still without a name.
pub(super) fn copied(name: &LinkName) -> io::Result<Newborn> {
    let mut source = File::open(&name.source)?;
    let mut copy = Newborn::in_folder(name.path.parent().unwrap_or(Path::new("/")))?;
    let cloned = name.how == LinkHow::Reflink && is_cloned(&copy.file, &source);
    if !cloned && name.how == LinkHow::Reflink {
        return Err(io::Error::new(ErrorKind::Unsupported, "the filesystem cannot share its blocks"));
    }
    if !cloned {
        io::copy(&mut source, &mut copy.file)?;
    }
    copy.file.sync_all()?;
    Ok(copy)
}

/// A file that has no name yet or, where the filesystem has no such files, a temporary one: copying takes long, and whoever ends it
/// should leave nothing behind.
pub(super) struct Newborn {
    file: File,
    temporary: Option<TempPath>,
}

impl Newborn {
    fn in_folder(folder: &Path) -> io::Result<Self> {
        if let Ok(file) = nameless(folder) {
            return Ok(Self { file, temporary: None });
        }
        let (file, temporary) = temporary().tempfile_in(folder)?.into_parts();
        Ok(Self { file, temporary: Some(temporary) })
    }

    /// Gives it its name, which nothing may have yet.
    pub(super) fn call(self, path: &Path) -> io::Result<()> {
        if let Some(temporary) = self.temporary {
            return temporary.persist_noclobber(path).map_err(|failed| failed.error);
        }
        let open = format!("/proc/self/fd/{}", self.file.as_raw_fd());
        Ok(linkat(CWD, open, CWD, path, AtFlags::SYMLINK_FOLLOW)?)
    }
}

/// Whether a new file in a folder can share a file's blocks.
pub(super) fn can_clone(source: &Path, folder: &Path) -> bool {
    let cloned = || io::Result::Ok(is_cloned(&Newborn::in_folder(folder)?.file, &File::open(source)?));
    cloned().unwrap_or(false)
}
