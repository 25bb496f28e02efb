//! Finds a content in the packs that a proof hands over with their keys.
//!
//! See docs/spec/proof.md, section "kept.json". The packs were held against the log by [`hizo_ledger::proof::Bundle::kept`].

use hizo_ledger::commitment::{ContentHasher, ContentValue};
use hizo_ledger::proof::{KeptError, LoggedContent};
use zeroize::Zeroizing;

use crate::age;
use crate::archive::{Event, MemberKind, Reader};
use crate::stream::{self, Frames};

/// Bytes that are undone in search of one content, at most.
const UNDONE_BYTES_MAX: u64 = 1 << 30;

/// Zeros of holes are hashed in pieces of this many bytes.
const ZEROS: [u8; 4096] = [0; 4096];

/// Opens the packs of a content, one at a time, and finds it there.
///
/// # Errors
/// [`KeptError::Key`], [`KeptError::Content`].
pub fn find(content: LoggedContent) -> Result<(), KeptError> {
    let LoggedContent { entry, value, packs, skip, at } = content;
    let nowhere = KeptError::Content(entry);
    let mut search = Search::new(value.key, at);
    let (mut frames, mut skip) = (Frames::from_the_middle(), usize::try_from(skip).map_err(|_| nowhere.clone())?);
    for pack in packs {
        let id = pack.id();
        let plain = Zeroizing::new(age::open_disclosed(pack).map_err(|_| KeptError::Key(id))?);
        let rest = plain.get(std::mem::take(&mut skip)..).ok_or_else(|| nowhere.clone())?;
        frames.push(rest).map_err(|_| nowhere.clone())?;
        while let Some(frame) = frames.next_frame() {
            let block = Zeroizing::new(stream::unframe(&frame).map_err(|_| nowhere.clone())?);
            if let Some(found) = search.take(&block).ok_or_else(|| nowhere.clone())? {
                return if found == value { Ok(()) } else { Err(nowhere) };
            }
        }
    }
    Err(nowhere)
}

/// A member of a tar that begins so many bytes behind the first ones.
struct Search {
    reader: Reader,
    before: u64,
    undone: u64,
    hasher: Option<ContentHasher>,
    size: u64,
    position: u64,
}

impl Search {
    fn new(key: [u8; 32], at: u64) -> Self {
        let hasher = Some(ContentHasher::new(key));
        Self { reader: Reader::new(), before: at, undone: 0, hasher, size: 0, position: 0 }
    }

    /// Takes the next bytes of the tar. `None`: no file lies there; the value of the file, once it is whole.
    fn take(&mut self, block: &[u8]) -> Option<Option<ContentValue>> {
        let length = u64::try_from(block.len()).ok()?;
        self.undone = self.undone.checked_add(length).filter(|undone| *undone <= UNDONE_BYTES_MAX)?;
        let skipped = self.before.min(length);
        self.before = self.before.checked_sub(skipped)?;
        let mut rest = block.get(usize::try_from(skipped).ok()?..)?;
        while !rest.is_empty() {
            let Some(event) = self.reader.read(&mut rest).ok()? else { break };
            match event {
                Event::Member { member, .. } => match member.kind {
                    MemberKind::File { size, .. } if size <= UNDONE_BYTES_MAX => self.size = size,
                    _ => return None,
                },
                Event::Data { offset, bytes } => {
                    self.zeros(offset)?;
                    self.hasher.as_mut()?.update(bytes);
                    self.position = self.position.checked_add(u64::try_from(bytes.len()).ok()?)?;
                }
                Event::MemberEnd => {
                    self.zeros(self.size)?;
                    return Some(Some(self.hasher.take()?.finish()));
                }
                Event::End => return None,
            }
        }
        Some(None)
    }

    /// A hole up to here.
    fn zeros(&mut self, end: u64) -> Option<()> {
        while self.position < end {
            let now = end.checked_sub(self.position)?.min(ZEROS.len() as u64);
            self.hasher.as_mut()?.update(ZEROS.get(..usize::try_from(now).ok()?)?);
            self.position = self.position.checked_add(now)?;
        }
        Some(())
    }
}
