//! `lumen-research`: a `transformers` checkpoint in shards, with a past: earlier commits, tags and a branch.

use serde_json::json;

use super::folder::Folder;
use super::llama::Shape;
use super::{Scale, safetensors, tokens};
use crate::desk::Fault;

/// What the Hub knows besides the files; the first release came in two shards, and the branch has no weights.
const FACTS: &str = r#"
downloads = 96140
likes = 540
trending = 64
created_at = "2026-03-19T08:00:00Z"
last_modified = "2026-09-15T13:30:45Z"
title = "Train on 400 billion more tokens"
tags = ["v1.1"]

[[revisions]]
folder = "long-context"
branch = "long-context"
title = "Reach for 128k positions"
date = "2026-08-30T10:12:00Z"

[[revisions]]
folder = "v1.0"
tags = ["v1.0"]
title = "Release 1.0"
date = "2026-05-02T09:00:00Z"

[[revisions]]
folder = "first"
title = "Describe what is to come"
date = "2026-03-19T08:00:00Z"
"#;

const README: &str = "---\nlicense: apache-2.0\npipeline_tag: text-generation\nlibrary_name: transformers\n---\n\n# Lumen 3B Base\n\n";

/// Writes the repository.
pub fn write(root: &Folder, scale: Scale) -> Result<(), Fault> {
    let repo = root.repo("models/lumen-research/Lumen-3B-Base", include_str!("texts/lumen.md"), FACTS)?;
    let shape = Shape::large(scale);
    checkpoint(&repo, shape, 3)?;
    repo.json(
        "generation_config.json",
        &json!({ "bos_token_id": 1, "eos_token_id": 2, "do_sample": true, "temperature": 0.6, "top_p": 0.9, "transformers_version": "4.57.1" }),
    )?;
    repo.commit("long-context", &format!("{README}An experiment: the weights are still to come.\n"))?
        .json("config.json", &shape.config())?;
    checkpoint(&repo.commit("v1.0", &format!("{README}The first release, in two shards.\n"))?, Shape::small(scale), 2)?;
    repo.commit("first", &format!("{README}Nothing is here yet.\n"))?;
    Ok(())
}

fn checkpoint(folder: &Folder, shape: Shape, shards: usize) -> Result<(), Fault> {
    safetensors::write_shards(folder, &shape.tensors(), shards)?;
    tokens::write(folder, shape.vocabulary())?;
    folder.json("config.json", &shape.config())
}
