//! How far a scrub has come, over starts: one small file of the keeper's folder.

use std::path::Path;

use hizo_ledger::id::{ObjectId, SpaceId};
use hizo_store::disk::SystemDisk;
use hizo_store::published::PublishedFiles;

use super::Mark;
use crate::{Error, log};

const FIRST_LINE: &str = "hizo/scrub/v1";

/// How far a scrub has come. Times are in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// When the present reading began, or the last one.
    pub began: u64,
    /// When the last whole reading began: nothing that was there then was read longer ago.
    pub read: Option<u64>,
    /// Where the present reading goes on; `None` when it is at its beginning, or over.
    pub at: Option<Mark>,
}

impl Progress {
    /// What is written down under this name in a keeper's folder. A file that cannot be read as such is as good as none: then
    /// everything is read anew.
    ///
    /// # Errors
    /// The store's.
    pub fn load(data: &Path, name: &str) -> Result<Option<Self>, Error> {
        let text = files(data)?.read(name).map_err(log::Error::from)?;
        Ok(text.and_then(|text| Self::parse(std::str::from_utf8(&text).ok()?)))
    }

    /// Writes it down: durable on return.
    ///
    /// # Errors
    /// The store's.
    pub fn save(&self, data: &Path, name: &str) -> Result<(), Error> {
        Ok(files(data)?.publish(name, self.text().as_bytes()).map_err(log::Error::from)?)
    }

    fn text(&self) -> String {
        let read = self.read.map_or_else(|| "-".to_owned(), |read| read.to_string());
        let object = |object: Option<ObjectId>| object.map_or_else(|| "-".to_owned(), |object| object.to_string());
        let at = self.at.map_or_else(|| "-".to_owned(), |at| format!("{} {}", at.space, object(at.object)));
        format!("{FIRST_LINE}\nbegan {}\nread {read}\nat {at}\n", self.began)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        if lines.next() != Some(FIRST_LINE) {
            return None;
        }
        let mut value = |word: &str| lines.next()?.strip_prefix(word)?.strip_prefix(' ');
        let began = value("began")?.parse().ok()?;
        let read = match value("read")? {
            "-" => None,
            read => Some(read.parse().ok()?),
        };
        let at = match value("at")? {
            "-" => None,
            at => {
                let (space, object) = at.split_once(' ')?;
                let object = match object {
                    "-" => None,
                    object => Some(ObjectId::from_hex(object).ok()?),
                };
                Some(Mark { space: SpaceId::from_hex(space).ok()?, object })
            }
        };
        let progress = Self { began, read, at };
        (progress.text() == text).then_some(progress)
    }
}

fn files(data: &Path) -> Result<PublishedFiles<SystemDisk>, Error> {
    Ok(PublishedFiles::open(SystemDisk, data).map_err(log::Error::from)?)
}
