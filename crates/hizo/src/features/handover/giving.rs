//! The pages of a hand-over for the two who are in its case: how far it has come, and what each of them does next.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use askama::Template;
use hizo_ledger::id::SpaceId;
use hizo_ledger::record::{ClaimedTime, Role};
use hizo_vault::event::Event;
use hizo_vault::fingerprint::Spoken;

use super::admit::{Admitted, Asking, admit};
use super::consent::about_shown;
use super::enter::enter;
use super::filling::unsealed as unsealed_in;
use super::finding::{Finding, findings};
use super::make::make;
use super::page::{is_company, tone};
use super::status::{carry, look, opened_at, remark, state};
use super::suspect::suspect;
use crate::consents::{Consents, Given};
use crate::desk::picker::{self, Picker};
use crate::desk::work::{self, Ended};
use crate::desk::{Frame, Looked, Reply, Unlocked, Visit, shown};
use crate::failure::{Failure, Outcome, shown_bytes};
use crate::handover::{HandOver, Suspect};
use crate::home::{self, Home};
use crate::people::shown_organisation;
use crate::safe::{self, Safe};
use crate::words::words;

/// A step of a hand-over: what it is called, how it stands, what more there is to say.
struct Step {
    name: String,
    tone: &'static str,
    word: String,
    more: String,
}

/// What whoever looks does next.
struct Next {
    /// The sender seals the items.
    makes: bool,
    /// He sends the invite, and lets the receiver in by his request.
    invite: Option<String>,
    /// The company enters by that invite, and asks for the answer once it has.
    enters: bool,
    asks: bool,
    /// It says in the hand-over, too, that it has taken its consent back.
    withdraws: bool,
    /// It names, to whoever receives, whom it suspects.
    names: bool,
    /// The pages of what was handed over.
    inside: Option<String>,
}

#[derive(Template)]
#[template(path = "handed.html")]
struct StepsPage<'v> {
    f: Frame<'v>,
    here: String,
    case: String,
    consents: String,
    about: String,
    pill: (&'static str, String),
    remark: String,
    steps: Vec<Step>,
    next: Next,
    /// Whoever looks only looks on.
    is_sender: bool,
    is_company: bool,
    /// The eight words for the receiver, in both lists.
    words: Option<(String, String)>,
    receiver: String,
    /// Whom the company has named: what the person is called, and what else tells who it is.
    suspects: Vec<(String, String)>,
    /// What the receiver has found, for the company.
    findings: Vec<Finding>,
    visit: &'v Visit,
    /// Why a person was not named.
    unnamed: Option<(String, Option<String>)>,
    news: Vec<String>,
}

/// A hand-over as the pages of its case see it.
struct Place {
    home: PathBuf,
    looked: Arc<Looked>,
    space: SpaceId,
    here: String,
}

impl Place {
    fn of(visit: &Visit, unlocked: &Unlocked) -> Outcome<Option<Self>> {
        let (Some(home), Ok(space)) =
            (unlocked.home_of(visit.param("case"))?, SpaceId::from_hex(visit.param("consent")))
        else {
            return Ok(None);
        };
        let looked = unlocked.look_at(&home)?;
        let here = format!("/case/{}/handed/{space}", visit.param("case"));
        Ok(Some(Self { home, looked, space, here }))
    }

    fn given<'c>(&self, fold: &'c Consents) -> Option<&'c Given> {
        fold.given.iter().find(|given| given.said.space == self.space.to_string())
    }

    /// The home of the hand-over, if this person has one.
    fn at(&self, unlocked: &Unlocked) -> Option<PathBuf> {
        Some(unlocked.handed_home(&self.space)).filter(|home| Home::open(home).is_ok())
    }
}

/// How far it has come.
pub(crate) fn steps(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let Some(place) = Place::of(visit, unlocked)? else { return Ok(visit.go("/cases")) };
    let news = match visit.param("news") {
        "none" => Some("handed-no-news"),
        "entered" => Some("handed-entered"),
        "missing" => Some("handed-missing"),
        "unpromised" => Some("suspect-unpromised"),
        _ => None,
    };
    page(visit, unlocked, &place, news.map(|id| visit.text().say(id)).into_iter().collect(), None)
}

/// The page; `unnamed` is why a person was not named, whose name then stands in its field still.
fn page(
    visit: &Visit,
    unlocked: &Unlocked,
    place: &Place,
    mut news: Vec<String>,
    unnamed: Option<&Failure>,
) -> Outcome<Reply> {
    let (t, language, looked) = (visit.text(), visit.language(), &place.looked);
    let fold = Consents::of(looked.opened())?;
    let consents = format!("/case/{}/consent", visit.param("case"));
    let Some(given) = place.given(&fold) else { return Ok(visit.go(&consents)) };
    let (is_company, at) = (is_company(looked, unlocked), place.at(unlocked));
    let own = |space: &SpaceId| unlocked.identity.signing_seed.space_key(space).verifying_key();
    let role = looked.safe.chain.role(&own(&looked.safe.home.space));
    let is_sender = role.is_some_and(|role| role.opens() && role != Role::Admin);
    let inside = match at.as_deref().map(|home| unlocked.look_at(home)) {
        Some(Ok(inside)) => Some(inside),
        // A sender who has left is not answered any more.
        Some(Err(_)) if is_sender && given.handed.is_some() => None,
        Some(Err(failure)) => {
            news.push(failure.told_in(language));
            None
        }
        None => None,
    };
    let there = inside.as_ref().map(|inside| HandOver::of(inside.opened())).transpose()?.flatten();
    let opened = there.as_ref().and_then(|there| opened_at(given, there));
    let consent = given.consent.as_ref().ok();
    let unsealed = inside.as_ref().zip(consent);
    let unsealed =
        unsealed.map(|(inside, consent)| unsealed_in(looked.opened(), inside.opened(), consent)).transpose()?;
    let (word, words) = state(given, safe::now()?);
    let is_open = word == "consented" || word == "not delivered";
    let findings = match (&inside, &there) {
        (Some(inside), Some(there)) if is_company && given.was_accepted() => {
            findings(visit, unlocked, (looked, inside, there))?
        }
        _ => Vec::new(),
    };
    let is_handed = given.handed.is_some();
    // Until he leaves, whatever was cut short.
    let leads = inside.as_ref().is_some_and(|inside| inside.safe.chain.role(&own(&place.space)) == Some(Role::Admin));
    let (is_busy, is_there) = (unlocked.works.is_busy(), at.is_some());
    let next = Next {
        makes: is_sender && is_open && !is_handed && !is_busy && unsealed.is_none_or(|(_, own)| own > 0),
        invite: (is_sender && is_open && leads && !is_busy && unsealed.is_some_and(|(_, own)| own == 0))
            .then(|| visit.at(&format!("/case/{}/people/invite", place.space))),
        enters: is_company && is_open && at.is_none() && given.by == own(&looked.safe.home.space),
        asks: at.is_some() && is_handed && given.answer.is_none() && (is_company || given.said.keeps_sender),
        withdraws: is_company && given.is_withdrawn && there.as_ref().is_some_and(|there| !there.is_withdrawn),
        names: unnamed.is_some()
            || inside.as_ref().zip(there.as_ref()).is_some_and(|(inside, there)| {
                let may = || there.check_naming(inside.opened(), &own(&place.space)).is_ok();
                is_company && !inside.safe.is_away() && may()
            }),
        inside: inside.as_ref().map(|_| visit.at(&format!("/case/{}/safe", place.space))),
    };
    let promised = unlocked.remembered::<Outcome<()>>(&remembered(&place.space)).filter(|_| given.answer.is_none());
    if let Some(Err(failure)) = promised.as_deref() {
        news.push(failure.told_in(language));
    }
    let handed = at.filter(|_| is_sender && is_open).and_then(|at| words_of(&at, given));
    let receiver = shown_bytes(given.said.receiver_name.as_bytes());
    visit.page(&StepsPage {
        f: visit
            .frame(t.one("handed-title", "receiver", receiver.clone()), "hizo hand-over status")
            .tab(t.say("tab-case")),
        here: visit.at(&place.here),
        case: visit.at(&format!("/case/{}", visit.param("case"))),
        consents: visit.at(&consents),
        about: about_shown(t, &given.said),
        pill: (tone(word), words.to(language).to_owned()),
        remark: remark(given),
        steps: steps_of(visit, given, (is_there, unsealed.is_some_and(|(all, _)| all == 0)), is_company, opened),
        words: handed.map(|words| shown::spoken(visit, &words)),
        receiver,
        findings,
        next,
        visit,
        unnamed: unnamed.map(|failure| visit.fault(failure)),
        suspects: there.filter(|_| is_company).map_or_else(Vec::new, |there| shown_suspects(&there)),
        is_sender,
        is_company,
        news,
    })
}

/// Whom the company has named, as it may stand on a page.
pub(super) fn shown_suspects(handover: &HandOver) -> Vec<(String, String)> {
    let shown = |Suspect { name, note }: &Suspect| (shown_bytes(name.as_bytes()), shown_bytes(note.as_bytes()));
    handover.suspects.iter().map(shown).collect()
}

fn steps_of(
    visit: &Visit,
    given: &Given,
    (is_there, is_sealed): (bool, bool),
    is_company: bool,
    opened: Option<ClaimedTime>,
) -> Vec<Step> {
    let t = visit.text();
    let step = |id: &str, is_done: bool, more: String| Step {
        name: t.say(id),
        tone: if is_done { "ok" } else { "info" },
        word: t.say(if is_done { "step-done" } else { "step-open" }),
        more,
    };
    let (is_handed, is_answered) = (given.handed.is_some(), given.answer.is_some());
    let opened = opened.map(|time| shown::moment(t, time.unix_seconds()));
    let at = |seconds: Option<u64>| seconds.map_or_else(String::new, |seconds| shown::moment(t, seconds));
    let mut steps = vec![step("step-consented", true, at(Some(given.at)))];
    steps.push(step("step-sealed", is_handed || is_sealed, String::new()));
    if is_company {
        steps.push(step("step-entered", is_there, String::new()));
    }
    steps.push(step("step-handed", is_handed, at(given.handed.as_ref().map(|handed| handed.at))));
    steps.push(step("step-opened", is_answered || opened.is_some(), opened.unwrap_or_default()));
    let answered = [at(given.answered_at), remark(given)].into_iter().filter(|said| !said.is_empty());
    steps.push(step("step-answered", is_answered, answered.collect::<Vec<_>>().join(" · ")));
    steps
}

/// The sender seals the items; the company looks for the answer.
pub(crate) fn act(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let Some(place) = Place::of(visit, unlocked)? else { return Ok(visit.go("/cases")) };
    let (space, here, home) = (place.space, place.here.clone(), place.home.clone());
    match visit.field("act") {
        "make" => {
            let title = words!("Sealing for the receiver", "渡す資料に封をしています");
            work::begin(visit, unlocked, title, move |unlocked, _| {
                let made = make(&unlocked.side(&home)?, &space.to_string(), &unlocked.handed_home(&space), None)?;
                let missing = made.missing;
                let notes = (missing > 0).then(|| {
                    words!(
                        "{missing} of the items you cannot open: the company seals them, once it has your invite.",
                        "開けられない資料が{missing}件あります。招待状を受け取った会社が封をします。"
                    )
                });
                Ok(Ended { go: here, notes: notes.into_iter().collect() })
            })
        }
        "look" => {
            let mut case = unlocked.side(&home)?;
            let there = unlocked.side(&unlocked.handed_home(&space))?;
            let answer = look(&case, &there)?.answer;
            if answer.is_none() {
                return Ok(visit.go(&format!("{here}?news=none")));
            }
            carry(&mut case, answer)??;
            Ok(visit.go(&here))
        }
        "suspect" => {
            let there = unlocked.side(&unlocked.handed_home(&space));
            match there.and_then(|mut there| suspect(&mut there, visit.field("name"), visit.field("note"))) {
                // It is told all the same.
                Ok(said) if said.promised.is_err() => Ok(visit.go(&format!("{here}?news=unpromised"))),
                Ok(_) => Ok(visit.go(&here)),
                Err(failure) => page(visit, unlocked, &place, Vec::new(), Some(&failure)),
            }
        }
        // It was said in the case, and something was in the way here.
        "withdraw" => {
            let mut there = unlocked.side(&unlocked.handed_home(&space))?;
            there.say(vec![Event::ConsentWithdrawn { space: space.to_string(), reason: String::new() }])?.promised?;
            Ok(visit.go(&here))
        }
        _ => Ok(visit.go(&here)),
    }
}

#[derive(Template)]
#[template(path = "handed-file.html")]
struct FilePage<'v> {
    f: Frame<'v>,
    back: String,
    here: String,
    lead: String,
    picker: Picker,
    fault: Option<String>,
}

#[derive(Template)]
#[template(path = "handed-admit.html")]
struct AdmitPage<'v> {
    f: Frame<'v>,
    back: String,
    here: String,
    file: String,
    receiver: String,
    name: String,
    organisation: Option<String>,
    about: String,
    stays: bool,
}

/// The file that the other one sent: the receiver's request for the sender, the sender's invite for the company.
pub(crate) fn choose(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let Some(place) = Place::of(visit, unlocked)? else { return Ok(visit.go("/cases")) };
    let is_company = is_company(&place.looked, unlocked);
    if visit.field("act") == "admit" {
        return let_in(visit, unlocked, &place, &picker::carried_in(visit, "request")?);
    }
    let fault = match picker::file(visit)? {
        None => None,
        Some(file) => {
            let used = match is_company {
                true => enter_by(visit, unlocked, &place, &file),
                false => ask(visit, unlocked, &place, &file),
            };
            match used {
                Ok(reply) => return Ok(reply),
                Err(failure) => Some(failure),
            }
        }
    };
    let (picker, unseen) = Picker::for_a_file(visit)?;
    let (title, lead, command) = match is_company {
        true => ("handed-enter-title", "handed-enter-lead", "hizo hand-over enter INVITE --to …"),
        false => ("handed-admit-title", "handed-admit-lead", "hizo hand-over admit REQUEST --at …"),
    };
    visit.page(&FilePage {
        f: visit.frame(visit.text().say(title), command),
        back: visit.at(&place.here),
        here: visit.at(&format!("{}/file", place.here)),
        lead: visit.text().say(lead),
        picker,
        fault: fault.or(unseen).map(|failure| failure.told_in(visit.language())),
    })
}

fn enter_by(visit: &Visit, unlocked: &Unlocked, place: &Place, file: &Path) -> Outcome<Reply> {
    let invite = home::read_invite(file)?;
    if invite.space != place.space {
        return Err(Failure::fixable(words!("that invite is for another hand-over", "別の引き渡しの招待状です")));
    }
    let entered = enter(&unlocked.side(&place.home)?, &invite, &unlocked.handed_home(&place.space))?;
    let news = if entered.missing == 0 { "entered" } else { "missing" };
    Ok(visit.go(&format!("{}?news={news}", place.here)))
}

/// Who asks, and what happens when he is let in.
fn ask(visit: &Visit, unlocked: &Unlocked, place: &Place, file: &Path) -> Outcome<Reply> {
    let language = visit.language();
    let side = unlocked.side(&unlocked.handed_home(&place.space))?;
    let fold = Consents::of(place.looked.opened())?;
    let Some(given) = place.given(&fold) else { return Ok(visit.go(&place.here)) };
    let Asking { name, organisation } = Asking::read(&side, given, file)?;
    visit.page(&AdmitPage {
        f: visit.frame(visit.text().say("handed-admit-title"), "hizo hand-over admit REQUEST --at …"),
        back: visit.at(&place.here),
        here: visit.at(&format!("{}/file", place.here)),
        file: picker::carried(file),
        receiver: shown_bytes(given.said.receiver_name.as_bytes()),
        name: shown_bytes(name.as_bytes()),
        organisation: organisation.map(|card| shown_organisation(&card).to(language).to_owned()),
        about: about_shown(visit.text(), &given.said),
        stays: given.said.keeps_sender,
    })
}

/// The words by which the receiver finishes joining, as far as this machine has followed the hand-over: its keeper does not answer a sender
/// who has left.
fn words_of(at: &Path, given: &Given) -> Option<Spoken> {
    let receiver = given.handed.as_ref()?.receiver;
    let safe = Safe::remembered(Home::open(at).ok()?).ok()?;
    safe.let_in_by(&receiver).map(|record| Spoken::of_head(&record.id()))
}

/// Under what is remembered what was wrong when he was let in all the same.
fn remembered(space: &SpaceId) -> String {
    format!("handed {space}")
}

fn let_in(visit: &Visit, unlocked: &Unlocked, place: &Place, file: &Path) -> Outcome<Reply> {
    let mut case = unlocked.side(&place.home)?;
    let mut side = unlocked.side(&unlocked.handed_home(&place.space))?;
    let Admitted { promised, .. } = admit(&mut case, &mut side, file)?;
    unlocked.remember_as(remembered(&place.space), promised);
    Ok(visit.go(&place.here))
}
