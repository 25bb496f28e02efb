//! One test binary for the crate.

#![cfg(unix)]

mod flips;
mod folders;
mod kills;
mod kit;
mod watch;
