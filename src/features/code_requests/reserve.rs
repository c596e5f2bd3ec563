use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::features::applications::CodeRequestStatus;
use crate::features::availability::{self, UnavailableValue};
use crate::features::exclusions::Pattern;
use crate::features::triggers::{Reach, TriggerKind, TriggerValue};
use crate::kit::db::schema::{affiliates, code_requests};

/// How many requests are loaded at most. No merchant leaves more undecided.
const MAX_LOADED: i64 = 10_000;

/// A code with a pending request.
#[derive(Clone, Debug)]
pub(crate) struct ReservedCode {
    pub(crate) code: String,
    pub(crate) affiliate_id: i64,
    pub(crate) affiliate: String,
    code_key: String,
}

impl ReservedCode {
    /// Whether the exclusion pattern would have stopped it.
    pub(crate) fn is_like(&self, pattern: &Pattern) -> bool {
        pattern.stops(&self.code_key)
    }
}

/// The merchant's codes with pending requests, the oldest first.
pub(crate) fn waiting(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Vec<ReservedCode>> {
    let found: Vec<(String, String, i64, String)> = code_requests::table
        .inner_join(
            affiliates::table.on(affiliates::merchant_id
                .eq(code_requests::merchant_id)
                .and(affiliates::id.eq(code_requests::affiliate_id))),
        )
        .filter(code_requests::merchant_id.eq(merchant_id))
        .filter(code_requests::status.eq(CodeRequestStatus::Pending))
        .order(code_requests::id)
        .limit(MAX_LOADED)
        .select((
            code_requests::code,
            code_requests::code_key,
            code_requests::affiliate_id,
            affiliates::name,
        ))
        .load(conn)?;
    let waiting = found.into_iter().map(|(code, code_key, affiliate_id, affiliate)| ReservedCode {
        code,
        affiliate_id,
        affiliate,
        code_key,
    });
    Ok(waiting.collect())
}

/// Whether a typed code is available to an affiliate with that name. It's only certain under
/// [`availability::lock_codes_exclusive`].
pub(crate) fn check(
    conn: &mut PgConnection,
    merchant_id: i64,
    typed: &str,
    affiliate_name: &str,
    now: DateTime<Utc>,
) -> QueryResult<Result<TriggerValue, UnavailableValue>> {
    let wanted = (TriggerKind::CouponCode, typed, Reach::Stores);
    availability::look_up(conn, merchant_id, wanted, affiliate_name, now)
}
