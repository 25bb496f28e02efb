//! The real program when the system refuses it one call of a deposit, or of the publishing behind it.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::path::Path;

use crate::kills::{due, ids, promises};
use crate::kit::{Dice, Home, Said, is_there, program, said, say_aloud};

/// Calls that change what a disk holds, or make it durable: each of them is told when it is refused.
const CHANGING: [&str; 8] = ["write", "pwrite64", "fsync", "fdatasync", "rename", "renameat2", "linkat", "ftruncate"];
/// Calls that open, look, lock or tidy.
const OTHERS: [&str; 10] =
    ["openat", "mkdir", "unlink", "rmdir", "read", "pread64", "getdents64", "flock", "fcntl", "copy_file_range"];

/// One call on a file of the safe: its name, and how many of that name its thread had made with it.
struct Call {
    name: &'static str,
    number: usize,
    line: String,
    /// Whether everything that the deposit promises had been said by then.
    answered: bool,
}

#[test]
fn any_refused_call_of_a_deposit_and_its_publishing_is_told_and_loses_nothing() {
    if !is_there("strace") {
        say_aloud("strace is not installed, so no system call was refused");
        return;
    }
    let template = Home::new();
    let folder = template.beside("folder");
    fs::write(folder.join("a"), "drawing 1").unwrap();
    template.deposit(&folder, "test");
    fs::write(folder.join("b"), "drawing 2").unwrap();
    let whole = template.copy();
    let (told, calls, _) = traced(&whole, &folder, None);
    assert_eq!(told.code, Some(0), "{told:?}");
    let everything = env::var_os("HIZO_TEST_EVERYTHING").is_some();
    let mut dice = Dice::new(31);
    let mut chosen = Vec::new();
    for call in calls.iter() {
        let often = match call.name {
            "rename" | "renameat2" | "linkat" => 1,
            "fsync" | "fdatasync" | "write" | "mkdir" | "unlink" => 2,
            "openat" | "pwrite64" | "flock" => 5,
            _ => 16,
        };
        let errno = if dice.below(2) == 0 || !CHANGING.contains(&call.name) { "EIO" } else { "ENOSPC" };
        if dice.below(often) == 0 || everything {
            chosen.push((call, errno));
        }
    }
    // Most of the time is spent in waiting for the disk.
    let faults: Vec<Vec<String>> = std::thread::scope(|scope| {
        let parts = chosen.chunks(chosen.len().div_ceil(3));
        let refuse = |part: &[(&Call, &str)]| -> Vec<Vec<String>> {
            part.iter().filter_map(|(call, errno)| refuse(&template, &folder, call, errno)).collect()
        };
        let threads: Vec<_> = parts.map(|part| scope.spawn(move || refuse(part))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    println!("{} of {} system calls refused", faults.len(), calls.len());
    assert!(10 * faults.len() >= 9 * chosen.len(), "of {} chosen calls too few were made again", chosen.len());
    let faults = faults.concat();
    assert!(faults.is_empty(), "{faults:#?}");
}

/// A deposit that is refused this call; the next command finds everything in order, and the next deposit goes on. Nothing when so
/// many calls were not made this time: some are made by whichever thread comes first.
fn refuse(template: &Home, folder: &Path, call: &Call, errno: &str) -> Option<Vec<String>> {
    let home = template.copy();
    let inject = format!("inject={}:error={errno}:when={}", call.name, call.number);
    let (told, _, refused) = traced(&home, folder, Some(&inject));
    let call = refused?;
    let check = home.run(["check", "--json"]);
    let next = said(home.writer_command().args(["deposit", "--series", "test"]).arg(folder));
    let listed: BTreeSet<String> = home.deposits().remove("test").unwrap().into_iter().collect();
    let acknowledged: BTreeSet<String> = [&told, &next].iter().flat_map(|said| ids(&said.out)).collect();
    // To SQLite a page that the disk cannot read is a damaged one.
    let page = call.name == "pread64" && call.line.contains("/journal.sqlite");
    let done = told.code == Some(0);
    // SQLite syncs its folder for the sake of a rollback journal that has been there since the setup.
    let passed_over = call.name == "fsync" && call.line.contains("/home/keeper>");
    let is_to_be_told = CHANGING.contains(&call.name) && !call.answered && !passed_over;
    let rules = [
        (matches!(told.code, Some(0 | 1 | 4)) || page && told.code == Some(3), "another exit code"),
        (!told.err.contains("panicked") && done != told.err.contains("error: "), "another message"),
        (!done || !is_to_be_told, "what was refused is not told"),
        (check.code == Some(0) && check.json()["holds"] == true, "the safe does not hold"),
        (next.code == Some(0), "the next deposit does not go on"),
        (acknowledged.is_subset(&listed), "what was said to be kept is not"),
        (promises(&home).is_subset(&listed), "the keeper has not what it signed for"),
        (due(&home).is_empty(), "a promise is not met"),
    ];
    let broken = rules.into_iter().filter(|(holds, _)| !holds);
    Some(
        broken
            .map(|(_, rule)| format!("{errno} for {}: {rule}: {told:?}, then {check:?}, then {next:?}", call.line))
            .collect(),
    )
}

/// Deposits the folder under strace: what was said, the calls on files of the safe by the thread that began, and the one of them
/// that was refused.
fn traced(home: &Home, folder: &Path, inject: Option<&str>) -> (Said, Vec<Call>, Option<Call>) {
    let names: Vec<_> = CHANGING.into_iter().chain(OTHERS).collect();
    let log = home.folder.path().join("trace");
    let mut command = program("strace");
    command.args(["-f", "-y", "-e", &format!("trace={}", names.join(",")), "-o"]).arg(&log);
    command.args(inject.into_iter().flat_map(|inject| ["-e", inject]));
    command.arg(env!("CARGO_BIN_EXE_hizo")).arg("--home").arg(&home.path).args(["deposit", "--series", "test"]);
    let told = said(command.arg(folder));
    let text = fs::read_to_string(&log).unwrap();
    let (mut calls, mut refused, mut numbers, mut answered) = (Vec::new(), None, BTreeMap::new(), false);
    let thread = text.split(' ').next().unwrap();
    for line in text.lines().filter(|line| line.split(' ').next() == Some(thread)) {
        let Some(name) = names.iter().find(|name| line.contains(&format!(" {name}("))) else { continue };
        let number = numbers.entry(name).or_insert(0);
        *number += 1;
        answered |= line.contains(" write(1<");
        if line.contains(home.path.to_str().unwrap()) {
            let call = Call { name, number: *number, line: line.to_owned(), answered };
            match line.contains("(INJECTED)") {
                true => refused = refused.or(Some(call)),
                false => calls.push(call),
            }
        }
    }
    (told, calls, refused)
}
