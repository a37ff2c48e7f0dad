//! A repository's card, with what its model was made from.

use std::time::Duration;

use super::hub::Hub;
use crate::desk::{Card, Fault, RepoRef};

/// The file that is a repository's card.
const CARD: &str = "README.md";
/// The largest card that is read, in bytes.
const CARD_LIMIT: usize = 8 << 20;
/// How long a card waits for what the model was made from.
const PATIENCE: Duration = Duration::from_secs(2);

/// The card of a repository at its revision; `None` where it has none.
pub(super) async fn card(hub: &Hub, repo: &RepoRef) -> Result<Option<Card>, Fault> {
    let info = hub.info(repo).await?;
    if !info.siblings.iter().any(|path| path == CARD) {
        return Ok(None);
    }
    let lineage = hub.lineage(repo, info.base_models, PATIENCE);
    let (text, lineage) = futures::join!(hub.read_file(repo, &info.commit, CARD, CARD_LIMIT), lineage);
    Ok(Some(Card { lineage, ..Card::read(&String::from_utf8_lossy(&text?)) }))
}
