//! Changes of an affiliate: its settings, the data it edits itself, and its status.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::emails;
use super::model::{Affiliate, CreateAffiliateError};
use super::status::AffiliateStatus;
use super::terms::{Terms, take_back_status};
use crate::features::audit::{Act, AffiliateField, AuditEvent};
use crate::features::auth::links::{self, LinkEnd, LinkSubject};
use crate::features::offers;
use crate::features::recalculations::{RecalculationReason, request_for_affiliate, request_since};
use crate::kit::audit::{Actor, SubjectKind, record};
use crate::kit::dated::{self, second};
use crate::kit::db::schema::affiliates;
use crate::kit::email::email_key;

/// The settings that members can change.
#[derive(Clone, Debug)]
pub struct AffiliateChange {
    pub name: String,
    /// As typed.
    pub email: String,
    /// The offer from now on.
    pub offer_id: i64,
    /// Members' notes for their own use.
    pub note: String,
}

/// Changes an affiliate's settings. A new offer applies to orders placed from now on. Fails with
/// `NotFound` if the merchant has no such affiliate.
pub fn update(
    conn: &mut PgConnection,
    actor: &Actor,
    affiliate_id: i64,
    change: &AffiliateChange,
) -> Result<Affiliate, CreateAffiliateError> {
    conn.transaction(|conn| {
        let before = Affiliate::find_locked(conn, actor.merchant_id, affiliate_id)?;
        let is_moving = before.offer_id != change.offer_id;
        if is_moving && !offers::is_open(conn, actor.merchant_id, change.offer_id)? {
            return Err(CreateAffiliateError::UnknownOffer);
        }
        let after = diesel::update(affiliates::table.find((actor.merchant_id, affiliate_id)))
            .set((
                affiliates::name.eq(change.name.trim()),
                affiliates::email.eq(change.email.trim()),
                affiliates::email_key.eq(email_key(&change.email)),
                affiliates::offer_id.eq(change.offer_id),
                affiliates::note.eq(change.note.trim()),
                affiliates::updated_at.eq(actor.now),
            ))
            .returning(Affiliate::as_returning())
            .get_result(conn)
            .map_err(CreateAffiliateError::of)?;
        if is_moving {
            let terms = Terms { status: after.status, offer_id: after.offer_id };
            let key = (actor.merchant_id, after.id);
            if let Some(changed) = dated::change(conn, key, Some(terms), actor.now)? {
                let cause = RecalculationReason::AffiliateOfferChanged;
                request_since(conn, actor, changed.from, &cause)?;
            }
        }
        if email_key(&before.email) != email_key(&after.email) {
            let about = LinkSubject::affiliate(actor.merchant_id, after.id);
            links::end(conn, about, LinkEnd::EmailChanged, actor.now)?;
        }
        let key = (actor.merchant_id, after.id);
        if let Some(changed) = emails::change_own(conn, key, &after.email, actor.now)? {
            let cause = RecalculationReason::AffiliateEmailChanged;
            request_for_affiliate(conn, actor, after.id, changed.from, &cause)?;
        }
        record_change(conn, actor, &before, &after)?;
        Ok(after)
    })
}

/// The data that affiliates can change themselves.
#[derive(Clone, Debug)]
pub struct OwnChange {
    pub name: String,
    /// Free text about how to pay it.
    pub payout_details: String,
}

/// Changes the data that an affiliate edits itself. Returns the affiliate before and after.
pub fn update_own(
    conn: &mut PgConnection,
    actor: &Actor,
    affiliate_id: i64,
    change: &OwnChange,
) -> QueryResult<(Affiliate, Affiliate)> {
    conn.transaction(|conn| {
        let before = Affiliate::find_locked(conn, actor.merchant_id, affiliate_id)?;
        let after = diesel::update(affiliates::table.find((actor.merchant_id, affiliate_id)))
            .set((
                affiliates::name.eq(&change.name),
                affiliates::payout_details.eq(&change.payout_details),
                affiliates::updated_at.eq(actor.now),
            ))
            .returning(Affiliate::as_returning())
            .get_result(conn)?;
        let key = (actor.merchant_id, after.id);
        if let Some(changed) = emails::change_payout(conn, key, &after.payout_details, actor.now)? {
            let cause = RecalculationReason::PayoutDetailsChanged;
            request_for_affiliate(conn, actor, after.id, changed.from, &cause)?;
        }
        record_change(conn, actor, &before, &after)?;
        Ok((before, after))
    })
}

fn record_change(
    conn: &mut PgConnection,
    actor: &Actor,
    before: &Affiliate,
    after: &Affiliate,
) -> QueryResult<()> {
    let fields = |affiliate: &Affiliate| {
        [
            ("name", AffiliateField::Name, serde_json::json!(affiliate.name)),
            ("email", AffiliateField::Email, serde_json::json!(affiliate.email)),
            ("offer_id", AffiliateField::Offer, serde_json::json!(affiliate.offer_id)),
            ("note", AffiliateField::Note, serde_json::json!(affiliate.note)),
        ]
    };
    let (mut was, mut is) = (serde_json::Map::new(), serde_json::Map::new());
    let mut changed = Vec::new();
    for ((name, field, old), (_, _, new)) in fields(before).into_iter().zip(fields(after)) {
        if old != new {
            was.insert(name.to_owned(), old);
            is.insert(name.to_owned(), new);
            changed.push(field);
        }
    }
    // Payout details must not appear in the audit log, neither old nor new ones.
    if before.payout_details != after.payout_details {
        is.insert("payment_address_changed".to_owned(), true.into());
        changed.push(AffiliateField::PayoutDetails);
    }
    if is.is_empty() {
        return Ok(());
    }
    let event = AuditEvent::AffiliateChanged { affiliate: after.name.clone(), fields: changed };
    let act = Act {
        before: Some(was.into()),
        after: Some(is.into()),
        ..Act::new(event, SubjectKind::Affiliate, Some(after.id))
    };
    record(conn, actor, act)
}

/// Sets the status of several affiliates from now on. Returns those that changed. Affiliates that
/// already have the status or aren't the merchant's are skipped.
pub fn change_status(
    conn: &mut PgConnection,
    actor: &Actor,
    affiliate_ids: &[i64],
    status: AffiliateStatus,
) -> QueryResult<Vec<Affiliate>> {
    // By ID, so that two bulk actions can't deadlock.
    let changing = affiliates::table
        .filter(affiliates::merchant_id.eq(actor.merchant_id))
        .filter(affiliates::id.eq_any(affiliate_ids))
        .filter(affiliates::status.ne(status))
        .order(affiliates::id)
        .select(Affiliate::as_select())
        .for_no_key_update()
        .load(conn)?;
    let mut earliest = None;
    for affiliate in &changing {
        let terms = Terms { status, offer_id: affiliate.offer_id };
        let key = (actor.merchant_id, affiliate.id);
        if let Some(changed) = dated::change(conn, key, Some(terms), actor.now)? {
            earliest = Some(earliest.unwrap_or(changed.from).min(changed.from));
        }
        set_status(conn, actor, affiliate, status, false)?;
    }
    if let Some(since) = earliest {
        request_since(conn, actor, since, &RecalculationReason::AffiliateStatusChanged)?;
    }
    Ok(changing)
}

/// Undoes the change of status at `since`, as if it never happened. Returns the affiliates that
/// have their former status again. Those whose terms have changed since are skipped.
pub fn undo_status(
    conn: &mut PgConnection,
    actor: &Actor,
    affiliate_ids: &[i64],
    since: DateTime<Utc>,
) -> QueryResult<Vec<Affiliate>> {
    // Each once, by ID, as above.
    let mut ids: Vec<i64> =
        affiliate_ids.iter().copied().collect::<HashSet<_>>().into_iter().collect();
    ids.sort_unstable();
    let mut undone = Vec::new();
    for id in ids {
        let Some(affiliate) = Affiliate::find_locked(conn, actor.merchant_id, id).optional()?
        else {
            continue;
        };
        let Some(status) = take_back_status(conn, (actor.merchant_id, id), since)? else {
            continue;
        };
        set_status(conn, actor, &affiliate, status, true)?;
        let cause = RecalculationReason::AffiliateStatusUndone { by: actor.name.clone() };
        request_for_affiliate(conn, actor, id, second(since), &cause)?;
        undone.push(affiliate);
    }
    Ok(undone)
}

fn set_status(
    conn: &mut PgConnection,
    actor: &Actor,
    affiliate: &Affiliate,
    status: AffiliateStatus,
    is_undo: bool,
) -> QueryResult<()> {
    diesel::update(affiliates::table.find((actor.merchant_id, affiliate.id)))
        .set((affiliates::status.eq(status), affiliates::updated_at.eq(actor.now)))
        .execute(conn)?;
    if status == AffiliateStatus::Denied {
        let about = LinkSubject::affiliate(actor.merchant_id, affiliate.id);
        links::end(conn, about, LinkEnd::Withdrawn, actor.now)?;
    }
    let (name, from) = (affiliate.name.clone(), affiliate.status);
    let event = match is_undo {
        false => AuditEvent::AffiliateStatusChanged { affiliate: name, from, to: status },
        true => AuditEvent::AffiliateStatusUndone { affiliate: name, from, to: status },
    };
    let act = Act {
        before: Some(serde_json::json!({ "status": from })),
        after: Some(serde_json::json!({ "status": status })),
        ..Act::new(event, SubjectKind::Affiliate, Some(affiliate.id))
    };
    record(conn, actor, act)
}
