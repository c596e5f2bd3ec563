//! Deletes the results of earlier checks.

use diesel::prelude::*;

use crate::features::store_workers::{StoreRun, StoreRunError};
use crate::kit::db::schema::{code_sync_results as findings, code_syncs};

/// How many results are deleted in one transaction.
const SWEEP: i64 = 5_000;

/// Deletes the checks before the shown one, with their results.
pub(super) fn sweep(run: &StoreRun<'_, '_>) -> Result<(), StoreRunError> {
    let store = &run.store;
    let of_store = code_syncs::table
        .filter(code_syncs::merchant_id.eq(store.merchant_id))
        .filter(code_syncs::store_id.eq(store.id))
        .filter(code_syncs::finished_at.is_not_null())
        .filter(code_syncs::is_shown.eq(false));
    let old: Vec<i64> = run.read(|conn| of_store.select(code_syncs::id).load(conn))?;
    for id in old {
        let of_old = findings::table
            .filter(findings::merchant_id.eq(store.merchant_id))
            .filter(findings::code_sync_id.eq(id));
        loop {
            if !run.goes_on() {
                return Ok(());
            }
            let piece = of_old.select(findings::id).limit(SWEEP);
            let ids: Vec<i64> = run.read(|conn| piece.load(conn))?;
            if ids.is_empty() {
                break;
            }
            run.write(|conn| {
                let piece = findings::table
                    .filter(findings::merchant_id.eq(store.merchant_id))
                    .filter(findings::id.eq_any(&ids));
                diesel::delete(piece).execute(conn)
            })?;
        }
        let key = (store.merchant_id, id);
        run.write(|conn| diesel::delete(code_syncs::table.find(key)).execute(conn))?;
    }
    Ok(())
}
