//! Who can read it: keys, sealing, and what sealed records mean.
//!
//! Everything here takes bytes and a random source and returns values: no clock, network, disk or environment.
#![deny(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::print_stdout)]

pub mod archive;
pub mod commit;
pub mod stream;
pub mod age;
pub mod entropy;
pub mod keys;
pub mod manifest;
pub mod event;
