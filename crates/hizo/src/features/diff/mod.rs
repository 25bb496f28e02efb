//! What is different between two deposits: entries that came, went, changed, or only have another name now.

pub(crate) mod command;
pub(crate) mod page;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use hizo_vault::manifest::{Entry, Kind, Manifest};

/// What is different, each part in the order of paths.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Difference<'m> {
    pub added: Vec<&'m Entry>,
    pub removed: Vec<&'m Entry>,
    pub changed: Vec<Change<'m>>,
    /// Files whose path is gone and whose content stands under a new one.
    pub renamed: Vec<Change<'m>>,
    /// Entries that are the same in both.
    pub same: u64,
}

/// An entry in both deposits.
#[derive(Debug, PartialEq)]
pub(crate) struct Change<'m> {
    pub before: &'m Entry,
    pub after: &'m Entry,
    pub fields: Vec<Field>,
}

/// What of an entry can differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Kind,
    Content,
    Target,
    Mode,
    Time,
    Attributes,
}

impl Field {
    /// As scripts read it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::Content => "content",
            Self::Target => "target",
            Self::Mode => "mode",
            Self::Time => "mtime",
            Self::Attributes => "xattrs",
        }
    }
}

impl Change<'_> {
    /// A folder's time follows from what is in it, and is rarely what somebody asks for.
    pub(crate) fn is_only_the_time_of_a_folder(&self) -> bool {
        matches!(self.after.kind, Kind::Directory) && self.fields == [Field::Time]
    }
}

/// Compares two manifests, whatever their series.
pub(crate) fn compare<'m>(before: &'m Manifest, after: &'m Manifest) -> Difference<'m> {
    let mut difference = Difference::default();
    let (mut old, mut new) = (before.entries.iter().peekable(), after.entries.iter().peekable());
    loop {
        match (old.peek(), new.peek()) {
            (None, None) => break,
            (Some(a), Some(b)) if a.path == b.path => {
                let fields = fields(a, b);
                match fields.is_empty() {
                    true => difference.same += 1,
                    false => difference.changed.push(Change { before: a, after: b, fields }),
                }
                old.next();
                new.next();
            }
            (Some(a), b) if b.is_none_or(|b| a.path < b.path) => {
                difference.removed.push(a);
                old.next();
            }
            (_, Some(b)) => {
                difference.added.push(b);
                new.next();
            }
            (Some(_), None) => unreachable!("an entry with nothing on the other side is taken above"),
        }
    }
    join_renamed(&mut difference);
    difference
}

fn fields(before: &Entry, after: &Entry) -> Vec<Field> {
    let kind = std::mem::discriminant(&before.kind) != std::mem::discriminant(&after.kind);
    let sha256 = |entry: &Entry| entry.kind.content().map(|content| content.value.sha256);
    [
        (kind, Field::Kind),
        (sha256(before) != sha256(after), Field::Content),
        (before.kind.target() != after.kind.target(), Field::Target),
        (before.mode != after.mode, Field::Mode),
        (before.mtime_ns != after.mtime_ns, Field::Time),
        (before.xattrs != after.xattrs, Field::Attributes),
    ]
    .into_iter()
    .filter_map(|(differs, field)| differs.then_some(field))
    .collect()
}

/// Takes a file that went and one that came with the same content as one file under another name. Of several, the one
/// that keeps the last part of its path is preferred, then the first. Empty files are alike, not the same.
fn join_renamed<'m>(difference: &mut Difference<'m>) {
    let mut gone: HashMap<Same, Vec<&'m Entry>> = HashMap::new();
    for entry in &difference.removed {
        if let Some(same) = content_of_file(entry) {
            gone.entry(same).or_default().push(entry);
        }
    }
    let mut added = Vec::new();
    for entry in std::mem::take(&mut difference.added) {
        let candidates = content_of_file(entry).and_then(|same| gone.get_mut(&same)).filter(|gone| !gone.is_empty());
        let Some(candidates) = candidates else {
            added.push(entry);
            continue;
        };
        let same_name = candidates.iter().position(|before| last_part(&before.path) == last_part(&entry.path));
        let before = candidates.remove(same_name.unwrap_or(0));
        difference.renamed.push(Change { before, after: entry, fields: fields(before, entry) });
    }
    difference.added = added;
    let moved: std::collections::HashSet<&[u8]> =
        difference.renamed.iter().map(|change| change.before.path.as_slice()).collect();
    difference.removed.retain(|entry| !moved.contains(entry.path.as_slice()));
}

/// What a file and its new name have in common: whether it is a further name of another file, and its SHA-256.
type Same = (bool, [u8; 32]);

fn content_of_file(entry: &Entry) -> Option<Same> {
    match &entry.kind {
        Kind::File(content) if content.size > 0 => Some((false, content.value.sha256)),
        Kind::HardLink { content, .. } if content.size > 0 => Some((true, content.value.sha256)),
        Kind::File(_) | Kind::HardLink { .. } | Kind::Symlink { .. } | Kind::Directory => None,
    }
}

fn last_part(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or_default()
}
