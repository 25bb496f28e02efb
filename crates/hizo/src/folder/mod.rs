//! Folders on the owner's disk: what is in them, and what of it is to be kept.

pub(crate) mod walk;
