//! Real HTTP on loopback: every status, every limit, and an end that cuts nobody short.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use hizo_keeper::witness::Limits;
use hizo_ledger::log::checkpoint::UnverifiedCheckpoint;
use hizo_ledger::log::witness::{AddCheckpoint, REQUEST_BYTES_MAX};

use super::world::{Running, TestLog, exchange, http, shared};

const NAME: &str = "witness.example/w1";

fn body_of(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

#[test]
fn every_status_of_the_protocol_is_answered_over_http() {
    let (log, fork) = (shared(20), TestLog::new("keeper.example/log", 20, 2));
    let running = Running::start(NAME, &[&log.key]);
    let monitored = format!("/{}/checkpoint", log.origin_hash());
    let post = |body: &[u8]| exchange(running.address, &http("POST", "/add-checkpoint", body));
    let get = |path: &str| exchange(running.address, &http("GET", path, b""));
    let is =
        |answer: &str, status: &str| assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{status}: {answer}");

    is(&get(&monitored), "404");
    let signed = post(&log.request(0, 5));
    is(&signed, "200");
    let note = [log.note(5), body_of(&signed).as_bytes().to_vec()].concat();
    let read = UnverifiedCheckpoint::parse(&note).unwrap();
    running.keys.iter().for_each(|key| assert!(read.signed_by(key).unwrap().is_some_and(|time| time > 0)));
    let monitor = get(&monitored);
    is(&monitor, "200");
    assert_eq!(body_of(&monitor).as_bytes(), note);

    let conflict = post(&log.request(3, 9));
    is(&conflict, "409");
    assert!(conflict.contains("content-type: text/x.tlog.size\r\n"), "{conflict}");
    assert_eq!(body_of(&conflict), "5\n");
    is(&post(&fork.request(5, 9)), "422");
    is(&post(&TestLog::new("other.example", 9, 9).request(0, 5)), "404");
    let unsigned = TestLog::new("other.example", 9, 9).sign(&log.head(9));
    is(&post(&AddCheckpoint { old: 5, path: log.path(5, 9), checkpoint: unsigned }.to_bytes()), "403");
    is(&post(b"hello"), "400");
    is(&post(&vec![b'a'; REQUEST_BYTES_MAX + 1]), "413");
    for path in ["/", "/checkpoint", "/add-checkpoint/", "/../checkpoint", "//checkpoint", "/sign-subtree"] {
        is(&get(path), "404");
    }
    let refused = exchange(running.address, &http("GET", "/add-checkpoint", b""));
    is(&refused, "405");
    assert!(refused.contains("allow: POST\r\n"));
    is(&exchange(running.address, &http("POST", &monitored, b"")), "405");
    is(&exchange(running.address, b"hello\r\n\r\n"), "400");
    assert_eq!(body_of(&get(&monitored)).as_bytes(), note, "nothing else was signed");
}

#[test]
fn whoever_is_slow_is_let_go_and_answered_if_he_has_asked() {
    let log = shared(20);
    let short = Duration::from_millis(50);
    let limits = Limits { head: short, answer: short, ..Limits::default() };
    let running = Running::start_with(NAME, &[&log.key], &limits);
    for begun in ["", "POST /add-check", "POST /add-checkpoint HTTP/1.1\r\nhost: w\r\n"] {
        // The read ends only when the other side ends the connection.
        assert!(!exchange(running.address, begun.as_bytes()).contains("200"), "{begun}");
    }
    let late =
        exchange(running.address, b"POST /add-checkpoint HTTP/1.1\r\nhost: w\r\ncontent-length: 900\r\n\r\nold 0");
    assert!(late.starts_with("HTTP/1.1 408 "), "{late}");
    let long = format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(40));
    assert!(!exchange(running.address, long.as_bytes()).contains(" 404 "));
    let endless = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(20 << 10));
    assert!(!exchange(running.address, endless.as_bytes()).contains(" 404 "));
}

#[test]
fn connections_are_few_end_by_themselves_and_are_used_again() {
    let log = shared(20);
    let limits = Limits { connections: 1, connection: Duration::from_millis(300), ..Limits::default() };
    let running = Running::start_with(NAME, &[&log.key], &limits);
    let mut first = TcpStream::connect(running.address).unwrap();
    let ask = b"GET /nothing HTTP/1.1\r\nhost: w\r\n\r\n";
    for _ in 0..2 {
        first.write_all(ask).unwrap();
        let mut answer = [0; 12];
        first.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 404");
        let mut rest = Vec::new();
        while !rest.ends_with(b"404 Not Found\n") {
            let mut byte = [0];
            first.read_exact(&mut byte).unwrap();
            rest.push(byte[0]);
        }
    }
    // At work, it makes no room: the second one is taken when the first one's time is over.
    first.write_all(b"POST /add-checkpoint HTTP/1.1\r\nhost: w\r\ncontent-length: 900\r\n\r\nold 0").unwrap();
    assert!(exchange(running.address, &http("GET", "/nothing", b"")).starts_with("HTTP/1.1 404 "));
    assert_eq!(first.read(&mut [0]).unwrap_or(0), 0, "the first connection outlived the second one");
}

#[test]
fn whoever_asks_nothing_makes_room_for_whoever_comes() {
    let log = shared(20);
    let hour = Duration::from_secs(3_600);
    let limits = Limits { connections: 1, head: hour, connection: hour, ..Limits::default() };
    let running = Running::start_with(NAME, &[&log.key], &limits);
    let mut silent = TcpStream::connect(running.address).unwrap();
    assert!(exchange(running.address, &http("GET", "/nothing", b"")).starts_with("HTTP/1.1 404 "));
    assert_eq!(silent.read(&mut [0]).unwrap_or(0), 0, "it holds its place");
}

#[test]
fn a_request_that_has_begun_is_answered_before_the_end() {
    let log = shared(20);
    let mut running = Running::start(NAME, &[&log.key]);
    let request = http("POST", "/add-checkpoint", &log.request(0, 5));
    let (head, rest) = request.split_at(request.len() - 10);
    let mut stream = TcpStream::connect(running.address).unwrap();
    stream.write_all(head).unwrap();
    // Once the other connection is answered, the first one has been taken.
    exchange(running.address, &http("GET", "/nothing", b""));
    let address = running.address;
    let ending = std::thread::spawn(move || running.stop());
    stream.write_all(rest).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    ending.join().unwrap();
    assert!(TcpStream::connect(address).is_err());
}
