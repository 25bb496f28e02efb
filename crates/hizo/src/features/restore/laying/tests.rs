use hizo_vault::commit::{EntryId, Seed};
use hizo_vault::manifest::{Head, Manifest};

use super::*;

/// Where the content of these bytes lies.
fn content(block: u64, bytes: &[u8]) -> Content {
    let value = ContentValue::of([9; 32], bytes);
    Content {
        size: bytes.len() as u64,
        value,
        place: Place { deposit: 1, block },
        spans: Box::default(),
        read: 1,
        unsteady: false,
    }
}

fn entry(path: &str, kind: Kind) -> Entry {
    let id = EntryId::from_bytes([0; 16]);
    Entry { path: path.into(), kind, mode: 0o755, mtime_ns: 0, xattrs: Vec::new(), id }
}

fn manifest(entries: Vec<Entry>) -> Manifest {
    let head = Head {
        deposit: 1,
        seed: Seed::from_bytes([5; 32]),
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

/// Lays out what the entries hold, on a system where `taken` are names that it does not tell from others.
fn lay(entries: Vec<Entry>, contents: &[(u64, &[u8])], taken: &[&str]) -> (tempfile::TempDir, PathBuf, Restored) {
    let base = tempfile::tempdir().unwrap();
    let to = base.path().join("out");
    let (list, chosen) = (List::AtHand(manifest(entries.clone())), Chosen(&[]));
    let mut laying = Laying::begin(&to, Options { special: false }, false).unwrap();
    // The system answers as it does where the names of two entries are one: there is something of this name.
    for name in taken {
        fs::write(base.path().join("out.partial").join(name), "first").unwrap();
    }
    laying.directories(list.entries().unwrap(), chosen).unwrap();
    for (block, bytes) in contents {
        let is_here = |entry: &&Entry| chosen.content_of_own(entry).is_some_and(|own| own.place.block == *block);
        let files: Vec<&Entry> = entries.iter().filter(is_here).collect();
        laying.file(&content(*block, bytes), &files).unwrap();
        laying.data(0, bytes).unwrap();
        laying.file_end().unwrap();
    }
    let restored = laying.finish(&list, chosen, None).unwrap();
    (base, to, restored)
}

fn left_out(restored: &Restored) -> Vec<String> {
    let of_names = restored.left_out.iter().filter(|(_, reason)| reason == ONE_NAME);
    of_names.map(|(path, _)| String::from_utf8(path.clone()).unwrap()).collect()
}

#[test]
fn names_that_are_one_here_are_all_told_and_the_rest_is_laid_out() {
    let file = |path, block, bytes| entry(path, Kind::File(content(block, bytes)));
    let (_base, to, restored) = lay(
        vec![
            file("a", 0, b"a"),
            file("b", 2, b"b"),
            file("c", 4, b"c"),
            entry("l", Kind::Symlink { target: b"a".to_vec() }),
            file("z", 6, b"z"),
        ],
        &[(0, b"a"), (2, b"b"), (4, b"c"), (6, b"z")],
        &["b", "l", "z"],
    );
    assert_eq!(left_out(&restored), ["b", "l", "z"]);
    assert_eq!((restored.files, restored.lost.len(), restored.left_out.len()), (2, 0, 3));
    assert_eq!(restored.to, to, "nothing is lost: the folder is in its place");
    for (name, text) in [("a", "a"), ("c", "c"), ("b", "first"), ("l", "first"), ("z", "first")] {
        assert_eq!(fs::read_to_string(to.join(name)).unwrap(), text, "{name}");
    }
    assert_eq!(restored.shortfall().unwrap().kind, FailureKind::Fixable);
}

#[test]
fn a_folder_whose_name_is_another_s_here_is_never_merged_with_it() {
    let file = |path, block, bytes| entry(path, Kind::File(content(block, bytes)));
    let (_base, to, restored) = lay(
        vec![
            file("Docs", 0, b"a file"),
            entry("docs", Kind::Directory),
            entry("docs/deep", Kind::Directory),
            file("docs/deep/f", 2, b"f"),
            entry("docs/l", Kind::Symlink { target: b"f".to_vec() }),
            file("e", 2, b"f"),
        ],
        &[(0, b"a file"), (2, b"f")],
        &["docs"],
    );
    assert_eq!(left_out(&restored), ["docs", "docs/deep", "docs/deep/f", "docs/l"]);
    assert_eq!(fs::read_to_string(to.join("docs")).unwrap(), "first");
    assert_eq!(fs::read_to_string(to.join("e")).unwrap(), "f", "the same content has its other name");
    assert_eq!(restored.files, 2);
}

#[test]
fn content_comes_under_its_other_names_when_the_first_one_is_taken() {
    let large = vec![7; (WHOLE_BYTES_MAX + 1) as usize];
    for bytes in [b"small".as_slice(), &large] {
        let (_base, to, restored) = lay(
            vec![
                entry("a", Kind::File(content(0, bytes))),
                entry("b", Kind::File(content(0, bytes))),
                entry("c", Kind::File(content(0, bytes))),
                entry("h", Kind::HardLink { target: b"a".to_vec(), content: content(0, bytes) }),
                entry("i", Kind::HardLink { target: b"b".to_vec(), content: content(0, bytes) }),
            ],
            &[(0, bytes)],
            &["a", "c"],
        );
        assert_eq!(left_out(&restored), ["a", "c", "h"], "a further name of what is not there is none of another");
        for name in ["a", "c"] {
            assert_eq!(fs::read(to.join(name)).unwrap(), b"first");
        }
        for name in ["b", "i"] {
            assert_eq!(fs::read(to.join(name)).unwrap(), bytes);
        }
        assert_eq!(restored.bytes, bytes.len() as u64);
    }
}
