//! The directory of organisations: published by one, installed by all others.
//!
//! See docs/spec/directory.md.

pub(crate) mod command;
mod install;
pub(crate) mod page;
mod publish;
mod sample;
mod show;
pub(crate) mod update;

pub(crate) use install::lay_down;

use hizo_ledger::directory::Directory;

use crate::directory;
use crate::failure::{Failure, Outcome};
use crate::home::Home;
use crate::words::words;

/// The directory that is installed, with its note.
///
/// # Errors
/// When none is.
fn installed(home: &Home) -> Outcome<(Directory, Vec<u8>)> {
    directory::installed(home)?.ok_or_else(|| {
        Failure::fixable(words!("no directory is installed here", "機関の名簿が取り込まれていません"))
            .hint(words!("Install one: `hizo directory install`.", "取り込んでください: `hizo directory install`。"))
    })
}
