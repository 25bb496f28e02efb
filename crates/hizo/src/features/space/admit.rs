//! `hizo space admit`

use std::path::PathBuf;

use hizo_ledger::id::RecordId;
use hizo_ledger::record::Role;
use hizo_vault::fingerprint::Spoken;
use hizo_vault::joining::Request;
use serde_json::json;

use super::entering::{self, Admin, RoleWord};
use crate::failure::{Failure, Outcome, shown_bytes};
use crate::membership::{self, Change, Made, Proposing, of_machine};
use crate::people::Person;
use crate::safe::Safe;
use crate::words::words;
use crate::{Setting, epochs};

/// Let in whoever sent a request, once you have heard the same words from that person
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The request
    #[arg(value_name = "FILE")]
    request: PathBuf,
    /// The ten words that the person reads out to you; without them they are asked for
    #[arg(long, value_name = "WORDS")]
    words: Option<String>,
    /// What the person may do
    #[arg(long, value_enum, default_value = "reader+writer")]
    role: RoleWord,
    /// Let the person open what was kept before, too
    #[arg(long)]
    history: bool,
    #[command(flatten)]
    proposing: Proposing,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let mut safe = setting.safe()?;
    let request = membership::read_request(&arguments.request, &safe)?;
    let admin = Admin::of(setting, &safe)?;
    let people = admin.keyring.people()?;
    let known = people.persons(&safe).into_iter().find(|person| person.identity == Some(request.person.identity));
    if safe.chain.role(&request.device.key).is_some() {
        return Err(Failure::fixable(words!(
            "whoever sent this request was let in already",
            "この参加願の人は、すでに加わっています"
        )));
    }
    let change = match &known {
        // Whose it is was heard when the person came; the request is signed by the same identity.
        Some(person) => machine(&request, person),
        None => {
            let question = words!(
                "Call {name}, by a number that you knew before, and type the ten words you hear:",
                "以前から知っている番号で{name}さんに電話し、聞いた10語を入力してください:",
                name = shown_bytes(request.said.name.as_bytes())
            );
            if !request.words.is_typed(&entering::heard(setting, arguments.words.as_deref(), question)?) {
                return Err(entering::other_words());
            }
            person(&safe, &admin, &request, arguments)?
        }
    };
    let appended = match admin.make(change, &mut safe, &arguments.proposing)? {
        Made::Stands(appended) => appended,
        Made::Proposed(proposed) => return proposed.tell(setting),
    };
    tell(setting, &safe, &request, known.is_some(), appended.id);
    appended.promised
}

fn machine(request: &Request, person: &Person) -> Change {
    let role = of_machine(person.own.map_or(Role::Writer, |seat| seat.role));
    let mut change = Change::default();
    change.seat(&request.device, role);
    change.events = membership::machine_events(request);
    change
}

fn person(safe: &Safe, admin: &Admin, request: &Request, arguments: &Arguments) -> Outcome<Change> {
    let role = arguments.role.role();
    let mut change = Change::default();
    if let Some(recipient) = request.person.recipient.as_ref().filter(|_| role.opens()) {
        let opened = admin.opened(safe);
        if arguments.history {
            change.give_history(opened, recipient)?;
        } else {
            let mut readers = epochs::readers(opened, &[])?;
            readers.push(recipient.clone());
            change.begin_epoch(opened, &readers)?;
            // What was said before stays closed to the newcomer, who has to know who else reads.
            change.events = entering::retold(safe, admin)?;
        }
    }
    change.let_in(request, role);
    Ok(change)
}

fn tell(setting: &Setting, safe: &Safe, request: &Request, is_known: bool, record: RecordId) {
    let spoken = membership::read_out(setting, &Spoken::of_head(&record));
    let result = json!({
        "name": request.said.name, "machine": request.said.machine, "known": is_known,
        "record": safe.chain.head().number, "id": record.to_string(), "words": spoken,
    });
    setting.console.result(result, |out| {
        let name = shown_bytes(request.said.name.as_bytes());
        let machine = shown_bytes(request.said.machine.as_bytes());
        let done = match is_known {
            true => words!(
                "{name} has one machine more: {machine}",
                "{name}さんのコンピューター「{machine}」が加わりました"
            ),
            false => words!("{name} is a member now", "{name}さんがメンバーになりました"),
        };
        writeln!(out, "{}", setting.console.say(done))?;
        let say = words!(
            "read these eight words to that person, who types them into `hizo space join`:",
            "次の8語を相手に読み上げてください。相手は `hizo space join` に入力します:"
        );
        writeln!(out, "{}\n\n    {spoken}\n", setting.console.say(say))
    });
}
