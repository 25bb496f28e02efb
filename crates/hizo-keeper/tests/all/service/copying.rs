//! The service fills its second directory behind everything else, and says of a record that it is kept twice once it is.

use std::fs;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hizo_keeper::EmbeddedKeeper;
use hizo_keeper::service::{Copying, Settings};
use hizo_ledger::id::SpaceId;
use hizo_ledger::session::Verbs;
use hizo_store::Journal as _;
use hizo_store::journal::SqliteJournal;
use tempfile::TempDir;

use super::world::{Begun, Running, soon, unhurried};
use crate::kit::Draft;

fn start_in(folder: TempDir) -> Running {
    let copying = Copying { directory: folder.path().join("second"), pause: Duration::from_millis(1) };
    Running::start_in(folder, Settings { copying: Some(copying), ..unhurried() })
}

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("second")).unwrap();
    folder
}

fn receipt(running: &Running, begun: &Begun, number: u64) -> String {
    let path = format!("{}/{number}/receipt", begun.records());
    running.ask("GET", &path, Some(&begun.owner), b"").is(200).text().to_owned()
}

/// A deposit of a company, in both directories: its space, and what was put.
fn kept_twice(running: &Running, company: &str) -> (SpaceId, Draft) {
    let mut begun = Begun::new(running, company);
    let (deposit, machine) = (begun.company.deposit("drawings", 2).1, begun.machine.clone());
    begun.keep(running, &machine, &deposit).is(201);
    soon("the deposit is not kept twice", || receipt(running, &begun, 1).contains("\ncopies 2\n"));
    (begun.space(), deposit)
}

#[test]
fn a_record_is_kept_first_and_kept_twice_once_the_second_directory_has_it() {
    let running = start_in(folder());
    let mut begun = Begun::new(&running, "a company");
    let (deposit, machine) = (begun.company.deposit("drawings", 2).1, begun.machine.clone());
    let answer = begun.keep(&running, &machine, &deposit);
    assert!(!answer.is(201).text().contains("copies"), "an append is answered before anything is copied");
    soon("the deposit is not kept twice", || receipt(&running, &begun, 1).contains("\ncopies 2\n"));
    soon("it is not counted", || running.metric("hizo_copy_log_size") == 2);
    let space = begun.space();
    let folder = running.stop();
    // What it cost is counted there, too.
    let keeper = EmbeddedKeeper::open_embedded(&folder.path().join("keeper")).unwrap();
    let copy = SqliteJournal::open(&folder.path().join("second/journal.sqlite")).unwrap();
    let account = keeper.journal().account(space).unwrap();
    assert_eq!(copy.account(space).unwrap(), account);
    let usage = |journal: &SqliteJournal| journal.usage(account.unwrap()).unwrap();
    assert_eq!(usage(keeper.journal()), usage(&copy));
    drop((keeper, copy));
    // A start later it is known without copying anything.
    let running = start_in(folder);
    running.ahead.store(1, Ordering::Relaxed);
    begun.owner = running.token(space, "owner", 100, Verbs::Read);
    soon("it is forgotten", || receipt(&running, &begun, 1).contains("\ncopies 2\n"));
}

#[test]
fn a_directory_that_is_handed_out_and_its_proof_go_to_the_second_directory_too() {
    let running = start_in(folder());
    kept_twice(&running, "one company");
    let [here, there] = ["keeper", "second"].map(|of| running.folder().join(of).join("directories/0123456789abcdef"));
    assert!(!there.parent().unwrap().exists(), "nothing is made where there is none");
    fs::create_dir_all(&here).unwrap();
    for name in ["1", "1.proof", "not one"] {
        fs::write(here.join(name), name).unwrap();
    }
    kept_twice(&running, "another one");
    let read = |name: &str| fs::read_to_string(there.join(name)).ok();
    soon("the directory is not there", || read("1").as_deref() == Some("1"));
    assert_eq!((read("1.proof").as_deref(), read("not one")), (Some("1.proof"), None));
    // A proof may be made anew; a directory never.
    fs::write(here.join("1.proof"), "refreshed").unwrap();
    kept_twice(&running, "a third one");
    soon("the proof is not there", || read("1.proof").as_deref() == Some("refreshed"));
}

#[test]
fn a_second_directory_that_is_gone_holds_nothing_up_and_is_told() {
    let folder = folder();
    fs::remove_dir(folder.path().join("second")).unwrap();
    let running = start_in(folder);
    let mut begun = Begun::new(&running, "a company");
    let (deposit, machine) = (begun.company.deposit("drawings", 2).1, begun.machine.clone());
    begun.keep(&running, &machine, &deposit).is(201);
    soon("it is not told", || {
        running.ask("GET", "/health", None, b"").is(200).text().contains("nothing new is copied")
    });
    assert!(!receipt(&running, &begun, 1).contains("copies"));
    assert!(running.metric("hizo_copy_failures_total") > 0);
}

#[test]
fn the_running_service_mends_what_is_damaged_and_says_how_old_its_reading_is() {
    let folder = folder();
    let running = start_in(folder);
    let (space, deposit) = kept_twice(&running, "a company");
    let folder = running.stop();
    let id = deposit.objects[0].id().to_string();
    let path = folder.path().join("keeper/objects").join(space.to_string()).join(&id[..1]).join(&id);
    fs::write(&path, b"other bytes").unwrap();
    let _ = fs::remove_file(folder.path().join("keeper/scrub"));
    let running = start_in(folder);
    soon("it is not mended", || running.metric("hizo_scrub_mended_total") == 1);
    assert_eq!(fs::read(&path).unwrap(), deposit.objects[0].as_bytes());
    assert!(running.metric("hizo_scrub_oldest_seconds") < 60);
    assert!(running.lines.lock().unwrap().iter().any(|line| line.contains("damage was mended")));
}

#[test]
fn what_cannot_be_mended_is_told_after_a_start_too_until_a_reading_finds_it_whole() {
    let running = start_in(folder());
    let (space, deposit) = kept_twice(&running, "a company");
    let folder = running.stop();
    let id = deposit.objects[0].id().to_string();
    let put = |folder: &TempDir, bytes: &[u8]| {
        for objects in ["keeper/objects", "second/objects"] {
            fs::write(folder.path().join(objects).join(space.to_string()).join(&id[..1]).join(&id), bytes).unwrap();
        }
    };
    put(&folder, b"other bytes");
    let _ = fs::remove_file(folder.path().join("keeper/scrub"));
    let running = start_in(folder);
    soon("it is not found", || running.metric("hizo_scrub_lost") == 2);
    let folder = running.stop();
    // Nothing is due for half an hour.
    let running = start_in(folder);
    let told = || running.ask("GET", "/health", None, b"").is(200).text().contains("damaged and not mended: 2");
    soon("it is forgotten", told);
    let folder = running.stop();
    put(&folder, deposit.objects[0].as_bytes());
    fs::remove_file(folder.path().join("keeper/scrub")).unwrap();
    let running = start_in(folder);
    soon("it is not read", || running.metric("hizo_scrub_objects_total") > 0);
    assert_eq!(running.metric("hizo_scrub_lost"), 0);
}
