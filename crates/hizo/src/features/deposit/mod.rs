//! A deposit: one version of a folder, sealed on this machine and kept. The append of its record is the only commit
//! point; everything put before it is harmless if it never comes.

mod assembling;
pub(crate) mod command;
pub(crate) mod drop;
mod listing;
mod local;
mod marks;
pub(crate) mod page;
mod reading;
mod resume;
mod segments;
#[cfg(all(test, unix))]
mod tests;

use std::path::{Path, PathBuf};
use std::thread::Scope;

use hizo_ledger::id::{CommitHash, ObjectId, RecordId, SeriesId};
use hizo_ledger::object::ObjectList;
use hizo_ledger::record::{self, Objects, Record};
use hizo_store::NamedBytes;
use hizo_vault::age::{self, Recipient};
use hizo_vault::commit::{Commitment, Seed};
use hizo_vault::event::{Class, Event};
use hizo_vault::manifest::{CHAIN_MAX, ENTRIES_MAX, Head, LINE_BYTES_MAX, Root};
use hizo_vault::plaintext::Plaintext;
use hizo_vault::stream::{self, BLOCK_BYTES, Framer};

use crate::entropy::{SystemEntropy, random};
use crate::failure::{Failure, Outcome, shown};
use crate::folder::listing::{LeftOut, Listing};
use crate::folder::walk;
use crate::home::{self, Device, SeriesFacts};
use crate::packing::{self, Framing, NotAsBefore, PackKept, Packed, Packing, Surroundings};
use crate::queue::{self, Queue};
use crate::receipts::{self, Answer};
use crate::safe::{self, Draft, Safe};
use crate::words::words;
use assembling::{Assembled, Assembler, Policy, TarSink};
use listing::Lines;
use local::{LastWalk, Remembered, WalkOf, WalkWriter};
use reading::Attributes;
use resume::{Circumstances, Continuation, Done, ResumeJournal};

/// A deposit whose framed manifest and tar fit in this many bytes together is one object.
const SMALL_BYTES_MAX: usize = 1 << 20;

/// Beyond this many lines a manifest is not tried as part of a small deposit.
const SMALL_LINES_MAX: usize = 8192;

/// What is to be deposited, and how.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub paths: Vec<PathBuf>,
    pub series: String,
    pub labels: Vec<String>,
    /// For a series that begins with this deposit; standard if nobody says.
    pub class: Option<Class>,
    pub reuse: bool,
    pub reread: bool,
    /// Contents in packs of their own, however small they are: their keys can be handed out without the list.
    pub apart: bool,
    pub excludes: Vec<String>,
}

impl Request {
    /// These paths as they are, into a series that is standard if it begins, with everything reused that can be.
    pub(crate) fn of(paths: Vec<PathBuf>, series: impl Into<String>) -> Self {
        Self {
            paths,
            series: series.into(),
            labels: Vec::new(),
            class: None,
            reuse: true,
            reread: false,
            apart: false,
            excludes: Vec::new(),
        }
    }
}

/// What was kept.
#[derive(Debug)]
pub(crate) struct Made {
    pub id: RecordId,
    pub series: SeriesId,
    pub number: u64,
    pub files: u64,
    pub bytes: u64,
    pub entries: u64,
    /// Sealed objects of this deposit and their bytes.
    pub objects: u64,
    pub stored_bytes: u64,
    pub left_out: Vec<LeftOut>,
    /// Where the safe itself stands in what was to be kept: it is not kept in itself.
    pub safe_in_it: Vec<PathBuf>,
    /// Files that changed during every attempt to read them.
    pub unsteady: Vec<PathBuf>,
    /// What the keeper promised, and what its log shows. It is kept all the same. Nothing while it waits for a keeper that
    /// cannot be reached: it is sealed then, and not yet kept.
    pub answer: Option<Answer>,
}

/// Told about the work as it goes on.
pub(crate) trait Watcher: Sync {
    /// The folder has been listed: this many bytes in this many files.
    fn listed(&self, files: u64, bytes: u64);
    /// This many more bytes have been dealt with.
    fn progress(&self, bytes: u64);
}

/// Nobody.
impl Watcher for () {
    fn listed(&self, _: u64, _: u64) {}

    fn progress(&self, _: u64) {}
}

/// Seals and keeps one version of the named paths. Where the keeper is elsewhere and cannot be reached, it is sealed and waits.
///
/// # Errors
/// When a named path cannot be read, the keeper refuses, or the safe is not what it was. Nothing half-done is visible.
pub(crate) fn deposit(safe: &mut Safe, device: &Device, request: &Request, watcher: &dyn Watcher) -> Outcome<Made> {
    // What waits comes first: a later deposit may build on it.
    if !safe.is_away() {
        let mut sent = queue::Sent::default();
        match queue::send(safe, true, &mut sent, &|_| ()) {
            Err(failure) if failure.is_out_of_reach() => safe.go_away()?,
            done => done?,
        }
        safe.set_aside.extend(sent.aside);
    }
    match steadily(safe, device, request, watcher) {
        Err(failure) if failure.is_out_of_reach() && !safe.is_away() => {
            safe.go_away()?;
            steadily(safe, device, request, watcher)
        }
        done => done,
    }
}

fn steadily(safe: &mut Safe, device: &Device, request: &Request, watcher: &dyn Watcher) -> Outcome<Made> {
    match attempt(safe, device, request, true, watcher) {
        // What an interrupted deposit had kept cannot be made again as it was, or a file changed between two readings: it
        // is left alone, and all is stored anew. Nothing is laid over earlier content then, which takes two readings.
        Err(failure) if NotAsBefore::is_cause_of(&failure) => attempt(safe, device, request, false, watcher),
        done => done,
    }
}

fn attempt(safe: &mut Safe, device: &Device, request: &Request, compose: bool, watcher: &dyn Watcher) -> Outcome<Made> {
    let series = safe.series_named(device, &request.series, request.class.unwrap_or(Class::Standard))?;
    if request.class.is_some_and(|class| class != series.class) {
        return Err(Failure::fixable(words!(
            "series {name} is of another class, and stays so",
            "束「{name}」の種別は、あとから変えられません",
            name = request.series
        ))
        .hint(words!(
            "Leave --class out, or begin a series with another name.",
            "--class を外すか、別の名前で新しい束を作ってください。"
        )));
    }
    let _turn = safe.home.lock(series.id)?;
    safe.catch_up()?;
    let listing = list(safe.home.folder(), request)?;
    if listing.len() as u64 > ENTRIES_MAX {
        return Err(Failure::fixable(format!("there are more than {ENTRIES_MAX} files and folders"))
            .hint("Deposit parts of it in series of their own."));
    }
    watcher.listed(listing.files(), listing.bytes());
    keep(safe, device, request, series, listing, compose, watcher)
}

/// Lists what is to be kept. Where the safe stands in it, that is passed over. Its keys are for nobody else, and where the keeper lies
/// in it each deposit would hold all earlier ones.
///
/// # Errors
/// When a path cannot be read, or is the safe itself.
fn list(home: &Path, request: &Request) -> Outcome<Listing> {
    let failed = |error| Failure::file("read", request.paths.first().map_or("".as_ref(), PathBuf::as_path), error);
    let whole = home::whole_folder(home);
    let places = walk::places(whole, &request.paths).map_err(failed)?;
    if request.paths.iter().any(|path| places.contains(path)) {
        return Err(itself(whole));
    }
    walk::walk_without(&request.paths, &request.excludes, &places).map_err(failed)
}

fn itself(folder: &Path) -> Failure {
    let folder = shown(folder);
    Failure::fixable(words!("{folder} is the safe itself", "{folder} は、金庫そのものです")).hint(words!(
        "Deposit the folder in which you work. A copy of the safe is made with `hizo export`.",
        "お仕事のフォルダーを預けてください。金庫の控えは `hizo export` で作れます。"
    ))
}

/// Keeps what was listed, as it is by now.
fn keep(
    safe: &mut Safe,
    device: &Device,
    request: &Request,
    series: SeriesFacts,
    listing: Listing,
    compose: bool,
    watcher: &dyn Watcher,
) -> Outcome<Made> {
    let queue = Queue::of(&safe.home);
    let waiting = safe.is_away().then(|| LastWalk::read(&queue.walk_file(series.id), &device.local)).flatten();
    let last = waiting.or_else(|| LastWalk::read(&safe.home.walk_file(series.id), &device.local));
    // A walk counts only if this very deposit stands in the chain: after a restored home it may not.
    // Nor one of before somebody came who opens nothing of that time: he could not open what builds on it.
    let is_shared = |record: &Record| record.number() >= safe.chain.shared_since();
    // What waited may have been made anew over what others had added.
    let names =
        last.as_ref().map(|last| queue.name_now(last.of.record).map(|now| [last.of.record, now])).transpose()?;
    let last = last.filter(|last| {
        let record = safe.deposit(series.id, last.of.deposit);
        record.is_some_and(|record| names.is_some_and(|names| names.contains(&record.id())) && is_shared(record))
    });
    Making::new(safe, device, request, series, listing, compose, last.as_ref())?.run(last, watcher)
}

struct Making<'a> {
    safe: &'a mut Safe,
    device: &'a Device,
    request: &'a Request,
    series: SeriesFacts,
    listing: Listing,
    /// What the folder itself has.
    root: Option<Root>,
    /// Changed files may be laid over what is kept of them.
    compose: bool,
    recipient: Recipient,
    /// The last walk's deposit, which a delta may build on.
    base: Option<WalkOf>,
    base_entries: u64,
    segments: Option<[u8; 32]>,
    number: u64,
    previous: Option<RecordId>,
}

/// What the folder itself has whose contents are kept. Its attributes leave room in the first line for what else stands there.
fn root(listing: &mut Listing) -> Option<Root> {
    const TEXT_BYTES_MAX: usize = LINE_BYTES_MAX - (4 << 10);
    let (path, stat) = listing.folder()?;
    // Of a link the folder that it leads to was listed, and its are the attributes.
    let (mode, mtime_ns, path) = (stat.mode, stat.mtime_ns, path.canonicalize().unwrap_or_else(|_| path.to_owned()));
    let Attributes { mut kept, mut are_left_out } = reading::attributes(&path).unwrap_or_default();
    let text = |bytes: &Vec<u8>| bytes.len().div_ceil(3) * 4 + 4;
    if kept.iter().map(|(name, value)| text(name) + text(value)).sum::<usize>() > TEXT_BYTES_MAX {
        (kept, are_left_out) = (Vec::new(), true);
    }
    if are_left_out {
        listing.left_out.push(LeftOut { path, reason: LeftOut::ATTRIBUTES.to_owned() });
    }
    Some(Root { mode, mtime_ns, xattrs: kept })
}

/// A manifest and tar, sealed and put.
struct Stored {
    objects: Vec<(ObjectId, u64)>,
    commitment: Commitment,
    entries: u64,
    chain: u32,
    /// Whether the record needs a body: a small deposit's events stand in its manifest.
    needs_body: bool,
}

impl<'a> Making<'a> {
    fn new(
        safe: &'a mut Safe,
        device: &'a Device,
        request: &'a Request,
        series: SeriesFacts,
        mut listing: Listing,
        compose: bool,
        last: Option<&LastWalk>,
    ) -> Outcome<Self> {
        let root = root(&mut listing);
        let head = safe.chain.series().get(&series.id);
        let recipient = safe.recipient()?;
        let (number, previous) = (head.map_or(1, |head| head.k + 1), head.map(|head| head.record));
        let (base, base_entries) = (last.map(|last| last.of), last.map_or(0, |last| u64::from(last.count())));
        let segments = last.and_then(LastWalk::segments_check);
        Ok(Self {
            safe,
            device,
            request,
            series,
            listing,
            root,
            compose,
            recipient,
            base,
            base_entries,
            segments,
            number,
            previous,
        })
    }

    fn run(mut self, last: Option<LastWalk>, watcher: &dyn Watcher) -> Outcome<Made> {
        let walk_file = match self.safe.keeper.away() {
            Some(away) => {
                away.begin(self.series.id, self.safe.chain.shared_since())?;
                Queue::of(&self.safe.home).walk_file(self.series.id)
            }
            None => self.safe.home.walk_file(self.series.id),
        };
        let mut walk = WalkWriter::create(&walk_file, &self.device.local)
            .map_err(|error| Failure::file("write", &walk_file, error))?;
        let (journal, continuation) = self.journal()?;
        if let Some(away) = self.safe.keeper.away().filter(|_| continuation.is_none()) {
            away.begin_anew(self.series.id, self.safe.chain.shared_since())?;
        }
        let stored = self.store(last, &mut walk, &journal, continuation, watcher);
        let appended = stored.and_then(|(stored, made)| Ok((self.append(&stored, &made)?, stored, made)));
        let (id, stored, made) = match appended {
            Err(failure) if NotAsBefore::is_cause_of(&failure) => {
                journal.remove()?;
                return Err(failure);
            }
            appended => appended?,
        };
        let of = WalkOf { series: self.series.id, deposit: self.number, record: id, chain: stored.chain };
        walk.finish(&of).map_err(|error| Failure::file("write", &walk_file, error))?;
        journal.remove()?;
        if !self.safe.is_away() {
            Queue::of(&self.safe.home).forget_sealing(self.series.id);
        }
        let path = |index: &usize| self.listing.get(*index).and_then(|found| self.listing.on_disk(&found.path).ok());
        Ok(Made {
            id,
            series: self.series.id,
            number: self.number,
            files: made.files,
            bytes: made.bytes,
            entries: stored.entries,
            objects: stored.objects.len() as u64,
            stored_bytes: stored.objects.iter().map(|(_, bytes)| bytes).sum(),
            unsteady: made.unsteady.iter().filter_map(path).collect(),
            left_out: self.listing.left_out.into_iter().chain(made.left_out).collect(),
            safe_in_it: self.listing.passed_over,
            answer: (!self.safe.is_away()).then(|| receipts::answer(self.safe, id)),
        })
    }

    /// The resume journal, and where an interrupted deposit goes on.
    fn journal(&self) -> Outcome<(ResumeJournal, Option<Continuation>)> {
        let circumstances = Circumstances {
            deposit: self.number,
            epoch: self.safe.chain.epoch(),
            last: self.base,
            framing: self.framing(),
            reread: self.request.reread,
            reuse: self.request.reuse,
            compose: self.compose,
            segments: self.segments,
        };
        let path = self.safe.home.resume_file(self.series.id);
        let same = |index: usize, entry: &Remembered| {
            let found = self.listing.get(index);
            found.is_some_and(|found| entry.is_found_again(&found, &self.device.local))
        };
        let is_kept = |pack: &PackKept| {
            let length = self.safe.keeper.object_length(self.safe.home.space, pack.id);
            length.is_ok_and(|length| length == Some(pack.bytes))
        };
        ResumeJournal::open(&path, &self.device.local, &circumstances, same, is_kept)
            .map_err(|error| Failure::file("write", &path, error))
    }

    fn framing(&self) -> Framing {
        match self.series.class {
            Class::Standard => Framing::Compressed,
            Class::Core => Framing::Stored,
        }
    }

    fn store(
        &self,
        last: Option<LastWalk>,
        walk: &mut WalkWriter,
        journal: &ResumeJournal,
        continuation: Option<Continuation>,
        watcher: &dyn Watcher,
    ) -> Outcome<(Stored, Assembled)> {
        let (keeper, space) = (&self.safe.keeper, self.safe.home.space);
        let put = |object: &NamedBytes| keeper.put(space, object);
        let written_down = |pack: &PackKept| journal.pack(pack);
        let surroundings = Surroundings { recipient: &self.recipient, put: &put, kept: &written_down };
        let manifest_surroundings = Surroundings { kept: &|_| Ok(()), ..surroundings };
        let policy = Policy {
            deposit: self.number,
            reread: self.request.reread,
            reuse: self.request.reuse && self.series.class != Class::Core,
            compose: self.compose,
        };
        let framing = self.framing();
        std::thread::scope(|scope| {
            let (mut sink, done) = Sink::new(scope, &surroundings, framing, continuation);
            let assembler = Assembler {
                listing: &self.listing,
                last: last.as_ref(),
                key: &self.device.local,
                policy,
                sink: &mut sink,
                walk,
                journal,
                done,
                fresh: Vec::new(),
                progress: &|bytes| watcher.progress(bytes),
            };
            let made = assembler.run()?;
            let tar = sink.finish()?;
            let stored = self.store_manifest(&made, walk, tar, &manifest_surroundings, &put)?;
            Ok((stored, made))
        })
    }

    /// Writes the manifest and seals it, together with the tar while that is small.
    fn store_manifest(
        &self,
        made: &Assembled,
        walk: &mut WalkWriter,
        tar: Tar,
        surroundings: &Surroundings,
        put: &dyn Fn(&NamedBytes) -> Outcome<()>,
    ) -> Outcome<Stored> {
        let entries = (self.listing.len() - made.skipped.len()) as u64;
        let changes = made.changed.iter().filter(|changed| **changed).count() + made.gone.len();
        // What a reader will find: the entries of the base, less those that are gone, and the new ones. A delta that does
        // not come out right would take every later one with it; a full manifest never does.
        let comes_out = self.base_entries + made.new as u64 == entries + made.gone.len() as u64;
        let base = self.base.filter(|last| last.chain < CHAIN_MAX && changes as u64 * 2 <= entries && comes_out);
        let mut head = Head {
            deposit: self.number,
            seed: Seed::from_bytes(random()),
            entries,
            base: base.map(|base| base.deposit),
            chain: base.map_or(0, |base| base.chain + 1),
            reread: self.request.reread && base.is_some(),
            archive_bytes: tar.bytes(),
            archive_packs: 0,
            root: self.root.clone(),
            events: Vec::new(),
        };
        let chain = head.chain;
        let lines = Lines { listing: &self.listing, made, full: base.is_none() };
        let emitted = if base.is_some() { changes } else { self.listing.len() };
        if let Tar::Small(tar) = &tar
            && (!self.request.apart || tar.is_empty())
            && emitted <= SMALL_LINES_MAX
        {
            head.events = self.events(made).iter().map(Event::to_value).collect();
            let mut text = Plaintext::default();
            let commitment = lines.write(&head, &[], walk, &mut |bytes| {
                text.extend_from_slice(bytes);
                Ok(())
            })?;
            let fits = head.line().len() <= LINE_BYTES_MAX;
            if let Some(small) = fits.then(|| self.small(&text, tar)).transpose()?.flatten() {
                let object = NamedBytes::name(small).map_err(Failure::internal)?;
                put(&object)?;
                let objects = vec![(object.id(), object.length())];
                return Ok(Stored { objects, commitment, entries, chain, needs_body: false });
            }
        }
        head.events.clear();
        head.seed = Seed::from_bytes(random());
        let packed = tar.pack(surroundings, self.framing())?;
        head.archive_packs = packed.packs.len() as u64;
        let (manifest, commitment) = std::thread::scope(|scope| {
            let mut packing = Packing::start(scope, surroundings, self.framing());
            let commitment = lines.write(&head, &packed.starts, walk, &mut |bytes| packing.push(bytes))?;
            Ok::<_, Failure>((packing.finish()?, commitment))
        })?;
        let objects = [manifest.packs, packed.packs].concat();
        Ok(Stored { objects, commitment, entries, chain, needs_body: true })
    }

    /// Manifest and tar as one sealed object, if they are small enough.
    fn small(&self, text: &[u8], tar: &[u8]) -> Outcome<Option<Vec<u8>>> {
        let mut framer = Framer::new(packing::level(0)).map_err(Failure::internal)?;
        let mut plain = Plaintext::default();
        for block in text.chunks(BLOCK_BYTES).chain(tar.chunks(BLOCK_BYTES)) {
            plain.extend(match self.framing() {
                Framing::Compressed => framer.frame(block).map_err(Failure::internal)?,
                Framing::Stored => stream::stored_frame(block),
            });
        }
        if plain.len() > SMALL_BYTES_MAX {
            return Ok(None);
        }
        stream::padding(plain.len() as u64).for_each(|piece| plain.extend(piece));
        let sealed = age::seal(&plain, std::slice::from_ref(&self.recipient), &mut SystemEntropy);
        sealed.map(Some).map_err(Failure::internal)
    }

    fn events(&self, made: &Assembled) -> Vec<Event> {
        let opened = Event::SeriesOpened { name: self.request.series.clone(), class: self.series.class };
        let deposited = Event::DepositMade {
            labels: self.request.labels.clone(),
            files: made.files,
            bytes: made.bytes,
            left_out: (self.listing.left_out.len() + made.left_out.len()) as u64,
        };
        if self.number == 1 { vec![opened, deposited] } else { vec![deposited] }
    }

    fn append(&mut self, stored: &Stored, made: &Assembled) -> Outcome<RecordId> {
        let (list, _) = self.safe.put(ObjectList::compose(&stored.objects))?;
        let body = match stored.needs_body {
            true => Some(self.safe.put(safe::seal_body(&self.events(made), &self.recipient)?)?),
            false => None,
        };
        let objects = Objects {
            count: stored.objects.len() as u64,
            total: stored.objects.iter().map(|(_, bytes)| bytes).sum(),
            list,
        };
        let commit = record::Commitment {
            sha256: CommitHash::from_bytes(stored.commitment.sha256),
            blake3: CommitHash::from_bytes(stored.commitment.blake3),
        };
        let (series, k, prev) = (self.series.id, self.number, self.previous);
        let deposit = record::Deposit { series, k, prev, commit, objects };
        let draft = Draft { body, deposit: Some(deposit), ..Draft::default() };
        let key = self.device.signing.space_key(&self.safe.home.space);
        let epoch = self.safe.chain.epoch();
        let appended = self.safe.append(&key, &draft, |chain| {
            chain.epoch() == epoch && chain.series().get(&series).map(|head| head.record) == prev
        });
        appended.map_err(|failure| match is_put_again(&failure) {
            // Something that was put is no longer there. Whatever it was, an attempt that begins anew puts all of it.
            true => Failure::internal(NotAsBefore),
            // It may be kept: sealed once more and queued, it would be there twice.
            false if failure.is_out_of_reach() => Failure { source: None, ..failure },
            false => failure,
        })
    }
}

fn is_put_again(failure: &Failure) -> bool {
    let keeper = failure.source.as_ref().and_then(|source| source.downcast_ref());
    matches!(keeper, Some(hizo_keeper::Error::PutAgain { .. }))
}

/// Where the tar went.
enum Tar {
    Small(Plaintext),
    Packed(Packed),
}

impl Tar {
    fn bytes(&self) -> u64 {
        match self {
            Self::Small(bytes) => bytes.len() as u64,
            Self::Packed(packed) => packed.plain_bytes,
        }
    }

    fn pack(self, surroundings: &Surroundings, framing: Framing) -> Outcome<Packed> {
        match self {
            Self::Packed(packed) => Ok(packed),
            Self::Small(bytes) => std::thread::scope(|scope| {
                let mut packing = Packing::start(scope, surroundings, framing);
                packing.push(&bytes)?;
                packing.finish()
            }),
        }
    }
}

/// Holds a tar in memory while it may be part of a small deposit, and packs it from then on.
struct Sink<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    surroundings: &'env Surroundings<'env>,
    framing: Framing,
    small: Plaintext,
    packing: Option<Packing<'scope>>,
}

impl<'scope, 'env> Sink<'scope, 'env> {
    /// An empty sink, or one that goes on where a deposit was interrupted; the entries done by then come with it.
    fn new(
        scope: &'scope Scope<'scope, 'env>,
        surroundings: &'env Surroundings<'env>,
        framing: Framing,
        continuation: Option<Continuation>,
    ) -> (Self, Done) {
        let (packing, done) = match continuation {
            Some(Continuation { done, position, packs }) => {
                (Some(Packing::go_on(scope, surroundings, framing, packs, position)), done)
            }
            None => (None, Done::default()),
        };
        (Self { scope, surroundings, framing, small: Plaintext::default(), packing }, done)
    }

    fn finish(self) -> Outcome<Tar> {
        match self.packing {
            Some(packing) => packing.finish().map(Tar::Packed),
            None => Ok(Tar::Small(self.small)),
        }
    }
}

impl TarSink for Sink<'_, '_> {
    fn push(&mut self, bytes: &[u8]) -> Outcome<()> {
        if let Some(packing) = &mut self.packing {
            return packing.push(bytes);
        }
        if self.small.len() + bytes.len() <= SMALL_BYTES_MAX {
            self.small.extend_from_slice(bytes);
            return Ok(());
        }
        let mut packing = Packing::start(self.scope, self.surroundings, self.framing);
        packing.push(&std::mem::take(&mut self.small))?;
        packing.push(bytes)?;
        self.packing = Some(packing);
        Ok(())
    }

    fn position(&self) -> u64 {
        self.packing.as_ref().map_or(self.small.len() as u64, Packing::position)
    }

    fn is_kept_already(&self) -> bool {
        self.packing.as_ref().is_some_and(Packing::is_kept_already)
    }
}
