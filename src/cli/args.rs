//! The command line as a value.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, ColorChoice, CommandFactory, Parser, Subcommand};
use tracing::level_filters::LevelFilter;

use super::values;
use super::{
    AnalyzeArgs, CacheArgs, CacheCommand, CompletionsArgs, DemoArgs, DownloadArgs, Format, FormatArgs, HubArgs, JobsArgs, PlanArgs,
    ScenarioArgs, SearchArgs,
};
use crate::desk::{About, Fault, FaultKind};

const AFTER_HELP: &str = "\
Examples:
  hfdesk-tui                                           the terminal app
  hfdesk-tui search qwen3 --filter gguf                find models
  hfdesk-tui download Qwen/Qwen3-8B-GGUF:q4_k_m        take one quantization
  hfdesk-tui cache ls                                  see what fills the disk

Data goes to standard output, everything else to standard error.

Exit status:
  0    done
  1    failed, or a question was answered with no
  2    usage
  3    needs a token or access
  4    not found
  5    network or Hub unavailable
  6    not enough disk
  7    a digest did not match
  130  interrupted, for example with Ctrl-C";

/// Browse, download and clean up Hugging Face models from the terminal
#[derive(Parser)]
#[command(name = "hfdesk-tui", version, max_term_width = 100, after_help = AFTER_HELP)]
#[command(disable_help_subcommand = true)]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What the terminal app judges variants by.
    #[command(flatten)]
    pub scenario: ScenarioArgs,
    /// The verb; `None` opens the terminal app.
    #[command(subcommand)]
    pub command: Option<Command>,
}

impl Cli {
    /// Who reads the output.
    pub fn format(&self) -> Format {
        match &self.command {
            Some(Command::Desk(command)) => command.format(),
            _ => Format::Human,
        }
    }

    /// Whether tables are to be as wide as what is in them.
    pub fn is_wide(&self) -> bool {
        matches!(&self.command, Some(Command::Desk(command)) if command.is_wide())
    }
}

/// Flags that every command takes. `None` leaves the value to the environment and the settings file.
#[derive(Args)] // no Debug: a token must not get into a log
#[command(next_help_heading = "Global options")]
pub struct GlobalArgs {
    /// The Hub to talk to instead of huggingface.co [env: HF_ENDPOINT]
    #[arg(long, global = true, value_name = "URL")]
    pub endpoint: Option<String>,
    /// A Hub token; other users can read it off the process list, HF_TOKEN they cannot
    #[arg(long, global = true, value_name = "TOKEN")]
    pub token: Option<String>,
    /// The Hugging Face cache [env: HF_HUB_CACHE, HF_HOME]
    #[arg(long, global = true, value_name = "DIR")]
    pub cache_dir: Option<PathBuf>,
    /// Leave the network alone [env: HF_HUB_OFFLINE]
    #[arg(long, global = true)]
    pub offline: bool,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_default_value = true)]
    pub color: ColorChoice,
    /// How much to write to hfdesk.log in the state folder
    #[arg(long, global = true, value_name = "LEVEL", value_parser = values::level())]
    pub log: Option<LevelFilter>,
    /// The settings file
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// A verb.
#[derive(Subcommand)]
#[allow(clippy::large_enum_variant)] // there is one, and it lives as long as the program
pub enum Command {
    /// One that needs a desk.
    #[command(flatten)]
    Desk(DeskCommand),
    /// Open the terminal app on sample repositories and a throwaway cache
    Demo(DemoArgs),
    /// Serve a Hub from this machine
    Hub(HubArgs),
    /// Print a shell's completion script
    Completions(CompletionsArgs),
}

/// A verb that needs a desk; [`run`](super::run()) carries it out.
#[derive(Subcommand)]
pub enum DeskCommand {
    /// Find repositories on the Hub
    Search(SearchArgs),
    /// Show what a repository offers
    Analyze(AnalyzeArgs),
    /// Show what a download would do
    Plan(PlanArgs),
    /// Download files of a repository
    Download(DownloadArgs),
    /// Show and control the queue of downloads
    Jobs(JobsArgs),
    /// Show and clean up the cache
    Cache(CacheArgs),
}

impl DeskCommand {
    /// Who reads the output.
    pub fn format(&self) -> Format {
        self.output().format()
    }

    /// Whether tables are to be as wide as what is in them.
    pub fn is_wide(&self) -> bool {
        self.output().is_wide()
    }

    fn output(&self) -> &FormatArgs {
        match self {
            Self::Search(args) => &args.output,
            Self::Analyze(args) => &args.output,
            Self::Plan(args) => &args.output,
            Self::Download(args) => &args.output,
            Self::Jobs(args) => &args.output,
            Self::Cache(args) => &args.output,
        }
    }

    /// Whether the verb reads or changes the queue of downloads.
    pub fn needs_queue(&self) -> bool {
        match self {
            Self::Download(args) => args.needs_queue(),
            Self::Jobs(_) => true,
            _ => self.places_files(),
        }
    }

    /// Whether the verb is about the Hub and the cache of these settings, rather than about any queue.
    pub fn places_files(&self) -> bool {
        match self {
            Self::Download(_) => true,
            Self::Cache(args) => args.command.downloads(),
            _ => false,
        }
    }

    /// Whether the verb may change the cache.
    pub fn changes_cache(&self) -> bool {
        matches!(self, Self::Cache(args) if args.command.changes())
    }

    /// Whether the verb deletes from the cache, so that it has to heed what the queue needs of it.
    pub fn deletes(&self) -> bool {
        let deletes = |command: &CacheCommand| match command {
            CacheCommand::Rm(_) | CacheCommand::Prune(_) | CacheCommand::Move(_) => command.changes(),
            CacheCommand::Doctor(args) => args.fixes(),
            _ => false,
        };
        matches!(self, Self::Cache(args) if deletes(&args.command))
    }

    /// The most bytes a second that this run may download, where the flags say so.
    pub fn max_speed(&self) -> Option<u64> {
        match self {
            Self::Download(args) => args.max_speed,
            _ => None,
        }
    }

    /// What to say when a person stops this verb.
    pub(super) fn interruption(&self, about: &About) -> Fault {
        let message = match self {
            _ if self.places_files() && about.attached => "interrupted; the download goes on in the hfdesk-tui that runs the queue",
            Self::Cache(_) if self.places_files() => "paused; go on with: hfdesk-tui jobs resume --all",
            _ if self.places_files() => "paused; run the same command to go on",
            _ => "interrupted",
        };
        Fault::new(FaultKind::Interrupted, message)
    }
}

/// Reads a command line, the program's name included.
///
/// The error is also how `--help` and `--version` answer; [`explain`] prints it.
pub fn parse<I, T>(args: I) -> Result<Cli, clap::Error>
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    let cli = Cli::try_parse_from(args)?;
    if cli.command.is_some() && cli.scenario != ScenarioArgs::default() {
        let told = "--gpu, --ram, --context and --cache-type go after the verb";
        return Err(Cli::command().error(ErrorKind::ArgumentConflict, told));
    }
    Ok(cli)
}

/// Prints what [`parse`] answered instead of a command line, and gives the exit status to end with: 0 for help, 2 for a mistake.
pub fn explain(error: &clap::Error) -> u8 {
    let _ = error.print(); // a reader that has gone needs no help
    u8::try_from(error.exit_code()).unwrap_or(1)
}

/// The grammar, for completion scripts.
pub(super) fn grammar() -> clap::Command {
    Cli::command()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Cli, ErrorKind> {
        parse(line.split(' ')).map_err(|error| error.kind())
    }

    #[test]
    fn the_grammar_is_sound() {
        grammar().debug_assert();
    }

    /// The long help of the program or of one of its verbs.
    fn help(line: &str) -> String {
        let asked = grammar().term_width(100).try_get_matches_from(line.split(' ').chain(["--help"]));
        asked.unwrap_err().to_string()
    }

    #[test]
    fn help_reads_well() {
        insta::assert_snapshot!("help", help("hfdesk-tui"));
        for verb in ["search", "analyze", "plan", "download", "jobs", "cache", "demo", "completions"] {
            insta::assert_snapshot!(format!("help-{verb}"), help(&format!("hfdesk-tui {verb}")));
        }
        for leaf in [
            "jobs ls",
            "jobs watch",
            "jobs cancel",
            "jobs move",
            "jobs limit",
            "cache ls",
            "cache show",
            "cache verify",
            "cache updates",
            "cache rm",
            "cache prune",
            "cache trash",
            "cache restore",
            "cache empty",
            "cache pin",
            "cache doctor",
            "cache link",
            "cache rebuild",
            "hub serve",
        ] {
            insta::assert_snapshot!(format!("help-{}", leaf.replace(' ', "-")), help(&format!("hfdesk-tui {leaf}")));
        }
    }

    #[test]
    fn no_verb_means_the_terminal_app() {
        let cli = parsed("hfdesk-tui --endpoint http://127.0.0.1:8790 --offline").unwrap();
        assert!(cli.command.is_none());
        assert!(cli.global.offline && cli.global.endpoint.is_some());
    }

    #[test]
    fn global_flags_may_follow_the_verb() {
        let cli = parsed("hfdesk-tui cache ls --cache-dir /x --log debug").unwrap();
        assert_eq!(cli.global.cache_dir, Some(PathBuf::from("/x")));
        assert_eq!(cli.global.log, Some(LevelFilter::DEBUG));
    }

    #[test]
    fn what_to_judge_by_belongs_to_the_app_or_follows_the_verb() {
        let scenario = parsed("hfdesk-tui --gpu 2x24G --context 32k --cache-type q8_0").unwrap().scenario.scenario().unwrap();
        let machine = scenario.machine.unwrap();
        assert_eq!((machine.gpus.len(), machine.memory, scenario.context, scenario.cache_type.name()), (2, 48 << 30, 32_768, "q8_0"));
        let without = parsed("hfdesk-tui --gpu none --ram 16G").unwrap().scenario.scenario().unwrap().machine.unwrap();
        assert_eq!((without.gpus.len(), without.memory), (0, 16 << 30));
        assert!(parsed("hfdesk-tui --gpu none").unwrap().scenario.scenario().is_err(), "nobody knows that machine's memory");
        assert_eq!(parsed("hfdesk-tui").unwrap().scenario.scenario().unwrap(), crate::desk::Scenario::default());
        assert!(parsed("hfdesk-tui analyze a/b --gpu 24G").is_ok());
        assert_eq!(parsed("hfdesk-tui --gpu 24G analyze a/b").err(), Some(ErrorKind::ArgumentConflict));
        for wrong in ["--gpu x", "--ram 0", "--context 0", "--context 9999999999999999999k", "--cache-type f32"] {
            assert_eq!(
                parsed(&format!("hfdesk-tui {wrong}")).err(),
                Some(ErrorKind::ValueValidation).filter(|_| !wrong.contains("f32")).or(Some(ErrorKind::InvalidValue)),
                "{wrong}"
            );
        }
    }

    #[test]
    fn what_only_looks_changes_nothing() {
        let changes = |line: &str| match parsed(&format!("hfdesk-tui cache {line}")).unwrap().command {
            Some(Command::Desk(command)) => command.changes_cache(),
            _ => panic!("{line}"),
        };
        for look in ["ls", "show gpt2", "verify", "trash", "updates", "doctor", "doctor --fix -y"] {
            assert!(!changes(look), "{look}");
        }
        for verb in ["rm gpt2", "prune", "empty", "rebuild", "link gpt2 --for lmstudio"] {
            assert!(changes(verb) && !changes(&format!("{verb} --dry-run")), "{verb}");
        }
        assert!(changes("restore") && changes("updates --fetch") && changes("rm gpt2 --dry-run --no-dry-run"));
    }

    #[test]
    fn whatever_the_official_client_accepts_is_accepted_or_answered() {
        for line in [
            "cache ls --no-revisions --no-show-warnings --no-truncate --cache-dir /x --format auto",
            "cache rm model/gpt2 --no-dry-run --cache-dir /x -y",
            "cache prune --no-dry-run --no-truncate",
            "cache list -f size>1GB -f type=model --sort modified:asc --limit 20",
            "cache verify org/k --type kernel",
            "cache verify spaces/org/app --repo-type space --revision refs/pr/1 --token hf_x --fail-on-extra-files",
        ] {
            assert!(parsed(&format!("hfdesk-tui {line}")).is_ok(), "{line}");
        }
        assert!(parsed("hfdesk-tui cache ls --no-truncate").unwrap().is_wide() && !parsed("hfdesk-tui cache ls").unwrap().is_wide());
        let told = parse("hfdesk-tui cache verify gpt2 --local-dir /x".split(' ')).err().unwrap().to_string();
        assert!(told.contains("only the cache is verified here"), "{told}");
    }

    #[test]
    fn every_leaf_takes_one_format() {
        for leaf in ["search x", "analyze a/b", "plan a/b", "download a/b", "jobs", "jobs ls", "jobs watch", "jobs pause --all", "cache ls"]
        {
            let format = |flags: &str| parsed(&format!("hfdesk-tui {leaf} {flags}")).map(|cli| cli.format());
            assert_eq!(format("--json"), Ok(Format::Json), "{leaf}");
            assert_eq!(format("-q"), Ok(Format::Quiet), "{leaf}");
            assert_eq!(format("--format json"), Ok(Format::Json), "{leaf}");
            assert_eq!(format("--format auto"), Ok(Format::Human), "{leaf}");
            for both in ["--json -q", "--json --format human", "-q --format quiet"] {
                assert_eq!(format(both), Err(ErrorKind::ArgumentConflict), "{leaf} {both}");
            }
        }
    }

    #[test]
    fn mistakes_are_usage_errors() {
        for line in [
            "frobnicate",
            "plan",
            "plan ../etc",
            "plan a/b --revision ..",
            "plan a/b file --include *",
            "search --type gadget",
            "search --sort best",
            "search --limit 0",
            "download a/b --max-speed fast",
            "download a/b --max-speed 0",
            "jobs pause",
            "jobs pause abc --all",
            "jobs limit abc",
            "jobs limit abc fast",
            "jobs limit abc 2M --all",
            "jobs move up",
            "jobs move abc sideways",
            "cache rm",
            "cache rm ../x",
            "cache rm gpt2:",
            "cache ls --filter size>big",
            "cache ls --filter age>3d",
            "cache ls --sort best",
            "cache ls --limit -1",
            "cache ls --others --revisions",
            "cache show",
            "cache prune --unused-for long",
            "cache prune --unused-for 30d,1d",
            "cache pin",
            "cache pin gpt2@main",
            "cache doctor --yes",
            "cache verify --revision main",
            "cache verify gpt2 --yes",
            "cache updates gpt2@main",
            "cache updates --prune-old",
            "cache updates --fetch --yes",
            "hub serve",
            "hub serve x --bind nowhere",
            "completions esperanto",
        ] {
            let error = parse(format!("hfdesk-tui {line}").split(' ')).err().unwrap_or_else(|| panic!("{line}"));
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn a_mistake_in_a_name_says_how_to_write_it() {
        let error = parse(["hfdesk-tui", "plan", "../etc"]).err().unwrap().to_string();
        assert!(error.contains("“../etc” is not a repository id; write owner/name"), "{error}");
    }

    #[test]
    fn speeds_are_bytes_a_second() {
        let Some(Command::Desk(download)) = parsed("hfdesk-tui download a/b --max-speed 20M").unwrap().command else { panic!() };
        assert_eq!(download.max_speed(), Some(20 << 20));
        let Some(Command::Demo(demo)) = parsed("hfdesk-tui demo --rate 2MiB --keep").unwrap().command else { panic!() };
        assert_eq!((demo.rate, demo.keep), (Some(2 << 20), true));
    }
}
