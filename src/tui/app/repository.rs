//! The repository pane: what one repository offers and what of it is marked.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::msg::{Effect, Effects, Seq};
use super::{CardView, Message, Reach, RevisionChooser, Step};
use crate::desk::{Analysis, Board, Card, Choice, Fault, Job, JobState, RepoKind, RepoRef, RepoSpec, Selection, Variant};

/// What one repository offers and what of it is marked.
#[derive(Clone, Debug, Default)]
pub struct RepositoryPane {
    /// The repository, once one has been opened.
    pub repo: Option<RepoRef>,
    /// What it offers, once that is known.
    pub analysis: Option<Arc<Analysis>>,
    /// The row of the cursor.
    pub cursor: usize,
    /// The ids of the marked variants.
    pub marks: BTreeSet<String>,
    /// Whether an analysis is on its way.
    pub loading: bool,
    /// Whether a plan is on its way.
    pub planning: bool,
    /// Why the last analysis failed.
    pub fault: Option<Fault>,
    /// Its card, while that is shown in place of the variants.
    pub card: Option<CardView>,
    /// What a pasted link points at, to be marked once the analysis is there.
    wanted: Option<RepoSpec>,
    seq: Seq,
}

impl RepositoryPane {
    /// What can be chosen.
    pub fn variants(&self) -> &[Variant] {
        self.analysis.as_ref().map_or(&[], |analysis| &analysis.variants)
    }

    /// The marked variants, in the order shown; without marks the one under the cursor.
    pub fn chosen(&self) -> Vec<&Variant> {
        if self.marks.is_empty() {
            return self.variants().get(self.cursor).into_iter().collect();
        }
        self.variants().iter().filter(|variant| self.marks.contains(&variant.id)).collect()
    }

    /// Size in bytes of what the marked variants need, companions included; shared files count once.
    pub fn marked_size(&self) -> u64 {
        let marked = self.variants().iter().filter(|variant| self.marks.contains(&variant.id));
        let paths: HashSet<&String> = marked.flat_map(|variant| variant.files.iter().chain(&variant.companions)).collect();
        let files = self.analysis.iter().flat_map(|analysis| &analysis.files);
        files.filter(|file| paths.contains(&file.path)).map(|file| file.size).sum()
    }

    /// The job of the board that carries this variant of this commit, if one does.
    pub fn job_of<'a>(&self, variant: &Variant, board: &'a Board) -> Option<&'a Job> {
        let analysis = self.analysis.as_ref()?;
        let carries = |job: &&Job| {
            let plan = &job.plan;
            plan.repo.kind == analysis.repo.kind
                && plan.repo.id == analysis.repo.id
                && plan.commit == analysis.commit
                && variant.files.iter().all(|path| plan.files.iter().any(|file| file.path == *path))
        };
        board.jobs.iter().filter(|job| job.state != JobState::Cancelled).find(carries)
    }

    /// Opens a repository; its variants come with a reply.
    pub(super) fn open(&mut self, repo: RepoRef) -> Effects {
        let seq = self.seq;
        *self = Self { repo: Some(repo), seq, ..Self::default() };
        self.refresh()
    }

    /// Opens what a pasted link names.
    pub(super) fn open_spec(&mut self, spec: RepoSpec, kind: RepoKind) -> Effects {
        let effects = self.open(spec.repo(kind));
        self.wanted = Some(spec);
        effects
    }

    /// Asks again. What is shown stays meanwhile; replies to older requests are stale from now on.
    pub(super) fn refresh(&mut self) -> Effects {
        let Some(repo) = self.repo.clone() else { return Effects::new() };
        self.seq += 1;
        self.loading = true;
        self.planning = false;
        let card = self.card.is_some().then(|| Effect::Card(self.seq, repo.clone()));
        std::iter::once(Effect::Analyze(self.seq, repo)).chain(card).collect()
    }

    /// Shows the card in place of the variants, or these again.
    pub(super) fn toggle_card(&mut self) -> Effects {
        let Some(repo) = self.repo.clone().filter(|_| self.card.take().is_none()) else { return Effects::new() };
        self.card = Some(CardView::default());
        vec![Effect::Card(self.seq, repo)]
    }

    /// Asks which other revisions there are; none while nothing is open.
    pub(super) fn choose_revision(&self) -> Option<RevisionChooser> {
        self.repo.clone().map(|repo| RevisionChooser::new(repo, self.seq))
    }

    /// Takes a card in, unless it is stale or no longer wanted.
    pub(super) fn receive_card(&mut self, seq: Seq, reply: Result<Option<Arc<Card>>, Fault>) {
        if let Some(card) = self.card.as_mut().filter(|_| seq == self.seq) {
            card.receive(reply);
        }
    }

    /// Takes in how much of the card was drawn.
    pub(super) fn card_drawn(&mut self, reach: Reach) {
        if let Some(card) = &mut self.card {
            card.drawn(reach);
        }
    }

    /// Takes an analysis in, unless it is stale. Returns what there is to tell about it.
    pub(super) fn receive(&mut self, seq: Seq, reply: Result<Arc<Analysis>, Fault>) -> Option<Message> {
        if seq != self.seq {
            return None;
        }
        self.loading = false;
        match reply {
            Ok(analysis) => return self.show(analysis),
            Err(fault) => self.fault = Some(fault),
        }
        None
    }

    fn show(&mut self, analysis: Arc<Analysis>) -> Option<Message> {
        self.fault = None;
        self.marks.retain(|id| analysis.variant(id).is_some());
        self.cursor = self.cursor.min(analysis.variants.len().saturating_sub(1));
        self.analysis = Some(analysis);
        let spec = self.wanted.take()?;
        self.mark_wanted(&spec)
    }

    /// Marks what a link points at; says so when that is nothing.
    fn mark_wanted(&mut self, spec: &RepoSpec) -> Option<Message> {
        let wants = |variant: &Variant| {
            spec.filters.iter().any(|filter| variant.label.eq_ignore_ascii_case(filter))
                || spec.file.as_ref().is_some_and(|file| variant.files.contains(file))
        };
        let wanted: BTreeSet<String> = self.variants().iter().filter(|variant| wants(variant)).map(|variant| variant.id.clone()).collect();
        self.cursor = self.variants().iter().position(wants).unwrap_or(self.cursor);
        let names: Vec<&str> = spec.filters.iter().chain(&spec.file).map(String::as_str).collect();
        let missing = wanted.is_empty() && !names.is_empty();
        self.marks.extend(wanted);
        missing.then(|| Message::warning(format!("nothing here is called {}: mark what you want with Space", names.join(" or "))))
    }

    /// Moves the cursor, or scrolls the card.
    pub(super) fn step(&mut self, step: Step, page: usize) {
        if let Some(card) = &mut self.card {
            return card.step(step);
        }
        self.cursor = step.from(self.cursor, self.variants().len(), page);
    }

    /// Marks or unmarks the variant under the cursor and goes on to the next.
    pub(super) fn mark(&mut self) {
        if self.card.is_some() {
            return; // nobody marks what does not show
        }
        let Some(id) = self.variants().get(self.cursor).map(|variant| variant.id.clone()) else { return };
        if !self.marks.remove(&id) {
            self.marks.insert(id);
        }
        self.step(Step::Down, 1);
    }

    /// Marks every variant, or none when every one is marked.
    pub(super) fn mark_all(&mut self) {
        if self.card.is_some() {
            return;
        }
        let all: BTreeSet<String> = self.variants().iter().map(|variant| variant.id.clone()).collect();
        self.marks = if self.marks == all { BTreeSet::new() } else { all };
    }

    /// Asks what downloading the choice would do: every file, where the repository has no variants.
    pub(super) fn plan(&mut self) -> Effects {
        let (Some(repo), Some(analysis)) = (&self.repo, &self.analysis) else { return Effects::new() };
        let ids: Vec<String> = self.chosen().into_iter().map(|variant| variant.id.clone()).collect();
        let choice = if analysis.variants.is_empty() { Choice::Everything } else { Choice::Variants(ids) };
        let selection = Selection::new(repo.clone(), choice);
        self.planning = true;
        vec![Effect::Plan(self.seq, selection)]
    }

    /// Whether a plan's reply is still wanted. It is asked for once.
    pub(super) fn expects_plan(&mut self, seq: Seq) -> bool {
        seq == self.seq && std::mem::take(&mut self.planning)
    }
}
