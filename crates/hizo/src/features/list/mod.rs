//! Listing what is kept.

pub(crate) mod command;
