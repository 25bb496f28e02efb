//! Opening the desk in this machine's browser.

pub(crate) mod command;
