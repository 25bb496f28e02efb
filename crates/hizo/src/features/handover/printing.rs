//! The page on which items of a case are laid out for a receiver without hizo, and on which it stands that he took them; and on which two
//! of the staff say what they have read on a printed form.

use std::sync::Arc;

use askama::Template;
use hizo_vault::event::handover::Level;

use super::attest::{Seen, attest};
use super::choice::{Choice, chosen};
use super::on_paper::{Printing, print_items, say_taken};
use super::page::is_company;
use super::status::{OnPaper, attested_on_paper, taken_on_paper};
use crate::consents::{Consents, Paper};
use crate::desk::picker;
use crate::desk::{Frame, Looked, Reply, Unlocked, Visit, shown};
use crate::failure::{self, Failure, Outcome};
use crate::parties::{self, Parties, Party};
use crate::people::{People, Person};
use crate::safe;
use crate::words::words;

#[derive(Template)]
#[template(path = "on-paper.html")]
struct PaperPage<'v> {
    f: Frame<'v>,
    case: String,
    here: String,
    is_company: bool,
    to_print: Choice,
    was_taken: Choice,
    forms: Choice,
    /// Who else may have read a form: by the name of a key, and what people call him.
    others: Vec<(String, String)>,
    /// The newest consents on paper, and how many older ones there are.
    attested: (Vec<OnPaper>, usize),
    /// The first and the last day until which one may hold that is attested now.
    today: String,
    latest: String,
    /// The same of printed hand-overs that were taken: by whom, under which number, as who says.
    taken: (Vec<(String, String, String)>, usize),
    to: String,
    /// Where one was just laid out.
    laid: Option<String>,
    visit: &'v Visit,
    fault: Option<(String, Option<String>)>,
}

/// What was handed over on paper, and how it is.
pub(crate) fn paper(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    page(visit, unlocked, None, None)
}

fn page(visit: &Visit, unlocked: &Unlocked, laid: Option<String>, fault: Option<&Failure>) -> Outcome<Reply> {
    let Some(home) = unlocked.home_of(visit.param("case"))? else { return Ok(visit.go("/cases")) };
    let (t, looked, today) = (visit.text(), unlocked.look_at(&home)?, safe::day_in(0)?);
    let case = format!("/case/{}", visit.param("case"));
    let fold = Consents::of(looked.opened())?;
    let people = looked.keyring.people()?;
    let (consents, older) =
        shown::newest(fold.papers.iter().filter(|paper| matches!(paper, Paper::Consent { .. })).collect());
    let consents = consents.into_iter().filter_map(|paper| attested_on_paper(&fold.papers, paper, &today));
    let attested = (consents.collect(), older);
    visit.page(&PaperPage {
        f: visit.frame(t.say("paper-title"), "hizo hand-over print DEPOSIT//PATH --receiver-name … --purpose … --to …"),
        here: visit.at(&format!("{case}/on-paper")),
        case: visit.at(&case),
        is_company: is_company(&looked, unlocked),
        to_print: Choice::of(visit, &looked, visit.field("act") == "print"),
        was_taken: Choice::of(visit, &looked, visit.field("act") == "taken"),
        forms: Choice::of(visit, &looked, visit.field("act") == "attest"),
        others: others(people, &looked, unlocked),
        attested,
        today: today.clone(),
        latest: safe::day_in(29)?,
        taken: shown::newest(fold.papers.iter().filter_map(|paper| taken_on_paper(paper, people)).collect()),
        to: match visit.field("to") {
            "" => failure::shown(&picker::new_folder(&t.say("paper-folder"))),
            to => to.to_owned(),
        },
        laid,
        visit,
        fault: fault.map(|failure| visit.fault(failure)),
    })
}

/// Who reads the case besides whoever looks, and does not speak for the company.
fn others(people: &People, looked: &Looked, unlocked: &Unlocked) -> Vec<(String, String)> {
    let own = unlocked.identity.signing_seed.identity_key().verifying_key();
    let persons = people.persons(&looked.safe).into_iter().filter(|person| person.identity.is_some_and(|it| it != own));
    let mut parties = Parties::new(people, parties::opener(looked.opened()));
    looked.safe.records.iter().for_each(|record| parties.follow(record));
    let named = |person: Person| {
        let seat = person.own.filter(|own| parties.of(&own.key).is_some_and(|party| party != Party::Company))?;
        Some((seat.key.name().to_string(), person.shown_name()))
    };
    persons.filter_map(named).collect()
}

/// Turns a page of what a form offers, lays it out, or writes down that it was taken.
pub(crate) fn act(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let Some(home) = unlocked.home_of(visit.param("case"))? else { return Ok(visit.go("/cases")) };
    if visit.has("page") {
        return page(visit, unlocked, None, None);
    }
    let done = || {
        let looked = unlocked.look_at(&home)?;
        let mut side = unlocked.side(&home)?;
        if visit.field("act") == "attest" {
            let one = || Failure::fixable(words!("choose the scan of the form", "書面のスキャン画像を選んでください"));
            let deposits = looked.view.series.values().flat_map(|series| &series.deposits);
            let form =
                deposits.into_iter().find(|deposit| deposit.id.to_string() == visit.field("form")).ok_or_else(one)?;
            let field = |name: &str| visit.field(name).trim();
            let seen = Seen {
                form: form.id.to_string(),
                with: field("with"),
                receiver_name: field("receiver_name"),
                purpose: field("purpose"),
                level: Level::from_word(field("level")).unwrap_or(Level::B),
                called_back: field("called_back"),
                until: field("until"),
            };
            attest(&mut side, &seen)?.appended.promised?;
            return Ok(None);
        }
        let chosen = chosen(visit, &looked)?;
        if visit.field("act") == "print" && !visit.has("purpose") {
            return Err(Failure::fixable(words!("the purpose is missing", "目的が書かれていません")));
        }
        let (receiver_name, purpose) = (visit.field("receiver_name").trim(), visit.field("purpose").trim());
        if visit.field("act") == "taken" {
            let deposits = chosen.into_iter().map(|item| item.deposit).collect();
            say_taken(&mut side, deposits, receiver_name, visit.field("reference"), "")?.promised?;
            return Ok(None);
        }
        let to = picker::typed(visit.field("to"))?;
        print_items(&side, &chosen, &Printing { receiver_name, purpose, to: &to })?;
        Ok(Some(failure::shown(&to)))
    };
    match done() {
        Ok(Some(to)) => page(visit, unlocked, Some(to), None),
        Ok(None) => Ok(visit.go(&format!("/case/{}/on-paper", visit.param("case")))),
        Err(failure) => page(visit, unlocked, None, Some(&failure)),
    }
}
