//! Certificates to trust beside the system's.

use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::desk::{Fault, FaultKind};
use crate::engine::config::{Origin, Setting};

/// Where Unix systems keep all of theirs in one file. The TLS library reads them itself, but not where `SSL_CERT_FILE` is set:
/// it would then trust that file's alone.
const SYSTEM: [&str; 4] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"];

/// The certificates in these files and, where there are any files, the system's too.
pub(super) fn read(files: &[Setting<PathBuf>]) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let mut found = Vec::new();
    for file in files {
        found.append(&mut named(file)?);
    }
    if !files.is_empty() {
        let system = SYSTEM.iter().find_map(|path| std::fs::read(Path::new(path)).ok());
        found.append(&mut system.map(|pem| authorities(&pem)).unwrap_or_default());
    }
    Ok(found)
}

/// The certificates in a file that somebody named, of which there must be some. Only a variable's file may be missing, which has
/// been told as a warning.
fn named(file: &Setting<PathBuf>) -> Result<Vec<CertificateDer<'static>>, Fault> {
    if matches!(file.origin, Origin::Environment(_)) && !file.value.is_file() {
        return Ok(Vec::new());
    }
    let name = format!("the certificate file {} ({})", file.value.display(), file.origin);
    let unreadable = |error| Fault::new(FaultKind::Usage, format!("{name} cannot be read: {error}")).because(error);
    let found = authorities(&std::fs::read(&file.value).map_err(unreadable)?);
    if found.is_empty() {
        return Err(Fault::new(FaultKind::Usage, format!("{name} holds no certificate"))
            .hint("it must be in PEM format, with lines that read -----BEGIN CERTIFICATE-----"));
    }
    Ok(found)
}

/// The certificates in a PEM text that can stand for an authority. Others are left out: one would spoil all.
fn authorities(pem: &[u8]) -> Vec<CertificateDer<'static>> {
    let certificates = CertificateDer::pem_slice_iter(pem).flatten();
    certificates.filter(|der| RootCertStore::empty().add(der.clone()).is_ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &Path) -> [Setting<PathBuf>; 1] {
        [Setting { value: path.to_path_buf(), origin: Origin::File("c.toml".into()) }]
    }

    /// How many certificates of the system there are.
    fn of_the_system() -> usize {
        SYSTEM.iter().find_map(|path| std::fs::read(path).ok()).map_or(0, |pem| authorities(&pem).len())
    }

    #[test]
    fn a_file_without_certificates_is_refused_with_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ca.pem");
        let missing = read(&file(&path)).unwrap_err();
        assert!(missing.kind == FaultKind::Usage && missing.message.contains("ca.pem (c.toml) cannot be read"), "{missing}");
        for text in ["", "not PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            std::fs::write(&path, text).unwrap();
            let empty = read(&file(&path)).unwrap_err();
            assert!(empty.message.contains("holds no certificate") && empty.hint.is_some(), "{empty}");
        }
    }

    #[test]
    fn the_systems_own_stay_trusted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ca.pem");
        let own = rcgen::generate_simple_self_signed(["ca.test".to_owned()]).unwrap().cert.pem();
        std::fs::write(&path, format!("a comment\n{own}")).unwrap();
        assert_eq!(read(&file(&path)).unwrap().len(), 1 + of_the_system());
        let gone = Setting { value: "/gone.pem".into(), origin: Origin::Environment("SSL_CERT_FILE") };
        assert_eq!(read(&[gone]).unwrap().len(), of_the_system());
        assert!(read(&[]).unwrap().is_empty());
    }
}
