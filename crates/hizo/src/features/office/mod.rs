//! An organisation: its key, its card, and whom it delegates to act for it in spaces that it is a member of.
//!
//! See docs/spec/organisation.md. What was delegated and taken back is said in the organisation's own space too: its `register`.

mod card;
pub(crate) mod command;
mod delegate;
mod list;
mod make;
pub(crate) mod page;
mod revoke;
mod rotate;
