//! `hizo case show`

use std::io::{self, Write};

use hizo_vault::event::case::{For, Kind, Urgency, Way};
use serde_json::{Value, json};

use super::clocks::{self, Calendar};
use super::command::{enter, entry_as_json, time};
use super::states::State;
use super::step::follows;
use super::{Case, Due, Entry, Present, Refusal, Taken, Task, Thing, Told, Visit, why};
use crate::failure::{Outcome, shown_bytes};
use crate::parties::Party;
use crate::words::{Words, words};
use crate::{Setting, safe};

/// Show a case: its states and clocks, what was said and done, and what may follow
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {}

pub(super) fn run(setting: &Setting, _arguments: &Arguments) -> Outcome<()> {
    let (side, present) = enter(setting)?;
    let case = present.case(side.opened())?;
    let now = safe::now()?.unix_seconds();
    let result = as_json(&present, case, now);
    setting.console.result(result, |out| write(out, setting, &present, case, now));
    if let Some(words) = Calendar::japan().out_of_hours(now).filter(|_| case.closed.is_none()) {
        setting.console.note(words);
    }
    Ok(())
}

fn as_json(present: &Present, case: &Case, now: u64) -> Value {
    let refused = |(entry, refusal): &(Entry, Refusal)| {
        let mut value = entry_as_json(entry);
        value["reason"] = json!(why(*refusal).english());
        value
    };
    json!({
        "title": case.title, "kind": case.kind.word(), "urgency": case.urgency.word(), "way": case.way.word(),
        "language": case.language, "opened": entry_as_json(&case.opened), "you": present.own.map(Party::word),
        "states": case.clocks().map(|clock| clock_as_json(clock, now)).collect::<Vec<_>>(),
        "follows": follows(case, present.own), "quiet": case.is_quiet(now),
        "steps": case.steps.iter().map(step_as_json).collect::<Vec<_>>(),
        "told": case.told.iter().map(told_as_json).collect::<Vec<_>>(),
        "advice": case.advice.iter().map(|(entry, text)| said(entry, &[("text", json!(text))])).collect::<Vec<_>>(),
        "visits": case.visits.iter().map(visit_as_json).collect::<Vec<_>>(),
        "things": case.things.iter().map(thing_as_json).collect::<Vec<_>>(),
        "tasks": case.tasks.iter().map(task_as_json).collect::<Vec<_>>(),
        "hold": case.hold.as_ref().is_some_and(|(_, on, _)| *on),
        "closed": case.closed.as_ref().map(|(entry, reason)| said(entry, &[("reason", json!(reason))])),
        "kept_until": case.kept_until().map(time),
        "refused": present.fold.refused.iter().map(refused).collect::<Vec<_>>(),
    })
}

fn said(entry: &Entry, more: &[(&str, Value)]) -> Value {
    let mut value = entry_as_json(entry);
    for (key, one) in more {
        value[*key] = one.clone();
    }
    value
}

/// A state that holds, with its clock, for scripts.
pub(super) fn clock_as_json((state, entry, due): (&State, &Entry, Option<Due>), now: u64) -> Value {
    json!({
        "state": state.word, "holder": state.holder.words().english(), "since": time(entry.time),
        "due": due.map(|due| time(due.at)), "late": due.is_some_and(|due| due.at < now),
        "holidays_unknown": due.is_some_and(|due| due.is_beyond),
    })
}

fn step_as_json(taken: &Taken) -> Value {
    let step = &taken.step;
    // What was said between what he saw and his own record.
    let unseen = taken.entry.record.saturating_sub(step.seen_number).saturating_sub(1);
    said(
        &taken.entry,
        &[
            ("from", json!(step.from)),
            ("to", json!(taken.to)),
            ("reason", json!(step.reason)),
            ("note", json!(step.note)),
            ("rests_on", json!(taken.rests_on)),
            ("seen", json!(step.seen)),
            ("seen_number", json!(step.seen_number)),
            ("unseen", json!(unseen)),
        ],
    )
}

fn told_as_json(told: &Told) -> Value {
    said(
        &told.entry,
        &[
            ("text", json!(told.text)),
            ("happened", json!(told.happened)),
            ("written", json!(told.written)),
            ("for", json!(told.teller)),
        ],
    )
}

fn thing_as_json(thing: &Thing) -> Value {
    let hands = thing.hands.iter().map(|hand| {
        said(
            &hand.entry,
            &[
                ("holder", json!(hand.holder)),
                ("place", json!(hand.place)),
                ("witness", json!(hand.witness)),
                ("note", json!(hand.note)),
            ],
        )
    });
    json!({ "thing": thing.id, "what": thing.what, "hands": hands.collect::<Vec<_>>() })
}

fn visit_as_json(visit: &Visit) -> Value {
    said(
        &visit.entry,
        &[
            ("visit", json!(visit.id)),
            ("on", json!(visit.on)),
            ("place", json!(visit.place)),
            ("note", json!(visit.note)),
            ("made", json!(visit.made)),
        ],
    )
}

fn task_as_json(task: &Task) -> Value {
    said(
        &task.entry,
        &[
            ("task", json!(task.id)),
            ("text", json!(task.text)),
            ("for", json!(task.who.word())),
            ("due", json!(task.due)),
            ("done", json!(task.done)),
        ],
    )
}

/// A state that holds, with its clock.
pub(super) fn clock_line((state, _, due): (&State, &Entry, Option<Due>), now: u64) -> Words {
    let (name, holder) = (state.words(), state.holder.words());
    let clock = match due {
        None => words!("no clock", "期限なし"),
        Some(due) if due.at < now => words!("LATE since {at}", "期限切れ（{at}）", at = clocks::shown(due.at)),
        Some(due) => words!("until {at}", "{at} まで", at = clocks::shown(due.at)),
    };
    words!("{name}: {holder}, {clock}", "{name}: {holder}、{clock}"; name, holder, clock)
}

/// That holidays are known no further, where that matters.
pub(super) fn beyond(due: Option<Due>) -> Option<Words> {
    due.filter(|due| due.is_beyond).map(|_| {
        words!(
            "holidays are known until {year} only: this date is counted without later ones",
            "祝日は{year}年分までしか分かりません。この日付は、それより後の祝日を数えていません",
            year = Calendar::japan().last_year()
        )
    })
}

fn write(out: &mut dyn Write, setting: &Setting, present: &Present, case: &Case, now: u64) -> io::Result<()> {
    let mut line = |words: Words| writeln!(out, "{}", setting.console.say(words).trim_end());
    let (kind, urgency, way) = (kind_words(case.kind), urgency_words(case.urgency), way_words(case.way));
    line(words!(
        "{title}  {kind}  {urgency}  {way}",
        "{title}  {kind}  {urgency}  {way}",
        title = shown_bytes(case.title.as_bytes());
        kind, urgency, way
    ))?;
    for clock in case.clocks().filter(|_| case.closed.is_none()) {
        let state = clock_line(clock, now);
        line(words!("  state: {state}", "  段階: {state}"; state))?;
        beyond(clock.2).into_iter().try_for_each(&mut line)?;
    }
    if case.is_quiet(now) {
        line(words!(
            "  nobody has said anything for 21 days: it will be closed at 30",
            "  21日間、動きがありません。30日でまとめに入ります"
        ))?;
    }
    if let Some((entry, reason)) = &case.closed {
        let closed = clocks::shown(entry.time);
        line(words!("  closed: {closed} ({reason})", "  終了: {closed}（{reason}）"))?;
    }
    for told in &case.told {
        let (when, by, text) = (clocks::shown(told.entry.time), by(&told.entry), told.text.as_bytes());
        let teller = match told.teller.as_str() {
            "" => "".into(),
            teller => words!(" for {teller}", "（{teller}の話）", teller = shown_bytes(teller.as_bytes())),
        };
        line(words!(
            "  told {when} by {by}{teller}: {text}",
            "  経緯 {when} {by}{teller}: {text}",
            when = when, text = shown_bytes(text);
            by, teller
        ))?;
    }
    for (entry, text) in &case.advice {
        let (when, by, text) = (clocks::shown(entry.time), by(entry), shown_bytes(text.as_bytes()));
        line(words!("  advice {when} by {by}: {text}", "  助言 {when} {by}: {text}", when = when, text = text; by))?;
    }
    for thing in &case.things {
        line(thing_line(thing))?;
    }
    for visit in &case.visits {
        line(visit_line(visit))?;
    }
    for task in &case.tasks {
        line(task_line(task))?;
    }
    for taken in &case.steps {
        let (when, by, reason) = (clocks::shown(taken.entry.time), by(&taken.entry), &taken.step.reason);
        let [from, to] =
            [&taken.step.from, taken.to].map(|word| State::of(word).map_or_else(|| word.into(), State::words));
        line(words!(
            "  step {when} by {by}: {from} to {to} ({reason})",
            "  経過 {when} {by}: {from} から {to} へ（{reason}）",
            when = when, reason = reason;
            by, from, to
        ))?;
    }
    for (entry, refusal) in &present.fold.refused {
        let (number, reason) = (entry.record, why(*refusal));
        line(words!(
            "  what record {number} says does not count: {reason}",
            "  記録 {number} の内容は有効ではありません: {reason}",
            number = number;
            reason
        ))?;
    }
    let may = follows(case, present.own);
    let you = present.own.map_or_else(|| words!("nobody", "当事者以外"), Party::words);
    line(words!("  you ({you}) may go on to: {may}", "  あなた（{you}）が進められる段階: {may}", may = may; you))
}

fn thing_line(thing: &Thing) -> Words {
    let (what, digits) = (shown_bytes(thing.what.as_bytes()), thing.id.get(..6).unwrap_or_default());
    let (holder, place) = thing.hands.last().map_or_else(Default::default, |hand| {
        (shown_bytes(hand.holder.as_bytes()), shown_bytes(hand.place.as_bytes()))
    });
    words!("  thing {digits} {what}: {holder}, {place}", "  物 {digits} {what}（{holder}、{place}）")
}

fn visit_line(visit: &Visit) -> Words {
    let (on, place) = (&visit.on, shown_bytes(visit.place.as_bytes()));
    let (note, digits) = (shown_bytes(visit.note.as_bytes()), visit.id.get(..6).unwrap_or_default());
    let state = match visit.made {
        true => words!("made", "済み"),
        false => words!("planned", "予定"),
    };
    words!(
        "  visit {digits} on {on} ({state}) {place} {note}",
        "  訪問 {digits} {on}（{state}） {place} {note}",
        digits = digits, on = on, place = place, note = note;
        state
    )
}

/// For whom a task is, as people call it.
pub(super) fn for_words(who: For) -> Words {
    match who {
        For::Company => Party::Company.words(),
        For::Counsellor => Party::Counsellor.words(),
    }
}

fn task_line(task: &Task) -> Words {
    let (text, digits) = (shown_bytes(task.text.as_bytes()), task.id.get(..6).unwrap_or_default());
    let who = for_words(task.who);
    let state = match (task.done, task.due.as_str()) {
        (true, _) => words!("done", "済み"),
        (false, "") => words!("open", "未了"),
        (false, due) => words!("until {due}", "{due} まで"),
    };
    words!(
        "  task {digits} for {who} ({state}): {text}",
        "  やること {digits} {who}（{state}）: {text}",
        digits = digits, text = text;
        who, state
    )
}

/// Who said something: for whom he speaks, and what he is called.
fn by(entry: &Entry) -> Words {
    let party = entry.party.map_or_else(|| words!("nobody", "当事者以外"), Party::words);
    words!("{party} {name}", "{party} {name}", name = shown_bytes(entry.name.as_bytes()); party)
}

/// A kind as people call it.
pub(super) fn kind_words(kind: Kind) -> Words {
    match kind {
        Kind::Support => words!("support", "管理体制づくり"),
        Kind::Leak => words!("leak", "持ち出し・漏えい"),
        Kind::Attack => words!("attack", "サイバー攻撃"),
        Kind::Approach => words!("approach", "不審な働きかけ"),
        Kind::Accused => words!("accused", "警告を受けた"),
    }
}

/// An urgency as people call it.
pub(super) fn urgency_words(urgency: Urgency) -> Words {
    match urgency {
        Urgency::Normal => words!("normal", "通常"),
        Urgency::Emergency => words!("EMERGENCY", "緊急"),
    }
}

pub(super) fn way_words(way: Way) -> Words {
    match way {
        Way::Company => words!("opened by the company", "会社が始めた相談"),
        Way::Phone => words!("came by telephone", "電話での相談"),
        Way::Visit => words!("came in person", "来訪での相談"),
        Way::Paper => words!("came on paper", "書面での相談"),
        Way::Anonymous => words!("came without a name", "匿名での相談"),
    }
}
