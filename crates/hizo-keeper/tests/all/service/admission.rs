//! Who may begin a space, on which account, and when that is full.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use hizo_keeper::service::{Admission, Settings};
use hizo_ledger::record::{Control, Origin};
use hizo_ledger::session::Verbs;
use hizo_store::NamedBytes;
use hizo_store::journal::AccountId;
use sha2::{Digest as _, Sha256};

use super::world::{Answer, Begun, Running, begin, genesis, settings, signed, soon, token_in, unhurried};
use crate::kit::Company;

const CODE: &str = "apple-river-seven";

fn codes(quota: u64) -> BTreeMap<AccountId, u64> {
    BTreeMap::from([(AccountId(Sha256::digest(CODE).into()), quota)])
}

fn running(admission: Admission) -> Running {
    Running::start_with(Settings { admission, ..settings() })
}

fn admitted(running: &Running, company: &Company, nonce: u8) -> String {
    let note = signed(&running.note(company.space, "owner", nonce, Verbs::ReadWrite), "owner");
    token_in(running.send_note(&note, Some(CODE)).is(201))
}

#[test]
fn a_space_begins_with_a_code_where_one_is_asked_for() {
    for admission in [Admission::Closed(codes(1 << 30)), Admission::Invitation(codes(1 << 30))] {
        let once = matches!(admission, Admission::Invitation(_));
        let running = running(admission);
        let (one, two) = (Company::new("one", &running.origin), Company::new("two", &running.origin));
        let note = |nonce| signed(&running.note(one.space, "owner", nonce, Verbs::ReadWrite), "owner");
        running.send_note(&note(1), None).says(403, "AdmissionNeeded");
        running.send_note(&note(2), Some("apple-river-eight")).says(403, "NotAdmitted");
        running.send_note(&note(3), Some("")).says(403, "NotAdmitted");
        // A refused note was not used.
        let token = token_in(running.send_note(&note(1), Some(CODE)).is(201));
        begin(&running, &one, &token, &genesis(&one)).is(201);
        begin(&running, &one, &token, &genesis(&one)).is(200);
        // Members need none.
        running.token(one.space, "machine", 4, Verbs::ReadWrite);
        let second = begin(&running, &two, &admitted(&running, &two, 5), &genesis(&two));
        if once {
            second.says(403, "CodeUsed");
            running
                .ask("GET", &format!("/v1/spaces/{}/records", two.space), Some(&admitted(&running, &two, 6)), b"")
                .is(404);
        } else {
            second.is(201);
        }
    }
}

/// What a record costs beside its note, and a short object.
const LEAST: u64 = 4 << 10;

#[test]
fn an_account_is_filled_to_its_quota_and_no_further() {
    let company = Company::new("a company", &Origin::local([7; 16]));
    // Recipient, wrap and body.
    let mut used = 4 * LEAST + genesis(&company).note.len() as u64;
    let start =
        |folder, quota| Running::start_in(folder, Settings { admission: Admission::Open(quota), ..unhurried() });
    let object = |bytes: u64, seed: u8| NamedBytes::name(vec![seed; bytes as usize]).unwrap();
    let running = start(tempfile::tempdir().unwrap(), used + 4 * LEAST);
    let mut begun = Begun::new(&running, "a company");
    let owner = begun.owner.clone();
    // What is put and named by nothing counts, too.
    running.put(begun.space(), &owner, &object(1_000, 1)).is(201);
    running.put(begun.space(), &owner, &object(1_000, 1)).is(200);
    running.put(begun.space(), &owner, &object(3 * LEAST + 1, 2)).says(507, "QuotaOver");
    let saying = begun.company.saying();
    begun.keep(&running, &owner, &saying).is(201);
    used += 2 * LEAST + saying.note.len() as u64;
    // Also after a start. What came and was not kept does not, and the shortest objects count as much as others do.
    let running = start(running.stop(), used + 3 * LEAST);
    soon("what no record names is not counted", || running.metric("hizo_unnamed_bytes") == LEAST);
    let owner = running.token(begun.space(), "owner", 9, Verbs::ReadWrite);
    let path = format!("/v1/spaces/{}/objects/{}", begun.space(), object(900, 3).id());
    for _ in 0..3 {
        running.ask("PUT", &path, Some(&owner), &[4; 900]).says(422, "WrongName");
    }
    running.put(begun.space(), &owner, &object(1, 3)).is(201);
    running.put(begun.space(), &owner, &object(1, 5)).is(201);
    running.put(begun.space(), &owner, &object(1, 6)).says(507, "QuotaOver");
    // Records without any object do as well.
    let control = begun.control(&[Control::Recovery(None)]);
    let costs = LEAST + control.note.len() as u64;
    for (quota, answer) in [(used + costs - 1, 507), (used + costs, 201)] {
        let running = start(tempfile::tempdir().unwrap(), quota);
        let mut begun = Begun::new(&running, "a company");
        let owner = begun.owner.clone();
        begun.keep(&running, &owner, &saying).is(201);
        begun.keep(&running, &owner, &control).is(answer);
    }
}

#[test]
fn nobody_without_a_code_learns_which_spaces_there_are() {
    let running = running(Admission::Closed(codes(1 << 30)));
    let (one, two) = (Company::new("one", &running.origin), Company::new("two", &running.origin));
    begin(&running, &one, &admitted(&running, &one, 1), &genesis(&one)).is(201);
    let asked = |company: &Company, nonce, code| {
        let note = signed(&running.note(company.space, "stranger", nonce, Verbs::Read), "stranger");
        running.send_note(&note, code)
    };
    for code in [None, Some("apple-river-eight")] {
        let (begun, not_begun) = (asked(&one, 2, code), asked(&two, 2, code));
        assert_eq!(begun.is(403).header("hizo-error"), not_begun.is(403).header("hizo-error"));
        assert_eq!(begun.text(), not_begun.text());
    }
    asked(&one, 3, Some(CODE)).says(403, "NotMember");
}

#[test]
fn of_copies_of_one_note_that_come_at_once_one_is_appended_and_counted() {
    let running = running(Admission::Open(1 << 30));
    let begun = Begun::new(&running, "a company");
    let saying = begun.company.saying();
    saying.objects.iter().for_each(|object| drop(running.put(begun.space(), &begun.owner, object)));
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: k\r\nconnection: close\r\nauthorization: Bearer {}\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        begun.records(),
        begun.owner,
        saying.note.len()
    );
    // Each was let in when its body is asked for: what is left of all comes at once.
    let streams: Vec<TcpStream> = (0..16)
        .map(|_| {
            let mut stream = TcpStream::connect(running.address).unwrap();
            stream.write_all(head.as_bytes()).unwrap();
            let mut go_on = [0; 25];
            stream.read_exact(&mut go_on).unwrap();
            assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
            stream
        })
        .collect();
    streams.iter().for_each(|mut stream| stream.write_all(&saying.note).unwrap());
    let statuses: Vec<u16> = streams.into_iter().map(|stream| Answer::read(stream).status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 15, "{statuses:?}");
}

#[test]
fn an_account_that_is_no_longer_listed_keeps_what_it_has_and_gets_no_more() {
    let running = running(Admission::Closed(codes(1 << 30)));
    let mut company = Company::new("a company", &running.origin);
    begin(&running, &company, &admitted(&running, &company, 1), &genesis(&company)).is(201);
    let settings = Settings { admission: Admission::Closed(BTreeMap::new()), ..settings() };
    let running = Running::start_in(running.stop(), settings);
    let owner = running.token(company.space, "owner", 2, Verbs::ReadWrite);
    running.ask("GET", &format!("/v1/spaces/{}/records", company.space), Some(&owner), b"").is(200);
    let record = hizo_ledger::record::UnverifiedRecord::parse(&genesis(&company).note).unwrap();
    company.chain = Some(hizo_ledger::space::Chain::begin(record).unwrap().0);
    let object = NamedBytes::name(b"more".to_vec()).unwrap();
    running.put(company.space, &owner, &object).says(507, "QuotaOver");
}
