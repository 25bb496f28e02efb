//! What counts in a case, by the fold alone: every state with every other one, each party and each reason.

use std::collections::{BTreeMap, BTreeSet};

use hizo_vault::event::case::{For, Kind, NOTHING, Said, Standing, Step, Urgency, Way};

use super::clocks::Promise;
use super::keeping::{self, Machine, Reminder, SOURCES};
use super::next::{Beside, Next};
use super::states::{CLOSED, CLOSING, Holder, INTAKE, MOVES, Move, REFERRAL_SENT, Rest, STATES, State, track_of};
use super::{Entry, Fold, Present, Refusal, Surroundings};
use crate::consents::Consents;
use crate::parties::Party;
use crate::sides;

const PAGE: &str = include_str!("../../../../../docs/spec/case.md");

const HANDOVER: &str = "4f2a4f2a4f2a4f2a4f2a4f2a4f2a4f2a";

const HOUR: u64 = 3600;

/// A Thursday, ten o'clock in Japan.
const BEGUN: u64 = 1_795_654_800;

/// A space in which every record has its number for an id, with one hand-over that has come so far.
struct World(Option<Rest>);

impl Surroundings for World {
    fn is_record(&self, number: u64, id: &str) -> bool {
        id == number.to_string()
    }

    fn rests(&self, on: Rest, handover: &str, _: u64) -> bool {
        handover == HANDOVER && self.0 == Some(on)
    }
}

const ALONE: World = World(None);

fn by(record: u64, party: impl Into<Option<Party>>) -> Entry {
    Entry { record, time: BEGUN + record * HOUR, party: party.into(), name: "somebody".into() }
}

fn opened(kind: Kind, urgency: Urgency) -> Said {
    Said::Opened { kind, urgency, way: Way::Company, language: "ja".into(), title: "図面".into() }
}

fn step(from: &str, reason: &str, seen: u64) -> Step {
    let (from, reason) = (from.to_owned(), reason.to_owned());
    Step { from, reason, note: String::new(), seen: seen.to_string(), seen_number: seen }
}

fn moved(from: &str, to: &str, reason: &str, rests_on: &str) -> Said {
    match to {
        CLOSED => Said::Closed { step: step(from, reason, 1) },
        _ => Said::Moved { step: step(from, reason, 1), to: to.to_owned(), rests_on: rests_on.to_owned() },
    }
}

/// A case that has begun, in exactly these states.
fn in_states(states: &[&'static str]) -> Fold {
    let mut fold = Fold::default();
    fold.take(by(0, Party::Company), &opened(Kind::Leak, Urgency::Normal), &ALONE);
    let case = fold.case.as_mut().unwrap();
    case.states = states.iter().map(|state| (*state, by(1, Party::Company))).collect();
    fold
}

/// Why something does not count; nothing where it does.
fn refusal(fold: &mut Fold, entry: Entry, said: &Said, around: &World) -> Option<Refusal> {
    let before = fold.refused.len();
    fold.take(entry, said, around);
    fold.refused.get(before).map(|(_, refusal)| *refusal)
}

fn states(fold: &Fold) -> Vec<&'static str> {
    fold.case.as_ref().unwrap().states.keys().copied().collect()
}

/// The cells of the table of the page whose head begins so.
fn table(head: &str) -> Vec<Vec<String>> {
    let start = PAGE.find(&format!("\n| {head}")).unwrap();
    let lines = PAGE[start + 1..].lines().take_while(|line| line.starts_with('|')).skip(2);
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    lines.map(cells).collect()
}

fn words(cell: &str) -> Vec<&str> {
    cell.split(['`', ' ']).filter(|word| !word.is_empty()).collect()
}

#[test]
fn the_moves_are_those_of_the_page() {
    let said = |row: &Move| {
        let who: Vec<_> = row.who.iter().map(|party| party.word()).collect();
        let reasons: Vec<_> = row.reasons.iter().map(|reason| format!("`{reason}`")).collect();
        let rests = match row.rests {
            Rest::Nothing => "-",
            Rest::Handed => "handed",
            Rest::Answered => "answered",
            Rest::Accepted => "accepted",
            Rest::Consent => "consent",
        };
        let (from, to) = (format!("`{}`", row.from), format!("`{}`", row.to));
        vec![from, to, who.join(", "), reasons.join(" "), rests.to_owned()]
    };
    let ours: Vec<Vec<String>> = MOVES.iter().map(said).collect();
    assert_eq!(ours, table("from | to"));
}

#[test]
fn the_states_and_their_clocks_are_those_of_the_page() {
    let clock = |promise: Promise| match promise {
        Promise::Nothing => "-".to_owned(),
        Promise::SameDay => "the same day".to_owned(),
        Promise::WorkingDays(1) => "1 working day".to_owned(),
        Promise::WorkingDays(days) => format!("{days} working days"),
        Promise::OfficeHours(hours) => format!("{hours} hours"),
        Promise::WallHours(hours) => format!("{hours} hours"),
        Promise::QuietDays(days) => format!("{days} quiet days"),
    };
    let said = |state: &State| {
        let holder = match state.holder {
            Holder::Company => "company",
            Holder::Counsellor => "counsellor",
            Holder::Rescue => "rescue",
            Holder::Police => "police",
            Holder::Nobody => "-",
        };
        let word = format!("`{}`", state.word);
        let japanese = state.words().japanese().to_owned();
        vec![word, japanese, holder.to_owned(), clock(state.promised), clock(state.in_an_emergency)]
    };
    let ours: Vec<Vec<String>> = STATES.iter().map(said).collect();
    assert_eq!(ours, table("state | Japanese"));
}

#[test]
fn the_sources_are_those_of_the_page() {
    let said = |source: &keeping::Source| {
        let kinds: Vec<_> = source.kinds.iter().map(|kind| kind.word()).collect();
        let japanese = source.words().japanese().to_owned();
        vec![format!("`{}`", source.word), source.days.to_string(), japanese, kinds.join(", ")]
    };
    let ours: Vec<Vec<String>> = SOURCES.iter().map(said).collect();
    assert_eq!(ours, table("source | lives"));
}

#[test]
fn every_state_is_reached_and_none_but_the_last_is_a_dead_end() {
    let reached: BTreeSet<&str> = MOVES.iter().map(|row| row.to).chain([INTAKE]).collect();
    assert_eq!(reached, STATES.iter().map(|state| state.word).collect());
    for state in STATES.iter().filter(|state| state.word != CLOSED) {
        assert!(Move::out_of(state.word).next().is_some(), "{} leads nowhere", state.word);
    }
}

/// What the page's own rows say of a move: who may make it, why, and on what it rests.
fn by_the_page(from: &str, to: &str) -> BTreeMap<String, (BTreeSet<String>, String)> {
    let mut may = BTreeMap::new();
    for row in table("from | to") {
        let [one, other, who, reasons, rests] = row.as_slice() else { panic!("{row:?}") };
        let (one, other) = (one.trim_matches('`'), other.trim_matches('`'));
        let track = one.strip_suffix(".*");
        let leaves = track.map_or(one == from, |track| from.split('.').next() == Some(track));
        if leaves && other == to {
            for party in who.split(", ") {
                let reasons = words(reasons).into_iter().map(str::to_owned).collect();
                may.insert(party.to_owned(), (reasons, rests.clone()));
            }
        }
    }
    may
}

#[test]
fn a_move_counts_where_the_page_has_it_and_nowhere_else() {
    let reasons: BTreeSet<String> =
        table("from | to").iter().flat_map(|row| words(&row[3]).into_iter().map(str::to_owned)).collect();
    let (mut counted, mut tried) = (0, 0);
    for from in STATES.iter().map(|state| state.word).filter(|word| *word != CLOSED) {
        for to in STATES.iter().map(|state| state.word) {
            let may = by_the_page(from, to);
            for party in [Party::Company, Party::Staff, Party::Counsellor] {
                for reason in reasons.iter().map(String::as_str).chain(["no such reason"]) {
                    tried += 1;
                    let row = may.get(party.word());
                    let rests = row.map_or("-", |(_, rests)| rests.as_str());
                    let has = match rests {
                        "handed" => Some(Rest::Handed),
                        "answered" => Some(Rest::Answered),
                        "accepted" => Some(Rest::Accepted),
                        "consent" => Some(Rest::Consent),
                        _ => None,
                    };
                    let rests_on = if has.is_some() { HANDOVER } else { NOTHING };
                    let expected = match (may.is_empty(), row) {
                        (true, _) => Some(Refusal::Move),
                        (false, None) => Some(Refusal::Party),
                        (false, Some((reasons, _))) if !reasons.contains(reason) => Some(Refusal::Reason),
                        (false, Some(_)) => None,
                    };
                    let said = moved(from, to, reason, rests_on);
                    let place = format!("{from} to {to} by {party:?} for {reason}");
                    assert_eq!(refusal(&mut in_states(&[from]), by(2, party), &said, &World(has)), expected, "{place}");
                    if expected.is_none() {
                        counted += 1;
                        // What it rests on has to be there, and nothing may be named where nothing is needed.
                        let other = moved(from, to, reason, if has.is_some() { NOTHING } else { HANDOVER });
                        let wrong = match to {
                            CLOSED => None,
                            _ => Some(Refusal::Rests),
                        };
                        assert_eq!(
                            refusal(&mut in_states(&[from]), by(2, party), &other, &World(has)),
                            wrong,
                            "{place}"
                        );
                        if has.is_some() {
                            let refused = refusal(&mut in_states(&[from]), by(2, party), &said, &ALONE);
                            assert_eq!(refused, Some(Refusal::Rests), "{place}");
                        }
                    }
                }
            }
        }
    }
    assert!(counted > 100 && tried > 10_000, "{counted} of {tried}");
}

#[test]
fn rescue_police_and_liability_hold_at_once_and_closing_ends_them_all() {
    let mut fold = in_states(&[REFERRAL_SENT]);
    let accepted = World(Some(Rest::Accepted));
    let mut go = |from: &str, to: &str, reason: &str, party: Party| {
        let rests_on = match Move::between(from, to).next().map(|row| row.rests) {
            None | Some(Rest::Nothing) => NOTHING,
            _ => HANDOVER,
        };
        let refused = refusal(&mut fold, by(2, party), &moved(from, to, reason, rests_on), &accepted);
        (refused, states(&fold))
    };
    let (company, counsellor) = (Party::Company, Party::Counsellor);
    assert_eq!(go(REFERRAL_SENT, "rescue.determine", "accepted", counsellor).1, ["rescue.determine"]);
    assert_eq!(
        go("rescue.determine", "rescue.determine", "undetermined", counsellor),
        (None, vec!["rescue.determine"])
    );
    let both = go("rescue.determine", "police.consultation", "accepted", company);
    assert_eq!(both, (None, vec!["police.consultation", "rescue.determine"]));
    let all = go("police.consultation", "liability", "own-action", company);
    assert_eq!(all, (None, vec!["liability", "police.consultation", "rescue.determine"]));
    // Each goes on by itself, and none is entered again.
    assert_eq!(go("rescue.determine", "rescue.assess-damage", "attack", company).0, None);
    assert_eq!(go("rescue.assess-damage", "police.consultation", "accepted", company).0, Some(Refusal::Holds));
    assert_eq!(go("police.consultation", "rescue.determine", "accepted", company).0, Some(Refusal::Holds));
    assert_eq!(go("rescue.determine", "rescue.elsewhere", "not-eligible", company).0, Some(Refusal::From));
    assert_eq!(go("police.consultation", "police.complaint", "reported", counsellor).0, None);
    let end = go("rescue.assess-damage", CLOSING, "measures-agreed", counsellor);
    assert_eq!(end, (None, vec![CLOSING]));
    assert_eq!(go(CLOSING, CLOSED, "done", counsellor), (None, vec![CLOSED]));
    assert_eq!(go(CLOSED, INTAKE, "facts", counsellor).0, Some(Refusal::Closed));
}

#[test]
fn a_step_is_taken_before_the_eyes_of_whoever_takes_it() {
    let taken = |seen: u64, id: &str| {
        let step = Step { seen: id.to_owned(), ..step(INTAKE, "facts", seen) };
        let said = Said::Moved { step, to: "triage".into(), rests_on: NOTHING.into() };
        refusal(&mut in_states(&[INTAKE]), by(5, Party::Counsellor), &said, &ALONE)
    };
    assert_eq!(taken(4, "4"), None);
    // He had not seen the last one, which is told and no fault.
    assert_eq!(taken(2, "2"), None);
    assert_eq!(taken(4, "3"), Some(Refusal::Seen));
    assert_eq!(taken(5, "5"), Some(Refusal::Seen));
    assert_eq!(taken(9, "9"), Some(Refusal::Seen));
}

#[test]
fn a_tag_stays_on_the_thing_that_it_was_put_on() {
    let thing = |id: &str, what: &str, holder: &str| Said::Thing {
        id: id.into(),
        what: what.into(),
        holder: holder.into(),
        place: "safe".into(),
        witness: String::new(),
        note: String::new(),
    };
    let mut fold = in_states(&["intake"]);
    for said in [
        thing("1", "laptop", "owner"),
        thing("1", "laptop", "police"),
        thing("2", "disk", "owner"),
        thing("1", "disk", "thief"),
    ] {
        fold.take(by(7, Party::Staff), &said, &World(None));
    }
    let case = fold.case.unwrap();
    let hands: Vec<Vec<_>> =
        case.things.iter().map(|thing| thing.hands.iter().map(|hand| hand.holder.as_str()).collect()).collect();
    assert_eq!(hands, [vec!["owner", "police"], vec!["owner"]]);
    assert_eq!(fold.refused.iter().map(|(_, refusal)| *refusal).collect::<Vec<_>>(), [Refusal::Tag]);
}

/// One of everything that can be said beside moves, and who may say it.
fn everything() -> Vec<(Said, &'static [Party])> {
    const ALL: &[Party] = &[Party::Company, Party::Staff, Party::Counsellor];
    const TWO: &[Party] = &[Party::Company, Party::Counsellor];
    let text = || "x".to_owned();
    let id = || "139b65e57074666a".to_owned();
    vec![
        (Said::Sorted { kind: Kind::Attack, urgency: Urgency::Normal }, &[Party::Counsellor]),
        (Said::Told { text: text(), happened: text(), written: text(), teller: text() }, ALL),
        (Said::Hold { on: true, note: text() }, TWO),
        (Said::Advice { text: text() }, &[Party::Counsellor]),
        (Said::Visit { id: id(), on: text(), place: text(), note: text(), made: false }, TWO),
        (Said::Task { id: id(), text: text(), who: For::Company, due: text(), done: false }, TWO),
        (Said::Thing { id: id(), what: text(), holder: text(), place: text(), witness: text(), note: text() }, ALL),
        (
            Said::Kept {
                source: "mail".into(),
                state: Standing::Kept,
                since: String::new(),
                days: 0,
                deposit: String::new(),
                note: text(),
            },
            ALL,
        ),
        (
            Said::Searched { on: text(), place: text(), found: hizo_vault::event::case::Found::Nothing, note: text() },
            TWO,
        ),
    ]
}

#[test]
fn each_party_says_what_the_page_lets_it_and_nobody_else_says_anything() {
    for (said, allowed) in everything() {
        for party in [Some(Party::Company), Some(Party::Staff), Some(Party::Counsellor), None] {
            let expected = match party {
                None => Some(Refusal::Stranger),
                Some(party) if !allowed.contains(&party) => Some(Refusal::Party),
                Some(_) => None,
            };
            assert_eq!(refusal(&mut in_states(&[INTAKE]), by(2, party), &said, &ALONE), expected, "{said:?} {party:?}");
            // Before the case has begun nothing counts.
            let early = if party.is_some() { Refusal::Unopened } else { Refusal::Stranger };
            assert_eq!(refusal(&mut Fold::default(), by(0, party), &said, &ALONE), Some(early));
        }
    }
    let again = refusal(&mut in_states(&[INTAKE]), by(2, Party::Company), &opened(Kind::Leak, Urgency::Normal), &ALONE);
    assert_eq!(again, Some(Refusal::Opened));
    let late = refusal(&mut Fold::default(), by(3, Party::Company), &opened(Kind::Leak, Urgency::Normal), &ALONE);
    assert_eq!(late, Some(Refusal::Unopened), "a case begins in record 0 or not at all");
}

#[test]
fn staff_say_that_a_task_is_done_and_change_nothing_in_it() {
    let task = |text: &str, done| Said::Task {
        id: "139b65e57074666a".into(),
        text: text.into(),
        who: For::Company,
        due: String::new(),
        done,
    };
    let mut fold = in_states(&[INTAKE]);
    assert_eq!(refusal(&mut fold, by(2, Party::Staff), &task("badges", true), &ALONE), Some(Refusal::Party));
    assert_eq!(refusal(&mut fold, by(3, Party::Counsellor), &task("badges", false), &ALONE), None);
    assert_eq!(refusal(&mut fold, by(4, Party::Staff), &task("nothing", true), &ALONE), Some(Refusal::Party));
    assert_eq!(refusal(&mut fold, by(5, Party::Staff), &task("badges", true), &ALONE), None);
    assert_eq!(refusal(&mut fold, by(6, Party::Staff), &task("badges", false), &ALONE), Some(Refusal::Party));
    let tasks = &fold.case.as_ref().unwrap().tasks;
    assert!(tasks.len() == 1 && tasks[0].done, "{tasks:?}");
}

#[test]
fn a_closed_case_is_kept_for_its_time_unless_somebody_holds_it() {
    let days = |reason: &str, was_referred: bool, hold: bool| {
        let (from, party) = if reason == "done" { (CLOSING, Party::Counsellor) } else { (INTAKE, Party::Company) };
        let mut fold = in_states(&[if was_referred { "referral-proposed" } else { from }]);
        let handed = World(Some(Rest::Handed));
        if was_referred {
            fold.take(
                by(2, Party::Counsellor),
                &moved("referral-proposed", REFERRAL_SENT, "consented", HANDOVER),
                &handed,
            );
            fold.case.as_mut().unwrap().states = BTreeMap::from([(CLOSING, by(3, Party::Counsellor))]);
        }
        assert_eq!(refusal(&mut fold, by(4, party), &moved(from, CLOSED, reason, NOTHING), &ALONE), None);
        fold.take(by(5, Party::Company), &Said::Hold { on: hold, note: String::new() }, &ALONE);
        let until = fold.case.unwrap().kept_until();
        until.map(|until| (until - BEGUN - 4 * HOUR) / (24 * HOUR))
    };
    assert_eq!(days("declined", false, false), Some(90));
    assert_eq!(days("done", false, false), Some(365));
    assert_eq!(days("done", true, false), Some(5 * 365));
    assert_eq!(days("done", true, true), None);
}

#[test]
fn an_emergency_is_promised_sooner() {
    let due = |urgency| {
        let mut fold = Fold::default();
        fold.take(by(0, Party::Company), &opened(Kind::Attack, urgency), &ALONE);
        let case = fold.case.unwrap();
        let (_, _, due) = case.clocks().next().unwrap();
        super::clocks::shown(due.unwrap().at)
    };
    assert_eq!(super::clocks::shown(BEGUN), "2026-11-26 10:00");
    assert_eq!(due(Urgency::Normal), "2026-11-27 17:45");
    assert_eq!(due(Urgency::Emergency), "2026-11-26 12:00");
}

#[test]
fn a_source_is_counted_down_until_it_is_kept() {
    let mut fold = in_states(&["preserve"]);
    let day = 24 * HOUR;
    let camera = |fold: &Fold, now: u64| {
        let case = fold.case.as_ref().unwrap();
        let found = keeping::countdowns(case, now).find(|one| one.source.word == "camera").unwrap();
        (found.until.map(|until| (until - BEGUN) / day), found.reminder)
    };
    assert_eq!(camera(&fold, BEGUN), (Some(14), Reminder::None));
    assert_eq!(camera(&fold, BEGUN + 7 * day), (Some(14), Reminder::Half));
    assert_eq!(camera(&fold, BEGUN + 7 * day - 1), (Some(14), Reminder::None));
    assert_eq!(camera(&fold, BEGUN + 12 * day), (Some(14), Reminder::Urgent));
    assert_eq!(camera(&fold, BEGUN + 14 * day), (Some(14), Reminder::Over));
    let kept = |state, since: &str, days| Said::Kept {
        source: "camera".into(),
        state,
        since: since.into(),
        days,
        deposit: String::new(),
        note: String::new(),
    };
    // Here it lives for a week, from the last day that the leaver came.
    fold.take(by(2, Party::Staff), &kept(Standing::Wanted, "2026-11-20", 7), &ALONE);
    assert_eq!(camera(&fold, BEGUN), (Some(0), Reminder::Urgent));
    fold.take(by(3, Party::Staff), &kept(Standing::Kept, "", 0), &ALONE);
    assert_eq!(camera(&fold, BEGUN + 99 * day), (None, Reminder::None));
    // Sources of other kinds are not asked for.
    let words: Vec<_> = keeping::countdowns(fold.case.as_ref().unwrap(), BEGUN).map(|one| one.source.word).collect();
    assert!(!words.contains(&"network-log") && words.contains(&"leaver-pc"), "{words:?}");
}

#[test]
fn what_not_to_do_depends_on_the_kind_and_on_the_machine() {
    let said = |kind, machine| {
        let lines: Vec<_> = keeping::do_nots(kind, machine).map(|words| words.english().to_owned()).collect();
        lines.join("\n")
    };
    assert!(said(Kind::Leak, None).contains("never set up a leaver's PC anew"));
    assert!(said(Kind::Leak, None).contains("do not interview anybody"));
    assert!(said(Kind::Attack, Some(Machine::On)).contains("do not switch it off"));
    assert!(!said(Kind::Attack, Some(Machine::Off)).contains("do not switch it off"));
    assert!(said(Kind::Attack, Some(Machine::Off)).contains("do not switch it on"));
    assert!(said(Kind::Attack, Some(Machine::Encrypting)).contains("take it off the network at once"));
    assert!(!said(Kind::Attack, None).contains("switch"), "how the machine is, nobody has said");
    assert!(said(Kind::Support, None).is_empty());
    assert!(SOURCES.iter().all(|source| source.days > 0 && track_of(source.word).is_none()));
}

/// What comes next, by the name of its variant.
fn next_of(fold: Fold, own: Party, has_counsellor: bool, beside: impl FnOnce(&mut Beside)) -> &'static str {
    let present = Present { fold, own: Some(own), has_counsellor, consents: Consents::default() };
    let mut around = Beside { sides: None, is_to_give: false, has_evidence: false, may_move: true, now: BEGUN + HOUR };
    beside(&mut around);
    match Next::of(present.fold.case.as_ref().unwrap(), &present, &around) {
        Next::Turn => "turn",
        Next::Compare => "compare",
        Next::Give => "give",
        Next::Tell => "tell",
        Next::Invite => "invite",
        Next::Keep(source, _) => source,
        Next::Lay => "lay",
        Next::Consent => "consent",
        Next::Seal(_) => "seal",
        Next::Answer(_) => "answer",
        Next::Late(_) => "late",
        Next::Task(_) => "task",
        Next::Advise => "advise",
        Next::Move => "move",
        Next::SumUp => "sum up",
        Next::Wait => "wait",
        Next::Over => "over",
    }
}

#[test]
fn what_comes_next_is_one_thing_by_who_looks_and_how_far_the_case_has_come() {
    let told = |mut fold: Fold| {
        let (text, when) = ("drawings are gone".to_owned(), String::new());
        let said = Said::Told { text, happened: when.clone(), written: when.clone(), teller: when };
        fold.take(by(2, Party::Company), &said, &ALONE);
        fold
    };
    let asked = |mut fold: Fold, who| {
        let (id, text) = ("0a".to_owned(), "lock it away".to_owned());
        fold.take(by(3, Party::Company), &Said::Task { id, text, who, due: String::new(), done: false }, &ALONE);
        fold
    };
    let nothing = |_: &mut Beside| ();
    let (company, counsellor) = (Party::Company, Party::Counsellor);
    let intake = || in_states(&[INTAKE]);
    // The company: what happened, whom to ask, what is lost first, what it was asked for.
    assert_eq!(next_of(intake(), company, false, nothing), "tell");
    assert_eq!(next_of(told(intake()), company, false, nothing), "invite");
    assert_eq!(next_of(told(intake()), company, true, nothing), "leaver-pc");
    assert_eq!(next_of(asked(told(intake()), For::Company), company, true, nothing), "task");
    let late = |beside: &mut Beside| beside.now = BEGUN + 12 * 24 * HOUR;
    assert_eq!(next_of(asked(told(intake()), For::Company), company, true, late), "leaver-pc");
    for state in ["suspicion-check", "referral-proposed"] {
        assert_eq!(next_of(told(in_states(&[state])), company, true, nothing), "lay");
        assert_eq!(next_of(told(in_states(&[state])), company, true, |beside| beside.has_evidence = true), "consent");
    }
    // The counsellor: whether he may help, what he hears, whose it is, what he was asked for, and on.
    let sides = |sides| move |beside: &mut Beside| beside.sides = Some(sides);
    assert_eq!(next_of(intake(), counsellor, true, sides(sides::Standing::Blocked)), "turn");
    assert_eq!(next_of(intake(), counsellor, true, sides(sides::Standing::Unknown)), "compare");
    assert_eq!(next_of(intake(), counsellor, true, sides(sides::Standing::Free)), "tell");
    assert_eq!(next_of(told(intake()), counsellor, true, |beside| beside.is_to_give = true), "give");
    assert_eq!(next_of(told(intake()), counsellor, true, nothing), "move");
    assert_eq!(next_of(asked(told(intake()), For::Counsellor), counsellor, true, nothing), "task");
    assert_eq!(next_of(asked(told(intake()), For::Company), counsellor, true, nothing), "move");
    assert_eq!(next_of(told(in_states(&["advice"])), counsellor, true, nothing), "advise");
    assert_eq!(next_of(told(in_states(&[CLOSING])), counsellor, true, nothing), "sum up");
    // Staff keep what is gone soon, and move nothing.
    assert_eq!(next_of(told(intake()), Party::Staff, true, nothing), "wait");
    assert_eq!(next_of(told(intake()), Party::Staff, true, late), "leaver-pc");
    let mut closed = told(intake());
    closed.take(by(4, company), &moved(INTAKE, CLOSED, "withdrawn", NOTHING), &World(None));
    let is_over = closed.case.as_ref().unwrap().closed.is_some();
    assert_eq!((is_over, next_of(closed, company, true, nothing)), (true, "over"));
}
