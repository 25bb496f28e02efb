//! What a witness signs, what it remembers, and that it never signs what it might forget.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use hizo_keeper::witness::{Error, LOG_KEYS_MAX, Refusal, Witness, WitnessFolder};
use hizo_ledger::log::checkpoint::{Checkpoint, UnverifiedCheckpoint};
use hizo_ledger::log::note::{CheckpointKey, NamedKey};
use hizo_ledger::log::policy::Policy;
use hizo_ledger::log::witness::AddCheckpoint;
use hizo_store::disk::SystemDisk;
use hizo_store::published::PublishedFiles;
use hizo_store::simulated::{Fault, SimulatedDisk};
use tempfile::TempDir;
use zeroize::Zeroizing;

use super::world::{NOW, TestLog, seed, shared, signer};
use crate::kit::key;

const NAME: &str = "witness.example/w1";

fn witness(disk: &SimulatedDisk) -> Result<Witness<SimulatedDisk>, Refusal> {
    Ok(Witness::new(PublishedFiles::open(disk.clone(), Path::new("/public"))?, signer(NAME)))
}

fn new() -> Witness<SimulatedDisk> {
    witness(&SimulatedDisk::new(512)).unwrap()
}

/// The head that a witness serves, which must bear its signatures and the log's.
fn served(witness: &Witness<SimulatedDisk>, log: &TestLog) -> Option<Checkpoint> {
    let note = match witness.checkpoint(&log.origin_hash()) {
        Err(Refusal::UnknownLog) => return None,
        other => other.unwrap(),
    };
    let read = UnverifiedCheckpoint::parse(&note).unwrap();
    for key in witness.keys().iter().chain([&log.key]) {
        assert!(read.signed_by(key).unwrap().is_some(), "{} has not signed", key.name());
    }
    Some(read.claimed().clone())
}

#[test]
fn a_witness_signs_what_goes_on_and_serves_the_newest() {
    let (witness, log) = (new(), shared(300));
    assert!(served(&witness, &log).is_none());
    let mut old = 0;
    for new in [0, 0, 1, 1, 3, 255, 256, 256, 257, 300] {
        let lines = witness.add_checkpoint(&log.known(), &log.request(old, new), NOW + new).unwrap();
        let note = [log.note(new), lines.into_bytes()].concat();
        let read = UnverifiedCheckpoint::parse(&note).unwrap();
        for key in witness.keys() {
            assert_eq!(read.signed_by(key), Ok(Some(NOW + new)));
        }
        assert_eq!(served(&witness, &log), Some(log.head(new)));
        old = new;
    }
}

#[test]
fn every_rule_is_refused_with_its_status_and_nothing_is_signed() {
    let (witness, log, fork) = (new(), shared(20), TestLog::new("keeper.example/log", 20, 3));
    let known = log.known();
    witness.add_checkpoint(&known, &log.request(0, 5), NOW).unwrap();
    let stranger = TestLog::new("other.example/log", 20, 20);
    let with = |old: u64, path: Vec<_>, checkpoint: Vec<u8>| AddCheckpoint { old, path, checkpoint }.to_bytes();
    let mut forged = log.head(9);
    forged.size = 8;
    let false_line = {
        let text = String::from_utf8(log.note(9)).unwrap();
        text.replace("\n9\n", "\n10\n").into_bytes()
    };
    let other_empty = Checkpoint { root: log.head(1).root, ..log.head(0) };
    let mut bad_path = log.path(5, 9);
    bad_path.reverse();
    for (why, body, time, status) in [
        ("no request", b"hello".to_vec(), NOW, 400),
        ("no checkpoint", b"old 5\n\nhello\n".to_vec(), NOW, 400),
        (
            "an extension line",
            with(
                5,
                log.path(5, 9),
                String::from_utf8(log.note(9)).unwrap().replacen("\n\n", "\nmore\n\n", 1).into_bytes(),
            ),
            NOW,
            400,
        ),
        ("another log", stranger.request(0, 5), NOW, 404),
        ("no signature of the log", with(5, log.path(5, 9), stranger_signs(&stranger, &log.head(9))), NOW, 403),
        ("a signature that does not hold", with(5, log.path(5, 10), false_line), NOW, 403),
        ("an old size above the size", with(10, Vec::new(), log.note(9)), NOW, 400),
        ("an old size that it has not seen", log.request(3, 9), NOW, 409),
        ("an old size of nothing", log.request(0, 9), NOW, 409),
        ("a smaller head", log.request(4, 4), NOW, 409),
        ("another head of that size", fork.request(5, 5), NOW, 422),
        ("a fork", fork.request(5, 9), NOW, 422),
        ("no path", with(5, Vec::new(), log.note(9)), NOW, 422),
        ("a wrong path", with(5, bad_path, log.note(9)), NOW, 422),
        ("a path to itself", with(5, log.path(5, 9), log.note(5)), NOW, 422),
        ("a root of another size", with(5, log.path(5, 9), log.sign(&forged)), NOW, 422),
        ("a clock that was put back", log.request(5, 9), NOW - 1, 503),
    ] {
        let refusal = witness.add_checkpoint(&known, &body, time).unwrap_err();
        assert_eq!(refusal.status(), status, "{why}: {refusal}");
        assert_eq!(served(&witness, &log), Some(log.head(5)), "{why} was signed");
        if let Refusal::Conflict { size } = refusal {
            assert_eq!(size, 5, "{why}");
        }
    }
    let fresh = new();
    for (why, body) in [
        ("a path from nothing", with(0, log.path(5, 9), log.note(9))),
        ("an empty log with another root", with(0, Vec::new(), log.sign(&other_empty))),
        ("an empty log with a path", with(0, log.path(5, 9), log.note(0))),
    ] {
        let refusal = fresh.add_checkpoint(&known, &body, NOW).unwrap_err();
        assert_eq!(refusal.status(), 422, "{why}: {refusal}");
    }
    assert!(served(&fresh, &log).is_none());
    for hash in ["", "..", &"A".repeat(64), &"a".repeat(63)] {
        assert!(matches!(fresh.checkpoint(hash), Err(Refusal::UnknownLog)), "{hash}");
    }
}

/// A note over somebody else's head.
fn stranger_signs(stranger: &TestLog, head: &Checkpoint) -> Vec<u8> {
    stranger.sign(head)
}

#[test]
fn one_of_a_logs_keys_is_enough_and_each_that_signs_must_hold() {
    let (witness, log) = (new(), shared(9));
    let second = NamedKey::new("keeper.example/log", CheckpointKey::Log(key("another key"))).unwrap();
    let both = Policy::parse(format!("log {second}\nlog {}\nquorum none\n", log.key).as_bytes()).unwrap();
    witness.add_checkpoint(&both, &log.request(0, 5), NOW).unwrap();
    // The line of one key says that it is the other's.
    let line = String::from_utf8(log.note(5)).unwrap();
    let value = line.rsplit_once(' ').unwrap().1.trim_end();
    let mut bytes = base64(value);
    bytes[..4].copy_from_slice(&second.id());
    let forged = hizo_ledger::log::note::signature_line(&second, &bytes[4..]);
    let request = [log.request(5, 5), forged.into_bytes()].concat();
    assert_eq!(witness.add_checkpoint(&both, &request, NOW).unwrap_err().status(), 403);
}

fn base64(text: &str) -> Vec<u8> {
    let sextet = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'=').map(sextet).collect();
    digits
        .chunks(4)
        .flat_map(|four| {
            let bits = four.iter().fold(0_u32, |bits, six| bits << 6 | u32::from(*six)) << (6 * (4 - four.len()));
            bits.to_be_bytes()[1..four.len()].to_vec()
        })
        .collect()
}

/// What a keeper has of a witness while the power goes: the sizes that were signed, or shown to monitors.
fn play(disk: &SimulatedDisk, log: &TestLog, seen: &mut u64) -> Result<(), Refusal> {
    let witness = witness(disk)?;
    for (old, new) in [(0, 3), (3, 3), (3, 5), (5, 9)] {
        witness.add_checkpoint(&log.known(), &log.request(old, new), NOW + new)?;
        *seen = new;
    }
    Ok(())
}

#[test]
fn at_every_step_a_power_cut_leaves_a_witness_that_remembers_what_it_has_signed() {
    let log = shared(20);
    let forks: Vec<TestLog> = (0..9).map(|fork| TestLog::new("keeper.example/log", 20, fork)).collect();
    let (mut points, mut states) = (0, 0);
    for step in 0.. {
        let (disk, mut seen) = (SimulatedDisk::new(512), 0);
        disk.fail_at(step, Fault::Stop);
        let finished = play(&disk, &log, &mut seen).is_ok();
        let (survivors, _) = disk.survivors(16, 20_261_125);
        for survivor in &survivors {
            let story = format!("cut before step {step}");
            let witness = witness(survivor).unwrap();
            let remembered = served(&witness, &log).map_or(0, |head| head.size);
            assert!(remembered >= seen, "{story}: {seen} was signed and {remembered} is remembered");
            // No fork that leaves out something signed is signed now, wherever it begins.
            for (fork, other) in (0..seen).zip(&forks) {
                let refusal = witness.add_checkpoint(&log.known(), &other.request(remembered, 12), NOW + 100);
                assert!(refusal.is_err(), "{story}: a fork at {fork} was signed after {seen}");
            }
            witness.add_checkpoint(&log.known(), &log.request(remembered, 20), NOW + 100).unwrap();
        }
        (points, states) = (points + 1, states + survivors.len());
        if finished {
            break;
        }
    }
    println!("{points} power cuts, {states} states");
    assert!(points > 20, "too few steps to mean anything");
}

#[test]
fn whatever_a_monitor_was_shown_outlives_a_power_cut() {
    let log = shared(20);
    // A sync that fails, or a process that dies, leaves a file that is named and not durable.
    for fault in [Fault::Error(ErrorKind::Other), Fault::Stop] {
        for step in 0.. {
            let (disk, mut seen) = (SimulatedDisk::new(512), 0);
            disk.fail_at(step, fault);
            let first = witness(&disk);
            let finished = first.is_ok() && play(&disk, &log, &mut seen).is_ok();
            disk.go_on();
            let found = match (fault, first) {
                (Fault::Error(_), Ok(witness)) => served(&witness, &log),
                _ => served(&witness(&disk).unwrap(), &log),
            };
            let found = found.map_or(0, |head| head.size);
            assert!(found >= seen);
            for survivor in &disk.survivors(16, 20_261_125).0 {
                let remembered = served(&witness(survivor).unwrap(), &log).map_or(0, |head| head.size);
                assert!(remembered >= found, "step {step}: {found} was shown and {remembered} is remembered");
            }
            if finished {
                break;
            }
        }
    }
}

#[test]
fn a_call_that_fails_signs_nothing_and_the_same_request_works_afterwards() {
    let log = shared(20);
    for step in 0.. {
        let disk = SimulatedDisk::new(512);
        let witness = witness(&disk).unwrap();
        witness.add_checkpoint(&log.known(), &log.request(0, 3), NOW).unwrap();
        let at = disk.calls().len() + step;
        disk.fail_at(at, Fault::Error(ErrorKind::StorageFull));
        let met = witness.add_checkpoint(&log.known(), &log.request(3, 7), NOW);
        let is_over = disk.calls().len() <= at;
        disk.go_on();
        match met {
            Ok(_) if is_over => break,
            // What is there already need not be made, and what was never there need not go.
            Ok(_) => assert!(["create_dir", "remove"].contains(&disk.calls()[at]), "{} failed", disk.calls()[at]),
            Err(refusal) => assert_eq!(refusal.status(), 500, "{refusal}"),
        }
        // It may have taken effect: then it says so, and signs the same head.
        match witness.add_checkpoint(&log.known(), &log.request(3, 7), NOW) {
            Err(Refusal::Conflict { size: 7 }) => {
                witness.add_checkpoint(&log.known(), &log.request(7, 7), NOW).unwrap();
            }
            other => drop(other.unwrap()),
        }
    }
}

#[test]
fn of_two_requests_at_once_one_is_checked_against_what_the_other_left() {
    let log = shared(20);
    for round in 0..30 {
        let witness = Arc::new(new());
        witness.add_checkpoint(&log.known(), &log.request(0, 4), NOW).unwrap();
        let ask = |size: u64| {
            let (witness, log) = (Arc::clone(&witness), Arc::clone(&log));
            thread::spawn(move || witness.add_checkpoint(&log.known(), &log.request(4, size), NOW).is_ok())
        };
        let (small, large) = (ask(6), ask(9));
        let (small, large) = (small.join().unwrap(), large.join().unwrap());
        assert_ne!(small, large, "round {round}: both were signed from one head, or neither");
        assert_eq!(served(&witness, &log), Some(log.head(if large { 9 } else { 6 })));
    }
}

#[test]
fn a_memory_that_was_changed_is_no_memory() {
    let (disk, log) = (SimulatedDisk::new(512), shared(20));
    witness(&disk).unwrap().add_checkpoint(&log.known(), &log.request(0, 5), NOW).unwrap();
    let path = Path::new("/public").join(log.origin_hash()).join("checkpoint");
    let whole = witness(&disk).unwrap().checkpoint(&log.origin_hash()).unwrap();
    let text = String::from_utf8(whole.clone()).unwrap();
    // What it relies on: the text, and its own first line.
    let (by_log, own) = (text.find("— keeper").unwrap(), text.find("— witness").unwrap());
    for place in (0..by_log).chain((own..own + 120).step_by(3)) {
        let mut changed = whole.clone();
        changed[place] ^= 1;
        disk.damage(&path, &changed).unwrap();
        let refusal = witness(&disk).unwrap().add_checkpoint(&log.known(), &log.request(5, 9), NOW);
        assert!(refusal.is_err_and(|refusal| refusal.status() == 500), "byte {place}");
    }
}

fn folder() -> (TempDir, std::path::PathBuf) {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("witness");
    (place, folder)
}

fn init(folder: &Path, name: &str) -> Result<[NamedKey; 2], Error> {
    WitnessFolder::init(folder, name, &Zeroizing::new(seed(name)), [7; 16])
}

#[test]
fn a_folder_is_set_up_once_runs_once_and_signs_for_the_logs_that_it_was_told_of() {
    let (_place, folder) = folder();
    assert!(matches!(WitnessFolder::open(&folder), Err(Error::NotSetUp)));
    for name in ["", "a b", "a+b", &"a".repeat(256)] {
        assert!(matches!(init(&folder, name), Err(Error::Name)), "{name}");
    }
    let keys = init(&folder, NAME).unwrap();
    assert_eq!(init(&folder, NAME).unwrap(), keys);
    assert!(matches!(init(&folder, "witness.example/w2"), Err(Error::AlreadySetUp)));
    let running = WitnessFolder::open(&folder).unwrap();
    assert_eq!(*running.keys(), keys);
    assert!(matches!(WitnessFolder::open(&folder), Err(Error::Running)));
    let log = shared(20);
    assert_eq!(running.add_checkpoint(&log.request(0, 5)).unwrap_err().status(), 404);
    assert!(matches!(WitnessFolder::add_log(&folder, &keys[0]), Err(Error::NotALog)));
    WitnessFolder::add_log(&folder, &log.key).unwrap();
    WitnessFolder::add_log(&folder, &log.key).unwrap();
    let CheckpointKey::Log(same) = log.key.key() else { panic!("a log's key") };
    let renamed = NamedKey::new("other.example", CheckpointKey::Log(*same)).unwrap();
    assert!(matches!(WitnessFolder::add_log(&folder, &renamed), Err(Error::KnownKey)));
    running.add_checkpoint(&log.request(0, 5)).unwrap();
    assert_eq!(running.logs().unwrap().logs().len(), 1);
    drop(running);
    let again = WitnessFolder::open(&folder).unwrap();
    assert!(matches!(again.add_checkpoint(&log.request(0, 5)), Err(Refusal::Conflict { size: 5 })));
}

#[test]
fn a_log_has_few_keys_and_a_damaged_folder_runs_no_witness() {
    let (_place, folder) = folder();
    init(&folder, NAME).unwrap();
    for number in 0..=LOG_KEYS_MAX {
        let key = NamedKey::new("keeper.example/log", CheckpointKey::Log(key(&number.to_string()))).unwrap();
        let added = WitnessFolder::add_log(&folder, &key);
        assert_eq!(added.is_ok(), number < LOG_KEYS_MAX, "{number}: {added:?}");
    }
    std::fs::write(folder.join("logs"), "quorum\n").unwrap();
    assert!(matches!(WitnessFolder::open(&folder), Err(Error::Logs(_))));
    std::fs::remove_file(folder.join("logs")).unwrap();
    for wrong in ["", "w 00\n", "w\n", &format!("{NAME} {}", "0".repeat(64))] {
        std::fs::write(folder.join("witness.key"), wrong).unwrap();
        assert!(matches!(WitnessFolder::open(&folder), Err(Error::Key)), "{wrong}");
    }
}

#[test]
fn what_vanishes_under_a_running_witness_is_missed() {
    let place = tempfile::tempdir().unwrap();
    let files = PublishedFiles::open(SystemDisk, &place.path().join("public")).unwrap();
    let (witness, log) = (Witness::new(files, signer(NAME)), shared(20));
    witness.add_checkpoint(&log.known(), &log.request(0, 5), NOW).unwrap();
    std::fs::remove_file(place.path().join("public").join(log.origin_hash()).join("checkpoint")).unwrap();
    assert_eq!(witness.add_checkpoint(&log.known(), &log.request(0, 9), NOW).unwrap_err().status(), 500);
}
