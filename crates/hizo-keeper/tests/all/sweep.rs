//! The sweep: what no record names goes, in both directories, long after it was put; what a record names stays, whatever the
//! rows and the clocks say, whoever puts and appends meanwhile, and wherever the power is cut.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use hizo_keeper::copy::Scrub;
use hizo_keeper::log::{LogSigner, Sequencer};
use hizo_keeper::sweep::{MARKED_SECONDS, Sweep, Swept};
use hizo_keeper::{EmbeddedKeeper, Error, Keeper, SecondCopy};
use hizo_ledger::id::{ObjectId, SpaceId};
use hizo_ledger::record::Origin;
use hizo_store::disk::Disk;
use hizo_store::journal::AccountId;
use hizo_store::objects::{FileObjects, Put};
use hizo_store::published::PublishedFiles;
use hizo_store::simulated::{Fault, MemoryJournal, SimulatedDisk, Turns};
use hizo_store::{Journal as _, NamedBytes, Objects as _};

use crate::kit::{Company, Draft, SimulatedKeeper, clock, key, object, open, origin, secret};

/// How long something lies unnamed here before it is marked.
const AFTER: Duration = Duration::from_secs(7 * 24 * 60 * 60);

const DAY: Duration = Duration::from_secs(MARKED_SECONDS);

type Copy = SecondCopy<SimulatedDisk, MemoryJournal>;

/// A pass that counts all that lies there.
fn pass_over<'a, O, J, D: Disk, K>(
    keeper: &'a Keeper<O, J>,
    copy: Option<&'a SecondCopy<D, K>>,
    began: SystemTime,
    clock: u64,
) -> Sweep<'a, O, J, D, K> {
    Sweep { keeper, copy, began, clock, after: AFTER, is_counted_already: &|_, _| false }
}

/// A keeper of one space with a deposit, on a disk.
struct Place {
    disk: SimulatedDisk,
    journal: MemoryJournal,
    keeper: SimulatedKeeper,
    company: Company,
    /// Everything that records name.
    named: Vec<NamedBytes>,
    /// The clock of the sweep.
    clock: u64,
}

impl Place {
    fn new() -> Self {
        let disk = SimulatedDisk::new(512);
        let journal = MemoryJournal::beside(&disk);
        let keeper = open(&disk, &journal).unwrap();
        let mut company = Company::new("a company", keeper.origin());
        let mut named = Vec::new();
        for number in 0..2 {
            let draft = if number == 0 { company.genesis() } else { company.deposit("drawings", 3).1 };
            company.keep(&keeper, &draft).unwrap();
            named.extend(draft.objects);
        }
        Self { disk, journal, keeper, company, named, clock: 1_000_000 }
    }

    fn orphan(&self, text: &str) -> NamedBytes {
        let orphan = object(text);
        self.keeper.put(self.company.space, &orphan).unwrap();
        orphan
    }

    /// Time passes, for the disk and for the sweep.
    fn pass(&mut self, time: Duration) {
        self.disk.advance(time);
        self.clock += time.as_secs();
    }

    fn sweep(&self) -> Swept {
        self.sweep_with(None)
    }

    fn sweep_with(&self, copy: Option<&Copy>) -> Swept {
        self.sweep_at(self.disk.now(), self.clock, copy)
    }

    fn sweep_at(&self, began: SystemTime, clock: u64, copy: Option<&Copy>) -> Swept {
        let sweep = pass_over(&self.keeper, copy, began, clock);
        let swept = sweep.run(&mut |_| true).unwrap();
        for object in &self.named {
            assert!(self.has(object), "{object:?} is gone, and a record names it");
        }
        swept
    }

    fn has(&self, object: &NamedBytes) -> bool {
        self.keeper.object(self.company.space, object.id()).unwrap().is_some_and(|bytes| bytes == object.as_bytes())
    }

    fn marks(&self) -> BTreeSet<ObjectId> {
        self.journal.condemned(self.company.space).unwrap().into_iter().map(|(id, _)| id).collect()
    }

    fn put_all(&self, draft: &Draft) {
        put_all(&self.keeper, self.company.space, draft);
    }

    /// A second directory that has everything.
    fn copy(&self, disk: &SimulatedDisk, journal: &MemoryJournal) -> Copy {
        let files = || PublishedFiles::open(self.disk.clone(), Path::new("/log")).unwrap();
        let signer = LogSigner::new(origin(), &secret("log").to_bytes()).unwrap();
        Sequencer::new(files(), signer).publish(self.keeper.journal(), 1).unwrap();
        let journal = journal.moved_beside(disk);
        let copy = SecondCopy::over(disk.clone(), Path::new("/copy"), journal, Arc::default()).unwrap();
        copy.catch_up(&self.keeper, &files(), &|| true).unwrap();
        copy
    }
}

fn put_all(keeper: &SimulatedKeeper, space: SpaceId, draft: &Draft) {
    for object in &draft.objects {
        keeper.put(space, object).unwrap();
    }
}

#[test]
fn what_no_record_names_is_marked_after_a_week_and_removed_a_day_later() {
    let mut place = Place::new();
    let orphan = place.orphan("left over");
    place.pass(AFTER - Duration::from_secs(1));
    assert_eq!((place.sweep().marked, place.marks().len()), (0, 0), "it is young");
    place.pass(Duration::from_secs(1));
    let cost = |swept: &Swept| swept.unnamed.get(&place.company.space).copied();
    let swept = place.sweep();
    assert_eq!((swept.marked, swept.objects, cost(&swept)), (1, 0, Some(4_096)));
    assert_eq!(place.marks(), BTreeSet::from([orphan.id()]));
    place.pass(DAY - Duration::from_secs(1));
    assert_eq!(place.sweep().objects, 0, "its mark is young");
    assert!(place.has(&orphan));
    place.pass(Duration::from_secs(1));
    let swept = place.sweep();
    assert!(!place.has(&orphan));
    assert_eq!((swept.objects, swept.bytes, swept.unnamed.len()), (1, orphan.length(), 0));
    let swept = place.sweep();
    assert_eq!((swept.objects, swept.marked), (0, 0), "nothing is removed twice");
}

#[test]
fn what_is_counted_already_counts_once_and_is_left_alone_whatever_its_time() {
    let mut place = Place::new();
    let (coming, again) = (place.orphan("coming in"), place.orphan("put again"));
    place.pass(AFTER);
    let began = place.disk.now();
    // What was there and is put again while a pass goes on has cost nobody anything new: it is the pass's to count.
    place.pass(Duration::from_secs(1));
    assert_eq!(place.keeper.put(place.company.space, &again).unwrap(), Put::Present);
    let is_counted_already = &|_, id| id == coming.id();
    let sweep = Sweep { is_counted_already, ..pass_over(&place.keeper, None::<&Copy>, began, place.clock) };
    let swept = sweep.run(&mut |_| true).unwrap();
    assert_eq!(swept.unnamed, BTreeMap::from([(place.company.space, 4_096)]));
    assert_eq!((swept.marked, place.marks().len()), (0, 0));
}

#[test]
fn every_name_and_every_space_counts_for_the_pace_of_a_pass() {
    let place = Place::new();
    let orphan = place.orphan("left over");
    for number in 0..20 {
        let never_begun = Company::new(&format!("never begun {number}"), place.keeper.origin());
        place.keeper.put(never_begun.space, &orphan).unwrap();
    }
    let (began, mut told) = (place.disk.now(), 0);
    let sweep = pass_over(&place.keeper, None::<&Copy>, began, place.clock);
    sweep
        .run(&mut |names| {
            told += names;
            true
        })
        .unwrap();
    let named = place.named.len() as u64;
    assert_eq!(told, named + (named + 1) + 20 + 21, "names of records, names of files, and the spaces");
}

#[test]
fn a_deposit_that_takes_weeks_ends_and_what_was_left_over_before_it_goes_meanwhile() {
    let mut place = Place::new();
    let left_over = place.orphan("left over");
    place.pass(AFTER);
    let draft = place.company.deposit("drawings", 24).1;
    for (day, object) in draft.objects.iter().enumerate() {
        place.keeper.put(place.company.space, object).unwrap();
        place.pass(DAY);
        place.sweep();
        assert!(draft.objects[..=day].iter().all(|object| place.has(object) && !place.marks().contains(&object.id())));
    }
    assert!(!place.has(&left_over), "it belongs to no deposit that goes on");
    // Whoever was away for less than a week goes on where he was.
    place.pass(AFTER - DAY * 2);
    place.sweep();
    place.company.append(&place.keeper, &draft.note).unwrap();
    // A longer one that is given up goes as one.
    let draft = place.company.deposit("drawings", 10).1;
    for object in &draft.objects {
        place.keeper.put(place.company.space, object).unwrap();
        place.pass(DAY);
    }
    place.pass(AFTER - DAY - Duration::from_secs(1));
    assert_eq!(place.sweep().marked, 0);
    place.pass(Duration::from_secs(1));
    assert_eq!(place.sweep().marked, draft.objects.len() as u64);
}

#[test]
fn no_setting_of_a_clock_removes_early() {
    let mut place = Place::new();
    let orphan = place.orphan("left over");
    // A year ahead, once it is marked, and back again.
    let year = DAY * 365;
    let now = place.disk.now();
    place.sweep_at(now + year, place.clock, None);
    assert_eq!(place.marks().len(), 1, "a clock that is ahead marks early, and does no more");
    for began in [now + year, now, now - year, now + year * 2] {
        place.sweep_at(began, place.clock + MARKED_SECONDS - 1, None);
        assert!(place.has(&orphan), "by {began:?}");
    }
    // What was put after now, as the clock has it, is young.
    place.sweep_at(now - year, place.clock + MARKED_SECONDS, None);
    assert!(place.has(&orphan));
    // The clock of the sweep was lost: the mark counts from now on.
    place.clock = 5;
    place.sweep_at(now + year, place.clock, None);
    place.clock += MARKED_SECONDS - 1;
    place.sweep_at(now + year, place.clock, None);
    assert!(place.has(&orphan), "a mark of another time counts");
    place.clock += 1;
    assert_eq!(place.sweep_at(now + year, place.clock, None).objects, 1);
}

#[test]
fn an_append_that_names_what_is_marked_or_swept_is_told_to_put_it_again() {
    for removed in [false, true] {
        let mut place = Place::new();
        let draft = place.company.deposit("drawings", 2).1;
        place.put_all(&draft);
        place.pass(AFTER);
        assert_eq!(place.sweep().marked, 3);
        if removed {
            place.pass(DAY);
            assert_eq!(place.sweep().objects, 3);
        }
        let mut again = 0;
        // A list that is not there cannot say what else is missing.
        while let Err(error) = place.company.append(&place.keeper, &draft.note) {
            let Error::PutAgain { objects } = error else { panic!("{error:?}") };
            for object in draft.objects.iter().filter(|object| objects.contains(&object.id())) {
                let put = place.keeper.put(place.company.space, object).unwrap();
                assert_eq!(put, if removed { Put::New } else { Put::Present });
                again += 1;
            }
            assert!(again <= 3, "it is asked for again and again");
        }
        assert_eq!((again, place.marks().len()), (3, 0));
        place.named.extend(draft.objects);
        for _ in 0..3 {
            place.pass(AFTER);
            assert_eq!(place.sweep().objects, 0);
        }
    }
}

#[test]
fn what_is_put_again_before_it_is_removed_stays_for_as_long_as_anything_new() {
    let mut place = Place::new();
    let orphan = place.orphan("left over");
    place.pass(AFTER);
    place.sweep();
    place.pass(DAY);
    place.orphan("left over");
    assert_eq!((place.sweep().objects, place.marks().len()), (0, 0));
    place.pass(AFTER);
    assert_eq!((place.sweep().marked, place.has(&orphan)), (1, true));
    // Whoever put it died before its mark was taken away.
    place.pass(DAY);
    place.keeper.objects().put(place.company.space, &orphan).unwrap();
    assert_eq!((place.sweep().objects, place.marks().len()), (0, 1));
    assert!(place.has(&orphan), "it was put a moment ago");
}

#[test]
fn what_a_record_names_is_not_touched_whatever_the_rows_say() {
    let mut place = Place::new();
    let orphan = place.orphan("left over");
    let (space, head) = (place.company.space, place.keeper.head(place.company.space).unwrap());
    let named: Vec<ObjectId> = place.named.iter().map(NamedBytes::id).collect();
    place.journal.condemn(space, head, &named, 0).unwrap();
    place.journal.condemn(space, head, &[orphan.id()], 0).unwrap();
    place.pass(AFTER * 2);
    let swept = place.sweep();
    assert_eq!((swept.objects, place.has(&orphan)), (1, false));
    assert_eq!(place.marks(), BTreeSet::from([orphan.id()]), "marks on what is named are taken away");
    // So it can be named again.
    let draft = place.company.deposit("drawings", 2).1;
    place.company.keep(&place.keeper, &draft).unwrap();
}

#[test]
fn where_a_list_is_lost_nothing_is_touched_unless_the_second_directory_has_it() {
    let mut place = Place::new();
    let (second, journal) = (SimulatedDisk::new(512), MemoryJournal::beside(&SimulatedDisk::new(512)));
    let copy = place.copy(&second, &journal);
    let orphan = place.orphan("left over");
    let list = place.named.pop().unwrap();
    let id = list.id().to_string();
    let path = format!("objects/{}/{}/{id}", place.company.space, &id[..1]);
    place.disk.damage(path.as_ref(), b"other bytes").unwrap();
    for _ in 0..4 {
        place.pass(AFTER);
        let swept = place.sweep();
        assert_eq!(swept.unclear, BTreeSet::from([place.company.space]));
        assert_eq!((swept.marked, swept.objects, place.has(&orphan)), (0, 0, true));
        // The three that the list names, and what no record names: nobody has his quota back for it.
        assert_eq!(swept.unnamed, BTreeMap::from([(place.company.space, 4 * 4_096)]));
    }
    place.sweep_with(Some(&copy));
    place.pass(DAY);
    assert_eq!(place.sweep_with(Some(&copy)).objects, 1);
}

#[test]
fn what_was_put_for_a_space_that_never_began_goes_and_its_claim_with_it() {
    let mut place = Place::new();
    let other = Company::new("never begun", place.keeper.origin());
    let (draft, account) = (other.genesis(), AccountId([4; 32]));
    put_all(&place.keeper, other.space, &draft);
    place.journal.claim(other.space, Some(account)).unwrap();
    place.pass(AFTER);
    let swept = place.sweep();
    assert_eq!((swept.marked, swept.unnamed.get(&other.space)), (3, Some(&(3 * 4_096))));
    assert_eq!(place.journal.account(other.space).unwrap(), Some(account));
    place.pass(DAY);
    assert_eq!(place.sweep().objects, 3);
    place.sweep();
    assert_eq!(place.journal.account(other.space).unwrap(), None);
    put_all(&place.keeper, other.space, &draft);
    place.keeper.create_space(&draft.note, &other.slot_key).unwrap();
}

#[test]
fn marks_of_what_was_removed_are_kept_for_a_month_and_then_forgotten() {
    let mut place = Place::new();
    place.orphan("left over");
    place.pass(AFTER);
    place.sweep();
    place.pass(DAY);
    place.sweep();
    place.pass(DAY * 28);
    place.sweep();
    assert_eq!(place.marks().len(), 1, "an append may be under way");
    place.pass(DAY);
    place.sweep();
    assert_eq!(place.marks().len(), 0);
}

#[test]
fn both_directories_are_swept_and_the_scrub_brings_nothing_back() {
    let mut place = Place::new();
    let (second, journal) = (SimulatedDisk::new(512), MemoryJournal::beside(&SimulatedDisk::new(512)));
    let copy = place.copy(&second, &journal);
    let (orphan, only_there) = (place.orphan("left over"), object("left over there"));
    let there = copied_objects(&second);
    for object in [&orphan, &only_there] {
        there.put(place.company.space, object).unwrap();
    }
    let scrubbed = |place: &Place| {
        let files = PublishedFiles::open(place.disk.clone(), Path::new("/log")).unwrap();
        let signer = LogSigner::new(origin(), &secret("log").to_bytes()).unwrap();
        let sequencer = Sequencer::new(files, signer);
        let log = sequencer.log();
        let scrub = Scrub { keeper: &place.keeper, log, copy: Some(&copy) };
        let found = scrub.run(None, &mut |_| true).unwrap();
        assert!(found.mended.is_empty() && found.lost.is_empty(), "{found:?}");
    };
    scrubbed(&place);
    assert!(!place.has(&only_there), "what no record names was brought over");
    for time in [AFTER, DAY] {
        place.pass(time);
        second.advance(time);
        place.sweep_with(Some(&copy));
        scrubbed(&place);
    }
    let space = place.company.space;
    let lies = |object: &NamedBytes| there.stat(space, object.id()).unwrap().is_some();
    assert!(!place.has(&orphan) && !lies(&orphan) && !lies(&only_there));
    assert!(place.named.iter().all(lies), "what a record names is gone there");
    // One directory is swept while the other is away: nothing comes back from there.
    let orphan = place.orphan("left over once more");
    there.put(place.company.space, &orphan).unwrap();
    for time in [AFTER, DAY] {
        place.pass(time);
        second.advance(time);
        place.sweep();
    }
    assert!(!place.has(&orphan) && lies(&orphan));
    scrubbed(&place);
    place.sweep_with(Some(&copy));
    assert!(!place.has(&orphan) && !lies(&orphan));
}

#[test]
fn an_error_in_one_space_keeps_no_other_one_from_being_swept() {
    let (mut points, mut passed) = (0, 0);
    loop {
        let mut place = Place::new();
        let mut beside = Company::new("beside", place.keeper.origin());
        let genesis = beside.genesis();
        beside.keep(&place.keeper, &genesis).unwrap();
        let orphans =
            [place.company.space, beside.space].map(|space| (space, object(&format!("left over in {space}"))));
        for (space, orphan) in &orphans {
            place.keeper.put(*space, orphan).unwrap();
        }
        place.pass(AFTER);
        place.sweep();
        place.pass(DAY);
        let (before, began, clock) = (place.disk.calls().len(), place.disk.now(), place.clock);
        let sweep = pass_over(&place.keeper, None::<&Copy>, began, clock);
        place.disk.fail_at(before + points, Fault::Error(std::io::ErrorKind::Other));
        let swept = sweep.run(&mut |_| true);
        let is_over = place.disk.calls().len() <= before + points;
        place.disk.go_on();
        let lies =
            |(space, orphan): &&(SpaceId, NamedBytes)| place.keeper.object(*space, orphan.id()).unwrap().is_some();
        if let Ok(swept) = swept {
            // An object list that cannot be read is as good as lost.
            let is_told = swept.failure.is_some() || !swept.unclear.is_empty();
            assert_eq!(is_told, !is_over, "call {points}: {swept:?}");
            let left: Vec<_> = orphans.iter().filter(lies).collect();
            assert!(left.len() <= usize::from(!is_over), "call {points}: both are left: {swept:?}");
            for (space, _) in left {
                assert!(swept.unclear.contains(space), "call {points}: {swept:?}");
                assert!(!swept.is_whole || swept.unnamed.get(space) >= Some(&4_096), "call {points}: {swept:?}");
            }
            passed += 1;
        }
        for (space, draft) in [(place.company.space, &place.named), (beside.space, &genesis.objects)] {
            assert!(draft.iter().all(|object| place.keeper.object(space, object.id()).unwrap().is_some()));
        }
        place.sweep();
        assert_eq!(orphans.iter().filter(lies).count(), 0, "the next pass takes all");
        points += 1;
        if is_over {
            break;
        }
    }
    println!("{points} failing calls, {passed} of them in a space");
    assert!(passed > 30);
}

/// Every object of a space in a second directory.
fn lying(disk: &SimulatedDisk, space: SpaceId) -> Vec<ObjectId> {
    copied_objects(disk).list(space, None, 1_000).unwrap()
}

fn copied_objects(disk: &SimulatedDisk) -> FileObjects<SimulatedDisk> {
    FileObjects::open(disk.clone(), Path::new("/copy/objects")).unwrap()
}

/// Weeks pass, and passes with this copy beside a keeper that is not the one that it was made of.
fn weeks_of_passes(place: &mut Place, second: &SimulatedDisk, copy: &Copy) -> Swept {
    for time in [AFTER, DAY, DAY] {
        place.pass(time);
        second.advance(time);
        place.sweep_with(Some(copy));
    }
    place.sweep_with(Some(copy))
}

#[test]
fn a_second_directory_that_is_ahead_or_another_keepers_is_left_as_it_is() {
    let mut ahead = Place::new();
    let draft = ahead.company.deposit("drawings", 2).1;
    ahead.company.keep(&ahead.keeper, &draft).unwrap();
    let (second, journal) = (SimulatedDisk::new(512), MemoryJournal::beside(&SimulatedDisk::new(512)));
    let copy = ahead.copy(&second, &journal);
    let held = lying(&second, ahead.company.space);
    assert_eq!(held.len(), 10);
    // The same keeper, put back from before its last deposit; what it has itself is swept all the same.
    let mut older = Place::new();
    let orphan = older.orphan("left over");
    let swept = weeks_of_passes(&mut older, &second, &copy);
    assert!(matches!(swept.copy_left, Some(Error::CopyAhead { copied: 3, size: 2 })), "{swept:?}");
    assert!(swept.is_whole && swept.unclear.is_empty() && !older.has(&orphan));
    assert_eq!(lying(&second, ahead.company.space), held);
    // Another keeper, which has no records yet: nothing that lies in its own folder is named.
    let mut other = Place::new();
    other.named.clear();
    other.journal = MemoryJournal::beside(&other.disk);
    let elsewhere = Origin::local(*b"another keeper!!");
    SimulatedKeeper::set_up(&other.journal, &elsewhere, &key("another log")).unwrap();
    other.keeper = open(&other.disk, &other.journal).unwrap();
    let swept = weeks_of_passes(&mut other, &second, &copy);
    assert!(matches!(swept.copy_left, Some(Error::CopyOther)), "{swept:?}");
    assert_eq!(lying(&second, ahead.company.space), held);
}

#[test]
fn of_a_space_whose_records_are_others_in_the_second_directory_nothing_is_touched() {
    let mut ahead = Place::new();
    let mut beside = Company::new("beside", ahead.keeper.origin());
    let (draft, genesis) = (ahead.company.deposit("drawings", 2).1, beside.genesis());
    ahead.company.keep(&ahead.keeper, &draft).unwrap();
    beside.keep(&ahead.keeper, &genesis).unwrap();
    let (second, journal) = (SimulatedDisk::new(512), MemoryJournal::beside(&SimulatedDisk::new(512)));
    let copy = ahead.copy(&second, &journal);
    let held = lying(&second, ahead.company.space);
    // Put back from before that deposit, it was given another one, and then the very record that came last.
    let mut older = Place::new();
    let other = older.company.deposit("other drawings", 2).1;
    older.company.keep(&older.keeper, &other).unwrap();
    Company::new("beside", older.keeper.origin()).keep(&older.keeper, &genesis).unwrap();
    let swept = weeks_of_passes(&mut older, &second, &copy);
    assert!(swept.copy_left.is_none(), "{swept:?}");
    assert_eq!(swept.unclear, BTreeSet::from([older.company.space]));
    assert_eq!(lying(&second, ahead.company.space), held);
}

#[test]
fn whoever_appends_waits_for_no_second_disk_when_it_is_swept() {
    let mut place = Place::new();
    let (second, journal) = (SimulatedDisk::new(512), MemoryJournal::beside(&SimulatedDisk::new(512)));
    let copy = place.copy(&second, &journal);
    let orphan = place.orphan("left over");
    copied_objects(&second).put(place.company.space, &orphan).unwrap();
    for time in [AFTER, DAY] {
        place.pass(time);
        second.advance(time);
        if time == AFTER {
            place.sweep_with(Some(&copy));
        }
    }
    // The journal's turns stand among the calls of the second disk.
    let objects = FileObjects::open(place.disk.clone(), Path::new("objects")).unwrap();
    place.keeper = Keeper::open(objects, place.journal.moved_beside(&second), clock()).unwrap();
    let before = second.calls().len();
    assert_eq!(place.sweep_with(Some(&copy)).objects, 1);
    let calls = second.calls().split_off(before);
    let turn = calls.iter().position(|call| *call == "expire").unwrap();
    assert_eq!(calls[turn..turn + 4], ["expire", "lock", "pardon", "remove"], "{calls:?}");
    assert!(!lying(&second, place.company.space).contains(&orphan.id()));
}

/// A pass, and a client that puts and appends what is about to go while the copier brings it to the second directory, call by call
/// in a seeded order.
#[test]
fn a_pass_and_a_copier_at_once_leave_nothing_kept_twice_that_is_not() {
    let (mut met, mut removed) = (0, 0);
    for seed in 0..300 {
        let mut place = Place::new();
        let (second, journal) = (SimulatedDisk::new(512), MemoryJournal::beside(&SimulatedDisk::new(512)));
        drop(place.copy(&second, &journal));
        let (space, draft) = (place.company.space, place.company.deposit("drawings", 2).1);
        place.put_all(&draft);
        for object in &draft.objects {
            copied_objects(&second).put(space, object).unwrap();
        }
        place.pass(AFTER);
        place.sweep();
        place.pass(DAY);
        second.advance(AFTER + DAY);
        let turns = Turns::in_bursts(2, seed, 100);
        let (began, clock) = (place.disk.now(), place.clock);
        let process = |thread: usize| {
            let [first, second] = [&place.disk, &second].map(|disk| disk.in_turn(&turns, thread));
            let (journal, copied) = (place.journal.clone(), journal.moved_beside(&second));
            move || {
                let copy = SecondCopy::over(second, Path::new("/copy"), copied, Arc::default()).unwrap();
                (open(&first, &journal).unwrap(), PublishedFiles::open(first, Path::new("/log")).unwrap(), copy)
            }
        };
        let [sweeping, copying] = [0, 1].map(process);
        let (turns, draft) = (&turns, &draft);
        let swept = thread::scope(|scope| {
            let sweeper = scope.spawn(move || {
                let (keeper, _, copy) = sweeping();
                let sweep = pass_over(&keeper, Some(&copy), began, clock);
                let swept = sweep.run(&mut |_| true).unwrap();
                turns.leave(0);
                swept
            });
            scope.spawn(move || {
                let (keeper, published, copy) = copying();
                while let Err(error) = keeper.append(&draft.note) {
                    let Error::PutAgain { objects } = error else { panic!("{error:?}") };
                    for object in draft.objects.iter().filter(|object| objects.contains(&object.id())) {
                        keeper.put(space, object).unwrap();
                    }
                }
                copy.catch_up(&keeper, &published, &|| true).unwrap();
                assert!(copy.copied().holds(2));
                turns.leave(1);
            });
            sweeper.join().unwrap()
        });
        let lying = lying(&second, space);
        for object in &draft.objects {
            assert!(lying.contains(&object.id()), "seed {seed}: {object:?} is kept twice and is not there");
        }
        (removed, met) = (removed + swept.objects, met + u64::from((1..3).contains(&swept.objects)));
    }
    println!("{removed} removed, {met} passes that removed some of it");
    assert!(removed > 20 && met > 20, "they have not met");
}

#[test]
fn at_every_step_of_a_pass_a_power_cut_leaves_all_that_is_named_and_what_is_put_again_is_durable() {
    let (mut points, mut states) = (0, 0);
    for step in 0.. {
        let mut place = Place::new();
        let draft = place.company.deposit("drawings", 2).1;
        place.put_all(&draft);
        place.pass(AFTER);
        place.orphan("young");
        place.sweep();
        place.pass(DAY);
        let old = place.orphan("old");
        place.pass(AFTER);
        let begun = place.disk.calls().len();
        place.disk.fail_at(begun + step, Fault::Stop);
        let (began, clock) = (place.disk.now(), place.clock);
        let sweep = pass_over(&place.keeper, None::<&Copy>, began, clock);
        let finished = sweep.run(&mut |_| true).is_ok_and(|swept| swept.failure.is_none());
        let (survivors, _) = place.disk.survivors(16, 20_261_126);
        for (number, survivor) in survivors.into_iter().enumerate() {
            let story = format!("power cut before step {step} of a pass, state {number}");
            let keeper = open(&survivor, &place.journal.moved_beside(&survivor)).unwrap();
            let found = keeper.check(place.company.space).unwrap().unwrap();
            assert!(found.missing.is_empty() && found.damaged.is_empty(), "{story}: {found:?}");
            for object in draft.objects.iter().chain([&old]) {
                keeper.put(place.company.space, object).unwrap();
            }
            let (again, _) = survivor.survivors(4, 1);
            for survivor in again {
                let keeper = open(&survivor, &place.journal.moved_beside(&survivor)).unwrap();
                for object in draft.objects.iter().chain([&old]) {
                    let bytes = keeper.object(place.company.space, object.id()).unwrap();
                    assert!(bytes.is_some_and(|bytes| bytes == object.as_bytes()), "{story}: {object:?}");
                }
            }
            states += 1;
        }
        points += 1;
        if finished {
            break;
        }
    }
    println!("{points} power cuts, {states} states");
    assert!(points > 30, "a pass has become too short to mean anything");
}

/// A pass that marks and removes, one client that puts, and one that appends and puts what he is told to, of a deposit that is
/// about to go; call by call in a seeded order.
#[test]
fn a_pass_and_clients_at_once_leave_no_record_without_its_objects() {
    let (mut again, mut removed, mut idle) = (0, 0, 0);
    for seed in 0..600 {
        let mut place = Place::new();
        let draft = place.company.deposit("drawings", 2).1;
        place.put_all(&draft);
        place.pass(AFTER);
        // Half of the times what will be named is marked already, and due.
        if seed % 2 == 0 {
            place.sweep();
            place.pass(DAY);
        }
        let turns = Turns::new(3, seed);
        let (began, clock, space) = (place.disk.now(), place.clock, place.company.space);
        let process = |thread: usize| {
            let (disk, journal) = (place.disk.in_turn(&turns, thread), place.journal.clone());
            move || open(&disk, &journal).unwrap()
        };
        let [sweeping, putting, appending] = [0, 1, 2].map(process);
        let (turns, draft) = (&turns, &draft);
        let swept = thread::scope(|scope| {
            let sweeper = scope.spawn(move || {
                let keeper = sweeping();
                let sweep = pass_over(&keeper, None::<&Copy>, began, clock);
                let swept = sweep.run(&mut |_| true).unwrap();
                turns.leave(0);
                swept
            });
            scope.spawn(move || {
                let keeper = putting();
                if seed % 4 != 3 {
                    put_all(&keeper, space, draft);
                }
                turns.leave(1);
            });
            let appender = scope.spawn(move || {
                let (keeper, mut again) = (appending(), 0);
                while let Err(error) = keeper.append(&draft.note) {
                    let Error::PutAgain { objects } = error else { panic!("{error:?}") };
                    for object in draft.objects.iter().filter(|object| objects.contains(&object.id())) {
                        keeper.put(space, object).unwrap();
                        again += 1;
                    }
                    assert!(again < 20, "it is asked for again and again");
                }
                turns.leave(2);
                again
            });
            again += appender.join().unwrap();
            sweeper.join().unwrap()
        });
        let found = place.keeper.check(space).unwrap().unwrap();
        assert!(found.missing.is_empty() && found.damaged.is_empty(), "seed {seed}: {found:?}");
        assert_eq!(found.records, 3);
        let marks = place.marks();
        assert!(
            draft.objects.iter().all(|object| !marks.contains(&object.id())),
            "seed {seed}: what is named is marked"
        );
        (removed, idle) = (removed + swept.objects, idle + u64::from(swept.objects == 0));
    }
    println!("{again} objects put again, {removed} removed, {idle} passes that removed nothing");
    assert!(again > 20 && removed > 20 && idle > 20, "they have not met");
}

/// What was acknowledged is here and unmarked, however a removal falls between the steps of its put.
#[test]
fn a_put_during_the_removal_of_its_object_wins() {
    let mut removals = 0;
    for seed in 0..200 {
        let place = Place::new();
        let (orphan, space) = (place.orphan("about to go"), place.company.space);
        let head = place.keeper.head(space).unwrap();
        place.journal.condemn(space, head, &[orphan.id()], 1).unwrap();
        let turns = Turns::new(2, seed);
        let [removing, putting] = [0, 1].map(|thread| {
            let (disk, journal) = (place.disk.in_turn(&turns, thread), place.journal.clone());
            move || open(&disk, &journal).unwrap()
        });
        let (turns, orphan) = (&turns, &orphan);
        removals += thread::scope(|scope| {
            let remover = scope.spawn(move || {
                let (keeper, mut removed) = (removing(), 0);
                let remove = &mut |id| removed += u32::from(keeper.objects().remove(space, id).unwrap());
                keeper.journal().expire(space, &[orphan.id()], 1, remove).unwrap();
                turns.leave(0);
                removed
            });
            scope.spawn(move || {
                putting().put(space, orphan).unwrap();
                turns.leave(1);
            });
            remover.join().unwrap()
        });
        assert!(place.has(orphan), "seed {seed}: what was acknowledged is gone");
        assert!(place.marks().is_empty(), "seed {seed}: what was put again is marked");
    }
    assert!(removals > 20, "{removals} removals: the two have not met");
}

/// What a pass over a million objects costs, and how long an append beside it takes at most: `cargo test -p hizo-keeper -- --ignored
/// --nocapture million`.
#[test]
#[ignore = "it makes a million files, and measures"]
fn a_pass_over_a_million_objects() {
    const LISTS: usize = 16;
    const LISTED: usize = 62_500;
    let folder = tempfile::tempdir().unwrap();
    let keeper = EmbeddedKeeper::init_embedded(&folder.path().join("keeper"), &crate::embedded::seeds(9)).unwrap();
    let mut company = Company::new("a large company", keeper.origin());
    let draft = company.genesis();
    company.keep(&keeper, &draft).unwrap();
    let objects = folder.path().join("keeper/objects").join(company.space.to_string());
    for list in 0..LISTS {
        let ids = (0..LISTED).map(|number| ObjectId::of(format!("{list} {number}").as_bytes()));
        let lines: Vec<(ObjectId, u64)> = ids.map(|id| (id, 1)).collect();
        for (id, _) in &lines {
            let id = id.to_string();
            let below = objects.join(&id[..1]);
            let _ = std::fs::create_dir(&below);
            std::fs::write(below.join(&id), "x").unwrap();
        }
        let draft = company.deposit_listing(&format!("series {list}"), &lines).1;
        company.keep(&keeper, &draft).unwrap();
    }
    let mut beside = Company::new("beside", keeper.origin());
    let draft = beside.genesis();
    beside.keep(&keeper, &draft).unwrap();
    let orphan = object("left over");
    keeper.put(company.space, &orphan).unwrap();
    let is_over = AtomicBool::new(false);
    let append = |beside: &mut Company| {
        let draft = beside.saying();
        keeper.put(beside.space, &draft.objects[0]).unwrap();
        let begun = Instant::now();
        beside.append(&keeper, &draft.note).unwrap();
        begun.elapsed()
    };
    let alone: Vec<Duration> = (0..200).map(|_| append(&mut beside)).collect();
    let (swept, took, meanwhile) = thread::scope(|scope| {
        let appending = scope.spawn(|| {
            let mut took = Vec::new();
            while !is_over.load(Ordering::Relaxed) {
                took.push(append(&mut beside));
            }
            took
        });
        let begun = Instant::now();
        let began = SystemTime::now() + AFTER;
        let copy: Option<&SecondCopy> = None;
        let swept = pass_over(&keeper, copy, began, 5).run(&mut |_| true).unwrap();
        is_over.store(true, Ordering::Relaxed);
        (swept, begun.elapsed(), appending.join().unwrap())
    });
    let [(typical, longest), (typical_then, longest_then)] = [alone, meanwhile.clone()].map(|mut took| {
        took.sort_unstable();
        (took[took.len() / 2], *took.last().unwrap())
    });
    println!(
        "{} objects: a pass takes {took:?} at full speed; an append {typical:?} (at most {longest:?}) without it, \
         {typical_then:?} (at most {longest_then:?}) beside it, {} of them",
        LISTS * LISTED,
        meanwhile.len()
    );
    assert!(swept.is_whole && swept.unclear.is_empty() && swept.marked >= 1, "{swept:?}");
}
