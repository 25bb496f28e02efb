//! `hizo verify` as a stranger runs it: without a safe, without a keeper, with what he brought.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::kit::{self, Said, said};

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/proof/v1")
}

/// Copies what differs over the whole bundle, and takes away what is missing.
fn laid_out(case: &Value, to: &Path) {
    let copy = |from: &Path| {
        for path in kit::files_below(from) {
            let place = to.join(path.strip_prefix(from).unwrap());
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::copy(&path, place).unwrap();
        }
    };
    copy(&vectors().join("accepted/file"));
    for name in case["without"].as_array().unwrap() {
        fs::remove_file(to.join(name.as_str().unwrap())).unwrap();
    }
    let own = vectors().join(case["bundle"].as_str().unwrap());
    if own.is_dir() {
        copy(&own);
    }
}

fn run(case: &Value, more: &[&str], japanese: bool) -> Said {
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("bundle");
    laid_out(case, &bundle);
    // A home that is not there is never missed.
    let mut command = kit::program(env!("CARGO_BIN_EXE_hizo"));
    command.arg("--home").arg(folder.path().join("no home")).arg("verify").arg(&bundle);
    command.args(case["files"].as_array().unwrap().iter().map(|name| vectors().join(name.as_str().unwrap())));
    for (option, key) in [("--policy", "policy"), ("--roots", "roots")] {
        command.args(case[key].as_str().iter().flat_map(|name| [PathBuf::from(option), vectors().join(name)]));
    }
    if let Some(name) = case["receipt_key"].as_str() {
        command.arg("--receipt-key").arg(fs::read_to_string(vectors().join(name)).unwrap());
    }
    command.args(more).env("LC_ALL", if japanese { "ja_JP.UTF-8" } else { "C" });
    said(&mut command)
}

fn index() -> Vec<Value> {
    serde_json::from_slice(&fs::read(vectors().join("index.json")).unwrap()).unwrap()
}

fn case(name: &str) -> Value {
    index().into_iter().find(|case| case["bundle"].as_str().unwrap().ends_with(name)).unwrap()
}

#[test]
fn every_bundle_ends_with_its_exit_code_and_names_the_step() {
    let cases = index();
    assert!(cases.len() > 60, "vectors are missing");
    for case in cases {
        let told = run(&case, &["--json"], false);
        let name = &case["bundle"];
        assert_eq!(told.code, case["exit"].as_i64().map(|code| code as i32), "{name}: {told:?}");
        let found = told.json();
        assert_eq!((&found["since"], &found["before"]), (&case["since"], &case["before"]), "{name}");
        let steps = found["steps"].as_array().unwrap();
        match case["exit"].as_i64() {
            Some(3) => {
                let last = steps.last().unwrap();
                assert_eq!((&last["step"], &last["outcome"]), (&case["step"], &"does not hold".into()), "{name}");
            }
            Some(4) => assert_eq!(found["doubts"], case["doubts"], "{name}"),
            _ => assert_eq!(found["doubts"], Value::Array(Vec::new()), "{name}"),
        }
        assert!(crate::habits::is_documented("verify", &found), "{found:#}");
    }
}

#[test]
fn a_proof_that_holds_ends_in_one_sentence_in_both_languages() {
    let told = run(&case("accepted/file"), &[], false);
    let last = told.out.lines().last().unwrap().to_owned();
    assert!(last.starts_with("this proof holds: ") && last.contains("2027-05-03T09:12:45Z"), "{told:?}");
    assert!(told.out.contains("shown: KX-204.dxf, 17 bytes, SHA-256 da9d"), "{told:?}");
    let told = run(&case("accepted/file"), &[], true);
    assert!(told.out.lines().last().unwrap().starts_with("この証明は正しく"), "{told:?}");
    assert_eq!(run(&case("accepted/file"), &["--quiet"], false).out.lines().count(), 1);
}

#[test]
fn the_keepers_own_stamp_is_never_proof_even_when_its_root_is_brought() {
    let told = run(&case("refused/self_stamp"), &[], false);
    assert_eq!(told.code, Some(4));
    assert!(told.err.contains("self-stamped, not independent"), "{told:?}");
    assert!(run(&case("refused/self_stamp"), &[], true).err.contains("第三者による時刻ではありません"));
}

#[test]
fn a_digest_that_was_registered_without_the_file_is_told_apart_when_the_file_comes() {
    let told = run(&case("refused/digest_only"), &[], false);
    assert_eq!(told.code, Some(3));
    assert!(told.err.contains("did not have the file"), "{told:?}");
}

#[test]
fn a_folder_that_is_no_bundle_or_leads_out_of_itself_is_said_to_be_none() {
    let folder = tempfile::tempdir().unwrap();
    let verify =
        |bundle: &Path| said(kit::program(env!("CARGO_BIN_EXE_hizo")).arg("verify").arg(bundle).env("LC_ALL", "C"));
    assert_eq!(verify(&folder.path().join("nothing")).code, Some(1));
    let told = verify(folder.path());
    assert_eq!(told.code, Some(4), "{told:?}");
    laid_out(&case("accepted/file"), folder.path());
    let long = folder.path().join("receipt.note");
    fs::write(&long, vec![b'a'; 1 << 20]).unwrap();
    assert_eq!(verify(folder.path()).code, Some(3));
    // A pipe would be waited for, and a link leads to what the verifier has.
    fs::remove_file(&long).unwrap();
    said(kit::program("mkfifo").arg(&long));
    assert_eq!(verify(folder.path()).code, Some(4));
    fs::remove_file(&long).unwrap();
    std::os::unix::fs::symlink(vectors().join("accepted/file/receipt.note"), &long).unwrap();
    assert_eq!(verify(folder.path()).code, Some(4));
}
