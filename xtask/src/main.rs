//! The project's own chores: check, bench, fuzz.
fn main() {}
