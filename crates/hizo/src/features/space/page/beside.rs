//! The pages of somebody who has a safe and joins another one with the same keys: a case, or a hand-over that he receives; for himself, or
//! for his organisation.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use askama::Template;
use hizo_ledger::id::SpaceId;
use hizo_ledger::record::Role;

use crate::desk::picker::{self, Picker};
use crate::desk::shown::spoken;
use crate::desk::{Frame, Reply, Unlocked, Visit, is_safe};
use crate::failure::{Failure, Outcome, shown};
use crate::home::{self, Device, Home, IDENTITY_BYTES_MAX};
use crate::newcomer::{Asks, Called, Waiting, is_begun, make_with};
use crate::office::Office;
use crate::people::shown_organisation;
use crate::{bundle, register};

/// For how many days somebody acts for his organisation there, until it delegates him again.
const DAYS: u64 = 365;

/// What somebody joins.
#[derive(Clone, Copy)]
enum What {
    Case,
    HandOver,
}

impl What {
    /// The page from which he comes.
    const fn at(self) -> &'static str {
        match self {
            Self::Case => "/cases",
            Self::HandOver => "/received",
        }
    }

    /// What that is called.
    const fn door(self) -> &'static str {
        match self {
            Self::Case => "door-cases",
            Self::HandOver => "door-received",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Case => "joining-case",
            Self::HandOver => "received-new",
        }
    }

    fn home(self, unlocked: &Unlocked, space: &SpaceId) -> PathBuf {
        match self {
            Self::Case => unlocked.new_case_home(space),
            Self::HandOver => unlocked.received_home(space),
        }
    }

    /// Where he enters.
    fn next(self, space: &SpaceId) -> String {
        match self {
            Self::Case => format!("/cases/joined/{space}"),
            Self::HandOver => format!("/received/{space}"),
        }
    }
}

#[derive(Template)]
#[template(path = "joining-invite.html")]
struct InvitePage<'v> {
    f: Frame<'v>,
    at: &'static str,
    door: String,
    picker: Picker,
    fault: Option<String>,
}

/// Where the invite to a case is.
pub(crate) fn choose_case(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    choose(visit, unlocked, What::Case)
}

/// Where the invite to a hand-over is.
pub(crate) fn choose_handover(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    choose(visit, unlocked, What::HandOver)
}

fn choose(visit: &Visit, unlocked: &Unlocked, what: What) -> Outcome<Reply> {
    let fault = match picker::file(visit)? {
        None => None,
        Some(file) => match home::read_invite(&file) {
            Ok(_) => return ask_page(visit, unlocked, what, &file, None),
            Err(failure) => Some(failure),
        },
    };
    let (picker, unseen) = Picker::for_a_file(visit)?;
    let t = visit.text();
    visit.page(&InvitePage {
        f: visit.frame(t.say(what.title()), "hizo space join INVITE --identity …"),
        at: what.at(),
        door: t.say(what.door()),
        picker,
        fault: fault.or(unseen).map(|failure| failure.told_in(visit.language())),
    })
}

#[derive(Template)]
#[template(path = "joining-ask.html")]
struct AskPage<'v> {
    f: Frame<'v>,
    at: &'static str,
    door: String,
    invite: String,
    name: String,
    to: String,
    /// What the organisation is called whose safe this is, and whether its key is here.
    organisation: Option<String>,
    is_for_it: bool,
    has_key: bool,
    fault: Option<(String, Option<String>)>,
}

fn ask_page(visit: &Visit, unlocked: &Unlocked, what: What, invite: &Path, fault: Option<&Failure>) -> Outcome<Reply> {
    let (t, home) = (visit.text(), unlocked.home()?);
    let card = register::card(&home).ok();
    visit.page(&AskPage {
        f: visit.frame(t.say(what.title()), "hizo space join INVITE --organisation … --name … --to …"),
        at: what.at(),
        door: t.say(what.door()),
        invite: picker::carried(invite),
        name: visit.field("name").to_owned(),
        to: match visit.field("to") {
            "" => shown(&picker::new_folder(&t.say("join-file"))),
            to => to.to_owned(),
        },
        is_for_it: if visit.has("to") { visit.has("organisation") } else { card.is_some() },
        organisation: card.map(|card| shown_organisation(&card).to(visit.language()).to_owned()),
        has_key: home.organisation_key_file().exists(),
        fault: fault.map(|failure| visit.fault(failure)),
    })
}

/// Writes the request to join a case.
pub(crate) fn ask_for_case(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    ask(visit, unlocked, What::Case)
}

/// Writes the request to receive.
pub(crate) fn ask_for_handover(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    ask(visit, unlocked, What::HandOver)
}

fn ask(visit: &Visit, unlocked: &Unlocked, what: What) -> Outcome<Reply> {
    let invite = picker::carried_in(visit, "invite")?;
    match asked(visit, unlocked, what, &invite) {
        Ok(reply) => Ok(reply),
        Err(failure) => ask_page(visit, unlocked, what, &invite, Some(&failure)),
    }
}

#[derive(Template)]
#[template(path = "joining-asked.html")]
struct AskedPage<'v> {
    f: Frame<'v>,
    file: String,
    /// Whoever holds the organisation's key has to delegate first.
    is_undelegated: bool,
    /// What he reads out who comes for himself into a case.
    words: Option<(String, String)>,
    handover: bool,
    next: String,
}

fn asked(visit: &Visit, unlocked: &Unlocked, what: What, invite: &Path) -> Outcome<Reply> {
    let invited = home::read_invite(invite)?;
    let (own, folder) = (unlocked.home()?, what.home(unlocked, &invited.space));
    let called = Called { name: visit.field("name").trim(), machine: "machine" };
    called.check()?;
    let to = picker::typed(visit.field("to"))?;
    let is_begun = is_begun(&folder, &invited)?;
    let is_for_it = match is_begun {
        true => Home::invited(&folder, &invited)?.own_space()?.is_some(),
        false => visit.has("organisation"),
    };
    // A wrong passphrase is found before anything is made.
    let office = match is_for_it && own.organisation_key_file().exists() {
        true => {
            let office = Office::at(own.clone(), visit.field("passphrase"))?;
            office.key()?;
            Some(office)
        }
        false => None,
    };
    let device = match is_begun {
        true => Device::read(&folder)?,
        false => {
            let sealed = bundle::read(&own.identity_file(), IDENTITY_BYTES_MAX)?;
            make_with(&folder, &invited, &sealed, Some(&own).filter(|_| is_for_it))?
        }
    };
    let asks = Asks::of(&invited, called, &unlocked.identity, &device);
    let is_undelegated = is_for_it && office.is_none();
    match office {
        Some(mut office) => {
            let request = asks.said.verify().map_err(Failure::internal)?;
            let delegated = office.delegate(request, Role::ReaderWriter, DAYS, &to)?;
            unlocked.forget();
            delegated.promised?;
        }
        None => home::write_to_send(&to, &asks.request)?,
    }
    let is_heard = matches!(what, What::Case) && !is_for_it;
    visit.page(&AskedPage {
        f: visit.frame(visit.text().say("asked-title"), ""),
        file: shown(&to),
        is_undelegated,
        words: is_heard.then(|| spoken(visit, &asks.words)),
        handover: matches!(what, What::HandOver),
        next: visit.at(&what.next(&invited.space)),
    })
}

#[derive(Template)]
#[template(path = "joining-enter.html")]
struct EnterPage<'v> {
    f: Frame<'v>,
    here: String,
    at: &'static str,
    door: String,
    words: &'v str,
    handover: bool,
    fault: Option<(String, Option<String>)>,
}

/// Where the words are typed that let somebody enter.
pub(crate) fn enter_page(visit: &Visit, handover: bool, here: &str, fault: Option<&Failure>) -> Outcome<Reply> {
    let (t, what) = (visit.text(), if handover { What::HandOver } else { What::Case });
    visit.page(&EnterPage {
        f: visit.frame(t.say(if handover { "received-enter" } else { "joining-enter" }), "hizo space join"),
        here: visit.at(here),
        at: what.at(),
        door: t.say(what.door()),
        words: visit.field("words"),
        handover,
        fault: fault.map(|failure| visit.fault(failure)),
    })
}

/// Enters what somebody was let into, by the words that he heard.
pub(crate) fn enter(visit: &Visit, folder: &Path) -> Outcome<()> {
    let waiting = Waiting::of(folder)?;
    waiting.compare(visit.field("words"))?;
    waiting.enter().map(drop)
}

/// A case that somebody has asked to join: he enters it, or goes on to it.
pub(crate) fn joined(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let Ok(space) = SpaceId::from_hex(visit.param("space")) else { return Ok(visit.go("/cases")) };
    let (folder, here) = (unlocked.new_case_home(&space), format!("/cases/joined/{space}"));
    if is_safe(&folder) {
        return Ok(visit.go(&format!("/case/{space}")));
    }
    // Nobody has asked with keys of this machine.
    if home::invite_of(&folder)?.is_none() {
        return Ok(visit.go("/cases"));
    }
    if !visit.has("words") {
        return enter_page(visit, false, &here, None);
    }
    match enter(visit, &folder) {
        Ok(()) => Ok(visit.go(&format!("/case/{space}"))),
        Err(failure) => enter_page(visit, false, &here, Some(&failure)),
    }
}
