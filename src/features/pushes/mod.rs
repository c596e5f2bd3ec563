//! Codes on their way into the merchants' stores: queued with the trigger, brought by workers, and
//! what became of each.

/// The parts of pages that tell, and the forms.
pub mod handlers;
mod lines;
mod model;
mod run;

pub use self::lines::{Poll, PushCell, PushLine, destinations, in_status, of_trigger, of_triggers};
pub use self::model::{Push, PushStatus, attach, queue, retry, retry_all, send_again};
pub(crate) use self::run::run;
