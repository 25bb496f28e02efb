//! What members do: spaces begin and grow, objects are put and read, the log is read by anybody.

use std::thread;

use hizo_ledger::id::{ObjectId, SpaceId};
use hizo_ledger::log::checkpoint::UnverifiedCheckpoint;
use hizo_ledger::log::note::NamedKey;
use hizo_ledger::log::receipt::UnverifiedReceipt;
use hizo_ledger::record::UnverifiedRecord;
use hizo_ledger::session::Verbs;
use hizo_ledger::space::Chain;
use hizo_store::NamedBytes;

use super::world::{Begun, Running, begin, genesis, settings};
use crate::kit::{Company, object, sign};

fn named_key(running: &Running, field: &str) -> NamedKey {
    let keeper = running.ask("GET", "/v1/keeper", None, b"");
    let text = keeper.is(200).text();
    NamedKey::parse(text.split(&format!("\"{field}\":\"")).nth(1).unwrap().split('"').next().unwrap()).unwrap()
}

#[test]
fn a_space_begins_grows_and_is_read_again() {
    let running = Running::start();
    let mut begun = Begun::new(&running, "a company");
    let deposit = begun.company.deposit("drawings", 3).1;
    let machine = begun.machine.clone();
    let kept = begun.keep(&running, &machine, &deposit);
    let receipt = UnverifiedReceipt::parse(&kept.is(201).body).unwrap();
    let receipt = receipt.verify(&named_key(&running, "receipt_key")).unwrap();
    assert_eq!(receipt.leaf.record, begun.company.chain.as_ref().unwrap().head().id);
    let again = running.ask("POST", &begun.records(), Some(&machine), &deposit.note);
    assert_eq!(again.is(200).body, kept.body, "the same record has the same receipt");
    let told = running.ask("GET", &format!("{}/1/receipt", begun.records()), Some(&begun.owner), b"");
    assert_eq!(told.is(200).body, kept.body);
    running.ask("GET", &format!("{}/2/receipt", begun.records()), Some(&begun.owner), b"").says(404, "NoRecord");

    let page = running.ask("GET", &format!("{}?from=0", begun.records()), Some(&begun.owner), b"");
    let head = begun.company.chain.as_ref().unwrap().head();
    assert_eq!(page.is(200).header("hizo-head"), Some(format!("{} {}", head.number, head.id).as_str()));
    let notes: Vec<String> =
        page.text().split("hizo/record/v1\n").skip(1).map(|note| format!("hizo/record/v1\n{note}")).collect();
    assert_eq!(Chain::replay(&notes, drop).unwrap().head(), head);
    let rest = running.ask("GET", &format!("{}?from=1", begun.records()), Some(&begun.owner), b"");
    assert_eq!(rest.is(200).text(), notes[1]);
    assert!(
        running.ask("GET", &format!("{}?from=2", begun.records()), Some(&begun.owner), b"").is(200).body.is_empty()
    );
    for wrong in ["from=-1", "from=01", "from=", "to=1", "from=1&from=2"] {
        running.ask("GET", &format!("{}?{wrong}", begun.records()), Some(&begun.owner), b"").says(400, "From");
    }
}

#[test]
fn what_may_not_stand_is_refused_with_its_rule() {
    let running = Running::start();
    let mut begun = Begun::new(&running, "a company");
    let (owner, machine) = (begun.owner.clone(), begun.machine.clone());
    let head = begun.company.chain.as_ref().unwrap().head();
    let append = |note: &[u8]| running.ask("POST", &begun.records(), Some(&owner), note);

    let saying = begun.company.saying();
    let missing = append(&saying.note);
    missing.says(424, "PutAgain");
    assert_eq!(missing.text(), format!("{}\n", saying.objects[0].id()));
    append(b"hello").says(422, "Frame");
    append(&vec![b'a'; 70_000]).says(413, "TooLarge");
    let (mut envelope, draft) = begun.company.deposit("drawings", 1);
    envelope.body = None;
    for object in &draft.objects {
        running.put(begun.space(), &machine, object).is(201);
    }
    append(&sign(&envelope, "stranger")).says(422, "SignerNotMember");
    let mut elsewhere = begun.company.say();
    elsewhere.keeper = hizo_ledger::record::Origin::parse("keeper.example").unwrap();
    append(&sign(&elsewhere, "owner")).says(422, "OtherKeeper");
    let other = Company::new("another company", &running.origin);
    append(&other.genesis().note).says(422, "Space");
    let mut ahead = begun.company.say();
    (ahead.number, ahead.prev) = (2, Some(head.id));
    let conflict = append(&sign(&ahead, "owner"));
    conflict.says(409, "Conflict");
    assert_eq!(conflict.text(), format!("head {} {}\n", head.number, head.id));
    begun.keep(&running, &owner, &saying).is(201);
}

#[test]
fn an_object_is_put_once_and_read_whole_or_in_part() {
    let running = Running::start();
    let begun = Begun::new(&running, "a company");
    let bytes: Vec<u8> = (0..300_000_u32).map(|number| (number % 251) as u8).collect();
    let object = NamedBytes::name(bytes.clone()).unwrap();
    let path = format!("/v1/spaces/{}/objects/{}", begun.space(), object.id());
    running.ask("GET", &path, Some(&begun.owner), b"").says(404, "NoObject");
    running.put(begun.space(), &begun.owner, &object).is(201);
    running.put(begun.space(), &begun.machine, &object).is(200);

    let whole = running.ask("GET", &path, Some(&begun.owner), b"");
    assert_eq!(whole.is(200).body, bytes);
    let tag = format!("\"{}\"", object.id());
    assert_eq!(whole.header("etag"), Some(tag.as_str()));
    assert!(whole.header("cache-control").unwrap().contains("immutable"));
    let head = running.ask("HEAD", &path, Some(&begun.owner), b"");
    assert_eq!((head.is(200).header("content-length"), head.body.len()), (Some("300000"), 0));

    let ranged = |headers: &[(&str, &str)]| {
        let mut all = vec![("authorization", format!("Bearer {}", begun.owner))];
        all.extend(headers.iter().map(|(name, value)| (*name, (*value).to_owned())));
        running.ask_with("GET", &path, &all, b"")
    };
    for (range, part, told) in [
        ("bytes=0-0", 0..1, "bytes 0-0/300000"),
        ("bytes=100-70000", 100..70_001, "bytes 100-70000/300000"),
        ("bytes=299990-", 299_990..300_000, "bytes 299990-299999/300000"),
        ("bytes=299990-999999999", 299_990..300_000, "bytes 299990-299999/300000"),
        ("bytes=-10", 299_990..300_000, "bytes 299990-299999/300000"),
        ("bytes=-999999999", 0..300_000, "bytes 0-299999/300000"),
    ] {
        let answer = ranged(&[("range", range)]);
        assert_eq!(answer.is(206).body, bytes[part], "{range}");
        assert_eq!(answer.header("content-range"), Some(told));
    }
    for outside in ["bytes=300000-", "bytes=300001-300002", "bytes=-0"] {
        assert_eq!(ranged(&[("range", outside)]).says(416, "Range").header("content-range"), Some("bytes */300000"));
    }
    for passed_over in
        ["bytes=0-1,3-4", "bytes=5-3", "lines=0-1", "bytes=a-b", "bytes=-", "bytes=0-18446744073709551616"]
    {
        assert_eq!(ranged(&[("range", passed_over)]).is(200).body.len(), 300_000, "{passed_over}");
    }
    assert_eq!(ranged(&[("range", "bytes=0-9"), ("if-range", &tag)]).is(206).body, bytes[..10]);
    assert_eq!(ranged(&[("range", "bytes=0-9"), ("if-range", "\"x\"")]).is(200).body.len(), 300_000);
    assert!(ranged(&[("if-none-match", &tag)]).is(304).body.is_empty());
}

#[test]
fn bytes_of_another_name_leave_nothing() {
    let running = Running::start();
    let begun = Begun::new(&running, "a company");
    let put = |id: ObjectId, bytes: &[u8]| {
        running.ask("PUT", &format!("/v1/spaces/{}/objects/{id}", begun.space()), Some(&begun.owner), bytes)
    };
    put(ObjectId::of(b"right"), b"wrong").says(422, "WrongName");
    put(ObjectId::of(b""), b"").says(422, "Empty");
    put(ObjectId::of(b"large"), &vec![0; (16 << 20) + 1]).says(413, "TooLarge");
    let folder = running.folder().join(format!("keeper/objects/{}", begun.space()));
    let names = |folder: &std::path::Path| -> Vec<String> {
        let list = std::fs::read_dir(folder).into_iter().flatten();
        list.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    for prefix in names(&folder) {
        for name in names(&folder.join(prefix)) {
            assert!(!name.ends_with(".new") && name.len() == 64, "{name} was left");
        }
    }
    for id in [ObjectId::of(b"right"), ObjectId::of(b"large")] {
        running.ask("GET", &format!("/v1/spaces/{}/objects/{id}", begun.space()), Some(&begun.owner), b"").is(404);
    }
    put(ObjectId::of(b"right"), b"right").is(201);
}

#[test]
fn the_log_is_published_and_read_by_anybody() {
    let running = Running::start();
    let mut begun = Begun::new(&running, "a company");
    for _ in 0..3 {
        let (saying, owner) = (begun.company.saying(), begun.owner.clone());
        begun.keep(&running, &owner, &saying).is(201);
    }
    let key = named_key(&running, "log_key");
    let folder = running.stop();
    // The end publishes all that was kept.
    let running = Running::start_in(folder, settings());
    let checkpoint = running.ask("GET", "/log/checkpoint", None, b"");
    assert_eq!(checkpoint.is(200).header("cache-control"), Some("no-cache"));
    let read = UnverifiedCheckpoint::parse(&checkpoint.body).unwrap();
    assert!(read.signed_by(&key).unwrap().is_some());
    assert_eq!(read.claimed().size, 4);
    let tile = running.ask("GET", "/log/tile/0/000.p/4", None, b"");
    assert_eq!((tile.is(200).body.len(), tile.header("cache-control")), (4 * 32, Some("public, max-age=300")));
    for absent in
        ["tile/0/000", "tile", "tile/0", "tile/../checkpoint", "..%2fjournal.sqlite", "../log.key", ".x", "nothing"]
    {
        running.ask("GET", &format!("/log/{absent}"), None, b"").is(404);
    }
    running.ask("GET", "/health", None, b"").is(200);
    let metrics = running.ask("GET", "/metrics", None, b"");
    assert!(
        metrics.is(200).text().contains("hizo_requests_total{method=\"GET\",route=\"/log/{*path}\",status=\"200\"} 2")
    );
}

#[test]
fn appends_that_come_at_once_leave_one_history() {
    let running = Running::start();
    let begun = Begun::new(&running, "a company");
    let drafts: Vec<_> = (0..8)
        .map(|number| {
            let body = object(&format!("what {number} says"));
            let mut envelope = begun.company.say();
            envelope.body = Some((body.id(), body.length()));
            running.put(begun.space(), &begun.owner, &body).is(201);
            sign(&envelope, "owner")
        })
        .collect();
    let ask = &|note: &[u8]| running.ask("POST", &begun.records(), Some(&begun.owner), note).status;
    let answers = thread::scope(|scope| {
        let asked: Vec<_> = drafts.iter().map(|note| scope.spawn(move || ask(note))).collect();
        asked.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(answers.iter().filter(|status| **status == 201).count(), 1, "{answers:?}");
    assert_eq!(answers.iter().filter(|status| **status == 409).count(), 7, "{answers:?}");
}

#[test]
fn the_description_names_every_route_and_no_other() {
    let running = Running::start();
    let text = running.ask("GET", "/openapi.json", None, b"");
    let description: serde_json::Value = serde_json::from_slice(&text.is(200).body).unwrap();
    let paths = description["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 10);
    for (path, methods) in paths {
        let path =
            path.replace("{space}", &"a".repeat(32)).replace("{object}", &"b".repeat(64)).replace("{record}", "0");
        for method in ["get", "post", "put", "delete"] {
            let answer = running.ask(&method.to_uppercase(), &path.replace("{path}", "checkpoint"), None, b"");
            let described = methods.get(method).is_some();
            assert_eq!(answer.status != 405, described, "{method} {path}: {}", answer.head);
            let Some(operation) = methods.get(method) else { continue };
            assert!(
                operation["responses"].get(answer.status.to_string()).is_some(),
                "{method} {path}: {}",
                answer.head
            );
        }
    }
    for absent in ["/v1", "/v1/spaces", "/v2/keeper", "/v1/keeper/", "/admin"] {
        running.ask("GET", absent, None, b"").says(404, "NotFound");
    }
}

#[test]
fn a_keeper_that_stops_and_starts_again_goes_on() {
    let running = Running::start();
    let mut begun = Begun::new(&running, "a company");
    let (saying, owner) = (begun.company.saying(), begun.owner.clone());
    begun.keep(&running, &owner, &saying).is(201);
    let running = Running::start_in(running.stop(), settings());
    running.ask("GET", &begun.records(), Some(&owner), b"").says(401, "TokenEnded");
    let owner = running.token(begun.space(), "owner", 9, Verbs::ReadWrite);
    let saying = begun.company.saying();
    begun.keep(&running, &owner, &saying).is(201);
    let company = begun.company.chain.as_ref().unwrap();
    assert_eq!(company.head().number, 2);
    assert!(UnverifiedRecord::parse(&saying.note).is_ok());
}

#[test]
fn the_keepers_own_space_is_read_by_anybody() {
    let running = Running::start();
    let own = running.own_space;
    running.ask("GET", &format!("/v1/spaces/{own}/records"), None, b"").says(404, "NotBegun");
    let id = ObjectId::of(b"stamp");
    running.ask("GET", &format!("/v1/spaces/{own}/objects/{id}"), None, b"").says(404, "NoObject");
    running.ask("PUT", &format!("/v1/spaces/{own}/objects/{id}"), None, b"stamp").says(403, "OwnSpace");
    let other = SpaceId::from_bytes([1; 16]);
    running.ask("GET", &format!("/v1/spaces/{other}/records"), None, b"").says(401, "TokenNeeded");
    let company = Company::new("a company", &running.origin);
    let token = running.token(company.space, "owner", 1, Verbs::Read);
    begin(&running, &company, &running.token(company.space, "owner", 2, Verbs::ReadWrite), &genesis(&company)).is(201);
    running.ask("GET", &format!("/v1/spaces/{}/records", company.space), Some(&token), b"").is(200);
}
