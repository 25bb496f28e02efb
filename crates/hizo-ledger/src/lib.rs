//! Who said it, when, in what order, and is it unchanged: checked without a key that opens anything.
//!
//! Everything here takes bytes and returns values: no clock, network, disk, environment or randomness.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout
)]

pub mod commitment;
pub mod delegation;
pub mod directory;
pub mod id;
pub mod identity;
mod lines;
pub mod log;
pub mod object;
pub mod path;
pub mod proof;
pub mod proposal;
pub mod record;
pub mod session;
pub mod space;
pub mod timestamp;
