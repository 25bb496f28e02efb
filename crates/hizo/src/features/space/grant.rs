//! `hizo space grant`

use hizo_vault::event::Event;
use serde_json::json;

use super::entering::Admin;
use crate::Setting;
use crate::failure::{Failure, Outcome};
use crate::membership::{Change, Made, Proposing};
use crate::people::Person;
use crate::safe::Safe;
use crate::words::words;

/// Let a member who reads open what was kept before that person came, too
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The member: what the person is called, or the first digits of a key
    #[arg(value_name = "NAME")]
    member: String,
    #[command(flatten)]
    proposing: Proposing,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let mut safe = setting.safe()?;
    let admin = Admin::of(setting, &safe)?;
    let person = admin.keyring.people()?.named(&safe, &arguments.member)?;
    let change = change(&safe, &admin, &person)?;
    let epochs = change.draft.controls.len();
    let appended = match admin.make(change, &mut safe, &arguments.proposing)? {
        Made::Stands(appended) => appended,
        Made::Proposed(proposed) => return proposed.tell(setting),
    };
    let (number, id) = (safe.chain.head().number, appended.id.to_string());
    let result = json!({ "name": person.name, "epochs": epochs, "record": number, "id": id });
    setting.console.result(result, |out| {
        let done = words!(
            "{name} can open what was kept before, too",
            "{name}さんは、これまでに預けたものも開けられます",
            name = person.shown_name()
        );
        writeln!(out, "{}", setting.console.say(done))
    });
    appended.promised
}

/// Gives somebody who reads what was kept before he came.
pub(super) fn change(safe: &Safe, admin: &Admin, person: &Person) -> Outcome<Change> {
    let people = admin.keyring.people()?;
    let own = person.own.filter(|own| own.role.opens());
    let recipient = own.and_then(|own| Some((own.key, people.recipient(&own.key)?.clone())));
    let Some((key, recipient)) = recipient else {
        return Err(Failure::fixable(words!(
            "that member does not read, or nobody has certified whose key it is",
            "そのメンバーには見る権限がないか、誰の鍵か証明されていません"
        ))
        .hint(words!("Change the role first: `hizo space role`.", "先に役割を変えてください: `hizo space role`。")));
    };
    let mut change = Change::default();
    change.give_history(admin.opened(safe), &recipient)?;
    change.events = vec![Event::HistoryGiven { key: key.to_base64() }];
    Ok(change)
}
