//! A token: CMS SignedData (RFC 5652) around a TSTInfo, by exactly one signer.

use super::authority::Authority;
use super::certificate::Certificate;
use super::chain::{self, Chain};
use super::der::{self, Reader, tag};
use super::imprint::{DigestAlgorithm, Imprint, Nonce};
use super::info::Info;
use super::moment::{Accuracy, Moment};
use super::name;
use super::oid::{Oid, SELF_STAMP_POLICY, known};
use super::signature::Algorithm;
use super::{CERTIFICATES_MAX, Error, SIGNED_ATTRIBUTES_MAX, TOKEN_BYTES_MAX};

/// A token that has the form of one. Nothing that it says is to be believed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnverifiedToken {
    bytes: Vec<u8>,
    info: Info,
}

/// What a token is held against. None of it comes from whoever brings the token.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The data that the token must be over.
    pub data: &'a [u8],
    /// The number that the request carried; `None` when a kept token is read again.
    pub nonce: Option<&'a Nonce>,
    /// Certificates in DER that may help to build the chain. They need no trust.
    pub certificates: &'a [Vec<u8>],
    /// The authorities that count.
    pub authorities: &'a [Authority],
}

/// A token that was checked: an authority that counts said that the data was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    bytes: Vec<u8>,
    info: Info,
    authority: String,
    subject: String,
    chain: Vec<Vec<u8>>,
    ends: Moment,
}

impl UnverifiedToken {
    /// Reads a token.
    ///
    /// # Errors
    /// The rule of form that it breaks.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let parsed = Parsed::read(bytes)?;
        Ok(Self { bytes: bytes.to_vec(), info: parsed.info })
    }

    /// The token in DER.
    pub fn as_der(&self) -> &[u8] {
        &self.bytes
    }

    /// What it says, which nobody has checked.
    pub const fn claims(&self) -> &Info {
        &self.info
    }

    /// Checks everything, in the order of docs/spec/timestamp.md.
    ///
    /// # Errors
    /// The first rule that does not hold; of several authorities, what was wrong where the check came furthest.
    pub fn verify(self, expected: &Expected<'_>) -> Result<Token, Error> {
        let parsed = Parsed::read(&self.bytes)?;
        if Imprint::of(parsed.info.imprint.algorithm(), expected.data) != parsed.info.imprint {
            return Err(Error::Imprint);
        }
        match (expected.nonce, &parsed.info.nonce) {
            (Some(_), None) => return Err(Error::NonceMissing),
            (Some(asked), Some(answered)) if asked != answered => return Err(Error::Nonce),
            (Some(_), Some(_)) | (None, _) => {}
        }
        let mut pool = chain::Pool::default();
        for bytes in parsed.certificates.iter().copied().chain(expected.certificates.iter().map(Vec::as_slice)) {
            pool.add(bytes);
        }
        let signer = parsed.signer(&pool)?;
        parsed.check_signature(signer)?;
        signer.check_signer()?;
        signer.check_at(parsed.info.time)?;
        let Chain { authority, certificates } = chain::build(signer, &pool, expected.authorities, &parsed.info)?;
        let ends = certificates.iter().map(|certificate| certificate.not_after).min().unwrap_or(parsed.info.time);
        let subject = name::readable(signer.subject);
        let (authority, chain) =
            (authority.name().to_owned(), certificates.iter().map(|certificate| certificate.whole.to_vec()).collect());
        Ok(Token { bytes: self.bytes.clone(), info: self.info, authority, subject, chain, ends })
    }
}

impl Token {
    /// The token in DER.
    pub fn as_der(&self) -> &[u8] {
        &self.bytes
    }

    /// Everything that it says.
    pub const fn info(&self) -> &Info {
        &self.info
    }

    /// The authority's time.
    pub const fn time(&self) -> Moment {
        self.info.time
    }

    /// How far that may be from the true time; `None` when the authority does not say.
    pub const fn accuracy(&self) -> Option<Accuracy> {
        self.info.accuracy
    }

    /// The latest moment at which the data can have come to the authority: its time and its accuracy.
    pub fn latest(&self) -> Moment {
        self.info.latest()
    }

    /// The policy under which it was given.
    pub const fn policy(&self) -> &Oid {
        &self.info.policy
    }

    /// The name under which the verifier knows the authority.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The subject of the certificate that signed, for people to read.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The certificates in DER, from the signer's to the root that the verifier brought.
    pub fn chain(&self) -> &[Vec<u8>] {
        &self.chain
    }

    /// When the first certificate of the chain ends: until then the stamp can be checked without a later one over it.
    pub const fn ends(&self) -> Moment {
        self.ends
    }

    /// Whether somebody else than the keeper says so: the chain ends in a root that the verifier brought, as it does for
    /// every checked token, and the policy is not the one of self-stamping, whoever brought its root.
    pub fn is_independent(&self) -> bool {
        self.info.policy != SELF_STAMP_POLICY
    }
}

/// A token taken apart, as it stands.
struct Parsed<'a> {
    info: Info,
    content: &'a [u8],
    certificates: Vec<&'a [u8]>,
    issuer: &'a [u8],
    serial: &'a [u8],
    digest: DigestAlgorithm,
    attributes: Attributes<'a>,
    algorithm: Algorithm,
    signature: &'a [u8],
}

impl<'a> Parsed<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Error> {
        if bytes.len() > TOKEN_BYTES_MAX {
            return Err(Error::TooLong);
        }
        let mut outer = der::only(bytes, tag::SEQUENCE)?;
        if outer.take(tag::OID)? != known::SIGNED_DATA {
            return Err(Error::NotSignedData);
        }
        let mut wrapped = outer.inside(tag::CONTEXT_0)?;
        outer.end()?;
        let mut data = wrapped.inside(tag::SEQUENCE)?;
        wrapped.end()?;
        if data.take(tag::INTEGER)? != [3] {
            return Err(Error::Version);
        }
        let digests = data.inside(tag::SET)?;
        let content = read_content(data.inside(tag::SEQUENCE)?)?;
        let certificates = data.optional(tag::CONTEXT_0)?.map(|set| read_certificates(set.content)).transpose()?;
        // Revocation lists of the day may stand here; whoever wants them reads them from the token.
        data.optional(tag::CONTEXT_1)?;
        let mut signers = data.inside(tag::SET)?;
        data.end()?;
        let mut signer = signers.inside(tag::SEQUENCE).map_err(|_| Error::SignerCount)?;
        if !signers.is_empty() {
            return Err(Error::SignerCount);
        }

        // CMS also knows signers by key identifier, in version 3; the stock tools do not read those.
        if signer.take(tag::INTEGER)? != [1] {
            return Err(Error::SignerId);
        }
        let mut id = signer.inside(tag::SEQUENCE)?;
        let (issuer, serial) = (id.element(tag::SEQUENCE)?.whole, id.take(tag::INTEGER)?);
        id.end()?;
        let digest = DigestAlgorithm::read(signer.inside(tag::SEQUENCE)?)?;
        check_digests(digests, digest)?;
        let attributes = signer.optional(tag::CONTEXT_0)?.ok_or(Error::AttributesMissing)?;
        let attributes = Attributes::read(attributes.content)?;
        let algorithm = Algorithm::read_with(signer.inside(tag::SEQUENCE)?, digest)?;
        let signature = signer.take(tag::OCTET_STRING)?;
        // Nothing rests on attributes that nobody signed.
        signer.optional(tag::CONTEXT_1)?;
        signer.end()?;
        Ok(Self {
            info: Info::parse(content)?,
            content,
            certificates: certificates.unwrap_or_default(),
            issuer,
            serial,
            digest,
            attributes,
            algorithm,
            signature,
        })
    }

    /// The certificate that the SignerInfo names and that the signed attribute binds. That one lies in the token proves
    /// nothing: anybody can add more.
    fn signer<'p>(&self, pool: &'p chain::Pool<'_>) -> Result<&'p Certificate<'p>, Error> {
        let named =
            |certificate: &&Certificate<'_>| certificate.issuer == self.issuer && certificate.serial == self.serial;
        let mut candidates = pool.certificates().iter().filter(named).peekable();
        if candidates.peek().is_none() {
            return Err(pool.unreadable().unwrap_or(Error::SignerNotFound));
        }
        candidates.find(|certificate| self.attributes.binds(certificate)).ok_or(Error::SigningCertificate)
    }

    fn check_signature(&self, signer: &Certificate<'_>) -> Result<(), Error> {
        if self.attributes.content_type != known::TST_INFO {
            return Err(Error::ContentTypeAttribute);
        }
        if self.attributes.message_digest != self.digest.hash(self.content) {
            return Err(Error::MessageDigest);
        }
        self.algorithm.verify(&signer.key.clone()?, &self.attributes.signed, self.signature)
    }
}

/// The TSTInfo that is inside.
fn read_content(mut content: Reader<'_>) -> Result<&[u8], Error> {
    if content.take(tag::OID)? != known::TST_INFO {
        return Err(Error::NotTstInfo);
    }
    let mut wrapped = content.inside(tag::CONTEXT_0)?;
    content.end()?;
    let bytes = wrapped.take(tag::OCTET_STRING)?;
    wrapped.end()?;
    Ok(bytes)
}

fn read_certificates(content: &[u8]) -> Result<Vec<&[u8]>, Error> {
    let mut reader = Reader::new(content);
    let mut certificates = Vec::new();
    while !reader.is_empty() {
        if certificates.len() == CERTIFICATES_MAX {
            return Err(Error::TooMany);
        }
        certificates.push(reader.any()?.whole);
    }
    Ok(certificates)
}

/// All are of SHA-2, and the signer's is among them.
fn check_digests(mut digests: Reader<'_>, signer: DigestAlgorithm) -> Result<(), Error> {
    let mut named = false;
    while !digests.is_empty() {
        named |= DigestAlgorithm::read(digests.inside(tag::SEQUENCE)?)? == signer;
    }
    if named { Ok(()) } else { Err(Error::AlgorithmBinding) }
}

/// The signed attributes that matter.
struct Attributes<'a> {
    /// What is signed: the attributes as a SET OF, with its own tag.
    signed: Vec<u8>,
    content_type: &'a [u8],
    message_digest: &'a [u8],
    /// The first certificate that signing-certificate-v2 names.
    certificate: EssCertificate<'a>,
}

struct EssCertificate<'a> {
    digest: DigestAlgorithm,
    hash: &'a [u8],
    /// Issuer and serial number, when they are there too.
    issuer_serial: Option<(&'a [u8], &'a [u8])>,
}

impl<'a> Attributes<'a> {
    fn read(content: &'a [u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(content);
        let (mut content_type, mut message_digest, mut certificate) = (None, None, None);
        let (mut last, mut count): (&[u8], usize) = (&[], 0);
        while !reader.is_empty() {
            count = count.saturating_add(1);
            if count > SIGNED_ATTRIBUTES_MAX {
                return Err(Error::TooMany);
            }
            let attribute = reader.element(tag::SEQUENCE)?;
            // Programs differ on whether to sort before they hash: with one order there is one answer.
            if attribute.whole <= last {
                return Err(Error::AttributeOrder);
            }
            last = attribute.whole;
            let mut attribute = Reader::new(attribute.content);
            let (oid, values) = (attribute.take(tag::OID)?, attribute.inside(tag::SET)?);
            attribute.end()?;
            match oid {
                known::CONTENT_TYPE => {
                    set_once(&mut content_type, single(values, tag::OID), Error::ContentTypeAttribute)?
                }
                known::MESSAGE_DIGEST => {
                    set_once(&mut message_digest, single(values, tag::OCTET_STRING), Error::MessageDigestAttribute)?;
                }
                known::SIGNING_CERTIFICATE_V2 => {
                    let first = single(values, tag::SEQUENCE).and_then(EssCertificate::first);
                    set_once(&mut certificate, first, Error::SigningCertificateAttribute)?;
                }
                _ => {}
            }
        }
        Ok(Self {
            signed: der::element(tag::SET, content),
            content_type: content_type.ok_or(Error::ContentTypeAttribute)?,
            message_digest: message_digest.ok_or(Error::MessageDigestAttribute)?,
            certificate: certificate.ok_or(Error::SigningCertificateMissing)?,
        })
    }

    fn binds(&self, certificate: &Certificate<'_>) -> bool {
        let EssCertificate { digest, hash, issuer_serial } = &self.certificate;
        let same_names =
            issuer_serial.is_none_or(|(issuer, serial)| issuer == certificate.issuer && serial == certificate.serial);
        same_names && digest.hash(certificate.whole) == *hash
    }
}

/// The one value of an attribute.
fn single(mut values: Reader<'_>, tag: u8) -> Result<&[u8], Error> {
    let value = values.take(tag)?;
    values.end()?;
    Ok(value)
}

/// Keeps a value that may stand once and must be in order.
fn set_once<T>(place: &mut Option<T>, value: Result<T, Error>, error: Error) -> Result<(), Error> {
    match value {
        Ok(value) if place.is_none() => *place = Some(value),
        Ok(_) | Err(Error::Der(_)) => return Err(error),
        Err(other) => return Err(other),
    }
    Ok(())
}

impl<'a> EssCertificate<'a> {
    /// Reads a SigningCertificateV2 (RFC 5035). Certificates after the first, and policies, are passed over.
    fn first(content: &'a [u8]) -> Result<Self, Error> {
        let mut attribute = Reader::new(content);
        let mut certificates = attribute.inside(tag::SEQUENCE)?;
        attribute.optional(tag::SEQUENCE)?;
        attribute.end()?;
        let mut first = certificates.inside(tag::SEQUENCE)?;
        let digest = match first.optional(tag::SEQUENCE)? {
            None => DigestAlgorithm::Sha256,
            Some(identifier) => DigestAlgorithm::read(Reader::new(identifier.content))?,
        };
        let hash = first.take(tag::OCTET_STRING)?;
        let issuer_serial = first.optional(tag::SEQUENCE)?.map(|names| read_names(names.content)).transpose()?;
        first.end()?;
        while !certificates.is_empty() {
            certificates.element(tag::SEQUENCE)?;
        }
        Ok(Self { digest, hash, issuer_serial })
    }
}

/// IssuerSerial: one directory name, and the serial number.
fn read_names(content: &[u8]) -> Result<(&[u8], &[u8]), Error> {
    let mut names = Reader::new(content);
    let mut general = names.inside(tag::SEQUENCE)?;
    let mut directory = general.inside(tag::CONTEXT_4)?;
    general.end()?;
    let issuer = directory.element(tag::SEQUENCE)?.whole;
    directory.end()?;
    let serial = names.take(tag::INTEGER)?;
    names.end()?;
    Ok((issuer, serial))
}
