//! Signed URLs: whoever holds one may read one path until it expires.

use std::io::Read;
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use crate::desk::Fault;

/// Signs with a secret that lives as long as the server.
pub struct Signer {
    secret: [u8; 32],
    lifetime: Duration,
}

impl Signer {
    /// A signer with a fresh secret, whose signatures hold for `lifetime` (whole seconds).
    pub fn new(lifetime: Duration) -> Result<Self, Fault> {
        let mut secret = [0; 32];
        let read = std::fs::File::open("/dev/urandom").and_then(|mut source| source.read_exact(&mut secret));
        read.map_err(|error| Fault::disk("read /dev/urandom", error))?;
        Ok(Self { secret, lifetime })
    }

    /// The query that opens this path from `now` on.
    pub fn query(&self, path: &str, now: SystemTime) -> String {
        let expires = seconds(now + self.lifetime);
        format!("Expires={expires}&Signature={}", hex::encode(self.mac(path, expires)))
    }

    /// Whether this query opens this path now.
    pub fn admits(&self, path: &str, query: &str, now: SystemTime) -> bool {
        let find = |name: &str| url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value);
        let expires: Option<u64> = find("Expires").and_then(|text| text.parse().ok());
        let given = find("Signature").and_then(|text| hex::decode(text.as_bytes()).ok());
        let (Some(expires), Some(given)) = (expires, given) else { return false };
        // Both sides are hashed once more, so that the time of the comparison tells nothing.
        let same = Sha256::digest(given) == Sha256::digest(self.mac(path, expires));
        same && seconds(now) < expires
    }

    /// Two nested hashes, so that a signature cannot be extended to a longer path.
    fn mac(&self, path: &str, expires: u64) -> [u8; 32] {
        let inner = Sha256::new().chain_update(self.secret).chain_update(format!("{expires}\n{path}")).finalize();
        Sha256::new().chain_update(self.secret).chain_update(inner).finalize().into()
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_opens_one_path_for_a_while() {
        let (signer, now) = (Signer::new(Duration::from_secs(60)).unwrap(), SystemTime::now());
        let query = signer.query("/models/a/b", now);
        assert!(signer.admits("/models/a/b", &query, now));
        assert!(!signer.admits("/models/a/b", &query, now + Duration::from_secs(61)));
        assert!(!signer.admits("/models/a/c", &query, now));
        assert!(!signer.admits("/models/a/b", &query.replace("Expires=1", "Expires=2"), now));
        assert!(!signer.admits("/models/a/b", "", now));
        assert!(!Signer::new(Duration::from_secs(60)).unwrap().admits("/models/a/b", &query, now));
    }
}
