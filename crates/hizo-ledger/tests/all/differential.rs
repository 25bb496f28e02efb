//! The log beside three implementations that share no code with it: the same trees, paths, tiles and notes, and the same
//! refusals.

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ed25519_dalek::{Signer as _, SigningKey};
use hizo_ledger::id::{NodeHash, RecordId, RootHash, Slot};
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::log::Leaf;
use hizo_ledger::log::checkpoint::{Checkpoint, UnverifiedCheckpoint};
use hizo_ledger::log::note::{self, CheckpointKey, NamedKey};
use hizo_ledger::log::tile::{self, Kind, Tile};
use hizo_ledger::log::tree::{self, Edge, Subtrees};
use hizo_ledger::record::Origin;
use sha2::Sha256;
use signed_note::{Note, StandardVerifier, VerifierList};
use tlog_tiles::tlog::{self, Hash, HashReader};

/// The only randomness of these tests: SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// One tree in three implementations.
struct Trees {
    leaves: Vec<Leaf>,
    hashes: Vec<NodeHash>,
    ct: MemoryBackedTree<Sha256, Vec<u8>>,
    stored: Stored,
}

struct Stored(Vec<Hash>);

impl HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog::Error> {
        Ok(indexes.iter().map(|index| self.0[usize::try_from(*index).unwrap()]).collect())
    }
}

impl Subtrees for &Trees {
    type Error = std::convert::Infallible;

    fn subtree(&mut self, level: u32, index: u64) -> Result<NodeHash, Self::Error> {
        let start = (index << level) as usize;
        Ok(tile::root(&self.hashes[start..start + (1 << level)]).unwrap())
    }
}

impl Trees {
    fn grown(size: u64, seed: u64) -> Self {
        let mut random = Random(seed);
        let mut trees =
            Self { leaves: Vec::new(), hashes: Vec::new(), ct: MemoryBackedTree::new(), stored: Stored(Vec::new()) };
        for place in 0..size {
            let slot = Slot::of(&[9; 32], random.next());
            let leaf = Leaf { slot, record: RecordId::of(&random.next().to_be_bytes()) };
            trees.ct.push(leaf.to_bytes().to_vec());
            let new = tlog::stored_hashes(place, &leaf.to_bytes(), &trees.stored).unwrap();
            trees.stored.0.extend(new);
            trees.hashes.push(leaf.hash());
            trees.leaves.push(leaf);
        }
        trees
    }

    fn root(&self, size: u64) -> RootHash {
        let mut edge = Edge::default();
        self.hashes[..size as usize].iter().for_each(|hash| edge.push(*hash));
        edge.root()
    }
}

fn theirs(path: &[NodeHash]) -> Vec<Hash> {
    path.iter().map(|hash| Hash(*hash.as_bytes())).collect()
}

fn bytes(path: &[NodeHash]) -> Vec<u8> {
    path.iter().flat_map(|hash| *hash.as_bytes()).collect()
}

#[test]
fn trees_have_the_same_roots_and_paths_as_elsewhere() {
    let mut random = Random(20_261_125);
    for size in (1..=20).chain([255, 256, 257, 300, 700]) {
        let trees = Trees::grown(size, size);
        let root = trees.root(size);
        assert_eq!(trees.ct.root().as_bytes()[..], *root.as_bytes());
        assert_eq!(tlog::tree_hash(size, &trees.stored).unwrap().0, *root.as_bytes());
        assert_eq!(tree::root(&mut &trees, size).unwrap(), root);
        for _ in 0..24 {
            let index = random.below(size);
            let path = tree::inclusion_path(&mut &trees, index, size).unwrap().unwrap();
            assert_eq!(trees.ct.prove_inclusion(index as usize).as_bytes(), bytes(&path));
            assert_eq!(tlog::prove_record(size, index, &trees.stored).unwrap(), theirs(&path));
            let old = 1 + random.below(size);
            let path = tree::consistency_path(&mut &trees, old, size).unwrap().unwrap();
            assert_eq!(tlog::prove_tree(size, old, &trees.stored).unwrap(), theirs(&path));
            if old < size {
                assert_eq!(trees.ct.prove_consistency((size - old) as usize).as_bytes(), bytes(&path));
            }
        }
    }
}

/// A path with one fault, or none.
fn spoil(path: &mut Vec<NodeHash>, random: &mut Random) {
    let length = path.len();
    let place = random.below(length.max(1) as u64) as usize;
    match random.below(7) {
        0 => drop(path.pop()),
        1 => path.push(NodeHash::from_bytes([random.next() as u8; 32])),
        2 if length > 1 => path.swap(place, (place + 1) % length),
        3 if length > 0 => {
            let mut hash = *path[place].as_bytes();
            hash[random.below(32) as usize] ^= 1 << random.below(8);
            path[place] = NodeHash::from_bytes(hash);
        }
        4 if length > 0 => path.insert(place, path[place]),
        _ => {}
    }
}

#[test]
fn spoilt_paths_and_other_places_are_judged_as_elsewhere() {
    let mut random = Random(7);
    let (mut held, mut refused) = (0, 0);
    for _ in 0..4_000 {
        let size = 1 + random.below(40);
        let trees = Trees::grown(size, size);
        let root = trees.root(size);
        let index = random.below(size);
        let mut path = tree::inclusion_path(&mut &trees, index, size).unwrap().unwrap();
        spoil(&mut path, &mut random);
        let claimed = if random.below(3) == 0 { random.below(size + 2) } else { index };
        let claimed_size = if random.below(5) == 0 { 1 + random.below(48) } else { size };
        let leaf = trees.leaves[index as usize];
        let own = tree::check_inclusion(&leaf.hash(), claimed, claimed_size, &root, &path).is_ok();
        let tlog = tlog::check_record(
            &theirs(&path),
            claimed_size,
            Hash(*root.as_bytes()),
            claimed,
            Hash(*leaf.hash().as_bytes()),
        );
        assert_eq!(own, tlog.is_ok(), "{claimed} of {claimed_size}, made for {index} of {size}");
        let ct_root = ct_merkle::RootHash::<Sha256>::new((*root.as_bytes()).into(), claimed_size);
        let ct_path = ct_merkle::InclusionProof::from_bytes(bytes(&path));
        let ct = ct_root.verify_inclusion(&leaf.to_bytes().to_vec(), claimed, &ct_path);
        assert_eq!(own, ct.is_ok(), "{claimed} of {claimed_size}, made for {index} of {size}");

        let old = 1 + random.below(size);
        let old_root = trees.root(old);
        let mut path = tree::consistency_path(&mut &trees, old, size).unwrap().unwrap();
        spoil(&mut path, &mut random);
        let own = tree::check_consistency(old, &old_root, size, &root, &path).is_ok();
        let tlog =
            tlog::check_tree(&theirs(&path), size, Hash(*root.as_bytes()), old, Hash(*old_root.as_bytes())).is_ok();
        assert_eq!(own, tlog, "from {old} to {size}");
        (held, refused) = (held + usize::from(own), refused + usize::from(!own));
    }
    assert!(held > 400 && refused > 400, "{held} held and {refused} were refused");
}

#[test]
fn tiles_have_the_same_paths_and_bytes_as_elsewhere() {
    let mut random = Random(11);
    let elsewhere = |tile: &Tile| {
        let Kind::Hashes(level) = tile.kind else { panic!("it is of hashes") };
        tlog_tiles::tile::Tile::new(
            8,
            u8::try_from(level).unwrap(),
            tile.index,
            u32::try_from(tile.width).unwrap(),
            false,
        )
    };
    // Their path names the height, which is always 8 here.
    let path = |tile: &Tile| elsewhere(tile).path().replacen("tile/8/", "tile/", 1);
    for _ in 0..2_000 {
        let (level, bits) = (random.below(8) as u32, random.below(40));
        let tile =
            Tile { kind: Kind::Hashes(level), index: random.next() >> (24 + bits), width: 1 + random.below(256) };
        assert_eq!(tile.path(), path(&tile));
    }
    for _ in 0..400 {
        let old = random.next() >> (24 + random.below(40));
        let new = old + (random.next() >> (50 + random.below(14)));
        let own: Vec<String> =
            Tile::between(old, new).iter().filter(|tile| tile.kind != Kind::Entries).map(|tile| tile.path()).collect();
        let other = tlog_tiles::tile::Tile::new_tiles(8, old, new);
        let other: Vec<String> = other.iter().map(|tile| tile.path().replacen("tile/8/", "tile/", 1)).collect();
        assert_eq!(own, other, "from {old} to {new}");
    }
    let trees = Trees::grown(700, 700);
    for tile in Tile::between(0, 700).iter().filter(|tile| tile.kind == Kind::Hashes(0)) {
        let start = (tile.index * tile::WIDTH) as usize;
        let own = tile::from_hashes(&trees.hashes[start..start + tile.width as usize]);
        assert_eq!(own, elsewhere(tile).read_data(&trees.stored).unwrap(), "{}", tile.path());
    }
}

fn signed(name: &str, seed: u8, checkpoint: &Checkpoint) -> (NamedKey, String) {
    let secret = SigningKey::from_bytes(&[seed; 32]);
    let public = VerifyingKey::from_bytes(secret.verifying_key().as_bytes()).unwrap();
    let key = NamedKey::new(name, CheckpointKey::Log(public)).unwrap();
    let line = note::signature_line(&key, &secret.sign(checkpoint.text().as_bytes()).to_bytes());
    (key, line)
}

#[test]
fn notes_and_checkpoints_are_read_and_refused_as_elsewhere() {
    let checkpoint = Checkpoint {
        origin: Origin::parse("keeper.example/log").unwrap(),
        size: 20_852_163,
        root: RootHash::from_bytes([0x1c; 32]),
    };
    let (key, own) = signed("keeper.example/log", 1, &checkpoint);
    let (_, beside) = signed("stranger.example", 2, &checkpoint);
    let whole = format!("{}\n{own}{beside}", checkpoint.text()).into_bytes();
    let known = VerifierList::new(vec![Box::new(StandardVerifier::new(&key.to_string()).unwrap())]);
    let elsewhere = |note: &[u8]| {
        let note = Note::from_bytes(note).ok()?;
        note.verify(&known).ok()?;
        tlog_tiles::checkpoint::Checkpoint::from_bytes(note.text()).ok()
    };
    let here = |note: &[u8]| {
        let read = UnverifiedCheckpoint::parse(note).ok()?;
        (read.signed_by(&key) == Ok(Some(0))).then(|| read.claimed().clone())
    };
    let theirs = elsewhere(&whole).unwrap();
    assert_eq!((theirs.origin(), theirs.size(), theirs.hash().0), ("keeper.example/log", 20_852_163, [0x1c; 32]));
    assert_eq!(theirs.to_bytes(), checkpoint.text().as_bytes());
    assert_eq!(here(&whole), Some(checkpoint));
    let mut random = Random(5);
    let mut refused = 0;
    for _ in 0..6_000 {
        let mut note = whole.clone();
        let place = random.below(note.len() as u64) as usize;
        match random.below(4) {
            0 => note[place] ^= 1 << random.below(8),
            1 => drop(note.remove(place)),
            2 => note.insert(place, b"\n +=-0Az"[random.below(8) as usize]),
            _ => note.truncate(place),
        }
        let (own, other) = (here(&note), elsewhere(&note));
        // We may be the stricter ones, about lines of strangers; never the other way round.
        if own.is_some() {
            assert!(other.is_some(), "{:?} is refused elsewhere", String::from_utf8_lossy(&note));
        }
        refused += usize::from(own.is_none());
    }
    assert!(refused > 3_000, "{refused} were refused");
}
