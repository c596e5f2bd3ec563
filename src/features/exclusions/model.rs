use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};
use thiserror::Error as ThisError;

use super::exclusion::{Dates, Exclusion};
use super::look_alike::{Pattern, Shape};
use super::terms::{cover, reopen, uncover};
use super::text;
use crate::features::audit::{Act, AuditEvent};
use crate::features::availability::ExclusionScope;
use crate::kit::audit::{Actor, record};
use crate::kit::db::schema::exclusions;

/// The maximum number of exclusions per merchant.
pub(crate) const MAX: i64 = 100_000;
/// The maximum number of [`Shape::Composed`] exclusions, since a check may have to compare each
/// one.
pub(crate) const MAX_COMPOSED: i64 = 200;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewExclusion {
    pub pattern: Pattern,
    /// The description.
    pub note: String,
    pub scope: ExclusionScope,
    pub dates: Dates,
}

/// Why an exclusion couldn't be saved.
#[derive(Debug, ThisError)]
pub enum SaveError {
    /// The list already has this one, perhaps in another spelling.
    #[error("{}", text::taken(.0))]
    Taken(String),
    /// The list is full.
    #[error("{}", text::too_many(MAX))]
    TooMany,
    /// There are too many composed patterns.
    #[error("{}", text::too_many_composed(MAX_COMPOSED))]
    TooManyComposed,
    #[error(transparent)]
    Database(#[from] Error),
}

/// Adds an exclusion. Affiliates keep the codes they already have. Fails with [`SaveError::Taken`]
/// if the list already has it, in any spelling.
pub fn add(
    conn: &mut PgConnection,
    actor: &Actor,
    new: &NewExclusion,
) -> Result<Exclusion, SaveError> {
    check_room(conn, actor.merchant_id, 1, new.pattern.shape() == Shape::Composed)?;
    let added = conn.transaction(|conn| insert(conn, actor, new));
    let exclusion = taken_or(conn, actor.merchant_id, new.pattern.key(), added)?;
    cover(conn, actor, &exclusion)?;
    let event = AuditEvent::ExclusionAdded { value: exclusion.value.clone() };
    let act = Act { after: Some(exclusion.record()), ..exclusion.act(event) };
    record(conn, actor, act)?;
    Ok(exclusion)
}

fn insert(conn: &mut PgConnection, actor: &Actor, new: &NewExclusion) -> QueryResult<Exclusion> {
    diesel::insert_into(exclusions::table)
        .values((
            exclusions::merchant_id.eq(actor.merchant_id),
            written(new),
            exclusions::added_at.eq(actor.now),
            exclusions::added_by.eq(&actor.name),
        ))
        .returning(Exclusion::as_returning())
        .get_result(conn)
}

type ExclusionColumns<'a> = (
    diesel::dsl::Eq<exclusions::value, &'a str>,
    diesel::dsl::Eq<exclusions::key, &'a str>,
    diesel::dsl::Eq<exclusions::shape, Shape>,
    diesel::dsl::Eq<exclusions::anchor, String>,
    diesel::dsl::Eq<exclusions::note, &'a str>,
    diesel::dsl::Eq<exclusions::scope, ExclusionScope>,
    diesel::dsl::Eq<exclusions::starts_on, Option<NaiveDate>>,
    diesel::dsl::Eq<exclusions::ends_on, Option<NaiveDate>>,
    diesel::dsl::Eq<exclusions::starts_at, Option<DateTime<Utc>>>,
    diesel::dsl::Eq<exclusions::ends_at, Option<DateTime<Utc>>>,
);

/// The columns that a form sets.
fn written(new: &NewExclusion) -> ExclusionColumns<'_> {
    (
        exclusions::value.eq(new.pattern.value()),
        exclusions::key.eq(new.pattern.key()),
        exclusions::shape.eq(new.pattern.shape()),
        exclusions::anchor.eq(new.pattern.anchor()),
        exclusions::note.eq(new.note.as_str()),
        exclusions::scope.eq(new.scope),
        exclusions::starts_on.eq(new.dates.starts_on),
        exclusions::ends_on.eq(new.dates.ends_on),
        exclusions::starts_at.eq(new.dates.starts_at),
        exclusions::ends_at.eq(new.dates.ends_at),
    )
}

/// Turns the error for a duplicate key into the exclusion that the list already has.
fn taken_or<T>(
    conn: &mut PgConnection,
    merchant_id: i64,
    key: &str,
    saved: QueryResult<T>,
) -> Result<T, SaveError> {
    match saved {
        Err(Error::DatabaseError(DatabaseErrorKind::UniqueViolation, info))
            if info.constraint_name() == Some("exclusions_key_unique") =>
        {
            let value = exclusions::table
                .filter(exclusions::merchant_id.eq(merchant_id))
                .filter(exclusions::key.eq(key))
                .filter(exclusions::removed_at.is_null())
                .select(exclusions::value)
                .first(conn)?;
            Err(SaveError::Taken(value))
        }
        saved => Ok(saved?),
    }
}

/// Checks that `more` exclusions fit on the list. With `composed`, they're composed patterns.
pub(super) fn check_room(
    conn: &mut PgConnection,
    merchant_id: i64,
    more: i64,
    composed: bool,
) -> Result<(), SaveError> {
    let held = exclusions::table
        .filter(exclusions::merchant_id.eq(merchant_id))
        .filter(exclusions::removed_at.is_null());
    // Few lists come close to the limit, so counting is cheap.
    if held.count().get_result::<i64>(conn)? + more > MAX {
        return Err(SaveError::TooMany);
    }
    let several = held.filter(exclusions::shape.eq(Shape::Composed)).count();
    if composed && several.get_result::<i64>(conn)? + more > MAX_COMPOSED {
        return Err(SaveError::TooManyComposed);
    }
    Ok(())
}

/// Changes an exclusion. The same values change nothing. Earlier orders keep the former version.
/// Fails with [`SaveError::Taken`] if the list already has the new one, and with `NotFound` if the
/// exclusion was removed.
pub fn change(
    conn: &mut PgConnection,
    actor: &Actor,
    id: i64,
    new: &NewExclusion,
) -> Result<Exclusion, SaveError> {
    let before = Exclusion::lock(conn, actor.merchant_id, id)?;
    if before.removed_at.is_some() {
        return Err(Error::NotFound.into());
    }
    let composes = new.pattern.shape() == Shape::Composed && before.shape != Shape::Composed;
    check_room(conn, actor.merchant_id, i64::from(composes), composes)?;
    let row = exclusions::table.find((actor.merchant_id, id));
    let keeps_key = before.key == new.pattern.key();
    let changed = conn.transaction(|conn| {
        if !keeps_key {
            diesel::update(row).set(exclusions::twin.eq(0)).execute(conn)?;
        }
        diesel::update(row)
            .set(written(new))
            .returning(Exclusion::as_returning())
            .get_result::<Exclusion>(conn)
    });
    let after = taken_or(conn, actor.merchant_id, new.pattern.key(), changed)?;
    if after == before {
        return Ok(after);
    }
    cover(conn, actor, &after)?;
    let event =
        AuditEvent::ExclusionChanged { from: before.value.clone(), to: after.value.clone() };
    let act =
        Act { before: Some(before.record()), after: Some(after.record()), ..after.act(event) };
    record(conn, actor, act)?;
    Ok(after)
}

/// Removes an exclusion from the list; [`restore`] puts it back. Returns `false` if it was already
/// removed. Fails with `NotFound` if the merchant never had it.
pub fn remove(conn: &mut PgConnection, actor: &Actor, id: i64) -> QueryResult<(Exclusion, bool)> {
    let exclusion = Exclusion::lock(conn, actor.merchant_id, id)?;
    if exclusion.removed_at.is_some() {
        return Ok((exclusion, false));
    }
    diesel::update(exclusions::table.find((actor.merchant_id, id)))
        .set(exclusions::removed_at.eq(actor.now))
        .execute(conn)?;
    uncover(conn, actor, &exclusion)?;
    let event = AuditEvent::ExclusionRemoved { value: exclusion.value.clone() };
    let act = Act { before: Some(exclusion.record()), ..exclusion.act(event) };
    record(conn, actor, act)?;
    Ok((exclusion, true))
}

/// Restores an exclusion as if it had never been removed. Returns `false` if it's on the list.
/// Fails with [`SaveError::Taken`] if the list now has another one with the same key.
pub fn restore(
    conn: &mut PgConnection,
    actor: &Actor,
    id: i64,
) -> Result<(Exclusion, bool), SaveError> {
    let exclusion = Exclusion::lock(conn, actor.merchant_id, id)?;
    let Some(removed_at) = exclusion.removed_at else { return Ok((exclusion, false)) };
    check_room(conn, actor.merchant_id, 1, exclusion.shape == Shape::Composed)?;
    let row = exclusions::table.find((actor.merchant_id, id));
    let restored = conn.transaction(|conn| {
        diesel::update(row)
            .set(exclusions::removed_at.eq(None::<DateTime<Utc>>))
            .returning(Exclusion::as_returning())
            .get_result(conn)
    });
    let exclusion = taken_or(conn, actor.merchant_id, &exclusion.key, restored)?;
    reopen(conn, actor, &exclusion, removed_at)?;
    let event = AuditEvent::ExclusionRestored { value: exclusion.value.clone() };
    let act = Act { after: Some(exclusion.record()), ..exclusion.act(event) };
    record(conn, actor, act)?;
    Ok((exclusion, true))
}
