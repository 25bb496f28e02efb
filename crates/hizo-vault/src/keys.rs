//! The secret half of an identity: one signing seed and one age identity, and what is derived from them.
//!
//! One key serves one purpose: each has a label of its own and a type of its own. See docs/spec/keys.md.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::Signer;
use hizo_ledger::id::SpaceId;
use hizo_ledger::identity::VerifyingKey;
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::age::{self, Identity, OpenError, SealError, WorkFactor};
use crate::entropy::Entropy;

/// Random bits in a generated passphrase.
pub const PASSPHRASE_BITS: usize = PASSPHRASE_GROUPS * PASSPHRASE_GROUP_CHARACTERS * 5;

const PASSPHRASE_GROUPS: usize = 5;
const PASSPHRASE_GROUP_CHARACTERS: usize = 4;
/// Digits and letters without those that are misread for others: i, l, o, u.
const PASSPHRASE_CHARACTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

const SEED_BYTES: usize = 32;
const IDENTITY_LABEL: &[u8] = b"hizo/identity-sign/v1";
const SPACE_LABEL: &[u8] = b"hizo/space-sign/v1";
const SESSION_LABEL: &[u8] = b"hizo/session/v1";
const RECOVERY_LABEL: &[u8] = b"hizo/recovery-sign/v1";
const ROTATOR_LABEL: &[u8] = b"hizo/rotator-sign/v1";
const ORGANISATION_LABEL: &[u8] = b"hizo/delegation-sign/v1";
const PUBLISHER_LABEL: &[u8] = b"hizo/directory-sign/v1";
const HAND_OVER_LABEL: &[u8] = b"hizo/hand-over-open/v1";
const LAST_SEEN_LABEL: &[u8] = b"hizo/last-seen-sign/v1";

const IDENTITY_FILE_HEAD: &str = "# hizo/identity/v1\n# signing-seed ";
const WRITER_FILE_HEAD: &str = "hizo/writer/v1\nsigning-seed ";
const SESSION_FILE_HEAD: &str = "hizo/session-key/v1\nsecret ";
const ORGANISATION_FILE_HEAD: &str = "hizo/organisation-key/v1\nseed ";
const PUBLISHER_FILE_HEAD: &str = "hizo/publisher-key/v1\nseed ";

/// Why a text is not a key file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The passphrase is wrong or the file is damaged; the two look alike.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It opened, but does not hold one signing seed and one identity in their one form.
    #[error("not a hizo identity file")]
    NotAnIdentityFile,
    /// Not a signing seed in its one form.
    #[error("not a hizo writer file")]
    NotAWriterFile,
    /// Not a session key in its one form.
    #[error("not a hizo session key file")]
    NotASessionFile,
    /// It opened, but does not hold one seed of that kind in its one form.
    #[error("not a hizo key file of this kind")]
    NotASeedFile,
}

/// The 32 bytes from which a person's, or a machine's, signing keys are derived.
///
/// Prints nothing but its type; wiped when dropped.
#[derive(Clone)]
pub struct SigningSeed(Zeroizing<[u8; SEED_BYTES]>);

impl SigningSeed {
    /// Length of the seed.
    pub const BYTES: usize = SEED_BYTES;

    /// Draws a new seed.
    pub fn generate(entropy: &mut dyn Entropy) -> Self {
        Self(entropy.draw())
    }

    /// Takes a seed that was kept.
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        Self(Zeroizing::new(*bytes))
    }

    /// The key that stands for this identity everywhere. It is shown to people and certified by a directory; keepers
    /// never see it.
    pub fn identity_key(&self) -> IdentityKey {
        IdentityKey(derive(&self.0, IDENTITY_LABEL, &[]))
    }

    /// The key that signs records in one space, and is known in no other.
    pub fn space_key(&self, space: &SpaceId) -> SpaceSigningKey {
        SpaceSigningKey(derive(&self.0, SPACE_LABEL, space.as_bytes()))
    }

    /// The key that starts sessions with the keeper of one space.
    pub fn session_key(&self, space: &SpaceId) -> SessionKey {
        SessionKey(derive(&self.0, SESSION_LABEL, space.as_bytes()))
    }

    /// The key that signs what was in one space when this person looked last.
    pub fn last_seen_key(&self, space: &SpaceId) -> LastSeenKey {
        LastSeenKey(derive(&self.0, LAST_SEEN_LABEL, space.as_bytes()))
    }

    /// The text of a writer's key file: a machine that deposits and reads nothing has this and no age identity.
    pub fn to_writer_file(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{WRITER_FILE_HEAD}{}\n", *self.to_base64()))
    }

    /// Reads a writer's key file.
    ///
    /// # Errors
    /// [`Error::NotAWriterFile`] for anything but what [`SigningSeed::to_writer_file`] writes.
    pub fn from_writer_file(text: &str) -> Result<Self, Error> {
        let rest = text.strip_prefix(WRITER_FILE_HEAD).and_then(|rest| rest.strip_suffix('\n'));
        rest.and_then(Self::from_base64).ok_or(Error::NotAWriterFile)
    }

    fn to_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(BASE64.encode(self.0.as_ref()))
    }

    fn from_base64(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(BASE64.decode(text).ok()?);
        Some(Self::from_bytes(bytes.as_slice().try_into().ok()?))
    }
}

impl fmt::Debug for SigningSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSeed")
    }
}

/// The 32 bytes on recovery cards: an age identity that is a recipient of every wrap of one organisation's root space,
/// and a signing key that may add one admin.
///
/// Prints nothing but its type; wiped when dropped.
pub struct RecoverySeed(Zeroizing<[u8; SEED_BYTES]>);

impl RecoverySeed {
    /// Length of the seed.
    pub const BYTES: usize = SEED_BYTES;

    /// Draws a new seed.
    pub fn generate(entropy: &mut dyn Entropy) -> Self {
        Self(entropy.draw())
    }

    /// Takes a seed that cards gave back. Whether it is the right one shows in the recipient it expands to.
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        Self(Zeroizing::new(*bytes))
    }

    /// The secret that goes on cards.
    pub fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    /// The identity that opens wraps.
    pub fn identity(&self) -> Identity {
        Identity::from_seed(&self.0)
    }

    /// The key that signs a recovery record.
    pub fn signing_key(&self) -> RecoveryKey {
        RecoveryKey(derive(&self.0, RECOVERY_LABEL, &[]))
    }

    /// The same key, to start a session with the keeper: a space knows no other key of the cards.
    pub fn session_key(&self) -> SessionKey {
        SessionKey(self.signing_key().0)
    }
}

impl fmt::Debug for RecoverySeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoverySeed")
    }
}

/// A seed of one key that lies in a file of its own, sealed with a passphrase.
macro_rules! sealed_seed {
    ($(#[$doc:meta])* $name:ident, $key:ident, $label:expr, $head:expr) => {
        $(#[$doc])*
        ///
        /// Prints nothing but its type; wiped when dropped.
        pub struct $name(Zeroizing<[u8; SEED_BYTES]>);

        impl $name {
            /// Length of the seed.
            pub const BYTES: usize = SEED_BYTES;

            /// Draws a new seed.
            pub fn generate(entropy: &mut dyn Entropy) -> Self {
                Self(entropy.draw())
            }

            /// Takes a seed that was kept.
            pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
                Self(Zeroizing::new(*bytes))
            }

            /// The key that is derived from it.
            pub fn signing_key(&self) -> $key {
                $key(derive(&self.0, $label, &[]))
            }

            /// Seals it with a passphrase, as armored text. Takes what [`WorkFactor`] says, freed on return.
            pub fn seal(&self, passphrase: &str, work: WorkFactor, entropy: &mut dyn Entropy) -> String {
                let seed = Zeroizing::new(BASE64.encode(self.0.as_ref()));
                let text = Zeroizing::new(format!("{}{}\n", $head, *seed));
                let sealed: Result<String, SealError> = age::seal_passphrase(text.as_bytes(), passphrase, work, entropy);
                sealed.expect("a key file is far smaller than an object may be")
            }

            /// Opens it again.
            ///
            /// # Errors
            /// [`Error::Open`] for a wrong passphrase or a damaged file, [`Error::NotASeedFile`] for another file.
            pub fn open(bytes: Vec<u8>, passphrase: &str) -> Result<Self, Error> {
                let text = Zeroizing::new(age::open_own_passphrase(bytes, passphrase)?);
                let text = std::str::from_utf8(&text).map_err(|_| Error::NotASeedFile)?;
                let seed = text.strip_prefix($head).and_then(|rest| rest.strip_suffix('\n'));
                let bytes = seed.and_then(|seed| BASE64.decode(seed).ok()).map(Zeroizing::new);
                let bytes = bytes.as_deref().and_then(|bytes| bytes.as_slice().try_into().ok());
                bytes.map(Self::from_bytes).ok_or(Error::NotASeedFile)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    };
}

sealed_seed!(
    /// The 32 bytes from which an organisation's key is derived.
    OrganisationSeed,
    OrganisationKey,
    ORGANISATION_LABEL,
    ORGANISATION_FILE_HEAD
);
sealed_seed!(
    /// The 32 bytes from which the key of a directory's publisher is derived.
    PublisherSeed,
    PublisherKey,
    PUBLISHER_LABEL,
    PUBLISHER_FILE_HEAD
);

impl OrganisationSeed {
    /// The key by which the organisation may begin epochs in one space, once an admin has named it there; known in no other, so
    /// that no keeper learns from it which spaces an organisation reads.
    pub fn rotator_key(&self, space: &SpaceId) -> RotatorKey {
        RotatorKey(derive(&self.0, ROTATOR_LABEL, space.as_bytes()))
    }
}

macro_rules! signing_key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// Ed25519; prints nothing but its type; wiped when dropped.
        pub struct $name(ed25519_dalek::SigningKey);

        impl $name {
            /// The public half.
            pub fn verifying_key(&self) -> VerifyingKey {
                VerifyingKey::from_bytes(self.0.verifying_key().as_bytes())
                    .expect("a multiple of the base point is canonical and of large order")
            }

            /// Signs the text of a note of this key's one kind.
            pub fn sign(&self, text: &[u8]) -> [u8; 64] {
                self.0.sign(text).to_bytes()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    };
}

signing_key!(
    /// Certifies, inside sealed bodies, the keys that this identity uses in spaces.
    ///
    /// ```compile_fail,E0308
    /// fn certify(key: &hizo_vault::keys::IdentityKey) {}
    /// fn with_a_key_of_another_purpose(key: &hizo_vault::keys::SpaceSigningKey) {
    ///     certify(key);
    /// }
    /// ```
    IdentityKey
);
signing_key!(
    /// Signs records in one space.
    SpaceSigningKey
);
signing_key!(
    /// Signs what a person's machine writes down for him of one space as he has seen it.
    LastSeenKey
);
signing_key!(
    /// Signs the notes that start sessions with the keeper of one space.
    SessionKey
);
signing_key!(
    /// Signs the one kind of record that recovery cards allow.
    RecoveryKey
);

signing_key!(
    /// Signs who acts for an organisation in a space, and who does not any more.
    OrganisationKey
);
signing_key!(
    /// Signs the one kind of record by which an organisation begins an epoch of a space.
    RotatorKey
);
signing_key!(
    /// Signs directories of organisations.
    PublisherKey
);

impl Clone for SessionKey {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl SessionKey {
    /// The text of a file by which a machine that is no member itself starts sessions as the person whose key this is.
    pub fn to_session_file(&self) -> Zeroizing<String> {
        let secret = Zeroizing::new(BASE64.encode(self.0.as_bytes()));
        Zeroizing::new(format!("{SESSION_FILE_HEAD}{}\n", *secret))
    }

    /// Reads such a file.
    ///
    /// # Errors
    /// [`Error::NotASessionFile`] for anything but what [`SessionKey::to_session_file`] writes.
    pub fn from_session_file(text: &str) -> Result<Self, Error> {
        let secret = text.strip_prefix(SESSION_FILE_HEAD).and_then(|rest| rest.strip_suffix('\n'));
        let bytes = secret.and_then(|secret| BASE64.decode(secret).ok()).map(Zeroizing::new);
        let bytes = bytes.as_deref().and_then(|bytes| bytes.as_slice().try_into().ok());
        bytes.map(|bytes| Self(ed25519_dalek::SigningKey::from_bytes(bytes))).ok_or(Error::NotASessionFile)
    }
}

/// What a person keeps: the signing seed and the age identity, together in one file under one passphrase.
///
/// Opened by any age tool, the file serves that tool as an identity file.
#[derive(Debug)]
pub struct IdentityFile {
    /// From which all signing keys come.
    pub signing_seed: SigningSeed,
    /// What opens.
    pub identity: Identity,
}

impl IdentityFile {
    /// Draws a new identity: two independent seeds.
    pub fn generate(entropy: &mut dyn Entropy) -> Self {
        Self { signing_seed: SigningSeed::generate(entropy), identity: Identity::generate(entropy) }
    }

    /// What opens, to the company of one hand-over, the epochs that the receiver's organisation begins there: its recipient stands in
    /// the consent, and nothing links it to the company elsewhere (docs/spec/handover.md, "New keys").
    pub fn hand_over_identity(&self, space: &SpaceId) -> Identity {
        Identity::from_seed(&expand(self.identity.seed(), HAND_OVER_LABEL, space.as_bytes()))
    }

    /// Seals it with a passphrase, as armored text. Takes what [`WorkFactor`] says, freed on return.
    pub fn seal(&self, passphrase: &str, work: WorkFactor, entropy: &mut dyn Entropy) -> String {
        let sealed: Result<String, SealError> =
            age::seal_passphrase(self.to_text().as_bytes(), passphrase, work, entropy);
        sealed.expect("an identity file is far smaller than an object may be")
    }

    /// Opens it again.
    ///
    /// # Errors
    /// [`Error::Open`] for a wrong passphrase or a damaged file, [`Error::NotAnIdentityFile`] for another file.
    pub fn open(bytes: Vec<u8>, passphrase: &str) -> Result<Self, Error> {
        let text = Zeroizing::new(age::open_own_passphrase(bytes, passphrase)?);
        let text = std::str::from_utf8(&text).map_err(|_| Error::NotAnIdentityFile)?;
        Self::from_text(text).ok_or(Error::NotAnIdentityFile)
    }

    fn to_text(&self) -> Zeroizing<String> {
        let (seed, line) = (self.signing_seed.to_base64(), self.identity.to_secret_line());
        Zeroizing::new(format!("{IDENTITY_FILE_HEAD}{}\n{}\n", *seed, *line))
    }

    fn from_text(text: &str) -> Option<Self> {
        let (seed, line) = text.strip_prefix(IDENTITY_FILE_HEAD)?.strip_suffix('\n')?.split_once('\n')?;
        Some(Self { signing_seed: SigningSeed::from_base64(seed)?, identity: Identity::parse(line).ok()? })
    }
}

/// Draws a passphrase of [`PASSPHRASE_BITS`] bits: groups of digits and lower-case letters, as in `k7mq-…`.
///
/// None of its characters is easily misread, and it is read as it is written: any age tool takes it.
pub fn generate_passphrase(entropy: &mut dyn Entropy) -> Zeroizing<String> {
    let drawn = entropy.draw::<{ PASSPHRASE_GROUPS * PASSPHRASE_GROUP_CHARACTERS }>();
    let mut passphrase = Zeroizing::new(String::with_capacity(PASSPHRASE_GROUPS * (PASSPHRASE_GROUP_CHARACTERS + 1)));
    for (place, byte) in drawn.iter().enumerate() {
        if place > 0 && place % PASSPHRASE_GROUP_CHARACTERS == 0 {
            passphrase.push('-');
        }
        // 256 is a multiple of 32, so every character is as likely as any other.
        let character = PASSPHRASE_CHARACTERS.get(usize::from(byte % 32)).expect("there are 32 characters");
        passphrase.push(char::from(*character));
    }
    passphrase
}

/// Ed25519 key from HKDF-SHA-256(seed, label ‖ context), without salt.
fn derive(seed: &[u8; SEED_BYTES], label: &[u8], context: &[u8]) -> ed25519_dalek::SigningKey {
    ed25519_dalek::SigningKey::from_bytes(&expand(seed, label, context))
}

/// HKDF-SHA-256(seed, label ‖ context), without salt.
fn expand(seed: &[u8; SEED_BYTES], label: &[u8], context: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut secret = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(None, seed)
        .expand_multi_info(&[label, context], secret.as_mut())
        .expect("32 bytes are within what HKDF-SHA-256 can give");
    secret
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;

    impl Entropy for Fixed {
        fn fill(&mut self, out: &mut [u8]) {
            out.fill(5);
        }
    }

    #[test]
    fn an_identity_file_has_one_text() {
        let text = IdentityFile::generate(&mut Fixed).to_text();
        assert!(IdentityFile::from_text(&text).is_some());
        let line = text.lines().last().unwrap_or_default();
        let wrong = [
            String::new(),
            text.replace("v1", "v2"),
            text.replace("# signing-seed ", "# signing-seed  "),
            text.replace("# signing-seed ", "signing-seed "),
            text.replace("=\n", "\n"),
            text.replace('\n', "\r\n"),
            text.replace("AGE-SECRET-KEY-PQ-1", "AGE-SECRET-KEY-1"),
            text.replace(line, &line.to_lowercase()),
            text.trim_end().to_owned(),
            format!("{}\n", *text),
            format!("{}{line}\n", *text),
            format!("# note\n{}", *text),
            format!("{line}\n"),
        ];
        for text in wrong {
            assert!(IdentityFile::from_text(&text).is_none(), "{text:?} was read as an identity file");
        }
    }
}
