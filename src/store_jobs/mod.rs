//! What is done for stores in the background: one row for each store and kind of work, taken by one
//! worker at a time, of any process. A slow or broken store holds up nobody but itself.

mod crew;
mod finish;
mod queue;
mod turn;
mod webhooks;

pub use self::crew::{Crew, work_off};
pub use self::queue::{last_problem, make_due, wake};
pub use self::turn::{Caller, Next, Open, Tools, Turn, TurnError};
use crate::db::text_enum;
use crate::{catch_up, comparisons, orders, pushes};

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
        CatchUp = "catch_up", "Catch up";
        /// Compare the store's codes with the triggers.
        Compare = "compare", "Compare codes";
    }
}

impl JobKind {
    /// Does a stretch of it: some 20 seconds at the most.
    fn turn(self, turn: &mut Turn<'_>) -> Result<Next, TurnError> {
        match self {
            Self::Push => pushes::turn(turn),
            Self::Orders => orders::awaited::turn(turn),
            Self::Refunds => orders::refund_reads::turn(turn),
            Self::Webhooks => webhooks::turn(turn),
            Self::CatchUp => catch_up::turn(turn),
            Self::Compare => comparisons::turn(turn),
        }
    }
}
