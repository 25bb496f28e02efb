//! `hizo office list`

use std::collections::BTreeMap;

use hizo_ledger::identity::VerifyingKey;
use serde_json::{Value, json};

use super::{Entry, Register};
use crate::Setting;
use crate::contents::Opened;
use crate::failure::{Outcome, shown_bytes};
use crate::safe;
use crate::words::{Words, words};

/// List who acts for the organisation, in which safes and until when
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {}

pub(super) fn run(setting: &Setting, _arguments: &Arguments) -> Outcome<()> {
    let safe = setting.safe()?;
    let card = super::card(&safe.home)?;
    let keyring = setting.unlock(&safe)?;
    let persons = keyring.people()?.persons(&safe).into_iter();
    let names: BTreeMap<VerifyingKey, String> =
        persons.filter_map(|person| Some((person.identity?, person.name?))).collect();
    let register = Register::of(Opened { safe: &safe, keyring: &keyring }, &card.key);
    let now = safe::now()?;
    let state = |entry: &Entry| match () {
        () if entry.revoked.is_some() => "revoked",
        () if entry.delegation.is_good_at(now) => "good",
        () => "ended",
    };
    let name = |entry: &Entry| names.get(&entry.delegation.identity);
    let listed: Vec<Value> = register.0.values().map(|entry| as_json(entry, name(entry), state(entry))).collect();
    setting.console.result(json!({ "delegations": listed }), |out| {
        for entry in register.0.values() {
            let line = line(entry, name(entry).map(String::as_str), state(entry));
            writeln!(out, "{}", setting.console.say(line))?;
        }
        Ok(())
    });
    Ok(())
}

fn line(entry: &Entry, name: Option<&str>, state: &str) -> Words {
    let delegation = &entry.delegation;
    let key = delegation.key.name();
    let state = match state {
        "revoked" => words!("revoked", "取り消し済み"),
        "good" => words!("good", "有効"),
        _ => words!("ended", "期間外"),
    };
    words!(
        "{key}  {name}  {role}  safe {space}  until {until}  {state}",
        "{key}  {name}  {role}  金庫 {space}  {until} まで  {state}",
        key = key,
        name = name.map_or_else(|| "-".to_owned(), |name| shown_bytes(name.as_bytes())),
        role = delegation.role.as_str(),
        space = delegation.space,
        until = delegation.not_after;
        state
    )
}

fn as_json(entry: &Entry, name: Option<&String>, state: &str) -> Value {
    let delegation = &entry.delegation;
    json!({
        "key": delegation.key.name().to_string(), "name": name, "role": delegation.role.as_str(),
        "space": delegation.space.to_string(), "from": delegation.not_before.to_string(),
        "until": delegation.not_after.to_string(), "state": state,
    })
}
