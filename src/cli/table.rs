//! Rows of the same kind: a padded table, a JSON array, or ids.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::cell::Cell;
use super::text::{clip, width};
use super::view::{Look, Style, View};

/// Spaces between two columns.
const GAP: usize = 2;
/// The least columns that a shortened column keeps.
const NARROWEST: usize = 8;

/// A column: its JSON key, and what it holds for an item. In capitals the key is the heading.
pub struct Column<T> {
    key: &'static str,
    shown: Shown,
    gives_way: bool,
    cell: fn(&T) -> Cell,
}

/// When people see a column; programs always do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Always,
    /// Where an item has something in it.
    Known,
    Never,
}

impl<T> Column<T> {
    /// A column that everybody sees.
    pub const fn shown(key: &'static str, cell: fn(&T) -> Cell) -> Self {
        Self { key, shown: Shown::Always, gives_way: false, cell }
    }

    /// A column that everybody sees where it says something of any item.
    pub const fn known(key: &'static str, cell: fn(&T) -> Cell) -> Self {
        Self { key, shown: Shown::Known, gives_way: false, cell }
    }

    /// A column that only programs see.
    pub const fn json(key: &'static str, cell: fn(&T) -> Cell) -> Self {
        Self { key, shown: Shown::Never, gives_way: false, cell }
    }

    /// The same column, which is shortened before any other where the terminal has no room.
    #[must_use]
    pub const fn giving_way(self) -> Self {
        Self { gives_way: true, ..self }
    }
}

/// Rows of the same kind; the first column is their id.
pub struct Table {
    columns: Vec<(&'static str, Shown)>,
    /// The columns that are shortened first.
    giving_way: Vec<usize>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A row for each item.
    pub fn new<'a, T: 'a>(columns: &[Column<T>], items: impl IntoIterator<Item = &'a T>) -> Self {
        let row = |item| columns.iter().map(|column| (column.cell)(item)).collect();
        let giving_way = columns.iter().enumerate().filter(|(_, column)| column.gives_way).map(|(index, _)| index).collect();
        let columns_told = columns.iter().map(|column| (column.key, column.shown)).collect();
        Self { columns: columns_told, giving_way, rows: items.into_iter().map(row).collect() }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The indices of the columns that people see.
    fn visible(&self) -> impl Iterator<Item = usize> {
        let shows = |index: usize, shown| match shown {
            Shown::Always => true,
            Shown::Known => self.rows.iter().any(|row| row[index].says_something()),
            Shown::Never => false,
        };
        self.columns.iter().enumerate().filter(move |(index, column)| shows(*index, column.1)).map(|(index, _)| index)
    }

    /// The width of each visible column: its widest cell, less what the terminal has no room for.
    fn widths(&self, room: Option<usize>) -> Vec<usize> {
        let widest = |index: usize| {
            let cells = self.rows.iter().map(|row| width(row[index].shown()));
            cells.max().unwrap_or(0).max(self.columns[index].0.len())
        };
        let mut widths: Vec<usize> = self.visible().map(widest).collect();
        if let Some(room) = room {
            let gives_way: Vec<bool> = self.visible().map(|index| self.giving_way.contains(&index)).collect();
            fit(&mut widths, &gives_way, room);
        }
        widths
    }

    fn heading(&self, widths: &[usize], look: Look) -> String {
        let name = |(index, &width): (usize, &usize)| {
            let name = clip(&self.columns[index].0.to_uppercase(), width);
            let right = self.rows.first().is_some_and(|row| row[index].is_right());
            look.paint(Style::Heading, &pad(&name, width, right))
        };
        joined(self.visible().zip(widths).map(name))
    }

    fn line(&self, row: &[Cell], widths: &[usize]) -> String {
        joined(self.visible().zip(widths).map(|(index, &width)| pad(&clip(row[index].shown(), width), width, row[index].is_right())))
    }
}

/// Takes columns from those that give way, and then from the widest, until all fit in `room`, or none can give any more.
fn fit(widths: &mut [usize], gives_way: &[bool], room: usize) {
    let gaps = GAP * widths.len().saturating_sub(1);
    let mut excess = (widths.iter().sum::<usize>() + gaps).saturating_sub(room);
    while excess > 0 {
        let can_give = |(width, gives_way): &(&mut usize, &bool)| (**width > NARROWEST).then_some((**gives_way, **width));
        match widths.iter_mut().zip(gives_way).filter(|column| can_give(column).is_some()).max_by_key(can_give) {
            Some((width, _)) => *width -= 1,
            None => return,
        }
        excess -= 1;
    }
}

fn pad(text: &str, to: usize, right: bool) -> String {
    let blank = " ".repeat(to.saturating_sub(width(text)));
    if right { blank + text } else { text.to_owned() + &blank }
}

fn joined(cells: impl Iterator<Item = String>) -> String {
    let line = cells.collect::<Vec<_>>().join(&" ".repeat(GAP));
    format!("{}\n", line.trim_end())
}

impl View for Table {
    fn human(&self, look: Look) -> String {
        if self.is_empty() {
            return "No results found.\n".to_owned();
        }
        let widths = self.widths(look.width);
        let lines = self.rows.iter().map(|row| self.line(row, &widths));
        std::iter::once(self.heading(&widths, look)).chain(lines).collect()
    }

    fn json(&self) -> Value {
        let object = |row: &Vec<Cell>| {
            let pairs = self.columns.iter().zip(row).map(|(column, cell)| (column.0.to_owned(), cell.value().clone()));
            Value::Object(pairs.collect::<Map<_, _>>())
        };
        self.rows.iter().map(object).collect()
    }

    /// Row by row: as one value, a table of ten thousand rows would be copied twice.
    fn json_text(&self) -> String {
        let rows = self.rows.iter().map(|row| Row(&self.columns, row));
        let mut text = Vec::new();
        let written = serde_json::Serializer::new(&mut text).collect_seq(rows);
        written.ok().and_then(|()| String::from_utf8(text).ok()).unwrap_or_else(|| self.json().to_string())
    }

    fn quiet(&self) -> Vec<String> {
        self.rows.iter().filter_map(|row| row.first()).flat_map(Cell::lines).collect()
    }
}

/// A row as programs read it.
struct Row<'a>(&'a [(&'static str, Shown)], &'a [Cell]);

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().zip(self.1).map(|(column, cell)| (column.0, cell.value())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fruit(&'static str, u64);

    const COLUMNS: [Column<Fruit>; 3] = [
        Column::shown("fruit_name", |fruit| Cell::text(fruit.0)),
        Column::shown("size", |fruit| Cell::bytes(fruit.1)),
        Column::json("letters", |fruit| Cell::len(fruit.0.len())),
    ];

    fn basket() -> Table {
        Table::new(&COLUMNS, &[Fruit("fig", 3 << 20), Fruit("a pomegranate of great length", 700)])
    }

    #[test]
    fn people_see_padded_columns_with_numbers_at_the_right() {
        let text = basket().human(Look::default());
        assert_eq!(
            text,
            "FRUIT_NAME                      SIZE\n\
             fig                            3 MiB\n\
             a pomegranate of great length  700 B\n"
        );
    }

    #[test]
    fn a_terminal_gets_no_line_longer_than_it_is_wide() {
        let text = basket().human(Look { width: Some(20), color: false });
        assert_eq!(text, "FRUIT_NAME      SIZE\nfig            3 MiB\na pomegranat…  700 B\n");
        basket().human(Look { width: Some(1), color: true }); // too narrow for anything: wraps, and does not panic
    }

    #[test]
    fn programs_see_every_column_and_pipes_the_first() {
        assert_eq!(basket().json()[0].to_string(), r#"{"fruit_name":"fig","size":3145728,"letters":3}"#);
        assert_eq!(basket().json_text(), basket().json().to_string());
        assert_eq!(basket().quiet(), ["fig", "a pomegranate of great length"]);
    }

    #[test]
    fn a_column_that_says_nothing_is_left_out_for_people() {
        const KNOWN: [Column<Fruit>; 2] = [
            Column::shown("name", |fruit| Cell::text(fruit.0)),
            Column::known("size", |fruit| Cell::maybe(Some(fruit.1).filter(|size| *size > 0), Cell::bytes)),
        ];
        let table = |sizes: [u64; 2]| Table::new(&KNOWN, &sizes.map(|size| Fruit("fig", size)));
        assert_eq!(table([0, 0]).human(Look::default()), "NAME\nfig\nfig\n");
        assert_eq!(table([0, 1]).human(Look::default()), "NAME  SIZE\nfig   -\nfig    1 B\n");
        assert_eq!(table([0, 0]).json()[0].to_string(), r#"{"name":"fig","size":null}"#);
    }

    #[test]
    fn an_empty_table_says_so() {
        let empty = Table::new(&COLUMNS, &[]);
        assert_eq!(empty.human(Look::default()), "No results found.\n");
        assert_eq!((empty.json().to_string(), empty.quiet().len()), ("[]".to_owned(), 0));
    }
}
