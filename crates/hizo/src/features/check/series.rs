//! Checks one series, deposit by deposit in order: what a later one takes from an earlier one has been read by then.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use hizo_ledger::id::{ObjectId, RecordId, SeriesId};
use hizo_ledger::object::ObjectRef;
use hizo_ledger::record::Record;
use hizo_vault::commit::EntryId;
use hizo_vault::event::Event;
use hizo_vault::manifest::{Content, Entry, Kind, Layer, Manifest, Place};

use super::objects::{self, State};
use super::packs::Packs;
use super::tar;
use crate::composing::Members;
use crate::contents::{Opened, Sheet, Tar, commitment_of, deposit_of};
use crate::failure::{Failure, Outcome, shown_bytes};
use crate::hashing::Hashing;
use crate::words::{Words, words};

/// Most paths of one deposit that are told; all are counted.
const FILES_MAX: usize = 1000;

/// A deposit of which something does not hold.
#[derive(Debug)]
pub(crate) struct Touched {
    pub series: SeriesId,
    /// What the series is called, when that could be opened.
    pub name: Option<String>,
    pub number: u64,
    pub id: RecordId,
    /// What does not hold, besides single files.
    pub faults: Vec<Words>,
    /// The first of the files that cannot be restored.
    pub files: Vec<Vec<u8>>,
    pub files_count: u64,
    /// Earlier deposits whose damage touches this one.
    pub through: BTreeSet<u64>,
}

impl Touched {
    pub(super) fn new(record: &Record) -> Outcome<Self> {
        let facts = deposit_of(record)?;
        Ok(Self {
            series: facts.series,
            name: None,
            number: facts.k,
            id: record.id(),
            faults: Vec::new(),
            files: Vec::new(),
            files_count: 0,
            through: BTreeSet::new(),
        })
    }

    fn holds(&self) -> bool {
        self.faults.is_empty() && self.files_count == 0 && self.through.is_empty()
    }

    fn fault(&mut self, fault: Words) {
        self.faults.push(fault);
    }

    fn file(&mut self, path: &[u8]) {
        self.files_count += 1;
        if self.files.len() < FILES_MAX {
            self.files.push(path.to_vec());
        }
    }
}

/// What was found in a series.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub name: Option<String>,
    pub touched: Vec<Touched>,
    pub bad: BTreeMap<ObjectId, State>,
    pub files: u64,
    pub bytes: u64,
}

/// The deposits of one series, as far as they were read.
pub(super) struct Series<'a> {
    opened: Opened<'a>,
    progress: &'a (dyn Fn(u64) + Sync),
    found: Found,
    /// Where content that lies in several deposits is read.
    members: Members<'a>,
    /// The whole manifest of the deposit before, which the next one usually builds on.
    previous: Option<Manifest>,
    /// Contents that were read and are right: a short hash of what they have to be.
    held: HashMap<Place, [u8; 16]>,
    /// Contents that are not there, or not what they have to be.
    lost: HashSet<Place>,
    /// Deposits whose own manifest cannot be read.
    unread: BTreeSet<u64>,
    /// Entries that only a member of their own can show, of all deposits so far.
    shown: HashSet<EntryId>,
}

/// Checks the deposits of one series, given in order.
pub(super) fn check(opened: Opened, deposits: &[&Record], progress: &(dyn Fn(u64) + Sync)) -> Outcome<Found> {
    let Some(first) = deposits.first() else { return Ok(Found::default()) };
    let mut series = Series {
        opened,
        progress,
        found: Found::default(),
        members: Members::of(opened, deposit_of(first)?.series),
        previous: None,
        held: HashMap::new(),
        lost: HashSet::new(),
        unread: BTreeSet::new(),
        shown: HashSet::new(),
    };
    for record in deposits {
        let mut touched = Touched::new(record)?;
        series.deposit(record, &mut touched)?;
        if !touched.holds() {
            series.found.touched.push(touched);
        }
    }
    for touched in &mut series.found.touched {
        touched.name.clone_from(&series.found.name);
    }
    Ok(series.found)
}

impl Series<'_> {
    fn deposit(&mut self, record: &Record, touched: &mut Touched) -> Outcome<()> {
        let Sheet { layer, tar } = match self.opened.sheet(record) {
            Ok(sheet) => sheet,
            Err(failure) => {
                self.unread.insert(touched.number);
                touched.fault(unreadable(&failure));
                self.probe(record);
                return Ok(());
            }
        };
        let in_packs: u64 = match &tar {
            Tar::Packs { packs, .. } => packs.iter().map(ObjectRef::bytes).sum(),
            Tar::None | Tar::Small(_) => 0,
        };
        (self.progress)(deposit_of(record)?.objects.total.saturating_sub(in_packs));
        self.said(record, &layer, touched);
        self.tar(&layer, &tar, touched);
        drop(tar);
        match self.whole(record, layer, touched) {
            Ok(whole) => {
                self.manifest(record, &whole, touched)?;
                self.previous = Some(whole);
            }
            Err(failure) => {
                self.unread.insert(touched.number);
                touched.fault(unreadable(&failure));
            }
        }
        Ok(())
    }

    /// What was said of the deposit, in its record's body or in its manifest; with the first, what the series is called.
    fn said(&mut self, record: &Record, layer: &Layer, touched: &mut Touched) {
        let events = match record.body_object() {
            Some(_) => self.opened.keyring.events(self.opened.safe, record),
            None => {
                let events = layer.head.events.iter().map(Event::from_value).collect::<Option<_>>();
                events.ok_or_else(|| Failure::untrue(words!("it is not in its one form", "形が正しくありません")))
            }
        };
        match events {
            Ok(events) => {
                let mut is_described = false;
                for event in events {
                    match event {
                        Event::SeriesOpened { name, .. } if touched.number == 1 => {
                            self.found.name.get_or_insert(name);
                        }
                        Event::DepositMade { .. } => is_described = true,
                        _ => (),
                    }
                }
                if !is_described {
                    touched.fault(words!(
                        "its record does not say what was deposited",
                        "何を預けたのかが記録にありません"
                    ));
                }
            }
            Err(failure) => {
                let reason = failure.message;
                touched.fault(words!(
                    "what was said of it cannot be read: {reason}",
                    "添えられた説明を読めません: {reason}";
                    reason
                ));
            }
        }
    }

    /// Reads the objects of a deposit whose manifest does not lead to them.
    fn probe(&mut self, record: &Record) {
        let Ok(listed) = self.opened.objects(record) else { return };
        let epoch = record.envelope().epoch;
        let states = objects::each(&listed, |object| {
            let opened = objects::open(self.opened, epoch, *object);
            (self.progress)(object.bytes());
            opened.err()
        });
        for (object, state) in listed.iter().zip(states) {
            state.map(|state| self.found.bad.insert(object.id(), state));
        }
    }

    /// Walks the deposit's own tar and remembers what of it holds.
    fn tar(&mut self, layer: &Layer, tar: &Tar, touched: &mut Touched) {
        let found = match tar {
            Tar::None => tar::none(layer),
            Tar::Small(bytes) => tar::small(layer, bytes),
            Tar::Packs { epoch, packs, starts } => {
                let (opened, epoch, tar_bytes) = (self.opened, *epoch, layer.head.archive_bytes);
                let packs = Packs { opened, epoch, packs, starts, tar_bytes, progress: self.progress };
                tar::packed(layer, packs)
            }
        };
        self.found.bad.extend(found.bad);
        touched.faults.extend(found.faults);
        self.absent(layer, &found.absent, touched);
        let held: HashSet<u64> = found.held.into_iter().collect();
        for (block, content) in tar::expected(layer) {
            let place = Place { deposit: layer.head.deposit, block };
            if held.contains(&block) || (content.is_composed() && self.is_composed_right(content, touched)) {
                self.found.files += 1;
                self.found.bytes += content.size;
                self.held.insert(place, short(content));
            } else {
                self.lost.insert(place);
            }
        }
        self.members.let_go();
    }

    /// Whether content that lies in several deposits has both hashes; if not, whose damage that is.
    fn is_composed_right(&mut self, content: &Content, touched: &mut Touched) -> bool {
        let mut hashing = Hashing::start(content.value.key);
        let (mut composed, mut position) = (self.members.compose(content), 0);
        loop {
            match composed.next() {
                Ok(Some((offset, bytes))) => {
                    hashing.zeros(offset.saturating_sub(position));
                    position = offset.saturating_add(bytes.len() as u64);
                    hashing.bytes(bytes);
                }
                Ok(None) => break,
                Err(broken) => {
                    touched.through.extend(Some(broken.deposit).filter(|deposit| *deposit != touched.number));
                    return false;
                }
            }
        }
        hashing.zeros(content.size.saturating_sub(position));
        hashing.finish() == content.value
    }

    /// A folder or link that is new or changed has a member in its deposit's own tar: without it, whoever unpacks that tar
    /// gets another folder than the manifest says. A delta names nothing else; a full manifest also names what earlier
    /// deposits have shown, and cannot be judged when one of them is unread.
    fn absent(&mut self, layer: &Layer, absent: &[usize], touched: &mut Touched) {
        let is_delta = layer.head.base.is_some();
        let absent = absent.iter().filter_map(|index| layer.entries.get(*index));
        let unshown = absent.filter(|entry| is_delta || (self.unread.is_empty() && !self.shown.contains(&entry.id)));
        for entry in unshown.take(tar::FAULTS_MAX) {
            touched.fault(words!(
                "the archive lacks {path}, which the manifest lists as new or changed",
                "一覧で新しいか変わったとされている {path} が tar にありません",
                path = shown_bytes(&entry.path)
            ));
        }
        let plain = layer.entries.iter().filter(|entry| !matches!(entry.kind, Kind::File(_)));
        self.shown.extend(plain.map(|entry| entry.id));
    }

    /// The deposit's whole manifest.
    fn whole(&mut self, record: &Record, layer: Layer, touched: &mut Touched) -> Outcome<Manifest> {
        let refused = |error: hizo_vault::manifest::Error| Failure::untrue(error.to_string());
        let Some(base) = layer.head.base else { return Manifest::full(layer).map_err(refused) };
        if self.unread.contains(&base) {
            touched.through.insert(base);
            return Err(Failure::untrue(words!(
                "it builds on the list of deposit {base}",
                "{base}回目の一覧に基づいています"
            )));
        }
        let before = match self.previous.take() {
            Some(previous) if previous.head.deposit == base => previous,
            _ => self.opened.manifest(self.opened.deposit(deposit_of(record)?.series, base)?)?,
        };
        before.apply(layer).map_err(refused)
    }

    /// Compares a whole manifest with its record and with what its tar and earlier ones hold.
    fn manifest(&mut self, record: &Record, whole: &Manifest, touched: &mut Touched) -> Outcome<()> {
        if let Err(error) = whole.check(&commitment_of(record)?) {
            touched.fault(words!("{error}", "記録の約束と一覧の中身が一致しません: {error}"));
        }
        for entry in &whole.entries {
            let Some(content) = entry.kind.content() else { continue };
            let place = content.place;
            if self.held.get(&place) == Some(&short(content)) {
                if !links_to_its_own_content(whole, entry) {
                    touched.file(&entry.path);
                }
                continue;
            }
            touched.file(&entry.path);
            let earlier = place.deposit != touched.number;
            if earlier && (self.lost.contains(&place) || self.unread.contains(&place.deposit)) {
                touched.through.insert(place.deposit);
            }
        }
        Ok(())
    }
}

/// Whether a further name of a file names one that has the same content.
fn links_to_its_own_content(whole: &Manifest, entry: &Entry) -> bool {
    match &entry.kind {
        Kind::HardLink { target, content } => {
            let named = whole.entry(target).map(|entry| &entry.kind);
            matches!(named, Some(Kind::File(named)) if named.value == content.value && named.size == content.size)
        }
        Kind::File(_) | Kind::Symlink { .. } | Kind::Directory => true,
    }
}

fn short(content: &Content) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&content.size.to_be_bytes()).update(&content.value.to_bytes());
    let mut short = [0; 16];
    hasher.finalize_xof().fill(&mut short);
    short
}

fn unreadable(failure: &Failure) -> Words {
    let reason = failure.message.clone();
    words!("its list of files cannot be read: {reason}", "ファイルの一覧を読めません: {reason}"; reason)
}
