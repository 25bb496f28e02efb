//! TLS 1.3 with a post-quantum key exchange first, and certificates that are read again when their files change.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// Longest file of certificates, or of a key, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Why certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file could not be read.
    #[error("{what} cannot be read: {source}")]
    File {
        /// Which file.
        what: &'static str,
        /// The system's own answer.
        source: io::Error,
    },
    /// A file is not PEM of the kind that it must be.
    #[error("{what} is no PEM file of its kind, or longer than {FILE_BYTES_MAX} bytes")]
    Pem {
        /// Which file.
        what: &'static str,
    },
    /// The key is not the certificate's, or of a kind that is not known.
    #[error("the key is not that of the certificate, or of a kind that is not known")]
    Key,
    /// The library refused.
    #[error(transparent)]
    Tls(#[from] rustls::Error),
}

/// A chain of certificates and its key, in two PEM files.
#[derive(Debug)]
pub struct Certificates {
    chain: PathBuf,
    key: PathBuf,
    current: RwLock<(Arc<CertifiedKey>, Stand)>,
}

/// Time and length of both files.
type Stand = [Option<(SystemTime, u64)>; 2];

impl Certificates {
    /// Reads them.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn open(chain: &Path, key: &Path) -> Result<Self, TlsError> {
        let stand = stand(chain, key);
        let current = read(chain, key)?;
        Ok(Self { chain: chain.to_owned(), key: key.to_owned(), current: RwLock::new((Arc::new(current), stand)) })
    }

    /// Reads them again if a file has changed, and says whether they were read. What cannot be used leaves the ones before.
    ///
    /// # Errors
    /// [`TlsError`]; it is told once for each change.
    pub fn refresh(&self) -> Result<bool, TlsError> {
        let stand = stand(&self.chain, &self.key);
        if self.current.read().unwrap_or_else(PoisonError::into_inner).1 == stand {
            return Ok(false);
        }
        let read = read(&self.chain, &self.key);
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        current.1 = stand;
        current.0 = Arc::new(read?);
        Ok(true)
    }

    /// When the keeper's own certificate ends, in seconds since 1970; `None` where the library that serves it reads more
    /// forms of it than the one that asks.
    pub(super) fn ends(&self) -> Option<u64> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        let ends = hizo_ledger::timestamp::certificate_ends(current.0.cert.first()?).ok()?;
        Some(ends.unix_seconds())
    }

    /// TLS 1.3 alone; X25519MLKEM768 before what has no post-quantum part; HTTP/1.1.
    pub(super) fn config(self: Arc<Self>) -> Result<ServerConfig, TlsError> {
        let config = ServerConfig::builder_with_provider(Arc::new(crate::http::provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_no_client_auth();
        let mut config = config.with_cert_resolver(self);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).0))
    }
}

fn stand(chain: &Path, key: &Path) -> Stand {
    [chain, key].map(|path| {
        let found = fs::metadata(path).ok()?;
        Some((found.modified().ok()?, found.len()))
    })
}

fn bytes_of(path: &Path, what: &'static str) -> Result<Vec<u8>, TlsError> {
    let file = |source| TlsError::File { what, source };
    if fs::metadata(path).map_err(file)?.len() > FILE_BYTES_MAX {
        return Err(TlsError::Pem { what });
    }
    fs::read(path).map_err(file)
}

fn read(chain: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let pem = |what| move |_| TlsError::Pem { what };
    let (of_chain, of_key) = ("the file of certificates", "the file of the certificate's key");
    let certificates = bytes_of(chain, of_chain)?;
    let certificates =
        CertificateDer::pem_slice_iter(&certificates).collect::<Result<Vec<_>, _>>().map_err(pem(of_chain))?;
    if certificates.is_empty() {
        return Err(TlsError::Pem { what: of_chain });
    }
    let key = PrivateKeyDer::from_pem_slice(&bytes_of(key, of_key)?).map_err(pem(of_key))?;
    let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).map_err(|_| TlsError::Key)?;
    let certified = CertifiedKey::new(certificates, key);
    certified.keys_match().map_err(|_| TlsError::Key)?;
    Ok(certified)
}
