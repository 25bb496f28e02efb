//! One test binary for the crate.

#![cfg(unix)]

mod folders;
mod kit;
mod watch;
