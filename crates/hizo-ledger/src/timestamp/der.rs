//! DER (X.690), the part that stamps need: strict reading that copies nothing, and writing.
//!
//! Only definite and shortest lengths and tags of one byte; an element that is longer than what it stands in is refused.
//! It is ours because whatever is hashed must be kept as it stands, and because a policy's arc may have 128 bits.

/// The tags that stamps use, each with its class and its bit for "constructed".
pub mod tag {
    /// BOOLEAN.
    pub const BOOLEAN: u8 = 0x01;
    /// INTEGER.
    pub const INTEGER: u8 = 0x02;
    /// BIT STRING.
    pub const BIT_STRING: u8 = 0x03;
    /// OCTET STRING.
    pub const OCTET_STRING: u8 = 0x04;
    /// NULL.
    pub const NULL: u8 = 0x05;
    /// OBJECT IDENTIFIER.
    pub const OID: u8 = 0x06;
    /// UTF8String.
    pub const UTF8: u8 = 0x0c;
    /// PrintableString.
    pub const PRINTABLE: u8 = 0x13;
    /// IA5String.
    pub const IA5: u8 = 0x16;
    /// UTCTime.
    pub const UTC_TIME: u8 = 0x17;
    /// GeneralizedTime.
    pub const GENERALIZED_TIME: u8 = 0x18;
    /// BMPString.
    pub const BMP: u8 = 0x1e;
    /// SEQUENCE.
    pub const SEQUENCE: u8 = 0x30;
    /// SET.
    pub const SET: u8 = 0x31;
    /// `[0]` over other elements.
    pub const CONTEXT_0: u8 = 0xa0;
    /// `[1]` over other elements.
    pub const CONTEXT_1: u8 = 0xa1;
    /// `[2]` over other elements.
    pub const CONTEXT_2: u8 = 0xa2;
    /// `[3]` over other elements.
    pub const CONTEXT_3: u8 = 0xa3;
    /// `[4]` over other elements.
    pub const CONTEXT_4: u8 = 0xa4;
    /// `[0]` in place of a primitive element's own tag.
    pub const IMPLICIT_0: u8 = 0x80;
    /// `[1]` in place of a primitive element's own tag.
    pub const IMPLICIT_1: u8 = 0x81;
}

/// The bytes are not DER, or another element stands where this one must stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are not DER of the structure that must stand here")]
pub struct NotDer;

/// One element: its tag, its content, and both with the length between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element<'a> {
    /// The tag's byte.
    pub tag: u8,
    /// What the element holds.
    pub content: &'a [u8],
    /// The element as it stands.
    pub whole: &'a [u8],
}

/// Elements that stand one after another.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads from the first byte.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether nothing is left.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next element, whatever it is.
    ///
    /// # Errors
    /// [`NotDer`].
    pub fn any(&mut self) -> Result<Element<'a>, NotDer> {
        let (tag, rest) = self.0.split_first().ok_or(NotDer)?;
        // Tag numbers from 31 take more bytes; nothing here has one.
        if tag & 0x1f == 0x1f {
            return Err(NotDer);
        }
        let (length, rest) = length(rest)?;
        let (content, rest) = rest.split_at_checked(length).ok_or(NotDer)?;
        let whole = self.0.get(..self.0.len().saturating_sub(rest.len())).ok_or(NotDer)?;
        self.0 = rest;
        Ok(Element { tag: *tag, content, whole })
    }

    /// The next element, which has this tag.
    ///
    /// # Errors
    /// [`NotDer`], also for another tag.
    pub fn element(&mut self, tag: u8) -> Result<Element<'a>, NotDer> {
        let element = self.any()?;
        if element.tag == tag { Ok(element) } else { Err(NotDer) }
    }

    /// The content of the next element, which has this tag.
    ///
    /// # Errors
    /// As [`Reader::element`].
    pub fn take(&mut self, tag: u8) -> Result<&'a [u8], NotDer> {
        Ok(self.element(tag)?.content)
    }

    /// A reader of the next element's content, which has this tag.
    ///
    /// # Errors
    /// As [`Reader::element`].
    pub fn inside(&mut self, tag: u8) -> Result<Self, NotDer> {
        Ok(Self(self.take(tag)?))
    }

    /// The next element if it has this tag; else nothing is read.
    ///
    /// # Errors
    /// As [`Reader::any`].
    pub fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, NotDer> {
        if self.0.first() == Some(&tag) { self.any().map(Some) } else { Ok(None) }
    }

    /// Everything was read.
    ///
    /// # Errors
    /// [`NotDer`] when something is left.
    pub const fn end(self) -> Result<(), NotDer> {
        if self.0.is_empty() { Ok(()) } else { Err(NotDer) }
    }
}

/// The one element that these bytes are, with this tag and nothing behind it.
///
/// # Errors
/// [`NotDer`].
pub fn only(bytes: &[u8], tag: u8) -> Result<Reader<'_>, NotDer> {
    let mut reader = Reader::new(bytes);
    let inside = reader.inside(tag)?;
    reader.end()?;
    Ok(inside)
}

fn length(bytes: &[u8]) -> Result<(usize, &[u8]), NotDer> {
    let (first, rest) = bytes.split_first().ok_or(NotDer)?;
    if *first < 0x80 {
        return Ok((usize::from(*first), rest));
    }
    // 0x80 would be a length that is told later; four bytes are more than any limit of this module.
    let count = usize::from(first & 0x7f);
    let (digits, rest) = rest.split_at_checked(count).ok_or(NotDer)?;
    if !(1..=4).contains(&count) || digits.first() == Some(&0) {
        return Err(NotDer);
    }
    let length = digits.iter().fold(0_u64, |length, digit| (length << 8) | u64::from(*digit));
    let length = usize::try_from(length).map_err(|_| NotDer)?;
    if length < 0x80 { Err(NotDer) } else { Ok((length, rest)) }
}

/// The content of a BOOLEAN.
///
/// # Errors
/// [`NotDer`] for anything but the two bytes that DER has.
pub const fn boolean(content: &[u8]) -> Result<bool, NotDer> {
    match content {
        [0x00] => Ok(false),
        [0xff] => Ok(true),
        _ => Err(NotDer),
    }
}

/// The content of an INTEGER from 0, as big-endian bytes without leading zeros; 0 has no bytes.
///
/// # Errors
/// [`NotDer`] for a negative number, and for one that is not written shortest.
pub const fn unsigned(content: &[u8]) -> Result<&[u8], NotDer> {
    match content {
        [] | [0x80..=0xff, ..] | [0, 0..=0x7f, ..] => Err(NotDer),
        [0, rest @ ..] => Ok(rest),
        _ => Ok(content),
    }
}

/// The content of an INTEGER from 0 of at most 32 bits.
///
/// # Errors
/// As [`unsigned`]; [`NotDer`] for a larger number.
pub fn small(content: &[u8]) -> Result<u32, NotDer> {
    let digits = unsigned(content)?;
    if digits.len() > 4 {
        return Err(NotDer);
    }
    Ok(digits.iter().fold(0, |number, digit| (number << 8) | u32::from(*digit)))
}

/// The content of a BIT STRING of whole bytes.
///
/// # Errors
/// [`NotDer`].
pub const fn whole_bytes(content: &[u8]) -> Result<&[u8], NotDer> {
    match content {
        [0, bytes @ ..] => Ok(bytes),
        _ => Err(NotDer),
    }
}

/// The first 16 bits of a BIT STRING whose bits have names; bit 0 is the highest.
///
/// # Errors
/// [`NotDer`], also when a bit is set that does not belong to it.
pub fn named_bits(content: &[u8]) -> Result<u16, NotDer> {
    let (unused, bytes) = content.split_first().ok_or(NotDer)?;
    let spare = match (unused, bytes.last()) {
        (0, _) => 0,
        (1..=7, Some(last)) => last & ((1_u8 << unused).wrapping_sub(1)),
        _ => return Err(NotDer),
    };
    if spare != 0 {
        return Err(NotDer);
    }
    let byte = |place| bytes.get(place).copied().unwrap_or(0);
    Ok(u16::from_be_bytes([byte(0), byte(1)]))
}

/// An element with this tag and content.
pub fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    let digits = content.len().to_be_bytes();
    let digits = digits.get(digits.iter().take_while(|digit| **digit == 0).count()..).unwrap_or_default();
    match digits {
        [] => bytes.push(0),
        [short @ 0..=0x7f] => bytes.push(*short),
        _ => {
            bytes.push(0x80 | digits.len().to_le_bytes().first().copied().unwrap_or(0));
            bytes.extend(digits);
        }
    }
    bytes.extend(content);
    bytes
}

/// An element that holds these elements in their order.
pub fn nested(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    element(tag, &parts.concat())
}

/// A SEQUENCE.
pub fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    nested(tag::SEQUENCE, parts)
}

/// A SET OF, in the order that DER wants.
pub fn set_of(mut parts: Vec<Vec<u8>>) -> Vec<u8> {
    parts.sort();
    element(tag::SET, &parts.concat())
}

/// An INTEGER from 0, from big-endian bytes.
pub fn integer(big_endian: &[u8]) -> Vec<u8> {
    let zeros = big_endian.iter().take_while(|byte| **byte == 0).count();
    let digits = big_endian.get(zeros..).unwrap_or_default();
    match digits {
        [] | [0x80..=0xff, ..] => element(tag::INTEGER, &[&[0], digits].concat()),
        _ => element(tag::INTEGER, digits),
    }
}

/// A BIT STRING of whole bytes.
pub fn bit_string(bytes: &[u8]) -> Vec<u8> {
    element(tag::BIT_STRING, &[&[0], bytes].concat())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

    use super::*;

    #[test]
    fn what_is_written_is_read_and_in_no_other_form() {
        for length in [0_usize, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x1_0000] {
            let bytes = element(tag::OCTET_STRING, &vec![7; length]);
            let mut reader = Reader::new(&bytes);
            let read = reader.any().unwrap();
            assert_eq!((read.tag, read.content.len(), read.whole), (tag::OCTET_STRING, length, bytes.as_slice()));
            assert_eq!(reader.end(), Ok(()));
            assert!(Reader::new(&bytes[..bytes.len() - 1]).any().is_err() || length == 0);
        }
    }

    #[test]
    fn lengths_that_are_long_open_or_beyond_the_end_are_refused() {
        for wrong in [
            &[][..],
            &[0x04],
            &[0x04, 0x01],
            &[0x04, 0x80, 0x00, 0x00],
            &[0x04, 0x81, 0x01, 0x00],
            &[0x04, 0x82, 0x00, 0x80],
            &[0x04, 0x84, 0xff, 0xff, 0xff, 0xff],
            &[0x04, 0x85, 0x01, 0x00, 0x00, 0x00, 0x00],
            &[0x04, 0xff],
            &[0x1f, 0x01, 0x00],
            &[0xbf, 0x81, 0x01, 0x00],
        ] {
            assert_eq!(Reader::new(wrong).any(), Err(NotDer), "{wrong:02x?}");
        }
    }

    #[test]
    fn numbers_have_one_form_and_no_sign() {
        for (number, bytes) in [(0_u32, &[0][..]), (1, &[1]), (127, &[0x7f]), (128, &[0, 0x80]), (65_536, &[1, 0, 0])] {
            assert_eq!(small(bytes), Ok(number));
            assert_eq!(integer(&number.to_be_bytes()), element(tag::INTEGER, bytes));
        }
        assert_eq!(unsigned(&[0]), Ok(&[][..]));
        for wrong in [&[][..], &[0x80], &[0xff, 0xff], &[0, 0], &[0, 1], &[1, 0, 0, 0, 0], &[0, 0x80, 0, 0, 0, 0]] {
            assert_eq!(small(wrong), Err(NotDer), "{wrong:02x?}");
        }
    }

    #[test]
    fn bits_that_belong_to_nothing_are_refused() {
        assert_eq!(named_bits(&[1, 0b0000_0110]), Ok(0x0600));
        assert_eq!(named_bits(&[7, 0, 0x80]), Ok(0x0080));
        assert_eq!(named_bits(&[0]), Ok(0));
        for wrong in [&[][..], &[1], &[1, 1], &[8, 0], &[7, 0x40]] {
            assert_eq!(named_bits(wrong), Err(NotDer), "{wrong:02x?}");
        }
    }
}
