//! Reads a whole tar back out of its packs and goes on behind what is damaged.
//!
//! ```text
//!   packs ──► fetch, compare, open ──► frames (in order) ──► unframe ──► blocks, in order, with gaps named
//!             one a core               cheap                 one a core
//! ```

use hizo_ledger::id::ObjectId;
use hizo_ledger::object::ObjectRef;
use hizo_vault::manifest::PackStart;
use hizo_vault::plaintext::Plaintext;
use hizo_vault::stream::{self, BLOCK_BYTES, Frames};

use super::objects::{self, State};
use crate::contents::Opened;
use crate::lanes::{Results, Things, lanes};
use crate::packing::cores;

/// Threads that open packs; each holds one of 16 MiB.
const OPENERS_MAX: usize = 4;

/// What comes out of packs.
#[derive(Debug)]
pub(super) enum Piece {
    /// The 1 MiB block of the tar with this number.
    Block(u64, Vec<u8>),
    /// A pack that cannot be had: what begins in it is missing.
    Bad(ObjectId, State),
    /// The stream is not in its form from here to the next pack.
    Stream(stream::Error),
    /// A pack does not start where the manifest says.
    Start,
}

/// The packs of one tar.
#[derive(Clone, Copy)]
pub(super) struct Packs<'a> {
    pub opened: Opened<'a>,
    pub epoch: u32,
    pub packs: &'a [ObjectRef],
    pub starts: &'a [PackStart],
    /// Bytes of the whole tar.
    pub tar_bytes: u64,
    /// Told of the bytes of each pack that was read.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

/// Something at its turn: a frame still to be undone, or a piece as it is.
enum Turn {
    Frame(u64, Vec<u8>),
    Piece(Piece),
}

impl<'a> Packs<'a> {
    /// Hands over every piece in order.
    pub(super) fn read(self, mut take: impl FnMut(Piece)) {
        std::thread::scope(|scope| {
            let (mut numbers, opened) = lanes(scope, cores().min(OPENERS_MAX), 0, move |number| self.open(number));
            let (turns, pieces) = lanes(scope, cores(), 1, Turn::done);
            scope.spawn(move || (0..self.packs.len()).all(|number| numbers.give(number)));
            scope.spawn(move || Splitter::new(self, turns).run(opened));
            pieces.for_each(&mut take);
        });
    }

    fn open(&self, number: usize) -> Result<Plaintext, State> {
        let opened = objects::open(self.opened, self.epoch, self.packs[number]);
        (self.progress)(self.packs[number].bytes());
        opened
    }
}

impl Turn {
    fn done(self) -> Piece {
        match self {
            Self::Frame(number, frame) => match stream::unframe(&frame) {
                Ok(block) => Piece::Block(number, block),
                Err(error) => Piece::Stream(error),
            },
            Self::Piece(piece) => piece,
        }
    }
}

/// Cuts opened packs, in order, into frames.
struct Splitter<'a> {
    packs: Packs<'a>,
    turns: Things<Turn>,
    /// Nothing, behind a gap and before the next pack that has a start.
    frames: Option<Frames>,
    /// Number of the next frame.
    number: u64,
}

impl<'a> Splitter<'a> {
    fn new(packs: Packs<'a>, turns: Things<Turn>) -> Self {
        Self { packs, turns, frames: Some(Frames::new()), number: 0 }
    }

    fn run(mut self, opened: Results<Result<Plaintext, State>>) {
        for (index, (named, pack)) in self.packs.packs.iter().zip(opened).enumerate() {
            match pack {
                Ok(plain) => self.pack(index, &plain),
                Err(state) => {
                    self.give(Turn::Piece(Piece::Bad(named.id(), state)));
                    self.frames = None;
                }
            }
        }
        let end = self.frames.as_ref().map_or(Ok(()), Frames::finish);
        if let Err(error) = end {
            self.give(Turn::Piece(Piece::Stream(error)));
        }
    }

    fn pack(&mut self, index: usize, plain: &[u8]) {
        // A pack without a start holds padding alone.
        let Some(start) = self.packs.starts.get(index).copied() else { return self.push(plain) };
        let cut = usize::try_from(start.offset).ok().and_then(|at| plain.split_at_checked(at));
        let frames = self.packs.tar_bytes.div_ceil(BLOCK_BYTES as u64);
        let Some((straddling, rest)) = cut.filter(|_| start.frame < frames) else {
            self.give(Turn::Piece(Piece::Start));
            self.frames = None;
            return;
        };
        self.push(straddling);
        let between_frames = |frames: &Frames| frames.finish() != Err(stream::Error::Truncated);
        match &self.frames {
            Some(frames) if between_frames(frames) && self.number == start.frame => (),
            Some(_) => self.give(Turn::Piece(Piece::Start)),
            None => {
                self.frames = Some(Frames::from_the_middle());
                self.number = start.frame;
            }
        }
        self.push(rest);
    }

    fn push(&mut self, bytes: &[u8]) {
        let Some(mut frames) = self.frames.take() else { return };
        let (turns, mut number) = (&mut self.turns, self.number);
        let pushed = frames.push_each(bytes, |frame| {
            let _ = turns.give(Turn::Frame(number, frame.to_vec()));
            number += 1;
        });
        self.number = number;
        match pushed {
            Ok(()) => self.frames = Some(frames),
            Err(error) => self.give(Turn::Piece(Piece::Stream(error))),
        }
    }

    fn give(&mut self, turn: Turn) {
        // Nobody listens any more only when the reading ends.
        let _ = self.turns.give(turn);
    }
}
