//! Stamps by `openssl ts`, made while the test runs. Without the program the test says aloud that it did not run.

use std::fs;
use std::path::Path;
use std::process::Command;

use hizo_ledger::timestamp::{
    Authority, DigestAlgorithm, Error, Expected, Imprint, Nonce, Oid, Request, Token, parse_response,
};

use super::forge::{data, folder};

const NAMES: [&str; 3] = ["openssl_rsa", "openssl_p256", "openssl_p384"];

/// Three authorities stamp the checkpoint; false when the program is not here.
fn stamp(to: &Path, query: Option<&Path>) -> bool {
    if let Err(error) = Command::new("openssl").arg("version").output() {
        crate::say_aloud::say_aloud(&format!("stamps of others: openssl is not here ({error})"));
        return false;
    }
    let made = Command::new("sh").arg(folder().join("others.sh")).arg(to).args(query).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    true
}

fn verify(folder: &Path, name: &str, nonce: Option<&Nonce>, list: &str) -> Result<Token, Error> {
    let authorities = Authority::parse_list(&fs::read_to_string(folder.join(format!("{list}.list"))).unwrap()).unwrap();
    let token = parse_response(&fs::read(folder.join(format!("{name}.tsr"))).unwrap())?;
    token.verify(&Expected { data: &data(), nonce, certificates: &[], authorities: &authorities })
}

#[test]
fn stamps_of_the_stock_tool_are_verified_for_the_question_that_it_wrote() {
    let folder = tempfile::tempdir().unwrap();
    if !stamp(folder.path(), None) {
        return;
    }
    for name in NAMES {
        let request = Request::parse(&fs::read(folder.path().join(format!("{name}.tsq"))).unwrap()).unwrap();
        assert!(request.certificates && request.policy.is_none());
        let token = verify(folder.path(), name, request.nonce.as_ref(), name).unwrap();
        assert_eq!((token.authority(), token.chain().len(), token.info().imprint.clone()), (name, 2, request.imprint));
        assert_eq!(token.subject(), format!("O=hizo test only, CN=stamps of {name}"));
        assert!(token.is_independent());
        let stranger = NAMES[usize::from(name == NAMES[0])];
        assert_eq!(verify(folder.path(), name, None, stranger).err(), Some(Error::NoPath));
    }
}

#[test]
fn the_stock_tool_answers_our_question() {
    let folder = tempfile::tempdir().unwrap();
    let request = Request {
        imprint: Imprint::of(DigestAlgorithm::Sha512, &data()),
        policy: Some(Oid::parse("1.2.3.4.1").unwrap()),
        nonce: Some(Nonce::from_random(*b"\x80 sixteen bytes!")),
        certificates: true,
    };
    let query = folder.path().join("ours.tsq");
    fs::write(&query, request.to_der()).unwrap();
    if !stamp(folder.path(), Some(&query)) {
        return;
    }
    for name in NAMES {
        let token = verify(folder.path(), name, request.nonce.as_ref(), name).unwrap();
        assert_eq!((token.policy(), &token.info().imprint), (request.policy.as_ref().unwrap(), &request.imprint));
        let other = Nonce::from_random(*b"another nonce!!!");
        assert_eq!(verify(folder.path(), name, Some(&other), name).err(), Some(Error::Nonce));
    }
}

#[test]
fn the_stock_tool_accepts_what_we_accept() {
    if let Err(error) = Command::new("openssl").arg("version").output() {
        crate::say_aloud::say_aloud(&format!("stamps of others: openssl is not here ({error})"));
        return;
    }
    let text = fs::read_to_string(folder().join("index.json")).unwrap();
    let index: serde_json::Value = serde_json::from_str(&text).unwrap();
    let accepted = index["accepted"].as_array().unwrap();
    for vector in accepted {
        let (name, list) = (vector["name"].as_str().unwrap(), vector["list"].as_str().unwrap());
        let mut verify = Command::new("openssl");
        verify.current_dir(folder()).args(["ts", "-verify", "-data", "checkpoint", "-attime", "1809335564", "-in"]);
        verify.arg(format!("accepted/{name}.tsr")).arg("-CAfile").arg(format!("lists/{list}"));
        if vector["chain"] == true {
            verify.args(["-untrusted", "chain.pem"]);
        }
        // A root that is itself issued by another one is no root to the tool unless it is told.
        if list == "issuer_as_root" {
            verify.arg("-partial_chain");
        }
        let said = verify.output().unwrap();
        assert!(said.status.success(), "{name}: {}", String::from_utf8_lossy(&said.stderr));
    }
    assert!(accepted.len() > 20);
}
