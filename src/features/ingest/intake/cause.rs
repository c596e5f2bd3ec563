use chrono::{DateTime, Utc};

/// The cause and time of new ledger entries.
pub(in crate::features::ingest) struct Cause<'a> {
    pub(crate) words: &'a str,
    pub(crate) delivery_id: Option<i64>,
    pub(crate) now: DateTime<Utc>,
}
