//! Proofs: vectors, laws, and a second program that was written from the pages alone.

mod laws;
mod vectors;
pub(crate) mod world;
