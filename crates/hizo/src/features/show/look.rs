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

/// The beginning of a text, as people may read it.
#[derive(Debug, PartialEq, Eq)]
struct Reading {
    text: String,
    is_all: bool,
    /// What its characters were taken for, where that is not UTF-8.
    encoding: Option<&'static str>,
}

/// A mark at the beginning says in which encoding a text is; without one it is UTF-8, or what Windows writes in Japan.
fn text(content: &[u8]) -> Option<Reading> {
    match encoding_rs::Encoding::for_bom(content) {
        Some((encoding, mark)) => read(content.get(mark..)?, encoding),
        None => read(content, encoding_rs::UTF_8).or_else(|| read(content, encoding_rs::SHIFT_JIS)),
    }
}

/// The same in one encoding; nothing where it has a fault by that.
fn read(content: &[u8], encoding: &'static encoding_rs::Encoding) -> Option<Reading> {
    let begins = content.get(..TEXT_BYTES_MAX).unwrap_or(content);
    let is_all = begins.len() == content.len();
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut text = String::with_capacity(decoder.max_utf8_buffer_length_without_replacement(begins.len())?);
    // A character that is cut at the end is no fault of the text.
    let (result, _) = decoder.decode_to_string_without_replacement(begins, &mut text, is_all);
    let is_whole = result == encoding_rs::DecoderResult::InputEmpty;
    let is_utf_8 = encoding == encoding_rs::UTF_8;
    // Most bytes are something in the other encodings: what holds what no text does is none.
    let is_strange =
        |c: char| c == '\0' || (!is_utf_8 && c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\x0c' | '\x1a'));
    if !is_whole || text.contains(is_strange) {
        return None;
    }
    let line = |line: &str| line.split('\t').map(|part| shown_bytes(part.as_bytes())).collect::<Vec<_>>().join("\t");
    let lines: Vec<_> = text.split('\n').map(|text| line(text.strip_suffix('\r').unwrap_or(text))).collect();
    Some(Reading { text: lines.join("\n"), is_all, encoding: (!is_utf_8).then(|| encoding.name()) })
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
    /// What its characters were taken for, where others may be meant.
    encoding: Option<String>,
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
        encoding: None,
        entry: visit.param("entry").to_owned(),
        fault: None,
    };
    match open(looked.opened(), series, content) {
        Ok(content) => match Sort::of(&content) {
            Sort::Picture(_) => page.picture = Some(at),
            Sort::Document => page.document = Some(at),
            Sort::Text => {
                if let Some(Reading { text, is_all, encoding }) = text(&content) {
                    page.cut = (!is_all).then(|| t.one("look-cut", "size", bytes(TEXT_BYTES_MAX as u64)));
                    page.encoding = encoding.map(|encoding| t.one("look-encoding", "encoding", encoding));
                    page.text = Some(text);
                }
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
        let sorts: [(&[u8], Sort); 16] = [
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
            (b"\xfe\xff\0a", Sort::Text),
            (b"\xfe\xff\0a\0\0", Sort::Other),
            (b"\xff\xfea", Sort::Other),
            (b"\x94\xe9\x96\xa7", Sort::Text),
            (b"\x94\xe9\x96\xa7\x01", Sort::Other),
            (b"", Sort::Text),
        ];
        for (content, sort) in sorts {
            assert_eq!(Sort::of(content), sort, "{}", String::from_utf8_lossy(content));
        }
    }

    #[test]
    fn text_is_shown_from_its_beginning_without_what_turns_it() {
        let all = |text: &str, encoding| Some(Reading { text: text.into(), is_all: true, encoding });
        assert_eq!(text(b"\xef\xbb\xbfa\tb\r\nc"), all("a\tb\nc", None));
        assert_eq!(text("\u{202e}fdp\u{1b}[2J".as_bytes()), all("\\u{202e}fdp\\u{1b}[2J", None));
        let long = text("あ".repeat(TEXT_BYTES_MAX).as_bytes()).unwrap();
        assert_eq!((long.text.chars().count(), long.is_all), (TEXT_BYTES_MAX / 3, false));
        assert_eq!(text(b"\xff"), None);
    }

    #[test]
    fn text_of_other_programs_is_read_by_its_mark_or_as_windows_writes_it_in_japan() {
        let all = |text: &str, encoding| Some(Reading { text: text.into(), is_all: true, encoding: Some(encoding) });
        assert_eq!(text(b"\x94\xe9\x96\xa7,\x87\x40\r\n\xb6\xc5"), all("秘密,①\nｶﾅ", "Shift_JIS"));
        assert_eq!(text(b"\xff\xfe\xd8\x79\xc6\x5b"), all("秘密", "UTF-16LE"));
        assert_eq!(text(b"\xfe\xff\x79\xd8\x5b\xc6"), all("秘密", "UTF-16BE"));
        // A character that is cut is none, and what turns a line is shown as what it is.
        assert_eq!(text(b"\x94\xe9\x96"), None);
        assert_eq!(text(b"\xff\xfe\x2e\x20a\0"), all("\\u{202e}a", "UTF-16LE"));
        let long = text(&[b"a".as_slice(), &b"\x94\xe9".repeat(TEXT_BYTES_MAX)].concat()).unwrap();
        assert_eq!((long.text.chars().count(), long.is_all), (TEXT_BYTES_MAX / 2, false));
    }
}
