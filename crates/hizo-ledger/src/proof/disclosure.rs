//! `opening.json`: shown fields of a deposit as people read them.
//!
//! See docs/spec/proof.md, section "opening.json".

use super::json::{self, Read, Value};
use crate::commitment::{
    Branch, Commitment, Complete, ContentValue, ENTRIES_MAX, Field, FieldHashes, Meta, MetaKind, Opening, OpeningError,
    Part, Shown, verify,
};

/// Length of `opening.json`, at most, in bytes.
pub const DISCLOSURE_BYTES_MAX: usize = 64 << 20;

const FORMAT: &str = "hizo/opening/v1";

/// Why bytes are not an `opening.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Longer than [`DISCLOSURE_BYTES_MAX`].
    #[error("opening.json is longer than {DISCLOSURE_BYTES_MAX} bytes")]
    TooLong,
    /// Not JSON of this shape.
    #[error("opening.json is not in its form")]
    Form,
    /// It says the same as its one form in other bytes.
    #[error("opening.json is not in its canonical form")]
    NotCanonical,
    /// No entry is shown, and it is not said that there is none.
    #[error("opening.json shows nothing")]
    Empty,
    /// A place that no tree has.
    #[error(transparent)]
    Opening(#[from] OpeningError),
}

/// What is shown of one deposit. Nothing of it is believed before [`Disclosure::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disclosure {
    /// Some of its entries.
    Chosen(Vec<Opening>),
    /// All of its entries, and that these are all.
    Complete(Complete),
}

impl Disclosure {
    /// Reads the file. Only the form is checked.
    ///
    /// # Errors
    /// [`Error`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > DISCLOSURE_BYTES_MAX {
            return Err(Error::TooLong);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| Error::Form)?;
        let disclosure = Self::read(json::Cursor::new(text))?;
        if disclosure.to_bytes() == bytes { Ok(disclosure) } else { Err(Error::NotCanonical) }
    }

    fn read(mut cursor: json::Cursor<'_>) -> Result<Self, Error> {
        let head = cursor.members_before("entries").ok_or(Error::Form)?;
        let [("format", Read::Text(FORMAT)), (_, blind), (kind, how)] = head.as_slice() else {
            return Err(Error::Form);
        };
        let blind = hex(blind).ok_or(Error::Form)?;
        match (*kind, how) {
            ("depth", Read::Number(depth)) => {
                let depth = u8::try_from(*depth).map_err(|_| Error::Form)?;
                let entries = cursor.last_array(ENTRIES_MAX, opened).ok_or(Error::Form)?.into_iter();
                let openings =
                    entries.map(|(parts, [sha256, blake3])| Opening::new(blind, depth, parts, sha256, blake3));
                let openings = openings.collect::<Result<Vec<_>, _>>()?;
                if openings.is_empty() { Err(Error::Empty) } else { Ok(Self::Chosen(openings)) }
            }
            ("complete", Read::Object(how)) => {
                let [("dummy_key", dummy_key), ("dummies", Read::Number(dummies))] = how.as_slice() else {
                    return Err(Error::Form);
                };
                let dummy_key = hex(dummy_key).ok_or(Error::Form)?;
                let dummies = u32::try_from(*dummies).map_err(|_| Error::Form)?;
                let entries = cursor.last_array(ENTRIES_MAX, |entry| parts(object(entry)?)).ok_or(Error::Form)?;
                Ok(Self::Complete(Complete { blind, dummy_key, dummies, entries }))
            }
            _ => Err(Error::Form),
        }
    }

    /// The file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut members = vec![("format", text(FORMAT))];
        let entries = match self {
            Self::Chosen(openings) => {
                let first = openings.first();
                members.push(("blind", hex_of(first.map_or(&[0; 32], Opening::blind))));
                members.push(("depth", Value::Number(first.map_or(0, Opening::depth).into())));
                let entry = |opening: &Opening| {
                    let mut members = parts_of(opening.parts());
                    let [sha256, blake3] = opening.branches();
                    members.extend([("sha256", branch_of(sha256)), ("blake3", branch_of(blake3))]);
                    Value::Object(members)
                };
                openings.iter().map(entry).collect()
            }
            Self::Complete(complete) => {
                members.push(("blind", hex_of(&complete.blind)));
                let (key, dummies) = (hex_of(&complete.dummy_key), Value::Number(complete.dummies.into()));
                members.push(("complete", Value::Object(vec![("dummy_key", key), ("dummies", dummies)])));
                complete.entries.iter().map(|entry| Value::Object(parts_of(entry))).collect()
            }
        };
        members.push(("entries", Value::Array(entries)));
        let mut out = String::new();
        Value::Object(members).write(&mut out, 0);
        out.push('\n');
        out.into_bytes()
    }

    /// Whether it says that its entries are all there are.
    pub const fn is_complete(&self) -> bool {
        matches!(self, Self::Complete(_))
    }

    /// Checks everything against the one commitment, in both hash families, and gives what each entry shows.
    ///
    /// # Errors
    /// [`OpeningError`].
    pub fn verify(&self, commitment: &Commitment) -> Result<Vec<Shown>, OpeningError> {
        match self {
            Self::Chosen(openings) => verify(commitment, openings),
            Self::Complete(complete) => complete.verify(commitment),
        }
    }
}

type Members<'a> = [(&'a str, Read<'a>)];

pub(super) fn object<'a, 'r>(value: &'r Read<'a>) -> Option<&'r Members<'a>> {
    match value {
        Read::Object(members) => Some(members),
        Read::Text(_) | Read::Number(_) | Read::Array(_) => None,
    }
}

pub(super) fn text_in<'a>(value: &Read<'a>) -> Option<&'a str> {
    match value {
        Read::Text(text) => Some(text),
        Read::Number(_) | Read::Array(_) | Read::Object(_) => None,
    }
}

/// Reads an entry with its place in both trees.
fn opened(entry: &Read<'_>) -> Option<([Part; 3], [Branch; 2])> {
    let (fields, places) = object(entry)?.split_at_checked(3)?;
    let [("sha256", sha256), ("blake3", blake3)] = places else { return None };
    Some((parts(fields)?, [branch(sha256)?, branch(blake3)?]))
}

fn branch(value: &Read<'_>) -> Option<Branch> {
    let [("index", Read::Number(index)), ("path", Read::Array(path))] = object(value)? else { return None };
    Some(Branch { index: u32::try_from(*index).ok()?, path: path.iter().map(hex).collect::<Option<_>>()? })
}

fn branch_of(branch: &Branch) -> Value {
    let path = branch.path.iter().map(hex_of).collect();
    Value::Object(vec![("index", Value::Number(branch.index.into())), ("path", Value::Array(path))])
}

fn parts(members: &Members<'_>) -> Option<[Part; 3]> {
    let [(_, content), (_, name), (_, meta)] = members else { return None };
    let named = members.iter().map(|(key, _)| *key).eq(Field::ALL.map(Field::label));
    let part = |field: Field, value: &Read<'_>| match object(value)? {
        [("hidden_sha256", sha256), ("hidden_blake3", blake3)] => {
            Some(Part::Hidden(FieldHashes { sha256: hex(sha256)?, blake3: hex(blake3)? }))
        }
        [("salt", salt), rest @ ..] => {
            let value = match field {
                Field::Content => content_in(rest)?,
                Field::Name => name_in(rest)?,
                Field::Meta => meta_in(rest)?.to_bytes().to_vec(),
            };
            Some(Part::Shown { salt: hex(salt)?, value })
        }
        _ => None,
    };
    let parts = [part(Field::Content, content)?, part(Field::Name, name)?, part(Field::Meta, meta)?];
    named.then_some(parts)
}

fn parts_of(parts: &[Part; 3]) -> Vec<(&'static str, Value)> {
    let part = |(field, part): (Field, &Part)| {
        let members = match part {
            Part::Hidden(FieldHashes { sha256, blake3 }) => {
                vec![("hidden_sha256", hex_of(sha256)), ("hidden_blake3", hex_of(blake3))]
            }
            Part::Shown { salt, value } => {
                let mut members = vec![("salt", hex_of(salt))];
                members.extend(match field {
                    Field::Content => content_of(value),
                    Field::Name => vec![name_of(value)],
                    Field::Meta => Meta::from_bytes(value).as_ref().map(meta_of).unwrap_or_default(),
                });
                members
            }
        };
        (field.label(), Value::Object(members))
    };
    Field::ALL.into_iter().zip(parts).map(part).collect()
}

/// A shown content that has nothing but its salt is of an entry without bytes.
fn content_in(members: &Members<'_>) -> Option<Vec<u8>> {
    match members {
        [] => Some(Vec::new()),
        [("sha256", sha256), ("key", key), ("blake3", blake3)] => {
            let value = ContentValue { sha256: hex(sha256)?, key: hex(key)?, blake3: hex(blake3)? };
            Some(value.to_bytes().to_vec())
        }
        _ => None,
    }
}

fn content_of(value: &[u8]) -> Vec<(&'static str, Value)> {
    let Ok(bytes) = value.try_into() else { return Vec::new() };
    let ContentValue { sha256, key, blake3 } = ContentValue::from_bytes(bytes);
    vec![("sha256", hex_of(&sha256)), ("key", hex_of(&key)), ("blake3", hex_of(&blake3))]
}

fn name_in(members: &Members<'_>) -> Option<Vec<u8>> {
    match members {
        [("text", Read::Text(text))] => Some(text.as_bytes().to_vec()),
        [("hex", Read::Text(digits))] => bytes_of_hex(digits),
        _ => None,
    }
}

fn name_of(name: &[u8]) -> (&'static str, Value) {
    match std::str::from_utf8(name) {
        Ok(plain) if json::is_plain(plain) => ("text", text(plain)),
        Ok(_) | Err(_) => ("hex", Value::Text(digits_of(name))),
    }
}

fn meta_in(members: &Members<'_>) -> Option<Meta> {
    let (("type", Read::Text(word)), rest) = members.split_first()? else { return None };
    let (size, rest) = match rest {
        [("size", size), rest @ ..] => (Some(decimal(text_in(size)?)?), rest),
        rest => (None, rest),
    };
    let [("mode", mode), ("mtime_ns", mtime), rest @ ..] = rest else { return None };
    let target = match rest {
        [] => None,
        [("target", target)] => Some(hex(target)?),
        _ => return None,
    };
    let kind = match (*word, size, target) {
        ("file", Some(size), None) => MetaKind::File { size },
        ("hard link", Some(size), Some(target)) => MetaKind::HardLink { size, target },
        ("symbolic link", None, Some(target)) => MetaKind::Symlink { target },
        ("folder", None, None) => MetaKind::Directory,
        _ => return None,
    };
    let mode = u32::from_str_radix(text_in(mode)?, 8).ok()?;
    let meta = Meta { kind, mode, mtime_ns: decimal(text_in(mtime)?)? };
    // A mode past its limit has no committed form.
    Meta::from_bytes(&meta.to_bytes())
}

fn meta_of(meta: &Meta) -> Vec<(&'static str, Value)> {
    let (word, size, target) = match &meta.kind {
        MetaKind::File { size } => ("file", Some(size), None),
        MetaKind::HardLink { size, target } => ("hard link", Some(size), Some(target)),
        MetaKind::Symlink { target } => ("symbolic link", None, Some(target)),
        MetaKind::Directory => ("folder", None, None),
    };
    let mut members = vec![("type", text(word))];
    members.extend(size.map(|size| ("size", Value::Text(size.to_string()))));
    members.push(("mode", Value::Text(format!("{:04o}", meta.mode))));
    members.push(("mtime_ns", Value::Text(meta.mtime_ns.to_string())));
    members.extend(target.map(|target| ("target", hex_of(target))));
    members
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// A number without sign or leading zeros beyond its own; other spellings are caught when it is written again.
fn decimal<N: std::str::FromStr>(digits: &str) -> Option<N> {
    digits.parse().ok()
}

fn hex(value: &Read<'_>) -> Option<[u8; 32]> {
    bytes_of_hex(text_in(value)?)?.try_into().ok()
}

fn hex_of(bytes: &[u8; 32]) -> Value {
    Value::Text(digits_of(bytes))
}

pub(super) fn digits_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn bytes_of_hex(digits: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect::<Option<_>>()?;
    rest.is_empty().then_some(bytes)
}
