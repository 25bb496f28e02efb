//! Reads a deposit's tar back out of its packs: only the packs that are needed, on all cores, in bounded memory.
//!
//! ```text
//!   pack numbers ──► fetch, verify, open ──► frames (in order) ──► unframe ──► blocks of the tar, in order
//!                    one a core              cheap                one a core
//! ```

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::{Receiver, bounded};
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

impl Packs<'_> {
    /// Hands over the tar's blocks from the one that holds byte `range.start`, in order, until `take` has enough.
    ///
    /// `take` gets the offset of the bytes in the tar and says whether it wants more. At most the packs that hold the
    /// range are fetched.
    ///
    /// # Errors
    /// A pack that is missing, damaged or not in its form; and whatever `take` fails with.
    pub(crate) fn read(
        &self,
        opened: Opened,
        range: Range<u64>,
        mut take: impl FnMut(u64, &[u8]) -> Outcome<bool>,
    ) -> Outcome<()> {
        let wanted = self.wanted(&range)?;
        let enough = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let (numbers, numbers_in) = bounded::<usize>(0);
            let (opened_out, opened_in) = bounded::<(usize, Outcome<Zeroizing<Vec<u8>>>)>(0);
            let (frames_out, frames_in) = bounded::<(u64, Vec<u8>)>(cores());
            let (blocks_out, blocks_in) = bounded::<(u64, Outcome<Vec<u8>>)>(cores());
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
                    for (number, frame) in frames_in {
                        if blocks_out.send((number, stream::unframe(&frame).map_err(refused))).is_err() {
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
            let splitting = blocks_out.clone();
            let split = wanted.clone();
            scope.spawn(move || {
                if let Err(failure) =
                    split_frames(&split, &opened_in, |number, frame| frames_out.send((number, frame)).is_ok())
                {
                    let _ = splitting.send((u64::MAX, Err(failure)));
                }
            });
            drop(blocks_out);
            let done = in_order(wanted.first_frame, &blocks_in, &mut take);
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

    /// Which packs hold a range of the tar, and where to begin in the first of them.
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
        let start = self.starts[first_pack];
        Ok(Wanted { packs: first_pack..end, start, first_frame: first_frame.max(start.frame) })
    }
}

#[derive(Clone)]
struct Wanted {
    packs: Range<usize>,
    start: PackStart,
    first_frame: u64,
}

/// Cuts opened packs, in order, into frames; those before the first wanted one are dropped.
fn split_frames(
    wanted: &Wanted,
    packs: &Receiver<(usize, Outcome<Zeroizing<Vec<u8>>>)>,
    mut give: impl FnMut(u64, Vec<u8>) -> bool,
) -> Outcome<()> {
    let mut frames = Frames::from_the_middle();
    let mut number = wanted.start.frame;
    let mut waiting = BTreeMap::new();
    let mut next = wanted.packs.start;
    for (pack, opened) in packs {
        waiting.insert(pack, opened?);
        while let Some(plain) = waiting.remove(&next) {
            let skip = if next == wanted.packs.start { wanted.start.offset } else { 0 };
            let plain = plain.get(usize::try_from(skip).unwrap_or(usize::MAX)..);
            let plain = plain.ok_or_else(|| Failure::untrue("the manifest names a place past the end of a pack"))?;
            let mut going = true;
            let split = frames.push_each(plain, |frame| {
                going = going && (number < wanted.first_frame || give(number, frame.to_vec()));
                number += 1;
            });
            split.map_err(refused)?;
            if !going {
                return Ok(());
            }
            next += 1;
        }
    }
    Ok(())
}

fn in_order(
    first: u64,
    blocks: &Receiver<(u64, Outcome<Vec<u8>>)>,
    take: &mut impl FnMut(u64, &[u8]) -> Outcome<bool>,
) -> Outcome<()> {
    let mut waiting = BTreeMap::new();
    let mut next = first;
    for (number, block) in blocks {
        waiting.insert(number, block?);
        while let Some(block) = waiting.remove(&next) {
            if !take(next * BLOCK_BYTES as u64, &block)? {
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
