//! `hizo recovery machine`

use hizo_ledger::id::RecordId;
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::{AdminRule, Role};
use hizo_vault::event::Event;
use hizo_vault::event::certificate::{Certificate, UnverifiedCertificate};
use hizo_vault::keys::{IdentityFile, SigningSeed};
use serde_json::json;

use super::make::check_may;
use crate::Setting;
use crate::epochs;
use crate::failure::{Failure, Outcome, shown};
use crate::home::Home;
use crate::membership::{Change, Made, Proposing};
use crate::people::People;
use crate::safe::{self, Safe};
use crate::words::words;

/// Make this machine a member again: once whom the cards let in may act as an admin, so that it deposits
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// What you call this machine
    #[arg(long, value_name = "NAME", default_value = "machine")]
    machine: String,
    #[command(flatten)]
    proposing: Proposing,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let home = setting.home()?;
    let identity = safe::open_identity(&home, &setting.read_passphrase()?)?;
    let mut safe = reach(home, &identity)?;
    let space = safe.home.space;
    let keyring = safe.unlock_unheeded(&identity)?;
    let role = |safe: &Safe, device: &SigningSeed| safe.chain.role(&device.space_key(&space).verifying_key());
    if let Some(next) = safe.home.next_device()?
        && role(&safe, &next).is_some()
        && is_ours(&safe, keyring.people()?, &identity, &next)
    {
        // Another admin has signed what was proposed here, or it was cut short behind the record.
        safe.home.settle_next_device()?;
        safe.home.forget_session_key()?;
        tell(setting, &safe, None);
        return Ok(());
    }
    let mut device = safe.home.device()?.signing;
    let own = identity.signing_seed.space_key(&space).verifying_key();
    refuse_untold(&safe, keyring.people()?, &own)?;
    let is_ours = is_ours(&safe, keyring.people()?, &identity, &device);
    if role(&safe, &device).is_some() && is_ours {
        if safe.home.session_key()?.is_some() {
            // Another admin has signed what was proposed here.
            safe.home.forget_session_key()?;
            tell(setting, &safe, None);
            return Ok(());
        }
        let folder = shown(safe.home.folder());
        return Err(Failure::fixable(words!(
            "the machine of {folder} is a member already",
            "{folder} のコンピューターは、すでに登録されています"
        )));
    }
    check_may(&safe, &own)?;
    if safe.chain.admin_rule() == AdminRule::Two && safe.chain.role(&own).is_none() {
        // Whom the cards let in is a member from his first record on, and this one needs nobody beside him: so the cards can let
        // in a second one, where nobody else is left.
        let arrives = Event::KeyCertified(UnverifiedCertificate::issue(&identity, &space));
        Change::saying(vec![arrives]).append(&mut safe, &identity)?.promised?;
    }
    if !is_ours || safe.home.next_device()?.is_some() {
        // Its keys are certified as the lost identity's, and a key is nobody else's ever after.
        device = safe.home.draw_next_device()?;
    }
    let change = seating(&safe, &identity, &device, &arguments.machine)?;
    let appended = match change.make_unopened(&mut safe, &identity, &arguments.proposing)? {
        Made::Stands(appended) => appended,
        Made::Proposed(proposed) => return proposed.tell(setting),
    };
    // From now on it asks the keeper by a key of its own.
    safe.home.settle_next_device()?;
    safe.home.forget_session_key()?;
    tell(setting, &safe, Some(appended.id));
    appended.promised
}

/// The safe, also where its keeper lets the machine in no more: a home that was made beside an old one asks by the machine's key of
/// before, which goes with the lost identity.
fn reach(home: Home, identity: &IdentityFile) -> Outcome<Safe> {
    let own = identity.signing_seed.session_key(&home.space);
    let asks_so = home.session_key()?.is_some_and(|key| key.verifying_key() == own.verifying_key());
    let refused = match Safe::open(home.clone()) {
        Err(failure) if failure.is_refused() && !asks_so => failure,
        opened => return opened,
    };
    // One may be there that was the lost identity's.
    home.forget_session_key()?;
    Home::write_session_key(home.folder(), &own)?;
    Safe::open(home.clone()).map_err(|failure| match home.forget_session_key() {
        Ok(()) if failure.is_refused() => refused,
        Ok(()) => failure,
        Err(failure) => failure,
    })
}

/// Whether a machine's keys may be certified as of this identity: nobody else has been.
fn is_ours(safe: &Safe, people: &People, identity: &IdentityFile, device: &SigningSeed) -> bool {
    let key = device.space_key(&safe.home.space).verifying_key();
    match people.certificates.of(&key) {
        Some(certificate) => certificate.identity == identity.signing_seed.identity_key().verifying_key(),
        None => safe.chain.role(&key).is_none() && !people.has_unread,
    }
}

/// Refuses to certify a machine where nobody was told who this admin is: the company of a hand-over at a level that does not tell it.
pub(super) fn refuse_untold(safe: &Safe, people: &People, own: &VerifyingKey) -> Outcome<()> {
    if !safe.began_with_admin(*own) || people.said(own).is_some() {
        return Ok(());
    }
    Err(Failure::fixable(words!(
        "this is a hand-over in which nobody is to know who you are: a machine that is certified here would tell it",
        "この引き渡しでは会社の名前を伏せています。ここでコンピューターを登録すると、会社が分かってしまいます"
    ))
    .hint(words!(
        "Nothing was changed. Use the home that `hizo hand-over enter` made; where it is lost, withdraw the consent and consent again.",
        "何も変更していません。`hizo hand-over enter` で作ったフォルダーを使ってください。なくした場合は、同意を取り消して、改めて同意してください。"
    )))
}

fn tell(setting: &Setting, safe: &Safe, record: Option<RecordId>) {
    let record = record.map(|record| record.to_string());
    let result = json!({ "home": safe.home.folder().to_string_lossy(), "record": record });
    setting.console.result(result, |out| {
        let done = words!("this machine is a member now", "このコンピューターを登録しました");
        writeln!(out, "{}", setting.console.say(done))
    });
    setting.console.note(words!(
        "next: new cards, `hizo recovery make --replace`",
        "次に: `hizo recovery make --replace` で、カードを新しくしてください"
    ));
}

/// The change by which an admin makes a machine of his own a member. What recovery cards left in this home it gives to his
/// identity, which then needs the cards no more.
pub(super) fn seating(safe: &Safe, identity: &IdentityFile, device: &SigningSeed, name: &str) -> Outcome<Change> {
    let space = safe.home.space;
    let admin = identity.signing_seed.space_key(&space).verifying_key();
    let machine = Certificate::of_machine(identity, device, &space);
    let mut change = Change::default();
    change.seat(&machine, Role::Writer);
    change.events = vec![
        Event::DeviceAdded { key: machine.key.to_base64(), name: name.to_owned() },
        Event::KeyCertified(UnverifiedCertificate::issue_machine(identity, device, &space)),
    ];
    let recovered = safe.home.recovered_epochs(&identity.identity)?;
    for (epoch, secret) in &recovered {
        epochs::wrap(&mut change.draft, *epoch, secret, std::slice::from_ref(identity.identity.recipient()))?;
    }
    if !recovered.is_empty() {
        change.events.push(Event::HistoryGiven { key: admin.to_base64() });
    }
    Ok(change)
}
