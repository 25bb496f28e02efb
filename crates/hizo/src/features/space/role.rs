//! `hizo space role`

use hizo_ledger::record::{Control, Role};
use hizo_vault::event::Event;
use serde_json::json;

use super::entering::{self, Admin};
use crate::Setting;
use crate::epochs;
use crate::failure::{Failure, Outcome};
use crate::membership::{self, Change, Made, Proposing, RoleWord, of_machine};
use crate::people::Person;
use crate::rotation;
use crate::safe::Safe;
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
    #[command(flatten)]
    proposing: Proposing,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let mut safe = setting.safe()?;
    let admin = Admin::of(setting, &safe)?;
    let person = admin.keyring.people()?.named(&safe, &arguments.member)?;
    let role = arguments.role.role();
    let change = change(&safe, &admin, &person, role, arguments.history)?;
    let appended = match admin.make(change, &mut safe, &arguments.proposing)? {
        Made::Stands(appended) => appended,
        Made::Proposed(proposed) => return proposed.tell(setting),
    };
    let (number, id) = (safe.chain.head().number, appended.id.to_string());
    let result = json!({ "name": person.name, "role": role.as_str(), "record": number, "id": id });
    setting.console.result(result, |out| {
        let (name, role) = (person.shown_name(), role.as_str());
        writeln!(out, "{}", setting.console.say(words!("{name} is {role} now", "{name}さんの役割を {role} にしました")))
    });
    rotation::say_next(setting, &safe.home);
    appended.promised
}

/// Gives somebody another role, with new keys; with what was kept before, if he could not read until now and is given it.
pub(super) fn change(safe: &Safe, admin: &Admin, person: &Person, role: Role, history: bool) -> Outcome<Change> {
    let people = admin.keyring.people()?;
    let certified = person.own.and_then(|own| Some((own, people.certificates.of(&own.key)?)));
    let Some((own, certificate)) = certified else {
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
    membership::stays_with_admin(safe, own.key, role)?;
    people.covers(&certificate.identity, role)?;
    let mut change = Change::default();
    let machines = person.machines.iter().filter(|(seat, _)| seat.role != of_machine(role));
    let machines = machines.filter_map(|(seat, _)| Some((people.certificates.of(&seat.key)?, of_machine(role))));
    for (certificate, role) in [(certificate, role)].into_iter().chain(machines) {
        change.draft.controls.push(Control::Remove(certificate.key));
        change.seat(certificate, role);
    }
    change.end_rotators(safe, people);
    let mut readers = epochs::readers(admin.opened(safe), &[own.key])?;
    if let Some(recipient) = people.recipient(&own.key).filter(|_| role.opens()) {
        if !own.role.opens() {
            match history {
                true => change.give_history(admin.opened(safe), recipient)?,
                false => change.events = entering::retold(safe, admin)?,
            }
        }
        if !readers.contains(recipient) {
            readers.push(recipient.clone());
        }
    }
    change.begin_epoch(admin.opened(safe), &readers)?;
    let name = people.name(&own.key).map(str::to_owned);
    change.events.extend(name.map(|name| Event::MemberAdded { key: own.key.to_base64(), name }));
    Ok(change)
}
