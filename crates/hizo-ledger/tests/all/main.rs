//! One test binary for the crate.

mod chains;
mod kit;
mod laws;
mod merkle;
mod policies;
mod proofs;
mod stamps;
mod vectors;
