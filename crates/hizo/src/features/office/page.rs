//! The pages of an organisation: its card, who acts for it, and how somebody begins and ends to.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use hizo_ledger::id::SpaceId;
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::Role;
use hizo_vault::fingerprint::Spoken;

use super::make::make as make_key;
use super::revoke::{meant, revoke as take_back};
use crate::desk::picker::{self, Picker};
use crate::desk::shown::{self, spoken};
use crate::desk::{Frame, Reply, Unlocked, Visit};
use crate::failure::{Failure, Outcome, shown as shown_path, shown_bytes};
use crate::membership;
use crate::office::Office;
use crate::people::shown_organisation;
use crate::register::{self, Register, State};
use crate::rotation;
use crate::safe;
use crate::words::words;

/// For how many days somebody acts for the organisation, if nobody says otherwise.
const DAYS: u64 = 365;

/// Safes whose keys are due that are named on the page.
const DUE_MAX: usize = 50;

struct Row {
    name: String,
    space: String,
    until: String,
    tone: &'static str,
    state: String,
    /// Nobody else acts for the organisation there.
    is_alone: bool,
    /// The page on which it is taken back, where that still changes something.
    revoke: Option<String>,
}

#[derive(Template)]
#[template(path = "office.html")]
struct OfficePage<'v> {
    f: Frame<'v>,
    /// What it is called, its key, and the words of that.
    card: Option<(String, String)>,
    words: (String, String),
    has_key: bool,
    rows: Vec<Row>,
    /// What came of making new keys, where that was asked for.
    rotated: Vec<String>,
    visit: &'v Visit,
    fault: Option<(String, Option<String>)>,
}

/// The organisation whose own safe is unlocked; or how a safe becomes one's.
pub(crate) fn office(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    page(visit, unlocked, Vec::new(), None)
}

fn page(visit: &Visit, unlocked: &Unlocked, rotated: Vec<String>, fault: Option<&Failure>) -> Outcome<Reply> {
    let (t, language, home) = (visit.text(), visit.language(), unlocked.home()?);
    let card = match home.organisation_card_file().exists() {
        true => Some(register::card(&home)?),
        false => None,
    };
    let rows = card.as_ref().map(|card| rows(visit, unlocked, &card.key)).transpose()?.unwrap_or_default();
    visit.page(&OfficePage {
        f: visit.frame(
            t.say("office-title"),
            if card.is_some() { "hizo office list" } else { "hizo office make --name …" },
        ),
        words: card.as_ref().map(|card| spoken(visit, &Spoken::of_organisation(&card.key))).unwrap_or_default(),
        card: card.map(|card| (shown_organisation(&card).to(language).to_owned(), card.key.to_base64())),
        has_key: home.organisation_key_file().exists(),
        rows,
        rotated,
        visit,
        fault: fault.map(|failure| visit.fault(failure)),
    })
}

/// New keys in all safes that the organisation reads, where somebody has left it.
pub(crate) fn rotate(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let done =
        Office::at(unlocked.home()?, visit.field("passphrase")).and_then(|mut office| rotation::rotate(&mut office));
    unlocked.forget();
    let rotated = match done {
        Ok(rotated) => rotated,
        Err(failure) => return page(visit, unlocked, Vec::new(), Some(&failure)),
    };
    let (t, language) = (visit.text(), visit.language());
    let mut lines = vec![t.count("office-rotated", &rotated.done.len())];
    // How many have new keys is said; which have not, one by one.
    let due = rotated.due_lines();
    lines.extend(due.iter().take(DUE_MAX).map(|line| line.to(language).to_owned()));
    lines.extend((due.len() > DUE_MAX).then(|| t.count("and-more", &(due.len() - DUE_MAX))));
    page(visit, unlocked, lines, rotated.outcome().err().as_ref())
}

fn rows(visit: &Visit, unlocked: &Unlocked, organisation: &VerifyingKey) -> Outcome<Vec<Row>> {
    let (t, language, looked) = (visit.text(), visit.language(), unlocked.look()?);
    let persons = looked.keyring.people()?.persons(&looked.safe).into_iter();
    let mut names: BTreeMap<VerifyingKey, String> =
        persons.filter_map(|person| Some((person.identity?, person.name?))).collect();
    // Whoever founded the safe was never let in under a name.
    let own = unlocked.identity.signing_seed.identity_key().verifying_key();
    names.entry(own).or_insert_with(|| t.say("people-you"));
    let (now, sealed_to) = (safe::now()?, looked.safe.recipient()?.to_string());
    let register = Register::of(looked.opened(), organisation);
    let acts = |entry: &&register::Entry| matches!(entry.state(now, &sealed_to), State::Good | State::Due);
    let mut acting: BTreeMap<SpaceId, usize> = BTreeMap::new();
    for entry in register.entries().filter(acts) {
        *acting.entry(entry.delegation.space).or_default() += 1;
    }
    let row = |entry: &register::Entry| {
        let (said, state) = (&entry.delegation, entry.state(now, &sealed_to));
        let key = said.key.name().to_string();
        Row {
            name: names.get(&said.identity).map_or_else(|| key.clone(), |name| shown_bytes(name.as_bytes())),
            space: said.space.to_string().get(..12).unwrap_or_default().to_owned(),
            until: shown::moment(t, said.not_after.unix_seconds()),
            tone: match state {
                State::Good => "ok",
                State::Due => "wait",
                State::Ended | State::Revoked => "info",
            },
            state: state.words().to(language).to_owned(),
            is_alone: matches!(state, State::Good | State::Due) && acting.get(&said.space) == Some(&1),
            revoke: matches!(state, State::Good | State::Due).then(|| visit.at(&format!("/office/revoke/{key}"))),
        }
    };
    Ok(register.entries().map(row).collect())
}

/// Makes the organisation's key.
pub(crate) fn make(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let name_ja = visit.field("name_ja").trim().to_owned();
    let name = if visit.has("name") { visit.field("name").trim().to_owned() } else { name_ja.clone() };
    match make_key(&unlocked.home()?, name, name_ja, visit.field("passphrase")) {
        Ok(_) => Ok(visit.go("/office")),
        Err(failure) => page(visit, unlocked, Vec::new(), Some(&failure)),
    }
}

#[derive(Template)]
#[template(path = "office-delegate.html")]
struct DelegatePage<'v> {
    f: Frame<'v>,
    picker: Option<Picker>,
    file: String,
    name: String,
    space: String,
    days: u64,
    to: String,
    fault: Option<(String, Option<String>)>,
}

/// The request of somebody who is to act for the organisation.
pub(crate) fn choose(visit: &Visit, _unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    match picker::file(visit)? {
        Some(file) => delegate_page(visit, Some(&file), None),
        None => delegate_page(visit, None, None),
    }
}

fn delegate_page(visit: &Visit, file: Option<&std::path::Path>, fault: Option<Failure>) -> Outcome<Reply> {
    let t = visit.text();
    let (request, unread) = match file.map(membership::read_any_request) {
        Some(Ok(request)) => (Some(request), None),
        Some(Err(failure)) => (None, Some(failure)),
        None => (None, None),
    };
    let (picker, unseen) = match request {
        Some(_) => (None, None),
        None => Picker::for_a_file(visit).map(|(picker, unseen)| (Some(picker), unseen))?,
    };
    visit.page(&DelegatePage {
        f: visit.frame(t.say("office-delegate"), "hizo office delegate REQUEST --days 365 --to …"),
        picker,
        file: file.map(picker::carried).unwrap_or_default(),
        name: request.as_ref().map(|request| shown_bytes(request.name.as_bytes())).unwrap_or_default(),
        space: request.map(|request| request.space.to_string()).unwrap_or_default().chars().take(12).collect(),
        days: visit.field("days").parse().unwrap_or(DAYS),
        to: match visit.field("to") {
            "" => shown_path(&picker::new_folder(&t.say("office-delegated-file"))),
            to => to.to_owned(),
        },
        fault: fault.or(unread).or(unseen).map(|failure| visit.fault(&failure)),
    })
}

#[derive(Template)]
#[template(path = "office-told.html")]
struct ToldPage<'v> {
    f: Frame<'v>,
    file: String,
    next: String,
}

fn told(visit: &Visit, title: &str, file: &std::path::Path, next: &str) -> Outcome<Reply> {
    let t = visit.text();
    visit.page(&ToldPage { f: visit.frame(t.say(title), ""), file: shown_path(file), next: t.say(next) })
}

/// Delegates him.
pub(crate) fn delegate(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let file = picker::carried_in(visit, "request")?;
    let done = || {
        let days = visit.field("days").parse().ok().filter(|days| (1..=3650).contains(days));
        let days = days.ok_or_else(|| {
            Failure::fixable(words!("the days are a number from 1 to 3650", "日数は1から3650までの数です"))
        })?;
        let to = picker::typed(visit.field("to"))?;
        let request = membership::read_any_request(&file)?.verify();
        let request = request.map_err(|error| membership::no_request(&file, error))?;
        let mut office = Office::at(unlocked.home()?, visit.field("passphrase"))?;
        office.delegate(request, Role::ReaderWriter, days, &to)?.promised?;
        unlocked.forget();
        Ok(to)
    };
    match done() {
        Ok(to) => told(visit, "office-delegated", &to, "office-delegated-next"),
        Err(failure) => delegate_page(visit, Some(&file), Some(failure)),
    }
}

#[derive(Template)]
#[template(path = "office-revoke.html")]
struct RevokePage<'v> {
    f: Frame<'v>,
    here: String,
    name: String,
    to: String,
    fault: Option<(String, Option<String>)>,
}

/// What taking a delegation back does.
pub(crate) fn revoking(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    revoke_page(visit, unlocked, None)
}

fn revoke_page(visit: &Visit, unlocked: &Unlocked, fault: Option<&Failure>) -> Outcome<Reply> {
    let (t, looked) = (visit.text(), unlocked.look()?);
    let register = Register::of(looked.opened(), &register::card(&looked.safe.home)?.key);
    let Ok(entry) = meant(&register, visit.param("key")) else { return Ok(visit.go("/office")) };
    let people = looked.keyring.people()?;
    let persons = people.persons(&looked.safe);
    let person = persons.iter().find(|person| person.identity == Some(entry.delegation.identity));
    let key = entry.delegation.key.name().to_string();
    let own = unlocked.identity.signing_seed.identity_key().verifying_key();
    visit.page(&RevokePage {
        f: visit.frame(t.say("office-revoke"), format!("hizo office revoke {key} --to …")),
        here: visit.at(&format!("/office/revoke/{key}")),
        name: match person {
            Some(person) if person.name.is_none() && person.identity == Some(own) => t.say("people-you"),
            Some(person) => person.shown_name(),
            None => key,
        },
        to: match visit.field("to") {
            "" => shown_path(&picker::new_folder(&t.say("office-revoked-file"))),
            to => to.to_owned(),
        },
        fault: fault.map(|failure| visit.fault(failure)),
    })
}

/// Takes it back.
pub(crate) fn revoke(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let done = || {
        let to = picker::typed(visit.field("to"))?;
        let mut office = Office::at(unlocked.home()?, visit.field("passphrase"))?;
        take_back(&mut office, visit.param("key"), &to)?.1?;
        unlocked.forget();
        Ok(to)
    };
    match done() {
        Ok(to) => told(visit, "office-revoked", &to, "office-revoked-next"),
        Err(failure) => revoke_page(visit, unlocked, Some(&failure)),
    }
}
