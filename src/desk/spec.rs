//! Reading what a person types or pastes to name a repository.

use std::str::FromStr;

use super::fault::{Fault, FaultKind};
use super::printable;
use super::repo::{RepoId, RepoKind, RepoRef, Revision};

/// What a `REPO` argument or a pasted link means.
///
/// Written as `owner/name` or a bare `name`, both with `@revision` or `:FILTER[,FILTER]` or both behind them, an `hf://` URI
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
    /// Whether that is a folder for certain: the page of one, or a slash stands at its end.
    pub is_folder: bool,
    /// Where the page is, for a URL.
    site: Option<Box<url::Origin>>,
}

/// Where pages name repositories of every Hub: a mirror has them under the same ids.
const OFFICIAL: [&str; 3] = ["huggingface.co", "www.huggingface.co", "hf.co"];

impl RepoSpec {
    /// The repository meant, of this kind where the text does not say it, and at `main` where it names no revision.
    pub fn repo(&self, kind: RepoKind) -> RepoRef {
        RepoRef { kind: self.kind.unwrap_or(kind), id: self.id.clone(), revision: self.revision.clone().unwrap_or_default() }
    }

    /// The same at the revision that is named besides. A `Usage` fault where the text names another.
    pub fn at(self, revision: Option<Revision>) -> Result<Self, Fault> {
        match (&self.revision, &revision) {
            (Some(own), Some(other)) if own != other => {
                let message = format!("{} is named at two revisions, {own} and {other}", self.id);
                Err(Fault::new(FaultKind::Usage, message).hint("name one of them"))
            }
            _ => Ok(Self { revision: revision.or(self.revision), ..self }),
        }
    }

    /// The same, if the Hub at this address has it: a `Usage` fault for a link to the page of another.
    pub fn on(self, endpoint: &str) -> Result<Self, Fault> {
        let here = url::Url::parse(endpoint).ok().map(|url| url.origin());
        match self.site.clone().filter(|site| Some(&**site) != here.as_ref() && !is_official(site)) {
            None => Ok(self),
            Some(site) => {
                let site = printable(&site.ascii_serialization());
                Err(Fault::new(FaultKind::Usage, format!("the link leads to {site}, and this Hub is {endpoint}"))
                    .hint(format!("name that Hub with --endpoint {site}, or write {} to look for it here", self.id)))
            }
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
        let (id, revision) = id_and_revision(id)?;
        Ok(Self { kind: None, id, revision, filters, file: None, is_folder: false, site: None })
    }
}

fn is_official(site: &url::Origin) -> bool {
    matches!(site, url::Origin::Tuple(_, url::Host::Domain(host), _) if OFFICIAL.contains(&host.as_str()))
}

/// Reads `owner/name`, or `owner/name@revision`.
fn id_and_revision(text: &str) -> Result<(RepoId, Option<Revision>), Fault> {
    let (id, revision) = text.split_once('@').map_or((text, None), |(id, revision)| (id, Some(revision)));
    Ok((id.parse()?, revision.map(str::parse).transpose()?))
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
    // As the official client reads them: refs/pr/N and refs/convert/NAME are one revision, though they have slashes.
    let is_ref = parts.get(1).is_some_and(|name| name.ends_with("@refs")) && matches!(parts.get(2), Some(&("pr" | "convert")));
    let (head, path) = parts.split_at(parts.len().min(if is_ref { 4 } else { 2 }));
    let (id, revision) = id_and_revision(&head.join("/").replace("%2F", "/"))?;
    Ok(RepoSpec {
        kind: Some(kind.unwrap_or_default()),
        id,
        revision,
        filters: Vec::new(),
        file: joined(path),
        is_folder: rest.ends_with('/'),
        site: None,
    })
}

/// A page's URL: `…/owner/name`, `…/tree/REV`, `…/blob/REV/PATH`, `…/resolve/REV/PATH`, with `datasets/` or `spaces/` before.
fn from_url(text: &str) -> Result<RepoSpec, Fault> {
    let malformed = || {
        Fault::new(FaultKind::Usage, format!("“{}” is not the address of a repository", printable(text)))
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
        is_folder: rest.first() == Some(&"tree") || url.path().ends_with('/'),
        site: Some(Box::new(url.origin())),
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
    fn a_name_with_a_revision() {
        let at = |text: &str| spec(text).revision.map(String::from);
        assert_eq!(at("org/model@v1.0").as_deref(), Some("v1.0"));
        assert_eq!(at("gpt2@refs/pr/1").as_deref(), Some("refs/pr/1"));
        assert_eq!(at("org/model"), None);
        let filtered = spec("org/model@dev/fast:q4_k_m");
        assert_eq!((filtered.id.as_str(), filtered.filters.as_slice()), ("org/model", &["q4_k_m".to_owned()][..]));
        assert_eq!(filtered.repo(RepoKind::Dataset).revision.as_str(), "dev/fast");
    }

    #[test]
    fn a_ref_in_a_uri_keeps_its_slashes() {
        let parts = |text: &str| (spec(text).revision.unwrap().to_string(), spec(text).file);
        assert_eq!(parts("hf://org/model@refs/pr/1/sub/a.txt"), ("refs/pr/1".to_owned(), Some("sub/a.txt".to_owned())));
        assert_eq!(parts("hf://datasets/org/set@refs/convert/parquet"), ("refs/convert/parquet".to_owned(), None));
        assert_eq!(parts("hf://org/model@refs%2Fpr%2F1/a.txt"), ("refs/pr/1".to_owned(), Some("a.txt".to_owned())));
        assert_eq!(parts("hf://org/model@v1/a.txt"), ("v1".to_owned(), Some("a.txt".to_owned())));
    }

    #[test]
    fn a_revision_is_named_once_or_twice_the_same() {
        let at = |text: &str, revision: &str| spec(text).at(Some(revision.parse().unwrap())).map(|spec| spec.revision.unwrap());
        assert_eq!(at("org/model", "v2").unwrap().as_str(), "v2");
        assert_eq!(at("org/model@v2", "v2").unwrap().as_str(), "v2");
        for text in ["org/model@v1", "hf://org/model@v1", "https://huggingface.co/org/model/tree/v1"] {
            assert_eq!(at(text, "v2").unwrap_err().kind, FaultKind::Usage, "{text}");
            assert_eq!(spec(text).at(None).unwrap().revision.unwrap().as_str(), "v1");
        }
    }

    #[test]
    fn a_link_to_another_hub_is_refused() {
        let on = |text: &str, endpoint: &str| spec(text).on(endpoint).map(|spec| spec.id);
        for (text, endpoint) in [
            ("https://huggingface.co/org/model", "https://hub.example"),
            ("https://hf.co/org/model", "http://127.0.0.1:8790"),
            ("http://127.0.0.1:8790/org/model", "http://127.0.0.1:8790"),
            ("https://hub.example/org/model", "https://hub.example:443/api/hf"),
            ("org/model", "https://hub.example"),
            ("hf://org/model", "https://hub.example"),
        ] {
            assert_eq!(on(text, endpoint).unwrap().as_str(), "org/model", "{text}");
        }
        for text in [
            "https://github.com/org/model",
            "http://hub.example/org/model",
            "https://hub.example:8443/org/model",
            "https://huggingface.co.evil/org/model",
        ] {
            let fault = on(text, "https://hub.example").expect_err(text);
            assert!(fault.kind == FaultKind::Usage && fault.message.ends_with("this Hub is https://hub.example"), "{fault}");
        }
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
        let folder = spec("https://huggingface.co/org/model/tree/main/BF16");
        assert_eq!((folder.file.as_deref(), folder.is_folder, page.is_folder), (Some("BF16"), true, false));
        assert_eq!([spec("hf://org/model/BF16").is_folder, spec("hf://org/model/BF16/").is_folder], [false, true]);
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
            "org/name@",
            "org/name@../x",
            "@main",
        ] {
            let fault = text.parse::<RepoSpec>().expect_err(text);
            assert_eq!(fault.kind, FaultKind::Usage, "{text}");
        }
    }
}
