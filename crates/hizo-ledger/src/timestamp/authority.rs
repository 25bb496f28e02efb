//! The authorities that a verifier lets count, and the file that lists them. See docs/spec/timestamp.md.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::certificate::Certificate;
use super::info::Info;
use super::moment::Moment;
use super::oid::Oid;
use super::{AUTHORITIES_MAX, Error, LIST_BYTES_MAX, ROOTS_MAX};

/// The first line of a list.
const HEADER: &str = "hizo/authorities/v1";
const PEM_BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const PEM_END: &str = "-----END CERTIFICATE-----";

/// An authority that counts, with what is its own: its roots, and when, under which policy and by which certificates its
/// stamps count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    name: String,
    roots: Vec<Vec<u8>>,
    url: Option<String>,
    policy: Option<Oid>,
    from: Option<Moment>,
    until: Option<Moment>,
    signers: Vec<[u8; 32]>,
}

impl Authority {
    /// An authority under this name whose chains end in these roots, certificates in DER.
    ///
    /// # Errors
    /// What is wrong with a root; [`Error::NoRoots`], [`Error::TooMany`].
    pub fn new(name: &str, roots: &[Vec<u8>]) -> Result<Self, Error> {
        let (name, roots) = (name.to_owned(), roots.to_vec());
        let authority = Self { name, roots, url: None, policy: None, from: None, until: None, signers: Vec::new() };
        if authority.roots.is_empty() {
            return Err(Error::NoRoots);
        }
        if authority.roots.len() > ROOTS_MAX {
            return Err(Error::TooMany);
        }
        authority.certificates()?;
        Ok(authority)
    }

    /// Its stamps count from this moment and until that one.
    #[must_use]
    pub fn within(self, from: Option<Moment>, until: Option<Moment>) -> Self {
        Self { from, until, ..self }
    }

    /// Only stamps under this policy count, and it is asked for.
    #[must_use]
    pub fn under(self, policy: Oid) -> Self {
        Self { policy: Some(policy), ..self }
    }

    /// Only stamps by this certificate count, named by the SHA-256 of its DER; and by those named before.
    #[must_use]
    pub fn signed_by(mut self, certificate: [u8; 32]) -> Self {
        self.signers.push(certificate);
        self
    }

    /// Where it is asked.
    #[must_use]
    pub fn at(self, url: &str) -> Self {
        Self { url: Some(url.to_owned()), ..self }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is asked; `None` for one whose stamps are only read.
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// The policy that its stamps must have.
    pub const fn policy(&self) -> Option<&Oid> {
        self.policy.as_ref()
    }

    /// Whether stamps of this moment count.
    pub fn counts_at(&self, time: Moment) -> bool {
        self.from.is_none_or(|from| from <= time) && self.until.is_none_or(|until| time <= until)
    }

    pub(crate) fn certificates(&self) -> Result<Vec<Certificate<'_>>, Error> {
        self.roots.iter().map(|root| Certificate::parse(root)).collect()
    }

    /// What holds beyond the chain.
    pub(crate) fn admits(&self, signer: &[u8], info: &Info) -> Result<(), Error> {
        if !self.counts_at(info.time) {
            return Err(Error::OutsideWindow);
        }
        if self.policy.as_ref().is_some_and(|policy| *policy != info.policy) {
            return Err(Error::Policy);
        }
        if !self.signers.is_empty() && !self.signers.contains(&Sha256::digest(signer).into()) {
            return Err(Error::SignerNotNamed);
        }
        Ok(())
    }

    /// Reads a list of authorities.
    ///
    /// # Errors
    /// [`Error::List`] with the line; what is wrong with a root; [`Error::TooLong`], [`Error::TooMany`],
    /// [`Error::NoRoots`].
    pub fn parse_list(text: &str) -> Result<Vec<Self>, Error> {
        if text.len() > LIST_BYTES_MAX {
            return Err(Error::TooLong);
        }
        let mut lines = (1..).zip(text.lines()).filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        if lines.next().is_none_or(|(_, line)| line != HEADER) {
            return Err(Error::List { line: 1 });
        }
        let mut stanzas: Vec<Stanza> = Vec::new();
        let mut certificate: Option<String> = None;
        for (number, line) in lines {
            let wrong = Error::List { line: number };
            match (&mut certificate, stanzas.last_mut()) {
                (Some(base64), Some(stanza)) if line == PEM_END => {
                    stanza.roots.push(STANDARD.decode(&base64).map_err(|_| wrong)?);
                    certificate = None;
                }
                (Some(base64), _) => base64.push_str(line),
                (None, Some(_)) if line == PEM_BEGIN => certificate = Some(String::new()),
                (None, _) => {
                    let (word, value) = line.split_once(' ').ok_or(wrong)?;
                    if word == "authority" {
                        if stanzas.len() == AUTHORITIES_MAX {
                            return Err(Error::TooMany);
                        }
                        stanzas.push(Stanza { name: value.to_owned(), ..Stanza::default() });
                    } else {
                        stanzas.last_mut().and_then(|stanza| stanza.take(word, value)).ok_or(wrong)?;
                    }
                }
            }
        }
        if certificate.is_some() {
            return Err(Error::List { line: text.lines().count() });
        }
        stanzas.into_iter().map(Stanza::finish).collect()
    }
}

#[derive(Default)]
struct Stanza {
    name: String,
    roots: Vec<Vec<u8>>,
    url: Option<String>,
    policy: Option<Oid>,
    from: Option<Moment>,
    until: Option<Moment>,
    signers: Vec<[u8; 32]>,
}

impl Stanza {
    /// Takes a line up; `None` when it is unknown, wrong or there already.
    fn take(&mut self, word: &str, value: &str) -> Option<()> {
        match word {
            "url" if self.url.is_none() => self.url = Some(value.to_owned()),
            "policy" if self.policy.is_none() => self.policy = Some(Oid::parse(value).ok()?),
            "from" if self.from.is_none() => self.from = Some(Moment::parse(value)?),
            "until" if self.until.is_none() => self.until = Some(Moment::parse(value)?),
            "signer" => self.signers.push(*crate::id::ObjectId::from_hex(value).ok()?.as_bytes()),
            _ => return None,
        }
        Some(())
    }

    fn finish(self) -> Result<Authority, Error> {
        let Self { name, roots, url, policy, from, until, signers } = self;
        Ok(Authority { url, policy, from, until, signers, ..Authority::new(&name, &roots)? })
    }
}

/// The certificates of a PEM text, in DER; what stands between them is passed over.
///
/// # Errors
/// [`Error::List`] with the line of one that cannot be read; [`Error::TooLong`].
pub fn certificates_from_pem(text: &str) -> Result<Vec<Vec<u8>>, Error> {
    if text.len() > LIST_BYTES_MAX {
        return Err(Error::TooLong);
    }
    let mut certificates = Vec::new();
    let mut open: Option<String> = None;
    for (number, line) in (1..).zip(text.lines().map(str::trim_end)) {
        match &mut open {
            None if line == PEM_BEGIN => open = Some(String::new()),
            None => {}
            Some(base64) if line == PEM_END => {
                certificates.push(STANDARD.decode(base64).map_err(|_| Error::List { line: number })?);
                open = None;
            }
            Some(base64) => base64.push_str(line),
        }
    }
    if open.is_some() {
        return Err(Error::List { line: text.lines().count() });
    }
    Ok(certificates)
}

/// Certificates in DER as a PEM text.
pub fn certificates_to_pem(certificates: &[Vec<u8>]) -> String {
    to_pem(certificates, PEM_BEGIN, PEM_END)
}

/// Blocks of a PEM text (RFC 7468).
pub(super) fn to_pem(blocks: &[Vec<u8>], begin: &str, end: &str) -> String {
    let mut text = String::new();
    for block in blocks {
        let base64 = STANDARD.encode(block);
        let characters: Vec<char> = base64.chars().collect();
        let lines: Vec<String> = characters.chunks(64).map(|line| line.iter().collect()).collect();
        text.push_str(&format!("{begin}\n{}\n{end}\n", lines.join("\n")));
    }
    text
}
