//! What a keeper answered of its log, written down as it came, so that it can be read when nobody answers any more.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use hizo_ledger::space::Head;
use hizo_store::disk::{Disk as _, SystemDisk};
use sha2::{Digest as _, Sha256};

use super::{Answer, Method, Question, RemoteKeeper, parse_head};
use crate::Error;
use crate::witness::hex;

/// Length of the line before the body, at most.
const LINE_BYTES_MAX: u64 = 256;

/// A folder with a file for each path that was asked for: a line `<status> <place> <head>`, then the body.
pub(super) struct Memory {
    folder: PathBuf,
    /// Nobody is asked for what is not there.
    pub(super) is_all: bool,
}

impl RemoteKeeper {
    /// The same keeper; what it answers of its log, its own space and its promises is written down in this folder, which is there.
    /// What was written down is not asked for again.
    #[must_use]
    pub fn writing_down(self, folder: &Path) -> Self {
        Self { memory: Some(Memory { folder: folder.to_owned(), is_all: false }), ..self }
    }

    /// The keeper as it answered when it was written down: nobody is asked, and what was not written down cannot be reached.
    #[must_use]
    pub fn as_written_down(self, folder: &Path) -> Self {
        Self { memory: Some(Memory { folder: folder.to_owned(), is_all: true }), ..self }
    }

    /// Whether nobody is asked, and what was written down answers.
    pub fn is_written_down(&self) -> bool {
        self.memory.as_ref().is_some_and(|memory| memory.is_all)
    }
}

impl Memory {
    /// Whether an answer is one to be written down: what anybody is told, and what is promised to members.
    pub(super) fn is_about(&self, question: &Question<'_>) -> bool {
        matches!(question.method, Method::Get) && (question.token.is_none() || question.path.ends_with("/receipt"))
    }

    /// The answer, if it was written down.
    ///
    /// # Errors
    /// [`Error::Folder`]; [`Error::Answer`] for what is no answer, or a longer one than the question allows.
    pub(super) fn read(&self, question: &Question<'_>) -> Result<Option<Answer>, Error> {
        if !self.is_about(question) {
            return Ok(None);
        }
        let path = self.path_of(question);
        let longest = question.bytes_max.saturating_add(LINE_BYTES_MAX);
        let bytes = match fs::metadata(&path) {
            Ok(found) if found.len() > longest => return Err(Error::Answer),
            _ => fs::read(&path),
        };
        let bytes = match bytes {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(failed("be read"))?,
        };
        let end = bytes.iter().position(|byte| *byte == b'\n').ok_or(Error::Answer)?;
        let (line, body) = bytes.split_at_checked(end).ok_or(Error::Answer)?;
        let line = std::str::from_utf8(line).map_err(|_| Error::Answer)?;
        let mut words = line.splitn(3, ' ');
        let status = words.next().and_then(|word| word.parse().ok()).ok_or(Error::Answer)?;
        let position = words.next().and_then(|word| word.parse().ok());
        let head = words.next().and_then(parse_head);
        let body = body.get(1..).unwrap_or_default().to_vec();
        if body.len() as u64 > question.bytes_max {
            return Err(Error::Answer);
        }
        Ok(Some(Answer { status, length: None, head, position, retry_after: None, time: None, body }))
    }

    /// Writes it down; durable on return.
    ///
    /// # Errors
    /// [`Error::Folder`].
    pub(super) fn write(&self, question: &Question<'_>, answer: &Answer) -> Result<(), Error> {
        if !matches!(answer.status, 200 | 404) {
            return Ok(());
        }
        let dash = || "-".to_owned();
        let position = answer.position.map_or_else(dash, |position| position.to_string());
        let head = answer.head.map_or_else(dash, |Head { number, id }| format!("{number} {id}"));
        let path = self.path_of(question);
        let next = path.with_extension("new");
        let write = || -> io::Result<()> {
            let mut file = File::create(&next)?;
            file.write_all(format!("{} {position} {head}\n", answer.status).as_bytes())?;
            file.write_all(&answer.body)?;
            file.sync_all()?;
            fs::rename(&next, &path)?;
            SystemDisk.sync_dir(&self.folder)
        };
        write().map_err(failed("be written"))
    }

    fn path_of(&self, question: &Question<'_>) -> PathBuf {
        self.folder.join(hex(&Sha256::digest(question.path).into()))
    }
}

fn failed(act: &'static str) -> impl Fn(io::Error) -> Error {
    move |source| Error::Folder { act, source }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_was_written_down_answers_its_own_question_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory { folder: folder.path().to_owned(), is_all: true };
        let asked = Question { path: "/log/checkpoint", bytes_max: 5, ..Question::default() };
        let answer = |body: &[u8]| Answer {
            status: 200,
            length: None,
            head: None,
            position: Some(7),
            retry_after: None,
            time: None,
            body: body.to_vec(),
        };
        memory.write(&asked, &answer(b"five.")).unwrap();
        let known = memory.read(&asked).unwrap().unwrap();
        assert_eq!((known.status, known.position, known.body.as_slice()), (200, Some(7), b"five.".as_slice()));
        assert!(memory.read(&Question { method: Method::Head, ..asked }).unwrap().is_none());
        assert!(memory.read(&Question { path: "/log/other", ..asked }).unwrap().is_none());
        // Whoever has the folder may have put something longer there.
        for longer in [6, 200, 1 << 20] {
            memory.write(&asked, &answer(&vec![b'.'; longer])).unwrap();
            assert!(matches!(memory.read(&asked), Err(Error::Answer)), "{longer}");
        }
    }
}
