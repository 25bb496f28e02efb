//! The pages of all series, and of one.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use hizo_ledger::id::{RecordId, SeriesId};
use hizo_ledger::record::Record;

use super::hour::{Hour, hour};
use crate::console::bytes;
use crate::desk::shown::{self, Paging};
use crate::desk::stage::{self, Newest, Pill};
use crate::desk::work::{self, Ended, Unread};
use crate::desk::{Frame, Looked, Reply, Text, Unlocked, Visit};
use crate::failure::{Outcome, shown_bytes};
use crate::queue::{self, Queue};
use crate::safe::Safe;
use crate::stages::{self, Status, Told};
use crate::view::Deposit;
use crate::words::words;

/// A row of a list of series.
struct SeriesRow {
    to: String,
    name: String,
    newest: String,
    files: String,
    bytes: String,
    pill: Pill,
}

#[derive(Template)]
#[template(path = "safe.html")]
struct SafePage<'v> {
    f: Frame<'v>,
    lead: String,
    works: Vec<Unread>,
    notes: Vec<String>,
    rows: Vec<SeriesRow>,
    paging: Paging,
    hour: Option<Hour>,
}

/// How far these have come, by record.
fn told<'l>(
    looked: &'l Looked,
    deposits: impl Iterator<Item = &'l Deposit>,
) -> (BTreeMap<RecordId, Status<'l>>, Outcome<()>) {
    let safe = &looked.safe;
    let kept = deposits.filter(|deposit| safe.is_kept(deposit.record));
    let records: Vec<&Record> =
        kept.filter_map(|deposit| safe.records.get(usize::try_from(deposit.record).ok()?)).collect();
    let Told { statuses, wrong, .. } = stages::status(safe, &records);
    (statuses.into_iter().map(|status| (status.record.id(), status)).collect(), wrong)
}

/// What has to be said above a page.
fn notes(visit: &Visit, looked: &Looked, wrong: Outcome<()>) -> Outcome<Vec<String>> {
    let (t, language) = (visit.text(), visit.language());
    let mut notes = Vec::new();
    if looked.safe.is_away() {
        notes.push(t.say("note-away"));
        notes.extend(looked.away.as_ref().map(|why| why.told_in(language)));
    }
    let extent = Queue::of(&looked.safe.home).extent()?;
    if extent.deposits > 0 {
        notes.push(extent.words().to(language).to_owned());
    }
    if let Err(failure) = wrong {
        notes.push(failure.told_in(language));
        notes.extend(failure.hint.map(|hint| hint.to(language).to_owned()));
    }
    notes.extend(looked.keyring.doubts.iter().map(|doubt| doubt.to(language).to_owned()));
    if !looked.view.unreadable.is_empty() {
        notes.push(t.one("note-unreadable", "count", looked.view.unreadable.len()));
    }
    let before = looked.view.before.iter().filter(|(_, deposit)| deposit.is_some()).count();
    if before > 0 {
        notes.push(t.one("note-before", "count", before));
    }
    Ok(notes)
}

/// Begins to send what waits, once its keeper can be reached again.
fn send_waiting(visit: &Visit, unlocked: &Arc<Unlocked>, looked: &Looked) -> Outcome<()> {
    let waits = Queue::of(&looked.safe.home).extent()?.deposits > 0;
    let title = words!("Sending what waited", "待っていたものを送っています");
    // What failed is not tried again before somebody has seen why.
    let is_told =
        unlocked.works.unread(visit).iter().any(|work| work.tone == "bad" && work.title == title.to(visit.language()));
    if looked.away.is_some() || !waits || is_told || unlocked.works.is_busy() {
        return Ok(());
    }
    work::begin(visit, unlocked, title, |unlocked, _| {
        let mut safe = Safe::open(unlocked.home()?)?;
        queue::send(&mut safe, false, &mut queue::Sent::default(), &|_| ())?;
        unlocked.look_again()?;
        Ok(Ended { go: String::from("/safe"), notes: Vec::new() })
    })
    .map(drop)
}

/// All series.
pub(crate) fn safe(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let (t, looked) = (visit.text(), unlocked.look()?);
    send_waiting(visit, unlocked, &looked)?;
    let series = looked.view.newest_first();
    let paging = Paging::of(visit, series.len());
    let here = paging.rows(series.iter());
    let (statuses, wrong) = told(&looked, here.iter().filter_map(|(_, series)| series.deposits.last()));
    let is_proved = statuses.values().any(|status| status.stamp.as_ref().is_some_and(|token| token.is_independent()));
    let rows = here.iter().map(|(id, series)| {
        let newest = series.deposits.last();
        SeriesRow {
            to: visit.at(&format!("/series/{id}")),
            name: series.shown_name(**id),
            newest: newest.map_or_else(String::new, |deposit| {
                t.two("deposit-at", "number", deposit.number, "time", shown::moment(t, deposit.time))
            }),
            files: newest.map_or_else(String::new, |deposit| deposit.files.to_string()),
            bytes: newest.map_or_else(String::new, |deposit| bytes(deposit.bytes)),
            pill: newest.map_or_else(
                || stage::closed(t),
                |deposit| stage::pill(t, statuses.get(&deposit.id), looked.away.is_none()),
            ),
        }
    });
    let deposits: usize = looked.view.series.values().map(|series| series.deposits.len()).sum();
    visit.page(&SafePage {
        f: visit.frame(t.say("door-safe"), "hizo list"),
        lead: t.two("safe-lead", "series", series.len(), "deposits", deposits),
        notes: notes(visit, &looked, wrong)?,
        works: unlocked.works.unread(visit),
        rows: rows.collect(),
        paging,
        hour: hour(visit, unlocked, &looked, is_proved)?,
    })
}

/// A row of a list of deposits.
struct DepositRow {
    to: String,
    number: u64,
    when: String,
    label: String,
    files: u64,
    bytes: String,
    added: String,
    pill: Pill,
}

#[derive(Template)]
#[template(path = "series.html")]
struct SeriesPage<'v> {
    f: Frame<'v>,
    name: String,
    lead: String,
    notes: Vec<String>,
    newest: Option<Newest>,
    rows: Vec<DepositRow>,
    paging: Paging,
}

/// One series as a timeline.
pub(crate) fn series(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let (t, looked) = (visit.text(), unlocked.look()?);
    let id = SeriesId::from_hex(visit.param("series")).ok();
    let Some((id, series)) = id.and_then(|id| looked.view.series.get_key_value(&id)) else {
        return Ok(visit.go("/safe"));
    };
    let paging = Paging::of(visit, series.deposits.len());
    let here = paging.rows(series.deposits.iter().rev());
    let (statuses, wrong) = told(&looked, here.iter().copied());
    let (status, asked) = (|deposit: &Deposit| statuses.get(&deposit.id), looked.away.is_none());
    let newest =
        here.first().filter(|_| paging.is_first()).map(|deposit| on_page(visit, deposit, status(deposit), asked));
    let rows = here.iter().map(|deposit| DepositRow {
        to: visit.at(&format!("/deposit/{}", deposit.id)),
        number: deposit.number,
        when: shown::moment(t, deposit.time),
        label: deposit.labels.iter().map(|label| shown_bytes(label.as_bytes())).collect::<Vec<_>>().join(" · "),
        files: deposit.files,
        bytes: bytes(deposit.bytes),
        added: bytes(deposit.stored_bytes),
        pill: stage::pill(t, status(deposit), asked),
    });
    let name = series.shown_name(*id);
    visit.page(&SeriesPage {
        f: visit.frame(name.clone(), shown::command(["hizo", "list", "--series", &name])).tab(t.say("tab-series")),
        lead: t.one("series-lead", "count", series.deposits.len()),
        notes: notes(visit, &looked, wrong)?,
        name: series.name.clone().unwrap_or_default(),
        newest,
        rows: rows.collect(),
        paging,
    })
}

fn on_page(visit: &Visit, deposit: &Deposit, status: Option<&Status>, asked: bool) -> Newest {
    let t = visit.text();
    Newest {
        to: visit.at(&format!("/deposit/{}", deposit.id)),
        title: t.one("deposit-title", "number", deposit.number),
        facts: facts(t, deposit),
        steps: stage::steps(t, status, asked),
        sentence: stage::sentence(t, deposit.files, status, asked),
        next: Vec::new(),
        seal: stage::seal(t, status),
    }
}

/// When, how many files, how much.
fn facts(t: Text, deposit: &Deposit) -> String {
    let files = t.one("files-count", "count", deposit.files);
    format!("{} · {files} · {}", shown::moment(t, deposit.time), bytes(deposit.bytes))
}
