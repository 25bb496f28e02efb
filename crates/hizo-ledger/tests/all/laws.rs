//! Laws that hold for every record and every space.

use ed25519_dalek::Signer;
use hizo_ledger::id::{CommitHash, ObjectId, RecordId, RootHash, SeriesId, SlotKeyHash, SpaceId};
use hizo_ledger::record::{
    AdminRule, BODY_BYTES_MAX, ClaimedTime, Commitment, Control, Deposit, Envelope, Objects, Origin, Role, Seen,
    UnverifiedRecord, WRAP_BYTES_MAX,
};
use hizo_ledger::space::Chain;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::kit::{Story, key, member, secret, session, signed};

fn hash() -> impl Strategy<Value = [u8; 32]> {
    any::<[u8; 32]>()
}

fn origin() -> impl Strategy<Value = Origin> {
    "[a-z0-9]([a-z0-9_-]{0,20}[a-z0-9][./]){0,3}[a-z0-9]{1,9}".prop_map(|text| Origin::parse(&text).unwrap())
}

fn who() -> impl Strategy<Value = String> {
    (0..40_u8).prop_map(|number| format!("signer {number}"))
}

fn deposit() -> impl Strategy<Value = Deposit> {
    let numbers = (any::<[u8; 8]>(), 1..=u64::MAX, 1..=65_536_u64, any::<Index>());
    (numbers, hash(), hash(), hash(), hash()).prop_map(|((series, k, count, total), prev, a, b, list)| Deposit {
        series: SeriesId::from_bytes(series),
        k,
        prev: (k > 1).then(|| RecordId::from_bytes(prev)),
        commit: Commitment { sha256: CommitHash::from_bytes(a), blake3: CommitHash::from_bytes(b) },
        objects: Objects { count, total: count + total.index(1 << 24) as u64, list: ObjectId::from_bytes(list) },
    })
}

/// Control lines of a record after genesis, in their order, each at most once.
fn controls(epoch: u32) -> impl Strategy<Value = Vec<Control>> {
    let person = (who(), select(Role::ALL.to_vec()));
    let wrap = (0..=epoch, hash(), 1..=WRAP_BYTES_MAX);
    let lists =
        (prop::collection::vec(who(), 0..4), prop::collection::vec(person, 0..6), prop::collection::vec(wrap, 0..6));
    (lists, prop::option::of(prop::option::of(who())), hash(), hash(), any::<bool>()).prop_map(
        move |((removed, members, wraps), recovery, recipient, wrap, moves)| {
            let mut controls: Vec<_> = members.iter().map(|(who, role)| member(who, *role)).collect();
            // Every second one names a session key.
            controls.extend(members.iter().step_by(2).map(|(who, _)| session(who)));
            let recovery = recovery.map(|who| who.map(|who| key(&format!("recovery of {who}"))));
            controls.extend(recovery.map(Control::Recovery));
            controls.extend(moves.then_some(Control::Admins(AdminRule::Two)));
            controls.extend(removed.iter().map(|who| Control::RotatorEnds(key(&format!("rotator of {who}")))));
            controls.extend(members.iter().map(|(who, _)| Control::Rotator(key(&format!("rotator of {who}")))));
            controls.extend(wraps.into_iter().map(|(epoch, wrap, bytes)| Control::Wrap {
                epoch,
                wrap: ObjectId::from_bytes(wrap),
                bytes,
            }));
            if !removed.is_empty() {
                controls.extend(removed.iter().map(|who| Control::Remove(key(who))));
                controls.push(Control::Epoch { epoch, recipient: ObjectId::from_bytes(recipient) });
                controls.push(Control::Wrap { epoch, wrap: ObjectId::from_bytes(wrap), bytes: 9 });
            }
            controls.extend(moves.then(|| Control::Origin(Origin::parse("elsewhere.example").unwrap())));
            controls
        },
    )
}

fn genesis_controls() -> impl Strategy<Value = Vec<Control>> {
    (hash(), prop::collection::vec(who(), 0..5)).prop_map(|(slot, members)| {
        let mut controls: Vec<_> = members.iter().map(|who| member(who, Role::Reader)).collect();
        controls.extend(crate::kit::epoch(0));
        controls.extend([Control::Founder(key("owner")), Control::Recovery(None), session("owner")]);
        controls.push(Control::Slot(SlotKeyHash::from_bytes(slot)));
        controls
    })
}

#[derive(Debug, Clone)]
enum Says {
    Body,
    Deposit(Deposit),
    Controls(Vec<Control>),
}

fn envelope() -> impl Strategy<Value = Envelope> {
    let says = |epoch| {
        prop_oneof![
            Just((false, Says::Body)),
            deposit().prop_map(|deposit| (false, Says::Deposit(deposit))),
            controls(epoch).prop_map(|controls| (false, Says::Controls(controls))),
            genesis_controls().prop_map(|controls| (true, Says::Controls(controls))),
        ]
    };
    let says = any::<u32>().prop_flat_map(move |epoch| (Just(epoch), says(epoch)));
    let seen = prop::option::of((1..=u64::MAX, hash()));
    let common = (origin(), any::<[u8; 16]>(), 1..=u64::MAX, hash(), 0..253_402_300_800_u64);
    (common, says, seen, prop::option::of((hash(), 1..=BODY_BYTES_MAX))).prop_map(
        |((keeper, space, number, prev, time), (epoch, (is_genesis, says)), seen, body)| {
            let (mut deposit, mut controls) = (None, Vec::new());
            let needs_body = match says {
                Says::Body => true,
                Says::Deposit(it) => deposit.replace(it).is_some(),
                Says::Controls(lines) => {
                    controls = lines;
                    controls.is_empty()
                }
            };
            let body = body.or(needs_body.then_some(([7; 32], 7)));
            let mut envelope = Envelope {
                keeper,
                space: SpaceId::from_bytes(space),
                number: if is_genesis { 0 } else { number },
                prev: (!is_genesis).then(|| RecordId::from_bytes(prev)),
                epoch: if is_genesis { 0 } else { epoch },
                time: ClaimedTime::from_unix_seconds(time).unwrap(),
                seen: seen.map(|(size, root)| Seen { size, root: RootHash::from_bytes(root) }),
                body: body.map(|(id, bytes)| (ObjectId::from_bytes(id), bytes)),
                deposit,
                controls,
            };
            envelope.sort_controls();
            envelope.controls.dedup_by_key(|control| match control {
                Control::Member { key, .. } => format!("member {key}"),
                Control::Session { member, .. } => format!("session {member}"),
                other => format!("{other:?}"),
            });
            envelope
        },
    )
}

/// One step of a random space, always allowed.
#[derive(Debug, Clone)]
enum Step {
    Say,
    Deposit(u8),
    Add(Role),
    RemoveNewest,
}

fn story() -> impl Strategy<Value = Story> {
    let step = prop_oneof![
        Just(Step::Say),
        (0..3_u8).prop_map(Step::Deposit),
        select(Role::ALL.to_vec()).prop_map(Step::Add),
        Just(Step::RemoveNewest),
    ];
    prop::collection::vec(step, 1..7).prop_map(|steps| {
        let mut story = Story::begin(&[]);
        let mut people = Vec::new();
        for step in steps {
            let envelope = match step {
                Step::Say => story.say(),
                Step::Deposit(series) => story.deposit(&series.to_string()),
                Step::Add(role) => {
                    people.push(format!("member {}", story.notes.len()));
                    story.control(&[member(people.last().unwrap(), role)])
                }
                Step::RemoveNewest => match people.pop() {
                    Some(who) => story.removal(&who),
                    None => story.say(),
                },
            };
            story.add(&envelope, "owner");
        }
        story
    })
}

/// Fixed, so that a failure is the same failure for everybody.
fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(7),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(200))]

    #[test]
    fn what_is_composed_reads_back_as_it_was(envelope in envelope(), signers in prop::collection::btree_set(who(), 1..=8)) {
        let text = envelope.text().unwrap();
        let signatures: Vec<_> =
            signers.iter().map(|who| (key(who), secret(who).sign(text.as_bytes()).to_bytes())).collect();
        let composed = UnverifiedRecord::compose(&envelope, &signatures).unwrap();
        let read = UnverifiedRecord::parse(composed.note_bytes()).unwrap();
        prop_assert_eq!(read.envelope(), &envelope);
        prop_assert_eq!(read.signed_bytes(), text.as_bytes());
        prop_assert_eq!(read.signatures().len(), signers.len());
        prop_assert_eq!(read.id(), RecordId::of(composed.note_bytes()));
        prop_assert_eq!(read, composed);
    }

    #[test]
    fn what_is_read_is_the_one_form_of_what_it_says(envelope in envelope(), place in any::<Index>(), byte in any::<u8>()) {
        let mut bytes = signed(&envelope, "owner").note_bytes().to_vec();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        if let Ok(read) = UnverifiedRecord::parse(&bytes) {
            prop_assert_eq!(read.note_bytes(), &bytes[..]);
            let text = read.envelope().text().unwrap();
            prop_assert_eq!(text.as_bytes(), read.signed_bytes());
        }
    }

    #[test]
    fn any_bytes_are_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(UnverifiedRecord::parse(&bytes).is_err());
    }

    #[test]
    fn lines_in_another_order_doubled_or_left_out_are_refused(envelope in envelope(), a in any::<Index>(), b in any::<Index>(), what in 0..3) {
        let note = String::from_utf8(signed(&envelope, "owner").note_bytes().to_vec()).unwrap();
        let mut lines: Vec<_> = note.split_inclusive('\n').collect();
        let (a, b) = (a.index(lines.len()), b.index(lines.len()));
        match what {
            0 => lines.swap(a, b),
            1 => lines.insert(b, lines[a]),
            _ => drop(lines.remove(a)),
        }
        let changed = lines.concat();
        prop_assume!(changed != note);
        // A line may be one that can be left out, a wrap for one: then the signature tells.
        if let Ok(read) = UnverifiedRecord::parse(changed.as_bytes()) {
            let holds = key("owner").verify(read.signed_bytes(), &read.signatures()[0].signature);
            prop_assert!(holds.is_err(), "{}", changed);
        }
    }

    #[test]
    fn a_flipped_byte_anywhere_in_a_space_is_refused(story in story(), place in any::<Index>(), mask in 1..=u8::MAX) {
        let mut notes: Vec<_> = story.notes.iter().map(|note| note.clone().into_bytes()).collect();
        let mut place = place.index(notes.iter().map(Vec::len).sum());
        let mut number = 0;
        while place >= notes[number].len() {
            place -= notes[number].len();
            number += 1;
        }
        notes[number][place] ^= mask;
        let refused = Chain::replay(&notes, drop).err().unwrap();
        prop_assert_eq!(refused.number, number as u64);
    }

    #[test]
    fn records_dropped_doubled_or_in_another_order_are_refused(story in story(), places in prop::collection::vec(any::<Index>(), 1..9)) {
        let places: Vec<_> = places.iter().map(|place| place.index(story.notes.len())).collect();
        let fault = places.iter().enumerate().position(|(number, place)| number != *place);
        let replayed = Chain::replay(places.iter().map(|place| &story.notes[*place]), drop);
        match fault {
            None => prop_assert_eq!(replayed.unwrap().head().number, places.len() as u64 - 1),
            Some(number) => prop_assert_eq!(replayed.err().unwrap().number, number as u64),
        }
    }

    #[test]
    fn a_record_of_another_space_stands_nowhere(story in story(), other in story(), place in any::<Index>()) {
        // Same keys, same numbers, another founding: nothing of it can be planted here.
        let mut foreign = crate::kit::genesis(&[Control::Recovery(None)]);
        foreign.space = crate::kit::space("another space");
        let (mut chain, _) = Chain::begin(signed(&foreign, "owner")).unwrap();
        let note = &other.notes[place.index(other.notes.len())];
        prop_assert!(chain.append(UnverifiedRecord::parse(note.as_bytes()).unwrap()).is_err());
        let mut envelope = story.say();
        envelope.space = foreign.space;
        prop_assert!(story.chain.check(signed(&envelope, "owner")).is_err());
    }
}
