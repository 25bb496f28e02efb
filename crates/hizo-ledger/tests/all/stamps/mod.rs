//! Stamps: vectors, laws, and the stock tool.

mod forge;
mod laws;
mod openssl;
mod vectors;
