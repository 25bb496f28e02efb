//! The vectors of docs/spec/record.md and docs/spec/space.md: each file is made again from its keys and must be the
//! same to the byte, and each is judged as its index says.
//!
//! `cargo test -p hizo-ledger -- --ignored write_the_vectors` writes them.

use std::collections::BTreeMap;
use std::fmt::{Debug, Write as _};
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer;
use hizo_ledger::id::{ObjectId, RecordId};
use hizo_ledger::record::{Control, Envelope, Origin, Role, UnverifiedRecord};
use hizo_ledger::space::Chain;

use crate::kit::{
    Story, epoch, genesis, key, member, note, object, secret, seed, signature_line, signed, space, text,
    twelve_records, wrap,
};

/// Every key of the vectors, by the name its seed is made from.
const PEOPLE: [&str; 8] = ["owner", "recovery", "machine", "clerk", "partner", "deputy", "stranger", "newcomer"];

#[derive(Clone)]
struct Vector {
    name: &'static str,
    /// One sentence: what it shows, or its one fault.
    says: &'static str,
    bytes: Vec<u8>,
    /// The rule that must refuse it; accepted without.
    rule: Option<&'static str>,
}

/// The folder `vectors/<spec>/v1`.
fn folder(spec: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors").join(spec).join("v1")
}

#[test]
fn record_vectors_are_judged_as_their_index_says() {
    for vector in record_vectors() {
        let judged = UnverifiedRecord::parse(&vector.bytes).map(|read| read.note_bytes().to_vec());
        match vector.rule {
            None => assert_eq!(judged.as_ref(), Ok(&vector.bytes), "{}", vector.name),
            Some(rule) => assert_eq!(judged.err().map(word), Some(rule.to_owned()), "{}", vector.name),
        }
    }
}

#[test]
fn space_vectors_are_judged_as_their_index_says() {
    for vector in space_vectors() {
        let notes = split(&vector.bytes);
        match (Chain::replay(&notes, drop), vector.rule) {
            (Ok(chain), None) => assert_eq!(chain.head().number, notes.len() as u64 - 1, "{}", vector.name),
            (Ok(_), Some(_)) => panic!("{} was accepted", vector.name),
            (Err(refused), rule) => {
                assert_eq!(Some(word(refused.error).as_str()), rule, "{}", vector.name);
                assert_eq!(refused.number, notes.len() as u64 - 1, "{}: the fault is in the last record", vector.name);
            }
        }
    }
}

#[test]
fn stored_vectors_are_the_ones_made_from_the_keys() {
    for (spec, files) in all_files() {
        let mut stored = BTreeMap::new();
        for place in ["", "accepted", "refused"] {
            for entry in fs::read_dir(folder(spec).join(place)).unwrap().map(Result::unwrap) {
                let name = entry.file_name().into_string().unwrap();
                let is_vector = name != "README.md" && name != ".gitattributes";
                if entry.file_type().unwrap().is_file() && is_vector {
                    stored.insert(Path::new(place).join(name), fs::read(entry.path()).unwrap());
                }
            }
        }
        assert_eq!(stored.keys().collect::<Vec<_>>(), files.keys().collect::<Vec<_>>(), "the files of {spec}");
        for (path, bytes) in files {
            assert!(stored[&path] == bytes, "vectors/{spec}/v1/{} differs from what the keys make", path.display());
        }
    }
}

#[test]
fn the_examples_of_the_pages_are_vectors() {
    for (page, example) in [
        ("record.md", "record/v1/accepted/deposit_later.note"),
        ("record.md", "record/v1/accepted/genesis.note"),
        ("record.md", "record/v1/accepted/removal.note"),
        ("space.md", "space/v1/accepted/hand_over.chain"),
    ] {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let page = fs::read_to_string(root.join("docs/spec").join(page)).unwrap();
        let example = fs::read_to_string(root.join("vectors").join(example)).unwrap();
        assert!(page.contains(&format!("```\n{example}```\n")), "an example is not the vector\n{example}");
    }
}

#[test]
fn every_rule_that_a_page_names_has_a_vector_or_needs_none() {
    // Too long for a file; a backstop behind other rules; a collision that nobody has made; a rule of two signatures;
    // a head that somebody kept.
    let without =
        ["NoteTooLong", "NotCanonical", "ControlCount", "MemberCount", "NameTaken", "SignatureOrder", "NotFollowed"];
    let vectors = [record_vectors(), space_vectors()].concat();
    for page in [include_str!("../../../../docs/spec/record.md"), include_str!("../../../../docs/spec/space.md")] {
        let (mut rules, mut words) = (0, page.split('`').skip(1).step_by(2));
        let is_rule = |word: &&str| word.chars().all(char::is_alphanumeric) && word.starts_with(char::is_uppercase);
        let of_library = ["ObjectRef", "VerifiedObject", "Record", "ObjectList"];
        for rule in words.by_ref().filter(is_rule).filter(|word| !of_library.contains(word)) {
            let has_vector = vectors.iter().any(|vector| vector.rule == Some(rule));
            assert!(has_vector != without.contains(&rule), "{rule} has a vector: {has_vector}");
            rules += 1;
        }
        assert!(rules >= 15, "the page names {rules} rules");
    }
}

#[test]
fn names_are_unique_and_refusals_outnumber_acceptances() {
    for vectors in [record_vectors(), space_vectors()] {
        let refused = vectors.iter().filter(|vector| vector.rule.is_some()).count();
        assert!(refused >= 25 && refused * 2 > vectors.len());
        let names: std::collections::BTreeSet<_> = vectors.iter().map(|vector| vector.name).collect();
        let contents: std::collections::BTreeSet<_> = vectors.iter().map(|vector| &vector.bytes).collect();
        assert_eq!((names.len(), contents.len()), (vectors.len(), vectors.len()));
    }
}

#[test]
#[ignore = "writes the files that the other tests compare"]
fn write_the_vectors() {
    for (spec, files) in all_files() {
        for place in ["accepted", "refused"] {
            let place = folder(spec).join(place);
            if place.exists() {
                fs::remove_dir_all(&place).unwrap();
            }
            fs::create_dir_all(place).unwrap();
        }
        for (path, bytes) in files {
            fs::write(folder(spec).join(path), bytes).unwrap();
        }
    }
}

/// The rule's name: the first word of the error as it is written in the code; for a note that is no record, its own.
fn word(error: impl Debug) -> String {
    let text = format!("{error:?}");
    let text = text.strip_prefix("Form(").unwrap_or(&text);
    text.split(|character: char| !character.is_ascii_alphanumeric()).next().unwrap().to_owned()
}

/// Each note of a space's file begins at a line that names the format.
fn split(file: &[u8]) -> Vec<Vec<u8>> {
    let mut notes: Vec<Vec<u8>> = Vec::new();
    for line in file.split_inclusive(|byte| *byte == b'\n') {
        if line == b"hizo/record/v1\n" || notes.is_empty() {
            notes.push(Vec::new());
        }
        notes.last_mut().unwrap().extend(line);
    }
    notes
}

type Files = BTreeMap<PathBuf, Vec<u8>>;

fn all_files() -> [(&'static str, Files); 2] {
    let record = files(record_vectors(), "note", |bytes| {
        let record = UnverifiedRecord::parse(bytes).unwrap();
        format!(", \"id\": \"{}\"", record.id())
    });
    let space = files(space_vectors(), "chain", |bytes| {
        let chain = Chain::replay(split(bytes), drop).unwrap();
        let head = chain.head();
        let mut state = format!(", \"number\": {}, \"id\": \"{}\", \"epoch\": {}", head.number, head.id, chain.epoch());
        write!(state, ", \"keeper\": \"{}\"", chain.keeper()).unwrap();
        let members: Vec<_> =
            chain.members().map(|(key, role)| format!("\"{}\": \"{}\"", key.name(), role.as_str())).collect();
        let series: Vec<_> = chain.series().iter().map(|(series, last)| format!("\"{series}\": {}", last.k)).collect();
        write!(state, ", \"members\": {{{}}}, \"series\": {{{}}}", members.join(", "), series.join(", ")).unwrap();
        state
    });
    [("record", record), ("space", space)]
}

fn files(vectors: Vec<Vector>, ending: &str, facts: impl Fn(&[u8]) -> String) -> Files {
    let mut files = Files::new();
    let mut index = "{\"keys\": [\n".to_owned();
    let keys = PEOPLE.map(|who| {
        let (seed, name) = (hex::encode(seed(who)), key(who).name());
        format!("{{\"who\": \"{who}\", \"seed\": \"{seed}\", \"key\": \"{}\", \"name\": \"{name}\"}}", key(who))
    });
    write!(index, "{}\n],\n\"accepted\": [\n", keys.join(",\n")).unwrap();
    let (mut accepted, mut refused) = (Vec::new(), Vec::new());
    for Vector { name, says, bytes, rule } in vectors {
        let says = says.replace('"', "\\\"");
        let place = match rule {
            None => {
                accepted.push(format!("{{\"name\": \"{name}\", \"says\": \"{says}\"{}}}", facts(&bytes)));
                "accepted"
            }
            Some(rule) => {
                refused.push(format!("{{\"name\": \"{name}\", \"fault\": \"{says}\", \"rule\": \"{rule}\"}}"));
                "refused"
            }
        };
        files.insert(Path::new(place).join(format!("{name}.{ending}")), bytes);
    }
    write!(index, "{}\n],\n\"refused\": [\n{}\n]}}\n", accepted.join(",\n"), refused.join(",\n")).unwrap();
    files.insert(PathBuf::from("index.json"), index.into_bytes());
    files
}

// ---- records ----------------------------------------------------------------------------------------------------

/// Notes that hold, for faults to be put in.
struct Sound {
    story: Story,
    genesis: String,
    body: String,
    deposit: String,
    later: String,
    removal: String,
    grant: String,
    moved: String,
}

impl Sound {
    fn new() -> Self {
        let story = twelve_records();
        let text_of = |number: usize| text(&story.notes[number]);
        Self {
            genesis: text_of(0),
            body: text_of(4),
            deposit: text_of(2),
            later: text_of(3),
            removal: text_of(6),
            grant: text_of(7),
            moved: text_of(11),
            story,
        }
    }
}

/// A text with exactly one place changed.
fn changed(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "{from:?} stands more or less than once in\n{text}");
    text.replacen(from, to, 1)
}

/// The whole line that begins with this word, with its line feed. A control line `epoch` is told by its hash.
fn line<'a>(text: &'a str, begins: &str) -> &'a str {
    let mut found = text.split_inclusive('\n').filter(|line| line.starts_with(begins));
    let line = found.next().unwrap();
    assert!(found.next().is_none(), "more than one line begins with {begins:?}");
    line
}

fn without(text: &str, begins: &str) -> String {
    changed(text, line(text, begins), "")
}

fn swapped(text: &str, first: &str, second: &str) -> String {
    let (first, second) = (line(text, first), line(text, second));
    let both = format!("{first}{second}");
    changed(text, &both, &format!("{second}{first}"))
}

fn record_vectors() -> Vec<Vector> {
    let sound = Sound::new();
    let mut vectors = accepted_records(&sound);
    let mut refuse = |rule, name, says, bytes: Vec<u8>| {
        vectors.push(Vector { name, says, bytes, rule: Some(rule) });
    };
    for (rule, name, says, text) in refused_texts(&sound) {
        // Signed anew, so that the text is its one fault.
        refuse(rule, name, says, note(&text, &["owner"]).into_bytes());
    }
    for (rule, name, says, bytes) in refused_frames(&sound) {
        refuse(rule, name, says, bytes);
    }
    vectors
}

fn accepted_records(sound: &Sound) -> Vec<Vector> {
    let numbered: [(&str, &str, usize); 9] = [
        ("genesis", "record 0: founder, slot, recovery key, epoch 0 and its wrap", 0),
        ("members_added", "two members come; their lines rise by key", 1),
        ("deposit_first", "deposit 1 of a series, signed by a write-only machine", 2),
        ("deposit_later", "deposit 2 names the record of deposit 1", 3),
        ("body_only", "a reader says something", 4),
        ("removal", "a member leaves, and a new epoch begins in the same record", 6),
        ("grant", "a member comes and is given the secrets of both epochs", 7),
        ("recovery_ends", "an admin gives up the recovery key", 10),
        ("move", "the space moves to another keeper", 11),
    ];
    let mut vectors: Vec<_> = numbered
        .map(|(name, says, number)| Vector { name, says, bytes: note_bytes(&sound.story, number), rule: None })
        .into();
    let mut accept = |name, says, text: &str, signers: &[&str]| {
        vectors.push(Vector { name, says, bytes: note(text, signers).into_bytes(), rule: None });
    };
    let deputies = signed(&genesis(&[Control::Recovery(None), member("deputy", Role::Admin)]), "owner");
    let deputies = String::from_utf8(deputies.note_bytes().to_vec()).unwrap();
    accept("genesis_of_two", "record 0 with a second admin, without recovery key", &text(&deputies), &["owner"]);
    accept("seen_nothing", "the signer has verified no checkpoint yet", &seen(&sound.body, "0 -"), &["clerk"]);
    let largest = changed(&sound.body, "number 4\n", &format!("number {}\n", u64::MAX));
    accept("largest_number", "2^64 - 1 is a number", &largest, &["clerk"]);
    accept("leap_day", "29 February of a leap year", &time(&sound.body, "2028-02-29T23:59:59Z"), &["clerk"]);
    accept("eight_signatures", "the most signatures that the form allows", &sound.moved, &PEOPLE);
    let both = changed(&sound.deposit, "body -\n", &format!("body {} 1048576\n", object("largest body")));
    accept("deposit_with_body", "a deposit may carry a body, here the largest", &both, &["machine"]);
    vectors
}

fn note_bytes(story: &Story, number: usize) -> Vec<u8> {
    story.notes[number].clone().into_bytes()
}

fn seen(text: &str, values: &str) -> String {
    changed(text, line(text, "seen "), &format!("seen {values}\n"))
}

fn time(text: &str, value: &str) -> String {
    changed(text, line(text, "time "), &format!("time {value}\n"))
}

type Refused<T> = (&'static str, &'static str, &'static str, T);

fn refused_texts(sound: &Sound) -> Vec<Refused<String>> {
    let mut all = refused_lines(sound);
    all.extend(refused_values(sound));
    all.extend(refused_deposits(sound));
    all.extend(refused_controls(sound));
    all
}

/// Lines that are missing, foreign or in another order.
fn refused_lines(sound: &Sound) -> Vec<Refused<String>> {
    let Sound { genesis, body, deposit, removal, .. } = sound;
    let foreign = |text: &str, before: &str, line: &str| changed(text, before, &format!("{line}{before}"));
    let series = line(deposit, "series ");
    let tail = |text: &str, line: &str| format!("{text}{line}");
    vec![
        ("NotText", "carriage_return", "the first line ends with CR LF", changed(body, "v1\n", "v1\r\n")),
        ("NotText", "tab", "a tab where a space must stand", changed(body, "number 4", "number\t4")),
        ("NotText", "nul", "a zero byte at the end of the last line", format!("{}\0\n", body.trim_end())),
        ("UnknownVersion", "version_2", "a format that does not exist yet", changed(body, "/v1\n", "/v2\n")),
        ("UnknownVersion", "byte_order_mark", "a byte order mark before the text", format!("\u{feff}{body}")),
        ("UnknownVersion", "session_note", "another kind of note", changed(body, "hizo/record/v1", "hizo/session/v1")),
        ("Wanted", "keeper_missing", "no keeper line", without(body, "keeper ")),
        ("Wanted", "seen_missing", "no seen line", without(body, "seen ")),
        ("Wanted", "body_missing", "no body line", without(genesis, "body ")),
        ("Wanted", "header_swapped", "space before keeper", swapped(body, "keeper ", "space ")),
        ("Wanted", "header_doubled", "the number stands twice", foreign(body, "prev ", "number 4\n")),
        ("Wanted", "header_foreign", "an unknown line in the header", foreign(body, "prev ", "note hello\n")),
        ("Wanted", "header_capital", "a first word in capitals", changed(body, "\nnumber ", "\nNumber ")),
        ("Wanted", "commit_missing", "a deposit without commitment", without(deposit, "commit ")),
        ("Wanted", "objects_missing", "a deposit without objects", without(deposit, "objects ")),
        ("UnknownLine", "line_unknown", "an unknown line at the end", tail(body, "comment hello\n")),
        ("UnknownLine", "line_without_value", "a control line without value", tail(body, "recovery\n")),
        ("UnknownLine", "commit_first", "commit before series", swapped(deposit, "series ", "commit ")),
        ("UnknownLine", "series_last", "series after a control line", tail(&tail(body, "recovery -\n"), series)),
        ("UnknownLine", "series_twice", "a deposit in two series", tail(deposit, series)),
        ("Values", "two_spaces", "two spaces between word and value", changed(body, "number 4", "number  4")),
        ("Values", "space_at_end", "a space at the end of a line", changed(body, "number 4\n", "number 4 \n")),
        ("Values", "value_missing", "a root without size", seen(body, &"0".repeat(64))),
        ("Values", "value_too_many", "three values in `seen`", seen(body, "0 - -")),
        ("ControlOrder", "member_before_remove", "control lines in another order", {
            let removed = line(removal, "remove ");
            changed(removal, removed, &format!("member {} reader\n{removed}", key("newcomer")))
        }),
        ("ControlOrder", "wrap_before_epoch", "a wrap before its epoch", {
            let wrap = line(removal, "wrap ");
            changed(&without(removal, "wrap "), "remove ", &format!("{wrap}remove "))
        }),
        ("ControlOrder", "wrap_twice", "one wrap named twice", tail(removal, line(removal, "wrap "))),
        ("ControlOrder", "founder_twice", "two founders", {
            foreign(genesis, "slot ", &format!("founder {}\n", key("stranger")))
        }),
        ("ControlOrder", "members_falling", "member lines fall by key", {
            let mut two = ["clerk", "machine"].map(key);
            two.sort();
            let lines: String = two.iter().rev().map(|key| format!("member {key} reader\n")).collect();
            tail(body, &lines)
        }),
        ("ControlOrder", "member_twice", "one key comes in two roles", {
            tail(body, &format!("member {0} reader\nmember {0} writer\n", key("clerk")))
        }),
    ]
}

/// Values of another form.
fn refused_values(sound: &Sound) -> Vec<Refused<String>> {
    let Sound { genesis, body, deposit, removal, .. } = sound;
    let number = |value: &str| changed(body, "number 4\n", &format!("number {value}\n"));
    let space = line(body, "space ").trim_end();
    let founder = key("owner").to_base64();
    let founder_is = |text: &str| changed(genesis, &founder, text);
    let unpadded = founder.trim_end_matches('=');
    let keeper = line(body, "keeper ").trim_end();
    let keeper_is = |origin: &str| changed(body, keeper, &format!("keeper {origin}"));
    let small_order = STANDARD.encode([[0xec].as_slice(), &[0xff; 30], &[0x7f]].concat());
    let not_reduced = STANDARD.encode([[0xf0].as_slice(), &[0xff; 30], &[0x7f]].concat());
    let role = |role: &str| format!("{body}member {} {role}\n", key("newcomer"));
    vec![
        ("Integer", "number_leading_zero", "a leading zero", number("04")),
        ("Integer", "number_signed", "a plus sign", number("+4")),
        ("Integer", "number_empty", "no digits", number("")),
        ("Integer", "number_hexadecimal", "other digits than decimal ones", number("0x4")),
        ("Integer", "number_wide_digit", "a digit that is not ASCII", number("\u{ff14}")),
        ("Integer", "number_too_large", "2^64", number("18446744073709551616")),
        ("Integer", "epoch_too_large", "2^32", changed(body, "epoch 0\n", "epoch 4294967296\n")),
        (
            "Hash",
            "hash_capitals",
            "capitals in a hash",
            changed(body, space, &space.to_uppercase().replace("SPACE", "space")),
        ),
        ("Hash", "hash_short", "31 digits in a space id", changed(body, space, &space[..space.len() - 1])),
        ("Hash", "hash_long", "33 digits in a space id", changed(body, space, &format!("{space}0"))),
        ("Hash", "body_none_with_size", "no body, but a size", changed(genesis, line(genesis, "body "), "body - 7\n")),
        ("Key", "key_unpadded", "a key without its padding", founder_is(unpadded)),
        ("Key", "key_spare_bits", "spare bits of the last character set", founder_is(&spare_bits(&founder))),
        ("Key", "key_url_alphabet", "the other base64 alphabet", founder_is(&format!("{}_=", &founder[..42]))),
        ("Key", "key_short", "31 bytes", founder_is(&STANDARD.encode([7; 31]))),
        ("Key", "key_small_order", "a key of order 2", founder_is(&small_order)),
        ("Key", "key_not_reduced", "a second spelling of a key", founder_is(&not_reduced)),
        ("Key", "key_no_point", "no point of the curve", founder_is(&STANDARD.encode(no_point()))),
        ("Time", "time_offset", "an offset instead of Z", time(body, "2027-05-03T13:12:44+00:00")),
        ("Time", "time_fraction", "a fraction of a second", time(body, "2027-05-03T13:12:44.0Z")),
        ("Time", "time_small_letters", "t and z", time(body, "2027-05-03t13:12:44z")),
        ("Time", "time_leap_second", "second 60", time(body, "2016-12-31T23:59:60Z")),
        ("Time", "time_no_such_day", "29 February of 2027", time(body, "2027-02-29T13:12:44Z")),
        ("Time", "time_before_1970", "31 December 1969", time(body, "1969-12-31T23:59:59Z")),
        ("Origin", "origin_capitals", "capitals in the origin", keeper_is("Keeper.example.org")),
        ("Origin", "origin_scheme", "a scheme before the origin", keeper_is("https://keeper.example.org")),
        ("Origin", "origin_slash_at_end", "a slash at the end", keeper_is("keeper.example.org/")),
        ("Origin", "origin_dots", "two dots", keeper_is("keeper.example.org/../other")),
        ("Origin", "origin_too_long", "256 characters", keeper_is(&"k".repeat(256))),
        ("Role", "role_unknown", "a role that does not exist", role("owner")),
        ("Role", "role_order", "the combined role in the other order", role("writer+reader")),
        ("Seen", "seen_root_without_size", "size 0 with a root", seen(body, &format!("0 {}", "a".repeat(64)))),
        ("Seen", "seen_size_without_root", "a size without root", seen(body, "44 -")),
        ("BodySize", "body_empty", "a body of no bytes", changed(body, " 1096\n", " 0\n")),
        ("BodySize", "body_too_large", "a body of 1 MiB and a byte", changed(body, " 1096\n", " 1048577\n")),
        ("Prev", "prev_missing", "a later record without previous one", {
            changed(body, line(body, "prev "), "prev -\n")
        }),
        ("Prev", "prev_of_genesis", "record 0 with a previous one", {
            changed(genesis, "prev -\n", &format!("prev {}\n", RecordId::of(b"before")))
        }),
        ("NothingSaid", "nothing_said", "no body, no deposit, no control line", {
            changed(body, line(body, "body "), "body -\n")
        }),
        ("DepositWithControls", "deposit_with_control", "a deposit that also ends the recovery key", {
            format!("{deposit}recovery -\n")
        }),
        ("DepositWithControls", "deposit_with_epoch", "a deposit that also begins an epoch", {
            let controls: String = removal.split_inclusive('\n').skip(9).collect();
            format!("{deposit}{controls}")
        }),
    ]
}

/// Deposits whose numbers do not fit together.
fn refused_deposits(sound: &Sound) -> Vec<Refused<String>> {
    let Sound { deposit, later, .. } = sound;
    let prev = line(later, "series ").trim_end().rsplit_once(' ').unwrap().1;
    let objects = line(deposit, "objects ");
    let list = objects.rsplit_once(' ').unwrap().1;
    let totals = |values: &str| changed(deposit, objects, &format!("objects {values} {list}"));
    vec![
        ("DepositPrev", "deposit_0", "deposits are counted from 1", changed(deposit, " 1 -\n", " 0 -\n")),
        ("DepositPrev", "deposit_1_with_prev", "a first deposit with a previous one", {
            changed(deposit, " 1 -\n", &format!(" 1 {prev}\n"))
        }),
        ("DepositPrev", "deposit_2_without_prev", "a second deposit without a previous one", {
            changed(later, &format!(" 2 {prev}\n"), " 2 -\n")
        }),
        ("ObjectTotals", "objects_none", "an object list without lines", totals("0 0")),
        ("ObjectTotals", "objects_too_many", "65,537 objects", totals("65537 33558000")),
        ("ObjectTotals", "objects_empty", "three objects of two bytes together", totals("3 2")),
        ("ObjectTotals", "objects_too_large", "three objects of 48 MiB and a byte together", totals("3 50331649")),
    ]
}

/// Control lines that do not fit together.
fn refused_controls(sound: &Sound) -> Vec<Refused<String>> {
    let Sound { genesis, body, removal, grant, moved, .. } = sound;
    let recipient = object("recipient 0");
    let begins = format!("epoch 0 {recipient}\n");
    let (founder, machine) = (key("owner"), key("machine"));
    let member = |text: &str, key| changed(text, "epoch 0 ", &format!("member {key} reader\nepoch 0 "));
    let slot = line(genesis, "slot ");
    vec![
        ("GenesisIncomplete", "genesis_without_founder", "nobody founds the space", without(genesis, "founder ")),
        ("GenesisIncomplete", "genesis_without_slot", "no slot key", without(genesis, "slot ")),
        ("GenesisIncomplete", "genesis_without_recovery", "recovery is not decided", without(genesis, "recovery ")),
        ("GenesisIncomplete", "genesis_without_epoch", "no epoch, only a wrap", changed(genesis, &begins, "")),
        ("GenesisIncomplete", "genesis_epoch_1", "the first epoch is not 0", {
            genesis.replace("epoch 0", "epoch 1").replace("wrap 0", "wrap 1")
        }),
        ("GenesisOnly", "genesis_moves", "record 0 names the next keeper", format!("{genesis}origin other.example\n")),
        ("GenesisOnly", "genesis_removes", "record 0 removes a member", {
            changed(genesis, &begins, &format!("remove {founder}\n{begins}"))
        }),
        ("GenesisOnly", "founder_later", "a founder after record 0", format!("{body}founder {machine}\n")),
        ("GenesisOnly", "slot_later", "a slot key after record 0", format!("{body}{slot}")),
        ("EpochOfRecord", "epoch_of_record_old", "begins epoch 1 but is of epoch 0", {
            changed(removal, "epoch 1\ntime", "epoch 0\ntime").replace("wrap 1", "wrap 0")
        }),
        ("EpochOfRecord", "epoch_of_record_later", "begins epoch 1 but is of epoch 2", {
            changed(removal, "epoch 1\ntime", "epoch 2\ntime").replace("wrap 1", "wrap 2")
        }),
        ("EpochWithoutWrap", "epoch_without_wrap", "nobody can open the new epoch", without(removal, "wrap ")),
        ("EpochWithoutWrap", "epoch_with_older_wrap", "only an earlier epoch is wrapped", {
            changed(removal, "wrap 1", "wrap 0")
        }),
        ("RemoveWithoutEpoch", "remove_without_epoch", "the removed member keeps the epoch", {
            changed(removal, line(removal, "epoch 1 "), "")
        }),
        ("WrapAhead", "wrap_ahead", "a wrap of an epoch to come", changed(grant, "wrap 1", "wrap 2")),
        ("WrapSize", "wrap_empty", "a wrap of no bytes", changed(removal, " 3300\n", " 0\n")),
        ("WrapSize", "wrap_too_large", "a wrap of 4 MiB and a byte", changed(removal, " 3300\n", " 4194305\n")),
        ("KeyTwice", "founder_recovers", "the founder's key is the recovery key", {
            changed(genesis, line(genesis, "recovery "), &format!("recovery {founder}\n"))
        }),
        ("KeyTwice", "founder_is_member", "the founder is named again", member(genesis, founder)),
        ("KeyTwice", "recovery_is_member", "the recovery key comes as a member", member(genesis, key("recovery"))),
        ("OriginSame", "move_nowhere", "a move to the same keeper", {
            let keeper = line(moved, "keeper ").trim_start_matches("keeper ").to_owned();
            changed(moved, line(moved, "origin "), &format!("origin {keeper}"))
        }),
    ]
}

/// The same bytes with the two spare bits of the last character set.
fn spare_bits(key: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let last = ALPHABET.iter().position(|character| *character == key.as_bytes()[42]).unwrap();
    format!("{}{}=", &key[..42], char::from(ALPHABET[last | 3]))
}

/// 32 bytes that are no point: the first of their kind.
fn no_point() -> [u8; 32] {
    let is_point = |bytes: &[u8; 32]| ed25519_dalek::VerifyingKey::from_bytes(bytes).is_ok();
    (2..=u8::MAX).map(|low| [[low].as_slice(), &[0; 31]].concat().try_into().unwrap()).find(|it| !is_point(it)).unwrap()
}

/// Notes whose text holds, in a frame that does not.
fn refused_frames(sound: &Sound) -> Vec<Refused<Vec<u8>>> {
    let text = &sound.moved;
    let whole = note(text, &["owner"]);
    let signature = secret("owner").sign(text.as_bytes()).to_bytes();
    let line = signature_line(&key("owner"), &signature);
    let framed = |lines: &str| format!("{text}\n{lines}").into_bytes();
    let (mark, blob) = line.trim_end().rsplit_once(' ').unwrap();
    let name = key("owner").name().to_string();
    let nine = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];
    let mut spare = blob.as_bytes().to_vec();
    // 68 bytes end in one padding character, behind two spare bits.
    spare[90] = spare_bits(&format!("{}{}=", "A".repeat(42), char::from(spare[90]))).as_bytes()[42];
    let spare = String::from_utf8(spare).unwrap();
    vec![
        ("NotText", "not_utf8", "a byte that is not UTF-8", [whole.as_bytes(), &[0xff]].concat()),
        ("Frame", "empty", "no bytes at all", Vec::new()),
        ("Frame", "text_only", "the text alone", text.clone().into_bytes()),
        ("Frame", "no_empty_line", "no empty line before the signature", format!("{text}{line}").into_bytes()),
        ("Frame", "last_line_open", "the last line does not end", whole.trim_end().as_bytes().to_vec()),
        ("SignatureCount", "no_signature", "no signature", framed("")),
        ("SignatureCount", "signature_doubled", "one signature twice", framed(&line.repeat(2))),
        ("SignatureCount", "nine_signatures", "nine signatures", note(text, &nine).into_bytes()),
        ("SignatureLine", "signature_hyphen", "a hyphen for the dash", framed(&line.replace('—', "-"))),
        ("SignatureLine", "signature_two_spaces", "two spaces before the name", framed(&line.replace("— ", "—  "))),
        (
            "SignatureLine",
            "signature_name_capitals",
            "a name in capitals",
            framed(&line.replace(&name, &name.to_uppercase())),
        ),
        (
            "SignatureLine",
            "signature_name_of_keeper",
            "a name that is no key name",
            framed(&line.replace(&name, "keeper.example")),
        ),
        ("SignatureLine", "signature_short", "63 bytes", framed(&signature_line(&key("owner"), &signature[..63]))),
        (
            "SignatureLine",
            "signature_long",
            "65 bytes",
            framed(&signature_line(&key("owner"), &[&signature[..], b"!"].concat())),
        ),
        (
            "SignatureLine",
            "signature_spare_bits",
            "spare bits of the last character set",
            framed(&format!("{mark} {spare}\n")),
        ),
        ("SignatureLine", "signature_unpadded", "no padding", framed(&line.replace('=', ""))),
        ("SignatureLine", "signature_third_value", "a third value on the line", framed(&line.replace('\n', " 1\n"))),
        ("SignatureLine", "empty_line_at_end", "an empty line at the end", format!("{whole}\n").into_bytes()),
        (
            "SignatureLine",
            "text_after_signature",
            "a line of text after the signature",
            format!("{whole}recovery -\n").into_bytes(),
        ),
        ("SignatureLine", "two_notes", "two notes in one", whole.repeat(2).into_bytes()),
    ]
}

// ---- spaces -----------------------------------------------------------------------------------------------------

fn space_vectors() -> Vec<Vector> {
    let mut vectors: Vec<_> = accepted_spaces()
        .into_iter()
        .map(|(name, says, story)| Vector { name, says, bytes: story.notes.concat().into_bytes(), rule: None })
        .collect();
    let mut refused = refused_places();
    refused.extend(refused_signers());
    refused.extend(refused_roles());
    refused.extend(refused_epochs());
    refused.extend(refused_members());
    refused.extend(refused_series());
    for (rule, name, says, notes) in refused {
        vectors.push(Vector { name, says, bytes: notes.concat().into_bytes(), rule: Some(rule) });
    }
    vectors
}

fn accepted_spaces() -> Vec<(&'static str, &'static str, Story)> {
    let begun = || Story::begin(&[]);
    vec![
        ("genesis_only", "a space of one record", begun()),
        ("twelve_records", "members come, deposit, leave; grants, a move", twelve_records()),
        ("hand_over", "founded with receiver and second admin, then the founder leaves", {
            let receiver = member("partner", Role::ReaderWriter);
            let mut story = Story::begin(&[member("deputy", Role::Admin), receiver, Control::Recovery(None)]);
            story.add(&story.deposit("items"), "owner");
            story.add(&story.removal("owner"), "owner");
            story.add(&story.deposit("answer"), "partner");
            story
        }),
        ("role_changed", "a reader leaves and comes back as writer in one record", {
            let mut story = begun();
            story.add(&story.control(&[member("clerk", Role::Reader)]), "owner");
            let mut change = story.removal("clerk");
            change.controls.push(member("clerk", Role::Writer));
            change.sort_controls();
            story.add(&change, "owner");
            story.add(&story.deposit("papers"), "clerk");
            story
        }),
        ("member_returns", "a removed key is added again later", {
            let mut story = begun();
            story.add(&story.control(&[member("clerk", Role::Reader)]), "owner");
            story.add(&story.removal("clerk"), "owner");
            story.add(&story.control(&[member("clerk", Role::Reader)]), "owner");
            story.add(&story.say(), "clerk");
            story
        }),
        ("recovery_replaced", "the old recovery key may then be a member's", {
            let mut story = begun();
            story.add(&story.control(&[Control::Recovery(Some(key("newcomer")))]), "owner");
            story.add(&story.control(&[member("recovery", Role::Reader)]), "owner");
            story
        }),
        ("move_and_on", "after a move, records are for the new keeper", {
            let mut story = begun();
            story.add(&story.control(&[moves()]), "owner");
            story.add(&story.deposit("drawings"), "owner");
            story
        }),
        ("old_epoch_granted", "a wrap of an earlier epoch, long after it ended", {
            let mut story = begun();
            for number in 1..=3 {
                story.add(&story.control(&epoch(number)), "owner");
            }
            story.add(&story.control(&[wrap(1, "wrap 1 for a newcomer")]), "owner");
            story
        }),
    ]
}

fn moves() -> Control {
    Control::Origin(Origin::parse("keeper.example.org/two").unwrap())
}

/// The notes of a story and one more record, by one signer, that need not stand.
fn and(story: &Story, envelope: &Envelope, who: &str) -> Vec<String> {
    let last = String::from_utf8(signed(envelope, who).note_bytes().to_vec()).unwrap();
    [story.notes.clone(), vec![last]].concat()
}

/// A space of four records with every role in it.
fn everybody() -> Story {
    let mut story = Story::begin(&[]);
    let people = [
        member("clerk", Role::Reader),
        member("machine", Role::Writer),
        member("partner", Role::ReaderWriter),
        member("deputy", Role::Admin),
    ];
    let mut people = story.control(&people);
    people.sort_controls();
    story.add(&people, "owner");
    story.add(&story.deposit("drawings"), "machine");
    story.add(&story.deposit("drawings"), "machine");
    story
}

fn refused_places() -> Vec<Refused<Vec<String>>> {
    let story = everybody();
    let notes = &story.notes;
    let pick = |places: &[usize]| places.iter().map(|place| notes[*place].clone()).collect::<Vec<_>>();
    let (mut prev, mut other_space, mut other_keeper) = (story.say(), story.say(), story.say());
    prev.prev = Some(RecordId::of(notes[2].as_bytes()));
    other_space.space = space("another space");
    other_keeper.keeper = Origin::parse("keeper.example.org").unwrap();
    let mut moved = story.clone();
    moved.add(&moved.control(&[moves()]), "owner");
    let mut to_old = moved.say();
    to_old.keeper = story.chain.keeper().clone();
    let mut other_history = story.clone();
    other_history.add(&other_history.say(), "owner");
    let mut fork = story.clone();
    fork.add(&fork.deposit("drawings"), "machine");
    vec![
        ("NotGenesis", "begins_later", "the first record is record 1", pick(&[1])),
        ("Number", "record_missing", "record 2 is left out", pick(&[0, 1, 3])),
        ("Number", "record_doubled", "record 1 stands twice", pick(&[0, 1, 1])),
        ("Number", "records_swapped", "record 2 before record 1", pick(&[0, 2])),
        ("Number", "genesis_twice", "record 0 stands twice", pick(&[0, 0])),
        ("Prev", "prev_skips", "follows record 2 instead of record 3", and(&story, &prev, "owner")),
        ("Prev", "forked", "follows another record 4", and(&fork, &other_history.say(), "owner")),
        ("Space", "other_space", "a record of another space", and(&story, &other_space, "owner")),
        ("Keeper", "other_keeper", "a record for another keeper", and(&story, &other_keeper, "owner")),
        ("Keeper", "keeper_left", "a record for the keeper that the space left", and(&moved, &to_old, "owner")),
        ("NotText", "not_a_record", "the last note ends its lines with CR LF", {
            let last = text(&and(&story, &story.say(), "owner")[4]).replace("\nnumber", "\r\nnumber");
            [notes.clone(), vec![note(&last, &["owner"])]].concat()
        }),
    ]
}

fn refused_signers() -> Vec<Refused<Vec<String>>> {
    let story = everybody();
    let say = story.say().text().unwrap();
    let last = |note: String| [story.notes.clone(), vec![note]].concat();
    let raw = |text: &str, line: String| last(format!("{text}\n{line}"));
    let sign = |who: &str, text: &str| secret(who).sign(text.as_bytes()).to_bytes();
    let mut past_order = sign("owner", &say);
    add_group_order(&mut past_order);
    let right = signature_line(&key("owner"), &sign("owner", &say));
    let blob = right.trim_end().rsplit_once(' ').unwrap().1;
    let mut other_id = STANDARD.decode(blob).unwrap();
    other_id[0] ^= 1;
    let other_id = right.replace(blob, &STANDARD.encode(other_id));
    let mut left = story.clone();
    left.add(&left.removal("deputy"), "owner");
    let genesis_text = genesis(&[]).text().unwrap();
    vec![
        ("SignerNotMember", "genesis_by_another", "record 0 is not signed by its founder", {
            vec![note(&genesis_text, &["stranger"])]
        }),
        ("SignerNotMember", "genesis_by_member", "record 0 is signed by a member that it adds", {
            vec![note(&genesis(&[member("deputy", Role::Admin)]).text().unwrap(), &["deputy"])]
        }),
        ("Signature", "genesis_changed", "the founder signed another slot key", {
            let signature = sign("owner", &genesis_text);
            let changed = changed(&genesis_text, line(&genesis_text, "slot "), &format!("slot {}\n", "7".repeat(64)));
            vec![format!("{changed}\n{}", signature_line(&key("owner"), &signature))]
        }),
        ("SignerNotMember", "signed_by_stranger", "a key that never was a member", last(note(&say, &["stranger"]))),
        ("SignerNotMember", "signed_by_recovery", "the recovery key is no member", last(note(&say, &["recovery"]))),
        ("SignerNotMember", "signed_after_removal", "a member after its removal", and(&left, &left.say(), "deputy")),
        ("SignerNotMember", "signed_by_newcomer", "a key that its own record adds", {
            and(&story, &story.control(&[member("newcomer", Role::Admin)]), "newcomer")
        }),
        ("SignatureCount", "two_signatures", "two members sign where one must", last(note(&say, &["owner", "deputy"]))),
        ("SignatureCount", "stranger_also_signs", "a stranger's signature beside the member's", {
            last(note(&say, &["owner", "stranger"]))
        }),
        ("KeyId", "key_id_of_another", "one bit of the key id is another", raw(&say, other_id)),
        ("Signature", "signature_by_another", "a stranger's signature under a member's name", {
            raw(&say, signature_line(&key("owner"), &sign("stranger", &say)))
        }),
        ("Signature", "signature_of_another_text", "a signature of the record before", {
            raw(&say, signature_line(&key("owner"), &sign("owner", &text(&story.notes[3]))))
        }),
        ("Signature", "signature_without_line_feed", "the last line feed is not signed", {
            raw(&say, signature_line(&key("owner"), &sign("owner", say.trim_end())))
        }),
        (
            "Signature",
            "signature_past_order",
            "S is not reduced",
            raw(&say, signature_line(&key("owner"), &past_order)),
        ),
        ("Signature", "signature_zero", "64 zero bytes", raw(&say, signature_line(&key("owner"), &[0; 64]))),
        ("Signature", "role_changed_after_signing", "a reader made admin after the signature", {
            let text = story.control(&[member("newcomer", Role::Reader)]).text().unwrap();
            let line = signature_line(&key("owner"), &sign("owner", &text));
            raw(&text.replace(" reader\n", " admin\n"), line)
        }),
    ]
}

/// S + L in place of S: the same equation holds, but the number is not canonical.
fn add_group_order(signature: &mut [u8; 64]) {
    let order = hex::decode("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010").unwrap();
    let mut carry = 0;
    for (byte, add) in signature[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
}

fn refused_roles() -> Vec<Refused<Vec<String>>> {
    let story = everybody();
    let newcomer = story.control(&[member("newcomer", Role::Reader)]);
    let grant = story.control(&[wrap(0, "wrap 0 again")]);
    let rotation = story.control(&epoch(1));
    let ends_recovery = story.control(&[Control::Recovery(None)]);
    let mut demoted = story.clone();
    let mut change = demoted.removal("deputy");
    change.controls.push(member("deputy", Role::Reader));
    change.sort_controls();
    demoted.add(&change, "owner");
    let deposit = |story: &Story, who| and(story, &story.deposit("drawings"), who);
    vec![
        ("RoleMayNot", "reader_deposits", "a reader deposits", deposit(&story, "clerk")),
        ("RoleMayNot", "reader_adds", "a reader adds a member", and(&story, &newcomer, "clerk")),
        ("RoleMayNot", "reader_rotates", "a reader begins an epoch", and(&story, &rotation, "clerk")),
        ("RoleMayNot", "writer_adds", "a writer adds a member", and(&story, &newcomer, "machine")),
        ("RoleMayNot", "writer_grants", "a writer grants an epoch", and(&story, &grant, "machine")),
        ("RoleMayNot", "writer_removes", "a writer removes an admin", and(&story, &story.removal("owner"), "machine")),
        ("RoleMayNot", "writer_moves", "a writer moves the space", and(&story, &story.control(&[moves()]), "partner")),
        (
            "RoleMayNot",
            "partner_ends_recovery",
            "reader+writer ends the recovery key",
            and(&story, &ends_recovery, "partner"),
        ),
        (
            "RoleMayNot",
            "member_removes_itself",
            "leaving is an admin's act",
            and(&story, &story.removal("clerk"), "clerk"),
        ),
        ("RoleMayNot", "demoted_adds", "an admin of before adds a member", {
            and(&demoted, &demoted.control(&[member("newcomer", Role::Reader)]), "deputy")
        }),
        ("RoleMayNot", "demoted_deposits", "an admin of before deposits as reader", deposit(&demoted, "deputy")),
    ]
}

fn refused_epochs() -> Vec<Refused<Vec<String>>> {
    let mut story = everybody();
    story.add(&story.control(&epoch(1)), "owner");
    let (mut old, mut ahead, mut old_control) =
        (story.deposit("drawings"), story.say(), story.control(&[Control::Recovery(None)]));
    old.epoch = 0;
    ahead.epoch = 2;
    old_control.epoch = 0;
    vec![
        ("Epoch", "epoch_old", "a deposit sealed to the epoch before", and(&story, &old, "machine")),
        ("Epoch", "epoch_ahead", "a body sealed to an epoch to come", and(&story, &ahead, "owner")),
        ("Epoch", "epoch_old_control", "a control record of the epoch before", and(&story, &old_control, "owner")),
        ("Epoch", "epoch_skipped", "epoch 3 follows epoch 1", and(&story, &story.control(&epoch(3)), "owner")),
        ("Epoch", "epoch_repeated", "epoch 1 begins twice", and(&story, &story.control(&epoch(1)), "owner")),
        ("Epoch", "epoch_returns", "epoch 0 begins again", and(&story, &story.control(&epoch(0)), "owner")),
    ]
}

fn refused_members() -> Vec<Refused<Vec<String>>> {
    let story = everybody();
    let mut alone = Story::begin(&[]);
    alone.add(&alone.control(&[member("clerk", Role::Reader)]), "owner");
    let mut demoted = alone.removal("owner");
    demoted.controls.push(member("owner", Role::ReaderWriter));
    demoted.sort_controls();
    let mut left = story.clone();
    left.add(&left.removal("clerk"), "owner");
    let control = |control| story.control(&[control]);
    vec![
        ("MemberTwice", "member_added_twice", "a present member is added", {
            and(&story, &control(member("clerk", Role::Reader)), "owner")
        }),
        ("MemberTwice", "role_changed_in_place", "a new role without leaving first", {
            and(&story, &control(member("clerk", Role::Admin)), "owner")
        }),
        ("MemberTwice", "founder_added", "the founder is added", {
            and(&alone, &alone.control(&[member("owner", Role::Admin)]), "owner")
        }),
        ("RemovedNotMember", "stranger_removed", "a key that never was a member is removed", {
            and(&story, &story.removal("stranger"), "owner")
        }),
        ("RemovedNotMember", "removed_twice", "a removed member is removed again", {
            and(&left, &left.removal("clerk"), "owner")
        }),
        ("NoAdminLeft", "last_admin_leaves", "the only admin leaves", and(&alone, &alone.removal("owner"), "owner")),
        ("NoAdminLeft", "last_admin_demoted", "the only admin takes another role", and(&alone, &demoted, "owner")),
        ("RecoveryIsMember", "recovery_added", "the recovery key comes as a member", {
            and(&story, &control(member("recovery", Role::Reader)), "owner")
        }),
        ("RecoveryIsMember", "member_recovers", "a member's key becomes the recovery key", {
            and(&story, &control(Control::Recovery(Some(key("clerk")))), "owner")
        }),
    ]
}

fn refused_series() -> Vec<Refused<Vec<String>>> {
    let mut story = everybody();
    story.add(&story.deposit("recipes"), "machine");
    let recipes = RecordId::of(story.notes[4].as_bytes());
    let first = RecordId::of(story.notes[2].as_bytes());
    let with = |what: &str, k: u64, prev: Option<RecordId>| {
        let mut envelope = story.deposit(what);
        let deposit = envelope.deposit.as_mut().unwrap();
        (deposit.k, deposit.prev) = (k, prev);
        deposit.objects.list = ObjectId::of(b"another list");
        and(&story, &envelope, "machine")
    };
    let last = story.chain.series()[&crate::kit::series("drawings")].record;
    vec![
        ("DepositNumber", "deposit_skipped", "deposit 4 follows deposit 2", with("drawings", 4, Some(last))),
        ("DepositNumber", "deposit_repeated", "deposit 2 stands twice", with("drawings", 2, Some(first))),
        ("DepositNumber", "deposit_begins_again", "deposit 1 of a series that has two", with("drawings", 1, None)),
        ("DepositNumber", "deposit_begins_later", "a new series begins with deposit 2", with("new", 2, Some(last))),
        ("DepositPrev", "deposit_prev_older", "deposit 3 names deposit 1", with("drawings", 3, Some(first))),
        (
            "DepositPrev",
            "deposit_prev_foreign",
            "names a deposit of another series",
            with("drawings", 3, Some(recipes)),
        ),
    ]
}
