//! The pages on which a company consents: what the receiver will see, what happens there, and how a consent is taken back.

use std::collections::BTreeSet;
use std::sync::Arc;

use askama::Template;
use hizo_ledger::directory::Purpose;
use hizo_ledger::id::SpaceId;
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::Role;
use hizo_vault::event::handover::{Level, ONWARD, Refusal};

use super::check_receiver;
use super::choice::{Choice, chosen};
use super::consent::{Offer, Withdrawal, about, about_shown, check_company, read_receiver};
use super::preview::{self, Care, Shown};
use super::status::{remark, state};
use crate::consents::{Consents, Given};
use crate::console::bytes;
use crate::desk::{Frame, Looked, Reply, Unlocked, Visit, is_safe};
use crate::failure::{Failure, Outcome, shown_bytes};
use crate::handover::refused;
use crate::words::words;
use crate::{directory, parties, safe};

/// Things that are shown and decided on one by one. More than this are not read by anybody.
const ENTRIES_MAX: usize = 400;

/// Levels, with how each is explained.
const LEVELS: [(Level, &str); 4] =
    [(Level::A, "level-a"), (Level::B, "level-b"), (Level::C, "level-c"), (Level::D, "level-d")];

/// Labels of TLP 2.0, with how each is explained.
const LABELS: [&str; 5] = ["onward-red", "onward-amber-strict", "onward-amber", "onward-green", "onward-clear"];

/// What a form of a consent carries from page to page.
const FIELDS: [&str; 9] =
    ["receiver", "key", "receiver_name", "purpose", "level", "company", "onward", "until", "sought"];

/// A consent that was given.
struct GivenRow {
    receiver: String,
    about: String,
    state: String,
    tone: &'static str,
    remark: String,
    /// The page that tells how far its hand-over has come, and what is next.
    steps: String,
    /// The page on which it is taken back, where that still changes something.
    withdraw: Option<String>,
}

#[derive(Template)]
#[template(path = "consent.html")]
struct ConsentPage<'v> {
    f: Frame<'v>,
    here: String,
    case: String,
    given: Vec<GivenRow>,
    is_company: bool,
    deposits: Choice,
    /// Organisations of the directory: the key, what it is called, whether it was chosen.
    known: Vec<(String, String, bool)>,
    levels: Vec<(&'static str, String, bool)>,
    onward: Vec<(&'static str, String, bool)>,
    keeps_sender: bool,
    sought: String,
    visit: &'v Visit,
    fault: Option<String>,
}

/// The consents of a case, and the form of a new one.
pub(crate) fn consents(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    form(visit, unlocked, None)
}

fn form(visit: &Visit, unlocked: &Unlocked, fault: Option<Failure>) -> Outcome<Reply> {
    let Some(home) = unlocked.home_of(visit.param("case"))? else { return Ok(visit.go("/cases")) };
    let (t, language, looked) = (visit.text(), visit.language(), unlocked.look_at(&home)?);
    let here = visit.at(&format!("/case/{}/consent", looked.safe.home.space));
    let is_company = is_company(&looked, unlocked);
    let (now, fold) = (safe::now()?, Consents::of(looked.opened())?);
    let given = fold.given.iter().rev().map(|given| {
        let (word, words) = state(given, now);
        GivenRow {
            receiver: shown_bytes(given.said.receiver_name.as_bytes()),
            about: about_shown(t, &given.said),
            state: words.to(language).to_owned(),
            tone: tone(word),
            remark: remark(given),
            steps: visit.at(&format!("/case/{}/handed/{}", looked.safe.home.space, given.said.space)),
            withdraw: (is_company && !given.is_withdrawn).then(|| format!("{here}/{}", given.said.space)),
        }
    });
    let chosen = if visit.has("level") { visit.field("level") } else { Level::B.word() };
    let levels = LEVELS.iter().map(|(level, id)| (level.word(), t.say(id), level.word() == chosen));
    let label = if visit.has("onward") { visit.field("onward") } else { ONWARD[0] };
    let onward = ONWARD.iter().zip(LABELS).map(|(word, id)| (*word, t.say(id), *word == label));
    let f = visit.frame(t.say("consent-title"), "hizo consent give DEPOSIT//PATH --receiver … --level B --seek …");
    // What the own safe is called is a first guess at what must not be known; a case is called by its subject.
    let guess = f.safe.clone().filter(|_| home != unlocked.folder).unwrap_or_default();
    let sought = if visit.has("act") { visit.field("sought").to_owned() } else { guess };
    visit.page(&ConsentPage {
        case: visit.at(&format!("/case/{}", looked.safe.home.space)),
        given: given.collect(),
        is_company,
        deposits: Choice::of(visit, &looked, true),
        known: known(visit, unlocked)?,
        levels: levels.collect(),
        onward: onward.collect(),
        keeps_sender: visit.has("keeps_sender"),
        sought,
        visit,
        fault: fault.map(|failure| failure.told_in(language)),
        here,
        f,
    })
}

/// How a state is shown.
pub(super) fn tone(state: &str) -> &'static str {
    match state {
        "accepted" => "ok",
        "consented" | "not delivered" => "wait",
        "rejected" | "insufficient" | "refused" => "bad",
        _ => "info",
    }
}

pub(super) fn is_company(looked: &Looked, unlocked: &Unlocked) -> bool {
    let seed = &unlocked.identity.signing_seed;
    let key = seed.space_key(&looked.safe.home.space).verifying_key();
    looked.safe.chain.role(&key) == Some(Role::Admin)
        && !parties::is_opened_for_another(looked.opened(), &seed.identity_key().verifying_key())
}

/// Organisations of the directory that is installed: by a sample nothing is sealed, by one that is over neither.
fn known(visit: &Visit, unlocked: &Unlocked) -> Outcome<Vec<(String, String, bool)>> {
    let Some((directory, _)) = directory::installed(&unlocked.home()?)? else { return Ok(Vec::new()) };
    if directory.purpose == Purpose::Sample || directory.is_good_at(safe::now()?).is_err() {
        return Ok(Vec::new());
    }
    let entries = directory.entries.iter().map(|entry| {
        let name = if visit.text().is_japanese() { &entry.name_ja } else { &entry.name };
        let key = entry.key.to_base64();
        let is_chosen = visit.field("receiver") == key;
        (key, shown_bytes(name.as_bytes()), is_chosen)
    });
    Ok(entries.collect())
}

/// The receiver that a form names, and what he is called.
fn receiver(visit: &Visit, unlocked: &Unlocked) -> Outcome<(VerifyingKey, String)> {
    if visit.has("receiver") {
        let known = known(visit, unlocked)?.into_iter().find(|(_, _, is_chosen)| *is_chosen);
        let (key, name, _) = known.ok_or_else(|| refused(Refusal::Receiver))?;
        return Ok((read_receiver(&key)?, name));
    }
    Ok((read_receiver(visit.field("key").trim())?, visit.field("receiver_name").trim().to_owned()))
}

/// What a form of a consent means, before anything is left out.
fn meant(visit: &Visit, unlocked: &Unlocked, looked: &Looked) -> Outcome<(Offer, Care)> {
    let (receiver, receiver_name) = receiver(visit, unlocked)?;
    let level = Level::from_word(visit.field("level")).ok_or_else(|| refused(Refusal::Form))?;
    let company = visit.field("company").trim();
    let company = (!company.is_empty() && level.tells_company()).then(|| company.to_owned());
    check_company(level, company.as_ref())?;
    check_receiver(looked.opened(), level, &receiver)?;
    let sought: Vec<&str> = visit.field("sought").lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if sought.is_empty() && !level.tells_company() {
        return Err(Failure::fixable(words!(
            "at this level your name must not be known, and nothing was given to look for",
            "この段階では会社名を明かしません。探す名前を書いてください"
        )));
    }
    let care = Care::for_marks(if level.tells_company() { Vec::new() } else { sought })?;
    let items = chosen(visit, looked)?;
    let offer = Offer {
        receiver,
        receiver_name,
        purpose: visit.field("purpose").trim().to_owned(),
        level,
        company,
        onward: visit.field("onward").to_owned(),
        keeps_sender: visit.has("keeps_sender"),
        until: visit.field("until").trim().to_owned(),
        items,
    };
    Ok((offer, care))
}

struct EntryRow {
    field: String,
    path: String,
    size: String,
    traces: Vec<String>,
    unseen: Vec<String>,
    needs: bool,
    /// `out`, `stands`, or nothing yet.
    decision: &'static str,
}

struct ItemRow {
    name: String,
    entries: Vec<EntryRow>,
}

#[derive(Template)]
#[template(path = "consent-preview.html")]
struct PreviewPage<'v> {
    f: Frame<'v>,
    here: String,
    carried: Vec<(String, String)>,
    receiver: String,
    level: String,
    company: Option<String>,
    purpose: String,
    until: String,
    onward: String,
    keeps_sender: bool,
    items: Vec<ItemRow>,
    marked: usize,
    fault: Option<String>,
}

/// Shows what the receiver will see; signs it once it was decided on.
pub(crate) fn offer(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let Some(home) = unlocked.home_of(visit.param("case"))? else { return Ok(visit.go("/cases")) };
    if visit.has("page") {
        return form(visit, unlocked, None);
    }
    let looked = unlocked.look_at(&home)?;
    let (mut offer, mut care) = match meant(visit, unlocked, &looked) {
        Ok(meant) => meant,
        Err(failure) => return form(visit, unlocked, Some(failure)),
    };
    let seen = care.preview(looked.opened(), &offer.items)?;
    if seen.iter().map(|of| of.entries.len()).sum::<usize>() > ENTRIES_MAX {
        let many = Failure::fixable(words!(
            "there are more than {count} things in it, and nobody decides on so many one by one",
            "{count}件を超えるため、一つずつ決められません",
            count = ENTRIES_MAX
        ));
        return form(visit, unlocked, Some(many));
    }
    if visit.field("act") != "sign" {
        return show(visit, &looked, &offer, &seen, None);
    }
    let mut items = Vec::new();
    for (number, (item, of)) in offer.items.iter().zip(&seen).enumerate() {
        let mut left_out = BTreeSet::new();
        for (index, entry) in of.entries.iter().enumerate() {
            match decision(visit, number, index) {
                "out" => drop(left_out.insert(entry.path.clone())),
                "stands" => care.let_stand(of.deposit.clone(), entry.path.clone()),
                _ => (),
            }
        }
        match preview::without(item, of, &left_out) {
            Ok(item) => items.extend(item),
            Err(failure) => return show(visit, &looked, &offer, &seen, Some(failure)),
        }
    }
    if items.is_empty() {
        let nothing = Failure::fixable(words!("everything was left out", "すべて外されています"));
        return show(visit, &looked, &offer, &seen, Some(nothing));
    }
    let whole = std::mem::replace(&mut offer.items, items);
    let shown_again = Offer { items: whole, ..offer.clone() };
    let mut side = unlocked.side(&home)?;
    crate::handover::guard(&side.safe, &side.keyring, &side.identity)?;
    match offer.sign(&mut side, Some(&care)) {
        Ok((_, appended)) => {
            appended.promised?;
            Ok(visit.go(&format!("/case/{}/consent", visit.param("case"))))
        }
        Err(failure) => show(visit, &looked, &shown_again, &seen, Some(failure)),
    }
}

/// What a person decided on an entry.
fn decision(visit: &Visit, item: usize, entry: usize) -> &'static str {
    match visit.field(&format!("d-{item}-{entry}")) {
        "out" => "out",
        "stands" => "stands",
        _ => "",
    }
}

fn show(visit: &Visit, looked: &Looked, offer: &Offer, seen: &[Shown], fault: Option<Failure>) -> Outcome<Reply> {
    let (t, language) = (visit.text(), visit.language());
    let items: Vec<ItemRow> = seen
        .iter()
        .enumerate()
        .map(|(number, of)| ItemRow {
            name: looked
                .deposit(&of.deposit)
                .map_or_else(String::new, |(series, deposit, _)| looked.called(t, series, deposit)),
            entries: of
                .entries
                .iter()
                .enumerate()
                .map(|(index, entry)| EntryRow {
                    field: format!("d-{number}-{index}"),
                    path: shown_bytes(&entry.path),
                    size: entry.bytes.map_or_else(String::new, bytes),
                    traces: entry
                        .traces
                        .iter()
                        .map(|(place, text)| format!("{}: {}", place.to(language), shown_bytes(text.as_bytes())))
                        .collect(),
                    unseen: entry.unseen.iter().map(|words| words.to(language).to_owned()).collect(),
                    needs: entry.needs_decision() && !offer.level.tells_company(),
                    decision: decision(visit, number, index),
                })
                .collect(),
        })
        .collect();
    let marked = items.iter().flat_map(|item| &item.entries).filter(|entry| entry.needs).count();
    let mut carried: Vec<_> = FIELDS.iter().map(|name| ((*name).to_owned(), visit.field(name).to_owned())).collect();
    carried.extend(seen.iter().map(|of| (format!("item-{}", of.deposit), "1".to_owned())));
    if offer.keeps_sender {
        carried.push(("keeps_sender".to_owned(), "1".to_owned()));
    }
    let level = LEVELS.iter().find(|(level, _)| *level == offer.level).map_or_else(String::new, |(_, id)| t.say(id));
    let onward = ONWARD.iter().zip(LABELS).find(|(word, _)| **word == offer.onward);
    visit.page(&PreviewPage {
        f: visit.frame(t.say("preview-title"), "hizo consent preview DEPOSIT//PATH --level B --seek …"),
        here: visit.at(&format!("/case/{}/consent", looked.safe.home.space)),
        carried,
        receiver: shown_bytes(offer.receiver_name.as_bytes()),
        level,
        company: offer.company.as_ref().map(|name| shown_bytes(name.as_bytes())),
        purpose: shown_bytes(offer.purpose.as_bytes()),
        until: shown_bytes(offer.until.as_bytes()),
        onward: onward.map_or_else(String::new, |(_, id)| t.say(id)),
        keeps_sender: offer.keeps_sender,
        items,
        marked,
        fault: fault.map(|failure| failure.told_in(language)),
    })
}

#[derive(Template)]
#[template(path = "consent-withdraw.html")]
struct WithdrawPage<'v> {
    f: Frame<'v>,
    here: String,
    back: String,
    receiver: String,
    about: String,
    was_accepted: bool,
    was_handed: bool,
}

/// What taking a consent back does, before it is done.
pub(crate) fn withdrawing(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let Some(home) = unlocked.home_of(visit.param("case"))? else { return Ok(visit.go("/cases")) };
    let looked = unlocked.look_at(&home)?;
    let fold = Consents::of(looked.opened())?;
    let back = format!("/case/{}/consent", visit.param("case"));
    let is_named = |given: &&Given| given.said.space == visit.param("consent") && !given.is_withdrawn;
    let Some(given) = fold.given.iter().find(is_named).filter(|_| is_company(&looked, unlocked)) else {
        return Ok(visit.go(&back));
    };
    let t = visit.text();
    visit.page(&WithdrawPage {
        f: visit.frame(
            t.say("withdraw-title"),
            format!("hizo consent withdraw {}", given.said.space.get(..12).unwrap_or_default()),
        ),
        here: visit.at(&format!("{back}/{}", given.said.space)),
        back: visit.at(&back),
        receiver: shown_bytes(given.said.receiver_name.as_bytes()),
        about: about(&given.said).to(visit.language()).to_owned(),
        was_accepted: given.was_accepted(),
        was_handed: given.handed.is_some(),
    })
}

/// Takes a consent back.
pub(crate) fn withdraw(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let Some(home) = unlocked.home_of(visit.param("case"))? else { return Ok(visit.go("/cases")) };
    let mut side = unlocked.side(&home)?;
    crate::handover::guard(&side.safe, &side.keyring, &side.identity)?;
    // As its page has shown it: no other one by the first digits, and none twice.
    let fold = Consents::of(side.opened())?;
    if !fold.given.iter().any(|given| given.said.space == visit.param("consent") && !given.is_withdrawn) {
        return Ok(visit.go(&format!("/case/{}/consent", visit.param("case"))));
    }
    let reason = visit.field("reason").trim().to_owned();
    // Where the company has entered the hand-over, the receiver's client learns of it by the same act.
    let entered = SpaceId::from_hex(visit.param("consent")).map(|space| unlocked.handed_home(&space));
    // One that cannot be opened is told before anything is said.
    let entered = entered.ok().filter(|home| is_safe(home)).map(|home| unlocked.side(&home)).transpose()?;
    let Withdrawal { promised, .. } = Withdrawal::make(&mut side, visit.param("consent"), &reason, entered)?;
    promised?;
    Ok(visit.go(&format!("/case/{}/consent", visit.param("case"))))
}
