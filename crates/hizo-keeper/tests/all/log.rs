//! The log: published whole, in order, and never less or other than before, whenever the power is cut.

use std::collections::BTreeSet;
use std::path::Path;

use hizo_keeper::log::{CHECKPOINT, Error, LogSigner, MERGE_SECONDS_MAX, ReceiptSigner, Sequencer};
use hizo_ledger::id::{ObjectId, RecordId, RootHash, Slot, SpaceId};
use hizo_ledger::log::checkpoint::UnverifiedCheckpoint;
use hizo_ledger::log::policy::Policy;
use hizo_ledger::log::proof::InclusionProof;
use hizo_ledger::log::receipt::UnverifiedReceipt;
use hizo_ledger::log::tile::{Kind, Tile};
use hizo_ledger::log::{Leaf, tree};
use hizo_ledger::record::{ClaimedTime, Origin};
use hizo_store::Journal;
use hizo_store::disk::Disk;
use hizo_store::journal::{self, AccountId, Entry, Head, Integrity, LogHead, LogState, Page, StoredRecord, Usage};
use hizo_store::published::PublishedFiles;
use hizo_store::simulated::{Fault, MemoryJournal, SimulatedDisk};

const SECTOR_BYTES: usize = 512;
const FOLDER: &str = "/log";

pub(crate) fn signer(seed: u8) -> LogSigner {
    LogSigner::new(Origin::parse("keeper.example").unwrap(), &[seed; 32]).unwrap()
}

fn sequencer(disk: &SimulatedDisk) -> Result<Sequencer<SimulatedDisk>, Error> {
    Ok(Sequencer::new(PublishedFiles::open(disk.clone(), Path::new(FOLDER))?, signer(1)))
}

/// Appends records until the log has so many leaves, in two spaces by turns.
pub(crate) fn grow(journal: &MemoryJournal, size: u64) {
    let spaces = [SpaceId::from_bytes([1; 16]), SpaceId::from_bytes([2; 16])];
    for place in journal.log().unwrap().size..size {
        let space = spaces[(place % 2) as usize];
        let expected: Option<Head> = journal.head(space).unwrap();
        let slot_key = [space.as_bytes()[0] + 100; 32];
        let note = format!("record at {place}\n").into_bytes();
        let slot_key = expected.is_none().then_some(&slot_key);
        journal.append(Entry { space, expected, note: &note, objects: &[], slot_key, kept: 1, charge: None }).unwrap();
    }
}

pub(crate) fn leaves(journal: &MemoryJournal) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    loop {
        let page = journal.leaves(leaves.len() as u64, 1_000).unwrap();
        if page.is_empty() {
            return leaves;
        }
        leaves.extend(page);
    }
}

fn root(leaves: &[Leaf]) -> RootHash {
    let mut edge = tree::Edge::default();
    leaves.iter().for_each(|leaf| edge.push(leaf.hash()));
    edge.root()
}

fn new() -> (SimulatedDisk, MemoryJournal) {
    let disk = SimulatedDisk::new(SECTOR_BYTES);
    let journal = MemoryJournal::beside(&disk);
    (disk, journal)
}

#[test]
fn a_log_that_grows_in_steps_is_the_tree_of_its_leaves_and_proves_each() {
    let (disk, journal) = new();
    let log = sequencer(&disk).unwrap();
    let policy = Policy::of_log(log.keys()[0].clone());
    let mut before: Option<LogHead> = None;
    for size in [1, 2, 255, 256, 257, 512, 700] {
        grow(&journal, size);
        let head = log.publish(&journal, 1_800_000_000).unwrap();
        let all = leaves(&journal);
        assert_eq!(head, LogHead { size, root: root(&all) });
        assert_eq!(log.publish(&journal, 1_800_000_001).unwrap(), head, "nothing new to publish");
        assert_eq!(log.log().check().unwrap(), head);
        for index in [0, size / 2, size - 1] {
            let proof = log.log().prove(index).unwrap();
            let proof = InclusionProof::parse(&proof.to_bytes()).unwrap();
            let witnessed = proof.check(&all[index as usize], &policy).unwrap();
            assert_eq!((witnessed.checkpoint.size, witnessed.checkpoint.root), (head.size, head.root));
        }
        if let Some(before) = before {
            let path = log.log().consistency(before.size, size).unwrap().unwrap();
            tree::check_consistency(before.size, &before.root, head.size, &head.root, &path).unwrap();
        }
        before = Some(head);
        assert!(matches!(log.log().prove(size), Err(Error::NoLeaf { .. })));
    }
}

#[test]
fn a_damaged_bundle_is_not_carried_on_into_the_next_one() {
    let (disk, journal) = new();
    let log = sequencer(&disk).unwrap();
    grow(&journal, 3);
    log.publish(&journal, 1_800_000_000).unwrap();
    let bundle = Tile { kind: Kind::Entries, index: 0, width: 3 };
    let mut bytes = log.log().tile(bundle).unwrap().unwrap();
    bytes[70] ^= 1;
    PublishedFiles::open(disk.clone(), Path::new(FOLDER)).unwrap().publish(&bundle.path(), &bytes).unwrap();
    assert!(matches!(log.log().check(), Err(Error::Damaged { .. } | Error::Other)));
    grow(&journal, 5);
    let head = log.publish(&journal, 1_800_000_001).unwrap();
    assert_eq!(log.log().check().unwrap(), head);
}

#[test]
fn a_checkpoint_is_signed_by_both_keys_and_the_keys_by_no_other_seed() {
    let (disk, journal) = new();
    let log = sequencer(&disk).unwrap();
    grow(&journal, 3);
    log.publish(&journal, 1_800_000_000).unwrap();
    let note = log.log().checkpoint().unwrap().unwrap();
    let read = UnverifiedCheckpoint::parse(&note).unwrap();
    let [ed25519, ml_dsa] = log.keys();
    assert_eq!(read.signed_by(ed25519), Ok(Some(0)));
    assert_eq!(read.signed_by(ml_dsa), Ok(Some(1_800_000_000)));
    assert_ne!(signer(2).keys(), log.keys());
}

/// Every file below the log's folder.
fn files(disk: &SimulatedDisk) -> BTreeSet<String> {
    let (mut found, mut folders) = (BTreeSet::new(), vec![String::new()]);
    while let Some(folder) = folders.pop() {
        for name in disk.list(&Path::new(FOLDER).join(&folder)).unwrap() {
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            match disk.list(&Path::new(FOLDER).join(&path)) {
                Ok(_) => folders.push(path),
                Err(_) => drop(found.insert(path)),
            }
        }
    }
    found
}

#[test]
fn a_tile_that_is_full_leaves_nothing_of_when_it_was_not() {
    let (disk, journal) = new();
    let log = sequencer(&disk).unwrap();
    let mut notes = Vec::new();
    let steps = [1, 5, 200, 255, 256, 300, 511, 700];
    for size in steps {
        grow(&journal, size);
        log.publish(&journal, 1).unwrap();
        notes.push((size, log.log().checkpoint().unwrap().unwrap()));
    }
    let left = files(&disk);
    // What stands is what heads ask for whose tiles are not full to this day, and the full tiles.
    let full = |tile: &Tile| Tile::of(tile.kind, tile.index, 700).is_some_and(|tile| tile.is_full());
    let asked = steps.iter().flat_map(|size| Tile::between(0, *size));
    let mut expected: BTreeSet<String> =
        asked.filter(|tile| tile.is_full() || !full(tile)).map(|tile| tile.path()).collect();
    expected.insert(CHECKPOINT.to_owned());
    assert_eq!(left, expected);
    // Whoever still reads by an earlier head finds the full tile in the place of one that is gone.
    let all = leaves(&journal);
    let files = PublishedFiles::open(disk.clone(), Path::new(FOLDER)).unwrap();
    let policy = Policy::of_log(log.keys()[0].clone());
    for (size, note) in notes {
        files.publish(CHECKPOINT, &note).unwrap();
        assert_eq!(log.log().check().unwrap(), LogHead { size, root: root(&all[..size as usize]) });
        log.log().prove(size - 1).unwrap().check(&all[size as usize - 1], &policy).unwrap();
    }
}

#[test]
fn a_clock_that_jumps_changes_a_heads_stated_time_and_nothing_else() {
    let (disk, journal) = new();
    let log = sequencer(&disk).unwrap();
    for (size, time) in [(3, 1_800_000_000), (4, 5), (7, 0), (8, u64::MAX), (9, 1_800_000_001)] {
        grow(&journal, size);
        let head = log.publish(&journal, time).unwrap();
        assert_eq!(head, LogHead { size, root: root(&leaves(&journal)) });
        let note = log.log().checkpoint().unwrap().unwrap();
        let read = UnverifiedCheckpoint::parse(&note).unwrap();
        assert_eq!(read.signed_by(&log.keys()[0]), Ok(Some(0)));
        let stated = time.min(i64::MAX.unsigned_abs());
        assert_eq!(read.signed_by(&log.keys()[1]), Ok(Some(stated)), "its time is its own word");
    }
    assert_eq!(log.log().check().unwrap().size, 9);
}

#[test]
fn a_receipt_states_whatever_time_the_record_was_kept_at() {
    let origin = Origin::parse("keeper.example").unwrap();
    let receipts = ReceiptSigner::new(&origin, &[1; 32]).unwrap();
    let leaf = Leaf { slot: Slot::of(&[2; 32], 3), record: RecordId::of(b"record") };
    for kept in [0, 5, 1_800_000_000] {
        let note = receipts.sign(&origin, leaf, kept, false).unwrap();
        let receipt = UnverifiedReceipt::parse(&note).unwrap().verify(receipts.key()).unwrap();
        let time = |seconds| ClaimedTime::from_unix_seconds(seconds).unwrap();
        assert_eq!((receipt.leaf, receipt.time), (leaf, time(kept)));
        assert_eq!(receipt.index_by, time(kept + MERGE_SECONDS_MAX));
    }
    // What no receipt can name is no promise.
    assert_eq!(receipts.sign(&origin, leaf, u64::MAX, false), None);
}

/// A log of `before` published leaves, that grows to `after` on a disk that stops at this step.
struct Cut {
    disk: SimulatedDisk,
    journal: MemoryJournal,
    first: LogHead,
    finished: bool,
}

fn cut(before: u64, after: u64, step: usize) -> Cut {
    let (disk, journal) = new();
    grow(&journal, before);
    let first = sequencer(&disk).unwrap().publish(&journal, 1).unwrap();
    grow(&journal, after);
    disk.fail_at(disk.calls().len() + step, Fault::Stop);
    let finished = sequencer(&disk).is_ok_and(|log| log.publish(&journal, 2).is_ok());
    Cut { disk, journal, first, finished }
}

#[test]
fn at_every_step_a_power_cut_leaves_a_log_that_was_whole_and_goes_on() {
    let (mut points, mut states) = (0, 0);
    for (before, after) in [(3, 9), (250, 260), (255, 256), (500, 520)] {
        for step in 0.. {
            let Cut { disk, journal, first, finished } = cut(before, after, step);
            let (survivors, _) = disk.survivors(8, 20_261_124);
            for survivor in &survivors {
                let journal = journal.moved_beside(survivor);
                let log = sequencer(survivor).unwrap();
                let story = format!("{before} to {after}, cut before step {step}");
                // Whatever is published is whole, and not less than what was.
                let found = log.log().check().unwrap_or_else(|error| panic!("{story}: {error}"));
                assert!(found == first || found.size == after, "{story}: {found:?}");
                let head = log.publish(&journal, 3).unwrap_or_else(|error| panic!("{story}: {error}"));
                assert_eq!(head, LogHead { size: after, root: root(&leaves(&journal)) }, "{story}");
                assert_eq!(log.log().check().unwrap(), head, "{story}");
            }
            (points, states) = (points + 1, states + survivors.len());
            if finished {
                break;
            }
        }
    }
    println!("{points} power cuts, {states} states");
    assert!(points > 60, "too few steps to mean anything");
}

#[test]
fn a_head_that_was_settled_and_never_published_binds_whoever_comes_after() {
    let (disk, journal) = new();
    let log = sequencer(&disk).unwrap();
    grow(&journal, 5);
    let first = log.publish(&journal, 1).unwrap();
    grow(&journal, 9);
    let other = LogHead { size: 7, root: RootHash::from_bytes([7; 32]) };
    journal.settle_signed(Some(first), other).unwrap();
    assert!(matches!(log.publish(&journal, 2), Err(Error::Other)), "a second head of seven leaves was signed");
    assert_eq!(log.log().check().unwrap(), first, "what was published stays");
}

#[test]
fn a_journal_put_back_from_an_older_copy_signs_nothing() {
    let (disk, journal) = new();
    let log = sequencer(&disk).unwrap();
    grow(&journal, 9);
    let head = log.publish(&journal, 1).unwrap();
    let older = MemoryJournal::beside(&disk);
    grow(&older, 5);
    assert!(matches!(log.publish(&older, 2), Err(Error::Shorter { signed: 9, size: 5 })));
    // As long as before, and again with a record that the older copy did not have: it knows of no head.
    for size in [9, 12] {
        grow(&older, size);
        assert!(log.publish(&older, 2).is_err(), "signed for {size} leaves of another history");
    }
    assert_eq!(log.log().check().unwrap(), head);
    assert_eq!(log.publish(&journal, 2).unwrap(), head);
}

#[test]
fn a_checkpoint_of_another_key_or_origin_is_no_head_of_this_log() {
    let (disk, journal) = new();
    grow(&journal, 4);
    let files = || PublishedFiles::open(disk.clone(), Path::new(FOLDER)).unwrap();
    Sequencer::new(files(), signer(2)).publish(&journal, 1).unwrap();
    let damaged = sequencer(&disk).unwrap().publish(&journal, 2);
    assert!(matches!(damaged, Err(Error::Damaged { path }) if path == CHECKPOINT));
}

#[test]
fn every_published_file_that_is_changed_or_missing_is_found() {
    let (disk, journal) = new();
    let log = sequencer(&disk).unwrap();
    grow(&journal, 300);
    log.publish(&journal, 1).unwrap();
    let files = PublishedFiles::open(disk.clone(), Path::new(FOLDER)).unwrap();
    let tiles = Tile::between(0, 300);
    assert_eq!(tiles.len(), 5);
    for tile in tiles {
        let whole = files.read(&tile.path()).unwrap().unwrap();
        for place in [0, 2, whole.len() / 2, whole.len() - 1] {
            let mut changed = whole.clone();
            changed[place] ^= 1;
            files.publish(&tile.path(), &changed).unwrap();
            assert!(log.log().check().is_err(), "{} with byte {place} changed", tile.path());
        }
        files.publish(&tile.path(), &whole[..whole.len() - 1]).unwrap();
        assert!(log.log().check().is_err(), "{} cut short", tile.path());
        files.publish(&tile.path(), &whole).unwrap();
    }
    log.log().check().unwrap();
}

#[test]
fn a_slot_that_stands_twice_is_an_alarm() {
    let (disk, journal) = new();
    let log = sequencer(&disk).unwrap();
    grow(&journal, 6);
    log.publish(&journal, 1).unwrap();
    // The keeper itself lies: two records of one place, both in the tree, under a head that it signs.
    let mut all = leaves(&journal);
    all[5].slot = all[1].slot;
    let files = PublishedFiles::open(disk.clone(), Path::new(FOLDER)).unwrap();
    let hashes: Vec<_> = all.iter().map(Leaf::hash).collect();
    let (bundle, row) =
        (Tile { kind: Kind::Entries, index: 0, width: 6 }, Tile { kind: Kind::Hashes(0), index: 0, width: 6 });
    files.publish(&bundle.path(), &hizo_ledger::log::tile::from_leaves(&all)).unwrap();
    files.publish(&row.path(), &hizo_ledger::log::tile::from_hashes(&hashes)).unwrap();
    assert!(matches!(log.log().check(), Err(Error::RepeatedSlot { first: 1, second: 5 })));
}

/// A journal whose publisher is held up when his head is settled and not yet signed: others act meanwhile.
struct HeldUp<'a> {
    journal: &'a MemoryJournal,
    meanwhile: &'a (dyn Fn() + Sync),
}

impl Journal for HeldUp<'_> {
    fn settle_signed(&self, newest: Option<LogHead>, head: LogHead) -> Result<(), journal::Error> {
        self.journal.settle_signed(newest, head)?;
        (self.meanwhile)();
        Ok(())
    }

    fn log(&self) -> Result<LogState, journal::Error> {
        self.journal.log()
    }

    fn leaves(&self, from: u64, limit: usize) -> Result<Vec<Leaf>, journal::Error> {
        self.journal.leaves(from, limit)
    }

    fn logged(&self, from: u64, limit: usize) -> Result<Vec<(SpaceId, StoredRecord)>, journal::Error> {
        self.journal.logged(from, limit)
    }

    fn append_all(&self, _: &[Entry<'_>]) -> Vec<Result<Head, journal::Error>> {
        unreachable!("a publisher appends nothing")
    }

    fn append_whole(&self, _: &[Entry<'_>]) -> Result<(), journal::Error> {
        unreachable!("a publisher appends nothing")
    }

    fn head(&self, space: SpaceId) -> Result<Option<Head>, journal::Error> {
        self.journal.head(space)
    }

    fn page(&self, space: SpaceId, from: u64, limit: usize) -> Result<Option<Page>, journal::Error> {
        self.journal.page(space, from, limit)
    }

    fn spaces(&self) -> Result<Vec<SpaceId>, journal::Error> {
        self.journal.spaces()
    }

    fn slot_key(&self, space: SpaceId) -> Result<Option<[u8; 32]>, journal::Error> {
        self.journal.slot_key(space)
    }

    fn account(&self, space: SpaceId) -> Result<Option<AccountId>, journal::Error> {
        self.journal.account(space)
    }

    fn usage(&self, account: AccountId) -> Result<Usage, journal::Error> {
        self.journal.usage(account)
    }

    fn condemn(&self, _: SpaceId, _: Option<Head>, _: &[ObjectId], _: u64) -> Result<(), journal::Error> {
        unreachable!("a publisher condemns nothing")
    }

    fn pardon(
        &self,
        _: SpaceId,
        _: &[ObjectId],
        _: &mut dyn FnMut(ObjectId) -> bool,
    ) -> Result<Vec<ObjectId>, journal::Error> {
        unreachable!("a publisher pardons nothing")
    }

    fn expire(&self, _: SpaceId, _: &[ObjectId], _: u64, _: &mut dyn FnMut(ObjectId)) -> Result<(), journal::Error> {
        unreachable!("a publisher removes nothing")
    }

    fn claim(&self, _: SpaceId, _: Option<AccountId>) -> Result<(), journal::Error> {
        unreachable!("a publisher has nobody pay")
    }

    fn condemned(&self, space: SpaceId) -> Result<Vec<(ObjectId, u64)>, journal::Error> {
        self.journal.condemned(space)
    }

    fn settle_fact(&self, _: &str, _: &[u8]) -> Result<(), journal::Error> {
        unreachable!("a publisher settles no fact")
    }

    fn fact(&self, key: &str) -> Result<Option<Vec<u8>>, journal::Error> {
        self.journal.fact(key)
    }

    fn integrity(&self) -> Result<Integrity, journal::Error> {
        self.journal.integrity()
    }
}

#[test]
fn a15_a_publisher_who_was_held_up_puts_nothing_older_in_place_of_a_later_head() {
    // The later head fills the tile of the earlier one, or it does not.
    for (first, settled, later) in [(2, 3, 5), (2, 200, 300), (0, 255, 256), (0, 1, 513)] {
        let (disk, journal) = new();
        grow(&journal, first);
        let log = sequencer(&disk).unwrap();
        if first > 0 {
            log.publish(&journal, 1).unwrap();
        }
        grow(&journal, settled);
        let meanwhile = || {
            grow(&journal, later);
            sequencer(&disk).unwrap().publish(&journal, 2).unwrap();
        };
        let head = log.publish(&HeldUp { journal: &journal, meanwhile: &meanwhile }, 3).unwrap();
        assert_eq!(head.size, later, "he is told of the head that stands");
        let note = log.log().checkpoint().unwrap().unwrap();
        assert_eq!(UnverifiedCheckpoint::parse(&note).unwrap().claimed().size, later);
        assert_eq!(log.log().check().unwrap(), head, "and every tile of it is there");
    }
}
