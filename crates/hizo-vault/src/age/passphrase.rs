//! The passphrase stanza: scrypt stands between a guess and the file key.
//!
//! Only files on the person's own machine have one, so that no keeper can test guesses. See
//! docs/spec/pack-container.md, section "Passphrase stanza".

use aws_lc_rs::aead::{Aad, Nonce};
use zeroize::Zeroizing;

use super::header::{NewStanza, Stanza, decode_exact, encode};
use super::stream::{TAG_BYTES, cipher};
use super::{FILE_KEY_BYTES, Fault, FileKey, Unwrap};

/// How much work a guess costs: the binary logarithm of scrypt's N, which takes N × 1,024 bytes (RFC 7914).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkFactor(u8);

impl WorkFactor {
    /// 2^17 rounds, 128 MiB, about half a second.
    pub const USUAL: Self = Self(17);
    /// The least that is accepted on reading. It protects nothing: for keys that tests throw away.
    pub const LEAST: Self = Self(1);
}

/// Largest work factor that is accepted on reading: 1 GiB.
pub const PASSPHRASE_LOG_N_MAX: u8 = 20;

/// Bytes of a salt.
pub(super) const SALT_BYTES: usize = 16;

const KIND: &str = "scrypt";
const SALT_LABEL: &[u8] = b"age-encryption.org/v1/scrypt";

/// A passphrase on its way to a file key.
pub(super) struct Passphrase<'a> {
    passphrase: &'a str,
}

impl<'a> Passphrase<'a> {
    pub(super) const fn new(passphrase: &'a str) -> Self {
        Self { passphrase }
    }
}

impl Unwrap for Passphrase<'_> {
    fn unwrap(&self, stanzas: &[Stanza<'_>]) -> Result<Option<FileKey>, Fault> {
        let [stanza] = stanzas else { return Ok(None) };
        if !is_for_this_kind(stanza) {
            return Ok(None);
        }
        let [_, salt, log_n] = *stanza.arguments.as_slice() else { return Err(Fault::Header) };
        let salt: [u8; SALT_BYTES] = decode_exact(salt)?;
        let log_n = parse_log_n(log_n)?;
        let mut sealed: [u8; FILE_KEY_BYTES + TAG_BYTES] =
            stanza.body.as_slice().try_into().map_err(|_| Fault::Header)?;
        let key = wrap_key(self.passphrase, log_n, &salt);
        let opened = cipher(&key).open_in_place(zero_nonce(), Aad::empty(), &mut sealed);
        Ok(opened.ok().and_then(|text| (*text).try_into().ok()).map(|key| FileKey(Zeroizing::new(key))))
    }
}

/// Whether this stanza is one for passphrases, well formed or not.
pub(super) fn is_for_this_kind(stanza: &Stanza<'_>) -> bool {
    stanza.arguments.first() == Some(&KIND)
}

/// Wraps a file key under a passphrase.
pub(super) fn wrap(file_key: &FileKey, passphrase: &str, work: WorkFactor, salt: &[u8; SALT_BYTES]) -> NewStanza {
    let WorkFactor(log_n) = work;
    let mut body = file_key.0.to_vec();
    cipher(&wrap_key(passphrase, log_n, salt))
        .seal_in_place_append_tag(zero_nonce(), Aad::empty(), &mut body)
        .expect("16 bytes are far below the cipher's limit");
    NewStanza { arguments: format!("{KIND} {} {log_n}", encode(salt)), body }
}

/// Digits only, no leading zero, within what this machine is asked to bear.
fn parse_log_n(text: &str) -> Result<u8, Fault> {
    let log_n: u8 = text.parse().map_err(|_| Fault::Header)?;
    let plain = log_n.to_string() == text;
    if plain && (1..=PASSPHRASE_LOG_N_MAX).contains(&log_n) { Ok(log_n) } else { Err(Fault::Header) }
}

fn wrap_key(passphrase: &str, log_n: u8, salt: &[u8; SALT_BYTES]) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    let salt = [SALT_LABEL, salt].concat();
    let cost = scrypt::Params::new(log_n, 8, 1).expect("the work factor is between 1 and 20");
    scrypt::scrypt(passphrase.as_bytes(), &salt, &cost, key.as_mut()).expect("scrypt gives keys of 32 bytes");
    key
}

/// The key is used once: its salt is drawn anew for every file.
fn zero_nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}
