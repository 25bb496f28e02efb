//! Power cuts, dying processes and failing calls, at every step of what the store does.
//!
//! The disk is [`SimulatedDisk`], which keeps less than any real one; the journal is one atomic, synced step.

use std::io::ErrorKind;
use std::path::Path;
use std::thread;
use std::time::Duration;

use hizo_ledger::id::{ObjectId, SpaceId};
use hizo_store::disk::Disk;
use hizo_store::journal::{Entry, Journal};
use hizo_store::objects::{Arriving as _, Error, FileObjects, NamedBytes, Objects, Put, TEMPORARY_AGE_MIN};
use hizo_store::simulated::{Fault, MemoryJournal, Random, SimulatedDisk, Turns};

const SPACE: SpaceId = SpaceId::from_bytes([3; 16]);
const ROOT: &str = "objects";
/// Objects below have three sectors, so that a torn one can lack any of them.
const SECTOR_BYTES: usize = 4;
const SLOT_KEY: [u8; 32] = [1; 32];

fn object(number: usize) -> NamedBytes {
    NamedBytes::name(format!("object {number:02}").into_bytes()).unwrap()
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Put(usize),
    /// Takes the object in piece by piece.
    Arrive(usize),
    /// Begins to take it in, and gives up.
    GiveUp(usize),
    /// Confirms two objects, then appends a record that names them: what a keeper does.
    Append(usize, usize),
}

/// A put of each object, one of a present object, and records that name what is there.
const SMALL: [Act; 6] = [Act::Put(0), Act::Put(1), Act::Append(0, 1), Act::Put(0), Act::Put(2), Act::Append(2, 0)];

/// What was promised to somebody.
#[derive(Clone, Default)]
struct Promised {
    objects: Vec<usize>,
    /// For each record the objects that it names.
    records: Vec<[usize; 2]>,
}

struct Process {
    objects: FileObjects<SimulatedDisk>,
    journal: MemoryJournal,
}

impl Process {
    fn start(disk: &SimulatedDisk, journal: &MemoryJournal) -> Result<Self, Error> {
        let objects = FileObjects::open(disk.clone(), ROOT.as_ref())?;
        Ok(Self { objects, journal: journal.moved_beside(disk) })
    }

    /// Does one act, and writes down what was promised. `false` if it was refused.
    fn act(&self, act: Act, promised: &mut Promised) -> bool {
        match act {
            Act::Put(number) => {
                let done = self.objects.put(SPACE, &object(number)).is_ok();
                promised.objects.extend(done.then_some(number));
                done
            }
            Act::Arrive(number) => {
                let done = self.arrive(&object(number)).is_ok();
                promised.objects.extend(done.then_some(number));
                done
            }
            Act::GiveUp(number) => {
                let object = object(number);
                let begun = self.objects.receive(SPACE, object.id());
                begun.is_ok_and(|mut arriving| arriving.write(object.as_bytes()).is_ok())
            }
            Act::Append(a, b) => {
                let ids = [object(a).id(), object(b).id()];
                let confirmed = self.objects.confirm(SPACE, &ids).is_ok_and(|found| found.iter().all(Option::is_some));
                let done = confirmed && self.append(&ids).is_some();
                promised.records.extend(done.then_some([a, b]));
                done
            }
        }
    }

    fn arrive(&self, object: &NamedBytes) -> Result<Put, Error> {
        let mut arriving = self.objects.receive(SPACE, object.id())?;
        object.as_bytes().chunks(5).try_for_each(|piece| arriving.write(piece))?;
        self.objects.take(arriving)
    }

    fn append(&self, ids: &[ObjectId]) -> Option<()> {
        let expected = self.journal.head(SPACE).ok()?;
        let note = format!("record after {expected:?}\n");
        let slot_key = expected.is_none().then_some(&SLOT_KEY);
        let entry =
            Entry { space: SPACE, expected, note: note.as_bytes(), objects: ids, slot_key, kept: 1, charge: None };
        self.journal.append(entry).ok().map(|_| ())
    }
}

/// What must hold whatever happened: nothing wrong under a right name, and every promise kept.
fn check(disk: &SimulatedDisk, promised: &Promised, journal: &MemoryJournal, story: &str) {
    let objects = FileObjects::open(disk.clone(), ROOT.as_ref()).unwrap();
    for number in 0..4 {
        let object = object(number);
        let found = objects.get(SPACE, object.id()).unwrap_or_else(|error| panic!("{story}: object {number}: {error}"));
        match found {
            Some(bytes) => assert_eq!(bytes, object.as_bytes(), "{story}: object {number} is wrong under its name"),
            None => assert!(!promised.objects.contains(&number), "{story}: acknowledged object {number} is gone"),
        }
    }
    for named in promised.records.iter().flatten() {
        assert!(objects.get(SPACE, object(*named).id()).unwrap().is_some(), "{story}: a record names what is gone");
    }
    let head = journal.moved_beside(disk).head(SPACE).unwrap();
    let records = head.map_or(0, |head| head.number + 1);
    assert_eq!(records, promised.records.len() as u64, "{story}: records and acknowledgements differ");
    let listed = objects.list(SPACE, None, 100).unwrap();
    assert!(
        promised.objects.iter().all(|number| listed.contains(&object(*number).id())),
        "{story}: the list lacks one"
    );
}

/// Cuts the power now and checks what the machine may find. Returns the number of states, and whether they are all.
fn cut(
    disk: &SimulatedDisk,
    promised: &Promised,
    journal: &MemoryJournal,
    states_max: usize,
    story: &str,
) -> (usize, bool) {
    let (states, all) = disk.survivors(states_max, 20_261_121);
    for (number, state) in states.iter().enumerate() {
        check(state, promised, journal, &format!("{story}, state {number}"));
    }
    (states.len(), all)
}

/// Runs acts whether or not one is refused. Once the disk stops, they all are.
fn run(disk: &SimulatedDisk, journal: &MemoryJournal, acts: &[Act], promised: &mut Promised) {
    let Ok(process) = Process::start(disk, journal) else { return };
    for act in acts {
        process.act(*act, promised);
    }
}

#[test]
fn at_every_step_a_power_cut_keeps_every_promise_in_every_allowed_state() {
    let (mut points, mut states) = (0, 0);
    for step in 0.. {
        let disk = SimulatedDisk::new(SECTOR_BYTES);
        let journal = MemoryJournal::beside(&disk);
        let mut promised = Promised::default();
        disk.fail_at(step, Fault::Stop);
        run(&disk, &journal, &SMALL, &mut promised);
        let finished = disk.calls().len() <= step;
        let (number, all) = cut(&disk, &promised, &journal, 1 << 12, &format!("power cut before step {step}"));
        assert!(all, "step {step} has more states than this test looks at");
        (points, states) = (points + 1, states + number);
        if finished {
            break;
        }
    }
    println!("{points} power cuts, {states} states, all that there are");
    assert!(points >= 50 && states >= 260, "the history has become too short to mean anything");
}

/// The same with objects that come in piece by piece.
const ARRIVING: [Act; 5] = [Act::Arrive(0), Act::GiveUp(1), Act::Arrive(1), Act::Append(0, 1), Act::Arrive(0)];

#[test]
fn at_every_step_of_what_arrives_a_power_cut_keeps_every_promise() {
    let (mut points, mut states) = (0, 0);
    for step in 0.. {
        for fault in [Fault::Stop, Fault::Error(ErrorKind::StorageFull)] {
            let disk = SimulatedDisk::new(SECTOR_BYTES);
            let journal = MemoryJournal::beside(&disk);
            let mut promised = Promised::default();
            disk.fail_at(step, fault);
            run(&disk, &journal, &ARRIVING, &mut promised);
            let (number, _) = cut(&disk, &promised, &journal, 1 << 12, &format!("{fault:?} at step {step}"));
            (points, states) = (points + 1, states + number);
            if disk.calls().len() <= step {
                println!("{points} faults, {states} states");
                assert!(points >= 60 && states >= 260, "the history has become too short to mean anything");
                return;
            }
        }
    }
}

/// What the next process does first: put what the dead one may have put, or name it without putting.
const SECOND: [[Act; 3]; 2] =
    [[Act::Put(1), Act::Put(0), Act::Append(0, 1)], [Act::Append(0, 0), Act::Append(1, 0), Act::Put(1)]];

#[test]
fn a_process_that_dies_leaves_nothing_that_a_later_power_cut_could_break() {
    let (mut points, mut states) = (0, 0);
    for acts in SECOND {
        for death in 0.. {
            let mut outlived = false;
            for step in 0.. {
                let disk = SimulatedDisk::new(SECTOR_BYTES);
                let journal = MemoryJournal::beside(&disk);
                let mut promised = Promised::default();
                disk.fail_at(death, Fault::Stop);
                run(&disk, &journal, &SMALL[..3], &mut promised);
                let again = disk.calls().len();
                outlived = again <= death;
                disk.fail_at(again + step, Fault::Stop);
                run(&disk, &journal, &acts, &mut promised);
                let story = format!("death before step {death}, then a power cut {step} steps later in {acts:?}");
                let finished = disk.calls().len() <= again + step;
                let (number, all) = cut(&disk, &promised, &journal, 1 << 12, &story);
                assert!(all, "{story} has more states than this test looks at");
                (points, states) = (points + 1, states + number);
                if finished {
                    break;
                }
            }
            if outlived {
                break;
            }
        }
    }
    println!("{points} deaths with power cuts, {states} states, all that there are");
    assert!(points > 1_000, "the history has become too short to mean anything");
}

#[test]
fn any_failing_call_is_reported_and_leaves_the_store_whole() {
    for kind in [ErrorKind::StorageFull, ErrorKind::Other, ErrorKind::Interrupted] {
        for step in 0.. {
            let disk = SimulatedDisk::new(SECTOR_BYTES);
            let journal = MemoryJournal::beside(&disk);
            let mut promised = Promised::default();
            disk.fail_at(step, Fault::Error(kind));
            // Opening may be what fails; whoever was refused tries again.
            let process = Process::start(&disk, &journal).or_else(|_| Process::start(&disk, &journal)).unwrap();
            let mut refused = 0;
            for act in SMALL {
                if !process.act(act, &mut promised) {
                    refused += 1;
                    let story = format!("{kind:?} at step {step} of {act:?}");
                    check(&disk, &promised, &journal, &story);
                    cut(&disk, &promised, &journal, 256, &story);
                    if let Act::Put(number) = act {
                        // The name may be there all the same; whoever relies on it makes it durable.
                        process.act(Act::Append(number, number), &mut promised);
                        cut(&disk, &promised, &journal, 256, &story);
                    }
                    assert!(process.act(act, &mut promised), "{story}: it is refused again");
                }
            }
            assert!(refused <= 1, "one fault had {refused} acts refused");
            let fault_was_met = disk.calls().len() > step;
            disk.go_on();
            let story = format!("{kind:?} at step {step}");
            check(&disk, &promised, &journal, &story);
            cut(&disk, &promised, &journal, 256, &story);
            assert_eq!(temporaries(&disk), 0, "{story}: a temporary file is left");
            if !fault_was_met {
                break;
            }
        }
    }
}

#[test]
fn a_full_disk_is_told_apart_from_a_broken_one() {
    for (kind, full) in [(ErrorKind::StorageFull, true), (ErrorKind::QuotaExceeded, true), (ErrorKind::Other, false)] {
        let disk = SimulatedDisk::new(SECTOR_BYTES);
        let objects = FileObjects::open(disk.clone(), ROOT.as_ref()).unwrap();
        objects.put(SPACE, &object(0)).unwrap();
        disk.damage(&path(0), b"other").unwrap();
        let write = disk.calls().len() + 3;
        disk.fail_at(write, Fault::Error(kind));
        let refused = objects.put(SPACE, &object(0)).unwrap_err();
        assert_eq!(disk.calls().get(write), Some(&"write"), "{:?}", disk.calls());
        assert_eq!(refused.is_full(), full, "{kind:?}");
    }
}

#[test]
fn random_histories_of_two_processes_keep_every_promise() {
    let (mut states, mut cuts) = (0, 0);
    for seed in 0..300 {
        let mut random = Random(seed);
        let disk = SimulatedDisk::new(SECTOR_BYTES);
        let journal = MemoryJournal::beside(&disk);
        let mut promised = Promised::default();
        let mut processes = [None, None];
        disk.fail_at(random.below(160), Fault::Stop);
        for _ in 0..24 {
            let process = &mut processes[random.below(2)];
            if process.is_none() || random.below(8) == 0 {
                *process = Process::start(&disk, &journal).ok();
            }
            let act = match random.below(3) {
                0 => Act::Append(random.below(4), random.below(4)),
                _ => Act::Put(random.below(4)),
            };
            if let Some(process) = process {
                process.act(act, &mut promised);
            }
        }
        states += cut(&disk, &promised, &journal, 64, &format!("seed {seed}")).0;
        cuts += 1;
    }
    println!("{cuts} histories, {states} states");
}

/// Two processes put the same objects, call by call in a seeded order, until the power is cut.
fn race(seed: u64, step: usize) -> (SimulatedDisk, MemoryJournal, Promised) {
    let disk = SimulatedDisk::new(SECTOR_BYTES);
    let journal = MemoryJournal::beside(&disk);
    disk.fail_at(step, Fault::Stop);
    let turns = Turns::new(2, seed);
    let promised = thread::scope(|scope| {
        let racers = [[Act::Put(0), Act::Put(1)], [Act::Put(1), Act::Put(0)]].into_iter().enumerate();
        let racers: Vec<_> = racers
            .map(|(thread, acts)| {
                let (disk, journal, turns) = (disk.in_turn(&turns, thread), &journal, &turns);
                scope.spawn(move || {
                    let mut promised = Promised::default();
                    run(&disk, journal, &acts, &mut promised);
                    turns.leave(thread);
                    promised.objects
                })
            })
            .collect();
        racers.into_iter().flat_map(|racer| racer.join().unwrap()).collect()
    });
    (disk, journal, Promised { objects: promised, records: Vec::new() })
}

#[test]
fn racing_processes_keep_every_promise_when_the_power_is_cut_between_any_two_calls() {
    let (mut points, mut states, mut sampled) = (0, 0, 0);
    for seed in 0..40 {
        for step in 0.. {
            let (disk, journal, promised) = race(seed, step);
            let finished = promised.objects.len() == 4;
            let story = format!("seed {seed}, power cut before step {step}");
            let (number, all) = cut(&disk, &promised, &journal, 64, &story);
            (points, states, sampled) = (points + 1, states + number, sampled + usize::from(!all));
            if finished {
                break;
            }
        }
    }
    println!("{points} power cuts, {states} states, sampled at {sampled} of the cuts");
    assert!(points > 1_000, "the race has become too short to mean anything");
}

#[test]
fn a_put_costs_a_write_for_each_mebibyte_one_sync_and_one_sync_of_its_folder() {
    let disk = SimulatedDisk::new(1 << 20);
    let objects = FileObjects::open(disk.clone(), ROOT.as_ref()).unwrap();
    let large = NamedBytes::name(vec![1; 16 << 20]).unwrap();
    objects.put(SPACE, &large).unwrap();
    // The folders are there now; mending the same object takes the path of a new one, after one look.
    let file = Path::new(ROOT).join(SPACE.to_string()).join(&large.id().to_string()[..1]).join(large.id().to_string());
    disk.remove(&file).unwrap();
    let before = disk.calls().len();
    objects.put(SPACE, &large).unwrap();
    let expected = [&["open", "create"][..], &["write"; 16], &["sync", "rename", "sync_dir"]].concat();
    assert_eq!(disk.calls()[before..], expected);
}

#[test]
fn damage_under_a_name_is_mended_by_the_next_put() {
    for wrong in [&b""[..], b"object", b"object 99", b"object 00 "] {
        let disk = SimulatedDisk::new(SECTOR_BYTES);
        let objects = FileObjects::open(disk.clone(), ROOT.as_ref()).unwrap();
        assert_eq!(objects.put(SPACE, &object(0)).unwrap(), Put::New);
        disk.damage(&path(0), wrong).unwrap();
        assert_eq!(objects.put(SPACE, &object(0)).unwrap(), Put::Mended, "{wrong:?}");
        assert_eq!(objects.get(SPACE, object(0).id()).unwrap().unwrap(), object(0).as_bytes());
        assert_eq!(objects.put(SPACE, &object(0)).unwrap(), Put::Present);
    }
}

#[test]
fn a_present_object_that_cannot_be_read_is_written_anew() {
    let disk = SimulatedDisk::new(SECTOR_BYTES);
    let objects = FileObjects::open(disk.clone(), ROOT.as_ref()).unwrap();
    objects.put(SPACE, &object(0)).unwrap();
    let read = disk.calls().len() + 2;
    disk.fail_at(read, Fault::Error(ErrorKind::Other));
    assert_eq!(objects.put(SPACE, &object(0)).unwrap(), Put::Mended);
    assert_eq!(disk.calls().get(read), Some(&"read"));
    assert_eq!(objects.get(SPACE, object(0).id()).unwrap().unwrap(), object(0).as_bytes());
}

#[test]
fn a_file_of_impossible_length_is_damaged_not_absent() {
    let disk = SimulatedDisk::new(SECTOR_BYTES);
    let objects = FileObjects::open(disk.clone(), ROOT.as_ref()).unwrap();
    objects.put(SPACE, &object(0)).unwrap();
    for length in [0, (16 << 20) + 1] {
        disk.damage(&path(0), &vec![0; length]).unwrap();
        assert!(matches!(objects.get(SPACE, object(0).id()), Err(Error::Damaged { .. })), "{length} bytes passed");
    }
}

#[test]
fn putting_a_present_object_renews_its_time_durably() {
    let disk = SimulatedDisk::new(SECTOR_BYTES);
    let objects = FileObjects::open(disk.clone(), ROOT.as_ref()).unwrap();
    objects.put(SPACE, &object(0)).unwrap();
    let first = objects.stat(SPACE, object(0).id()).unwrap().unwrap().last_put;
    disk.advance(Duration::from_secs(3_600));
    objects.put(SPACE, &object(0)).unwrap();
    let (states, all) = disk.survivors(1 << 12, 1);
    assert!(all);
    for state in states {
        let objects = FileObjects::open(state, ROOT.as_ref()).unwrap();
        let renewed = objects.stat(SPACE, object(0).id()).unwrap().unwrap().last_put;
        assert_eq!(renewed.duration_since(first).unwrap(), Duration::from_secs(3_600));
    }
}

#[test]
fn old_temporaries_are_removed_and_young_ones_left_alone() {
    let disk = SimulatedDisk::new(SECTOR_BYTES);
    let objects = FileObjects::open(disk.clone(), ROOT.as_ref()).unwrap();
    objects.put(SPACE, &object(0)).unwrap();
    disk.remove(&path(0)).unwrap();
    let rename = disk.calls().len() + 4;
    disk.fail_at(rename, Fault::Stop);
    objects.put(SPACE, &object(0)).unwrap_err();
    disk.go_on();
    assert_eq!(temporaries(&disk), 1);
    let later = FileObjects::open(disk.clone(), ROOT.as_ref()).unwrap();
    disk.advance(TEMPORARY_AGE_MIN - Duration::from_secs(1));
    assert_eq!(later.clean().unwrap(), 0);
    later.put(SPACE, &object(0)).unwrap();
    assert_eq!(temporaries(&disk), 1);
    disk.advance(Duration::from_secs(1));
    assert_eq!(later.clean().unwrap(), 1);
    assert_eq!(temporaries(&disk), 0);
    assert_eq!(later.get(SPACE, object(0).id()).unwrap().unwrap(), object(0).as_bytes());
}

#[test]
fn the_first_put_into_a_folder_removes_what_is_old_there() {
    let disk = SimulatedDisk::new(SECTOR_BYTES);
    let objects = FileObjects::open(disk.clone(), ROOT.as_ref()).unwrap();
    objects.put(SPACE, &object(0)).unwrap();
    let temporary = path(0).with_extension("1-1.new");
    disk.create(&temporary).unwrap();
    disk.advance(TEMPORARY_AGE_MIN);
    objects.put(SPACE, &object(0)).unwrap();
    assert_eq!(temporaries(&disk), 1, "a folder is cleaned once, not at each put");
    FileObjects::open(disk.clone(), ROOT.as_ref()).unwrap().put(SPACE, &object(0)).unwrap();
    assert_eq!(temporaries(&disk), 0);
}

#[test]
fn what_is_not_taken_leaves_no_folder_and_a_folder_that_was_taken_away_is_made_anew() {
    let disk = SimulatedDisk::new(SECTOR_BYTES);
    let process = Process::start(&disk, &MemoryJournal::beside(&disk)).unwrap();
    let mut forged = process.objects.receive(SPACE, object(1).id()).unwrap();
    forged.write(object(2).as_bytes()).unwrap();
    assert!(matches!(process.objects.take(forged), Err(Error::WrongName { .. })));
    assert!(process.act(Act::GiveUp(0), &mut Promised::default()));
    assert_eq!(disk.list(ROOT.as_ref()).unwrap(), ["arriving"]);
    assert_eq!(disk.list(&Path::new(ROOT).join("arriving")).unwrap(), Vec::<String>::new());

    process.arrive(&object(0)).unwrap();
    disk.remove(&path(0)).unwrap();
    disk.remove_dir(path(0).parent().unwrap()).unwrap();
    assert!(process.arrive(&object(0)).is_err());
    assert_eq!(process.arrive(&object(0)).unwrap(), Put::New);
}

#[test]
fn what_a_crash_has_left_of_arriving_objects_is_removed_when_it_is_old() {
    let disk = SimulatedDisk::new(SECTOR_BYTES);
    let arriving = |name: &str| Path::new(ROOT).join("arriving").join(name);
    let start = || FileObjects::open(disk.clone(), ROOT.as_ref()).unwrap();
    drop(start().receive(SPACE, object(0).id()).unwrap());
    disk.create(&arriving("1.new")).unwrap();
    disk.advance(TEMPORARY_AGE_MIN);
    disk.create(&arriving("2.new")).unwrap();
    assert_eq!(start().clean().unwrap(), 1);
    disk.advance(TEMPORARY_AGE_MIN);
    drop(start().receive(SPACE, object(0).id()).unwrap());
    assert_eq!(disk.list(&arriving("")).unwrap(), Vec::<String>::new());
}

fn path(number: usize) -> std::path::PathBuf {
    let id = object(number).id().to_string();
    Path::new(ROOT).join(SPACE.to_string()).join(&id[..1]).join(&id)
}

fn temporaries(disk: &SimulatedDisk) -> usize {
    let space = Path::new(ROOT).join(SPACE.to_string());
    let folders = disk.list(&space).unwrap_or_default();
    let names = folders.iter().flat_map(|folder| disk.list(&space.join(folder)).unwrap());
    names.filter(|name| name.ends_with(".new")).count()
}
