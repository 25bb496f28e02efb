//! Record 0 of a space: its founder, its first epoch, and whoever is in it from the beginning.

use std::path::Path;
use std::sync::Arc;

use hizo_ledger::id::{SlotKeyHash, SpaceId};
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::{Control, Envelope, Origin, Role, UnverifiedRecord};
use hizo_vault::age::{Identity, Recipient};
use hizo_vault::event::Event;
use hizo_vault::event::certificate::UnverifiedCertificate;
use hizo_vault::keys::IdentityFile;
use sha2::{Digest as _, Sha256};

use crate::entropy::{SystemEntropy, random};
use crate::failure::{Failure, Outcome};
use crate::home::{Device, Home, Pinned};
use crate::keeper::{self, Keeper};
use crate::queue::AtHand;
use crate::words::words;
use crate::{epochs, membership, safe};

/// What the machine is called with which a safe was begun. Pages say it in the reader's language.
pub(crate) const FIRST_MACHINE: &str = "this machine";

/// A space that is about to begin.
pub(crate) struct Founding<'a> {
    keeper: &'a Keeper,
    origin: &'a Origin,
    space: SpaceId,
    /// Who reads from the beginning.
    readers: Vec<Recipient>,
    members: Vec<Control>,
    /// What record 0 says.
    pub events: Vec<Event>,
}

impl<'a> Founding<'a> {
    /// With its founder as admin and this machine as a writer.
    pub(crate) fn new(
        keeper: &'a Keeper,
        origin: &'a Origin,
        space: SpaceId,
        name: &str,
        identity: &IdentityFile,
        device: &Device,
    ) -> Self {
        let founder = UnverifiedCertificate::issue(identity, &space);
        let machine = UnverifiedCertificate::issue_machine(identity, &device.signing, &space);
        let key = device.signing.space_key(&space).verifying_key();
        let founding = Self {
            keeper,
            origin,
            space,
            readers: vec![identity.identity.recipient().clone()],
            members: vec![Control::Session {
                member: identity.signing_seed.space_key(&space).verifying_key(),
                session: identity.signing_seed.session_key(&space).verifying_key(),
            }],
            events: vec![
                Event::SpaceFounded { name: name.to_owned() },
                Event::KeyCertified(founder),
                Event::KeyCertified(machine),
                Event::DeviceAdded { key: key.to_base64(), name: FIRST_MACHINE.into() },
            ],
        };
        founding.with(key, device.signing.session_key(&space).verifying_key(), Role::Writer)
    }

    /// With one member more; `session` is the key with which it starts sessions.
    pub(crate) fn with(mut self, key: VerifyingKey, session: VerifyingKey, role: Role) -> Self {
        self.members.extend([Control::Member { key, role }, Control::Session { member: key, session }]);
        self
    }

    /// With a reader more.
    pub(crate) fn read_by(mut self, recipient: &Recipient) -> Self {
        self.readers.push(recipient.clone());
        self
    }

    /// Begins it at its keeper.
    ///
    /// # Errors
    /// When the keeper does not take it: there may be one of this id already.
    pub(crate) fn begin(self, identity: &IdentityFile, slot_key: &[u8; 32]) -> Outcome<UnverifiedRecord> {
        let founder = identity.signing_seed.space_key(&self.space);
        let epoch = Identity::generate(&mut SystemEntropy);
        let recipient = epoch.recipient().clone();
        let (recipient_object, _) = self.keeper.put_bytes(self.space, recipient.to_string().into_bytes())?;
        let (wrap, bytes) = self.keeper.put_bytes(self.space, epochs::seal(&epoch, &self.readers)?)?;
        let mut controls = self.members;
        controls.extend([
            Control::Founder(founder.verifying_key()),
            Control::Slot(SlotKeyHash::from_bytes(Sha256::digest(slot_key).into())),
            Control::Recovery(None),
            Control::Epoch { epoch: 0, recipient: recipient_object },
            Control::Wrap { epoch: 0, wrap, bytes },
        ]);
        let mut envelope = Envelope {
            keeper: self.origin.clone(),
            space: self.space,
            number: 0,
            prev: None,
            epoch: 0,
            time: safe::now()?,
            seen: None,
            body: Some(self.keeper.put_bytes(self.space, safe::seal_body(&self.events, &recipient)?)?),
            deposit: None,
            controls,
        };
        envelope.sort_controls();
        let text = envelope.text().map_err(Failure::internal)?;
        let signature = founder.sign(text.as_bytes());
        let record = UnverifiedRecord::compose(&envelope, &[(founder.verifying_key(), signature)]);
        let record = record.map_err(Failure::internal)?;
        self.keeper.create_space(self.space, record.note_bytes(), slot_key).map_err(Failure::from)?;
        Ok(record)
    }
}

/// Begins a space at the keeper of another home of the same person, with a home of its own in `folder`. What it begins with, `with` says.
///
/// # Errors
/// When that keeper is a folder of this machine, where nobody else reaches it, or does not begin a space.
pub(crate) fn beside(
    home: &Home,
    identity: &IdentityFile,
    folder: &Path,
    (space, name): (SpaceId, &str),
    admission: Option<&Path>,
    with: impl FnOnce(Founding<'_>) -> Founding<'_>,
) -> Outcome<Home> {
    let Some(address) = home.address() else {
        return Err(Failure::fixable(words!(
            "this safe is kept in a folder of this machine, where nobody else reaches it",
            "この金庫はこのコンピューターのフォルダーに預けてあり、ほかの人からは届きません"
        ))
        .hint(words!(
            "Use one at a keeper that all of you reach: `hizo init --keeper URL`, or `hizo move --to URL` with this one.",
            "全員が届く預け先にある金庫を使ってください: `hizo init --keeper アドレス`。この金庫を `hizo move --to アドレス` で移すこともできます。"
        )));
    };
    let device = home.begin_beside(folder)?;
    let slot_key: [u8; 32] = random();
    home.write_terms_beside(folder, &slot_key)?;
    let founder = identity.signing_seed.clone();
    let keeper =
        keeper::remote(address, &home.keeper, home.keeper_roots()?.as_deref(), move |space| founder.session_key(space));
    let keeper = keeper.map_err(Failure::from)?;
    let keeper = match admission {
        Some(path) => keeper.admitted_by(membership::read_admission(path)?),
        None => keeper,
    };
    let keeper = Keeper::There(Arc::new(keeper), AtHand::of(folder));
    let founding = with(Founding::new(&keeper, &home.keeper, space, name, identity, &device));
    let genesis = founding.begin(identity, &slot_key)?.id();
    Home::settle(folder, &Pinned::of(home), space, genesis)
}
