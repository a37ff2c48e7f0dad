//! How an error is told.

use std::error::Error;

use serde_json::json;

use super::format::Format;
use super::output::Output;
use crate::desk::{Fault, FaultKind};

/// Tells a fault on standard error: what happened, its causes where they add something, and what to do next.
///
/// With `--json` it is one JSON object: `{"error":{"kind":…,"message":…,"hint":…}}`. The exit status to end with is
/// [`FaultKind::exit_status`].
pub fn report(fault: &Fault, out: &mut Output) {
    if out.format() == Format::Json {
        let error = json!({"error": {"kind": fault.kind, "message": fault.message, "hint": fault.hint}});
        return out.note(&error.to_string());
    }
    match fault.kind {
        FaultKind::Interrupted | FaultKind::Declined => out.note(&fault.message), // asked for, so no error
        _ => out.error(&fault.message),
    }
    for cause in causes(fault) {
        out.note(&format!("  because: {cause}"));
    }
    if let Some(hint) = &fault.hint {
        out.hint(hint);
    }
}

/// The causes that say something which what stands above them does not.
fn causes(fault: &Fault) -> Vec<String> {
    let mut told = fault.message.clone();
    let mut causes = Vec::new();
    let mut next = fault.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !told.contains(&text) {
            told.clone_from(&text);
            causes.push(text);
        }
        next = cause.source();
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fake::Console;

    fn told(fault: &Fault, format: Format) -> String {
        let mut console = Console::new(format);
        report(fault, &mut console.out);
        console.stderr()
    }

    fn refused() -> Fault {
        let cause = std::io::Error::new(std::io::ErrorKind::ConnectionRefused, "connection refused");
        Fault::new(FaultKind::Network, "cannot reach https://hub.example").hint("check the network").because(cause)
    }

    #[test]
    fn people_read_what_happened_why_and_what_to_do() {
        let text = "Error: cannot reach https://hub.example\n  because: connection refused\nHint: check the network\n";
        assert_eq!(told(&refused(), Format::Human), text);
        assert!(!told(&refused(), Format::Quiet).contains("Hint"));
    }

    #[test]
    fn a_cause_that_the_message_names_is_not_repeated() {
        let error = std::io::Error::other("no such device");
        assert_eq!(told(&Fault::disk("read /dev/x", error), Format::Human), "Error: cannot read /dev/x: no such device\n");
    }

    #[test]
    fn programs_read_an_object() {
        let object = r#"{"error":{"kind":"network","message":"cannot reach https://hub.example","hint":"check the network"}}"#;
        assert_eq!(told(&refused(), Format::Json), format!("{object}\n"));
    }

    #[test]
    fn an_interruption_is_not_called_an_error() {
        assert_eq!(told(&Fault::new(FaultKind::Interrupted, "interrupted"), Format::Human), "interrupted\n");
    }
}
