//! Messages that only name an order, as BigCommerce's do. Each waits until its order has been read
//! from the store by a call that began after it came; several messages of one order share one.

mod model;
mod run;

pub(crate) use self::model::retry;
pub(super) use self::model::{wait_again, wait_for};
pub(crate) use self::run::run;
