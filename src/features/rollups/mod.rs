//! Stored totals. Each conversion adds to its day, its affiliate and its trigger, in the
//! transaction that writes the ledger.

mod amounts;
mod read;
mod recount;
mod write;

pub(crate) use self::amounts::amounts;
pub(crate) use self::read::{
    DayRollups, Rollups, affiliates_since, merchant_days, merchant_sums, triggers,
};
pub use self::recount::recount;
pub(crate) use self::write::{Changes, Counted, Delta, RollupAmounts, SharedAmounts};

/// One day is spread over this many rows, so that concurrent writers seldom wait for each other.
pub(crate) const SHARDS: i64 = 8;
