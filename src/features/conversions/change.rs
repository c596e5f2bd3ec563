//! Members' reviews of conversions: approve, deny, back to Pending, overrule, and undo of each.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::{Value, json};

use self::changed::OVERRULED;
pub(crate) use self::changed::ReviewOutcome;
use self::changed::name_of;
use self::locked::{Fraud, Locked, LockedConversion, MemberReview, ReviewMark};
pub(crate) use self::overrule::OverruleError;
pub use self::overrule::overrule;
use self::overrule::take_overruling_back;
use super::list::{self, ConversionRow};
use super::{DenialReason, Review};
use crate::features::audit::{Act, AuditEvent, ConversionName};
use crate::features::rollups::Changes;
use crate::kit::audit::{Actor, SubjectKind, record_all};
use crate::kit::db::schema::audit_log;

mod changed;
mod locked;
mod overrule;

const REVIEWED: &str = "conversion.reviewed";
/// A manual amount was added. Undoing this denies it.
pub(super) const GIVEN: &str = "conversion.given";
/// No action concerns more conversions than this, since a page of a list has far fewer.
const MAX_AT_ONCE: i64 = 1_000;

/// The maximum length of a note, in characters.
pub(crate) const NOTE_LENGTH: usize = 500;

/// A member's review of some conversions, with an optional note.
#[derive(Clone, Copy, Debug)]
pub enum NewReview<'a> {
    Approve { note: &'a str },
    Deny { reason: DenialReason, note: &'a str },
    BackToPending { note: &'a str },
}

impl NewReview<'_> {
    fn note(&self) -> &str {
        match self {
            Self::Approve { note } | Self::Deny { note, .. } | Self::BackToPending { note } => note,
        }
    }

    /// The review that a conversion then has. Fraud is a denial of the order and keeps the review
    /// of the conversion itself. A denial for another reason keeps the fraud; an approval or
    /// Pending lifts it.
    fn mark(&self, actor: &Actor, known: &LockedConversion) -> ReviewMark {
        let (by, at, note) = (actor.name.clone(), actor.now, self.note().to_owned());
        let (review, denial_reason, fraud) = match self {
            Self::Deny { reason: DenialReason::Fraud, .. } if known.order_id().is_some() => {
                let fraud = Some(Fraud { by, at, note });
                return ReviewMark { said: known.mark.said.clone(), fraud };
            }
            Self::Deny { reason, .. } => (Review::Denied, Some(*reason), known.mark.fraud.clone()),
            Self::Approve { .. } => (Review::Approved, None, None),
            Self::BackToPending { .. } => (Review::Pending, None, None),
        };
        ReviewMark { said: Some(MemberReview { review, by, at, denial_reason, note }), fraud }
    }
}

/// The intended review of a conversion.
struct IntendedReview {
    id: i64,
    mark: ReviewMark,
}

/// Why reviews change, for the audit log.
#[derive(Clone, Copy)]
enum ReviewNote<'a> {
    /// A member's note, which may be empty.
    Typed(&'a str),
    /// A change was undone.
    Undo,
}

/// A conversion whose review changed.
struct Reviewed {
    id: i64,
    before: ReviewMark,
    after: ReviewMark,
}

/// Reviews some conversions. The result of the rules stays the same, so an approval of an
/// unqualified conversion counts as soon as that qualifies.
pub fn review(
    conn: &mut PgConnection,
    actor: &Actor,
    ids: &[i64],
    review: &NewReview<'_>,
) -> QueryResult<ReviewOutcome> {
    let locked = Locked::lock(conn, actor.merchant_id, ids)?;
    let known = ids.iter().filter_map(|id| locked.find(*id));
    let wanted =
        known.map(|known| IntendedReview { id: known.id(), mark: review.mark(actor, known) });
    let wanted: Vec<IntendedReview> = wanted.collect();
    apply(conn, actor, locked, &wanted, ReviewNote::Typed(review.note()))
}

fn apply(
    conn: &mut PgConnection,
    actor: &Actor,
    mut locked: Locked,
    wanted: &[IntendedReview],
    note: ReviewNote<'_>,
) -> QueryResult<ReviewOutcome> {
    let mut changes = Changes::of(actor.merchant_id);
    locked.subtract_from(&mut changes);
    let mut changed = ReviewOutcome::default();
    let mut acts = Vec::new();
    for to in wanted {
        let Some(known) = locked.find(to.id).cloned() else { continue };
        if known.mark.agrees_with(&to.mark) {
            changed.left_alone += 1;
            continue;
        }
        locked.write(conn, to.id, &to.mark, actor.now)?;
        changed.changed += 1;
        changed.unqualified += usize::from(!known.is_qualified());
        changed.not_paid_yet += usize::from(known.is_qualified() && known.not_paid_yet());
        acts.push(Reviewed { id: to.id, before: known.mark, after: to.mark.clone() });
    }
    locked.add_to(&mut changes);
    changed.change_id = log(conn, actor, &acts, note)?;
    changes.write(conn)?;
    Ok(changed)
}

fn log(
    conn: &mut PgConnection,
    actor: &Actor,
    acts: &[Reviewed],
    note: ReviewNote<'_>,
) -> QueryResult<Option<i64>> {
    if acts.is_empty() {
        return Ok(None);
    }
    let ids: Vec<i64> = acts.iter().map(|act| act.id).collect();
    let rows = list::by_ids(conn, actor.merchant_id, &ids)?;
    let entries = acts.iter().map(|act| {
        let row = rows.iter().find(|row| row.conversion.id == act.id);
        Act {
            before: Some(json!(act.before)),
            after: Some(json!(act.after)),
            ..Act::new(event(row, act, note), SubjectKind::Conversion, Some(act.id))
        }
    });
    let change_ids = record_all(conn, actor, entries.collect())?;
    Ok(change_ids.into_iter().min())
}

fn event(row: Option<&ConversionRow>, reviewed: &Reviewed, note: ReviewNote<'_>) -> AuditEvent {
    let after = &reviewed.after;
    AuditEvent::ConversionReviewed {
        conversion: row.map_or(ConversionName::Unnamed, name_of),
        review: after.said.as_ref().map(|said| said.review),
        denial_reason: after.said.as_ref().and_then(|said| said.denial_reason),
        is_fraud: after.fraud.is_some() && reviewed.before.fraud.is_none(),
        is_undo: matches!(note, ReviewNote::Undo),
        note: match note {
            ReviewNote::Typed(note) => note.to_owned(),
            ReviewNote::Undo => String::new(),
        },
    }
}

/// An entry of the audit log that can be undone.
#[derive(Queryable, Selectable)]
#[diesel(table_name = audit_log)]
struct Logged {
    action: String,
    subject_id: Option<i64>,
    before: Option<Value>,
    after: Option<Value>,
}

/// Undoes a change. Conversions that are still as the change left them get their former review
/// back. Fails with `NotFound` if `change_id` is no change of the merchant's conversions.
pub fn undo(conn: &mut PgConnection, actor: &Actor, change_id: i64) -> QueryResult<ReviewOutcome> {
    let logged = change(conn, actor.merchant_id, change_id)?;
    // Locks all of them before anything is recalculated.
    let concerned: Vec<i64> = logged.iter().filter_map(|entry| entry.subject_id).collect();
    Locked::lock(conn, actor.merchant_id, &concerned)?;
    let mut reviewed: Vec<(IntendedReview, Option<ReviewMark>)> = Vec::new();
    let mut done = ReviewOutcome::default();
    for entry in &logged {
        let Some(id) = entry.subject_id else { continue };
        let read = |value: &Option<Value>| {
            value.clone().and_then(|value| serde_json::from_value::<ReviewMark>(value).ok())
        };
        match entry.action.as_str() {
            OVERRULED => {
                let one = take_overruling_back(conn, actor, id)?;
                done.changed += one;
                done.left_alone += 1 - one;
            }
            // A manual amount isn't removed from the ledger but denied.
            GIVEN => reviewed.push((IntendedReview { id, mark: denied(actor) }, None)),
            _ => {
                if let Some((mark, after)) = read(&entry.before).zip(read(&entry.after)) {
                    reviewed.push((IntendedReview { id, mark }, Some(after)));
                }
            }
        }
    }
    let ids: Vec<i64> = reviewed.iter().map(|(to, _)| to.id).collect();
    let locked = Locked::lock(conn, actor.merchant_id, &ids)?;
    let stands = |id: i64, left: Option<&ReviewMark>| {
        let known = locked.find(id);
        known.is_some_and(|one| left.is_none_or(|left| one.mark.agrees_with(left)))
    };
    // In reverse order, because a change of an order was recorded with the first of its
    // conversions.
    let wanted: Vec<IntendedReview> = reviewed
        .into_iter()
        .rev()
        .filter(|(to, left)| stands(to.id, left.as_ref()))
        .map(|(to, _)| to)
        .collect();
    let restored = apply(conn, actor, locked, &wanted, ReviewNote::Undo)?;
    done.changed += restored.changed;
    done.left_alone += ids.len() - restored.changed;
    Ok(done)
}

fn denied(actor: &Actor) -> ReviewMark {
    let said = MemberReview {
        review: Review::Denied,
        by: actor.name.clone(),
        at: actor.now,
        denial_reason: Some(DenialReason::Other),
        note: String::new(),
    };
    ReviewMark { said: Some(said), fraud: None }
}

/// All entries of the action whose first entry is `change_id`.
fn change(conn: &mut PgConnection, merchant_id: i64, change_id: i64) -> QueryResult<Vec<Logged>> {
    let of_conversions = || {
        audit_log::table
            .filter(audit_log::merchant_id.eq(merchant_id))
            .filter(audit_log::action.eq_any([REVIEWED, OVERRULED, GIVEN]))
    };
    let (at, user_id): (DateTime<Utc>, Option<i64>) = of_conversions()
        .filter(audit_log::id.eq(change_id))
        .select((audit_log::at, audit_log::actor_user_id))
        .first(conn)?;
    of_conversions()
        .filter(audit_log::id.between(change_id, change_id + MAX_AT_ONCE))
        .filter(audit_log::at.eq(at))
        .filter(audit_log::actor_user_id.is_not_distinct_from(user_id))
        .order(audit_log::id)
        .select(Logged::as_select())
        .load(conn)
}
