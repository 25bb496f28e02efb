//! `hizo office list`

use std::collections::BTreeMap;

use hizo_ledger::identity::VerifyingKey;
use serde_json::{Value, json};

use crate::Setting;
use crate::contents::Opened;
use crate::failure::{Outcome, shown_bytes};
use crate::register::{self, Entry, Register, State};
use crate::safe;
use crate::words::{Words, words};

/// List who acts for the organisation, in which safes and until when
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {}

pub(super) fn run(setting: &Setting, _arguments: &Arguments) -> Outcome<()> {
    let safe = setting.safe()?;
    let card = register::card(&safe.home)?;
    let keyring = setting.unlock(&safe)?;
    let persons = keyring.people()?.persons(&safe).into_iter();
    let names: BTreeMap<VerifyingKey, String> =
        persons.filter_map(|person| Some((person.identity?, person.name?))).collect();
    let register = Register::of(Opened { safe: &safe, keyring: &keyring }, &card.key);
    let (now, sealed_to) = (safe::now()?, safe.recipient()?.to_string());
    let state = |entry: &Entry| entry.state(now, &sealed_to);
    let name = |entry: &Entry| names.get(&entry.delegation.identity);
    let listed: Vec<Value> = register.entries().map(|entry| as_json(entry, name(entry), state(entry))).collect();
    setting.console.result(json!({ "delegations": listed }), |out| {
        for entry in register.entries() {
            let line = line(entry, name(entry).map(String::as_str), state(entry));
            writeln!(out, "{}", setting.console.say(line))?;
        }
        Ok(())
    });
    if register.entries().any(|entry| state(entry) == State::Due) {
        setting.console.note(words!(
            "due: this safe has new keys since. Run `hizo office rotate`, where the organisation's key is",
            "要更新: この金庫の鍵は、その後新しくなりました。機関の鍵があるコンピューターで `hizo office rotate` を実行してください"
        ));
    }
    Ok(())
}

fn line(entry: &Entry, name: Option<&str>, state: State) -> Words {
    let delegation = &entry.delegation;
    let key = delegation.key.name();
    let state = state.words();
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

fn as_json(entry: &Entry, name: Option<&String>, state: State) -> Value {
    let delegation = &entry.delegation;
    json!({
        "key": delegation.key.name().to_string(), "name": name, "role": delegation.role.as_str(),
        "space": delegation.space.to_string(), "from": delegation.not_before.to_string(),
        "until": delegation.not_after.to_string(), "state": state.word(),
    })
}
