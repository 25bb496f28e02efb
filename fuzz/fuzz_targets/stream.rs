//! A decrypted stream from anywhere, whole and in two pieces: both give the same frames.
#![no_main]

use hizo_vault::stream::{self, BLOCK_BYTES, Frames};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let whole = frames(&[bytes]);
    let (first, second) = bytes.split_at(bytes.len() / 2);
    let pieces = frames(&[first, second]);
    assert_eq!(whole.is_some(), pieces.is_some());
    for frame in whole.iter().flatten() {
        if let Ok(content) = stream::unframe(frame) {
            assert!(content.len() <= BLOCK_BYTES);
        }
    }
    assert_eq!(whole, pieces);
});

fn frames(pieces: &[&[u8]]) -> Option<Vec<Vec<u8>>> {
    let mut frames = Frames::new();
    for piece in pieces {
        frames.push(piece).ok()?;
    }
    frames.finish().ok()?;
    Some(std::iter::from_fn(|| frames.next_frame()).collect())
}
