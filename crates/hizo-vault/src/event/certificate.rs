//! Whose key it is that signs in a space: said by the identity, inside a sealed body, and believed once it is checked.
//!
//! See docs/spec/event.md, section "Certificates". No secret is needed to check one; it stands here because only those
//! who open a body may learn who somebody is.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hizo_ledger::id::SpaceId;
use hizo_ledger::identity::{SIGNATURE_BYTES, VerifyingKey};
use hizo_ledger::record::{Control, Record};
use serde_json::Value;

use crate::age::Recipient;
use crate::keys::{IdentityFile, SigningSeed};

/// Why a certificate does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A key, the recipient or the signature is not in its one form.
    #[error("a key, recipient or signature in it is none")]
    Form,
    /// The record is neither signed by the key nor makes it a member, nor begins an epoch that the key's member lives to
    /// see: anybody could say of anybody's key that it is his.
    #[error("it stands in a record that is not its key's")]
    Place,
    /// The space's records give this key another session key, or none: whoever carried a request could otherwise have put
    /// his own in.
    #[error("the session key in it is not the one that the space knows")]
    Session,
    /// The identity did not sign this key, this session key, this recipient and this space.
    #[error("the identity did not sign it")]
    Signature,
    /// Another certificate gives the key to another identity, or the identity another key that opens.
    #[error("it contradicts another certificate")]
    Contradiction,
    /// The key or the identity is that of the reader's own identity file, and the rest is not.
    #[error("it contradicts the identity file of this home")]
    NotOurs,
}

/// Stands for a value that a certificate does not have.
const NONE: &str = "-";

/// A certificate as an event says it. Nothing in it is believed before [`Certificates::take`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnverifiedCertificate {
    /// The key that signs in this space, base64.
    pub key: String,
    /// The key that starts sessions with the space's keeper, base64, or `-`.
    pub session: String,
    /// The identity's signing key, base64.
    pub identity: String,
    /// The identity's age recipient; `-` for a machine, whose key opens nothing.
    pub recipient: String,
    /// Signature of the identity key over the certificate's text, base64.
    pub signature: String,
}

/// A key of a space, and the identity that says it is its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The key that signs in this space.
    pub key: VerifyingKey,
    /// The key that starts sessions with the space's keeper.
    pub session: Option<VerifyingKey>,
    /// The identity's signing key.
    pub identity: VerifyingKey,
    /// What is sealed to this identity; nothing for the key of a machine, which opens nothing.
    pub recipient: Option<Recipient>,
}

impl UnverifiedCertificate {
    /// Certifies the key that an identity uses in a space.
    pub fn issue(file: &IdentityFile, space: &SpaceId) -> Self {
        Self::sign(file, space, &Certificate::of(file, space))
    }

    /// Certifies the key of a machine that belongs to an identity and opens nothing.
    pub fn issue_machine(file: &IdentityFile, machine: &SigningSeed, space: &SpaceId) -> Self {
        Self::sign(file, space, &Certificate::of_machine(file, machine, space))
    }

    fn sign(file: &IdentityFile, space: &SpaceId, certificate: &Certificate) -> Self {
        let signature = file.signing_seed.identity_key().sign(certificate.text(space).as_bytes());
        Self {
            key: certificate.key.to_base64(),
            session: session_text(certificate.session),
            identity: certificate.identity.to_base64(),
            recipient: recipient_text(certificate.recipient.as_ref()),
            signature: BASE64.encode(signature),
        }
    }

    /// Reads it and checks the identity's signature for this space; nothing is said of the record that it stands in.
    ///
    /// # Errors
    /// [`Error::Form`] and [`Error::Signature`].
    pub fn verify(&self, space: &SpaceId) -> Result<Certificate, Error> {
        let (certificate, signature) = self.read()?;
        certificate.check(space, &signature)
    }

    /// Checks it for this space, and for the keys that the record around it speaks for, each with its session key.
    ///
    /// # Errors
    /// [`Error::Form`], [`Error::Place`], [`Error::Session`] and [`Error::Signature`].
    pub fn verify_in(&self, space: &SpaceId, keys: &Sessions) -> Result<Certificate, Error> {
        let (certificate, signature) = self.read()?;
        let session = keys.get(&certificate.key).ok_or(Error::Place)?;
        if *session != certificate.session {
            return Err(Error::Session);
        }
        certificate.check(space, &signature)
    }

    /// What a certificate says, key by key, in the order in which it is written.
    pub(crate) fn fields(&self) -> [(&'static str, Value); 5] {
        let text = |text: &String| Value::from(text.as_str());
        [
            ("key", text(&self.key)),
            ("session", text(&self.session)),
            ("identity", text(&self.identity)),
            ("recipient", text(&self.recipient)),
            ("signature", text(&self.signature)),
        ]
    }

    /// The same, from whatever knows the text under a key.
    pub(crate) fn read_fields(text: &impl Fn(&str) -> Option<String>) -> Option<Self> {
        Some(Self {
            key: text("key")?,
            session: text("session")?,
            identity: text("identity")?,
            recipient: text("recipient")?,
            signature: text("signature")?,
        })
    }

    fn read(&self) -> Result<(Certificate, [u8; SIGNATURE_BYTES]), Error> {
        let key = |text: &str| VerifyingKey::from_base64(text).map_err(|_| Error::Form);
        let certificate = Certificate {
            key: key(&self.key)?,
            session: is_there(&self.session).map(key).transpose()?,
            identity: key(&self.identity)?,
            recipient: is_there(&self.recipient).map(|text| text.parse().map_err(|_| Error::Form)).transpose()?,
        };
        let signature = BASE64.decode(&self.signature).map_err(|_| Error::Form)?;
        Ok((certificate, signature.as_slice().try_into().map_err(|_| Error::Form)?))
    }
}

fn is_there(text: &str) -> Option<&str> {
    Some(text).filter(|text| *text != NONE)
}

fn session_text(session: Option<VerifyingKey>) -> String {
    session.map_or_else(|| NONE.to_owned(), |session| session.to_base64())
}

fn recipient_text(recipient: Option<&Recipient>) -> String {
    recipient.map_or_else(|| NONE.to_owned(), Recipient::to_string)
}

impl Certificate {
    /// What the certificate of this identity has to say in this space.
    pub fn of(file: &IdentityFile, space: &SpaceId) -> Self {
        Self { recipient: Some(file.identity.recipient().clone()), ..Self::of_machine(file, &file.signing_seed, space) }
    }

    /// What the certificate of a machine of this identity has to say in this space.
    pub fn of_machine(file: &IdentityFile, machine: &SigningSeed, space: &SpaceId) -> Self {
        Self {
            key: machine.space_key(space).verifying_key(),
            session: Some(machine.session_key(space).verifying_key()),
            identity: file.signing_seed.identity_key().verifying_key(),
            recipient: None,
        }
    }

    /// What the identity signs. Every value is written by us from what was read, so that no text can hold a line more.
    fn text(&self, space: &SpaceId) -> String {
        let (session, recipient) = (session_text(self.session), recipient_text(self.recipient.as_ref()));
        format!("hizo/join/v1\nspace {space}\nkey {}\nsession {session}\nrecipient {recipient}\n", self.key)
    }

    fn check(self, space: &SpaceId, signature: &[u8; SIGNATURE_BYTES]) -> Result<Self, Error> {
        let text = self.text(space);
        self.identity.verify(text.as_bytes(), signature).map_err(|_| Error::Signature)?;
        Ok(self)
    }
}

/// Keys of a space, each with the key that it starts sessions with, if it has one.
pub type Sessions = BTreeMap<VerifyingKey, Option<VerifyingKey>>;

/// What the certificates of a space say together, beside the reader's own identity.
#[derive(Clone)]
pub struct Certificates {
    own: Certificate,
    /// Members after the last record that was followed.
    members: Sessions,
    by_key: BTreeMap<VerifyingKey, Certificate>,
    by_identity: BTreeMap<VerifyingKey, VerifyingKey>,
}

impl Certificates {
    /// None yet; `own` is what the reader's own one has to say.
    pub fn new(own: Certificate) -> Self {
        Self { own, members: BTreeMap::new(), by_key: BTreeMap::new(), by_identity: BTreeMap::new() }
    }

    /// Follows who is a member after a record that stands, the next in order; the keys of which it may hold certificates.
    ///
    /// # Errors
    /// [`Error::Session`] when a line gives a certified key another session key than its identity did.
    pub fn follow(&mut self, record: &Record) -> Result<Sessions, Error> {
        // The signers are members before the record, and may leave by it.
        let mut signers = Sessions::new();
        for key in record.signers() {
            signers.insert(*key, self.members.get(key).copied().flatten());
        }
        let (mut keys, mut begins_epoch) = (Sessions::new(), false);
        for control in &record.envelope().controls {
            match control {
                Control::Remove(key) => drop(self.members.remove(key)),
                Control::Founder(key) | Control::Member { key, .. } => {
                    self.members.insert(*key, None);
                    keys.insert(*key, None);
                }
                Control::Session { member, session } => {
                    self.members.insert(*member, Some(*session));
                    keys.insert(*member, Some(*session));
                }
                Control::Epoch { .. } => begins_epoch = true,
                Control::Slot(_) | Control::Recovery(_) | Control::Admins(_) => (),
                Control::Wrap { .. } | Control::Origin(_) | Control::RotatorEnds(_) | Control::Rotator(_) => (),
            }
        }
        let is_other = |(key, session): (&VerifyingKey, &Option<VerifyingKey>)| {
            session.is_some() && self.by_key.get(key).is_some_and(|known| known.session != *session)
        };
        if keys.iter().any(is_other) {
            return Err(Error::Session);
        }
        if begins_epoch {
            keys.extend(&self.members);
        }
        // One that comes by this record has the session key of this record.
        signers.extend(keys);
        Ok(signers)
    }

    /// Takes one more, from a record that was followed just now and opened; `keys` are what [`Certificates::follow`] gave.
    ///
    /// # Errors
    /// As [`Error`] says; then nothing of it is taken.
    pub fn take(&mut self, space: &SpaceId, keys: &Sessions, said: &UnverifiedCertificate) -> Result<(), Error> {
        self.add(said.verify_in(space, keys)?)
    }

    /// Takes one that was verified by itself.
    ///
    /// # Errors
    /// [`Error::Contradiction`] and [`Error::NotOurs`].
    pub fn add(&mut self, certificate: Certificate) -> Result<(), Error> {
        // The machines of the reader are as many as he certified; a key that opens as him is his own one.
        let is_ours = certificate.key == self.own.key
            || (certificate.identity == self.own.identity && certificate.recipient.is_some());
        if is_ours && certificate != self.own {
            return Err(Error::NotOurs);
        }
        let (key, identity) = (certificate.key, certificate.identity);
        let opens = certificate.recipient.is_some();
        let same_key = self.by_key.get(&key).is_none_or(|known| *known == certificate);
        let same_identity = !opens || self.by_identity.get(&identity).is_none_or(|known| *known == key);
        if !(same_key && same_identity) {
            return Err(Error::Contradiction);
        }
        if opens {
            self.by_identity.insert(identity, key);
        }
        self.by_key.insert(key, certificate);
        Ok(())
    }

    /// The certificate of a key. The reader's own one needs nobody who says it.
    pub fn of(&self, key: &VerifyingKey) -> Option<&Certificate> {
        self.by_key.get(key).or_else(|| Some(&self.own).filter(|own| own.key == *key))
    }

    /// The reader's own one.
    pub const fn own(&self) -> &Certificate {
        &self.own
    }

    /// Every certificate, by its key.
    pub fn all(&self) -> impl Iterator<Item = &Certificate> {
        self.by_key.values()
    }
}
