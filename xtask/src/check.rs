//! Everything a change must pass, in one command.
//!
//! It ends with one line, `N passed, N failed`, which counts the tests that ran.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::fuzz;
use crate::shell::{self, Failure, Heard, Result};
use crate::tools::{self, Tools};

/// Fuzzing in the check: seconds for a target, and for all of them together.
const FUZZ_TARGET_SECONDS: u64 = 20;
const FUZZ_TOTAL_SECONDS: u64 = 8 * 60;

/// What the tests say aloud of a journey that was not gone, at its beginning: `crates/hizo/tests/all/journeys.rs`.
const NO_JOURNEY: &str = "no journey in a browser";

const STEPS: [(&str, Step); 7] = [
    ("format", format),
    ("clippy", clippy),
    ("test", test),
    ("doctest", doctest),
    ("docs", docs),
    ("deny", deny),
    ("fuzz", fuzz_step),
];

type Step = fn(&Tools, &mut Tally) -> Result<()>;

/// What the test runners counted, and what was not run.
#[derive(Default)]
struct Tally {
    passed: u64,
    failed: u64,
    skipped: u64,
    not_run: Vec<String>,
    /// What the tests themselves could not test here.
    not_tested: BTreeSet<String>,
}

/// Runs the named steps, or all of them, and fails if one failed. Every step runs, so that one run names every fault.
pub(crate) fn check(names: &[String]) -> Result<()> {
    if let Some(unknown) = names.iter().find(|name| STEPS.iter().all(|(known, _)| known != name)) {
        return Err(format!("no step named {unknown}").into());
    }
    let start = Instant::now();
    shell::heading("tools");
    let tools = tools::prepare();
    let mut tally = Tally { not_run: tools.missing.clone(), ..Tally::default() };
    let mut faults = Vec::new();
    for (name, step) in STEPS.iter().filter(|(name, _)| names.is_empty() || names.iter().any(|wanted| wanted == name)) {
        shell::heading(name);
        let begun = Instant::now();
        if let Err(failure) = step(&tools, &mut tally) {
            eprintln!("error: {name}: {failure}");
            faults.push(*name);
        }
        println!("=== {name}: {}", seconds(begun.elapsed()));
    }
    conclude(&tally, &faults, start.elapsed())
}

fn conclude(tally: &Tally, faults: &[&str], took: Duration) -> Result<()> {
    shell::heading(&format!("check: {}", seconds(took)));
    for missing in &tally.not_run {
        println!("not run: {missing}");
    }
    for what in &tally.not_tested {
        println!("not tested here: {what}");
    }
    println!("{} passed, {} failed, {} skipped", tally.passed, tally.failed, tally.skipped);
    // A missing tool is said aloud to a person; where nobody reads along it must not pass for a green check.
    if std::env::var_os("CI").is_some() && !tally.not_run.is_empty() {
        return Err("a tool is missing, so the check is not whole".to_owned().into());
    }
    if faults.is_empty() { Ok(()) } else { Err(format!("these steps failed: {}", faults.join(", ")).into()) }
}

fn format(_: &Tools, _: &mut Tally) -> Result<()> {
    shell::run(shell::cargo().args(["fmt", "--all", "--check"]))
}

fn clippy(_: &Tools, _: &mut Tally) -> Result<()> {
    shell::run(shell::cargo().args(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))
}

fn test(tools: &Tools, tally: &mut Tally) -> Result<()> {
    let mut command = shell::cargo();
    if tools.nextest {
        // Tests wait for disks, browsers and keepers as long as they compute.
        let at_once = std::thread::available_parallelism().map_or(2, usize::from).saturating_mul(2).to_string();
        command.args(["nextest", "run", "--workspace", "--locked", "--no-fail-fast", "--no-tests", "fail"]);
        command.args(["--test-threads", &at_once]);
    } else {
        command.args(["test", "--workspace", "--all-targets", "--locked", "--no-fail-fast"]);
    }
    let not_tested = shell::scratch("not-tested");
    let _ = std::fs::remove_file(&not_tested);
    let heard = shell::overhear(command.env("HIZO_NOT_TESTED", &not_tested))?;
    tally.not_tested = std::fs::read_to_string(&not_tested).unwrap_or_default().lines().map(str::to_owned).collect();
    counted(heard, tally)?;
    journeys_were_gone(tally)
}

/// This command installs what journeys in a browser need: where they were not gone all the same, it has not checked what it says.
fn journeys_were_gone(tally: &Tally) -> Result<()> {
    match tally.not_tested.iter().find(|what| what.starts_with(NO_JOURNEY)) {
        Some(what) => Err(Failure(what.clone())),
        None => Ok(()),
    }
}

fn doctest(_: &Tools, tally: &mut Tally) -> Result<()> {
    let mut command = shell::cargo();
    command.args(["test", "--doc", "--workspace", "--locked", "--no-fail-fast"]);
    counted(shell::overhear(&mut command)?, tally)
}

fn docs(_: &Tools, _: &mut Tally) -> Result<()> {
    let mut command = shell::cargo();
    command.args(["doc", "--workspace", "--no-deps", "--locked", "--document-private-items", "--quiet"]);
    shell::run(command.env("RUSTDOCFLAGS", "-D warnings"))
}

fn deny(_: &Tools, tally: &mut Tally) -> Result<()> {
    let Some(program) = tools::cargo_deny() else {
        tally.not_run.push("deny: cargo-deny is not installed".to_owned());
        return Ok(());
    };
    let mut command = std::process::Command::new(program);
    command.current_dir(shell::root()).args(["--locked", "check", "--hide-inclusion-graph"]);
    shell::run(command.args(["licenses", "bans", "sources"]))
}

fn fuzz_step(_: &Tools, tally: &mut Tally) -> Result<()> {
    let targets = fuzz::targets()?;
    let Some(share) = FUZZ_TOTAL_SECONDS.checked_div(targets.len() as u64) else {
        println!("no fuzz targets");
        return Ok(());
    };
    let passed = fuzz::build_and_run(&targets, FUZZ_TARGET_SECONDS.min(share), Some(1))?;
    tally.passed += passed;
    Ok(())
}

fn counted(heard: Heard, tally: &mut Tally) -> Result<()> {
    for line in heard.text.lines() {
        let plain = without_colour(line);
        if plain.trim_start().starts_with("Summary [") || plain.starts_with("test result:") {
            tally.passed += count_before(&plain, "passed");
            tally.failed += count_before(&plain, "failed") + count_before(&plain, "timed out");
            tally.skipped += count_before(&plain, "skipped") + count_before(&plain, "ignored");
        }
    }
    match heard.code {
        Some(0) => Ok(()),
        code => Err(Failure(format!("the test runner ended with {code:?}"))),
    }
}

/// The number in front of a word: `count_before("3 passed; 1 failed", "failed")` is 1.
fn count_before(line: &str, word: &str) -> u64 {
    let Some((before, _)) = line.split_once(&format!(" {word}")) else { return 0 };
    before.rsplit(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

fn without_colour(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut inside = false;
    for c in line.chars() {
        match (inside, c) {
            (false, '\u{1b}') => inside = true,
            (false, _) => plain.push(c),
            (true, _) => inside = !c.is_ascii_alphabetic(),
        }
    }
    plain
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_lines_of_both_runners_are_counted() {
        let text = "     Summary [   0.011s] 12 tests run: 10 passed (1 slow), 1 failed, 1 timed out, 3 skipped\n\
                    test result: ok. 5 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out\n";
        let mut tally = Tally::default();
        let outcome = counted(Heard { text: text.to_owned(), code: Some(100) }, &mut tally);
        assert!(outcome.is_err());
        assert_eq!((tally.passed, tally.failed, tally.skipped), (15, 2, 5));
    }

    #[test]
    fn a_check_without_the_journeys_in_a_browser_fails_and_without_anything_else_does_not() {
        let tally = |what: &str| Tally { not_tested: BTreeSet::from([what.to_owned()]), ..Tally::default() };
        assert!(journeys_were_gone(&tally("no journey in a browser: chromium is not there")).is_err());
        assert!(journeys_were_gone(&tally("no other file system is there")).is_ok());
        assert!(journeys_were_gone(&Tally::default()).is_ok());
        let says =
            std::fs::read_to_string(shell::root().join("crates/hizo/tests/all/journeys.rs")).expect("it is there");
        assert!(says.contains(&format!("say_aloud(\"{NO_JOURNEY}")), "the tests say it in these words");
    }

    #[test]
    fn colours_do_not_hide_the_closing_line() {
        let text =
            "\u{1b}[32;1m     Summary\u{1b}[0m [   1s] \u{1b}[1m7\u{1b}[0m tests run: \u{1b}[1m7\u{1b}[0m passed\n";
        let mut tally = Tally::default();
        counted(Heard { text: text.to_owned(), code: Some(0) }, &mut tally).expect("exit 0 is a success");
        assert_eq!(tally.passed, 7);
    }
}
