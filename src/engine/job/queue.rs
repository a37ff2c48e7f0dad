//! The queue's rules as pure state: order, transitions, what may start.

use jiff::Timestamp;

use super::record::Record;
use crate::desk::{Fault, FaultKind, JobAction, JobId, JobState, Plan, Target};

/// Every job: unfinished ones in the order in which they run, finished ones where they ended.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    pub jobs: Vec<Record>,
}

impl Queue {
    /// A queue as it was left. Nothing starts by itself: what was queued or running when the last engine ended is paused.
    pub fn restored(mut jobs: Vec<Record>) -> Self {
        for job in jobs.iter_mut().filter(|job| job.state.is_live()) {
            job.state = JobState::Paused;
        }
        Self { jobs }
    }

    /// The job with this id.
    pub fn get_mut(&mut self, id: &JobId) -> Option<&mut Record> {
        self.jobs.iter_mut().find(|job| &job.id == id)
    }

    /// Where the job with this id stands.
    pub fn state(&self, id: &JobId) -> Option<JobState> {
        self.jobs.iter().find(|job| &job.id == id).map(|job| job.state)
    }

    /// Adds a plan, or finds the job that carries it out already and queues that one again if it rested or was over.
    ///
    /// A completed one is queued at the end: it looks again at what it once brought.
    pub fn enqueue(&mut self, plan: Plan, now: Timestamp) -> JobId {
        if let Some(at) = self.jobs.iter().position(|job| job.carries_out(&plan)) {
            let mut job = self.jobs.remove(at);
            let at = if job.state == JobState::Completed { self.jobs.len() } else { at };
            if !job.state.is_live() {
                job.enter(JobState::Queued, None, now);
            }
            let id = job.id.clone();
            self.jobs.insert(at, job);
            return id;
        }
        let record = Record::new(plan, now, |id| self.jobs.iter().any(|job| &job.id == id));
        let id = record.id.clone();
        self.jobs.push(record);
        id
    }

    /// Applies an action and answers with the jobs it changed. An action that does not fit a named job changes nothing.
    pub fn apply(&mut self, action: JobAction, target: &Target, now: Timestamp) -> Result<Vec<JobId>, Fault> {
        let ids = match target {
            Target::All => self.jobs.iter().filter(|job| job.state.allows(action)).map(|job| job.id.clone()).collect(),
            Target::Jobs(ids) => self.checked(action, ids)?,
        };
        let mut in_turn = ids.clone();
        if action == JobAction::First {
            in_turn.reverse(); // so that several jobs keep their order among themselves
        }
        for id in &in_turn {
            self.apply_one(action, id, now);
        }
        Ok(ids)
    }

    fn checked(&self, action: JobAction, ids: &[JobId]) -> Result<Vec<JobId>, Fault> {
        for id in ids {
            let job = self.jobs.iter().find(|job| &job.id == id);
            let state = job.map(|job| job.state).ok_or_else(|| unknown(id))?;
            if !state.allows(action) {
                let message = format!("cannot {} job {id}: it is {}", action.name(), state.name());
                return Err(Fault::new(FaultKind::Conflict, message).hint("look at the list of jobs for what each can do now"));
            }
        }
        Ok(ids.to_vec())
    }

    fn apply_one(&mut self, action: JobAction, id: &JobId, now: Timestamp) {
        match action {
            JobAction::Dismiss => self.jobs.retain(|job| &job.id != id),
            JobAction::Up => self.shift(id, true),
            JobAction::Down => self.shift(id, false),
            JobAction::First | JobAction::Last => self.send_to_an_end(id, action == JobAction::First),
            _ => {
                if let Some(job) = self.get_mut(id)
                    && let Some(state) = job.state.after(action)
                {
                    job.enter(state, None, now);
                }
            }
        }
    }

    /// Moves a job before every other one, or behind them.
    fn send_to_an_end(&mut self, id: &JobId, front: bool) {
        let Some(at) = self.jobs.iter().position(|job| &job.id == id) else { return };
        let job = self.jobs.remove(at);
        if front { self.jobs.insert(0, job) } else { self.jobs.push(job) }
    }

    /// Gives jobs a speed limit of their own, or takes it away.
    pub fn limit(&mut self, ids: &[JobId], bytes_per_second: Option<u64>) -> Result<(), Fault> {
        for id in ids {
            let job = self.jobs.iter().find(|job| &job.id == id).ok_or_else(|| unknown(id))?;
            if job.state.is_over() {
                let message = format!("cannot limit the speed of job {id}: it is {}", job.state.name());
                return Err(Fault::new(FaultKind::Conflict, message));
            }
        }
        self.jobs.iter_mut().filter(|job| ids.contains(&job.id)).for_each(|job| job.limit = bytes_per_second);
        Ok(())
    }

    /// Swaps a job with the nearest unfinished one before it (`up`) or after it.
    fn shift(&mut self, id: &JobId, up: bool) {
        let Some(at) = self.jobs.iter().position(|job| &job.id == id) else { return };
        let mut unfinished = self.jobs.iter().enumerate().filter(|(_, job)| !job.state.is_over()).map(|(index, _)| index);
        let other = if up { unfinished.take_while(|index| *index < at).last() } else { unfinished.find(|index| *index > at) };
        if let Some(other) = other {
            self.jobs.swap(at, other);
        }
    }
}

fn unknown(id: &JobId) -> Fault {
    Fault::new(FaultKind::NotFound, format!("there is no job {id}")).hint("look at the list of jobs")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::desk::{PlannedFile, RepoRef};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn plan(name: &str) -> Plan {
        let digest = "a".repeat(40).parse().unwrap();
        let file = PlannedFile { path: name.to_owned(), size: 8, digest, xet_hash: None, held: 0 };
        Plan::for_tests(RepoRef::model("o/n".parse().unwrap()), vec![file])
    }

    fn queue(names: &[&str]) -> (Queue, Vec<JobId>) {
        let mut queue = Queue::default();
        let ids = names.iter().map(|name| queue.enqueue(plan(name), NOW)).collect();
        (queue, ids)
    }

    fn order(queue: &Queue) -> Vec<&str> {
        queue.jobs.iter().map(|job| job.plan.files[0].path.as_str()).collect()
    }

    #[test]
    fn the_same_plan_is_queued_once_and_wakes_a_job_that_rests() {
        let (mut queue, ids) = queue(&["a", "b"]);
        queue.apply(JobAction::Pause, &Target::Jobs(vec![ids[0].clone()]), NOW).unwrap();
        assert_eq!(queue.enqueue(plan("a"), NOW), ids[0]);
        assert_eq!((queue.jobs.len(), queue.jobs[0].state), (2, JobState::Queued));
    }

    #[test]
    fn a_completed_plan_is_queued_again_as_the_same_job_at_the_end() {
        let (mut queue, ids) = queue(&["a", "b"]);
        queue.jobs[0].enter(JobState::Completed, None, NOW);
        assert_eq!(queue.enqueue(plan("a"), NOW), ids[0]);
        assert_eq!((order(&queue), queue.jobs[1].state), (vec!["b", "a"], JobState::Queued));
    }

    #[test]
    fn jobs_go_to_either_end_in_their_order() {
        let (mut queue, ids) = queue(&["a", "b", "c", "d"]);
        let both = Target::Jobs(vec![ids[1].clone(), ids[3].clone()]);
        queue.apply(JobAction::First, &both, NOW).unwrap();
        assert_eq!(order(&queue), ["b", "d", "a", "c"]);
        queue.apply(JobAction::Last, &both, NOW).unwrap();
        assert_eq!(order(&queue), ["a", "c", "b", "d"]);
    }

    #[test]
    fn a_limit_is_for_jobs_that_are_not_over() {
        let (mut queue, ids) = queue(&["a", "b"]);
        queue.jobs[0].enter(JobState::Completed, None, NOW);
        assert_eq!(queue.limit(&ids, Some(5)).unwrap_err().kind, FaultKind::Conflict);
        assert_eq!(queue.jobs[1].limit, None, "a limit that does not fit a named job changes nothing");
        queue.limit(&ids[1..], Some(5)).unwrap();
        assert_eq!((queue.jobs[0].limit, queue.jobs[1].limit), (None, Some(5)));
    }

    #[test]
    fn an_action_that_does_not_fit_changes_nothing() {
        let (mut queue, ids) = queue(&["a", "b"]);
        queue.apply(JobAction::Pause, &Target::Jobs(vec![ids[0].clone()]), NOW).unwrap();
        let fault = queue.apply(JobAction::Pause, &Target::Jobs(vec![ids[1].clone(), ids[0].clone()]), NOW).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Conflict);
        assert_eq!(queue.jobs[1].state, JobState::Queued);
        assert_eq!(queue.apply(JobAction::Pause, &Target::All, NOW).unwrap(), [ids[1].clone()]);
    }

    #[test]
    fn jobs_move_past_unfinished_ones_only() {
        let (mut queue, ids) = queue(&["a", "b", "c", "d"]);
        queue.jobs[1].enter(JobState::Completed, None, NOW);
        queue.apply(JobAction::Up, &Target::Jobs(vec![ids[2].clone()]), NOW).unwrap();
        assert_eq!(order(&queue), ["c", "b", "a", "d"]);
        queue.apply(JobAction::Down, &Target::Jobs(vec![ids[0].clone()]), NOW).unwrap();
        assert_eq!(order(&queue), ["c", "b", "d", "a"]);
        queue.apply(JobAction::Down, &Target::Jobs(vec![ids[0].clone()]), NOW).unwrap();
        assert_eq!(order(&queue), ["c", "b", "d", "a"]);
    }

    #[test]
    fn nothing_starts_by_itself_after_a_restart() {
        let (queue, _) = queue(&["a"]);
        let restored = Queue::restored(queue.jobs);
        assert_eq!(restored.jobs[0].state, JobState::Paused);
        assert_eq!(Arc::strong_count(&restored.jobs[0].plan), 1);
    }
}
