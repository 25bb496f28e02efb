//! The page of one deposit: how far it has come, and what it holds, as a tree of its folders and what lies in one.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use hizo_vault::manifest::{Entry, Kind, Manifest};

use crate::console::bytes;
use crate::desk::stage::{self, Newest};
use crate::desk::{Frame, Reply, Unlocked, Visit, shown};
use crate::failure::{Outcome, shown_bytes};
use crate::stages::{self, Told};
use crate::view::Deposit;

/// Entries of a folder on its page; a folder with more says how many.
const ROWS_MAX: usize = 400;

/// Folders of one folder in the tree, besides the one that leads to the folder that is shown; the others are walked to by the list.
const BRANCHES_MAX: usize = 50;

/// Levels that lie in each other; what is deeper stands beside the deepest of them.
const DEPTH_MAX: usize = 32;

/// A folder in the tree.
#[derive(Debug, PartialEq, Eq)]
struct Branch {
    /// How many folders it lies in.
    depth: usize,
    name: String,
    to: String,
    /// The next one lies in it.
    opens: bool,
    /// How many lists end behind it.
    closes: usize,
    /// It is the one that is shown.
    is_here: bool,
}

/// An entry of a folder.
struct Row {
    index: usize,
    /// What stands before the name.
    icon: &'static str,
    name: String,
    /// The page of a folder.
    into: Option<String>,
    /// The page of a file.
    look: Option<String>,
    note: Option<String>,
    size: String,
    when: String,
}

#[derive(Template)]
#[template(path = "deposit.html")]
struct DepositPage<'v> {
    f: Frame<'v>,
    here: String,
    series: String,
    series_at: String,
    newest: Newest,
    /// Whether an earlier deposit can be compared with it.
    has_before: bool,
    trail: Vec<(String, Option<String>)>,
    /// Empty where there are no folders.
    tree: Vec<Branch>,
    /// Folders that are not in it, though those beside them are.
    left_out: usize,
    rows: Vec<Row>,
    more: usize,
}

/// One deposit.
pub(crate) fn deposit(visit: &Visit, unlocked: &Arc<Unlocked>) -> Outcome<Reply> {
    let (t, looked) = (visit.text(), unlocked.look()?);
    let Some((series, deposit, record)) = looked.deposit(visit.param("deposit")) else {
        return Ok(visit.go("/safe"));
    };
    let is_kept = looked.safe.is_kept(record.number());
    let Told { statuses, wrong, .. } =
        stages::status(&looked.safe, if is_kept { std::slice::from_ref(&record) } else { &[] });
    let (status, asked) = (statuses.first(), looked.away.is_none());
    let manifest = unlocked.contents(&looked, record)?;
    let folder = visit.param("in").parse::<usize>().ok().and_then(|index| manifest.entries.get(index));
    let folder = folder.filter(|entry| matches!(entry.kind, Kind::Directory)).map(|entry| entry.path.as_slice());
    let here = visit.at(&format!("/deposit/{}", deposit.id));
    let (rows, more) = rows(visit, &manifest, folder, &here);
    let (tree, left_out) = tree(&manifest.entries, folder, &here, &t.say("contents-top"));
    let name = looked.view.series.get(&series).map_or_else(String::new, |of| of.shown_name(series));
    let mut next = Vec::new();
    if let Err(failure) = wrong {
        next.push(failure.told_in(visit.language()));
    }
    let newest = Newest {
        to: here.clone(),
        title: t.one("deposit-title", "number", deposit.number),
        facts: facts(visit, deposit),
        steps: stage::steps(t, status, asked),
        sentence: stage::sentence(t, deposit.files, status, asked),
        next,
        seal: stage::seal(t, status),
    };
    visit.page(&DepositPage {
        f: visit
            .frame(looked.called(t, series, deposit), format!("hizo show {}", &deposit.id.to_string()[..12]))
            .tab(t.say("tab-deposit")),
        series: name,
        series_at: visit.at(&format!("/series/{series}")),
        has_before: looked
            .view
            .series
            .get(&series)
            .is_some_and(|of| of.deposits.iter().any(|other| other.number < deposit.number)),
        newest,
        trail: trail(&manifest, folder, &here, &t.say("contents-top")),
        tree,
        left_out,
        rows,
        more,
        here,
    })
}

fn facts(visit: &Visit, deposit: &Deposit) -> String {
    let t = visit.text();
    let mut facts = vec![
        shown::moment(t, deposit.time),
        t.one("files-count", "count", deposit.files),
        bytes(deposit.bytes),
        deposit.id.to_string()[..12].to_owned(),
    ];
    facts.extend(deposit.labels.iter().map(|label| shown_bytes(label.as_bytes())));
    facts.join(" · ")
}

/// What lies directly in a folder, folders first.
fn rows(visit: &Visit, manifest: &Manifest, folder: Option<&[u8]>, here: &str) -> (Vec<Row>, usize) {
    let t = visit.text();
    // Files and bytes beneath each folder of this one.
    let mut beneath: BTreeMap<&[u8], (u64, u64)> = BTreeMap::new();
    let mut found: Vec<(usize, &Entry, &[u8])> = Vec::new();
    for (index, entry) in manifest.entries.iter().enumerate() {
        let Some(rest) = below(folder, &entry.path) else { continue };
        match rest.iter().position(|byte| *byte == b'/') {
            None => found.push((index, entry, rest)),
            Some(end) => {
                let content = matches!(entry.kind, Kind::File(_) | Kind::HardLink { .. });
                let size = entry.kind.content().map_or(0, |content| content.size);
                let (files, sum) = beneath.entry(&rest[..end]).or_default();
                *files += u64::from(content);
                *sum = sum.saturating_add(size);
            }
        }
    }
    found.sort_by_key(|(_, entry, rest)| (!matches!(entry.kind, Kind::Directory), *rest));
    let more = found.len().saturating_sub(ROWS_MAX);
    let row = |(index, entry, rest): (usize, &Entry, &[u8])| {
        let is_folder = matches!(entry.kind, Kind::Directory);
        let (files, sum) = beneath.get(rest).copied().unwrap_or_default();
        let note = match &entry.kind {
            Kind::Directory => Some(t.one("files-count", "count", files)),
            Kind::Symlink { .. } => entry.kind.target().map(|target| format!("→ {}", shown_bytes(target))),
            Kind::File(content) if content.unsteady => Some(t.say("entry-unsteady")),
            Kind::File(_) | Kind::HardLink { .. } => None,
        };
        let size = if is_folder { Some(sum) } else { entry.kind.content().map(|content| content.size) };
        Row {
            index,
            name: shown_bytes(rest),
            icon: if is_folder { "folder" } else { icon_of(&shown_bytes(rest)) },
            into: is_folder.then(|| format!("{here}?in={index}")),
            look: entry.kind.content().map(|_| format!("{here}/look?entry={index}")),
            note,
            size: size.map_or_else(String::new, bytes),
            when: u64::try_from(entry.mtime_ns.div_euclid(1_000_000_000))
                .map_or_else(|_| String::new(), |time| shown::moment(t, time)),
        }
    };
    (found.into_iter().take(ROWS_MAX).map(row).collect(), more)
}

/// The icon of a file, by how its name ends.
fn icon_of(name: &str) -> &'static str {
    let ending = name.rsplit_once('.').map_or_else(String::new, |(_, ending)| ending.to_ascii_lowercase());
    match ending.as_str() {
        "txt" | "md" | "doc" | "docx" | "pdf" | "odt" | "rtf" | "ppt" | "pptx" | "jtd" => "file-text",
        "csv" | "tsv" | "xls" | "xlsx" | "ods" => "table",
        "png" | "jpg" | "jpeg" | "gif" | "tif" | "tiff" | "bmp" | "webp" | "heic" | "svg" => "image",
        "dxf" | "dwg" | "step" | "stp" | "iges" | "igs" | "stl" | "sldprt" | "sldasm" | "x_t" => "drafting-compass",
        "zip" | "lzh" | "7z" | "tar" | "gz" | "rar" => "archive",
        "eml" | "msg" | "mbox" => "mail",
        _ => "file",
    }
}

/// What a path is called from a folder that it lies beneath.
fn below<'p>(folder: Option<&[u8]>, path: &'p [u8]) -> Option<&'p [u8]> {
    match folder {
        None => Some(path),
        Some(folder) => path.strip_prefix(folder)?.strip_prefix(b"/"),
    }
}

/// The folders above and the folder itself, with the pages of those above.
fn trail(manifest: &Manifest, folder: Option<&[u8]>, here: &str, top: &str) -> Vec<(String, Option<String>)> {
    let Some(folder) = folder else { return vec![(top.to_owned(), None)] };
    let mut trail = vec![(top.to_owned(), Some(here.to_owned()))];
    let ends = folder.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(end, _)| end);
    let mut begin = 0;
    for end in ends.chain([folder.len()]) {
        let name = shown_bytes(&folder[begin..end]);
        let index = manifest.entries.binary_search_by(|entry| entry.path.as_slice().cmp(&folder[..end]));
        let at = index.ok().filter(|_| end < folder.len()).map(|index| format!("{here}?in={index}"));
        trail.push((name, at));
        begin = end + 1;
    }
    trail
}

/// The folders at the top, and those in each folder from there to the one that is shown; and how many were left out.
fn tree(entries: &[Entry], folder: Option<&[u8]>, here: &str, top: &str) -> (Vec<Branch>, usize) {
    let mut open: BTreeMap<&[u8], Vec<(&[u8], usize)>> = BTreeMap::new();
    for (index, entry) in entries.iter().enumerate() {
        if !matches!(entry.kind, Kind::Directory) {
            continue;
        }
        let end = entry.path.iter().rposition(|byte| *byte == b'/');
        let (parent, name) = match end {
            Some(end) => (&entry.path[..end], &entry.path[end + 1..]),
            None => (&entry.path[..0], entry.path.as_slice()),
        };
        let is_above = |folder: &[u8]| folder == parent || below(Some(parent), folder).is_some();
        if end.is_none() || folder.is_some_and(is_above) {
            open.entry(parent).or_default().push((name, index));
        }
    }
    if open.is_empty() {
        return (Vec::new(), 0);
    }
    let is_on_way = |path: &[u8]| folder.is_some_and(|folder| folder == path || below(Some(path), folder).is_some());
    let mut left_out = 0;
    for children in open.values_mut() {
        children.sort_unstable();
        let (count, mut met) = (children.len(), 0);
        children.retain(|(_, index)| {
            met += 1;
            met <= BRANCHES_MAX || is_on_way(&entries[*index].path)
        });
        left_out += count - children.len();
    }
    let (name, to) = (top.to_owned(), here.to_owned());
    let branch = |depth, name, to, is_here| Branch { depth, name, to, opens: false, closes: 0, is_here };
    let mut tree = vec![branch(0, name, to, folder.is_none())];
    // What is still to be shown, the next one last.
    let branches = |parent: &[u8], depth: usize| {
        let children = open.get(parent).map_or(&[][..], Vec::as_slice).iter().rev();
        children.map(|(name, index)| (depth, *name, *index)).collect::<Vec<_>>()
    };
    let mut left = branches(b"", 1);
    while let Some((depth, name, index)) = left.pop() {
        let path = entries[index].path.as_slice();
        let (name, to) = (shown_bytes(name), format!("{here}?in={index}"));
        tree.push(branch(depth.min(DEPTH_MAX), name, to, folder == Some(path)));
        left.extend(branches(path, depth + 1));
    }
    let next: Vec<_> = tree.iter().skip(1).map(|branch| branch.depth).chain([0]).collect();
    for (branch, next) in tree.iter_mut().zip(next) {
        (branch.opens, branch.closes) = (next > branch.depth, branch.depth.saturating_sub(next));
    }
    (tree, left_out)
}

#[cfg(test)]
mod tests {
    use hizo_vault::commit::EntryId;

    use super::*;

    #[test]
    fn what_lies_beneath_a_folder_is_called_from_there() {
        assert_eq!(below(None, b"a/b"), Some(&b"a/b"[..]));
        assert_eq!(below(Some(b"a"), b"a/b/c"), Some(&b"b/c"[..]));
        assert_eq!(below(Some(b"a"), b"ab/c"), None);
        assert_eq!(below(Some(b"a"), b"a"), None);
    }

    #[test]
    fn the_tree_is_open_from_the_top_to_the_folder_that_is_shown() {
        let folder = |path: &str| Entry {
            path: path.into(),
            id: EntryId::from_bytes([0; 16]),
            mode: 0o755,
            mtime_ns: 0,
            xattrs: Vec::new(),
            kind: Kind::Directory,
        };
        // In the order of a manifest, in which a sibling may come before what a folder holds.
        let paths = ["a", "a-b", "a/x", "a/x/deep", "a/y", "b", "b/z"];
        let entries = paths.map(folder);
        let shown = |at: Option<&str>| -> Vec<(usize, String, bool)> {
            let (tree, left_out) = tree(&entries, at.map(str::as_bytes), "/d", "top");
            assert_eq!(left_out, 0);
            tree.into_iter().map(|branch| (branch.depth, branch.name, branch.is_here)).collect()
        };
        let of = |rows: &[(usize, &str, bool)]| -> Vec<(usize, String, bool)> {
            rows.iter().map(|(depth, name, is_here)| (*depth, (*name).to_owned(), *is_here)).collect()
        };
        let top = of(&[(0, "top", true), (1, "a", false), (1, "a-b", false), (1, "b", false)]);
        assert_eq!(shown(None), top);
        let deep = of(&[
            (0, "top", false),
            (1, "a", false),
            (2, "x", true),
            (3, "deep", false),
            (2, "y", false),
            (1, "a-b", false),
            (1, "b", false),
        ]);
        assert_eq!(shown(Some("a/x")), deep);
        // A list begins behind whatever holds the next one, and as many end as levels are left.
        let lists = |at: &str| -> Vec<(bool, usize)> {
            tree(&entries, Some(at.as_bytes()), "/d", "top").0.iter().map(|it| (it.opens, it.closes)).collect()
        };
        let (in_it, beside) = ((true, 0), (false, 0));
        assert_eq!(lists("a/x"), [in_it, in_it, in_it, (false, 1), (false, 1), beside, (false, 1)]);
        assert_eq!(lists("b/z"), [in_it, beside, beside, in_it, (false, 2)]);
        // Of many the first ones are there, and the one that leads to what is shown.
        let many: Vec<Entry> = (100..200)
            .flat_map(|number| [format!("{number}"), format!("{number}/in")])
            .map(|path| folder(&path))
            .collect();
        let (found, left_out) = tree(&many, Some(b"180/in"), "/d", "top");
        assert_eq!((found.len(), left_out), (1 + BRANCHES_MAX + 2, 100 - BRANCHES_MAX - 1));
        assert!(found.iter().any(|branch| branch.is_here && branch.name == "in"));
    }
}
