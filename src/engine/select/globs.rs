//! Patterns as the official client reads them: `*` also matches `/`, and a folder's name with a slash means all that is in it.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::desk::{Fault, FaultKind};

/// Matches the paths that any of the patterns matches; none where there are none.
pub(super) fn matcher(patterns: &[String]) -> Result<GlobSet, Fault> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let whole = if pattern.ends_with('/') { format!("{pattern}*") } else { pattern.clone() };
        let glob = GlobBuilder::new(&whole).literal_separator(false).build().map_err(|error| malformed(pattern, error))?;
        set.add(glob);
    }
    set.build().map_err(|error| malformed(&patterns.join(" "), error))
}

fn malformed(pattern: &str, error: globset::Error) -> Fault {
    Fault::new(FaultKind::Usage, format!("“{pattern}” is not a pattern: {}", error.kind()))
        .hint("write * for any text, ? for one character, [a-z] for one of several")
        .because(error)
}
