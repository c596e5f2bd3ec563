//! Orders: what is known of each, and what stores sent. `ingest` takes it in.

/// What stores sent, failed messages first of all.
pub mod deliveries;
/// Everything that is known of one order.
pub mod explain;
/// The pages.
pub mod handlers;
/// The list of orders.
pub mod list;
mod preview;
