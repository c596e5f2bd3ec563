//! Credits a conversion that doesn't qualify.

use diesel::prelude::*;
use serde_json::json;

use super::changed::{ReviewOutcome, name_of};
use super::locked::Locked;
use crate::features::audit::{Act, AuditEvent};
use crate::features::conversions::ConversionStatus;
use crate::features::conversions::list;
use crate::features::ingest::recalculate;
use crate::features::recalculations::RecalculationReason;
use crate::kit::audit::{Actor, SubjectKind, record_all};
use crate::kit::db::schema::orders;

/// Why a conversion can't be overruled.
#[derive(Debug)]
pub enum OverruleError {
    /// It isn't unqualified, or no longer.
    NotUnqualified,
    /// Members can't overrule the reason.
    NotForMembers,
    Database(diesel::result::Error),
}

impl From<diesel::result::Error> for OverruleError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Database(error)
    }
}

/// Credits an unqualified conversion anyway, from now on and through every update of its order.
/// Fails with `NotFound` if the merchant has no such conversion.
pub fn overrule(
    conn: &mut PgConnection,
    actor: &Actor,
    conversion_id: i64,
    note: &str,
) -> Result<ReviewOutcome, OverruleError> {
    let locked = Locked::lock(conn, actor.merchant_id, &[conversion_id])?;
    let known = locked.find(conversion_id).ok_or(diesel::result::Error::NotFound)?;
    let rows = list::by_ids(conn, actor.merchant_id, &[conversion_id])?;
    let row = rows.first().ok_or(diesel::result::Error::NotFound)?;
    if known.status() != ConversionStatus::Unqualified {
        return Err(OverruleError::NotUnqualified);
    }
    let order_id = known.order_id().ok_or(OverruleError::NotForMembers)?;
    if !row.conversion.can_be_overruled() {
        return Err(OverruleError::NotForMembers);
    }
    set_overruled(conn, actor, order_id, known.affiliate_id(), true)?;
    let event = AuditEvent::ConversionOverruled {
        conversion: name_of(row),
        reason: row.conversion.unqualified_reason,
        note: note.to_owned(),
    };
    let act = Act {
        before: Some(json!({ "overruled": false })),
        after: Some(json!({ "overruled": true, "note": note })),
        ..Act::new(event, SubjectKind::Conversion, Some(conversion_id))
    };
    let change_id = record_all(conn, actor, vec![act])?.first().copied();
    recalculate(conn, actor, &[order_id], &RecalculationReason::Overruled)?;
    Ok(ReviewOutcome { changed: 1, change_id, ..ReviewOutcome::default() })
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

/// Lets the rules decide again. Returns how many conversions changed, which is one, or zero if
/// there's no order.
pub(super) fn take_overruling_back(
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
    let event = AuditEvent::OverrulingUndone { conversion: name_of(row) };
    let act = Act {
        before: Some(json!({ "overruled": true })),
        after: Some(json!({ "overruled": false })),
        ..Act::new(event, SubjectKind::Conversion, Some(conversion_id))
    };
    record_all(conn, actor, vec![act])?;
    recalculate(conn, actor, &[order_id], &RecalculationReason::OverrulingTakenBack)?;
    Ok(1)
}
