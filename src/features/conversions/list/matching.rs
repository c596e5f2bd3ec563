//! The conversions that match a filter.

use diesel::dsl::IntoBoxed;
use diesel::pg::Pg;
use diesel::prelude::*;
use vouch_core::code::key_of_reported_code;
use vouch_core::email::EmailKey;

use super::filter::{ConversionFilter, StatusFilter};
use crate::kit::db::schema::{affiliates, conversions, orders, triggers};
use crate::kit::lists::contains;
use crate::kit::web::display_time::{after_day, before_day};

/// The maximum of matching affiliates, triggers and orders that a search considers, each.
pub(crate) const MAX_FOUND: i64 = 200;

type Boxed = IntoBoxed<'static, conversions::table, Pg>;

/// The rows that match the text of a search.
pub(super) struct SearchMatches {
    affiliate_ids: Vec<i64>,
    trigger_ids: Vec<i64>,
    order_ids: Vec<i64>,
}

impl SearchMatches {
    fn look_up(conn: &mut PgConnection, merchant_id: i64, q: &str) -> QueryResult<Self> {
        let lower = q.to_lowercase();
        let email =
            EmailKey::parse(q).map_or_else(|_| lower.clone(), |key| key.as_str().to_owned());
        Ok(Self {
            affiliate_ids: affiliates::table
                .filter(affiliates::merchant_id.eq(merchant_id))
                .filter(affiliates::search.like(contains(&lower)))
                .order(affiliates::id)
                .limit(MAX_FOUND)
                .select(affiliates::id)
                .load(conn)?,
            trigger_ids: triggers::table
                .filter(triggers::merchant_id.eq(merchant_id))
                .filter(triggers::key.eq_any([key_of_reported_code(q), lower, email]))
                .limit(MAX_FOUND)
                .select(triggers::id)
                .load(conn)?,
            order_ids: orders::table
                .filter(orders::merchant_id.eq(merchant_id))
                .filter(orders::name.eq_any([q.to_owned(), format!("#{q}")]))
                .order(orders::id.desc())
                .limit(MAX_FOUND)
                .select(orders::id)
                .load(conn)?,
        })
    }

    pub(super) fn is_cut(&self) -> bool {
        [&self.affiliate_ids, &self.trigger_ids, &self.order_ids]
            .iter()
            .any(|ids| ids.len() as i64 >= MAX_FOUND)
    }
}

pub(super) fn matching(
    conn: &mut PgConnection,
    merchant_id: i64,
    filter: &ConversionFilter,
) -> QueryResult<ResolvedFilter> {
    let q = filter.q.as_str();
    let found =
        if q.is_empty() { None } else { Some(SearchMatches::look_up(conn, merchant_id, q)?) };
    Ok(ResolvedFilter { merchant_id, filter: filter.clone(), found })
}

/// A filter with the rows that its search found.
pub(super) struct ResolvedFilter {
    pub(super) merchant_id: i64,
    pub(super) filter: ConversionFilter,
    pub(super) found: Option<SearchMatches>,
}

impl ResolvedFilter {
    pub(super) fn query(&self) -> Boxed {
        let filter = &self.filter;
        let mut query = conversions::table
            .into_boxed::<Pg>()
            .filter(conversions::merchant_id.eq(self.merchant_id));
        if let Some(affiliate_id) = filter.affiliate_id {
            query = query.filter(conversions::affiliate_id.eq(affiliate_id));
        }
        if let Some(trigger_id) = filter.trigger_id {
            query = query.filter(conversions::trigger_id.eq(trigger_id));
        }
        query = match filter.status.map(StatusFilter::statuses) {
            Some([only]) => query.filter(conversions::status.eq(*only)),
            Some(several) => query.filter(conversions::status.eq_any(several)),
            None => query,
        };
        // The day decides. The times only narrow the part of the index to read.
        if let Some(from) = filter.from {
            query = query
                .filter(conversions::day.ge(from))
                .filter(conversions::occurred_at.ge(before_day(from)));
        }
        if let Some(to) = filter.to {
            query = query
                .filter(conversions::day.le(to))
                .filter(conversions::occurred_at.lt(after_day(to)));
        }
        if let Some(found) = &self.found {
            query = query.filter(
                conversions::affiliate_id
                    .eq_any(found.affiliate_ids.clone())
                    .or(conversions::trigger_id.eq_any(found.trigger_ids.clone()).assume_not_null())
                    .or(conversions::order_id.eq_any(found.order_ids.clone()).assume_not_null()),
            );
        }
        query
    }
}
