//! The keeper's own space: each stamp that it takes is a record there, so that every later stamped head covers it.
//!
//! See docs/spec/keeper.md, section "The keeper's own space". Nothing in it is sealed.

use std::ops::Range;

use ed25519_dalek::{Signer as _, SigningKey};
use hizo_ledger::id::{ObjectId, SlotKeyHash, SpaceId};
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::{ClaimedTime, Control, Envelope, Seen, UnverifiedRecord};
use hizo_ledger::space::Head;
use hizo_store::journal::PAGE_RECORDS_MAX;
use hizo_store::{Journal, NamedBytes, Objects};
use hkdf::Hkdf;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::{Error, Keeper, Kept};

/// What its recipient and its wrap are: nobody seals to it, and nobody needs to open it.
const NOTHING_IS_SEALED: &[u8] = b"nothing is sealed in this space\n";

/// How often a record is put after what another process appended in between.
const TRIES: usize = 64;

/// The keeper's own space and the key that signs its records, and nothing else.
pub struct OwnSpace {
    id: SpaceId,
    slot_key: Zeroizing<[u8; 32]>,
    secret: SigningKey,
    key: VerifyingKey,
}

/// A stamp that is a record of the keeper's own space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoggedStamp {
    /// The record's number in the space.
    pub number: u64,
    /// Leaves of the head that was stamped.
    pub size: u64,
    /// The authority's answer, an object of the space.
    pub answer: ObjectId,
    /// How long the answer is, in bytes.
    pub bytes: u64,
}

impl LoggedStamp {
    /// The stamp that a record of the space says; `None` when it says none, as record 0.
    pub fn of(record: &UnverifiedRecord) -> Option<Self> {
        let Envelope { number, seen, body, .. } = record.envelope();
        let ((answer, bytes), seen) = ((*body)?, (*seen)?);
        Some(Self { number: *number, size: seen.size, answer, bytes })
    }
}

impl OwnSpace {
    /// The space of the keeper whose log's key has this seed. `None` if the seed gives no key that a verifier takes.
    pub fn new(seed: &[u8; 32]) -> Option<Self> {
        let derived = Hkdf::<Sha256>::new(None, seed);
        let mut id = [0; 16];
        derived.expand(b"hizo/keeper-space-id/v1", &mut id).ok()?;
        let (mut slot_key, mut signing) = (Zeroizing::new([0; 32]), Zeroizing::new([0; 32]));
        derived.expand(b"hizo/keeper-space-slot/v1", slot_key.as_mut()).ok()?;
        derived.expand(b"hizo/keeper-space-sign/v1", signing.as_mut()).ok()?;
        let secret = SigningKey::from_bytes(&signing);
        let key = VerifyingKey::from_bytes(secret.verifying_key().as_bytes()).ok()?;
        Some(Self { id: SpaceId::from_bytes(id), slot_key, secret, key })
    }

    /// Its id.
    pub const fn id(&self) -> SpaceId {
        self.id
    }

    /// Makes a stamp over the head `seen` a record. What another process appends in between stays before it.
    ///
    /// # Errors
    /// The keeper's.
    pub fn log_stamp<O: Objects, J: Journal>(
        &self,
        keeper: &Keeper<O, J>,
        seen: Seen,
        answer: &[u8],
    ) -> Result<Kept, Error> {
        let answer = NamedBytes::name(answer.to_vec())?;
        for _ in 0..TRIES {
            let head = match keeper.head(self.id)? {
                Some(head) => head,
                None => self.begin(keeper)?,
            };
            keeper.put(self.id, &answer)?;
            let body = Some((answer.id(), answer.length()));
            let note = self.sign(&Envelope { seen: Some(seen), body, ..self.next(keeper, Some(head))? })?;
            match keeper.append(&note) {
                Err(Error::Conflict { .. }) => {}
                other => return other,
            }
        }
        Err(Error::Conflict { head: keeper.head(self.id)? })
    }

    /// The newest stamps that were made records, at most so many, the oldest of them first.
    ///
    /// # Errors
    /// The journal's; [`Error::Form`] when a record cannot be read.
    pub fn stamps<O: Objects, J: Journal>(
        &self,
        keeper: &Keeper<O, J>,
        newest: u64,
    ) -> Result<Vec<LoggedStamp>, Error> {
        let Some(head) = keeper.head(self.id)? else { return Ok(Vec::new()) };
        let mut stamps = Vec::new();
        // Record 0 is no stamp.
        let mut from = head.number.saturating_sub(newest).saturating_add(1);
        loop {
            let page = keeper.records(self.id, from, PAGE_RECORDS_MAX)?;
            let Some(last) = page.last() else { return Ok(stamps) };
            from = last.number.saturating_add(1);
            for record in &page {
                stamps.extend(LoggedStamp::of(&UnverifiedRecord::parse(&record.note).map_err(Error::Form)?));
            }
        }
    }

    /// How many of the places of the log in this range are those of its newest records, of which at most so many are
    /// looked at, and of its record 0.
    pub(crate) fn places<O: Objects, J: Journal>(
        &self,
        keeper: &Keeper<O, J>,
        range: &Range<u64>,
        newest: u64,
    ) -> Result<u64, Error> {
        let Some(head) = keeper.head(self.id)? else { return Ok(0) };
        let mut records = keeper.records(self.id, 0, 1)?;
        let mut from = head.number.saturating_sub(newest).saturating_add(1);
        while from <= head.number {
            let page = keeper.records(self.id, from, PAGE_RECORDS_MAX)?;
            let Some(last) = page.last() else { break };
            from = last.number.saturating_add(1);
            records.extend(page);
        }
        Ok(records.iter().filter(|record| range.contains(&record.position)).count() as u64)
    }

    /// Begins the space; of two processes that do it at once, the first one's beginning stands.
    fn begin<O: Objects, J: Journal>(&self, keeper: &Keeper<O, J>) -> Result<Head, Error> {
        let nothing = NamedBytes::name(NOTHING_IS_SEALED.to_vec())?;
        keeper.put(self.id, &nothing)?;
        let slot = SlotKeyHash::from_bytes(Sha256::digest(self.slot_key.as_slice()).into());
        let controls = vec![
            Control::Founder(self.key),
            Control::Slot(slot),
            Control::Recovery(None),
            Control::Epoch { epoch: 0, recipient: nothing.id() },
            Control::Wrap { epoch: 0, wrap: nothing.id(), bytes: nothing.length() },
        ];
        let note = self.sign(&Envelope { controls, ..self.next(keeper, None)? })?;
        match keeper.create_space(&note, &self.slot_key) {
            Ok(kept) => Ok(Head { number: kept.number, id: kept.id }),
            Err(Error::Conflict { head: Some(head) }) => Ok(head),
            Err(other) => Err(other),
        }
    }

    /// The envelope after this head, which says nothing yet.
    fn next<O: Objects, J: Journal>(&self, keeper: &Keeper<O, J>, head: Option<Head>) -> Result<Envelope, Error> {
        Ok(Envelope {
            keeper: keeper.origin().clone(),
            space: self.id,
            number: head.map_or(0, |head| head.number.saturating_add(1)),
            prev: head.map(|head| head.id),
            epoch: 0,
            time: ClaimedTime::from_unix_seconds((keeper.clock)()).map_err(|_| Error::Clock)?,
            seen: None,
            body: None,
            deposit: None,
            controls: Vec::new(),
        })
    }

    fn sign(&self, envelope: &Envelope) -> Result<Vec<u8>, Error> {
        let signature = self.secret.sign(envelope.text().map_err(Error::Form)?.as_bytes()).to_bytes();
        let record = UnverifiedRecord::compose(envelope, &[(self.key, signature)]).map_err(Error::Form)?;
        Ok(record.note_bytes().to_vec())
    }
}
