//! The journal: what was appended to each space, in order, and only where the head was the one expected.
//!
//! Nothing here knows what a note says. See docs/spec/store.md, section "Journal".

use std::io;
use std::sync::Arc;

use hizo_ledger::id::{ObjectId, RecordId, RootHash, SpaceId};
use hizo_ledger::log::Leaf;

pub use hizo_ledger::record::NOTE_BYTES_MAX;
pub use hizo_ledger::space::Head;

mod sqlite;
pub use sqlite::{SCHEMA_VERSION, SqliteJournal};

/// Notes in one answer, at most, in bytes; one note is always given.
pub const PAGE_BYTES_MAX: usize = 4 << 20;

/// Most records in one answer.
pub const PAGE_RECORDS_MAX: usize = 1_000;

/// Most bytes of one of the keeper's own facts, and most letters of its key.
pub const FACT_BYTES_MAX: usize = 1 << 12;

/// Why the journal did not do, or could not tell, what it was asked.
///
/// Of several entries that one failure has stopped, each has it as its outcome: an error can be had more than once.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Somebody else has appended, or begun the space: look at the head and decide again.
    #[error("the head of the space is not the one expected")]
    Conflict {
        /// The head now; `None` when the space has not begun.
        head: Option<Head>,
    },
    /// The record names objects that the sweep has marked: put them again, then append.
    #[error("{} named objects are marked for deletion and must be put again", .objects.len())]
    Condemned {
        /// Which ones, in the order in which they were named.
        objects: Vec<ObjectId>,
    },
    /// What the account pays for would be more than its quota.
    #[error("the account pays for {used} bytes already, and its quota is {quota}")]
    Quota {
        /// What it pays for now.
        used: u64,
        /// What it may pay for.
        quota: u64,
    },
    /// The account was good for one space, and that has begun.
    #[error("the account has paid for a space already")]
    AccountUsed,
    /// Number and expected head do not follow each other, or a limit is passed: the caller is at fault.
    #[error("{rule}")]
    Refused {
        /// The rule.
        rule: &'static str,
    },
    /// Another head of the log has been settled as the newest signed one meanwhile.
    #[error("another head of the log has been signed meanwhile")]
    SignedMeanwhile {
        /// The newest; `None` when none was signed.
        newest: Option<LogHead>,
    },
    /// One of the keeper's own facts is settled once and for all, and differently.
    #[error("the fact `{key}` is settled already and differs")]
    Settled {
        /// Its key.
        key: String,
    },
    /// There is no journal here, or an unfinished one: it is made once, on purpose, and never as a side effect.
    #[error("there is no journal here")]
    Absent,
    /// A newer program has written this journal.
    #[error("the journal has format {found}, this program knows formats up to {known}")]
    Newer {
        /// Its format.
        found: i64,
        /// The newest format known here.
        known: i64,
    },
    /// The file gives different answers to the same question, or one that cannot be right.
    #[error("the journal is damaged: {what}")]
    Damaged {
        /// Which rule does not hold.
        what: String,
    },
    /// Another process kept the journal for longer than [`BUSY_WAIT_MAX`].
    #[error("the journal is in use by another process")]
    Busy,
    /// The system lets this process read the journal, but not write it.
    #[error("the journal may not be written by this process, or not now")]
    ReadOnly,
    /// The disk is full: nothing was appended.
    #[error("the disk has no room for the journal")]
    Full {
        /// The database's own answer.
        source: Arc<rusqlite::Error>,
    },
    /// The system could not do what the database asked.
    #[error("the journal could not {act}")]
    Database {
        /// What was asked.
        act: &'static str,
        /// The database's own answer.
        source: Arc<rusqlite::Error>,
    },
    /// The system could not do what the journal asked of it directly.
    #[error("the journal could not {act}")]
    Disk {
        /// What was asked.
        act: &'static str,
        /// The system's own answer.
        source: Arc<io::Error>,
    },
}

/// How long a process waits for its turn.
pub const BUSY_WAIT_MAX: std::time::Duration = std::time::Duration::from_secs(20);

/// Who pays for spaces: a name that the keeper gives, and the journal does not understand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub [u8; 32]);

/// What an account pays for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// All that records of its spaces have named, in bytes.
    pub bytes: u64,
    /// Its spaces.
    pub spaces: u64,
}

/// What an entry costs, and whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge {
    /// Who pays. The genesis settles it; whoever else pays for a later record of the space is refused.
    pub account: AccountId,
    /// What the record names, in bytes.
    pub bytes: u64,
    /// What the account may pay for in all, in bytes.
    pub quota: u64,
    /// A genesis of an account that may have one space.
    pub alone: bool,
}

impl Charge {
    /// What the account pays for with this.
    pub(crate) fn add(&self, usage: Usage, begins: bool) -> Result<Usage, Error> {
        let bytes = usage.bytes.checked_add(self.bytes).filter(|bytes| *bytes <= self.quota);
        let bytes = bytes.ok_or(Error::Quota { used: usage.bytes, quota: self.quota })?;
        if begins && self.alone && usage.spaces > 0 {
            return Err(Error::AccountUsed);
        }
        Ok(Usage { bytes, spaces: usage.spaces.saturating_add(u64::from(begins)) })
    }
}

/// What to append.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    /// The space.
    pub space: SpaceId,
    /// The head that the note follows; `None` for a genesis.
    pub expected: Option<Head>,
    /// The whole note, whose SHA-256 is the record's id.
    pub note: &'a [u8],
    /// Every object that the note names, directly or in its list: none of them may be condemned.
    pub objects: &'a [ObjectId],
    /// The space's slot key, kept with the genesis in the same step; `None` for every later record.
    pub slot_key: Option<&'a [u8; 32]>,
    /// The keeper's time, in seconds since 1970.
    pub kept: u64,
    /// Who pays for it; `None` where nobody is asked.
    pub charge: Option<Charge>,
}

impl Entry<'_> {
    /// The head that this entry makes.
    ///
    /// # Errors
    /// [`Error::Refused`] when it breaks a rule whatever the space holds.
    pub(crate) fn new_head(&self) -> Result<Head, Error> {
        if self.note.is_empty() || self.note.len() > NOTE_BYTES_MAX {
            return Err(Error::Refused { rule: "a note is not empty and not longer than a record may be" });
        }
        if self.expected.is_none() != self.slot_key.is_some() {
            return Err(Error::Refused { rule: "a slot key comes with the genesis and with no other record" });
        }
        let number = self.expected.map_or(Some(0), |head| head.number.checked_add(1));
        let number = number.ok_or(Error::Refused { rule: "a space has no further number" })?;
        Ok(Head { number, id: RecordId::of(self.note) })
    }
}

/// A record as it rests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// Its number.
    pub number: u64,
    /// SHA-256 of the note, checked on reading.
    pub id: RecordId,
    /// When the keeper took it, in seconds since 1970.
    pub kept: u64,
    /// Its place in the log, counted from 0.
    pub position: u64,
    /// The whole note.
    pub note: Vec<u8>,
}

/// Records of a space, and its head when they were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The head.
    pub head: Head,
    /// Records in order, without a gap.
    pub records: Vec<StoredRecord>,
}

/// A head of the log: so many leaves, and their root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogHead {
    /// Leaves.
    pub size: u64,
    /// Root of the tree of so many leaves.
    pub root: RootHash,
}

/// How far the log has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogState {
    /// Leaves: as many as there are records.
    pub size: u64,
    /// The newest head that was settled before it was signed.
    pub signed: Option<LogHead>,
}

impl LogState {
    /// Whether `head` may be settled as the newest signed one after `newest`.
    pub(crate) fn may_sign(&self, newest: Option<LogHead>, head: LogHead) -> Result<(), Error> {
        if self.signed == Some(head) {
            return Ok(());
        }
        if self.signed != newest {
            return Err(Error::SignedMeanwhile { newest: self.signed });
        }
        let grows = self.signed.is_none_or(|signed| signed.size < head.size);
        if !grows || head.size == 0 || head.size > self.size {
            return Err(Error::Refused {
                rule: "a signed head has more leaves than the one before, and no more than the log",
            });
        }
        Ok(())
    }
}

/// What [`Journal::integrity`] went through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Integrity {
    /// Spaces.
    pub spaces: u64,
    /// Records.
    pub records: u64,
    /// Leaves of the log.
    pub leaves: u64,
    /// Condemned objects.
    pub condemned: u64,
    /// The keeper's own facts.
    pub facts: u64,
}

/// Records in order, one chain a space, and all of them in the order in which they were appended: the log.
///
/// Guarantees that every back end keeps, and [`crate::conformance`] tests:
/// - Compare-and-append: of any number of appends that expect one head, exactly one succeeds; the others learn the
///   head that it made. There is no gap, and no record is ever changed or removed.
/// - Safe to repeat: appending once more the very record that is the head, with the very time at which it was kept,
///   succeeds, changes nothing, and is as durable. With another time it is a conflict: a record is kept once.
/// - Durable on return, and all or nothing: note, head and slot key appear in one step or not at all.
/// - Together, and yet each by itself: entries that are given together share a durable step, and each has the outcome
///   that it would have had alone, one after the other. None that fails takes another one with it.
/// - One log: the append gives the record the next place in the log, in that same step. There is no gap, no place is
///   given twice, and none ever changes.
/// - One signed history: of any number of heads that are settled after the same one, exactly one succeeds.
/// - An append that names a condemned object is refused in that same step. Whatever expires was condemned without a break, so
///   that no record names it; whatever is pardoned was here when nothing could expire.
/// - Counted once: what an append costs is added to its account in that same step, and never more than the quota. A space has
///   the account of its genesis for ever. Repeating an append costs nothing.
/// - No silent damage: an answer is what was written, or an error.
pub trait Journal: Send + Sync {
    /// Appends entries one after the other in one durable step, and returns when all that were appended are durable: for
    /// each entry, in order, its new head.
    ///
    /// # Errors
    /// For each entry by itself [`Error::Conflict`], [`Error::Condemned`] and [`Error::Refused`]: it was not appended.
    /// After any other error its record may be there or not: look at the head, or append the same again.
    fn append_all(&self, entries: &[Entry<'_>]) -> Vec<Result<Head, Error>>;

    /// Appends all of these entries in one durable step, or none of them: for whoever copies a log, in which each record has its
    /// place.
    ///
    /// # Errors
    /// That of the first entry that cannot be appended. After any other error than [`Error::Conflict`], [`Error::Condemned`] and
    /// [`Error::Refused`] all may be there or none.
    fn append_whole(&self, entries: &[Entry<'_>]) -> Result<(), Error>;

    /// Appends one entry, and returns the new head when it is durable.
    ///
    /// # Errors
    /// As [`Journal::append_all`].
    fn append(&self, entry: Entry<'_>) -> Result<Head, Error> {
        let outcome = self.append_all(&[entry]).pop();
        outcome.unwrap_or(Err(Error::Refused { rule: "every entry has an outcome" }))
    }

    /// The head of a space; `None` when it has not begun.
    ///
    /// # Errors
    /// When it cannot be told.
    fn head(&self, space: SpaceId) -> Result<Option<Head>, Error>;

    /// A page of a space's records and the head at that moment; `None` when the space has not begun. The records come in
    /// order from number `from`, at most `limit`, [`PAGE_RECORDS_MAX`] and [`PAGE_BYTES_MAX`], and none past the head. A page
    /// may be shorter than asked for: only the head tells which one is the last.
    ///
    /// # Errors
    /// When they cannot be told, whole and without a gap.
    fn page(&self, space: SpaceId, from: u64, limit: usize) -> Result<Option<Page>, Error>;

    /// The records of [`Journal::page`]; none when the space has not begun.
    ///
    /// # Errors
    /// As [`Journal::page`].
    fn records(&self, space: SpaceId, from: u64, limit: usize) -> Result<Vec<StoredRecord>, Error> {
        Ok(self.page(space, from, limit)?.map(|page| page.records).unwrap_or_default())
    }

    /// Every space that has begun, in ascending order.
    ///
    /// # Errors
    /// When they cannot be told.
    fn spaces(&self) -> Result<Vec<SpaceId>, Error>;

    /// The slot key that came with a space's genesis; `None` when the space has not begun.
    ///
    /// # Errors
    /// When it cannot be told.
    fn slot_key(&self, space: SpaceId) -> Result<Option<[u8; 32]>, Error>;

    /// Who pays for a space: the account of its genesis, or, before it has begun, whoever claims it. `None` when nobody does.
    ///
    /// # Errors
    /// When it cannot be told.
    fn account(&self, space: SpaceId) -> Result<Option<AccountId>, Error>;

    /// Has an account answer for what is put into a space that has not begun, in the place of whoever did. `None` takes the
    /// claim away. Nothing changes for a space that has begun: its genesis has settled who pays.
    ///
    /// # Errors
    /// When it cannot be done.
    fn claim(&self, space: SpaceId, account: Option<AccountId>) -> Result<(), Error>;

    /// What an account pays for.
    ///
    /// # Errors
    /// When it cannot be told.
    fn usage(&self, account: AccountId) -> Result<Usage, Error>;

    /// How far the log has come.
    ///
    /// # Errors
    /// When it cannot be told.
    fn log(&self) -> Result<LogState, Error>;

    /// Leaves of the log in order from place `from`, at most `limit` and [`PAGE_RECORDS_MAX`].
    ///
    /// # Errors
    /// When they cannot be told, whole and without a gap.
    fn leaves(&self, from: u64, limit: usize) -> Result<Vec<Leaf>, Error>;

    /// Records of all spaces in the order of the log from place `from`, at most `limit`, [`PAGE_RECORDS_MAX`] and
    /// [`PAGE_BYTES_MAX`]; none past its end.
    ///
    /// # Errors
    /// When they cannot be told, whole and without a gap.
    fn logged(&self, from: u64, limit: usize) -> Result<Vec<(SpaceId, StoredRecord)>, Error>;

    /// Settles that this head is about to be signed, provided that `newest` is still the newest settled one. Settling the
    /// newest again changes nothing.
    ///
    /// # Errors
    /// [`Error::SignedMeanwhile`]; [`Error::Refused`] when the head is smaller than the newest, or larger than the log.
    fn settle_signed(&self, newest: Option<LogHead>, head: LogHead) -> Result<(), Error>;

    /// Marks objects so that no append may name them, provided that the head is still this one: whoever decides that
    /// nothing names them has read the records up to here. `since` is a time in seconds by whatever clock the caller goes by.
    ///
    /// # Errors
    /// [`Error::Conflict`] when somebody has appended since.
    fn condemn(&self, space: SpaceId, expected: Option<Head>, objects: &[ObjectId], since: u64) -> Result<(), Error>;

    /// Takes the mark away from those objects of which `is_here` says that they have been put again, and says which of the others
    /// keep it. It is asked while nobody expires anything, and not at all for objects without a mark.
    ///
    /// # Errors
    /// When it cannot be done.
    fn pardon(
        &self,
        space: SpaceId,
        objects: &[ObjectId],
        is_here: &mut dyn FnMut(ObjectId) -> bool,
    ) -> Result<Vec<ObjectId>, Error>;

    /// Calls `remove` for each of these objects that was marked at `until` or before and has been since, while nobody appends,
    /// marks or pardons. The marks stay: an append that found an object here before must not name it now.
    ///
    /// # Errors
    /// When it cannot be done; then `remove` was called for some of them or for none.
    fn expire(
        &self,
        space: SpaceId,
        objects: &[ObjectId],
        until: u64,
        remove: &mut dyn FnMut(ObjectId),
    ) -> Result<(), Error>;

    /// The condemned objects of a space in ascending order, each with its time.
    ///
    /// # Errors
    /// When they cannot be told.
    fn condemned(&self, space: SpaceId) -> Result<Vec<(ObjectId, u64)>, Error>;

    /// Settles one of the keeper's own facts. Settling it again with the same value changes nothing.
    ///
    /// # Errors
    /// [`Error::Settled`] when it has another value.
    fn settle_fact(&self, key: &str, value: &[u8]) -> Result<(), Error>;

    /// One of the keeper's own facts; `None` when it is not settled.
    ///
    /// # Errors
    /// When it cannot be told.
    fn fact(&self, key: &str) -> Result<Option<Vec<u8>>, Error>;

    /// Reads everything and checks it against itself.
    ///
    /// # Errors
    /// [`Error::Damaged`] with the first thing that does not hold.
    fn integrity(&self) -> Result<Integrity, Error>;
}
