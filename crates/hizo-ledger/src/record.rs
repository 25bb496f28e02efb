//! A record: the signed public envelope of one act in a space, and the objects that it names.
//!
//! See docs/spec/record.md. What may follow what is in [`crate::space`]; nothing here is trusted before it stood there.

mod form;
mod text;
mod time;

use std::fmt;

use crate::id::{CommitHash, KeyName, ObjectId, RecordId, RootHash, SeriesId, SlotKeyHash, SpaceId};
use crate::identity::{self, SIGNATURE_BYTES, VerifyingKey};
use crate::object::ObjectRef;

use form::ensure;
pub use time::{ClaimedTime, NotATime};

/// Most bytes a whole note may have. 4 KiB below what a 16-bit length can say, for whoever frames it.
pub const NOTE_BYTES_MAX: usize = 60 << 10;

/// Most control lines one record may have.
pub const CONTROLS_MAX: usize = 512;

/// Most signature lines one record may have.
pub const SIGNATURES_MAX: usize = 8;

/// Most bytes a keeper's origin may have.
pub const ORIGIN_BYTES_MAX: usize = 255;

/// Most bytes a sealed body may have.
pub const BODY_BYTES_MAX: u64 = 1 << 20;

/// Most bytes a wrap may have: one stanza of about 1.6 kB for each of some 2,600 readers.
pub const WRAP_BYTES_MAX: u64 = 4 << 20;

/// Why bytes are not a record, or an envelope cannot become one. Lines are counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Longer than [`NOTE_BYTES_MAX`].
    #[error("the note is longer than {NOTE_BYTES_MAX} bytes")]
    NoteTooLong,
    /// Not UTF-8, or a control character other than the line feed, a carriage return for one.
    #[error("the note is not text with line feeds only")]
    NotText,
    /// No empty line that parts text and signatures, or the last line does not end.
    #[error("the note is not text, an empty line and signature lines")]
    Frame,
    /// The first line names no format that this program knows.
    #[error("the first line is not hizo/record/v1")]
    UnknownVersion,
    /// Another line stands where this one must stand.
    #[error("line {line} is not the `{wanted}` line")]
    Wanted {
        /// Where.
        line: usize,
        /// The line's first word.
        wanted: &'static str,
    },
    /// A line that the format does not know.
    #[error("line {line} is not known")]
    UnknownLine {
        /// Where.
        line: usize,
    },
    /// Not exactly the line's values with one space between.
    #[error("line {line} has too few or too many values")]
    Values {
        /// Where.
        line: usize,
    },
    /// A number with a sign, a leading zero, another sign than digits, or past its range.
    #[error("line {line} has a number that is not canonical or too large")]
    Integer {
        /// Where.
        line: usize,
    },
    /// A hash or an id that is not lower-case hexadecimal digits of its length.
    #[error("line {line} has a hash or an id of another form")]
    Hash {
        /// Where.
        line: usize,
    },
    /// A key that is not a canonical, strong Ed25519 key in canonical base64.
    #[error("line {line} has a key that is not accepted")]
    Key {
        /// Where.
        line: usize,
    },
    /// A time that does not exist or is written otherwise.
    #[error("line {line} has a time of another form")]
    Time {
        /// Where.
        line: usize,
    },
    /// A keeper's origin of another form.
    #[error("line {line} has an origin of another form")]
    Origin {
        /// Where.
        line: usize,
    },
    /// A role that does not exist.
    #[error("line {line} has a role that does not exist")]
    Role {
        /// Where.
        line: usize,
    },
    /// A number of admins that no rule asks for.
    #[error("line {line} asks for another number of admins than one or two")]
    Admins {
        /// Where.
        line: usize,
    },
    /// A line after the empty line that is not a signature in its one form.
    #[error("line {line} is not a signature line")]
    SignatureLine {
        /// Where.
        line: usize,
    },
    /// No signature, more than [`SIGNATURES_MAX`], or two under one name.
    #[error("a record has 1 to {SIGNATURES_MAX} signatures by different keys")]
    SignatureCount,
    /// The note says the same as its canonical form in other bytes.
    #[error("the note is not in its canonical form")]
    NotCanonical,
    /// A genesis with a previous record, or another record without one.
    #[error("record 0, and no other, has `prev -`")]
    Prev,
    /// `seen` with a size but no root, or the reverse.
    #[error("`seen` is either `0 -` or a size from 1 and a root")]
    Seen,
    /// A body of no bytes or more than [`BODY_BYTES_MAX`].
    #[error("a body has 1 to {BODY_BYTES_MAX} bytes")]
    BodySize,
    /// Neither body nor deposit nor control lines.
    #[error("the record says nothing")]
    NothingSaid,
    /// A deposit that also changes the space.
    #[error("a deposit has no control lines")]
    DepositWithControls,
    /// A deposit's number and its previous deposit do not fit together.
    #[error("deposit 1 of a series, and no other, has no previous deposit")]
    DepositPrev,
    /// Count or total that no object list can have.
    #[error("the object list's count or total is out of range")]
    ObjectTotals,
    /// More than [`CONTROLS_MAX`] control lines.
    #[error("the record has more than {CONTROLS_MAX} control lines")]
    ControlCount,
    /// Control lines out of order, or one of them twice.
    #[error("the control lines are out of order or repeated")]
    ControlOrder,
    /// A genesis without founder, slot, recovery and epoch 0.
    #[error("record 0 names founder, slot, recovery and epoch 0")]
    GenesisIncomplete,
    /// A line that only a genesis has, elsewhere; or one that a genesis cannot have.
    #[error("founder and slot stand in record 0 only, admins, remove, rotators and origin never in it")]
    GenesisOnly,
    /// A new epoch that is not the one the record's own objects are sealed to.
    #[error("a record that begins an epoch is itself of that epoch")]
    EpochOfRecord,
    /// A new epoch that nobody could open.
    #[error("a new epoch comes with its wrap")]
    EpochWithoutWrap,
    /// A member is removed but keeps the key of what comes after.
    #[error("a removal comes with a new epoch")]
    RemoveWithoutEpoch,
    /// A wrap of an epoch that does not exist yet.
    #[error("a wrap is of the record's epoch or an earlier one")]
    WrapAhead,
    /// A wrap of no bytes or more than [`WRAP_BYTES_MAX`].
    #[error("a wrap has 1 to {WRAP_BYTES_MAX} bytes")]
    WrapSize,
    /// One key in two places that exclude each other.
    #[error("one key stands for two purposes")]
    KeyTwice,
    /// A session key for somebody who does not become a member in this record.
    #[error("a session line is for a key that the same record makes a member")]
    SessionNotMember,
    /// A move to the keeper where the space already is.
    #[error("a move names another keeper")]
    OriginSame,
    /// A signature given for composing does not hold for the text.
    #[error(transparent)]
    Signature(#[from] identity::Error),
}

/// A keeper's name, fixed when it is set up: `local.hizo/<32 hexadecimal digits>` for an embedded one, for others a
/// host name and perhaps a path, without scheme.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(String);

/// The text cannot be a keeper's origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an origin is 1 to {ORIGIN_BYTES_MAX} characters a-z 0-9 . - _ / that begins and ends with a letter or digit")]
pub struct NotAnOrigin;

impl Origin {
    /// Reads an origin.
    ///
    /// # Errors
    /// [`NotAnOrigin`] for an empty or too long text, other characters than `a-z 0-9 . - _ /`, a `.` or `/` doubled,
    /// or another beginning or end than a letter or digit.
    pub fn parse(text: &str) -> Result<Self, NotAnOrigin> {
        let solid = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let allowed = |byte: u8| solid(&byte) || b".-_/".contains(&byte);
        let ends_solid = text.as_bytes().first().is_some_and(solid) && text.as_bytes().last().is_some_and(solid);
        let doubled = text.contains("//") || text.contains("..");
        if text.len() > ORIGIN_BYTES_MAX || !ends_solid || doubled || !text.bytes().all(allowed) {
            return Err(NotAnOrigin);
        }
        Ok(Self(text.to_owned()))
    }

    /// The origin of an embedded keeper, from 16 random bytes.
    pub fn local(random: [u8; 16]) -> Self {
        Self(format!("local.hizo/{}", SpaceId::from_bytes(random)))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Origin({self})")
    }
}

/// What a member may sign. Whether it can open is decided by the wraps; this says what the role promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Everything: members, epochs, deposits, bodies. Opens.
    Admin,
    /// Bodies only. Opens.
    Reader,
    /// Deposits and bodies. Does not open: a machine that only deposits.
    Writer,
    /// Deposits and bodies. Opens: the receiving side of a hand-over, for one.
    ReaderWriter,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Admin, Self::Reader, Self::Writer, Self::ReaderWriter];

    /// The word in a `member` line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Reader => "reader",
            Self::Writer => "writer",
            Self::ReaderWriter => "reader+writer",
        }
    }

    /// Reads the word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }

    /// Whether a member with this role may sign such a record.
    pub const fn may(self, act: Act) -> bool {
        match (self, act) {
            (Self::Admin, _) | (_, Act::Say) => true,
            (Self::Writer | Self::ReaderWriter, Act::Deposit) => true,
            (Self::Reader, Act::Deposit) | (Self::Reader | Self::Writer | Self::ReaderWriter, Act::Control) => false,
        }
    }

    /// Whether a member with this role belongs among the readers of a wrap.
    pub const fn opens(self) -> bool {
        match self {
            Self::Admin | Self::Reader | Self::ReaderWriter => true,
            Self::Writer => false,
        }
    }
}

/// How many admins sign a record with control lines. Recovery keys are no admins: theirs is one record by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AdminRule {
    /// Any admin by himself.
    One,
    /// Two of them, over one text.
    Two,
}

impl AdminRule {
    /// The number of admins.
    pub const fn admins(self) -> usize {
        match self {
            Self::One => 1,
            Self::Two => 2,
        }
    }

    /// Reads the word of an `admins` line.
    fn from_word(word: &str) -> Option<Self> {
        [Self::One, Self::Two].into_iter().find(|rule| rule.admins().to_string() == word)
    }
}

/// The three kinds of record that anyone can tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// A body and nothing else.
    Say,
    /// A deposit of a series.
    Deposit,
    /// A change of the space: its members, epoch, wraps, recovery key or keeper.
    Control,
}

/// The last checkpoint that a record's signer had verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// The log's size, from 1.
    pub size: u64,
    /// The root at that size.
    pub root: RootHash,
}

/// The two roots of a deposit's commitment (docs/spec/commit.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commitment {
    /// C under SHA-256.
    pub sha256: CommitHash,
    /// C under BLAKE3.
    pub blake3: CommitHash,
}

/// The object list of a deposit, as its record names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Objects {
    /// Lines of the list, from 1.
    pub count: u64,
    /// Sum of the sizes in the list, in bytes.
    pub total: u64,
    /// SHA-256 of the list.
    pub list: ObjectId,
}

/// What a deposit's record says in the clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deposit {
    /// The series.
    pub series: SeriesId,
    /// The deposit's number in its series, from 1.
    pub k: u64,
    /// The record of deposit k − 1; none for the first.
    pub prev: Option<RecordId>,
    /// The commitment to its entries.
    pub commit: Commitment,
    /// Its objects.
    pub objects: Objects,
}

/// One control line. The order of the variants is the order of the lines, and the order in which they take effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    /// The first admin; record 0 only.
    Founder(VerifyingKey),
    /// SHA-256 of the space's slot key; record 0 only.
    Slot(SlotKeyHash),
    /// The recovery signing key, or none.
    Recovery(Option<VerifyingKey>),
    /// How many admins sign every later record with control lines.
    Admins(AdminRule),
    /// A member that leaves.
    Remove(VerifyingKey),
    /// A member that comes.
    Member {
        /// Its signing key in this space.
        key: VerifyingKey,
        /// Its role.
        role: Role,
    },
    /// The key with which a member that comes in this record starts sessions with the keeper. It signs no record.
    Session {
        /// The member's signing key: the founder's, or that of a `member` line of this record.
        member: VerifyingKey,
        /// Its session key, which is no other key of the space.
        session: VerifyingKey,
    },
    /// A rotator that ends.
    RotatorEnds(VerifyingKey),
    /// An organisation's key that may begin epochs, and nothing else.
    Rotator(VerifyingKey),
    /// A new epoch.
    Epoch {
        /// Its number: one more than the last.
        epoch: u32,
        /// SHA-256 of the recipient's text, which is an object.
        recipient: ObjectId,
    },
    /// An age file that holds an epoch's secret, sealed to readers.
    Wrap {
        /// The epoch whose secret it holds.
        epoch: u32,
        /// SHA-256 of the age file, which is an object.
        wrap: ObjectId,
        /// Its length in bytes.
        bytes: u64,
    },
    /// The keeper of every later record.
    Origin(Origin),
}

/// Everything a record says in the clear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The keeper that the signer appends to.
    pub keeper: Origin,
    /// The space.
    pub space: SpaceId,
    /// Position in the space, from 0.
    pub number: u64,
    /// The record before; none for record 0.
    pub prev: Option<RecordId>,
    /// The epoch that the record's own objects are sealed to.
    pub epoch: u32,
    /// What the signer's clock said.
    pub time: ClaimedTime,
    /// The last checkpoint that the signer verified.
    pub seen: Option<Seen>,
    /// The sealed body and its length in bytes.
    pub body: Option<(ObjectId, u64)>,
    /// The deposit, if it is one.
    pub deposit: Option<Deposit>,
    /// Control lines in their order.
    pub controls: Vec<Control>,
}

impl Envelope {
    /// The text to sign, with its last line feed.
    ///
    /// # Errors
    /// The rule of form that the envelope breaks. Put control lines in order with [`Envelope::sort_controls`] first.
    pub fn text(&self) -> Result<String, Error> {
        self.check()?;
        Ok(text::write(self))
    }

    /// Puts the control lines in their one order.
    pub fn sort_controls(&mut self) {
        self.controls.sort_by_key(Control::place);
    }

    /// Which of the three kinds of record this is.
    pub fn act(&self) -> Act {
        match (&self.deposit, self.controls.is_empty()) {
            (Some(_), _) => Act::Deposit,
            (None, false) => Act::Control,
            (None, true) => Act::Say,
        }
    }

    /// The rule that holds from the next record on, if this one sets it.
    pub fn admin_rule(&self) -> Option<AdminRule> {
        self.controls.iter().find_map(|control| match control {
            Control::Admins(rule) => Some(*rule),
            _ => None,
        })
    }

    /// Whether this is the one form of record that a rotator signs: an epoch and its one wrap, and nothing beside.
    pub fn is_rotation(&self) -> bool {
        let begins = matches!(self.controls.as_slice(), [Control::Epoch { epoch, .. }, Control::Wrap { epoch: of, .. }] if epoch == of);
        begins && self.body.is_none() && self.deposit.is_none()
    }

    /// The recipient of the epoch that this record begins.
    pub fn new_epoch(&self) -> Option<ObjectId> {
        self.controls.iter().find_map(|control| match control {
            Control::Epoch { recipient, .. } => Some(*recipient),
            _ => None,
        })
    }
}

/// A signature line as it stands in a note; which key it is by, only the space knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignatureLine {
    /// The name on the line.
    pub name: KeyName,
    /// The key id of signed-note.
    pub key_id: [u8; 4],
    /// The Ed25519 signature.
    pub signature: [u8; SIGNATURE_BYTES],
}

/// A note in the record profile. Its form holds; who signed it, and whether it may stand where it says, is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnverifiedRecord {
    envelope: Envelope,
    signatures: Vec<SignatureLine>,
    note: Vec<u8>,
    text_bytes: usize,
    id: RecordId,
}

/// Parts notes that stand one after the other, as vectors, exports and keepers give them; whether each is a record is told by
/// [`UnverifiedRecord::parse`]. `None` when the bytes are not such a sequence. No bytes are no notes.
pub fn split_notes(notes: &[u8]) -> Option<Vec<&[u8]>> {
    text::split(notes)
}

impl UnverifiedRecord {
    /// Puts text and finished signatures together; signature lines are put in the order of the keys.
    ///
    /// # Errors
    /// The rule of form that the envelope breaks, [`Error::Signature`] for a signature that does not hold for the
    /// text, [`Error::SignatureCount`].
    pub fn compose(envelope: &Envelope, signatures: &[(VerifyingKey, [u8; SIGNATURE_BYTES])]) -> Result<Self, Error> {
        let text = envelope.text()?;
        ensure(signatures.len() <= SIGNATURES_MAX, Error::SignatureCount)?;
        let mut by_key: Vec<_> = signatures.to_vec();
        by_key.sort_by_key(|(key, _)| *key);
        let mut lines = Vec::new();
        for (key, signature) in by_key {
            key.verify(text.as_bytes(), &signature)?;
            lines.push(SignatureLine { name: key.name(), key_id: key.key_id(), signature });
        }
        // Reading back what is written makes sure that nothing is ever signed and sent that others refuse.
        Self::parse(text::frame(&text, &lines).as_bytes())
    }

    /// Reads a note that somebody gave.
    ///
    /// # Errors
    /// The first rule of form that the bytes break; a note that says the same in other bytes is refused.
    pub fn parse(note: &[u8]) -> Result<Self, Error> {
        let (envelope, signatures) = text::read(note)?;
        envelope.check()?;
        let text = text::write(&envelope);
        ensure(text::frame(&text, &signatures).as_bytes() == note, Error::NotCanonical)?;
        Ok(Self { envelope, signatures, note: note.to_vec(), text_bytes: text.len(), id: RecordId::of(note) })
    }

    /// SHA-256 of the whole note.
    pub const fn id(&self) -> RecordId {
        self.id
    }

    /// What it says.
    pub const fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// Its signature lines, in their order.
    pub fn signatures(&self) -> &[SignatureLine] {
        &self.signatures
    }

    /// The whole note, to store and to send.
    pub fn note_bytes(&self) -> &[u8] {
        &self.note
    }

    /// The bytes that are signed.
    pub fn signed_bytes(&self) -> &[u8] {
        self.note.get(..self.text_bytes).unwrap_or_default()
    }
}

/// A record that stands at its place in its space: its signers were members and were allowed to sign it.
///
/// Only [`crate::space::Chain`] makes one, and only one makes an [`ObjectRef`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    note: UnverifiedRecord,
    signers: Vec<VerifyingKey>,
}

impl Record {
    /// Only for the space's own check: whoever can call this decides what may be opened.
    pub(crate) const fn verified(note: UnverifiedRecord, signers: Vec<VerifyingKey>) -> Self {
        Self { note, signers }
    }

    /// SHA-256 of the whole note.
    pub const fn id(&self) -> RecordId {
        self.note.id
    }

    /// Position in the space, from 0.
    pub const fn number(&self) -> u64 {
        self.note.envelope.number
    }

    /// What it says in the clear.
    pub const fn envelope(&self) -> &Envelope {
        &self.note.envelope
    }

    /// The full keys that signed it, in their order.
    pub fn signers(&self) -> &[VerifyingKey] {
        &self.signers
    }

    /// The whole note.
    pub fn note_bytes(&self) -> &[u8] {
        self.note.note_bytes()
    }

    /// The sealed body.
    pub fn body_object(&self) -> Option<ObjectRef> {
        self.envelope().body.map(|(id, bytes)| ObjectRef::new(id, bytes))
    }

    /// The object list of a deposit, for [`crate::object::ObjectList::parse`].
    pub fn object_list(&self) -> Option<ObjectRef> {
        let Objects { count, total, list } = self.envelope().deposit?.objects;
        Some(ObjectRef::list(list, count, total))
    }

    /// The recipient of the epoch that this record begins: its `age1pq1…` text without line feed.
    pub fn recipient(&self) -> Option<ObjectRef> {
        self.envelope().new_epoch().map(ObjectRef::recipient)
    }

    /// The wraps that this record adds, each with its epoch.
    pub fn wraps(&self) -> impl Iterator<Item = (u32, ObjectRef)> + '_ {
        self.envelope().controls.iter().filter_map(|control| match control {
            Control::Wrap { epoch, wrap, bytes } => Some((*epoch, ObjectRef::new(*wrap, *bytes))),
            _ => None,
        })
    }
}
