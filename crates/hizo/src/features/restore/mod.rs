//! Restoring: a deposit, or parts of it, laid out in a new folder and compared with what was committed to.

pub(crate) mod command;
mod laying;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use hizo_ledger::record::Record;
use hizo_vault::archive::{self, Event, MemberKind};
use hizo_vault::manifest::{Content, Entry, Kind, Manifest, Place};

use crate::contents::{Opened, Tar, deposit_of};
use crate::failure::{Failure, Outcome, shown_bytes};
use crate::unpacking::Packs;
use crate::words::words;
use laying::{Laying, Options};

/// Members nearer to each other than this many bytes of the tar are read in one go: skipping would save no pack.
const GAP_BYTES_MAX: u64 = 16 << 20;

/// Room for a member's header. A sparse file's map is longer, and shorter than the holes that it describes.
const HEADER_ROOM_BYTES: u64 = 64 << 10;

/// What is to be restored.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub to: PathBuf,
    /// Paths in the deposit, with everything below them; all of it when empty.
    pub paths: Vec<Vec<u8>>,
    /// Set-user-id bits and security attributes too.
    pub special: bool,
}

impl Request {
    /// Everything, as an ordinary user gets it.
    pub(crate) fn all(to: PathBuf) -> Self {
        Self { to, paths: Vec::new(), special: false }
    }
}

/// What was restored.
#[derive(Debug, Default)]
pub(crate) struct Restored {
    pub files: u64,
    pub bytes: u64,
    /// What this system could not take, and why.
    pub left_out: Vec<(Vec<u8>, String)>,
}

/// Told about the work as it goes on.
pub(crate) trait Watcher: Sync {
    /// This many bytes in this many files will be written.
    fn planned(&self, files: u64, bytes: u64);
    /// This many more bytes were written.
    fn progress(&self, bytes: u64);
}

/// Restores into a new or empty folder. Every file is compared with its committed hashes as it is written.
///
/// # Errors
/// When the folder is not empty, a path is not in the deposit, or anything read is not what was committed to.
pub(crate) fn restore(opened: Opened, record: &Record, request: &Request, watcher: &dyn Watcher) -> Outcome<Restored> {
    let manifest = opened.manifest(record)?;
    let wanted = select(&manifest, &request.paths)?;
    let contents = contents(&wanted);
    let bytes = wanted.iter().filter_map(|entry| Some(entry.kind.content()?.size)).sum();
    watcher.planned(wanted.len() as u64, bytes);
    let options = Options { special: request.special };
    let mut laying = Laying::begin(&request.to, options)?;
    laying.directories(&manifest, &wanted)?;
    let by_deposit = sources(&contents);
    for (deposit, places) in by_deposit {
        let source = Source { opened, record, deposit, places, contents: &contents };
        source.read(&mut laying, watcher)?;
    }
    laying.finish(&wanted)
}

/// Everything at or below the named paths.
fn select<'m>(manifest: &'m Manifest, paths: &[Vec<u8>]) -> Outcome<Vec<&'m Entry>> {
    if paths.is_empty() {
        return Ok(manifest.entries.iter().collect());
    }
    let below = |entry: &Entry, path: &[u8]| {
        entry.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    };
    for path in paths {
        if !manifest.entries.iter().any(|entry| below(entry, path)) {
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
    }
    Ok(manifest.entries.iter().filter(|entry| paths.iter().any(|path| below(entry, path))).collect())
}

/// Contents to be read, each with the files it makes. A hard link whose first name is not wanted becomes a file.
struct Wanted<'m> {
    content: &'m Content,
    files: Vec<&'m Entry>,
}

fn contents<'m>(wanted: &[&'m Entry]) -> HashMap<Place, Wanted<'m>> {
    let mut contents: HashMap<Place, Wanted> = HashMap::new();
    let is_wanted = |path: &[u8]| wanted.binary_search_by(|entry| entry.path.as_slice().cmp(path)).is_ok();
    for entry in wanted {
        let content = match &entry.kind {
            Kind::File(content) => content,
            Kind::HardLink { target, content } if !is_wanted(target) => content,
            Kind::HardLink { .. } | Kind::Symlink { .. } | Kind::Directory => continue,
        };
        contents.entry(content.place).or_insert_with(|| Wanted { content, files: Vec::new() }).files.push(entry);
    }
    contents
}

fn sources(contents: &HashMap<Place, Wanted>) -> BTreeMap<u64, Vec<u64>> {
    let mut sources: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    contents.keys().for_each(|place| sources.entry(place.deposit).or_default().push(place.block));
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
        let sheet = self.opened.sheet_without_entries(self.opened.deposit(series, self.deposit)?)?;
        match &sheet.tar {
            Tar::None => Err(Failure::untrue("the manifest names content in a deposit that stored none")),
            Tar::Small(tar) => self.run(laying, &self.places, watcher, |take| {
                let from = self.places.first().map_or(0, |block| *block as usize * archive::BLOCK_BYTES);
                let bytes = tar.get(from..).ok_or_else(past_the_end)?;
                take(from as u64, bytes).map(drop)
            }),
            Tar::Packs { epoch, packs, starts } => {
                let tar_bytes = sheet.layer.head.archive_bytes;
                let packs = Packs { epoch: *epoch, packs, starts, tar_bytes };
                for run in self.runs() {
                    let range = self.range(run, tar_bytes)?;
                    self.run(laying, run, watcher, |take| packs.read(self.opened, range, take))?;
                }
                Ok(())
            }
        }
    }

    /// Neighbouring members, each run to be read in one go.
    fn runs(&self) -> Vec<&[u64]> {
        let end = |block: u64| self.end(block).unwrap_or(u64::MAX);
        self.places.chunk_by(|a, b| (b * archive::BLOCK_BYTES as u64).saturating_sub(end(*a)) < GAP_BYTES_MAX).collect()
    }

    /// Where a member ends at the latest, were its header short.
    fn end(&self, block: u64) -> Option<u64> {
        let size = self.contents.get(&Place { deposit: self.deposit, block })?.content.size;
        block.checked_mul(archive::BLOCK_BYTES as u64)?.checked_add(size)
    }

    fn range(&self, run: &[u64], tar_bytes: u64) -> Outcome<std::ops::Range<u64>> {
        let (first, last) = (run.first().copied().unwrap_or(0), run.last().copied().unwrap_or(0));
        let start = first.checked_mul(archive::BLOCK_BYTES as u64).filter(|start| *start < tar_bytes);
        let start = start.ok_or_else(past_the_end)?;
        let end = self.end(last).map(|end| end.saturating_add(HEADER_ROOM_BYTES));
        Ok(start..end.ok_or_else(past_the_end)?.clamp(start + 1, tar_bytes))
    }

    /// Reads one run of members and lays out the wanted ones.
    fn run(
        &self,
        laying: &mut Laying,
        run: &[u64],
        watcher: &dyn Watcher,
        feed: impl FnOnce(&mut dyn FnMut(u64, &[u8]) -> Outcome<bool>) -> Outcome<()>,
    ) -> Outcome<()> {
        let mut members = Members { source: self, left: run.len(), reader: None, at: None, first: run[0] };
        feed(&mut |offset, bytes| members.take(offset, bytes, laying, watcher))?;
        if members.left > 0 {
            return Err(Failure::untrue("content that the manifest names is not where it says"));
        }
        Ok(())
    }
}

/// Walks the members of a tar and picks the wanted ones.
struct Members<'a, 'm> {
    source: &'a Source<'a, 'm>,
    left: usize,
    first: u64,
    reader: Option<archive::Reader>,
    /// The member being laid out.
    at: Option<u64>,
}

impl Members<'_, '_> {
    fn take(&mut self, offset: u64, bytes: &[u8], laying: &mut Laying, watcher: &dyn Watcher) -> Outcome<bool> {
        let mut rest = bytes;
        if self.reader.is_none() {
            let skip = (self.first * archive::BLOCK_BYTES as u64).saturating_sub(offset) as usize;
            rest = bytes.get(skip..).unwrap_or_default();
            self.reader = Some(archive::Reader::at(self.first));
        }
        let reader = self.reader.as_mut().expect("it was made above");
        while let Some(event) = reader.read(&mut rest).map_err(|error| Failure::untrue(error.to_string()))? {
            match event {
                Event::Member { block, member } => {
                    let place = Place { deposit: self.source.deposit, block };
                    self.at = None;
                    if let Some(wanted) = self.source.contents.get(&place) {
                        let MemberKind::File { size, .. } = member.kind else {
                            return Err(Failure::untrue("what the manifest calls a file is none in its tar"));
                        };
                        if size != wanted.content.size {
                            return Err(Failure::untrue("a file in the tar is not as long as the manifest says"));
                        }
                        self.at = Some(block);
                        laying.file(wanted.content, &wanted.files)?;
                    }
                }
                Event::Data { offset, bytes } => {
                    if self.at.is_some() {
                        watcher.progress(bytes.len() as u64);
                        laying.data(offset, bytes)?;
                    }
                }
                Event::MemberEnd => {
                    if self.at.take().is_some() {
                        laying.file_end()?;
                        self.left -= 1;
                        if self.left == 0 {
                            return Ok(false);
                        }
                    }
                }
                Event::End => return Ok(false),
            }
        }
        Ok(true)
    }
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
