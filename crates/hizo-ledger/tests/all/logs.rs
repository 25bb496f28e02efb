//! The vectors of docs/spec/log.md: each file is made again and must be the same to the byte, and each is judged as its
//! index says. `cargo test -p hizo-ledger -- --ignored write_the_log_vectors` writes them.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use ed25519_dalek::Signer as _;
use hizo_ledger::id::{NodeHash, RecordId, RootHash, Slot};
use hizo_ledger::log::Leaf;
use hizo_ledger::log::checkpoint::{self, Checkpoint, UnverifiedCheckpoint};
use hizo_ledger::log::note::{self, CheckpointKey, NamedKey};
use hizo_ledger::log::policy::{Policy, Unmet};
use hizo_ledger::log::proof::{self, InclusionProof};
use hizo_ledger::log::tile::{self, Kind, Tile};
use hizo_ledger::log::tree::{self, Subtrees};
use hizo_ledger::record::Origin;
use serde_json::{Value, json};

use crate::kit;

const LOG: &str = "keeper.example/log";
const WITNESSED: u64 = 1_809_335_600;

/// A file, what it is held against, and what must come of it.
struct Vector {
    name: &'static str,
    about: &'static str,
    what: What,
    policy: &'static str,
    bytes: Vec<u8>,
    /// The rule that must refuse it; accepted without.
    rule: Option<&'static str>,
}

#[derive(Clone, Copy)]
enum What {
    /// A tlog-proof for these 64 bytes.
    Proof([u8; 64]),
    Checkpoint,
    Tile(Tile),
}

impl Vector {
    fn file(&self) -> String {
        let place = if self.rule.is_some() { "refused" } else { "accepted" };
        let ending = match self.what {
            What::Proof(_) => "tlog-proof",
            What::Checkpoint => "checkpoint",
            What::Tile(_) => "tile",
        };
        format!("{place}/{}.{ending}", self.name)
    }

    fn said(&self) -> Value {
        let mut said = json!({ "file": self.file(), "about": self.about });
        match self.what {
            What::Proof(leaf) => {
                said["policy"] = self.policy.into();
                said["leaf"] = hex::encode(leaf).into();
            }
            What::Checkpoint => said["policy"] = self.policy.into(),
            What::Tile(tile) => said["path"] = tile.path().into(),
        }
        if let Some(rule) = self.rule {
            said["rule"] = rule.into();
        }
        said
    }

    /// The rule that refuses it.
    fn judged(&self) -> Option<&'static str> {
        let policy = Policy::parse(policies()[self.policy].as_bytes()).unwrap();
        match self.what {
            What::Proof(leaf) => {
                let leaf = Leaf::from_bytes(&leaf).unwrap();
                InclusionProof::parse(&self.bytes).and_then(|proof| proof.check(&leaf, &policy)).err().map(proof_rule)
            }
            What::Checkpoint => {
                let met =
                    UnverifiedCheckpoint::parse(&self.bytes).map_err(Unmet::from).and_then(|read| policy.check(&read));
                met.err().map(unmet_rule)
            }
            What::Tile(tile) => match tile.kind {
                Kind::Entries => tile::leaves(tile, &self.bytes).map(drop),
                Kind::Hashes(_) => tile::hashes(tile, &self.bytes).map(drop),
            }
            .err()
            .map(|error| match error {
                tile::Error::Length => "length",
                tile::Error::Entry => "entry",
                tile::Error::Place => "place",
            }),
        }
    }
}

fn proof_rule(error: proof::Error) -> &'static str {
    match error {
        proof::Error::Form => "form",
        proof::Error::Checkpoint(error) => checkpoint_rule(error),
        proof::Error::Policy(unmet) => unmet_rule(unmet),
        proof::Error::Path(tree::Error::Place) => "place",
        proof::Error::Path(tree::Error::Empty) => "empty",
        proof::Error::Path(tree::Error::Length) => "length",
        proof::Error::Path(tree::Error::Mismatch) => "root",
    }
}

fn unmet_rule(unmet: Unmet) -> &'static str {
    match unmet {
        Unmet::Checkpoint(error) => checkpoint_rule(error),
        Unmet::Log => "log",
        Unmet::Quorum => "quorum",
    }
}

fn checkpoint_rule(error: checkpoint::Error) -> &'static str {
    match error {
        checkpoint::Error::Note(_) => "note",
        checkpoint::Error::Lines => "lines",
        checkpoint::Error::Origin => "origin",
        checkpoint::Error::TreeSize => "size",
        checkpoint::Error::Root => "hash",
        checkpoint::Error::Signature => "signature",
    }
}

fn named(name: &str, who: &str, kind: fn(hizo_ledger::identity::VerifyingKey) -> CheckpointKey) -> NamedKey {
    NamedKey::new(name, kind(kit::key(who))).unwrap()
}

fn policies() -> BTreeMap<&'static str, String> {
    let log = format!("log {}\n", named(LOG, "log", CheckpointKey::Log));
    let witness = |number: u8| {
        let key = named(&format!("w.example/{number}"), &format!("witness {number}"), CheckpointKey::Cosigner);
        format!("witness W{number} {key}\n")
    };
    BTreeMap::from([
        ("policy", format!("{log}quorum none\n")),
        ("policy-witnessed", format!("{log}{}{}group both all W1 W2\nquorum both\n", witness(1), witness(2))),
    ])
}

fn leaf(number: u64) -> Leaf {
    Leaf { slot: Slot::of(&kit::seed("slot key"), number), record: RecordId::of(format!("record {number}").as_bytes()) }
}

struct Hashes(Vec<NodeHash>);

impl Hashes {
    fn of(size: u64) -> Self {
        Self((0..size).map(|number| leaf(number).hash()).collect())
    }
}

impl Subtrees for Hashes {
    type Error = Infallible;

    fn subtree(&mut self, level: u32, index: u64) -> Result<NodeHash, Infallible> {
        let start = (index << level) as usize;
        Ok(tile::root(&self.0[start..start + (1 << level)]).unwrap())
    }
}

fn head(size: u64) -> Checkpoint {
    let root = tree::root(&mut Hashes::of(size), size).unwrap();
    Checkpoint { origin: Origin::parse(LOG).unwrap(), size, root }
}

fn line(name: &str, who: &str, text: &str) -> String {
    let key = named(name, who, CheckpointKey::Log);
    note::signature_line(&key, &kit::secret(who).sign(text.as_bytes()).to_bytes())
}

fn cosigned(number: u8, checkpoint: &Checkpoint) -> String {
    let (name, who) = (format!("w.example/{number}"), format!("witness {number}"));
    let signature = kit::secret(&who).sign(checkpoint.cosigned_text(WITNESSED).as_bytes()).to_bytes();
    let bytes = [WITNESSED.to_be_bytes().as_slice(), &signature].concat();
    note::signature_line(&named(&name, &who, CheckpointKey::Cosigner), &bytes)
}

/// A text as the log signs it.
fn signed(text: &str) -> String {
    format!("{text}\n{}", line(LOG, "log", text))
}

fn path(index: u64, size: u64) -> Vec<NodeHash> {
    tree::inclusion_path(&mut Hashes::of(size), index, size).unwrap().unwrap()
}

/// A proof under this checkpoint note.
fn proof(index: u64, path: Vec<NodeHash>, note: &str) -> String {
    let proof = InclusionProof { index, path, checkpoint: note.as_bytes().to_vec() };
    String::from_utf8(proof.to_bytes()).unwrap()
}

/// The proof of a leaf in a tree of so many, as it must be.
fn whole(index: u64, size: u64) -> String {
    proof(index, path(index, size), &signed(&head(size).text()))
}

fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from:?} does not stand in {text}");
    text.replacen(from, to, 1)
}

fn vectors() -> Vec<Vector> {
    [proofs(), checkpoints(), tiles()].into_iter().flatten().collect()
}

fn proofs() -> Vec<Vector> {
    let vector = |name, about, number: u64, text: String, rule| Vector {
        name,
        about,
        what: What::Proof(leaf(number).to_bytes()),
        policy: "policy",
        bytes: text.into_bytes(),
        rule,
    };
    let accepted = |name, about, index, size| vector(name, about, index, whole(index, size), None);
    let refused = |name, about, text, rule| vector(name, about, 6, text, Some(rule));
    let usual = whole(6, 11);
    let (note, hashes) = (signed(&head(11).text()), path(6, 11));
    let without_last = hashes[..hashes.len() - 1].to_vec();
    let longer = [hashes.clone(), vec![leaf(0).hash()]].concat();
    let swapped = [hashes[1], hashes[0]].into_iter().chain(hashes[2..].iter().copied()).collect();
    let mut bit = *hashes[2].as_bytes();
    bit[31] ^= 1;
    let changed = hashes.iter().enumerate().map(|(n, hash)| if n == 2 { NodeHash::from_bytes(bit) } else { *hash });
    let hash_line = usual.lines().nth(2).unwrap();
    let other = head(11).text().replacen(LOG, "other.example/log", 1);
    vec![
        accepted("only", "the only leaf of a log: no path", 0, 1),
        accepted("first", "the first of eleven leaves", 0, 11),
        accepted("middle", "the seventh of eleven leaves", 6, 11),
        accepted("last", "the last of eleven leaves, whose path is short", 10, 11),
        accepted("tile_full", "the last leaf of a tree of one full tile", 255, 256),
        accepted("tile_next", "the first leaf of the tile after it", 256, 257),
        Vector { policy: "policy-witnessed", ..vector("witnessed", "under two witnesses", 6, witnessed(&usual), None) },
        refused(
            "origin_other",
            "the checkpoint is of another log, which signed it",
            proof(6, hashes.clone(), &format!("{other}\n{}", line("other.example/log", "other log", &other))),
            "log",
        ),
        refused(
            "origin_changed",
            "the log's own key under the origin of another log",
            proof(6, hashes.clone(), &format!("{other}\n{}", line(LOG, "log", &other))),
            "log",
        ),
        refused(
            "name_of_log",
            "a stranger's key under the log's name",
            proof(6, hashes.clone(), &format!("{}\n{}", head(11).text(), line(LOG, "other log", &head(11).text()))),
            "log",
        ),
        refused(
            "signature_changed",
            "the signature is over another size",
            proof(6, hashes.clone(), &note.replacen("\n11\n", "\n12\n", 1)),
            "signature",
        ),
        Vector {
            policy: "policy-witnessed",
            ..refused(
                "witness_missing",
                "one of two witnesses has not signed",
                replaced(&witnessed(&usual), &cosigned(2, &head(11)), ""),
                "quorum",
            )
        },
        Vector {
            policy: "policy-witnessed",
            ..refused(
                "witness_of_other",
                "a witness signed another head",
                replaced(&witnessed(&usual), &cosigned(2, &head(11)), &cosigned(2, &head(10))),
                "signature",
            )
        },
        refused("path_truncated", "the last hash of the path is missing", proof(6, without_last, &note), "length"),
        refused("path_longer", "a hash more than the path has", proof(6, longer, &note), "length"),
        refused("path_empty", "no path", proof(6, Vec::new(), &note), "length"),
        refused("path_swapped", "two hashes of the path have changed places", proof(6, swapped, &note), "root"),
        refused("path_changed", "one bit of a hash", proof(6, changed.collect(), &note), "root"),
        refused("index_neighbour", "the place of the leaf beside it", proof(7, hashes.clone(), &note), "root"),
        refused("index_beyond", "a place that the log does not have", proof(11, hashes.clone(), &note), "place"),
        refused(
            "depth_smaller",
            "the path that it had when there were eight leaves",
            proof(6, path(6, 8), &note),
            "length",
        ),
        refused(
            "depth_larger",
            "the path that it will have when there are twenty",
            proof(6, path(6, 20), &note),
            "length",
        ),
        refused("size_other", "a path of the same length, of a tree of twelve", proof(6, path(6, 12), &note), "root"),
        vector("leaf_other", "the leaf is the one beside it", 7, usual.clone(), Some("root")),
        node_as_leaf(),
        leaf_as_node(),
        refused("index_zero_before", "a place with a zero before it", replaced(&usual, "index 6", "index 06"), "form"),
        refused("index_signed", "a place with a sign", replaced(&usual, "index 6", "index +6"), "form"),
        refused("index_missing", "no place", replaced(&usual, "index 6\n", ""), "form"),
        refused("version_other", "another version", replaced(&usual, "@v1", "@v2"), "form"),
        refused(
            "extra",
            "a line of data that nobody vouches for",
            replaced(&usual, "index 6\n", "extra QQ==\nindex 6\n"),
            "form",
        ),
        refused(
            "hash_short",
            "a hash of 31 bytes",
            replaced(&usual, hash_line, &format!("{}==", &hash_line[..42])),
            "form",
        ),
        refused(
            "hash_loose",
            "a hash in base64 with bits left over",
            replaced(&usual, hash_line, &loose(hash_line)),
            "form",
        ),
        refused("line_ends", "line ends of another kind", usual.replace('\n', "\r\n"), "form"),
        refused(
            "path_too_long",
            "64 hashes, more than any tree asks for",
            proof(6, vec![leaf(0).hash(); 64], &note),
            "form",
        ),
        refused("checkpoint_missing", "no checkpoint", usual.split_once("\n\n").unwrap().0.to_owned() + "\n", "form"),
        refused("checkpoint_bare", "a checkpoint that nobody signed", proof(6, hashes, &head(11).text()), "note"),
    ]
}

/// The same hash with its last bits, which no byte takes up, not zero.
fn loose(line: &str) -> String {
    let digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let place = digits.find(line.chars().nth(42).unwrap()).unwrap();
    format!("{}{}=", &line[..42], &digits[place + 1..place + 2])
}

fn witnessed(proof: &str) -> String {
    format!("{proof}{}{}", cosigned(1, &head(11)), cosigned(2, &head(11)))
}

/// 64 bytes that are two hashes: were leaves and nodes hashed alike, a node would pass for a leaf.
fn node_as_leaf() -> Vector {
    let hashes = Hashes::of(4).0;
    let two = [*hashes[0].as_bytes(), *hashes[1].as_bytes()].concat();
    let checkpoint = Checkpoint { size: 2, ..head(4) };
    let text = proof(0, vec![tree::node_hash(&hashes[2], &hashes[3])], &signed(&checkpoint.text()));
    Vector {
        name: "node_as_leaf",
        about: "a node's two hashes as a leaf, in a tree that a lying log calls half as large",
        what: What::Proof(two.try_into().unwrap()),
        policy: "policy",
        bytes: text.into_bytes(),
        rule: Some("root"),
    }
}

/// The hash of a leaf where that of a node must stand.
fn leaf_as_node() -> Vector {
    let hashes = path(6, 8);
    let level = tree::leaf_hash(&[*leaf(4).hash().as_bytes(), *leaf(5).hash().as_bytes()].concat());
    let spoilt = vec![hashes[0], level, hashes[2]];
    Vector {
        name: "leaf_as_node",
        about: "a node on the path that is hashed as a leaf is",
        what: What::Proof(leaf(6).to_bytes()),
        policy: "policy",
        bytes: proof(6, spoilt, &signed(&head(8).text())).into_bytes(),
        rule: Some("root"),
    }
}

fn checkpoints() -> Vec<Vector> {
    let vector = |name, about, text: String, rule| Vector {
        name,
        about,
        what: What::Checkpoint,
        policy: "policy",
        bytes: text.into_bytes(),
        rule,
    };
    let text = head(11).text();
    let usual = signed(&text);
    let root = text.lines().nth(2).unwrap().to_owned();
    // Each is signed as it stands, so that the signature is never the fault.
    let refused =
        |name, about, from: &str, to: &str, rule| vector(name, about, signed(&replaced(&text, from, to)), Some(rule));
    let whole = |name, about, text: String, rule| vector(name, about, text, Some(rule));
    let stranger = line("stranger.example", "other log", &text);
    let empty = Checkpoint { size: 0, root: tree::empty_root(), ..head(1) };
    vec![
        vector("eleven", "a head of eleven leaves", usual.clone(), None),
        vector("empty", "a head of no leaves", signed(&empty.text()), None),
        vector(
            "largest",
            "a head of as many leaves as a tree may have",
            signed(&Checkpoint { size: 1 << 63, ..head(1) }.text()),
            None,
        ),
        vector("stranger_beside", "a line of somebody unknown beside the log's", format!("{usual}{stranger}"), None),
        refused(
            "line_more",
            "a fourth line, which ML-DSA signatures would not cover",
            &root,
            &format!("{root}\nmore"),
            "lines",
        ),
        refused("line_fewer", "no root", &format!("{root}\n"), "", "lines"),
        refused("origin_empty", "no origin", LOG, "", "origin"),
        refused("size_zero_before", "a size with a zero before it", "\n11\n", "\n011\n", "size"),
        refused("size_signed", "a size with a sign", "\n11\n", "\n+11\n", "size"),
        refused("size_word", "a size that is no number", "\n11\n", "\neleven\n", "size"),
        refused("size_over", "a leaf more than a tree may have", "\n11\n", "\n9223372036854775809\n", "size"),
        refused("root_short", "a root of 31 bytes", &root, &format!("{}==", &root[..42]), "hash"),
        refused("root_loose", "a root in base64 with bits left over", &root, &loose(&root), "hash"),
        refused("root_hex", "a root in hexadecimal digits", &root, &"ab".repeat(32), "hash"),
        whole("unsigned", "no signature", format!("{text}\n"), "note"),
        whole("no_empty_line", "no line between text and signatures", replaced(&usual, "\n\n", "\n"), "note"),
        whole("dash_other", "a signature line that begins with another dash", replaced(&usual, "— ", "- "), "note"),
        whole("last_line_open", "no line feed at the end", usual[..usual.len() - 1].to_owned(), "note"),
        whole("tab", "a control character", replaced(&usual, "— keeper", "—\tkeeper"), "note"),
        whole(
            "signature_short",
            "a signature line of the log that is too short to hold one",
            short(&usual),
            "signature",
        ),
        whole(
            "signature_twice",
            "a second line of the log's key, which does not hold",
            format!("{usual}{}", line(LOG, "log", "something else\n")),
            "signature",
        ),
        whole("stranger_alone", "signed by somebody unknown alone", format!("{text}\n{stranger}"), "log"),
        Vector {
            policy: "policy-witnessed",
            ..whole(
                "witness_alone",
                "signed by a witness and not by the log",
                format!("{text}\n{}{}", cosigned(1, &head(11)), cosigned(2, &head(11))),
                "log",
            )
        },
        Vector {
            policy: "policy-witnessed",
            ..whole(
                "witness_twice",
                "one witness twice is one witness",
                format!("{usual}{0}{0}", cosigned(1, &head(11))),
                "quorum",
            )
        },
    ]
}

/// The log's signature line without its signature's last three bytes.
fn short(note: &str) -> String {
    let end = note.trim_end_matches(['\n', '=']).len();
    format!("{}\n", &note[..end - end % 4 - 4 + (note.rfind(' ').unwrap() + 1) % 4])
}

fn tiles() -> Vec<Vector> {
    let tile = |kind, index, width| Tile { kind, index, width };
    let vector = |name, about, tile, bytes: Vec<u8>, rule| Vector {
        name,
        about,
        what: What::Tile(tile),
        policy: "policy",
        bytes,
        rule,
    };
    let leaves: Vec<Leaf> = (0..256).map(leaf).collect();
    let (bundle, row) = (tile::from_leaves(&leaves[..3]), tile::from_hashes(&Hashes::of(256).0));
    let three = tile(Kind::Entries, 0, 3);
    let refused = |name, about, tile, bytes, rule| vector(name, about, tile, bytes, Some(rule));
    let with = |place: usize, byte: u8| {
        let mut changed = bundle.clone();
        changed[place] = byte;
        changed
    };
    vec![
        vector("entries_partial", "three entries", three, bundle.clone(), None),
        vector("hashes_full", "the leaf hashes of 256 entries", tile(Kind::Hashes(0), 0, 256), row.clone(), None),
        vector("hashes_partial", "the first three of them", tile(Kind::Hashes(0), 0, 3), row[..96].to_vec(), None),
        vector(
            "hashes_above",
            "the one hash above them",
            tile(Kind::Hashes(1), 0, 1),
            head(256).root.as_bytes().to_vec(),
            None,
        ),
        refused("entries_short", "a byte less", three, bundle[..bundle.len() - 1].to_vec(), "length"),
        refused("entries_long", "a byte more", three, [bundle.clone(), vec![0]].concat(), "length"),
        refused("entries_fewer", "two entries where three must be", three, bundle[..132].to_vec(), "length"),
        refused("entry_shorter", "an entry that says 63 bytes", three, with(1, 63), "entry"),
        refused("entry_longer", "an entry that says 320 bytes", three, with(66, 1), "entry"),
        refused("entries_none", "nothing", three, Vec::new(), "length"),
        refused("hashes_short", "a byte less", tile(Kind::Hashes(0), 0, 256), row[..8191].to_vec(), "length"),
        refused(
            "hashes_for_partial",
            "a full tile where three hashes must be",
            tile(Kind::Hashes(0), 0, 3),
            row,
            "length",
        ),
    ]
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/log/v1")
}

fn all_files() -> BTreeMap<String, Vec<u8>> {
    let vectors = vectors();
    let index: Vec<String> = vectors.iter().map(|vector| vector.said().to_string()).collect();
    let mut files: BTreeMap<String, Vec<u8>> =
        vectors.into_iter().map(|vector| (vector.file(), vector.bytes)).collect();
    files.insert("index.json".to_owned(), format!("[\n{}\n]\n", index.join(",\n")).into_bytes());
    files.extend(policies().into_iter().map(|(name, text)| (name.to_owned(), text.into_bytes())));
    files
}

#[test]
fn every_vector_is_judged_as_its_index_says() {
    for vector in vectors() {
        assert_eq!(vector.judged(), vector.rule, "{}: {}", vector.name, String::from_utf8_lossy(&vector.bytes));
    }
}

#[test]
fn the_files_are_those_that_are_made_here() {
    for (name, bytes) in all_files() {
        let found = fs::read(folder().join(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(found == bytes, "{name} is another one");
    }
    let listed = |place: &str| fs::read_dir(folder().join(place)).unwrap().count();
    assert_eq!(listed("accepted") + listed("refused"), vectors().len(), "a file too many");
}

#[test]
fn names_are_unique_and_refusals_outnumber_acceptances() {
    let all = vectors();
    let names: BTreeSet<_> = all.iter().map(Vector::file).collect();
    assert_eq!(names.len(), all.len());
    assert!(all.iter().filter(|vector| vector.rule.is_some()).count() > 3 * all.len() / 5);
}

#[test]
#[ignore = "writes the files that the other tests compare"]
fn write_the_log_vectors() {
    for place in ["accepted", "refused"] {
        let place = folder().join(place);
        if place.exists() {
            fs::remove_dir_all(&place).unwrap();
        }
        fs::create_dir_all(place).unwrap();
    }
    for (name, bytes) in all_files() {
        fs::write(folder().join(name), bytes).unwrap();
    }
}

/// What the program that was written from the pages alone says of each proof and checkpoint: the step that refuses it.
const SECOND: &str = r#"
import json, pathlib, sys
sys.path.insert(0, sys.argv[1])
import verify
folder = pathlib.Path(sys.argv[2])
for vector in json.loads((folder / "index.json").read_text()):
    if "policy" not in vector:
        continue
    data, policy = (folder / vector["file"]).read_bytes(), verify.Policy((folder / vector["policy"]).read_text())
    try:
        if "leaf" in vector:
            origin, text, signatures = verify.check_inclusion(data, bytes.fromhex(vector["leaf"]))
        else:
            said, text, signatures = verify.read_checkpoint(data)
            origin = said[1]
        print(vector["file"], "doubts" if policy.doubts(origin, text, signatures) else "holds")
    except verify.UNREADABLE:
        print(vector["file"], "refused")
"#;

#[test]
fn a_second_program_written_from_the_pages_agrees() {
    if Command::new("python3").arg("--version").output().is_err()
        || Command::new("openssl").arg("version").output().is_err()
    {
        eprintln!("NOT CHECKED: python3 or openssl is not here");
        return;
    }
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools");
    let mut command = Command::new("python3");
    command.args(["-B", "-c", SECOND]).arg(tools).arg(folder());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    let said: BTreeMap<&str, &str> = said.lines().filter_map(|line| line.split_once(' ')).collect();
    let own = vectors().into_iter().filter(|vector| !matches!(vector.what, What::Tile(_)));
    for vector in own {
        let expected = match vector.rule {
            None => "holds",
            // A checkpoint that lacks a signature is not false; it cannot be told.
            Some("log" | "quorum") => "doubts",
            Some(_) => "refused",
        };
        assert_eq!(said.get(vector.file().as_str()), Some(&expected), "{}", vector.file());
    }
}

#[test]
fn no_root_hash_is_made_of_no_leaves() {
    assert_eq!(RootHash::from_bytes(*tree::empty_root().as_bytes()), tree::empty_root());
    let nothing = tree::check_consistency(0, &tree::empty_root(), 4, &head(4).root, &[]);
    assert_eq!(nothing, Err(tree::Error::Empty));
}
