//! Arguments, a face, an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    hfdesk_tui::launch::main()
}
