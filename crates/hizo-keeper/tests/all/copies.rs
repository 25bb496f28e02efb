//! The second directory: what is answered for as kept twice, after power cuts, losses and damage, and the scrub that mends.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hizo_keeper::copy::{By, Damage, Directory, Each, LOST_MAX, Mark, Progress, Reading, Scrub, Scrubbed};
use hizo_keeper::log::{LogSigner, Sequencer};
use hizo_keeper::witness::Patience;
use hizo_keeper::{Copied, EmbeddedKeeper, EmbeddedLog, Error, SecondCopy};
use hizo_ledger::id::{ObjectId, SpaceId};
use hizo_ledger::log::receipt::UnverifiedReceipt;
use hizo_store::objects::FileObjects;
use hizo_store::published::PublishedFiles;
use hizo_store::simulated::{Fault, MemoryJournal, SimulatedDisk};
use hizo_store::{Journal as _, NamedBytes, Objects as _};
use tempfile::TempDir;

use crate::embedded::seeds;
use crate::kit::{Company, SimulatedKeeper, keeper, origin, secret};

/// Objects here have a handful of sectors.
const SECTOR_BYTES: usize = 16;

const GO_ON: &dyn Fn() -> bool = &|| true;

/// A keeper of two spaces, its published log, and every object that each record names, by its place in the log.
struct First {
    keeper: SimulatedKeeper,
    published: PublishedFiles<SimulatedDisk>,
    disk: SimulatedDisk,
    companies: [Company; 2],
    named: Vec<(usize, Vec<ObjectId>)>,
}

impl First {
    fn new() -> Self {
        let (keeper, disk) = keeper();
        let mut companies = ["one", "two"].map(|name| Company::new(name, keeper.origin()));
        let mut named = Vec::new();
        for number in 0..3 {
            for (place, company) in companies.iter_mut().enumerate() {
                let draft = if number == 0 { company.genesis() } else { company.deposit("drawings", 2).1 };
                company.keep(&keeper, &draft).unwrap();
                named.push((place, draft.objects.iter().map(|object| object.id()).collect()));
            }
        }
        let files = || PublishedFiles::open(disk.clone(), Path::new("/log")).unwrap();
        let signer = LogSigner::new(origin(), &secret("log").to_bytes()).unwrap();
        Sequencer::new(files(), signer).publish(keeper.journal(), 1).unwrap();
        let published = files();
        Self { keeper, published, disk, companies, named }
    }

    fn catch_up(&self, copy: &SecondCopy<SimulatedDisk, MemoryJournal>) -> Result<(), Error> {
        copy.catch_up(&self.keeper, &self.published, GO_ON)
    }

    /// Has the copy compared with this keeper, and nothing copied.
    fn look(&self, copy: &SecondCopy<SimulatedDisk, MemoryJournal>) {
        copy.catch_up(&self.keeper, &self.published, &|| false).unwrap();
    }

    fn path(&self, place: usize, id: ObjectId) -> PathBuf {
        let id = id.to_string();
        Path::new("objects").join(self.companies[place].space.to_string()).join(&id[..1]).join(&id)
    }
}

fn second(disk: &SimulatedDisk, journal: &MemoryJournal) -> Result<SecondCopy<SimulatedDisk, MemoryJournal>, Error> {
    SecondCopy::over(disk.clone(), Path::new("/copy"), journal.moved_beside(disk), Arc::default())
}

fn copied(copy: &SecondCopy<SimulatedDisk, MemoryJournal>) -> Vec<u64> {
    (0..100).filter(|position| copy.copied().holds(*position)).collect()
}

/// Whether the record at this place, and everything that it names, lies on what is left of the second disk.
fn lies_whole(first: &First, disk: &SimulatedDisk, journal: &MemoryJournal, position: u64) -> bool {
    let (place, named) = &first.named[usize::try_from(position).unwrap()];
    let objects = FileObjects::open(disk.clone(), Path::new("/copy/objects")).unwrap();
    let space = first.companies[*place].space;
    let whole = |id: &ObjectId| objects.get(space, *id).unwrap().is_some_and(|bytes| ObjectId::of(&bytes) == *id);
    let record = |journal: &MemoryJournal| journal.logged(position, 1).unwrap();
    named.iter().all(whole) && record(&journal.moved_beside(disk)) == record(first.keeper.journal())
}

#[test]
fn at_every_step_a_power_cut_leaves_whole_what_was_answered_for_as_kept_twice() {
    let first = First::new();
    let (mut points, mut states) = (0, 0);
    for step in 0.. {
        let disk = SimulatedDisk::new(SECTOR_BYTES);
        let journal = MemoryJournal::beside(&disk);
        disk.fail_at(step, Fault::Stop);
        let told = match second(&disk, &journal) {
            Err(_) => (false, Vec::new()),
            Ok(copy) => (first.catch_up(&copy).is_ok(), copied(&copy)),
        };
        let (finished, answered) = told;
        let (survivors, _) = disk.survivors(16, 20_261_126);
        for (number, survivor) in survivors.iter().enumerate() {
            let story = format!("power cut before step {step}, state {number}");
            for position in &answered {
                assert!(lies_whole(&first, survivor, &journal, *position), "{story}: {position} is not kept twice");
            }
            let copy = second(survivor, &journal).unwrap();
            first.look(&copy);
            for position in copied(&copy) {
                assert!(lies_whole(&first, survivor, &journal, position), "{story}: {position} is not there");
            }
        }
        (points, states) = (points + 1, states + survivors.len());
        // Whoever comes after a death goes on where it ended.
        disk.go_on();
        let copy = second(&disk, &journal).unwrap();
        first.catch_up(&copy).unwrap();
        assert_eq!(copied(&copy), [0, 1, 2, 3, 4, 5], "death before step {step}");
        if finished {
            break;
        }
    }
    println!("{points} power cuts, {states} states");
    assert!(points > 100, "the copy has become too short to mean anything");
}

#[test]
fn what_the_first_directory_has_lost_holds_nothing_else_up_and_is_kept_twice_once_it_is_put_again() {
    let first = First::new();
    let (place, named) = first.named[2].clone();
    first.disk.damage(&first.path(place, named[0]), b"other bytes").unwrap();
    let disk = SimulatedDisk::new(SECTOR_BYTES);
    let journal = MemoryJournal::beside(&disk);
    let copy = second(&disk, &journal).unwrap();
    first.catch_up(&copy).unwrap();
    assert_eq!(copied(&copy), [0, 1, 3, 4, 5]);
    // A start later it is known all the same.
    let copy = second(&disk, &journal).unwrap();
    first.look(&copy);
    assert_eq!(copied(&copy), [0, 1, 3, 4, 5]);
    first.catch_up(&copy).unwrap();
    assert_eq!((copied(&copy), copy.copied().wanting()), (vec![0, 1, 3, 4, 5], 1));

    // Whoever made it has it still.
    let mut again = Company::new("one", first.keeper.origin());
    let (other, _) = keeper();
    again.keep(&other, &again.genesis()).unwrap();
    let draft = again.deposit("drawings", 2).1;
    for object in &draft.objects {
        first.keeper.put(again.space, object).unwrap();
    }
    first.catch_up(&copy).unwrap();
    assert_eq!(copied(&copy), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn of_more_records_than_one_round_looks_at_again_each_has_its_turn_and_only_what_is_missing_is_read() {
    let first = First::new();
    let mut company = Company::new("came without some of it", first.keeper.origin());
    company.keep(&first.keeper, &company.genesis()).unwrap();
    let lost: Vec<NamedBytes> = (0..70)
        .map(|number| {
            let draft = company.deposit(&format!("series {number}"), 2).1;
            company.keep(&first.keeper, &draft).unwrap();
            let lost = draft.objects.into_iter().next().unwrap();
            assert!(first.keeper.objects().remove(company.space, lost.id()).unwrap());
            lost
        })
        .collect();
    let disk = SimulatedDisk::new(SECTOR_BYTES);
    let copy = second(&disk, &MemoryJournal::beside(&disk)).unwrap();
    first.catch_up(&copy).unwrap();
    assert_eq!(copy.copied().wanting(), lost.len());
    for (number, object) in lost.iter().rev().enumerate() {
        first.keeper.put(company.space, object).unwrap();
        let before = first.disk.calls().len();
        first.catch_up(&copy).unwrap();
        first.catch_up(&copy).unwrap();
        assert_eq!(copy.copied().wanting(), lost.len() - 1 - number, "after two rounds it is there");
        let opened = first.disk.calls()[before..].iter().filter(|call| **call == "open").count();
        assert!(opened <= 2 * 2 * 64 + 40, "{opened} files were opened");
    }
}

#[test]
fn a_directory_of_another_keeper_or_of_a_later_state_is_refused_and_left_as_it_is() {
    let first = First::new();
    let disk = SimulatedDisk::new(SECTOR_BYTES);
    let journal = MemoryJournal::beside(&disk);
    first.catch_up(&second(&disk, &journal).unwrap()).unwrap();
    // The same keeper, put back from before its first record.
    let (older, _) = keeper();
    let copy = second(&disk, &journal).unwrap();
    assert!(!copy.copied().holds(0), "nothing is kept twice before the copy is known to be one");
    assert!(matches!(copy.catch_up(&older, &first.published, GO_ON), Err(Error::CopyAhead { copied: 6, size: 0 })));
    assert!(!copy.copied().holds(0));
    let scrubbed = |keeper: &SimulatedKeeper| {
        let signer = LogSigner::new(origin(), &secret("log").to_bytes()).unwrap();
        let log = Sequencer::new(PublishedFiles::open(first.disk.clone(), Path::new("/log")).unwrap(), signer);
        Scrub { keeper, log: log.log(), copy: Some(&copy) }.run(None, &mut |_| true)
    };
    assert!(
        matches!(scrubbed(&older), Err(Error::CopyAhead { .. })),
        "it is not read either, and nothing is mended there"
    );
    // And with other records.
    let mut company = Company::new("three", older.origin());
    company.keep(&older, &company.genesis()).unwrap();
    for _ in 0..6 {
        company.keep(&older, &company.saying()).unwrap();
    }
    assert!(matches!(copy.catch_up(&older, &first.published, GO_ON), Err(Error::CopyOther)));
    assert!(!copy.copied().holds(0));
    assert!(matches!(scrubbed(&older), Err(Error::CopyOther)));
    assert_eq!(journal.log().unwrap().size, 6);
}

/// A keeper in a folder with a copy beside it.
struct Place {
    folder: TempDir,
    company: Company,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("second")).unwrap();
        let keeper = EmbeddedKeeper::init_embedded(&folder.path().join("first"), &seeds(1)).unwrap();
        let mut company = Company::new("a small company", keeper.origin());
        company.keep(&keeper, &company.genesis()).unwrap();
        company.keep(&keeper, &company.deposit("drawings", 3).1).unwrap();
        let place = Self { folder, company };
        place.catch_up();
        place
    }

    fn first(&self) -> PathBuf {
        self.folder.path().join("first")
    }

    fn second(&self) -> PathBuf {
        self.folder.path().join("second")
    }

    fn open(&self) -> (EmbeddedKeeper, EmbeddedLog, SecondCopy) {
        let keeper = EmbeddedKeeper::open_embedded(&self.first()).unwrap();
        let log = EmbeddedLog::open(&self.first(), &keeper).unwrap();
        let copy = SecondCopy::open(&self.second(), &self.first(), Arc::default()).unwrap();
        (keeper, log, copy)
    }

    fn catch_up(&self) {
        let (keeper, log, copy) = self.open();
        log.publish(&keeper, &Patience::default()).unwrap();
        copy.catch_up(&keeper, log.files(), GO_ON).unwrap();
    }

    fn scrub(&self) -> Scrubbed {
        self.scrub_from(None, &mut |_| true)
    }

    fn scrub_from(&self, from: Option<Mark>, each: &mut Each<'_>) -> Scrubbed {
        let (keeper, log, copy) = self.open();
        Scrub { keeper: &keeper, log: log.published(), copy: Some(&copy) }.run(from, each).unwrap()
    }

    /// Every object's file in both directories, and what it is damaged as.
    fn objects(&self) -> Vec<(PathBuf, Directory, ObjectId)> {
        let mut found = Vec::new();
        for (at, folder) in [(Directory::First, self.first()), (Directory::Second, self.second())] {
            let objects = folder.join("objects").join(self.company.space.to_string());
            for file in files(&objects) {
                let id = ObjectId::from_hex(file.file_name().unwrap().to_str().unwrap()).unwrap();
                found.push((file, at, id));
            }
        }
        found
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn each_object_that_is_damaged_or_lost_in_one_directory_is_mended_from_the_other_one() {
    let place = Place::new();
    assert_eq!(place.objects().len(), 14);
    for (path, at, object) in place.objects() {
        let whole = fs::read(&path).unwrap();
        for damage in [flip as fn(&Path), |path| fs::remove_file(path).unwrap(), |path| fs::write(path, b"").unwrap()] {
            damage(&path);
            let found = place.scrub();
            let expected = BTreeSet::from([Damage::Object { at, space: place.company.space, object }]);
            assert_eq!((found.mended, found.lost.len(), found.is_whole), (expected, 0, true));
            assert_eq!(fs::read(&path).unwrap(), whole);
        }
    }
    assert_eq!(place.scrub().mended, BTreeSet::new());
}

#[test]
fn a28_what_is_good_is_never_overwritten_and_what_nobody_has_is_named_with_its_space() {
    let place = Place::new();
    let objects = place.objects();
    let (first, second) = objects.split_at(7);
    let both = (&first[2].0, second.iter().find(|(_, _, id)| *id == first[2].2).unwrap().0.clone());
    flip(both.0);
    flip(&both.1);
    let before: Vec<_> =
        files(place.folder.path()).into_iter().filter(|path| path.to_str().unwrap().contains("objects")).collect();
    let bytes = |paths: &[PathBuf]| paths.iter().map(|path| fs::read(path).unwrap()).collect::<Vec<_>>();
    let held = bytes(&before);
    let found = place.scrub();
    let lost = |at| Damage::Object { at, space: place.company.space, object: first[2].2 };
    assert_eq!(found.lost, BTreeSet::from([lost(Directory::First), lost(Directory::Second)]));
    assert_eq!((found.mended, bytes(&before)), (BTreeSet::new(), held), "nothing was written");
}

#[test]
fn an_object_that_no_record_names_is_nobodys_loss() {
    let place = Place::new();
    let (keeper, ..) = place.open();
    let orphan = crate::kit::object("put, and never named");
    keeper.put(place.company.space, &orphan).unwrap();
    let (path, ..) = place.objects().into_iter().find(|(_, _, id)| *id == orphan.id()).unwrap();
    flip(&path);
    let found = place.scrub();
    assert_eq!((found.lost, found.mended), (BTreeSet::new(), BTreeSet::new()));
}

#[test]
fn a_scrub_that_was_cut_short_goes_on_behind_the_last_object() {
    let place = Place::new();
    let whole = place.scrub();
    assert_eq!((whole.objects, whole.records), (14, 2));
    for stop in 1..7 {
        let (mut mark, mut left) = (None, stop);
        let begun = place.scrub_from(None, &mut |step| {
            mark = step.mark.or(mark);
            left -= usize::from(step.mark.is_some());
            left > 0
        });
        assert!(!begun.is_whole);
        let rest = place.scrub_from(mark, &mut |_| true);
        assert!(rest.is_whole);
        assert_eq!(begun.objects + rest.objects, whole.objects, "stopped after {stop}");
    }
}

/// A scrub that ends after so many pieces of work, and goes on another time where it is written down. What is known then.
fn cut_short_after(place: &Place, count: usize) -> Progress {
    let mut left = count;
    let mut rest = |_: Duration| {
        left -= 1;
        left > 0
    };
    let data = place.first();
    let mut reading = Reading::begin(&data, By::Service, 1 << 20, 100).unwrap();
    let found = place.scrub_from(reading.from(), &mut |step| reading.step(step, &mut rest));
    let is_cut = !found.is_whole;
    let progress = reading.end(&found, !is_cut).unwrap();
    if !is_cut {
        return progress;
    }
    assert_eq!(Progress::load(&data, By::Service).unwrap(), Some(progress));
    let mut reading = Reading::begin(&data, By::Service, 1 << 20, 200).unwrap();
    let found = place.scrub_from(reading.from(), &mut |step| reading.step(step, &mut |_| true));
    assert!(found.is_whole);
    reading.end(&found, true).unwrap()
}

#[test]
fn what_a_scrub_found_before_it_was_cut_short_is_known_after_it() {
    let place = Place::new();
    let objects = place.objects();
    let mut expected = BTreeSet::new();
    for (path, at, object) in objects.iter().filter(|(_, _, id)| *id == objects[0].2) {
        flip(path);
        expected.insert(Damage::Object { at: *at, space: place.company.space, object: *object });
    }
    assert_eq!(expected.len(), 2);
    let mut steps = 0;
    place.scrub_from(None, &mut |_| {
        steps += 1;
        true
    });
    // Records, names, objects and files: each may be the last one.
    assert!(steps > 14, "{steps}");
    for stop in 1..=steps {
        let _ = fs::remove_file(place.first().join("scrub"));
        let progress = cut_short_after(&place, stop);
        assert_eq!((progress.at, progress.lost.clone()), (None, expected.clone()), "cut short after {stop}");
        assert_eq!(progress.read, Some(100), "it began with its first part");
        assert_eq!(Progress::known(&place.first()).unwrap(), Some((100, 2)));
    }
    // Before any was whole, whoever begins beside it forgets nothing either.
    let beside = Place::new();
    for (path, ..) in beside.objects().iter().filter(|(_, _, id)| *id == objects[0].2) {
        flip(path);
    }
    let first = beside.first();
    let mut steps_left = steps - 1;
    let mut reading = Reading::begin(&first, By::Service, 1 << 20, 100).unwrap();
    let found = beside.scrub_from(reading.from(), &mut |step| {
        steps_left -= 1;
        reading.step(step, &mut |_| steps_left > 0)
    });
    reading.end(&found, false).unwrap();
    let _ = Reading::begin(&first, By::Hand, 1 << 20, 200).unwrap();
    assert_eq!(Progress::known(&first).unwrap(), Some((100, found.lost.len())));
    assert!(!found.lost.is_empty());
    // What the last whole reading found is known until the next one is whole, and no longer.
    for (path, ..) in objects.iter().filter(|(_, _, id)| *id == objects[0].2) {
        flip(path);
    }
    let data = place.first();
    let mut reading = Reading::begin(&data, By::Service, 1 << 20, 300).unwrap();
    let found = place.scrub_from(reading.from(), &mut |step| reading.step(step, &mut |_| false));
    assert!(reading.end(&found, false).unwrap().lost.is_empty());
    assert_eq!(Progress::known(&data).unwrap(), Some((100, 2)));
    let mut reading = Reading::begin(&data, By::Hand, 1 << 20, 400).unwrap();
    assert_eq!(Progress::known(&data).unwrap(), Some((100, 2)), "whoever has only begun knows nothing");
    let found = place.scrub_from(reading.from(), &mut |step| reading.step(step, &mut |_| true));
    reading.end(&found, true).unwrap();
    assert_eq!(Progress::known(&data).unwrap(), Some((400, 0)), "whoever has read it later knows");
}

#[test]
fn of_a_disk_that_has_lost_everything_as_much_is_written_down_as_there_is_room_for() {
    let folder = tempfile::tempdir().unwrap();
    let object = |number: u32| {
        let object = ObjectId::of(&number.to_be_bytes());
        Damage::Object { at: Directory::First, space: SpaceId::from_bytes([7; 16]), object }
    };
    let journal = Damage::Journal { at: Directory::Second, what: "it cannot be read".to_owned() };
    let mut found = Scrubbed { is_whole: true, ..Scrubbed::default() };
    found.lost = (0..20_000).map(object).chain([journal.clone()]).collect();
    for (began, is_whole) in [(100, true), (200, false)] {
        found.is_whole = is_whole;
        let reading = Reading::begin(folder.path(), By::Service, 1 << 20, began).unwrap();
        let progress = reading.end(&found, true).unwrap();
        assert!(progress.lost.len() == LOST_MAX && progress.lost.contains(&journal));
        assert_eq!(Progress::load(folder.path(), By::Service).unwrap(), Some(progress));
    }
    // One that did not come to its end forgets nothing of what was known before it.
    assert_eq!(Progress::known(folder.path()).unwrap(), Some((100, LOST_MAX)));
    std::fs::write(folder.path().join("scrub"), b"\xff").unwrap();
    assert_eq!(Progress::known(folder.path()).unwrap(), None, "what cannot be read is as good as none");
}

#[test]
fn a_scrub_takes_its_time_for_all_that_it_reads() {
    let place = Place::new();
    let (mut cost, mut with_mark, mut paused) = (0, 0, Duration::ZERO);
    let data = place.first();
    let rate = 1 << 20;
    let mut reading = Reading::begin(&data, By::Hand, rate, 100).unwrap();
    let found = place.scrub_from(reading.from(), &mut |step| {
        cost += step.cost;
        with_mark += if step.mark.is_some() { step.cost } else { 0 };
        reading.step(step, &mut |pause| {
            paused += pause;
            true
        })
    });
    assert!(found.is_whole);
    assert!(with_mark >= 7 * (64 << 10) && cost > with_mark, "{with_mark} {cost}");
    // What is left of it is shorter than one pause.
    let all = Duration::from_secs_f64(cost as f64 / rate as f64);
    assert!(paused <= all && paused + Duration::from_secs_f64(65_536.0 / rate as f64) > all, "{paused:?} of {all:?}");
}

#[test]
fn each_tile_that_is_damaged_or_lost_in_either_directory_is_made_anew() {
    let place = Place::new();
    for (at, folder) in [(Directory::First, place.first()), (Directory::Second, place.second())] {
        let tiles = files(&folder.join("log/tile"));
        assert!(tiles.len() >= 2);
        for tile in tiles {
            let whole = fs::read(&tile).unwrap();
            flip(&tile);
            let path = tile.strip_prefix(folder.join("log")).unwrap().to_str().unwrap().to_owned();
            let found = place.scrub();
            assert_eq!((found.mended, found.lost), (BTreeSet::from([Damage::File { at, path }]), BTreeSet::new()));
            assert_eq!(fs::read(&tile).unwrap(), whole);
        }
    }
}

#[test]
fn a_flipped_byte_in_a_record_of_either_journal_is_told() {
    for second in [false, true] {
        let place = Place::new();
        let folder = if second { place.second() } else { place.first() };
        let journal = folder.join("journal.sqlite");
        let mut bytes = fs::read(&journal).unwrap();
        let note = bytes.windows(14).position(|window| window == b"hizo/record/v1").unwrap();
        bytes[note + 60] ^= 1;
        fs::write(&journal, bytes).unwrap();
        let found = place.scrub();
        let at = if second { Directory::Second } else { Directory::First };
        assert!(
            matches!(found.lost.first(), Some(Damage::Journal { at: found, .. }) if *found == at),
            "{:?}",
            found.lost
        );
    }
}

#[test]
fn a_copy_with_the_log_key_is_the_keeper_itself() {
    let place = Place::new();
    let (keeper, log, copy) = place.open();
    let space = place.company.space;
    copy.catch_up(&keeper, log.files(), GO_ON).unwrap();
    let receipts: Vec<_> =
        (0..2).map(|number| log.receipt(&keeper, space, number, copy.copied()).unwrap().unwrap()).collect();
    for receipt in &receipts {
        assert!(UnverifiedReceipt::parse(receipt).unwrap().verify(log.receipt_key()).unwrap().is_twice);
    }
    let (head, account) = (keeper.head(space).unwrap(), keeper.journal().account(space).unwrap());
    let state = keeper.journal().log().unwrap();
    drop((keeper, log, copy));

    assert!(!place.second().join("log.key").exists(), "the copy holds no secret that signs");
    assert!(matches!(EmbeddedKeeper::open_embedded(&place.second()), Err(Error::LogKey)));
    fs::copy(place.first().join("log.key"), place.second().join("log.key")).unwrap();
    let keeper = EmbeddedKeeper::open_embedded(&place.second()).unwrap();
    let log = EmbeddedLog::open(&place.second(), &keeper).unwrap();
    assert_eq!((keeper.head(space).unwrap(), keeper.journal().account(space).unwrap()), (head, account));
    assert_eq!(keeper.journal().log().unwrap(), state);
    for (number, before) in (0..).zip(&receipts) {
        let now = log.receipt(&keeper, space, number, &Copied::default()).unwrap().unwrap();
        let read = |note: &[u8]| UnverifiedReceipt::parse(note).unwrap().verify(log.receipt_key()).unwrap();
        let mut now = read(&now);
        now.is_twice = true;
        assert_eq!(now, read(before));
    }
    log.published().check().unwrap();
    let mut company = Company::new("a small company", keeper.origin()).follow(&keeper);
    company.keep(&keeper, &company.saying()).unwrap();
    log.publish(&keeper, &Patience::default()).unwrap();
    assert_eq!(log.published().check().unwrap().size, 3);
}

#[test]
fn a_second_directory_that_is_not_mounted_is_not_begun_anew() {
    let place = Place::new();
    fs::rename(place.second(), place.folder.path().join("away")).unwrap();
    fs::create_dir(place.second()).unwrap();
    let opened = SecondCopy::open(&place.second(), &place.first(), Arc::default());
    assert!(matches!(opened.err(), Some(Error::CopyGone)));
    assert_eq!(fs::read_dir(place.second()).unwrap().count(), 0);
    // Another one may be begun.
    fs::create_dir(place.folder.path().join("third")).unwrap();
    SecondCopy::open(&place.folder.path().join("third"), &place.first(), Arc::default()).unwrap();
}
