//! Listing what is kept.

pub(crate) mod command;
mod hour;
pub(crate) mod page;
#[cfg(test)]
mod tests;
