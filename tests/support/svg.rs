//! A screen as an SVG picture: one `<text>` for each word of cells that look alike.

use std::fmt::Write;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

const CELL: (f64, f64) = (8.4, 16.3);
const MARGIN: f64 = 12.0;

/// The picture of a buffer whose colours are all RGB or the terminal's own.
pub fn picture(buffer: &Buffer) -> String {
    let (columns, rows) = (buffer.area.width, buffer.area.height);
    let (width, height) = (f64::from(columns) * CELL.0 + 2.0 * MARGIN, f64::from(rows) * CELL.1 + 2.0 * MARGIN);
    let paper = hex(buffer[(columns - 1, rows - 1)].bg, "#12141b");
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{paper}\"/>\n\
         <g font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" font-size=\"14\" xml:space=\"preserve\">\n"
    );
    for y in 0..rows {
        for (x, run) in runs(buffer, y) {
            draw(&mut svg, x, y, &run, &paper);
        }
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

/// The cells of a row, grouped by look, each with the column where it begins.
fn runs(buffer: &Buffer, y: u16) -> Vec<(u16, Vec<&Cell>)> {
    let mut runs: Vec<(u16, Vec<&Cell>)> = Vec::new();
    for x in 0..buffer.area.width {
        let cell = &buffer[(x, y)];
        match runs.last_mut() {
            Some((_, run)) if look(run[0]) == look(cell) => run.push(cell),
            _ => runs.push((x, vec![cell])),
        }
    }
    runs
}

fn look(cell: &Cell) -> (Color, Color, Modifier) {
    (cell.fg, cell.bg, cell.modifier)
}

fn draw(svg: &mut String, x: u16, y: u16, run: &[&Cell], paper: &str) {
    let (ink, ground, modifier) = look(run[0]);
    let (left, top, width) = (MARGIN + f64::from(x) * CELL.0, MARGIN + f64::from(y) * CELL.1, run.len() as f64 * CELL.0);
    let ground = hex(ground, paper);
    if ground != paper {
        writeln!(svg, "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{:.1}\" fill=\"{ground}\"/>", CELL.1).unwrap();
    }
    let bold = if modifier.contains(Modifier::BOLD) { " font-weight=\"bold\"" } else { "" };
    let (ink, base) = (hex(ink, "#c6cbd6"), top + 12.5);
    for (word, at) in words(run) {
        let columns = (0..word.chars().count()).map(|i| format!("{:.1}", left + (at + i) as f64 * CELL.0));
        let columns = columns.collect::<Vec<_>>().join(" ");
        let word = word.replace('&', "&amp;").replace('<', "&lt;");
        writeln!(svg, "<text x=\"{columns}\" y=\"{base:.1}\" fill=\"{ink}\"{bold}>{word}</text>").unwrap();
    }
}

/// The words of a run and the column where each begins. Every letter is placed by itself, so that any font keeps the grid.
fn words(run: &[&Cell]) -> Vec<(String, usize)> {
    let mut words: Vec<(String, usize)> = Vec::new();
    let mut inside = false;
    for (at, symbol) in run.iter().map(|cell| cell.symbol()).enumerate() {
        match words.last_mut() {
            _ if symbol.trim().is_empty() => inside = false,
            Some((word, _)) if inside => word.push_str(symbol),
            _ => {
                words.push((symbol.to_owned(), at));
                inside = true;
            }
        }
    }
    words
}

fn hex(colour: Color, default: &str) -> String {
    match colour {
        Color::Rgb(r, g, b) => format!("#{r:02x}{g:02x}{b:02x}"),
        _ => default.to_owned(),
    }
}
