//! All tests of the store that need more than one module.

#[path = "../../../say_aloud.rs"]
mod say_aloud;

mod conformance;
mod crash;
mod sqlite;

/// A folder for tests that do not ask what survives: in memory where there is such a place, since syncs cost nothing
/// there.
fn passing_folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}
