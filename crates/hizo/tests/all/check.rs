//! What is damaged is told with everything that it touches, and nothing else is.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use hizo_keeper::EmbeddedKeeper;
use hizo_store::NamedBytes;
use hizo_vault::commit::Commitment;
use hizo_vault::manifest::{Kind, PackStart};
use serde_json::Value;

use crate::forge::{self, Forged};
use crate::kit::{Home, Said, forget_restore, noise, said};
use crate::recovery;

const MIB: usize = 1 << 20;

#[test]
fn a_whole_safe_holds() {
    let home = Home::new();
    let deposits = recovery::deposit_a_life(&home) + recovery::deposit_small_things(&home);
    let opened = home.ok(["check", "--json"]).json();
    assert_eq!((opened["holds"].as_bool(), opened["deposits"].as_u64()), (Some(true), Some(deposits)), "{opened}");
    assert!(opened["contents"]["bytes"].as_u64().unwrap() > 20 * MIB as u64);
    assert_eq!(opened["bad_objects"].as_array().unwrap().len() + opened["faults"].as_array().unwrap().len(), 0);
    let blind = said(home.writer_command().args(["check", "--blind", "--json"])).json();
    assert_eq!(blind["holds"].as_bool(), Some(true), "{blind}");
    assert!(blind["contents"].is_null());
    assert_eq!(blind["objects"], opened["objects"]);
    let lines = home.ok(["check"]).out;
    assert!(lines.ends_with("everything holds\n"), "{lines}");
}

#[test]
fn every_object_that_is_missing_is_told_with_the_deposits_that_restore_cannot_bring_back() {
    let home = Home::new();
    let folder = home.beside("folder");
    for (number, size) in [(0, 3 * MIB), (1, 100), (2, 5 * MIB)] {
        fs::write(folder.join(format!("file {number}")), noise(number, size)).unwrap();
        home.deposit(&folder, "s");
    }
    let ids = home.deposits()["s"].clone();
    let mut touching = 0;
    for object in home.objects() {
        let aside = object.with_extension("aside");
        fs::rename(&object, &aside).unwrap();
        let name = object.file_name().unwrap().to_str().unwrap();
        for blind in [false, true] {
            let report = check(&home, blind);
            let bad = report["bad_objects"].as_array().unwrap();
            assert_eq!(bad.len(), 1, "{report}");
            assert_eq!((bad[0]["object"].as_str(), bad[0]["state"].as_str()), (Some(name), Some("missing")));
            assert_eq!(bad[0]["path"].as_str().map(Path::new), Some(object.as_path()));
        }
        // Bodies are needed to name deposits at all: without one nothing can be asked for.
        if home.run(["list"]).code == Some(0) {
            let told = touched(&check(&home, false));
            let lost: BTreeSet<String> = ids.iter().filter(|id| !restores(&home, id)).cloned().collect();
            assert_eq!(told, lost, "{name}");
            touching += usize::from(!lost.is_empty());
        }
        fs::rename(&aside, &object).unwrap();
    }
    assert_eq!(touching, 6, "list, manifest and tar of the two deposits that are not small");
    assert!(check(&home, false)["holds"].as_bool().unwrap());
}

#[test]
fn the_files_of_a_damaged_pack_are_told_and_every_other_one_can_be_restored() {
    let home = Home::new();
    let folder = home.beside("folder");
    for number in 0..9 {
        fs::write(folder.join(format!("file {number}")), noise(number, 5 * MIB + number as usize)).unwrap();
    }
    home.deposit(&folder, "s");
    fs::rename(folder.join("file 7"), folder.join("moved")).unwrap();
    home.deposit(&folder, "s");
    let full = |path: &PathBuf| path.metadata().unwrap().len() == 16 << 20;
    let packs: Vec<PathBuf> = home.objects().into_iter().filter(full).collect();
    assert_eq!(packs.len(), 2);
    for pack in packs {
        let whole = damage(&pack);
        let report = check(&home, false);
        for (index, names) in [(0, 0..9), (1, 0..9)] {
            let told: BTreeSet<String> =
                strings(&Value::Array(field(&report["touched_deposits"][index]["files"], "path")));
            assert!(!told.is_empty() && told.len() < 9, "{report}");
            for number in names {
                let name = match (index, number) {
                    (1, 7) => "moved".to_owned(),
                    _ => format!("file {number}"),
                };
                let comes_back = restores_path(&home, &format!("s:{}", index + 1), &name);
                assert_eq!(comes_back, !told.contains(&name), "{name} of deposit {}: {report}", index + 1);
            }
        }
        assert_eq!(report["touched_deposits"][1]["through"], serde_json::json!([1]));
        assert_eq!(report["bad_objects"][0]["state"].as_str(), Some("damaged"));
        fs::write(&pack, whole).unwrap();
    }
}

#[test]
fn checking_goes_on_behind_the_first_damage() {
    let home = Home::new();
    let series = ["one", "two", "three"];
    for (seed, name) in series.into_iter().enumerate() {
        let folder = home.beside(name);
        fs::write(folder.join("file"), noise(seed as u64, 2 * MIB + seed * 4096)).unwrap();
        home.deposit(&folder, name);
    }
    let mut objects = home.objects();
    objects.sort_by_key(|path| std::cmp::Reverse(path.metadata().unwrap().len()));
    damage(&objects[0]);
    fs::remove_file(&objects[1]).unwrap();
    let report = check(&home, false);
    let states = strings(&Value::Array(field(&report["bad_objects"], "state")));
    assert_eq!(states, BTreeSet::from(["damaged".to_owned(), "missing".to_owned()]));
    let named = strings(&Value::Array(field(&report["touched_deposits"], "series")));
    assert_eq!(named.len(), 2, "{report}");
    assert_eq!(report["contents"]["count"].as_u64(), Some(1), "the third series holds");
    assert_eq!(touched(&check(&home, true)).len(), 2);
}

#[test]
fn one_series_can_be_checked_alone() {
    let home = Home::new();
    for (seed, name) in ["one", "two"].into_iter().enumerate() {
        let folder = home.beside(name);
        fs::write(folder.join("file"), noise(seed as u64, 2 * MIB + seed * MIB)).unwrap();
        home.deposit(&folder, name);
    }
    let largest = home.objects().into_iter().max_by_key(|path| path.metadata().unwrap().len()).unwrap();
    damage(&largest);
    home.ok(["check", "--series", "one"]);
    home.fails(3, "not everything holds", ["check", "--series", "two"]);
    home.ok(["check", "--series", "one", "--blind"]);
    home.fails(3, "not everything holds", ["check", "--series", "two", "--blind"]);
    home.fails(1, "there is no series", ["check", "--series", "three"]);
}

#[test]
fn what_was_sealed_wrongly_is_told() {
    let home = Home::new();
    let honest = home.copy();
    Forged::honest().keep(&honest);
    assert_eq!(check(&honest, false)["holds"].as_bool(), Some(true), "the forged deposit is honest");
    for (name, words, make) in dishonest() {
        let safe = home.copy();
        let mut forged = Forged::honest();
        make(&mut forged);
        forged.keep(&safe);
        let said = safe.run(["check"]);
        assert_eq!(said.code, Some(3), "{name}: {said:?}");
        assert!(said.out.contains(words), "{name}: {said:?}");
        assert!(said.err.contains("not what was signed"), "nothing at rest is damaged: {said:?}");
        assert!(
            said.out.contains(forge::SERIES) || matches!(name, "text" | "event"),
            "{name} is not told by name: {said:?}"
        );
        // What the keeper can see is right.
        safe.ok(["check", "--blind"]);
    }
}

type Make = fn(&mut Forged);

fn dishonest() -> Vec<(&'static str, &'static str, Make)> {
    let not_mine = |forged: &mut Forged| {
        let path = forged.entries.iter().position(|entry| entry.path == b"m").unwrap();
        forged.entries.remove(path);
        forged.head.entries -= 1;
    };
    vec![
        ("content", "1 files cannot be restored", |forged| {
            let at = forged.tar.windows(4).rposition(|window| window == b"more").unwrap();
            forged.tar[at] ^= 1;
        }),
        ("blake3", "1 files cannot be restored", |forged| forged.content_at("m").value.blake3[0] ^= 1),
        ("member", "which the manifest does not list", not_mine),
        ("nothing there", "1 files cannot be restored", |forged| forged.content_at("m").place.block += 100),
        ("mode", "otherwise than the manifest lists it", |forged| forged.at("m").mode = 0o600),
        ("time", "otherwise than the manifest lists it", |forged| forged.at("d").mtime_ns += 1),
        ("target", "otherwise than the manifest lists it", |forged| {
            forged.at("l").kind = Kind::Symlink { target: b"m".to_vec() };
        }),
        ("kind", "otherwise than the manifest lists it", |forged| forged.at("l").kind = Kind::Directory),
        ("attribute", "otherwise than the manifest lists it", |forged| {
            forged.at("m").xattrs = vec![(b"user.x".to_vec(), b"y".to_vec())];
        }),
        ("folder without a member", "the archive lacks n, which", |forged| forged.add(b"n", Kind::Directory)),
        ("link without a member", "the archive lacks n, which", |forged| {
            forged.add(b"n", Kind::Symlink { target: b"m".to_vec() });
        }),
        ("further name without a member", "the archive lacks n, which", |forged| {
            let content = forged.content_at("m").clone();
            forged.add(b"n", Kind::HardLink { target: b"m".to_vec(), content });
        }),
        ("folder where a file is", "the archive lacks m, which", |forged| forged.at("m").kind = Kind::Directory),
        ("no tar", "the archive lacks d, which", |forged| {
            *forged = Forged { tar: Vec::new(), ..Forged::honest() };
            forged.head.archive_bytes = 0;
        }),
        ("pack past the end", "a pack does not start where the manifest says", |forged| {
            *forged = Forged::packed();
            forged.head.archive_packs = 2;
            // Nothing of the first pack can be read, so that the second says where the reading goes on.
            let starts = [PackStart { frame: 0, offset: u64::MAX }, PackStart { frame: u64::MAX, offset: 0 }];
            forged.starts = Some(starts.into());
        }),
        ("commitment", "the entries are not those that the record commits to", |forged| {
            forged.commitment = Some(Commitment { sha256: [3; 32], blake3: [4; 32] });
        }),
        ("one id twice", "the entries are not those that the record commits to", |forged| {
            forged.at("l").id = forged.at("m").id;
        }),
        ("hard link", "a further name of a file names another file", |forged| {
            let content = forged.content_at("d/f").clone();
            forged.at("d/h").kind = Kind::HardLink { target: b"d".to_vec(), content };
        }),
        ("tar cut", "its archive", |forged| {
            let end = forged.tar.len() - 512;
            forged.tar[end] = 1;
        }),
        ("text", "its list of files cannot be read", |forged| {
            forged.edit = Box::new(|mut text| {
                text.extend(b"{}\n");
                text
            });
        }),
        ("event", "what was said of it cannot be read", |forged| {
            forged.head.events[1]["files"] = "many".into();
        }),
    ]
}

#[test]
fn objects_are_checked_even_when_the_records_do_not_hold() {
    let home = Home::new();
    let folder = home.beside("folder");
    fs::write(folder.join("file"), noise(1, 3 * MIB)).unwrap();
    home.deposit(&folder, "s");
    // A head that the keeper does not have: somebody set it back.
    let head = home.path.join("head");
    fs::write(&head, format!("9 {}\n", "0".repeat(64))).unwrap();
    let largest = home.objects().into_iter().max_by_key(|path| path.metadata().unwrap().len()).unwrap();
    damage(&largest);
    let said = home.run(["check", "--json"]);
    assert_eq!(said.code, Some(5), "{said:?}");
    let report = said.json();
    assert_eq!(report["holds"].as_bool(), Some(false));
    assert!(report["records_fault"].as_str().unwrap().contains("older state"), "{report}");
    assert_eq!(report["bad_objects"][0]["path"].as_str().map(Path::new), Some(largest.as_path()));
}

#[test]
fn objects_that_no_record_names_are_counted_and_harm_nothing() {
    let home = Home::new();
    let keeper = EmbeddedKeeper::open_embedded(&home.path.join("keeper")).unwrap();
    let space = keeper.spaces().unwrap()[0];
    keeper.put(space, &NamedBytes::name(b"left over".to_vec()).unwrap()).unwrap();
    drop(keeper);
    let report = home.ok(["check", "--json"]).json();
    assert_eq!((report["unnamed_objects"].as_u64(), report["holds"].as_bool()), (Some(1), Some(true)), "{report}");
}

#[test]
fn without_the_passphrase_only_a_blind_check_is_made_and_asked_for() {
    let home = Home::new();
    let asked = said(home.writer_command().arg("check"));
    assert_eq!(asked.code, Some(1), "{asked:?}");
    assert!(asked.err.contains("--blind"), "{asked:?}");
    fs::write(home.folder.path().join("wrong"), "wrong\n").unwrap();
    let wrong = said(home.writer_command().arg("--passphrase-file").arg(home.folder.path().join("wrong")).arg("check"));
    assert_eq!(wrong.code, Some(1), "{wrong:?}");
    assert_eq!(said(home.writer_command().args(["check", "--blind"])).code, Some(0));
}

#[test]
fn a_lost_key_is_told_and_the_rest_is_still_compared() {
    let home = Home::new();
    let folder = home.beside("folder");
    fs::write(folder.join("file"), noise(1, 3 * MIB)).unwrap();
    home.deposit(&folder, "s");
    // The wrap is the one object that names no epoch itself: found by what its loss does.
    let told = home.objects().into_iter().any(|object| {
        let aside = object.with_extension("aside");
        fs::rename(&object, &aside).unwrap();
        let report = check(&home, false);
        fs::rename(&aside, &object).unwrap();
        let faults = strings(&report["faults"]);
        report["contents"].is_null() && faults.iter().any(|fault| fault.contains("only hashes were compared"))
    });
    assert!(told);
}

#[test]
fn differences_of_two_deposits_are_told() {
    let home = Home::new();
    let folder = home.beside("folder");
    for name in ["stays", "changes", "goes", "moves"] {
        fs::write(folder.join(name), name).unwrap();
    }
    home.deposit(&folder, "s");
    fs::write(folder.join("changes"), "has changed").unwrap();
    fs::remove_file(folder.join("goes")).unwrap();
    fs::rename(folder.join("moves"), folder.join("moved")).unwrap();
    fs::write(folder.join("comes"), "comes").unwrap();
    home.deposit(&folder, "s");
    let told = home.ok(["diff", "s:1", "latest:s", "--json"]).json();
    let paths = |part: &str, key: &str| strings(&Value::Array(field(&told[part], key)));
    let one = |name: &str| BTreeSet::from([name.to_owned()]);
    assert_eq!(paths("added", "path"), one("comes"));
    assert_eq!(paths("removed", "path"), one("goes"));
    assert_eq!(paths("changed", "path"), one("changes"));
    assert_eq!((paths("renamed", "from"), paths("renamed", "to")), (one("moves"), one("moved")));
    assert_eq!(told["same"].as_u64(), Some(1));
    let lines = home.ok(["diff", "s:1", "s:2"]).out;
    for line in ["added    comes", "removed  goes", "renamed  moves -> moved", "changed  changes (content"] {
        assert!(lines.contains(line), "{line} is not in {lines}");
    }
    home.fails(1, "no deposit 3", ["diff", "s:1", "s:3"]);
}

/// Stamps are records and objects of the keeper's own space, which is read again as the safe's is.
#[test]
fn a_stamp_that_is_missing_or_damaged_and_a_damaged_record_of_one_are_told_by_name() {
    let home = Home::new();
    let folder = home.beside("folder");
    fs::write(folder.join("file"), "a drawing").unwrap();
    home.deposit(&folder, "s");
    let users: BTreeSet<PathBuf> = home.objects().into_iter().collect();
    // No authority is named: the keeper stamps for itself.
    let proof = home.folder.path().join("proof");
    home.ok(["proof", "latest:s", "--to", proof.to_str().unwrap()]);
    let answer = fs::read(proof.join("stamps/self.tsr")).unwrap();
    let own: Vec<PathBuf> = home.objects().into_iter().filter(|path| !users.contains(path)).collect();
    let stamp = own.iter().find(|path| fs::read(path).unwrap() == answer).unwrap();
    let others = own.len() - 1;
    assert!(check(&home, false)["holds"].as_bool().unwrap() && others > 0);
    let told = |state: &str, blind: bool| {
        let report = check(&home, blind);
        let bad = report["bad_objects"].as_array().unwrap();
        assert_eq!((bad.len(), bad[0]["state"].as_str()), (1, Some(state)), "{report}");
        assert_eq!(bad[0]["path"].as_str().map(Path::new), Some(stamp.as_path()));
        let fault = report["faults"][0].as_str().unwrap();
        assert!(
            fault.starts_with("1 objects of the keeper's own space, which holds its stamps, are not right"),
            "{fault}"
        );
        assert!(report["touched_deposits"].as_array().unwrap().is_empty(), "no deposit rests on it: {report}");
    };
    for blind in [false, true] {
        let whole = damage(stamp);
        told("damaged", blind);
        fs::remove_file(stamp).unwrap();
        told("missing", blind);
        fs::write(stamp, whole).unwrap();
    }
    assert!(check(&home, false)["holds"].as_bool().unwrap());
    assert!(home.run(["check", "--series", "s", "--json"]).json()["holds"].as_bool().unwrap());
    // The record that names the stamp, in the journal's file.
    let space = stamp.ancestors().nth(2).unwrap().file_name().unwrap().to_str().unwrap();
    let journal = home.path.join("keeper/journal.sqlite");
    let mut bytes = fs::read(&journal).unwrap();
    let line = format!("\nspace {space}\nnumber 1\n");
    let at: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(line.as_bytes())).collect();
    assert!(!at.is_empty(), "the record is in the journal's file");
    at.iter().for_each(|at| bytes[at + line.len() - 2] = b'7');
    fs::write(&journal, bytes).unwrap();
    let report = check(&home, false);
    let faults = report["faults"].to_string();
    assert!(faults.contains("the keeper's own space, which holds its stamps, does not hold: "), "{report}");
}

/// What `hizo check --json` reports, whatever its exit code, which must fit.
#[track_caller]
fn check(home: &Home, blind: bool) -> Value {
    let mut arguments = vec!["check", "--json"];
    arguments.extend(blind.then_some("--blind"));
    let said = home.run(arguments);
    let report = said.json();
    let expected = if report["holds"].as_bool().unwrap() { 0 } else { 3 };
    assert_eq!(said.code, Some(expected), "{said:?}");
    report
}

fn touched(report: &Value) -> BTreeSet<String> {
    strings(&Value::Array(field(&report["touched_deposits"], "deposit")))
}

fn field(objects: &Value, key: &str) -> Vec<Value> {
    objects.as_array().unwrap().iter().map(|object| object[key].clone()).collect()
}

fn strings(array: &Value) -> BTreeSet<String> {
    array.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn restores(home: &Home, deposit: &str) -> bool {
    restored(home, &[OsStr::new(deposit)]).code == Some(0)
}

fn restores_path(home: &Home, deposit: &str, path: &str) -> bool {
    restored(home, &[OsStr::new(deposit), OsStr::new(path)]).code == Some(0)
}

fn restored(home: &Home, what: &[&OsStr]) -> Said {
    let to = home.folder.path().join("restored");
    forget_restore(&to);
    let mut command = home.command();
    said(command.arg("restore").args(what).arg("--to").arg(&to))
}

/// Flips one bit in the middle; what was there before.
fn damage(path: &Path) -> Vec<u8> {
    let whole = fs::read(path).unwrap();
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 4;
    fs::write(path, damaged).unwrap();
    whole
}
