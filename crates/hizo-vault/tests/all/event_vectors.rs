//! The vectors of docs/spec/event.md: bodies that every reader must accept, and bodies that it must refuse.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hizo_ledger::id::SpaceId;
use hizo_ledger::identity::VerifyingKey;
use hizo_vault::event::case::{self, For, Found, Kind, Said, Standing, Step, Urgency, Way};
use hizo_vault::event::certificate::{Certificate, Certificates, Sessions, UnverifiedCertificate};
use hizo_vault::event::handover::{Custody, Verdict};
use hizo_vault::event::{self, BODY_BYTES_MAX, Class, Error, Event, LABELS_MAX, NAME_BYTES_MAX, SIDES_MAX};
use hizo_vault::keys::IdentityFile;
use serde_json::{Value, json};

use crate::certificate::{SPACE, key, person, session, written};
use crate::vectors::Vectors;
use crate::{handover, organisation};

const VECTORS: Vectors = Vectors::new("event", "body");

/// Reads a body and believes its certificates, beside what the vector says of the record and the reader.
fn read(bytes: &[u8], said: &Value) -> Result<Vec<Event>, String> {
    let events = event::parse(bytes).map_err(|error| rule(&error))?;
    let space = SpaceId::from_hex(said["space"].as_str().unwrap()).unwrap();
    let key = |text: &Value| VerifyingKey::from_base64(text.as_str().unwrap()).unwrap();
    let pair = |pair: &Value| (key(&pair["key"]), Some(&pair["session"]).filter(|text| !text.is_null()).map(key));
    let keys: Sessions = said["keys"].as_array().unwrap().iter().map(pair).collect();
    let own = &said["reader"];
    let recipient = Some(own["recipient"].as_str().unwrap().parse().unwrap());
    let (session, identity) = (Some(key(&own["session"])), key(&own["identity"]));
    let own = Certificate { key: key(&own["key"]), session, identity, recipient };
    let mut certificates = Certificates::new(own);
    for event in &events {
        if let Event::KeyCertified(certificate) = event {
            let taken = certificate.verify_in(&space, &keys).and_then(|verified| certificates.add(verified));
            taken.map_err(|error| format!("{error:?}"))?;
        }
    }
    Ok(events)
}

/// The rule broken, as the vectors give it: `Line 3` is the third line.
fn rule(error: &Error) -> String {
    match error {
        Error::Line { line } => format!("Line {line}"),
        other => format!("{other:?}"),
    }
}

fn described(events: &[Event]) -> Value {
    events.iter().map(Event::to_value).collect()
}

#[test]
fn every_accepted_vector_reads_as_it_says_and_is_what_we_write() {
    for (name, bytes, said) in VECTORS.all("accepted", 9) {
        let events = read(&bytes, &said).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(described(&events), said["events"], "{name}");
        assert_eq!(event::compose(&events), bytes, "{name}");
    }
}

#[test]
fn every_refused_vector_is_refused_for_its_one_fault() {
    for (name, bytes, said) in VECTORS.all("refused", 50) {
        let error = read(&bytes, &said).err().unwrap_or_else(|| panic!("{name} is accepted"));
        assert_eq!(error, said["refused"], "{name}");
    }
}

#[test]
fn a_body_may_be_one_mebibyte_and_not_a_byte_more() {
    let empty = event::compose(&[Event::Unknown(json!({ "event": "x.y", "z": "" }))]);
    let filled = |bytes: usize| {
        let z = "z".repeat(bytes - empty.len());
        event::compose(&[Event::Unknown(json!({ "event": "x.y", "z": z }))])
    };
    assert!(event::parse(&filled(BODY_BYTES_MAX)).is_ok());
    assert_eq!(event::parse(&filled(BODY_BYTES_MAX + 1)), Err(Error::TooLong));
}

fn certified(person: &IdentityFile) -> UnverifiedCertificate {
    UnverifiedCertificate::issue(person, &SPACE)
}

fn machine(owner: u64, seed: u64) -> Event {
    Event::KeyCertified(UnverifiedCertificate::issue_machine(&person(owner), &person(seed).signing_seed, &SPACE))
}

fn accepted() -> Vec<(&'static str, &'static str, Vec<Event>)> {
    let opened = |name: &str, class| Event::SeriesOpened { name: name.into(), class };
    let made = |labels: &[&str], files, bytes| Event::DepositMade { labels: texts(labels), files, bytes, left_out: 0 };
    let (one, two) = (|| Event::KeyCertified(certified(&person(1))), Event::KeyCertified(certified(&person(2))));
    let device = Event::DeviceAdded { key: key(&person(9)).to_base64(), name: "this machine".into() };
    let longest = "長".repeat(NAME_BYTES_MAX / 3);
    let numbers = json!({ "event": "a.b", "c": [(1i64 << 53) - 1, 1 - (1i64 << 53)] });
    let later = json!({ "event": "asset.classified", "class": "secret", "of": [1, { "b": null, "a": true }] });
    vec![
        ("nothing", "a record that says nothing", vec![]),
        ("founding", "record 0", vec![Event::SpaceFounded { name: "山田金型".into() }, one(), device]),
        (
            "first_deposit",
            "the first deposit of a series",
            vec![opened("moulds", Class::Standard), made(&["before the change"], 3, 48_211)],
        ),
        ("core", "a series that neither compresses nor reuses", vec![opened("recipes", Class::Core), made(&[], 0, 0)]),
        ("labels", "as many labels as are written", vec![made(&["x"; LABELS_MAX], 1, (1 << 53) - 1)]),
        (
            "names",
            "characters that JSON escapes, and others that turn text",
            vec![opened("a\"b\\c\n\t\u{1}\u{7f}/\u{202e}d", Class::Standard), opened("", Class::Standard)],
        ),
        ("name_longest", "a name as long as one is written", vec![Event::SpaceFounded { name: longest }]),
        (
            "recovery",
            "recovery cards, made and tried",
            vec![
                Event::RecoveryMade {
                    key: key(&person(5)).to_base64(),
                    recipient: person(5).identity.recipient().to_string(),
                    set: "theory painting".into(),
                    cards: 3,
                    needed: 2,
                },
                Event::RecoveryDrilled { key: key(&person(5)).to_base64(), cards: vec![1, 3] },
            ],
        ),
        (
            "case_things",
            "a thing in custody, from hand to hand",
            vec![case(case_thing("the owner")), case(case_thing("鑑識 1"))],
        ),
        (
            "sides",
            "the sides of a case, compared",
            vec![Event::SidesCompared {
                case: "2".repeat(32),
                asks: vec!["a".repeat(64)],
                against: vec!["b".repeat(64), "c".repeat(64)],
            }],
        ),
        (
            "sides_most",
            "as many names on a side as are compared, and none on the other",
            vec![Event::SidesCompared { case: "2".repeat(32), asks: vec!["a".repeat(64); SIDES_MAX], against: vec![] }],
        ),
        (
            "moved",
            "the space moves, and an invite says where to",
            vec![Event::KeeperMoved {
                invite: "{\"hizo\":\"invite/v1\",\"space\":\"01010101010101010101010101010101\"}".into(),
            }],
        ),
        (
            "history",
            "a member is told of a series, and given what was kept before",
            vec![
                Event::SeriesNamed { series: "139b65e57074666a".into(), name: "図面".into(), class: Class::Core },
                Event::HistoryGiven { key: key(&person(2)).to_base64() },
            ],
        ),
        (
            "handover_in_the_case",
            "a consent, what was handed over, an answer that was carried here, and a consent that was withdrawn",
            vec![
                Event::Consent(Box::new(handover::consent())),
                Event::HandedOver {
                    space: space(),
                    genesis: "ab".repeat(32),
                    receiver: Box::new(certified(&person(4))),
                    delegation: None,
                    items: custody(),
                },
                Event::Answered(handover::answer(Verdict::Insufficient, "", "the extract of the logs is missing")),
                Event::ConsentWithdrawn { space: space(), reason: String::new() },
            ],
        ),
        (
            "suspect",
            "who is suspected, for whoever receives a hand-over",
            vec![
                Event::SuspectNamed {
                    space: space(),
                    name: "鈴木 一郎".into(),
                    note: "leaver 1; born 1984-02-03".into(),
                },
                Event::SuspectNamed { space: space(), name: "x".into(), note: String::new() },
            ],
        ),
        (
            "handover_to_an_organisation",
            "what was handed over to somebody who acts for the organisation that the consent names",
            vec![Event::HandedOver {
                space: space(),
                genesis: "ab".repeat(32),
                receiver: Box::new(certified(&person(1))),
                delegation: Some(organisation::note(&organisation::delegation(), 21)),
                items: custody(),
            }],
        ),
        (
            "handover_received",
            "a receiver opens and answers",
            vec![
                Event::Opened { space: space(), items: custody() },
                Event::Answered(handover::answer(Verdict::Accepted, "令9-114", "")),
                Event::Answered(handover::answer(Verdict::Rejected, "", "not ours")),
            ],
        ),
        (
            "handover_on_paper",
            "a consent on a form, and a printed hand-over that was taken",
            vec![
                Event::PaperAttested(handover::paper()),
                Event::AcceptedPaper {
                    receiver_name: "県警".into(),
                    deposits: vec!["ab".repeat(32)],
                    reference: "第 12 号".into(),
                    note: String::new(),
                },
            ],
        ),
        (
            "case_opened",
            "a case begins, is told of, and turns out to be something else",
            vec![
                case(case_opened()),
                case(Said::Told {
                    text: "退職者1が、最終日に図面一式を写していた。\n二人が見ている。".into(),
                    happened: "2026-11-20".into(),
                    written: "2026-11-20T09:12:00Z".into(),
                    teller: "総務".into(),
                }),
                case(Said::Told {
                    text: "長".repeat(case::TEXT_BYTES_MAX / 3),
                    happened: String::new(),
                    written: String::new(),
                    teller: String::new(),
                }),
                case(Said::Sorted { kind: Kind::Attack, urgency: Urgency::Normal }),
            ],
        ),
        (
            "case_moves",
            "a case goes on, by itself and by a hand-over, is held, and ends",
            vec![
                case(case_moved("-")),
                case(case_moved(&space())),
                case(Said::Hold { on: true, note: "a lawsuit".into() }),
                case(Said::Hold { on: false, note: String::new() }),
                case(Said::Closed { step: case_step() }),
            ],
        ),
        (
            "case_work",
            "advice, a visit that was planned and made, and a task that was done",
            vec![
                case(Said::Advice { text: "Keep the machine switched off.".into() }),
                case(case_visit(false)),
                case(case_visit(true)),
                case(case_task(false)),
                case(case_task(true)),
            ],
        ),
        (
            "case_evidence",
            "what is kept of the evidence, what is gone, and a search in public places",
            vec![
                case(case_kept(Standing::Wanted, "", 0)),
                case(case_kept(Standing::Kept, &"ab".repeat(32), case::DAYS_MAX)),
                case(case_kept(Standing::Gone, "", 30)),
                case(case_kept(Standing::Absent, "", 0)),
                case(case_searched(Found::Nothing)),
                case(case_searched(Found::Something)),
            ],
        ),
        (
            "case_later",
            "an event of a case that a later version knows",
            vec![Event::Unknown(json!({ "event": "case.printed", "form": 1 }))],
        ),
        ("unknown", "an event of a later version", vec![Event::Unknown(later)]),
        ("unknown_deepest", "an event as deep as one may be", vec![Event::Unknown(nested(8))]),
        ("unknown_numbers", "the largest numbers either side of zero", vec![Event::Unknown(numbers)]),
        ("two_people", "certificates of two people that join at once", vec![one(), two]),
        ("certified_again", "a certificate that was there before", vec![one(), one()]),
        ("machines", "a person with two machines", vec![one(), machine(1, 9), machine(1, 5)]),
        (
            "machine_without_session",
            "a machine that starts no sessions",
            vec![Event::KeyCertified(written(&person(2), &SPACE, (key(&person(6)), None), None))],
        ),
        (
            "members",
            "one comes and one leaves, without a reason and with one",
            vec![
                Event::MemberAdded { key: key(&person(2)).to_base64(), name: "佐藤".into() },
                Event::MemberRemoved { key: key(&person(4)).to_base64(), reason: String::new() },
                Event::MemberRemoved { key: key(&person(6)).to_base64(), reason: "left the company".into() },
            ],
        ),
    ]
}

fn space() -> String {
    SPACE.to_string()
}

fn custody() -> Vec<Custody> {
    handover::answer(Verdict::Accepted, "1", "").items
}

fn case(said: Said) -> Event {
    Event::Case(Box::new(said))
}

fn case_opened() -> Said {
    Said::Opened {
        kind: Kind::Leak,
        urgency: Urgency::Emergency,
        way: Way::Phone,
        language: "ja".into(),
        title: "図面の持ち出し".into(),
    }
}

fn case_step() -> Step {
    let (from, reason, note) = ("intake".into(), "facts".into(), String::new());
    Step { from, reason, note, seen: "ab".repeat(32), seen_number: 6 }
}

fn case_moved(rests_on: &str) -> Said {
    Said::Moved { step: case_step(), to: "triage".into(), rests_on: rests_on.into() }
}

fn case_visit(made: bool) -> Said {
    let (on, place) = ("2026-12-01T01:00:00Z".into(), "the works".into());
    Said::Visit { id: "139b65e57074666a".into(), on, place, note: String::new(), made }
}

fn case_task(done: bool) -> Said {
    let (text, due) = ("Ask for the badge records".into(), "2026-12-01".into());
    Said::Task { id: "139b65e57074666b".into(), text, who: For::Company, due, done }
}

fn case_kept(state: Standing, deposit: &str, days: u64) -> Said {
    let (source, since) = ("server-log".into(), "2026-11-20".into());
    Said::Kept { source, state, since, days, deposit: deposit.into(), note: String::new() }
}

fn case_thing(holder: &str) -> Said {
    let [what, place] = ["laptop, S/N 7731", "safe of the works, sealed, off"].map(str::to_owned);
    let (holder, witness) = (holder.to_owned(), "foreman".to_owned());
    Said::Thing { id: "139b65e57074666c".into(), what, holder, place, witness, note: String::new() }
}

fn case_searched(found: Found) -> Said {
    Said::Searched { on: "2026-11-25".into(), place: "J-PlatPat".into(), found, note: String::new() }
}

/// Events of a case out of their form, each in one place.
fn case_lines() -> Vec<(&'static str, &'static str, String)> {
    let (opened, moved) = (|| case(case_opened()), || case(case_moved("-")));
    let told = |text: String, happened: &str| {
        case(Said::Told { text, happened: happened.into(), written: String::new(), teller: String::new() })
    };
    let too_long = told("a".repeat(case::TEXT_BYTES_MAX + 1), "");
    let kept = || case(case_kept(Standing::Kept, &"ab".repeat(32), 1));
    vec![
        ("case_kind", "a kind that there is not", spoilt(opened(), "\"leak\"", "\"theft\"")),
        ("case_urgency", "an urgency that there is not", spoilt(opened(), "\"emergency\"", "\"urgent\"")),
        ("case_way", "a way that there is not", spoilt(opened(), "\"phone\"", "\"Phone\"")),
        ("case_language", "a language with a space", spoilt(opened(), "\"ja\"", "\"ja JP\"")),
        ("case_title_empty", "a case without a title", spoilt(opened(), "図面の持ち出し", "")),
        (
            "case_opened_order",
            "keys in another order",
            spoilt(
                opened(),
                "\"kind\":\"leak\",\"urgency\":\"emergency\"",
                "\"urgency\":\"emergency\",\"kind\":\"leak\"",
            ),
        ),
        (
            "case_sorted_more",
            "a key more",
            "{\"event\":\"case.sorted\",\"kind\":\"leak\",\"urgency\":\"normal\",\"why\":\"\"}\n".into(),
        ),
        ("case_told_nothing", "a narrative without a word", format!("{}\n", told(String::new(), "").to_value())),
        ("case_told_long", "a narrative that is too long", format!("{}\n", too_long.to_value())),
        (
            "case_told_day",
            "a day that the calendar has not",
            format!("{}\n", told("a".into(), "2026-02-30").to_value()),
        ),
        ("case_told_local", "a time without a zone", format!("{}\n", told("a".into(), "2026-02-28T09:00").to_value())),
        ("case_moved_seen_short", "an id with too few digits", spoilt(moved(), "abababab", "ababab")),
        ("case_moved_seen_letters", "an id in capital letters", spoilt(moved(), "abababab", "ABABABAB")),
        ("case_moved_number_text", "a number as text", spoilt(moved(), "\"seen_number\":6", "\"seen_number\":\"6\"")),
        (
            "case_moved_rests_empty",
            "nothing in place of what it rests on",
            spoilt(moved(), "\"rests_on\":\"-\"", "\"rests_on\":\"\""),
        ),
        (
            "case_moved_rests_record",
            "a record in place of a space",
            spoilt(moved(), "\"rests_on\":\"-\"", &format!("\"rests_on\":\"{}\"", "ab".repeat(32))),
        ),
        (
            "case_closed_to",
            "an end with a state behind it",
            spoilt(case(Said::Closed { step: case_step() }), "\"reason\"", "\"to\":\"closed\",\"reason\""),
        ),
        (
            "case_hold_word",
            "yes or no as a word",
            spoilt(case(Said::Hold { on: true, note: String::new() }), ":true", ":\"yes\""),
        ),
        (
            "case_advice_empty",
            "advice without a word",
            format!("{}\n", case(Said::Advice { text: String::new() }).to_value()),
        ),
        ("case_thing_id", "a tag that is no number", spoilt(case(case_thing("x")), "139b65e57074666c", "first")),
        (
            "case_thing_nobody",
            "a thing in nobody's hands",
            spoilt(case(case_thing("x")), "\"holder\":\"x\"", "\"holder\":\"\""),
        ),
        ("case_visit_no_day", "a visit at no time", spoilt(case(case_visit(false)), "2026-12-01T01:00:00Z", "")),
        (
            "case_visit_id",
            "a visit with a name in place of digits",
            spoilt(case(case_visit(false)), "139b65e57074666a", "first"),
        ),
        (
            "case_task_for",
            "a task for a party that there is not",
            spoilt(case(case_task(false)), "\"company\"", "\"police\""),
        ),
        ("case_task_due", "a task until some time", spoilt(case(case_task(false)), "2026-12-01", "soon")),
        ("case_kept_state", "a standing that there is not", spoilt(kept(), "\"kept\",", "\"lost\",")),
        ("case_kept_days", "more days than a life", spoilt(kept(), "\"days\":1", "\"days\":36501")),
        ("case_kept_days_negative", "fewer days than none", spoilt(kept(), "\"days\":1", "\"days\":-1")),
        ("case_kept_deposit", "a deposit by its name", spoilt(kept(), &"ab".repeat(32), "latest:logs")),
        (
            "case_searched_found",
            "a word that nobody defined",
            spoilt(case(case_searched(Found::Nothing)), "\"nothing\"", "\"little\""),
        ),
        ("case_searched_where", "a search nowhere", spoilt(case(case_searched(Found::Nothing)), "J-PlatPat", "")),
    ]
}

/// A line of an event, with one text in place of another.
fn spoilt(event: Event, old: &str, new: &str) -> String {
    let line = format!("{}\n", event.to_value());
    assert!(line.contains(old), "{line}");
    line.replace(old, new)
}

/// An unknown event of so many levels, itself counted.
fn nested(levels: usize) -> Value {
    let lists = (1..levels).fold(json!(1), |inner, _| json!([inner]));
    json!({ "event": "a.b", "c": lists })
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

type Refused = (&'static str, &'static str, Vec<u8>, &'static str);

fn heads() -> Vec<Refused> {
    let event = "{\"event\":\"space.founded\",\"name\":\"a\"}\n";
    let with = |head: &str| format!("{head}{event}").into_bytes();
    vec![
        ("empty", "no byte at all", vec![], "Version"),
        ("head_missing", "an event in the first line", with(""), "Version"),
        ("head_later", "a later version", with("{\"hizo\":\"body/v2\"}\n"), "Version"),
        ("head_other", "another format", with("{\"hizo\":\"manifest/v1\"}\n"), "Version"),
        ("head_spaced", "a space in the first line", with("{\"hizo\": \"body/v1\"}\n"), "Version"),
        ("head_more", "one more key in the first line", with("{\"hizo\":\"body/v1\",\"more\":1}\n"), "Version"),
        ("head_carriage_return", "a carriage return", with("{\"hizo\":\"body/v1\"}\r\n"), "Version"),
        ("head_cut", "a first line without its end", b"{\"hizo\":\"body/v1\"}".to_vec(), "Version"),
        ("head_byte_order_mark", "a byte order mark", with("\u{feff}{\"hizo\":\"body/v1\"}\n"), "Version"),
        ("head_twice", "the first line again", with("{\"hizo\":\"body/v1\"}\n{\"hizo\":\"body/v1\"}\n"), "Line 2"),
    ]
}

fn lines() -> Vec<Refused> {
    let long = format!("{{\"event\":\"space.founded\",\"name\":\"{}\"}}\n", "a".repeat(3 * NAME_BYTES_MAX + 1));
    let made_large =
        "{\"event\":\"deposit.made\",\"labels\":[],\"files\":1,\"bytes\":9007199254740992,\"left_out\":0}\n";
    let objects = format!("{{\"event\":\"a.b\",\"c\":{}{{}}{}}}\n", "{\"d\":".repeat(7), "}".repeat(7));
    let second = "{\"event\":\"space.founded\",\"name\":\"a\"}\n{\"event\":\"space.founded\"}\n";
    let made = |rest: &str| format!("{{\"event\":\"deposit.made\",{rest}}}\n");
    let consent = || Event::Consent(Box::new(handover::consent()));
    let sides = Event::SidesCompared { case: "a".into(), asks: vec![], against: vec!["b".into(); SIDES_MAX + 1] };
    let many_sides = format!("{}\n", sides.to_value());
    let cases: Vec<(&str, &str, String, &str)> = vec![
        ("line_cut", "a last line without its end", "{\"event\":\"space.founded\",\"name\":\"a\"}".into(), "Line 2"),
        ("line_empty", "an empty line", "\n".into(), "Line 2"),
        ("line_carriage_return", "a carriage return", "{\"event\":\"a.b\"}\r\n".into(), "Line 2"),
        ("line_no_json", "no JSON", "space.founded\n".into(), "Line 2"),
        ("line_number", "a number", "7\n".into(), "Line 2"),
        ("line_list", "a list", "[{\"event\":\"a.b\"}]\n".into(), "Line 2"),
        ("line_two_objects", "two objects", "{\"event\":\"a.b\"}{\"event\":\"a.b\"}\n".into(), "Line 2"),
        ("line_third", "a fault behind an event that is right", second.into(), "Line 3"),
        ("spaced", "white space", "{\"event\":\"space.founded\", \"name\":\"a\"}\n".into(), "Line 2"),
        ("unknown_fraction", "a fraction", "{\"event\":\"a.b\",\"c\":1.5}\n".into(), "Line 2"),
        ("unknown_fraction_inside", "a fraction inside", "{\"event\":\"a.b\",\"c\":[{\"d\":-0.0}]}\n".into(), "Line 2"),
        ("unknown_large", "more than 2^53 - 1", "{\"event\":\"a.b\",\"c\":9007199254740992}\n".into(), "Line 2"),
        ("unknown_small", "less than 1 - 2^53", "{\"event\":\"a.b\",\"c\":-9007199254740992}\n".into(), "Line 2"),
        ("bytes_large", "bytes past 2^53 - 1", made_large.into(), "Line 2"),
        ("unknown_deep", "nine levels", format!("{}\n", nested(9)), "Line 2"),
        ("unknown_deep_objects", "nine levels of objects", objects, "Line 2"),
        ("unknown_spaced", "white space in an unknown event", "{\"event\":\"a.b\", \"c\":1}\n".into(), "Line 2"),
        ("escape_needless", "an escape for a letter", "{\"event\":\"a.b\",\"c\":\"\\u0061\"}\n".into(), "Line 2"),
        ("escape_slash", "an escape for a slash", "{\"event\":\"a.b\",\"c\":\"\\/\"}\n".into(), "Line 2"),
        ("escape_half", "half of a surrogate pair", "{\"event\":\"a.b\",\"c\":\"\\ud800\"}\n".into(), "Line 2"),
        ("event_missing", "an object without a name", "{\"name\":\"a\"}\n".into(), "Line 2"),
        ("event_number", "a name that is no text", "{\"event\":1,\"name\":\"a\"}\n".into(), "Line 2"),
        ("event_last", "its name behind the rest", "{\"name\":\"a\",\"event\":\"space.founded\"}\n".into(), "Line 2"),
        ("key_missing", "a key is missing", "{\"event\":\"space.founded\"}\n".into(), "Line 2"),
        ("key_more", "a key more", "{\"event\":\"space.founded\",\"name\":\"a\",\"more\":1}\n".into(), "Line 2"),
        ("key_twice", "a key twice", "{\"event\":\"space.founded\",\"name\":\"b\",\"name\":\"a\"}\n".into(), "Line 2"),
        (
            "key_order",
            "keys in another order",
            "{\"event\":\"device.added\",\"name\":\"a\",\"key\":\"b\"}\n".into(),
            "Line 2",
        ),
        ("name_number", "a name that is a number", "{\"event\":\"space.founded\",\"name\":1}\n".into(), "Line 2"),
        ("name_nothing", "a name that is nothing", "{\"event\":\"space.founded\",\"name\":null}\n".into(), "Line 2"),
        ("name_too_long", "a name of 3,001 bytes", long, "Line 2"),
        (
            "class_other",
            "a class that nobody defined",
            "{\"event\":\"series.opened\",\"name\":\"a\",\"class\":\"other\"}\n".into(),
            "Line 2",
        ),
        (
            "moved_nowhere",
            "a move that says no place",
            "{\"event\":\"keeper.moved\",\"invite\":null}\n".into(),
            "Line 2",
        ),
        (
            "moved_twice",
            "a move with a second place",
            "{\"event\":\"keeper.moved\",\"invite\":\"a\",\"address\":\"b\"}\n".into(),
            "Line 2",
        ),
        (
            "cards_half",
            "half a card",
            "{\"event\":\"recovery.drilled\",\"key\":\"a\",\"cards\":[1.5]}\n".into(),
            "Line 2",
        ),
        (
            "cards_negative",
            "a card below zero",
            "{\"event\":\"recovery.drilled\",\"key\":\"a\",\"cards\":[-1]}\n".into(),
            "Line 2",
        ),
        (
            "labels_text",
            "labels that are one text",
            made("\"labels\":\"a\",\"files\":1,\"bytes\":1,\"left_out\":0"),
            "Line 2",
        ),
        (
            "labels_number",
            "a label that is a number",
            made("\"labels\":[1],\"files\":1,\"bytes\":1,\"left_out\":0"),
            "Line 2",
        ),
        (
            "files_negative",
            "fewer files than none",
            made("\"labels\":[],\"files\":-1,\"bytes\":1,\"left_out\":0"),
            "Line 2",
        ),
        (
            "files_fraction",
            "a number with a point",
            made("\"labels\":[],\"files\":1.0,\"bytes\":1,\"left_out\":0"),
            "Line 2",
        ),
        ("files_text", "a number as text", made("\"labels\":[],\"files\":\"1\",\"bytes\":1,\"left_out\":0"), "Line 2"),
        (
            "bytes_exponent",
            "a number with an exponent",
            made("\"labels\":[],\"files\":1,\"bytes\":1e2,\"left_out\":0"),
            "Line 2",
        ),
        (
            "bytes_zeros",
            "a number with a leading zero",
            made("\"labels\":[],\"files\":1,\"bytes\":01,\"left_out\":0"),
            "Line 2",
        ),
        (
            "left_out_missing",
            "nothing is said of what was left out",
            made("\"labels\":[],\"files\":1,\"bytes\":1"),
            "Line 2",
        ),
        ("consent_level", "a level that there is not", spoilt(consent(), "\"B\"", "\"E\""), "Line 2"),
        (
            "consent_item_text",
            "an item that is a text",
            spoilt(consent(), "\"paths\":[]}", "\"paths\":[]},\"a\""),
            "Line 2",
        ),
        (
            "consent_item_more",
            "a key more in an item",
            spoilt(consent(), "\"paths\":[]", "\"paths\":[],\"a\":1"),
            "Line 2",
        ),
        ("consent_keeps_word", "yes or no as a word", spoilt(consent(), ":false", ":\"no\""), "Line 2"),
        (
            "handed_over_order",
            "a custody entry with its keys in another order",
            "{\"event\":\"opened\",\"space\":\"a\",\"items\":[{\"record\":\"a\",\"deposit\":\"a\",\"commit\":\"a\"}]}\n".into(),
            "Line 2",
        ),
        (
            "opened_items_many",
            "more items than a consent has",
            format!("{}\n", Event::Opened { space: space(), items: vec![custody().remove(0); 257] }.to_value()),
            "Line 2",
        ),
        (
            "answer_unsigned",
            "an answer without a signature",
            "{\"event\":\"accepted\",\"space\":\"a\",\"items\":[],\"reference\":\"\",\"reason\":\"\",\"key\":\"a\"}\n"
                .into(),
            "Line 2",
        ),
        (
            "paper_staff_three",
            "three who attest",
            spoilt(Event::PaperAttested(handover::paper()), "\"staff\":[", "\"staff\":[\"a\","),
            "Line 2",
        ),
        (
            "sides_text",
            "a side that is one text",
            "{\"event\":\"sides.compared\",\"case\":\"a\",\"asks\":\"b\",\"against\":[]}\n".into(),
            "Line 2",
        ),
        ("sides_many", "more names on a side than are compared", many_sides, "Line 2"),
        (
            "certificate_without_signature",
            "a certificate without a signature",
            format!(
                "{{\"event\":\"key.certified\",\"key\":\"{0}\",\"session\":\"{0}\",\"identity\":\"{0}\",\"recipient\":\"a\"}}\n",
                key(&person(1)).to_base64()
            ),
            "Line 2",
        ),
    ];
    let head = "{\"hizo\":\"body/v1\"}\n";
    let cases =
        cases.into_iter().chain(case_lines().into_iter().map(|(name, about, line)| (name, about, line, "Line 2")));
    let mut all: Vec<Refused> =
        cases.map(|(name, about, lines, rule)| (name, about, format!("{head}{lines}").into_bytes(), rule)).collect();
    let raw = [head.as_bytes(), b"{\"event\":\"a.b\",\"c\":\"\xff\"}\n"].concat();
    all.push(("not_utf8", "a byte that is no UTF-8", raw, "Line 2"));
    all
}

/// Certificates in their one form that say something untrue, and some that are none.
fn certificates() -> Vec<Refused> {
    let (one, two, three) = (person(1), person(2), person(3));
    let honest = || certified(&two);
    let own = |person: &IdentityFile| (key(person), Some(session(person)));
    let recipient = |person: &IdentityFile| person.identity.recipient().clone();
    let cases: Vec<(&str, &str, Vec<UnverifiedCertificate>, &str)> = vec![
        (
            "certificate_other_space",
            "the identity signed the key for another space",
            vec![written(&two, &SpaceId::from_bytes([2; 16]), own(&two), Some(&recipient(&two)))],
            "Signature",
        ),
        (
            "certificate_other_key",
            "the identity signed another key",
            vec![UnverifiedCertificate { key: key(&one).to_base64(), session: session(&one).to_base64(), ..honest() }],
            "Signature",
        ),
        (
            "certificate_other_identity",
            "another identity is named than the one that signed",
            vec![UnverifiedCertificate { identity: certified(&three).identity, ..honest() }],
            "Signature",
        ),
        (
            "certificate_other_session",
            "another session key is named than the one that was signed, and that the record has",
            vec![UnverifiedCertificate {
                session: session(&two).to_base64(),
                ..written(&two, &SPACE, (key(&two), Some(session(&three))), Some(&recipient(&two)))
            }],
            "Signature",
        ),
        (
            "certificate_without_recipient",
            "the recipient that was signed is left out",
            vec![UnverifiedCertificate { recipient: "-".into(), ..honest() }],
            "Signature",
        ),
        (
            "certificate_session_of_carrier",
            "the record has another session key for this key",
            vec![written(&two, &SPACE, (key(&two), Some(session(&three))), Some(&recipient(&two)))],
            "Session",
        ),
        (
            "certificate_session_unsaid",
            "no session key is certified, and the record has one",
            vec![written(&two, &SPACE, (key(&two), None), Some(&recipient(&two)))],
            "Session",
        ),
        (
            "certificate_session_without_line",
            "a session key is certified, and the record has none",
            vec![written(&two, &SPACE, (key(&person(6)), Some(session(&person(6)))), None)],
            "Session",
        ),
        (
            "certificate_session_empty",
            "an empty session key",
            vec![UnverifiedCertificate { session: String::new(), ..honest() }],
            "Form",
        ),
        (
            "certificate_other_recipient",
            "another recipient is named than the one that was signed",
            vec![UnverifiedCertificate { recipient: recipient(&three).to_string(), ..honest() }],
            "Signature",
        ),
        (
            "certificate_signed_by_its_key",
            "the key signed itself, and is no identity",
            vec![{
                let UnverifiedCertificate { key, session, recipient, .. } = honest();
                let text =
                    format!("hizo/join/v1\nspace {SPACE}\nkey {key}\nsession {session}\nrecipient {recipient}\n");
                let signature = two.signing_seed.space_key(&SPACE).sign(text.as_bytes());
                UnverifiedCertificate { signature: BASE64.encode(signature), ..honest() }
            }],
            "Signature",
        ),
        (
            "certificate_signature_flipped",
            "one bit of the signature is wrong",
            vec![with_signature(honest(), |signature| signature[10] ^= 1)],
            "Signature",
        ),
        (
            "certificate_signature_past_order",
            "the signature's number S is past the order of the group",
            vec![with_signature(honest(), |signature| add_order(signature))],
            "Signature",
        ),
        (
            "certificate_not_in_this_record",
            "the record neither signs with this key nor lets it in",
            vec![certified(&three)],
            "Place",
        ),
        (
            "certificate_key_unpadded",
            "a key without the padding of base64",
            vec![UnverifiedCertificate { key: honest().key.replace('=', ""), ..honest() }],
            "Form",
        ),
        (
            "certificate_identity_weak",
            "an identity key of small order, under which one signature fits many texts",
            vec![UnverifiedCertificate { identity: BASE64.encode([&[1_u8][..], &[0; 31]].concat()), ..honest() }],
            "Form",
        ),
        (
            "certificate_recipient_upper_case",
            "a recipient in capital letters",
            vec![UnverifiedCertificate { recipient: honest().recipient.to_uppercase(), ..honest() }],
            "Form",
        ),
        (
            "certificate_recipient_line",
            "a recipient with a line feed behind it",
            vec![UnverifiedCertificate { recipient: format!("{}\n", honest().recipient), ..honest() }],
            "Form",
        ),
        (
            "certificate_signature_short",
            "a signature of 63 bytes",
            vec![with_signature(honest(), |signature| signature.truncate(63))],
            "Form",
        ),
        (
            "certificate_two_identities",
            "two identities claim one key",
            vec![honest(), written(&three, &SPACE, own(&two), Some(&recipient(&two)))],
            "Contradiction",
        ),
        (
            "certificate_two_recipients",
            "one identity gives one key two recipients",
            vec![honest(), written(&two, &SPACE, own(&two), Some(&recipient(&three)))],
            "Contradiction",
        ),
        (
            "certificate_two_keys",
            "one identity claims two keys, neither of them the reader's",
            vec![honest(), written(&two, &SPACE, own(&person(4)), Some(&recipient(&two)))],
            "Contradiction",
        ),
        (
            "certificate_reader_s_key",
            "another identity claims the reader's own key",
            vec![written(&two, &SPACE, own(&one), Some(&recipient(&two)))],
            "NotOurs",
        ),
        (
            "certificate_reader_s_recipient",
            "the reader's own identity with another recipient",
            vec![written(&one, &SPACE, own(&one), Some(&recipient(&two)))],
            "NotOurs",
        ),
        (
            "certificate_reader_s_identity",
            "the reader's own identity with another key",
            vec![written(&one, &SPACE, own(&two), Some(&recipient(&one)))],
            "NotOurs",
        ),
        (
            "certificate_reader_s_machine",
            "the reader's own key as that of a machine",
            vec![written(&one, &SPACE, own(&one), None)],
            "NotOurs",
        ),
        (
            "certificate_two_owners",
            "two identities claim one machine",
            vec![written(&two, &SPACE, own(&person(9)), None), written(&three, &SPACE, own(&person(9)), None)],
            "Contradiction",
        ),
        (
            "certificate_machine_opens",
            "a machine's key becomes one that opens",
            vec![written(&two, &SPACE, own(&two), None), honest()],
            "Contradiction",
        ),
    ];
    let body = |certificates: Vec<UnverifiedCertificate>| {
        event::compose(&certificates.into_iter().map(Event::KeyCertified).collect::<Vec<_>>())
    };
    cases.into_iter().map(|(name, about, certificates, rule)| (name, about, body(certificates), rule)).collect()
}

fn with_signature(honest: UnverifiedCertificate, change: impl FnOnce(&mut Vec<u8>)) -> UnverifiedCertificate {
    let mut signature = BASE64.decode(&honest.signature).unwrap();
    change(&mut signature);
    UnverifiedCertificate { signature: BASE64.encode(signature), ..honest }
}

/// S + L solves the same equation; only its encoding tells.
fn add_order(signature: &mut [u8]) {
    let order = hex::decode("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010").unwrap();
    let mut carry = 0;
    for (byte, add) in signature[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
}

fn refused() -> Vec<Refused> {
    [heads(), lines(), certificates()].concat()
}

/// The reader is person 1; the records are signed by him and let in persons 2 and 4 and machines: 6 starts no sessions.
fn said(about: &str) -> Value {
    let own = Certificate::of(&person(1), &SPACE);
    let keys = [1, 2, 4, 5, 6, 9].map(|seed| {
        let session = (seed != 6).then(|| session(&person(seed)).to_base64());
        json!({ "key": key(&person(seed)).to_base64(), "session": session })
    });
    json!({
        "about": about,
        "space": SPACE.to_string(),
        "keys": keys,
        "reader": {
            "key": own.key.to_base64(), "session": own.session.unwrap().to_base64(),
            "identity": own.identity.to_base64(), "recipient": own.recipient.unwrap().to_string(),
        },
    })
}

fn said_of_accepted(about: &str, events: &[Event]) -> Value {
    let mut said = said(about);
    said["events"] = described(events);
    said
}

fn said_of_refused(about: &str, rule: &str) -> Value {
    let mut said = said(about);
    said["refused"] = rule.into();
    said
}

#[test]
fn the_vectors_are_the_ones_described_here() {
    for (name, about, events) in accepted() {
        assert!(VECTORS.one("accepted", name) == (event::compose(&events), said_of_accepted(about, &events)), "{name}");
    }
    for (name, about, bytes, rule) in refused() {
        assert!(VECTORS.one("refused", name) == (bytes, said_of_refused(about, rule)), "{name}");
    }
}

#[test]
#[ignore = "writes vectors that are missing; a released one is never changed"]
fn missing_vectors_are_written() {
    for (name, about, events) in accepted() {
        VECTORS.put_missing("accepted", name, &event::compose(&events), &said_of_accepted(about, &events));
    }
    for (name, about, bytes, rule) in refused() {
        VECTORS.put_missing("refused", name, &bytes, &said_of_refused(about, rule));
    }
}
