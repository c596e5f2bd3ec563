//! Fetches the lines of refunds on platforms whose orders only summarize them (WooCommerce), with a
//! job for each order whose lines are pending. Until then, a refund is spread over the order.

mod model;
mod run;

pub(super) use self::model::queue;
pub(crate) use self::model::{ReadProblem, RefundReadStatus};
pub(crate) use self::model::{find, retry};
pub(crate) use self::run::run;
