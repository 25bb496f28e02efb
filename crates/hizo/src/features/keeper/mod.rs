//! Keeping for others: the keeper of a folder, answering over HTTP. See docs/spec/service.md.

pub(crate) mod command;
