//! The page on which somebody has everything that is kept read again.

use std::sync::Arc;

use askama::Template;

use super::{Report, Watcher};
use crate::console::bytes;
use crate::desk::work::{self, Ended, Work};
use crate::desk::{Frame, Reply, Unlocked, Visit, shown};
use crate::failure::{Failure, Outcome, shown_bytes};
use crate::keeper::unix_seconds;
use crate::words::words;

/// Files that are named of a deposit that is touched.
const NAMED_MAX: usize = 10;

#[derive(Template)]
#[template(path = "health.html")]
struct HealthPage<'v> {
    f: Frame<'v>,
    found: Option<Found>,
}

/// What was found, as the page says it.
struct Found {
    tone: &'static str,
    word: String,
    when: String,
    lines: Vec<String>,
    touched: Vec<Touched>,
    hint: Option<String>,
}

struct Touched {
    to: String,
    title: String,
    faults: Vec<String>,
}

/// What came of reading everything again.
struct Checked {
    time: u64,
    report: Report,
    failure: Option<Failure>,
}

/// Asks; or shows what was found last.
pub(crate) fn health(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let checked = unlocked.remembered::<Checked>(visit.param("found"));
    visit.page(&HealthPage {
        f: visit.frame(visit.text().say("health-title"), "hizo check"),
        found: checked.map(|checked| found(visit, &checked)),
    })
}

/// Reads everything again, and opens it.
pub(crate) fn check(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    work::begin(
        visit,
        unlocked,
        words!("Reading everything again", "すべてを読み直しています"),
        |unlocked, work| {
            let looked = unlocked.look()?;
            let report = super::check(&looked.safe, Some(&looked.keyring), None, work)?;
            let failure = super::command::conclude(&report).err();
            let number = unlocked.remember(Checked { time: unix_seconds(), report, failure });
            Ok(Ended { go: format!("/health?found={number}"), notes: Vec::new() })
        },
    )
}

fn found(visit: &Visit, Checked { time, report, failure }: &Checked) -> Found {
    let (t, language) = (visit.text(), visit.language());
    let mut lines = vec![t.two("health-deposits", "count", report.deposits, "bytes", bytes(report.bytes))];
    if let Some((files, size)) = report.contents {
        lines.push(t.two("health-files", "count", files, "bytes", bytes(size)));
    }
    lines.extend(failure.as_ref().map(|failure| failure.told_in(language)));
    lines.extend(report.faults.iter().map(|fault| fault.to(language).to_owned()));
    let touched = report.touched.iter().map(|touched| {
        let name = touched.name.clone().unwrap_or_else(|| touched.series.to_string());
        let files = touched.files.iter().take(NAMED_MAX).map(|path| shown_bytes(path));
        Touched {
            to: visit.at(&format!("/deposit/{}", touched.id)),
            title: t.two("deposit-of", "series", shown_bytes(name.as_bytes()), "number", touched.number),
            faults: touched.faults.iter().map(|fault| fault.to(language).to_owned()).chain(files).collect(),
        }
    });
    Found {
        tone: if report.holds() { "ok" } else { "bad" },
        word: t.say(if report.holds() { "health-holds" } else { "health-does-not-hold" }),
        when: shown::moment(t, *time),
        lines,
        touched: touched.collect(),
        hint: failure.as_ref().and_then(|failure| failure.hint.as_ref()).map(|hint| hint.to(language).to_owned()),
    }
}

impl Watcher for Work {
    fn planned(&self, bytes: u64) {
        self.expect(bytes);
    }

    fn progress(&self, bytes: u64) {
        self.add(bytes);
    }
}
