//! The deposits of a case, to be chosen from: so many on a page, however many there are.

use std::cmp::Reverse;

use hizo_vault::event::handover::{ITEMS_MAX, UnverifiedItem};

use super::preview;
use crate::console::bytes;
use crate::desk::shown::Paging;
use crate::desk::{Looked, Visit, shown};
use crate::failure::{Failure, Outcome};
use crate::view::Deposit;
use crate::words::words;

/// A deposit that may be handed over, or a part of it.
pub(super) struct DepositRow {
    pub id: String,
    pub field: String,
    pub name: String,
    pub facts: String,
    pub is_chosen: bool,
}

/// The deposits that a form offers: one page of them, the newest first, and before it what was chosen on other pages.
pub(super) struct Choice {
    pub rows: Vec<DepositRow>,
    pub paging: Paging,
}

impl Choice {
    /// For a form, and whether it is the one that was sent.
    pub(super) fn of(visit: &Visit, looked: &Looked, is_sent: bool) -> Self {
        let t = visit.text();
        let all =
            looked.view.series.iter().flat_map(|(series, of)| of.deposits.iter().map(|deposit| (*series, deposit)));
        let mut all: Vec<_> = all.collect();
        all.sort_by_key(|(_, deposit)| Reverse(deposit.record));
        let paging = Paging::at(t, if is_sent { visit.field("page") } else { "" }, all.len());
        let is_chosen = |deposit: &Deposit| {
            is_sent && (visit.has(&field(deposit)) || visit.field("form") == deposit.id.to_string())
        };
        let here = paging.rows(all.iter().copied());
        let is_here = |deposit: &Deposit| here.iter().any(|(_, other)| other.record == deposit.record);
        let elsewhere = all.iter().copied().filter(|(_, deposit)| is_chosen(deposit) && !is_here(deposit));
        let rows = elsewhere.take(ITEMS_MAX).chain(here.iter().copied()).map(|(series, deposit)| DepositRow {
            id: deposit.id.to_string(),
            field: field(deposit),
            name: looked.called(t, series, deposit),
            facts: [shown::moment(t, deposit.time), t.one("files-count", "count", deposit.files), bytes(deposit.bytes)]
                .join(" · "),
            is_chosen: is_chosen(deposit),
        });
        Self { rows: rows.collect(), paging }
    }
}

/// The name of a deposit's box.
fn field(deposit: &Deposit) -> String {
    format!("item-{}", deposit.id)
}

/// What somebody has chosen of them, each whole, in the order of a consent.
pub(super) fn chosen(visit: &Visit, looked: &Looked) -> Outcome<Vec<UnverifiedItem>> {
    let deposits = looked.view.series.values().flat_map(|series| &series.deposits);
    let chosen = deposits.filter(|deposit| visit.has(&field(deposit)));
    let records = chosen.filter_map(|deposit| looked.safe.records.get(usize::try_from(deposit.record).ok()?));
    let mut items = records.map(preview::whole).collect::<Outcome<Vec<_>>>()?;
    items.sort_by(|one, other| one.deposit.cmp(&other.deposit));
    if items.is_empty() {
        return Err(Failure::fixable(words!("nothing was chosen", "渡すものが選ばれていません")));
    }
    if items.len() > ITEMS_MAX {
        return Err(Failure::fixable(words!("choose 256 deposits at most", "選べるのは256件までです")));
    }
    Ok(items)
}
