//! TimeStampReq: what is asked of an authority.

use super::Error;
use super::der::{self, tag};
use super::imprint::{Imprint, Nonce};
use super::oid::Oid;

/// Most bytes that a request may have.
pub const REQUEST_BYTES_MAX: usize = 4096;

/// What is asked of an authority: a stamp over an imprint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The hash of the data.
    pub imprint: Imprint,
    /// The policy that is asked for; `None` for whichever the authority has.
    pub policy: Option<Oid>,
    /// The number that the answer must carry back.
    pub nonce: Option<Nonce>,
    /// Whether the answer shall carry the authority's certificates.
    pub certificates: bool,
}

impl Request {
    /// The request in DER.
    pub fn to_der(&self) -> Vec<u8> {
        der::sequence(&[
            &der::integer(&[1]),
            &self.imprint.to_der(),
            &self.policy.as_ref().map(Oid::to_der).unwrap_or_default(),
            &self.nonce.as_ref().map(Nonce::to_der).unwrap_or_default(),
            &if self.certificates { der::element(tag::BOOLEAN, &[0xff]) } else { Vec::new() },
        ])
    }

    /// Reads a request.
    ///
    /// # Errors
    /// The rule that it breaks: [`Error::Digest`] for a hash function that is not accepted,
    /// [`Error::CriticalExtension`] for any extension, [`Error::Version`], [`Error::TooLong`] and those of form.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > REQUEST_BYTES_MAX {
            return Err(Error::TooLong);
        }
        let mut request = der::only(bytes, tag::SEQUENCE)?;
        if request.take(tag::INTEGER)? != [1] {
            return Err(Error::Version);
        }
        let imprint = Imprint::read(request.inside(tag::SEQUENCE)?)?;
        let policy = request.optional(tag::OID)?.map(|policy| Oid::from_content(policy.content)).transpose();
        let policy = policy.map_err(|_| Error::PolicyForm)?;
        let nonce = request.optional(tag::INTEGER)?.map(|nonce| Nonce::read(nonce.content)).transpose()?;
        let certificates = request.optional(tag::BOOLEAN)?.map(|asked| der::boolean(asked.content)).transpose()?;
        if request.optional(tag::CONTEXT_0)?.is_some() {
            return Err(Error::CriticalExtension);
        }
        request.end()?;
        Ok(Self { imprint, policy, nonce, certificates: certificates.unwrap_or(false) })
    }
}
