//! Laws of the archive: what is written reads back, and no other bytes mean the same.

use std::{borrow::Cow, collections::BTreeMap};

use hizo_vault::archive::{END, Error, Event, Extent, Member, MemberKind, Reader, Xattr, header, padding, sparse_map};
use proptest::{collection, prelude::*, sample::Index};

use crate::archive::{Sample, expected, read, write, write_member};

fn component() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![8 => b'a'..=b'c', 1 => 1..b'.', 1 => b'0'..=255];
    let allowed = |name: &Vec<u8>| name != b"." && name != b"..";
    prop_oneof![4 => collection::vec(byte.clone(), 1..8), 1 => collection::vec(byte, 90..160)]
        .prop_filter("no component of dots", allowed)
}

fn path() -> impl Strategy<Value = Vec<u8>> {
    collection::vec(component(), 1..4).prop_map(|components| components.join(&b'/'))
}

fn target() -> impl Strategy<Value = Vec<u8>> {
    collection::vec(1..=255_u8, 1..150)
}

fn mtime() -> impl Strategy<Value = i64> {
    let seconds = (-20_000_000_000_i64..=9_000_000_000).prop_map(|seconds| seconds.saturating_mul(1_000_000_000));
    prop_oneof![any::<i64>(), seconds, -2_000_000_000..2_000_000_000_i64]
}

fn xattrs() -> impl Strategy<Value = Vec<Xattr>> {
    let name = collection::vec(1..=255_u8, 1..20);
    let value = collection::vec(any::<u8>(), 0..60);
    collection::btree_map(name, value, 0..3).prop_map(|pairs: BTreeMap<_, _>| pairs.into_iter().collect())
}

/// Gaps and lengths, of which stretches are made that never touch.
fn sparse() -> impl Strategy<Value = (u64, Vec<Extent>)> {
    let pieces = collection::vec((1..2000_u64, 1..4_u64), 0..4);
    (pieces, 0..2_u64, 1..600_u64, 0..3000_u64).prop_map(|(pieces, first_gap, last, after)| {
        let mut end = 0;
        let count = pieces.len();
        let extents: Vec<_> = (0..)
            .zip(pieces)
            .map(|(number, (gap, blocks))| {
                let offset = end + if number == 0 { gap * first_gap } else { gap };
                let length = if number + 1 == count { last } else { blocks * 512 };
                end = offset + length;
                Extent { offset, length }
            })
            .collect();
        let whole = extents.is_empty() || extents.iter().map(|extent| extent.length).sum::<u64>() == end;
        (end + after + u64::from(whole), extents)
    })
}

fn member() -> impl Strategy<Value = (Member<'static>, Vec<u8>)> {
    let kind = prop_oneof![
        3 => (0..1200_u64).prop_map(|size| MemberKind::File { size, sparse: None }),
        2 => sparse().prop_map(|(size, extents)| MemberKind::File { size, sparse: Some(Cow::Owned(extents)) }),
        1 => Just(MemberKind::Directory),
        1 => target().prop_map(|target| MemberKind::Symlink { target: Cow::Owned(target) }),
    ];
    (path(), kind, 0..=0o7777_u32, mtime(), xattrs(), any::<u8>()).prop_map(
        |(path, kind, mode, mtime_ns, xattrs, fill)| {
            let member = Member { path: Cow::Owned(path), kind, mode, mtime_ns, xattrs: Cow::Owned(xattrs) };
            let data = vec![fill; hizo_vault::archive::data_bytes(&member) as usize];
            (member, data)
        },
    )
}

/// Members in order; every second one after the first links to the one before it.
fn sample() -> impl Strategy<Value = Sample> {
    (collection::vec(member(), 0..5), any::<bool>()).prop_map(|(mut members, links)| {
        members.sort_by(|(left, _), (right, _)| left.path.cmp(&right.path));
        members.dedup_by(|(left, _), (right, _)| left.path == right.path);
        if let (true, [(first, _), .., (last, data)]) = (links, members.as_mut_slice()) {
            last.kind = MemberKind::HardLink { target: first.path.clone() };
            data.clear();
        }
        members
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_back(sample in sample(), pieces in collection::vec(1..3000_usize, 1..5)) {
        prop_assert_eq!(read(&write(&sample), &pieces).unwrap(), expected(&sample));
    }

    #[test]
    fn a_changed_byte_never_means_the_same(sample in sample(), place in any::<Index>(), change in 1..=255_u8) {
        let mut bytes = write(&sample);
        let place = place.index(bytes.len());
        bytes[place] ^= change;
        // What is not refused is another archive: its own writer would have written exactly the changed bytes.
        if let Ok(other) = read(&bytes, &[]) {
            prop_assert_ne!(&other, &expected(&sample));
            prop_assert_eq!(write_again(&other), bytes);
        }
    }

    #[test]
    fn a_changed_header_block_is_refused(member in member(), place in 0..512_usize, change in 1..=255_u8) {
        let mut bytes = write_member(&member.0, &member.1);
        let start = if bytes[156] == b'x' { padded_records(&bytes) + 512 } else { 0 };
        bytes[start + place] ^= change;
        bytes.extend(END);
        prop_assert!(read(&bytes, &[]).is_err());
    }

    #[test]
    fn a_header_with_its_sum_put_right_is_refused_or_means_itself(
        member in member(), place in 0..500_usize, change in 1..=255_u8,
    ) {
        let mut bytes = header(&member.0).unwrap();
        bytes[place % 148] ^= change;
        sum_again(&mut bytes[..512]);
        let mut input = bytes.as_slice();
        if let Ok(Some(Event::Member { member, .. })) = Reader::new().read(&mut input) {
            let read = bytes.len() - input.len();
            prop_assert_eq!(header(&member).unwrap(), &bytes[..read]);
        }
    }

    #[test]
    fn foreign_bytes_are_refused_in_order(bytes in collection::vec(any::<u8>(), 1..3000), sum in any::<bool>()) {
        let mut bytes = bytes;
        if let (true, Some(block)) = (sum, bytes.get_mut(..512)) {
            block[156] = *[b'0', b'x', b'5'].get(usize::from(block[0] % 3)).unwrap();
            block[257..265].copy_from_slice(b"ustar\x0000");
            sum_again(block);
        }
        prop_assert!(read(&bytes, &[]).is_err());
    }

    #[test]
    fn a_map_of_any_stretches_covers_them_and_is_written(
        gaps in collection::vec((0..3000_u64, 0..3000_u64), 0..8), after in 0..3000_u64,
    ) {
        let mut end = 0;
        let stretches: Vec<_> = gaps
            .into_iter()
            .map(|(gap, length)| {
                let offset = end + gap;
                end = offset + length;
                Extent { offset, length }
            })
            .collect();
        let size = end + after;
        if let Some(map) = sparse_map(size, &stretches) {
            let inside = |byte: u64| map.iter().any(|extent| (extent.offset..extent.offset + extent.length).contains(&byte));
            for stretch in stretches.iter().filter(|stretch| stretch.length > 0) {
                prop_assert!(inside(stretch.offset) && inside(stretch.offset + stretch.length - 1));
            }
            let kind = MemberKind::File { size, sparse: Some(Cow::Owned(map)) };
            prop_assert!(header(&crate::archive::member("path", kind)).is_ok());
        }
    }

    #[test]
    fn equal_headers_are_of_equal_members(left in member(), right in member()) {
        prop_assert_eq!(header(&left.0) == header(&right.0), left.0 == right.0);
    }
}

/// A member as it was read: its place, what it is, and its data with their offsets.
type ReadMember = (u64, Member<'static>, Vec<(u64, Vec<u8>)>);

fn write_again(read: &[ReadMember]) -> Vec<u8> {
    let sample = read.iter().map(|(_, member, data)| {
        (member.clone(), data.iter().flat_map(|(_, bytes)| bytes.iter().copied()).collect::<Vec<_>>())
    });
    write(&sample.collect())
}

fn padded_records(bytes: &[u8]) -> usize {
    let length = usize::from_str_radix(std::str::from_utf8(&bytes[124..135]).unwrap(), 8).unwrap();
    length + padding(length as u64)
}

/// Writes the checksum that a block must have.
pub(crate) fn sum_again(block: &mut [u8]) {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

#[test]
fn a_member_that_never_ends_its_header_is_refused_within_limits() {
    let mut reader = Reader::new();
    let (mut sparse, _) = crate::archive::sparse("a", 9, &[(1, b"x")]);
    sparse.mtime_ns = 0;
    let mut head = header(&sparse).unwrap();
    // The map promises more lines than come, and its digits go on for ever.
    head.truncate(head.len() - 512);
    let mut input = head.as_slice();
    assert_eq!(reader.read(&mut input).unwrap(), None);
    let first = [b"100\n".as_slice(), &[b'1'; 508]].concat();
    assert_eq!(reader.read(&mut first.as_slice()).unwrap(), None);
    let taken = (0..100_000).find(|_| reader.read(&mut [b'1'; 512].as_slice()).is_err()).unwrap();
    assert!(taken * 512 < 3 << 20, "{taken} blocks of one map were taken");
    assert_eq!(reader.finish(), Err(Error::Extents));
}
