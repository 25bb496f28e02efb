//! The page of whom to ask: who does what, in the directory that is installed, else in the sample.

use std::sync::Arc;

use askama::Template;
use hizo_ledger::directory::{Directory, Entry, Kind, Purpose};

use super::sample::{self, Prefecture};
use super::update;
use crate::desk::work::{self, Ended};
use crate::desk::{Frame, Reply, Unlocked, Visit, shown};
use crate::failure::{Outcome, shown_bytes};
use crate::words::words;
use crate::{directory, safe};

/// What organisations there are, in the order in which somebody meets them: how each kind is called, what it does, and whether a company may
/// go there by itself.
const KINDS: [(Kind, &str, &str, bool); 5] = [
    (Kind::Centre, "whom-centre", "whom-centre-does", true),
    (Kind::Police, "whom-police", "whom-police-does", true),
    (Kind::Rescue, "whom-rescue", "whom-rescue-does", true),
    (Kind::Office, "whom-office", "whom-office-does", false),
    (Kind::Other, "whom-other", "whom-other-does", false),
];

struct Group {
    id: &'static str,
    name: String,
    does: String,
    direct: bool,
    rows: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "whom.html")]
struct WhomPage<'v> {
    f: Frame<'v>,
    is_sample: bool,
    /// Until when it is good, or was.
    until: Option<(bool, String)>,
    /// A keeper can be asked for the next one.
    may_fetch: bool,
    /// Prefectures: the form's value, how each is called, whether it was chosen.
    areas: Vec<(usize, &'static str, bool)>,
    groups: Vec<Group>,
}

pub(crate) fn whom(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let t = visit.text();
    let home = unlocked.home()?;
    let (directory, command) = match directory::installed(&home)? {
        Some((directory, _)) => (directory, "hizo directory show"),
        None => (sample::directory()?, "hizo directory show --sample"),
    };
    let prefectures = Prefecture::all();
    let chosen = visit.param("area").parse::<usize>().ok().filter(|number| (1..=prefectures.len()).contains(number));
    let found = meant(&directory, &prefectures, chosen);
    let groups = KINDS.iter().filter_map(|(kind, id, does, direct)| {
        let called = |entry: &&Entry| {
            let name = if t.is_japanese() { &entry.name_ja } else { &entry.name };
            (shown_bytes(name.as_bytes()), shown_bytes(entry.address.as_bytes()))
        };
        let rows: Vec<_> = found.iter().filter(|entry| entry.kind == *kind).map(called).collect();
        (!rows.is_empty()).then(|| Group { id, name: t.say(id), does: t.say(does), direct: *direct, rows })
    });
    let is_sample = directory.purpose == Purpose::Sample;
    let is_over = directory.is_good_at(safe::now()?).is_err();
    let until = || shown::moment(t, directory.valid_until.unix_seconds());
    let areas = prefectures.iter().zip(1..).map(|(prefecture, number)| {
        let name = if t.is_japanese() { prefecture.name_ja } else { prefecture.name };
        (number, name, chosen == Some(number))
    });
    visit.page(&WhomPage {
        f: visit.frame(t.say("whom-title"), command),
        is_sample,
        until: (is_over || !is_sample)
            .then(|| (is_over, t.one(if is_over { "whom-over" } else { "whom-until" }, "time", until()))),
        may_fetch: update::can_be_asked(&home),
        areas: areas.collect(),
        groups: groups.collect(),
    })
}

/// Asks the keeper for the next directories.
pub(crate) fn fetch(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let title = words!("Fetching the next directory", "次の名簿を取り寄せています");
    work::begin(visit, unlocked, title, |unlocked, _| {
        let told = update::by_itself(&unlocked.home()?)?;
        Ok(Ended { go: "/whom".to_owned(), notes: told.into_iter().collect() })
    })
}

/// Those of a prefecture, and those that are for all of them; in the order of their names.
fn meant<'d>(directory: &'d Directory, prefectures: &[Prefecture], chosen: Option<usize>) -> Vec<&'d Entry> {
    let chosen = chosen.and_then(|number| prefectures.get(number - 1));
    let is_meant = |entry: &&Entry| {
        chosen.is_some_and(|prefecture| prefecture.has(entry)) || !prefectures.iter().any(|one| one.has(entry))
    };
    let mut found: Vec<_> = directory.entries.iter().filter(is_meant).collect();
    let place = |kind: Kind| KINDS.iter().position(|(one, ..)| *one == kind);
    found.sort_by_key(|entry| (place(entry.kind), &entry.name_ja));
    found
}
