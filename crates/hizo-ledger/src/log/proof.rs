//! A proof that a leaf stands in a log, as one file (C2SP tlog-proof).
//!
//! See docs/spec/log.md, section "Proof".

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::checkpoint::{self, UnverifiedCheckpoint};
use super::policy::{Policy, Unmet, Witnessed};
use super::tree::{self, PATH_HASHES_MAX};
use super::{Leaf, note};
use crate::id::NodeHash;

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";
/// Length of a proof, at most, in bytes: the path, and the longest checkpoint.
pub const PROOF_BYTES_MAX: usize = note::NOTE_BYTES_MAX + (8 << 10);

/// Why bytes are not a proof, or do not prove what they should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not a tlog-proof of version 1 in its one form. An `extra` line is refused: nobody vouches for it.
    #[error("the bytes are not a proof of inclusion")]
    Form,
    /// The checkpoint in it is none.
    #[error(transparent)]
    Checkpoint(#[from] checkpoint::Error),
    /// The checkpoint is not trusted.
    #[error(transparent)]
    Policy(#[from] Unmet),
    /// The path does not lead from the leaf to the checkpoint's root.
    #[error(transparent)]
    Path(#[from] tree::Error),
}

/// A leaf's place, the path from it to the root, and the checkpoint that names the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionProof {
    /// Which leaf, counted from 0.
    pub index: u64,
    /// From the leaf's sibling up.
    pub path: Vec<NodeHash>,
    /// The whole checkpoint note, byte for byte.
    pub checkpoint: Vec<u8>,
}

impl InclusionProof {
    /// Reads a proof. Nothing in it is to be believed before [`InclusionProof::check`].
    ///
    /// # Errors
    /// [`Error::Form`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > PROOF_BYTES_MAX {
            return Err(Error::Form);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| Error::Form)?;
        let (head, checkpoint) = text.split_once("\n\n").ok_or(Error::Form)?;
        let mut lines = head.split('\n');
        if lines.next() != Some(FIRST_LINE) {
            return Err(Error::Form);
        }
        let index = lines.next().and_then(|line| line.strip_prefix("index ")).and_then(checkpoint::decimal);
        let index = index.ok_or(Error::Form)?;
        let mut path = Vec::new();
        for line in lines {
            let hash = STANDARD.decode(line).ok().and_then(|hash| hash.try_into().ok()).ok_or(Error::Form)?;
            if path.len() == PATH_HASHES_MAX {
                return Err(Error::Form);
            }
            path.push(NodeHash::from_bytes(hash));
        }
        Ok(Self { index, path, checkpoint: checkpoint.as_bytes().to_vec() })
    }

    /// The file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = format!("{FIRST_LINE}\nindex {}\n", self.index);
        for hash in &self.path {
            text.push_str(&STANDARD.encode(hash.as_bytes()));
            text.push('\n');
        }
        text.push('\n');
        [text.as_bytes(), &self.checkpoint].concat()
    }

    /// Checks that the leaf stands where the proof says, under a checkpoint that meets the policy.
    ///
    /// # Errors
    /// [`Error`].
    pub fn check(&self, leaf: &Leaf, policy: &Policy) -> Result<Witnessed, Error> {
        let witnessed = policy.check(&UnverifiedCheckpoint::parse(&self.checkpoint)?)?;
        let head = &witnessed.checkpoint;
        tree::check_inclusion(&leaf.hash(), self.index, head.size, &head.root, &self.path)?;
        Ok(witnessed)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

    use ed25519_dalek::{Signer, SigningKey};

    use super::*;
    use crate::id::{RecordId, Slot};
    use crate::identity::VerifyingKey;
    use crate::log::checkpoint::Checkpoint;
    use crate::log::note::{CheckpointKey, NamedKey};
    use crate::log::tree::{Edge, Subtrees, inclusion_path};
    use crate::record::Origin;

    struct Leaves(Vec<NodeHash>);

    impl Subtrees for Leaves {
        type Error = std::convert::Infallible;

        fn subtree(&mut self, level: u32, index: u64) -> Result<NodeHash, Self::Error> {
            let start = (index << level) as usize;
            Ok(crate::log::tile::root(&self.0[start..start + (1 << level)]).unwrap())
        }
    }

    fn leaf(number: u64) -> Leaf {
        Leaf { slot: Slot::of(&[1; 32], number), record: RecordId::of(&number.to_be_bytes()) }
    }

    fn proof() -> (InclusionProof, Policy) {
        let secret = SigningKey::from_bytes(&[4; 32]);
        let public = VerifyingKey::from_bytes(secret.verifying_key().as_bytes()).unwrap();
        let key = NamedKey::new("keeper.example", CheckpointKey::Log(public)).unwrap();
        let mut leaves = Leaves((0..11).map(|number| leaf(number).hash()).collect());
        let mut edge = Edge::default();
        leaves.0.iter().for_each(|hash| edge.push(*hash));
        let checkpoint =
            Checkpoint { origin: Origin::parse("keeper.example").unwrap(), size: edge.size(), root: edge.root() };
        let signature = secret.sign(checkpoint.text().as_bytes()).to_bytes();
        let note = format!("{}\n{}", checkpoint.text(), note::signature_line(&key, &signature));
        let path = inclusion_path(&mut leaves, 6, 11).unwrap().unwrap();
        (InclusionProof { index: 6, path, checkpoint: note.into_bytes() }, Policy::of_log(key))
    }

    #[test]
    fn a_proof_reads_back_and_holds_for_its_leaf_only() {
        let (proof, policy) = proof();
        let read = InclusionProof::parse(&proof.to_bytes()).unwrap();
        assert_eq!(read, proof);
        assert_eq!(read.check(&leaf(6), &policy).unwrap().checkpoint.size, 11);
        assert_eq!(read.check(&leaf(5), &policy), Err(Error::Path(tree::Error::Mismatch)));
        let moved = InclusionProof { index: 11, ..proof };
        assert_eq!(moved.check(&leaf(6), &policy), Err(Error::Path(tree::Error::Place)));
    }

    #[test]
    fn what_is_not_in_the_one_form_is_refused() {
        let (proof, _) = proof();
        let text = String::from_utf8(proof.to_bytes()).unwrap();
        for wrong in [
            text.replacen("@v1", "@v2", 1),
            text.replacen("index 6", "index 06", 1),
            text.replacen("index 6", "index -6", 1),
            text.replacen("index 6\n", "extra QQ==\nindex 6\n", 1),
            text.replacen("index 6\n", "index 6\nQQ==\n", 1),
            text.replacen("index 6\n", "", 1),
            text.replacen("\n\n", "\n", 1),
            String::new(),
        ] {
            assert_eq!(InclusionProof::parse(wrong.as_bytes()), Err(Error::Form), "{wrong:.60?}");
        }
        let long = format!("{FIRST_LINE}\nindex 0\n{}\nx\n", format!("{}\n", "A".repeat(43) + "=").repeat(64));
        assert_eq!(InclusionProof::parse(long.as_bytes()), Err(Error::Form));
    }

    #[test]
    fn every_flipped_byte_is_refused_or_of_no_meaning() {
        let (proof, policy) = proof();
        let bytes = proof.to_bytes();
        for place in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[place] ^= 1;
            let outcome = InclusionProof::parse(&flipped).and_then(|proof| proof.check(&leaf(6), &policy));
            assert!(outcome.is_err(), "byte {place} was flipped and nobody noticed");
        }
    }
}
