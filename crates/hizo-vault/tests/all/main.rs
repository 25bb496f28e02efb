//! One test binary for the crate.
mod age_laws;
mod door;
mod interop;
mod keys;
mod seeded;
