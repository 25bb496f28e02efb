//! What revocation lists say of a stamp's chain.

use std::process::Command;

use hizo_ledger::timestamp::der::{self, tag};
use hizo_ledger::timestamp::{
    Authority, Expected, Moment, Revocation, Token, UnverifiedToken, certificates_to_pem, revocation_lists_from_pem,
    revocation_lists_to_pem,
};

use super::forge::{self, Certificate, Forge, extension, list_by, revoked, signed_list};

/// A token by the usual chain: signer (number 3), issuer (2), root.
fn token(signer: &Certificate) -> Token {
    let authorities = [Authority::new("test", &[Certificate::root().to_der()]).unwrap()];
    let data = forge::data();
    let expected = Expected { data: &data, nonce: None, certificates: &[], authorities: &authorities };
    UnverifiedToken::parse(&Forge::by(&forge::info(), signer).token()).unwrap().verify(&expected).unwrap()
}

fn at(text: &str) -> Moment {
    Moment::parse(text).unwrap()
}

const MADE: &str = "2027-05-03T00:00:00Z";
const BEFORE: &str = "2027-05-01T00:00:00Z";
const AFTER: &str = "2027-06-01T00:00:00Z";

#[track_caller]
fn check(lists: &[Vec<u8>], expected: Revocation) {
    assert_eq!(token(&Certificate::signer()).revocation(lists.iter().map(Vec::as_slice)), expected);
}

#[test]
fn a_chain_is_good_as_far_as_there_is_a_list_for_each_of_its_certificates() {
    let good = Revocation::Good { as_of: at(MADE) };
    check(&[list_by("issuer", &[], &[]), list_by("root", &[], &[])], good);
    check(&[list_by("issuer", &[revoked(9, BEFORE, None)], &[]), list_by("root", &[], &[])], good);
    check(&[list_by("issuer", &[], &[])], Revocation::Unknown);
    check(&[list_by("root", &[], &[])], Revocation::Unknown);
    check(&[], Revocation::Unknown);
}

#[test]
fn a_revoked_certificate_spoils_what_it_stamped_as_rfc_3161_says() {
    let root = list_by("root", &[], &[]);
    let signer = |when, reason| vec![list_by("issuer", &[revoked(3, when, reason)], &[]), root.clone()];
    let good = Revocation::Good { as_of: at(MADE) };
    for reason in [0, 3, 4, 5].map(Some) {
        check(&signer(BEFORE, reason), Revocation::Revoked { at: at(BEFORE) });
        check(&signer(AFTER, reason), good);
    }
    // The stamp's time and its accuracy: by then it was revoked.
    check(&signer("2027-05-03T09:12:45Z", Some(4)), Revocation::Revoked { at: at("2027-05-03T09:12:45Z") });
    check(&signer("2027-05-03T09:12:46Z", Some(4)), good);
    // A key that was lost may have stamped any time.
    for reason in [None, Some(1), Some(2), Some(6), Some(9)] {
        check(&signer(AFTER, reason), Revocation::Revoked { at: at(AFTER) });
    }
    let issuer = list_by("root", &[revoked(2, AFTER, Some(2))], &[]);
    check(&[issuer, list_by("issuer", &[], &[])], Revocation::Revoked { at: at(AFTER) });
}

#[test]
fn a_list_that_the_issuer_did_not_sign_or_that_speaks_for_others_counts_for_nothing() {
    let entry = [revoked(3, BEFORE, None)];
    let with = |extensions: &[Vec<u8>]| list_by("issuer", &entry, extensions);
    let point = |inside: &[u8]| extension("2.5.29.28", true, &der::element(tag::SEQUENCE, inside));
    let right = list_by("issuer", &entry, &[]);
    let mut flipped = right.clone();
    let place = flipped.len() - 9;
    flipped[place] ^= 1;
    for (fault, list) in [
        ("signed by another key", signed_list("issuer", "other", &entry, &[])),
        ("by an issuer of another name", signed_list("somebody else", "issuer", &entry, &[])),
        ("signature changed", flipped),
        ("cut short", right[..right.len() - 1].to_vec()),
        ("of changes only", with(&[extension("2.5.29.27", true, &der::integer(&[1]))])),
        ("for other issuers too", with(&[point(&[0x84, 1, 0xff])])),
        ("an entry with a critical extension", {
            let strange = der::element(tag::SEQUENCE, &extension("2.5.29.29", true, &[]));
            let entry = der::sequence(&[&der::integer(&[3]), &forge::time(BEFORE), &strange]);
            list_by("issuer", &[entry], &[])
        }),
        ("no list", b"no list".to_vec()),
    ] {
        let found = token(&Certificate::signer()).revocation([list.as_slice()]);
        assert_eq!(found, Revocation::Unknown, "{fault}");
    }
    // One that is for some certificates only says what it says.
    check(&[with(&[point(&[0x81, 1, 0xff])])], Revocation::Revoked { at: at(BEFORE) });
    // An issuer whose key is not for lists makes none.
    let no_lists = Certificate::issuer().with(forge::usage(0x04));
    let authorities = [Authority::new("test", &[Certificate::root().to_der()]).unwrap()];
    let data = forge::data();
    let expected = Expected { data: &data, nonce: None, certificates: &[], authorities: &authorities };
    let token = UnverifiedToken::parse(&Forge::new(&forge::info()).under(&no_lists).token()).unwrap();
    assert_eq!(token.verify(&expected).unwrap().revocation([right.as_slice()]), Revocation::Unknown);
}

#[test]
fn no_flipped_byte_of_a_list_makes_it_say_something_else() {
    let (right, token) = (list_by("issuer", &[revoked(3, BEFORE, None)], &[]), token(&Certificate::signer()));
    for place in 0..right.len() {
        let mut flipped = right.clone();
        flipped[place] ^= 1 << (place % 8);
        assert_eq!(token.revocation([flipped.as_slice()]), Revocation::Unknown, "byte {place}");
    }
}

#[test]
fn lists_lie_where_the_certificates_say() {
    let uri = |text: &str| der::element(0x86, text.as_bytes());
    let point = |names: &[Vec<u8>]| der::sequence(&[&der::element(0xa0, &der::element(0xa0, &names.concat()))]);
    let points = [
        point(&[uri("ldap://a.example/"), uri("http://a.example/one.crl")]),
        point(&[uri("http://a.example/two.crl"), uri("https://a.example/three.crl")]),
        point(&[uri("http://a.example/one.crl")]),
    ];
    let signer =
        Certificate::signer().with(extension("2.5.29.31", false, &der::element(tag::SEQUENCE, &points.concat())));
    assert_eq!(token(&signer).revocation_addresses(), ["http://a.example/one.crl", "http://a.example/two.crl"]);
    let strange = Certificate::signer().with(extension("2.5.29.31", false, b"nothing"));
    assert_eq!(token(&strange).revocation_addresses(), [""; 0]);
}

#[test]
fn the_stock_tool_reads_the_same_lists_and_says_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
    write("roots.pem", certificates_to_pem(&[Certificate::root().to_der()]));
    write("chain.pem", certificates_to_pem(&[Certificate::signer().to_der(), Certificate::issuer().to_der()]));
    let root = list_by("root", &[], &[]);
    for (entries, is_good) in [(vec![], true), (vec![revoked(3, BEFORE, Some(4))], false)] {
        let lists = [list_by("issuer", &entries, &[]), root.clone()];
        let text = revocation_lists_to_pem(&lists);
        assert_eq!(revocation_lists_from_pem(&text), lists);
        write("lists.crl", text);
        let mut command = Command::new("openssl");
        command.current_dir(folder.path()).args(["verify", "-crl_check_all", "-no_check_time", "-CAfile", "roots.pem"]);
        command.args(["-untrusted", "chain.pem", "-CRLfile", "lists.crl", "chain.pem"]);
        let Ok(done) = command.output() else {
            eprintln!("NOT CHECKED: openssl is not here");
            return;
        };
        let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
        assert_eq!(done.status.success(), is_good, "{said}");
        assert!(is_good || said.contains("certificate revoked"), "{said}");
    }
}
