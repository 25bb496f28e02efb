//! A case: what a company and its counsellor say to each other, and how far it has come. The fold of what was said decides; a command only
//! adds to it. See docs/spec/case.md.

pub(crate) mod caller;
pub(crate) mod card;
mod clocks;
pub(crate) mod command;
mod give;
mod keep;
pub(crate) mod keeping;
mod list;
mod matrix;
mod next;
mod open;
pub(crate) mod page;
mod paper;
mod say;
mod show;
pub(crate) mod sides;
pub(crate) mod states;
mod step;
#[cfg(test)]
mod tests;
mod thing;

use std::collections::BTreeMap;

use hizo_ledger::id::RecordId;
use hizo_ledger::record::{ClaimedTime, Record};
use hizo_vault::event::Event;
use hizo_vault::event::case::{For, Found, Kind, NOTHING, Said, Standing, Step, Urgency, Way};
use hizo_vault::event::handover::Verdict;

use self::clocks::{Calendar, Due, Promise};
use self::states::{CLOSED, CLOSING, INTAKE, Move, REFERRAL_SENT, Rest, State};
use crate::consents::{Consents, Given};
use crate::contents::Opened;
use crate::failure::{Failure, Outcome};
use crate::parties::{Parties, Party, opener};
use crate::words::{Words, words};

/// Why something that was said does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("whoever said it is no party of this case")]
    Stranger,
    #[error("the case had not begun")]
    Unopened,
    #[error("the case had begun before")]
    Opened,
    #[error("this party may not say it")]
    Party,
    #[error("the case was not in the state that is left")]
    From,
    #[error("this state does not follow that one")]
    Move,
    #[error("this is no reason for that move")]
    Reason,
    #[error("what it rests on is not there")]
    Rests,
    #[error("the case is there already")]
    Holds,
    #[error("what its actor saw is no record of this case before it")]
    Seen,
    #[error("this tag is on another thing")]
    Tag,
    #[error("the case was closed")]
    Closed,
}

/// The record in which something was said, and by whom.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub record: u64,
    /// In seconds since 1970, as the machine claims.
    pub time: u64,
    /// Nothing where it is nobody who speaks in a case.
    pub party: Option<Party>,
    /// What whoever signed is called.
    pub name: String,
}

/// What the fold has to ask of the space.
pub(crate) trait Surroundings {
    /// Whether the record of this number has this id.
    fn is_record(&self, number: u64, id: &str) -> bool;
    /// Whether what a move rests on is there.
    fn rests(&self, on: Rest, handover: &str, time: u64) -> bool;
}

/// A case as far as it has come.
#[derive(Debug)]
pub(crate) struct Case {
    pub opened: Entry,
    pub kind: Kind,
    pub urgency: Urgency,
    pub way: Way,
    pub language: String,
    pub title: String,
    /// The states that hold, each since when.
    pub states: BTreeMap<&'static str, Entry>,
    pub steps: Vec<Taken>,
    pub told: Vec<Told>,
    pub advice: Vec<(Entry, String)>,
    pub visits: Vec<Visit>,
    pub tasks: Vec<Task>,
    /// Whether it has to be kept longer than its time, and what was said of that last.
    pub hold: Option<(Entry, bool, String)>,
    pub kept: BTreeMap<String, Kept>,
    pub things: Vec<Thing>,
    pub searched: Vec<Searched>,
    pub closed: Option<(Entry, String)>,
    /// When anybody last said something that counts.
    pub last: u64,
}

/// A move that counts.
#[derive(Debug)]
pub(crate) struct Taken {
    pub entry: Entry,
    pub step: Step,
    pub to: &'static str,
    pub rests_on: String,
}

#[derive(Debug)]
pub(crate) struct Told {
    pub entry: Entry,
    pub text: String,
    pub happened: String,
    pub written: String,
    pub teller: String,
}

#[derive(Debug)]
pub(crate) struct Visit {
    pub entry: Entry,
    pub id: String,
    pub on: String,
    pub place: String,
    pub note: String,
    pub made: bool,
}

#[derive(Debug)]
pub(crate) struct Task {
    pub entry: Entry,
    pub id: String,
    pub text: String,
    pub who: For,
    pub due: String,
    pub done: bool,
}

#[derive(Debug)]
pub(crate) struct Kept {
    pub entry: Entry,
    pub state: Standing,
    pub since: String,
    pub days: u64,
    pub deposit: String,
    pub note: String,
}

/// A laptop, a disk: whatever is no file.
#[derive(Debug)]
pub(crate) struct Thing {
    pub id: String,
    pub what: String,
    /// In whose hands it was, from the first to the last.
    pub hands: Vec<Hand>,
}

#[derive(Debug)]
pub(crate) struct Hand {
    pub entry: Entry,
    pub holder: String,
    pub place: String,
    pub witness: String,
    pub note: String,
}

#[derive(Debug)]
pub(crate) struct Searched {
    pub entry: Entry,
    pub on: String,
    pub place: String,
    pub found: Found,
    pub note: String,
}

/// The fold: a case once it has begun, and what does not count.
#[derive(Debug, Default)]
pub(crate) struct Fold {
    pub case: Option<Case>,
    pub refused: Vec<(Entry, Refusal)>,
}

impl Fold {
    /// Takes the next thing that is said.
    pub(crate) fn take(&mut self, entry: Entry, said: &Said, around: &impl Surroundings) {
        let (record, time) = (entry.clone(), entry.time);
        match self.judge(entry, said, around) {
            Ok(()) => {
                if let Some(case) = &mut self.case {
                    case.last = case.last.max(time);
                }
            }
            Err(refusal) => self.refused.push((record, refusal)),
        }
    }

    fn judge(&mut self, entry: Entry, said: &Said, around: &impl Surroundings) -> Result<(), Refusal> {
        let party = entry.party.ok_or(Refusal::Stranger)?;
        let Some(case) = &mut self.case else {
            self.case = Some(Case::begin(entry, said)?);
            return Ok(());
        };
        let may = |allowed: &[Party]| if allowed.contains(&party) { Ok(()) } else { Err(Refusal::Party) };
        match said {
            Said::Opened { .. } => return Err(Refusal::Opened),
            Said::Sorted { kind, urgency } => {
                may(&[Party::Counsellor])?;
                case.must_be_open()?;
                (case.kind, case.urgency) = (*kind, *urgency);
            }
            Said::Told { text, happened, written, teller } => {
                let [text, happened, written, teller] = [text, happened, written, teller].map(Clone::clone);
                case.told.push(Told { entry, text, happened, written, teller });
            }
            Said::Moved { step, to, rests_on } => case.go(entry, party, (step, to, rests_on), around)?,
            Said::Closed { step } => case.go(entry, party, (step, CLOSED, NOTHING), around)?,
            Said::Hold { on, note } => {
                may(&[Party::Company, Party::Counsellor])?;
                case.hold = Some((entry, *on, note.clone()));
            }
            Said::Advice { text } => {
                may(&[Party::Counsellor])?;
                case.advice.push((entry, text.clone()));
            }
            Said::Visit { id, on, place, note, made } => {
                may(&[Party::Company, Party::Counsellor])?;
                let [on, place, note] = [on, place, note].map(Clone::clone);
                let visit = Visit { entry, id: id.clone(), on, place, note, made: *made };
                put(&mut case.visits, visit, |visit| &visit.id);
            }
            Said::Task { id, text, who, due, done } => {
                let before = case.tasks.iter().find(|task| task.id == *id);
                // Staff say that what somebody else asked for is done.
                let is_known = before.is_some_and(|task| task.text == *text && task.who == *who && task.due == *due);
                if !(party == Party::Staff && *done && is_known) {
                    may(&[Party::Company, Party::Counsellor])?;
                }
                let [text, due] = [text, due].map(Clone::clone);
                let task = Task { entry, id: id.clone(), text, who: *who, due, done: *done };
                put(&mut case.tasks, task, |task| &task.id);
            }
            Said::Kept { source, state, since, days, deposit, note } => {
                let [since, deposit, note] = [since, deposit, note].map(Clone::clone);
                let kept = Kept { entry, state: *state, since, days: *days, deposit, note };
                case.kept.insert(source.clone(), kept);
            }
            Said::Thing { id, what, holder, place, witness, note } => {
                let [holder, place, witness, note] = [holder, place, witness, note].map(Clone::clone);
                let hand = Hand { entry, holder, place, witness, note };
                match case.things.iter_mut().find(|thing| thing.id == *id) {
                    Some(thing) if thing.what == *what => thing.hands.push(hand),
                    Some(_) => return Err(Refusal::Tag),
                    None => case.things.push(Thing { id: id.clone(), what: what.clone(), hands: vec![hand] }),
                }
            }
            Said::Searched { on, place, found, note } => {
                may(&[Party::Company, Party::Counsellor])?;
                let [on, place, note] = [on, place, note].map(Clone::clone);
                case.searched.push(Searched { entry, on, place, found: *found, note });
            }
        }
        Ok(())
    }
}

/// A case as whoever opens its space sees it now.
pub(crate) struct Present {
    pub fold: Fold,
    /// For whom he speaks in it.
    pub own: Option<Party>,
    /// Whether anybody is there to help: until then nobody knows of it.
    pub has_counsellor: bool,
    pub consents: Consents,
}

impl Present {
    /// What was said in a space, as far as it can be opened.
    pub(crate) fn of(opened: Opened) -> Outcome<Self> {
        let Opened { safe, keyring } = opened;
        let people = keyring.people()?;
        let (mut fold, mut consents) = (Fold::default(), Consents::none_yet(opened));
        let mut parties = Parties::new(people, opener(opened));
        for record in &safe.records {
            // Record 0 makes its founder an admin; whoever else comes by a record says nothing in it.
            if record.number() == 0 {
                parties.follow(record);
            }
            let events = match record.envelope().deposit {
                Some(_) => Vec::new(),
                // A body that cannot be read says nothing here; `hizo check` tells of it.
                None => keyring.events(safe, record).unwrap_or_default(),
            };
            consents.take(people, record, &events);
            for event in &events {
                if let Event::Case(said) = event {
                    fold.take(entry(&parties, opened, record), said, &Space { opened, consents: &consents });
                }
            }
            parties.follow(record);
        }
        let own = parties.of(&people.certificates.own().key);
        Ok(Self { fold, own, has_counsellor: parties.has(Party::Counsellor), consents })
    }

    /// The case.
    ///
    /// # Errors
    /// When there is none here, or it is closed to whoever looks.
    pub(crate) fn case(&self, opened: Opened) -> Outcome<&Case> {
        if let Some(case) = &self.fold.case {
            return Ok(case);
        }
        let genesis = opened.safe.records.first();
        let can_tell = genesis.is_some_and(|genesis| opened.keyring.opens(genesis.envelope().epoch));
        Err(match can_tell {
            true => Failure::fixable(words!("this safe is no case", "この金庫は相談ではありません")).hint(words!(
                "Name the home of a case with --home, or begin one: `hizo case open`.",
                "相談のフォルダーを --home で指定するか、`hizo case open` で始めてください。"
            )),
            false => Failure::fixable(words!(
                "what was said here before you came is closed to you, and with it what case this is",
                "あなたが加わる前の記録を開けないため、どの相談か分かりません"
            ))
            .hint(words!(
                "Ask an admin of the case for it: `hizo space grant NAME`.",
                "相談の管理者に頼んでください: `hizo space grant 名前`。"
            )),
        })
    }

    /// Whether this would count if whoever looks said it next; it is taken as said.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub(crate) fn try_out(&mut self, opened: Opened, said: &Said, now: ClaimedTime) -> Result<(), Refusal> {
        let record = opened.safe.chain.head().number.saturating_add(1);
        let entry = Entry { record, time: now.unix_seconds(), party: self.own, name: String::new() };
        self.fold.judge(entry, said, &Space { opened, consents: &self.consents })
    }
}

impl Case {
    fn begin(entry: Entry, said: &Said) -> Result<Self, Refusal> {
        let Said::Opened { kind, urgency, way, language, title } = said else { return Err(Refusal::Unopened) };
        // Whoever did not find record 0 in it founds nothing later.
        if entry.record != 0 {
            return Err(Refusal::Unopened);
        }
        Ok(Self {
            kind: *kind,
            urgency: *urgency,
            way: *way,
            language: language.clone(),
            title: title.clone(),
            states: BTreeMap::from([(INTAKE, entry.clone())]),
            steps: Vec::new(),
            told: Vec::new(),
            advice: Vec::new(),
            visits: Vec::new(),
            tasks: Vec::new(),
            hold: None,
            kept: BTreeMap::new(),
            things: Vec::new(),
            searched: Vec::new(),
            closed: None,
            last: entry.time,
            opened: entry,
        })
    }

    fn must_be_open(&self) -> Result<(), Refusal> {
        if self.closed.is_some() { Err(Refusal::Closed) } else { Ok(()) }
    }

    /// Whether a move may be made now, by this party.
    ///
    /// # Errors
    /// The first rule that it breaks, but for what it rests on and what its actor saw.
    pub(crate) fn may_go(&self, party: Party, from: &str, to: &str, reason: &str) -> Result<&'static Move, Refusal> {
        self.must_be_open()?;
        if !self.states.contains_key(from) {
            return Err(Refusal::From);
        }
        let row = Move::between(from, to).next().ok_or(Refusal::Move)?;
        if !row.who.contains(&party) {
            return Err(Refusal::Party);
        }
        if !row.reasons.contains(&reason) {
            return Err(Refusal::Reason);
        }
        let track = states::track_of(to);
        let is_there = |state: &&&str| track.is_some() && states::track_of(state) == track;
        if states::track_of(from) != track && self.states.keys().any(|state| is_there(&state)) {
            return Err(Refusal::Holds);
        }
        Ok(row)
    }

    fn go(
        &mut self,
        entry: Entry,
        party: Party,
        (step, to, rests_on): (&Step, &str, &str),
        around: &impl Surroundings,
    ) -> Result<(), Refusal> {
        let row = self.may_go(party, &step.from, to, &step.reason)?;
        let is_there = match row.rests {
            Rest::Nothing => rests_on == NOTHING,
            on => rests_on != NOTHING && around.rests(on, rests_on, entry.time),
        };
        if !is_there {
            return Err(Refusal::Rests);
        }
        if step.seen_number >= entry.record || !around.is_record(step.seen_number, &step.seen) {
            return Err(Refusal::Seen);
        }
        let ends_all = row.to == CLOSING || row.to == CLOSED;
        if ends_all {
            self.states.clear();
        } else if !states::adds(&step.from, row.to) {
            self.states.remove(step.from.as_str());
        }
        self.states.insert(row.to, entry.clone());
        if row.to == CLOSED {
            self.closed = Some((entry.clone(), step.reason.clone()));
        }
        self.steps.push(Taken { entry, step: step.clone(), to: row.to, rests_on: rests_on.to_owned() });
        Ok(())
    }

    /// What is promised of a state, and until when.
    pub(crate) fn due(&self, state: &State, since: u64) -> Option<Due> {
        let promise = match self.urgency {
            Urgency::Normal => state.promised,
            Urgency::Emergency => state.in_an_emergency,
        };
        Calendar::japan().due(promise, since, self.last)
    }

    /// The states that hold, each with its end.
    pub(crate) fn clocks(&self) -> impl Iterator<Item = (&'static State, &Entry, Option<Due>)> {
        let known = self.states.iter().filter_map(|(word, entry)| Some((State::of(word)?, entry)));
        known.map(|(state, entry)| (state, entry, self.due(state, entry.time)))
    }

    /// Whether nobody has said anything for so long that whoever holds the case is to be told.
    pub(crate) fn is_quiet(&self, now: u64) -> bool {
        let counts = self.clocks().any(|(state, ..)| matches!(state.promised, Promise::QuietDays(_)));
        counts && now.saturating_sub(self.last) >= clocks::QUIET_DAYS_WARNED * 24 * 60 * 60
    }

    /// Until when it is kept, once it is closed; nothing while somebody holds it.
    pub(crate) fn kept_until(&self) -> Option<u64> {
        let (entry, reason) = self.closed.as_ref()?;
        if self.hold.as_ref().is_some_and(|(_, on, _)| *on) {
            return None;
        }
        let was_referred = self.steps.iter().any(|step| step.to == REFERRAL_SENT);
        let days = match reason.as_str() {
            "declined" | "withdrawn" | "elsewhere" => 90,
            _ if was_referred => 5 * 365,
            _ => 365,
        };
        Some(entry.time.saturating_add(days * 24 * 60 * 60))
    }
}

/// Puts something in the place of what has the same name, or behind all.
fn put<T>(all: &mut Vec<T>, new: T, id: impl Fn(&T) -> &String) {
    match all.iter_mut().find(|one| id(one) == id(&new)) {
        Some(one) => *one = new,
        None => all.push(new),
    }
}

fn entry(parties: &Parties, opened: Opened, record: &Record) -> Entry {
    let signer = match record.signers() {
        [signer] => Some(signer),
        // What several signed is a change of members, and none of them speaks for himself.
        _ => None,
    };
    let people = opened.keyring.people().ok();
    let name = signer.map(|key| {
        let name = people.and_then(|people| people.name(key)).map(str::to_owned);
        name.unwrap_or_else(|| key.name().to_string())
    });
    Entry {
        record: record.number(),
        time: record.envelope().time.unix_seconds(),
        party: signer.and_then(|key| parties.of(key)),
        name: name.unwrap_or_default(),
    }
}

/// A space as the fold asks it.
struct Space<'a> {
    opened: Opened<'a>,
    consents: &'a Consents,
}

impl Surroundings for Space<'_> {
    fn is_record(&self, number: u64, id: &str) -> bool {
        let chain = &self.opened.safe.chain;
        RecordId::from_hex(id).is_ok_and(|id| chain.contains(number, id))
    }

    fn rests(&self, on: Rest, handover: &str, time: u64) -> bool {
        let given = self.consents.given.iter().find(|given| given.said.space == handover);
        given.is_some_and(|given| stands(given, on, time))
    }
}

fn stands(given: &Given, on: Rest, time: u64) -> bool {
    let verdict = given.answer.as_ref().map(|answer| answer.verdict);
    let time = ClaimedTime::from_unix_seconds(time);
    let is_open = || {
        let (Ok(consent), Ok(time)) = (&given.consent, time) else { return false };
        consent.is_open(given.is_withdrawn, time).is_ok()
    };
    match on {
        Rest::Nothing => false,
        Rest::Handed => given.handed.is_some() && (is_open() || verdict.is_some()),
        Rest::Accepted => verdict == Some(Verdict::Accepted),
        Rest::Answered => matches!(verdict, Some(Verdict::Rejected | Verdict::Insufficient)) || !is_open(),
        Rest::Consent => verdict == Some(Verdict::Accepted) || is_open(),
    }
}

/// Why something does not count, as people read it.
pub(crate) fn why(refusal: Refusal) -> Words {
    match refusal {
        Refusal::Stranger => words!("whoever said it is no party of this case", "この相談の当事者ではない人の記録です"),
        Refusal::Unopened => words!("the case had not begun", "相談が始まっていませんでした"),
        Refusal::Opened => words!("the case had begun before", "相談はすでに始まっていました"),
        Refusal::Party => words!("this is for another party to say", "これを記録できるのは別の立場の人です"),
        Refusal::From => words!("the case is not in that state", "相談はその段階にありません"),
        Refusal::Move => words!("this state does not follow that one", "この段階からその段階へは進めません"),
        Refusal::Reason => words!("this is no reason for that move", "その理由では進められません"),
        Refusal::Rests => words!(
            "the hand-over on which it rests is not there, or has not come so far",
            "もとになる引き渡しがないか、まだそこまで進んでいません"
        ),
        Refusal::Holds => words!("the case is there already", "すでにその段階に入っています"),
        Refusal::Seen => words!(
            "what its actor says that he saw is no record of this case before it",
            "見たとされる記録が、この相談のそれより前の記録ではありません"
        ),
        Refusal::Tag => words!("this tag is on another thing", "その札は別の物に付いています"),
        Refusal::Closed => words!("the case is closed", "相談は終了しています"),
    }
}
