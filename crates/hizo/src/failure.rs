//! What people see when something goes wrong: what happened, and what to do next.

use std::fmt;
use std::io;
use std::path::Path;

/// Which exit code a failure has; the table stands in docs/spec/exit-codes.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The person can fix it.
    Fixable = 1,
    /// The command was not understood.
    Usage = 2,
    /// Checked, and it does not hold.
    False = 3,
    /// It could not be checked.
    Unknown = 4,
    /// A key or head is not the pinned one: somebody may be lying.
    Lying = 5,
    /// Our fault.
    Internal = 70,
}

/// A failure in the person's words.
#[derive(Debug)]
pub(crate) struct Failure {
    pub kind: Kind,
    pub message: String,
    pub hint: Option<String>,
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What every feature returns.
pub(crate) type Outcome<T> = Result<T, Failure>;

impl Failure {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, source: None }
    }

    /// Something the person can fix.
    pub(crate) fn fixable(message: impl Into<String>) -> Self {
        Self::new(Kind::Fixable, message)
    }

    /// Something that was checked and does not hold.
    pub(crate) fn untrue(message: impl Into<String>) -> Self {
        Self::new(Kind::False, message)
    }

    /// Something that can only happen through a fault of ours.
    pub(crate) fn internal(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::internal_message(error.to_string()).source(error)
    }

    /// As [`Failure::internal`], in words.
    pub(crate) fn internal_message(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, message).hint("This is a fault of hizo. Nothing was lost; please report it.")
    }

    /// Adds what to do next.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the cause.
    pub(crate) fn source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// A file or folder of the person's that could not be read or written.
    pub(crate) fn file(doing: &str, path: &Path, error: io::Error) -> Self {
        let hint = match error.kind() {
            io::ErrorKind::StorageFull => {
                "Make room on the disk and run the same command again; it goes on where it was."
            }
            io::ErrorKind::PermissionDenied => "Run it as somebody who may, or leave this out.",
            io::ErrorKind::NotFound => "Look at the spelling of the path.",
            io::ErrorKind::ReadOnlyFilesystem => "Choose a place that can be written to.",
            _ => "Look at the disk, then run the same command again.",
        };
        Self::fixable(format!("cannot {doing} {}: {}", shown(path), reason(&error))).hint(hint).source(error)
    }
}

impl From<hizo_keeper::Error> for Failure {
    fn from(error: hizo_keeper::Error) -> Self {
        use hizo_keeper::Error as Keeper;
        use hizo_store::{journal, objects};
        let failure = match &error {
            Keeper::Objects(objects::Error::Disk { source, .. }) | Keeper::Folder { source, .. } => {
                return Self::file("write to", Path::new("the keeper's folder"), io::Error::from(source.kind()))
                    .source(error);
            }
            Keeper::Journal(journal::Error::Full { .. }) => Self::fixable("cannot keep the record: the disk is full")
                .hint("Make room on the disk and run the same command again; it goes on where it was."),
            Keeper::Journal(journal::Error::Busy) => Self::fixable("another hizo is at work in this safe")
                .hint("Wait until it is done, then run the same command again."),
            Keeper::Journal(journal::Error::Newer { .. }) => {
                Self::fixable("this safe was made by a newer hizo").hint("Use that hizo, or a newer one.")
            }
            Keeper::Conflict { .. } => Self::fixable("somebody else has added to this safe meanwhile")
                .hint("Nothing of yours is lost: run the same command again."),
            Keeper::PutAgain { objects } => Self::fixable(format!("{} objects must be put again", objects.len()))
                .hint("Run the same command again."),
            Keeper::NotSetUp | Keeper::LogKey | Keeper::Facts => {
                Self::new(Kind::Unknown, format!("the keeper cannot be opened: {error}"))
                    .hint("Put the keeper's folder back from a copy.")
            }
            Keeper::Journal(journal::Error::Damaged { .. }) | Keeper::Kept(_) => {
                Self::untrue(format!("the keeper's records are damaged: {error}"))
                    .hint("Keep a copy of the folder as it is, then put the keeper's folder back from a copy.")
            }
            _ => Self::untrue(format!("the keeper refuses: {error}")),
        };
        failure.source(error)
    }
}

/// A path as it may be printed: control characters and characters that turn the direction of text are escaped.
pub(crate) fn shown(path: &Path) -> String {
    shown_bytes(path.to_string_lossy().as_bytes())
}

/// Raw name bytes as they may be printed.
pub(crate) fn shown_bytes(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_control() || is_invisible(character) {
                text.extend(character.escape_unicode());
            } else {
                text.push(character);
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// Characters that change how the text around them looks without being seen (Unicode TR 36, bidirectional spoofing).
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull => "the disk is full".into(),
        io::ErrorKind::PermissionDenied => "it is not allowed".into(),
        io::ErrorKind::NotFound => "it is not there".into(),
        io::ErrorKind::ReadOnlyFilesystem => "the disk is read-only".into(),
        _ => error.to_string(),
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_without_tricks() {
        assert_eq!(shown_bytes("図面.dxf".as_bytes()), "図面.dxf");
        assert_eq!(shown_bytes(b"a\nb\x1b[2J"), "a\\u{a}b\\u{1b}[2J");
        assert_eq!(shown_bytes("invoice\u{202e}fdp.exe".as_bytes()), "invoice\\u{202e}fdp.exe");
        assert_eq!(shown_bytes(b"\xff\xfe"), "\\xff\\xfe");
    }
}
