//! The pages on which an admin removes somebody, at once or at a time that he prepares.

use std::sync::Arc;

use askama::Template;
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::ClaimedTime;
use jiff::civil::DateTime;

use super::super::due::{line, make_all};
use super::super::entering::Admin;
use super::super::remove::{Readable, could_read, write};
use super::{machine_name, made, make, person, row, told};
use crate::desk::{Frame, Reply, Unlocked, Visit, shown};
use crate::failure::{Failure, Outcome};
use crate::membership::{self, Change, Made};
use crate::people::Person;
use crate::prepared::{Done, Order, Orders};
use crate::rotation;
use crate::view::View;
use crate::words::{Words, words};

#[derive(Template)]
#[template(path = "leave.html")]
struct LeavePage<'v> {
    f: Frame<'v>,
    back: String,
    here: String,
    name: String,
    could_read: Vec<String>,
    notes: Vec<String>,
    /// His machines: the key of each, and how it is called.
    machines: Vec<(String, String)>,
    reason: &'v str,
    at: &'v str,
    propose: Option<String>,
    fault: Option<String>,
}

/// What somebody who leaves can read, what will happen, and what stays.
pub(crate) fn leave(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    leave_page(visit, unlocked, None)
}

fn leave_page(visit: &Visit, unlocked: &Unlocked, fault: Option<&Failure>) -> Outcome<Reply> {
    let (t, language, looked) = (visit.text(), visit.language(), unlocked.look()?);
    let person = person(visit, &looked)?;
    let keys: Vec<_> = person.seats().map(|seat| seat.key).collect();
    let read = Readable::of(looked.opened(), &looked.view, &person, &keys);
    let row = row(visit, &looked, &person);
    let machines = person.machines.iter();
    let say = |line: &Words| line.to(language).to_owned();
    visit.page(&LeavePage {
        f: visit
            .frame(
                t.one("leave-title", "name", row.name.clone()),
                shown::command(["hizo", "space", "remove", &person.shown_name()]),
            )
            .tab(t.say("door-people")),
        back: row.to.clone(),
        here: format!("{}/leave", row.to),
        could_read: could_read(&row.name, &read).iter().map(say).collect(),
        notes: membership::left_out(&looked.safe, &looked.keyring)?.iter().map(say).collect(),
        machines: machines
            .map(|(seat, name)| (seat.key.name().to_string(), machine_name(t, seat, name.as_deref())))
            .collect(),
        name: row.name,
        reason: visit.field("reason"),
        at: visit.field("at"),
        propose: visit.proposal_file(&looked.safe),
        fault: fault.map(|failure| failure.told_in(language)),
    })
}

/// The time that a form names, by the clock of every page; nothing where it is to be done at once.
fn time(text: &str) -> Outcome<Option<ClaimedTime>> {
    if text.is_empty() {
        return Ok(None);
    }
    let time = text.parse::<DateTime>().ok().and_then(|time| time.to_zoned(shown::japan()).ok());
    let time = time.and_then(|time| u64::try_from(time.timestamp().as_second()).ok());
    time.and_then(|seconds| ClaimedTime::from_unix_seconds(seconds).ok())
        .map(Some)
        .ok_or_else(|| Failure::fixable(words!("that is no time", "日時として読めません")))
}

/// Keys that go: all of somebody, or one machine.
fn keys(visit: &Visit, person: &Person) -> Vec<VerifyingKey> {
    let all = person.seats().map(|seat| seat.key);
    match visit.field("what") {
        "" => all.collect(),
        machine => all.filter(|key| key.name().to_string() == machine).collect(),
    }
}

/// Removes somebody, or prepares it.
pub(crate) fn remove(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    if !visit.has("sure") {
        let failure = Failure::fixable(words!(
            "say first that you have read what cannot be undone",
            "元に戻せないことを読んだ、という欄に印を付けてください"
        ));
        return leave_page(visit, unlocked, Some(&failure));
    }
    let at = match time(visit.field("at")) {
        Ok(at) => at,
        Err(failure) => return leave_page(visit, unlocked, Some(&failure)),
    };
    let mut safe = unlocked.open_safe()?;
    let admin = Admin::silently(&safe, Arc::clone(&unlocked.identity))?;
    let person = admin.keyring.people()?.named(&safe, visit.param("who"))?;
    let (keys, own) = (keys(visit, &person), unlocked.identity.signing_seed.space_key(&safe.home.space));
    if keys.is_empty() || keys.contains(&own.verifying_key()) {
        return Err(Failure::fixable(words!(
            "nobody removes himself here: another admin does it",
            "ここで自分を外すことはできません。別の管理者に頼んでください"
        )));
    }
    admin.keyring.people()?.heed(&safe, &keys)?;
    let reason = visit.field("reason").trim();
    if let Some(at) = at {
        return match write(&safe, &admin, &Order::new(at, &person, &keys, reason)) {
            Ok(_) => Ok(visit.go("/people")),
            Err(failure) => leave_page(visit, unlocked, Some(&failure)),
        };
    }
    let read = Readable::of(admin.opened(&safe), &View::of(admin.opened(&safe))?, &person, &keys);
    let change = Change::removal(&safe, &admin.keyring, &keys, reason)?;
    let done = make(visit, unlocked, &mut safe, &admin, change)?;
    let Made::Stands(appended) = done else { return made(visit, done, "/people") };
    let name = person.shown_name();
    let mut lines = vec![words!(
        "{name} is removed, with {keys} keys; what is kept from now on is closed to them",
        "{name}さんを外しました（鍵{keys}個）。今後預けるものは開けられません",
        name = name,
        keys = keys.len()
    )];
    lines.extend(could_read(&name, &read));
    lines.extend(rotation::next(&safe.home));
    lines.extend(appended.promised.err().map(|failure| failure.message));
    told(visit, "leave-done", &lines)
}

/// Withdraws what was prepared.
pub(crate) fn withdraw(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let home = unlocked.look()?.safe.home.clone();
    Orders::of(&home)?.withdraw(visit.field("order"))?;
    Ok(visit.go("/people"))
}

/// Does what is due.
pub(crate) fn due(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let mut safe = unlocked.open_safe()?;
    let orders = Orders::of(&safe.home)?;
    let (due, _) = orders.due();
    if due.is_empty() {
        return Ok(visit.go("/people"));
    }
    let admin = Admin::silently(&safe, Arc::clone(&unlocked.identity))?;
    let mut lines = Vec::new();
    let left = make_all(admin, &mut safe, &due, &visit.proposing()?, &mut |made| match made {
        Ok((order, done)) => {
            lines.push(line(&order.shown_name(), &done));
            match done {
                Done::Made(Made::Proposed(proposed)) => lines.push(proposed.next()),
                Done::Made(Made::Stands(appended)) => {
                    lines.extend(appended.promised.err().map(|failure| failure.message));
                }
                Done::Gone => (),
            }
        }
        Err(failure) => lines.push(failure.message),
    });
    unlocked.forget();
    left?;
    lines.extend(rotation::next(&safe.home));
    told(visit, "leave-done", &lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_one_of_this_machine_and_nothing_else_is_one() {
        assert_eq!(time("").unwrap(), None);
        assert!(time("2027-03-31T18:00").unwrap().is_some());
        for none in ["18:00", "tomorrow", "2027-02-30T18:00", "1969-01-01T00:00"] {
            assert!(time(none).is_err(), "{none}");
        }
    }
}
