//! Codes on their way into the merchants' stores: queued with the trigger, brought by workers, and
//! what became of each.

/// The parts of pages that tell, and the forms.
pub(crate) mod handlers;
mod lines;
mod model;
mod run;

pub(crate) use self::lines::{
    Poll, PushCell, PushLine, count_failed, destinations, in_status, of_trigger, of_triggers,
};
pub(crate) use self::model::{PushStatus, retry_by_id, send_again};
pub use self::model::{attach, queue, retry};
pub(crate) use self::run::run;
