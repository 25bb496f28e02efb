//! The keeper's log: its keys, its witnesses, and a copy of it that others can read.
//!
//! See docs/spec/log.md and docs/spec/witness.md.

pub(crate) mod command;
mod export;
mod policy;
mod show;
