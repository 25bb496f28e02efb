//! The pages of a newcomer: he takes an invite, asks to be let in, and enters once he was.

use std::path::Path;
use std::sync::Arc;

use askama::Template;
use hizo_vault::fingerprint::Spoken;
use zeroize::Zeroizing;

use crate::desk::picker::{self, Picker};
use crate::desk::shown::spoken;
use crate::desk::{Frame, Reply, Unlocked, Visit};
use crate::failure::{Failure, Outcome, shown};
use crate::newcomer::{Asks, Called, Waiting, begun, is_begun, is_not_yet, let_go, make, own_words};
use crate::words::words;
use crate::{home, safe};

#[derive(Template)]
#[template(path = "join.html")]
struct JoinPage<'v> {
    f: Frame<'v>,
    picker: Picker,
    fault: Option<String>,
}

/// Where the invite is.
pub(crate) fn choose(visit: &Visit) -> Outcome<Reply> {
    if let Err(elsewhere) = visit.to_begin_in() {
        return Ok(visit.go(elsewhere));
    }
    if let Some(file) = picker::file(visit)? {
        home::read_invite(&file)?;
        return ask_page(visit, &file, None);
    }
    let (picker, fault) = Picker::for_a_file(visit)?;
    let fault = fault.map(|failure| failure.told_in(visit.language()));
    visit.page(&JoinPage { f: visit.frame(visit.text().say("join-title"), "hizo space join …"), picker, fault })
}

#[derive(Template)]
#[template(path = "ask.html")]
struct AskPage<'v> {
    f: Frame<'v>,
    invite: String,
    name: &'v str,
    machine: &'v str,
    to: String,
    /// A passphrase that was drawn, for who wants it. It is the same when the form comes back.
    drawn: Zeroizing<String>,
    fault: Option<String>,
}

fn ask_page(visit: &Visit, invite: &Path, fault: Option<String>) -> Outcome<Reply> {
    let t = visit.text();
    visit.page(&AskPage {
        f: visit.frame(t.say("join-title"), "hizo space join … --name … --to …"),
        invite: picker::carried(invite),
        name: visit.field("name"),
        machine: visit.field("machine"),
        to: match visit.field("to") {
            "" => shown(&picker::new_folder(&t.say("join-file"))),
            to => to.to_owned(),
        },
        drawn: visit.drawn(),
        fault,
    })
}

#[derive(Template)]
#[template(path = "asked.html")]
struct AskedPage<'v> {
    f: Frame<'v>,
    file: Option<String>,
    words: String,
    other: String,
}

fn asked_page(visit: &Visit, file: Option<&Path>, own: &Spoken) -> Outcome<Reply> {
    let (words, other) = spoken(visit, own);
    let f = visit.frame(visit.text().say("asked-title"), "");
    visit.page(&AskedPage { f, file: file.map(shown), words, other })
}

/// Makes the newcomer's keys, and writes his request.
pub(crate) fn ask(visit: &Visit) -> Outcome<Reply> {
    let Some(folder) = visit.free_folder() else { return Ok(visit.go("/unlock")) };
    let invite = picker::carried_in(visit, "invite")?;
    let invited = home::read_invite(&invite)?;
    let is_begun = is_begun(&folder, &invited)?;
    let called = Called { name: visit.field("name").trim(), machine: visit.field("machine").trim() };
    if let Err(failure) = called.check() {
        return ask_page(visit, &invite, Some(failure.told_in(visit.language())));
    }
    let passphrase = match (is_begun, visit.new_passphrase()) {
        // The one of the first time, whatever it is.
        (true, _) => visit.field("passphrase"),
        (false, Ok(passphrase)) => passphrase,
        (false, Err(fault)) => return ask_page(visit, &invite, Some(visit.text().say(fault))),
    };
    // The file is there before keys are made that nobody could ask with.
    let to = match picker::typed(visit.field("to")) {
        Ok(to) => to,
        Err(failure) => return ask_page(visit, &invite, Some(failure.told_in(visit.language()))),
    };
    let file = match home::ToSend::reserve(&to) {
        Ok(file) => file,
        Err(failure) => return ask_page(visit, &invite, Some(failure.told_in(visit.language()))),
    };
    let (identity, device) = match is_begun {
        true => begun(&folder, passphrase)?,
        false => make(&folder, &invited, None, None, passphrase)?,
    };
    visit.forget_drawn();
    let asks = Asks::of(&invited, called, &identity, &device);
    file.write(&asks.request)?;
    asked_page(visit, Some(&to), &asks.words)
}

#[derive(Template)]
#[template(path = "enter.html")]
struct EnterPage<'v> {
    f: Frame<'v>,
    words: &'v str,
    fault: Option<(String, Option<String>)>,
}

fn enter_page(visit: &Visit, fault: Option<&Failure>) -> Outcome<Reply> {
    visit.page(&EnterPage {
        f: visit.frame(visit.text().say("enter-title"), "hizo space join"),
        words: visit.field("words"),
        fault: fault.map(|failure| visit.fault(failure)),
    })
}

/// Where the newcomer types the admin's words.
pub(crate) fn enter(visit: &Visit) -> Outcome<Reply> {
    match visit.is_joining() {
        true => enter_page(visit, None),
        false => Ok(visit.go("/")),
    }
}

/// His own words once more, for whoever calls again; or he lets go what he has asked for.
pub(crate) fn words(visit: &Visit) -> Outcome<Reply> {
    let Some(folder) = visit.free_folder() else { return Ok(visit.go("/unlock")) };
    let Some(invited) = home::invite_of(&folder)? else { return Ok(visit.go("/join")) };
    let begun = begun(&folder, visit.field("passphrase"));
    if visit.field("act") == "forget" && begun.is_ok() {
        return match let_go(&folder) {
            Ok(()) => Ok(visit.go("/")),
            Err(failure) => enter_page(visit, Some(&failure)),
        };
    }
    match begun {
        Ok((identity, _)) => asked_page(visit, None, &own_words(&invited, &identity)),
        Err(failure) => enter_page(visit, Some(&failure)),
    }
}

/// Somebody who was let in there, as a page says that he was not.
pub(super) fn waiting(folder: &Path) -> Outcome<Waiting> {
    Waiting::of(folder).map_err(|failure| match is_not_yet(&failure) {
        true => Failure {
            message: words!("you have not been let in yet", "まだ参加が認められていません"), ..failure
        },
        false => failure,
    })
}

/// Enters the safe.
pub(crate) fn entered(visit: &Visit) -> Outcome<Reply> {
    let Some(folder) = visit.free_folder() else { return Ok(visit.go("/unlock")) };
    let passphrase = visit.field("passphrase");
    let entered = waiting(&folder).and_then(|waiting| {
        waiting.compare(visit.field("words"))?;
        // Before anything is settled: a wrong passphrase is a reason to type it again.
        safe::open_identity(&waiting.safe.home, passphrase)?;
        waiting.enter()
    });
    match entered {
        Ok(_) => (),
        Err(failure) if failure.is_wrong_passphrase() => {
            let failure = Failure::fixable(words!("that is not the passphrase", "パスフレーズが違います"));
            return enter_page(visit, Some(&failure));
        }
        Err(failure) => return enter_page(visit, Some(&failure)),
    }
    visit.unlock(Arc::new(Unlocked::open(&folder, None, passphrase)?));
    Ok(visit.go("/safe"))
}
