//! A pack in the making: a buffer laid out as the final file, sealed where it stands.

use zeroize::Zeroize;

use super::Recipient;
use super::header;
use super::hedge::Hedge;
use super::stream::{self, CHUNK_BYTES, NONCE_BYTES, Payload, SEALED_CHUNK_BYTES, TAG_BYTES};
use crate::entropy::Entropy;

/// Length of a full pack's file.
pub const PACK_BYTES: usize = 16 << 20;

/// Plaintext bytes that make a file of exactly [`PACK_BYTES`] for one recipient.
pub const PACK_PLAINTEXT_BYTES: usize = {
    let chunks = PACK_BYTES - PREFIX_BYTES;
    let short = chunks % SEALED_CHUNK_BYTES;
    assert!(short > TAG_BYTES, "the last chunk of a full pack holds something");
    chunks / SEALED_CHUNK_BYTES * CHUNK_BYTES + short - TAG_BYTES
};

/// Header with one hybrid stanza, then the nonce.
const PREFIX_BYTES: usize = header::hybrid_header_bytes(1) + NONCE_BYTES;

/// Collects the plaintext of one pack and seals it without a second buffer.
///
/// Holds 16 MiB at most, whatever is pushed. What was pushed is wiped when the builder is dropped unsealed.
pub struct PackBuilder {
    file: Vec<u8>,
    plaintext_bytes: usize,
}

impl PackBuilder {
    /// An empty pack. Memory is taken as it fills.
    pub fn new() -> Self {
        Self { file: vec![0; PACK_BYTES], plaintext_bytes: 0 }
    }

    /// An empty pack in the memory of an earlier one, as [`PackBuilder::seal`] gave it: memory that was never touched
    /// takes the system as long to give as the cipher takes to fill. Nothing of what it holds comes into the new one.
    pub fn again(mut sealed: Vec<u8>) -> Self {
        sealed.resize(PACK_BYTES, 0);
        Self { file: sealed, plaintext_bytes: 0 }
    }

    /// Takes as much as fits and says how much that was.
    pub fn push(&mut self, plaintext: &[u8]) -> usize {
        let mut rest = plaintext;
        while !rest.is_empty() && !self.is_full() {
            let room = self.room();
            let (now, later) = rest.split_at_checked(room.len()).unwrap_or((rest, &[]));
            if let Some(room) = room.get_mut(..now.len()) {
                room.copy_from_slice(now);
            }
            self.plaintext_bytes = self.plaintext_bytes.saturating_add(now.len());
            rest = later;
        }
        plaintext.len().saturating_sub(rest.len())
    }

    /// Bytes pushed so far, at most [`PACK_PLAINTEXT_BYTES`].
    pub const fn plaintext_bytes(&self) -> usize {
        self.plaintext_bytes
    }

    /// Bytes that still fit.
    pub const fn room_bytes(&self) -> usize {
        PACK_PLAINTEXT_BYTES.saturating_sub(self.plaintext_bytes)
    }

    /// Whether nothing more fits: sealed now, the file has exactly [`PACK_BYTES`].
    pub const fn is_full(&self) -> bool {
        self.plaintext_bytes == PACK_PLAINTEXT_BYTES
    }

    /// Seals what was pushed; the file is as long as that needs.
    pub fn seal(mut self, recipient: &Recipient, entropy: &mut dyn Entropy) -> Vec<u8> {
        let mut file = std::mem::take(&mut self.file);
        file.truncate(PREFIX_BYTES.saturating_add(stream::sealed_bytes(self.plaintext_bytes)));
        let (prefix, chunks) = file.split_at_mut(PREFIX_BYTES);

        let mut hedge = Hedge::new(std::slice::from_ref(recipient), entropy);
        for chunk in chunks.chunks(SEALED_CHUNK_BYTES) {
            hedge.update(chunk.split_at(chunk.len().saturating_sub(TAG_BYTES)).0);
        }
        let mut drawn = hedge.finish();
        let randomness = drawn.encapsulation();
        let stanza = recipient.wrap(&drawn.file_key, &randomness);
        let (header_room, nonce_room) = prefix.split_at_mut(PREFIX_BYTES - NONCE_BYTES);
        header_room.copy_from_slice(&header::compose(&[stanza], &drawn.file_key));
        nonce_room.copy_from_slice(&drawn.nonce);
        Payload::new(&drawn.file_key, &drawn.nonce).seal(chunks);
        file
    }

    /// What is left of the chunk being filled.
    fn room(&mut self) -> &mut [u8] {
        let chunk = self.plaintext_bytes / CHUNK_BYTES;
        let filled = self.plaintext_bytes % CHUNK_BYTES;
        let start = PREFIX_BYTES.saturating_add(chunk.saturating_mul(SEALED_CHUNK_BYTES)).saturating_add(filled);
        let left = CHUNK_BYTES.saturating_sub(filled).min(PACK_PLAINTEXT_BYTES.saturating_sub(self.plaintext_bytes));
        self.file.get_mut(start..start.saturating_add(left)).unwrap_or_default()
    }
}

impl Default for PackBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for PackBuilder {
    fn drop(&mut self) {
        // Only what was written: the rest of the buffer was never touched, and stays untaken memory.
        let written = PREFIX_BYTES.saturating_add(stream::sealed_bytes(self.plaintext_bytes));
        let written = written.min(self.file.len());
        self.file.get_mut(..written).unwrap_or_default().zeroize();
    }
}
