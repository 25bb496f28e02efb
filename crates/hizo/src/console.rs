//! What a person sees in the terminal: results on standard output, progress and warnings on standard error.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;

/// Progress is shown for work that takes longer than this.
const PROGRESS_AFTER: Duration = Duration::from_secs(1);

/// How the person wants to be told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Console {
    pub json: bool,
    pub quiet: bool,
}

impl Console {
    /// Says what came of a command: as JSON for scripts, in lines for people.
    pub(crate) fn result(&self, json: Value, lines: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) {
        let mut out = std::io::stdout().lock();
        // A reader that closed its end of the pipe has seen enough.
        let _ = match self.json {
            true => writeln!(out, "{json}"),
            false => lines(&mut out),
        };
    }

    /// Says something beside the result.
    pub(crate) fn note(&self, line: &str) {
        if !self.quiet && !self.json {
            eprintln!("{line}");
        }
    }

    /// Warns, even when quiet was asked for.
    pub(crate) fn warn(&self, line: &str) {
        eprintln!("{} {line}", self.paint("33", "warning:"));
    }

    /// Text in a colour, where standard error is a terminal and nobody asked for none.
    pub(crate) fn paint(&self, colour: &str, text: &str) -> String {
        let plain =
            std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) || !std::io::stderr().is_terminal();
        if plain { text.to_owned() } else { format!("\x1b[{colour}m{text}\x1b[0m") }
    }

    /// A bar of bytes with rate and time left; it appears after a second, and only on a terminal.
    pub(crate) fn progress(&self, doing: &str, bytes: u64) -> Progress {
        let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template(
            "{msg} {bar:30} {decimal_bytes:>10} of {decimal_total_bytes} {decimal_bytes_per_sec:>12} {eta:>4} left",
        );
        bar.set_style(style.expect("the template is well-formed"));
        bar.set_message(doing.to_owned());
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
        self.bar.inc(bytes);
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
