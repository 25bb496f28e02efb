//! All tests of the store that need more than one module.

mod conformance;
mod crash;
