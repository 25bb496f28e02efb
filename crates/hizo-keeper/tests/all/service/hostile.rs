//! Clients that are slow, many, or curious.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use hizo_keeper::service::{Limits, Pace, Rate, Settings};
use hizo_ledger::session::Verbs;
use hizo_store::NamedBytes;

use super::world::{Answer, Begun, Running, settings, soon};
use crate::kit::{object, secret};

fn limited(limits: Limits) -> Running {
    Running::start_with(Settings { limits, ..settings() })
}

#[test]
fn a_slow_head_and_a_slow_body_are_cut() {
    let grace = Duration::from_millis(300);
    let running = limited(Limits { head: grace, pace: Pace { grace, bytes_per_second: 1 << 20 }, ..settings().limits });
    for begun in ["", "GET /v1/kee", "GET /v1/keeper HTTP/1.1\r\nhost: k\r\n"] {
        let mut stream = TcpStream::connect(running.address).unwrap();
        stream.write_all(begun.as_bytes()).unwrap();
        // The read ends only when the other side ends the connection.
        assert_ne!(Answer::read(stream).status, 200, "{begun}");
    }
    let begun = Begun::new(&running, "a company");
    let (space, object) = (begun.space(), object("never whole"));
    let mut stream = TcpStream::connect(running.address).unwrap();
    let head = format!(
        "PUT /v1/spaces/{space}/objects/{} HTTP/1.1\r\nhost: k\r\nauthorization: Bearer {}\r\ncontent-length: 11\r\n\r\nnever",
        object.id(),
        begun.owner
    );
    stream.write_all(head.as_bytes()).unwrap();
    Answer::read(stream).says(408, "TooSlow");
    let path = format!("/v1/spaces/{space}/objects/{}", object.id());
    running.ask("GET", &path, Some(&begun.owner), b"").says(404, "NoObject");
}

#[test]
fn whoever_takes_nothing_of_an_answer_is_let_go_and_holds_nothing() {
    let running = limited(Limits { stalled: Duration::from_millis(300), ..settings().limits });
    let begun = Begun::new(&running, "a company");
    // Longer than what waits between two programs of one machine.
    let large = NamedBytes::name(vec![7; 16 << 20]).unwrap();
    running.put(begun.space(), &begun.owner, &large).is(201);
    let mut stream = TcpStream::connect(running.address).unwrap();
    let (space, owner) = (begun.space(), &begun.owner);
    let path = format!("/v1/spaces/{space}/objects/{}", large.id());
    let head = format!("GET {path} HTTP/1.1\r\nhost: k\r\nauthorization: Bearer {owner}\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    soon("it is never let go", || {
        // Whoever asks for the count is there himself.
        running.metric("hizo_bytes_out_total") > 0 && running.metric("hizo_connections") == 1
    });
    let mut taken = Vec::new();
    let _ = stream.read_to_end(&mut taken);
    assert!(taken.starts_with(b"HTTP/1.1 200 ") && taken.len() < 16 << 20, "{} bytes came", taken.len());
    // Whoever takes it has it whole.
    assert_eq!(running.ask("GET", &path, Some(owner), b"").is(200).body.len(), 16 << 20);
}

#[test]
fn one_sender_has_so_many_requests_and_connections() {
    let rate = Rate { per_second: 0, burst: 5 };
    let running = limited(Limits { rate_of_address: rate, ..settings().limits });
    let statuses: Vec<u16> = (0..8).map(|_| running.ask("GET", "/v1/keeper", None, b"").status).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 429, 429, 429]);
    assert_eq!(running.ask("GET", "/v1/keeper", None, b"").says(429, "TooMany").header("retry-after"), Some("1"));

    // A session that starts is remembered longer than it is asked for, whatever it is.
    let running = limited(Limits { starts_of_address: rate, ..settings().limits });
    let statuses: Vec<u16> = (0..7).map(|_| running.ask("POST", "/v1/sessions", None, b"").status).collect();
    assert_eq!(statuses, [400, 400, 400, 400, 400, 429, 429]);
    assert_eq!(running.ask("GET", "/v1/keeper", None, b"").status, 200, "other requests are none of them");

    let running = limited(Limits { connections_of_address: 2, ..settings().limits });
    let _open = [answered(&running), answered(&running)];
    assert_eq!(running.ask("GET", "/v1/keeper", None, b"").status, 0, "a third connection was answered");
}

/// A connection that was answered, and stays.
fn answered(running: &Running) -> TcpStream {
    let mut stream = TcpStream::connect(running.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(b"GET /v1/keeper HTTP/1.1\r\nhost: k\r\n\r\n").unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    stream
}

#[test]
fn connections_that_ask_for_nothing_keep_nobody_out() {
    let hour = Duration::from_secs(3_600);
    let running = limited(Limits { connections: 4, head: hour, ..settings().limits });
    let mut open: Vec<TcpStream> = (0..2).map(|_| answered(&running)).collect();
    // Whoever has said nothing at all, or half a word, holds a place no more firmly.
    open.push(TcpStream::connect(running.address).unwrap());
    let mut half = TcpStream::connect(running.address).unwrap();
    half.write_all(b"GET /v1/kee").unwrap();
    open.push(half);
    for _ in 0..6 {
        open.push(answered(&running));
    }
    running.ask("GET", "/v1/keeper", None, b"").is(200);
}

#[test]
fn whoever_takes_all_connections_and_says_nothing_keeps_nobody_out_and_work_goes_on() {
    // Nothing but the rule for a full house ends these connections while the test runs.
    let long = std::time::Duration::from_secs(3_600);
    let running = limited(Limits { connections: 8, head: long, ..settings().limits });
    let begun = Begun::new(&running, "a company");
    let upload = object("an upload that takes its time");
    let mut at_work = TcpStream::connect(running.address).unwrap();
    let head = format!(
        "PUT /v1/spaces/{}/objects/{} HTTP/1.1\r\nhost: k\r\nconnection: close\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n",
        begun.space(),
        upload.id(),
        begun.owner,
        upload.as_bytes().len()
    );
    let (first, rest) = upload.as_bytes().split_at(5);
    at_work.write_all(head.as_bytes()).unwrap();
    at_work.write_all(first).unwrap();
    running.ask("GET", "/v1/keeper", None, b"").is(200);
    let silent: Vec<TcpStream> = (0..100).map(|_| TcpStream::connect(running.address).unwrap()).collect();
    for _ in 0..20 {
        running.ask("GET", "/v1/keeper", None, b"").is(200);
    }
    at_work.write_all(rest).unwrap();
    Answer::read(at_work).is(201);
    drop(silent);
}

#[test]
fn a_proxy_that_is_named_is_believed_and_nobody_else() {
    let rate = Rate { per_second: 0, burst: 1 };
    let limits = Limits { rate_of_address: rate, ..settings().limits };
    let from = |running: &Running, address: &str| {
        running.ask_with("GET", "/v1/keeper", &[("x-forwarded-for", address.to_owned())], b"").status
    };
    let behind = Running::start_with(Settings {
        limits: limits.clone(),
        proxy: Some("127.0.0.1".parse().unwrap()),
        ..settings()
    });
    assert_eq!([from(&behind, "192.0.2.1"), from(&behind, "192.0.2.2")], [200, 200]);
    // What stands before the proxy's own word anybody can write.
    assert_eq!(from(&behind, "192.0.2.9, 192.0.2.1"), 429);
    let open = limited(limits);
    assert_eq!([from(&open, "192.0.2.1"), from(&open, "192.0.2.2")], [200, 429]);
}

#[test]
fn a_request_that_has_begun_is_answered_before_the_end() {
    let running = Running::start();
    let begun = Begun::new(&running, "a company");
    let object = object("half of it comes late");
    let mut stream = TcpStream::connect(running.address).unwrap();
    let head = format!(
        "PUT /v1/spaces/{}/objects/{} HTTP/1.1\r\nhost: k\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n",
        begun.space(),
        object.id(),
        begun.owner,
        object.length()
    );
    let (first, rest) = object.as_bytes().split_at(5);
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(first).unwrap();
    // Once another connection is answered, the first one has been taken.
    running.ask("GET", "/v1/keeper", None, b"").is(200);
    let ending = std::thread::spawn(move || running.stop());
    stream.write_all(rest).unwrap();
    Answer::read(stream).is(201);
    ending.join().unwrap();
}

#[test]
fn a12_no_secret_and_no_name_stands_in_what_the_operator_is_told() {
    let running = Running::start();
    let mut begun = Begun::new(&running, "a company");
    let (deposit, machine) = (begun.company.deposit("drawings", 2).1, begun.machine.clone());
    begun.keep(&running, &machine, &deposit).is(201);
    let space = begun.space().to_string();
    let reads = running.token(begun.space(), "owner", 90, Verbs::Read);
    running.ask("GET", &format!("/v1/spaces/{space}/records?from=0"), Some(&reads), b"").is(200);
    running.ask("GET", &format!("/{space}/canary?{reads}"), Some(&reads), b"canary").is(404);
    running.ask("CANARY", &format!("/v1/spaces/{space}"), Some(&reads), b"canary").is(405);
    running.send(&running.note(begun.space(), "stranger", 91, Verbs::Read), "stranger").is(403);
    let metrics = running.ask("GET", "/metrics", None, b"");
    let lines = running.lines.lock().unwrap().join("\n") + "\n" + metrics.is(200).text();
    let mut secrets =
        vec![space, reads, machine, begun.owner.clone(), "canary".into(), "CANARY".into(), "127.0.0.1".into()];
    secrets.extend(deposit.objects.iter().map(|object| object.id().to_string()));
    for who in ["owner", "owner, session", "machine", "machine, session", "stranger, session"] {
        let public = crate::kit::key(who);
        secrets.extend([public.to_base64(), public.name().to_string()]);
        assert_eq!(secret(who).verifying_key().as_bytes(), public.as_bytes());
    }
    for told in secrets {
        assert!(!lines.contains(&told), "{told} stands in what the operator is told");
    }
    assert!(lines.contains("\"route\":\"/v1/spaces/{space}/records\""));
    lines.lines().filter(|line| line.starts_with('{')).for_each(|line| {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    });
}

#[test]
fn a30_no_method_of_any_route_takes_away_or_replaces() {
    let running = Running::start();
    let mut begun = Begun::new(&running, "a company");
    let (deposit, machine, owner) =
        (begun.company.deposit("drawings", 2).1, begun.machine.clone(), begun.owner.clone());
    begun.keep(&running, &machine, &deposit).is(201);
    let space = format!("/v1/spaces/{}", begun.space());
    let mut paths = vec![
        space.clone(),
        begun.records(),
        format!("{}/1", begun.records()),
        format!("{}/1/receipt", begun.records()),
    ];
    paths.extend(deposit.objects.iter().map(|object| format!("{space}/objects/{}", object.id())));
    paths.extend(["/log/checkpoint", "/log/tile/0/000", "/v1/keeper", "/v1/sessions"].map(str::to_owned));
    for path in &paths {
        for method in ["DELETE", "PATCH", "MOVE", "COPY", "PURGE"] {
            for token in [&owner, &machine] {
                running.ask(method, path, Some(token), b"").is_one_of(&[404, 405]);
            }
        }
    }
    for object in &deposit.objects {
        let path = format!("{space}/objects/{}", object.id());
        running.ask("PUT", &path, Some(&machine), b"other bytes").says(422, "WrongName");
        running.ask("PUT", &path, Some(&machine), b"").says(422, "Empty");
        assert_eq!(running.ask("GET", &path, Some(&owner), b"").is(200).body, object.as_bytes());
    }
    // A machine that deposits removes nobody and ends no epoch.
    let removal = begun.control(&[hizo_ledger::record::Control::Remove(crate::kit::key("owner"))]);
    let by_machine = {
        let envelope = hizo_ledger::record::UnverifiedRecord::parse(&removal.note).unwrap().envelope().clone();
        crate::kit::sign(&envelope, "machine")
    };
    removal
        .objects
        .iter()
        .for_each(|object| assert!([200, 201].contains(&running.put(begun.space(), &machine, object).status)));
    running.ask("POST", &begun.records(), Some(&machine), &by_machine).says(422, "RoleMayNot");
    let page = running.ask("GET", &begun.records(), Some(&owner), b"");
    assert!(page.is(200).header("hizo-head").unwrap().starts_with("1 "));
}

#[cfg(target_os = "linux")]
#[test]
fn uploads_that_are_half_done_hold_little_memory() {
    const UPLOADS: usize = 200;
    const SENT: usize = 512 << 10;
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap().to_owned();
        line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() << 10
    };
    let running = limited(Limits { connections_of_address: UPLOADS + 9, ..settings().limits });
    let begun = Begun::new(&running, "a company");
    let (bytes, before) = (vec![7; SENT], resident());
    let uploads: Vec<TcpStream> = (0..UPLOADS)
        .map(|number| {
            let mut stream = TcpStream::connect(running.address).unwrap();
            let id = object(&format!("object {number}")).id();
            let head = format!(
                "PUT /v1/spaces/{}/objects/{id} HTTP/1.1\r\nhost: k\r\nauthorization: Bearer {}\r\ncontent-length: 16777216\r\n\r\n",
                begun.space(),
                begun.owner
            );
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(&bytes).unwrap();
            stream
        })
        .collect();
    let each = resident().saturating_sub(before) / UPLOADS;
    println!("{each} bytes for each of {UPLOADS} uploads");
    // A thousand of them must fit into 300 MiB.
    assert!(each < 300 << 10, "{each} bytes for each upload");
    drop(uploads);
}
