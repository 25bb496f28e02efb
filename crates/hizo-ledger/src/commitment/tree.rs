//! The tree of RFC 6962 over a power of two of sorted leaf hashes, folded in place.

use std::cell::Cell;

use super::{Branch, Family};

/// A leaf hash, a node, a root, or a field commitment.
pub type Node = [u8; 32];

/// The depths a tree may have. Steps of two, so that a depth tells the number of entries to a factor of four only.
pub(super) const DEPTHS: [u8; 10] = [4, 6, 8, 10, 12, 14, 16, 18, 20, 22];

/// Below so many leaves a second thread costs more than it saves.
const LEAVES_WORTH_A_THREAD: usize = 1 << 12;

const NODE_PREFIX: &[u8] = &[1];

/// The depth for this many entries: the smallest that leaves room for a dummy. `None`: too many.
pub(super) fn depth(entries: usize) -> Option<u8> {
    DEPTHS.into_iter().find(|depth| entries < leaves(*depth))
}

/// How many leaves a tree of this depth has.
pub(super) fn leaves(depth: u8) -> usize {
    1_usize.checked_shl(depth.into()).unwrap_or(usize::MAX)
}

/// What is done for the tree of each hash family, at once where the trees are large.
pub(super) fn both<R: Send>(leaves: usize, sha256: impl FnOnce() -> R, blake3: impl FnOnce() -> R + Send) -> (R, R) {
    if leaves < LEAVES_WORTH_A_THREAD {
        return (sha256(), blake3());
    }
    std::thread::scope(|scope| {
        let blake3 = scope.spawn(blake3);
        let sha256 = sha256();
        match blake3.join() {
            Ok(blake3) => (sha256, blake3),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// The root over `nodes`, a power of two of them. Each branch comes with its index, and gets its path.
pub(super) fn fold(family: Family, mut nodes: Vec<Node>, branches: &mut [Branch]) -> Node {
    let mut level = 0_u32;
    while nodes.len() > 1 {
        for branch in branches.iter_mut() {
            let position = branch.index.checked_shr(level).unwrap_or(0);
            branch.path.extend(usize::try_from(position ^ 1).ok().and_then(|sibling| nodes.get(sibling)));
        }
        let half = nodes.len() / 2;
        // A parent takes the place of a node that was read before: the i-th of nodes 2i and 2i + 1.
        let cells = Cell::from_mut(nodes.as_mut_slice()).as_slice_of_cells();
        for (place, pair) in cells.iter().zip(cells.as_chunks().0) {
            let [left, right]: &[Cell<Node>; 2] = pair;
            place.set(parent(family, &left.get(), &right.get()));
        }
        nodes.truncate(half);
        level = level.saturating_add(1);
    }
    nodes.first().copied().unwrap_or_default()
}

pub(super) fn parent(family: Family, left: &Node, right: &Node) -> Node {
    family.hash(&[NODE_PREFIX, left, right])
}
