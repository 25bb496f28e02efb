//! `kept.json`: where the bytes of shown contents lie, in packs that records of the log name.
//!
//! See docs/spec/proof.md, section "kept.json". Everything up to the packs' hashes is checked here; opening them is for whoever
//! can, with the file keys that the proof discloses.

use std::collections::{BTreeMap, BTreeSet};

use super::disclosure::{bytes_of_hex, digits_of, object, text_in};
use super::json::{self, Read, Value};
use super::{Bundle, Report};
use crate::commitment::ContentValue;
use crate::id::ObjectId;
use crate::object::ObjectList;
use crate::record::{Deposit, UnverifiedRecord};

/// Length of `kept.json`, at most, in bytes.
pub const KEPT_BYTES_MAX: usize = 64 << 10;

/// Packs in one bundle, at most.
pub const KEPT_PACKS_MAX: usize = 8;

/// Earlier records in one bundle, at most.
pub const KEPT_RECORDS_MAX: usize = 256;

/// Bytes of the key of one age file.
pub const FILE_KEY_BYTES: usize = 16;

const FORMAT: &str = "hizo/kept/v1";

/// Why contents were not kept as a bundle says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not JSON of this shape.
    #[error("kept.json is not in its form")]
    Form,
    /// It says the same as its one form in other bytes.
    #[error("kept.json is not in its canonical form")]
    NotCanonical,
    /// An entry shows no content that has bytes.
    #[error("entry {0} shows no content that could have been kept")]
    NoContent(usize),
    /// An earlier record is missing, or not the one that the later one follows.
    #[error("deposit {0} is not what the record goes back to")]
    Earlier(u64),
    /// An object list is missing, or not the record's.
    #[error("the object list of deposit {0} is not the one that its record names")]
    List(u64),
    /// A pack is missing, or not one that the list names, or out of its order.
    #[error("pack {0} is not one that the record names there")]
    Pack(ObjectId),
    /// A pack does not open with the key beside it.
    #[error("pack {0} does not open with its key")]
    Key(ObjectId),
    /// No such content lies in the packs.
    #[error("the packs do not hold the content of entry {0}")]
    Content(usize),
}

/// Where shown contents lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// In ascending order of their entries.
    pub contents: Vec<KeptContent>,
}

/// Where one shown content lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptContent {
    /// Which entry of `opening.json`, from 0.
    pub entry: usize,
    /// Number of the deposit of the series whose packs hold it.
    pub deposit: u64,
    /// The packs, one behind the other in the object list, and their file keys.
    pub packs: Vec<(ObjectId, [u8; FILE_KEY_BYTES])>,
    /// Plaintext bytes of the first pack before a frame that begins in it.
    pub skip: u64,
    /// Bytes of the tar from that frame on, before the member.
    pub at: u64,
}

/// Bytes that a record of the log names, through its object list. Unlike a [`crate::object::VerifiedObject`], nobody has followed
/// the record's space: no key of a safe may open it, and the disclosed file key does.
pub struct LoggedPack {
    id: ObjectId,
    bytes: Vec<u8>,
    file_key: [u8; FILE_KEY_BYTES],
}

impl LoggedPack {
    /// SHA-256 of its bytes.
    pub const fn id(&self) -> ObjectId {
        self.id
    }

    /// The bytes, and the key that is said to open them.
    pub fn into_parts(self) -> (Vec<u8>, [u8; FILE_KEY_BYTES]) {
        (self.bytes, self.file_key)
    }
}

/// A shown content, and the logged packs in which it must be found.
pub struct LoggedContent {
    /// Which entry shows it.
    pub entry: usize,
    /// What must be found.
    pub value: ContentValue,
    /// In their order.
    pub packs: Vec<LoggedPack>,
    /// As [`KeptContent::skip`].
    pub skip: u64,
    /// As [`KeptContent::at`].
    pub at: u64,
}

/// Contents in one file, at most: as many as fit into its bytes and more.
const CONTENTS_MAX: usize = KEPT_BYTES_MAX / 64;

impl Kept {
    /// Reads the file.
    ///
    /// # Errors
    /// [`Error::Form`], [`Error::NotCanonical`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let text = std::str::from_utf8(bytes).ok().filter(|text| text.len() <= KEPT_BYTES_MAX).ok_or(Error::Form)?;
        let kept = Self::read(json::Cursor::new(text)).ok_or(Error::Form)?;
        if kept.to_bytes() == bytes { Ok(kept) } else { Err(Error::NotCanonical) }
    }

    fn read(mut cursor: json::Cursor<'_>) -> Option<Self> {
        let head = cursor.members_before("contents")?;
        let [("format", Read::Text(FORMAT))] = head.as_slice() else { return None };
        let contents = cursor.last_array(CONTENTS_MAX, content)?;
        let ascends = contents.is_sorted_by(|one, next| one.entry < next.entry);
        (ascends && !contents.is_empty()).then_some(Self { contents })
    }

    /// The file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let contents = Value::Array(self.contents.iter().map(content_of).collect());
        let mut out = String::new();
        Value::Object(vec![("format", Value::Text(FORMAT.to_owned())), ("contents", contents)]).write(&mut out, 0);
        out.push('\n');
        out.into_bytes()
    }
}

fn content(value: &Read<'_>) -> Option<KeptContent> {
    let [("entry", Read::Number(entry)), ("deposit", Read::Number(deposit)), ("packs", Read::Array(packs)), skip, at] =
        object(value)?
    else {
        return None;
    };
    let (("skip", Read::Text(skip)), ("at", Read::Text(at))) = (skip, at) else { return None };
    let packs: Vec<_> = packs.iter().map(pack).collect::<Option<_>>()?;
    let fits = (1..=KEPT_PACKS_MAX).contains(&packs.len());
    fits.then_some(KeptContent {
        entry: usize::try_from(*entry).ok()?,
        deposit: *deposit,
        packs,
        skip: skip.parse().ok()?,
        at: at.parse().ok()?,
    })
}

fn pack(value: &Read<'_>) -> Option<(ObjectId, [u8; FILE_KEY_BYTES])> {
    let [("object", id), ("file_key", key)] = object(value)? else { return None };
    Some((ObjectId::from_hex(text_in(id)?).ok()?, bytes_of_hex(text_in(key)?)?.try_into().ok()?))
}

fn content_of(content: &KeptContent) -> Value {
    let pack = |(id, key): &(ObjectId, [u8; FILE_KEY_BYTES])| {
        Value::Object(vec![("object", Value::Text(id.to_string())), ("file_key", Value::Text(digits_of(key)))])
    };
    Value::Object(vec![
        ("entry", Value::Number(u64::try_from(content.entry).unwrap_or(u64::MAX))),
        ("deposit", Value::Number(content.deposit)),
        ("packs", Value::Array(content.packs.iter().map(pack).collect())),
        ("skip", Value::Text(content.skip.to_string())),
        ("at", Value::Text(content.at.to_string())),
    ])
}

impl Bundle {
    /// The contents that `kept.json` says were kept, in packs that were checked up to their hashes: what is left is to open
    /// them, one after the other. Nothing without that file. The report is that of this bundle, which found no fault.
    ///
    /// # Errors
    /// [`Error`], but for [`Error::Key`] and [`Error::Content`].
    pub fn kept(&self, report: &Report) -> Result<Vec<LoggedContent>, Error> {
        let Some(bytes) = &self.kept else { return Ok(Vec::new()) };
        let kept = Kept::parse(bytes)?;
        let record = UnverifiedRecord::parse(&self.record).map_err(|_| Error::Form)?;
        let deepest = kept.contents.iter().map(|content| content.deposit).min().unwrap_or_default();
        let records = self.back_to(&record, deepest)?;
        kept.contents.iter().map(|content| self.logged(content, &records, report)).collect()
    }

    /// What each deposit says, from the record's own back to number `deepest`.
    fn back_to(&self, record: &UnverifiedRecord, deepest: u64) -> Result<BTreeMap<u64, Deposit>, Error> {
        let mut latest = record.envelope().deposit.ok_or(Error::Form)?;
        let mut records = BTreeMap::from([(latest.k, latest)]);
        while latest.k > deepest {
            let number = latest.k.saturating_sub(1);
            let note = self.earlier.get(&number).ok_or(Error::Earlier(number))?;
            let earlier = UnverifiedRecord::parse(note).map_err(|_| Error::Earlier(number))?;
            let facts = earlier.envelope().deposit.ok_or(Error::Earlier(number))?;
            let goes_back = latest.prev == Some(earlier.id())
                && earlier.envelope().space == record.envelope().space
                && (facts.series, facts.k) == (latest.series, number);
            if !goes_back {
                return Err(Error::Earlier(number));
            }
            records.insert(number, facts);
            latest = facts;
        }
        Ok(records)
    }

    fn logged(
        &self,
        content: &KeptContent,
        records: &BTreeMap<u64, Deposit>,
        report: &Report,
    ) -> Result<LoggedContent, Error> {
        let shown = report.shown.get(content.entry).and_then(|shown| shown.content.as_ref());
        let value = shown.and_then(Option::as_ref).ok_or(Error::NoContent(content.entry))?.clone();
        let deposit = records.get(&content.deposit).ok_or(Error::Earlier(content.deposit))?;
        let list = self.list_of(deposit)?;
        let mut places = BTreeSet::new();
        let mut packs = Vec::new();
        for (id, file_key) in &content.packs {
            let fault = Error::Pack(*id);
            let place = list.iter().position(|(listed, _)| listed == id).ok_or(fault.clone())?;
            let (_, bytes) = list.get(place).ok_or(fault.clone())?;
            let follows = places.last().is_none_or(|last: &usize| last.saturating_add(1) == place);
            let pack =
                self.packs.get(id).filter(|pack| u64::try_from(pack.len()) == Ok(*bytes)).ok_or(fault.clone())?;
            if !follows || ObjectId::of(pack) != *id {
                return Err(fault);
            }
            places.insert(place);
            packs.push(LoggedPack { id: *id, bytes: pack.clone(), file_key: *file_key });
        }
        Ok(LoggedContent { entry: content.entry, value, packs, skip: content.skip, at: content.at })
    }

    fn list_of(&self, deposit: &Deposit) -> Result<Vec<(ObjectId, u64)>, Error> {
        let fault = || Error::List(deposit.k);
        let list = self.lists.get(&deposit.k).filter(|list| ObjectId::of(list) == deposit.objects.list);
        let lines = ObjectList::parse_unverified(list.ok_or_else(fault)?).map_err(|_| fault())?;
        let total = lines.iter().fold(0_u64, |total, (_, bytes)| total.saturating_add(*bytes));
        let fits = u64::try_from(lines.len()) == Ok(deposit.objects.count) && total == deposit.objects.total;
        if fits { Ok(lines) } else { Err(fault()) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn kept() -> Kept {
        let pack = |byte| (ObjectId::from_bytes([byte; 32]), [byte; FILE_KEY_BYTES]);
        let one = KeptContent { entry: 0, deposit: 3, packs: vec![pack(1), pack(2)], skip: 0, at: 1536 };
        Kept { contents: vec![one, KeptContent { entry: 4, deposit: 1, packs: vec![pack(3)], skip: 77, at: u64::MAX }] }
    }

    #[test]
    fn what_is_written_reads_back_and_nothing_else_reads() {
        let bytes = kept().to_bytes();
        assert_eq!(Kept::parse(&bytes), Ok(kept()));
        let text = String::from_utf8(bytes.clone()).unwrap();
        let many = |count| {
            let mut kept = kept();
            let packs = kept.contents.iter().flat_map(|content| content.packs.clone()).cycle().take(count).collect();
            kept.contents.iter_mut().take(1).for_each(|content| content.packs = Vec::clone(&packs));
            kept.to_bytes()
        };
        assert!(Kept::parse(&many(KEPT_PACKS_MAX)).is_ok());
        for (about, wrong, error) in [
            ("another format", text.replace("kept/v1", "kept/v2").into_bytes(), Error::Form),
            ("no content", b"{\n  \"format\": \"hizo/kept/v1\",\n  \"contents\": []\n}\n".to_vec(), Error::Form),
            ("an entry twice", text.replace("\"entry\": 4", "\"entry\": 0").into_bytes(), Error::Form),
            ("no pack", many(0), Error::Form),
            ("too many packs", many(KEPT_PACKS_MAX + 1), Error::Form),
            ("a short key", text.replace(&"01".repeat(16), &"01".repeat(15)).into_bytes(), Error::Form),
            ("a number with a sign", text.replace("\"77\"", "\"+77\"").into_bytes(), Error::NotCanonical),
            ("white space", text.replace(": 3", ":  3").into_bytes(), Error::NotCanonical),
            ("no end", text.trim_end().as_bytes().to_vec(), Error::NotCanonical),
            ("too long", vec![b' '; KEPT_BYTES_MAX + 1], Error::Form),
            ("not text", vec![0xff], Error::Form),
        ] {
            assert_eq!(Kept::parse(&wrong), Err(error), "{about}");
        }
    }
}
