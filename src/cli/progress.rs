//! How far a job or a verification is, in one line.

use std::time::Duration;

use super::text::{clip, counted, width};
use crate::desk::{self, Job, JobState, VerifyProgress};

/// The least columns that the job's name keeps before details give way.
const NAME: usize = 16;

/// The job's name and how far it is, in at most `room` columns: the less room, the fewer details.
pub fn line(job: &Job, room: usize) -> String {
    let mut details = details(job);
    while details.len() > 1 && NAME + 2 + width(&details.join("  ")) > room {
        details.pop();
    }
    let rest = details.join("  ");
    match room.saturating_sub(width(&rest) + 2) {
        left if left < NAME / 2 => clip(&rest, room),
        left => format!("{}  {rest}", clip(&name(job), left)),
    }
}

/// How far a verification is that began so long ago, in at most `room` columns.
pub fn verifying(progress: &VerifyProgress, since: Duration, room: usize) -> String {
    reading("Verifying", progress, since, room)
}

/// How far something is that reads files and began so long ago, in at most `room` columns.
pub fn reading(what: &str, progress: &VerifyProgress, since: Duration, room: usize) -> String {
    let (done, total) = (progress.bytes_done, progress.bytes_total);
    let percent = done.saturating_mul(100).checked_div(total).unwrap_or(0);
    let speed =
        u128::from(done).saturating_mul(1000).checked_div(since.as_millis()).and_then(|speed| u64::try_from(speed).ok()).unwrap_or(0);
    let eta = total.saturating_sub(done).checked_div(speed).map(|seconds| format!("{} left", clock(seconds)));
    let bytes = format!("{} of {}", desk::bytes(done), desk::bytes(total));
    let files = format!("{} of {}", progress.files_done, counted(progress.files_total, "file", "files"));
    let details = [Some(format!("{what}  {percent:>3} %")), Some(desk::speed(speed)), eta, Some(bytes), Some(files)];
    clip(&details.into_iter().flatten().collect::<Vec<_>>().join("  "), room)
}

/// What the job carries out, as people call it.
pub fn name(job: &Job) -> String {
    format!("{} {}", job.plan.repo.id, job.plan.title)
}

/// How far the job is in whole percent; 100 only once every file is in its place.
pub fn percent(job: &Job) -> u64 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // from 0 to 100
    let percent = (job.progress.ratio() * 100.0) as u64;
    percent
}

/// Where the job stands, in a word: the phase of one that runs.
pub fn stage(job: &Job) -> &'static str {
    match job.state {
        JobState::Running => job.phase.name(),
        state => state.name(),
    }
}

/// What there is to say, the most important first.
fn details(job: &Job) -> Vec<String> {
    let progress = &job.progress;
    let percent = format!("{:>3} %", percent(job));
    let moving = progress.bytes_per_second > 0;
    let speed = moving.then(|| desk::speed(progress.bytes_per_second));
    let eta = progress.eta_seconds.filter(|_| moving).map(|seconds| format!("{} left", clock(seconds)));
    let bytes = format!("{} of {}", desk::bytes(progress.bytes_done), desk::bytes(progress.bytes_total));
    let files = counted(progress.files_total, "file", "files");
    let remark = job.active.iter().find_map(|file| file.remark.clone());
    [Some(percent), speed, eta, Some(stage(job).to_owned()), remark, Some(bytes), Some(files)].into_iter().flatten().collect()
}

/// A span as a clock shows it: `0:42`, `12:05`, `3:01:00`.
fn clock(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// The last point of a job that was told, for faces that tell only now and then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Milestone {
    state: JobState,
    tenths: u64,
}

impl Milestone {
    /// Where the job is: its state, and its progress in steps of ten percent.
    pub fn of(job: &Job) -> Self {
        Self { state: job.state, tenths: percent(job) / 10 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fake;

    #[test]
    fn a_wide_line_tells_everything() {
        let job = fake::running(43, 84 << 20);
        let text = "Qwen/Qwen3-8B-GGUF Q4_K_M   43 %  84 MiB/s  0:32 left  downloading  2.0 GiB of 4.7 GiB  2 files";
        assert_eq!(line(&job, 120), text);
    }

    #[test]
    fn a_narrow_line_keeps_what_matters() {
        let job = fake::running(43, 84 << 20);
        assert_eq!(line(&job, 60), "Qwen/Qwen3-8B-GGUF…   43 %  84 MiB/s  0:32 left  downloading");
        for room in 0..130 {
            assert!(width(&line(&job, room)) <= room, "{room}: {}", line(&job, room));
        }
        assert_eq!(line(&job, 5), " 43 %");
    }

    #[test]
    fn what_a_job_waits_for_stands_beside_its_stage() {
        let remark = Some("waiting for another download of the same content".to_owned());
        let file = desk::FileProgress { path: "q4.gguf".to_owned(), size: 9, done: 0, phase: desk::Phase::Waiting, remark };
        let job = Job { phase: desk::Phase::Waiting, active: vec![file], ..fake::running(43, 0) };
        assert!(line(&job, 120).contains("43 %  waiting  waiting for another download"), "{}", line(&job, 120));
    }

    #[test]
    fn nothing_is_promised_while_nothing_moves() {
        let job = fake::running(43, 0);
        assert!(!line(&job, 120).contains("left"));
    }

    #[test]
    fn a_verification_tells_speed_and_time_to_go() {
        let progress = VerifyProgress { bytes_done: 2 << 30, bytes_total: 8 << 30, files_done: 3, files_total: 40 };
        let text = "Verifying   25 %  1 GiB/s  0:06 left  2 GiB of 8 GiB  3 of 40 files";
        assert_eq!(verifying(&progress, Duration::from_secs(2), 100), text);
        assert_eq!(width(&verifying(&progress, Duration::from_secs(2), 20)), 20);
        assert!(verifying(&VerifyProgress::default(), Duration::ZERO, 100).starts_with("Verifying    0 %  0 B/s  0 B of 0 B"));
    }

    #[test]
    fn spans_read_as_a_clock_shows_them() {
        assert_eq!((clock(42), clock(725), clock(10_860)), ("0:42".to_owned(), "12:05".to_owned(), "3:01:00".to_owned()));
    }
}
