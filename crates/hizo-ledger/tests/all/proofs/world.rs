//! A keeper, its log, its witnesses, its authority and a depositor, all with keys that everybody can make again.

use std::collections::BTreeMap;
use std::convert::Infallible;

use ed25519_dalek::Signer as _;
use hizo_ledger::commitment::{
    Complete, ContentValue, Dummies, Field, Fields, LeafHashes, Leaves, Meta, MetaKind, Part, open,
};
use hizo_ledger::id::{CommitHash, NodeHash, ObjectId, RecordId, Slot};
use hizo_ledger::log::Leaf;
use hizo_ledger::log::checkpoint::Checkpoint;
use hizo_ledger::log::note::{CheckpointKey, NamedKey, signature_line};
use hizo_ledger::log::proof::InclusionProof;
use hizo_ledger::log::receipt::Receipt;
use hizo_ledger::log::tree::{Edge, Subtrees, inclusion_path, node_hash};
use hizo_ledger::proof::Disclosure;
use hizo_ledger::record::{ClaimedTime, Commitment, Envelope, Origin, Role, Seen};
use hizo_ledger::timestamp::{Accuracy, DigestAlgorithm, Imprint, Info, Moment, Oid, certificates_to_pem};
use ml_dsa::MlDsa44;
use sha2::{Digest as _, Sha256};

use crate::kit::{self, Story, member};
use crate::stamps::forge::{self, Certificate, Forge};

/// The files of a bundle.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// When the keeper had the record, and when its authority was asked.
pub(crate) const KEPT: &str = "2027-05-03T09:12:40Z";
pub(crate) const KEEPER: &str = "keeper.example/log";
pub(crate) const DRAWING: &[u8] = b"outline, layer 7\n";
const INDEX: u64 = 6;
const SIZE: u64 = 11;

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

/// One entry of the deposit.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) name: Vec<u8>,
    pub(crate) meta: Meta,
    pub(crate) content: Vec<u8>,
}

impl Entry {
    pub(crate) fn file(name: &[u8], bytes: &[u8]) -> Self {
        let kind = MetaKind::File { size: bytes.len() as u64 };
        let content = ContentValue::of(hash(&format!("key of {}", hex::encode(name))), bytes).to_bytes().to_vec();
        Self { name: name.to_vec(), meta: Meta { kind, mode: 0o640, mtime_ns: 1_809_000_000_000_000_000 }, content }
    }

    fn parts(&self, number: usize, fields: Fields) -> [Part; 3] {
        Field::ALL.map(|field| {
            let value = match field {
                Field::Content => self.content.clone(),
                Field::Name => self.name.clone(),
                Field::Meta => self.meta.to_bytes().to_vec(),
            };
            let salt = hash(&format!("salt of {} of entry {number}", field.label()));
            if fields.has(field) { Part::Shown { salt, value } } else { Part::Hidden(field.commit(&salt, &value)) }
        })
    }
}

/// A drawing, a recipe, a folder, a link, and a file whose name is not text.
pub(crate) fn entries() -> Vec<Entry> {
    let meta = |kind| Meta { kind, mode: 0o755, mtime_ns: -1 };
    let target = hash("KX-204.dxf");
    vec![
        Entry::file(b"KX-204.dxf", DRAWING),
        Entry::file("配合/R-17.csv".as_bytes(), b"0417"),
        Entry { name: b"old".to_vec(), meta: meta(MetaKind::Directory), content: Vec::new() },
        Entry { name: b"latest".to_vec(), meta: meta(MetaKind::Symlink { target }), content: Vec::new() },
        Entry::file(b"\xff \"quoted\"", b""),
    ]
}

const BLIND: &str = "blind";
const DUMMIES: &str = "dummies";

fn leaves(entries: &[Entry]) -> Leaves {
    let mut leaves = Leaves::default();
    for (number, entry) in entries.iter().enumerate() {
        let parts = entry.parts(number, Fields::default());
        leaves.push(LeafHashes::of(&[0, 1, 2].map(|place| parts[place].hashes(Field::ALL[place]))));
    }
    leaves
}

pub(crate) fn commit(entries: &[Entry]) -> hizo_ledger::commitment::Commitment {
    leaves(entries).commit(&hash(BLIND), &Dummies::new(&hash(DUMMIES))).unwrap()
}

pub(crate) fn show(entries: &[Entry], chosen: &[(usize, Fields)]) -> Disclosure {
    let parts = chosen.iter().map(|(number, fields)| entries[*number].parts(*number, *fields)).collect();
    Disclosure::Chosen(open(&hash(BLIND), &Dummies::new(&hash(DUMMIES)), leaves(entries), parts).unwrap().1)
}

pub(crate) fn show_all(entries: &[Entry], fields: Fields) -> Complete {
    let dummies = Complete::dummies_beside(entries.len()).unwrap();
    let entries = entries.iter().enumerate().map(|(number, entry)| entry.parts(number, fields)).collect();
    Complete { blind: hash(BLIND), dummy_key: hash(DUMMIES), dummies, entries }
}

pub(crate) fn named(name: &str, who: &str, kind: fn(hizo_ledger::identity::VerifyingKey) -> CheckpointKey) -> NamedKey {
    NamedKey::new(name, kind(kit::key(who))).unwrap()
}

fn ml_dsa() -> (ml_dsa::SigningKey<MlDsa44>, NamedKey) {
    let secret = ml_dsa::SigningKey::<MlDsa44>::from_seed(&ml_dsa::Seed::from(kit::seed("third witness")));
    let public = secret.expanded_key().verifying_key().encode().as_slice().try_into().unwrap();
    (secret, NamedKey::ml_dsa("w.example/3", &public).unwrap())
}

pub(crate) fn log_key(origin: &str, who: &str) -> NamedKey {
    named(origin, who, CheckpointKey::Log)
}

pub(crate) fn receipt_key() -> NamedKey {
    log_key(KEEPER, "receipts")
}

/// The log, and two of three witnesses, the third of which signs with ML-DSA-44.
pub(crate) fn policy() -> String {
    let mut text = format!("log {}\n", log_key(KEEPER, "log"));
    for number in [1, 2] {
        let key = named(&format!("w.example/{number}"), &format!("witness {number}"), CheckpointKey::Cosigner);
        text += &format!("witness W{number} {key}\n");
    }
    text + &format!("witness W3 {}\ngroup two-of-three 2 W1 W2 W3\nquorum two-of-three\n", ml_dsa().1)
}

struct Hashes(Vec<NodeHash>);

impl Subtrees for Hashes {
    type Error = Infallible;

    fn subtree(&mut self, level: u32, index: u64) -> Result<NodeHash, Infallible> {
        if level == 0 {
            return Ok(self.0[index as usize]);
        }
        let (left, right) = (self.subtree(level - 1, index * 2)?, self.subtree(level - 1, index * 2 + 1)?);
        Ok(node_hash(&left, &right))
    }
}

/// What a bundle is made of; each part can be another.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) record: Vec<u8>,
    pub(crate) keys: Option<String>,
    pub(crate) receipt: Receipt,
    pub(crate) receipt_signer: &'static str,
    pub(crate) disclosure: Disclosure,
    /// Origin and signer of the log.
    pub(crate) log: (&'static str, &'static str),
    pub(crate) witnesses: Vec<u8>,
    pub(crate) leaf: Leaf,
    pub(crate) stamps: Vec<(&'static str, Stamp)>,
    pub(crate) renewals: Vec<Renewed>,
}

/// A later head of the log, under which earlier stamps stand.
#[derive(Clone)]
pub(crate) struct Renewed {
    /// Stamps over the head before whose records are in the bundle.
    pub(crate) earlier: Vec<&'static str>,
    pub(crate) stamps: Vec<(&'static str, Stamp)>,
    /// What is another in the records of the earlier stamps.
    pub(crate) record: fn(Envelope) -> Envelope,
    /// Origin and signer of the log.
    pub(crate) log: (&'static str, &'static str),
}

impl Renewed {
    /// Of the stamp `first`, by this one.
    pub(crate) fn by(stamp: Stamp) -> Self {
        let (earlier, stamps) = (vec!["first"], vec![("first", stamp)]);
        Self { earlier, stamps, record: |envelope| envelope, log: (KEEPER, "log") }
    }
}

/// A stamp over the checkpoint.
#[derive(Clone)]
pub(crate) enum Stamp {
    /// By the usual authority, at this time.
    At(&'static str),
    /// By the usual authority, at this time and under a certificate that ends then.
    Until(&'static str, &'static str),
    /// As another function makes it of the usual one.
    Forged(fn(Info) -> Forge),
    /// The chain beside the token, not in it.
    Beside,
}

impl World {
    /// A deposit of these entries, of which this much is shown.
    pub(crate) fn of(entries: &[Entry], disclosure: Disclosure) -> Self {
        let mut story = Story::begin(&[]);
        story.add(&story.control(&[member("machine", Role::Writer)]), "owner");
        let mut envelope = story.deposit("drawings");
        envelope.keeper = Origin::parse(KEEPER).unwrap();
        let (commitment, deposit) = (commit(entries), envelope.deposit.as_mut().unwrap());
        deposit.commit = Commitment {
            sha256: CommitHash::from_bytes(commitment.sha256),
            blake3: CommitHash::from_bytes(commitment.blake3),
        };
        let record = kit::signed(&envelope, "machine");
        let leaf = Leaf { slot: Slot::of(&hash("slot key"), envelope.number), record: record.id() };
        let time = |text| ClaimedTime::parse(text).unwrap();
        Self {
            record: record.note_bytes().to_vec(),
            keys: Some(format!("{}\n", kit::key("machine"))),
            receipt: Receipt {
                keeper: envelope.keeper,
                leaf,
                time: time(KEPT),
                index_by: time("2027-05-03T09:13:40Z"),
                is_twice: false,
            },
            receipt_signer: "receipts",
            disclosure,
            log: (KEEPER, "log"),
            witnesses: vec![1, 2, 3],
            leaf,
            stamps: vec![("first", Stamp::At(forge::TIME))],
            renewals: Vec::new(),
        }
    }

    /// The drawing, with all its fields.
    pub(crate) fn usual() -> Self {
        let entries = entries();
        Self::of(&entries, show(&entries, &[(0, Fields::ALL)]))
    }

    fn leaves(&self) -> Vec<Leaf> {
        (0..SIZE).map(|number| if number == INDEX { self.leaf } else { other_leaf(number) }).collect()
    }

    fn proof(&self) -> (Checkpoint, Vec<NodeHash>) {
        let (head, mut hashes) = head(self.log.0, &self.leaves());
        (head, inclusion_path(&mut hashes, INDEX, SIZE).unwrap().unwrap())
    }

    /// The note as the log signs it and as it is stamped.
    pub(crate) fn checkpoint(&self) -> String {
        log_note(&self.proof().0, self.log)
    }

    /// The files of the renewals, each over a log that has grown by the records of earlier stamps and one of somebody else.
    fn renewal_files(&self, files: &mut Files) {
        let (mut leaves, mut before, mut number) = (self.leaves(), String::new(), 0);
        for (count, renewed) in (1..).zip(&self.renewals) {
            let seen = head(KEEPER, &leaves).0;
            let mut records = Vec::new();
            for name in &renewed.earlier {
                let answer =
                    files.get(&format!("{before}stamps/{name}.tsr")).cloned().unwrap_or_else(|| b"no stamp".to_vec());
                number += 1;
                let record = kit::signed(&(renewed.record)(said(number, &seen, &answer)), "keeper's own space");
                let leaf =
                    Leaf { slot: Slot::of(&hash("slot key of the keeper's own space"), number), record: record.id() };
                records.push((*name, record, leaf, leaves.len() as u64));
                leaves.push(leaf);
            }
            leaves.push(other_leaf(leaves.len() as u64));
            let (checkpoint, mut hashes) = head(renewed.log.0, &leaves);
            let note = log_note(&checkpoint, renewed.log);
            let place = format!("renewals/{count}/");
            for (name, record, leaf, index) in records {
                let path = inclusion_path(&mut hashes, index, checkpoint.size).unwrap().unwrap();
                let proof = InclusionProof { index, path, checkpoint: note.clone().into_bytes() };
                let receipt = Receipt { leaf, keeper: record.envelope().keeper.clone(), ..self.receipt.clone() };
                let place = format!("{place}earlier/{name}");
                files.insert(format!("{place}.note"), record.note_bytes().to_vec());
                files.insert(format!("{place}.receipt"), receipt_note(&receipt, "receipts"));
                files.insert(format!("{place}.tlog-proof"), proof.to_bytes());
            }
            stamp_files(files, &place, &renewed.stamps, note.as_bytes());
            files.insert(format!("{place}checkpoint"), note.into_bytes());
            before = place;
        }
    }

    pub(crate) fn files(&self) -> Files {
        let (checkpoint, path) = self.proof();
        let stamped = self.checkpoint();
        let mut witnessed = stamped.clone();
        for number in &self.witnesses {
            let time = 1_809_335_560_u64 + u64::from(*number);
            let timed = |signature: &[u8]| [time.to_be_bytes().as_slice(), signature].concat();
            witnessed += &if *number == 3 {
                let (secret, key) = ml_dsa();
                let message = checkpoint.ml_dsa_message(key.name(), time);
                let signature = secret.expanded_key().sign_deterministic(&message, &[]).unwrap().encode();
                signature_line(&key, &timed(&signature))
            } else {
                let who = format!("witness {number}");
                let key = named(&format!("w.example/{number}"), &who, CheckpointKey::Cosigner);
                signature_line(
                    &key,
                    &timed(&kit::secret(&who).sign(checkpoint.cosigned_text(time).as_bytes()).to_bytes()),
                )
            };
        }
        let proof = InclusionProof { index: INDEX, path, checkpoint: witnessed.into_bytes() };
        let mut files = Files::from([
            ("record.note".to_owned(), self.record.clone()),
            ("receipt.note".to_owned(), receipt_note(&self.receipt, self.receipt_signer)),
            ("checkpoint".to_owned(), stamped.clone().into_bytes()),
            ("record.tlog-proof".to_owned(), proof.to_bytes()),
            ("opening.json".to_owned(), self.disclosure.to_bytes()),
        ]);
        files.extend(self.keys.clone().map(|keys| ("record.keys".to_owned(), keys.into_bytes())));
        stamp_files(&mut files, "", &self.stamps, stamped.as_bytes());
        self.renewal_files(&mut files);
        files
    }
}

/// A leaf that is for somebody else.
fn other_leaf(number: u64) -> Leaf {
    Leaf { slot: Slot::of(&hash("another slot key"), number), record: RecordId::of(&number.to_be_bytes()) }
}

fn head(origin: &str, leaves: &[Leaf]) -> (Checkpoint, Hashes) {
    let hashes = Hashes(leaves.iter().map(Leaf::hash).collect());
    let mut edge = Edge::default();
    hashes.0.iter().for_each(|hash| edge.push(*hash));
    (Checkpoint { origin: Origin::parse(origin).unwrap(), size: leaves.len() as u64, root: edge.root() }, hashes)
}

fn log_note(checkpoint: &Checkpoint, log: (&str, &str)) -> String {
    let key = log_key(log.0, log.1);
    let signature = kit::secret(log.1).sign(checkpoint.text().as_bytes()).to_bytes();
    format!("{}\n{}", checkpoint.text(), signature_line(&key, &signature))
}

fn receipt_note(receipt: &Receipt, signer: &str) -> Vec<u8> {
    let signature = kit::secret(signer).sign(receipt.text().as_bytes()).to_bytes();
    receipt.note(&log_key(receipt.keeper.as_str(), signer), &signature).into_bytes()
}

/// What a record of the keeper's own space says of a stamp.
fn said(number: u64, seen: &Checkpoint, answer: &[u8]) -> Envelope {
    Envelope {
        keeper: Origin::parse(KEEPER).unwrap(),
        space: kit::space("keeper's own space"),
        number,
        prev: Some(RecordId::of(b"the record before")),
        epoch: 0,
        time: ClaimedTime::parse(KEPT).unwrap(),
        seen: Some(Seen { size: seen.size, root: seen.root }),
        body: Some((ObjectId::of(answer), answer.len() as u64)),
        deposit: None,
        controls: Vec::new(),
    }
}

fn stamp_files(files: &mut Files, place: &str, stamps: &[(&str, Stamp)], data: &[u8]) {
    for (name, stamp) in stamps {
        let info = info(data);
        let at = |time: &str| Info { time: Moment::parse(time).unwrap(), ..info.clone() };
        let mut signer = Certificate::signer();
        let answer = match stamp {
            Stamp::At(time) => Forge::new(&at(time)),
            Stamp::Until(time, until) => {
                signer = Certificate { until: forge::time(until), ..signer };
                Forge::by(&at(time), &signer)
            }
            Stamp::Forged(forged) => forged(info),
            Stamp::Beside => Forge { certificates: Vec::new(), ..Forge::new(&info) },
        };
        let chain = [signer.to_der(), Certificate::issuer().to_der()];
        files.insert(format!("{place}stamps/{name}.tsr"), answer.response());
        files.insert(format!("{place}stamps/{name}.pem"), certificates_to_pem(&chain).into_bytes());
    }
}

pub(crate) fn info(data: &[u8]) -> Info {
    Info {
        policy: Oid::parse("1.2.3.4.1").unwrap(),
        imprint: Imprint::of(DigestAlgorithm::Sha256, data),
        accuracy: Some(Accuracy { seconds: 1, millis: 0, micros: 0 }),
        nonce: None,
        ..forge::info()
    }
}

/// The root of the keeper's own authority, which stamps by itself.
pub(crate) fn own_stamps() -> Certificate {
    Certificate { issuer: "other root", by: "other", ..Certificate::signer() }
}
