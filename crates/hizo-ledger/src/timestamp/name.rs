//! Distinguished names as people read them.

use std::fmt::Write as _;

use crate::path::is_unseen;

use super::der::{NotDer, Reader, tag};
use super::oid::Oid;

/// Most characters of a name that are shown.
pub const NAME_CHARACTERS_MAX: usize = 1024;

/// Attribute types with a short name (RFC 4519), by the last byte of 2.5.4.x.
const SHORT: [(u8, &str); 8] = [
    (3, "CN"),
    (5, "serialNumber"),
    (6, "C"),
    (7, "L"),
    (8, "ST"),
    (10, "O"),
    (11, "OU"),
    (97, "organizationIdentifier"),
];

/// `C=JP, O=Example, CN=Time Stamping`: from a Name in DER, in its order. What a terminal or a reader could take for
/// something else is escaped.
pub(crate) fn readable(name: &[u8]) -> String {
    let mut text = String::new();
    // A name that cannot be read to its end is shown as far as it goes: nothing rests on it.
    let _ = write_name(&mut text, name);
    text.chars().take(NAME_CHARACTERS_MAX).collect()
}

fn write_name(text: &mut String, name: &[u8]) -> Result<(), NotDer> {
    let mut names = Reader::new(name).inside(tag::SEQUENCE)?;
    while !names.is_empty() && text.len() <= NAME_CHARACTERS_MAX {
        let mut set = names.inside(tag::SET)?;
        while !set.is_empty() {
            let mut attribute = set.inside(tag::SEQUENCE)?;
            let (kind, value) = (attribute.take(tag::OID)?, attribute.any()?);
            let kind = match kind {
                [0x55, 0x04, last] => SHORT.iter().find(|(byte, _)| byte == last).map(|(_, short)| (*short).to_owned()),
                _ => None,
            }
            .or_else(|| Oid::from_content(kind).ok().map(|oid| oid.to_string()))
            .ok_or(NotDer)?;
            if !text.is_empty() {
                text.push_str(", ");
            }
            let _ = write!(text, "{kind}=");
            decode(value.tag, value.content).chars().for_each(|character| escape(text, character));
        }
    }
    Ok(())
}

fn decode(tag: u8, content: &[u8]) -> String {
    match tag {
        tag::UTF8 | tag::PRINTABLE | tag::IA5 => String::from_utf8_lossy(content).into_owned(),
        tag::BMP => {
            let unit = |pair: &[u8]| match pair {
                [high, low] => u16::from_be_bytes([*high, *low]),
                _ => 0xfffd,
            };
            String::from_utf16_lossy(&content.chunks(2).map(unit).collect::<Vec<_>>())
        }
        _ => content.iter().fold("#".to_owned(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        }),
    }
}

fn escape(text: &mut String, character: char) {
    match character {
        ',' | '=' | '\\' => text.extend(['\\', character]),
        _ if character.is_control() || is_unseen(character) => text.extend(character.escape_unicode()),
        _ => text.push(character),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timestamp::der;

    fn name(kind: &[u8], tag: u8, value: &[u8]) -> Vec<u8> {
        let attribute = der::sequence(&[&der::element(tag::OID, kind), &der::element(tag, value)]);
        der::sequence(&[&der::set_of(vec![attribute])])
    }

    #[test]
    fn a_name_is_shown_with_its_tricks_escaped() {
        let common = [0x55, 0x04, 0x03];
        assert_eq!(readable(&name(&common, tag::UTF8, "秘蔵".as_bytes())), "CN=秘蔵");
        assert_eq!(readable(&name(&common, tag::BMP, &[0x79, 0xd8, 0x85, 0x35])), "CN=秘蔵");
        assert_eq!(readable(&name(&common, tag::UTF8, b"A, O=B")), "CN=A\\, O\\=B");
        assert_eq!(readable(&name(&common, tag::UTF8, "a\u{202e}b\u{1b}[2J".as_bytes())), "CN=a\\u{202e}b\\u{1b}[2J");
        assert_eq!(readable(&name(&[0x2a, 0x03], 0x14, &[0xff])), "1.2.3=#ff");
        assert_eq!(readable(&[0x30, 0x05, 0x01]), "");
        assert!(readable(&name(&common, tag::UTF8, &[b'x'; 9000])).chars().count() <= NAME_CHARACTERS_MAX);
    }
}
