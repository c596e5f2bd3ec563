//! Locks on rows that access depends on, until the end of the transaction.
//!
//! Closing a merchant, disabling a person and changing a team lock the same rows for an update. So
//! they wait for a link, key or account that's being created, and then find and end it. One that's
//! created afterward is rejected. The lock order is merchant, person, subject.

use diesel::prelude::*;

use crate::kit::db::schema::{members, merchants, users};
use crate::kit::session::Role;

/// Locks a merchant against being closed. Returns `false` if it's closed.
pub(crate) fn lock_open_merchant(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<bool> {
    let open = merchants::table
        .find(merchant_id)
        .filter(merchants::closed_at.is_null())
        .select(merchants::id)
        .for_share()
        .first::<i64>(conn)
        .optional()?;
    Ok(open.is_some())
}

/// Locks a person against being disabled. Returns `false` if they're disabled.
pub(crate) fn lock_enabled_user(conn: &mut PgConnection, user_id: i64) -> QueryResult<bool> {
    let enabled = users::table
        .find(user_id)
        .filter(users::disabled_at.is_null())
        .select(users::id)
        .for_share()
        .first::<i64>(conn)
        .optional()?;
    Ok(enabled.is_some())
}

/// Locks everything an owner's rights depend on: the open merchant, the enabled person, the
/// membership. Returns `false` if one of them is missing.
pub(crate) fn lock_owner(
    conn: &mut PgConnection,
    merchant_id: i64,
    user_id: i64,
) -> QueryResult<bool> {
    if !lock_open_merchant(conn, merchant_id)? || !lock_enabled_user(conn, user_id)? {
        return Ok(false);
    }
    // Team changes lock the merchant, so this role can't change.
    let role = members::table
        .find((merchant_id, user_id))
        .select(members::role)
        .first::<Role>(conn)
        .optional()?;
    Ok(role == Some(Role::Owner))
}
