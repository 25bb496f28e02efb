//! `hizo space members`

use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::AdminRule;
use hizo_vault::organisation::Card;
use serde_json::{Value, json};

use super::admins;
use crate::Setting;
use crate::cards;
use crate::failure::{Outcome, shown_bytes};
use crate::people::{Person, Seat, shown_organisation};
use crate::safe::Safe;
use crate::words::{Words, words};

/// List the members: people, what they may do, since when, and their machines
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {}

pub(super) fn run(setting: &Setting, _arguments: &Arguments) -> Outcome<()> {
    let safe = setting.safe()?;
    let keyring = setting.unlock(&safe)?;
    let (persons, rotators) = (keyring.people()?.persons(&safe), keyring.people()?.rotators(&safe));
    let listed: Vec<_> = persons.iter().map(|person| as_json(&safe, person)).collect();
    let of_rotator = |(key, card): &(VerifyingKey, Option<&Card>)| json!({ "key": key.name().to_string(), "organisation": card.map(|card| &card.name) });
    let result = json!({
        "needed": safe.chain.admin_rule().admins(), "members": listed,
        "rotators": rotators.iter().map(of_rotator).collect::<Vec<_>>(),
    });
    setting.console.result(result, |out| {
        for person in &persons {
            writeln!(out, "{}", setting.console.say(line(&safe, person)))?;
            for (seat, name) in &person.machines {
                writeln!(out, "{}", setting.console.say(machine_line(seat, name.as_deref())))?;
            }
        }
        for (key, card) in &rotators {
            writeln!(out, "{}", setting.console.say(rotator_line(key, *card)))?;
        }
        match safe.chain.admin_rule() {
            AdminRule::One => Ok(()),
            two @ AdminRule::Two => writeln!(out, "{}", setting.console.say(admins::line(two))),
        }
    });
    Ok(())
}

/// What the device said that made the record, in seconds since 1970.
fn time(safe: &Safe, record: u64) -> String {
    let record = safe.records.get(usize::try_from(record).unwrap_or(usize::MAX));
    record.map(|record| cards::time(record.envelope().time.unix_seconds())).unwrap_or_default()
}

fn line(safe: &Safe, person: &Person) -> Words {
    let since = time(safe, person.since());
    let name = person.shown_name();
    let organisation = person.organisation.as_ref().map(shown_organisation);
    let acts = organisation.map_or_else(
        || words!("", ""),
        |organisation| words!("  for {organisation}", "  {organisation}の人"; organisation),
    );
    match person.own {
        Some(Seat { role, .. }) => words!(
            "{name}{acts}  {role}  since {since}",
            "{name}{acts}  {role}  {since} から",
            role = role.as_str(),
            name = name,
            since = since;
            acts
        ),
        None => words!(
            "{name}{acts}  machines only  since {since}",
            "{name}{acts}  コンピューターのみ  {since} から";
            acts
        ),
    }
}

fn rotator_line(key: &VerifyingKey, card: Option<&Card>) -> Words {
    let organisation = card.map_or_else(|| key.name().to_string().into(), shown_organisation);
    words!(
        "{organisation} may begin new keys by itself, and nothing else",
        "{organisation}は、管理者なしで鍵を新しくできます（ほかのことはできません）";
        organisation
    )
}

fn machine_line(seat: &Seat, name: Option<&str>) -> Words {
    let what = match seat.role.may(hizo_ledger::record::Act::Deposit) {
        true => words!("deposits", "預け入れ用"),
        false => words!("does not deposit", "預け入れはしない"),
    };
    let name = name.map_or_else(|| seat.key.name().to_string(), |name| shown_bytes(name.as_bytes()));
    words!("    machine {name}, {what}", "    コンピューター「{name}」（{what}）", name = name; what)
}

fn as_json(safe: &Safe, person: &Person) -> Value {
    let seat = |seat: &Seat| {
        json!({ "key": seat.key.name().to_string(), "role": seat.role.as_str(), "record": seat.since,
                "since": time(safe, seat.since) })
    };
    let machine = |(at, name): &(Seat, Option<String>)| {
        let mut value = seat(at);
        value["name"] = name.as_deref().into();
        value
    };
    json!({
        "name": person.name, "organisation": person.organisation.as_ref().map(|card| &card.name),
        "certified": person.identity.is_some(), "own": person.own.as_ref().map(seat),
        "machines": person.machines.iter().map(machine).collect::<Vec<_>>(),
    })
}
