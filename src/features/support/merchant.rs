//! The state of one merchant for support staff, without its secrets.

use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use crate::features::audit::AuditEntry;
use crate::features::auth::Merchant;
use crate::features::dashboard::model::{AttentionCounts, waiting};
use crate::features::support::stores::{StoreState, stores_of};
use crate::features::team::{InvitationRow, open_invitations};
use crate::kit::audit::ActorKind;
use crate::kit::db::schema::{
    affiliates, audit_log, deliveries, members, merchants, orders, sessions, users,
};
use crate::kit::db::statement::statement;
use crate::kit::email::email_key;
use crate::kit::lists::{COUNT_LIMIT, Count};
use crate::kit::session::{Role, Workspace};

#[derive(Clone, Debug)]
pub(crate) struct MemberState {
    pub(crate) user_id: i64,
    pub(crate) name: String,
    /// The email they sign in with.
    pub(crate) email: String,
    pub(crate) role: Role,
    /// Whether support staff or an operator disabled them.
    pub(crate) is_disabled: bool,
    pub(crate) sessions: i64,
    /// When they last made a request.
    pub(crate) seen_at: Option<DateTime<Utc>>,
}

pub(crate) struct MerchantState {
    pub(crate) merchant: Merchant,
    /// When its pages were closed to everyone.
    pub(crate) closed_at: Option<DateTime<Utc>>,
    pub(crate) members: Vec<MemberState>,
    pub(crate) invitations: Vec<InvitationRow>,
    /// Its stores, including disconnected ones.
    pub(crate) stores: Vec<StoreState>,
    /// Items that need attention.
    pub(crate) waiting: AttentionCounts,
    /// The counts of affiliates, conversion triggers, orders and exclusions.
    pub(crate) counts: [Count; 4],
    /// When the newest order was placed.
    pub(crate) last_order_at: Option<DateTime<Utc>>,
    /// When a store last sent a webhook.
    pub(crate) last_delivery_at: Option<DateTime<Utc>>,
}

impl MerchantState {
    /// The state of a merchant. Call it within `Scope::Support`.
    pub(crate) fn read(
        conn: &mut PgConnection,
        merchant_id: i64,
        now: DateTime<Utc>,
    ) -> QueryResult<Self> {
        Ok(Self {
            merchant: Merchant::find(conn, merchant_id)?,
            closed_at: merchants::table
                .find(merchant_id)
                .select(merchants::closed_at)
                .first(conn)?,
            members: members_of(conn, merchant_id, now)?,
            invitations: open_invitations(conn, merchant_id)?,
            stores: stores_of(conn, merchant_id)?,
            waiting: waiting(conn, merchant_id)?,
            counts: counts(conn, merchant_id)?,
            last_order_at: orders::table
                .filter(orders::merchant_id.eq(merchant_id))
                .filter(orders::placed_at.is_not_null())
                .order((orders::placed_at.desc(), orders::id.desc()))
                .select(orders::placed_at)
                .first(conn)
                .optional()?
                .flatten(),
            last_delivery_at: deliveries::table
                .filter(deliveries::merchant_id.eq(merchant_id))
                .order((deliveries::received_at.desc(), deliveries::id.desc()))
                .select(deliveries::received_at)
                .first(conn)
                .optional()?,
        })
    }
}

fn members_of(
    conn: &mut PgConnection,
    merchant_id: i64,
    now: DateTime<Utc>,
) -> QueryResult<Vec<MemberState>> {
    let people: Vec<(i64, String, String, Role, bool)> = members::table
        .inner_join(users::table)
        .filter(members::merchant_id.eq(merchant_id))
        .order((members::created_at, users::id))
        .select((
            users::id,
            users::name,
            users::email,
            members::role,
            users::disabled_at.is_not_null(),
        ))
        .load(conn)?;
    let ids: Vec<i64> = people.iter().map(|person| person.0).collect();
    let live: Vec<(Option<i64>, DateTime<Utc>)> = sessions::table
        .filter(sessions::user_id.eq_any(ids.into_iter().map(Some)))
        .filter(sessions::expires_at.gt(now))
        .select((sessions::user_id, sessions::seen_at))
        .load(conn)?;
    let state = |(user_id, name, email, role, is_disabled)| {
        let own = || live.iter().filter(|(of, _)| *of == Some(user_id));
        let sessions = i64::try_from(own().count()).unwrap_or(i64::MAX);
        let seen_at = own().map(|(_, seen_at)| *seen_at).max();
        MemberState { user_id, name, email, role, is_disabled, sessions, seen_at }
    };
    Ok(people.into_iter().map(state).collect())
}

fn counts(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<[Count; 4]> {
    #[derive(QueryableByName)]
    struct Counts {
        #[diesel(sql_type = BigInt)]
        affiliates: Count,
        #[diesel(sql_type = BigInt)]
        triggers: Count,
        #[diesel(sql_type = BigInt)]
        orders: Count,
        #[diesel(sql_type = BigInt)]
        exclusions: Count,
    }
    let Counts { affiliates, triggers, orders, exclusions } = statement!(
        "SELECT (SELECT count(*) FROM (SELECT FROM affiliates \
                 WHERE merchant_id = m.id LIMIT :at_most) n) AS affiliates, \
             (SELECT count(*) FROM (SELECT FROM triggers \
                 WHERE merchant_id = m.id LIMIT :at_most) n) AS triggers, \
             (SELECT count(*) FROM (SELECT FROM orders \
                 WHERE merchant_id = m.id LIMIT :at_most) n) AS orders, \
             (SELECT count(*) FROM (SELECT FROM exclusions WHERE merchant_id = m.id \
                 AND removed_at IS NULL LIMIT :at_most) n) AS exclusions \
         FROM merchants m WHERE m.id = :merchant_id",
        merchant_id: BigInt,
        at_most: BigInt = COUNT_LIMIT + 1,
    )
    .get_result(conn)?;
    Ok([affiliates, triggers, orders, exclusions])
}

/// Recent support actions on the merchant, newest first. Changes of its access, with their reasons, are in the instance log.
pub(crate) fn recent_acts(
    conn: &mut PgConnection,
    merchant_id: i64,
    limit: i64,
) -> QueryResult<Vec<AuditEntry>> {
    const OF_THE_INSTANCE: [&str; 3] =
        ["merchant.closed", "merchant.reopened", "member.support_removed"];
    audit_log::table
        .filter(audit_log::merchant_id.eq(merchant_id))
        .filter(audit_log::actor_kind.eq(ActorKind::Support))
        .filter(audit_log::action.ne_all(OF_THE_INSTANCE))
        .order(audit_log::id.desc())
        .limit(limit)
        .select(AuditEntry::as_select())
        .load(conn)
}

/// The name of a member of the merchant, or of one of its affiliates who can sign in. Fails with
/// `NotFound` for anyone else.
pub(crate) fn person_of(
    conn: &mut PgConnection,
    merchant_id: i64,
    user_id: i64,
) -> QueryResult<String> {
    let is_member = exists(members::table.find((merchant_id, user_id)));
    let is_affiliate = exists(
        affiliates::table
            .filter(affiliates::merchant_id.eq(merchant_id))
            .filter(affiliates::user_id.eq(user_id)),
    );
    users::table.find(user_id).filter(is_member.or(is_affiliate)).select(users::name).first(conn)
}

/// The workspace of the merchant's member, with their user ID and name. Fails with `NotFound` if
/// that user isn't a member.
pub(crate) fn member_workspace(
    conn: &mut PgConnection,
    merchant_id: i64,
    user_id: i64,
) -> QueryResult<(i64, String, Workspace)> {
    let (name, role, merchant) = members::table
        .inner_join(users::table)
        .inner_join(merchants::table)
        .filter(members::merchant_id.eq(merchant_id))
        .filter(members::user_id.eq(user_id))
        .select((users::name, members::role, merchants::name))
        .first(conn)?;
    Ok((user_id, name, Workspace::Member { merchant_id, merchant, role }))
}

/// The workspace of one of the merchant's affiliates who can sign in, by affiliate ID or email.
pub(crate) fn affiliate_workspace(
    conn: &mut PgConnection,
    merchant_id: i64,
    typed: &str,
) -> QueryResult<(i64, String, Workspace)> {
    let (affiliate_id, user_id, name, merchant) = affiliates::table
        .inner_join(merchants::table)
        .filter(affiliates::merchant_id.eq(merchant_id))
        .filter(affiliates::public_id.eq(typed).or(affiliates::email_key.eq(email_key(typed))))
        .filter(affiliates::user_id.is_not_null())
        .select((
            affiliates::id,
            affiliates::user_id.assume_not_null(),
            affiliates::name,
            merchants::name,
        ))
        .first(conn)?;
    Ok((user_id, name, Workspace::Affiliate { merchant_id, merchant, affiliate_id }))
}
