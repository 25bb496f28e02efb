//! `hizo case tell`, `advise`, `visit`, `task` and `hold`

use std::path::{Path, PathBuf};

use hizo_vault::event::case::{For, Said, TEXT_BYTES_MAX};
use serde_json::json;

use super::command::{appended_as_json, enter, say};
use super::open::{check_text, formed, unknown_word};
use super::{Present, Task, Visit};
use crate::entropy::random;
use crate::failure::{Failure, Kind, Outcome, shown};
use crate::hashing::hex;
use crate::side::Side;
use crate::words::{Words, words};
use crate::{Setting, bundle};

/// Say what happened, in your words or in those of whom you type for
#[derive(Debug, clap::Args)]
pub(crate) struct TellArguments {
    #[command(flatten)]
    text: Text,
    /// When it happened: a day, or a time in universal time
    #[arg(long, value_name = "DAY", default_value = "")]
    happened: String,
    /// When it was written down, if that was not now
    #[arg(long, value_name = "DAY", default_value = "")]
    written: String,
    /// For whom you type
    #[arg(long = "for", value_name = "NAME", default_value = "")]
    teller: String,
}

/// Write an advice note
#[derive(Debug, clap::Args)]
pub(crate) struct AdviseArguments {
    #[command(flatten)]
    text: Text,
}

/// A text that others who use this machine should not see on a command line.
#[derive(Debug, clap::Args)]
struct Text {
    /// The text; on a machine that others use, write it in a file
    #[arg(value_name = "TEXT", required_unless_present = "text_file")]
    text: Option<String>,
    /// A file that holds the text
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    text_file: Option<PathBuf>,
}

/// Plan a visit, or say that it was made
#[derive(Debug, clap::Args)]
pub(crate) struct VisitArguments {
    /// A visit that was planned: the first digits of its id
    #[arg(value_name = "VISIT")]
    visit: Option<String>,
    /// When: a day, or a time in universal time
    #[arg(long, value_name = "DAY", required_unless_present = "visit")]
    on: Option<String>,
    /// Where
    #[arg(long, value_name = "PLACE")]
    place: Option<String>,
    /// What for, or what came of it
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// It was made
    #[arg(long)]
    made: bool,
}

/// Ask for something to be done, or say that it was
#[derive(Debug, clap::Args)]
pub(crate) struct TaskArguments {
    /// What is to be done
    #[arg(value_name = "TEXT", required_unless_present = "done")]
    text: Option<String>,
    /// By whom
    #[arg(long = "for", value_parser = ["company", "counsellor"], default_value = "company")]
    who: String,
    /// Until when
    #[arg(long, value_name = "DAY", default_value = "")]
    due: String,
    /// A task that was done: the first digits of its id
    #[arg(long, value_name = "TASK", conflicts_with_all = ["text", "due"])]
    done: Option<String>,
}

/// Have a case kept longer than its time, or no longer
#[derive(Debug, clap::Args)]
pub(crate) struct HoldArguments {
    /// From now on, or no longer
    #[arg(value_parser = ["on", "off"])]
    state: String,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
}

impl Text {
    fn read(&self) -> Outcome<String> {
        match &self.text_file {
            Some(path) => read_text(path),
            None => Ok(self.text.clone().unwrap_or_default()),
        }
    }
}

/// The text that a file holds.
pub(super) fn read_text(path: &Path) -> Outcome<String> {
    let text = String::from_utf8(bundle::read(path, TEXT_BYTES_MAX)?).map_err(|error| {
        let file = shown(path);
        Failure::fixable(words!("{file} is no text", "{file} は文章のファイルではありません"))
            .hint(words!("Save it as UTF-8.", "UTF-8 で保存し直してください。"))
            .source(error)
    })?;
    Ok(text.trim_end().to_owned())
}

pub(super) fn tell(setting: &Setting, arguments: &TellArguments) -> Outcome<()> {
    let [happened, written, teller] = [&arguments.happened, &arguments.written, &arguments.teller].map(Clone::clone);
    let said = Said::Told { text: arguments.text.read()?, happened, written, teller };
    let (side, present) = enter(setting)?;
    one(setting, (side, present), said, None, &words!("written down", "書きとめました"))
}

pub(super) fn advise(setting: &Setting, arguments: &AdviseArguments) -> Outcome<()> {
    let said = Said::Advice { text: arguments.text.read()? };
    one(setting, enter(setting)?, said, None, &words!("advice written down", "助言を記録しました"))
}

pub(super) fn hold(setting: &Setting, arguments: &HoldArguments) -> Outcome<()> {
    let (on, note) = (arguments.state == "on", arguments.note.clone());
    let done = match on {
        true => words!("this case is kept until the hold ends", "解除されるまで、この相談を残します"),
        false => words!("this case is kept for its time and no longer", "この相談は、決まった期間だけ残します"),
    };
    one(setting, enter(setting)?, Said::Hold { on, note }, None, &done)
}

pub(super) fn visit(setting: &Setting, arguments: &VisitArguments) -> Outcome<()> {
    let (side, present) = enter(setting)?;
    let case = present.case(side.opened())?;
    let said = match &arguments.visit {
        Some(digits) => {
            let known = named(&case.visits, digits, |visit: &Visit| &visit.id)?;
            Said::Visit {
                id: known.id.clone(),
                on: arguments.on.clone().unwrap_or_else(|| known.on.clone()),
                place: arguments.place.clone().unwrap_or_else(|| known.place.clone()),
                note: arguments.note.clone().unwrap_or_else(|| known.note.clone()),
                made: arguments.made || known.made,
            }
        }
        None => Said::Visit {
            id: new_id(),
            on: arguments.on.clone().unwrap_or_default(),
            place: arguments.place.clone().unwrap_or_default(),
            note: arguments.note.clone().unwrap_or_default(),
            made: arguments.made,
        },
    };
    let Said::Visit { id, made, .. } = &said else { return Err(unknown_word()) };
    let (id, done) = match made {
        true => (id.clone(), words!("the visit was made", "訪問を済みにしました")),
        false => (id.clone(), words!("a visit is planned", "訪問を予定に入れました")),
    };
    one(setting, (side, present), said, Some(&id), &done)
}

pub(super) fn task(setting: &Setting, arguments: &TaskArguments) -> Outcome<()> {
    let (side, present) = enter(setting)?;
    let case = present.case(side.opened())?;
    let (said, done) = match &arguments.done {
        Some(digits) => {
            let Task { id, text, who, due, .. } = named(&case.tasks, digits, |task: &Task| &task.id)?;
            let said = Said::Task { id: id.clone(), text: text.clone(), who: *who, due: due.clone(), done: true };
            (said, words!("the task is done", "済みにしました"))
        }
        None => {
            let text = arguments.text.clone().unwrap_or_default();
            check_text("TEXT", &text)?;
            let who = For::from_word(&arguments.who).ok_or_else(unknown_word)?;
            let said = Said::Task { id: new_id(), text, who, due: arguments.due.clone(), done: false };
            (said, words!("a task is set", "やることに加えました"))
        }
    };
    let Said::Task { id, .. } = &said else { return Err(unknown_word()) };
    let id = id.clone();
    one(setting, (side, present), said, Some(&id), &done)
}

/// Says one thing, and that it is said.
pub(super) fn one(
    setting: &Setting,
    (mut side, present): (Side, Present),
    said: Said,
    id: Option<&str>,
    done: &Words,
) -> Outcome<()> {
    let appended = say(&mut side, present, vec![formed(said)?])?;
    let mut result = appended_as_json(&side, &appended);
    if let Some(id) = id {
        result["named"] = json!(id);
    }
    setting.console.result(result, |out| {
        let named = id.and_then(|id| id.get(..6)).map(|digits| format!(" ({digits})")).unwrap_or_default();
        writeln!(out, "{}{named}", setting.console.say(done.clone()))
    });
    appended.promised
}

pub(super) fn new_id() -> String {
    hex(&random::<8>())
}

/// The one whose id begins with these digits.
pub(super) fn named<'a, T>(all: &'a [T], digits: &str, id: impl Fn(&T) -> &String) -> Outcome<&'a T> {
    let mut found = all.iter().filter(|one| id(one).starts_with(digits));
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        _ => Err(Failure::new(
            Kind::Usage,
            words!("{digits} names none, or several", "{digits} に当たるものがないか、複数あります"),
        )
        .hint(words!("`hizo case show` lists them.", "一覧は `hizo case show` で見られます。"))),
    }
}
