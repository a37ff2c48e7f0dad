//! From what a person types to jobs.

use crate::desk::{Board, Fault, FaultKind, Job};

/// The jobs whose ids begin as typed; each beginning must be that of exactly one job.
pub fn resolve<'a>(board: &'a Board, typed: &[String]) -> Result<Vec<&'a Job>, Fault> {
    let mut jobs: Vec<&Job> = Vec::new();
    for beginning in typed {
        let job = one(board, beginning)?;
        if !jobs.iter().any(|other| other.id == job.id) {
            jobs.push(job);
        }
    }
    Ok(jobs)
}

fn one<'a>(board: &'a Board, beginning: &str) -> Result<&'a Job, Fault> {
    let wanted = beginning.to_ascii_lowercase();
    let found: Vec<&Job> = board.jobs.iter().filter(|job| job.id.0.starts_with(&wanted)).collect();
    match found[..] {
        [job] => Ok(job),
        [] => {
            let fault = Fault::new(FaultKind::NotFound, format!("no job's id begins with “{beginning}”"));
            Err(if board.jobs.is_empty() { fault.hint("the queue is empty") } else { fault.hint(listed("the jobs are", &board.jobs)) })
        }
        _ => {
            let message = format!("the ids of {} jobs begin with “{beginning}”", found.len());
            Err(Fault::new(FaultKind::Usage, message).hint(listed("type more of one of", found)))
        }
    }
}

/// At most eight candidates, each with what it carries out.
fn listed<'a>(before: &str, jobs: impl IntoIterator<Item = &'a Job>) -> String {
    let candidate = |job: &Job| format!("{} ({} {})", job.id, job.plan.repo.id, job.plan.title);
    let candidates: Vec<String> = jobs.into_iter().take(8).map(candidate).collect();
    format!("{before} {}", candidates.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fake::FakeDesk;

    fn resolved(typed: &[&str]) -> Result<Vec<String>, Fault> {
        let typed: Vec<String> = typed.iter().map(ToString::to_string).collect();
        let board = FakeDesk::new().boards.remove(0);
        Ok(resolve(&board, &typed)?.iter().map(|job| job.id.0.clone()).collect())
    }

    #[test]
    fn a_unique_beginning_is_enough() {
        assert_eq!(resolved(&["3F2A", "77d000000003", "3f2a0"]).unwrap(), ["3f2a00000001", "77d000000003"]);
    }

    #[test]
    fn an_ambiguous_beginning_lists_what_it_may_mean() {
        let fault = resolved(&["3f2"]).unwrap_err();
        assert_eq!((fault.kind, fault.message.as_str()), (FaultKind::Usage, "the ids of 2 jobs begin with “3f2”"));
        let hint = fault.hint.unwrap();
        assert!(hint.contains("3f2a00000001 (Qwen/Qwen3-8B-GGUF Q4_K_M), 3f2b00000002"), "{hint}");
    }

    #[test]
    fn an_unknown_beginning_lists_what_there_is() {
        let fault = resolved(&["9"]).unwrap_err();
        assert_eq!(fault.kind, FaultKind::NotFound);
        assert!(fault.hint.unwrap().contains("77d000000003"));
    }
}
