//! What an archive promises, and the samples that laws, vectors and other programs are tried on.

use std::{borrow::Cow, ops::Range};

use hizo_vault::archive::{
    END, EXTENTS_MAX, Error, Event, Extent, Member, MemberKind, PATH_BYTES_MAX, PathError, Reader, Xattr, check_path,
    data_bytes, header, padding, sparse_map,
};

/// Members with the bytes stored for each.
pub(crate) type Sample = Vec<(Member<'static>, Vec<u8>)>;

/// What was read: place, member, and each stretch of data, joined where it touches the one before.
pub(crate) type Read = Vec<(u64, Member<'static>, Vec<(u64, Vec<u8>)>)>;

pub(crate) fn member(path: impl Into<Vec<u8>>, kind: MemberKind<'static>) -> Member<'static> {
    Member { path: Cow::Owned(path.into()), kind, mode: 0o644, mtime_ns: 0, xattrs: Cow::Borrowed(&[]) }
}

pub(crate) fn file(path: impl Into<Vec<u8>>, data: &[u8]) -> (Member<'static>, Vec<u8>) {
    (member(path, MemberKind::File { size: data.len() as u64, sparse: None }), data.to_vec())
}

pub(crate) fn sparse(path: impl Into<Vec<u8>>, size: u64, extents: &[(u64, &[u8])]) -> (Member<'static>, Vec<u8>) {
    let map: Vec<_> =
        extents.iter().map(|(offset, data)| Extent { offset: *offset, length: data.len() as u64 }).collect();
    let data = extents.iter().flat_map(|(_, data)| data.iter().copied()).collect();
    (member(path, MemberKind::File { size, sparse: Some(Cow::Owned(map)) }), data)
}

pub(crate) fn symlink(path: impl Into<Vec<u8>>, target: impl Into<Vec<u8>>) -> (Member<'static>, Vec<u8>) {
    (member(path, MemberKind::Symlink { target: Cow::Owned(target.into()) }), Vec::new())
}

pub(crate) fn hard_link(path: impl Into<Vec<u8>>, target: impl Into<Vec<u8>>) -> (Member<'static>, Vec<u8>) {
    (member(path, MemberKind::HardLink { target: Cow::Owned(target.into()) }), Vec::new())
}

pub(crate) fn directory(path: impl Into<Vec<u8>>) -> (Member<'static>, Vec<u8>) {
    (member(path, MemberKind::Directory), Vec::new())
}

/// The bytes of one member: header, data, padding.
pub(crate) fn write_member(member: &Member<'_>, data: &[u8]) -> Vec<u8> {
    assert_eq!(data_bytes(member), data.len() as u64, "the sample's data does not fit its header");
    [header(member).unwrap(), data.to_vec(), vec![0; padding(data.len() as u64)]].concat()
}

pub(crate) fn write(sample: &Sample) -> Vec<u8> {
    let members = sample.iter().map(|(member, data)| write_member(member, data));
    members.chain([END.to_vec()]).collect::<Vec<_>>().concat()
}

/// Reads a whole archive in pieces of the given sizes, again from the first when they are used up.
pub(crate) fn read(bytes: &[u8], pieces: &[usize]) -> Result<Read, Error> {
    let mut reader = Reader::new();
    let mut all: Read = Vec::new();
    let mut ended = false;
    let mut rest = bytes;
    let mut sizes = pieces.iter().copied().cycle();
    while !rest.is_empty() {
        let (mut piece, after) = rest.split_at(sizes.next().unwrap_or(usize::MAX).clamp(1, rest.len()));
        rest = after;
        while let Some(event) = reader.read(&mut piece)? {
            match event {
                Event::Member { block, member } => {
                    assert!(ended || all.is_empty(), "a member began before the one before it ended");
                    ended = false;
                    all.push((block, member, Vec::new()));
                }
                Event::Data { offset, bytes } => push_data(&mut all.last_mut().unwrap().2, offset, bytes),
                Event::MemberEnd => ended = true,
                Event::End => assert!(ended || all.is_empty()),
            }
        }
        assert!(piece.is_empty(), "the reader asks for more and leaves input");
    }
    reader.finish()?;
    Ok(all)
}

fn push_data(data: &mut Vec<(u64, Vec<u8>)>, offset: u64, bytes: &[u8]) {
    match data.last_mut() {
        Some((start, last)) if *start + last.len() as u64 == offset => last.extend_from_slice(bytes),
        _ => data.push((offset, bytes.to_vec())),
    }
}

/// What reading a sample must give.
pub(crate) fn expected(sample: &Sample) -> Read {
    let mut block = 0;
    let mut all = Vec::new();
    for (member, data) in sample {
        let mut stretches = Vec::new();
        let mut rest = data.as_slice();
        let whole = [Extent { offset: 0, length: data.len() as u64 }];
        let extents: &[Extent] = match &member.kind {
            MemberKind::File { sparse: Some(extents), .. } => extents,
            _ => &whole,
        };
        for extent in extents.iter().filter(|extent| extent.length > 0) {
            let (now, after) = rest.split_at(extent.length as usize);
            stretches.push((extent.offset, now.to_vec()));
            rest = after;
        }
        all.push((block, member.clone(), stretches));
        block += write_member(member, data).len() as u64 / 512;
    }
    all
}

fn xattrs(pairs: &[(&str, &[u8])]) -> Cow<'static, [Xattr]> {
    Cow::Owned(pairs.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.to_vec())).collect())
}

/// An archive with everything that one can hold.
pub(crate) fn everything() -> Sample {
    let long = |length: usize| "long-name-".repeat(length / 10 + 1)[..length].to_owned();
    let dated = |(mut member, data): (Member<'static>, Vec<u8>), mtime_ns| {
        member.mtime_ns = mtime_ns;
        (member, data)
    };
    let mut sample = vec![
        directory("empty"),
        dated(directory("dir"), 1_767_225_600_000_000_000),
        file("dir/zero", b""),
        dated(file("dir/plain", b"a file of less than a block"), 1_767_225_600_123_456_789),
        dated(file("dir/block", &[7; 512]), 1),
        dated(file("dir/more than a block", &[8; 513]), -1),
        dated(file("dir/before 1970", b"old"), -86_400_500_000_000),
        dated(file("dir/ustar's last second", b"2242"), 8_589_934_591_000_000_000),
        dated(file("dir/past ustar's last second", b"2242"), 8_589_934_592_000_000_000),
        file(format!("dir/{}", long(96)), b"path of 100 bytes"),
        file(format!("dir/{}", long(97)), b"path of 101 bytes"),
        directory(format!("deep/{}", long(150))),
        directory("deep"),
        file(format!("deep/{}/{}", long(150), long(99)), b"path of 255 bytes, which ustar still holds"),
        file(format!("deep/{}/{}", long(150), long(101)), b"path of 257 bytes"),
        file(b"dir/\xff\xfenot UTF-8".to_vec(), b"raw"),
        file([b"dir/\xff".as_slice(), long(120).as_bytes()].concat(), b"raw and long"),
        file("dir/図面.dxf", b"NFC"),
        file("dir/か\u{3099}めん.txt", b"NFD"),
        file(format!("dir/{}.txt", "秘蔵".repeat(30)), b"long and Japanese"),
        symlink("dir/symlink", "../empty"),
        symlink("dir/symlink out", "/etc/passwd"),
        symlink("dir/symlink of 100", long(100)),
        symlink("dir/symlink of 101", long(101)),
        symlink("dir/symlink raw", [b"\xff".as_slice(), long(150).as_bytes()].concat()),
        dated(hard_link("dir/zz link", "dir/plain"), 1_767_225_600_123_456_789),
        hard_link("dir/zz long link", format!("dir/{}", long(97))),
        sparse("dir/sparse", 1 << 20, &[(0, &[9; 512]), (70_000, &[8; 1024]), ((1 << 20) - 3, b"end")]),
        sparse("dir/sparse of nothing", 5_000, &[]),
        sparse("dir/sparse of 9 GiB", 9 << 30, &[((8 << 30) + 5, b"far out")]),
        sparse(format!("dir/sparse {}", long(200)), 4096, &[(1024, b"hidden")]),
    ];
    let (mut odd, data) = dated(file("dir/attributes", b"attributes"), 999_999_999);
    odd.mode = 0o6751;
    odd.xattrs = xattrs(&[
        ("user.a=b%c", b"escaped"),
        ("user.binary", b"\0\xff\n=8 path=x\n"),
        ("user.empty", b""),
        ("user.名前", "値".as_bytes()),
    ]);
    sample.push((odd, data));
    sample.sort_by(|(left, _), (right, _)| left.path.cmp(&right.path));
    sample
}

fn one(member: &Member<'_>) -> Result<Vec<u8>, Error> {
    header(member)
}

#[test]
fn everything_reads_back_in_pieces_of_any_size() {
    let sample = everything();
    let bytes = write(&sample);
    for pieces in [&[usize::MAX][..], &[1], &[511], &[512], &[513], &[3, 5000, 1]] {
        assert_eq!(read(&bytes, pieces).unwrap(), expected(&sample), "pieces of {pieces:?}");
    }
}

#[test]
fn an_archive_of_nothing_is_its_end_marker() {
    assert_eq!(read(&END, &[]).unwrap(), vec![]);
    for length in 0..END.len() {
        assert_eq!(read(&END[..length], &[]), Err(Error::Truncated), "{length} bytes of an end marker");
    }
}

#[test]
fn one_number_leads_to_a_member_in_the_middle() {
    let sample = everything();
    let bytes = write(&sample);
    for (block, member, data) in expected(&sample) {
        let mut rest = &bytes[block as usize * 512..];
        let mut reader = Reader::at(block);
        assert_eq!(reader.read(&mut rest).unwrap(), Some(Event::Member { block, member }));
        let mut found = Vec::new();
        while let Some(Event::Data { offset, bytes }) = reader.read(&mut rest).unwrap() {
            push_data(&mut found, offset, bytes);
        }
        assert_eq!(found, data);
    }
}

#[test]
fn an_archive_cut_short_anywhere_is_refused() {
    let bytes = write(&vec![directory("a"), file("b", b"data"), sparse("c", 99, &[(7, b"x")])]);
    for length in 0..bytes.len() {
        assert_eq!(read(&bytes[..length], &[]), Err(Error::Truncated), "cut after {length} bytes");
    }
}

#[test]
fn a_reader_that_failed_stays_failed() {
    let mut reader = Reader::new();
    let garbage = [1; 512];
    assert_eq!(reader.read(&mut garbage.as_slice()), Err(Error::Checksum));
    assert_eq!(reader.read(&mut END.as_slice()), Err(Error::Checksum));
    assert_eq!(reader.finish(), Err(Error::Checksum));
}

#[test]
fn no_owner_stands_in_a_header() {
    for (member, _) in everything() {
        let bytes = header(&member).unwrap();
        for block in bytes.chunks(512).filter(|block| block.get(257..265) == Some(b"ustar\x0000")) {
            assert_eq!(&block[108..124], b"0000000\x000000000\0", "user and group number");
            assert!(block[265..329].iter().all(|byte| *byte == 0), "user and group name");
        }
    }
}

#[test]
fn a_short_plain_member_is_one_block() {
    let whole_second = Member { mtime_ns: 1_767_225_600_000_000_000, ..file("a/b", b"x").0 };
    let bytes = header(&whole_second).unwrap();
    assert_eq!(bytes.len(), 512);
    let field = |range: Range<usize>| bytes[range].to_vec();
    assert_eq!(field(0..4), b"a/b\0");
    assert_eq!(field(100..108), b"0000644\0");
    assert_eq!(field(124..136), b"00000000001\0");
    assert_eq!(field(136..148), b"15125334400\0");
    assert_eq!(field(156..157), b"0");
}

#[test]
fn unsafe_paths_are_refused() {
    use PathError::{Absolute, Component, Empty, Nul, TooLong};
    let longest = vec![b'a'; PATH_BYTES_MAX];
    let too_long = vec![b'a'; PATH_BYTES_MAX + 1];
    let good: [&[u8]; 10] =
        [b"a", b"a/b", b"...", b"..a/b..", b"a/.b", b" ", b"a\\..\\b", b"C:", b"\n", "秘蔵/\u{202e}txt".as_bytes()];
    for path in good.into_iter().chain([longest.as_slice()]) {
        assert_eq!(check_path(path), Ok(()), "{:?}", path.escape_ascii().to_string());
    }
    let bad: [(&[u8], PathError); 15] = [
        (b"", Empty),
        (&too_long, TooLong),
        (b"a\0b", Nul),
        (b"\0", Nul),
        (b"/", Absolute),
        (b"/a", Absolute),
        (b"//a", Absolute),
        (b".", Component),
        (b"..", Component),
        (b"a/..", Component),
        (b"../a", Component),
        (b"a/../b", Component),
        (b"a/./b", Component),
        (b"a//b", Component),
        (b"a/", Component),
    ];
    for (path, error) in bad {
        assert_eq!(check_path(path), Err(error), "{:?}", path.escape_ascii().to_string());
        assert_eq!(one(&file(path, b"").0), Err(Error::Path(error)));
    }
}

#[test]
fn members_that_a_reader_would_refuse_are_not_written() {
    let with = |change: fn(&mut Member<'static>)| {
        let mut member = file("path", b"12").0;
        change(&mut member);
        one(&member)
    };
    assert_eq!(with(|member| member.mode = 0o10000), Err(Error::Mode));
    assert_eq!(with(|member| member.xattrs = xattrs(&[("", b"")])), Err(Error::Xattr));
    assert_eq!(with(|member| member.xattrs = xattrs(&[("a\0", b"")])), Err(Error::Xattr));
    assert_eq!(with(|member| member.xattrs = xattrs(&[("b", b""), ("a", b"")])), Err(Error::Xattr));
    assert_eq!(with(|member| member.xattrs = xattrs(&[("a", b""), ("a", b"")])), Err(Error::Xattr));
    assert_eq!(with(|member| member.xattrs = xattrs(&[(&"a".repeat(256), b"")])), Err(Error::Xattr));
    assert_eq!(with(|member| member.xattrs = xattrs(&[("a", &[0; 1 << 20])])), Err(Error::HeaderTooLong));
    assert_eq!(with(|member| member.kind = MemberKind::File { size: 1 << 63, sparse: None }), Err(Error::FileTooLong));
    for target in [&b""[..], b"a\0", &[b'a'; 4096]] {
        assert_eq!(one(&symlink("path", target).0), Err(Error::LinkTarget));
    }
    for target in [&b""[..], b"/a", b"../a", b"path", b"patha", b"q"] {
        assert_eq!(one(&hard_link("path", target).0), Err(Error::LinkTarget));
    }
}

#[test]
fn any_file_system_s_stretches_become_a_map_that_can_be_written() {
    let extent = |(offset, length)| Extent { offset, length };
    let map = |size, stretches: &[(u64, u64)]| {
        let stretches: Vec<_> = stretches.iter().copied().map(extent).collect();
        sparse_map(size, &stretches)
    };
    let is = |stretches: &[(u64, u64)]| Some(stretches.iter().copied().map(extent).collect());
    assert_eq!(map(9000, &[(0, 512), (1024, 512)]), is(&[(0, 512), (1024, 512)]));
    assert_eq!(map(9000, &[(1, 3), (1000, 40), (8999, 1)]), is(&[(0, 1536), (8704, 296)]));
    assert_eq!(map(9000, &[(10, 0), (4096, 1)]), is(&[(4096, 512)]));
    assert_eq!(map(9000, &[]), is(&[]));
    assert_eq!(map(u64::MAX >> 1, &[(1 << 62, 1)]), is(&[(1 << 62, 512)]));
    for (size, stretches) in [(0, &[][..]), (9, &[(0, 9)]), (9, &[(3, 1)]), (9000, &[(0, 512), (512, 8400)])] {
        assert_eq!(map(size, stretches), None, "{stretches:?} of {size}");
    }
    // A file system may report more stretches than a header may have, and each is still covered.
    let many: Vec<_> = (0..200_000).map(|number| (number * 1024, 512)).collect();
    let wide = map(200_000 * 1024 + (1 << 20), &many).unwrap();
    assert!(wide.len() <= EXTENTS_MAX);
    assert!(many.iter().all(|(offset, length)| {
        wide.iter().any(|extent| extent.offset <= *offset && offset + length <= extent.offset + extent.length)
    }));
}

#[test]
fn a_sparse_map_has_one_form() {
    let map = |size, extents: &[(u64, u64)]| {
        let extents = extents.iter().map(|(offset, length)| Extent { offset: *offset, length: *length }).collect();
        one(&member("path", MemberKind::File { size, sparse: Some(Cow::Owned(extents)) }))
    };
    assert!(map(10, &[]).is_ok());
    assert!(map(10, &[(0, 9)]).is_ok());
    assert!(map(10, &[(1, 9)]).is_ok());
    assert!(map(2000, &[(0, 512), (513, 1487)]).is_ok());
    let bad: [(u64, &[(u64, u64)]); 10] = [
        (0, &[]),
        (10, &[(0, 10)]),
        (10, &[(0, 0)]),
        (10, &[(10, 0)]),
        (2000, &[(0, 1), (3, 512)]),
        (2000, &[(0, 512), (512, 2)]),
        (2000, &[(0, 512), (511, 2)]),
        (10, &[(4, 2), (0, 2)]),
        (10, &[(9, 2)]),
        (10, &[(u64::MAX, 2)]),
    ];
    for (size, extents) in bad {
        assert_eq!(map(size, extents), Err(Error::Extents), "{extents:?} of {size}");
    }
}
