//! The ML-DSA-44 half of those who sign heads of logs.

use hizo_ledger::log::checkpoint::Checkpoint;
use hizo_ledger::log::note::{self, MLDSA_KEY_BYTES, NamedKey};
use hkdf::Hkdf;
use ml_dsa::MlDsa44;
use sha2::Sha256;
use zeroize::Zeroizing;

/// A secret ML-DSA-44 key (FIPS 204) with its name.
pub(crate) struct MlDsaSigner {
    secret: ml_dsa::SigningKey<MlDsa44>,
    key: NamedKey,
}

impl MlDsaSigner {
    /// The key that follows from another key's seed under this label; `None` if the text cannot be a name.
    pub(crate) fn derive(name: &str, seed: &[u8; 32], label: &[u8]) -> Option<Self> {
        let mut own = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::new(None, seed).expand(label, own.as_mut()).ok()?;
        let secret = ml_dsa::SigningKey::<MlDsa44>::from_seed(&(*own).into());
        let public: [u8; MLDSA_KEY_BYTES] =
            secret.expanded_key().verifying_key().encode().as_slice().try_into().ok()?;
        Some(Self { key: NamedKey::ml_dsa(name, &public)?, secret })
    }

    /// The public half.
    pub(crate) const fn key(&self) -> &NamedKey {
        &self.key
    }

    /// Its signature line over a checkpoint, stating this time in seconds since 1970.
    pub(crate) fn line(&self, checkpoint: &Checkpoint, time: u64) -> Option<String> {
        let message = checkpoint.ml_dsa_message(self.key.name(), time);
        let signature = self.secret.expanded_key().sign_deterministic(&message, &[]).ok()?.encode();
        Some(note::signature_line(&self.key, &[&time.to_be_bytes(), signature.as_slice()].concat()))
    }
}
