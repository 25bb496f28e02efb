//! One test binary for the crate.

#![cfg(unix)]

#[path = "../../../say_aloud.rs"]
mod say_aloud;

mod afresh;
mod attacks;
mod cards;
mod case;
mod certificates;
mod check;
mod composed;
mod copies;
mod damage;
mod delegated;
mod desk;
mod directory;
mod doors;
mod elsewhere;
mod faults;
mod flips;
mod folders;
mod foreign;
mod forge;
mod guide;
mod habits;
mod handover;
mod hostile;
mod journeys;
mod keeper;
mod kept;
mod kills;
mod kit;
mod leaving;
mod liar;
mod line;
mod load;
mod moving;
mod moving_by_two;
mod organisations;
mod outside;
mod planted;
mod proofs;
mod queue;
mod receipts;
mod recovery;
mod refusals;
mod rotation;
mod rotations;
mod safe_pages;
mod sharing;
mod stamped;
mod stamps;
mod sweep;
mod sweep_desk;
mod tidy;
mod two_admins;
mod two_admins_more;
mod verify;
mod visibility;
mod watch;
mod witness;
mod words;
mod world;
mod zips;
