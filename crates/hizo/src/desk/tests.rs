//! The desk's own listener. Who is let in, and what is shown, is tested from outside.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::thread;

use super::*;

#[test]
fn whoever_reads_no_answer_loses_his_connection_and_others_are_served() {
    let plan = Plan { safes: Vec::new(), keeper: None, port: 0, language: Language::English };
    let mut ready = plan.open().unwrap();
    ready.limits.room = Room::of(4);
    ready.limits.stalled = Duration::from_millis(300);
    let address = ready.listener.local_addr().unwrap();
    let ask = format!("GET {}/look.css HTTP/1.1\r\nhost: {}\r\n", ready.desk.at, ready.desk.authority);
    thread::spawn(move || ready.serve());
    let connect = move || {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    };
    // Four that ask and ask, and read nothing: once nothing more can be sent either way, only the other side ends that.
    let slow = [(); 4].map(|()| {
        let (mut stream, asks) = (connect(), format!("{ask}\r\n").repeat(100));
        thread::spawn(move || {
            loop {
                if let Err(error) = stream.write_all(asks.as_bytes()) {
                    return error.kind();
                }
            }
        })
    });
    let mut answer = String::new();
    let mut other = connect();
    write!(other, "{ask}connection: close\r\n\r\n").unwrap();
    other.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with(LOOKS), "{answer}");
    for ended in slow.map(|slow| slow.join().unwrap()) {
        assert!(matches!(ended, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "it was held: {ended}");
    }
}

#[test]
fn a_browser_that_was_silent_too_long_is_locked_and_one_that_is_used_is_not() {
    let place = tempfile::tempdir().unwrap();
    let (home, phrase) = (place.path().join("home"), "a passphrase of the test");
    crate::features::init::init(&home, "x", phrase, None).unwrap();
    let sessions = Sessions::new(Duration::from_secs(600));
    let cookie = sessions.begin(Language::English);
    let session = sessions.of(&cookie).unwrap();
    let silent_for = |seconds| session.was_seen_before(Duration::from_secs(seconds));
    let unlock = || session.unlock(Arc::new(Unlocked::open(&home, None, phrase).unwrap()));
    unlock();
    silent_for(599);
    sessions.lock_idle();
    assert!(session.unlocked().is_some(), "it is not time yet");
    silent_for(601);
    sessions.lock_idle();
    assert!(session.unlocked().is_none(), "nobody was there, and it is locked by itself");
    // Whoever comes back late finds it locked, whether or not anybody has looked meanwhile.
    unlock();
    silent_for(601);
    assert!(sessions.of(&cookie).unwrap().unlocked().is_none());
}
