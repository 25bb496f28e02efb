//! Folders on the owner's disk: what is in them, what of it is to be kept, and new ones in the making.

pub(crate) mod listing;
pub(crate) mod staging;
pub(crate) mod walk;
