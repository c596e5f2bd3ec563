//! Manage > Orders, the page of one order, and webhook deliveries.

mod delivery;
mod list;
mod manual_credit;
mod show;
mod words;

pub use self::delivery::{deliveries, delivery, replay, replay_all};
pub use self::list::index;
pub use self::manual_credit::{credit_order, give_amount, manual_credit, remove_manual_credit};
pub use self::show::{read_refunds, show};
