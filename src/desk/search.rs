//! Looking for repositories.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::repo::{RepoId, RepoKind};

/// What to order results by, always the largest or newest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// Downloads in the last 30 days.
    #[default]
    Downloads,
    /// Likes.
    Likes,
    /// Last commit.
    LastModified,
    /// Creation.
    CreatedAt,
    /// The Hub's trending score.
    Trending,
}

impl Sort {
    /// Every order, in the order in which a screen offers them.
    pub const ALL: [Self; 5] = [Self::Downloads, Self::Likes, Self::LastModified, Self::CreatedAt, Self::Trending];

    /// The value of the Hub API's `sort` parameter.
    pub fn wire_name(self) -> &'static str {
        match self {
            Self::Downloads => "downloads",
            Self::Likes => "likes",
            Self::LastModified => "lastModified",
            Self::CreatedAt => "createdAt",
            Self::Trending => "trendingScore",
        }
    }
}

/// What to look for. An empty query lists everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchQuery {
    /// Which namespace.
    pub kind: RepoKind,
    /// Words in the id.
    pub text: String,
    /// Only repositories of this owner.
    pub author: Option<String>,
    /// Only repositories with all of these tags.
    pub filters: Vec<String>,
    /// The order.
    pub sort: Sort,
    /// The most repositories in one page.
    pub limit: u32,
}

/// Where the next page of a search begins. Opaque; belongs to the desk that gave it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageToken(pub String);

/// One page of results.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchPage {
    /// The repositories, in the query's order.
    pub hits: Vec<Hit>,
    /// Where to go on; `None` at the end.
    pub next: Option<PageToken>,
}

/// A repository as a search shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// Which namespace.
    pub kind: RepoKind,
    /// The repository.
    pub id: RepoId,
    /// Downloads in the last 30 days.
    pub downloads: u64,
    /// Likes.
    pub likes: u64,
    /// When it last changed.
    pub last_modified: Option<Timestamp>,
    /// Whether files need an accepted agreement.
    pub gated: bool,
    /// Whether only some people see it.
    pub private: bool,
    /// The task, such as `text-generation`.
    pub task: Option<String>,
    /// The library it is for, such as `transformers`.
    pub library: Option<String>,
    /// All tags, printable.
    pub tags: Vec<String>,
}
