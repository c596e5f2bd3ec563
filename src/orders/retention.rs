//! How long the raw bodies of deliveries are kept.

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Timestamptz};

use crate::db::{Db, Scope, prepared};
use crate::error::AppResult;
use crate::supervise::Stop;

/// Long enough to replay what a store sent last season. A delivery that failed or
/// waits keeps its body until it is taken in.
pub const KEPT: Duration = Duration::days(120);
/// So many at once: a short lock.
const PORTION: i64 = 500;

/// Empties the bodies whose time has passed; the delivery itself stays. Answers how many.
///
/// # Errors
/// The database's.
pub fn sweep(db: &Db, now: DateTime<Utc>, stop: &Stop) -> AppResult<usize> {
    let mut emptied = 0;
    while !stop.is_asked() {
        let portion = db.run_blocking(Scope::Installation, |conn| {
            prepared::<()>(
                "UPDATE deliveries d SET body_gzip = NULL \
                 FROM (SELECT merchant_id, id FROM deliveries \
                     WHERE body_gzip IS NOT NULL AND outcome NOT IN ('failed', 'waiting') AND received_at < ? \
                     LIMIT ?) old \
                 WHERE d.merchant_id = old.merchant_id AND d.id = old.id",
            )
            .bind::<Timestamptz, _>(now - KEPT)
            .bind::<BigInt, _>(PORTION)
            .execute(conn)
        })?;
        emptied += portion;
        if portion == 0 {
            break;
        }
    }
    Ok(emptied)
}
