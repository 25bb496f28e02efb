//! A record with control lines that waits for its second signature, and the objects that it names.
//!
//! See docs/spec/proposal.md. Nothing here is trusted before the record stands in its space; whoever signs second looks at it
//! in the clear, and it travels sealed.

use crate::id::ObjectId;
use crate::record::{self, Act, Control, Envelope, UnverifiedRecord};

/// Most bytes of a proposal, sealed or not.
pub const PROPOSAL_BYTES_MAX: usize = 64 << 20;

const VERSION: &str = "hizo/proposal/v1";

/// Why bytes are no proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not the lines of the format, or other lengths than they say.
    #[error("it is not in the form of a proposal")]
    Form,
    /// The note is no record.
    #[error(transparent)]
    Record(#[from] record::Error),
    /// The record changes nothing, or has not exactly one signature.
    #[error("its record is none that waits for a second signature")]
    NotWaiting,
    /// Other objects than the record names, or too few, or too many.
    #[error("its objects are not those that its record names")]
    Objects,
}

/// A record that one admin has signed, with everything that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    record: UnverifiedRecord,
    objects: Vec<Vec<u8>>,
}

impl Proposal {
    /// Puts together what waits for its second signature. The objects may come in any order, and be more than are named.
    ///
    /// # Errors
    /// [`Error::NotWaiting`], and [`Error::Objects`] when one is missing.
    pub fn new(record: UnverifiedRecord, objects: &[Vec<u8>]) -> Result<Self, Error> {
        let find = |named: (ObjectId, Option<u64>)| objects.iter().find(|bytes| is_named(named, bytes)).cloned();
        let objects = named(record.envelope()).map(find).collect::<Option<_>>().ok_or(Error::Objects)?;
        Self { record, objects }.checked()
    }

    /// Reads what was sealed.
    ///
    /// # Errors
    /// The first rule that the bytes break.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let (lengths, rest) = read_head(bytes).ok_or(Error::Form)?;
        let mut parts = Vec::new();
        let mut rest = rest;
        for length in lengths {
            let (part, behind) = rest.split_at_checked(length).ok_or(Error::Form)?;
            parts.push(part.to_vec());
            rest = behind;
        }
        if parts.is_empty() || !rest.is_empty() {
            return Err(Error::Form);
        }
        let note = parts.remove(0);
        Self { record: UnverifiedRecord::parse(&note)?, objects: parts }.checked()
    }

    /// The bytes, to be sealed.
    pub fn compose(&self) -> Vec<u8> {
        let mut text = format!("{VERSION}\nnote {}\n", self.record.note_bytes().len());
        for object in &self.objects {
            text += &format!("object {}\n", object.len());
        }
        text += "\n";
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(self.record.note_bytes());
        self.objects.iter().for_each(|object| bytes.extend_from_slice(object));
        bytes
    }

    /// The record, with its one signature.
    pub const fn record(&self) -> &UnverifiedRecord {
        &self.record
    }

    /// The objects that it names, in that order.
    pub fn objects(&self) -> &[Vec<u8>] {
        &self.objects
    }

    fn checked(self) -> Result<Self, Error> {
        let envelope = self.record.envelope();
        if envelope.act() != Act::Control || self.record.signatures().len() != 1 {
            return Err(Error::NotWaiting);
        }
        let named: Vec<_> = named(envelope).collect();
        let are_named = named.iter().zip(&self.objects).all(|(named, bytes)| is_named(*named, bytes));
        if named.len() != self.objects.len() || !are_named {
            return Err(Error::Objects);
        }
        Ok(self)
    }
}

/// The objects that a record with control lines names, with their lengths where it says them.
fn named(envelope: &Envelope) -> impl Iterator<Item = (ObjectId, Option<u64>)> + '_ {
    let body = envelope.body.map(|(id, bytes)| (id, Some(bytes)));
    let of_controls = envelope.controls.iter().filter_map(|control| match control {
        Control::Epoch { recipient, .. } => Some((*recipient, None)),
        Control::Wrap { wrap, bytes, .. } => Some((*wrap, Some(*bytes))),
        Control::Founder(_) | Control::Slot(_) | Control::Recovery(_) | Control::Admins(_) => None,
        Control::Remove(_) | Control::Member { .. } | Control::Session { .. } | Control::Origin(_) => None,
        Control::RotatorEnds(_) | Control::Rotator(_) => None,
    });
    body.into_iter().chain(of_controls)
}

fn is_named((id, length): (ObjectId, Option<u64>), bytes: &[u8]) -> bool {
    length.is_none_or(|length| length == bytes.len() as u64) && ObjectId::of(bytes) == id
}

/// The lengths that the first lines say, and what follows the empty line.
fn read_head(bytes: &[u8]) -> Option<(Vec<usize>, &[u8])> {
    let mut rest = bytes;
    let mut line = || {
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        let (line, behind) = rest.split_at_checked(end)?;
        rest = behind.get(1..)?;
        std::str::from_utf8(line).ok()
    };
    (line()? == VERSION).then_some(())?;
    let mut lengths = vec![length(line()?, "note ")?];
    loop {
        match line()? {
            "" => return Some((lengths, rest)),
            _ if lengths.len() > record::CONTROLS_MAX.saturating_add(1) => return None,
            object => lengths.push(length(object, "object ")?),
        }
    }
}

fn length(line: &str, begins: &str) -> Option<usize> {
    let digits = line.strip_prefix(begins)?;
    let length = digits.parse::<usize>().ok()?;
    (length.to_string() == digits && length <= PROPOSAL_BYTES_MAX).then_some(length)
}
