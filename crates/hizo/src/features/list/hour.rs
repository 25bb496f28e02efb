//! The first hour: what makes a safe safe, each step with its state and where it is done. It folds away once it is done.

use hizo_ledger::record::Role;

use crate::cards::{CardSet, Tried};
use crate::desk::{Looked, Unlocked, Visit};
use crate::failure::Outcome;
use crate::keeper::unix_seconds;

/// So long the list is open by itself.
const OPEN_SECONDS: u64 = 7 * 24 * 60 * 60;

/// A step: what it is called, why, whether it is done, and the page on which it is.
pub(super) struct Step {
    pub name: String,
    pub why: String,
    pub is_done: bool,
    pub to: Option<String>,
}

/// The list, and how much of it is done.
pub(super) struct Hour {
    pub steps: Vec<Step>,
    pub says: String,
    pub is_open: bool,
}

/// The steps of whoever runs this safe; nothing for anybody else, and nothing in a case. `is_proved`: somebody independent has
/// confirmed a time.
pub(super) fn hour(visit: &Visit, unlocked: &Unlocked, looked: &Looked, is_proved: bool) -> Outcome<Option<Hour>> {
    let (t, safe) = (visit.text(), &looked.safe);
    if visit.is_beside() || safe.role_of(&unlocked.identity) != Some(Role::Admin) {
        return Ok(None);
    }
    let set = CardSet::of(looked.opened())?;
    let tried = Tried::of(safe, set.and_then(|set| set.drilled));
    let newest = looked.view.newest_first().into_iter().next().map(|(id, _)| visit.at(&format!("/series/{id}")));
    let others = looked.keyring.people()?.persons(safe).into_iter().filter(|person| person.own.is_some()).count();
    let step = |name: &str, why: &str, is_done: bool, to: Option<String>| Step {
        name: t.say(name),
        why: t.say(why),
        is_done,
        to: to.filter(|_| !is_done),
    };
    let kept = looked.view.series.values().any(|of| !of.deposits.is_empty());
    let is_alone = safe.home.address().is_none();
    let steps = vec![
        step("hour-kept", "hour-kept-why", kept, Some(visit.at("/keep"))),
        step(
            "hour-cards",
            "hour-cards-why",
            tried.is_some_and(|tried| tried.drilled.is_some()),
            Some(visit.at("/cards")),
        ),
        step(
            "hour-again",
            "hour-again-why",
            !safe.home.watched()?.is_empty(),
            newest.clone().map(|newest| format!("{newest}/schedule")),
        ),
        step("hour-time", "hour-time-why", is_proved, newest),
        step(
            "hour-people",
            if is_alone { "hour-people-alone" } else { "hour-people-why" },
            others > 1,
            Some(visit.at("/people")),
        ),
        step("hour-emergency", "hour-emergency-why", tried.is_some(), Some(visit.at("/cards"))),
    ];
    let done = steps.iter().filter(|step| step.is_done).count();
    let begun = safe.records.first().map_or(0, |record| record.envelope().time.unix_seconds());
    let is_young = unix_seconds().saturating_sub(begun) < OPEN_SECONDS;
    Ok(Some(Hour {
        says: t.two("hour-says", "done", done, "all", steps.len()),
        is_open: is_young && done < steps.len(),
        steps,
    }))
}
