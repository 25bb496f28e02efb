//! The vectors of docs/spec/handover.md, and what holds for consents and answers.

use hizo_ledger::delegation::Delegation;
use hizo_ledger::id::{CommitHash, RecordId, SpaceId};
use hizo_ledger::identity::VerifyingKey;
use hizo_ledger::record::ClaimedTime;
use hizo_vault::event::certificate::UnverifiedCertificate;
use hizo_vault::event::handover::{
    Custody, Delivery, ITEMS_MAX, Level, PATHS_MAX, PaperConsent, Refusal, UnverifiedAnswer, UnverifiedConsent,
    UnverifiedItem, Verdict,
};
use hizo_vault::event::{self, Event};
use serde_json::{Value, json};

use crate::certificate::{SPACE, key, person, session};
use crate::organisation;
use crate::vectors::Vectors;

const VECTORS: Vectors = Vectors::new("handover", "body");

/// The company, its machine, the sender and the receiver.
const COMPANY: u64 = 1;
const MACHINE: u64 = 2;
const SENDER: u64 = 3;
const RECEIVER: u64 = 4;

fn identity(seed: u64) -> VerifyingKey {
    person(seed).signing_seed.identity_key().verifying_key()
}

fn record(name: &str) -> RecordId {
    RecordId::of(name.as_bytes())
}

fn commit(byte: u8) -> CommitHash {
    CommitHash::from_bytes([byte; 32])
}

fn item(name: &str, paths: &[&str]) -> UnverifiedItem {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    UnverifiedItem { deposit: record(name).to_string(), commit: commit(1).to_string(), paths }
}

/// A consent at level B to two items, one of them a part of a deposit, before it is signed.
pub(crate) fn unsigned() -> UnverifiedConsent {
    let mut items = vec![item("narrative", &[]), item("logs", &["2027/may.csv", "extract"])];
    items.sort_by(|one, other| one.deposit.cmp(&other.deposit));
    UnverifiedConsent {
        space: SPACE.to_string(),
        key: String::new(),
        session: session(&person(COMPANY)).to_base64(),
        machine: key(&person(MACHINE)).to_base64(),
        machine_session: session(&person(MACHINE)).to_base64(),
        recipient: person(COMPANY).hand_over_identity(&SPACE).recipient().to_string(),
        company: "-".into(),
        receiver: identity(RECEIVER).to_base64(),
        receiver_name: "特許庁 営業秘密室".into(),
        purpose: "advice whether this is an attack".into(),
        level: Level::B,
        onward: "red".into(),
        keeps_sender: false,
        until: "2027-06-03T00:00:00Z".into(),
        items,
        signature: String::new(),
    }
}

fn signed(consent: UnverifiedConsent) -> UnverifiedConsent {
    consent.sign(&person(COMPANY).signing_seed.space_key(&SPACE))
}

pub(crate) fn consent() -> UnverifiedConsent {
    signed(unsigned())
}

fn changed(change: impl FnOnce(&mut UnverifiedConsent)) -> UnverifiedConsent {
    let mut consent = unsigned();
    change(&mut consent);
    signed(consent)
}

/// What stands in the hand-over of such a consent when all is right.
fn delivery(consent: &UnverifiedConsent) -> Delivery {
    let custody: Vec<_> = consent.items.iter().map(|item| custody(&item.deposit)).collect();
    let records = || custody.iter().map(|entry| RecordId::from_hex(&entry.record).unwrap());
    Delivery {
        space: SPACE,
        reader: identity(RECEIVER),
        now: ClaimedTime::parse("2027-05-04T08:00:00Z").unwrap(),
        is_withdrawn: false,
        was_accepted: false,
        is_company_certified: false,
        admins: [key(&person(COMPANY))].into(),
        strangers: 0,
        sender_reads: false,
        deposits: records().map(|record| (record, commit(2))).collect(),
        holds_paths: records().map(|record| (record, true)).collect(),
        custody,
    }
}

fn custody(deposit: &str) -> Custody {
    let record = record(&format!("made of {deposit}")).to_string();
    Custody { deposit: deposit.to_owned(), record, commit: commit(2).to_string() }
}

pub(crate) fn answer(verdict: Verdict, reference: &str, reason: &str) -> UnverifiedAnswer {
    let (key, signature) = (String::new(), String::new());
    let items = vec![custody(&record("narrative").to_string())];
    let (reference, reason) = (reference.into(), reason.into());
    let answer = UnverifiedAnswer { verdict, space: SPACE.to_string(), items, reference, reason, key, signature };
    answer.sign(&person(RECEIVER).signing_seed.space_key(&SPACE))
}

pub(crate) fn paper() -> PaperConsent {
    let mut staff = [identity(SENDER).to_base64(), identity(5).to_base64()];
    staff.sort();
    PaperConsent {
        level: Level::B,
        receiver_name: "情報処理推進機構".into(),
        purpose: "first help".into(),
        form: record("scan").to_string(),
        called_back: "the managing director, by the number on file, 3 May 10:40".into(),
        staff,
        until: "2027-05-20T00:00:00Z".into(),
    }
}

fn judge(said: &UnverifiedConsent, delivery: &Delivery) -> Result<(), Refusal> {
    said.verify()?.permits(delivery)
}

/// Of a delivery everything that the rules look at.
fn as_json(delivery: &Delivery) -> Value {
    let entry = |entry: &Custody| json!({ "deposit": entry.deposit, "record": entry.record, "commit": entry.commit });
    let deposits = delivery.deposits.iter().map(|(record, commit)| (record.to_string(), commit.to_string().into()));
    let paths = delivery.holds_paths.iter().map(|(record, holds)| (record.to_string(), (*holds).into()));
    json!({
        "space": delivery.space.to_string(), "reader": delivery.reader.to_base64(), "now": delivery.now.as_str(),
        "withdrawn": delivery.is_withdrawn, "accepted": delivery.was_accepted,
        "company_certified": delivery.is_company_certified,
        "admins": delivery.admins.iter().map(VerifyingKey::to_base64).collect::<Vec<_>>(),
        "strangers": delivery.strangers, "sender_reads": delivery.sender_reads,
        "custody": delivery.custody.iter().map(entry).collect::<Vec<_>>(),
        "deposits": deposits.collect::<serde_json::Map<_, _>>(),
        "holds_paths": paths.collect::<serde_json::Map<_, _>>(),
    })
}

fn from_json(said: &Value) -> Delivery {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let key = |value: &Value| VerifyingKey::from_base64(value.as_str().unwrap()).unwrap();
    let entry = |value: &Value| Custody {
        deposit: text(&value["deposit"]),
        record: text(&value["record"]),
        commit: text(&value["commit"]),
    };
    let pairs = |name: &str| said[name].as_object().unwrap().clone().into_iter();
    let id = |text: String| RecordId::from_hex(&text).unwrap();
    Delivery {
        space: SpaceId::from_hex(said["space"].as_str().unwrap()).unwrap(),
        reader: key(&said["reader"]),
        now: ClaimedTime::parse(said["now"].as_str().unwrap()).unwrap(),
        is_withdrawn: said["withdrawn"].as_bool().unwrap(),
        was_accepted: said["accepted"].as_bool().unwrap(),
        is_company_certified: said["company_certified"].as_bool().unwrap(),
        admins: said["admins"].as_array().unwrap().iter().map(key).collect(),
        strangers: said["strangers"].as_u64().unwrap().try_into().unwrap(),
        sender_reads: said["sender_reads"].as_bool().unwrap(),
        custody: said["custody"].as_array().unwrap().iter().map(entry).collect(),
        deposits: pairs("deposits")
            .map(|(record, commit)| (id(record), CommitHash::from_hex(commit.as_str().unwrap()).unwrap()))
            .collect(),
        holds_paths: pairs("holds_paths").map(|(record, holds)| (id(record), holds.as_bool().unwrap())).collect(),
    }
}

type Case = (&'static str, &'static str, UnverifiedConsent, Delivery);

fn delivered(change: impl FnOnce(&mut Delivery)) -> (UnverifiedConsent, Delivery) {
    let said = consent();
    let mut delivery = delivery(&said);
    change(&mut delivery);
    (said, delivery)
}

fn given(change: impl FnOnce(&mut UnverifiedConsent)) -> (UnverifiedConsent, Delivery) {
    let said = changed(change);
    let delivery = delivery(&said);
    (said, delivery)
}

fn accepted() -> Vec<Case> {
    let with_name = |consent: &mut UnverifiedConsent| (consent.level, consent.company) = (Level::C, "山田金型".into());
    let named = {
        let (said, mut delivery) = given(with_name);
        delivery.is_company_certified = true;
        (said, delivery)
    };
    let kept = {
        let (said, mut delivery) = given(|consent| consent.keeps_sender = true);
        delivery.sender_reads = true;
        (said, delivery)
    };
    [
        ("level_b", "two items, and nobody knows who the company is", delivered(|_| ())),
        ("level_c", "the company is known", named),
        ("level_c_untold", "it may be known, and is not yet", given(with_name)),
        ("sender_kept", "the sender goes on reading", kept),
        ("last_second", "the last second of the consent", delivered(|it| it.now = time("2027-06-03T00:00:00Z"))),
        (
            "accepted_before",
            "what was accepted stays, after the consent has ended and was withdrawn",
            delivered(|it| (it.was_accepted, it.is_withdrawn, it.now) = (true, true, time("2028-01-01T00:00:00Z"))),
        ),
    ]
    .into_iter()
    .map(|(name, about, (said, delivery))| (name, about, said, delivery))
    .collect()
}

fn time(text: &str) -> ClaimedTime {
    ClaimedTime::parse(text).unwrap()
}

fn refused() -> Vec<(&'static str, &'static str, (UnverifiedConsent, Delivery), Refusal)> {
    use Refusal::{
        Expired, Form, Incomplete, Items, Level as LevelRule, Members, Receiver, Signature, Space, Withdrawn,
    };
    let unsigned_change = |change: fn(&mut UnverifiedConsent)| {
        let mut said = consent();
        change(&mut said);
        let delivery = delivery(&said);
        (said, delivery)
    };
    vec![
        ("company_told_at_b", "a name at level B", given(|it| it.company = "山田金型".into()), Form),
        ("company_untold_at_d", "no name at level D", given(|it| it.level = Level::D), Form),
        ("no_purpose", "no purpose", given(|it| it.purpose.clear()), Form),
        ("no_receiver_name", "no name of the receiver", given(|it| it.receiver_name.clear()), Form),
        ("onward_other", "a label that TLP does not have", given(|it| it.onward = "white".into()), Form),
        ("no_items", "no item", given(|it| it.items.clear()), Form),
        ("items_fall", "items in another order", given(|it| it.items.reverse()), Form),
        ("item_twice", "an item twice", given(|it| it.items[1] = it.items[0].clone()), Form),
        ("item_short", "half an id", given(|it| it.items[0].deposit.truncate(32)), Form),
        ("commit_upper_case", "a commitment in capitals", given(|it| it.items[0].commit = "AB".repeat(32)), Form),
        (
            "paths_fall",
            "paths in another order",
            given(|it| it.items.iter_mut().for_each(|it| it.paths.reverse())),
            Form,
        ),
        ("path_empty", "an empty path", given(|it| it.items[0].paths = vec![String::new()]), Form),
        ("keys_same", "one key for two purposes", given(|it| it.session = it.machine_session.clone()), Form),
        ("recipient_none", "a recipient that is none", given(|it| it.recipient = "age1pq1".into()), Form),
        (
            "recipient_upper_case",
            "a recipient in capitals",
            given(|it| it.recipient = it.recipient.to_uppercase()),
            Form,
        ),
        ("key_none", "a key that is none", unsigned_change(|it| it.key = "AAAA".into()), Form),
        ("until_no_time", "a day and no time", given(|it| it.until = "2027-06-03".into()), Form),
        ("signature_short", "half a signature", unsigned_change(|it| it.signature.truncate(44)), Form),
        ("purpose_changed", "another purpose than was signed", unsigned_change(|it| it.purpose.push('.')), Signature),
        ("item_left_out", "an item less than was signed", unsigned_change(|it| drop(it.items.pop())), Signature),
        (
            "level_raised",
            "a higher level than was signed",
            unsigned_change(|it| {
                (it.level, it.company) = (Level::C, "山田金型".into());
            }),
            Signature,
        ),
        (
            "until_later",
            "a later day than was signed",
            unsigned_change(|it| it.until.replace_range(0..4, "2028")),
            Signature,
        ),
        (
            "recipient_changed",
            "another recipient than was signed",
            unsigned_change(|it| it.recipient = person(6).hand_over_identity(&SPACE).recipient().to_string()),
            Signature,
        ),
        (
            "receiver_changed",
            "another receiver than was signed",
            unsigned_change(|it| {
                it.receiver = identity(6).to_base64();
            }),
            Signature,
        ),
        (
            "key_changed",
            "a key that did not sign",
            unsigned_change(|it| it.key = key(&person(6)).to_base64()),
            Signature,
        ),
        (
            "other_space",
            "a consent for another hand-over",
            delivered(|it| it.space = SpaceId::from_bytes([9; 16])),
            Space,
        ),
        ("key_no_admin", "its key is no admin here", delivered(|it| it.admins = [key(&person(6))].into()), Space),
        ("other_receiver", "somebody else reads it", delivered(|it| it.reader = identity(6)), Receiver),
        ("withdrawn", "it was withdrawn", delivered(|it| it.is_withdrawn = true), Withdrawn),
        ("expired", "a second too late", delivered(|it| it.now = time("2027-06-03T00:00:01Z")), Expired),
        (
            "company_certified",
            "the company can be known at level B",
            delivered(|it| it.is_company_certified = true),
            LevelRule,
        ),
        ("stranger", "somebody else reads here", delivered(|it| it.strangers = 1), Members),
        ("sender_reads", "the sender reads on", delivered(|it| it.sender_reads = true), Members),
        ("second_admin", "there is another admin", delivered(|it| it.admins.extend([key(&person(SENDER))])), Members),
        (
            "item_more",
            "a deposit that nobody speaks of",
            delivered(|it| {
                it.deposits.insert(record("another"), commit(2));
            }),
            Items,
        ),
        (
            "item_of_none",
            "an item that was not consented to",
            delivered(|it| {
                it.custody[0].deposit = record("another").to_string();
            }),
            Items,
        ),
        (
            "item_spoken_of_twice",
            "an item for which two deposits stand",
            delivered(|it| {
                let again = Custody { record: record("another").to_string(), ..it.custody[0].clone() };
                it.deposits.insert(record("another"), commit(2));
                it.custody.push(again);
            }),
            Items,
        ),
        (
            "item_not_here",
            "a record that is no deposit here",
            delivered(|it| {
                it.custody[0].record = record("another").to_string();
            }),
            Items,
        ),
        (
            "other_commitment",
            "another commitment than its record's",
            delivered(|it| {
                it.custody[0].commit = commit(3).to_string();
            }),
            Items,
        ),
        (
            "other_paths",
            "other files than were consented to",
            delivered(|it| {
                it.holds_paths.values_mut().for_each(|holds| *holds = false);
            }),
            Items,
        ),
        ("paths_unread", "files that nobody has looked at", delivered(|it| it.holds_paths.clear()), Items),
        (
            "incomplete",
            "an item is not there yet",
            delivered(|it| {
                let gone = it.custody.pop().unwrap();
                it.deposits.remove(&RecordId::from_hex(&gone.record).unwrap());
            }),
            Incomplete,
        ),
    ]
}

#[test]
fn every_accepted_vector_may_be_opened() {
    for (name, bytes, said) in VECTORS.all("accepted", 5) {
        assert_eq!(judge(&read(&bytes), &from_json(&said["delivery"])), Ok(()), "{name}");
    }
}

#[test]
fn a43_every_refused_vector_is_refused_for_its_one_fault() {
    for (name, bytes, said) in VECTORS.all("refused", 30) {
        let rule = judge(&read(&bytes), &from_json(&said["delivery"])).expect_err(&name);
        assert_eq!(format!("{rule:?}"), said["refused"], "{name}");
    }
}

fn read(bytes: &[u8]) -> UnverifiedConsent {
    match event::parse(bytes).unwrap().pop() {
        Some(Event::Consent(said)) => *said,
        other => panic!("{other:?}"),
    }
}

fn body(said: &UnverifiedConsent) -> Vec<u8> {
    event::compose(&[Event::Consent(Box::new(said.clone()))])
}

#[test]
fn the_vectors_are_what_we_would_write() {
    for (name, about, said, delivery) in accepted() {
        assert_eq!(judge(&said, &delivery), Ok(()), "{name}");
        assert_eq!(
            VECTORS.one("accepted", name),
            (body(&said), json!({ "about": about, "delivery": as_json(&delivery) }))
        );
    }
    for (name, about, (said, delivery), rule) in refused() {
        let told = json!({ "about": about, "delivery": as_json(&delivery), "refused": format!("{rule:?}") });
        assert_eq!(VECTORS.one("refused", name), (body(&said), told));
    }
}

#[test]
#[ignore = "writes vectors that are missing; a released one is never changed"]
fn missing_vectors_are_written() {
    for (name, about, said, delivery) in accepted() {
        VECTORS.put_missing("accepted", name, &body(&said), &json!({ "about": about, "delivery": as_json(&delivery) }));
    }
    for (name, about, (said, delivery), rule) in refused() {
        let told = json!({ "about": about, "delivery": as_json(&delivery), "refused": format!("{rule:?}") });
        VECTORS.put_missing("refused", name, &body(&said), &told);
    }
}

#[test]
fn a_consent_has_no_more_items_and_paths_than_its_limits() {
    let items = |count: usize| {
        let mut items: Vec<_> = (0..count).map(|number| item(&number.to_string(), &[])).collect();
        items.sort_by(|one, other| one.deposit.cmp(&other.deposit));
        items
    };
    let paths = |count: usize| (0..count).map(|number| format!("{number:05}")).collect::<Vec<_>>();
    let verified = |consent: UnverifiedConsent| consent.verify().map(drop);
    assert_eq!(verified(changed(|it| it.items = items(ITEMS_MAX))), Ok(()));
    assert_eq!(verified(changed(|it| it.items = items(ITEMS_MAX + 1))), Err(Refusal::Form));
    assert_eq!(
        verified(changed(|it| it.items = vec![UnverifiedItem { paths: paths(PATHS_MAX), ..item("a", &[]) }])),
        Ok(())
    );
    let more = changed(|it| it.items = vec![UnverifiedItem { paths: paths(PATHS_MAX + 1), ..item("a", &[]) }]);
    assert_eq!(verified(more), Err(Refusal::Form));
}

#[test]
fn an_answer_is_the_receivers_for_this_space_and_as_he_signed_it() {
    let receiver = key(&person(RECEIVER));
    let accepted = answer(Verdict::Accepted, "令9-114", "");
    assert_eq!(accepted.verify(&SPACE, &receiver), Ok(()));
    assert_eq!(accepted.verify(&SpaceId::from_bytes([9; 16]), &receiver), Err(Refusal::Space));
    assert_eq!(accepted.verify(&SPACE, &key(&person(SENDER))), Err(Refusal::Receiver));
    let turned = UnverifiedAnswer { verdict: Verdict::Rejected, reason: "no".into(), ..accepted.clone() };
    assert_eq!(turned.verify(&SPACE, &receiver), Err(Refusal::Signature));
    let renumbered = UnverifiedAnswer { reference: "令9-115".into(), ..accepted };
    assert_eq!(renumbered.verify(&SPACE, &receiver), Err(Refusal::Signature));
    // He takes it over under a number, and says why he does not.
    assert_eq!(answer(Verdict::Accepted, "", "").verify(&SPACE, &receiver), Err(Refusal::Form));
    for verdict in [Verdict::Rejected, Verdict::Insufficient] {
        assert_eq!(answer(verdict, "", "").verify(&SPACE, &receiver), Err(Refusal::Form));
        assert_eq!(answer(verdict, "", "logs are missing").verify(&SPACE, &receiver), Ok(()));
    }
}

#[test]
fn the_key_of_a_receiver_is_the_one_that_the_identity_in_the_consent_says() {
    let consent = consent().verify().unwrap();
    let certified = |seed: u64, space: &SpaceId| UnverifiedCertificate::issue(&person(seed), space);
    let receivers = certified(RECEIVER, &SPACE);
    let said_at = time("2027-05-04T09:00:00Z");
    let key_of = |certificate: &UnverifiedCertificate| consent.receiver_key(certificate, None, said_at);
    assert_eq!(key_of(&receivers), Ok(key(&person(RECEIVER))));
    // Whoever says so of himself, of the receiver elsewhere, or of a key that the receiver did not sign.
    assert_eq!(key_of(&certified(SENDER, &SPACE)), Err(Refusal::Receiver));
    let elsewhere = certified(RECEIVER, &SpaceId::from_bytes([9; 16]));
    assert_eq!(key_of(&elsewhere), Err(Refusal::Signature));
    let another = UnverifiedCertificate { key: key(&person(SENDER)).to_base64(), ..receivers };
    assert_eq!(key_of(&another), Err(Refusal::Signature));
}

#[test]
fn the_key_of_an_organisation_that_receives_is_the_one_that_it_has_delegated_there() {
    let consent = changed(|it| it.receiver = organisation::organisation(21).to_base64()).verify().unwrap();
    let certified = |seed: u64| UnverifiedCertificate::issue(&person(seed), &SPACE);
    let (delegation, good) = (organisation::delegation(), time("2027-05-04T09:00:00Z"));
    let key_of = |certificate: &UnverifiedCertificate, delegation: &Delegation, by: u8, said_at: ClaimedTime| {
        consent.receiver_key(certificate, Some(&organisation::note(delegation, by)), said_at)
    };
    assert_eq!(key_of(&certified(1), &delegation, 21, good), Ok(key(&person(1))));
    // Nobody's word but the organisation's own, for that key, in that space, while it is good.
    assert_eq!(consent.receiver_key(&certified(1), None, good), Err(Refusal::Receiver));
    assert_eq!(key_of(&certified(SENDER), &delegation, 21, good), Err(Refusal::Receiver));
    let others = Delegation { organisation: organisation::organisation(22), ..delegation.clone() };
    assert_eq!(key_of(&certified(1), &others, 22, good), Err(Refusal::Receiver));
    let elsewhere = Delegation { space: SpaceId::from_bytes([9; 16]), ..delegation.clone() };
    assert_eq!(key_of(&certified(1), &elsewhere, 21, good), Err(Refusal::Receiver));
    for other_time in ["2027-05-03T08:59:59Z", "2028-05-01T00:00:00Z"] {
        assert_eq!(key_of(&certified(1), &delegation, 21, time(other_time)), Err(Refusal::Receiver));
    }
    let note = organisation::note(&delegation, 21);
    let longer = note.replace("not-after 2028-04-30", "not-after 2029-04-30");
    assert_ne!(longer, note);
    assert_eq!(consent.receiver_key(&certified(1), Some(&longer), good), Err(Refusal::Signature));
    assert_eq!(consent.receiver_key(&certified(1), Some("yes"), good), Err(Refusal::Form));
}

#[test]
fn a_consent_on_paper_is_for_low_levels_two_of_the_staff_and_a_month() {
    let said_at = time("2027-05-03T11:00:00Z");
    let refused = |change: fn(&mut PaperConsent)| {
        let mut paper = paper();
        change(&mut paper);
        paper.holds(said_at).unwrap_err()
    };
    assert_eq!(paper().holds(said_at), Ok(()));
    assert_eq!(refused(|paper| paper.level = Level::C), Refusal::Level);
    assert_eq!(refused(|paper| paper.until = "2027-06-02T11:00:01Z".into()), Refusal::Expired);
    assert_eq!(refused(|paper| paper.staff[1] = paper.staff[0].clone()), Refusal::Form);
    assert_eq!(refused(|paper| paper.called_back.clear()), Refusal::Form);
    assert_eq!(refused(|paper| paper.form.clear()), Refusal::Form);
}
