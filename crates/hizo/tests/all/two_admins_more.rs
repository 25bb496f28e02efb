//! Where two admins sign every change: cards that bring back whoever is lost (docs/spec/recovery.md, "What the cards can do"), and the
//! key by which an organisation begins new keys (docs/spec/space.md, "Rotators").

use std::fs;
use std::path::{Path, PathBuf};

use crate::cards::read_off;
use crate::faults::FalseClock;
use crate::keeper::Process;
use crate::kit::{Home, Said};
use crate::organisations::{Case, content};
use crate::rotation::{closed_to, rotators};
use crate::sharing::Firm;
use crate::two_admins::{agree, agreed, both, head, propose};

/// Longer ago than whoever the cards let in waits, and twice as long, in seconds.
pub(crate) const A_WEEK_AGO: &str = "-700000";
const TWO_WEEKS_AGO: &str = "-1400000";

/// Something that was done so long ago, by the keeper's clock too.
pub(crate) fn at_that_time<T>(firm: &mut Firm, clock: &FalseClock, away: &str, act: impl FnOnce() -> T) -> T {
    let (data, address) = (firm.data(), firm.keeper.address());
    firm.keeper.end("-TERM");
    firm.keeper = Process::start_by_clock(|command| clock.show(command, away), &data, &address);
    let done = act();
    firm.keeper.end("-TERM");
    firm.keeper = Process::start_at(&data, &address);
    done
}

/// Cards that two admins agree on: the words of two of them, and the file that leads to the safe. Nothing where they cannot be read off.
#[track_caller]
pub(crate) fn cards_of_two(one: &Home, other: &Home, name: &str, more: &[&str]) -> Option<([PathBuf; 2], PathBuf)> {
    let to = one.folder.path().join(name);
    let act = ["recovery", "make", "--to", to.to_str().unwrap()];
    let made = both(one, other, &[&act[..], more].concat());
    assert!(made["does"].to_string().contains("any 2 of 3 open the safe"), "{made}");
    let words = |number: u8| read_off(&to.join(format!("card-{number}.pdf")));
    Some(([words(1)?, words(3)?], to.join("emergency.json")))
}

pub(crate) fn with_cards<'a>(act: &[&'a str], cards: &'a [PathBuf; 2]) -> Vec<&'a str> {
    let cards = cards.iter().flat_map(|path| ["--card-file", path.to_str().unwrap()]);
    act.iter().copied().chain(cards).collect()
}

/// What brings the safe back where nothing is left.
fn by_cards<'a>(emergency: &'a Path, cards: &'a [PathBuf; 2]) -> Vec<&'a str> {
    with_cards(&["recovery", "use", "--json", "--emergency", emergency.to_str().unwrap()], cards)
}

/// Comes back by cards where nothing is left, so long ago.
#[track_caller]
fn comes_back(clock: &FalseClock, away: &str, home: &Home, emergency: &Path, cards: &[PathBuf; 2]) -> Said {
    let said = clock.run(home, away, &by_cards(emergency, cards));
    assert_eq!(said.code, Some(0), "{said:?}");
    home.make_cheap();
    said
}

/// Comes by cards into a home beside the old one, a week ago, after the identity was lost there.
#[track_caller]
fn comes_beside(clock: &FalseClock, old: &Home, cards: &[PathBuf; 2]) -> Home {
    fs::remove_file(old.path.join("identity.age")).unwrap();
    let new = Home::unmade();
    let said = clock.run(old, A_WEEK_AGO, &with_cards(&["recovery", "use", "--to", new.path.to_str().unwrap()], cards));
    assert_eq!(said.code, Some(0), "{said:?}");
    new.make_cheap();
    new
}

/// The members' own keys, in the order in which they came.
fn keys(home: &Home) -> Vec<String> {
    let listed = home.ok(["space", "members", "--json"]).json();
    let members = listed["members"].as_array().unwrap().iter();
    members.map(|member| member["own"]["key"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn one_of_two_admins_who_has_lost_everything_comes_back_by_cards_and_both_seat_his_machine() {
    let Some(clock) = FalseClock::there() else { return };
    let (mut firm, sato) = agreed();
    let Some((cards, _)) = cards_of_two(&firm.founder, &sato, "cards", &[]) else { return };
    // What is kept under keys that began after the cards were made comes back too.
    firm.let_in_by_two("田中", &sato);
    firm.put(&sato, "drawings", "before the fire");
    let (emergency, stolen) = (firm.invite("emergency"), sato.copy());
    fs::remove_dir_all(&sato.path).unwrap();
    let back = Home::unmade();
    at_that_time(&mut firm, &clock, A_WEEK_AGO, || {
        let said = comes_back(&clock, A_WEEK_AGO, &back, &emergency, &cards);
        assert!(said.json()["admin_from"].is_string() && said.json()["closed_epochs"] == 0, "{said:?}");
        let out = back.folder.path().join("at once");
        let read = clock.run(&back, A_WEEK_AGO, &["restore", "latest:drawings", "--to", out.to_str().unwrap()]);
        assert_eq!(read.code, Some(0), "{read:?}");
        assert_eq!(fs::read(out.join("KX-204.dxf")).unwrap(), b"before the fire");
        let early = clock.run(&back, A_WEEK_AGO, &["recovery", "machine"]);
        assert!(early.code == Some(1) && early.err.contains("waits until"), "{early:?}");
    });
    let founder = &firm.founder;

    // The week has passed: he is one admin more, and needs a second one like everybody.
    founder.fails(1, "this needs two admins", ["recovery", "refuse"]);
    let before = head(founder).as_u64().unwrap();
    back.fails(1, "this needs two admins", ["recovery", "machine"]);
    assert_eq!(head(founder), before + 1, "what he says under his key makes him a member");
    assert!(founder.ok(["status", "--json"]).json()["recovery"]["waiting"].is_null());
    let made = both(&back, founder, &["recovery", "machine", "--machine", "new office"]);
    let does = made["does"].to_string();
    assert!(does.contains("adds the machine new office") && does.contains("kept in epochs 0 to 1"), "{does}");
    assert!(back.path.join("session.key").exists(), "until he knows that it was signed");
    back.ok(["recovery", "machine"]);
    assert!(!back.path.join("session.key").exists(), "the machine asks by a key of its own");

    // What the cards opened is given to him in the safe itself, and he deposits.
    fs::remove_file(back.path.join("epochs.age")).unwrap();
    assert_eq!(content(&back, "drawings:1", "first"), b"before anybody came");
    assert_eq!(content(&back, "latest:drawings", "last"), b"before the fire");
    firm.put(&back, "drawings", "after the fire");
    assert_eq!(content(founder, "latest:drawings", "after"), b"after the fire");

    // He signs second, and first: the lost keys go, and the cards that were used.
    let removed = both(founder, &back, &["space", "remove", "佐藤", "--reason", "burnt"]);
    assert!(removed["does"].to_string().contains("removes 佐藤"), "{removed}");
    let Some((new, _)) = cards_of_two(&back, founder, "new", &["--replace"]) else { return };
    back.ok(with_cards(&["recovery", "drill"], &new));
    founder.fails(5, "not the ones that this safe names", with_cards(&["recovery", "drill"], &cards));
    firm.put(founder, "drawings", "under new keys");
    assert_eq!(content(&back, "latest:drawings", "renewed"), b"under new keys");
    assert_ne!(stolen.run(["list"]).code, Some(0));
    assert_eq!(founder.ok(["space", "admins", "--json"]).json()["needed"], 2);
    for home in [founder, &back] {
        home.ok(["check"]);
    }
}

#[test]
fn where_both_admins_are_lost_the_cards_let_in_two_one_after_the_other() {
    let Some(clock) = FalseClock::there() else { return };
    let (mut firm, sato) = agreed();
    let Some((cards, emergency)) = cards_of_two(&firm.founder, &sato, "cards", &[]) else { return };
    firm.put(&sato, "drawings", "before the fire");
    fs::remove_dir_all(&sato.path).unwrap();
    fs::remove_dir_all(&firm.founder.path).unwrap();
    let (first, second) = (Home::unmade(), Home::unmade());
    at_that_time(&mut firm, &clock, TWO_WEEKS_AGO, || {
        comes_back(&clock, TWO_WEEKS_AGO, &first, &emergency, &cards);
    });
    at_that_time(&mut firm, &clock, A_WEEK_AGO, || {
        // Nobody is there who signs second, and he is a member all the same: so the cards are free for the next one.
        let alone = clock.run(&first, A_WEEK_AGO, &["recovery", "machine"]);
        assert!(alone.code == Some(1) && alone.err.contains("this needs two admins"), "{alone:?}");
        comes_back(&clock, A_WEEK_AGO, &second, &emergency, &cards);
    });
    both(&second, &first, &["recovery", "machine", "--machine", "second"]);
    both(&first, &second, &["recovery", "machine", "--machine", "first"]);
    for home in [&first, &second] {
        home.ok(["recovery", "machine"]);
    }
    let members = keys(&first);
    assert_eq!(members.len(), 4, "{members:?}");
    both(&first, &second, &["space", "remove", "佐藤"]);
    both(&second, &first, &["space", "remove", &members[0]]);
    first.fails(1, "that would leave one", ["space", "remove", &members[3]]);
    assert_eq!(content(&second, "latest:drawings", "early"), b"before the fire");
    firm.put(&first, "drawings", "after the fire");
    assert_eq!(content(&second, "latest:drawings", "late"), b"after the fire");
    assert_eq!(second.ok(["space", "admins", "--json"]).json()["needed"], 2);
    for home in [&first, &second] {
        home.ok(["check"]);
    }
}

#[test]
fn a13_whom_stolen_cards_let_in_is_sent_away_by_two_and_unnoticed_is_one_admin_who_changes_nothing() {
    let Some(clock) = FalseClock::there() else { return };
    let (mut firm, sato) = agreed();
    let Some((cards, emergency)) = cards_of_two(&firm.founder, &sato, "cards", &[]) else { return };
    let thief = Home::unmade();
    thief.ok(by_cards(&emergency, &cards));
    thief.make_cheap();
    for admin in [&firm.founder, &sato] {
        let told = admin.fails(1, "this needs two admins", ["recovery", "refuse"]);
        assert!(told.err.contains("recovery cards have let in"), "{told:?}");
    }
    let refused = both(&sato, &firm.founder, &["recovery", "refuse"]);
    assert!(refused["does"].to_string().contains("refuses whom they let in"), "{refused}");
    thief.fails(1, "does not let this machine in", ["list"]);

    let Some((cards, emergency)) = cards_of_two(&firm.founder, &sato, "again", &[]) else { return };
    let thief = Home::unmade();
    at_that_time(&mut firm, &clock, A_WEEK_AGO, || {
        comes_back(&clock, A_WEEK_AGO, &thief, &emergency, &cards);
    });
    let founder = &firm.founder;
    let before = head(founder).as_u64().unwrap();
    let acts: [&[&str]; 5] = [
        &["recovery", "machine"],
        &["space", "remove", "佐藤"],
        &["space", "admins", "1"],
        &["space", "rotate"],
        &["recovery", "refuse"],
    ];
    for act in acts {
        thief.fails(1, "this needs two admins", act);
    }
    assert_eq!(head(founder), before + 1, "nothing came of any of them but himself");
    let members = keys(founder);
    both(founder, &sato, &["space", "remove", &members[2]]);
    thief.fails(1, "does not let this machine in", ["list"]);
    firm.put(founder, "drawings", "when he had gone");
    assert_eq!(content(&sato, "latest:drawings", "out"), b"when he had gone");
    for home in [founder, &sato] {
        home.ok(["check"]);
    }
}

#[test]
fn whoever_comes_by_cards_beside_his_old_home_is_a_member_by_the_first_change_that_both_sign() {
    let Some(clock) = FalseClock::there() else { return };
    let (mut firm, sato) = agreed();
    let Some((cards, _)) = cards_of_two(&firm.founder, &sato, "cards", &[]) else { return };
    firm.put(&sato, "drawings", "before it was lost");
    let kept = sato.copy();
    let new = at_that_time(&mut firm, &clock, A_WEEK_AGO, || comes_beside(&clock, &sato, &cards));
    let founder = &firm.founder;
    new.fails(1, "only an admin", ["space", "rotate"]);
    // New keys begin while he waits, and nobody gives them to him.
    both(founder, &kept, &["space", "rotate"]);
    firm.put(founder, "drawings", "while he waited");
    let proposal = new.folder.path().join("first.proposal");
    let to = new.folder.path().join("again");
    let make = ["recovery", "make", "--replace", "--to", to.to_str().unwrap()];
    let (_, told) =
        propose(&new, &["recovery", "make", "--replace", "--to", new.beside("not these").to_str().unwrap()]);
    let until = told.json()["until"].as_str().unwrap_or_default().to_owned();
    assert!(until.len() == 20 && until.ends_with('Z'), "scripts are told too until when: {told:?}");
    let said = new.run(make.into_iter().chain(["--propose", proposal.to_str().unwrap()]));
    assert!(said.code == Some(0) && said.err.contains("the keeper takes it no later"), "{said:?}");
    let said = agree(founder, &proposal);
    assert_eq!(said.code, Some(0), "{said:?}");
    let until = said.json()["until"].as_str().unwrap_or_default().to_owned();
    assert!(until.len() == 20 && said.json()["does"].to_string().contains(&until), "so is who signs second: {said:?}");
    let words = |number: u8| read_off(&to.join(format!("card-{number}.pdf")));
    let (Some(one), Some(other)) = (words(1), words(3)) else { return };
    let again = [one, other];
    let (_, said) = propose(&new, &["space", "rotate"]);
    assert!(said.json()["until"].is_null(), "only the first one has to hurry: {said:?}");
    both(&new, founder, &["space", "rotate"]);
    let listed = new.run(["list"]);
    let grant = listed.err.split("`hizo space grant ").nth(1).and_then(|rest| rest.split('`').next());
    let name = grant.unwrap_or_else(|| panic!("{listed:?}")).to_owned();
    new.fails(1, "was not given to this identity", ["restore", "drawings:3", "--to", "closed"]);
    both(founder, &new, &["space", "grant", &name]);
    assert_eq!(content(&new, "drawings:3", "granted"), b"while he waited");
    assert!(!new.ok(["list"]).err.contains("while you waited"));
    new.ok(with_cards(&["recovery", "drill"], &again));
    assert_eq!(content(&new, "drawings:2", "out"), b"before it was lost");
    firm.put(founder, "drawings", "for both");
    assert_eq!(content(&new, "latest:drawings", "late"), b"for both");
}

#[test]
fn an_admin_who_comes_back_with_his_identity_has_his_machine_seated_by_both() {
    let (firm, sato) = agreed();
    let identity = sato.folder.path().join("copy of identity.age");
    fs::copy(sato.path.join("identity.age"), &identity).unwrap();
    fs::remove_dir_all(&sato.path).unwrap();
    let (emergency, founder) = (firm.invite("emergency"), &firm.founder);
    let before = head(founder);
    let act = ["recovery", "use", "--emergency", emergency.to_str().unwrap(), "--identity", identity.to_str().unwrap()];
    sato.ok(act);
    assert_eq!(head(founder), before, "nothing was changed by one of two");
    assert_eq!(content(&sato, "latest:drawings", "at once"), b"before anybody came");
    sato.fails(1, "this needs two admins", ["recovery", "machine"]);
    let made = both(&sato, founder, &["recovery", "machine", "--machine", "new office"]);
    assert_eq!(made["does"], serde_json::json!(["adds the machine new office, of 佐藤, as writer"]));
    sato.ok(["recovery", "machine"]);
    firm.put(&sato, "drawings", "by the new machine");
    assert_eq!(content(founder, "latest:drawings", "out"), b"by the new machine");
    sato.ok(["check"]);
}

/// A case in which two admins of the company sign every change.
fn case_of_two() -> (Case, Home) {
    let case = Case::new();
    let takahashi = case.company.let_in("高橋", &["--role", "admin", "--history"]);
    both(&case.company.founder, &takahashi, &["space", "admins", "2"]);
    (case, takahashi)
}

/// Somebody of the office becomes a member of it by both.
#[track_caller]
fn let_in_by_two(
    (case, other): (&Case, &Home),
    staff: &Home,
    name: &str,
    delegated_as: &[&str],
    more: &[&str],
) -> Home {
    let (home, delegated) = case.ask(staff, name, delegated_as);
    let act = ["space", "admit", delegated.to_str().unwrap()];
    let said = both(&case.company.founder, other, &[&act[..], more].concat());
    home.ok(["space", "join", "--words", said["words"].as_str().unwrap()]);
    home
}

/// Two of the office, who are members of such a case and read it.
pub(crate) struct Shared {
    pub(crate) case: Case,
    pub(crate) takahashi: Home,
    pub(crate) suzuki: Home,
    pub(crate) sato: Home,
    /// What Sato has of the office's safe.
    pub(crate) kept_by_sato: Home,
}

impl Shared {
    /// As the office delegates Suzuki, and with these settings of the company.
    pub(crate) fn new(delegated_as: &[&str], more: &[&str]) -> Self {
        let (case, takahashi) = case_of_two();
        let (admins, words) = ((&case, &takahashi), ["--words", &case.words]);
        let more = [&words[..], more].concat();
        let suzuki = let_in_by_two(admins, &case.office.founder, "鈴木", delegated_as, &more);
        let staff = case.office.let_in("佐藤", &["--history"]);
        let sato = let_in_by_two(admins, &staff, "佐藤", &[], &[]);
        case.company.put(&case.company.founder, "evidence", "while she was there");
        suzuki.ok(["list"]);
        sato.ok(["list"]);
        Self { kept_by_sato: staff.copy(), case, takahashi, suzuki, sato }
    }
}

#[test]
fn the_key_of_an_organisation_is_named_and_ended_by_two() {
    let (case, takahashi) = case_of_two();
    let company = &case.company.founder;
    let (suzuki, delegated) = case.ask(&case.office.founder, "鈴木", &[]);
    let admit = ["space", "admit", delegated.to_str().unwrap(), "--words", &case.words];
    company.fails(1, "this needs two admins", admit);
    let (file, _) = propose(company, &admit);
    let seen = takahashi.ok(["space", "agree", file.to_str().unwrap(), "--dry-run", "--json"]).json();
    let does = seen["does"].to_string();
    assert!(does.contains("lets Patent Office begin new keys by itself") && does.contains(&case.words), "{does}");
    assert!(rotators(&case).is_empty());
    let said = agree(&takahashi, &file);
    assert_eq!(said.code, Some(0), "{said:?}");
    suzuki.ok(["space", "join", "--words", said.json()["words"].as_str().unwrap()]);
    assert_eq!(rotators(&case), ["Patent Office"]);

    let (end, begin) = (["space", "rotator", "鈴木", "--end"], ["space", "rotator", "鈴木"]);
    for admin in [company, &takahashi] {
        admin.fails(1, "this needs two admins", end);
    }
    let ended = both(&takahashi, company, &end);
    assert_eq!(ended["does"], serde_json::json!(["Patent Office begins new keys by itself no more"]));
    assert!(rotators(&case).is_empty());
    for admin in [company, &takahashi] {
        admin.fails(1, "this needs two admins", begin);
    }
    let begun = both(company, &takahashi, &begin);
    assert!(begun["does"].to_string().contains("lets Patent Office begin new keys by itself"), "{begun}");
    assert_eq!(rotators(&case), ["Patent Office"]);
    company.fails(1, "may begin new keys here already", begin);
    // It ends with the last who reads for it, in the same record.
    let over = both(company, &takahashi, &["space", "role", "鈴木", "writer"]);
    assert!(over["does"].to_string().contains("Patent Office begins new keys by itself no more"), "{over}");
    assert!(rotators(&case).is_empty());
    for admin in [company, &takahashi] {
        admin.ok(["check"]);
    }
}

/// Somebody leaves an organisation whose key two admins have named: it begins new keys, and neither of them has to do anything.
fn begins_new_keys_by_itself(delegated_as: &[&str]) {
    let Shared { case, takahashi, suzuki, sato, kept_by_sato } = Shared::new(delegated_as, &[]);
    let (office, company) = (&case.office.founder, &case.company.founder);
    assert_eq!(rotators(&case), ["Patent Office"]);
    let cards = cards_of_two(company, &takahashi, "cards", &[]);
    let before = head(company).as_u64().unwrap();
    let removed = office.ok(["space", "remove", "佐藤", "--json"]).json();
    assert_eq!(removed["rotated"].as_array().unwrap().len(), 1, "{removed}");
    assert_eq!(removed["due"], serde_json::json!([]));
    assert_eq!(head(company), before + 2, "what Suzuki says, and what the key begins");
    let listed = company.ok(["list"]);
    assert!(!listed.err.contains("has new keys"), "{listed:?}");

    // Whoever may read reads, and the cards open it.
    suzuki.ok(["list"]);
    case.company.put(&suzuki, "evidence", "by the office");
    for home in [company, &takahashi] {
        assert_eq!(content(home, "latest:evidence", "late"), b"by the office");
    }
    case.company.put(&takahashi, "evidence", "when she had gone");
    assert_eq!(content(&suzuki, "latest:evidence", "after"), b"when she had gone");
    assert_eq!(content(&suzuki, "evidence:1", "early"), b"while she was there");
    if let Some((cards, _)) = &cards {
        company.ok(with_cards(&["recovery", "drill"], cards));
    }
    // That key signs alone; nobody else does.
    assert_eq!(company.ok(["space", "admins", "--json"]).json()["needed"], 2);
    for admin in [company, &takahashi] {
        admin.fails(1, "this needs two admins", ["space", "rotate"]);
        admin.ok(["check"]);
    }
    sato.fails(1, "only an admin", ["space", "rotate"]);
    closed_to(sato, &kept_by_sato, case);
}

#[test]
fn a11_where_two_admins_sign_an_organisation_begins_new_keys_by_the_key_that_both_have_named() {
    begins_new_keys_by_itself(&[]);
}

#[test]
fn a11_where_two_admins_sign_an_organisation_that_is_one_of_them_begins_new_keys_by_its_key_too() {
    begins_new_keys_by_itself(&["--role", "admin"]);
}

#[test]
fn a11_where_two_admins_sign_and_have_named_no_key_both_begin_new_keys_and_nobody_of_it_seals_before() {
    let Shared { case, takahashi, suzuki, sato, kept_by_sato } = Shared::new(&[], &["--no-rotation"]);
    let (office, company) = (&case.office.founder, &case.company.founder);
    assert!(rotators(&case).is_empty());
    let removed = office.ok(["space", "remove", "佐藤", "--json"]).json();
    assert_eq!(removed["rotated"], serde_json::json!([]));
    assert_eq!(removed["due"].as_array().unwrap().len(), 2, "{removed}");
    let work = suzuki.beside("work");
    suzuki.fails(1, "nothing was sealed", ["deposit", work.to_str().unwrap(), "--series", "evidence", "--reread"]);
    for admin in [company, &takahashi] {
        let told = admin.fails(1, "this needs two admins", ["space", "rotate"]);
        assert!(told.err.contains("Patent Office has new keys"), "{told:?}");
    }
    both(company, &takahashi, &["space", "rotate"]);
    let listed = company.ok(["list"]);
    assert!(!listed.err.contains("has new keys"), "{listed:?}");
    case.company.put(&takahashi, "evidence", "when she had gone");
    assert_eq!(content(&suzuki, "latest:evidence", "after"), b"when she had gone");
    case.company.put(&suzuki, "evidence", "by the office");
    assert_eq!(content(company, "latest:evidence", "late"), b"by the office");
    closed_to(sato, &kept_by_sato, case);
}

#[test]
fn a11_where_no_key_is_named_an_admin_of_the_organisation_proposes_the_new_keys() {
    let Shared { case, takahashi, suzuki, sato, kept_by_sato } = Shared::new(&["--role", "admin"], &["--no-rotation"]);
    let (office, company) = (&case.office.founder, &case.company.founder);
    let removed = office.run(["space", "remove", "佐藤", "--json"]).json();
    assert_eq!((&removed["name"], &removed["rotated"]), (&"佐藤".into(), &serde_json::json!([])));
    assert_eq!(removed["due"].as_array().unwrap().len(), 2, "{removed}");
    let work = suzuki.beside("work");
    suzuki.fails(1, "nothing was sealed", ["deposit", work.to_str().unwrap(), "--series", "evidence", "--reread"]);
    suzuki.fails(1, "this needs two admins", ["space", "rotate"]);
    let begun = both(&suzuki, &takahashi, &["space", "rotate"]);
    assert!(begun["does"].to_string().contains("begins new keys"), "{begun}");
    case.company.put(company, "evidence", "when she had gone");
    assert_eq!(content(&suzuki, "latest:evidence", "after"), b"when she had gone");
    case.company.put(&suzuki, "evidence", "by the office");
    assert_eq!(content(&takahashi, "latest:evidence", "late"), b"by the office");
    let again = office.ok(["office", "rotate", "--json"]).json();
    let nothing = serde_json::json!({ "delegated": 0, "revoked": 0, "rotated": [], "waits": [], "left": [] });
    assert_eq!(again, nothing);
    closed_to(sato, &kept_by_sato, case);
}

#[test]
fn whoever_comes_by_cards_beside_his_old_home_says_that_he_is_there_once_the_week_has_passed() {
    let Some(clock) = FalseClock::there() else { return };
    let (mut firm, sato) = agreed();
    let Some((cards, _)) = cards_of_two(&firm.founder, &sato, "cards", &[]) else { return };
    let new = at_that_time(&mut firm, &clock, A_WEEK_AGO, || comes_beside(&clock, &sato, &cards));
    let founder = &firm.founder;
    let before = head(founder).as_u64().unwrap();
    new.fails(1, "this needs two admins", ["recovery", "machine"]);
    assert_eq!(head(founder), before + 1, "what he says under his key makes him a member");
    both(&new, founder, &["recovery", "machine", "--machine", "beside"]);
    new.ok(["recovery", "machine"]);
    // The lost identity goes with its machines, and the new home's own one is not among them.
    both(&new, founder, &["space", "remove", "佐藤"]);
    firm.put(&new, "drawings", "by the new home");
    assert_eq!(content(founder, "latest:drawings", "out"), b"by the new home");
    for home in [founder, &new] {
        home.ok(["check"]);
    }
}

#[test]
fn whoever_comes_by_cards_beside_his_old_home_removes_the_lost_identity_and_seats_the_machine_anew() {
    let Some(clock) = FalseClock::there() else { return };
    let home = Home::new();
    let folder = home.beside("work");
    fs::write(folder.join("KX-204.dxf"), "before it was lost").unwrap();
    home.deposit(&folder, "drawings");
    let to = home.folder.path().join("cards");
    home.ok(["recovery", "make", "--to", to.to_str().unwrap()]);
    let (Some(one), Some(other)) = (read_off(&to.join("card-1.pdf")), read_off(&to.join("card-3.pdf"))) else { return };
    let new = comes_beside(&clock, &home, &[one, other]);
    let cards = new.folder.path().join("cards");
    new.ok(["recovery", "make", "--replace", "--to", cards.to_str().unwrap()]);
    let members = new.ok(["space", "members", "--json"]).json();
    new.ok(["space", "remove", members["members"][0]["own"]["key"].as_str().unwrap()]);
    new.ok(["recovery", "machine"]);
    assert_eq!(content(&new, "latest:drawings", "out"), b"before it was lost");
    new.deposit(&folder, "drawings");
    new.ok(["check"]);
}

/// The same where the keeper is elsewhere, and lets the machine in no more once the lost identity is removed with all its machines.
#[test]
fn whoever_comes_by_cards_beside_his_old_home_reaches_a_keeper_that_has_locked_out_the_machine_of_before() {
    let Some(clock) = FalseClock::there() else { return };
    let mut firm = Firm::new();
    let sato = firm.let_in("佐藤", &["--role", "admin", "--history"]);
    let to = sato.folder.path().join("cards");
    sato.ok(["recovery", "make", "--to", to.to_str().unwrap()]);
    let (Some(one), Some(other)) = (read_off(&to.join("card-1.pdf")), read_off(&to.join("card-3.pdf"))) else { return };
    let new = at_that_time(&mut firm, &clock, A_WEEK_AGO, || comes_beside(&clock, &sato, &[one, other]));
    firm.founder.ok(["space", "remove", "佐藤"]);
    new.fails(1, "does not let this machine in", ["list"]);
    new.ok(["recovery", "machine"]);
    // Keys that were begun while he waited are closed to him, as he is told.
    let told = new.run(["list"]);
    assert!(told.err.contains("is closed to you, who read this safe"), "{told:?}");
    firm.founder.ok(["space", "grant", keys(&firm.founder).last().unwrap()]);
    firm.put(&firm.founder, "drawings", "for whoever came back");
    assert_eq!(content(&new, "latest:drawings", "out"), b"for whoever came back");
    firm.put(&new, "drawings", "by the new machine");
    assert_eq!(content(&firm.founder, "latest:drawings", "out"), b"by the new machine");
    new.ok(["check"]);
}

#[test]
fn a11_where_no_key_is_named_and_two_sign_the_admins_are_told_though_the_organisation_has_an_admin() {
    let Shared { case, takahashi, suzuki, sato, kept_by_sato } = Shared::new(&["--role", "admin"], &["--no-rotation"]);
    let (office, company) = (&case.office.founder, &case.company.founder);
    let removed = office.ok(["space", "remove", "佐藤", "--json"]).json();
    assert_eq!(removed["rotated"], serde_json::json!([]));
    for admin in [company, &takahashi] {
        let listed = admin.ok(["list"]);
        assert!(listed.err.contains("Patent Office has new keys"), "{listed:?}");
    }
    let again = office.ok(["office", "rotate", "--json"]).json();
    assert_eq!(again["waits"].as_array().unwrap().len(), 1, "{again}");
    both(company, &takahashi, &["space", "rotate"]);
    case.company.put(company, "evidence", "when she had gone");
    assert_eq!(content(&suzuki, "latest:evidence", "after"), b"when she had gone");
    closed_to(sato, &kept_by_sato, case);
}
