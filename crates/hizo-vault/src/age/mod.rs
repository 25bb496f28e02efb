//! Age files: every sealed thing is one, so that any age tool opens it with the same key.
//!
//! The container is written here over library primitives; see docs/spec/pack-container.md for the bytes and
//! docs/decisions/0003-age-container-of-our-own.md for why. Nothing in it says who sealed a file: all authenticity comes
//! from record signatures, so [`open`] takes only bytes whose hash a verified record named.

mod armor;
mod header;
mod hedge;
mod hybrid;
mod pack;
mod passphrase;
mod stream;

#[cfg(test)]
mod profile_vectors;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;

use hizo_ledger::object::VerifiedObject;
use hizo_ledger::proof::{FILE_KEY_BYTES, LoggedPack};
use zeroize::{Zeroize, Zeroizing};

use crate::entropy::Entropy;
use header::{Header, Stanza};
use hedge::Hedge;
use stream::{NONCE_BYTES, Payload};

pub use header::HEADER_BYTES_MAX;
pub use hybrid::{Identity, NotAKey, Recipient};
pub use pack::{PACK_BYTES, PACK_PLAINTEXT_BYTES, PackBuilder};
pub use passphrase::{PASSPHRASE_LOG_N_MAX, WorkFactor};

/// Most recipients one file may have. The largest header is then about 3 MiB; a space with more readers has several wraps.
pub const RECIPIENTS_MAX: usize = 2048;

/// It does not open. One kind for every cause: what failed, and how near it came, is nobody's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it does not open: it is damaged, or meant for another key")]
pub struct OpenError;

/// Why something cannot be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// A sealed file needs at least one recipient and has at most [`RECIPIENTS_MAX`].
    #[error("a sealed file has between 1 and {RECIPIENTS_MAX} recipients, not {0}")]
    Recipients(usize),
    /// The file would be larger than an object may be.
    #[error("the sealed file would be {0} bytes long; {PACK_BYTES} is the most")]
    TooLarge(usize),
}

/// The rule of the format that a file breaks. Only tests see which one; everybody else gets [`OpenError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The text armor is not in its strict form.
    Armor,
    /// The header is not in its one form, or a stanza for this kind of key is not.
    Header,
    /// No stanza opens with this key.
    NoMatch,
    /// The header was changed after it was made, or the file key is not the one it was made with.
    Mac,
    /// A chunk does not open, or the one at the end is not marked as the last.
    Payload,
}

impl From<Fault> for OpenError {
    fn from(_: Fault) -> Self {
        Self
    }
}

/// The key of one file. It opens that file alone.
struct FileKey(Zeroizing<[u8; FILE_KEY_BYTES]>);

/// A secret that finds the file key in the stanzas of a header.
trait Unwrap {
    /// `None` when no stanza is for this key.
    fn unwrap(&self, stanzas: &[Stanza<'_>]) -> Result<Option<FileKey>, Fault>;
}

/// A file key that somebody handed out. The header's MAC tells whether it is this file's.
struct Disclosed([u8; FILE_KEY_BYTES]);

impl Unwrap for Disclosed {
    fn unwrap(&self, _: &[Stanza<'_>]) -> Result<Option<FileKey>, Fault> {
        Ok(Some(FileKey(Zeroizing::new(self.0))))
    }
}

/// Seals something small to its readers, one stanza a reader: a body, a wrap, an object's few bytes.
///
/// Keys and nonce are hedged with the plaintext (docs/spec/pack-container.md, section "Sealing").
///
/// # Errors
/// [`SealError::Recipients`] for none or too many; [`SealError::TooLarge`] when the file would pass [`PACK_BYTES`].
pub fn seal(plaintext: &[u8], recipients: &[Recipient], entropy: &mut dyn Entropy) -> Result<Vec<u8>, SealError> {
    if recipients.is_empty() || recipients.len() > RECIPIENTS_MAX {
        return Err(SealError::Recipients(recipients.len()));
    }
    let sealed_bytes = sealed_bytes(plaintext.len(), recipients.len());
    if sealed_bytes > PACK_BYTES {
        return Err(SealError::TooLarge(sealed_bytes));
    }
    let mut hedge = Hedge::new(recipients, entropy);
    hedge.update(plaintext);
    let mut drawn = hedge.finish();
    let mut stanzas = Vec::with_capacity(recipients.len());
    for recipient in recipients {
        let randomness = drawn.encapsulation();
        stanzas.push(recipient.wrap(&drawn.file_key, &randomness));
    }
    let mut file = header::compose(&stanzas, &drawn.file_key);
    append_payload(&mut file, plaintext, &drawn.file_key, &drawn.nonce);
    Ok(file)
}

/// Seals something small with a passphrase, as armored text: an identity file, an emergency card.
///
/// Takes what [`WorkFactor`] says, freed on return. Nothing made here is ever shown to a keeper.
///
/// # Errors
/// [`SealError::TooLarge`] when the file before armor would pass [`PACK_BYTES`].
pub fn seal_passphrase(
    plaintext: &[u8],
    passphrase: &str,
    work: WorkFactor,
    entropy: &mut dyn Entropy,
) -> Result<String, SealError> {
    // A passphrase stanza is shorter than a hybrid one, so this bound is the stricter.
    let sealed_bytes = sealed_bytes(plaintext.len(), 1);
    if sealed_bytes > PACK_BYTES {
        return Err(SealError::TooLarge(sealed_bytes));
    }
    let mut hedge = Hedge::new(&[], entropy);
    hedge.update(plaintext);
    let mut drawn = hedge.finish();
    let salt = drawn.salt();
    let stanza = passphrase::wrap(&drawn.file_key, passphrase, work, &salt);
    let mut file = header::compose(&[stanza], &drawn.file_key);
    append_payload(&mut file, plaintext, &drawn.file_key, &drawn.nonce);
    Ok(armor::compose(&file))
}

/// Opens what a verified record named: the only door through which bytes from a keeper reach a key.
///
/// The header must be in the strict profile of docs/spec/pack-container.md: hybrid stanzas and nothing else.
/// Nothing is released unless all of it opens.
///
/// Bytes that no record vouches for do not fit through this door:
/// ```compile_fail,E0308
/// fn no_vouching(from_keeper: Vec<u8>, identity: &hizo_vault::age::Identity) {
///     let _ = hizo_vault::age::open(from_keeper, identity);
/// }
/// ```
///
/// # Errors
/// [`OpenError`], whatever the cause.
pub fn open(object: VerifiedObject, identity: &Identity) -> Result<Vec<u8>, OpenError> {
    open_profile(object.into_bytes(), identity)
}

/// Whether this identity opens an object; nothing of it is decrypted.
pub fn opens(object: &VerifiedObject, identity: &Identity) -> bool {
    Header::parse(object.as_bytes()).is_ok_and(|header| header.file_key(identity).is_ok())
}

/// The key of one object, to be handed out with it: whoever has both reads all of it, and nothing else.
///
/// # Errors
/// [`OpenError`], whatever the cause.
pub fn disclose(object: &VerifiedObject, identity: &Identity) -> Result<[u8; FILE_KEY_BYTES], OpenError> {
    let file_key = Header::parse(object.as_bytes())?.file_key(identity)?;
    Ok(*file_key.0)
}

/// Opens a pack of a proof with the key that the proof discloses, and its id beside it. No key of a safe comes near it.
///
/// # Errors
/// [`OpenError`], whatever the cause.
pub fn open_disclosed(pack: LoggedPack) -> Result<Vec<u8>, OpenError> {
    let (bytes, file_key) = pack.into_parts();
    open_profile(bytes, &Disclosed(file_key))
}

/// Opens a file that the person names on his own machine, binary or armored, with an identity.
///
/// # Errors
/// [`OpenError`], whatever the cause.
pub fn open_own(bytes: Vec<u8>, identity: &Identity) -> Result<Vec<u8>, OpenError> {
    open_any(armor::remove_if_armored(bytes)?, identity)
}

/// Opens a file that the person names on his own machine, binary or armored, with its passphrase.
///
/// Takes 2^N × 1,024 bytes for a file that says log N, at most [`PASSPHRASE_LOG_N_MAX`]; freed on return.
///
/// # Errors
/// [`OpenError`], whatever the cause: a wrong passphrase and a damaged file look alike.
pub fn open_own_passphrase(bytes: Vec<u8>, passphrase: &str) -> Result<Vec<u8>, OpenError> {
    open_any(armor::remove_if_armored(bytes)?, &passphrase::Passphrase::new(passphrase))
}

/// How long a file is that seals so many bytes to so many hybrid recipients.
pub const fn sealed_bytes(plaintext_bytes: usize, recipients: usize) -> usize {
    header::hybrid_header_bytes(recipients)
        .saturating_add(NONCE_BYTES)
        .saturating_add(stream::sealed_bytes(plaintext_bytes))
}

fn open_profile(mut bytes: Vec<u8>, identity: &dyn Unwrap) -> Result<Vec<u8>, OpenError> {
    let only_hybrid = Header::parse(&bytes)?.stanzas.iter().all(hybrid::is_for_this_kind);
    if !only_hybrid {
        bytes.zeroize();
        return Err(OpenError);
    }
    open_any(bytes, identity)
}

fn open_any(mut bytes: Vec<u8>, key: &dyn Unwrap) -> Result<Vec<u8>, OpenError> {
    match open_in_place(&mut bytes, key) {
        Ok(plaintext_bytes) => {
            if let Some(behind) = bytes.get_mut(plaintext_bytes..) {
                behind.zeroize();
            }
            bytes.truncate(plaintext_bytes);
            Ok(bytes)
        }
        Err(fault) => {
            bytes.zeroize();
            Err(fault.into())
        }
    }
}

/// Leaves the plaintext at the front of the buffer and says how long it is.
fn open_in_place(file: &mut [u8], key: &dyn Unwrap) -> Result<usize, Fault> {
    let header = Header::parse(file)?;
    let file_key = header.file_key(key)?;
    let header_bytes = header.bytes;
    let (_, rest) = file.split_at_checked(header_bytes).ok_or(Fault::Header)?;
    let nonce = *rest.first_chunk::<NONCE_BYTES>().ok_or(Fault::Header)?;
    Payload::new(&file_key, &nonce).open(file, header_bytes.saturating_add(NONCE_BYTES))
}

fn append_payload(file: &mut Vec<u8>, plaintext: &[u8], file_key: &FileKey, nonce: &[u8; NONCE_BYTES]) {
    file.reserve_exact(NONCE_BYTES.saturating_add(stream::sealed_bytes(plaintext.len())));
    file.extend_from_slice(nonce);
    Payload::new(file_key, nonce).append(plaintext, file);
}
