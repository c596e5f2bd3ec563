//! Sees to it that the store sends its messages to Vouch, from time to time: platforms switch
//! webhooks off that failed for a while.

use chrono::Duration;

use super::turn::{Next, Turn, TurnError};
use crate::features::stores;

/// From one look to the next.
const INTERVAL: Duration = Duration::hours(1);

/// One look.
pub fn turn(turn: &mut Turn<'_>) -> Result<Next, TurnError> {
    let store = &turn.store;
    let address = store.webhook_url(&turn.tools.public_url);
    let webhooks = turn.client()?.ensure_webhooks(&address)?;
    if webhooks.made + webhooks.revived > 0 {
        let (made, revived) = (webhooks.made, webhooks.revived);
        tracing::info!(store_id = store.id, made, revived, "webhooks of a store");
    }
    let now = turn.now();
    turn.write(|conn| stores::note_webhooks(conn, store, webhooks.problem.as_deref(), now))?;
    Ok(Next::at(now + INTERVAL))
}
