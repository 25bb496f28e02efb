//! `hizo space due`

use hizo_ledger::record::AdminRule;
use serde_json::{Value, json};

use super::entering::Admin;
use crate::Setting;
use crate::failure::{Failure, Outcome};
use crate::membership::{Appended, Made, Proposing};
use crate::prepared::{self, Done, Order, Orders, Sealed};
use crate::rotation;
use crate::safe::Safe;
use crate::words::{Words, words};

/// Remove whom you prepared to remove, once the time has come; asks for nothing when nothing is due
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    proposing: Proposing,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let orders = Orders::of(&setting.home()?)?;
    let mut outcome = orders.are_whole();
    let (due, later) = orders.due();
    if due.is_empty() {
        tell(setting, &[], later);
        return outcome;
    }
    let mut safe = setting.safe_before_due()?;
    let (mut told, before) = (Vec::new(), safe.chain.epoch());
    let admin = Admin::unheeded(setting, &safe)?;
    let left = make_all(admin, &mut safe, &due, &arguments.proposing, &mut |made| match made {
        Ok((order, done)) => {
            if let Done::Made(Made::Proposed(proposed)) = &done {
                proposed.note(setting);
            }
            told.push((line(&order.shown_name(), &done), as_json(&order.name, &done)));
            if let Done::Made(Made::Stands(appended)) = done {
                outcome = std::mem::replace(&mut outcome, Ok(())).and(appended.promised);
            }
        }
        Err(failure) => outcome = std::mem::replace(&mut outcome, Ok(())).and(Err(failure)),
    });
    let left = left?;
    tell(setting, &told, later + left);
    if left > 0 {
        setting.console.note(words!(
            "{left} more are due: propose the next one when this one stands",
            "ほかに{left}件の時刻が来ています。これが済んでから、次を提案してください"
        ));
    }
    if safe.chain.epoch() > before {
        rotation::say_next(setting, &safe.home);
    }
    outcome
}

/// Makes what is due, each at the head that the one before it left: how many are left behind one that was only proposed, since of
/// two proposals at one head the other can never stand.
pub(super) fn make_all(
    mut admin: Admin,
    safe: &mut Safe,
    due: &[Sealed],
    proposing: &Proposing,
    each: &mut dyn FnMut(Outcome<(Order, Done)>),
) -> Outcome<usize> {
    let mut left = due.len();
    for order in due {
        left -= 1;
        let made = order.make(safe, &admin.identity, &admin.keyring, proposing);
        let is_proposed = matches!(made, Ok((_, Done::Made(Made::Proposed(_)))));
        each(made);
        if is_proposed {
            break;
        }
        if left > 0 {
            // What was made has begun an epoch.
            admin.keyring = safe.unlock_unheeded(&admin.identity)?;
        }
    }
    Ok(left)
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
    let (record, proposed) = match done {
        Done::Made(Made::Stands(appended)) => (Some(appended.id.to_string()), Value::Null),
        Done::Made(Made::Proposed(proposed)) => (None, proposed.as_json()),
        Done::Gone => (None, Value::Null),
    };
    json!({ "name": name, "record": record, "proposal": proposed["proposal"], "until": proposed["until"] })
}

/// Does what is due when any command follows the safe and the passphrase is at hand; says it where it is not. What fails here
/// keeps no command from its work.
pub(crate) fn on_the_way(setting: &Setting, safe: &mut Safe) {
    let cannot_be_read = |Failure { message: why, .. }: Failure| {
        setting.console.warn(words!(
            "whether a prepared removal is due cannot be told: {why}; run `hizo space due`",
            "準備した「外す」指示の時刻が来ているか、確かめられません: {why}。`hizo space due` を実行してください";
            why
        ));
    };
    let orders = match Orders::of(&safe.home) {
        Ok(orders) => orders,
        Err(failure) => return cannot_be_read(failure),
    };
    orders.are_whole().unwrap_or_else(cannot_be_read);
    let (due, _) = orders.due();
    if due.is_empty() {
        return;
    }
    if safe.chain.admin_rule() == AdminRule::Two {
        // A proposal is for a person to make and to send.
        return setting.console.warn(words!(
            "a prepared removal is due, and this needs two admins: `hizo space due --propose FILE`",
            "準備した「外す」指示の時刻が来ました。管理者2人の署名が必要です: `hizo space due --propose ファイル`"
        ));
    }
    if !setting.passphrase.is_in_file() || !safe.home.identity_file().exists() {
        return setting.console.warn(prepared::are_due(due.len()));
    }
    let was_not_done = |Failure { message: why, .. }: Failure| {
        setting.console.warn(words!(
            "a prepared removal is due and was not done: {why}; run `hizo space due`",
            "準備した「外す」指示の時刻が来ましたが、できませんでした: {why}。`hizo space due` を実行してください";
            why
        ));
    };
    let before = safe.chain.epoch();
    let admin = Admin::unheeded(setting, safe);
    let done = admin.and_then(|admin| {
        make_all(admin, safe, &due, &Proposing::default(), &mut |made| match made {
            Ok((order, done)) => {
                setting.console.warn(line(&order.shown_name(), &done));
                if let Done::Made(Made::Stands(Appended { promised: Err(failure), .. })) = done {
                    setting.console.failed(&failure);
                }
            }
            Err(failure) => was_not_done(failure),
        })
    });
    done.map(drop).unwrap_or_else(was_not_done);
    if safe.chain.epoch() > before {
        rotation::say_next(setting, &safe.home);
    }
}
