//! Setting up a safe: an identity, a keeper in this machine's own folder, and a space that begins.

pub(crate) mod command;

use std::path::Path;
use std::sync::Arc;

use hizo_keeper::client::{RemoteKeeper, patience};
use hizo_keeper::{EmbeddedKeeper, Seeds};
use hizo_ledger::id::{SlotKeyHash, SpaceId};
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::log::note::{CheckpointKey, NamedKey};
use hizo_ledger::record::{Control, Envelope, Origin, Role, UnverifiedRecord};
use hizo_vault::age::Identity;
use hizo_vault::event::Event;
use hizo_vault::event::certificate::UnverifiedCertificate;
use hizo_vault::keys::{IdentityFile, SigningSeed};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::entropy::{SystemEntropy, random};
use crate::epochs;
use crate::failure::{Failure, Outcome};
use crate::home::{self, Device, Home, Pinned};
use crate::keeper::{self, Keeper};
use crate::log::lying;
use crate::queue::AtHand;
use crate::safe;
use crate::words::words;

/// Sets up a safe in `folder`.
///
/// The last step is one file: until it is there, the folder is no safe and can be set up again.
///
/// # Errors
/// When there is a safe in the folder already, or it cannot be written to.
pub(crate) fn init(folder: &Path, name: &str, passphrase: &str, there: Option<&There>) -> Outcome<Home> {
    Home::make(folder)?;
    let identity = IdentityFile::generate(&mut SystemEntropy);
    let device = Device::generate();
    home::clear_unfinished(folder)?;
    home::write_new(&home::identity_file(folder), identity.seal(passphrase, &mut SystemEntropy).as_bytes())?;
    device.write(folder)?;
    let (keeper, pinned) = match there {
        None => here(folder)?,
        Some(there) => there.keeper(folder, identity.signing_seed.clone())?,
    };
    let founding = Founding { keeper: &keeper, origin: &pinned.origin, space: SpaceId::from_bytes(random()) };
    let slot_key: [u8; 32] = random();
    if let Some(there) = there {
        Home::write_slot_key(folder, &slot_key)?;
        if let Some(roots) = &there.roots {
            Home::write_keeper_roots(folder, roots)?;
        }
    }
    let genesis = founding.begin(name, &identity, &device, &slot_key)?;
    let home = Home::settle(folder, &pinned, founding.space, genesis.id())?;
    if there.is_some() {
        // The first deposit may come when the keeper cannot be reached.
        home.remember_notes(&[genesis.note_bytes()], 0)?;
    }
    Ok(home)
}

/// A keeper in the home folder.
fn here(folder: &Path) -> Outcome<(Keeper, Pinned)> {
    let seeds = Seeds { origin: random(), log_key: Zeroizing::new(random()) };
    let keeper = EmbeddedKeeper::init_embedded(&home::keeper_folder(folder), &seeds).map_err(Failure::from)?;
    let pinned = Pinned::here(folder, &keeper)?;
    Ok((Keeper::Here(Box::new(keeper)), pinned))
}

/// A keeper at an address.
pub(crate) struct There {
    pub address: String,
    /// The key of its log, as its operator publishes it; without one, what the keeper says is pinned.
    pub log_key: Option<NamedKey>,
    /// The roots of its certificate, as PEM; without them, those that browsers trust.
    pub roots: Option<Vec<u8>>,
    /// What lets a space begin there.
    pub admission: Option<String>,
}

impl There {
    /// Asked in sessions of the founder: a space is begun by nobody else.
    fn keeper(&self, folder: &Path, founder: SigningSeed) -> Outcome<(Keeper, Pinned)> {
        let facts = RemoteKeeper::introduce(&self.address, patience(), self.roots.as_deref()).map_err(Failure::from)?;
        if self.log_key.as_ref().is_some_and(|known| *known != facts.log_key) {
            return Err(lying(words!(
                "it shows another key than the one you named",
                "指定された鍵とは別の鍵を見せています"
            )));
        }
        let CheckpointKey::Log(log_key) = *facts.log_key.key() else {
            return Err(Failure::from(hizo_keeper::Error::Answer));
        };
        // Somebody else's key of receipts would make each of them a false alarm, and every promise worth nothing.
        if [&facts.log_key, &facts.receipt_key].iter().any(|key| key.name() != facts.origin.as_str()) {
            return Err(Failure::from(hizo_keeper::Error::Answer));
        }
        let address = Some(self.address.trim_end_matches('/').to_owned());
        let keeper = keeper::remote(&self.address, &facts.origin, self.roots.as_deref(), move |space| {
            founder.session_key(space)
        });
        let keeper = keeper.map_err(Failure::from)?;
        let keeper = match &self.admission {
            Some(code) => keeper.admitted_by(code.clone()),
            None => keeper,
        };
        let pinned = Pinned { origin: facts.origin, log_key, receipt_key: facts.receipt_key, address };
        Ok((Keeper::There(Arc::new(keeper), AtHand::of(folder)), pinned))
    }
}

struct Founding<'a> {
    keeper: &'a Keeper,
    origin: &'a Origin,
    space: SpaceId,
}

impl Founding<'_> {
    /// Record 0: the founder as admin, this machine as a writer, and the first epoch.
    fn begin(
        &self,
        name: &str,
        identity: &IdentityFile,
        device: &Device,
        slot_key: &[u8; 32],
    ) -> Outcome<UnverifiedRecord> {
        let founder = identity.signing_seed.space_key(&self.space);
        let writer = device.signing.space_key(&self.space);
        let epoch = Identity::generate(&mut SystemEntropy);
        let recipient = epoch.recipient().clone();
        let (recipient_object, _) = self.keeper.put_bytes(self.space, recipient.to_string().into_bytes())?;
        let wrap = epochs::seal(&epoch, std::slice::from_ref(identity.identity.recipient()));
        let (wrap, wrap_bytes) = self.keeper.put_bytes(self.space, wrap?)?;
        let events = self.events(name, identity, device);
        let mut envelope = Envelope {
            keeper: self.origin.clone(),
            space: self.space,
            number: 0,
            prev: None,
            epoch: 0,
            time: safe::now()?,
            seen: None,
            body: Some(self.keeper.put_bytes(self.space, safe::seal_body(&events, &recipient)?)?),
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
        self.keeper.create_space(self.space, record.note_bytes(), slot_key).map_err(Failure::from)?;
        Ok(record)
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
}
