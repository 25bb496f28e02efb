//! What a keeper answered of its log, written down as it came, so that it can be read when nobody answers any more.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use hizo_ledger::space::Head;
use sha2::{Digest as _, Sha256};

use super::{ANSWER_BYTES_MAX, Answer, Method, Question, RemoteKeeper, parse_head};
use crate::Error;
use crate::witness::hex;

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
    /// [`Error::Folder`]; [`Error::Answer`] for what is no answer.
    pub(super) fn read(&self, question: &Question<'_>) -> Result<Option<Answer>, Error> {
        let path = self.path_of(question);
        let longest = question.bytes_max.max(ANSWER_BYTES_MAX).saturating_add(256);
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
        Ok(Some(Answer { status, length: None, head, position, retry_after: None, body }))
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
            fs::rename(&next, &path)
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
