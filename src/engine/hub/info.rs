//! What a Hub tells about a repository besides its files.

use jiff::Timestamp;
use serde_json::Value;

use super::Hub;
use super::endpoint::quoted;
use super::lenient::{count, shown, text, texts, time};
use super::request::Subject;
use crate::desk::{Access, Fault, FaultKind, ModelFacts, RepoRef};

/// A repository at one commit, as its Hub describes it. All text is printable and bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepoInfo {
    /// The commit that the revision means now: 40 hexadecimal digits.
    pub commit: String,
    /// Whether files may be downloaded.
    pub access: Access,
    /// Names of its files as the Hub lists them, unchecked and without sizes.
    pub siblings: Vec<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// The licence's identifier, such as `apache-2.0`.
    pub license: Option<String>,
    /// What it was made from, as `owner/name`.
    pub base_models: Vec<String>,
    /// Downloads in the last 30 days.
    pub downloads: u64,
    /// Likes.
    pub likes: u64,
    /// When it last changed.
    pub last_modified: Option<Timestamp>,
    /// The task, such as `text-generation`.
    pub task: Option<String>,
    /// The library it is for, such as `transformers`.
    pub library: Option<String>,
    /// What the Hub has read in the headers of its weights.
    pub model: ModelFacts,
}

impl Hub {
    /// What the Hub tells about a repository at its revision.
    pub async fn info(&self, repo: &RepoRef) -> Result<RepoInfo, Fault> {
        let url = self.inner.endpoint.repo_api(repo, &format!("revision/{}", quoted(repo.revision.as_str())))?;
        let (value, _) = self.json(&url, Subject::Repo(repo)).await.map_err(|failure| failure.fault)?;
        read(&value).ok_or_else(|| {
            Fault::new(FaultKind::BadReply, format!("the Hub does not tell which commit {} is of {}", repo.revision, repo.id))
                .hint("check that the endpoint is a Hub")
        })
    }
}

/// The description in a reply; `None` where it names no commit.
fn read(value: &Value) -> Option<RepoInfo> {
    let commit = value["sha"].as_str().filter(|sha| is_commit(sha))?.to_owned();
    let card = &value["cardData"];
    let tags = texts(value, "tags");
    Some(RepoInfo {
        commit,
        access: access(&value["gated"]),
        siblings: siblings(&value["siblings"]),
        license: texts(card, "license").into_iter().next().or_else(|| tagged(&tags, "license:").next()),
        base_models: base_models(card, &tags),
        tags,
        downloads: count(value, "downloads"),
        likes: count(value, "likes"),
        last_modified: time(value, "lastModified"),
        task: text(value, "pipeline_tag"),
        library: text(value, "library_name"),
        model: model(value),
    })
}

/// What the Hub has read in GGUF or safetensors headers: `gguf.total` and `safetensors.total` count parameters.
///
/// <https://huggingface.co/docs/huggingface_hub/package_reference/hf_api#huggingface_hub.ModelInfo>
fn model(value: &Value) -> ModelFacts {
    let gguf = &value["gguf"];
    let total = |from: &Value| from["total"].as_u64().filter(|total| *total > 0);
    ModelFacts {
        architecture: text(gguf, "architecture"),
        parameters: total(gguf).or_else(|| total(&value["safetensors"])),
        context_length: gguf["context_length"].as_u64(),
        chat_template: gguf["chat_template"].is_string(),
        ..ModelFacts::default()
    }
}

/// Whether a text is a commit's full name: 40 hexadecimal digits.
pub(super) fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The Hub writes `false`, `"auto"` or `"manual"`.
pub(super) fn access(gated: &Value) -> Access {
    match gated {
        Value::String(how) if how == "manual" => Access::GatedManual,
        Value::String(_) | Value::Bool(true) => Access::Gated,
        _ => Access::Open,
    }
}

fn siblings(list: &Value) -> Vec<String> {
    let names = list.as_array().into_iter().flatten();
    names.filter_map(|sibling| sibling["rfilename"].as_str()).map(str::to_owned).collect()
}

/// The card's base models, else those of tags such as `base_model:owner/name` (not `base_model:quantized:owner/name`, which repeat them).
fn base_models(card: &Value, tags: &[String]) -> Vec<String> {
    let stated = texts(card, "base_model");
    if stated.is_empty() { tagged(tags, "base_model:").filter(|name| !name.contains(':')).collect() } else { stated }
}

fn tagged<'a>(tags: &'a [String], prefix: &'a str) -> impl Iterator<Item = String> + 'a {
    tags.iter().filter_map(move |tag| tag.strip_prefix(prefix)).map(|rest| shown(rest, rest.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn a_description_is_read() {
        let info = read(&json!({
            "sha": COMMIT, "gated": "manual", "downloads": 12, "likes": 3, "lastModified": "2026-11-20T00:00:00.000Z",
            "pipeline_tag": "text-generation", "library_name": "gguf", "tags": ["gguf", "license:mit"],
            "cardData": {"license": "apache-2.0", "base_model": ["Qwen/Qwen3-8B"]}, "siblings": [{"rfilename": "a"}, {"x": 1}],
        }))
        .unwrap();
        assert_eq!((info.access, info.downloads, info.likes), (Access::GatedManual, 12, 3));
        assert_eq!((info.license.as_deref(), info.base_models.as_slice()), (Some("apache-2.0"), &["Qwen/Qwen3-8B".to_owned()][..]));
        assert_eq!((info.siblings, info.task.as_deref()), (vec!["a".to_owned()], Some("text-generation")));
        assert!(info.last_modified.is_some());
    }

    #[test]
    fn tags_stand_in_for_a_missing_card() {
        let tags = json!(["license:mit", "base_model:org/base", "base_model:quantized:org/base"]);
        let info = read(&json!({"sha": COMMIT, "tags": tags, "gated": "auto"})).unwrap();
        assert_eq!((info.license.as_deref(), info.base_models), (Some("mit"), vec!["org/base".to_owned()]));
        assert_eq!(info.access, Access::Gated);
    }

    #[test]
    fn only_the_commit_is_indispensable() {
        let odd = json!({"sha": COMMIT, "tags": 5, "cardData": [], "siblings": {}, "downloads": "many", "gated": null});
        assert_eq!(read(&odd).unwrap(), RepoInfo { commit: COMMIT.into(), ..RepoInfo::default() });
        for sha in [json!(null), json!("main"), json!("../../../../../../../../../../../../../x")] {
            assert_eq!(read(&json!({"sha": sha})), None);
        }
    }
}
