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
    /// Whether the thread that began made it.
    is_first: bool,
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
    let (told, calls) = traced(&whole, &folder, None);
    assert_eq!(told.code, Some(0), "{told:?}");
    let everything = env::var_os("HIZO_TEST_EVERYTHING").is_some();
    let mut dice = Dice::new(31);
    let mut chosen = Vec::new();
    for call in calls.iter().filter(|call| call.is_first) {
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
    let runs: Vec<Vec<String>> = std::thread::scope(|scope| {
        let parts = chosen.chunks(chosen.len().div_ceil(3));
        let refuse = |part: &[(&Call, &str)]| -> Vec<_> {
            part.iter().filter_map(|(call, errno)| refuse(&template, &folder, call, errno)).collect()
        };
        let threads: Vec<_> = parts.map(|part| scope.spawn(move || refuse(part))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    println!("{} of {} system calls refused, {} were meant to be", runs.len(), calls.len(), chosen.len());
    assert!(runs.len() * 4 >= chosen.len() * 3, "{} of {} were refused", runs.len(), chosen.len());
    let faults: Vec<String> = runs.into_iter().flatten().collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

/// A deposit that is refused this call; the next command finds everything in order, and the next deposit goes on. Nothing, where
/// no call on the safe was refused: sealed objects have other names each time, so that other folders are made for them, and a call
/// has not the same number in each run. It is judged by what was refused.
fn refuse(template: &Home, folder: &Path, call: &Call, errno: &str) -> Option<Vec<String>> {
    let home = template.copy();
    let inject = format!("inject={}:error={errno}:when={}", call.name, call.number);
    let (told, mut refused) = traced(&home, folder, Some(&inject));
    refused.retain(|call| call.line.contains("(INJECTED)"));
    if refused.is_empty() {
        return None;
    }
    let check = home.run(["check", "--json"]);
    let next = said(home.writer_command().args(["deposit", "--series", "test"]).arg(folder));
    let listed: BTreeSet<String> = home.deposits().remove("test").unwrap().into_iter().collect();
    let acknowledged: BTreeSet<String> = [&told, &next].iter().flat_map(|said| ids(&said.out)).collect();
    // To SQLite a page that the disk cannot read is a damaged one.
    let page = refused.iter().any(|call| call.name == "pread64" && call.line.contains("/journal.sqlite"));
    let done = told.code == Some(0);
    // SQLite syncs its folder for the sake of a rollback journal that has been there since the setup.
    let passed_over = |call: &Call| call.name == "fsync" && call.line.contains("/home/keeper>");
    let is_to_be_told =
        refused.iter().any(|call| CHANGING.contains(&call.name) && !call.answered && !passed_over(call));
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
    let lines: Vec<&str> = refused.iter().map(|call| call.line.as_str()).collect();
    let broken = rules.into_iter().filter(|(holds, _)| !holds);
    Some(broken.map(|(_, rule)| format!("{lines:?}: {rule}: {told:?}, then {check:?}, then {next:?}")).collect())
}

/// Deposits the folder under strace: what was said, and the calls on files of the safe.
fn traced(home: &Home, folder: &Path, inject: Option<&str>) -> (Said, Vec<Call>) {
    let names: Vec<_> = CHANGING.into_iter().chain(OTHERS).collect();
    let log = home.folder.path().join("trace");
    let mut command = program("strace");
    command.args(["-f", "-y", "-e", &format!("trace={}", names.join(",")), "-o"]).arg(&log);
    command.args(inject.into_iter().flat_map(|inject| ["-e", inject]));
    command.arg(env!("CARGO_BIN_EXE_hizo")).arg("--home").arg(&home.path).args(["deposit", "--series", "test"]);
    let told = said(command.arg(folder));
    let text = fs::read_to_string(&log).unwrap();
    let (mut calls, mut numbers, mut begun, mut answered) = (Vec::new(), BTreeMap::new(), BTreeMap::new(), false);
    let first = text.split(' ').next().unwrap();
    for line in text.lines() {
        let thread = line.split(' ').next().unwrap();
        // Where threads call at once, a call stands in two lines.
        if line.ends_with("<unfinished ...>") {
            begun.insert(thread, line);
            continue;
        }
        let line = match line.split_once(" resumed>") {
            Some((_, end)) => format!("{} {end}", begun.remove(thread).unwrap_or_default()),
            None => line.to_owned(),
        };
        let Some(name) = names.iter().copied().find(|name| line.contains(&format!(" {name}("))) else { continue };
        let number: &mut usize = numbers.entry((thread, name)).or_default();
        *number += 1;
        let is_first = thread == first;
        answered |= is_first && line.contains(" write(1<");
        if line.contains(home.path.to_str().unwrap()) {
            calls.push(Call { name, number: *number, line, is_first, answered });
        }
    }
    (told, calls)
}
