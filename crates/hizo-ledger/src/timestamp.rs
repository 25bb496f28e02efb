//! Stamps: tokens of RFC 3161 and 5816, by which an authority says that data was there at a time.
//!
//! See docs/spec/timestamp.md. Nothing here asks an authority; [`UnverifiedToken::verify`] holds what one answered against
//! roots that the verifier brought, as things stood at the time of the stamp, and never looks at a clock.

mod authority;
mod certificate;
mod chain;
mod compose;
pub mod der;
mod imprint;
mod info;
mod moment;
mod name;
mod oid;
mod request;
mod response;
mod revocation;
mod signature;
mod token;

pub use authority::{Authority, certificates_from_pem, certificates_to_pem};
pub use certificate::{CERTIFICATE_BYTES_MAX, EXTENSIONS_MAX, PURPOSES_MAX, certificate_ends};
pub use compose::Draft;
pub use imprint::{DigestAlgorithm, Imprint, NONCE_BYTES_MAX, Nonce};
pub use info::{Info, SERIAL_BYTES_MAX, Serial};
pub use moment::{Accuracy, FRACTION_DIGITS_MAX, Moment};
pub use name::NAME_CHARACTERS_MAX;
pub use oid::{NotAnOid, OID_BYTES_MAX, Oid, SELF_STAMP_POLICY, known};
pub use request::{REQUEST_BYTES_MAX, Request};
pub use response::{Failure, granted, parse_response, rejected};
pub use revocation::{
    REVOCATION_LIST_BYTES_MAX, REVOCATION_LISTS_MAX, Revocation, revocation_lists_from_pem, revocation_lists_to_pem,
};
pub use signature::{RSA_BITS_MAX, RSA_BITS_MIN};
pub use token::{Expected, Token, UnverifiedToken};

/// Most bytes that a token may have, its certificates and revocation lists with it.
pub const TOKEN_BYTES_MAX: usize = 128 << 10;

/// Most bytes that an authority's answer may have: a token, and what is said about it.
pub const RESPONSE_BYTES_MAX: usize = TOKEN_BYTES_MAX + (4 << 10);

/// Most certificates that may lie in a token.
pub const CERTIFICATES_MAX: usize = 32;

/// Most signed attributes that a token may have.
pub const SIGNED_ATTRIBUTES_MAX: usize = 32;

/// Most certificates that a chain may have, signer and root with it.
pub const CHAIN_CERTIFICATES_MAX: usize = 8;

/// Most signatures that are checked in search of a chain to one authority's roots.
pub const SIGNATURE_CHECKS_MAX: usize = 64;

/// Most roots that one authority may have.
pub const ROOTS_MAX: usize = 16;

/// Most authorities that a list may have.
pub const AUTHORITIES_MAX: usize = 64;

/// Most bytes that a list of authorities, or a text of certificates, may have.
pub const LIST_BYTES_MAX: usize = 1 << 20;

/// Why bytes are not a token, or a token does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Longer than its limit.
    #[error("this is longer than a request, an answer, a certificate or a list may be")]
    TooLong,
    /// More parts than their limit, or more ways to a root than are tried.
    #[error("there are more parts than are read")]
    TooMany,
    /// Not DER of the structure that must stand there.
    #[error(transparent)]
    Der(#[from] der::NotDer),
    /// A version that is not known.
    #[error("the version is not known")]
    Version,
    /// A hash function other than SHA-256, SHA-384 and SHA-512.
    #[error("a hash function is not one of SHA-256, SHA-384 and SHA-512")]
    Digest,
    /// A hash of another length than its function gives.
    #[error("the imprint's length is not that of its hash function")]
    ImprintLength,
    /// A nonce of more than [`NONCE_BYTES_MAX`] bytes.
    #[error("the nonce has more than {NONCE_BYTES_MAX} bytes")]
    NonceLength,
    /// A serial number of more than [`SERIAL_BYTES_MAX`] bytes.
    #[error("a serial number has more than {SERIAL_BYTES_MAX} bytes")]
    SerialLength,
    /// A policy that is not an object identifier that is accepted.
    #[error("the policy is not an object identifier that is accepted")]
    PolicyForm,
    /// A time of another form, or that does not exist.
    #[error("the stamp's time is not written as it must be")]
    Time,
    /// An accuracy out of range.
    #[error("the stamp's accuracy is out of range")]
    Accuracy,
    /// An extension of the stamp that may not be passed over.
    #[error("the stamp has a critical extension that is not known")]
    CriticalExtension,
    /// An answer whose status does not fit to whether there is a token.
    #[error("the answer's status does not fit to what it carries")]
    Status,
    /// The authority gave no token.
    #[error("the authority gave no stamp: {failure:?}")]
    Rejected {
        /// Why, as it says.
        failure: Failure,
    },
    /// Another kind of CMS message.
    #[error("the token is not signed data")]
    NotSignedData,
    /// Signed data over something that is no stamp.
    #[error("what was signed is not a stamp")]
    NotTstInfo,
    /// No signer, or several.
    #[error("a stamp has exactly one signer")]
    SignerCount,
    /// The signer is not named by issuer and serial number.
    #[error("the signer is not named by issuer and serial number")]
    SignerId,
    /// The signature is not over attributes.
    #[error("the token has no signed attributes")]
    AttributesMissing,
    /// Signed attributes out of the order of DER, or one of them twice.
    #[error("the signed attributes are not in the order of DER")]
    AttributeOrder,
    /// The attribute contentType is missing, there twice, or names another type.
    #[error("the signed content type is not there once, or is not that of a stamp")]
    ContentTypeAttribute,
    /// The attribute messageDigest is missing or there twice.
    #[error("the signed digest is not there once")]
    MessageDigestAttribute,
    /// No attribute signing-certificate-v2: the certificate could be exchanged.
    #[error("the token does not sign which certificate it is by")]
    SigningCertificateMissing,
    /// The attribute signing-certificate-v2 cannot be read, or is there twice.
    #[error("the attribute that names the certificate is there twice or cannot be read")]
    SigningCertificateAttribute,
    /// Two places that must name the same algorithm name different ones.
    #[error("two places that name one algorithm do not agree")]
    AlgorithmBinding,
    /// A signature of a kind that is not accepted.
    #[error("the kind of signature is not accepted")]
    SignatureAlgorithm,
    /// A key that is too weak, or of a kind that is not accepted.
    #[error("the key is too weak or of a kind that is not accepted")]
    Key,
    /// The stamp is over other data.
    #[error("the stamp is over other data")]
    Imprint,
    /// A nonce was asked for and none came back.
    #[error("the stamp does not carry back the number that was sent")]
    NonceMissing,
    /// Another nonce came back.
    #[error("the stamp carries back another number than was sent")]
    Nonce,
    /// The certificate that the token names is nowhere.
    #[error("the certificate that the stamp is by is not at hand")]
    SignerNotFound,
    /// The certificate that the token names is not the one that it signs to be by.
    #[error("the certificate is not the one that the stamp signs to be by")]
    SigningCertificate,
    /// The signed digest is not that of the stamp.
    #[error("the signed digest is not that of the stamp")]
    MessageDigest,
    /// The token's signature does not hold.
    #[error("the stamp's signature does not hold")]
    Signature,
    /// The signer may issue certificates.
    #[error("the stamp is by a certificate that may issue others")]
    SignerIsAuthority,
    /// The signer is not for time-stamping.
    #[error("the certificate is not for time-stamping")]
    SignerPurpose,
    /// The signer is for time-stamping and something else.
    #[error("the certificate is not for time-stamping alone")]
    SignerPurposeNotSole,
    /// The signer's purpose is not critical.
    #[error("the certificate's purpose is not marked critical")]
    SignerPurposeNotCritical,
    /// The signer's key is not for signatures, or for more than that.
    #[error("the certificate's key is not for signatures alone")]
    SignerKeyUsage,
    /// A certificate's time of another form.
    #[error("a certificate's time is not written as it must be")]
    CertificateTime,
    /// An extension there twice in one certificate.
    #[error("a certificate has an extension twice")]
    ExtensionTwice,
    /// An extension of a certificate that may not be passed over.
    #[error("a certificate has a critical extension that is not known")]
    CertificateCriticalExtension,
    /// A certificate that had not begun or had ended at the time of the stamp.
    #[error("a certificate was not valid at the time of the stamp")]
    OutsideValidity,
    /// No chain to a root that was brought.
    #[error("no chain leads to a root that was brought")]
    NoPath,
    /// A certificate that may not issue others stands over another.
    #[error("a certificate that may not issue others stands over one")]
    IssuerNotAuthority,
    /// An issuer whose key is not for signing certificates.
    #[error("an issuer's key is not for signing certificates")]
    IssuerKeyUsage,
    /// An issuer that is for other purposes than time-stamping.
    #[error("an issuer is for other purposes than time-stamping")]
    IssuerPurpose,
    /// More certificates below an issuer than it allows.
    #[error("more certificates stand below an issuer than it allows")]
    PathLength,
    /// A certificate's signature does not hold.
    #[error("a certificate's signature does not hold")]
    ChainSignature,
    /// The stamp is of a time when its authority's stamps do not count.
    #[error("the authority's stamps of that time do not count")]
    OutsideWindow,
    /// The stamp is under another policy than its authority's.
    #[error("the stamp is under another policy than the one that counts")]
    Policy,
    /// The signer is none of the certificates that were named.
    #[error("the stamp is by another certificate than those that were named")]
    SignerNotNamed,
    /// An authority without roots.
    #[error("an authority needs a root")]
    NoRoots,
    /// A line of a list of authorities that cannot be read. Lines are counted from 1.
    #[error("line {line} of the list cannot be read")]
    List {
        /// Where.
        line: usize,
    },
}

impl Error {
    /// Whether the stamp contradicts its data or itself, so that it is false; with every other error it only counts for
    /// nothing.
    pub const fn is_contradiction(self) -> bool {
        matches!(self, Self::Imprint | Self::SigningCertificate | Self::MessageDigest | Self::Signature)
    }
}
