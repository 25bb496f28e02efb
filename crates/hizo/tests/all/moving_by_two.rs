//! A safe whose changes two admins sign moves to another keeper (docs/spec/moving.md, "Where two admins sign changes").

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::keeper::Process;
use crate::kit::{Home, Said};
use crate::liar::{Answer, Asked, Liar};
use crate::moving::keeper_in;
use crate::sharing::Firm;
use crate::two_admins::{both, head};

/// A firm that two admins change, behind somebody who may lie; and a keeper to go to, behind another one.
struct Scene {
    firm: Firm,
    sato: Home,
    old_liar: Liar,
    new: Process,
    new_liar: Liar,
}

impl Scene {
    fn new() -> Self {
        let (firm, old_liar) = Firm::behind();
        let sato = firm.let_in("佐藤", &["--role", "admin", "--history"]);
        both(&firm.founder, &sato, &["space", "admins", "2"]);
        // What both have followed, each goes by when the keeper is gone.
        firm.founder.ok(["list"]);
        sato.ok(["list"]);
        let new = keeper_in(&firm.founder.folder.path().join("new"));
        let new_liar = Liar::before(&new.address());
        Self { firm, sato, old_liar, new, new_liar }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.firm.founder.folder.path().join(name)
    }

    /// The founder's move to the new keeper.
    fn to(&self, more: &[&str]) -> Vec<String> {
        let to = ["move", "--to", &self.new_liar.address, "--json"];
        to.iter().chain(more).map(|word| (*word).to_owned()).collect()
    }

    fn propose(&self, more: &[&str]) -> (PathBuf, Value) {
        let file = self.file("proposal");
        let _ = fs::remove_file(&file);
        let words = [&["--propose", file.to_str().unwrap()], more].concat();
        let said = self.firm.founder.ok(self.to(&words));
        (file, said.json())
    }

    fn agree(&self, proposal: &Path, more: &[&str]) -> (PathBuf, Said) {
        let answer = self.file("answer");
        let _ = fs::remove_file(&answer);
        let words = ["space", "agree", proposal.to_str().unwrap(), "--yes", "--json", "--answer"];
        let words = words.iter().copied().chain([answer.to_str().unwrap()]).chain(more.iter().copied());
        let said = self.sato.run(words);
        (answer, said)
    }

    /// What the second one has signed of a new proposal.
    fn agreed(&self, more: &[&str]) -> PathBuf {
        let (proposal, _) = self.propose(more);
        let (answer, said) = self.agree(&proposal, more);
        assert_eq!(said.code, Some(0), "{said:?}");
        answer
    }

    fn finish(&self, answer: &Path, more: &[&str]) -> Said {
        self.firm.founder.run(self.to(&[&["--agreed", answer.to_str().unwrap()], more].concat()))
    }

    fn is_moved(&self) -> bool {
        let settings = fs::read(self.firm.founder.path.join("safe.json")).unwrap();
        serde_json::from_slice::<Value>(&settings).unwrap()["keeper"] == self.new.said["origin"]
    }

    /// Both are at the new keeper, read what there was, and add to it.
    fn goes_on(&self) {
        let founder = &self.firm.founder;
        for (home, content) in [(founder, "after the move"), (&self.sato, "by the other one")] {
            self.firm.put(home, "drawings", content);
            home.ok(["check"]);
        }
        let restored = self.sato.restore("latest:drawings", "out");
        assert_eq!(fs::read(restored.join("KX-204.dxf")).unwrap(), b"by the other one");
        founder.fails(1, "this needs two admins", ["space", "admins", "1"]);
    }
}

/// The keeper with another key of its log, as somebody between shows it.
fn with_another_key(asked: &Asked, honest: &Answer) -> Option<Answer> {
    (asked.path == "/v1/keeper").then_some(())?;
    let mut facts: Value = serde_json::from_slice(&honest.body).unwrap();
    let key = hizo_vault::keys::OrganisationSeed::from_bytes(&[7; 32]).signing_key().verifying_key();
    let named = hizo_ledger::log::note::NamedKey::new(
        facts["origin"].as_str().unwrap(),
        hizo_ledger::log::note::CheckpointKey::Log(key),
    );
    facts["log_key"] = named.unwrap().to_string().into();
    let mut answer = honest.clone();
    answer.body = serde_json::to_vec(&facts).unwrap();
    Some(answer)
}

#[test]
fn two_admins_move_a_safe_to_a_keeper_that_both_have_seen() {
    let scene = Scene::new();
    let founder = &scene.firm.founder;
    founder.fails(1, "this needs two admins", scene.to(&[]));
    founder.fails(1, "only this machine would reach it", ["move", "--here"]);
    let before = head(&scene.sato);
    scene.old_liar.heard();
    let (proposal, said) = scene.propose(&[]);
    assert!(crate::habits::is_documented("move", &said), "{said:#}");
    assert_eq!((&said["to"], &said["address"]), (&scene.new.said["origin"], &scene.new_liar.address.clone().into()));
    assert!(said["objects"].as_u64().unwrap() > 0, "{said}");
    let told: Vec<_> = scene.old_liar.heard().into_iter().filter(|asked| asked.method != "GET").collect();
    assert!(told.iter().all(|asked| asked.path.contains("session")), "the old keeper hears nothing: {told:?}");
    // The second one sees where it goes, in words that the first one has too.
    let seen = scene.sato.ok(["space", "agree", proposal.to_str().unwrap(), "--dry-run", "--json"]).json();
    let does = seen["does"].to_string();
    let old: Value = serde_json::from_slice(&fs::read(founder.path.join("safe.json")).unwrap()).unwrap();
    for shown in [&said["words"], &said["key"], &said["to"], &said["address"], &old["keeper"], &old["address"]] {
        assert!(does.contains(shown.as_str().unwrap()), "{shown} is not in {does}");
    }
    assert!(does.contains("believes the new keeper alone"), "{does}");
    scene.sato.fails(2, "moves the safe", ["space", "agree", proposal.to_str().unwrap(), "--yes"]);
    let (answer, signed) = scene.agree(&proposal, &[]);
    assert_eq!(signed.code, Some(0), "{signed:?}");
    assert!(crate::habits::is_documented("space agree", &signed.json()), "{signed:?}");
    assert_eq!(
        (head(&scene.sato), scene.is_moved()),
        (before, false),
        "nothing is appended before the first one finishes"
    );
    let done = scene.finish(&answer, &[]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(crate::habits::is_documented("move", &done.json()), "{done:?}");
    scene.sato.fails(1, "has moved to another keeper", ["list"]);
    scene.sato.ok(["move", "--follow"]);
    scene.goes_on();
    // What is over is over.
    founder.fails(1, "kept there already", scene.to(&["--agreed", answer.to_str().unwrap()]));
}

#[test]
fn a14_what_is_added_before_the_move_stands_ends_it_and_what_was_brought_stays() {
    let scene = Scene::new();
    let (proposal, first) = scene.propose(&[]);
    scene.firm.put(&scene.sato, "drawings", "before he looks");
    let (_, said) = scene.agree(&proposal, &[]);
    assert!(said.code == Some(1) && said.err.contains("others have added to this safe"), "{said:?}");
    let answer = scene.agreed(&[]);
    scene.firm.put(&scene.sato, "drawings", "before the first one finishes");
    let said = scene.finish(&answer, &[]);
    assert!(said.code == Some(1) && said.err.contains("others have added to this safe"), "{said:?}");
    assert!(!scene.is_moved());
    let (_, again) = scene.propose(&[]);
    assert!(again["objects"].as_u64() < first["objects"].as_u64(), "{again}");
    // What comes in while it is appended ends it as well: the old keeper says so.
    let answer = scene.agreed(&[]);
    let (other, work) = (scene.sato.copy(), scene.sato.beside("work"));
    let settings = other.path.join("safe.json");
    let text = fs::read_to_string(&settings).unwrap();
    fs::write(&settings, text.replace(&scene.old_liar.address, scene.firm.keeper.url())).unwrap();
    let mut is_first = true;
    scene.old_liar.refuses(move |asked| {
        if is_first && asked.method == "POST" && asked.path.ends_with("/records") {
            is_first = false;
            other.deposit_with(&work, "drawings", &["--reread"]);
        }
        None
    });
    let said = scene.finish(&answer, &[]);
    scene.old_liar.is_honest();
    assert!(said.code == Some(1) && said.err.contains("others have added to this safe"), "{said:?}");
    assert!(!scene.is_moved());
    let answer = scene.agreed(&[]);
    assert_eq!(scene.finish(&answer, &[]).code, Some(0));
    scene.sato.ok(["move", "--follow"]);
    scene.goes_on();
}

#[test]
fn a05_neither_admin_is_led_to_another_keeper_than_the_one_that_both_have_signed() {
    let scene = Scene::new();
    let (proposal, _) = scene.propose(&[]);
    // The second one's machine finds another keeper there.
    scene.new_liar.tells(with_another_key);
    let (_, said) = scene.agree(&proposal, &[]);
    assert!(said.code == Some(5) && said.err.contains("finds another keeper"), "{said:?}");
    scene.new_liar.refuses(|_| Some(Answer::new(502, "nobody is there\n")));
    assert_eq!(scene.agree(&proposal, &[]).1.code, Some(4));
    scene.new_liar.is_honest();
    let (answer, said) = scene.agree(&proposal, &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    // So does the first one's, when he finishes.
    scene.new_liar.tells(with_another_key);
    let said = scene.finish(&answer, &[]);
    assert!(said.code == Some(5) && said.err.contains("both admins have signed"), "{said:?}");
    scene.new_liar.is_honest();
    // By another way to the same keeper, members would not find what was signed.
    let founder = &scene.firm.founder;
    let agreed = ["--agreed", answer.to_str().unwrap()];
    founder.fails(
        1,
        "both admins have signed that the safe goes to",
        ["move", "--to", scene.new.url()].into_iter().chain(agreed),
    );
    let yet_another = keeper_in(&scene.file("yet another"));
    founder.fails(5, "both admins have signed", ["move", "--to", yet_another.url()].into_iter().chain(agreed));
    // An answer to an earlier proposal is none, and neither is anything else.
    let proposal = scene.propose(&[]).0;
    founder.fails(1, "does not answer what this machine proposed last", scene.to(&agreed));
    founder.fails(1, "no answer for you", scene.to(&["--agreed", proposal.to_str().unwrap()]));
    fs::write(&answer, b"age-encryption.org/v1\n").unwrap();
    founder.fails(1, "no answer for you", scene.to(&agreed));
    let (answer, said) = scene.agree(&proposal, &[]);
    assert_eq!((said.code, scene.is_moved()), (Some(0), false), "{said:?}");
    assert_eq!(scene.finish(&answer, &[]).code, Some(0));
    scene.sato.ok(["move", "--follow"]);
    scene.goes_on();
}

#[test]
fn a_move_by_two_that_is_cut_short_at_any_request_goes_on_and_there_is_one_record_of_it() {
    for is_done in [false, true] {
        let scene = Scene::new();
        let before = head(&scene.sato).as_u64().unwrap();
        let (mut cuts, mut answer) = (0, None::<PathBuf>);
        // Both liars count together.
        for part in 0..2 {
            let mut cut = 0;
            loop {
                let left = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(cut));
                for liar in [&scene.old_liar, &scene.new_liar] {
                    let left = std::sync::Arc::clone(&left);
                    let is_now = move |asked: &Asked| {
                        let order = std::sync::atomic::Ordering::SeqCst;
                        asked.method != "GET" && left.fetch_update(order, order, |left| left.checked_sub(1)).is_err()
                    };
                    let broken = || Answer::new(500, "a cut\n");
                    match is_done {
                        false => liar.refuses(move |asked| is_now(asked).then(broken)),
                        true => liar.tells(move |asked, _| is_now(asked).then(broken)),
                    }
                }
                let said = match &answer {
                    None => {
                        let file = scene.file("proposal");
                        let _ = fs::remove_file(&file);
                        scene.firm.founder.run(scene.to(&["--propose", file.to_str().unwrap()]))
                    }
                    Some(answer) => scene.finish(answer, &[]),
                };
                scene.old_liar.is_honest();
                scene.new_liar.is_honest();
                if said.code == Some(0) {
                    break;
                }
                assert!([Some(1), Some(4)].contains(&said.code), "{said:?}");
                cut += 1;
                assert!(cut < 60, "{said:?}");
            }
            cuts += cut;
            if part == 0 {
                assert_eq!(head(&scene.sato), before);
                answer = Some(scene.agree(&scene.file("proposal"), &[]).0);
            }
        }
        assert!(cuts > 4, "{cuts}");
        assert!(scene.is_moved());
        assert_eq!(head(&scene.firm.founder), before + 1, "one record");
        scene.sato.ok(["move", "--follow"]);
        scene.goes_on();
    }
}

#[test]
fn either_admin_goes_on_with_a_move_that_the_old_keeper_has() {
    let scene = Scene::new();
    let answer = scene.agreed(&[]);
    let takes_over = |asked: &Asked| asked.method == "POST" && asked.path.starts_with("/v1/spaces/");
    scene.new_liar.refuses(move |asked| takes_over(asked).then(|| Answer::new(500, "a cut\n")));
    assert_eq!(scene.finish(&answer, &[]).code, Some(4));
    scene.new_liar.is_honest();
    assert!(!scene.is_moved());
    scene.sato.fails(1, "has moved to another keeper", ["list"]);
    // With other keys than the record has, nobody goes on.
    scene.new_liar.tells(with_another_key);
    let again = ["move", "--to", &scene.new_liar.address];
    scene.sato.fails(5, "both admins have signed", again);
    scene.new_liar.is_honest();
    scene.sato.ok(again);
    assert!(scene.firm.founder.run(scene.to(&[])).code == Some(0) && scene.is_moved());
    scene.goes_on();
}

#[test]
fn two_admins_leave_a_keeper_that_is_gone_by_what_both_have_followed() {
    let scene = Scene::new();
    let gone = || Some(Answer::new(502, "nobody is there\n"));
    scene.old_liar.refuses(move |_| gone());
    let file = scene.file("proposal");
    let propose = ["--propose", file.to_str().unwrap()];
    let founder = &scene.firm.founder;
    let refused = founder.fails(4, "cannot be reached", scene.to(&propose));
    assert!(refused.err.contains("--without-the-missing"), "{refused:?}");
    let (proposal, _) = scene.propose(&["--without-the-missing"]);
    let (_, said) = scene.agree(&proposal, &[]);
    assert!(said.code == Some(4) && said.err.contains("--without-the-missing"), "{said:?}");
    let (answer, said) = scene.agree(&proposal, &["--without-the-missing"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let done = scene.finish(&answer, &["--without-the-missing"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert_eq!(done.json()["told"], false);
    let invite = scene.file("an invite");
    founder.ok(["space", "invite", "--to", invite.to_str().unwrap()]);
    scene.sato.ok(["move", "--follow", invite.to_str().unwrap()]);
    assert_eq!(founder.ok(["space", "admins", "--json"]).json()["needed"], 2);
    assert_eq!(head(founder), head(&scene.sato));
}

#[test]
fn what_is_for_a_move_by_two_is_refused_where_it_means_nothing() {
    let firm = Firm::new();
    let founder = &firm.founder;
    let new = keeper_in(&founder.folder.path().join("new"));
    let file = founder.folder.path().join("file");
    let file = file.to_str().unwrap();
    fs::write(file, "anything").unwrap();
    founder.fails(1, "nobody has to agree", ["move", "--to", new.url(), "--agreed", file]);
    founder.fails(1, "nobody has to be asked", ["move", "--to", new.url(), "--propose", file]);
    assert_eq!(founder.run(["move", "--here", "--agreed", file]).code, Some(2));
    let sato = firm.let_in("佐藤", &["--role", "admin"]);
    let (proposal, _) = crate::two_admins::propose(founder, &["space", "admins", "2"]);
    for more in [&["--answer", "answer"][..], &["--without-the-missing"]] {
        let words = ["space", "agree", proposal.to_str().unwrap(), "--yes"];
        sato.fails(2, "does not move the safe", words.iter().chain(more));
    }
}
