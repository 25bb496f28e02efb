//! Reads composed content in its order, out of the members of several deposits that hold it.
//!
//! Members are entered at any offset. What was opened last is kept at hand within limits, since neighbouring spans, and
//! neighbouring files, lie in the same packs. See docs/spec/manifest.md, section "Spans".

use std::collections::VecDeque;
use std::ops::Range;
use std::rc::Rc;

use hizo_ledger::id::SeriesId;
use hizo_vault::archive::{self, Event, Extent, MemberKind};
use hizo_vault::manifest::{Content, Place};
use hizo_vault::plaintext::Plaintext;
use hizo_vault::stream::{self, BLOCK_BYTES, Frames};

use crate::contents::{Opened, Sheet, Tar};
use crate::failure::{Failure, Outcome};
use crate::hashing;
use crate::words::words;

/// What is kept at hand, in bytes: three full packs, blocks of some tars that are read in turn, tars that came with their
/// manifests, maps of sparse members.
const PACKS_BYTES_MAX: usize = 48 << 20;
const BLOCKS_BYTES_MAX: usize = 16 << 20;
const SHEETS_BYTES_MAX: usize = 32 << 20;
const MEMBERS_BYTES_MAX: usize = 4 << 20;

/// Members of one series, opened as they are needed.
pub(crate) struct Members<'a> {
    opened: Opened<'a>,
    series: SeriesId,
    sheets: Recent<u64, Sheet<'a>>,
    packs: Recent<(u64, usize), Plaintext>,
    blocks: Recent<(u64, u64), Vec<u8>>,
    members: Recent<Place, Member>,
}

/// Why content cannot be had, and whose tar does not give it.
pub(crate) struct Broken {
    pub deposit: u64,
    pub failure: Failure,
}

/// A file in a tar.
struct Member {
    size: u64,
    /// Stretches that have data, each with where it begins in the tar.
    data: Vec<(Extent, u64)>,
}

/// Content on its way, from front to back.
pub(crate) struct Composed<'m, 'a> {
    members: &'m mut Members<'a>,
    own: Place,
    size: u64,
    stretches: VecDeque<(Range<u64>, Place)>,
}

impl<'a> Members<'a> {
    pub(crate) fn of(opened: Opened<'a>, series: SeriesId) -> Self {
        Self {
            opened,
            series,
            sheets: Recent::new(SHEETS_BYTES_MAX),
            packs: Recent::new(PACKS_BYTES_MAX),
            blocks: Recent::new(BLOCKS_BYTES_MAX),
            members: Recent::new(MEMBERS_BYTES_MAX),
        }
    }

    /// Starts to read content from its beginning.
    pub(crate) fn compose(&mut self, content: &Content) -> Composed<'_, 'a> {
        Composed { members: self, own: content.place, size: content.size, stretches: content.stretches().collect() }
    }

    /// All of a content in memory, as it was committed to; for whoever has looked how large it is.
    ///
    /// # Errors
    /// Exit code 3 when it is another one.
    pub(crate) fn whole(&mut self, content: &Content) -> Outcome<Plaintext> {
        let size = usize::try_from(content.size).map_err(Failure::internal)?;
        // What does not come is zeros.
        let mut bytes = Plaintext::from(vec![0; size]);
        let mut pieces = self.compose(content);
        while let Some((offset, piece)) = pieces.next().map_err(|broken| broken.failure)? {
            let place = usize::try_from(offset).ok().and_then(|at| bytes.get_mut(at..)?.get_mut(..piece.len()));
            place.ok_or_else(not_committed)?.copy_from_slice(&piece);
        }
        match hashing::value_and_segments(content.value.key, &bytes).0 == content.value {
            true => Ok(bytes),
            false => Err(not_committed()),
        }
    }

    /// Lets go of what is opened, for the sake of memory.
    pub(crate) fn let_go(&mut self) {
        (self.packs, self.blocks) = (Recent::new(PACKS_BYTES_MAX), Recent::new(BLOCKS_BYTES_MAX));
    }

    fn sheet(&mut self, deposit: u64) -> Outcome<Rc<Sheet<'a>>> {
        if let Some(sheet) = self.sheets.find(&deposit) {
            return Ok(sheet);
        }
        let sheet = self.opened.sheet_without_entries(self.opened.deposit(self.series, deposit)?)?;
        let bytes = match &sheet.tar {
            Tar::None => 0,
            Tar::Small(tar) => tar.len(),
            Tar::Packs { packs, starts, .. } => size_of_val(packs.as_slice()) + size_of_val(starts.as_slice()),
        };
        Ok(self.sheets.keep(deposit, sheet, bytes))
    }

    /// The header of the member at a place.
    fn member(&mut self, place: Place) -> Outcome<Rc<Member>> {
        if let Some(member) = self.members.find(&place) {
            return Ok(member);
        }
        let mut reader = archive::Reader::at(place.block);
        let mut offset = place.block.checked_mul(archive::BLOCK_BYTES as u64).ok_or_else(past_the_end)?;
        loop {
            let (block, from) = self.block_at(place.deposit, offset)?;
            let bytes = &block[from..];
            let mut rest = bytes;
            let event = reader.read(&mut rest).map_err(|error| Failure::untrue(error.to_string()))?;
            offset = offset.saturating_add((bytes.len() - rest.len()) as u64);
            match event {
                None => (),
                Some(Event::Member { member, .. }) => {
                    let member = Member::new(member.kind, offset)?;
                    let bytes = size_of_val(member.data.as_slice());
                    return Ok(self.members.keep(place, member, bytes));
                }
                Some(Event::Data { .. } | Event::MemberEnd | Event::End) => return Err(not_a_file()),
            }
        }
    }

    /// The block of a deposit's tar that holds a byte, and where in it that byte stands.
    fn block_at(&mut self, deposit: u64, offset: u64) -> Outcome<(Rc<Vec<u8>>, usize)> {
        let (number, within) = (offset / BLOCK_BYTES as u64, (offset % BLOCK_BYTES as u64) as usize);
        let block = match self.blocks.find(&(deposit, number)) {
            Some(block) => block,
            None => {
                let block = self.read_block(deposit, number)?;
                let bytes = block.len();
                self.blocks.keep((deposit, number), block, bytes)
            }
        };
        if within < block.len() { Ok((block, within)) } else { Err(past_the_end()) }
    }

    fn read_block(&mut self, deposit: u64, number: u64) -> Outcome<Vec<u8>> {
        let sheet = self.sheet(deposit)?;
        match &sheet.tar {
            Tar::None => Err(past_the_end()),
            Tar::Small(tar) => {
                let block = usize::try_from(number).ok().and_then(|number| tar.chunks(BLOCK_BYTES).nth(number));
                block.map(<[u8]>::to_vec).ok_or_else(past_the_end)
            }
            Tar::Packs { starts, .. } => {
                if number >= sheet.layer.head.archive_bytes.div_ceil(BLOCK_BYTES as u64) {
                    return Err(past_the_end());
                }
                let pack = starts.partition_point(|start| start.frame <= number).checked_sub(1);
                let (pack, start) = pack.and_then(|pack| Some((pack, starts.get(pack)?))).ok_or_else(no_starts)?;
                let (mut frames, mut frame, mut found) = (Frames::from_the_middle(), start.frame, None);
                let mut take = |bytes: &[u8]| {
                    let taken = frames.push_each(bytes, |bytes| {
                        if frame == number {
                            found = Some(bytes.to_vec());
                        }
                        frame = frame.saturating_add(1);
                    });
                    taken.map_err(refused)?;
                    Ok::<_, Failure>(found.take())
                };
                let first = self.pack(deposit, &sheet, pack)?;
                let begins = usize::try_from(start.offset).ok().and_then(|offset| first.get(offset..));
                let mut whole = take(begins.ok_or_else(past_the_end)?)?;
                if whole.is_none() {
                    // The last frame that begins in a pack ends in the next one.
                    let next = self.pack(deposit, &sheet, pack.saturating_add(1))?;
                    let end = starts.get(pack.saturating_add(1)).and_then(|next| usize::try_from(next.offset).ok());
                    whole = take(end.and_then(|end| next.get(..end)).unwrap_or(&next))?;
                }
                stream::unframe(&whole.ok_or_else(past_the_end)?).map_err(refused)
            }
        }
    }

    fn pack(&mut self, deposit: u64, sheet: &Sheet, number: usize) -> Outcome<Rc<Plaintext>> {
        if let Some(pack) = self.packs.find(&(deposit, number)) {
            return Ok(pack);
        }
        let Tar::Packs { epoch, packs, .. } = &sheet.tar else { return Err(past_the_end()) };
        let named = packs.get(number).ok_or_else(no_starts)?;
        let pack = self.opened.keyring.open(*epoch, self.opened.safe.object(*named)?)?;
        let bytes = pack.len();
        Ok(self.packs.keep((deposit, number), pack, bytes))
    }
}

impl Member {
    fn new(kind: MemberKind, begins: u64) -> Outcome<Self> {
        let MemberKind::File { size, sparse } = kind else { return Err(not_a_file()) };
        let stretches = sparse.map_or_else(|| vec![Extent { offset: 0, length: size }], std::borrow::Cow::into_owned);
        let mut position = begins;
        let placed = |extent: Extent| {
            let at = position;
            position = position.saturating_add(extent.length);
            (extent, at)
        };
        Ok(Self { size, data: stretches.into_iter().map(placed).collect() })
    }

    /// The first bytes in a range that have data: where in the file, where in the tar, and how many. The others are zeros.
    fn data_in(&self, range: &Range<u64>) -> Option<(u64, u64, u64)> {
        let end = |extent: &Extent| extent.offset.saturating_add(extent.length);
        let next = self.data.partition_point(|(extent, _)| end(extent) <= range.start);
        let (extent, position) = self.data.get(next)?;
        let from = extent.offset.max(range.start);
        let length = end(extent).min(range.end).checked_sub(from).filter(|length| *length > 0)?;
        Some((from, position.saturating_add(from - extent.offset), length))
    }
}

fn not_committed() -> Failure {
    Failure::untrue(words!(
        "a file of the deposit is not the one that was committed to",
        "預け入れの中に、預けたときと違うファイルがあります"
    ))
    .hint(words!("Run `hizo check`.", "`hizo check` を実行してください。"))
}

impl Composed<'_, '_> {
    /// The next bytes that are not zeros for want of data, and their offset; nothing at the end.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, Vec<u8>)>, Box<Broken>> {
        while let Some((range, place)) = self.stretches.front_mut() {
            let (wanted, place) = (range.clone(), *place);
            let broken = |failure| Box::new(Broken { deposit: place.deposit, failure });
            let member = self.members.member(place).map_err(broken)?;
            let fits = if place == self.own { member.size == self.size } else { member.size >= wanted.end };
            if !fits {
                return Err(broken(Failure::untrue("a file in the tar is not as long as the manifest says")));
            }
            let Some((from, position, length)) = member.data_in(&wanted) else {
                self.stretches.pop_front();
                continue;
            };
            let (block, at) = self.members.block_at(place.deposit, position).map_err(broken)?;
            let rest = &block[at..];
            let bytes = rest[..usize::try_from(length).map_or(rest.len(), |length| length.min(rest.len()))].to_vec();
            range.start = from.saturating_add(bytes.len() as u64);
            return Ok(Some((from, bytes)));
        }
        Ok(None)
    }
}

/// What was used last, up to so many bytes in all but at least one thing.
struct Recent<K, V> {
    bytes_max: usize,
    bytes: usize,
    /// The last used stands in front.
    things: VecDeque<(K, Rc<V>, usize)>,
}

impl<K: PartialEq, V> Recent<K, V> {
    fn new(bytes_max: usize) -> Self {
        Self { bytes_max, bytes: 0, things: VecDeque::new() }
    }

    fn find(&mut self, key: &K) -> Option<Rc<V>> {
        let at = self.things.iter().position(|(other, ..)| other == key)?;
        let found = self.things.remove(at)?;
        let thing = found.1.clone();
        self.things.push_front(found);
        Some(thing)
    }

    fn keep(&mut self, key: K, thing: V, bytes: usize) -> Rc<V> {
        // Each costs its own room too, so that many small things are not without end.
        let bytes = bytes.saturating_add(ROOM_BYTES);
        let thing = Rc::new(thing);
        self.things.push_front((key, thing.clone(), bytes));
        self.bytes = self.bytes.saturating_add(bytes);
        while self.bytes > self.bytes_max && self.things.len() > 1 {
            self.bytes = self.bytes.saturating_sub(self.things.pop_back().map_or(0, |(.., bytes)| bytes));
        }
        thing
    }
}

/// What a thing that is kept at hand costs beside its bytes.
const ROOM_BYTES: usize = 4096;

fn refused(error: stream::Error) -> Failure {
    Failure::untrue(error.to_string())
}

fn past_the_end() -> Failure {
    Failure::untrue("the manifest names a place past the end of its tar")
}

fn no_starts() -> Failure {
    Failure::untrue("the manifest does not say where its packs start")
}

fn not_a_file() -> Failure {
    Failure::untrue("what the manifest calls a file is none in its tar")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_says_where_its_data_lies_and_what_is_a_hole() {
        let extents = vec![Extent { offset: 512, length: 1024 }, Extent { offset: 4096, length: 100 }];
        let kind = MemberKind::File { size: 5000, sparse: Some(extents.into()) };
        let member = Member::new(kind, 10_240).unwrap();
        let check = |range: Range<u64>, expected| assert_eq!(member.data_in(&range), expected, "{range:?}");
        check(0..5000, Some((512, 10_240, 1024)));
        check(600..700, Some((600, 10_328, 100)));
        check(1536..4096, None);
        check(1536..4097, Some((4096, 11_264, 1)));
        check(4196..5000, None);
    }

    #[test]
    fn what_was_used_last_is_kept_within_its_limit() {
        let mut recent = Recent::new(3 * (ROOM_BYTES + 100));
        for key in 0..3 {
            recent.keep(key, key, 100);
        }
        assert_eq!(recent.find(&0).as_deref(), Some(&0));
        recent.keep(3, 3, 100);
        let there = [0, 1, 2, 3].map(|key| recent.find(&key).is_some());
        assert_eq!(there, [true, false, true, true]);
        recent.keep(4, 4, usize::MAX / 2);
        assert_eq!([0, 2, 3, 4].map(|key| recent.find(&key).is_some()), [false, false, false, true]);
    }
}
