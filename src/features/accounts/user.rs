use std::collections::BTreeSet;

use diesel::prelude::*;
use serde_json::json;

use super::{AccessChange, EndedAccess, note, tell};
use crate::features::api::keys;
use crate::features::audit::{AuditEvent, KeyRevocation};
use crate::features::auth::end_sessions_of;
use crate::features::auth::links::{self, LinkEnd, LinkSubject};
use crate::features::team;
use crate::kit::audit::SubjectKind;
use crate::kit::db::schema::{affiliates, members, users};

/// Disables a person. They can't sign in, their sessions end, their API keys are revoked and their
/// sent invitations are withdrawn. Returns `None` if they're already disabled.
pub fn disable(
    conn: &mut PgConnection,
    by: &AccessChange,
    user_id: i64,
) -> QueryResult<Option<EndedAccess>> {
    let name = name_of(conn, user_id)?;
    let changed = diesel::update(users::table.find(user_id))
        .filter(users::disabled_at.is_null())
        .set(users::disabled_at.eq(by.now))
        .execute(conn)?;
    if changed == 0 {
        return Ok(None);
    }
    links::end(conn, LinkSubject::password(user_id), LinkEnd::Withdrawn, by.now)?;
    let ended = end_everything(conn, by, user_id)?;
    for invitation in team::withdraw_of_inviter(conn, user_id, None, by.now)? {
        let subject = (SubjectKind::Invitation, invitation.id);
        tell(conn, by, invitation.merchant_id, subject, invitation.event())?;
    }
    tell_merchants(conn, by, user_id, &AuditEvent::AccountDisabled { name })?;
    let details = json!({ "sessions": ended.sessions, "api_keys": ended.keys });
    note(conn, by, "user.disabled", user_id, details)?;
    Ok(Some(ended))
}

/// Lets a person sign in again. Returns whether they were disabled.
pub fn enable(conn: &mut PgConnection, by: &AccessChange, user_id: i64) -> QueryResult<bool> {
    let name = name_of(conn, user_id)?;
    let changed = diesel::update(users::table.find(user_id))
        .filter(users::disabled_at.is_not_null())
        .set(users::disabled_at.eq(None::<chrono::DateTime<chrono::Utc>>))
        .execute(conn)?;
    if changed == 0 {
        return Ok(false);
    }
    tell_merchants(conn, by, user_id, &AuditEvent::AccountEnabled { name })?;
    note(conn, by, "user.enabled", user_id, json!({}))?;
    Ok(true)
}

/// Removes a person's support rights but not their memberships. Returns `None` if they had none.
/// The merchants' audit logs only mention the revoked API keys.
pub(crate) fn remove_support(
    conn: &mut PgConnection,
    by: &AccessChange,
    user_id: i64,
) -> QueryResult<Option<EndedAccess>> {
    if !set_support(conn, user_id, false)? {
        return Ok(None);
    }
    let ended = end_everything(conn, by, user_id)?;
    let details = json!({ "sessions": ended.sessions, "api_keys": ended.keys });
    note(conn, by, "user.support_removed", user_id, details)?;
    Ok(Some(ended))
}

/// Gives support rights to an existing user, from their next sign-in. Returns whether that's a
/// change.
pub(crate) fn add_support(
    conn: &mut PgConnection,
    by: &AccessChange,
    user_id: i64,
) -> QueryResult<bool> {
    if !set_support(conn, user_id, true)? {
        return Ok(false);
    }
    end_sessions_of(conn, user_id)?;
    note(conn, by, "user.support_added", user_id, json!({}))?;
    Ok(true)
}

fn set_support(conn: &mut PgConnection, user_id: i64, is_support: bool) -> QueryResult<bool> {
    name_of(conn, user_id)?;
    let changed = diesel::update(users::table.find(user_id))
        .filter(users::is_support.ne(is_support))
        .set(users::is_support.eq(is_support))
        .execute(conn)?;
    Ok(changed > 0)
}

fn name_of(conn: &mut PgConnection, user_id: i64) -> QueryResult<String> {
    users::table.find(user_id).select(users::name).for_no_key_update().first(conn)
}

fn end_everything(
    conn: &mut PgConnection,
    by: &AccessChange,
    user_id: i64,
) -> QueryResult<EndedAccess> {
    let sessions = end_sessions_of(conn, user_id)?;
    let keys = keys::revoke_of_user(conn, user_id, by.now)?;
    for key in &keys {
        let event = AuditEvent::ApiKeyRevoked {
            name: key.name.clone(),
            because: KeyRevocation::CreatorLostAccess,
        };
        tell(conn, by, key.merchant_id, (SubjectKind::ApiKey, key.id), event)?;
    }
    Ok(EndedAccess { sessions, keys: keys.len() })
}

/// Writes to the audit log of every merchant where the person is a member or an affiliate.
fn tell_merchants(
    conn: &mut PgConnection,
    by: &AccessChange,
    user_id: i64,
    event: &AuditEvent,
) -> QueryResult<()> {
    let mut merchants: BTreeSet<i64> = members::table
        .filter(members::user_id.eq(user_id))
        .select(members::merchant_id)
        .load(conn)?
        .into_iter()
        .collect();
    let as_affiliate: Vec<i64> = affiliates::table
        .filter(affiliates::user_id.eq(user_id))
        .select(affiliates::merchant_id)
        .load(conn)?;
    merchants.extend(as_affiliate);
    for merchant_id in merchants {
        tell(conn, by, merchant_id, (SubjectKind::Member, user_id), event.clone())?;
    }
    Ok(())
}
