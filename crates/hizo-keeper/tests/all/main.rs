//! All tests of the keeper that need more than one module.

#[path = "../../../say_aloud.rs"]
mod say_aloud;

mod acts;
mod connections;
mod copies;
mod crash;
mod embedded;
mod kit;
mod log;
mod own;
mod process;
mod service;
mod silent;
mod stamp;
mod sweep;
mod takeover;
mod witness;
