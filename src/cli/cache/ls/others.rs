//! `cache ls --others`: what other programs keep on this machine.

use std::cmp::Ordering;
use std::path::PathBuf;

use jiff::Timestamp;

use super::LsArgs;
use super::sort::Key;
use crate::cli::cell::Cell;
use crate::cli::format::Format;
use crate::cli::output::Output;
use crate::cli::table::{Column, Table};
use crate::cli::text::counted;
use crate::desk::{self, CacheListing, Fault, FaultKind, Keeper, OtherKind, OtherModel, OtherStore};

/// One model with the store that has it.
struct Row {
    keeper: Keeper,
    root: PathBuf,
    model: OtherModel,
}

const COLUMNS: [Column<Row>; 10] = [
    Column::shown("name", |row| Cell::text(&row.model.name)),
    Column::shown("keeper", |row| Cell::text(row.keeper.title())),
    Column::json("kind", |row| Cell::text(row.model.kind.name())),
    Column::shown("size", |row| Cell::bytes(row.model.size)),
    Column::shown("linked", |row| Cell::bytes(row.model.linked)),
    Column::json("files", |row| Cell::len(row.model.files)),
    Column::shown("last_accessed", |row| Cell::maybe(row.model.last_accessed, Cell::time)),
    Column::json("path", |row| Cell::path(&row.model.path)),
    Column::json("root", |row| Cell::path(&row.root)),
    Column::json("read_only", |_| Cell::flag(true)),
];

pub(super) fn show(cache: &CacheListing, args: &LsArgs, out: &mut Output) -> Result<(), Fault> {
    let rows = rows(cache, args, Timestamp::now())?;
    out.show(&Table::new(&COLUMNS, &rows))?;
    if out.format() == Format::Human && !cache.others.is_empty() {
        for store in &cache.others {
            out.note(&sums(store));
        }
        out.note("These belong to other programs and are only shown. LINKED is what is in the cache too and takes no room of its own.");
    }
    if args.show_warnings {
        cache.others.iter().flat_map(|store| &store.warnings).for_each(|warning| out.warning(warning));
    }
    Ok(())
}

/// What is listed, in its order: store by store, unless another one is asked for.
fn rows(cache: &CacheListing, args: &LsArgs, now: Timestamp) -> Result<Vec<Row>, Fault> {
    let mut rows = Vec::new();
    for (store, model) in cache.others.iter().flat_map(|store| store.models.iter().map(move |model| (store, model))) {
        let taken = args.filters.iter().map(|filter| filter.takes_other(model, now)).collect::<Result<Vec<bool>, Fault>>()?;
        if taken.into_iter().all(|taken| taken) {
            rows.push(Row { keeper: store.keeper, root: store.root.clone(), model: model.clone() });
        }
    }
    if let Some(sort) = args.sort {
        if sort.key() == Key::Modified {
            let message = "nobody keeps when what other programs have was modified";
            return Err(Fault::new(FaultKind::Usage, message).hint("with --others, sort by accessed, name or size"));
        }
        sort.apply(&mut rows, compare);
    }
    rows.truncate(args.limit.unwrap_or(usize::MAX));
    Ok(rows)
}

fn compare(key: Key, a: &Row, b: &Row) -> Ordering {
    match key {
        Key::Accessed => a.model.last_accessed.cmp(&b.model.last_accessed),
        Key::Name => a.model.name.cmp(&b.model.name),
        Key::Size => a.model.size.cmp(&b.model.size),
        Key::Modified => Ordering::Equal,
    }
}

/// One line: what a store keeps, and what of it is no model.
fn sums(store: &OtherStore) -> String {
    let of =
        |kind, words: &str| Some(store.sum(kind)).filter(|(count, _)| *count > 0).map(|(_, size)| words.replace("{}", &desk::bytes(size)));
    let models = Some(store.sum(OtherKind::Model).0).filter(|count| *count > 0).map(|count| counted(count, "model", "models"));
    let parts = [
        of(OtherKind::Unused, "{} that no manifest uses"),
        of(OtherKind::Unknown, "{} of unknown use"),
        of(OtherKind::Unfinished, "{} of unfinished downloads"),
    ];
    let whole =
        models.into_iter().chain([format!("{} in {}", desk::bytes(store.size), store.root.display())]).collect::<Vec<_>>().join(", ");
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let among = if parts.is_empty() { String::new() } else { format!("; among that {}", parts.join(", ")) };
    format!("{}: {whole}{among}", store.keeper.title())
}
