//! Whose key it is that signs in a space: said by the identity, inside a sealed body, and believed once it is checked.
//!
//! See docs/spec/event.md, section "Certificates". No secret is needed to check one; it stands here because only those
//! who open a body may learn who somebody is.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hizo_ledger::id::SpaceId;
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::{Control, Record};

use crate::age::Recipient;
use crate::keys::IdentityFile;

/// Why a certificate does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A key, the recipient or the signature is not in its one form.
    #[error("a key, recipient or signature in it is none")]
    Form,
    /// The record is neither signed by the key nor makes it a member: anybody could say of anybody's key that it is his.
    #[error("it stands in a record that is not its key's")]
    Place,
    /// The identity did not sign this key, this recipient and this space.
    #[error("the identity did not sign it")]
    Signature,
    /// Another certificate gives the key to another identity, or the identity another key.
    #[error("it contradicts another certificate")]
    Contradiction,
    /// The key or the identity is that of the reader's own identity file, and the rest is not.
    #[error("it contradicts the identity file of this home")]
    NotOurs,
}

/// A certificate as an event says it. Nothing in it is believed before [`Certificates::take`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnverifiedCertificate {
    /// The key that signs in this space, base64.
    pub key: String,
    /// The identity's signing key, base64.
    pub identity: String,
    /// The identity's age recipient.
    pub recipient: String,
    /// Signature of the identity key over the certificate's text, base64.
    pub signature: String,
}

/// A key of a space, and the identity that says it is its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The key that signs in this space.
    pub key: VerifyingKey,
    /// The identity's signing key.
    pub identity: VerifyingKey,
    /// What is sealed to this identity.
    pub recipient: Recipient,
}

impl UnverifiedCertificate {
    /// Certifies the key that an identity uses in a space.
    pub fn issue(file: &IdentityFile, space: &SpaceId) -> Self {
        let certificate = Certificate::of(file, space);
        let signature = file.signing_seed.identity_key().sign(certificate.text(space).as_bytes());
        Self {
            key: certificate.key.to_base64(),
            identity: certificate.identity.to_base64(),
            recipient: certificate.recipient.to_string(),
            signature: BASE64.encode(signature),
        }
    }

    /// Checks it for this space, and for the keys that the record around it speaks for ([`keys_of`]).
    ///
    /// # Errors
    /// [`Error::Form`], [`Error::Place`] and [`Error::Signature`].
    pub fn verify(&self, space: &SpaceId, keys: &[VerifyingKey]) -> Result<Certificate, Error> {
        let key = |text: &str| VerifyingKey::from_base64(text).map_err(|_| Error::Form);
        let certificate = Certificate {
            key: key(&self.key)?,
            identity: key(&self.identity)?,
            recipient: self.recipient.parse().map_err(|_| Error::Form)?,
        };
        let signature = BASE64.decode(&self.signature).map_err(|_| Error::Form)?;
        let signature = signature.as_slice().try_into().map_err(|_| Error::Form)?;
        if !keys.contains(&certificate.key) {
            return Err(Error::Place);
        }
        let text = certificate.text(space);
        certificate.identity.verify(text.as_bytes(), signature).map_err(|_| Error::Signature)?;
        Ok(certificate)
    }
}

impl Certificate {
    /// What the certificate of this identity has to say in this space.
    pub fn of(file: &IdentityFile, space: &SpaceId) -> Self {
        Self {
            key: file.signing_seed.space_key(space).verifying_key(),
            identity: file.signing_seed.identity_key().verifying_key(),
            recipient: file.identity.recipient().clone(),
        }
    }

    /// What the identity signs. Every value is written by us from what was read, so that no text can hold a line more.
    fn text(&self, space: &SpaceId) -> String {
        format!("hizo/join/v1\nspace {space}\nkey {}\nrecipient {}\n", self.key, self.recipient)
    }
}

/// The keys that a record may hold certificates of: those that signed it, and those that it makes members.
pub fn keys_of(record: &Record) -> Vec<VerifyingKey> {
    let joining = record.envelope().controls.iter().filter_map(|control| match control {
        Control::Founder(key) | Control::Member { key, .. } => Some(*key),
        _ => None,
    });
    record.signers().iter().copied().chain(joining).collect()
}

/// What the certificates of a space say together, beside the reader's own identity.
pub struct Certificates {
    own: Certificate,
    by_key: BTreeMap<VerifyingKey, Certificate>,
    by_identity: BTreeMap<VerifyingKey, VerifyingKey>,
}

impl Certificates {
    /// None yet; `own` is what the reader's own one has to say.
    pub fn new(own: Certificate) -> Self {
        Self { own, by_key: BTreeMap::new(), by_identity: BTreeMap::new() }
    }

    /// Takes one more, from a record that was followed and opened.
    ///
    /// # Errors
    /// As [`Error`] says; then nothing of it is taken.
    pub fn take(&mut self, record: &Record, said: &UnverifiedCertificate) -> Result<(), Error> {
        self.add(said.verify(&record.envelope().space, &keys_of(record))?)
    }

    /// Takes one that was verified by itself.
    ///
    /// # Errors
    /// [`Error::Contradiction`] and [`Error::NotOurs`].
    pub fn add(&mut self, certificate: Certificate) -> Result<(), Error> {
        let is_ours = certificate.key == self.own.key || certificate.identity == self.own.identity;
        if is_ours && certificate != self.own {
            return Err(Error::NotOurs);
        }
        let (key, identity) = (certificate.key, certificate.identity);
        let same_key = self.by_key.get(&key).is_none_or(|known| *known == certificate);
        let same_identity = self.by_identity.get(&identity).is_none_or(|known| *known == key);
        if !(same_key && same_identity) {
            return Err(Error::Contradiction);
        }
        self.by_identity.insert(identity, key);
        self.by_key.insert(key, certificate);
        Ok(())
    }

    /// The certificate of a key.
    pub fn of(&self, key: &VerifyingKey) -> Option<&Certificate> {
        self.by_key.get(key)
    }
}
