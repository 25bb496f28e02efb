//! Receipts: a keeper's signed promise that a record is kept and will stand in its log by a stated time.
//!
//! See docs/spec/proof.md, section "Receipt". The key that signs receipts signs nothing else.

use super::Leaf;
use super::note::{self, CheckpointKey, NamedKey, Note};
use crate::id::{RecordId, Slot};
use crate::identity::SIGNATURE_BYTES;
use crate::lines::Lines;
use crate::record::{ClaimedTime, Origin};

/// Length of a receipt, at most, in bytes.
pub const RECEIPT_BYTES_MAX: usize = 2 << 10;

const FIRST_LINE: &str = "hizo/receipt/v1";

/// The seventh line, of what is kept twice.
const TWICE: &str = "copies 2\n";

/// Why bytes are not a receipt, or not one by this key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Longer than [`RECEIPT_BYTES_MAX`].
    #[error("the receipt is longer than {RECEIPT_BYTES_MAX} bytes")]
    TooLong,
    /// Not a signed note.
    #[error("the receipt is not a signed note: {0}")]
    Note(#[from] note::Error),
    /// Not the six lines, and the seventh of what is kept twice, in their one form.
    #[error("the text of a receipt is its six lines, or seven, in their one form")]
    Lines,
    /// The record is promised for a time before it was kept.
    #[error("the receipt promises a time before its own")]
    Order,
    /// Not exactly one signature, under the keeper's name.
    #[error("a receipt has one signature, under its keeper's name")]
    Signer,
    /// The key is of another name or kind, or signed nothing here.
    #[error("the receipt is not by this key")]
    OtherKey,
    /// The signature does not hold.
    #[error("the signature on the receipt does not hold")]
    Signature,
}

/// What a keeper promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Who promises.
    pub keeper: Origin,
    /// What will stand in the log.
    pub leaf: Leaf,
    /// When it was kept, as the keeper says.
    pub time: ClaimedTime,
    /// By when it will stand in the log.
    pub index_by: ClaimedTime,
    /// The class *kept twice*: the record and all that it names are durable at a second place, too.
    pub is_twice: bool,
}

impl Receipt {
    /// The text that is signed.
    pub fn text(&self) -> String {
        let Self { keeper, leaf: Leaf { slot, record }, time, index_by, is_twice } = self;
        let twice = if *is_twice { TWICE } else { "" };
        format!(
            "{FIRST_LINE}\nkeeper {keeper}\nrecord {record}\nslot {slot}\ntime {time}\nindex-by {index_by}\n{twice}"
        )
    }

    /// The whole note, with the signature that the keeper's receipt key made over [`Receipt::text`].
    pub fn note(&self, key: &NamedKey, signature: &[u8; SIGNATURE_BYTES]) -> String {
        format!("{}\n{}", self.text(), note::signature_line(key, signature))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = Lines::behind(FIRST_LINE, text)?;
        let keeper = lines.origin("keeper")?;
        let record = RecordId::from_hex(lines.value("record")?).ok()?;
        let slot = Slot::from_hex(lines.value("slot")?).ok()?;
        let (time, index_by) = (lines.time("time")?, lines.time("index-by")?);
        let is_twice = text.ends_with(TWICE);
        let receipt = Self { keeper, leaf: Leaf { slot, record }, time, index_by, is_twice };
        (receipt.text() == text).then_some(receipt)
    }
}

/// A receipt whose signature nobody has checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnverifiedReceipt<'a> {
    note: Note<'a>,
    receipt: Receipt,
}

impl<'a> UnverifiedReceipt<'a> {
    /// Reads a receipt.
    ///
    /// # Errors
    /// The rule of form that it breaks.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        if bytes.len() > RECEIPT_BYTES_MAX {
            return Err(Error::TooLong);
        }
        let note = Note::parse(bytes)?;
        let receipt = Receipt::parse(note.text()).ok_or(Error::Lines)?;
        if receipt.index_by < receipt.time {
            return Err(Error::Order);
        }
        match note.signatures() {
            [signature] if signature.name == receipt.keeper.as_str() => Ok(Self { note, receipt }),
            _ => Err(Error::Signer),
        }
    }

    /// What it claims. Nobody vouches for it yet; that its leaf stands in a log proves the leaf all the same.
    pub const fn claimed(&self) -> &Receipt {
        &self.receipt
    }

    /// Checks that this key signed it.
    ///
    /// # Errors
    /// [`Error::OtherKey`], [`Error::Signature`].
    pub fn verify(self, key: &NamedKey) -> Result<Receipt, Error> {
        let CheckpointKey::Log(ed25519) = key.key() else { return Err(Error::OtherKey) };
        let signature = self.note.signatures_of(key).next().ok_or(Error::OtherKey)?;
        let bytes: &[u8; SIGNATURE_BYTES] = signature.bytes.as_slice().try_into().map_err(|_| Error::Signature)?;
        ed25519.verify(self.note.text().as_bytes(), bytes).map_err(|_| Error::Signature)?;
        Ok(self.receipt)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

    use ed25519_dalek::{Signer, SigningKey};

    use super::*;
    use crate::identity::VerifyingKey;

    fn key(name: &str, seed: u8) -> (SigningKey, NamedKey) {
        let secret = SigningKey::from_bytes(&[seed; 32]);
        let public = VerifyingKey::from_bytes(secret.verifying_key().as_bytes()).unwrap();
        (secret, NamedKey::new(name, CheckpointKey::Log(public)).unwrap())
    }

    fn receipt() -> Receipt {
        Receipt {
            keeper: Origin::parse("keeper.example/log").unwrap(),
            leaf: Leaf { slot: Slot::from_bytes([1; 32]), record: RecordId::from_bytes([2; 32]) },
            time: ClaimedTime::parse("2027-05-03T09:12:44Z").unwrap(),
            index_by: ClaimedTime::parse("2027-05-03T09:13:44Z").unwrap(),
            is_twice: false,
        }
    }

    fn signed() -> (String, NamedKey) {
        let (secret, key) = key("keeper.example/log", 5);
        let signature = secret.sign(receipt().text().as_bytes()).to_bytes();
        (receipt().note(&key, &signature), key)
    }

    #[test]
    fn a_receipt_reads_back_and_holds_for_its_key_only() {
        let (note, own) = signed();
        let read = || UnverifiedReceipt::parse(note.as_bytes()).unwrap();
        assert_eq!(read().verify(&own), Ok(receipt()));
        assert_eq!(read().verify(&key("keeper.example/log", 6).1), Err(Error::OtherKey));
        assert_eq!(read().verify(&key("keeper.example", 5).1), Err(Error::OtherKey));
    }

    #[test]
    fn what_is_kept_twice_is_said_under_the_signature_and_not_without_it() {
        let (secret, own) = key("keeper.example/log", 5);
        let twice = Receipt { is_twice: true, ..receipt() };
        let note = twice.note(&own, &secret.sign(twice.text().as_bytes()).to_bytes());
        let held = |note: &str| UnverifiedReceipt::parse(note.as_bytes()).unwrap().verify(&own);
        assert_eq!(held(&note), Ok(twice));
        assert_eq!(held(&note.replace("copies 2\n", "")), Err(Error::Signature));
        assert_eq!(held(&signed().0.replace("44Z\n\n", "44Z\ncopies 2\n\n")), Err(Error::Signature));
    }

    #[test]
    fn every_flipped_byte_of_a_receipt_is_refused() {
        let (note, own) = signed();
        for place in 0..note.len() {
            let mut flipped = note.clone().into_bytes();
            flipped[place] ^= 1;
            let outcome = UnverifiedReceipt::parse(&flipped).and_then(|receipt| receipt.verify(&own));
            assert!(outcome.is_err(), "byte {place} was flipped and nobody noticed");
        }
    }

    #[test]
    fn what_is_not_in_the_one_form_is_refused_by_the_rule_it_breaks() {
        let (note, _) = signed();
        let line = note.lines().last().unwrap().to_owned() + "\n";
        for (wrong, error) in [
            (note.replace("receipt/v1", "receipt/v2"), Error::Lines),
            (note.replace("keeper keeper", "keeper  keeper"), Error::Lines),
            (note.replace("index-by 2027", "index-by 2027-05-03T09:13:44Z\nindex-by 2027"), Error::Lines),
            (note.replace("09:13:44Z", "09:12:43Z"), Error::Order),
            (note.replace("44Z\n\n", "44Z\ncopies 1\n\n"), Error::Lines),
            (note.replace("44Z\n\n", "44Z\ncopies 2\ncopies 2\n\n"), Error::Lines),
            (note.clone() + &line, Error::Signer),
            (note.replace("— keeper.example/log", "— keeper.example/other"), Error::Signer),
            (note.trim_end().to_owned(), Error::Note(note::Error::Shape)),
            ("a".repeat(RECEIPT_BYTES_MAX + 1), Error::TooLong),
        ] {
            assert_eq!(UnverifiedReceipt::parse(wrong.as_bytes()), Err(error), "{wrong:.60?}");
        }
    }
}
