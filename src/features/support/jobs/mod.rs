//! Jobs of all merchants that failed for good: the dead letters.

mod handlers;
mod model;

pub(crate) use self::handlers::{index, retry, retry_all};
#[cfg(test)]
pub(crate) use self::model::can_be_retried;
