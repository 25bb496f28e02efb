//! The notes by which an organisation says who of its people acts for it in a space, and who does not any more.
//!
//! See docs/spec/delegation.md. They stand in sealed bodies and in files; whether the organisation's key is the one that it
//! should be, is for whoever pinned it.

use std::collections::BTreeSet;

use crate::id::SpaceId;
use crate::identity::{SIGNATURE_BYTES, VerifyingKey};
use crate::lines::Lines;
use crate::log::note::{self, NotBy, Note};
use crate::record::{Act, ClaimedTime, Role};

/// Length of either note, at most, in bytes.
pub const NOTE_BYTES_MAX: usize = 4 << 10;

/// Length of the text of a recipient, at most, in bytes.
pub const RECIPIENT_BYTES_MAX: usize = 3 << 10;

const DELEGATION_LINE: &str = "hizo/delegation/v1";
const REVOCATION_LINE: &str = "hizo/revocation/v1";
/// Stands for the recipient of somebody who opens nothing.
const NONE: &str = "-";

/// Why bytes are not such a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Longer than [`NOTE_BYTES_MAX`].
    #[error("the note is longer than {NOTE_BYTES_MAX} bytes")]
    TooLong,
    /// Not a signed note.
    #[error("it is not a signed note: {0}")]
    Note(#[from] note::Error),
    /// Not its lines in their one form.
    #[error("the text of the note is not its lines, in their one form")]
    Lines,
    /// Two of the keys in it are one.
    #[error("the keys in the note are not keys of their own")]
    Keys,
    /// There is a recipient and the role does not open, or none and it does.
    #[error("a recipient stands where the role opens, and only there")]
    Recipient,
    /// A rotator stands where the role does not open.
    #[error("a rotator stands only where the role opens")]
    Rotator,
    /// It ends before it begins.
    #[error("the delegation ends before it begins")]
    Term,
    /// Not exactly one signature, under the name and the key id of the organisation's key.
    #[error("the note has one signature, by the organisation that it names")]
    Signer,
    /// The signature does not hold.
    #[error("the signature on the note does not hold")]
    Signature,
}

impl From<NotBy> for Error {
    fn from(error: NotBy) -> Self {
        match error {
            NotBy::Signer => Self::Signer,
            NotBy::Signature => Self::Signature,
        }
    }
}

/// An organisation's word that a key acts for it in a space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegation {
    /// The organisation's key, which signs nothing else.
    pub organisation: VerifyingKey,
    /// The space that it is for, and no other.
    pub space: SpaceId,
    /// The key that signs in the space.
    pub key: VerifyingKey,
    /// The identity that certifies this key, and the machines that go with it.
    pub identity: VerifyingKey,
    /// The most that the key may do.
    pub role: Role,
    /// The age recipient to which the space's epochs are sealed for the organisation, as text; nothing where the role does
    /// not open. That it is one, whoever seals to it finds out.
    pub recipient: Option<String>,
    /// From when it is good. Of two delegations the one that begins later replaces the other.
    pub not_before: ClaimedTime,
    /// Until when it is good, this second included.
    pub not_after: ClaimedTime,
    /// The organisation's own key in this space, by which it may begin epochs once an admin has named it there
    /// (docs/spec/space.md, "Rotators"); nothing where it brings none, or the role does not open.
    pub rotator: Option<VerifyingKey>,
}

/// An organisation's word that a key does not act for it any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// The organisation's key.
    pub organisation: VerifyingKey,
    /// The space that it is for.
    pub space: SpaceId,
    /// The key that signed in the space.
    pub key: VerifyingKey,
    /// Ends the delegations that began until then.
    pub time: ClaimedTime,
}

impl Delegation {
    /// The text to sign, with its last line feed.
    pub fn text(&self) -> String {
        let Self { organisation, space, key, identity, role, not_before, not_after, .. } = self;
        let (role, recipient) = (role.as_str(), self.recipient.as_deref().unwrap_or(NONE));
        let rotator = self.rotator.map(|rotator| format!("rotator {rotator}\n")).unwrap_or_default();
        format!(
            "{DELEGATION_LINE}\norganisation {organisation}\nspace {space}\nkey {key}\nidentity {identity}\n\
             role {role}\nrecipient {recipient}\nnot-before {not_before}\nnot-after {not_after}\n{rotator}"
        )
    }

    /// The whole note, with the signature that the organisation's key made over [`Delegation::text`].
    ///
    /// # Errors
    /// As [`Delegation::verify`]: nothing is handed out that others refuse.
    pub fn note(&self, signature: &[u8; SIGNATURE_BYTES]) -> Result<String, Error> {
        self.check()?;
        Ok(note::by_key(&self.organisation, &self.text(), signature)?)
    }

    /// Reads a note and checks that the organisation which it names has signed it. It may be anybody's organisation.
    ///
    /// # Errors
    /// The first rule that the bytes break.
    pub fn verify(bytes: &[u8]) -> Result<Self, Error> {
        let note = read(bytes)?;
        let delegation = Self::parse(note.text()).ok_or(Error::Lines)?;
        delegation.check()?;
        note.is_by(&delegation.organisation)?;
        Ok(delegation)
    }

    /// Whether it is good at a time.
    pub fn is_good_at(&self, time: ClaimedTime) -> bool {
        (self.not_before..=self.not_after).contains(&time)
    }

    /// Whether it lets the key have this role.
    pub fn covers(&self, role: Role) -> bool {
        let acts = [Act::Say, Act::Deposit, Act::Control].into_iter();
        acts.filter(|act| role.may(*act)).all(|act| self.role.may(act)) && (self.role.opens() || !role.opens())
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = Lines::behind(DELEGATION_LINE, text)?;
        let delegation = Self {
            organisation: lines.key("organisation")?,
            space: SpaceId::from_hex(lines.value("space")?).ok()?,
            key: lines.key("key")?,
            identity: lines.key("identity")?,
            role: Role::from_word(lines.value("role")?)?,
            recipient: recipient_in(lines.value("recipient")?)?,
            not_before: lines.time("not-before")?,
            not_after: lines.time("not-after")?,
            // The last line may be left out; one that is none is not written again.
            rotator: lines.key("rotator"),
        };
        (delegation.text() == text).then_some(delegation)
    }

    fn check(&self) -> Result<(), Error> {
        let keys = [Some(self.organisation), Some(self.key), Some(self.identity), self.rotator];
        let keys: Vec<VerifyingKey> = keys.into_iter().flatten().collect();
        if keys.iter().collect::<BTreeSet<_>>().len() != keys.len() {
            return Err(Error::Keys);
        }
        if self.recipient.is_some() != self.role.opens() {
            return Err(Error::Recipient);
        }
        if self.rotator.is_some() && !self.role.opens() {
            return Err(Error::Rotator);
        }
        if self.not_after < self.not_before {
            return Err(Error::Term);
        }
        Ok(())
    }
}

impl Revocation {
    /// The text to sign, with its last line feed.
    pub fn text(&self) -> String {
        let Self { organisation, space, key, time } = self;
        format!("{REVOCATION_LINE}\norganisation {organisation}\nspace {space}\nkey {key}\ntime {time}\n")
    }

    /// The whole note, with the signature that the organisation's key made over [`Revocation::text`].
    ///
    /// # Errors
    /// As [`Revocation::verify`]: nothing is handed out that others refuse.
    pub fn note(&self, signature: &[u8; SIGNATURE_BYTES]) -> Result<String, Error> {
        self.check()?;
        Ok(note::by_key(&self.organisation, &self.text(), signature)?)
    }

    /// Reads a note and checks that the organisation which it names has signed it.
    ///
    /// # Errors
    /// The first rule that the bytes break.
    pub fn verify(bytes: &[u8]) -> Result<Self, Error> {
        let note = read(bytes)?;
        let revocation = Self::parse(note.text()).ok_or(Error::Lines)?;
        revocation.check()?;
        note.is_by(&revocation.organisation)?;
        Ok(revocation)
    }

    /// Whether it ends a delegation.
    pub fn ends(&self, delegation: &Delegation) -> bool {
        let of_both = self.organisation == delegation.organisation && self.space == delegation.space;
        of_both && self.key == delegation.key && delegation.not_before <= self.time
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = Lines::behind(REVOCATION_LINE, text)?;
        let revocation = Self {
            organisation: lines.key("organisation")?,
            space: SpaceId::from_hex(lines.value("space")?).ok()?,
            key: lines.key("key")?,
            time: lines.time("time")?,
        };
        (revocation.text() == text).then_some(revocation)
    }

    fn check(&self) -> Result<(), Error> {
        if self.organisation == self.key { Err(Error::Keys) } else { Ok(()) }
    }
}

fn read(bytes: &[u8]) -> Result<Note<'_>, Error> {
    if bytes.len() > NOTE_BYTES_MAX {
        return Err(Error::TooLong);
    }
    Ok(Note::parse(bytes)?)
}

/// A recipient's text, as far as it can be told here: age writes them so.
fn is_recipient(text: &str) -> bool {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    is_plain && text.starts_with("age1") && text.len() <= RECIPIENT_BYTES_MAX
}

/// A recipient, or the sign that there is none.
fn recipient_in(value: &str) -> Option<Option<String>> {
    match value {
        NONE => Some(None),
        text => is_recipient(text).then(|| Some(text.to_owned())),
    }
}
