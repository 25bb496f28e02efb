//! Every secret of a new file, drawn from the random source and from what is sealed.
//!
//! A machine that is copied while it runs may get the same random bytes twice. What is drawn here then still differs for
//! two plaintexts or two sets of readers, so no key and nonce ever meet two plaintexts.
//! See docs/spec/pack-container.md, section "Sealing".

use zeroize::Zeroizing;

use super::hybrid::ENCAPSULATION_BYTES;
use super::passphrase::SALT_BYTES;
use super::stream::NONCE_BYTES;
use super::{FileKey, Recipient};
use crate::entropy::Entropy;

const LABEL: &[u8] = b"hizo/seal-hedge/v1\n";

/// Takes in what will be sealed.
pub(super) struct Hedge {
    hasher: blake3::Hasher,
}

/// What one file needs.
pub(super) struct Drawn {
    pub(super) file_key: FileKey,
    pub(super) nonce: [u8; NONCE_BYTES],
    further: blake3::OutputReader,
}

impl Hedge {
    /// Draws 32 bytes. No recipients means a passphrase, which is not taken in: a nonce is public, and would let
    /// whoever knows the random bytes test guesses.
    pub(super) fn new(recipients: &[Recipient], entropy: &mut dyn Entropy) -> Self {
        let mut hasher = blake3::Hasher::new_keyed(&entropy.draw::<32>());
        hasher.update(LABEL);
        hasher.update(&(recipients.len() as u32).to_be_bytes());
        for recipient in recipients {
            hasher.update(recipient.as_bytes());
        }
        Self { hasher }
    }

    pub(super) fn update(&mut self, plaintext: &[u8]) {
        self.hasher.update(plaintext);
    }

    pub(super) fn finish(self) -> Drawn {
        let mut further = self.hasher.finalize_xof();
        let mut file_key = Zeroizing::new([0; super::FILE_KEY_BYTES]);
        further.fill(file_key.as_mut());
        let mut nonce = [0; NONCE_BYTES];
        further.fill(&mut nonce);
        Drawn { file_key: FileKey(file_key), nonce, further }
    }
}

impl Drawn {
    /// The randomness of one hybrid stanza; every call gives the next 64 bytes.
    pub(super) fn encapsulation(&mut self) -> Zeroizing<[u8; ENCAPSULATION_BYTES]> {
        let mut bytes = Zeroizing::new([0; ENCAPSULATION_BYTES]);
        self.further.fill(bytes.as_mut());
        bytes
    }

    /// The salt of a passphrase stanza.
    pub(super) fn salt(&mut self) -> [u8; SALT_BYTES] {
        let mut salt = [0; SALT_BYTES];
        self.further.fill(&mut salt);
        salt
    }
}
