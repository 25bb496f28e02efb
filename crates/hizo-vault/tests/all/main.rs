//! One test binary for the crate.
mod age_laws;
mod archive;
mod archive_interop;
mod archive_laws;
mod archive_vectors;
mod commit;
mod commit_laws;
mod commit_vectors;
mod door;
mod interop;
mod keys;
mod manifest;
mod manifest_vectors;
mod seeded;
mod stream;
mod stream_vectors;
