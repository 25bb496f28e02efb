//! Names of things by hash or by chance: one type each, so that one never passes for another.

use std::fmt;

use sha2::{Digest, Sha256};

/// The text is not the lower-case hexadecimal form of an identifier of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a {kind}: {digits} lower-case hexadecimal digits are needed")]
pub struct NotAnId {
    /// What was asked for, as in the glossary.
    pub kind: &'static str,
    /// How many digits its text has.
    pub digits: usize,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $bytes:literal, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// Length in bytes; the text form has two hexadecimal digits a byte.
            pub const BYTES: usize = $bytes;

            /// Wraps raw bytes.
            pub const fn from_bytes(bytes: [u8; $bytes]) -> Self {
                Self(bytes)
            }

            /// The raw bytes.
            pub const fn as_bytes(&self) -> &[u8; $bytes] {
                &self.0
            }

            /// Reads lower-case hexadecimal digits, exactly as many as the bytes need.
            ///
            /// # Errors
            /// [`NotAnId`] for any other text.
            pub fn from_hex(text: &str) -> Result<Self, NotAnId> {
                let mut bytes = [0; $bytes];
                decode_hex(text, &mut bytes).ok_or(NotAnId { kind: $kind, digits: $bytes * 2 })?;
                Ok(Self(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut digits = [0; $bytes * 2];
                encode_hex(&self.0, &mut digits);
                f.write_str(std::str::from_utf8(&digits).map_err(|_| fmt::Error)?)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}

id!(
    /// SHA-256 of an object's bytes, which are public to the keeper: ciphertext or an object list.
    ObjectId, 32, "object id"
);
id!(
    /// SHA-256 of a whole record note.
    RecordId, 32, "record id"
);
id!(
    /// SHA-256 of a whole directory note.
    DirectoryId, 32, "directory id"
);
id!(
    /// A space's random name (16 bytes, drawn at genesis).
    SpaceId, 16, "space id"
);
id!(
    /// A series' random name inside its space (8 bytes).
    SeriesId, 8, "series id"
);
id!(
    /// First 8 bytes of SHA-256 of a signing key: the name on its signature line. It finds a key, it never proves one.
    KeyName, 8, "key name"
);
id!(
    /// C of a deposit's commitment, under one hash function.
    CommitHash, 32, "commitment"
);
id!(
    /// Root of the log's Merkle tree at some size.
    RootHash, 32, "root hash"
);
id!(
    /// A leaf or inner node of the log's Merkle tree.
    NodeHash, 32, "node hash"
);
id!(
    /// A record's place in its space as the log shows it: HMAC-SHA-256 of its number under the space's slot key
    /// (docs/spec/log.md, section "Leaf").
    Slot, 32, "slot"
);
id!(
    /// Makes a session note be good for one session only: drawn by the client for it.
    Nonce, 16, "nonce"
);
id!(
    /// SHA-256 of the space's slot key K, fixed at genesis (docs/spec/record.md, section "Control lines").
    SlotKeyHash, 32, "slot key hash"
);

impl ObjectId {
    /// The id of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl DirectoryId {
    /// The id of this whole note.
    pub fn of(note: &[u8]) -> Self {
        Self(Sha256::digest(note).into())
    }
}

impl RecordId {
    /// The id of this whole note.
    pub fn of(note: &[u8]) -> Self {
        Self(Sha256::digest(note).into())
    }
}

fn encode_hex(bytes: &[u8], out: &mut [u8]) {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    for (byte, pair) in bytes.iter().zip(out.chunks_exact_mut(2)) {
        for (digit, value) in pair.iter_mut().zip([byte >> 4, byte & 15]) {
            *digit = DIGITS.get(usize::from(value)).copied().unwrap_or(b'?');
        }
    }
}

fn decode_hex(text: &str, out: &mut [u8]) -> Option<()> {
    let digits = text.as_bytes();
    if digits.len() != out.len().checked_mul(2)? {
        return None;
    }
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = hex_digit(*high)? << 4 | hex_digit(*low)?;
    }
    Some(())
}

fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => digit.checked_sub(b'0'),
        b'a'..=b'f' => digit.checked_sub(b'a' - 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

    use super::*;

    #[test]
    fn an_id_reads_back_from_its_own_text_and_from_nothing_else() {
        let id = SeriesId::from_bytes([0x0f, 1, 2, 3, 4, 5, 6, 0xa7]);
        assert_eq!(id.to_string(), "0f010203040506a7");
        assert_eq!(SeriesId::from_hex("0f010203040506a7"), Ok(id));
        for wrong in
            ["", "0F010203040506A7", "0f010203040506a", "0f010203040506a7 ", "0f010203040506g7", "０f010203040506"]
        {
            assert!(SeriesId::from_hex(wrong).is_err(), "{wrong:?} was read as an id");
        }
    }
}
