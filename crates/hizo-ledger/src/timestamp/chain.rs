//! From the signer's certificate to a root that the verifier brought, as things stood at the time of the stamp.

use super::authority::Authority;
use super::certificate::Certificate;
use super::info::Info;
use super::{CHAIN_CERTIFICATES_MAX, Error, SIGNATURE_CHECKS_MAX};

/// Certificates that may help: out of the token, and from whoever verifies. None of them is trusted for being here.
#[derive(Default)]
pub(crate) struct Pool<'a> {
    certificates: Vec<Certificate<'a>>,
    unreadable: Option<Error>,
}

/// A chain that holds.
pub(crate) struct Chain<'a> {
    pub(crate) authority: &'a Authority,
    pub(crate) certificates: Vec<Certificate<'a>>,
}

impl<'a> Pool<'a> {
    /// Takes a certificate up, once. What cannot be read cannot help, and does no harm.
    pub(crate) fn add(&mut self, bytes: &'a [u8]) {
        if self.certificates.iter().any(|certificate| certificate.whole == bytes) {
            return;
        }
        match Certificate::parse(bytes) {
            Ok(certificate) => self.certificates.push(certificate),
            Err(error) => self.unreadable = self.unreadable.or(Some(error)),
        }
    }

    pub(crate) fn certificates(&self) -> &[Certificate<'a>] {
        &self.certificates
    }

    /// Why the first unreadable certificate could not be read.
    pub(crate) const fn unreadable(&self) -> Option<Error> {
        self.unreadable
    }
}

/// Tries the authorities in turn, each with its own roots, signers, policy and time only: what holds for one of them
/// never helps another.
pub(crate) fn build<'a>(
    signer: &Certificate<'a>,
    pool: &'a Pool<'_>,
    authorities: &'a [Authority],
    info: &Info,
) -> Result<Chain<'a>, Error> {
    let mut search = Search { pool, info, checks: 0, furthest: (0, Error::NoPath) };
    for authority in authorities {
        let roots = authority.certificates()?;
        search.checks = 0;
        let Some(certificates) = search.climb(&roots, vec![signer.clone()]) else { continue };
        match authority.admits(signer.whole, info) {
            Ok(()) => return Ok(Chain { authority, certificates }),
            Err(error) => search.note(CHAIN_CERTIFICATES_MAX.saturating_add(1), error),
        }
    }
    Err(search.furthest.1)
}

struct Search<'a, 's> {
    pool: &'a Pool<'a>,
    info: &'s Info,
    checks: usize,
    /// The longest path that failed, and why.
    furthest: (usize, Error),
}

impl<'a> Search<'a, '_> {
    /// A path from the last certificate of `path` to one of the roots.
    fn climb(&mut self, roots: &[Certificate<'a>], path: Vec<Certificate<'a>>) -> Option<Vec<Certificate<'a>>> {
        let last = path.last()?.clone();
        for root in roots.iter().filter(|root| root.subject == last.issuer) {
            match self.step(root, &last, &path) {
                Ok(()) => return Some([path, vec![root.clone()]].concat()),
                Err(error) => self.note(path.len(), error),
            }
        }
        let pool = self.pool;
        for issuer in pool.certificates.iter().filter(|issuer| issuer.subject == last.issuer) {
            if path.iter().chain(roots).any(|certificate| certificate.whole == issuer.whole) {
                continue;
            }
            if path.len() >= CHAIN_CERTIFICATES_MAX.saturating_sub(1) {
                self.note(path.len(), Error::TooMany);
                continue;
            }
            match self.step(issuer, &last, &path) {
                Ok(()) => {
                    if let Some(found) = self.climb(roots, [path.clone(), vec![issuer.clone()]].concat()) {
                        return Some(found);
                    }
                }
                Err(error) => self.note(path.len(), error),
            }
        }
        None
    }

    /// Whether this issuer may stand over the last certificate of the path and signed it.
    fn step(
        &mut self,
        issuer: &Certificate<'a>,
        last: &Certificate<'a>,
        path: &[Certificate<'a>],
    ) -> Result<(), Error> {
        issuer.check_at(self.info.time)?;
        let between = path.iter().skip(1).filter(|certificate| !certificate.is_self_issued()).count();
        issuer.check_issuer(u32::try_from(between).unwrap_or(u32::MAX))?;
        self.checks = self.checks.saturating_add(1);
        if self.checks > SIGNATURE_CHECKS_MAX {
            return Err(Error::TooMany);
        }
        issuer.check_signed(last)
    }

    fn note(&mut self, reached: usize, error: Error) {
        if reached > self.furthest.0 {
            self.furthest = (reached, error);
        }
    }
}
