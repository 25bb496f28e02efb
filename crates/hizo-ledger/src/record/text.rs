//! The bytes of a record: written in one way, read in that way only.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{
    AdminRule, CONTROLS_MAX, ClaimedTime, Commitment, Control, Deposit, Envelope, Error, NOTE_BYTES_MAX, Objects,
    Origin, Role, SIGNATURES_MAX, Seen, SignatureLine,
};
use crate::id::{CommitHash, KeyName, NotAnId, ObjectId, RecordId, RootHash, SeriesId, SlotKeyHash, SpaceId};
use crate::identity::VerifyingKey;

const VERSION: &str = "hizo/record/v1";
/// What stands for a value that does not exist.
const NONE: &str = "-";
/// An em dash and a space: the beginning of a signature line in signed-note.
const SIGNATURE_MARK: &str = "\u{2014} ";

/// Parts notes that stand one after the other: each begins at a line that is the format's name alone, which no other line of
/// a note can be. `None` when they begin with anything else.
pub(super) fn split(notes: &[u8]) -> Option<Vec<&[u8]>> {
    let text = std::str::from_utf8(notes).ok()?;
    let first = format!("{VERSION}\n");
    let begins_a_line = |at: &usize| text.get(..*at).is_some_and(|before| before.is_empty() || before.ends_with('\n'));
    let starts: Vec<usize> = text.match_indices(&first).map(|(at, _)| at).filter(begins_a_line).collect();
    if starts.first() != Some(&0) && !text.is_empty() {
        return None;
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts.iter().zip(ends).map(|(from, to)| notes.get(*from..to)).collect()
}

/// The signed text of an envelope whose form holds.
pub(super) fn write(envelope: &Envelope) -> String {
    let seen = match &envelope.seen {
        Some(seen) => format!("{} {}", seen.size, seen.root),
        None => format!("0 {NONE}"),
    };
    let body = match &envelope.body {
        Some((id, bytes)) => format!("{id} {bytes}"),
        None => NONE.to_owned(),
    };
    let mut text = format!("{VERSION}\nkeeper {}\nspace {}\n", envelope.keeper, envelope.space);
    text += &format!("number {}\nprev {}\n", envelope.number, or_none(envelope.prev.as_ref()));
    text += &format!("epoch {}\ntime {}\nseen {seen}\nbody {body}\n", envelope.epoch, envelope.time);
    if let Some(deposit) = &envelope.deposit {
        write_deposit(&mut text, deposit);
    }
    for control in &envelope.controls {
        write_control(&mut text, control);
    }
    text
}

fn write_deposit(text: &mut String, deposit: &Deposit) {
    let Commitment { sha256, blake3 } = deposit.commit;
    let Objects { count, total, list } = deposit.objects;
    *text += &format!("series {} {} {}\n", deposit.series, deposit.k, or_none(deposit.prev.as_ref()));
    *text += &format!("commit {sha256} {blake3}\n");
    *text += &format!("objects {count} {total} {list}\n");
}

fn write_control(text: &mut String, control: &Control) {
    *text += &match control {
        Control::Founder(key) => format!("founder {key}\n"),
        Control::Slot(hash) => format!("slot {hash}\n"),
        Control::Recovery(key) => format!("recovery {}\n", or_none(key.as_ref())),
        Control::Admins(rule) => format!("admins {}\n", rule.admins()),
        Control::Remove(key) => format!("remove {key}\n"),
        Control::Member { key, role } => format!("member {key} {}\n", role.as_str()),
        Control::Session { member, session } => format!("session {member} {session}\n"),
        Control::RotatorEnds(key) => format!("rotator-ends {key}\n"),
        Control::Rotator(key) => format!("rotator {key}\n"),
        Control::Epoch { epoch, recipient } => format!("epoch {epoch} {recipient}\n"),
        Control::Wrap { epoch, wrap, bytes } => format!("wrap {epoch} {wrap} {bytes}\n"),
        Control::Origin(origin) => format!("origin {origin}\n"),
    };
}

fn or_none<T: ToString>(value: Option<&T>) -> String {
    value.map_or_else(|| NONE.to_owned(), T::to_string)
}

/// The whole note: text, empty line, signature lines.
pub(super) fn frame(text: &str, signatures: &[SignatureLine]) -> String {
    let mut note = format!("{text}\n");
    for line in signatures {
        let mut blob = line.key_id.to_vec();
        blob.extend(line.signature);
        note += &format!("{SIGNATURE_MARK}{} {}\n", line.name, STANDARD.encode(blob));
    }
    note
}

/// Reads a note line by line; rules between lines are the caller's.
pub(super) fn read(note: &[u8]) -> Result<(Envelope, Vec<SignatureLine>), Error> {
    if note.len() > NOTE_BYTES_MAX {
        return Err(Error::NoteTooLong);
    }
    let note = std::str::from_utf8(note).map_err(|_| Error::NotText)?;
    if note.chars().any(|character| character.is_control() && character != '\n') {
        return Err(Error::NotText);
    }
    let (text, signatures) = note.split_once("\n\n").ok_or(Error::Frame)?;
    if signatures.is_empty() {
        return Err(Error::SignatureCount);
    }
    let signatures = signatures.strip_suffix('\n').ok_or(Error::Frame)?;
    let mut lines = Lines { rest: Some(text), line: 0 };
    let envelope = lines.envelope()?;
    let first = lines.line.saturating_add(2);
    let signatures = signatures.split('\n').zip(first..).map(|(line, place)| read_signature(line, place));
    let signatures = signatures.take(SIGNATURES_MAX.saturating_add(1)).collect::<Result<Vec<_>, _>>()?;
    let twice = signatures
        .iter()
        .enumerate()
        .any(|(place, line)| signatures.iter().take(place).any(|earlier| earlier.name == line.name));
    if signatures.len() > SIGNATURES_MAX || twice {
        return Err(Error::SignatureCount);
    }
    Ok((envelope, signatures))
}

fn read_signature(text: &str, line: usize) -> Result<SignatureLine, Error> {
    let parse = || {
        let (name, blob) = text.strip_prefix(SIGNATURE_MARK)?.split_once(' ')?;
        let blob = STANDARD.decode(blob).ok()?;
        let (key_id, signature) = blob.split_first_chunk::<4>()?;
        let name = KeyName::from_hex(name).ok()?;
        Some(SignatureLine { name, key_id: *key_id, signature: signature.try_into().ok()? })
    };
    parse().ok_or(Error::SignatureLine { line })
}

/// The lines of the text that are still to be read.
struct Lines<'a> {
    rest: Option<&'a str>,
    /// Number of the last line taken, from 1.
    line: usize,
}

impl<'a> Lines<'a> {
    fn envelope(&mut self) -> Result<Envelope, Error> {
        if self.next() != Some(VERSION) {
            return Err(Error::UnknownVersion);
        }
        let [keeper] = self.values("keeper")?;
        let keeper = self.origin(keeper)?;
        let [space] = self.values("space")?;
        let space = self.hash(SpaceId::from_hex(space))?;
        let [number] = self.values("number")?;
        let number = self.integer(number)?;
        let [prev] = self.values("prev")?;
        let prev = self.or_none(prev, |lines, id| lines.hash(RecordId::from_hex(id)))?;
        let [epoch] = self.values("epoch")?;
        let epoch = self.epoch_number(epoch)?;
        let [time] = self.values("time")?;
        let time = ClaimedTime::parse(time).map_err(|_| Error::Time { line: self.line })?;
        let seen = self.seen()?;
        let body = self.body()?;
        let deposit = self.deposit()?;
        let controls = self.controls()?;
        Ok(Envelope { keeper, space, number, prev, epoch, time, seen, body, deposit, controls })
    }

    fn seen(&mut self) -> Result<Option<Seen>, Error> {
        let [size, root] = self.values("seen")?;
        let size = self.integer(size)?;
        let root = self.or_none(root, |lines, root| lines.hash(RootHash::from_hex(root)))?;
        match (size, root) {
            (0, None) => Ok(None),
            (1.., Some(root)) => Ok(Some(Seen { size, root })),
            (0, Some(_)) | (1.., None) => Err(Error::Seen),
        }
    }

    fn body(&mut self) -> Result<Option<(ObjectId, u64)>, Error> {
        let body = self.wanted("body")?;
        if body == NONE {
            return Ok(None);
        }
        let [id, bytes] = self.split(body)?;
        Ok(Some((self.hash(ObjectId::from_hex(id))?, self.integer(bytes)?)))
    }

    fn deposit(&mut self) -> Result<Option<Deposit>, Error> {
        if !self.rest.is_some_and(|rest| rest.starts_with("series ")) {
            return Ok(None);
        }
        let [series, k, prev] = self.values("series")?;
        let series = self.hash(SeriesId::from_hex(series))?;
        let k = self.integer(k)?;
        let prev = self.or_none(prev, |lines, id| lines.hash(RecordId::from_hex(id)))?;
        let [sha256, blake3] = self.values("commit")?;
        let sha256 = self.hash(CommitHash::from_hex(sha256))?;
        let blake3 = self.hash(CommitHash::from_hex(blake3))?;
        let [count, total, list] = self.values("objects")?;
        let (count, total) = (self.integer(count)?, self.integer(total)?);
        let list = self.hash(ObjectId::from_hex(list))?;
        let (commit, objects) = (Commitment { sha256, blake3 }, Objects { count, total, list });
        Ok(Some(Deposit { series, k, prev, commit, objects }))
    }

    fn controls(&mut self) -> Result<Vec<Control>, Error> {
        let mut controls = Vec::new();
        while let Some(line) = self.next() {
            if controls.len() >= CONTROLS_MAX {
                return Err(Error::ControlCount);
            }
            let (word, rest) = line.split_once(' ').ok_or(Error::UnknownLine { line: self.line })?;
            controls.push(self.control(word, rest)?);
        }
        Ok(controls)
    }

    fn control(&self, word: &str, rest: &str) -> Result<Control, Error> {
        match word {
            "founder" => Ok(Control::Founder(self.key(rest)?)),
            "slot" => Ok(Control::Slot(self.hash(SlotKeyHash::from_hex(rest))?)),
            "recovery" => Ok(Control::Recovery(self.or_none(rest, Self::key)?)),
            "admins" => AdminRule::from_word(rest).map(Control::Admins).ok_or(Error::Admins { line: self.line }),
            "remove" => Ok(Control::Remove(self.key(rest)?)),
            "member" => {
                let [key, role] = self.split(rest)?;
                let role = Role::from_word(role).ok_or(Error::Role { line: self.line })?;
                Ok(Control::Member { key: self.key(key)?, role })
            }
            "session" => {
                let [member, session] = self.split(rest)?;
                Ok(Control::Session { member: self.key(member)?, session: self.key(session)? })
            }
            "rotator-ends" => Ok(Control::RotatorEnds(self.key(rest)?)),
            "rotator" => Ok(Control::Rotator(self.key(rest)?)),
            "epoch" => {
                let [epoch, recipient] = self.split(rest)?;
                let recipient = self.hash(ObjectId::from_hex(recipient))?;
                Ok(Control::Epoch { epoch: self.epoch_number(epoch)?, recipient })
            }
            "wrap" => {
                let [epoch, wrap, bytes] = self.split(rest)?;
                let (epoch, wrap) = (self.epoch_number(epoch)?, self.hash(ObjectId::from_hex(wrap))?);
                Ok(Control::Wrap { epoch, wrap, bytes: self.integer(bytes)? })
            }
            "origin" => Ok(Control::Origin(self.origin(rest)?)),
            _ => Err(Error::UnknownLine { line: self.line }),
        }
    }

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest?;
        let (line, rest) = match rest.split_once('\n') {
            Some((line, rest)) => (line, Some(rest)),
            None => (rest, None),
        };
        self.rest = rest;
        self.line = self.line.saturating_add(1);
        Some(line)
    }

    /// What follows the wanted first word of the next line.
    fn wanted(&mut self, wanted: &'static str) -> Result<&'a str, Error> {
        let line = self.next();
        let rest = line.and_then(|line| line.strip_prefix(wanted)?.strip_prefix(' '));
        rest.ok_or(Error::Wanted { line: self.line, wanted })
    }

    fn values<const N: usize>(&mut self, wanted: &'static str) -> Result<[&'a str; N], Error> {
        let rest = self.wanted(wanted)?;
        self.split(rest)
    }

    fn split<'b, const N: usize>(&self, rest: &'b str) -> Result<[&'b str; N], Error> {
        // One more than wanted is enough to see that there are too many.
        let values: Vec<&str> = rest.splitn(N.saturating_add(1), ' ').collect();
        values.try_into().map_err(|_| Error::Values { line: self.line })
    }

    fn or_none<'b, T>(
        &self,
        text: &'b str,
        read: impl FnOnce(&Self, &'b str) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        if text == NONE { Ok(None) } else { read(self, text).map(Some) }
    }

    fn integer(&self, text: &str) -> Result<u64, Error> {
        match text.parse::<u64>() {
            Ok(value) if value.to_string() == text => Ok(value),
            Ok(_) | Err(_) => Err(Error::Integer { line: self.line }),
        }
    }

    fn epoch_number(&self, text: &str) -> Result<u32, Error> {
        u32::try_from(self.integer(text)?).map_err(|_| Error::Integer { line: self.line })
    }

    fn hash<T>(&self, read: Result<T, NotAnId>) -> Result<T, Error> {
        read.map_err(|_| Error::Hash { line: self.line })
    }

    fn key(&self, text: &str) -> Result<VerifyingKey, Error> {
        VerifyingKey::from_base64(text).map_err(|_| Error::Key { line: self.line })
    }

    fn origin(&self, text: &str) -> Result<Origin, Error> {
        Origin::parse(text).map_err(|_| Error::Origin { line: self.line })
    }
}
