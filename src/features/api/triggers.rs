//! The conversion trigger endpoints of the API.

mod answer;
mod body;
mod create;
pub mod handlers;

pub use answer::{StoreAnswer, TriggerAnswer, TriggersAnswer};
pub use body::{KindBody, TriggerBody};
