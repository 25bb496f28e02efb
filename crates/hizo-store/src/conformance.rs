//! What every back end must do, as tests that take a way to open one.
//!
//! A law is a function that panics where the back end breaks the promise. It gets `open`, which opens the *same* store
//! at each call, as another process would; each law is given a store of its own. A back end's test runs them all:
//! ```
//! # use hizo_store::{conformance, simulated::{MemoryJournal, SimulatedDisk}};
//! for (name, law) in conformance::journal_laws() {
//!     println!("{name}");
//!     let journal = MemoryJournal::beside(&SimulatedDisk::new(512));
//!     law(&|| journal.clone());
//! }
//! ```
//! "Durable on return" needs the power cut: tests/all/crash.rs does it on the simulated disk.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use hizo_ledger::id::{ObjectId, RecordId, RootHash, Slot, SpaceId};
use hizo_ledger::log::Leaf;

use crate::journal::{
    AccountId, Charge, Entry, Error as JournalError, FACT_BYTES_MAX, Head, Journal, LogHead, LogState, NOTE_BYTES_MAX,
    PAGE_RECORDS_MAX, Usage,
};
use crate::objects::{ABSENT_MAX, Arriving as _, Error as ObjectsError, NamedBytes, Objects, Put};

/// Opens the store under test once more.
pub type Open<'a, S> = &'a (dyn Fn() -> S + Sync);

/// A law's name, and the law.
pub type Law<S> = (&'static str, fn(Open<'_, S>));

macro_rules! laws {
    ($($law:ident),* $(,)?) => { vec![$((stringify!($law), $law as fn(Open<'_, _>))),*] };
}

/// All laws of [`Objects`].
pub fn objects_laws<O: Objects>() -> Vec<Law<O>> {
    laws![
        what_was_put_is_there_for_whoever_opens_later,
        an_object_is_not_in_another_space,
        bytes_under_a_wrong_name_are_refused,
        empty_and_oversized_objects_are_refused,
        the_largest_object_is_kept,
        putting_again_changes_nothing_but_the_time,
        what_arrived_in_pieces_is_as_if_it_had_been_put,
        what_did_not_arrive_whole_leaves_nothing,
        parts_of_an_object_are_its_bytes,
        racing_writers_of_one_object_all_find_it_whole,
        racing_writers_of_many_objects_lose_none,
        confirm_tells_lengths_and_absence_in_order,
        list_pages_through_all_ids_in_order,
        what_was_removed_is_gone_and_can_be_put_again,
        every_space_with_objects_is_told,
    ]
}

/// All laws of [`Journal`].
pub fn journal_laws<J: Journal>() -> Vec<Law<J>> {
    laws![
        a_space_begins_once,
        an_append_follows_the_expected_head_only,
        a_slot_key_comes_with_the_genesis_only,
        an_append_that_succeeded_may_be_repeated,
        entries_given_together_have_each_the_outcome_that_it_has_alone,
        entries_given_together_may_follow_each_other,
        of_entries_given_as_a_whole_all_are_appended_or_none,
        racing_groups_lose_nothing_and_leave_no_gap,
        spaces_do_not_touch_each_other,
        of_racing_appends_one_wins_each_number,
        of_racing_beginnings_one_wins,
        records_come_in_order_in_bounded_pages,
        records_past_the_head_are_none,
        notes_outside_the_limits_are_refused,
        an_append_that_names_a_condemned_object_is_refused_with_the_list,
        a_pardoned_object_may_be_named,
        nothing_is_condemned_after_an_unseen_append,
        a_condemned_object_keeps_its_first_time,
        only_what_has_been_condemned_long_enough_expires_and_its_mark_stays,
        a_pardon_asks_whether_the_object_is_here,
        of_racing_pardons_and_expiries_none_lets_a_missing_object_be_named,
        a_claim_holds_until_the_space_begins,
        what_is_appended_is_paid_for_once,
        an_account_that_is_alone_has_one_space,
        racing_appends_never_pass_a_quota,
        a_fact_is_settled_once,
        the_log_is_every_record_in_the_order_of_the_appends,
        racing_appends_leave_no_gap_in_the_log,
        a_signed_head_follows_the_newest_and_never_shrinks,
        of_racing_signers_one_wins,
        what_was_appended_is_there_for_whoever_opens_later,
        integrity_counts_what_there_is,
    ]
}

const SPACE: SpaceId = SpaceId::from_bytes([7; 16]);
const OTHER: SpaceId = SpaceId::from_bytes([8; 16]);
const SLOT_KEY: [u8; 32] = [9; 32];

fn object(number: u32) -> NamedBytes {
    let length = 1 + usize::try_from(number % 3_000).expect("a small number fits");
    NamedBytes::name(number.to_be_bytes().into_iter().cycle().take(length + 3).collect()).expect("it is within limits")
}

fn whole<O: Objects>(store: &O, space: SpaceId, object: &NamedBytes) {
    let found = store.get(space, object.id()).expect("the store answers");
    assert!(found.is_some_and(|bytes| bytes == object.as_bytes()), "{object:?} is not there, or not whole");
}

fn what_was_put_is_there_for_whoever_opens_later<O: Objects>(open: Open<'_, O>) {
    let object = object(1);
    assert_eq!(open().get(SPACE, object.id()).expect("the store answers"), None);
    assert_eq!(open().stat(SPACE, object.id()).expect("the store answers"), None);
    assert_eq!(open().put(SPACE, &object).expect("it is put"), Put::New);
    let later = open();
    whole(&later, SPACE, &object);
    let stat = later.stat(SPACE, object.id()).expect("the store answers").expect("it is there");
    assert_eq!(stat.bytes, object.length());
}

fn an_object_is_not_in_another_space<O: Objects>(open: Open<'_, O>) {
    let object = object(2);
    open().put(SPACE, &object).expect("it is put");
    assert_eq!(open().get(OTHER, object.id()).expect("the store answers"), None);
    assert_eq!(open().confirm(OTHER, &[object.id()]).expect("the store answers"), [None]);
    assert!(open().list(OTHER, None, 10).expect("the store answers").is_empty());
    assert_eq!(open().put(OTHER, &object).expect("it is put"), Put::New);
}

fn bytes_under_a_wrong_name_are_refused<O: Objects>(open: Open<'_, O>) {
    let id = ObjectId::of(b"right");
    for wrong in [&b"righ"[..], b"Right", b"right\0"] {
        let claimed = NamedBytes::claimed(id, wrong.to_vec());
        assert!(
            matches!(claimed, Err(ObjectsError::WrongName { id: named }) if named == id),
            "{wrong:?} has that name"
        );
    }
    assert_eq!(open().stat(SPACE, id).expect("the store answers"), None);
    let right = NamedBytes::claimed(id, b"right".to_vec()).expect("the hash is the name");
    open().put(SPACE, &right).expect("it is put");
    whole(&open(), SPACE, &right);
}

fn empty_and_oversized_objects_are_refused<O: Objects>(_open: Open<'_, O>) {
    for length in [0, (16 << 20) + 1] {
        let named = NamedBytes::name(vec![0; length]);
        assert!(matches!(named, Err(ObjectsError::Size { .. })), "{length} bytes became an object");
    }
}

fn the_largest_object_is_kept<O: Objects>(open: Open<'_, O>) {
    let object = NamedBytes::name(vec![0xA5; 16 << 20]).expect("it is within limits");
    assert_eq!(open().put(SPACE, &object).expect("it is put"), Put::New);
    whole(&open(), SPACE, &object);
}

fn putting_again_changes_nothing_but_the_time<O: Objects>(open: Open<'_, O>) {
    let object = object(3);
    let store = open();
    store.put(SPACE, &object).expect("it is put");
    let first = store.stat(SPACE, object.id()).expect("the store answers").expect("it is there");
    for store in [store, open()] {
        assert_eq!(store.put(SPACE, &object).expect("it is put"), Put::Present);
        let again = store.stat(SPACE, object.id()).expect("the store answers").expect("it is there");
        assert_eq!(again.bytes, first.bytes);
        assert!(again.last_put >= first.last_put, "last_put went back");
        whole(&store, SPACE, &object);
    }
    assert_eq!(open().list(SPACE, None, 10).expect("the store answers"), [object.id()]);
}

fn arrive<O: Objects>(store: &O, id: ObjectId, bytes: &[u8]) -> Result<Put, ObjectsError> {
    let mut arriving = store.receive(SPACE, id)?;
    bytes.chunks(700).try_for_each(|piece| arriving.write(piece))?;
    store.take(arriving)
}

fn what_arrived_in_pieces_is_as_if_it_had_been_put<O: Objects>(open: Open<'_, O>) {
    let largest = NamedBytes::name(vec![0x5A; 16 << 20]).expect("it is within limits");
    for object in [object(4), object(2_999), largest] {
        let store = open();
        assert_eq!(arrive(&store, object.id(), object.as_bytes()).expect("it arrives"), Put::New);
        whole(&open(), SPACE, &object);
        assert_eq!(arrive(&store, object.id(), object.as_bytes()).expect("it arrives"), Put::Present);
        assert_eq!(open().put(SPACE, &object).expect("it is put"), Put::Present);
        assert_eq!(store.confirm(SPACE, &[object.id()]).expect("the store answers"), [Some(object.length())]);
    }
    assert_eq!(open().list(SPACE, None, 10).expect("the store answers").len(), 3);
    let (object, store) = (object(5), open());
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| arrive(&store, object.id(), object.as_bytes()).expect("it arrives"));
        }
    });
    whole(&open(), SPACE, &object);
}

fn what_did_not_arrive_whole_leaves_nothing<O: Objects>(open: Open<'_, O>) {
    let (object, store) = (object(6), open());
    let (id, bytes) = (object.id(), object.as_bytes());
    let changed = [bytes, b"!"].concat();
    for wrong in [&changed[..], &bytes[1..], &bytes[..bytes.len() - 1]] {
        assert!(matches!(arrive(&store, id, wrong), Err(ObjectsError::WrongName { id: named }) if named == id));
    }
    assert!(matches!(arrive(&store, ObjectId::of(b""), b""), Err(ObjectsError::Size { bytes: 0 })));
    let mut too_long = store.receive(SPACE, id).expect("it begins");
    too_long.write(&vec![0; 16 << 20]).expect("that much may come");
    assert!(matches!(too_long.write(b"!"), Err(ObjectsError::Size { .. })));
    drop(too_long);
    let mut given_up = store.receive(SPACE, id).expect("it begins");
    given_up.write(bytes).expect("it comes");
    assert_eq!(store.get(SPACE, id).expect("the store answers"), None, "it has its name before it was taken");
    drop(given_up);
    for store in [store, open()] {
        assert_eq!(store.get(SPACE, id).expect("the store answers"), None);
        assert!(store.list(SPACE, None, 10).expect("the store answers").is_empty());
    }
}

fn parts_of_an_object_are_its_bytes<O: Objects>(open: Open<'_, O>) {
    let (object, store) = (object(2_000), open());
    assert_eq!(store.part(SPACE, object.id(), 0, 9).expect("the store answers"), None);
    store.put(SPACE, &object).expect("it is put");
    let (id, bytes) = (object.id(), object.as_bytes());
    for place in [0, 1, 700, bytes.len() - 1, bytes.len(), bytes.len() + 1] {
        for limit in [0, 1, 64, bytes.len(), bytes.len() + 1] {
            let rest = bytes.get(place..).unwrap_or_default();
            let part = store.part(SPACE, id, place as u64, limit).expect("the store answers");
            assert_eq!(part.expect("it is there"), &rest[..limit.min(rest.len())], "{place} {limit}");
        }
    }
}

fn racing_writers_of_one_object_all_find_it_whole<O: Objects>(open: Open<'_, O>) {
    for number in 10..20 {
        let object = object(number);
        thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| {
                    let store = open();
                    store.put(SPACE, &object).expect("it is put");
                    whole(&store, SPACE, &object);
                });
            }
        });
        whole(&open(), SPACE, &object);
    }
    assert_eq!(open().list(SPACE, None, 100).expect("the store answers").len(), 10);
}

fn racing_writers_of_many_objects_lose_none<O: Objects>(open: Open<'_, O>) {
    let shared = open();
    thread::scope(|scope| {
        for writer in 0..4u32 {
            let shared = &shared;
            scope.spawn(move || {
                for number in 0..25 {
                    shared.put(SPACE, &object(100 * writer + number)).expect("it is put");
                }
            });
        }
    });
    for number in (0..4).flat_map(|writer| (0..25).map(move |number| 100 * writer + number)) {
        whole(&shared, SPACE, &object(number));
    }
}

fn confirm_tells_lengths_and_absence_in_order<O: Objects>(open: Open<'_, O>) {
    let (here, also, gone) = (object(4), object(5), object(6));
    let store = open();
    store.put(SPACE, &here).expect("it is put");
    store.put(SPACE, &also).expect("it is put");
    let ids = [also.id(), gone.id(), here.id(), also.id()];
    let lengths = [Some(also.length()), None, Some(here.length()), Some(also.length())];
    for store in [store, open()] {
        assert_eq!(store.confirm(SPACE, &ids).expect("the store answers"), lengths);
        assert_eq!(store.confirm(SPACE, &[]).expect("the store answers"), []);
    }
    let many: Vec<ObjectId> = (100..1_200).map(|number| object(number).id()).chain([here.id()]).collect();
    let found = open().confirm(SPACE, &many).expect("the store answers");
    assert_eq!(found, [None; ABSENT_MAX], "it looks for the rest as well");
}

fn list_pages_through_all_ids_in_order<O: Objects>(open: Open<'_, O>) {
    let store = open();
    let mut ids: Vec<ObjectId> = (1_000..1_300).map(|number| object(number).id()).collect();
    for number in 1_000..1_300 {
        store.put(SPACE, &object(number)).expect("it is put");
    }
    ids.sort_unstable();
    for limit in [1, 7, 300, 301] {
        let mut found = Vec::new();
        loop {
            let page = store.list(SPACE, found.last().copied(), limit).expect("the store answers");
            assert!(page.len() <= limit);
            let last = page.len() < limit;
            found.extend(page);
            if last {
                break;
            }
        }
        assert_eq!(found, ids, "pages of {limit} do not give every id once, in order");
    }
}

fn what_was_removed_is_gone_and_can_be_put_again<O: Objects>(open: Open<'_, O>) {
    let (object, store) = (object(5), open());
    assert!(!store.remove(SPACE, object.id()).expect("there is nothing to do"));
    store.put(SPACE, &object).expect("it is put");
    store.put(OTHER, &object).expect("it is put");
    assert!(open().remove(SPACE, object.id()).expect("it is removed"));
    assert!(!open().remove(SPACE, object.id()).expect("there is nothing to do"));
    assert_eq!(store.confirm(SPACE, &[object.id()]).expect("the store answers"), [None], "it is taken for durable");
    whole(&store, OTHER, &object);
    assert_eq!(store.put(SPACE, &object).expect("it is put"), Put::New);
    whole(&open(), SPACE, &object);
}

fn every_space_with_objects_is_told<O: Objects>(open: Open<'_, O>) {
    assert!(open().spaces().expect("the store answers").is_empty());
    let store = open();
    store.put(OTHER, &object(1)).expect("it is put");
    store.put(SPACE, &object(1)).expect("it is put");
    drop(store.receive(SpaceId::from_bytes([6; 16]), object(1).id()).expect("it may come"));
    assert_eq!(open().spaces().expect("the store answers"), [SPACE, OTHER]);
}

fn note(number: u64) -> Vec<u8> {
    format!("note {number}\n").into_bytes()
}

fn genesis(note: &[u8], space: SpaceId) -> Entry<'_> {
    Entry { space, expected: None, note, objects: &[], slot_key: Some(&SLOT_KEY), kept: 1, charge: None }
}

fn after(head: Head, note: &[u8]) -> Entry<'_> {
    Entry { space: SPACE, expected: Some(head), note, objects: &[], slot_key: None, kept: 2, charge: None }
}

fn begin<J: Journal>(journal: &J, space: SpaceId) -> Head {
    journal.append(genesis(&note(0), space)).expect("the space begins")
}

fn a_space_begins_once<J: Journal>(open: Open<'_, J>) {
    let journal = open();
    assert_eq!(journal.head(SPACE).expect("the journal answers"), None);
    assert_eq!(journal.slot_key(SPACE).expect("the journal answers"), None);
    let head = begin(&journal, SPACE);
    assert_eq!(head, Head { number: 0, id: RecordId::of(&note(0)) });
    let (first, second) = (note(0), note(1));
    for again in [Entry { slot_key: Some(&[1; 32]), ..genesis(&first, SPACE) }, genesis(&second, SPACE)] {
        let refused = open().append(again);
        assert!(matches!(refused, Err(JournalError::Conflict { head: Some(now) }) if now == head), "it began again");
    }
    assert_eq!(open().slot_key(SPACE).expect("the journal answers"), Some(SLOT_KEY));
    assert_eq!(open().head(SPACE).expect("the journal answers"), Some(head));
}

fn an_append_follows_the_expected_head_only<J: Journal>(open: Open<'_, J>) {
    let journal = open();
    let unborn = Head { number: 0, id: RecordId::of(b"nothing") };
    let refused = journal.append(after(unborn, &note(1)));
    assert!(matches!(refused, Err(JournalError::Conflict { head: None })), "it follows a head that never was");
    let zero = begin(&journal, SPACE);
    let one = journal.append(after(zero, &note(1))).expect("it follows the head");
    assert_eq!(one, Head { number: 1, id: RecordId::of(&note(1)) });
    let stale = [zero, Head { number: 1, id: zero.id }, Head { number: 0, id: one.id }, Head { number: 2, id: one.id }];
    for expected in stale {
        let refused = open().append(after(expected, &note(2)));
        assert!(
            matches!(refused, Err(JournalError::Conflict { head: Some(now) }) if now == one),
            "{expected:?} passed"
        );
    }
    let last = Head { number: u64::MAX, id: one.id };
    assert!(open().append(after(last, &note(2))).is_err());
    assert_eq!(open().head(SPACE).expect("the journal answers"), Some(one));
    assert_eq!(open().records(SPACE, 0, 10).expect("the journal answers").len(), 2);
}

fn of_entries_given_as_a_whole_all_are_appended_or_none<J: Journal>(open: Open<'_, J>) {
    let journal = open();
    let zero = begin(&journal, SPACE);
    let (one, two) = (note(1), note(2));
    let first = Head { number: 1, id: RecordId::of(&one) };
    let stale = [genesis(b"genesis", OTHER), after(zero, &one), after(zero, &two)];
    let refused = journal.append_whole(&stale);
    assert!(matches!(refused, Err(JournalError::Conflict { head: Some(now) }) if now == first));
    assert_eq!(open().head(SPACE).expect("the journal answers"), Some(zero));
    assert_eq!(open().head(OTHER).expect("the journal answers"), None, "one before the refused one was appended");
    assert_eq!(open().log().expect("the journal answers").size, 1);
    let following = [genesis(b"genesis", OTHER), after(zero, &one), after(first, &two)];
    journal.append_whole(&following).expect("each follows");
    let log: Vec<_> = open().leaves(0, 10).expect("the journal answers").iter().map(|leaf| leaf.record).collect();
    assert_eq!(log[1..], [RecordId::of(b"genesis"), first.id, RecordId::of(&two)]);
}

fn a_slot_key_comes_with_the_genesis_only<J: Journal>(open: Open<'_, J>) {
    let journal = open();
    let bare = Entry { slot_key: None, ..genesis(b"genesis", SPACE) };
    assert!(matches!(journal.append(bare), Err(JournalError::Refused { .. })), "a space began without its slot key");
    let head = begin(&journal, SPACE);
    let second = note(1);
    let keyed = Entry { slot_key: Some(&[1; 32]), ..after(head, &second) };
    assert!(matches!(journal.append(keyed), Err(JournalError::Refused { .. })), "a slot key was replaced");
    journal.append(after(head, &second)).expect("it follows the head");
    assert_eq!(open().slot_key(SPACE).expect("the journal answers"), Some(SLOT_KEY));
}

fn an_append_that_succeeded_may_be_repeated<J: Journal>(open: Open<'_, J>) {
    let zero = begin(&open(), SPACE);
    assert_eq!(begin(&open(), SPACE), zero);
    let (first, second) = (note(1), note(2));
    let one = open().append(after(zero, &first)).expect("it follows the head");
    assert_eq!(open().append(after(zero, &first)).expect("it is the head"), one);
    let elsewhere = Head { number: 0, id: one.id };
    assert!(open().append(after(elsewhere, &first)).is_err(), "a record was repeated after another one");
    let later = open().append(Entry { kept: 3, ..after(zero, &first) });
    assert!(matches!(later, Err(JournalError::Conflict { head: Some(now) }) if now == one), "it was kept at two times");
    open().append(after(one, &second)).expect("it follows the head");
    let refused = open().append(after(zero, &first));
    assert!(matches!(refused, Err(JournalError::Conflict { .. })), "a record was repeated behind the head");
    assert_eq!(open().records(SPACE, 0, 10).expect("the journal answers").len(), 3);
    open().integrity().expect("the journal is whole");
}

fn entries_given_together_have_each_the_outcome_that_it_has_alone<J: Journal>(open: Open<'_, J>) {
    let journal = open();
    assert!(journal.append_all(&[]).is_empty());
    let head = begin(&journal, SPACE);
    let marked = [ObjectId::of(b"marked")];
    journal.condemn(SPACE, Some(head), &marked, 5).expect("it is marked");
    let (one, two, long) = (note(1), note(2), vec![b'n'; NOTE_BYTES_MAX + 1]);
    let elsewhere = SpaceId::from_bytes([6; 16]);
    let group = [
        genesis(&one, OTHER),
        genesis(&two, OTHER),
        Entry { objects: &marked, ..after(head, &one) },
        after(Head { number: 3, ..head }, &one),
        after(head, &long),
        Entry { slot_key: None, ..genesis(&one, elsewhere) },
        after(head, &two),
        after(head, &one),
        after(head, &two),
        genesis(&two, elsewhere),
    ];
    let outcomes = journal.append_all(&group);
    let new = |number, note: &[u8]| Head { number, id: RecordId::of(note) };
    let (first, second, third) = (new(0, &one), new(1, &two), new(0, &two));
    let conflict = |outcome: &Result<Head, JournalError>, now: Head| {
        assert!(matches!(outcome, Err(JournalError::Conflict { head: Some(head) }) if *head == now), "{outcome:?}");
    };
    assert_eq!(outcomes.len(), group.len());
    assert!(matches!(outcomes[0], Ok(new) if new == first));
    conflict(&outcomes[1], first);
    assert!(matches!(&outcomes[2], Err(JournalError::Condemned { objects }) if *objects == marked));
    conflict(&outcomes[3], head);
    assert!(matches!(outcomes[4], Err(JournalError::Refused { .. })));
    assert!(matches!(outcomes[5], Err(JournalError::Refused { .. })));
    assert!(matches!(outcomes[6], Ok(new) if new == second));
    conflict(&outcomes[7], second);
    assert!(matches!(outcomes[8], Ok(new) if new == second), "it is the head already");
    assert!(matches!(outcomes[9], Ok(new) if new == third));
    let later = open();
    for (space, head) in [(OTHER, first), (SPACE, second), (elsewhere, third)] {
        assert_eq!(later.head(space).expect("the journal answers"), Some(head));
    }
    assert_eq!(later.log().expect("the journal answers").size, 4);
    let ids: Vec<RecordId> = later.leaves(1, 9).expect("the journal answers").iter().map(|leaf| leaf.record).collect();
    assert_eq!(ids, [first.id, second.id, third.id], "places are given in the order of the entries");
    later.integrity().expect("the journal is whole");
}

fn entries_given_together_may_follow_each_other<J: Journal>(open: Open<'_, J>) {
    let notes: Vec<Vec<u8>> = (0..40).map(note).collect();
    let mut group = vec![genesis(&notes[0], SPACE)];
    for (number, pair) in (0..).zip(notes.windows(2)) {
        group.push(after(Head { number, id: RecordId::of(&pair[0]) }, &pair[1]));
    }
    let journal = open();
    assert!(journal.append_all(&group).iter().all(Result::is_ok));
    // Given again, all but the last are behind the head.
    let again = open().append_all(&group);
    let conflicts = again.iter().filter(|outcome| matches!(outcome, Err(JournalError::Conflict { .. }))).count();
    assert_eq!((conflicts, again.last().is_some_and(Result::is_ok)), (39, true));
    assert_eq!(open().records(SPACE, 0, 100).expect("the journal answers").len(), 40);
    open().integrity().expect("the journal is whole");
}

fn racing_groups_lose_nothing_and_leave_no_gap<J: Journal>(open: Open<'_, J>) {
    let spaces = |racer: u8| (0..5).map(move |number| SpaceId::from_bytes([40 + 10 * racer + number; 16]));
    thread::scope(|scope| {
        for racer in 0..4 {
            scope.spawn(move || {
                let journal = open();
                let mut heads: Vec<(SpaceId, Option<Head>)> = spaces(racer).map(|space| (space, None)).collect();
                for turn in 0..6 {
                    let note = note(turn);
                    let entry = |(space, expected): &(SpaceId, Option<Head>)| Entry {
                        space: *space,
                        expected: *expected,
                        slot_key: expected.is_none().then_some(&SLOT_KEY),
                        ..genesis(&note, *space)
                    };
                    let group: Vec<Entry<'_>> = heads.iter().map(entry).collect();
                    for ((_, head), outcome) in heads.iter_mut().zip(journal.append_all(&group)) {
                        *head = Some(outcome.expect("nobody else appends to these spaces"));
                    }
                }
            });
        }
    });
    let journal = open();
    assert_eq!(journal.log().expect("the journal answers").size, 120);
    assert_eq!(journal.leaves(0, PAGE_RECORDS_MAX).expect("the journal answers").len(), 120);
    for space in (0..4).flat_map(spaces) {
        assert_eq!(journal.head(space).expect("the journal answers").map(|head| head.number), Some(5));
    }
    journal.integrity().expect("the journal is whole");
}

fn spaces_do_not_touch_each_other<J: Journal>(open: Open<'_, J>) {
    let journal = open();
    assert!(journal.spaces().expect("the journal answers").is_empty());
    begin(&journal, OTHER);
    let head = begin(&journal, SPACE);
    journal.append(after(head, &note(1))).expect("it follows the head");
    assert_eq!(open().head(OTHER).expect("the journal answers").map(|head| head.number), Some(0));
    assert_eq!(open().spaces().expect("the journal answers"), [SPACE, OTHER]);
}

fn of_racing_appends_one_wins_each_number<J: Journal>(open: Open<'_, J>) {
    begin(&open(), SPACE);
    let won: Vec<u64> = thread::scope(|scope| {
        let racers: Vec<_> = (0..4u64)
            .map(|racer| {
                scope.spawn(move || {
                    let journal = open();
                    let mut won = Vec::new();
                    for turn in 0..15 {
                        let head = journal.head(SPACE).expect("the journal answers").expect("the space has begun");
                        match journal.append(after(head, &note(1_000 * (racer + 1) + turn))) {
                            Ok(new) => {
                                assert_eq!(new.number, head.number + 1);
                                won.push(new.number);
                            }
                            Err(JournalError::Conflict { head: now }) => assert_ne!(now, Some(head)),
                            Err(other) => panic!("neither won nor lost: {other}"),
                        }
                    }
                    won
                })
            })
            .collect();
        racers.into_iter().flat_map(|racer| racer.join().expect("no racer panics")).collect()
    });
    let mut numbers = won;
    numbers.sort_unstable();
    let count = u64::try_from(numbers.len()).expect("a small number fits");
    assert!(numbers.iter().copied().eq(1..=count), "two won one number, or one was skipped: {numbers:?}");
    assert_eq!(open().head(SPACE).expect("the journal answers").map(|head| head.number), Some(count));
}

fn of_racing_beginnings_one_wins<J: Journal>(open: Open<'_, J>) {
    let won: usize = thread::scope(|scope| {
        let racers: Vec<_> = (0..6)
            .map(|racer| {
                scope.spawn(move || match open().append(genesis(&note(racer), SPACE)) {
                    Ok(_) => 1,
                    Err(JournalError::Conflict { head: Some(_) }) => 0,
                    Err(other) => panic!("neither won nor lost: {other}"),
                })
            })
            .collect();
        racers.into_iter().map(|racer| racer.join().expect("no racer panics")).sum()
    });
    assert_eq!(won, 1);
    assert_eq!(open().records(SPACE, 0, 10).expect("the journal answers").len(), 1);
}

fn records_come_in_order_in_bounded_pages<J: Journal>(open: Open<'_, J>) {
    let journal = open();
    let mut head = begin(&journal, SPACE);
    let count = u64::try_from(PAGE_RECORDS_MAX).expect("a page is small") + 5;
    for number in 1..count {
        head = journal.append(after(head, &note(number))).expect("it follows the head");
    }
    assert_eq!(journal.records(SPACE, 0, usize::MAX).expect("the journal answers").len(), PAGE_RECORDS_MAX);
    for limit in [97, PAGE_RECORDS_MAX] {
        let mut next = 0;
        while next < count {
            let page = journal.records(SPACE, next, limit).expect("the journal answers");
            assert!(!page.is_empty() && page.len() <= limit, "{} records for {limit}", page.len());
            for record in page {
                assert_eq!((record.number, &record.note), (next, &note(next)));
                assert_eq!(record.id, RecordId::of(&record.note));
                assert_eq!(record.kept, if next == 0 { 1 } else { 2 });
                next += 1;
            }
        }
    }
}

fn records_past_the_head_are_none<J: Journal>(open: Open<'_, J>) {
    let journal = open();
    assert!(journal.records(SPACE, 0, 10).expect("the journal answers").is_empty());
    begin(&journal, SPACE);
    for from in [1, 2, u64::MAX] {
        assert!(journal.records(SPACE, from, 10).expect("the journal answers").is_empty(), "something is at {from}");
    }
    assert!(journal.records(SPACE, 0, 0).expect("the journal answers").is_empty());
}

fn notes_outside_the_limits_are_refused<J: Journal>(open: Open<'_, J>) {
    let journal = open();
    for length in [0, NOTE_BYTES_MAX + 1] {
        let refused = journal.append(genesis(&vec![b'n'; length], SPACE));
        assert!(matches!(refused, Err(JournalError::Refused { .. })), "a note of {length} bytes was taken");
    }
    let largest = vec![b'n'; NOTE_BYTES_MAX];
    journal.append(genesis(&largest, SPACE)).expect("it is within limits");
    assert!(open().records(SPACE, 0, 1).expect("the journal answers").iter().any(|record| record.note == largest));
}

fn an_append_that_names_a_condemned_object_is_refused_with_the_list<J: Journal>(open: Open<'_, J>) {
    let journal = open();
    let head = begin(&journal, SPACE);
    let [a, b, c] = [b"a", b"b", b"c"].map(|bytes| ObjectId::of(bytes));
    journal.condemn(SPACE, Some(head), &[c, a], 5).expect("they are marked");
    let next = note(1);
    let refused = open().append(Entry { objects: &[a, b, c], ..after(head, &next) });
    assert!(matches!(&refused, Err(JournalError::Condemned { objects }) if *objects == [a, c]), "{refused:?}");
    assert_eq!(open().head(SPACE).expect("the journal answers"), Some(head));
    let elsewhere = Entry { objects: &[a], ..genesis(&next, OTHER) };
    open().append(elsewhere).expect("a mark holds in its own space only");
    open().append(Entry { objects: &[b], ..after(head, &next) }).expect("b is not marked");
}

fn a_pardoned_object_may_be_named<J: Journal>(open: Open<'_, J>) {
    let journal = open();
    let head = begin(&journal, SPACE);
    let [a, b] = [b"a", b"b"].map(|bytes| ObjectId::of(bytes));
    journal.condemn(SPACE, Some(head), &[a, b], 5).expect("they are marked");
    journal.pardon(OTHER, &[a], &mut |_| true).expect("there is nothing to do");
    journal.pardon(SPACE, &[a, ObjectId::of(b"never seen")], &mut |_| true).expect("a is put again");
    assert_eq!(open().condemned(SPACE).expect("the journal answers"), [(b, 5)]);
    let next = note(1);
    open().append(Entry { objects: &[a], ..after(head, &next) }).expect("a is no longer marked");
}

fn nothing_is_condemned_after_an_unseen_append<J: Journal>(open: Open<'_, J>) {
    let journal = open();
    let object = ObjectId::of(b"named at last");
    let zero = begin(&journal, SPACE);
    let next = note(1);
    let one = journal.append(Entry { objects: &[object], ..after(zero, &next) }).expect("it follows the head");
    let refused = open().condemn(SPACE, Some(zero), &[object], 5);
    assert!(matches!(refused, Err(JournalError::Conflict { head: Some(now) }) if now == one), "{refused:?}");
    let refused = open().condemn(OTHER, Some(zero), &[object], 5);
    assert!(matches!(refused, Err(JournalError::Conflict { head: None })), "{refused:?}");
    assert!(open().condemned(SPACE).expect("the journal answers").is_empty());
    open().condemn(OTHER, None, &[object], 5).expect("objects may wait for a space that never began");
}

fn a_condemned_object_keeps_its_first_time<J: Journal>(open: Open<'_, J>) {
    let journal = open();
    let mut objects = [b"a", b"b"].map(|bytes| ObjectId::of(bytes));
    objects.sort_unstable();
    let [a, b] = objects;
    journal.condemn(SPACE, None, &[b], 5).expect("it is marked");
    journal.condemn(SPACE, None, &[b, a, a], 6).expect("they are marked");
    assert_eq!(open().condemned(SPACE).expect("the journal answers"), [(a, 6), (b, 5)]);
}

fn only_what_has_been_condemned_long_enough_expires_and_its_mark_stays<J: Journal>(open: Open<'_, J>) {
    let journal = open();
    let head = begin(&journal, SPACE);
    let [a, b, c] = [b"a", b"b", b"c"].map(|bytes| ObjectId::of(bytes));
    journal.condemn(SPACE, Some(head), &[a], 5).expect("it is marked");
    journal.condemn(SPACE, Some(head), &[b], 6).expect("it is marked");
    let expired = |space, until| {
        let mut expired = Vec::new();
        open().expire(space, &[a, b, c], until, &mut |id| expired.push(id)).expect("the journal answers");
        expired
    };
    assert_eq!(
        (expired(SPACE, 4), expired(SPACE, 5), expired(SPACE, 6), expired(OTHER, 6)),
        (vec![], vec![a], vec![a, b], vec![])
    );
    let next = note(1);
    let refused = open().append(Entry { objects: &[a], ..after(head, &next) });
    assert!(matches!(refused, Err(JournalError::Condemned { .. })), "what expired may be named: {refused:?}");
}

fn a_pardon_asks_whether_the_object_is_here<J: Journal>(open: Open<'_, J>) {
    let journal = open();
    let [a, b, c] = [b"a", b"b", b"c"].map(|bytes| ObjectId::of(bytes));
    journal.condemn(SPACE, None, &[a, b], 5).expect("they are marked");
    let mut asked = Vec::new();
    let is_here = &mut |id| {
        asked.push(id);
        id == a
    };
    assert_eq!(journal.pardon(SPACE, &[a, b, c], is_here).expect("the journal answers"), [b]);
    assert_eq!(asked, [a, b], "an object without a mark is not asked for");
    assert_eq!(open().condemned(SPACE).expect("the journal answers"), [(b, 5)]);
}

/// An object is put, pardoned and named by one, while another one expires whatever is marked.
fn of_racing_pardons_and_expiries_none_lets_a_missing_object_be_named<J: Journal>(open: Open<'_, J>) {
    let journal = open();
    let mut head = begin(&journal, SPACE);
    let id = ObjectId::of(b"an object");
    for round in 1..=20 {
        journal.condemn(SPACE, Some(head), &[id], round).expect("it is marked");
        let here = AtomicBool::new(true);
        let next = note(round);
        thread::scope(|scope| {
            scope.spawn(|| {
                let remove = &mut |_| here.store(false, Ordering::SeqCst);
                open().expire(SPACE, &[id], round, remove).expect("the journal answers");
            });
            let journal = open();
            let is_here = &mut |_| here.load(Ordering::SeqCst);
            let gone = journal.pardon(SPACE, &[id], is_here).expect("the journal answers");
            match journal.append(Entry { objects: &[id], ..after(head, &next) }) {
                Ok(_) => assert!(gone.is_empty(), "what keeps its mark was named"),
                Err(JournalError::Condemned { .. }) => assert_eq!(gone, [id], "what was pardoned may not be named"),
                Err(other) => panic!("{other}"),
            }
        });
        let now = journal.head(SPACE).expect("the journal answers").expect("it has begun");
        assert_eq!(now != head, here.load(Ordering::SeqCst), "a record names what is not here");
        head = now;
        journal.pardon(SPACE, &[id], &mut |_| true).expect("it is put again");
    }
}

fn a_claim_holds_until_the_space_begins<J: Journal>(open: Open<'_, J>) {
    let journal = open();
    let account = |space| open().account(space).expect("it can be told");
    let [one, two, three] = [1, 2, 3].map(|byte| AccountId([byte; 32]));
    journal.claim(SPACE, None).expect("there is nothing to do");
    for claimed in [Some(one), Some(two), Some(two), None, Some(one)] {
        journal.claim(SPACE, claimed).expect("it is claimed");
        assert_eq!((account(SPACE), account(OTHER)), (claimed, None));
    }
    assert_eq!(journal.usage(one).expect("it can be told"), Usage::default(), "a claim costs nothing");
    open().integrity().expect("a claim is no damage");
    let first = note(0);
    let charge = Charge { account: three, bytes: 1, quota: 9, alone: true };
    journal.append(Entry { charge: Some(charge), ..genesis(&first, SPACE) }).expect("it begins");
    journal.claim(SPACE, Some(one)).expect("there is nothing to do");
    journal.claim(SPACE, None).expect("there is nothing to do");
    assert_eq!(account(SPACE), Some(three), "the genesis settles who pays");
    journal.claim(OTHER, Some(one)).expect("it is claimed");
    journal.append(genesis(&first, OTHER)).expect("it begins");
    assert_eq!(account(OTHER), None, "nobody pays for what begins in the keeper's own process");
    open().integrity().expect("it holds together");
}

fn charge(bytes: u64, quota: u64) -> Option<Charge> {
    Some(Charge { account: AccountId([4; 32]), bytes, quota, alone: false })
}

fn paid<J: Journal>(journal: &J) -> (u64, u64) {
    let Usage { bytes, spaces } = journal.usage(AccountId([4; 32])).expect("it can be told");
    (bytes, spaces)
}

fn what_is_appended_is_paid_for_once<J: Journal>(open: Open<'_, J>) {
    let journal = open();
    assert_eq!((paid(&journal), journal.account(SPACE).expect("it can be told")), ((0, 0), None));
    let (first, one, two) = (note(0), note(1), note(2));
    let begins = Entry { charge: charge(10, 100), ..genesis(&first, SPACE) };
    let over = journal.append(Entry { charge: charge(10, 9), ..begins });
    assert!(matches!(over, Err(JournalError::Quota { used: 0, quota: 9 })), "{over:?}");
    assert_eq!((journal.head(SPACE).expect("it can be told"), paid(&journal)), (None, (0, 0)));
    let zero = journal.append(begins).expect("the space begins");
    journal.append(begins).expect("it is repeated");
    assert_eq!((paid(&open()), open().account(SPACE).expect("it can be told")), ((10, 1), Some(AccountId([4; 32]))));
    let follows = |bytes, quota| Entry { charge: charge(bytes, quota), ..after(zero, &one) };
    let over = journal.append(follows(91, 100));
    assert!(matches!(over, Err(JournalError::Quota { used: 10, quota: 100 })), "{over:?}");
    let foreign = Charge { account: AccountId([5; 32]), bytes: 1, quota: 100, alone: false };
    let refused = journal.append(Entry { charge: Some(foreign), ..follows(1, 100) });
    assert!(matches!(refused, Err(JournalError::Refused { .. })), "{refused:?}");
    let head = journal.append(follows(90, 100)).expect("it is the whole quota");
    journal.append(follows(90, 100)).expect("it is repeated");
    assert_eq!(paid(&open()), (100, 1));
    // Nobody is asked: nothing is counted.
    journal.append(after(head, &two)).expect("it follows the head");
    // Who paid for a space does not change who pays for another one.
    journal.append(genesis(&first, OTHER)).expect("the space begins");
    assert_eq!((paid(&open()), open().account(OTHER).expect("it can be told")), ((100, 1), None));
    open().integrity().expect("everything holds");
}

fn an_account_that_is_alone_has_one_space<J: Journal>(open: Open<'_, J>) {
    let (first, second) = (note(0), note(1));
    let alone = charge(1, 100).map(|charge| Charge { alone: true, ..charge });
    let outcomes = open().append_all(&[
        Entry { charge: alone, ..genesis(&first, SPACE) },
        Entry { charge: alone, ..genesis(&second, OTHER) },
    ]);
    assert!(matches!(outcomes[..], [Ok(_), Err(JournalError::AccountUsed)]), "{outcomes:?}");
    assert_eq!((open().head(OTHER).expect("it can be told"), paid(&open())), (None, (1, 1)));
    let Some(Ok(zero)) = outcomes.first() else { unreachable!("it was compared above") };
    open().append(Entry { charge: alone, ..after(*zero, &second) }).expect("its one space goes on");
}

fn racing_appends_never_pass_a_quota<J: Journal>(open: Open<'_, J>) {
    thread::scope(|scope| {
        for number in 0..8_u8 {
            scope.spawn(move || {
                let (note, space) = (note(number.into()), SpaceId::from_bytes([number; 16]));
                let _ = open().append(Entry { charge: charge(30, 100), ..genesis(&note, space) });
            });
        }
    });
    assert_eq!(paid(&open()), (90, 3));
    open().integrity().expect("everything holds");
}

fn a_fact_is_settled_once<J: Journal>(open: Open<'_, J>) {
    let journal = open();
    assert_eq!(journal.fact("origin").expect("the journal answers"), None);
    journal.settle_fact("origin", b"here").expect("it is settled");
    open().settle_fact("origin", b"here").expect("it is settled the same");
    let refused = open().settle_fact("origin", b"there");
    assert!(matches!(&refused, Err(JournalError::Settled { key }) if key == "origin"), "{refused:?}");
    assert_eq!(open().fact("origin").expect("the journal answers"), Some(b"here".to_vec()));
    assert_eq!(open().fact("Origin").expect("the journal answers"), None);
    for key in [String::new(), "k".repeat(FACT_BYTES_MAX + 1)] {
        assert!(matches!(journal.settle_fact(&key, b""), Err(JournalError::Refused { .. })));
    }
    let long = vec![0; FACT_BYTES_MAX + 1];
    assert!(matches!(journal.settle_fact("long", &long), Err(JournalError::Refused { .. })));
}

fn the_log_is_every_record_in_the_order_of_the_appends<J: Journal>(open: Open<'_, J>) {
    let journal = open();
    assert_eq!(journal.log().unwrap(), LogState::default());
    assert_eq!(journal.leaves(0, 10).unwrap(), []);
    let mut expected = Vec::new();
    let mut heads = [SPACE, OTHER].map(|space| (space, None));
    for number in 0..7 {
        for (space, head) in &mut heads {
            let note = note(number);
            let slot_key = head.is_none().then_some(&SLOT_KEY);
            let entry =
                Entry { space: *space, expected: *head, note: &note, objects: &[], slot_key, kept: 1, charge: None };
            let new = journal.append(entry).unwrap();
            expected.push(Leaf { slot: Slot::of(&SLOT_KEY, number), record: new.id });
            // An append that is repeated has its place already.
            assert_eq!(journal.append(entry).unwrap(), new);
            *head = Some(new);
        }
    }
    let other = open();
    assert_eq!(other.log().unwrap().size, 14);
    assert_eq!(other.leaves(0, PAGE_RECORDS_MAX).unwrap(), expected);
    assert_eq!(other.leaves(5, 3).unwrap(), expected[5..8]);
    assert_eq!(other.leaves(13, 10).unwrap(), expected[13..]);
    assert_eq!(other.leaves(14, 10).unwrap(), []);
    let places: Vec<u64> = other.records(OTHER, 0, 10).unwrap().iter().map(|record| record.position).collect();
    assert_eq!(places, [1, 3, 5, 7, 9, 11, 13]);
}

fn racing_appends_leave_no_gap_in_the_log<J: Journal>(open: Open<'_, J>) {
    let spaces: Vec<SpaceId> = (20..24).map(|number| SpaceId::from_bytes([number; 16])).collect();
    thread::scope(|scope| {
        for space in &spaces {
            scope.spawn(|| {
                let journal = open();
                let mut head = begin(&journal, *space);
                for number in 1..10 {
                    let note = note(number);
                    head = journal.append(Entry { space: *space, ..after(head, &note) }).unwrap();
                }
            });
        }
    });
    let journal = open();
    let mut places: Vec<u64> = spaces
        .iter()
        .flat_map(|space| journal.records(*space, 0, PAGE_RECORDS_MAX).unwrap())
        .map(|record| record.position)
        .collect();
    places.sort_unstable();
    assert_eq!(places, (0..40).collect::<Vec<u64>>());
    assert_eq!(journal.leaves(0, PAGE_RECORDS_MAX).unwrap().len(), 40);
}

fn log_head(size: u64, root: u8) -> LogHead {
    LogHead { size, root: RootHash::from_bytes([root; 32]) }
}

fn a_signed_head_follows_the_newest_and_never_shrinks<J: Journal>(open: Open<'_, J>) {
    let journal = open();
    let mut head = begin(&journal, SPACE);
    for number in 1..5 {
        head = journal.append(after(head, &note(number))).unwrap();
    }
    let (two, four) = (log_head(2, 1), log_head(4, 2));
    assert!(matches!(journal.settle_signed(None, log_head(0, 1)), Err(JournalError::Refused { .. })));
    assert!(matches!(journal.settle_signed(None, log_head(6, 1)), Err(JournalError::Refused { .. })));
    journal.settle_signed(None, two).unwrap();
    journal.settle_signed(None, two).unwrap();
    let other = open();
    assert_eq!(other.log().unwrap(), LogState { size: 5, signed: Some(two) });
    let late = other.settle_signed(None, four);
    assert!(matches!(late, Err(JournalError::SignedMeanwhile { newest: Some(newest) }) if newest == two));
    other.settle_signed(Some(two), four).unwrap();
    for smaller in [log_head(3, 1), log_head(4, 1)] {
        let refused = other.settle_signed(Some(four), smaller);
        assert!(matches!(refused, Err(JournalError::Refused { .. })), "{smaller:?} was settled after {four:?}");
    }
    // An append after it leaves what was signed as it is.
    journal.append(after(head, &note(5))).unwrap();
    assert_eq!(open().log().unwrap(), LogState { size: 6, signed: Some(four) });
}

fn of_racing_signers_one_wins<J: Journal>(open: Open<'_, J>) {
    let journal = open();
    begin(&journal, SPACE);
    let won: Vec<bool> = thread::scope(|scope| {
        let racing: Vec<_> =
            (1..9).map(|root| scope.spawn(move || open().settle_signed(None, log_head(1, root)).is_ok())).collect();
        racing.into_iter().map(|thread| thread.join().expect("a signer does not panic")).collect()
    });
    assert_eq!(won.iter().filter(|won| **won).count(), 1, "{won:?}");
}

fn what_was_appended_is_there_for_whoever_opens_later<J: Journal>(open: Open<'_, J>) {
    let mut head = begin(&open(), SPACE);
    for number in 1..20 {
        head = open().append(after(head, &note(number))).expect("it follows the head");
        let found = open().records(SPACE, number, 2).expect("the journal answers");
        assert_eq!(found.iter().map(|record| &record.note).collect::<Vec<_>>(), [&note(number)]);
    }
}

fn integrity_counts_what_there_is<J: Journal>(open: Open<'_, J>) {
    let journal = open();
    let empty = journal.integrity().expect("an empty journal is whole");
    assert_eq!((empty.spaces, empty.records, empty.condemned, empty.facts), (0, 0, 0, 0));
    let head = begin(&journal, SPACE);
    begin(&journal, OTHER);
    journal.append(after(head, &note(1))).expect("it follows the head");
    journal.condemn(OTHER, None, &[ObjectId::of(b"x")], 5).expect_err("the other space has begun");
    journal.condemn(SpaceId::from_bytes([1; 16]), None, &[ObjectId::of(b"x")], 5).expect("it is marked");
    journal.settle_fact("origin", b"here").expect("it is settled");
    let full = open().integrity().expect("the journal is whole");
    assert_eq!((full.spaces, full.records, full.condemned, full.facts), (2, 3, 1, 1));
}
