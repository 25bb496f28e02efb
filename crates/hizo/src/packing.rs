//! Turns a stream of plain bytes into sealed packs that a keeper holds, on all cores and in bounded memory.
//!
//! ```text
//!   push ──► blocks of 1 MiB ──► framers ──► packer (in order) ──► sealers ──► put
//!               (bounded)      one a core      one pack open     hash, seal, fsync
//! ```
//!
//! Each arrow is a bounded queue: a slow disk holds up the reader, and memory does not grow with the data.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{Scope, ScopedJoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};
use hizo_ledger::id::ObjectId;
use hizo_store::NamedBytes;
use hizo_vault::age::{PackBuilder, Recipient};
use hizo_vault::manifest::PackStart;
use hizo_vault::stream::{self, BLOCK_BYTES, Framer};

use crate::entropy::SystemEntropy;
use crate::failure::{Failure, Kind, Outcome};

/// A block is stored as it is when compressing saves less than one part in this many.
const WORTH_COMPRESSING: usize = 32;

/// Blocks that wait for a framer, and frames that wait for the packer, per core.
const QUEUE_PER_CORE: usize = 2;

/// The first blocks of a stream are compressed harder: for so few it takes no time that anybody notices, and most
/// deposits have no more than these.
const HARDER_BLOCKS: u64 = 64;
const HARDER_LEVEL: i32 = 3;
const LEVEL: i32 = 1;

/// How frames are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Compressed where it helps.
    Compressed,
    /// Stored as it is: sizes tell nothing about the content.
    Stored,
}

/// Level 0 in a [`Frame`] says: stored as it is.
const STORED: i32 = 0;

/// Zstandard's level for a block of a stream: its place alone decides, so that a stream can be made again as it was.
pub(crate) fn level(block: u64) -> i32 {
    if block < HARDER_BLOCKS { HARDER_LEVEL } else { LEVEL }
}

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PackKept {
    pub index: u64,
    pub id: ObjectId,
    pub bytes: u64,
    /// Its first whole frame.
    pub start: Option<PackStart>,
    pub end: Boundary,
}

/// Where a pack ends in its stream, exactly enough to begin the next one there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Boundary {
    /// The frame that goes on in the next pack, or begins it.
    pub frame: u64,
    /// Bytes of that frame in the packs before.
    pub skip: u64,
    /// Level of that frame.
    pub level: i32,
    /// Bytes of all frames before it.
    pub framed_bytes: u64,
    /// Check of the skipped bytes: made again, they must be the same.
    pub check: [u8; 16],
}

/// What a packing needs from its surroundings.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    pub recipient: &'a Recipient,
    /// Puts a sealed pack where it is kept; durable on return.
    pub put: &'a (dyn Fn(&NamedBytes) -> Outcome<()> + Sync),
    /// Called after each pack is durable.
    pub kept: &'a (dyn Fn(&PackKept) -> Outcome<()> + Sync),
}

/// A stream on its way into packs.
pub(crate) struct Packing<'scope> {
    blocks: Sender<Block>,
    block: Vec<u8>,
    spare: Spare,
    number: u64,
    plain_bytes: u64,
    /// Bytes of the stream that packs kept before hold.
    passed_over: u64,
    trouble: Arc<Trouble>,
    result: ScopedJoinHandle<'scope, Option<Packed>>,
}

struct Block {
    number: u64,
    bytes: Vec<u8>,
}

/// A frame; of one that stores its block as it is, the block.
struct Frame {
    bytes: Vec<u8>,
    level: i32,
}

impl Frame {
    fn stored(block: Vec<u8>) -> Self {
        Self { bytes: block, level: STORED }
    }

    fn length(&self) -> usize {
        if self.level == STORED { stream::stored_frame_bytes(self.bytes.len()) } else { self.bytes.len() }
    }

    fn whole(&self) -> Cow<'_, [u8]> {
        if self.level == STORED { Cow::Owned(stream::stored_frame(&self.bytes)) } else { Cow::Borrowed(&self.bytes) }
    }
}

/// Memory of blocks and frames that are done with, for those to come: what is taken anew for each is given by the system page
/// by page, which takes longer than to compress or to copy it.
#[derive(Clone)]
struct Spare {
    give: Sender<Vec<u8>>,
    take: Receiver<Vec<u8>>,
}

impl Spare {
    fn of(count: usize) -> Self {
        let (give, take) = bounded(count);
        Self { give, take }
    }

    /// Empty memory.
    fn take(&self) -> Vec<u8> {
        let mut memory = self.take.try_recv().unwrap_or_default();
        memory.clear();
        memory
    }

    /// Takes memory back, unless there is enough.
    fn give(&self, memory: Vec<u8>) {
        let _ = self.give.try_send(memory);
    }
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
        Self::go_on(scope, surroundings, framing, Vec::new(), 0)
    }

    /// Starts the stages where `packs` end. The stream is pushed from `position` on; what the packs hold is passed over.
    pub(crate) fn go_on<'env>(
        scope: &'scope Scope<'scope, 'env>,
        surroundings: &'env Surroundings<'env>,
        framing: Framing,
        packs_kept: Vec<PackKept>,
        position: u64,
    ) -> Self {
        let from = packs_kept.last().map_or(Boundary::default(), |pack| pack.end);
        let first_pack = packs_kept.len() as u64;
        let cores = cores();
        let trouble = Arc::new(Trouble::default());
        let (blocks, blocks_in) = bounded::<Block>(cores * QUEUE_PER_CORE);
        let (frames, frames_in) = bounded::<(u64, Frame)>(cores * QUEUE_PER_CORE);
        let (packs, packs_in) = bounded::<Full>(0);
        let (kept, kept_in) = bounded::<PackKept>(cores * QUEUE_PER_CORE);
        let sealed = Spare::of(sealers(cores));
        // As many as wait and are worked on, and no more.
        let spare = Spare::of(cores * (2 * QUEUE_PER_CORE + 2));
        let incompressible = Arc::new(AtomicU64::new(0));
        for _ in 0..cores {
            let (blocks_in, frames, spare) = (blocks_in.clone(), frames.clone(), spare.clone());
            let (trouble, incompressible) = (trouble.clone(), incompressible.clone());
            scope.spawn(move || frame_blocks(framing, from, &blocks_in, &frames, &spare, &incompressible, &trouble));
        }
        // One sealer more than cores: while one waits for the disk, the cores still have work.
        for _ in 0..sealers(cores) {
            let (packs_in, kept, sealed, trouble) = (packs_in.clone(), kept.clone(), sealed.clone(), trouble.clone());
            scope.spawn(move || seal_packs(surroundings, &packs_in, &kept, &sealed, &trouble));
        }
        drop((frames, kept));
        let packer = {
            let (spare, trouble) = (spare.clone(), trouble.clone());
            scope.spawn(move || pack_frames(from, first_pack, &frames_in, &packs, &spare, &sealed, &trouble))
        };
        let result = scope.spawn(move || {
            let mut in_order: BTreeMap<u64, PackKept> = packs_kept.into_iter().map(|pack| (pack.index, pack)).collect();
            in_order.extend(kept_in.iter().map(|pack| (pack.index, pack)));
            let packs = packer.join().ok()??;
            (in_order.len() as u64 == packs).then(|| Packed {
                packs: in_order.values().map(|pack| (pack.id, pack.bytes)).collect(),
                starts: in_order.values().filter_map(|pack| pack.start).collect(),
                plain_bytes: 0,
            })
        });
        let passed_over = from.frame * BLOCK_BYTES as u64;
        let block = Vec::with_capacity(BLOCK_BYTES);
        Self { blocks, block, spare, number: from.frame, plain_bytes: position, passed_over, trouble, result }
    }

    /// Takes the next bytes of the stream; waits while the stages behind are busy.
    ///
    /// # Errors
    /// The first failure of any stage.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> Outcome<()> {
        let known = self.passed_over.saturating_sub(self.plain_bytes).min(bytes.len() as u64);
        self.plain_bytes += bytes.len() as u64;
        bytes = &bytes[known as usize..];
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

    /// Whether the next bytes lie in packs that were kept before: they are passed over.
    pub(crate) fn is_kept_already(&self) -> bool {
        self.plain_bytes < self.passed_over
    }

    /// Ends the block before it is full, so that what follows stands in frames of its own.
    pub(crate) fn end_block(&mut self) -> Outcome<()> {
        if self.block.is_empty() {
            return Ok(());
        }
        let mut next = self.spare.take();
        next.reserve(BLOCK_BYTES);
        let bytes = std::mem::replace(&mut self.block, next);
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
    from: Boundary,
    blocks: &Receiver<Block>,
    frames: &Sender<(u64, Frame)>,
    spare: &Spare,
    incompressible: &AtomicU64,
    trouble: &Trouble,
) {
    let mut framer = match framing {
        Framing::Compressed => match Framer::new(LEVEL) {
            Ok(framer) => Some(framer),
            Err(error) => return trouble.report(Failure::new(Kind::Internal, "no memory to compress").source(error)),
        },
        Framing::Stored => None,
    };
    for block in blocks {
        let number = block.number;
        let again = from.skip > 0 && number == from.frame;
        let framed = match again {
            true => frame_at(framer.as_mut(), block.bytes, spare, from.level),
            false => frame_block(framer.as_mut(), number, block.bytes, spare, incompressible),
        };
        let frame = match framed {
            Ok(frame) => frame,
            Err(error) => return trouble.report(Failure::new(Kind::Internal, "cannot compress a block").source(error)),
        };
        if frames.send((number, frame)).is_err() {
            return;
        }
    }
}

/// Frames a block as it was framed before.
fn frame_at(framer: Option<&mut Framer>, block: Vec<u8>, spare: &Spare, level: i32) -> Result<Frame, stream::Error> {
    match framer {
        Some(framer) if level != STORED => {
            framer.set_level(level)?;
            let bytes = framer.frame_in(&block, spare.take())?;
            spare.give(block);
            Ok(Frame { bytes, level })
        }
        _ => Ok(Frame::stored(block)),
    }
}

/// Compresses a block where that helps. After a run of blocks where it did not, a small sample decides alone.
fn frame_block(
    framer: Option<&mut Framer>,
    number: u64,
    block: Vec<u8>,
    spare: &Spare,
    run: &AtomicU64,
) -> Result<Frame, stream::Error> {
    let Some(framer) = framer else { return Ok(Frame::stored(block)) };
    let level = level(number);
    framer.set_level(level)?;
    if run.load(Ordering::Relaxed) > 0 && !sample_compresses(framer, &block, spare)? {
        return Ok(Frame::stored(block));
    }
    let frame = framer.frame_in(&block, spare.take())?;
    if frame.len() + block.len() / WORTH_COMPRESSING < block.len() || block.len() < BLOCK_BYTES {
        run.store(0, Ordering::Relaxed);
        spare.give(block);
        return Ok(Frame { bytes: frame, level });
    }
    run.fetch_add(1, Ordering::Relaxed);
    spare.give(frame);
    Ok(Frame::stored(block))
}

fn sample_compresses(framer: &mut Framer, block: &[u8], spare: &Spare) -> Result<bool, stream::Error> {
    let mut sample = spare.take();
    for part in block.chunks(block.len().div_ceil(8)) {
        sample.extend_from_slice(part.get(..4096).unwrap_or(part));
    }
    let frame = framer.frame_in(&sample, spare.take())?;
    let is_smaller = frame.len() + sample.len() / WORTH_COMPRESSING < sample.len();
    spare.give(sample);
    spare.give(frame);
    Ok(is_smaller)
}

/// Puts frames in order into packs; says how many packs there are in all.
fn pack_frames(
    from: Boundary,
    first_pack: u64,
    frames: &Receiver<(u64, Frame)>,
    packs: &Sender<Full>,
    spare: &Spare,
    sealed: &Spare,
    trouble: &Trouble,
) -> Option<u64> {
    let mut waiting = BTreeMap::new();
    let mut packer = Packer::new(packs, sealed, from, first_pack);
    for (number, frame) in frames {
        waiting.insert(number, frame);
        while let Some(frame) = waiting.remove(&packer.next_frame) {
            if !packer.is_as_before(&frame) {
                trouble.report(Failure::internal(NotAsBefore));
                return None;
            }
            packer.frame(&frame)?;
            spare.give(frame.bytes);
        }
    }
    if !waiting.is_empty() {
        return None;
    }
    packer.finish()
}

/// A frame cannot be made again as it was before an interruption: everything is then stored anew.
#[derive(Debug, thiserror::Error)]
#[error("what was kept before the interruption cannot be continued")]
pub(crate) struct NotAsBefore;

impl NotAsBefore {
    /// Whether this is why something failed.
    pub(crate) fn is_cause_of(failure: &Failure) -> bool {
        failure.source.as_ref().is_some_and(|source| source.is::<Self>())
    }
}

/// A full pack on its way to be sealed.
struct Full {
    index: u64,
    builder: PackBuilder,
    start: Option<PackStart>,
    end: Boundary,
}

struct Packer<'a> {
    packs: &'a Sender<Full>,
    /// Memory of packs that are kept by now.
    sealed: &'a Spare,
    builder: PackBuilder,
    start: Option<PackStart>,
    index: u64,
    next_frame: u64,
    /// Bytes of all frames before the next one.
    framed_bytes: u64,
    from: Boundary,
}

impl<'a> Packer<'a> {
    fn new(packs: &'a Sender<Full>, sealed: &'a Spare, from: Boundary, index: u64) -> Self {
        let (next_frame, framed_bytes) = (from.frame, from.framed_bytes);
        Self { packs, sealed, builder: PackBuilder::new(), start: None, index, next_frame, framed_bytes, from }
    }

    /// Bytes of a frame that stand in packs kept before.
    fn skipped(&self, frame: &Frame) -> usize {
        let skip = if self.next_frame == self.from.frame { self.from.skip as usize } else { 0 };
        skip.min(frame.length())
    }

    /// Whether the beginning of a frame that stands in packs kept before was made the same again.
    fn is_as_before(&self, frame: &Frame) -> bool {
        let skipped = self.skipped(frame);
        skipped == 0 || check(&frame.whole()[..skipped]) == self.from.check
    }

    fn frame(&mut self, frame: &Frame) -> Option<()> {
        let skipped = self.skipped(frame);
        if self.start.is_none() && skipped == 0 {
            self.start = Some(PackStart { frame: self.next_frame, offset: self.builder.plaintext_bytes() as u64 });
        }
        if frame.level == STORED && skipped == 0 && frame.length() < self.builder.room_bytes() {
            stream::stored_frame_in_parts(&frame.bytes, |part| {
                self.builder.push(part);
            });
        } else {
            self.frame_over_packs(frame, skipped)?;
        }
        self.next_frame += 1;
        self.framed_bytes += frame.length() as u64;
        Some(())
    }

    /// A frame of which some bytes are passed over, or that ends in another pack than it begins.
    fn frame_over_packs(&mut self, frame: &Frame, skipped: usize) -> Option<()> {
        let bytes = frame.whole();
        let mut at = skipped;
        while at < bytes.len() {
            at += self.builder.push(&bytes[at..]);
            if self.builder.is_full() {
                let whole = at == bytes.len();
                let end = Boundary {
                    frame: self.next_frame + u64::from(whole),
                    skip: if whole { 0 } else { at as u64 },
                    level: frame.level,
                    framed_bytes: self.framed_bytes + if whole { bytes.len() as u64 } else { 0 },
                    check: check(&bytes[..at]),
                };
                self.end_pack(end)?;
            }
        }
        Some(())
    }

    fn end_pack(&mut self, end: Boundary) -> Option<()> {
        let next = self.sealed.take.try_recv().map_or_else(|_| PackBuilder::new(), PackBuilder::again);
        let builder = std::mem::replace(&mut self.builder, next);
        self.packs.send(Full { index: self.index, builder, start: self.start.take(), end }).ok()?;
        self.index += 1;
        Some(())
    }

    fn finish(mut self) -> Option<u64> {
        if self.framed_bytes == 0 {
            return Some(0);
        }
        // Nothing goes on from a pack of padding: the stream is at its end.
        let end = Boundary { frame: u64::MAX, ..Boundary::default() };
        for piece in stream::padding(self.framed_bytes) {
            let mut rest = piece.as_slice();
            while !rest.is_empty() {
                rest = &rest[self.builder.push(rest)..];
                if self.builder.is_full() {
                    self.end_pack(end)?;
                }
            }
        }
        if self.builder.plaintext_bytes() > 0 {
            self.end_pack(end)?;
        }
        Some(self.index)
    }
}

fn check(bytes: &[u8]) -> [u8; 16] {
    let mut check = [0; 16];
    blake3::Hasher::new().update(bytes).finalize_xof().fill(&mut check);
    check
}

fn seal_packs(
    surroundings: &Surroundings,
    packs: &Receiver<Full>,
    kept: &Sender<PackKept>,
    sealed: &Spare,
    trouble: &Trouble,
) {
    for Full { index, builder, start, end } in packs {
        let pack = builder.seal(surroundings.recipient, &mut SystemEntropy);
        let done = NamedBytes::name(pack).map_err(Failure::internal).and_then(|object| {
            (surroundings.put)(&object)?;
            let pack = PackKept { index, id: object.id(), bytes: object.length(), start, end };
            (surroundings.kept)(&pack)?;
            Ok((pack, object))
        });
        match done {
            Ok((pack, object)) => {
                sealed.give(object.into_bytes());
                if kept.send(pack).is_err() {
                    return;
                }
            }
            Err(failure) => return trouble.report(failure),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hizo_vault::age::{self, Identity};
    use hizo_vault::stream::Frames;
    use std::collections::HashMap;

    /// Packs that stand for a keeper.
    #[derive(Default)]
    struct Shelf {
        packs: Mutex<HashMap<ObjectId, Vec<u8>>>,
        kept: Mutex<Vec<PackKept>>,
    }

    impl Shelf {
        fn pack(&self, identity: &Identity, stream: &[u8], framing: Framing, from: &[PackKept]) -> Packed {
            let put = |object: &NamedBytes| {
                self.packs.lock().unwrap().insert(object.id(), object.as_bytes().to_vec());
                Ok(())
            };
            let kept = |pack: &PackKept| {
                self.kept.lock().unwrap().push(*pack);
                Ok(())
            };
            let surroundings = Surroundings { recipient: identity.recipient(), put: &put, kept: &kept };
            std::thread::scope(|scope| {
                let mut packing = Packing::go_on(scope, &surroundings, framing, from.to_vec(), 0);
                stream.chunks(777_777).for_each(|piece| packing.push(piece).unwrap());
                packing.finish().unwrap()
            })
        }

        fn read(&self, identity: &Identity, packed: &Packed) -> Vec<u8> {
            let packs = self.packs.lock().unwrap();
            let (mut frames, mut plain) = (Frames::new(), Vec::new());
            for (id, bytes) in &packed.packs {
                assert_eq!(packs[id].len() as u64, *bytes);
                frames.push(&age::open_own(packs[id].clone(), identity).unwrap()).unwrap();
                while let Some(frame) = frames.next_frame() {
                    plain.extend(stream::unframe(&frame).unwrap());
                }
            }
            frames.finish().unwrap();
            plain
        }
    }

    /// Half noise, half text: stored and compressed frames in turn.
    fn stream(bytes: usize) -> Vec<u8> {
        let mut state = 0x2545_f491_4f6c_dd1du64;
        let noise = std::iter::repeat_with(move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        });
        let mut stream: Vec<u8> = noise.flatten().take(bytes).collect();
        stream.chunks_mut(BLOCK_BYTES * 3).skip(1).step_by(2).for_each(|part| {
            part.iter_mut()
                .enumerate()
                .for_each(|(at, byte)| *byte = b"0123456789abcdef"[(at / 31 + usize::from(*byte & 1)) % 16]);
        });
        stream
    }

    #[test]
    fn a_stream_goes_on_behind_any_pack_and_is_the_same_stream() {
        let identity = Identity::generate(&mut SystemEntropy);
        let stream = stream(90 << 20);
        for framing in [Framing::Compressed, Framing::Stored] {
            let shelf = Shelf::default();
            let packed = shelf.pack(&identity, &stream, framing, &[]);
            assert!(shelf.read(&identity, &packed) == stream);
            let mut kept = shelf.kept.lock().unwrap().clone();
            kept.sort_by_key(|pack| pack.index);
            for last in [0, 1, kept.len() - 2] {
                let again = shelf.pack(&identity, &stream, framing, &kept[..=last]);
                assert_eq!(again.packs[..=last], packed.packs[..=last], "what was kept stays");
                assert_eq!(again.starts, packed.starts);
                assert!(shelf.read(&identity, &again) == stream);
            }
        }
    }

    #[test]
    fn a_stream_that_changed_before_the_interruption_is_not_continued() {
        let identity = Identity::generate(&mut SystemEntropy);
        let mut stream = stream(40 << 20);
        let shelf = Shelf::default();
        shelf.pack(&identity, &stream, Framing::Stored, &[]);
        let kept = *shelf.kept.lock().unwrap().iter().find(|pack| pack.index == 0).unwrap();
        stream[kept.end.frame as usize * BLOCK_BYTES] ^= 1;
        let put = |_: &NamedBytes| Ok(());
        let surroundings = Surroundings { recipient: identity.recipient(), put: &put, kept: &|_| Ok(()) };
        let failure = std::thread::scope(|scope| {
            let mut packing = Packing::go_on(scope, &surroundings, Framing::Stored, vec![kept], 0);
            match packing.push(&stream) {
                Ok(()) => packing.finish().unwrap_err(),
                Err(failure) => failure,
            }
        });
        assert!(NotAsBefore::is_cause_of(&failure));
    }

    #[test]
    fn what_cannot_be_put_ends_the_packing_with_its_reason() {
        let identity = Identity::generate(&mut SystemEntropy);
        let stream = stream(60 << 20);
        let put = |_: &NamedBytes| Err(Failure::fixable("the disk is full"));
        let surroundings = Surroundings { recipient: identity.recipient(), put: &put, kept: &|_| Ok(()) };
        let failure = std::thread::scope(|scope| {
            let mut packing = Packing::start(scope, &surroundings, Framing::Compressed);
            match packing.push(&stream) {
                Ok(()) => packing.finish().unwrap_err(),
                Err(failure) => failure,
            }
        });
        assert_eq!(failure.message.english(), "the disk is full");
    }
}
