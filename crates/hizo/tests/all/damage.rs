//! One thing lost or damaged takes nothing else with it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use serde_json::Value;

use crate::forge::{self, Forged};
use crate::habits::is_documented;
use crate::kit::{self, Home, Said, Tree, assert_same, forget_restore, names, noise, said, tree};

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
fn nothing_of_a_safe_whose_first_file_is_lost_is_taken_for_a_beginning_that_was_cut_short() {
    let home = Home::new();
    let folder = home.beside("moulds");
    fs::write(folder.join("mould"), "of a mould").unwrap();
    home.deposit(&folder, "moulds");
    let first = home.path.join("safe.json");
    let told = fs::read(&first).unwrap();
    fs::remove_file(&first).unwrap();
    let left = tree(&home.path);
    home.fails(1, "there is no safe.json beside it", ["init"]);
    assert_same(&left, &tree(&home.path));
    fs::write(&first, told).unwrap();
    home.ok(["check"]);
    // An identity by itself may be the only one that there is.
    let alone = Home::unmade();
    fs::create_dir_all(&alone.path).unwrap();
    fs::copy(home.path.join("identity.age"), alone.path.join("identity.age")).unwrap();
    let left = tree(&alone.path);
    alone.fails(1, "identity.age is of a safe", ["init"]);
    assert_same(&left, &tree(&alone.path));
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
        assert!(is_documented("list", &listed.json()), "{listed:?}");
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
    // Whoever deposits under that name is told that it may not be the series he means.
    let folder = home.beside("moulds");
    let told = home.ok(["deposit", folder.to_str().unwrap(), "--series", "moulds"]);
    assert!(told.err.contains("a series whose name cannot be read") && told.err.contains(&id), "{told:?}");
    let told = home.ok(["deposit", folder.to_str().unwrap(), "--series", "moulds"]);
    assert_eq!(told.err, "", "the name stands for the new one from now on");
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

/// A folder whose contents fill three packs and a half, with a second deposit that stores a little more.
fn safe_with_packs() -> (Home, PathBuf) {
    let home = Home::new();
    let folder = home.beside("folder");
    fs::create_dir_all(folder.join("inner/deep")).unwrap();
    for number in 0..9 {
        fs::write(folder.join(format!("large {number}")), noise(number, 5 * MIB + number as usize)).unwrap();
        for small in 0..3 {
            let name = format!("inner/small {number} {small}");
            fs::write(folder.join(name), noise(100 + number * 3 + small, 300_000)).unwrap();
        }
        fs::write(folder.join(format!("inner/deep/same as {number}")), noise(number, 5 * MIB + number as usize))
            .unwrap();
        fs::hard_link(folder.join(format!("large {number}")), folder.join(format!("name of {number}"))).unwrap();
    }
    symlink("large 3", folder.join("link")).unwrap();
    home.deposit(&folder, "s");
    fs::write(folder.join("later"), noise(999, 2 * MIB)).unwrap();
    home.deposit(&folder, "s");
    (home, folder)
}

#[test]
fn of_a_damaged_deposit_everything_comes_back_that_can_be_had_and_nothing_else() {
    let (home, folder) = safe_with_packs();
    let whole = tree(&folder);
    let packs: Vec<PathBuf> =
        home.objects().into_iter().filter(|path| path.metadata().unwrap().len() > MIB as u64).collect();
    assert!(packs.len() >= 4, "{packs:?}");
    for (number, pack) in packs.iter().enumerate() {
        let bytes = fs::read(pack).unwrap();
        match number % 2 {
            0 => fs::remove_file(pack).unwrap(),
            _ => {
                let mut damaged = bytes.clone();
                damaged[MIB + number] ^= 1;
                fs::write(pack, damaged).unwrap();
            }
        }
        let report = home.run(["check", "--json"]).json();
        let touched = report["touched_deposits"].as_array().unwrap().iter().find(|touched| touched["number"] == 2);
        let told = touched.map(|touched| strings(&touched["files"], "path")).unwrap();
        let to = home.folder.path().join("out");
        let said = said(home.command().args(["restore", "latest:s", "--json", "--to"]).arg(&to));
        assert_eq!(said.code, Some(3), "{said:?}");
        let result = said.json();
        assert!(is_documented("restore", &result), "{said:?}");
        assert_eq!(strings(&result["lost"], "path"), told, "pack {number}: what check tells is what is lost");
        assert!(!told.is_empty() && result["complete"] == false);
        let reasons = strings(&result["lost"], "reason");
        assert!(reasons.iter().all(|reason| reason.contains("is missing") || reason.contains("object")), "{reasons:?}");
        let incomplete = to.with_extension("incomplete");
        assert_eq!(result["to"].as_str().map(PathBuf::from), Some(incomplete.clone()));
        assert!(!to.exists() && !to.with_extension("partial").exists(), "only what is whole has its name");
        let mut expected = whole.clone();
        expected.retain(|path, _| !told.contains(path.to_str().unwrap()));
        assert_same(&without_names(expected), &without_names(tree(&incomplete)));
        assert_eq!(
            result["files"].as_u64(),
            Some(files(&whole) - told.iter().filter(|path| !path.starts_with("name")).count() as u64)
        );
        assert!(said.err.contains("hizo check") && said.err.contains("could not be had"), "{said:?}");
        if number == 0 {
            // What is left over is not written into, and not written over.
            home.fails(1, "left over", ["restore", "latest:s", "--to", to.to_str().unwrap()]);
            forget_restore(&to);
            let told = home.fails(3, "could not be had", ["restore", "latest:s", "--to", to.to_str().unwrap()]);
            assert!(told.out.contains("restored what could be had"), "{told:?}");
            assert!(told.err.matches("warning: lost ").count() <= 10, "{told:?}");
        }
        forget_restore(&to);
        fs::write(pack, bytes).unwrap();
    }
    assert_same(&whole, &tree(&home.restore("latest:s", "out")));
}

#[test]
fn a_lost_deposit_takes_with_it_what_a_later_one_took_from_it_and_nothing_more() {
    let (home, folder) = safe_with_packs();
    let first = home.deposits()["s"][0].clone();
    // A full manifest, so that the third deposit needs no list of an earlier one.
    fs::remove_dir_all(folder.join("inner")).unwrap();
    (0..9).for_each(|number| fs::remove_file(folder.join(format!("name of {number}"))).unwrap());
    (0..8).for_each(|number| {
        fs::rename(folder.join(format!("large {number}")), folder.join(format!("moved {number}"))).unwrap()
    });
    home.deposit(&folder, "s");
    let (mut with_list, mut without) = (0, 0);
    for object in home.objects().into_iter().filter(|path| path.metadata().unwrap().len() < 16 << 20) {
        let bytes = fs::read(&object).unwrap();
        fs::remove_file(&object).unwrap();
        let shows = |named: &str| home.run(["show", named]).code == Some(0);
        if !shows(&first) && shows("latest:s") {
            let told = restore(&home, "latest:s");
            assert_eq!(told.code, Some(3), "{told:?}");
            assert!(told.err.contains("moved 1") && !told.err.contains("later"), "{told:?}");
            assert_eq!(names(&home.folder.path().join("out.incomplete")), ["later", "link"]);
            with_list += 1;
        } else {
            without += 1;
        }
        fs::write(&object, bytes).unwrap();
    }
    assert!(with_list >= 2 && without > 0, "its list and its manifest: {with_list}");
}

#[test]
fn a_file_that_is_not_the_one_committed_to_is_left_out_and_never_written() {
    let home = Home::new();
    let mut forged = Forged::honest();
    let at = forged.tar.windows(4).rposition(|window| window == b"more").unwrap();
    forged.tar[at] ^= 1;
    forged.keep(&home);
    let said = restore(&home, &format!("latest:{}", forge::SERIES));
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.err.contains("lost m: it is not the one that the record commits to"), "{said:?}");
    assert_eq!(names(&home.folder.path().join("out.incomplete")), ["d", "d/f", "d/h", "l"]);
    // A manifest that is not the one committed to lays out nothing at all.
    let mut forged = Forged::honest();
    forged.at("m").mode = 0o600;
    forged.commitment = Some(hizo_vault::commit::Commitment { sha256: [3; 32], blake3: [4; 32] });
    let home = Home::new();
    forged.keep(&home);
    let said = restore(&home, &format!("latest:{}", forge::SERIES));
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(!home.folder.path().join("out.incomplete").exists(), "{said:?}");
}

#[test]
fn files_that_a_disk_does_not_give_are_told_apart_from_damaged_ones() {
    let (home, _) = safe_with_packs();
    let pack = home.objects().into_iter().find(|path| path.metadata().unwrap().len() == 16 << 20).unwrap();
    fs::remove_file(&pack).unwrap();
    fs::create_dir(&pack).unwrap();
    let said = restore(&home, "latest:s");
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(said.err.contains("more are lost; --json names them") || said.err.contains("lost "), "{said:?}");
}

fn files(tree: &Tree) -> u64 {
    tree.iter().filter(|(path, kept)| kept.kind == 'f' && !path.to_string_lossy().starts_with("name")).count() as u64
}

/// Without what a file's other names are called: some of them may be lost.
fn without_names(mut tree: Tree) -> Tree {
    tree.values_mut().for_each(|kept| kept.same_as = None);
    tree
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
    forget_restore(&to);
    said(home.command().args(["restore", deposit, "--to"]).arg(&to))
}

fn strings(array: &Value, key: &str) -> BTreeSet<String> {
    array.as_array().unwrap().iter().filter_map(|object| object[key].as_str().map(str::to_owned)).collect()
}
