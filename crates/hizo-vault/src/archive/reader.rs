//! Reads an archive from byte slices of any length, from its beginning or from any member's place.

use std::{mem, vec};

use super::{
    BLOCK_BYTES, Error, Extent, Member, MemberKind, data_bytes, padding,
    parse::{Collected, Collector},
};

/// What comes next in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<'i> {
    /// A member begins.
    Member {
        /// Its place: the number of its first header block, counted from the archive's beginning.
        block: u64,
        /// The member.
        member: Member<'static>,
    },
    /// Bytes of the member's file.
    Data {
        /// Where they belong in the file.
        offset: u64,
        /// The bytes, at least one, as they lie in the input.
        bytes: &'i [u8],
    },
    /// The member is complete.
    MemberEnd,
    /// The end marker is complete: nothing may follow.
    End,
}

/// A strict reader. It holds one header and no data, whatever the input says.
#[derive(Debug)]
pub struct Reader {
    state: State,
    /// Where the member at hand begins, then where the next one does.
    block: u64,
    path: Vec<u8>,
}

#[derive(Debug)]
enum State {
    Header(Collector),
    Data { now: Extent, then: vec::IntoIter<Extent>, padding: usize },
    Padding(usize),
    EndMarker { missing: usize },
    End,
    Failed(Error),
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

impl Reader {
    /// A reader of a whole archive.
    pub fn new() -> Self {
        Self::at(0)
    }

    /// A reader that begins at a member's place: the input starts `block` × 512 bytes into the archive.
    pub fn at(block: u64) -> Self {
        Self { state: State::Header(Collector::default()), block, path: Vec::new() }
    }

    /// The next event, taken from the front of `input`; `None`: more input is needed, and `input` is empty.
    ///
    /// # Errors
    /// The rule broken; from then on every call gives the same.
    pub fn read<'i>(&mut self, input: &mut &'i [u8]) -> Result<Option<Event<'i>>, Error> {
        let event = self.step(input);
        if let Err(error) = event {
            self.state = State::Failed(error);
        }
        event
    }

    /// To be called when there is no more input and the archive was to be read to its end.
    ///
    /// # Errors
    /// [`Error::Truncated`] when the end marker was not read; an error met before.
    pub fn finish(&self) -> Result<(), Error> {
        match self.state {
            State::End => Ok(()),
            State::Failed(error) => Err(error),
            State::Header(_) | State::Data { .. } | State::Padding(_) | State::EndMarker { .. } => {
                Err(Error::Truncated)
            }
        }
    }

    fn step<'i>(&mut self, input: &mut &'i [u8]) -> Result<Option<Event<'i>>, Error> {
        loop {
            match &mut self.state {
                State::Header(collector) => match collector.take(input)? {
                    Collected::Part => return Ok(None),
                    Collected::Zeros => self.state = State::EndMarker { missing: BLOCK_BYTES },
                    Collected::Member(member, header_bytes) => return self.begin(member, header_bytes).map(Some),
                },
                State::Data { now, then, padding } => {
                    if now.length == 0 {
                        match then.next() {
                            Some(next) => *now = next,
                            None => self.state = State::Padding(*padding),
                        }
                        continue;
                    }
                    return Ok(data(now, input));
                }
                State::Padding(missing) => {
                    if !zeros(missing, input).ok_or(Error::Padding)? {
                        return Ok(None);
                    }
                    self.state = State::Header(Collector::default());
                    return Ok(Some(Event::MemberEnd));
                }
                State::EndMarker { missing } => {
                    if !zeros(missing, input).ok_or(Error::EndMarker)? {
                        return Ok(None);
                    }
                    self.state = State::End;
                    return Ok(Some(Event::End));
                }
                State::End if input.is_empty() => return Ok(None),
                State::End => return Err(Error::Trailing),
                State::Failed(error) => return Err(*error),
            }
        }
    }

    fn begin(&mut self, member: Member<'static>, header_bytes: usize) -> Result<Event<'static>, Error> {
        // The path before the first is empty, and sorts before every other.
        if *member.path <= *self.path {
            return Err(Error::Order);
        }
        self.path.clear();
        self.path.extend_from_slice(&member.path);
        let stored = data_bytes(&member);
        let padding = padding(stored);
        let bytes = stored.checked_add(padding as u64).and_then(|bytes| bytes.checked_add(header_bytes as u64));
        let blocks = bytes.ok_or(Error::FileTooLong)?.div_euclid(BLOCK_BYTES as u64);
        let next = self.block.checked_add(blocks).ok_or(Error::FileTooLong)?;
        let block = mem::replace(&mut self.block, next);
        let extents = match &member.kind {
            MemberKind::File { sparse: Some(extents), .. } => extents.to_vec(),
            MemberKind::File { size, sparse: None } => vec![Extent { offset: 0, length: *size }],
            MemberKind::Directory | MemberKind::Symlink { .. } | MemberKind::HardLink { .. } => Vec::new(),
        };
        self.state = State::Data { now: Extent { offset: 0, length: 0 }, then: extents.into_iter(), padding };
        Ok(Event::Member { block, member })
    }
}

fn data<'i>(now: &mut Extent, input: &mut &'i [u8]) -> Option<Event<'i>> {
    let most = usize::try_from(now.length).unwrap_or(usize::MAX);
    let (bytes, rest) = input.split_at(most.min(input.len()));
    *input = rest;
    let offset = now.offset;
    now.offset = now.offset.saturating_add(bytes.len() as u64);
    now.length = now.length.saturating_sub(bytes.len() as u64);
    (!bytes.is_empty()).then_some(Event::Data { offset, bytes })
}

/// Takes zeros until none is missing. `None`: another byte stands there.
fn zeros(missing: &mut usize, input: &mut &[u8]) -> Option<bool> {
    let (taken, rest) = input.split_at((*missing).min(input.len()));
    if taken.iter().any(|byte| *byte != 0) {
        return None;
    }
    *input = rest;
    *missing = missing.saturating_sub(taken.len());
    Some(*missing == 0)
}
