//! The characters that draw lines, bars and states: one set for terminals with Unicode, one for those without.

use ratatui::symbols::border;

/// The characters that draw lines, bars and states. Each is one column wide.
#[derive(Clone, Copy, Debug)]
pub struct Glyphs {
    /// The borders of panes.
    pub border: border::Set<'static>,
    /// A job that waits.
    pub queued: &'static str,
    /// A job that moves.
    pub running: &'static str,
    /// A job that a person stopped.
    pub paused: &'static str,
    /// A job that is done.
    pub completed: &'static str,
    /// A job that failed.
    pub failed: &'static str,
    /// A job that was given up.
    pub cancelled: &'static str,
    /// A row that is marked.
    pub marked: &'static str,
    /// A row that is not marked.
    pub unmarked: &'static str,
    /// A row of which a part is marked.
    pub partly: &'static str,
    /// A row that is open.
    pub open: &'static str,
    /// A row that can be opened.
    pub closed: &'static str,
    /// A repository that is not to be deleted.
    pub pinned: &'static str,
    /// A repository that lies in another place than its cache.
    pub moved: &'static str,
    /// What stands between something as it is and as it will be.
    pub becomes: &'static str,
    /// The variant to take.
    pub take: &'static str,
    /// A model that fits one card.
    pub one_gpu: &'static str,
    /// A model that fits several cards.
    pub across_gpus: &'static str,
    /// A model that cards hold a part of.
    pub offload: &'static str,
    /// A model that only main memory holds.
    pub memory: &'static str,
    /// A model that nothing holds.
    pub too_large: &'static str,
    /// A part of a bar that is done.
    pub done: &'static str,
    /// A part of a bar that is to come.
    pub rest: &'static str,
    /// What stands for text that was cut.
    pub ellipsis: &'static str,
    /// What separates facts on one line.
    pub separator: &'static str,
    /// A repository with restricted access.
    pub gated: &'static str,
    /// What stands between something and what it was made from.
    pub made_from: &'static str,
    /// What marks the focus of the prompt.
    pub prompt: &'static str,
}

impl Glyphs {
    /// For terminals that show Unicode. No emoji, no Braille, no private fonts.
    pub const UNICODE: Self = Self {
        border: border::ROUNDED,
        queued: "○",
        running: "●",
        paused: "◌",
        completed: "✓",
        failed: "▲",
        cancelled: "×",
        marked: "■",
        unmarked: "□",
        partly: "◪",
        open: "▾",
        closed: "▸",
        pinned: "◈",
        moved: "↗",
        becomes: "→",
        take: "★",
        one_gpu: "●",
        across_gpus: "◉",
        offload: "◐",
        memory: "○",
        too_large: "×",
        done: "━",
        rest: "─",
        ellipsis: "…",
        separator: "·",
        gated: "◆",
        made_from: "←",
        prompt: "›",
    };

    /// For terminals that do not.
    pub const ASCII: Self = Self {
        border: border::Set {
            top_left: "+",
            top_right: "+",
            bottom_left: "+",
            bottom_right: "+",
            vertical_left: "|",
            vertical_right: "|",
            horizontal_top: "-",
            horizontal_bottom: "-",
        },
        queued: "o",
        running: "*",
        paused: "=",
        completed: "+",
        failed: "!",
        cancelled: "x",
        marked: "x",
        unmarked: ".",
        partly: "/",
        open: "v",
        closed: ">",
        pinned: "P",
        moved: "@",
        becomes: ">",
        take: "*",
        one_gpu: "+",
        across_gpus: "+",
        offload: "/",
        memory: "o",
        too_large: "x",
        done: "#",
        rest: "-",
        ellipsis: "~",
        separator: "-",
        gated: "&",
        made_from: "<",
        prompt: ">",
    };

    /// The set for the environment's locale (`LC_ALL`, `LC_CTYPE`, `LANG`, the first that is not empty) and `TERM`.
    pub fn detect(variable: impl Fn(&str) -> Option<String>) -> Self {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(&variable).find(|value| !value.is_empty());
        let locale = locale.unwrap_or_default().to_ascii_lowercase();
        let plain_terminal = matches!(variable("TERM").as_deref(), Some("linux" | "dumb"));
        if plain_terminal || !(locale.contains("utf-8") || locale.contains("utf8")) { Self::ASCII } else { Self::UNICODE }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locale_decides() {
        let set = |locale: &str, term: &str| {
            Glyphs::detect(|name| match name {
                "LANG" => Some(locale.to_owned()),
                "TERM" => Some(term.to_owned()),
                _ => None,
            })
            .ellipsis
        };
        assert_eq!(set("en_US.UTF-8", "xterm"), "…");
        assert_eq!(set("C", "xterm"), "~");
        assert_eq!(set("C.utf8", "linux"), "~");
    }
}
