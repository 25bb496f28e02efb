//! Revocation lists (RFC 5280, section 5), as much of them as tells whether a certificate of a chain stands on one. See
//! docs/spec/timestamp.md, section "Revocation".

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Error;
use super::certificate::{Certificate, parts, read_time};
use super::der::{self, Element, Reader, tag};
use super::moment::Moment;
use super::oid::known;
use super::signature::Algorithm;
use super::token::Token;

/// Most bytes of a list, so that some of them fit into one PEM text.
pub const REVOCATION_LIST_BYTES_MAX: usize = 256 << 10;

/// Most lists that are looked at for one stamp.
pub const REVOCATION_LISTS_MAX: usize = 32;

/// Most addresses of lists that one chain gives.
const ADDRESSES_MAX: usize = 8;

const PEM_BEGIN: &str = "-----BEGIN X509 CRL-----";
const PEM_END: &str = "-----END X509 CRL-----";

/// What revocation lists say of the certificates of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revocation {
    /// No list that holds is at hand for one of the certificates.
    Unknown,
    /// None of them was revoked, as far as lists of this moment and later say.
    Good {
        /// The earliest of the moments at which the newest lists were made.
        as_of: Moment,
    },
    /// One of them was revoked so that the stamp does not count.
    Revoked {
        /// Since when.
        at: Moment,
    },
}

/// A list that could be read, and that nobody has checked.
struct List<'a> {
    signed: &'a [u8],
    issuer: &'a [u8],
    made: Moment,
    entries: &'a [u8],
    algorithm: Algorithm,
    signature: &'a [u8],
}

/// A certificate that was revoked.
struct Entry<'a> {
    serial: &'a [u8],
    at: Moment,
    reason: Option<u8>,
}

impl Token {
    /// What these lists, in DER, say of the stamp's chain. A list counts that the issuer of the chain has signed; others are
    /// passed over, and so is what cannot be read.
    pub fn revocation<'a>(&self, lists: impl IntoIterator<Item = &'a [u8]>) -> Revocation {
        let lists: Vec<List<'_>> =
            lists.into_iter().take(REVOCATION_LISTS_MAX).filter_map(|list| List::parse(list).ok()).collect();
        let chain: Vec<_> = self.chain().iter().filter_map(|bytes| Certificate::parse(bytes).ok()).collect();
        let mut as_of: Option<Moment> = None;
        let mut is_known = true;
        for (certificate, issuer) in chain.iter().zip(chain.iter().skip(1)) {
            let mut newest: Option<Moment> = None;
            for list in lists.iter().filter(|list| list.holds_by(issuer)) {
                match list.find(certificate.serial) {
                    Ok(Some(entry)) if entry.spoils(self.latest()) => return Revocation::Revoked { at: entry.at },
                    Ok(_) => newest = newest.max(Some(list.made)),
                    Err(_) => {}
                }
            }
            is_known &= newest.is_some();
            as_of = as_of.min(newest).or(newest);
        }
        match as_of.filter(|_| is_known) {
            Some(as_of) => Revocation::Good { as_of },
            None => Revocation::Unknown,
        }
    }

    /// Whether this is a list by an issuer of the chain, so that it says something of the certificate below.
    pub fn has_issuer_of(&self, list: &[u8]) -> bool {
        let Ok(list) = List::parse(list) else { return false };
        let issuers = self.chain().iter().skip(1).filter_map(|bytes| Certificate::parse(bytes).ok());
        issuers.into_iter().any(|issuer| list.holds_by(&issuer))
    }

    /// Where the certificates of the chain say that lists of what was revoked lie: `http://` addresses, each once.
    pub fn revocation_addresses(&self) -> Vec<String> {
        let mut addresses: Vec<String> = Vec::new();
        for bytes in self.chain().iter().take(self.chain().len().saturating_sub(1)) {
            let Ok(certificate) = Certificate::parse(bytes) else { continue };
            // What cannot be read leads nowhere.
            let found = certificate.distribution_points().map(read_addresses).and_then(Result::ok).unwrap_or_default();
            for address in found {
                if addresses.len() < ADDRESSES_MAX && !addresses.contains(&address) {
                    addresses.push(address);
                }
            }
        }
        addresses
    }
}

impl<'a> List<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        if bytes.len() > REVOCATION_LIST_BYTES_MAX {
            return Err(Error::TooLong);
        }
        let (signed, algorithm, signature) = parts(bytes)?;
        let mut inner = Reader::new(signed.content);
        if inner.take(tag::INTEGER)? != [1] {
            return Err(Error::Version);
        }
        if inner.element(tag::SEQUENCE)?.whole != algorithm.whole {
            return Err(Error::AlgorithmBinding);
        }
        let issuer = inner.element(tag::SEQUENCE)?.whole;
        let made = read_time(inner.any()?)?;
        for time in [tag::UTC_TIME, tag::GENERALIZED_TIME] {
            inner.optional(time)?;
        }
        let entries = inner.optional(tag::SEQUENCE)?.map_or(&[][..], |entries| entries.content);
        if let Some(extensions) = inner.optional(tag::CONTEXT_0)? {
            check_extensions(der::only(extensions.content, tag::SEQUENCE)?)?;
        }
        inner.end()?;
        let algorithm = Algorithm::read(Reader::new(algorithm.content))?;
        Ok(Self { signed: signed.whole, issuer, made, entries, algorithm, signature })
    }

    fn holds_by(&self, issuer: &Certificate<'_>) -> bool {
        self.issuer == issuer.subject && issuer.signed_list(&self.algorithm, self.signed, self.signature).is_ok()
    }

    /// The entry for this serial number. One entry that cannot be read makes the list worth nothing.
    fn find(&self, serial: &[u8]) -> Result<Option<Entry<'a>>, Error> {
        let (mut entries, mut found) = (Reader::new(self.entries), None);
        while !entries.is_empty() {
            let entry = Entry::read(entries.inside(tag::SEQUENCE)?)?;
            if entry.serial == serial {
                found = Some(entry);
            }
        }
        Ok(found)
    }
}

impl<'a> Entry<'a> {
    fn read(mut entry: Reader<'a>) -> Result<Self, Error> {
        let (serial, at) = (entry.take(tag::INTEGER)?, read_time(entry.any()?)?);
        let mut reason = None;
        if let Some(extensions) = entry.optional(tag::SEQUENCE)? {
            let mut extensions = Reader::new(extensions.content);
            while !extensions.is_empty() {
                let (oid, critical, value) = read_extension(extensions.inside(tag::SEQUENCE)?)?;
                match oid {
                    known::CRL_REASON => reason = Some(read_reason(value)?),
                    // The entry may be for another issuer's certificate.
                    _ if critical => return Err(Error::CertificateCriticalExtension),
                    _ => {}
                }
            }
        }
        entry.end()?;
        Ok(Self { serial, at, reason })
    }

    /// RFC 3161, section 4.1: with a reason that leaves the key sound, what was stamped before is sound; without one, and
    /// with any other, nothing is.
    fn spoils(&self, latest: Moment) -> bool {
        const UNSPECIFIED: u8 = 0;
        const AFFILIATION_CHANGED: u8 = 3;
        const SUPERSEDED: u8 = 4;
        const CESSATION_OF_OPERATION: u8 = 5;
        match self.reason {
            Some(UNSPECIFIED | AFFILIATION_CHANGED | SUPERSEDED | CESSATION_OF_OPERATION) => self.at <= latest,
            Some(_) | None => true,
        }
    }
}

/// A list of some certificates only is as good as any for those that stand on it; one that speaks for other issuers, or only
/// of changes, is not.
fn check_extensions(mut extensions: Reader<'_>) -> Result<(), Error> {
    while !extensions.is_empty() {
        let (oid, critical, value) = read_extension(extensions.inside(tag::SEQUENCE)?)?;
        match oid {
            known::ISSUING_DISTRIBUTION_POINT => {
                let mut point = der::only(value, tag::SEQUENCE)?;
                while !point.is_empty() {
                    const INDIRECT: u8 = 0x84;
                    if point.any()?.tag == INDIRECT {
                        return Err(Error::CertificateCriticalExtension);
                    }
                }
            }
            _ if critical => return Err(Error::CertificateCriticalExtension),
            _ => {}
        }
    }
    Ok(())
}

fn read_extension<'a>(mut extension: Reader<'a>) -> Result<(&'a [u8], bool, &'a [u8]), Error> {
    let oid = extension.take(tag::OID)?;
    let critical = extension.optional(tag::BOOLEAN)?.map(|critical| der::boolean(critical.content)).transpose()?;
    let value = extension.take(tag::OCTET_STRING)?;
    extension.end()?;
    Ok((oid, critical.unwrap_or(false), value))
}

fn read_reason(value: &[u8]) -> Result<u8, Error> {
    const ENUMERATED: u8 = 0x0a;
    match der::only(value, ENUMERATED) {
        Ok(_) => value.get(2..).and_then(<[u8]>::first).copied().ok_or(Error::Der(der::NotDer)),
        Err(error) => Err(error.into()),
    }
}

/// CRLDistributionPoints: the `http://` addresses among the full names.
fn read_addresses(value: &[u8]) -> Result<Vec<String>, der::NotDer> {
    const URI: u8 = 0x86;
    let mut points = der::only(value, tag::SEQUENCE)?;
    let mut addresses = Vec::new();
    while !points.is_empty() {
        let mut point = points.inside(tag::SEQUENCE)?;
        let Some(name) = point.optional(tag::CONTEXT_0)? else { continue };
        let mut full = Reader::new(name.content);
        let Some(names) = full.optional(tag::CONTEXT_0)? else { continue };
        let mut names = Reader::new(names.content);
        while !names.is_empty() {
            let Element { tag, content, .. } = names.any()?;
            let address = std::str::from_utf8(content).ok().filter(|address| address.starts_with("http://"));
            addresses.extend(address.filter(|_| tag == URI).map(str::to_owned));
        }
    }
    Ok(addresses)
}

/// The lists of a PEM text, in DER; what stands between them and what cannot be read is passed over.
pub fn revocation_lists_from_pem(text: &str) -> Vec<Vec<u8>> {
    let mut lists = Vec::new();
    let mut open: Option<String> = None;
    for line in text.lines().map(str::trim_end) {
        match &mut open {
            None if line == PEM_BEGIN => open = Some(String::new()),
            None => {}
            Some(base64) if line == PEM_END => {
                lists.extend(STANDARD.decode(base64).ok().filter(|_| lists.len() < REVOCATION_LISTS_MAX));
                open = None;
            }
            Some(base64) => base64.push_str(line),
        }
    }
    lists
}

/// Lists in DER as a PEM text.
pub fn revocation_lists_to_pem(lists: &[Vec<u8>]) -> String {
    super::authority::to_pem(lists, PEM_BEGIN, PEM_END)
}
