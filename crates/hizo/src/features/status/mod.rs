//! Saying how far deposits have come.

pub(crate) mod command;
