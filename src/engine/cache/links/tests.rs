use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use sha2::Digest as _;
use tempfile::TempDir;

use super::super::Cache;
use super::super::testkit::{self, COMMIT, HASH, add, add_revision, key, plan as download, share, tree, whole};
use super::ledger::FILE;
use crate::desk::{Disposal, Fault, FaultKind, LinkAction, LinkFor, LinkHow, LinkPlan, LinkReport, LinkRequest, Plan, Selection};

const FILES: &[(&str, &[u8])] = &[("README.md", b"# M\n"), ("q4/m.bin", b"weights of four"), ("q8.gguf", b"weights of eight")];
const NEXT: &str = "89abcdef0123456789abcdef0123456789abcdef";

/// A cache with one repository, and folders of other programs beside it.
struct Scene {
    dir: TempDir,
    cache: Cache,
}

impl Scene {
    fn new() -> Self {
        let (dir, cache) = testkit::cache();
        add(&cache, "org/m", FILES);
        Self { dir, cache }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    fn view(&self, program: LinkFor, how: LinkHow) -> LinkRequest {
        let into = Some(self.at("view"));
        LinkRequest::View { repo: key("org/m"), commit: None, files: Vec::new(), program, into, how: Some(how) }
    }

    fn removal(&self, repo: &str) -> LinkRequest {
        LinkRequest::Remove { repo: key(repo), program: LinkFor::Folder, into: Some(self.at("view")) }
    }

    fn friendly(&self, clean: bool) -> LinkRequest {
        LinkRequest::Friendly { into: Some(self.at("view")), clean }
    }

    fn link(&self, request: &LinkRequest) -> (LinkPlan, LinkReport) {
        let plan = self.cache.plan_links(request).unwrap();
        let report = self.cache.link(&plan).unwrap();
        assert_eq!(report.failures, Vec::<String>::new());
        (plan, report)
    }

    fn refused(&self, request: &LinkRequest) -> Fault {
        self.cache.plan_links(request).unwrap_err()
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap()
    }

    fn freed_by_deleting(&self, repo: &str) -> u64 {
        self.cache.plan_deletion(&[whole(repo)]).unwrap().frees
    }
}

fn counts(report: &LinkReport) -> [usize; 4] {
    [report.made, report.updated, report.kept, report.removed]
}

#[test]
fn each_program_finds_the_files_where_it_looks() {
    let scene = Scene::new();
    scene.link(&scene.view(LinkFor::LmStudio, LinkHow::Symlink));
    assert_eq!(scene.read("view/org/m/q4/m.bin"), "weights of four");
    let scene = Scene::new();
    scene.link(&scene.view(LinkFor::LlamaCpp, LinkHow::Symlink));
    assert_eq!(scene.read("view/q8.gguf"), "weights of eight");
    assert!(!scene.at("view/README.md").exists());
    let link = fs::read_link(scene.at("view/q8.gguf")).unwrap();
    assert_eq!(link, scene.cache.root().join("models--org--m/snapshots").join(COMMIT).join("q8.gguf"));
}

#[test]
fn every_kind_of_link_is_made_once_and_taken_away_without_a_trace() {
    for how in [LinkHow::Symlink, LinkHow::Hard, LinkHow::Copy] {
        let scene = Scene::new();
        let (before, request) = (tree(scene.dir.path()), scene.view(LinkFor::Folder, how));
        let (plan, report) = scene.link(&request);
        assert_eq!((counts(&report), plan.cost), ([3, 0, 0, 0], if how == LinkHow::Copy { 35 } else { 0 }), "{how:?}");
        let (blob, name) = (scene.cache.root().join("models--org--m/snapshots").join(COMMIT).join("q4/m.bin"), scene.at("view/q4/m.bin"));
        assert_eq!(fs::metadata(&name).unwrap().ino() == fs::metadata(blob).unwrap().ino(), how != LinkHow::Copy);
        assert_eq!(fs::symlink_metadata(&name).unwrap().is_symlink(), how == LinkHow::Symlink);
        assert_eq!(counts(&scene.link(&request).1), [0, 0, 3, 0], "again changes nothing");
        let made = tree(&scene.at("view"));
        scene.link(&request);
        assert_eq!(tree(&scene.at("view")), made);
        assert_eq!(counts(&scene.link(&scene.removal("org/m")).1), [0, 0, 0, 3]);
        fs::remove_dir(scene.at("view")).unwrap();
        let mut after = tree(scene.dir.path());
        after.retain(|path, _| !path.starts_with("hub/.locks"));
        assert_eq!(after, before, "{how:?}");
    }
}

#[test]
fn blocks_are_shared_where_the_filesystem_can_and_nothing_is_promised_where_it_cannot() {
    let scene = Scene::new();
    let request = scene.view(LinkFor::Folder, LinkHow::Reflink);
    if super::make::can_clone(&scene.cache.root().join("models--org--m/refs/main"), scene.dir.path()) {
        assert_eq!((scene.link(&request).0.cost, scene.read("view/q8.gguf").as_str()), (0, "weights of eight"));
    } else {
        let fault = scene.refused(&request);
        assert!(fault.kind == FaultKind::Usage && fault.hint.unwrap().contains("--how copy"));
        assert!(!scene.at("view").exists());
    }
}

#[test]
fn nothing_is_overwritten_and_what_a_person_changed_stays() {
    let scene = Scene::new();
    fs::create_dir_all(scene.at("view/q4")).unwrap();
    fs::write(scene.at("view/q8.gguf"), "mine").unwrap();
    let (plan, report) = scene.link(&scene.view(LinkFor::Folder, LinkHow::Symlink));
    assert_eq!((report.made, plan.obstacles.len()), (2, 1));
    assert!(plan.obstacles[0].ends_with("view/q8.gguf is there already, and was not made by this program"), "{:?}", plan.obstacles);
    fs::remove_file(scene.at("view/README.md")).unwrap();
    fs::write(scene.at("view/README.md"), "mine too").unwrap();
    fs::write(scene.at("view/added"), "and this").unwrap();
    let (plan, report) = scene.link(&scene.removal("org/m"));
    assert_eq!((report.removed, plan.obstacles.len()), (1, 1));
    let left = [("added", "and this"), ("README.md", "mine too"), ("q8.gguf", "mine")];
    assert!(left.iter().all(|(name, text)| scene.read(&format!("view/{name}")) == *text));
    assert!(scene.at("view/q4").is_dir(), "a folder that was there stays");
    assert!(!scene.at("view/q4/m.bin").exists() && !scene.at("view").join(FILE).exists());
}

#[test]
fn a_copy_that_was_written_to_stays() {
    let scene = Scene::new();
    scene.link(&scene.view(LinkFor::Folder, LinkHow::Copy));
    let copy = File::options().append(true).open(scene.at("view/q8.gguf")).unwrap();
    copy.set_modified(SystemTime::now() + Duration::from_secs(9)).unwrap();
    assert_eq!(counts(&scene.link(&scene.removal("org/m")).1), [0, 0, 0, 2]);
    assert_eq!(scene.read("view/q8.gguf"), "weights of eight");
}

#[test]
fn one_repositorys_names_go_and_anothers_stay() {
    let scene = Scene::new();
    add(&scene.cache, "org/n", &[("n.gguf", b"other weights")]);
    scene.link(&scene.view(LinkFor::LlamaCpp, LinkHow::Symlink));
    let LinkRequest::View { commit, files, program, into, how, .. } = scene.view(LinkFor::LlamaCpp, LinkHow::Hard) else { unreachable!() };
    scene.link(&LinkRequest::View { repo: key("org/n"), commit, files, program, into, how });
    assert_eq!(scene.link(&scene.removal("org/m")).1.removed, 1);
    assert_eq!(scene.read("view/n.gguf"), "other weights");
    assert_eq!(scene.refused(&scene.removal("org/m")).kind, FaultKind::NotFound);
}

#[test]
fn only_the_files_named_are_linked_and_a_missing_one_is_told() {
    let scene = Scene::new();
    let of = |file: &str| match scene.view(LinkFor::Folder, LinkHow::Symlink) {
        LinkRequest::View { repo, program, into, how, .. } => {
            LinkRequest::View { repo, commit: Some(COMMIT.into()), files: vec![file.into()], program, into, how }
        }
        other => other,
    };
    assert_eq!(scene.link(&of("q8.gguf")).1.made, 1);
    assert_eq!(scene.refused(&of("q9.gguf")).kind, FaultKind::NothingMatches);
}

#[test]
fn a_newer_revision_updates_what_was_made_and_another_way_does_too() {
    let scene = Scene::new();
    scene.link(&scene.view(LinkFor::Folder, LinkHow::Symlink));
    add_revision(&scene.cache, "org/m", NEXT, "main", &[("q8.gguf", b"better weights"), ("README.md", b"# M\n")]);
    assert_eq!(counts(&scene.link(&scene.view(LinkFor::Folder, LinkHow::Symlink)).1), [0, 2, 0, 0]);
    assert_eq!(scene.read("view/q8.gguf"), "better weights");
    assert!(fs::read_link(scene.at("view/README.md")).unwrap().to_string_lossy().contains(NEXT), "it does not lead to the old revision");
    assert_eq!(counts(&scene.link(&scene.view(LinkFor::Folder, LinkHow::Hard)).1), [0, 2, 0, 0]);
    assert!(fs::symlink_metadata(scene.at("view/q8.gguf")).unwrap().is_file());
}

#[test]
fn two_files_of_one_name_do_not_share_it() {
    let scene = Scene::new();
    add(&scene.cache, "org/m", &[("a/m.gguf", b"one"), ("b/m.gguf", b"other")]);
    let (plan, report) = scene.link(&scene.view(LinkFor::LlamaCpp, LinkHow::Symlink));
    assert_eq!((report.made, plan.obstacles.len(), scene.read("view/m.gguf").as_str()), (2, 1, "one"));
}

#[test]
fn the_bytes_of_a_hard_linked_view_come_free_only_with_it() {
    let scene = Scene::new();
    let all = scene.freed_by_deleting("org/m");
    let (plan, _) = scene.link(&scene.view(LinkFor::Folder, LinkHow::Hard));
    assert!(plan.cautions[0].contains("only when") && all >= 35);
    assert!(scene.freed_by_deleting("org/m") <= all - 35, "{all}");
    let deletion = scene.cache.plan_deletion(&[whole("org/m")]).unwrap();
    scene.cache.delete(&deletion, Disposal::Forever).unwrap();
    assert_eq!(scene.read("view/q4/m.bin"), "weights of four", "the other program keeps its file");
    assert_eq!(scene.link(&scene.removal("org/m")).1.removed, 3, "what is not in the cache any more can be taken away");
}

#[test]
fn a_symbolic_view_dangles_after_a_deletion_frees_all_and_can_be_removed() {
    let scene = Scene::new();
    let all = scene.freed_by_deleting("org/m");
    scene.link(&scene.view(LinkFor::Folder, LinkHow::Symlink));
    assert_eq!(scene.freed_by_deleting("org/m"), all);
    let deletion = scene.cache.plan_deletion(&[whole("org/m")]).unwrap();
    scene.cache.delete(&deletion, Disposal::Forever).unwrap();
    assert!(!scene.at("view/q8.gguf").exists());
    assert_eq!(scene.link(&scene.removal("org/m")).1.removed, 3);
}

#[test]
fn a_payload_of_the_shared_store_is_linked_itself() {
    let scene = Scene::new();
    let sha = download("org/m", FILES).files[1].digest.hex().to_owned();
    share(&scene.cache, "org/m", &sha, HASH, b"weights of four");
    scene.link(&scene.view(LinkFor::Folder, LinkHow::Hard));
    let payload = scene.cache.root().join("blobs/c6").join(HASH);
    assert_eq!(fs::symlink_metadata(scene.at("view/q4/m.bin")).unwrap().ino(), fs::metadata(payload).unwrap().ino());
}

#[test]
fn a_folder_in_the_cache_and_one_that_leads_elsewhere_are_refused() {
    let scene = Scene::new();
    let inside = |into: PathBuf| LinkRequest::Friendly { into: Some(into), clean: false };
    assert_eq!(scene.refused(&inside(scene.cache.root().join("view"))).kind, FaultKind::Usage);
    symlink(scene.cache.root(), scene.at("alias")).unwrap();
    assert_eq!(scene.refused(&inside(scene.at("alias/deep/view"))).kind, FaultKind::Usage);
    fs::create_dir_all(scene.at("view")).unwrap();
    fs::create_dir_all(scene.at("outside")).unwrap();
    symlink(scene.at("outside"), scene.at("view/q4")).unwrap();
    let (plan, report) = scene.link(&scene.view(LinkFor::Folder, LinkHow::Symlink));
    assert_eq!((report.made, plan.obstacles.len()), (2, 1), "{:?}", plan.obstacles);
    assert_eq!(fs::read_dir(scene.at("outside")).unwrap().count(), 0);
}

#[test]
fn hostile_ledgers_and_plans_reach_nothing() {
    let scene = Scene::new();
    fs::create_dir_all(scene.at("view")).unwrap();
    fs::write(scene.at("victim"), "precious").unwrap();
    symlink("/x", scene.at("link")).unwrap();
    let entry = r#"{"repo":{"kind":"model","id":"org/m"},"source":"/x","how":"symlink","mark":null}"#;
    for name in ["../link", "/etc/passwd", "a/../../link"] {
        fs::write(scene.at("view").join(FILE), format!(r#"{{"version":1,"names":{{"{name}":{entry}}},"folders":[]}}"#)).unwrap();
        assert_eq!(scene.refused(&scene.removal("org/m")).kind, FaultKind::Corrupt, "{name}");
    }
    for text in ["", "{}", "[]", r#"{"version":9,"names":{},"folders":[]}"#] {
        fs::write(scene.at("view").join(FILE), text).unwrap();
        assert_eq!(scene.refused(&scene.view(LinkFor::Folder, LinkHow::Symlink)).kind, FaultKind::Corrupt, "{text}");
    }
    fs::remove_file(scene.at("view").join(FILE)).unwrap();
    let mut plan = scene.cache.plan_links(&scene.view(LinkFor::Folder, LinkHow::Symlink)).unwrap();
    plan.names[0].path = scene.at("victim");
    plan.names[0].action = LinkAction::Remove;
    assert_eq!(scene.cache.link(&plan).unwrap_err().kind, FaultKind::Conflict);
    assert!(scene.read("victim") == "precious" && fs::read_link(scene.at("link")).is_ok());
}

#[test]
fn names_that_cannot_be_printed_are_told_and_not_made() {
    let scene = Scene::new();
    let snapshot = scene.cache.root().join("models--org--m/snapshots").join(COMMIT);
    symlink("../../blobs/none", snapshot.join("gone.gguf")).unwrap();
    let blob = fs::read_link(snapshot.join("q8.gguf")).unwrap();
    symlink(blob, snapshot.join("evil\u{1b}[2J.gguf")).unwrap();
    let (plan, report) = scene.link(&scene.view(LinkFor::LlamaCpp, LinkHow::Symlink));
    assert_eq!((report.made, plan.obstacles.len()), (1, 2), "{:?}", plan.obstacles);
    assert!(plan.obstacles.iter().all(|obstacle| !obstacle.contains('\u{1b}')));
}

#[test]
fn a_friendly_view_follows_the_cache() {
    let scene = Scene::new();
    add(&scene.cache, "datasets/org/set", &[("data.bin", b"rows")]);
    add(&scene.cache, "gpt2", &[("config.json", b"{}")]);
    assert_eq!(counts(&scene.link(&scene.friendly(false)).1), [5, 0, 0, 0]);
    assert_eq!(
        (scene.read("view/datasets/org/set/data.bin").as_str(), scene.read("view/models/gpt2/config.json").as_str()),
        ("rows", "{}")
    );
    add_revision(&scene.cache, "org/m", NEXT, "main", &[("README.md", b"# Next\n")]);
    let deletion = scene.cache.plan_deletion(&[whole("datasets/org/set")]).unwrap();
    scene.cache.delete(&deletion, Disposal::Forever).unwrap();
    fs::write(scene.at("view/datasets/mine"), "").unwrap();
    assert_eq!(counts(&scene.link(&scene.friendly(false)).1), [0, 1, 1, 0], "orphans stay unless they are to go");
    assert_eq!(counts(&scene.link(&scene.friendly(true)).1), [0, 0, 2, 3]);
    assert_eq!(scene.read("view/models/org/m/README.md"), "# Next\n");
    let left: Vec<PathBuf> = fs::read_dir(scene.at("view/datasets")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(left, [scene.at("view/datasets/mine")], "empty folders go, and what a person has added stays");
}

#[test]
fn links_that_another_program_made_are_kept_and_never_taken_away() {
    let scene = Scene::new();
    fs::create_dir_all(scene.at("view/models/org/m")).unwrap();
    symlink("../../../../hub/models--org--m/snapshots/".to_owned() + COMMIT + "/q8.gguf", scene.at("view/models/org/m/q8.gguf")).unwrap();
    symlink("nowhere", scene.at("view/models/org/m/broken")).unwrap();
    assert_eq!(counts(&scene.link(&scene.friendly(true)).1), [2, 0, 1, 0]);
    let deletion = scene.cache.plan_deletion(&[whole("org/m")]).unwrap();
    scene.cache.delete(&deletion, Disposal::Forever).unwrap();
    assert_eq!(counts(&scene.link(&scene.friendly(true)).1), [0, 0, 0, 2]);
    assert!(["q8.gguf", "broken"].iter().all(|name| fs::read_link(scene.at("view/models/org/m").join(name)).is_ok()));
}

#[test]
fn what_changed_since_the_plan_stops_it() {
    let scene = Scene::new();
    let plan = scene.cache.plan_links(&scene.view(LinkFor::Folder, LinkHow::Symlink)).unwrap();
    fs::create_dir_all(scene.at("view")).unwrap();
    fs::write(scene.at("view/q8.gguf"), "mine").unwrap();
    assert_eq!(scene.cache.link(&plan).unwrap_err().kind, FaultKind::Conflict);
    assert_eq!(scene.read("view/q8.gguf"), "mine");
}

#[test]
fn a_cache_that_may_only_be_read_can_be_linked() {
    let scene = Scene::new();
    fs::write(scene.cache.root().join(".locks"), "no folder").unwrap();
    assert_eq!(scene.link(&scene.view(LinkFor::Folder, LinkHow::Symlink)).1.made, 3);
}

#[test]
fn an_interrupted_view_is_taken_away_as_far_as_it_came() {
    let scene = Scene::new();
    scene.link(&scene.view(LinkFor::Folder, LinkHow::Hard));
    fs::remove_file(scene.at("view/README.md")).unwrap();
    assert_eq!(counts(&scene.link(&scene.removal("org/m")).1), [0, 0, 0, 2]);
    assert!(!scene.at("view").join(FILE).exists() && !scene.at("view/q4").exists());
}

/// A filesystem of its own, unmounted with its value; `None` where this user may not mount one.
struct Tmpfs(PathBuf);

impl Tmpfs {
    fn at(path: PathBuf) -> Option<Self> {
        fs::create_dir_all(&path).unwrap();
        let mut mount = Command::new("mount");
        let mounted = mount.args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(&path).stderr(Stdio::null()).status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Self(path));
        }
        assert_ne!(std::env::var("HFDESK_REQUIRE_MOUNT").as_deref(), Ok("1"), "this user may not mount a tmpfs");
        eprintln!("SKIPPED: this user may not mount a tmpfs");
        None
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn across_filesystems_a_hard_link_is_refused_beforehand_and_others_work() {
    let scene = Scene::new();
    let Some(_mounted) = Tmpfs::at(scene.at("view")) else { return };
    let fault = scene.refused(&scene.view(LinkFor::Folder, LinkHow::Hard));
    assert!(fault.kind == FaultKind::Usage && fault.message.contains("between filesystems"), "{fault}");
    assert_eq!(scene.link(&scene.view(LinkFor::Folder, LinkHow::Symlink)).1.made, 3);
    assert_eq!(scene.link(&scene.view(LinkFor::Folder, LinkHow::Copy)).1.updated, 3);
    assert_eq!(scene.read("view/q8.gguf"), "weights of eight");
    assert_eq!(scene.link(&scene.removal("org/m")).1.removed, 3);
    let big = vec![7; 2 << 20];
    add(&scene.cache, "org/m", &[("q8.gguf", &big)]);
    let plan = scene.cache.plan_links(&scene.view(LinkFor::LlamaCpp, LinkHow::Copy)).unwrap();
    assert_eq!(scene.cache.link(&plan).unwrap_err().kind, FaultKind::DiskFull);
    assert_eq!(fs::read_dir(scene.at("view")).unwrap().count(), 0);
}

/// Adopting the files of `org/m` into an empty cache from the folder `models`.
struct Adopting {
    dir: TempDir,
    cache: Cache,
    plan: Plan,
}

impl Adopting {
    fn new() -> Self {
        let (dir, cache) = testkit::cache();
        let folder = dir.path().join("models/org/m");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("four.bin"), "weights of four").unwrap();
        fs::write(folder.join("q8.gguf"), "WEIGHTS of eight").unwrap();
        fs::write(folder.join("README.md"), "# M\n").unwrap();
        Self { dir, cache, plan: download("org/m", FILES) }
    }

    fn planned(&self, hard: bool) -> LinkPlan {
        let selection = Selection::new(self.plan.repo.clone(), crate::desk::Choice::Everything);
        let request = LinkRequest::Adopt { selection, from: None, hard };
        self.cache.plan_adoption(&request, self.plan.clone(), vec![self.dir.path().join("models")]).unwrap()
    }

    fn source(&self) -> PathBuf {
        self.dir.path().join("models/org/m/four.bin")
    }

    fn blob(&self) -> PathBuf {
        self.cache.root().join("models--org--m/blobs").join(self.plan.files[1].digest.hex())
    }
}

#[test]
fn files_are_adopted_by_their_digest_and_the_rest_stays_missing() {
    let scene = Adopting::new();
    let plan = scene.planned(false);
    assert_eq!((plan.count(LinkAction::Make), plan.names[1].source.clone()), (2, scene.source()));
    assert!(plan.cautions[0].starts_with("1 files of the selection are nowhere"), "{:?}", plan.cautions);
    assert!(!scene.cache.root().exists(), "a plan changes nothing");
    let report = scene.cache.link(&plan).unwrap();
    assert_eq!((counts(&report), report.failures), ([2, 0, 0, 0], vec![]));
    assert_eq!(fs::read(&plan.names[1].path).unwrap(), b"weights of four");
    assert_ne!(fs::metadata(scene.blob()).unwrap().ino(), fs::metadata(scene.source()).unwrap().ino(), "each has its own");
    assert!(is_right(&scene.blob()));
    let again = scene.planned(false);
    assert_eq!((again.changes(), counts(&scene.cache.link(&again).unwrap())), (false, [0, 0, 2, 0]));
}

fn is_right(blob: &Path) -> bool {
    hex::encode(sha2::Sha256::digest(fs::read(blob).unwrap())) == blob.file_name().unwrap().to_string_lossy()
}

#[test]
fn bytes_are_shared_only_where_that_is_asked_for() {
    let scene = Adopting::new();
    let plan = scene.planned(true);
    assert_eq!((plan.names[1].how, plan.cost), (LinkHow::Hard, 0));
    assert!(plan.cautions[0].contains("writing into one file writes into the other"));
    assert_eq!(scene.cache.link(&plan).unwrap().made, 2);
    assert_eq!(fs::metadata(scene.blob()).unwrap().ino(), fs::metadata(scene.source()).unwrap().ino());
    assert!(scene.cache.plan_deletion(&[whole("org/m")]).unwrap().frees < 15, "its bytes stay with the other program");
}

#[test]
fn from_another_filesystem_files_are_copied() {
    let scene = Adopting::new();
    let Some(_mounted) = Tmpfs::at(scene.dir.path().join("models/far")) else { return };
    fs::rename(scene.dir.path().join("models/org"), scene.dir.path().join("models/old")).unwrap();
    fs::write(scene.dir.path().join("models/far/m.bin"), "weights of four").unwrap();
    fs::remove_file(scene.dir.path().join("models/old/m/four.bin")).unwrap();
    let plan = scene.planned(true);
    assert_eq!((plan.names[1].how, plan.cost), (LinkHow::Copy, 15));
    assert!(plan.cautions.iter().any(|caution| caution.contains("another filesystem")), "{:?}", plan.cautions);
    assert_eq!(scene.cache.link(&plan).unwrap().made, 2);
    assert!(is_right(&scene.blob()));
}

#[test]
fn a_file_that_changed_since_the_plan_is_not_adopted() {
    for hard in [false, true] {
        let scene = Adopting::new();
        let plan = scene.planned(hard);
        fs::write(scene.source(), "WEIGHTS OF FOUR").unwrap();
        File::options().write(true).open(scene.source()).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
        let report = scene.cache.link(&plan).unwrap();
        assert_eq!((report.made, report.failures.len()), (1, 1), "{hard}");
        assert!(!scene.blob().exists());
    }
}

#[test]
fn a_copy_has_no_name_until_it_is_whole_and_takes_nobodys() {
    let scene = Scene::new();
    let plan = scene.cache.plan_links(&scene.view(LinkFor::Folder, LinkHow::Copy)).unwrap();
    fs::create_dir_all(scene.at("view/q4")).unwrap();
    for name in &plan.names {
        let copy = super::make::copied(name).unwrap();
        fs::write(&name.path, "mine").unwrap();
        assert!(copy.call(&name.path).is_err());
        assert_eq!(fs::read(&name.path).unwrap(), b"mine");
    }
    assert_eq!(tree(&scene.at("view")).len(), 4, "nothing is left behind");
}
