//! Bytes at rest, by guarantee rather than by product.
//!
//! Two traits carry the guarantees: [`Objects`] are immutable and named by their hash, a [`Journal`] grows only where
//! its head is the one expected. [`conformance`] holds the tests that every back end of either must pass.
//! See docs/spec/store.md.

pub mod conformance;
pub mod disk;
pub mod journal;
pub mod objects;
pub mod published;
pub mod simulated;

pub use journal::Journal;
pub use objects::{NamedBytes, Objects};
