//! The pages of somebody who has a safe and joins another one with the same keys: a case, or a hand-over that he receives; for himself, or
//! for his organisation.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use askama::Template;
use hizo_ledger::id::SpaceId;
use hizo_ledger::record::Role;

use super::joining::waiting;
use crate::desk::picker::{self, Picker};
use crate::desk::shown::spoken;
use crate::desk::{Frame, Reply, Unlocked, Visit, is_safe};
use crate::failure::{Failure, Outcome, shown};
use crate::home::{self, Device, Home, IDENTITY_BYTES_MAX};
use crate::newcomer::{Asks, Called, ask_for, is_begun, let_go, make_with};
use crate::office::Office;
use crate::people::shown_organisation;
use crate::{bundle, register};

/// For how many days somebody acts for his organisation there, until it delegates him again.
const DAYS: u64 = 365;

/// What somebody joins.
#[derive(Clone, Copy, PartialEq, Eq)]
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

    /// The door by which he has asked already, if he has: he has one pair of keys there.
    fn where_begun(self, unlocked: &Unlocked, space: &SpaceId) -> Self {
        let is_begun = |what: &Self| matches!(home::invite_of(&what.home(unlocked, space)), Ok(Some(_)));
        [Self::Case, Self::HandOver].into_iter().find(is_begun).unwrap_or(self)
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
            Ok(invited) if unlocked.home_of(&invited.space.to_string())?.is_some() => {
                return there_page(visit, unlocked, what, &invited.space);
            }
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
#[template(path = "joining-there.html")]
struct TherePage<'v> {
    f: Frame<'v>,
    at: &'static str,
    door: String,
    /// For which organisation he came; nothing where he came for himself.
    organisation: Option<String>,
    /// The page of what the invite is to.
    to: String,
}

/// That he is there already, and for whom.
fn there_page(visit: &Visit, unlocked: &Unlocked, what: What, space: &SpaceId) -> Outcome<Reply> {
    let (t, home) = (visit.text(), unlocked.home_of(&space.to_string())?);
    let own_space = home.map(|home| unlocked.home()?.another(&home)?.own_space()).transpose()?.flatten();
    let to = match () {
        () if *space == unlocked.home()?.space => String::from("/safe"),
        () if is_safe(&What::HandOver.home(unlocked, space)) => What::HandOver.next(space),
        // The company's or the sender's side of a hand-over.
        () if is_safe(&unlocked.handed_home(space)) => format!("/case/{space}/safe"),
        () => format!("/case/{space}"),
    };
    visit.page(&TherePage {
        f: visit.frame(t.say("joining-there"), ""),
        at: what.at(),
        door: t.say(what.door()),
        organisation: own_space.map(|folder| called(visit, &unlocked.home()?.another(&folder)?)).transpose()?,
        to: visit.at(&to),
    })
}

/// What the organisation is called whose own space lies there.
fn called(visit: &Visit, own_space: &Home) -> Outcome<String> {
    register::card(own_space).map(|card| shown_organisation(&card).to(visit.language()).to_owned())
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
    /// He has asked before, and comes to ask otherwise.
    is_begun: bool,
    fault: Option<(String, Option<String>)>,
}

fn ask_page(visit: &Visit, unlocked: &Unlocked, what: What, invite: &Path, fault: Option<&Failure>) -> Outcome<Reply> {
    let (t, home) = (visit.text(), unlocked.home()?);
    let card = register::card(&home).ok();
    let invited = home::read_invite(invite)?;
    let before = asked_before(&what.where_begun(unlocked, &invited.space).home(unlocked, &invited.space))?;
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
        is_for_it: match before {
            _ if visit.has("to") => visit.has("organisation"),
            Some(is_for_it) => is_for_it,
            None => card.is_some(),
        },
        is_begun: before.is_some(),
        organisation: card.map(|card| shown_organisation(&card).to(visit.language()).to_owned()),
        has_key: home.organisation_key_file().exists(),
        fault: fault.map(|failure| visit.fault(failure)),
    })
}

/// Whether somebody has asked for his organisation with keys that lie there; nothing where he has not asked.
fn asked_before(folder: &Path) -> Outcome<Option<bool>> {
    let invited = home::invite_of(folder)?;
    invited.map(|invited| Ok(Home::invited(folder, &invited)?.own_space()?.is_some())).transpose()
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
    /// What he reads out who comes for himself.
    words: Option<(String, String)>,
    handover: bool,
    next: String,
}

fn asked(visit: &Visit, unlocked: &Unlocked, what: What, invite: &Path) -> Outcome<Reply> {
    let invited = home::read_invite(invite)?;
    let what = what.where_begun(unlocked, &invited.space);
    let (own, folder) = (unlocked.home()?, what.home(unlocked, &invited.space));
    let called = Called { name: visit.field("name").trim(), machine: "machine" };
    called.check()?;
    let to = picker::typed(visit.field("to"))?;
    let (is_begun, is_for_it) = (is_begun(&folder, &invited)?, visit.has("organisation"));
    let own_space = Some(&own).filter(|_| is_for_it);
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
        true => {
            ask_for(&folder, &invited, own_space)?;
            Device::read(&folder)?
        }
        false => {
            let sealed = bundle::read(&own.identity_file(), IDENTITY_BYTES_MAX)?;
            make_with(&folder, &invited, &sealed, own_space)?
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
    visit.page(&AskedPage {
        f: visit.frame(visit.text().say("asked-title"), ""),
        file: shown(&to),
        is_undelegated,
        words: (!is_for_it).then(|| spoken(visit, &asks.words)),
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
    /// For which organisation he has asked; nothing where he asked for himself.
    organisation: Option<String>,
    /// The invite with which he asked, as forms carry it.
    invite: String,
    fault: Option<(String, Option<String>)>,
}

/// Where the words are typed that let somebody enter.
pub(crate) fn enter_page(
    visit: &Visit,
    unlocked: &Unlocked,
    handover: bool,
    space: &SpaceId,
    fault: Option<&Failure>,
) -> Outcome<Reply> {
    let (t, what) = (visit.text(), if handover { What::HandOver } else { What::Case });
    let (folder, here) = (what.home(unlocked, space), what.next(space));
    let invited = home::invite_of(&folder)?;
    let own_space = invited.map(|invited| Home::invited(&folder, &invited)?.own_space()).transpose()?.flatten();
    let organisation = own_space.map(|own| called(visit, &unlocked.home()?.another(&own)?)).transpose()?;
    visit.page(&EnterPage {
        f: visit.frame(t.say(if handover { "received-enter" } else { "joining-enter" }), "hizo space join"),
        here: visit.at(&here),
        at: what.at(),
        door: t.say(what.door()),
        words: visit.field("words"),
        handover,
        organisation,
        invite: picker::carried(&home::invite_file(&folder)),
        fault: fault.map(|failure| visit.fault(failure)),
    })
}

/// Enters what somebody was let into by one of the two doors, by the words that he heard: the page of it. An invite does not say what it
/// is to; whoever has been let in can tell, and what was asked for by the other door is brought to where it is looked for.
fn entered(visit: &Visit, unlocked: &Unlocked, what: What, space: &SpaceId) -> Outcome<String> {
    let mut waiting = waiting(&what.home(unlocked, space))?;
    waiting.compare(visit.field("words"))?;
    waiting.settle_for(&unlocked.identity)?;
    let found = match waiting.is_handover(&unlocked.identity)? {
        Some(true) => What::HandOver,
        Some(false) => What::Case,
        None => what,
    };
    if found != what {
        waiting.bring(found.home(unlocked, space))?;
    }
    waiting.enter()?;
    Ok(found.next(space))
}

/// He enters what he has asked for, or lets that go.
pub(crate) fn go_on(visit: &Visit, unlocked: &Unlocked, handover: bool, space: &SpaceId) -> Outcome<Reply> {
    let what = if handover { What::HandOver } else { What::Case };
    let done = match visit.field("act") {
        "forget" => let_go(&what.home(unlocked, space)).map(|()| what.at().to_owned()),
        _ => entered(visit, unlocked, what, space),
    };
    match done {
        Ok(next) => Ok(visit.go(&next)),
        Err(failure) => enter_page(visit, unlocked, handover, space, Some(&failure)),
    }
}

/// A case that somebody has asked to join: he enters it, or goes on to it.
pub(crate) fn joined(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let Ok(space) = SpaceId::from_hex(visit.param("space")) else { return Ok(visit.go("/cases")) };
    let folder = unlocked.new_case_home(&space);
    if is_safe(&folder) {
        return Ok(visit.go(&format!("/case/{space}")));
    }
    // Nobody has asked with keys of this machine.
    if home::invite_of(&folder)?.is_none() {
        return Ok(visit.go("/cases"));
    }
    match visit.has("words") || visit.has("act") {
        true => go_on(visit, unlocked, false, &space),
        false => enter_page(visit, unlocked, false, &space, None),
    }
}
