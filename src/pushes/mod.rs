//! Codes on their way into the merchants' stores: queued with the trigger, brought by workers, and
//! what became of each.

mod model;
mod turn;

pub use self::model::{Push, PushStatus, attach, queue, retry, retry_all};
pub(crate) use self::turn::turn;
