//! `hizo space due`

use serde_json::{Value, json};

use super::entering::Admin;
use crate::Setting;
use crate::failure::{Failure, Outcome};
use crate::membership::{Appended, Made, Proposing};
use crate::prepared::{self, Done, Sealed};
use crate::words::{Words, words};

/// Remove whom you prepared to remove, once the time has come; asks for nothing when nothing is due
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    proposing: Proposing,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let orders = Sealed::all(&setting.home()?)?;
    let (due, later): (Vec<_>, Vec<_>) = orders.into_iter().partition(Sealed::is_due);
    if due.is_empty() {
        tell(setting, &[], later.len());
        return Ok(());
    }
    let mut safe = setting.safe_before_due()?;
    let mut told = Vec::new();
    let mut outcome = Ok(());
    for order in due {
        // Each is made at the head that the one before it left.
        let made = Admin::unheeded(setting, &safe).and_then(|admin| {
            let Admin { identity, keyring } = &admin;
            order.make(&mut safe, identity, keyring, &arguments.proposing)
        });
        match made {
            Ok((order, done)) => {
                if let Done::Made(Made::Proposed(proposed)) = &done {
                    proposed.note(setting);
                }
                told.push((line(&order.shown_name(), &done), as_json(&order.name, &done)));
                if let Done::Made(Made::Stands(appended)) = done {
                    outcome = outcome.and(appended.promised);
                }
            }
            Err(failure) => outcome = outcome.and(Err(failure)),
        }
    }
    tell(setting, &told, later.len());
    outcome
}

fn tell(setting: &Setting, told: &[(Words, Value)], later: usize) {
    let done: Vec<&Value> = told.iter().map(|(_, value)| value).collect();
    setting.console.result(json!({ "done": done, "later": later }), |out| {
        told.iter().try_for_each(|(line, _)| writeln!(out, "{}", setting.console.say(line.clone())))?;
        match told.is_empty() {
            true => writeln!(out, "{}", setting.console.say(words!("nothing is due", "時刻の来た指示はありません"))),
            false => Ok(()),
        }
    });
}

/// What was done, in words.
pub(crate) fn line(name: &str, done: &Done) -> Words {
    match done {
        Done::Made(Made::Stands(_)) => words!(
            "{name} is removed, as prepared; what is kept from now on is closed to that person",
            "準備したとおり、{name}さんを外しました。今後預けるものは開けられません"
        ),
        Done::Made(Made::Proposed(proposed)) => proposed.line(),
        Done::Gone => words!("{name} is a member no more", "{name}さんは、すでにメンバーではありません"),
    }
}

fn as_json(name: &str, done: &Done) -> Value {
    let (record, proposal) = match done {
        Done::Made(Made::Stands(appended)) => (Some(appended.id.to_string()), None),
        Done::Made(Made::Proposed(proposed)) => (None, Some(proposed.as_json()["proposal"].clone())),
        Done::Gone => (None, None),
    };
    json!({ "name": name, "record": record, "proposal": proposal })
}

/// Does what is due when any command follows the safe and the passphrase is at hand; says it where it is not. What fails here
/// keeps no command from its work.
pub(crate) fn on_the_way(setting: &Setting, safe: &mut crate::safe::Safe) {
    let Ok(orders) = Sealed::all(&safe.home) else { return };
    let due: Vec<_> = orders.into_iter().filter(Sealed::is_due).collect();
    if due.is_empty() {
        return;
    }
    if !setting.passphrase.is_in_file() || !safe.home.identity_file().exists() {
        setting.console.warn(prepared::are_due(due.len()));
        return;
    }
    for order in due {
        let made = Admin::unheeded(setting, safe)
            .and_then(|admin| order.make(safe, &admin.identity, &admin.keyring, &Proposing::default()));
        match made {
            Ok((order, done)) => {
                setting.console.warn(line(&order.shown_name(), &done));
                if let Done::Made(Made::Stands(Appended { promised: Err(failure), .. })) = done {
                    setting.console.failed(&failure);
                }
            }
            Err(Failure { message: why, .. }) => setting.console.warn(words!(
                "a prepared removal is due and was not done: {why}; run `hizo space due`",
                "準備した「外す」指示の時刻が来ましたが、できませんでした: {why}。`hizo space due` を実行してください";
                why
            )),
        }
    }
}
