//! `hizo log renew`

use hizo_keeper::stamp::{Asked, Due, Patience, due};
use hizo_ledger::timestamp::Moment;
use serde_json::json;

use crate::Setting;
use crate::failure::{Failure, Outcome};
use crate::log::SeenLog;
use crate::safe::{self, Safe};
use crate::stamps::{self, Stamps};
use crate::words::{Words, words};

/// Stamp the log anew when the certificates behind its stamps end within a year
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Stamp it now, also if nothing is due
    #[arg(long)]
    now: bool,
}

/// What came of it.
struct Renewed {
    asked: Asked,
    /// Until when the best of the newest stamps can be relied on.
    ends: Option<Moment>,
    due: Due,
    /// What does not hold of those that were looked at.
    faults: Vec<Words>,
    /// Who has to do something about it.
    hint: Words,
}

pub(crate) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let renewed = renew(&setting.safe()?, arguments.now)?;
    let console = setting.console;
    stamps::notes(&renewed.asked).into_iter().for_each(|note| console.note(note));
    renewed.faults.into_iter().for_each(|fault| console.warn(fault));
    let taken: Vec<_> = renewed.asked.taken.iter().map(|authority| authority.name()).collect();
    let value = json!({
        "stamped": taken,
        "refused": renewed.asked.refused.iter().map(|(name, _)| name).collect::<Vec<_>>(),
        "ends": renewed.ends.map(|ends| ends.to_string()),
        "due": match renewed.due {
            Due::Nothing => None,
            Due::From(from) => Some(from.to_string()),
            Due::Before(_) => Some("now".to_owned()),
        },
    });
    console.result(value, |out| {
        if !taken.is_empty() {
            let names = taken.join(", ");
            writeln!(out, "{}", console.say(words!("stamped by {names}", "{names} のタイムスタンプを得ました")))?;
        }
        match renewed.due {
            Due::From(from) if !console.quiet => writeln!(
                out,
                "{}",
                console.say(words!("nothing is due before {from}", "{from} までは何もする必要がありません"))
            ),
            Due::From(_) | Due::Before(_) | Due::Nothing => Ok(()),
        }
    });
    match renewed.due {
        Due::From(_) => Ok(()),
        Due::Before(ends) => Err(Failure::fixable(words!(
            "the newest independent stamp can be relied on until {ends}, and no authority gave one for longer",
            "いちばん新しい第三者のタイムスタンプは {ends} までで、それより長いものを得られませんでした"
        ))
        .hint(renewed.hint)),
        Due::Nothing => Err(Failure::fixable(words!(
            "the log has no independent stamp",
            "台帳に、第三者によるタイムスタンプがありません"
        ))
        .hint(renewed.hint)),
    }
}

fn renew(safe: &Safe, now: bool) -> Outcome<Renewed> {
    let seen = SeenLog::publish(safe)?;
    let mut stamps = Stamps::open(safe, &seen, &[], &[])?;
    let asked = match now {
        true => stamps.ask_all(&Patience::default())?,
        false => stamps.ask_wanting(&Patience::default(), None)?,
    };
    let ends = stamps.ends()?;
    let hint = match safe.keeper.here() {
        Some(_) => words!(
            "Name an authority whose certificate ends later, or one that answers, with `hizo log authorities`.",
            "証明書の期限がもっと先で、応答する時刻認証局を `hizo log authorities` で登録してください。"
        ),
        None => words!(
            "The keeper asks authorities by itself: ask whoever runs it, and name those that count with `hizo log authorities`.",
            "タイムスタンプは預け先が求めます。預け先に尋ね、信用する時刻認証局を `hizo log authorities` で登録してください。"
        ),
    };
    Ok(Renewed { asked, ends, due: due(ends, safe::moment()?), faults: stamps.faults(), hint })
}
