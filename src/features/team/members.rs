use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::emails;
use super::invitations::withdraw_with_rights;
use super::text;
use crate::features::audit::{Act, AuditEvent};
use crate::features::auth::{Person, count_membership};
use crate::features::emails::post;
use crate::kit::audit::{Actor, SubjectKind, record};
use crate::kit::db::schema::{members, merchants, users};
use crate::kit::session::Role;

/// A row on the team page.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = members)]
pub struct MemberRow {
    #[diesel(embed)]
    pub person: Person,
    pub role: Role,
    pub created_at: DateTime<Utc>,
}

/// Why a member wasn't changed.
#[derive(Debug, thiserror::Error)]
pub enum MemberError {
    /// A program always needs an owner.
    #[error("{}", text::LAST_OWNER)]
    LastOwner,
    /// The actor is no longer an owner, perhaps since a moment ago.
    #[error("{}", text::NOT_OWNER)]
    NotOwner,
    #[error(transparent)]
    Database(#[from] diesel::result::Error),
}

/// The members of a merchant: owners first, then by name.
pub(crate) fn members(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Vec<MemberRow>> {
    let mut rows: Vec<MemberRow> = members::table
        .inner_join(users::table)
        .filter(members::merchant_id.eq(merchant_id))
        .order((users::name, users::id))
        .select(MemberRow::as_select())
        .load(conn)?;
    rows.sort_by_key(|row| row.role);
    Ok(rows)
}

/// Changes a member's role. Fails with [`MemberError`], or `NotFound` if there's no such member.
pub fn change_role(
    conn: &mut PgConnection,
    actor: &Actor,
    user_id: i64,
    role: Role,
) -> Result<MemberRow, MemberError> {
    let member = one_at_a_time(conn, actor, user_id)?;
    if member.role == role {
        return Ok(member);
    }
    if role != Role::Owner {
        keep_an_owner(conn, actor.merchant_id, &member)?;
    }
    diesel::update(members::table.find((actor.merchant_id, user_id)))
        .set(members::role.eq(role))
        .execute(conn)?;
    if role != Role::Owner {
        withdraw_with_rights(conn, actor, user_id)?;
    }
    let event =
        AuditEvent::RoleChanged { name: member.person.name.clone(), from: member.role, to: role };
    let act = Act {
        before: Some(serde_json::json!({ "role": member.role })),
        after: Some(serde_json::json!({ "role": role })),
        ..act(event, user_id)
    };
    record(conn, actor, act)?;
    Ok(MemberRow { role, ..member })
}

/// Ends a membership. The person loses access with their next request. Fails with [`MemberError`],
/// or `NotFound` if there's no such member.
pub fn remove(
    conn: &mut PgConnection,
    actor: &Actor,
    user_id: i64,
) -> Result<MemberRow, MemberError> {
    let member = one_at_a_time(conn, actor, user_id)?;
    end(conn, actor, &member, false)?;
    if actor.user_id != Some(user_id) {
        let program = merchants::table
            .find(actor.merchant_id)
            .select(merchants::name)
            .first::<String>(conn)?;
        post(conn, &emails::removed(&member.person, &program))?;
    }
    Ok(member)
}

/// Ends the actor's own membership. Fails with [`MemberError::LastOwner`], or `NotFound` if they
/// aren't a member.
pub(crate) fn leave(conn: &mut PgConnection, actor: &Actor) -> Result<(), MemberError> {
    lock(conn, actor.merchant_id)?;
    let member = find(conn, actor.merchant_id, actor.user_id.unwrap_or_default())?;
    end(conn, actor, &member, true)
}

/// Ends a membership without an email and without checking the actor's role, for a person whose
/// data is erased. Fails with [`MemberError::LastOwner`], or `NotFound` if there's no such member.
pub(crate) fn end_membership(
    conn: &mut PgConnection,
    actor: &Actor,
    user_id: i64,
) -> Result<(), MemberError> {
    lock(conn, actor.merchant_id)?;
    let member = find(conn, actor.merchant_id, user_id)?;
    end(conn, actor, &member, false)
}

fn end(
    conn: &mut PgConnection,
    actor: &Actor,
    member: &MemberRow,
    left: bool,
) -> Result<(), MemberError> {
    keep_an_owner(conn, actor.merchant_id, member)?;
    diesel::delete(members::table.find((actor.merchant_id, member.person.id))).execute(conn)?;
    count_membership(conn, member.person.id, -1)?;
    withdraw_with_rights(conn, actor, member.person.id)?;
    let event = AuditEvent::MemberRemoved { name: member.person.name.clone(), left };
    let act = Act {
        before: Some(serde_json::json!({ "role": member.role, "email": member.person.email })),
        ..act(event, member.person.id)
    };
    record(conn, actor, act)?;
    Ok(())
}

/// Runs team changes one at a time. If two owners remove each other, the second is no longer an
/// owner when it's their turn.
fn one_at_a_time(
    conn: &mut PgConnection,
    actor: &Actor,
    user_id: i64,
) -> Result<MemberRow, MemberError> {
    lock(conn, actor.merchant_id)?;
    let own = find(conn, actor.merchant_id, actor.user_id.unwrap_or_default()).optional()?;
    if own.is_none_or(|own| own.role != Role::Owner) {
        return Err(MemberError::NotOwner);
    }
    Ok(find(conn, actor.merchant_id, user_id)?)
}

fn lock(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<()> {
    let one = merchants::table.find(merchant_id).select(merchants::id);
    one.for_no_key_update().first::<i64>(conn).map(drop)
}

fn find(conn: &mut PgConnection, merchant_id: i64, user_id: i64) -> QueryResult<MemberRow> {
    members::table
        .inner_join(users::table)
        .filter(members::merchant_id.eq(merchant_id))
        .filter(members::user_id.eq(user_id))
        .select(MemberRow::as_select())
        .first(conn)
}

/// An owner can leave or change roles only if there's another owner.
fn keep_an_owner(
    conn: &mut PgConnection,
    merchant_id: i64,
    member: &MemberRow,
) -> Result<(), MemberError> {
    if member.role != Role::Owner {
        return Ok(());
    }
    let others: i64 = members::table
        .inner_join(users::table)
        .filter(members::merchant_id.eq(merchant_id))
        .filter(members::role.eq(Role::Owner))
        .filter(members::user_id.ne(member.person.id))
        .filter(users::disabled_at.is_null())
        .count()
        .get_result(conn)?;
    if others == 0 { Err(MemberError::LastOwner) } else { Ok(()) }
}

pub(crate) fn requires_two_factor(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<bool> {
    merchants::table.find(merchant_id).select(merchants::requires_two_factor).first(conn)
}

/// Sets whether members must have two-factor sign-in before any page of the program opens.
pub fn require_two_factor(
    conn: &mut PgConnection,
    actor: &Actor,
    is_required: bool,
) -> QueryResult<()> {
    let changed = diesel::update(merchants::table.find(actor.merchant_id))
        .filter(merchants::requires_two_factor.ne(is_required))
        .set(merchants::requires_two_factor.eq(is_required))
        .execute(conn)?;
    if changed == 0 {
        return Ok(());
    }
    let event = AuditEvent::TwoFactorRequirementChanged { is_required };
    let act = Act {
        before: Some(serde_json::json!({ "requires_two_factor": !is_required })),
        after: Some(serde_json::json!({ "requires_two_factor": is_required })),
        ..Act::new(event, SubjectKind::Merchant, Some(actor.merchant_id))
    };
    record(conn, actor, act)
}

fn act(event: AuditEvent, user_id: i64) -> Act {
    Act::new(event, SubjectKind::Member, Some(user_id))
}
