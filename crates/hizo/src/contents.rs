//! What a deposit holds: its manifest, with the earlier ones it builds on, and the packs of its tar.
//!
//! A list of millions of entries is never held: it is read from its sealed form again by every pass over it. All passes see
//! the same bytes, since each object is compared with the hash in the record whenever it is read.

use std::collections::VecDeque;
use std::ops::Deref;

use hizo_ledger::id::SeriesId;
use hizo_ledger::object::{ObjectList, ObjectRef};
use hizo_ledger::record::{Deposit, Record};
use hizo_vault::commit::{Commitment, EntryId};
use hizo_vault::event::Event;
use hizo_vault::manifest::{
    self, CHAIN_MAX, Checking, Content, Entry, Head, Kind, Layer, LayerBuilder, Line, Manifest, PackStart, Reader,
    Root, Rules, Shared, Step,
};
use hizo_vault::plaintext::Plaintext;
use hizo_vault::stream::{self, BLOCK_BYTES, Frames};

use crate::failure::{Failure, Outcome, shown_bytes};
use crate::safe::{Keyring, Safe};
use crate::words::words;

/// Lists of at most this many entries are held while they are needed. Tests of this crate read longer ones than a handful
/// in passes.
pub(crate) const ENTRIES_AT_HAND_MAX: usize = if cfg!(test) { 4 } else { 1 << 18 };

/// A safe with its secrets at hand.
#[derive(Clone, Copy)]
pub(crate) struct Opened<'a> {
    pub safe: &'a Safe,
    pub keyring: &'a Keyring,
}

/// One deposit's own manifest, and where its tar lies.
pub(crate) struct Sheet<'a> {
    pub layer: Layer,
    pub tar: Tar,
    /// Entries of the layer that it does not hold: then it holds none of them.
    left_out: Option<(Opened<'a>, &'a Record)>,
}

/// Entries on their way, in order. Behind a failure nothing comes that means anything.
pub(crate) type Entries<'l> = Box<dyn Iterator<Item = Outcome<Listed<'l>>> + 'l>;

/// An entry of a list.
pub(crate) enum Listed<'l> {
    /// Of one that is at hand.
    Lent(&'l Entry),
    /// Of one that is read.
    Read(Box<Entry>),
}

impl Deref for Listed<'_> {
    type Target = Entry;

    fn deref(&self) -> &Entry {
        match self {
            Self::Lent(entry) => entry,
            Self::Read(entry) => entry,
        }
    }
}

/// A deposit's whole list, earlier ones applied.
pub(crate) enum List<'a> {
    /// While it is short.
    AtHand(Manifest),
    /// Read again by every pass.
    Sealed(Opened<'a>, &'a Record),
}

/// Where a deposit's own tar lies.
pub(crate) enum Tar {
    /// It stored nothing new.
    None,
    /// In memory: it came with the manifest of a small deposit.
    Small(Plaintext),
    /// In packs of this epoch.
    Packs { epoch: u32, packs: Vec<ObjectRef>, starts: Vec<PackStart> },
}

impl<'a> Opened<'a> {
    /// The record of a deposit that another one names.
    pub(crate) fn deposit(&self, series: SeriesId, k: u64) -> Outcome<&'a Record> {
        self.safe
            .deposit(series, k)
            .ok_or_else(|| Failure::untrue(format!("a manifest rests on deposit {k}, which the series does not have")))
    }

    /// The objects of a deposit, as its record names them.
    pub(crate) fn objects(&self, record: &Record) -> Outcome<Vec<ObjectRef>> {
        let list = record.object_list().ok_or_else(|| Failure::internal_message("the record is not a deposit"))?;
        let list = ObjectList::parse(&self.safe.object(list)?).map_err(|error| Failure::untrue(error.to_string()))?;
        let total: u64 = list.objects().iter().map(ObjectRef::bytes).sum();
        let facts = &deposit_of(record)?.objects;
        if facts.count != list.objects().len() as u64 || facts.total != total {
            return Err(Failure::untrue("the object list is not as long as the record says"));
        }
        Ok(list.objects().to_vec())
    }

    /// A deposit's own manifest, as it was sealed; without its entries where they are too many.
    pub(crate) fn sheet(&self, record: &'a Record) -> Outcome<Sheet<'a>> {
        let mut lines = self.lines(record)?;
        let head = lines.head()?;
        // Of a delta the first line does not say how many entries are its own.
        let is_long = head.base.is_none() && head.entries > ENTRIES_AT_HAND_MAX as u64;
        self.read_sheet(lines, if is_long { 0 } else { ENTRIES_AT_HAND_MAX })
    }

    /// Where a deposit's tar lies: its manifest without the entries.
    pub(crate) fn sheet_without_entries(&self, record: &'a Record) -> Outcome<Sheet<'a>> {
        self.read_sheet(self.lines(record)?, 0)
    }

    fn read_sheet(&self, mut lines: Lines<'a>, entries_max: usize) -> Outcome<Sheet<'a>> {
        let (mut builder, mut entries) = (LayerBuilder::default(), 0);
        while let Some(line) = lines.next()? {
            entries += usize::from(matches!(line, Line::Entry(_)));
            if entries <= entries_max {
                builder.take(line);
            }
        }
        let (record, epoch) = (lines.record, lines.record.envelope().epoch);
        let (head, packs, small) = lines.finish()?;
        let mut layer = builder.finish(head);
        let left_out = (entries > entries_max).then(|| {
            layer.entries = Vec::new();
            (*self, record)
        });
        let tar = match (layer.head.archive_bytes, layer.head.archive_packs) {
            (0, 0) => Tar::None,
            (_, 0) => Tar::Small(small),
            (_, _) => Tar::Packs { epoch, packs, starts: layer.packs.clone() },
        };
        Ok(Sheet { layer, tar, left_out })
    }

    /// The lines of a deposit's own manifest.
    fn lines(&self, record: &'a Record) -> Outcome<Lines<'a>> {
        let objects = self.objects(record)?;
        let mut lines = Lines {
            opened: *self,
            record,
            objects,
            parts: 0,
            frames: Frames::new(),
            reader: Reader::new(),
            ready: VecDeque::new(),
            last: None,
            end: None,
        };
        if lines.head()?.deposit != deposit_of(record)?.k {
            return Err(Failure::untrue("the manifest is that of another deposit"));
        }
        Ok(lines)
    }

    /// A deposit's whole manifest: earlier ones applied, and the commitment of the record recomputed.
    pub(crate) fn manifest(&self, record: &'a Record) -> Outcome<Manifest> {
        let whole = self.unchecked_manifest(record)?;
        whole.check(&commitment_of(record)?)?;
        Ok(whole)
    }

    /// A deposit's whole manifest, to be held against the record's commitment.
    pub(crate) fn unchecked_manifest(&self, record: &'a Record) -> Outcome<Manifest> {
        self.manifest_from(self.lines(record)?)
    }

    fn manifest_from(&self, lines: Lines<'a>) -> Outcome<Manifest> {
        let series = deposit_of(lines.record)?.series;
        let mut layers = vec![self.read_sheet(lines, usize::MAX)?.layer];
        while let Some(base) = layers.last().and_then(|layer| layer.head.base) {
            if layers.len() as u32 > CHAIN_MAX {
                return Err(manifest::Error::Base.into());
            }
            let lines = self.lines(self.deposit(series, base)?)?;
            layers.push(self.read_sheet(lines, usize::MAX)?.layer);
        }
        let full = layers.pop().expect("the first layer was pushed");
        let mut whole = Manifest::full(full)?;
        while let Some(delta) = layers.pop() {
            whole = whole.apply(delta)?;
        }
        Ok(whole)
    }

    /// A deposit's whole list, and that it is the one that the record commits to.
    pub(crate) fn list(&self, record: &'a Record) -> Outcome<List<'a>> {
        let list = self.unchecked_list(record)?;
        list.rules()?;
        list.leaves()?.finish(&commitment_of(record)?)?;
        Ok(list)
    }

    /// A deposit's whole list, to be held against the record's commitment.
    pub(crate) fn unchecked_list(&self, record: &'a Record) -> Outcome<List<'a>> {
        let mut lines = self.lines(record)?;
        match lines.head()?.entries <= ENTRIES_AT_HAND_MAX as u64 {
            true => Ok(List::AtHand(self.manifest_from(lines)?)),
            false => Ok(List::Sealed(*self, record)),
        }
    }

    /// The whole list that comes of a deposit's own lines and of all that it builds on, one object of each at hand.
    fn whole(&self, mut lines: Lines<'a>) -> Outcome<Box<dyn Iterator<Item = Outcome<Entry>> + 'a>> {
        let gone = lines.gone()?;
        let series = deposit_of(lines.record)?.series;
        let head = lines.head()?;
        let Some(base) = head.base else { return Ok(Box::new(lines.entries())) };
        let mut earlier = self.lines(self.deposit(series, base)?)?;
        // Each step is one nearer to a full list, so there are never more of them than the format allows.
        let step = Step::new(head, earlier.head()?, gone)?;
        Ok(Box::new(step.over(self.whole(earlier)?, lines.entries())))
    }

    /// The events of any record: from its body, or from the manifest of a small deposit.
    pub(crate) fn events(&self, record: &'a Record) -> Outcome<Vec<Event>> {
        if record.envelope().deposit.is_none() || record.body_object().is_some() {
            return self.keyring.events(self.safe, record);
        }
        let head = self.sheet(record)?.layer.head;
        let events = head.events.iter().map(Event::from_value).collect::<Option<_>>();
        events.ok_or_else(|| Failure::untrue("the events of a small deposit are not in their one form"))
    }
}

/// What a person chose of a deposit: these paths with everything below them; all of it when none is named.
#[derive(Clone, Copy)]
pub(crate) struct Chosen<'p>(pub &'p [Vec<u8>]);

impl Chosen<'_> {
    pub(crate) fn has(&self, path: &[u8]) -> bool {
        self.0.is_empty() || self.0.iter().any(|chosen| is_at_or_below(path, chosen))
    }

    /// Whether a folder is chosen, or something below it is.
    pub(crate) fn reaches(&self, folder: &[u8]) -> bool {
        self.has(folder) || self.0.iter().any(|chosen| is_at_or_below(chosen, folder))
    }

    /// The content of an entry that is no further name of another chosen one.
    pub(crate) fn content_of_own<'e>(&self, entry: &'e Entry) -> Option<&'e Content> {
        match &entry.kind {
            Kind::File(content) => Some(content),
            Kind::HardLink { target, content } if !self.has(target) => Some(content),
            Kind::HardLink { .. } | Kind::Symlink { .. } | Kind::Directory => None,
        }
    }

    /// Each of the named paths must be that of an entry, or lie around one.
    pub(crate) fn search(&self) -> Search<'_> {
        Search(self.0.iter().map(|path| (path.as_slice(), false)).collect())
    }
}

/// The named paths, and whether something was found at or below each.
pub(crate) struct Search<'p>(Vec<(&'p [u8], bool)>);

impl Search<'_> {
    pub(crate) fn meet(&mut self, entry: &Entry) {
        self.0.iter_mut().for_each(|(path, found)| *found |= is_at_or_below(&entry.path, path));
    }

    /// # Errors
    /// When nothing is at or below one of them.
    pub(crate) fn finish(self) -> Outcome<()> {
        let Some((path, _)) = self.0.into_iter().find(|(_, found)| !found) else { return Ok(()) };
        Err(Failure::fixable(words!(
            "{path} is not in this deposit",
            "{path} は、この預け入れにありません",
            path = shown_bytes(path)
        ))
        .hint(words!(
            "Run `hizo show` to see what is in it; paths are written as there.",
            "`hizo show` で中身を見られます。パスはその表示どおりに書いてください。"
        )))
    }
}

fn is_at_or_below(path: &[u8], chosen: &[u8]) -> bool {
    path.strip_prefix(chosen).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

/// The deposit that a record makes.
pub(crate) fn deposit_of(record: &Record) -> Outcome<&Deposit> {
    record.envelope().deposit.as_ref().ok_or_else(|| Failure::internal_message("the record is not a deposit"))
}

/// What a record commits to.
pub(crate) fn commitment_of(record: &Record) -> Outcome<Commitment> {
    Ok((&deposit_of(record)?.commit).into())
}

impl<'a> Sheet<'a> {
    /// The entries of this deposit's own manifest.
    pub(crate) fn entries(&self) -> Outcome<Entries<'_>> {
        Ok(match self.left_out {
            None => at_hand(&self.layer.entries),
            Some((opened, record)) => on_their_way(opened.lines(record)?.entries()),
        })
    }

    /// The layer, if it holds its entries.
    pub(crate) fn whole_layer(self) -> Option<Layer> {
        self.left_out.is_none().then_some(self.layer)
    }
}

impl List<'_> {
    /// One pass over all entries.
    pub(crate) fn entries(&self) -> Outcome<Entries<'_>> {
        Ok(match self {
            Self::AtHand(manifest) => at_hand(&manifest.entries),
            Self::Sealed(opened, record) => on_their_way(opened.whole(opened.lines(record)?)?),
        })
    }

    /// What the folder itself had whose contents these are.
    pub(crate) fn root(&self) -> Outcome<Option<Root>> {
        Ok(match self {
            Self::AtHand(manifest) => manifest.head.root.clone(),
            Self::Sealed(opened, record) => opened.lines(record)?.head()?.root.clone(),
        })
    }

    /// That the entries keep the rules which need no commitment.
    ///
    /// # Errors
    /// When they do not, or the list cannot be read.
    pub(crate) fn rules(&self) -> Outcome<()> {
        let (mut shared, kept) = self.apart()?;
        if !shared.is_empty() {
            self.entries()?.try_for_each(|entry| Ok::<_, Failure>(shared.take(&*entry?)?))?;
        }
        Ok(kept?)
    }

    /// Compares the entries with what a record commits to: what is left to be seen in a last pass, and whether they are those.
    ///
    /// # Errors
    /// When the list cannot be read. What it is does not matter here.
    pub(crate) fn compare(&self, record: &Record) -> Outcome<(Shared, Result<(), manifest::Error>)> {
        let committed = self.leaves()?.finish(&commitment_of(record)?);
        let (shared, kept) = self.apart()?;
        Ok((shared, kept.and(committed)))
    }

    /// Whether each entry has an id of its own, and what a last pass has to look at.
    fn apart(&self) -> Outcome<(Shared, Result<(), manifest::Error>)> {
        let mut rules = Rules::default();
        for entry in self.entries()? {
            rules.take(&*entry?);
        }
        Ok(rules.finish())
    }

    /// The leaves of all entries.
    pub(crate) fn leaves(&self) -> Outcome<Checking> {
        let (opened, record) = match self {
            Self::AtHand(manifest) => {
                let mut checking = Checking::of(&manifest.head);
                checking.take(&manifest.entries);
                return Ok(checking);
            }
            Self::Sealed(opened, record) => (opened, record),
        };
        let mut lines = opened.lines(record)?;
        let mut checking = Checking::of(lines.head()?);
        let (mut entries, mut next) = (opened.whole(lines)?, Vec::new());
        loop {
            next.clear();
            for entry in entries.by_ref().take(Checking::ENTRIES_AT_A_TIME) {
                next.push(entry?);
            }
            if next.is_empty() {
                return Ok(checking);
            }
            checking.take(&next);
        }
    }
}

/// A pass over entries that are at hand.
pub(crate) fn at_hand(entries: &[Entry]) -> Entries<'_> {
    Box::new(entries.iter().map(|entry| Ok(Listed::Lent(entry))))
}

fn on_their_way<'l>(entries: impl Iterator<Item = Outcome<Entry>> + 'l) -> Entries<'l> {
    Box::new(entries.map(|entry| Ok(Listed::Read(Box::new(entry?)))))
}

/// The lines of one sealed manifest as its objects are opened, and the tar that comes after it in a small deposit.
struct Lines<'a> {
    opened: Opened<'a>,
    record: &'a Record,
    objects: Vec<ObjectRef>,
    /// How many of the objects were opened, from the first on.
    parts: usize,
    frames: Frames,
    reader: Reader,
    /// Lines that are read and not yet taken.
    ready: VecDeque<Line>,
    /// The last frame is kept back: in a small deposit it is the tar.
    last: Option<Vec<u8>>,
    /// The head and the tar, when all is read.
    end: Option<(Head, Plaintext)>,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Outcome<Option<Line>> {
        self.fill()?;
        Ok(self.ready.pop_front())
    }

    /// The first line.
    fn head(&mut self) -> Outcome<&Head> {
        if self.reader.head().is_none() {
            self.fill()?;
        }
        let end = self.end.as_ref().map(|(head, _)| head);
        end.or(self.reader.head()).ok_or_else(|| manifest::Error::Incomplete.into())
    }

    /// What is gone of the base: called before the first entry is taken.
    fn gone(&mut self) -> Outcome<Vec<EntryId>> {
        let mut gone = Vec::new();
        loop {
            self.fill()?;
            match self.ready.pop_front() {
                Some(Line::Packs(_)) => (),
                Some(Line::Gone(ids)) => gone.extend(ids),
                Some(entry @ Line::Entry(_)) => {
                    self.ready.push_front(entry);
                    return Ok(gone);
                }
                None => return Ok(gone),
            }
        }
    }

    /// The entries that are still to come.
    fn entries(mut self) -> impl Iterator<Item = Outcome<Entry>> {
        std::iter::from_fn(move || {
            loop {
                match self.next() {
                    Ok(Some(Line::Entry(entry))) => return Some(Ok(*entry)),
                    Ok(Some(Line::Packs(_) | Line::Gone(_))) => (),
                    Ok(None) => return None,
                    Err(failure) => return Some(Err(failure)),
                }
            }
        })
    }

    /// The first line, the objects behind the manifest, and the tar of a small deposit: called when all lines were taken.
    fn finish(self) -> Outcome<(Head, Vec<ObjectRef>, Plaintext)> {
        let (head, tar) = self.end.ok_or_else(|| Failure::internal_message("a manifest was not read to its end"))?;
        Ok((head, self.objects.get(self.parts..).unwrap_or_default().to_vec(), tar))
    }

    /// Reads on until a line is ready, or there is none any more.
    fn fill(&mut self) -> Outcome<()> {
        while self.ready.is_empty() && self.end.is_none() {
            if let Some(frame) = self.frames.next_frame() {
                self.frame(frame)?;
            } else if let Some(object) = self.next_object() {
                let plain = self.opened.keyring.open(self.record.envelope().epoch, self.opened.safe.object(object)?)?;
                self.parts += 1;
                self.frames.push(&plain).map_err(refused_stream)?;
            } else {
                self.end = Some(self.read_end()?);
            }
        }
        Ok(())
    }

    /// The next object of the manifest. How many there are is known once the first line is read.
    fn next_object(&self) -> Option<ObjectRef> {
        let packs = self.reader.head().map_or(0, |head| head.archive_packs);
        let parts = self.objects.len().saturating_sub(usize::try_from(packs).unwrap_or(usize::MAX));
        self.objects.get(..parts)?.get(self.parts).copied()
    }

    fn frame(&mut self, frame: Vec<u8>) -> Outcome<()> {
        // The head must be known to say whether a last frame is a tar: the very first frame is always text.
        let text = match self.reader.head() {
            None => Some(frame),
            Some(_) => self.last.replace(frame),
        };
        text.map_or(Ok(()), |text| self.text(&text))
    }

    fn text(&mut self, frame: &[u8]) -> Outcome<()> {
        let text = Plaintext::from(stream::unframe(frame).map_err(refused_stream)?);
        let ready = &mut self.ready;
        self.reader.push(&text, |line| {
            ready.push_back(line);
            Ok(())
        })?;
        Ok(())
    }

    fn read_end(&mut self) -> Outcome<(Head, Plaintext)> {
        self.frames.finish().map_err(refused_stream)?;
        let small_tar = self.reader.head().is_some_and(|head| head.archive_packs == 0 && head.archive_bytes > 0);
        let mut tar = Plaintext::default();
        match self.last.take() {
            Some(last) if small_tar => *tar = stream::unframe(&last).map_err(refused_stream)?,
            Some(last) => self.text(&last)?,
            None => (),
        }
        let head = std::mem::take(&mut self.reader).finish()?;
        let tar_is_whole = !small_tar || (tar.len() as u64 == head.archive_bytes && tar.len() <= BLOCK_BYTES);
        if !tar_is_whole {
            return Err(Failure::untrue("the tar of a small deposit is not as long as its manifest says"));
        }
        Ok((head, tar))
    }
}

impl From<manifest::Error> for Failure {
    fn from(error: manifest::Error) -> Self {
        Self::untrue(error.to_string())
    }
}

fn refused_stream(error: stream::Error) -> Failure {
    Failure::untrue(error.to_string())
}
