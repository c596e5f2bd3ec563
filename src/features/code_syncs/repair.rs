//! Pushes the codes that are missing in the store again.

use diesel::prelude::*;

use super::findings::still_missing;
use super::model::CodeSync;
use super::text;
use crate::features::audit::{Act, AuditEvent};
use crate::features::pushes;
use crate::features::stores::Store;
use crate::features::triggers::Trigger;
use crate::kit::audit::{Actor, SubjectKind, record};

#[derive(Debug, thiserror::Error)]
pub(crate) enum RepairError {
    /// Vouch doesn't create codes in the store.
    #[error("{}", text::not_creating(.0))]
    NotCreating(String),
    #[error(transparent)]
    Database(#[from] diesel::result::Error),
}

/// Pushes the codes that the last check didn't find in `store`, or only that of one trigger.
/// Returns how many. A repeated call changes nothing, because they're already being pushed. Fails
/// with [`RepairError::NotCreating`], or with `NotFound` if the merchant doesn't have the trigger.
pub(crate) fn repair(
    conn: &mut PgConnection,
    actor: &Actor,
    store: &Store,
    trigger_id: Option<i64>,
) -> Result<usize, RepairError> {
    if !store.creates_codes {
        return Err(RepairError::NotCreating(store.name.clone()));
    }
    let trigger = trigger_id.map(|id| Trigger::find(conn, store.merchant_id, id)).transpose()?;
    let sent = conn.transaction(|conn| -> QueryResult<usize> {
        let Some(shown) = CodeSync::shown(conn, store)? else { return Ok(0) };
        let missing = still_missing(conn, store, &shown, trigger_id)?;
        let sent = pushes::send_again(conn, actor, store, &missing)?;
        if sent > 0 {
            record(conn, actor, act(store, trigger.as_ref(), sent))?;
        }
        Ok(sent)
    })?;
    Ok(sent)
}

fn act(store: &Store, trigger: Option<&Trigger>, sent: usize) -> Act {
    let name = store.name.clone();
    match trigger {
        Some(trigger) => {
            let event = AuditEvent::PushRetried { code: trigger.value.clone(), store: name };
            Act::new(event, SubjectKind::Trigger, Some(trigger.id))
        }
        None => {
            let event = AuditEvent::MissingCodesRetried { count: sent, store: name };
            Act::new(event, SubjectKind::Store, Some(store.id))
        }
    }
}
