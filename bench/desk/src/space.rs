//! Objects and records that are written down at a keeper as its service would, many in one durable step.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use hizo_keeper::EmbeddedKeeper;
use hizo_ledger::id::{ObjectId, SpaceId};
use hizo_ledger::record::ClaimedTime;
use hizo_store::journal::{Entry, Head};
use hizo_store::{Journal, NamedBytes};
use hizo_vault::age::{self, Recipient};
use hizo_vault::entropy::Entropy;
use hizo_vault::stream;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::Failure;

/// Where a keeper has its data.
pub(crate) struct Place {
    pub(crate) keeper: EmbeddedKeeper,
    data: PathBuf,
    kept: u64,
}

/// A record on its way: what it follows, its note, and the slot key that comes with a first one.
pub(crate) struct Step {
    pub(crate) space: SpaceId,
    pub(crate) expected: Option<Head>,
    pub(crate) note: Vec<u8>,
    pub(crate) slot_key: Option<[u8; 32]>,
}

impl Place {
    pub(crate) fn open(data: &Path) -> Result<Self, Failure> {
        let kept = now()?.unix_seconds();
        Ok(Self { keeper: EmbeddedKeeper::open_embedded(data)?, data: data.to_owned(), kept })
    }

    /// Writes down an object, and does not wait for the disk; its name and length.
    pub(crate) fn put(&self, space: SpaceId, bytes: Vec<u8>) -> Result<(ObjectId, u64), Failure> {
        let object = NamedBytes::name(bytes)?;
        let path = EmbeddedKeeper::object_file(&self.data, space, object.id());
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, object.as_bytes())?;
        Ok((object.id(), object.length()))
    }

    pub(crate) fn append(&self, steps: &[Step]) -> Result<(), Failure> {
        let entries: Vec<_> = steps.iter().map(|step| step.entry(self.kept)).collect();
        for outcome in self.keeper.journal().append_all(&entries) {
            outcome?;
        }
        Ok(())
    }
}

impl Step {
    fn entry(&self, kept: u64) -> Entry<'_> {
        let Self { space, expected, note, slot_key } = self;
        let (space, expected, slot_key) = (*space, *expected, slot_key.as_ref());
        Entry { space, expected, note, objects: &[], slot_key, kept, charge: None }
    }
}

pub(crate) fn now() -> Result<ClaimedTime, Failure> {
    Ok(ClaimedTime::from_unix_seconds(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?)
}

/// What a home says of its safe.
pub(crate) fn facts(home: &Path) -> Result<Value, Failure> {
    Ok(serde_json::from_slice(&fs::read(home.join("safe.json"))?)?)
}

pub(crate) fn text<'v>(facts: &'v Value, key: &str) -> Result<&'v str, Failure> {
    facts[key].as_str().ok_or_else(|| format!("safe.json has no {key}").into())
}

/// Parts of a stream, each framed by itself, padded and sealed.
pub(crate) fn sealed(parts: &[&[u8]], to: &[Recipient], entropy: &mut dyn Entropy) -> Result<Vec<u8>, Failure> {
    let mut framed: Vec<u8> = parts.iter().flat_map(|part| stream::stored_frame(part)).collect();
    stream::padding(framed.len() as u64).for_each(|piece| framed.extend(piece));
    Ok(age::seal(&framed, to, entropy)?)
}

/// Bytes that follow from a name: the same each time.
pub(crate) struct Drawn {
    block: [u8; 32],
    used: usize,
}

impl Drawn {
    pub(crate) fn of(name: &str) -> Self {
        Self { block: Sha256::digest(name).into(), used: 0 }
    }
}

impl Entropy for Drawn {
    fn fill(&mut self, out: &mut [u8]) {
        for byte in out {
            if self.used == self.block.len() {
                (self.block, self.used) = (Sha256::digest(self.block).into(), 0);
            }
            *byte = self.block.get(self.used).copied().unwrap_or_default();
            self.used += 1;
        }
    }
}
