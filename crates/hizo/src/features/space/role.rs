//! `hizo space role`

use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::{Control, Role};
use hizo_vault::event::Event;
use serde_json::json;

use super::entering::{self, Admin, Change, RoleWord, of_machine};
use crate::Setting;
use crate::contents::Opened;
use crate::epochs;
use crate::failure::{Failure, Outcome};
use crate::people::People;
use crate::words::words;

/// Change what a member may do; whoever may no longer read opens nothing from then on
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The member: what the person is called, or the first digits of a key
    #[arg(value_name = "NAME")]
    member: String,
    /// What the person may do from now on
    #[arg(value_enum)]
    role: RoleWord,
    /// Let a person who could not read until now open what was kept before, too
    #[arg(long)]
    history: bool,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let mut safe = setting.safe()?;
    let admin = Admin::of(setting, &safe)?;
    let people = admin.keyring.people()?;
    let person = people.named(&safe, &arguments.member)?;
    let role = arguments.role.role();
    let Some(own) = person.own.filter(|own| people.certificates.of(&own.key).is_some()) else {
        return Err(Failure::fixable(words!(
            "nobody has certified whose key that is, so it gets no other role",
            "誰の鍵か証明されていないため、役割を変えられません"
        ))
        .hint(words!(
            "Remove that member, and let the person join again.",
            "そのメンバーを外し、改めて参加してもらってください。"
        )));
    };
    if own.role == role {
        return Err(Failure::fixable(words!("that is the role already", "すでにその役割です")));
    }
    entering::stays_with_admin(&safe, own.key, role)?;
    let mut change = Change::default();
    let mut seats = vec![(own.key, role)];
    let machines = person.machines.iter().map(|(seat, _)| seat).filter(|seat| seat.role != of_machine(role));
    seats.extend(machines.map(|seat| (seat.key, of_machine(role))));
    for (key, role) in seats {
        change.controls.push(Control::Remove(key));
        change.controls.extend(again(people, key, role));
    }
    let recipient = people.certificates.of(&own.key).and_then(|known| known.recipient.clone());
    let mut readers = epochs::readers(Opened { safe: &safe, keyring: &admin.keyring }, &[own.key])?;
    if let Some(recipient) = recipient.filter(|_| role.opens()) {
        if !own.role.opens() {
            match arguments.history {
                true => change.give_history(&safe, &admin, &recipient)?,
                false => change.events = entering::retold(&safe, &admin)?,
            }
        }
        readers.push(recipient);
    }
    change.begin_epoch(&safe, &admin, &readers)?;
    let name = people.name(&own.key).map(str::to_owned);
    change.events.extend(name.map(|name| Event::MemberAdded { key: own.key.to_base64(), name }));
    let record = change.append(&mut safe, &admin)?;
    let result = json!({ "name": person.name, "role": role.as_str(), "record": safe.chain.head().number, "id": record.to_string() });
    setting.console.result(result, |out| {
        let (name, role) = (person.shown_name(), role.as_str());
        writeln!(out, "{}", setting.console.say(words!("{name} is {role} now", "{name}さんの役割を {role} にしました")))
    });
    Ok(())
}

/// The lines that make a certified key a member again.
fn again(people: &People, key: VerifyingKey, role: Role) -> Vec<Control> {
    let session = people.certificates.of(&key).and_then(|known| known.session);
    let session = session.map(|session| Control::Session { member: key, session });
    [Control::Member { key, role }].into_iter().chain(session).collect()
}
