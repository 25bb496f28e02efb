//! The vectors of docs/spec/manifest.md: manifests that every reader must accept, and manifests that it must refuse.

use hizo_vault::commit::Commitment;
use hizo_vault::manifest::{Entry, Error, Kind, Layer, Line, Manifest, PackStart, SPANS_MAX, Span};
use serde_json::{Value, json};

use crate::manifest::{commitment, composed, content, entry, everything, head, root, text};
use crate::vectors::Vectors;

const VECTORS: Vectors = Vectors::new("manifest", "manifest");

/// Reads a manifest with the one that it builds on, if the vector names it, and compares it with the commitment.
fn read(bytes: &[u8], said: &Value) -> Result<Manifest, Error> {
    let layer = Layer::parse(bytes)?;
    let manifest = match said["base"].as_str() {
        Some(base) => {
            let (bytes, said) = VECTORS.one("accepted", base);
            read(&bytes, &said).expect("a base is accepted by itself").apply(layer)?
        }
        None => Manifest::full(layer)?,
    };
    manifest.check(&committed(said))?;
    Ok(manifest)
}

fn committed(said: &Value) -> Commitment {
    let half = |name: &str| hex::decode(said["commitment"][name].as_str().unwrap()).unwrap().try_into().unwrap();
    Commitment { sha256: half("sha256"), blake3: half("blake3") }
}

fn commitment_json(commitment: &Commitment) -> Value {
    json!({ "sha256": hex::encode(commitment.sha256), "blake3": hex::encode(commitment.blake3) })
}

/// What an accepted vector says of the whole list.
fn described(manifest: &Manifest) -> Value {
    let entries = manifest.entries.iter().map(|entry| {
        let mut said = json!({
            "path_hex": hex::encode(&entry.path), "kind": kind_name(&entry.kind),
            "mode": format!("{:04o}", entry.mode), "mtime_ns": entry.mtime_ns.to_string(),
            "id_hex": hex::encode(entry.id.as_bytes()),
        });
        if let Some(content) = entry.kind.content() {
            said["size"] = content.size.to_string().into();
            said["sha256"] = hex::encode(content.value.sha256).into();
            said["place"] = json!([content.place.deposit, content.place.block]);
            if content.is_composed() {
                let place = |span: &Span| json!([span.segments, span.place.deposit, span.place.block]);
                said["spans"] = content.spans.iter().map(place).collect();
            }
            if manifest.head.reread {
                said["read"] = content.read.into();
            }
        }
        if let Some(target) = entry.kind.target() {
            said["target_hex"] = hex::encode(target).into();
        }
        said
    });
    entries.collect()
}

fn kind_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::File(_) => "file",
        Kind::HardLink { .. } => "hard link",
        Kind::Symlink { .. } => "link",
        Kind::Directory => "folder",
    }
}

#[test]
fn every_accepted_vector_reads_as_it_says() {
    for (name, bytes, said) in VECTORS.all("accepted", 6) {
        let manifest = read(&bytes, &said).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(described(&manifest), said["entries"], "{name}");
    }
}

#[test]
fn every_refused_vector_is_refused_for_its_one_fault() {
    for (name, bytes, said) in VECTORS.all("refused", 70) {
        let error = read(&bytes, &said).err().unwrap_or_else(|| panic!("{name} is accepted"));
        assert_eq!(rule(&error), said["refused"], "{name}");
    }
}

/// The rule broken, as the vectors give it: `Line 3` is the third line.
fn rule(error: &Error) -> String {
    match error {
        Error::Line { line } => format!("Line {line}"),
        other => format!("{other:?}"),
    }
}

type Accepted = (&'static str, &'static str, Vec<u8>, Option<&'static str>);

fn accepted() -> Vec<Accepted> {
    let all = everything();
    let mut full = head(1, &all);
    (full.archive_bytes, full.archive_packs) = (5 << 20, 1);
    full.events = Vec::new();
    let starts = [PackStart { frame: 0, offset: 0 }];
    let mut small = head(1, &plain());
    small.archive_bytes = 3072;
    small.events = vec![json!({ "event": "deposit.made", "labels": [], "files": 1, "bytes": 5, "left_out": 0 })];
    let mut unchanged = head(2, &all);
    (unchanged.base, unchanged.chain) = (Some(1), 1);
    let (mut reread, ..) = delta();
    reread.reread = true;
    let (delta, gone, changed) = delta();
    let mut rooted = head(1, &plain());
    rooted.root = Some(root());
    let mut numbers = head(1, &plain());
    numbers.archive_bytes = u64::MAX;
    vec![
        ("nothing", "a deposit without entries", text(&head(1, &[]), &[], &[], &[]), None),
        (
            "plain",
            "a folder, a file in it, a further name and a link",
            text(&head(1, &plain()), &[], &[], &plain()),
            None,
        ),
        ("everything", "each kind of entry with each field", text(&full, &starts, &[], &all), None),
        ("small", "a small deposit: its events stand here, its tar behind", text(&small, &[], &[], &plain()), None),
        ("unchanged", "a delta without a difference", text(&unchanged, &[], &[], &[]), Some("everything")),
        ("delta", "entries gone, new and changed", text(&delta, &[], &gone, &changed), Some("everything")),
        (
            "delta_reread",
            "entries gone, new and changed; all others read again",
            text(&reread, &[], &gone, &changed),
            Some("everything"),
        ),
        ("root", "the folder's own mode, time and attributes", text(&rooted, &[], &[], &plain()), None),
        ("numbers", "a number of 64 bits", text(&numbers, &[], &[], &plain()), None),
        ("composed", "a file laid over earlier members, and a further name of it", laid(&over()), None),
    ]
}

/// The list [`plain`] of a folder that has this.
fn rooted(root: &str) -> Vec<u8> {
    replaced(&text(&head(1, &plain()), &[], &[], &plain()), "\"packs\":0", &format!("\"packs\":0,\"root\":{root}"))
}

/// The second deposit of a file of three segments: with one new, with a further name, and with another one before it.
fn over() -> Vec<Entry> {
    let content = composed(&[(1, 1, 7), (1, 2, 0), (1, 1, 7)]);
    let hard = Kind::HardLink { target: b"f".to_vec(), content: content.clone() };
    vec![entry(b"f", 1, Kind::File(content)), entry(b"g", 2, hard)]
}

fn laid(entries: &[Entry]) -> Vec<u8> {
    text(&head(2, entries), &[], &[], entries)
}

/// The file of [`over`] alone, with other spans.
fn spanned(spans: &str) -> Vec<u8> {
    replaced(&laid(&over()[..1]), "[[1,1,7],[1,2,0],[1,1,7]]", spans)
}

/// The list that most refused vectors are made of.
fn plain() -> Vec<Entry> {
    vec![
        entry(b"a", 1, Kind::Directory),
        entry(b"a/b", 2, Kind::File(content(b"hello", 1))),
        entry(b"a/c", 3, Kind::HardLink { target: b"a/b".to_vec(), content: content(b"hello", 1) }),
        entry(b"d", 4, Kind::Symlink { target: b"a".to_vec() }),
    ]
}

fn delta() -> (hizo_vault::manifest::Head, Vec<hizo_vault::commit::EntryId>, Vec<Entry>) {
    let all = everything();
    let mut changed = all[0].clone();
    changed.id = hizo_vault::commit::EntryId::from_bytes([20; 16]);
    changed.mode = 0o600;
    let mut new = entry(b"new", 21, Kind::File(content(b"newly stored", 0)));
    if let Kind::File(content) = &mut new.kind {
        content.place.deposit = 2;
    }
    let mut head = head(2, &all);
    (head.base, head.chain) = (Some(1), 1);
    (head, vec![all[5].id], vec![changed, new])
}

/// The plain manifest with the first of these bytes replaced.
fn with(from: &str, to: &str) -> Vec<u8> {
    replaced(&text(&head(1, &plain()), &[], &[], &plain()), from, to)
}

fn replaced(good: &[u8], from: &str, to: &str) -> Vec<u8> {
    let at = good.windows(from.len()).position(|window| window == from.as_bytes());
    let at = at.unwrap_or_else(|| panic!("{from} is in no line"));
    [&good[..at], to.as_bytes(), &good[at + from.len()..]].concat()
}

/// The plain manifest with these entries instead.
fn of(entries: &[Entry]) -> Vec<u8> {
    text(&head(1, entries), &[], &[], entries)
}

fn path(path: &[u8]) -> Vec<u8> {
    of(&[entry(path, 1, Kind::Directory)])
}

type Refused = (&'static str, &'static str, Vec<u8>, &'static str);

fn first_lines() -> Vec<Refused> {
    let line = |from, to| with(from, to);
    let events = |value: &str| format!("\"packs\":0,\"events\":[{{\"event\":\"a.b\",\"c\":{value}}}]");
    vec![
        ("empty", "no byte at all", Vec::new(), "Incomplete"),
        ("version", "a format of another version", line("manifest/v1", "manifest/v2"), "Version"),
        ("version_missing", "no format at all", line("\"hizo\":\"manifest/v1\",", ""), "Version"),
        (
            "version_not_first",
            "the format after the number",
            line("\"hizo\":\"manifest/v1\",\"deposit\":1", "\"deposit\":1,\"hizo\":\"manifest/v1\""),
            "Line 1",
        ),
        ("not_json", "a first line that is no JSON", line("{\"hizo\"", "\"hizo\""), "Line 1"),
        ("byte_order_mark", "a mark before the text", line("{\"hizo\"", "\u{feff}{\"hizo\""), "Line 1"),
        ("carriage_return", "a carriage return before a line feed", line("}\n", "}\r\n"), "Line 1"),
        ("deposit_zero", "the deposit before the first", line("\"deposit\":1", "\"deposit\":0"), "Line 1"),
        ("deposit_text", "a small number as text", line("\"deposit\":1", "\"deposit\":\"1\""), "Line 1"),
        ("deposit_float", "a number with a fraction", line("\"deposit\":1", "\"deposit\":1.0"), "Line 1"),
        (
            "deposit_large",
            "a number that not every reader keeps",
            line("\"deposit\":1", "\"deposit\":9007199254740992"),
            "Line 1",
        ),
        (
            "seed_short",
            "a seed of 31 bytes",
            line("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ=="),
            "Line 1",
        ),
        ("seed_spare_bits", "base64 with spare bits", line("AQEBAQE=", "AQEBAQF="), "Line 1"),
        ("seed_unpadded", "base64 without its padding", line("AQEBAQE=\"", "AQEBAQE\""), "Line 1"),
        ("entries_more", "one entry fewer than promised", line("\"entries\":4", "\"entries\":5"), "Incomplete"),
        ("entries_fewer", "one entry more than promised", line("\"entries\":4", "\"entries\":3"), "Incomplete"),
        ("entries_negative", "a negative number", line("\"entries\":4", "\"entries\":-4"), "Line 1"),
        (
            "entries_too_many",
            "more entries than a deposit may have",
            line("\"entries\":4", "\"entries\":4194304"),
            "TooManyEntries",
        ),
        (
            "chain_without_base",
            "a chain that builds on nothing",
            line("\"archive\"", "\"chain\":1,\"archive\""),
            "Line 1",
        ),
        (
            "reread_in_full",
            "a full manifest that speaks of entries that stay",
            line("\"archive\"", "\"reread\":true,\"archive\""),
            "Line 1",
        ),
        (
            "base_itself",
            "a manifest that builds on itself",
            line("\"archive\"", "\"base\":1,\"chain\":1,\"archive\""),
            "Line 1",
        ),
        (
            "base_without_chain",
            "a base at no distance",
            line("\"archive\"", "\"base\":0,\"chain\":0,\"archive\""),
            "Line 1",
        ),
        (
            "base_chain_too_long",
            "seventeen deltas",
            replaced(&line("\"deposit\":1,", "\"deposit\":30,"), "\"archive\"", "\"base\":1,\"chain\":17,\"archive\""),
            "Line 1",
        ),
        ("packs_missing", "no number of packs", line(",\"packs\":0", ""), "Line 1"),
        ("events_empty", "events that are none", line("\"packs\":0", "\"packs\":0,\"events\":[]"), "Line 1"),
        ("events_object", "events that are no list", line("\"packs\":0", "\"packs\":0,\"events\":{}"), "Line 1"),
        ("events_fraction", "an event with a fraction", line("\"packs\":0", &events("1.5")), "Line 1"),
        ("events_large", "an event with 2^53", line("\"packs\":0", &events("9007199254740992")), "Line 1"),
        ("events_deep", "an event of nine levels", line("\"packs\":0", &events("[[[[[[[[1]]]]]]]]")), "Line 1"),
        ("root_null", "a folder that is nothing", rooted("null"), "Line 1"),
        ("root_no_time", "a folder without its time", rooted("{\"m\":493}"), "Line 1"),
        ("root_order", "the folder's time before its mode", rooted("{\"mt\":\"1\",\"m\":493}"), "Line 1"),
        ("root_mode_text", "the folder's mode as text", rooted("{\"m\":\"493\",\"mt\":\"1\"}"), "Line 1"),
        ("root_mode_too_large", "a mode with a file's type", rooted("{\"m\":16877,\"mt\":\"1\"}"), "Line 1"),
        ("root_time_plus", "a time with a plus sign", rooted("{\"m\":493,\"mt\":\"+1\"}"), "Line 1"),
        ("root_time_too_late", "a time past 64 bits", rooted("{\"m\":493,\"mt\":\"9223372036854775808\"}"), "Line 1"),
        ("root_attributes_none", "attributes that are none", rooted("{\"m\":493,\"mt\":\"1\",\"x\":[]}"), "Line 1"),
        (
            "root_attributes_order",
            "the folder's attributes out of order",
            rooted("{\"m\":493,\"mt\":\"1\",\"x\":[[\"Yg==\",\"\"],[\"YQ==\",\"\"]]}"),
            "Line 1",
        ),
        ("root_key_more", "a key that nobody defined", rooted("{\"m\":493,\"mt\":\"1\",\"more\":1}"), "Line 1"),
        (
            "root_behind_events",
            "the folder behind the events",
            line("\"packs\":0", "\"packs\":0,\"events\":[{}],\"root\":{\"m\":493,\"mt\":\"1\"}"),
            "Line 1",
        ),
        ("head_key_more", "a key that nobody defined", line("\"packs\":0", "\"packs\":0,\"more\":1"), "Line 1"),
        ("head_space", "a space between the keys", line(",\"packs\"", ", \"packs\""), "Line 1"),
        ("head_twice", "the first line twice", twice(), "Line 2"),
    ]
}

fn twice() -> Vec<u8> {
    let good = of(&plain());
    let end = good.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    [&good[..end], &good].concat()
}

fn entry_lines() -> Vec<Refused> {
    let plain_lines = of(&plain());
    let before_last = |extra: &str| [plain_lines.as_slice(), extra.as_bytes()].concat();
    vec![
        ("end_missing", "no line feed at the end", plain_lines[..plain_lines.len() - 1].to_vec(), "Incomplete"),
        ("line_empty", "an empty line", before_last("\n"), "Line 6"),
        ("line_array", "a line that is no object", before_last("[]\n"), "Line 6"),
        ("line_empty_object", "an object without keys", before_last("{}\n"), "Line 6"),
        ("kind_unknown", "an entry of no kind", with("\"t\":\"d\"", "\"t\":\"x\""), "Line 2"),
        ("key_missing", "an entry without a mode", with(",\"m\":420", ""), "Line 2"),
        ("key_twice", "a key that stands twice", with(",\"m\":420", ",\"m\":420,\"m\":420"), "Line 2"),
        ("key_order", "keys in another order", with("\"p\":\"a\",\"t\":\"d\"", "\"t\":\"d\",\"p\":\"a\""), "Line 2"),
        ("key_more", "a key that nobody defined", with(",\"m\":420", ",\"m\":420,\"o\":0"), "Line 2"),
        (
            "key_of_another_kind",
            "a folder with a size",
            with("\"t\":\"d\",\"m\"", "\"t\":\"d\",\"s\":0,\"m\""),
            "Line 2",
        ),
        ("space_in_line", "a space between the keys", with(",\"m\":420", ", \"m\":420"), "Line 2"),
        ("mode_too_large", "a mode with the bits of a file type", with("\"m\":420", "\"m\":33188"), "Line 2"),
        ("mode_text", "a mode as text", with("\"m\":420", "\"m\":\"0644\""), "Line 2"),
        (
            "time_number",
            "a time as a number",
            with("\"mt\":\"1700000000123456789\"", "\"mt\":1700000000123456789"),
            "Line 2",
        ),
        ("time_plus", "a time with a plus sign", with("\"mt\":\"17", "\"mt\":\"+17"), "Line 2"),
        ("time_minus_zero", "a time of minus zero", with("\"mt\":\"1700000000123456789\"", "\"mt\":\"-0\""), "Line 2"),
        ("time_leading_zero", "a time with a leading zero", with("\"mt\":\"17", "\"mt\":\"017"), "Line 2"),
        (
            "time_too_late",
            "a time past 64 bits",
            with("\"mt\":\"1700000000123456789\"", "\"mt\":\"9223372036854775808\""),
            "Line 2",
        ),
        ("size_exponent", "a size with an exponent", with("\"s\":5", "\"s\":5e0"), "Line 3"),
        ("size_too_large", "a size past 64 bits", with("\"s\":5", "\"s\":\"18446744073709551616\""), "Line 3"),
        ("id_short", "an id of 15 bytes", with("AQEBAQEBAQEBAQEBAQEBAQ\"", "AQEBAQEBAQEBAQEBAQEB\""), "Line 2"),
        ("id_padded", "an id with padding", with("AQEBAQEBAQEBAQEBAQEBAQ\"", "AQEBAQEBAQEBAQEBAQEBAQ==\""), "Line 2"),
        (
            "id_spare_bits",
            "an id with spare bits",
            with("AQEBAQEBAQEBAQEBAQEBAQ\"", "AQEBAQEBAQEBAQEBAQEBAR\""),
            "Line 2",
        ),
        ("hash_missing", "a file without its keyed hash", without_hash(), "Line 3"),
        ("place_one", "a place without a block", with("\"at\":[1,1]", "\"at\":[1]"), "Line 3"),
        ("place_three", "a place with a third part", with("\"at\":[1,1]", "\"at\":[1,1,0]"), "Line 3"),
        ("place_negative", "a place before the tar", with("\"at\":[1,1]", "\"at\":[1,-1]"), "Line 3"),
        ("place_later", "a place in a deposit that is not made yet", with("\"at\":[1,1]", "\"at\":[2,1]"), "Line 3"),
        ("unsteady_false", "unsteadiness denied", with("\"r\":1}", "\"r\":1,\"u\":false}"), "Line 3"),
        ("attributes_empty", "attributes that are none", with(",\"f\":", ",\"x\":[],\"f\":"), "Line 2"),
        (
            "attributes_order",
            "attributes out of order",
            with(",\"f\":", ",\"x\":[[\"Yg==\",\"\"],[\"YQ==\",\"\"]],\"f\":"),
            "Line 2",
        ),
        (
            "attributes_twice",
            "two values of one attribute",
            with(",\"f\":", ",\"x\":[[\"YQ==\",\"\"],[\"YQ==\",\"\"]],\"f\":"),
            "Line 2",
        ),
        ("starts_empty", "pack starts that are none", starts("[]"), "Line 2"),
        ("starts_one_number", "a pack start without an offset", starts("[[0]]"), "Line 2"),
        ("starts_behind", "pack starts behind an entry", before_last("{\"starts\":[[0,0]]}\n"), "Line 6"),
        (
            "starts_too_many",
            "more pack starts than a line has",
            starts(&format!("[{}]", vec!["[0,0]"; 1001].join(","))),
            "Line 2",
        ),
        ("gone_in_full", "something gone from nothing", gone("[\"AQEBAQEBAQEBAQEBAQEBAQ\"]"), "Line 2"),
        ("line_too_long", "a line of 65,537 bytes", too_long(), "Line 2"),
    ]
}

fn without_hash() -> Vec<u8> {
    let good = String::from_utf8(of(&plain())).unwrap();
    let at = good.find(",\"b\":\"").unwrap();
    let end = at + good[at..].find(",\"at\"").unwrap();
    format!("{}{}", &good[..at], &good[end..]).into_bytes()
}

fn second_line(line: &str) -> Vec<u8> {
    let good = of(&plain());
    let end = good.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    [&good[..end], line.as_bytes(), b"\n", &good[end..]].concat()
}

fn starts(pairs: &str) -> Vec<u8> {
    second_line(&format!("{{\"starts\":{pairs}}}"))
}

fn gone(ids: &str) -> Vec<u8> {
    second_line(&format!("{{\"gone\":{ids}}}"))
}

fn too_long() -> Vec<u8> {
    let mut long = entry(b"a", 1, Kind::Directory);
    long.xattrs = vec![(b"user.x".to_vec(), Vec::new())];
    let missing = 65_538 - long.line().len();
    long.xattrs[0].1 = vec![0; missing / 4 * 3];
    long.path = vec![b'a'; 1 + missing % 4];
    assert_eq!(long.line().len(), 65_538);
    of(&[long])
}

fn names_and_links() -> Vec<Refused> {
    let file = |path: &[u8], id, bytes: &[u8], block| entry(path, id, Kind::File(content(bytes, block)));
    let hard = |path: &[u8], target: &[u8]| {
        entry(path, 9, Kind::HardLink { target: target.to_vec(), content: content(b"hello", 1) })
    };
    let a = || file(b"a", 1, b"hello", 1);
    let soft = |target: &[u8]| of(&[entry(b"a", 1, Kind::Symlink { target: target.to_vec() })]);
    vec![
        ("path_empty", "an entry without a path", path(b""), "Line 2"),
        ("path_absolute", "a path from the root", path(b"/etc/passwd"), "Line 2"),
        ("path_parent", "a path that leaves its folder", path(b"a/../../b"), "Line 2"),
        ("path_parent_alone", "the folder above", path(b".."), "Line 2"),
        ("path_dot", "a part that is the folder itself", path(b"a/./b"), "Line 2"),
        ("path_two_slashes", "an empty part", path(b"a//b"), "Line 2"),
        ("path_slash_at_end", "a slash at the end", path(b"a/"), "Line 2"),
        ("path_nul", "a NUL byte", path(b"a\0b"), "Line 2"),
        ("path_too_long", "a path of 4,096 bytes", path(&[b'a'; 4096]), "Line 2"),
        ("path_text_as_bytes", "text in base64", with("\"p\":\"a\"", "\"p64\":\"YQ==\""), "Line 2"),
        ("path_both", "a path in both forms", with("\"p\":\"a\"", "\"p\":\"a\",\"p64\":\"YQ==\""), "Line 2"),
        ("path_escape", "a letter as an escape", with("\"p\":\"a\"", "\"p\":\"\\u0061\""), "Line 2"),
        ("path_surrogate", "half a character", with("\"p\":\"a\"", "\"p\":\"\\ud800\""), "Line 2"),
        ("path_twice", "one path twice", of(&[a(), file(b"a", 2, b"x", 9)]), "Line 3"),
        ("path_order", "paths out of order", of(&[file(b"b", 2, b"x", 9), a()]), "Line 3"),
        ("link_empty", "a link to nothing", soft(b""), "Line 2"),
        ("link_nul", "a link with a NUL byte", soft(b"a\0b"), "Line 2"),
        ("hard_link_absolute", "a further name of a file outside", of(&[a(), hard(b"b", b"/etc/passwd")]), "Line 3"),
        ("hard_link_parent", "a further name of a file above", of(&[a(), hard(b"b", b"../a")]), "Line 3"),
        ("hard_link_itself", "a further name of itself", of(&[a(), hard(b"b", b"b")]), "Line 3"),
        ("hard_link_later", "a further name of what comes later", of(&[a(), hard(b"b", b"c")]), "Line 3"),
        ("hard_link_nowhere", "a further name of nothing", of(&[a(), hard(b"b", b"A")]), "Link"),
        (
            "hard_link_folder",
            "a further name of a folder",
            of(&[entry(b"a", 1, Kind::Directory), hard(b"b", b"a")]),
            "Link",
        ),
        (
            "hard_link_other_content",
            "a further name with other content",
            of(&[file(b"a", 1, b"other", 5), hard(b"b", b"a")]),
            "Link",
        ),
        ("place_of_two", "two contents at one place", of(&[a(), file(b"b", 2, b"x", 1)]), "Place"),
        ("sizes_overflow", "sizes that no 64 bits hold", sizes(), "TooLong"),
        ("id_twice", "two entries with one id", of(&[a(), file(b"b", 1, b"x", 9)]), "Commitment"),
        ("renamed", "an entry renamed after it was committed to", renamed(), "Commitment"),
    ]
}

/// Each stands alone but for what it says; a file of three segments, the last shorter by 100 bytes.
fn spans() -> Vec<Refused> {
    let line = |name, about, spans: &str| (name, about, spanned(spans), "Line 2");
    let mut other = over();
    if let Kind::HardLink { content, .. } = &mut other[1].kind {
        content.spans = composed(&[(2, 1, 7), (1, 2, 0)]).spans;
    }
    let Kind::HardLink { content, .. } = other[1].kind.clone() else { unreachable!("a further name") };
    let apart = [other[0].clone(), entry(b"g", 2, Kind::File(content))];
    let many = [vec!["[1,1,7],[1,2,0]"; SPANS_MAX / 2].join(","), "[1,1,7]".into()].join(",");
    let long = format!("\"s\":{}", (SPANS_MAX as u64 + 1) * 65_536 - 100);
    vec![
        line("spans_empty", "spans that are none", "[]"),
        line("spans_object", "spans that are no list", "{}"),
        line("span_two", "a span without a block", "[[1,1],[1,2,0],[1,1,7]]"),
        line("span_four", "a span with an offset", "[[1,1,7,0],[1,2,0],[1,1,7]]"),
        line("span_of_nothing", "a span of no segment", "[[1,1,7],[1,2,0],[0,1,8],[1,1,7]]"),
        line("span_negative", "a span that goes back", "[[2,1,7],[2,2,0],[-1,1,7]]"),
        line("spans_short", "a segment that lies nowhere", "[[1,1,7],[1,2,0]]"),
        line("spans_long", "a segment past the end", "[[1,1,7],[1,2,0],[2,1,7]]"),
        line(
            "spans_overflow",
            "segments that no 64 bits count",
            "[[1,1,7],[1,2,0],[\"18446744073709551615\",1,7],[2,1,8]]",
        ),
        line("spans_unmerged", "two spans that are one", "[[1,1,7],[1,2,0],[1,2,0]]"),
        line("spans_all_new", "a composed file that lies in one member", "[[3,2,0]]"),
        line("span_later", "a span in a deposit that is not made yet", "[[1,1,7],[1,3,0],[1,1,7]]"),
        line("span_beside", "a span in another member of the same deposit", "[[1,1,7],[1,2,1],[1,1,7]]"),
        (
            "spans_too_many",
            "one span more than a file has",
            replaced(&spanned(&format!("[{many}]")), "\"s\":196508", &long),
            "Line 2",
        ),
        (
            "spans_of_a_folder",
            "a folder with spans",
            with("\"t\":\"d\",\"m\":420", "\"t\":\"d\",\"m\":420,\"of\":[[1,0,0]]"),
            "Line 2",
        ),
        (
            "spans_before_place",
            "spans before the place",
            replaced(
                &laid(&over()[..1]),
                "\"at\":[2,0],\"of\":[[1,1,7],[1,2,0],[1,1,7]]",
                "\"of\":[[1,1,7],[1,2,0],[1,1,7]],\"at\":[2,0]",
            ),
            "Line 2",
        ),
        ("spans_of_two", "two ways to compose one member", laid(&apart), "Place"),
        ("hard_link_other_spans", "a further name with other spans", laid(&other), "Link"),
    ]
}

fn sizes() -> Vec<u8> {
    let huge = |path: &[u8], id: u8| {
        let mut content = content(b"x", id.into());
        content.size = u64::MAX;
        entry(path, id, Kind::File(content))
    };
    of(&[huge(b"a", 1), huge(b"b", 2)])
}

fn renamed() -> Vec<u8> {
    replaced(&of(&plain()), "\"p\":\"d\"", "\"p\":\"e\"")
}

/// Deltas, each against `everything`.
fn deltas() -> Vec<Refused> {
    let made = |change: &dyn Fn(&mut hizo_vault::manifest::Head), more: &[hizo_vault::commit::EntryId]| {
        let (mut head, gone, changed) = delta();
        change(&mut head);
        text(&head, &[], &[gone, more.to_vec()].concat(), &changed)
    };
    let unknown = hizo_vault::commit::EntryId::from_bytes([99; 16]);
    let (head, gone, changed) = delta();
    let behind: Vec<u8> =
        head.line().iter().copied().chain(changed.iter().flat_map(Entry::line)).chain(Line::gone(&gone)).collect();
    vec![
        (
            "delta_of_another",
            "a delta of another deposit",
            made(&|head| (head.deposit, head.base) = (3, Some(2)), &[]),
            "Base",
        ),
        ("delta_further", "a delta that is further from a full one", made(&|head| head.chain = 2, &[]), "Base"),
        ("delta_gone_unknown", "something gone that never was there", made(&|_| (), &[unknown]), "Base"),
        ("delta_gone_and_changed", "something both gone and changed", made(&|_| (), &[everything()[0].id]), "Base"),
        ("delta_entries", "another number of entries", made(&|head| head.entries += 1, &[]), "Incomplete"),
        (
            "delta_reread_denied",
            "a denial that everything was read again",
            replaced(&made(&|_| (), &[]), "\"archive\"", "\"reread\":false,\"archive\""),
            "Line 1",
        ),
        ("delta_gone_behind", "what is gone behind an entry", behind, "Line 4"),
        (
            "delta_other_seed",
            "another seed than was committed with",
            made(&|head| head.seed = hizo_vault::commit::Seed::from_bytes([77; 32]), &[]),
            "Commitment",
        ),
    ]
}

fn refused() -> Vec<(Refused, Option<&'static str>)> {
    let alone = [first_lines(), entry_lines(), names_and_links(), spans()].concat();
    let alone = alone.into_iter().map(|refused| (refused, None));
    alone.chain(deltas().into_iter().map(|refused| (refused, Some("everything")))).collect()
}

/// What a vector commits to: its own entries, where they can be committed to.
fn commitment_of(name: &str, bytes: &[u8], base: Option<&str>) -> Value {
    let of_entries = |head: &hizo_vault::manifest::Head, entries: &[Entry]| commitment_json(&commitment(head, entries));
    let (seed, entries) = match (name, base) {
        ("renamed", _) => (head(1, &plain()), plain()),
        (_, Some(_)) if name.starts_with("delta") || name == "unchanged" => {
            let (head, gone, changed) = delta();
            let base = everything();
            let changed = if name == "unchanged" { Vec::new() } else { changed };
            let gone = if name == "unchanged" { Vec::new() } else { gone };
            let kept = base
                .into_iter()
                .filter(|old| !gone.contains(&old.id) && changed.iter().all(|new| new.path != old.path));
            let mut entries: Vec<Entry> = kept.chain(changed.clone()).collect();
            entries.sort_by(|a, b| a.path.cmp(&b.path));
            (head, entries)
        }
        _ => match Layer::parse(bytes) {
            Ok(layer) => (layer.head, layer.entries),
            Err(_) => (head(1, &plain()), plain()),
        },
    };
    of_entries(&seed, &entries)
}

fn said(name: &str, about: &str, bytes: &[u8], base: Option<&str>) -> Value {
    let mut said = json!({ "about": about });
    if let Some(base) = base {
        said["base"] = base.into();
    }
    said["commitment"] = commitment_of(name, bytes, base);
    said
}

#[test]
fn the_vectors_are_the_ones_described_here() {
    for (name, about, bytes, base) in accepted() {
        let (found, is) = VECTORS.one("accepted", name);
        let mut expected = said(name, about, &bytes, base);
        expected["entries"] = is["entries"].clone();
        assert!(found == bytes && is == expected, "{name}");
    }
    for ((name, about, bytes, rule), base) in refused() {
        let (found, is) = VECTORS.one("refused", name);
        let mut expected = said(name, about, &bytes, base);
        expected["refused"] = rule.into();
        assert!(found == bytes && is == expected, "{name}");
    }
}

#[test]
#[ignore = "writes vectors that are missing; a released one is never changed"]
fn missing_vectors_are_written() {
    for (name, about, bytes, base) in accepted() {
        let mut said = said(name, about, &bytes, base);
        said["entries"] = described(&read(&bytes, &said).unwrap());
        VECTORS.put_missing("accepted", name, &bytes, &said);
    }
    for ((name, about, bytes, rule), base) in refused() {
        let mut said = said(name, about, &bytes, base);
        said["refused"] = rule.into();
        VECTORS.put_missing("refused", name, &bytes, &said);
    }
}
