//! What refunds were for, where orders only outline them (WooCommerce): a job for each order whose
//! refunds' lines are still to be read from the store. Until they are there, a refund is spread over
//! the order.

mod model;
mod run;

pub(super) use self::model::queue;
pub(crate) use self::model::{ReadProblem, RefundRead};
pub(crate) use self::model::{find, retry};
pub(crate) use self::run::run;
