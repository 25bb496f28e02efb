//! The pages on which the emergency card begins a case, on a machine that has no safe.

use std::path::Path;
use std::sync::Arc;

use askama::Template;
use hizo_vault::event::Event;
use hizo_vault::event::case::{Kind, Way};
use hizo_vault::joining::Invite;
use zeroize::Zeroizing;

use super::clocks::Calendar;
use super::open::asked;
use super::show::kind_words;
use crate::desk::picker::{self, Picker};
use crate::desk::{Frame, Reply, Unlocked, Visit, is_safe};
use crate::failure::{Outcome, shown, shown_bytes};
use crate::features::init::init_with;
use crate::home;
use crate::keeper::unix_seconds;
use crate::receipts;
use crate::there::There;

#[derive(Template)]
#[template(path = "card.html")]
struct CardPage<'v> {
    f: Frame<'v>,
    picker: Picker,
    fault: Option<(String, Option<String>)>,
}

/// Where the file beside the card is.
pub(crate) fn choose(visit: &Visit) -> Outcome<Reply> {
    if let Err(elsewhere) = visit.to_begin_in() {
        return Ok(visit.go(elsewhere));
    }
    let file = picker::file(visit)?;
    let fault = match file.map(|file| home::read_invite(&file).map(|invite| (file, invite))).transpose() {
        Ok(Some((file, invite))) => return begin_page(visit, (&file, &invite), None),
        Ok(None) => None,
        Err(failure) => Some(failure),
    };
    let (picker, unlooked) = Picker::for_a_file(visit)?;
    let fault = fault.or(unlooked).map(|failure| visit.fault(&failure));
    visit.page(&CardPage { f: visit.frame(visit.text().say("card-title"), COMMAND), picker, fault })
}

const COMMAND: &str = "hizo case open --emergency emergency.json …";

#[derive(Template)]
#[template(path = "card-begin.html")]
struct BeginPage<'v> {
    f: Frame<'v>,
    card: String,
    /// What the file says of the keeper: what each is called, and what it is.
    keeper: [(String, String); 3],
    kinds: Vec<(&'static str, String, bool)>,
    title: &'v str,
    urgent: bool,
    code: &'v str,
    /// A passphrase that was drawn, for who wants it. It is the same when the form comes back.
    drawn: Zeroizing<String>,
    out_of_hours: Option<String>,
    folder: String,
    fault: Option<(String, Option<String>)>,
}

fn begin_page(
    visit: &Visit,
    (card, invite): (&Path, &Invite),
    fault: Option<(String, Option<String>)>,
) -> Outcome<Reply> {
    let (t, language) = (visit.text(), visit.language());
    let kinds = Kind::ALL
        .iter()
        .map(|kind| (kind.word(), kind_words(*kind).to(language).to_owned(), kind.word() == visit.field("kind")));
    let keeper = [
        ("card-keeper", shown_bytes(invite.address.as_bytes())),
        ("card-log", invite.log_key.to_string()),
        ("card-receipts", invite.receipt_key.to_string()),
    ];
    visit.page(&BeginPage {
        f: visit.frame(t.say("card-title"), COMMAND),
        card: picker::carried(card),
        keeper: keeper.map(|(called, what)| (t.say(called), what)),
        kinds: kinds.collect(),
        title: visit.field("title"),
        urgent: visit.has("urgent"),
        code: visit.field("code"),
        drawn: visit.drawn(),
        out_of_hours: Calendar::japan().out_of_hours(unix_seconds()).map(|words| words.to(language).to_owned()),
        folder: visit.case_apart().map(|folder| shown(&folder)).unwrap_or_default(),
        fault,
    })
}

/// Begins the case, and unlocks it.
pub(crate) fn begin(visit: &Visit) -> Outcome<Reply> {
    if let Err(elsewhere) = visit.to_begin_in() {
        return Ok(visit.go(elsewhere));
    }
    let Some(folder) = visit.case_apart() else { return Ok(visit.go("/unlock")) };
    let card = picker::carried_in(visit, "card")?;
    let invite = home::read_invite(&card)?;
    let again = |fault| begin_page(visit, (&card, &invite), Some(fault));
    let Some(kind) = Kind::from_word(visit.field("kind")) else {
        return again((visit.text().say("card-fault-kind"), None));
    };
    let (title, said) = match asked(visit, kind, Way::Company, visit.text().tag()) {
        Ok(asked) => asked,
        Err(failure) => return again(visit.fault(&failure)),
    };
    let passphrase = match visit.new_passphrase() {
        Ok(passphrase) => passphrase,
        Err(fault) => return again((visit.text().say(fault), None)),
    };
    let code = Some(visit.field("code").trim()).filter(|code| !code.is_empty());
    let (there, says) = (There::named_by(invite.clone(), code.map(str::to_owned)), vec![Event::Case(Box::new(said))]);
    if let Err(failure) = init_with(&folder, &title, passphrase, Some(&there), says) {
        // Somebody pressed twice: the case of the first time is there.
        return if is_safe(&folder) { Ok(visit.go("/")) } else { again(visit.fault(&failure)) };
    }
    let unlocked = Arc::new(Unlocked::open(&folder, None, passphrase)?);
    let side = unlocked.side(&folder)?;
    receipts::answer(&side.safe, side.safe.home.genesis).holds()?;
    let space = side.safe.home.space;
    visit.unlock(unlocked);
    Ok(visit.go(&format!("/case/{space}")))
}
