//! One thing lost or damaged takes nothing else with it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::forge::{self, Forged};
use crate::kit::{self, Home, Said, Tree, assert_same, noise, said, tree};

const MIB: usize = 1 << 20;

/// A safe with a series of three deposits, of which the second is small, and one of one; what must come back by id.
fn safe_with_a_life() -> (Home, Vec<(String, Tree)>) {
    let home = Home::new();
    let mut kept = Vec::new();
    for (seed, name) in [(1, "moulds"), (2, "recipes")] {
        let folder = home.beside(name);
        fs::write(folder.join("large"), noise(seed, 2 * MIB)).unwrap();
        kept.push((home.deposit(&folder, name), tree(&folder)));
        if name == "recipes" {
            continue;
        }
        fs::write(folder.join("small"), name).unwrap();
        kept.push((home.deposit(&folder, name), tree(&folder)));
        fs::write(folder.join("small"), "changed").unwrap();
        fs::write(folder.join("another"), noise(10 + seed, 3 * MIB / 2)).unwrap();
        kept.push((home.deposit(&folder, name), tree(&folder)));
    }
    (home, kept.into_iter().map(|(made, tree)| (made["deposit"].as_str().unwrap().to_owned(), tree)).collect())
}

#[test]
fn whatever_object_is_lost_every_deposit_that_it_does_not_touch_comes_back() {
    let (home, kept) = safe_with_a_life();
    let mut unreadable_seen = 0;
    for object in home.objects() {
        let bytes = fs::read(&object).unwrap();
        fs::remove_file(&object).unwrap();
        let name = object.file_name().unwrap().to_string_lossy().into_owned();
        let report = home.run(["check", "--json"]).json();
        if report["contents"].is_null() {
            // Without the key of the space nothing can be opened.
            home.fails(3, "", ["list"]);
            fs::write(&object, bytes).unwrap();
            continue;
        }
        let touched = strings(&report["touched_deposits"], "deposit");
        let listed = home.run(["list", "--json"]);
        let unreadable = strings(&listed.json()["unreadable"], "id");
        assert_eq!(listed.code, Some(if unreadable.is_empty() { 0 } else { 3 }), "{name}: {listed:?}");
        unreadable_seen += unreadable.len();
        for (id, expected) in &kept {
            let said = restore(&home, id);
            match said.code {
                Some(0) => assert_same(expected, &tree(&home.folder.path().join("out"))),
                _ => assert!(touched.contains(id), "{name} does not touch {id}: {said:?}"),
            }
            let shown = home.run(["show", id]);
            assert!(shown.code == Some(0) || touched.contains(id), "{name} does not touch {id}: {shown:?}");
        }
        fs::write(&object, bytes).unwrap();
    }
    assert_eq!(unreadable_seen, 6, "four bodies, the safe's own among them, and list and object of the small deposit");
}

#[test]
fn what_cannot_be_read_is_listed_as_such_and_named_by_the_error_that_explains_it() {
    let (home, kept) = safe_with_a_life();
    let lost = lose_one_that_hides(&home, &kept[1].0);
    let told = home.fails(3, "records cannot be read", ["list"]);
    assert!(told.err.contains("hizo check"), "{told:?}");
    let line = told.out.lines().find(|line| line.contains("cannot be read")).unwrap();
    assert!(line.contains(&kept[1].0[..12]) && line.contains("is missing"), "{told:?}");
    assert_eq!(told.out.lines().filter(|line| line.starts_with("  ")).count(), 4, "all are listed: {told:?}");
    let unreadable = home.run(["list", "--json"]).json()["unreadable"].clone();
    let [only] = unreadable.as_array().unwrap().as_slice() else { panic!("{unreadable}") };
    assert_eq!((only["id"].as_str(), only["number"].as_u64()), (Some(kept[1].0.as_str()), Some(2)), "{only}");
    assert_eq!((only["series"].as_str(), only["record"].as_u64()), (Some("moulds"), Some(2)), "{only}");
    assert!(only["reason"].as_str().unwrap().contains("is missing"), "{only}");
    for named in ["moulds:2", &kept[1].0, &kept[1].0[..8]] {
        let told = home.fails(3, "cannot be read", ["show", named]);
        assert!(told.err.contains("is missing") && told.err.contains("hizo check"), "{told:?}");
    }
    // A series that has nothing to do with it is not even warned of.
    home.ok(["list", "--series", "recipes"]);
    home.fails(3, "records cannot be read", ["list", "--series", "moulds"]);
    home.ok(["diff", "moulds:1", "moulds:3"]);
    let names = home.folder.path().join("export");
    let told = home.fails(3, "is missing", ["export", "--names", "--to", names.to_str().unwrap()]);
    assert!(!told.err.contains("cannot be read"), "the names are not what stops it: {told:?}");
    home.ok(["deposit", home.beside("moulds").to_str().unwrap(), "--series", "a new one"]);
    fs::write(lost.0, lost.1).unwrap();
    home.ok(["list"]);
}

#[test]
fn the_newest_one_is_never_an_older_one_in_silence() {
    let home = Home::new();
    let folder = home.beside("folder");
    for number in 1..=3 {
        fs::write(folder.join("file"), format!("{number}")).unwrap();
        home.deposit(&folder, "s");
    }
    let ids = home.deposits()["s"].clone();
    lose_one_that_hides(&home, &ids[2]);
    for command in ["show", "restore"] {
        let mut arguments = vec![command, "latest:s"];
        let to = home.folder.path().join("out");
        arguments.extend((command == "restore").then_some(["--to", to.to_str().unwrap()]).into_iter().flatten());
        let told = home.fails(3, "the newest deposit of s, 3, cannot be read", arguments);
        assert!(told.err.contains("s:2"), "the last one that can be read is named: {told:?}");
        assert!(!to.exists());
    }
    home.ok(["show", "s:2"]);
    // One that is lost in the middle is no reason to doubt the newest.
    fs::write(folder.join("file"), "4").unwrap();
    home.deposit(&folder, "s");
    assert_same(&tree(&folder), &tree(&home.restore("latest:s", "out 4")));
}

#[test]
fn a_series_whose_name_is_lost_is_named_by_its_id_and_by_what_this_machine_remembers() {
    let (home, kept) = safe_with_a_life();
    lose_one_that_hides(&home, &kept[0].0);
    let told = home.run(["list", "--json"]);
    assert_eq!(told.code, Some(3), "{told:?}");
    let told = told.json();
    let series = told["series"].as_array().unwrap().iter().find(|series| series["name"].is_null()).unwrap();
    assert_eq!(series["deposits"].as_array().unwrap().len(), 2, "{told}");
    let id = format!("id:{}", series["id"].as_str().unwrap());
    assert!(home.run(["list"]).out.contains(&id));
    for (number, named) in
        [format!("{id}:2"), format!("latest:{id}"), "moulds:2".into(), "latest:moulds".into()].into_iter().enumerate()
    {
        let expected = &kept[1 + number % 2].1;
        assert_same(expected, &tree(&home.restore(&named, &format!("out {number}"))));
    }
    home.fails(3, "records cannot be read", ["list", "--series", &id]);
    // Another machine remembers no names.
    fs::remove_file(home.path.join("series/names")).unwrap();
    let told = home.fails(1, "there is no series moulds", ["show", "latest:moulds"]);
    assert!(told.err.contains("id: and its digits"), "{told:?}");
    home.ok(["show", &format!("{id}:3")]);
}

#[test]
fn a_deposit_of_which_only_the_description_is_lost_comes_back_when_it_is_named_by_itself() {
    let (home, kept) = safe_with_a_life();
    // The first deposit is large: what is said of it is an object of its own.
    lose_one_that_hides(&home, &kept[2].0);
    let told = home.fails(3, "the newest deposit of moulds, 3", ["show", "latest:moulds"]);
    assert!(told.err.contains("moulds:3") && told.err.contains("moulds:2"), "{told:?}");
    for named in ["moulds:3", &kept[2].0] {
        let said = restore(&home, named);
        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(said.err.contains("what was said of deposit"), "{said:?}");
        assert_same(&kept[2].1, &tree(&home.folder.path().join("out")));
    }
}

#[test]
fn what_a_valid_writer_sealed_wrongly_hides_nobody_else_s_deposits() {
    let template = Home::new();
    let folder = template.beside("folder");
    fs::write(folder.join("file"), "honest").unwrap();
    template.deposit(&folder, "honest");
    let wrong: [fn(&mut Forged); 4] = [
        |forged| forged.edit = Box::new(|text| [text, b"{}\n".to_vec()].concat()),
        |forged| forged.head.events[1]["files"] = "many".into(),
        |forged| forged.head.events.truncate(1),
        |forged| drop(forged.head.events.remove(0)),
    ];
    for (number, make) in wrong.into_iter().enumerate() {
        let home = template.copy();
        let mut forged = Forged::honest();
        make(&mut forged);
        forged.keep(&home);
        let told = home.run(["list", "--json"]);
        assert_eq!(told.code, Some(3), "{number}: {told:?}");
        assert_eq!(told.json()["unreadable"][0]["number"].as_u64(), Some(1), "{number}: {told:?}");
        assert_same(&tree(&folder), &tree(&home.restore("latest:honest", "out")));
        let told = home.run(["show", &format!("latest:{}", forge::SERIES)]);
        assert!(matches!(told.code, Some(1 | 3)), "{number}: {told:?}");
    }
}

#[test]
fn a_disk_that_does_not_answer_is_told_apart_from_damage() {
    let (home, kept) = safe_with_a_life();
    let (path, _) = lose_one_that_hides(&home, &kept[1].0);
    // A folder in its place cannot be read as a file, whoever asks.
    fs::create_dir(&path).unwrap();
    home.fails(4, "records cannot be read", ["list"]);
    home.fails(4, "cannot be read", ["show", "moulds:2"]);
    home.ok(["show", "moulds:1"]);
}

#[test]
fn damage_of_the_records_themselves_stops_everything() {
    let (home, kept) = safe_with_a_life();
    let series = home.ok(["list", "--json"]).json()["series"][0]["id"].as_str().unwrap().to_owned();
    let mut flipped = 0;
    for file in kit::files_below(&home.path.join("keeper")) {
        let mut bytes = fs::read(&file).unwrap();
        let found: Vec<_> =
            bytes.windows(series.len()).enumerate().filter(|(_, window)| *window == series.as_bytes()).collect();
        let found: Vec<_> = found.into_iter().map(|(at, _)| at).collect();
        flipped += found.len();
        found.into_iter().for_each(|at| bytes[at] ^= 1);
        fs::write(&file, bytes).unwrap();
    }
    assert!(flipped > 0, "no record stands in the journal as text");
    let told = home.run(["list"]);
    assert!(matches!(told.code, Some(3..=5)) && told.out.is_empty(), "{told:?}");
    let told = home.run(["show", &kept[3].0]);
    assert!(matches!(told.code, Some(3..=5)) && told.out.is_empty(), "{told:?}");
}

/// Removes an object without which this deposit cannot be listed; where it was, and its bytes.
#[track_caller]
fn lose_one_that_hides(home: &Home, deposit: &str) -> (PathBuf, Vec<u8>) {
    for object in home.objects() {
        let bytes = fs::read(&object).unwrap();
        fs::remove_file(&object).unwrap();
        let listed = home.run(["list", "--json"]);
        if !listed.out.is_empty() && strings(&listed.json()["unreadable"], "id").contains(deposit) {
            return (object, bytes);
        }
        fs::write(&object, bytes).unwrap();
    }
    panic!("{deposit} can be listed without any one object");
}

/// Restores into `out`, and forgets what an earlier one left there.
fn restore(home: &Home, deposit: &str) -> Said {
    let to = home.folder.path().join("out");
    forget(&to);
    said(home.command().args(["restore", deposit, "--to"]).arg(&to))
}

fn forget(to: &Path) {
    for left in [to.to_owned(), to.with_extension("partial"), to.with_extension("incomplete")] {
        let _ = fs::remove_dir_all(left);
    }
}

fn strings(array: &Value, key: &str) -> BTreeSet<String> {
    array.as_array().unwrap().iter().filter_map(|object| object[key].as_str().map(str::to_owned)).collect()
}
