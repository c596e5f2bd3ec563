use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};
use thiserror::Error;
use vouch_core::trigger::{Reach, TriggerKind, TriggerValue};

use super::periods::Holding;
use crate::features::audit::{Act, AuditEvent, TriggerName};
use crate::features::availability::{
    self, Excluded, Unavailable, UnavailableValue, lock_codes_shared, refused,
};
use crate::features::pushes;
use crate::features::recalculations::{RecalculationReason, request_for_trigger};
use crate::kit::audit::{self, Actor, SubjectKind};
use crate::kit::dated::{self, second};
use crate::kit::db::schema::{affiliates, triggers};

/// A trigger as it is now. `trigger_owners` has its holders over time.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = triggers)]
pub struct Trigger {
    pub id: i64,
    /// The part of an order that it matches.
    pub kind: TriggerKind,
    /// As typed, without surrounding whitespace.
    pub value: String,
    /// The normalized value for comparisons.
    pub key: String,
    /// The current holder.
    pub affiliate_id: i64,
    /// Orders placed from then on count.
    pub created_at: DateTime<Utc>,
    /// Orders placed from then on don't count. The key stays taken.
    pub retired_at: Option<DateTime<Utc>>,
    /// When a scheduled handover happens.
    pub handover_at: Option<DateTime<Utc>>,
}

impl Trigger {
    pub fn find(conn: &mut PgConnection, merchant_id: i64, id: i64) -> QueryResult<Self> {
        triggers::table.find((merchant_id, id)).select(Self::as_select()).first(conn)
    }

    /// [`Trigger::find`], locked against other changes until the transaction ends. Orders that
    /// refer to it can still be processed.
    pub(super) fn lock(conn: &mut PgConnection, merchant_id: i64, id: i64) -> QueryResult<Self> {
        triggers::table
            .find((merchant_id, id))
            .select(Self::as_select())
            .for_no_key_update()
            .first(conn)
    }

    pub fn is_retired(&self) -> bool {
        self.retired_at.is_some()
    }

    /// Kind and value: `Coupon Code JANE10`.
    pub(crate) fn words(&self) -> String {
        format!("{} {}", self.kind, self.value)
    }

    /// The trigger as the audit log names it.
    pub(super) fn named(&self) -> TriggerName {
        TriggerName { kind: self.kind, value: self.value.clone() }
    }

    pub(super) fn act(&self, event: AuditEvent) -> Act {
        Act::new(event, SubjectKind::Trigger, Some(self.id))
    }
}

/// Why a trigger couldn't be created.
#[derive(Debug, Error)]
pub enum CreateTriggerError {
    /// The value isn't available, or only by overriding an exclusion.
    #[error("{} isn't available: {:?}", .0.wanted, .0.why)]
    Refused(Box<UnavailableValue>),
    /// `NotFound` if the merchant has no such affiliate.
    #[error(transparent)]
    Database(#[from] Error),
}

impl From<UnavailableValue> for CreateTriggerError {
    fn from(refused: UnavailableValue) -> Self {
        Self::Refused(Box::new(refused))
    }
}

/// Creates a trigger that credits later orders with `typed` to the affiliate, and records the
/// actor. A coupon code is queued for the stores where codes are created.
pub fn create(
    conn: &mut PgConnection,
    actor: &Actor,
    affiliate_id: i64,
    kind: TriggerKind,
    typed: &str,
) -> Result<Trigger, CreateTriggerError> {
    create_reaching(conn, actor, affiliate_id, kind, typed, Reach::Stores)
}

/// [`create`], where a member states whether the stores already have the code.
pub fn create_reaching(
    conn: &mut PgConnection,
    actor: &Actor,
    affiliate_id: i64,
    kind: TriggerKind,
    typed: &str,
    reach: Reach,
) -> Result<Trigger, CreateTriggerError> {
    let wanted = TriggerValue::parse(kind, typed, reach);
    let wanted = wanted.map_err(|error| UnavailableValue::malformed(typed, error))?;
    create_value(conn, actor, affiliate_id, &wanted, reach, false)
}

/// [`create`] for a parsed value. A member who knows about an exclusion can override it, which the
/// audit log and the trigger's page show. [`CreateTriggerError::Refused`] contains the reason and
/// alternatives.
pub(crate) fn create_value(
    conn: &mut PgConnection,
    actor: &Actor,
    affiliate_id: i64,
    wanted: &TriggerValue,
    reach: Reach,
    overrides_exclusions: bool,
) -> Result<Trigger, CreateTriggerError> {
    let (merchant_id, now) = (actor.merchant_id, actor.now);
    let name = affiliate_name(conn, merchant_id, affiliate_id)?;
    if wanted.is_code() {
        lock_codes_shared(conn, merchant_id)?;
    }
    let excluded = match availability::check(conn, merchant_id, wanted, now)? {
        Ok(()) => None,
        Err(Unavailable::Excluded(excluded)) if overrides_exclusions => Some(excluded),
        Err(why) => return Err(refused(conn, merchant_id, wanted, why, &name, now)?.into()),
    };
    let created = conn.transaction(|conn| {
        let trigger = insert(conn, actor, affiliate_id, wanted)?;
        let act = created_act(trigger.id, wanted, affiliate_id, &name, excluded.as_ref());
        audit::record(conn, actor, act)?;
        if wanted.is_code() && reach == Reach::Stores {
            pushes::queue(conn, actor, &[trigger.id])?;
        }
        Ok(trigger)
    });
    match created {
        // Another transaction took the key after the check.
        Err(error) if is_key_taken(&error) => {
            match availability::check(conn, merchant_id, wanted, now)? {
                Ok(()) => Err(error.into()),
                Err(why) => Err(refused(conn, merchant_id, wanted, why, &name, now)?.into()),
            }
        }
        created => Ok(created?),
    }
}

fn is_key_taken(error: &Error) -> bool {
    matches!(error, Error::DatabaseError(DatabaseErrorKind::UniqueViolation, info)
        if info.constraint_name() == Some("triggers_key_unique"))
}

fn insert(
    conn: &mut PgConnection,
    actor: &Actor,
    affiliate_id: i64,
    wanted: &TriggerValue,
) -> QueryResult<Trigger> {
    let trigger = diesel::insert_into(triggers::table)
        .values((
            triggers::merchant_id.eq(actor.merchant_id),
            triggers::kind.eq(wanted.kind),
            triggers::value.eq(&wanted.value),
            triggers::key.eq(&wanted.key),
            triggers::look_alike.eq(wanted.look_alike()),
            triggers::affiliate_id.eq(affiliate_id),
            triggers::created_at.eq(actor.now),
        ))
        .returning(Trigger::as_returning())
        .get_result(conn)?;
    let since = second(actor.now);
    dated::begin(conn, (actor.merchant_id, trigger.id), Holding { affiliate_id }, since)?;
    // A store with a fast clock may already have sent an order that's placed from now on.
    let cause = RecalculationReason::TriggerCreated { trigger: trigger.words() };
    request_for_trigger(conn, actor, trigger.id, since, &cause)?;
    Ok(trigger)
}

/// The audit log entry for a new trigger.
pub(super) fn created_act(
    trigger_id: i64,
    created: &TriggerValue,
    affiliate_id: i64,
    affiliate: &str,
    excluded: Option<&Excluded>,
) -> Act {
    let TriggerValue { kind, value, .. } = created;
    let mut after =
        serde_json::json!({ "kind": kind, "value": value, "affiliate_id": affiliate_id });
    if let Some(excluded) = excluded {
        after["despite_exclusion"] =
            serde_json::json!({ "id": excluded.exclusion_id, "value": excluded.value });
    }
    let event = AuditEvent::TriggerCreated {
        trigger: TriggerName { kind: *kind, value: value.clone() },
        affiliate: affiliate.to_owned(),
        exclusion: excluded.map(|excluded| excluded.value.clone()),
    };
    Act { after: Some(after), ..Act::new(event, SubjectKind::Trigger, Some(trigger_id)) }
}

/// The name of an affiliate. Fails with `NotFound` if the merchant has no such affiliate.
pub(super) fn affiliate_name(
    conn: &mut PgConnection,
    merchant_id: i64,
    affiliate_id: i64,
) -> QueryResult<String> {
    affiliates::table.find((merchant_id, affiliate_id)).select(affiliates::name).first(conn)
}
