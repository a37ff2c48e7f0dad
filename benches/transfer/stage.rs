//! What all cases share: a Hub whose large files come from `nginx`, over HTTP and over HTTPS with a certificate of our own.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hfdesk_tui::hubserver::{HubConfig, HubServer};
use tempfile::TempDir;

use crate::{Outcome, far, program};

/// How long a server may take to listen.
const LONGEST_START: Duration = Duration::from_secs(10);

/// Servers, and a folder in memory for what they serve and what arrives.
pub struct Stage {
    folder: TempDir,
    nginx: Child,
    runtime: tokio::runtime::Runtime,
    http: SocketAddr,
    https: SocketAddr,
    far: SocketAddr,
    hubs: Vec<HubServer>,
}

/// How large files travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    Http,
    Https,
    Far,
}

impl Stage {
    /// Starts everything.
    pub fn set_up() -> Outcome<Self> {
        let folder = tempfile::Builder::new().prefix("hfdesk-bench-").tempdir_in("/dev/shm")?;
        fs::create_dir_all(folder.path().join("hub/models"))?;
        let (http, https) = (free_port()?, free_port()?);
        certify(folder.path())?;
        fs::write(folder.path().join("nginx.conf"), configuration(folder.path(), http, https))?;
        let nginx = nginx(folder.path())?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let far = runtime.block_on(far::relay(http))?;
        let mut stage = Self { folder, nginx, runtime, http, https, far, hubs: Vec::new() };
        for link in [Link::Http, Link::Https, Link::Far] {
            let config = HubConfig { storefront: Some(stage.base(link)), ..HubConfig::new(stage.hub_folder()) };
            let hub = stage.runtime.block_on(HubServer::start(config))?;
            stage.hubs.push(hub);
        }
        wait_for(http)?;
        Ok(stage)
    }

    /// Ends everything.
    pub fn tear_down(mut self) {
        let _ = self.nginx.kill();
        let _ = self.nginx.wait();
        for hub in self.hubs {
            self.runtime.block_on(hub.stop());
        }
    }

    /// The folder that is served.
    pub fn hub_folder(&self) -> PathBuf {
        self.folder.path().join("hub")
    }

    /// A folder for what arrives, in memory.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The base URL of the server of large files.
    pub fn base(&self, link: Link) -> String {
        match link {
            Link::Http => format!("http://{}", self.http),
            Link::Https => format!("https://localhost:{}", self.https.port()),
            Link::Far => format!("http://{}", self.far),
        }
    }

    /// The Hub whose large files come that way.
    pub fn endpoint(&self, link: Link) -> String {
        self.hubs[link as usize].endpoint()
    }

    /// The certificate to trust.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Writes a file of a repository, incompressible and quickly made: a counter through a multiplicative hash.
    pub fn write_file(&self, repo: &str, name: &str, size: u64, seed: u64) -> Outcome<()> {
        let path = self.hub_folder().join("models").join(repo).join(name);
        fs::create_dir_all(path.parent().ok_or("a file has a folder")?)?;
        let mut file = std::io::BufWriter::with_capacity(1 << 20, File::create(path)?);
        for word in 0..size.div_ceil(8) {
            let bytes = (word + (seed << 40)).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
            let length = usize::try_from(size - word * 8).map_or(8, |rest| rest.min(8));
            file.write_all(&bytes[..length])?;
        }
        Ok(file.flush()?)
    }
}

/// Has the servers' programs in memory.
pub fn warm() -> Outcome<()> {
    program::warm(std::env::current_exe()?.as_os_str());
    program::warm(OsStr::new("nginx"));
    Ok(())
}

fn free_port() -> Outcome<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn wait_for(address: SocketAddr) -> Outcome<()> {
    let begun = Instant::now();
    while std::net::TcpStream::connect(address).is_err() {
        if begun.elapsed() > LONGEST_START {
            return Err(format!("nothing listens on {address}").into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn nginx(folder: &Path) -> Outcome<Child> {
    let mut command = Command::new("nginx");
    command.arg("-p").arg(folder).arg("-c").arg(folder.join("nginx.conf")).args(["-g", "daemon off;"]);
    Ok(command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().map_err(|error| format!("nginx is needed: {error}"))?)
}

fn configuration(folder: &Path, http: SocketAddr, https: SocketAddr) -> String {
    let folder = folder.display();
    format!(
        "master_process off; user root; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; root {folder}/hub;
  server {{ listen {http}; }}
  server {{ listen {https} ssl; ssl_certificate leaf.pem; ssl_certificate_key leaf.key; ssl_protocols TLSv1.3; }}
}}
"
    )
}

/// Makes an authority and a certificate for `localhost` that it has signed.
fn certify(folder: &Path) -> Outcome<()> {
    fs::write(folder.join("leaf.ext"), "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")?;
    openssl(folder, "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=bench")?;
    openssl(folder, "req -newkey rsa:2048 -nodes -keyout leaf.key -out leaf.csr -subj /CN=localhost")?;
    openssl(folder, "x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out leaf.pem -extfile leaf.ext")
}

fn openssl(folder: &Path, arguments: &str) -> Outcome<()> {
    let mut command = Command::new("openssl");
    let output = command.args(arguments.split(' ')).current_dir(folder).output().map_err(|error| format!("openssl is needed: {error}"))?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into()) }
}
