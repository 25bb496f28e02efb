//! Paths inside a deposit: which bytes may name an entry.
//!
//! See docs/spec/archive.md, section "Safe paths".

/// Longest path, in bytes: what Linux opens.
pub const PATH_BYTES_MAX: usize = 4095;

/// Whether a character changes how a text looks or reads without being seen, apart from control characters: soft hyphen,
/// joiners, marks and overrides of direction, variation selectors, tags (Unicode TR 36, TR 51).
pub const fn is_unseen(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}'
        | '\u{e0100}'..='\u{e01ef}')
}

/// Why a path cannot be a member's, or an entry's of a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// It has no bytes.
    #[error("it is empty")]
    Empty,
    /// It is longer than [`PATH_BYTES_MAX`].
    #[error("it is longer than {PATH_BYTES_MAX} bytes")]
    TooLong,
    /// It has a NUL byte.
    #[error("it has a NUL byte")]
    Nul,
    /// It begins with a slash.
    #[error("it is absolute")]
    Absolute,
    /// A component is empty (two slashes, or a slash at the end), `.` or `..`.
    #[error("a component is empty, `.` or `..`")]
    Component,
}

/// Whether a path stays inside the folder it is restored to, on a system whose separator is the slash.
///
/// Bytes of any other kind are allowed: names that are not UTF-8, control characters, backslashes.
///
/// # Errors
/// [`PathError`] names the rule broken.
pub fn check_path(path: &[u8]) -> Result<(), PathError> {
    if path.is_empty() {
        return Err(PathError::Empty);
    }
    if path.len() > PATH_BYTES_MAX {
        return Err(PathError::TooLong);
    }
    if path.contains(&0) {
        return Err(PathError::Nul);
    }
    if path.starts_with(b"/") {
        return Err(PathError::Absolute);
    }
    if path.split(|byte| *byte == b'/').any(|component| matches!(component, b"" | b"." | b"..")) {
        return Err(PathError::Component);
    }
    Ok(())
}
