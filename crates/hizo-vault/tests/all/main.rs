//! One test binary for the crate.
#[path = "../../../histories.rs"]
mod histories;
#[path = "../../../say_aloud.rs"]
mod say_aloud;

mod age_laws;
mod archive;
mod archive_interop;
mod archive_laws;
mod archive_vectors;
mod certificate;
mod commit;
mod commit_laws;
mod commit_vectors;
mod door;
mod event_vectors;
mod fingerprint;
mod handover;
mod interop;
mod joining;
mod keys;
mod manifest;
mod manifest_vectors;
mod organisation;
mod proof;
mod recovery;
mod seeded;
mod simulator;
mod stream;
mod stream_vectors;
mod vectors;
