//! An age file from anywhere, binary or armored, with an identity: header, stanzas and chunks.
#![no_main]

use hizo_vault::age::{self, Identity};
use hizo_vault::entropy::Entropy;
use libfuzzer_sys::fuzz_target;

struct Zeros;

impl Entropy for Zeros {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

fuzz_target!(|bytes: &[u8]| {
    let identity = Identity::generate(&mut Zeros);
    if let Ok(plain) = age::open_own(bytes.to_vec(), &identity) {
        assert!(plain.len() < bytes.len());
    }
});
