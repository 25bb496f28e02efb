//! One test binary for the crate.

#![cfg(unix)]

mod afresh;
mod attacks;
mod cards;
mod certificates;
mod check;
mod composed;
mod copies;
mod damage;
mod elsewhere;
mod flips;
mod folders;
mod forge;
mod guide;
mod habits;
mod handover;
mod keeper;
mod kept;
mod kills;
mod kit;
mod liar;
mod line;
mod load;
mod outside;
mod proofs;
mod queue;
mod receipts;
mod recovery;
mod refusals;
mod sharing;
mod stamped;
mod stamps;
mod sweep;
mod tidy;
mod verify;
mod watch;
mod witness;
mod words;
mod zips;
