//! Orders and webhook deliveries. `ingest` processes them.

pub mod deliveries;
pub mod explain;
pub mod handlers;
pub mod list;
mod preview;
