//! `hizo case keep`

use hizo_vault::event::case::{Said, Standing};
use serde_json::{Value, json};

use super::command::{appended_as_json, enter, entry_as_json, say, time};
use super::keeping::{Countdown, Machine, Reminder, SOURCES, countdowns, do_nots};
use super::open::{formed, unknown_word};
use super::{Case, clocks};
use crate::Setting;
use crate::failure::{Outcome, shown_bytes};
use crate::safe;
use crate::view::View;
use crate::words::{Words, words};

/// Say what of the evidence may be lost and until when, what not to do, and what was kept
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A source of evidence, as the list without it names them
    #[arg(value_name = "SOURCE", value_parser = source_words(), requires = "state")]
    source: Option<String>,
    /// How it stands
    #[arg(long, value_parser = ["wanted", "kept", "gone", "none"], requires = "source")]
    state: Option<String>,
    /// From when on its time runs
    #[arg(long, value_name = "DAY", default_value = "", requires = "source")]
    since: String,
    /// How many days it lives at your company
    #[arg(long, value_name = "DAYS", default_value_t = 0, requires = "source")]
    days: u64,
    /// The deposit of this case in which it is kept, as in `hizo restore`
    #[arg(long, value_name = "DEPOSIT", requires = "source")]
    deposit: Option<String>,
    /// Whatever else there is to say
    #[arg(long, value_name = "TEXT", default_value = "", requires = "source")]
    note: String,
    /// How the machine is that matters: what not to do depends on it
    #[arg(long, value_enum)]
    machine: Option<Machine>,
}

fn source_words() -> Vec<&'static str> {
    SOURCES.iter().map(|source| source.word).collect()
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    match &arguments.source {
        Some(source) => keep(setting, arguments, source),
        None => list(setting, arguments.machine),
    }
}

fn keep(setting: &Setting, arguments: &Arguments, source: &str) -> Outcome<()> {
    let (mut side, present) = enter(setting)?;
    let state = arguments.state.as_deref().and_then(Standing::from_word).ok_or_else(unknown_word)?;
    let deposit = match &arguments.deposit {
        Some(named) => setting.find(&View::of(side.opened())?, side.opened(), named)?.id().to_string(),
        None => String::new(),
    };
    let (since, note) = (arguments.since.clone(), arguments.note.clone());
    let said = formed(Said::Kept { source: source.to_owned(), state, since, days: arguments.days, deposit, note })?;
    let appended = say(&mut side, present, vec![said])?;
    setting.console.result(appended_as_json(&side, &appended), |out| {
        let state = standing(state);
        writeln!(
            out,
            "{}",
            setting.console.say(words!("{source}: {state}", "{source}: {state}", source = source; state))
        )
    });
    appended.promised
}

fn list(setting: &Setting, machine: Option<Machine>) -> Outcome<()> {
    let (side, present) = enter(setting)?;
    let case = present.case(side.opened())?;
    let now = safe::now()?.unix_seconds();
    setting.console.result(as_json(case, machine, now), |out| {
        for words in do_nots(case.kind, machine) {
            let line = words!("! {words}", "！{words}"; words);
            writeln!(out, "{}", setting.console.say(line))?;
        }
        countdowns(case, now).try_for_each(|one| writeln!(out, "{}", setting.console.say(line(&one)).trim_end()))
    });
    Ok(())
}

fn as_json(case: &Case, machine: Option<Machine>, now: u64) -> Value {
    let sources = countdowns(case, now).map(|one| {
        json!({
            "source": one.source.word, "name": one.source.words().english(),
            "state": one.said.map(|said| said.state.word()), "until": one.until.map(time),
            "reminder": one.reminder.word(), "said": one.said.map(|said| entry_as_json(&said.entry)),
            "deposit": one.said.map(|said| said.deposit.as_str()).filter(|deposit| !deposit.is_empty()),
        })
    });
    let do_nots: Vec<_> = do_nots(case.kind, machine).map(|words| words.english().to_owned()).collect();
    json!({ "do_not": do_nots, "sources": sources.collect::<Vec<_>>() })
}

fn line(one: &Countdown) -> Words {
    let (name, word) = (one.source.words(), one.source.word);
    let note = one.said.map(|said| shown_bytes(said.note.as_bytes())).unwrap_or_default();
    let state = match (one.until, one.said) {
        (Some(until), _) => {
            let until = clocks::shown(until);
            match one.reminder {
                Reminder::None => words!("usually gone by {until}", "{until} ごろには消えます"),
                Reminder::Half => words!(
                    "half of its time is over: usually gone by {until}",
                    "期間の半分を過ぎました。{until} ごろには消えます"
                ),
                Reminder::Urgent => {
                    words!("URGENT: usually gone by {until}", "急いでください。{until} ごろには消えます")
                }
                Reminder::Over => {
                    words!(
                        "may be gone since {until}: look now",
                        "{until} ごろに消えた恐れがあります。すぐ確かめてください"
                    )
                }
            }
        }
        (None, Some(said)) => standing(said.state),
        (None, None) => "".into(),
    };
    words!("  {name} ({word}): {state} {note}", "  {name}（{word}）: {state} {note}", word = word, note = note; name, state)
}

pub(super) fn standing(state: Standing) -> Words {
    match state {
        Standing::Wanted => words!("to be kept", "これから保全"),
        Standing::Kept => words!("kept", "保全済み"),
        Standing::Gone => words!("gone", "失われました"),
        Standing::Absent => words!("there is none", "ありません"),
    }
}
