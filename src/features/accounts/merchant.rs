use diesel::prelude::*;
use serde_json::json;

use super::{AccessChange, EndedAccess, note, tell};
use crate::features::api::keys;
use crate::features::audit::{AuditEvent, KeyRevocation};
use crate::features::auth::links::{self, LinkEnd};
use crate::kit::audit::SubjectKind;
use crate::kit::db::schema::{affiliates, members, merchants, sessions};

/// Closes a merchant. Its members and affiliates lose access at once, its API keys are revoked, its
/// links end, and its public page is gone. Its stores still deliver orders, so that none is lost if
/// it reopens. Returns `None` if it's already closed.
pub fn close(
    conn: &mut PgConnection,
    by: &AccessChange,
    merchant_id: i64,
) -> QueryResult<Option<EndedAccess>> {
    let was_closed = lock(conn, merchant_id)?;
    if was_closed {
        return Ok(None);
    }
    diesel::update(merchants::table.find(merchant_id))
        .set(merchants::closed_at.eq(by.now))
        .execute(conn)?;
    let people = members::table
        .filter(members::merchant_id.eq(merchant_id))
        .select(members::user_id.nullable());
    let partners = affiliates::table
        .filter(affiliates::merchant_id.eq(merchant_id))
        .select(affiliates::user_id);
    let sessions = diesel::delete(sessions::table)
        .filter(sessions::user_id.eq_any(people).or(sessions::user_id.eq_any(partners)))
        .execute(conn)?;
    links::end_of_merchant(conn, merchant_id, LinkEnd::Withdrawn, by.now)?;
    let keys = keys::revoke_of_merchant(conn, merchant_id, by.now)?;
    for key in &keys {
        let event = AuditEvent::ApiKeyRevoked {
            name: key.name.clone(),
            because: KeyRevocation::ProgramClosed,
        };
        tell(conn, by, merchant_id, (SubjectKind::ApiKey, key.id), event)?;
    }
    let ended = EndedAccess { sessions, keys: keys.len() };
    let subject = (SubjectKind::Merchant, merchant_id);
    tell(conn, by, merchant_id, subject, AuditEvent::ProgramClosed)?;
    let details = json!({ "sessions": ended.sessions, "api_keys": ended.keys });
    note(conn, by, "merchant.closed", merchant_id, details)?;
    Ok(Some(ended))
}

/// Reopens a closed merchant. Returns whether it was closed.
pub fn reopen(conn: &mut PgConnection, by: &AccessChange, merchant_id: i64) -> QueryResult<bool> {
    if !lock(conn, merchant_id)? {
        return Ok(false);
    }
    diesel::update(merchants::table.find(merchant_id))
        .set(merchants::closed_at.eq(None::<chrono::DateTime<chrono::Utc>>))
        .execute(conn)?;
    let subject = (SubjectKind::Merchant, merchant_id);
    tell(conn, by, merchant_id, subject, AuditEvent::ProgramReopened)?;
    note(conn, by, "merchant.reopened", merchant_id, json!({}))?;
    Ok(true)
}

/// Returns whether it's closed. The lock keeps that unchanged until the transaction ends.
fn lock(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<bool> {
    merchants::table
        .find(merchant_id)
        .select(merchants::closed_at.is_not_null())
        .for_no_key_update()
        .first(conn)
}
