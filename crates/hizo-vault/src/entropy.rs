//! The one way in which randomness comes in.
//!
//! The source that draws from the system lives in the crate `hizo`; one that can be seeded exists in tests alone. See
//! docs/spec/keys.md, section "Randomness".

use zeroize::Zeroizing;

/// A source of bytes that nobody else can predict.
pub trait Entropy {
    /// Fills all of `out`, or does not return: there is no weaker source to fall back on.
    fn fill(&mut self, out: &mut [u8]);
}

impl dyn Entropy + '_ {
    /// Draws `N` bytes that are wiped when dropped.
    pub fn draw<const N: usize>(&mut self) -> Zeroizing<[u8; N]> {
        let mut bytes = Zeroizing::new([0; N]);
        self.fill(bytes.as_mut());
        bytes
    }
}
