//! Both hashes of one large file while it streams by, each on a thread of its own, so that neither waits for the other.

use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Sender, bounded};
use hizo_vault::commit::ContentValue;
use sha2::{Digest as _, Sha256};

/// Pieces that wait for a hash.
const QUEUE: usize = 4;

/// Zeros of holes are hashed in pieces of this many bytes.
const ZEROS_BYTES: u64 = 1 << 20;

/// A part of a file, shared between those who need it.
pub(crate) type Piece = Arc<Vec<u8>>;

/// A file being hashed.
pub(crate) struct Hashing {
    pieces: [Sender<Piece>; 2],
    sha256: JoinHandle<[u8; 32]>,
    blake3: JoinHandle<[u8; 32]>,
    key: [u8; 32],
    zeros: Option<Piece>,
}

impl Hashing {
    /// Starts with the content's own key.
    pub(crate) fn start(key: [u8; 32]) -> Self {
        let (to_sha256, for_sha256) = bounded::<Piece>(QUEUE);
        let (to_blake3, for_blake3) = bounded::<Piece>(QUEUE);
        let sha256 = std::thread::spawn(move || {
            let mut hasher = Sha256::new();
            for_sha256.iter().for_each(|piece| hasher.update(piece.as_slice()));
            hasher.finalize().into()
        });
        let blake3 = std::thread::spawn(move || {
            let mut hasher = blake3::Hasher::new_keyed(&key);
            for_blake3.iter().for_each(|piece| {
                hasher.update(piece.as_slice());
            });
            hasher.finalize().into()
        });
        Self { pieces: [to_sha256, to_blake3], sha256, blake3, key, zeros: None }
    }

    /// Takes the next bytes of the file and gives them back to be used further.
    pub(crate) fn bytes(&self, bytes: Vec<u8>) -> Piece {
        let piece = Arc::new(bytes);
        self.piece(&piece);
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
        drop(self.pieces);
        let sha256 = self.sha256.join().expect("hashing does not panic");
        let blake3 = self.blake3.join().expect("hashing does not panic");
        ContentValue { sha256, key: self.key, blake3 }
    }

    fn piece(&self, piece: &Piece) {
        for to in &self.pieces {
            to.send(piece.clone()).expect("a hashing thread lives as long as its file");
        }
    }
}
