//! The vectors of docs/spec/stream.md: streams that every reader must accept, and streams that it must refuse.

use hizo_vault::stream::{padded, padding, stored_frame};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::stream::{read, stream};
use crate::vectors::Vectors;

const VECTORS: Vectors = Vectors::new("stream", "stream");

fn described(blocks: &[Vec<u8>]) -> Value {
    let blocks = blocks.iter();
    blocks.map(|block| json!({ "bytes": block.len(), "sha256": hex::encode(Sha256::digest(block)) })).collect()
}

#[test]
fn every_accepted_vector_reads_as_it_says() {
    for (name, bytes, said) in VECTORS.all("accepted", 5) {
        for pieces in [&[usize::MAX][..], &[1], &[513]] {
            let blocks = read(&bytes, pieces).unwrap_or_else(|error| panic!("{name}: {error:?}"));
            assert_eq!(described(&blocks), said["blocks"], "{name}");
        }
    }
}

#[test]
fn every_refused_vector_is_refused_for_its_one_fault() {
    for (name, bytes, said) in VECTORS.all("refused", 25) {
        for pieces in [&[usize::MAX][..], &[1], &[513]] {
            let error = read(&bytes, pieces).err().unwrap_or_else(|| panic!("{name} is accepted"));
            assert_eq!(format!("{error:?}"), said["refused"], "{name}");
        }
    }
}

/// Bytes that are padded as they must be, whatever they are.
fn ended(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    padding(bytes.len() as u64).for_each(|piece| bytes.extend(piece));
    bytes
}

fn accepted() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let text = b"a line of text\n".to_vec();
    // 4,089 bytes of frames: seven are missing to 4 KiB, too few for a padding.
    let awkward = stored_frame(&[3; 4089 - 12]);
    assert_eq!((awkward.len(), padded(4089)), (4089, 4352));
    let exact = stored_frame(&[4; 4096 - 12]);
    let window = [&[0x28, 0xb5, 0x2f, 0xfd, 0x40, 13 << 3, 44, 0][..], &[0b001 | 44, 9, 0], &[5; 300]].concat();
    let mut large_window = window;
    large_window[8..11].copy_from_slice(&(300u32 << 3 | 1).to_le_bytes()[..3]);
    vec![
        ("nothing", "no frame at all", stream(&[])),
        ("plain", "one frame", ended(&stored_frame(&text))),
        ("two", "a compressed frame and a stored one", ended(&[compressed(), stored_frame(&text)].concat())),
        ("exact", "frames that need no padding", exact),
        ("awkward", "frames that leave seven bytes, and are padded further", ended(&awkward)),
        ("two_paddings", "padding in two frames", two_paddings()),
        ("window", "a window of 8 MiB", ended(&large_window)),
        ("full", "a frame of 1 MiB", ended(&repeated(1 << 20))),
    ]
}

/// 131 letters `a`, as a block of one repeated byte.
fn compressed() -> Vec<u8> {
    [&[0x28, 0xb5, 0x2f, 0xfd, 0x20, 131][..], &(131u32 << 3 | 0b011).to_le_bytes()[..3], b"a"].concat()
}

/// So many zeros, as blocks of one repeated byte.
fn repeated(bytes: u32) -> Vec<u8> {
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0b1010_0000];
    frame.extend(bytes.to_le_bytes());
    let mut left = bytes;
    while left > 0 {
        let now = left.min(128 << 10);
        left -= now;
        frame.extend(&(now << 3 | 0b010 | u32::from(left == 0)).to_le_bytes()[..3]);
        frame.push(0);
    }
    frame
}

/// A writer may cut its padding: only its sum is ruled.
fn two_paddings() -> Vec<u8> {
    let mut bytes = stored_frame(b"x");
    bytes.extend(skippable(0x50, 100));
    let left = 4096 - bytes.len() as u32 - 8;
    bytes.extend(skippable(0x50, left));
    bytes
}

fn skippable(magic: u8, zeros: u32) -> Vec<u8> {
    [&[magic, 0x2a, 0x4d, 0x18][..], &zeros.to_le_bytes(), &vec![0; zeros as usize]].concat()
}

fn refused() -> Vec<(&'static str, &'static str, Vec<u8>, &'static str)> {
    let good = ended(&stored_frame(&[7; 300]));
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        bytes
    };
    let header = |bytes: &[u8]| ended(&[&[0x28, 0xb5, 0x2f, 0xfd], bytes].concat());
    let unpadded = stored_frame(&[7; 300]);
    vec![
        ("empty", "no byte at all", Vec::new(), "Padding"),
        ("unpadded", "frames without padding", unpadded.clone(), "Padding"),
        ("padded_short", "padding that ends too early", [unpadded.clone(), skippable(0x50, 100)].concat(), "Padding"),
        (
            "padded_long",
            "padding up to the step after the next",
            [unpadded.clone(), skippable(0x50, 4352 - 312 - 8)].concat(),
            "Padding",
        ),
        ("padding_not_zero", "a byte in the padding", with(&|bytes| *bytes.last_mut().unwrap() = 1), "Padding"),
        (
            "padding_first",
            "padding before a frame",
            [skippable(0x50, 4096 - 312 - 8), unpadded.clone()].concat(),
            "Padding",
        ),
        (
            "padding_between",
            "padding between frames",
            [unpadded.clone(), skippable(0x50, 0), ended(&unpadded)].concat(),
            "Padding",
        ),
        ("padding_cut", "padding that is cut short", good[..good.len() - 1].to_vec(), "Truncated"),
        ("padding_header_cut", "the end inside the padding's header", good[..unpadded.len() + 6].to_vec(), "Truncated"),
        (
            "magic_other_skippable",
            "another skippable frame",
            [unpadded.clone(), skippable(0x51, 4096 - 312 - 8)].concat(),
            "Frame",
        ),
        ("magic_unknown", "a frame of another format", with(&|bytes| bytes[0] = 0), "Frame"),
        ("magic_legacy", "a frame of an old version of the format", with(&|bytes| bytes[0] = 0x27), "Frame"),
        ("frame_cut", "the end inside a frame", unpadded[..200].to_vec(), "Truncated"),
        ("frame_header_cut", "the end inside a frame's header", unpadded[..7].to_vec(), "Truncated"),
        ("checksum", "a frame with a checksum", with(&|bytes| bytes[4] |= 0b100), "Frame"),
        ("reserved_bit", "a reserved bit", with(&|bytes| bytes[4] |= 0b1000), "Frame"),
        ("unused_bit", "an unused bit", with(&|bytes| bytes[4] |= 0b1_0000), "Frame"),
        ("dictionary_1", "a dictionary with an id of one byte", with(&|bytes| bytes[4] |= 1), "Frame"),
        ("dictionary_2", "a dictionary with an id of two bytes", with(&|bytes| bytes[4] |= 2), "Frame"),
        ("dictionary_4", "a dictionary with an id of four bytes", with(&|bytes| bytes[4] |= 3), "Frame"),
        ("content_size_missing", "a frame that does not say how much it holds", header(&[0, 0x50, 1, 0, 0]), "Frame"),
        (
            "content_size_8",
            "a size in eight bytes",
            header(&[0b1110_0000, 1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 7]),
            "Frame",
        ),
        ("content_size_zero", "a frame of nothing", header(&[0b1010_0000, 0, 0, 0, 0, 1, 0, 0]), "Frame"),
        ("content_too_large", "a frame of one byte more than 1 MiB", ended(&repeated((1 << 20) + 1)), "Frame"),
        ("content_huge", "a frame of 4 GiB", header(&[0b1010_0000, 255, 255, 255, 255, 1, 0, 0]), "Frame"),
        ("window_too_large", "a window of 16 MiB", header(&[0x40, 14 << 3, 44, 0, 0b001 | 8, 0, 0, 7]), "Frame"),
        (
            "window_a_little_too_large",
            "a window of 9 MiB",
            header(&[0x40, 13 << 3 | 1, 44, 0, 0b001 | 8, 0, 0, 7]),
            "Frame",
        ),
        ("block_reserved", "a block of the reserved type", with(&|bytes| bytes[9] |= 0b110), "Frame"),
        (
            "block_too_large",
            "a block of more than 128 KiB",
            header(&[0b1010_0000, 0, 0, 4, 0, 0b011, 0, 0x20, 7]),
            "Frame",
        ),
        (
            "block_bomb",
            "256 KiB out of a promise of sixteen bytes",
            header(&[0b1010_0000, 16, 0, 0, 0, 0b010, 0, 0x10, 7, 0b011, 0, 0x10, 7]),
            "Damaged",
        ),
        ("content_less", "fewer bytes than promised", with(&|bytes| bytes[5] += 1), "Damaged"),
        ("content_more", "more bytes than promised", with(&|bytes| bytes[5] -= 1), "Damaged"),
        (
            "block_damaged",
            "a compressed block of nonsense",
            header(&[0b1010_0000, 16, 0, 0, 0, 0b101 | 3 << 3, 0, 0, 255, 255, 255]),
            "Damaged",
        ),
        ("trailing_byte", "a byte behind the padding", [good.clone(), vec![0]].concat(), "Truncated"),
        ("trailing_frame", "a frame behind the padding", [good.clone(), unpadded].concat(), "Padding"),
    ]
}

#[test]
fn the_vectors_are_the_ones_described_here() {
    for (name, about, bytes) in accepted() {
        let (found, said) = VECTORS.one("accepted", name);
        assert!(found == bytes && said["about"] == about, "{name}");
    }
    for (name, about, bytes, rule) in refused() {
        let (found, said) = VECTORS.one("refused", name);
        assert!(found == bytes && said["about"] == about && said["refused"] == rule, "{name}");
    }
}

#[test]
#[ignore = "writes vectors that are missing; a released one is never changed"]
fn missing_vectors_are_written() {
    for (name, about, bytes) in accepted() {
        let blocks = read(&bytes, &[1 << 20]).unwrap();
        VECTORS.put_missing("accepted", name, &bytes, &json!({ "about": about, "blocks": described(&blocks) }));
    }
    for (name, about, bytes, rule) in refused() {
        VECTORS.put_missing("refused", name, &bytes, &json!({ "about": about, "refused": rule }));
    }
}
