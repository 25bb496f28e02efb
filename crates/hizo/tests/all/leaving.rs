//! Removals that were prepared, and spaces of which the other members know nothing.

use std::fs;
use std::path::PathBuf;

use hizo_vault::age;
use hizo_vault::keys::IdentityFile;

use crate::forge::Drawn;
use crate::kit::{self, Dice, Home, PASSPHRASE, contains, files_below, said};
use crate::sharing::Firm;
use crate::two_admins::{agree, agreed};

fn identity(home: &Home) -> IdentityFile {
    IdentityFile::open(fs::read(home.path.join("identity.age")).unwrap(), PASSPHRASE).unwrap()
}

fn orders(home: &Home) -> Vec<PathBuf> {
    let folder = home.path.join("prepared");
    if folder.exists() { files_below(&folder) } else { Vec::new() }
}

const LATER: &str = "2099-03-31T18:00+09:00";
const LATER_IN_UTC: &str = "2099-03-31T09:00:00Z";
const PAST: &str = "2001-03-31T09:00:00Z";

/// Has the time of what is prepared come, as its admin alone could write it.
fn let_time_pass(home: &Home) {
    let own = identity(home).identity;
    for path in orders(home) {
        let bytes = fs::read(&path).unwrap();
        let head = format!("hizo/prepared/v1\nat {LATER_IN_UTC}\n\n");
        let plain = age::open_own(bytes.strip_prefix(head.as_bytes()).unwrap().to_vec(), &own).unwrap();
        let plain = String::from_utf8(plain).unwrap().replace(LATER_IN_UTC, PAST);
        let sealed =
            age::seal(plain.as_bytes(), std::slice::from_ref(own.recipient()), &mut Drawn(Dice::new(7))).unwrap();
        fs::write(path, [head.replace(LATER_IN_UTC, PAST).as_bytes(), &sealed].concat()).unwrap();
    }
}

#[test]
fn a_prepared_removal_is_seen_by_nobody_before_its_time_and_is_done_then() {
    let (firm, liar) = Firm::behind();
    let (founder, tanaka) = (&firm.founder, firm.let_in("田中", &["--role", "admin", "--history"]));
    let shown = || {
        ["list", "space members", "space head", "status"].map(|act| {
            let said = tanaka.ok(act.split(' ').chain(["--json"]));
            (said.out, said.err)
        })
    };
    founder.ok(["list"]);
    let before = shown();
    liar.heard();
    let prepare = ["space", "remove", "田中", "--at", LATER, "--reason", "leaves on 31 March", "--json"];
    let prepared = founder.ok(prepare).json();
    assert_eq!(prepared["at"], LATER_IN_UTC);
    let told: Vec<_> = liar.heard().into_iter().filter(|asked| asked.method != "GET").collect();
    assert!(told.iter().all(|asked| asked.path.contains("session")), "{told:?}");
    assert_eq!(shown(), before);
    // The machine's own files tell when, and neither whom nor why.
    let [order] = orders(founder).try_into().unwrap();
    let bytes = fs::read(&order).unwrap();
    assert!(contains(&bytes, LATER_IN_UTC.as_bytes()));
    for told in ["田中", "leaves on"] {
        assert!(!contains(&bytes, told.as_bytes()));
    }
    let listed = founder.ok(["space", "remove", "--prepared", "--json"]).json();
    assert_eq!(
        (&listed["prepared"][0]["name"], &listed["prepared"][0]["prepared"]),
        (&"田中".into(), &prepared["prepared"])
    );
    // Nothing is due: nobody is asked for anything.
    let idle = said(founder.writer_command().args(["space", "due", "--json"]));
    assert_eq!((idle.code, idle.json()), (Some(0), serde_json::json!({ "done": [], "later": 1 })));

    let_time_pass(founder);
    let without = said(founder.writer_command().args(["space", "head"]));
    assert!(without.code == Some(0) && without.err.contains("1 prepared removals are due"), "{without:?}");
    assert_eq!(firm.roles().len(), 1, "the first command that has the passphrase does it, and then lists");
    assert!(orders(founder).is_empty());
    firm.put(founder, "drawings", "after Tanaka left");
    assert_ne!(tanaka.run(["list"]).code, Some(0));
    founder.ok(["check"]);
}

#[test]
fn when_the_time_comes_every_machine_that_came_since_goes_too() {
    let firm = Firm::new();
    let (founder, tanaka) = (&firm.founder, firm.let_in("田中", &[]));
    founder.ok(["space", "remove", "田中", "--at", LATER]);
    let second = Home::unmade();
    let own = tanaka.path.join("identity.age");
    let (request, _) = firm.ask(&second, "田中", &["--machine", "notebook", "--identity", own.to_str().unwrap()]);
    let admitted = firm.admit(&request, "", &[]);
    second.ok(["space", "join", "--words", admitted.json()["words"].as_str().unwrap()]);
    let_time_pass(founder);
    // A machine that holds no identity says what is due, and cannot do it.
    let machine = founder.copy();
    fs::remove_file(machine.path.join("identity.age")).unwrap();
    let told = machine.run(["space", "head"]);
    assert!(told.code == Some(0) && told.err.contains("are due"), "{told:?}");
    machine.fails(1, "only deposits", ["space", "due"]);
    machine.fails(1, "only deposits", ["space", "remove", "田中", "--at", LATER]);
    let done = founder.ok(["space", "due", "--json"]).json();
    assert_eq!((&done["done"][0]["name"], done["done"][0]["record"].is_string()), (&"田中".into(), true), "{done}");
    for home in [&tanaka, &second] {
        assert_ne!(home.run(["list"]).code, Some(0));
    }
    assert_eq!(firm.roles().len(), 1);
}

#[test]
fn whoever_brings_a_prepared_removal_forward_damages_it() {
    let firm = Firm::new();
    let (founder, tanaka) = (&firm.founder, firm.let_in("田中", &[]));
    founder.fails(2, "that time is past", ["space", "remove", "田中", "--at", PAST]);
    founder.fails(2, "", ["space", "remove", "田中", "--at", "tomorrow"]);
    founder.fails(1, "the only admin", ["space", "remove", &admin_key(founder), "--at", LATER]);
    founder.ok(["space", "remove", "田中", "--at", LATER]);
    let [order] = orders(founder).try_into().unwrap();
    let whole = fs::read(&order).unwrap();
    let head = format!("hizo/prepared/v1\nat {LATER_IN_UTC}\n\n");
    let forward = [head.replace(LATER_IN_UTC, PAST).as_bytes(), &whole[head.len()..]].concat();
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    for bytes in [&forward, &flipped, &b"hizo/prepared/v2\n".to_vec(), &Vec::new()] {
        fs::write(&order, bytes).unwrap();
        founder.fails(3, "is damaged", ["space", "remove", "--prepared"]);
        tanaka.ok(["list"]);
    }
    fs::write(&order, forward).unwrap();
    founder.fails(3, "is damaged", ["space", "due"]);
    let told = founder.ok(["list"]);
    assert!(told.err.contains("was not done"), "{told:?}");
    assert_eq!(firm.roles().len(), 2);
    fs::write(&order, whole).unwrap();
    let id = order.file_name().unwrap().to_str().unwrap();
    founder.fails(1, "nothing is prepared under", ["space", "remove", "--withdraw", "0123456789abcdef"]);
    founder.ok(["space", "remove", "--withdraw", id]);
    assert!(orders(founder).is_empty());
}

fn admin_key(home: &Home) -> String {
    let members = home.ok(["space", "members", "--json"]).json();
    members["members"][0]["own"]["key"].as_str().unwrap().to_owned()
}

#[test]
fn where_two_admins_sign_a_prepared_removal_is_proposed_when_its_time_comes() {
    let (firm, sato) = agreed();
    let tanaka = firm.let_in_by_two("田中", &sato);
    firm.founder.ok(["space", "remove", "田中", "--at", LATER]);
    let_time_pass(&firm.founder);
    let told = firm.founder.ok(["list"]);
    assert!(told.err.contains("this needs two admins"), "{told:?}");
    let file = firm.founder.folder.path().join("due");
    let due = firm.founder.ok(["space", "due", "--propose", file.to_str().unwrap(), "--json"]).json();
    assert!(due["done"][0]["proposal"].is_string() && due["done"][0]["record"].is_null(), "{due}");
    tanaka.ok(["list"]);
    assert_eq!(orders(&firm.founder).len(), 1, "until another admin has signed, it is still to be done");
    assert_eq!(agree(&sato, &file).code, Some(0));
    assert_ne!(tanaka.run(["list"]).code, Some(0));
    let due = firm.founder.ok(["space", "due", "--json"]).json();
    assert!(due["done"][0]["proposal"].is_null() && due["done"][0]["record"].is_null(), "{due}");
    assert!(orders(&firm.founder).is_empty());
}

#[test]
fn a_watch_that_has_the_passphrase_does_what_is_due() {
    let firm = Firm::new();
    let (founder, tanaka) = (&firm.founder, firm.let_in("田中", &[]));
    let tools = founder.beside("tools");
    let crontab = tools.join("crontab");
    fs::write(&crontab, "#!/bin/sh\n[ \"$1\" = -l ] && cat \"$0.table\" || cat > \"$0.table\"\n").unwrap();
    fs::write(tools.join("crontab.table"), "").unwrap();
    said(kit::program("chmod").arg("+x").arg(&crontab));
    let path =
        std::env::join_paths([tools].into_iter().chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())));
    let folder = founder.beside("work");
    let install = ["watch", "install", folder.to_str().unwrap(), "--series", "drawings", "--scheduler", "crontab"];
    let installed = said(founder.command().args(install).env("PATH", path.unwrap()));
    assert_eq!(installed.code, Some(0), "{installed:?}");
    founder.ok(["space", "remove", "田中", "--at", LATER]);
    let_time_pass(founder);
    let tick = ["watch", "run", "--if-due", "drawings"];
    let told = said(founder.writer_command().args(tick));
    assert!(told.code == Some(0) && told.err.contains("are due"), "{told:?}");
    tanaka.ok(["list"]);
    let told = founder.ok(tick);
    assert!(told.err.contains("is removed, as prepared"), "{told:?}");
    assert_ne!(tanaka.run(["list"]).code, Some(0));
}
