//! The payload of an age file: chunks of 64 KiB, each sealed, the last one marked.
//!
//! See docs/spec/pack-container.md, section "Payload". Everything happens in place.

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{Fault, FileKey};

/// Bytes of the nonce between header and chunks.
pub(super) const NONCE_BYTES: usize = 16;
/// Plaintext bytes of a full chunk.
pub(super) const CHUNK_BYTES: usize = 64 << 10;
/// Bytes that sealing adds to each chunk.
pub(super) const TAG_BYTES: usize = 16;
/// Bytes of a full chunk in the file.
pub(super) const SEALED_CHUNK_BYTES: usize = CHUNK_BYTES + TAG_BYTES;

/// The key of a payload. Its nonces are counted from zero, so it seals one payload only.
pub(super) struct Payload {
    key: LessSafeKey,
}

/// Length of the chunks of so much plaintext: an empty payload still has one.
pub(super) const fn sealed_bytes(plaintext_bytes: usize) -> usize {
    let chunks = if plaintext_bytes == 0 { 1 } else { plaintext_bytes.div_ceil(CHUNK_BYTES) };
    plaintext_bytes.saturating_add(chunks.saturating_mul(TAG_BYTES))
}

impl Payload {
    pub(super) fn new(file_key: &FileKey, nonce: &[u8; NONCE_BYTES]) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::new(Some(nonce), file_key.0.as_ref())
            .expand(b"payload", key.as_mut())
            .expect("32 bytes are within what HKDF-SHA-256 can give");
        Self { key: cipher(&key) }
    }

    /// Seals `laid_out`, whose every chunk is plaintext followed by room for its tag.
    pub(super) fn seal(&self, laid_out: &mut [u8]) {
        let mut chunks = laid_out.chunks_mut(SEALED_CHUNK_BYTES).enumerate().peekable();
        while let Some((number, chunk)) = chunks.next() {
            self.seal_chunk(number, chunks.peek().is_none(), chunk);
        }
    }

    /// Seals one chunk, whose last 16 bytes are room for its tag.
    pub(super) fn seal_chunk(&self, number: usize, last: bool, chunk: &mut [u8]) {
        let (text, room) = chunk.split_at_mut(chunk.len().saturating_sub(TAG_BYTES));
        let tag = self
            .key
            .seal_in_place_separate_tag(chunk_nonce(number, last), Aad::empty(), text)
            .expect("a chunk is far below the cipher's limit of 256 GiB");
        room.copy_from_slice(tag.as_ref());
    }

    /// Appends the chunks of `plaintext` to a file.
    pub(super) fn append(&self, plaintext: &[u8], file: &mut Vec<u8>) {
        let start = file.len();
        if plaintext.is_empty() {
            file.extend_from_slice(&[0; TAG_BYTES]);
        }
        for chunk in plaintext.chunks(CHUNK_BYTES) {
            file.extend_from_slice(chunk);
            file.extend_from_slice(&[0; TAG_BYTES]);
        }
        self.seal(file.get_mut(start..).unwrap_or_default());
    }

    /// Opens the chunks from `start` on and leaves the plaintext at the front of the buffer; says how long it is.
    ///
    /// The file is whole only when the chunk at its end is marked last and no other is.
    pub(super) fn open(&self, file: &mut [u8], start: usize) -> Result<usize, Fault> {
        let mut read = start;
        let mut written = 0_usize;
        for number in 0_usize.. {
            let end = file.len().min(read.saturating_add(SEALED_CHUNK_BYTES));
            let last = end == file.len();
            // An empty last chunk after full ones would be a second form of the same plaintext.
            if number > 0 && end.saturating_sub(read) == TAG_BYTES {
                return Err(Fault::Payload);
            }
            let room = file.get_mut(written..end).ok_or(Fault::Payload)?;
            let text_bytes = self.open_chunk(number, last, room, read.saturating_sub(written))?;
            written = written.saturating_add(text_bytes);
            read = end;
            if last {
                break;
            }
        }
        Ok(written)
    }

    /// Opens the sealed chunk that starts at `offset` and leaves its plaintext at the front of `room`.
    pub(super) fn open_chunk(&self, number: usize, last: bool, room: &mut [u8], offset: usize) -> Result<usize, Fault> {
        let text = self.key.open_within(chunk_nonce(number, last), Aad::empty(), room, offset..);
        text.map(|text| text.len()).map_err(|_| Fault::Payload)
    }
}

/// ChaCha20-Poly1305 under this key.
pub(super) fn cipher(key: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key).expect("the cipher takes keys of 32 bytes"))
}

/// Eleven bytes of counter, one that marks the last chunk.
fn chunk_nonce(number: usize, last: bool) -> Nonce {
    let mut nonce = [0; 12];
    let (_, counter) = nonce.split_at_mut(3);
    if let Some((mark, counter)) = counter.split_last_mut() {
        *mark = u8::from(last);
        counter.copy_from_slice(&(number as u64).to_be_bytes());
    }
    Nonce::assume_unique_for_key(nonce)
}
