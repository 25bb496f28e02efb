//! What people do, one folder each.

pub(crate) mod case;
pub(crate) mod check;
pub(crate) mod deposit;
pub(crate) mod desk;
pub(crate) mod diff;
pub(crate) mod directory;
pub(crate) mod export;
pub(crate) mod handover;
pub(crate) mod init;
pub(crate) mod keeper;
pub(crate) mod list;
pub(crate) mod log;
pub(crate) mod moving;
pub(crate) mod office;
pub(crate) mod proof;
pub(crate) mod recovery;
pub(crate) mod restore;
pub(crate) mod send;
pub(crate) mod shell;
pub(crate) mod show;
pub(crate) mod space;
pub(crate) mod status;
pub(crate) mod try_it;
pub(crate) mod verify;
pub(crate) mod watch;
pub(crate) mod witness;
