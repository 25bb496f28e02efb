//! Restoring: a deposit, or parts of it, laid out in a new folder and compared with what was committed to.

pub(crate) mod command;
mod earlier;
mod laying;
pub(crate) mod page;
#[cfg(all(test, unix))]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use hizo_ledger::record::Record;
use hizo_vault::archive::{self, Event, MemberKind};
use hizo_vault::manifest::{Content, Place};

use crate::composing::Members;
use crate::contents::{Chosen, ENTRIES_AT_HAND_MAX, List, Listed, Opened, Tar, deposit_of};
use crate::failure::{Failure, Kind as FailureKind, Outcome, shown};
use crate::handover::HandOver;
use crate::unpacking::{HEADER_ROOM_BYTES, Packs, Piece};
use crate::words::{Words, words};
use laying::{Laying, Options, Reason};

/// Members nearer to each other than this many bytes of the tar are read in one go: skipping would save no pack.
const GAP_BYTES_MAX: u64 = 16 << 20;

/// What is to be restored.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub to: PathBuf,
    /// Paths in the deposit, with everything below them; all of it when empty.
    pub paths: Vec<Vec<u8>>,
    /// Set-user-id bits and security attributes too.
    pub special: bool,
    /// Where everything is restored, the folder has what it had: mode, time and attributes. Else only its owner may enter it. One that
    /// was there before stays open to whom it was.
    pub folder: bool,
    /// What an earlier restore has left beside `to` is used, where it is what was committed to.
    pub goes_on: bool,
}

impl Request {
    /// These paths, or everything, as an ordinary user gets it, in a folder that only its owner may enter.
    pub(crate) fn private(to: PathBuf, paths: Vec<Vec<u8>>) -> Self {
        Self { to, paths, special: false, folder: false, goes_on: false }
    }

    /// What a person asks for. Of a hand-over the sender does not say who may enter the folder of whoever receives it.
    pub(crate) fn by_person(opened: Opened, to: PathBuf, paths: Vec<Vec<u8>>, special: bool) -> Outcome<Self> {
        let folder = paths.is_empty() && HandOver::of(opened)?.is_none();
        Ok(Self { to, paths, special, folder, goes_on: false })
    }
}

/// What was restored.
#[derive(Debug, Default)]
pub(crate) struct Restored {
    /// Where it stands: the folder that was asked for, or one beside it when files are lost.
    pub to: PathBuf,
    pub files: u64,
    pub bytes: u64,
    /// How many of them an earlier restore had left.
    pub files_there: u64,
    /// What earlier restores have left and is not of the deposit.
    pub earlier: Vec<PathBuf>,
    /// What this system could not take, and why.
    pub left_out: Vec<(Vec<u8>, String)>,
    /// Files whose bytes cannot be had, or are not those that were committed to, and why. They are not there.
    pub lost: Vec<(Vec<u8>, Words)>,
    /// The gravest kind among what was lost.
    pub loss: Option<FailureKind>,
}

impl Restored {
    /// What has to be said when not everything is there.
    pub(crate) fn shortfall(&self) -> Option<Failure> {
        let (lost, left_out) = (self.lost.len(), self.left_out.len());
        if let Some(kind) = self.loss {
            let to = shown(&self.to);
            let failure = Failure::new(
                kind,
                words!(
                    "files that could not be had from the safe: {lost}; everything else stands in {to}",
                    "金庫から取り出せなかったファイル: {lost}個。ほかはすべて {to} にあります"
                ),
            );
            return Some(failure.hint(words!(
                "What stands there is right. Run `hizo check`: it says what to put back from a copy or an export; then restore again. An earlier deposit may have the missing files too.",
                "そこにあるものは正しいものです。`hizo check` で、何を控えや書き出したものから戻せばよいかを調べ、もう一度取り出してください。足りないファイルは、前の回の預け入れに残っていることもあります。"
            )));
        }
        (left_out > 0).then(|| {
            Failure::fixable(words!(
                "{left_out} things could not be restored on this system",
                "{left_out}件は、このシステムでは取り出せませんでした"
            ))
            .hint(words!(
                "Restore them by path into another folder, or on a system that has such files and tells such names apart.",
                "パスを指定して別のフォルダーに取り出すか、そのようなファイルや名前を扱えるシステムで取り出してください。"
            ))
        })
    }
}

/// Told about the work as it goes on.
pub(crate) trait Watcher: Sync {
    /// This many bytes in this many files will be written.
    fn planned(&self, files: u64, bytes: u64);
    /// This many more bytes were written.
    fn progress(&self, bytes: u64);
}

/// Nobody.
impl Watcher for () {
    fn planned(&self, _: u64, _: u64) {}

    fn progress(&self, _: u64) {}
}

/// Restores into a new or empty folder. Every file is compared with its committed hashes as it is written; one that is
/// lost is left out, and the folder then stands beside its place, under a name that ends in `.incomplete`. Whoever goes on fetches only
/// what an earlier restore has not left there.
///
/// # Errors
/// When the folder is not empty, a path is not in the deposit, its manifest is not what was committed to, or the disk
/// does not take what is written.
pub(crate) fn restore<'a>(
    opened: Opened<'a>,
    record: &'a Record,
    request: &Request,
    watcher: &dyn Watcher,
) -> Outcome<Restored> {
    let list = opened.list(record)?;
    let chosen = Chosen(&request.paths);
    let plan = Plan::of(&list, chosen)?;
    watcher.planned(plan.entries, plan.bytes);
    let options = Options { special: request.special };
    let mut laying = Laying::begin(&request.to, options, request.goes_on)?;
    laying.directories(list.entries()?, chosen)?;
    let mut members = Members::of(opened, deposit_of(record)?.series);
    let mut files_there = 0;
    for part in plan.parts() {
        let mut contents = part.contents(&list, chosen)?;
        files_there += take_earlier(&mut contents, &mut laying, watcher)?;
        for (deposit, places) in sources(&contents) {
            let source = Source { opened, record, deposit, places, contents: &contents };
            source.read(&mut laying, watcher)?;
        }
        compose(&contents, &mut members, &mut laying, watcher)?;
        members.let_go();
    }
    let root = if request.folder { list.root()? } else { None };
    Ok(Restored { files_there, ..laying.finish(&list, chosen, root)? })
}

/// Lays out what earlier restores have left, so that nothing of it is fetched; how many files that makes.
fn take_earlier(contents: &mut HashMap<Place, Wanted>, laying: &mut Laying, watcher: &dyn Watcher) -> Outcome<u64> {
    if !laying.goes_on() {
        return Ok(0);
    }
    let (mut taken, mut files) = (Vec::new(), 0);
    for (place, wanted) in contents.iter() {
        if laying.take_earlier(wanted.content(), &wanted.files)? {
            watcher.progress(wanted.content().size);
            files += wanted.files.len() as u64;
            taken.push(*place);
        }
    }
    taken.iter().for_each(|place| drop(contents.remove(place)));
    Ok(files)
}

/// What a restore will write.
struct Plan {
    /// Entries in all, and the bytes of all files.
    entries: u64,
    bytes: u64,
    /// Where the content of each file lies, and the file's number in the list.
    contents: Vec<(Place, u32)>,
}

/// Files whose contents follow each other in the tars, as many as are held at a time.
struct Part {
    first: (Place, u32),
    last: (Place, u32),
    /// The highest number in the list that one of them has.
    until: u32,
}

impl Plan {
    fn of(list: &List, chosen: Chosen) -> Outcome<Self> {
        let (mut plan, mut search) = (Self { entries: 0, bytes: 0, contents: Vec::new() }, chosen.search());
        for (number, entry) in (0..).zip(list.entries()?) {
            let entry = entry?;
            search.meet(&entry);
            if !chosen.has(&entry.path) {
                continue;
            }
            plan.entries += 1;
            plan.bytes = plan.bytes.saturating_add(entry.kind.content().map_or(0, |content| content.size));
            plan.contents.extend(chosen.content_of_own(&entry).map(|content| (content.place, number)));
        }
        search.finish()?;
        Ok(plan)
    }

    fn parts(mut self) -> Vec<Part> {
        self.contents.sort_unstable();
        let parts = self.contents.chunks(ENTRIES_AT_HAND_MAX).filter_map(|part| {
            let until = part.iter().map(|(_, number)| *number).max()?;
            Some(Part { first: *part.first()?, last: *part.last()?, until })
        });
        parts.collect()
    }
}

impl Part {
    /// The contents to be read for this part, each with the files it makes. A hard link whose first name is not chosen
    /// becomes a file.
    fn contents<'l>(&self, list: &'l List, chosen: Chosen) -> Outcome<HashMap<Place, Wanted<'l>>> {
        let mut contents: HashMap<Place, Wanted> = HashMap::new();
        for (number, entry) in (0..=self.until).zip(list.entries()?) {
            let entry = entry?;
            let place = chosen.content_of_own(&entry).map(|content| content.place);
            let here = |place: &Place| (self.first..=self.last).contains(&(*place, number));
            if let Some(place) = place.filter(here).filter(|_| chosen.has(&entry.path)) {
                contents.entry(place).or_default().files.push(entry);
            }
        }
        Ok(contents)
    }
}

/// Lays out what lies in several deposits, in the order of places: neighbours share packs.
fn compose(
    contents: &HashMap<Place, Wanted>,
    members: &mut Members,
    laying: &mut Laying,
    watcher: &dyn Watcher,
) -> Outcome<()> {
    let composed: BTreeMap<_, _> = contents.iter().filter(|(_, wanted)| wanted.content().is_composed()).collect();
    for (place, wanted) in composed {
        laying.file(wanted.content(), &wanted.files)?;
        let mut bytes = members.compose(wanted.content());
        loop {
            match bytes.next() {
                Ok(Some((offset, bytes))) => {
                    watcher.progress(bytes.len() as u64);
                    laying.data(offset, &bytes)?;
                }
                Ok(None) => break laying.file_end()?,
                Err(broken) => {
                    let reason = laying.reason(broken.failure)?;
                    laying.abandon()?;
                    break laying.lose(*place, reason);
                }
            }
        }
    }
    Ok(())
}

/// The files that one content makes: all of them have it.
#[derive(Default)]
struct Wanted<'l> {
    files: Vec<Listed<'l>>,
}

impl Wanted<'_> {
    fn content(&self) -> &Content {
        let content = self.files.first().and_then(|file| file.kind.content());
        content.expect("a content is wanted for a file that has it")
    }
}

fn sources(contents: &HashMap<Place, Wanted>) -> BTreeMap<u64, Vec<u64>> {
    let mut sources: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    let whole = contents.iter().filter(|(_, wanted)| !wanted.content().is_composed()).map(|(place, _)| place);
    whole.for_each(|place| sources.entry(place.deposit).or_default().push(place.block));
    sources.values_mut().for_each(|blocks| blocks.sort_unstable());
    sources
}

/// One deposit whose tar holds wanted content.
struct Source<'a, 'm> {
    opened: Opened<'a>,
    record: &'a Record,
    deposit: u64,
    places: Vec<u64>,
    contents: &'a HashMap<Place, Wanted<'m>>,
}

impl Source<'_, '_> {
    fn read(&self, laying: &mut Laying, watcher: &dyn Watcher) -> Outcome<()> {
        let series = deposit_of(self.record)?.series;
        let record = self.opened.deposit(series, self.deposit);
        let sheet = match record.and_then(|record| self.opened.sheet_without_entries(record)) {
            Ok(sheet) => sheet,
            Err(failure) => return self.lose(laying, &self.places, failure),
        };
        let tar_bytes = sheet.layer.head.archive_bytes;
        let (inside, outside) = inside(&self.places, tar_bytes);
        if !outside.is_empty() {
            self.lose(laying, outside, past_the_end())?;
        }
        match &sheet.tar {
            Tar::None => Ok(()),
            Tar::Small(tar) => self.run(laying, inside, watcher, |take| take(Piece::Bytes(0, tar)).map(drop)),
            Tar::Packs { epoch, packs, starts } => {
                let packs = Packs { epoch: *epoch, packs, starts, tar_bytes };
                for run in self.runs(inside) {
                    let range = self.range(run, tar_bytes);
                    self.run(laying, run, watcher, |take| packs.read(self.opened, range, take))?;
                }
                Ok(())
            }
        }
    }

    fn lose(&self, laying: &mut Laying, blocks: &[u64], failure: Failure) -> Outcome<()> {
        let reason = laying.reason(failure)?;
        blocks.iter().for_each(|block| laying.lose(self.place(*block), reason));
        Ok(())
    }

    fn place(&self, block: u64) -> Place {
        Place { deposit: self.deposit, block }
    }

    /// Neighbouring members, each run to be read in one go.
    fn runs<'p>(&self, places: &'p [u64]) -> impl Iterator<Item = &'p [u64]> {
        places.chunk_by(|a, b| offset(*b).saturating_sub(self.end(*a)) < GAP_BYTES_MAX)
    }

    /// Where a member ends at the latest, were its header short.
    fn end(&self, block: u64) -> u64 {
        let size = self.contents.get(&self.place(block)).map_or(0, |wanted| wanted.content().size);
        offset(block).saturating_add(size)
    }

    /// Where in the tar the members of a run lie, all of which begin inside it.
    fn range(&self, run: &[u64], tar_bytes: u64) -> std::ops::Range<u64> {
        let (first, last) = (run.first().copied().unwrap_or(0), run.last().copied().unwrap_or(0));
        let end = self.end(last).saturating_add(HEADER_ROOM_BYTES);
        offset(first)..end.min(tar_bytes)
    }

    /// Reads one run of members and lays out the wanted ones.
    fn run(
        &self,
        laying: &mut Laying,
        run: &[u64],
        watcher: &dyn Watcher,
        feed: impl FnOnce(&mut dyn FnMut(Piece) -> Outcome<bool>) -> Outcome<()>,
    ) -> Outcome<()> {
        let mut members = Walk { source: self, left: run, reader: None, begun: None, is_laying: false, gap: None };
        feed(&mut |piece| members.take(piece, laying, watcher))?;
        members.finish(laying)
    }
}

/// Places, in order, that begin inside their tar, and those that no tar of this length has.
fn inside(places: &[u64], tar_bytes: u64) -> (&[u64], &[u64]) {
    places.split_at(places.partition_point(|block| offset(*block) < tar_bytes))
}

/// Where in its tar a member begins. A place past every tar stays past it, and never comes round to its front.
fn offset(block: u64) -> u64 {
    block.saturating_mul(archive::BLOCK_BYTES as u64)
}

/// Walks the members of a tar and picks the wanted ones, on both sides of every gap.
struct Walk<'a, 'm> {
    source: &'a Source<'a, 'm>,
    /// Places that are not dealt with yet, in order.
    left: &'a [u64],
    /// Nothing at the beginning and behind a gap.
    reader: Option<archive::Reader>,
    /// The member at which the reader began.
    begun: Option<u64>,
    /// The first place that is left is being laid out.
    is_laying: bool,
    /// Why what lies before the next bytes cannot be had.
    gap: Option<Reason>,
}

/// How far the bytes at hand led.
enum Step {
    /// They are used up.
    More,
    /// Nothing is left to be wanted.
    Done,
    /// They are not a tar from here on.
    Broken(Failure),
}

impl Walk<'_, '_> {
    /// Whether more is wanted.
    fn take(&mut self, piece: Piece, laying: &mut Laying, watcher: &dyn Watcher) -> Outcome<bool> {
        let (offset, bytes) = match piece {
            Piece::Bytes(offset, bytes) => (offset, bytes),
            Piece::Gap(failure) => {
                let reason = laying.reason(failure)?;
                self.stop(laying, reason)?;
                return Ok(!self.left.is_empty());
            }
        };
        let mut rest = bytes;
        loop {
            if self.reader.is_none() {
                match self.begin(offset, bytes, laying)? {
                    Some(from) => rest = from,
                    None => return Ok(!self.left.is_empty()),
                }
            }
            match self.read(&mut rest, laying, watcher)? {
                Step::More => return Ok(true),
                Step::Done => return Ok(false),
                Step::Broken(failure) => {
                    let reason = laying.reason(failure)?;
                    // What is broken is the wanted member, or one before it: then the wanted one has its own place.
                    let is_wanted = !self.is_laying && self.begun == self.left.first().copied();
                    self.stop(laying, reason)?;
                    if is_wanted {
                        self.lose_first(laying, reason);
                    }
                }
            }
        }
    }

    /// Begins at the next wanted member. Those that begin before these bytes are lost.
    fn begin<'b>(&mut self, offset: u64, bytes: &'b [u8], laying: &mut Laying) -> Outcome<Option<&'b [u8]>> {
        while let Some(block) = self.left.first().copied() {
            let Some(skip) = self::offset(block).checked_sub(offset) else {
                let reason = self.why(laying)?;
                self.lose_first(laying, reason);
                continue;
            };
            let rest = usize::try_from(skip).ok().and_then(|skip| bytes.get(skip..)).filter(|rest| !rest.is_empty());
            if rest.is_some() {
                self.reader = Some(archive::Reader::at(block));
                self.begun = Some(block);
            }
            return Ok(rest);
        }
        Ok(None)
    }

    fn read(&mut self, rest: &mut &[u8], laying: &mut Laying, watcher: &dyn Watcher) -> Outcome<Step> {
        let Some(reader) = &mut self.reader else { return Ok(Step::More) };
        loop {
            let event = match reader.read(rest) {
                Ok(Some(event)) => event,
                Ok(None) => return Ok(Step::More),
                Err(error) => return Ok(Step::Broken(Failure::untrue(error.to_string()))),
            };
            match event {
                Event::Member { block, member } => {
                    while self.left.first().is_some_and(|wanted| *wanted < block) {
                        let reason = laying.reason(not_there())?;
                        lose_first(&mut self.left, self.source, laying, reason);
                    }
                    match self.left.first() {
                        None => return Ok(Step::Done),
                        Some(wanted) if *wanted == block => (),
                        Some(_) => continue,
                    }
                    let Some(wanted) = self.source.contents.get(&self.source.place(block)) else { continue };
                    match fault(&member.kind, wanted.content()) {
                        None => {
                            self.is_laying = true;
                            laying.file(wanted.content(), &wanted.files)?;
                        }
                        Some(failure) => {
                            let reason = laying.reason(failure)?;
                            lose_first(&mut self.left, self.source, laying, reason);
                        }
                    }
                }
                Event::Data { offset, bytes } => {
                    if self.is_laying {
                        watcher.progress(bytes.len() as u64);
                        laying.data(offset, bytes)?;
                    }
                }
                Event::MemberEnd => {
                    if std::mem::take(&mut self.is_laying) {
                        laying.file_end()?;
                        self.left = self.left.get(1..).unwrap_or_default();
                    }
                    if self.left.is_empty() {
                        return Ok(Step::Done);
                    }
                }
                Event::End => return Ok(Step::Done),
            }
        }
    }

    /// The bytes end here for a while: what was being laid out is lost.
    fn stop(&mut self, laying: &mut Laying, reason: Reason) -> Outcome<()> {
        if std::mem::take(&mut self.is_laying) {
            laying.abandon()?;
            self.lose_first(laying, reason);
        }
        self.reader = None;
        self.gap = Some(reason);
        Ok(())
    }

    /// Whatever has not come by now is lost.
    fn finish(mut self, laying: &mut Laying) -> Outcome<()> {
        let reason = self.why(laying)?;
        self.stop(laying, reason)?;
        while !self.left.is_empty() {
            self.lose_first(laying, reason);
        }
        Ok(())
    }

    fn why(&self, laying: &mut Laying) -> Outcome<Reason> {
        self.gap.map_or_else(|| laying.reason(not_there()), Ok)
    }

    fn lose_first(&mut self, laying: &mut Laying, reason: Reason) {
        lose_first(&mut self.left, self.source, laying, reason);
    }
}

fn lose_first(left: &mut &[u64], source: &Source, laying: &mut Laying, reason: Reason) {
    if let Some((first, others)) = left.split_first() {
        laying.lose(source.place(*first), reason);
        *left = others;
    }
}

/// Why a member cannot be the file that the manifest names.
fn fault(kind: &MemberKind, content: &Content) -> Option<Failure> {
    match kind {
        MemberKind::File { size, .. } if *size == content.size => None,
        MemberKind::File { .. } => Some(Failure::untrue("a file in the tar is not as long as the manifest says")),
        _ => Some(Failure::untrue("what the manifest calls a file is none in its tar")),
    }
}

fn not_there() -> Failure {
    Failure::untrue("content that the manifest names is not where it says")
}

fn past_the_end() -> Failure {
    Failure::untrue("the manifest names a place past the end of its tar")
}

/// A path as a person writes it, in the form in which the manifest has it.
pub(crate) fn path_in_deposit(path: &Path) -> Vec<u8> {
    let bytes = crate::system::path_bytes(path.as_os_str());
    let trimmed = bytes.strip_prefix(b"./").unwrap_or(&bytes);
    trimmed.strip_suffix(b"/").unwrap_or(trimmed).to_vec()
}
