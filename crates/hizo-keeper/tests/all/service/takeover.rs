//! A space is taken over by a service: in whose session, on whose account, and by which requests.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hizo_keeper::service::{Admission, Settings};
use hizo_ledger::session::Verbs;
use hizo_store::NamedBytes;
use hizo_store::journal::AccountId;
use sha2::{Digest as _, Sha256};

use super::world::{Answer, Running, settings, signed, token_in};
use crate::takeover::Leaving;

const CODE: &str = "pear-lake-nine";

/// A space that moves to this service, and what is asked for it.
struct Scene {
    running: Running,
    leaving: Leaving,
    last: Vec<u8>,
    before: NamedBytes,
}

impl Scene {
    fn new(quota: u64) -> Self {
        let codes = BTreeMap::from([(AccountId(Sha256::digest(CODE).into()), quota)]);
        let running = Running::start_with(Settings { admission: Admission::Invitation(codes), ..settings() });
        // Both services of these tests have one origin, so that the space comes from one that is called otherwise.
        let leaving = Leaving::new();
        let last = leaving.to(running.origin.as_str(), "owner");
        let before = NamedBytes::name(leaving.notes.concat()).unwrap();
        Self { running, leaving, last, before }
    }

    /// A session of somebody for the space, by the code.
    fn token(&self, who: &str, nonce: u8) -> String {
        let note = self.running.note(self.leaving.company.space, who, nonce, Verbs::ReadWrite);
        token_in(self.running.send_note(&signed(&note, who), Some(CODE)).is(201))
    }

    fn put_all(&self, token: &str) {
        for object in self.leaving.objects.iter().chain([&self.before]) {
            self.running.put(self.leaving.company.space, token, object).is_one_of(&[200, 201]);
        }
    }

    fn take(&self, token: &str, more: &str) -> Answer {
        let note = String::from_utf8(self.last.clone()).unwrap().replace('\n', "\\n");
        let (before, slot_key) = (self.before.id(), STANDARD.encode(self.leaving.company.slot_key));
        let body = format!("{{\"note\": \"{note}\", \"slot_key\": \"{slot_key}\", \"before\": \"{before}\"{more}}}");
        self.running.ask("POST", &format!("/v1/spaces/{}", self.leaving.company.space), Some(token), body.as_bytes())
    }

    fn records(&self, token: &str) -> Answer {
        self.running.ask("GET", &format!("/v1/spaces/{}/records", self.leaving.company.space), Some(token), b"")
    }
}

#[test]
fn the_admin_who_signed_has_his_space_taken_over_and_its_members_are_let_in() {
    let scene = Scene::new(1 << 30);
    let owner = scene.token("owner", 1);
    scene.put_all(&owner);
    scene.records(&owner).says(404, "NotBegun");
    let receipt = scene.take(&owner, "").is(201).text().to_owned();
    assert!(receipt.contains(&format!("keeper {}\n", scene.running.origin)), "{receipt}");
    assert_eq!(scene.take(&owner, "").is(200).text(), receipt);
    let machine = scene.running.token(scene.leaving.company.space, "machine", 2, Verbs::ReadWrite);
    assert_eq!(scene.records(&machine).is(200).body, [scene.before.as_bytes(), &scene.last].concat());
}

#[test]
fn a_space_is_taken_over_in_no_other_session() {
    let scene = Scene::new(1 << 30);
    // Whoever has the notes and a code: a removed member, the old keeper.
    let thief = scene.token("a thief", 1);
    scene.put_all(&thief);
    scene.take(&thief, "").says(422, "Mover");
    let machine = scene.token("machine", 2);
    scene.take(&machine, "").says(422, "Mover");
    // The space is free, and so is the account.
    let owner = scene.token("owner", 3);
    scene.take(&owner, "").is(201);
}

#[test]
fn what_is_taken_over_counts_on_the_account_of_whoever_brings_it() {
    // Seven objects of at least 4 KiB, four notes of as much and their bytes besides.
    let least = 4 << 10;
    for (quota, status) in [(9 * least, 507), (11 * least, 507), (12 * least, 201)] {
        let scene = Scene::new(quota);
        let owner = scene.token("owner", 1);
        scene.put_all(&owner);
        let answer = scene.take(&owner, "");
        answer.is(status);
        if status == 507 {
            answer.says(507, "QuotaOver");
            scene.records(&owner).says(404, "NotBegun");
        }
    }
}

#[test]
fn what_was_not_put_is_asked_for_and_the_same_request_goes_on() {
    let scene = Scene::new(1 << 30);
    let owner = scene.token("owner", 1);
    let (lost, rest) = scene.leaving.objects.split_first().unwrap();
    let space = scene.leaving.company.space;
    assert_eq!(scene.take(&owner, "").says(424, "PutAgain").text().trim_end(), scene.before.id().to_string());
    scene.running.put(space, &owner, &scene.before).is(201);
    for object in rest {
        scene.running.put(space, &owner, object).is_one_of(&[200, 201]);
    }
    assert_eq!(scene.take(&owner, "").says(424, "PutAgain").text().trim_end(), lost.id().to_string());
    // The owner says that nobody has it any more.
    let absent = NamedBytes::name(format!("{}\n", lost.id()).into_bytes()).unwrap();
    let says = format!(", \"absent\": \"{}\"", absent.id());
    scene.take(&owner, &says).says(424, "PutAgain");
    scene.running.put(space, &owner, &absent).is(201);
    scene.take(&owner, &says).is(201);
    scene.running.ask("GET", &format!("/v1/spaces/{space}/objects/{}", lost.id()), Some(&owner), b"").is(404);
    scene.running.put(space, &owner, lost).is(201);
}

#[test]
fn what_is_no_request_for_a_takeover_is_refused_as_such() {
    let scene = Scene::new(1 << 30);
    let owner = scene.token("owner", 1);
    scene.put_all(&owner);
    scene.take(&owner, ", \"absent\": \"none\"").says(400, "BeginForm");
    scene.take(&owner, ", \"more\": \"\"").says(400, "BeginForm");
    let path = format!("/v1/spaces/{}", scene.leaving.company.space);
    let note = String::from_utf8(scene.last.clone()).unwrap().replace('\n', "\\n");
    let slot_key = STANDARD.encode(scene.leaving.company.slot_key);
    let begin =
        format!("{{\"note\": \"{note}\", \"slot_key\": \"{slot_key}\", \"absent\": \"{}\"}}", scene.before.id());
    scene.running.ask("POST", &path, Some(&owner), begin.as_bytes()).says(400, "BeginForm");
    // Objects that hold no notes.
    let pack = scene.leaving.objects[3].id();
    let begin = format!("{{\"note\": \"{note}\", \"slot_key\": \"{slot_key}\", \"before\": \"{pack}\"}}");
    scene.running.ask("POST", &path, Some(&owner), begin.as_bytes()).is(422);
    scene.records(&owner).says(404, "NotBegun");
}
