//! Every trigger that matches an order, with its holders and their terms when it was placed.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use vouch_core::attribution::{Candidate, CandidateAffiliate, CommissionKind, Terms};
use vouch_core::money::{Currency, Rate};
use vouch_core::order::snapshot::OrderSnapshot;

use super::batch::Batch;
use super::keys::{TriggerKey, email_key_of};
use crate::features::affiliates::AffiliateStatus;
use crate::features::exclusions::covering_orders;
use crate::features::triggers::TriggerKind;
use crate::kit::dated::in_force_or_first;
use crate::kit::db::schema::{offer_terms, triggers};
use crate::kit::db::statement::statement;

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

/// Marks the codes that an exclusion of orders matched when the order was placed.
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

/// The keys of the triggers that the order can match.
pub(super) fn wanted(report: &OrderSnapshot) -> Vec<TriggerKey> {
    let codes = report.codes.iter().map(|code| (TriggerKind::CouponCode, code.key()));
    let email = email_key_of(report).map(|key| (TriggerKind::CustomerEmail, key));
    let skus = report.lines.iter().filter_map(|line| Some((TriggerKind::Sku, line.sku_key()?)));
    codes.chain(email).chain(skus).collect()
}

/// The columns of an affiliate `a`, with the emails known by then, the status, and the terms of the
/// offer. See [`CandidateRow`] and [`TermsRow`].
macro_rules! affiliate_columns {
    () => {
        "a.id AS affiliate_id, a.public_id, a.name AS affiliate_name, \
         ARRAY(SELECT unnest(e.emails) FROM affiliate_emails e WHERE e.merchant_id = a.merchant_id \
             AND e.affiliate_id = a.id AND e.valid_from <= :placed_at) AS emails, s.status, \
         f.id AS offer_id, f.name AS offer_name, m.commission_kind, m.basis_points, m.flat_minor, \
         m.flat_currency, m.excluded_skus, m.auto_approve"
    };
}

/// The joins for these columns.
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

#[derive(QueryableByName)]
struct CandidateRow {
    #[diesel(sql_type = BigInt)]
    affiliate_id: i64,
    #[diesel(sql_type = Text)]
    public_id: String,
    #[diesel(sql_type = Text)]
    affiliate_name: String,
    #[diesel(sql_type = Array<Text>)]
    emails: Vec<String>,
    #[diesel(sql_type = Text)]
    status: AffiliateStatus,
}

impl From<CandidateRow> for CandidateAffiliate {
    fn from(row: CandidateRow) -> Self {
        let CandidateRow { affiliate_id, public_id, affiliate_name, emails, status } = row;
        Self { id: affiliate_id, public_id, name: affiliate_name, emails, status }
    }
}

#[derive(QueryableByName)]
#[diesel(table_name = offer_terms)]
struct TermsRow {
    offer_id: i64,
    #[diesel(sql_type = Text)]
    offer_name: String,
    commission_kind: CommissionKind,
    basis_points: Option<Rate>,
    flat_minor: Option<i64>,
    flat_currency: Option<Currency>,
    #[diesel(sql_type = Array<Text>)]
    excluded_skus: Vec<String>,
    auto_approve: bool,
}

impl From<TermsRow> for Terms {
    fn from(row: TermsRow) -> Self {
        let columns = (row.commission_kind, row.basis_points, row.flat_minor, row.flat_currency);
        Self {
            offer_id: row.offer_id,
            offer_name: row.offer_name,
            commission: columns.into(),
            excluded_skus: row.excluded_skus,
            auto_approve: row.auto_approve,
        }
    }
}

#[derive(QueryableByName)]
#[diesel(table_name = triggers)]
struct HolderRow {
    #[diesel(column_name = id)]
    trigger_id: i64,
    kind: TriggerKind,
    value: String,
    key: String,
    created_at: DateTime<Utc>,
    retired_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Timestamptz)]
    owned_from: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    owned_until: Option<DateTime<Utc>>,
    #[diesel(embed)]
    affiliate: CandidateRow,
    #[diesel(embed)]
    terms: TermsRow,
}

impl From<HolderRow> for Candidate {
    fn from(row: HolderRow) -> Self {
        Self {
            trigger_id: row.trigger_id,
            kind: row.kind,
            value: row.value,
            key: row.key,
            trigger_created_at: row.created_at,
            affiliate: row.affiliate.into(),
            owned_from: row.owned_from,
            owned_until: row.owned_until,
            retired_at: row.retired_at,
            excluded_by: None,
            terms: row.terms.into(),
        }
    }
}

fn holders(
    conn: &mut PgConnection,
    merchant_id: i64,
    trigger_ids: Vec<i64>,
    placed_at: DateTime<Utc>,
) -> QueryResult<Vec<Candidate>> {
    let rows: Vec<HolderRow> = statement!(
        concat!(
            "SELECT t.id, t.kind, t.value, t.key, t.created_at, t.retired_at, \
                o.valid_from AS owned_from, o.valid_until AS owned_until, ",
            affiliate_columns!(),
            " FROM triggers t \
            JOIN trigger_owners o ON o.merchant_id = t.merchant_id AND o.trigger_id = t.id \
            JOIN affiliates a ON a.merchant_id = o.merchant_id AND a.id = o.affiliate_id ",
            terms_in_force!(),
            " WHERE t.merchant_id = :merchant_id AND t.id = ANY(:trigger_ids)"
        ),
        merchant_id: BigInt,
        trigger_ids: Array<BigInt>,
        placed_at: Timestamptz,
    )
    .load(conn)?;
    Ok(rows.into_iter().map(Candidate::from).collect())
}

/// The affiliate that a member credits manually, with the terms when the order was placed. Fails
/// with `NotFound` if the merchant has no such affiliate.
pub(super) fn manual_terms(
    conn: &mut PgConnection,
    merchant_id: i64,
    affiliate_id: i64,
    placed_at: DateTime<Utc>,
) -> QueryResult<(CandidateAffiliate, Terms)> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(embed)]
        affiliate: CandidateRow,
        #[diesel(embed)]
        terms: TermsRow,
    }
    let row: Row = statement!(
        concat!(
            "SELECT ",
            affiliate_columns!(),
            " FROM affiliates a ",
            terms_in_force!(),
            " WHERE a.merchant_id = :merchant_id AND a.id = :affiliate_id"
        ),
        merchant_id: BigInt,
        affiliate_id: BigInt,
        placed_at: Timestamptz,
    )
    .get_result(conn)?;
    Ok((row.affiliate.into(), row.terms.into()))
}
