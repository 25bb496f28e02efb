//! An entry's line, written and read. A deposit has a million of them, so nothing is built here that the entry does not
//! keep: values are taken from the line as they stand, and written one behind the other.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::Deserialize;
use serde::de::{Deserializer, Visitor};

use super::{Content, Entry, INTEGER_MAX, Kind, Place, STANDARD, Span};
use crate::archive::Xattr;
use crate::commit::{ContentValue, EntryId};

/// Room for 32 bytes in base64, and for what a decoder thinks it may need for them.
const BASE64_ROOM: usize = 48;

/// What stands in a line. Fields that are not here, out of order, doubled or written otherwise are found by writing the
/// line again.
#[derive(Deserialize)]
struct Fields<'a> {
    p: Option<String>,
    p64: Option<&'a str>,
    t: &'a str,
    s: Option<Integer>,
    m: Integer,
    mt: &'a str,
    l: Option<String>,
    l64: Option<&'a str>,
    x: Option<Vec<[&'a str; 2]>>,
    f: &'a str,
    h: Option<&'a str>,
    k: Option<&'a str>,
    b: Option<&'a str>,
    at: Option<[Integer; 2]>,
    of: Option<Vec<[Integer; 3]>>,
    r: Option<Integer>,
    u: Option<bool>,
}

/// A number, or the decimal string of one that is too large for some readers.
#[derive(Clone, Copy)]
struct Integer(u64);

/// Reads a line without its end; whether it is in its one form is not said.
pub(super) fn read(line: &[u8]) -> Option<Entry> {
    let fields: Fields<'_> = serde_json::from_slice(line).ok()?;
    let kind = match fields.t {
        "f" => Kind::File(content(&fields)?),
        "h" => Kind::HardLink { content: content(&fields)?, target: bytes(fields.l, fields.l64)? },
        "l" => Kind::Symlink { target: bytes(fields.l, fields.l64)? },
        "d" => Kind::Directory,
        _ => return None,
    };
    Some(Entry {
        path: bytes(fields.p, fields.p64)?,
        kind,
        mode: u32::try_from(fields.m.0).ok()?,
        mtime_ns: fields.mt.parse().ok()?,
        xattrs: xattrs(fields.x.unwrap_or_default())?,
        id: EntryId::from_bytes(unpadded(fields.f)?),
    })
}

fn content(fields: &Fields<'_>) -> Option<Content> {
    let [deposit, block] = fields.at?;
    let span = |[segments, deposit, block]: &[Integer; 3]| Span {
        segments: segments.0,
        place: Place { deposit: deposit.0, block: block.0 },
    };
    Some(Content {
        size: fields.s?.0,
        value: ContentValue { sha256: unpadded(fields.h?)?, key: unpadded(fields.k?)?, blake3: unpadded(fields.b?)? },
        place: Place { deposit: deposit.0, block: block.0 },
        spans: fields.of.iter().flatten().map(span).collect(),
        read: fields.r?.0,
        unsteady: fields.u.is_some(),
    })
}

fn bytes(plain: Option<String>, encoded: Option<&str>) -> Option<Vec<u8>> {
    match plain {
        Some(text) => Some(text.into_bytes()),
        None => STANDARD.decode(encoded?).ok(),
    }
}

fn xattrs(pairs: Vec<[&str; 2]>) -> Option<Vec<Xattr>> {
    let pair = |[name, value]: [&str; 2]| Some((STANDARD.decode(name).ok()?, STANDARD.decode(value).ok()?));
    pairs.into_iter().map(pair).collect()
}

fn unpadded<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut room = [0; BASE64_ROOM];
    let length = STANDARD_NO_PAD.decode_slice(text, &mut room).ok()?;
    room.get(..length)?.try_into().ok()
}

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = Integer;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number or its decimal string")
            }
            fn visit_u64<E>(self, value: u64) -> Result<Integer, E> {
                Ok(Integer(value))
            }
            fn visit_str<E: serde::de::Error>(self, digits: &str) -> Result<Integer, E> {
                digits.parse().map(Integer).map_err(E::custom)
            }
        }
        from.deserialize_any(Either)
    }
}

/// Writes a line with its end.
pub(super) fn write(entry: &Entry, line: &mut Vec<u8>) {
    line.push(b'{');
    text_field(line, ["\"p\":", "\"p64\":"], &entry.path);
    line.extend(b",\"t\":\"");
    line.extend(entry.kind.letter().as_bytes());
    line.push(b'"');
    if let Some(content) = entry.kind.content() {
        line.extend(b",\"s\":");
        integer(line, content.size);
    }
    line.extend(b",\"m\":");
    integer(line, entry.mode.into());
    line.extend(b",\"mt\":\"");
    json(line, &entry.mtime_ns);
    line.push(b'"');
    if let Some(target) = entry.kind.target() {
        text_field(line, [",\"l\":", ",\"l64\":"], target);
    }
    if !entry.xattrs.is_empty() {
        line.extend(b",\"x\":");
        let pairs = entry.xattrs.iter().map(|(name, value)| [STANDARD.encode(name), STANDARD.encode(value)]);
        json(line, &pairs.collect::<Vec<_>>());
    }
    base64_field(line, ",\"f\":\"", entry.id.as_bytes());
    if let Some(content) = entry.kind.content() {
        base64_field(line, ",\"h\":\"", &content.value.sha256);
        base64_field(line, ",\"k\":\"", &content.value.key);
        base64_field(line, ",\"b\":\"", &content.value.blake3);
        line.extend(b",\"at\":");
        integers(line, &[content.place.deposit, content.place.block]);
        if content.is_composed() {
            line.extend(b",\"of\":[");
            for (number, span) in content.spans.iter().enumerate() {
                line.extend((number > 0).then_some(b','));
                integers(line, &[span.segments, span.place.deposit, span.place.block]);
            }
            line.push(b']');
        }
        line.extend(b",\"r\":");
        integer(line, content.read);
        if content.unsteady {
            line.extend(b",\"u\":true");
        }
    }
    line.extend(b"}\n");
}

/// A number where every reader keeps it exactly, a decimal string above.
fn integer(line: &mut Vec<u8>, value: u64) {
    let quote = (value > INTEGER_MAX).then_some(b'"');
    line.extend(quote);
    json(line, &value);
    line.extend(quote);
}

fn integers(line: &mut Vec<u8>, values: &[u64]) {
    line.push(b'[');
    for (number, value) in values.iter().enumerate() {
        line.extend((number > 0).then_some(b','));
        integer(line, *value);
    }
    line.push(b']');
}

fn text_field(line: &mut Vec<u8>, [plain, encoded]: [&str; 2], value: &[u8]) {
    let (key, text) = match std::str::from_utf8(value) {
        Ok(text) => (plain, Cow::from(text)),
        Err(_) => (encoded, Cow::from(STANDARD.encode(value))),
    };
    line.extend(key.as_bytes());
    json(line, &text);
}

fn base64_field(line: &mut Vec<u8>, key: &str, value: &[u8]) {
    let mut room = [0; BASE64_ROOM];
    let length = STANDARD_NO_PAD.encode_slice(value, &mut room).expect("ids and hashes have at most 32 bytes");
    line.extend(key.as_bytes());
    line.extend(room.iter().take(length));
    line.push(b'"');
}

fn json(line: &mut Vec<u8>, value: &impl serde::Serialize) {
    serde_json::to_writer(line, value).expect("numbers and text are written to memory");
}
