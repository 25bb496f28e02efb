//! Several people share a safe over one keeper: they come by words that are compared, read what they were given, and go.

use std::fs;
use std::path::Path;

use hizo_ledger::id::RootHash;
use hizo_ledger::record::Seen;
use serde_json::Value;

use crate::keeper::Process;
use crate::kit::{Home, Said, assert_same, said, tree};
use crate::liar::{Answer, Liar};

/// A safe at a keeper elsewhere, with one deposit by its founder.
pub(crate) struct Firm {
    pub(crate) founder: Home,
    pub(crate) keeper: Process,
}

impl Firm {
    pub(crate) fn new() -> Self {
        Self::at(|keeper| (keeper.url().to_owned(), ())).0
    }

    /// The same, at a keeper behind somebody who may lie.
    pub(crate) fn behind() -> (Self, Liar) {
        Self::at(|keeper| {
            let liar = Liar::before(&keeper.address());
            (liar.address.clone(), liar)
        })
    }

    fn at<T>(place: impl FnOnce(&Process) -> (String, T)) -> (Self, T) {
        let founder = Home::unmade();
        let keeper = Process::start(&founder.folder.path().join("data"));
        let (address, more) = place(&keeper);
        founder.ok(["init", "--name", "山田金型", "--keeper", &address]);
        founder.make_cheap();
        let firm = Self { founder, keeper };
        firm.put(&firm.founder, "drawings", "before anybody came");
        (firm, more)
    }

    /// Deposits a folder that holds one file with this content.
    pub(crate) fn put(&self, home: &Home, series: &str, content: &str) -> Value {
        let folder = home.beside("work");
        fs::write(folder.join("KX-204.dxf"), content).unwrap();
        home.deposit_with(&folder, series, &["--reread"])
    }

    /// An invite by the founder, in a file of its own.
    pub(crate) fn invite(&self, name: &str) -> std::path::PathBuf {
        let path = self.founder.folder.path().join(format!("invite for {name}"));
        let _ = fs::remove_file(&path);
        self.founder.ok(["space", "invite", "--to", path.to_str().unwrap()]);
        path
    }

    /// What somebody sends back, and the words he reads out.
    pub(crate) fn ask(&self, home: &Home, name: &str, more: &[&str]) -> (std::path::PathBuf, String) {
        let (invite, request) = (self.invite(name), home.folder.path().join("request"));
        let mut arguments = vec!["space", "join", invite.to_str().unwrap(), "--name", name, "--json"];
        arguments.extend(["--to", request.to_str().unwrap()]);
        arguments.extend(more);
        let words = home.ok(arguments).json()["words"].as_str().unwrap().to_owned();
        home.make_cheap();
        (request, words)
    }

    pub(crate) fn admit(&self, request: &Path, words: &str, more: &[&str]) -> Said {
        let mut arguments = vec!["space", "admit", request.to_str().unwrap(), "--words", words, "--json"];
        arguments.extend(more);
        self.founder.run(arguments)
    }

    /// Somebody new, let in with these settings.
    pub(crate) fn let_in(&self, name: &str, more: &[&str]) -> Home {
        let home = Home::unmade();
        let (request, words) = self.ask(&home, name, &[]);
        let said = self.admit(&request, &words, more);
        assert_eq!(said.code, Some(0), "{said:?}");
        home.ok(["space", "join", "--words", said.json()["words"].as_str().unwrap()]);
        home
    }

    /// Somebody new, whom the founder and another admin let in together.
    pub(crate) fn let_in_by_two(&self, name: &str, other: &Home) -> Home {
        let home = Home::unmade();
        let (request, words) = self.ask(&home, name, &[]);
        let act = ["space", "admit", request.to_str().unwrap(), "--words", &words];
        let (proposal, _) = crate::two_admins::propose(&self.founder, &act);
        let said = crate::two_admins::agree(other, &proposal);
        assert_eq!(said.code, Some(0), "{said:?}");
        // Whoever signs second has the words for the newcomer, whatever is added to the safe before he types them.
        self.put(&self.founder, "drawings", "meanwhile");
        home.ok(["space", "join", "--words", said.json()["words"].as_str().unwrap()]);
        home
    }

    /// Where the keeper's data lie.
    pub(crate) fn data(&self) -> std::path::PathBuf {
        self.founder.folder.path().join("data")
    }

    pub(crate) fn roles(&self) -> Vec<(String, String, usize)> {
        let listed = self.founder.ok(["space", "members", "--json"]).json();
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let members = listed["members"].as_array().unwrap().iter();
        members
            .map(|member| {
                let machines = member["machines"].as_array().unwrap().len();
                (text(&member["name"]), text(&member["own"]["role"]), machines)
            })
            .collect()
    }
}

/// What each act of `hizo space` prints as JSON.
pub(crate) fn every_act_as_json() -> Vec<(&'static str, Value)> {
    let (firm, sato) = (Firm::new(), Home::unmade());
    let path = |home: &Home, name: &str| home.folder.path().join(name).to_str().unwrap().to_owned();
    let (invite, request) = (path(&firm.founder, "invite"), path(&sato, "request"));
    let mut told = Vec::new();
    let mut say = |home: &Home, command: &'static str, more: &[&str]| {
        let said = home.ok(command.split(' ').chain(more.iter().copied()).chain(["--json"])).json();
        told.push((command, said.clone()));
        said
    };
    say(&firm.founder, "space invite", &["--to", &invite]);
    let asked = say(&sato, "space join", &[&invite, "--name", "佐藤", "--to", &request]);
    let admitted = say(&firm.founder, "space admit", &[&request, "--words", asked["words"].as_str().unwrap()]);
    say(&sato, "space join", &["--words", admitted["words"].as_str().unwrap()]);
    for (command, more) in [
        ("space members", &[][..]),
        ("space grant", &["佐藤"]),
        ("space role", &["佐藤", "reader"]),
        ("space head", &[]),
        ("space admins", &[]),
        ("space role", &["佐藤", "admin"]),
    ] {
        say(&firm.founder, command, more);
    }
    let proposal = path(&firm.founder, "proposal");
    let agree = [proposal.as_str(), "--yes"];
    for (command, more) in [("space admins", "2"), ("space admins", "1")] {
        say(&firm.founder, command, &[more, "--propose", &proposal]);
        say(&sato, "space agree", &agree);
        fs::remove_file(&proposal).unwrap();
    }
    say(&firm.founder, "space due", &[]);
    let prepared = say(&firm.founder, "space remove", &["佐藤", "--at", "2099-03-31T09:00Z"])["prepared"].clone();
    say(&firm.founder, "space remove", &["--prepared"]);
    say(&firm.founder, "space remove", &["--withdraw", prepared.as_str().unwrap()]);
    say(&firm.founder, "space remove", &["佐藤"]);
    told
}

#[test]
fn somebody_who_comes_reads_what_is_kept_from_then_on_and_nothing_before() {
    let firm = Firm::new();
    let sato = firm.let_in("佐藤", &[]);
    // Everybody is told who else is there, and what the safe is called.
    let listed = sato.ok(["list", "--json"]).json();
    assert_eq!((listed["safe"].as_str(), listed["unreadable"].as_array().unwrap().len()), (Some("山田金型"), 0));
    sato.fails(1, "made before you came", ["show", "latest:drawings"]);
    let second = firm.put(&firm.founder, "drawings", "after Sato came");
    sato.fails(1, "made before you came", ["restore", "drawings:1", "--to", "nowhere"]);
    let restored = sato.restore("latest:drawings", "out");
    assert_eq!(fs::read(restored.join("KX-204.dxf")).unwrap(), b"after Sato came");
    assert_eq!(second["number"], 2);
    let early = &firm.founder.deposits()["drawings"][0];
    sato.fails(1, "made before you came", ["show", early]);
    sato.ok(["check"]);
    // And deposits into the same series; the founder reads it.
    firm.put(&sato, "drawings", "by Sato");
    let restored = firm.founder.restore("latest:drawings", "out");
    assert_same(&tree(&sato.beside("work")), &tree(&restored));
    assert_eq!(firm.founder.deposits().len(), 1);
    firm.founder.ok(["check"]);
}

#[test]
fn somebody_who_is_given_history_reads_what_was_kept_before() {
    let firm = Firm::new();
    let sato = firm.let_in("佐藤", &["--history"]);
    let restored = sato.restore("drawings:1", "out");
    assert_eq!(fs::read(restored.join("KX-204.dxf")).unwrap(), b"before anybody came");
    assert_eq!(sato.ok(["list", "--json"]).json()["before"], 0);
    // One who got none is given it later.
    let tanaka = firm.let_in("田中", &[]);
    assert_eq!(tanaka.ok(["list", "--json"]).json()["before"], 1);
    firm.founder.ok(["space", "grant", "田中"]);
    assert_eq!(tanaka.ok(["list", "--json"]).json()["before"], 0);
    tanaka.restore("drawings:1", "out");
    let read = firm.founder.ok(["space", "remove", "田中", "--dry-run", "--json"]).json();
    assert_eq!(read["could_read"][0]["deposits"], serde_json::json!([1]));
}

#[test]
fn a05_words_that_differ_let_nobody_in_and_leave_everything_as_it_was() {
    let firm = Firm::new();
    let (sato, mallory) = (Home::unmade(), Home::unmade());
    let (request, words) = firm.ask(&sato, "佐藤", &[]);
    // Somebody puts his own request in place of the one that was sent.
    let (other, _) = firm.ask(&mallory, "佐藤", &[]);
    let before = firm.roles();
    let said = firm.admit(&other, &words, &[]);
    assert_eq!((said.code, said.out.as_str()), (Some(5), ""), "{said:?}");
    assert!(said.err.contains("the words are not the same"));
    // Or his own machine into it.
    let mut mixed: Value = serde_json::from_slice(&fs::read(&request).unwrap()).unwrap();
    let theirs: Value = serde_json::from_slice(&fs::read(&other).unwrap()).unwrap();
    mixed["device"] = theirs["device"].clone();
    fs::write(&other, format!("{mixed}\n")).unwrap();
    assert_eq!(firm.admit(&other, &words, &[]).code, Some(3));
    fs::write(&other, "{}").unwrap();
    assert_eq!(firm.admit(&other, &words, &[]).code, Some(3));
    assert_eq!(firm.roles(), before);
    // Nobody finishes before he is let in, nor by other words than the admin's.
    sato.fails(1, "does not let this machine in", ["space", "join", "--words", "abandon"]);
    sato.fails(1, "there is no safe", ["list"]);
    let said = firm.admit(&request, &words, &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    sato.fails(5, "the words are not the same", ["space", "join", "--words", &words]);
    sato.fails(1, "there is no safe", ["list"]);
    sato.ok(["space", "join", "--words", said.json()["words"].as_str().unwrap()]);
    sato.ok(["list"]);
}

#[test]
fn a05_an_invite_to_another_safe_is_found_by_the_words() {
    let (firm, false_firm) = (Firm::new(), Firm::new());
    let sato = Home::unmade();
    // Whoever carries the invite puts his own safe in, and lets everybody in.
    let (request, words) = false_firm.ask(&sato, "佐藤", &[]);
    let said = false_firm.admit(&request, &words, &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    // The admin whom Sato knows gets a request that is not for his safe, and reads no words out.
    assert_eq!(firm.admit(&request, &words, &[]).code, Some(1));
    let honest = firm.founder.ok(["space", "head", "--json"]).json()["words"].as_str().unwrap().to_owned();
    sato.fails(5, "the words are not the same", ["space", "join", "--words", &honest]);
}

#[test]
fn whoever_is_removed_opens_nothing_that_comes_later_and_is_let_in_no_more() {
    let firm = Firm::new();
    let (sato, tanaka) = (firm.let_in("佐藤", &[]), firm.let_in("田中", &[]));
    firm.put(&firm.founder, "drawings", "while all were there");
    sato.restore("latest:drawings", "early");
    let removed = firm.founder.ok(["space", "remove", "佐藤", "--reason", "left the firm", "--json"]).json();
    assert_eq!(removed["could_read"][0]["deposits"], serde_json::json!([2]));
    assert_eq!(removed["keys"].as_array().unwrap().len(), 2);
    firm.put(&firm.founder, "drawings", "after Sato left");
    for act in [["list", "--json"], ["restore", "latest:drawings"], ["check", "--json"]] {
        let said = sato.run(act.into_iter().chain(["--quiet"]));
        assert_ne!(said.code, Some(0), "{said:?}");
    }
    let folder = sato.beside("work");
    sato.fails(1, "does not let this machine in", ["deposit", folder.to_str().unwrap(), "--series", "drawings"]);
    // The others go on as before, and what they deposit goes on with what there was.
    let restored = tanaka.restore("latest:drawings", "out");
    assert_eq!(fs::read(restored.join("KX-204.dxf")).unwrap(), b"after Sato left");
    let names: Vec<_> = firm.roles().into_iter().map(|(name, ..)| name).collect();
    assert!(!names.contains(&"佐藤".to_owned()) && names.contains(&"田中".to_owned()), "{names:?}");
    firm.founder.fails(1, "nobody is called", ["space", "remove", "佐藤"]);
}

#[test]
fn a_role_is_what_a_member_may_do() {
    let firm = Firm::new();
    let reader = firm.let_in("読む人", &["--role", "reader", "--history"]);
    let writer = firm.let_in("預ける人", &["--role", "writer"]);
    reader.restore("latest:drawings", "out");
    let folder = reader.beside("work");
    let deposit = ["deposit", folder.to_str().unwrap(), "--series", "drawings"];
    assert_ne!(reader.run(deposit).code, Some(0));
    firm.put(&writer, "photos", "a photo");
    writer.fails(1, "opens nothing in the safe", ["list"]);
    let photos = &firm.founder.deposits()["photos"];
    assert_eq!(photos.len(), 1);
    // And changes with it.
    firm.founder.ok(["space", "role", "読む人", "writer"]);
    firm.founder.ok(["space", "role", "預ける人", "admin", "--history"]);
    firm.put(&reader, "drawings", "now I deposit");
    assert_ne!(reader.run(["restore", "latest:drawings", "--to", "nowhere"]).code, Some(0));
    let restored = writer.restore("latest:drawings", "out");
    assert_eq!(fs::read(restored.join("KX-204.dxf")).unwrap(), b"now I deposit");
    // An admin who came later does what the founder does, the founder's removal included.
    let listed = firm.roles();
    let founder = listed.iter().find(|(_, role, _)| role == "admin").unwrap();
    assert_eq!(founder.0, "-");
    let members = writer.ok(["space", "members", "--json"]).json();
    let key = members["members"][0]["own"]["key"].as_str().unwrap().to_owned();
    writer.ok(["space", "remove", &key]);
    writer.fails(1, "only admin", ["space", "role", "預ける人", "reader"]);
    writer.ok(["check"]);
    assert_ne!(firm.founder.run(["list"]).code, Some(0));
}

#[test]
fn a_person_adds_a_machine_and_loses_one() {
    let firm = Firm::new();
    let sato = firm.let_in("佐藤", &[]);
    let second = Home::unmade();
    let identity = sato.path.join("identity.age");
    let (request, _) = firm.ask(&second, "佐藤", &["--machine", "notebook", "--identity", identity.to_str().unwrap()]);
    let said = firm.admit(&request, "", &[]);
    assert_eq!((said.code, said.json()["known"].as_bool()), (Some(0), Some(true)), "{said:?}");
    second.ok(["space", "join", "--words", said.json()["words"].as_str().unwrap()]);
    firm.put(&second, "drawings", "from the notebook");
    sato.restore("latest:drawings", "out");
    assert_eq!(firm.roles().iter().find(|(name, ..)| name == "佐藤").unwrap().2, 2);
    assert_eq!(firm.admit(&request, "", &[]).code, Some(1), "it is there already");
    firm.founder.ok(["space", "remove", "佐藤", "--machine", "notebook", "--reason", "stolen"]);
    let folder = second.beside("work");
    second.fails(1, "does not let this machine in", ["deposit", folder.to_str().unwrap(), "--series", "drawings"]);
    sato.ok(["list"]);
    firm.put(&sato, "drawings", "the first machine goes on");
}

#[test]
fn an_admin_who_came_without_history_can_do_what_admins_do() {
    let firm = Firm::new();
    let cards = firm.founder.folder.path().join("cards");
    firm.founder.ok(["recovery", "make", "--to", cards.to_str().unwrap()]);
    let sato = firm.let_in("佐藤", &["--role", "admin"]);
    let tanaka = firm.let_in("田中", &[]);
    // He begins an epoch for the others and for the cards that were made before he came.
    sato.ok(["space", "remove", "田中"]);
    assert_ne!(tanaka.run(["list"]).code, Some(0));
    firm.put(&sato, "drawings", "after all that");
    let restored = firm.founder.restore("latest:drawings", "out");
    assert_eq!(fs::read(restored.join("KX-204.dxf")).unwrap(), b"after all that");
    let files: Vec<_> = fs::read_dir(&cards).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!files.is_empty());
    sato.ok(["check"]);
}

#[test]
fn joining_that_was_begun_goes_on_with_the_same_words() {
    let firm = Firm::new();
    let sato = Home::unmade();
    let (request, words) = firm.ask(&sato, "佐藤", &[]);
    fs::remove_file(&request).unwrap();
    let (again, same) = firm.ask(&sato, "佐藤", &[]);
    assert_eq!((again, same.as_str()), (request.clone(), words.as_str()));
    let said = firm.admit(&request, &words, &[]);
    // Somebody else adds to the safe before he finishes: the words are those of his own record.
    firm.put(&firm.founder, "drawings", "meanwhile");
    sato.ok(["space", "join", "--words", said.json()["words"].as_str().unwrap()]);
    sato.fails(1, "was not begun", ["space", "join", "--words", &words]);
    let invite = firm.invite("again");
    sato.fails(1, "there is a safe", ["space", "join", invite.to_str().unwrap(), "--name", "x", "--to", "y"]);
}

#[test]
fn words_are_told_and_removals_said_also_where_the_keeper_promises_nothing() {
    let (firm, liar) = Firm::behind();
    let sato = Home::unmade();
    let (request, words) = firm.ask(&sato, "佐藤", &[]);
    liar.refuses(|asked| asked.path.ends_with("/receipt").then(|| Answer::new(404, "")));
    let said = firm.admit(&request, &words, &[]);
    assert_eq!(said.code, Some(3), "{said:?}");
    sato.ok(["space", "join", "--words", said.json()["words"].as_str().unwrap()]);
    let said = firm.founder.run(["space", "remove", "佐藤", "--json"]);
    assert_eq!((said.code, said.json()["name"].as_str()), (Some(3), Some("佐藤")), "{said:?}");
    liar.is_honest();
    assert!(!firm.roles().iter().any(|(name, ..)| name == "佐藤"));
}

#[test]
fn a_passphrase_that_was_drawn_is_shown_before_anything_can_fail_and_a_wrong_one_settles_nothing() {
    let (firm, sato) = (Firm::new(), Home::unmade());
    let (invite, taken) = (firm.invite("佐藤"), sato.folder.path().join("taken"));
    fs::write(&taken, "somebody's letter").unwrap();
    let mut join = sato.writer_command();
    join.args(["space", "join", invite.to_str().unwrap(), "--name", "佐藤", "--to", taken.to_str().unwrap()]);
    let said = said(&mut join);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(fs::read(&taken).unwrap(), b"somebody's letter");
    let shown = said.err.lines().find_map(|line| line.strip_prefix("    ")).unwrap();
    fs::write(sato.passphrase_file(), format!("{shown}\n")).unwrap();
    let request = sato.folder.path().join("request");
    let arguments = ["space", "join", invite.to_str().unwrap(), "--name", "佐藤", "--json", "--to"];
    let asked = sato.ok(arguments.into_iter().chain([request.to_str().unwrap()])).json();
    let admitted = firm.admit(&request, asked["words"].as_str().unwrap(), &[]).json();
    let finish = ["space", "join", "--words", admitted["words"].as_str().unwrap()];
    fs::write(sato.passphrase_file(), "another one\n").unwrap();
    sato.fails(1, "the passphrase does not open", finish);
    sato.fails(1, "there is no safe", ["list"]);
    fs::write(sato.passphrase_file(), format!("{shown}\n")).unwrap();
    sato.ok(finish);
    sato.ok(["list"]);
}

#[test]
fn a_member_who_is_no_admin_comes_back_with_his_identity_and_reads_without_a_record() {
    let firm = Firm::new();
    let sato = firm.let_in("Sato", &["--history"]);
    let identity = sato.folder.path().join("identity.age");
    fs::copy(sato.path.join("identity.age"), &identity).unwrap();
    fs::remove_dir_all(&sato.path).unwrap();
    let head = || firm.founder.ok(["space", "head", "--json"]).json()["record"].clone();
    let (invite, before) = (firm.invite("Sato's new machine"), head());
    let act = ["recovery", "use", "--emergency", invite.to_str().unwrap(), "--identity", identity.to_str().unwrap()];
    sato.ok(act);
    assert_eq!(head(), before, "nobody was made a member");
    let restored = sato.restore("latest:drawings", "back");
    assert_eq!(fs::read(restored.join("KX-204.dxf")).unwrap(), b"before anybody came");
    let folder = sato.beside("work");
    fs::write(folder.join("more"), "more").unwrap();
    let deposit = ["deposit", folder.to_str().unwrap(), "--series", "drawings"];
    assert_ne!(sato.run(deposit).code, Some(0), "the machine is no member");
    // Whoever is removed reads no more, however he came back.
    firm.founder.ok(["space", "remove", "Sato"]);
    sato.fails(1, "does not let this machine in", ["list"]);
}

#[test]
fn a16_a_head_that_a_member_had_seen_and_this_log_never_had_is_found_when_the_safe_is_checked() {
    let firm = Firm::new();
    let sato = firm.let_in("佐藤", &["--history"]);
    firm.put(&sato, "drawings", "by another machine");
    firm.founder.ok(["check"]);
    let seeds = crate::certificates::owner(&sato).signing_seed;
    // Another root with as many leaves, and more leaves than there are.
    for (size, byte) in [(1, 7), (1_000, 8)] {
        let mut insider = crate::forge::Insider::at(&sato, &firm.data());
        let seen = Seen { size, root: RootHash::from_bytes([byte; 32]) };
        insider.has_seen(&seeds, seen);
        let told = firm.founder.run(["check"]);
        assert_eq!(told.code, Some(3), "{told:?}");
        assert!(told.err.contains("shows two logs") || told.out.contains("shows two logs"), "{told:?}");
    }
}
