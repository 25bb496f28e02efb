//! The pages of a counsellor who opens a case for somebody on the telephone, and gives it to the company later.

use std::sync::Arc;

use askama::Template;
use hizo_ledger::record::Role;
use hizo_vault::event::case::{Kind, Said, Way};
use hizo_vault::fingerprint::Spoken;

use super::Present;
use super::give::give;
use super::open::asked;
use super::page::{found, is_to_give};
use super::show::kind_words;
use crate::desk::picker::{self, Picker};
use crate::desk::shown::spoken;
use crate::desk::{Frame, Looked, Reply, Unlocked, Visit};
use crate::failure::{Failure, Outcome, shown_bytes};
use crate::words::words;
use crate::{handover, parties};

#[derive(Template)]
#[template(path = "case-open.html")]
struct OpenPage<'v> {
    f: Frame<'v>,
    kinds: Vec<(&'static str, String, bool)>,
    ways: Vec<(&'static str, String, bool)>,
    visit: &'v Visit,
    fault: Option<String>,
}

/// How a case came that somebody else opens: the word, and how it is called.
const WAYS: [(Way, &str); 4] = [
    (Way::Phone, "way-phone"),
    (Way::Visit, "way-visit"),
    (Way::Paper, "way-paper"),
    (Way::Anonymous, "way-anonymous"),
];

/// The form of such a case.
pub(crate) fn page(visit: &Visit, _unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    form(visit, None)
}

fn form(visit: &Visit, fault: Option<&Failure>) -> Outcome<Reply> {
    let (t, language) = (visit.text(), visit.language());
    let kinds = Kind::ALL
        .iter()
        .map(|kind| (kind.word(), kind_words(*kind).to(language).to_owned(), kind.word() == visit.field("kind")));
    let ways = WAYS.iter().map(|(way, id)| (way.word(), t.say(id), way.word() == visit.field("way")));
    visit.page(&OpenPage {
        f: visit.frame(t.say("caller-title"), "hizo case open --way phone --kind … --title … --invite …"),
        kinds: kinds.collect(),
        ways: ways.collect(),
        visit,
        fault: fault.map(|failure| failure.told_in(language)),
    })
}

/// Opens it.
pub(crate) fn open(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let said = said(visit);
    match said.and_then(|(title, said)| found(unlocked, &title, said)) {
        Ok(space) => Ok(visit.go(&format!("/case/{space}"))),
        Err(failure) => form(visit, Some(&failure)),
    }
}

fn said(visit: &Visit) -> Outcome<(String, Said)> {
    let missing = || Failure::fixable(words!("something is not chosen yet", "まだ選ばれていない項目があります"));
    let kind = Kind::from_word(visit.field("kind")).ok_or_else(missing)?;
    let way = Way::from_word(visit.field("way")).filter(|way| *way != Way::Company).ok_or_else(missing)?;
    asked(visit, kind, way, if visit.field("tongue") == "en" { "en" } else { "ja" })
}

#[derive(Template)]
#[template(path = "case-give.html")]
struct GivePage<'v> {
    f: Frame<'v>,
    back: String,
    here: String,
    picker: Option<Picker>,
    /// The request that was chosen: as the form carries it, and who asks.
    file: String,
    name: String,
    fault: Option<(String, Option<String>)>,
}

/// Under what is remembered what was wrong when a case was given all the same.
fn remembered(space: &str) -> String {
    format!("given {space}")
}

/// Gives the case to the company: its request, and the words that it reads out.
pub(crate) fn choose(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let Some(home) = unlocked.home_of(visit.param("case"))? else { return Ok(visit.go("/cases")) };
    let at = format!("/case/{}", visit.param("case"));
    let looked = unlocked.look_at(&home)?;
    if !is_to_give(&looked, unlocked) {
        return Ok(visit.go(&at));
    }
    let mut page = GivePage {
        f: visit.frame(visit.text().say("give-title"), "hizo case give REQUEST --words …"),
        back: visit.at(&at),
        here: visit.at(&format!("{at}/give")),
        picker: None,
        file: String::new(),
        name: String::new(),
        fault: None,
    };
    let file = match visit.field("act") {
        "give" => Some(picker::carried_in(visit, "request")?),
        _ => picker::file(visit)?,
    };
    let Some(file) = file else {
        let (picker, fault) = Picker::for_a_file(visit)?;
        page.fault = fault.map(|failure| visit.fault(&failure));
        page.picker = Some(picker);
        return visit.page(&page);
    };
    match crate::membership::read_request(&file, &looked.safe) {
        Ok(request) => page.name = shown_bytes(request.said.name.as_bytes()),
        Err(failure) => {
            page.picker = Some(Picker::for_a_file(visit)?.0);
            page.fault = Some(visit.fault(&failure));
            return visit.page(&page);
        }
    }
    page.file = picker::carried(&file);
    if visit.field("act") != "give" {
        return visit.page(&page);
    }
    let mut side = unlocked.side(&home)?;
    handover::guard(&side.safe, &side.keyring, &side.identity)?;
    let present = Present::of(side.opened())?;
    match give(&mut side, &present, &file, visit.field("words")) {
        Ok((appended, _)) => {
            unlocked.remember_as(remembered(visit.param("case")), appended.promised);
            Ok(visit.go(&at))
        }
        Err(failure) => {
            page.fault = Some(visit.fault(&failure));
            visit.page(&page)
        }
    }
}

/// The words by which a company enters its case, in both lists, until it has said something there; for the counsellor who gave it to it.
pub(super) fn words(visit: &Visit, unlocked: &Unlocked, looked: &Looked) -> Outcome<Option<GivenWords>> {
    let seed = &unlocked.identity.signing_seed;
    let own = seed.space_key(&looked.safe.home.space).verifying_key();
    let mut others = looked.safe.chain.members().filter(|(key, role)| *role == Role::Admin && *key != own);
    let Some((record, company)) = others.find_map(|(key, _)| Some((looked.safe.let_in_by(&key)?, key))) else {
        return Ok(None);
    };
    // Mostly everybody has said something: then record 0 is not read for it.
    if !parties::is_opened_for_another(looked.opened(), &seed.identity_key().verifying_key()) {
        return Ok(None);
    }
    let (words, other) = spoken(visit, &Spoken::of_head(&record.id()));
    let promised = unlocked.remembered::<Outcome<()>>(&remembered(visit.param("case")));
    let fault = promised.and_then(|promised| Some(promised.as_ref().as_ref().err()?.told_in(visit.language())));
    let name = looked.keyring.people()?.name(&company).unwrap_or_default();
    Ok(Some(GivenWords { name: shown_bytes(name.as_bytes()), words, other, fault }))
}

/// What is to be read to the company.
pub(super) struct GivenWords {
    pub name: String,
    pub words: String,
    pub other: String,
    pub fault: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::super::open::way_words;
    use super::*;

    #[test]
    fn a_counsellor_opens_a_case_by_every_way_but_the_companys_own() {
        let own = Way::Company.word();
        let offered: Vec<_> = WAYS.iter().map(|(way, _)| way.word()).collect();
        assert_eq!(way_words().into_iter().filter(|word| *word != own).collect::<Vec<_>>(), offered);
    }
}
