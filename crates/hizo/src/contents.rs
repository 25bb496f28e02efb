//! What a deposit holds: its manifest, with the earlier ones it builds on, and the packs of its tar.

use hizo_ledger::id::SeriesId;
use hizo_ledger::object::{ObjectList, ObjectRef};
use hizo_ledger::record::{Deposit, Record};
use hizo_vault::commit::Commitment;
use hizo_vault::event::Event;
use hizo_vault::manifest::{self, CHAIN_MAX, Entry, Head, Layer, LayerBuilder, Line, Manifest, PackStart, Reader};
use hizo_vault::stream::{self, BLOCK_BYTES, Frames};
use zeroize::Zeroizing;

use crate::failure::{Failure, Outcome, shown_bytes};
use crate::safe::{Keyring, Safe};
use crate::words::words;

/// A safe with its secrets at hand.
#[derive(Clone, Copy)]
pub(crate) struct Opened<'a> {
    pub safe: &'a Safe,
    pub keyring: &'a Keyring,
}

/// One deposit's own manifest, and where its tar lies.
pub(crate) struct Sheet {
    pub layer: Layer,
    pub tar: Tar,
}

/// Where a deposit's own tar lies.
pub(crate) enum Tar {
    /// It stored nothing new.
    None,
    /// In memory: it came with the manifest of a small deposit.
    Small(Zeroizing<Vec<u8>>),
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

    /// A deposit's own manifest, as it was sealed.
    pub(crate) fn sheet(&self, record: &Record) -> Outcome<Sheet> {
        self.read_sheet(record, Reading::default())
    }

    /// Where a deposit's tar lies: its manifest without the entries.
    pub(crate) fn sheet_without_entries(&self, record: &Record) -> Outcome<Sheet> {
        self.read_sheet(record, Reading { without_entries: true, ..Reading::default() })
    }

    fn read_sheet(&self, record: &Record, mut reading: Reading) -> Outcome<Sheet> {
        let objects = self.objects(record)?;
        let mut parts = 0;
        for object in &objects {
            if reading.parts(objects.len()).is_some_and(|all| parts >= all) {
                break;
            }
            let plain = self.keyring.open(record.envelope().epoch, self.safe.object(*object)?)?;
            reading.take(&plain)?;
            parts += 1;
        }
        let (layer, small) = reading.finish()?;
        let tar = match (layer.head.archive_bytes, layer.head.archive_packs) {
            (0, 0) => Tar::None,
            (_, 0) => Tar::Small(small),
            (_, _) => Tar::Packs {
                epoch: record.envelope().epoch,
                packs: objects.get(parts..).unwrap_or_default().to_vec(),
                starts: layer.packs.clone(),
            },
        };
        if layer.head.deposit != deposit_of(record)?.k {
            return Err(Failure::untrue("the manifest is that of another deposit"));
        }
        Ok(Sheet { layer, tar })
    }

    /// A deposit's whole manifest: earlier ones applied, and the commitment of the record recomputed.
    pub(crate) fn manifest(&self, record: &Record) -> Outcome<Manifest> {
        let whole = self.unchecked_manifest(record)?;
        whole.check(&commitment_of(record)?).map_err(refused)?;
        Ok(whole)
    }

    /// A deposit's whole manifest, to be held against the record's commitment.
    pub(crate) fn unchecked_manifest(&self, record: &Record) -> Outcome<Manifest> {
        let facts = deposit_of(record)?;
        let mut layers = vec![self.sheet(record)?.layer];
        while let Some(base) = layers.last().and_then(|layer| layer.head.base) {
            if layers.len() as u32 > CHAIN_MAX {
                return Err(refused(manifest::Error::Base));
            }
            layers.push(self.sheet(self.deposit(facts.series, base)?)?.layer);
        }
        let full = layers.pop().expect("the first layer was pushed");
        let mut whole = Manifest::full(full).map_err(refused)?;
        while let Some(delta) = layers.pop() {
            whole = whole.apply(delta).map_err(refused)?;
        }
        Ok(whole)
    }

    /// The events of any record: from its body, or from the manifest of a small deposit.
    pub(crate) fn events(&self, record: &Record) -> Outcome<Vec<Event>> {
        if record.envelope().deposit.is_none() || record.body_object().is_some() {
            return self.keyring.events(self.safe, record);
        }
        let head = self.sheet(record)?.layer.head;
        let events = head.events.iter().map(Event::from_value).collect::<Option<_>>();
        events.ok_or_else(|| Failure::untrue("the events of a small deposit are not in their one form"))
    }
}

/// Everything at or below the named paths, in order; all of it when none is named.
///
/// # Errors
/// When nothing is at or below one of them.
pub(crate) fn at_or_below<'m>(manifest: &'m Manifest, paths: &[Vec<u8>]) -> Outcome<Vec<&'m Entry>> {
    let below = |entry: &Entry, path: &[u8]| {
        entry.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    };
    if let Some(path) = paths.iter().find(|path| !manifest.entries.iter().any(|entry| below(entry, path))) {
        return Err(Failure::fixable(words!(
            "{path} is not in this deposit",
            "{path} は、この預け入れにありません",
            path = shown_bytes(path)
        ))
        .hint(words!(
            "Run `hizo show` to see what is in it; paths are written as there.",
            "`hizo show` で中身を見られます。パスはその表示どおりに書いてください。"
        )));
    }
    let is_named = |entry: &&Entry| paths.is_empty() || paths.iter().any(|path| below(entry, path));
    Ok(manifest.entries.iter().filter(is_named).collect())
}

/// The deposit that a record makes.
pub(crate) fn deposit_of(record: &Record) -> Outcome<&Deposit> {
    record.envelope().deposit.as_ref().ok_or_else(|| Failure::internal_message("the record is not a deposit"))
}

/// What a record commits to.
pub(crate) fn commitment_of(record: &Record) -> Outcome<Commitment> {
    Ok((&deposit_of(record)?.commit).into())
}

/// Reads a manifest's stream, and the tar that comes after it in a small deposit.
#[derive(Default)]
struct Reading {
    /// Entries are checked and forgotten.
    without_entries: bool,
    frames: Frames,
    reader: Reader,
    builder: LayerBuilder,
    /// The last frame is kept back: in a small deposit it is the tar.
    last: Option<Vec<u8>>,
}

impl Reading {
    /// How many of a deposit's objects are parts of its manifest, once the first line is read.
    fn parts(&self, objects: usize) -> Option<usize> {
        let head = self.reader.head()?;
        Some(objects.saturating_sub(usize::try_from(head.archive_packs).unwrap_or(objects)))
    }

    fn take(&mut self, plain: &[u8]) -> Outcome<()> {
        self.frames.push(plain).map_err(refused_stream)?;
        while let Some(frame) = self.frames.next_frame() {
            // The head must be known to say whether a last frame is a tar: the very first frame is always text.
            match self.reader.head() {
                None => self.text(&frame)?,
                Some(_) => {
                    if let Some(before) = self.last.replace(frame) {
                        self.text(&before)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn text(&mut self, frame: &[u8]) -> Outcome<()> {
        let text = Zeroizing::new(stream::unframe(frame).map_err(refused_stream)?);
        let (builder, without_entries) = (&mut self.builder, self.without_entries);
        let taken = self.reader.push(&text, |line| {
            if !(without_entries && matches!(line, Line::Entry(_))) {
                builder.take(line);
            }
            Ok(())
        });
        taken.map_err(refused)
    }

    fn finish(mut self) -> Outcome<(Layer, Zeroizing<Vec<u8>>)> {
        self.frames.finish().map_err(refused_stream)?;
        let small_tar = self.reader.head().is_some_and(|head: &Head| head.archive_packs == 0 && head.archive_bytes > 0);
        let mut tar = Zeroizing::new(Vec::new());
        match self.last.take() {
            Some(last) if small_tar => *tar = stream::unframe(&last).map_err(refused_stream)?,
            Some(last) => self.text(&last)?,
            None => (),
        }
        let head = self.reader.finish().map_err(refused)?;
        let tar_is_whole = !small_tar || (tar.len() as u64 == head.archive_bytes && tar.len() <= BLOCK_BYTES);
        if !tar_is_whole {
            return Err(Failure::untrue("the tar of a small deposit is not as long as its manifest says"));
        }
        Ok((self.builder.finish(head), tar))
    }
}

pub(crate) fn refused(error: manifest::Error) -> Failure {
    Failure::untrue(error.to_string())
}

fn refused_stream(error: stream::Error) -> Failure {
    Failure::untrue(error.to_string())
}
