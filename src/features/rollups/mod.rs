//! Stored totals. Each conversion adds to its day, its affiliate and its trigger, in the
//! transaction that writes the ledger.

mod read;
mod recount;
mod words;
mod write;

pub use self::read::{
    DayRollups, Rollups, SumRollups, affiliates_since, merchant_days, merchant_sums, triggers,
};
pub use self::recount::recount;
pub use self::words::amounts;
pub use self::write::{Amounts, Changes, Counted, Delta, Shared};

/// One day is spread over this many rows, so that concurrent writers seldom wait for each other.
pub const SHARDS: i64 = 8;
