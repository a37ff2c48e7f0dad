//! Which programs have files open or mapped, as far as `/proc` shows it to this user. Elsewhere than on Linux: none.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, CWD, StatxFlags, makedev, statx};

use crate::desk::printable;

/// Device and inode of a file.
type Identity = (u64, u64);

/// A program that has a file open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedBy {
    /// The file, by the name under which it was asked for.
    pub path: PathBuf,
    /// The program's name.
    pub program: String,
    /// The process's number.
    pub pid: u32,
}

/// Who has which of these files open or mapped, this process left out; a file with several names is told under one of them.
///
/// What is found in this time is told. Processes of other users are seen by the administrator alone.
pub fn open_files(wanted: &BTreeMap<Identity, PathBuf>, patience: Duration) -> Vec<OpenedBy> {
    let end = Instant::now() + patience;
    let mut found = BTreeMap::new();
    for pid in if wanted.is_empty() { Vec::new() } else { processes() } {
        let folder = Path::new("/proc").join(pid.to_string());
        let files = opened(&folder, end).into_iter().chain(mapped(&folder, wanted, end));
        for path in files.filter_map(|identity| wanted.get(&identity)) {
            found.entry((path.clone(), pid)).or_insert_with(|| program(&folder));
        }
        if Instant::now() >= end {
            break;
        }
    }
    found.into_iter().map(|((path, pid), program)| OpenedBy { path, program, pid }).collect()
}

fn processes() -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| *pid != std::process::id()).collect()
}

fn program(folder: &Path) -> String {
    fs::read_to_string(folder.join("comm")).map(|name| printable(name.trim_end())).unwrap_or_default()
}

/// What a process has open.
fn opened(folder: &Path, end: Instant) -> Vec<Identity> {
    let entries = fs::read_dir(folder.join("fd")).into_iter().flatten().flatten();
    entries.take_while(|_| Instant::now() < end).filter_map(|entry| identity(&entry.path())).collect()
}

/// The file behind a path. The kernel's own knowledge is enough: a server that does not answer is not waited for.
fn identity(path: &Path) -> Option<Identity> {
    let found = statx(CWD, path, AtFlags::STATX_DONT_SYNC, StatxFlags::INO).ok()?;
    Some((makedev(found.stx_dev_major, found.stx_dev_minor), found.stx_ino))
}

/// What a process has mapped into its memory.
fn mapped(folder: &Path, wanted: &BTreeMap<Identity, PathBuf>, end: Instant) -> Vec<Identity> {
    let lines = File::open(folder.join("maps")).map(|file| BufReader::new(file).split(b'\n')).into_iter().flatten();
    let lines = lines.map_while(Result::ok).take_while(|_| Instant::now() < end);
    lines.filter_map(|line| mapping(&String::from_utf8_lossy(&line), wanted)).collect()
}

/// The wanted file of a line such as `7f00-7f01 r--s 00000000 fd:01 1234   /models/x`. Some filesystems tell another device here than
/// elsewhere; there the path decides.
fn mapping(line: &str, wanted: &BTreeMap<Identity, PathBuf>) -> Option<Identity> {
    let mut words = line.split_ascii_whitespace().skip(3);
    let (major, minor) = words.next()?.split_once(':')?;
    let inode: u64 = words.next()?.parse().ok().filter(|inode| *inode != 0)?;
    let device = makedev(u32::from_str_radix(major, 16).ok()?, u32::from_str_radix(minor, 16).ok()?);
    if wanted.contains_key(&(device, inode)) {
        return Some((device, inode));
    }
    let path = Path::new(&line[line.find('/')?..]).to_path_buf();
    wanted.iter().find(|((_, number), wanted)| *number == inode && **wanted == path).map(|(identity, _)| *identity)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;
    use std::process::{Child, Command, Stdio};

    use super::*;

    /// A program that has a file open until it is dropped.
    struct Holder(Child);

    impl Holder {
        fn of(path: &Path) -> Self {
            let file = File::open(path).unwrap();
            Self(Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(file).spawn().unwrap())
        }
    }

    impl Drop for Holder {
        fn drop(&mut self) {
            _ = self.0.kill();
            _ = self.0.wait();
        }
    }

    #[test]
    fn a_file_that_a_program_has_open_is_told_and_our_own_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let names = ["held", "ours", "closed"].map(|name| dir.path().join(name));
        for path in &names {
            fs::write(path, "x").unwrap();
        }
        let holder = Holder::of(&names[0]);
        let _ours = File::open(&names[1]).unwrap();
        let key = |path: &PathBuf| fs::metadata(path).map(|found| (found.dev(), found.ino())).unwrap();
        let wanted: BTreeMap<_, _> = names.iter().map(|path| (key(path), path.clone())).collect();
        let found = open_files(&wanted, Duration::from_secs(20));
        assert_eq!(found, [OpenedBy { path: names[0].clone(), program: "cat".into(), pid: holder.0.id() }]);
        drop(holder);
        assert_eq!(open_files(&wanted, Duration::from_secs(20)), []);
    }

    #[test]
    fn mappings_are_told_by_device_and_inode_or_by_inode_and_path() {
        let wanted = BTreeMap::from([((makedev(0xfd, 1), 1234), PathBuf::from("/models/a b"))]);
        let found = |line: &str| mapping(line, &wanted);
        assert!(found("7f00-7f01 r--s 00000000 fd:01 1234                       /elsewhere").is_some());
        assert!(found("7f00-7f01 r--s 00000000 00:2a 1234                       /models/a b").is_some());
        assert!(found("7f00-7f01 r--s 00000000 00:2a 1234                       /models/other").is_none());
        for line in ["", "x", "7f00-7f01 rw-p 00000000 00:00 0", "a b c d:e f", "7f00-7f01 r--s 0 fd:01 99 "] {
            assert!(found(line).is_none(), "{line}");
        }
    }
}
