//! Requests to recalculate the orders that a changed fact touches.
//!
//! Whoever changes a fact commits the change together with a request, and touches no order: `orders`
//! carries requests out, in the background.

mod cause;
mod matching;
mod pending;
mod request;

pub use self::cause::RecalculationReason;
pub(crate) use self::matching::orders_of_affiliate;
pub(crate) use self::matching::{Found, Matching, Range};
pub use self::pending::pending_of_affiliate;
pub(crate) use self::pending::{Pending, count_failed, pending_of_trigger};
pub use self::request::request_since;
pub(crate) use self::request::{request_for_affiliate, request_for_trigger};
