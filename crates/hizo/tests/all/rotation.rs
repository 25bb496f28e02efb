//! A rotation that is cut short, wherever: it adds before it drops, and is done again.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hizo_keeper::log::ReceiptSigner;
use hizo_ledger::id::{RecordId, Slot};
use hizo_ledger::log::Leaf;
use hizo_ledger::record::Origin;

use crate::certificates::owner;
use crate::forge::Insider;
use crate::keeper::Process;
use crate::kit::{Home, Said};
use crate::kit::{assert_same, tree};
use crate::liar::{Answer, Liar};
use crate::organisations::{Case, content};
use crate::sharing::Firm;
use crate::two_admins;

/// From the request of this number on the keeper does not do what it is asked.
fn fails_from(liar: &Liar, number: usize) -> Arc<AtomicUsize> {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    liar.refuses(move |_| (count.fetch_add(1, Ordering::Relaxed) >= number).then(|| Answer::new(500, "not now\n")));
    asked
}

#[test]
fn a37_a_rotation_that_is_cut_short_at_any_request_loses_nothing_and_is_done_again() {
    let (firm, liar) = Firm::behind();
    let sato = firm.let_in("佐藤", &["--role", "reader+writer", "--history"]);
    let suzuki = firm.let_in("鈴木", &["--role", "reader+writer", "--history"]);
    let remove = ["space", "remove", "鈴木"];
    firm.put(&firm.founder, "drawings", "before somebody left");
    for number in 0.. {
        let asked = fails_from(&liar, number);
        let said = firm.founder.run(remove);
        liar.is_honest();
        // Whether or not it was made: whoever stays reads all of it.
        let read = sato.restore("latest:drawings", &format!("{number}"));
        assert_same(&tree(&firm.founder.beside("work")), &tree(&read));
        if said.out.contains("is removed") {
            break;
        }
        assert!(said.code == Some(4) && asked.load(Ordering::Relaxed) > number, "{said:?}");
    }
    firm.put(&firm.founder, "drawings", "after somebody left");
    let read = sato.restore("latest:drawings", "after");
    assert_same(&tree(&firm.founder.beside("work")), &tree(&read));
    suzuki.fails(1, "does not let this machine in", ["list"]);
}

/// The states of an office's delegations, in some order.
fn states(office: &Home) -> Vec<String> {
    let listed = office.ok(["office", "list", "--json"]).json();
    let states = listed["delegations"].as_array().unwrap().iter();
    let mut states: Vec<_> = states.map(|entry| entry["state"].as_str().unwrap().to_owned()).collect();
    states.sort_unstable();
    states
}

fn put(home: &Home, content: &str) -> Said {
    let folder = home.beside("work");
    fs::write(folder.join("KX-204.dxf"), content).unwrap();
    home.run(["deposit", folder.to_str().unwrap(), "--series", "evidence", "--reread"])
}

#[test]
fn a11_who_is_removed_from_an_organisation_reads_nothing_new_in_any_safe_that_it_rotates() {
    let case = Case::new();
    let (office, company) = (&case.office.founder, &case.company.founder);
    let (suzuki, _) = case.suzuki(&["--role", "admin"]);
    let staff = case.office.let_in("佐藤", &["--history"]);
    let (sato, _) = case.let_in(&staff, "佐藤", &[], &[]);
    let kept_by_sato = staff.copy();
    case.company.put(company, "evidence", "while she was there");
    assert_eq!(content(&sato, "latest:evidence", "before"), b"while she was there");
    assert_eq!(content(&suzuki, "latest:evidence", "before"), b"while she was there");

    let removed = office.ok(["space", "remove", "佐藤", "--json"]).json();
    assert_eq!(removed["rotated"].as_array().unwrap().len(), 1, "{removed}");
    assert_eq!(removed["due"], serde_json::json!([]));
    assert_eq!(states(office), ["good", "revoked"]);
    let again = office.ok(["office", "rotate", "--json"]).json();
    let nothing = serde_json::json!({ "delegated": 0, "revoked": 0, "rotated": [], "waits": [], "left": [] });
    assert_eq!(again, nothing);

    // The company has done nothing, and its safe has new keys.
    let listed = company.ok(["list"]);
    assert!(!listed.err.contains("has new keys"), "{listed:?}");
    case.company.put(company, "evidence", "when she had gone");
    assert_eq!(content(&suzuki, "latest:evidence", "after"), b"when she had gone");
    assert_eq!(content(&suzuki, "evidence:1", "early"), b"while she was there");
    assert_eq!(content(company, "evidence:1", "early"), b"while she was there");
    case.company.put(&suzuki, "evidence", "by the office");
    assert_eq!(content(company, "latest:evidence", "late"), b"by the office");
    closed_to(sato, &kept_by_sato, case);
}

/// She is still a member there, and has what opened the office's safe when she left: of a keeper that does not answer, at hand.
pub(crate) fn closed_to(sato: Home, kept_by_sato: &Home, case: Case) {
    let pointer = format!("{}\n", kept_by_sato.path.display());
    fs::write(sato.path.join("organisation.home"), pointer).unwrap();
    let Case { company: _company, office: Firm { keeper, .. }, .. } = case;
    drop(keeper);
    assert_eq!(content(&sato, "evidence:1", "between"), b"while she was there");
    sato.fails(1, "was not given to this identity", ["restore", "evidence:2", "--to", "nowhere"]);
}

/// Two of an office that begins no keys where they are let in; of what the second has of the office's own safe there is a copy.
struct TwoOfTheOffice {
    suzuki: Home,
    staff: Home,
    sato: Home,
    kept_by_sato: Home,
}

impl TwoOfTheOffice {
    fn let_in(case: &Case) -> Self {
        let (suzuki, _) = case.let_in(&case.office.founder, "鈴木", &[], &["--words", &case.words, "--no-rotation"]);
        let staff = case.office.let_in("佐藤", &["--history"]);
        let (sato, _) = case.let_in(&staff, "佐藤", &[], &[]);
        let kept_by_sato = staff.copy();
        Self { suzuki, staff, sato, kept_by_sato }
    }
}

#[test]
fn a11_where_an_organisation_is_no_admin_the_admins_are_told_and_nobody_of_it_seals_anything_before() {
    let case = Case::new();
    let (office, company) = (&case.office.founder, &case.company.founder);
    let TwoOfTheOffice { suzuki, staff: _staff, sato, kept_by_sato } = TwoOfTheOffice::let_in(&case);
    case.company.put(company, "evidence", "while she was there");
    suzuki.ok(["list"]);
    sato.ok(["list"]);
    let removed = office.ok(["space", "remove", "佐藤", "--json"]).json();
    assert_eq!(removed["rotated"], serde_json::json!([]));
    assert_eq!(removed["due"].as_array().unwrap().len(), 2, "{removed}");
    suzuki.fails(1, "only an admin", ["space", "rotate"]);
    let refused = put(&suzuki, "too early");
    assert!(refused.code == Some(1) && refused.err.contains("nothing was sealed"), "{refused:?}");

    let listed = company.ok(["list"]);
    assert!(listed.err.contains("Patent Office has new keys"), "{listed:?}");
    company.ok(["space", "rotate"]);
    let listed = company.ok(["list"]);
    assert!(!listed.err.contains("has new keys"), "{listed:?}");
    case.company.put(company, "evidence", "when she had gone");
    assert_eq!(content(&suzuki, "latest:evidence", "after"), b"when she had gone");
    assert_eq!(put(&suzuki, "by the office").code, Some(0));
    assert_eq!(content(company, "latest:evidence", "late"), b"by the office");
    let again = office.ok(["office", "rotate", "--json"]).json();
    assert_eq!(again["waits"], serde_json::json!([]));
    closed_to(sato, &kept_by_sato, case);
}

#[test]
fn a11_nobody_who_has_seen_that_an_organisation_has_new_keys_seals_to_the_old_ones_unasked() {
    let case = Case::new();
    let (office, company) = (&case.office.founder, &case.company.founder);
    let TwoOfTheOffice { suzuki, staff: _staff, sato, kept_by_sato } = TwoOfTheOffice::let_in(&case);
    let tanaka = case.company.let_in("田中", &[]);
    case.company.put(company, "evidence", "while she was there");
    sato.ok(["list"]);
    suzuki.ok(["list"]);
    office.ok(["space", "remove", "佐藤"]);

    // He is no admin, and has seen it: nothing is sealed unless he says so.
    assert!(tanaka.ok(["list"]).err.contains("Patent Office has new keys"));
    let head = || tanaka.ok(["space", "head", "--json"]).out;
    let before = head();
    let refused = put(&tanaka, "it can wait");
    assert!(refused.code == Some(1) && refused.err.contains("nothing was sealed"), "{refused:?}");
    assert!(refused.err.contains("hizo space rotate") && refused.err.contains("--though-due"), "{refused:?}");
    assert_eq!(head(), before);
    let folder = tanaka.beside("work");
    fs::write(folder.join("KX-204.dxf"), "it cannot wait").unwrap();
    tanaka.ok(["deposit", folder.to_str().unwrap(), "--series", "urgent", "--though-due"]);

    // An admin who has seen it begins the new keys by his next deposit.
    assert!(company.ok(["list"]).err.contains("Patent Office has new keys"));
    let sealed = put(company, "when she had gone");
    assert!(sealed.code == Some(0) && sealed.err.contains("this safe has new ones now, too"), "{sealed:?}");
    assert!(!company.ok(["list"]).err.contains("has new keys"));
    assert_eq!(put(&tanaka, "when she had gone").code, Some(0), "he waits no longer");
    assert_eq!(content(&suzuki, "evidence:2", "after"), b"when she had gone");
    closed_to(sato, &kept_by_sato, case);
}

/// Which organisations may begin new keys in the company's safe.
pub(crate) fn rotators(case: &Case) -> Vec<String> {
    let members = case.company.founder.ok(["space", "members", "--json"]).json();
    let rotators = members["rotators"].as_array().unwrap().iter();
    rotators.map(|rotator| rotator["organisation"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a11_an_organisation_that_is_no_admin_begins_new_keys_by_the_key_that_an_admin_has_named() {
    let case = Case::new();
    let (office, company) = (&case.office.founder, &case.company.founder);
    let (suzuki, _) = case.suzuki(&[]);
    let staff = case.office.let_in("佐藤", &["--history"]);
    let (sato, _) = case.let_in(&staff, "佐藤", &[], &[]);
    let kept_by_sato = staff.copy();
    assert_eq!(rotators(&case), ["Patent Office"]);
    case.company.put(company, "evidence", "while she was there");
    suzuki.ok(["list"]);
    sato.ok(["list"]);
    let before = sato.copy();
    let removed = office.ok(["space", "remove", "佐藤", "--json"]).json();
    assert_eq!(removed["rotated"].as_array().unwrap().len(), 1, "{removed}");
    assert_eq!(removed["due"], serde_json::json!([]));
    // The keeper has promised to log what was said and what began; it is held to that when the safe is used next.
    let promised = || fs::read_dir(suzuki.path.join("receipts/due")).unwrap().count();
    assert_eq!(promised(), 2);
    suzuki.ok(["list"]);
    assert_eq!(promised(), 0);

    // Neither the company nor its machines had to do anything.
    assert_eq!(put(&suzuki, "by the office").code, Some(0));
    let listed = company.ok(["list"]);
    assert!(!listed.err.contains("has new keys"), "{listed:?}");
    assert_eq!(content(company, "latest:evidence", "late"), b"by the office");
    case.company.put(company, "evidence", "when she had gone");
    assert_eq!(content(&suzuki, "latest:evidence", "after"), b"when she had gone");
    assert_eq!(content(&suzuki, "evidence:1", "early"), b"while she was there");
    // She has no key by which she could shut herself in again.
    sato.fails(1, "only an admin", ["space", "rotate"]);
    company.ok(["check"]);
    drop(before);
    closed_to(sato, &kept_by_sato, case);
}

#[test]
fn a10_a_promise_that_was_broken_is_told_where_nothing_but_new_keys_ever_begins() {
    let case = Case::new();
    let office = &case.office.founder;
    let (suzuki, _) = case.suzuki(&[]);
    case.office.let_in("佐藤", &["--history"]);
    case.office.let_in("田中", &["--history"]);
    office.ok(["space", "remove", "佐藤"]);
    // A record that the keeper had signed to log long ago, and that nobody sees any more.
    let seed = fs::read_to_string(case.company.data().join("log.key")).unwrap();
    let seed = std::array::from_fn(|at| u8::from_str_radix(&seed[2 * at..2 * at + 2], 16).unwrap());
    let facts: serde_json::Value = serde_json::from_slice(&fs::read(suzuki.path.join("safe.json")).unwrap()).unwrap();
    let origin = Origin::parse(facts["keeper"].as_str().unwrap()).unwrap();
    let record = RecordId::from_bytes([7; 32]);
    let leaf = Leaf { slot: Slot::of(&[1; 32], 1), record };
    let receipt = ReceiptSigner::new(&origin, &seed).unwrap().sign(&origin, leaf, 1_700_000_000, false).unwrap();
    fs::write(suzuki.path.join(format!("receipts/due/{record}.note")), receipt).unwrap();
    let removed = office.run(["space", "remove", "田中", "--json"]);
    assert_eq!(removed.code, Some(5), "{removed:?}");
    assert!(removed.err.contains("the keeper broke its promise"), "{removed:?}");
    assert_eq!(removed.json()["rotated"].as_array().unwrap().len(), 1, "it is done all the same: {removed:?}");
    office.fails(5, "the keeper broke its promise", ["office", "rotate"]);
}

#[test]
fn the_key_of_an_organisation_ends_with_the_last_who_reads_for_it_and_by_an_admins_word() {
    let case = Case::new();
    let company = &case.company.founder;
    case.suzuki(&[]);
    let staff = case.office.let_in("佐藤", &["--history"]);
    case.let_in(&staff, "佐藤", &[], &[]);
    company.ok(["space", "remove", "佐藤"]);
    assert_eq!(rotators(&case), ["Patent Office"]);
    company.fails(1, "may begin new keys here already", ["space", "rotator", "鈴木"]);
    company.ok(["space", "rotator", "鈴木", "--end"]);
    assert!(rotators(&case).is_empty());
    company.fails(1, "begins no new keys here", ["space", "rotator", "鈴木", "--end"]);
    company.ok(["space", "rotator", "鈴木"]);
    assert_eq!(rotators(&case), ["Patent Office"]);
    company.ok(["space", "role", "鈴木", "writer"]);
    assert!(rotators(&case).is_empty());
    company.ok(["check"]);
}

#[test]
fn a11_a_machine_that_has_not_seen_new_keys_begin_seals_nothing_for_an_organisation_that_somebody_left() {
    let case = Case::new();
    let (office, company) = (&case.office.founder, &case.company.founder);
    // Whoever holds the organisation's key is no member of the case; others are, on machines of their own.
    let (tanaka, sato) = (case.office.let_in("田中", &["--history"]), case.office.let_in("佐藤", &["--history"]));
    let (desk, _) = case.let_in(&tanaka, "田中", &["--role", "admin"], &["--words", &case.words]);
    case.let_in(&sato, "佐藤", &[], &[]);
    assert_eq!(put(&desk, "before").code, Some(0));
    desk.ok(["list"]);
    let (key, away) = (office.path.join("organisation.age"), office.path.join("away"));
    fs::rename(&key, &away).unwrap();
    let removed = office.run(["space", "remove", "佐藤", "--json"]);
    assert_eq!(removed.code, Some(0), "{removed:?}");
    assert_eq!(removed.json()["due"].as_array().unwrap().len(), 2, "{removed:?}");
    office.fails(1, "the key of the organisation is not in this home", ["office", "rotate"]);
    let heads = || desk.ok(["space", "head", "--json"]).json();
    let before = heads();
    let refused = put(&desk, "too early");
    assert!(refused.code == Some(1) && refused.err.contains("nothing was sealed"), "{refused:?}");
    desk.fails(1, "has not delegated you anew", ["space", "rotate"]);
    // Nor by any other act, and not where the own space cannot be followed any more.
    desk.fails(1, "nothing was sealed", ["space", "role", "佐藤", "reader"]);
    let device = tanaka.path.join("device.key");
    fs::rename(&device, tanaka.path.join("gone")).unwrap();
    assert_eq!(deposit_without_passphrase(&desk).code, Some(1));
    fs::rename(tanaka.path.join("gone"), &device).unwrap();
    assert_eq!(heads(), before);

    fs::rename(&away, &key).unwrap();
    let rotated = office.ok(["office", "rotate", "--json"]).json();
    let said = serde_json::json!({ "delegated": 1, "revoked": 1, "rotated": [], "waits": [], "left": [] });
    assert_eq!(rotated, said);
    assert_eq!(deposit_without_passphrase(&desk).code, Some(1));
    desk.ok(["space", "rotate"]);
    assert_eq!(deposit_without_passphrase(&desk).code, Some(0));
    assert_eq!(states(office), ["good", "revoked"]);
    let listed = company.ok(["list"]);
    assert!(!listed.err.contains("has new keys"), "{listed:?}");
}

fn deposit_without_passphrase(home: &Home) -> Said {
    let folder = home.beside("work");
    crate::kit::said(home.writer_command().arg("deposit").arg(folder).args(["--series", "evidence", "--reread"]))
}

#[test]
fn what_could_not_be_rotated_is_named_and_done_later_by_whichever_command_comes_first() {
    let mut case = Case::new();
    let (suzuki, _) = case.suzuki(&["--role", "admin"]);
    case.office.let_in("佐藤", &["--history"]);
    suzuki.ok(["list"]);
    let (address, data) = (case.company.keeper.address(), case.company.data());
    case.company.keeper.end("-TERM");
    let office = &case.office.founder;
    let removed = office.run(["space", "remove", "佐藤", "--json"]);
    assert_eq!(removed.code, Some(4), "{removed:?}");
    let left = office.run(["office", "rotate"]);
    assert!(left.code == Some(4) && left.out.contains("has the keys of before"), "{left:?}");
    let keeper = Process::start_at(&data, &address);
    let deposited = put(&suzuki, "after");
    assert!(deposited.code == Some(0) && deposited.err.contains("this safe has new keys now"), "{deposited:?}");
    assert_eq!(office.ok(["office", "rotate", "--json"]).json()["rotated"], serde_json::json!([]));
    // A home that is gone stands in nobody's way.
    fs::remove_dir_all(&suzuki.path).unwrap();
    office.ok(["office", "rotate"]);
    drop(keeper);
}

#[test]
fn a_delegation_that_has_not_begun_is_taken_back_and_renewed_too() {
    let case = Case::new();
    let office = &case.office.founder;
    let (suzuki, delegated) = case.suzuki(&["--role", "admin"]);
    let staff = case.office.let_in("佐藤", &["--history"]);
    let (_sato, of_sato) = case.let_in(&staff, "佐藤", &[], &[]);
    // By a machine whose clock was ahead.
    case.say_later(&[&delegated, &of_sato], 86_400);
    assert_eq!(states(office), ["ended", "ended"]);
    // Until then nothing else counts in the case: that its keys are those of before is said, whoever has left.
    let removed = office.fails(1, "counts from", ["space", "remove", "佐藤", "--json"]);
    assert_eq!(removed.json()["name"], "佐藤");
    let left = office.fails(1, "counts from", ["office", "rotate", "--json"]);
    assert_eq!(left.json()["left"].as_array().unwrap().len(), 1, "{left:?}");
    assert_eq!(states(office), ["ended", "revoked"]);
    drop(suzuki);
}

#[test]
fn a11_in_the_second_of_a_delegation_a_removal_takes_everything_from_whoever_leaves() {
    let case = Case::new();
    let office = &case.office.founder;
    let (_suzuki, delegated) = case.suzuki(&["--role", "admin"]);
    let staff = case.office.let_in("佐藤", &["--history"]);
    case.let_in(&staff, "佐藤", &[], &[]);
    // Delegated once more just now: what is delegated by the removal begins a second behind that.
    case.say_later(&[&delegated], 1);
    let removed = office.ok(["space", "remove", "佐藤", "--json"]).json();
    assert_eq!(removed["rotated"].as_array().unwrap().len(), 1, "{removed}");
    assert!(removed["due"].as_array().unwrap().is_empty(), "{removed}");
}

#[test]
fn whoever_cannot_be_read_is_not_taken_for_one_who_has_left() {
    let case = Case::new();
    let office = &case.office.founder;
    case.suzuki(&[]);
    let staff = case.office.let_in("佐藤", &["--history"]);
    case.let_in(&staff, "佐藤", &[], &[]);
    office.ok(["list"]);
    let notes = fs::read_to_string(office.path.join("notes")).unwrap();
    let admission = notes.rsplit("hizo/record/v1").find(|note| note.contains("\nmember ")).unwrap();
    let body = admission.lines().find_map(|line| line.strip_prefix("body ")).unwrap();
    let admitted = body.split(' ').next().unwrap();
    for folder in [case.office.data(), office.path.join("at-hand")] {
        for path in crate::kit::files_below(&folder) {
            if path.file_name().is_some_and(|name| name.to_str().unwrap().contains(admitted)) {
                fs::remove_file(path).unwrap();
            }
        }
    }
    let told = office.run(["office", "rotate"]);
    assert!(told.code == Some(1) && told.err.contains("would be taken back"), "{told:?}");
}

#[test]
fn a14_whoever_is_left_out_of_new_keys_is_told_by_whom_and_another_admin_begins_others() {
    let firm = Firm::new();
    let sato = firm.let_in("佐藤", &["--role", "admin", "--history"]);
    let reader = firm.let_in("鈴木", &["--role", "reader", "--history"]);
    reader.fails(1, "only an admin", ["space", "rotate"]);
    let sato_alone = owner(&sato).identity.recipient().clone();
    Insider::at(&sato, &firm.data()).rotate(&owner(&sato).signing_seed, &sato_alone);
    for home in [&firm.founder, &reader] {
        let told = home.ok(["list"]);
        assert!(told.err.contains("is closed to you, who read this safe"), "{told:?}");
    }
    firm.founder.ok(["space", "rotate"]);
    firm.put(&sato, "drawings", "for all");
    for home in [&firm.founder, &sato, &reader] {
        let told = home.ok(["list"]);
        assert!(!told.err.contains("is closed to you"), "{told:?}");
        assert_eq!(content(home, "latest:drawings", "out"), b"for all");
    }
    firm.founder.ok(["check"]);
}

#[test]
fn where_two_admins_sign_new_keys_are_proposed_too() {
    let (firm, sato) = two_admins::agreed();
    firm.founder.fails(1, "--propose", ["space", "rotate"]);
    let (proposal, _) = two_admins::propose(&sato, &["space", "rotate"]);
    let said = two_admins::agree(&firm.founder, &proposal);
    assert!(said.code == Some(0) && said.out.contains("begins new keys"), "{said:?}");
    firm.put(&firm.founder, "drawings", "for both");
    assert_eq!(content(&sato, "latest:drawings", "out"), b"for both");
}
