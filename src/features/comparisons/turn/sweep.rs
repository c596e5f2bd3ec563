//! What earlier checks left.

use diesel::prelude::*;

use crate::features::store_workers::{Turn, TurnError};
use crate::kit::db::schema::{comparison_findings as findings, comparisons};

/// So many findings of earlier checks are deleted at once.
const SWEEP: i64 = 5_000;

/// Deletes what checks before the shown one found, a piece at a time.
pub(super) fn sweep(turn: &Turn<'_>) -> Result<(), TurnError> {
    let store = &turn.store;
    let of_store = comparisons::table
        .filter(comparisons::merchant_id.eq(store.merchant_id))
        .filter(comparisons::store_id.eq(store.id))
        .filter(comparisons::finished_at.is_not_null())
        .filter(comparisons::is_shown.eq(false));
    let old: Vec<i64> = turn.read(|conn| of_store.select(comparisons::id).load(conn))?;
    for id in old {
        let of_old = findings::table
            .filter(findings::merchant_id.eq(store.merchant_id))
            .filter(findings::comparison_id.eq(id));
        loop {
            if !turn.goes_on() {
                return Ok(());
            }
            let piece = of_old.select(findings::id).limit(SWEEP);
            let ids: Vec<i64> = turn.read(|conn| piece.load(conn))?;
            if ids.is_empty() {
                break;
            }
            turn.write(|conn| {
                let piece = findings::table
                    .filter(findings::merchant_id.eq(store.merchant_id))
                    .filter(findings::id.eq_any(&ids));
                diesel::delete(piece).execute(conn)
            })?;
        }
        let key = (store.merchant_id, id);
        turn.write(|conn| diesel::delete(comparisons::table.find(key)).execute(conn))?;
    }
    Ok(())
}
