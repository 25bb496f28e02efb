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
    // Certificates without a stamp are not read, however many; more stamps than a proof has are refused by their number.
    fs::remove_file(&long).unwrap();
    laid_out(&case("accepted/file"), folder.path());
    let huge = |name: &str| fs::File::create(folder.path().join(name)).unwrap().set_len(1 << 30).unwrap();
    huge("stamps/of-nothing.pem");
    assert_eq!(verify(folder.path()).code, Some(4));
    (0..64).for_each(|number| huge(&format!("stamps/{number}.tsr")));
    let told = verify(folder.path());
    assert!(told.code == Some(3) && told.err.contains("more than 64 stamps"), "{told:?}");
    (0..64).for_each(|number| fs::remove_file(folder.path().join(format!("stamps/{number}.tsr"))).unwrap());
    // A pipe would be waited for, and a link leads to what the verifier has.
    fs::remove_file(&long).unwrap();
    said(kit::program("mkfifo").arg(&long));
    assert_eq!(verify(folder.path()).code, Some(4));
    fs::remove_file(&long).unwrap();
    std::os::unix::fs::symlink(vectors().join("accepted/file/receipt.note"), &long).unwrap();
    assert_eq!(verify(folder.path()).code, Some(4));
    fs::remove_file(&long).unwrap();
    laid_out(&case("accepted/file"), folder.path());
    let (stamps, elsewhere) = (folder.path().join("stamps"), tempfile::tempdir().unwrap());
    fs::rename(&stamps, elsewhere.path().join("stamps")).unwrap();
    std::os::unix::fs::symlink(elsewhere.path().join("stamps"), &stamps).unwrap();
    let told = verify(folder.path());
    assert!(told.out.contains("it has no stamp"), "{told:?}");
}

#[test]
fn what_was_compared_with_no_file_is_said_to_be_committed_to_and_no_more() {
    let last = |name: &str, japanese| run(&case(name), &[], japanese).out.lines().last().unwrap().to_owned();
    assert!(last("accepted/file", false).contains("what it shows was held, unchanged, at the latest since"));
    assert!(last("accepted/file", true).contains("には保持され、以後変わっていません"));
    for name in ["accepted/no_file", "accepted/name", "accepted/complete_names"] {
        let (english, japanese) = (last(name, false), last(name, true));
        assert!(english.contains("was committed to") && !english.contains("held, unchanged"), "{name}: {english}");
        assert!(!japanese.contains("保持され、"), "{name}: {japanese}");
    }
    let mut some = case("accepted/complete");
    some["files"] = Value::from(vec!["KX-204.dxf"]);
    let told = run(&some, &[], false);
    assert!(told.out.lines().last().unwrap().contains("1 of 3 shown contents, those compared with a file, were held"));
    let of = |name: &str| told.out.lines().find(|line| line.contains("shown: ") && line.contains(name)).unwrap();
    assert!(of("KX-204.dxf").ends_with("the same as a file"), "{told:?}");
    assert!(of("R-17.csv").ends_with("committed to, not compared with a file"), "{told:?}");
    let found = run(&some, &["--json"], false).json();
    let compared: Vec<_> = found["shown"].as_array().unwrap().iter().map(|shown| &shown["compared"]).collect();
    assert_eq!(compared.iter().filter(|compared| **compared == &Value::Bool(true)).count(), 1, "{found:#}");
    assert_eq!(compared.iter().filter(|compared| **compared == &Value::Null).count(), 2, "{found:#}");
}

#[test]
fn a_file_to_compare_is_a_regular_one_since_it_is_read_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (bundle, pipe) = (folder.path().join("bundle"), folder.path().join("pipe"));
    laid_out(&case("accepted/file"), &bundle);
    said(kit::program("mkfifo").arg(&pipe));
    let verify = |file: &Path| {
        said(kit::program(env!("CARGO_BIN_EXE_hizo")).arg("verify").arg(&bundle).arg(file).env("LC_ALL", "C"))
    };
    let told = verify(&pipe);
    assert!(told.code == Some(1) && told.err.contains("is no regular file"), "{told:?}");
    // A link to a file is how somebody names it, and is followed.
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(vectors().join("KX-204.dxf"), &link).unwrap();
    assert_eq!(verify(&link).code, Some(4));
}

#[test]
fn a_receipt_after_an_independent_stamp_is_a_warning_in_both_languages() {
    let told = run(&case("accepted/receipt_later"), &[], false);
    assert!(told.code == Some(0) && told.out.contains("warning: the keeper says"), "{told:?}");
    assert!(run(&case("accepted/receipt_later"), &[], true).out.contains("注意: 預かる側は"));
}

#[test]
fn a_stamp_of_a_kind_that_is_not_read_is_told_and_counts_for_nothing() {
    let told = run(&case("accepted/ess_v1_beside"), &[], false);
    assert!(told.code == Some(0) && told.out.contains("stamp second: of a kind that is not read here"), "{told:?}");
    assert!(run(&case("accepted/ess_v1_beside"), &[], true).out.contains("ここでは読み取れない種類"));
}
