//! `hizo case move` and `hizo case close`

use hizo_vault::event::case::{Kind, NOTHING, Said, Step, Urgency};
use serde_json::json;

use super::command::{appended_as_json, enter, refused, say};
use super::open::{formed, kind_words, unknown_word, urgency_words};
use super::states::{CLOSED, Move, State};
use super::{Case, Present, Refusal, why};
use crate::Setting;
use crate::failure::{Failure, Kind as FailureKind, Outcome};
use crate::side::Side;
use crate::words::words;

/// Take a case to its next state
#[derive(Debug, clap::Args)]
pub(crate) struct MoveArguments {
    /// The state that follows
    #[arg(value_name = "STATE")]
    to: String,
    #[command(flatten)]
    because: Because,
    /// The hand-over on which it rests: its first digits
    #[arg(long, value_name = "HANDOVER")]
    rests_on: Option<String>,
    /// What the case has turned out to be
    #[arg(long, value_parser = kind_words())]
    kind: Option<String>,
    /// How soon somebody has to act, as it has turned out
    #[arg(long, value_parser = urgency_words())]
    urgency: Option<String>,
}

/// End a case
#[derive(Debug, clap::Args)]
pub(crate) struct CloseArguments {
    #[command(flatten)]
    because: Because,
}

#[derive(Debug, clap::Args)]
struct Because {
    /// Why: a word that `hizo case show` lists beside the state
    #[arg(long, value_name = "REASON")]
    reason: String,
    /// Why, in your words
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
    /// The state that is left, where several hold
    #[arg(long, value_name = "STATE")]
    from: Option<String>,
}

pub(super) fn go(setting: &Setting, arguments: &MoveArguments) -> Outcome<()> {
    if arguments.to == CLOSED {
        return Err(Failure::new(
            FailureKind::Usage,
            words!("a case ends by `hizo case close`", "相談は `hizo case close` で終了します"),
        ));
    }
    let (side, present) = enter(setting)?;
    let rests_on = match &arguments.rests_on {
        Some(digits) => present.consents.named(digits)?.said.space.clone(),
        None => NOTHING.to_owned(),
    };
    let case = present.case(side.opened())?;
    let sorted = match (&arguments.kind, &arguments.urgency) {
        (None, None) => None,
        (kind, urgency) => Some(Said::Sorted {
            kind: kind.as_deref().map_or(Some(case.kind), Kind::from_word).ok_or_else(unknown_word)?,
            urgency: urgency.as_deref().map_or(Some(case.urgency), Urgency::from_word).ok_or_else(unknown_word)?,
        }),
    };
    let step = step(&side, case, &arguments.to, &arguments.because)?;
    allow(&side, &present, &step, &arguments.to)?;
    let moved = formed(Said::Moved { step, to: arguments.to.clone(), rests_on })?;
    take(setting, side, present, &arguments.to, sorted.into_iter().chain([moved]).collect())
}

pub(super) fn close(setting: &Setting, arguments: &CloseArguments) -> Outcome<()> {
    let (side, present) = enter(setting)?;
    let step = step(&side, present.case(side.opened())?, CLOSED, &arguments.because)?;
    allow(&side, &present, &step, CLOSED)?;
    let closed = formed(Said::Closed { step })?;
    take(setting, side, present, CLOSED, vec![closed])
}

/// The step from where the case is, before the eyes of whoever takes it.
fn step(side: &Side, case: &Case, to: &str, because: &Because) -> Outcome<Step> {
    let from = match &because.from {
        Some(from) => from.clone(),
        None => {
            let mut fitting = case.states.keys().filter(|from| Move::between(from, to).next().is_some());
            match (fitting.next(), fitting.next()) {
                (Some(from), None) => (*from).to_owned(),
                (Some(_), Some(_)) => {
                    return Err(Failure::new(
                        FailureKind::Usage,
                        words!("several states of this case lead there", "そこへ進める段階が複数あります"),
                    )
                    .hint(words!(
                        "Say with --from which is left.",
                        "どの段階から進むか、--from で指定してください。"
                    )));
                }
                (None, _) => case.states.keys().next().map(|from| (*from).to_owned()).unwrap_or_default(),
            }
        }
    };
    let head = side.safe.chain.head();
    Ok(Step {
        from,
        reason: because.reason.clone(),
        note: because.note.clone(),
        seen: head.id.to_string(),
        seen_number: head.number,
    })
}

/// Says what may follow where something else was asked for.
fn allow(side: &Side, present: &Present, step: &Step, to: &str) -> Outcome<()> {
    let case = present.case(side.opened())?;
    let party = present.own.ok_or_else(|| refused(Refusal::Stranger))?;
    match case.may_go(party, &step.from, to, &step.reason) {
        Ok(_) => Ok(()),
        Err(refusal @ (Refusal::Move | Refusal::Reason | Refusal::From)) => {
            let may = follows(case, Some(party));
            let (reason, from) = (why(refusal), State::of(&step.from).map_or_else(|| "?".into(), State::words));
            Err(Failure::fixable(words!(
                "this would not count ({from}): {reason}",
                "記録しても有効になりません（{from}）: {reason}";
                from, reason
            ))
            .hint(words!("You may: {may}.", "あなたが進められるのは: {may}。"))
            .source(refusal))
        }
        Err(refusal) => Err(refused(refusal)),
    }
}

/// What may follow now, by one party or anybody: each state with the reasons that lead to it.
pub(super) fn follows(case: &Case, party: Option<crate::parties::Party>) -> String {
    let rows = case.states.keys().flat_map(|state| Move::out_of(state));
    let rows = rows.filter(|row| party.is_none_or(|party| row.who.contains(&party)));
    let lines: Vec<_> = rows.map(|row| format!("{} ({})", row.to, row.reasons.join(" | "))).collect();
    if lines.is_empty() { "-".to_owned() } else { lines.join("; ") }
}

fn take(setting: &Setting, mut side: Side, present: Present, to: &str, said: Vec<Said>) -> Outcome<()> {
    let appended = say(&mut side, present, said)?;
    let now = Present::of(side.opened())?;
    let case = now.case(side.opened())?;
    let mut result = appended_as_json(&side, &appended);
    result["states"] = json!(case.states.keys().collect::<Vec<_>>());
    setting.console.result(result, |out| {
        let state = State::of(to).map_or_else(|| "?".into(), State::words);
        let line = words!("the case is now in: {state}", "いまの段階: {state}"; state);
        writeln!(out, "{}", setting.console.say(line))
    });
    appended.promised
}
