//! Checkpoints: the log's head, in the clear, signed by the log and by those who watch it.
//!
//! See docs/spec/log.md, section "Checkpoint".

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ml_dsa::MlDsa44;

use super::note::{self, CheckpointKey, NamedKey, Note};
use super::tree::SIZE_MAX;
use crate::id::RootHash;
use crate::identity::SIGNATURE_BYTES;
use crate::record::Origin;

/// What begins the message that an ML-DSA-44 key signs.
const SUBTREE_LABEL: &[u8; 12] = b"subtree/v1\n\0";

/// Why bytes are not a checkpoint, or a signature on it does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The note is not in its form.
    #[error("the checkpoint is not a signed note: {0}")]
    Note(#[from] note::Error),
    /// Not exactly three lines: origin, size, root.
    #[error("the text of a checkpoint is three lines: origin, size and root")]
    Lines,
    /// The first line is no origin.
    #[error("the first line of the checkpoint is not an origin")]
    Origin,
    /// The second line is not a size in decimal digits, or larger than a tree may be.
    #[error("the second line of the checkpoint is not a size")]
    TreeSize,
    /// The third line is not 32 bytes in canonical base64.
    #[error("the third line of the checkpoint is not a root hash")]
    Root,
    /// A signature under a known key's name and id does not hold: the whole note is false.
    #[error("a signature on the checkpoint does not hold")]
    Signature,
}

/// Origin, size and root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log.
    pub origin: Origin,
    /// Leaves.
    pub size: u64,
    /// Root of the tree of so many leaves.
    pub root: RootHash,
}

impl Checkpoint {
    /// The text that is signed.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root.as_bytes()))
    }

    /// Reads the text that is signed: exactly three lines. (C2SP allows more; ML-DSA signatures do not cover them, so
    /// hizo's checkpoints have none.)
    ///
    /// # Errors
    /// [`Error::Lines`], [`Error::Origin`], [`Error::TreeSize`], [`Error::Root`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let lines: Vec<&str> = text.strip_suffix('\n').ok_or(Error::Lines)?.split('\n').collect();
        let [origin, size, root] = lines.as_slice() else { return Err(Error::Lines) };
        let origin = Origin::parse(origin).map_err(|_| Error::Origin)?;
        let size = decimal(size).filter(|size| *size <= SIZE_MAX).ok_or(Error::TreeSize)?;
        let root = STANDARD.decode(root).ok().and_then(|bytes| bytes.try_into().ok()).ok_or(Error::Root)?;
        Ok(Self { origin, size, root: RootHash::from_bytes(root) })
    }

    /// What an Ed25519 cosigner signs, who saw this checkpoint at `time`.
    pub fn cosigned_text(&self, time: u64) -> String {
        format!("cosignature/v1\ntime {time}\n{}", self.text())
    }

    /// What an ML-DSA-44 key of this name signs; `time` 0 makes no statement about when.
    pub fn ml_dsa_message(&self, name: &str, time: u64) -> Vec<u8> {
        let short = |text: &str| [&[u8::try_from(text.len()).unwrap_or(u8::MAX)], text.as_bytes()].concat();
        [
            SUBTREE_LABEL.as_slice(),
            &short(name),
            &time.to_be_bytes(),
            &short(self.origin.as_str()),
            &0_u64.to_be_bytes(),
            &self.size.to_be_bytes(),
            self.root.as_bytes(),
        ]
        .concat()
    }
}

/// Reads a number without leading zeros.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = text == "0" || !text.starts_with('0');
    if digits && canonical { text.parse().ok() } else { None }
}

/// A checkpoint note whose signatures nobody has checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnverifiedCheckpoint<'a> {
    note: Note<'a>,
    checkpoint: Checkpoint,
}

impl<'a> UnverifiedCheckpoint<'a> {
    /// Reads a checkpoint note.
    ///
    /// # Errors
    /// Every variant of [`Error`] but the last.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let note = Note::parse(bytes)?;
        let checkpoint = Checkpoint::parse(note.text())?;
        Ok(Self { note, checkpoint })
    }

    /// What it claims. Nobody vouches for it yet.
    pub const fn claimed(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Looks for this key's signature: the time that it states if it is there and holds, `None` if it is not there.
    /// A log's Ed25519 signature states no time, which is told as 0.
    ///
    /// # Errors
    /// [`Error::Signature`] when a line says it is this key's and does not hold.
    pub fn signed_by(&self, key: &NamedKey) -> Result<Option<u64>, Error> {
        let mut found = None;
        for signature in self.note.signatures_of(key) {
            let time = holds(&self.checkpoint, self.note.text(), key, &signature.bytes).ok_or(Error::Signature)?;
            found = found.or(Some(time));
        }
        Ok(found)
    }

    /// The line of this key's signature, with its line feed; empty if it is not there or does not hold.
    pub fn line_of(&self, key: &NamedKey) -> String {
        let holds = |signature: &&note::Signature<'_>| {
            holds(&self.checkpoint, self.note.text(), key, &signature.bytes).is_some()
        };
        let signature = self.note.signatures_of(key).find(holds);
        signature.map_or(String::new(), |signature| note::signature_line(key, &signature.bytes))
    }
}

/// The time that a signature states, if it holds.
fn holds(checkpoint: &Checkpoint, text: &str, key: &NamedKey, signature: &[u8]) -> Option<u64> {
    if signature.len() != key.signature_bytes() {
        return None;
    }
    match key.key() {
        CheckpointKey::Log(ed25519) => {
            let signature: &[u8; SIGNATURE_BYTES] = signature.try_into().ok()?;
            ed25519.verify(text.as_bytes(), signature).ok().map(|()| 0)
        }
        CheckpointKey::Cosigner(ed25519) => {
            let (time, signature) = timed(signature)?;
            let signature: &[u8; SIGNATURE_BYTES] = signature.try_into().ok()?;
            ed25519.verify(checkpoint.cosigned_text(time).as_bytes(), signature).ok().map(|()| time)
        }
        CheckpointKey::MlDsa(ml_dsa) => {
            let (time, signature) = timed(signature)?;
            let signature = ml_dsa::Signature::<MlDsa44>::decode(&signature.try_into().ok()?)?;
            let message = checkpoint.ml_dsa_message(key.name(), time);
            ml_dsa.verify_with_context(&message, &[], &signature).then_some(time)
        }
    }
}

/// The time in front of a cosignature: at most 2^63 - 1.
fn timed(signature: &[u8]) -> Option<(u64, &[u8])> {
    let (time, rest) = signature.split_first_chunk::<8>()?;
    let time = u64::from_be_bytes(*time);
    i64::try_from(time).is_ok().then_some((time, rest))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

    use ed25519_dalek::{Signer, SigningKey};
    use ml_dsa::Seed;

    use super::*;
    use crate::identity::VerifyingKey;

    fn ed25519(seed: u8) -> (SigningKey, VerifyingKey) {
        let secret = SigningKey::from_bytes(&[seed; 32]);
        let public = VerifyingKey::from_bytes(secret.verifying_key().as_bytes()).unwrap();
        (secret, public)
    }

    fn checkpoint() -> Checkpoint {
        let origin = Origin::parse("keeper.example/log").unwrap();
        Checkpoint { origin, size: 20_852_163, root: RootHash::from_bytes([5; 32]) }
    }

    #[test]
    fn a_checkpoint_reads_back_from_its_text() {
        let text = checkpoint().text();
        assert_eq!(Checkpoint::parse(&text), Ok(checkpoint()));
        for (wrong, error) in [
            (text.replace("20852163", "020852163"), Error::TreeSize),
            (text.replace("20852163", "-1"), Error::TreeSize),
            (text.replace("20852163", ""), Error::TreeSize),
            (text.replace("20852163", "9223372036854775809"), Error::TreeSize),
            (text.replace("keeper.example/log", "Keeper"), Error::Origin),
            (text.replace("BQU=", "BQV="), Error::Root),
            (text.replace("BQU=", ""), Error::Root),
            (format!("{text}extension\n"), Error::Lines),
            (text.trim_end().to_owned(), Error::Lines),
        ] {
            assert_eq!(Checkpoint::parse(&wrong), Err(error), "{wrong:?}");
        }
    }

    #[test]
    fn the_examples_of_the_specification_have_the_messages_that_it_shows() {
        let example = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
        let checkpoint = Checkpoint::parse(example).unwrap();
        let expected = format!("cosignature/v1\ntime 1679315147\n{example}");
        assert_eq!(checkpoint.cosigned_text(1_679_315_147), expected);
        let message = checkpoint.ml_dsa_message("w", 3);
        let origin = "example.com/behind-the-sofa";
        let mut shown = b"subtree/v1\n\0\x01w".to_vec();
        shown.extend([0, 0, 0, 0, 0, 0, 0, 3, origin.len() as u8]);
        shown.extend(origin.bytes());
        shown.extend(0_u64.to_be_bytes());
        shown.extend(20_852_163_u64.to_be_bytes());
        shown.extend(checkpoint.root.as_bytes());
        assert_eq!(message, shown);
    }

    #[test]
    fn each_kind_of_signature_holds_for_its_key_name_and_text_only() {
        let checkpoint = checkpoint();
        let (log_secret, log_public) = ed25519(1);
        let (witness_secret, witness_public) = ed25519(2);
        let ml_dsa_secret = ml_dsa::SigningKey::<MlDsa44>::from_seed(&Seed::from([3; 32]));
        let log = NamedKey::new("keeper.example/log", CheckpointKey::Log(log_public)).unwrap();
        let witness = NamedKey::new("witness.example/1", CheckpointKey::Cosigner(witness_public)).unwrap();
        let ml_dsa_public: [u8; 1312] =
            ml_dsa_secret.expanded_key().verifying_key().encode().as_slice().try_into().unwrap();
        let later = NamedKey::ml_dsa("witness.example/2", &ml_dsa_public).unwrap();
        let time = 1_800_000_000_u64;
        let timed = |signature: &[u8]| [time.to_be_bytes().as_slice(), signature].concat();
        let by_log = log_secret.sign(checkpoint.text().as_bytes()).to_bytes();
        let by_witness = timed(&witness_secret.sign(checkpoint.cosigned_text(time).as_bytes()).to_bytes());
        let message = checkpoint.ml_dsa_message("witness.example/2", time);
        let by_ml_dsa = timed(&ml_dsa_secret.expanded_key().sign_deterministic(&message, &[]).unwrap().encode());
        let note = [
            checkpoint.text(),
            "\n".to_owned(),
            note::signature_line(&log, &by_log),
            note::signature_line(&witness, &by_witness),
            note::signature_line(&later, &by_ml_dsa),
        ]
        .concat();
        let read = UnverifiedCheckpoint::parse(note.as_bytes()).unwrap();
        assert_eq!(read.signed_by(&log), Ok(Some(0)));
        assert_eq!(read.signed_by(&witness), Ok(Some(time)));
        assert_eq!(read.signed_by(&later), Ok(Some(time)));
        let stranger = NamedKey::new("keeper.example/log", CheckpointKey::Log(witness_public)).unwrap();
        assert_eq!(read.signed_by(&stranger), Ok(None), "a line of another key is passed over");

        let other = note.replace("20852163", "20852164");
        let read = UnverifiedCheckpoint::parse(other.as_bytes()).unwrap();
        for key in [&log, &witness, &later] {
            assert_eq!(read.signed_by(key), Err(Error::Signature), "{}", key.name());
        }
        // A witness's time is signed too.
        let mut late = by_witness;
        late[7] ^= 1;
        let note = format!("{}\n{}", checkpoint.text(), note::signature_line(&witness, &late));
        assert_eq!(UnverifiedCheckpoint::parse(note.as_bytes()).unwrap().signed_by(&witness), Err(Error::Signature));
        // A log key's signature is none of a witness, although both are Ed25519.
        let confused = NamedKey::new("keeper.example/log", CheckpointKey::Cosigner(log_public)).unwrap();
        let note = format!("{}\n{}", checkpoint.text(), note::signature_line(&confused, &by_log));
        assert_eq!(UnverifiedCheckpoint::parse(note.as_bytes()).unwrap().signed_by(&confused), Err(Error::Signature));
    }
}
