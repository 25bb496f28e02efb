//! The keeper's service over real sockets: every route's good and refused ways, and what hostile clients try.

mod acts;
mod admission;
mod answers;
mod copying;
mod described;
mod hostile;
mod sessions;
mod stamping;
mod sweeping;
mod takeover;
mod tls;
pub(crate) mod world;
