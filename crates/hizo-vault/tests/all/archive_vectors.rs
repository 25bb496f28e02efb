//! The vectors of docs/spec/archive.md: archives that every reader must accept, and archives that it must refuse.

use hizo_vault::archive::{END, Error, MemberKind, header};
use serde_json::{Value, json};

use crate::{
    archive::{
        Read, Sample, directory, everything, file, hard_link, member, read, sparse, symlink, write, write_member,
    },
    archive_laws::sum_again,
    vectors::Vectors,
};

const VECTORS: Vectors = Vectors::new("archive", "tar");

/// `name` as text, or `name_hex` when it is not UTF-8.
fn text(name: &str, bytes: &[u8]) -> (String, Value) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (name.to_owned(), text.into()),
        Err(_) => (format!("{name}_hex"), hex::encode(bytes).into()),
    }
}

/// What an accepted vector says about its members.
fn described(read: &Read) -> Value {
    let members = read.iter().map(|(block, member, data)| {
        let mut said = serde_json::Map::from_iter([("block".to_owned(), json!(block)), text("path", &member.path)]);
        let mut say = |name: &str, value: Value| said.insert(name.to_owned(), value);
        match &member.kind {
            MemberKind::File { size, sparse } => {
                say("kind", "file".into());
                say("size", json!(size));
                say("sparse", sparse.is_some().into());
                let stretches =
                    data.iter().map(|(offset, bytes)| json!({ "offset": offset, "hex": hex::encode(bytes) }));
                say("data", stretches.collect());
            }
            MemberKind::Directory => drop(say("kind", "directory".into())),
            MemberKind::Symlink { target } => {
                say("kind", "symlink".into());
                said.extend([text("target", target)]);
            }
            MemberKind::HardLink { target } => {
                say("kind", "hard link".into());
                said.extend([text("target", target)]);
            }
        }
        said.insert("mode".into(), format!("{:04o}", member.mode).into());
        said.insert("mtime_ns".into(), member.mtime_ns.to_string().into());
        let xattrs = member.xattrs.iter().map(|(name, value)| json!([hex::encode(name), hex::encode(value)]));
        said.insert("xattrs_hex".into(), xattrs.collect());
        Value::Object(said)
    });
    members.collect()
}

#[test]
fn every_accepted_vector_reads_as_it_says_and_is_what_we_write() {
    for (name, bytes, said) in VECTORS.all("accepted", 5) {
        let read = read(&bytes, &[700]).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(described(&read), said["members"], "{name}");
        let joined = |data: &[(u64, Vec<u8>)]| data.iter().flat_map(|(_, bytes)| bytes.clone()).collect::<Vec<_>>();
        let again: Sample = read.iter().map(|(_, member, data)| (member.clone(), joined(data))).collect();
        assert_eq!(write(&again), bytes, "{name}");
    }
}

#[test]
fn every_refused_vector_is_refused_for_its_one_fault() {
    for (name, bytes, said) in VECTORS.all("refused", 60) {
        for pieces in [&[usize::MAX][..], &[1], &[513]] {
            let error = read(&bytes, pieces).expect_err(&name);
            assert_eq!(rule(&error), said["refused"], "{name}: {error:?}");
        }
    }
}

/// The name of the rule broken, as the vectors give it.
fn rule(error: &Error) -> String {
    format!("{error:?}").split('(').next().unwrap().to_owned()
}

fn accepted() -> Vec<(&'static str, &'static str, Sample)> {
    vec![
        ("nothing", "an archive without members", vec![]),
        (
            "plain",
            "one file, its folder, and a time in whole seconds",
            vec![directory("a"), file("a/b.txt", b"text\n")],
        ),
        ("everything", "each kind of member and each pax record", everything()),
        (
            "sparse",
            "data at the beginning and the end, a hole between",
            vec![sparse("s", 4096, &[(0, &[1; 512]), (4095, b"z")])],
        ),
        ("hole", "a sparse file of 2^63 - 1 bytes without data", vec![sparse("h", (1 << 63) - 1, &[])]),
        ("links", "hard links sort after their file", vec![file("a", b"x"), hard_link("b", "a"), symlink("c", "a")]),
        (
            "order",
            "a folder's members need not follow it at once",
            vec![directory("a"), file("a b", b""), file("a-b", b""), file("a/b", b""), file("a0", b"")],
        ),
    ]
}

/// A member's bytes after a change of its last header block, with the sum put right.
fn changed(sample: &(hizo_vault::archive::Member<'static>, Vec<u8>), change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut bytes = write_member(&sample.0, &sample.1);
    let own = header(&sample.0).unwrap().len() - 512;
    change(&mut bytes[own..own + 512]);
    sum_again(&mut bytes[own..own + 512]);
    bytes
}

fn plain() -> (hizo_vault::archive::Member<'static>, Vec<u8>) {
    file("name", b"data")
}

fn of_type(kind: u8) -> Vec<u8> {
    changed(&file("name", b""), |block| block[156] = kind)
}

fn set(offset: usize, value: &'static [u8]) -> Vec<u8> {
    changed(&plain(), |block| block[offset..offset + value.len()].copy_from_slice(value))
}

/// A member of this path as a careless writer makes it.
fn path(text: &'static [u8]) -> Vec<u8> {
    changed(&file("name", b""), |block| {
        block[..100].fill(0);
        block[..text.len()].copy_from_slice(text);
    })
}

/// An `x` header with these bytes as its records, before a member.
fn with_records(records: &[u8], member: &[u8]) -> Vec<u8> {
    let mut long = header(&crate::archive::member("a".repeat(101), MemberKind::Directory)).unwrap();
    long.truncate(512);
    long[124..135].copy_from_slice(format!("{:011o}", records.len()).as_bytes());
    sum_again(&mut long);
    let fill = vec![0; hizo_vault::archive::padding(records.len() as u64)];
    [&long, records, &fill, member].concat()
}

fn record(key: &[u8], value: &[u8]) -> Vec<u8> {
    let rest = [b" ", key, b"=", value, b"\n"].concat();
    let length = (1..).find(|length: &usize| length.to_string().len() + rest.len() == *length).unwrap();
    [length.to_string().as_bytes(), &rest].concat()
}

fn records(pairs: &[(&[u8], &[u8])]) -> Vec<u8> {
    let all: Vec<_> = pairs.iter().map(|(key, value)| record(key, value)).collect();
    with_records(&all.concat(), &header(&file("name", b"").0).unwrap())
}

/// A sparse file of 9,000 bytes with this text as its map, filled to blocks.
fn sparse_map(map: &[u8]) -> Vec<u8> {
    let (sample, _) = sparse("name", 9_000, &[(1, b"x")]);
    let mut bytes = header(&sample).unwrap();
    bytes.truncate(bytes.len() - 512);
    let own = bytes.len() - 512;
    let fill = map.len().next_multiple_of(512) - map.len();
    bytes[own + 124..own + 135].copy_from_slice(format!("{:011o}", map.len() + fill + 1).as_bytes());
    sum_again(&mut bytes[own..]);
    [&bytes, map, &vec![0; fill], b"x", &[0; 511][..]].concat()
}

fn ended(members: &[&[u8]]) -> Vec<u8> {
    [&members.concat(), END.as_slice()].concat()
}

fn types() -> Vec<(&'static str, &'static str, Vec<u8>, &'static str)> {
    let types: [(&str, &str, u8); 16] = [
        ("type_global_header", "a pax global header", b'g'),
        ("type_gnu_long_name", "GNU's form of a long name", b'L'),
        ("type_gnu_long_link", "GNU's form of a long link target", b'K'),
        ("type_gnu_sparse", "GNU's old form of a sparse file", b'S'),
        ("type_gnu_multi_volume", "a file continued from another volume", b'M'),
        ("type_gnu_volume_label", "a volume label", b'V'),
        ("type_gnu_dump_folder", "a folder with a list of its names", b'D'),
        ("type_gnu_long_names_old", "GNU's older form of long names", b'N'),
        ("type_solaris_extended", "Solaris' extended header", b'X'),
        ("type_character_device", "a character device", b'3'),
        ("type_block_device", "a block device", b'4'),
        ("type_pipe", "a named pipe", b'6'),
        ("type_contiguous", "a contiguous file", b'7'),
        ("type_nul", "a file as tar wrote it before 1988", 0),
        ("type_letter", "a type that nobody defined", b'Z'),
        ("type_high_byte", "a type that is no character", 0xff),
    ];
    types.into_iter().map(|(name, about, kind)| (name, about, of_type(kind), "MemberType")).collect()
}

fn fields() -> Vec<(&'static str, &'static str, Vec<u8>, &'static str)> {
    let mut sum = write_member(&plain().0, &plain().1);
    sum[150] ^= 1;
    let mut sum_form = write_member(&plain().0, &plain().1);
    sum_form[154..156].copy_from_slice(b" \0");
    vec![
        ("checksum_wrong", "the sum of a header is one digit off", sum, "Checksum"),
        ("checksum_other_form", "the sum ends in space and NUL", sum_form, "NotCanonical"),
        ("magic_gnu", "the magic of GNU's own format", set(257, b"ustar  \0"), "NotUstar"),
        ("magic_none", "no magic, as before ustar", set(257, &[0; 8]), "NotUstar"),
        ("number_base_256", "a size in binary", set(124, &[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4]), "Number"),
        ("number_with_spaces", "a size filled with spaces", set(124, b"         4 \0"), "Number"),
        ("number_ends_in_space", "a size that ends in a space", set(135, b" "), "Number"),
        ("number_negative", "a negative time", set(136, b"-0000000001\0"), "Number"),
        ("number_not_octal", "a digit eight", set(124, b"00000000008\0"), "Number"),
        ("mode_with_file_type", "a mode with the bits of a file type", set(100, b"0100644\0"), "Mode"),
        ("owner_number", "a user number", set(108, b"0001750\0"), "NotCanonical"),
        ("owner_name", "a user name", set(265, b"user\0"), "NotCanonical"),
        ("device_number", "a device number on a file", set(329, b"0000001\0"), "NotCanonical"),
        ("bytes_after_name", "bytes after the NUL that ends a name", set(5, b"hidden"), "NotCanonical"),
        ("bytes_after_prefix", "bytes in the unused end of a header", set(505, b"hidden"), "NotCanonical"),
        ("link_target_on_file", "a file with a link target", set(157, b"target"), "NotCanonical"),
        ("prefix_needless", "a short path split in two fields", set(345, b"folder"), "NotCanonical"),
        (
            "size_of_folder",
            "a folder with a size",
            changed(&directory("name"), |block| block[134] = b'4'),
            "NotCanonical",
        ),
        (
            "size_of_symlink",
            "a symbolic link with a size",
            changed(&symlink("name", "to"), |block| block[134] = b'4'),
            "NotCanonical",
        ),
    ]
}

fn paths() -> Vec<(&'static str, &'static str, Vec<u8>, &'static str)> {
    let link = |kind: u8, target: &'static [u8]| {
        changed(&hard_link("name", "a"), |block| {
            block[156] = kind;
            block[157..257].fill(0);
            block[157..157 + target.len()].copy_from_slice(target);
        })
    };
    let too_long = record(b"path", &[b'a'; 4096]);
    vec![
        ("path_empty", "a member without a name", path(b""), "Path"),
        ("path_absolute", "a path from the root", path(b"/etc/passwd"), "Path"),
        ("path_parent", "a path that leaves its folder", path(b"a/../../b"), "Path"),
        ("path_parent_alone", "the folder above", path(b".."), "Path"),
        ("path_dot", "a path that begins at the folder itself", path(b"./a"), "Path"),
        ("path_empty_component", "two slashes", path(b"a//b"), "Path"),
        ("path_slash_at_end", "a folder as most programs write it", path(b"a/"), "Path"),
        ("path_record_absolute", "an absolute path in a record", records(&[(b"path", b"/etc/passwd")]), "Path"),
        ("path_record_parent", "a path that leaves its folder in a record", records(&[(b"path", b"../a")]), "Path"),
        ("path_record_nul", "a NUL byte in a path", records(&[(b"path", &[b'a', 0, b'b'])]), "Path"),
        ("path_record_too_long", "a path of 4,096 bytes", with_records(&too_long, &path(b"a")), "Path"),
        ("path_record_needless", "a record for a path that fits", records(&[(b"path", b"name")]), "NotCanonical"),
        ("target_empty", "a symbolic link to nothing", link(b'2', b""), "LinkTarget"),
        ("target_hard_absolute", "a hard link out of the folder", link(b'1', b"/etc/passwd"), "LinkTarget"),
        ("target_hard_parent", "a hard link to a folder above", link(b'1', b"../a"), "LinkTarget"),
        ("target_hard_itself", "a hard link to itself", link(b'1', b"name"), "LinkTarget"),
        ("target_hard_later", "a hard link to a file that comes later", link(b'1', b"z"), "LinkTarget"),
    ]
}

fn extended() -> Vec<(&'static str, &'static str, Vec<u8>, &'static str)> {
    let name = header(&file("name", b"").0).unwrap();
    let mtime = record(b"mtime", b"0.5");
    let long = "a".repeat(101);
    let mut padded = with_records(&mtime, &name);
    padded[1023] = 1;
    let raw = [b"\xff".as_slice(), &[b'a'; 100]].concat();
    let mut huge = with_records(&mtime, &name);
    huge[124..135].copy_from_slice(b"00004000001");
    sum_again(&mut huge[..512]);
    let x = b"SCHILY.xattr.user.x".as_slice();
    vec![
        ("records_none", "an extended header without records", with_records(b"", &name), "NotCanonical"),
        ("records_of_records", "an extended header of an extended header", with_records(&mtime, &padded), "MemberType"),
        ("records_then_end", "an extended header and no member", with_records(&mtime, &[]), "Checksum"),
        ("records_too_long", "records of more than 1 MiB", huge, "HeaderTooLong"),
        ("records_padding", "a byte after the records", padded, "NotCanonical"),
        ("record_unknown", "a comment", records(&[(b"comment", b"hello")]), "PaxRecord"),
        ("record_owner", "a user number", records(&[(b"uid", b"1000")]), "PaxRecord"),
        ("record_access_time", "a time of last access", records(&[(b"atime", b"1")]), "PaxRecord"),
        ("record_repeated", "two times", with_records(&[mtime.clone(), mtime.clone()].concat(), &name), "PaxRecord"),
        (
            "record_order",
            "a path after a time",
            records(&[(b"mtime", b"0.5"), (b"path", long.as_bytes())]),
            "NotCanonical",
        ),
        ("record_length_short", "a length one too small", with_records(b"12 mtime=0.5\n", &name), "PaxRecord"),
        ("record_length_long", "a length past the end", with_records(b"99 mtime=0.5\n", &name), "PaxRecord"),
        ("record_length_zeros", "a length with a leading zero", with_records(b"014 mtime=0.5\n", &name), "PaxRecord"),
        ("record_without_equals", "a record without a value", with_records(b"8 mtime\n", &name), "PaxRecord"),
        ("record_size_needless", "a record for a size that fits", records(&[(b"size", b"0")]), "NotCanonical"),
        ("record_size_signed", "a size with a sign", records(&[(b"size", b"+9999999999")]), "Number"),
        ("time_needless", "a record for whole seconds", records(&[(b"mtime", b"0")]), "NotCanonical"),
        ("time_trailing_zero", "a time with a needless zero", records(&[(b"mtime", b"0.50")]), "NotCanonical"),
        ("time_ten_decimals", "a time finer than nanoseconds", records(&[(b"mtime", b"0.0000000001")]), "Number"),
        ("time_minus_zero", "a time of minus zero", records(&[(b"mtime", b"-0.0")]), "NotCanonical"),
        ("time_too_late", "a time past the year 2262", records(&[(b"mtime", b"9999999999.5")]), "Number"),
        (
            "charset_needless",
            "a character set for a path in UTF-8",
            records(&[(b"hdrcharset", b"BINARY"), (b"path", long.as_bytes())]),
            "NotCanonical",
        ),
        (
            "charset_missing",
            "a path that is not UTF-8 and does not say so",
            records(&[(b"path", &raw)]),
            "NotCanonical",
        ),
        (
            "charset_other",
            "another character set",
            records(&[(b"hdrcharset", b"ISO-IR 8859 1 1998"), (b"path", &raw)]),
            "NotCanonical",
        ),
        ("attribute_repeated", "two values for one attribute", records(&[(x, b"1"), (x, b"2")]), "Xattr"),
        ("attribute_order", "attributes out of order", records(&[(x, b"1"), (b"SCHILY.xattr.user.a", b"")]), "Xattr"),
        ("attribute_nameless", "an attribute without a name", records(&[(b"SCHILY.xattr.", b"1")]), "Xattr"),
        (
            "attribute_escape",
            "an escape that nobody defined",
            records(&[(b"SCHILY.xattr.user.%41", b"1")]),
            "PaxRecord",
        ),
        (
            "attribute_other_vendor",
            "an attribute in another vendor's form",
            records(&[(b"LIBARCHIVE.xattr.user.a", b"MQ")]),
            "PaxRecord",
        ),
    ]
}

fn sparses() -> Vec<(&'static str, &'static str, Vec<u8>, &'static str)> {
    let old = records(&[(b"GNU.sparse.map", b"0,1"), (b"GNU.sparse.size", b"9000"), (b"GNU.sparse.numblocks", b"1")]);
    let folder = changed(&sparse("name", 9_000, &[(1, b"x")]), |_| {});
    let mut of_folder = folder[..folder.len() - 1024].to_vec();
    let own = of_folder.len() - 512;
    of_folder[own + 156] = b'5';
    sum_again(&mut of_folder[own..]);
    let mut endless = b"99\n".to_vec();
    endless.resize(4 << 10, b'1');
    vec![
        ("sparse_old_form", "the form of version 0.1", old, "PaxRecord"),
        ("sparse_folder", "a folder with the records of a sparse file", of_folder, "NotCanonical"),
        ("sparse_overlap", "stretches that overlap", sparse_map(b"3\n0\n1024\n512\n1\n9000\n0\n"), "Extents"),
        ("sparse_touching", "stretches that touch", sparse_map(b"3\n0\n512\n512\n1\n9000\n0\n"), "Extents"),
        ("sparse_descending", "stretches out of order", sparse_map(b"3\n4096\n512\n0\n1\n9000\n0\n"), "Extents"),
        (
            "sparse_odd_stretch",
            "a stretch that ends inside a block",
            sparse_map(b"3\n0\n1\n4096\n1\n9000\n0\n"),
            "Extents",
        ),
        ("sparse_past_end", "a stretch past the end", sparse_map(b"1\n9000\n1\n"), "Extents"),
        ("sparse_overflow", "a stretch past the last offset", sparse_map(b"1\n18446744073709551615\n1\n"), "Extents"),
        ("sparse_leading_zero", "an offset with a leading zero", sparse_map(b"2\n01\n1\n9000\n0\n"), "Extents"),
        ("sparse_not_a_number", "an offset that is no number", sparse_map(b"2\nx\n1\n9000\n0\n"), "Extents"),
        ("sparse_no_end_mark", "a hole at the end without its mark", sparse_map(b"1\n1\n1\n"), "NotCanonical"),
        ("sparse_after_map", "bytes after the map", sparse_map(b"2\n1\n1\n9000\n0\nhidden\n"), "NotCanonical"),
        ("sparse_count_too_large", "more stretches than allowed", sparse_map(b"65538\n1\n1\n"), "Extents"),
        ("sparse_count_huge", "a count that no memory holds", sparse_map(b"18446744073709551615\n1\n"), "Extents"),
        ("sparse_cut_short", "a map that never comes to its end", endless_map(&endless), "Truncated"),
    ]
}

/// Header and map without the data that would have to follow.
fn endless_map(map: &[u8]) -> Vec<u8> {
    let bytes = sparse_map(map);
    bytes[..bytes.len() - 512].to_vec()
}

/// Whole archives, end marker or not.
fn wholes() -> Vec<(&'static str, &'static str, Vec<u8>, &'static str)> {
    let (one, two) = (write_member(&plain().0, &plain().1), write_member(&file("other", b"").0, b""));
    let mut unclean = one.clone();
    unclean[1023] = 1;
    let again = member("name", MemberKind::Directory);
    vec![
        ("member_repeated", "one path twice", ended(&[&one, &header(&again).unwrap()]), "Order"),
        ("member_order", "paths out of order", ended(&[&two, &one]), "Order"),
        ("padding", "a byte after the data", ended(&[&unclean]), "Padding"),
        ("data_cut", "the end inside the data", one[..514].to_vec(), "Truncated"),
        ("padding_cut", "the end inside the padding", one[..1000].to_vec(), "Truncated"),
        ("header_cut", "the end inside a header", one[..511].to_vec(), "Truncated"),
        ("end_missing", "no end marker", one.clone(), "Truncated"),
        ("end_half", "one block of zeros", [&one[..], &[0; 512]].concat(), "Truncated"),
        ("end_half_then_member", "a member after one block of zeros", ended(&[&one, &[0; 512], &two]), "EndMarker"),
        ("end_then_zeros", "zeros up to a full record of ten kibibytes", ended(&[&one, &[0; 8192]]), "Trailing"),
        ("end_then_member", "a member after the end", ended(&[&one, &END, &two]), "Trailing"),
        ("end_then_byte", "a byte after the end", [&ended(&[&one])[..], &[0]].concat(), "Trailing"),
        ("empty", "no byte at all", vec![], "Truncated"),
    ]
}

fn refused() -> Vec<(&'static str, &'static str, Vec<u8>, &'static str)> {
    let members = [types(), fields(), paths(), extended()].concat();
    let members = members.into_iter().map(|(name, about, bytes, rule)| (name, about, ended(&[&bytes]), rule));
    members.chain(sparses()).chain(wholes()).collect()
}

#[test]
fn the_vectors_are_the_ones_described_here() {
    for (name, _, sample) in accepted() {
        assert_eq!(VECTORS.one("accepted", name).0, write(&sample), "{name}");
    }
    for (name, _, bytes, rule) in refused() {
        let (found, said) = VECTORS.one("refused", name);
        assert!(found == bytes && said["refused"] == rule, "{name}");
    }
}

#[test]
#[ignore = "writes vectors that are missing; a released one is never changed"]
fn missing_vectors_are_written() {
    for (name, about, sample) in accepted() {
        let members = described(&crate::archive::expected(&sample));
        VECTORS.put_missing("accepted", name, &write(&sample), &json!({ "about": about, "members": members }));
    }
    for (name, about, bytes, rule) in refused() {
        VECTORS.put_missing("refused", name, &bytes, &json!({ "about": about, "refused": rule }));
    }
}
