//! Whose certificates are good: those that the system trusts, and some more.
//!
//! The system's are read when the first server shows a certificate. That takes longer than all else that a program does before its
//! first request, and many a run meets no such server.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, SignatureScheme};
use rustls_platform_verifier::Verifier;

/// TLS for clients who trust whom the system trusts, and these certificates.
pub(super) fn client_config(extra: Vec<CertificateDer<'static>>) -> Result<ClientConfig, Error> {
    let provider = CryptoProvider::get_default().cloned().unwrap_or_else(|| Arc::new(default_provider()));
    let trust = Trust { extra, provider: Arc::clone(&provider), judge: OnceLock::new() };
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(config.dangerous().with_custom_certificate_verifier(Arc::new(trust)).with_no_client_auth())
}

/// Why no certificate can be judged: the system seems to trust nobody.
#[derive(Debug)]
pub(super) struct TrustsNobody(pub(super) Error);

impl fmt::Display for TrustsNobody {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("no trusted certificates were found")
    }
}

impl std::error::Error for TrustsNobody {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// The system's own judgement, as soon as it is needed.
struct Trust {
    extra: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
    judge: OnceLock<Verifier>,
}

impl Trust {
    fn judge(&self) -> Result<&Verifier, Error> {
        if let Some(judge) = self.judge.get() {
            return Ok(judge);
        }
        let judge = Verifier::new_with_extra_roots(self.extra.iter().cloned(), Arc::clone(&self.provider));
        let nobody = |error| Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(TrustsNobody(error)))));
        let judge = judge.map_err(nobody)?;
        Ok(self.judge.get_or_init(|| judge))
    }
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.judge()?.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Trust").field("extra", &self.extra.len()).finish_non_exhaustive()
    }
}
