//! A tile from anywhere, after a byte for its kind and one for its width: what is taken is what it was made of, and no path
//! that leads through it holds for a leaf that it does not have.
#![no_main]

use hizo_ledger::log::tile::{self, Kind, Tile, Tiles};
use hizo_ledger::log::tree::{self, check_inclusion};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some(([kind, width], rest)) = bytes.split_first_chunk() else { return };
    let width = u64::from(*width) + 1;
    if *kind == 0 {
        let tile = Tile { kind: Kind::Entries, index: 0, width };
        if let Ok(leaves) = tile::leaves(tile, rest) {
            assert_eq!(tile::from_leaves(&leaves), rest);
        }
        return;
    }
    let tile = Tile { kind: Kind::Hashes(0), index: 0, width };
    let Ok(hashes) = tile::hashes(tile, rest) else { return };
    assert_eq!(tile::from_hashes(&hashes), rest);
    // A tree of one tile; where it has two, the other one is made of the first's root.
    let read = |wanted: Tile| match wanted.kind {
        Kind::Hashes(0) => Ok(rest.get(..wanted.bytes()).unwrap_or(rest).to_vec()),
        _ => tile::root(&hashes).map(|root| tile::from_hashes(&[root])).ok_or(()),
    };
    let mut tiles = Tiles::new(width, read);
    let root = tree::root(&mut tiles, width).expect("the tree has its tile");
    let index = u64::from(*kind) % width;
    let path = tree::inclusion_path(&mut tiles, index, width).expect("the tree has its tile").expect("it has the leaf");
    for (place, hash) in (0..).zip(&hashes) {
        let holds = check_inclusion(hash, index, width, &root, &path).is_ok();
        assert_eq!(holds, *hash == hashes[index as usize], "at {place}");
    }
});
