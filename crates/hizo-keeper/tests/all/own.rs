//! The keeper's own space: stamps are records like any other, and the log holds them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::thread;

use hizo_keeper::log::{self, LogSigner, NewStamp, Sequencer};
use hizo_keeper::witness::Patience;
use hizo_keeper::{Copied, EmbeddedKeeper, EmbeddedLog, Error, LoggedStamp};
use hizo_ledger::id::{ObjectId, Slot};
use hizo_ledger::log::Leaf;
use hizo_ledger::log::checkpoint::UnverifiedCheckpoint;
use hizo_ledger::log::policy::Policy;
use hizo_ledger::log::receipt::UnverifiedReceipt;
use hizo_store::Journal as _;
use hizo_store::disk::SystemDisk;
use hizo_store::published::PublishedFiles;
use tempfile::TempDir;

use crate::embedded::seeds;
use crate::kit::Company;

fn stamp<'a>(head: &'a [u8], authority: &'a str, answer: &'a [u8]) -> NewStamp<'a> {
    NewStamp { head, authority, answer, revocation: "" }
}

struct Kept {
    _place: TempDir,
    keeper: EmbeddedKeeper,
    log: EmbeddedLog,
    company: Company,
}

fn open(folder: &Path) -> (EmbeddedKeeper, EmbeddedLog) {
    let keeper = EmbeddedKeeper::open_embedded(folder).unwrap();
    let log = EmbeddedLog::open(folder, &keeper).unwrap();
    (keeper, log)
}

fn kept() -> Kept {
    let place = tempfile::tempdir().unwrap();
    EmbeddedKeeper::init_embedded(place.path(), &seeds(1)).unwrap();
    let (keeper, log) = open(place.path());
    let mut company = Company::new("a small company", keeper.origin());
    company.keep(&keeper, &company.genesis()).unwrap();
    log.publish(&keeper, &Patience::default()).unwrap();
    Kept { _place: place, keeper, log, company }
}

#[test]
fn nothing_is_promised_while_the_log_cannot_go_on() {
    let Kept { _place: place, keeper, log, mut company } = kept();
    let journal = place.path().join("journal.sqlite");
    assert!(log.receipt(&keeper, company.space, 0, &Copied::default()).unwrap().is_some());
    drop((keeper, log));
    let older = fs::read(&journal).unwrap();
    let (keeper, log) = open(place.path());
    company.keep(&keeper, &company.saying()).unwrap();
    log.publish(&keeper, &Patience::default()).unwrap();
    drop((keeper, log));
    fs::write(&journal, older).unwrap();
    let (keeper, log) = open(place.path());
    let refused = log.receipt(&keeper, company.space, 0, &Copied::default());
    assert!(matches!(refused, Err(Error::Log(log::Error::Shorter { .. }))), "{refused:?}");
}

#[test]
fn a_stamp_becomes_a_record_that_later_heads_cover_and_earlier_heads_stay_provable() {
    let Kept { keeper, log, mut company, _place } = kept();
    let head = log.published().checkpoint().unwrap().unwrap();
    let stamped = log.keep_stamp(&keeper, &stamp(&head, "first", b"an answer")).unwrap();
    company.keep(&keeper, &company.saying()).unwrap();
    assert_eq!(log.publish(&keeper, &Patience::default()).unwrap().head.size, 4);
    let answer = ObjectId::of(b"an answer");
    let found = log.own().stamps(&keeper, u64::MAX).unwrap();
    assert_eq!(found, [LoggedStamp { number: 1, size: 1, answer, bytes: 9 }]);
    assert_eq!(keeper.object(log.own().id(), answer).unwrap().unwrap(), b"an answer");
    assert_eq!(log.published().stamped(1).unwrap(), std::slice::from_ref(&head));

    // Under the newest head stands the stamp; under the stamped one still what was there.
    let policy = Policy::of_log(log.keys()[0].clone());
    let receipt = log.receipt(&keeper, log.own().id(), stamped.number, &Copied::default()).unwrap().unwrap();
    let leaf = UnverifiedReceipt::parse(&receipt).unwrap().claimed().leaf;
    assert_eq!(leaf.record, stamped.id);
    log.published().prove(2).unwrap().check(&leaf, &policy).unwrap();
    let genesis = keeper.records(company.space, 0, 1).unwrap().remove(0);
    let leaf = Leaf { slot: Slot::of(&company.slot_key, 0), record: genesis.id };
    let earlier = log.published().prove_under(0, head).unwrap();
    assert_eq!(earlier.check(&leaf, &policy).unwrap().checkpoint.size, 1);
}

/// A published head that was lost is signed again, with another time: a stamp over it takes nothing from those over the first.
#[test]
fn a_head_that_is_signed_again_leaves_what_was_stamped_before() {
    let Kept { keeper, log, _place: place, .. } = kept();
    let head = log.published().checkpoint().unwrap().unwrap();
    fs::remove_file(place.path().join("log/checkpoint")).unwrap();
    let signer = LogSigner::new(keeper.origin().clone(), &seeds(1).log_key).unwrap();
    let files = PublishedFiles::open(SystemDisk, &place.path().join("log")).unwrap();
    Sequencer::new(files, signer).publish(keeper.journal(), 7).unwrap();
    let other = log.published().checkpoint().unwrap().unwrap();
    let size = |note: &[u8]| UnverifiedCheckpoint::parse(note).unwrap().claimed().size;
    assert!(other != head && size(&other) == size(&head));
    // Two processes asked, each over the head that it saw.
    let [first, again] = ["first list", "second list"];
    log.keep_stamp(&keeper, &NewStamp { revocation: first, ..stamp(&head, "first", b"an answer") }).unwrap();
    log.keep_stamp(&keeper, &NewStamp { revocation: again, ..stamp(&other, "first", b"another answer") }).unwrap();
    // A file that somebody left there is no head, and keeps nobody from the others.
    fs::write(place.path().join("log/stamps/1/checkpoint"), "a file").unwrap();
    let published = log.published();
    let heads: BTreeSet<Vec<u8>> = published.stamped(1).unwrap().into_iter().collect();
    assert_eq!(heads, BTreeSet::from([head.clone(), other.clone()]));
    for (head, answer, list) in [(&head, b"an answer".as_slice(), first), (&other, b"another answer", again)] {
        assert_eq!(published.revocation(head, ObjectId::of(answer)).unwrap().unwrap(), list.as_bytes());
    }
    assert_eq!(published.revocation(&head, ObjectId::of(b"nobody's")).unwrap(), None);
    let files = published.stamps_over(1).unwrap();
    let different = |ending: &str| {
        files.iter().filter(|(path, _)| path.ends_with(ending)).map(|(_, bytes)| bytes).collect::<BTreeSet<_>>().len()
    };
    assert_eq!(["/checkpoint", "/first.tsr", "/first.crl", "/answers"].map(different), [2; 4]);
    assert_eq!(files.len(), 1 + 2 * 4);
    // What is changed where it is published is not handed on.
    let answer = place.path().join("log").join(&files.iter().find(|(path, _)| path.ends_with(".tsr")).unwrap().0);
    fs::write(&answer, "something else").unwrap();
    assert!(matches!(published.stamps_over(1), Err(log::Error::Damaged { .. })));
}

#[test]
fn the_own_space_keeps_the_rules_of_every_space() {
    let Kept { _place, keeper, log, .. } = kept();
    let head = log.published().checkpoint().unwrap().unwrap();
    for number in 0..3 {
        log.keep_stamp(&keeper, &stamp(&head, "first", format!("answer {number}").as_bytes())).unwrap();
    }
    let numbers =
        |newest| log.own().stamps(&keeper, newest).unwrap().iter().map(|stamp| stamp.number).collect::<Vec<_>>();
    assert_eq!(
        [numbers(u64::MAX), numbers(3), numbers(2), numbers(0)],
        [vec![1, 2, 3], vec![1, 2, 3], vec![2, 3], vec![]]
    );
    let checked = keeper.check(log.own().id()).unwrap().unwrap();
    assert_eq!((checked.records, checked.missing.len(), checked.damaged.len()), (4, 0, 0));
    let seen = keeper.inspect(log.own().id()).unwrap().unwrap();
    assert_eq!(seen.members.len(), 1);
    assert!(seen.members[0].name != keeper.log_key().name(), "a key serves one purpose");
    log.publish(&keeper, &Patience::default()).unwrap();
    log.published().check().unwrap();
}

#[test]
fn stamps_that_are_logged_at_once_are_all_there() {
    let place = tempfile::tempdir().unwrap();
    let first = EmbeddedKeeper::init_embedded(place.path(), &seeds(1)).unwrap();
    let mut company = Company::new("a small company", first.origin());
    company.keep(&first, &company.genesis()).unwrap();
    let (keeper, log) = open(place.path());
    log.publish(&keeper, &Patience::default()).unwrap();
    let head = log.published().checkpoint().unwrap().unwrap();
    thread::scope(|scope| {
        for number in 0..4 {
            let (place, head) = (place.path(), &head);
            scope.spawn(move || {
                let (keeper, log) = open(place);
                let answer = format!("answer {number}");
                log.keep_stamp(&keeper, &stamp(head, &format!("a{number}"), answer.as_bytes())).unwrap();
            });
        }
    });
    let mut answers: Vec<_> = log.own().stamps(&keeper, u64::MAX).unwrap().iter().map(|stamp| stamp.answer).collect();
    answers.sort();
    let mut expected: Vec<_> = (0..4).map(|number| ObjectId::of(format!("answer {number}").as_bytes())).collect();
    expected.sort();
    assert_eq!(answers, expected);
    assert_eq!(keeper.journal().log().unwrap().size, 6);
}

#[test]
fn a_head_of_another_log_is_not_kept_as_stamped() {
    let Kept { _place, keeper, log, .. } = kept();
    let other = tempfile::tempdir().unwrap();
    let strange = EmbeddedKeeper::init_embedded(other.path(), &seeds(2)).unwrap();
    let mut company = Company::new("a small company", strange.origin());
    company.keep(&strange, &company.genesis()).unwrap();
    let strange_log = EmbeddedLog::open(other.path(), &strange).unwrap();
    strange_log.publish(&strange, &Patience::default()).unwrap();
    let head = strange_log.published().checkpoint().unwrap().unwrap();
    assert!(UnverifiedCheckpoint::parse(&head).is_ok());
    assert!(log.keep_stamp(&keeper, &stamp(&head, "first", b"an answer")).is_err());
    assert_eq!(log.own().stamps(&keeper, u64::MAX).unwrap(), []);
}
