//! A safe moves from keeper to keeper: one history goes on, members follow, and what the old keeper withheld is named.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use hizo_ledger::log::note::NamedKey;
use hizo_vault::joining::Invite;
use serde_json::Value;

use crate::keeper::Process;
use crate::kit::{Home, Said, assert_same, noise, tree};
use crate::liar::{Answer, Asked, Liar};
use crate::stamped::{configure, stamped};

/// A safe whose keeper, behind somebody who may lie, has two small deposits and then a large one, all of them stamped; and a
/// keeper to go to, behind another one.
struct Scene {
    home: Home,
    old: Process,
    old_liar: Liar,
    new: Process,
    new_liar: Liar,
    small: PathBuf,
    large: PathBuf,
    /// The small deposit, which the other one repeats, and the large one.
    ids: Vec<String>,
}

pub(crate) fn keeper_in(folder: &Path) -> Process {
    fs::create_dir_all(folder).unwrap();
    let config = folder.join("keeper.toml");
    configure(&config, &folder.join("data"), "127.0.0.1:0", "");
    Process::start_by(&config)
}

impl Scene {
    fn new() -> Self {
        let home = Home::unmade();
        let at = |name: &str| home.folder.path().join(name);
        let (old, new) = (keeper_in(&at("old")), keeper_in(&at("new")));
        let (old_liar, new_liar) = (Liar::before(&old.address()), Liar::before(&new.address()));
        home.ok(["init", "--keeper", &old_liar.address]);
        home.make_cheap();
        let (small, large) = (home.beside("small"), home.beside("large"));
        fs::write(small.join("recipe.csv"), "1,2,3\n").unwrap();
        fs::write(large.join("KX-204.dxf"), noise(7, 300_000)).unwrap();
        let one = home.deposit(&small, "recipes");
        home.deposit(&small, "moulds");
        let two = home.deposit(&large, "moulds");
        stamped(&home, |stamp| !stamp.is_null());
        let ids = [one, two].map(|made| made["deposit"].as_str().unwrap().to_owned()).to_vec();
        Self { home, old, old_liar, new, new_liar, small, large, ids }
    }

    fn to(&self) -> Vec<String> {
        ["move", "--to", &self.new_liar.address, "--json"].map(str::to_owned).to_vec()
    }

    fn move_it(&self) -> Value {
        self.home.ok(self.to()).json()
    }

    fn to_without(&self) -> Vec<String> {
        [self.to(), vec!["--without-the-missing".to_owned()]].concat()
    }

    fn log_names(&self, keeper: &Process) -> bool {
        self.home.ok(["log", "--json"]).json()["origin"] == keeper.said["origin"]
    }

    fn is_moved(&self) -> bool {
        let settings: Value = serde_json::from_slice(&fs::read(self.home.path.join("safe.json")).unwrap()).unwrap();
        settings["keeper"] == self.new.said["origin"]
    }

    /// Proves a deposit into a folder of this name.
    fn proof(&self, deposit: &str, name: &str) -> PathBuf {
        let to = self.home.folder.path().join(name);
        self.home.ok(["proof", deposit, "--to", to.to_str().unwrap()]);
        to
    }

    fn proves(&self, proof: &Path) -> Said {
        crate::stamps::verify(&self.home, proof, &[])
    }
}

/// The names of a proof's files but for pages, and the bytes of its log part.
fn log_part(proof: &Path) -> Vec<(String, Vec<u8>)> {
    ["record.note", "receipt.note", "record.tlog-proof", "checkpoint", "stamps/self.tsr"]
        .map(|name| (name.to_owned(), fs::read(proof.join(name)).unwrap()))
        .to_vec()
}

#[test]
fn one_history_goes_on_at_the_new_keeper_and_old_proofs_are_made_when_the_old_one_is_gone() {
    let mut scene = Scene::new();
    let before = scene.proof(&scene.ids[1], "before");
    let records = scene.home.ok(["space", "head", "--json"]).json()["record"].as_u64().unwrap();
    scene.old_liar.heard();
    let moved = scene.move_it();
    let heard = scene.old_liar.heard();
    let objects: Vec<_> =
        heard.iter().filter(|asked| asked.method == "GET" && asked.path.contains("/objects/")).collect();
    let once: BTreeSet<_> = objects.iter().map(|asked| &asked.path).collect();
    assert!(!once.is_empty() && once.len() == objects.len(), "nothing is asked for twice: {objects:#?}");
    assert_eq!(moved["from"], scene.old.said["origin"], "{moved}");
    assert_eq!(moved["to"], scene.new.said["origin"], "{moved}");
    assert_eq!(moved["record"].as_u64(), Some(records + 1), "{moved}");
    assert_eq!((&moved["missing"], &moved["unproved"]), (&Value::Array(Vec::new()), &0.into()), "{moved}");
    assert_eq!(moved["told"], true);
    // The old keeper refuses what comes later, and is not needed.
    scene.old.end("-KILL");
    scene.old_liar.refuses(|_| Some(Answer::new(500, "gone\n")));
    assert!(scene.log_names(&scene.new));
    assert_same(&tree(&scene.large), &tree(&scene.home.restore(&scene.ids[1], "large again")));
    assert_same(&tree(&scene.small), &tree(&scene.home.restore(&scene.ids[0], "small again")));
    fs::write(scene.large.join("KX-204.dxf"), noise(8, 300_000)).unwrap();
    scene.home.deposit_with(&scene.large, "moulds", &["--reread"]);
    scene.home.ok(["check"]);
    assert_eq!(scene.home.deposits()["moulds"].len(), 3);
    // What the old log said is there, though a crash had come between two steps of writing it down anew.
    fs::rename(scene.home.path.join("former"), scene.home.path.join("former.old")).unwrap();
    // Proofs: made before, made now of the old part, and made of the new part.
    assert_eq!(scene.proves(&before).code, Some(4), "self-stamped, as before");
    let after = scene.proof(&scene.ids[1], "after");
    let said = scene.proves(&after);
    assert_eq!((said.code, &said.json()["doubts"][0]), (Some(4), &"self-stamped".into()), "{said:?}");
    assert_eq!(log_part(&before), log_part(&after), "nobody was asked for anything else");
    stamped(&scene.home, |stamp| !stamp.is_null());
    let newest = scene.proof("latest:moulds", "newest");
    let said = scene.proves(&newest);
    assert_eq!((said.code, &said.json()["doubts"][0]), (Some(4), &"self-stamped".into()), "{said:?}");
    let (old, new) = (log_part(&after), log_part(&newest));
    let names = |part: &[(String, Vec<u8>)], keeper: &Process| {
        String::from_utf8_lossy(&part[1].1).contains(keeper.said["origin"].as_str().unwrap())
    };
    assert!(names(&old, &scene.old) && names(&new, &scene.new), "each receipt is by its keeper");
}

#[test]
fn members_follow_by_the_record_and_a_machine_that_opens_nothing_by_an_invite() {
    let firm = crate::sharing::Firm::new();
    let member = firm.let_in("佐藤", &["--role", "reader+writer"]);
    firm.put(&member, "of a member", "before");
    let blind = member.copy();
    fs::remove_file(blind.path.join("identity.age")).unwrap();
    let new = keeper_in(&firm.founder.folder.path().join("new"));
    // Only an admin moves a safe.
    member.fails(1, "only an admin moves a safe", ["move", "--to", new.url()]);
    firm.founder.ok(["move", "--to", new.url()]);
    let folder = member.beside("work");
    for command in [&["list"][..], &["deposit", folder.to_str().unwrap(), "--series", "of a member"], &["check"]] {
        let told = member.fails(1, "has moved to another keeper", command);
        assert!(told.err.contains("hizo move --follow"), "{told:?}");
    }
    blind.fails(1, "opens nothing", ["move", "--follow"]);
    let followed = member.ok(["move", "--follow", "--json"]).json();
    assert_eq!(followed["to"], new.said["origin"], "{followed}");
    assert!(crate::habits::is_documented("move", &followed), "{followed:#}");
    firm.put(&member, "of a member", "after");
    // What others have put has no receipt here yet: the present keeper answers for all of it.
    member.ok(["status"]);
    firm.founder.ok(["status", "latest:drawings"]);
    assert_eq!(member.deposits()["of a member"].len(), 2);
    // The other machine is given an invite, and takes none that names other keys.
    let invite = firm.founder.folder.path().join("an invite");
    firm.founder.ok(["space", "invite", "--to", invite.to_str().unwrap()]);
    let text = fs::read_to_string(&invite).unwrap();
    let other: Value = serde_json::from_str(&text).unwrap();
    let false_key = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    let (log_key, origin) = (other["log_key"].as_str().unwrap(), other["keeper"].as_str().unwrap());
    let forged = firm.founder.folder.path().join("forged");
    fs::write(&forged, text.replace(log_key, false_key)).unwrap();
    assert_ne!(blind.run(["move", "--follow", forged.to_str().unwrap()]).code, Some(0));
    fs::write(&forged, text.replace(origin, "other.example/1")).unwrap();
    assert_ne!(blind.run(["move", "--follow", forged.to_str().unwrap()]).code, Some(0));
    blind.fails(1, "has moved", ["list"]);
    blind.ok(["move", "--follow", invite.to_str().unwrap()]);
    let work = blind.beside("work");
    fs::write(work.join("a file"), "by a machine that opens nothing").unwrap();
    let mut command = blind.writer_command();
    command.arg("deposit").arg(&work).args(["--series", "blind", "--json"]);
    assert_eq!(crate::kit::said(&mut command).code, Some(0));
    // A newcomer comes by the new keeper alone.
    let newcomer = firm.let_in("鈴木", &["--role", "reader", "--history"]);
    assert_eq!(newcomer.deposits()["of a member"].len(), 2);
}

#[test]
fn what_the_old_keeper_had_is_no_fault_of_the_new_one_and_no_false_proof() {
    let scene = Scene::new();
    let before = scene.proof(&scene.ids[1], "before");
    scene.move_it();
    let at = |name: &str| scene.home.folder.path().join(name).to_str().unwrap().to_owned();
    // Its log has ended for this safe: nothing renews the proof, and nothing says that it does not hold.
    let refreshed = ["proof", "--refresh", before.to_str().unwrap(), "--to", &at("refreshed")];
    scene.home.fails(1, "no independent stamp", refreshed);
    assert_eq!(log_part(&before), log_part(Path::new(&at("refreshed"))));
    // A home that was made after the move has never known that keeper.
    let Scene { home: founder, old, ids, new_liar: _liar, new: _new, .. } = scene;
    let firm = crate::sharing::Firm { founder, keeper: old };
    let newcomer = firm.let_in("鈴木", &["--role", "reader", "--history"]);
    firm.put(&firm.founder, "moulds", "after");
    stamped(&newcomer, |stamp| !stamp.is_null());
    let newest = newcomer.folder.path().join("newest");
    newcomer.ok(["proof", "latest:moulds", "--to", newest.to_str().unwrap()]);
    let none = newcomer.folder.path().join("none");
    let proof = ["proof", &ids[1], "--to", none.to_str().unwrap()];
    let told = newcomer.fails(4, "which this machine has never known", proof);
    assert!(told.err.contains("whoever moved the safe"), "{told:?}");
    assert!(!none.exists());
    newcomer.fails(4, "which this machine has never known", ["proof", "--refresh", before.to_str().unwrap()]);
}

#[test]
fn whoever_follows_writes_down_what_the_old_log_shows_and_says_so_where_it_is_gone() {
    let mut scene = Scene::new();
    let (early, late) = (scene.home.copy(), scene.home.copy());
    scene.move_it();
    assert_eq!(early.ok(["move", "--follow", "--json"]).json()["unproved"], 0);
    let at = |name: &str| scene.home.folder.path().join(name);
    let invite = at("an invite");
    scene.home.ok(["space", "invite", "--to", invite.to_str().unwrap()]);
    scene.old.end("-KILL");
    scene.old_liar.refuses(|_| Some(Answer::new(502, "nobody is there\n")));
    early.ok(["proof", &scene.ids[1], "--to", at("early").to_str().unwrap()]);
    assert_eq!(scene.proves(&at("early")).code, Some(4), "self-stamped");
    let followed = late.ok(["move", "--follow", invite.to_str().unwrap(), "--json"]);
    assert_eq!(followed.json()["unproved"], 3, "{followed:?}");
    assert!(followed.err.contains("of 3 deposits"), "{followed:?}");
    let told =
        late.fails(4, "nothing of what its log showed", ["proof", &scene.ids[1], "--to", at("late").to_str().unwrap()]);
    assert!(told.err.contains("whoever moved the safe"), "{told:?}");
}

#[test]
fn what_the_new_keeper_has_lost_is_brought_again_and_all_of_it_when_that_was_not_enough() {
    let scene = Scene::new();
    let (mut large, mut refused) = (String::new(), 0);
    scene.new_liar.refuses(move |asked| {
        if asked.method == "PUT" && asked.body.len() > 64 << 10 {
            large = asked.path.rsplit('/').next().unwrap().to_owned();
        }
        let takes_over = asked.method == "POST" && asked.body.windows(9).any(|bytes| bytes == b"\"before\":");
        let is_lost = takes_over && refused < 2;
        refused += u32::from(is_lost);
        is_lost.then(|| Answer::new(424, format!("{large}\n")))
    });
    assert_eq!(scene.move_it()["missing"], Value::Array(Vec::new()));
    let heard = scene.new_liar.heard();
    let puts = |is_large: bool| {
        let mut puts = BTreeMap::<_, usize>::new();
        for asked in heard.iter().filter(|asked| asked.method == "PUT" && (asked.body.len() > 64 << 10) == is_large) {
            *puts.entry(&asked.path).or_default() += 1;
        }
        puts.into_values().collect::<BTreeSet<_>>()
    };
    assert_eq!(puts(true), BTreeSet::from([3]), "as it was named, and with all the rest");
    assert!(puts(false).is_subset(&BTreeSet::from([2, 3])), "with all the rest, and the notes each time");
    scene.home.ok(["check"]);
}

/// Whether this asks for an object of more than this many bytes, as it was put.
fn asks_for_large(asked: &Asked, honest: &Answer) -> bool {
    asked.method == "GET" && asked.path.contains("/objects/") && honest.body.len() > 64 << 10
}

#[test]
fn a17_what_the_old_keeper_withholds_is_named_and_the_rest_moves_when_the_owner_says_so() {
    let scene = Scene::new();
    scene.old_liar.tells(|asked, honest| asks_for_large(asked, honest).then(|| Answer::new(404, "it is not here\n")));
    let refused = scene.home.fails(3, "withholds", scene.to());
    assert!(refused.err.contains("moulds deposit 2"), "{refused:?}");
    assert!(!scene.is_moved());
    let moved = scene.home.ok(scene.to_without()).json();
    let missing = moved["missing"].as_array().unwrap();
    assert!(!missing.is_empty() && missing.iter().all(|lost| lost["number"] == 2), "{moved}");
    assert!(crate::habits::is_documented("move", &moved), "{moved:#}");
    assert_eq!(moved["unproved"], 0, "its log has told what it must: {moved}");
    assert_same(&tree(&scene.small), &tree(&scene.home.restore(&scene.ids[0], "small again")));
    let check = scene.home.run(["check"]);
    assert_eq!(check.code, Some(3), "{check:?}");
    assert!(check.out.contains("moulds") || check.err.contains("moulds"), "{check:?}");
    // An altered object is no better than none.
    let scene = Scene::new();
    scene.old_liar.tells(|asked, honest| {
        asks_for_large(asked, honest).then(|| {
            let mut answer = honest.clone();
            answer.body[70_000] ^= 1;
            answer
        })
    });
    scene.home.fails(3, "withholds", scene.to());
    scene.old_liar.is_honest();
    assert_eq!(scene.move_it()["missing"], Value::Array(Vec::new()));
    scene.home.ok(["check"]);
}

#[test]
fn a17_what_the_old_keeper_fails_to_answer_is_not_taken_for_lost() {
    // It fails for a moment.
    let scene = Scene::new();
    let mut met = BTreeSet::new();
    scene.old_liar.tells(move |asked, honest| {
        let is_first = asks_for_large(asked, honest) && met.insert(asked.path.clone());
        is_first.then(|| Answer::new(500, "in a moment\n"))
    });
    let moved = scene.home.ok(scene.to_without()).json();
    assert_eq!((&moved["missing"], &moved["told"]), (&Value::Array(Vec::new()), &true.into()), "{moved}");
    scene.home.ok(["check"]);
    // It never answers.
    let scene = Scene::new();
    for (status, code, why) in [(500, 4, "did not do it"), (401, 1, "does not let this machine in")] {
        scene.old_liar.tells(move |asked, honest| asks_for_large(asked, honest).then(|| Answer::new(status, "no\n")));
        let refused = scene.home.fails(code, why, scene.to_without());
        assert!(refused.err.contains("goes on where it stopped"), "{refused:?}");
        assert!(!scene.is_moved());
    }
    // Whoever waits no longer cuts it off: what it has handed out until then is not asked for any more.
    scene.old_liar.refuses(|_| Some(Answer::new(502, "nobody is there\n")));
    let moved = scene.home.ok(scene.to_without()).json();
    let missing = moved["missing"].as_array().unwrap();
    assert!(!missing.is_empty() && missing.iter().all(|lost| lost["number"] == 2), "{moved}");
    assert_same(&tree(&scene.small), &tree(&scene.home.restore(&scene.ids[0], "small again")));
}

#[test]
fn a_safe_leaves_a_keeper_that_is_gone_with_all_that_this_machine_has() {
    let mut scene = Scene::new();
    scene.old.end("-KILL");
    scene.old_liar.refuses(|_| Some(Answer::new(502, "nobody is there\n")));
    // Sealed while nobody answered, for a keeper that never will.
    fs::write(scene.small.join("recipe.csv"), "4,5,6\n").unwrap();
    let mut waiting = scene.home.command();
    waiting.arg("deposit").arg(&scene.small).args(["--series", "recipes", "--reread"]);
    assert_eq!(crate::kit::said(&mut waiting).code, Some(6));
    let refused = scene.home.fails(4, "cannot be reached", scene.to());
    assert!(refused.err.contains("--without-the-missing"), "{refused:?}");
    let moved = scene.home.ok(scene.to_without()).json();
    assert_eq!(moved["told"], false, "{moved}");
    assert_eq!(moved["unproved"], 3, "{moved}");
    assert!(!moved["missing"].as_array().unwrap().is_empty(), "{moved}");
    // What waited goes to the new keeper.
    let listed = scene.home.fails(3, "1 of the safe's records cannot be read", ["list"]);
    assert!(listed.err.contains("sent what waited"), "{listed:?}");
    assert_same(&tree(&scene.small), &tree(&scene.home.restore("latest:recipes", "small again")));
    let large = scene.home.folder.path().join("large again");
    let lost = scene.home.run(["restore", &scene.ids[1], "--to", large.to_str().unwrap()]);
    assert_eq!(lost.code, Some(3), "{lost:?}");
    let to = scene.home.folder.path().join("proof");
    scene.home.fails(4, "an earlier keeper", ["proof", &scene.ids[0], "--to", to.to_str().unwrap()]);
}

#[test]
fn a15_an_old_keeper_that_shows_an_older_state_or_another_history_does_not_keep_the_safe() {
    for lie in [older as fn(&Asked, &Answer) -> Option<Answer>, forked] {
        let scene = Scene::new();
        scene.old_liar.tells(lie);
        let refused = scene.home.fails(5, "the keeper shows", scene.to());
        assert!(refused.err.contains("--without-the-missing"), "{refused:?}");
        let moved = scene.home.ok(scene.to_without()).json();
        assert_eq!((&moved["missing"], &moved["told"]), (&Value::Array(Vec::new()), &false.into()), "{moved}");
        scene.home.ok(["check"]);
        assert_same(&tree(&scene.large), &tree(&scene.home.restore(&scene.ids[1], "large again")));
    }
}

#[test]
fn an_old_keeper_that_refuses_the_move_or_does_not_answer_it_keeps_nobody_and_makes_no_second_record() {
    let appends = |asked: &Asked| asked.method == "POST" && asked.path.ends_with("/records");
    // It refuses, and has nothing.
    let scene = Scene::new();
    scene.old_liar.refuses(move |asked| appends(asked).then(|| Answer::new(422, "stay\n")));
    scene.home.fails(1, "the keeper refuses", scene.to());
    assert!(!scene.is_moved());
    assert_eq!(scene.home.ok(scene.to_without()).json()["told"], false);
    scene.home.ok(["check"]);
    // It has the record, and says that it failed.
    let scene = Scene::new();
    let member = scene.home.copy();
    scene.old_liar.tells(move |asked, _| appends(asked).then(|| Answer::new(500, "no\n")));
    scene.home.fails(4, "did not do it", scene.to());
    scene.old_liar.refuses(|_| Some(Answer::new(502, "nobody is there\n")));
    let moved = scene.home.ok(scene.to_without()).json();
    scene.old_liar.is_honest();
    member.fails(1, "has moved to another keeper", ["list"]);
    assert_eq!(member.ok(["move", "--follow", "--json"]).json()["record"], moved["record"]);
}

#[test]
fn a15_an_old_keeper_that_says_that_others_have_added_and_shows_nothing_does_not_keep_the_safe() {
    let appends = |asked: &Asked| asked.method == "POST" && asked.path.ends_with("/records");
    let conflict =
        move |asked: &Asked| appends(asked).then(|| Answer::new(409, format!("head 9 {}\n", "ab".repeat(32))));
    let scene = Scene::new();
    scene.old_liar.refuses(conflict);
    let refused = scene.home.fails(5, "shows nothing of it", scene.to());
    assert!(refused.err.contains("--without-the-missing") && !scene.is_moved(), "{refused:?}");
    assert_eq!(scene.home.ok(scene.to_without()).json()["told"], false);
    scene.home.ok(["check"]);
    // The same lie of what waits for it.
    let scene = Scene::new();
    scene.old_liar.refuses(|_| Some(Answer::new(502, "nobody is there\n")));
    fs::write(scene.small.join("recipe.csv"), "4,5,6\n").unwrap();
    let mut waiting = scene.home.command();
    waiting.arg("deposit").arg(&scene.small).args(["--series", "recipes", "--reread"]);
    assert_eq!(crate::kit::said(&mut waiting).code, Some(6));
    scene.old_liar.refuses(conflict);
    let refused = scene.home.fails(5, "shows nothing of it", scene.to());
    assert!(refused.err.contains("--without-the-missing"), "{refused:?}");
    let moved = scene.home.ok(scene.to_without()).json();
    assert_eq!((&moved["missing"], &moved["told"]), (&Value::Array(Vec::new()), &false.into()), "{moved}");
    let listed = scene.home.ok(["list"]);
    assert!(listed.err.contains("sent what waited"), "{listed:?}");
    assert_same(&tree(&scene.small), &tree(&scene.home.restore("latest:recipes", "small again")));
}

#[test]
fn a_move_that_was_signed_long_ago_goes_on_though_what_it_says_was_swept_at_both_keepers() {
    let scene = Scene::new();
    let member = scene.home.copy();
    let appends = |asked: &Asked| asked.method == "POST" && asked.path.ends_with("/records");
    scene.old_liar.refuses(move |asked| appends(asked).then(|| Answer::new(500, "not now\n")));
    scene.home.fails(4, "did not do it", scene.to());
    let body = fs::read(scene.home.path.join("keepers/1/departure.body")).unwrap();
    let id = hizo_ledger::id::ObjectId::of(&body).to_string();
    let mut swept = 0;
    for keeper in ["old", "new"] {
        let folder = scene.home.folder.path().join(keeper);
        for object in crate::kit::files_below(&folder).into_iter().filter(|path| path.ends_with(&id)) {
            fs::remove_file(object).unwrap();
            swept += 1;
        }
    }
    assert_eq!(swept, 2);
    scene.old_liar.is_honest();
    let moved = scene.move_it();
    assert_eq!((&moved["missing"], &moved["told"]), (&Value::Array(Vec::new()), &true.into()), "{moved}");
    assert_eq!(member.ok(["move", "--follow", "--json"]).json()["record"], moved["record"]);
    assert!(!scene.home.path.join("keepers/1/departure.body").exists());
}

fn older(asked: &Asked, honest: &Answer) -> Option<Answer> {
    asked.path.contains("/records?from=").then_some(())?;
    let head = honest.header("hizo-head")?;
    let mut answer = honest.clone();
    answer.set("hizo-head", &head.replacen("3 ", "1 ", 1));
    answer.body.clear();
    Some(answer)
}

fn forked(asked: &Asked, honest: &Answer) -> Option<Answer> {
    asked.path.contains("/records?from=").then_some(())?;
    let mut answer = honest.clone();
    answer.set("hizo-head", &format!("3 {}", "ab".repeat(32)));
    Some(answer)
}

#[test]
fn a_move_that_is_cut_short_at_any_request_goes_on_and_there_is_one_record_of_it() {
    // Before the keeper has done it, and after: then only the answer is lost.
    for is_done in [false, true] {
        let mut cut = 0;
        let scene = Scene::new();
        loop {
            let mut count = 0;
            let mut is_now = move || {
                count += 1;
                count > cut
            };
            let broken = || Answer::new(500, "a cut\n");
            match is_done {
                false => scene.new_liar.refuses(move |asked| (asked.method != "GET" && is_now()).then(broken)),
                true => scene.new_liar.tells(move |asked, _| (asked.method != "GET" && is_now()).then(broken)),
            }
            let said = scene.home.run(scene.to());
            if scene.is_moved() {
                assert!(said.out.contains("\"record\":4"), "{said:?}");
                break;
            }
            cut += 1;
            assert!(cut < 40, "{said:?}");
        }
        assert!(cut > 3, "{cut}");
        scene.new_liar.is_honest();
        let head = scene.home.ok(["space", "head", "--json"]).json();
        assert_eq!(head["record"], 4, "genesis, three deposits, one move: {head}");
        assert_same(&tree(&scene.large), &tree(&scene.home.restore(&scene.ids[1], "large again")));
        scene.home.ok(["check"]);
    }
}

#[test]
fn a15_a_fork_by_a_member_who_was_not_seen_is_found_and_not_followed() {
    let firm = crate::sharing::Firm::new();
    let member = firm.let_in("佐藤", &["--role", "reader+writer"]);
    let founder = firm.founder.copy();
    // The member deposits what the founder's machine never sees: it finds its keeper gone.
    firm.put(&member, "of a member", "unseen");
    let data = firm.data();
    let address = firm.keeper.address();
    drop(firm.keeper);
    let new = keeper_in(&founder.folder.path().join("new"));
    let moved = founder.ok(["move", "--to", new.url(), "--without-the-missing", "--json"]).json();
    assert_eq!(moved["told"], false);
    let _old = Process::start_at(&data, &address);
    let invite = founder.folder.path().join("an invite");
    founder.ok(["space", "invite", "--to", invite.to_str().unwrap()]);
    member.fails(5, "another history", ["move", "--follow", invite.to_str().unwrap()]);
    member.ok(["list"]);
}

#[test]
fn a15_what_is_held_of_a_former_keeper_stays_whoever_takes_its_name_until_it_has_the_safe_again() {
    let scene = Scene::new();
    let at = |name: &str| scene.home.folder.path().join(name);
    let key = scene.old.said["key"].as_str().unwrap();
    let (policy, held) = (scene.home.path.join("log.policy"), format!("log {key}\nquorum none\n"));
    fs::write(&policy, &held).unwrap();
    let member = scene.home.copy();
    let own = format!("# what somebody gave this machine\n{held}");
    fs::write(member.path.join("log.policy"), &own).unwrap();
    let invite = at("an invite to the old keeper");
    scene.home.ok(["space", "invite", "--to", invite.to_str().unwrap()]);
    scene.move_it();
    member.ok(["move", "--follow"]);
    assert!(!scene.home.path.join("keepers/1/log.policy").exists());
    let mut said = Invite::parse(&fs::read(&invite).unwrap()).unwrap();
    said.policy = None;
    fs::write(&invite, said.compose()).unwrap();
    let follow = ["move", "--follow", invite.to_str().unwrap()];
    scene.home.fails(5, "no record by which this safe has moved to it", follow);
    let new_key = NamedKey::parse(scene.new.said["key"].as_str().unwrap()).unwrap();
    said.log_key = NamedKey::new(said.keeper.as_str(), new_key.key().clone()).unwrap();
    fs::write(&invite, said.compose()).unwrap();
    scene.home.fails(5, "a keeper that had this safe before, and another key", follow);
    assert_eq!(fs::read_to_string(&policy).unwrap(), held);
    // It comes back, and nothing long is sent that is there.
    let back = scene.home.ok(["move", "--to", &scene.old_liar.address, "--json"]).json();
    assert_eq!(back["to"], scene.old.said["origin"], "{back}");
    assert!(back["bytes"].as_u64().unwrap() < 100_000, "{back}");
    assert_eq!(fs::read_to_string(&policy).unwrap(), held);
    scene.home.ok(["check"]);
    // What an invite brings takes the place of no policy that a person gave.
    fs::remove_file(&invite).unwrap();
    scene.home.ok(["space", "invite", "--to", invite.to_str().unwrap()]);
    member.ok(follow);
    assert_eq!(fs::read_to_string(member.path.join("log.policy")).unwrap(), own);
}

#[test]
fn a_safe_that_came_into_a_folder_of_this_machine_comes_back_with_cards_and_its_past() {
    let scene = Scene::new();
    let moved = scene.home.ok(["move", "--here", "--json"]).json();
    assert_eq!(moved["unproved"], 0, "{moved}");
    let at = |name: &str| scene.home.folder.path().join(name);
    scene.home.ok(["recovery", "make", "--to", at("cards").to_str().unwrap()]);
    let cards = [1, 2].map(|card| crate::cards::read_off(&at("cards").join(format!("card-{card}.pdf"))));
    let [Some(one), Some(two)] = cards else { return };
    let (one, two, to) = (one.to_str().unwrap(), two.to_str().unwrap(), at("new home"));
    scene.home.ok(["recovery", "use", "--card-file", one, "--card-file", two, "--to", to.to_str().unwrap()]);
    fs::remove_dir_all(&scene.home.path).unwrap();
    fs::rename(&to, &scene.home.path).unwrap();
    scene.home.make_cheap();
    scene.home.ok(["check"]);
    assert_same(&tree(&scene.large), &tree(&scene.home.restore(&scene.ids[1], "large again")));
    // The keeper of the past is asked for nothing.
    scene.old_liar.refuses(|_| Some(Answer::new(500, "gone\n")));
    assert_eq!(scene.proves(&scene.proof(&scene.ids[1], "proof")).code, Some(4));
}

#[test]
fn a_safe_moves_from_a_folder_of_this_machine_to_a_keeper_elsewhere_and_back() {
    let home = Home::new();
    let folder = home.beside("work");
    fs::write(folder.join("KX-204.dxf"), "a drawing").unwrap();
    let first = home.deposit(&folder, "moulds")["deposit"].as_str().unwrap().to_owned();
    let new = keeper_in(&home.folder.path().join("new"));
    home.fails(1, "in a folder of this machine already", ["move", "--here"]);
    let moved = home.ok(["move", "--to", new.url(), "--json"]).json();
    assert_eq!((&moved["told"], &moved["unproved"]), (&true.into(), &0.into()), "{moved}");
    home.fails(1, "is kept there already", ["move", "--to", new.url()]);
    fs::write(folder.join("KX-204.dxf"), "a better drawing").unwrap();
    home.deposit_with(&folder, "moulds", &["--reread"]);
    let proof = |name: &str, deposit: &str| {
        let to = home.folder.path().join(name);
        home.ok(["proof", deposit, "--to", to.to_str().unwrap()]);
        assert_eq!(crate::stamps::verify(&home, &to, &[]).code, Some(4));
    };
    proof("of the first", &first);
    home.ok(["check"]);
    let back = home.ok(["move", "--here", "--json"]).json();
    assert_eq!(back["to"], moved["from"], "the same keeper as before");
    fs::write(folder.join("KX-204.dxf"), "the best drawing").unwrap();
    home.deposit_with(&folder, "moulds", &["--reread"]);
    drop(new);
    assert_eq!(home.deposits()["moulds"].len(), 3);
    proof("of the first again", &first);
    proof("of the last", "latest:moulds");
    home.ok(["check"]);
    assert_same(&tree(&folder), &tree(&home.restore("latest:moulds", "out")));
}
