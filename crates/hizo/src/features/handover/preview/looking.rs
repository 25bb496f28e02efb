//! What a file tells: its text, and what programs wrote into it beside. What cannot be read is named, and never passed over.

use std::io::Read as _;

use flate2::read::{DeflateDecoder, ZlibDecoder};
use rawzip::{CompressionMethod, ZipArchive};

use crate::failure::shown_bytes;
use crate::words::{Words, words};

/// An entity of HTML or XML, at most: `&#x10ffff;` is the longest number.
const ENTITY_BYTES_MAX: usize = 12;

/// Bytes that one file may unpack to, in all.
const UNPACKED_BYTES_MAX: u64 = 64 << 20;

/// Files in files that are looked into.
const DEPTH_MAX: usize = 2;

/// Files in one packed file.
const INSIDE_MAX: usize = 4_096;

/// Of a packed piece in a picture, where it may begin.
const PIECE_HEAD_BYTES_MAX: usize = 300;

/// Whoever is told what was read, and where. Each text is let go then: a file that unpacks to many times its length is not held in every
/// way in which it can be read.
type Told<'t> = dyn FnMut(&Words, &str) + 't;

/// A file that is looked into.
struct Looking<'t> {
    told: &'t mut Told<'t>,
    unseen: Vec<Words>,
    unpacked: u64,
}

/// Looks into a file. What could not be looked into.
pub(super) fn look<'t>(bytes: &[u8], told: &'t mut Told<'t>) -> Vec<Words> {
    let mut looking = Looking { told, unseen: Vec::new(), unpacked: 0 };
    looking.file(bytes, 0, &in_the_text());
    looking.unseen
}

fn in_the_text() -> Words {
    words!("in the text", "本文の中")
}

impl Looking<'_> {
    fn file(&mut self, bytes: &[u8], depth: usize, place: &Words) {
        match bytes {
            [] => (),
            [b'P', b'K', 3, 4, ..] => self.zip(bytes, depth),
            [b'%', b'P', b'D', b'F', b'-', ..] => self.pdf(bytes),
            [0xff, 0xd8, 0xff, ..] => self.jpeg(bytes),
            [0x89, b'P', b'N', b'G', ..] => self.png(bytes),
            _ => match text(bytes) {
                Some(text) => self.text(&text, place),
                None => {
                    self.as_it_lies(bytes, place);
                    self.say_unseen(words!(
                        "it is of a kind, or in characters, that hizo does not read",
                        "hizo が読めない種類か、読めない文字で書かれています"
                    ));
                }
            },
        }
    }

    fn text(&mut self, text: &str, place: &Words) {
        let names = |way: &str| text.as_bytes().windows(way.len()).any(|at| at.eq_ignore_ascii_case(way.as_bytes()));
        if names("base64") || names("quoted-printable") {
            self.say_unseen(words!("parts of it are encoded as in mail", "メールの形式で符号化された部分があります"));
        }
        if text.starts_with("{\\rtf") {
            self.say_unseen(words!("it is written as RTF", "RTF で書かれています"));
        }
        let is_tagged = text.trim_start().starts_with('<');
        if let Some(plain) = unescaped(text) {
            if is_tagged {
                (self.told)(place, &without_tags(&plain));
            }
            (self.told)(place, &plain);
        } else if is_tagged {
            (self.told)(place, &without_tags(text));
        }
        (self.told)(place, text);
    }

    /// Documents of offices are such files too.
    fn zip(&mut self, bytes: &[u8], depth: usize) {
        let unreadable =
            || words!("it is packed, and cannot be unpacked whole", "圧縮されていて、全部は展開できません");
        if depth == DEPTH_MAX {
            return self.say_unseen(words!("packed files lie too deep in it", "圧縮ファイルが何重にも入っています"));
        }
        let Ok(archive) = ZipArchive::from_slice(bytes) else { return self.say_unseen(unreadable()) };
        // Names and comments, as they stand in the directory behind the files.
        let directory = usize::try_from(archive.directory_offset()).ok().and_then(|at| bytes.get(at..));
        let names = words!("in names inside", "中のファイル名");
        (self.told)(&names, &String::from_utf8_lossy(directory.unwrap_or_default()));
        let mut entries = archive.entries();
        for number in 0.. {
            let record = match entries.next_entry() {
                Ok(None) => return,
                Ok(Some(record)) if number < INSIDE_MAX => record,
                Ok(Some(_)) | Err(_) => return self.say_unseen(unreadable()),
            };
            let name = record.file_path();
            let name = name.as_bytes();
            if name.ends_with(b"/") {
                continue;
            }
            let content = archive.get_entry(record.wayfinder()).ok().filter(|_| !record.flags().is_encrypted());
            let content = content.and_then(|entry| match record.compression_method() {
                CompressionMethod::STORE => self.unpack(entry.data()),
                CompressionMethod::DEFLATE => self.unpack(DeflateDecoder::new(entry.data())),
                _ => None,
            });
            let is_about = name.starts_with(b"docProps/") || name == b"meta.xml";
            let name = shown_bytes(name);
            match content {
                Some(_) if name == "mimetype" => (),
                Some(content) if is_about => {
                    let place = words!("in the properties of the document", "文書のプロパティ（作成者・会社など）");
                    self.file(&content, depth + 1, &place);
                }
                Some(content) => {
                    let place = words!("in {name} inside", "中の {name}");
                    self.file(&content, depth + 1, &place);
                }
                None => self.say_unseen(words!(
                    "{name} inside is locked, too long or cannot be unpacked",
                    "中の {name} は、パスワード付きか、大きすぎるか、展開できません"
                )),
            }
        }
    }

    /// Everything, or nothing where it is more than may be unpacked.
    fn unpack(&mut self, packed: impl std::io::Read) -> Option<Vec<u8>> {
        let room = UNPACKED_BYTES_MAX.saturating_sub(self.unpacked);
        let mut content = Vec::new();
        packed.take(room.saturating_add(1)).read_to_end(&mut content).ok()?;
        self.unpacked = self.unpacked.saturating_add(content.len() as u64);
        (content.len() as u64 <= room).then_some(content)
    }

    fn pdf(&mut self, bytes: &[u8]) {
        let place = words!("in the PDF or its properties", "PDF の中かプロパティ");
        let mut strings = String::new();
        pdf_strings(bytes, &mut strings);
        let mut rest = bytes;
        while let Some(begins) = find(rest, b"stream") {
            let is_end = begins >= 3 && rest.get(begins - 3..begins) == Some(b"end");
            rest = rest.get(begins + b"stream".len()..).unwrap_or_default();
            let content = rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n")).unwrap_or(rest);
            if is_end || content.first() != Some(&0x78) {
                continue;
            }
            // A stream that ends early still tells what comes before.
            match self.unpack(ZlibDecoder::new(content)) {
                Some(content) => {
                    pdf_strings(&content, &mut strings);
                    strings.push('\n');
                    strings.push_str(&String::from_utf8_lossy(&content));
                }
                None => self.say_unseen(words!("parts of it cannot be unpacked", "展開できない部分があります")),
            }
        }
        (self.told)(&place, &strings);
        drop(strings);
        self.as_it_lies(bytes, &place);
        if find(bytes, b"/Encrypt").is_some() {
            self.say_unseen(words!("it is locked", "パスワードなどで保護されています"));
        }
        self.say_unseen(words!(
            "what its pages show: letters there may be drawn and not written",
            "ページの見た目（文字が図として描かれていることがあります）"
        ));
    }

    fn jpeg(&mut self, bytes: &[u8]) {
        let mut rest = bytes.get(2..).unwrap_or_default();
        while let [0xff, kind, high, low, after @ ..] = rest {
            let length = usize::from(u16::from_be_bytes([*high, *low])).saturating_sub(2);
            if *kind == 0xda {
                break;
            }
            if matches!(*kind, 0xe0..=0xef | 0xfe) {
                self.beside_a_picture(after.get(..length).unwrap_or(after));
            }
            rest = after.get(length..).unwrap_or_default();
        }
        self.say_picture();
    }

    fn png(&mut self, bytes: &[u8]) {
        let mut rest = bytes.get(8..).unwrap_or_default();
        while let [a, b, c, d, kind @ ..] = rest {
            let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
            let content = kind.get(4..).unwrap_or_default();
            let content = content.get(..length).unwrap_or(content);
            if !kind.starts_with(b"IDAT") {
                self.beside_a_picture(content);
                let pieces = content.iter().take(PIECE_HEAD_BYTES_MAX).enumerate().filter(|(_, byte)| **byte == 0x78);
                for piece in pieces.filter_map(|(at, _)| content.get(at..)) {
                    if let Some(piece) = self.unpack(ZlibDecoder::new(piece)) {
                        self.beside_a_picture(&piece);
                    }
                }
            }
            rest = kind.get(length.saturating_add(8)..).unwrap_or_default();
        }
        self.say_picture();
    }

    fn beside_a_picture(&mut self, bytes: &[u8]) {
        self.as_it_lies(
            bytes,
            &words!("in what the camera or a program wrote beside the picture", "写真に付いた情報（Exif など）"),
        );
    }

    fn say_picture(&mut self) {
        self.say_unseen(words!("what the picture shows", "写っているもの"));
    }

    /// Bytes in every way in which a text may lie in them.
    fn as_it_lies(&mut self, bytes: &[u8], place: &Words) {
        (self.told)(place, &String::from_utf8_lossy(bytes));
        for begin in [0, 1] {
            let bytes = bytes.get(begin..).unwrap_or_default();
            for read in [u16::from_le_bytes, u16::from_be_bytes] {
                (self.told)(place, &utf16(bytes, read));
            }
        }
    }

    fn say_unseen(&mut self, what: Words) {
        if !self.unseen.contains(&what) {
            self.unseen.push(what);
        }
    }
}

fn utf16(bytes: &[u8], read: fn([u8; 2]) -> u16) -> String {
    let units = bytes.as_chunks::<2>().0.iter().map(|pair| read(*pair));
    char::decode_utf16(units).map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// The text of a file that is nothing else.
fn text(bytes: &[u8]) -> Option<String> {
    match bytes {
        [0xff, 0xfe, rest @ ..] if rest.len() % 2 == 0 => Some(utf16(rest, u16::from_le_bytes)),
        [0xfe, 0xff, rest @ ..] if rest.len() % 2 == 0 => Some(utf16(rest, u16::from_be_bytes)),
        // ESC switches to other characters in some older texts.
        _ if bytes.contains(&0) || bytes.contains(&0x1b) => None,
        _ => std::str::from_utf8(bytes).ok().map(str::to_owned),
    }
}

/// What is named behind `&`, and what comes behind its semicolon; a text of nothing but `&` is not searched to its end for each.
fn entity(rest: &str) -> Option<(&str, &str)> {
    let end = rest.bytes().take(ENTITY_BYTES_MAX).position(|byte| byte == b';')?;
    rest.get(..end).zip(rest.get(end + 1..))
}

/// The text with what stands for other characters replaced by them; nothing where nothing does.
fn unescaped(text: &str) -> Option<String> {
    let (mut plain, mut rest) = (Vec::with_capacity(text.len()), text);
    while let Some(at) = rest.find(['&', '%', '\\']) {
        plain.extend_from_slice(rest.get(..at)?.as_bytes());
        rest = rest.get(at..)?;
        let (mut letter, mut after) = (None, None);
        if let Some((name, behind)) = rest.strip_prefix('&').and_then(entity) {
            let code = match name.strip_prefix('#') {
                Some(code) => match code.strip_prefix(['x', 'X']) {
                    Some(code) => u32::from_str_radix(code, 16).ok(),
                    None => code.parse().ok(),
                },
                None => [("amp", '&'), ("lt", '<'), ("gt", '>'), ("quot", '"'), ("apos", '\''), ("nbsp", ' ')]
                    .iter()
                    .find(|(known, _)| *known == name)
                    .map(|(_, letter)| u32::from(*letter)),
            };
            (letter, after) = (code.and_then(char::from_u32), Some(behind));
        } else if let Some(code) = rest.strip_prefix("\\u").and_then(|rest| rest.get(..4)) {
            letter = u32::from_str_radix(code, 16).ok().and_then(char::from_u32);
            after = rest.get(6..);
        } else if let Some(byte) = rest.strip_prefix('%').and_then(|rest| rest.get(..2))
            && let Ok(byte) = u8::from_str_radix(byte, 16)
        {
            plain.push(byte);
            rest = rest.get(3..)?;
            continue;
        }
        match (letter, after) {
            (Some(letter), Some(behind)) => {
                plain.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                rest = behind;
            }
            _ => {
                plain.extend_from_slice(rest.get(..1)?.as_bytes());
                rest = rest.get(1..)?;
            }
        }
    }
    plain.extend_from_slice(rest.as_bytes());
    let plain = String::from_utf8_lossy(&plain);
    (plain != text).then(|| plain.into_owned())
}

/// What stands between tags: one word may be cut by several.
fn without_tags(text: &str) -> String {
    text.split('<').map(|piece| piece.split_once('>').map_or(piece, |(_, between)| between)).collect()
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|place| place == wanted)
}

/// Strings of a PDF: in brackets, with signs that stand for others, or as digits.
fn pdf_strings(bytes: &[u8], found: &mut String) {
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        let string = match byte {
            b'(' => {
                let (string, end) = pdf_literal(bytes, at);
                at = end;
                string
            }
            b'<' => {
                let digits = bytes.get(at..).unwrap_or_default();
                let end = digits.iter().position(|byte| !byte.is_ascii_hexdigit() && !byte.is_ascii_whitespace());
                let Some(end) = end.filter(|end| digits.get(*end) == Some(&b'>')) else { continue };
                at += end;
                let digits: Vec<u8> = digits[..end].iter().copied().filter(u8::is_ascii_hexdigit).collect();
                let pairs = digits.chunks(2).filter_map(|pair| std::str::from_utf8(pair).ok());
                pairs.filter_map(|pair| u8::from_str_radix(pair, 16).ok()).collect()
            }
            _ => continue,
        };
        let string = match string.as_slice() {
            [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
            [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
            other => String::from_utf8_lossy(other).into_owned(),
        };
        found.push_str(&string);
        found.push('\n');
    }
}

/// A string in brackets from behind the first one, and where it ends.
fn pdf_literal(bytes: &[u8], begin: usize) -> (Vec<u8>, usize) {
    let (mut string, mut depth, mut at) = (Vec::new(), 1, begin);
    while let Some(byte) = bytes.get(at).copied() {
        at += 1;
        match byte {
            b'(' => depth += 1,
            b')' if depth == 1 => break,
            b')' => depth -= 1,
            b'\\' => {
                let rest = bytes.get(at..).unwrap_or_default();
                let digits = rest.iter().take(3).take_while(|byte| matches!(byte, b'0'..=b'7'));
                let (count, value) =
                    digits.fold((0, 0_u32), |(n, sum), digit| (n + 1, sum * 8 + u32::from(digit - b'0')));
                match (count, rest.first()) {
                    (1.., _) => {
                        string.extend(u8::try_from(value & 0xff));
                        at += count;
                    }
                    (0, Some(b'\n')) => at += 1,
                    (0, Some(other)) => {
                        string.push(*other);
                        at += 1;
                    }
                    (0, None) => (),
                }
                continue;
            }
            _ => (),
        }
        string.push(byte);
    }
    (string, at)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;
    use proptest::prelude::*;
    use rawzip::ZipArchiveWriter;

    use super::super::traces::Marks;
    use super::*;

    fn finds(bytes: &[u8]) -> (bool, usize) {
        let mut marks = Marks::default();
        assert!(marks.add("株式会社徳田精機"));
        let mut is_found = false;
        let unseen = look(bytes, &mut |_, text| is_found |= !marks.find(text).is_empty());
        (is_found, unseen.len())
    }

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zip(files: &[(&str, &str)]) -> Vec<u8> {
        let mut archive = ZipArchiveWriter::new(Vec::new());
        for (name, text) in files {
            let (mut entry, config) = archive.new_file(name).start().unwrap();
            let mut writer = config.wrap(&mut entry);
            writer.write_all(text.as_bytes()).unwrap();
            let (_, descriptor) = writer.finish().unwrap();
            entry.finish(descriptor).unwrap();
        }
        archive.finish().unwrap()
    }

    fn wide(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(order).collect()
    }

    #[test]
    fn a_name_is_found_in_plain_texts_of_each_encoding() {
        let name = "作成: 徳田精機㈱";
        assert_eq!(finds(name.as_bytes()), (true, 0));
        for (mark, order) in [([0xff, 0xfe], u16::to_le_bytes as fn(u16) -> [u8; 2]), ([0xfe, 0xff], u16::to_be_bytes)]
        {
            assert_eq!(finds(&[&mark[..], &wide(name, order)].concat()), (true, 0));
        }
        for escaped in
            ["<p>&#x5fb3;&#30000;精機</p>", "/%E5%BE%B3%E7%94%B0%E7%B2%BE%E6%A9%9F/a", r#"{"by":"\u5fb3\u7530精機"}"#]
        {
            assert_eq!(finds(escaped.as_bytes()), (true, 0), "{escaped}");
        }
        assert_eq!(finds("作成: 別の会社 100% A&B".as_bytes()), (false, 0));
    }

    #[test]
    fn a_name_is_found_in_a_document_of_an_office_though_tags_cut_it() {
        let core = "<?xml version=\"1.0\"?><cp:coreProperties><dc:creator>徳田精機</dc:creator></cp:coreProperties>";
        assert_eq!(finds(&zip(&[("docProps/core.xml", core)])), (true, 0));
        let body = "<w:r><w:t>徳田</w:t></w:r><w:r><w:t>精機</w:t></w:r>";
        assert_eq!(finds(&zip(&[("word/document.xml", body)])), (true, 0));
        assert_eq!(finds(&zip(&[("徳田精機/a.txt", "x")])), (true, 0));
        assert_eq!(finds(&zip(&[("word/document.xml", "<w:t>別の会社</w:t>")])), (false, 0));
    }

    #[test]
    fn a_name_is_found_in_a_pdf_and_its_pages_are_said_to_be_unseen() {
        let hex: String = wide("徳田精機", u16::to_be_bytes).iter().map(|byte| format!("{byte:02X}")).collect();
        let info = format!("%PDF-1.7\n1 0 obj <</Author <FEFF{hex}>>> endobj");
        assert_eq!(finds(info.as_bytes()), (true, 1));
        let inner = [&b"<</Author (\xfe\xff"[..], &wide("徳田精機", u16::to_be_bytes), b")>>"].concat();
        let stream = [&b"%PDF-1.7\n2 0 obj <<>> stream\r\n"[..], &packed(&inner), b"\nendstream"].concat();
        assert_eq!(finds(&stream), (true, 1));
        assert_eq!(finds(b"%PDF-1.7\n1 0 obj <</Author (nobody\\051)>> endobj"), (false, 1));
        assert_eq!(finds(b"%PDF-1.7\n/Encrypt 4 0 R"), (false, 2));
    }

    #[test]
    fn a_name_is_found_beside_pictures_and_what_they_show_is_said_to_be_unseen() {
        let exif = wide("徳田精機", u16::to_le_bytes);
        let length = u16::try_from(exif.len() + 3).unwrap().to_be_bytes();
        let jpeg = [&[0xff, 0xd8, 0xff, 0xe1][..], &length, &[0], &exif, &[0xff, 0xda, 0, 2]].concat();
        assert_eq!(finds(&jpeg), (true, 1));
        let text = [&b"Author\0\0"[..], &packed("徳田精機".as_bytes())].concat();
        let length = u32::try_from(text.len()).unwrap().to_be_bytes();
        let png = [&b"\x89PNG\r\n\x1a\n"[..], &length, b"zTXt", &text, &[0; 4]].concat();
        assert_eq!(finds(&png), (true, 1));
        assert_eq!(finds(b"\x89PNG\r\n\x1a\n"), (false, 1));
    }

    #[test]
    fn what_cannot_be_looked_into_is_said() {
        let shift_jis = [0x93, 0xbf, 0x93, 0x63, 0x90, 0xb8, 0x8b, 0x40];
        for unread in [
            &shift_jis[..],
            b"\x1b$BFAED\x1b(B",
            b"PK\x03\x04 cut",
            b"{\\rtf1 x}",
            b"Content-Transfer-Encoding: BASE64",
        ] {
            assert_eq!(finds(unread), (false, 1), "{unread:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(kind in 0_usize..5, bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let heads: [&[u8]; 5] = [b"", b"PK\x03\x04", b"%PDF-stream\nx", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"];
            let _ = look(&[heads[kind], &bytes].concat(), &mut |_, _| ());
        }
    }
}
