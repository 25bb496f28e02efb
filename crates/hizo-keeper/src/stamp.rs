//! Stamps over what is kept: by a small authority of the keeper's own, and by outside ones that are asked over HTTP.
//!
//! See docs/spec/timestamp.md. A stamp of the keeper's own is *self-stamped, not independent*: it lets everything run
//! without a network, and proves nothing against the keeper. Who is asked, and when, is written in docs/spec/keeper.md,
//! section "The keeper's own space".

mod kept;
mod local;
mod outside;
mod taking;

use std::io;

use hizo_ledger::timestamp;

pub use crate::http::Patience;
pub use kept::{Due, Fault, Found, KeptStamp, StampReader, due};
pub use local::{LocalAuthority, SELF, StampSeeds};
pub use outside::{Answer, Client};
pub use taking::{Asked, Taking, file_name, is_file_name, is_plain};

/// Why there is no stamp.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The authority's file is damaged, or its certificates are not those of its key.
    #[error("the file of the keeper's own authority is damaged")]
    Damaged,
    /// The cryptographic library did not do what it was asked.
    #[error("the key of the keeper's own authority could not be used")]
    Key,
    /// The authority's file could not be written or read.
    #[error("the file of the keeper's own authority could not {act}")]
    File {
        /// What was asked.
        act: &'static str,
        /// The system's own answer.
        source: io::Error,
    },
    /// The authority has no address.
    #[error("no address is known for this authority")]
    NoAddress,
    /// The authority's address is not one that is asked: another scheme than `http`, or no address at all.
    #[error("only an address that begins with http:// is asked")]
    Address,
    /// The authority's stamps would not count now.
    #[error("this authority's stamps do not count now")]
    NotInOffice,
    /// Others took all the time that there was to ask.
    #[error("it was not asked: there was no time left")]
    NotAsked,
    /// The authority could not be reached, or did not answer in time.
    #[error("the authority did not answer")]
    Unreachable(#[source] Box<ureq::Error>),
    /// The authority answered with another status than 200.
    #[error("the authority answered with HTTP status {status}")]
    Http {
        /// The status.
        status: u16,
    },
    /// The authority answered with something that is no time-stamp reply.
    #[error("the authority's answer is no time-stamp reply")]
    NotAReply,
    /// The answer does not verify.
    #[error("the authority's answer is not accepted")]
    Refused(#[source] timestamp::Error),
}
