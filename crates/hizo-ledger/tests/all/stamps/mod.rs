//! Stamps: vectors, laws, and the stock tool.

pub(crate) mod forge;
mod laws;
mod openssl;
mod revocation;
mod vectors;
