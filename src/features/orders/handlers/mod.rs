//! Manage > Orders, the page of one order, and webhook deliveries.

mod delivery;
mod list;
mod manual_credit;
mod show;

pub(crate) use self::delivery::{deliveries, delivery, replay, replay_all};
pub(crate) use self::list::index;
pub(crate) use self::manual_credit::{
    credit_order, give_amount, manual_credit, remove_manual_credit,
};
pub(crate) use self::show::{read_refunds, show};
