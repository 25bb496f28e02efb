//! A keeper elsewhere with a second directory: what the company is told, and what the operator mends.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use crate::keeper::Process;
use crate::kit::{self, Home, program, said};

/// As long as a test waits for something that must come.
const LONG: Duration = Duration::from_secs(120);

#[test]
fn status_says_kept_twice_once_it_is_and_a_scrub_mends_from_the_other_place_or_names_what_is_lost() {
    let place = tempfile::tempdir().unwrap();
    let config = place.path().join("keeper.toml");
    fs::create_dir(place.path().join("second")).unwrap();
    let text = "data = \"data\"\nlisten = \"127.0.0.1:0\"\n\
                [admission]\nmode = \"open\"\n[copy]\ndirectory = \"second\"\npause_seconds = 1\n";
    fs::write(&config, text).unwrap();
    let mut keeper = Process::start_by(&config);
    let home = Home::unmade();
    home.ok(["init", "--keeper", &format!("http://{}", keeper.address())]);
    home.make_cheap();
    let folder = home.beside("moulds");
    fs::write(folder.join("KX-204.dxf"), "0\nSECTION\n").unwrap();
    home.deposit(&folder, "moulds");
    let until = Instant::now() + LONG;
    loop {
        let status = home.ok(["status", "--json"]).json();
        if status["deposits"][0]["copies"] == 2 {
            break;
        }
        assert_eq!(status["deposits"][0]["copies"], 1);
        assert!(Instant::now() < until, "it is never kept twice");
        thread::yield_now();
    }
    assert!(home.ok(["status"]).out.contains("kept twice "));
    // It is kept here too: a keeper that says less from then on takes nothing away.
    assert_eq!(keeper.end("-TERM"), Some(0));
    let kept = kit::files_below(&home.path.join("receipts"))
        .iter()
        .filter(|path| fs::read_to_string(path).unwrap().contains("\ncopies 2\n"))
        .count();
    assert_eq!(kept, 1);

    let scrub = || said(program(env!("CARGO_BIN_EXE_hizo")).args(["keeper", "scrub", "--config"]).arg(&config));
    assert_eq!(scrub().code, Some(0));
    let (first, second) =
        (kit::files_below(&place.path().join("data/objects")), kit::files_below(&place.path().join("second/objects")));
    assert_eq!(first.len(), second.len());
    let whole = fs::read(&first[0]).unwrap();
    fs::write(&first[0], b"other bytes").unwrap();
    let mended = scrub();
    assert_eq!(mended.code, Some(0));
    assert!(mended.out.contains("mended: object ") && mended.out.contains("1 mended, 0 damaged"), "{mended:?}");
    assert_eq!(fs::read(&first[0]).unwrap(), whole);
    fs::write(&first[0], b"other bytes").unwrap();
    fs::remove_file(&second[0]).unwrap();
    let lost = scrub();
    assert_eq!(lost.code, Some(3));
    let space = first[0].components().rev().nth(2).unwrap().as_os_str().to_str().unwrap().to_owned();
    assert!(
        lost.out.contains(&format!("of space {space} in the first directory")) && lost.err.contains("hint: "),
        "{lost:?}"
    );
}
