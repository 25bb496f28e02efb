//! The pages of whoever receives: he asks to be let in, opens what the company consented to, and answers.

use std::path::Path;
use std::sync::Arc;

use askama::Template;
use hizo_ledger::id::SpaceId;
use hizo_vault::event::handover::Verdict;

use super::answer::{answer, word};
use super::consent::about_shown;
use super::finding::{PARTS, VERDICTS, find};
use super::giving::shown_suspects;
use super::handover_of;
use super::open::open;
use super::page::tone;
use crate::console::bytes;
use crate::desk::{Frame, Reply, Unlocked, Visit, is_safe, shown};
use crate::failure::{Failure, Outcome, shown as shown_path, shown_bytes};
use crate::features::space::page as joining;
use crate::handover::HandOver;
use crate::people::shown_organisation;
use crate::side::Side;
use crate::words::words;
use crate::{newcomer, register};

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
                about: asked(visit, &folder, &space),
                tone: "wait",
                word: t.say("received-waits"),
            }),
            true => unlocked.side(&folder).and_then(|side| {
                let handover = handover_of(&side)?;
                let (tone, word) = stands(visit, &side, &handover);
                // Who it is from and what for is told once the consent was checked and the opening noted.
                let (name, about) = match handover.opened.contains_key(&side.key()) {
                    true => {
                        handover.check_opened_by(side.opened(), &side.identity)?;
                        (from(visit, &side, &handover), about_shown(t, &handover.said))
                    }
                    false => (t.say("received-some"), space.to_string().get(..12).unwrap_or_default().to_owned()),
                };
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

/// When he asked for what has no name to him yet.
fn asked(visit: &Visit, folder: &Path, space: &SpaceId) -> String {
    match newcomer::asked_at(folder) {
        Some(at) => visit.text().one("received-asked", "time", shown::moment(visit.text(), at)),
        None => space.to_string().get(..12).unwrap_or_default().to_owned(),
    }
}

/// Whose it is and since when, so that one is told from another; where no company may be known, by its time alone.
fn from(visit: &Visit, side: &Side, handover: &HandOver) -> String {
    let t = visit.text();
    let begun = side.safe.records.first().map(|record| record.envelope().time.unix_seconds());
    let time = begun.map_or_else(String::new, |begun| shown::moment(t, begun));
    match handover.said.level.tells_company() {
        true => t.two("received-of", "company", shown_bytes(handover.said.company.as_bytes()), "time", time),
        false => t.one("received-untold", "time", time),
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
    /// Whom the company named: what the person is called, and what else tells who it is.
    suspects: Vec<(String, String)>,
    keep: String,
    is_answered: bool,
    /// Whether what was found is said here: once somebody has accepted it. What he may have come to, and of what he says more: as forms name it, how it is called, and what he has typed.
    finds: bool,
    verdicts: Vec<(&'static str, String, bool)>,
    parts: Vec<(&'static str, String, &'v str)>,
    visit: &'v Visit,
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
    let (t, folder) = (visit.text(), unlocked.received_home(space));
    let here = visit.at(&format!("/received/{space}"));
    if !is_safe(&folder) {
        return joining::enter_page(visit, unlocked, true, space, fault);
    }
    let fault = fault.map(|failure| visit.fault(failure));
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
        f: visit
            .frame(if is_opened { from(visit, &side, &handover) } else { t.say("received-some") }, command)
            .tab(t.say("door-received")),
        here,
        about: match is_opened {
            true => about_shown(t, &handover.said),
            false => space.to_string().get(..12).unwrap_or_default().to_owned(),
        },
        pill: stands(visit, &side, &handover),
        remark,
        is_opened,
        refused: refused.map(|failure| visit.fault(&failure)),
        items,
        own,
        suspects: if is_opened { shown_suspects(&handover) } else { Vec::new() },
        keep: visit.at(&format!("/case/{space}/keep")),
        // Of an organisation whoever was let in first answers.
        is_answered: answered.is_some() || handover.receiver.is_some_and(|receiver| receiver != side.key()),
        finds: is_opened && {
            let receiver = handover.receiver.map(|receiver| receiver.to_base64());
            let is_theirs = |key: &str| key == own_key || receiver.as_deref() == Some(key);
            let first = handover.answers.iter().find(|answer| is_theirs(&answer.key));
            first.is_some_and(|answer| answer.verdict == Verdict::Accepted)
        },
        verdicts: VERDICTS.iter().map(|(word, id)| (*word, t.say(id), visit.field("found") == *word)).collect(),
        parts: PARTS.iter().map(|(field, id)| (*field, t.say(id), visit.field(field))).collect(),
        visit,
        fault,
    })
}

/// He enters, opens, answers, or says what he has found.
pub(crate) fn act(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let Some(space) = space(visit).filter(|space| unlocked.received().contains(space)) else {
        return Ok(visit.go("/received"));
    };
    let folder = unlocked.received_home(&space);
    if !is_safe(&folder) {
        return joining::go_on(visit, unlocked, true, &space);
    }
    let done = match visit.field("act") {
        "open" => unlocked.side(&folder).and_then(|mut side| open(&mut side)?.1),
        "answer" => answered(visit, unlocked, &folder),
        "find" => find(visit, unlocked, &folder),
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
