//! Makes a deposit's tar: walks the listing in order, reads what must be read, stores what is new, and writes down what
//! each entry is.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::Path;

use hizo_vault::archive::{self, Extent, Member, MemberKind, Xattr};
use hizo_vault::commit::{ContentValue, EntryId};
use hizo_vault::manifest::{Content, Place, Span};

use super::local::{LastWalk, PathId, Remembered, RememberedKind, WalkWriter};
use super::marks::Marks;
use super::reading::{self, Attributes, Job, LargeFile, ReadAhead, ReadFile, WHOLE_BYTES_MAX, WholeFile};
use super::resume::{Done, ResumeJournal};
use super::segments::Older;
use crate::entropy::random;
use crate::failure::{Failure, Outcome};
use crate::folder::listing::{Found, FoundKind, LeftOut, Listing};
use crate::hashing::{self, COMPOSED_BYTES, ChainingValue};
use crate::packing::NotAsBefore;
use crate::system::Stat;

/// Where a tar goes: into memory while it is small, into packs from then on.
pub(super) trait TarSink {
    fn push(&mut self, bytes: &[u8]) -> Outcome<()>;
    /// Bytes pushed so far.
    fn position(&self) -> u64;
    /// Whether the next bytes lie in packs that an interrupted deposit has kept: they are passed over unseen.
    fn is_kept_already(&self) -> bool;
}

/// How a deposit is to be made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Policy {
    /// Number of the deposit in its series.
    pub deposit: u64,
    /// Read files even if nothing says that they changed.
    pub reread: bool,
    /// Content that is kept already is not stored again.
    pub reuse: bool,
    /// Nor is what is kept already of a changed file.
    pub compose: bool,
}

/// What assembling found out.
#[derive(Default)]
pub(super) struct Assembled {
    /// Entries of the listing that could not be kept.
    pub skipped: Vec<usize>,
    pub left_out: Vec<LeftOut>,
    /// Entries that differ from the last walk, by their place in the listing.
    pub changed: Vec<bool>,
    /// Extended attributes of changed entries that have any.
    pub xattrs: BTreeMap<usize, Vec<Xattr>>,
    /// Entries of the last walk that are no longer there, or could not be kept.
    pub gone: Vec<EntryId>,
    /// Entries that the last walk did not have.
    pub new: usize,
    /// Paths of files that changed during every attempt to read them.
    pub unsteady: Vec<usize>,
    pub files: u64,
    pub bytes: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Plan {
    /// No content: a directory or a link.
    Plain,
    /// As at the last walk.
    Same,
    /// To be read whole.
    Whole,
    /// To be streamed.
    Large,
}

pub(super) struct Assembler<'a, S> {
    pub listing: &'a Listing,
    pub last: Option<&'a LastWalk>,
    pub key: &'a [u8; 32],
    pub policy: Policy,
    pub sink: &'a mut S,
    pub walk: &'a mut WalkWriter,
    pub journal: &'a ResumeJournal,
    /// Entries that an interrupted deposit has done, from the first on.
    pub done: Done,
    /// Chaining values of the content that was stored last, until its entry is written down.
    pub fresh: Vec<ChainingValue>,
    pub progress: &'a dyn Fn(u64),
}

impl<S: TarSink> Assembler<'_, S> {
    /// Makes the whole tar.
    ///
    /// # Errors
    /// When what is new cannot be put, or the walk cannot be written. A file that cannot be read is left out instead.
    pub(super) fn run(mut self) -> Outcome<Assembled> {
        let (plans, before) = self.plan();
        let mut made = Assembled { changed: vec![false; self.listing.len()], ..Assembled::default() };
        made.gone = self.gone(&before)?;
        let listing = self.listing;
        std::thread::scope(|scope| {
            let done = std::mem::take(&mut self.done);
            let mut ahead = ReadAhead::start(scope, listing, jobs(listing, &plans, done.len()));
            let mut known = Known::default();
            let mut found = listing.iter().enumerate();
            for (entry, (index, found)) in done.zip(found.by_ref()) {
                let entry = entry.map_err(|error| cannot_go_on().source(error))?;
                let last = before[index].map(|at| self.last_entry(at)).transpose()?;
                self.take_over((index, &found), entry, last.as_ref(), &mut known, &mut made)?;
            }
            for (index, found) in found {
                let found = &found;
                let last = before[index].map(|at| self.last_entry(at)).transpose()?;
                let id_before = last.as_ref().map(|last| last.id);
                let kept_already = self.sink.is_kept_already();
                let done = match plans[index] {
                    Plan::Plain => self.plain(found, last.as_ref(), &known, &mut made, index),
                    Plan::Same => Ok(last.expect("a plan of sameness has an entry to be the same as")),
                    Plan::Whole => match ahead.take(index) {
                        Ok(ReadFile::Whole(file)) => {
                            self.whole(found, *file, last.as_ref(), &mut known, &mut made, index)
                        }
                        Ok(ReadFile::Grown) => self.large(found, last.as_ref(), &mut known, &mut made, index),
                        Err(error) => Err(error.into()),
                    },
                    Plan::Large => self.large(found, last.as_ref(), &mut known, &mut made, index),
                };
                match done {
                    Ok(entry) => {
                        made.new += usize::from(id_before.is_none());
                        self.keep(found, entry, &mut known, &mut made)?;
                    }
                    // What is kept of it already stands in the tar with bytes that can no longer be compared.
                    Err(Trouble::File(_)) if kept_already => return Err(Failure::internal(NotAsBefore)),
                    Err(Trouble::File(error)) => {
                        made.gone.extend(id_before);
                        self.leave_out((index, found), &error, &mut made);
                    }
                    Err(Trouble::Keeping(failure)) => return Err(failure),
                }
            }
            if self.sink.position() > 0 {
                self.sink.push(&archive::END)?;
            }
            Ok(made)
        })
    }

    /// An entry that was done before an interruption.
    fn take_over(
        &mut self,
        (index, found): (usize, &Found),
        entry: Remembered,
        last: Option<&Remembered>,
        known: &mut Known,
        made: &mut Assembled,
    ) -> Outcome<()> {
        if !last.is_some_and(|last| last.says_the_same(&entry, self.policy.reread)) {
            let attributes = self.listing.on_disk(&found.path).and_then(|path| reading::attributes(&path));
            made.change(index, attributes.unwrap_or_default().kept);
        }
        if entry.content.as_ref().is_some_and(|content| content.unsteady) {
            made.unsteady.push(index);
        }
        made.new += usize::from(last.is_none());
        self.count(found, &entry, known, made);
        (self.progress)(if found.stat.size > WHOLE_BYTES_MAX { found.stat.size } else { 0 });
        self.push(&entry)
    }

    fn plan(&mut self) -> (Vec<Plan>, Vec<Option<u32>>) {
        let (mut plans, mut before) = (Vec::new(), Vec::new());
        for found in self.listing.iter() {
            let path = PathId::of(self.key, &found.path);
            let last = self.last.and_then(|last| last.find(path));
            let same = last.as_ref().is_some_and(|(_, entry)| entry.is_as(&found));
            plans.push(match found.kind {
                FoundKind::File if same && !self.policy.reread => Plan::Same,
                FoundKind::File if found.stat.size <= WHOLE_BYTES_MAX => Plan::Whole,
                FoundKind::File => Plan::Large,
                FoundKind::Directory | FoundKind::Symlink(_) | FoundKind::HardLink(_) => Plan::Plain,
            });
            before.push(last.map(|(at, _)| at));
        }
        (plans, before)
    }

    fn gone(&self, before: &[Option<u32>]) -> Outcome<Vec<EntryId>> {
        let Some(last) = self.last else { return Ok(Vec::new()) };
        let mut there = vec![false; last.count() as usize];
        before.iter().flatten().for_each(|at| there[*at as usize] = true);
        let gone = (0..).zip(there).filter(|(_, there)| !there);
        gone.map(|(at, _)| Ok(self.last_entry(at)?.id)).collect()
    }

    fn last_entry(&self, at: u32) -> Outcome<Remembered> {
        let entry = self.last.and_then(|last| last.entry(at));
        entry.ok_or_else(|| Failure::fixable("cannot read the last walk again").hint("Try again."))
    }

    /// A directory, a symbolic link or a further name of a file.
    fn plain(
        &mut self,
        found: &Found,
        last: Option<&Remembered>,
        known: &Known,
        made: &mut Assembled,
        index: usize,
    ) -> Result<Remembered, Trouble> {
        let content = match &found.kind {
            FoundKind::HardLink(target) => match known.linked.get(target) {
                Some(content) => Some(content.clone()),
                None => {
                    // Its other name was left out, or means another file by now: the next attempt sees both as they are.
                    made.unsteady.push(index);
                    return Err(io::Error::other("its other name changed while it was read").into());
                }
            },
            FoundKind::File | FoundKind::Directory | FoundKind::Symlink(_) => None,
        };
        let mut entry = self.remembered(found, found.stat, content, last);
        entry.attributes_left_out = last.is_some_and(|last| last.attributes_left_out);
        if !last.is_some_and(|last| last.says_the_same(&entry, self.policy.reread)) {
            let attributes = reading::attributes(&self.listing.on_disk(&found.path)?)?;
            entry.attributes_left_out = attributes.are_left_out;
            let target = || found.kind.target().unwrap_or_default().into();
            let kind = match &found.kind {
                FoundKind::Directory => MemberKind::Directory,
                FoundKind::Symlink(_) => MemberKind::Symlink { target: target() },
                FoundKind::HardLink(_) => MemberKind::HardLink { target: target() },
                FoundKind::File => unreachable!("files are not plain"),
            };
            self.member(found, &found.stat, kind, &attributes.kept)?;
            made.change(index, attributes.kept);
        }
        Ok(entry)
    }

    /// A file that was read whole.
    fn whole(
        &mut self,
        found: &Found,
        file: WholeFile,
        last: Option<&Remembered>,
        known: &mut Known,
        made: &mut Assembled,
        index: usize,
    ) -> Result<Remembered, Trouble> {
        self.must_be_as_listed(found, &file.stat, file.unsteady)?;
        if file.unsteady {
            made.unsteady.push(index);
        }
        let kept = self.known(known, &file.value.sha256);
        let kept = kept.map(|kept| self.again(kept, file.stat.size, file.unsteady));
        let content = match kept {
            Some(content) => content,
            None => {
                let size = file.stat.size;
                let older = self.older(last, size);
                let spans = older.and_then(|older| {
                    let values = hashing::segments(older.content.value.key, &file.bytes);
                    older.lay_over(&values, self.next_place())
                });
                let content = self.new_content(size, file.value, spans.unwrap_or_default(), file.unsteady);
                let new = new_stretches(&content);
                let kind = MemberKind::File { size, sparse: content.is_composed().then(|| new.clone().into()) };
                self.member(found, &file.stat, kind, &file.attributes.kept)?;
                for stretch in &new {
                    self.sink.push(part(&file.bytes, 0, stretch))?;
                }
                self.pad(stored_bytes(&new))?;
                self.fresh = file.segments;
                content
            }
        };
        let mut entry = self.remembered(found, file.stat, Some(content), last);
        entry.young = file.young;
        entry.attributes_left_out = file.attributes.are_left_out;
        if !last.is_some_and(|last| last.says_the_same(&entry, self.policy.reread)) {
            made.change(index, file.attributes.kept);
        }
        Ok(entry)
    }

    /// A large file: read once, or twice when content of its size, or an earlier one of its own, is kept already.
    fn large(
        &mut self,
        found: &Found,
        last: Option<&Remembered>,
        known: &mut Known,
        made: &mut Assembled,
        index: usize,
    ) -> Result<Remembered, Trouble> {
        let path = self.listing.on_disk(&found.path)?;
        let mut file = LargeFile::open(&path)?;
        let attributes = reading::attributes(&path)?;
        self.must_be_as_listed(found, &file.stat, false)?;
        let seen = self.survey(&mut file, last, known)?;
        let content = match seen.kept {
            Some(kept) => self.again(kept, file.stat.size, false),
            None => {
                let (content, steady) = self.store_large(found, &path, &mut file, &attributes, last, seen.over)?;
                if !steady {
                    made.unsteady.push(index);
                }
                content
            }
        };
        let mut entry = self.remembered(found, file.stat, Some(content), last);
        entry.young = file.young;
        entry.attributes_left_out = attributes.are_left_out;
        if !last.is_some_and(|last| last.says_the_same(&entry, self.policy.reread)) {
            made.change(index, attributes.kept);
        }
        Ok(entry)
    }

    /// What is kept already of a large file: all of it, or segments of an earlier content.
    fn survey(&mut self, file: &mut LargeFile, last: Option<&Remembered>, known: &Known) -> Result<Seen, Trouble> {
        let size = file.stat.size;
        let older = self.older(last, size).filter(|_| file.sparse.is_none());
        if !self.policy.reuse || (older.is_none() && !self.has_size(known, size)) {
            return Ok(Seen::default());
        }
        let key = older.as_ref().map_or_else(random, |older| older.content.value.key);
        let (value, values) = file.survey(key)?;
        if !file.is_steady().unwrap_or(false) {
            return Ok(Seen::default());
        }
        if let Some(kept) = self.known(known, &value.sha256).filter(|kept| kept.size == size) {
            return Ok(Seen { kept: Some(kept), over: None });
        }
        let spans = older.and_then(|older| older.lay_over(&values, self.next_place()));
        Ok(Seen { kept: None, over: spans.map(|spans| (spans, value.sha256)) })
    }

    /// Stores what is new of a large file; whether it was steady meanwhile comes with it. `over` says how it is laid over
    /// earlier members, and which SHA-256 it has to have for that.
    fn store_large(
        &mut self,
        found: &Found,
        path: &Path,
        file: &mut LargeFile,
        attributes: &Attributes,
        last: Option<&Remembered>,
        over: Option<(Box<[Span]>, [u8; 32])>,
    ) -> Result<(Content, bool), Trouble> {
        let kept_already = self.sink.is_kept_already();
        let (spans, seen) = over.unzip();
        // Its hashes are known when it has streamed by.
        let value = ContentValue { sha256: [0; 32], key: random(), blake3: [0; 32] };
        let mut content = self.new_content(file.stat.size, value, spans.unwrap_or_default(), false);
        let new = new_stretches(&content);
        let holes = content.is_composed().then(|| new.clone()).or_else(|| file.sparse.clone());
        let kind = MemberKind::File { size: file.stat.size, sparse: holes.map(Into::into) };
        let stored = archive::data_bytes(&self.listing_member(found, &file.stat, kind.clone(), &attributes.kept));
        self.journal.begin(&self.remembered(found, file.stat, None, last));
        self.member(found, &file.stat, kind, &attributes.kept)?;
        let (sink, progress) = (&mut *self.sink, self.progress);
        let streamed = file.stream(content.value.key, |offset, bytes| {
            progress(bytes.len() as u64);
            new.iter().try_for_each(|stretch| sink.push(part(bytes, offset, stretch))).map_err(Trouble::Keeping)
        });
        // Its header is in the tar already: it cannot be left out any more.
        let streamed = streamed.map_err(|trouble| match trouble {
            Trouble::File(error) => Trouble::Keeping(
                Failure::file("read", path, error).hint("Leave it out with --exclude, or mend the disk."),
            ),
            Trouble::Keeping(failure) => Trouble::Keeping(failure),
        })?;
        self.pad(stored)?;
        // What is not stored must be what was seen when it was compared.
        let changed = seen.is_some_and(|seen| seen != streamed.value.sha256);
        if changed || (!streamed.steady && kept_already) {
            return Err(Failure::internal(NotAsBefore).into());
        }
        self.fresh = streamed.segments;
        (content.value, content.unsteady) = (streamed.value, !streamed.steady);
        Ok((content, streamed.steady))
    }

    /// The content that a file had at the last walk, if it and what is there now may be compared by segments.
    fn older(&self, last: Option<&Remembered>, size: u64) -> Option<Older> {
        if !self.policy.reuse || !self.policy.compose || !COMPOSED_BYTES.contains(&size) {
            return None;
        }
        let content = last?.content.clone()?;
        let values = self.last?.values(&content);
        (!values.is_empty()).then_some(Older { content, values })
    }

    /// A file of which packs hold bytes already must be the one that was listed: the packs were compared with that one.
    fn must_be_as_listed(&self, found: &Found, stat: &Stat, unsteady: bool) -> Outcome<()> {
        if self.sink.is_kept_already() && (unsteady || !reading::same_moment(&found.stat, stat)) {
            return Err(Failure::internal(NotAsBefore));
        }
        Ok(())
    }

    fn keep(&mut self, found: &Found, entry: Remembered, known: &mut Known, made: &mut Assembled) -> Outcome<()> {
        self.count(found, &entry, known, made);
        self.journal.entry(&entry, self.sink.position());
        self.push(&entry)
    }

    fn count(&self, found: &Found, entry: &Remembered, known: &mut Known, made: &mut Assembled) {
        known.add(found, entry);
        if entry.attributes_left_out {
            let path = self.listing.on_disk(&found.path).unwrap_or_default();
            made.left_out.push(LeftOut { path, reason: LeftOut::ATTRIBUTES.to_owned() });
        }
        if found.kind == FoundKind::File {
            made.files += 1;
            made.bytes += entry.size;
            if found.stat.size <= WHOLE_BYTES_MAX {
                (self.progress)(found.stat.size);
            }
        }
    }

    fn push(&mut self, entry: &Remembered) -> Outcome<()> {
        let (fresh, last) = (std::mem::take(&mut self.fresh), self.last);
        let values = |content: &Content| match fresh.is_empty() {
            true => last.map_or_else(Vec::new, |last| last.values(content)),
            false => fresh,
        };
        self.walk.push(entry, values).map_err(|error| Failure::fixable("cannot write down the walk").source(error))
    }

    fn leave_out(&self, (index, found): (usize, &Found), error: &io::Error, made: &mut Assembled) {
        let path = self.listing.on_disk(&found.path).unwrap_or_default();
        made.left_out.push(LeftOut { path, reason: error.to_string() });
        made.skipped.push(index);
    }

    fn listing_member<'m>(
        &self,
        found: &'m Found,
        stat: &Stat,
        kind: MemberKind<'m>,
        xattrs: &'m [Xattr],
    ) -> Member<'m> {
        Member { path: (&*found.path).into(), kind, mode: stat.mode, mtime_ns: stat.mtime_ns, xattrs: xattrs.into() }
    }

    /// Where the next member begins.
    fn next_place(&self) -> Place {
        Place { deposit: self.policy.deposit, block: self.sink.position() / archive::BLOCK_BYTES as u64 }
    }

    /// Begins a member.
    fn member(&mut self, found: &Found, stat: &Stat, kind: MemberKind, xattrs: &[Xattr]) -> Result<(), Trouble> {
        let header = archive::header(&self.listing_member(found, stat, kind, xattrs));
        let header = header.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        Ok(self.sink.push(&header)?)
    }

    fn pad(&mut self, data_bytes: u64) -> Outcome<()> {
        self.sink.push(&[0; archive::BLOCK_BYTES][..archive::padding(data_bytes)])
    }

    /// Content whose member begins next.
    fn new_content(&self, size: u64, value: ContentValue, spans: Box<[Span]>, unsteady: bool) -> Content {
        Content { size, value, place: self.next_place(), spans, read: self.policy.deposit, unsteady }
    }

    /// Content that is kept already, found again by this deposit.
    fn again(&self, kept: Content, size: u64, unsteady: bool) -> Content {
        Content { size, read: self.policy.deposit, unsteady, ..kept }
    }

    /// Content that the series has already: met in this deposit, or kept at the last walk.
    fn known(&mut self, known: &Known, sha256: &[u8; 32]) -> Option<Content> {
        if !self.policy.reuse {
            return None;
        }
        let met = known.contents.find(sha256).and_then(|at| self.walk.entry(at).ok()?.content);
        let met = met.filter(|content| content.value.sha256 == *sha256);
        met.or_else(|| self.last.and_then(|last| last.content(sha256)))
    }

    fn has_size(&self, known: &Known, size: u64) -> bool {
        known.sizes.contains(&size) || self.last.is_some_and(|last| last.has_size(size))
    }

    /// The entry as it will be remembered; its id stays while nothing of it changed.
    fn remembered(&self, found: &Found, stat: Stat, content: Option<Content>, last: Option<&Remembered>) -> Remembered {
        let mut entry = Remembered {
            path: PathId::of(self.key, &found.path),
            kind: (&found.kind).into(),
            mode: stat.mode,
            // Names of one file have one size, also if it grew between the looks at them.
            size: content.as_ref().map_or(stat.size, |content| content.size),
            mtime_ns: stat.mtime_ns,
            ctime_ns: stat.ctime_ns,
            inode: stat.inode,
            target: found.kind.target().map_or(PathId::NONE, |target| PathId::of(self.key, target)),
            id: EntryId::from_bytes([0; 16]),
            content,
            young: false,
            attributes_left_out: false,
        };
        match last {
            Some(last) if last.is_same_entry(&entry) => {
                entry.id = last.id;
                // It was read again for its age alone, and nothing came of it.
                if last.young && !self.policy.reread {
                    entry.content.clone_from(&last.content);
                }
            }
            _ => entry.id = EntryId::from_bytes(random()),
        }
        entry
    }
}

/// What was found out about a large file before it is stored.
#[derive(Default)]
struct Seen {
    /// The very content, kept already.
    kept: Option<Content>,
    /// How it is laid over earlier members, and the SHA-256 that it had when that was found out.
    over: Option<(Box<[Span]>, [u8; 32])>,
}

/// What of a content its own member has to hold.
fn new_stretches(content: &Content) -> Vec<Extent> {
    let own = content.stretches().filter(|(_, place)| *place == content.place);
    own.map(|(range, _)| Extent { offset: range.start, length: range.end - range.start }).collect()
}

/// Those of `bytes`, which stand at `offset` in their file, that lie in a stretch.
fn part<'b>(bytes: &'b [u8], offset: u64, stretch: &Extent) -> &'b [u8] {
    let within = |at: u64| at.saturating_sub(offset).min(bytes.len() as u64) as usize;
    &bytes[within(stretch.offset)..within(stretch.offset + stretch.length)]
}

fn stored_bytes(stretches: &[Extent]) -> u64 {
    stretches.iter().map(|stretch| stretch.length).sum()
}

fn cannot_go_on() -> Failure {
    Failure::fixable("cannot read again what an interrupted deposit had done").hint("Try again.")
}

/// What is to be read whole, in order, behind the entries that are done.
fn jobs(listing: &Listing, plans: &[Plan], done: usize) -> impl Iterator<Item = Job> {
    let entries = listing.iter().zip(plans).enumerate().skip(done);
    let whole = entries.filter(|(_, (_, plan))| **plan == Plan::Whole);
    whole.map(|(index, (found, _))| Job { index: index as u32, path: found.path, bytes: found.stat.size as u32 })
}

impl Assembled {
    fn change(&mut self, index: usize, xattrs: Vec<Xattr>) {
        self.changed[index] = true;
        if !xattrs.is_empty() {
            self.xattrs.insert(index, xattrs);
        }
    }
}

/// Content met in this deposit: where in the walk it stands.
#[derive(Default)]
struct Known {
    /// By its SHA-256.
    contents: Marks,
    sizes: std::collections::HashSet<u64>,
    /// Content of files with several names, by their first.
    linked: HashMap<Box<[u8]>, Content>,
    /// Entries of the walk so far.
    walked: u32,
}

impl Known {
    /// Takes the next entry of the walk.
    fn add(&mut self, found: &Found, entry: &Remembered) {
        if let (FoundKind::File, Some(content)) = (&found.kind, &entry.content) {
            // A file that was exchanged since it was listed is no longer the one that has the other names.
            if found.stat.links > 1 && entry.inode == found.stat.inode {
                self.linked.insert(found.path.clone(), content.clone());
            }
            self.sizes.insert(content.size);
            self.contents.set(&content.value.sha256, self.walked);
        }
        self.walked += 1;
    }
}

/// What can go wrong with one entry.
enum Trouble {
    /// The file's own: it is left out, and the deposit goes on.
    File(io::Error),
    /// Everybody's: the deposit ends.
    Keeping(Failure),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::File(error)
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Keeping(failure)
    }
}

impl From<&FoundKind> for RememberedKind {
    fn from(kind: &FoundKind) -> Self {
        match kind {
            FoundKind::File => Self::File,
            FoundKind::Directory => Self::Directory,
            FoundKind::Symlink(_) => Self::Symlink,
            FoundKind::HardLink(_) => Self::HardLink,
        }
    }
}
