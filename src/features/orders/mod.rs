//! Orders and webhook deliveries. `ingest` processes them.

pub(crate) mod deliveries;
pub(crate) mod explain;
pub(crate) mod handlers;
pub(crate) mod list;
mod preview;
mod stored;
pub(crate) mod text;
