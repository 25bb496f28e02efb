//! The system's random source: the only one outside tests.

use hizo_vault::entropy::Entropy;

/// Random bytes straight from the system, for every key, nonce, seed and name.
pub(crate) struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&mut self, out: &mut [u8]) {
        getrandom::fill(out).expect("the system gives random bytes; without them nothing may be sealed");
    }
}

/// Random bytes of a fixed length.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemEntropy.fill(&mut bytes);
    bytes
}
