//! One test binary for the crate.

#![cfg(unix)]

mod attacks;
mod certificates;
mod check;
mod damage;
mod flips;
mod folders;
mod forge;
mod guide;
mod habits;
mod kept;
mod kills;
mod kit;
mod proofs;
mod receipts;
mod recovery;
mod tidy;
mod verify;
mod watch;
mod words;
mod zips;
