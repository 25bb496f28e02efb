//! Reads a deposit's tar back out of its packs: only the packs that are needed, on all cores, in bounded memory. What
//! cannot be had is a gap, and the reading goes on behind it.
//!
//! ```text
//!   pack numbers ──► fetch, verify, open ──► frames (in order) ──► unframe ──► blocks of the tar, in order
//!                    one a core              cheap                one a core
//! ```

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::{Receiver, Sender, bounded};
use hizo_ledger::object::ObjectRef;
use hizo_vault::manifest::PackStart;
use hizo_vault::stream::{self, BLOCK_BYTES, Frames};
use zeroize::Zeroizing;

use crate::contents::Opened;
use crate::failure::{Failure, Outcome};
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

/// A frame, its number in the tar, and its turn among all that is handed over.
type Frame = (u64, u64, Vec<u8>);

/// The same when the frame is undone, or why there is nothing from it on.
type Block = (u64, u64, Outcome<Vec<u8>>);

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
        let enough = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let (numbers, numbers_in) = bounded::<usize>(0);
            let (opened_out, opened_in) = bounded::<(usize, Outcome<Zeroizing<Vec<u8>>>)>(0);
            let (frames_out, frames_in) = bounded::<Frame>(cores());
            let (blocks_out, blocks_in) = bounded::<Block>(cores());
            for _ in 0..cores().min(4) {
                let (numbers_in, opened_out) = (numbers_in.clone(), opened_out.clone());
                scope.spawn(move || {
                    for number in numbers_in {
                        if opened_out.send((number, self.open(opened, number))).is_err() {
                            return;
                        }
                    }
                });
            }
            for _ in 0..cores() {
                let (frames_in, blocks_out) = (frames_in.clone(), blocks_out.clone());
                scope.spawn(move || {
                    for (turn, number, frame) in frames_in {
                        if blocks_out.send((turn, number, stream::unframe(&frame).map_err(refused))).is_err() {
                            return;
                        }
                    }
                });
            }
            drop((numbers_in, opened_out, frames_in));
            let (packs, enough_so_far) = (wanted.packs.clone(), &enough);
            scope.spawn(move || {
                for number in packs {
                    if enough_so_far.load(Ordering::Relaxed) || numbers.send(number).is_err() {
                        return;
                    }
                }
            });
            let first_frame = wanted.first_frame;
            let splitter =
                Splitter { starts: self.starts, first_frame, frames: None, number: 0, turn: 0, frames_out, blocks_out };
            scope.spawn(move || splitter.run(wanted.packs.start, &opened_in));
            let done = in_order(&blocks_in, &mut take);
            enough.store(true, Ordering::Relaxed);
            // Whoever still waits to hand something over must not wait for ever.
            drop(blocks_in);
            done
        })
    }

    fn open(&self, opened: Opened, number: usize) -> Outcome<Zeroizing<Vec<u8>>> {
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
        let ascending = self.starts.windows(2).all(|pair| pair[0].frame < pair[1].frame);
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

/// Cuts opened packs, in order, into frames; those before the first wanted one are dropped.
struct Splitter<'a> {
    starts: &'a [PackStart],
    first_frame: u64,
    /// Nothing at the beginning and behind a gap: the next pack says where a frame begins in it.
    frames: Option<Frames>,
    /// Number of the next frame.
    number: u64,
    turn: u64,
    frames_out: Sender<Frame>,
    blocks_out: Sender<Block>,
}

impl Splitter<'_> {
    fn run(mut self, mut next: usize, packs: &Receiver<(usize, Outcome<Zeroizing<Vec<u8>>>)>) {
        let mut waiting = BTreeMap::new();
        for (pack, opened) in packs {
            waiting.insert(pack, opened);
            while let Some(opened) = waiting.remove(&next) {
                let going = match opened {
                    Ok(plain) => self.pack(next, &plain),
                    Err(failure) => self.gap(failure),
                };
                if !going {
                    return;
                }
                next += 1;
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
        let (frames_out, first_frame) = (&self.frames_out, self.first_frame);
        let (mut number, mut turn, mut going) = (self.number, self.turn, true);
        let split = frames.push_each(plain, |frame| {
            if number >= first_frame {
                going = going && frames_out.send((turn, number, frame.to_vec())).is_ok();
                turn += 1;
            }
            number += 1;
        });
        (self.number, self.turn) = (number, turn);
        match split {
            Ok(()) => self.frames = Some(frames),
            Err(error) => going = going && self.gap(refused(error)),
        }
        going
    }

    fn gap(&mut self, failure: Failure) -> bool {
        self.frames = None;
        let sent = self.blocks_out.send((self.turn, self.number, Err(failure))).is_ok();
        self.turn += 1;
        sent
    }
}

fn in_order(blocks: &Receiver<Block>, take: &mut impl FnMut(Piece) -> Outcome<bool>) -> Outcome<()> {
    let mut waiting = BTreeMap::new();
    let mut next = 0;
    for (turn, number, block) in blocks {
        waiting.insert(turn, (number, block));
        while let Some((number, block)) = waiting.remove(&next) {
            let going = match block {
                Ok(block) => take(Piece::Bytes(number.saturating_mul(BLOCK_BYTES as u64), &block))?,
                Err(failure) => take(Piece::Gap(failure))?,
            };
            if !going {
                return Ok(());
            }
            next += 1;
        }
    }
    Ok(())
}

fn refused(error: stream::Error) -> Failure {
    Failure::untrue(error.to_string())
}
