//! Turns a stream of plain bytes into sealed packs that a keeper holds, on all cores and in bounded memory.
//!
//! ```text
//!   push ──► blocks of 1 MiB ──► framers ──► packer (in order) ──► sealers ──► put
//!               (bounded)      one a core      one pack open     hash, seal, fsync
//! ```
//!
//! Each arrow is a bounded queue: a slow disk holds up the reader, and memory does not grow with the data.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{Scope, ScopedJoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};
use hizo_ledger::id::ObjectId;
use hizo_vault::age::{PackBuilder, Recipient};
use hizo_vault::manifest::PackStart;
use hizo_vault::stream::{self, BLOCK_BYTES, Framer};

use crate::entropy::SystemEntropy;
use crate::failure::{Failure, Kind, Outcome};

/// A block is stored as it is when compressing saves less than one part in this many.
const WORTH_COMPRESSING: usize = 32;

/// Blocks that wait for a framer, and frames that wait for the packer, per core.
const QUEUE_PER_CORE: usize = 2;

/// How frames are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Compressed at this level where it helps.
    Compressed(i32),
    /// Stored as it is: sizes tell nothing about the content.
    Stored,
}

/// Level 0 in a [`Frame`] says: stored as it is.
const STORED: i32 = 0;

/// What came of a stream.
#[derive(Debug, Default)]
pub(crate) struct Packed {
    /// Packs in order, with their sizes.
    pub packs: Vec<(ObjectId, u64)>,
    /// Where each pack's first whole frame begins; packs of padding alone have none.
    pub starts: Vec<PackStart>,
    /// Bytes before framing.
    pub plain_bytes: u64,
}

/// A pack that a keeper holds now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PackKept {
    pub index: u64,
    pub id: ObjectId,
    pub bytes: u64,
    pub start: Option<Resumable>,
}

/// Where a pack begins in its stream, exactly enough to begin there again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Resumable {
    /// The pack's first whole frame.
    pub start: PackStart,
    /// Level of the frame before, whose end stands at the pack's beginning.
    pub straddling_level: i32,
    /// How many bytes of that frame stand in the packs before.
    pub straddling_skip: u64,
    /// Bytes of frames before this pack.
    pub framed_bytes: u64,
}

/// What a packing needs from its surroundings.
pub(crate) struct Surroundings<'a> {
    pub recipient: &'a Recipient,
    /// Puts a sealed pack where it is kept; durable on return.
    pub put: &'a (dyn Fn(Vec<u8>) -> Outcome<ObjectId> + Sync),
    /// Called after each pack is durable.
    pub kept: &'a (dyn Fn(&PackKept) -> Outcome<()> + Sync),
}

/// A stream on its way into packs.
pub(crate) struct Packing<'scope> {
    blocks: Sender<Block>,
    block: Vec<u8>,
    number: u64,
    plain_bytes: u64,
    trouble: Arc<Trouble>,
    result: ScopedJoinHandle<'scope, Option<Packed>>,
}

struct Block {
    number: u64,
    bytes: Vec<u8>,
}

struct Frame {
    bytes: Vec<u8>,
    level: i32,
}

/// The first failure of any stage; the others stop when they see it.
#[derive(Default)]
struct Trouble {
    stop: AtomicBool,
    first: Mutex<Option<Failure>>,
}

impl Trouble {
    fn report(&self, failure: Failure) {
        let mut first = self.first.lock().expect("no stage panics while it reports");
        first.get_or_insert(failure);
        self.stop.store(true, Ordering::SeqCst);
    }

    fn failure(&self) -> Failure {
        let first = self.first.lock().expect("no stage panics while it reports").take();
        first.unwrap_or_else(|| Failure::new(Kind::Internal, "a stage of the packing stopped without a word"))
    }
}

impl<'scope> Packing<'scope> {
    /// Starts the stages in `scope`.
    pub(crate) fn start<'env>(
        scope: &'scope Scope<'scope, 'env>,
        surroundings: &'env Surroundings<'env>,
        framing: Framing,
    ) -> Self {
        let cores = cores();
        let trouble = Arc::new(Trouble::default());
        let (blocks, blocks_in) = bounded::<Block>(cores * QUEUE_PER_CORE);
        let (frames, frames_in) = bounded::<(u64, Frame)>(cores * QUEUE_PER_CORE);
        let (packs, packs_in) = bounded::<(u64, PackBuilder, Option<Resumable>)>(0);
        let (kept, kept_in) = bounded::<PackKept>(cores * QUEUE_PER_CORE);
        let random = Arc::new(AtomicU64::new(0));
        for _ in 0..cores {
            let (blocks_in, frames, trouble, random) =
                (blocks_in.clone(), frames.clone(), trouble.clone(), random.clone());
            scope.spawn(move || frame_blocks(framing, &blocks_in, &frames, &random, &trouble));
        }
        // One sealer more than cores: while one waits for the disk, the cores still have work.
        for _ in 0..sealers(cores) {
            let (packs_in, kept, trouble) = (packs_in.clone(), kept.clone(), trouble.clone());
            scope.spawn(move || seal_packs(surroundings, &packs_in, &kept, &trouble));
        }
        drop((frames, kept));
        let packer = scope.spawn(move || pack_frames(&frames_in, &packs));
        let result = scope.spawn(move || {
            let mut by_index: BTreeMap<u64, PackKept> = kept_in.iter().map(|pack| (pack.index, pack)).collect();
            let packs = packer.join().ok()??;
            if by_index.len() as u64 != packs {
                return None;
            }
            let in_order: Vec<PackKept> = std::mem::take(&mut by_index).into_values().collect();
            Some(Packed {
                packs: in_order.iter().map(|pack| (pack.id, pack.bytes)).collect(),
                starts: in_order.iter().filter_map(|pack| Some(pack.start?.start)).collect(),
                plain_bytes: 0,
            })
        });
        Self { blocks, block: Vec::with_capacity(BLOCK_BYTES), number: 0, plain_bytes: 0, trouble, result }
    }

    /// Takes the next bytes of the stream; waits while the stages behind are busy.
    ///
    /// # Errors
    /// The first failure of any stage.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> Outcome<()> {
        self.plain_bytes += bytes.len() as u64;
        while !bytes.is_empty() {
            let room = BLOCK_BYTES - self.block.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.block.extend_from_slice(now);
            bytes = later;
            if self.block.len() == BLOCK_BYTES {
                self.end_block()?;
            }
        }
        Ok(())
    }

    /// Bytes pushed so far.
    pub(crate) fn position(&self) -> u64 {
        self.plain_bytes
    }

    /// Ends the block before it is full, so that what follows stands in frames of its own.
    pub(crate) fn end_block(&mut self) -> Outcome<()> {
        if self.block.is_empty() {
            return Ok(());
        }
        let bytes = std::mem::replace(&mut self.block, Vec::with_capacity(BLOCK_BYTES));
        let block = Block { number: self.number, bytes };
        self.number += 1;
        if self.trouble.stop.load(Ordering::SeqCst) || self.blocks.send(block).is_err() {
            return Err(self.trouble.failure());
        }
        Ok(())
    }

    /// Pads the stream and waits until the last pack is kept.
    ///
    /// # Errors
    /// The first failure of any stage; nothing that was put has any meaning then.
    pub(crate) fn finish(mut self) -> Outcome<Packed> {
        self.end_block()?;
        drop(self.blocks);
        let packed = self.result.join().ok().flatten();
        match packed {
            Some(packed) if !self.trouble.stop.load(Ordering::SeqCst) => {
                Ok(Packed { plain_bytes: self.plain_bytes, ..packed })
            }
            _ => Err(self.trouble.failure()),
        }
    }
}

/// How many threads the machine runs at once.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

/// Each sealer holds one pack of 16 MiB, so their number is bounded whatever the machine.
fn sealers(cores: usize) -> usize {
    (cores + 1).min(6)
}

fn frame_blocks(
    framing: Framing,
    blocks: &Receiver<Block>,
    frames: &Sender<(u64, Frame)>,
    incompressible: &AtomicU64,
    trouble: &Trouble,
) {
    let mut framer = match framing {
        Framing::Compressed(level) => match Framer::new(level) {
            Ok(framer) => Some(framer),
            Err(error) => return trouble.report(Failure::new(Kind::Internal, "no memory to compress").source(error)),
        },
        Framing::Stored => None,
    };
    for block in blocks {
        let frame = match frame_block(framer.as_mut(), &block.bytes, incompressible) {
            Ok(frame) => frame,
            Err(error) => return trouble.report(Failure::new(Kind::Internal, "cannot compress a block").source(error)),
        };
        if frames.send((block.number, frame)).is_err() {
            return;
        }
    }
}

/// Compresses a block where that helps. After a run of blocks where it did not, a small sample decides alone.
fn frame_block(framer: Option<&mut Framer>, block: &[u8], run: &AtomicU64) -> Result<Frame, stream::Error> {
    let Some(framer) = framer else { return Ok(Frame { bytes: stream::stored_frame(block), level: STORED }) };
    if run.load(Ordering::Relaxed) > 0 && !sample_compresses(framer, block)? {
        return Ok(Frame { bytes: stream::stored_frame(block), level: STORED });
    }
    let bytes = framer.frame(block)?;
    if bytes.len() + block.len() / WORTH_COMPRESSING < block.len() || block.len() < BLOCK_BYTES {
        run.store(0, Ordering::Relaxed);
        return Ok(Frame { bytes, level: framer.level() });
    }
    run.fetch_add(1, Ordering::Relaxed);
    Ok(Frame { bytes: stream::stored_frame(block), level: STORED })
}

fn sample_compresses(framer: &mut Framer, block: &[u8]) -> Result<bool, stream::Error> {
    let sample: Vec<u8> =
        block.chunks(block.len().div_ceil(8)).flat_map(|part| part.iter().take(4096).copied()).collect();
    Ok(framer.frame(&sample)?.len() + sample.len() / WORTH_COMPRESSING < sample.len())
}

/// Puts frames in order into packs; says how many packs that made.
fn pack_frames(frames: &Receiver<(u64, Frame)>, packs: &Sender<(u64, PackBuilder, Option<Resumable>)>) -> Option<u64> {
    let mut waiting = BTreeMap::new();
    let mut packer = Packer::new(packs);
    for (number, frame) in frames {
        waiting.insert(number, frame);
        while let Some(frame) = waiting.remove(&packer.next_frame) {
            packer.frame(&frame)?;
        }
    }
    if !waiting.is_empty() {
        return None;
    }
    packer.finish()
}

struct Packer<'a> {
    packs: &'a Sender<(u64, PackBuilder, Option<Resumable>)>,
    builder: PackBuilder,
    start: Option<Resumable>,
    index: u64,
    next_frame: u64,
    framed_bytes: u64,
}

impl<'a> Packer<'a> {
    fn new(packs: &'a Sender<(u64, PackBuilder, Option<Resumable>)>) -> Self {
        Self { packs, builder: PackBuilder::new(), start: None, index: 0, next_frame: 0, framed_bytes: 0 }
    }

    fn frame(&mut self, frame: &Frame) -> Option<()> {
        if self.start.is_none() {
            let start = PackStart { frame: self.next_frame, offset: self.builder.plaintext_bytes() as u64 };
            self.start = Some(Resumable {
                start,
                straddling_level: STORED,
                straddling_skip: 0,
                framed_bytes: self.framed_bytes,
            });
        }
        self.next_frame += 1;
        self.framed_bytes += frame.bytes.len() as u64;
        let _ = frame.level;
        self.bytes(&frame.bytes)
    }

    fn bytes(&mut self, mut bytes: &[u8]) -> Option<()> {
        while !bytes.is_empty() {
            bytes = &bytes[self.builder.push(bytes)..];
            if self.builder.is_full() {
                self.end_pack()?;
            }
        }
        Some(())
    }

    fn end_pack(&mut self) -> Option<()> {
        let builder = std::mem::take(&mut self.builder);
        self.packs.send((self.index, builder, self.start.take())).ok()?;
        self.index += 1;
        Some(())
    }

    fn finish(mut self) -> Option<u64> {
        if self.framed_bytes == 0 {
            return Some(0);
        }
        for piece in stream::padding(self.framed_bytes) {
            self.bytes(&piece)?;
        }
        if self.builder.plaintext_bytes() > 0 {
            self.end_pack()?;
        }
        Some(self.index)
    }
}

fn seal_packs(
    surroundings: &Surroundings,
    packs: &Receiver<(u64, PackBuilder, Option<Resumable>)>,
    kept: &Sender<PackKept>,
    trouble: &Trouble,
) {
    for (index, builder, start) in packs {
        let sealed = builder.seal(surroundings.recipient, &mut SystemEntropy);
        let bytes = sealed.len() as u64;
        let done = (surroundings.put)(sealed).and_then(|id| {
            let pack = PackKept { index, id, bytes, start };
            (surroundings.kept)(&pack)?;
            Ok(pack)
        });
        match done {
            Ok(pack) => {
                if kept.send(pack).is_err() {
                    return;
                }
            }
            Err(failure) => return trouble.report(failure),
        }
    }
}
