//! `hizo recovery machine`

use hizo_ledger::id::RecordId;
use hizo_ledger::record::{AdminRule, Role};
use hizo_vault::event::Event;
use hizo_vault::event::certificate::{Certificate, UnverifiedCertificate};
use hizo_vault::keys::IdentityFile;
use serde_json::json;

use super::make::check_may;
use crate::Setting;
use crate::epochs;
use crate::failure::{Failure, Outcome, shown};
use crate::home::Device;
use crate::membership::{Change, Made, Proposing};
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
    let mut safe = setting.safe()?;
    let device = safe.home.device()?;
    if safe.chain.role(&device.signing.space_key(&safe.home.space).verifying_key()).is_some() {
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
    let identity = safe::open_identity(&safe.home, &setting.read_passphrase()?)?;
    let own = identity.signing_seed.space_key(&safe.home.space).verifying_key();
    check_may(&safe, &own)?;
    if safe.chain.admin_rule() == AdminRule::Two && safe.chain.role(&own).is_none() {
        // Whom the cards let in is a member from his first record on, and this one needs nobody beside him: so the cards can let
        // in a second one, where nobody else is left.
        let arrives = Event::KeyCertified(UnverifiedCertificate::issue(&identity, &safe.home.space));
        Change::saying(vec![arrives]).append(&mut safe, &identity)?.promised?;
    }
    let change = seating(&safe, &identity, &device, &arguments.machine)?;
    let appended = match change.make_unopened(&mut safe, &identity, &arguments.proposing)? {
        Made::Stands(appended) => appended,
        Made::Proposed(proposed) => return proposed.tell(setting),
    };
    // From now on it asks the keeper by a key of its own.
    safe.home.forget_session_key()?;
    tell(setting, &safe, Some(appended.id));
    appended.promised
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
pub(super) fn seating(safe: &Safe, identity: &IdentityFile, device: &Device, name: &str) -> Outcome<Change> {
    let space = safe.home.space;
    let admin = identity.signing_seed.space_key(&space).verifying_key();
    let machine = Certificate::of_machine(identity, &device.signing, &space);
    let mut change = Change::default();
    change.seat(&machine, Role::Writer);
    change.events = vec![
        Event::DeviceAdded { key: machine.key.to_base64(), name: name.to_owned() },
        Event::KeyCertified(UnverifiedCertificate::issue_machine(identity, &device.signing, &space)),
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
