//! Organisations are members of a safe: by delegations of one key, whose words are compared once, and read by their own space.

use std::fs;
use std::path::{Path, PathBuf};

use hizo_ledger::delegation::Delegation;
use hizo_ledger::record::{ClaimedTime, Control, Role};
use hizo_vault::age::Identity;
use hizo_vault::event::Event;
use hizo_vault::joining::UnverifiedRequest;
use hizo_vault::keys::{OrganisationSeed, RecoverySeed};
use hizo_vault::organisation::UnverifiedDelegatedRequest;
use serde_json::Value;

use crate::certificates::owner;
use crate::forge::{Drawn, Insider};
use crate::keeper::Process;
use crate::kit::{Dice, Home, PASSPHRASE, Said};
use crate::sharing::Firm;
use crate::two_admins::{agree, propose};

/// An office with a safe of its own, and a company that shares a case with it.
pub(crate) struct Case {
    pub(crate) company: Firm,
    pub(crate) office: Firm,
    /// The ten words of the office's key.
    pub(crate) words: String,
}

impl Case {
    pub(crate) fn new() -> Self {
        let (company, office) = (Firm::new(), Firm::new());
        let made = office.founder.ok(["office", "make", "--name", "Patent Office", "--name-ja", "特許庁", "--json"]);
        let words = made.json()["words"].as_str().unwrap().to_owned();
        Self { company, office, words }
    }

    /// Somebody of the office, with a safe of his there, asks to join the case; what comes of it when he is delegated.
    pub(crate) fn ask(&self, staff: &Home, name: &str, more: &[&str]) -> (Home, PathBuf) {
        let home = Home::unmade();
        let request = self.request(staff, &home, name);
        (home, self.delegate(&request, more))
    }

    fn request(&self, staff: &Home, home: &Home, name: &str) -> PathBuf {
        let (invite, request) = (self.company.invite(name), home.folder.path().join("request"));
        let (invite, to) = (invite.to_str().unwrap(), request.to_str().unwrap());
        let own = staff.path.to_str().unwrap();
        home.ok(["space", "join", invite, "--name", name, "--organisation", own, "--to", to]);
        request
    }

    fn delegate(&self, request: &Path, more: &[&str]) -> PathBuf {
        let to = fresh(request, "delegated");
        let arguments = ["office", "delegate", request.to_str().unwrap(), "--to", to.to_str().unwrap()];
        self.office.founder.ok(arguments.iter().chain(more));
        to
    }

    /// The same request, delegated by the office as it is told: such a file was sent at another time, or by an office that minds nothing.
    fn sign(&self, delegated: &Path, change: impl FnOnce(&mut Delegation)) -> PathBuf {
        let read = UnverifiedDelegatedRequest::parse(&fs::read(delegated).unwrap()).unwrap();
        let mut delegation = read.clone().verify().unwrap().delegation;
        change(&mut delegation);
        delegation.rotator = delegation.rotator.filter(|_| delegation.role.opens());
        let sealed = fs::read(self.office.founder.path.join("organisation.age")).unwrap();
        let key = OrganisationSeed::open(sealed, PASSPHRASE).unwrap().signing_key();
        let delegation = delegation.note(&key.sign(delegation.text().as_bytes())).unwrap();
        let to = fresh(delegated, "signed");
        fs::write(&to, UnverifiedDelegatedRequest { delegation, ..read }.compose()).unwrap();
        to
    }

    /// The register says the same delegations once more, from so many seconds from now on.
    pub(crate) fn say_later(&self, delegated: &[&Path], seconds: u64) {
        let from = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() + seconds;
        let note = |path: &&Path| {
            let later = self.sign(path, |said| said.not_before = ClaimedTime::from_unix_seconds(from).unwrap());
            Event::KeyDelegated {
                note: UnverifiedDelegatedRequest::parse(&fs::read(later).unwrap()).unwrap().delegation,
            }
        };
        let (office, events) = (&self.office.founder, delegated.iter().map(note).collect::<Vec<_>>());
        Insider::at(office, &self.office.data()).say(&owner(office).signing_seed, &events, Vec::new());
    }

    pub(crate) fn admit(&self, delegated: &Path, more: &[&str]) -> Said {
        let arguments = ["space", "admit", delegated.to_str().unwrap(), "--json"];
        self.company.founder.run(arguments.iter().chain(more))
    }

    /// Somebody of the office becomes a member of the case.
    pub(crate) fn let_in(&self, staff: &Home, name: &str, delegated_as: &[&str], more: &[&str]) -> (Home, PathBuf) {
        let (home, delegated) = self.ask(staff, name, delegated_as);
        let said = self.admit(&delegated, more);
        assert_eq!(said.code, Some(0), "{said:?}");
        home.ok(["space", "join", "--words", said.json()["words"].as_str().unwrap()]);
        (home, delegated)
    }

    /// The office's founder, who acts for it in the case.
    pub(crate) fn suzuki(&self, delegated_as: &[&str]) -> (Home, PathBuf) {
        self.let_in(&self.office.founder, "鈴木", delegated_as, &["--words", &self.words])
    }

    /// Takes back what the office has delegated to the holder of a case home; the file that says so.
    pub(crate) fn revoke(&self, home: &Home) -> PathBuf {
        let listed = self.office.founder.ok(["office", "list", "--json"]).json();
        let good = listed["delegations"].as_array().unwrap().iter().find(|entry| entry["state"] == "good").unwrap();
        let to = fresh(&home.path, "revocation");
        let key = good["key"].as_str().unwrap();
        self.office.founder.ok(["office", "revoke", key, "--to", to.to_str().unwrap()]);
        to
    }

    pub(crate) fn members(&self) -> Vec<Value> {
        self.company.founder.ok(["space", "members", "--json"]).json()["members"].as_array().unwrap().clone()
    }
}

/// A file beside another one, which is not there.
fn fresh(beside: &Path, name: &str) -> PathBuf {
    let path = beside.with_file_name(name);
    let _ = fs::remove_file(&path);
    path
}

pub(crate) fn content(home: &Home, deposit: &str, to: &str) -> Vec<u8> {
    fs::read(home.restore(deposit, to).join("KX-204.dxf")).unwrap()
}

/// What each act of `hizo office`, and of `hizo space` for an organisation, prints as JSON.
pub(crate) fn every_act_as_json() -> Vec<(&'static str, Value)> {
    let case = Case::new();
    let office = &case.office.founder;
    let path = |name: &str| office.folder.path().join(name).to_str().unwrap().to_owned();
    let (home, _) = case.suzuki(&[]);
    let request = home.folder.path().join("request");
    let key = office.ok(["office", "list", "--json"]).json()["delegations"][0]["key"].as_str().unwrap().to_owned();
    let mut told = Vec::new();
    let mut say = |home: &Home, command: &'static str, more: &[&str]| {
        told.push((command, home.ok(command.split(' ').chain(more.iter().copied()).chain(["--json"])).json()));
    };
    say(office, "office card", &["--to", &path("card")]);
    say(office, "office delegate", &[request.to_str().unwrap(), "--to", &path("delegated")]);
    say(office, "office list", &[]);
    say(office, "office rotate", &[]);
    say(&case.company.founder, "space rotate", &[]);
    say(&case.company.founder, "space rotator", &["鈴木", "--end"]);
    say(office, "office revoke", &[&key, "--to", &path("revocation")]);
    say(&case.company.founder, "space revoke", &[&path("revocation")]);
    let other = Home::new();
    say(&other, "office make", &["--name", "Centre"]);
    told
}

#[test]
fn whoever_reads_the_organisations_own_space_reads_what_is_sealed_for_it() {
    let case = Case::new();
    let (suzuki, _) = case.suzuki(&[]);
    case.company.put(&case.company.founder, "evidence", "for the office");
    assert_eq!(content(&suzuki, "latest:evidence", "out"), b"for the office");
    case.company.put(&suzuki, "evidence", "by the office");
    assert_eq!(content(&case.company.founder, "latest:evidence", "out"), b"by the office");
    let member = case.members().into_iter().find(|member| member["name"] == "鈴木").unwrap();
    assert_eq!(member["organisation"], "Patent Office");
    let said = case.company.founder.ok(["space", "members"]);
    assert!(said.out.contains("鈴木  for Patent Office  reader+writer"), "{said:?}");

    // Somebody comes to the office, and is given its epochs. The company hears no words, and seals nothing anew.
    let sato = case.office.let_in("佐藤", &["--history"]);
    let epochs = |home: &Home| fs::read_to_string(home.path.join("notes")).unwrap().matches("\nwrap ").count();
    case.company.founder.ok(["list"]);
    let before = epochs(&case.company.founder);
    let (sato, _) = case.let_in(&sato, "佐藤", &[], &[]);
    case.company.founder.ok(["list"]);
    assert_eq!(epochs(&case.company.founder), before);
    assert_eq!(content(&sato, "evidence:1", "first"), b"for the office");
    case.company.put(&case.company.founder, "evidence", "for both");
    assert_eq!(content(&sato, "latest:evidence", "second"), b"for both");
    assert_eq!(content(&suzuki, "latest:evidence", "second"), b"for both");

    // Without the home of the own space, the identity alone opens nothing of the case.
    fs::remove_file(sato.path.join("organisation.home")).unwrap();
    sato.fails(1, "opens nothing in the safe", ["list"]);
    case.company.founder.ok(["check"]);
}

#[test]
fn whoever_left_the_organisation_opens_nothing_once_what_is_due_was_delegated_again() {
    let case = Case::new();
    let office = &case.office.founder;
    let (suzuki, _) = case.suzuki(&[]);
    let staff = case.office.let_in("佐藤", &["--history"]);
    let (sato, _) = case.let_in(&staff, "佐藤", &[], &[]);
    let kept_by_sato = staff.copy();
    case.company.put(&case.company.founder, "evidence", "while she was there");
    assert_eq!(content(&sato, "latest:evidence", "before"), b"while she was there");
    // The organisation's key is elsewhere that day: else the removal would do all of it.
    let (key, away) = (office.path.join("organisation.age"), office.path.join("away"));
    fs::rename(&key, &away).unwrap();
    let removed = office.ok(["space", "remove", "佐藤", "--json"]).json();
    fs::rename(&away, &key).unwrap();
    assert_eq!(removed["due"].as_array().unwrap().len(), 2, "{removed}");
    let listed = office.ok(["office", "list"]);
    assert_eq!(listed.out.matches("  due\n").count(), 2, "{listed:?}");
    assert!(listed.err.contains("this safe has new keys since"), "{listed:?}");
    case.company.put(&case.company.founder, "evidence", "before it was delegated again");

    let again = case.delegate(&suzuki.folder.path().join("request"), &[]);
    let said = case.admit(&again, &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    case.company.put(&case.company.founder, "evidence", "when she had gone");
    assert_eq!(content(&suzuki, "latest:evidence", "after"), b"when she had gone");
    assert_eq!(content(&suzuki, "evidence:1", "early"), b"while she was there");
    let states: Vec<_> = office.ok(["office", "list", "--json"]).json()["delegations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["name"].clone(), entry["state"].clone()))
        .collect();
    assert!(
        states.iter().any(|(_, state)| state == "good") && states.iter().any(|(_, state)| state == "due"),
        "{states:?}"
    );
    // She is still a member there, and has what opened the office's safe when she left: of a keeper that does not answer, at hand.
    let pointer = format!("{}\n", kept_by_sato.path.display());
    fs::write(sato.path.join("organisation.home"), pointer).unwrap();
    let Case { company: _company, office: Firm { keeper, .. }, .. } = case;
    drop(keeper);
    assert_eq!(content(&sato, "evidence:2", "between"), b"before it was delegated again");
    sato.fails(1, "was not given to this identity", ["restore", "latest:evidence", "--to", "nowhere"]);
}

/// The last epoch of a home's safe, and to how many it is sealed.
fn last_epoch(home: &Home) -> (usize, usize) {
    home.ok(["list"]);
    let notes = fs::read_to_string(home.path.join("notes")).unwrap();
    let last = notes.lines().filter_map(|line| line.strip_prefix("wrap ")).next_back().unwrap();
    let [epoch, _, bytes] = last.split(' ').collect::<Vec<_>>()[..] else { panic!("{last}") };
    let secret_bytes = "AGE-SECRET-KEY-PQ-1".len() + 59;
    let is_for = |readers: &usize| hizo_vault::age::sealed_bytes(secret_bytes, *readers).to_string() == bytes;
    (epoch.parse().unwrap(), (1..10).find(is_for).unwrap())
}

fn earlier(delegation: &mut Delegation) {
    delegation.not_before = ClaimedTime::from_unix_seconds(delegation.not_before.unix_seconds() - 60).unwrap();
}

/// A recipient whose secret somebody has who left.
fn of_somebody_else() -> Option<String> {
    Some(Identity::generate(&mut Drawn(Dice::new(7))).recipient().to_string())
}

#[test]
fn a11_a_delegation_that_does_not_count_is_not_let_in_and_nothing_is_sealed_by_it() {
    let case = Case::new();
    let (suzuki, delegated) = case.suzuki(&[]);
    let founder = &case.company.founder;
    let (before, members) = (last_epoch(founder), case.members());
    let refused = |file: &Path, why: &str| {
        let said = case.admit(file, &[]);
        assert!(said.code == Some(1) && said.err.contains(why), "{said:?}");
        assert_eq!((last_epoch(founder), case.members()), (before, members.clone()), "{why}");
    };
    let late = case.sign(&delegated, |delegation| {
        earlier(delegation);
        delegation.recipient = of_somebody_else();
    });
    refused(&late, "another delegation of that person counts");
    let early = case.sign(&delegated, |delegation| delegation.not_before = delegation.not_after);
    refused(&early, "another delegation of that person counts");
    let less = case.sign(&delegated, |delegation| (delegation.role, delegation.recipient) = (Role::Writer, None));
    refused(&less, "it had delegated less");
    case.company.put(founder, "evidence", "still for the office");
    assert_eq!(content(&suzuki, "latest:evidence", "out"), b"still for the office");
    // What was taken back does not come in again, with whatever recipient, nor with its member who was removed.
    let revocation = case.revoke(&suzuki);
    founder.ok(["space", "revoke", revocation.to_str().unwrap()]);
    let again = case.sign(&delegated, |delegation| delegation.recipient = of_somebody_else());
    refused(&again, "taken the delegation back");
    founder.ok(["space", "remove", "鈴木"]);
    let said = case.admit(&again, &["--words", &case.words]);
    assert!(said.code == Some(1) && said.err.contains("taken the delegation back"), "{said:?}");
}

#[test]
fn an_organisation_in_which_nobody_may_read_is_sealed_nothing_when_a_delegation_is_renewed() {
    let case = Case::new();
    let (home, delegated) = case.ask(&case.office.founder, "鈴木", &[]);
    let said = case.admit(&delegated, &["--words", &case.words, "--role", "writer"]);
    home.ok(["space", "join", "--words", said.json()["words"].as_str().unwrap()]);
    let before = last_epoch(&case.company.founder);
    let renewed = case.sign(&delegated, |delegation| delegation.recipient = of_somebody_else());
    assert_eq!(case.admit(&renewed, &[]).code, Some(0));
    assert_eq!(last_epoch(&case.company.founder), before);
}

/// Somebody comes second for an organisation that has new keys since: the safe is sealed to these alone from then on.
fn new_keys_take_the_place_of_the_old_ones(history: &[&str], opens_first: bool) {
    let case = Case::new();
    let (founder, (suzuki, delegated)) = (&case.company.founder, case.ask(&case.office.founder, "鈴木", &[]));
    let first = case.sign(&delegated, earlier);
    let said = case.admit(&first, &["--words", &case.words]);
    suzuki.ok(["space", "join", "--words", said.json()["words"].as_str().unwrap()]);
    assert_eq!(last_epoch(founder), (1, 2), "the founder and the office");
    // She comes to the office without history, which has it begin an epoch.
    let staff = case.office.let_in("佐藤", &[]);
    let (sato, _) = case.let_in(&staff, "佐藤", &[], history);
    assert_eq!(last_epoch(founder), (2, 2));
    case.company.put(founder, "evidence", "for both");
    assert_eq!(content(&sato, "latest:evidence", "out"), b"for both");
    assert_eq!(content(&suzuki, "latest:evidence", "out"), b"for both");
    let to = sato.folder.path().join("first");
    let first = sato.run(["restore", "drawings:1", "--to", to.to_str().unwrap()]);
    assert_eq!(first.code == Some(0), opens_first, "{first:?}");
}

#[test]
fn whoever_comes_second_with_new_keys_of_the_organisation_replaces_the_old_ones() {
    new_keys_take_the_place_of_the_old_ones(&[], false);
}

#[test]
fn whoever_comes_second_with_new_keys_and_history_replaces_the_old_ones_all_the_same() {
    new_keys_take_the_place_of_the_old_ones(&["--history"], true);
}

#[test]
fn an_organisation_whose_own_safe_has_moved_reads_on_and_is_led_to_the_home_that_has_to_follow() {
    let case = Case::new();
    let (suzuki, _) = case.suzuki(&[]);
    let staff = case.office.let_in("佐藤", &["--history"]);
    let (sato, _) = case.let_in(&staff, "佐藤", &[], &[]);
    case.company.put(&case.company.founder, "evidence", "before it moved");
    let office = &case.office.founder;
    let new = Process::start(&office.folder.path().join("new"));
    office.ok(["move", "--to", new.url()]);
    assert_eq!(content(&sato, "latest:evidence", "before"), b"before it moved");
    // It has new keys there, and the company seals to these.
    case.office.let_in("田中", &[]);
    office.ok(["space", "remove", "田中"]);
    let again = case.delegate(&suzuki.folder.path().join("request"), &[]);
    let admitted = case.admit(&again, &[]);
    assert_eq!(admitted.code, Some(0), "{admitted:?}");
    case.company.put(&case.company.founder, "evidence", "after it moved");
    assert_eq!(content(&suzuki, "latest:evidence", "after"), b"after it moved");
    assert_eq!(content(&sato, "evidence:1", "first"), b"before it moved");
    let told = sato.fails(1, "was not given to this identity", ["restore", "latest:evidence", "--to", "nowhere"]);
    let folder = staff.path.display();
    assert!(told.err.contains(&format!("own safe in {folder} has moved")), "{told:?}");
    assert!(told.err.contains(&format!("hizo move --follow --home {folder}")), "{told:?}");
    staff.ok(["move", "--follow"]);
    assert_eq!(content(&sato, "latest:evidence", "after"), b"after it moved");
}

#[test]
fn a_newcomer_without_history_is_told_for_whom_the_others_act() {
    let case = Case::new();
    let (suzuki, _) = case.suzuki(&[]);
    let tanaka = case.company.let_in("田中", &["--role", "admin"]);
    let said = tanaka.ok(["space", "members"]);
    assert!(said.out.contains("鈴木  for Patent Office"), "{said:?}");
    // And seals to the office, in an epoch that he begins.
    tanaka.ok(["space", "role", "鈴木", "reader"]);
    case.company.put(&tanaka, "evidence", "by Tanaka");
    assert_eq!(content(&suzuki, "latest:evidence", "out"), b"by Tanaka");
}

#[test]
fn a05_another_organisations_key_is_found_by_its_words_and_a_changed_request_by_itself() {
    let (case, other) = (Case::new(), Case::new());
    let (_home, delegated) = case.ask(&case.office.founder, "鈴木", &[]);
    let before = case.members();
    let said = case.admit(&delegated, &["--words", &other.words]);
    assert_eq!((said.code, said.out.as_str()), (Some(5), ""), "{said:?}");
    // Whoever carries it puts his own organisation in, which delegates nothing of this.
    let text = fs::read_to_string(&delegated).unwrap();
    let card = fs::read_to_string(other.office.founder.path.join("organisation.card")).unwrap();
    let own = fs::read_to_string(case.office.founder.path.join("organisation.card")).unwrap();
    let changed = fresh(&delegated, "changed");
    fs::write(&changed, text.replace(own.trim_end(), card.trim_end())).unwrap();
    let said = case.admit(&changed, &["--words", &other.words]);
    assert_eq!(said.code, Some(3), "{said:?}");
    // More than was delegated is not given.
    let said = case.admit(&delegated, &["--words", &case.words, "--role", "admin"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(case.members(), before);
    // A stranger to the office is not delegated.
    let stranger = Firm::new();
    let home = Home::unmade();
    let request = case.request(&stranger.founder, &home, "誰か");
    let to = fresh(&request, "delegated");
    let arguments = ["office", "delegate", request.to_str().unwrap(), "--to", to.to_str().unwrap()];
    case.office.founder.fails(1, "nobody who reads this safe has the identity", arguments);
    assert!(!to.exists());
}

#[test]
fn a11_what_somebody_adds_after_his_delegation_was_taken_back_is_refused_aloud() {
    let case = Case::new();
    let (suzuki, delegated) = case.suzuki(&[]);
    case.company.put(&suzuki, "evidence", "while delegated");
    let revocation = case.revoke(&suzuki);
    case.company.founder.ok(["space", "revoke", revocation.to_str().unwrap()]);
    case.company.founder.fails(1, "said here already", ["space", "revoke", revocation.to_str().unwrap()]);
    // The machine opens no delegation, and the keeper knows of none.
    case.company.put(&suzuki, "evidence", "after it");
    let founder = &case.company.founder;
    let listed = founder.fails(3, "cannot be read", ["list"]);
    assert!(listed.err.contains("is refused") && listed.err.contains("taken the delegation back"), "{listed:?}");
    founder.fails(3, "might not act for an organisation", ["restore", "evidence:2", "--to", "nowhere"]);
    founder.fails(3, "cannot be read", ["restore", "latest:evidence", "--to", "nowhere"]);
    assert_eq!(content(founder, "evidence:1", "out"), b"while delegated");
    assert_eq!(founder.run(["check"]).code, Some(3));
    suzuki.fails(3, "you may not act for Patent Office here now", ["list"]);
    // Delegated anew, he goes on; what was refused stays refused.
    assert_eq!(case.admit(&delegated, &[]).code, Some(1), "the same delegation says nothing new");
    let again = case.delegate(&suzuki.folder.path().join("request"), &["--days", "30"]);
    let said = case.admit(&again, &[]);
    assert_eq!((said.code, said.json()["known"].as_bool()), (Some(0), Some(true)), "{said:?}");
    case.company.put(&suzuki, "evidence", "delegated anew");
    assert_eq!(content(founder, "latest:evidence", "anew"), b"delegated anew");
    founder.fails(3, "might not act for an organisation", ["restore", "evidence:2", "--to", "nowhere"]);
}

#[test]
fn an_admin_of_an_organisation_who_replaces_cards_reads_by_his_organisation_alone() {
    let case = Case::new();
    let (suzuki, _) = case.suzuki(&["--role", "admin"]);
    let cards = |name: &str| suzuki.folder.path().join(name).to_str().unwrap().to_owned();
    suzuki.ok(["recovery", "make", "--to", &cards("first")]);
    let (before, _) = last_epoch(&case.company.founder);
    suzuki.ok(["recovery", "make", "--replace", "--to", &cards("second")]);
    assert_eq!(last_epoch(&case.company.founder), (before + 1, 3), "the founder, the office and the cards");
    case.company.put(&case.company.founder, "evidence", "with new cards");
    assert_eq!(content(&suzuki, "latest:evidence", "out"), b"with new cards");
}

#[test]
fn an_admin_of_an_organisation_signs_second_what_begins_new_keys_for_it() {
    let case = Case::new();
    let (suzuki, _) = case.suzuki(&["--role", "admin"]);
    let founder = &case.company.founder;
    let tanaka = case.company.let_in("田中", &[]);
    let (rule, _) = propose(founder, &["space", "admins", "2"]);
    assert_eq!(agree(&suzuki, &rule).code, Some(0));
    let (file, _) = propose(founder, &["space", "remove", "田中"]);
    let said = agree(&suzuki, &file);
    assert!(said.code == Some(0) && said.json()["does"].to_string().contains("removes 田中"), "{said:?}");
    case.company.put(founder, "evidence", "when he had gone");
    assert_eq!(content(&suzuki, "latest:evidence", "out"), b"when he had gone");
    assert_ne!(tanaka.run(["list"]).code, Some(0));
}

/// A case whose office had an admin in it, and took that back.
fn with_an_admin_who_is_none() -> (Case, Home) {
    let case = Case::new();
    let (suzuki, _) = case.suzuki(&["--role", "admin"]);
    let revocation = case.revoke(&suzuki);
    case.company.founder.ok(["space", "revoke", revocation.to_str().unwrap()]);
    suzuki.fails(1, "has not delegated this role", ["space", "role", "鈴木", "reader"]);
    // What he would add is refused by everybody, and so by his own program first.
    let cards = suzuki.folder.path().join("cards");
    let refused = "you may not act for Patent Office here now";
    suzuki.fails(1, refused, ["recovery", "make", "--to", cards.to_str().unwrap()]);
    assert!(!cards.join("card-1.pdf").exists());
    (case, suzuki)
}

/// A client that goes on all the same: the keeper cannot know, and all others do.
fn lets_in_all_the_same(case: &Case, by: &Home, request: &Path) {
    let request = UnverifiedRequest::parse(&fs::read(request).unwrap()).unwrap().verify().unwrap();
    let came = [(&request.person, Role::ReaderWriter), (&request.device, Role::Writer)];
    let seats = came.iter().flat_map(|(certificate, role)| {
        let (member, session) = (certificate.key, certificate.session.unwrap());
        [Control::Member { key: member, role: *role }, Control::Session { member, session }]
    });
    let certified = [&request.said.person, &request.said.device].map(|said| Event::KeyCertified(said.clone()));
    Insider::at(by, &case.company.data()).say(&owner(by).signing_seed, &certified, seats.collect());
}

#[test]
fn a14_whoever_is_let_in_by_somebody_without_a_delegation_is_an_alarm_until_both_have_gone() {
    let (case, suzuki) = with_an_admin_who_is_none();
    let (mallory, founder) = (Home::unmade(), &case.company.founder);
    let (request, words) = case.company.ask(&mallory, "誰か", &[]);
    suzuki.fails(1, "you may not act", ["space", "admit", request.to_str().unwrap(), "--words", &words]);
    lets_in_all_the_same(&case, &suzuki, &request);
    founder.fails(5, "changes who is a member", ["list"]);
    // Nobody says who the newcomer is, so that he goes first, and his machine with him.
    founder.fails(1, "Remove that member first", ["space", "remove", "鈴木"]);
    let notes = fs::read_to_string(founder.path.join("notes")).unwrap();
    let last = notes.rsplit("hizo/record/v1").next().unwrap();
    let came = |role: &str| {
        let key = last.lines().find_map(|line| line.strip_prefix("member ")?.strip_suffix(role));
        key.unwrap().to_owned()
    };
    for key in [came(" reader+writer"), came(" writer")] {
        founder.ok(["space", "remove", &key_name(&key)]);
        founder.fails(5, "changes who is a member", ["list"]);
    }
    founder.ok(["space", "remove", "鈴木"]);
    case.company.put(founder, "evidence", "when both have gone");
    assert_eq!(content(founder, "latest:evidence", "out"), b"when both have gone");
}

#[test]
fn a11_a14_no_safe_is_moved_by_somebody_without_a_delegation_and_none_past_an_alarm() {
    let (case, suzuki) = with_an_admin_who_is_none();
    suzuki.fails(1, "has not delegated this role", ["move", "--here"]);
    let (mallory, founder) = (Home::unmade(), &case.company.founder);
    let (request, _) = case.company.ask(&mallory, "誰か", &[]);
    lets_in_all_the_same(&case, &suzuki, &request);
    founder.fails(5, "changes who is a member", ["move", "--here"]);
    // Nor when the keeper is gone, as far as this machine can tell.
    let address = case.company.keeper.address();
    drop(case.company.keeper);
    founder.fails(5, "changes who is a member", ["move", "--here", "--without-the-missing"]);
    let _keeper = Process::start_at(&founder.folder.path().join("data"), &address);
    founder.fails(5, "changes who is a member", ["list"]);
}

#[test]
fn a13_cards_by_somebody_without_a_delegation_open_nothing_that_comes_later() {
    let (case, suzuki) = with_an_admin_who_is_none();
    let (founder, seed) = (&case.company.founder, RecoverySeed::from_bytes(&[5; 32]));
    let (key, cards) = (seed.signing_key().verifying_key(), seed.identity());
    let made = Event::RecoveryMade {
        key: key.to_base64(),
        recipient: cards.recipient().to_string(),
        set: "two words".into(),
        cards: 3,
        needed: 2,
    };
    let mut insider = Insider::at(&suzuki, &case.company.data());
    insider.say(&owner(&suzuki).signing_seed, &[made], vec![Control::Recovery(Some(key))]);
    founder.fails(5, "changes who is a member", ["list"]);
    founder.ok(["space", "remove", "鈴木"]);
    // He has gone, and is told of until other cards are in the place of his.
    founder.fails(3, "nothing of it believed", ["list"]);
    let wrap = fs::read_to_string(founder.path.join("notes")).unwrap();
    let mut bytes =
        wrap.lines().filter_map(|line| line.strip_prefix("wrap ")?.rsplit(' ').next()?.parse::<usize>().ok());
    let one_reader = hizo_vault::age::sealed_bytes("AGE-SECRET-KEY-PQ-1".len() + 59, 1);
    assert_eq!(bytes.next_back(), Some(one_reader), "the founder alone");
}

#[test]
fn the_register_says_nothing_that_no_file_hands_out() {
    let case = Case::new();
    let office = &case.office.founder;
    let home = Home::unmade();
    let request = case.request(office, &home, "鈴木");
    let there = request.to_str().unwrap();
    let listed = || office.ok(["office", "list", "--json"]).json()["delegations"].clone();
    office.fails(1, "is there already", ["office", "delegate", there, "--to", there]);
    assert_eq!(listed(), Value::Array(Vec::new()));
    case.delegate(&request, &[]);
    let delegated = listed();
    office.fails(1, "is there already", ["office", "revoke", delegated[0]["key"].as_str().unwrap(), "--to", there]);
    assert_eq!(listed(), delegated);
}

#[test]
fn an_organisation_whose_card_is_lost_keeps_its_key() {
    let home = Home::new();
    let make = |name: &'static str| ["office", "make", "--name", name, "--name-ja", "特許庁", "--json"];
    let words = home.ok(make("Patent Office")).json()["words"].clone();
    home.fails(1, "is an organisation's already", make("Patent Office"));
    let (key, card) = (home.path.join("organisation.age"), home.path.join("organisation.card"));
    let (sealed, written) = (fs::read(&key).unwrap(), fs::read(&card).unwrap());
    fs::remove_file(&card).unwrap();
    home.fails(1, "`hizo office make` with the same names", ["office", "list"]);
    assert_eq!(home.ok(make("Patent Office")).json()["words"], words);
    assert_eq!((fs::read(&key).unwrap(), fs::read(&card).unwrap()), (sealed, written));
    // A key that does not open is not replaced either.
    fs::remove_file(&card).unwrap();
    fs::write(&key, b"damaged").unwrap();
    home.fails(1, "does not open", make("Patent Office"));
    assert_eq!((fs::read(&key).unwrap(), card.exists()), (b"damaged".to_vec(), false));
}

/// The name of a key, as people are told it.
fn key_name(key: &str) -> String {
    use base64::Engine as _;
    use sha2::Digest as _;
    let key = base64::engine::general_purpose::STANDARD.decode(key).unwrap();
    crate::kit::hex(&sha2::Sha256::digest(key)[..8])
}
