//! Recovery cards: making them, trying them, and opening a safe with them when its keys are lost.

pub(crate) mod command;
mod drill;
mod make;
mod paper;
mod refuse;
mod regain;
