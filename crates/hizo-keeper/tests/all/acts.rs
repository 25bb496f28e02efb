//! The two acts, and everything that they refuse.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hizo_keeper::{Error, Keeper, ObjectUse};
use hizo_ledger::id::{ObjectId, SpaceId};
use hizo_ledger::record::{Act, AdminRule, ClaimedTime, Control, Envelope, Origin, Role, UnverifiedRecord};
use hizo_ledger::space::{self, Head};
use hizo_store::objects::{FileObjects, Put};
use hizo_store::simulated::{MemoryJournal, SimulatedDisk};
use hizo_store::{Journal, NamedBytes};

use crate::kit::{
    Company, Draft, FIRST_SECOND, SimulatedKeeper, clock, keeper, key, object, open, open_at, origin, series, sign,
    sign_by,
};

/// A keeper with one space of three records: genesis, deposit, body.
fn story() -> (SimulatedKeeper, SimulatedDisk, Company) {
    let (keeper, disk) = keeper();
    let mut company = Company::new("a small company", keeper.origin());
    company.keep(&keeper, &company.genesis()).unwrap();
    company.keep(&keeper, &company.deposit("drawings", 3).1).unwrap();
    company.keep(&keeper, &company.saying()).unwrap();
    (keeper, disk, company)
}

fn put_all(keeper: &SimulatedKeeper, company: &Company, draft: &Draft) {
    for object in &draft.objects {
        keeper.put(company.space, object).unwrap();
    }
}

/// Appends a record that must be refused, and makes sure that nothing was appended.
fn refused(keeper: &SimulatedKeeper, company: &Company, note: &[u8]) -> Error {
    let before = keeper.head(company.space).unwrap();
    let error = keeper.append(note).unwrap_err();
    assert_eq!(keeper.head(company.space).unwrap(), before, "something was appended");
    error
}

fn head(company: &Company) -> Head {
    company.chain.as_ref().unwrap().head()
}

#[test]
fn what_was_appended_is_served_as_it_was() {
    let (keeper, _, company) = story();
    let records = keeper.records(company.space, 0, 10).unwrap();
    assert_eq!(records.iter().map(|record| record.number).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(keeper.head(company.space).unwrap(), Some(head(&company)));
    let pack = object(&format!("pack 1 of drawings 1 in {}", company.space));
    assert_eq!(keeper.object(company.space, pack.id()).unwrap().unwrap(), pack.as_bytes());
    assert_eq!(keeper.spaces().unwrap(), [company.space]);
    assert_eq!(keeper.journal().slot_key(company.space).unwrap(), Some(company.slot_key));
}

#[test]
fn a_record_that_another_process_has_kept_has_the_time_of_its_first_answer() {
    let disk = SimulatedDisk::new(512);
    let journal = MemoryJournal::beside(&disk);
    let first = open(&disk, &journal).unwrap();
    let objects = FileObjects::open(disk.clone(), "objects".as_ref()).unwrap();
    let later = Keeper::open(objects, journal.clone(), Box::new(|| FIRST_SECOND + 99)).unwrap();
    let mut company = Company::new("a small company", first.origin());
    company.keep(&later, &company.genesis()).unwrap();
    // The later one has followed the space up to here, and finds the record that the first one keeps meanwhile.
    let draft = company.saying();
    put_all(&first, &company, &draft);
    let kept = first.append(&draft.note).unwrap();
    assert_eq!(kept.time, FIRST_SECOND + 5);
    assert_eq!(later.append(&draft.note).unwrap(), kept);
    assert_eq!(later.head(company.space).unwrap().map(|head| head.number), Some(1));
}

#[test]
fn an_answer_tells_id_number_and_the_keepers_time() {
    let (keeper, _, mut company) = story();
    let draft = company.saying();
    let kept = company.keep(&keeper, &draft).unwrap();
    let id = UnverifiedRecord::parse(&draft.note).unwrap().id();
    assert_eq!((kept.id, kept.number, kept.time), (id, 3, clock()()));
}

#[test]
fn a_note_that_is_no_record_is_refused() {
    let (keeper, _, company) = story();
    let draft = company.saying();
    put_all(&keeper, &company, &draft);
    let mut longer = draft.note.clone();
    longer.push(b'\n');
    for note in [&b""[..], b"hello", draft.note.split_last().unwrap().1, &longer] {
        assert!(matches!(refused(&keeper, &company, note), Error::Form(_)));
    }
}

#[test]
fn every_flipped_byte_of_a_note_is_refused() {
    let (keeper, _, company) = story();
    let draft = company.saying();
    put_all(&keeper, &company, &draft);
    for place in 0..draft.note.len() {
        let mut note = draft.note.clone();
        note[place] ^= 1;
        refused(&keeper, &company, &note);
    }
    keeper.append(&draft.note).unwrap();
}

#[test]
fn a14_where_two_admins_are_asked_one_changes_nothing() {
    let (keeper, _, mut company) = story();
    let change = |company: &Company, line| Envelope { controls: vec![line], ..company.say() };
    let objects = company.saying().objects;
    let deputy = change(&company, Control::Member { key: key("deputy"), role: Role::Admin });
    company.keep(&keeper, &Draft { objects, note: sign(&deputy, "owner") }).unwrap();
    let (rule, objects) = (change(&company, Control::Admins(AdminRule::Two)), company.saying().objects);
    let by_one = Draft { objects, note: sign(&rule, "owner") };
    put_all(&keeper, &company, &by_one);
    assert!(matches!(refused(&keeper, &company, &by_one.note), Error::Rule(space::Error::SignatureCount { .. })));
    let by_two = Draft { note: sign_by(&rule, &["owner", "deputy"]), ..by_one };
    company.keep(&keeper, &by_two).unwrap();
    let removal = company.rotation();
    put_all(&keeper, &company, &removal);
    assert!(matches!(refused(&keeper, &company, &removal.note), Error::Rule(space::Error::SignatureCount { .. })));
    let say = company.saying();
    company.keep(&keeper, &say).unwrap();
}

#[test]
fn a_record_for_another_keeper_is_refused() {
    let (keeper, _, company) = story();
    let elsewhere = Origin::parse("keeper.example.org").unwrap();
    let envelope = Envelope { keeper: elsewhere, ..company.say() };
    assert!(matches!(refused(&keeper, &company, &sign(&envelope, "owner")), Error::OtherKeeper));
}

#[test]
fn a_space_that_moved_away_is_closed_here() {
    let (keeper, _, mut company) = story();
    let elsewhere = Origin::parse("keeper.example.org").unwrap();
    let away = Envelope { controls: vec![Control::Origin(elsewhere)], ..company.say() };
    let objects = company.saying().objects;
    company.keep(&keeper, &Draft { objects, note: sign(&away, "owner") }).unwrap();
    let draft = company.saying();
    put_all(&keeper, &company, &draft);
    let gone = refused(&keeper, &company, &draft.note);
    assert!(matches!(&gone, Error::Moved { to } if to.as_str() == "keeper.example.org"), "{gone:?}");
}

#[test]
fn a_record_that_does_not_follow_the_head_learns_the_head() {
    let (keeper, _, mut company) = story();
    let stale = company.saying();
    let lost = Envelope { seen: None, body: Some((object("other").id(), 5)), ..company.say() };
    company.keep(&keeper, &company.rotation()).unwrap();
    put_all(&keeper, &company, &stale);
    let now = head(&company);
    let ahead = Envelope { number: 9, ..company.say() };
    for note in [stale.note, sign(&lost, "owner"), sign(&ahead, "owner")] {
        let error = refused(&keeper, &company, &note);
        assert!(matches!(error, Error::Conflict { head: Some(head) } if head == now), "{error:?}");
    }
}

#[test]
fn a_record_of_an_older_epoch_is_refused() {
    let (keeper, _, mut company) = story();
    company.keep(&keeper, &company.rotation()).unwrap();
    let draft = company.saying();
    put_all(&keeper, &company, &draft);
    let older = Envelope { epoch: 0, ..company.say() };
    let error = refused(&keeper, &company, &sign(&older, "owner"));
    assert!(matches!(error, Error::Rule(space::Error::Epoch { expected: 1, found: 0 })), "{error:?}");
    keeper.append(&draft.note).unwrap();
}

#[test]
fn signers_without_the_right_are_refused() {
    let (keeper, _, company) = story();
    put_all(&keeper, &company, &company.saying());
    let error = refused(&keeper, &company, &sign(&company.say(), "stranger"));
    assert!(matches!(error, Error::Rule(space::Error::SignerNotMember { .. })), "{error:?}");
    let more = Control::Member { key: key("friend"), role: Role::Admin };
    let error = refused(&keeper, &company, &sign(&Envelope { controls: vec![more], ..company.say() }, "machine"));
    assert!(matches!(error, Error::Rule(space::Error::RoleMayNot { .. })), "{error:?}");
}

/// The chain compares two claimed times; that they are true is what the keeper's clock says (docs/decisions, 18).
#[test]
fn a13_the_times_by_which_a_recovery_waits_are_the_keepers() {
    let clock = Arc::new(AtomicU64::new(FIRST_SECOND));
    let (disk, shown) = (SimulatedDisk::new(512), Arc::clone(&clock));
    let journal = MemoryJournal::beside(&disk);
    let keeper = open_at(&disk, &journal, Box::new(move || shown.load(Ordering::SeqCst))).unwrap();
    let mut company = Company::new("waiting", keeper.origin());
    let genesis = company.genesis();
    company.keep(&keeper, &genesis).unwrap();
    let at = |company: &Company, controls: Vec<Control>, seconds: u64, who: &str| {
        let time = ClaimedTime::from_unix_seconds(FIRST_SECOND + seconds).unwrap();
        let envelope = Envelope { controls, time, ..company.say() };
        put_all(&keeper, company, &company.saying());
        sign(&envelope, who)
    };
    let pins = at(&company, vec![Control::Recovery(Some(key("cards")))], 0, "owner");
    company.append(&keeper, &pins).unwrap();

    let lets_in = |company: &Company, seconds| {
        at(company, vec![Control::Member { key: key("newcomer"), role: Role::Admin }], seconds, "cards")
    };
    clock.store(FIRST_SECOND + 30 * DAY, Ordering::SeqCst);
    for off in [30 * DAY - 3601, 30 * DAY + 3601, 23 * DAY] {
        let error = refused(&keeper, &company, &lets_in(&company, off));
        assert!(matches!(error, Error::Rule(space::Error::TimeOff)), "{off}: {error:?}");
    }
    let note = lets_in(&company, 30 * DAY - 3600);
    company.append(&keeper, &note).unwrap();

    // He claims that the week has passed; the keeper's clock says that it has not.
    let error = refused(&keeper, &company, &at(&company, Vec::new(), 37 * DAY, "newcomer"));
    assert!(matches!(error, Error::Rule(space::Error::TimeOff)), "{error:?}");
    let error = refused(&keeper, &company, &at(&company, Vec::new(), 30 * DAY, "newcomer"));
    assert!(matches!(error, Error::Rule(space::Error::TooEarly { .. })), "{error:?}");
    // Others say what time they like: it does nothing for him.
    let others = at(&company, Vec::new(), 90 * DAY, "owner");
    company.append(&keeper, &others).unwrap();
    let error = refused(&keeper, &company, &at(&company, Vec::new(), 30 * DAY, "newcomer"));
    assert!(matches!(error, Error::Rule(space::Error::TooEarly { .. })), "{error:?}");

    clock.store(FIRST_SECOND + 37 * DAY, Ordering::SeqCst);
    let note = at(&company, Vec::new(), 37 * DAY, "newcomer");
    company.append(&keeper, &note).unwrap();
    assert_eq!(company.chain.as_ref().unwrap().role(&key("newcomer")), Some(Role::Admin));
    // From now on he is a member like any other.
    let note = at(&company, Vec::new(), 0, "newcomer");
    company.append(&keeper, &note).unwrap();
}

const DAY: u64 = 86_400;

#[test]
fn every_object_that_a_record_names_must_be_here() {
    let (_, _, company) = story();
    for number in 0..3 {
        let draft = [company.saying(), company.rotation(), company.deposit("drawings", 4).1].into_iter().nth(number);
        let draft = draft.unwrap();
        for missing in 0..draft.objects.len() {
            let (keeper, _, company) = story();
            for (place, object) in draft.objects.iter().enumerate() {
                if place != missing {
                    keeper.put(company.space, object).unwrap();
                }
            }
            // The same bytes in another space do not count.
            keeper.put(SpaceId::from_bytes([1; 16]), &draft.objects[missing]).unwrap();
            let error = refused(&keeper, &company, &draft.note);
            let wanted = [draft.objects[missing].id()];
            assert!(matches!(&error, Error::PutAgain { objects } if *objects == wanted), "{error:?}");
            keeper.put(company.space, &draft.objects[missing]).unwrap();
            keeper.append(&draft.note).unwrap();
        }
    }
}

#[test]
fn a_genesis_needs_its_objects_too() {
    let (keeper, _) = keeper();
    let company = Company::new("a small company", keeper.origin());
    let draft = company.genesis();
    let error = keeper.create_space(&draft.note, &company.slot_key).unwrap_err();
    let Error::PutAgain { objects } = error else { panic!("{error:?}") };
    let mut named: Vec<ObjectId> = draft.objects.iter().map(NamedBytes::id).collect();
    let mut told = objects;
    named.sort_unstable();
    told.sort_unstable();
    assert_eq!(told, named, "each missing object is told once");
    assert_eq!(keeper.head(company.space).unwrap(), None);
}

#[test]
fn missing_objects_are_told_all_at_once_in_the_order_of_the_list() {
    let (keeper, _, company) = story();
    let draft = company.deposit("drawings", 5).1;
    let (list, packs) = draft.objects.split_last().unwrap();
    let error = refused(&keeper, &company, &draft.note);
    assert!(matches!(&error, Error::PutAgain { objects } if *objects == [list.id()]), "{error:?}");
    keeper.put(company.space, list).unwrap();
    keeper.put(company.space, &packs[2]).unwrap();
    let Error::PutAgain { objects } = refused(&keeper, &company, &draft.note) else { panic!("another refusal") };
    assert_eq!(objects, [0, 1, 3, 4].map(|pack: usize| packs[pack].id()));
}

#[test]
fn of_objects_that_nobody_put_a_thousand_are_looked_for_once() {
    let (keeper, disk, company) = story();
    let (_, draft) = company.deposit("more", 2_000);
    let (packs, list) = draft.objects.split_at(2_000);
    keeper.put(company.space, &list[0]).unwrap();
    let opened = || disk.calls().iter().filter(|call| **call == "open").count();
    let before = opened();
    let Error::PutAgain { objects } = refused(&keeper, &company, &draft.note) else { panic!("another refusal") };
    assert_eq!(objects, packs[..1_000].iter().map(NamedBytes::id).collect::<Vec<_>>());
    assert!(opened() - before < 1_010, "{} files were looked for", opened() - before);
}

#[test]
fn a_length_that_the_record_gives_wrongly_is_refused() {
    let (keeper, _, company) = story();
    let body = company.saying().objects.remove(0);
    keeper.put(company.space, &body).unwrap();
    for named in [body.length() - 1, body.length() + 1] {
        let envelope = Envelope { body: Some((body.id(), named)), ..company.say() };
        let error = refused(&keeper, &company, &sign(&envelope, "owner"));
        assert!(matches!(error, Error::ObjectSize { named: told, .. } if told == named), "{error:?}");
    }
}

#[test]
fn an_object_list_that_is_not_what_the_record_says_is_refused() {
    let (keeper, _, company) = story();
    let (envelope, draft) = company.deposit("drawings", 3);
    put_all(&keeper, &company, &draft);
    let deposit = envelope.deposit.unwrap();
    let with = |change: &dyn Fn(&mut hizo_ledger::record::Objects)| {
        let mut deposit = deposit;
        change(&mut deposit.objects);
        sign(&Envelope { deposit: Some(deposit), ..envelope.clone() }, "machine")
    };
    let error = refused(&keeper, &company, &with(&|objects| objects.count = 4));
    assert!(matches!(error, Error::List(_)), "{error:?}");
    let error = refused(&keeper, &company, &with(&|objects| objects.total += 1));
    assert!(matches!(error, Error::List(_)), "{error:?}");
    let pack = draft.objects[0].id();
    let error = refused(&keeper, &company, &with(&|objects| objects.list = pack));
    assert!(matches!(error, Error::List(_)), "{error:?}");
}

#[test]
fn an_object_cut_short_on_the_disk_must_be_put_again() {
    let (keeper, disk, company) = story();
    let draft = company.deposit("drawings", 2).1;
    put_all(&keeper, &company, &draft);
    for object in &draft.objects {
        let id = object.id().to_string();
        let path = format!("objects/{}/{}/{id}", company.space, &id[..1]);
        disk.damage(path.as_ref(), &object.as_bytes()[1..]).unwrap();
    }
    let list = draft.objects.last().unwrap();
    let error = refused(&keeper, &company, &draft.note);
    assert!(matches!(&error, Error::PutAgain { objects } if *objects == [list.id()]), "{error:?}");
    assert_eq!(keeper.put(company.space, list).unwrap(), Put::Mended);
    let error = refused(&keeper, &company, &draft.note);
    let Error::PutAgain { objects } = error else { panic!("{error:?}") };
    assert_eq!(objects, [draft.objects[0].id(), draft.objects[1].id()]);
    put_all(&keeper, &company, &draft);
    keeper.append(&draft.note).unwrap();
}

#[test]
fn of_many_condemned_objects_a_thousand_are_named_at_a_time() {
    let (keeper, _, company) = story();
    let draft = company.deposit("drawings", 1_500).1;
    put_all(&keeper, &company, &draft);
    let packs: Vec<ObjectId> = draft.objects.iter().map(|object| object.id()).collect();
    keeper.journal().condemn(company.space, Some(head(&company)), &packs, 7).unwrap();
    for named in [1_000, 501] {
        let Error::PutAgain { objects } = refused(&keeper, &company, &draft.note) else { panic!("it is kept") };
        assert_eq!(objects.len(), named);
        for object in draft.objects.iter().filter(|object| objects.contains(&object.id())) {
            keeper.put(company.space, object).unwrap();
        }
    }
    keeper.append(&draft.note).unwrap();
}

#[test]
fn a_condemned_object_must_be_put_again() {
    let (keeper, _, company) = story();
    let draft = company.deposit("drawings", 2).1;
    put_all(&keeper, &company, &draft);
    let pack = draft.objects[1].id();
    keeper.journal().condemn(company.space, Some(head(&company)), &[pack], 7).unwrap();
    let error = refused(&keeper, &company, &draft.note);
    assert!(matches!(&error, Error::PutAgain { objects } if *objects == [pack]), "{error:?}");
    assert_eq!(keeper.put(company.space, &draft.objects[1]).unwrap(), Put::Present);
    keeper.append(&draft.note).unwrap();
}

#[test]
fn a_space_begins_with_its_genesis_and_its_slot_key_only() {
    let (keeper, _) = keeper();
    let mut company = Company::new("a small company", keeper.origin());
    let draft = company.genesis();
    put_all(&keeper, &company, &draft);
    let wrong = keeper.create_space(&draft.note, &[0; 32]).unwrap_err();
    assert!(matches!(wrong, Error::SlotKey), "{wrong:?}");
    let bare = keeper.append(&draft.note).unwrap_err();
    assert!(matches!(bare, Error::NotBegun), "{bare:?}");
    assert_eq!(keeper.spaces().unwrap(), []);
    company.append(&keeper, &draft.note).unwrap();
    let again = keeper.append(&draft.note).unwrap_err();
    assert!(matches!(again, Error::NotGenesis), "{again:?}");
    let second = company.saying();
    put_all(&keeper, &company, &second);
    let late = keeper.create_space(&second.note, &company.slot_key).unwrap_err();
    assert!(matches!(late, Error::NotGenesis), "{late:?}");
}

#[test]
fn a_second_genesis_of_a_space_is_a_conflict() {
    let (keeper, _, company) = story();
    let impostor = Company::new("a small company", keeper.origin());
    let genesis = impostor.genesis();
    let other = UnverifiedRecord::parse(&genesis.note).unwrap();
    let later = Envelope { time: company.say().time, ..other.envelope().clone() };
    let error = keeper.create_space(&sign(&later, "owner"), &impostor.slot_key).unwrap_err();
    assert!(matches!(error, Error::Conflict { head: Some(now) } if now == head(&company)), "{error:?}");
}

#[test]
fn appending_the_same_again_gives_the_same_answer() {
    let disk = SimulatedDisk::new(512);
    let journal = MemoryJournal::beside(&disk);
    let first = open(&disk, &journal).unwrap();
    let mut company = Company::new("a small company", first.origin());
    let mut said: Vec<(Vec<u8>, hizo_keeper::Kept)> = Vec::new();
    for number in 0..3 {
        let draft = if number == 0 { company.genesis() } else { company.saying() };
        let kept = company.keep(&first, &draft).unwrap();
        said.push((draft.note, kept));
        for keeper in [&first, &open(&disk, &journal).unwrap()] {
            assert_eq!(keeper.create_space(&said[0].0, &company.slot_key).unwrap(), said[0].1);
            for (note, kept) in &said[1..] {
                assert_eq!(keeper.append(note).unwrap(), *kept);
            }
            assert_eq!(keeper.records(company.space, 0, 10).unwrap().len(), number + 1);
        }
    }
}

#[test]
fn two_keepers_over_one_store_take_up_what_the_other_appended() {
    let disk = SimulatedDisk::new(512);
    let journal = MemoryJournal::beside(&disk);
    let keepers = [open(&disk, &journal).unwrap(), open(&disk, &journal).unwrap()];
    let mut company = Company::new("a small company", keepers[0].origin());
    company.keep(&keepers[0], &company.genesis()).unwrap();
    for turn in 0..12 {
        let keeper = &keepers[turn / 3 % 2];
        let draft = if turn % 4 == 0 { company.rotation() } else { company.deposit("drawings", 2).1 };
        company.keep(keeper, &draft).unwrap();
    }
    for keeper in keepers {
        let checked = keeper.check(company.space).unwrap().unwrap();
        assert_eq!((checked.records, checked.missing.len(), checked.damaged.len()), (13, 0, 0));
    }
}

#[test]
fn a_keeper_that_was_never_set_up_does_not_open() {
    let disk = SimulatedDisk::new(512);
    let objects = FileObjects::open(disk.clone(), "objects".as_ref()).unwrap();
    let opened = Keeper::open(objects, MemoryJournal::beside(&disk), clock());
    assert!(matches!(opened, Err(Error::NotSetUp)));
}

#[test]
fn origin_and_log_key_are_settled_once() {
    let disk = SimulatedDisk::new(512);
    let journal = MemoryJournal::beside(&disk);
    open(&disk, &journal).unwrap();
    let elsewhere = Origin::parse("keeper.example.org").unwrap();
    Keeper::<FileObjects<SimulatedDisk>, _>::set_up(&journal, &elsewhere, &key("owner")).unwrap();
    let keeper = open(&disk, &journal).unwrap();
    assert_eq!((keeper.origin(), keeper.log_key()), (&origin(), &key("log")));
}

#[test]
fn a_check_finds_every_missing_and_every_damaged_object() {
    let (keeper, disk, company) = story();
    let draft_names = |pack: usize| object(&format!("pack {pack} of drawings 1 in {}", company.space)).id();
    let path = |id: ObjectId| {
        let id = id.to_string();
        format!("objects/{}/{}/{id}", company.space, &id[..1])
    };
    let whole = keeper.check(company.space).unwrap().unwrap();
    assert_eq!((whole.records, whole.objects, &whole.missing, &whole.damaged), (3, 8, &vec![], &vec![]));
    let mut bytes = keeper.object(company.space, draft_names(0)).unwrap().unwrap();
    bytes[3] ^= 0x40;
    disk.damage(path(draft_names(0)).as_ref(), &bytes).unwrap();
    hizo_store::disk::Disk::remove(&disk, path(draft_names(2)).as_ref()).unwrap();
    let found = keeper.check(company.space).unwrap().unwrap();
    assert_eq!((found.missing, found.damaged), (vec![draft_names(2)], vec![draft_names(0)]));
    assert_eq!(keeper.check(SpaceId::from_bytes([1; 16])).unwrap(), None);
}

#[test]
fn what_the_keeper_sees_is_pseudonyms_numbers_lengths_and_times() {
    let (keeper, disk, company) = story();
    disk.advance(Duration::from_secs(60));
    let stray = object("put, and never named");
    keeper.put(company.space, &stray).unwrap();
    let seen = keeper.inspect(company.space).unwrap().unwrap();
    assert_eq!((seen.head, seen.epoch), (head(&company), 0));
    let mut roles: Vec<_> = seen.members.iter().map(|member| (member.name, member.role)).collect();
    let mut expected = [(key("owner").name(), Role::Admin), (key("machine").name(), Role::Writer)];
    roles.sort_unstable();
    expected.sort_unstable();
    assert_eq!(roles, expected);
    assert_eq!(
        seen.series.iter().map(|series| (series.series, series.deposits)).collect::<Vec<_>>(),
        [(series("drawings"), 1)]
    );
    let acts: Vec<_> = seen.records.iter().map(|record| (record.act, record.kept)).collect();
    assert_eq!(acts, [(Act::Control, clock()()), (Act::Deposit, clock()()), (Act::Say, clock()())]);
    assert_eq!(seen.objects.len(), 9);
    assert_eq!(seen.bytes, seen.objects.iter().map(|object| object.bytes).sum::<u64>());
    let uses = |wanted: ObjectUse| seen.objects.iter().filter(|object| object.is == wanted).count();
    let counts = [
        uses(ObjectUse::Body(0)),
        uses(ObjectUse::Body(2)),
        uses(ObjectUse::Recipient(0)),
        uses(ObjectUse::Wrap(0)),
        uses(ObjectUse::List(1)),
        uses(ObjectUse::Part(1)),
        uses(ObjectUse::Unnamed),
    ];
    assert_eq!(counts, [1, 1, 1, 1, 1, 3, 1]);
    let times: Vec<u64> = seen.objects.iter().map(|object| object.last_put).collect();
    assert_eq!(times.iter().max().unwrap() - times.iter().min().unwrap(), 60);
    assert_eq!(keeper.inspect(SpaceId::from_bytes([1; 16])).unwrap(), None);
}

/// One act and its answer, as docs/spec/keeper.md shows it.
fn shown(act: &str, said: &str, answer: Result<hizo_keeper::Kept, Error>) -> String {
    let answer = match answer {
        Ok(kept) => format!("kept {} {:.8}…  {}", kept.number, kept.id.to_string(), kept.time),
        Err(Error::Conflict { head: Some(head) }) => {
            format!("conflict: the head is {} {:.8}…", head.number, head.id.to_string())
        }
        Err(Error::PutAgain { objects }) => format!("put again: {:.8}…", objects[0].to_string()),
        Err(other) => panic!("{other:?}"),
    };
    format!("{act:<7} {said:<36} {answer}\n")
}

#[test]
fn the_page_of_the_keeper_shows_what_happens() {
    let (keeper, _) = keeper();
    let mut company = Company::new("a small company", keeper.origin());
    let mut lines = String::new();
    let put = |company: &Company, object: &NamedBytes, what: &str| {
        let put = keeper.put(company.space, object).unwrap();
        let said = format!("{:.8}…  {} bytes, {what}", object.id().to_string(), object.length());
        format!("{:<7} {said:<36} {}\n", "put", format!("{put:?}").to_lowercase())
    };
    let genesis = company.genesis();
    for (object, what) in genesis.objects.iter().zip(["recipient", "wrap", "body"]) {
        lines += &put(&company, object, what);
    }
    lines += &shown("create", "note of record 0, slot key", company.append(&keeper, &genesis.note));
    let deposit = company.deposit("drawings", 3).1;
    let rival = sign(&company.say(), "owner");
    for (object, what) in deposit.objects.iter().zip(["pack", "pack", "pack", "object list"]) {
        lines += &put(&company, object, what);
    }
    lines += &shown("append", "note of record 1", company.append(&keeper, &deposit.note));
    lines += &shown("append", "the same note again", keeper.append(&deposit.note));
    lines += &shown("append", "note of another record 1", keeper.append(&rival));
    lines += &shown("append", "note of record 2, its body not put", keeper.append(&company.saying().note));
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/spec/keeper.md");
    assert!(std::fs::read_to_string(page).unwrap().contains(&lines), "docs/spec/keeper.md lacks\n{lines}");
}
