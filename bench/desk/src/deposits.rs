//! A safe with many deposits, each of one small file.

use std::fs;
use std::path::Path;
use std::time::Instant;

use hizo_ledger::id::{CommitHash, RecordId, SeriesId, SpaceId};
use hizo_ledger::object::ObjectList;
use hizo_ledger::record::{Commitment, Deposit, Envelope, Objects, UnverifiedRecord};
use hizo_ledger::space::Chain;
use hizo_vault::archive::{self, END, Member, MemberKind};
use hizo_vault::commit::{CommitKey, ContentValue, EntryId, Leaves, Seed};
use hizo_vault::event::{Class, Event};
use hizo_vault::keys::SigningSeed;
use hizo_vault::manifest::{Content, Entry, Head, Kind, Place as At};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::Failure;
use crate::space::{Drawn, Place, Step, facts, now, sealed, text};

/// Records that are written in one durable step.
const STEP: usize = 1_000;

/// The last deposit of a series.
#[derive(Clone, Default)]
struct Last {
    k: u64,
    record: Option<RecordId>,
}

/// Makes them; the ids of a series and of a deposit of it, for pages.
pub(crate) fn make(home: &Path, count: u64, series: u64) -> Result<Value, Failure> {
    let began = Instant::now();
    let known = facts(home)?;
    let space = SpaceId::from_hex(text(&known, "space")?)?;
    let place = Place::open(&home.join("keeper"))?;
    let key = SigningSeed::from_writer_file(&fs::read_to_string(home.join("device.key"))?)?.space_key(&space);
    let notes: Vec<_> = place.keeper.records(space, 0, usize::MAX)?.into_iter().map(|record| record.note).collect();
    let mut chain = Chain::replay(&notes, drop)?;
    let recipient = place.keeper.object(space, chain.recipient().id())?.ok_or("the safe has no recipient")?;
    let recipient = [String::from_utf8(recipient)?.parse()?];
    let mut all = vec![Last::default(); usize::try_from(series)?];
    let (mut steps, mut last) = (Vec::new(), RecordId::of(b""));
    for number in 0..count {
        let at = number % series;
        let of = all.get_mut(usize::try_from(at)?).ok_or("no series")?;
        let plain = Plain::of(number, at, of.k + 1)?;
        let sealed = sealed(&[&plain.list, &plain.tar], &recipient, &mut Drawn::of(&format!("deposit {number}")))?;
        let object = place.put(space, sealed)?;
        let (list, _) = place.put(space, ObjectList::compose(&[object]))?;
        let envelope = Envelope {
            keeper: chain.keeper().clone(),
            space,
            number: chain.head().number + 1,
            prev: Some(chain.head().id),
            epoch: chain.epoch(),
            time: now()?,
            seen: None,
            body: None,
            deposit: Some(Deposit {
                series: series_id(at)?,
                k: of.k + 1,
                prev: of.record,
                commit: plain.commit,
                objects: Objects { count: 1, total: object.1, list },
            }),
            controls: Vec::new(),
        };
        let signature = key.sign(envelope.text()?.as_bytes());
        let record = UnverifiedRecord::compose(&envelope, &[(key.verifying_key(), signature)])?;
        last = record.id();
        *of = Last { k: of.k + 1, record: Some(last) };
        let expected = Some(hizo_store::journal::Head { number: chain.head().number, id: chain.head().id });
        steps.push(Step { space, expected, note: record.note_bytes().to_vec(), slot_key: None });
        chain.append(record)?;
        if steps.len() == STEP {
            place.append(&steps)?;
            steps.clear();
        }
    }
    place.append(&steps)?;
    let series = series_id((count - 1) % series)?;
    Ok(json!({
        "deposits": count, "records": chain.head().number + 1, "wall_s": began.elapsed().as_secs_f64(),
        "series": series.to_string(), "deposit": last.to_string(),
    }))
}

fn series_id(number: u64) -> Result<SeriesId, Failure> {
    let digest: [u8; 32] = Sha256::digest(format!("series {number}")).into();
    Ok(SeriesId::from_bytes(digest[..8].try_into()?))
}

/// A deposit before it is sealed.
struct Plain {
    list: Vec<u8>,
    tar: Vec<u8>,
    commit: Commitment,
}

impl Plain {
    fn of(number: u64, series: u64, k: u64) -> Result<Self, Failure> {
        let content = format!("drawing {number}\n");
        let path = b"drawing.txt".as_slice();
        let member = Member {
            path: path.into(),
            kind: MemberKind::File { size: content.len() as u64, sparse: None },
            mode: 0o644,
            mtime_ns: 0,
            xattrs: [].as_slice().into(),
        };
        let mut tar = archive::header(&member)?;
        tar.extend(content.bytes());
        tar.extend(vec![0; archive::padding(content.len() as u64)]);
        tar.extend(END);
        let id: [u8; 32] = Sha256::digest(format!("entry {number}")).into();
        let value = ContentValue::of(Sha256::digest(format!("blind {number}")).into(), content.as_bytes());
        let entry = Entry {
            path: path.to_vec(),
            kind: Kind::File(Content {
                size: content.len() as u64,
                value,
                place: At { deposit: k, block: 0 },
                spans: Box::default(),
                read: k,
                unsteady: false,
            }),
            mode: 0o644,
            mtime_ns: 0,
            xattrs: Vec::new(),
            id: EntryId::from_bytes(id[..16].try_into()?),
        };
        let opened = Event::SeriesOpened { name: format!("KX-{series:04}"), class: Class::Standard };
        let made = Event::DepositMade { labels: Vec::new(), files: 1, bytes: content.len() as u64, left_out: 0 };
        let seed: [u8; 32] = Sha256::digest(format!("seed {number}")).into();
        let head = Head {
            deposit: k,
            seed: Seed::from_bytes(seed),
            entries: 1,
            base: None,
            chain: 0,
            reread: false,
            archive_bytes: tar.len() as u64,
            archive_packs: 0,
            root: None,
            events: (k == 1).then(|| opened.to_value()).into_iter().chain([made.to_value()]).collect(),
        };
        let key = CommitKey::new(&head.seed);
        let mut leaves = Leaves::default();
        leaves.push(key.leaf(&entry.committed()));
        let commitment = key.commit(leaves)?;
        let commit = Commitment {
            sha256: CommitHash::from_bytes(commitment.sha256),
            blake3: CommitHash::from_bytes(commitment.blake3),
        };
        Ok(Self { list: [head.line().as_slice(), entry.line().as_slice()].concat(), tar, commit })
    }
}
