//! Several processes on one queue: the first runs it, the others find it through its socket.

#![allow(clippy::unwrap_used, clippy::panic)] // a test may stop at the first surprise

#[path = "support/hub.rs"]
mod hub;
#[path = "support/machine.rs"]
mod machine;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/terminal.rs"]
mod terminal;

use std::process::{Child, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use scene::{AURORA, Q4, Scene};
use terminal::until;

const LUMEN: &str = "lumen-research/Lumen-3B-Base";

/// A verb that runs beside the test. Dropping it kills it.
struct Beside(Child);

impl Beside {
    fn start(scene: &Scene, line: &str) -> Self {
        let mut command = scene.command(line);
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// The download of the file, of which a part has come.
    fn download(scene: &Scene) -> Self {
        let download = Self::start(scene, &format!("download {AURORA} {Q4}"));
        scene.sends_a_part();
        download
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }

    fn runs(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }

    fn ends(mut self) -> ExitStatus {
        until(|| self.0.try_wait().unwrap(), || "the verb ends".to_owned())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// Waits until the one job is in this state.
fn is(scene: &Scene, state: &str) {
    until(|| (scene.state() == state).then_some(()), || format!("a job that is {state}: {:?}", scene.jobs()));
}

#[test]
fn a_second_process_steers_the_queue_of_the_first() {
    let scene = Scene::new(|_| {});
    let mut first = Beside::download(&scene);
    let job = scene.jobs().remove(0);
    assert_eq!((job["state"].as_str(), job["repo_id"].as_str()), (Some("running"), Some(AURORA)));
    let id = job["id"].as_str().unwrap();
    assert!(scene.run(&format!("jobs pause {id}")).status.success());
    assert_eq!(scene.state(), "paused");
    scene.sends_nothing();
    assert!(first.runs());
    assert!(scene.run(&format!("jobs resume {id}")).status.success());
    assert!(first.ends().success());
    scene.has_the_file();
}

#[test]
fn a_second_download_joins_the_queue_and_outlives_the_first_ones_wish_to_end() {
    let scene = Scene::new(|_| {});
    let mut first = Beside::download(&scene);
    let second = Beside::start(&scene, &format!("download {LUMEN}"));
    let both = until(|| Some(scene.jobs()).filter(|jobs| jobs.len() == 2), || "two jobs".to_owned());
    let id = both.iter().find(|job| job["repo_id"] == AURORA).unwrap()["id"].as_str().unwrap();
    assert!(scene.run(&format!("jobs cancel {id}")).status.success());
    until(|| (scene.jobs().iter().any(|job| job["state"] == "cancelled")).then_some(()), || "a cancelled job".to_owned());
    assert!(first.runs(), "it has nothing more to do for itself, and runs the queue for the other");
    scene.hub.set_rate(None);
    assert!(second.ends().success());
    first.ends();
    assert!(scene.machine.snapshot_file(LUMEN, "model.safetensors.index.json").exists());
}

#[test]
fn a_second_process_limits_the_speed_of_the_first_at_once() {
    let scene = Scene::new(|_| {});
    let first = Beside::download(&scene);
    let id = scene.jobs()[0]["id"].as_str().unwrap().to_owned();
    assert!(scene.run("jobs limit --all 1K").status.success());
    assert!(scene.run(&format!("jobs limit {id} 2K")).status.success());
    scene.hub.set_rate(None);
    let job = scene.jobs().remove(0);
    assert_eq!((&job["limit"], &job["shared_limit"], job["state"].as_str()), (&2048.into(), &1024.into(), Some("running")));
    assert!(scene.run("jobs limit --all none").status.success());
    assert_eq!(scene.state(), "running", "its own limit still holds");
    assert!(scene.run(&format!("jobs limit {id} none")).status.success());
    assert!(first.ends().success());
    scene.has_the_file();
}

#[test]
fn a_complete_download_that_is_asked_for_again_stays_one_job() {
    let scene = Scene::new(|config| config.rate = None);
    for is_complete in [false, true] {
        let done = scene.run(&format!("download {AURORA} {Q4}"));
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        // 99 % it is while the disk syncs what has come; what is complete has nothing to wait for.
        assert!(done.status.success() && !(is_complete && said.contains("99 %")), "{said}");
        assert_eq!(scene.state(), "completed");
    }
}

#[test]
fn another_cache_is_refused() {
    let scene = Scene::new(|_| {});
    let _first = Beside::download(&scene);
    let elsewhere = scene.machine.path().join("elsewhere");
    let refused = scene.run(&format!("download {LUMEN} --cache-dir {}", elsewhere.display()));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("another hfdesk-tui runs the queue, for the cache") && said.contains("XDG_STATE_HOME="), "{said}");
    for cache in [&elsewhere, &scene.machine.cache()] {
        assert!(said.contains(&cache.display().to_string()), "{} in {said}", cache.display());
    }
    assert!(!elsewhere.exists());
}

#[test]
fn the_same_cache_by_another_name_is_not_refused() {
    let scene = Scene::new(|_| {});
    let first = Beside::download(&scene);
    let link = scene.machine.path().join("link");
    std::os::unix::fs::symlink(scene.machine.cache(), &link).unwrap();
    scene.hub.set_rate(None);
    let joined = scene.run(&format!("download {AURORA} {Q4} --cache-dir {}", link.display()));
    assert!(joined.status.success(), "{}", String::from_utf8_lossy(&joined.stderr));
    first.ends();
}

/// What a verb came to: its exit status and what it said on both streams.
fn told(scene: &Scene, line: &str) -> (Option<i32>, String) {
    let output = scene.run(line);
    (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

/// Checks that nothing of what the job needs can be deleted.
fn what_the_job_needs_stays(scene: &Scene, state: &str) {
    let (status, said) = told(scene, &format!("cache rm {AURORA} --yes"));
    assert!(status == Some(1) && said.contains("needs it") && said.contains(state), "{said}");
    let (status, said) = told(scene, "cache prune --yes");
    assert!(status == Some(0) && said.contains("is left alone") && said.contains("Nothing to delete."), "{said}");
}

#[test]
fn what_a_job_needs_is_not_deleted_whether_it_runs_elsewhere_or_nowhere() {
    let scene = Scene::new(|_| {});
    let mut first = Beside::download(&scene);
    what_the_job_needs_stays(&scene, "running");
    let elsewhere = scene.machine.path().join("elsewhere");
    let (status, said) = told(&scene, &format!("cache rm {AURORA} --yes --cache-dir {}", elsewhere.display()));
    assert!(status == Some(4) && said.contains("elsewhere"), "another cache has nothing to do with that queue: {said}");
    assert!(first.runs());
    first.signal(Signal::INT);
    first.ends();
    what_the_job_needs_stays(&scene, "paused");
    scene.hub.set_rate(None);
    assert!(scene.run("jobs resume --all").status.success());
    scene.has_the_file();
    assert_eq!(told(&scene, &format!("cache rm {AURORA} --yes")).0, Some(0));
}

#[test]
fn the_next_process_takes_the_queue_over() {
    let scene = Scene::new(|_| {});
    let first = Beside::download(&scene);
    assert!(scene.socket().exists());
    first.signal(Signal::INT);
    assert_eq!(first.ends().code(), Some(130));
    assert!(!scene.socket().exists());
    is(&scene, "paused");
    scene.hub.set_rate(None);
    assert!(scene.run("jobs resume --all").status.success());
    assert_eq!(scene.state(), "completed", "whoever resumes a job without anybody else to run it runs it");
    scene.has_the_file();
    assert!(!scene.socket().exists());
}

#[test]
fn a_killed_process_leaves_nothing_that_hinders_the_next() {
    let scene = Scene::new(|_| {});
    let first = Beside::download(&scene);
    first.signal(Signal::KILL);
    first.ends();
    assert!(scene.socket().exists(), "nobody was left to remove it");
    scene.hub.set_rate(None);
    assert!(Beside::start(&scene, &format!("download {AURORA} {Q4}")).ends().success());
    scene.has_the_file();
    assert!(!scene.socket().exists());
}

#[test]
fn a_download_takes_the_queue_over_from_a_process_that_ends() {
    for end in [Signal::INT, Signal::KILL] {
        let scene = Scene::new(|_| {});
        let first = Beside::download(&scene);
        let second = Beside::start(&scene, &format!("download {LUMEN}"));
        until(|| (scene.jobs().len() == 2).then_some(()), || "two jobs".to_owned());
        first.signal(end);
        first.ends();
        scene.hub.set_rate(None);
        assert!(second.ends().success(), "nobody asked it to end");
        assert!(scene.machine.snapshot_file(LUMEN, "model.safetensors.index.json").exists());
    }
}
