//! A changed file is laid over what is kept of it: what that costs, and that every deposit comes back.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{FileExt as _, PermissionsExt};
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::Value;

use crate::kit::{Home, Tree, assert_same, forget_restore, names, noise, settle, tree};

const SEGMENT: usize = 64 << 10;
const MIB: usize = 1 << 20;

/// Deposits the folder; how many bytes were stored for it.
#[track_caller]
fn cost(home: &Home, folder: &Path, more: &[&str]) -> u64 {
    home.deposit_with(folder, "s", more)["stored_bytes"].as_u64().unwrap()
}

#[track_caller]
fn comes_back(home: &Home, folder: &Path) {
    let to = home.restore("latest:s", "out");
    assert_same(&tree(folder), &tree(&to));
    forget_restore(&to);
}

fn change(file: &Path, offset: usize, bytes: &[u8]) {
    File::options().write(true).open(file).unwrap().write_all_at(bytes, offset as u64).unwrap();
}

fn segments_file(home: &Home) -> PathBuf {
    let files = fs::read_dir(home.path.join("series")).unwrap().map(|file| file.unwrap().path());
    files.into_iter().find(|path| path.extension().is_some_and(|ending| ending == "segments")).unwrap()
}

#[test]
fn a_change_costs_the_segments_that_it_touches() {
    for size in [300_000, 20 * MIB + 5] {
        let home = Home::new();
        let folder = home.beside("folder");
        let file = folder.join("large");
        fs::write(&file, noise(1, size)).unwrap();
        assert!(cost(&home, &folder, &[]) > size as u64);
        let check = |about: &str, segments: usize| {
            let cost = cost(&home, &folder, &[]);
            assert!(cost < (segments * SEGMENT + SEGMENT / 2) as u64, "{about} of {size} costs {cost}");
            comes_back(&home, &folder);
        };
        change(&file, size / 2, b"!");
        check("a byte", 1);
        File::options().append(true).open(&file).unwrap().write_all(&noise(2, SEGMENT)).unwrap();
        check("a segment at the end", 2);
        File::options().write(true).open(&file).unwrap().set_len(size as u64 - 100).unwrap();
        check("a shorter end", 1);
        change(&file, 0, b"!");
        fs::copy(&file, folder.join("the copy")).unwrap();
        fs::hard_link(&file, folder.join("name")).unwrap();
        check("a byte with a copy and a further name", 1);
        fs::rename(&file, folder.join("moved")).unwrap();
        fs::set_permissions(folder.join("the copy"), PermissionsExt::from_mode(0o600)).unwrap();
        check("another name and mode", 0);
        home.ok(["check"]);
        let one = home.folder.path().join("one");
        home.ok(["restore", "latest:s", "moved", "--to", one.to_str().unwrap()]);
        assert!(fs::read(one.join("moved")).unwrap() == fs::read(folder.join("moved")).unwrap());
    }
}

#[test]
fn what_is_cut_at_the_end_of_a_segment_stores_no_byte_of_it() {
    let home = Home::new();
    let folder = home.beside("folder");
    fs::write(folder.join("large"), noise(1, 10 * SEGMENT)).unwrap();
    cost(&home, &folder, &[]);
    File::options().write(true).open(folder.join("large")).unwrap().set_len(7 * SEGMENT as u64).unwrap();
    assert!(cost(&home, &folder, &[]) < SEGMENT as u64);
    comes_back(&home, &folder);
    home.ok(["check"]);
}

#[test]
fn what_is_not_worth_composing_or_may_not_be_is_stored_whole() {
    let insert = |file: &Path| fs::write(file, [b"!".to_vec(), fs::read(file).unwrap()].concat()).unwrap();
    let middle = |file: &Path| change(file, 5 * SEGMENT, b"!");
    let hole = |file: &Path| {
        let file = File::options().write(true).open(file).unwrap();
        file.set_len(40 * MIB as u64).unwrap();
    };
    let cases: [(&str, &[&str], &dyn Fn(&Path)); 4] = [
        ("a byte inserted in front", &[], &insert),
        ("--no-reuse", &["--no-reuse"], &middle),
        ("class core", &["--class", "core"], &middle),
        ("a file with a hole", &[], &hole),
    ];
    for (about, more, edit) in cases {
        let home = Home::new();
        let folder = home.beside("folder");
        let size = 2 * MIB;
        fs::write(folder.join("large"), noise(1, size)).unwrap();
        let class: Vec<&str> = more.iter().copied().filter(|word| *word != "--no-reuse").collect();
        cost(&home, &folder, &class);
        edit(&folder.join("large"));
        let cost = cost(&home, &folder, more);
        assert!(cost > size as u64, "{about} costs {cost}");
        comes_back(&home, &folder);
    }
}

#[test]
fn spans_stay_with_a_composed_file_in_every_later_manifest() {
    let home = Home::new();
    let folder = home.beside("folder");
    let write = |turn: u64| ["a", "b"].map(|name| fs::write(folder.join(name), format!("{name} {turn}")).unwrap());
    write(0);
    fs::write(folder.join("large"), noise(1, 30 * SEGMENT)).unwrap();
    cost(&home, &folder, &[]);
    change(&folder.join("large"), 7 * SEGMENT, b"!");
    cost(&home, &folder, &[]);
    settle(&folder);
    cost(&home, &folder, &["--reread"]);
    // Most of the entries change: full manifests.
    for turn in 1..4 {
        write(turn);
        assert!(cost(&home, &folder, &[]) < SEGMENT as u64);
        comes_back(&home, &folder);
    }
    change(&folder.join("large"), 9 * SEGMENT, b"!");
    assert!(cost(&home, &folder, &[]) < 2 * SEGMENT as u64);
    comes_back(&home, &folder);
    home.ok(["check"]);
}

#[test]
fn segments_that_are_lost_or_damaged_cost_storing_whole_and_nothing_else() {
    let damage: [&dyn Fn(&Path); 3] = [
        &|file| fs::remove_file(file).unwrap(),
        &|file| change(file, 30, &[fs::read(file).unwrap()[30] ^ 1]),
        &|file| File::options().write(true).open(file).unwrap().set_len(100).unwrap(),
    ];
    for damage in damage {
        let home = Home::new();
        let folder = home.beside("folder");
        for name in ["composed", "changes", "rests"] {
            fs::write(folder.join(name), noise(name.len() as u64, 30 * SEGMENT)).unwrap();
        }
        cost(&home, &folder, &[]);
        change(&folder.join("composed"), 7 * SEGMENT, b"!");
        cost(&home, &folder, &[]);
        settle(&folder);
        damage(&segments_file(&home));
        change(&folder.join("changes"), 7 * SEGMENT, b"!");
        let both = cost(&home, &folder, &[]);
        let whole = 30 * SEGMENT as u64;
        assert!((2 * whole..2 * whole + whole / 2).contains(&both), "two files are stored whole: {both}");
        comes_back(&home, &folder);
        change(&folder.join("changes"), 3 * SEGMENT, b"!");
        assert!(cost(&home, &folder, &[]) < 2 * SEGMENT as u64, "from then on it is as before");
        comes_back(&home, &folder);
        home.ok(["check"]);
    }
}

#[test]
fn damage_in_an_old_pack_names_every_deposit_that_rests_on_it_and_takes_nothing_else() {
    let home = Home::new();
    let folder = home.beside("folder");
    fs::write(folder.join("large"), noise(1, 20 * MIB)).unwrap();
    cost(&home, &folder, &[]);
    let mut packs: Vec<_> =
        home.objects().into_iter().filter(|path| path.metadata().unwrap().len() > 1 << 20).collect();
    packs.sort_by_key(|pack| pack.metadata().unwrap().len());
    change(&folder.join("large"), 0, &noise(2, SEGMENT));
    fs::write(folder.join("small"), b"small").unwrap();
    cost(&home, &folder, &[]);
    settle(&folder);
    fs::write(folder.join("another"), b"another").unwrap();
    cost(&home, &folder, &[]);
    let whole = fs::read(&packs[0]).unwrap();
    change(&packs[0], 100_000, &[whole[100_000] ^ 1]);
    let report = home.run(["check", "--json"]).json();
    let touched: Vec<(u64, Vec<&str>, Vec<u64>)> =
        report["touched_deposits"].as_array().unwrap().iter().map(touched).collect();
    let large = || vec!["large"];
    assert_eq!(touched, [(1, large(), vec![]), (2, large(), vec![1]), (3, large(), vec![2])], "{report}");
    let said = home.run(["restore", "latest:s", "--to", home.folder.path().join("out").to_str().unwrap()]);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert_eq!(names(&home.folder.path().join("out.incomplete")), ["another", "small"]);
    forget_restore(&home.folder.path().join("out"));
    home.ok(["restore", "s:2", "small", "--to", home.folder.path().join("one").to_str().unwrap()]);
    fs::write(&packs[0], whole).unwrap();
    comes_back(&home, &folder);
    home.ok(["check"]);
}

fn touched(deposit: &Value) -> (u64, Vec<&str>, Vec<u64>) {
    let files = deposit["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap());
    let through = deposit["through"].as_array().unwrap().iter().map(|number| number.as_u64().unwrap());
    (deposit["number"].as_u64().unwrap(), files.collect(), through.collect())
}

/// What somebody does to one of three files.
#[derive(Debug, Clone)]
pub(crate) enum Edit {
    Change { at: usize, bytes: usize },
    Append(usize),
    Truncate(usize),
    Insert { at: usize, bytes: usize },
    Rename(usize),
    Copy(usize),
    Remove,
}

fn any_edit() -> impl Strategy<Value = (usize, Edit)> {
    let (at, bytes) = (0..2 * MIB, 1..2 * SEGMENT);
    let edit = prop_oneof![
        4 => (at.clone(), bytes.clone()).prop_map(|(at, bytes)| Edit::Change { at, bytes }),
        2 => bytes.clone().prop_map(Edit::Append),
        1 => at.clone().prop_map(Edit::Truncate),
        1 => (at, bytes).prop_map(|(at, bytes)| Edit::Insert { at, bytes }),
        1 => (0..3usize).prop_map(Edit::Rename),
        1 => (0..3usize).prop_map(Edit::Copy),
        1 => Just(Edit::Remove),
    ];
    (0..3usize, edit)
}

/// Does it; a file that is not there yet is made anew.
fn edit(folder: &Path, seed: u64, file: usize, edit: &Edit) {
    let path = |file: usize| folder.join(["a", "b", "c"][file]);
    let (own, new) = (path(file), |bytes| noise(seed, bytes));
    let Ok(before) = fs::read(&own) else { return fs::write(&own, new([MIB / 4, MIB, 3 * MIB / 2][file])).unwrap() };
    let within = |at: usize| at % (before.len() + 1);
    match edit {
        Edit::Change { at, bytes } => change(&own, within(*at), &new(*bytes)),
        Edit::Append(bytes) => fs::write(&own, [before, new(*bytes)].concat()).unwrap(),
        Edit::Truncate(at) => fs::write(&own, &before[..within(*at)]).unwrap(),
        Edit::Insert { at, bytes } => {
            let (front, back) = before.split_at(within(*at));
            fs::write(&own, [front, &new(*bytes), back].concat()).unwrap();
        }
        Edit::Rename(to) => fs::rename(&own, path(*to)).unwrap(),
        Edit::Copy(to) if *to != file => drop(fs::copy(&own, path(*to)).unwrap()),
        Edit::Copy(_) => (),
        Edit::Remove => fs::remove_file(&own).unwrap(),
    }
}

/// Deposits a folder after each group of edits; what has to come back of each.
pub(crate) fn live(home: &Home, groups: &[Vec<(usize, Edit)>]) -> Vec<Tree> {
    let folder = home.beside("edited");
    (0..3).for_each(|file| edit(&folder, file as u64, file, &Edit::Remove));
    let mut trees = Vec::new();
    for (number, group) in (100..).step_by(100).zip(groups) {
        home.deposit(&folder, "edited");
        trees.push(tree(&folder));
        (number..).zip(group).for_each(|(seed, (file, what))| edit(&folder, seed, *file, what));
    }
    home.deposit(&folder, "edited");
    trees.push(tree(&folder));
    trees
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn every_deposit_of_a_file_s_life_comes_back(
        groups in proptest::collection::vec(proptest::collection::vec(any_edit(), 1..4), 1..5),
    ) {
        let home = Home::new();
        for (number, expected) in (1..).zip(live(&home, &groups)) {
            assert_same(&expected, &tree(&home.restore(&format!("edited:{number}"), &format!("out {number}"))));
        }
        home.ok(["check"]);
    }
}

/// A life in which each kind of edit stands between deposits.
pub(crate) fn sample() -> Vec<Vec<(usize, Edit)>> {
    let change = |at| Edit::Change { at, bytes: 1000 };
    vec![
        vec![(0, change(70_000)), (1, change(500_000)), (2, change(1_000_000))],
        vec![(1, Edit::Append(100_000)), (2, Edit::Truncate(1_200_000))],
        vec![(0, Edit::Insert { at: 200_000, bytes: 5 }), (1, change(500_100)), (2, change(3))],
        vec![(2, Edit::Copy(0)), (2, change(900_000)), (1, Edit::Rename(1))],
        vec![(0, Edit::Remove), (1, Edit::Truncate(8 * SEGMENT))],
    ]
}
