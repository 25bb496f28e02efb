//! `hizo space remove`

use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::{Control, Role};
use hizo_vault::event::Event;
use serde_json::{Value, json};

use super::entering::{self, Admin};
use crate::Setting;
use crate::epochs;
use crate::failure::{Failure, Outcome, shown_bytes};
use crate::membership::{Change, Made, Proposing};
use crate::people::{Person, Seat};
use crate::safe::Safe;
use crate::view::View;
use crate::words::{Words, words};

/// Remove a member with all of that person's machines: nothing kept from then on can be opened by them
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The member: what the person is called, or the first digits of a key
    #[arg(value_name = "NAME")]
    member: String,
    /// Only this machine of the person, as `hizo space members` names it
    #[arg(long, value_name = "NAME")]
    machine: Option<String>,
    /// Why; the other members can read it
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// Say what the member can have read, and remove nobody
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    proposing: Proposing,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let mut safe = setting.safe()?;
    let admin = Admin::unheeded(setting, &safe)?;
    let person = admin.keyring.people()?.named(&safe, &arguments.member)?;
    let leaving: Vec<Seat> = match &arguments.machine {
        Some(name) => vec![machine(&person, name)?],
        None => person.seats().collect(),
    };
    let keys: Vec<VerifyingKey> = leaving.iter().map(|seat| seat.key).collect();
    admin.keyring.people()?.heed(&safe, &keys)?;
    for key in &keys {
        entering::stays_with_admin(&safe, *key, Role::Writer)?;
    }
    let view = View::of(admin.opened(&safe))?;
    let own = person.own.filter(|own| keys.contains(&own.key));
    let from = own.and_then(|own| admin.keyring.people().ok()?.first_epoch(&safe, &own.key));
    let read = Readable::since(&safe, &view, from);
    let made = match arguments.dry_run {
        true => None,
        false => {
            let change = removal(&safe, &admin, &keys, &arguments.reason)?;
            Some(admin.make(change, &mut safe, &arguments.proposing)?)
        }
    };
    tell(setting, arguments, &person, &leaving, &read, made.as_ref());
    match made {
        Some(Made::Stands(appended)) => appended.promised,
        Some(Made::Proposed(proposed)) => {
            proposed.note(setting);
            Ok(())
        }
        None => Ok(()),
    }
}

/// The change that takes keys away, and seals what comes later to those who stay.
fn removal(safe: &Safe, admin: &Admin, keys: &[VerifyingKey], reason: &str) -> Outcome<Change> {
    let mut change = Change::default();
    change.draft.controls.extend(keys.iter().map(|key| Control::Remove(*key)));
    let readers = epochs::readers(admin.opened(safe), keys)?;
    change.begin_epoch(admin.opened(safe), &readers)?;
    let removed = |key: &VerifyingKey| Event::MemberRemoved { key: key.to_base64(), reason: reason.to_owned() };
    change.events = keys.iter().map(removed).collect();
    Ok(change)
}

fn machine(person: &Person, named: &str) -> Outcome<Seat> {
    let is_meant = |(seat, name): &&(Seat, Option<String>)| {
        name.as_deref() == Some(named) || (named.len() >= 6 && seat.key.name().to_string().starts_with(named))
    };
    let mut found = person.machines.iter().filter(is_meant);
    match (found.next(), found.next()) {
        (Some((seat, _)), None) => Ok(*seat),
        _ => {
            let named = shown_bytes(named.as_bytes());
            Err(Failure::fixable(words!(
                "there is not one machine {named} of that member",
                "そのメンバーの「{named}」というコンピューターを特定できません"
            ))
            .hint(words!(
                "Name it as `hizo space members --json` shows it, or by its key.",
                "`hizo space members --json` の表示か、鍵の先頭の桁で指定してください。"
            )))
        }
    }
}

/// What a member can have opened until now: whatever was sealed since the first epoch that was given to him.
struct Readable {
    series: Vec<(String, Vec<u64>)>,
}

impl Readable {
    fn since(safe: &Safe, view: &View, epoch: Option<u32>) -> Self {
        let Some(from) = epoch else { return Self { series: Vec::new() } };
        let is_open = |record: u64| {
            let record = usize::try_from(record).ok().and_then(|record| safe.records.get(record));
            record.is_some_and(|record| record.envelope().epoch >= from)
        };
        let mut series = Vec::new();
        for (id, known) in &view.series {
            let readable = known.deposits.iter().map(|deposit| (deposit.number, deposit.record));
            let unreadable = view.unreadable_of(*id).map(|(number, unreadable)| (number, unreadable.record));
            let before = view.before.iter().filter_map(|(record, deposit)| {
                deposit.filter(|(of, _)| of == id).map(|(_, number)| (number, *record))
            });
            let all = readable.chain(unreadable).chain(before).filter(|(_, record)| is_open(*record));
            let mut numbers: Vec<u64> = all.map(|(number, _)| number).collect();
            numbers.sort_unstable();
            if !numbers.is_empty() {
                series.push((known.shown_name(*id), numbers));
            }
        }
        Self { series }
    }

    fn as_json(&self) -> Value {
        self.series.iter().map(|(name, deposits)| json!({ "series": name, "deposits": deposits })).collect()
    }
}

fn tell(
    setting: &Setting,
    arguments: &Arguments,
    person: &Person,
    leaving: &[Seat],
    read: &Readable,
    made: Option<&Made>,
) {
    let name = person.shown_name();
    let proposed = match made {
        Some(Made::Proposed(proposed)) => Some(proposed),
        Some(Made::Stands(_)) | None => None,
    };
    let mut result = json!({
        "name": person.name, "dry_run": arguments.dry_run,
        "keys": leaving.iter().map(|seat| seat.key.name().to_string()).collect::<Vec<_>>(),
        "could_read": read.as_json(),
    });
    if let (Some(proposed), Some(result)) = (proposed, result.as_object_mut()) {
        result.extend(proposed.as_json().as_object().cloned().unwrap_or_default());
    }
    setting.console.result(result, |out| {
        let done = match (made, &arguments.machine) {
            (None, _) => words!("nobody was removed", "誰も外していません"),
            (Some(Made::Proposed(proposed)), _) => proposed.line(),
            (Some(Made::Stands(_)), None) => words!(
                "{name} is removed, with {keys} keys; what is kept from now on is closed to them",
                "{name}さんを外しました（鍵{keys}個）。今後預けるものは開けられません",
                name = name,
                keys = leaving.len()
            ),
            (Some(Made::Stands(_)), Some(machine)) => words!(
                "machine {machine} is removed from {name}",
                "{name}さんのコンピューター「{machine}」を外しました",
                machine = shown_bytes(machine.as_bytes()),
                name = name
            ),
        };
        writeln!(out, "{}", setting.console.say(done))?;
        for line in could_read(&name, read) {
            writeln!(out, "{}", setting.console.say(line))?;
        }
        Ok(())
    });
}

fn could_read(name: &str, read: &Readable) -> Vec<Words> {
    if read.series.is_empty() {
        return vec![words!(
            "nothing that is kept could be opened with those keys",
            "その鍵で開けられたものはありません"
        )];
    }
    let head = words!(
        "{name} could open until now, and may have copies of:",
        "{name}さんがこれまでに開けられたもの（写しを持っているかもしれません）:"
    );
    let line = |(series, numbers): &(String, Vec<u64>)| {
        let numbers = ranges(numbers);
        words!("    {series}: deposits {numbers}", "    束「{series}」: 第{numbers}回")
    };
    let tail = words!("which of them were opened, nobody can know", "このうちどれを実際に開けたかは分かりません");
    [head].into_iter().chain(read.series.iter().map(line)).chain([tail]).collect()
}

/// Rising numbers as people write them: `1-3, 7`.
fn ranges(numbers: &[u64]) -> String {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            _ => runs.push((*number, *number)),
        }
    }
    let run = |(first, last): &(u64, u64)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    runs.iter().map(run).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::ranges;

    #[test]
    fn numbers_in_a_row_are_one_range() {
        assert_eq!(ranges(&[1, 2, 3, 7, 9, 10]), "1-3, 7, 9-10");
        assert_eq!(ranges(&[]), "");
    }
}
