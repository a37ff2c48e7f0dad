//! The app reads the cache while somebody presses keys.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use futures::StreamExt;
use hfdesk_tui::desk::{CacheStep, Desk};
use hfdesk_tui::engine::Engine;
use hfdesk_tui::engine::config::{Environment, Flags, Settings};
use hfdesk_tui::tui::app::{App, Effect, Msg, ch, update};
use hfdesk_tui::tui::ui::{Depth, Glyphs, Theme, view};
use jiff::Timestamp;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::{Outcome, tree};

/// An environment in which only a home folder is known.
struct Home<'a>(&'a Path);

impl Environment for Home<'_> {
    fn get(&self, name: &str) -> Option<String> {
        (name == "HOME").then(|| self.0.to_string_lossy().into_owned())
    }
}

/// Opens the cache's pane and moves down with every batch of repositories. Prints the figures of one row.
pub fn read(cache: &Path, state: &Path) -> Outcome<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let flags = Flags { cache_dir: Some(cache.to_path_buf()), ..Flags::default() };
    let settings = Settings::load(&flags, &Home(state))?;
    let desk = {
        let _entered = runtime.enter();
        Engine::open(&settings)?
    };
    let mut app = App::new(desk.about(), Timestamp::now(), (120, 40));
    let mut terminal = Terminal::new(TestBackend::new(120, 40))?;
    let theme = Theme::builtin(Depth::True, Glyphs::UNICODE)?;
    draw(&app, &theme, &mut terminal)?;
    let base = resident()?;
    let begun = Instant::now();
    let seq = update(&mut app, Msg::Key(ch('4'))).into_iter().find_map(|effect| match effect {
        Effect::LoadCache(seq) => Some(seq),
        _ => None,
    });
    let seq = seq.ok_or("the cache's pane asked for nothing")?;
    let (mut first, mut slowest) = (None, Duration::ZERO);
    let mut steps = {
        let _entered = runtime.enter();
        desk.cache_in_steps()
    };
    while let Some(step) = runtime.block_on(steps.next()) {
        let ended = matches!(step, CacheStep::Done(_));
        let at = Instant::now();
        match step {
            CacheStep::Found(repos) => drop(update(&mut app, Msg::CacheFound(seq, repos))),
            CacheStep::Done(listing) => drop(update(&mut app, Msg::CacheLoaded(seq, Ok(*listing)))),
            CacheStep::Failed(fault) => return Err(fault.into()),
        }
        update(&mut app, Msg::Key(ch('j')));
        draw(&app, &theme, &mut terminal)?;
        slowest = slowest.max(at.elapsed());
        first.get_or_insert(begun.elapsed());
        if ended {
            break;
        }
    }
    let all = begun.elapsed();
    let bytes = resident()?.saturating_sub(base) / (tree::REPOS * tree::FILES) as u64;
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    println!("{:.0} | {:.0} | {:.1} | {bytes}", ms(first.unwrap_or_default()), ms(all), ms(slowest));
    Ok(())
}

fn draw(app: &App, theme: &Theme, terminal: &mut Terminal<TestBackend>) -> Outcome<()> {
    terminal.draw(|frame| _ = view(app, theme, frame))?;
    Ok(())
}

/// The most memory that has been resident so far, in bytes.
fn resident() -> Outcome<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib << 10)
}
