//! Looking at one file of a deposit: text, a picture, or a document, in memory and never as a page of its own.
//!
//! What a file is, its first bytes say alone. Whatever could be a program is shown as text or not at all.

use std::sync::Arc;

use askama::Template;
use hizo_ledger::id::SeriesId;
use hizo_vault::manifest::{Content, Entry, Manifest};
use hizo_vault::plaintext::Plaintext;

use crate::composing::Members;
use crate::console::bytes;
use crate::contents::Opened;
use crate::desk::{Frame, Reply, Unlocked, Visit};
use crate::failure::{Failure, Outcome, shown_bytes};
use crate::words::words;

/// A file that is opened to be looked at, at most.
const FILE_BYTES_MAX: u64 = 32 << 20;
/// Text that is shown, at most.
const TEXT_BYTES_MAX: usize = 256 << 10;

/// What the first bytes of a file say that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Picture(&'static str),
    Document,
    Text,
    Other,
}

impl Sort {
    fn of(content: &[u8]) -> Self {
        let begins = |magic: &[u8]| content.starts_with(magic);
        if begins(b"\x89PNG\r\n\x1a\n") {
            Self::Picture("image/png")
        } else if begins(b"\xff\xd8\xff") {
            Self::Picture("image/jpeg")
        } else if begins(b"GIF87a") || begins(b"GIF89a") {
            Self::Picture("image/gif")
        } else if begins(b"RIFF") && content.get(8..12) == Some(b"WEBP") {
            Self::Picture("image/webp")
        } else if begins(b"%PDF-") {
            Self::Document
        } else if text(content).is_some() {
            Self::Text
        } else {
            Self::Other
        }
    }
}

/// The beginning of a text, as people may read it, and whether that is all of it.
fn text(content: &[u8]) -> Option<(String, bool)> {
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let begins = content.get(..TEXT_BYTES_MAX).unwrap_or(content);
    let valid = match std::str::from_utf8(begins) {
        Ok(text) => text,
        // A character that is cut at the end is no fault of the text.
        Err(fault) if begins.len() < content.len() && fault.error_len().is_none() => {
            std::str::from_utf8(&begins[..fault.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    if valid.contains('\0') {
        return None;
    }
    let line = |line: &str| line.split('\t').map(|part| shown_bytes(part.as_bytes())).collect::<Vec<_>>().join("\t");
    let lines: Vec<_> = valid.split('\n').map(|text| line(text.strip_suffix('\r').unwrap_or(text))).collect();
    Some((lines.join("\n"), begins.len() == content.len()))
}

/// The file that a visit asks for.
fn asked<'m>(visit: &Visit, manifest: &'m Manifest) -> Option<(&'m Entry, &'m Content)> {
    let entry = visit.param("entry").parse::<usize>().ok().and_then(|number| manifest.entries.get(number))?;
    entry.kind.content().map(|content| (entry, content))
}

/// What a file holds, compared with what the deposit committed to.
fn open(opened: Opened, series: SeriesId, content: &Content) -> Outcome<Plaintext> {
    if content.size > FILE_BYTES_MAX {
        return Err(Failure::fixable(words!(
            "the file is too large to be looked at here",
            "大きいため、ここでは見られません"
        ))
        .hint(words!("Bring it back into a folder.", "フォルダーに取り出してください。")));
    }
    Members::of(opened, series).whole(content)
}

#[derive(Template)]
#[template(path = "look.html")]
struct LookPage<'v> {
    f: Frame<'v>,
    deposit: String,
    here: String,
    /// Where its bytes are: a picture, or a document to save.
    picture: Option<String>,
    document: Option<String>,
    text: Option<String>,
    /// How much of it is shown, where that is not all.
    cut: Option<String>,
    entry: String,
    fault: Option<String>,
}

/// One file of a deposit.
pub(crate) fn look(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let (t, looked) = (visit.text(), unlocked.look()?);
    let Some((series, deposit, record)) = looked.deposit(visit.param("deposit")) else {
        return Ok(visit.go("/safe"));
    };
    let manifest = unlocked.contents(&looked, record)?;
    let here = visit.at(&format!("/deposit/{}", deposit.id));
    let Some((entry, content)) = asked(visit, &manifest) else { return Ok(Reply::Go(here)) };
    let at = format!("{here}/bytes?entry={}", visit.param("entry"));
    let mut page = LookPage {
        f: visit
            .frame(shown_bytes(&entry.path), format!("hizo restore {} …", &deposit.id.to_string()[..12]))
            .tab(t.say("tab-deposit")),
        deposit: looked.called(t, series, deposit),
        here,
        picture: None,
        document: None,
        text: None,
        cut: None,
        entry: visit.param("entry").to_owned(),
        fault: None,
    };
    match open(looked.opened(), series, content) {
        Ok(content) => match Sort::of(&content) {
            Sort::Picture(_) => page.picture = Some(at),
            Sort::Document => page.document = Some(at),
            Sort::Text => {
                let (text, is_all) = text(&content).unwrap_or_default();
                page.cut = (!is_all).then(|| t.one("look-cut", "size", bytes(TEXT_BYTES_MAX as u64)));
                page.text = Some(text);
            }
            Sort::Other => page.fault = Some(t.say("look-other")),
        },
        Err(failure) if failure.kind == crate::failure::Kind::Fixable => {
            page.fault = Some(failure.told_in(visit.language()));
        }
        Err(failure) => return Err(failure),
    }
    visit.page(&page)
}

/// The bytes of a picture or a document, as what their first bytes say and nothing else.
pub(crate) fn content(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let looked = unlocked.look()?;
    let Some((series, _, record)) = looked.deposit(visit.param("deposit")) else {
        return Ok(visit.go("/safe"));
    };
    let manifest = unlocked.contents(&looked, record)?;
    let Some((_, content)) = asked(visit, &manifest) else { return Ok(visit.go("/safe")) };
    let bytes = open(looked.opened(), series, content)?;
    Ok(match Sort::of(&bytes) {
        Sort::Picture(kind) => Reply::Foreign { kind, saved: None, bytes: bytes.to_vec() },
        Sort::Document => {
            Reply::Foreign { kind: "application/pdf", saved: Some("document.pdf"), bytes: bytes.to_vec() }
        }
        Sort::Text | Sort::Other => visit.go(&format!(
            "/deposit/{}/look?entry={}",
            visit.param("deposit"),
            visit.param("entry").parse::<usize>().unwrap_or(0)
        )),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a41_what_a_file_is_its_first_bytes_say_and_what_could_be_a_program_is_text() {
        let sorts: [(&[u8], Sort); 12] = [
            (b"\x89PNG\r\n\x1a\n<script>", Sort::Picture("image/png")),
            (b"\xff\xd8\xff\xe0", Sort::Picture("image/jpeg")),
            (b"GIF89a/*<svg onload=alert(1)>*/", Sort::Picture("image/gif")),
            (b"RIFF\0\0\0\0WEBPVP8 ", Sort::Picture("image/webp")),
            (b"RIFF\0\0\0\0WAVE", Sort::Other),
            (b"%PDF-1.7\n", Sort::Document),
            (b" %PDF-1.7", Sort::Text),
            (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", Sort::Text),
            (b"<!doctype html><script>alert(1)</script>", Sort::Text),
            (b"BM6\0", Sort::Other),
            (b"\xfe\xff\0a", Sort::Other),
            (b"", Sort::Text),
        ];
        for (content, sort) in sorts {
            assert_eq!(Sort::of(content), sort, "{}", String::from_utf8_lossy(content));
        }
    }

    #[test]
    fn text_is_shown_from_its_beginning_without_what_turns_it() {
        assert_eq!(text(b"\xef\xbb\xbfa\tb\r\nc"), Some(("a\tb\nc".into(), true)));
        assert_eq!(text("\u{202e}fdp\u{1b}[2J".as_bytes()), Some(("\\u{202e}fdp\\u{1b}[2J".into(), true)));
        let long = "あ".repeat(TEXT_BYTES_MAX);
        let (shown, is_all) = text(long.as_bytes()).unwrap();
        assert_eq!((shown.chars().count(), is_all), (TEXT_BYTES_MAX / 3, false));
        assert_eq!(text(b"\xff"), None);
    }
}
