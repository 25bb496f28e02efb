//! One test binary for the crate.

#![cfg(unix)]

mod attacks;
mod flips;
mod folders;
mod habits;
mod kills;
mod kit;
mod tidy;
mod watch;
mod words;
