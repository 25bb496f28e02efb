//! What a commitment promises: it binds, it hides, and it opens field by field.

use std::collections::HashSet;

use hizo_vault::{
    commit::{
        CommitKey, Commitment, Committer, ContentHasher, ContentValue, ENTRIES_MAX, Entry, EntryId, Error, Fields,
        Kind, LeafHashes, Leaves, Meta, MetaKind, Opening, OpeningError, Seed, Shown, verify,
    },
    entropy::Entropy,
};
use hkdf::Hkdf;
use sha2::{Digest as _, Sha256};

use crate::seeded::Seeded;

/// An entry that owns what it is made of.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) id: EntryId,
    pub(crate) name: Vec<u8>,
    pub(crate) mode: u32,
    pub(crate) mtime_ns: i64,
    pub(crate) kind: SampleKind,
}

#[derive(Debug, Clone)]
pub(crate) enum SampleKind {
    File { size: u64, content: ContentValue },
    HardLink { target: Vec<u8>, size: u64, content: ContentValue },
    Symlink { target: Vec<u8> },
    Directory,
}

impl Sample {
    pub(crate) fn entry(&self) -> Entry<'_> {
        let kind = match &self.kind {
            SampleKind::File { size, content } => Kind::File { size: *size, content },
            SampleKind::HardLink { target, size, content } => Kind::HardLink { target, size: *size, content },
            SampleKind::Symlink { target } => Kind::Symlink { target },
            SampleKind::Directory => Kind::Directory,
        };
        Entry { id: &self.id, name: &self.name, mode: self.mode, mtime_ns: self.mtime_ns, kind }
    }
}

pub(crate) fn draw<const N: usize>(random: &mut Seeded) -> [u8; N] {
    let mut bytes = [0; N];
    random.fill(&mut bytes);
    bytes
}

pub(crate) fn file(random: &mut Seeded, name: &str, bytes: &[u8]) -> Sample {
    let id = EntryId::from_bytes(draw(random));
    let kind = SampleKind::File { size: bytes.len() as u64, content: ContentValue::of(draw(random), bytes) };
    Sample { id, name: name.into(), mode: 0o640, mtime_ns: 1_767_225_600_123_456_789, kind }
}

/// A deposit with entries of every kind, `count` of them.
pub(crate) fn deposit(random: &mut Seeded, count: usize) -> Vec<Sample> {
    let mut samples: Vec<_> = (0..count)
        .map(|number| file(random, &format!("folder/file {number:03}"), format!("bytes of {number}").as_bytes()))
        .collect();
    let of_every_kind = samples.len() >= 8;
    if let (true, [first, directory, symlink, link, empty, raw, ..]) = (of_every_kind, samples.as_mut_slice()) {
        directory.name = b"folder".into();
        directory.kind = SampleKind::Directory;
        symlink.kind = SampleKind::Symlink { target: b"../elsewhere\xff".into() };
        let SampleKind::File { size, content } = first.kind.clone() else { unreachable!() };
        link.kind = SampleKind::HardLink { target: first.name.clone(), size, content };
        empty.kind = SampleKind::File { size: 0, content: ContentValue::of(draw(random), b"") };
        raw.name = b"folder/\xff\xfe not UTF-8".into();
        raw.mtime_ns = -1;
        raw.mode = 0o6755;
    }
    samples
}

pub(crate) fn seed(random: &mut Seeded) -> Seed {
    Seed::from_bytes(draw(random))
}

pub(crate) fn commit(seed: &Seed, samples: &[Sample]) -> Result<Commitment, Error> {
    let mut committer = Committer::new(seed, samples.len());
    samples.iter().for_each(|sample| committer.add(&sample.entry()));
    committer.finish()
}

pub(crate) fn leaves(key: &CommitKey, samples: &[Sample]) -> Leaves {
    let mut leaves = Leaves::default();
    samples.iter().for_each(|sample| leaves.push(key.leaf(&sample.entry())));
    leaves
}

pub(crate) fn open(seed: &Seed, samples: &[Sample], shown: &[(usize, Fields)]) -> Vec<Opening> {
    let key = CommitKey::new(seed);
    let entries: Vec<_> = shown.iter().map(|(index, fields)| (samples[*index].entry(), *fields)).collect();
    let (commitment, openings) = key.open(leaves(&key, samples), &entries).unwrap();
    assert_eq!(Ok(commitment), key.commit(leaves(&key, samples)), "opening and committing build one tree");
    openings
}

pub(crate) const NOTHING: Fields = Fields { content: false, name: false, meta: false };

fn all_fields() -> impl Iterator<Item = Fields> {
    (0..8).map(|bits| Fields { content: bits & 1 != 0, name: bits & 2 != 0, meta: bits & 4 != 0 })
}

#[test]
fn an_opening_shows_exactly_the_chosen_fields() {
    let mut random = Seeded::new(1);
    let (seed, samples) = (seed(&mut random), deposit(&mut random, 20));
    let commitment = commit(&seed, &samples).unwrap();
    for (index, sample) in samples.iter().enumerate() {
        for fields in all_fields() {
            let opening = open(&seed, &samples, &[(index, fields)]).remove(0);
            assert_eq!(opening.fields(), fields);
            let read = Opening::parse(&opening.to_bytes()).unwrap();
            assert_eq!(read, opening);
            let shown = verify(&commitment, &[read]).unwrap().remove(0);
            assert_eq!(shown, expected(&seed, sample, fields));
        }
    }
}

/// What the specification says stands for a link's target.
fn stands_for(seed: &Seed, sample: &Sample, target: &[u8]) -> [u8; 32] {
    let mut salt = [0; 32];
    let prk = Hkdf::<Sha256>::new(Some(b"hizo-commit/v1"), seed.as_bytes());
    prk.expand_multi_info(&[b"salt".as_slice(), sample.id.as_bytes(), b"target"], &mut salt).unwrap();
    Sha256::digest([b"hizo-field/v1\n\x06target", salt.as_slice(), target].concat()).into()
}

fn expected(seed: &Seed, sample: &Sample, fields: Fields) -> Shown {
    let (kind, content) = match &sample.kind {
        SampleKind::File { size, content } => (MetaKind::File { size: *size }, Some(content.clone())),
        SampleKind::HardLink { target, size, content } => {
            (MetaKind::HardLink { size: *size, target: stands_for(seed, sample, target) }, Some(content.clone()))
        }
        SampleKind::Symlink { target } => (MetaKind::Symlink { target: stands_for(seed, sample, target) }, None),
        SampleKind::Directory => (MetaKind::Directory, None),
    };
    Shown {
        content: fields.content.then_some(content),
        name: fields.name.then(|| sample.name.clone()),
        meta: fields.meta.then_some(Meta { kind, mode: sample.mode, mtime_ns: sample.mtime_ns }),
        entries_below: 64,
    }
}

#[test]
fn an_opening_of_another_deposit_is_refused() {
    let mut random = Seeded::new(2);
    let (seed_here, seed_there, samples) = (seed(&mut random), seed(&mut random), deposit(&mut random, 9));
    let elsewhere = commit(&seed_there, &samples).unwrap();
    let openings = open(&seed_here, &samples, &[(3, Fields::ALL)]);
    assert_eq!(verify(&elsewhere, &openings), Err(OpeningError::Mismatch));
    let here = commit(&seed_here, &samples).unwrap();
    for mixed in [
        Commitment { sha256: here.sha256, blake3: elsewhere.blake3 },
        Commitment { sha256: elsewhere.sha256, blake3: here.blake3 },
        Commitment { sha256: here.blake3, blake3: here.sha256 },
    ] {
        assert_eq!(verify(&mixed, &openings), Err(OpeningError::Mismatch), "both families must hold");
    }
}

#[test]
fn no_two_entries_of_a_tree_are_the_same() {
    let mut random = Seeded::new(3);
    let (seed, mut samples) = (seed(&mut random), deposit(&mut random, 5));
    samples.push(samples[2].clone());
    assert_eq!(commit(&seed, &samples), Err(Error::DuplicateLeaf));
    samples[5].id = EntryId::from_bytes(draw(&mut random));
    assert!(commit(&seed, &samples).is_ok(), "the manifest refuses equal names, not the tree");
}

#[test]
fn two_shown_leaves_with_one_name_are_refused() {
    let mut random = Seeded::new(4);
    let seed = seed(&mut random);
    let samples = [file(&mut random, "recipe", b"the lucky one"), file(&mut random, "recipe", b"another")];
    let commitment = commit(&seed, &samples).unwrap();
    let both = open(&seed, &samples, &[(0, Fields::ALL), (1, Fields::ALL)]);
    assert_eq!(verify(&commitment, &both), Err(OpeningError::RepeatedName));
    let nameless = Fields { name: false, ..Fields::ALL };
    let one_hidden = open(&seed, &samples, &[(0, Fields::ALL), (1, nameless)]);
    assert!(verify(&commitment, &one_hidden).is_ok(), "a hidden name cannot be compared: the certificate says so");
}

#[test]
fn one_leaf_shown_twice_does_not_count_twice() {
    let mut random = Seeded::new(5);
    let (seed, samples) = (seed(&mut random), deposit(&mut random, 3));
    let commitment = commit(&seed, &samples).unwrap();
    let content = Fields { content: true, ..NOTHING };
    let twice = open(&seed, &samples, &[(1, Fields { name: true, ..NOTHING }), (1, content)]);
    assert_eq!(verify(&commitment, &twice), Err(OpeningError::RepeatedLeaf));
}

#[test]
fn an_entry_that_is_not_in_the_deposit_cannot_be_opened() {
    let mut random = Seeded::new(6);
    let (seed, samples) = (seed(&mut random), deposit(&mut random, 4));
    let key = CommitKey::new(&seed);
    let stranger = file(&mut random, "stranger", b"");
    let opened = key.open(leaves(&key, &samples), &[(stranger.entry(), Fields::ALL)]);
    assert_eq!(opened, Err(Error::NotALeaf));
}

#[test]
fn depth_leaves_room_for_a_dummy_and_tells_no_more() {
    let mut random = Seeded::new(7);
    let seed = seed(&mut random);
    let below = |count| {
        let samples = deposit(&mut Seeded::new(8), count);
        let commitment = commit(&seed, &samples).unwrap();
        verify(&commitment, &open(&seed, &samples, &[(0, NOTHING)])).unwrap()[0].entries_below
    };
    for (count, expected) in [(1, 16), (2, 16), (15, 16), (16, 64), (63, 64), (64, 256), (255, 256), (256, 1024)] {
        assert_eq!(below(count), expected, "{count} entries");
    }
}

#[test]
fn one_entry_too_many_is_refused() {
    let mut all = Leaves::default();
    // Their number decides before a hash is looked at.
    (0..=ENTRIES_MAX).for_each(|_| all.push(LeafHashes { sha256: [0; 32], blake3: [0; 32] }));
    assert_eq!(all.len(), ENTRIES_MAX + 1);
    let key = CommitKey::new(&Seed::from_bytes([1; 32]));
    assert_eq!(key.commit(all), Err(Error::TooManyEntries));
}

#[test]
fn openings_of_one_entry_and_of_fourteen_have_equal_length() {
    let mut random = Seeded::new(9);
    let seed = seed(&mut random);
    for fields in all_fields() {
        let length = |count| {
            let samples: Vec<_> =
                (0..count).map(|number| file(&mut random, &format!("{number:02}"), b"bytes")).collect();
            open(&seed, &samples, &[(0, fields)])[0].to_bytes().len()
        };
        assert_eq!([1, 2, 7, 14, 15].map(length), [length_of(4, fields, 2); 5]);
    }
}

/// The length that the specification gives.
fn length_of(depth: usize, fields: Fields, name_bytes: usize) -> usize {
    let field = |shown: bool, value: usize| if shown { 32 + 4 + value } else { 64 };
    let shown = field(fields.content, 96) + field(fields.name, name_bytes) + field(fields.meta, 53);
    16 + 32 + 1 + 1 + shown + 2 * (4 + 32 * depth)
}

#[test]
fn two_deposits_of_equal_files_share_no_value() {
    let world = |seed_number| {
        let mut random = Seeded::new(seed_number);
        let seed = seed(&mut random);
        let samples: Vec<_> =
            (0..12).map(|number| file(&mut random, &format!("file {number}"), b"the same in both deposits")).collect();
        let commitment = commit(&seed, &samples).unwrap();
        let shown: Vec<_> = (0..samples.len()).map(|index| (index, NOTHING)).collect();
        let openings = open(&seed, &samples, &shown).iter().map(Opening::to_bytes).collect::<Vec<_>>();
        let mut values: HashSet<[u8; 32]> = HashSet::from([commitment.sha256, commitment.blake3]);
        for bytes in openings {
            // The magic line is the same for everybody; every window after it is compared, at any offset.
            values.extend(bytes[16..].windows(32).map(|window| <[u8; 32]>::try_from(window).unwrap()));
        }
        values
    };
    let (here, there) = (world(10), world(11));
    assert!(here.len() > 2_000, "the comparison looked at nothing");
    assert_eq!(here.intersection(&there).count(), 0);
}

/// Tries every value of a four-digit secret with every salt the attacker can have. `shown` is what he was shown.
fn guess(openings: &[Opening], commitment: &Commitment, salts: &[[u8; 32]], values: &[Vec<u8>]) -> usize {
    let world: HashSet<[u8; 32]> = openings
        .iter()
        .flat_map(|opening| opening.to_bytes().windows(32).map(|window| window.try_into().unwrap()).collect::<Vec<_>>())
        .chain([commitment.sha256, commitment.blake3])
        .collect();
    let labels: [&[u8]; 4] = [b"\x07content", b"\x04name", b"\x04meta", b""];
    let mut hits = 0;
    for value in values {
        for salt in salts.iter().map(<[u8; 32]>::as_slice).chain([[].as_slice()]) {
            for label in labels {
                let text = [b"hizo-field/v1\n", label, salt, value].concat();
                hits += usize::from(world.contains(hizo_ledger::id::ObjectId::of(&text).as_bytes()));
                hits += usize::from(world.contains(blake3::hash(&text).as_bytes()));
            }
        }
        hits += usize::from(world.contains(hizo_ledger::id::ObjectId::of(value).as_bytes()));
    }
    hits
}

fn salt_of(opening: &Opening, offset: usize) -> [u8; 32] {
    opening.to_bytes()[offset..offset + 32].try_into().unwrap()
}

#[test]
fn guessing_a_four_digit_name_fails_without_its_salt() {
    let mut random = Seeded::new(12);
    let seed = seed(&mut random);
    let mut samples = deposit(&mut random, 3);
    samples[0].name = b"pin/4711".into();
    let commitment = commit(&seed, &samples).unwrap();
    let guesses: Vec<_> = (0..10_000).map(|pin| format!("pin/{pin:04}").into_bytes()).collect();
    // The attacker is shown everything but this name: other fields of the entry, and other entries whole.
    let hidden = open(&seed, &samples, &[(0, Fields { name: false, ..Fields::ALL }), (1, Fields::ALL)]);
    let content_salt = salt_of(&hidden[0], 50);
    let other_name_salt = salt_of(&hidden[1], 50 + 32 + 4 + 96);
    let salts = [[0; 32], content_salt, other_name_salt, salt_of(&hidden[0], 16)];
    assert_eq!(guess(&hidden, &commitment, &salts, &guesses), 0);
    // With the salt of this field the same search finds it, in both families: the harness can fail.
    let shown = open(&seed, &samples, &[(0, Fields { name: true, ..NOTHING })]);
    let name_salt = salt_of(&shown[0], 50 + 64);
    assert_eq!(guess(&hidden, &commitment, &[name_salt], &guesses), 2);
}

#[test]
fn guessing_a_four_digit_content_fails_even_with_its_salt() {
    let mut random = Seeded::new(13);
    let seed = seed(&mut random);
    let samples = [file(&mut random, "pin", b"4711")];
    let commitment = commit(&seed, &samples).unwrap();
    let hidden = open(&seed, &samples, &[(0, Fields { content: false, ..Fields::ALL })]);
    let shown = open(&seed, &samples, &[(0, Fields { content: true, ..NOTHING })]);
    let salt = salt_of(&shown[0], 50);
    let digests = |key: [u8; 32]| -> Vec<Vec<u8>> {
        (0..10_000).map(|pin| ContentValue::of(key, format!("{pin:04}").as_bytes()).to_bytes().to_vec()).collect()
    };
    assert_eq!(guess(&hidden, &commitment, &[[0; 32], salt], &digests([0; 32])), 0, "the key is not known");
    let SampleKind::File { content, .. } = &samples[0].kind else { unreachable!() };
    assert_eq!(guess(&hidden, &commitment, &[salt], &digests(content.key)), 2, "with salt and key the search works");
}

#[test]
fn whoever_registers_a_mere_digest_cannot_show_the_file_later() {
    let mut random = Seeded::new(14);
    let rivals_file = b"the rival's recipe, which the depositor does not have yet";
    let digest = *hizo_ledger::id::ObjectId::of(rivals_file).as_bytes();
    // All that he knows is the digest; he may choose the key, and whatever stands for the keyed hash.
    let key = draw(&mut random);
    for blake3 in [draw(&mut random), [0; 32], *blake3::keyed_hash(&key, &digest).as_bytes()] {
        let content = ContentValue { sha256: digest, key, blake3 };
        let mut forged = file(&mut random, "recipe", b"");
        forged.kind = SampleKind::File { size: rivals_file.len() as u64, content };
        let seed = seed(&mut random);
        let commitment = commit(&seed, std::slice::from_ref(&forged)).unwrap();
        let shown = verify(&commitment, &open(&seed, &[forged], &[(0, Fields::ALL)])).unwrap().remove(0);
        let content = shown.content.unwrap().unwrap();
        assert_eq!(content.sha256, digest, "the digest alone would have convinced");
        assert!(!content.matches(rivals_file));
    }
    assert!(ContentValue::of(key, rivals_file).matches(rivals_file));
}

#[test]
fn a_content_value_holds_for_its_bytes_alone() {
    let mut hasher = ContentHasher::new([7; 32]);
    hasher.update(b"in ");
    hasher.update(b"pieces");
    let value = hasher.finish();
    assert_eq!(value, ContentValue::of([7; 32], b"in pieces"));
    assert_eq!(ContentValue::from_bytes(&value.to_bytes()), value);
    assert!(value.matches(b"in pieces"));
    for other in [&b"in piece"[..], b"in pieces ", b"In pieces", b""] {
        assert!(!value.matches(other));
    }
    for byte in 0..ContentValue::BYTES {
        let mut changed = value.to_bytes();
        changed[byte] ^= 1;
        assert!(!ContentValue::from_bytes(&changed).matches(b"in pieces"), "byte {byte}");
    }
}

/// Leaf indices and siblings, read from the bytes as the specification draws them.
fn branches(opening: &Opening) -> [(u32, Vec<[u8; 32]>); 2] {
    let bytes = opening.to_bytes();
    let depth = usize::from(bytes[48]);
    let branch = |from: usize| {
        let index = u32::from_be_bytes(bytes[from..from + 4].try_into().unwrap());
        (index, bytes[from + 4..from + 4 + 32 * depth].as_chunks().0.to_vec())
    };
    let length = 4 + 32 * depth;
    [branch(bytes.len() - 2 * length), branch(bytes.len() - length)]
}

#[test]
fn a_leaf_stands_anywhere_and_apart_in_both_trees() {
    let (mut first, mut second, mut equal) = (HashSet::new(), HashSet::new(), 0);
    for number in 0..200 {
        let mut random = Seeded::new(1_000 + number);
        let (seed, samples) = (seed(&mut random), [file(&mut random, "only", b"")]);
        let opening = open(&seed, &samples, &[(0, NOTHING)]).remove(0);
        let [(sha256, _), (blake3, _)] = branches(&opening);
        first.insert(sha256);
        second.insert(blake3);
        equal += usize::from(sha256 == blake3);
    }
    assert_eq!((first.len(), second.len()), (16, 16), "an index that never occurs tells a leaf from a dummy");
    assert!((2..40).contains(&equal), "{equal} of 200 stand at one index in both trees");
}

#[test]
fn dummies_do_not_give_themselves_away() {
    let mut random = Seeded::new(15);
    let (mut seen, mut ones, mut bits) = (HashSet::new(), 0, 0);
    for _ in 0..50 {
        let (seed, samples) = (seed(&mut random), [file(&mut random, "only", b"")]);
        let opening = open(&seed, &samples, &[(0, NOTHING)]).remove(0);
        for (_, path) in branches(&opening) {
            // The first sibling of an only leaf is a dummy; those above hold nothing else.
            let dummy = path[0];
            assert!(seen.insert(dummy), "one dummy stands in two places");
            ones += dummy.iter().map(|byte| byte.count_ones()).sum::<u32>();
            bits += 256;
        }
    }
    let share = f64::from(ones) / f64::from(bits);
    assert!((0.48..0.52).contains(&share), "{share} of the bits of dummies are set");
}

#[test]
fn secrets_do_not_print() {
    let mut random = Seeded::new(16);
    let (seed, samples) = (seed(&mut random), [file(&mut random, "only", b"")]);
    let opening = open(&seed, &samples, &[(0, Fields::ALL)]).remove(0);
    let SampleKind::File { content, .. } = &samples[0].kind else { unreachable!() };
    assert_eq!(
        format!("{seed:?} {:?} {opening:?} {content:?}", CommitKey::new(&seed)),
        "Seed CommitKey Opening ContentValue"
    );
}

#[test]
fn threads_that_share_the_work_reach_the_same_commitment() {
    let mut random = Seeded::new(17);
    let (seed, samples) = (seed(&mut random), deposit(&mut random, 300));
    let key = CommitKey::new(&seed);
    let all = std::thread::scope(|scope| {
        let halves: Vec<_> = samples.chunks(77).map(|part| scope.spawn(|| leaves(&key, part))).collect();
        halves.into_iter().map(|half| half.join().unwrap()).fold(Leaves::with_capacity(300), |mut all, half| {
            all.append(half);
            all
        })
    });
    assert_eq!(key.commit(all).unwrap(), commit(&seed, &samples).unwrap());
}

#[test]
#[ignore = "a measurement: cargo test --release commit_speed -- --ignored --nocapture"]
fn commit_speed() {
    let mut random = Seeded::new(18);
    let seed = seed(&mut random);
    let content = ContentValue::of(draw(&mut random), b"bytes");
    for (count, runs) in [(52_073, 20), (ENTRIES_MAX, 1)] {
        let name = |number| format!("folder/of some depth/file number {number}").into_bytes();
        let names: Vec<_> = (0..count).map(name).collect();
        let run = || {
            let start = std::time::Instant::now();
            let mut committer = Committer::new(&seed, count);
            for (number, name) in (0_u128..).zip(&names) {
                let id = EntryId::from_bytes(number.to_be_bytes());
                let kind = Kind::File { size: 5, content: &content };
                committer.add(&Entry { id: &id, name, mode: 0o644, mtime_ns: 0, kind });
            }
            let added = start.elapsed();
            committer.finish().unwrap();
            (start.elapsed().as_secs_f64(), added.as_secs_f64())
        };
        let (whole, added) = (0..runs).map(|_| run()).reduce(|best, now| if now < best { now } else { best }).unwrap();
        eprintln!("{count} entries: {whole:.3} s, of which leaves {added:.3} s, best of {runs}");
    }
}
