//! Showing what a deposit holds.

pub(crate) mod command;
pub(crate) mod look;
pub(crate) mod page;
