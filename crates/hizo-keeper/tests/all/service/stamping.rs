//! The service has its log stamped: once for what is new, behind everything else, and with patience for whoever stays away.

use std::time::{Duration, Instant};

use hizo_keeper::client::{self, RemoteKeeper};
use hizo_keeper::log::NewStamp;
use hizo_keeper::service::Stamping;
use hizo_keeper::stamp::LocalAuthority;
use hizo_keeper::witness::Patience;
use hizo_keeper::{EmbeddedKeeper, EmbeddedLog};
use hizo_ledger::record::Origin;
use hizo_ledger::timestamp::{Authority, Moment};
use tempfile::TempDir;

use super::world::{Begun, Running, soon, system_time, unhurried};
use crate::stamp::{Server, authority, authority_from, http, right};

pub(super) fn stamping(own: Option<LocalAuthority>, authorities: Vec<Authority>) -> Stamping {
    Stamping { by_itself: own.is_some(), own, authorities, pause: Duration::from_millis(1) }
}

fn start_in(folder: TempDir, stamping: Stamping) -> Running {
    Running::start_in(folder, hizo_keeper::service::Settings { stamping, ..unhurried() })
}

fn start(stamping: Stamping) -> Running {
    start_in(tempfile::tempdir().unwrap(), stamping)
}

/// The keeper's own authority, whose certificates are a day old.
pub(super) fn own() -> Option<LocalAuthority> {
    Some(authority_from("two", Moment::from_unix(system_time() - 86_400, 0).unwrap()))
}

/// Whose stamps are by the test's own "one".
fn listed(name: &str, server: &Server) -> Authority {
    Authority::new(name, &[authority("one").root().to_vec()]).unwrap().at(&server.url)
}

impl Running {
    /// The number of the last record of the keeper's own space: how many stamps there are.
    pub(super) fn stamps(&self) -> u64 {
        let answer = self.ask("GET", &format!("/v1/spaces/{}/records?from=0", self.own_space), None, b"");
        answer.header("hizo-head").map_or(0, |head| head.split(' ').next().unwrap().parse().unwrap())
    }

    pub(super) fn log_size(&self) -> u64 {
        self.ask("GET", "/log/checkpoint", None, b"").text().lines().nth(1).map_or(0, |size| size.parse().unwrap())
    }

    pub(super) fn text(&self, path: &str) -> String {
        let answer = self.ask("GET", path, None, b"");
        answer.is(200);
        answer.text().to_owned()
    }
}

/// Sizes of the heads that were stamped, in the order of their records.
fn stamped(folder: &TempDir) -> Vec<u64> {
    let folder = folder.path().join("keeper");
    let keeper = EmbeddedKeeper::open_embedded(&folder).unwrap();
    let log = EmbeddedLog::open(&folder, &keeper).unwrap();
    log.own().stamps(&keeper, u64::MAX).unwrap().iter().map(|stamp| stamp.size).collect()
}

#[test]
fn each_head_with_something_new_is_stamped_and_a_stamps_own_record_calls_for_no_other() {
    let running = start(stamping(own(), Vec::new()));
    let mut begun = Begun::new(&running, "a company");
    soon("the first head is stamped", || running.stamps() == 1);
    // The genesis, that of the keeper's own space, and the stamp: the last two are nobody else's.
    soon("the stamp's own record is published", || running.log_size() == 3);
    let machine = begun.machine.clone();
    let said = begun.company.saying();
    begun.keep(&running, &machine, &said).is(201);
    soon("the second head is stamped", || running.stamps() == 2);
    soon("the second stamp's record is published", || running.log_size() == 5);
    let metrics = running.text("/metrics");
    assert!(metrics.contains("hizo_stamps_total{authority=\"self\"} 2"), "{metrics}");
    assert_eq!(stamped(&running.stop()), [1, 4]);
}

#[test]
fn what_was_published_before_a_start_is_stamped_after_it_once() {
    let running = start(stamping(None, Vec::new()));
    Begun::new(&running, "a company");
    let folder = running.stop();
    assert!(stamped(&folder).is_empty());
    let running = start_in(folder, stamping(own(), Vec::new()));
    soon("the head is stamped", || running.stamps() == 1);
    soon("the stamp's own record is published", || running.log_size() == 3);
    let folder = running.stop();
    let running = start_in(folder, stamping(own(), Vec::new()));
    let mut begun = Begun::new(&running, "another company");
    soon("what is new is stamped", || running.stamps() == 2);
    let machine = begun.machine.clone();
    let said = begun.company.saying();
    begun.keep(&running, &machine, &said).is(201);
    assert_eq!(stamped(&running.stop()).first(), Some(&1));
}

#[test]
fn an_authority_that_never_answers_holds_nothing_up() {
    let silent = Server::start(|_, _| Vec::new());
    let running = start(stamping(own(), vec![listed("silent", &silent)]));
    let mut begun = Begun::new(&running, "a company");
    soon("it is asked", || silent.asked() == 1);
    soon("the other one stamps", || running.stamps() == 1);
    let machine = begun.machine.clone();
    let said = begun.company.saying();
    begun.keep(&running, &machine, &said).is(201);
    soon("the log goes on", || running.stamps() == 2);
    assert_eq!(silent.asked(), 1, "it is not asked anew while it is asked");
    let began = Instant::now();
    running.stop();
    assert!(began.elapsed() < Duration::from_secs(10), "the end waited for an authority");
}

#[test]
fn an_authority_that_lies_or_fails_is_told_of_and_asked_again_until_it_stamps() {
    let one = authority("one");
    let outside = Server::start(move |number, request| match number {
        0 => http("500 Internal Server Error", "text/plain", b""),
        // A stamp that is somebody else's.
        1 => right(&authority("two"), request),
        2 => http("200 OK", "application/timestamp-reply", b"no stamp at all"),
        _ => right(&one, request),
    });
    let running = start(stamping(None, vec![listed("outside", &outside)]));
    Begun::new(&running, "a company");
    soon("it stamps in the end", || running.stamps() == 1);
    assert_eq!(outside.asked(), 4);
    soon("it is counted", || running.text("/metrics").contains("hizo_stamps_total{authority=\"outside\"} 1"));
    let metrics = running.text("/metrics");
    assert!(metrics.contains("hizo_stamp_failures_total{authority=\"outside\"} 3"), "{metrics}");
    assert_eq!(running.text("/health"), "well\n");
    let lines = running.lines.lock().unwrap().join("\n");
    for cause in
        ["outside: the authority answered with HTTP status 500", "outside: the authority's answer is not accepted"]
    {
        assert!(lines.contains(cause), "{lines}");
    }
    let answer = running.ask("GET", "/v1/keeper", None, b"");
    let about: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(about["stamps"]["authorities"], serde_json::json!(["outside"]), "{about}");
    assert_eq!((&about["stamps"]["self"], &about["stamps"]["self_root"]), (&false.into(), &serde_json::Value::Null));
}

#[test]
fn of_many_stamps_a_client_looks_at_the_newest_and_at_those_from_a_size_on() {
    let running = start(stamping(None, Vec::new()));
    Begun::new(&running, "a company");
    let folder = running.stop();
    {
        let place = folder.path().join("keeper");
        let keeper = EmbeddedKeeper::open_embedded(&place).unwrap();
        let log = EmbeddedLog::open(&place, &keeper).unwrap();
        // Number n is over so many leaves: the first makes two, of which one begins the keeper's own space.
        for number in 1..=100_u64 {
            let size = log.publish(&keeper, &Patience::default()).unwrap().head.size;
            assert_eq!(size, if number == 1 { 1 } else { number + 1 });
            let (head, answer) = (log.published().checkpoint().unwrap().unwrap(), format!("answer {number}"));
            let stamp = NewStamp { head: &head, authority: "a", answer: answer.as_bytes(), revocation: "" };
            log.keep_stamp(&keeper, &stamp).unwrap();
        }
    }
    let running = start_in(folder, stamping(None, Vec::new()));
    let (address, nobody) = (format!("http://{}", running.address), Box::new(|_: &Origin, _, _| None));
    let remote = RemoteKeeper::new(&address, running.origin.clone(), nobody, || 0, client::patience(), None).unwrap();
    let numbers = |sizes: &[u64]| remote.stamps(sizes).unwrap().iter().map(|stamp| stamp.number).collect::<Vec<_>>();
    let newest = 69..=100;
    assert_eq!(numbers(&[]), newest.clone().collect::<Vec<_>>());
    assert_eq!(numbers(&[1]), (1..=32).chain(newest.clone()).collect::<Vec<_>>());
    assert_eq!(numbers(&[11, 30]), (10..=60).chain(newest.clone()).collect::<Vec<_>>());
    assert_eq!(numbers(&[90, 10_000]), newest.collect::<Vec<_>>());
    let last = remote.stamps(&[]).unwrap().pop().unwrap();
    assert_eq!((last.size, remote.stamp(last.answer).unwrap().unwrap()), (101, b"answer 100".to_vec()));
}

#[test]
fn health_names_who_stays_away_and_stays_well() {
    let failing = Server::start(|_, _| http("404 Not Found", "text/plain", b""));
    let running = start(stamping(None, vec![listed("failing", &failing)]));
    Begun::new(&running, "a company");
    soon("it is named", || running.text("/health").starts_with("well\nno stamp by failing: asked "));
}
