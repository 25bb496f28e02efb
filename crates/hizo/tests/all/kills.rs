//! The real program killed at moments that a seed chooses: nothing that was kept is lost, and nothing half-done is seen.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::kit::{Dice, Home, Tree, assert_same, noise, said, tree};
use crate::outside::Outside;

const SIGKILL: i32 = 9;

/// Kills of deposits, in each of four tests that run beside each other: 208 in all.
const KILLS: usize = 52;

/// Kills that one safe sees before the next one begins.
const KILLS_PER_HOME: usize = 4;

#[test]
fn deposits_killed_at_any_moment_lose_nothing_first_quarter() {
    deposits_are_killed(1);
}

#[test]
fn deposits_killed_at_any_moment_lose_nothing_second_quarter() {
    deposits_are_killed(2);
}

#[test]
fn deposits_killed_at_any_moment_lose_nothing_third_quarter() {
    deposits_are_killed(3);
}

#[test]
fn deposits_killed_at_any_moment_lose_nothing_fourth_quarter() {
    deposits_are_killed(4);
}

fn deposits_are_killed(seed: u64) {
    let template = Home::new();
    let mut dice = Dice::new(seed);
    let mut killed = 0;
    let mut never_seen = 0;
    while killed < KILLS {
        let home = template.copy();
        let folder = home.beside("folder");
        let mut kept: Vec<(String, Tree)> = Vec::new();
        for _ in 0..KILLS_PER_HOME {
            change(&folder, &mut dice);
            let before = Instant::now();
            let id = home.deposit(&folder, "test")["deposit"].as_str().unwrap().to_owned();
            let usual = before.elapsed();
            kept.push((id, tree(&folder)));
            change(&folder, &mut dice);
            let mut command = home.writer_command();
            command.args(["deposit", "--series", "test"]).arg(&folder);
            let moment = usual.mul_f64(dice.below(1000) as f64 / 1000.0);
            if !kill_after(&mut command, moment) {
                never_seen += 1;
                assert!(never_seen < 4 * KILLS, "the program is always faster than the kill");
            } else {
                killed += 1;
            }
            let listed = home.deposits().remove("test").unwrap_or_default();
            match listed.len() - kept.len() {
                0 => (),
                1 => kept.push((listed.last().unwrap().clone(), tree(&folder))),
                more => panic!("one deposit became {more}"),
            }
            assert_eq!(listed, kept.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>());
            // The newest, and one of the others: all of them follow below.
            let older = dice.below(kept.len() as u64) as usize;
            still_there(&home, &[kept.last().unwrap(), &kept[older]]);
        }
        still_there(&home, &kept.iter().collect::<Vec<_>>());
    }
}

#[track_caller]
fn still_there(home: &Home, kept: &[&(String, Tree)]) {
    for (id, expected) in kept {
        let out = home.restore(id, "out");
        assert_same(expected, &tree(&out));
        fs::remove_dir_all(out).unwrap();
    }
}

/// A few megabytes that change: files come, grow, change in place, move and go.
fn change(folder: &Path, dice: &mut Dice) {
    for _ in 0..4 {
        let inner = folder.join(format!("d{}", dice.below(3)));
        fs::create_dir_all(&inner).unwrap();
        let bytes = 1 + dice.below(600_000) as usize;
        fs::write(inner.join(format!("f{}", dice.below(6))), noise(dice.below(1 << 32), bytes)).unwrap();
    }
    for name in ["d1/f2", "d2/f3"] {
        let Ok(file) = fs::File::options().write(true).open(folder.join(name)) else { continue };
        let place = dice.below(file.metadata().unwrap().len());
        file.write_all_at(&noise(dice.below(1 << 32), 100), place).unwrap();
    }
    let (from, to) = (folder.join("d0/f1"), folder.join(format!("d0/moved{}", dice.below(3))));
    let _ = fs::rename(from, to);
    let _ = fs::remove_file(folder.join(format!("d{}/f{}", dice.below(3), dice.below(6))));
}

/// Kills of publishing, in each of two tests.
const PUBLISHING_KILLS: usize = 40;

#[test]
fn publishing_killed_at_any_moment_leaves_a_log_that_holds_and_loses_nothing_acknowledged() {
    publishing_is_killed(21, None);
}

#[test]
fn publishing_and_stamping_killed_at_any_moment_lose_nothing_acknowledged() {
    let Some(outside) = Outside::start() else { return };
    publishing_is_killed(22, Some(&outside));
}

/// Small deposits, killed once their record is appended and promised; and what publishes the rest, killed in turn.
fn publishing_is_killed(seed: u64, outside: Option<&Outside>) {
    let home = Home::new();
    let folder = home.beside("folder");
    if let Some(outside) = outside {
        home.ok(["log", "authorities", outside.list().to_str().unwrap()]);
    }
    let mut dice = Dice::new(seed);
    let mut acknowledged: BTreeSet<String> = BTreeSet::new();
    let (mut kills, mut half_done, mut size) = (0, 0, 0);
    let (mut usual, mut number) = (Duration::ZERO, 0);
    while kills < PUBLISHING_KILLS {
        number += 1;
        assert!(number < 4 * PUBLISHING_KILLS, "the program is always faster than the kill");
        fs::write(folder.join("file"), format!("drawing {number}")).unwrap();
        let mut deposit = home.writer_command();
        deposit.args(["deposit", "--series", "test"]).arg(&folder);
        if number == 1 {
            let before = Instant::now();
            acknowledged.extend(ids(&said(&mut deposit).out));
            usual = before.elapsed();
            continue;
        }
        // From the promise on, the log is published, and stamped.
        let promised = promises(&home).len();
        let more = usual.mul_f64(dice.below(400) as f64 / 1000.0);
        let (killed, out) = stopped(&mut deposit, more, || promises(&home).len() > promised);
        kills += usize::from(killed);
        acknowledged.extend(ids(&out));
        half_done += usize::from(!due(&home).is_empty());
        // What goes on with it is killed too.
        let to = home.folder.path().join(format!("log-{number}"));
        let mut again = home.writer_command();
        match outside {
            Some(_) if number % 2 == 0 => again.args(["log", "renew", "--now"]),
            _ => again.args(["log", "export", "--to"]).arg(&to),
        };
        let (killed, _) = stopped(&mut again, usual.mul_f64(dice.below(400) as f64 / 1000.0), || true);
        kills += usize::from(killed);
        let now = home.ok(["log", "--json"]).json()["size"].as_u64().unwrap();
        assert!(now >= size, "the log went from {size} to {now}");
        size = now;
    }
    assert!(half_done > 0, "no kill came while something was promised and not yet published");
    // Whatever is open is published by the next command that looks.
    let listed: BTreeSet<String> = home.deposits().remove("test").unwrap().into_iter().collect();
    assert!(due(&home).is_empty(), "every promise is met");
    assert!(promises(&home).is_subset(&listed), "the keeper has what it signed for");
    assert!(acknowledged.is_subset(&listed), "and what the program said was kept");
    let report = home.ok(["check", "--json"]).json();
    assert!(report["holds"].as_bool().unwrap(), "{report}");
    let size = home.ok(["log", "--json"]).json()["size"].as_u64().unwrap();
    assert!(size > listed.len() as u64, "{size} leaves of {} deposits", listed.len());
    let shown = home.folder.path().join("shown");
    home.ok(["proof", "latest:test", "--to", shown.to_str().unwrap()]);
    println!("{kills} kills, {half_done} of them with a promise open, {} deposits, {size} leaves", listed.len());
}

/// Ids of deposits that the program has said it kept.
pub(crate) fn ids(out: &str) -> Vec<String> {
    let is_id = |line: &&str| line.len() == 64 && line.bytes().all(|byte| byte.is_ascii_hexdigit());
    out.lines().filter(is_id).map(str::to_owned).collect()
}

/// Records that the keeper has promised to log: those that this machine has not yet seen there.
pub(crate) fn due(home: &Home) -> BTreeSet<String> {
    let listed = fs::read_dir(home.path.join("receipts/due")).into_iter().flatten();
    let names = listed.map(|item| item.unwrap().file_name().into_string().unwrap());
    names.filter_map(|name| Some(name.strip_suffix(".note")?.to_owned())).collect()
}

/// Records that it has ever promised, and this machine still knows of.
pub(crate) fn promises(home: &Home) -> BTreeSet<String> {
    let listed = fs::read_dir(home.path.join("receipts/met")).into_iter().flatten();
    let names = listed.map(|item| item.unwrap().file_name().into_string().unwrap());
    names.filter_map(|name| Some(name.strip_suffix(".note")?.to_owned())).chain(due(home)).collect()
}

#[test]
fn a_killed_large_deposit_goes_on_and_seals_nothing_again_but_its_last_pack() {
    let home = Home::new();
    let folder = home.beside("folder");
    fs::write(folder.join("a"), noise(1, 40 << 20)).unwrap();
    for number in 0..40 {
        fs::write(folder.join(format!("b{number}")), noise(100 + number, 400_000)).unwrap();
    }
    fs::write(folder.join("c"), noise(2, 30 << 20)).unwrap();
    let copy = home.copy();
    let before = Instant::now();
    copy.deposit(&folder, "test");
    let usual = before.elapsed();
    let alone = full_packs(&copy);
    let mut dice = Dice::new(7);
    let mut written_down: Vec<String> = Vec::new();
    let (mut kills, mut resumed) = (0, 0);
    for round in 0..8 {
        let mut command = home.writer_command();
        command.args(["deposit", "--series", "test"]).arg(&folder);
        let more = Duration::from_millis(dice.below(120));
        let killed = match round % 2 {
            // A kill that comes when one more pack is written down, and one that comes before the next is.
            0 => kill_when(&mut command, more, || packs_written_down(&home).len() > written_down.len()),
            _ => kill_after(&mut command, usual.mul_f64(0.1) + more),
        };
        // Killed behind the append, it is kept: the keeper's answer is still looked at then.
        if !killed || !home.deposits().is_empty() {
            break;
        }
        if !home.deposits().is_empty() {
            // The kill came behind the append.
            break;
        }
        kills += 1;
        let now = packs_written_down(&home);
        all_but_the_last_are_in(&written_down, &now.iter().cloned().collect());
        resumed += usize::from(!written_down.is_empty());
        written_down = now;
    }
    assert!(kills > 2 && resumed > 0, "{kills} kills, {resumed} of them of a deposit that went on");
    if home.deposits().is_empty() {
        home.deposit(&folder, "test");
    }
    assert_same(&tree(&folder), &tree(&home.restore("latest:test", "out")));
    all_but_the_last_are_in(&written_down, &listed_objects(&home));
    // What a kill wastes is what was in work at that moment.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let most = alone + kills * (2 * cores + 2);
    assert!(full_packs(&home) <= most, "{} packs for {alone}, after {kills} kills", full_packs(&home));
}

/// The last pack may end within a small file that was not done when the kill came: that one is made again.
#[track_caller]
fn all_but_the_last_are_in(written_down: &[String], now: &BTreeSet<String>) {
    let earlier = written_down.split_last().map_or(&[][..], |(_, earlier)| earlier);
    let again: Vec<_> = earlier.iter().filter(|id| !now.contains(*id)).collect();
    assert!(again.is_empty(), "packs that were kept are sealed again: {again:?} of {written_down:?}");
}

#[test]
fn a_killed_init_leaves_a_safe_or_room_for_one() {
    let mut dice = Dice::new(5);
    let first = Instant::now();
    let _ = Home::new();
    let usual = first.elapsed();
    for round in 0..6 {
        let home = Home::unmade();
        kill_after(home.command().arg("init"), usual.mul_f64(dice.below(1000) as f64 / 1000.0));
        if home.path.join("safe.json").exists() {
            home.fails(1, "there is a safe", ["init"]);
        } else {
            home.fails(1, "there is no safe", ["list"]);
            home.ok(["init"]);
        }
        assert!(home.deposits().is_empty(), "round {round}");
    }
}

#[test]
fn a_killed_restore_leaves_no_folder_under_the_name_it_was_given() {
    let home = Home::new();
    let folder = home.beside("folder");
    for number in 0..30 {
        fs::write(folder.join(format!("f{number}")), noise(number, 400_000)).unwrap();
    }
    home.deposit(&folder, "test");
    let before = Instant::now();
    home.restore("latest:test", "whole");
    let usual = before.elapsed();
    let mut dice = Dice::new(6);
    let to = home.folder.path().join("out");
    for _ in 0..15 {
        let mut command = home.command();
        command.args([
            OsStr::new("restore"),
            "latest:test".as_ref(),
            "--go-on".as_ref(),
            "--to".as_ref(),
            to.as_os_str(),
        ]);
        let killed = kill_after(&mut command, usual.mul_f64(dice.below(1000) as f64 / 1000.0));
        if to.exists() {
            assert_same(&tree(&folder), &tree(&to));
            fs::remove_dir_all(&to).unwrap();
        } else {
            assert!(killed, "it ended by itself without its folder");
        }
    }
    // The last one goes on with what all of them have left, and leaves nothing of it.
    home.ok([OsStr::new("restore"), "latest:test".as_ref(), "--go-on".as_ref(), "--to".as_ref(), to.as_os_str()]);
    assert_same(&tree(&folder), &tree(&to));
    let found = fs::read_dir(home.folder.path()).unwrap().map(|item| item.unwrap().file_name());
    let found: Vec<_> = found.filter(|name| name.to_string_lossy().starts_with("out")).collect();
    assert_eq!(found, ["out"]);
}

/// Starts a command and kills it after a while; false when it was done before.
pub(crate) fn kill_after(command: &mut Command, moment: Duration) -> bool {
    kill_when(command, moment, || true)
}

/// Starts a command, waits until `come` says so, and kills it a while after; false when it was done before.
fn kill_when(command: &mut Command, more: Duration, come: impl Fn() -> bool) -> bool {
    stopped(command, more, come).0
}

/// The same, with what the program had said by then.
fn stopped(command: &mut Command, more: Duration, come: impl Fn() -> bool) -> (bool, String) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while !come() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(2));
    }
    std::thread::sleep(more);
    child.kill().unwrap();
    let output = child.wait_with_output().unwrap();
    let killed = output.status.signal() == Some(SIGKILL);
    assert!(killed || output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    (killed, String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Packs that the resume journal says are kept, up to the first that is missing in their order.
fn packs_written_down(home: &Home) -> Vec<String> {
    // The program may be at work: what is listed may be gone a moment later.
    let mut listed = fs::read_dir(home.path.join("series")).unwrap().filter_map(|item| Some(item.ok()?.path()));
    let journal = listed.find(|path| path.extension() == Some(OsStr::new("resume")));
    let Some(bytes) = journal.and_then(|path| fs::read(path).ok()) else { return Vec::new() };
    let mut rest = bytes.as_slice();
    let mut packs = Vec::new();
    // Each line: a letter, the length of what follows as 32 bits, that, and 16 bytes of check.
    while let [tag, a, b, c, d, behind @ ..] = rest {
        let length = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
        let Some((line, after)) = behind.split_at_checked(length + 16) else { break };
        if *tag == b'P' {
            let number = u64::from_le_bytes(line[..8].try_into().unwrap());
            packs.push((number, crate::kit::hex(&line[8..40])));
        }
        rest = after;
    }
    packs.sort();
    packs.into_iter().zip(0..).take_while(|((number, _), at)| number == at).map(|((_, id), _)| id).collect()
}

fn full_packs(home: &Home) -> usize {
    home.objects().iter().filter(|path| path.metadata().unwrap().len() == 16 << 20).count()
}

/// Ids in the object list of the only deposit: the one object that is text of ids and sizes.
fn listed_objects(home: &Home) -> BTreeSet<String> {
    let small = home.objects().into_iter().filter(|path| path.metadata().unwrap().len() < 1 << 16);
    let texts = small.filter_map(|path| fs::read_to_string(path).ok());
    let is_list = |text: &String| text.lines().all(|line| line.len() > 65 && line.as_bytes()[64] == b' ');
    texts.filter(is_list).flat_map(|text| text.lines().map(|line| line[..64].to_owned()).collect::<Vec<_>>()).collect()
}
