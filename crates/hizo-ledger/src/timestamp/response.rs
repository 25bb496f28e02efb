//! TimeStampResp: what an authority answers.

use super::der::{self, tag};
use super::token::UnverifiedToken;
use super::{Error, RESPONSE_BYTES_MAX};

/// Why an authority refuses, by the bit of PKIFailureInfo (RFC 3161, section 2.4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// A hash function that it does not take.
    BadAlgorithm,
    /// A request that it does not take.
    BadRequest,
    /// A request that it cannot read.
    BadDataFormat,
    /// Its clock cannot be relied on at present.
    TimeNotAvailable,
    /// A policy that it does not have.
    UnacceptedPolicy,
    /// An extension that it does not have.
    UnacceptedExtension,
    /// Something that was asked for and that it cannot give.
    AdditionalInfoNotAvailable,
    /// Its own fault.
    SystemFailure,
    /// A bit that has no meaning there, or none at all.
    Unknown,
}

impl Failure {
    const BITS: [(Self, u8); 8] = [
        (Self::BadAlgorithm, 0),
        (Self::BadRequest, 2),
        (Self::BadDataFormat, 5),
        (Self::TimeNotAvailable, 14),
        (Self::UnacceptedPolicy, 15),
        (Self::UnacceptedExtension, 16),
        (Self::AdditionalInfoNotAvailable, 17),
        (Self::SystemFailure, 25),
    ];

    /// Reads the first bit that is set.
    fn read(content: &[u8]) -> Result<Self, Error> {
        let (_, bytes) = content.split_first().ok_or(der::NotDer)?;
        let set = |bit: u8| bytes.get(usize::from(bit / 8)).is_some_and(|byte| byte & (0x80 >> (bit % 8)) != 0);
        Ok(Self::BITS.into_iter().find(|(_, bit)| set(*bit)).map_or(Self::Unknown, |(failure, _)| failure))
    }

    /// The BIT STRING, without trailing zeros.
    fn to_der(self) -> Vec<u8> {
        let Some((_, bit)) = Self::BITS.into_iter().find(|(failure, _)| *failure == self) else { return Vec::new() };
        let mut content = vec![0; usize::from(bit / 8)];
        content.insert(0, 7_u8.saturating_sub(bit % 8));
        content.push(0x80 >> (bit % 8));
        der::element(tag::BIT_STRING, &content)
    }
}

/// The token in an authority's answer.
///
/// # Errors
/// [`Error::Rejected`] when the authority gives none, and what the token's form breaks.
pub fn parse_response(bytes: &[u8]) -> Result<UnverifiedToken, Error> {
    if bytes.len() > RESPONSE_BYTES_MAX {
        return Err(Error::TooLong);
    }
    let mut response = der::only(bytes, tag::SEQUENCE)?;
    let mut status = response.inside(tag::SEQUENCE)?;
    let number = der::small(status.take(tag::INTEGER)?)?;
    // Free text is for people at the authority; nothing rests on it.
    status.optional(tag::SEQUENCE)?;
    let failure = status.optional(tag::BIT_STRING)?.map(|bits| Failure::read(bits.content)).transpose()?;
    status.end()?;
    let token = response.optional(tag::SEQUENCE)?;
    response.end()?;
    match (number, token) {
        (0 | 1, Some(token)) => UnverifiedToken::parse(token.whole),
        (0 | 1, None) | (_, Some(_)) => Err(Error::Status),
        (_, None) => Err(Error::Rejected { failure: failure.unwrap_or(Failure::Unknown) }),
    }
}

/// The answer that gives a token.
pub fn granted(token: &[u8]) -> Vec<u8> {
    der::sequence(&[&der::sequence(&[&der::integer(&[0])]), token])
}

/// The answer that gives none.
pub fn rejected(failure: Failure) -> Vec<u8> {
    der::sequence(&[&der::sequence(&[&der::integer(&[2]), &failure.to_der()])])
}
