//! The two files by which somebody joins a space: an admin's invite, and the newcomer's request.
//!
//! See docs/spec/joining.md. Either travels by mail or on a stick, and whoever carries it may change it: nothing in them counts
//! before two people have compared words ([`crate::fingerprint`]).

use std::collections::BTreeSet;

use hizo_ledger::id::{RecordId, SpaceId};
use hizo_ledger::log::note::NamedKey;
use hizo_ledger::record::Origin;
use hizo_ledger::space::Head;
use serde_json::{Map, Value};

use crate::event::NAME_BYTES_MAX;
use crate::event::certificate::{self, Certificate, UnverifiedCertificate};
use crate::fingerprint::Spoken;

/// Longest invite, in bytes: it may hold the root certificates of a keeper.
pub const INVITE_BYTES_MAX: usize = 2 << 20;
/// Longest request, in bytes.
pub const REQUEST_BYTES_MAX: usize = 64 << 10;

const INVITE_FORMAT: &str = "invite/v1";
const REQUEST_FORMAT: &str = "request/v1";

/// Why a file is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is no such file, or of a format that this version does not know.
    #[error("it is not a file of this kind")]
    Format,
    /// Something in it is missing, unknown, misplaced, or not in its one form.
    #[error("it is not in its one form")]
    Form,
    /// The request's certificates are not those of one person and one machine.
    #[error("its keys are not those of one person and a machine")]
    Pair,
    /// A certificate of the request does not hold.
    #[error(transparent)]
    Certificate(#[from] certificate::Error),
}

/// What somebody needs to follow a space from the first record on: which one it is, and where it is kept.
///
/// It holds no secret, and lets nobody in: the same file lies beside an emergency card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    /// The space.
    pub space: SpaceId,
    /// Its record 0.
    pub genesis: RecordId,
    /// The last record when the invite was made: a chain without it is refused.
    pub head: Head,
    /// The keeper's name.
    pub keeper: Origin,
    /// The key of the keeper's log.
    pub log_key: NamedKey,
    /// The key of the keeper's receipts.
    pub receipt_key: NamedKey,
    /// Where the keeper is.
    pub address: String,
    /// Roots of the keeper's certificate, as PEM; nothing where those that browsers trust will do.
    pub roots: Option<String>,
    /// Whose cosignatures on heads count; nothing where nobody was named.
    pub policy: Option<String>,
}

impl Invite {
    /// The file's bytes.
    pub fn compose(&self) -> Vec<u8> {
        let optional = |text: &Option<String>| text.as_deref().map_or(Value::Null, Value::from);
        let head = object([("number", self.head.number.into()), ("id", self.head.id.to_string().into())]);
        line(object([
            ("hizo", INVITE_FORMAT.into()),
            ("space", self.space.to_string().into()),
            ("genesis", self.genesis.to_string().into()),
            ("head", head),
            ("keeper", self.keeper.as_str().into()),
            ("log_key", self.log_key.to_string().into()),
            ("receipt_key", self.receipt_key.to_string().into()),
            ("address", self.address.as_str().into()),
            ("roots", optional(&self.roots)),
            ("policy", optional(&self.policy)),
        ]))
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`Error::Format`] and [`Error::Form`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let found = read(bytes, INVITE_FORMAT, INVITE_BYTES_MAX)?;
        let invite = Self::of(&found).ok_or(Error::Form)?;
        if invite.compose() == bytes { Ok(invite) } else { Err(Error::Form) }
    }

    fn of(found: &Map<String, Value>) -> Option<Self> {
        let text = |key: &str| found.get(key)?.as_str();
        let optional = |key: &str| match found.get(key)? {
            Value::Null => Some(None),
            value => value.as_str().map(|text| Some(text.to_owned())),
        };
        let head = found.get("head")?;
        Some(Self {
            space: SpaceId::from_hex(text("space")?).ok()?,
            genesis: RecordId::from_hex(text("genesis")?).ok()?,
            head: Head {
                number: head.get("number")?.as_u64()?,
                id: RecordId::from_hex(head.get("id")?.as_str()?).ok()?,
            },
            keeper: Origin::parse(text("keeper")?).ok()?,
            log_key: NamedKey::parse(text("log_key")?).ok()?,
            receipt_key: NamedKey::parse(text("receipt_key")?).ok()?,
            address: text("address")?.to_owned(),
            roots: optional("roots")?,
            policy: optional("policy")?,
        })
    }
}

/// What somebody brings who wants to join a space. Nothing in it is believed before [`UnverifiedRequest::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnverifiedRequest {
    /// The space.
    pub space: SpaceId,
    /// Its record 0.
    pub genesis: RecordId,
    /// What the person calls himself.
    pub name: String,
    /// What he calls his machine.
    pub machine: String,
    /// Of the person's own key.
    pub person: UnverifiedCertificate,
    /// Of the key of his machine.
    pub device: UnverifiedCertificate,
}

/// A request whose keys are all signed by one identity. Whose identity that is, only the words tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What was read.
    pub said: UnverifiedRequest,
    /// The person's own key.
    pub person: Certificate,
    /// The key of his machine.
    pub device: Certificate,
    /// The words that the newcomer reads out.
    pub words: Spoken,
}

impl UnverifiedRequest {
    /// The file's bytes.
    pub fn compose(&self) -> Vec<u8> {
        line(self.to_value())
    }

    /// The file's one line, as a value.
    pub(crate) fn to_value(&self) -> Value {
        object([
            ("hizo", REQUEST_FORMAT.into()),
            ("space", self.space.to_string().into()),
            ("genesis", self.genesis.to_string().into()),
            ("name", self.name.as_str().into()),
            ("machine", self.machine.as_str().into()),
            ("person", object(self.person.fields())),
            ("device", object(self.device.fields())),
        ])
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`Error::Format`] and [`Error::Form`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let found = read(bytes, REQUEST_FORMAT, REQUEST_BYTES_MAX)?;
        let request = Self::of(&found).ok_or(Error::Form)?;
        if request.compose() == bytes { Ok(request) } else { Err(Error::Form) }
    }

    /// What stands in the keys of such an object, whatever else does.
    pub(crate) fn of(found: &Map<String, Value>) -> Option<Self> {
        let name = |key: &str| name(found.get(key)?);
        let certificate = |key: &str| {
            let fields = found.get(key)?;
            UnverifiedCertificate::read_fields(&|key| Some(fields.get(key)?.as_str()?.to_owned()))
        };
        Some(Self {
            space: SpaceId::from_hex(found.get("space")?.as_str()?).ok()?,
            genesis: RecordId::from_hex(found.get("genesis")?.as_str()?).ok()?,
            name: name("name")?,
            machine: name("machine")?,
            person: certificate("person")?,
            device: certificate("device")?,
        })
    }

    /// Checks that one identity signed all of it, for this space.
    ///
    /// # Errors
    /// [`Error::Certificate`] and [`Error::Pair`].
    pub fn verify(self) -> Result<Request, Error> {
        let (person, device) = (self.person.verify(&self.space)?, self.device.verify(&self.space)?);
        let keys = [Some(person.key), person.session, Some(device.key), device.session];
        let are_apart = keys.iter().flatten().collect::<BTreeSet<_>>().len() == keys.len();
        let are_pair = person.identity == device.identity && device.recipient.is_none() && are_apart;
        let Some(recipient) = person.recipient.as_ref().filter(|_| are_pair) else {
            return Err(Error::Pair);
        };
        let words = Spoken::of_identity(&person.identity, recipient, &self.genesis);
        Ok(Request { said: self, person, device, words })
    }
}

/// What somebody or something is called, in a file: 1 to [`NAME_BYTES_MAX`] bytes.
pub(crate) fn name(value: &Value) -> Option<String> {
    value.as_str().filter(|name| (1..=NAME_BYTES_MAX).contains(&name.len())).map(str::to_owned)
}

pub(crate) fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Object(fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

pub(crate) fn line(value: Value) -> Vec<u8> {
    format!("{value}\n").into_bytes()
}

/// One JSON object, if it is of this format.
pub(crate) fn read(bytes: &[u8], format: &str, bytes_max: usize) -> Result<Map<String, Value>, Error> {
    let value =
        Some(bytes).filter(|bytes| bytes.len() <= bytes_max).and_then(|bytes| serde_json::from_slice(bytes).ok());
    match value {
        Some(Value::Object(found)) if found.get("hizo").and_then(Value::as_str) == Some(format) => Ok(found),
        _ => Err(Error::Format),
    }
}
