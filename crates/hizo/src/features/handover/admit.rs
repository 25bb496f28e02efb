//! `hizo hand-over admit`

use std::path::PathBuf;

use hizo_ledger::id::RecordId;
use hizo_ledger::record::{Control, Role};
use hizo_vault::event::Event;
use hizo_vault::event::certificate::Certificate;
use hizo_vault::event::handover::{Consent, Custody, Refusal};
use hizo_vault::fingerprint::Spoken;
use hizo_vault::joining::Request;
use serde_json::json;

use super::filling;
use super::{for_sender, handover_of};
use crate::Setting;
use crate::consents::{Consents, Given};
use crate::failure::{Failure, Outcome, shown_bytes};
use crate::handover::{Onlooker, refused};
use crate::membership::{self, Change};
use crate::side::Side;
use crate::words::words;

/// Let the receiver in, once every item is there, and leave: what was handed over is on its way
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The receiver's request
    #[arg(value_name = "FILE")]
    request: PathBuf,
    /// Your home of the hand-over
    #[arg(long, value_name = "DIR")]
    at: PathBuf,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let mut case = Side::of(setting)?;
    let mut side = case.at(&arguments.at)?;
    let fold = Consents::of(case.opened())?;
    let given = fold.named(&side.safe.home.space.to_string())?;
    let consent = for_sender(given, &case)?;
    let request = membership::read_request(&arguments.request, &side.safe)?;
    let custody: Vec<Custody> = filling::there(&side, &consent)?.into_iter().map(|(_, entry)| entry).collect();
    check(&side, given, &request, &custody)?;
    let handed = Event::HandedOver {
        space: side.safe.home.space.to_string(),
        genesis: side.safe.home.genesis.to_string(),
        receiver: Box::new(request.said.person.clone()),
        items: custody,
    };
    // The case knows before anybody is let in, whatever happens in between.
    let mut promised = Ok(());
    if given.handed.is_none() {
        promised = case.say(vec![handed.clone()])?.promised;
    }
    if side.safe.chain.role(&request.person.key).is_none() {
        let mut change = Change::default();
        if let Some(recipient) = &request.person.recipient {
            change.give_history(side.opened(), recipient)?;
        }
        change.let_in(&request, Role::ReaderWriter);
        change.events.push(handed);
        promised = promised.and(change.append(&mut side.safe, &side.identity)?.promised);
    }
    // Of the record that lets the receiver in: those words finish his joining.
    let record = side.safe.chain.head().id;
    leave(&case, given, &mut side, &consent, &request)?;
    let spoken = side.safe.chain.head().id;
    tell(setting, given, &request, record, spoken);
    promised
}

/// What the receiver's client will check, as far as it can be known before he comes.
fn check(side: &Side, given: &Given, request: &Request, custody: &[Custody]) -> Outcome<()> {
    let handover = handover_of(side)?;
    if handover.said != given.said || handover.sender != side.key() {
        return Err(refused(Refusal::Space));
    }
    let onlooker = Onlooker { identity: request.person.identity, sender_leaves: true };
    handover.check(side.opened(), &onlooker, custody)
}

/// The sender goes, and what comes from then on is closed to him; or he stays as a reader, if the company wants that.
fn leave(case: &Side, given: &Given, side: &mut Side, consent: &Consent, request: &Request) -> Outcome<()> {
    let space = side.safe.home.space;
    let machine = side.safe.home.device()?.signing;
    let person = Certificate::of(&side.identity, &space);
    let machine = Certificate::of_machine(&side.identity, &machine, &space);
    let company = case.keyring.people()?.certificates.of(&given.by).and_then(|company| company.recipient.clone());
    let (Some(company), Some(receiver)) = (company, request.person.recipient.clone()) else {
        return Err(Failure::internal_message("the company and the receiver of a hand-over can be sealed to"));
    };
    let mut readers = vec![company, receiver];
    let mut change = Change::default();
    for certificate in [&person, &machine] {
        change.draft.controls.push(Control::Remove(certificate.key));
        if consent.keeps_sender {
            change.seat(certificate, Role::Reader);
            readers.extend(certificate.recipient.clone());
        } else {
            let (key, reason) = (certificate.key.to_base64(), String::new());
            change.events.push(Event::MemberRemoved { key, reason });
        }
    }
    change.begin_epoch(side.opened(), &readers)?;
    change.append_unanswered(&mut side.safe, &side.identity).map(drop)
}

fn tell(setting: &Setting, given: &Given, request: &Request, record: RecordId, head: RecordId) {
    let spoken = membership::read_out(setting, &Spoken::of_head(&record));
    let result = json!({
        "handover": given.said.space, "receiver_name": given.said.receiver_name, "name": request.said.name,
        "words": spoken, "head": head.to_string(), "stays": given.said.keeps_sender,
    });
    setting.console.result(result, |out| {
        let receiver = shown_bytes(given.said.receiver_name.as_bytes());
        let done = match given.said.keeps_sender {
            false => words!(
                "handed over to {receiver}; you have left, and it is not delivered before the receiver answers",
                "{receiver} に引き渡しました。あなたは抜けました。相手が回答するまでは、届いたことになりません"
            ),
            true => words!(
                "handed over to {receiver}; you stay as a reader, and it is not delivered before the receiver answers",
                "{receiver} に引き渡しました。あなたは見るだけのメンバーとして残ります。相手が回答するまでは、届いたことになりません"
            ),
        };
        writeln!(out, "{}", setting.console.say(done))?;
        let say = words!(
            "read these eight words to the receiver, who types them into `hizo space join`:",
            "次の8語を受け取り先に読み上げてください。相手は `hizo space join` に入力します:"
        );
        writeln!(out, "{}\n\n    {spoken}\n", setting.console.say(say))
    });
}
