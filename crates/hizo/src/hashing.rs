//! Both hashes of one large file while it streams by, each on a thread of its own, so that neither waits for the other;
//! and what falls out of one of them: a hash of each segment of the file.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::thread::JoinHandle;

use blake3::hazmat::{self, HasherExt as _, Mode};
use crossbeam_channel::{Sender, bounded};
use hizo_vault::commit::ContentValue;
use hizo_vault::manifest::SEGMENT_BYTES;
use sha2::{Digest as _, Sha256};

/// Bytes in hexadecimal digits, as hashes and ids are written.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The node over one segment in the tree of a content's keyed BLAKE3: equal only for equal bytes under one key, at one
/// place.
pub(crate) type ChainingValue = hazmat::ChainingValue;

/// Contents of so many bytes may be composed, and keep the chaining values of their segments; 64 GiB have 32 MiB of them.
pub(crate) const COMPOSED_BYTES: RangeInclusive<u64> = 2 * SEGMENT_BYTES..=SEGMENT_BYTES << 20;

/// Pieces that wait for a hash.
const QUEUE: usize = 4;

/// Pieces whose memory may be used again: as many as wait for both hashes, and are worked on.
const PIECES_AT_HAND: usize = 2 * QUEUE + 2;

/// Zeros of holes are hashed in pieces of this many bytes.
const ZEROS_BYTES: u64 = 1 << 20;

/// A part of a file, shared between those who need it.
pub(crate) type Piece = Arc<Vec<u8>>;

/// A file being hashed.
pub(crate) struct Hashing {
    pieces: [Sender<Piece>; 2],
    sha256: JoinHandle<[u8; 32]>,
    blake3: JoinHandle<Tree>,
    key: [u8; 32],
    zeros: Option<Piece>,
    /// Pieces that were given out: the first of them may be free by now.
    given: VecDeque<Piece>,
}

impl Hashing {
    /// Starts with the content's own key.
    pub(crate) fn start(key: [u8; 32]) -> Self {
        Self::over(TreeHasher::whole(key))
    }

    /// Starts with a key, for a file of this many bytes whose segments count.
    pub(crate) fn in_segments(key: [u8; 32], size: u64) -> Self {
        Self::over(TreeHasher::of_size(key, size))
    }

    fn over(mut hasher: TreeHasher) -> Self {
        let key = hasher.key;
        let (to_sha256, for_sha256) = bounded::<Piece>(QUEUE);
        let (to_blake3, for_blake3) = bounded::<Piece>(QUEUE);
        let sha256 = std::thread::spawn(move || {
            let mut hasher = Sha256::new();
            for_sha256.iter().for_each(|piece| hasher.update(piece.as_slice()));
            hasher.finalize().into()
        });
        let blake3 = std::thread::spawn(move || {
            for_blake3.iter().for_each(|piece| hasher.update(piece.as_slice()));
            hasher.finish()
        });
        Self { pieces: [to_sha256, to_blake3], sha256, blake3, key, zeros: None, given: VecDeque::new() }
    }

    /// Empty memory for the next bytes: that of a piece which nobody needs any more, if there is one.
    pub(crate) fn room(&mut self) -> Vec<u8> {
        let oldest = self.given.pop_front().map(Arc::try_unwrap);
        match oldest {
            Some(Ok(mut room)) => {
                room.clear();
                room
            }
            // The others are younger still.
            Some(Err(piece)) => {
                self.given.push_front(piece);
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    /// Takes a copy of the next bytes of the file.
    pub(crate) fn copy(&mut self, bytes: &[u8]) -> Piece {
        let mut room = self.room();
        room.extend_from_slice(bytes);
        self.bytes(room)
    }

    /// Takes the next bytes of the file and gives them back to be used further.
    pub(crate) fn bytes(&mut self, bytes: Vec<u8>) -> Piece {
        let piece = Arc::new(bytes);
        self.piece(&piece);
        self.given.push_back(piece.clone());
        if self.given.len() > PIECES_AT_HAND {
            self.given.pop_front();
        }
        piece
    }

    /// Takes a hole of this many bytes.
    pub(crate) fn zeros(&mut self, mut count: u64) {
        while count > 0 {
            let now = count.min(ZEROS_BYTES);
            let zeros = self.zeros.take().filter(|zeros| zeros.len() as u64 == now);
            let zeros = zeros.unwrap_or_else(|| Arc::new(vec![0; now as usize]));
            self.piece(&zeros);
            self.zeros = Some(zeros);
            count -= now;
        }
    }

    /// The value of everything taken.
    pub(crate) fn finish(self) -> ContentValue {
        self.finish_segments().0
    }

    /// The same, and the chaining values of the segments, if they count.
    pub(crate) fn finish_segments(self) -> (ContentValue, Vec<ChainingValue>) {
        drop(self.pieces);
        let sha256 = self.sha256.join().expect("hashing does not panic");
        let tree = self.blake3.join().expect("hashing does not panic");
        (ContentValue { sha256, key: self.key, blake3: tree.root }, tree.segments)
    }

    fn piece(&self, piece: &Piece) {
        for to in &self.pieces {
            to.send(piece.clone()).expect("a hashing thread lives as long as its file");
        }
    }
}

/// The value of bytes that are at hand whole, and the chaining values of their segments.
pub(crate) fn value_and_segments(key: [u8; 32], bytes: &[u8]) -> (ContentValue, Vec<ChainingValue>) {
    let tree = tree(key, bytes);
    (ContentValue { sha256: Sha256::digest(bytes).into(), key, blake3: tree.root }, tree.segments)
}

/// The chaining values of the segments of bytes that are at hand whole.
pub(crate) fn segments(key: [u8; 32], bytes: &[u8]) -> Vec<ChainingValue> {
    tree(key, bytes).segments
}

fn tree(key: [u8; 32], bytes: &[u8]) -> Tree {
    let mut hasher = TreeHasher::of_size(key, bytes.len() as u64);
    hasher.update(bytes);
    hasher.finish()
}

/// A keyed BLAKE3 with the nodes of its tree over segments.
struct Tree {
    root: [u8; 32],
    /// None when they do not count.
    segments: Vec<ChainingValue>,
}

struct TreeHasher {
    key: [u8; 32],
    segment_bytes: u64,
    /// The segment at hand.
    hasher: blake3::Hasher,
    /// Those before it.
    segments: Vec<ChainingValue>,
}

impl TreeHasher {
    fn whole(key: [u8; 32]) -> Self {
        Self { key, segment_bytes: u64::MAX, hasher: blake3::Hasher::new_keyed(&key), segments: Vec::new() }
    }

    fn of_size(key: [u8; 32], size: u64) -> Self {
        let segment_bytes = if COMPOSED_BYTES.contains(&size) { SEGMENT_BYTES } else { u64::MAX };
        Self { segment_bytes, ..Self::whole(key) }
    }

    fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.hasher.count() == self.segment_bytes {
                // A segment ends only when more follows: the last one may be the whole tree.
                self.segments.push(self.hasher.finalize_non_root());
                self.hasher = blake3::Hasher::new_keyed(&self.key);
                self.hasher.set_input_offset(self.segments.len() as u64 * SEGMENT_BYTES);
            }
            let room = usize::try_from(self.segment_bytes - self.hasher.count()).unwrap_or(usize::MAX);
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.hasher.update(now);
            bytes = later;
        }
    }

    fn finish(mut self) -> Tree {
        if self.segments.is_empty() {
            return Tree { root: self.hasher.finalize().into(), segments: Vec::new() };
        }
        self.segments.push(self.hasher.finalize_non_root());
        let mode = Mode::KeyedHash(&self.key);
        let (left, right) = halves(&self.segments);
        let root = hazmat::merge_subtrees_root(&subtree(left, mode), &subtree(right, mode), mode);
        Tree { root: root.into(), segments: self.segments }
    }
}

/// The left subtree of BLAKE3 is the largest that is full and leaves something to the right (its paper, section 2.1).
fn halves(segments: &[ChainingValue]) -> (&[ChainingValue], &[ChainingValue]) {
    segments.split_at(segments.len().next_power_of_two() / 2)
}

fn subtree(segments: &[ChainingValue], mode: Mode) -> ChainingValue {
    match segments {
        [one] => *one,
        _ => {
            let (left, right) = halves(segments);
            hazmat::merge_subtrees_non_root(&subtree(left, mode), &subtree(right, mode), mode)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_in_segments_has_the_root_of_the_whole() {
        let segment = SEGMENT_BYTES as usize;
        let bytes: Vec<u8> = (0..20 * segment).map(|at| (at * at / 7 % 251) as u8).collect();
        let around = |count: usize| [count * segment - 1, count * segment, count * segment + 1];
        let sizes = (1..20).flat_map(around).chain([0, 1, 1023, 1024, 1025, 20 * segment]);
        for size in sizes {
            let (value, segments) = value_and_segments([7; 32], &bytes[..size]);
            assert!(value == ContentValue::of([7; 32], &bytes[..size]), "{size}");
            let count = if COMPOSED_BYTES.contains(&(size as u64)) { size.div_ceil(segment) } else { 0 };
            assert_eq!(segments.len(), count, "{size}");
            let mut hashing = Hashing::in_segments([7; 32], size as u64);
            bytes[..size].chunks(100_000).for_each(|piece| drop(hashing.bytes(piece.to_vec())));
            hashing.zeros(0);
            assert!(hashing.finish_segments() == (value, segments), "{size}");
        }
    }

    #[test]
    fn a_changed_byte_changes_its_own_segment_alone() {
        let segment = SEGMENT_BYTES as usize;
        let before = vec![1; 5 * segment + 10];
        let mut after = [before.clone(), vec![2; 3 * segment]].concat();
        after[2 * segment] ^= 1;
        let (before, after) = (segments([7; 32], &before), segments([7; 32], &after));
        let same: Vec<bool> = before.iter().zip(&after).map(|(a, b)| a == b).collect();
        assert_eq!(same, [true, true, false, true, true, false]);
        assert_ne!(segments([8; 32], &vec![1; 2 * segment])[0], before[0], "another key");
        assert_ne!(before[0], before[1], "another place");
    }
}
