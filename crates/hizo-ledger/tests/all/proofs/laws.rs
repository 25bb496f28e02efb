//! What holds for every change of a bundle.

use hizo_ledger::proof::{Bundle, Report, Verdict};

use super::vectors::verify;
use super::world::{Files, Renewed, Stamp, World};

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
fn no_flipped_byte_of_a_renewal_makes_a_bundle_say_an_earlier_time_or_hold_for_longer() {
    let renewal = Renewed::by(Stamp::Until("2027-12-01T00:00:00Z", "2037-01-01T00:00:00Z"));
    let files = World { renewals: vec![renewal], ..World::usual() }.files();
    let times = |report: &Report| match report.verdict {
        Verdict::Holds { since, before } => Some((since, before)),
        Verdict::CannotBeTold(_) | Verdict::DoesNotHold(_) => None,
    };
    let (since, before) = times(&judge(&files)).unwrap();
    for (name, bytes) in files.iter().filter(|(name, _)| name.starts_with("renewals/")) {
        for place in (0..bytes.len()).step_by(7) {
            let mut flipped = files.clone();
            flipped.get_mut(name).unwrap()[place] ^= 1 << (place % 8);
            // A later stamp whose certificate cannot be found any more is vouched for by nobody: it renews nothing.
            let same = times(&judge(&flipped)).is_none_or(|found| found.0 == since && found.1 <= before);
            assert!(same, "{name}, byte {place}");
        }
    }
}

#[test]
fn a_renewal_that_misses_a_file_or_its_place_is_none() {
    use hizo_ledger::proof::{NotABundle, RENEWALS_MAX};
    let renewal = || Renewed::by(Stamp::Until("2027-12-01T00:00:00Z", "2037-01-01T00:00:00Z"));
    let files = World { renewals: vec![renewal()], ..World::usual() }.files();
    for name in ["checkpoint", "earlier/first.note", "earlier/first.receipt", "earlier/first.tlog-proof"] {
        let mut fewer = files.clone();
        let name = format!("renewals/1/{name}");
        fewer.remove(&name).unwrap();
        assert_eq!(Bundle::new(fewer), Err(NotABundle::Missing(name)));
    }
    let moved = |to: &str| files.iter().map(|(name, bytes)| (name.replace("renewals/1/", to), bytes.clone())).collect();
    assert_eq!(Bundle::new(moved("renewals/2/")), Err(NotABundle::Missing("renewals/1".to_owned())));
    for other in ["renewals/0/", "renewals/01/", "renewals/+1/", "renewals/"] {
        assert_eq!(Bundle::new(moved(other)).unwrap().renewals(), 0, "{other}");
    }
    let mut many = files.clone();
    (1..=RENEWALS_MAX + 1).for_each(|number| drop(many.insert(format!("renewals/{number}/checkpoint"), Vec::new())));
    assert_eq!(Bundle::new(many), Err(NotABundle::TooManyRenewals));
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
        assert_eq!(Bundle::new(fewer), Err(NotABundle::Missing(name.to_owned())));
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
