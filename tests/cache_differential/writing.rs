//! Writing a random cache, as people come to one over months: with several programs, by branches that move, and with what is left of
//! downloads that ended early.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use hfdesk_tui::engine::cache::Cache;
use serde_json::{Value, json};

use crate::machine::{noise, sha256};
use crate::official::{Manner, Official, Version};
use crate::random::Random;
use crate::shelf::{Named, Shelf, Stock};

/// Who writes a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// The official client, told how.
    Official(Manner),
    /// This program, with or without links.
    Ours { links: bool },
}

/// The clients of one version, by how they write; the first judges.
pub struct Clients(Vec<(Manner, Official)>);

impl Clients {
    /// Starts them, or answers `None` where they are not installed.
    pub fn start(version: Version, manners: &[Manner]) -> Option<Self> {
        let start = |manner: &Manner| Some((*manner, Official::start(version, *manner)?));
        manners.iter().map(start).collect::<Option<Vec<_>>>().map(Self)
    }

    pub fn judge(&mut self) -> &mut Official {
        &mut self.0[0].1
    }

    /// Everybody who can write.
    pub fn writers(&self) -> Vec<Writer> {
        let official = self.0.iter().map(|(manner, _)| Writer::Official(*manner));
        official.chain([Writer::Ours { links: true }, Writer::Ours { links: false }]).collect()
    }

    fn download(&mut self, manner: Manner, root: &Path, steps: &[Value]) {
        let client = self.0.iter_mut().find(|(own, _)| *own == manner).map(|(_, client)| client).unwrap();
        client.ask(&json!({ "do": "download", "cache": root, "steps": steps }));
    }
}

/// Writes a cache to a folder that does not exist yet.
pub fn write(shelf: &Shelf, clients: &mut Clients, writers: &[Writer], root: &Path, random: &mut Random) {
    let repos: Vec<&Stock> = random.some(&shelf.repos.iter().collect::<Vec<_>>(), 55);
    for stock in &repos {
        for _ in 0..=random.below(3) {
            let named = shelf.named(stock, random);
            match *random.pick(writers) {
                Writer::Official(manner) => clients.download(manner, root, &[asked(stock, &named, random)]),
                Writer::Ours { links } => place(shelf, stock, &named, root, links, random),
            }
        }
    }
    if repos.len() > 1 && random.percent(15) {
        // A payload that it shared stays without anybody who uses it.
        fs::remove_dir_all(folder(root, repos[0])).unwrap();
    }
    repos.iter().map(|stock| folder(root, stock)).filter(|folder| folder.exists()).for_each(|folder| leave_over(&folder, random));
}

fn folder(root: &Path, stock: &Stock) -> PathBuf {
    root.join(format!("{}--{}", stock.key.kind.plural(), stock.key.id.as_str().replace('/', "--")))
}

/// A download as the client is asked for it: everything, or some files, and perhaps one that is not there.
fn asked(stock: &Stock, named: &Named, random: &mut Random) -> Value {
    let mut files = some_files(named, random).map(|files| files.into_iter().cloned().collect::<Vec<_>>());
    if let Some(files) = files.as_mut().filter(|_| random.percent(20)) {
        files.push("missing.json".to_owned());
    }
    let Named { revision, endpoint, .. } = named;
    json!({ "repo": stock.key.id.as_str(), "kind": stock.key.kind.name(), "revision": revision, "endpoint": endpoint, "files": files })
}

fn some_files<'a>(named: &Named<'a>, random: &mut Random) -> Option<Vec<&'a String>> {
    let all: Vec<&String> = named.commit.files.keys().collect();
    if random.percent(40) { None } else { Some(random.some(&all, 35)) }
}

/// A download as this program places it: under the same names, in the same order, and without fetching what is here.
fn place(shelf: &Shelf, stock: &Stock, named: &Named, root: &Path, links: bool, random: &mut Random) {
    let cache = Cache::new(root.to_path_buf());
    let cache = if links { cache } else { cache.without_symlinks() };
    let files: BTreeSet<&String> =
        some_files(named, random).map_or_else(|| named.commit.files.keys().collect(), |some| some.into_iter().collect());
    let plan = shelf.plan(stock, named, &files);
    let place = cache.place(&plan).unwrap();
    place.prepare().unwrap();
    for file in &plan.files {
        if place.held(file) {
            place.link(&[file]).unwrap();
        } else {
            let partial = place.partial(file);
            fs::write(partial.data, &named.commit.files[&file.path]).unwrap();
            fs::write(partial.journal, "{}").unwrap();
            place.place(&[file.into()]).unwrap();
        }
    }
}

/// Leaves behind what downloads that ended early leave among a repository's blobs.
fn leave_over(folder: &Path, random: &mut Random) {
    let blobs = folder.join("blobs");
    fs::create_dir_all(&blobs).unwrap();
    let mut content = noise(8 * usize::try_from(1 + random.below(900)).unwrap());
    content[0] ^= random.below(256) as u8;
    let name = sha256(&content);
    let mut leave = |share: u64, ending: &str| random.percent(share).then(|| blobs.join(format!("{name}{ending}")));
    for left in [leave(25, ".incomplete"), leave(25, ".0a1b2c3d.incomplete"), leave(10, "")].into_iter().flatten() {
        fs::write(left, &content).unwrap();
    }
    // One with holes: its length is not what it takes on the disk.
    if let Some(left) = leave(10, ".4e5f6a7b.incomplete") {
        fs::File::create(left).unwrap().set_len(1 << 20).unwrap();
    }
    if let Some(left) = leave(20, ".hfdesk.part") {
        fs::write(left, &content).unwrap();
        fs::write(blobs.join(format!("{name}.hfdesk.json")), "{}").unwrap();
    }
}
