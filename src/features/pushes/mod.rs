//! Pushes codes to the merchants' stores. They're queued together with the trigger, and workers
//! create them in the store.

pub(crate) mod handlers;
mod lines;
mod model;
mod reason;
mod run;
mod text;

pub(crate) use self::lines::{
    Poll, PushCell, PushLine, count_failed, destinations, in_status, of_trigger, of_triggers,
};
pub(crate) use self::model::{PushStatus, retry_by_id, send_again};
pub use self::model::{attach, queue, retry};
pub(crate) use self::reason::PushReason;
pub(crate) use self::run::run;
