use hizo_vault::commit::{ContentValue, EntryId, Seed};
use hizo_vault::manifest::{Content, Entry, Head, Kind, Manifest, Place};

use super::*;

fn file(path: &str, content: &str) -> Entry {
    let value = ContentValue::of([7; 32], content.as_bytes());
    let place = Place { deposit: 1, block: 0 };
    entry(
        path,
        Kind::File(Content {
            size: content.len() as u64,
            value,
            place,
            spans: Box::default(),
            read: 1,
            unsteady: false,
        }),
    )
}

fn entry(path: &str, kind: Kind) -> Entry {
    let id = EntryId::from_bytes([0; 16]);
    Entry { path: path.into(), kind, mode: 0o644, mtime_ns: 0, xattrs: Vec::new(), id }
}

fn manifest(entries: Vec<Entry>) -> Manifest {
    let head = Head {
        deposit: 1,
        seed: Seed::from_bytes([0; 32]),
        entries: entries.len() as u64,
        base: None,
        chain: 0,
        reread: false,
        archive_bytes: 0,
        archive_packs: 0,
        root: None,
        events: Vec::new(),
    };
    Manifest { head, packs: Vec::new(), entries }
}

/// Every difference as `added x`, `renamed x y`, in one list.
fn check(before: Vec<Entry>, after: Vec<Entry>, expected: &[&str]) {
    let (before, after) = (manifest(before), manifest(after));
    let difference = compare(Compared::at_hand(&before), Compared::at_hand(&after)).unwrap();
    let text = |entry: &Entry| String::from_utf8(entry.path.clone()).unwrap();
    let fields = |change: &Change| change.fields.iter().map(|field| format!(" {}", field.word())).collect::<String>();
    let mut found: Vec<String> = Vec::new();
    found.extend(difference.added.iter().map(|entry| format!("added {}", text(entry))));
    found.extend(difference.removed.iter().map(|entry| format!("removed {}", text(entry))));
    found.extend(difference.changed.iter().map(|change| format!("changed {}{}", text(&change.after), fields(change))));
    let renamed =
        |change: &Change| format!("renamed {} {}{}", text(&change.before), text(&change.after), fields(change));
    found.extend(difference.renamed.iter().map(renamed));
    assert_eq!(found, expected);
}

#[test]
fn entries_come_go_and_change() {
    let mut changed = file("b", "two");
    changed.mode = 0o600;
    changed.mtime_ns = 1;
    check(
        vec![file("a", "one"), file("b", "old"), file("c", "three")],
        vec![file("a", "one"), changed, file("d", "four")],
        &["added d", "removed c", "changed b content mode mtime"],
    );
    check(vec![file("a", "one")], vec![file("a", "one")], &[]);
    check(vec![], vec![file("a", "one")], &["added a"]);
    check(vec![file("a", "one")], vec![], &["removed a"]);
}

#[test]
fn a_file_under_another_name_is_renamed_and_a_copy_is_added() {
    check(vec![file("a", "one")], vec![file("b", "one")], &["renamed a b"]);
    check(vec![file("a", "one")], vec![file("a", "one"), file("b", "one")], &["added b"]);
    check(vec![file("a", "one")], vec![file("b", "one"), file("c", "one")], &["added c", "renamed a b"]);
    check(vec![file("a", "one"), file("b", "one")], vec![file("c", "one")], &["removed b", "renamed a c"]);
}

#[test]
fn of_several_names_the_one_that_keeps_its_last_part_is_the_renamed_one() {
    check(vec![file("a/x", "one"), file("b/y", "one")], vec![file("c/y", "one")], &["removed a/x", "renamed b/y c/y"]);
}

#[test]
fn empty_files_are_not_taken_for_renamed() {
    check(vec![file("a", "")], vec![file("b", "")], &["added b", "removed a"]);
}

#[test]
fn another_kind_or_target_is_a_change() {
    let link = |target: &str| entry("a", Kind::Symlink { target: target.into() });
    check(vec![link("x")], vec![link("y")], &["changed a target"]);
    check(vec![link("x")], vec![entry("a", Kind::Directory)], &["changed a kind target"]);
    check(vec![file("a", "one")], vec![entry("a", Kind::Directory)], &["changed a kind content"]);
}

#[test]
fn the_time_of_a_folder_alone_is_told_apart() {
    let (before, mut later) = (entry("a", Kind::Directory), entry("a", Kind::Directory));
    later.mtime_ns = 5;
    let fields = fields(&before, &later);
    assert!(
        Change { before: Listed::Lent(&before), after: Listed::Lent(&later), fields }.is_only_the_time_of_a_folder()
    );
    later.mode = 0o700;
    let fields = super::fields(&before, &later);
    assert!(
        !Change { before: Listed::Lent(&before), after: Listed::Lent(&later), fields }.is_only_the_time_of_a_folder()
    );
}
