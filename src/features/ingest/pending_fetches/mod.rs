//! Webhooks that only name an order, as BigCommerce's do. Each waits for a fetch of its order that
//! begins after the webhook arrived. Several webhooks of one order share a fetch.

mod model;
mod run;

pub(crate) use self::model::retry;
pub(super) use self::model::{wait_again, wait_for};
pub(crate) use self::run::run;
