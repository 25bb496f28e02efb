//! `hizo office delegate`

use std::path::PathBuf;

use hizo_ledger::delegation::Delegation;
use hizo_ledger::record::{ClaimedTime, Role};
use hizo_vault::event::Event;
use hizo_vault::organisation::UnverifiedDelegatedRequest;
use serde_json::json;

use crate::failure::{Failure, Outcome, shown, shown_bytes};
use crate::home::ToSend;
use crate::membership::{self, RoleWord};
use crate::office::Office;
use crate::words::words;
use crate::{Setting, safe};

const SECONDS_PER_DAY: u64 = 86_400;

/// Delegate somebody who asks to join another safe for the organisation, or whose delegation ends soon
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The request of the person, who is a member of this safe
    #[arg(value_name = "REQUEST")]
    request: PathBuf,
    /// The most that the person may do there
    #[arg(long, value_enum, default_value = "reader+writer")]
    role: RoleWord,
    /// For so many days from now
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u64).range(1..=3650))]
    days: u64,
    /// The file to write, to be sent to an admin of that safe
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let mut office = Office::open(setting)?;
    let said = membership::read_any_request(&arguments.request)?;
    let request = said.clone().verify().map_err(|error| membership::no_request(&arguments.request, error))?;
    if said.space == office.safe.home.space {
        return Err(Failure::fixable(words!(
            "that request is for the organisation's own safe",
            "それは、機関自身の金庫への参加願です"
        ))
        .hint(words!("Let the person in with `hizo space admit`.", "`hizo space admit` で加えてください。")));
    }
    // What the organisation reads, whoever acts for it has to read in its own space; and nobody else acts for it.
    let people = office.keyring.people()?;
    let person =
        people.persons(&office.safe).into_iter().find(|person| person.identity == Some(request.person.identity));
    if !person.is_some_and(|person| person.own.is_some_and(|own| own.role.opens())) {
        return Err(Failure::fixable(words!(
            "nobody who reads this safe has the identity in that request",
            "参加願の鍵の人は、この金庫を見られるメンバーではありません"
        ))
        .hint(words!(
            "Whoever acts for the organisation joins its own safe first, and then the other one with `hizo space join --organisation`.",
            "機関の人は、先に機関自身の金庫に加わり、次に `hizo space join --organisation` で相手の金庫に参加願を書きます。"
        )));
    }
    let role = arguments.role.role();
    let register = office.register();
    let before = register.get(said.space, request.person.key);
    let now = safe::now()?.unix_seconds();
    let from = before.map_or(now, |entry| entry.counts_from(now));
    let at = |seconds| ClaimedTime::from_unix_seconds(seconds).map_err(Failure::internal);
    let (not_before, not_after) = (at(from)?, at(from + arguments.days * SECONDS_PER_DAY)?);
    let seed = office.seed()?;
    let delegation = Delegation {
        organisation: office.card.key,
        space: said.space,
        key: request.person.key,
        identity: request.person.identity,
        role,
        recipient: role.opens().then(|| office.safe.recipient()).transpose()?.map(|recipient| recipient.to_string()),
        not_before,
        not_after,
        rotator: role.opens().then(|| seed.rotator_key(&said.space).verifying_key()),
    };
    let signature = seed.signing_key().sign(delegation.text().as_bytes());
    let note = delegation.note(&signature).map_err(Failure::internal)?;
    let delegated = UnverifiedDelegatedRequest { request: said, card: office.card.clone(), delegation: note.clone() };
    let to_send = ToSend::reserve(&arguments.to)?;
    let appended = office.say(vec![Event::KeyDelegated { note }])?;
    to_send.write(&delegated.compose())?;
    tell(setting, arguments, &delegated, &delegation);
    appended.promised
}

fn tell(setting: &Setting, arguments: &Arguments, delegated: &UnverifiedDelegatedRequest, delegation: &Delegation) {
    let name = &delegated.request.name;
    let (key, space) = (delegation.key.name().to_string(), delegation.space.to_string());
    let (role, until): (Role, _) = (delegation.role, delegation.not_after.to_string());
    let result = json!({
        "file": arguments.to.to_string_lossy(), "name": name, "key": key, "space": space, "role": role.as_str(),
        "from": delegation.not_before.to_string(), "until": until,
    });
    setting.console.result(result, |out| {
        let done = words!(
            "{name} may act for the organisation in safe {space}, as {role}, until {until}; written to {file}",
            "{name}さんは、金庫 {space} で機関の人として {role} の役割で行えます（{until} まで）。{file} に書きました",
            name = shown_bytes(name.as_bytes()),
            space = space,
            role = role.as_str(),
            until = until,
            file = shown(&arguments.to)
        );
        writeln!(out, "{}", setting.console.say(done))
    });
    setting.console.note(words!(
        "next: send it to an admin of that safe, who lets the person in with `hizo space admit`",
        "次に: その金庫の管理者に送ってください。管理者は `hizo space admit` で加えます"
    ));
}
