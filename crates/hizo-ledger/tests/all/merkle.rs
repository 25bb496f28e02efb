//! The public vectors of transparency-dev/merkle: paths that must hold, and paths that must not.
//!
//! They are read from `../shared/vectors/merkle` beside the repository.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hizo_ledger::id::{NodeHash, RootHash};
use hizo_ledger::log::tree;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// How many vectors there are of each kind, accepted and refused, so that none is lost on the way.
const EXPECTED: [(&str, [usize; 2]); 2] = [("inclusion", [6, 92]), ("consistency", [6, 92])];

#[test]
fn every_public_merkle_vector_has_the_outcome_it_names() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors/merkle");
    if !folder.is_dir() {
        return crate::say_aloud::say_aloud("the public Merkle vectors: they are not beside the repository");
    }
    for (kind, expected) in EXPECTED {
        let mut counts = [0, 0];
        for path in files(&folder.join(kind)) {
            let vector: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            let refused = vector["wantErr"].as_bool().unwrap();
            let outcome = match kind {
                "inclusion" => inclusion(&vector),
                _ => consistency(&vector),
            };
            assert_eq!(outcome.is_none(), refused, "{}", path.display());
            counts[usize::from(refused)] += 1;
        }
        assert_eq!(counts, expected, "{kind}");
    }
}

fn inclusion(vector: &Value) -> Option<()> {
    let (index, size) = (vector["leafIdx"].as_u64()?, vector["treeSize"].as_u64()?);
    let (leaf, root) = (exact(&vector["leafHash"])?, exact(&vector["root"])?);
    let (leaf, root) = (NodeHash::from_bytes(leaf), RootHash::from_bytes(root));
    tree::check_inclusion(&leaf, index, size, &root, &path(vector)?).ok()
}

fn consistency(vector: &Value) -> Option<()> {
    let (first, second) = (vector["size1"].as_u64()?, vector["size2"].as_u64()?);
    let [one, two] = [stand_in(&vector["root1"])?, stand_in(&vector["root2"])?].map(RootHash::from_bytes);
    tree::check_consistency(first, &one, second, &two, &path(vector)?).ok()
}

fn path(vector: &Value) -> Option<Vec<NodeHash>> {
    let hashes = vector["proof"].as_array().map_or(&[][..], Vec::as_slice);
    hashes.iter().map(|one| exact(one).map(NodeHash::from_bytes)).collect()
}

/// A hash of another length is none: our types cannot even hold it.
fn exact(value: &Value) -> Option<[u8; 32]> {
    STANDARD.decode(value.as_str()?).ok()?.try_into().ok()
}

/// Some vectors about sizes have a word in the place of a root: other bytes stand for it, the same for the same.
fn stand_in(value: &Value) -> Option<[u8; 32]> {
    let bytes = STANDARD.decode(value.as_str()?).ok()?;
    Some(bytes.as_slice().try_into().unwrap_or_else(|_| Sha256::digest(&bytes).into()))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => found.extend(files(&entry.path())),
            false => found.push(entry.path()),
        }
    }
    found
}
