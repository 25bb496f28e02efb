//! A safe whose changes two admins sign (docs/spec/space.md, "Two admins"; docs/spec/proposal.md).

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::kit::{Home, Said};
use crate::sharing::Firm;

/// A proposal by somebody that another admin has not seen yet.
pub(crate) fn propose(by: &Home, act: &[&str]) -> (PathBuf, Said) {
    let file = by.folder.path().join("proposal");
    let _ = fs::remove_file(&file);
    let more = ["--propose", file.to_str().unwrap(), "--json"];
    let said = by.ok(act.iter().copied().chain(more));
    (file, said)
}

pub(crate) fn agree(by: &Home, file: &Path) -> Said {
    by.run(["space", "agree", file.to_str().unwrap(), "--yes", "--json"])
}

/// What one proposes, the other signs.
#[track_caller]
pub(crate) fn both(one: &Home, other: &Home, act: &[&str]) -> Value {
    let (file, _) = propose(one, act);
    let said = agree(other, &file);
    assert_eq!(said.code, Some(0), "{said:?}");
    said.json()
}

/// A firm whose founder and Sato, both admins, have agreed on two.
pub(crate) fn agreed() -> (Firm, Home) {
    let firm = Firm::new();
    let sato = firm.let_in("佐藤", &["--role", "admin", "--history"]);
    both(&firm.founder, &sato, &["space", "admins", "2"]);
    (firm, sato)
}

pub(crate) fn head(home: &Home) -> Value {
    home.ok(["space", "head", "--json"]).json()["record"].clone()
}

#[test]
fn two_admins_agree_on_two_and_remove_somebody_by_one_note_that_both_signed() {
    let firm = Firm::new();
    let sato = firm.let_in("佐藤", &["--role", "admin", "--history"]);
    let tanaka = firm.let_in("田中", &[]);
    let founder = &firm.founder;
    founder.fails(1, "this needs two admins", ["space", "admins", "2"]);
    founder.fails(1, "that is the rule already", ["space", "admins", "1"]);
    let (rule, _) = propose(founder, &["space", "admins", "2"]);
    let seen = sato.ok(["space", "agree", rule.to_str().unwrap(), "--dry-run", "--json"]).json();
    assert_eq!(seen["does"], serde_json::json!(["from then on, two admins sign whatever changes this safe"]));
    assert_eq!(founder.ok(["space", "admins", "--json"]).json()["needed"], 1, "nothing is signed yet");
    sato.fails(2, "your word is needed", ["space", "agree", rule.to_str().unwrap()]);
    assert_eq!(agree(&sato, &rule).code, Some(0));
    assert_eq!(tanaka.ok(["space", "members", "--json"]).json()["needed"], 2);

    firm.put(founder, "drawings", "while Tanaka was there");
    let before = head(&tanaka);
    let remove = ["space", "remove", "田中", "--reason", "left the firm"];
    founder.fails(1, "this needs two admins", remove);
    let (file, said) = propose(founder, &remove);
    let said = said.json();
    assert_eq!(
        (said["could_read"][0]["deposits"].clone(), said["proposal"].is_string()),
        (serde_json::json!([2]), true)
    );
    assert_eq!(head(&tanaka), before, "there is nothing that he could see");
    assert_eq!(firm.roles().len(), 3);
    for (who, why) in [(founder, "no proposal for you"), (&tanaka, "only an admin")] {
        let said = agree(who, &file);
        assert!(said.code == Some(1) && said.err.contains(why), "{said:?}");
    }
    let done = agree(&sato, &file);
    assert_eq!(done.code, Some(0), "{done:?}");
    let does = done.json()["does"].to_string();
    assert!(
        does.contains("removes 田中") && does.contains("left the firm") && does.contains("begins new keys"),
        "{does}"
    );
    assert_eq!(firm.roles().len(), 2);
    firm.put(founder, "drawings", "after Tanaka left");
    assert_ne!(tanaka.run(["list"]).code, Some(0));
    let restored = sato.restore("latest:drawings", "out");
    assert_eq!(fs::read(restored.join("KX-204.dxf")).unwrap(), b"after Tanaka left");
    for home in [founder, &sato] {
        home.ok(["check"]);
    }
}

#[test]
fn no_change_of_any_kind_is_made_by_one_of_two_admins() {
    let (firm, sato) = agreed();
    let made = both(
        &firm.founder,
        &sato,
        &["recovery", "make", "--to", firm.founder.folder.path().join("cards").to_str().unwrap()],
    );
    assert!(made["does"].to_string().contains("any 2 of 3 open the safe"), "{made}");
    let tanaka = Home::unmade();
    let (request, words) = firm.ask(&tanaka, "田中", &[]);
    let (request, new) = (request.to_str().unwrap(), sato.folder.path().join("new cards"));
    let before = head(&sato);
    let acts: [&[&str]; 8] = [
        &["space", "admit", request, "--words", &words],
        &["space", "role", "佐藤", "reader"],
        &["space", "grant", "佐藤"],
        &["space", "remove", "佐藤", "--machine", "machine"],
        &["space", "admins", "1"],
        &["recovery", "make", "--replace", "--to", new.to_str().unwrap()],
        &["recovery", "refuse"],
        &["space", "remove", "佐藤"],
    ];
    for act in acts {
        for admin in [&firm.founder, &sato] {
            let said = admin.run(act);
            let why = ["this needs two admins", "two admins change this safe, and that would leave one"];
            assert!(said.code == Some(1) && why.iter().any(|why| said.err.contains(why)), "{act:?}: {said:?}");
        }
    }
    assert_eq!(head(&sato), before, "nothing came of any of them");
    assert!(!new.join("card-1.pdf").exists(), "cards that open nothing do not lie about");
    // By both it is done; the second one hears the newcomer's words too.
    let (file, _) = propose(&firm.founder, acts[0]);
    let seen = sato.ok(["space", "agree", file.to_str().unwrap(), "--dry-run", "--json"]).json();
    assert!(seen["does"].to_string().contains(&words), "{seen}");
    assert_eq!(agree(&sato, &file).code, Some(0));
    let spoken = firm.founder.ok(["space", "head", "--json"]).json()["words"].as_str().unwrap().to_owned();
    tanaka.ok(["space", "join", "--words", &spoken]);
    both(&sato, &firm.founder, &["recovery", "refuse"]);
    both(&sato, &firm.founder, &["space", "admins", "1"]);
    firm.founder.ok(["space", "remove", "佐藤"]);
}

#[test]
fn a_proposal_is_for_one_state_of_the_safe_and_ends_with_it() {
    let (firm, sato) = agreed();
    firm.let_in_by_two("田中", &sato);
    let (file, _) = propose(&firm.founder, &["space", "role", "田中", "reader"]);
    firm.put(&sato, "drawings", "meanwhile");
    let said = agree(&sato, &file);
    assert!(said.code == Some(1) && said.err.contains("others have added to this safe"), "{said:?}");
    let roles = firm.roles();
    assert_eq!(roles.iter().find(|(name, ..)| name == "田中").unwrap().1, "reader+writer");
    both(&firm.founder, &sato, &["space", "role", "田中", "reader"]);
    // Signed once more it is past, too, and what is no proposal is none.
    assert_eq!(agree(&sato, &file).code, Some(1));
    let other = Firm::new();
    let other_sato = other.let_in("佐藤", &["--role", "admin"]);
    let (file, _) = propose(&other.founder, &["space", "admins", "2"]);
    assert_eq!(agree(&sato, &file).code, Some(1), "it is for another safe");
    assert_eq!(agree(&other_sato, &file).code, Some(0));
    fs::write(&file, b"age-encryption.org/v1\n").unwrap();
    assert_eq!(agree(&sato, &file).code, Some(1));
}

#[test]
fn the_keeper_hears_nothing_of_a_proposal_before_it_is_signed() {
    let (firm, liar) = Firm::behind();
    let sato = firm.let_in("佐藤", &["--role", "admin"]);
    let tanaka = firm.let_in("田中", &[]);
    both(&firm.founder, &sato, &["space", "admins", "2"]);
    tanaka.ok(["list"]);
    liar.heard();
    let (file, _) = propose(&firm.founder, &["space", "remove", "田中"]);
    let told: Vec<_> = liar.heard().into_iter().filter(|asked| asked.method != "GET").collect();
    assert!(told.iter().all(|asked| asked.path.contains("session")), "{told:?}");
    assert_eq!(agree(&sato, &file).code, Some(0));
    assert!(liar.heard().iter().any(|asked| asked.method == "PUT"));
}

#[test]
fn new_cards_that_are_only_proposed_replace_nothing_and_none_are_written_for_an_act_that_is_refused() {
    let (firm, sato) = agreed();
    let (founder, folder) = (&firm.founder, firm.founder.folder.path().to_owned());
    let cards = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    founder.fails(1, "this needs two admins", ["recovery", "make", "--to", &cards("refused")]);
    assert!(!folder.join("refused").exists());
    let (first, _) = propose(founder, &["recovery", "make", "--to", &cards("first")]);
    assert_eq!(agree(&sato, &first).code, Some(0));
    let (second, said) = propose(founder, &["recovery", "make", "--replace", "--to", &cards("second")]);
    let made = said.json();
    assert!(made["replaced"] == false && made["proposal"].is_string(), "{made}");
    assert!(!said.err.contains("destroy") && said.err.contains("keep the old ones until then"), "{said:?}");
    assert_eq!(agree(&sato, &second).code, Some(0));
}
