//! What a desk does with many records and many cases: the figures behind `cargo xtask bench desk`.
//!
//! Each command prints one JSON object.

mod browser;
mod cases;
mod deposits;
mod space;

use std::path::Path;
use std::process::ExitCode;

use serde_json::Value;

const USAGE: &str = "\
usage: hizo-bench-desk COMMAND

  deposits HOME COUNT SERIES   so many small deposits in so many series of the safe whose keeper lies in its home
  cases HOME DATA COUNT PHRASE so many cases of the person whose home this is, at the keeper whose data lies there
  pages PROGRAM HOME PHRASE TIMES PAGE...
                               a desk, unlocked, and so many looks at each of these pages
  grow PROGRAM HOME PHRASE FILE  a desk, and a look after something was kept beside it
  drop PROGRAM HOME PHRASE FILE SERIES
                               a desk, and a file given to it as a browser gives it
";

/// Why there is no figure.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["deposits", home, count, series] => {
            number(count).and_then(|count| deposits::make(Path::new(home), count, number(series)?))
        }
        ["cases", home, data, count, phrase] => {
            number(count).and_then(|count| cases::make(Path::new(home), Path::new(data), count, phrase))
        }
        ["pages", program, home, phrase, times, pages @ ..] => {
            number(times).and_then(|times| browser::pages([program, home, phrase], times, pages))
        }
        ["grow", program, home, phrase, file] => browser::grow([program, home, phrase], file),
        ["drop", program, home, phrase, file, series] => {
            browser::drop_file([program, home, phrase], Path::new(file), series)
        }
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

fn number(word: &str) -> Result<u64, Failure> {
    Ok(word.parse()?)
}

/// The middle and the largest of some figures, in milliseconds.
fn spread(mut figures: Vec<f64>) -> (Value, Value) {
    figures.sort_by(f64::total_cmp);
    let at = |place: usize| figures.get(place).map_or(Value::Null, |value| Value::from((value * 1e2).round() / 1e2));
    (at(figures.len() / 2), at(figures.len().saturating_sub(1)))
}
