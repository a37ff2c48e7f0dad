//! The page that grows while Markdown is read: what stands open, what has been said of it, and the lines so far.

use std::collections::HashSet;

use pulldown_cmark::{Event, Tag, TagEnd};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::flow::{self, Run, clean};
use super::html;
use super::table::Table;
use crate::tui::ui::roles::Role;
use crate::tui::ui::text::{cut_end, cut_middle, width};
use crate::tui::ui::theme::Theme;

/// The columns that text keeps, however deep it is nested.
const KEPT: usize = 8;
/// The columns of an address.
const ADDRESS: usize = 100;
/// The columns between two tab stops.
const TAB: usize = 4;

/// What stands before the lines of a quote or of an item.
struct Indent {
    /// Before the first line, until that has been drawn.
    first: Option<Span<'static>>,
    /// Before the others.
    rest: Span<'static>,
}

/// How inline text looks; numbers count what stands open.
#[derive(Default)]
struct Look {
    base: Option<Role>,
    strong: usize,
    emphasis: usize,
    strike: usize,
    images: usize,
    /// The addresses of the open links.
    links: Vec<String>,
}

/// The page that grows.
pub(super) struct Page<'t> {
    theme: &'t Theme,
    width: usize,
    lines: Vec<Line<'static>>,
    indents: Vec<Indent>,
    /// Of each open quote and item, whether there was room to indent it.
    open: Vec<bool>,
    /// The next number of each open list, where it is ordered.
    lists: Vec<Option<u64>>,
    look: Look,
    runs: Vec<Run>,
    /// The open block whose text is not Markdown.
    verbatim: Option<String>,
    table: Option<Table>,
    /// Footnotes that stand open; nothing of them shows.
    hidden: usize,
    /// Whether an empty line stands before the next block.
    gap: bool,
    addresses: HashSet<String>,
}

impl<'t> Page<'t> {
    pub(super) fn new(width: usize, theme: &'t Theme) -> Self {
        Self {
            theme,
            width,
            lines: Vec::new(),
            indents: Vec::new(),
            open: Vec::new(),
            lists: Vec::new(),
            look: Look::default(),
            runs: Vec::new(),
            verbatim: None,
            table: None,
            hidden: 0,
            gap: false,
            addresses: HashSet::new(),
        }
    }

    /// The lines so far.
    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// The lines; where there are more than `most` or the text was `cut` before, the last one says so.
    pub(super) fn finish(mut self, most: usize, cut: bool) -> Vec<Line<'static>> {
        self.flush();
        if self.lines.len() >= most || cut {
            self.lines.truncate(most.saturating_sub(1));
            let told = cut_end("The text goes on; it is cut here.", self.width, self.theme.glyphs.ellipsis);
            self.lines.push(Line::from(Span::styled(told, self.theme.style(Role::Warning))));
        }
        self.lines
    }

    /// Takes the next piece of Markdown in.
    pub(super) fn take(&mut self, event: Event) {
        match event {
            Event::Start(Tag::FootnoteDefinition(_)) => self.hidden += 1,
            Event::End(TagEnd::FootnoteDefinition) => self.hidden = self.hidden.saturating_sub(1),
            _ if self.hidden > 0 => {}
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => self.text(&text),
            Event::Code(text) => self.push(&clean(&text), self.theme.style(Role::Number)),
            Event::Html(html) => self.text(&html),
            Event::InlineHtml(html) => self.say(&html::text(&html)),
            Event::SoftBreak => self.push(" ", self.style()),
            Event::HardBreak => self.push("\n", self.style()),
            Event::Rule => self.rule(),
            Event::TaskListMarker(done) => self.task(done),
            Event::FootnoteReference(_) | Event::InlineMath(_) | Event::DisplayMath(_) => {}
        }
    }

    fn start(&mut self, tag: Tag) {
        match tag {
            Tag::Heading { .. } => self.heading(),
            Tag::BlockQuote(_) => self.quote(),
            Tag::CodeBlock(_) => self.code(),
            Tag::HtmlBlock => self.open_verbatim(),
            Tag::List(first) => self.list(first),
            Tag::Item => self.item(),
            Tag::Table(alignments) => {
                self.flush();
                self.table = Some(Table::new(alignments));
            }
            Tag::TableHead | Tag::TableRow => self.row(matches!(tag, Tag::TableHead)),
            Tag::Emphasis => self.look.emphasis += 1,
            Tag::Strong => self.look.strong += 1,
            Tag::Strikethrough => self.look.strike += 1,
            Tag::Link { dest_url, .. } => self.look.links.push(clean(&dest_url)),
            Tag::Image { .. } => self.look.images += 1,
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph => self.flush(),
            TagEnd::Heading(_) | TagEnd::TableHead => self.end_head(),
            TagEnd::BlockQuote(_) => self.close(true),
            TagEnd::CodeBlock => self.end_code(),
            TagEnd::HtmlBlock => self.end_html(),
            TagEnd::List(_) => self.end_list(),
            TagEnd::Item => self.end_item(),
            TagEnd::TableCell => self.end_cell(),
            TagEnd::Table => self.end_table(),
            TagEnd::Emphasis => self.look.emphasis = self.look.emphasis.saturating_sub(1),
            TagEnd::Strong => self.look.strong = self.look.strong.saturating_sub(1),
            TagEnd::Strikethrough => self.look.strike = self.look.strike.saturating_sub(1),
            TagEnd::Link => self.end_link(),
            TagEnd::Image => self.look.images = self.look.images.saturating_sub(1),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        match &mut self.verbatim {
            Some(verbatim) => verbatim.push_str(text),
            None => self.say(text),
        }
    }

    /// Adds inline text; the line breaks in it stay.
    fn say(&mut self, text: &str) {
        let lines: Vec<String> = text.split('\n').map(clean).collect();
        self.push(&lines.join("\n"), self.style());
    }

    fn push(&mut self, text: &str, style: Style) {
        match self.runs.last_mut().filter(|last| last.style == style) {
            Some(last) => last.text.push_str(text),
            None if text.is_empty() => {}
            None => self.runs.push(Run { text: text.to_owned(), style }),
        }
    }

    fn style(&self) -> Style {
        let look = &self.look;
        let role = match look.base {
            _ if look.images > 0 => Role::Dim,
            Some(role) => role,
            None if look.strong > 0 => Role::Strong,
            None => Role::Text,
        };
        let mods = [
            (look.emphasis > 0, Modifier::ITALIC),
            (look.strike > 0, Modifier::CROSSED_OUT),
            (!look.links.is_empty() && look.images == 0, Modifier::UNDERLINED),
        ];
        let mods = mods.into_iter().filter(|(open, _)| *open).fold(Modifier::empty(), |all, (_, modifier)| all | modifier);
        self.theme.style(role).add_modifier(mods)
    }

    /// The address behind a link, the first time it is met and where the text does not say it.
    fn end_link(&mut self) {
        let Some(address) = self.look.links.pop() else { return };
        let worth = address.contains("://") && !self.runs.iter().any(|run| run.text.contains(&address));
        if worth && self.table.is_none() && self.addresses.insert(address.clone()) {
            let shown = cut_middle(&address, ADDRESS, self.theme.glyphs.ellipsis);
            self.push(&format!(" ({shown})"), self.theme.style(Role::Dim));
        }
    }

    fn heading(&mut self) {
        self.flush();
        self.look.base = Some(Role::TitleFocused);
    }

    fn end_head(&mut self) {
        self.look.base = None;
        if self.table.is_none() {
            self.flush();
        }
    }

    fn quote(&mut self) {
        self.flush();
        self.make_gap();
        let bar = Span::styled(format!("{} ", self.theme.glyphs.border.vertical_left), self.theme.style(Role::Border));
        self.indent(Indent { first: None, rest: bar });
    }

    fn list(&mut self, first: Option<u64>) {
        self.flush();
        if self.lists.is_empty() {
            self.make_gap();
        }
        self.gap = false;
        self.lists.push(first);
    }

    fn end_list(&mut self) {
        self.lists.pop();
        self.gap = self.lists.is_empty();
    }

    fn item(&mut self) {
        self.gap = false;
        let mark = match self.lists.last_mut() {
            Some(Some(number)) => {
                let mark = format!("{number}. ");
                *number = number.saturating_add(1);
                mark
            }
            _ => format!("{} ", self.theme.glyphs.separator),
        };
        let rest = Span::raw(" ".repeat(width(&mark)));
        self.indent(Indent { first: Some(Span::styled(mark, self.theme.style(Role::Dim))), rest });
    }

    fn end_item(&mut self) {
        self.flush();
        if self.indents.last().is_some_and(|indent| indent.first.is_some()) && self.open.last() == Some(&true) {
            self.line(Vec::new());
        }
        self.close(false);
    }

    fn task(&mut self, done: bool) {
        let glyphs = self.theme.glyphs;
        let (mark, role) = if done { (glyphs.marked, Role::Mark) } else { (glyphs.unmarked, Role::Dim) };
        let marked = Span::styled(format!("{mark} "), self.theme.style(role));
        if let Some(first) = self.indents.last_mut().and_then(|indent| indent.first.as_mut()) {
            *first = Span::styled(format!("{:1$}", marked.content, width(&first.content)), marked.style);
        }
    }

    /// Opens a quote or an item; where the room is small it is not indented.
    fn indent(&mut self, indent: Indent) {
        let fits = self.room() >= width(&indent.rest.content) + KEPT;
        self.open.push(fits);
        if fits {
            self.indents.push(indent);
        }
    }

    fn close(&mut self, gap: bool) {
        self.flush();
        if self.open.pop() == Some(true) {
            self.indents.pop();
        }
        self.gap = gap;
    }

    fn open_verbatim(&mut self) {
        self.flush();
        self.verbatim = Some(String::new());
    }

    fn code(&mut self) {
        self.open_verbatim();
        self.make_gap();
    }

    fn end_code(&mut self) {
        let code = self.verbatim.take().unwrap_or_default();
        let style = self.theme.style(Role::Number);
        let indent = if self.room() > KEPT { "  " } else { "" };
        for line in code.lines() {
            let shown = cut_end(&format!("{indent}{}", clean(&expanded(line))), self.room(), self.theme.glyphs.ellipsis);
            self.line(vec![Span::styled(shown, style)]);
        }
        self.gap = true;
    }

    fn end_html(&mut self) {
        let html = self.verbatim.take().unwrap_or_default();
        for line in html::text(&html).lines().filter(|line| !line.trim().is_empty()) {
            self.say(line);
            self.push("\n", self.style());
        }
        self.flush();
    }

    fn row(&mut self, head: bool) {
        self.look.base = head.then_some(Role::Column);
        if let Some(table) = &mut self.table {
            table.start_row();
        }
    }

    fn end_cell(&mut self) {
        let runs = std::mem::take(&mut self.runs);
        if let Some(table) = &mut self.table {
            table.cell(runs);
        }
    }

    fn end_table(&mut self) {
        let Some(table) = self.table.take() else { return };
        self.make_gap();
        for row in table.lay(self.room(), self.theme.glyphs.ellipsis, self.theme.style(Role::Text)) {
            self.line(row);
        }
        self.gap = true;
    }

    fn rule(&mut self) {
        self.make_gap();
        let rule = self.theme.glyphs.border.horizontal_top.repeat(self.room());
        self.line(vec![Span::styled(rule, self.theme.style(Role::Border))]);
        self.gap = true;
    }

    /// Lays out the text that has been said.
    fn flush(&mut self) {
        let runs = std::mem::take(&mut self.runs);
        if runs.iter().all(|run| run.text.trim().is_empty()) {
            return;
        }
        self.make_gap();
        let mut rows = flow::wrap(&runs, self.room(), self.theme.glyphs.ellipsis);
        while rows.last().is_some_and(Vec::is_empty) {
            rows.pop();
        }
        for row in rows {
            self.line(row);
        }
        self.gap = true;
    }

    /// The columns that are left for text.
    fn room(&self) -> usize {
        let indented: usize = self.indents.iter().map(|indent| width(&indent.rest.content)).sum();
        self.width.saturating_sub(indented).max(1)
    }

    fn make_gap(&mut self) {
        if std::mem::take(&mut self.gap) {
            let before = self.indents.iter().map(|indent| indent.rest.clone()).collect::<Vec<_>>();
            self.lines.push(Line::from(before));
        }
    }

    fn line(&mut self, row: Vec<Span<'static>>) {
        let before = self.indents.iter_mut().map(|indent| indent.first.take().unwrap_or_else(|| indent.rest.clone()));
        self.lines.push(Line::from(before.chain(row).collect::<Vec<_>>()));
    }
}

/// The line with its tabs as spaces up to the next stop.
fn expanded(line: &str) -> String {
    let mut text = String::new();
    for (at, part) in line.split('\t').enumerate() {
        if at > 0 {
            text.push_str(&" ".repeat(TAB - text.chars().count() % TAB));
        }
        text.push_str(part);
    }
    text
}
