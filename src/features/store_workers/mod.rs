//! What is done for stores in the background: each job is taken by one worker at a time, of any
//! process. A slow or broken store holds up nobody but itself.

mod crew;
mod finish;
mod turn;
/// Looks after a store's webhooks.
pub mod webhooks;

pub use self::crew::{Crew, work_off};
pub use self::turn::{Caller, Next, Open, RunJob, Tools, Turn, TurnError};
