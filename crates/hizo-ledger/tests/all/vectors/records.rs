//! Notes to accept, and notes with one fault each.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer;
use hizo_ledger::id::RecordId;
use hizo_ledger::record::{AdminRule, Control, Role};

use super::{PEOPLE, Refused, Vector, changed, line};
use crate::kit::{
    Story, genesis, key, member, note, object, secret, session, session_key, signature_line, signed, text,
    twelve_records,
};

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

fn without(text: &str, begins: &str) -> String {
    changed(text, line(text, begins), "")
}

fn swapped(text: &str, first: &str, second: &str) -> String {
    let (first, second) = (line(text, first), line(text, second));
    let both = format!("{first}{second}");
    changed(text, &both, &format!("{second}{first}"))
}

pub(super) fn record_vectors() -> Vec<Vector> {
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
    let clerk = [member("clerk", Role::Reader), session("clerk")];
    let founded = signed(&genesis(&[&clerk[..], &[session("owner")]].concat()), "owner");
    let founded = String::from_utf8(founded.note_bytes().to_vec()).unwrap();
    accept("genesis_sessions", "founder and first member name their session keys", &text(&founded), &["owner"]);
    let joins = signed(&sound.story.control(&clerk), "owner");
    let joins = String::from_utf8(joins.note_bytes().to_vec()).unwrap();
    accept("session_of_newcomer", "who comes names a session key", &text(&joins), &["owner"]);
    accept("seen_nothing", "the signer has verified no checkpoint yet", &seen(&sound.body, "0 -"), &["clerk"]);
    let largest = changed(&sound.body, "number 4\n", &format!("number {}\n", u64::MAX));
    accept("largest_number", "2^64 - 1 is a number", &largest, &["clerk"]);
    accept("leap_day", "29 February of a leap year", &time(&sound.body, "2028-02-29T23:59:59Z"), &["clerk"]);
    let rule = sound.story.control(&[Control::Admins(AdminRule::Two)]).text().unwrap();
    let named = sound.story.control(&[Control::Rotator(key("rotator"))]).text().unwrap();
    accept("rotator", "an admin names a key that may begin epochs", &named, &["owner"]);
    let instead = [Control::RotatorEnds(key("stranger")), Control::Rotator(key("rotator"))];
    let instead = sound.story.control(&instead).text().unwrap();
    accept("rotator_ends", "and another one in place of the first", &instead, &["owner"]);
    accept("two_admins", "two admins ask for two signatures from now on", &rule, &["owner", "deputy"]);
    let rule = sound.story.control(&[Control::Admins(AdminRule::One)]).text().unwrap();
    accept("one_admin", "two admins ask for one signature from now on", &rule, &["owner", "deputy"]);
    accept("eight_signatures", "the most signatures that the form allows", &sound.moved, &PEOPLE[..8]);
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
        ("Admins", "admins_none", "changes that nobody signs", format!("{body}admins 0\n")),
        ("Admins", "admins_three", "a rule of three admins", format!("{body}admins 3\n")),
        ("Admins", "admins_leading_zero", "a number with a leading zero", format!("{body}admins 02\n")),
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
        ("GenesisOnly", "genesis_two_admins", "record 0, which one signs, asks for two admins", {
            changed(genesis, &begins, &format!("admins 2\n{begins}"))
        }),
        ("ControlOrder", "admins_twice", "one rule and another", format!("{body}admins 1\nadmins 2\n")),
        ("ControlOrder", "admins_behind_member", "the rule stands behind who comes", {
            format!("{body}member {machine} admin\nadmins 2\n")
        }),
        ("GenesisOnly", "genesis_rotator", "record 0 names a key that begins epochs", {
            changed(genesis, &begins, &format!("rotator {}\n{begins}", key("rotator")))
        }),
        ("ControlOrder", "rotator_twice", "one key is named twice", {
            format!("{body}rotator {0}\nrotator {0}\n", key("rotator"))
        }),
        ("ControlOrder", "rotator_before_it_ends", "one is named before another one ends", {
            format!("{body}rotator {}\nrotator-ends {}\n", key("rotator"), key("stranger"))
        }),
        ("ControlOrder", "rotator_before_member", "a key that begins epochs before who comes", {
            format!("{body}rotator {}\nmember {machine} reader\n", key("rotator"))
        }),
        ("Key", "rotator_with_role", "a key that begins epochs, with a role", {
            format!("{body}rotator {} admin\n", key("rotator"))
        }),
        ("KeyTwice", "rotator_is_member", "who comes begins epochs too", {
            format!("{body}member {machine} reader\nrotator {machine}\n")
        }),
        ("KeyTwice", "rotator_is_session", "a session key begins epochs too", {
            let session = session_key("machine");
            format!("{body}member {machine} reader\nsession {machine} {session}\nrotator {session}\n")
        }),
        ("KeyTwice", "rotator_recovers", "the recovery key begins epochs too", {
            format!("{body}recovery {0}\nrotator {0}\n", key("rotator"))
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
        ("ControlOrder", "session_before_member", "a session line before the member's", {
            format!("{body}session {0} {1}\nmember {0} reader\n", key("clerk"), session_key("clerk"))
        }),
        ("ControlOrder", "session_twice", "one member names two session keys", {
            let line = |session| format!("session {} {session}\n", key("clerk"));
            let lines = line(session_key("clerk")) + &line(session_key("newcomer"));
            format!("{body}member {} reader\n{lines}", key("clerk"))
        }),
        ("Values", "session_without_key", "a member without its session key", {
            format!("{body}member {0} reader\nsession {0}\n", key("clerk"))
        }),
        ("Key", "session_small_order", "a session key of order 2", {
            let small_order = STANDARD.encode([[0xec].as_slice(), &[0xff; 30], &[0x7f]].concat());
            format!("{body}member {0} reader\nsession {0} {small_order}\n", key("clerk"))
        }),
        ("SessionNotMember", "session_alone", "a session line of nobody who comes", {
            format!("{body}session {} {}\n", key("clerk"), session_key("clerk"))
        }),
        ("SessionNotMember", "session_of_another", "a session line of another one than who comes", {
            let (comes, other) = (key("clerk"), key("newcomer"));
            format!("{body}member {comes} reader\nsession {other} {}\n", session_key("clerk"))
        }),
        ("KeyTwice", "session_is_member", "a member's key is its session key too", {
            format!("{body}member {0} reader\nsession {0} {0}\n", key("clerk"))
        }),
        ("KeyTwice", "session_is_founder", "the founder's key is its session key too", {
            changed(genesis, &begins, &format!("session {founder} {founder}\n{begins}"))
        }),
        ("KeyTwice", "session_recovers", "the recovery key is a session key too", {
            changed(genesis, &begins, &format!("session {founder} {}\n{begins}", key("recovery")))
        }),
        ("KeyTwice", "session_of_two", "two who come name one session key", {
            let mut two = ["clerk", "newcomer"].map(key);
            two.sort();
            let members: String = two.iter().map(|key| format!("member {key} reader\n")).collect();
            let sessions = two.iter().map(|key| format!("session {key} {}\n", session_key("clerk")));
            format!("{body}{members}{}", sessions.collect::<String>())
        }),
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
