//! What every listener of ours holds others to: whoever stalls in either direction is let go, an end comes to each connection that
//! has one, and others are answered meanwhile.

use std::convert::Infallible;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use hizo_keeper::connections::{Coming, Connections, Limits, Room, Stopped};
use hyper::service::service_fn;
use hyper::{Request, Response};
use tokio::runtime::Runtime;

/// More than what waits between two programs of one machine.
const LARGE: usize = 32 << 20;

const SHORT: Duration = Duration::from_millis(300);

fn limits() -> Limits {
    let hour = Duration::from_secs(3_600);
    Limits { room: Room::of(2), head: hour, head_bytes: 16 << 10, head_lines: 32, stalled: hour, life: None }
}

/// A listener that gives back what was sent, and much where nothing was.
fn listening(limits: Limits) -> (Runtime, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let guard = runtime.enter();
    Connections::new(limits).listen(listener, service_fn(answer)).unwrap();
    drop(guard);
    (runtime, address)
}

async fn answer(request: Request<Coming>) -> Result<Response<Body>, Infallible> {
    Ok(Response::new(match to_bytes(Body::new(request.into_body()), LARGE).await {
        Ok(sent) if sent.is_empty() => Body::from(vec![7; LARGE]),
        Ok(sent) => Body::from(sent),
        Err(error) if Stopped::has_stalled(&error) => Body::from("it stalled"),
        Err(_) => Body::from("it broke"),
    }))
}

fn sent(address: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
    stream.write_all(bytes).unwrap();
    stream
}

/// All that comes until the other side ends the connection.
fn taken(mut stream: TcpStream) -> Vec<u8> {
    let mut taken = Vec::new();
    let _ = stream.read_to_end(&mut taken);
    taken
}

const ECHO: &[u8] = b"POST / HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello";

#[test]
fn whoever_takes_nothing_of_an_answer_loses_his_connection_and_others_are_answered() {
    let (_runtime, address) = listening(Limits { stalled: SHORT, ..limits() });
    let ask = b"GET / HTTP/1.1\r\nhost: h\r\n\r\n";
    let mut slow = sent(address, ask);
    // Once nothing more can be sent either way, only the other side ends that.
    let ended = loop {
        if let Err(error) = slow.write_all(&ask.repeat(100)) {
            break error.kind();
        }
        assert!(taken(sent(address, ECHO)).ends_with(b"hello"), "others are answered meanwhile");
    };
    assert!(matches!(ended, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "it was held: {ended}");
    assert!(
        taken(sent(address, b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n")).len() > LARGE,
        "it is whole"
    );
}

#[test]
fn whoever_sends_nothing_more_of_a_body_is_not_waited_for() {
    let (_runtime, address) = listening(Limits { stalled: SHORT, ..limits() });
    let half = &ECHO[..ECHO.len() - 2];
    // None of them keeps a place: one more than there are.
    for _ in 0..3 {
        assert!(taken(sent(address, half)).ends_with(b"it stalled"));
    }
}

#[test]
fn a_connection_that_has_an_end_comes_to_it_whatever_goes_on() {
    let (_runtime, address) = listening(Limits { life: Some(SHORT), ..limits() });
    let half = sent(address, &ECHO[..ECHO.len() - 2]);
    assert_eq!(taken(half), b"", "nobody waits for the rest");
}
