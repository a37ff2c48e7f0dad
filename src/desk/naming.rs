//! Which variants a word names, whether it is typed as a filter or pasted with a repository.

use super::analysis::{Analysis, Variant};
use super::contents::CachedVariant;

/// Categories whose labels repeat those of the quantizations that they accompany.
const ACCOMPANYING: [&str; 4] = ["projector", "imatrix", "draft", "component"];

impl Analysis {
    /// The variants that a name such as `q4_k_m` means: by their whole label or id or, unless it must be exact, by segments that stand in a
    /// row in them (`q6_k` also means `Q6_K_L`). Case makes no difference, nor does `-` for `_`.
    ///
    /// Where it means quantizations, it does not mean what accompanies them.
    pub fn named(&self, name: &str, exact: bool) -> Vec<&Variant> {
        let is_meant = |variant: &&Variant| [&variant.label, &variant.id].into_iter().any(|own| is_name(own, name, exact));
        let named: Vec<&Variant> = self.variants.iter().filter(is_meant).collect();
        let (accompanying, main): (Vec<&Variant>, Vec<&Variant>) =
            named.into_iter().partition(|variant| ACCOMPANYING.contains(&variant.category.as_str()));
        if main.is_empty() { accompanying } else { main }
    }
}

impl CachedVariant {
    /// Whether a name such as `q4_k_m` means it: its whole label, with the model before it or not, or, unless it must be exact, segments that stand in a row in them.
    pub fn is_named(&self, name: &str, exact: bool) -> bool {
        [&self.label, &self.name()].into_iter().any(|own| is_name(own, name, exact))
    }
}

fn is_name(own: &str, name: &str, exact: bool) -> bool {
    let (own, name) = (alike(own), alike(name));
    own == name || (!exact && has_run(&own, &name))
}

/// Whether a name's segments stand in a row among those of a label.
fn has_run(label: &str, name: &str) -> bool {
    let segments = |text: &str| text.split(['-', '.', ' ', ':', '/']).map(str::to_owned).collect::<Vec<_>>();
    let (label, name) = (segments(label), segments(name));
    label.windows(name.len()).any(|run| run == name)
}

/// A name as it is compared with others: in small letters, and with `-` for `_`.
pub fn alike(text: &str) -> String {
    text.to_ascii_lowercase().replace('_', "-")
}
