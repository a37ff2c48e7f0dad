//! `cache doctor`: what is wrong with the cache, and mending it.

use clap::Args;
use serde_json::{Value, json};

use crate::cli::cell::Cell;
use crate::cli::output::Output;
use crate::cli::table::{Column, Table};
use crate::cli::text::counted;
use crate::cli::view::{Look, Style, View};
use crate::desk::{Desk, Fault, FaultKind, Finding, MendReport, Severity, printable};

/// Flags of `cache doctor`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  hfdesk-tui cache doctor
  hfdesk-tui cache doctor --fix

Without --fix nothing is changed. What takes room but breaks nothing, such as detached revisions,
is deleted with cache prune. The exit status is 1 where errors are left.")]
pub struct DoctorArgs {
    /// Mend what can be mended, after showing what that does
    #[arg(long)]
    fix: bool,
    /// Mend without asking
    #[arg(short, long, requires = "fix")]
    yes: bool,
}

impl DoctorArgs {
    /// Whether something is to be mended, which may remove things.
    pub fn fixes(&self) -> bool {
        self.fix
    }
}

pub(super) async fn run(desk: &dyn Desk, args: &DoctorArgs, out: &mut Output) -> Result<(), Fault> {
    if args.fix && !args.yes {
        out.must_be_able_to_ask()?;
    }
    let findings = desk.diagnose().await?;
    let mendable: Vec<Finding> = findings.iter().filter(|finding| finding.mend.is_some()).cloned().collect();
    let mut report = None;
    if args.fix && !mendable.is_empty() {
        if !args.yes && !confirmed(&findings, mendable.len(), out).await? {
            return Err(Fault::new(FaultKind::Declined, "nothing was mended"));
        }
        report = Some(desk.mend(mendable.clone()).await?);
    }
    out.show(&Told { findings: &findings, report: report.as_ref() })?;
    if !args.fix && !mendable.is_empty() {
        out.hint(&format!("{} of these can be mended with: hfdesk-tui cache doctor --fix", mendable.len()));
    }
    outcome(&findings, report.as_ref(), out)
}

/// Shows a person what is wrong and what mending does beside the question: standard output is for the outcome.
async fn confirmed(findings: &[Finding], mendable: usize, out: &mut Output) -> Result<bool, Fault> {
    let text = Told { findings, report: None }.human(Look::default());
    text.lines().for_each(|line| out.note(line));
    out.confirm(&format!("Mend {}?", counted(mendable, "thing", "things"))).await
}

/// Errors that are left, and what could not be mended, make the verb fail.
fn outcome(findings: &[Finding], report: Option<&MendReport>, out: &mut Output) -> Result<(), Fault> {
    let failures = report.map_or(&[][..], |report| &report.failures);
    for failure in failures {
        out.warning(failure);
    }
    if !failures.is_empty() {
        return Err(Fault::new(FaultKind::Disk, format!("{} could not be mended", counted(failures.len(), "thing", "things")))
            .hint("see the warnings above, then run the same command again"));
    }
    let is_mended = |finding: &Finding| report.is_some_and(|report| report.mended.contains(finding));
    let left = findings.iter().filter(|finding| finding.severity == Severity::Error && !is_mended(finding)).count();
    match left {
        0 => Ok(()),
        _ => Err(Fault::new(FaultKind::Disk, format!("the cache has {}", counted(left, "error", "errors")))),
    }
}

/// What is wrong and, where it was tried, what was mended.
struct Told<'a> {
    findings: &'a [Finding],
    report: Option<&'a MendReport>,
}

const COLUMNS: [Column<Finding>; 6] = [
    Column::shown("path", |finding| Cell::path(&finding.path)),
    Column::json("severity", |finding| Cell::text(severity(finding.severity))),
    Column::json("trouble", |finding| Cell::new("", name(finding))),
    Column::json("message", |finding| Cell::text(&finding.message)),
    Column::json("mend", |finding| Cell::maybe(finding.mend.as_ref(), Cell::text)),
    Column::json("advice", |finding| Cell::maybe(finding.advice.as_ref(), Cell::text)),
];

impl Told<'_> {
    fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    fn is_mended(&self, finding: &Finding) -> bool {
        self.report.is_some_and(|report| report.mended.contains(finding))
    }

    fn finding(&self, finding: &Finding, look: Look) -> String {
        let style = match finding.severity {
            Severity::Error => Style::Bad,
            Severity::Warning => Style::Careful,
            Severity::Note => Style::Aside,
        };
        let next = match (&finding.mend, &finding.advice) {
            _ if self.is_mended(finding) => look.paint(Style::Good, "  mended\n"),
            (Some(mend), _) => format!("  mending: {mend}\n"),
            (None, Some(advice)) => format!("  advice: {advice}\n"),
            (None, None) => String::new(),
        };
        let word = look.paint(style, severity(finding.severity));
        format!("{word}: {}\n  {}\n{next}", finding.message, printable(&finding.path.to_string_lossy()))
    }

    fn sums(&self) -> String {
        if self.findings.is_empty() {
            return "Nothing is wrong with the cache.\n".to_owned();
        }
        let counts = [(Severity::Error, "error", "errors"), (Severity::Warning, "warning", "warnings"), (Severity::Note, "note", "notes")];
        let words = counts.map(|(severity, one, many)| counted(self.count(severity), one, many));
        let mended = self.report.map(|report| format!("; {} mended", report.mended.len())).unwrap_or_default();
        format!("\n{}{mended}\n", words.join(", "))
    }
}

impl View for Told<'_> {
    fn human(&self, look: Look) -> String {
        self.findings.iter().map(|finding| self.finding(finding, look)).chain([self.sums()]).collect()
    }

    fn json(&self) -> Value {
        let mut value = json!({
            "errors": self.count(Severity::Error),
            "warnings": self.count(Severity::Warning),
            "notes": self.count(Severity::Note),
            "findings": Table::new(&COLUMNS, self.findings).json(),
        });
        if let Some(report) = self.report {
            value["mended"] = Table::new(&COLUMNS, &report.mended).json();
            value["failures"] = json!(report.failures);
        }
        value
    }

    fn quiet(&self) -> Vec<String> {
        Table::new(&COLUMNS, self.findings).quiet()
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

/// The stable name of a kind of trouble.
fn name(finding: &Finding) -> Value {
    serde_json::to_value(finding.trouble).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cli::fake::{Console, FakeDesk, three_ways};
    use crate::cli::format::Format;

    fn with(findings: Vec<Finding>) -> Arc<FakeDesk> {
        Arc::new(FakeDesk { findings, ..FakeDesk::new() })
    }

    /// The samples without the one that mending cannot help.
    fn mendable() -> Arc<FakeDesk> {
        with(FakeDesk::new().findings.into_iter().filter(|finding| finding.mend.is_some()).collect())
    }

    #[test]
    fn a_sound_cache_reads_three_ways() {
        insta::assert_snapshot!(three_ways(&with(Vec::new()), "cache doctor"));
    }

    #[test]
    fn mending_reads_three_ways() {
        insta::assert_snapshot!(three_ways(&mendable(), "cache doctor --fix --yes"));
    }

    #[test]
    fn errors_end_with_one_whether_or_not_the_rest_is_mended() {
        let desk = Arc::new(FakeDesk::new());
        let mut console = Console::new(Format::Human);
        let fault = console.run(&desk, "cache doctor").unwrap_err();
        assert_eq!((fault.kind.exit_status(), fault.message.as_str()), (1, "the cache has 2 errors"));
        insta::assert_snapshot!(format!("{}## stderr\n{}", console.stdout(), console.stderr()));
        let fault = Console::new(Format::Human).run(&desk, "cache doctor --fix --yes").unwrap_err();
        assert_eq!(fault.message, "the cache has 1 error");
        assert_eq!(desk.asked(), ["mend 2 findings"]);
    }

    #[test]
    fn a_person_is_asked_before_anything_is_mended() {
        let desk = mendable();
        let mut console = Console::terminal(Format::Human).answering("n\n");
        let fault = console.run(&desk, "cache doctor --fix").unwrap_err();
        assert_eq!((fault.kind.exit_status(), fault.message.as_str()), (1, "nothing was mended"));
        assert!(console.stderr().contains("mending: removes the ref") && console.stderr().ends_with("Mend 2 things? [y/N] "));
        assert_eq!(Console::new(Format::Json).run(&desk, "cache doctor --fix").unwrap_err().kind.exit_status(), 2);
        assert!(desk.asked().is_empty());
    }

    #[test]
    fn what_could_not_be_mended_makes_the_verb_fail() {
        let desk = Arc::new(FakeDesk { deletion_failures: vec!["cannot remove /cache/x".to_owned()], ..FakeDesk::new() });
        let mut console = Console::new(Format::Human);
        assert_eq!(console.run(&desk, "cache doctor --fix --yes").unwrap_err().message, "1 thing could not be mended");
        assert!(console.stderr().contains("Warning: cannot remove /cache/x"));
    }
}
