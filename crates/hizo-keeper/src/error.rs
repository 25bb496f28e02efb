//! Why a keeper did not do what it was asked.

use hizo_ledger::id::ObjectId;
use hizo_ledger::record::Origin;
use hizo_ledger::space::Head;
use hizo_ledger::{object, record, space};
use hizo_store::objects::ABSENT_MAX;
use hizo_store::{journal, objects};

/// The rule that a request broke, or the fault of the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No origin and log key were ever settled here.
    #[error("no keeper has been set up here")]
    NotSetUp,
    /// The log key's file is not the one that was settled: it was lost, replaced or damaged.
    #[error("the keeper's log key is not the one that was settled when it was set up")]
    LogKey,
    /// What was settled about the keeper itself cannot be read.
    #[error("the keeper's own facts are damaged")]
    Facts,
    /// The bytes are no record.
    #[error("the note is not a record")]
    Form(#[source] record::Error),
    /// The record may not stand there.
    #[error("the record may not stand there")]
    Rule(#[source] space::Error),
    /// The record names another keeper.
    #[error("the record is for another keeper")]
    OtherKeeper,
    /// The space has moved to another keeper, and nothing is added to it here.
    #[error("the space has moved to the keeper {to}, as its records say")]
    Moved {
        /// The keeper's name.
        to: Origin,
    },
    /// Only the admin who signed that the space moves has it taken over.
    #[error("the session is not that of the admin who signed that the space moves here")]
    Mover,
    /// What is to be taken over is more than a keeper takes over.
    #[error("the space is too large to be taken over: {what}")]
    TooMuch {
        /// What there is too much of.
        what: &'static str,
    },
    /// There is no such space here yet.
    #[error("the space has not begun here")]
    NotBegun,
    /// A space begins with its record 0, which comes with the slot key.
    #[error("a space begins with record 0 and its slot key, and with nothing else")]
    NotGenesis,
    /// SHA-256 of the slot key is not what the genesis names.
    #[error("the slot key is not the one that the genesis names")]
    SlotKey,
    /// The record follows another record than the head.
    #[error("the record does not follow the head of the space")]
    Conflict {
        /// The head now; `None` when the space has not begun.
        head: Option<Head>,
    },
    /// Objects that the record names are not here, are damaged, or are marked for deletion.
    #[error("{} of the objects that the record names must be put again", .objects.len())]
    PutAgain {
        /// Which ones.
        objects: Vec<ObjectId>,
    },
    /// An object has another length than the record says, so that no put can help.
    #[error("object {id} has {found} bytes, the record says {named}")]
    ObjectSize {
        /// The object.
        id: ObjectId,
        /// The length that the record, or its object list, names.
        named: u64,
        /// The length of the object.
        found: u64,
    },
    /// The object list is not what the record says.
    #[error("the object list is not what the record says")]
    List(#[source] object::Error),
    /// The records that are kept here do not make a space.
    #[error("the records that are kept here do not make a space")]
    Kept(#[source] space::ReplayError),
    /// The clock shows a time that no record can hold.
    #[error("the clock shows a time that no record can hold")]
    Clock,
    /// The store of objects failed.
    #[error(transparent)]
    Objects(#[from] objects::Error),
    /// The journal failed.
    #[error("the journal could not answer")]
    Journal(#[source] journal::Error),
    /// The log could not be published or told.
    #[error(transparent)]
    Log(#[from] crate::log::Error),
    /// The policy of witnesses cannot be used.
    #[error(transparent)]
    Policy(#[from] crate::witness::PolicyError),
    /// What is said to be a keeper's address is none.
    #[error("a keeper's address begins with https://, or, on this machine, with http://localhost")]
    Address,
    /// What should hold the roots of a keeper's certificate holds none.
    #[error("the file is no PEM file of certificates")]
    Roots,
    /// No session can be begun with the keys at hand.
    #[error("no session can be begun with the keys at hand")]
    Session,
    /// The keeper at an address could not be reached, or the line broke each time.
    #[error("the keeper cannot be reached")]
    Unreachable {
        /// What the line did.
        source: Box<ureq::Error>,
    },
    /// Whoever answers at the address has no certificate by the roots that were named: he is not shown to be the keeper.
    #[error("whoever answers at the keeper's address has no certificate that counts ({said})")]
    Certificate {
        /// What is wrong with it.
        said: String,
    },
    /// The keeper at an address said no.
    #[error("the keeper said no ({status}): {said}")]
    Refused {
        /// The status of HTTP.
        status: u16,
        /// Its own words.
        said: String,
    },
    /// This machine's clock and that of the keeper at an address are too far apart to begin a session.
    #[error("the clock here says {here}, the keeper's {there}")]
    ClockApart {
        /// What this machine's clock says, in seconds since 1970.
        here: u64,
        /// What the keeper's says.
        there: u64,
    },
    /// The keeper at an address answered what no keeper answers.
    #[error("the answer is not one of a keeper")]
    Answer,
    /// What lies among the directories of organisations is not what it is called.
    #[error("what lies among the directories of organisations is not what it is called")]
    Directory,
    /// The second directory holds what is not of this keeper.
    #[error("the second directory holds the records of another keeper, or others than these")]
    CopyOther,
    /// The second directory has more than the keeper, which was put back from something older.
    #[error(
        "the second directory has {copied} records and the keeper {size}: the keeper was put back from an older copy"
    )]
    CopyAhead {
        /// Records of the copy.
        copied: u64,
        /// Records of the keeper.
        size: u64,
    },
    /// A copy was begun, and is not there.
    #[error("the second directory is empty, and a copy was begun there")]
    CopyGone,
    /// The keeper's folder could not be made or read.
    #[error("the keeper's folder could not {act}")]
    Folder {
        /// What was asked.
        act: &'static str,
        /// The system's own answer.
        source: std::io::Error,
    },
}

impl Error {
    /// For whoever does not ask a keeper any more that could not be reached.
    #[must_use]
    pub fn unreachable() -> Self {
        Self::Unreachable { source: Box::new(ureq::Error::ConnectionFailed) }
    }
}

impl From<journal::Error> for Error {
    fn from(error: journal::Error) -> Self {
        match error {
            journal::Error::Conflict { head } => Self::Conflict { head },
            journal::Error::Condemned { mut objects } => {
                objects.truncate(ABSENT_MAX);
                Self::PutAgain { objects }
            }
            other => Self::Journal(other),
        }
    }
}
