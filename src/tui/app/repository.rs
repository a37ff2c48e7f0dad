//! The repository pane: what one repository offers and what of it is marked.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::msg::{Effect, Effects, Seq};
use super::{CardView, Message, Reach, RevisionChooser, Step};
use crate::desk::{
    Analysis, Assessed, Assessment, Board, CacheType, Card, Choice, Fault, Job, JobState, PlannedFile, Recommendation, RepoKind, RepoRef,
    RepoSpec, Scenario, Selection, Variant,
};

/// What one repository offers and what of it is marked.
#[derive(Clone, Debug, Default)]
pub struct RepositoryPane {
    /// The repository, once one has been opened.
    pub repo: Option<RepoRef>,
    /// What it offers, once that is known.
    pub analysis: Option<Arc<Analysis>>,
    /// What of it fits, and what to take, once that is known.
    pub assessment: Option<Arc<Assessment>>,
    /// What variants are judged by.
    pub scenario: Scenario,
    /// The row of the cursor.
    pub cursor: usize,
    /// The ids of the marked variants.
    pub marks: BTreeSet<String>,
    /// Whether an analysis is on its way.
    pub loading: bool,
    /// How many files have been listed for it.
    pub listed: usize,
    /// Whether a plan is on its way.
    pub planning: bool,
    /// Why the last analysis failed.
    pub fault: Option<Fault>,
    /// Its card, while that is shown in place of the variants.
    pub card: Option<CardView>,
    /// What a pasted link points at, to be marked once the analysis is there.
    wanted: Option<RepoSpec>,
    seq: Seq,
    /// Which assessment is waited for; it is asked for anew more often than the rest.
    assessment_seq: Seq,
}

/// Whether files hold all of these paths. Both are in path order and may be tens of thousands; this is asked for every row drawn.
fn has_all(files: &[PlannedFile], paths: &[String]) -> bool {
    let start = paths.first().map_or(0, |first| files.partition_point(|file| file.path < *first));
    let mut files = files.iter().skip(start);
    paths.iter().all(|path| files.find(|file| file.path >= *path).is_some_and(|file| file.path == *path))
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
        let marked = || self.variants().iter().filter(|variant| self.marks.contains(&variant.id));
        let mut companions: HashSet<&String> = marked().flat_map(|variant| &variant.companions).collect();
        for own in marked().flat_map(|variant| &variant.files) {
            companions.remove(own);
        }
        let files = self.analysis.iter().flat_map(|analysis| &analysis.files);
        let along = files.filter(|file| companions.contains(&file.path)).map(|file| file.size);
        marked().map(|variant| variant.size).chain(along).sum()
    }

    /// The job of the board that carries this variant of this commit, if one does.
    pub fn job_of<'a>(&self, variant: &Variant, board: &'a Board) -> Option<&'a Job> {
        let analysis = self.analysis.as_ref()?;
        let carries = |job: &&Job| {
            let plan = &job.plan;
            plan.repo.kind == analysis.repo.kind
                && plan.repo.id == analysis.repo.id
                && plan.commit == analysis.commit
                && has_all(&plan.files, &variant.files)
        };
        board.jobs.iter().filter(|job| job.state != JobState::Cancelled).find(carries)
    }

    /// Opens a repository; its variants come with a reply.
    pub(super) fn open(&mut self, repo: RepoRef) -> Effects {
        let (seq, assessment_seq) = (self.seq, self.assessment_seq);
        *self = Self {
            repo: Some(repo),
            seq,
            assessment_seq: assessment_seq + 1,
            scenario: std::mem::take(&mut self.scenario),
            ..Self::default()
        };
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
        self.listed = 0;
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

    /// Takes in how far an analysis is, unless it is stale.
    pub(super) fn listed(&mut self, seq: Seq, files: usize) {
        if seq == self.seq {
            self.listed = files;
        }
    }

    /// Takes an analysis in, unless it is stale. Returns what it leads to and what there is to tell about it.
    pub(super) fn receive(&mut self, seq: Seq, reply: Result<Arc<Analysis>, Fault>) -> (Effects, Option<Message>) {
        if seq != self.seq {
            return (Effects::new(), None);
        }
        self.loading = false;
        match reply {
            Ok(analysis) => {
                let message = self.show(analysis);
                (self.assess(), message)
            }
            Err(fault) => {
                self.fault = Some(fault);
                (Effects::new(), None)
            }
        }
    }

    /// Asks what fits. What is shown stays meanwhile.
    fn assess(&mut self) -> Effects {
        let Some(analysis) = &self.analysis else { return Effects::new() };
        self.assessment_seq += 1;
        vec![Effect::Assess(self.assessment_seq, analysis.repo.clone(), self.scenario.clone())]
    }

    /// Takes an assessment in, unless it is stale, and puts an unmoved cursor on what to take. Returns what there is to tell.
    pub(super) fn receive_assessment(&mut self, seq: Seq, reply: Result<Arc<Assessment>, Fault>) -> Option<Message> {
        if seq != self.assessment_seq {
            return None;
        }
        match reply {
            // The branch has moved between two questions: what is shown is another commit.
            Ok(assessment) if self.analysis.as_ref().is_none_or(|analysis| analysis.commit != assessment.commit) => None,
            Ok(assessment) => {
                if self.assessment.is_none() && self.cursor == 0 && self.marks.is_empty() {
                    self.cursor = self.variants().iter().position(|variant| assessment.recommends(&variant.id)).unwrap_or(0);
                }
                self.assessment = Some(assessment);
                None
            }
            Err(fault) => Some(Message::warning(format!("what fits is not known: {}", fault.message))),
        }
    }

    /// What a variant needs, once that is known.
    pub fn assessed(&self, at: usize, variant: &Variant) -> Option<&Assessed> {
        // They stand in the same order, unless one is of an older commit.
        self.assessment.as_ref()?.variants.get(at).filter(|assessed| assessed.variant == variant.id)
    }

    /// The variant to take, once that is known.
    pub fn recommended(&self) -> Option<(&Variant, &Recommendation)> {
        let recommended = self.assessment.as_ref()?.recommended.as_ref()?;
        Some((self.analysis.as_ref()?.variant(&recommended.variant)?, recommended))
    }

    /// Whether there is a model here that keeps a context.
    pub(super) fn keeps_context(&self) -> bool {
        self.assessment.as_ref().is_some_and(|assessment| assessment.context > 0 && assessment.judges())
    }

    /// Judges by the next longer context that the model was trained for, or the next shorter one; says why where there is none.
    pub(super) fn change_context(&mut self, longer: bool) -> Result<Effects, String> {
        let most = self.assessment.as_ref().and_then(|assessment| assessment.model.context_length).unwrap_or(u64::MAX);
        // From what was asked for last, not from what was answered last: keys may be quicker than answers.
        let now = self.scenario.context.min(most);
        let next = if longer {
            let steps = Scenario::CONTEXTS.into_iter().chain([most]).filter(|tokens| *tokens < u64::MAX);
            steps.map(|tokens| tokens.min(most)).find(|tokens| *tokens > now)
        } else {
            Scenario::CONTEXTS.into_iter().rev().find(|tokens| *tokens < now)
        };
        let end =
            || if longer { format!("{now} tokens is the longest context to judge by") } else { format!("{now} tokens is the shortest") };
        self.scenario.context = next.ok_or_else(end)?;
        Ok(self.assess())
    }

    /// Judges by the next way to store keys and values.
    pub(super) fn next_cache_type(&mut self) -> Effects {
        let all = CacheType::ALL;
        let at = all.iter().position(|kind| *kind == self.scenario.cache_type).unwrap_or_default();
        self.scenario.cache_type = all[(at + 1) % all.len()];
        self.assess()
    }

    fn show(&mut self, analysis: Arc<Analysis>) -> Option<Message> {
        self.fault = None;
        let there: HashSet<&String> = analysis.variants.iter().map(|variant| &variant.id).collect();
        self.marks.retain(|id| there.contains(id));
        self.cursor = self.cursor.min(analysis.variants.len().saturating_sub(1));
        self.analysis = Some(analysis);
        let spec = self.wanted.take()?;
        self.mark_wanted(&spec)
    }

    /// The variants that a link's filters name, and those with a file that it points at, or in the folder that it points at.
    fn wanted(&self, spec: &RepoSpec) -> BTreeSet<String> {
        let Some(analysis) = &self.analysis else { return BTreeSet::new() };
        let named = spec.filters.iter().flat_map(|filter| analysis.named(filter, false));
        let is_meant =
            |path: &String, file: &String| path.strip_prefix(file.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let pointed_at = |variant: &&Variant| spec.file.as_ref().is_some_and(|file| variant.files.iter().any(|path| is_meant(path, file)));
        named.chain(analysis.variants.iter().filter(pointed_at)).map(|variant| variant.id.clone()).collect()
    }

    /// Marks what a link points at; says so when that is nothing.
    fn mark_wanted(&mut self, spec: &RepoSpec) -> Option<Message> {
        let wanted = self.wanted(spec);
        self.cursor = self.variants().iter().position(|variant| wanted.contains(&variant.id)).unwrap_or(self.cursor);
        let names: Vec<&str> = spec.filters.iter().chain(&spec.file).map(String::as_str).collect();
        let missing = wanted.is_empty() && !names.is_empty();
        self.marks.extend(wanted);
        missing.then(|| {
            Message::warning(format!("no variant here is called {} or holds it: mark what you want with Space", names.join(" or ")))
        })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::{Access, Digest, ModelFacts, RepoFile, RepoType};

    #[test]
    fn files_hold_paths_wherever_they_stand() {
        let digest = Digest::GitSha1("0".repeat(40));
        let file = |path: &str| PlannedFile { path: path.to_owned(), size: 1, digest: digest.clone(), xet_hash: None, held: 0 };
        let files = ["a", "b/c", "b/d", "e"].map(file);
        let holds = |paths: &[&str]| has_all(&files, &paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>());
        assert!(holds(&[]) && holds(&["a"]) && holds(&["e"]) && holds(&["a", "b/d", "e"]));
        assert!(!holds(&["b"]) && !holds(&["f"]) && !holds(&["a", "b/cc", "e"]) && !holds(&["e", "f"]));
    }

    #[test]
    fn what_two_variants_share_counts_once() {
        let (mut pane, file) =
            (RepositoryPane::default(), |path: &str, size| RepoFile { path: path.into(), size, digest: None, xet_hash: None });
        let variant = |id: &str, own: &str, companions: &[&str], size| Variant {
            id: id.into(),
            label: id.into(),
            model: String::new(),
            category: "format".into(),
            files: vec![own.into()],
            companions: companions.iter().map(|path| (*path).to_owned()).collect(),
            size,
        };
        pane.analysis = Some(Arc::new(Analysis {
            repo: RepoRef::model("org/name".parse().unwrap()),
            commit: "c".repeat(40),
            repo_type: RepoType::Diffusers,
            access: Access::Open,
            barrier: None,
            files: vec![file("config.json", 1), file("fp16", 10), file("full", 100)],
            variants: vec![variant("full", "full", &["config.json"], 100), variant("fp16", "fp16", &["config.json", "full"], 10)],
            rest: Vec::new(),
            downloads: 0,
            likes: 0,
            last_modified: None,
            task: None,
            license: None,
            base_models: Vec::new(),
            model: ModelFacts::default(),
        }));
        pane.marks = ["fp16".to_owned()].into();
        assert_eq!(pane.marked_size(), 111, "another variant's own file comes along");
        pane.marks.insert("full".to_owned());
        assert_eq!(pane.marked_size(), 111);
    }
}
