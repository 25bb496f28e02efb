//! One test binary for the crate.

#[path = "../../../say_aloud.rs"]
mod say_aloud;

mod chains;
mod differential;
mod kit;
mod laws;
mod logs;
mod merkle;
mod policies;
mod proofs;
mod stamps;
mod vectors;
