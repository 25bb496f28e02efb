//! Reads a deposit's tar back out of its packs: only the packs that are needed, on all cores, in bounded memory. What
//! cannot be had is a gap, and the reading goes on behind it.
//!
//! ```text
//!   pack numbers ──► fetch, verify, open ──► frames (in order) ──► unframe ──► blocks of the tar, in order
//!                    one a core              cheap                one a core
//! ```

use std::ops::Range;

use hizo_ledger::object::ObjectRef;
use hizo_vault::manifest::PackStart;
use hizo_vault::plaintext::Plaintext;
use hizo_vault::stream::{self, BLOCK_BYTES, Frames};

use crate::contents::Opened;
use crate::failure::{Failure, Outcome};
use crate::lanes::{Results, Things, lanes};
use crate::packing::cores;

/// The packs of one deposit's tar.
pub(crate) struct Packs<'a> {
    pub epoch: u32,
    pub packs: &'a [ObjectRef],
    pub starts: &'a [PackStart],
    /// Bytes of the whole tar.
    pub tar_bytes: u64,
}

/// What comes out of packs.
pub(crate) enum Piece<'b> {
    /// Bytes of the tar from this offset on.
    Bytes(u64, &'b [u8]),
    /// What follows cannot be had, up to where the next bytes begin; and why.
    Gap(Failure),
}

/// Room for a member's header. A sparse file's map is longer, and shorter than the holes that it describes.
pub(crate) const HEADER_ROOM_BYTES: u64 = 64 << 10;

/// Threads that open packs; each holds one of 16 MiB.
const OPENERS_MAX: usize = 4;

/// Something at its turn: a frame with its number in the tar, or why there is none from there on.
enum Turn {
    Frame(u64, Vec<u8>),
    Gap(Failure),
}

/// The same when the frame is undone.
enum Done {
    Block(u64, Vec<u8>),
    Gap(Failure),
}

impl Packs<'_> {
    /// Hands over the tar's blocks from the one that holds byte `range.start`, in order, until `take` has enough.
    ///
    /// `take` says whether it wants more. At most the packs that hold the range are fetched. A pack that is missing,
    /// damaged or not in its form is a gap up to the first frame that begins in the next one.
    ///
    /// # Errors
    /// Whatever `take` fails with.
    pub(crate) fn read(
        &self,
        opened: Opened,
        range: Range<u64>,
        mut take: impl FnMut(Piece) -> Outcome<bool>,
    ) -> Outcome<()> {
        let wanted = match self.wanted(&range) {
            Ok(wanted) => wanted,
            Err(failure) => return take(Piece::Gap(failure)).map(drop),
        };
        std::thread::scope(|scope| {
            let (mut numbers, opened) = lanes(scope, cores().min(OPENERS_MAX), 0, |number| self.open(opened, number));
            let (turns, done) = lanes(scope, cores(), 1, Turn::done);
            let (packs, first_pack, first_frame) = (wanted.packs.clone(), wanted.packs.start, wanted.first_frame);
            scope.spawn(move || {
                for number in packs {
                    if !numbers.give(number) {
                        return;
                    }
                }
            });
            let splitter = Splitter { starts: self.starts, first_frame, frames: None, number: 0, turns };
            scope.spawn(move || splitter.run(first_pack, opened));
            // Whoever still waits to hand something over learns from what is dropped here that it need not.
            for turn in done {
                let going = match turn {
                    Done::Block(number, block) => {
                        take(Piece::Bytes(number.saturating_mul(BLOCK_BYTES as u64), &block))?
                    }
                    Done::Gap(failure) => take(Piece::Gap(failure))?,
                };
                if !going {
                    break;
                }
            }
            Ok(())
        })
    }

    /// The packs that hold a range of the tar, where the first frame of them begins in the first one's plaintext, and at which
    /// byte of the tar.
    ///
    /// # Errors
    /// When the manifest does not say where its packs start.
    pub(crate) fn holding(&self, range: &Range<u64>) -> Outcome<(&[ObjectRef], PackStart, u64)> {
        let wanted = self.wanted(range)?;
        let found = self.packs.get(wanted.packs.clone()).zip(self.starts.get(wanted.packs.start));
        let (packs, start) = found.ok_or_else(|| Failure::untrue("the manifest names a pack that is not there"))?;
        Ok((packs, *start, start.frame.saturating_mul(BLOCK_BYTES as u64)))
    }

    fn open(&self, opened: Opened, number: usize) -> Outcome<Plaintext> {
        let pack =
            self.packs.get(number).ok_or_else(|| Failure::untrue("the manifest names a pack that is not there"))?;
        opened.keyring.open(self.epoch, opened.safe.object(*pack)?)
    }

    /// Which packs hold a range of the tar, and the first frame that does.
    fn wanted(&self, range: &Range<u64>) -> Outcome<Wanted> {
        let frame_of = |byte: u64| byte / BLOCK_BYTES as u64;
        let (first_frame, last_frame) = (frame_of(range.start), frame_of(range.end.saturating_sub(1).max(range.start)));
        if range.end > self.tar_bytes {
            return Err(Failure::untrue("the manifest names a place past the end of its tar"));
        }
        let frames = self.tar_bytes.div_ceil(BLOCK_BYTES as u64);
        let ascending = self.starts.windows(2).all(|pair| pair[0].frame < pair[1].frame)
            && self.starts.last().is_none_or(|last| last.frame < frames);
        let after = |frame: u64| self.starts.partition_point(|start| start.frame <= frame);
        let first_pack = after(first_frame).checked_sub(1);
        let Some(first_pack) = first_pack.filter(|_| ascending && self.starts.len() <= self.packs.len()) else {
            return Err(Failure::untrue("the manifest does not say where its packs start"));
        };
        // The last frame that begins in a pack ends in the next one, unless that one begins with a whole frame.
        let last_pack = after(last_frame);
        let goes_on = |start: &PackStart| start.offset > 0 && start.frame == last_frame.saturating_add(1);
        let straddles = self.starts.get(last_pack).is_none_or(goes_on);
        let end = (last_pack + usize::from(straddles)).min(self.packs.len());
        Ok(Wanted { packs: first_pack..end, first_frame })
    }
}

struct Wanted {
    packs: Range<usize>,
    first_frame: u64,
}

impl Turn {
    fn done(self) -> Done {
        match self {
            Self::Frame(number, frame) => match stream::unframe(&frame) {
                Ok(block) => Done::Block(number, block),
                Err(error) => Done::Gap(refused(error)),
            },
            Self::Gap(failure) => Done::Gap(failure),
        }
    }
}

/// Cuts opened packs, in order, into frames; those before the first wanted one are dropped.
struct Splitter<'a> {
    starts: &'a [PackStart],
    first_frame: u64,
    /// Nothing at the beginning and behind a gap: the next pack says where a frame begins in it.
    frames: Option<Frames>,
    /// Number of the next frame.
    number: u64,
    turns: Things<Turn>,
}

impl Splitter<'_> {
    fn run(mut self, first_pack: usize, packs: Results<Outcome<Plaintext>>) {
        for (index, opened) in (first_pack..).zip(packs) {
            let going = match opened {
                Ok(plain) => self.pack(index, &plain),
                Err(failure) => self.gap(failure),
            };
            if !going {
                return;
            }
        }
    }

    /// Whether anybody still listens.
    fn pack(&mut self, index: usize, plain: &[u8]) -> bool {
        let (mut frames, plain) = match self.frames.take() {
            Some(frames) => (frames, plain),
            None => {
                // A pack without a start holds padding alone.
                let Some(start) = self.starts.get(index) else { return true };
                let Some(rest) = usize::try_from(start.offset).ok().and_then(|at| plain.get(at..)) else {
                    return self.gap(Failure::untrue("the manifest names a place past the end of a pack"));
                };
                self.number = start.frame;
                (Frames::from_the_middle(), rest)
            }
        };
        let (turns, first_frame, mut number, mut going) = (&mut self.turns, self.first_frame, self.number, true);
        let split = frames.push_each(plain, |frame| {
            if number >= first_frame {
                going = going && turns.give(Turn::Frame(number, frame.to_vec()));
            }
            number += 1;
        });
        self.number = number;
        match split {
            Ok(()) => self.frames = Some(frames),
            Err(error) => going = going && self.gap(refused(error)),
        }
        going
    }

    fn gap(&mut self, failure: Failure) -> bool {
        self.frames = None;
        self.turns.give(Turn::Gap(failure))
    }
}

fn refused(error: stream::Error) -> Failure {
    Failure::untrue(error.to_string())
}
