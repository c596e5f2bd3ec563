//! Manage > Orders, the page of one order, and what stores sent.

mod delivery;
mod list;
mod show;
mod words;

pub use self::delivery::{deliveries, delivery, replay, replay_all};
pub use self::list::index;
pub use self::show::{read_refunds, show};
