//! The directory of organisations: a signed note that somebody publishes, numbered and chained, so that nobody shows an older one, leaves
//! one out, or shows two.
//!
//! See docs/spec/directory.md. Whether its publisher's key is the right one is for whoever installed that.

use std::fmt::Write as _;

use crate::id::DirectoryId;
use crate::identity::{SIGNATURE_BYTES, VerifyingKey};
use crate::lines::Lines;
use crate::log::note::{self, NotBy, Note};
use crate::record::{ClaimedTime, Origin};

/// Organisations in one directory, at most.
pub const ENTRIES_MAX: usize = 1024;

/// Length of a name or an address, at most, in bytes.
pub const TEXT_BYTES_MAX: usize = 1000;

/// How long a directory is good, at most, in seconds: 90 days.
pub const TERM_SECONDS_MAX: u64 = 90 * 86_400;

/// How old its place in a log may be when it is installed, at most, in seconds: 30 days.
pub const LOGGED_SECONDS_MAX: u64 = 30 * 86_400;

const FIRST_LINE: &str = "hizo/directory/v1";
/// Stands for the directory before the first one.
const NONE: &str = "-";

/// Why bytes are not a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not a signed note, or longer than one may be.
    #[error("it is not a signed note: {0}")]
    Note(#[from] note::Error),
    /// Not its lines in their one form.
    #[error("the text of the directory is not its lines, in their one form")]
    Lines,
    /// The first one names one before it, or a later one none.
    #[error("the first directory, and it alone, has none before it")]
    Previous,
    /// Good for longer than [`TERM_SECONDS_MAX`], or for no time.
    #[error("a directory is good for 90 days at most")]
    Term,
    /// More than [`ENTRIES_MAX`], or not in the order of their keys, each once.
    #[error("the entries are not in the order of their keys, each once")]
    Entries,
    /// Not exactly one signature, under the name and the key id of the publisher's key.
    #[error("a directory has one signature, by the publisher that it names")]
    Signer,
    /// The signature does not hold.
    #[error("the signature on the directory does not hold")]
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

/// What a directory is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Its keys are those of the organisations.
    Real,
    /// To be looked at: nothing is sealed by it.
    Sample,
}

/// What an organisation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A consultation centre.
    Centre,
    /// A public office.
    Office,
    /// A rescue team.
    Rescue,
    /// Police.
    Police,
    /// Anything else.
    Other,
}

impl Purpose {
    /// The word in the `purpose` line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Sample => "sample",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        [Self::Real, Self::Sample].into_iter().find(|purpose| purpose.as_str() == word)
    }
}

impl Kind {
    const ALL: [Self; 5] = [Self::Centre, Self::Office, Self::Rescue, Self::Police, Self::Other];

    /// The word in an `entry` line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Centre => "centre",
            Self::Office => "office",
            Self::Rescue => "rescue",
            Self::Police => "police",
            Self::Other => "other",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// One organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// The key that signs its delegations.
    pub key: VerifyingKey,
    /// The keeper of its own space.
    pub keeper: Origin,
    /// Where it is found: a page, or a place.
    pub address: String,
    /// What it is called in languages other than Japanese.
    pub name: String,
    /// What it is called in Japanese.
    pub name_ja: String,
}

impl Entry {
    /// Reads entries as they stand in a directory, all lines of them.
    pub fn parse_all(text: &str) -> Option<Vec<Self>> {
        let mut lines = Lines::all(text);
        let mut entries = Vec::new();
        while let Some(kind) = lines.value("entry") {
            if entries.len() == ENTRIES_MAX {
                return None;
            }
            entries.push(Self {
                kind: Kind::from_word(kind)?,
                key: lines.key("key")?,
                keeper: lines.origin("keeper")?,
                address: text_of(lines.value("address")?)?,
                name: text_of(lines.value("name")?)?,
                name_ja: text_of(lines.value("name-ja")?)?,
            });
        }
        (text_of_all(&entries) == text).then_some(entries)
    }
}

fn text_of(value: &str) -> Option<String> {
    (1..=TEXT_BYTES_MAX).contains(&value.len()).then(|| value.to_owned())
}

fn text_of_all(entries: &[Entry]) -> String {
    let mut text = String::new();
    for Entry { kind, key, keeper, address, name, name_ja } in entries {
        let kind = kind.as_str();
        // Writing to a text does not fail.
        let _ = write!(
            text,
            "entry {kind}\nkey {key}\nkeeper {keeper}\naddress {address}\nname {name}\nname-ja {name_ja}\n"
        );
    }
    text
}

/// A directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// Whoever publishes it.
    pub publisher: VerifyingKey,
    /// From 1.
    pub serial: u64,
    /// The one before it.
    pub previous: Option<DirectoryId>,
    /// What it is for.
    pub purpose: Purpose,
    /// When it was made.
    pub issued: ClaimedTime,
    /// Until when it is good, this second included.
    pub valid_until: ClaimedTime,
    /// The organisations, in the order of their keys.
    pub entries: Vec<Entry>,
}

/// A directory that was seen: all later ones are held against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Whoever published it.
    pub publisher: VerifyingKey,
    /// Its number.
    pub serial: u64,
    /// Its id.
    pub id: DirectoryId,
}

/// Why a directory is not the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// By another publisher than the one that was installed.
    #[error("it is signed by another key than the publisher's")]
    Publisher,
    /// An earlier one than was seen.
    #[error("it is older than the one that was seen")]
    Rollback,
    /// Another one of the same number.
    #[error("there are two directories of one number")]
    Split,
    /// Does not go on from the one that was seen.
    #[error("it does not go on from the one that was seen")]
    Fork,
    /// Some between it and the one that was seen are missing.
    #[error("directories between it and the one that was seen are missing")]
    Gap,
    /// Its time is over.
    #[error("its time is over")]
    Expired,
}

impl Directory {
    /// The text to sign, with its last line feed.
    pub fn text(&self) -> String {
        let Self { publisher, serial, issued, valid_until, .. } = self;
        let previous = self.previous.map_or_else(|| NONE.to_owned(), |previous| previous.to_string());
        let (purpose, entries) = (self.purpose.as_str(), text_of_all(&self.entries));
        format!(
            "{FIRST_LINE}\npublisher {publisher}\nserial {serial}\nprevious {previous}\npurpose {purpose}\n\
             issued {issued}\nvalid-until {valid_until}\n{entries}"
        )
    }

    /// The whole note, with the signature that the publisher's key made over [`Directory::text`].
    ///
    /// # Errors
    /// As [`Directory::verify`]: nothing is published that others refuse.
    pub fn note(&self, signature: &[u8; SIGNATURE_BYTES]) -> Result<String, Error> {
        let note = note::by_key(&self.publisher, &self.text(), signature)?;
        Self::verify(note.as_bytes())?;
        Ok(note)
    }

    /// Reads a note and checks that the publisher which it names has signed it.
    ///
    /// # Errors
    /// The first rule that the bytes break.
    pub fn verify(bytes: &[u8]) -> Result<Self, Error> {
        let note = Note::parse(bytes)?;
        let directory = Self::parse(note.text()).ok_or(Error::Lines)?;
        if directory.previous.is_some() != (directory.serial > 1) {
            return Err(Error::Previous);
        }
        let seconds = directory.valid_until.unix_seconds().checked_sub(directory.issued.unix_seconds());
        if seconds.is_none_or(|seconds| seconds > TERM_SECONDS_MAX) {
            return Err(Error::Term);
        }
        if !directory.entries.is_sorted_by(|one, next| one.key < next.key) {
            return Err(Error::Entries);
        }
        note.is_by(&directory.publisher)?;
        Ok(directory)
    }

    /// Checks that a directory, whose note is these bytes, may take the place of the one that was seen; nothing was before the first.
    ///
    /// # Errors
    /// The first rule of [`Refused`] that it breaks.
    pub fn follows(&self, note: &[u8], seen: &Seen, now: ClaimedTime) -> Result<(), Refused> {
        self.goes_on_from(note, seen)?;
        self.is_good_at(now)
    }

    /// Checks the same but for its time: that of one behind which others have come does not matter.
    ///
    /// # Errors
    /// The first rule of [`Refused`] that it breaks, but for [`Refused::Expired`].
    pub fn goes_on_from(&self, note: &[u8], seen: &Seen) -> Result<(), Refused> {
        if self.publisher != seen.publisher {
            return Err(Refused::Publisher);
        }
        match self.serial.checked_sub(seen.serial) {
            None => Err(Refused::Rollback),
            Some(0) if DirectoryId::of(note) != seen.id => Err(Refused::Split),
            Some(1) if self.previous != Some(seen.id) => Err(Refused::Fork),
            Some(0 | 1) => Ok(()),
            Some(_) => Err(Refused::Gap),
        }
    }

    /// Checks that its time is not over.
    ///
    /// # Errors
    /// [`Refused::Expired`].
    pub fn is_good_at(&self, now: ClaimedTime) -> Result<(), Refused> {
        if now > self.valid_until { Err(Refused::Expired) } else { Ok(()) }
    }

    /// What is remembered of it.
    pub fn seen(&self, note: &[u8]) -> Seen {
        Seen { publisher: self.publisher, serial: self.serial, id: DirectoryId::of(note) }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = Lines::behind(FIRST_LINE, text)?;
        let publisher = lines.key("publisher")?;
        let serial = lines.value("serial")?.parse().ok().filter(|serial| *serial > 0)?;
        let previous = match lines.value("previous")? {
            NONE => None,
            digits => Some(DirectoryId::from_hex(digits).ok()?),
        };
        let purpose = Purpose::from_word(lines.value("purpose")?)?;
        let (issued, valid_until) = (lines.time("issued")?, lines.time("valid-until")?);
        let entries = Entry::parse_all(&lines.rest())?;
        let directory = Self { publisher, serial, previous, purpose, issued, valid_until, entries };
        (directory.text() == text).then_some(directory)
    }
}
