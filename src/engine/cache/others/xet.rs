//! The cache of the Xet client: for each endpoint a folder of chunks, shards and uploads that were interrupted, and its logs
//! (<https://docs.rs/crate/xet-data/latest/source/src/processing/configurations.rs>).

use std::path::{Path, PathBuf};

use super::super::seen::Kind;
use super::find::{Find, last};
use crate::desk::OtherKind;

/// Folders that are one unit wherever they lie; older versions had no folder of the endpoint above them.
const UNITS: [&str; 4] = ["chunk-cache", "shard-cache", "staging", "logs"];

pub(super) fn read(find: &mut Find) {
    for folder in find.folders(find.root()) {
        let name = last(&folder);
        if UNITS.contains(&&*name) {
            let files = find.files_below(&folder);
            find.add_as(OtherKind::Data, &name, &folder, &files);
        } else {
            read_endpoint(find, &folder, &name);
        }
    }
}

/// What is kept for one endpoint, by kind.
fn read_endpoint(find: &mut Find, folder: &Path, endpoint: &str) {
    for unit in find.folders(folder) {
        let files = find.files_below(&unit);
        find.add_as(OtherKind::Data, &format!("{endpoint}/{}", last(&unit)), &unit, &files);
    }
    let loose = find.entries(folder).into_iter().filter(|(_, kind)| *kind == Kind::File);
    let loose: Vec<PathBuf> = loose.map(|(path, _)| path).collect();
    find.add_as(OtherKind::Data, endpoint, folder, &loose);
}
