//! What somebody may have meant who named something that is not there.

/// How alike two names must be, from 0 to 1, for one to be offered in place of the other.
const ALIKE: f64 = 0.8;
/// The most names that are offered.
const MOST: usize = 3;

/// The names that are most like this one, the most alike first; none where none is.
pub(super) fn nearest<'a>(name: &str, among: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut alike = ranked(name, among);
    alike.retain(|(_, likeness)| *likeness >= ALIKE);
    alike.truncate(MOST);
    alike.into_iter().map(|(other, _)| other).collect()
}

/// All of the names, the most alike first; equally alike ones stay as they were.
pub(super) fn nearest_first<'a>(name: &str, among: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    ranked(name, among).into_iter().map(|(other, _)| other).collect()
}

fn ranked<'a>(name: &str, among: impl IntoIterator<Item = &'a str>) -> Vec<(&'a str, f64)> {
    let name = name.to_lowercase();
    let mut ranked: Vec<_> = among.into_iter().map(|other| (other, strsim::jaro_winkler(&name, &other.to_lowercase()))).collect();
    ranked.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    ranked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_like_it_are_offered_and_others_are_not() {
        let names = ["config.json", "tokenizer.json", "q4.gguf", "Q4_K_M.gguf"];
        assert_eq!(nearest("confg.json", names), ["config.json"]);
        assert_eq!(nearest("q4_k_m.guf", names)[0], "Q4_K_M.gguf");
        assert_eq!(nearest("xyz", names), Vec::<&str>::new());
        assert_eq!(nearest_first("dev", ["main", "deva", "dev2"])[2], "main");
        assert_eq!(nearest_first("v9", ["main", "refs/pr/1"]), ["main", "refs/pr/1"]);
    }
}
