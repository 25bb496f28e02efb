//! Showing what a deposit holds.

pub(crate) mod command;
pub(crate) mod page;
