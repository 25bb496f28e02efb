//! A space moves from one keeper to another: what is taken over, what is refused, and cuts at every step.

use std::collections::BTreeSet;

use hizo_keeper::{Clock, Error, Keeper, Kept, Takeover};
use hizo_ledger::id::ObjectId;
use hizo_ledger::record::{Control, Envelope, Origin, UnverifiedRecord};
use hizo_ledger::space::{self, Chain};
use hizo_store::objects::FileObjects;
use hizo_store::simulated::{Fault, MemoryJournal, SimulatedDisk};
use hizo_store::{Journal as _, NamedBytes};

use crate::kit::{Company, Draft, SimulatedKeeper, clock, keeper, key, sign};
use crate::service::world::session;

/// The keeper that a space moves to, on this disk.
fn elsewhere(disk: &SimulatedDisk, journal: &MemoryJournal) -> Result<SimulatedKeeper, Error> {
    named("elsewhere.example", disk, journal, clock())
}

fn named(name: &str, disk: &SimulatedDisk, journal: &MemoryJournal, clock: Clock) -> Result<SimulatedKeeper, Error> {
    let objects = FileObjects::open(disk.clone(), "objects".as_ref())?;
    let journal = journal.moved_beside(disk);
    let origin = Origin::parse(name).unwrap();
    Keeper::<FileObjects<SimulatedDisk>, _>::set_up(&journal, &origin, &key("another log"))?;
    Keeper::open(objects, journal, clock)
}

fn new_disk() -> (SimulatedDisk, MemoryJournal) {
    let disk = SimulatedDisk::new(16);
    let journal = MemoryJournal::beside(&disk);
    (disk, journal)
}

/// A company whose space is about to leave a keeper: everything that it has there, in order.
pub(crate) struct Leaving {
    pub(crate) company: Company,
    pub(crate) notes: Vec<Vec<u8>>,
    pub(crate) objects: Vec<NamedBytes>,
}

impl Leaving {
    /// Genesis, a deposit, something said.
    pub(crate) fn new() -> Self {
        let (keeper, _) = keeper();
        let mut leaving = Self {
            company: Company::new("a company that leaves", keeper.origin()),
            notes: Vec::new(),
            objects: Vec::new(),
        };
        let genesis = leaving.company.genesis_with(&[session("owner"), session("machine")]);
        leaving.keep(&keeper, genesis);
        let deposit = leaving.company.deposit("drawings", 2).1;
        leaving.keep(&keeper, deposit);
        let saying = leaving.company.saying();
        leaving.keep(&keeper, saying);
        leaving
    }

    fn keep(&mut self, keeper: &SimulatedKeeper, draft: Draft) {
        self.company.keep(keeper, &draft).unwrap();
        self.note(draft);
    }

    fn note(&mut self, draft: Draft) {
        self.notes.push(draft.note);
        self.objects.extend(draft.objects);
    }

    /// The record by which it moves, signed by somebody.
    pub(crate) fn to(&self, origin: &str, who: &str) -> Vec<u8> {
        let origin = Origin::parse(origin).unwrap();
        sign(&Envelope { controls: vec![Control::Origin(origin)], body: None, ..self.company.say() }, who)
    }

    /// All notes, this one at the end.
    fn with(&self, last: Vec<u8>) -> Vec<Vec<u8>> {
        self.notes.iter().cloned().chain([last]).collect()
    }

    fn put(&self, keeper: &SimulatedKeeper) -> Result<(), Error> {
        self.objects.iter().try_for_each(|object| keeper.put(self.company.space, object).map(drop))
    }

    fn take(&self, keeper: &SimulatedKeeper, notes: &[Vec<u8>]) -> Result<Kept, Error> {
        self.take_without(keeper, notes, &BTreeSet::new())
    }

    fn take_without(
        &self,
        keeper: &SimulatedKeeper,
        notes: &[Vec<u8>],
        absent: &BTreeSet<ObjectId>,
    ) -> Result<Kept, Error> {
        keeper.take_over(&Takeover { notes, slot_key: &self.company.slot_key, absent, session: None })
    }
}

/// A keeper at which everything was put that the space names.
fn ready(leaving: &Leaving) -> SimulatedKeeper {
    let (disk, journal) = new_disk();
    let keeper = elsewhere(&disk, &journal).unwrap();
    leaving.put(&keeper).unwrap();
    keeper
}

/// What is refused leaves nothing behind.
#[track_caller]
fn refused(leaving: &Leaving, keeper: &SimulatedKeeper, notes: &[Vec<u8>]) -> Error {
    let before = (keeper.head(leaving.company.space).unwrap(), keeper.journal().log().unwrap());
    let error = leaving.take(keeper, notes).unwrap_err();
    assert_eq!((keeper.head(leaving.company.space).unwrap(), keeper.journal().log().unwrap()), before);
    error
}

#[test]
fn a_space_is_taken_over_whole_and_goes_on_here() {
    let mut leaving = Leaving::new();
    let keeper = ready(&leaving);
    let notes = leaving.with(leaving.to("elsewhere.example", "owner"));
    let kept = leaving.take(&keeper, &notes).unwrap();
    assert_eq!(kept.number, 3);
    let records = keeper.records(leaving.company.space, 0, 10).unwrap();
    assert_eq!(records.iter().map(|record| record.note.clone()).collect::<Vec<_>>(), notes);
    assert_eq!(records.iter().map(|record| record.position).collect::<Vec<_>>(), [0, 1, 2, 3], "all stand in its log");
    let checked = keeper.check(leaving.company.space).unwrap().unwrap();
    assert!(checked.missing.is_empty() && checked.damaged.is_empty());
    // Asked again it says the same, and what comes next follows.
    assert_eq!(leaving.take(&keeper, &notes).unwrap(), kept);
    leaving.company.keeper = keeper.origin().clone();
    leaving.company.chain.as_mut().unwrap().append(UnverifiedRecord::parse(&notes[3]).unwrap()).unwrap();
    let next = leaving.company.deposit("drawings", 1).1;
    assert_eq!(leaving.company.keep(&keeper, &next).unwrap().number, 4);
    assert_eq!(leaving.take(&keeper, &notes).unwrap(), kept);
}

#[test]
fn nobody_but_an_admin_moves_a_space_and_only_to_the_keeper_that_he_names() {
    let leaving = Leaving::new();
    let keeper = ready(&leaving);
    let stolen = refused(&leaving, &keeper, &leaving.with(leaving.to("elsewhere.example", "machine")));
    assert!(matches!(stolen, Error::Rule(space::Error::RoleMayNot { .. })), "{stolen:?}");
    let stranger = refused(&leaving, &keeper, &leaving.with(leaving.to("elsewhere.example", "a stranger")));
    assert!(matches!(stranger, Error::Rule(space::Error::SignerNotMember { .. })), "{stranger:?}");
    let third = refused(&leaving, &keeper, &leaving.with(leaving.to("third.example", "owner")));
    assert!(matches!(third, Error::OtherKeeper), "{third:?}");
    let staying = refused(&leaving, &keeper, &leaving.notes);
    assert!(matches!(staying, Error::OtherKeeper), "{staying:?}");
    // The right record, in the session of another member than the one who signed it.
    let notes = leaving.with(leaving.to("elsewhere.example", "owner"));
    for who in ["machine", "a stranger"] {
        let session = Some(key(&format!("{who}, session")));
        let (slot_key, absent) = (&leaving.company.slot_key, &BTreeSet::new());
        let other = keeper.take_over(&Takeover { notes: &notes, slot_key, absent, session }).unwrap_err();
        assert!(matches!(other, Error::Mover), "{other:?}");
    }
    let wrong = keeper.take_over(&Takeover {
        notes: &notes,
        slot_key: &[0; 32],
        absent: &BTreeSet::new(),
        session: Some(key("owner, session")),
    });
    assert!(matches!(wrong, Err(Error::SlotKey)), "{wrong:?}");
    assert_eq!(keeper.spaces().unwrap(), []);
}

#[test]
fn a_chain_with_a_record_left_out_changed_or_in_another_order_is_refused() {
    let leaving = Leaving::new();
    let keeper = ready(&leaving);
    let notes = leaving.with(leaving.to("elsewhere.example", "owner"));
    for place in 0..notes.len() - 1 {
        let mut without = notes.clone();
        without.remove(place);
        refused(&leaving, &keeper, &without);
        let mut swapped = notes.clone();
        swapped.swap(place, place + 1);
        refused(&leaving, &keeper, &swapped);
        let mut changed = notes.clone();
        let middle = changed[place].len() / 2;
        changed[place][middle] ^= 1;
        refused(&leaving, &keeper, &changed);
    }
    assert_eq!(keeper.spaces().unwrap(), []);
}

#[test]
fn a_fork_of_a_space_that_is_here_and_one_that_has_begun_here_are_conflicts() {
    let leaving = Leaving::new();
    let keeper = ready(&leaving);
    leaving.take(&keeper, &leaving.with(leaving.to("elsewhere.example", "owner"))).unwrap();
    // The owner himself has another history of the same space.
    let mut fork = Leaving::new();
    let other = fork.company.deposit("drawings", 1).1;
    fork.objects.extend(other.objects);
    fork.notes.push(other.note.clone());
    fork.company.chain.as_mut().unwrap().append(UnverifiedRecord::parse(&other.note).unwrap()).unwrap();
    fork.put(&keeper).unwrap();
    let error = refused(&fork, &keeper, &fork.with(fork.to("elsewhere.example", "owner")));
    assert!(matches!(error, Error::Conflict { head: Some(head) } if head.number == 3), "{error:?}");
    // One that has begun here never moves here.
    let (keeper, _) = crate::kit::keeper();
    let mut here = Company::new("a company that leaves", keeper.origin());
    here.keep(&keeper, &here.genesis()).unwrap();
    let origin = keeper.origin().to_string();
    let coming = sign(
        &Envelope {
            keeper: Origin::parse("elsewhere.example").unwrap(),
            controls: vec![Control::Origin(Origin::parse(&origin).unwrap())],
            body: None,
            ..leaving.company.say()
        },
        "owner",
    );
    let error = refused(&leaving, &keeper, &leaving.with(coming));
    assert!(matches!(error, Error::Conflict { head: Some(head) } if head.number == 0), "{error:?}");
}

#[test]
fn records_that_name_this_keeper_and_never_were_here_are_not_taken() {
    let mut leaving = Leaving::new();
    let keeper = ready(&leaving);
    let there = leaving.to("elsewhere.example", "owner");
    leaving.company.chain.as_mut().unwrap().append(UnverifiedRecord::parse(&there).unwrap()).unwrap();
    leaving.notes.push(there);
    leaving.company.keeper = keeper.origin().clone();
    let away = leaving.to("third.example", "owner");
    leaving.company.chain.as_mut().unwrap().append(UnverifiedRecord::parse(&away).unwrap()).unwrap();
    leaving.notes.push(away);
    leaving.company.keeper = Origin::parse("third.example").unwrap();
    let error = refused(&leaving, &keeper, &leaving.with(leaving.to("elsewhere.example", "owner")));
    assert!(matches!(error, Error::OtherKeeper), "{error:?}");
}

#[test]
fn a_space_that_went_away_comes_back_with_what_was_added_elsewhere() {
    let mut leaving = Leaving::new();
    let keeper = ready(&leaving);
    let go = |leaving: &mut Leaving, to: &str| {
        let note = leaving.to(to, "owner");
        leaving.company.chain.as_mut().unwrap().append(UnverifiedRecord::parse(&note).unwrap()).unwrap();
        leaving.company.keeper = Origin::parse(to).unwrap();
        leaving.notes.push(note.clone());
        note
    };
    go(&mut leaving, "elsewhere.example");
    leaving.take(&keeper, &leaving.notes).unwrap();
    let away = go(&mut leaving, "third.example");
    keeper.append(&away).unwrap();
    // Said at the third keeper, and brought along.
    let said = leaving.company.saying();
    leaving.company.chain.as_mut().unwrap().append(UnverifiedRecord::parse(&said.note).unwrap()).unwrap();
    keeper.put(leaving.company.space, &said.objects[0]).unwrap();
    leaving.notes.push(said.note);
    go(&mut leaving, "elsewhere.example");
    let kept = leaving.take(&keeper, &leaving.notes).unwrap();
    assert_eq!(kept.number, 6);
    let notes: Vec<_> =
        keeper.records(leaving.company.space, 0, 10).unwrap().into_iter().map(|record| record.note).collect();
    assert_eq!(notes, leaving.notes);
    assert!(Chain::replay(&notes, |_| {}).is_ok());
}

#[test]
fn what_is_missing_is_named_and_only_what_is_said_to_be_absent_may_be() {
    let leaving = Leaving::new();
    let notes = leaving.with(leaving.to("elsewhere.example", "owner"));
    for lost in 0..leaving.objects.len() {
        let (disk, journal) = new_disk();
        let keeper = elsewhere(&disk, &journal).unwrap();
        for object in leaving.objects.iter().enumerate().filter(|(place, _)| *place != lost).map(|(_, object)| object) {
            keeper.put(leaving.company.space, object).unwrap();
        }
        let id = leaving.objects[lost].id();
        let error = refused(&leaving, &keeper, &notes);
        assert!(matches!(&error, Error::PutAgain { objects } if objects[..] == [id]), "{error:?}");
        let another = BTreeSet::from([leaving.objects[(lost + 1) % leaving.objects.len()].id()]);
        assert!(leaving.take_without(&keeper, &notes, &another).is_err(), "another one is absent");
        leaving.take_without(&keeper, &notes, &BTreeSet::from([id])).unwrap();
        let checked = keeper.check(leaving.company.space).unwrap().unwrap();
        assert_eq!(checked.missing.len(), 1, "the operator is told");
        // Whoever finds it after all puts it back.
        keeper.put(leaving.company.space, &leaving.objects[lost]).unwrap();
        assert!(keeper.check(leaving.company.space).unwrap().unwrap().missing.is_empty());
    }
}

#[test]
fn at_every_step_a_power_cut_leaves_all_of_a_space_or_nothing_and_the_same_act_goes_on() {
    let leaving = Leaving::new();
    let notes = leaving.with(leaving.to("elsewhere.example", "owner"));
    let play = |keeper: &SimulatedKeeper| leaving.put(keeper).and_then(|()| leaving.take(keeper, &notes));
    let mut cuts = [0; 2];
    for step in 0.. {
        let (disk, journal) = new_disk();
        disk.fail_at(step, Fault::Stop);
        let done = elsewhere(&disk, &journal).and_then(|keeper| play(&keeper));
        let (states, _) = disk.survivors(8, step as u64);
        for state in states {
            state.go_on();
            let keeper = elsewhere(&state, &journal).unwrap();
            let found = keeper.records(leaving.company.space, 0, 10).unwrap().len();
            assert!(found == 0 || found == notes.len(), "step {step}: {found} of {} records", notes.len());
            assert!(found == notes.len() || done.is_err(), "step {step}: an acknowledged space is gone");
            cuts[usize::from(found > 0)] += 1;
            play(&keeper).unwrap();
            let checked = keeper.check(leaving.company.space).unwrap().unwrap();
            assert!(checked.missing.is_empty() && checked.damaged.is_empty());
            assert_eq!(keeper.journal().log().unwrap().size, notes.len() as u64, "nothing stands twice in the log");
        }
        if done.is_ok() {
            break;
        }
    }
    assert!(cuts.iter().all(|count| *count > 0), "{cuts:?}");
}
