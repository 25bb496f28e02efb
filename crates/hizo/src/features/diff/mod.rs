//! What is different between two deposits: entries that came, went, changed, or only have another name now.

pub(crate) mod command;
pub(crate) mod page;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::collections::HashMap;

use hizo_vault::manifest::{Entry, Kind, Manifest, Root};

use crate::contents::{self, Entries, List, Listed};
use crate::failure::Outcome;

/// What is different, each part in the order of paths.
#[derive(Default)]
pub(crate) struct Difference<'l> {
    /// What the folder itself has otherwise, where both sides say what it has.
    pub root: Vec<Field>,
    pub added: Vec<Listed<'l>>,
    pub removed: Vec<Listed<'l>>,
    pub changed: Vec<Change<'l>>,
    /// Files whose path is gone and whose content stands under a new one.
    pub renamed: Vec<Change<'l>>,
    /// Entries that are the same in both.
    pub same: u64,
}

impl Difference<'_> {
    /// The folder's time follows from what is in it, and is rarely what somebody asks for.
    pub(crate) fn root_is_worth_telling(&self) -> bool {
        !self.root.is_empty() && self.root != [Field::Time]
    }
}

/// An entry in both deposits.
pub(crate) struct Change<'l> {
    pub before: Listed<'l>,
    pub after: Listed<'l>,
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

/// What is compared: one pass over a list.
pub(crate) struct Compared<'l> {
    root: Option<Root>,
    entries: Entries<'l>,
}

impl<'l> Compared<'l> {
    /// # Errors
    /// When the list cannot be read.
    pub(crate) fn of(list: &'l List) -> Outcome<Self> {
        Ok(Self { root: list.root()?, entries: list.entries()? })
    }

    /// A list that somebody else holds.
    pub(crate) fn at_hand(manifest: &'l Manifest) -> Self {
        Self { root: manifest.head.root.clone(), entries: contents::at_hand(&manifest.entries) }
    }
}

/// Compares two lists, whatever their series: both are read once, side by side, and what is different is held alone.
///
/// # Errors
/// When one of them cannot be read.
pub(crate) fn compare<'l>(before: Compared<'l>, after: Compared<'l>) -> Outcome<Difference<'l>> {
    let mut difference = Difference::default();
    if let (Some(before), Some(after)) = (&before.root, &after.root) {
        difference.root = fields_of_root(before, after);
    }
    let next = |entries: &mut Entries<'l>| entries.next().transpose();
    let (mut before, mut after) = (before.entries, after.entries);
    let (mut old, mut new) = (next(&mut before)?, next(&mut after)?);
    loop {
        let order = match (&old, &new) {
            (None, None) => break,
            (Some(a), Some(b)) => a.path.cmp(&b.path),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
        };
        let a = if order.is_le() { std::mem::replace(&mut old, next(&mut before)?) } else { None };
        let b = if order.is_ge() { std::mem::replace(&mut new, next(&mut after)?) } else { None };
        match (a, b) {
            (Some(before), Some(after)) => match fields(&before, &after) {
                fields if fields.is_empty() => difference.same += 1,
                fields => difference.changed.push(Change { before, after, fields }),
            },
            (removed, added) => {
                difference.removed.extend(removed);
                difference.added.extend(added);
            }
        }
    }
    join_renamed(&mut difference);
    Ok(difference)
}

fn fields_of_root(before: &Root, after: &Root) -> Vec<Field> {
    differing([
        (before.mode != after.mode, Field::Mode),
        (before.mtime_ns != after.mtime_ns, Field::Time),
        (before.xattrs != after.xattrs, Field::Attributes),
    ])
}

fn differing<const N: usize>(fields: [(bool, Field); N]) -> Vec<Field> {
    fields.into_iter().filter_map(|(differs, field)| differs.then_some(field)).collect()
}

fn fields(before: &Entry, after: &Entry) -> Vec<Field> {
    let kind = std::mem::discriminant(&before.kind) != std::mem::discriminant(&after.kind);
    let sha256 = |entry: &Entry| entry.kind.content().map(|content| content.value.sha256);
    differing([
        (kind, Field::Kind),
        (sha256(before) != sha256(after), Field::Content),
        (before.kind.target() != after.kind.target(), Field::Target),
        (before.mode != after.mode, Field::Mode),
        (before.mtime_ns != after.mtime_ns, Field::Time),
        (before.xattrs != after.xattrs, Field::Attributes),
    ])
}

/// Takes a file that went and one that came with the same content as one file under another name. Of several, the one
/// that keeps the last part of its path is preferred, then the first. Empty files are alike, not the same.
fn join_renamed(difference: &mut Difference) {
    let mut removed: Vec<Option<Listed>> = std::mem::take(&mut difference.removed).into_iter().map(Some).collect();
    let mut gone: HashMap<Same, Vec<usize>> = HashMap::new();
    for (number, entry) in removed.iter().enumerate() {
        if let Some(same) = entry.as_deref().and_then(content_of_file) {
            gone.entry(same).or_default().push(number);
        }
    }
    for after in std::mem::take(&mut difference.added) {
        let candidates = content_of_file(&after).and_then(|same| gone.get_mut(&same)).filter(|gone| !gone.is_empty());
        let taken = candidates.and_then(|candidates| {
            let has_its_name = |before: &Listed| last_part(&before.path) == last_part(&after.path);
            let same_name = candidates.iter().position(|number| removed[*number].as_ref().is_some_and(has_its_name));
            removed[candidates.remove(same_name.unwrap_or(0))].take()
        });
        match taken {
            Some(before) => {
                let fields = fields(&before, &after);
                difference.renamed.push(Change { before, after, fields });
            }
            None => difference.added.push(after),
        }
    }
    difference.removed = removed.into_iter().flatten().collect();
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
