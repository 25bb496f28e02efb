//! The power is cut, or the process dies, at every step of what a client has a keeper do.

use std::io::ErrorKind;

use hizo_keeper::{Error, Kept};
use hizo_ledger::id::ObjectId;
use hizo_store::simulated::{Fault, MemoryJournal, SimulatedDisk};

use crate::kit::{Company, Draft, SimulatedKeeper, keeper, open};

/// Objects here have a handful of sectors.
const SECTOR_BYTES: usize = 16;

/// What the keeper has answered.
#[derive(Default)]
struct Answered {
    puts: Vec<ObjectId>,
    kept: Vec<Kept>,
}

/// Genesis, two deposits and a rotation, signed once for all runs.
struct Script {
    company: Company,
    drafts: Vec<Draft>,
}

impl Script {
    fn write() -> Self {
        let (keeper, _) = keeper();
        let mut company = Company::new("a small company", keeper.origin());
        let mut drafts = Vec::new();
        for number in 0..4 {
            let draft = match number {
                0 => company.genesis(),
                3 => company.rotation(),
                _ => company.deposit("drawings", 2).1,
            };
            company.keep(&keeper, &draft).unwrap();
            drafts.push(draft);
        }
        Self { company, drafts }
    }

    /// Goes on where the keeper's records end. After each record a present object is put once more.
    fn play(&self, keeper: &SimulatedKeeper, answered: &mut Answered) -> Result<(), Error> {
        let space = self.company.space;
        let kept = keeper.head(space)?.map_or(0, |head| head.number + 1);
        for (number, draft) in self.drafts.iter().enumerate().skip(usize::try_from(kept).unwrap()) {
            for object in &draft.objects {
                keeper.put(space, object)?;
                answered.puts.push(object.id());
            }
            answered.kept.push(match number {
                0 => keeper.create_space(&draft.note, &self.company.slot_key)?,
                _ => keeper.append(&draft.note)?,
            });
            keeper.put(space, &draft.objects[0])?;
        }
        Ok(())
    }

    /// Plays on a new disk that stops at this step.
    fn until(&self, step: usize) -> Session {
        let disk = SimulatedDisk::new(SECTOR_BYTES);
        let journal = MemoryJournal::beside(&disk);
        let mut answered = Answered::default();
        disk.fail_at(step, Fault::Stop);
        let finished = open(&disk, &journal).is_ok_and(|keeper| self.play(&keeper, &mut answered).is_ok());
        Session { disk, journal, answered, finished }
    }
}

/// What a play that was stopped leaves behind.
struct Session {
    disk: SimulatedDisk,
    journal: MemoryJournal,
    answered: Answered,
    /// It came to its end before it could be stopped.
    finished: bool,
}

fn check(script: &Script, disk: &SimulatedDisk, journal: &MemoryJournal, answered: &Answered, story: &str) {
    let company = &script.company;
    let keeper = open(disk, journal).unwrap();
    for id in &answered.puts {
        let bytes = keeper.object(company.space, *id).unwrap();
        let bytes = bytes.unwrap_or_else(|| panic!("{story}: an acknowledged object is gone"));
        assert_eq!(ObjectId::of(&bytes), *id, "{story}: an acknowledged object is damaged");
    }
    let records = keeper.records(company.space, 0, 100).unwrap();
    for kept in &answered.kept {
        assert!(records.iter().any(|record| record.id == kept.id), "{story}: an acknowledged record is gone");
    }
    if let Some(found) = keeper.check(company.space).unwrap() {
        assert!(found.missing.is_empty() && found.damaged.is_empty(), "{story}: a record names what is not whole");
        assert_eq!(found.records, answered.kept.len() as u64, "{story}: a record that nobody was told of");
    } else {
        assert!(answered.kept.is_empty(), "{story}: the space is gone");
    }
}

#[test]
fn at_every_step_a_power_cut_leaves_a_whole_space_with_everything_that_was_answered() {
    let script = Script::write();
    let (mut points, mut states, mut sampled) = (0, 0, 0);
    for step in 0.. {
        let Session { disk, journal, answered, finished } = script.until(step);
        let (survivors, all) = disk.survivors(64, 20_261_121);
        for (number, survivor) in survivors.iter().enumerate() {
            let story = format!("power cut before step {step}, state {number}");
            check(&script, survivor, &journal, &answered, &story);
        }
        (points, states, sampled) = (points + 1, states + survivors.len(), sampled + usize::from(!all));
        if finished {
            break;
        }
    }
    println!("{points} power cuts, {states} states, sampled at {sampled} of the cuts");
    assert!(points > 150, "the session has become too short to mean anything");
}

#[test]
fn whoever_comes_after_a_death_finishes_what_was_begun() {
    let script = Script::write();
    for step in 0.. {
        let Session { disk, journal, finished, .. } = script.until(step);
        disk.go_on();
        let keeper = open(&disk, &journal).unwrap();
        script.play(&keeper, &mut Answered::default()).unwrap();
        check_complete(&script, &keeper, &format!("death before step {step}"));
        if finished {
            break;
        }
    }
}

#[test]
fn what_a_dead_process_has_put_is_durable_before_a_record_names_it() {
    let script = Script::write();
    let mut kept = 0;
    for step in 0.. {
        let Session { disk, journal, mut answered, finished } = script.until(step);
        disk.go_on();
        let keeper = open(&disk, &journal).unwrap();
        let begun = keeper.head(script.company.space).unwrap().map_or(0, |head| head.number + 1);
        let next = script.drafts.get(usize::try_from(begun).unwrap());
        let appended = next.map(|draft| match begun {
            0 => keeper.create_space(&draft.note, &script.company.slot_key),
            _ => keeper.append(&draft.note),
        });
        match appended {
            Some(Ok(new)) => {
                kept += 1;
                answered.kept.push(new);
            }
            Some(Err(Error::PutAgain { .. })) | None => {}
            Some(Err(other)) => panic!("death before step {step}: {other:?}"),
        }
        let (survivors, _) = disk.survivors(64, 20_261_121);
        for (number, survivor) in survivors.iter().enumerate() {
            check(&script, survivor, &journal, &answered, &format!("death before step {step}, state {number}"));
        }
        if finished {
            break;
        }
    }
    assert!(kept > 4, "too few records were appended over another's objects to mean anything");
}

#[test]
fn one_failing_call_is_reported_and_the_same_act_works_afterwards() {
    let script = Script::write();
    for kind in [ErrorKind::StorageFull, ErrorKind::Other] {
        for step in 0.. {
            let disk = SimulatedDisk::new(SECTOR_BYTES);
            let journal = MemoryJournal::beside(&disk);
            disk.fail_at(step, Fault::Error(kind));
            let keeper = open(&disk, &journal).or_else(|_| open(&disk, &journal)).unwrap();
            let mut refusals = 0;
            while script.play(&keeper, &mut Answered::default()).is_err() {
                refusals += 1;
                assert!(refusals < 2, "{kind:?} at step {step} is refused twice");
            }
            let met = disk.calls().len() > step;
            disk.go_on();
            check_complete(&script, &keeper, &format!("{kind:?} at step {step}"));
            if !met {
                break;
            }
        }
    }
}

fn check_complete(script: &Script, keeper: &SimulatedKeeper, story: &str) {
    let found = keeper.check(script.company.space).unwrap().unwrap();
    assert_eq!((found.records, found.missing.len(), found.damaged.len()), (4, 0, 0), "{story}");
}
