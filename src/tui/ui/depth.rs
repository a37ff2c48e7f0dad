//! How many colours a terminal has, and the nearest of them to a wanted one.

use ratatui::style::Color;

/// How many colours a terminal shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// None: meaning is carried by words, glyphs and modifiers alone.
    Mono,
    /// The sixteen of every terminal.
    Sixteen,
    /// The 256 of xterm.
    Indexed,
    /// Every RGB colour.
    #[default]
    True,
}

impl Depth {
    /// The depth that the environment tells of: `NO_COLOR` (when not empty), `COLORTERM` and `TERM`.
    pub fn detect(variable: impl Fn(&str) -> Option<String>) -> Self {
        let value = |name| variable(name).unwrap_or_default();
        let term = value("TERM");
        if !value("NO_COLOR").is_empty() || matches!(term.as_str(), "dumb" | "vt100" | "vt102" | "vt220") {
            Self::Mono
        } else if matches!(value("COLORTERM").as_str(), "truecolor" | "24bit") || term.ends_with("-direct") {
            Self::True
        } else if term.contains("256color") {
            Self::Indexed
        } else {
            Self::Sixteen
        }
    }

    /// The colour nearest to `wanted` that the terminal has.
    pub fn nearest(self, wanted: Color) -> Color {
        match (self, wanted) {
            (Self::Mono, _) => Color::Reset,
            (Self::Indexed, Color::Rgb(r, g, b)) => Color::Indexed(indexed(r, g, b)),
            (Self::Sixteen, Color::Rgb(r, g, b)) => sixteen(r, g, b),
            _ => wanted,
        }
    }
}

/// The steps of each component in xterm's 6×6×6 cube.
const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The nearest of xterm's cube (16 to 231) and greys (232 to 255).
fn indexed(r: u8, g: u8, b: u8) -> u8 {
    let cube = (0..216u8).map(|i| (16 + i, [CUBE[usize::from(i / 36)], CUBE[usize::from(i / 6 % 6)], CUBE[usize::from(i % 6)]]));
    let greys = (0..24u8).map(|i| (232 + i, [8 + 10 * i; 3]));
    cube.chain(greys).min_by_key(|(_, colour)| distance(*colour, [r, g, b])).map_or(16, |(index, _)| index)
}

/// The nearest of the sixteen, as terminals usually show them.
fn sixteen(r: u8, g: u8, b: u8) -> Color {
    const COLOURS: [(Color, [u8; 3]); 14] = [
        (Color::Black, [0, 0, 0]),
        (Color::Red, [205, 49, 49]),
        (Color::Green, [13, 188, 121]),
        (Color::Yellow, [229, 200, 16]),
        (Color::Blue, [36, 114, 200]),
        (Color::Magenta, [188, 63, 188]),
        (Color::Cyan, [17, 168, 205]),
        (Color::Gray, [229, 229, 229]),
        (Color::DarkGray, [102, 102, 102]),
        (Color::LightRed, [241, 76, 76]),
        (Color::LightGreen, [35, 209, 139]),
        (Color::LightBlue, [59, 142, 234]),
        (Color::LightMagenta, [214, 112, 214]),
        (Color::LightCyan, [41, 184, 219]),
    ];
    COLOURS.into_iter().min_by_key(|(_, colour)| distance(*colour, [r, g, b])).map_or(Color::Reset, |(colour, _)| colour)
}

fn distance(a: [u8; 3], b: [u8; 3]) -> u32 {
    a.into_iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect(variables: &[(&str, &str)]) -> Depth {
        Depth::detect(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_environment_tells_the_depth() {
        assert_eq!(detect(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")]), Depth::True);
        assert_eq!(detect(&[("TERM", "screen-256color")]), Depth::Indexed);
        assert_eq!(detect(&[("TERM", "linux")]), Depth::Sixteen);
        assert_eq!(detect(&[("TERM", "xterm-256color"), ("NO_COLOR", "1")]), Depth::Mono);
        assert_eq!(detect(&[("TERM", "xterm-256color"), ("NO_COLOR", "")]), Depth::Indexed);
    }

    #[test]
    fn colours_fall_to_the_nearest() {
        assert_eq!(Depth::Indexed.nearest(Color::Rgb(255, 0, 0)), Color::Indexed(196));
        assert_eq!(Depth::Indexed.nearest(Color::Rgb(128, 128, 128)), Color::Indexed(244));
        assert_eq!(Depth::Sixteen.nearest(Color::Rgb(250, 80, 80)), Color::LightRed);
        assert_eq!(Depth::Mono.nearest(Color::Rgb(250, 80, 80)), Color::Reset);
        assert_eq!(Depth::True.nearest(Color::Rgb(1, 2, 3)), Color::Rgb(1, 2, 3));
    }
}
