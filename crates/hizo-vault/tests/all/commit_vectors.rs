//! The vectors of docs/spec/commit.md, and a second construction beside the crate's that plays the honest and the
//! dishonest depositor. A third one, in Python, checks the same files.

use std::{
    collections::BTreeSet,
    fs,
    ops::Range,
    path::{Path, PathBuf},
    process::Command,
};

use hizo_vault::commit::{CommitKey, Commitment, ContentValue, Error, Fields, Opening, OpeningError, Seed, verify};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    commit::{Sample, SampleKind, commit, deposit, file, leaves, open},
    seeded::Seeded,
};

type Hash = [u8; 32];

const LABELS: [&[u8]; 3] = [b"content", b"name", b"meta"];

/// An entry as its bare committed values, which a dishonest depositor chooses as he likes.
#[derive(Clone)]
struct Raw {
    id: [u8; 16],
    values: [Vec<u8>; 3],
}

/// Everything a depositor knows, computed plainly.
struct Reference {
    prk: Hash,
    blind: Hash,
    dummy_key: Hash,
    depth: u8,
    entries: Vec<Raw>,
    leaves: [Vec<Hash>; 2],
    sorted: [Vec<Hash>; 2],
    roots: [Hash; 2],
    commitment: Commitment,
}

fn mac(key: &[u8], text: &[u8]) -> Hash {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text);
    mac.finalize().into_bytes().into()
}

fn hash(family: usize, text: &[u8]) -> Hash {
    if family == 0 { Sha256::digest(text).into() } else { *blake3::hash(text).as_bytes() }
}

fn root(family: usize, leaves: &[Hash]) -> Hash {
    if let [only] = leaves {
        return *only;
    }
    let (left, right) = leaves.split_at(leaves.len() / 2);
    hash(family, &[&[1], root(family, left).as_slice(), &root(family, right)].concat())
}

/// Siblings from a leaf up to the root.
fn path(family: usize, leaves: &[Hash], index: usize) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let half = leaves.len() / 2;
    let (left, right) = leaves.split_at(half);
    let (inside, index, sibling) = if index < half { (left, index, right) } else { (right, index - half, left) };
    let mut siblings = path(family, inside, index);
    siblings.push(root(family, sibling));
    siblings
}

impl Reference {
    fn new(seed: Hash, entries: Vec<Raw>) -> Self {
        let prk = mac(b"hizo-commit/v1", &seed);
        let expand = |info: &[u8]| mac(&prk, &[info, &[1]].concat());
        let (blind, dummy_key) = (expand(b"blind"), expand(b"dummy"));
        let depth = (4..=22).step_by(2).find(|depth| entries.len() < 1 << depth).unwrap();
        let mut all = Self {
            prk,
            blind,
            dummy_key,
            depth,
            entries,
            leaves: Default::default(),
            sorted: Default::default(),
            roots: Default::default(),
            commitment: Commitment { sha256: [0; 32], blake3: [0; 32] },
        };
        for family in [0, 1] {
            let leaves: Vec<_> = all.entries.iter().map(|entry| all.leaf(family, entry)).collect();
            let dummies = (0_u32..).take((1 << depth) - leaves.len()).map(|number| {
                let prefix: &[u8] = if family == 0 { b"" } else { b"b3" };
                mac(&dummy_key, &[prefix, &number.to_be_bytes()].concat())
            });
            let mut sorted: Vec<_> = leaves.iter().copied().chain(dummies).collect();
            sorted.sort();
            all.roots[family] = root(family, &sorted);
            (all.leaves[family], all.sorted[family]) = (leaves, sorted);
        }
        let commit =
            |family: usize| hash(family, &[b"hizo-root/v1\n", blind.as_slice(), &[depth], &all.roots[family]].concat());
        all.commitment = Commitment { sha256: commit(0), blake3: commit(1) };
        all
    }

    fn salt(&self, entry: &Raw, field: usize) -> Hash {
        mac(&self.prk, &[b"salt", entry.id.as_slice(), LABELS[field], &[1]].concat())
    }

    fn field(&self, family: usize, entry: &Raw, field: usize) -> Hash {
        let label = LABELS[field];
        let salt = self.salt(entry, field);
        hash(
            family,
            &[b"hizo-field/v1\n".as_slice(), &[label.len() as u8], label, &salt, &entry.values[field]].concat(),
        )
    }

    fn leaf(&self, family: usize, entry: &Raw) -> Hash {
        let fields = [0, 1, 2].map(|field| self.field(family, entry, field));
        hash(family, &[b"\0hizo-leaf/v1\n", fields.as_flattened()].concat())
    }

    fn opening(&self, index: usize, fields: Fields) -> Vec<u8> {
        let entry = &self.entries[index];
        let shown = [fields.content, fields.name, fields.meta];
        let bits = shown.iter().rev().fold(0, |bits, shown| bits << 1 | u8::from(*shown));
        let mut bytes = [b"hizo-opening/v1\n", self.blind.as_slice(), &[self.depth, bits]].concat();
        for (field, shown) in shown.into_iter().enumerate() {
            if shown {
                bytes.extend(self.salt(entry, field));
                bytes.extend((entry.values[field].len() as u32).to_be_bytes());
                bytes.extend(&entry.values[field]);
            } else {
                bytes.extend(self.field(0, entry, field));
                bytes.extend(self.field(1, entry, field));
            }
        }
        for family in [0, 1] {
            let place = self.sorted[family].binary_search(&self.leaves[family][index]).unwrap();
            bytes.extend((place as u32).to_be_bytes());
            bytes.extend(path(family, &self.sorted[family], place).as_flattened());
        }
        bytes
    }
}

/// Committed values as the specification writes them.
fn raw(seed: &Hash, sample: &Sample) -> Raw {
    let prk = mac(b"hizo-commit/v1", seed);
    let stands_for = |target: &[u8]| {
        let salt = mac(&prk, &[b"salt", sample.id.as_bytes().as_slice(), b"target", &[1]].concat());
        hash(0, &[b"hizo-field/v1\n\x06target", salt.as_slice(), target].concat())
    };
    let (kind, size, target, content): (u8, u64, Hash, Option<&ContentValue>) = match &sample.kind {
        SampleKind::File { size, content } => (b'0', *size, [0; 32], Some(content)),
        SampleKind::HardLink { target, size, content } => (b'1', *size, stands_for(target), Some(content)),
        SampleKind::Symlink { target } => (b'2', 0, stands_for(target), None),
        SampleKind::Directory => (b'5', 0, [0; 32], None),
    };
    let content = content.map_or_else(Vec::new, |value| [value.sha256, value.key, value.blake3].concat());
    let mode = sample.mode.to_be_bytes();
    let meta = [&[kind], size.to_be_bytes().as_slice(), &mode, &sample.mtime_ns.to_be_bytes(), &target].concat();
    Raw { id: *sample.id.as_bytes(), values: [content, sample.name.clone(), meta] }
}

fn raws(seed: &Hash, samples: &[Sample]) -> Vec<Raw> {
    samples.iter().map(|sample| raw(seed, sample)).collect()
}

fn folder(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/commit/v1").join(kind)
}

fn names(kind: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(folder(kind)).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

fn vector(kind: &str, name: &str) -> Value {
    serde_json::from_slice(&fs::read(folder(kind).join(format!("{name}.json"))).unwrap()).unwrap()
}

fn unhex<const N: usize>(value: &Value) -> [u8; N] {
    hex::decode(value.as_str().unwrap()).unwrap().try_into().unwrap()
}

fn pair(hashes: [Hash; 2]) -> Value {
    json!({ "sha256": hex::encode(hashes[0]), "blake3": hex::encode(hashes[1]) })
}

fn commitment_of(said: &Value) -> Commitment {
    Commitment { sha256: unhex(&said["sha256"]), blake3: unhex(&said["blake3"]) }
}

/// A text that need not be UTF-8: under `name`, or under `name_hex`.
fn bytes_of(said: &Value, name: &str) -> Vec<u8> {
    match said[name].as_str() {
        Some(text) => text.into(),
        None => hex::decode(said[format!("{name}_hex")].as_str().unwrap()).unwrap(),
    }
}

fn said_bytes(name: &str, bytes: &[u8]) -> (String, Value) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (name.to_owned(), text.into()),
        Err(_) => (format!("{name}_hex"), hex::encode(bytes).into()),
    }
}

fn said_entry(sample: &Sample) -> Value {
    let content = |size: &u64, value: &ContentValue| {
        json!({ "size": size, "content": {
            "sha256": hex::encode(value.sha256), "key": hex::encode(value.key), "blake3": hex::encode(value.blake3),
        } })
    };
    let (kind, bytes, target) = match &sample.kind {
        SampleKind::File { size, content: value } => ("file", Some(content(size, value)), None),
        SampleKind::HardLink { target, size, content: value } => {
            ("hard link", Some(content(size, value)), Some(target))
        }
        SampleKind::Symlink { target } => ("symlink", None, Some(target)),
        SampleKind::Directory => ("directory", None, None),
    };
    let mut said = serde_json::Map::from_iter([("id".to_owned(), hex::encode(sample.id.as_bytes()).into())]);
    said.extend([("kind".to_owned(), kind.into()), said_bytes("name", &sample.name)]);
    said.insert("mode".into(), sample.mode.into());
    said.insert("mtime_ns".into(), sample.mtime_ns.to_string().into());
    said.extend(target.map(|target| said_bytes("target", target)));
    said.extend(bytes.and_then(|bytes| bytes.as_object().cloned()).unwrap_or_default());
    Value::Object(said)
}

fn entry_of(said: &Value) -> Sample {
    let size = said["size"].as_u64().unwrap_or_default();
    let content = || {
        let value = &said["content"];
        ContentValue { sha256: unhex(&value["sha256"]), key: unhex(&value["key"]), blake3: unhex(&value["blake3"]) }
    };
    let kind = match said["kind"].as_str().unwrap() {
        "file" => SampleKind::File { size, content: content() },
        "hard link" => SampleKind::HardLink { target: bytes_of(said, "target"), size, content: content() },
        "symlink" => SampleKind::Symlink { target: bytes_of(said, "target") },
        "directory" => SampleKind::Directory,
        other => panic!("no kind of entry: {other}"),
    };
    Sample {
        id: hizo_vault::commit::EntryId::from_bytes(unhex(&said["id"])),
        name: bytes_of(said, "name"),
        mode: said["mode"].as_u64().unwrap() as u32,
        mtime_ns: said["mtime_ns"].as_str().unwrap().parse().unwrap(),
        kind,
    }
}

fn entries_of(said: &Value) -> Vec<Sample> {
    said["entries"].as_array().unwrap().iter().map(entry_of).collect()
}

fn fields_of(said: &Value) -> Fields {
    let has = |name: &str| said.as_array().unwrap().iter().any(|shown| shown == name);
    Fields { content: has("content"), name: has("name"), meta: has("meta") }
}

#[test]
fn every_accepted_vector_commits_and_opens_as_it_says() {
    let found = names("accepted");
    assert!(found.len() >= 6, "vectors are missing: {found:?}");
    for name in found {
        let said = vector("accepted", &name);
        let (seed, samples) = (Seed::from_bytes(unhex(&said["seed"])), entries_of(&said));
        let commitment = commitment_of(&said["commitment"]);
        assert_eq!(commit(&seed, &samples).unwrap(), commitment, "{name}");
        let key = CommitKey::new(&seed);
        for (sample, leaf) in samples.iter().zip(said["leaves"].as_array().into_iter().flatten()) {
            let found = key.leaf(&sample.entry());
            assert_eq!(pair([found.sha256, found.blake3]), *leaf, "{name}");
        }
        for opening in said["openings"].as_array().unwrap() {
            let index = opening["entry"].as_u64().unwrap() as usize;
            let found = open(&seed, &samples, &[(index, fields_of(&opening["shown"]))]).remove(0);
            assert_eq!(hex::encode(found.to_bytes()), opening["bytes"], "{name}");
            verify(&commitment, &[found]).unwrap();
        }
    }
}

#[test]
fn every_refused_vector_is_refused_for_its_one_fault() {
    let found = names("refused");
    assert!(found.len() >= 30, "vectors are missing: {found:?}");
    for name in found {
        let said = vector("refused", &name);
        let rule = if said["entries"].is_array() {
            let (seed, samples) = (Seed::from_bytes(unhex(&said["seed"])), entries_of(&said));
            format!("{:?}", commit(&seed, &samples).expect_err(&name))
        } else {
            format!("{:?}", judge(&said).expect_err(&name))
        };
        assert_eq!(rule, said["refused"], "{name}");
    }
}

fn judge(said: &Value) -> Result<(), OpeningError> {
    let openings = said["openings"].as_array().unwrap().iter();
    let bytes = openings.map(|opening| hex::decode(opening.as_str().unwrap()).unwrap());
    let openings = bytes.map(|bytes| Opening::parse(&bytes)).collect::<Result<Vec<_>, _>>()?;
    verify(&commitment_of(&said["commitment"]), &openings).map(drop)
}

#[test]
fn the_crate_agrees_with_a_second_construction() {
    for count in [0, 1, 2, 15, 16, 64, 200, 300] {
        let samples = deposit(&mut Seeded::new(100 + count as u64), count);
        let reference = Reference::new([count as u8; 32], raws(&[count as u8; 32], &samples));
        let seed = Seed::from_bytes([count as u8; 32]);
        assert_eq!(commit(&seed, &samples).unwrap(), reference.commitment);
        for index in (0..count).step_by(7) {
            let fields = Fields { content: index % 2 == 0, name: index % 3 != 0, meta: index % 5 == 0 };
            let opening = open(&seed, &samples, &[(index, fields)]).remove(0);
            assert_eq!(opening.to_bytes(), reference.opening(index, fields));
        }
    }
}

#[test]
fn a_construction_in_another_language_agrees() {
    let script = folder("check.py");
    match Command::new("python3").arg(&script).output() {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
            eprintln!("{said}");
        }
        Err(error) => eprintln!("NOT CHECKED: python3 is not here ({error})"),
    }
}

fn accepted() -> Vec<(String, Value)> {
    let counts = [0_usize, 1, 2, 15, 16, 200];
    let vectors = counts.map(|count| {
        let mut random = Seeded::new(count as u64);
        let (seed, samples) = (crate::commit::draw(&mut random), deposit(&mut random, count));
        let reference = Reference::new(seed, raws(&seed, &samples));
        let shown = [["content", "name", "meta"].as_slice(), &["content"], &["name", "meta"], &[]];
        let openings = shown.iter().enumerate().filter(|_| count > 0).map(|(number, shown)| {
            let entry = number * 5 % count;
            let fields = fields_of(&json!(shown));
            json!({ "entry": entry, "shown": shown, "bytes": hex::encode(reference.opening(entry, fields)) })
        });
        let mut said = json!({
            "about": format!("{count} entries"),
            "seed": hex::encode(seed),
            "entries": samples.iter().map(said_entry).collect::<Value>(),
            "prk": hex::encode(reference.prk),
            "blind": hex::encode(reference.blind),
            "dummy_key": hex::encode(reference.dummy_key),
            "depth": reference.depth,
        });
        if count <= 16 {
            let leaves = (0..count).map(|index| pair([reference.leaves[0][index], reference.leaves[1][index]]));
            said["leaves"] = leaves.collect();
            let sorted = |family: usize| reference.sorted[family].iter().map(hex::encode).collect::<Vec<_>>();
            said["sorted"] = json!({ "sha256": sorted(0), "blake3": sorted(1) });
        }
        said["roots"] = pair(reference.roots);
        said["commitment"] = pair([reference.commitment.sha256, reference.commitment.blake3]);
        said["openings"] = openings.collect();
        (format!("entries_{count:03}"), said)
    });
    vectors.into()
}

/// One fault in the bytes of an otherwise good opening, `from` bytes into it.
fn altered(good: &[u8], from: usize) -> Vec<u8> {
    let mut bytes = good.to_vec();
    bytes[from] ^= 1;
    bytes
}

/// Where the parts of an opening of all fields begin, given the length of the name.
struct Parts {
    name: usize,
    meta: usize,
    sha256: usize,
    blake3: usize,
}

const CONTENT: usize = 50;

fn parts(name_bytes: usize, depth: usize) -> Parts {
    let name = CONTENT + 36 + 96;
    let meta = name + 36 + name_bytes;
    let sha256 = meta + 36 + 53;
    Parts { name, meta, sha256, blake3: sha256 + 4 + 32 * depth }
}

fn refused() -> Vec<(&'static str, &'static str, Value)> {
    let samples = deposit(&mut Seeded::new(77), 20);
    let reference = Reference::new([77; 32], raws(&[77; 32], &samples));
    let commitment = reference.commitment;
    let openings = |about: &str, rule: OpeningError, commitment: Commitment, openings: &[Vec<u8>]| {
        let openings: Vec<_> = openings.iter().map(hex::encode).collect();
        let commitment = pair([commitment.sha256, commitment.blake3]);
        json!({ "about": about, "refused": format!("{rule:?}"), "commitment": commitment, "openings": openings })
    };
    let one = |about: &str, rule: OpeningError, bytes: Vec<u8>| openings(about, rule, commitment, &[bytes]);
    let mut vectors = forms(&reference, &one);
    vectors.extend(hashes(&reference, &one));
    vectors.extend(values(&openings));
    vectors.extend(sets(&reference, &openings));
    let (seed, mut twice) = ([78; 32], samples[..3].to_vec());
    twice.push(twice[1].clone());
    vectors.push((
        "entry_twice",
        "DuplicateLeaf",
        json!({
            "about": "one entry stands twice in a deposit",
            "refused": format!("{:?}", Error::DuplicateLeaf),
            "seed": hex::encode(seed),
            "entries": twice.iter().map(said_entry).collect::<Value>(),
        }),
    ));
    vectors
}

type Vectors = Vec<(&'static str, &'static str, Value)>;

/// Bytes that are no opening at all.
fn forms(reference: &Reference, one: &dyn Fn(&str, OpeningError, Vec<u8>) -> Value) -> Vectors {
    let good = reference.opening(8, Fields::ALL);
    let at = parts(reference.entries[8].values[1].len(), 6);
    let with = |from: usize, bytes: &[u8]| [&good[..from], bytes, &good[from + bytes.len()..]].concat();
    let malformed = |name, about: &str, bytes| (name, "Malformed", one(about, OpeningError::Malformed, bytes));
    let place = |name, about: &str, bytes| (name, "Place", one(about, OpeningError::Place, bytes));
    let cut = |from: usize, length: usize| [&good[..from], &good[from + length..]].concat();
    vec![
        malformed("empty", "no byte at all", vec![]),
        malformed("magic", "another version in the first line", altered(&good, 14)),
        malformed("cut_short", "the last byte is missing", good[..good.len() - 1].to_vec()),
        malformed("byte_after", "a byte after the end", [good.as_slice(), &[0]].concat()),
        malformed("path_cut", "the last sibling is missing", good[..good.len() - 32].to_vec()),
        malformed("path_longer", "a sibling more than the depth", [good.as_slice(), &[7; 32]].concat()),
        malformed("path_of_one_tree", "the second tree's path is missing", good[..at.blake3].to_vec()),
        malformed("field_unknown", "a fourth field is shown", with(49, &[15])),
        malformed("value_length", "a name longer than the opening", with(at.name + 32, &[0xff; 4])),
        malformed("too_long", "an opening past its limit", [good.as_slice(), &[0; 8192]].concat()),
        place("depth_odd", "a depth that no tree has", with(48, &[5])),
        place("depth_zero", "a tree of one leaf", with(48, &[0])),
        place("depth_past_last", "a tree of 2^24 leaves", with(48, &[24])),
        place("index_outside", "an index one past the last leaf", with(at.sha256, &64_u32.to_be_bytes())),
        place("index_outside_blake3", "the same in the second tree", with(at.blake3, &[0x80, 0, 0, 0])),
        malformed("salt_missing", "a shown field without its salt", cut(at.name, 32)),
    ]
}

/// Openings in the right form that do not lead to the commitment.
fn hashes(reference: &Reference, one: &dyn Fn(&str, OpeningError, Vec<u8>) -> Value) -> Vectors {
    let good = reference.opening(8, Fields::ALL);
    let hidden = reference.opening(8, Fields { content: true, ..Fields::default() });
    let at = parts(reference.entries[8].values[1].len(), 6);
    let swapped = |bytes: &[u8], left: usize, right: usize, length: usize| {
        let mut swapped = bytes.to_vec();
        swapped[left..left + length].copy_from_slice(&bytes[right..right + length]);
        swapped[right..right + length].copy_from_slice(&bytes[left..left + length]);
        swapped
    };
    // Another depth, with branches to match: what of each branch is kept, and what stands after it.
    let of_depth = |depth: u8, index: &dyn Fn(u32) -> u32, kept: Range<usize>, more: &[u8]| {
        let branch = |from: usize| {
            let path = &good[from + 4..from + 4 + 192];
            let place = index(u32::from_be_bytes(good[from..from + 4].try_into().unwrap()));
            [&place.to_be_bytes(), &path[kept.clone()], more].concat()
        };
        [&good[..48], &[depth], &good[49..at.sha256], &branch(at.sha256), &branch(at.blake3)].concat()
    };
    let mut shorter_name = [&good[..at.meta - 1], &good[at.meta..]].concat();
    shorter_name[at.name + 35] -= 1;
    let mismatch = |name, about: &str, bytes| (name, "Mismatch", one(about, OpeningError::Mismatch, bytes));
    vec![
        mismatch("blind", "another blind", altered(&good, 16)),
        mismatch("salt_content", "another salt of the content", altered(&good, CONTENT)),
        mismatch("salt_name", "another salt of the name", altered(&good, at.name)),
        mismatch("salt_meta", "another salt of the metadata", altered(&good, at.meta)),
        mismatch("salts_swapped", "the salts of two fields swapped", swapped(&good, CONTENT, at.name, 32)),
        mismatch("value_sha256", "another SHA-256 of the content", altered(&good, CONTENT + 36)),
        mismatch("value_key", "another key of the content", altered(&good, CONTENT + 36 + 32)),
        mismatch("value_blake3", "another keyed hash of the content", altered(&good, CONTENT + 36 + 64)),
        mismatch("value_name", "another name", altered(&good, at.name + 36)),
        mismatch("value_name_shorter", "a name without its last byte", shorter_name),
        mismatch("value_size", "another size", altered(&good, at.meta + 36 + 8)),
        mismatch("value_mtime", "another time", altered(&good, at.meta + 36 + 20)),
        mismatch("hidden_sha256", "another hidden field, first tree", altered(&hidden, CONTENT + 36 + 96)),
        mismatch("hidden_blake3", "another hidden field, second tree", altered(&hidden, CONTENT + 36 + 96 + 32)),
        mismatch("hidden_swapped", "the hashes of a hidden field swapped", swapped(&hidden, 182, 214, 32)),
        mismatch("hidden_fields_swapped", "two hidden fields swapped", swapped(&hidden, 182, 246, 64)),
        mismatch("index_sibling", "the index of the sibling", altered(&good, at.sha256 + 3)),
        mismatch("index_sibling_blake3", "the same in the second tree", altered(&good, at.blake3 + 3)),
        mismatch("siblings_swapped", "two siblings swapped", swapped(&good, at.sha256 + 4, at.sha256 + 36, 32)),
        mismatch("sibling_blake3", "another sibling in the second tree only", altered(&good, at.blake3 + 4)),
        mismatch("trees_swapped", "the two branches swapped", swapped(&good, at.sha256, at.blake3, 4 + 192)),
        mismatch("depth_less", "the two upper levels left out", of_depth(4, &|index| index & 15, 0..128, &[])),
        mismatch("depth_more", "two levels too many", of_depth(8, &|index| index, 0..192, &[7; 64])),
        mismatch(
            "node_for_leaf",
            "the leaf stands where an inner node is",
            of_depth(4, &|index| index >> 2, 64..192, &[]),
        ),
    ]
}

type OfCommitment<'a> = &'a dyn Fn(&str, OpeningError, Commitment, &[Vec<u8>]) -> Value;

/// Openings that lead to a commitment whose depositor did not follow the format.
fn values(openings: OfCommitment<'_>) -> Vectors {
    let good = raw(&[6; 32], &file(&mut Seeded::new(5), "name", b"bytes"));
    let forged = |name: &'static str, about: &str, field: usize, value: &dyn Fn(&[u8]) -> Vec<u8>| {
        let mut entry = good.clone();
        entry.values[field] = value(&good.values[field]);
        let reference = Reference::new([6; 32], vec![entry]);
        let bytes = reference.opening(0, Fields::ALL);
        (name, "Value", openings(about, OpeningError::Value, reference.commitment, &[bytes]))
    };
    let set = |from: usize, bytes: &'static [u8]| {
        move |meta: &[u8]| [&meta[..from], bytes, &meta[from + bytes.len()..]].concat()
    };
    vec![
        forged("content_bare_digest", "a content that is a mere SHA-256", 0, &|value| value[..32].to_vec()),
        forged("content_longer", "a content of 97 bytes", 0, &|value| [value, &[0]].concat()),
        forged("content_of_none", "a file without a content", 0, &|_| vec![]),
        forged("content_of_folder", "a folder with a content", 2, &|meta| {
            [&b"5\0\0\0\0\0\0\0\0"[..], &meta[9..]].concat()
        }),
        forged("name_empty", "an empty name", 1, &|_| vec![]),
        forged("name_absolute", "a name from the root", 1, &|_| b"/etc/passwd".to_vec()),
        forged("name_parent", "a name that leaves its folder", 1, &|_| b"a/../b".to_vec()),
        forged("name_nul", "a name with a NUL byte", 1, &|_| b"a\0b".to_vec()),
        forged("name_too_long", "a name of 4,096 bytes", 1, &|_| vec![b'a'; 4096]),
        forged("meta_empty", "no metadata", 2, &|_| vec![]),
        forged("meta_shorter", "metadata of 52 bytes", 2, &|meta| meta[..52].to_vec()),
        forged("meta_longer", "metadata of 54 bytes", 2, &|meta| [meta, &[0]].concat()),
        forged("meta_type", "a type that no entry has", 2, &set(0, b"3")),
        forged("meta_mode", "a mode with the bits of a file type", 2, &set(9, &[0, 0, 0x81, 0xa4])),
        forged("meta_target_of_file", "a file with a link target", 2, &set(21, &[1; 32])),
        forged("meta_size_of_folder", "a folder with a size", 2, &set(0, b"5")),
    ]
}

/// Openings that are good alone and contradict each other, or another commitment.
fn sets(reference: &Reference, openings: OfCommitment<'_>) -> Vectors {
    let mut random = Seeded::new(8);
    let same = [file(&mut random, "recipe", b"one"), file(&mut random, "recipe", b"another")];
    let two = Reference::new([9; 32], raws(&[9; 32], &same));
    let other = Reference::new([10; 32], reference.entries.clone());
    let good = reference.opening(8, Fields::ALL);
    let name_only = reference.opening(8, Fields { name: true, ..Fields::default() });
    let content_only = reference.opening(8, Fields { content: true, ..Fields::default() });
    let both = [two.opening(0, Fields::ALL), two.opening(1, Fields::ALL)];
    let halves = |sha256, blake3| Commitment { sha256, blake3 };
    let (here, there) = (reference.commitment, other.commitment);
    let mismatch = |name, about: &str, commitment| {
        (name, "Mismatch", openings(about, OpeningError::Mismatch, commitment, std::slice::from_ref(&good)))
    };
    vec![
        mismatch("other_deposit", "the commitment of another deposit of the same entries", there),
        mismatch("other_sha256", "another deposit's commitment in the first tree", halves(there.sha256, here.blake3)),
        mismatch("other_blake3", "another deposit's commitment in the second tree", halves(here.sha256, there.blake3)),
        mismatch("families_swapped", "the two halves of the commitment swapped", halves(here.blake3, here.sha256)),
        (
            "one_name_twice",
            "RepeatedName",
            openings("two shown leaves have one name", OpeningError::RepeatedName, two.commitment, &both),
        ),
        (
            "one_leaf_twice",
            "RepeatedLeaf",
            openings("one leaf is shown in two halves", OpeningError::RepeatedLeaf, here, &[name_only, content_only]),
        ),
        (
            "one_good_one_bad",
            "Mismatch",
            openings(
                "one of two openings does not hold",
                OpeningError::Mismatch,
                here,
                &[good, other.opening(3, Fields::ALL)],
            ),
        ),
    ]
}

#[test]
fn the_vectors_are_the_ones_described_here() {
    for (name, said) in accepted() {
        assert_eq!(vector("accepted", &name), said, "{name}");
    }
    for (name, rule, said) in refused() {
        assert_eq!(said["refused"], rule, "{name}");
        assert_eq!(vector("refused", name), said, "{name}");
    }
}

#[test]
fn leaves_of_a_vector_are_those_of_the_crate() {
    let samples = deposit(&mut Seeded::new(3), 16);
    let reference = Reference::new([3; 32], raws(&[3; 32], &samples));
    let key = CommitKey::new(&Seed::from_bytes([3; 32]));
    assert_eq!(leaves(&key, &samples).len(), 16);
    for (index, sample) in samples.iter().enumerate() {
        let leaf = key.leaf(&sample.entry());
        assert_eq!([leaf.sha256, leaf.blake3], [reference.leaves[0][index], reference.leaves[1][index]]);
    }
}

#[test]
#[ignore = "writes vectors that are missing; a released one is never changed"]
fn missing_vectors_are_written() {
    let put = |kind: &str, name: &str, said: Value| {
        fs::create_dir_all(folder(kind)).unwrap();
        let path = folder(kind).join(format!("{name}.json"));
        if !path.exists() {
            fs::write(path, serde_json::to_string_pretty(&said).unwrap() + "\n").unwrap();
        }
    };
    accepted().into_iter().for_each(|(name, said)| put("accepted", &name, said));
    refused().into_iter().for_each(|(name, _, said)| put("refused", name, said));
}
