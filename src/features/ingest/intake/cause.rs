use chrono::{DateTime, Utc};

use crate::features::ingest::ledger::EntrySource;

/// The cause and time of new ledger entries.
pub(in crate::features::ingest) struct Cause<'a> {
    pub(crate) source: EntrySource<'a>,
    pub(crate) delivery_id: Option<i64>,
    pub(crate) now: DateTime<Utc>,
}
