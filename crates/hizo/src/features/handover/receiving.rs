//! The pages of whoever receives: he asks to be let in, opens what the company consented to, and answers.

use std::path::Path;
use std::sync::Arc;

use askama::Template;
use hizo_ledger::id::SpaceId;
use hizo_ledger::record::Role;
use hizo_vault::event::handover::Verdict;

use super::answer::{answer, word};
use super::consent::about;
use super::handover_of;
use super::open::open;
use super::page::tone;
use crate::console::bytes;
use crate::desk::picker::{self, Picker};
use crate::desk::{Frame, Reply, Unlocked, Visit, is_safe, shown};
use crate::failure::{Failure, Outcome, shown as shown_path, shown_bytes};
use crate::handover::HandOver;
use crate::home::{self, Device, Home, IDENTITY_BYTES_MAX};
use crate::newcomer::{Asks, Called, Waiting, is_begun, make_with};
use crate::office::Office;
use crate::people::shown_organisation;
use crate::side::Side;
use crate::words::words;
use crate::{bundle, register};

/// For how many days somebody acts for his organisation in a hand-over.
const DAYS: u64 = 365;

/// A hand-over that was received, or that somebody has asked for.
struct Row {
    to: String,
    name: String,
    about: String,
    tone: &'static str,
    word: String,
}

#[derive(Template)]
#[template(path = "received.html")]
struct AllPage<'v> {
    f: Frame<'v>,
    rows: Vec<Row>,
    notes: Vec<String>,
    key: String,
    organisation: Option<(String, String)>,
}

/// Everything that was handed over to this person.
pub(crate) fn all(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let (t, language) = (visit.text(), visit.language());
    let (mut rows, mut notes) = (Vec::new(), Vec::new());
    for space in unlocked.received() {
        let folder = unlocked.received_home(&space);
        let to = visit.at(&format!("/received/{space}"));
        let row = match is_safe(&folder) {
            false => Ok(Row {
                to,
                name: t.say("received-asked-row"),
                about: space.to_string().get(..12).unwrap_or_default().to_owned(),
                tone: "wait",
                word: t.say("received-waits"),
            }),
            true => unlocked.side(&folder).and_then(|side| {
                let handover = handover_of(&side)?;
                let (tone, word) = stands(visit, &side, &handover);
                let (name, about) = (from(visit, &handover), about(&handover.said).to(language).to_owned());
                Ok(Row { to, name, about, tone, word })
            }),
        };
        match row {
            Ok(row) => rows.push(row),
            Err(failure) => notes.push(failure.told_in(language)),
        }
    }
    let card = register::card(&unlocked.home()?).ok();
    let key = unlocked.identity.signing_seed.identity_key().verifying_key().to_base64();
    visit.page(&AllPage {
        f: visit.frame(t.say("door-received"), "hizo consent key"),
        rows,
        notes,
        key,
        organisation: card.map(|card| {
            let name = shown_organisation(&card).to(language).to_owned();
            (name, card.key.to_base64())
        }),
    })
}

/// Whose it is, as far as it may be known.
fn from(visit: &Visit, handover: &HandOver) -> String {
    match handover.said.level.tells_company() {
        true => shown_bytes(handover.said.company.as_bytes()),
        false => visit.text().say("received-untold"),
    }
}

/// How it stands, from where the receiver sits.
fn stands(visit: &Visit, side: &Side, handover: &HandOver) -> (&'static str, String) {
    let (t, language) = (visit.text(), visit.language());
    let own = side.key().to_base64();
    if let Some(answer) = handover.answers.iter().find(|answer| answer.key == own) {
        return (tone(answer.verdict.word()), word(answer.verdict).to(language).to_owned());
    }
    match handover.opened.contains_key(&side.key()) {
        true => ("wait", t.say("received-unanswered")),
        false => ("wait", t.say("received-unopened")),
    }
}

#[derive(Template)]
#[template(path = "received-invite.html")]
struct InvitePage<'v> {
    f: Frame<'v>,
    picker: Picker,
    fault: Option<String>,
}

/// Where the sender's invite is.
pub(crate) fn choose(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let fault = match picker::file(visit)? {
        None => None,
        Some(file) => match home::read_invite(&file) {
            Ok(_) => return ask_page(visit, unlocked, &file, None),
            Err(failure) => Some(failure),
        },
    };
    let (picker, unseen) = Picker::for_a_file(visit)?;
    let fault = fault.or(unseen).map(|failure| failure.told_in(visit.language()));
    let f = visit.frame(visit.text().say("received-new"), "hizo space join INVITE --identity …");
    visit.page(&InvitePage { f, picker, fault })
}

#[derive(Template)]
#[template(path = "received-ask.html")]
struct AskPage<'v> {
    f: Frame<'v>,
    invite: String,
    name: String,
    to: String,
    /// What the organisation is called whose safe this is, and whether its key is here.
    organisation: Option<String>,
    has_key: bool,
    fault: Option<(String, Option<String>)>,
}

fn ask_page(visit: &Visit, unlocked: &Unlocked, invite: &Path, fault: Option<&Failure>) -> Outcome<Reply> {
    let (t, home) = (visit.text(), unlocked.home()?);
    let card = register::card(&home).ok();
    visit.page(&AskPage {
        f: visit.frame(t.say("received-new"), "hizo space join INVITE --organisation … --name … --to …"),
        invite: picker::carried(invite),
        name: visit.field("name").to_owned(),
        to: match visit.field("to") {
            "" => shown_path(&picker::new_folder(&t.say("join-file"))),
            to => to.to_owned(),
        },
        organisation: card.map(|card| shown_organisation(&card).to(visit.language()).to_owned()),
        has_key: home.organisation_key_file().exists(),
        fault: fault.map(|failure| visit.fault(failure)),
    })
}

#[derive(Template)]
#[template(path = "received-asked.html")]
struct AskedPage<'v> {
    f: Frame<'v>,
    file: String,
    /// Whoever holds the organisation's key has to delegate first.
    undelegated: bool,
    next: String,
}

/// Writes the request of whoever receives, for himself or for his organisation.
pub(crate) fn ask(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let invite = picker::carried_in(visit, "invite")?;
    match asked(visit, unlocked, &invite) {
        Ok(reply) => Ok(reply),
        Err(failure) => ask_page(visit, unlocked, &invite, Some(&failure)),
    }
}

fn asked(visit: &Visit, unlocked: &Unlocked, invite: &Path) -> Outcome<Reply> {
    let invited = home::read_invite(invite)?;
    let (own, folder) = (unlocked.home()?, unlocked.received_home(&invited.space));
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
    let undelegated = is_for_it && office.is_none();
    match office {
        Some(mut office) => {
            let request = asks.said.verify().map_err(Failure::internal)?;
            office.delegate(request, Role::ReaderWriter, DAYS, &to)?.promised?;
            unlocked.forget();
        }
        None => home::write_to_send(&to, &asks.request)?,
    }
    visit.page(&AskedPage {
        f: visit.frame(visit.text().say("received-asked-title"), ""),
        file: shown_path(&to),
        undelegated,
        next: visit.at(&format!("/received/{}", invited.space)),
    })
}

/// An item of a hand-over.
struct ItemRow {
    to: String,
    name: String,
    facts: String,
}

#[derive(Template)]
#[template(path = "received-one.html")]
struct OnePage<'v> {
    f: Frame<'v>,
    here: String,
    about: String,
    pill: (&'static str, String),
    remark: String,
    is_opened: bool,
    /// Why it is not opened, if that is so.
    refused: Option<(String, Option<String>)>,
    items: Vec<ItemRow>,
    own: Vec<ItemRow>,
    keep: String,
    is_answered: bool,
    visit: &'v Visit,
    fault: Option<(String, Option<String>)>,
}

#[derive(Template)]
#[template(path = "received-enter.html")]
struct EnterPage<'v> {
    f: Frame<'v>,
    here: String,
    words: &'v str,
    fault: Option<(String, Option<String>)>,
}

fn space(visit: &Visit) -> Option<SpaceId> {
    SpaceId::from_hex(visit.param("handover")).ok()
}

/// One hand-over, as far as he may see it.
pub(crate) fn one(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    match space(visit).filter(|space| unlocked.received().contains(space)) {
        Some(space) => page(visit, unlocked, &space, None),
        None => Ok(visit.go("/received")),
    }
}

fn page(visit: &Visit, unlocked: &Unlocked, space: &SpaceId, fault: Option<&Failure>) -> Outcome<Reply> {
    let (t, language, folder) = (visit.text(), visit.language(), unlocked.received_home(space));
    let here = visit.at(&format!("/received/{space}"));
    let fault = fault.map(|failure| visit.fault(failure));
    if !is_safe(&folder) {
        let f = visit.frame(t.say("received-enter"), "hizo space join");
        return visit.page(&EnterPage { f, here, words: visit.field("words"), fault });
    }
    let side = unlocked.side(&folder)?;
    let handover = handover_of(&side)?;
    let refused = handover.check_opened_by(side.opened(), &side.identity).err();
    let is_opened = refused.is_none() && handover.opened.contains_key(&side.key());
    let own_key = side.key().to_base64();
    let answered = handover.answers.iter().find(|answer| answer.key == own_key);
    let (mut items, mut own) = (Vec::new(), Vec::new());
    if is_opened {
        let looked = unlocked.look_at(&folder)?;
        for (series, of) in &looked.view.series {
            for deposit in &of.deposits {
                let is_item = handover.custody.iter().any(|entry| entry.record == deposit.id.to_string());
                let row = ItemRow {
                    to: visit.at(&format!("/case/{space}/deposit/{}", deposit.id)),
                    name: looked.called(t, *series, deposit),
                    facts: [t.one("files-count", "count", deposit.files), bytes(deposit.bytes)].join(" · "),
                };
                if is_item { &mut items } else { &mut own }.push(row);
            }
        }
    }
    let remark = answered.map_or_else(String::new, |answer| {
        let said = if answer.verdict == Verdict::Accepted { &answer.reference } else { &answer.reason };
        shown_bytes(said.as_bytes())
    });
    let command = shown::command(["hizo", "--home", &shown_path(&folder), "hand-over", "open"]);
    visit.page(&OnePage {
        f: visit.frame(from(visit, &handover), command).tab(t.say("door-received")),
        here,
        about: about(&handover.said).to(language).to_owned(),
        pill: stands(visit, &side, &handover),
        remark,
        is_opened,
        refused: refused.map(|failure| visit.fault(&failure)),
        items,
        own,
        keep: visit.at(&format!("/case/{space}/keep")),
        is_answered: answered.is_some(),
        visit,
        fault,
    })
}

/// He enters, opens, or answers.
pub(crate) fn act(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let Some(space) = space(visit).filter(|space| unlocked.received().contains(space)) else {
        return Ok(visit.go("/received"));
    };
    let folder = unlocked.received_home(&space);
    let done = match visit.field("act") {
        "enter" => Waiting::of(&folder).and_then(|waiting| {
            waiting.compare(visit.field("words"))?;
            waiting.enter().map(drop)
        }),
        "open" => unlocked.side(&folder).and_then(|mut side| open(&mut side)?.1),
        "answer" => answered(visit, unlocked, &folder),
        _ => Ok(()),
    };
    match done {
        Ok(()) => Ok(visit.go(&format!("/received/{space}"))),
        Err(failure) => page(visit, unlocked, &space, Some(&failure)),
    }
}

fn answered(visit: &Visit, unlocked: &Unlocked, folder: &Path) -> Outcome<()> {
    let verdict = [Verdict::Accepted, Verdict::Rejected, Verdict::Insufficient];
    let verdict = verdict.into_iter().find(|verdict| verdict.word() == visit.field("verdict"));
    let verdict = verdict.ok_or_else(|| Failure::fixable(words!("no answer was chosen", "回答が選ばれていません")))?;
    let (reference, reason) = (visit.field("reference").trim(), visit.field("reason").trim());
    let (needed, missing) = match verdict {
        Verdict::Accepted => (reference, words!("your own number for it is needed", "受領番号を入力してください")),
        Verdict::Rejected | Verdict::Insufficient => (reason, words!("the reason is needed", "理由を入力してください")),
    };
    if needed.is_empty() {
        return Err(Failure::fixable(missing));
    }
    let mut side = unlocked.side(folder)?;
    // The first answer counts: none is sent behind it.
    let own = side.key().to_base64();
    if handover_of(&side)?.answers.iter().any(|answer| answer.key == own) {
        return Ok(());
    }
    let (reference, reason) = match verdict {
        Verdict::Accepted => (reference, ""),
        Verdict::Rejected | Verdict::Insufficient => ("", reason),
    };
    answer(&mut side, verdict, reference, reason)?.promised
}
