//! Keys that everybody can make again, and spaces told record by record.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer, SigningKey};
use hizo_ledger::id::{CommitHash, ObjectId, RecordId, RootHash, SeriesId, SlotKeyHash, SpaceId};
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::{
    ClaimedTime, Commitment, Control, Deposit, Envelope, Objects, Origin, Role, Seen, UnverifiedRecord,
};
use hizo_ledger::space::Chain;
use sha2::{Digest, Sha256};

/// 2027-05-03T09:12:44Z.
const FIRST_SECOND: u64 = 1_809_335_564;

/// The 32-byte seed of a test key: SHA-256 of this text.
pub(crate) fn seed(who: &str) -> [u8; 32] {
    Sha256::digest(format!("hizo test key: {who}")).into()
}

pub(crate) fn secret(who: &str) -> SigningKey {
    SigningKey::from_bytes(&seed(who))
}

pub(crate) fn key(who: &str) -> VerifyingKey {
    VerifyingKey::from_bytes(secret(who).verifying_key().as_bytes()).unwrap()
}

pub(crate) fn object(what: &str) -> ObjectId {
    ObjectId::of(what.as_bytes())
}

pub(crate) fn space(what: &str) -> SpaceId {
    SpaceId::from_bytes(Sha256::digest(what)[..16].try_into().unwrap())
}

pub(crate) fn series(what: &str) -> SeriesId {
    SeriesId::from_bytes(Sha256::digest(what)[..8].try_into().unwrap())
}

pub(crate) fn member(who: &str, role: Role) -> Control {
    Control::Member { key: key(who), role }
}

/// The session line of somebody who comes in the same record.
pub(crate) fn session(who: &str) -> Control {
    Control::Session { member: key(who), session: session_key(who) }
}

pub(crate) fn session_key(who: &str) -> VerifyingKey {
    key(&format!("{who}, session"))
}

pub(crate) fn wrap(epoch: u32, what: &str) -> Control {
    Control::Wrap { epoch, wrap: object(what), bytes: 3300 }
}

/// The lines that begin an epoch.
pub(crate) fn epoch(number: u32) -> [Control; 2] {
    let recipient = object(&format!("recipient {number}"));
    [Control::Epoch { epoch: number, recipient }, wrap(number, &format!("wrap {number}"))]
}

/// A note with this text, whatever it says, signed by these keys in their order.
pub(crate) fn note(text: &str, signers: &[&str]) -> String {
    let mut signers: Vec<_> = signers.iter().map(|who| (key(who), secret(who))).collect();
    signers.sort_by_key(|(key, _)| *key);
    let lines = signers.iter().map(|(key, secret)| signature_line(key, &secret.sign(text.as_bytes()).to_bytes()));
    format!("{text}\n{}", lines.collect::<String>())
}

pub(crate) fn signature_line(key: &VerifyingKey, signature: &[u8]) -> String {
    let name = hex::encode(&Sha256::digest(key.as_bytes())[..8]);
    let key_id = Sha256::digest([name.as_bytes(), b"\n\x01", key.as_bytes()].concat());
    format!("— {name} {}\n", STANDARD.encode([&key_id[..4], signature].concat()))
}

/// A record by one signer, composed by the library.
pub(crate) fn signed(envelope: &Envelope, who: &str) -> UnverifiedRecord {
    signed_by(envelope, &[who])
}

/// The same by several, over one text.
pub(crate) fn signed_by(envelope: &Envelope, who: &[&str]) -> UnverifiedRecord {
    let text = envelope.text().unwrap();
    let sign = |who: &&str| (key(who), secret(who).sign(text.as_bytes()).to_bytes());
    UnverifiedRecord::compose(envelope, &who.iter().map(sign).collect::<Vec<_>>()).unwrap()
}

/// The text of a note.
pub(crate) fn text(note: &str) -> String {
    note.split_inclusive("\n\n").next().unwrap().strip_suffix('\n').unwrap().to_owned()
}

/// A genesis envelope by `owner` with these lines besides the needed ones.
pub(crate) fn genesis(more: &[Control]) -> Envelope {
    let mut controls =
        vec![Control::Founder(key("owner")), Control::Slot(SlotKeyHash::from_bytes(Sha256::digest("slot key").into()))];
    controls.extend(epoch(0));
    controls.extend(more.iter().cloned());
    if !controls.iter().any(|control| matches!(control, Control::Recovery(_))) {
        controls.push(Control::Recovery(Some(key("recovery"))));
    }
    let mut envelope = Envelope {
        keeper: Origin::local(*b"sixteen  bytes!!"),
        space: space("test space"),
        number: 0,
        prev: None,
        epoch: 0,
        time: ClaimedTime::from_unix_seconds(FIRST_SECOND).unwrap(),
        seen: None,
        body: Some((object("body 0"), 1096)),
        deposit: None,
        controls,
    };
    envelope.sort_controls();
    envelope
}

/// A space that grows by valid records.
#[derive(Debug, Clone)]
pub(crate) struct Story {
    pub(crate) chain: Chain,
    pub(crate) notes: Vec<String>,
}

impl Story {
    pub(crate) fn begin(more: &[Control]) -> Self {
        let record = signed(&genesis(more), "owner");
        let note = String::from_utf8(record.note_bytes().to_vec()).unwrap();
        let (chain, _) = Chain::begin(record).unwrap();
        Self { chain, notes: vec![note] }
    }

    /// The next record, saying something.
    pub(crate) fn say(&self) -> Envelope {
        let head = self.chain.head();
        let number = head.number + 1;
        Envelope {
            keeper: self.chain.keeper().clone(),
            space: self.chain.space(),
            number,
            prev: Some(head.id),
            epoch: self.chain.epoch(),
            time: ClaimedTime::from_unix_seconds(FIRST_SECOND + 3600 * number).unwrap(),
            seen: Some(Seen { size: 40 + number, root: RootHash::from_bytes(Sha256::digest("root").into()) }),
            body: Some((object(&format!("body {number}")), 1096)),
            deposit: None,
            controls: Vec::new(),
        }
    }

    /// The next record, a deposit of this series.
    pub(crate) fn deposit(&self, what: &str) -> Envelope {
        let last = self.chain.series().get(&series(what));
        let k = last.map_or(1, |last| last.k + 1);
        let commit = |hash: &str| CommitHash::from_bytes(Sha256::digest(format!("{hash} of {what} {k}")).into());
        let deposit = Deposit {
            series: series(what),
            k,
            prev: last.map(|last| last.record),
            commit: Commitment { sha256: commit("sha256"), blake3: commit("blake3") },
            objects: Objects { count: 3, total: 33_558_000, list: object(&format!("list of {what} {k}")) },
        };
        Envelope { body: None, deposit: Some(deposit), ..self.say() }
    }

    /// The next record, with these control lines; of the epoch that they begin, if they do.
    pub(crate) fn control(&self, controls: &[Control]) -> Envelope {
        let mut envelope = Envelope { controls: controls.to_vec(), ..self.say() };
        if let Some(number) = controls.iter().find_map(|control| match control {
            Control::Epoch { epoch, .. } => Some(*epoch),
            _ => None,
        }) {
            envelope.epoch = number;
        }
        envelope.sort_controls();
        envelope
    }

    /// The next record, removing a member and beginning the next epoch.
    pub(crate) fn removal(&self, who: &str) -> Envelope {
        let mut controls = vec![Control::Remove(key(who))];
        controls.extend(epoch(self.chain.epoch() + 1));
        self.control(&controls)
    }

    /// Appends a record that must stand.
    pub(crate) fn add(&mut self, envelope: &Envelope, who: &str) -> RecordId {
        self.add_by(envelope, &[who])
    }

    /// The same by several.
    pub(crate) fn add_by(&mut self, envelope: &Envelope, who: &[&str]) -> RecordId {
        let record = signed_by(envelope, who);
        self.notes.push(String::from_utf8(record.note_bytes().to_vec()).unwrap());
        self.chain.append(record).unwrap().id()
    }
}

/// Twelve records as a small company makes them: members come, deposit, leave and come back.
pub(crate) fn twelve_records() -> Story {
    let mut story = Story::begin(&[]);
    story.add(&story.control(&[member("machine", Role::Writer), member("clerk", Role::Reader)]), "owner");
    story.add(&story.deposit("drawings"), "machine");
    story.add(&story.deposit("drawings"), "machine");
    story.add(&story.say(), "clerk");
    story.add(&story.deposit("recipes"), "owner");
    story.add(&story.removal("clerk"), "owner");
    let partner = [member("partner", Role::ReaderWriter), wrap(0, "wrap 0 for the partner"), wrap(1, "wrap 1 again")];
    story.add(&story.control(&partner), "owner");
    story.add(&story.deposit("recipes"), "partner");
    story.add(&story.deposit("drawings"), "machine");
    story.add(&story.control(&[Control::Recovery(None)]), "owner");
    story.add(&story.control(&[Control::Origin(Origin::parse("keeper.example.org/one").unwrap())]), "owner");
    story
}
