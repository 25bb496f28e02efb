//! A checkpoint, proof of inclusion, policy or request to a witness from anywhere: what is read is written the same, and is
//! signed by nobody whose key is not known.
#![no_main]

use hizo_ledger::log::checkpoint::{Checkpoint, UnverifiedCheckpoint};
use hizo_ledger::log::note::NamedKey;
use hizo_ledger::log::policy::Policy;
use hizo_ledger::log::proof::InclusionProof;
use hizo_ledger::log::tile::{self, Kind, Tile};
use hizo_ledger::log::witness::AddCheckpoint;
use libfuzzer_sys::fuzz_target;

const STRANGER: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";

fuzz_target!(|bytes: &[u8]| {
    let stranger = NamedKey::parse(STRANGER).unwrap();
    if let Ok(read) = UnverifiedCheckpoint::parse(bytes) {
        let claimed = read.claimed();
        assert_eq!(Checkpoint::parse(&claimed.text()).as_ref(), Ok(claimed));
        assert!(!matches!(read.signed_by(&stranger), Ok(Some(_))));
        assert!(read.line_of(&stranger).is_empty());
    }
    if let Ok(request) = AddCheckpoint::parse(bytes) {
        assert_eq!(request.to_bytes(), bytes);
    }
    if let Ok(proof) = InclusionProof::parse(bytes) {
        assert_eq!(proof.to_bytes(), bytes);
    }
    if let Ok(policy) = Policy::parse(bytes) {
        assert!(policy.is_quorum(|_| true));
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        if let Ok(key) = NamedKey::parse(text) {
            assert_eq!(NamedKey::parse(&key.to_string()), Ok(key));
        }
    }
    for width in [1, 2, 256] {
        if let Ok(leaves) = tile::leaves(Tile { kind: Kind::Entries, index: 0, width }, bytes) {
            assert_eq!(tile::from_leaves(&leaves), bytes);
        }
        if let Ok(hashes) = tile::hashes(Tile { kind: Kind::Hashes(0), index: 0, width }, bytes) {
            assert_eq!(tile::from_hashes(&hashes), bytes);
        }
    }
});
