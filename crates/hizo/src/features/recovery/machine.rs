//! `hizo recovery machine`

use hizo_ledger::id::RecordId;
use hizo_ledger::record::{Control, Role};
use hizo_vault::event::Event;
use hizo_vault::event::certificate::UnverifiedCertificate;
use hizo_vault::keys::IdentityFile;
use serde_json::json;

use super::make::check_may;
use crate::Setting;
use crate::epochs;
use crate::failure::{Failure, Outcome, shown};
use crate::home::Device;
use crate::receipts;
use crate::safe::{self, Draft, Safe};
use crate::words::words;

/// Make this machine a member again: once whom the cards let in may act as an admin, so that it deposits
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// What you call this machine
    #[arg(long, value_name = "NAME", default_value = "machine")]
    machine: String,
}

pub(super) fn run(setting: &Setting, arguments: &Arguments) -> Outcome<()> {
    let mut safe = setting.safe()?;
    let device = safe.home.device()?;
    if safe.chain.role(&device.signing.space_key(&safe.home.space).verifying_key()).is_some() {
        let folder = shown(safe.home.folder());
        return Err(Failure::fixable(words!(
            "the machine of {folder} is a member already",
            "{folder} のコンピューターは、すでに登録されています"
        )));
    }
    let identity = safe::open_identity(&safe.home, &setting.read_passphrase()?)?;
    check_may(&safe, &identity.signing_seed.space_key(&safe.home.space).verifying_key())?;
    let record = seat(&mut safe, &identity, &device, &arguments.machine)?;
    // From now on it asks the keeper by a key of its own.
    safe.home.forget_session_key()?;
    let result = json!({ "home": safe.home.folder().to_string_lossy(), "record": record.to_string() });
    setting.console.result(result, |out| {
        let done = words!("this machine is a member now", "このコンピューターを登録しました");
        writeln!(out, "{}", setting.console.say(done))
    });
    setting.console.note(words!(
        "next: new cards, `hizo recovery make --replace`",
        "次に: `hizo recovery make --replace` で、カードを新しくしてください"
    ));
    receipts::answer(&safe, record).holds()
}

/// Appends the record by which an admin makes a machine of his own a member. What recovery cards left in this home it gives to
/// his identity, which then needs the cards no more.
pub(super) fn seat(safe: &mut Safe, identity: &IdentityFile, device: &Device, name: &str) -> Outcome<RecordId> {
    let space = safe.home.space;
    let (admin, machine) = (identity.signing_seed.space_key(&space), device.signing.space_key(&space).verifying_key());
    let session = device.signing.session_key(&space).verifying_key();
    let mut controls =
        vec![Control::Member { key: machine, role: Role::Writer }, Control::Session { member: machine, session }];
    let mut events = vec![
        Event::DeviceAdded { key: machine.to_base64(), name: name.to_owned() },
        Event::KeyCertified(UnverifiedCertificate::issue_machine(identity, &device.signing, &space)),
    ];
    let recovered = safe.home.recovered_epochs(&identity.identity)?;
    for (epoch, secret) in &recovered {
        controls.push(epochs::wrap(safe, *epoch, secret, std::slice::from_ref(identity.identity.recipient()))?);
    }
    if !recovered.is_empty() {
        events.push(Event::HistoryGiven { key: admin.verifying_key().to_base64() });
    }
    let body = safe.put(safe::seal_body(&events, &safe.recipient()?)?)?;
    let draft = Draft { body: Some(body), deposit: None, controls };
    let epoch = safe.chain.epoch();
    safe.append(&admin, &draft, |chain| chain.epoch() == epoch && chain.role(&machine).is_none())
}
