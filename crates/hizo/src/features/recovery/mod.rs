//! Recovery cards: making them, trying them, and opening a safe with them when its keys are lost.

mod afresh;
pub(crate) mod command;
mod drill;
mod machine;
mod make;
pub(crate) mod page;
mod paper;
mod refuse;
mod regain;
