//! What a person sees in the terminal: results on standard output, progress and warnings on standard error.

use std::io::{BufWriter, ErrorKind, IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;

use crate::failure::{Failure, Kind, Outcome};
use crate::words::{Language, Words, words};

/// Progress is shown for work that takes longer than this.
const PROGRESS_AFTER: Duration = Duration::from_secs(1);

/// How the person wants to be told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Console {
    pub json: bool,
    pub quiet: bool,
    pub language: Language,
}

impl Console {
    /// Says what came of a command: as JSON for scripts, in lines for people.
    pub(crate) fn result(&self, json: Value, lines: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) {
        let written = self.stream(|out| {
            match self.json {
                true => writeln!(out, "{json}")?,
                false => lines(out)?,
            }
            Ok(Ok(()))
        });
        debug_assert!(written.is_ok(), "nothing is left to fail but the writing");
    }

    /// Says what is not held as a whole, in the form that the person wants.
    ///
    /// # Errors
    /// Those of whoever writes: what stands there is not all then.
    pub(crate) fn stream(&self, write: impl FnOnce(&mut dyn Write) -> std::io::Result<Outcome<()>>) -> Outcome<()> {
        let mut out = BufWriter::new(std::io::stdout().lock());
        let written = match write(&mut out) {
            Ok(Err(failure)) => {
                // Why it is not all says more than that nobody reads the rest.
                let _ = out.flush();
                return Err(failure);
            }
            Ok(Ok(())) => out.flush(),
            Err(error) => Err(error),
        };
        match written {
            Ok(()) => Ok(()),
            // A reader that closed its end of the pipe has seen enough.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            Err(error) => {
                self.failed(&Failure::file("write", Path::new("standard output"), error));
                // A script must not take half a result for the whole one.
                std::process::exit(Kind::Fixable as i32);
            }
        }
    }

    /// A sentence in the person's language.
    pub(crate) fn say(&self, words: impl Into<Words>) -> String {
        words.into().to(self.language).to_owned()
    }

    /// Says something beside the result.
    pub(crate) fn note(&self, line: impl Into<Words>) {
        if !self.quiet && !self.json {
            self.beside(&self.say(line));
        }
    }

    /// Warns, even when quiet was asked for.
    pub(crate) fn warn(&self, line: impl Into<Words>) {
        let head = self.paint("33", &self.say(words!("warning:", "注意:")));
        self.beside(&format!("{head} {}", self.say(line)));
    }

    /// Says what went wrong, and what to do next.
    pub(crate) fn failed(&self, failure: &Failure) {
        let head = match failure.kind {
            // Nothing failed: it is done here.
            Kind::Waits => self.paint("33", &self.say(words!("waits:", "送信待ち:"))),
            Kind::Fixable | Kind::Usage | Kind::False | Kind::Unknown | Kind::Lying | Kind::Internal => {
                self.paint("31", &self.say(words!("error:", "エラー:")))
            }
        };
        self.beside(&format!("{head} {}", failure.told_in(self.language)));
        if let Some(hint) = &failure.hint {
            let head = self.paint("36", &self.say(words!("hint:", "対処:")));
            self.beside(&format!("{head} {}", hint.to(self.language)));
        }
    }

    /// A line on standard error; a person who closed it wants none.
    pub(crate) fn beside(&self, line: &str) {
        let _ = writeln!(std::io::stderr(), "{line}");
    }

    /// Text in a colour, where standard error is a terminal and nobody asked for none.
    pub(crate) fn paint(&self, colour: &str, text: &str) -> String {
        let plain =
            std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) || !std::io::stderr().is_terminal();
        if plain { text.to_owned() } else { format!("\x1b[{colour}m{text}\x1b[0m") }
    }

    /// A bar of bytes with rate and time left; it appears after a second, and only on a terminal.
    pub(crate) fn progress(&self, doing: impl Into<Words>, bytes: u64) -> Progress {
        let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template(&self.say(words!(
            "{{msg}} {{bar:30}} {{decimal_bytes:>10}} of {{decimal_total_bytes}} {{decimal_bytes_per_sec:>12}} {{eta:>4}} left",
            "{{msg}} {{bar:30}} {{decimal_bytes:>10}} / {{decimal_total_bytes}} {{decimal_bytes_per_sec:>12}} 残り {{eta:>4}}"
        )));
        bar.set_style(style.expect("the template is well-formed"));
        bar.set_message(self.say(doing));
        let shown = !self.quiet && !self.json && std::io::stderr().is_terminal();
        Progress { bar, shown }
    }
}

/// A bar in progress.
pub(crate) struct Progress {
    bar: ProgressBar,
    shown: bool,
}

impl Progress {
    pub(crate) fn add(&self, bytes: u64) {
        // What is done twice, or was not counted before, does not lead past the end.
        let left = self.bar.length().map_or(u64::MAX, |length| length.saturating_sub(self.bar.position()));
        self.bar.inc(bytes.min(left));
        if self.shown && self.bar.is_hidden() && self.bar.elapsed() > PROGRESS_AFTER {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Bytes as people read them.
pub(crate) fn bytes(count: u64) -> String {
    indicatif::DecimalBytes(count).to_string()
}
