//! The project's own chores: check, bench, fuzz, undefended.
//!
//! Plain processes in a row: what a chore runs stands in it, in the order in which it runs.

mod bench;
mod check;
mod fuzz;
mod shell;
mod tools;
mod undefended;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask CHORE

  check [STEP...]              everything a change must pass; installs the tools it needs
                               steps: format clippy test doctest docs deny fuzz
  bench [--quick] [--long] [--rounds N] [--no-build] [--hizo PROGRAM] [SESSION...]
                               measure hizo beside its peers; writes docs/bench.md, bench/results.json
                               sessions: big tree small log memory build
  bench report                 write docs/bench.md again from bench/results.json
  fuzz [--seconds N] [TARGET...]
                               replay the corpus, then fuzz each target for N seconds (default 60)
  undefended [PATCH...]        take each defence out in turn and demand that its tests fail
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rest = arguments.get(1..).unwrap_or_default();
    let outcome = match arguments.first().map(String::as_str) {
        Some("check") => check::check(rest),
        Some("bench") => bench::bench(rest),
        Some("fuzz") => fuzz::fuzz(rest),
        Some("undefended") => undefended::undefended(rest),
        Some("help" | "--help" | "-h") => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}
