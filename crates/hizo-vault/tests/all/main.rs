//! One test binary for the crate.
mod commit_vectors;
mod commit_laws;
mod commit;
mod archive_vectors;
mod archive_laws;
mod archive_interop;
mod archive;
mod age_laws;
mod door;
mod interop;
mod keys;
mod seeded;
