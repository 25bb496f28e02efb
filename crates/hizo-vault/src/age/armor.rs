//! Age files as text that survives mail and paper: strict PEM, in one form.
//!
//! Only files that a person keeps himself are armored; nothing in a space is. See docs/spec/pack-container.md,
//! section "Armor".

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::Fault;

const BEGIN: &str = "-----BEGIN AGE ENCRYPTED FILE-----";
const END: &str = "-----END AGE ENCRYPTED FILE-----";
const COLUMNS: usize = 64;

/// The file as armored text, lines ended by LF.
pub(super) fn compose(file: &[u8]) -> String {
    let digits = BASE64.encode(file);
    let mut text = format!("{BEGIN}\n");
    let mut rest = digits.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at_checked(COLUMNS).unwrap_or((rest, ""));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str(END);
    text.push('\n');
    text
}

/// The file itself, whether or not it came armored.
pub(super) fn remove_if_armored(bytes: Vec<u8>) -> Result<Vec<u8>, Fault> {
    if bytes.trim_ascii_start().starts_with(b"-----BEGIN") { parse(&bytes) } else { Ok(bytes) }
}

/// Reads armor. White space may stand before and after; lines may end in CRLF; nothing else may differ from [`compose`].
pub(super) fn parse(bytes: &[u8]) -> Result<Vec<u8>, Fault> {
    let text = std::str::from_utf8(bytes.trim_ascii()).map_err(|_| Fault::Armor)?;
    let body = text.strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END)).ok_or(Fault::Armor)?;
    let body = take_line_end(body).ok_or(Fault::Armor)?;
    let mut digits = String::with_capacity(body.len());
    let mut lines = body.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        let line = line.strip_suffix('\n').ok_or(Fault::Armor)?;
        let line = line.strip_suffix('\r').unwrap_or(line);
        let whole = line.len() == COLUMNS;
        let ends = lines.peek().is_none() && (1..COLUMNS).contains(&line.len());
        if !whole && !ends {
            return Err(Fault::Armor);
        }
        digits.push_str(line);
    }
    BASE64.decode(digits).map_err(|_| Fault::Armor)
}

fn take_line_end(text: &str) -> Option<&str> {
    text.strip_prefix("\r\n").or_else(|| text.strip_prefix('\n'))
}
