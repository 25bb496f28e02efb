//! The directory of organisations: published by one, installed by all others.
//!
//! See docs/spec/directory.md.

pub(crate) mod command;
mod install;
pub(crate) mod page;
mod publish;
mod sample;
mod show;
pub(crate) mod update;

pub(crate) use install::lay_down;
