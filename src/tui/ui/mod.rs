//! What the app looks like: [`view`] draws the state and changes nothing.

mod ask_limit;
mod cache;
mod card;
mod choose_revision;
mod confirm_cancel;
mod confirm_download;
mod depth;
mod dialog;
mod glyphs;
mod help;
mod hints;
mod job_strip;
mod jobs;
mod layout;
mod markdown;
mod message;
mod paint;
mod quit;
mod repository;
mod roles;
mod search;
mod sheet;
mod status;
mod tabs;
mod text;
mod theme;
mod variants;

use ratatui::Frame;
use ratatui::layout::Rect;

pub use depth::Depth;
pub use glyphs::Glyphs;
pub use roles::Role;
pub use theme::Theme;

use super::app::{App, Pane, Reach};
use paint::Brush;

/// Draws the whole screen, at any size. Returns how far what scrolls reaches, where that was drawn: the open dialog's list, else the card.
pub fn view(app: &App, theme: &Theme, frame: &mut Frame) -> Option<Reach> {
    let area = frame.area();
    let mut brush = Brush { app, theme, buffer: frame.buffer_mut(), caret: None, reach: None };
    brush.tint(area, Role::Screen);
    if area.width < 20 || area.height < 5 {
        status::draw_tiny(&mut brush, area);
        dialog::draw_tiny(&mut brush, area);
    } else {
        draw(&mut brush, area);
    }
    let reach = brush.reach;
    if let Some(caret) = brush.caret.filter(|caret| area.contains(*caret)) {
        frame.set_cursor_position(caret);
    }
    reach
}

fn draw(brush: &mut Brush, area: Rect) {
    let parts = layout::split(brush.app, area);
    tabs::draw(brush, parts.tabs);
    for (pane, area) in &parts.panes {
        draw_pane(brush, *pane, *area);
    }
    job_strip::draw(brush, parts.strip);
    message::draw(brush, parts.message);
    status::draw(brush, parts.status);
    hints::draw(brush, parts.hints);
    dialog::draw(brush, room_for_dialogs(area, parts.strip));
}

/// Dialogs leave the jobs at a glance uncovered, unless the screen is low.
fn room_for_dialogs(area: Rect, strip: Rect) -> Rect {
    if area.height < 16 { area } else { Rect { height: strip.y - area.y, ..area } }
}

fn draw_pane(brush: &mut Brush, pane: Pane, area: Rect) {
    match pane {
        Pane::Search => search::draw(brush, area),
        Pane::Repository => repository::draw(brush, area),
        Pane::Jobs => jobs::draw(brush, area),
        Pane::Cache => cache::draw(brush, area),
    }
}
