use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::features::accounts::{InstanceEntry, of_subject};
use crate::kit::db::schema::{affiliates, api_keys, members, merchants, sessions, users};
use crate::kit::lists::{ColumnType, Listing, Range, SortOrder, contains};
use crate::kit::session::Role;

/// The maximum of events on the page.
const RECENT_EVENTS: i64 = 20;

/// A user, enabled or disabled.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = users)]
pub(crate) struct UserRow {
    pub(crate) id: i64,
    pub(crate) name: String,
    /// As typed.
    pub(crate) email: String,
    pub(crate) is_support: bool,
    /// When they were disabled.
    pub(crate) disabled_at: Option<DateTime<Utc>>,
    /// When two-factor sign-in was enabled.
    pub(crate) two_factor_at: Option<DateTime<Utc>>,
    pub(crate) created_at: DateTime<Utc>,
}

pub(super) const NEWEST: SortOrder = SortOrder::descending(&[("id", ColumnType::Number)]);

/// Some of the users whose email or name contains `search`.
pub(super) fn users(
    conn: &mut PgConnection,
    search: &str,
    range: &Range,
) -> QueryResult<Listing<UserRow>> {
    let mut query = users::table.select(UserRow::as_select()).into_boxed();
    if !search.is_empty() {
        let pattern = contains(search);
        query = query.filter(users::email.ilike(pattern.clone()).or(users::name.ilike(pattern)));
    }
    let rows: Vec<UserRow> = range.walk(query).load(conn)?;
    Ok(range.listing(rows, |row| (row.id,)))
}

/// A program that a user belongs to.
#[derive(Clone, Debug)]
pub(crate) struct Membership {
    pub(crate) merchant_id: i64,
    /// The merchant's name.
    pub(crate) merchant: String,
    /// A member's role; `None` for an affiliate.
    pub(crate) role: Option<Role>,
    /// Whether the program is closed.
    pub(crate) is_closed: bool,
}

/// The state of a user for support staff.
#[derive(Clone, Debug)]
pub(crate) struct UserState {
    pub(crate) user: UserRow,
    pub(crate) memberships: Vec<Membership>,
    pub(crate) sessions: i64,
    /// How many of their API keys aren't revoked.
    pub(crate) keys: i64,
    /// The changes of their access, newest first.
    pub(crate) log: Vec<InstanceEntry>,
}

impl UserState {
    /// The state of a user. Call it within `Scope::Support`.
    pub(crate) fn read(
        conn: &mut PgConnection,
        user_id: i64,
        now: DateTime<Utc>,
    ) -> QueryResult<Self> {
        Ok(Self {
            user: users::table.find(user_id).select(UserRow::as_select()).first(conn)?,
            memberships: memberships(conn, user_id)?,
            sessions: sessions::table
                .filter(sessions::user_id.eq(user_id))
                .filter(sessions::expires_at.gt(now))
                .count()
                .get_result(conn)?,
            keys: api_keys::table
                .filter(api_keys::created_by.eq(user_id))
                .filter(api_keys::revoked_at.is_null())
                .count()
                .get_result(conn)?,
            log: of_subject(conn, "user", user_id, RECENT_EVENTS)?,
        })
    }
}

/// The name of a user, enabled or disabled.
pub(super) fn name(conn: &mut PgConnection, user_id: i64) -> QueryResult<String> {
    users::table.find(user_id).select(users::name).first(conn)
}

fn memberships(conn: &mut PgConnection, user_id: i64) -> QueryResult<Vec<Membership>> {
    let as_member: Vec<(i64, String, bool, Role)> = members::table
        .inner_join(merchants::table)
        .filter(members::user_id.eq(user_id))
        .order((merchants::name, merchants::id))
        .select((merchants::id, merchants::name, merchants::closed_at.is_not_null(), members::role))
        .load(conn)?;
    let as_affiliate: Vec<(i64, String, bool)> = affiliates::table
        .inner_join(merchants::table)
        .filter(affiliates::user_id.eq(user_id))
        .order((merchants::name, merchants::id))
        .select((merchants::id, merchants::name, merchants::closed_at.is_not_null()))
        .load(conn)?;
    let member = |(merchant_id, merchant, is_closed, role)| Membership {
        merchant_id,
        merchant,
        role: Some(role),
        is_closed,
    };
    let affiliate = |(merchant_id, merchant, is_closed)| Membership {
        merchant_id,
        merchant,
        role: None,
        is_closed,
    };
    Ok(as_member.into_iter().map(member).chain(as_affiliate.into_iter().map(affiliate)).collect())
}
