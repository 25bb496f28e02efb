//! Records as a dishonest member would make them: rightly signed, sealed and kept, and wrong inside.

use std::fs;
use std::path::Path;

use hizo_keeper::EmbeddedKeeper;
use hizo_ledger::id::{CommitHash, ObjectId, RecordId, SeriesId, SpaceId};
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::object::ObjectList;
use hizo_ledger::proposal::Proposal;
use hizo_ledger::record::{self, ClaimedTime, Control, Deposit, Envelope, Objects, Seen, UnverifiedRecord};
use hizo_ledger::space::Chain;
use hizo_store::NamedBytes;
use hizo_vault::age::{self, Identity, Recipient};
use hizo_vault::archive::{self, END, Extent, Member, MemberKind};
use hizo_vault::commit::{CommitKey, Commitment, ContentValue, EntryId, Leaves, Seed};
use hizo_vault::entropy::Entropy;
use hizo_vault::event::{self, Class, Event};
use hizo_vault::keys::SigningSeed;
use hizo_vault::manifest::{Content, Entry, Head, Kind, Line, PackStart, Place, Root, SEGMENT_BYTES, Span};
use hizo_vault::stream::{self, BLOCK_BYTES};
use serde_json::Value;

use crate::kit::{Dice, Home, noise};

/// What the forged series is called.
pub(crate) const SERIES: &str = "forged";

/// A deposit of a series, small, before it is sealed. As it is made it is honest.
pub(crate) struct Forged {
    /// The deposit before it, if it is not the first.
    pub(crate) before: Option<Box<Forged>>,
    pub(crate) head: Head,
    pub(crate) entries: Vec<Entry>,
    pub(crate) tar: Vec<u8>,
    /// Where the tar's packs are said to start, when it does not come with the manifest.
    pub(crate) starts: Option<Vec<PackStart>>,
    /// Changes the manifest's text after it was written.
    pub(crate) edit: Box<dyn Fn(Vec<u8>) -> Vec<u8>>,
    /// What the record commits to instead of the entries.
    pub(crate) commitment: Option<Commitment>,
}

impl Forged {
    /// A folder `d` with the file `f`, a further name `h` of it, a link beside the folder, and one more file.
    pub(crate) fn honest() -> Self {
        let mut tar = Vec::new();
        let mut entries = Vec::new();
        let mut add = |path: &str, kind: Kind, bytes: &[u8]| {
            let mut entry = entry(path, kind);
            let place = Place { deposit: 1, block: (tar.len() / archive::BLOCK_BYTES) as u64 };
            if let Kind::File(content) = &mut entry.kind {
                content.place = place;
            }
            append(&mut tar, &entry, bytes);
            entry.id = EntryId::from_bytes([entries.len() as u8 + 1; 16]);
            entries.push(entry);
            place
        };
        add("d", Kind::Directory, b"");
        let place = add("d/f", Kind::File(content(b"hello")), b"hello");
        let same = Content { place, ..content(b"hello") };
        add("d/h", Kind::HardLink { target: b"d/f".to_vec(), content: same }, b"");
        add("l", Kind::Symlink { target: b"d/f".to_vec() }, b"");
        add("m", Kind::File(content(b"more")), b"more");
        tar.extend(END);
        let head = Head {
            deposit: 1,
            seed: Seed::from_bytes([5; 32]),
            entries: entries.len() as u64,
            base: None,
            chain: 0,
            reread: false,
            archive_bytes: tar.len() as u64,
            archive_packs: 0,
            root: Some(Root {
                mode: 0o750,
                mtime_ns: -1_000_000_001,
                xattrs: vec![(b"user.r".to_vec(), b"1".to_vec())],
            }),
            events: events(),
        };
        Self { before: None, head, entries, tar, starts: None, edit: Box::new(|text| text), commitment: None }
    }

    /// The second deposit of a file `n` of three segments, whose middle one has changed.
    pub(crate) fn composed() -> Self {
        let size = 3 * SEGMENT_BYTES as usize - 100;
        let segment = SEGMENT_BYTES as usize..2 * SEGMENT_BYTES as usize;
        let (old, mut new) = (noise(1, size), noise(1, size));
        new[segment.clone()].copy_from_slice(&noise(2, segment.len()));
        let mut before = Self::honest();
        before.tar.truncate(before.tar.len() - END.len());
        let first = Place { deposit: 1, block: (before.tar.len() / archive::BLOCK_BYTES) as u64 };
        before.add(b"n", Kind::File(Content { place: first, ..content(&old) }));
        append(&mut before.tar, before.entries.last().unwrap(), &old);
        before.tar.extend(END);
        before.head.archive_bytes = before.tar.len() as u64;

        let own = Place { deposit: 2, block: 0 };
        let spans = [first, own, first].map(|place| Span { segments: 1, place }).into();
        let entry = entry("n", Kind::File(Content { place: own, spans, ..content(&new) }));
        let extents = [Extent { offset: SEGMENT_BYTES, length: SEGMENT_BYTES }];
        let kind = MemberKind::File { size: size as u64, sparse: Some(extents.as_slice().into()) };
        let mut tar = Vec::new();
        append_as(&mut tar, &entry, kind, &new[segment]);
        tar.extend(END);
        let head = Head {
            deposit: 2,
            seed: Seed::from_bytes([6; 32]),
            entries: 1,
            archive_bytes: tar.len() as u64,
            events: events().into_iter().skip(1).collect(),
            ..Self::honest().head
        };
        Self { before: Some(Box::new(before)), head, entries: vec![entry], tar, ..Self::honest() }
    }

    /// The same with its tar in a pack of its own.
    pub(crate) fn packed() -> Self {
        let mut forged = Self { starts: Some(vec![PackStart { frame: 0, offset: 0 }]), ..Self::honest() };
        forged.head.archive_packs = 1;
        forged
    }

    /// The entry at this path.
    pub(crate) fn at(&mut self, path: &str) -> &mut Entry {
        self.entries.iter_mut().find(|entry| entry.path == path.as_bytes()).unwrap()
    }

    /// The content of the file at this path.
    pub(crate) fn content_at(&mut self, path: &str) -> &mut Content {
        match &mut self.at(path).kind {
            Kind::File(content) | Kind::HardLink { content, .. } => content,
            Kind::Symlink { .. } | Kind::Directory => panic!("{path} has no content"),
        }
    }

    /// Adds an entry with an id of its own, keeping the order of paths, and counts it.
    pub(crate) fn add(&mut self, path: &[u8], kind: Kind) {
        let mut entry = entry("x", kind);
        entry.path = path.to_vec();
        entry.id = EntryId::from_bytes([self.entries.len() as u8 + 100; 16]);
        let at = self.entries.iter().position(|other| other.path > entry.path).unwrap_or(self.entries.len());
        self.entries.insert(at, entry);
        self.head.entries += 1;
    }

    /// The manifest's text.
    pub(crate) fn text(&self) -> Vec<u8> {
        let starts = self.starts.iter().flat_map(|starts| Line::packs(starts));
        let lines = starts.chain(self.entries.iter().flat_map(Entry::line));
        (self.edit)(self.head.line().iter().copied().chain(lines).collect())
    }

    fn commitment(&self) -> Commitment {
        let honest = || {
            let key = CommitKey::new(&self.head.seed);
            let mut leaves = Leaves::default();
            self.entries.iter().for_each(|entry| leaves.push(key.leaf(&entry.committed())));
            key.commit(leaves).ok()
        };
        self.commitment.or_else(honest).unwrap_or(Commitment { sha256: [1; 32], blake3: [2; 32] })
    }

    /// Its number in the series.
    pub(crate) fn number(&self) -> u64 {
        self.before.as_ref().map_or(1, |before| before.number() + 1)
    }

    /// Seals and keeps it in a new series, behind those before it; its record's note.
    pub(crate) fn keep(&self, home: &Home) -> Vec<u8> {
        let before = self.before.as_ref().map(|before| RecordId::of(&before.keep(home)));
        let mut insider = Insider::of(home);
        let (text, tar) = (self.text(), self.tar.as_slice());
        let mut objects = match self.starts {
            Some(_) => vec![sealed(&[&text], &insider.recipient), sealed(&[tar], &insider.recipient)],
            None => vec![sealed(&[&text, tar], &insider.recipient)],
        };
        // Further packs hold nothing of the tar.
        for number in 1..self.starts.as_ref().map_or(1, Vec::len) {
            objects.push(sealed(&[&vec![0; 512 * number]], &insider.recipient));
        }
        let objects: Vec<_> = objects.into_iter().map(|object| insider.put(object)).collect();
        let device = device(home);
        let series = (SeriesId::from_bytes([0xf0; 8]), self.number(), before);
        insider.deposit(&device, series, &objects, &self.commitment())
    }

    /// Keeps it as the only deposit of each of so many new series.
    pub(crate) fn keep_often(&self, home: &Home, times: u64) {
        let mut insider = Insider::of(home);
        let object = insider.put(sealed(&[&self.text(), &self.tar], &insider.recipient));
        let (device, commitment) = (device(home), self.commitment());
        for time in 1..=times {
            let series = (SeriesId::from_bytes(time.to_be_bytes()), 1, None);
            insider.deposit(&device, series, &[object], &commitment);
        }
    }

    /// Writes what RECOVERY.md says how to make of an export: a folder of a series with this deposit and those before it.
    pub(crate) fn lay_opened(&self, series: &Path, note: &[u8]) {
        if let Some(before) = &self.before {
            before.lay_opened(series, b"");
        }
        let folder = series.join(format!("{:06}", self.number()));
        fs::create_dir_all(&folder).unwrap();
        match self.starts {
            Some(_) => {
                fs::write(folder.join("manifest"), self.text()).unwrap();
                fs::write(folder.join("tar"), &self.tar).unwrap();
            }
            None => fs::write(folder.join("manifest"), [self.text(), self.tar.clone()].concat()).unwrap(),
        }
        fs::write(folder.join("record.note"), note).unwrap();
    }
}

/// A key, and how it signs.
pub(crate) type Signing<'a> = (VerifyingKey, &'a dyn Fn(&[u8]) -> [u8; 64]);

/// The space of a home, and what whoever may sign in it needs to add what he likes.
pub(crate) struct Insider {
    keeper: EmbeddedKeeper,
    pub(crate) chain: Chain,
    /// What everything new is sealed to.
    pub(crate) recipient: Recipient,
}

impl Insider {
    pub(crate) fn of(home: &Home) -> Self {
        Self::at(home, &home.path.join("keeper"))
    }

    /// The same, of a home whose keeper has its data there.
    pub(crate) fn at(home: &Home, data: &Path) -> Self {
        Self::in_home(&home.path, data)
    }

    /// The same, of the home in this folder.
    pub(crate) fn in_home(home: &Path, data: &Path) -> Self {
        let keeper = EmbeddedKeeper::open_embedded(data).unwrap();
        let facts: Value = serde_json::from_slice(&fs::read(home.join("safe.json")).unwrap()).unwrap();
        let space = SpaceId::from_hex(facts["space"].as_str().unwrap()).unwrap();
        let notes: Vec<_> = keeper.records(space, 0, 1000).unwrap().into_iter().map(|record| record.note).collect();
        let chain = Chain::replay(&notes, drop).unwrap();
        let recipient = keeper.object(space, chain.recipient().id()).unwrap().unwrap();
        let recipient = String::from_utf8(recipient).unwrap().parse().unwrap();
        Self { keeper, chain, recipient }
    }

    /// Keeps an object; its name and length.
    pub(crate) fn put(&self, bytes: Vec<u8>) -> (ObjectId, u64) {
        let object = NamedBytes::name(bytes).unwrap();
        self.keeper.put(self.chain.space(), &object).unwrap();
        (object.id(), object.length())
    }

    /// Makes these objects the deposit of a series with this number, behind the record of the one before; its note.
    pub(crate) fn deposit(
        &mut self,
        signing: &SigningSeed,
        (series, k, prev): (SeriesId, u64, Option<RecordId>),
        objects: &[(ObjectId, u64)],
        commitment: &Commitment,
    ) -> Vec<u8> {
        let (list, _) = self.put(ObjectList::compose(objects));
        let commit = record::Commitment {
            sha256: CommitHash::from_bytes(commitment.sha256),
            blake3: CommitHash::from_bytes(commitment.blake3),
        };
        let total = objects.iter().map(|(_, bytes)| bytes).sum();
        let objects = Objects { count: objects.len() as u64, total, list };
        let deposit = Deposit { series, k, prev, commit, objects };
        self.append(signing, |envelope| envelope.deposit = Some(deposit))
    }

    /// Says something, and changes the space as `controls` say.
    pub(crate) fn say(&mut self, signing: &SigningSeed, events: &[Event], controls: Vec<Control>) {
        self.say_by(&[signing], events, controls);
    }

    /// The same, by several who sign.
    pub(crate) fn say_by(&mut self, signing: &[&SigningSeed], events: &[Event], controls: Vec<Control>) {
        let body = self.put(self.body(events));
        let record = self.sign(signing, |envelope| (envelope.body, envelope.controls) = (Some(body), controls));
        self.take(record);
    }

    /// Says that he had seen this head of the log.
    pub(crate) fn has_seen(&mut self, signing: &SigningSeed, seen: Seen) {
        let body = self.put(self.body(&[]));
        self.append(signing, |envelope| (envelope.body, envelope.seen) = (Some(body), Some(seen)));
    }

    /// Begins an epoch whose secret only he can open.
    pub(crate) fn rotate(&mut self, signing: &SigningSeed, to: &Recipient) {
        let key = signing.space_key(&self.chain.space());
        self.rotate_by((key.verifying_key(), &|text: &[u8]| key.sign(text)), to);
    }

    /// The same, by a key that may sign such a record.
    pub(crate) fn rotate_by(&mut self, by: Signing<'_>, to: &Recipient) {
        self.rotate_with(by, to, &Identity::generate(&mut Drawn(Dice::new(4))));
    }

    /// The same, with a wrap that holds something else than the epoch's secret.
    pub(crate) fn mislead_by(&mut self, by: Signing<'_>, to: &Recipient) {
        self.rotate_with(by, to, &Identity::generate(&mut Drawn(Dice::new(6))));
    }

    fn rotate_with(&mut self, by: Signing<'_>, to: &Recipient, held: &Identity) {
        let secret = Identity::generate(&mut Drawn(Dice::new(4)));
        let (recipient, _) = self.put(secret.recipient().to_string().into_bytes());
        let line = format!("{}\n", *held.to_secret_line());
        let sealed = age::seal(line.as_bytes(), std::slice::from_ref(to), &mut Drawn(Dice::new(5))).unwrap();
        let ((wrap, bytes), epoch) = (self.put(sealed), self.chain.epoch() + 1);
        let record = self.sign_by(&[by], |envelope| {
            envelope.epoch = epoch;
            envelope.controls = vec![Control::Epoch { epoch, recipient }, Control::Wrap { epoch, wrap, bytes }];
        });
        self.take(record);
    }

    /// What somebody proposes by such a record, sealed to another admin.
    pub(crate) fn propose(
        &self,
        signing: &SigningSeed,
        events: &[Event],
        controls: Vec<Control>,
        to: &Recipient,
    ) -> Vec<u8> {
        let object = NamedBytes::name(self.body(events)).unwrap();
        let body = Some((object.id(), object.length()));
        let record = self.sign(&[signing], |envelope| (envelope.body, envelope.controls) = (body, controls));
        let proposal = Proposal::new(record, &[object.as_bytes().to_vec()]).unwrap();
        age::seal(&proposal.compose(), std::slice::from_ref(to), &mut Drawn(Dice::new(3))).unwrap()
    }

    fn body(&self, events: &[Event]) -> Vec<u8> {
        let mut plain = stream::stored_frame(&event::compose(events));
        stream::padding(plain.len() as u64).for_each(|piece| plain.extend(piece));
        age::seal(&plain, std::slice::from_ref(&self.recipient), &mut Drawn(Dice::new(2))).unwrap()
    }

    /// Signs and appends what `change` makes of an empty record; its note.
    fn append(&mut self, signing: &SigningSeed, change: impl FnOnce(&mut Envelope)) -> Vec<u8> {
        let record = self.sign(&[signing], change);
        self.take(record)
    }

    fn take(&mut self, record: UnverifiedRecord) -> Vec<u8> {
        let note = record.note_bytes().to_vec();
        self.keeper.append(&note).unwrap();
        self.chain.append(record).unwrap();
        note
    }

    fn sign(&self, signing: &[&SigningSeed], change: impl FnOnce(&mut Envelope)) -> UnverifiedRecord {
        let keys: Vec<_> = signing.iter().map(|seed| seed.space_key(&self.chain.space())).collect();
        let signs: Vec<_> = keys.iter().map(|key| |text: &[u8]| key.sign(text)).collect();
        let by: Vec<Signing<'_>> =
            keys.iter().zip(&signs).map(|(key, sign)| (key.verifying_key(), sign as &dyn Fn(&[u8]) -> _)).collect();
        self.sign_by(&by, change)
    }

    fn sign_by(&self, by: &[Signing<'_>], change: impl FnOnce(&mut Envelope)) -> UnverifiedRecord {
        let mut envelope = Envelope {
            keeper: self.chain.keeper().clone(),
            space: self.chain.space(),
            number: self.chain.head().number + 1,
            prev: Some(self.chain.head().id),
            epoch: self.chain.epoch(),
            time: ClaimedTime::from_unix_seconds(1_800_000_000).unwrap(),
            seen: None,
            body: None,
            deposit: None,
            controls: Vec::new(),
        };
        change(&mut envelope);
        envelope.sort_controls();
        let text = envelope.text().unwrap();
        let signatures: Vec<_> = by.iter().map(|(key, sign)| (*key, sign(text.as_bytes()))).collect();
        UnverifiedRecord::compose(&envelope, &signatures).unwrap()
    }
}

/// What the depositing machine of a home signs with.
pub(crate) fn device(home: &Home) -> SigningSeed {
    SigningSeed::from_writer_file(&fs::read_to_string(home.path.join("device.key")).unwrap()).unwrap()
}

/// These parts, framed, as one sealed stream.
fn sealed(parts: &[&[u8]], recipient: &Recipient) -> Vec<u8> {
    let blocks = parts.iter().flat_map(|part| part.chunks(BLOCK_BYTES));
    let mut plain: Vec<u8> = blocks.flat_map(stream::stored_frame).collect();
    stream::padding(plain.len() as u64).for_each(|piece| plain.extend(piece));
    age::seal(&plain, std::slice::from_ref(recipient), &mut Drawn(Dice::new(parts.concat().len() as u64))).unwrap()
}

/// Content of these bytes, stored nowhere yet.
pub(crate) fn content(bytes: &[u8]) -> Content {
    let value = ContentValue::of([9; 32], bytes);
    let place = Place { deposit: 1, block: 0 };
    Content { size: bytes.len() as u64, value, place, spans: Box::default(), read: 1, unsteady: false }
}

fn entry(path: &str, kind: Kind) -> Entry {
    let mode = if matches!(kind, Kind::Directory) { 0o755 } else { 0o644 };
    let id = EntryId::from_bytes([0; 16]);
    Entry { path: path.into(), kind, mode, mtime_ns: 1_700_000_000_123_456_789, xattrs: Vec::new(), id }
}

/// Adds an entry's member to a tar that has no end yet.
pub(crate) fn append(tar: &mut Vec<u8>, entry: &Entry, bytes: &[u8]) {
    let kind = match &entry.kind {
        Kind::File(content) => MemberKind::File { size: content.size, sparse: None },
        Kind::HardLink { target, .. } => MemberKind::HardLink { target: target.into() },
        Kind::Symlink { target } => MemberKind::Symlink { target: target.into() },
        Kind::Directory => MemberKind::Directory,
    };
    append_as(tar, entry, kind, bytes);
}

fn append_as(tar: &mut Vec<u8>, entry: &Entry, kind: MemberKind, bytes: &[u8]) {
    let (path, xattrs) = (entry.path.as_slice().into(), entry.xattrs.as_slice().into());
    let member = Member { path, kind, mode: entry.mode, mtime_ns: entry.mtime_ns, xattrs };
    tar.extend(archive::header(&member).unwrap());
    tar.extend(bytes);
    tar.extend(vec![0; archive::padding(bytes.len() as u64)]);
}

fn events() -> Vec<Value> {
    let opened = Event::SeriesOpened { name: SERIES.into(), class: Class::Standard };
    let made = Event::DepositMade { labels: Vec::new(), files: 2, bytes: 9, left_out: 0 };
    vec![opened.to_value(), made.to_value()]
}

pub(crate) struct Drawn(pub(crate) Dice);

impl Entropy for Drawn {
    fn fill(&mut self, out: &mut [u8]) {
        out.iter_mut().for_each(|byte| *byte = self.0.below(256) as u8);
    }
}
