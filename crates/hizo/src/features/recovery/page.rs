//! The pages of key cards: made, printed, and tried.

use std::sync::Arc;

use askama::Template;
use hizo_ledger::record::Role;
use hizo_vault::event::Event;
use zeroize::Zeroizing;

use super::drill::{Drilled, closed_words, drill, opens};
use super::make::{Asked, Drawn, emergency_pages, is_unpinned, may_be_pinned, open_nothing_yet, pages};
use crate::cards::{self, CardSet};
use crate::desk::{Frame, Reply, Unlocked, Visit, shown};
use crate::failure::{Failure, Outcome};
use crate::membership::Made;
use crate::words::{Words, words};
use crate::{handover, receipts};

/// Most cards of one set (SLIP-39).
const CARDS_MAX: u8 = 16;

/// Cards in memory, until the safe is locked: nothing of them is written on this machine.
struct Printed {
    /// By the name of each file.
    pages: Vec<(String, Zeroizing<Vec<u8>>)>,
    notes: Vec<Words>,
    needed: u8,
    replaced: bool,
}

#[derive(Template)]
#[template(path = "cards.html")]
struct CardsPage<'v> {
    f: Frame<'v>,
    sentence: String,
    /// Cards that there are, and how many of them are needed.
    needed: Option<u64>,
    is_admin: bool,
    propose: Option<String>,
    done: Vec<String>,
    fault: Option<(String, Option<String>)>,
}

/// How the cards stand.
pub(crate) fn cards(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    cards_page(visit, unlocked, &[], None)
}

fn cards_page(visit: &Visit, unlocked: &Unlocked, done: &[Words], fault: Option<&Failure>) -> Outcome<Reply> {
    let (t, language, looked) = (visit.text(), visit.language(), unlocked.look()?);
    let said = CardSet::of(looked.opened())?.map(|set| set.said);
    let needed = match said {
        Some(Event::RecoveryMade { needed, .. }) => Some(needed.clamp(2, CARDS_MAX.into())),
        _ => looked.safe.chain.recovery().map(|_| 2),
    };
    visit.page(&CardsPage {
        f: visit.frame(t.say("cards"), if needed.is_some() { "hizo recovery drill" } else { "hizo recovery make" }),
        sentence: shown::cards(visit, &looked)?,
        needed,
        is_admin: looked.safe.role_of(&unlocked.identity) == Some(Role::Admin),
        propose: visit.proposal_file(&looked.safe),
        done: done.iter().map(|line| line.to(language).to_owned()).collect(),
        fault: fault.map(|failure| visit.fault(failure)),
    })
}

/// Makes cards, and shows what is to be printed.
pub(crate) fn make(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let number = |name: &str| visit.field(name).trim().parse::<u8>().ok();
    let Some((cards, needed)) = number("cards").zip(number("needed")) else {
        let failure = Failure::fixable(words!("say in digits how many cards", "枚数を数字で入力してください"));
        return cards_page(visit, unlocked, &[], Some(&failure));
    };
    let asked = Asked { cards, needed, replace: visit.has("replace") };
    let proposing = visit.proposing()?;
    let mut safe = unlocked.open_safe()?;
    let identity = &unlocked.identity;
    let keyring = safe.unlock_with(identity)?;
    handover::guard(&safe, &keyring, identity)?;
    let drawn = match Drawn::of(&safe, &keyring, identity, asked, &proposing) {
        Ok(drawn) => drawn,
        Err(failure) => return cards_page(visit, unlocked, &[], Some(&failure)),
    };
    let Drawn { cards: made, change, key, replaces, closed } = drawn;
    let mut printed = pages(&safe, &keyring, &made)?;
    let pinned = change.make(&mut safe, identity, &keyring, &proposing);
    unlocked.forget();
    if pinned.is_err() && is_unpinned(&mut safe, key) {
        return pinned.map(|_| visit.go("/cards"));
    }
    let mut notes: Vec<Words> = closed.into_iter().collect();
    let replaced = replaces && matches!(pinned, Ok(Made::Stands(_)));
    match pinned {
        Ok(Made::Stands(appended)) => notes.extend(appended.promised.err().map(|failure| failure.message)),
        Ok(Made::Proposed(proposed)) => notes.extend([proposed.line(), open_nothing_yet(), proposed.next()]),
        Err(failure) => {
            let failure = may_be_pinned(failure);
            notes.push(failure.message);
            notes.extend(failure.hint);
        }
    }
    // Last, so that whoever comes back by them is shown nothing older than the cards.
    match emergency_pages(&safe, &made) {
        Ok(pages) => printed.extend(pages),
        Err(failure) => notes.push(failure.message),
    }
    let pages = printed.into_iter().map(|(name, bytes)| (name, Zeroizing::new(bytes))).collect();
    let number = unlocked.remember(Printed { pages, notes, needed: asked.needed, replaced });
    Ok(visit.go(&format!("/cards/made/{number}")))
}

#[derive(Template)]
#[template(path = "cards-made.html")]
struct MadePage<'v> {
    f: Frame<'v>,
    /// Where each is, how it is called, and whether it is a file to keep rather than a page to print.
    pages: Vec<(String, String, bool)>,
    notes: Vec<String>,
    needed: u8,
    replaced: bool,
}

/// What is to be printed.
pub(crate) fn made(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let Some(printed) = unlocked.remembered::<Printed>(visit.param("cards")) else { return Ok(visit.go("/cards")) };
    let (t, language) = (visit.text(), visit.language());
    let page = |(name, _): &(String, Zeroizing<Vec<u8>>)| {
        let number = name.strip_prefix("card-").and_then(|rest| rest.strip_suffix(".pdf"));
        let called = match (number, name.as_str()) {
            (Some(number), _) => t.one("cards-page", "number", number.to_owned()),
            (None, "emergency.pdf") => t.say("cards-emergency"),
            (None, _) => t.say("cards-emergency-file"),
        };
        (visit.at(&format!("/cards/made/{}/{name}", visit.param("cards"))), called, name.ends_with(".json"))
    };
    visit.page(&MadePage {
        f: visit.frame(t.say("cards-made"), "hizo recovery drill"),
        pages: printed.pages.iter().map(page).collect(),
        notes: printed.notes.iter().map(|note| note.to(language).to_owned()).collect(),
        needed: printed.needed,
        replaced: printed.replaced,
    })
}

/// One page of them.
pub(crate) fn page(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let printed = unlocked.remembered::<Printed>(visit.param("cards"));
    let page = printed.as_ref().and_then(|printed| printed.pages.iter().find(|(name, _)| name == visit.param("page")));
    Ok(match page {
        Some((name, bytes)) if name.ends_with(".pdf") => Reply::File { kind: "application/pdf", bytes: bytes.to_vec() },
        Some((_, bytes)) => Reply::Save { name: "emergency.json", bytes: bytes.to_vec() },
        None => visit.go("/cards"),
    })
}

/// Tries the cards whose words were typed.
pub(crate) fn try_them(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let fields = (1..=usize::from(CARDS_MAX)).map(|number| (number, format!("card-{number}")));
    let typed = fields.filter(|(_, name)| !visit.field(name).trim().is_empty());
    let cards: Outcome<Vec<_>> = typed.map(|(number, name)| cards::typed_as(number, visit.field(&name))).collect();
    let mut safe = unlocked.open_safe()?;
    let tried = cards.and_then(|cards| match cards.is_empty() {
        true => Err(Failure::fixable(words!("no card was typed", "カードの言葉が入力されていません"))),
        false => drill(&mut safe, &cards),
    });
    unlocked.forget();
    let Drilled { closed, numbers, set, record } = match tried {
        Ok(drilled) => drilled,
        Err(failure) => return cards_page(visit, unlocked, &[], Some(&failure)),
    };
    let mut done = vec![opens(&set, &numbers)];
    done.extend(closed_words(closed));
    done.extend(receipts::answer(&safe, record).holds().err().map(|failure| failure.message));
    cards_page(visit, unlocked, &done, None)
}
