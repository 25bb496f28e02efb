//! Removals that were prepared, and spaces of which the other members know nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};

use hizo_vault::age;
use hizo_vault::keys::IdentityFile;

use crate::forge::Drawn;
use crate::kit::{self, Dice, Home, PASSPHRASE, contains, files_below, said, tree};
use crate::liar::Liar;
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
pub(crate) fn let_time_pass(home: &Home) {
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

#[test]
fn a_damaged_order_keeps_no_other_from_its_time_and_two_are_done_with_the_passphrase_given_once() {
    let firm = Firm::new();
    let founder = &firm.founder;
    let leaving = ["田中", "鈴木"].map(|name| firm.let_in(name, &[]));
    for name in ["田中", "鈴木", "田中"] {
        founder.ok(["space", "remove", name, "--at", LATER]);
    }
    let_time_pass(founder);
    let half = founder.path.join("prepared/0123456789abcdef");
    fs::write(&half, "hizo/prepared/v1\nat 20").unwrap();
    founder.fails(3, "is damaged", ["space", "remove", "--prepared"]);
    // The passphrase comes through a pipe, once.
    let due = kit::said(
        Command::new("sh")
            .env("LC_ALL", "C")
            .arg("-c")
            .arg("\"$0\" --home \"$1\" --passphrase-fd 3 space due --json 3< \"$2\"")
            .args([
                OsStr::new(env!("CARGO_BIN_EXE_hizo")),
                founder.path.as_os_str(),
                founder.passphrase_file().as_os_str(),
            ]),
    );
    assert!(due.code == Some(3) && due.err.contains("is damaged"), "{due:?}");
    let done = due.json()["done"].as_array().unwrap().clone();
    assert_eq!(done.iter().filter(|done| done["record"].is_string()).count(), 2, "{done:?}");
    for home in leaving {
        assert_ne!(home.run(["list"]).code, Some(0));
    }
    assert_eq!(orders(founder), std::slice::from_ref(&half));
    founder.ok(["space", "remove", "--withdraw", "0123456789abcdef"]);
    founder.ok(["space", "due"]);
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
    // Of two that are due, one is proposed, and the other when that one stands.
    for name in ["山本", "中村"] {
        firm.let_in_by_two(name, &sato);
        firm.founder.ok(["space", "remove", name, "--at", LATER]);
    }
    let_time_pass(&firm.founder);
    fs::remove_file(&file).unwrap();
    let due = firm.founder.ok(["space", "due", "--propose", file.to_str().unwrap(), "--json"]).json();
    assert_eq!((due["done"].as_array().unwrap().len(), &due["later"]), (1, &1.into()), "{due}");
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

/// What a keeper answered to somebody of his space and of itself, by what was asked: not sessions, which are drawn, nor the public
/// log and the keeper's own space, which grow.
type Answers = BTreeMap<String, (u16, Vec<(String, String)>, Vec<u8>)>;

/// Everything that a member can be shown of a safe: what his program says, and what the keeper answers to a machine that knows
/// nothing yet.
fn all_that_is_shown(member: &Home, liar: &Liar) -> (Vec<String>, Answers) {
    let heard = Arc::<Mutex<Answers>>::default();
    let noting = Arc::clone(&heard);
    let facts: serde_json::Value = serde_json::from_slice(&fs::read(member.path.join("safe.json")).unwrap()).unwrap();
    let space = facts["space"].as_str().unwrap().to_owned();
    liar.tells(move |asked, answer| {
        if asked.path == "/v1/keeper" || asked.path.contains(&space) {
            let kept = answer.headers.iter().filter(|(name, _)| name != "date").cloned().collect();
            let asked = format!("{} {}", asked.method, asked.path);
            noting.lock().unwrap().insert(asked, (answer.status, kept, answer.body.clone()));
        }
        None
    });
    // What it remembered, it would not ask for.
    let fresh = member.copy();
    for forgotten in ["notes", "at-hand", "head", "checkpoint"] {
        let path = fresh.path.join(forgotten);
        let _ = fs::remove_file(&path);
        let _ = fs::remove_dir_all(&path);
    }
    let acts = ["list", "space members", "space head", "status", "space admins", "recovery drill", "check"];
    let mut said: Vec<String> = acts
        .iter()
        .map(|act| {
            let said = fresh.run(act.split(' '));
            format!("{act}: {:?} {} {}", said.code, said.out, said.err)
        })
        .collect();
    fresh.restore("latest:drawings", "out");
    said.push(format!("{:?}", tree(&fresh.folder.path().join("out"))));
    liar.is_honest();
    let heard = heard.lock().unwrap().clone();
    (said, heard)
}

#[test]
fn of_a_quiet_space_at_the_same_keeper_the_other_members_see_nothing_but_that_the_log_grows() {
    let (firm, liar) = Firm::behind();
    let (founder, sato) = (&firm.founder, firm.let_in("佐藤", &["--role", "admin", "--history"]));
    sato.ok(["check"]);
    let before = all_that_is_shown(&sato, &liar);
    assert!(before.1.len() > 5, "{:?}", before.1.keys());

    let mut quiet = Home::unmade();
    quiet.path = founder.folder.path().join("quiet");
    let own = founder.path.join("identity.age");
    let init =
        ["init", "--name", "only mine", "--identity", own.to_str().unwrap(), "--keeper", firm.keeper.url(), "--json"];
    let space = quiet.ok(init).json()["space"].as_str().unwrap().to_owned();
    firm.put(&quiet, "findings", "what Sato copied");
    quiet.ok(["check"]);

    let after = all_that_is_shown(&sato, &liar);
    // How far the log has come is public.
    let but_for_the_log = |said: &[String]| -> Vec<String> {
        said.iter().map(|said| said.split(", logged").next().unwrap().to_owned()).collect()
    };
    assert_eq!(but_for_the_log(&before.0), but_for_the_log(&after.0));
    assert_eq!(before.1.keys().collect::<Vec<_>>(), after.1.keys().collect::<Vec<_>>());
    for (asked, answer) in &before.1 {
        assert_eq!(Some(answer), after.1.get(asked), "{asked}");
    }
    // Nothing of it lies in what Sato has, and no key of one space is one of the other.
    let chain = |home: &Home| fs::read(home.path.join("notes")).unwrap();
    let keys = |notes: &[u8]| -> BTreeSet<String> {
        let text = String::from_utf8(notes.to_vec()).unwrap();
        let words = text.split([' ', '\n']);
        words.filter(|word| word.len() == 44 && word.ends_with('=') || word.len() == 16).map(str::to_owned).collect()
    };
    let (shared, own) = (keys(&chain(founder)), keys(&chain(&quiet)));
    assert!(own.len() >= 4 && shared.is_disjoint(&own), "{:?}", shared.intersection(&own));
    for path in files_below(&sato.path) {
        let bytes = fs::read(&path).unwrap();
        assert!(!contains(&bytes, space.as_bytes()), "{}", path.display());
        assert!(own.iter().all(|key| !contains(&bytes, key.as_bytes())), "{}", path.display());
    }
    // Whoever is no member is told as little as of a space that is not there.
    let url = |space: &str| format!("/v1/spaces/{space}/records?from=0");
    assert_eq!(firm.keeper.get(&url(&space)), firm.keeper.get(&url("00112233445566778899aabbccddeeff")));
}

#[test]
fn whoever_brings_his_identity_to_a_new_safe_opens_both_with_one_passphrase() {
    let first = Home::new();
    let mut second = Home::unmade();
    second.path = first.folder.path().join("second");
    let own = first.path.join("identity.age");
    let init = ["init", "--identity", own.to_str().unwrap()];
    fs::write(second.passphrase_file(), "another one\n").unwrap();
    second.fails(1, "the passphrase does not open", init);
    second.fails(1, "there is no safe", ["list"]);
    fs::write(second.passphrase_file(), format!("{PASSPHRASE}\n")).unwrap();
    second.ok(init);
    assert_eq!(fs::read(&own).unwrap(), fs::read(second.path.join("identity.age")).unwrap());
    let key = |home: &Home| fs::read(home.path.join("device.key")).unwrap();
    assert_ne!(key(&first), key(&second));
    for home in [&first, &second] {
        let folder = home.beside("work");
        fs::write(folder.join("a"), "a").unwrap();
        home.deposit(&folder, "drawings");
        home.restore("latest:drawings", "out");
    }
    second.fails(1, "there is a safe", init);
}
