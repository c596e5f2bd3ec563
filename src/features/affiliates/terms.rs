//! The dated terms of an affiliate: which status and offer held when.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::status::AffiliateStatus;
use crate::kit::dated::{Dated, dated, hold_from, second};

dated! {
    /// What an order is judged by.
    pub(super) struct Terms
    in affiliate_terms(merchant_id: i64, affiliate_id: i64) of affiliates(merchant_id, affiliate_id)
    {
        pub status: AffiliateStatus,
        pub offer_id: i64,
    }
}

/// Takes back the change of status that was made at `since`, if it is still in force: the status
/// before it holds again, as if nothing had been in between, on the offer of now. Answers that
/// status; `None` where other terms have followed, or none came before.
pub(super) fn take_back_status(
    conn: &mut PgConnection,
    key: (i64, i64),
    since: DateTime<Utc>,
) -> QueryResult<Option<AffiliateStatus>> {
    let since = second(since);
    Terms::lock_owner(conn, key)?;
    let periods = Terms::periods(conn, key)?;
    let [.., before, last] = periods.as_slice() else { return Ok(None) };
    let is_in_force = last.from == since && last.until.is_none();
    if !is_in_force || before.value.status == last.value.status {
        return Ok(None);
    }
    let status = before.value.status;
    hold_from(conn, key, Some(Terms { status, ..last.value.clone() }), since)?;
    Ok(Some(status))
}
