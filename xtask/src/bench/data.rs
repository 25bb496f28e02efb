//! The data that is deposited: made from seeds, or copied from the toolchain, the same on every run.

use std::fs::{self, File};
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::bench::measure;
use crate::shell::{self, About, Failure, Result};

/// A change set touches this many files, this many bytes in each: 54,000 bytes in all.
pub(crate) const CHANGED_FILES: usize = 400;
/// Each round has two change sets of its own: one that falls on a few large files tells little about the usual one.
pub(crate) const ROUNDS_MAX: usize = 16;
const CHANGE_SETS_MAX: u64 = 2 * ROUNDS_MAX as u64;
const CHANGED_BYTES_EACH: usize = 135;
const SMALL_FILES: u64 = 20_000;

/// Where the data of all sessions lies.
pub(crate) fn folder(quick: bool) -> PathBuf {
    shell::scratch("bench").join(if quick { "data-quick" } else { "data" })
}

/// One file of bytes that no compressor shortens.
pub(crate) fn incompressible(path: &Path, bytes: u64) -> Result<()> {
    once(path, &format!("incompressible, {bytes} bytes"), |path| {
        let mut random = Random::new(bytes);
        let mut out = File::create(path).about(path)?;
        let mut block = vec![0_u8; 1 << 20];
        let mut left = bytes;
        while left > 0 {
            random.fill(&mut block);
            let take = usize::try_from(left).unwrap_or(usize::MAX).min(block.len());
            out.write_all(&block[..take]).about(path)?;
            left -= take as u64;
        }
        Ok(())
    })
}

/// One file that shrinks to a few per cent, also where a file system compresses it in pieces of 128 KiB: a block of 8 KiB again
/// and again, numbered. For sizes that the disk would not hold twice.
pub(crate) fn repetitive(path: &Path, bytes: u64) -> Result<()> {
    once(path, &format!("repetitive, {bytes} bytes"), |path| {
        let mut block = Random::new(bytes).bytes(1 << 13);
        let mut out = BufWriter::with_capacity(1 << 20, File::create(path).about(path)?);
        for number in 0..bytes / block.len() as u64 {
            block[..8].copy_from_slice(&number.to_le_bytes());
            out.write_all(&block).about(path)?;
        }
        out.flush().about(path)
    })
}

/// A folder copied from the Rust toolchain's own; `every` = 1 takes all files, 8 every eighth.
pub(crate) fn tree(path: &Path, every: usize) -> Result<()> {
    let sysroot = PathBuf::from(shell::output(Command::new("rustc").args(["--print", "sysroot"]))?.trim());
    let version = shell::output(Command::new("rustc").arg("--version"))?;
    // A run that was stopped may have left half of its changes behind.
    let changed = (1..=CHANGE_SETS_MAX).any(|set| changed_mark(path, set).exists());
    if changed {
        remove(&path.with_extension("made"))?;
    }
    once(path, &format!("{} every {every}", version.trim()), |path| {
        let mut seen = 0;
        copy(&sysroot, path, every, &mut seen)
    })?;
    (1..=CHANGE_SETS_MAX).try_for_each(|set| remove(&changed_mark(path, set)))
}

/// 20,000 files of 1 to 8 KiB in 200 folders: of ten, four hold prose, three tables of numbers, three random bytes.
pub(crate) fn small(path: &Path) -> Result<()> {
    once(path, &format!("{SMALL_FILES} small files"), |path| {
        let mut random = Random::new(20_000);
        for number in 0..SMALL_FILES {
            let folder = path.join(format!("{:03}", number / 100));
            fs::create_dir_all(&folder).about(&folder)?;
            let bytes = 1024 + random.below(7 * 1024 + 1);
            let content = match number % 10 {
                0..=3 => prose(&mut random, bytes),
                4..=6 => numbers(&mut random, bytes),
                _ => random.bytes(bytes),
            };
            let file = folder.join(format!("{number:05}.dat"));
            fs::write(&file, content).about(&file)?;
        }
        Ok(())
    })
}

/// Many entries and few bytes: folders, each of 499 files of 100 bytes; every fourth is empty.
pub(crate) fn entries(path: &Path, count: u64) -> Result<()> {
    once(path, &format!("{count} entries, folders counted"), |path| {
        let mut random = Random::new(count);
        for number in 0..count {
            let folder = path.join(format!("{:05}", number / 500));
            if number % 500 == 0 {
                fs::create_dir_all(&folder).about(&folder)?;
                continue;
            }
            let content = if number % 4 == 0 { Vec::new() } else { random.bytes(100) };
            let file = folder.join(format!("{number:07}"));
            fs::write(&file, content).about(&file)?;
        }
        Ok(())
    })
}

/// The change sets of a round: one before the second deposit, one before every file is read again.
pub(crate) fn change_sets(round: usize) -> [u64; 2] {
    [2 * round as u64 + 1, 2 * round as u64 + 2]
}

/// Changes 400 files in place, 135 bytes in each.
pub(crate) fn change(tree: &Path, set: u64) -> Result<()> {
    let mark = changed_mark(tree, set);
    fs::write(&mark, "").about(&mark)?;
    flip(tree, set)
}

/// Undoes every change set that stands in the tree, the last one first.
pub(crate) fn undo_changes(tree: &Path) -> Result<()> {
    for set in (1..=CHANGE_SETS_MAX).rev() {
        let mark = changed_mark(tree, set);
        if mark.exists() {
            flip(tree, set)?;
            fs::remove_file(&mark).about(&mark)?;
        }
    }
    Ok(())
}

/// Flips the same bits of the same files each time: doing it again undoes it, since no size changes.
fn flip(tree: &Path, set: u64) -> Result<()> {
    for (file, offset, mask) in changes(tree, set)? {
        let mut open = File::options().read(true).write(true).open(&file).about(&file)?;
        let mut bytes = [0_u8; CHANGED_BYTES_EACH];
        open.seek(SeekFrom::Start(offset)).about(&file)?;
        open.read_exact(&mut bytes).about(&file)?;
        for (byte, flip) in bytes.iter_mut().zip(&mask) {
            *byte ^= flip;
        }
        open.seek(SeekFrom::Start(offset)).about(&file)?;
        open.write_all(&bytes).about(&file)?;
    }
    Ok(())
}

fn changes(tree: &Path, set: u64) -> Result<Vec<(PathBuf, u64, Vec<u8>)>> {
    let mut random = Random::new(0x5EED ^ set);
    let mut candidates = Vec::new();
    for file in measure::files(tree)? {
        let bytes = fs::metadata(&file).about(&file)?.len();
        if bytes >= 256 {
            candidates.push((file, bytes));
        }
    }
    if candidates.len() < 2 * CHANGED_FILES {
        return Err(Failure(format!("{} holds too few files to change 400 of them", tree.display())));
    }
    let mut chosen = Vec::with_capacity(CHANGED_FILES);
    for _ in 0..CHANGED_FILES {
        let (file, bytes) = candidates.swap_remove(random.below(candidates.len()));
        let room = usize::try_from(bytes).unwrap_or(usize::MAX) - CHANGED_BYTES_EACH;
        let offset = random.below(room + 1) as u64;
        // A zero in the mask would leave a byte as it is.
        let mask = random.bytes(CHANGED_BYTES_EACH).into_iter().map(|byte| byte | 1).collect();
        chosen.push((file, offset, mask));
    }
    Ok(chosen)
}

/// Fails unless both trees (or files) hold the same names, bytes and links.
pub(crate) fn same(left: &Path, right: &Path) -> Result<()> {
    let kind = |path: &Path| fs::symlink_metadata(path).about(path);
    let (a, b) = (kind(left)?, kind(right)?);
    if a.file_type() != b.file_type() {
        return Err(differs(right));
    }
    if a.is_dir() {
        let (mut names, mut others) = (names(left)?, names(right)?);
        names.sort();
        others.sort();
        if names != others {
            return Err(differs(right));
        }
        return names.iter().try_for_each(|name| same(&left.join(name), &right.join(name)));
    }
    if a.file_type().is_symlink() {
        let equal = fs::read_link(left).about(left)? == fs::read_link(right).about(right)?;
        return if equal { Ok(()) } else { Err(differs(right)) };
    }
    if a.len() == b.len() && same_bytes(left, right)? { Ok(()) } else { Err(differs(right)) }
}

fn same_bytes(left: &Path, right: &Path) -> Result<bool> {
    let (mut one, mut two) = (File::open(left).about(left)?, File::open(right).about(right)?);
    let (mut a, mut b) = (vec![0; 1 << 18], vec![0; 1 << 18]);
    loop {
        let read = one.read(&mut a).about(left)?;
        if read == 0 {
            return Ok(two.read(&mut b).about(right)? == 0);
        }
        if two.read_exact(&mut b[..read]).is_err() || a[..read] != b[..read] {
            return Ok(false);
        }
    }
}

fn differs(path: &Path) -> Failure {
    Failure(format!("something was not restored as it was\n{}", path.display()))
}

fn names(folder: &Path) -> Result<Vec<std::ffi::OsString>> {
    fs::read_dir(folder).about(folder)?.map(|entry| Ok(entry.about(folder)?.file_name())).collect()
}

/// Copies files, folders and links with permissions and times of modification.
fn copy(from: &Path, to: &Path, every: usize, seen: &mut usize) -> Result<()> {
    fs::create_dir_all(to).about(to)?;
    let mut names = names(from)?;
    names.sort();
    for name in names {
        let (source, target) = (from.join(&name), to.join(&name));
        let about = fs::symlink_metadata(&source).about(&source)?;
        if about.is_dir() {
            copy(&source, &target, every, seen)?;
            continue;
        }
        *seen += 1;
        if !seen.is_multiple_of(every) {
            continue;
        }
        if about.file_type().is_symlink() {
            shell::link(&fs::read_link(&source).about(&source)?, &target)?;
        } else {
            fs::copy(&source, &target).about(&target)?;
            let file = File::options().append(true).open(&target).about(&target)?;
            file.set_modified(about.modified().about(&source)?).about(&target)?;
        }
    }
    Ok(())
}

/// Makes a path unless its mark says that it was made whole, with the same description.
fn once(path: &Path, description: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let mark = path.with_extension("made");
    if fs::read_to_string(&mark).is_ok_and(|text| text == description) {
        return Ok(());
    }
    println!("making {}: {description}", path.display());
    remove(path)?;
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).about(parent)?;
    }
    make(path)?;
    fs::write(&mark, description).about(&mark)
}

/// Removes a file or a folder, if it is there.
pub(crate) fn remove(path: &Path) -> Result<()> {
    match fs::symlink_metadata(path) {
        Ok(about) if about.is_dir() => fs::remove_dir_all(path).about(path),
        Ok(_) => fs::remove_file(path).about(path),
        Err(_) => Ok(()),
    }
}

fn changed_mark(tree: &Path, set: u64) -> PathBuf {
    tree.with_extension(format!("changed-{set}"))
}

fn prose(random: &mut Random, bytes: usize) -> Vec<u8> {
    const WORDS: [&str; 24] = [
        "mould",
        "cavity",
        "runner",
        "gate",
        "cooling",
        "polish",
        "steel",
        "insert",
        "shrinkage",
        "tolerance",
        "batch",
        "temperature",
        "pressure",
        "resin",
        "viscosity",
        "annealing",
        "sample",
        "measured",
        "again",
        "the",
        "of",
        "and",
        "at",
        "with",
    ];
    let mut text = BufWriter::new(Vec::with_capacity(bytes + 16));
    let mut written = 0;
    while written < bytes {
        let word = WORDS[random.below(WORDS.len())];
        let end = if random.below(12) == 0 { '\n' } else { ' ' };
        let _ = write!(text, "{word}{end}");
        written += word.len() + 1;
    }
    cut(text, bytes)
}

fn numbers(random: &mut Random, bytes: usize) -> Vec<u8> {
    let mut text = BufWriter::new(Vec::with_capacity(bytes + 32));
    let mut written = 0;
    while written < bytes {
        let (a, b, c) = (random.below(10_000), random.below(1_000), random.below(100));
        let line = format!("{a},{b}.{c:02},{}\n", if a > 5_000 { "ok" } else { "check" });
        let _ = text.write_all(line.as_bytes());
        written += line.len();
    }
    cut(text, bytes)
}

fn cut(text: BufWriter<Vec<u8>>, bytes: usize) -> Vec<u8> {
    let mut text = text.into_inner().expect("writing to memory does not fail");
    text.truncate(bytes);
    text
}

/// A small fast generator (xoshiro256++): the data must be the same on every run, and need not be secret.
struct Random([u64; 4]);

impl Random {
    fn new(seed: u64) -> Self {
        // splitmix64 spreads a small seed over the state.
        let mut state = seed;
        Self(std::array::from_fn(|_| {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^ (z >> 31)
        }))
    }

    fn next(&mut self) -> u64 {
        let [a, b, c, d] = self.0;
        let result = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let (c, d) = (c ^ a, d ^ b);
        self.0 = [a ^ d, b ^ c, c ^ (b << 17), d.rotate_left(45)];
        result
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).expect("the remainder is below a usize")
    }

    fn fill(&mut self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.fill(&mut bytes);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_gives_the_published_sequence() {
        // xoshiro256++ from the state 1, 2, 3, 4 (Blackman and Vigna).
        let mut random = Random([1, 2, 3, 4]);
        let first: Vec<u64> = (0..4).map(|_| random.next()).collect();
        assert_eq!(first, [41_943_041, 58_720_359, 3_588_806_011_781_223, 3_591_011_842_654_386]);
    }

    #[test]
    fn content_has_the_length_asked_for() {
        let mut random = Random::new(1);
        for bytes in [1024, 1025, 8192] {
            assert_eq!(prose(&mut random, bytes).len(), bytes);
            assert_eq!(numbers(&mut random, bytes).len(), bytes);
        }
    }
}
