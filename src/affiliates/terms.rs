//! The dated terms of an affiliate: which status and offer held when. An order is judged by the
//! moment it was placed, so that a change closes one row and opens the next.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::status::AffiliateStatus;
use crate::db::schema::affiliate_terms;

/// One interval: from `valid_from` (included) to `valid_until` (excluded; open while in force).
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = affiliate_terms)]
pub(super) struct TermsRow {
    pub valid_from: DateTime<Utc>,
    pub status: AffiliateStatus,
}

/// Opens terms at `now` and closes those in force. Terms that began at that very moment, or later
/// (another change came first while this one waited), are replaced where they stand: an interval
/// cannot be empty.
pub(super) fn change(
    conn: &mut PgConnection,
    merchant_id: i64,
    affiliate_id: i64,
    status: AffiliateStatus,
    offer_id: i64,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let open = affiliate_terms::table
        .filter(affiliate_terms::merchant_id.eq(merchant_id))
        .filter(affiliate_terms::affiliate_id.eq(affiliate_id))
        .filter(affiliate_terms::valid_until.is_null());
    let replaced = diesel::update(open.filter(affiliate_terms::valid_from.ge(now)))
        .set((affiliate_terms::status.eq(status), affiliate_terms::offer_id.eq(offer_id)))
        .execute(conn)?;
    if replaced > 0 {
        return Ok(());
    }
    diesel::update(open).set(affiliate_terms::valid_until.eq(now)).execute(conn)?;
    diesel::insert_into(affiliate_terms::table)
        .values((
            affiliate_terms::merchant_id.eq(merchant_id),
            affiliate_terms::affiliate_id.eq(affiliate_id),
            affiliate_terms::valid_from.eq(now),
            affiliate_terms::status.eq(status),
            affiliate_terms::offer_id.eq(offer_id),
        ))
        .execute(conn)?;
    Ok(())
}

/// Takes back the terms that began at `since`, if they are still in force: the ones before hold
/// again, as if nothing had been in between. `None` where other terms have followed, or none
/// came before.
pub(super) fn take_back(
    conn: &mut PgConnection,
    merchant_id: i64,
    affiliate_id: i64,
    since: DateTime<Utc>,
) -> QueryResult<Option<TermsRow>> {
    let own = affiliate_terms::table
        .filter(affiliate_terms::merchant_id.eq(merchant_id))
        .filter(affiliate_terms::affiliate_id.eq(affiliate_id));
    let before = own
        .filter(affiliate_terms::valid_until.eq(since))
        .select(TermsRow::as_select())
        .first(conn)
        .optional()?;
    let Some(before) = before else {
        return Ok(None);
    };
    let in_force = own
        .filter(affiliate_terms::valid_from.eq(since))
        .filter(affiliate_terms::valid_until.is_null());
    if diesel::delete(in_force).execute(conn)? == 0 {
        return Ok(None);
    }
    diesel::update(own.filter(affiliate_terms::valid_from.eq(before.valid_from)))
        .set(affiliate_terms::valid_until.eq(None::<DateTime<Utc>>))
        .execute(conn)?;
    Ok(Some(before))
}
