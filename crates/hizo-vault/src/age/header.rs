//! The header of an age file: who may open it, bound together by a MAC under the file key.
//!
//! See docs/spec/pack-container.md, section "Header". There is one form: what parses is what would be written.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{Fault, FileKey, RECIPIENTS_MAX, Unwrap, passphrase};

/// Longest header that is read: one with as many hybrid stanzas as a file may have recipients.
pub const HEADER_BYTES_MAX: usize = hybrid_header_bytes(RECIPIENTS_MAX);

const VERSION_LINE: &str = "age-encryption.org/v1\n";
const STANZA_MARK: &str = "-> ";
const MAC_MARK: &str = "---";
const BODY_COLUMNS: usize = 64;
const MAC_BYTES: usize = 32;
const MAC_DIGITS: usize = 43;
/// Version line and MAC line.
const ENDS_BYTES: usize = VERSION_LINE.len() + MAC_MARK.len() + 1 + MAC_DIGITS + 1;

/// One way to the file key, as the header gives it.
pub(super) struct Stanza<'a> {
    /// The kind first; never empty.
    pub(super) arguments: Vec<&'a str>,
    pub(super) body: Vec<u8>,
}

/// A stanza to be written.
pub(super) struct NewStanza {
    pub(super) arguments: String,
    pub(super) body: Vec<u8>,
}

/// A header in its one form. Nothing in it is authentic before [`Header::file_key`] returns.
pub(super) struct Header<'a> {
    pub(super) stanzas: Vec<Stanza<'a>>,
    /// Length in bytes; the nonce of the payload follows.
    pub(super) bytes: usize,
    authenticated: &'a [u8],
    mac: [u8; MAC_BYTES],
}

/// Length of a header with so many hybrid stanzas and no others.
pub(super) const fn hybrid_header_bytes(recipients: usize) -> usize {
    super::hybrid::STANZA_BYTES.saturating_mul(recipients).saturating_add(ENDS_BYTES)
}

impl<'a> Header<'a> {
    /// Reads the header at the front of a file.
    pub(super) fn parse(file: &'a [u8]) -> Result<Self, Fault> {
        let readable = file.get(..HEADER_BYTES_MAX).unwrap_or(file);
        let mut lines = Lines { rest: readable };
        if lines.next()? != VERSION_LINE.trim_ascii_end() {
            return Err(Fault::Header);
        }
        let mut stanzas = Vec::new();
        loop {
            let start = readable.len().saturating_sub(lines.rest.len());
            let line = lines.next()?;
            if let Some(arguments) = line.strip_prefix(STANZA_MARK) {
                if stanzas.len() == RECIPIENTS_MAX {
                    return Err(Fault::Header);
                }
                stanzas.push(Stanza { arguments: parse_arguments(arguments)?, body: parse_body(&mut lines)? });
                continue;
            }
            let mac = parse_mac(line)?;
            if stanzas.is_empty() {
                return Err(Fault::Header);
            }
            let authenticated = readable.get(..start.saturating_add(MAC_MARK.len())).ok_or(Fault::Header)?;
            return Ok(Self { stanzas, bytes: readable.len().saturating_sub(lines.rest.len()), authenticated, mac });
        }
    }

    /// Finds the file key and checks with it that the header is whole.
    ///
    /// The MAC covers every stanza, so a header commits to one file key: whoever opens it, opens the same payload.
    pub(super) fn file_key(&self, key: &dyn Unwrap) -> Result<FileKey, Fault> {
        // A passphrase stands alone: whoever shares it expects that nobody else made the file.
        if self.stanzas.len() > 1 && self.stanzas.iter().any(passphrase::is_for_this_kind) {
            return Err(Fault::Header);
        }
        let file_key = key.unwrap(&self.stanzas)?.ok_or(Fault::NoMatch)?;
        keyed_mac(&file_key, self.authenticated).verify_slice(&self.mac).map_err(|_| Fault::Mac)?;
        Ok(file_key)
    }
}

/// Writes a header.
pub(super) fn compose(stanzas: &[NewStanza], file_key: &FileKey) -> Vec<u8> {
    let mut text = String::from(VERSION_LINE);
    for stanza in stanzas {
        text.push_str(STANZA_MARK);
        text.push_str(&stanza.arguments);
        text.push('\n');
        let body = BASE64.encode(&stanza.body);
        let mut rest = body.as_str();
        while let Some((line, after)) = rest.split_at_checked(BODY_COLUMNS) {
            text.push_str(line);
            text.push('\n');
            rest = after;
        }
        text.push_str(rest);
        text.push('\n');
    }
    text.push_str(MAC_MARK);
    let mac = keyed_mac(file_key, text.as_bytes()).finalize().into_bytes();
    text.push(' ');
    BASE64.encode_string(mac, &mut text);
    text.push('\n');
    text.into_bytes()
}

/// Decodes canonical base64 without padding, of exactly so many bytes.
pub(super) fn decode_exact<const N: usize>(text: &str) -> Result<[u8; N], Fault> {
    let mut bytes = [0; N];
    match BASE64.decode_slice(text, &mut bytes) {
        Ok(length) if length == N => Ok(bytes),
        _ => Err(Fault::Header),
    }
}

/// Encodes as base64 without padding.
pub(super) fn encode(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

fn keyed_mac(file_key: &FileKey, authenticated: &[u8]) -> Hmac<Sha256> {
    let mut key = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(None, file_key.0.as_ref())
        .expand(b"header", key.as_mut())
        .expect("32 bytes are within what HKDF-SHA-256 can give");
    <Hmac<Sha256> as KeyInit>::new_from_slice(key.as_ref())
        .expect("HMAC takes a key of any length")
        .chain_update(authenticated)
}

fn parse_arguments(text: &str) -> Result<Vec<&str>, Fault> {
    let visible = |argument: &&str| !argument.is_empty() && argument.bytes().all(|byte| byte.is_ascii_graphic());
    let arguments: Vec<&str> = text.split(' ').collect();
    if arguments.iter().all(visible) { Ok(arguments) } else { Err(Fault::Header) }
}

/// Full lines, then one that is shorter and may be empty.
fn parse_body(lines: &mut Lines<'_>) -> Result<Vec<u8>, Fault> {
    let mut text = String::new();
    loop {
        let line = lines.next()?;
        if line.len() > BODY_COLUMNS {
            return Err(Fault::Header);
        }
        text.push_str(line);
        if line.len() < BODY_COLUMNS {
            return BASE64.decode(text).map_err(|_| Fault::Header);
        }
    }
}

fn parse_mac(line: &str) -> Result<[u8; MAC_BYTES], Fault> {
    let digits = line.strip_prefix(MAC_MARK).and_then(|rest| rest.strip_prefix(' ')).ok_or(Fault::Header)?;
    decode_exact(digits)
}

struct Lines<'a> {
    rest: &'a [u8],
}

impl<'a> Lines<'a> {
    /// The next line without its end. A line that does not end, within what is readable, is a fault.
    fn next(&mut self) -> Result<&'a str, Fault> {
        let end = self.rest.iter().position(|byte| *byte == b'\n').ok_or(Fault::Header)?;
        let (line, after) = self.rest.split_at_checked(end).ok_or(Fault::Header)?;
        self.rest = after.get(1..).ok_or(Fault::Header)?;
        std::str::from_utf8(line).map_err(|_| Fault::Header)
    }
}
