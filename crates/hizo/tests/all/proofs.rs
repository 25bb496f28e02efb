//! The journey of a proof: made by whoever holds the safe, checked by somebody who has neither safe nor keeper, with hizo and
//! with the stock tool, stamped by the keeper alone or by an authority of somebody else.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::kit::{Home, Said, contains, files_below, program, said};
use crate::outside::{Outside, openssl};

/// A safe with two deposits of a folder, and a proof of one file of the second.
struct Proved {
    home: Home,
    folder: PathBuf,
    proof: PathBuf,
}

fn proved(more: &[&str]) -> Proved {
    let home = Home::new();
    let folder = home.beside("folder");
    fs::create_dir(folder.join("moulds")).unwrap();
    fs::write(folder.join("moulds/KX-204.dxf"), "a drawing").unwrap();
    fs::write(folder.join("moulds/KX-205.dxf"), "kanarienvogel-77 of another customer").unwrap();
    fs::write(folder.join("recipe.csv"), "1,2,3\n").unwrap();
    home.deposit(&folder, "KX");
    fs::write(folder.join("moulds/KX-204.dxf"), "a better drawing").unwrap();
    home.deposit(&folder, "KX");
    let proof = home.folder.path().join("proof");
    let fixed = ["proof", "latest:KX", "moulds/KX-204.dxf", "--to", proof.to_str().unwrap()];
    home.ok([&fixed[..], more].concat());
    Proved { home, folder, proof }
}

/// `hizo verify` as a stranger runs it: without home or passphrase.
fn verify<A: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = A>) -> Said {
    said(program(env!("CARGO_BIN_EXE_hizo")).arg("verify").args(arguments))
}

/// The policy that the proof's own page names: a stranger compares its key with one that he got another way.
fn policy(proved: &Proved) -> PathBuf {
    let settings: Value = serde_json::from_slice(&fs::read(proved.home.path.join("safe.json")).unwrap()).unwrap();
    let page = fs::read_to_string(proved.proof.join("README.md")).unwrap();
    let is_key = |part: &&str| part.starts_with(settings["keeper"].as_str().unwrap()) && part.contains('+');
    let key = page.split([' ', '\n']).find(is_key).unwrap();
    let path = proved.home.folder.path().join("policy");
    fs::write(&path, format!("log {key}\nquorum none\n")).unwrap();
    path
}

#[test]
fn a_proof_with_the_keepers_own_stamp_is_consistent_and_not_independent() {
    let proved = proved(&[]);
    for file in ["record.note", "receipt.note", "checkpoint", "record.tlog-proof", "opening.json", "README.md"] {
        assert!(proved.proof.join(file).is_file(), "{file}");
    }
    assert!(fs::read(proved.proof.join("certificate.pdf")).unwrap().starts_with(b"%PDF"));
    let (policy, file) = (policy(&proved), proved.folder.join("moulds/KX-204.dxf"));
    let said = verify([proved.proof.as_os_str(), file.as_os_str(), "--policy".as_ref(), policy.as_os_str()]);
    assert_eq!(said.code, Some(4), "{said:?}");
    let root = proved.proof.join("stamps/self.pem");
    let said = verify([
        proved.proof.as_os_str(),
        file.as_os_str(),
        "--policy".as_ref(),
        policy.as_os_str(),
        "--roots".as_ref(),
        root.as_os_str(),
    ]);
    assert_eq!(said.code, Some(4), "its root given, a stamp of one's own is still one's own: {said:?}");
    assert!(said.err.contains("self-stamped, not independent"), "{said:?}");
}

#[test]
fn a_proof_that_somebody_else_has_stamped_holds_for_whoever_brings_his_root() {
    let Some(outside) = Outside::start() else { return };
    let list = outside.list();
    let proved = proved(&["--authorities", list.to_str().unwrap()]);
    let (policy, file, root) = (policy(&proved), proved.folder.join("moulds/KX-204.dxf"), outside.root());
    let trusted = ["--policy".as_ref(), policy.as_os_str(), "--roots".as_ref(), root.as_os_str()];
    let said = verify([&[proved.proof.as_os_str(), file.as_os_str()], &trusted[..]].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("held, unchanged, at the latest since"), "{said:?}");
    // Another file is not the one that is shown, and that is false and no doubt.
    let other = proved.folder.join("recipe.csv");
    let said = verify([&[proved.proof.as_os_str(), other.as_os_str()], &trusted[..]].concat());
    assert_eq!(said.code, Some(3), "{said:?}");
    // The stock tool agrees, at the time that the page names.
    let page = fs::read_to_string(proved.proof.join("README.md")).unwrap();
    let line = page.lines().find(|line| line.contains("stamps/elsewhere.tsr")).unwrap();
    fs::copy(&root, proved.proof.join("roots.pem")).unwrap();
    let words: Vec<&str> = line.split_whitespace().skip(1).collect();
    assert!(openssl(&proved.proof, &words).unwrap().contains("Verification: OK"), "{line}");
    // What is not shown is in no file of the proof.
    for path in files_below(&proved.proof) {
        let bytes = fs::read(&path).unwrap();
        assert!(!contains(&bytes, b"KX-205") && !contains(&bytes, b"recipe"), "{} tells too much", path.display());
    }
}

#[test]
fn a_proof_of_everything_says_that_it_is_everything_and_hides_what_is_not_shown() {
    let proved = proved(&["--complete", "--show", "content,name"]);
    let said = verify([proved.proof.as_os_str(), "--json".as_ref()]);
    assert_eq!(said.code, Some(4), "{said:?}");
    let opening = fs::read_to_string(proved.proof.join("opening.json")).unwrap();
    assert!(opening.contains("\"complete\"") && opening.contains("KX-204"), "{opening}");
    assert!(!opening.contains("KX-205") && !opening.contains("mtime_ns"), "{opening}");
}

#[test]
fn what_is_not_in_the_deposit_is_not_proved_and_no_folder_is_left() {
    let proved = proved(&[]);
    let nowhere = proved.home.folder.path().join("nowhere");
    let asked = ["proof", "latest:KX", "no such file", "--to", nowhere.to_str().unwrap()];
    proved.home.fails(1, "is not in this deposit", asked);
    assert!(!nowhere.exists());
    // A folder that is there is never written into.
    let asked = ["proof", "latest:KX", "--to", proved.proof.to_str().unwrap()];
    proved.home.fails(1, "is not empty", asked);
}

#[test]
fn a_keeper_whose_log_is_shorter_or_another_than_before_is_not_believed() {
    let home = Home::new();
    let folder = home.beside("folder");
    fs::write(folder.join("a"), "1").unwrap();
    home.deposit(&folder, "KX");
    let older = home.copy();
    fs::write(folder.join("a"), "2").unwrap();
    home.deposit(&folder, "KX");
    // The keeper's folder comes back from an older copy; this machine has seen more.
    fs::remove_dir_all(home.path.join("keeper")).unwrap();
    crate::kit::copy_tree(&older.path.join("keeper"), &home.path.join("keeper"));
    let to = home.folder.path().join("proof");
    let said = home.run(["proof", "latest:KX", "--to", to.to_str().unwrap()]);
    assert_eq!(said.code, Some(5), "{said:?}");
}
