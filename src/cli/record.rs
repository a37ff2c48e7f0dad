//! One thing with named facts, with or without a table that belongs to it.

use serde_json::{Map, Value};

use super::cell::Cell;
use super::table::Table;
use super::view::{Look, Style, View};

struct Field {
    key: &'static str,
    cell: Cell,
    for_people: bool,
}

/// One thing: a heading and named facts. The first fact is its id.
pub struct Record {
    heading: String,
    is_done: bool,
    fields: Vec<Field>,
}

impl Record {
    /// Facts about something.
    pub fn about(heading: impl AsRef<str>) -> Self {
        Self { heading: crate::desk::printable(heading.as_ref()), is_done: false, fields: Vec::new() }
    }

    /// The outcome of something that was done, headed by a check mark.
    pub fn done(heading: impl AsRef<str>) -> Self {
        Self { is_done: true, ..Self::about(heading) }
    }

    /// Adds a fact that everybody sees.
    #[must_use]
    pub fn field(mut self, key: &'static str, cell: Cell) -> Self {
        self.fields.push(Field { key, cell, for_people: true });
        self
    }

    /// Adds a fact that only programs see.
    #[must_use]
    pub fn json_field(mut self, key: &'static str, cell: Cell) -> Self {
        self.fields.push(Field { key, cell, for_people: false });
        self
    }

    fn object(&self) -> Map<String, Value> {
        self.fields.iter().map(|field| (field.key.to_owned(), field.cell.value().clone())).collect()
    }
}

impl View for Record {
    fn human(&self, look: Look) -> String {
        let mark = if self.is_done { look.paint(Style::Good, "✓") + " " } else { String::new() };
        let heading = if self.is_done { self.heading.clone() } else { look.paint(Style::Heading, &self.heading) };
        let fields = self.fields.iter().filter(|field| field.for_people);
        let lines = fields.map(|field| format!("  {}: {}\n", field.key, field.cell.shown()));
        std::iter::once(format!("{mark}{heading}\n")).chain(lines).collect()
    }

    fn json(&self) -> Value {
        Value::Object(self.object())
    }

    fn quiet(&self) -> Vec<String> {
        self.fields.first().map(|field| field.cell.lines()).unwrap_or_default()
    }
}

/// A record with tables that belong to it. People read the tables first, so that the sums stay on the screen; pipes get the ids of the
/// first table.
pub struct Sheet {
    /// The thing.
    pub record: Record,
    /// Its parts: tables with their JSON keys.
    pub tables: Vec<(&'static str, Table)>,
}

impl View for Sheet {
    fn human(&self, look: Look) -> String {
        let shown = self.tables.iter().filter(|(_, table)| !table.is_empty());
        let tables: String = shown.map(|(_, table)| table.human(look) + "\n").collect();
        tables + &self.record.human(look)
    }

    fn json(&self) -> Value {
        let mut object = self.record.object();
        object.extend(self.tables.iter().map(|(key, table)| ((*key).to_owned(), table.json())));
        Value::Object(object)
    }

    fn quiet(&self) -> Vec<String> {
        self.tables.first().map(|(_, table)| table.quiet()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record::done("Saved").field("path", Cell::text("/x")).json_field("bytes", Cell::bytes(5))
    }

    #[test]
    fn one_value_reads_three_ways() {
        assert_eq!(record().human(Look::default()), "✓ Saved\n  path: /x\n");
        assert_eq!(record().json().to_string(), r#"{"path":"/x","bytes":5}"#);
        assert_eq!(record().quiet(), ["/x"]);
    }

    #[test]
    fn colour_is_written_only_where_asked() {
        let colored = record().human(Look { width: None, color: true });
        assert_eq!(colored, "\u{1b}[32m✓\u{1b}[0m Saved\n  path: /x\n");
    }
}
