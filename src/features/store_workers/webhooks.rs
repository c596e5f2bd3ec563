//! Sees to it that the store sends its messages to Vouch, from time to time: platforms switch
//! webhooks off that failed for a while.

use chrono::{DateTime, Duration, Utc};

use super::run::{StoreRun, StoreRunError};
use crate::features::stores;

/// From one look to the next.
const INTERVAL: Duration = Duration::hours(1);

/// One look.
pub(crate) fn run(run: &StoreRun<'_, '_>) -> Result<DateTime<Utc>, StoreRunError> {
    let store = &run.store;
    let address = store.webhook_url(&run.tools.public_url);
    let webhooks = run.client()?.ensure_webhooks(&address)?;
    if webhooks.made + webhooks.revived > 0 {
        let (made, revived) = (webhooks.made, webhooks.revived);
        tracing::info!(store_id = store.id, made, revived, "webhooks of a store");
    }
    let now = run.now();
    run.write(|conn| stores::note_webhooks(conn, store, webhooks.problem.as_deref(), now))?;
    Ok(now + INTERVAL)
}
