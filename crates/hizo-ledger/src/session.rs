//! The note by which a member starts a session with a keeper: composed by the client, signed by the member's session key.
//!
//! See docs/spec/session.md. Whose the key is, is told by [`crate::space::Chain::session_by`]; whether the
//! note is fresh, by whoever has a clock and remembers nonces.

use crate::id::{Nonce, SpaceId};
use crate::identity::{SIGNATURE_BYTES, VerifyingKey};
use crate::lines::Lines;
use crate::log::note::{self, NotBy, Note};
use crate::record::{ClaimedTime, Origin};

/// Length of a session note, at most, in bytes.
pub const SESSION_BYTES_MAX: usize = 1 << 10;

/// How far a note's time and the keeper's clock may be apart, in seconds.
pub const SESSION_SKEW_SECONDS_MAX: u64 = 60;

const FIRST_LINE: &str = "hizo/session/v1";

/// Why bytes do not start a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Longer than [`SESSION_BYTES_MAX`].
    #[error("the session note is longer than {SESSION_BYTES_MAX} bytes")]
    TooLong,
    /// Not a signed note.
    #[error("the session note is not a signed note: {0}")]
    Note(#[from] note::Error),
    /// Not the seven lines in their one form.
    #[error("the text of a session note is its seven lines, in their one form")]
    Lines,
    /// Not exactly one signature, under the name and the key id of the key in the text.
    #[error("a session note has one signature, by the key that it names")]
    Signer,
    /// The signature does not hold.
    #[error("the signature on the session note does not hold")]
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

/// What a session may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verbs {
    /// Objects and records are read.
    Read,
    /// They are put and appended too.
    ReadWrite,
}

impl Verbs {
    /// The words in the `verbs` line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::ReadWrite => "read write",
        }
    }

    fn from_words(words: &str) -> Option<Self> {
        [Self::Read, Self::ReadWrite].into_iter().find(|verbs| verbs.as_str() == words)
    }
}

/// What a session note says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The keeper that it is for.
    pub keeper: Origin,
    /// The space that the session is for, and no other.
    pub space: SpaceId,
    /// The session key that signs it.
    pub key: VerifyingKey,
    /// Drawn for this note.
    pub nonce: Nonce,
    /// What the client's clock says.
    pub time: ClaimedTime,
    /// What the session may do.
    pub verbs: Verbs,
}

impl Session {
    /// The text to sign, with its last line feed.
    pub fn text(&self) -> String {
        let Self { keeper, space, key, nonce, time, verbs } = self;
        let verbs = verbs.as_str();
        format!("{FIRST_LINE}\nkeeper {keeper}\nspace {space}\nkey {key}\nnonce {nonce}\ntime {time}\nverbs {verbs}\n")
    }

    /// The whole note, with the signature that the session key made over [`Session::text`].
    ///
    /// # Errors
    /// [`Error::Signature`] when it does not hold: nothing is sent that others refuse.
    pub fn note(&self, signature: &[u8; SIGNATURE_BYTES]) -> Result<String, Error> {
        Ok(note::by_key(&self.key, &self.text(), signature)?)
    }

    /// Reads a note and checks that the key which it names has signed it. The key may be anybody's.
    ///
    /// # Errors
    /// The first rule that the bytes break.
    pub fn verify(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > SESSION_BYTES_MAX {
            return Err(Error::TooLong);
        }
        let note = Note::parse(bytes)?;
        let session = Self::parse(note.text()).ok_or(Error::Lines)?;
        note.is_by(&session.key)?;
        Ok(session)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = Lines::behind(FIRST_LINE, text)?;
        let session = Self {
            keeper: lines.origin("keeper")?,
            space: SpaceId::from_hex(lines.value("space")?).ok()?,
            key: lines.key("key")?,
            nonce: Nonce::from_hex(lines.value("nonce")?).ok()?,
            time: lines.time("time")?,
            verbs: Verbs::from_words(lines.value("verbs")?)?,
        };
        (session.text() == text).then_some(session)
    }
}
