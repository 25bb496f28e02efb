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
mod directory;
mod elsewhere;
mod flips;
mod folders;
mod forge;
mod guide;
mod habits;
mod handover;
mod hostile;
mod keeper;
mod kept;
mod kills;
mod kit;
mod leaving;
mod liar;
mod moving;
mod organisations;
mod outside;
mod proofs;
mod queue;
mod receipts;
mod recovery;
mod refusals;
mod rotation;
mod sharing;
mod stamped;
mod stamps;
mod tidy;
mod two_admins;
mod verify;
mod watch;
mod witness;
mod words;
mod zips;
