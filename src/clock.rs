//! The wall clock. Everything below the edge is told the time (`Actor::now`), so that tests and
//! replays decide what time it is.

use chrono::{DateTime, SubsecRound, Utc};

/// Now, to the microsecond: what PostgreSQL keeps, so that a value survives a round trip.
#[expect(clippy::disallowed_methods, reason = "this is the place that reads the clock")]
pub fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}
