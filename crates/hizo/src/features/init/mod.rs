//! Setting up a safe: an identity, a keeper in this machine's own folder, and a space that begins.

pub(crate) mod command;

use std::path::Path;

use hizo_keeper::{EmbeddedKeeper, Seeds};
use hizo_ledger::id::{ObjectId, SlotKeyHash, SpaceId};
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::{Control, Envelope, Origin, Role, UnverifiedRecord};
use hizo_store::NamedBytes;
use hizo_vault::age::{self, Identity};
use hizo_vault::event::Event;
use hizo_vault::event::certificate::UnverifiedCertificate;
use hizo_vault::keys::{IdentityFile, SigningSeed};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::entropy::{SystemEntropy, random};
use crate::failure::{Failure, Outcome};
use crate::home::{self, Device, Home};
use crate::safe;

/// Sets up a safe in `folder`.
///
/// The last step is one file: until it is there, the folder is no safe and can be set up again.
///
/// # Errors
/// When there is a safe in the folder already, or it cannot be written to.
pub(crate) fn init(folder: &Path, name: &str, passphrase: &str) -> Outcome<Home> {
    Home::make(folder)?;
    let identity = IdentityFile::generate(&mut SystemEntropy);
    let device = Device::generate();
    home::clear_unfinished(folder)?;
    home::write_new(&home::identity_file(folder), identity.seal(passphrase, &mut SystemEntropy).as_bytes())?;
    device.write(folder)?;
    let seeds = Seeds { origin: random(), log_key: Zeroizing::new(random()) };
    let keeper = EmbeddedKeeper::init_embedded(&home::keeper_folder(folder), &seeds).map_err(Failure::from)?;
    let origin = keeper.origin();
    let founding = Founding { keeper: &keeper, origin, space: SpaceId::from_bytes(random()) };
    let genesis = founding.begin(name, &identity, &device)?;
    Home::settle(folder, &keeper, founding.space, genesis)
}

struct Founding<'a> {
    keeper: &'a EmbeddedKeeper,
    origin: &'a Origin,
    space: SpaceId,
}

impl Founding<'_> {
    /// Record 0: the founder as admin, this machine as a writer, and the first epoch.
    fn begin(&self, name: &str, identity: &IdentityFile, device: &Device) -> Outcome<hizo_ledger::id::RecordId> {
        let founder = identity.signing_seed.space_key(&self.space);
        let writer = device.signing.space_key(&self.space);
        let epoch = Identity::generate(&mut SystemEntropy);
        let recipient = epoch.recipient().clone();
        let (recipient_object, _) = self.put(recipient.to_string().into_bytes())?;
        let line = Zeroizing::new(format!("{}\n", *epoch.to_secret_line()));
        let wrap = age::seal(line.as_bytes(), std::slice::from_ref(identity.identity.recipient()), &mut SystemEntropy);
        let (wrap, wrap_bytes) = self.put(wrap.map_err(Failure::internal)?)?;
        let events = self.events(name, identity, device);
        let slot_key: [u8; 32] = random();
        let mut envelope = Envelope {
            keeper: self.origin.clone(),
            space: self.space,
            number: 0,
            prev: None,
            epoch: 0,
            time: safe::now()?,
            seen: None,
            body: Some(self.put(safe::seal_body(&events, &recipient)?)?),
            deposit: None,
            controls: vec![
                Control::Founder(founder.verifying_key()),
                Control::Slot(SlotKeyHash::from_bytes(Sha256::digest(slot_key).into())),
                Control::Recovery(None),
                Control::Member { key: writer.verifying_key(), role: Role::Writer },
                self.session(&identity.signing_seed, founder.verifying_key()),
                self.session(&device.signing, writer.verifying_key()),
                Control::Epoch { epoch: 0, recipient: recipient_object },
                Control::Wrap { epoch: 0, wrap, bytes: wrap_bytes },
            ],
        };
        envelope.sort_controls();
        let text = envelope.text().map_err(Failure::internal)?;
        let signature = founder.sign(text.as_bytes());
        let record = UnverifiedRecord::compose(&envelope, &[(founder.verifying_key(), signature)]);
        let record = record.map_err(Failure::internal)?;
        let kept = self.keeper.create_space(record.note_bytes(), &slot_key).map_err(Failure::from)?;
        Ok(kept.id)
    }

    /// Names the key with which this member will start sessions with a keeper that is reached over a network.
    fn session(&self, seed: &SigningSeed, member: VerifyingKey) -> Control {
        Control::Session { member, session: seed.session_key(&self.space).verifying_key() }
    }

    fn events(&self, name: &str, identity: &IdentityFile, device: &Device) -> Vec<Event> {
        let machine = UnverifiedCertificate::issue_machine(identity, &device.signing, &self.space);
        let key = machine.key.clone();
        vec![
            Event::SpaceFounded { name: name.to_owned() },
            Event::KeyCertified(UnverifiedCertificate::issue(identity, &self.space)),
            Event::KeyCertified(machine),
            Event::DeviceAdded { key, name: "this machine".into() },
        ]
    }

    fn put(&self, bytes: Vec<u8>) -> Outcome<(ObjectId, u64)> {
        let object = NamedBytes::name(bytes).map_err(Failure::internal)?;
        self.keeper.put(self.space, &object).map_err(Failure::from)?;
        Ok((object.id(), object.length()))
    }
}
