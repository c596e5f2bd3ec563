//! The conversion trigger endpoints of the API.

mod answer;
mod body;
mod create;
pub(crate) mod handlers;

pub(crate) use answer::{StoreAnswer, TriggerAnswer, TriggersAnswer};
pub(crate) use body::{KindBody, TriggerBody};
