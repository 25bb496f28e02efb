//! Objects: immutable bytes that a verified record names, directly or through its object list.
//!
//! The one rule of opening rests on the types here: an [`ObjectRef`] comes only from a verified record, or from an
//! object list that such a record names, and a [`VerifiedObject`] only from an [`ObjectRef`] whose hash the bytes met.
//! See docs/spec/record.md, section "Objects".

use std::collections::HashSet;

use crate::id::ObjectId;

/// Most bytes one object may have: a full pack.
pub const OBJECT_BYTES_MAX: u64 = 16 << 20;

/// Most lines an object list may have (about 1 TiB of packs).
pub const OBJECT_LIST_LINES_MAX: usize = 1 << 16;

/// Most bytes of one line of an object list: 64 digits, a space, 8 digits, a line feed.
pub const OBJECT_LIST_LINE_BYTES_MAX: u64 = 74;

/// Most bytes the text of an epoch's recipient may have (a hybrid one has about 2,000).
pub const RECIPIENT_BYTES_MAX: u64 = 4096;

/// Why bytes are not the object that was named, or not an object list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes hash to another id, or are longer or shorter than named.
    #[error("object {id} is damaged: its bytes do not match its name")]
    Damaged {
        /// The id that was named.
        id: ObjectId,
    },
    /// An object list is not in its one canonical form, or names an object twice.
    #[error("line {line} of the object list is not `id size`, or names an object again")]
    List {
        /// First line at fault, counted from 1.
        line: usize,
    },
    /// The list does not have the count and total that the record names.
    #[error("the object list does not have the count and the total that its record names")]
    ListTotals,
    /// These bytes were named as something else than an object list.
    #[error("object {id} is not named as an object list")]
    NotAList {
        /// The id that was named.
        id: ObjectId,
    },
}

/// An object's name and size as a verified record, or a list that it names, gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectRef {
    id: ObjectId,
    shape: Shape,
}

/// What the place that names an object says of its bytes, besides their hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Exactly so many bytes.
    Exactly(u64),
    /// An object list of so many lines, whose sizes add up to `total`; its own length is not named.
    List { count: u64, total: u64 },
    /// The text of an epoch's recipient; its length is not named.
    Recipient,
}

impl ObjectRef {
    /// Only for this crate's verified types: whoever can call this decides what may be opened.
    pub(crate) const fn new(id: ObjectId, bytes: u64) -> Self {
        Self { id, shape: Shape::Exactly(bytes) }
    }

    /// The object list of a deposit, as its record's `objects` line names it. As closed as [`ObjectRef::new`].
    pub(crate) const fn list(id: ObjectId, count: u64, total: u64) -> Self {
        Self { id, shape: Shape::List { count, total } }
    }

    /// An epoch's recipient, as an `epoch` line names it. As closed as [`ObjectRef::new`].
    pub(crate) const fn recipient(id: ObjectId) -> Self {
        Self { id, shape: Shape::Recipient }
    }

    /// SHA-256 of the object's bytes.
    pub const fn id(&self) -> ObjectId {
        self.id
    }

    /// The object's length in bytes; for an object list and a recipient, whose length no record names, the most it
    /// may be.
    pub const fn bytes(&self) -> u64 {
        match self.shape {
            Shape::Exactly(bytes) => bytes,
            Shape::List { count, .. } => count.saturating_mul(OBJECT_LIST_LINE_BYTES_MAX),
            Shape::Recipient => RECIPIENT_BYTES_MAX,
        }
    }

    /// Takes the bytes that the keeper, or a folder, says are this object.
    ///
    /// # Errors
    /// [`Error::Damaged`] when length or hash differ; the reaction depends on public hashes only.
    pub fn verify(&self, bytes: Vec<u8>) -> Result<VerifiedObject, Error> {
        let length_fits = u64::try_from(bytes.len()).is_ok_and(|length| match self.shape {
            Shape::Exactly(exact) => length == exact,
            Shape::List { .. } | Shape::Recipient => length <= self.bytes(),
        });
        if !length_fits || ObjectId::of(&bytes) != self.id {
            return Err(Error::Damaged { id: self.id });
        }
        Ok(VerifiedObject { named: *self, bytes })
    }
}

/// Bytes whose hash a verified record named. Nothing else from a keeper may be decrypted.
pub struct VerifiedObject {
    named: ObjectRef,
    bytes: Vec<u8>,
}

impl VerifiedObject {
    /// The name that the bytes met.
    pub const fn named(&self) -> ObjectRef {
        self.named
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes, to decrypt in place.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// The objects of one deposit in order: manifest parts first, then new packs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectList {
    objects: Vec<ObjectRef>,
}

impl ObjectList {
    /// The canonical bytes of a list: `id size` a line.
    pub fn compose(objects: &[(ObjectId, u64)]) -> Vec<u8> {
        objects.iter().flat_map(|(id, bytes)| format!("{id} {bytes}\n").into_bytes()).collect()
    }

    /// Reads a list that a record named.
    ///
    /// # Errors
    /// [`Error::NotAList`] for an object that no `objects` line names; [`Error::List`] for anything but what
    /// [`ObjectList::compose`] writes, an object named twice, or more than [`OBJECT_LIST_LINES_MAX`] lines;
    /// [`Error::ListTotals`] when count or total are not the record's.
    pub fn parse(object: &VerifiedObject) -> Result<Self, Error> {
        let Shape::List { count, total } = object.named.shape else {
            return Err(Error::NotAList { id: object.named.id });
        };
        let lines = parse_lines(object.as_bytes())?;
        if totals(&lines) != Some((count, total)) {
            return Err(Error::ListTotals);
        }
        Ok(Self { objects: lines.into_iter().map(|(id, bytes)| ObjectRef::new(id, bytes)).collect() })
    }

    /// Reads a list that nobody vouches for yet: what a keeper checks before it accepts an append.
    ///
    /// # Errors
    /// [`Error::List`], as [`ObjectList::parse`].
    pub fn parse_unverified(bytes: &[u8]) -> Result<Vec<(ObjectId, u64)>, Error> {
        parse_lines(bytes)
    }

    /// The objects in order.
    pub fn objects(&self) -> &[ObjectRef] {
        &self.objects
    }
}

fn totals(lines: &[(ObjectId, u64)]) -> Option<(u64, u64)> {
    let total = lines.iter().try_fold(0_u64, |total, (_, bytes)| total.checked_add(*bytes))?;
    Some((u64::try_from(lines.len()).ok()?, total))
}

fn parse_lines(bytes: &[u8]) -> Result<Vec<(ObjectId, u64)>, Error> {
    let mut objects = Vec::new();
    let mut seen = HashSet::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let fault = Error::List { line: objects.len().saturating_add(1) };
        if objects.len() >= OBJECT_LIST_LINES_MAX {
            return Err(fault);
        }
        let end = rest.iter().position(|byte| *byte == b'\n').ok_or(fault)?;
        let (line, after) = rest.split_at_checked(end).ok_or(fault)?;
        rest = after.get(1..).ok_or(fault)?;
        let line = std::str::from_utf8(line).map_err(|_| fault)?;
        let (id, size) = line.split_once(' ').ok_or(fault)?;
        let id = ObjectId::from_hex(id).map_err(|_| fault)?;
        let length: u64 = size.parse().map_err(|_| fault)?;
        if length == 0 || length > OBJECT_BYTES_MAX || length.to_string() != size || !seen.insert(id) {
            return Err(fault);
        }
        objects.push((id, length));
    }
    Ok(objects)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

    use super::*;

    fn list(text: &str, count: u64, total: u64) -> Result<ObjectList, Error> {
        let bytes = text.as_bytes().to_vec();
        ObjectList::parse(&ObjectRef::list(ObjectId::of(&bytes), count, total).verify(bytes)?)
    }

    #[test]
    fn bytes_that_differ_from_their_name_are_refused() {
        let named = ObjectRef::new(ObjectId::of(b"pack"), 4);
        assert!(named.verify(b"pack".to_vec()).is_ok());
        for wrong in [b"pac".to_vec(), b"Pack".to_vec(), b"pack ".to_vec(), vec![]] {
            assert_eq!(named.verify(wrong).err(), Some(Error::Damaged { id: named.id() }));
        }
        let longer = ObjectRef::new(ObjectId::of(b"pack"), 5);
        assert_eq!(longer.verify(b"pack".to_vec()).err(), Some(Error::Damaged { id: named.id() }));
    }

    #[test]
    fn a_recipient_and_a_list_have_a_longest_length_before_they_are_hashed() {
        for named in [ObjectRef::recipient, |id| ObjectRef::list(id, 3, 3)] {
            let bound = usize::try_from(named(ObjectId::of(b"")).bytes()).unwrap();
            let (fits, longer) = (vec![b'a'; bound], vec![b'a'; bound + 1]);
            assert!(named(ObjectId::of(&fits)).verify(fits).is_ok());
            assert!(named(ObjectId::of(&longer)).verify(longer).is_err());
        }
    }

    #[test]
    fn a_list_reads_back_and_has_one_form() {
        let (id, other) = (ObjectId::of(b"a"), ObjectId::of(b"b"));
        let composed = ObjectList::compose(&[(id, 7), (other, OBJECT_BYTES_MAX)]);
        let read = list(std::str::from_utf8(&composed).unwrap(), 2, OBJECT_BYTES_MAX + 7).unwrap();
        assert_eq!(read.objects(), [ObjectRef::new(id, 7), ObjectRef::new(other, OBJECT_BYTES_MAX)]);
        for (wrong, line) in [
            (format!("{id} 7"), 1),
            (format!("{id}  7\n"), 1),
            (format!("{id} 07\n"), 1),
            (format!("{id} +7\n"), 1),
            (format!("{id} 0\n"), 1),
            (format!("{id} 16777217\n"), 1),
            (format!("{id} 7\r\n"), 1),
            (format!("{id} 7\n\n"), 2),
            (format!("{id} 7 7\n"), 1),
            (format!("{id} 7\n{id} 7\n"), 2),
            (format!("{other} 7\n{id} 7\n{other} 8\n"), 3),
        ] {
            assert_eq!(list(&wrong, 3, 7).err(), Some(Error::List { line }), "{wrong:?} was read as a list");
        }
    }

    #[test]
    fn a_list_with_another_count_or_total_than_its_record_says_is_refused() {
        let text = format!("{} 7\n{} 8\n", ObjectId::of(b"a"), ObjectId::of(b"b"));
        assert!(list(&text, 2, 15).is_ok());
        for (count, total) in [(3, 15), (2, 14), (2, 16), (2, 0)] {
            assert_eq!(list(&text, count, total).err(), Some(Error::ListTotals), "{count} {total}");
        }
    }

    #[test]
    fn an_object_that_no_record_names_as_a_list_is_not_read_as_one() {
        // A member who seals nothing could otherwise smuggle names in through a body or a pack.
        let bytes = format!("{} 7\n", ObjectId::of(b"a")).into_bytes();
        let id = ObjectId::of(&bytes);
        for named in [ObjectRef::new(id, bytes.len() as u64), ObjectRef::recipient(id)] {
            let object = named.verify(bytes.clone()).unwrap();
            assert_eq!(ObjectList::parse(&object).err(), Some(Error::NotAList { id }));
        }
    }

    #[test]
    fn a_list_past_the_longest_is_refused() {
        let lines: Vec<_> =
            (0..=OBJECT_LIST_LINES_MAX).map(|number| (ObjectId::of(&number.to_be_bytes()), 1)).collect();
        let longest = ObjectList::compose(&lines[1..]);
        assert!(ObjectList::parse_unverified(&longest).is_ok());
        let refused = ObjectList::parse_unverified(&ObjectList::compose(&lines)).err();
        assert_eq!(refused, Some(Error::List { line: OBJECT_LIST_LINES_MAX + 1 }));
    }
}
