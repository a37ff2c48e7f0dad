//! `completions`: a shell's completion script.

use clap::Args;
use clap_complete::Shell;

use super::args::grammar;
use super::output::Output;
use crate::desk::Fault;

/// Flags of `completions`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  hfdesk-tui completions bash > ~/.local/share/bash-completion/completions/hfdesk-tui
  hfdesk-tui completions fish > ~/.config/fish/completions/hfdesk-tui.fish")]
pub struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// Writes the completion script of the shell asked for.
pub fn completions(args: &CompletionsArgs, out: &mut Output) -> Result<(), Fault> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut grammar(), "hfdesk-tui", &mut script);
    out.data(&String::from_utf8_lossy(&script))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Format;
    use crate::cli::fake::Console;

    #[test]
    fn a_script_knows_the_verbs() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let mut console = Console::new(Format::Human);
            completions(&CompletionsArgs { shell }, &mut console.out).unwrap();
            assert!(console.stdout().contains("analyze"), "{shell}");
        }
    }
}
