//! Witnesses: what one of them signs, how it is asked, and that no keeper shows two histories past enough of them.

mod asking;
mod memory;
mod service;
mod world;
