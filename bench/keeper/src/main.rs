//! What a keeper does under load, with ten million records, and with many accounts: the figures behind `cargo xtask bench log`
//! and `cargo xtask bench keeper`.
//!
//! Each command prints one JSON object.

mod accounts;
mod appends;
mod bundles;
mod http;
mod large;
mod owner;
mod service;

use std::path::Path;
use std::process::ExitCode;

use hizo_ledger::record::Origin;
use serde_json::Value;

const USAGE: &str = "\
usage: hizo-bench-keeper COMMAND

  appends FOLDER RECORDS   so many records in 256 spaces, appended and acknowledged, the log published behind them
  grow FOLDER RECORDS      a keeper whose journal and log have so many records of 32 bytes
  start FOLDER             opens that keeper, appends one record more and publishes it
  prove FOLDER PROOFS      builds so many proofs of it
  check FOLDER             reads and derives its whole log
  hash RECORDS             hashes as many leaves and nodes as such a check must
  verify BUNDLE TIMES POLICY ROOTS
                           reads and verifies a bundle so many times
  deposits ADDRESS ORIGIN CLIENTS EACH
                           clients who put and append so many small deposits at a service
  reads ADDRESS ORIGIN SECONDS
                           reads records and tiles for so long
  uploads ADDRESS ORIGIN COUNT
                           so many objects on their way at once
  accounts FOLDER ACCOUNTS EACH
                           a keeper with so many accounts, each with a space of so many records
  ask ADDRESS ORIGIN ACCOUNTS EACH COUNT ROUND
                           appends, lists and proofs for so many of those accounts
";

/// Why there is no figure.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["appends", folder, records] => number(records).and_then(|n| appends::appends(Path::new(folder), n)),
        ["grow", folder, records] => number(records).and_then(|n| large::grow(Path::new(folder), n)),
        ["start", folder] => large::start(Path::new(folder)),
        ["prove", folder, proofs] => number(proofs).and_then(|n| large::prove(Path::new(folder), n)),
        ["check", folder] => large::check(Path::new(folder)),
        ["hash", records] => number(records).map(large::hash),
        ["verify", bundle, times, policy, roots] => {
            number(times).and_then(|n| bundles::verify(Path::new(bundle), n, Path::new(policy), Path::new(roots)))
        }
        ["deposits", address, origin, clients, each] => {
            origin_of(origin).and_then(|keeper| service::deposits(address, &keeper, number(clients)?, number(each)?))
        }
        ["reads", address, origin, seconds] => {
            origin_of(origin).and_then(|keeper| service::reads(address, &keeper, number(seconds)?))
        }
        ["uploads", address, origin, count] => {
            origin_of(origin).and_then(|keeper| service::uploads(address, &keeper, count.parse()?))
        }
        ["accounts", folder, accounts, each] => {
            number(accounts).and_then(|count| accounts::grow(Path::new(folder), count, number(each)?))
        }
        ["ask", address, origin, accounts, each, asked, round] => origin_of(origin).and_then(|keeper| {
            let numbers = [number(accounts)?, number(each)?, number(asked)?, number(round)?];
            accounts::ask(address, &keeper, numbers)
        }),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(figures) => {
            println!("{figures}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn origin_of(word: &str) -> Result<Origin, Failure> {
    Ok(Origin::parse(word)?)
}

fn number(word: &str) -> Result<u64, Failure> {
    Ok(word.parse()?)
}

/// The value below which so many thousandths of the others lie; they are sorted.
fn quantile(sorted: &[f64], thousandths: usize) -> Value {
    let place = (sorted.len() * thousandths / 1_000).min(sorted.len().saturating_sub(1));
    sorted.get(place).map_or(Value::Null, |value| Value::from((value * 1e6).round() / 1e6))
}
