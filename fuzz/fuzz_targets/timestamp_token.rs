//! A time-stamp answer, request, certificate, revocation list or list of authorities from anywhere: what is accepted says what
//! was signed.
#![no_main]

use std::sync::LazyLock;

use hizo_ledger::timestamp::{
    Authority, Expected, Info, Request, Revocation, Token, UnverifiedToken, certificates_from_pem, parse_response,
    revocation_lists_from_pem,
};
use libfuzzer_sys::fuzz_target;

const DATA: &[u8] = include_bytes!("../../vectors/timestamp/v1/checkpoint");
const ANSWER: &[u8] = include_bytes!("../../vectors/timestamp/v1/accepted/granted.tsr");
const LIST: &str = include_str!("../../vectors/timestamp/v1/lists/test");

fuzz_target!(|bytes: &[u8]| {
    static AUTHORITIES: LazyLock<Vec<Authority>> = LazyLock::new(|| Authority::parse_list(LIST).unwrap());
    static TOKEN: LazyLock<Token> = LazyLock::new(|| {
        let expected = Expected { data: DATA, nonce: None, certificates: &[], authorities: &AUTHORITIES };
        parse_response(ANSWER).unwrap().verify(&expected).unwrap()
    });
    // Nobody but the issuer revokes.
    assert_eq!(TOKEN.revocation([bytes]), Revocation::Unknown);
    assert!(!TOKEN.has_issuer_of(bytes));
    if let Ok(token) = parse_response(bytes) {
        assert_eq!(UnverifiedToken::parse(token.as_der()).as_ref(), Ok(&token));
        let expected = Expected { data: DATA, nonce: None, certificates: &[], authorities: &AUTHORITIES };
        if let Ok(checked) = token.clone().verify(&expected) {
            let info: &Info = checked.info();
            assert_eq!(info.imprint.algorithm().hash(DATA), info.imprint.hash());
            assert!(checked.latest() >= checked.time() && checked.ends() >= checked.time());
            assert!(checked.chain().len() >= 2);
            let _ = checked.revocation_addresses();
        }
    }
    if let Ok(request) = Request::parse(bytes) {
        assert_eq!(Request::parse(&request.to_der()), Ok(request));
    }
    let _ = Authority::new("any", &[bytes.to_vec()]);
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = Authority::parse_list(text);
        let _ = certificates_from_pem(text);
        let _ = revocation_lists_from_pem(text);
    }
});
