//! A company that fills a space with bytes that nobody needs to open.

use ed25519_dalek::{Signer, SigningKey};
use hizo_keeper::{Clock, Error, Keeper, Kept};
use hizo_ledger::id::{CommitHash, ObjectId, SeriesId, SlotKeyHash, SpaceId};
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::object::ObjectList;
use hizo_ledger::record::{
    ClaimedTime, Commitment, Control, Deposit, Envelope, Objects as Listed, Origin, Role, UnverifiedRecord,
};
use hizo_ledger::space::Chain;
use hizo_store::objects::FileObjects;
use hizo_store::simulated::{MemoryJournal, SimulatedDisk};
use hizo_store::{Journal, NamedBytes, Objects};
use sha2::{Digest, Sha256};

pub(crate) use crate::say_aloud::say_aloud;

/// 2027-05-03T09:12:44Z.
pub(crate) const FIRST_SECOND: u64 = 1_809_335_564;

pub(crate) type SimulatedKeeper = Keeper<FileObjects<SimulatedDisk>, MemoryJournal>;

pub(crate) fn origin() -> Origin {
    Origin::local(*b"sixteen  bytes!!")
}

pub(crate) fn secret(who: &str) -> SigningKey {
    SigningKey::from_bytes(&Sha256::digest(format!("hizo test key: {who}")).into())
}

pub(crate) fn key(who: &str) -> VerifyingKey {
    VerifyingKey::from_bytes(secret(who).verifying_key().as_bytes()).unwrap()
}

pub(crate) fn clock() -> Clock {
    Box::new(|| FIRST_SECOND + 5)
}

/// A keeper on a disk that can fail and forget.
pub(crate) fn open(disk: &SimulatedDisk, journal: &MemoryJournal) -> Result<SimulatedKeeper, Error> {
    open_at(disk, journal, clock())
}

/// The same by another clock.
pub(crate) fn open_at(disk: &SimulatedDisk, journal: &MemoryJournal, clock: Clock) -> Result<SimulatedKeeper, Error> {
    let objects = FileObjects::open(disk.clone(), "objects".as_ref())?;
    let journal = journal.moved_beside(disk);
    Keeper::<FileObjects<SimulatedDisk>, _>::set_up(&journal, &origin(), &key("log"))?;
    Keeper::open(objects, journal, clock)
}

pub(crate) fn keeper() -> (SimulatedKeeper, SimulatedDisk) {
    let disk = SimulatedDisk::new(512);
    let journal = MemoryJournal::beside(&disk);
    (open(&disk, &journal).unwrap(), disk)
}

/// A note, and every object that it names, ready to be put and appended.
pub(crate) struct Draft {
    pub(crate) objects: Vec<NamedBytes>,
    pub(crate) note: Vec<u8>,
}

/// The owner's side of one space.
pub(crate) struct Company {
    pub(crate) space: SpaceId,
    pub(crate) slot_key: [u8; 32],
    pub(crate) keeper: Origin,
    pub(crate) chain: Option<Chain>,
}

pub(crate) fn object(text: &str) -> NamedBytes {
    NamedBytes::name(text.as_bytes().to_vec()).unwrap()
}

pub(crate) fn series(what: &str) -> SeriesId {
    SeriesId::from_bytes(Sha256::digest(what)[..8].try_into().unwrap())
}

pub(crate) fn sign(envelope: &Envelope, who: &str) -> Vec<u8> {
    sign_by(envelope, &[who])
}

/// The note that several sign.
pub(crate) fn sign_by(envelope: &Envelope, who: &[&str]) -> Vec<u8> {
    let text = envelope.text().unwrap();
    let sign = |who: &&str| (key(who), secret(who).sign(text.as_bytes()).to_bytes());
    let signatures: Vec<_> = who.iter().map(sign).collect();
    UnverifiedRecord::compose(envelope, &signatures).unwrap().note_bytes().to_vec()
}

impl Company {
    pub(crate) fn new(name: &str, keeper: &Origin) -> Self {
        let digest = Sha256::digest(name);
        let space = SpaceId::from_bytes(digest[..16].try_into().unwrap());
        Self { space, slot_key: digest.into(), keeper: keeper.clone(), chain: None }
    }

    /// Takes up what the keeper has.
    pub(crate) fn follow<O: Objects, J: Journal>(mut self, keeper: &Keeper<O, J>) -> Self {
        let mut notes: Vec<Vec<u8>> = Vec::new();
        loop {
            let page = keeper.records(self.space, notes.len() as u64, 1_000).unwrap();
            if page.is_empty() {
                break;
            }
            notes.extend(page.into_iter().map(|record| record.note));
        }
        self.chain = Chain::replay(&notes, |_| {}).ok();
        self
    }

    /// The envelope after the head: a body and nothing else.
    pub(crate) fn say(&self) -> Envelope {
        let head = self.chain.as_ref().map(Chain::head);
        let number = head.map_or(0, |head| head.number + 1);
        let body = object(&format!("sealed body {number} of {}", self.space));
        Envelope {
            keeper: self.keeper.clone(),
            space: self.space,
            number,
            prev: head.map(|head| head.id),
            epoch: self.chain.as_ref().map_or(0, Chain::epoch),
            time: ClaimedTime::from_unix_seconds(FIRST_SECOND + number).unwrap(),
            seen: None,
            body: Some((body.id(), body.length())),
            deposit: None,
            controls: Vec::new(),
        }
    }

    fn body(&self, envelope: &Envelope) -> NamedBytes {
        object(&format!("sealed body {} of {}", envelope.number, self.space))
    }

    /// The lines that begin an epoch, and the objects that they name.
    pub(crate) fn epoch(&self, number: u32) -> ([Control; 2], Vec<NamedBytes>) {
        let (recipient, wrap) = (object(&format!("recipient {number}")), object(&format!("wrap {number}")));
        let controls = [
            Control::Epoch { epoch: number, recipient: recipient.id() },
            Control::Wrap { epoch: number, wrap: wrap.id(), bytes: wrap.length() },
        ];
        (controls, vec![recipient, wrap])
    }

    pub(crate) fn genesis(&self) -> Draft {
        self.genesis_with(&[])
    }

    /// The same with control lines besides.
    pub(crate) fn genesis_with(&self, more: &[Control]) -> Draft {
        let (controls, mut objects) = self.epoch(0);
        let slot = SlotKeyHash::from_bytes(Sha256::digest(self.slot_key).into());
        let mut controls = controls.to_vec();
        controls.extend([Control::Founder(key("owner")), Control::Slot(slot), Control::Recovery(None)]);
        controls.push(Control::Member { key: key("machine"), role: Role::Writer });
        controls.extend_from_slice(more);
        let mut envelope = Envelope { controls, ..self.say() };
        envelope.sort_controls();
        objects.push(self.body(&envelope));
        Draft { objects, note: sign(&envelope, "owner") }
    }

    pub(crate) fn saying(&self) -> Draft {
        let envelope = self.say();
        Draft { objects: vec![self.body(&envelope)], note: sign(&envelope, "owner") }
    }

    pub(crate) fn rotation(&self) -> Draft {
        let number = self.chain.as_ref().unwrap().epoch() + 1;
        let (controls, mut objects) = self.epoch(number);
        let mut envelope = Envelope { epoch: number, controls: controls.to_vec(), ..self.say() };
        envelope.sort_controls();
        objects.push(self.body(&envelope));
        Draft { objects, note: sign(&envelope, "owner") }
    }

    /// A deposit of so many packs; the list comes last among its objects.
    pub(crate) fn deposit(&self, what: &str, packs: usize) -> (Envelope, Draft) {
        let last = self.chain.as_ref().and_then(|chain| chain.series().get(&series(what)));
        let k = last.map_or(1, |last| last.k + 1);
        let mut objects: Vec<NamedBytes> =
            (0..packs).map(|pack| object(&format!("pack {pack} of {what} {k} in {}", self.space))).collect();
        let lines: Vec<(ObjectId, u64)> = objects.iter().map(|pack| (pack.id(), pack.length())).collect();
        let (envelope, draft) = self.deposit_listing(what, &lines);
        objects.extend(draft.objects);
        (envelope, Draft { objects, note: draft.note })
    }

    /// A deposit that lists these objects; its own one is the list.
    pub(crate) fn deposit_listing(&self, what: &str, lines: &[(ObjectId, u64)]) -> (Envelope, Draft) {
        let last = self.chain.as_ref().and_then(|chain| chain.series().get(&series(what)));
        let k = last.map_or(1, |last| last.k + 1);
        let list = NamedBytes::name(ObjectList::compose(lines)).unwrap();
        let commit = |hash: &str| CommitHash::from_bytes(Sha256::digest(format!("{hash} {what} {k}")).into());
        let deposit = Deposit {
            series: series(what),
            k,
            prev: last.map(|last| last.record),
            commit: Commitment { sha256: commit("sha256"), blake3: commit("blake3") },
            objects: Listed {
                count: lines.len() as u64,
                total: lines.iter().map(|(_, bytes)| bytes).sum(),
                list: list.id(),
            },
        };
        let envelope = Envelope { body: None, deposit: Some(deposit), ..self.say() };
        let note = sign(&envelope, "machine");
        (envelope, Draft { objects: vec![list], note })
    }

    /// Puts and appends a draft, and follows it.
    pub(crate) fn keep<O: Objects, J: Journal>(&mut self, keeper: &Keeper<O, J>, draft: &Draft) -> Result<Kept, Error> {
        for object in &draft.objects {
            keeper.put(self.space, object)?;
        }
        let kept = self.append(keeper, &draft.note)?;
        Ok(kept)
    }

    /// Appends a note whose objects are there, and follows it.
    pub(crate) fn append<O: Objects, J: Journal>(&mut self, keeper: &Keeper<O, J>, note: &[u8]) -> Result<Kept, Error> {
        let record = UnverifiedRecord::parse(note).unwrap();
        let kept = match &mut self.chain {
            None => {
                let kept = keeper.create_space(note, &self.slot_key)?;
                self.chain = Some(Chain::begin(record).unwrap().0);
                kept
            }
            Some(chain) => {
                let kept = keeper.append(note)?;
                chain.append(record).unwrap();
                kept
            }
        };
        Ok(kept)
    }
}
