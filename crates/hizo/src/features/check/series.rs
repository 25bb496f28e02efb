//! Checks one series, deposit by deposit in order: what a later one takes from an earlier one has been read by then.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use hizo_ledger::id::{ObjectId, RecordId, SeriesId};
use hizo_ledger::object::ObjectRef;
use hizo_ledger::record::Record;
use hizo_vault::commit::EntryId;
use hizo_vault::event::Event;
use hizo_vault::manifest::{Content, Error, Head, Manifest, Place};

use super::objects::{self, State};
use super::packs::Packs;
use super::tar::{self, ShortHash};
use crate::composing::Members;
use crate::contents::{List, Opened, Sheet, Tar, deposit_of};
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
    /// The whole list of the deposit before, which the next one usually builds on.
    previous: Option<List<'a>>,
    /// Contents that were read and are right, by deposit, ascending by block: a short hash of what each has to be.
    held: BTreeMap<u64, Vec<(u64, ShortHash)>>,
    /// Contents that are not there, or not what they have to be.
    lost: HashSet<Place>,
    /// Deposits whose own manifest cannot be read.
    unread: BTreeSet<u64>,
    /// Entries that only a member of their own can show, of all deposits so far.
    shown: HashSet<EntryId>,
}

/// Checks the deposits of one series, given in order.
pub(super) fn check<'a>(
    opened: Opened<'a>,
    deposits: &[&'a Record],
    progress: &(dyn Fn(u64) + Sync),
) -> Outcome<Found> {
    let Some(first) = deposits.first() else { return Ok(Found::default()) };
    let mut series = Series {
        opened,
        progress,
        found: Found::default(),
        members: Members::of(opened, deposit_of(first)?.series),
        previous: None,
        held: BTreeMap::new(),
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

impl<'a> Series<'a> {
    fn deposit(&mut self, record: &'a Record, touched: &mut Touched) -> Outcome<()> {
        let mut sheet = match self.opened.sheet(record) {
            Ok(sheet) => sheet,
            Err(failure) => {
                self.unread.insert(touched.number);
                touched.fault(unreadable(&failure));
                self.probe(record);
                return Ok(());
            }
        };
        let in_packs: u64 = match &sheet.tar {
            Tar::Packs { packs, .. } => packs.iter().map(ObjectRef::bytes).sum(),
            Tar::None | Tar::Small(_) => 0,
        };
        (self.progress)(deposit_of(record)?.objects.total.saturating_sub(in_packs));
        self.said(record, &sheet.layer.head, touched);
        let walked = self.tar(&sheet, touched);
        sheet.tar = Tar::None;
        let whole = walked.and_then(|()| self.whole(record, sheet, touched));
        let compared = whole.and_then(|whole| self.list(record, whole, touched));
        if let Err(failure) = compared {
            self.unread.insert(touched.number);
            touched.fault(unreadable(&failure));
        }
        Ok(())
    }

    /// What was said of the deposit, in its record's body or in its manifest; with the first, what the series is called.
    fn said(&mut self, record: &Record, head: &Head, touched: &mut Touched) {
        let events = || match record.body_object() {
            Some(_) => self.opened.keyring.events(self.opened.safe, record),
            None => {
                let events = head.events.iter().map(Event::from_value).collect::<Option<_>>();
                events.ok_or_else(|| Failure::untrue(words!("it is not in its one form", "形が正しくありません")))
            }
        };
        match self.opened.keyring.refuse_undelegated(record).and_then(|()| events()) {
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
    ///
    /// A folder or link that is new or changed has a member there: without it, whoever unpacks that tar gets another folder
    /// than the manifest says. A delta names nothing else; a full manifest also names what earlier deposits have shown, and
    /// cannot be judged when one of them is unread.
    fn tar(&mut self, sheet: &Sheet, touched: &mut Touched) -> Outcome<()> {
        let Head { deposit, archive_bytes, base, .. } = sheet.layer.head;
        let (shown, unread) = (&self.shown, &self.unread);
        let is_shown = |id| base.is_none() && (!unread.is_empty() || shown.contains(&id));
        let own = tar::Own { deposit, archive_bytes, entries: sheet.entries()?, is_shown: &is_shown };
        let found = match &sheet.tar {
            Tar::None => tar::none(own),
            Tar::Small(bytes) => tar::small(own, bytes),
            Tar::Packs { epoch, packs, starts } => {
                let (opened, epoch, tar_bytes) = (self.opened, *epoch, archive_bytes);
                let packs = Packs { opened, epoch, packs, starts, tar_bytes, progress: self.progress };
                tar::packed(own, packs)
            }
        }?;
        self.found.bad.extend(found.bad);
        touched.faults.extend(found.faults);
        for path in found.absent {
            touched.fault(words!(
                "the archive lacks {path}, which the manifest lists as new or changed",
                "一覧で新しいか変わったとされている {path} が tar にありません",
                path = shown_bytes(&path)
            ));
        }
        self.shown.extend(found.plain);
        let tar::Held { contents: mut held, mut bytes } = found.held;
        let (mut composed, mut expected) = (found.composed, found.expected);
        composed.sort_unstable_by_key(|content| content.place);
        composed.dedup_by_key(|content| content.place);
        for content in composed {
            if self.is_composed_right(&content, touched) {
                held.push((content.place.block, tar::short(&content)));
                bytes = bytes.saturating_add(content.size);
            }
        }
        held.sort_unstable();
        expected.sort_unstable();
        expected.dedup();
        let lost = expected.into_iter().filter(|block| held.binary_search_by_key(block, |(held, _)| *held).is_err());
        self.lost.extend(lost.map(|block| Place { deposit, block }));
        self.found.files += held.len() as u64;
        self.found.bytes = self.found.bytes.saturating_add(bytes);
        self.held.insert(deposit, held);
        self.members.let_go();
        Ok(())
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

    /// The deposit's whole list.
    fn whole(&mut self, record: &'a Record, sheet: Sheet<'a>, touched: &mut Touched) -> Outcome<List<'a>> {
        let base = sheet.layer.head.base;
        if let Some(base) = base.filter(|base| self.unread.contains(base)) {
            touched.through.insert(base);
            return Err(Failure::untrue(words!(
                "it builds on the list of deposit {base}",
                "{base}回目の一覧に基づいています"
            )));
        }
        match (self.previous.take(), sheet.whole_layer()) {
            (Some(List::AtHand(previous)), Some(layer)) if layer.head.base == Some(previous.head.deposit) => {
                Ok(List::AtHand(previous.apply(layer)?))
            }
            (_, Some(layer)) if layer.head.base.is_none() => Ok(List::AtHand(Manifest::full(layer)?)),
            _ => self.opened.unchecked_list(record),
        }
    }

    /// Compares a whole list with its record and with what its tar and earlier ones hold.
    fn list(&mut self, record: &Record, whole: List<'a>, touched: &mut Touched) -> Outcome<()> {
        let (mut shared, mut fault) = whole.compare(record)?;
        for entry in whole.entries()? {
            let entry = entry?;
            let alone = shared.take(&entry);
            fault = fault.and(alone);
            let Some(content) = entry.kind.content() else { continue };
            let place = content.place;
            if self.holds(content) {
                if alone == Err(Error::Link) {
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
        if let Err(error) = fault {
            touched.fault(words!("{error}", "記録の約束と一覧の中身が一致しません: {error}"));
        }
        self.previous = Some(whole);
        Ok(())
    }

    fn holds(&self, content: &Content) -> bool {
        let held = self.held.get(&content.place.deposit);
        held.is_some_and(|held| held.binary_search(&(content.place.block, tar::short(content))).is_ok())
    }
}

fn unreadable(failure: &Failure) -> Words {
    let reason = failure.message.clone();
    words!("its list of files cannot be read: {reason}", "ファイルの一覧を読めません: {reason}"; reason)
}
