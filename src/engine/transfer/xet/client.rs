//! One hf-xet session for all files.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use reqwest::header::{self, HeaderMap, HeaderValue};
use tempfile::TempDir;
use tokio::sync::Semaphore;
use xet::XetError;
use xet::xet_session::{XetConfig, XetDownloadStreamGroup, XetSession, XetSessionBuilder};

use super::pass::Pass;
use crate::desk::Fault;
use crate::engine::net::USER_AGENT;
use crate::engine::transfer::lock;
use crate::engine::transfer::settings::Settings;

/// The most streams of all files together. Each holds in memory what its range decompresses to.
const STREAMS: usize = 8;

/// Opens files over Xet.
///
/// It is nothing until the first file is opened: no thread, no file, no connection. hf-xet then works on the caller's runtime. Nothing
/// of its settings comes from the environment (`HF_XET_*`, `HF_HOME` and their kind); proxies do, as for every other request.
pub struct XetClient {
    settings: Settings,
    session: Mutex<Option<Arc<Session>>>,
    building: tokio::sync::Mutex<()>,
    /// What each stream holds one of.
    pub streams: Arc<Semaphore>,
}

/// hf-xet's session, and the name of the folder that it wants to find whenever it makes a group. Downloads keep nothing in it.
struct Session {
    xet: XetSession,
    scratch: PathBuf,
}

impl Session {
    /// The folder, with nobody else's access, until it is dropped.
    fn scratch(&self) -> Result<TempDir, Fault> {
        let name = self.scratch.file_name().unwrap_or_default();
        let made = tempfile::Builder::new().prefix(name).rand_bytes(0).tempdir_in(self.scratch.with_file_name(""));
        made.map_err(|error| Fault::disk(format!("make the folder {}", self.scratch.display()), error))
    }
}

impl XetClient {
    /// A client that works as the mover does.
    pub fn new(settings: &Settings) -> Self {
        let streams = Arc::new(Semaphore::new(STREAMS));
        Self { settings: settings.clone(), session: Mutex::default(), building: tokio::sync::Mutex::default(), streams }
    }

    /// A group of streams for one file. The pass's token is the only credential that hf-xet ever sees.
    pub(super) async fn group(&self, pass: &Pass) -> Result<XetDownloadStreamGroup, Fault> {
        let _one_at_a_time = self.building.lock().await; // they share the folder
        let session = self.session()?;
        let _scratch = session.scratch()?;
        let group = session.xet.new_download_stream_group().map_err(refused)?;
        let group = group.with_endpoint(&pass.store).with_token_info(&pass.token, u64::MAX).with_custom_headers(headers());
        group.build().await.map_err(refused)
    }

    fn session(&self) -> Result<Arc<Session>, Fault> {
        let mut held = lock(&self.session);
        if let Some(session) = &*held {
            return Ok(session.clone());
        }
        let session = Arc::new(self.start()?);
        *held = Some(session.clone());
        Ok(session)
    }

    fn start(&self) -> Result<Session, Fault> {
        let scratch = tempfile::Builder::new().prefix("hfdesk-xet-").tempdir();
        let scratch = scratch.map_err(|error| Fault::disk("make a temporary folder for Xet", error))?.path().to_path_buf();
        let config = self.config()?;
        let xet = XetSessionBuilder::new_with_config(config).with_cache_dir(&scratch).build().map_err(refused)?;
        Ok(Session { xet, scratch })
    }

    /// hf-xet's defaults, but for what follows.
    fn config(&self) -> Result<XetConfig, Fault> {
        let seconds = |time: std::time::Duration| format!("{}ms", time.as_millis().max(1));
        let values = [
            ("telemetry.enabled", "false".to_owned()),
            ("client.connect_timeout", seconds(self.settings.connect_timeout)),
            ("client.read_timeout", seconds(self.settings.stall_timeout)),
            // What fails twice is better tried by us, with another address or over another transport.
            ("client.retry_max_attempts", "1".to_owned()),
            ("client.retry_base_delay", "500ms".to_owned()),
            ("client.retry_max_duration", "5s".to_owned()),
            ("client.ac_initial_download_concurrency", STREAMS.to_string()),
            // More than the streams ever take together, so that none waits for another inside hf-xet, where nobody could tell why.
            ("reconstruction.download_buffer_size", "512mb".to_owned()),
            ("reconstruction.download_buffer_perfile_size", "0b".to_owned()),
            ("reconstruction.download_buffer_limit", "512mb".to_owned()),
        ];
        values.into_iter().try_fold(XetConfig::default(), |config, (key, value)| {
            config.with_config(key, value).map_err(|error| Fault::internal("hf-xet does not take its settings").because(error))
        })
    }
}

/// hf-xet calls itself what we do, and by its own name.
fn headers() -> HeaderMap {
    std::iter::once((header::USER_AGENT, HeaderValue::from_static(USER_AGENT))).collect()
}

fn refused(error: XetError) -> Fault {
    Fault::internal("hf-xet cannot be set up").because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_made_before_it_is_needed_and_every_setting_is_known() {
        let client = XetClient::new(&Settings::default());
        assert!(lock(&client.session).is_none());
        let config = client.config().unwrap();
        let value = |key| config.get(key).unwrap();
        assert_eq!((value("telemetry.enabled"), value("client.read_timeout")), ("false".into(), "30s".into()));
        assert_eq!(headers().len(), 1);
        assert!(headers().contains_key(header::USER_AGENT));
    }
}
