//! The hybrid recipient of age: ML-KEM-768 and X25519 together, so that both must fall before a file does.
//!
//! See docs/spec/pack-container.md, sections "Recipients and identities" and "Hybrid stanza".

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use aws_lc_rs::aead::{Aad, Nonce};
use aws_lc_rs::agreement::{PrivateKey, UnparsedPublicKey, X25519, agree};
use aws_lc_rs::kem::{Ciphertext, DecapsulationKey, ML_KEM_768};
use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Checksum, Hrp};
use hkdf::Hkdf;
use ml_kem::kem::KeyExport;
use ml_kem::{FromSeed, MlKem768, ml_kem_768};
use sha2::Sha256;
use sha3::{Digest, Sha3_256};
use shake::{ExtendableOutput, Shake256, Update, XofReader};
use zeroize::Zeroizing;

use super::header::{NewStanza, Stanza, decode_exact, encode};
use super::stream::{TAG_BYTES, cipher};
use super::{FILE_KEY_BYTES, Fault, FileKey, Unwrap};
use crate::entropy::Entropy;

/// Randomness that one encapsulation takes: 32 bytes for ML-KEM, 32 for X25519.
pub(super) const ENCAPSULATION_BYTES: usize = 64;

/// Length of a stanza in a header: argument line and body line.
pub(super) const STANZA_BYTES: usize = "-> ".len() + KIND.len() + 1 + ENC_DIGITS + 1 + BODY_DIGITS + 1;

const KIND: &str = "mlkem768x25519";
const INFO: &[u8] = b"age-encryption.org/mlkem768x25519";
const RECIPIENT_PREFIX: &str = "age1pq";
const IDENTITY_PREFIX: &str = "AGE-SECRET-KEY-PQ-";

const SEED_BYTES: usize = 32;
const SHARE_BYTES: usize = 32;
const MLKEM_KEY_BYTES: usize = 1184;
const MLKEM_ENC_BYTES: usize = 1088;
const RECIPIENT_BYTES: usize = MLKEM_KEY_BYTES + SHARE_BYTES;
const ENC_BYTES: usize = MLKEM_ENC_BYTES + SHARE_BYTES;
const ENC_DIGITS: usize = 1494;
const BODY_BYTES: usize = FILE_KEY_BYTES + TAG_BYTES;
const BODY_DIGITS: usize = 43;

/// The text is not a recipient or an identity of the one kind that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAKey {
    /// Not the one text of an `age1pq1…` recipient, or a key that its owner could not have made.
    #[error("not an `age1pq1…` recipient")]
    Recipient,
    /// Not the one text of an `AGE-SECRET-KEY-PQ-1…` identity.
    #[error("not an `AGE-SECRET-KEY-PQ-1…` identity")]
    Identity,
}

/// To whom something is sealed: a public key of 1,216 bytes, as text `age1pq1…` of 1,959 characters.
#[derive(Clone)]
pub struct Recipient(Arc<RecipientKey>);

struct RecipientKey {
    bytes: [u8; RECIPIENT_BYTES],
    mlkem: ml_kem_768::EncapsulationKey,
    share: [u8; SHARE_BYTES],
}

impl Recipient {
    /// Length of the raw key.
    pub const BYTES: usize = RECIPIENT_BYTES;

    /// Takes the raw key: ML-KEM-768 encapsulation key, then X25519 share.
    ///
    /// # Errors
    /// [`NotAKey::Recipient`] when the first half is not canonical (FIPS 203, 7.2), or the second is a point of low
    /// order, with which every secret would be zero.
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Result<Self, NotAKey> {
        let (mlkem, share) = bytes.split_first_chunk::<MLKEM_KEY_BYTES>().ok_or(NotAKey::Recipient)?;
        let mlkem = ml_kem_768::EncapsulationKey::new(&(*mlkem).into()).map_err(|_| NotAKey::Recipient)?;
        let share = share.try_into().map_err(|_| NotAKey::Recipient)?;
        shared_secret(&x25519_private(&[1; SHARE_BYTES]), &share).ok_or(NotAKey::Recipient)?;
        Ok(Self(Arc::new(RecipientKey { bytes: *bytes, mlkem, share })))
    }

    /// The raw key.
    pub fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0.bytes
    }

    /// Wraps a file key: HPKE SealBase of age's hybrid stanza. The randomness must never serve twice.
    pub(super) fn wrap(&self, file_key: &FileKey, randomness: &[u8; ENCAPSULATION_BYTES]) -> NewStanza {
        let (enc, shared) = self.encapsulate(randomness);
        let (key, nonce) = key_schedule(&shared);
        let mut body = file_key.0.to_vec();
        cipher(&key)
            .seal_in_place_append_tag(nonce, Aad::empty(), &mut body)
            .expect("16 bytes are far below the cipher's limit");
        NewStanza { arguments: format!("{KIND} {}", encode(&enc)), body }
    }

    fn encapsulate(&self, randomness: &[u8; ENCAPSULATION_BYTES]) -> ([u8; ENC_BYTES], Zeroizing<[u8; 32]>) {
        let (for_mlkem, for_x25519) = halves(randomness);
        let (mlkem_enc, mlkem_secret) = self.0.mlkem.encapsulate_deterministic(&for_mlkem.into());
        let mlkem_secret = Zeroizing::new(mlkem_secret.0);
        let ephemeral = x25519_private(&for_x25519);
        let share = x25519_share(&ephemeral);
        let secret = shared_secret(&ephemeral, &self.0.share).expect("a recipient's share is not of low order");
        let mut enc = [0; ENC_BYTES];
        let (mlkem_room, share_room) = enc.split_at_mut(MLKEM_ENC_BYTES);
        mlkem_room.copy_from_slice(&mlkem_enc);
        share_room.copy_from_slice(&share);
        (enc, combine(&mlkem_secret, &secret, &share, &self.0.share))
    }
}

impl FromStr for Recipient {
    type Err = NotAKey;

    /// Reads the one text of a recipient: lower case, no blanks around it.
    fn from_str(text: &str) -> Result<Self, NotAKey> {
        let bytes = bech32_decode::<RECIPIENT_BYTES>(RECIPIENT_PREFIX, text).ok_or(NotAKey::Recipient)?;
        let recipient = Self::from_bytes(&bytes)?;
        if recipient.to_string() == text { Ok(recipient) } else { Err(NotAKey::Recipient) }
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        bech32::encode_lower_to_fmt::<LongBech32, _>(f, Hrp::parse_unchecked(RECIPIENT_PREFIX), self.as_bytes())
            .map_err(|_| fmt::Error)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient({:.24}…)", self.to_string())
    }
}

impl PartialEq for Recipient {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Recipient {}

/// Who can open: a seed of 32 bytes, kept with the keys that it expands to so that opening is fast.
///
/// Prints nothing but its type. The seed is wiped when dropped.
pub struct Identity {
    seed: Zeroizing<[u8; SEED_BYTES]>,
    mlkem: DecapsulationKey,
    x25519: PrivateKey,
    recipient: Recipient,
}

impl Identity {
    /// Length of the seed.
    pub const SEED_BYTES: usize = SEED_BYTES;

    /// Draws a new identity.
    pub fn generate(entropy: &mut dyn Entropy) -> Self {
        Self::from_seed(&entropy.draw())
    }

    /// Expands a seed. Every seed is an identity.
    pub fn from_seed(seed: &[u8; Self::SEED_BYTES]) -> Self {
        let mut expanded = Shake256::default().chain(seed).finalize_xof();
        let mut mlkem_seed = Zeroizing::new([0; 64]);
        expanded.read(mlkem_seed.as_mut());
        let mut scalar = Zeroizing::new([0; SHARE_BYTES]);
        expanded.read(scalar.as_mut());

        let (decapsulation, encapsulation) = MlKem768::from_seed(&(*mlkem_seed).into());
        let x25519 = x25519_private(&scalar);
        let share = x25519_share(&x25519);
        let mut bytes = [0; RECIPIENT_BYTES];
        let (mlkem_room, share_room) = bytes.split_at_mut(MLKEM_KEY_BYTES);
        mlkem_room.copy_from_slice(&encapsulation.to_bytes());
        share_room.copy_from_slice(&share);
        let recipient = Recipient(Arc::new(RecipientKey { bytes, mlkem: encapsulation, share }));
        Self { seed: Zeroizing::new(*seed), mlkem: fast_key(&decapsulation), x25519, recipient }
    }

    /// Reads an `AGE-SECRET-KEY-PQ-1…` line: upper case, no blanks around it, no line end.
    ///
    /// # Errors
    /// [`NotAKey::Identity`] for any other text.
    pub fn parse(line: &str) -> Result<Self, NotAKey> {
        let seed = bech32_decode::<SEED_BYTES>(IDENTITY_PREFIX, line).ok_or(NotAKey::Identity)?;
        let identity = Self::from_seed(&seed);
        if *identity.to_secret_line() == line { Ok(identity) } else { Err(NotAKey::Identity) }
    }

    /// The secret as one `AGE-SECRET-KEY-PQ-1…` line without a line end, as every age tool reads it.
    pub fn to_secret_line(&self) -> Zeroizing<String> {
        let prefix = Hrp::parse_unchecked(IDENTITY_PREFIX);
        let line = bech32::encode_upper::<LongBech32>(prefix, self.seed.as_ref());
        Zeroizing::new(line.expect("a seed is far below the longest text"))
    }

    /// The secret as raw bytes, for recovery words.
    pub fn seed(&self) -> &[u8; Self::SEED_BYTES] {
        &self.seed
    }

    /// The public half.
    pub const fn recipient(&self) -> &Recipient {
        &self.recipient
    }

    /// X-Wing decapsulation. `Err` for a share of low order: its secret would be zero for everybody.
    fn decapsulate(&self, enc: &[u8; ENC_BYTES]) -> Result<Zeroizing<[u8; 32]>, Fault> {
        let (mlkem_enc, share) = enc.split_first_chunk::<MLKEM_ENC_BYTES>().ok_or(Fault::Header)?;
        let share = share.try_into().map_err(|_| Fault::Header)?;
        let secret = shared_secret(&self.x25519, &share).ok_or(Fault::Header)?;
        let mlkem_secret = self.mlkem.decapsulate(Ciphertext::from(mlkem_enc.as_slice())).map_err(|_| Fault::Header)?;
        let mlkem_secret = mlkem_secret.as_ref().try_into().map_err(|_| Fault::Header)?;
        Ok(combine(mlkem_secret, &secret, &share, &self.recipient.0.share))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity")
    }
}

impl Unwrap for Identity {
    /// The form of every hybrid stanza is checked before any is tried.
    fn unwrap(&self, stanzas: &[Stanza<'_>]) -> Result<Option<FileKey>, Fault> {
        let ours: Vec<_> =
            stanzas.iter().filter(|stanza| is_for_this_kind(stanza)).map(parse).collect::<Result<_, _>>()?;
        for (enc, mut body) in ours {
            let (key, nonce) = key_schedule(&*self.decapsulate(&enc)?);
            let Ok(text) = cipher(&key).open_in_place(nonce, Aad::empty(), &mut body) else { continue };
            let text: [u8; FILE_KEY_BYTES] = (*text).try_into().map_err(|_| Fault::Header)?;
            return Ok(Some(FileKey(Zeroizing::new(text))));
        }
        Ok(None)
    }
}

/// Whether this stanza is a hybrid one, well formed or not.
pub(super) fn is_for_this_kind(stanza: &Stanza<'_>) -> bool {
    stanza.arguments.first() == Some(&KIND)
}

fn parse(stanza: &Stanza<'_>) -> Result<([u8; ENC_BYTES], [u8; BODY_BYTES]), Fault> {
    let [_, enc] = *stanza.arguments.as_slice() else { return Err(Fault::Header) };
    let body = stanza.body.as_slice().try_into().map_err(|_| Fault::Header)?;
    Ok((decode_exact(enc)?, body))
}

/// The combiner of X-Wing.
fn combine(mlkem: &[u8; 32], x25519: &[u8; 32], share: &[u8; 32], recipient: &[u8; 32]) -> Zeroizing<[u8; 32]> {
    let hash = Sha3_256::new()
        .chain_update(mlkem)
        .chain_update(x25519)
        .chain_update(share)
        .chain_update(recipient)
        .chain_update(br"\.//^\");
    Zeroizing::new(hash.finalize().into())
}

/// Key and first nonce of HPKE in base mode, without a pre-shared key (RFC 9180, 5.1).
fn key_schedule(shared: &[u8; 32]) -> (Zeroizing<[u8; 32]>, Nonce) {
    let mut context = vec![0];
    context.extend_from_slice(&labeled_extract(&[], b"psk_id_hash", &[]).0);
    context.extend_from_slice(&labeled_extract(&[], b"info_hash", INFO).0);
    let (_, secret) = labeled_extract(shared, b"secret", &[]);
    let key = labeled_expand(&secret, b"key", &context);
    let nonce = labeled_expand::<12>(&secret, b"base_nonce", &context);
    (key, Nonce::assume_unique_for_key(*nonce))
}

/// KEM 0x647A (MLKEM768-X25519), KDF 1 (HKDF-SHA256), AEAD 3 (ChaCha20Poly1305).
const SUITE: &[u8; 10] = b"HPKE\x64\x7a\x00\x01\x00\x03";
const HPKE_VERSION: &[u8] = b"HPKE-v1";

fn labeled_extract(salt: &[u8], label: &[u8], ikm: &[u8]) -> ([u8; 32], Hkdf<Sha256>) {
    let ikm = Zeroizing::new([HPKE_VERSION, SUITE, label, ikm].concat());
    let (hash, key) = Hkdf::<Sha256>::extract(Some(salt), &ikm);
    (hash.into(), key)
}

fn labeled_expand<const N: usize>(key: &Hkdf<Sha256>, label: &[u8], info: &[u8]) -> Zeroizing<[u8; N]> {
    let mut out = Zeroizing::new([0; N]);
    let length = (N as u16).to_be_bytes();
    let info = [&length, HPKE_VERSION, SUITE, label, info];
    key.expand_multi_info(&info, out.as_mut()).expect("at most 32 bytes are asked of HKDF-SHA-256");
    out
}

/// The same key where it decapsulates faster than from a seed.
fn fast_key(key: &ml_kem_768::DecapsulationKey) -> DecapsulationKey {
    #[expect(deprecated, reason = "the only form that the faster implementation loads; it is never stored")]
    let expanded = Zeroizing::new(ml_kem::ExpandedKeyEncoding::to_expanded_bytes(key).0);
    DecapsulationKey::new(&ML_KEM_768, expanded.as_ref()).expect("an expanded key has 2,400 bytes")
}

fn x25519_private(scalar: &[u8; SHARE_BYTES]) -> PrivateKey {
    PrivateKey::from_private_key(&X25519, scalar).expect("any 32 bytes are an X25519 key")
}

fn x25519_share(key: &PrivateKey) -> [u8; SHARE_BYTES] {
    let share = key.compute_public_key().expect("every X25519 key has a share");
    share.as_ref().try_into().expect("a share has 32 bytes")
}

/// `None` when the other share is of low order: the library promises to refuse it, and the result is looked at too.
fn shared_secret(key: &PrivateKey, share: &[u8; SHARE_BYTES]) -> Option<Zeroizing<[u8; 32]>> {
    let secret = agree(key, UnparsedPublicKey::new(&X25519, share), (), |secret| {
        Ok(Zeroizing::new(<[u8; 32]>::try_from(secret).map_err(|_| ())?))
    });
    secret.ok().filter(|secret| **secret != [0; 32])
}

fn halves(randomness: &[u8; ENCAPSULATION_BYTES]) -> ([u8; 32], [u8; 32]) {
    let (first, second) = randomness.split_at(32);
    (first.try_into().expect("32 of 64 bytes"), second.try_into().expect("the other 32 bytes"))
}

/// Bech32 without its limit on length, as age uses it. A recipient has 1,959 characters.
enum LongBech32 {}

impl Checksum for LongBech32 {
    type MidstateRepr = <bech32::Bech32 as Checksum>::MidstateRepr;
    const CODE_LENGTH: usize = 2048;
    const CHECKSUM_LENGTH: usize = bech32::Bech32::CHECKSUM_LENGTH;
    const GENERATOR_SH: [u32; 5] = bech32::Bech32::GENERATOR_SH;
    const TARGET_RESIDUE: u32 = bech32::Bech32::TARGET_RESIDUE;
}

/// Exactly so many bytes under this prefix. Case and padding are left to the caller, who encodes again and compares.
fn bech32_decode<const N: usize>(prefix: &str, text: &str) -> Option<Zeroizing<[u8; N]>> {
    let decoded = CheckedHrpstring::new::<LongBech32>(text).ok()?;
    let mut bytes = Zeroizing::new([0; N]);
    let mut source = decoded.byte_iter();
    let fits = source.len() == N && decoded.hrp() == Hrp::parse(prefix).ok()?;
    bytes.iter_mut().zip(&mut source).for_each(|(byte, from)| *byte = from);
    fits.then_some(bytes)
}
