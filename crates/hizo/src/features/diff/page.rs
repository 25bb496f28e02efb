//! The page on which two deposits of a series are compared.

use std::sync::Arc;

use askama::Template;
use hizo_vault::manifest::Entry;

use super::command::field_name;
use super::{Compared, Field, compare};
use crate::console::bytes;
use crate::desk::{Frame, Reply, Unlocked, Visit, shown};
use crate::failure::{Outcome, shown_bytes};

/// Differences on one page; a longer list says how many more there are.
const ROWS_MAX: usize = 500;

struct Row {
    tone: &'static str,
    word: String,
    name: String,
    what: String,
    size: String,
}

#[derive(Template)]
#[template(path = "compare.html")]
struct ComparePage<'v> {
    f: Frame<'v>,
    here: String,
    deposit: String,
    /// Other deposits of the series: number, what it is called, whether it is the one that is compared with.
    others: Vec<(u64, String, bool)>,
    rows: Vec<Row>,
    more: usize,
    same: String,
}

pub(crate) fn page(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let (t, looked) = (visit.text(), unlocked.look()?);
    let Some((id, deposit, record)) = looked.deposit(visit.param("deposit")) else { return Ok(visit.go("/safe")) };
    let Some(series) = looked.view.series.get(&id) else { return Ok(visit.go("/safe")) };
    let wanted = visit.param("with").parse::<u64>().ok();
    let before = match wanted {
        Some(wanted) => series.deposits.iter().find(|other| other.number == wanted),
        None => series.deposits.iter().rfind(|other| other.number < deposit.number),
    };
    let other = before.and_then(|other| looked.deposit(&other.id.to_string()));
    let Some((_, before, before_record)) = other.filter(|(_, before, _)| before.number != deposit.number) else {
        return Ok(visit.go(&format!("/deposit/{}", deposit.id)));
    };
    let (old, new) = (looked.opened().list(before_record)?, unlocked.contents(&looked, record)?);
    let difference = compare(Compared::of(&old)?, Compared::at_hand(&new))?;
    let entry = |tone, word: &str, entry: &Entry, what: String| Row {
        tone,
        word: t.say(word),
        name: shown_bytes(&entry.path),
        what,
        size: entry.kind.content().map_or_else(String::new, |content| bytes(content.size)),
    };
    let fields = |fields: &[Field]| {
        let named: Vec<_> = fields.iter().map(|field| field_name(*field).to(visit.language()).to_owned()).collect();
        named.join(if t.is_japanese() { "、" } else { ", " })
    };
    let mut rows: Vec<Row> = Vec::new();
    if difference.root_is_worth_telling() {
        let (tone, word, what) = ("wait", t.say("diff-changed"), fields(&difference.root));
        rows.push(Row { tone, word, name: ".".to_owned(), what, size: String::new() });
    }
    rows.extend(difference.added.iter().map(|added| entry("ok", "diff-added", added, String::new())));
    rows.extend(difference.removed.iter().map(|removed| entry("bad", "diff-removed", removed, String::new())));
    rows.extend(difference.renamed.iter().map(|change| {
        entry("info", "diff-renamed", &change.after, t.one("diff-from", "name", shown_bytes(&change.before.path)))
    }));
    let changed = difference.changed.iter().filter(|change| !change.is_only_the_time_of_a_folder());
    rows.extend(changed.map(|change| entry("wait", "diff-changed", &change.after, fields(&change.fields))));
    let more = rows.len().saturating_sub(ROWS_MAX);
    rows.truncate(ROWS_MAX);
    let others =
        series.deposits.iter().rev().filter(|other| other.number != deposit.number).take(ROWS_MAX).map(|other| {
            let called = t.two("deposit-at", "number", other.number, "time", shown::moment(t, other.time));
            (other.number, called, other.number == before.number)
        });
    visit.page(&ComparePage {
        f: visit.frame(
            t.two("diff-title", "number", deposit.number, "other", before.number),
            format!("hizo diff {} {}", &before.id.to_string()[..12], &deposit.id.to_string()[..12]),
        ),
        here: visit.at(&format!("/deposit/{}", deposit.id)),
        deposit: looked.called(t, id, deposit),
        others: others.collect(),
        rows,
        more,
        same: t.one("diff-same", "count", difference.same),
    })
}
