//! Who reads the output.

use clap::{Args, ValueEnum};

/// Who reads the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// A person: padded tables, progress, questions.
    #[default]
    Human,
    /// A program: one JSON document.
    Json,
    /// A pipe: ids, one per line.
    Quiet,
}

/// The values of `--format`. `auto` is for people: the output does not change because it is piped.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum FormatName {
    Auto,
    Human,
    Json,
    Quiet,
}

/// The flags that choose a [`Format`]; at most one of them.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Output")]
pub struct FormatArgs {
    /// How to write the result
    #[arg(long, global = true, value_name = "FORMAT", conflicts_with_all = ["json", "quiet"])]
    format: Option<FormatName>,
    /// Write one JSON document: sizes in bytes, times in RFC 3339
    #[arg(long, global = true, conflicts_with = "quiet")]
    json: bool,
    /// Write ids only, one per line
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Do not shorten tables to the terminal's width, as the official client has it
    #[arg(long, global = true, hide = true)]
    no_truncate: bool,
}

impl FormatArgs {
    /// Whether tables are to be as wide as what is in them.
    pub fn is_wide(&self) -> bool {
        self.no_truncate
    }

    /// The format chosen.
    pub fn format(&self) -> Format {
        match self.format {
            _ if self.json => Format::Json,
            _ if self.quiet => Format::Quiet,
            Some(FormatName::Json) => Format::Json,
            Some(FormatName::Quiet) => Format::Quiet,
            Some(FormatName::Auto | FormatName::Human) | None => Format::Human,
        }
    }
}
