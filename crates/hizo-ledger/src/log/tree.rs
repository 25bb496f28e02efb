//! The Merkle tree of RFC 6962 with SHA-256: roots, and the two kinds of path that tie a leaf to a root and an earlier
//! root to a later one.
//!
//! See docs/spec/log.md, section "Tree".

use sha2::{Digest, Sha256};

use crate::id::{NodeHash, RootHash};

/// Hashes in one path, at most: a tree has at most 2^63 leaves.
pub const PATH_HASHES_MAX: usize = 63;

/// Leaves of a tree, at most.
pub const SIZE_MAX: u64 = 1 << 63;

/// Why a path does not prove what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The index is not below the size, the first size is above the second, or a size is more than a tree may have.
    #[error("the path is for a place that the tree does not have")]
    Place,
    /// An earlier tree without leaves is the beginning of every tree: it proves nothing.
    #[error("nothing can be proved from an empty tree")]
    Empty,
    /// The path has more or fewer hashes than its place asks for.
    #[error("the path is not as long as its place asks for")]
    Length,
    /// The path does not lead to the root.
    #[error("the path does not lead to the root")]
    Mismatch,
}

/// The hash of a leaf's data.
pub fn leaf_hash(data: &[u8]) -> NodeHash {
    hash(&[&[0], data])
}

/// The hash of an inner node.
pub fn node_hash(left: &NodeHash, right: &NodeHash) -> NodeHash {
    hash(&[&[1], left.as_bytes(), right.as_bytes()])
}

/// The root of a tree without leaves.
pub fn empty_root() -> RootHash {
    RootHash::from_bytes(Sha256::digest([]).into())
}

fn hash(parts: &[&[u8]]) -> NodeHash {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    NodeHash::from_bytes(hash.finalize().into())
}

/// Checks that the leaf with this hash stands at `index` in the tree of `size` leaves under `root` (RFC 9162, 2.1.3.2).
///
/// # Errors
/// [`Error::Place`], [`Error::Length`], [`Error::Mismatch`].
pub fn check_inclusion(
    leaf: &NodeHash,
    index: u64,
    size: u64,
    root: &RootHash,
    path: &[NodeHash],
) -> Result<(), Error> {
    if index >= size || size > SIZE_MAX {
        return Err(Error::Place);
    }
    let mut climb = Climb { place: index, last: size.saturating_sub(1) };
    let mut found = *leaf;
    for sibling in path {
        found = match climb.step()? {
            Side::Left => node_hash(sibling, &found),
            Side::Right => node_hash(&found, sibling),
        };
    }
    climb.finish()?;
    ensure(found.as_bytes() == root.as_bytes())
}

/// Checks that the tree of `second` leaves begins with the tree of `first` leaves (RFC 9162, 2.1.4.2).
///
/// # Errors
/// [`Error::Place`], [`Error::Empty`], [`Error::Length`], [`Error::Mismatch`].
pub fn check_consistency(
    first: u64,
    first_root: &RootHash,
    second: u64,
    second_root: &RootHash,
    path: &[NodeHash],
) -> Result<(), Error> {
    if first > second || second > SIZE_MAX {
        return Err(Error::Place);
    }
    if first == 0 {
        return Err(Error::Empty);
    }
    if first == second {
        return if path.is_empty() { ensure(first_root == second_root) } else { Err(Error::Length) };
    }
    let mut climb = Climb { place: first.saturating_sub(1), last: second.saturating_sub(1) };
    while climb.place & 1 == 1 {
        climb.up();
    }
    // Where the first tree is complete, its root is the subtree that the climb begins at, and is not said again.
    let (begin, rest) = match first.is_power_of_two() {
        true => (NodeHash::from_bytes(*first_root.as_bytes()), path),
        false => path.split_first().map(|(begin, rest)| (*begin, rest)).ok_or(Error::Length)?,
    };
    let (mut old, mut new) = (begin, begin);
    for sibling in rest {
        match climb.step()? {
            Side::Left => (old, new) = (node_hash(sibling, &old), node_hash(sibling, &new)),
            Side::Right => new = node_hash(&new, sibling),
        }
    }
    climb.finish()?;
    ensure(old.as_bytes() == first_root.as_bytes() && new.as_bytes() == second_root.as_bytes())
}

fn ensure(holds: bool) -> Result<(), Error> {
    if holds { Ok(()) } else { Err(Error::Mismatch) }
}

/// A way from a node up to the root: its place among the nodes of its level, and the last place of that level.
struct Climb {
    place: u64,
    last: u64,
}

/// Where the sibling stands.
enum Side {
    Left,
    Right,
}

impl Climb {
    fn up(&mut self) {
        self.place >>= 1;
        self.last >>= 1;
    }

    fn step(&mut self) -> Result<Side, Error> {
        if self.last == 0 {
            return Err(Error::Length);
        }
        let side = if self.place & 1 == 1 || self.place == self.last { Side::Left } else { Side::Right };
        // The last node of a level without a sibling is carried up until it has one.
        while matches!(side, Side::Left) && self.place & 1 == 0 && self.place != 0 {
            self.up();
        }
        self.up();
        Ok(side)
    }

    fn finish(&self) -> Result<(), Error> {
        if self.last == 0 { Ok(()) } else { Err(Error::Length) }
    }
}

/// Gives the hash of a complete subtree: of the 2^`level` leaves from `index` × 2^`level` on.
pub trait Subtrees {
    /// Why a hash could not be given.
    type Error;

    /// The hash of one complete subtree.
    ///
    /// # Errors
    /// When it cannot be read.
    fn subtree(&mut self, level: u32, index: u64) -> Result<NodeHash, Self::Error>;
}

/// The root of the tree of `size` leaves.
///
/// # Errors
/// Those of the subtrees.
pub fn root<S: Subtrees>(subtrees: &mut S, size: u64) -> Result<RootHash, S::Error> {
    if size == 0 {
        return Ok(empty_root());
    }
    let root = range(subtrees, 0, size)?;
    Ok(RootHash::from_bytes(*root.as_bytes()))
}

/// The path of the leaf at `index` in the tree of `size` leaves, from the leaf's sibling up. `None` when the tree has
/// no such leaf.
///
/// # Errors
/// Those of the subtrees.
pub fn inclusion_path<S: Subtrees>(subtrees: &mut S, index: u64, size: u64) -> Result<Option<Vec<NodeHash>>, S::Error> {
    if index >= size || size > SIZE_MAX {
        return Ok(None);
    }
    let mut path = Vec::new();
    let (mut start, mut length) = (0_u64, size);
    while length > 1 {
        let left = split(length);
        let (middle, right) = (start.saturating_add(left), length.saturating_sub(left));
        if index < middle {
            path.push(range(subtrees, middle, right)?);
            length = left;
        } else {
            path.push(range(subtrees, start, left)?);
            (start, length) = (middle, right);
        }
    }
    path.reverse();
    Ok(Some(path))
}

/// The path from the tree of `first` leaves to that of `second`; empty when they are the same. `None` when there is
/// none: from an empty tree, or back.
///
/// # Errors
/// Those of the subtrees.
pub fn consistency_path<S: Subtrees>(
    subtrees: &mut S,
    first: u64,
    second: u64,
) -> Result<Option<Vec<NodeHash>>, S::Error> {
    if first == 0 || first > second || second > SIZE_MAX {
        return Ok(None);
    }
    let mut path = Vec::new();
    let (mut start, mut length) = (0_u64, second);
    // As long as the first tree is wholly the left part, or reaches into the right one.
    while start.saturating_add(length) != first {
        let left = split(length);
        let (middle, right) = (start.saturating_add(left), length.saturating_sub(left));
        if first <= middle {
            path.push(range(subtrees, middle, right)?);
            length = left;
        } else {
            path.push(range(subtrees, start, left)?);
            (start, length) = (middle, right);
        }
    }
    // The whole first tree is known to whoever checks; a part of it is said.
    if start > 0 {
        path.push(range(subtrees, start, length)?);
    }
    path.reverse();
    Ok(Some(path))
}

/// The largest power of two below `length`, which is at least 2.
fn split(length: u64) -> u64 {
    1_u64.checked_shl(length.saturating_sub(1).max(1).ilog2()).unwrap_or(1)
}

/// The hash over `length` leaves from `start` on, where `start` is a multiple of the power of two at or above `length`.
fn range<S: Subtrees>(subtrees: &mut S, mut start: u64, mut length: u64) -> Result<NodeHash, S::Error> {
    let mut parts = Vec::new();
    while length > 1 && !length.is_power_of_two() {
        let left = split(length);
        parts.push(complete(subtrees, start, left)?);
        start = start.saturating_add(left);
        length = length.saturating_sub(left);
    }
    let last = complete(subtrees, start, length)?;
    Ok(parts.iter().rev().fold(last, |right, left| node_hash(left, &right)))
}

fn complete<S: Subtrees>(subtrees: &mut S, start: u64, length: u64) -> Result<NodeHash, S::Error> {
    let level = length.max(1).ilog2();
    subtrees.subtree(level, start.checked_shr(level).unwrap_or(0))
}

/// The right edge of a growing tree: the complete subtrees that its leaves form, largest first. Enough to append and
/// to tell the root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edge {
    size: u64,
    peaks: Vec<NodeHash>,
}

impl Edge {
    /// The edge of the tree of `size` leaves.
    ///
    /// # Errors
    /// Those of the subtrees.
    pub fn of<S: Subtrees>(subtrees: &mut S, size: u64) -> Result<Self, S::Error> {
        let mut edge = Self { size, peaks: Vec::new() };
        let mut start = 0_u64;
        for level in (0..=63_u32).rev() {
            let leaves = 1_u64.checked_shl(level).unwrap_or(0);
            if size & leaves != 0 {
                edge.peaks.push(complete(subtrees, start, leaves)?);
                start = start.saturating_add(leaves);
            }
        }
        Ok(edge)
    }

    /// Leaves so far.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Takes the next leaf.
    pub fn push(&mut self, leaf: NodeHash) {
        let mut node = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                node = node_hash(&left, &node);
            }
        }
        self.peaks.push(node);
        self.size = self.size.saturating_add(1);
    }

    /// The root of the tree so far.
    pub fn root(&self) -> RootHash {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else { return empty_root() };
        let root = peaks.fold(*last, |right, left| node_hash(left, &right));
        RootHash::from_bytes(*root.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

    use std::convert::Infallible;

    use super::*;

    /// The recursion of RFC 6962, 2.1, as it stands there.
    fn mth(leaves: &[NodeHash]) -> NodeHash {
        match leaves.len() {
            1 => leaves[0],
            n => {
                let k = (0..).map(|power| 1_usize << power).take_while(|k| *k < n).last().unwrap();
                node_hash(&mth(&leaves[..k]), &mth(&leaves[k..]))
            }
        }
    }

    struct Leaves(Vec<NodeHash>);

    impl Subtrees for Leaves {
        type Error = Infallible;

        fn subtree(&mut self, level: u32, index: u64) -> Result<NodeHash, Infallible> {
            let leaves = 1_usize << level;
            let start = usize::try_from(index).unwrap() * leaves;
            Ok(mth(&self.0[start..start + leaves]))
        }
    }

    fn leaves(count: u64) -> Leaves {
        Leaves((0..count).map(|number| leaf_hash(&number.to_be_bytes())).collect())
    }

    #[test]
    fn roots_are_those_of_the_recursion_in_the_rfc() {
        let mut leaves = leaves(130);
        let mut edge = Edge::default();
        assert_eq!(edge.root(), empty_root());
        for size in 1..=130 {
            edge.push(leaves.0[size as usize - 1]);
            let expected = mth(&leaves.0[..size as usize]);
            assert_eq!(root(&mut leaves, size).unwrap().as_bytes(), expected.as_bytes(), "size {size}");
            assert_eq!(edge.root().as_bytes(), expected.as_bytes(), "edge of {size}");
            assert_eq!(Edge::of(&mut leaves, size).unwrap(), edge);
        }
    }

    #[test]
    fn every_leaf_of_every_tree_is_included_and_no_other_place_is() {
        let mut leaves = leaves(70);
        for size in 1..=70 {
            let top = root(&mut leaves, size).unwrap();
            for index in 0..size {
                let path = inclusion_path(&mut leaves, index, size).unwrap().unwrap();
                let leaf = leaves.0[index as usize];
                assert_eq!(check_inclusion(&leaf, index, size, &top, &path), Ok(()));
                for other in (0..=size).filter(|other| *other != index) {
                    assert!(check_inclusion(&leaf, other, size, &top, &path).is_err(), "{index} as {other} of {size}");
                }
                let longer = [path.clone(), vec![leaf]].concat();
                assert!(check_inclusion(&leaf, index, size, &top, &longer).is_err());
                if let Some((_, shorter)) = path.split_last() {
                    assert!(check_inclusion(&leaf, index, size, &top, shorter).is_err());
                }
            }
            assert_eq!(inclusion_path(&mut leaves, size, size).unwrap(), None);
        }
    }

    #[test]
    fn any_two_sizes_are_consistent_and_another_history_is_not() {
        let mut leaves = leaves(70);
        for second in 1..=70 {
            let new = root(&mut leaves, second).unwrap();
            for first in 1..=second {
                let old = root(&mut leaves, first).unwrap();
                let path = consistency_path(&mut leaves, first, second).unwrap().unwrap();
                assert_eq!(check_consistency(first, &old, second, &new, &path), Ok(()), "{first} to {second}");
                let wrong = RootHash::from_bytes([7; 32]);
                assert!(check_consistency(first, &wrong, second, &new, &path).is_err());
                assert!(check_consistency(first, &old, second, &wrong, &path).is_err());
                for place in 0..path.len() {
                    let mut changed = path.clone();
                    changed[place] = NodeHash::from_bytes([7; 32]);
                    let refused = check_consistency(first, &old, second, &new, &changed);
                    assert_eq!(refused, Err(Error::Mismatch), "{first} to {second}, hash {place}");
                }
            }
        }
        assert_eq!(consistency_path(&mut leaves, 0, 5).unwrap(), None);
        assert_eq!(consistency_path(&mut leaves, 6, 5).unwrap(), None);
    }
}
