//! Proofs that hand over what was kept: packs of the log with their keys, opened by whoever checks, and every way in which one
//! could hand over something else.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

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

/// A proof that was made once, of two contents: the drawing was stored by deposit 1, the recipe by deposit 3.
fn stored() -> PathBuf {
    vectors().join("accepted/two_deposits")
}

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/kept/v1")
}

struct Case {
    name: &'static str,
    about: &'static str,
    /// The file that is another, or is missing.
    file: String,
    bytes: Option<Vec<u8>>,
}

/// Each changes one thing of the stored proof.
fn cases() -> Vec<Case> {
    let whole = stored();
    let read = |name: &str| fs::read(whole.join(name)).unwrap();
    let kept: Value = serde_json::from_slice(&read("kept.json")).unwrap();
    let written = |kept: &Value| (serde_json::to_string_pretty(kept).unwrap() + "\n").into_bytes();
    assert_eq!(written(&kept), read("kept.json"), "the page's form");
    let [first, second] =
        [0, 1].map(|content| format!("kept/{}.age", kept["contents"][content]["packs"][0]["object"].as_str().unwrap()));
    let flipped = |name: &str, at: usize| {
        let mut bytes = read(name);
        bytes[at] ^= 1;
        Some(bytes)
    };
    let case = |name, about, file: &str, bytes| Case { name, about, file: file.to_owned(), bytes };
    let changed = |name, about, change: &dyn Fn(&mut Value)| {
        let mut kept = kept.clone();
        change(&mut kept);
        case(name, about, "kept.json", Some(written(&kept)))
    };
    vec![
        case("pack_gone", "a pack is missing", &first, None),
        case("pack_other", "a pack is the other one", &first, Some(read(&second))),
        case("pack_changed", "a byte of a pack is another", &first, flipped(&first, 3_000)),
        case("record_gone", "a record between is missing", "kept/2.note", None),
        case("record_changed", "a byte of a record between is another", "kept/2.note", flipped("kept/2.note", 100)),
        case("record_other", "a record between is an earlier one", "kept/2.note", Some(read("kept/1.note"))),
        case("list_gone", "an object list is missing", "kept/1.objects", None),
        case("list_other", "an object list is that of another deposit", "kept/1.objects", Some(read("kept/3.objects"))),
        changed("key_other", "a file key is another", &|kept| {
            kept["contents"][0]["packs"][0]["file_key"] = "00112233445566778899aabbccddeeff".into();
        }),
        changed("pack_of_another", "a pack is not in the list of the deposit", &|kept| {
            let other = kept["contents"][1]["packs"].clone();
            kept["contents"][0]["packs"] = other;
        }),
        changed("pack_twice", "a pack does not follow the one before", &|kept| {
            let twice = kept["contents"][0]["packs"][0].clone();
            kept["contents"][0]["packs"].as_array_mut().unwrap().push(twice);
        }),
        changed("exchanged", "each content is said to be the other entry's", &|kept| {
            let entries = [0, 1].map(|content| kept["contents"][content]["entry"].clone());
            kept["contents"].as_array_mut().unwrap().reverse();
            entries.into_iter().enumerate().for_each(|(content, entry)| kept["contents"][content]["entry"] = entry);
        }),
        changed("member_elsewhere", "no member begins there", &|kept| {
            let at: u64 = kept["contents"][0]["at"].as_str().unwrap().parse().unwrap();
            kept["contents"][0]["at"] = (at + 512).to_string().into();
        }),
        changed("frame_elsewhere", "no frame begins there", &|kept| kept["contents"][0]["skip"] = "1".into()),
        changed("far", "a place behind everything", &|kept| kept["contents"][0]["at"] = u64::MAX.to_string().into()),
        changed("no_deposit", "a deposit that no series has", &|kept| kept["contents"][0]["deposit"] = 0.into()),
        changed("no_entry", "an entry that is not shown", &|kept| kept["contents"][1]["entry"] = 9.into()),
        changed("entry_twice", "one entry twice", &|kept| kept["contents"][1]["entry"] = 0.into()),
        changed("nothing", "no content", &|kept| kept["contents"] = Value::Array(Vec::new())),
        case("other_bytes", "another form of the same", "kept.json", Some(serde_json::to_vec(&kept).unwrap())),
    ]
}

/// Every file of the refused vectors: what differs from the stored proof, and what each is about.
fn refused() -> BTreeMap<PathBuf, Vec<u8>> {
    let cases = cases();
    let said = |case: &Case| {
        let without = case.bytes.is_none().then_some(&case.file).into_iter().collect::<Vec<_>>();
        json!({ "bundle": format!("refused/{}", case.name), "about": case.about, "without": without, "exit": 3, "step": "kept" })
    };
    let index = serde_json::to_string_pretty(&cases.iter().map(said).collect::<Vec<_>>()).unwrap() + "\n";
    let mut files = BTreeMap::from([(PathBuf::from("index.json"), index.into_bytes())]);
    let place = |case: &Case| Path::new("refused").join(case.name).join(&case.file);
    files.extend(cases.iter().filter_map(|case| Some((place(case), case.bytes.clone()?))));
    files
}

#[test]
fn a42_a_proof_that_hands_over_something_else_than_was_kept_does_not_hold() {
    let told = verify(&stored());
    assert_eq!((told.code, outcome(&told).as_deref()), (Some(4), Some("holds")), "{told:?}");
    let folder = tempfile::tempdir().unwrap();
    for case in cases() {
        let place = folder.path().join(case.name);
        kit::copy_tree(&stored(), &place);
        match case.bytes {
            Some(bytes) => fs::write(place.join(&case.file), bytes).unwrap(),
            None => fs::remove_file(place.join(&case.file)).unwrap(),
        }
        let told = verify(&place);
        assert_eq!((told.code, outcome(&told).as_deref()), (Some(3), Some("does not hold")), "{}: {told:?}", case.name);
    }
}

#[test]
fn stored_refused_proofs_are_the_ones_made_from_the_accepted_one() {
    let made = refused();
    let mut there = kit::files_below(&vectors());
    there.retain(|path| !path.starts_with(stored()));
    there.sort();
    assert_eq!(there, made.keys().map(|name| vectors().join(name)).collect::<Vec<_>>());
    for (name, bytes) in made {
        assert!(fs::read(vectors().join(&name)).unwrap() == bytes, "{} is another", name.display());
    }
}

#[test]
#[ignore = "writes the files that the other tests compare"]
fn write_the_refused_proofs() {
    for (name, bytes) in refused() {
        fs::create_dir_all(vectors().join(&name).parent().unwrap()).unwrap();
        fs::write(vectors().join(name), bytes).unwrap();
    }
}
