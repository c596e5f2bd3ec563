//! Members' decisions on conversions: approve, deny, back to Pending, overrule, and undo of each.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::list::{self, ConversionRow};
use super::{ConversionStatus, StatusBy};
use crate::audit::{Act, Actor, record_all};
use crate::db::prepared;
use crate::db::schema::{audit_log, conversions, orders};
use crate::figures::{Amounts, Changes, Delta};
use crate::orders::{RecalculationCause, recalculate, recalculate_soon};

const STATUS_CHANGED: &str = "conversion.status_changed";
const OVERRULED: &str = "conversion.overruled";
/// An amount was given by hand; taking that back denies it.
pub(super) const GIVEN: &str = "conversion.given";
/// No act concerns more conversions than this: a page of a list has far fewer.
const MOST_AT_ONCE: i64 = 1_000;

/// What a change came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// How many conversions changed.
    pub changed: usize,
    /// How many were left alone: they stood so already, or are Unqualified.
    pub left_alone: usize,
    /// Names the change in the audit log; [`undo`] takes it back.
    pub change_id: Option<i64>,
}

/// Why a conversion cannot be overruled.
#[derive(Debug, thiserror::Error)]
pub enum OverruleError {
    /// It is not Unqualified, or no longer.
    #[error("This conversion is not Unqualified any more: nothing stands against it.")]
    NotUnqualified,
    /// There is nothing a member could decide.
    #[error("What stands against this conversion cannot be overruled.")]
    NotForMembers,
    /// The database's.
    #[error(transparent)]
    Database(#[from] diesel::result::Error),
}

/// A conversion as it stands, locked for this transaction.
#[derive(Queryable, Selectable)]
#[diesel(table_name = conversions)]
struct Standing {
    id: i64,
    order_id: Option<i64>,
    affiliate_id: i64,
    trigger_id: Option<i64>,
    status: ConversionStatus,
    status_by: StatusBy,
    currency: String,
    day: NaiveDate,
    revenue_minor: i64,
    discount_minor: i64,
    refunded_minor: i64,
    commission_minor: i64,
}

impl Standing {
    fn delta(&self, merchant_id: i64) -> Delta {
        Delta {
            merchant_id,
            day: self.day,
            currency: self.currency.clone(),
            seed: self.id,
            affiliate_id: Some(self.affiliate_id),
            trigger_id: self.trigger_id,
            amounts: Amounts {
                orders: 0,
                conversions: 1,
                revenue_minor: self.revenue_minor,
                discount_minor: self.discount_minor,
                refunded_minor: self.refunded_minor,
                commission_minor: self.commission_minor,
            },
        }
    }
}

/// What a conversion is to become.
#[derive(Clone, Copy)]
struct Wanted {
    id: i64,
    status: ConversionStatus,
    by: StatusBy,
}

/// The parts of an entry in the audit log that undo needs.
#[derive(Serialize, Deserialize)]
struct Mark {
    status: ConversionStatus,
    status_by: StatusBy,
}

/// Sets the status of some conversions, as a member's decision, with an optional note that says why.
///
/// Those that are Unqualified are left alone: overruling is a decision of its own ([`overrule`]).
/// Nobody is made Unqualified by hand.
///
/// # Errors
/// The database's.
pub fn set_status(
    conn: &mut PgConnection,
    actor: &Actor,
    ids: &[i64],
    status: ConversionStatus,
    note: &str,
) -> QueryResult<Changed> {
    if status == ConversionStatus::Unqualified {
        return Ok(Changed { left_alone: ids.len(), ..Changed::default() });
    }
    let wanted: Vec<Wanted> =
        ids.iter().map(|id| Wanted { id: *id, status, by: StatusBy::Member }).collect();
    apply(conn, actor, &wanted, note)
}

fn apply(
    conn: &mut PgConnection,
    actor: &Actor,
    wanted: &[Wanted],
    note: &str,
) -> QueryResult<Changed> {
    let ids: Vec<i64> = wanted.iter().map(|one| one.id).collect();
    let standing = lock(conn, actor.merchant_id, &ids)?;
    let mut changes = Changes::of(actor.merchant_id);
    let mut acts: Vec<(&Standing, Wanted)> = Vec::new();
    for known in &standing {
        let Some(to) = wanted.iter().find(|one| one.id == known.id) else { continue };
        let is_the_systems = known.status == ConversionStatus::Unqualified;
        if is_the_systems || known.status == to.status {
            continue;
        }
        match (known.status.counts(), to.status.counts()) {
            (true, false) => changes.subtract(&known.delta(actor.merchant_id)),
            (false, true) => changes.add(&known.delta(actor.merchant_id)),
            (true, true) | (false, false) => {}
        }
        diesel::update(conversions::table.find((actor.merchant_id, known.id)))
            .set((
                conversions::status.eq(to.status),
                conversions::status_by.eq(to.by),
                conversions::updated_at.eq(actor.now),
            ))
            .execute(conn)?;
        acts.push((known, *to));
    }
    let change_id = log(conn, actor, &acts, note)?;
    // What was Denied did not follow its order meanwhile.
    let mut revived: Vec<i64> = acts
        .iter()
        .filter(|(known, _)| known.status == ConversionStatus::Denied)
        .filter_map(|(known, _)| known.order_id)
        .collect();
    revived.sort_unstable();
    revived.dedup();
    recalculate_soon(conn, actor, &revived, &RecalculationCause::DenialTakenBack, changes)?;
    Ok(Changed { changed: acts.len(), left_alone: ids.len() - acts.len(), change_id })
}

/// Locks the conversions, their orders first: as the intake of orders does, so that neither works
/// on what the other is changing.
fn lock(conn: &mut PgConnection, merchant_id: i64, ids: &[i64]) -> QueryResult<Vec<Standing>> {
    prepared::<BigInt>(
        "SELECT id FROM orders WHERE merchant_id = ? AND id IN (\
             SELECT order_id FROM conversions WHERE merchant_id = ? AND id = ANY(?)) \
         ORDER BY id FOR UPDATE",
    )
    .bind::<BigInt, _>(merchant_id)
    .bind::<BigInt, _>(merchant_id)
    .bind::<Array<BigInt>, _>(ids)
    .load::<i64>(conn)?;
    conversions::table
        .filter(conversions::merchant_id.eq(merchant_id))
        .filter(conversions::id.eq_any(ids.to_vec()))
        .order(conversions::id)
        .for_update()
        .select(Standing::as_select())
        .load(conn)
}

fn log(
    conn: &mut PgConnection,
    actor: &Actor,
    acts: &[(&Standing, Wanted)],
    note: &str,
) -> QueryResult<Option<i64>> {
    if acts.is_empty() {
        return Ok(None);
    }
    let ids: Vec<i64> = acts.iter().map(|(known, _)| known.id).collect();
    let rows = list::by_ids(conn, actor.merchant_id, &ids)?;
    let entries = acts.iter().map(|(known, to)| Act {
        action: STATUS_CHANGED,
        subject_kind: "conversion",
        subject_id: Some(known.id),
        summary: summary(rows.iter().find(|row| row.conversion.id == known.id), to.status, note),
        before: Some(json!(Mark { status: known.status, status_by: known.status_by })),
        after: Some(json!({ "status": to.status, "status_by": to.by, "note": note })),
    });
    let change_ids = record_all(conn, actor, entries.collect())?;
    Ok(change_ids.into_iter().min())
}

fn summary(row: Option<&ConversionRow>, status: ConversionStatus, note: &str) -> String {
    let what = row.map_or_else(|| "a conversion".to_owned(), about);
    let act = match status {
        ConversionStatus::Approved => format!("Approved {what}."),
        ConversionStatus::Denied => format!("Denied {what}."),
        ConversionStatus::Pending | ConversionStatus::Unqualified => {
            format!("Set {what} back to {status}.")
        }
    };
    if note.is_empty() { act } else { format!("{act} Note: {note}") }
}

/// The conversion as the middle of a sentence.
pub(super) fn about(row: &ConversionRow) -> String {
    let name = &row.affiliate;
    match (&row.order, row.conversion.order_id) {
        (Some(order), _) => format!("{name}’s conversion for order {order}"),
        (None, Some(_)) => format!("{name}’s conversion for an order"),
        (None, None) => format!("{name}’s manual credit"),
    }
}

/// Credits an Unqualified conversion all the same, from now on and through every update of its
/// order.
///
/// # Errors
/// [`OverruleError`] where there is nothing to overrule; `NotFound` if it is not the merchant's.
pub fn overrule(
    conn: &mut PgConnection,
    actor: &Actor,
    conversion_id: i64,
    note: &str,
) -> Result<Changed, OverruleError> {
    let standing = lock(conn, actor.merchant_id, &[conversion_id])?;
    let known = standing.first().ok_or(diesel::result::Error::NotFound)?;
    let rows = list::by_ids(conn, actor.merchant_id, &[conversion_id])?;
    let row = rows.first().ok_or(diesel::result::Error::NotFound)?;
    if known.status != ConversionStatus::Unqualified {
        return Err(OverruleError::NotUnqualified);
    }
    let order_id = known.order_id.ok_or(OverruleError::NotForMembers)?;
    if !row.conversion.can_be_overruled() {
        return Err(OverruleError::NotForMembers);
    }
    set_overruled(conn, actor, order_id, known.affiliate_id, true)?;
    let because = row.conversion.reason_label();
    let said = if note.is_empty() { String::new() } else { format!(" Note: {note}") };
    let act = Act {
        action: OVERRULED,
        subject_kind: "conversion",
        subject_id: Some(conversion_id),
        summary: format!("Overruled “{because}” on {}.{said}", about(row)),
        before: Some(json!(Mark { status: known.status, status_by: known.status_by })),
        after: Some(json!({ "overruled": true, "note": note })),
    };
    let change_id = record_all(conn, actor, vec![act])?.first().copied();
    recalculate(conn, actor, &[order_id], &RecalculationCause::Overruled)?;
    Ok(Changed { changed: 1, left_alone: 0, change_id })
}

fn set_overruled(
    conn: &mut PgConnection,
    actor: &Actor,
    order_id: i64,
    affiliate_id: i64,
    overruled: bool,
) -> QueryResult<()> {
    let order = orders::table.find((actor.merchant_id, order_id));
    let known: Vec<Option<i64>> =
        order.select(orders::overruled_affiliate_ids).for_update().first(conn)?;
    let mut ids: Vec<i64> = known.into_iter().flatten().filter(|id| *id != affiliate_id).collect();
    if overruled {
        ids.push(affiliate_id);
    }
    diesel::update(order).set(orders::overruled_affiliate_ids.eq(ids)).execute(conn)?;
    Ok(())
}

/// An entry of the log that can be taken back.
#[derive(Queryable, Selectable)]
#[diesel(table_name = audit_log)]
struct Logged {
    action: String,
    subject_id: Option<i64>,
    before: Option<serde_json::Value>,
    after: Option<serde_json::Value>,
}

/// Takes a change back: every conversion of it that still stands as the change left it gets the
/// status it had before.
///
/// # Errors
/// `NotFound` if `change_id` names no change of the merchant's conversions.
pub fn undo(conn: &mut PgConnection, actor: &Actor, change_id: i64) -> QueryResult<Changed> {
    let logged = change(conn, actor.merchant_id, change_id)?;
    // All of them, before anything is recalculated.
    let concerned: Vec<i64> = logged.iter().filter_map(|entry| entry.subject_id).collect();
    lock(conn, actor.merchant_id, &concerned)?;
    let mut wanted = Vec::new();
    let mut done = Changed::default();
    for entry in &logged {
        let Some(id) = entry.subject_id else { continue };
        if entry.action == OVERRULED {
            let one = take_overruling_back(conn, actor, id)?;
            done.changed += one;
            done.left_alone += 1 - one;
            continue;
        }
        if entry.action == GIVEN {
            let denied = Wanted { id, status: ConversionStatus::Denied, by: StatusBy::Member };
            wanted.push((denied, ConversionStatus::Approved));
            continue;
        }
        let read = |value: &Option<serde_json::Value>| {
            value.clone().and_then(|value| serde_json::from_value::<Mark>(value).ok())
        };
        let (Some(before), Some(after)) = (read(&entry.before), read(&entry.after)) else {
            continue;
        };
        wanted.push((Wanted { id, status: before.status, by: before.status_by }, after.status));
    }
    let ids: Vec<i64> = wanted.iter().map(|(to, _)| to.id).collect();
    let standing = lock(conn, actor.merchant_id, &ids)?;
    let unchanged: Vec<Wanted> = wanted
        .iter()
        .filter(|(to, left)| {
            standing.iter().any(|known| known.id == to.id && known.status == *left)
        })
        .map(|(to, _)| *to)
        .collect();
    let restored = apply(conn, actor, &unchanged, "undone")?;
    done.changed += restored.changed;
    done.left_alone += ids.len() - restored.changed;
    Ok(done)
}

/// All entries that were made in one act with `change_id`, which is the first of them.
fn change(conn: &mut PgConnection, merchant_id: i64, change_id: i64) -> QueryResult<Vec<Logged>> {
    let of_conversions = || {
        audit_log::table
            .filter(audit_log::merchant_id.eq(merchant_id))
            .filter(audit_log::action.eq_any([STATUS_CHANGED, OVERRULED, GIVEN]))
    };
    let (at, user_id): (DateTime<Utc>, Option<i64>) = of_conversions()
        .filter(audit_log::id.eq(change_id))
        .select((audit_log::at, audit_log::actor_user_id))
        .first(conn)?;
    of_conversions()
        .filter(audit_log::id.between(change_id, change_id + MOST_AT_ONCE))
        .filter(audit_log::at.eq(at))
        .filter(audit_log::actor_user_id.is_not_distinct_from(user_id))
        .order(audit_log::id)
        .select(Logged::as_select())
        .load(conn)
}

/// How many conversions changed: one, or none if it was taken back before.
fn take_overruling_back(
    conn: &mut PgConnection,
    actor: &Actor,
    conversion_id: i64,
) -> QueryResult<usize> {
    let rows = list::by_ids(conn, actor.merchant_id, &[conversion_id])?;
    let Some((row, order_id)) = rows.first().and_then(|row| Some((row, row.conversion.order_id?)))
    else {
        return Ok(0);
    };
    set_overruled(conn, actor, order_id, row.conversion.affiliate_id, false)?;
    let act = Act {
        action: "conversion.overruling_undone",
        subject_kind: "conversion",
        subject_id: Some(conversion_id),
        summary: format!("Let the rules decide again on {}.", about(row)),
        before: Some(json!({ "overruled": true })),
        after: Some(json!({ "overruled": false })),
    };
    record_all(conn, actor, vec![act])?;
    recalculate(conn, actor, &[order_id], &RecalculationCause::OverrulingTakenBack)?;
    Ok(1)
}
