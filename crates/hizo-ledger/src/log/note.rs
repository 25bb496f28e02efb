//! Signed notes as C2SP writes them, for checkpoints: signatures of unknown keys are passed over. (Records have a
//! stricter profile of their own.)
//!
//! See docs/spec/log.md, section "Notes and keys".

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ml_dsa::MlDsa44;
use sha2::{Digest, Sha256};

use crate::identity::{KEY_BYTES, SIGNATURE_BYTES, VerifyingKey};

/// Length of a checkpoint note with all its signatures, at most, in bytes.
pub const NOTE_BYTES_MAX: usize = 256 << 10;

/// Signatures on one note, at most.
pub const SIGNATURES_MAX: usize = 64;

/// Length of a key name, at most, in bytes: the cosigned message gives it one byte.
pub const NAME_BYTES_MAX: usize = 255;

/// Length of a public ML-DSA-44 key in bytes (FIPS 204).
pub const MLDSA_KEY_BYTES: usize = 1312;

/// Length of an ML-DSA-44 signature in bytes (FIPS 204).
pub const MLDSA_SIGNATURE_BYTES: usize = 2420;

const KEY_ID_BYTES: usize = 4;

/// Why bytes are not a signed note, or a text is not a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Longer than [`NOTE_BYTES_MAX`].
    #[error("the note is longer than it may be")]
    Size,
    /// Not UTF-8, or a control character other than line feed.
    #[error("the note is not plain text")]
    Text,
    /// No text, no empty line before the signatures, or no signature.
    #[error("the note has no text followed by signatures")]
    Shape,
    /// A line after the text is not a signature line.
    #[error("a signature line of the note is not in its form")]
    SignatureLine,
    /// More than [`SIGNATURES_MAX`] signatures.
    #[error("the note has more signatures than it may have")]
    Count,
    /// Not a verifier key of a type that hizo knows, with the key id that belongs to it.
    #[error("the text is not a verifier key: name+id+key")]
    VerifierKey,
}

/// Why a note is not what one key, and it alone, has signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotBy {
    /// Not exactly one signature, under the name and the key id of the key.
    Signer,
    /// The signature does not hold.
    Signature,
}

/// A note that has been read, and whose signatures nobody has checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note<'a> {
    text: &'a str,
    signatures: Vec<Signature<'a>>,
}

/// One signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature<'a> {
    /// The signer's name.
    pub name: &'a str,
    /// Which of the signer's keys.
    pub key_id: [u8; KEY_ID_BYTES],
    /// What the key made.
    pub bytes: Vec<u8>,
}

impl<'a> Note<'a> {
    /// Reads a note. Nothing in it is to be believed before a signature has been checked.
    ///
    /// # Errors
    /// Every variant of [`Error`] but the last.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        if bytes.len() > NOTE_BYTES_MAX {
            return Err(Error::Size);
        }
        let note = std::str::from_utf8(bytes).map_err(|_| Error::Text)?;
        if note.bytes().any(|byte| byte < 0x20 && byte != b'\n') {
            return Err(Error::Text);
        }
        let split = note.rfind("\n\n").ok_or(Error::Shape)?;
        let (text, rest) = note.split_at_checked(split.saturating_add(1)).ok_or(Error::Shape)?;
        let lines = rest.strip_prefix('\n').and_then(|lines| lines.strip_suffix('\n')).ok_or(Error::Shape)?;
        let signatures = signature_lines(lines)?;
        Ok(Self { text, signatures })
    }

    /// The text that is signed, with its last line feed.
    pub const fn text(&self) -> &'a str {
        self.text
    }

    /// The signatures in their order.
    pub fn signatures(&self) -> &[Signature<'a>] {
        &self.signatures
    }

    /// Checks that there is one signature, under the name that follows from the key, and that it holds.
    ///
    /// # Errors
    /// [`NotBy`].
    pub(crate) fn is_by(&self, key: &VerifyingKey) -> Result<(), NotBy> {
        let [signature] = self.signatures.as_slice() else { return Err(NotBy::Signer) };
        let is_named = signature.name == key.name().to_string() && signature.key_id == key.key_id();
        let bytes = signature.bytes.as_slice().try_into().ok().filter(|_| is_named).ok_or(NotBy::Signer)?;
        key.verify(self.text.as_bytes(), bytes).map_err(|_| NotBy::Signature)
    }

    /// The signatures that say they are this key's.
    pub fn signatures_of(&self, key: &NamedKey) -> impl Iterator<Item = &Signature<'a>> {
        self.signatures.iter().filter(move |signature| signature.name == key.name() && signature.key_id == key.id())
    }
}

/// Reads signature lines without a line feed at the end, as a witness answers with.
///
/// # Errors
/// [`Error::SignatureLine`], [`Error::Count`].
pub fn signature_lines(lines: &str) -> Result<Vec<Signature<'_>>, Error> {
    let mut signatures = Vec::new();
    for line in lines.split('\n') {
        if signatures.len() == SIGNATURES_MAX {
            return Err(Error::Count);
        }
        signatures.push(signature(line).ok_or(Error::SignatureLine)?);
    }
    Ok(signatures)
}

fn signature(line: &str) -> Option<Signature<'_>> {
    let (name, value) = line.strip_prefix("— ")?.split_once(' ')?;
    let value = STANDARD.decode(value).ok()?;
    let (key_id, bytes) = value.split_first_chunk::<KEY_ID_BYTES>()?;
    (is_name(name) && !bytes.is_empty()).then(|| Signature { name, key_id: *key_id, bytes: bytes.to_vec() })
}

/// A signature line, with its line feed.
pub fn signature_line(key: &NamedKey, signature: &[u8]) -> String {
    named_line(key.name(), key.id(), signature)
}

/// The whole note of which [`Note::is_by`] this key holds, with the signature that it made over the text.
///
/// # Errors
/// [`NotBy::Signature`] when it does not hold: nothing is sent that others refuse.
pub(crate) fn by_key(key: &VerifyingKey, text: &str, signature: &[u8; SIGNATURE_BYTES]) -> Result<String, NotBy> {
    key.verify(text.as_bytes(), signature).map_err(|_| NotBy::Signature)?;
    Ok(format!("{text}\n{}", named_line(&key.name().to_string(), key.key_id(), signature)))
}

/// The same under any name.
pub(crate) fn named_line(name: &str, key_id: [u8; KEY_ID_BYTES], signature: &[u8]) -> String {
    let value = [key_id.as_slice(), signature].concat();
    format!("— {name} {}\n", STANDARD.encode(value))
}

/// Whether a text can be a key's name.
fn is_name(name: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&name.len())
        && !name.chars().any(|character| character.is_whitespace() || character == '+')
}

/// A key that signs checkpoints, under its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedKey {
    name: String,
    key: CheckpointKey,
}

/// What a key that signs checkpoints is, and what it signs.
#[derive(Clone, PartialEq)]
pub enum CheckpointKey {
    /// Type 0x01, a log's own: the note's text.
    Log(VerifyingKey),
    /// Type 0x04, a witness's: the text and the time at which it was seen.
    Cosigner(VerifyingKey),
    /// Type 0x06, a log's or a witness's: origin, size, root and time.
    MlDsa(Box<ml_dsa::VerifyingKey<MlDsa44>>),
}

// A key's equality is that of its bytes.
impl Eq for CheckpointKey {}

impl fmt::Debug for CheckpointKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Log(_) => "Log",
            Self::Cosigner(_) => "Cosigner",
            Self::MlDsa(_) => "MlDsa",
        })
    }
}

impl CheckpointKey {
    const fn type_byte(&self) -> u8 {
        match self {
            Self::Log(_) => 0x01,
            Self::Cosigner(_) => 0x04,
            Self::MlDsa(_) => 0x06,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Log(key) | Self::Cosigner(key) => key.as_bytes().to_vec(),
            Self::MlDsa(key) => key.encode().to_vec(),
        }
    }

    fn parse(type_byte: u8, bytes: &[u8]) -> Option<Self> {
        let ed25519 = || VerifyingKey::from_bytes(<&[u8; KEY_BYTES]>::try_from(bytes).ok()?).ok();
        match type_byte {
            0x01 => ed25519().map(Self::Log),
            0x04 => ed25519().map(Self::Cosigner),
            0x06 => ml_dsa_key(bytes).map(Self::MlDsa),
            _ => None,
        }
    }
}

fn ml_dsa_key(bytes: &[u8]) -> Option<Box<ml_dsa::VerifyingKey<MlDsa44>>> {
    let encoded = bytes.try_into().ok()?;
    Some(Box::new(ml_dsa::VerifyingKey::<MlDsa44>::decode(&encoded)))
}

impl NamedKey {
    /// A key under a name; `None` if the text cannot be a name.
    pub fn new(name: &str, key: CheckpointKey) -> Option<Self> {
        is_name(name).then(|| Self { name: name.to_owned(), key })
    }

    /// An ML-DSA-44 key under a name, from its public bytes.
    pub fn ml_dsa(name: &str, bytes: &[u8; MLDSA_KEY_BYTES]) -> Option<Self> {
        Self::new(name, CheckpointKey::MlDsa(ml_dsa_key(bytes)?))
    }

    /// Reads a verifier key: `name+id+key`, where the id must be the one that follows from name and key.
    ///
    /// # Errors
    /// [`Error::VerifierKey`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut parts = text.splitn(3, '+');
        let (name, id, key) = (parts.next(), parts.next(), parts.next());
        let (Some(name), Some(id), Some(key)) = (name, id, key) else { return Err(Error::VerifierKey) };
        let bytes = STANDARD.decode(key).map_err(|_| Error::VerifierKey)?;
        let (type_byte, bytes) = bytes.split_first().ok_or(Error::VerifierKey)?;
        let key = CheckpointKey::parse(*type_byte, bytes).ok_or(Error::VerifierKey)?;
        let named = Self::new(name, key).ok_or(Error::VerifierKey)?;
        if hex(named.id()) == id { Ok(named) } else { Err(Error::VerifierKey) }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key.
    pub const fn key(&self) -> &CheckpointKey {
        &self.key
    }

    /// The id on its signature lines: it only tells lines apart, 32 bits prove nothing.
    pub fn id(&self) -> [u8; KEY_ID_BYTES] {
        let mut hash = Sha256::new();
        hash.update(self.name.as_bytes());
        hash.update([b'\n', self.key.type_byte()]);
        hash.update(self.key.bytes());
        let [a, b, c, d, ..] = <[u8; 32]>::from(hash.finalize());
        [a, b, c, d]
    }

    /// Whether both wrap the same public key, whatever their names and types.
    pub fn is_same_key(&self, other: &Self) -> bool {
        self.key.bytes() == other.key.bytes()
    }

    /// The length that a signature of this key has in its line.
    pub(super) const fn signature_bytes(&self) -> usize {
        match self.key {
            CheckpointKey::Log(_) => SIGNATURE_BYTES,
            CheckpointKey::Cosigner(_) => 8 + SIGNATURE_BYTES,
            CheckpointKey::MlDsa(_) => 8 + MLDSA_SIGNATURE_BYTES,
        }
    }
}

impl fmt::Display for NamedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[self.key.type_byte()], self.key.bytes().as_slice()].concat();
        write!(f, "{}+{}+{}", self.name, hex(self.id()), STANDARD.encode(key))
    }
}

fn hex(id: [u8; KEY_ID_BYTES]) -> String {
    format!("{:08x}", u32::from_be_bytes(id))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

    use super::*;

    const EXAMPLE_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    const EXAMPLE: &str = "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

    #[test]
    fn the_example_of_the_specification_is_read_and_its_signature_holds() {
        let key = NamedKey::parse(EXAMPLE_KEY).unwrap();
        assert_eq!(key.to_string(), EXAMPLE_KEY);
        let note = Note::parse(EXAMPLE.as_bytes()).unwrap();
        let signature = note.signatures_of(&key).next().unwrap();
        let CheckpointKey::Log(ed25519) = key.key() else { panic!("the example is an Ed25519 key") };
        ed25519.verify(note.text().as_bytes(), signature.bytes.as_slice().try_into().unwrap()).unwrap();
        assert_eq!(format!("{}\n{}", note.text(), signature_line(&key, &signature.bytes)), EXAMPLE);
    }

    #[test]
    fn text_may_hold_empty_lines_and_ends_at_the_last_one() {
        let note = "a\n\nb\n\n— k AAAAAAE=\n";
        let note = Note::parse(note.as_bytes()).unwrap();
        assert_eq!(note.text(), "a\n\nb\n");
        assert_eq!(note.signatures().len(), 1);
    }

    #[test]
    fn what_is_not_a_note_is_refused_by_the_rule_it_breaks() {
        let line = "— k AAAAAAE=\n";
        let many = format!("a\n\n{}", line.repeat(SIGNATURES_MAX + 1));
        let long = format!("{}\n\n{line}", "a".repeat(NOTE_BYTES_MAX));
        for (note, error) in [
            ("", Error::Shape),
            ("a\n", Error::Shape),
            ("a\n\n", Error::Shape),
            ("a\n\n— k AAAAAAE=", Error::Shape),
            ("a\u{1}\n\n— k AAAAAAE=\n", Error::Text),
            ("a\r\n\n— k AAAAAAE=\n", Error::Text),
            ("a\n\n- k AAAAAAE=\n", Error::SignatureLine),
            ("a\n\n— k+ AAAAAAE=\n", Error::SignatureLine),
            ("a\n\n— k AAAAAA==\n", Error::SignatureLine),
            ("a\n\n— k  AAAAAAE=\n", Error::SignatureLine),
            ("a\n\n— k AAAAAAE\n", Error::SignatureLine),
            ("a\n\n— k\u{2003}k AAAAAAE=\n", Error::SignatureLine),
            (&many, Error::Count),
            (&long, Error::Size),
        ] {
            assert_eq!(Note::parse(note.as_bytes()), Err(error), "{note:.40?}");
        }
        assert_eq!(Note::parse(b"a\xff\n\n"), Err(Error::Text));
    }

    #[test]
    fn a_key_with_another_id_type_or_length_is_refused() {
        for wrong in [
            "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            "example.com/fox+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            "example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U0=",
            "example.com/foo+530d903a",
            "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        ] {
            assert_eq!(NamedKey::parse(wrong), Err(Error::VerifierKey), "{wrong}");
        }
    }
}
