//! Every action a key can cause: the one registry behind the key map, the help and the hints.

use super::Pane;
use super::cache::Bulk;
use super::key::{Code, Key, ch, ctrl, plain};
use super::list::Step;

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Show every key.
    Help,
    /// End, asking first while downloads run.
    Quit,
    /// Ask whether to end; a second time: end at once.
    Interrupt,
    /// Type what to look for.
    Prompt,
    /// One step back.
    Back,
    /// Focus the next pane.
    NextPane,
    /// Focus the previous pane.
    PreviousPane,
    /// Focus this pane.
    Focus(Pane),
    /// Draw every cell anew.
    Redraw,
    /// Move the cursor.
    Move(Step),
    /// Open what is under the cursor.
    Open,
    /// Load again.
    Refresh,
    /// The next kind of repository.
    NextKind,
    /// The next order.
    NextSort,
    /// Mark or unmark, and go on to the next row.
    Mark,
    /// Mark everything, or nothing when everything is marked.
    MarkAll,
    /// Show the repository's card, or what can be chosen again.
    Card,
    /// Choose another revision of the repository.
    Revision,
    /// Download what is marked.
    Download,
    /// Pause or resume the job.
    Pause,
    /// Pause every job, or resume every job when nothing runs.
    PauseAll,
    /// Give up the job.
    Cancel,
    /// Try the failed job again.
    Retry,
    /// Move the job forward in the queue.
    Earlier,
    /// Move the job back in the queue.
    Later,
    /// Move the job to the queue's front.
    First,
    /// Move the job to the queue's end.
    Last,
    /// Limit the job's speed.
    Limit,
    /// Limit the speed of all jobs together.
    LimitAll,
    /// Take the finished job off the list.
    Dismiss,
    /// Take every completed and cancelled job off the list.
    ClearFinished,
    /// Judge variants by a longer context.
    LongerContext,
    /// Judge variants by a shorter context.
    ShorterContext,
    /// Judge variants by the next way to store keys and values.
    NextCacheType,
    /// Open a row of the cache.
    Unfold,
    /// Close a row of the cache, or go to what it lies under.
    Fold,
    /// Type which repositories of the cache are shown.
    Filter,
    /// Mark everything of a kind in the cache.
    MarkBulk(Bulk),
    /// Mark what has not been used for long.
    MarkUnused,
    /// Delete what is marked from the cache.
    Delete,
    /// Take back the newest deletion.
    Undo,
    /// Empty the trash.
    EmptyTrash,
    /// Protect a repository from deletion, or lift that.
    Pin,
    /// Find out what is wrong with the cache.
    Diagnose,
}

/// Where a key works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Context {
    /// In this pane.
    In(Pane),
    /// In every list.
    List,
    /// Everywhere.
    Global,
}

/// An action with its keys and its words.
#[derive(Debug)]
pub struct Entry {
    /// What it does.
    pub action: Action,
    /// A word or two for the hints at the bottom.
    pub name: &'static str,
    /// A sentence for the help.
    pub doc: &'static str,
    /// The key sequences that cause it; the first is the one the hints show.
    pub keys: &'static [&'static [Key]],
    /// Where they work.
    pub context: Context,
    /// How much it deserves a place among the hints: the highest come first, 0 never shows.
    pub priority: u8,
}

const fn entry(
    context: Context,
    priority: u8,
    action: Action,
    keys: &'static [&'static [Key]],
    name: &'static str,
    doc: &'static str,
) -> Entry {
    Entry { action, name, doc, keys, context, priority }
}

const SEARCH: Context = Context::In(Pane::Search);
const REPOSITORY: Context = Context::In(Pane::Repository);
const JOBS: Context = Context::In(Pane::Jobs);
const CACHE: Context = Context::In(Pane::Cache);

/// Every action, in the order in which help shows them.
#[rustfmt::skip] // one action a line reads as the table it is
pub const ACTIONS: &[Entry] = &[
    entry(SEARCH, 90, Action::Open, &[&[plain(Code::Enter)], &[ch('l')], &[plain(Code::Right)]], "open", "Show what the repository offers"),
    entry(SEARCH, 70, Action::NextKind, &[&[ch('t')]], "kind", "Look for models, datasets or spaces"),
    entry(SEARCH, 60, Action::NextSort, &[&[ch('s')]], "sort", "Order by downloads, likes, change, creation or trend"),
    entry(SEARCH, 30, Action::Refresh, &[&[ch('r')]], "refresh", "Ask the Hub again"),

    entry(REPOSITORY, 90, Action::Mark, &[&[ch(' ')]], "mark", "Mark or unmark the variant and go down"),
    entry(REPOSITORY, 95, Action::Download, &[&[ch('d')], &[plain(Code::Enter)]], "download", "Plan a download of what is marked, else of this variant"),
    entry(REPOSITORY, 80, Action::Card, &[&[ch('c')]], "card", "Read the repository's card, or go back to the variants"),
    entry(REPOSITORY, 50, Action::Revision, &[&[ch('v')]], "revision", "Choose a branch, a tag or a commit"),
    entry(REPOSITORY, 60, Action::MarkAll, &[&[ch('a')]], "all", "Mark every variant, or none"),
    entry(REPOSITORY, 50, Action::LongerContext, &[&[ch('+')], &[ch('=')]], "context", "Judge what fits by a longer context"),
    entry(REPOSITORY, 0, Action::ShorterContext, &[&[ch('-')]], "shorter", "Judge what fits by a shorter context"),
    entry(REPOSITORY, 0, Action::NextCacheType, &[&[ch('z')]], "cache type", "Judge what fits by keys and values in f16, q8_0 or q4_0"),
    entry(REPOSITORY, 40, Action::Focus(Pane::Search), &[&[ch('h')], &[plain(Code::Left)]], "results", "Back to the results"),
    entry(REPOSITORY, 30, Action::Refresh, &[&[ch('r')]], "refresh", "Ask the Hub again"),

    entry(JOBS, 95, Action::Pause, &[&[ch('p')]], "pause/resume", "Pause the job, or let a paused one go on"),
    entry(JOBS, 80, Action::Cancel, &[&[ch('x')]], "cancel", "Give the job up and remove its partial files, after asking"),
    entry(JOBS, 85, Action::Retry, &[&[ch('r')]], "retry", "Try a failed or cancelled job again from where it stood"),
    entry(JOBS, 40, Action::Earlier, &[&[ch('K')]], "earlier", "Move the job forward in the queue"),
    entry(JOBS, 39, Action::Later, &[&[ch('J')]], "later", "Move the job back in the queue"),
    entry(JOBS, 0, Action::First, &[&[ch('<')]], "first", "Move the job to the front: the next to start"),
    entry(JOBS, 0, Action::Last, &[&[ch('>')]], "last", "Move the job to the end of the queue"),
    entry(JOBS, 60, Action::Limit, &[&[ch('s')]], "limit", "Limit the job's speed, at once"),
    entry(JOBS, 38, Action::LimitAll, &[&[ch('S')]], "limit all", "Limit the speed of all jobs together, until the schedule sets another limit"),
    entry(JOBS, 50, Action::Dismiss, &[&[ch('D')]], "dismiss", "Take the finished job off the list; its files stay"),
    entry(JOBS, 30, Action::ClearFinished, &[&[ch('C')]], "clear", "Take every completed and cancelled job off the list"),
    entry(JOBS, 35, Action::Open, &[&[plain(Code::Enter)], &[ch('l')], &[plain(Code::Right)]], "open", "Show the job's repository"),

    entry(CACHE, 90, Action::Mark, &[&[ch(' ')]], "mark", "Mark or unmark this row and go down"),
    entry(CACHE, 95, Action::Delete, &[&[ch('D')]], "delete", "Plan a deletion of what is marked, else of this row; in the trash, empty it out"),
    entry(CACHE, 88, Action::Unfold, &[&[ch('l')], &[plain(Code::Right)], &[plain(Code::Enter)]], "open", "Open the row; where it is open, go into it"),
    entry(CACHE, 0, Action::Fold, &[&[ch('h')], &[plain(Code::Left)]], "close", "Close the row, or go to what it lies under"),
    entry(CACHE, 86, Action::Filter, &[&[ch('f')]], "filter", "Show only what meets conditions, such as size>1GB accessed>30d type=dataset llama"),
    entry(CACHE, 70, Action::NextSort, &[&[ch('s')]], "sort", "Order by size, last use, age or name"),
    entry(CACHE, 50, Action::MarkAll, &[&[ch('a')]], "all", "Mark all that the filter shows, or nothing"),
    entry(CACHE, 48, Action::MarkBulk(Bulk::Detached), &[&[ch('d')]], "detached", "Mark every revision that no branch or tag points at"),
    entry(CACHE, 47, Action::MarkBulk(Bulk::Unfinished), &[&[ch('i')]], "unfinished", "Mark every unfinished download and every blob that nothing uses"),
    entry(CACHE, 46, Action::MarkUnused, &[&[ch('n')]], "not used", "Mark what was not used for as many days as you say"),
    entry(CACHE, 45, Action::MarkBulk(Bulk::Payloads), &[&[ch('b')]], "shared", "Mark every shared payload that nothing uses"),
    entry(CACHE, 84, Action::Undo, &[&[ch('u')]], "undo", "Take back the newest deletion in the trash, or the one on this row"),
    entry(CACHE, 44, Action::EmptyTrash, &[&[ch('E')]], "empty trash", "Empty the trash, after asking"),
    entry(CACHE, 65, Action::Pin, &[&[ch('p')]], "pin", "Protect the repository from deletion, or lift that"),
    entry(CACHE, 64, Action::Diagnose, &[&[ch('!')]], "check", "Find out what is wrong with the cache, and mend it after asking"),
    entry(CACHE, 60, Action::Open, &[&[ch('o')]], "on the Hub", "Show what the repository offers on the Hub"),
    entry(CACHE, 30, Action::Refresh, &[&[ch('r')]], "refresh", "Read the disk again"),

    entry(Context::List, 0, Action::Move(Step::Down), &[&[ch('j')], &[plain(Code::Down)]], "down", "Down"),
    entry(Context::List, 0, Action::Move(Step::Up), &[&[ch('k')], &[plain(Code::Up)]], "up", "Up"),
    entry(Context::List, 0, Action::Move(Step::Top), &[&[ch('g'), ch('g')], &[plain(Code::Home)]], "top", "To the first row"),
    entry(Context::List, 0, Action::Move(Step::Bottom), &[&[ch('G')], &[plain(Code::End)]], "bottom", "To the last row"),
    entry(Context::List, 0, Action::Move(Step::HalfDown), &[&[ctrl('d')]], "half down", "Half a page down"),
    entry(Context::List, 0, Action::Move(Step::HalfUp), &[&[ctrl('u')]], "half up", "Half a page up"),
    entry(Context::List, 0, Action::Move(Step::PageDown), &[&[plain(Code::PageDown)], &[ctrl('f')]], "page down", "A page down"),
    entry(Context::List, 0, Action::Move(Step::PageUp), &[&[plain(Code::PageUp)], &[ctrl('b')]], "page up", "A page up"),

    entry(Context::Global, 85, Action::Prompt, &[&[ch('/')]], "search", "Type what to look for on the Hub"),
    entry(Context::Global, 25, Action::NextPane, &[&[plain(Code::Tab)]], "next pane", "Focus the next pane"),
    entry(Context::Global, 0, Action::PreviousPane, &[&[plain(Code::BackTab)]], "previous pane", "Focus the previous pane"),
    entry(Context::Global, 0, Action::Focus(Pane::Search), &[&[ch('1')]], "search results", "Focus the search results"),
    entry(Context::Global, 0, Action::Focus(Pane::Repository), &[&[ch('2')]], "repository", "Focus the repository"),
    entry(Context::Global, 0, Action::Focus(Pane::Jobs), &[&[ch('3')]], "jobs", "Focus the jobs"),
    entry(Context::Global, 0, Action::Focus(Pane::Cache), &[&[ch('4')]], "cache", "Focus the cache"),
    entry(Context::Global, 20, Action::PauseAll, &[&[ch('P')]], "pause all", "Pause every job, or resume all when nothing runs"),
    entry(Context::Global, 0, Action::Back, &[&[plain(Code::Esc)]], "back", "Dismiss the message, else one step back"),
    entry(Context::Global, 0, Action::Redraw, &[&[ctrl('l')]], "redraw", "Draw the whole screen anew"),
    entry(Context::Global, 97, Action::Help, &[&[ch('?')]], "help", "Every key"),
    entry(Context::Global, 22, Action::Quit, &[&[ch('q')]], "quit", "Quit; asks first while downloads run"),
    entry(Context::Global, 0, Action::Interrupt, &[&[ctrl('c')]], "interrupt", "Ask whether to quit; twice: quit at once"),
];

/// What the keys pressed so far mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// An action.
    Action(Action),
    /// The beginning of a longer sequence.
    Prefix,
    /// Nothing.
    Nothing,
}

/// What a key sequence means in a pane: the pane's own keys come before those of lists and the global ones.
pub fn meaning(pane: Pane, keys: &[Key]) -> Meaning {
    let bound = || contexts(pane).into_iter().flat_map(entries).flat_map(|entry| entry.keys.iter().map(move |keys| (entry.action, *keys)));
    if let Some((action, _)) = bound().find(|(_, bound)| *bound == keys) {
        return Meaning::Action(action);
    }
    if bound().any(|(_, bound)| bound.starts_with(keys)) { Meaning::Prefix } else { Meaning::Nothing }
}

/// The contexts whose keys work in a pane, the nearest first.
pub fn contexts(pane: Pane) -> [Context; 3] {
    [Context::In(pane), Context::List, Context::Global]
}

/// The actions of a context, in the registry's order.
pub fn entries(context: Context) -> impl Iterator<Item = &'static Entry> {
    ACTIONS.iter().filter(move |entry| entry.context == context)
}

/// Whether a pane has keys of its own for an action.
pub(super) fn is_of(action: Action, pane: Pane) -> bool {
    entries(Context::In(pane)).any(|entry| entry.action == action)
}

/// A line of the help.
#[derive(Clone, Copy, Debug)]
pub enum Line {
    /// Where the actions that follow work.
    Heading(Context),
    /// An action.
    Action(&'static Entry),
}

/// The help as a pane shows it: its own actions first.
pub fn help(pane: Pane) -> Vec<Line> {
    let part = |context| std::iter::once(Line::Heading(context)).chain(entries(context).map(Line::Action));
    contexts(pane).into_iter().flat_map(part).collect()
}

/// The actions that deserve a hint in a pane, the most useful first.
pub fn hints(pane: Pane) -> Vec<&'static Entry> {
    let mut hints: Vec<_> = contexts(pane).into_iter().flat_map(entries).filter(|entry| entry.priority > 0).collect();
    hints.sort_by_key(|entry| std::cmp::Reverse(entry.priority));
    hints
}

/// The actions whose sequence goes on from the keys pressed so far.
pub fn continuations(pane: Pane, keys: &[Key]) -> Vec<(&'static [Key], &'static Entry)> {
    let of =
        |entry: &'static Entry| entry.keys.iter().filter(|bound| bound.starts_with(keys)).map(move |bound| (&bound[keys.len()..], entry));
    contexts(pane).into_iter().flat_map(entries).flat_map(of).collect()
}

/// A key sequence as help shows it: `g g`.
pub fn written(keys: &[Key]) -> String {
    keys.iter().map(Key::to_string).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_key_means_two_things_in_one_context() {
        let mut seen = HashSet::new();
        for entry in ACTIONS {
            for keys in entry.keys {
                assert!(seen.insert((entry.context, *keys)), "{} is bound twice in {:?}", written(keys), entry.context);
            }
        }
    }

    #[test]
    fn no_sequence_begins_with_a_key_that_acts_alone() {
        for pane in Pane::ALL {
            let bound: Vec<_> = contexts(pane).into_iter().flat_map(entries).flat_map(|entry| entry.keys).collect();
            for long in bound.iter().filter(|keys| keys.len() > 1) {
                assert!(!bound.iter().any(|short| short.len() < long.len() && long.starts_with(short)), "{}", written(long));
            }
        }
    }

    #[test]
    fn sequences_are_read_key_by_key() {
        assert_eq!(meaning(Pane::Search, &[ch('g')]), Meaning::Prefix);
        assert_eq!(meaning(Pane::Search, &[ch('g'), ch('g')]), Meaning::Action(Action::Move(Step::Top)));
        assert_eq!(meaning(Pane::Search, &[ch('g'), ch('x')]), Meaning::Nothing);
        assert_eq!(continuations(Pane::Search, &[ch('g')]).len(), 1);
    }

    #[test]
    fn a_panes_own_keys_come_first() {
        assert_eq!(meaning(Pane::Jobs, &[ch('r')]), Meaning::Action(Action::Retry));
        assert_eq!(meaning(Pane::Cache, &[ch('r')]), Meaning::Action(Action::Refresh));
        assert_eq!(hints(Pane::Jobs)[0].action, Action::Help);
    }
}
