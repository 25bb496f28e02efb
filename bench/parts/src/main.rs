//! What the parts of a deposit cost by themselves on one core: the limit that the whole is held against.
//!
//! `hizo-bench-parts PATH OUT` takes a file or a folder through the same steps as a deposit, one after
//! the other on one thread, and prints CPU seconds for each as one JSON object. It seals nothing that could be opened:
//! no archive headers, no manifest, one key for all.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use sha2::{Digest, Sha256};

/// A zstd frame of a deposit holds this much, and an age chunk that much (docs/spec).
const FRAME_BYTES: usize = 1 << 20;
const CHUNK_BYTES: usize = 1 << 16;
/// The levels of `hizo::packing`: the first blocks are compressed harder.
const HARDER_BLOCKS: u64 = 64;
const HARDER_LEVEL: i32 = 3;
const LEVEL: i32 = 1;
/// A block whose sample shrinks by less than one part in this many is stored as it is.
const WORTH_COMPRESSING: usize = 32;
const SAMPLES: usize = 8;
const SAMPLE_BYTES: usize = 4096;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, source, out] = arguments.as_slice() else {
        eprintln!("usage: hizo-bench-parts PATH OUT");
        return ExitCode::from(2);
    };
    match parts(Path::new(source), Path::new(out)) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// CPU seconds by part, in the order of the steps.
#[derive(Default)]
struct Parts {
    walk: f64,
    read: f64,
    sha256_content: f64,
    blake3_content: f64,
    zstd: f64,
    blake3_hedge: f64,
    chacha20poly1305: f64,
    sha256_sealed: f64,
    write: f64,
    bytes_read: u64,
    bytes_kept: u64,
}

fn parts(source: &Path, out: &Path) -> io::Result<String> {
    let mut parts = Parts::default();
    let files = timed(&mut parts.walk, || files(source))?;
    let mut sealer = Sealer::new(out)?;
    let mut block = Vec::with_capacity(FRAME_BYTES);
    for path in files {
        let mut file = timed(&mut parts.read, || File::open(&path))?;
        let (mut sha, mut keyed) = (Sha256::new(), blake3::Hasher::new_keyed(&[7; 32]));
        loop {
            let room = FRAME_BYTES - block.len();
            let start = block.len();
            let read = timed(&mut parts.read, || (&mut file).take(room as u64).read_to_end(&mut block))?;
            let content = &block[start..];
            timed(&mut parts.sha256_content, || sha.update(content));
            timed(&mut parts.blake3_content, || _ = keyed.update(content));
            parts.bytes_read += read as u64;
            if block.len() < FRAME_BYTES {
                break;
            }
            sealer.seal(&mut block, &mut parts)?;
        }
        timed(&mut parts.sha256_content, || std::hint::black_box(sha.finalize()));
        timed(&mut parts.blake3_content, || std::hint::black_box(keyed.finalize()));
    }
    sealer.seal(&mut block, &mut parts)?;
    timed(&mut parts.write, || sealer.out.sync_all())?;
    Ok(parts.json())
}

/// Everything that happens to a full block, until its bytes are in the file.
struct Sealer {
    out: File,
    key: LessSafeKey,
    compressor: zstd::bulk::Compressor<'static>,
    blocks: u64,
    hedge: blake3::Hasher,
    id: Sha256,
}

impl Sealer {
    fn new(out: &Path) -> io::Result<Self> {
        let key = UnboundKey::new(&CHACHA20_POLY1305, &[9; 32]).map_err(io::Error::other)?;
        Ok(Self {
            out: File::create(out)?,
            key: LessSafeKey::new(key),
            compressor: zstd::bulk::Compressor::new(HARDER_LEVEL)?,
            blocks: 0,
            hedge: blake3::Hasher::new(),
            id: Sha256::new(),
        })
    }

    /// Seals a block and empties it.
    fn seal(&mut self, block: &mut Vec<u8>, parts: &mut Parts) -> io::Result<()> {
        self.blocks += 1;
        if self.blocks == HARDER_BLOCKS + 1 {
            self.compressor.set_compression_level(LEVEL)?;
        }
        let mut frame = timed(&mut parts.zstd, || compress(block, &mut self.compressor))?;
        timed(&mut parts.blake3_hedge, || _ = self.hedge.update(&frame));
        timed(&mut parts.chacha20poly1305, || {
            frame.chunks_mut(CHUNK_BYTES).try_for_each(|chunk| {
                let nonce = Nonce::assume_unique_for_key([0; 12]);
                let tag = self.key.seal_in_place_separate_tag(nonce, Aad::empty(), chunk);
                tag.map(|tag| _ = std::hint::black_box(tag)).map_err(io::Error::other)
            })
        })?;
        timed(&mut parts.sha256_sealed, || self.id.update(&frame));
        timed(&mut parts.write, || self.out.write_all(&frame))?;
        parts.bytes_kept += frame.len() as u64;
        block.clear();
        Ok(())
    }
}

/// One frame of a block; a small sample finds out what does not shrink.
fn compress(block: &[u8], compressor: &mut zstd::bulk::Compressor<'_>) -> io::Result<Vec<u8>> {
    let part = block.len().div_ceil(SAMPLES).max(1);
    let sample: Vec<u8> = block.chunks(part).flat_map(|part| part.iter().take(SAMPLE_BYTES).copied()).collect();
    let probe = compressor.compress(&sample)?;
    if block.len() == FRAME_BYTES && probe.len() + sample.len() / WORTH_COMPRESSING >= sample.len() {
        return Ok(block.to_vec());
    }
    compressor.compress(block)
}

impl Parts {
    fn json(&self) -> String {
        let seconds = [
            ("walk", self.walk),
            ("read", self.read),
            ("sha256_content", self.sha256_content),
            ("blake3_content", self.blake3_content),
            ("zstd", self.zstd),
            ("blake3_hedge", self.blake3_hedge),
            ("chacha20poly1305", self.chacha20poly1305),
            ("sha256_sealed", self.sha256_sealed),
            ("write", self.write),
        ];
        let sum: f64 = seconds.iter().map(|(_, value)| value).sum();
        let named: serde_json::Map<_, _> =
            seconds.iter().map(|(name, value)| ((*name).to_owned(), json!((value * 1e4).round() / 1e4))).collect();
        let total = (sum * 1e4).round() / 1e4;
        json!({ "bytes_read": self.bytes_read, "bytes_kept": self.bytes_kept, "cpu_s": named, "sum_s": total })
            .to_string()
    }
}

/// Runs a step and adds the CPU time of this thread to its part.
fn timed<T>(part: &mut f64, step: impl FnOnce() -> T) -> T {
    let start = cpu_seconds();
    let result = step();
    *part += cpu_seconds() - start;
    result
}

fn cpu_seconds() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 * 1e-9
}

/// The regular files beneath a path, or the path itself, sorted, with a look at each as a walk takes it.
fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut waiting = vec![path.to_path_buf()];
    while let Some(next) = waiting.pop() {
        let kind = fs::symlink_metadata(&next)?.file_type();
        if kind.is_dir() {
            for entry in fs::read_dir(&next)? {
                waiting.push(entry?.path());
            }
        } else if kind.is_file() {
            found.push(next);
        }
    }
    found.sort();
    Ok(found)
}
