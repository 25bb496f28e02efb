//! One test binary for the crate.

#![cfg(unix)]

mod attacks;
mod cards;
mod certificates;
mod check;
mod composed;
mod damage;
mod flips;
mod folders;
mod forge;
mod guide;
mod habits;
mod kept;
mod kills;
mod kit;
mod outside;
mod proofs;
mod receipts;
mod recovery;
mod stamps;
mod tidy;
mod verify;
mod watch;
mod witness;
mod words;
mod zips;
