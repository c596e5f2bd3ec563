//! Every trigger that matches an order, with its holders and their terms when it was placed.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz};
use vouch_core::attribution::{Candidate, CandidateAffiliate, CommissionKind, Terms};
use vouch_core::money::{Currency, Rate};
use vouch_core::order::snapshot::OrderSnapshot;

use super::batch::Batch;
use super::keys::{TriggerKey, email_key_of};
use crate::features::affiliates::AffiliateStatus;
use crate::features::exclusions::covering_orders;
use crate::features::triggers::TriggerKind;
use crate::kit::dated::in_force_or_first;
use crate::kit::db::prepared;

/// The candidates of `report`.
pub(super) fn of(
    conn: &mut PgConnection,
    batch: &mut Batch,
    report: &OrderSnapshot,
    has_exclusions: bool,
) -> QueryResult<Vec<Candidate>> {
    let merchant_id = batch.merchant_id;
    let trigger_ids = batch.trigger_ids(conn, wanted(report))?;
    if trigger_ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut candidates = holders(conn, merchant_id, trigger_ids, report.placed_at)?;
    if has_exclusions {
        mark_excluded(conn, merchant_id, report.placed_at, &mut candidates)?;
    }
    Ok(candidates)
}

/// Says of every code whether an exclusion covered orders with it when the order was placed.
fn mark_excluded(
    conn: &mut PgConnection,
    merchant_id: i64,
    placed_at: DateTime<Utc>,
    candidates: &mut [Candidate],
) -> QueryResult<()> {
    let is_code = |candidate: &&Candidate| candidate.kind == TriggerKind::CouponCode;
    let keys: Vec<&str> =
        candidates.iter().filter(is_code).map(|candidate| candidate.key.as_str()).collect();
    if keys.is_empty() {
        return Ok(());
    }
    let covered = covering_orders(conn, merchant_id, &keys, placed_at)?;
    for candidate in candidates {
        let by = covered.iter().find(|(key, _)| *key == candidate.key);
        candidate.excluded_by = by
            .filter(|_| candidate.kind == TriggerKind::CouponCode)
            .map(|(_, exclusion_id)| *exclusion_id);
    }
    Ok(())
}

/// What its triggers would be found by.
pub(super) fn wanted(report: &OrderSnapshot) -> Vec<TriggerKey> {
    let codes = report.codes.iter().map(|code| (TriggerKind::CouponCode, code.key()));
    let email = email_key_of(report).map(|key| (TriggerKind::CustomerEmail, key));
    let skus = report.lines.iter().filter_map(|line| Some((TriggerKind::Sku, line.sku_key()?)));
    codes.chain(email).chain(skus).map(|(kind, key)| (kind.as_str(), key)).collect()
}

/// An affiliate `a` with the addresses it was known by then and its status, and the terms of its
/// offer: [`AffiliateSql`], [`TermsSql`]. The moment is bound once.
macro_rules! affiliate_columns {
    () => {
        "a.id, a.public_id, a.name, \
         ARRAY(SELECT unnest(e.emails) FROM affiliate_emails e WHERE e.merchant_id = a.merchant_id \
             AND e.affiliate_id = a.id AND e.valid_from <= ?), s.status, \
         f.id, f.name, m.commission_kind, m.basis_points, m.flat_minor, m.flat_currency::text, \
         m.excluded_skus, m.auto_approve"
    };
}

/// The joins that these columns need; the moment is bound four times.
macro_rules! terms_in_force {
    () => {
        concat!(
            in_force_or_first!(
                "affiliate_terms",
                "s",
                "d.merchant_id = a.merchant_id AND d.affiliate_id = a.id"
            ),
            "JOIN offers f ON f.merchant_id = s.merchant_id AND f.id = s.offer_id",
            in_force_or_first!(
                "offer_terms",
                "m",
                "d.merchant_id = f.merchant_id AND d.offer_id = f.id"
            ),
        )
    };
}

const HOLDERS: &str = concat!(
    "SELECT t.id, t.kind, t.value, t.key, t.created_at, t.retired_at, \
        o.valid_from, o.valid_until, ",
    affiliate_columns!(),
    " FROM triggers t \
    JOIN trigger_owners o ON o.merchant_id = t.merchant_id AND o.trigger_id = t.id \
    JOIN affiliates a ON a.merchant_id = o.merchant_id AND a.id = o.affiliate_id ",
    terms_in_force!(),
    " WHERE t.merchant_id = ? AND t.id = ANY(?)"
);

const AFFILIATE: &str = concat!(
    "SELECT ",
    affiliate_columns!(),
    " FROM affiliates a ",
    terms_in_force!(),
    " WHERE a.merchant_id = ? AND a.id = ?"
);

type TriggerSql = (BigInt, Text, Text, Text, Timestamptz, Nullable<Timestamptz>);
type OwnerSql = (Timestamptz, Nullable<Timestamptz>);
type AffiliateSql = (BigInt, Text, Text, Array<Text>, Text);
type TermsSql =
    (BigInt, Text, Text, Nullable<Integer>, Nullable<BigInt>, Nullable<Text>, Array<Text>, Bool);

type TriggerRow = (i64, TriggerKind, String, String, DateTime<Utc>, Option<DateTime<Utc>>);
type OwnerRow = (DateTime<Utc>, Option<DateTime<Utc>>);
type AffiliateRow = (i64, String, String, Vec<String>, AffiliateStatus);
type TermsRow =
    (i64, String, CommissionKind, Option<Rate>, Option<i64>, Option<Currency>, Vec<String>, bool);

fn holders(
    conn: &mut PgConnection,
    merchant_id: i64,
    trigger_ids: Vec<i64>,
    placed_at: DateTime<Utc>,
) -> QueryResult<Vec<Candidate>> {
    let rows: Vec<(TriggerRow, OwnerRow, AffiliateRow, TermsRow)> =
        prepared::<(TriggerSql, OwnerSql, AffiliateSql, TermsSql)>(HOLDERS)
            .bind::<Timestamptz, _>(placed_at)
            .bind::<Timestamptz, _>(placed_at)
            .bind::<Timestamptz, _>(placed_at)
            .bind::<Timestamptz, _>(placed_at)
            .bind::<Timestamptz, _>(placed_at)
            .bind::<BigInt, _>(merchant_id)
            .bind::<Array<BigInt>, _>(trigger_ids)
            .load(conn)?;
    let candidates = rows.into_iter().map(|(trigger, owner, who, terms)| {
        let (trigger_id, kind, value, key, trigger_created_at, retired_at) = trigger;
        let (owned_from, owned_until) = owner;
        Candidate {
            trigger_id,
            kind,
            value,
            key,
            trigger_created_at,
            affiliate: affiliate(who),
            owned_from,
            owned_until,
            retired_at,
            excluded_by: None,
            terms: self::terms(terms),
        }
    });
    Ok(candidates.collect())
}

fn affiliate((id, public_id, name, emails, status): AffiliateRow) -> CandidateAffiliate {
    CandidateAffiliate { id, public_id, name, emails, status }
}

fn terms(row: TermsRow) -> Terms {
    let (offer_id, offer_name, kind, rate, flat, currency, excluded_skus, auto_approve) = row;
    let commission = (kind, rate, flat, currency).into();
    Terms { offer_id, offer_name, commission, excluded_skus, auto_approve }
}

/// The affiliate whom a member credits by hand, with their terms when the order was placed.
///
/// # Errors
/// `NotFound` if the affiliate is not the merchant's.
pub(super) fn manual_terms(
    conn: &mut PgConnection,
    merchant_id: i64,
    affiliate_id: i64,
    placed_at: DateTime<Utc>,
) -> QueryResult<(CandidateAffiliate, Terms)> {
    let (who, row): (AffiliateRow, TermsRow) = prepared::<(AffiliateSql, TermsSql)>(AFFILIATE)
        .bind::<Timestamptz, _>(placed_at)
        .bind::<Timestamptz, _>(placed_at)
        .bind::<Timestamptz, _>(placed_at)
        .bind::<Timestamptz, _>(placed_at)
        .bind::<Timestamptz, _>(placed_at)
        .bind::<BigInt, _>(merchant_id)
        .bind::<BigInt, _>(affiliate_id)
        .get_result(conn)?;
    Ok((affiliate(who), terms(row)))
}
