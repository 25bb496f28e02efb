//! One test binary for the crate.

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
