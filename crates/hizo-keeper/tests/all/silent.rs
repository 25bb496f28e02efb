//! A keeper elsewhere that takes a request and never answers.

use std::net::TcpListener;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use hizo_keeper::Error;
use hizo_keeper::client::RemoteKeeper;
use hizo_keeper::stamp::Patience;

#[test]
fn a_keeper_that_goes_dead_without_a_word_is_given_up_after_it_was_asked_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (hold, held) = channel();
    thread::spawn(move || {
        for connection in listener.incoming().map_while(Result::ok) {
            // It stays open, and nothing is said on it.
            if hold.send(connection).is_err() {
                return;
            }
        }
    });
    let between = vec![Duration::from_millis(1)];
    let patience = Patience { connect: Duration::from_secs(5), answer: Duration::from_millis(300), between };
    let told = RemoteKeeper::introduce(&address, patience, None);
    assert!(matches!(told, Err(Error::Unreachable { .. })));
    assert_eq!(held.try_iter().count(), 2);
}
