//! The people of a safe: who may open it, who may deposit, how somebody comes and how he goes.

mod admins;
mod admit;
mod agree;
pub(crate) mod command;
pub(crate) mod due;
mod entering;
mod grant;
mod head;
mod invite;
mod join;
mod meaning;
mod members;
pub(crate) mod page;
mod remove;
mod revoke;
mod role;
mod rotate;
mod rotator;
