//! The pages of cases: what to do when something is wrong, and a case as both sides see it.

use std::path::Path;
use std::sync::Arc;

use askama::Template;
use hizo_ledger::id::SpaceId;
use hizo_ledger::record::Role;
use hizo_vault::event::Event;
use hizo_vault::event::case::{For, Found, Kind, NOTHING, Said, Standing, Step, Urgency, Way};

use super::clocks::{self, Calendar};
use super::command::say as say_in;
use super::keep::standing;
use super::keeping::{self, Countdown, Machine, Reminder, Source};
use super::matrix::{Known, matrix};
use super::next::{Beside, Next};
use super::open::{asked, formed};
use super::paper::{self, What};
use super::say::new_id;
use super::show::{kind_words, urgency_words};
use super::states::{CLOSED, CLOSING, Holder, Move, Rest, State};
use super::{Case, Present};
use crate::consents::Given;
use crate::desk::shown::Paging;
use crate::desk::{Frame, Looked, Reply, Text, Unlocked, Visit, shown};
use crate::entropy::random;
use crate::failure::{Failure, Kind as FailureKind, Outcome, shown_bytes};
use crate::features::init::init_beside;
use crate::keeper::unix_seconds;
use crate::parties::{self, Party};
use crate::there::There;
use crate::words::{Language, Words, words};
use crate::{founding, handover, home, newcomer, receipts, sides};

/// Reasons for moves, with how each is called.
const REASONS: [(&str, &str); 35] = [
    ("facts", "reason-facts"),
    ("declined", "reason-declined"),
    ("withdrawn", "reason-withdrawn"),
    ("elsewhere", "reason-elsewhere"),
    ("no-leak", "reason-no-leak"),
    ("support", "reason-support"),
    ("suspicion", "reason-suspicion"),
    ("preserved", "reason-preserved"),
    ("advised", "reason-advised"),
    ("quiet", "reason-quiet"),
    ("nothing-left", "reason-nothing-left"),
    ("former-employee", "reason-former-employee"),
    ("employee", "reason-employee"),
    ("partner", "reason-partner"),
    ("attack", "reason-attack"),
    ("approach", "reason-approach"),
    ("refused", "reason-refused"),
    ("consented", "reason-consented"),
    ("own-action", "reason-own-action"),
    ("rejected", "reason-rejected"),
    ("insufficient", "reason-insufficient"),
    ("accepted", "reason-accepted"),
    ("undetermined", "reason-undetermined"),
    ("no-attack", "reason-no-attack"),
    ("not-eligible", "reason-not-eligible"),
    ("damage", "reason-damage"),
    ("no-damage", "reason-no-damage"),
    ("notified", "reason-notified"),
    ("found", "reason-found"),
    ("not-found", "reason-not-found"),
    ("measures-agreed", "reason-measures-agreed"),
    ("reported", "reason-reported"),
    ("returned", "reason-returned"),
    ("direct", "reason-direct"),
    ("done", "reason-done"),
];

/// What a reason is called, for whoever writes in both languages.
pub(super) fn reason_words(reason: &str) -> Words {
    let known = REASONS.iter().find(|(word, _)| *word == reason);
    known.map_or_else(
        || Words::from(reason),
        |(_, id)| Words::both(Text(Language::English).say(id), Text(Language::Japanese).say(id)),
    )
}

fn reason_called(visit: &Visit, reason: &str) -> String {
    reason_words(reason).to(visit.language()).to_owned()
}

#[derive(Template)]
#[template(path = "wrong.html")]
struct WrongPage<'v> {
    f: Frame<'v>,
    /// Kinds of what may be wrong: the word, how it is called, whether it was chosen.
    kinds: Vec<(&'static str, String, bool)>,
    chosen: Option<Chosen>,
    out_of_hours: Option<String>,
    visit: &'v Visit,
    fault: Option<(String, Option<String>)>,
}

/// What to do and not to do now.
struct Chosen {
    kind: &'static str,
    do_nots: Vec<Group>,
    sources: Vec<(String, String)>,
    /// The safe is kept on this machine alone: the case begins at a keeper that is named.
    names_keeper: bool,
}

/// Something is wrong: what not to do, what to keep, and whom to ask.
pub(crate) fn wrong(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    wrong_page(visit, unlocked, None)
}

/// Somebody says what is wrong. The page comes by an address of its own, so that he can go back to it.
pub(crate) fn say_wrong(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    unlocked.say_wrong(Kind::from_word(visit.field("kind")).map_or("", Kind::word));
    Ok(visit.go("/wrong"))
}

fn wrong_page(visit: &Visit, unlocked: &Unlocked, fault: Option<Failure>) -> Outcome<Reply> {
    let (t, language) = (visit.text(), visit.language());
    let kind = Kind::from_word(&unlocked.wrong());
    let chosen = match kind {
        None => None,
        Some(kind) => Some(Chosen {
            kind: kind.word(),
            do_nots: groups(visit, kind),
            sources: keeping::SOURCES
                .iter()
                .filter(|source| source.kinds.contains(&kind))
                .map(|source| (source.words().to(language).to_owned(), t.one("wrong-days", "count", source.days)))
                .collect(),
            names_keeper: unlocked.home()?.address().is_none(),
        }),
    };
    let kinds = Kind::ALL.iter().map(|one| (one.word(), kind_words(*one).to(language).to_owned(), Some(*one) == kind));
    visit.page(&WrongPage {
        f: visit.frame(t.say("wrong-title"), "hizo case open --kind …"),
        kinds: kinds.collect(),
        chosen,
        out_of_hours: out_of_hours(t, unix_seconds()),
        visit,
        fault: fault.map(|failure| visit.fault(&failure)),
    })
}

/// What somebody is told who asks while nobody is there.
fn out_of_hours(t: Text, now: u64) -> Option<String> {
    let opens = Calendar::japan().closed_until(now)?;
    Some(t.one("case-out-of-hours", "time", shown::term(t, opens)))
}

/// Lines under a heading, if they need one.
struct Group {
    heading: Option<String>,
    lines: Vec<String>,
}

/// What nobody should do: what holds while the machine is how stands first, since it is what matters most.
fn groups(visit: &Visit, kind: Kind) -> Vec<Group> {
    let (t, language) = (visit.text(), visit.language());
    let groups: Vec<_> = keeping::do_nots_each(kind).collect();
    // Under one heading after another, what holds always would seem to hold there alone.
    let is_divided = groups.len() > 1;
    let groups = groups.into_iter().map(|(machine, lines)| Group {
        heading: is_divided.then(|| {
            t.say(match machine {
                Some(Machine::On) => "machine-on",
                Some(Machine::Off) => "machine-off",
                Some(Machine::Encrypting) => "machine-encrypting",
                None => "machine-any",
            })
        }),
        lines: lines.iter().map(|words| words.to(language).to_owned()).collect(),
    });
    groups.collect()
}

/// Begins a case at the keeper of the safe that is unlocked.
pub(crate) fn begin(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let kind = Kind::from_word(visit.field("kind"));
    let Some(kind) = kind else { return wrong(visit, unlocked) };
    let (title, said) = match asked(visit, kind, Way::Company, visit.text().tag()) {
        Ok(asked) => asked,
        Err(failure) => return wrong_page(visit, unlocked, Some(failure)),
    };
    let begun = match unlocked.home()?.address() {
        Some(_) => found(unlocked, &title, said),
        None => found_at(visit, unlocked, &title, said),
    };
    match begun {
        Ok(space) => Ok(visit.go(&format!("/case/{space}"))),
        Err(failure) => wrong_page(visit, unlocked, Some(failure)),
    }
}

/// The same at a keeper that is named, for a safe that is kept on this machine alone.
fn found_at(visit: &Visit, unlocked: &Unlocked, title: &str, said: Said) -> Outcome<SpaceId> {
    let address = visit.field("keeper").trim();
    if address.is_empty() {
        return Err(Failure::fixable(words!("nobody said where the case is kept", "相談の預け先が入力されていません"))
            .hint(words!(
                "The centre tells you the address on the telephone.",
                "アドレスは、窓口が電話で教えてくれます。"
            )));
    }
    let code = Some(visit.field("code").trim()).filter(|code| !code.is_empty());
    let (there, space) = (There::at(address, code.map(str::to_owned)), SpaceId::from_bytes(random()));
    let folder = unlocked.new_case_home(&space);
    let says = vec![Event::Case(Box::new(said))];
    let begun = init_beside(&unlocked.home()?, &unlocked.identity, &folder, (space, title), &there, says);
    if begun.is_err() && !home::identity_file(&folder).exists() {
        // Nothing was begun: no key lies there.
        let _ = std::fs::remove_dir_all(&folder);
    }
    begun?;
    let side = unlocked.side(&folder)?;
    receipts::answer(&side.safe, side.safe.home.genesis).holds()?;
    Ok(space)
}

/// Founds the space of a case, with a home beneath that of the safe that is unlocked.
pub(super) fn found(unlocked: &Unlocked, title: &str, said: Said) -> Outcome<SpaceId> {
    let space = SpaceId::from_bytes(random());
    let folder = unlocked.new_case_home(&space);
    let home =
        founding::beside(&unlocked.home()?, &unlocked.identity, &folder, (space, title), None, |mut founding| {
            founding.events.push(Event::Case(Box::new(said)));
            founding
        })?;
    let side = unlocked.side(home.folder())?;
    receipts::answer(&side.safe, side.safe.home.genesis).holds()?;
    Ok(space)
}

fn present(looked: &Looked, unlocked: &Unlocked) -> Outcome<Present> {
    handover::guard(&looked.safe, &looked.keyring, &unlocked.identity)?;
    Present::of(looked.opened())
}

struct CaseRow {
    to: String,
    title: String,
    kind: String,
    states: String,
    due: String,
    tone: &'static str,
}

#[derive(Template)]
#[template(path = "cases.html")]
struct CasesPage<'v> {
    f: Frame<'v>,
    lead: String,
    /// What he has asked to join and has not entered: its page, and the first digits of its id.
    asked: Vec<(String, String)>,
    rows: Vec<CaseRow>,
    notes: Vec<String>,
    paging: Paging,
}

/// What the list says of a case, in whatever language.
struct Listed {
    space: SpaceId,
    title: String,
    what: Listing,
    soonest: Option<u64>,
}

enum Listing {
    Case(Kind, Vec<&'static State>),
    /// What somebody has joined as a case and is none: another safe.
    Safe,
    /// The same, where what it is was said before he came.
    Closed,
}

/// What it says of a safe; nothing where that is no case and was not joined as one.
fn listed(looked: &Looked, unlocked: &Unlocked) -> Outcome<Option<Listed>> {
    let (present, space) = (present(looked, unlocked)?, looked.safe.home.space);
    if let Some(case) = present.fold.case {
        return Ok(Some(Listed {
            space,
            title: shown_bytes(case.title.as_bytes()),
            what: Listing::Case(case.kind, case.clocks().map(|(state, ..)| state).collect()),
            soonest: case.clocks().filter_map(|(_, _, due)| Some(due?.at)).min(),
        }));
    }
    if looked.safe.home.folder() != unlocked.new_case_home(&space) {
        return Ok(None);
    }
    let genesis = looked.safe.records.first();
    let can_tell = genesis.is_some_and(|genesis| looked.keyring.opens(genesis.envelope().epoch));
    let name = looked.view.name.as_ref().map(|name| shown_bytes(name.as_bytes()));
    Ok(Some(Listed {
        space,
        title: name.unwrap_or_else(|| digits(&space)),
        what: if can_tell { Listing::Safe } else { Listing::Closed },
        soonest: None,
    }))
}

/// What somebody has asked to join has no name for him yet: he knows it by when he asked.
fn asked_row(t: Text, unlocked: &Unlocked, space: &SpaceId) -> String {
    let asked = newcomer::asked_at(&unlocked.new_case_home(space));
    asked.map_or_else(|| digits(space), |at| t.one("cases-asked-row", "time", shown::moment(t, at)))
}

/// By which people tell one space from another that has no name to them yet.
fn digits(space: &SpaceId) -> String {
    space.to_string().get(..12).unwrap_or_default().to_owned()
}

/// All cases, what is due first.
pub(crate) fn cases(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let (t, language, now) = (visit.text(), visit.language(), unix_seconds());
    let glanced = unlocked.glance(&unlocked.homes()?, listed)?;
    let mut notes: Vec<String> =
        glanced.found.iter().filter_map(|found| Some((**found).as_ref().err()?.told_in(language))).collect();
    // What is wrong with many at once is said once.
    notes.sort();
    notes.dedup();
    if glanced.unknown > 0 {
        notes.push(t.one("cases-looking", "count", glanced.unknown));
    } else if glanced.is_older {
        notes.push(t.say("cases-older"));
    }
    let mut cases: Vec<&Listed> = glanced.found.iter().filter_map(|found| (**found).as_ref().ok()?.as_ref()).collect();
    cases.sort_by_key(|case| (case.soonest.unwrap_or(u64::MAX), case.space));
    let paging = Paging::of(visit, cases.len());
    let rows = paging.rows(cases.iter()).into_iter().map(|case| {
        let (to, kind, states) = match &case.what {
            Listing::Case(kind, states) => {
                let states: Vec<_> = states.iter().map(|state| state.words().to(language).to_owned()).collect();
                let states = states.join(if t.is_japanese() { "、" } else { ", " });
                ("", kind_words(*kind).to(language).to_owned(), states)
            }
            Listing::Safe => ("/safe", t.say("cases-safe"), t.say("cases-safe-says")),
            Listing::Closed => ("/safe", t.say("cases-safe"), t.say("cases-closed")),
        };
        CaseRow {
            to: visit.at(&format!("/case/{}{to}", case.space)),
            title: case.title.clone(),
            kind,
            states,
            due: case.soonest.map_or_else(|| t.say("case-no-clock"), |at| shown::term(t, at)),
            tone: match case.soonest {
                Some(at) if at < now => "bad",
                Some(_) => "wait",
                None => "info",
            },
        }
    });
    visit.page(&CasesPage {
        f: visit.frame(t.say("door-cases"), "hizo case list").waiting(glanced.unknown > 0),
        lead: {
            let is_case = |case: &&&Listed| matches!(case.what, Listing::Case(..));
            t.one("cases-lead", "count", cases.iter().filter(is_case).count())
        },
        asked: unlocked
            .asked_for()
            .iter()
            .map(|space| (visit.at(&format!("/cases/joined/{space}")), asked_row(t, unlocked, space)))
            .collect(),
        rows: rows.collect(),
        notes,
        paging,
    })
}

struct StateRow {
    name: String,
    holder: String,
    since: String,
    due: String,
    tone: &'static str,
    /// Where whoever looks may take it: the form's value, how it is called, reasons with how each is called.
    moves: Vec<MoveRow>,
}

struct MoveRow {
    from: String,
    to: &'static str,
    called: String,
    reasons: Vec<(&'static str, String)>,
    /// It rests on a hand-over, or a consent.
    needs: bool,
    /// Those on which it may: the value, and whose it is.
    rests: Vec<(String, String)>,
    /// It cannot be taken back: it is asked for twice.
    ends: bool,
}

/// Deposits of each series that can be named as what was kept: the newest.
const EVIDENCE_MAX: usize = 20;

struct TaskRow {
    id: String,
    text: String,
    who: String,
    due: String,
    done: bool,
}

/// A thing in custody, and in whose hands it was, the last ones first.
struct ThingRow {
    id: String,
    number: String,
    what: String,
    hands: Vec<(String, String)>,
}

struct SourceRow {
    word: &'static str,
    name: String,
    state: String,
    tone: &'static str,
    /// From when on its time runs, as somebody has said; and how many days it lives, as somebody has said or as it usually does.
    since: String,
    days: u64,
}

/// What stands first: what whoever looks does next.
struct NextCard {
    says: String,
    why: String,
    link: Option<(String, String)>,
    /// The form with which he does it, if that stands there and not in its own place.
    form: &'static str,
    task: Option<TaskRow>,
}

/// Notes, of which the newest are shown and the others are folded.
struct Notes {
    newest: Vec<(String, String)>,
    older: Vec<(String, String)>,
    older_says: String,
}

/// How many notes are shown before the others are folded.
const NOTES: usize = 4;

#[derive(Template)]
#[template(path = "case.html")]
struct CasePage<'v> {
    f: Frame<'v>,
    visit: &'v Visit,
    here: String,
    lead: String,
    urgent: Option<String>,
    out_of_hours: Option<String>,
    /// What he does next; nothing where he must not act.
    next: Option<NextCard>,
    /// The end comes next, and stands there too.
    is_summing: bool,
    /// The counsellor opened it for somebody, who does not have it yet, and something else comes first.
    to_give: bool,
    /// The part that is open: what was sent a moment ago stands there, or what was wrong with it.
    part: &'static str,
    fault: Option<(String, Option<String>)>,
    states: Vec<StateRow>,
    told: Notes,
    advice: Notes,
    tasks: Vec<TaskRow>,
    do_nots: Vec<Group>,
    /// Where traces may still be lost, and where that is settled.
    sources: Vec<SourceRow>,
    settled: Vec<SourceRow>,
    /// What is said of what is folded.
    sources_say: String,
    things_say: String,
    visits_say: String,
    matrix_says: String,
    papers_say: String,
    course: Vec<(String, String, String)>,
    course_says: String,
    /// Until when it is kept, and whether that was put off.
    kept_says: String,
    is_held: bool,
    things: Vec<ThingRow>,
    /// Where their tags are printed.
    tags: String,
    /// What whoever looks at the page has seen of the case: what he says on it rests on that.
    seen: String,
    seen_number: u64,
    /// The counsellor's organisation has helped the other side before.
    is_blocked: bool,
    matrix: Vec<(String, &'static str, String)>,
    /// Visits: what names each, when and where, what for, and whether it was made.
    visits: Vec<(String, String, String, bool)>,
    /// Searches for what is public: when and by whom, where and what came of it.
    searched: Vec<(String, String)>,
    found: [(&'static str, String); 2],
    /// Deposits of the case, for what was kept: id, and how it is called.
    evidence: Vec<(String, String)>,
    /// What the case is about, and how soon: for a counsellor to put right.
    kinds: Vec<(&'static str, String, bool)>,
    is_urgent: bool,
    /// Papers to print: where each is, and how it is called.
    papers: Vec<(String, String)>,
    is_open: bool,
    /// It was closed: what may be lost and what not to do is no news any more.
    is_over: bool,
    is_counsellor: bool,
    may_task: bool,
    /// What is read to the company that it was given to.
    given: Option<super::caller::GivenWords>,
    refused: usize,
}

impl CasePage<'_> {
    /// What went wrong in this part.
    fn fault_in(&self, part: &str) -> Option<&(String, Option<String>)> {
        self.fault.as_ref().filter(|_| self.part == part)
    }

    /// What was typed into a form that was not taken.
    fn typed(&self, act: &str, field: &str) -> &str {
        if self.fault.is_some() && self.visit.field("act") == act { self.visit.field(field) } else { "" }
    }

    /// Whether a form stands where what comes next is said.
    fn is_next(&self, form: &str) -> bool {
        self.next.as_ref().is_some_and(|next| next.form == form)
    }
}

/// The part of the page on which what was sent is seen.
fn part_of(act: &str) -> &'static str {
    match act {
        "tell" => "story",
        "advise" => "advice",
        "task" | "done" => "tasks",
        "visit" => "visits",
        "keep" => "keeping",
        "thing" => "things",
        "searched" => "matrix",
        "hold" => "course",
        "sorted" => "states",
        _ => "",
    }
}

/// One case.
pub(crate) fn case(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    if unlocked.received().iter().any(|space| space.to_string() == visit.param("case")) {
        return Ok(visit.go(&format!("/received/{}", visit.param("case"))));
    }
    let Some(home) = unlocked.home_of(visit.param("case"))? else { return Ok(visit.go("/cases")) };
    let looked = unlocked.look_at(&home)?;
    let present = present(&looked, unlocked)?;
    if present.fold.case.is_none() {
        return Ok(match home == unlocked.new_case_home(&looked.safe.home.space) {
            // Somebody joined it as a case, and it is another safe.
            true => visit.go(&format!("/case/{}/safe", visit.param("case"))),
            // The company's or the sender's side of a hand-over: its page is beneath the case.
            false => visit.go("/cases"),
        });
    }
    page(visit, unlocked, &looked, &present, &home, None)
}

/// A paper of it, as it stands now.
pub(crate) fn paper(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let (home, what) = (unlocked.home_of(visit.param("case"))?, What::from_word(visit.param("what")));
    let (Some(home), Some(what)) = (home, what) else { return Ok(visit.go("/cases")) };
    let looked = unlocked.look_at(&home)?;
    let present = present(&looked, unlocked)?;
    let consents = &present.consents.given;
    let given = consents.iter().find(|given| given.said.space == visit.param("consent"));
    let bytes = paper::print(what, looked.opened(), &present, given)?;
    Ok(Reply::File { kind: "application/pdf", bytes })
}

/// Whether somebody has opened this case for a company that does not have it yet.
pub(super) fn is_to_give(looked: &Looked, unlocked: &Unlocked) -> bool {
    let seed = &unlocked.identity.signing_seed;
    let own = seed.space_key(&looked.safe.home.space).verifying_key();
    looked.safe.chain.role(&own) == Some(Role::Admin)
        && parties::is_opened_for_another(looked.opened(), &seed.identity_key().verifying_key())
}

fn page(
    visit: &Visit,
    unlocked: &Unlocked,
    looked: &Looked,
    present: &Present,
    home: &Path,
    fault: Option<&Failure>,
) -> Outcome<Reply> {
    let (t, language, now) = (visit.text(), visit.language(), unix_seconds());
    let case = present.case(looked.opened())?;
    let here = visit.at(&format!("/case/{}", looked.safe.home.space));
    let say = |words: Words| words.to(language).to_owned();
    let by = |entry: &super::Entry| by(visit, entry);
    let notes = |of: Vec<(&super::Entry, String, String)>| notes(visit, of);
    let told = case.told.iter().rev().map(|told| {
        let said = [shown::day_said(t, &told.happened), shown_bytes(told.teller.as_bytes())];
        let said = said.into_iter().rev().filter(|text| !text.is_empty());
        let head: Vec<_> = [by(&told.entry)].into_iter().chain(said).collect();
        (&told.entry, head.join(" · "), shown_bytes_kept(&told.text))
    });
    let advice = case.advice.iter().rev().map(|(entry, text)| (entry, by(entry), shown_bytes_kept(text)));
    let deposits = looked.view.series.values().flat_map(|series| &series.deposits);
    let deposits = deposits.map(|deposit| (deposit.id.to_string(), deposit.labels.clone())).collect();
    let both = |(english, japanese): (&str, &str)| say(Words::both(english.to_owned(), japanese.to_owned()));
    let rows: Vec<_> = matrix(case, &deposits)
        .into_iter()
        .map(|row| match row.known {
            Known::Yes => (both(row.element), "ok", t.say("matrix-known")),
            Known::No => (both(row.element), "bad", both(row.gap)),
            Known::NotHere => (both(row.element), "info", t.say("matrix-not-here")),
        })
        .collect();
    let sides = match (present.own, sides::own_safe(&looked.safe.home)?) {
        (Some(Party::Counsellor), Some(own)) => match unlocked.look_at(&own) {
            Ok(own) => Some(own.view.compared.standing(&looked.safe.home.space)),
            Err(failure) if failure.kind == FailureKind::Lying => return Err(failure),
            Err(_) => Some(sides::Standing::Unknown),
        },
        _ => None,
    };
    let is_blocked = sides == Some(sides::Standing::Blocked);
    let states: Vec<_> = case
        .clocks()
        .map(|clock| {
            let mut row = state_row(visit, case, present, clock, now);
            row.moves.retain(|next| next.ends || !is_blocked);
            row
        })
        .collect();
    let beside = Beside {
        sides,
        is_to_give: is_to_give(looked, unlocked),
        has_evidence: looked.view.series.values().any(|of| !of.deposits.is_empty()),
        may_move: states
            .iter()
            .flat_map(|row| &row.moves)
            .any(|next| !(next.ends || next.needs && next.rests.is_empty())),
        now,
    };
    // What is gone first stands first.
    let mut sources: Vec<_> = keeping::countdowns(case, now).collect();
    sources.sort_by_key(|one| one.until.unwrap_or(u64::MAX));
    let (open, settled): (Vec<_>, Vec<_>) = sources.iter().partition(|one| one.until.is_some());
    let counted = |count: usize, last: Option<u64>| counted(t, count, last);
    let first_gone = open.first().and_then(|one| one.until).map(|until| shown::moment(t, until));
    let you = present.own.map_or_else(String::new, |own| t.one("case-you", "who", say(own.words())));
    let missing = rows.iter().filter(|(_, tone, _)| *tone == "bad").count();
    let papers = papers(visit, looked, present);
    let planned = case.visits.iter().filter(|visit| !visit.made).map(|visit| &visit.on).min();
    let next = Next::of(case, present, &beside);
    visit.page_with(
        fault,
        &CasePage {
            f: visit
                .frame(
                    shown_bytes(case.title.as_bytes()),
                    shown::command(["hizo", "--home", &crate::failure::shown(home), "case", "show"]),
                )
                .tab(t.say("tab-case")),
            visit,
            lead: [say(kind_words(case.kind)), you]
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join(" · "),
            urgent: (case.urgency == Urgency::Emergency).then(|| say(urgency_words(case.urgency))),
            out_of_hours: out_of_hours(t, now).filter(|_| case.closed.is_none()),
            next: next_card(visit, &here, case, &states, next),
            is_summing: matches!(next, Next::SumUp),
            to_give: beside.is_to_give && case.closed.is_none() && !matches!(next, Next::Give),
            part: part_of(if fault.is_some() { visit.field("act") } else { visit.param("did") }),
            fault: fault.map(|failure| visit.fault(failure)),
            told: notes(told.collect()),
            advice: notes(advice.collect()),
            tasks: case.tasks.iter().map(|task| task_row(t, task)).collect(),
            do_nots: groups(visit, case.kind),
            seen: looked.safe.chain.head().id.to_string(),
            seen_number: looked.safe.chain.head().number,
            is_blocked,
            things_say: counted(
                case.things.len(),
                case.things.iter().flat_map(|thing| &thing.hands).map(|hand| hand.entry.time).max(),
            ),
            things: things(visit, case),
            tags: visit.at(&format!("/case/{}/paper/{}", looked.safe.home.space, What::Tag.word())),
            sources_say: match first_gone {
                Some(first) => t.two("keeping-says", "count", open.len(), "time", first),
                None => t.say("keeping-settled"),
            },
            sources: open.iter().map(|one| source_row(visit, one)).collect(),
            settled: settled.iter().map(|one| source_row(visit, one)).collect(),
            matrix_says: t.two("matrix-says", "all", rows.len(), "count", missing),
            matrix: rows,
            visits_say: match planned {
                Some(on) => t.one("visits-next", "day", shown::day_said(t, on)),
                None => counted(case.visits.len(), case.visits.iter().map(|visit| visit.entry.time).max()),
            },
            visits: case
                .visits
                .iter()
                .map(|visit| {
                    let where_and_when =
                        [shown::day_said(t, &visit.on), shown_bytes(visit.place.as_bytes())].join(" · ");
                    (visit.id.clone(), where_and_when, shown_bytes(visit.note.as_bytes()), visit.made)
                })
                .collect(),
            searched: searched(visit, case),
            found: [(Found::Nothing, "searched-nothing"), (Found::Something, "searched-something")]
                .map(|(found, id)| (found.word(), t.say(id))),
            evidence: looked
                .view
                .series
                .iter()
                .flat_map(|(series, of)| of.deposits.iter().rev().take(EVIDENCE_MAX).map(|deposit| (*series, deposit)))
                .map(|(series, deposit)| (deposit.id.to_string(), looked.called(t, series, deposit)))
                .collect(),
            kinds: Kind::ALL.iter().map(|one| (one.word(), say(kind_words(*one)), *one == case.kind)).collect(),
            is_urgent: case.urgency == Urgency::Emergency,
            papers_say: t.one("papers-count", "count", papers.len()),
            papers,
            course_says: counted(case.steps.len(), case.steps.last().map(|taken| taken.entry.time)),
            course: course(visit, case),
            kept_says: kept_says(visit, case),
            is_held: case.hold.as_ref().is_some_and(|(_, on, _)| *on),
            is_open: case.closed.is_none() && !is_blocked,
            is_over: case.closed.is_some(),
            is_counsellor: present.own == Some(Party::Counsellor),
            may_task: matches!(present.own, Some(Party::Company | Party::Counsellor)),
            given: super::caller::words(visit, unlocked, looked)?,
            refused: present.fold.refused.len(),
            states,
            here,
        },
    )
}

/// For whom somebody said something, and when.
fn by(visit: &Visit, entry: &super::Entry) -> String {
    let t = visit.text();
    let party = entry.party.map_or_else(String::new, |party| party.words().to(visit.language()).to_owned());
    t.two("case-said-by", "who", party, "time", shown::moment(t, entry.time))
}

/// How many there are, and when the last one came.
fn counted(t: Text, count: usize, last: Option<u64>) -> String {
    match last {
        Some(last) => t.two("folded-says", "count", count, "time", shown::moment(t, last)),
        None => t.say("folded-none"),
    }
}

/// Notes with the newest first.
fn notes(visit: &Visit, mut of: Vec<(&super::Entry, String, String)>) -> Notes {
    let older = of.split_off(of.len().min(NOTES));
    let older_says = counted(visit.text(), older.len(), older.first().map(|(entry, ..)| entry.time));
    let shown = |of: Vec<(&super::Entry, String, String)>| of.into_iter().map(|(_, head, text)| (head, text)).collect();
    Notes { newest: shown(of), older: shown(older), older_says }
}

fn task_row(t: Text, task: &super::Task) -> TaskRow {
    TaskRow {
        id: task.id.clone(),
        text: shown_bytes(task.text.as_bytes()),
        who: t.say(if task.who == For::Company { "party-company" } else { "party-counsellor" }),
        due: match task.due.as_str() {
            "" => String::new(),
            due => t.one("task-by", "day", shown::day_said(t, due)),
        },
        done: task.done,
    }
}

fn things(visit: &Visit, case: &Case) -> Vec<ThingRow> {
    let hand = |hand: &super::Hand| {
        let said = [&hand.holder, &hand.place, &hand.witness, &hand.note].map(|text| shown_bytes(text.as_bytes()));
        let said: Vec<_> = said.into_iter().filter(|text| !text.is_empty()).collect();
        (by(visit, &hand.entry), said.join(" · "))
    };
    let row = |thing: &super::Thing| ThingRow {
        id: thing.id.clone(),
        number: paper::number(&thing.id),
        what: shown_bytes(thing.what.as_bytes()),
        hands: thing.hands.iter().rev().map(hand).collect(),
    };
    case.things.iter().map(row).collect()
}

fn searched(visit: &Visit, case: &Case) -> Vec<(String, String)> {
    let t = visit.text();
    let row = |searched: &super::Searched| {
        let found = t.say(if searched.found == Found::Nothing { "searched-nothing" } else { "searched-something" });
        let said = [&searched.place, &searched.note].map(|text| shown_bytes(text.as_bytes()));
        let said = [found, shown::day_said(t, &searched.on)].into_iter().chain(said).filter(|text| !text.is_empty());
        (by(visit, &searched.entry), said.collect::<Vec<_>>().join(" · "))
    };
    case.searched.iter().rev().map(row).collect()
}

/// How the case came to where it is, the last step first: when and by whom, from where to where, and why.
fn course(visit: &Visit, case: &Case) -> Vec<(String, String, String)> {
    let called =
        |word: &str| State::of(word).map_or_else(String::new, |state| state.words().to(visit.language()).to_owned());
    let row = |taken: &super::Taken| {
        let way = visit.text().two("course-step", "from", called(&taken.step.from), "to", called(taken.to));
        let note = shown_bytes(taken.step.note.as_bytes());
        let why = [reason_called(visit, &taken.step.reason), note].into_iter().filter(|text| !text.is_empty());
        (by(visit, &taken.entry), way, why.collect::<Vec<_>>().join(" · "))
    };
    case.steps.iter().rev().map(row).collect()
}

/// Until when the case is kept.
fn kept_says(visit: &Visit, case: &Case) -> String {
    let t = visit.text();
    match (&case.hold, case.kept_until()) {
        (Some((entry, true, note)), _) => {
            let note = shown_bytes(note.as_bytes());
            let since = t.one("hold-since", "time", shown::moment(t, entry.time));
            [since, note].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" · ")
        }
        (_, Some(until)) => t.one("hold-until", "time", shown::moment(t, until)),
        (_, None) => t.say("hold-usual"),
    }
}

/// What comes next, in words, with what it is done by.
fn next_card(visit: &Visit, here: &str, case: &Case, states: &[StateRow], next: Next) -> Option<NextCard> {
    let t = visit.text();
    let card = |says: String, why: &str, link: Option<(String, &str)>, form: &'static str| {
        let (why, link) = (t.say(why), link.map(|(to, called)| (to, t.say(called))));
        Some(NextCard { says, why, link, form, task: None })
    };
    let to = |path: &str| format!("{here}{path}");
    let receiver = |given: &Given| shown_bytes(given.said.receiver_name.as_bytes());
    let handed = |given: &Given| to(&format!("/handed/{}", given.said.space));
    match next {
        // That is said louder, above.
        Next::Turn => None,
        Next::Compare => card(t.say("sides-unknown"), "sides-lead", Some((to("/sides"), "sides-title")), ""),
        Next::Give => card(t.say("next-give"), "give-note", Some((to("/give"), "give-title")), ""),
        Next::Tell => card(t.say("next-tell"), "next-tell-says", None, "tell"),
        Next::Invite => {
            card(t.say("next-invite"), "case-untold-says", Some((to("/people/invite"), "case-invite")), "invite")
        }
        Next::Keep(source, until) => {
            let name = Source::of(source).map_or_else(String::new, |one| one.words().to(visit.language()).to_owned());
            let says = t.two("next-keep", "source", name, "time", shown::moment(t, until));
            card(says, "next-keep-says", Some((to("#keeping"), "next-keep-go")), "")
        }
        Next::Lay => card(t.say("next-lay"), "next-lay-says", Some((to("/safe"), "next-lay-go")), ""),
        Next::Consent => {
            card(t.say("next-consent"), "next-consent-says", Some((to("/consent"), "next-consent-go")), "")
        }
        Next::Seal(given) => {
            let says = t.one("next-seal", "receiver", receiver(given));
            card(says, "next-seal-says", Some((handed(given), "next-seal-go")), "")
        }
        Next::Answer(given) => {
            let says = t.one("next-answer", "receiver", receiver(given));
            card(says, "next-answer-says", Some((handed(given), "next-answer-go")), "")
        }
        Next::Late(given) => {
            let says = t.one("next-late", "receiver", receiver(given));
            card(says, "next-late-says", Some((handed(given), "next-answer-go")), "")
        }
        Next::Task(task) => {
            let mut card = card(shown_bytes(task.text.as_bytes()), "next-task-says", None, "task")?;
            card.task = Some(task_row(t, task));
            Some(card)
        }
        Next::Advise => card(t.say("next-advise"), "next-advise-says", None, "advise"),
        Next::Move => card(t.say("next-move"), "next-move-says", None, "moves"),
        Next::SumUp => card(t.say("next-sum"), "next-sum-says", None, "moves"),
        Next::Wait => {
            let mut holders: Vec<_> = states.iter().map(|state| state.holder.clone()).collect();
            holders.dedup();
            let holders = holders.join(if t.is_japanese() { "、" } else { ", " });
            card(t.one("next-wait", "who", holders), "next-wait-says", None, "")
        }
        Next::Over => {
            let at = case.closed.as_ref().map_or_else(String::new, |(entry, _)| shown::moment(t, entry.time));
            card(t.one("next-over", "time", at), "next-over-says", None, "")
        }
    }
}

/// The papers of a case: each of them, and the consent form of every consent that was given.
fn papers(visit: &Visit, looked: &Looked, present: &Present) -> Vec<(String, String)> {
    let at = |what: What| visit.at(&format!("/case/{}/paper/{}", looked.safe.home.space, what.word()));
    let mut papers: Vec<_> =
        What::ALL.iter().map(|what| (at(*what), what.words().to(visit.language()).to_owned())).collect();
    papers.extend(present.consents.given.iter().map(|given| {
        let (consent, receiver) = (What::Consent, shown_bytes(given.said.receiver_name.as_bytes()));
        let called = visit.text().two(
            "paper-of",
            "paper",
            consent.words().to(visit.language()).to_owned(),
            "receiver",
            receiver,
        );
        (format!("{}?consent={}", at(consent), given.said.space), called)
    }));
    papers
}

/// A text of several lines, each shown as one line is.
fn shown_bytes_kept(text: &str) -> String {
    text.lines().map(|line| shown_bytes(line.as_bytes())).collect::<Vec<_>>().join("\n")
}

fn state_row(
    visit: &Visit,
    case: &Case,
    present: &Present,
    (state, entry, due): (&State, &super::Entry, Option<clocks::Due>),
    now: u64,
) -> StateRow {
    let (t, language, own) = (visit.text(), visit.language(), present.own);
    // No clock runs for somebody who was told nothing.
    let is_untold = state.holder == Holder::Counsellor && !present.has_counsellor;
    let due = due.filter(|_| !is_untold);
    let moves = Move::out_of(state.word).filter_map(|row| {
        let reasons: Vec<_> = row
            .reasons
            .iter()
            .filter(|reason| own.is_some_and(|own| case.may_go(own, state.word, row.to, reason).is_ok()))
            .map(|reason| (*reason, reason_called(visit, reason)))
            .collect();
        let called = State::of(row.to)?.words().to(language).to_owned();
        let needs = row.rests != Rest::Nothing;
        let fitting = present.consents.given.iter().rev().filter(|given| needs && super::stands(given, row.rests, now));
        let rests = fitting.map(|given| {
            let number = given.said.space.get(..8).unwrap_or_default();
            (given.said.space.clone(), format!("{} ({number})", shown_bytes(given.said.receiver_name.as_bytes())))
        });
        let ends = row.to == CLOSED || row.to == CLOSING;
        (!reasons.is_empty()).then(|| MoveRow {
            from: state.word.to_owned(),
            to: row.to,
            called,
            reasons,
            needs,
            rests: rests.collect(),
            ends,
        })
    });
    StateRow {
        name: state.words().to(language).to_owned(),
        holder: state.holder.words().to(language).to_owned(),
        since: shown::moment(t, entry.time),
        due: match due {
            Some(due) => shown::term(t, due.at),
            None if is_untold => t.say("case-untold"),
            None => t.say("case-no-clock"),
        },
        tone: match due {
            Some(due) if due.at < now => "bad",
            Some(_) => "wait",
            None if is_untold => "bad",
            None => "info",
        },
        moves: moves.collect(),
    }
}

fn source_row(visit: &Visit, one: &Countdown) -> SourceRow {
    let (t, language) = (visit.text(), visit.language());
    let (state, tone) = match (one.until, one.said) {
        (Some(until), _) => {
            let (id, tone) = match one.reminder {
                Reminder::None => ("source-until", "info"),
                Reminder::Half => ("source-half", "wait"),
                Reminder::Urgent => ("source-urgent", "bad"),
                Reminder::Over => ("source-over", "bad"),
            };
            (t.one(id, "time", shown::moment(t, until)), tone)
        }
        (None, Some(said)) => {
            (standing(said.state).to(language).to_owned(), if said.state == Standing::Kept { "ok" } else { "info" })
        }
        (None, None) => (String::new(), "info"),
    };
    SourceRow {
        word: one.source.word,
        name: one.source.words().to(language).to_owned(),
        state,
        tone,
        since: one.said.and_then(|said| said.since.get(..10)).unwrap_or_default().to_owned(),
        days: one.said.map(|said| said.days).filter(|days| *days > 0).unwrap_or(one.source.days),
    }
}

/// Something is said in a case.
pub(crate) fn say(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let Some(home) = unlocked.home_of(visit.param("case"))? else { return Ok(visit.go("/cases")) };
    let mut side = unlocked.side(&home)?;
    handover::guard(&side.safe, &side.keyring, &side.identity)?;
    let present = Present::of(side.opened())?;
    let said = meant(visit, present.case(side.opened())?).and_then(formed);
    match said.and_then(|said| say_in(&mut side, present, vec![said])) {
        Ok(appended) => appended.promised?,
        // It is mended where it was typed.
        Err(failure) if matches!(failure.kind, FailureKind::Fixable | FailureKind::Usage) => {
            let looked = unlocked.look_at(&home)?;
            let present = self::present(&looked, unlocked)?;
            return page(visit, unlocked, &looked, &present, &home, Some(&failure));
        }
        Err(failure) => return Err(failure),
    }
    let (act, case) = (visit.field("act"), visit.param("case"));
    Ok(visit.go(&match part_of(act) {
        // Where the case is now stands first.
        "" => format!("/case/{case}"),
        part => format!("/case/{case}?did={act}#{part}"),
    }))
}

/// What a form means.
fn meant(visit: &Visit, case: &Case) -> Outcome<Said> {
    let text = visit.field("text").trim().to_owned();
    let task = || case.tasks.iter().find(|task| task.id == visit.field("task"));
    let now = crate::safe::now()?.as_str().to_owned();
    Ok(match visit.field("act") {
        "tell" => Said::Told {
            text,
            happened: visit.field("happened").trim().to_owned(),
            written: now,
            teller: visit.field("teller").trim().to_owned(),
        },
        "advise" => Said::Advice { text },
        "task" => Said::Task {
            id: new_id(),
            text,
            who: For::from_word(visit.field("who")).unwrap_or(For::Company),
            due: visit.field("due").trim().to_owned(),
            done: false,
        },
        "done" => {
            let task = task().ok_or_else(unknown)?;
            let (id, text, due) = (task.id.clone(), task.text.clone(), task.due.clone());
            Said::Task { id, text, who: task.who, due, done: true }
        }
        "visit" => {
            let field = |name: &str| visit.field(name).trim().to_owned();
            match case.visits.iter().find(|known| known.id == visit.field("visit")) {
                Some(known) => {
                    let [id, on, place, note] = [&known.id, &known.on, &known.place, &known.note].map(Clone::clone);
                    Said::Visit { id, on, place, note, made: true }
                }
                None if visit.has("visit") => return Err(unknown()),
                None => Said::Visit { id: new_id(), on: field("on"), place: field("place"), note: text, made: false },
            }
        }
        "searched" => {
            let [on, place] = ["on", "place"].map(|name| visit.field(name).trim().to_owned());
            let found = Found::from_word(visit.field("found")).ok_or_else(unknown)?;
            Said::Searched { on, place, found, note: text }
        }
        "sorted" => {
            let urgency = if visit.has("urgent") { Urgency::Emergency } else { Urgency::Normal };
            Said::Sorted { kind: Kind::from_word(visit.field("kind")).ok_or_else(unknown)?, urgency }
        }
        "thing" => {
            let known = case.things.iter().find(|thing| thing.id == visit.field("thing"));
            if known.is_none() && visit.has("thing") {
                return Err(unknown());
            }
            let field = |name: &str| visit.field(name).trim().to_owned();
            Said::Thing {
                id: known.map_or_else(new_id, |thing| thing.id.clone()),
                what: known.map_or_else(|| field("what"), |thing| thing.what.clone()),
                holder: field("holder"),
                place: field("place"),
                witness: field("witness"),
                note: text,
            }
        }
        "keep" => {
            let state = Standing::from_word(visit.field("state")).ok_or_else(unknown)?;
            let source = visit.field("source").to_owned();
            Source::of(&source).ok_or_else(unknown)?;
            let deposit = visit.field("deposit").to_owned();
            let since = visit.field("since").trim().to_owned();
            // Nothing typed: as long as it usually lives.
            let days = match visit.field("days").trim() {
                "" => 0,
                days => days.parse().map_err(|_| days_unknown())?,
            };
            Said::Kept { source, state, since, days, deposit, note: text }
        }
        "hold" => Said::Hold { on: visit.has("on"), note: text },
        "move" => {
            let is_sure = visit.has("sure") || !matches!(visit.field("to"), CLOSED | CLOSING);
            let seen_number = visit.field("seen_number").parse().ok().filter(|_| is_sure).ok_or_else(unknown)?;
            let step = Step {
                from: visit.field("from").to_owned(),
                reason: visit.field("reason").to_owned(),
                note: text,
                seen: visit.field("seen").to_owned(),
                seen_number,
            };
            match visit.field("to") {
                CLOSED => Said::Closed { step },
                to => {
                    let rests_on = if visit.has("rests_on") { visit.field("rests_on") } else { NOTHING };
                    Said::Moved { step, to: to.to_owned(), rests_on: rests_on.to_owned() }
                }
            }
        }
        _ => return Err(unknown()),
    })
}

fn unknown() -> Failure {
    Failure::fixable(words!("this form is of another page", "別の画面の入力です"))
        .hint(words!("Open the page anew.", "画面を開き直してください。"))
}

fn days_unknown() -> Failure {
    Failure::fixable(words!("this is no number of days", "日数を数字で入力してください"))
        .hint(words!("Type it in figures, for example 90.", "「90」のように数字だけで入力してください。"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::case::states::MOVES;

    #[test]
    fn every_reason_has_a_name() {
        for reason in MOVES.iter().flat_map(|row| row.reasons) {
            assert!(REASONS.iter().any(|(word, _)| word == reason), "{reason}");
        }
    }
}
