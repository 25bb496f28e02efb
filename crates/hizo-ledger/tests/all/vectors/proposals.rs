//! Proposals to accept, and proposals with one fault each.

use hizo_ledger::id::ObjectId;
use hizo_ledger::proposal::{PROPOSAL_BYTES_MAX, Proposal};
use hizo_ledger::record::{Control, Envelope, Role};

use super::spaces::two_admins;
use super::{Refused, Vector};
use crate::kit::{Story, key, member, signed, signed_by};

const BODY: &[u8] = b"what it says, sealed\n";
const RECIPIENT: &[u8] = b"age1pq1 of epoch 1";
const WRAP: &[u8] = b"epoch 1, sealed\n";

/// A removal whose objects are those above.
fn removal(story: &Story) -> Envelope {
    let mut envelope = story.control(&[
        Control::Remove(key("clerk")),
        Control::Epoch { epoch: 1, recipient: ObjectId::of(RECIPIENT) },
        Control::Wrap { epoch: 1, wrap: ObjectId::of(WRAP), bytes: WRAP.len() as u64 },
    ]);
    envelope.body = Some((ObjectId::of(BODY), BODY.len() as u64));
    envelope
}

fn framed(note: &[u8], objects: &[&[u8]]) -> Vec<u8> {
    let lines: String = objects.iter().map(|object| format!("object {}\n", object.len())).collect();
    let head = format!("hizo/proposal/v1\nnote {}\n{lines}\n", note.len());
    [head.as_bytes(), note, &objects.concat()].concat()
}

pub(super) fn proposal_vectors() -> Vec<Vector> {
    let story = two_admins();
    let removal = signed(&removal(&story), "owner");
    let mut promotion = story.control(&[member("newcomer", Role::Admin)]);
    promotion.body = None;
    let promotion = signed(&promotion, "deputy");
    let objects = [WRAP, BODY, RECIPIENT].map(<[u8]>::to_vec);
    let accept = |name, says, record, objects: &[Vec<u8>]| {
        let bytes = Proposal::new(record, objects).unwrap().compose();
        Vector { name, says, bytes, rule: None }
    };
    let mut vectors = vec![
        accept("remove", "a removal with body, recipient and wrap", removal, &objects),
        accept("nothing_sealed", "a change that names no object", promotion, &[]),
    ];
    for (rule, name, says, bytes) in refused(&story) {
        vectors.push(Vector { name, says, bytes, rule: Some(rule) });
    }
    vectors
}

fn refused(story: &Story) -> Vec<Refused<Vec<u8>>> {
    let removal = removal(story);
    let note = signed(&removal, "owner").note_bytes().to_vec();
    let whole = framed(&note, &[BODY, RECIPIENT, WRAP]);
    let text = String::from_utf8(whole.clone()).unwrap();
    let changed = |from: &str, to: &str| text.replacen(from, to, 1).into_bytes();
    let longer = [BODY, b"!"].concat();
    let with_line = |line: &str| changed("\n\n", &format!("\n{line}\n\n"));
    vec![
        ("Form", "no_bytes", "nothing", Vec::new()),
        ("Form", "version_2", "a format that does not exist yet", changed("/v1\n", "/v2\n")),
        ("Form", "note_missing", "objects without a note", changed(&format!("note {}\n", note.len()), "")),
        ("Form", "cut", "the last byte is missing", whole[..whole.len() - 1].to_vec()),
        ("Form", "longer", "a byte behind the last object", [&whole[..], b"\n"].concat()),
        ("Form", "line_unknown", "a line that the format does not know", with_line("seal 3")),
        ("Form", "length_leading_zero", "a length with a leading zero", changed("object 2", "object 02")),
        ("Form", "length_huge", "an object that is longer than a file may be", {
            with_line(&format!("object {}", PROPOSAL_BYTES_MAX + 1))
        }),
        ("NotWaiting", "signed_by_two", "nobody has to sign any more", {
            framed(signed_by(&removal, &["deputy", "owner"]).note_bytes(), &[BODY, RECIPIENT, WRAP])
        }),
        ("NotWaiting", "says_something", "a record that changes nothing", {
            let mut say = story.say();
            say.body = removal.body;
            framed(signed(&say, "owner").note_bytes(), &[BODY])
        }),
        ("Objects", "object_missing", "the wrap is left out", framed(&note, &[BODY, RECIPIENT])),
        ("Objects", "object_more", "an object that the note does not name", {
            framed(&note, &[BODY, RECIPIENT, WRAP, b"another"])
        }),
        ("Objects", "objects_swapped", "recipient before body", framed(&note, &[RECIPIENT, BODY, WRAP])),
        ("Objects", "object_changed", "a byte more in the body", framed(&note, &[&longer, RECIPIENT, WRAP])),
        ("Frame", "note_cut", "the note does not end", framed(&note[..note.len() - 1], &[BODY, RECIPIENT, WRAP])),
    ]
}
