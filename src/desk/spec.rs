//! Reading what a person types or pastes to name a repository.

use std::str::FromStr;

use super::fault::{Fault, FaultKind};
use super::repo::{RepoId, RepoKind, RepoRef, Revision};

/// What a `REPO` argument or a pasted link means.
///
/// Written as `owner/name`, a bare `name`, `owner/name:FILTER[,FILTER]`, an `hf://` URI
/// (`hf://[models|datasets|spaces/]owner/name[@revision][/path]`) or a Hub page's URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepoSpec {
    /// The kind, where the text says it.
    pub kind: Option<RepoKind>,
    /// The repository.
    pub id: RepoId,
    /// The revision, where the text says it.
    pub revision: Option<Revision>,
    /// Filters after a colon.
    pub filters: Vec<String>,
    /// The path of a file or folder, where a link points at it.
    pub file: Option<String>,
}

impl RepoSpec {
    /// The repository meant; what the text leaves open comes from the arguments.
    pub fn repo(&self, kind: RepoKind, revision: Option<Revision>) -> RepoRef {
        RepoRef {
            kind: self.kind.unwrap_or(kind),
            id: self.id.clone(),
            revision: revision.or_else(|| self.revision.clone()).unwrap_or_default(),
        }
    }
}

impl FromStr for RepoSpec {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let text = text.trim();
        if let Some(rest) = text.strip_prefix("hf://") {
            return from_uri(rest);
        }
        if text.starts_with("http://") || text.starts_with("https://") {
            return from_url(text);
        }
        let (id, filters) = text.split_once(':').map_or((text, None), |(id, filters)| (id, Some(filters)));
        let filters = filters.map(filters_of).transpose()?.unwrap_or_default();
        Ok(Self { kind: None, id: id.parse()?, revision: None, filters, file: None })
    }
}

/// The filters after a colon. None at all is a mistake (an empty variable in a script), never everything.
fn filters_of(text: &str) -> Result<Vec<String>, Fault> {
    let filters: Vec<String> = text.split(',').map(str::trim).filter(|filter| !filter.is_empty()).map(str::to_owned).collect();
    if filters.is_empty() {
        let hint = "name a quantization, for example owner/name:q4_k_m, or leave the colon out for everything";
        return Err(Fault::new(FaultKind::Usage, "there is no filter after the colon").hint(hint));
    }
    Ok(filters)
}

/// Splits leading `models/`, `datasets/` or `spaces/` off a path's parts.
fn take_kind<'a>(parts: &'a [&'a str]) -> (Option<RepoKind>, &'a [&'a str]) {
    match parts {
        [first, rest @ ..] if !rest.is_empty() => match RepoKind::ALL.into_iter().find(|kind| kind.plural() == *first) {
            Some(kind) => (Some(kind), rest),
            None => (None, parts),
        },
        _ => (None, parts),
    }
}

fn from_uri(rest: &str) -> Result<RepoSpec, Fault> {
    let parts: Vec<&str> = rest.split('/').filter(|part| !part.is_empty()).collect();
    let (kind, parts) = take_kind(&parts);
    let (head, path) = parts.split_at(parts.len().min(2));
    let head = head.join("/");
    let (id, revision) = head.split_once('@').map_or((head.as_str(), None), |(id, revision)| (id, Some(revision)));
    Ok(RepoSpec {
        kind: Some(kind.unwrap_or_default()),
        id: id.parse()?,
        revision: revision.map(str::parse).transpose()?,
        filters: Vec::new(),
        file: joined(path),
    })
}

/// A page's URL: `…/owner/name`, `…/tree/REV`, `…/blob/REV/PATH`, `…/resolve/REV/PATH`, with `datasets/` or `spaces/` before.
fn from_url(text: &str) -> Result<RepoSpec, Fault> {
    let malformed = || {
        Fault::new(FaultKind::Usage, format!("“{}” is not the address of a repository", super::printable(text)))
            .hint("paste the address of a model's page, or write owner/name")
    };
    let url = url::Url::parse(text).map_err(|error| malformed().because(error))?;
    let decode = |part: &str| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned();
    let parts: Vec<String> = url.path_segments().ok_or_else(malformed)?.filter(|part| !part.is_empty()).map(decode).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let (kind, parts) = take_kind(&parts);
    let view = parts.iter().position(|part| matches!(*part, "tree" | "blob" | "resolve" | "raw" | "discussions" | "commits"));
    let (id, rest) = parts.split_at(view.unwrap_or(parts.len()));
    let points_inside = matches!(rest.first(), Some(&("blob" | "resolve" | "raw" | "tree")));
    let revision = rest.get(1).filter(|_| points_inside);
    Ok(RepoSpec {
        kind: Some(kind.unwrap_or_default()),
        id: id.join("/").parse().map_err(|_| malformed())?,
        revision: revision.map(|revision| revision.parse()).transpose()?,
        filters: Vec::new(),
        file: if points_inside { joined(rest.get(2..).unwrap_or_default()) } else { None },
    })
}

fn joined(parts: &[&str]) -> Option<String> {
    (!parts.is_empty()).then(|| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(text: &str) -> RepoSpec {
        text.parse().unwrap()
    }

    #[test]
    fn plain_names_and_filters() {
        assert_eq!(spec("gpt2").id.as_str(), "gpt2");
        let filtered = spec("Qwen/Qwen3-8B-GGUF:q4_k_m, q6_k");
        assert_eq!((filtered.id.as_str(), filtered.kind), ("Qwen/Qwen3-8B-GGUF", None));
        assert_eq!(filtered.filters, ["q4_k_m", "q6_k"]);
    }

    #[test]
    fn uris() {
        let file = spec("hf://datasets/org/set@v1.0/data/train.parquet");
        assert_eq!((file.kind, file.id.as_str()), (Some(RepoKind::Dataset), "org/set"));
        assert_eq!(file.revision.unwrap().as_str(), "v1.0");
        assert_eq!(file.file.as_deref(), Some("data/train.parquet"));
        assert_eq!(spec("hf://org/model").kind, Some(RepoKind::Model));
    }

    #[test]
    fn pasted_pages() {
        let page = spec("https://huggingface.co/org/model/blob/main/sub%20dir/w.gguf?download=true");
        assert_eq!(page.id.as_str(), "org/model");
        assert_eq!(page.file.as_deref(), Some("sub dir/w.gguf"));
        assert_eq!(spec("https://huggingface.co/org/model/tree/main/BF16").file.as_deref(), Some("BF16"));
        let tree = spec("https://huggingface.co/spaces/org/app/tree/v2");
        assert_eq!((tree.kind, tree.revision.unwrap().as_str().to_owned()), (Some(RepoKind::Space), "v2".to_owned()));
        assert_eq!(spec("http://127.0.0.1:8790/gpt2").id.as_str(), "gpt2");
    }

    #[test]
    fn nonsense_is_a_usage_fault() {
        for text in [
            "",
            "a/b/c",
            "../etc",
            "org/na me",
            "https://huggingface.co/",
            "hf://",
            "a--b/c",
            "org/name.git",
            "org/name:",
            "org/name:,",
            "-x/y",
        ] {
            let fault = text.parse::<RepoSpec>().expect_err(text);
            assert_eq!(fault.kind, FaultKind::Usage, "{text}");
        }
    }
}
