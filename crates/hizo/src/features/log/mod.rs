//! The keeper's log: its keys, who witnesses and stamps it and until when that can be relied on, and a copy of it that others
//! can read. Each thing that a person does with it has a file of its own.
//!
//! See docs/spec/log.md and docs/spec/witness.md.

mod authorities;
pub(crate) mod command;
mod export;
mod policy;
mod renew;
mod show;
