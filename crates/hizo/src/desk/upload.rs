//! A form with files, read as it comes (RFC 7578): its fields and files in their order, never held.
//!
//! The first field has to be the session's `csrf`: what stands behind it is not looked at before that was compared. The file uses
//! nothing else of this crate: it is fuzzed without it.

use std::io::Read;

use memchr::memmem;

/// Heads of a part, at most.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// A field that is no file, at most.
const FIELD_BYTES_MAX: usize = 64 << 10;
/// A boundary, at most (RFC 2046, 5.1.1).
const BOUNDARY_BYTES_MAX: usize = 70;
/// What is read at once.
const CHUNK_BYTES: usize = 256 << 10;
/// What is read past a refusal, so that the browser gets to see why.
const DRAIN_BYTES_MAX: u64 = 1 << 30;

/// Why a form cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Error {
    /// It is not what a form of the desk sends.
    Form,
    /// It ends before its last boundary.
    CutShort,
}

/// A form on its way.
pub(crate) struct Upload {
    source: Box<dyn Read>,
    buffer: Vec<u8>,
    /// What was taken of the buffer.
    at: usize,
    /// A line break, two hyphens, and the boundary.
    delimiter: Vec<u8>,
    /// Whether a part was begun and not read to its end.
    in_part: bool,
}

/// One part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub name: String,
    /// What a browser calls a file, with the folders that it lies in; nothing for a field.
    pub file: Option<String>,
}

impl Upload {
    /// A form of this content type; nothing where it is none of this kind.
    pub(super) fn of(content_type: &str, source: impl Read + 'static) -> Option<Self> {
        let (kind, parameters) = content_type.split_once(';')?;
        if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
            return None;
        }
        let mut parameters = parameters.split(';').filter_map(|parameter| parameter.trim().split_once('='));
        let (_, boundary) = parameters.find(|(name, _)| name.eq_ignore_ascii_case("boundary"))?;
        let boundary = boundary.trim_matches('"');
        if boundary.is_empty() || boundary.len() > BOUNDARY_BYTES_MAX {
            return None;
        }
        // The first boundary has no line break before it.
        let (buffer, delimiter) = (b"\r\n".to_vec(), format!("\r\n--{boundary}").into_bytes());
        Some(Self { source: Box::new(source), buffer, at: 0, delimiter, in_part: true })
    }

    /// The next part; what was not read of the one before is passed over.
    pub(crate) fn next(&mut self) -> Result<Option<Part>, Error> {
        if self.in_part {
            self.read(&mut |_| Ok::<_, Error>(()))?;
        }
        match self.take(2)?.as_slice() {
            b"--" => return Ok(None),
            b"\r\n" => (),
            _ => return Err(Error::Form),
        }
        let mut part = Part { name: String::new(), file: None };
        let mut bytes = 0;
        loop {
            let line = self.line(HEAD_BYTES_MAX - bytes)?;
            bytes += line.len();
            if line.is_empty() {
                break;
            }
            let line = String::from_utf8(line).map_err(|_| Error::Form)?;
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-disposition")
            {
                part.name = parameter(value, "name").ok_or(Error::Form)?;
                part.file = parameter(value, "filename");
            }
        }
        self.in_part = true;
        Ok(Some(part))
    }

    /// Hands over the rest of this part as it comes.
    pub(crate) fn read<E: From<Error>>(&mut self, take: &mut dyn FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let finder = memmem::Finder::new(&self.delimiter).into_owned();
        loop {
            let rest = self.buffer.get(self.at..).unwrap_or_default();
            if let Some(end) = finder.find(rest) {
                if end > 0 {
                    take(&rest[..end])?;
                }
                self.at += end + self.delimiter.len();
                self.in_part = false;
                return Ok(());
            }
            // The last bytes may be the beginning of a boundary.
            let sure = rest.len().saturating_sub(self.delimiter.len() - 1);
            if sure > 0 {
                take(&rest[..sure])?;
                self.at += sure;
            }
            self.fill()?;
        }
    }

    /// What a field holds.
    pub(crate) fn text(&mut self) -> Result<String, Error> {
        let mut text = Vec::new();
        self.read(&mut |bytes| {
            text.extend_from_slice(bytes);
            if text.len() > FIELD_BYTES_MAX { Err(Error::Form) } else { Ok(()) }
        })?;
        String::from_utf8(text).map_err(|_| Error::Form)
    }

    /// Reads on so that the browser has sent all before it is answered; a body that is very long is cut.
    pub(super) fn drain(&mut self) {
        let mut rest = [0; 16 << 10];
        let mut bytes = 0;
        while bytes < DRAIN_BYTES_MAX {
            match self.source.read(&mut rest) {
                Ok(0) | Err(_) => return,
                Ok(read) => bytes += read as u64,
            }
        }
    }

    fn fill(&mut self) -> Result<(), Error> {
        self.buffer.drain(..self.at);
        self.at = 0;
        let before = self.buffer.len();
        self.buffer.resize(before + CHUNK_BYTES, 0);
        let read = self.source.read(&mut self.buffer[before..]);
        self.buffer.truncate(before + read.as_ref().copied().unwrap_or(0));
        match read {
            Ok(1..) => Ok(()),
            Ok(0) | Err(_) => Err(Error::CutShort),
        }
    }

    fn take(&mut self, bytes: usize) -> Result<Vec<u8>, Error> {
        while self.buffer.len() - self.at < bytes {
            self.fill()?;
        }
        let taken = self.buffer[self.at..self.at + bytes].to_vec();
        self.at += bytes;
        Ok(taken)
    }

    fn line(&mut self, max: usize) -> Result<Vec<u8>, Error> {
        loop {
            let rest = self.buffer.get(self.at..).unwrap_or_default();
            match memmem::find(rest, b"\r\n") {
                Some(end) if end <= max => {
                    let line = rest[..end].to_vec();
                    self.at += end + 2;
                    return Ok(line);
                }
                None if rest.len() <= max => self.fill()?,
                Some(_) | None => return Err(Error::Form),
            }
        }
    }
}

/// A quoted parameter. Browsers write a quotation mark in it as `%22`, and a line break as `%0D%0A`.
fn parameter(value: &str, name: &str) -> Option<String> {
    let quoted = value.split("; ").find_map(|piece| piece.trim().strip_prefix(name)?.strip_prefix("=\""));
    // A semicolon may stand between the quotation marks.
    let from = value.len() - value.get(value.find(&format!("; {name}=\""))?..)?.len() + name.len() + 4;
    let inside = value.get(from..)?.split('"').next()?;
    quoted.map(|_| inside.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n"))
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    /// A source that gives so many bytes at once.
    struct Slow(Vec<u8>, usize);

    impl Read for Slow {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let bytes = self.1.min(self.0.len()).min(into.len());
            into[..bytes].copy_from_slice(&self.0[..bytes]);
            self.0.drain(..bytes);
            Ok(bytes)
        }
    }

    const KIND: &str = "multipart/form-data; boundary=----x";

    fn parts(body: &[u8], at_once: usize) -> Result<Vec<(Part, Vec<u8>)>, Error> {
        let mut upload = Upload::of(KIND, Slow(body.to_vec(), at_once)).unwrap();
        let mut found = Vec::new();
        while let Some(part) = upload.next()? {
            let mut bytes = Vec::new();
            upload.read(&mut |piece| {
                bytes.extend_from_slice(piece);
                Ok::<_, Error>(())
            })?;
            found.push((part, bytes));
        }
        Ok(found)
    }

    #[test]
    fn parts_come_out_as_they_went_in_however_the_body_is_cut() {
        let content = b"\r\n--\r\n----\r\n------\r\n------y \r\r\n".to_vec();
        let mut body = b"------x\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\nabc\r\n".to_vec();
        body.extend(b"------x\r\nContent-Disposition: form-data; name=\"files\"; filename=\"a; b/%22c%22.txt\"\r\nContent-Type: text/plain\r\n\r\n");
        body.extend(&content);
        body.extend(
            b"\r\n------x\r\nContent-Disposition: form-data; name=\"files\"; filename=\"\"\r\n\r\n\r\n------x--\r\n",
        );
        let part = |name: &str, file: Option<&str>| Part { name: name.to_owned(), file: file.map(str::to_owned) };
        let expected = vec![
            (part("csrf", None), b"abc".to_vec()),
            (part("files", Some("a; b/\"c\".txt")), content),
            (part("files", Some("")), Vec::new()),
        ];
        for at_once in [1, 3, 8, 9, 64, 1 << 20] {
            assert_eq!(parts(&body, at_once).unwrap(), expected, "{at_once}");
        }
        for end in 0..body.len() - 4 {
            assert_eq!(parts(&body[..end], 1 << 10), Err(Error::CutShort), "cut at {end}");
        }
    }

    #[test]
    fn what_is_no_such_form_is_refused() {
        let none: &[&[u8]] = &[
            b"",
            b"--other\r\n",
            b"------xy\r\n\r\n",
            b"------x\r\nContent-Disposition: form-data\r\n\r\n\r\n------x--",
            b"------x\r\nContent-Disposition: form-data; name=\"\xff\"\r\n\r\n\r\n------x--",
        ];
        for body in none {
            assert!(parts(body, 1 << 10).is_err(), "{}", String::from_utf8_lossy(body));
        }
        let long = [b"------x\r\nX: ".as_slice(), &vec![b'a'; HEAD_BYTES_MAX + 1], b"\r\n\r\n\r\n------x--"].concat();
        assert!(parts(&long, 1 << 10).is_err());
        for kind in ["", "text/plain; boundary=x", "multipart/form-data", "multipart/form-data; boundary="] {
            assert!(Upload::of(kind, io::empty()).is_none(), "{kind}");
        }
    }
}
