//! The page of people: who is a member, what each may do, and how the key cards stand.

use std::sync::Arc;

use askama::Template;
use hizo_ledger::record::{Act, Role};

use super::admins;
use crate::cards::{self, CardSet, Tried};
use crate::desk::{Frame, Looked, Reply, Unlocked, Visit, shown};
use crate::failure::{Outcome, shown_bytes};
use crate::keeper::unix_seconds;
use crate::people::{Person, Seat, shown_organisation};

struct Row {
    name: String,
    organisation: String,
    may: String,
    opens: bool,
    since: String,
    machines: Vec<String>,
}

#[derive(Template)]
#[template(path = "people.html")]
struct PeoplePage<'v> {
    f: Frame<'v>,
    notes: Vec<String>,
    rule: String,
    rows: Vec<Row>,
    cards: String,
}

pub(crate) fn people(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let (t, language, looked) = (visit.text(), visit.language(), unlocked.look()?);
    let persons = looked.keyring.people()?.persons(&looked.safe);
    let mut notes: Vec<_> = looked.keyring.doubts.iter().map(|doubt| doubt.to(language).to_owned()).collect();
    notes.extend(looked.safe.chain.waiting().map(|waiting| cards::waits(waiting).to(language).to_owned()));
    visit.page(&PeoplePage {
        f: visit.frame(t.say("door-people"), "hizo space members"),
        notes,
        rule: admins::line(looked.safe.chain.admin_rule()).to(language).to_owned(),
        rows: persons.iter().map(|person| row(visit, &looked, person)).collect(),
        cards: cards(visit, &looked)?,
    })
}

fn row(visit: &Visit, looked: &Looked, person: &Person) -> Row {
    let (t, language) = (visit.text(), visit.language());
    let role = person.own.map(|own| own.role);
    let record = usize::try_from(person.since()).ok().and_then(|number| looked.safe.records.get(number));
    let machine = |(seat, name): &(Seat, Option<String>)| {
        let name = name.as_ref().map_or_else(|| seat.key.name().to_string(), |name| shown_bytes(name.as_bytes()));
        t.one(if seat.role.may(Act::Deposit) { "people-machine-deposits" } else { "people-machine" }, "name", name)
    };
    Row {
        name: person.shown_name(),
        organisation: person
            .organisation
            .as_ref()
            .map_or_else(String::new, |card| shown_organisation(card).to(language).to_owned()),
        may: t.say(match role {
            Some(Role::Admin) => "role-admin",
            Some(Role::Reader) => "role-reader",
            Some(Role::Writer) => "role-writer",
            Some(Role::ReaderWriter) => "role-both",
            None => "role-machines",
        }),
        opens: role.is_some_and(Role::opens),
        since: record.map_or_else(String::new, |record| shown::moment(t, record.envelope().time.unix_seconds())),
        machines: person.machines.iter().map(machine).collect(),
    }
}

/// How the key cards stand, in one sentence.
fn cards(visit: &Visit, looked: &Looked) -> Outcome<String> {
    let t = visit.text();
    let set = CardSet::of(looked.opened())?;
    let Some(tried) = Tried::of(&looked.safe, set.and_then(|set| set.drilled)) else { return Ok(t.say("cards-none")) };
    let made = shown::moment(t, tried.made);
    let is_due = tried.is_due(unix_seconds());
    Ok(match (tried.drilled.map(|drilled| shown::moment(t, drilled)), is_due) {
        (Some(drilled), false) => t.two("cards-tried", "made", made, "tried", drilled),
        (Some(drilled), true) => t.two("cards-due", "made", made, "tried", drilled),
        (None, _) => t.one("cards-untried", "made", made),
    })
}
