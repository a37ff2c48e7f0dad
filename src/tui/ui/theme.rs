//! Themes: how each role looks, read from a file.
//!
//! ```toml
//! [palette]
//! sky = "#61afef"
//! [roles]
//! "text.dim" = { fg = "#6b7385", mono = ["dim"] }   # `mono`: modifiers where there are no colours
//! "state.running" = "sky"                           # a colour alone is the foreground
//! "list.cursor" = { bg = "#222735", ansi = { mods = ["reversed"] } }   # `ansi`: where there are sixteen
//! ```

use std::collections::BTreeMap;
use std::ops::Range;

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;
use toml::Spanned;

use super::depth::Depth;
use super::glyphs::Glyphs;
use super::roles::Role;
use crate::desk::{Fault, FaultKind};

/// The built-in theme.
const DEFAULT: &str = include_str!("../../../themes/default.toml");

/// How each role looks on one terminal.
#[derive(Clone, Debug)]
pub struct Theme {
    styles: Vec<Style>,
    /// The characters that draw lines, bars and states.
    pub glyphs: Glyphs,
}

impl Theme {
    /// The built-in theme at a colour depth.
    pub fn builtin(depth: Depth, glyphs: Glyphs) -> Result<Self, Fault> {
        Self::parse(DEFAULT, depth, glyphs)
    }

    /// Reads a theme file for a colour depth. An unknown role, colour or modifier is a fault that names its line.
    pub fn parse(text: &str, depth: Depth, glyphs: Glyphs) -> Result<Self, Fault> {
        let file: File = toml::from_str(text).map_err(|error| wrong(text, error.span(), error.message()))?;
        let mut looks = BTreeMap::new();
        for (name, look) in &file.roles {
            if !Role::ALL.iter().any(|role| role.name() == name.get_ref()) {
                return Err(wrong(text, Some(name.span()), &format!("there is no role “{}”", name.get_ref())));
            }
            let style = look.get_ref().style(&file.palette, depth).map_err(|why| wrong(text, Some(look.span()), &why))?;
            looks.insert(name.get_ref().as_str(), style);
        }
        let styles = Role::ALL.iter().map(|role| resolve(role.name(), &looks)).collect();
        Ok(Self { styles, glyphs })
    }

    /// How a role looks.
    pub fn style(&self, role: Role) -> Style {
        self.styles.get(role as usize).copied().unwrap_or_default()
    }
}

/// The look of the longest part of a dotted name that has one.
fn resolve(name: &str, looks: &BTreeMap<&str, Style>) -> Style {
    let mut name = name;
    loop {
        if let Some(style) = looks.get(name) {
            return *style;
        }
        let Some((shorter, _)) = name.rsplit_once('.') else { return Style::default() };
        name = shorter;
    }
}

fn wrong(text: &str, span: Option<Range<usize>>, why: &str) -> Fault {
    let before = span.and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    Fault::new(FaultKind::Usage, format!("the theme's line {line} is wrong: {why}"))
}

/// A colour's name in the palette mapped to its value.
type Palette = BTreeMap<String, String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    palette: Palette,
    roles: BTreeMap<Spanned<String>, Spanned<Look>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Look {
    Foreground(String),
    Full(Full),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Full {
    fg: Option<String>,
    bg: Option<String>,
    #[serde(default)]
    mods: Vec<String>,
    ansi: Option<Box<Full>>,
    mono: Option<Vec<String>>,
}

impl Look {
    fn style(&self, palette: &Palette, depth: Depth) -> Result<Style, String> {
        match self {
            Self::Foreground(name) => Ok(Style::new().fg(depth.nearest(colour(name, palette)?))),
            Self::Full(full) => full.style(palette, depth),
        }
    }
}

impl Full {
    fn style(&self, palette: &Palette, depth: Depth) -> Result<Style, String> {
        let coloured = match &self.ansi {
            Some(ansi) if depth == Depth::Sixteen => ansi,
            _ => self,
        };
        let mods = self.mono.as_ref().filter(|_| depth == Depth::Mono).unwrap_or(&coloured.mods);
        let mut style = Style::new().add_modifier(modifiers(mods)?);
        style.fg = coloured.fg.as_ref().map(|name| colour(name, palette)).transpose()?.map(|colour| depth.nearest(colour));
        style.bg = coloured.bg.as_ref().map(|name| colour(name, palette)).transpose()?.map(|colour| depth.nearest(colour));
        Ok(style)
    }
}

/// A colour by its palette name, its `#rrggbb` or its ANSI name.
fn colour(name: &str, palette: &Palette) -> Result<Color, String> {
    let value = palette.get(name).map_or(name, String::as_str);
    value.parse().map_err(|_| format!("“{value}” is not a colour: write #rrggbb, an ANSI name or a name of the palette"))
}

fn modifiers(names: &[String]) -> Result<Modifier, String> {
    names.iter().try_fold(Modifier::empty(), |all, name| match name.as_str() {
        "bold" => Ok(all | Modifier::BOLD),
        "dim" => Ok(all | Modifier::DIM),
        "italic" => Ok(all | Modifier::ITALIC),
        "underlined" => Ok(all | Modifier::UNDERLINED),
        "reversed" => Ok(all | Modifier::REVERSED),
        _ => Err(format!("“{name}” is not a modifier: write bold, dim, italic, underlined or reversed")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, depth: Depth) -> Result<Theme, Fault> {
        Theme::parse(text, depth, Glyphs::UNICODE)
    }

    #[test]
    fn roles_fall_back_to_the_left() {
        let theme =
            parse("[palette]\nink = \"#010203\"\n[roles]\ntext = \"ink\"\n\"list.cursor\" = { bg = \"red\" }", Depth::True).unwrap();
        assert_eq!(theme.style(Role::Dim).fg, Some(Color::Rgb(1, 2, 3)));
        assert_eq!(theme.style(Role::CursorFocused).bg, Some(Color::Red));
        assert_eq!(theme.style(Role::Key), Style::default());
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        let message = |text| parse(text, Depth::True).unwrap_err().message;
        assert!(message("[roles]\ntext = \"red\"\ntxet = \"red\"").contains("line 3 is wrong: there is no role “txet”"));
        assert!(message("[roles]\n\n\"text\" = \"redd\"").contains("line 3"));
        assert!(message("[roles]\ntext = { mods = [\"blink\"] }").contains("“blink” is not a modifier"));
        assert!(message("[roles]\ntext = { fg = \"#12\" }").contains("line 2"));
        assert!(message("[roles\n").contains("line 1"));
    }

    #[test]
    fn a_theme_has_a_look_for_every_depth() {
        let text = "[roles]\n\"list.cursor\" = { bg = \"#222735\", ansi = { mods = [\"reversed\"] }, mono = [\"reversed\", \"bold\"] }";
        let look = |depth| parse(text, depth).unwrap().style(Role::CursorFocused);
        assert_eq!(look(Depth::True), Style::new().bg(Color::Rgb(0x22, 0x27, 0x35)));
        assert_eq!(look(Depth::Sixteen), Style::new().add_modifier(Modifier::REVERSED));
        let mono = look(Depth::Mono);
        assert_eq!((mono.bg, mono.add_modifier), (Some(Color::Reset), Modifier::REVERSED | Modifier::BOLD));
    }

    /// Contrast of two colours by the Web Content Accessibility Guidelines 2.2, from 1 to 21.
    fn contrast(a: Color, b: Color) -> f64 {
        let linear = |value: u8| {
            let share = f64::from(value) / 255.0;
            if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        };
        let luminance = |colour| match colour {
            Color::Rgb(r, g, b) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b),
            other => panic!("{other} has no fixed value"),
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn the_built_in_theme_can_be_read() {
        let theme = Theme::builtin(Depth::True, Glyphs::UNICODE).unwrap();
        let paper = theme.style(Role::Screen).bg.unwrap();
        let decoration = [Role::Border, Role::BorderFocused, Role::BarRest, Role::DialogBorder];
        for role in Role::ALL.iter().filter(|role| !decoration.contains(role)) {
            let style = theme.style(*role);
            let contrast = contrast(style.fg.unwrap_or(Color::Rgb(255, 255, 255)), style.bg.unwrap_or(paper));
            assert!(contrast >= 4.5, "{}: {contrast:.2}", role.name());
        }
    }
}
