//! What whoever looks at a case does next in it: one thing, by for whom he speaks and how far the case has come.

use std::cmp::Reverse;

use hizo_ledger::record::ClaimedTime;
use hizo_vault::event::case::For;

use super::clocks::Due;
use super::keeping::{Countdown, Reminder, countdowns};
use super::states::{CLOSING, Holder, INTAKE, REFERRAL_SENT};
use super::{Case, Present, Task};
use crate::consents::Given;
use crate::parties::Party;
use crate::sides;

/// What a page knows of a case beside what was said in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Beside {
    /// How it stands to the other cases of the counsellor's organisation; nothing for anybody else.
    pub sides: Option<sides::Standing>,
    /// The counsellor opened it for a company that does not have it yet.
    pub is_to_give: bool,
    /// Something was deposited in it.
    pub has_evidence: bool,
    /// Whoever looks may take it to another state that does not end it.
    pub may_move: bool,
    pub now: u64,
}

/// One thing to do.
#[derive(Clone, Copy)]
pub(super) enum Next<'a> {
    /// The counsellor's organisation helps the other side: another one is named, and nothing more.
    Turn,
    Compare,
    Give,
    Tell,
    Invite,
    /// Something is gone soon.
    Keep(&'static str, u64),
    /// What others are to see is laid into the case first.
    Lay,
    Consent,
    /// A consent was given: the items are sealed and handed over.
    Seal(&'a Given),
    /// They were: the receiver's answer is looked for.
    Answer(&'a Given),
    /// It has not come in the time in which it should: nothing is delivered, and somebody has to be called.
    Late(&'a Given),
    Task(&'a Task),
    Advise,
    Move,
    SumUp,
    /// Somebody else's turn.
    Wait,
    Over,
}

impl<'a> Next<'a> {
    pub(super) fn of(case: &'a Case, present: &'a Present, beside: &Beside) -> Self {
        if case.closed.is_some() {
            return Self::Over;
        }
        match present.own {
            Some(Party::Counsellor) => Self::of_counsellor(case, present, beside),
            Some(Party::Company) => Self::of_company(case, present, beside),
            Some(Party::Staff) => Self::soon_gone(case, beside.now).or_else(|| task(case, For::Company)),
            None => None,
        }
        .unwrap_or(Self::Wait)
    }

    fn of_counsellor(case: &'a Case, present: &'a Present, beside: &Beside) -> Option<Self> {
        match beside.sides {
            Some(sides::Standing::Blocked) => return Some(Self::Turn),
            Some(sides::Standing::Unknown) => return Some(Self::Compare),
            Some(sides::Standing::Free) | None => (),
        }
        if case.told.is_empty() {
            return Some(Self::Tell);
        }
        if beside.is_to_give {
            return Some(Self::Give);
        }
        let is_in = |state: &str| case.states.contains_key(state);
        if let Some(given) = on_its_way(present, beside.now) {
            return match given.handed {
                None => Some(Self::Seal(given)),
                // Once it is out, the case says so before anybody waits for an answer.
                Some(_) if beside.may_move && !is_in(REFERRAL_SENT) => Some(Self::Move),
                Some(_) => Some(Self::answer(case, given, beside.now)),
            };
        }
        if is_in(CLOSING) {
            return Some(Self::SumUp);
        }
        if is_in("advice") && case.advice.is_empty() {
            return Some(Self::Advise);
        }
        task(case, For::Counsellor).or_else(|| beside.may_move.then_some(Self::Move))
    }

    fn of_company(case: &'a Case, present: &'a Present, beside: &Beside) -> Option<Self> {
        if case.told.is_empty() && case.states.contains_key(INTAKE) {
            return Some(Self::Tell);
        }
        if !present.has_counsellor {
            return Some(Self::Invite);
        }
        if let Some(soon) = Self::soon_gone(case, beside.now) {
            return Some(soon);
        }
        if let Some(given) = on_its_way(present, beside.now).filter(|given| given.handed.is_some()) {
            return Some(Self::answer(case, given, beside.now));
        }
        if let Some(task) = task(case, For::Company) {
            return Some(task);
        }
        let is_in = |state: &str| case.states.contains_key(state);
        if (is_in("referral-proposed") || is_in("suspicion-check")) && on_its_way(present, beside.now).is_none() {
            return Some(if beside.has_evidence { Self::Consent } else { Self::Lay });
        }
        let first = countdowns(case, beside.now)
            .filter_map(|one| Some((one.until?, one.source.word)))
            .min_by_key(|(until, _)| *until);
        if let Some((until, source)) = first {
            return Some(Self::Keep(source, until));
        }
        (beside.may_move && holds(case, Party::Company)).then_some(Self::Move)
    }

    fn answer(case: &Case, given: &'a Given, now: u64) -> Self {
        let is_over = |due: Option<Due>| due.is_some_and(|due| due.at < now);
        match case.clocks().any(|(state, _, due)| state.word == REFERRAL_SENT && is_over(due)) {
            true => Self::Late(given),
            false => Self::Answer(given),
        }
    }

    /// What is gone soon, or may be gone: the first of it.
    fn soon_gone(case: &Case, now: u64) -> Option<Self> {
        let is_near = |one: &Countdown| matches!(one.reminder, Reminder::Urgent | Reminder::Over);
        let near = countdowns(case, now)
            .filter(is_near)
            .filter_map(|one| Some((one.until?, one.source.word)))
            .min_by_key(|(until, _)| *until);
        near.map(|(until, source)| Self::Keep(source, until))
    }
}

/// The newest consent that stands and has no answer.
fn on_its_way(present: &Present, now: u64) -> Option<&Given> {
    let now = ClaimedTime::from_unix_seconds(now).ok()?;
    let is_open = |given: &&Given| {
        let consent = given.consent.as_ref();
        consent.is_ok_and(|consent| consent.is_open(given.is_withdrawn, now).is_ok())
    };
    present.consents.given.iter().rev().filter(|given| given.answer.is_none()).find(is_open)
}

/// What this party has to do, the first one that is due.
fn task(case: &Case, who: For) -> Option<Next<'_>> {
    let open = case.tasks.iter().filter(|task| !task.done && task.who == who);
    // Those with a day come before those without one.
    open.max_by_key(|task| Reverse((task.due.is_empty(), &task.due))).map(Next::Task)
}

/// Whether this party has to act.
pub(super) fn holds(case: &Case, party: Party) -> bool {
    case.clocks().any(|(state, ..)| match party {
        Party::Company => state.holder == Holder::Company,
        Party::Counsellor => state.holder == Holder::Counsellor,
        Party::Staff => false,
    })
}
