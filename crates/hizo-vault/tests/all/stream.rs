//! Laws of streams: what goes in comes out whatever the pieces, lengths follow one rule, and nothing else passes.

use std::io::Write;
use std::process::{Command, Stdio};

use hizo_vault::stream::{
    BLOCK_BYTES, Error, Framer, Frames, STREAM_BYTES_MIN, padded, padding, stored_frame, unframe,
};
use proptest::prelude::*;

/// A whole padded stream of these blocks; every other one is stored as it is.
pub(crate) fn stream(blocks: &[Vec<u8>]) -> Vec<u8> {
    let mut framer = Framer::new(1).unwrap();
    let mut bytes = Vec::new();
    for (number, block) in blocks.iter().enumerate() {
        bytes.extend(if number % 2 == 0 { framer.frame(block).unwrap() } else { stored_frame(block) });
    }
    padding(bytes.len() as u64).for_each(|piece| bytes.extend(piece));
    bytes
}

/// Reads a whole stream in pieces of these lengths, round and round.
pub(crate) fn read(bytes: &[u8], pieces: &[usize]) -> Result<Vec<Vec<u8>>, Error> {
    let mut frames = Frames::new();
    let mut blocks = Vec::new();
    let mut rest = bytes;
    for length in pieces.iter().cycle() {
        let (piece, after) = rest.split_at((*length).clamp(1, rest.len().max(1)).min(rest.len()));
        frames.push(piece)?;
        while let Some(frame) = frames.next_frame() {
            blocks.push(unframe(&frame)?);
        }
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    frames.finish()?;
    Ok(blocks)
}

/// As [`read`], by the other way in.
fn read_each(bytes: &[u8], piece: usize) -> Result<Vec<Vec<u8>>, Error> {
    let mut frames = Frames::new();
    let mut blocks = Vec::new();
    for piece in bytes.chunks(piece) {
        frames.push_each(piece, |frame| blocks.push(unframe(frame)))?;
    }
    frames.finish()?;
    blocks.into_iter().collect()
}

fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut block = vec![0; bytes];
    blake3::Hasher::new().update(&seed.to_be_bytes()).finalize_xof().fill(&mut block);
    block
}

#[test]
fn a_stream_of_every_size_reads_back() {
    for bytes in [1, 255, 256, 65_535, 65_536, 131_071, 131_072, 131_073, BLOCK_BYTES - 1, BLOCK_BYTES] {
        let blocks = vec![vec![7; bytes], noise(1, bytes), noise(2, bytes)];
        let whole = stream(&blocks);
        assert_eq!(whole.len() as u64, padded(whole.len() as u64), "a padded length is its own");
        for pieces in [&[usize::MAX][..], &[1 << 16], &[131_071, 1]] {
            assert_eq!(read(&whole, pieces).as_ref(), Ok(&blocks));
        }
        assert_eq!(read_each(&whole, 70_001), Ok(blocks));
    }
}

#[test]
fn the_shortest_stream_is_nothing_but_padding() {
    let nothing = stream(&[]);
    assert_eq!(nothing.len() as u64, STREAM_BYTES_MIN);
    assert_eq!(read(&nothing, &[100]), Ok(Vec::new()));
    assert_eq!(read(&[], &[1]), Err(Error::Padding), "no byte at all is no padded stream");
}

#[test]
fn every_stream_that_is_cut_short_is_refused() {
    let whole = stream(&[b"some text".to_vec(), noise(1, 700)]);
    for length in 0..whole.len() {
        assert!(read(&whole[..length], &[1 << 20]).is_err(), "{length} bytes pass");
    }
}

#[test]
fn every_flipped_byte_is_refused_or_gives_other_bytes_of_the_promised_length() {
    let blocks = vec![b"some text, some text, some text".to_vec(), noise(1, 300)];
    let whole = stream(&blocks);
    for at in 0..whole.len() {
        for mask in [1, 0x80, 0xff] {
            let mut changed = whole.clone();
            changed[at] ^= mask;
            if let Ok(read) = read(&changed, &[1 << 20]) {
                assert_ne!(read, blocks, "byte {at} may be any");
                assert!(read.iter().all(|block| block.len() <= BLOCK_BYTES));
            }
        }
    }
}

#[test]
fn a_frame_that_promises_little_and_gives_much_is_damaged() {
    let mut bomb = stored_frame(b"x");
    // One block of a repeated byte, 128 KiB, under a promise of one byte.
    bomb.truncate(9);
    bomb.extend([0b011, 0, 0x10, b'x']);
    assert_eq!(unframe(&bomb), Err(Error::Damaged));
}

#[test]
fn a_stream_entered_in_the_middle_gives_the_frames_from_there() {
    let blocks: Vec<Vec<u8>> = (0..5).map(|seed| noise(seed, 5000)).collect();
    let whole = stream(&blocks);
    let mut framer = Framer::new(1).unwrap();
    let first = framer.frame(&blocks[0]).unwrap().len();
    let mut frames = Frames::from_the_middle();
    frames.push(&whole[first..]).unwrap();
    let read: Vec<Vec<u8>> = std::iter::from_fn(|| frames.next_frame()).map(|frame| unframe(&frame).unwrap()).collect();
    assert_eq!(read, blocks[1..]);
    assert_eq!(frames.finish(), Ok(()));
    let mut inside = Frames::from_the_middle();
    assert_eq!(inside.push(&whole[first + 1..]), Err(Error::Frame), "not at a frame's first byte");
}

#[test]
fn padding_of_gibibytes_is_frames_of_at_most_one() {
    // At 128 GiB the step is 2 GiB.
    let bytes = (128 << 30) + 1;
    let (mut total, mut lengths) = (0, Vec::new());
    for piece in padding(bytes) {
        total += piece.len() as u64;
        if piece.len() == 8 {
            assert_eq!(piece[..4], [0x50, 0x2a, 0x4d, 0x18]);
            lengths.push(u32::from_le_bytes(piece[4..].try_into().unwrap()));
        } else {
            assert!(piece.len() <= BLOCK_BYTES);
        }
    }
    assert_eq!(total, (2 << 30) - 1);
    assert_eq!(padded(bytes), bytes + total);
    assert_eq!(lengths, [(1 << 30) - 8, (1 << 30) - 9]);
}

#[test]
fn the_stock_program_reads_our_streams_and_we_read_its_frames() {
    let Some(zstd) = stock_zstd() else { return };
    let blocks = vec![b"text ".repeat(40_000), noise(3, BLOCK_BYTES), noise(4, 5)];
    assert_eq!(zstd(&["-dc"], &stream(&blocks)), blocks.concat());
    // Manifest and tar of one deposit, one after the other, are one stream to it.
    assert_eq!(
        zstd(&["-dc"], &[stream(&blocks), stream(&blocks)].concat()),
        [blocks.concat(), blocks.concat()].concat()
    );
    for (level, block) in [("-1", &blocks[0]), ("-19", &blocks[0]), ("-3", &blocks[1])] {
        let size = format!("--stream-size={}", block.len());
        let mut theirs = zstd(&["-c", level, "--no-check", &size], block);
        padding(theirs.len() as u64).for_each(|piece| theirs.extend(piece));
        assert_eq!(read(&theirs, &[4096]), Ok(vec![block.clone()]));
    }
    let checked = zstd(&["-c", "--check", "--stream-size=5"], &blocks[2]);
    assert_eq!(unframe(&checked), Err(Error::Frame), "a checksum that nobody asked for");
    let unsized_ = zstd(&["-c", "--no-check", "--no-content-size"], &blocks[2]);
    assert_eq!(unframe(&unsized_), Err(Error::Frame), "a frame that does not say how much it holds");
}

/// Runs the stock program over bytes.
fn stock_zstd() -> Option<impl Fn(&[&str], &[u8]) -> Vec<u8>> {
    if Command::new("zstd").arg("--version").output().is_err() {
        crate::say_aloud::say_aloud("the stock program zstd is absent");
        return None;
    }
    Some(|arguments: &[&str], input: &[u8]| {
        let mut command = Command::new("zstd");
        let mut running =
            command.args(arguments).arg("-q").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdin = running.stdin.take().unwrap();
        let input = input.to_vec();
        let writing = std::thread::spawn(move || stdin.write_all(&input));
        let output = running.wait_with_output().unwrap();
        writing.join().unwrap().unwrap();
        assert!(output.status.success());
        output.stdout
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_framed_comes_out_whatever_the_pieces(
        lengths in proptest::collection::vec(1usize..30_000, 0..6),
        letters in any::<bool>(),
        pieces in proptest::collection::vec(1usize..5000, 1..8),
    ) {
        let block = |(seed, length): (usize, &usize)| {
            if letters { vec![seed as u8; *length] } else { noise(seed as u64, *length) }
        };
        let blocks: Vec<Vec<u8>> = lengths.iter().enumerate().map(block).collect();
        let whole = stream(&blocks);
        prop_assert_eq!(read(&whole, &pieces), Ok(blocks.clone()));
        prop_assert_eq!(read_each(&whole, pieces[0]), Ok(blocks));
    }

    #[test]
    fn padded_lengths_are_few_and_never_far(bytes in prop_oneof![0u64..10_000_000, 0u64..1 << 50]) {
        let length = padded(bytes);
        prop_assert!(length >= STREAM_BYTES_MIN && length >= bytes);
        prop_assert!(length == bytes || length - bytes >= 8, "a gap that no padding fills");
        prop_assert_eq!(padded(length), length);
        // At most seven bits of a length are ever seen: six below 4 GiB.
        let bits = if length < 1 << 32 { 6 } else { 7 };
        prop_assert!((length >> length.trailing_zeros()) < 1 << bits);
        prop_assert!(bytes < 100_000 || length - bytes < bytes / 8);
        prop_assert_eq!(padding(bytes).take(3).next().is_some(), length > bytes);
    }

    #[test]
    fn a_longer_stream_is_never_padded_to_less(bytes in 0u64..1 << 45, more in 0u64..1 << 30) {
        prop_assert!(padded(bytes) <= padded(bytes + more));
    }

    #[test]
    fn foreign_bytes_are_refused_without_harm(bytes in any::<Vec<u8>>(), magic in any::<bool>()) {
        let head: &[u8] = if magic { &[0x28, 0xb5, 0x2f, 0xfd] } else { &[0x50, 0x2a, 0x4d, 0x18] };
        let foreign = [head, &bytes].concat();
        let _ = unframe(&foreign);
        prop_assert!(read(&foreign, &[1 << 20]).is_err());
        prop_assert!(read(&bytes, &[7]).is_err());
    }
}
