//! Proofs that hand over what was kept: packs of the log with their keys, opened by whoever checks, and every way in which one
//! could hand over something else.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::kit::{self, Home, Said, contains, program, said};

/// A safe with three deposits; the drawing was stored by the first, apart, and a recipe by the third.
struct Safe {
    home: Home,
    folder: PathBuf,
}

fn safe() -> Safe {
    let home = Home::new();
    let folder = home.beside("folder");
    fs::write(folder.join("drawing"), "LINE 0 0 10 10").unwrap();
    fs::write(folder.join("neighbour"), "kanarienvogel-77").unwrap();
    home.deposit_with(&folder, "KX", &["--apart"]);
    fs::write(folder.join("note"), "later").unwrap();
    home.deposit(&folder, "KX");
    fs::write(folder.join("recipe"), "1 part, 2 parts").unwrap();
    home.deposit_with(&folder, "KX", &["--apart"]);
    Safe { home, folder }
}

impl Safe {
    fn prove(&self, paths: &[&str], name: &str) -> (PathBuf, Said) {
        let to = self.home.folder.path().join(name);
        let said = self.home.run([&["proof", "latest:KX", "--kept", "--to", to.to_str().unwrap()], paths].concat());
        (to, said)
    }
}

fn verify(bundle: &Path) -> Said {
    said(program(env!("CARGO_BIN_EXE_hizo")).arg("verify").arg(bundle).arg("--json"))
}

/// What came of the last step.
fn outcome(said: &Said) -> Option<String> {
    let told = said.json();
    let last = told["steps"].as_array().unwrap().iter().rfind(|step| step["step"] == "kept")?;
    Some(last["outcome"].as_str().unwrap().to_owned())
}

#[test]
fn a_kept_proof_is_opened_by_whoever_checks_it_also_when_an_earlier_deposit_stored_the_content() {
    let safe = safe();
    let (bundle, said) = safe.prove(&["drawing", "recipe"], "proof");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.err.contains("hands over whole packs") && said.out.contains("opens its packs (2, "), "{said:?}");
    for name in ["kept.json", "kept/1.note", "kept/2.note", "kept/1.objects", "kept/3.objects"] {
        assert!(bundle.join(name).is_file(), "{name}");
    }
    let told = verify(&bundle);
    assert_eq!((told.code, outcome(&told).as_deref()), (Some(4), Some("holds")), "{told:?}");
    // Deposits whose contents lie apart are deposits like all others.
    safe.home.ok(["check"]);
    let restored = safe.home.restore("KX:1", "restored");
    assert_eq!(fs::read(restored.join("neighbour")).unwrap(), b"kanarienvogel-77");
    // The same as one file.
    let (zip, said) = safe.prove(&["drawing"], "proof.zip");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(outcome(&verify(&zip)).as_deref(), Some("holds"));
    // A proof that only commits has no such step, and shows no neighbour.
    let plain = safe.home.folder.path().join("plain");
    safe.home.ok(["proof", "latest:KX", "drawing", "--to", plain.to_str().unwrap()]);
    assert_eq!(outcome(&verify(&plain)), None);
    // No seed, no list and no name of anything else is in the proof, though its packs can be opened.
    for path in kit::files_below(&bundle) {
        let bytes = fs::read(&path).unwrap();
        assert!(!contains(&bytes, b"neighbour") && !contains(&bytes, b"kanarienvogel"), "{}", path.display());
    }
}

#[test]
fn a_file_of_several_packs_is_found_in_them() {
    let home = Home::new();
    let folder = home.beside("folder");
    fs::write(folder.join("large"), kit::noise(7, 35 << 20)).unwrap();
    fs::write(folder.join("small"), "x").unwrap();
    home.deposit(&folder, "KX");
    let bundle = home.folder.path().join("proof");
    for name in ["small", "large"] {
        let _ = fs::remove_dir_all(&bundle);
        home.ok(["proof", "latest:KX", name, "--kept", "--to", bundle.to_str().unwrap()]);
        let told = verify(&bundle);
        assert_eq!((told.code, outcome(&told).as_deref()), (Some(4), Some("holds")), "{name}: {told:?}");
    }
    assert!(kit::files_below(&bundle.join("kept")).len() >= 4);
}

#[test]
fn what_would_show_the_list_or_nothing_at_all_is_not_handed_over() {
    let safe = safe();
    let (to, said) = safe.prove(&["note"], "small");
    assert_eq!((said.code, to.exists()), (Some(1), false), "{said:?}");
    assert!(said.err.contains("sealed as one") && said.err.contains("--apart"), "{said:?}");
    let (to, said) = safe.prove(&["drawing", "--show", "name"], "names");
    assert_eq!((said.code, to.exists()), (Some(1), false), "{said:?}");
    fs::write(safe.folder.join("note"), "later, apart").unwrap();
    safe.home.deposit_with(&safe.folder, "KX", &["--apart"]);
    assert_eq!(safe.prove(&["note"], "apart").1.code, Some(0));
}

/// Each changes one thing of a proof of two kept contents, one of them stored by an earlier deposit.
#[test]
fn a42_a_proof_that_hands_over_something_else_than_was_kept_does_not_hold() {
    let safe = safe();
    let (whole, _) = safe.prove(&["drawing", "recipe"], "proof");
    let read = |name: &str| fs::read_to_string(whole.join(name)).unwrap();
    let kept: Value = serde_json::from_str(&read("kept.json")).unwrap();
    let written = |kept: &Value| serde_json::to_string_pretty(kept).unwrap() + "\n";
    assert_eq!(written(&kept), read("kept.json"), "the page's form");
    let pack = |content: usize| kept["contents"][content]["packs"][0]["object"].as_str().unwrap().to_owned();
    let place = |content: usize| format!("kept/{}.age", pack(content));
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut kept = kept.clone();
        change(&mut kept);
        Some(written(&kept).into_bytes())
    };
    let flipped = |name: &str, at: usize| {
        let mut bytes = fs::read(whole.join(name)).unwrap();
        bytes[at] ^= 1;
        Some(bytes)
    };
    let earlier =
        kept["contents"][0]["deposit"].as_u64().unwrap().min(kept["contents"][1]["deposit"].as_u64().unwrap());
    assert_eq!(earlier, 1);
    let cases: Vec<(&str, String, Option<Vec<u8>>)> = vec![
        ("a pack is gone", place(0), None),
        ("a pack is another", place(0), Some(fs::read(whole.join(place(1))).unwrap())),
        ("a pack is changed", place(0), flipped(&place(0), 3_000)),
        ("an earlier record is gone", "kept/2.note".into(), None),
        ("an earlier record is changed", "kept/2.note".into(), flipped("kept/2.note", 100)),
        ("an earlier record is another", "kept/2.note".into(), Some(read("kept/1.note").into_bytes())),
        ("a list is gone", "kept/1.objects".into(), None),
        ("a list is another", "kept/1.objects".into(), Some(read("kept/3.objects").into_bytes())),
        (
            "a key is another",
            "kept.json".into(),
            changed(&|kept| {
                kept["contents"][0]["packs"][0]["file_key"] = "00112233445566778899aabbccddeeff".into();
            }),
        ),
        (
            "a pack is of another deposit",
            "kept.json".into(),
            changed(&|kept| {
                let other = kept["contents"][1]["packs"].clone();
                kept["contents"][0]["packs"] = other;
            }),
        ),
        (
            "a pack is named twice",
            "kept.json".into(),
            changed(&|kept| {
                let twice = kept["contents"][0]["packs"][0].clone();
                kept["contents"][0]["packs"].as_array_mut().unwrap().push(twice);
            }),
        ),
        (
            "the contents are exchanged",
            "kept.json".into(),
            changed(&|kept| {
                let [one, other] = [0, 1].map(|content| kept["contents"][content]["entry"].clone());
                kept["contents"].as_array_mut().unwrap().reverse();
                kept["contents"][0]["entry"] = one;
                kept["contents"][1]["entry"] = other;
            }),
        ),
        (
            "the member is elsewhere",
            "kept.json".into(),
            changed(&|kept| {
                let at: u64 = kept["contents"][0]["at"].as_str().unwrap().parse().unwrap();
                kept["contents"][0]["at"] = (at + 512).to_string().into();
            }),
        ),
        ("the frame is elsewhere", "kept.json".into(), changed(&|kept| kept["contents"][0]["skip"] = "1".into())),
        (
            "far behind everything",
            "kept.json".into(),
            changed(&|kept| {
                kept["contents"][0]["at"] = u64::MAX.to_string().into();
                kept["contents"][0]["skip"] = "0".into();
            }),
        ),
        ("the deposit is none", "kept.json".into(), changed(&|kept| kept["contents"][0]["deposit"] = 0.into())),
        ("the entry is none", "kept.json".into(), changed(&|kept| kept["contents"][1]["entry"] = 9.into())),
        ("one entry twice", "kept.json".into(), changed(&|kept| kept["contents"][1]["entry"] = 0.into())),
        ("other bytes", "kept.json".into(), Some(serde_json::to_vec(&kept).unwrap())),
        ("no content", "kept.json".into(), changed(&|kept| kept["contents"] = Value::Array(Vec::new()))),
    ];
    let place = safe.home.folder.path().join("changed");
    for (about, name, bytes) in cases {
        let _ = fs::remove_dir_all(&place);
        kit::copy_tree(&whole, &place);
        match bytes {
            Some(bytes) => fs::write(place.join(&name), bytes).unwrap(),
            None => fs::remove_file(place.join(&name)).unwrap(),
        }
        let told = verify(&place);
        assert_eq!(told.code, Some(3), "{about}: {told:?}");
        assert_eq!(outcome(&told).as_deref(), Some("does not hold"), "{about}: {told:?}");
    }
}
