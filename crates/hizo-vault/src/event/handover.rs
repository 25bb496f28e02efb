//! What is said when items of a case go to another organisation: the company's consent, what was handed over, and the
//! receiver's answer; and the rules by which a client hands over or opens.
//!
//! See docs/spec/handover.md.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hizo_ledger::delegation::{self, Delegation};
use hizo_ledger::id::{CommitHash, RecordId, SpaceId};
use hizo_ledger::identity::{SIGNATURE_BYTES, VerifyingKey};
use hizo_ledger::record::ClaimedTime;
use serde_json::{Map, Value};

use super::certificate::{self, UnverifiedCertificate};
use super::{NAME_BYTES_MAX, fields};
use crate::age::Recipient;
use crate::keys::SpaceSigningKey;

/// Most items of one consent.
pub const ITEMS_MAX: usize = 256;

/// Most paths of all items of one consent.
pub const PATHS_MAX: usize = 4096;

/// For how long a consent that was attested on paper may last, in seconds: 30 days.
pub const PAPER_SECONDS_MAX: u64 = 30 * 24 * 60 * 60;

/// Stands for the name of a company that is not told.
const UNTOLD: &str = "-";

/// The first line of what a consent's signature is over.
const CONSENT_FORMAT: &str = "hizo/consent/v1";

/// The first line of what an answer's signature is over.
const ANSWER_FORMAT: &str = "hizo/answer/v1";

/// Why nothing is handed over or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Something in it is not in its one form, or past its limits.
    #[error("the consent is not in its form")]
    Form,
    /// The company's key did not sign it.
    #[error("the company did not sign the consent")]
    Signature,
    /// It is for another space, or its key is no admin here.
    #[error("the consent is for another hand-over")]
    Space,
    /// It names another receiver.
    #[error("the consent is for another receiver")]
    Receiver,
    /// The company has taken it back.
    #[error("the consent was withdrawn")]
    Withdrawn,
    /// Its time is over.
    #[error("the consent has expired")]
    Expired,
    /// More is told of the company than its level allows.
    #[error("the consent is for a lower level: the company is not to be known")]
    Level,
    /// Others read the hand-over, or the sender is still its admin.
    #[error("others read here than the consent allows")]
    Members,
    /// Something is there that is not consented to, or is not what the sender says.
    #[error("what is here is not what the company consented to")]
    Items,
    /// Not every item is there yet.
    #[error("not every item is here yet")]
    Incomplete,
}

/// How much a consent lets be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Technique only.
    A,
    /// Facts, without the company's name.
    B,
    /// With its name.
    C,
    /// With evidence.
    D,
}

impl Level {
    /// The letter that stands for it in files and on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::D => "D",
        }
    }

    /// The level that this letter stands for.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::A, Self::B, Self::C, Self::D].into_iter().find(|level| level.word() == word)
    }

    /// Whether the receiver may learn who the company is.
    pub const fn tells_company(self) -> bool {
        matches!(self, Self::C | Self::D)
    }
}

/// Labels of TLP 2.0 (<https://www.first.org/tlp/>), the narrowest first: to whom the receiver may pass on what he got.
pub const ONWARD: [&str; 5] = ["red", "amber+strict", "amber", "green", "clear"];

/// An item of a consent as an event says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnverifiedItem {
    /// The deposit's record in the case, in hexadecimal digits.
    pub deposit: String,
    /// The deposit's commitment.
    pub commit: String,
    /// What of it, with everything below; all of it when empty.
    pub paths: Vec<String>,
}

/// A company's consent as an event says it. Nothing in it is believed before [`UnverifiedConsent::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnverifiedConsent {
    /// The space of the hand-over, in hexadecimal digits.
    pub space: String,
    /// The key that the company signs with there, base64.
    pub key: String,
    /// The key that it starts sessions with.
    pub session: String,
    /// The key of its machine there.
    pub machine: String,
    /// The key that this machine starts sessions with.
    pub machine_session: String,
    /// To what others seal for the company who begin keys there, as age writes it.
    pub recipient: String,
    /// What the company is called; `-` at levels that do not tell it.
    pub company: String,
    /// The receiver's identity key, or that of an organisation, base64.
    pub receiver: String,
    /// What the receiver is called.
    pub receiver_name: String,
    /// What for.
    pub purpose: String,
    /// How much may be known.
    pub level: Level,
    /// A label of [`ONWARD`].
    pub onward: String,
    /// Whether the sender may go on reading.
    pub keeps_sender: bool,
    /// What was not opened by then may not be opened.
    pub until: String,
    /// Exactly what may be handed over.
    pub items: Vec<UnverifiedItem>,
    /// By `key`, base64.
    pub signature: String,
}

/// An item of a consent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The deposit's record in the case.
    pub deposit: RecordId,
    /// Its commitment.
    pub commit: CommitHash,
    /// What of it, with everything below; all of it when empty.
    pub paths: Vec<String>,
}

/// A consent whose form and signature were checked. That its key is the company's, the space around it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// The space of the hand-over.
    pub space: SpaceId,
    /// The company's key there.
    pub key: VerifyingKey,
    /// The key that it starts sessions with.
    pub session: VerifyingKey,
    /// The key of its machine there.
    pub machine: VerifyingKey,
    /// The key that this machine starts sessions with.
    pub machine_session: VerifyingKey,
    /// To what others seal for the company who begin keys there.
    pub recipient: Recipient,
    /// The receiver's identity key, or that of an organisation.
    pub receiver: VerifyingKey,
    /// How much may be known.
    pub level: Level,
    /// Whether the sender may go on reading.
    pub keeps_sender: bool,
    /// What was not opened by then may not be opened.
    pub until: ClaimedTime,
    /// Exactly what may be handed over.
    pub items: Vec<Item>,
}

/// What was made of an item: a custody entry, which holds no digest of anything plain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Custody {
    /// The deposit's record in the case, in hexadecimal digits.
    pub deposit: String,
    /// The deposit's record in the hand-over.
    pub record: String,
    /// The commitment of the latter.
    pub commit: String,
}

/// How a receiver answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// He takes it over, under a number of his own.
    Accepted,
    /// He does not, and says why.
    Rejected,
    /// He needs more, and says what.
    Insufficient,
}

impl Verdict {
    /// The word that stands for it, which is the event's name too.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Insufficient => "insufficient",
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        [Self::Accepted, Self::Rejected, Self::Insufficient].into_iter().find(|verdict| verdict.word() == word)
    }
}

/// A receiver's answer as an event says it. Nothing in it is believed before [`UnverifiedAnswer::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnverifiedAnswer {
    /// What he answers.
    pub verdict: Verdict,
    /// The space of the hand-over, in hexadecimal digits.
    pub space: String,
    /// What he found there.
    pub items: Vec<Custody>,
    /// His own number for it.
    pub reference: String,
    /// Why, or what is missing.
    pub reason: String,
    /// The key that he signs with in that space, base64.
    pub key: String,
    /// By `key`, base64.
    pub signature: String,
}

/// What two of the staff say of a consent that was given on paper: no signature of the company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaperConsent {
    /// [`Level::A`] or [`Level::B`].
    pub level: Level,
    /// Who may receive.
    pub receiver_name: String,
    /// What for.
    pub purpose: String,
    /// The deposit of the form's scan, in hexadecimal digits.
    pub form: String,
    /// Who was called back, and how.
    pub called_back: String,
    /// The identity keys of the two, base64, ascending.
    pub staff: [String; 2],
    /// When it ends.
    pub until: String,
}

/// What stands in the space of a hand-over, for whoever is about to open it.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Its id.
    pub space: SpaceId,
    /// The identity of whoever opens; the organisation, where he acts there for the one that the consent names.
    pub reader: VerifyingKey,
    /// What his machine's clock says.
    pub now: ClaimedTime,
    /// The company has withdrawn its consent.
    pub is_withdrawn: bool,
    /// He has accepted before.
    pub was_accepted: bool,
    /// A certificate of the company's key can be read.
    pub is_company_certified: bool,
    /// The admins.
    pub admins: BTreeSet<VerifyingKey>,
    /// Whoever reads and is no admin, but for the receiver's and the sender's own keys.
    pub strangers: usize,
    /// The sender's own key is a reader.
    pub sender_reads: bool,
    /// What the sender says of each item.
    pub custody: Vec<Custody>,
    /// Every deposit but the receiver's own, with its commitment.
    pub deposits: BTreeMap<RecordId, CommitHash>,
    /// For each of these that can be opened: whether it holds just the paths that were consented to.
    pub holds_paths: BTreeMap<RecordId, bool>,
}

impl UnverifiedConsent {
    /// Signs it with the company's key of the hand-over's space.
    pub fn sign(mut self, key: &SpaceSigningKey) -> Self {
        self.key = key.verifying_key().to_base64();
        self.signature = BASE64.encode(key.sign(text(CONSENT_FORMAT, self.to_object()).as_bytes()));
        self
    }

    /// Checks its form and its signature.
    ///
    /// # Errors
    /// [`Refusal::Form`] and [`Refusal::Signature`].
    pub fn verify(&self) -> Result<Consent, Refusal> {
        let is_named =
            [&self.receiver_name, &self.purpose].iter().all(|text| (1..=NAME_BYTES_MAX).contains(&text.len()));
        let tells = self.company != UNTOLD && (1..=NAME_BYTES_MAX).contains(&self.company.len());
        let is_told = if self.level.tells_company() { tells } else { self.company == UNTOLD };
        let is_label = ONWARD.contains(&self.onward.as_str());
        if !(is_named && is_told && is_label) {
            return Err(Refusal::Form);
        }
        let consent = Consent {
            space: SpaceId::from_hex(&self.space).map_err(|_| Refusal::Form)?,
            key: key(&self.key)?,
            session: key(&self.session)?,
            machine: key(&self.machine)?,
            machine_session: key(&self.machine_session)?,
            recipient: self.recipient.parse().map_err(|_| Refusal::Form)?,
            receiver: key(&self.receiver)?,
            level: self.level,
            keeps_sender: self.keeps_sender,
            until: ClaimedTime::parse(&self.until).map_err(|_| Refusal::Form)?,
            items: self.items.iter().map(UnverifiedItem::read).collect::<Result<_, _>>()?,
        };
        let keys = BTreeSet::from([consent.key, consent.session, consent.machine, consent.machine_session]);
        let paths: usize = consent.items.iter().map(|item| item.paths.len()).sum();
        let rises = consent.items.is_sorted_by(|one, next| one.deposit < next.deposit);
        if keys.len() != 4 || !rises || !(1..=ITEMS_MAX).contains(&consent.items.len()) || paths > PATHS_MAX {
            return Err(Refusal::Form);
        }
        check(&consent.key, &text(CONSENT_FORMAT, self.to_object()), &self.signature)?;
        Ok(consent)
    }

    pub(super) fn to_object(&self) -> Map<String, Value> {
        let word = |text: &String| Value::from(text.as_str());
        fields(
            "consent",
            [
                ("space", word(&self.space)),
                ("key", word(&self.key)),
                ("session", word(&self.session)),
                ("machine", word(&self.machine)),
                ("machine_session", word(&self.machine_session)),
                ("recipient", word(&self.recipient)),
                ("company", word(&self.company)),
                ("receiver", word(&self.receiver)),
                ("receiver_name", word(&self.receiver_name)),
                ("purpose", word(&self.purpose)),
                ("level", self.level.word().into()),
                ("onward", word(&self.onward)),
                ("keeps_sender", self.keeps_sender.into()),
                ("until", word(&self.until)),
                ("items", self.items.iter().map(UnverifiedItem::to_value).collect()),
                ("signature", word(&self.signature)),
            ],
        )
    }

    pub(super) fn read_fields(object: &Map<String, Value>, text: &impl Fn(&str) -> Option<String>) -> Option<Self> {
        Some(Self {
            space: text("space")?,
            key: text("key")?,
            session: text("session")?,
            machine: text("machine")?,
            machine_session: text("machine_session")?,
            recipient: text("recipient")?,
            company: text("company")?,
            receiver: text("receiver")?,
            receiver_name: text("receiver_name")?,
            purpose: text("purpose")?,
            level: Level::from_word(&text("level")?)?,
            onward: text("onward")?,
            keeps_sender: object.get("keeps_sender")?.as_bool()?,
            until: text("until")?,
            items: list(object, "items", UnverifiedItem::from_value)?,
            signature: text("signature")?,
        })
    }
}

impl UnverifiedItem {
    fn read(&self) -> Result<Item, Refusal> {
        let is_path = |path: &String| (1..=NAME_BYTES_MAX * 3).contains(&path.len());
        if !self.paths.is_sorted_by(|one, next| one < next) || !self.paths.iter().all(is_path) {
            return Err(Refusal::Form);
        }
        Ok(Item {
            deposit: RecordId::from_hex(&self.deposit).map_err(|_| Refusal::Form)?,
            commit: CommitHash::from_hex(&self.commit).map_err(|_| Refusal::Form)?,
            paths: self.paths.clone(),
        })
    }

    fn to_value(&self) -> Value {
        object([
            ("deposit", self.deposit.as_str().into()),
            ("commit", self.commit.as_str().into()),
            ("paths", self.paths.clone().into()),
        ])
    }

    fn from_value(value: &Value) -> Option<Self> {
        let text = |key: &str| value.get(key)?.as_str().map(str::to_owned);
        let paths = value.get("paths")?.as_array()?.iter().map(|path| path.as_str().map(str::to_owned));
        Some(Self { deposit: text("deposit")?, commit: text("commit")?, paths: paths.collect::<Option<_>>()? })
    }
}

impl Consent {
    /// Whether what stands in a space is what the company consented to, and whoever is about to open it the one to whom.
    ///
    /// # Errors
    /// The first rule that does not hold, as [`Refusal`] names it.
    pub fn permits(&self, delivery: &Delivery) -> Result<(), Refusal> {
        if self.space != delivery.space || !delivery.admins.contains(&self.key) {
            return Err(Refusal::Space);
        }
        if self.receiver != delivery.reader {
            return Err(Refusal::Receiver);
        }
        if !delivery.was_accepted {
            self.is_open(delivery.is_withdrawn, delivery.now)?;
        }
        if delivery.is_company_certified && !self.level.tells_company() {
            return Err(Refusal::Level);
        }
        let is_alone = delivery.admins.len() == 1 && delivery.strangers == 0;
        if !is_alone || (delivery.sender_reads && !self.keeps_sender) {
            return Err(Refusal::Members);
        }
        self.covers(delivery)
    }

    /// The key that its receiver answers with, as his identity says in a certificate for the hand-over's space; `delegation` is the note of
    /// the organisation for which he acts, if the consent names one, in a record of this time.
    ///
    /// # Errors
    /// [`Refusal::Form`], [`Refusal::Signature`], and [`Refusal::Receiver`] for anybody else's.
    pub fn receiver_key(
        &self,
        certificate: &UnverifiedCertificate,
        delegation: Option<&str>,
        said_at: ClaimedTime,
    ) -> Result<VerifyingKey, Refusal> {
        let certificate = certificate.verify(&self.space).map_err(|error| match error {
            certificate::Error::Signature => Refusal::Signature,
            _ => Refusal::Form,
        })?;
        let is_named = match delegation {
            None => certificate.identity == self.receiver,
            Some(note) => {
                let delegation = Delegation::verify(note.as_bytes()).map_err(|error| match error {
                    delegation::Error::Signature => Refusal::Signature,
                    _ => Refusal::Form,
                })?;
                let is_of_key = delegation.key == certificate.key && delegation.identity == certificate.identity;
                let is_here = delegation.space == self.space && delegation.is_good_at(said_at);
                delegation.organisation == self.receiver && is_of_key && is_here
            }
        };
        if is_named { Ok(certificate.key) } else { Err(Refusal::Receiver) }
    }

    /// Whether it can still be acted on.
    ///
    /// # Errors
    /// [`Refusal::Withdrawn`] and [`Refusal::Expired`].
    pub fn is_open(&self, is_withdrawn: bool, now: ClaimedTime) -> Result<(), Refusal> {
        if is_withdrawn {
            return Err(Refusal::Withdrawn);
        }
        if now.unix_seconds() > self.until.unix_seconds() {
            return Err(Refusal::Expired);
        }
        Ok(())
    }

    /// Whether the items that are there are exactly those that it lists.
    ///
    /// # Errors
    /// [`Refusal::Items`] and [`Refusal::Incomplete`].
    pub fn covers(&self, delivery: &Delivery) -> Result<(), Refusal> {
        let mut open: BTreeMap<String, &Item> =
            self.items.iter().map(|item| (item.deposit.to_string(), item)).collect();
        let mut deposits = delivery.deposits.clone();
        for entry in &delivery.custody {
            let item = open.remove(&entry.deposit).ok_or(Refusal::Items)?;
            let record = RecordId::from_hex(&entry.record).map_err(|_| Refusal::Items)?;
            let commit = deposits.remove(&record).ok_or(Refusal::Items)?;
            let holds = item.paths.is_empty() || delivery.holds_paths.get(&record).copied().unwrap_or(false);
            if commit.to_string() != entry.commit || !holds {
                return Err(Refusal::Items);
            }
        }
        match (open.is_empty(), deposits.is_empty()) {
            (true, true) => Ok(()),
            (_, false) => Err(Refusal::Items),
            (false, true) => Err(Refusal::Incomplete),
        }
    }
}

impl Custody {
    fn to_value(&self) -> Value {
        object([
            ("deposit", self.deposit.as_str().into()),
            ("record", self.record.as_str().into()),
            ("commit", self.commit.as_str().into()),
        ])
    }

    fn from_value(value: &Value) -> Option<Self> {
        let text = |key: &str| value.get(key)?.as_str().map(str::to_owned);
        Some(Self { deposit: text("deposit")?, record: text("record")?, commit: text("commit")? })
    }

    pub(super) fn list_of(object: &Map<String, Value>) -> Option<Vec<Self>> {
        list(object, "items", Self::from_value)
    }

    pub(super) fn value_of(items: &[Self]) -> Value {
        items.iter().map(Self::to_value).collect()
    }
}

impl UnverifiedAnswer {
    /// Signs it with the receiver's key of the hand-over's space.
    pub fn sign(mut self, key: &SpaceSigningKey) -> Self {
        self.key = key.verifying_key().to_base64();
        self.signature = BASE64.encode(key.sign(text(ANSWER_FORMAT, self.to_object()).as_bytes()));
        self
    }

    /// Checks that the holder of this key answered so for this space.
    ///
    /// # Errors
    /// [`Refusal::Form`], [`Refusal::Space`], [`Refusal::Receiver`] and [`Refusal::Signature`].
    pub fn verify(&self, space: &SpaceId, receiver: &VerifyingKey) -> Result<(), Refusal> {
        let needed = match self.verdict {
            Verdict::Accepted => &self.reference,
            Verdict::Rejected | Verdict::Insufficient => &self.reason,
        };
        if needed.is_empty() {
            return Err(Refusal::Form);
        }
        if SpaceId::from_hex(&self.space).map_err(|_| Refusal::Form)? != *space {
            return Err(Refusal::Space);
        }
        if key(&self.key)? != *receiver {
            return Err(Refusal::Receiver);
        }
        check(receiver, &text(ANSWER_FORMAT, self.to_object()), &self.signature)
    }

    pub(super) fn to_object(&self) -> Map<String, Value> {
        let word = |text: &String| Value::from(text.as_str());
        fields(
            self.verdict.word(),
            [
                ("space", word(&self.space)),
                ("items", Custody::value_of(&self.items)),
                ("reference", word(&self.reference)),
                ("reason", word(&self.reason)),
                ("key", word(&self.key)),
                ("signature", word(&self.signature)),
            ],
        )
    }

    pub(super) fn read_fields(
        verdict: Verdict,
        object: &Map<String, Value>,
        text: &impl Fn(&str) -> Option<String>,
    ) -> Option<Self> {
        Some(Self {
            verdict,
            space: text("space")?,
            items: Custody::list_of(object)?,
            reference: text("reference")?,
            reason: text("reason")?,
            key: text("key")?,
            signature: text("signature")?,
        })
    }
}

impl PaperConsent {
    /// Checks it as said in a record of this time: nothing says that the company signed anything.
    ///
    /// # Errors
    /// [`Refusal::Level`], [`Refusal::Expired`] and [`Refusal::Form`].
    pub fn holds(&self, said_at: ClaimedTime) -> Result<(), Refusal> {
        if self.level.tells_company() {
            return Err(Refusal::Level);
        }
        let until = ClaimedTime::parse(&self.until).map_err(|_| Refusal::Form)?.unix_seconds();
        if until > said_at.unix_seconds().saturating_add(PAPER_SECONDS_MAX) {
            return Err(Refusal::Expired);
        }
        let [one, two] = &self.staff;
        let is_told = [&self.receiver_name, &self.purpose, &self.called_back].iter().all(|text| !text.is_empty());
        let is_form = RecordId::from_hex(&self.form).is_ok() && key(one).is_ok() && key(two).is_ok();
        if !(is_told && is_form && one < two) {
            return Err(Refusal::Form);
        }
        Ok(())
    }

    pub(super) fn to_object(&self) -> Map<String, Value> {
        let word = |text: &String| Value::from(text.as_str());
        fields(
            "paper-attested",
            [
                ("level", self.level.word().into()),
                ("receiver_name", word(&self.receiver_name)),
                ("purpose", word(&self.purpose)),
                ("form", word(&self.form)),
                ("called_back", word(&self.called_back)),
                ("staff", self.staff.to_vec().into()),
                ("until", word(&self.until)),
            ],
        )
    }

    pub(super) fn read_fields(object: &Map<String, Value>, text: &impl Fn(&str) -> Option<String>) -> Option<Self> {
        let staff = list(object, "staff", |value| value.as_str().map(str::to_owned))?;
        Some(Self {
            level: Level::from_word(&text("level")?)?,
            receiver_name: text("receiver_name")?,
            purpose: text("purpose")?,
            form: text("form")?,
            called_back: text("called_back")?,
            staff: staff.try_into().ok()?,
            until: text("until")?,
        })
    }
}

/// The elements of a list of at most as many as an event may have.
pub(super) fn list<T>(object: &Map<String, Value>, key: &str, read: impl Fn(&Value) -> Option<T>) -> Option<Vec<T>> {
    let values = object.get(key)?.as_array().filter(|values| values.len() <= ITEMS_MAX)?;
    values.iter().map(read).collect()
}

pub(super) fn object<const N: usize>(pairs: [(&str, Value); N]) -> Value {
    Value::Object(pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

fn key(text: &str) -> Result<VerifyingKey, Refusal> {
    VerifyingKey::from_base64(text).map_err(|_| Refusal::Form)
}

/// What a signature in an event is over: its line, without the signature.
fn text(format: &str, mut event: Map<String, Value>) -> String {
    event.remove("signature");
    format!("{format}\n{}\n", Value::Object(event))
}

fn check(key: &VerifyingKey, text: &str, signature: &str) -> Result<(), Refusal> {
    let bytes = BASE64.decode(signature).map_err(|_| Refusal::Form)?;
    let signature: [u8; SIGNATURE_BYTES] = bytes.as_slice().try_into().map_err(|_| Refusal::Form)?;
    key.verify(text.as_bytes(), &signature).map_err(|_| Refusal::Signature)
}
