//! `hizo case`

use hizo_vault::event::Event;
use hizo_vault::event::case::Said;
use serde_json::{Value, json};

use super::{
    Entry, Present, Refusal, give, keep, list, matrix, open, paper, say, show, sides, states, step, thing, why,
};
use crate::Setting;
use crate::failure::{Failure, Outcome};
use crate::handover;
use crate::membership::Appended;
use crate::safe;
use crate::side::Side;
use crate::sides::refuse_blocked;
use crate::words::words;

/// Ask for help and give it: begin a case, say what happened, advise, and see how far it has come
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, clap::Subcommand)]
enum Act {
    Open(open::Arguments),
    Give(give::Arguments),
    List(list::Arguments),
    Show(show::Arguments),
    Tell(say::TellArguments),
    Move(step::MoveArguments),
    Advise(say::AdviseArguments),
    Visit(say::VisitArguments),
    Task(say::TaskArguments),
    Hold(say::HoldArguments),
    Keep(keep::Arguments),
    Thing(thing::Arguments),
    Search(matrix::SearchArguments),
    Matrix(matrix::Arguments),
    Paper(paper::Arguments),
    Sides(sides::Arguments),
    Close(step::CloseArguments),
}

pub(crate) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    match &arguments.act {
        Act::Open(arguments) => open::run(setting, arguments),
        Act::Give(arguments) => give::run(setting, arguments),
        Act::List(arguments) => list::run(setting, arguments),
        Act::Show(arguments) => show::run(setting, arguments),
        Act::Tell(arguments) => say::tell(setting, arguments),
        Act::Move(arguments) => step::go(setting, arguments),
        Act::Advise(arguments) => say::advise(setting, arguments),
        Act::Visit(arguments) => say::visit(setting, arguments),
        Act::Task(arguments) => say::task(setting, arguments),
        Act::Hold(arguments) => say::hold(setting, arguments),
        Act::Keep(arguments) => keep::run(setting, arguments),
        Act::Thing(arguments) => thing::run(setting, arguments),
        Act::Search(arguments) => matrix::search(setting, arguments),
        Act::Matrix(arguments) => matrix::run(setting, arguments),
        Act::Paper(arguments) => paper::run(setting, arguments),
        Act::Sides(arguments) => sides::run(setting, arguments),
        Act::Close(arguments) => step::close(setting, arguments),
    }
}

/// The case whose home this is.
pub(super) fn enter(setting: &Setting) -> Outcome<(Side, Present)> {
    let side = Side::of(setting)?;
    handover::guard(&side.safe, &side.keyring, &side.identity)?;
    let present = Present::of(side.opened())?;
    present.case(side.opened())?;
    Ok((side, present))
}

/// Says this in the case, if it will count.
pub(super) fn say(side: &mut Side, mut present: Present, said: Vec<Said>) -> Outcome<Appended> {
    // Whoever may not help can still bring it to its end, without a word.
    let ends = |said: &Said| match said {
        Said::Moved { step, to, .. } => to == states::CLOSING && step.note.is_empty(),
        Said::Closed { step } => step.note.is_empty(),
        _ => false,
    };
    if !said.iter().all(ends) {
        refuse_blocked(side, present.own)?;
    }
    let now = safe::now()?;
    said.iter().try_for_each(|said| present.try_out(side.opened(), said, now)).map_err(refused)?;
    let appended = side.say(said.into_iter().map(|said| Event::Case(Box::new(said))).collect())?;
    let record = side.safe.chain.head().number;
    // Somebody else may have said something in between.
    let told = Present::of(side.opened())?.fold.refused.into_iter().find(|(entry, _)| entry.record == record);
    match told {
        Some((_, refusal)) => Err(refused(refusal)),
        None => Ok(appended),
    }
}

/// What people see when something would not count.
pub(super) fn refused(refusal: Refusal) -> Failure {
    let reason = why(refusal);
    let failure =
        Failure::fixable(words!("this would not count: {reason}", "記録しても有効になりません: {reason}"; reason));
    failure.source(refusal).hint(match refusal {
        Refusal::Party => words!(
            "`hizo case show` says who you are in this case, and who has to act.",
            "この相談でのあなたの立場と、次に動く人は `hizo case show` で分かります。"
        ),
        Refusal::Stranger => words!(
            "Somebody who reads the case has to say it: the company, or whoever acts for the centre.",
            "相談の中を見られる人（会社、または窓口の人）が記録してください。"
        ),
        Refusal::Rests => words!(
            "`hizo hand-over status` says how far each hand-over has come.",
            "引き渡しがどこまで進んだかは `hizo hand-over status` で分かります。"
        ),
        Refusal::Closed => {
            words!("Begin a new case: `hizo case open`.", "新しい相談を始めてください: `hizo case open`。")
        }
        Refusal::Unopened
        | Refusal::Opened
        | Refusal::From
        | Refusal::Move
        | Refusal::Reason
        | Refusal::Holds
        | Refusal::Tag
        | Refusal::Seen => words!(
            "`hizo case show` says in which state the case is and what may follow.",
            "いまの段階と、次に進める段階は `hizo case show` で分かります。"
        ),
    })
}

/// The record in which something was said, for scripts.
pub(super) fn appended_as_json(side: &Side, appended: &Appended) -> Value {
    json!({ "record": side.safe.chain.head().number, "id": appended.id.to_string() })
}

/// Who said something and when, for scripts.
pub(super) fn entry_as_json(entry: &Entry) -> Value {
    json!({
        "record": entry.record, "time": time(entry.time), "by": entry.name,
        "party": entry.party.map(crate::parties::Party::word),
    })
}

/// A time for scripts.
pub(super) fn time(seconds: u64) -> String {
    hizo_ledger::record::ClaimedTime::from_unix_seconds(seconds)
        .map(|time| time.as_str().to_owned())
        .unwrap_or_default()
}
