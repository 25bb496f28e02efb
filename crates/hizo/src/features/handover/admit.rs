//! `hizo hand-over admit`

use std::path::{Path, PathBuf};

use hizo_ledger::id::RecordId;
use hizo_ledger::record::{Control, Record, Role};
use hizo_vault::age::Recipient;
use hizo_vault::event::Event;
use hizo_vault::event::certificate::Certificate;
use hizo_vault::event::handover::{Consent, Custody, Refusal};
use hizo_vault::fingerprint::Spoken;
use hizo_vault::joining::Request;
use hizo_vault::organisation::{Card, DelegatedRequest};
use serde_json::json;

use super::filling;
use super::{for_sender, handover_of};
use crate::consents::{Consents, Given};
use crate::failure::{Failure, Outcome, shown_bytes};
use crate::handover::{Onlooker, refused};
use crate::membership::{self, Asked, Change};
use crate::parties::Party;
use crate::side::Side;
use crate::words::words;
use crate::{Setting, sides};

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
    let admitted = admit(&mut case, &mut side, &arguments.request)?;
    tell(setting, &side, &admitted);
    admitted.promised
}

/// A receiver who was let in.
pub(super) struct Admitted {
    /// What he is called in the consent, and what he calls himself.
    pub receiver: String,
    pub name: String,
    pub keeps_sender: bool,
    /// The record that lets him in: its words finish his joining.
    pub record: RecordId,
    pub promised: Outcome<()>,
}

/// Who asks to be let in.
pub(super) struct Asking {
    pub name: String,
    pub organisation: Option<Card>,
}

impl Asking {
    /// Reads a request, and makes sure that its sender is whom the company has named.
    pub(super) fn read(side: &Side, given: &Given, request: &Path) -> Outcome<Self> {
        let asked = membership::read_asked(request, &side.safe)?;
        let receiver = Receiver::of(side, &asked)?;
        let consent = given.consent.clone().map_err(refused)?;
        let organisation = receiver.delegated.map(|delegated| delegated.card.clone());
        let key = organisation.as_ref().map_or(receiver.request.person.identity, |card| card.key);
        if key != consent.receiver {
            return Err(refused(Refusal::Receiver));
        }
        Ok(Self { name: receiver.request.said.name.clone(), organisation })
    }
}

/// Lets the receiver in whose request lies in a file, and has the sender leave.
pub(super) fn admit(case: &mut Side, side: &mut Side, request: &Path) -> Outcome<Admitted> {
    sides::refuse_blocked(case, Some(Party::Counsellor))?;
    let fold = Consents::of(case.opened())?;
    let given = fold.named(&side.safe.home.space.to_string())?;
    let consent = for_sender(given, case)?;
    let asked = membership::read_asked(request, &side.safe)?;
    let receiver = Receiver::of(side, &asked)?;
    // Cut short before, it goes on with whom the case was told of: nobody else's answer is believed there.
    let key = receiver.request.person.key;
    if given.handed.as_ref().is_some_and(|handed| handed.receiver != key) {
        return Err(refused(Refusal::Receiver));
    }
    let custody: Vec<Custody> = filling::there(side.opened(), &consent)?.into_iter().map(|(_, entry)| entry).collect();
    check(side, given, &receiver, &custody)?;
    let handed = Event::HandedOver {
        space: side.safe.home.space.to_string(),
        genesis: side.safe.home.genesis.to_string(),
        receiver: Box::new(receiver.request.said.person.clone()),
        delegation: receiver.delegated.map(|delegated| delegated.note.clone()),
        items: custody,
    };
    // The case knows before anybody is let in, whatever happens in between.
    let mut promised = Ok(());
    if given.handed.is_none() {
        promised = case.say(vec![handed.clone()])?.promised;
    }
    if side.safe.chain.role(&key).is_none() {
        let mut change = Change::default();
        change.give_history(side.opened(), &receiver.recipient)?;
        change.let_in(receiver.request, Role::ReaderWriter);
        if let Some(DelegatedRequest { card, delegation, note, .. }) = receiver.delegated {
            // No words are compared: the company has signed the organisation's key.
            change.events.extend([membership::pins(card), Event::KeyDelegated { note: note.clone() }]);
            change.draft.controls.extend(delegation.rotator.map(Control::Rotator));
        }
        change.events.push(handed);
        promised = promised.and(change.append(&mut side.safe, &side.identity)?.promised);
    }
    let record = side.safe.came_by(&key).map_or(side.safe.chain.head().id, Record::id);
    leave(case, given, side, &consent, &receiver.recipient)?;
    Ok(Admitted {
        receiver: given.said.receiver_name.clone(),
        name: receiver.request.said.name.clone(),
        keeps_sender: given.said.keeps_sender,
        record,
        promised,
    })
}

/// Who asks to be let in, for himself or for an organisation.
struct Receiver<'a> {
    request: &'a Request,
    delegated: Option<&'a DelegatedRequest>,
    /// To what is sealed so that he can open.
    recipient: Recipient,
}

impl<'a> Receiver<'a> {
    fn of(side: &Side, asked: &'a Asked) -> Outcome<Self> {
        let (request, delegated) = match asked {
            Asked::Alone(request) => (&**request, None),
            Asked::Delegated(delegated) => (&delegated.request, Some(&**delegated)),
        };
        let recipient = match delegated {
            None => request.person.recipient.clone(),
            Some(delegated) => {
                let people = side.keyring.people()?;
                let delegations = people.delegations_with(delegated, Role::ReaderWriter)?;
                people.recipient_by(&delegations, &request.person).cloned()
            }
        };
        let recipient =
            recipient.ok_or_else(|| Failure::internal_message("the receiver of a hand-over can be sealed to"))?;
        Ok(Self { request, delegated, recipient })
    }
}

/// What the receiver's client will check, as far as it can be known before he comes.
fn check(side: &Side, given: &Given, receiver: &Receiver, custody: &[Custody]) -> Outcome<()> {
    let handover = handover_of(side)?;
    if handover.said != given.said || handover.sender != side.key() {
        return Err(refused(Refusal::Space));
    }
    let onlooker = Onlooker {
        identity: receiver.request.person.identity,
        organisation: receiver.delegated.map(|delegated| delegated.card.key),
        sender_leaves: true,
    };
    handover.check(side.opened(), &onlooker, custody)
}

/// The sender goes, and what comes from then on is closed to him; or he stays as a reader, if the company wants that.
fn leave(case: &Side, given: &Given, side: &mut Side, consent: &Consent, receiver: &Recipient) -> Outcome<()> {
    let space = side.safe.home.space;
    let machine = side.safe.home.device()?.signing;
    let person = Certificate::of(&side.identity, &space);
    let machine = Certificate::of_machine(&side.identity, &machine, &space);
    let company = case.keyring.people()?.certificates.of(&given.by).and_then(|company| company.recipient.clone());
    let company = company.ok_or_else(|| Failure::internal_message("the company of a hand-over can be sealed to"))?;
    let mut readers = vec![company, receiver.clone()];
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

fn tell(setting: &Setting, side: &Side, admitted: &Admitted) {
    let spoken = membership::read_out(setting, &Spoken::of_head(&admitted.record));
    let result = json!({
        "handover": side.safe.home.space.to_string(), "receiver_name": admitted.receiver, "name": admitted.name,
        "words": spoken, "head": side.safe.chain.head().id.to_string(), "stays": admitted.keeps_sender,
    });
    setting.console.result(result, |out| {
        let receiver = shown_bytes(admitted.receiver.as_bytes());
        let done = match admitted.keeps_sender {
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
