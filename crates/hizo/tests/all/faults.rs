//! Faults that nobody intends, of a keeper and its clients as whole programs: a disk that is full, and a clock that is wrong.

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::folders::SmallDisk;
use crate::keeper::Process;
use crate::kit::{self, Home, Said, assert_same, is_there, noise, said, say_aloud, tree};

/// Clocks that are wrong, and what is said of a client whose clock is: by less than a day, beyond which promises are not believed.
const CLOCKS: [(&str, &str); 4] = [
    ("+3630", "60 minutes ahead of"),
    ("-3630", "60 minutes behind"),
    ("+83000", "23 hours ahead of"),
    ("-83000", "23 hours behind"),
];

const MIB: usize = 1 << 20;

/// A file that takes all of a disk but so many bytes.
struct Filler(PathBuf);

impl Filler {
    fn leaving(disk: &Path, bytes: u64) -> Self {
        let path = disk.join("filler");
        let mut file = fs::File::create(&path).unwrap();
        while file.write_all(&[7; 4096]).is_ok() {}
        let length = file.metadata().unwrap().len();
        file.set_len(length.saturating_sub(bytes)).unwrap();
        Self(path)
    }
}

impl Drop for Filler {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn try_deposit(home: &Home, folder: &Path) -> Said {
    let words = [OsStr::new("deposit"), folder.as_os_str()];
    home.run(words.into_iter().chain(["--series", "moulds", "--json", "--reread"].map(OsStr::new)))
}

fn restored(home: &Home, deposit: &str) -> PathBuf {
    let to = home.folder.path().join("out");
    kit::forget_restore(&to);
    home.restore(deposit, "out")
}

#[test]
fn a_keeper_whose_disk_is_full_says_so_loses_nothing_that_it_took_and_goes_on() {
    let home = Home::unmade();
    let Some(disk) = SmallDisk::mount(&home, 48) else { return };
    let keeper = Process::start(&disk.path.join("data"));
    home.ok(["init", "--keeper", keeper.url()]);
    home.make_cheap();
    let folder = home.beside("moulds");
    let (mut kept, mut refused) = (Vec::new(), 0);
    // Wherever it runs full: at an object, at the journal, at the log.
    for (number, left) in (0..).zip([0, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 700 << 10, 1100 << 10, 1200 << 10]) {
        fs::write(folder.join("KX-204.dxf"), noise(number, 1 << 20)).unwrap();
        let filler = Filler::leaving(&disk.path, left);
        let said = try_deposit(&home, &folder);
        match said.code {
            Some(0) => kept.push((said.json()["deposit"].as_str().unwrap().to_owned(), tree(&folder))),
            Some(1) => {
                assert!(said.err.contains("no more room") && said.err.contains("hint:"), "{left}: {said:?}");
                refused += 1;
            }
            _ => panic!("{left}: {said:?}"),
        }
        // What it took, it shows, full or not.
        if let Some((deposit, tree_then)) = kept.last() {
            assert_same(tree_then, &tree(&restored(&home, deposit)));
        }
        drop(filler);
        let said = try_deposit(&home, &folder);
        assert_eq!(said.code, Some(0), "there is room again: {said:?}");
        kept.push((said.json()["deposit"].as_str().unwrap().to_owned(), tree(&folder)));
    }
    assert!(refused >= 3, "{refused}");
    for (deposit, tree_then) in &kept {
        assert_same(tree_then, &tree(&restored(&home, deposit)));
    }
    home.ok(["check"]);
    home.ok(["status"]);
    drop(keeper);
}

/// Room ends without a disk of its own, and so wherever the tests run: a file may not grow beyond a length, at an object, at the journal, at the log.
#[test]
fn a_keeper_that_may_write_no_more_loses_nothing_that_it_took_and_goes_on() {
    let home = Home::unmade();
    let data = home.folder.path().join("data");
    let keeper = Process::start_to_be_limited(&data);
    home.ok(["init", "--keeper", keeper.url()]);
    home.make_cheap();
    let folder = home.beside("moulds");
    fs::write(folder.join("KX-204.dxf"), noise(0, MIB)).unwrap();
    let first = home.deposit(&folder, "moulds")["deposit"].as_str().unwrap().to_owned();
    let mut kept = vec![(first, tree(&folder))];
    for (number, length) in (1..).zip([0, 4 << 10, 32 << 10, 100 << 10, 512 << 10]) {
        fs::write(folder.join("KX-204.dxf"), noise(number, MIB)).unwrap();
        if keeper.limit_files(Some(length)).is_none() {
            return say_aloud("a keeper that may write no more: there is no prlimit here");
        }
        let said = try_deposit(&home, &folder);
        assert_eq!(said.code, Some(1), "{length}: {said:?}");
        assert!(said.err.contains("hint:"), "{length}: {said:?}");
        // The object is the first that has no room, and the one thing that has none at last.
        if length == 512 << 10 {
            assert!(said.err.contains("no more room"), "{said:?}");
        }
        let (deposit, tree_then) = kept.last().unwrap();
        assert_same(tree_then, &tree(&restored(&home, deposit)));
        keeper.limit_files(None).unwrap();
        assert!(
            kit::files_below(&data).iter().all(|path| path.extension() != Some(OsStr::new("new"))),
            "half an object"
        );
        let said = try_deposit(&home, &folder);
        assert_eq!(said.code, Some(0), "{length}: there is room again: {said:?}");
        kept.push((said.json()["deposit"].as_str().unwrap().to_owned(), tree(&folder)));
    }
    assert_eq!(keeper.get("/health").0, 200);
    for (deposit, tree_then) in &kept {
        assert_same(tree_then, &tree(&restored(&home, deposit)));
    }
    home.ok(["check"]);
}

#[test]
fn a_client_whose_disk_is_full_says_so_and_goes_on_where_it_stopped() {
    let outer = Home::unmade();
    let Some(disk) = SmallDisk::mount(&outer, 24) else { return };
    let keeper = Process::start(&outer.folder.path().join("data"));
    let mut home = Home::unmade();
    home.path = disk.path.join("home");
    home.ok(["init", "--keeper", keeper.url()]);
    home.make_cheap();
    let folder = home.beside("moulds");
    fs::write(folder.join("KX-204.dxf"), noise(1, 3 * MIB)).unwrap();
    let first = home.deposit(&folder, "moulds")["deposit"].as_str().unwrap().to_owned();
    let before = tree(&folder);
    let mut refused = 0;
    for (number, left) in (2..).zip([0, 4 << 10, 12 << 10, 40 << 10, 200 << 10]) {
        fs::write(folder.join("KX-204.dxf"), noise(number, 3 * MIB)).unwrap();
        let filler = Filler::leaving(&disk.path, left);
        let said = try_deposit(&home, &folder);
        // Whether or not it could write down afterwards what it did.
        assert!([Some(0), Some(1)].contains(&said.code), "{left}: {said:?}");
        if said.code == Some(1) {
            assert!(said.err.contains("full") && said.err.contains("hint:"), "{left}: {said:?}");
            refused += 1;
        }
        // A full home is good for getting things back.
        assert_same(&before, &tree(&restored(&home, &first)));
        drop(filler);
        assert_eq!(try_deposit(&home, &folder).code, Some(0));
        assert_same(&tree(&folder), &tree(&restored(&home, "latest:moulds")));
    }
    assert!(refused > 0);
    // Restoring onto a full disk leaves nothing under that name.
    let filler = Filler::leaving(&disk.path, 1 << 20);
    let to = disk.path.join("out");
    home.fails(1, "full", [OsStr::new("restore"), first.as_ref(), "--to".as_ref(), to.as_os_str()]);
    assert!(!to.exists());
    drop(filler);
    kit::forget_restore(&to);
    home.ok([OsStr::new("restore"), first.as_ref(), "--to".as_ref(), to.as_os_str()]);
    assert_same(&before, &tree(&to));
    home.ok(["check"]);
}

/// What shows a program another time; nothing where that cannot be had. `faketime` itself stays between a program and whoever ends it.
pub(crate) struct FalseClock(String);

impl FalseClock {
    pub(crate) fn there() -> Option<Self> {
        let shown =
            is_there("faketime").then(|| said(kit::program("faketime").args(["-f", "+0", "printenv", "LD_PRELOAD"])));
        let Some(shown) = shown.filter(|shown| shown.code == Some(0)) else {
            say_aloud("clocks that are wrong: faketime is not installed");
            return None;
        };
        Some(Self(shown.out.trim().to_owned()))
    }

    /// Has a program see a clock that stands so far away.
    pub(crate) fn show(&self, command: &mut Command, away: &str) {
        command.env("LD_PRELOAD", &self.0).env("FAKETIME", away).env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    }

    pub(crate) fn run(&self, home: &Home, away: &str, words: &[&str]) -> Said {
        let mut command = home.command();
        self.show(&mut command, away);
        said(command.args(words))
    }
}

#[test]
fn a_client_whose_clock_is_wrong_is_told_by_how_much_and_what_it_seals_goes_out_when_it_is_set() {
    let Some(clock) = FalseClock::there() else { return };
    let home = Home::unmade();
    let keeper = Process::start(&home.folder.path().join("data"));
    home.ok(["init", "--keeper", keeper.url()]);
    home.make_cheap();
    let folder = home.beside("moulds");
    fs::write(folder.join("KX-204.dxf"), noise(0, 100_000)).unwrap();
    home.deposit(&folder, "moulds");
    for (number, (away, told)) in (1..).zip(CLOCKS) {
        fs::write(folder.join("KX-204.dxf"), noise(number, 100_000)).unwrap();
        let deposit = ["deposit", folder.to_str().unwrap(), "--series", "moulds", "--reread"];
        let said = clock.run(&home, away, &deposit);
        assert!(said.code == Some(6) && said.err.contains(told), "{away}: {said:?}");
        // What cannot wait says the same, and what to do.
        let said = clock.run(&home, away, &["check"]);
        assert!(
            said.code == Some(1) && said.err.contains(told) && said.err.contains("Set this machine's clock"),
            "{said:?}"
        );
        let said = clock.run(&home, away, &["list"]);
        assert!([Some(0), Some(4)].contains(&said.code) && said.err.contains(told), "{away}: {said:?}");
        // Set again, it goes out, once, and is what was sealed.
        let sent = home.ok(["send"]);
        assert!(!sent.err.contains("not sent"), "{sent:?}");
        assert_eq!(home.deposits()["moulds"].len(), number as usize + 1);
        assert_same(&tree(&folder), &tree(&restored(&home, "latest:moulds")));
    }
    home.ok(["check"]);
    // Its receipts are those of the keeper's time, and none is overdue.
    home.ok(["status"]);
}

#[test]
fn a_keeper_whose_clock_is_wrong_is_told_apart_and_goes_on_once_it_is_set() {
    let Some(clock) = FalseClock::there() else { return };
    let home = Home::unmade();
    let data = home.folder.path().join("data");
    let mut keeper = Process::start(&data);
    let address = keeper.address();
    home.ok(["init", "--keeper", keeper.url()]);
    home.make_cheap();
    let folder = home.beside("moulds");
    fs::write(folder.join("KX-204.dxf"), noise(0, 100_000)).unwrap();
    home.deposit(&folder, "moulds");
    for (number, (away, told)) in (1..).zip(CLOCKS) {
        keeper.end("-TERM");
        let wrong = Process::start_by_clock(|command| clock.show(command, away), &data, &address);
        fs::write(folder.join("KX-204.dxf"), noise(number, 100_000)).unwrap();
        let said = try_deposit(&home, &folder);
        // Whoever is right hears that the other one is not.
        let told = match told.contains("ahead") {
            true => told.replace("ahead of", "behind"),
            false => told.replace("behind", "ahead of"),
        };
        assert!(said.code == Some(6) && said.err.contains(&told), "{away}: {said:?}");
        drop(wrong);
        keeper = Process::start_at(&data, &address);
        home.ok(["send"]);
        assert_eq!(home.deposits()["moulds"].len(), number as usize + 1);
        assert_same(&tree(&folder), &tree(&restored(&home, "latest:moulds")));
    }
    home.ok(["check"]);
    home.ok(["status"]);
}
