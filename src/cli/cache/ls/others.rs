//! `cache ls --others`: what other programs keep on this machine.

use std::path::PathBuf;

use super::LsArgs;
use crate::cli::cell::Cell;
use crate::cli::format::Format;
use crate::cli::output::Output;
use crate::cli::table::{Column, Table};
use crate::cli::text::counted;
use crate::desk::{self, CacheListing, Fault, Keeper, OtherModel};

/// One model with the store that has it.
struct Row {
    keeper: Keeper,
    root: PathBuf,
    model: OtherModel,
}

const COLUMNS: [Column<Row>; 9] = [
    Column::shown("name", |row| Cell::text(&row.model.name)),
    Column::shown("keeper", |row| Cell::text(row.keeper.title())),
    Column::shown("size", |row| Cell::bytes(row.model.size)),
    Column::shown("linked", |row| Cell::bytes(row.model.linked)),
    Column::json("files", |row| Cell::len(row.model.files)),
    Column::shown("last_accessed", |row| Cell::maybe(row.model.last_accessed, Cell::time)),
    Column::json("path", |row| Cell::path(&row.model.path)),
    Column::json("root", |row| Cell::path(&row.root)),
    Column::json("read_only", |_| Cell::flag(true)),
];

pub(super) fn show(cache: &CacheListing, args: &LsArgs, out: &mut Output) -> Result<(), Fault> {
    let of = |store: &desk::OtherStore| {
        let (keeper, root) = (store.keeper, store.root.clone());
        store.models.clone().into_iter().map(move |model| Row { keeper, root: root.clone(), model })
    };
    let rows: Vec<Row> = cache.others.iter().flat_map(of).take(args.limit.unwrap_or(usize::MAX)).collect();
    out.show(&Table::new(&COLUMNS, &rows))?;
    if out.format() == Format::Human && !cache.others.is_empty() {
        for store in &cache.others {
            let models = counted(store.models.len(), "model", "models");
            out.note(&format!("{}: {models}, {} in {}", store.keeper.title(), desk::bytes(store.size), store.root.display()));
        }
        out.note("These belong to other programs and are only shown. LINKED is what is in the cache too and takes no room of its own.");
    }
    if args.show_warnings {
        cache.others.iter().flat_map(|store| &store.warnings).for_each(|warning| out.warning(warning));
    }
    Ok(())
}
