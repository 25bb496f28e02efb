//! Streams: what is sealed is cut in blocks, framed, padded once at its end, and cut into packs.
//!
//! Nothing about the length of one file, one block or one pack leaves this module unpadded: a keeper sees the padded
//! total of a stream and nothing finer. See docs/spec/stream.md.

use std::cell::RefCell;
use std::collections::VecDeque;

/// Plain bytes in one frame, except in the last one of a stream.
pub const BLOCK_BYTES: usize = 1 << 20;

/// Shortest padded stream, in bytes.
pub const STREAM_BYTES_MIN: u64 = 4 << 10;

/// Largest window a frame may ask of its reader, in bytes.
pub const WINDOW_BYTES_MAX: u64 = 8 << 20;

const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const PADDING_MAGIC: [u8; 4] = [0x50, 0x2a, 0x4d, 0x18];
const PADDING_HEADER_BYTES: u64 = 8;
const PADDING_FRAME_BYTES_MAX: u64 = 1 << 30;
const ZSTD_BLOCK_BYTES: usize = 128 << 10;

/// Why a stream is refused. Streams come out of packs that a record names, so each of these is damage or malice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A frame is not Zstandard, has no content size, asks for a dictionary or too large a window, or holds too much.
    #[error("a frame of the stream is not in the profile")]
    Frame,
    /// A frame does not give the bytes it promises.
    #[error("a frame of the stream is damaged")]
    Damaged,
    /// Padding is not zero, not last, or not as long as it must be.
    #[error("the padding of the stream is not in its one form")]
    Padding,
    /// The stream ends inside a frame.
    #[error("the stream ends too early")]
    Truncated,
    /// The bytes could not be compressed (the library is out of memory).
    #[error("a block could not be compressed")]
    Compression,
}

/// The padded length (Padmé, floor 4 KiB) of a stream of `bytes` framed bytes.
///
/// The padding itself is skippable frames with a header of 8 bytes, so a gap of 1 to 7 bytes goes to the next step.
pub fn padded(bytes: u64) -> u64 {
    let mut padded = padme(bytes.max(STREAM_BYTES_MIN));
    while padded != bytes && padded.saturating_sub(bytes) < PADDING_HEADER_BYTES {
        padded = padme(padded.saturating_add(1));
    }
    padded
}

fn padme(bytes: u64) -> u64 {
    let exponent = bytes.max(2).ilog2();
    let kept = exponent.max(1).ilog2().saturating_add(1);
    let mask = 1u64.checked_shl(exponent.saturating_sub(kept)).unwrap_or(1).saturating_sub(1);
    bytes.saturating_add(mask) & !mask
}

/// The padding that ends a stream of `bytes` framed bytes, piece by piece (each at most [`BLOCK_BYTES`]).
pub fn padding(bytes: u64) -> impl Iterator<Item = Vec<u8>> {
    let mut left = padded(bytes).saturating_sub(bytes);
    let mut zeros = 0u64;
    std::iter::from_fn(move || {
        if zeros > 0 {
            let piece = zeros.min(BLOCK_BYTES as u64);
            zeros = zeros.saturating_sub(piece);
            return Some(vec![0; usize::try_from(piece).unwrap_or(BLOCK_BYTES)]);
        }
        if left == 0 {
            return None;
        }
        let frame = padding_frame_bytes(left);
        left = left.saturating_sub(frame);
        zeros = frame.saturating_sub(PADDING_HEADER_BYTES);
        let mut header = PADDING_MAGIC.to_vec();
        header.extend(u32::try_from(zeros).unwrap_or(u32::MAX).to_le_bytes());
        Some(header)
    })
}

/// All but the last frame of a padding are 1 GiB; the last is never shorter than its header.
fn padding_frame_bytes(left: u64) -> u64 {
    if left < PADDING_FRAME_BYTES_MAX.saturating_add(PADDING_HEADER_BYTES) { left } else { PADDING_FRAME_BYTES_MAX }
}

/// Compresses blocks into frames; keeps the library's tables between blocks.
pub struct Framer {
    compressor: zstd::bulk::Compressor<'static>,
    level: i32,
}

impl Framer {
    /// A framer at Zstandard's `level` (1 to 19).
    ///
    /// # Errors
    /// [`Error::Compression`] when the library has no memory.
    pub fn new(level: i32) -> Result<Self, Error> {
        let mut compressor = zstd::bulk::Compressor::new(level).map_err(|_| Error::Compression)?;
        compressor.include_contentsize(true).map_err(|_| Error::Compression)?;
        compressor.include_checksum(false).map_err(|_| Error::Compression)?;
        compressor.include_dictid(false).map_err(|_| Error::Compression)?;
        Ok(Self { compressor, level })
    }

    /// Frames what follows at another level.
    ///
    /// # Errors
    /// [`Error::Compression`] when the library has no memory.
    pub fn set_level(&mut self, level: i32) -> Result<(), Error> {
        if level != self.level {
            self.compressor.set_compression_level(level).map_err(|_| Error::Compression)?;
            self.level = level;
        }
        Ok(())
    }

    /// One block of at most [`BLOCK_BYTES`] as one frame.
    ///
    /// # Errors
    /// [`Error::Compression`] when the library has no memory.
    pub fn frame(&mut self, block: &[u8]) -> Result<Vec<u8>, Error> {
        self.frame_in(block, Vec::new())
    }

    /// The same in memory that is at hand, whatever it holds.
    ///
    /// # Errors
    /// As [`Framer::frame`].
    pub fn frame_in(&mut self, block: &[u8], mut room: Vec<u8>) -> Result<Vec<u8>, Error> {
        room.clear();
        room.reserve_exact(zstd::zstd_safe::compress_bound(block.len()));
        self.compressor.compress_to_buffer(block, &mut room).map_err(|_| Error::Compression)?;
        Ok(room)
    }
}

/// One block of at most [`BLOCK_BYTES`] as a frame that stores it as it is (RFC 8878, raw blocks).
pub fn stored_frame(block: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(stored_frame_bytes(block.len()));
    stored_frame_in_parts(block, |part| frame.extend_from_slice(part));
    frame
}

/// The same frame part by part, so that who puts it somewhere copies the block once.
pub fn stored_frame_in_parts(block: &[u8], mut give: impl FnMut(&[u8])) {
    give(&MAGIC);
    // Single segment, content size in four bytes, no checksum, no dictionary.
    give(&[0b1010_0000]);
    give(&u32::try_from(block.len()).unwrap_or(u32::MAX).to_le_bytes());
    let mut pieces = block.chunks(ZSTD_BLOCK_BYTES).peekable();
    if pieces.peek().is_none() {
        give(&[1, 0, 0]);
    }
    while let Some(piece) = pieces.next() {
        let last = u32::from(pieces.peek().is_none());
        let [a, b, c, _] = (u32::try_from(piece.len()).unwrap_or(u32::MAX) << 3 | last).to_le_bytes();
        give(&[a, b, c]);
        give(piece);
    }
}

/// Length of the frame that stores a block of so many bytes.
pub const fn stored_frame_bytes(block_bytes: usize) -> usize {
    let blocks = block_bytes.div_ceil(ZSTD_BLOCK_BYTES);
    let blocks = if blocks == 0 { 1 } else { blocks };
    block_bytes.saturating_add(9).saturating_add(blocks.saturating_mul(3))
}

thread_local! {
    /// Making one takes longer than undoing a small frame with it.
    static UNDOING: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Undoes one frame that [`Frames`] gave.
///
/// # Errors
/// [`Error::Frame`] for a frame outside the profile, [`Error::Damaged`] when it does not hold what it promises.
pub fn unframe(frame: &[u8]) -> Result<Vec<u8>, Error> {
    let content = match inspect(frame)? {
        Piece::Frame { content, .. } => content,
        Piece::Padding { .. } | Piece::More => return Err(Error::Frame),
    };
    let block = UNDOING.with_borrow_mut(|undoing| {
        let undoing = match undoing {
            Some(undoing) => undoing,
            None => undoing.insert(zstd::bulk::Decompressor::new().map_err(|_| Error::Compression)?),
        };
        undoing.decompress(frame, content).map_err(|_| Error::Damaged)
    })?;
    if block.len() == content { Ok(block) } else { Err(Error::Damaged) }
}

/// Takes a stream's bytes as they come and gives back its frames, whole and in order.
#[derive(Default)]
pub struct Frames {
    pending: Vec<u8>,
    ready: VecDeque<Vec<u8>>,
    data_bytes: u64,
    padding_bytes: u64,
    zeros_left: u64,
    partial: bool,
}

impl Frames {
    /// A whole stream, from its first byte.
    pub fn new() -> Self {
        Self::default()
    }

    /// A stream entered at a frame's first byte: the padding's length cannot be judged then.
    pub fn from_the_middle() -> Self {
        Self { partial: true, ..Self::default() }
    }

    /// Takes the next bytes of the stream.
    ///
    /// # Errors
    /// [`Error::Frame`] for a frame outside the profile; [`Error::Padding`] for padding that is not zero or not last.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let mut ready = std::mem::take(&mut self.ready);
        let pushed = self.push_each(bytes, |frame| ready.push_back(frame.to_vec()));
        self.ready = ready;
        pushed
    }

    /// Takes the next bytes of the stream and hands over each frame that they complete, compressed.
    ///
    /// # Errors
    /// As [`Frames::push`].
    pub fn push_each(&mut self, bytes: &[u8], mut give: impl FnMut(&[u8])) -> Result<(), Error> {
        let mut rest = bytes;
        // What began in earlier bytes is completed first, with as little copying as its end needs.
        while !self.pending.is_empty() && !rest.is_empty() {
            let (step, after) = rest.split_at_checked(ZSTD_BLOCK_BYTES).unwrap_or((rest, &[]));
            let had = self.pending.len();
            self.pending.extend_from_slice(step);
            let pending = std::mem::take(&mut self.pending);
            let taken = self.take_whole(&pending, &mut give)?;
            match taken.checked_sub(had) {
                Some(used) if taken > 0 => rest = rest.get(used..).unwrap_or_default(),
                _ => {
                    self.pending = pending.get(taken..).unwrap_or_default().to_vec();
                    rest = after;
                }
            }
        }
        let rest = self.take_zeros(rest)?;
        let taken = self.take_whole(rest, &mut give)?;
        self.pending.extend_from_slice(rest.get(taken..).unwrap_or_default());
        Ok(())
    }

    /// Takes whole frames and paddings from the front of `bytes` and says how many bytes that were.
    fn take_whole(&mut self, bytes: &[u8], give: &mut impl FnMut(&[u8])) -> Result<usize, Error> {
        let mut rest = bytes;
        loop {
            match inspect(rest)? {
                Piece::More => return Ok(bytes.len().saturating_sub(rest.len())),
                Piece::Frame { length, .. } => {
                    if self.padding_bytes > 0 {
                        return Err(Error::Padding);
                    }
                    let (frame, after) = rest.split_at_checked(length).ok_or(Error::Truncated)?;
                    give(frame);
                    self.data_bytes = self.data_bytes.saturating_add(length as u64);
                    rest = after;
                }
                Piece::Padding { zeros } => {
                    let header = usize::try_from(PADDING_HEADER_BYTES).map_err(|_| Error::Padding)?;
                    let (_, after) = rest.split_at_checked(header).ok_or(Error::Truncated)?;
                    self.padding_bytes = self.padding_bytes.saturating_add(PADDING_HEADER_BYTES).saturating_add(zeros);
                    self.zeros_left = zeros;
                    rest = self.take_zeros(after)?;
                }
            }
        }
    }

    /// The next whole frame, compressed.
    pub fn next_frame(&mut self) -> Option<Vec<u8>> {
        self.ready.pop_front()
    }

    /// Ends the stream.
    ///
    /// # Errors
    /// [`Error::Truncated`] inside a frame; [`Error::Padding`] when the whole is not as long as its rule says.
    pub fn finish(&self) -> Result<(), Error> {
        if !self.pending.is_empty() || self.zeros_left > 0 {
            return Err(Error::Truncated);
        }
        let total = self.data_bytes.saturating_add(self.padding_bytes);
        if self.partial || total == padded(self.data_bytes) { Ok(()) } else { Err(Error::Padding) }
    }

    fn take_zeros<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], Error> {
        let count = usize::try_from(self.zeros_left).unwrap_or(usize::MAX).min(bytes.len());
        let (zeros, rest) = bytes.split_at_checked(count).ok_or(Error::Padding)?;
        if zeros.iter().any(|byte| *byte != 0) {
            return Err(Error::Padding);
        }
        self.zeros_left = self.zeros_left.saturating_sub(count as u64);
        Ok(rest)
    }
}

enum Piece {
    More,
    Frame { length: usize, content: usize },
    Padding { zeros: u64 },
}

/// Reads a frame's headers and finds its end, without decompressing (RFC 8878, sections 3.1.1 and 3.1.2).
fn inspect(bytes: &[u8]) -> Result<Piece, Error> {
    let Some((magic, rest)) = bytes.split_first_chunk::<4>() else { return Ok(Piece::More) };
    if *magic == PADDING_MAGIC {
        return Ok(match rest.first_chunk::<4>() {
            Some(length) => Piece::Padding { zeros: u32::from_le_bytes(*length).into() },
            None => Piece::More,
        });
    }
    if *magic != MAGIC {
        return Err(Error::Frame);
    }
    let Some((descriptor, rest)) = rest.split_first() else { return Ok(Piece::More) };
    let single_segment = descriptor & 0b0010_0000 != 0;
    if descriptor & 0b0001_1111 != 0 {
        return Err(Error::Frame); // A dictionary, a checksum or a reserved bit.
    }
    let size_bytes = match (descriptor >> 6, single_segment) {
        (0, true) => 1,
        (1, _) => 2,
        (2, _) => 4,
        _ => return Err(Error::Frame),
    };
    let window_bytes = usize::from(!single_segment);
    let header_bytes = window_bytes.saturating_add(size_bytes);
    let Some((header, blocks)) = rest.split_at_checked(header_bytes) else { return Ok(Piece::More) };
    let (window, size) = header.split_at_checked(window_bytes).ok_or(Error::Frame)?;
    if window.first().is_some_and(|descriptor| window_size(*descriptor) > WINDOW_BYTES_MAX) {
        return Err(Error::Frame);
    }
    let mut content = size.iter().rev().fold(0usize, |value, byte| value << 8 | usize::from(*byte));
    if size_bytes == 2 {
        content = content.saturating_add(256);
    }
    if content == 0 || content > BLOCK_BYTES {
        return Err(Error::Frame);
    }
    let headers = bytes.len().saturating_sub(blocks.len());
    match end_of_blocks(blocks)? {
        Some(length) => Ok(Piece::Frame { length: headers.saturating_add(length), content }),
        None => Ok(Piece::More),
    }
}

fn window_size(descriptor: u8) -> u64 {
    let base = 1u64 << (10 + u32::from(descriptor >> 3)).min(63);
    base.saturating_add((base >> 3).saturating_mul(u64::from(descriptor & 7)))
}

/// Length of a frame's blocks, or nothing yet. A frame of one block of ours has nine at most.
fn end_of_blocks(blocks: &[u8]) -> Result<Option<usize>, Error> {
    let mut at = 0usize;
    loop {
        let Some(header) = blocks.get(at..).and_then(|rest| rest.first_chunk::<3>()) else { return Ok(None) };
        let header = u32::from_le_bytes([header[0], header[1], header[2], 0]);
        let size = usize::try_from(header >> 3).map_err(|_| Error::Frame)?;
        let stored = match header >> 1 & 3 {
            0 | 2 => size,
            1 => 1,
            _ => return Err(Error::Frame),
        };
        if size > ZSTD_BLOCK_BYTES || at > BLOCK_BYTES * 2 {
            return Err(Error::Frame);
        }
        at = at.saturating_add(3).saturating_add(stored);
        if at > blocks.len() {
            return Ok(None);
        }
        if header & 1 == 1 {
            return Ok(Some(at));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]
    use super::*;

    fn stream(blocks: &[&[u8]]) -> Vec<u8> {
        let mut framer = Framer::new(1).unwrap();
        let mut bytes: Vec<u8> = blocks.iter().flat_map(|block| framer.frame(block).unwrap()).collect();
        let framed = bytes.len() as u64;
        padding(framed).for_each(|piece| bytes.extend(piece));
        assert_eq!(bytes.len() as u64, padded(framed));
        bytes
    }

    fn read(bytes: &[u8], step: usize) -> Result<Vec<u8>, Error> {
        let mut frames = Frames::new();
        let mut plain = Vec::new();
        for piece in bytes.chunks(step) {
            frames.push(piece)?;
            while let Some(frame) = frames.next_frame() {
                plain.extend(unframe(&frame)?);
            }
        }
        frames.finish()?;
        Ok(plain)
    }

    #[test]
    fn padded_lengths_follow_padme() {
        for (bytes, expected) in
            [(0, 4096), (4096, 4096), (4097, 4352), (4350, 4608), (9_000_000, 9_175_040), (2 << 30, 2 << 30)]
        {
            assert_eq!(padded(bytes), expected, "{bytes}");
        }
        let overhead = |bytes: u64| padded(bytes) as f64 / bytes as f64;
        assert!((5_000..2_000_000).step_by(977).all(|bytes| overhead(bytes) < 1.12));
        assert_eq!(padded((2 << 30) + 1) - (2 << 30), 64 << 20, "the step at 2 GiB is 64 MiB");
    }

    #[test]
    fn a_stream_reads_back_whatever_the_pieces() {
        let block: Vec<u8> = (0..BLOCK_BYTES).map(|i| ((i * i) >> 7) as u8).collect();
        let bytes = stream(&[&block, b"tail"]);
        for step in [7, 4096, bytes.len()] {
            assert_eq!(read(&bytes, step).unwrap(), [&block[..], b"tail"].concat());
        }
    }

    #[test]
    fn a_stored_frame_is_a_frame_like_any_other() {
        for length in [1, 255, 256, 131_072, 131_073, BLOCK_BYTES] {
            let block: Vec<u8> = (0..length).map(|i| i as u8).collect();
            let frame = stored_frame(&block);
            assert_eq!(frame.len(), stored_frame_bytes(length));
            assert_eq!(unframe(&frame).unwrap(), block);
        }
    }

    #[test]
    fn padding_that_is_not_zero_not_last_or_not_exact_is_refused() {
        let good = stream(&[b"secret"]);
        let mut not_zero = good.clone();
        *not_zero.last_mut().unwrap() = 1;
        assert_eq!(read(&not_zero, 999), Err(Error::Padding));
        assert_eq!(read(&[good.clone(), stored_frame(b"more")].concat(), 999), Err(Error::Padding));
        assert_eq!(read(&good[..good.len() - 1], 999), Err(Error::Truncated));
        let mut unpadded = stored_frame(b"secret");
        assert_eq!(read(&unpadded, 999), Err(Error::Padding));
        unpadded.extend([0x51, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]);
        assert_eq!(read(&unpadded, 999), Err(Error::Frame), "another skippable magic");
    }

    #[test]
    fn frames_outside_the_profile_are_refused() {
        let with = |change: fn(&mut Vec<u8>)| {
            let mut frame = stored_frame(&[7; 300]);
            change(&mut frame);
            unframe(&frame)
        };
        assert!(with(|_| ()).is_ok());
        assert_eq!(with(|frame| frame[4] |= 0b100), Err(Error::Frame), "checksum");
        assert_eq!(with(|frame| frame[4] |= 0b1), Err(Error::Frame), "dictionary");
        assert_eq!(with(|frame| frame[4] |= 0b1000), Err(Error::Frame), "reserved bit");
        assert_eq!(with(|frame| frame[7] = 0xff), Err(Error::Frame), "content over 1 MiB");
        assert_eq!(with(|frame| frame[5..9].fill(0)), Err(Error::Frame), "no content");
        assert_eq!(with(|frame| frame[0] = 0), Err(Error::Frame), "magic");
        assert_eq!(with(|frame| frame[9] |= 0b110), Err(Error::Frame), "reserved block type");
        // No content size at all: descriptor 0 with a window byte.
        assert_eq!(unframe(&[0x28, 0xb5, 0x2f, 0xfd, 0, 0x50, 1, 0, 0]), Err(Error::Frame));
        // A window of 16 MiB with a content size of two bytes.
        assert_eq!(unframe(&[0x28, 0xb5, 0x2f, 0xfd, 0x40, 14 << 3, 0, 0, 1, 0, 0]), Err(Error::Frame));
    }

    #[test]
    fn a_frame_that_gives_other_than_it_promises_is_damaged() {
        let mut frame = stored_frame(&[7; 300]);
        frame[5] += 1;
        assert_eq!(unframe(&frame), Err(Error::Damaged));
        let mut bomb = vec![0x28, 0xb5, 0x2f, 0xfd, 0xa0, 16, 0, 0, 0];
        bomb.extend([(131_072u32 << 3 | 0b010).to_le_bytes()[0], 0, 0x10, 7, 0b011, 0, 0x10, 7]);
        assert_eq!(unframe(&bomb), Err(Error::Damaged), "256 KiB out of a promise of 16 bytes");
    }
}
