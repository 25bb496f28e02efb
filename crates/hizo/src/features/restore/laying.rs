//! Lays entries out on disk: beneath one new folder, never over anything, links last.
//!
//! What cannot be had is left out, and so is what has no name of its own on this system; the rest goes on.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crossbeam_channel::{Sender, bounded};
use hizo_vault::archive::{Xattr, check_path};
use hizo_vault::commit::ContentValue;
use hizo_vault::manifest::{Content, Entry, Kind, Place, Root};

use super::Restored;
use super::earlier::Earlier;
use crate::contents::{Chosen, Entries, List};
use crate::failure::{Failure, Kind as FailureKind, Outcome, shown, shown_bytes};
use crate::hashing::Hashing;
use crate::packing::cores;
use crate::system;
use crate::words::{Words, words};

/// Files up to this many bytes are written whole, several at a time.
pub(super) const WHOLE_BYTES_MAX: u64 = 1 << 20;

/// Whole files that wait to be written, per core; each is at most 1 MiB.
const QUEUE_PER_CORE: usize = 8;

/// Why an entry is not there whose name another one has; it stands in `words` in both languages.
const ONE_NAME: &str = "another entry of the deposit has the same name on this system";

/// What of an entry is restored.
#[derive(Debug, Clone, Copy)]
pub(super) struct Options {
    /// Set-user-id bits and security attributes too.
    pub special: bool,
}

/// A folder in the making. It stands beside its final place until it is whole.
pub(super) struct Laying {
    to: PathBuf,
    /// The mode of the folder that is there already.
    mode_there: Option<u32>,
    partial: PathBuf,
    /// Where it stands in the end when files are lost.
    incomplete: PathBuf,
    /// Nobody else lays anything out there meanwhile.
    _held: Option<File>,
    earlier: Earlier,
    options: Options,
    writers: Writers,
    current: Option<Current>,
    /// Large files whose content others have too: copied when everything is there.
    copies: Vec<(PathBuf, Vec<Spot>)>,
    /// There are links to be made.
    has_links: bool,
    losses: Losses,
    /// Entries that have no place on this system, and why.
    absent: BTreeMap<Vec<u8>, String>,
}

/// Why content is lost; many files may be so for one reason.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reason(usize);

/// Content that cannot be had as it was committed to.
#[derive(Default)]
struct Losses {
    reasons: Vec<(FailureKind, Words)>,
    places: HashMap<Place, Reason>,
}

/// A place on disk and what belongs there besides content.
#[derive(Debug, Clone)]
struct Spot {
    /// The entry's path in the deposit.
    entry: Vec<u8>,
    path: PathBuf,
    mode: u32,
    mtime_ns: i64,
    xattrs: Vec<Xattr>,
}

/// The file whose bytes are coming.
enum Current {
    Whole {
        spots: Vec<Spot>,
        content: Content,
        bytes: Vec<u8>,
    },
    Large {
        spot: Spot,
        others: Vec<Spot>,
        content: Content,
        file: File,
        hashing: Box<Hashing>,
        position: u64,
    },
    /// None of its names has a place on this system.
    Nowhere,
}

impl Laying {
    /// Begins beside the folder `to`, which must not be there or be empty. Whoever goes on uses what an earlier restore has left there.
    pub(super) fn begin(to: &Path, options: Options, goes_on: bool) -> Outcome<Self> {
        let failed = |error| Failure::file("restore to", to, error);
        let mut mode_there = None;
        match fs::read_dir(to) {
            Ok(mut items) => {
                mode_there = Some(system::stat(&fs::metadata(to).map_err(failed)?).mode);
                if items.next().is_some() {
                    return Err(Failure::fixable(words!(
                        "{to} is not empty",
                        "{to} は空ではありません",
                        to = shown(to)
                    ))
                    .hint(words!(
                        "Nothing was written. Name a folder that is not there yet.",
                        "何も書き込んでいません。まだないフォルダーを指定してください。"
                    )));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => (),
            Err(error) => return Err(failed(error)),
        }
        let absolute = std::path::absolute(to).map_err(failed)?;
        let name = absolute.file_name().ok_or_else(|| {
            Failure::fixable(words!("the root of a disk cannot be restored to", "ディスクの最上位には取り出せません"))
        })?;
        let beside = |ending: &str| {
            let mut beside = name.to_owned();
            beside.push(ending);
            absolute.with_file_name(beside)
        };
        let (partial, incomplete) = (beside(".partial"), beside(".incomplete"));
        let earlier = match goes_on {
            true => Earlier::set_aside([&partial, &incomplete], beside)?,
            false => Earlier::default(),
        };
        if incomplete.symlink_metadata().is_ok() {
            return Err(left_over(&incomplete));
        }
        if let Some(parent) = absolute.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        system::create_directory(&partial).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => left_over(&partial),
            _ => failed(error),
        })?;
        let held = system::hold_directory(&partial).map_err(failed)?;
        Ok(Self {
            to: absolute,
            mode_there,
            partial,
            incomplete,
            _held: held,
            earlier,
            options,
            writers: Writers::start(options),
            current: None,
            copies: Vec::new(),
            has_links: false,
            losses: Losses::default(),
            absent: BTreeMap::new(),
        })
    }

    /// Takes down why content is lost.
    ///
    /// # Errors
    /// The failure itself, when it is one that nothing may go on behind.
    pub(super) fn reason(&mut self, failure: Failure) -> Outcome<Reason> {
        match failure.kind {
            FailureKind::Fixable | FailureKind::False | FailureKind::Unknown => {
                let reasons = &mut self.losses.reasons;
                let known = reasons.iter().position(|known| *known == (failure.kind, failure.message.clone()));
                Ok(Reason(known.unwrap_or_else(|| {
                    reasons.push((failure.kind, failure.message));
                    reasons.len() - 1
                })))
            }
            FailureKind::Usage | FailureKind::Lying | FailureKind::Waits | FailureKind::Internal => Err(failure),
        }
    }

    /// The content at this place cannot be had.
    pub(super) fn lose(&mut self, place: Place, reason: Reason) {
        self.losses.places.insert(place, reason);
    }

    /// Makes the chosen folders, and those that hold something chosen. Nothing may lie below what is no folder.
    pub(super) fn directories(&mut self, entries: Entries, chosen: Chosen) -> Outcome<()> {
        let mut around = Around::default();
        for entry in entries {
            let entry = entry?;
            while around.leave(&entry.path).is_some() {}
            let is_directory = matches!(entry.kind, Kind::Directory);
            let is_made = if is_directory { chosen.reaches(&entry.path) } else { chosen.has(&entry.path) };
            if !is_made {
                continue;
            }
            if parents(&entry.path).last().is_some_and(|parent| !around.has(parent)) {
                return Err(Failure::untrue("the manifest has an entry below what is no folder"));
            }
            self.has_links |= entry.kind.target().is_some();
            if !is_directory {
                continue;
            }
            around.enter(entry.path.clone(), ());
            let Some(spot) = self.spot(&entry)? else { continue };
            match system::create_directory(&spot.path) {
                Ok(()) => (),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self.clash(spot.entry),
                Err(error) => return Err(Failure::file("make", &spot.path, error)),
            }
        }
        Ok(())
    }

    /// Whether an earlier restore has left something here that may be taken.
    pub(super) fn goes_on(&self) -> bool {
        !self.earlier.is_empty()
    }

    /// Takes the file that has this content from an earlier restore, under the names of all `files`. Whether it is there, as it was
    /// committed to.
    pub(super) fn take_earlier(&mut self, content: &Content, files: &[impl Deref<Target = Entry>]) -> Outcome<bool> {
        let spots = self.spots(files)?;
        let Some(found) = spots.iter().find_map(|spot| self.earlier.find(&spot.entry, content)) else {
            return Ok(false);
        };
        let mut spots = spots.into_iter();
        for spot in spots.by_ref() {
            if spot.path.symlink_metadata().is_ok() {
                self.clash(spot.entry);
                continue;
            }
            fs::rename(&found, &spot.path).map_err(|error| Failure::file("write", &spot.path, error))?;
            self.finish_path(&spot)?;
            self.copies.push((spot.path, spots.collect()));
            break;
        }
        Ok(true)
    }

    /// Begins the file that has this content; it is laid out under the names of all `files`.
    pub(super) fn file(&mut self, content: &Content, files: &[impl Deref<Target = Entry>]) -> Outcome<()> {
        let spots = self.spots(files)?;
        let content = content.clone();
        if content.size <= WHOLE_BYTES_MAX {
            let bytes = Vec::with_capacity(content.size as usize);
            self.current = Some(Current::Whole { spots, bytes, content });
            return Ok(());
        }
        self.current = Some(Current::Nowhere);
        let mut spots = spots.into_iter();
        for spot in spots.by_ref() {
            let Some(file) = create(&spot.path)? else {
                self.clash(spot.entry);
                continue;
            };
            let (hashing, others) = (Box::new(Hashing::start(content.value.key)), spots.collect());
            self.current = Some(Current::Large { spot, others, content, file, hashing, position: 0 });
            break;
        }
        Ok(())
    }

    /// The next bytes of the file; what lies between them and the ones before is a hole.
    pub(super) fn data(&mut self, offset: u64, data: &[u8]) -> Outcome<()> {
        match self.current.as_mut() {
            Some(Current::Whole { bytes, content, .. }) => {
                if offset < bytes.len() as u64 || offset.saturating_add(data.len() as u64) > content.size {
                    return Err(too_long());
                }
                bytes.resize(offset as usize, 0);
                bytes.extend_from_slice(data);
            }
            Some(Current::Large { spot, file, hashing, position, content, .. }) => {
                if offset.saturating_add(data.len() as u64) > content.size || offset < *position {
                    return Err(too_long());
                }
                if offset > *position {
                    hashing.zeros(offset - *position);
                    file.seek(SeekFrom::Start(offset)).map_err(|error| Failure::file("write", &spot.path, error))?;
                }
                let piece = hashing.copy(data);
                file.write_all(&piece).map_err(|error| Failure::file("write", &spot.path, error))?;
                *position = offset + data.len() as u64;
            }
            Some(Current::Nowhere) => (),
            None => return Err(too_long()),
        }
        Ok(())
    }

    /// Compares the file with its committed hashes. One that is another is not left there.
    pub(super) fn file_end(&mut self) -> Outcome<()> {
        match self.current.take() {
            Some(Current::Whole { spots, content, mut bytes }) => {
                bytes.resize(content.size as usize, 0);
                self.writers.write(Job { spots, place: content.place, value: content.value, bytes })
            }
            Some(Current::Large { spot, others, content, file, mut hashing, position }) => {
                hashing.zeros(content.size - position);
                let failed = |error| Failure::file("write", &spot.path, error);
                file.set_len(content.size).map_err(failed)?;
                if hashing.finish() != content.value {
                    fs::remove_file(&spot.path).map_err(failed)?;
                    let reason = self.reason(not_committed())?;
                    self.lose(content.place, reason);
                    return Ok(());
                }
                finish_file(&file, &spot, self.options).map_err(failed)?;
                if !others.is_empty() {
                    self.copies.push((spot.path, others));
                }
                Ok(())
            }
            Some(Current::Nowhere) | None => Ok(()),
        }
    }

    /// Takes back the file whose bytes were coming.
    pub(super) fn abandon(&mut self) -> Outcome<()> {
        match self.current.take() {
            Some(Current::Large { spot, .. }) => {
                fs::remove_file(&spot.path).map_err(|error| Failure::file("remove", &spot.path, error))
            }
            Some(Current::Whole { .. } | Current::Nowhere) | None => Ok(()),
        }
    }

    /// Makes links, sets what folders have, and moves the folder to its place, or beside it when files are lost.
    pub(super) fn finish(mut self, list: &List, chosen: Chosen, root: Option<Root>) -> Outcome<Restored> {
        let mut writers = std::mem::replace(&mut self.writers, Writers::idle());
        let done = writers.finish()?;
        done.clashes.into_iter().for_each(|entry| self.clash(entry));
        if !done.mismatched.is_empty() {
            let reason = self.reason(not_committed())?;
            done.mismatched.into_iter().for_each(|place| self.lose(place, reason));
        }
        for (first, others) in std::mem::take(&mut self.copies) {
            for other in others {
                if !self.copy(&first, &other)? {
                    self.clash(other.entry);
                }
            }
        }
        if self.has_links {
            for entry in list.entries()? {
                let entry = entry?;
                if chosen.has(&entry.path) {
                    self.link(&entry, chosen)?;
                }
            }
        }
        let mut restored = self.end(list.entries()?, chosen)?;
        if let Some(Root { mut mode, mtime_ns, mut xattrs }) = root {
            if let Some(mode_there) = self.mode_there {
                // Whoever made it has said who may enter it; lists of who may are among the attributes.
                mode = mode_there;
                xattrs.retain(|(name, _)| !name.starts_with(b"system."));
            }
            self.finish_path(&Spot { entry: Vec::new(), path: self.partial.clone(), mode, mtime_ns, xattrs })?;
        }
        restored.to = if restored.lost.is_empty() { self.to } else { self.incomplete };
        let _ = fs::remove_dir(&restored.to);
        fs::rename(&self.partial, &restored.to).map_err(|error| Failure::file("restore to", &restored.to, error))?;
        restored.earlier = self.earlier.clear(&restored.to);
        Ok(restored)
    }

    /// Sets what folders have, each behind everything in it, and says what became of every entry.
    fn end(&mut self, entries: Entries, chosen: Chosen) -> Outcome<Restored> {
        let (mut restored, mut around) = (Restored::default(), Around::default());
        for entry in entries {
            let entry = entry?;
            while let Some(folder) = around.leave(&entry.path) {
                self.finish_path(&folder)?;
            }
            if matches!(entry.kind, Kind::Directory) && chosen.reaches(&entry.path) {
                self.spot(&entry)?.into_iter().for_each(|spot| around.enter(entry.path.clone(), spot));
            }
            if chosen.has(&entry.path) {
                self.tell(&entry, chosen, &mut restored);
            }
        }
        while let Some(folder) = around.leave_the_last() {
            self.finish_path(&folder)?;
        }
        Ok(restored)
    }

    /// Sets what a folder, or a file that is not open, has besides its content.
    fn finish_path(&self, spot: &Spot) -> Outcome<()> {
        let set = || -> io::Result<()> {
            set_xattrs(&spot.path, &spot.xattrs, self.options);
            system::set_mode(&spot.path, self.options.mode(spot.mode))?;
            system::set_mtime(&spot.path, spot.mtime_ns)
        };
        set().map_err(|error| Failure::file("write", &spot.path, error))
    }

    /// What became of an entry.
    fn tell(&self, entry: &Entry, chosen: Chosen, restored: &mut Restored) {
        let lost = entry.kind.content().and_then(|content| self.losses.places.get(&content.place));
        if let Some((kind, words)) = lost.and_then(|reason| self.losses.reasons.get(reason.0)) {
            restored.lost.push((entry.path.clone(), words.clone()));
            restored.loss = Some(graver(restored.loss, *kind));
        } else if let Some(reason) = self.why_absent(&entry.path) {
            restored.left_out.push((entry.path.clone(), reason.to_owned()));
        } else if let Some(content) = chosen.content_of_own(entry) {
            restored.files += 1;
            restored.bytes += content.size;
        }
    }

    /// Whether the copy has a name of its own here.
    fn copy(&self, from: &Path, spot: &Spot) -> Outcome<bool> {
        let Some(mut file) = create(&spot.path)? else { return Ok(false) };
        let mut copy = || -> io::Result<()> {
            io::copy(&mut system::open_own(from)?, &mut file)?;
            finish_file(&file, spot, self.options)
        };
        copy().map_err(|error| Failure::file("write", &spot.path, error))?;
        Ok(true)
    }

    fn link(&mut self, entry: &Entry, chosen: Chosen) -> Outcome<()> {
        let made = match &entry.kind {
            Kind::HardLink { target, content } if chosen.has(target) => {
                if self.losses.places.contains_key(&content.place) {
                    return Ok(());
                }
                // What lies at the target's name on this system is another file then.
                if let Some(reason) = self.why_absent(target).map(str::to_owned) {
                    self.absent.insert(entry.path.clone(), reason);
                    return Ok(());
                }
                let (Some(place), Some(spot)) = (self.place(target)?, self.spot(entry)?) else { return Ok(()) };
                fs::hard_link(place, spot.path)
            }
            Kind::Symlink { target } => {
                let Some(spot) = self.spot(entry)? else { return Ok(()) };
                system::symlink(target, &spot.path).map(|()| {
                    set_xattrs(&spot.path, &spot.xattrs, self.options);
                    let _ = system::set_mtime(&spot.path, spot.mtime_ns);
                })
            }
            Kind::File(_) | Kind::HardLink { .. } | Kind::Directory => Ok(()),
        };
        match made {
            Ok(()) => (),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self.clash(entry.path.clone()),
            Err(error) => drop(self.absent.insert(entry.path.clone(), error.to_string())),
        }
        Ok(())
    }

    /// The entry's name is that of another one here, which was laid out before and stays as it is.
    fn clash(&mut self, entry: Vec<u8>) {
        self.absent.insert(entry, ONE_NAME.to_owned());
    }

    /// Why an entry, or a folder that it lies in, is not here.
    fn why_absent(&self, entry: &[u8]) -> Option<&str> {
        if self.absent.is_empty() {
            return None;
        }
        parents(entry).chain([entry]).find_map(|path| self.absent.get(path)).map(String::as_str)
    }

    /// Where entries belong, as far as they have a place here.
    fn spots(&mut self, entries: &[impl Deref<Target = Entry>]) -> Outcome<Vec<Spot>> {
        let mut spots = Vec::with_capacity(entries.len());
        for entry in entries {
            spots.extend(self.spot(entry)?);
        }
        Ok(spots)
    }

    /// Where an entry belongs; nothing when it has no place here.
    fn spot(&mut self, entry: &Entry) -> Outcome<Option<Spot>> {
        if self.why_absent(&entry.path).is_some() {
            return Ok(None);
        }
        let Some(path) = self.place(&entry.path)? else { return Ok(None) };
        let (mode, mtime_ns, xattrs) = (entry.mode, entry.mtime_ns, entry.xattrs.clone());
        Ok(Some(Spot { entry: entry.path.clone(), path, mode, mtime_ns, xattrs }))
    }

    /// Where a path of the deposit lies on disk: always beneath the folder.
    fn place(&mut self, path: &[u8]) -> Outcome<Option<PathBuf>> {
        check_path(path).map_err(|error| Failure::untrue(format!("{}: {error}", shown_bytes(path))))?;
        match system::path_from_bytes(path) {
            Ok(relative) => Ok(Some(self.partial.join(relative))),
            Err(error) => {
                self.absent.insert(path.to_vec(), error.to_string());
                Ok(None)
            }
        }
    }
}

/// The folders that a path lies in, outer ones first.
fn parents(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| &path[..at])
}

/// The folders around an entry, as entries come in the order of their paths. What sorts between a folder and what it holds
/// begins with the folder's name and ends before that: the last one that was entered is always the first one to be left.
struct Around<T>(Vec<(Vec<u8>, T)>);

impl<T> Default for Around<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Around<T> {
    fn enter(&mut self, folder: Vec<u8>, with: T) {
        self.0.push((folder, with));
    }

    fn has(&self, folder: &[u8]) -> bool {
        self.0.iter().rev().any(|(around, _)| around == folder)
    }

    /// The innermost folder, if nothing of it comes at or behind this path: called until there is none any more.
    fn leave(&mut self, path: &[u8]) -> Option<T> {
        let comes = |folder: &[u8]| path.strip_prefix(folder).is_some_and(|rest| rest.first() <= Some(&b'/'));
        self.0.pop_if(|(folder, _)| !comes(folder)).map(|(_, with)| with)
    }

    fn leave_the_last(&mut self) -> Option<T> {
        self.0.pop().map(|(_, with)| with)
    }
}

/// What is known to be false outweighs what is not known, and that what only this person may not see.
fn graver(before: Option<FailureKind>, kind: FailureKind) -> FailureKind {
    let all = [FailureKind::False, FailureKind::Unknown];
    all.into_iter().find(|grave| before == Some(*grave) || kind == *grave).unwrap_or(kind)
}

impl Options {
    fn mode(self, mode: u32) -> u32 {
        if self.special { mode } else { mode & 0o1777 }
    }

    fn keeps(self, xattr: &[u8]) -> bool {
        self.special || !xattr.starts_with(b"security.")
    }
}

/// Threads that write whole files.
struct Writers {
    jobs: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
    done: Arc<Mutex<Done>>,
}

/// What the writers came upon.
#[derive(Default)]
struct Done {
    /// Content whose bytes are not those that were committed to.
    mismatched: Vec<Place>,
    /// Entries whose name was taken.
    clashes: Vec<Vec<u8>>,
    /// What nothing may go on behind.
    trouble: Option<Failure>,
}

struct Job {
    spots: Vec<Spot>,
    place: Place,
    value: ContentValue,
    bytes: Vec<u8>,
}

impl Writers {
    fn start(options: Options) -> Self {
        let (jobs, jobs_in) = bounded::<Job>(QUEUE_PER_CORE * cores());
        let done = Arc::new(Mutex::new(Done::default()));
        let spawn = |_| {
            let (jobs_in, done) = (jobs_in.clone(), done.clone());
            std::thread::spawn(move || {
                for job in jobs_in {
                    if let Err(failure) = job.run(options, &done) {
                        done.lock().expect("no writer panics while it reports").trouble.get_or_insert(failure);
                        return;
                    }
                }
            })
        };
        Self { jobs: Some(jobs), threads: (0..cores()).map(spawn).collect(), done }
    }

    fn idle() -> Self {
        Self { jobs: None, threads: Vec::new(), done: Arc::default() }
    }

    fn write(&self, job: Job) -> Outcome<()> {
        let sent = self.jobs.as_ref().is_some_and(|jobs| jobs.send(job).is_ok());
        let failure = self.done.lock().expect("no writer panics while it reports").trouble.take();
        match failure {
            Some(failure) => Err(failure),
            None if sent => Ok(()),
            None => Err(Failure::internal_message("the writers of files stopped without a word")),
        }
    }

    fn finish(&mut self) -> Outcome<Done> {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            thread.join().map_err(|_| Failure::internal_message("a writer of files stopped without a word"))?;
        }
        let mut done = std::mem::take(&mut *self.done.lock().expect("no writer panics while it reports"));
        match done.trouble.take() {
            Some(failure) => Err(failure),
            None => Ok(done),
        }
    }
}

impl Job {
    fn run(self, options: Options, done: &Mutex<Done>) -> Outcome<()> {
        let report = || done.lock().expect("no writer panics while it reports");
        if !self.value.matches(&self.bytes) {
            report().mismatched.push(self.place);
            return Ok(());
        }
        for spot in self.spots {
            let Some(mut file) = create(&spot.path)? else {
                report().clashes.push(spot.entry);
                continue;
            };
            let mut write = || -> io::Result<()> {
                file.write_all(&self.bytes)?;
                finish_file(&file, &spot, options)
            };
            write().map_err(|error| Failure::file("write", &spot.path, error))?;
        }
        Ok(())
    }
}

/// A new file; nothing when its name is that of something that was laid out before: this system folds names that the
/// deposit tells apart.
fn create(path: &Path) -> Outcome<Option<File>> {
    match system::create_private(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
        Err(error) => Err(Failure::file("write", path, error)),
    }
}

fn finish_file(file: &File, spot: &Spot, options: Options) -> io::Result<()> {
    set_xattrs(&spot.path, &spot.xattrs, options);
    system::set_file_mode(file, options.mode(spot.mode))?;
    system::set_file_mtime(file, spot.mtime_ns)
}

/// A file system that has no such attributes is no reason to lose the file.
fn set_xattrs(path: &Path, xattrs: &[Xattr], options: Options) {
    for (name, value) in xattrs.iter().filter(|(name, _)| options.keeps(name)) {
        let _ = system::set_xattr(path, name, value);
    }
}

fn too_long() -> Failure {
    Failure::untrue("a file in the tar is not as long as the manifest says")
}

fn not_committed() -> Failure {
    Failure::untrue(words!("it is not the one that the record commits to", "預けたときのものではありません"))
}

fn left_over(folder: &Path) -> Failure {
    let folder = shown(folder);
    Failure::fixable(words!("{folder} is left over from a restore", "{folder} は、前に取り出したときに残ったものです"))
        .hint(words!(
            "Try again with --go-on: what stands there already is not fetched again. Or remove it, if you need nothing of what is in it.",
            "同じコマンドに --go-on を付けて実行してください。そこにあるものは、もう一度取り寄せません。中身が要らなければ、取り除いてもかまいません。"
        ))
}
