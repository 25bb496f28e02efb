//! The keeper's log: whom it is stamped by, and until when that can be relied on. Each thing that a person does with it has
//! a file of its own.

pub(crate) mod authorities;
pub(crate) mod command;
pub(crate) mod renew;
