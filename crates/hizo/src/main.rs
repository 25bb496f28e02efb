//! hizo
fn main() {}
