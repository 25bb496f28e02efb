//! A proof: the files that convince a stranger that something was held, and since when, checked offline against keys and
//! roots that the stranger brought. Nothing inside a bundle is trusted.
//!
//! See docs/spec/proof.md. Reading files is the caller's business, and so is saying the outcome in words.

mod bundle;
mod disclosure;
mod json;
mod kept;
mod renewal;

use crate::commitment::{Commitment, ContentValue, OpeningError, Shown};
use crate::id::RecordId;
use crate::identity::VerifyingKey;
use crate::log::Leaf;
use crate::log::checkpoint::{self, UnverifiedCheckpoint};
use crate::log::note::NamedKey;
use crate::log::policy::{Policy, Unmet};
use crate::log::proof::{self as inclusion, InclusionProof};
use crate::log::receipt::{self, Receipt, UnverifiedReceipt};
use crate::log::tree;
use crate::record::{self, ClaimedTime, Deposit, UnverifiedRecord};
use crate::timestamp::{
    self, Authority, Expected, Moment, Revocation, Token, certificates_from_pem, parse_response,
    revocation_lists_from_pem,
};

use bundle::Stamped;
use renewal::Counted;

pub use bundle::{
    Bundle, FILES, NAMES_MAX, Names, NotABundle, RENEWALS_MAX, STAMPS_MAX, StampFile, bytes_max, is_folder,
};
pub use disclosure::{DISCLOSURE_BYTES_MAX, Disclosure, Error as DisclosureError};
pub use kept::{
    Error as KeptError, FILE_KEY_BYTES, KEPT_BYTES_MAX, KEPT_PACKS_MAX, KEPT_RECORDS_MAX, Kept, KeptContent,
    LoggedContent, LoggedPack,
};

/// What a bundle is held against. All of it comes from the verifier, none of it from the bundle.
#[derive(Debug, Clone, Copy, Default)]
pub struct Brought<'a> {
    /// Whose checkpoints count. Without one nobody vouches for the log.
    pub policy: Option<&'a Policy>,
    /// Whose stamps count. Without one nobody vouches for the time.
    pub authorities: &'a [Authority],
    /// Revocation lists in DER, beside those that lie in the bundle.
    pub revocation: &'a [Vec<u8>],
    /// The key under which the keeper signs receipts. The proof does not rest on it.
    pub receipt_key: Option<&'a NamedKey>,
    /// Files to compare with the shown contents.
    pub files: &'a [GivenFile],
}

/// Keys of one SHA-256 under which a file is compared, at most: each costs the verifier one more hash of it.
pub const KEYS_MAX: usize = 16;

/// A file of the verifier's, hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenFile {
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// Its length in bytes.
    pub size: u64,
    /// Its content value under every key of [`Opened::keys_for`] its SHA-256.
    pub values: Vec<ContentValue>,
}

/// What is checked, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// `record.note` is a record, and its signatures are by the keys beside it.
    Record,
    /// It is a deposit with a commitment.
    Commitment,
    /// The shown fields lead to the commitment, in both hash families.
    Opening,
    /// No entry and no name is shown twice.
    Names,
    /// `receipt.note` is for this record.
    Receipt,
    /// The leaf, slot and record id, stands under the checkpoint's root.
    Inclusion,
    /// The checkpoint is signed as the policy asks.
    Checkpoint,
    /// The checkpoint of the proof and the stamped one have one text.
    Stamped,
    /// The tokens are over the stamped bytes and by authorities that count.
    Stamps,
    /// Later stamps cover the earlier ones.
    Renewals,
    /// The files at hand are shown contents.
    Files,
    /// The shown contents lie in packs that records of the log name. Who can open packs finds out: [`Bundle::kept`].
    Kept,
}

impl Step {
    /// Every step in its order.
    pub const ALL: [Self; 12] = [
        Self::Record,
        Self::Commitment,
        Self::Opening,
        Self::Names,
        Self::Receipt,
        Self::Inclusion,
        Self::Checkpoint,
        Self::Stamped,
        Self::Stamps,
        Self::Renewals,
        Self::Files,
        Self::Kept,
    ];

    /// The word for it in vectors and in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::Commitment => "commitment",
            Self::Opening => "opening",
            Self::Names => "names",
            Self::Receipt => "receipt",
            Self::Inclusion => "inclusion",
            Self::Checkpoint => "checkpoint",
            Self::Stamped => "stamped",
            Self::Stamps => "stamps",
            Self::Renewals => "renewals",
            Self::Files => "files",
            Self::Kept => "kept",
        }
    }
}

/// Why a bundle does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// `record.note` is no record.
    #[error("record.note: {0}")]
    Record(#[from] record::Error),
    /// `record.keys` does not have the key of each signature line, in their order.
    #[error("record.keys does not list the keys of the record's signatures")]
    RecordKeys,
    /// A signature on the record does not hold.
    #[error("a signature on the record does not hold")]
    RecordSignature,
    /// The record commits to nothing.
    #[error("the record makes no deposit, so that it commits to nothing")]
    NotADeposit,
    /// `opening.json` is in no form that is read.
    #[error("{0}")]
    Disclosure(#[from] DisclosureError),
    /// What is shown is not what was committed to, or is shown twice.
    #[error("{0}")]
    Opening(#[from] OpeningError),
    /// `receipt.note` is no receipt, or not by the key that was brought.
    #[error("receipt.note: {0}")]
    Receipt(#[from] receipt::Error),
    /// The receipt is for another record.
    #[error("the receipt is for another record")]
    ReceiptOfAnother,
    /// The receipt is by another keeper than the record was given to.
    #[error("the receipt is by another keeper than the record names")]
    ReceiptKeeper,
    /// `record.tlog-proof` is no proof.
    #[error("record.tlog-proof: {0}")]
    Proof(inclusion::Error),
    /// A checkpoint is none.
    #[error("the checkpoint of record.tlog-proof: {0}")]
    ProofCheckpoint(checkpoint::Error),
    /// The path does not lead from slot and record to the root.
    #[error("the record does not stand in the log where the proof says: {0}")]
    Inclusion(#[from] tree::Error),
    /// The checkpoint is of another log than the record was given to.
    #[error("the checkpoint is of another log than the record names")]
    Origin,
    /// A signature by a key of the policy does not hold.
    #[error("a signature on the checkpoint by a key of the policy does not hold")]
    CheckpointSignature,
    /// The stamped file is no checkpoint.
    #[error("the file checkpoint: {0}")]
    Stamped(checkpoint::Error),
    /// The stamped checkpoint says something else than the one of the proof.
    #[error("the stamped checkpoint is not the one that the record is proved in")]
    OtherText,
    /// A token that does not hold.
    #[error("the stamp {name}: {error}")]
    Stamp {
        /// Its file, without ending.
        name: String,
        /// The rule broken.
        error: timestamp::Error,
    },
    /// A renewal that does not hold, counted from 1.
    #[error("renewal {number}: {fault}")]
    Renewal {
        /// Which.
        number: usize,
        /// What is wrong with it.
        fault: Box<Fault>,
    },
    /// A renewal that covers no earlier stamp.
    #[error("it covers no earlier stamp")]
    RenewsNothing,
    /// A renewal's record of a stamp that is not there.
    #[error("{name} is no stamp over the head before")]
    NoEarlierStamp {
        /// The stamp's file, without ending.
        name: String,
    },
    /// A record that names other bytes than the stamp, or does more than name a body.
    #[error("the record of the stamp {name} does not say that stamp, and nothing else")]
    OtherEarlierStamp {
        /// The stamp's file, without ending.
        name: String,
    },
    /// A stamp over a later head that says an earlier time.
    #[error("the stamp {name} says a time before that of a stamp that it covers")]
    RenewedBefore {
        /// The later stamp's file, without ending.
        name: String,
    },
    /// A file that is none of the shown contents. Files are counted from 0 as they were given.
    #[error("file {file} is not a content that is shown: its SHA-256 is another")]
    OtherFile {
        /// Which.
        file: usize,
    },
    /// A file whose SHA-256 was committed to by somebody who did not have the file.
    #[error("file {file} has the SHA-256 that is shown, and not the keyed BLAKE3: only its digest was committed to")]
    DigestOnly {
        /// Which.
        file: usize,
    },
    /// A file of another length than is shown.
    #[error("file {file} has another length than is shown")]
    FileSize {
        /// Which.
        file: usize,
    },
    /// What was shown was not kept as the bundle says.
    #[error("{0}")]
    Kept(#[from] KeptError),
}

impl Fault {
    /// The step that found it.
    pub const fn step(&self) -> Step {
        match self {
            Self::Record(_) | Self::RecordKeys | Self::RecordSignature => Step::Record,
            Self::NotADeposit => Step::Commitment,
            Self::Opening(OpeningError::RepeatedLeaf | OpeningError::RepeatedName) => Step::Names,
            Self::Disclosure(_) | Self::Opening(_) => Step::Opening,
            Self::Receipt(_) | Self::ReceiptOfAnother | Self::ReceiptKeeper => Step::Receipt,
            Self::Proof(_) | Self::ProofCheckpoint(_) | Self::Inclusion(_) => Step::Inclusion,
            Self::Origin | Self::CheckpointSignature => Step::Checkpoint,
            Self::Stamped(_) | Self::OtherText => Step::Stamped,
            Self::Stamp { .. } => Step::Stamps,
            Self::Renewal { .. } | Self::RenewsNothing => Step::Renewals,
            Self::NoEarlierStamp { .. } | Self::OtherEarlierStamp { .. } | Self::RenewedBefore { .. } => Step::Renewals,
            Self::OtherFile { .. } | Self::DigestOnly { .. } | Self::FileSize { .. } => Step::Files,
            Self::Kept(_) => Step::Kept,
        }
    }
}

/// Why it cannot be told whether a bundle holds: nothing is wrong, and something is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doubt {
    /// No policy was brought.
    NoPolicy,
    /// No log of the policy signed the checkpoint.
    OtherLog,
    /// Fewer witnesses signed than the policy asks for.
    NoQuorum,
    /// The bundle has no stamp.
    NoStamp,
    /// No root was brought.
    NoRoots,
    /// No stamp is by an authority that the verifier lets count.
    NotVouched,
    /// The only stamps that would count are by certificates that were revoked.
    Revoked,
    /// The only stamps that count are the keeper's own.
    SelfStamped,
    /// A file was given and no content is shown.
    NothingToCompare,
}

impl Doubt {
    /// The step that raised it.
    pub const fn step(self) -> Step {
        match self {
            Self::NoPolicy | Self::OtherLog | Self::NoQuorum => Step::Checkpoint,
            Self::NoStamp | Self::NoRoots | Self::NotVouched | Self::Revoked | Self::SelfStamped => Step::Stamps,
            Self::NothingToCompare => Step::Files,
        }
    }

    /// The word for it in vectors and in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoPolicy => "no-policy",
            Self::OtherLog => "other-log",
            Self::NoQuorum => "no-quorum",
            Self::NoStamp => "no-stamp",
            Self::NoRoots => "no-roots",
            Self::NotVouched => "not-vouched",
            Self::Revoked => "revoked",
            Self::SelfStamped => "self-stamped",
            Self::NothingToCompare => "nothing-to-compare",
        }
    }
}

/// What came of a step that found nothing wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// A record, with the keys that signed it when they lie beside it. Whose they are, a bundle does not say.
    Record {
        /// Its id.
        id: RecordId,
        /// The keys; `None`: no `record.keys`, so that its signatures are not checked here.
        signers: Option<Vec<VerifyingKey>>,
    },
    /// A deposit.
    Commitment {
        /// What its record says.
        deposit: Deposit,
    },
    /// Entries that were committed to.
    Opening {
        /// How many are shown.
        entries: usize,
        /// Whether these are all.
        complete: bool,
        /// The deposit has fewer entries than this.
        below: usize,
    },
    /// No name twice.
    Names {
        /// How many names are shown.
        names: usize,
    },
    /// A receipt for the record.
    Receipt {
        /// What it says.
        receipt: Receipt,
        /// Whether the key that was brought signed it; without one its signature is not checked here.
        checked: bool,
    },
    /// The keeper says that it had the record later than somebody else says that it was there. The time does not rest on
    /// the keeper's word, which one of the two clocks belies.
    ReceiptLater {
        /// What the keeper says.
        receipt: ClaimedTime,
        /// The earliest time of an independent stamp over a head that holds the record.
        stamped: Moment,
    },
    /// The leaf stands in the log.
    Inclusion {
        /// Where, from 0.
        index: u64,
        /// Leaves of the tree.
        size: u64,
    },
    /// The checkpoint meets the policy, or it cannot be told.
    Checkpoint(Result<Vec<(String, u64)>, Doubt>),
    /// Proof and stamp are about one checkpoint.
    Stamped,
    /// A stamp.
    Stamp {
        /// Over which head: that of the bundle (0), or that of a renewal.
        renewal: usize,
        /// Its file, without ending.
        name: String,
        /// What it says, if it counts.
        outcome: StampOutcome,
    },
    /// No stamp there.
    NoStamp,
    /// A later head covers earlier stamps.
    Renewal {
        /// Which, from 1.
        number: usize,
        /// Leaves of the later head.
        size: u64,
        /// The stamps over the head before that stand under it.
        covers: Vec<String>,
    },
    /// An independent stamp that no later one covers in time, although there are later ones: it counts for nothing.
    Gap {
        /// Over which head: that of the bundle (0), or that of a renewal.
        renewal: usize,
        /// Its file, without ending.
        name: String,
        /// When it could be relied on no longer.
        ends: Moment,
    },
    /// A file is a shown content.
    File {
        /// Which file, from 0.
        file: usize,
        /// Which shown entries, from 0; none: no content is shown, so that it could not be compared.
        entries: Vec<usize>,
    },
    /// Shown contents were found in packs that records of the log name.
    Kept {
        /// How many.
        contents: usize,
    },
}

/// What came of a stamp that is not false.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StampOutcome {
    /// By an authority that counts, and independent.
    Independent {
        /// What it says.
        token: Box<Token>,
        /// As of when its certificates were not revoked; `None`: not checked, for want of lists.
        not_revoked: Option<Moment>,
    },
    /// By an authority that counts, under a certificate that was revoked: it does not count.
    Revoked {
        /// Since when.
        at: Moment,
    },
    /// By the keeper itself, whoever vouches for its root.
    SelfStamped,
    /// Of a form or by a certificate that is not read as a stamp's. It counts for nothing.
    NotRead {
        /// The rule that it does not keep.
        error: timestamp::Error,
    },
    /// By nobody whom the verifier lets count.
    NotVouched {
        /// What it says the time was: nobody vouches for it.
        claimed: Moment,
        /// Where the search for a root ended.
        error: timestamp::Error,
    },
}

/// What a bundle proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// What is shown was committed to, at the latest at this time.
    Holds {
        /// The earliest independent genTime and its accuracy, of those whose chain of renewals has no gap.
        since: Moment,
        /// Until when that stamp can be relied on, by itself or by its renewals: verify or refresh before.
        before: Moment,
    },
    /// Nothing is wrong, and something is missing. In the order of the steps; never empty.
    CannotBeTold(Vec<Doubt>),
    /// Something is wrong.
    DoesNotHold(Fault),
}

/// What came of the check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What each step found, up to the first fault.
    pub findings: Vec<Finding>,
    /// What the entries show. Empty unless they lead to the commitment.
    pub shown: Vec<Shown>,
    /// What it comes to.
    pub verdict: Verdict,
}

impl Report {
    /// Whether a file that was given is the content that this entry shows; `None` when it shows none.
    pub fn is_compared(&self, entry: usize) -> Option<bool> {
        self.shown.get(entry)?.content.as_ref()?.as_ref()?;
        let compared = |finding: &Finding| matches!(finding, Finding::File { entries, .. } if entries.contains(&entry));
        Some(self.findings.iter().any(compared))
    }

    /// Whether a file that was given is a content that is shown.
    pub fn is_any_compared(&self) -> bool {
        (0..self.shown.len()).any(|entry| self.is_compared(entry) == Some(true))
    }
}

impl Bundle {
    /// Checks what is shown, up to [`Step::Names`].
    pub fn open(&self) -> Opened<'_> {
        let mut check = Check {
            bundle: self,
            brought: Brought::default(),
            findings: Vec::new(),
            doubts: Vec::new(),
            shown: Vec::new(),
            independent: Vec::new(),
        };
        Opened { record: check.open(), check }
    }

    /// Checks everything but the last step, in the order of [`Step::ALL`]; the first fault ends it. What is left is to open what
    /// [`Bundle::kept`] gives, if anything.
    pub fn verify(&self, brought: &Brought<'_>) -> Report {
        self.open().verify(brought)
    }
}

/// A bundle of which is known whether what it shows was committed to.
pub struct Opened<'a> {
    check: Check<'a>,
    record: Result<UnverifiedRecord, Fault>,
}

impl<'a> Opened<'a> {
    /// The keys under which a file with this SHA-256 must be hashed to be compared, in their order: at most
    /// [`KEYS_MAX`], and none when what is shown was not committed to.
    pub fn keys_for(&self, sha256: &[u8; 32]) -> Vec<[u8; 32]> {
        let mut keys = Vec::new();
        for (_, _, value) in contents(&self.check.shown).filter(|(_, _, value)| value.sha256 == *sha256) {
            if keys.len() < KEYS_MAX && !keys.contains(&value.key) {
                keys.push(value.key);
            }
        }
        keys
    }

    /// Checks the rest.
    pub fn verify(self, brought: &Brought<'a>) -> Report {
        let Self { mut check, record } = self;
        check.brought = *brought;
        let verdict = match record.and_then(|record| check.rest(&record)) {
            Err(fault) => Verdict::DoesNotHold(fault),
            Ok(Some((since, before))) if check.doubts.is_empty() => Verdict::Holds { since, before },
            Ok(_) => Verdict::CannotBeTold(check.doubts),
        };
        Report { findings: check.findings, shown: check.shown, verdict }
    }
}

struct Check<'a> {
    bundle: &'a Bundle,
    brought: Brought<'a>,
    findings: Vec<Finding>,
    doubts: Vec<Doubt>,
    shown: Vec<Shown>,
    /// Independent stamps that count.
    independent: Vec<renewal::Counted>,
}

impl Check<'_> {
    /// The record, when it binds what is shown.
    fn open(&mut self) -> Result<UnverifiedRecord, Fault> {
        let record = self.record()?;
        let deposit = record.envelope().deposit.ok_or(Fault::NotADeposit)?;
        self.findings.push(Finding::Commitment { deposit });
        self.opening(&Commitment::from(&deposit.commit))?;
        Ok(record)
    }

    /// Since when and until when the earliest independent stamp counts, if there is one.
    fn rest(&mut self, record: &UnverifiedRecord) -> Result<Option<(Moment, Moment)>, Fault> {
        let (receipt, checked) = self.receipt(&self.bundle.receipt, record)?;
        let (keeper, received) = (receipt.keeper.clone(), receipt.time);
        let proof = InclusionProof::parse(&self.bundle.tlog_proof).map_err(Fault::Proof)?;
        let leaf = receipt.leaf;
        self.findings.push(Finding::Receipt { receipt, checked });
        let unverified = included(&proof, &leaf)?;
        let head = unverified.claimed();
        self.findings.push(Finding::Inclusion { index: proof.index, size: head.size });
        if head.origin != keeper {
            return Err(Fault::Origin);
        }
        self.checkpoint(&unverified)?;
        let stamped = UnverifiedCheckpoint::parse(&self.bundle.stamped.checkpoint).map_err(Fault::Stamped)?;
        if stamped.claimed() != head {
            return Err(Fault::OtherText);
        }
        self.findings.push(Finding::Stamped);
        self.stamps(0, &self.bundle.stamped)?;
        if self.bundle.stamped.stamps.is_empty() {
            self.findings.push(Finding::NoStamp);
        }
        self.renewals(&keeper)?;
        self.findings.extend(self.receipt_later(received));
        let times = self.times();
        self.doubts.extend(self.doubt_of_time());
        self.files()?;
        Ok(times)
    }

    fn record(&mut self) -> Result<UnverifiedRecord, Fault> {
        let record = UnverifiedRecord::parse(&self.bundle.record)?;
        let signers = self.bundle.keys.as_deref().map(|keys| signers(&record, keys)).transpose()?;
        self.findings.push(Finding::Record { id: record.id(), signers });
        Ok(record)
    }

    fn opening(&mut self, commitment: &Commitment) -> Result<(), Fault> {
        let disclosure = Disclosure::parse(&self.bundle.opening)?;
        let shown = disclosure.verify(commitment)?;
        let below = shown.first().map_or(1, |shown| shown.entries_below);
        let below = if disclosure.is_complete() { shown.len().saturating_add(1) } else { below };
        self.findings.push(Finding::Opening { entries: shown.len(), complete: disclosure.is_complete(), below });
        self.findings.push(Finding::Names { names: shown.iter().filter(|shown| shown.name.is_some()).count() });
        self.shown = shown;
        Ok(())
    }

    /// What a receipt says of this record, and whether the key that was brought signed it.
    fn receipt(&self, bytes: &[u8], record: &UnverifiedRecord) -> Result<(Receipt, bool), Fault> {
        let unverified = UnverifiedReceipt::parse(bytes)?;
        let (receipt, checked) = match self.brought.receipt_key {
            Some(key) => (unverified.verify(key)?, true),
            None => (unverified.claimed().clone(), false),
        };
        if receipt.leaf.record != record.id() {
            return Err(Fault::ReceiptOfAnother);
        }
        if receipt.keeper != record.envelope().keeper {
            return Err(Fault::ReceiptKeeper);
        }
        Ok((receipt, checked))
    }

    fn checkpoint(&mut self, unverified: &UnverifiedCheckpoint<'_>) -> Result<(), Fault> {
        let outcome = match self.brought.policy.map(|policy| policy.check(unverified)) {
            None => Err(Doubt::NoPolicy),
            Some(Ok(witnessed)) => Ok(witnessed.witnesses),
            Some(Err(Unmet::Log)) => Err(Doubt::OtherLog),
            Some(Err(Unmet::Quorum)) => Err(Doubt::NoQuorum),
            Some(Err(Unmet::Checkpoint(_))) => return Err(Fault::CheckpointSignature),
        };
        self.doubts.extend(outcome.as_ref().err());
        self.findings.push(Finding::Checkpoint(outcome));
        Ok(())
    }

    /// Whether the keeper says a time after that of an independent stamp. Every head that was stamped holds the record.
    fn receipt_later(&self, receipt: ClaimedTime) -> Option<Finding> {
        let stamped = self.independent.iter().map(Counted::latest).min()?;
        let is_later = Moment::parse(&receipt.to_string())? > stamped;
        is_later.then_some(Finding::ReceiptLater { receipt, stamped })
    }

    /// Judges the stamps over one head.
    fn stamps(&mut self, renewal: usize, stamped: &Stamped) -> Result<(), Fault> {
        for file in &stamped.stamps {
            let name = file.name.clone();
            let outcome =
                self.stamp(renewal, &stamped.checkpoint, file).map_err(|error| Fault::Stamp { name, error })?;
            if let StampOutcome::Independent { token, .. } = &outcome {
                self.independent.push(Counted::new(renewal, &file.name, token));
            }
            self.findings.push(Finding::Stamp { renewal, name: file.name.clone(), outcome });
        }
        Ok(())
    }

    /// Why the time cannot be told, when no independent stamp counts.
    fn doubt_of_time(&self) -> Option<Doubt> {
        let outcomes = self.findings.iter().filter_map(|finding| match finding {
            Finding::Stamp { outcome, .. } => Some(outcome),
            _ => None,
        });
        let (mut own, mut any, mut revoked) = (false, false, false);
        for outcome in outcomes {
            any = true;
            match outcome {
                StampOutcome::Independent { .. } => return None,
                StampOutcome::Revoked { .. } => revoked = true,
                StampOutcome::SelfStamped => own = true,
                StampOutcome::NotRead { .. } | StampOutcome::NotVouched { .. } => {}
            }
        }
        if revoked {
            return Some(Doubt::Revoked);
        }
        Some(match (any, own, self.brought.authorities.is_empty()) {
            (false, _, _) => Doubt::NoStamp,
            (true, true, _) => Doubt::SelfStamped,
            (true, false, true) => Doubt::NoRoots,
            (true, false, false) => Doubt::NotVouched,
        })
    }

    fn stamp(&self, renewal: usize, data: &[u8], file: &StampFile) -> Result<StampOutcome, timestamp::Error> {
        let token = match parse_response(&file.response) {
            Ok(token) => token,
            Err(error) => return Ok(StampOutcome::NotRead { error }),
        };
        let (claimed, policy) = (token.claims().time, token.claims().policy.clone());
        // Certificates that cannot be read help nobody and harm nobody.
        let text = file.certificates.as_deref().and_then(|pem| std::str::from_utf8(pem).ok());
        let certificates = text.and_then(|pem| certificates_from_pem(pem).ok()).unwrap_or_default();
        let expected = |authorities| Expected { data, nonce: None, certificates: &certificates, authorities };
        // Held against nobody, a token that is in order ends in no root.
        let of_its_own = match token.clone().verify(&expected(&[])) {
            Err(error) if error.is_contradiction() => return Err(error),
            Ok(_) | Err(timestamp::Error::NoPath | timestamp::Error::SignerNotFound) => None,
            Err(error) => Some(error),
        };
        Ok(match (of_its_own, token.verify(&expected(self.brought.authorities))) {
            (None, Ok(token)) if token.is_independent() => self.revocation(renewal, file, token),
            _ if policy == timestamp::SELF_STAMP_POLICY => StampOutcome::SelfStamped,
            (Some(error), _) => StampOutcome::NotRead { error },
            (None, Err(error)) => StampOutcome::NotVouched { claimed, error },
            (None, Ok(_)) => StampOutcome::SelfStamped,
        })
    }

    /// Whether the certificates of an independent stamp were revoked, as lists in the bundle and brought ones say.
    fn revocation(&self, renewal: usize, file: &StampFile, token: Token) -> StampOutcome {
        let next = self.bundle.renewals.get(renewal).map_or(&[][..], |next| &next.earlier);
        let later = next.iter().filter(|earlier| earlier.name == file.name).filter_map(|it| it.revocation.as_deref());
        let texts = file.revocation.as_deref().into_iter().chain(later).filter_map(|pem| std::str::from_utf8(pem).ok());
        let beside: Vec<_> = texts.flat_map(revocation_lists_from_pem).collect();
        // What the verifier brought comes first, so that no number of others keeps it from being looked at.
        match token.revocation(self.brought.revocation.iter().chain(&beside).map(Vec::as_slice)) {
            Revocation::Revoked { at } => StampOutcome::Revoked { at },
            Revocation::Good { as_of } => {
                StampOutcome::Independent { token: Box::new(token), not_revoked: Some(as_of) }
            }
            Revocation::Unknown => StampOutcome::Independent { token: Box::new(token), not_revoked: None },
        }
    }

    fn files(&mut self) -> Result<(), Fault> {
        let is_some = contents(&self.shown).next().is_some();
        for (file, given) in self.brought.files.iter().enumerate() {
            let entries = if is_some { compare(file, given, contents(&self.shown))? } else { Vec::new() };
            self.findings.push(Finding::File { file, entries });
        }
        if !is_some && !self.brought.files.is_empty() {
            self.doubts.push(Doubt::NothingToCompare);
        }
        Ok(())
    }
}

/// The contents that are shown, with the numbers of their entries.
fn contents(shown: &[Shown]) -> impl Iterator<Item = (usize, &Shown, &ContentValue)> {
    shown.iter().enumerate().filter_map(|(entry, shown)| Some((entry, shown, shown.content.as_ref()?.as_ref()?)))
}

/// The checkpoint under whose root the leaf stands.
fn included<'a>(proof: &'a InclusionProof, leaf: &Leaf) -> Result<UnverifiedCheckpoint<'a>, Fault> {
    let unverified = UnverifiedCheckpoint::parse(&proof.checkpoint).map_err(Fault::ProofCheckpoint)?;
    let head = unverified.claimed();
    tree::check_inclusion(&leaf.hash(), proof.index, head.size, &head.root, &proof.path)?;
    Ok(unverified)
}

/// Which shown entries have this file as their content. One that has its SHA-256 and contradicts it otherwise is false.
fn compare<'s>(
    file: usize,
    given: &GivenFile,
    contents: impl Iterator<Item = (usize, &'s Shown, &'s ContentValue)>,
) -> Result<Vec<usize>, Fault> {
    let mut entries = Vec::new();
    for (entry, shown, value) in contents.filter(|(_, _, value)| value.sha256 == given.sha256) {
        // Under more keys than are tried, it is not compared.
        let Some(own) = given.values.iter().find(|own| own.key == value.key) else { continue };
        if own != value {
            return Err(Fault::DigestOnly { file });
        }
        if shown.meta.as_ref().is_some_and(|meta| meta.kind.size() != Some(given.size)) {
            return Err(Fault::FileSize { file });
        }
        entries.push(entry);
    }
    if entries.is_empty() { Err(Fault::OtherFile { file }) } else { Ok(entries) }
}

/// The keys that signed a record: one a line, in base64, in the order of the signature lines.
fn signers(record: &UnverifiedRecord, keys: &[u8]) -> Result<Vec<VerifyingKey>, Fault> {
    let text = std::str::from_utf8(keys).ok().and_then(|text| text.strip_suffix('\n')).ok_or(Fault::RecordKeys)?;
    let keys = text.split('\n').map(VerifyingKey::from_base64).collect::<Result<Vec<_>, _>>();
    let keys = keys.map_err(|_| Fault::RecordKeys)?;
    let lines = record.signatures();
    let named = lines.iter().map(|line| (line.name, line.key_id)).eq(keys.iter().map(|key| (key.name(), key.key_id())));
    if !named || !keys.is_sorted() {
        return Err(Fault::RecordKeys);
    }
    let holds = keys.iter().zip(lines).all(|(key, line)| key.verify(record.signed_bytes(), &line.signature).is_ok());
    if holds { Ok(keys) } else { Err(Fault::RecordSignature) }
}
