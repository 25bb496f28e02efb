//! The pages of people: who is a member and what each may do, how somebody comes and how he goes, and how the key cards stand.

mod beside;
mod coming;
mod joining;
mod leaving;
mod revoking;

use std::sync::Arc;

use askama::Template;
use hizo_ledger::record::{Act, Role};

pub(crate) use beside::{ask_for_case, ask_for_handover, choose_case, choose_handover, enter_page, go_on, joined};
pub(crate) use coming::{admit, admitted, choose, invite};
pub(crate) use joining::{ask, choose as join, enter, entered, words};
pub(crate) use leaving::{due, leave, remove, withdraw};
pub(crate) use revoking::{choose as choose_revocation, say as revoke};

use super::entering::Admin;
use super::remove::{Readable, could_read, ranges};
use super::{admins, grant, role};
use crate::cards;
use crate::desk::{Frame, Looked, Reply, Text, Unlocked, Visit, shown};
use crate::failure::{Outcome, shown_bytes};
use crate::founding;
use crate::keeper::unix_seconds;
use crate::membership::{Change, Made};
use crate::people::{Person, Seat, shown_organisation};
use crate::prepared::Orders;
use crate::safe::Safe;
use crate::view::View;
use crate::words::Words;

/// The safe as it is now and its admin, who is about to change something.
fn admin(unlocked: &Unlocked) -> Outcome<(Safe, Admin)> {
    let safe = unlocked.open_safe()?;
    let admin = Admin::silently(&safe, Arc::clone(&unlocked.identity))?;
    admin.keyring.people()?.heed(&safe, &[])?;
    Ok((safe, admin))
}

/// Makes a change; where two admins sign, a proposal in the file that the form names.
fn make(visit: &Visit, unlocked: &Unlocked, safe: &mut Safe, admin: &Admin, change: Change) -> Outcome<Made> {
    let made = admin.make(change, safe, &visit.proposing()?);
    unlocked.forget();
    made
}

/// The member whom the path names by the first digits of a key.
fn person(visit: &Visit, looked: &Looked) -> Outcome<Person> {
    looked.keyring.people()?.named(&looked.safe, visit.param("who"))
}

/// What stands for somebody in an address: the name of one of his keys, which the keeper knows too.
fn who(person: &Person) -> String {
    person.seats().next().map(|seat| seat.key.name().to_string()).unwrap_or_default()
}

#[derive(Template)]
#[template(path = "told.html")]
struct ToldPage<'v> {
    f: Frame<'v>,
    lines: Vec<String>,
    back: String,
}

/// What was done, and what comes next.
fn told(visit: &Visit, title: &str, lines: &[Words]) -> Outcome<Reply> {
    let language = visit.language();
    visit.page(&ToldPage {
        f: visit.frame(visit.text().say(title), ""),
        lines: lines.iter().map(|line| line.to(language).to_owned()).collect(),
        back: visit.at("/people"),
    })
}

/// What came of a change: the page of what it is about, or how the second admin gets it.
fn made(visit: &Visit, made: Made, go: &str) -> Outcome<Reply> {
    match made {
        Made::Stands(appended) => {
            appended.promised?;
            Ok(visit.go(go))
        }
        Made::Proposed(proposed) => told(visit, "people-proposed", &[proposed.line(), proposed.next()]),
    }
}

struct Row {
    to: String,
    name: String,
    /// Whoever looks.
    is_self: bool,
    organisation: String,
    may: String,
    opens: bool,
    since: String,
    machines: Vec<String>,
}

/// A removal that waits for its time.
struct PreparedRow {
    id: String,
    name: String,
    at: String,
    is_due: bool,
}

#[derive(Template)]
#[template(path = "people.html")]
struct PeoplePage<'v> {
    f: Frame<'v>,
    at: String,
    notes: Vec<String>,
    is_admin: bool,
    /// Whether anybody else reaches the keeper.
    is_reached: bool,
    rule: String,
    rows: Vec<Row>,
    prepared: Vec<PreparedRow>,
    is_any_due: bool,
    propose: Option<String>,
    /// Somebody acts here for an organisation.
    has_organisations: bool,
    /// Nothing for a case.
    cards: Option<String>,
}

pub(crate) fn people(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let (t, language, looked) = (visit.text(), visit.language(), unlocked.look()?);
    let persons = looked.keyring.people()?.persons(&looked.safe);
    let mut notes: Vec<_> = looked.keyring.doubts.iter().map(|doubt| doubt.to(language).to_owned()).collect();
    notes.extend(looked.safe.chain.waiting().map(|waiting| cards::waits(waiting).to(language).to_owned()));
    let orders = Orders::of(&looked.safe.home)?;
    notes.extend(orders.are_whole().err().map(|failure| failure.told_in(language)));
    let mut prepared = Vec::new();
    for sealed in &orders.whole {
        match sealed.open(&unlocked.identity) {
            Ok(order) => prepared.push(PreparedRow {
                id: sealed.id.clone(),
                name: order.shown_name(),
                at: shown::moment(t, order.at.unix_seconds()),
                is_due: order.at.unix_seconds() <= unix_seconds(),
            }),
            Err(failure) => notes.push(failure.told_in(language)),
        }
    }
    let own = unlocked.identity.signing_seed.space_key(&looked.safe.home.space).verifying_key();
    let is_case = visit.is_beside();
    visit.page(&PeoplePage {
        f: visit.frame(t.say("door-people"), "hizo space members"),
        notes,
        is_admin: looked.safe.role_of(&unlocked.identity) == Some(Role::Admin),
        is_reached: looked.safe.home.address().is_some(),
        rule: admins::line(looked.safe.chain.admin_rule()).to(language).to_owned(),
        rows: persons
            .iter()
            .map(|person| Row { is_self: person.seats().any(|seat| seat.key == own), ..row(visit, &looked, person) })
            .collect(),
        is_any_due: prepared.iter().any(|row| row.is_due),
        prepared,
        propose: visit.proposal_file(&looked.safe),
        has_organisations: persons.iter().any(|person| person.organisation.is_some()),
        cards: if is_case { None } else { Some(shown::cards(visit, &looked)?) },
        at: visit.at("/people"),
    })
}

fn row(visit: &Visit, looked: &Looked, person: &Person) -> Row {
    let (t, language) = (visit.text(), visit.language());
    let role = person.own.map(|own| own.role);
    let record = usize::try_from(person.since()).ok().and_then(|number| looked.safe.records.get(number));
    let machine = |(seat, name): &(Seat, Option<String>)| {
        let id = if seat.role.may(Act::Deposit) { "people-machine-deposits" } else { "people-machine" };
        t.one(id, "name", machine_name(t, seat, name.as_deref()))
    };
    Row {
        to: visit.at(&format!("/people/who/{}", who(person))),
        // Whoever began the safe was let in by nobody, who would have said what he is called.
        name: match person.name.is_none() && person.own.is_some_and(|seat| seat.since == 0) {
            true => t.say("people-founder"),
            false => person.shown_name(),
        },
        is_self: false,
        organisation: person
            .organisation
            .as_ref()
            .map_or_else(String::new, |card| shown_organisation(card).to(language).to_owned()),
        may: t.say(role_word(role)),
        opens: role.is_some_and(Role::opens),
        since: record.map_or_else(String::new, |record| shown::moment(t, record.envelope().time.unix_seconds())),
        machines: person.machines.iter().map(machine).collect(),
    }
}

fn machine_name(t: Text, seat: &Seat, name: Option<&str>) -> String {
    match name {
        // Whoever began the safe was not asked what to call the machine.
        Some(founding::FIRST_MACHINE) => t.say("people-first-machine"),
        Some(name) => shown_bytes(name.as_bytes()),
        None => seat.key.name().to_string(),
    }
}

const fn role_word(role: Option<Role>) -> &'static str {
    match role {
        Some(Role::Admin) => "role-admin",
        Some(Role::Reader) => "role-reader",
        Some(Role::Writer) => "role-writer",
        Some(Role::ReaderWriter) => "role-both",
        None => "role-machines",
    }
}

/// Roles as a form offers them: the word, how it is called, whether it is the one that is meant.
fn roles(visit: &Visit, meant: Option<Role>) -> Vec<(&'static str, String, bool)> {
    let all = [Role::ReaderWriter, Role::Reader, Role::Writer, Role::Admin];
    all.into_iter().map(|role| (role.as_str(), visit.text().say(role_word(Some(role))), Some(role) == meant)).collect()
}

fn role_of(word: &str) -> Option<Role> {
    [Role::ReaderWriter, Role::Reader, Role::Writer, Role::Admin].into_iter().find(|role| role.as_str() == word)
}

#[derive(Template)]
#[template(path = "person.html")]
struct PersonPage<'v> {
    f: Frame<'v>,
    back: String,
    here: String,
    row: Row,
    could_read: Vec<String>,
    roles: Vec<(&'static str, String, bool)>,
    /// Whether this person's role may be changed here, and whether he may be removed.
    may_change: bool,
    may_remove: bool,
    /// He reads, and not what was kept before he came.
    may_give: bool,
    /// Where the words are by which he enters, as long as he may not have done so.
    words: Option<String>,
    propose: Option<String>,
}

/// Somebody: what he may do and what he can read.
pub(crate) fn one(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let (language, looked) = (visit.language(), unlocked.look()?);
    let person = person(visit, &looked)?;
    let keys: Vec<_> = person.seats().map(|seat| seat.key).collect();
    let read = Readable::of(looked.opened(), &looked.view, &person, &keys);
    let is_admin = looked.safe.role_of(&unlocked.identity) == Some(Role::Admin);
    let own = unlocked.identity.signing_seed.space_key(&looked.safe.home.space).verifying_key();
    let is_self = keys.contains(&own);
    let people = looked.keyring.people()?;
    let first = person.own.and_then(|own| people.first_epoch(&looked.safe, &own.key));
    let let_in = person.own.filter(|_| is_admin && !is_self).and_then(|own| looked.safe.let_in_by(&own.key));
    let row = row(visit, &looked, &person);
    visit.page(&PersonPage {
        f: visit
            .frame(row.name.clone(), shown::command(["hizo", "space", "role", &person.shown_name(), "…"]))
            .tab(visit.text().say("door-people")),
        back: visit.at("/people"),
        here: row.to.clone(),
        could_read: could_read(&row.name, &read).iter().map(|line| line.to(language).to_owned()).collect(),
        roles: roles(visit, person.own.map(|own| own.role)),
        may_change: is_admin && person.own.is_some() && person.identity.is_some(),
        may_remove: is_admin && !is_self,
        words: let_in.map(|record| visit.at(&format!("/people/admitted/{}", record.id()))),
        may_give: is_admin && first.is_some_and(|first| first > 0) && row.opens,
        propose: visit.proposal_file(&looked.safe),
        row,
    })
}

/// Gives somebody another role.
pub(crate) fn change_role(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let (mut safe, admin) = admin(unlocked)?;
    let person = admin.keyring.people()?.named(&safe, visit.param("who"))?;
    let Some(role) = role_of(visit.field("role")) else { return one(visit, unlocked) };
    let change = role::change(&safe, &admin, &person, role, visit.has("history"))?;
    let done = make(visit, unlocked, &mut safe, &admin, change)?;
    made(visit, done, &format!("/people/who/{}", visit.param("who")))
}

/// Lets somebody open what was kept before he came.
pub(crate) fn give(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let (mut safe, admin) = admin(unlocked)?;
    let person = admin.keyring.people()?.named(&safe, visit.param("who"))?;
    let change = grant::change(&safe, &admin, &person)?;
    let done = make(visit, unlocked, &mut safe, &admin, change)?;
    made(visit, done, &format!("/people/who/{}", visit.param("who")))
}

#[derive(Template)]
#[template(path = "opens.html")]
struct OpensPage<'v> {
    f: Frame<'v>,
    back: String,
    /// Each series, and who opens which deposits of it.
    rows: Vec<(String, Vec<String>)>,
    paging: shown::Paging,
}

/// Who may open what: each series, with those who can open deposits of it.
pub(crate) fn opens(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let (t, looked) = (visit.text(), unlocked.look()?);
    let view: &View = &looked.view;
    let persons = looked.keyring.people()?.persons(&looked.safe);
    let read: Vec<(String, Readable)> = persons
        .iter()
        .filter(|person| person.own.is_some_and(|own| own.role.opens()))
        .map(|person| {
            let keys: Vec<_> = person.seats().map(|seat| seat.key).collect();
            (person.shown_name(), Readable::of(looked.opened(), view, person, &keys))
        })
        .collect();
    let mut names: Vec<String> = view.series.iter().map(|(id, series)| series.shown_name(*id)).collect();
    names.sort();
    let paging = shown::Paging::of(visit, names.len());
    let rows = paging.rows(names.into_iter()).into_iter().map(|name| {
        let openers = read.iter().filter_map(|(person, read)| {
            let (_, numbers) = read.series.iter().find(|(series, _)| *series == name)?;
            Some(t.two("opens-which", "name", person.clone(), "numbers", ranges(numbers)))
        });
        let openers: Vec<_> = openers.collect();
        (name, openers)
    });
    visit.page(&OpensPage {
        f: visit.frame(t.say("opens-title"), "hizo space remove … --dry-run"),
        back: visit.at("/people"),
        rows: rows.collect(),
        paging,
    })
}
