//! Regularly ensures that the store sends its webhooks to Vouch, because platforms disable webhooks
//! that failed for a while.

use chrono::{DateTime, Duration, Utc};

use super::run::{StoreRun, StoreRunError};
use crate::features::stores;

/// The time between two checks.
const INTERVAL: Duration = Duration::hours(1);

/// Checks the webhooks once.
pub(crate) fn run(run: &StoreRun<'_, '_>) -> Result<DateTime<Utc>, StoreRunError> {
    let store = &run.store;
    let address = store.webhook_url(&run.tools.public_url);
    let webhooks = run.client()?.ensure_webhooks(&address)?;
    if webhooks.made + webhooks.revived > 0 {
        let (made, revived) = (webhooks.made, webhooks.revived);
        tracing::info!(
            store_id = store.id,
            created = made,
            reactivated = revived,
            "webhooks_updated"
        );
    }
    let now = run.now();
    run.write(|conn| stores::note_webhooks(conn, store, webhooks.problem.as_ref(), now))?;
    Ok(now + INTERVAL)
}
