//! What a record's body says: a list of events, each one thing that happened, typed and in one canonical form.
//!
//! See docs/spec/event.md.

pub mod case;
pub mod certificate;
pub mod handover;

use hizo_ledger::delegation;
use serde_json::{Map, Value};

use self::certificate::UnverifiedCertificate;
use self::handover::{Custody, PaperConsent, UnverifiedAnswer, UnverifiedConsent, Verdict};

/// Longest name of a space, series or device, and longest label, in bytes.
pub const NAME_BYTES_MAX: usize = 1000;

/// Most labels of one deposit.
pub const LABELS_MAX: usize = 16;

/// Most names on one side of a case that are compared.
pub const SIDES_MAX: usize = 16;

/// How deep objects and lists of an event may stand in each other, the event itself counted.
pub const DEPTH_MAX: usize = 8;

/// Largest integer of an event, either side of zero (RFC 8259, section 6: what every reader keeps exactly).
const INTEGER_MAX: u64 = (1 << 53) - 1;

/// Most plain bytes of a body.
pub const BODY_BYTES_MAX: usize = 1 << 20;

/// Why a body is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The first line names a format this version does not know.
    #[error("the record's body is of a format that this version does not know")]
    Version,
    /// A line is not an event in its one canonical form.
    #[error("line {line} of the record's body is not an event in its one form")]
    Line {
        /// Counted from 1.
        line: usize,
    },
    /// The body is longer than [`BODY_BYTES_MAX`].
    #[error("the record's body is longer than {BODY_BYTES_MAX} bytes")]
    TooLong,
}

/// How a series is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Compressed, and content already kept in the series is not stored again.
    Standard,
    /// Neither: sizes tell nothing to somebody who can place files in the folder.
    Core,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The space begins.
    SpaceFounded {
        /// What its members call it.
        name: String,
    },
    /// A space key belongs to this identity; the identity key says so.
    KeyCertified(UnverifiedCertificate),
    /// A device that may deposit and cannot read.
    DeviceAdded {
        /// The key it signs with, base64.
        key: String,
        /// What its owner calls it.
        name: String,
    },
    /// A person's key becomes a member.
    MemberAdded {
        /// The key it signs with, base64.
        key: String,
        /// What the person is called.
        name: String,
    },
    /// A member leaves.
    MemberRemoved {
        /// The key it signed with, base64.
        key: String,
        /// Why; empty if nobody said.
        reason: String,
    },
    /// A member was given earlier epochs, those that this record's wraps are of.
    HistoryGiven {
        /// The key it signs with, base64.
        key: String,
    },
    /// A series begins with this record's deposit.
    SeriesOpened {
        /// What its members call it.
        name: String,
        /// How it is stored.
        class: Class,
    },
    /// What a series is called, said again to those who cannot read how it began.
    SeriesNamed {
        /// Its id, 16 hexadecimal digits.
        series: String,
        /// What its members call it.
        name: String,
        /// How it is stored.
        class: Class,
    },
    /// A deposit was made.
    DepositMade {
        /// What the depositor wrote on it.
        labels: Vec<String>,
        /// Number of files.
        files: u64,
        /// Bytes of all files.
        bytes: u64,
        /// Things that were found and could not be kept.
        left_out: u64,
    },
    /// Recovery cards were made for the key that this record's `recovery` line names.
    RecoveryMade {
        /// The recovery key, base64.
        key: String,
        /// The age recipient of the same seed, to which later epochs are wrapped too.
        recipient: String,
        /// What the set is called: the two words with which its cards begin.
        set: String,
        /// How many cards there are.
        cards: u64,
        /// How many of them open.
        needed: u64,
    },
    /// Enough cards were brought, and they opened the safe.
    RecoveryDrilled {
        /// The recovery key that they gave, base64.
        key: String,
        /// Which cards, from 1.
        cards: Vec<u64>,
    },
    /// An organisation's key, as an admin has compared it.
    OrganisationPinned {
        /// The key that signs its delegations, base64.
        key: String,
        /// What it is called in languages other than Japanese.
        name: String,
        /// What it is called in Japanese.
        name_ja: String,
    },
    /// An organisation's delegation.
    KeyDelegated {
        /// The note.
        note: String,
    },
    /// An organisation takes delegations back.
    DelegationRevoked {
        /// The note.
        note: String,
    },
    /// A company consents to a hand-over.
    Consent(Box<UnverifiedConsent>),
    /// It takes the consent back.
    ConsentWithdrawn {
        /// The space of the hand-over, in hexadecimal digits.
        space: String,
        /// Why; empty if nobody said.
        reason: String,
    },
    /// The company names, to whoever receives, the person who is suspected.
    SuspectNamed {
        /// The space of the hand-over, in hexadecimal digits.
        space: String,
        /// What the person is called; not empty.
        name: String,
        /// What else tells who it is.
        note: String,
    },
    /// What the sender made of the items, and who receives them.
    HandedOver {
        /// The space of the hand-over, in hexadecimal digits.
        space: String,
        /// Its record 0.
        genesis: String,
        /// The receiver's certificate there: his identity says which key he answers with.
        receiver: Box<UnverifiedCertificate>,
        /// Where the consent names an organisation: its note by which that key acts for it there.
        delegation: Option<String>,
        /// What was handed over.
        items: Vec<Custody>,
    },
    /// The receiver is about to see what was handed over.
    Opened {
        /// The space of the hand-over, in hexadecimal digits.
        space: String,
        /// What he found there.
        items: Vec<Custody>,
    },
    /// The receiver's answer.
    Answered(UnverifiedAnswer),
    /// Two of the staff saw a consent on paper.
    PaperAttested(PaperConsent),
    /// An organisation without hizo took a printed hand-over, as somebody says.
    AcceptedPaper {
        /// Who took it.
        receiver_name: String,
        /// The deposits that were handed over, in hexadecimal digits.
        deposits: Vec<String>,
        /// The receipt number that was given for it.
        reference: String,
        /// Whatever else there is to say.
        note: String,
    },
    /// The space moves to the keeper that this record's `origin` line names.
    KeeperMoved {
        /// An invite to it ([`crate::joining::Invite`]), without its line feed.
        invite: String,
    },
    /// Somebody of an organisation compared who asks in a case, and against whom, with its other cases; marks are 64 digits
    /// (docs/spec/case.md, "Two sides").
    SidesCompared {
        /// The case's space, in hexadecimal digits.
        case: String,
        /// Marks of who asks.
        asks: Vec<String>,
        /// Marks of who it is against.
        against: Vec<String>,
    },
    /// Something that is said in a case.
    Case(Box<case::Said>),
    /// An event that a later version knows: kept, shown by its name, without meaning here.
    Unknown(Value),
}

impl Event {
    /// The event as a canonical JSON object.
    pub fn to_value(&self) -> Value {
        let object = match self {
            Self::SpaceFounded { name } => fields("space.founded", [("name", name.as_str().into())]),
            Self::KeyCertified(certificate) => fields("key.certified", certificate.fields()),
            Self::DeviceAdded { key, name } => {
                fields("device.added", [("key", key.as_str().into()), ("name", name.as_str().into())])
            }
            Self::MemberAdded { key, name } => {
                fields("member.added", [("key", key.as_str().into()), ("name", name.as_str().into())])
            }
            Self::MemberRemoved { key, reason } => {
                fields("member.removed", [("key", key.as_str().into()), ("reason", reason.as_str().into())])
            }
            Self::HistoryGiven { key } => fields("history.given", [("key", key.as_str().into())]),
            Self::SeriesOpened { name, class } => {
                fields("series.opened", [("name", name.as_str().into()), ("class", class.word().into())])
            }
            Self::SeriesNamed { series, name, class } => fields(
                "series.named",
                [("series", series.as_str().into()), ("name", name.as_str().into()), ("class", class.word().into())],
            ),
            Self::DepositMade { labels, files, bytes, left_out } => fields(
                "deposit.made",
                [
                    ("labels", labels.clone().into()),
                    ("files", (*files).into()),
                    ("bytes", (*bytes).into()),
                    ("left_out", (*left_out).into()),
                ],
            ),
            Self::RecoveryMade { key, recipient, set, cards, needed } => fields(
                "recovery.made",
                [
                    ("key", key.as_str().into()),
                    ("recipient", recipient.as_str().into()),
                    ("set", set.as_str().into()),
                    ("cards", (*cards).into()),
                    ("needed", (*needed).into()),
                ],
            ),
            Self::RecoveryDrilled { key, cards } => {
                fields("recovery.drilled", [("key", key.as_str().into()), ("cards", cards.clone().into())])
            }
            Self::OrganisationPinned { key, name, name_ja } => fields(
                "organisation.pinned",
                [("key", key.as_str().into()), ("name", name.as_str().into()), ("name_ja", name_ja.as_str().into())],
            ),
            Self::KeyDelegated { note } => fields("key.delegated", [("note", note.as_str().into())]),
            Self::DelegationRevoked { note } => fields("delegation.revoked", [("note", note.as_str().into())]),
            Self::Consent(consent) => consent.to_object(),
            Self::ConsentWithdrawn { space, reason } => {
                fields("consent.withdrawn", [("space", space.as_str().into()), ("reason", reason.as_str().into())])
            }
            Self::SuspectNamed { space, name, note } => fields(
                "suspect.named",
                [("space", space.as_str().into()), ("name", name.as_str().into()), ("note", note.as_str().into())],
            ),
            Self::HandedOver { space, genesis, receiver, delegation, items } => {
                let head = [
                    ("space", space.as_str().into()),
                    ("genesis", genesis.as_str().into()),
                    ("receiver", handover::object(receiver.fields())),
                ];
                let delegation = delegation.as_ref().map(|note| ("delegation", note.as_str().into()));
                fields("handed-over", head.into_iter().chain(delegation).chain([("items", Custody::value_of(items))]))
            }
            Self::Opened { space, items } => {
                fields("opened", [("space", space.as_str().into()), ("items", Custody::value_of(items))])
            }
            Self::Answered(answer) => answer.to_object(),
            Self::PaperAttested(paper) => paper.to_object(),
            Self::AcceptedPaper { receiver_name, deposits, reference, note } => fields(
                "accepted-paper",
                [
                    ("receiver_name", receiver_name.as_str().into()),
                    ("deposits", deposits.clone().into()),
                    ("reference", reference.as_str().into()),
                    ("note", note.as_str().into()),
                ],
            ),
            Self::KeeperMoved { invite } => fields("keeper.moved", [("invite", invite.as_str().into())]),
            Self::SidesCompared { case, asks, against } => fields(
                "sides.compared",
                [("case", case.as_str().into()), ("asks", asks.clone().into()), ("against", against.clone().into())],
            ),
            Self::Case(said) => said.to_object(),
            Self::Unknown(value) => return value.clone(),
        };
        Value::Object(object)
    }

    /// Reads an event; one with an unknown name is kept as [`Event::Unknown`].
    ///
    /// Nothing is returned for a known event that is not in its one form.
    pub fn from_value(value: &Value) -> Option<Self> {
        let object = value.as_object().filter(|_| is_plain(value, DEPTH_MAX))?;
        let text = |key: &str| {
            let text = object.get(key)?.as_str()?;
            (text.len() <= NAME_BYTES_MAX * 3).then(|| text.to_owned())
        };
        let note = |key: &str| {
            let note = object.get(key)?.as_str()?;
            (note.len() <= delegation::NOTE_BYTES_MAX).then(|| note.to_owned())
        };
        let number = |key: &str| object.get(key)?.as_u64();
        let event = match object.get("event")?.as_str()? {
            "space.founded" => Self::SpaceFounded { name: text("name")? },
            "key.certified" => Self::KeyCertified(UnverifiedCertificate::read_fields(&text)?),
            "device.added" => Self::DeviceAdded { key: text("key")?, name: text("name")? },
            "member.added" => Self::MemberAdded { key: text("key")?, name: text("name")? },
            "member.removed" => Self::MemberRemoved { key: text("key")?, reason: text("reason")? },
            "history.given" => Self::HistoryGiven { key: text("key")? },
            "series.opened" => Self::SeriesOpened { name: text("name")?, class: Class::from_word(&text("class")?)? },
            "series.named" => Self::SeriesNamed {
                series: text("series")?,
                name: text("name")?,
                class: Class::from_word(&text("class")?)?,
            },
            "deposit.made" => Self::DepositMade {
                labels: object
                    .get("labels")?
                    .as_array()?
                    .iter()
                    .map(|label| Some(label.as_str()?.into()))
                    .collect::<Option<_>>()?,
                files: number("files")?,
                bytes: number("bytes")?,
                left_out: number("left_out")?,
            },
            "recovery.made" => Self::RecoveryMade {
                key: text("key")?,
                recipient: text("recipient")?,
                set: text("set")?,
                cards: number("cards")?,
                needed: number("needed")?,
            },
            "recovery.drilled" => Self::RecoveryDrilled {
                key: text("key")?,
                cards: object.get("cards")?.as_array()?.iter().map(Value::as_u64).collect::<Option<_>>()?,
            },
            "organisation.pinned" => {
                Self::OrganisationPinned { key: text("key")?, name: text("name")?, name_ja: text("name_ja")? }
            }
            "key.delegated" => Self::KeyDelegated { note: note("note")? },
            "delegation.revoked" => Self::DelegationRevoked { note: note("note")? },
            "consent" => Self::Consent(Box::new(UnverifiedConsent::read_fields(object, &text)?)),
            "consent.withdrawn" => Self::ConsentWithdrawn { space: text("space")?, reason: text("reason")? },
            "suspect.named" => Self::SuspectNamed {
                space: text("space")?,
                name: text("name").filter(|name| !name.is_empty())?,
                note: text("note")?,
            },
            "handed-over" => Self::HandedOver {
                space: text("space")?,
                genesis: text("genesis")?,
                receiver: {
                    let inner = object.get("receiver")?;
                    Box::new(UnverifiedCertificate::read_fields(&|key| Some(inner.get(key)?.as_str()?.to_owned()))?)
                },
                delegation: match object.contains_key("delegation") {
                    true => Some(note("delegation")?),
                    false => None,
                },
                items: Custody::list_of(object)?,
            },
            "opened" => Self::Opened { space: text("space")?, items: Custody::list_of(object)? },
            "paper-attested" => Self::PaperAttested(PaperConsent::read_fields(object, &text)?),
            "accepted-paper" => Self::AcceptedPaper {
                receiver_name: text("receiver_name")?,
                deposits: handover::list(object, "deposits", |value| value.as_str().map(str::to_owned))?,
                reference: text("reference")?,
                note: text("note")?,
            },
            // As long as a body can be: it may hold the roots of the keeper's certificate.
            "keeper.moved" => Self::KeeperMoved { invite: object.get("invite")?.as_str()?.to_owned() },
            "sides.compared" => {
                let marks = |key: &str| {
                    let marks = handover::list(object, key, |value| value.as_str().map(str::to_owned))?;
                    (marks.len() <= SIDES_MAX).then_some(marks)
                };
                Self::SidesCompared { case: text("case")?, asks: marks("asks")?, against: marks("against")? }
            }
            name => match Verdict::from_word(name) {
                Some(verdict) => Self::Answered(UnverifiedAnswer::read_fields(verdict, object, &text)?),
                None => match case::Said::read(name, object, &text) {
                    Ok(said) => Self::Case(Box::new(said?)),
                    Err(case::Unknown) => return Some(Self::Unknown(value.clone())),
                },
            },
        };
        // Compared as text: two objects are equal as values whatever the order of their keys.
        let (canonical, found) = (event.to_value().to_string(), value.to_string());
        (canonical == found).then_some(event)
    }
}

impl Class {
    /// The word that stands for it in files and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Core => "core",
        }
    }

    /// The class that this word stands for.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Standard, Self::Core].into_iter().find(|class| class.word() == word)
    }
}

/// The text of a body: a head line, then one event a line.
pub fn compose(events: &[Event]) -> Vec<u8> {
    let mut text = b"{\"hizo\":\"body/v1\"}\n".to_vec();
    for event in events {
        text.extend(event.to_value().to_string().into_bytes());
        text.push(b'\n');
    }
    text
}

/// Reads the text of a body.
///
/// # Errors
/// As [`Error`] says.
pub fn parse(text: &[u8]) -> Result<Vec<Event>, Error> {
    if text.len() > BODY_BYTES_MAX {
        return Err(Error::TooLong);
    }
    let body = text.strip_prefix(b"{\"hizo\":\"body/v1\"}\n").ok_or(Error::Version)?;
    let mut events = Vec::new();
    for (index, line) in body.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let fault = Error::Line { line: index.saturating_add(2) };
        let line = line.strip_suffix(b"\n").ok_or(fault)?;
        let value: Value = serde_json::from_slice(line).map_err(|_| fault)?;
        if value.to_string().as_bytes() != line {
            return Err(fault);
        }
        events.push(Event::from_value(&value).ok_or(fault)?);
    }
    Ok(events)
}

/// Whether every reader keeps this value as it is: no fraction, no large number, and no more than `depth` levels.
pub(crate) fn is_plain(value: &Value, depth: usize) -> bool {
    let below = depth.saturating_sub(1);
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => true,
        Value::Number(number) => {
            let magnitude = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
            magnitude.is_some_and(|magnitude| magnitude <= INTEGER_MAX)
        }
        Value::Array(values) => depth > 0 && values.iter().all(|value| is_plain(value, below)),
        Value::Object(object) => depth > 0 && object.values().all(|value| is_plain(value, below)),
    }
}

fn fields<'a>(name: &str, fields: impl IntoIterator<Item = (&'a str, Value)>) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("event".into(), name.into());
    object.extend(fields.into_iter().map(|(key, value)| (key.to_owned(), value)));
    object
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn events_read_back_in_order() {
        let events = vec![
            Event::SpaceFounded { name: "山田金型".into() },
            Event::DeviceAdded { key: "a2V5".into(), name: "nightly".into() },
            Event::SeriesOpened { name: "mould".into(), class: Class::Core },
            Event::DepositMade { labels: vec!["v1".into()], files: 3, bytes: 9, left_out: 0 },
        ];
        assert_eq!(parse(&compose(&events)), Ok(events));
    }

    #[test]
    fn an_event_of_a_later_version_is_kept_as_it_is() {
        let text = b"{\"hizo\":\"body/v1\"}\n{\"event\":\"asset.classified\",\"class\":\"secret\"}\n";
        let events = parse(text).unwrap();
        assert!(matches!(events.as_slice(), [Event::Unknown(_)]));
        assert_eq!(compose(&events), text);
    }

    #[test]
    fn what_is_not_in_its_one_form_is_refused() {
        let refused = |line: &str| parse(format!("{{\"hizo\":\"body/v1\"}}\n{line}").as_bytes()).unwrap_err();
        for line in [
            "{\"event\":\"space.founded\",\"name\":\"a\"}",
            "{\"event\":\"space.founded\", \"name\":\"a\"}\n",
            "{\"name\":\"a\",\"event\":\"space.founded\"}\n",
            "{\"event\":\"space.founded\",\"name\":\"a\",\"more\":1}\n",
            "{\"event\":\"space.founded\"}\n",
            "{\"event\":\"series.opened\",\"name\":\"a\",\"class\":\"other\"}\n",
            "{\"event\":\"deposit.made\",\"labels\":[1],\"files\":1,\"bytes\":1,\"left_out\":0}\n",
            "\n",
            "7\n",
        ] {
            assert_eq!(refused(line), Error::Line { line: 2 }, "{line:?}");
        }
        assert_eq!(parse(b"{\"hizo\":\"body/v2\"}\n"), Err(Error::Version));
    }
}
