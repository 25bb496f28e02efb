//! Three witnesses behind real sockets, of whom two must have signed: what a keeper makes of those that are down, slow
//! or false, and what becomes of a keeper that shows another history.

use std::path::Path;
use std::time::{Duration, Instant};

use hizo_keeper::log::{Error, LogSigner, Published, Sequencer};
use hizo_keeper::witness::{Alarm, Answer, Patience, PolicyError, Silence, WitnessPolicy};
use hizo_keeper::{EmbeddedKeeper, EmbeddedLog};
use hizo_ledger::id::SpaceId;
use hizo_ledger::log::checkpoint::UnverifiedCheckpoint;
use hizo_ledger::log::note::{self, CheckpointKey, NamedKey};
use hizo_ledger::log::policy::{self, Policy, Unmet};
use hizo_ledger::log::proof::InclusionProof;
use hizo_ledger::log::witness::AddCheckpoint;
use hizo_store::Journal;
use hizo_store::journal::Entry;
use hizo_store::published::PublishedFiles;
use hizo_store::simulated::{MemoryJournal, SimulatedDisk};

use super::world::{NOW, Running, answer, fake, signer as witness_signer};
use crate::embedded::seeds;
use crate::kit::key;
use crate::log::{grow, leaves, signer};

/// Enough for a busy machine; nothing waits for it but what is meant to.
fn patience() -> Patience {
    Patience { connect: Duration::from_secs(20), answer: Duration::from_secs(60), rest: Duration::from_secs(60) }
}

/// Waits for nobody once the policy is met.
fn hurried() -> Patience {
    Patience { rest: Duration::ZERO, ..patience() }
}

/// A keeper's log on a disk of its own. Every one has the same key and, up to a size, the same leaves.
struct Log {
    journal: MemoryJournal,
    sequencer: Sequencer<SimulatedDisk>,
}

impl Log {
    fn new() -> Self {
        let disk = SimulatedDisk::new(512);
        let files = PublishedFiles::open(disk.clone(), Path::new("/log")).unwrap();
        Self { journal: MemoryJournal::beside(&disk), sequencer: Sequencer::new(files, signer(1)) }
    }

    fn of(size: u64) -> Self {
        let log = Self::new();
        grow(&log.journal, size);
        log
    }

    /// Another record than every other log has at this place.
    fn diverge(&self) {
        let space = SpaceId::from_bytes([9; 16]);
        let entry = Entry {
            space,
            expected: None,
            note: b"another\n",
            objects: &[],
            slot_key: Some(&[9; 32]),
            kept: 1,
            charge: None,
        };
        self.journal.append(entry).unwrap();
    }

    fn publish(&self, policy: &Policy, patience: &Patience) -> Result<Published, Error> {
        self.sequencer.publish_witnessed(&self.journal, NOW, policy, patience)
    }
}

fn log_key() -> NamedKey {
    signer(1).keys()[0].clone()
}

fn three() -> [Running; 3] {
    ["w1", "w2", "w3"].map(|name| Running::start(&format!("witness.example/{name}"), &[&log_key()]))
}

fn policy_of(lines: &[String]) -> Policy {
    let names: Vec<&str> = lines.iter().map(|line| line.split(' ').nth(1).unwrap()).collect();
    let text = format!("log {}\n{}group two 2 {}\nquorum two\n", log_key(), lines.concat(), names.join(" "));
    Policy::parse(text.as_bytes()).unwrap()
}

fn policy(witnesses: &[Running]) -> Policy {
    let line = |(number, witness): (i32, &Running)| witness.line(&format!("W{number}"));
    policy_of(&(1..).zip(witnesses).map(line).collect::<Vec<_>>())
}

fn who(published: &Published) -> Vec<String> {
    let witnessed = published.witnessed.as_ref().unwrap().as_ref().unwrap();
    witnessed.witnesses.iter().map(|(name, _)| name.clone()).collect()
}

#[test]
fn a_growing_log_is_witnessed_by_all_and_its_proofs_hold_with_a_quorum() {
    let (witnesses, log) = (three(), Log::new());
    let policy = policy(&witnesses);
    let mut heads = Vec::new();
    for size in [1, 2, 9, 256, 300] {
        grow(&log.journal, size);
        let published = log.publish(&policy, &patience()).unwrap();
        assert_eq!((published.head.size, who(&published).len()), (size, 3));
        let again = log.publish(&policy, &patience()).unwrap();
        assert_eq!((again.head, who(&again).len()), (published.head, 3));
        heads.push(log.sequencer.log().checkpoint().unwrap().unwrap());
    }
    // Stamps are over earlier heads too, and these stay witnessed.
    for head in &heads {
        let cosigned = log.sequencer.log().with_cosignatures(head, &policy).unwrap();
        let witnessed = policy.check(&UnverifiedCheckpoint::parse(&cosigned).unwrap()).unwrap();
        assert_eq!(witnessed.witnesses.len(), 3);
    }
    let cosigned = log.sequencer.log().cosigned(&policy).unwrap().unwrap();
    let plain = log.sequencer.log().checkpoint().unwrap().unwrap();
    assert!(cosigned.starts_with(&plain) && cosigned.len() > plain.len(), "stamps are over the plain checkpoint");
    let proof = InclusionProof { checkpoint: cosigned, ..log.sequencer.log().prove(7).unwrap() };
    let proof = InclusionProof::parse(&proof.to_bytes()).unwrap();
    let leaf = leaves(&log.journal)[7];
    assert_eq!(proof.check(&leaf, &policy).unwrap().witnesses.len(), 3);
    let plain = log.sequencer.log().prove(7).unwrap();
    assert!(plain.check(&leaf, &policy).is_err(), "without cosignatures there is no quorum");
}

#[test]
fn a_witness_that_is_down_is_named_and_asked_again() {
    let (mut witnesses, log) = (three(), Log::of(3));
    let policy = policy(&witnesses);
    log.publish(&policy, &patience()).unwrap();
    witnesses[0].stop();
    grow(&log.journal, 9);
    let published = log.publish(&policy, &patience()).unwrap();
    assert_eq!(who(&published), ["W2", "W3"]);
    assert!(
        matches!(published.answers["W1"], Answer::Silent(Silence::Unreachable(_))),
        "{:?}",
        published.answers["W1"]
    );
    witnesses[1].stop();
    grow(&log.journal, 20);
    let published = log.publish(&policy, &patience()).unwrap();
    assert_eq!((published.head.size, published.witnessed), (20, Some(Err(Unmet::Quorum))));
    // Of the same size: the path from what each has seen is made of the tiles.
    witnesses[..2].iter_mut().for_each(Running::resume);
    let published = log.publish(&policy, &patience()).unwrap();
    assert_eq!((published.head.size, who(&published).len()), (20, 3));
    let last = log.sequencer.log().last_cosigned(&witnesses[0].keys[0]).unwrap().unwrap();
    assert_eq!(last.checkpoint.size, 20);
}

#[test]
fn a_slow_witness_holds_up_nobody() {
    let witnesses = three();
    let asleep = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let slow = format!("witness W9 {} http://{}\n", witness_signer("slow").keys()[0], asleep.local_addr().unwrap());
    let lines = [witnesses[0].line("W1"), witnesses[1].line("W2"), slow];
    let log = Log::of(5);
    let begun = Instant::now();
    let published = log.publish(&policy_of(&lines), &hurried()).unwrap();
    assert_eq!(
        (who(&published), &published.answers["W9"]),
        (vec!["W1".into(), "W2".into()], &Answer::Silent(Silence::Late))
    );
    assert!(begun.elapsed() < patience().answer, "everybody waited for the slow one");
}

/// What a false witness says, and what is made of it.
fn lies() -> Vec<(&'static str, Box<dyn Fn(&[u8]) -> Vec<u8> + Send>, Silence)> {
    let sign = |body: &[u8], other_root: bool| {
        let request = AddCheckpoint::parse(body).unwrap();
        let read = UnverifiedCheckpoint::parse(&request.checkpoint).unwrap();
        let mut checkpoint = read.claimed().clone();
        if other_root {
            checkpoint.root = hizo_ledger::id::RootHash::from_bytes([1; 32]);
        }
        // As a witness signs, with the key that the policy has.
        let secret = ed25519_dalek::SigningKey::from_bytes(&super::world::seed("false"));
        let signature = ed25519_dalek::Signer::sign(&secret, checkpoint.cosigned_text(NOW).as_bytes()).to_bytes();
        let line =
            note::signature_line(&witness_signer("false").keys()[0], &[&NOW.to_be_bytes(), &signature[..]].concat());
        line.into_bytes()
    };
    let other = NamedKey::new("witness.example/other", CheckpointKey::Cosigner(key("other"))).unwrap();
    let by_other = note::signature_line(&other, &[7; 72]).into_bytes();
    let tries = std::sync::atomic::AtomicU64::new(0);
    vec![
        ("another root", Box::new(move |body| answer("200 OK", &sign(body, true))), Silence::Signature),
        ("another key", Box::new(move |_| answer("200 OK", &by_other)), Silence::OtherKey),
        ("garbage", Box::new(|_| answer("200 OK", b"\xff\xfe hello")), Silence::Form),
        ("nothing", Box::new(|_| answer("200 OK", b"")), Silence::OtherKey),
        ("a giant", Box::new(|_| answer("200 OK", &vec![b'a'; 1 << 20])), Silence::Form),
        (
            "a giant without a length",
            Box::new(|_| [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b'a'; 1 << 20]].concat()),
            Silence::Form,
        ),
        ("its own fault", Box::new(|_| answer("500 Oops", b"")), Silence::Http(500)),
        ("elsewhere", Box::new(|_| answer("307 Go\r\nlocation: http://127.0.0.1:1/", b"")), Silence::Http(307)),
        ("an unknown log", Box::new(|_| answer("404 Not Found", b"")), Silence::UnknownLog),
        ("mistrust", Box::new(|_| answer("403 Forbidden", b"")), Silence::Untrusted),
        ("a size that is none", Box::new(|_| answer("409 Conflict", b"many\n")), Silence::Form),
        ("a size without its end", Box::new(|_| answer("409 Conflict", b"3")), Silence::Form),
        ("the size that it was told", Box::new(|_| answer("409 Conflict", b"5\n")), Silence::Form),
        (
            "another size each time",
            Box::new(move |_| {
                let size = tries.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % 4;
                answer("409 Conflict", format!("{size}\n").as_bytes())
            }),
            Silence::Unsettled,
        ),
    ]
}

#[test]
fn what_a_false_witness_says_is_not_taken_and_keeps_nobody_else_from_being_heard() {
    let (witnesses, log) = (three(), Log::of(5));
    log.publish(&policy_of(&[witnesses[0].line("W1"), witnesses[1].line("W2")]), &patience()).unwrap();
    for (lie, says, silence) in lies() {
        let address = fake(says);
        let line = format!("witness W9 {} http://{address}/\n", witness_signer("false").keys()[0]);
        let policy = policy_of(&[witnesses[0].line("W1"), witnesses[1].line("W2"), line]);
        let published = log.publish(&policy, &patience()).unwrap();
        assert_eq!(published.answers["W9"], Answer::Silent(silence), "{lie}");
        assert_eq!(who(&published), ["W1", "W2"], "{lie}");
        let cosigned = log.sequencer.log().cosigned(&policy).unwrap().unwrap();
        assert!(!String::from_utf8(cosigned).unwrap().contains("— false"), "{lie}: its line was kept");
    }
    let not_http = fake(|_| b"hello\r\n".to_vec());
    let line = format!("witness W9 {} http://{not_http}\n", witness_signer("false").keys()[0]);
    let policy = policy_of(&[witnesses[0].line("W1"), witnesses[1].line("W2"), line]);
    let published = log.publish(&policy, &patience()).unwrap();
    assert!(matches!(published.answers["W9"], Answer::Silent(Silence::Unreachable(_))));
}

#[test]
fn without_witnesses_nobody_is_asked() {
    let policy = Policy::of_log(log_key());
    let published = Log::of(5).publish(&policy, &patience()).unwrap();
    assert!(published.answers.is_empty() && published.witnessed.unwrap().is_ok());
}

#[test]
fn both_keys_of_one_witness_are_asked_for_once_and_held_each() {
    let witnesses = three();
    let pq = format!("witness W1pq {} {}\n", witnesses[0].keys[1], witnesses[0].url());
    let policy = policy_of(&[witnesses[0].line("W1"), pq]);
    let published = Log::of(5).publish(&policy, &patience()).unwrap();
    assert_eq!(who(&published), ["W1", "W1pq"]);
}

/// The keeper of a log whose head a witness has seen, put back or forked, each in its own way.
fn other_histories() -> Vec<(&'static str, Log, Alarm)> {
    let published = |log: Log| {
        log.sequencer.publish(&log.journal, NOW).unwrap();
        log
    };
    let fork = |before: u64, size: u64| {
        let log = Log::of(before);
        log.diverge();
        grow(&log.journal, size);
        log
    };
    let (larger, other) = (Alarm::Larger { size: 9 }, Alarm::Other);
    vec![
        ("a15 put back to before its first head", Log::of(5), larger),
        ("a15 put back to an earlier head", published(Log::of(5)), larger),
        ("a16 another history, shorter", published(fork(3, 8)), larger),
        ("a16 another history of that size", published(fork(3, 9)), other),
        ("a16 another history, longer", published(fork(3, 12)), other),
        ("a16 another history, of which no head was signed", fork(3, 12), larger),
    ]
}

#[test]
fn a15_a16_a_keeper_that_was_put_back_or_forked_signs_nothing_that_a_witness_would_catch() {
    let witnesses = three();
    let policy = policy(&witnesses);
    let first = Log::of(9);
    first.publish(&policy, &patience()).unwrap();
    for (history, log, expected) in other_histories() {
        let before = log.sequencer.log().checkpoint().unwrap();
        grow(&log.journal, 15);
        let refused = log.publish(&policy, &patience());
        assert!(
            matches!(&refused, Err(Error::Witness { alarm, .. }) if *alarm == expected),
            "{history}: {:?}",
            refused.map(|published| published.head)
        );
        assert_eq!(log.sequencer.log().checkpoint().unwrap(), before, "{history}: a head was signed");
        // Another process, or the next day: still.
        assert!(log.publish(&policy, &patience()).is_err(), "{history}");
    }
    // Nobody has signed anything else than the first history.
    assert_eq!(who(&first.publish(&policy, &patience()).unwrap()).len(), 3);
}

#[test]
fn a_log_whose_published_files_were_lost_is_published_again_since_its_journal_knows_what_was_signed() {
    let (witnesses, log) = (three(), Log::of(9));
    let policy = policy(&witnesses);
    log.publish(&policy, &patience()).unwrap();
    let disk = SimulatedDisk::new(512);
    let files = PublishedFiles::open(disk.clone(), Path::new("/log")).unwrap();
    let again = Log { journal: log.journal.moved_beside(&disk), sequencer: Sequencer::new(files, signer(1)) };
    assert_eq!(who(&again.publish(&policy, &patience()).unwrap()).len(), 3);
}

#[test]
fn a16_no_two_histories_are_witnessed_when_each_goes_to_other_witnesses_first() {
    let witnesses = three();
    // The keeper shows one history to two of them and another to the third, by policies of its own.
    let some = |range: std::ops::Range<usize>| {
        let lines: Vec<String> =
            range.clone().map(|number| witnesses[number].line(&format!("W{}", number + 1))).collect();
        let first = format!("W{}", range.start + 1);
        Policy::parse(format!("log {}\n{}quorum {first}\n", log_key(), lines.concat()).as_bytes()).unwrap()
    };
    let fork = Log::of(3);
    fork.diverge();
    grow(&fork.journal, 9);
    let truth = Log::of(9);
    truth.publish(&some(0..2), &patience()).unwrap();
    fork.publish(&some(2..3), &patience()).unwrap();
    let policy = policy(&witnesses);
    assert!(matches!(fork.publish(&policy, &patience()), Err(Error::Witness { alarm: Alarm::Other, .. })));
    let cosigned = fork.sequencer.log().cosigned(&policy).unwrap().unwrap();
    let read = UnverifiedCheckpoint::parse(&cosigned).unwrap();
    assert_eq!(policy.check(&read), Err(Unmet::Quorum), "a fork is witnessed");
    // The truth has its quorum, and hears of the fork from the third.
    assert!(matches!(truth.publish(&policy, &patience()), Err(Error::Witness { alarm: Alarm::Other, .. })));
    let cosigned = truth.sequencer.log().cosigned(&policy).unwrap().unwrap();
    assert!(policy.check(&UnverifiedCheckpoint::parse(&cosigned).unwrap()).is_ok());
}

#[test]
fn a_policy_that_cannot_be_acted_on_is_refused_and_the_one_before_stays() {
    let place = tempfile::tempdir().unwrap();
    let keeper = EmbeddedKeeper::init_embedded(&place.path().join("keeper"), &seeds(1)).unwrap();
    let log = EmbeddedLog::open(&place.path().join("keeper"), &keeper).unwrap();
    assert_eq!(log.policy().unwrap(), None);
    let [own, own_pq] = log.keys().clone();
    let witness = |name: &str, url: &str| format!("witness {name} {} {url}\n", witness_signer(name).keys()[0]);
    let first = log.set_policy(format!("{}quorum W\n", witness("W", "http://w.example")).as_bytes()).unwrap();
    assert!(first.text.starts_with(&format!("log {own}\nwitness W ")), "{}", first.text);
    let stranger = LogSigner::new(keeper.origin().clone(), &[3; 32]).unwrap();
    let many: String = (0..33).map(|number| witness(&format!("W{number}"), "http://w.example")).collect();
    for (text, error) in [
        ("quorum W\n".to_owned(), PolicyError::Form(policy::Error::Undefined { line: 1 })),
        (format!("log {}\nquorum none\n", stranger.keys()[0]), PolicyError::OtherLog),
        (format!("{}quorum W\n", witness("W", "")), PolicyError::Quorum),
        (format!("{}quorum W\n", witness("W", "https://w.example")), PolicyError::Address { name: "W".into() }),
        (format!("{}quorum W\n", witness("W", "http:///w")), PolicyError::Address { name: "W".into() }),
        (format!("{}quorum W\n", witness("W", "w.example")), PolicyError::Address { name: "W".into() }),
        (
            format!("{}{}group g all W V\nquorum g\n", witness("W", "http://w.example"), witness("V", "")),
            PolicyError::Quorum,
        ),
        (format!("{many}quorum W1\n"), PolicyError::TooMany),
    ] {
        let refused = log.set_policy(text.as_bytes());
        assert!(matches!(&refused, Err(hizo_keeper::Error::Policy(found)) if *found == error), "{text}: {refused:?}");
        assert_eq!(log.policy().unwrap().as_ref(), Some(&first));
    }
    for text in [
        "quorum none\n".to_owned(),
        format!("log {own_pq}\nquorum none\n"),
        format!("log {}\nlog {own}\nquorum none\n", stranger.keys()[0]),
        format!("{}{}group g any W V\nquorum g\n", witness("W", "http://w.example:8080/a"), witness("V", "")),
    ] {
        let WitnessPolicy { text, policy } = log.set_policy(text.as_bytes()).unwrap();
        assert_eq!(log.policy().unwrap(), Some(WitnessPolicy { text, policy }));
    }
    let key = witness_signer("W").keys()[0].clone();
    let policy = format!("# ours\n\n\twitness  W {key} http://10.0.0.1\ngroup g any W\nquorum g");
    let policy = log.set_policy(policy.as_bytes()).unwrap();
    let shown = policy.for_readers();
    assert_eq!(shown, format!("log {own}\nwitness W {key}\ngroup g any W\nquorum g\n"));
    assert!(Policy::parse(shown.as_bytes()).unwrap().asks_for_witnesses());
}
