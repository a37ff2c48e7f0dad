//! What there is to cache: small repositories of several commits that share contents, on two Hubs whose branches end in different
//! commits, so that a branch which was downloaded from one moves when it is downloaded from the other.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, Weak};

use hfdesk_tui::desk::{Plan, PlannedFile, RepoKey, RepoKind, RepoRef};
use hfdesk_tui::hubserver::{HubConfig, HubServer, XetStore};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use xet::xet_session::{Sha256Policy, XetConfig, XetSessionBuilder};
use xet_client::cas_client::{LocalTestServer, LocalTestServerBuilder};

use crate::machine::sha256;
use crate::random::Random;

const REPOS: [(RepoKind, &str); 5] = [
    (RepoKind::Model, "org/weights"),
    (RepoKind::Model, "org/merge"),
    (RepoKind::Model, "tiny"),
    (RepoKind::Dataset, "org/weights"),
    (RepoKind::Space, "org/app"),
];
/// Commits of each.
const COMMITS: usize = 4;
/// What else a commit may have besides its README, which nothing else has: the official client deletes by commit alone.
const PATHS: [&str; 10] = [
    "config.json",
    "again.json",
    "empty.txt",
    "data/a b.json",
    "data/notes/ü.txt",
    "model.bin",
    "copy.bin",
    "q4/model.gguf",
    "q8/deep/er/model.gguf",
    "model-00001-of-00002.safetensors",
];
/// Where the commits stand in the list of each Hub. The branches end at the first three places; nothing but its tag names the last.
const ORDERS: [[usize; COMMITS]; 2] = [[0, 1, 2, 3], [1, 3, 0, 2]];
const BRANCHES: [&str; 3] = ["main", "dev", "refs/pr/1"];

/// A commit and its files.
pub struct Commit {
    pub id: String,
    pub files: BTreeMap<String, Vec<u8>>,
}

/// A repository.
pub struct Stock {
    pub key: RepoKey,
    pub commits: Vec<Commit>,
}

/// A commit by one of its names, as somebody downloads it.
pub struct Named<'a> {
    pub commit: &'a Commit,
    /// A branch, a tag or the commit itself.
    pub revision: String,
    pub endpoint: String,
}

/// Repositories, Hubs that serve them, and a content store that has the large files.
pub struct Shelf {
    pub repos: Vec<Stock>,
    /// Xet hashes by SHA-256.
    hashes: HashMap<String, String>,
    hubs: Vec<HubServer>,
    runtime: Runtime,
    _store: LocalTestServer,
    _dir: TempDir,
}

impl Shelf {
    /// The one that all tests share.
    pub fn shared(random: &Random) -> Arc<Self> {
        static SHARED: Mutex<Weak<Shelf>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap();
        shared.upgrade().unwrap_or_else(|| {
            let made = Arc::new(Self::new(random.at(u64::MAX)));
            *shared = Arc::downgrade(&made);
            made
        })
    }

    fn new(mut random: Random) -> Self {
        let (dir, runtime) = (tempfile::tempdir().unwrap(), Runtime::new().unwrap());
        let contents = Contents::new(&mut random);
        let stocked = REPOS.map(|(kind, id)| Stock::new(RepoKey { kind, id: id.parse().unwrap() }, &contents, &mut random));
        let store = runtime.block_on(LocalTestServerBuilder::new().start());
        let hashes = runtime.block_on(upload(store.http_endpoint(), &contents.large, dir.path()));
        let hubs = ORDERS.iter().enumerate().map(|(at, order)| {
            let root = dir.path().join(format!("hub{at}"));
            for stock in &stocked {
                stock.lay_out(&root, *order);
            }
            let cas = XetStore { url: store.http_endpoint().to_owned(), token: "cas".into(), hashes: hashes.clone() };
            runtime.block_on(HubServer::start(HubConfig { cas: Some(cas), ..HubConfig::new(root) })).unwrap()
        });
        let hubs: Vec<HubServer> = hubs.collect();
        let mut shelf = Self { repos: stocked.into(), hashes, hubs, runtime, _store: store, _dir: dir };
        shelf.name_commits();
        shelf
    }

    /// Asks the Hub what it calls the commits.
    fn name_commits(&mut self) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        for stock in &mut self.repos {
            for (at, commit) in stock.commits.iter_mut().enumerate() {
                let RepoKey { kind, id } = &stock.key;
                let url = format!("{}/api/{}/{id}/revision/v{at}", self.hubs[0].endpoint(), kind.plural());
                let asked = async { client.get(url).send().await?.json::<serde_json::Value>().await };
                self.runtime.block_on(asked).unwrap()["sha"].as_str().unwrap().clone_into(&mut commit.id);
            }
        }
    }

    /// A commit of a repository by one of its names, on one of the Hubs.
    pub fn named<'a>(&self, stock: &'a Stock, random: &mut Random) -> Named<'a> {
        let hub = usize::from(random.percent(50));
        let place = usize::try_from(random.below(COMMITS as u64)).unwrap();
        let at = ORDERS[hub][place];
        let branch = BRANCHES.get(place).filter(|_| random.percent(70));
        let bare = if random.percent(50) { stock.commits[at].id.clone() } else { format!("v{at}") };
        let revision = branch.map_or(bare, |branch| (*branch).to_owned());
        Named { commit: &stock.commits[at], revision, endpoint: self.hubs[hub].endpoint() }
    }

    /// A plan of ours for files of a commit.
    pub fn plan(&self, stock: &Stock, named: &Named, files: &BTreeSet<&String>) -> Plan {
        let file = |(path, content): (&String, &Vec<u8>)| {
            let large = is_large(path);
            let digest = if large { sha256(content) } else { git_sha1(content) };
            let xet_hash = if large { self.hashes.get(&digest).cloned() } else { None };
            PlannedFile { path: path.clone(), size: content.len() as u64, digest: digest.parse().unwrap(), xet_hash, held: 0 }
        };
        let chosen = named.commit.files.iter().filter(|(path, _)| files.contains(path));
        let RepoKey { kind, id } = stock.key.clone();
        Plan {
            repo: RepoRef { kind, id, revision: named.revision.parse().unwrap() },
            commit: named.commit.id.clone(),
            title: "some".to_owned(),
            files: chosen.map(file).collect(),
            left_files: named.commit.files.len() - files.len(),
            left_bytes: 0,
            left: Vec::new(),
            local_dir: None,
            destination: "/nowhere".into(),
            disk_free: None,
        }
    }
}

/// Contents that files are given: few, so that commits and repositories share them.
struct Contents {
    small: Vec<Vec<u8>>,
    large: Vec<Vec<u8>>,
}

impl Contents {
    fn new(random: &mut Random) -> Self {
        let mut noise = |longest: u64| (0..=random.below(longest)).map(|_| random.below(256) as u8).collect::<Vec<u8>>();
        Self { small: (0..6).map(|_| noise(400)).collect(), large: (0..9).map(|_| noise(60_000)).collect() }
    }
}

fn is_large(path: &str) -> bool {
    [".bin", ".gguf", ".safetensors"].iter().any(|ending| path.ends_with(ending))
}

fn git_sha1(content: &[u8]) -> String {
    use sha1::Digest as _;
    let header = format!("blob {}\0", content.len());
    hex::encode(sha1::Sha1::new_with_prefix(header).chain_update(content).finalize())
}

impl Stock {
    fn new(key: RepoKey, contents: &Contents, random: &mut Random) -> Self {
        let mut commit = |at: usize| {
            let content = |path: &str, random: &mut Random| match path {
                "empty.txt" => Vec::new(),
                _ => random.pick(if is_large(path) { &contents.large } else { &contents.small }).clone(),
            };
            let paths = random.some(&PATHS, 60);
            let mut files: BTreeMap<String, Vec<u8>> = paths.iter().map(|path| ((*path).to_owned(), content(path, random))).collect();
            files.insert("README.md".to_owned(), format!("# {key} {at}\n").into_bytes());
            Commit { id: String::new(), files }
        };
        let commits = (0..COMMITS).map(&mut commit).collect();
        Self { key, commits }
    }

    /// Puts the repository where a Hub serves it.
    fn lay_out(&self, root: &Path, order: [usize; COMMITS]) {
        let folder = root.join(self.key.kind.plural()).join(self.key.id.as_str());
        let mut facts = format!("tags = [\"v{}\"]\n", order[0]);
        for (place, at) in order.into_iter().enumerate() {
            let below = if place == 0 { folder.clone() } else { folder.join(format!(".hub-revisions/c{at}")) };
            for (path, content) in &self.commits[at].files {
                let path = below.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, content).unwrap();
            }
            if place > 0 {
                let branch = BRANCHES.get(place).map(|branch| format!("branch = \"{branch}\"\n")).unwrap_or_default();
                let told = "[[revisions]]\ntitle = \"t\"\ndate = \"2026-01-01T00:00:00Z\"\n";
                write!(facts, "{told}folder = \"c{at}\"\ntags = [\"v{at}\"]\n{branch}").unwrap();
            }
        }
        fs::write(folder.join(".hub.toml"), facts).unwrap();
    }
}

/// Uploads contents to the store; answers their Xet hashes by SHA-256.
async fn upload(endpoint: &str, contents: &[Vec<u8>], scratch: &Path) -> HashMap<String, String> {
    let config = XetConfig::default().with_config("telemetry.enabled", "false").unwrap();
    let session = XetSessionBuilder::new_with_config(config).with_cache_dir(scratch.join("uploads")).build().unwrap();
    let commit = session.new_upload_commit().unwrap().with_endpoint(endpoint).build().await.unwrap();
    let mut hashes = HashMap::new();
    for content in contents {
        let upload = commit.upload_bytes(content.clone(), Sha256Policy::Compute, None).await.unwrap();
        hashes.insert(sha256(content), upload.finalize_ingestion().await.unwrap().xet_info.hash().to_owned());
    }
    commit.commit().await.unwrap();
    hashes
}
