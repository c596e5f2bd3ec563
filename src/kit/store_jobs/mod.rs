//! What is to be done for stores in the background: one row for each store and kind of work.
//! `store_workers` do it.

mod queue;

pub(crate) use self::queue::{Busy, Job, claim, hold};
pub use self::queue::{last_problem, make_due, wake};
use crate::kit::db::text_enum;

text_enum! {
    /// A kind of work for a store. Jobs of one store are locked in this order.
    pub enum JobKind {
        /// Bring queued codes into the store.
        Push = "push", "Push codes";
        /// Read the orders that messages name.
        Orders = "orders", "Read orders";
        /// Read what the refunds of orders were for.
        Refunds = "refunds", "Read refunds";
        /// See to the store's webhooks.
        Webhooks = "webhooks", "Look after webhooks";
        /// Read the orders that changed, whether or not a message came.
        Backfill = "backfills", "Catch up";
        /// Compare the store's codes with the triggers.
        Compare = "compare", "Compare codes";
    }
}
