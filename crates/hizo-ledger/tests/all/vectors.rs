//! The vectors of docs/spec/record.md, space.md, session.md, delegation.md, directory.md and proposal.md: each file is made again from its keys and must be the
//! same to the byte, and each is judged as its index says.
//!
//! `cargo test -p hizo-ledger -- --ignored write_the_vectors` writes them.

mod delegations;
mod directories;
mod proposals;
mod records;
mod sessions;
mod spaces;

use std::collections::BTreeMap;
use std::fmt::{Debug, Write as _};
use std::fs;
use std::path::{Path, PathBuf};

use hizo_ledger::directory::Directory;
use hizo_ledger::proposal::Proposal;
use hizo_ledger::record::UnverifiedRecord;
use hizo_ledger::session::Session;
use hizo_ledger::space::{Chain, SessionBy};

use crate::kit::{key, seed};
use delegations::delegation_vectors;
use directories::directory_vectors;
use proposals::proposal_vectors;
use records::record_vectors;
use sessions::session_vectors;
use spaces::space_vectors;

/// Every key of the vectors, by the name its seed is made from.
const PEOPLE: [&str; 9] =
    ["owner", "recovery", "machine", "clerk", "partner", "deputy", "stranger", "newcomer", "rotator"];

/// Whose session keys stand in the vectors; the seed of such a key is made from the name, a comma and `session`.
const SESSIONS: [&str; 3] = ["owner, session", "clerk, session", "newcomer, session"];

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
fn session_vectors_are_judged_as_their_index_says() {
    for vector in session_vectors() {
        let judged = Session::verify(&vector.bytes);
        assert_eq!(judged.as_ref().err().map(word).as_deref(), vector.rule, "{}", vector.name);
        if let Ok(session) = judged {
            assert!(vector.bytes.starts_with(session.text().as_bytes()), "{}", vector.name);
        }
    }
}

#[test]
fn delegation_vectors_are_judged_as_their_index_says() {
    for vector in delegation_vectors() {
        let judged = delegations::judge(&vector.bytes);
        assert_eq!(judged.as_ref().err().map(word).as_deref(), vector.rule, "{}", vector.name);
        if let Ok(text) = judged {
            assert!(vector.bytes.starts_with(text.as_bytes()), "{}", vector.name);
        }
    }
}

#[test]
fn proposal_vectors_are_judged_as_their_index_says() {
    for vector in proposal_vectors() {
        let judged = Proposal::parse(&vector.bytes);
        assert_eq!(judged.as_ref().err().map(word).as_deref(), vector.rule, "{}", vector.name);
        assert!(judged.is_err() || judged.unwrap().compose() == vector.bytes, "{}", vector.name);
    }
}

#[test]
fn every_flipped_byte_of_a_proposal_is_refused_or_is_in_its_note() {
    let whole = proposal_vectors().into_iter().find(|vector| vector.name == "remove").unwrap().bytes;
    let right = Proposal::parse(&whole).unwrap();
    for place in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[place] ^= 1;
        // Whether the signature is over this text, only the space knows.
        let Ok(read) = Proposal::parse(&flipped) else { continue };
        assert!(read.record() != right.record() && read.objects() == right.objects(), "byte {place}");
    }
    (0..whole.len()).for_each(|end| assert!(Proposal::parse(&whole[..end]).is_err(), "cut at {end}"));
}

#[test]
fn directory_vectors_are_judged_as_their_index_says() {
    for vector in directory_vectors() {
        let judged = Directory::verify(&vector.bytes);
        assert_eq!(judged.as_ref().err().map(word).as_deref(), vector.rule, "{}", vector.name);
        if let Ok(directory) = judged {
            assert!(vector.bytes.starts_with(directory.text().as_bytes()), "{}", vector.name);
        }
    }
}

#[test]
fn every_flipped_byte_of_a_note_by_one_key_is_refused() {
    let is_session = |bytes: &[u8]| Session::verify(bytes).is_ok();
    let is_delegation = |bytes: &[u8]| delegations::judge(bytes).is_ok();
    refuses_every_flip(&session_vectors(), "read_write", is_session);
    refuses_every_flip(&delegation_vectors(), "reader_writer", is_delegation);
    refuses_every_flip(&delegation_vectors(), "revocation", is_delegation);
    refuses_every_flip(&directory_vectors(), "second", |bytes| Directory::verify(bytes).is_ok());
}

fn refuses_every_flip(vectors: &[Vector], name: &str, holds: impl Fn(&[u8]) -> bool) {
    let whole = &vectors.iter().find(|vector| vector.name == name).unwrap().bytes;
    for place in 0..whole.len() {
        for bit in [1, 0x20, 0x80] {
            let mut flipped = whole.clone();
            flipped[place] ^= bit;
            assert!(!holds(&flipped), "{name}: byte {place}");
        }
    }
    (0..whole.len()).for_each(|end| assert!(!holds(&whole[..end]), "{name}: cut at {end}"));
}

#[test]
fn stored_vectors_are_the_ones_made_from_the_keys() {
    for (spec, files) in all_files() {
        serde_json::from_slice::<serde_json::Value>(&files[Path::new("index.json")]).unwrap();
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
        ("session.md", "session/v1/accepted/read_write.note"),
        ("delegation.md", "delegation/v1/accepted/reader_writer.note"),
        ("delegation.md", "delegation/v1/accepted/revocation.note"),
        ("directory.md", "directory/v1/accepted/second.note"),
    ] {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let page = fs::read_to_string(root.join("docs/spec").join(page)).unwrap();
        let example = fs::read_to_string(root.join("vectors").join(example)).unwrap();
        assert!(page.contains(&format!("```\n{example}```\n")), "an example is not the vector\n{example}");
    }
}

#[test]
fn every_rule_that_a_page_names_has_a_vector_or_needs_none() {
    // Too long for a file; a backstop behind other rules; a collision that nobody has made; a head that somebody kept; a clock
    // that only a keeper has.
    let without = [
        "NoteTooLong",
        "NotCanonical",
        "ControlCount",
        "MemberCount",
        "WrapCount",
        "NameTaken",
        "NotFollowed",
        "TimeOff",
        // What a client has seen before: `directories`.
        "Publisher",
        "Rollback",
        "Split",
        "Fork",
        "Gap",
        "Expired",
        "Logged",
    ];
    let vectors = [record_vectors(), space_vectors()].concat();
    let pages = [
        (include_str!("../../../../docs/spec/record.md"), 15),
        (include_str!("../../../../docs/spec/space.md"), 15),
        (include_str!("../../../../docs/spec/session.md"), 5),
        (include_str!("../../../../docs/spec/delegation.md"), 8),
        (include_str!("../../../../docs/spec/directory.md"), 7),
        (include_str!("../../../../docs/spec/proposal.md"), 3),
    ];
    let vectors = [vectors, session_vectors(), delegation_vectors(), directory_vectors(), proposal_vectors()].concat();
    for (page, least) in pages {
        let (mut rules, mut words) = (0, page.split('`').skip(1).step_by(2));
        let is_rule = |word: &&str| word.chars().all(char::is_alphanumeric) && word.starts_with(char::is_uppercase);
        let of_library = ["ObjectRef", "VerifiedObject", "Record", "ObjectList"];
        for rule in words.by_ref().filter(is_rule).filter(|word| !of_library.contains(word)) {
            let has_vector = vectors.iter().any(|vector| vector.rule == Some(rule));
            assert!(has_vector != without.contains(&rule), "{rule} has a vector: {has_vector}");
            rules += 1;
        }
        assert!(rules >= least, "the page names {rules} rules");
    }
}

#[test]
fn names_are_unique_and_refusals_outnumber_acceptances() {
    for vectors in [record_vectors(), space_vectors(), session_vectors(), delegation_vectors(), directory_vectors()] {
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
    let text = ["Form(", "Record("].iter().find_map(|around| text.strip_prefix(around)).unwrap_or(&text);
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

fn all_files() -> [(&'static str, Files); 6] {
    let record = files(record_vectors(), "note", |bytes| {
        let record = UnverifiedRecord::parse(bytes).unwrap();
        format!(", \"id\": \"{}\"", record.id())
    });
    let space = files(space_vectors(), "chain", |bytes| {
        let chain = Chain::replay(split(bytes), drop).unwrap();
        let head = chain.head();
        let mut state = format!(", \"number\": {}, \"id\": \"{}\", \"epoch\": {}", head.number, head.id, chain.epoch());
        write!(state, ", \"keeper\": \"{}\", \"admins\": {}", chain.keeper(), chain.admin_rule().admins()).unwrap();
        let members: Vec<_> =
            chain.members().map(|(key, role)| format!("\"{}\": \"{}\"", key.name(), role.as_str())).collect();
        let series: Vec<_> = chain.series().iter().map(|(series, last)| format!("\"{series}\": {}", last.k)).collect();
        write!(state, ", \"members\": {{{}}}, \"series\": {{{}}}", members.join(", "), series.join(", ")).unwrap();
        let member = |who| match chain.session_by(&key(who))? {
            SessionBy::Member { key, .. } => Some(key),
            SessionBy::Waiting { .. } | SessionBy::Recovery => None,
        };
        let opens = SESSIONS.iter().filter_map(|who| Some((key(who), member(who)?)));
        let opens: Vec<_> = opens.map(|(session, member)| format!("\"{session}\": \"{}\"", member.name())).collect();
        write!(state, ", \"sessions\": {{{}}}", opens.join(", ")).unwrap();
        let rotators: Vec<_> = chain.rotators().map(|key| format!("\"{}\"", key.name())).collect();
        if !rotators.is_empty() {
            write!(state, ", \"rotators\": [{}]", rotators.join(", ")).unwrap();
        }
        if let Some(waiting) = chain.waiting() {
            write!(state, ", \"waiting\": \"{}\"", waiting.key.name()).unwrap();
        }
        state
    });
    let session = files(session_vectors(), "note", |bytes| {
        let session = Session::verify(bytes).unwrap();
        format!(", \"key\": \"{}\", \"verbs\": \"{}\"", session.key, session.verbs.as_str())
    });
    let proposal = files(proposal_vectors(), "proposal", |bytes| {
        format!(", \"id\": \"{}\"", Proposal::parse(bytes).unwrap().record().id())
    });
    let delegation = files(delegation_vectors(), "note", |_| String::new());
    let directory = files(directory_vectors(), "note", |_| String::new());
    [
        ("record", record),
        ("space", space),
        ("session", session),
        ("delegation", delegation),
        ("directory", directory),
        ("proposal", proposal),
    ]
}

fn files(vectors: Vec<Vector>, ending: &str, facts: impl Fn(&[u8]) -> String) -> Files {
    let mut files = Files::new();
    let mut index = "{\"keys\": [\n".to_owned();
    let keys = PEOPLE.iter().chain(&SESSIONS).map(|who| {
        let (seed, name) = (hex::encode(seed(who)), key(who).name());
        format!("{{\"who\": \"{who}\", \"seed\": \"{seed}\", \"key\": \"{}\", \"name\": \"{name}\"}}", key(who))
    });
    let keys: Vec<_> = keys.collect();
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

/// Rule, name, fault, and what has the fault.
type Refused<T> = (&'static str, &'static str, &'static str, T);

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
