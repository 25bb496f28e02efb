//! Laws of manifests: one form, every byte bound, and a delta that means exactly the list it stands for.

use hizo_vault::commit::{CommitKey, Commitment, ContentValue, EntryId, Leaves, Seed};
use hizo_vault::manifest::{
    CHAIN_MAX, Content, ENTRIES_MAX, Entry, Error, Head, Kind, LINE_BYTES_MAX, Layer, Line, Manifest, PackStart, Place,
    Reader, Root, SEGMENT_BYTES, SPANS_MAX, Span,
};
use proptest::prelude::*;

/// A head of a full manifest with these entries.
pub(crate) fn head(deposit: u64, entries: &[Entry]) -> Head {
    Head {
        deposit,
        seed: Seed::from_bytes([deposit as u8; 32]),
        entries: entries.len() as u64,
        base: None,
        chain: 0,
        reread: false,
        archive_bytes: 0,
        archive_packs: 0,
        root: None,
        events: Vec::new(),
    }
}

/// A folder that has everything that one can have.
pub(crate) fn root() -> Root {
    Root { mode: 0o2750, mtime_ns: -1, xattrs: vec![(b"user.a".to_vec(), vec![0, 255]), (b"user.b".to_vec(), vec![])] }
}

/// The text of a manifest.
pub(crate) fn text(head: &Head, starts: &[PackStart], gone: &[EntryId], entries: &[Entry]) -> Vec<u8> {
    let lines = entries.iter().flat_map(Entry::line);
    head.line().iter().copied().chain(Line::packs(starts)).chain(Line::gone(gone)).chain(lines).collect()
}

/// What these entries commit to under the head's seed.
pub(crate) fn commitment(head: &Head, entries: &[Entry]) -> Commitment {
    let key = CommitKey::new(&head.seed);
    let mut leaves = Leaves::default();
    entries.iter().for_each(|entry| leaves.push(key.leaf(&entry.committed())));
    key.commit(leaves).unwrap()
}

pub(crate) fn entry(path: &[u8], id: u8, kind: Kind) -> Entry {
    let id = EntryId::from_bytes([id; 16]);
    Entry { path: path.to_vec(), kind, mode: 0o644, mtime_ns: 1_700_000_000_123_456_789, xattrs: Vec::new(), id }
}

pub(crate) fn content(bytes: &[u8], block: u64) -> Content {
    let value = ContentValue::of([bytes.len() as u8; 32], bytes);
    let (size, place) = (bytes.len() as u64, Place { deposit: 1, block });
    Content { size, value, place, spans: Box::default(), read: 1, unsteady: false }
}

/// Content of deposit 2 that lies in these spans, the last of which is shorter by 100 bytes.
pub(crate) fn composed(spans: &[(u64, u64, u64)]) -> Content {
    let span =
        |(segments, deposit, block): &(u64, u64, u64)| Span { segments: *segments, place: place(*deposit, *block) };
    let spans: Box<[Span]> = spans.iter().map(span).collect();
    let segments = spans.iter().map(|span| span.segments).sum::<u64>();
    Content { size: segments * SEGMENT_BYTES - 100, place: place(2, 0), spans, ..content(b"composed", 0) }
}

fn place(deposit: u64, block: u64) -> Place {
    Place { deposit, block }
}

/// One entry of each kind, with everything an entry can have.
pub(crate) fn everything() -> Vec<Entry> {
    let mut file = entry("図面/a".as_bytes(), 2, Kind::File(Content { unsteady: true, ..content(b"hello", 1) }));
    file.xattrs = vec![(b"user.a".to_vec(), b"\x00\xff".to_vec()), (b"user.b".to_vec(), Vec::new())];
    let mut late = entry(b"\xff\xfe", 6, Kind::File(content(b"", 7)));
    (late.mode, late.mtime_ns) = (0o7777, i64::MIN);
    vec![
        entry(b"line\nfeed \"quoted\" \\ \x7f \xc2\x85", 1, Kind::File(content(b"more", 4))),
        entry("図面".as_bytes(), 3, Kind::Directory),
        file,
        entry("図面/b".as_bytes(), 4, Kind::HardLink { target: "図面/a".into(), content: content(b"hello", 1) }),
        entry("図面/c".as_bytes(), 5, Kind::Symlink { target: b"../\xff".to_vec() }),
        late,
    ]
}

fn whole(text: &[u8]) -> Result<Manifest, Error> {
    Manifest::full(Layer::parse(text)?)
}

#[test]
fn everything_reads_back_and_holds() {
    let entries = everything();
    let mut head = head(1, &entries);
    (head.archive_bytes, head.archive_packs) = (1 << 53, 2);
    head.events = vec![serde_json::json!({ "event": "deposit.made", "note": "名前 \u{1}" })];
    head.root = Some(root());
    let starts = [PackStart { frame: 0, offset: 0 }, PackStart { frame: 16, offset: u64::MAX }];
    let text = text(&head, &starts, &[], &entries);
    let read = whole(&text).unwrap();
    assert_eq!(read.entries, entries);
    assert_eq!(read.packs, starts);
    assert_eq!(read.head.line(), head.line());
    assert_eq!(read.head.root, head.root);
    read.check(&commitment(&head, &entries)).unwrap();
    assert_eq!(read.entry("図面/c".as_bytes()), Some(&entries[4]));
    assert_eq!(read.entry(b"nothing"), None);
}

#[test]
fn numbers_above_what_every_reader_keeps_stand_as_text() {
    let mut far = content(b"", (1 << 53) - 1);
    far.size = 1 << 53;
    let line = String::from_utf8(entry(b"a", 1, Kind::File(far)).line()).unwrap();
    assert!(line.contains("\"s\":\"9007199254740992\"") && line.contains("[1,9007199254740991]"), "{line}");
}

/// A flipped bit never passes unnoticed as another list: it is refused, or breaks the commitment, or stands in a field
/// that only the record's object hashes bind (attributes, place, last read, unsteadiness).
#[test]
fn every_flipped_bit_is_refused_or_leaves_everything_committed_as_it_was() {
    let entries = everything();
    let head = head(1, &entries);
    let good = text(&head, &[PackStart { frame: 0, offset: 0 }], &[], &entries);
    let commitment = commitment(&head, &entries);
    let bare = |entries: &[Entry]| -> Vec<Entry> {
        let plain = |content: &Content| Content {
            place: place(0, 0),
            spans: Box::default(),
            read: 0,
            unsteady: false,
            ..content.clone()
        };
        let kind = |kind: &Kind| match kind {
            Kind::File(content) => Kind::File(plain(content)),
            Kind::HardLink { target, content } => Kind::HardLink { target: target.clone(), content: plain(content) },
            Kind::Symlink { target } => Kind::Symlink { target: target.clone() },
            Kind::Directory => Kind::Directory,
        };
        entries.iter().map(|entry| Entry { kind: kind(&entry.kind), xattrs: Vec::new(), ..entry.clone() }).collect()
    };
    let mut passed = 0;
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut changed = good.clone();
            changed[at] ^= 1 << bit;
            let Ok(read) = whole(&changed) else { continue };
            if read.check(&commitment).is_ok() {
                assert_eq!(bare(&read.entries), bare(&entries), "bit {bit} of byte {at}");
                passed += 1;
            }
        }
    }
    assert!(passed < good.len() / 4, "{passed} of {} flips leave the commitment as it was", good.len() * 8);
}

#[test]
fn every_manifest_that_is_cut_short_is_refused() {
    let entries = everything();
    let good = text(&head(1, &entries), &[], &[], &entries);
    for length in 0..good.len() {
        assert!(whole(&good[..length]).is_err(), "{length} of {} bytes pass", good.len());
    }
}

#[test]
fn lines_removed_doubled_or_exchanged_are_refused() {
    let entries = everything();
    let good = text(&head(1, &entries), &[PackStart { frame: 0, offset: 0 }], &[], &entries);
    let lines: Vec<&[u8]> = good.split_inclusive(|byte| *byte == b'\n').collect();
    for a in 0..lines.len() {
        let mut without = lines.clone();
        without.remove(a);
        // Pack starts alone may be missing: an entry tells where it lies all the same.
        assert_eq!(whole(&without.concat()).is_ok(), a == 1, "without line {a}");
        let mut doubled = lines.clone();
        doubled.insert(a, lines[a]);
        assert_eq!(whole(&doubled.concat()).is_ok(), a == 1, "line {a} twice");
        for b in 0..a {
            let mut exchanged = lines.clone();
            exchanged.swap(a, b);
            assert!(whole(&exchanged.concat()).is_err(), "lines {a} and {b} exchanged");
        }
    }
}

#[test]
fn a_base_is_the_deposit_that_the_delta_names_in_the_chain_that_it_names() {
    let entries = everything();
    let base = || whole(&text(&head(3, &entries), &[], &[], &entries)).unwrap();
    let delta = |base: u64, chain: u32, gone: &[EntryId], count: u64| {
        let mut head = head(5, &[]);
        (head.base, head.chain, head.entries) = (Some(base), chain, count);
        Layer::parse(&text(&head, &[], gone, &[])).unwrap()
    };
    let all = entries.len() as u64;
    assert!(base().apply(delta(3, 1, &[], all)).is_ok());
    assert_eq!(base().apply(delta(2, 1, &[], all)).err(), Some(Error::Base), "another base");
    assert_eq!(base().apply(delta(3, 2, &[], all)).err(), Some(Error::Base), "another length of the chain");
    let unknown = EntryId::from_bytes([99; 16]);
    assert_eq!(base().apply(delta(3, 1, &[unknown], all)).err(), Some(Error::Base), "gone, and never there");
    assert_eq!(base().apply(delta(3, 1, &[], all - 1)).err(), Some(Error::Incomplete), "one too many");
    assert_eq!(base().apply(delta(3, 1, &[entries[0].id], all)).err(), Some(Error::Incomplete), "one too few");
    assert_eq!(Manifest::full(delta(3, 1, &[], all)).err(), Some(Error::Base), "a delta is no whole");
    let full = Layer::parse(&text(&head(5, &entries), &[], &[], &entries)).unwrap();
    assert_eq!(base().apply(full).err(), Some(Error::Base), "a full one builds on nothing");
}

#[test]
fn an_entry_that_was_changed_is_not_gone_too() {
    let entries = everything();
    let base = whole(&text(&head(1, &entries), &[], &[], &entries)).unwrap();
    let mut changed = entries[0].clone();
    changed.id = EntryId::from_bytes([50; 16]);
    let mut head = head(2, &entries);
    (head.base, head.chain) = (Some(1), 1);
    let delta = Layer::parse(&text(&head, &[], &[entries[0].id], &[changed])).unwrap();
    assert_eq!(base.apply(delta).err(), Some(Error::Base));
}

#[test]
fn limits_are_kept() {
    let mut many = head(1, &[]);
    many.entries = ENTRIES_MAX + 1;
    assert_eq!(Layer::parse(&many.line()).err(), Some(Error::TooManyEntries));
    many.entries = ENTRIES_MAX;
    assert_eq!(Layer::parse(&many.line()).err(), Some(Error::Incomplete));
    let mut chained = head(20, &[]);
    (chained.base, chained.chain) = (Some(1), CHAIN_MAX);
    assert!(Layer::parse(&chained.line()).is_ok());
    chained.chain = CHAIN_MAX + 1;
    assert_eq!(Layer::parse(&chained.line()).err(), Some(Error::Line { line: 1 }));

    let long = |bytes: usize| {
        let mut long = entry(b"a", 1, Kind::Directory);
        long.xattrs = vec![(b"user.x".to_vec(), Vec::new())];
        let base = long.line().len();
        // Four characters for three bytes; what is missing to the length goes to the name.
        long.xattrs[0].1 = vec![0; (bytes + 1 - base) / 4 * 3];
        long.path = vec![b'a'; 1 + (bytes + 1 - base) % 4];
        assert_eq!(long.line().len(), bytes + 1);
        text(&head(1, std::slice::from_ref(&long)), &[], &[], &[long])
    };
    assert!(whole(&long(LINE_BYTES_MAX)).is_ok());
    assert_eq!(whole(&long(LINE_BYTES_MAX + 1)).err(), Some(Error::Line { line: 2 }));
    let mut reader = Reader::new();
    let endless = vec![b'a'; LINE_BYTES_MAX + 1];
    assert_eq!(reader.push(&endless, |_| Ok(())).err(), Some(Error::Line { line: 1 }), "held in memory without end");
}

#[test]
fn what_cannot_be_had_as_it_is_committed_is_refused() {
    let checked = |entries: Vec<Entry>| {
        let head = head(1, &entries);
        let commitment = commitment(&head, &entries);
        whole(&text(&head, &[], &[], &entries)).unwrap().check(&commitment)
    };
    let file = |path: &[u8], id, bytes: &[u8], block| entry(path, id, Kind::File(content(bytes, block)));
    let link =
        |path: &[u8], id, target: &[u8], content| entry(path, id, Kind::HardLink { target: target.to_vec(), content });
    let a = || file(b"a", 1, b"one", 1);
    assert_eq!(checked(vec![a(), file(b"b", 2, b"one", 1)]), Ok(()), "a copy");
    assert_eq!(checked(vec![a(), file(b"b", 2, b"two!", 1)]), Err(Error::Place));
    assert_eq!(checked(vec![a(), link(b"b", 2, b"a", content(b"one", 1))]), Ok(()));
    assert_eq!(checked(vec![a(), link(b"b", 2, b"a", content(b"two!", 3))]), Err(Error::Link), "other content");
    assert_eq!(checked(vec![a(), link(b"b", 2, b"a", content(b"one", 3))]), Err(Error::Link), "another place");
    assert_eq!(checked(vec![a(), link(b"b", 2, b"A", content(b"one", 1))]), Err(Error::Link), "nothing there");
    let folder = entry(b"a", 1, Kind::Directory);
    assert_eq!(checked(vec![folder, link(b"b", 2, b"a", content(b"one", 1))]), Err(Error::Link), "a folder");
    let chain = vec![a(), link(b"b", 2, b"a", content(b"one", 1)), link(b"c", 3, b"b", content(b"one", 1))];
    assert_eq!(checked(chain), Err(Error::Link), "a further name of a further name");
    let huge = |path: &[u8], id| entry(path, id, Kind::File(Content { size: u64::MAX, ..content(b"", id.into()) }));
    assert_eq!(checked(vec![huge(b"a", 1)]), Ok(()));
    assert_eq!(checked(vec![huge(b"a", 1), file(b"b", 2, b"x", 9)]), Err(Error::TooLong));
    assert_eq!(checked(vec![a(), file(b"b", 1, b"one", 1)]), Err(Error::Commitment), "one id for two");
}

#[test]
fn stretches_of_a_content_cover_it_without_a_gap() {
    let check = |content: &Content, expected: &[(std::ops::Range<u64>, Place)]| {
        assert_eq!(content.stretches().collect::<Vec<_>>(), expected);
    };
    check(&content(b"hello", 3), &[(0..5, place(1, 3))]);
    check(&content(b"", 3), &[(0..0, place(1, 3))]);
    let (far, near) = (place(1, 7), place(2, 0));
    let end = 6 * SEGMENT_BYTES - 100;
    check(
        &composed(&[(3, 1, 7), (1, 2, 0), (2, 1, 7)]),
        &[(0..3 * SEGMENT_BYTES, far), (3 * SEGMENT_BYTES..4 * SEGMENT_BYTES, near), (4 * SEGMENT_BYTES..end, far)],
    );
}

#[test]
fn a_file_has_as_many_spans_as_the_limit_and_no_more() {
    let spans = |count: usize| (0..count).map(|at| if at % 2 == 0 { (1, 1, 7) } else { (1, 2, 0) });
    let check = |count: usize| {
        let entries = [entry(b"f", 1, Kind::File(composed(&spans(count).collect::<Vec<_>>())))];
        let head = head(2, &entries);
        whole(&text(&head, &[], &[], &entries)).map(|read| assert_eq!(read.entries, entries))
    };
    check(SPANS_MAX).unwrap();
    assert_eq!(check(SPANS_MAX + 1), Err(Error::Line { line: 2 }));
}

fn any_path() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        "[a-c]{1,2}".prop_map(String::into_bytes),
        "\\PC{1,6}".prop_map(|text| text.replace(['/', '\0'], "x").into_bytes()),
        proptest::collection::vec(1u8.., 1..5),
    ];
    proptest::collection::vec(part, 1..4)
        .prop_map(|parts| parts.join(&b'/'))
        .prop_filter("a safe path", |path| hizo_vault::archive::check_path(path).is_ok())
}

fn any_content() -> impl Strategy<Value = Content> {
    (any::<[u8; 32]>(), any::<[u8; 32]>(), any::<[u8; 32]>(), any::<u64>(), any::<(bool, u64)>()).prop_map(
        |(sha256, key, blake3, size, (unsteady, block))| Content {
            size,
            value: ContentValue { sha256, key, blake3 },
            place: place(1, block),
            spans: if size % 3 == 0 { Box::default() } else { any_spans(size, block) },
            read: block ^ size,
            unsteady,
        },
    )
}

/// Up to three spans that a file of this size may have.
fn any_spans(size: u64, block: u64) -> Box<[Span]> {
    let segments = size.div_ceil(SEGMENT_BYTES);
    let (first, second) = (segments / 3, segments / 2);
    let spans = [(first, place(0, block)), (second, place(1, block)), (segments - first - second, place(0, block ^ 1))];
    let spans = spans.into_iter().map(|(segments, place)| Span { segments, place });
    spans.filter(|span| span.segments > 0).collect()
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let kind = prop_oneof![
        any_content().prop_map(Kind::File),
        Just(Kind::Directory),
        proptest::collection::vec(1u8.., 1..9).prop_map(|target| Kind::Symlink { target }),
        any_content().prop_map(|content| Kind::HardLink { target: b"\x01".to_vec(), content }),
    ];
    let xattrs = proptest::collection::btree_map(any::<[u8; 2]>(), any::<Vec<u8>>(), 0..3);
    (any_path(), kind, 0u32..=0o7777, any::<i64>(), xattrs, any::<[u8; 16]>()).prop_map(
        |(path, kind, mode, mtime_ns, xattrs, id)| Entry {
            path: [b"\x02", path.as_slice()].concat(),
            kind,
            mode,
            mtime_ns,
            xattrs: xattrs.into_iter().map(|(name, value)| (name.to_vec(), value)).collect(),
            id: EntryId::from_bytes(id),
        },
    )
}

/// Entries with different paths, in order, and with different ids.
fn any_entries() -> impl Strategy<Value = Vec<Entry>> {
    proptest::collection::vec(any_entry(), 0..12).prop_map(|mut entries| {
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        entries.dedup_by(|a, b| a.path == b.path);
        let mut ids = std::collections::HashSet::new();
        entries.retain(|entry| ids.insert(entry.id));
        entries
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_back_and_writes_the_same(entries in any_entries(), pieces in 1usize..400) {
        let good = text(&head(1, &entries), &[], &[], &entries);
        let mut reader = Reader::new();
        let mut read = Vec::new();
        for piece in good.chunks(pieces) {
            reader.push(piece, |line| {
                if let Line::Entry(entry) = line {
                    read.push(*entry);
                }
                Ok(())
            }).unwrap();
        }
        let head = reader.finish().unwrap();
        prop_assert_eq!(&read, &entries);
        prop_assert_eq!(text(&head, &[], &[], &read), good);
    }

    #[test]
    fn a_delta_means_the_list_it_was_made_from(before in any_entries(), after in any_entries(), keep in any::<u64>()) {
        // Some entries of the first list stay in the second, unchanged.
        let stays = |index: usize| keep >> (index % 64) & 1 == 1;
        let mut later: Vec<Entry> = before.iter().enumerate().filter(|(at, _)| stays(*at)).map(|(_, e)| e.clone()).collect();
        later.extend(after.into_iter().filter(|new| before.iter().all(|old| old.id != new.id)));
        later.sort_by(|a, b| a.path.cmp(&b.path));
        later.dedup_by(|a, b| a.path == b.path);
        let base = whole(&text(&head(1, &before), &[], &[], &before)).unwrap();
        let changed: Vec<Entry> = later.iter().filter(|entry| !before.contains(entry)).cloned().collect();
        let gone: Vec<EntryId> =
            before.iter().filter(|old| later.iter().all(|new| new.path != old.path)).map(|old| old.id).collect();
        let mut delta = head(2, &later);
        (delta.base, delta.chain) = (Some(1), 1);
        let applied = base.apply(Layer::parse(&text(&delta, &[], &gone, &changed)).unwrap()).unwrap();
        prop_assert_eq!(applied.entries, later);
    }

    #[test]
    fn foreign_bytes_are_refused_without_harm(bytes in any::<Vec<u8>>(), at in any::<proptest::sample::Index>()) {
        let entries = everything();
        let mut mixed = text(&head(1, &entries), &[], &[], &entries);
        let at = at.index(mixed.len());
        mixed.splice(at..at, bytes.iter().copied());
        let _ = whole(&bytes);
        prop_assert!(bytes.is_empty() || whole(&mixed).map(|read| read.entries) != Ok(entries.clone()) || same_again(&mixed));
    }
}

/// Whether a text that reads as the same list is the same text: another spelling of a number, say, would not be.
fn same_again(mixed: &[u8]) -> bool {
    let entries = everything();
    text(&head(1, &entries), &[], &[], &entries) == mixed
}
