//! The certificate of a deposit: the paper that a company hands to a court, in Japanese and then in English.
//!
//! It says what a proof says and no more: held, unchanged, since at the latest a time; never owned, never secret. The
//! same facts make the same bytes: no clock is read and nothing is looked up.

mod parts;
#[cfg(test)]
mod tests;
mod wording;

use hizo_ledger::id::{ObjectId, RecordId, SeriesId};

use crate::failure::{Failure, Outcome};
use crate::paper::Paper;
use crate::paper::typeface::Typeface;
use crate::words::{Language, words};

/// Everything that a certificate says. Times are seconds since 1970 unless they say otherwise.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub record: RecordId,
    pub series: SeriesId,
    /// The deposit's number in its series, and how many the series had when the log was as large as `log.size`.
    pub number: u64,
    pub deposits: u64,
    pub commitment: Commitment,
    pub log: Log,
    pub signers: Vec<Signer>,
    /// Names of the witnesses whose cosignatures on the checkpoint were verified.
    pub witnesses: Vec<String>,
    /// What the device that deposited says.
    pub device_says: u64,
    /// What the keeper's receipt says.
    pub keeper_says: Option<u64>,
    /// The verdict's time: the earliest independent stamp and its accuracy; the earliest stamp where none is independent.
    pub at_the_latest: u64,
    /// Verified stamps over the checkpoint, the one that the verdict rests on first; never empty.
    pub stamps: Vec<Stamp>,
    pub strength: Strength,
    pub scope: Scope,
    pub entries: Vec<Entry>,
    /// After this the proof may no longer convince.
    pub refresh_before: u64,
}

/// The 32 public bytes that bind the deposit, in two hash families.
#[derive(Debug, Clone)]
pub(crate) struct Commitment {
    pub sha256: [u8; 32],
    pub blake3: [u8; 32],
}

/// Where the record stands in the keeper's log.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    pub origin: String,
    pub index: u64,
    /// Size and root of the stamped checkpoint.
    pub size: u64,
    pub root: [u8; 32],
}

/// A key that signed the record.
#[derive(Debug, Clone)]
pub(crate) struct Signer {
    /// The key or its fingerprint, as a verifier sees it too.
    pub key: String,
    /// What whoever made the certificate calls its holder.
    pub name: Option<String>,
}

/// A time-stamp token over the checkpoint.
#[derive(Debug, Clone)]
pub(crate) struct Stamp {
    /// The authority's name, as its certificate has it.
    pub authority: String,
    pub time: u64,
    /// `None`: the authority does not state it.
    pub accuracy_ms: Option<u64>,
    /// SHA-256 of the certificate that signed.
    pub signer: ObjectId,
    pub is_independent: bool,
    /// Files of the bundle: the token, and the certificates that lead to the authority's root.
    pub token: String,
    pub chain: String,
}

/// What a verifier can check for himself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strength {
    /// The opening: the record binds these bytes.
    Committed,
    /// The opening and the sealed pack with its key: these bytes were what was kept.
    Kept,
}

/// How much of the deposit is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Chosen entries of a tree of 2^depth leaves.
    Chosen { depth: u8 },
    /// Every entry is there, with whatever fields of it are shown.
    Complete,
}

/// An entry of the deposit. A field that is not shown is `None`.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Its path, raw bytes.
    pub name: Option<Vec<u8>>,
    /// SHA-256 of its bytes; `Some(None)`: it is of a kind without bytes.
    pub content: Option<Option<[u8; 32]>>,
    pub meta: Option<Meta>,
}

/// What an entry is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Meta {
    pub kind: Kind,
    /// Time of the last change, nanoseconds since 1970, as the device says.
    pub modified_ns: i64,
}

/// What an entry is, and its bytes if it is of a kind that has any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    File { bytes: u64 },
    HardLink { bytes: u64 },
    Symlink,
    Folder,
}

impl Facts {
    /// Whether a third party vouches for the verdict's time.
    fn is_independent(&self) -> bool {
        self.stamps.iter().any(|stamp| stamp.is_independent)
    }
}

/// The certificate as a PDF.
pub(crate) fn certificate(facts: &Facts) -> Outcome<Vec<u8>> {
    if facts.stamps.is_empty() {
        return Err(Failure::fixable(words!(
            "there is no certificate yet: nothing has stamped this deposit",
            "証明書はまだ作れません: この預け入れには、時刻の証明がまだありません"
        ))
        .hint(words!("`hizo status` says what is still awaited.", "何を待っているかは `hizo status` で分かります。")));
    }
    let mut paper = Paper::new(Typeface::new()?, facts.record.to_string());
    for language in [Language::Japanese, Language::English] {
        parts::write(&mut paper, facts, language);
    }
    paper.finish(&format!("保管証明書 · Certificate of safekeeping · {}", facts.record))
}
