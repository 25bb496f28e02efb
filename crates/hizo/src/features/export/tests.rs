use hizo_vault::age::PACK_PLAINTEXT_BYTES;
use hizo_vault::stream;

use super::*;

const FULL: u64 = PACK_BYTES as u64;

#[test]
fn the_first_object_that_is_no_full_pack_ends_the_manifest() {
    let check = |lengths: &[u64], expected: &[&str]| assert_eq!(parts(lengths).collect::<Vec<_>>(), expected);
    check(&[9000], &["manifest-00000"]);
    check(&[9000, 9000], &["manifest-00000", "tar-00000"]);
    check(&[9000, FULL, 9000], &["manifest-00000", "tar-00000", "tar-00001"]);
    check(&[FULL, 9000, FULL, FULL], &["manifest-00000", "manifest-00001", "tar-00000", "tar-00001"]);
    check(&[], &[]);
}

#[test]
fn no_padded_stream_ends_with_a_full_pack() {
    // What the names of parts rest on. A stream of m full packs has m times an odd number of bytes; past the first few
    // KiB a padded length is a multiple of a power of two larger than any m that an object list allows.
    let pack = PACK_PLAINTEXT_BYTES as u64;
    let full = |packs: &u64| stream::padded(packs * pack) == packs * pack;
    assert_eq!((1..=1u64 << 16).find(full), None);
}

#[test]
fn the_recovery_program_stays_short_enough_to_be_read() {
    assert!(RECOVER.lines().count() <= 150);
    assert!(RECOVER.lines().all(|line| line.chars().count() <= 120));
    let imports: Vec<&str> =
        RECOVER.lines().filter(|line| line.starts_with("import") || line.starts_with("from")).collect();
    assert_eq!(imports, ["import base64, contextlib, functools, hashlib, hmac, json, os, re, struct, sys, tarfile"]);
}

#[test]
fn the_recovery_page_names_every_kind_of_file() {
    let named = ["SHA256SUMS", "recover.py", "space/head.txt", "space/records/", "space/bodies/", "space/epochs/"];
    let parts =
        ["record.note", "objects.txt", "manifest-", "tar-", "body-", "NAMES.txt", "MISSING.txt", "identity.age"];
    for name in named.iter().chain(&parts) {
        assert!(RECOVERY.contains(name), "{name}");
    }
}
