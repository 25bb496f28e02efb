//! Reads files: small ones whole and ahead of need by several threads, large ones as they stream by.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::thread::Scope;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use hizo_vault::archive::{self, Extent, Xattr};
use hizo_vault::commit::ContentValue;

use crate::entropy::random;
use crate::folder::listing::Listing;
use crate::hashing::{self, ChainingValue, Hashing};
use crate::packing::cores;
use crate::system::{self, Stat};

/// Files up to this many bytes are read whole.
pub(super) const WHOLE_BYTES_MAX: u64 = 1 << 20;

/// How often a file that changes while it is read is read again.
const ATTEMPTS: usize = 3;

/// Within this time of a change another one may carry the same time.
const TICK: Duration = Duration::from_millis(20);
const TICK_WHOLE_SECONDS: Duration = Duration::from_secs(2);

/// A batch ends after this many files or bytes.
const BATCH_FILES: usize = 64;
const BATCH_BYTES: u64 = 1 << 20;

/// Largest set of extended attributes that is kept with a file, in bytes.
const XATTR_BYTES_MAX: usize = 32 << 10;

/// A file that was read whole.
pub(super) struct WholeFile {
    pub stat: Stat,
    pub value: ContentValue,
    /// Chaining values of its segments, if it may be composed one day.
    pub segments: Vec<ChainingValue>,
    pub bytes: Vec<u8>,
    pub attributes: Attributes,
    /// It changed during every attempt.
    pub unsteady: bool,
    /// It changed so shortly before it was read that its times do not tell whether it changed again.
    pub young: bool,
}

/// What came of reading a file whole.
pub(super) enum ReadFile {
    Whole(Box<WholeFile>),
    /// It has grown past [`WHOLE_BYTES_MAX`] since it was listed: it must be streamed.
    Grown,
}

/// A file of the listing that is to be read whole.
pub(super) struct Job {
    pub index: u32,
    pub path: Box<[u8]>,
    pub bytes: u32,
}

/// Files being read ahead of need.
pub(super) struct ReadAhead {
    results: Receiver<(u64, Vec<Done>)>,
    tickets: Sender<()>,
    waiting: BTreeMap<u64, Vec<Done>>,
    next_batch: u64,
    current: std::vec::IntoIter<Done>,
}

type Done = (u32, io::Result<ReadFile>);

impl ReadAhead {
    /// Starts reading these files in this order.
    pub(super) fn start<'scope, 'env>(
        scope: &'scope Scope<'scope, 'env>,
        listing: &'env Listing,
        jobs: impl Iterator<Item = Job> + Send + 'scope,
    ) -> Self {
        // Tickets bound what is read and not yet taken: a batch may only be read once a ticket is there for it.
        let ahead = 4 * cores() + 4;
        let (tickets, tickets_in) = bounded(ahead);
        (0..ahead).for_each(|_| tickets.send(()).expect("the queue has room for every ticket"));
        let (batches, batches_in) = bounded::<(u64, Vec<Job>)>(cores());
        let (results_out, results) = unbounded();
        for _ in 0..cores() {
            let (batches_in, results_out) = (batches_in.clone(), results_out.clone());
            scope.spawn(move || {
                for (number, batch) in batches_in {
                    let read = batch.into_iter().map(|job| (job.index, read_listed(listing, &job.path))).collect();
                    if results_out.send((number, read)).is_err() {
                        return;
                    }
                }
            });
        }
        scope.spawn(move || {
            for (number, batch) in (0..).zip(Batches { jobs: jobs.peekable() }) {
                if tickets_in.recv().is_err() || batches.send((number, batch)).is_err() {
                    return;
                }
            }
        });
        Self { results, tickets, waiting: BTreeMap::new(), next_batch: 0, current: Vec::new().into_iter() }
    }

    /// The next file in the order of the jobs; its number must be the one asked for.
    pub(super) fn take(&mut self, index: usize) -> io::Result<ReadFile> {
        loop {
            if let Some((found, file)) = self.current.next() {
                debug_assert_eq!(found as usize, index, "files are taken in the order in which they were asked for");
                return file;
            }
            if self.next_batch > 0 {
                let _ = self.tickets.send(());
            }
            while !self.waiting.contains_key(&self.next_batch) {
                let (number, batch) = self.results.recv().map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
                self.waiting.insert(number, batch);
            }
            self.current = self.waiting.remove(&self.next_batch).unwrap_or_default().into_iter();
            self.next_batch += 1;
        }
    }
}

struct Batches<I: Iterator<Item = Job>> {
    jobs: std::iter::Peekable<I>,
}

impl<I: Iterator<Item = Job>> Iterator for Batches<I> {
    type Item = Vec<Job>;

    fn next(&mut self) -> Option<Vec<Job>> {
        let mut batch = vec![self.jobs.next()?];
        let mut bytes = u64::from(batch[0].bytes);
        while let Some(job) =
            self.jobs.next_if(|job| batch.len() < BATCH_FILES && bytes + u64::from(job.bytes) <= BATCH_BYTES)
        {
            bytes += u64::from(job.bytes);
            batch.push(job);
        }
        Some(batch)
    }
}

/// Reads the file that has this path in the listing.
pub(super) fn read_listed(listing: &Listing, path: &[u8]) -> io::Result<ReadFile> {
    read_whole(&listing.on_disk(path)?)
}

/// Reads a file whole, again if it changed meanwhile.
fn read_whole(path: &Path) -> io::Result<ReadFile> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        let opened = SystemTime::now();
        let mut file = system::open_to_read(path)?;
        let before = system::stat(&file.metadata()?);
        if before.kind != system::StatKind::File {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no longer a file"));
        }
        if before.size > WHOLE_BYTES_MAX {
            return Ok(ReadFile::Grown);
        }
        let mut bytes = Vec::with_capacity(usize::try_from(before.size).unwrap_or(0) + 1);
        (&mut file).take(before.size + 1).read_to_end(&mut bytes)?;
        let young = is_young(&before, opened);
        let steady = bytes.len() as u64 == before.size && same_moment(&before, &system::stat(&file.metadata()?));
        if steady || attempt == ATTEMPTS {
            let (value, segments) = hashing::value_and_segments(random(), &bytes);
            let stat = Stat { size: bytes.len() as u64, ..before };
            let attributes = attributes(path)?;
            let file = WholeFile { stat, value, segments, bytes, attributes, unsteady: !steady, young };
            return Ok(ReadFile::Whole(Box::new(file)));
        }
    }
}

/// Whether nothing says that a file changed between two looks at it.
pub(super) fn same_moment(before: &Stat, after: &Stat) -> bool {
    (before.size, before.mtime_ns, before.ctime_ns, before.inode)
        == (after.size, after.mtime_ns, after.ctime_ns, after.inode)
}

/// Whether the clock that stamps changes may not have ticked between the file's last change and this moment.
///
/// Such a clock ticks every few milliseconds; file systems that keep whole seconds take two of them for one.
fn is_young(stat: &Stat, moment: SystemTime) -> bool {
    let whole_seconds = stat.mtime_ns % 1_000_000_000 == 0 && stat.ctime_ns % 1_000_000_000 == 0;
    let tick = if whole_seconds { TICK_WHOLE_SECONDS } else { TICK };
    let changed = if stat.ctime_ns == 0 { stat.mtime_ns } else { stat.ctime_ns };
    let settled = u64::try_from(changed).map(|changed| UNIX_EPOCH + Duration::from_nanos(changed) + tick);
    settled.is_ok_and(|settled| settled > moment)
}

/// Extended attributes of one entry.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Attributes {
    pub kept: Vec<Xattr>,
    /// They cannot be read, or are more than can be kept, so that none of them is.
    pub are_left_out: bool,
}

/// The extended attributes of what lies there.
///
/// # Errors
/// When nothing lies there any more.
pub(super) fn attributes(path: &Path) -> io::Result<Attributes> {
    kept(system::xattrs(path))
}

/// A file whose attributes cannot be read is worth keeping without them.
fn kept(found: io::Result<Vec<Xattr>>) -> io::Result<Attributes> {
    match found {
        Ok(found) => Ok(fitting(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(error),
        Err(_) => Ok(Attributes { kept: Vec::new(), are_left_out: true }),
    }
}

/// Those that fit a manifest's line. Of a set that does not, no part is kept: half of it may mean something else.
fn fitting(found: Vec<Xattr>) -> Attributes {
    let bytes: usize = found.iter().map(|(name, value)| name.len() + value.len()).sum();
    match bytes > XATTR_BYTES_MAX {
        true => Attributes { kept: Vec::new(), are_left_out: true },
        false => Attributes { kept: found, are_left_out: false },
    }
}

/// What came of streaming a file.
pub(super) struct Streamed {
    pub value: ContentValue,
    /// As with a [`WholeFile`].
    pub segments: Vec<ChainingValue>,
    /// Nothing says that it changed meanwhile.
    pub steady: bool,
}

/// A large file, open and read from front to back.
pub(super) struct LargeFile {
    file: File,
    pub stat: Stat,
    /// Stretches of data, if the file has holes.
    pub sparse: Option<Vec<Extent>>,
    /// As with a [`WholeFile`].
    pub young: bool,
}

impl LargeFile {
    /// Opens a file and looks where it has data.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let opened = SystemTime::now();
        let file = system::open_to_read(path)?;
        let stat = system::stat(&file.metadata()?);
        if stat.kind != system::StatKind::File {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no longer a file"));
        }
        let sparse = if stat.allocated < stat.size { extents(&file, stat.size)? } else { None };
        Ok(Self { file, stat, sparse, young: is_young(&stat, opened) })
    }

    /// What the file holds, read once and not stored: under `key`, which an earlier content had, or any.
    pub(super) fn survey(&mut self, key: [u8; 32]) -> io::Result<(ContentValue, Vec<ChainingValue>)> {
        let surveyed = self.stream(key, |_, _| Ok::<_, io::Error>(()))?;
        Ok((surveyed.value, surveyed.segments))
    }

    /// Whether the file is still the one that was opened.
    pub(super) fn is_steady(&self) -> io::Result<bool> {
        Ok(same_moment(&self.stat, &system::stat(&self.file.metadata()?)))
    }

    /// Streams the file: bytes that are no holes go to `store` with their offset, all bytes are hashed under `key`, each
    /// hash by a thread of its own.
    ///
    /// A file that became shorter is filled with zeros to the length it had, since its header already says so.
    pub(super) fn stream<E: From<io::Error>>(
        &mut self,
        key: [u8; 32],
        mut store: impl FnMut(u64, &[u8]) -> Result<(), E>,
    ) -> Result<Streamed, E> {
        let whole = [Extent { offset: 0, length: self.stat.size }];
        let extents = self.sparse.clone().unwrap_or_else(|| whole.to_vec());
        let mut short = false;
        let mut hashing = Hashing::in_segments(key, self.stat.size);
        let mut position = 0;
        for extent in &extents {
            hashing.zeros(extent.offset - position);
            short |= self.stream_extent(extent, &mut hashing, &mut store)?;
            position = extent.offset + extent.length;
        }
        hashing.zeros(self.stat.size - position);
        let (value, segments) = hashing.finish_segments();
        Ok(Streamed { value, segments, steady: !short && self.is_steady()? })
    }

    fn stream_extent<E: From<io::Error>>(
        &mut self,
        extent: &Extent,
        hashing: &mut Hashing,
        store: &mut impl FnMut(u64, &[u8]) -> Result<(), E>,
    ) -> Result<bool, E> {
        io::Seek::seek(&mut self.file, io::SeekFrom::Start(extent.offset))?;
        let mut left = extent.length;
        let mut short = false;
        while left > 0 {
            let wanted = left.min(1 << 20);
            let mut buffer = hashing.room();
            buffer.reserve_exact(wanted as usize);
            (&self.file).take(wanted).read_to_end(&mut buffer)?;
            short |= (buffer.len() as u64) < wanted;
            buffer.resize(wanted as usize, 0);
            let buffer = hashing.bytes(buffer);
            store(extent.offset + extent.length - left, &buffer)?;
            left -= wanted;
        }
        Ok(short)
    }
}

/// Where the file has data, as an archive can say it; nothing when it is kept as if it had no holes.
fn extents(file: &File, size: u64) -> io::Result<Option<Vec<Extent>>> {
    let stretches = system::data_ranges(file, size)?.into_iter().map(|(offset, length)| Extent { offset, length });
    Ok(archive::sparse_map(size, &stretches.collect::<Vec<_>>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_kept_up_to_the_limit_and_told_above_it() {
        let check = |bytes: usize, is_kept: bool| {
            let found = vec![(b"user.a".to_vec(), vec![1; bytes - 6])];
            let attributes = fitting(found.clone());
            let expected = if is_kept { found } else { Vec::new() };
            assert_eq!(attributes, Attributes { kept: expected, are_left_out: !is_kept }, "{bytes}");
        };
        check(XATTR_BYTES_MAX, true);
        check(XATTR_BYTES_MAX + 1, false);
        assert_eq!(fitting(Vec::new()), Attributes::default());
    }

    #[test]
    fn a_file_whose_attributes_cannot_be_read_is_kept_without_them() {
        for kind in [io::ErrorKind::PermissionDenied, io::ErrorKind::InvalidInput, io::ErrorKind::Other] {
            let attributes = kept(Err(kind.into())).unwrap();
            assert_eq!(attributes, Attributes { kept: Vec::new(), are_left_out: true }, "{kind:?}");
        }
        assert!(kept(Err(io::ErrorKind::NotFound.into())).is_err(), "what is gone is left out");
    }
}
