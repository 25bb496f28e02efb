//! How others are asked over HTTP. What authorities and witnesses answer is signed and verified, so nothing else protects the
//! way to them; a keeper elsewhere is asked over TLS.

use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{self, kx_group};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};

/// How long somebody is waited for who is asked over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patience {
    /// Longest wait for a connection.
    pub connect: Duration,
    /// Longest wait for a whole answer, the connection with it.
    pub answer: Duration,
    /// The waits between one try and the next: one try more than there are waits.
    pub between: Vec<Duration>,
}

/// Most bytes of headers that an answer may have.
const HEADER_BYTES_MAX: usize = 16 << 10;

/// The library's algorithms, X25519MLKEM768 before whatever has no post-quantum part.
pub(crate) fn provider() -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    provider.kx_groups = vec![kx_group::X25519MLKEM768, kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1];
    provider
}

/// Asks over HTTP. It follows no redirection, uses no proxy of the environment and keeps no cookies.
pub(crate) fn agent(connect: Duration, answer: Duration) -> ureq::Agent {
    agent_that_trusts(connect, answer, RootCerts::WebPki)
}

/// As [`agent`], and takes over TLS whoever has a certificate by one of these roots.
pub(crate) fn agent_that_trusts(connect: Duration, answer: Duration, roots: RootCerts) -> ureq::Agent {
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(provider()))
        .root_certs(roots)
        .build();
    ureq::Agent::config_builder()
        .timeout_connect(Some(connect))
        .timeout_global(Some(answer))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .max_response_header_size(HEADER_BYTES_MAX)
        .proxy(None)
        .tls_config(tls)
        .user_agent("hizo")
        .build()
        .new_agent()
}

/// What is wrong with the certificate of whoever answered, if that is why nothing came of it.
pub(crate) fn refused_certificate(error: &ureq::Error) -> Option<String> {
    let refused = |error: &rustls::Error| match error {
        rustls::Error::InvalidCertificate(why) => Some(why.to_string()),
        _ => None,
    };
    match error {
        ureq::Error::Rustls(error) => refused(error),
        ureq::Error::Io(error) => error.get_ref()?.downcast_ref().and_then(refused),
        _ => None,
    }
}

/// The certificates in a PEM file; `None` when there is none, or something cannot be read.
pub(crate) fn roots(pem: &[u8]) -> Option<RootCerts> {
    let certificate = |item: Result<PemItem<'static>, _>| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        Ok(_) | Err(_) => None,
    };
    let certificates = parse_pem(pem).map(certificate).collect::<Option<Vec<Certificate<'static>>>>()?;
    (!certificates.is_empty()).then(|| RootCerts::new_with_certs(&certificates))
}
