//! Who can read it: keys, sealing, and what sealed records mean.
//!
//! Everything here takes bytes and a random source and returns values: no clock, network, disk or environment.
#![deny(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::print_stdout)]

pub mod age;
pub mod archive;
pub mod commit;
pub mod entropy;
pub mod event;
pub mod fingerprint;
pub mod joining;
pub mod kept;
pub mod keys;
pub mod manifest;
pub mod organisation;
pub mod plaintext;
pub mod proof;
pub mod recovery;
#[cfg(test)]
#[path = "../../say_aloud.rs"]
mod say_aloud;
pub mod stream;
