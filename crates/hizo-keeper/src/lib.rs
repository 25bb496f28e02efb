//! Keeps, orders and logs what it cannot read.
//!
//! A keeper knows two acts: objects are put, a record is appended. It cannot name the crate that opens anything, and no
//! method here names what people do with a space. The sweep alone takes away. See docs/spec/keeper.md.
#![deny(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout)]

pub mod client;
pub mod connections;
pub mod copy;
mod directories;
mod embedded;
mod error;
mod group_commit;
mod http;
pub mod log;
mod names;
mod own;
pub mod service;
mod sight;
mod signer;
mod spaces;
pub mod stamp;
pub mod sweep;
pub mod witness;

use hizo_ledger::id::{ObjectId, RecordId, Slot, SpaceId};
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::log::Leaf;
use hizo_ledger::record::Origin;
use hizo_ledger::space::Head;
use hizo_store::journal::{Page, StoredRecord};
use hizo_store::objects::Put;
use hizo_store::{Journal, NamedBytes, Objects};

pub use copy::{Copied, SecondCopy};
pub use directories::Directories;
pub use embedded::{EmbeddedKeeper, EmbeddedLog, Seeds};
pub use error::Error;
pub use own::{LoggedStamp, OwnSpace};
pub use sight::{MemberSeen, ObjectSeen, ObjectUse, RecordSeen, SeriesSeen, SpaceChecked, SpaceSeen};
pub use spaces::{TAKEN_BYTES_MAX, TAKEN_OBJECTS_MAX, Takeover};

/// Where a keeper takes its time from, in seconds since 1970.
pub type Clock = Box<dyn Fn() -> u64 + Send + Sync>;

/// A keeper over any store that keeps the guarantees of `hizo-store`.
///
/// Threads may share one keeper, and several processes may each have one over the same store.
pub struct Keeper<O, J> {
    objects: O,
    journal: J,
    origin: Origin,
    log_key: VerifyingKey,
    clock: Clock,
    chains: spaces::Chains,
    commits: group_commit::GroupCommit,
}

/// A record is kept: it and everything that it names outlives a power cut. Only a keeper makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Kept {
    /// SHA-256 of the note.
    pub id: RecordId,
    /// Its number in the space.
    pub number: u64,
    /// When the keeper took it, in seconds since 1970 by the keeper's clock.
    pub time: u64,
    /// What names its place in the log: the record's number under the space's slot key.
    pub slot: Slot,
}

impl Kept {
    /// What stands for the record in the log.
    pub const fn leaf(&self) -> Leaf {
        Leaf { slot: self.slot, record: self.id }
    }
}

impl<O: Objects, J: Journal> Keeper<O, J> {
    /// Opens a keeper that has been set up over this store.
    ///
    /// # Errors
    /// [`Error::NotSetUp`], or the journal's.
    pub fn open(objects: O, journal: J, clock: Clock) -> Result<Self, Error> {
        let (origin, log_key) = embedded::identity(&journal)?.ok_or(Error::NotSetUp)?;
        Ok(Self {
            objects,
            journal,
            origin,
            log_key,
            clock,
            chains: spaces::Chains::default(),
            commits: group_commit::GroupCommit::default(),
        })
    }

    /// Settles for ever what this keeper is called and by which key its log will be signed. What is settled already
    /// stays, whatever is given.
    ///
    /// # Errors
    /// The journal's.
    pub fn set_up(journal: &J, origin: &Origin, log_key: &VerifyingKey) -> Result<(), Error> {
        embedded::settle_identity(journal, origin, log_key)
    }

    /// The keeper's name, which every record for it carries.
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The key by which its log is signed.
    pub const fn log_key(&self) -> &VerifyingKey {
        &self.log_key
    }

    /// Makes an object durable. Putting it again is always allowed, renews its time, and mends it if it was damaged.
    ///
    /// # Errors
    /// The store's; nothing counts as put then.
    pub fn put(&self, space: SpaceId, object: &NamedBytes) -> Result<Put, Error> {
        let put = self.objects.put(space, object)?;
        match self.pardon(space, object.id()) {
            Err(Error::PutAgain { .. }) => {}
            pardoned => return pardoned.map(|()| put),
        }
        let put = self.objects.put(space, object)?;
        self.pardon(space, object.id())?;
        Ok(put)
    }

    /// Takes the mark of the sweep away from an object that was put: after that it is durable, for a mark that is gone too late
    /// only asks for one more put. Where the sweep came in between, what was found present is not here any more.
    fn pardon(&self, space: SpaceId, id: ObjectId) -> Result<(), Error> {
        let is_here = &mut |id| self.objects.stat(space, id).is_ok_and(|stat| stat.is_some());
        match self.journal.pardon(space, &[id], is_here)? {
            gone if gone.is_empty() => Ok(()),
            objects => Err(Error::PutAgain { objects }),
        }
    }

    /// Begins to take in an object that comes piece by piece: it is written to what is returned, and given to
    /// [`Keeper::take`].
    ///
    /// # Errors
    /// The store's.
    pub fn receive(&self, space: SpaceId, id: ObjectId) -> Result<O::Arriving, Error> {
        Ok(self.objects.receive(space, id)?)
    }

    /// Makes an object that has come in durable, as [`Keeper::put`] does.
    ///
    /// # Errors
    /// The store's; [`Error::PutAgain`] where the sweep removed the object at the very moment at which it was found present.
    /// Nothing counts as put then.
    pub fn take(&self, space: SpaceId, id: ObjectId, arrived: O::Arriving) -> Result<Put, Error> {
        let put = self.objects.take(arrived)?;
        self.pardon(space, id)?;
        Ok(put)
    }

    /// Begins a space with its genesis, and keeps the slot key that the genesis names by its hash. Repeating it with
    /// the same note and key succeeds.
    ///
    /// # Errors
    /// As [`Keeper::append`]; [`Error::NotGenesis`], [`Error::SlotKey`]; [`Error::Conflict`] when the space has begun
    /// otherwise.
    pub fn create_space(&self, note: &[u8], slot_key: &[u8; 32]) -> Result<Kept, Error> {
        Ok(spaces::create(self, note, slot_key, None)?.kept)
    }

    /// Takes over a space that moves here from another keeper, with all its records in one step. Repeating it succeeds.
    ///
    /// # Errors
    /// As [`Keeper::append`]; [`Error::OtherKeeper`] when the last record, and it alone, does not name this keeper;
    /// [`Error::Conflict`] when the space is here, [`Error::SlotKey`], [`Error::Mover`], [`Error::TooMuch`].
    pub fn take_over(&self, taken: &Takeover<'_>) -> Result<Kept, Error> {
        Ok(spaces::take_over(self, taken, None)?.kept)
    }

    /// Appends a record: the only act that changes what a space is. Repeating it with the same note succeeds.
    ///
    /// # Errors
    /// The first rule that the note breaks; [`Error::Conflict`] with the present head when it does not follow it;
    /// [`Error::PutAgain`] with everything that it names and that is not here. Nothing was appended then. After an error
    /// of the store the record may be there or not: append the same again.
    pub fn append(&self, note: &[u8]) -> Result<Kept, Error> {
        Ok(spaces::append(self, note, None)?.kept)
    }

    /// The head of a space; `None` when it has not begun here.
    ///
    /// # Errors
    /// The journal's.
    pub fn head(&self, space: SpaceId) -> Result<Option<Head>, Error> {
        Ok(self.journal.head(space)?)
    }

    /// A page of records in order from number `from`, at most `limit`; it may be shorter, only the head tells which page
    /// is the last.
    ///
    /// # Errors
    /// The journal's.
    pub fn records(&self, space: SpaceId, from: u64, limit: usize) -> Result<Vec<StoredRecord>, Error> {
        Ok(self.journal.records(space, from, limit)?)
    }

    /// The same with the head at that moment; `None` when the space has not begun here.
    ///
    /// # Errors
    /// The journal's.
    pub fn page(&self, space: SpaceId, from: u64, limit: usize) -> Result<Option<Page>, Error> {
        Ok(self.journal.page(space, from, limit)?)
    }

    /// An object's bytes as they lie there; the reader checks their hash.
    ///
    /// # Errors
    /// The store's.
    pub fn object(&self, space: SpaceId, id: ObjectId) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.objects.get(space, id)?)
    }

    /// At most `limit` bytes of an object from this place on, as they lie there.
    ///
    /// # Errors
    /// The store's.
    pub fn object_part(
        &self,
        space: SpaceId,
        id: ObjectId,
        place: u64,
        limit: usize,
    ) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.objects.part(space, id, place, limit)?)
    }

    /// The length of an object that lies here; its bytes are not read.
    ///
    /// # Errors
    /// The store's.
    pub fn object_length(&self, space: SpaceId, id: ObjectId) -> Result<Option<u64>, Error> {
        Ok(self.objects.stat(space, id)?.map(|stat| stat.bytes))
    }

    /// Every space that has begun here.
    ///
    /// # Errors
    /// The journal's.
    pub fn spaces(&self) -> Result<Vec<SpaceId>, Error> {
        Ok(self.journal.spaces()?)
    }

    /// Everything that this keeper can tell about a space; `None` when it has not begun here.
    ///
    /// # Errors
    /// The store's, or what is wrong with the space.
    pub fn inspect(&self, space: SpaceId) -> Result<Option<SpaceSeen>, Error> {
        sight::inspect(self, space)
    }

    /// Reads every record and every object of a space again, checks all signatures and hashes, and says what is
    /// missing or damaged; `None` when the space has not begun here.
    ///
    /// # Errors
    /// The store's, or what is wrong with the space's records.
    pub fn check(&self, space: SpaceId) -> Result<Option<SpaceChecked>, Error> {
        sight::check(self, space)
    }

    /// The objects' store.
    pub const fn objects(&self) -> &O {
        &self.objects
    }

    /// The records' store.
    pub const fn journal(&self) -> &J {
        &self.journal
    }
}
