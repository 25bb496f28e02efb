//! Sending what was sealed while the keeper could not be reached.

pub(crate) mod command;
