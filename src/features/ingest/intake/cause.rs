use chrono::{DateTime, Utc};

/// What makes the entries of a ledger, and when.
pub(in crate::features::ingest) struct Cause<'a> {
    pub words: &'a str,
    pub delivery_id: Option<i64>,
    pub now: DateTime<Utc>,
}
