//! Fuzzing: every target first replays its corpus, then runs for a while.
//!
//! The targets use libFuzzer through `libfuzzer-sys`. The instrumentation is a set of stable compiler flags, so neither
//! a nightly toolchain nor `cargo fuzz` is needed; `fuzz/` keeps the layout of `cargo fuzz` for those who have it.
//! Memory errors are not looked for: `unsafe` is forbidden in the workspace.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::shell::{self, About, Result};

const SECONDS_DEFAULT: u64 = 60;
/// One input may take this long, and the target this much memory, before it counts as a fault.
const INPUT_SECONDS_MAX: u64 = 10;
const MEMORY_MIB_MAX: u64 = 1024;
/// Coverage counters, comparisons as hints, and the checks of a debug build.
const INSTRUMENTATION: [&str; 9] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cdebug-assertions",
    "-Coverflow-checks",
    "-Ccodegen-units=1",
];

/// `cargo xtask fuzz [--seconds N] [TARGET...]`
pub(crate) fn fuzz(arguments: &[String]) -> Result<()> {
    let mut seconds = SECONDS_DEFAULT;
    let mut wanted = Vec::new();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        if word == "--seconds" {
            let value = words.next().and_then(|value| value.parse().ok());
            seconds = value.ok_or_else(|| "--seconds takes a number".to_owned())?;
        } else {
            wanted.push(word.as_str());
        }
    }
    let all = targets()?;
    if let Some(unknown) = wanted.iter().find(|name| !all.iter().any(|target| target == *name)) {
        return Err(format!("no fuzz target named {unknown}; there are: {}", all.join(" ")).into());
    }
    let chosen: Vec<String> =
        all.into_iter().filter(|target| wanted.is_empty() || wanted.contains(&target.as_str())).collect();
    build_and_run(&chosen, seconds, None).map(|_| ())
}

/// The names of all targets: one file each in `fuzz/fuzz_targets/`.
pub(crate) fn targets() -> Result<Vec<String>> {
    let folder = shell::root().join("fuzz/fuzz_targets");
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).about(&folder)? {
        let path = entry.about(&folder)?.path();
        if path.extension().is_some_and(|extension| extension == "rs")
            && let Some(name) = path.file_stem()
        {
            names.push(name.to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Builds the targets, replays and fuzzes each for `seconds`, several at a time. Returns how many passed.
///
/// A `seed` makes a run start the same way each time; without one every run goes elsewhere.
pub(crate) fn build_and_run(targets: &[String], seconds: u64, seed: Option<u32>) -> Result<u64> {
    let programs = build()?;
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(target) = targets.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(failure) = run_target(&programs, target, seconds, seed) {
                        println!("{target}: FAILED\n{failure}");
                        failed.lock().expect("no worker panics").push(target.clone());
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("no worker panics");
    if failed.is_empty() { Ok(targets.len() as u64) } else { Err(format!("found by: {}", failed.join(" ")).into()) }
}

/// Builds all targets with coverage and returns the folder of programs.
fn build() -> Result<PathBuf> {
    // With an explicit target triple the flags reach neither build scripts nor procedural macros.
    let host = shell::output(Command::new("rustc").arg("-vV"))?
        .lines()
        .find_map(|line| line.strip_prefix("host: ").map(str::to_owned))
        .ok_or_else(|| "rustc does not name its host".to_owned())?;
    let folder = shell::cargo_target().join("fuzz");
    let mut command = shell::cargo();
    command.args(["build", "--manifest-path", "fuzz/Cargo.toml", "--release", "--bins", "--locked", "--target", &host]);
    command.env("CARGO_TARGET_DIR", &folder).env("CARGO_ENCODED_RUSTFLAGS", INSTRUMENTATION.join("\u{1f}"));
    shell::run(&mut command)?;
    Ok(folder.join(host).join("release"))
}

fn run_target(programs: &Path, target: &str, seconds: u64, seed: Option<u32>) -> Result<()> {
    let corpus = shell::root().join("fuzz/corpus").join(target);
    let artifacts = shell::root().join("fuzz/artifacts").join(target);
    std::fs::create_dir_all(&corpus).about(&corpus)?;
    std::fs::create_dir_all(&artifacts).about(&artifacts)?;
    let mut command = Command::new(programs.join(target));
    command.current_dir(shell::root());
    command.arg(format!("-timeout={INPUT_SECONDS_MAX}")).arg(format!("-rss_limit_mb={MEMORY_MIB_MAX}"));
    command.arg(format!("-artifact_prefix={}/", artifacts.display()));
    if let Some(seed) = seed {
        command.arg(format!("-seed={seed}"));
    }
    let replayed = outcome(command.arg("-runs=0").arg(&corpus).args(seeds(target)))?;
    // libFuzzer takes the last word on a repeated flag.
    let fuzzed = outcome(command.arg("-runs=-1").arg(format!("-max_total_time={seconds}")))?;
    println!("{target}: replayed {replayed}, {fuzzed}");
    Ok(())
}

/// Folders of inputs to start from: `vectors/NAME` for a target called NAME or NAME_something, and `fuzz/seeds/TARGET`.
fn seeds(target: &str) -> Vec<PathBuf> {
    let root = shell::root();
    let mut folders = vec![root.join("fuzz/seeds").join(target)];
    let whole = root.join("vectors").join(target);
    match target.split_once('_') {
        Some((first, _)) if !whole.is_dir() => folders.push(root.join("vectors").join(first)),
        _ => folders.push(whole),
    }
    folders.retain(|folder| folder.is_dir());
    folders
}

/// Runs a fuzz program to its end and returns libFuzzer's summary, or the end of its log when it found something.
fn outcome(command: &mut Command) -> Result<String> {
    let out = command.output()?;
    let log = String::from_utf8_lossy(&out.stderr);
    let lines: Vec<&str> = log.lines().collect();
    if !out.status.success() {
        return Err(lines.get(lines.len().saturating_sub(40)..).unwrap_or_default().join("\n").into());
    }
    let done = lines.iter().rev().find(|line| line.starts_with("Done ") || line.contains("DONE"));
    Ok(done.map_or_else(|| "nothing said".to_owned(), |line| line.trim().to_owned()))
}
