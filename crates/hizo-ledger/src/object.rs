//! Objects: immutable bytes that a verified record names, directly or through its object list.
//!
//! The one rule of opening rests on the types here: an [`ObjectRef`] comes only from a verified record, or from an
//! object list that such a record names, and a [`VerifiedObject`] only from an [`ObjectRef`] whose hash the bytes met.
//! See docs/spec/record.md, section "Objects".

use crate::id::ObjectId;

/// Most bytes one object may have: a full pack.
pub const OBJECT_BYTES_MAX: u64 = 16 << 20;

/// Most lines an object list may have (about 1 TiB of packs).
pub const OBJECT_LIST_LINES_MAX: usize = 1 << 16;

/// Why bytes are not the object that was named, or not an object list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes hash to another id, or are longer or shorter than named.
    #[error("object {id} is damaged: its bytes do not match its name")]
    Damaged {
        /// The id that was named.
        id: ObjectId,
    },
    /// An object list is not in its one canonical form, or does not have the count and total that the record names.
    #[error("line {line} of the object list is not `id size`")]
    List {
        /// First line at fault, counted from 1.
        line: usize,
    },
}

/// An object's name and size as a verified record, or a list that it names, gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectRef {
    id: ObjectId,
    bytes: u64,
}

impl ObjectRef {
    /// Only for this crate's verified types: whoever can call this decides what may be opened.
    pub(crate) const fn new(id: ObjectId, bytes: u64) -> Self {
        Self { id, bytes }
    }

    /// SHA-256 of the object's bytes.
    pub const fn id(&self) -> ObjectId {
        self.id
    }

    /// The object's length in bytes.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes the bytes that the keeper, or a folder, says are this object.
    ///
    /// # Errors
    /// [`Error::Damaged`] when length or hash differ; the reaction depends on public hashes only.
    pub fn verify(&self, bytes: Vec<u8>) -> Result<VerifiedObject, Error> {
        let same_length = u64::try_from(bytes.len()).is_ok_and(|length| length == self.bytes);
        if !same_length || ObjectId::of(&bytes) != self.id {
            return Err(Error::Damaged { id: self.id });
        }
        Ok(VerifiedObject { bytes })
    }
}

/// Bytes whose hash a verified record named. Nothing else from a keeper may be decrypted.
pub struct VerifiedObject {
    bytes: Vec<u8>,
}

impl VerifiedObject {
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
    /// [`Error::List`] for anything but what [`ObjectList::compose`] writes, or past [`OBJECT_LIST_LINES_MAX`].
    pub fn parse(object: &VerifiedObject) -> Result<Self, Error> {
        Ok(Self { objects: parse_lines(object.as_bytes())?.into_iter().map(|(id, bytes)| ObjectRef::new(id, bytes)).collect() })
    }

    /// Reads a list that nobody vouches for yet: what a keeper checks before it accepts an append.
    ///
    /// # Errors
    /// As [`ObjectList::parse`].
    pub fn parse_unverified(bytes: &[u8]) -> Result<Vec<(ObjectId, u64)>, Error> {
        parse_lines(bytes)
    }

    /// The objects in order.
    pub fn objects(&self) -> &[ObjectRef] {
        &self.objects
    }
}

fn parse_lines(bytes: &[u8]) -> Result<Vec<(ObjectId, u64)>, Error> {
    let mut objects = Vec::new();
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
        if length == 0 || length > OBJECT_BYTES_MAX || length.to_string() != size {
            return Err(fault);
        }
        objects.push((id, length));
    }
    Ok(objects)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Result<ObjectList, Error> {
        let bytes = text.as_bytes().to_vec();
        let named = ObjectRef::new(ObjectId::of(&bytes), bytes.len() as u64);
        ObjectList::parse(&named.verify(bytes).unwrap())
    }

    #[test]
    fn bytes_that_differ_from_their_name_are_refused() {
        let named = ObjectRef::new(ObjectId::of(b"pack"), 4);
        assert!(named.verify(b"pack".to_vec()).is_ok());
        for wrong in [b"pac".to_vec(), b"Pack".to_vec(), b"pack ".to_vec(), vec![]] {
            assert_eq!(named.verify(wrong).err(), Some(Error::Damaged { id: named.id() }));
        }
    }

    #[test]
    fn a_list_reads_back_and_has_one_form() {
        let id = ObjectId::of(b"a");
        let composed = ObjectList::compose(&[(id, 7), (ObjectId::of(b"b"), OBJECT_BYTES_MAX)]);
        assert_eq!(list(std::str::from_utf8(&composed).unwrap()).unwrap().objects().len(), 2);
        for wrong in [
            format!("{id} 7"),
            format!("{id}  7\n"),
            format!("{id} 07\n"),
            format!("{id} +7\n"),
            format!("{id} 0\n"),
            format!("{id} 16777217\n"),
            format!("{id} 7\r\n"),
            format!("{id} 7\n\n"),
            format!("{id} 7 7\n"),
        ] {
            assert!(list(&wrong).is_err(), "{wrong:?} was read as a list");
        }
    }
}
