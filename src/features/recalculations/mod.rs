//! Requests to recalculate the orders that a changed fact concerns.
//!
//! The transaction that changes a fact also inserts a request, and touches no order. The
//! `recalculation` module of `ingest` processes the requests in the background.

mod cause;
mod matching;
mod pending;
mod request;
mod text;

pub use self::cause::RecalculationReason;
pub(crate) use self::matching::orders_of_affiliate;
pub(crate) use self::matching::{IdRange, OrderSelection, PlacedOrder};
pub use self::pending::pending_of_affiliate;
pub(crate) use self::pending::{Pending, count_failed, pending_of_trigger};
pub use self::request::request_since;
pub(crate) use self::request::{request_for_affiliate, request_for_trigger};
