//! The keeper of a safe: in a folder of this machine, or at an address. What it says is checked by whoever asks.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hizo_keeper::client::{self, Facts, Promised, RemoteKeeper, Stamping};
use hizo_keeper::log::{LogFiles, LogReader};
use hizo_keeper::stamp::LocalAuthority;
use hizo_keeper::witness::{Patience, WitnessPolicy};
use hizo_keeper::{Copied, EmbeddedKeeper, EmbeddedLog, Error, LoggedStamp, Takeover};
use hizo_ledger::id::{Nonce, ObjectId, SpaceId};
use hizo_ledger::log::checkpoint::UnverifiedCheckpoint;
use hizo_ledger::log::note::NamedKey;
use hizo_ledger::object::OBJECT_BYTES_MAX;
use hizo_ledger::record::{ClaimedTime, Origin, UnverifiedRecord};
use hizo_ledger::session::{Session, Verbs};
use hizo_ledger::space::Head;
use hizo_ledger::timestamp::Authority;
use hizo_store::journal::PAGE_RECORDS_MAX;
use hizo_store::{Journal as _, NamedBytes};
use hizo_vault::keys::SessionKey;

use crate::entropy::random;
use crate::failure::{Failure, Outcome};
use crate::home::Home;
use crate::log;
use crate::queue::{AtHand, Away};
use crate::stamps::known_local_authority;
use crate::system;
use crate::words::words;

/// How long a keeper at an address is given to publish what it has just taken.
const PUBLISHED_SOON: Duration = Duration::from_secs(3);
const PUBLISHED_PAUSE: Duration = Duration::from_millis(100);

/// How long a keeper lets lie what no record names, before it marks it for removal: an interrupted deposit goes on for so long without
/// sealing anew.
pub(crate) const ORPHAN_AGE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Where a safe's keeper is.
pub(crate) enum Keeper {
    /// In the home folder; nobody else has to run.
    Here(Box<EmbeddedKeeper>),
    /// At an address; what is small is kept at hand.
    There(Arc<RemoteKeeper>, AtHand),
    /// At an address, and it cannot be reached: what is put waits for it.
    Away(Arc<RemoteKeeper>, Box<Away>),
}

/// What a keeper shows of a space.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    pub notes: Vec<Vec<u8>>,
    /// The head, as the keeper says; nothing when the space has not begun there.
    pub head: Option<Head>,
}

impl Keeper {
    /// The keeper of this home; one at an address is not asked yet.
    pub(crate) fn open(home: &Home) -> Outcome<Self> {
        match home.address() {
            Some(address) => {
                let (roots, at_hand) = (home.keeper_roots()?, AtHand::of(home.folder()));
                if let Some(key) = home.session_key()? {
                    return Self::there(address, &home.keeper, roots.as_deref(), at_hand, move |_| key.clone());
                }
                let signing = home.device()?.signing;
                Self::there(address, &home.keeper, roots.as_deref(), at_hand, move |space| signing.session_key(space))
            }
            None => {
                let keeper = EmbeddedKeeper::open_embedded(&home.keeper_folder()).map_err(Failure::from)?;
                Ok(Self::Here(Box::new(keeper)))
            }
        }
    }

    /// The keeper that had the space of this home: as it answered before the space left it, where it was elsewhere and that was
    /// written down.
    pub(crate) fn open_former(home: &Home) -> Outcome<Self> {
        match Self::open(home)? {
            Self::There(keeper, _) if home.former_folder().exists() => {
                let keeper = Arc::into_inner(keeper).map(|keeper| keeper.as_written_down(&home.former_folder()));
                Ok(Self::There(Arc::new(keeper.ok_or_else(shared)?), AtHand::nowhere()))
            }
            keeper => Ok(keeper),
        }
    }

    /// The keeper of this home; where it is elsewhere, what it answers of its log is written down, and with
    /// [`Home::settle_former`] it is there for [`Keeper::open_former`].
    pub(crate) fn open_writing_down(home: &Home) -> Outcome<Self> {
        let folder = home.next_former_folder();
        match Self::open(home)? {
            Self::There(keeper, _) => {
                // What a try that was cut short has left is of an earlier head.
                let _ = std::fs::remove_dir_all(&folder);
                system::create_private_directory(&folder)
                    .map_err(|error| Failure::file("make the folder", &folder, error))?;
                let keeper = Arc::into_inner(keeper).map(|keeper| keeper.writing_down(&folder));
                Ok(Self::There(Arc::new(keeper.ok_or_else(shared)?), AtHand::nowhere()))
            }
            keeper => Ok(keeper),
        }
    }

    /// The keeper of this name at an address, which is not asked yet.
    pub(crate) fn there(
        address: &str,
        origin: &Origin,
        roots: Option<&[u8]>,
        at_hand: AtHand,
        key_of: impl Fn(&SpaceId) -> SessionKey + Send + Sync + 'static,
    ) -> Outcome<Self> {
        let keeper = remote(address, origin, roots, key_of).map_err(Failure::from)?;
        Ok(Self::There(Arc::new(keeper), at_hand))
    }

    /// Makes sure that a keeper at an address says of itself what this machine was given by another way.
    ///
    /// # Errors
    /// Exit code 5 when it shows another name or another key.
    pub(crate) fn is_the_pinned(&self, home: &Home) -> Outcome<()> {
        let Self::There(keeper, _) = self else { return Ok(()) };
        let facts = keeper.facts().map_err(Failure::from)?;
        let is_pinned = facts.origin == home.keeper
            && facts.log_key == log::named_key(home)?
            && facts.receipt_key == home.receipt_key;
        if is_pinned {
            return Ok(());
        }
        Err(log::lying(words!(
            "it shows another name or key than the ones that you were given",
            "渡されたものとは別の名前か鍵を見せています"
        )))
    }

    /// The slot key of a space, as the keeper has it.
    pub(crate) fn slot_key(&self, space: SpaceId) -> Result<Option<[u8; 32]>, Error> {
        match self {
            Self::Here(keeper) => Ok(keeper.journal().slot_key(space)?),
            Self::There(keeper, _) | Self::Away(keeper, _) => keeper.slot_key(space).map(Some),
        }
    }

    /// The keeper, if it is here.
    pub(crate) fn here(&self) -> Option<&EmbeddedKeeper> {
        match self {
            Self::Here(keeper) => Some(keeper),
            Self::There(..) | Self::Away(..) => None,
        }
    }

    /// Whether this is what a keeper answered once, and nobody is asked.
    pub(crate) fn is_written_down(&self) -> bool {
        matches!(self, Self::There(keeper, _) if keeper.is_written_down())
    }

    /// What stands for the keeper, if it cannot be reached.
    pub(crate) fn away(&self) -> Option<&Away> {
        match self {
            Self::Away(_, away) => Some(away),
            Self::Here(_) | Self::There(..) => None,
        }
    }

    /// The keeper in this machine's own folder, for what only its owner may do.
    ///
    /// # Errors
    /// When it is at an address.
    pub(crate) fn must_be_here(&self) -> Outcome<&EmbeddedKeeper> {
        self.here().ok_or_else(|| {
            Failure::fixable(words!(
                "only whoever runs the keeper can do that",
                "これは、預かる側を動かしている人だけができます"
            ))
            .hint(words!("Ask them.", "その人に頼んでください。"))
        })
    }

    /// Makes bytes an object and that durable: its id and its length, as a record names it.
    pub(crate) fn put_bytes(&self, space: SpaceId, bytes: Vec<u8>) -> Outcome<(ObjectId, u64)> {
        let object = NamedBytes::name(bytes).map_err(Failure::internal)?;
        self.put(space, &object)?;
        Ok((object.id(), object.length()))
    }

    /// Makes an object durable.
    pub(crate) fn put(&self, space: SpaceId, object: &NamedBytes) -> Outcome<()> {
        match self {
            Self::Here(keeper) => keeper.put(space, object).map(drop).map_err(Failure::from),
            Self::There(keeper, at_hand) => {
                keeper.put(space, object).map_err(Failure::from)?;
                at_hand.keep(object.id(), object.as_bytes());
                Ok(())
            }
            Self::Away(_, away) => away.put(space, object),
        }
    }

    /// Begins a space.
    pub(crate) fn create_space(&self, space: SpaceId, note: &[u8], slot_key: &[u8; 32]) -> Result<(), Error> {
        match self {
            Self::Here(keeper) => keeper.create_space(note, slot_key).map(drop),
            Self::There(keeper, _) => keeper.create_space(space, note, slot_key).map(drop),
            Self::Away(..) => Err(Error::unreachable()),
        }
    }

    /// Has a space that moves here taken over: the note by which it does, those before it, and what nobody has any more of what
    /// they name.
    pub(crate) fn take_over(
        &self,
        space: SpaceId,
        notes: &[Vec<u8>],
        slot_key: &[u8; 32],
        absent: &BTreeSet<ObjectId>,
    ) -> Result<(), Error> {
        let remote = match self {
            Self::Here(keeper) => {
                return keeper.take_over(&Takeover { notes, slot_key, absent, session: None }).map(drop);
            }
            Self::There(keeper, _) => keeper,
            Self::Away(..) => return Err(Error::unreachable()),
        };
        let put = |bytes: &[u8]| -> Result<ObjectId, Error> {
            let object = NamedBytes::name(bytes.to_vec()).map_err(Error::Objects)?;
            remote.put(space, &object)?;
            Ok(object.id())
        };
        let (note, before) = notes.split_last().ok_or(Error::NotGenesis)?;
        let pieces = before.concat();
        let before = pieces.chunks(OBJECT_BYTES_MAX as usize).map(put).collect::<Result<Vec<_>, _>>()?;
        let list: String = absent.iter().map(|id| format!("{id}\n")).collect();
        let list = if list.is_empty() { None } else { Some(put(list.as_bytes())?) };
        remote.take_over(space, note, slot_key, &before, list).map(drop)
    }

    /// The head of a space, as the keeper says; nothing when the space has not begun there.
    pub(crate) fn head(&self, space: SpaceId) -> Outcome<Option<Head>> {
        Ok(self.page(space, 0)?.head)
    }

    /// Appends a record. A keeper at an address answers with what it promises.
    pub(crate) fn append(&self, space: SpaceId, note: &[u8]) -> Result<Option<Promised>, Error> {
        match self {
            Self::Here(keeper) => keeper.append(note).map(|_| None),
            Self::There(keeper, _) => keeper.append(space, note).map(Some),
            Self::Away(_, away) => away.append(note).map(|()| None),
        }
    }

    /// The notes of a space from number `from` on; none when it has not begun.
    ///
    /// # Errors
    /// Exit code 3 when some are left out.
    pub(crate) fn notes(&self, space: SpaceId, from: u64) -> Outcome<Vec<Vec<u8>>> {
        let mut notes = Vec::new();
        self.walk(space, from, u64::MAX, &mut |page| {
            notes.extend(page);
            Ok(())
        })?;
        Ok(notes)
    }

    /// The note of one record; nothing where there is no such record.
    pub(crate) fn note(&self, space: SpaceId, number: u64) -> Outcome<Option<Vec<u8>>> {
        Ok(self.page(space, number)?.notes.into_iter().next())
    }

    /// The notes of a space from number `from` on and below `until`, a page after the other: the head, as the keeper says.
    ///
    /// # Errors
    /// Exit code 3 when records before the head are left out.
    pub(crate) fn walk(
        &self,
        space: SpaceId,
        from: u64,
        until: u64,
        each: &mut dyn FnMut(Vec<Vec<u8>>) -> Outcome<()>,
    ) -> Outcome<Option<Head>> {
        let mut next = from;
        loop {
            let page = self.page(space, next)?;
            let Some(head) = page.head.filter(|head| head.number >= next && next < until) else { return Ok(page.head) };
            if page.notes.is_empty() {
                return Err(Failure::untrue(words!(
                    "the keeper leaves out records",
                    "預け先が、途中の記録を出しません"
                )));
            }
            next += page.notes.len() as u64;
            each(page.notes)?;
            if next > head.number {
                return Ok(Some(head));
            }
        }
    }

    fn page(&self, space: SpaceId, from: u64) -> Outcome<Shown> {
        match self {
            Self::Here(keeper) => {
                let page = keeper.page(space, from, PAGE_RECORDS_MAX).map_err(Failure::from)?;
                let shown = page.map(|page| Shown {
                    notes: page.records.into_iter().map(|record| record.note).collect(),
                    head: Some(page.head),
                });
                Ok(shown.unwrap_or_default())
            }
            Self::There(keeper, _) => match keeper.records(space, from) {
                Ok(page) => Ok(Shown { notes: page.notes, head: page.head }),
                Err(Error::NotBegun) => Ok(Shown::default()),
                Err(error) => Err(error.into()),
            },
            Self::Away(_, away) => Ok(shown(away.notes()?, from)),
        }
    }

    /// The place of a record in the log, as the keeper says; `None` when it has no such record.
    pub(crate) fn place(&self, space: SpaceId, number: u64) -> Result<Option<u64>, Error> {
        match self {
            Self::Here(keeper) => Ok(keeper.records(space, number, 1)?.first().map(|kept| kept.position)),
            Self::There(keeper, _) => Ok(keeper.receipt(space, number)?.and_then(|promised| promised.position)),
            Self::Away(..) => Err(Error::unreachable()),
        }
    }

    /// An object's bytes; the reader checks their hash.
    pub(crate) fn object(&self, space: SpaceId, id: ObjectId) -> Result<Option<Vec<u8>>, Error> {
        match self {
            Self::Here(keeper) => keeper.object(space, id),
            Self::There(keeper, at_hand) => {
                let bytes = keeper.object(space, id)?;
                bytes.iter().for_each(|bytes| at_hand.keep(id, bytes));
                Ok(bytes)
            }
            Self::Away(_, away) => away.object(space, id),
        }
    }

    /// The same for what is read and not checked: a copy that this machine has at hand, and whose hash holds, is as good.
    pub(crate) fn recall(&self, space: SpaceId, id: ObjectId) -> Result<Option<Vec<u8>>, Error> {
        let copy = match self {
            Self::There(_, at_hand) => at_hand.get(id),
            Self::Here(_) | Self::Away(..) => None,
        };
        copy.map_or_else(|| self.object(space, id), |copy| Ok(Some(copy)))
    }

    /// The length of an object, as the keeper says; `None` when it is not there.
    pub(crate) fn object_length(&self, space: SpaceId, id: ObjectId) -> Result<Option<u64>, Error> {
        match self {
            Self::Here(keeper) => keeper.object_length(space, id),
            Self::There(keeper, _) => keeper.object_length(space, id),
            Self::Away(_, away) => away.sealed_length(space, id),
        }
    }
}

fn shared() -> Failure {
    Failure::internal_message("a keeper that was just opened is in use already")
}

/// These notes of a space as a keeper would show them, from number `from` on.
fn shown(notes: Vec<Vec<u8>>, from: u64) -> Shown {
    let last = notes.last().and_then(|note| UnverifiedRecord::parse(note).ok());
    let head = last.map(|last| Head { number: last.envelope().number, id: last.id() });
    let before = usize::try_from(from).unwrap_or(usize::MAX);
    Shown { notes: notes.into_iter().skip(before).collect(), head }
}

/// The keeper of this name at an address, asked in sessions by the keys that `key_of` gives for a space.
pub(crate) fn remote(
    address: &str,
    origin: &Origin,
    roots: Option<&[u8]>,
    key_of: impl Fn(&SpaceId) -> SessionKey + Send + Sync + 'static,
) -> Result<RemoteKeeper, Error> {
    let compose = move |keeper: &Origin, space: SpaceId, time: ClaimedTime| {
        let key = key_of(&space);
        let (keeper, nonce) = (keeper.clone(), Nonce::from_bytes(random()));
        let session = Session { keeper, space, key: key.verifying_key(), nonce, time, verbs: Verbs::ReadWrite };
        session.note(&key.sign(session.text().as_bytes())).ok()
    };
    RemoteKeeper::new(address, origin.clone(), Box::new(compose), unix_seconds, client::patience(), roots)
}

/// What this machine's clock says, in seconds since 1970.
pub(crate) fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

/// The log of a safe's keeper.
pub(crate) struct KeeperLog {
    reader: LogReader<Arc<Side>>,
    receipt_key: NamedKey,
    policy: Option<WitnessPolicy>,
    side: Arc<Side>,
}

pub(crate) enum Side {
    Here(Box<EmbeddedLog>),
    There(Arc<RemoteKeeper>),
}

impl LogFiles for Side {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, hizo_keeper::log::Error> {
        match self {
            Self::Here(log) => log.published().read(path),
            Self::There(keeper) => LogFiles::read(&**keeper, path),
        }
    }
}

impl KeeperLog {
    pub(crate) fn open(home: &Home, keeper: &Keeper) -> Outcome<Self> {
        let (key, receipt_key) = (log::named_key(home)?, home.receipt_key.clone());
        let (policy, side) = match keeper {
            Keeper::Here(keeper) => {
                let here = EmbeddedLog::open(&home.keeper_folder(), keeper).map_err(Failure::from)?;
                (here.policy().map_err(Failure::from)?, Side::Here(Box::new(here)))
            }
            Keeper::There(keeper, _) | Keeper::Away(keeper, _) => {
                (home.witness_policy(&key)?, Side::There(Arc::clone(keeper)))
            }
        };
        let side = Arc::new(side);
        Ok(Self { reader: LogReader::new(Arc::clone(&side), key), receipt_key, policy, side })
    }

    /// What is published.
    pub(crate) const fn published(&self) -> &LogReader<Arc<Side>> {
        &self.reader
    }

    /// The key that signs receipts, as this machine has pinned it.
    pub(crate) const fn receipt_key(&self) -> &NamedKey {
        &self.receipt_key
    }

    /// Whose cosignatures count, if anybody's do.
    pub(crate) const fn policy(&self) -> Option<&WitnessPolicy> {
        self.policy.as_ref()
    }

    /// The log, where it is in this machine's own folder.
    pub(crate) fn here(&self) -> Option<&EmbeddedLog> {
        match &*self.side {
            Side::Here(log) => Some(log),
            Side::There(_) => None,
        }
    }

    /// Has what was appended published. A keeper at an address does so by itself, and soon: it is given a moment, where something
    /// is to stand at this place.
    pub(crate) fn publish(&self, keeper: &Keeper, place: impl FnOnce() -> Outcome<Option<u64>>) -> Outcome<()> {
        if let (Side::Here(log), Keeper::Here(keeper)) = (&*self.side, keeper) {
            return log.publish(keeper, &Patience::default()).map(drop).map_err(Failure::from);
        }
        let Some(place) = place()? else { return Ok(()) };
        let until = Instant::now() + PUBLISHED_SOON;
        while self.size()? <= place && Instant::now() < until {
            thread::sleep(PUBLISHED_PAUSE);
        }
        Ok(())
    }

    /// Leaves of the newest head, as it says.
    pub(crate) fn size(&self) -> Outcome<u64> {
        let note = self.reader.checkpoint().map_err(log_failed)?.unwrap_or_default();
        Ok(UnverifiedCheckpoint::parse(&note).map_or(0, |read| read.claimed().size))
    }

    /// The keeper's signed promise for a record; `None` when it has no such record.
    pub(crate) fn receipt(&self, keeper: &Keeper, space: SpaceId, number: u64) -> Result<Option<Vec<u8>>, Error> {
        match (&*self.side, keeper) {
            (Side::Here(log), Keeper::Here(keeper)) => log.receipt(keeper, space, number, &Copied::default()),
            (Side::There(keeper), _) | (_, Keeper::There(keeper, _) | Keeper::Away(keeper, _)) => {
                Ok(keeper.receipt(space, number)?.map(|promised| promised.receipt))
            }
        }
    }

    /// The keeper's own space, where its stamps are records.
    pub(crate) fn own_space(&self) -> Outcome<SpaceId> {
        match &*self.side {
            Side::Here(log) => Ok(log.own().id()),
            Side::There(keeper) => Ok(self.facts(keeper)?.own_space),
        }
    }

    /// What a keeper elsewhere says of who stamps its log.
    pub(crate) fn stamping(&self) -> Option<Stamping> {
        match &*self.side {
            Side::Here(_) => None,
            Side::There(keeper) => self.facts(keeper).ok()?.stamping.clone(),
        }
    }

    /// What a keeper elsewhere says of itself, if it is the one whose keys this machine has pinned.
    fn facts<'k>(&self, keeper: &'k RemoteKeeper) -> Outcome<&'k Facts> {
        let facts = keeper.facts().map_err(Failure::from)?;
        if (&facts.log_key, &facts.receipt_key) != (self.reader.key(), &self.receipt_key) {
            return Err(log::lying(words!(
                "it says that it signs by other keys than those that this machine has pinned",
                "このコンピューターの知っている鍵とは別の鍵で署名すると言っています"
            )));
        }
        Ok(facts)
    }

    /// The authority of the keeper's own stamps, which are never independent; nothing when there are none.
    pub(crate) fn own_authority(&self, home: &Home) -> Outcome<Option<Authority>> {
        match &*self.side {
            Side::Here(_) => {
                let local = known_local_authority(&home.keeper_folder())?;
                Ok(local.and_then(|local| LocalAuthority::of_root(local.root())))
            }
            Side::There(_) => Ok(self.stamping().and_then(|said| LocalAuthority::of_root(&said.own_root?))),
        }
    }

    /// The stamps that are records, the oldest first: here all of them; elsewhere the newest, and the first ones over heads of
    /// at least each of these sizes.
    pub(crate) fn stamps(&self, keeper: &Keeper, sizes: &[u64]) -> Outcome<Vec<LoggedStamp>> {
        match (&*self.side, keeper) {
            (Side::Here(log), Keeper::Here(keeper)) => log.own().stamps(keeper, u64::MAX),
            (Side::There(keeper), _) | (_, Keeper::There(keeper, _) | Keeper::Away(keeper, _)) => {
                // Whose own space the stamps are in, it says itself.
                self.facts(keeper)?;
                keeper.stamps(sizes)
            }
        }
        .map_err(Failure::from)
    }

    /// The sizes of all heads that the keeper says are stamped.
    pub(crate) fn stamped_sizes(&self, keeper: &Keeper) -> Outcome<BTreeSet<u64>> {
        let mut sizes = BTreeSet::new();
        // Every record has a place in the log.
        keeper.walk(self.own_space()?, 0, self.size()?, &mut |page| {
            for note in page {
                let record = UnverifiedRecord::parse(&note).map_err(|error| Failure::from(Error::Form(error)))?;
                sizes.extend(LoggedStamp::of(&record).map(|stamp| stamp.size));
            }
            Ok(())
        })?;
        Ok(sizes)
    }

    /// What an authority answered; the reader checks its hash.
    pub(crate) fn stamp(&self, keeper: &Keeper, answer: ObjectId) -> Result<Option<Vec<u8>>, Error> {
        match (&*self.side, keeper) {
            (Side::Here(log), Keeper::Here(keeper)) => keeper.object(log.own().id(), answer),
            (Side::There(keeper), _) | (_, Keeper::There(keeper, _) | Keeper::Away(keeper, _)) => keeper.stamp(answer),
        }
    }
}

/// A fault of the log as a person reads it.
pub(crate) fn log_failed(error: hizo_keeper::log::Error) -> Failure {
    Failure::from(Error::from(error))
}
