//! Owners of spaces, who sign records that nobody needs to open.

use std::time::{SystemTime, UNIX_EPOCH};

use ed25519_dalek::{Signer, SigningKey};
use hizo_ledger::id::{CommitHash, Nonce, RecordId, SeriesId, SlotKeyHash, SpaceId};
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::object::ObjectList;
use hizo_ledger::record::{ClaimedTime, Commitment, Control, Deposit, Envelope, Objects, Origin, UnverifiedRecord};
use hizo_ledger::session::{Session, Verbs};
use hizo_store::NamedBytes;
use sha2::{Digest, Sha256};

use crate::Failure;

const CLAIMED: u64 = 1_809_335_564;

/// The one member of a space, and how far it has come.
pub(crate) struct Owner {
    pub(crate) space: SpaceId,
    pub(crate) slot_key: [u8; 32],
    keeper: Origin,
    secret: SigningKey,
    session: SigningKey,
    next: u64,
    prev: Option<RecordId>,
    last_deposit: Option<(u64, RecordId)>,
}

/// A note, and the objects that it names.
pub(crate) struct Draft {
    pub(crate) objects: Vec<NamedBytes>,
    pub(crate) note: Vec<u8>,
}

impl Owner {
    pub(crate) fn new(keeper: &Origin, number: u64) -> Self {
        let seed: [u8; 32] = Sha256::digest(number.to_be_bytes()).into();
        Self {
            space: SpaceId::from_bytes(first(seed)),
            slot_key: seed,
            keeper: keeper.clone(),
            secret: SigningKey::from_bytes(&seed),
            session: SigningKey::from_bytes(&Sha256::digest(seed).into()),
            next: 0,
            prev: None,
            last_deposit: None,
        }
    }

    pub(crate) fn genesis(&mut self) -> Result<Draft, Failure> {
        let objects: Result<Vec<_>, _> =
            ["recipient", "wrap", "body"].map(|what| NamedBytes::name(self.bytes(what, 0))).into_iter().collect();
        let objects = objects?;
        let [recipient, wrap, body] = objects.as_slice() else { return Err("there are three objects".into()) };
        let slot = SlotKeyHash::from_bytes(Sha256::digest(self.slot_key).into());
        let member = public(&self.secret)?;
        let controls = vec![
            Control::Founder(member),
            Control::Slot(slot),
            Control::Recovery(None),
            Control::Session { member, session: public(&self.session)? },
            Control::Epoch { epoch: 0, recipient: recipient.id() },
            Control::Wrap { epoch: 0, wrap: wrap.id(), bytes: wrap.length() },
        ];
        let mut envelope = Envelope { body: Some((body.id(), body.length())), controls, ..self.empty()? };
        envelope.sort_controls();
        Ok(Draft { note: self.sign(&envelope)?, objects })
    }

    /// A record without objects. What such a one says stands in the clear: here, another recovery key each time.
    pub(crate) fn bare(&mut self) -> Result<Vec<u8>, Failure> {
        let recovery = (self.next % 2 == 1)
            .then(|| public(&SigningKey::from_bytes(&Sha256::digest(self.space.as_bytes()).into())));
        let controls = vec![Control::Recovery(recovery.transpose()?)];
        self.sign(&Envelope { controls, ..self.empty()? })
    }

    /// A deposit of one pack of so many bytes.
    pub(crate) fn deposit(&mut self, bytes: usize) -> Result<Draft, Failure> {
        let mut pack = self.bytes("pack", self.next);
        pack.resize(bytes, 0);
        let pack = NamedBytes::name(pack)?;
        let list = NamedBytes::name(ObjectList::compose(&[(pack.id(), pack.length())]))?;
        let commit = |hash: &str| CommitHash::from_bytes(Sha256::digest(self.bytes(hash, self.next)).into());
        let (k, prev) = self.last_deposit.map_or((1, None), |(k, record)| (k + 1, Some(record)));
        let mut series = [0; 8];
        series.copy_from_slice(&self.slot_key[..8]);
        let deposit = Deposit {
            series: SeriesId::from_bytes(series),
            k,
            prev,
            commit: Commitment { sha256: commit("sha256"), blake3: commit("blake3") },
            objects: Objects { count: 1, total: pack.length(), list: list.id() },
        };
        let note = self.sign(&Envelope { deposit: Some(deposit), ..self.empty()? })?;
        self.last_deposit = self.prev.map(|record| (k, record));
        Ok(Draft { objects: vec![pack, list], note })
    }

    /// What starts a session now, as a line of JSON has it.
    pub(crate) fn session_note(&self) -> Result<String, Failure> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let session = Session {
            keeper: self.keeper.clone(),
            space: self.space,
            key: public(&self.session)?,
            nonce: Nonce::from_bytes(first(Sha256::digest(format!("{now:?} in {}", self.space)).into())),
            time: ClaimedTime::from_unix_seconds(now.as_secs())?,
            verbs: Verbs::ReadWrite,
        };
        Ok(session.note(&self.session.sign(session.text().as_bytes()).to_bytes())?.replace('\n', "\\n"))
    }

    fn bytes(&self, what: &str, number: u64) -> Vec<u8> {
        format!("{what} {number} of {}", self.space).into_bytes()
    }

    fn empty(&self) -> Result<Envelope, Failure> {
        Ok(Envelope {
            keeper: self.keeper.clone(),
            space: self.space,
            number: self.next,
            prev: self.prev,
            epoch: 0,
            time: ClaimedTime::from_unix_seconds(CLAIMED)?,
            seen: None,
            body: None,
            deposit: None,
            controls: Vec::new(),
        })
    }

    fn sign(&mut self, envelope: &Envelope) -> Result<Vec<u8>, Failure> {
        let signature = self.secret.sign(envelope.text()?.as_bytes()).to_bytes();
        let record = UnverifiedRecord::compose(envelope, &[(public(&self.secret)?, signature)])?;
        let note = record.note_bytes().to_vec();
        (self.next, self.prev) = (self.next + 1, Some(RecordId::of(&note)));
        Ok(note)
    }
}

fn public(secret: &SigningKey) -> Result<VerifyingKey, Failure> {
    Ok(VerifyingKey::from_bytes(secret.verifying_key().as_bytes())?)
}

fn first(bytes: [u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&bytes[..16]);
    half
}
