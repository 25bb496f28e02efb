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
