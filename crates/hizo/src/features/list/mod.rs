//! Listing what is kept.

pub(crate) mod command;
pub(crate) mod page;
#[cfg(test)]
mod tests;
