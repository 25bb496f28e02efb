//! What holds for every change of a bundle.

use hizo_ledger::proof::{Bundle, Report, Verdict};

use super::vectors::verify;
use super::world::{Files, World};

fn judge(files: &Files) -> Report {
    verify(files, Some("policy"), Some("roots.pem"), true, &["KX-204.dxf"])
}

/// What a bundle that holds says, without what nobody vouches for.
fn meaning(report: &Report) -> (&Verdict, &[hizo_ledger::commitment::Shown]) {
    (&report.verdict, &report.shown)
}

#[test]
fn no_flipped_byte_makes_a_bundle_hold_with_another_meaning() {
    let files = World::usual().files();
    let whole = judge(&files);
    assert!(matches!(whole.verdict, Verdict::Holds { .. }), "{:?}", whole.verdict);
    // What is protected by hash or signature alone must not hold at all.
    let strict = ["record.note", "receipt.note", "checkpoint", "opening.json", "record.keys"];
    for (name, bytes) in &files {
        // Certificates beside a token only help to find what the verifier trusts. Steps are odd or cross bits, so that all
        // parts of a file are met.
        let step = if name.starts_with("stamps/") || name.ends_with("-proof") { 7 } else { 2 };
        for place in (0..bytes.len()).step_by(step) {
            let mut flipped = files.clone();
            flipped.get_mut(name).unwrap()[place] ^= 1 << (place % 8);
            let report = judge(&flipped);
            let holds = matches!(report.verdict, Verdict::Holds { .. });
            assert!(!holds || meaning(&report) == meaning(&whole), "{name}, byte {place}: {:?}", report.verdict);
            assert!(!holds || !strict.contains(&name.as_str()), "{name}, byte {place} was flipped and nobody noticed");
        }
    }
}

#[test]
fn every_file_that_is_cut_short_is_noticed() {
    let files = World::usual().files();
    for (name, bytes) in &files {
        for length in (0..bytes.len()).step_by(31) {
            let mut cut = files.clone();
            cut.get_mut(name).unwrap().truncate(length);
            let holds = matches!(judge(&cut).verdict, Verdict::Holds { .. });
            assert!(!holds || name.ends_with(".pem") || name == "record.tlog-proof", "{name} cut to {length} bytes");
        }
    }
}

#[test]
fn a_bundle_that_misses_a_file_or_has_one_too_long_is_none() {
    use hizo_ledger::proof::{FILES, NotABundle, STAMPS_MAX, bytes_max};
    let files = World::usual().files();
    for name in FILES {
        let mut fewer = files.clone();
        fewer.remove(name);
        assert_eq!(Bundle::new(fewer), Err(NotABundle::Missing(name)));
        if name != "opening.json" {
            let mut longer = files.clone();
            longer.insert(name.to_owned(), vec![b'a'; bytes_max(name).unwrap() + 1]);
            assert_eq!(Bundle::new(longer), Err(NotABundle::TooLong(name.to_owned())));
        }
    }
    let mut many = files;
    (0..=STAMPS_MAX).for_each(|number| drop(many.insert(format!("stamps/{number}.tsr"), Vec::new())));
    assert_eq!(Bundle::new(many), Err(NotABundle::TooManyStamps));
    for strange in ["stamps/../record.note.tsr", "stamps/.tsr", "stamps/a/b.tsr", "stamps/.a.tsr", "STAMPS/a.tsr", "a"]
    {
        assert_eq!(bytes_max(strange), None, "{strange}");
    }
}
