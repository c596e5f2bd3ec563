use chrono::{DateTime, Utc};

/// The cause and time of new ledger entries.
pub(in crate::features::ingest) struct Cause<'a> {
    pub words: &'a str,
    pub delivery_id: Option<i64>,
    pub now: DateTime<Utc>,
}
