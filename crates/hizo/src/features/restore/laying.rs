//! Lays entries out on disk: beneath one new folder, never over anything, links last.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crossbeam_channel::{Sender, bounded};
use hizo_vault::archive::{Xattr, check_path};
use hizo_vault::commit::ContentValue;
use hizo_vault::manifest::{Content, Entry, Kind, Manifest};

use super::Restored;
use crate::failure::{Failure, Outcome, shown, shown_bytes};
use crate::hashing::Hashing;
use crate::packing::cores;
use crate::system;
use crate::words::words;

/// Files up to this many bytes are written whole, several at a time.
const WHOLE_BYTES_MAX: u64 = 1 << 20;

/// Whole files that wait to be written, per core; each is at most 1 MiB.
const QUEUE_PER_CORE: usize = 8;

/// What of an entry is restored.
#[derive(Debug, Clone, Copy)]
pub(super) struct Options {
    /// Set-user-id bits and security attributes too.
    pub special: bool,
}

/// A folder in the making. It stands beside its final place until it is whole.
pub(super) struct Laying {
    to: PathBuf,
    partial: PathBuf,
    options: Options,
    writers: Writers,
    current: Option<Current>,
    /// Content that several files have: copied when the first one is there.
    copies: Vec<(Spot, Vec<Spot>)>,
    directories: Vec<Spot>,
    restored: Restored,
}

/// A place on disk and what belongs there besides content.
#[derive(Debug, Clone)]
struct Spot {
    path: PathBuf,
    mode: u32,
    mtime_ns: i64,
    xattrs: Vec<Xattr>,
}

/// The file whose bytes are coming.
enum Current {
    Whole { spot: Spot, content: Content, bytes: Vec<u8> },
    Large { spot: Spot, content: Content, file: File, hashing: Hashing, position: u64 },
}

impl Laying {
    /// Begins beside the folder `to`, which must not be there or be empty.
    pub(super) fn begin(to: &Path, options: Options) -> Outcome<Self> {
        let failed = |error| Failure::file("restore to", to, error);
        match fs::read_dir(to) {
            Ok(mut items) => {
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
        let mut partial_name = name.to_owned();
        partial_name.push(".partial");
        let partial = absolute.with_file_name(partial_name);
        if let Some(parent) = absolute.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        system::create_directory(&partial).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Failure::fixable(words!(
                "{partial} is left over from a restore",
                "{partial} は、取り出しが途中で止まった跡です",
                partial = shown(&partial)
            ))
            .hint(words!(
                "Look whether you need what is in it, then remove it and run the same command again.",
                "中身が要らないことを確かめてから取り除き、同じコマンドをもう一度実行してください。"
            )),
            _ => failed(error),
        })?;
        Ok(Self {
            to: absolute,
            partial,
            options,
            writers: Writers::start(options),
            current: None,
            copies: Vec::new(),
            directories: Vec::new(),
            restored: Restored::default(),
        })
    }

    /// Makes the wanted folders, and those that hold something wanted.
    pub(super) fn directories(&mut self, manifest: &Manifest, wanted: &[&Entry]) -> Outcome<()> {
        let mut made = std::collections::BTreeSet::new();
        for entry in wanted {
            let parents =
                entry.path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| &entry.path[..at]);
            let own = matches!(entry.kind, Kind::Directory).then_some(entry.path.as_slice());
            for path in parents.chain(own) {
                if made.contains(path) {
                    continue;
                }
                made.insert(path.to_vec());
                let listed = manifest.entry(path).filter(|entry| matches!(entry.kind, Kind::Directory));
                let listed =
                    listed.ok_or_else(|| Failure::untrue("the manifest has an entry below what is no folder"))?;
                let spot = self.spot(listed)?;
                system::create_directory(&spot.path).map_err(|error| Failure::file("make", &spot.path, error))?;
                self.directories.push(spot);
            }
        }
        Ok(())
    }

    /// Begins the file that has this content; the first of `files` gets the bytes, the others a copy of it.
    pub(super) fn file(&mut self, content: &Content, files: &[&Entry]) -> Outcome<()> {
        let Some((first, others)) = files.split_first() else { return Ok(()) };
        let spot = self.spot(first)?;
        let others: Vec<Spot> = others.iter().map(|entry| self.spot(entry)).collect::<Outcome<_>>()?;
        self.restored.files += files.len() as u64;
        self.restored.bytes += content.size * files.len() as u64;
        if !others.is_empty() {
            self.copies.push((spot.clone(), others));
        }
        let content = content.clone();
        self.current = Some(if content.size <= WHOLE_BYTES_MAX {
            Current::Whole { spot, bytes: Vec::with_capacity(content.size as usize), content }
        } else {
            let file = create(&spot.path)?;
            let hashing = Hashing::start(content.value.key);
            Current::Large { spot, content, file, hashing, position: 0 }
        });
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
            Some(Current::Large { spot, file, hashing, position, content }) => {
                if offset.saturating_add(data.len() as u64) > content.size || offset < *position {
                    return Err(too_long());
                }
                if offset > *position {
                    hashing.zeros(offset - *position);
                    file.seek(SeekFrom::Start(offset)).map_err(|error| Failure::file("write", &spot.path, error))?;
                }
                let piece = hashing.bytes(data.to_vec());
                file.write_all(&piece).map_err(|error| Failure::file("write", &spot.path, error))?;
                *position = offset + data.len() as u64;
            }
            None => return Err(too_long()),
        }
        Ok(())
    }

    /// Compares the file with its committed hashes.
    pub(super) fn file_end(&mut self) -> Outcome<()> {
        match self.current.take() {
            Some(Current::Whole { spot, content, mut bytes }) => {
                bytes.resize(content.size as usize, 0);
                self.writers.write(spot, content.value, bytes)
            }
            Some(Current::Large { spot, content, file, mut hashing, position }) => {
                hashing.zeros(content.size - position);
                let failed = |error| Failure::file("write", &spot.path, error);
                file.set_len(content.size).map_err(failed)?;
                if hashing.finish() != content.value {
                    fs::remove_file(&spot.path).map_err(failed)?;
                    return Err(not_committed());
                }
                finish_file(&file, &spot, self.options).map_err(failed)
            }
            None => Ok(()),
        }
    }

    /// Makes links, sets what folders have, and moves the whole to its place.
    pub(super) fn finish(mut self, wanted: &[&Entry]) -> Outcome<Restored> {
        let mut writers = std::mem::replace(&mut self.writers, Writers::idle());
        writers.finish()?;
        for (first, others) in std::mem::take(&mut self.copies) {
            for other in &others {
                self.copy(&first.path, other)?;
            }
        }
        for entry in wanted {
            self.link(entry, wanted)?;
        }
        for spot in self.directories.iter().rev() {
            let set = || -> io::Result<()> {
                set_xattrs(&spot.path, &spot.xattrs, self.options);
                system::set_mode(&spot.path, self.options.mode(spot.mode))?;
                system::set_mtime(&spot.path, spot.mtime_ns)
            };
            set().map_err(|error| Failure::file("write", &spot.path, error))?;
        }
        let _ = fs::remove_dir(&self.to);
        fs::rename(&self.partial, &self.to).map_err(|error| Failure::file("restore to", &self.to, error))?;
        Ok(self.restored)
    }

    fn copy(&self, from: &Path, spot: &Spot) -> Outcome<()> {
        let copy = || -> io::Result<()> {
            let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&spot.path)?;
            io::copy(&mut File::open(from)?, &mut file)?;
            finish_file(&file, spot, self.options)
        };
        copy().map_err(|error| Failure::file("write", &spot.path, error))
    }

    fn link(&mut self, entry: &Entry, wanted: &[&Entry]) -> Outcome<()> {
        let made = match &entry.kind {
            Kind::HardLink { target, .. }
                if wanted.binary_search_by(|other| other.path.as_slice().cmp(target)).is_ok() =>
            {
                fs::hard_link(self.place(target)?, self.place(&entry.path)?)
            }
            Kind::Symlink { target } => {
                let spot = self.spot(entry)?;
                system::symlink(target, &spot.path).map(|()| {
                    set_xattrs(&spot.path, &spot.xattrs, self.options);
                    let _ = system::set_mtime(&spot.path, spot.mtime_ns);
                })
            }
            Kind::File(_) | Kind::HardLink { .. } | Kind::Directory => Ok(()),
        };
        if let Err(error) = made {
            self.restored.left_out.push((entry.path.clone(), error.to_string()));
        }
        Ok(())
    }

    fn spot(&self, entry: &Entry) -> Outcome<Spot> {
        let path = self.place(&entry.path)?;
        Ok(Spot { path, mode: entry.mode, mtime_ns: entry.mtime_ns, xattrs: entry.xattrs.clone() })
    }

    /// Where a path of the deposit lies on disk: always beneath the folder.
    fn place(&self, path: &[u8]) -> Outcome<PathBuf> {
        check_path(path).map_err(|error| Failure::untrue(format!("{}: {error}", shown_bytes(path))))?;
        let relative = system::path_from_bytes(path).map_err(|error| {
            Failure::fixable(words!(
                "{path} cannot be a name on this system",
                "{path} は、このシステムでは使えない名前です",
                path = shown_bytes(path)
            ))
            .hint(words!(
                "Restore it on a system that can, or restore the other paths by name.",
                "使えるシステムで取り出すか、ほかのパスを指定して取り出してください。"
            ))
            .source(error)
        })?;
        Ok(self.partial.join(relative))
    }
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
    trouble: Arc<Mutex<Option<Failure>>>,
}

struct Job {
    spot: Spot,
    value: ContentValue,
    bytes: Vec<u8>,
}

impl Writers {
    fn start(options: Options) -> Self {
        let (jobs, jobs_in) = bounded::<Job>(QUEUE_PER_CORE * cores());
        let trouble = Arc::new(Mutex::new(None));
        let spawn = |_| {
            let (jobs_in, trouble) = (jobs_in.clone(), trouble.clone());
            std::thread::spawn(move || {
                for job in jobs_in {
                    if let Err(failure) = job.run(options) {
                        trouble.lock().expect("no writer panics while it reports").get_or_insert(failure);
                        return;
                    }
                }
            })
        };
        Self { jobs: Some(jobs), threads: (0..cores()).map(spawn).collect(), trouble }
    }

    fn idle() -> Self {
        Self { jobs: None, threads: Vec::new(), trouble: Arc::default() }
    }

    fn write(&self, spot: Spot, value: ContentValue, bytes: Vec<u8>) -> Outcome<()> {
        let sent = self.jobs.as_ref().is_some_and(|jobs| jobs.send(Job { spot, value, bytes }).is_ok());
        let failure = self.trouble.lock().expect("no writer panics while it reports").take();
        match failure {
            Some(failure) => Err(failure),
            None if sent => Ok(()),
            None => Err(Failure::internal_message("the writers of files stopped without a word")),
        }
    }

    fn finish(&mut self) -> Outcome<()> {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            thread.join().map_err(|_| Failure::internal_message("a writer of files stopped without a word"))?;
        }
        match self.trouble.lock().expect("no writer panics while it reports").take() {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }
}

impl Job {
    fn run(self, options: Options) -> Outcome<()> {
        if !self.value.matches(&self.bytes) {
            return Err(not_committed());
        }
        let mut file = create(&self.spot.path)?;
        let write = || -> io::Result<()> {
            file.write_all(&self.bytes)?;
            finish_file(&file, &self.spot, options)
        };
        let mut write = write;
        write().map_err(|error| Failure::file("write", &self.spot.path, error))
    }
}

fn create(path: &Path) -> Outcome<File> {
    system::create_private(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::fixable(words!(
            "{path} and another file of the deposit have one name on this system",
            "{path} は、このシステムでは別のファイルと同じ名前になります",
            path = shown(path)
        ))
        .hint(words!(
            "Restore them one at a time by path, or on a system that tells the names apart.",
            "パスを指定して1つずつ取り出すか、名前を区別するシステムで取り出してください。"
        )),
        _ => Failure::file("write", path, error),
    })
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
    Failure::untrue("a file is not the one that the record commits to").hint(words!(
        "Run `hizo check`. What was restored before is right; it stands in the folder that ends in .partial.",
        "`hizo check` を実行してください。そこまでに取り出したものは正しく、.partial で終わるフォルダーにあります。"
    ))
}
