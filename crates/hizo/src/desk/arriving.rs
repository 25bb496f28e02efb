//! The body of a request as it arrives, and what is said when the form in it cannot be read.

use std::io::{self, Read};

use axum::body::Bytes;
use tokio::sync::mpsc::Receiver;

use super::upload;
use crate::failure::{Failure, Kind};
use crate::words::words;

/// The body of a request, on a thread that may wait.
pub(super) struct Body {
    frames: Receiver<io::Result<Bytes>>,
    left: Bytes,
}

impl Body {
    pub(super) fn new(frames: Receiver<io::Result<Bytes>>) -> Self {
        Self { frames, left: Bytes::new() }
    }
}

impl Read for Body {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.left.is_empty() {
            match self.frames.blocking_recv() {
                Some(frame) => self.left = frame?,
                None => return Ok(0),
            }
        }
        let bytes = self.left.len().min(into.len());
        into[..bytes].copy_from_slice(&self.left.split_to(bytes));
        Ok(bytes)
    }
}

impl From<upload::Error> for Failure {
    fn from(error: upload::Error) -> Self {
        match error {
            upload::Error::Form => Self::new(
                Kind::Usage,
                words!("this is not what a form of the desk sends", "この画面のフォームが送ったものではありません"),
            ),
            upload::Error::CutShort => {
                Self::fixable(words!("the browser stopped sending before it was done", "送信が途中で終わりました"))
                    .hint(words!(
                        "Nothing was kept. Choose the files again.",
                        "何も預けていません。もう一度選んでください。"
                    ))
            }
        }
    }
}
