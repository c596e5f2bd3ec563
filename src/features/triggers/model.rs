use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};
use thiserror::Error;
use vouch_core::code::is_invisible;
use vouch_core::code::{CodeError, CouponCode};
use vouch_core::email::MAX_EMAIL_CHARS;
use vouch_core::email::{EmailError, EmailKey};
use vouch_core::sku::{MAX_SKU_CHARS, SkuError, SkuKey};
use vouch_core::trigger::TriggerKind;

use crate::features::availability::suggestions;
use crate::features::code_requests;
use crate::features::exclusions::look_alike::look_alike;
use crate::features::exclusions::{self, Excluded};
use crate::features::pushes;
use crate::features::recalculations::{RecalculationCause, request_for_trigger};
use crate::kit::audit::{self, Act, Actor};
use crate::kit::dated::second;
use crate::kit::db::schema::{affiliates, trigger_owners, triggers};

/// What ties orders to an affiliate, as it stands now. Who held it when is in `trigger_owners`.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = triggers)]
pub struct Trigger {
    /// Its key within the merchant.
    pub id: i64,
    /// What part of an order it looks at.
    pub kind: TriggerKind,
    /// As typed, outer space cut.
    pub value: String,
    /// As compared.
    pub key: String,
    /// Who holds it now.
    pub affiliate_id: i64,
    /// Orders placed from then on count.
    pub created_at: DateTime<Utc>,
    /// Orders placed from then on no longer count; the key stays taken.
    pub retired_at: Option<DateTime<Utc>>,
    /// When it goes to another affiliate, if that is scheduled.
    pub handover_at: Option<DateTime<Utc>>,
}

impl Trigger {
    /// The merchant's trigger of that key.
    ///
    /// # Errors
    /// `NotFound` when there is none; another merchant's is none.
    pub fn find(conn: &mut PgConnection, merchant_id: i64, id: i64) -> QueryResult<Self> {
        triggers::table.find((merchant_id, id)).select(Self::as_select()).first(conn)
    }

    /// [`Trigger::find`], kept from other changes until the end of the transaction: for those that
    /// depend on what it is. Orders that refer to it come in meanwhile.
    pub(super) fn lock(conn: &mut PgConnection, merchant_id: i64, id: i64) -> QueryResult<Self> {
        triggers::table
            .find((merchant_id, id))
            .select(Self::as_select())
            .for_no_key_update()
            .first(conn)
    }

    /// Whether orders placed now no longer count.
    pub fn is_retired(&self) -> bool {
        self.retired_at.is_some()
    }

    /// Kind and value: `Coupon Code JANE10`.
    pub fn words(&self) -> String {
        format!("{} {}", self.kind, self.value)
    }
}

/// What was typed, checked by the rules of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TriggerValue {
    /// As typed, outer space cut.
    pub value: String,
    /// As compared.
    pub key: String,
}

/// Which rule of its kind a value breaks, in words for the form.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ValueError {
    /// Of a coupon code.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// Of a customer's e-mail address.
    #[error(transparent)]
    Email(#[from] EmailError),
    /// Of a SKU.
    #[error(transparent)]
    Sku(#[from] SkuError),
}

impl ValueError {
    /// Whether a code that is in a store already could break this rule.
    pub fn concerns_new_codes(&self) -> bool {
        matches!(self, Self::Code(error) if error.concerns_new_codes())
    }
}

impl TriggerValue {
    /// Checks what was typed for a trigger of `kind`; a coupon code by the rules of new ones.
    ///
    /// # Errors
    /// [`ValueError`] names the first rule that is broken.
    pub fn parse(kind: TriggerKind, typed: &str) -> Result<Self, ValueError> {
        Self::parse_reaching(kind, typed, Reach::Stores)
    }

    /// [`TriggerValue::parse`], where a code that the stores have already is taken as it is.
    ///
    /// # Errors
    /// [`ValueError`] names the first rule that is broken.
    pub fn parse_reaching(
        kind: TriggerKind,
        typed: &str,
        reach: Reach,
    ) -> Result<Self, ValueError> {
        let value = typed.trim().to_owned();
        let chars = value.chars().count();
        let key = match kind {
            TriggerKind::CouponCode => reach.parse(typed)?.key().to_owned(),
            TriggerKind::CustomerEmail => {
                let key = EmailKey::parse(typed)?.as_str().to_owned();
                // The key can be shorter than what was typed; the column holds both.
                if chars > MAX_EMAIL_CHARS {
                    return Err(EmailError::TooLong.into());
                }
                key
            }
            TriggerKind::Sku => {
                let key = SkuKey::parse(typed)?.as_str().to_owned();
                if chars > MAX_SKU_CHARS {
                    return Err(SkuError::TooLong.into());
                }
                key
            }
        };
        Ok(Self { value, key })
    }

    /// A coupon code that was accepted under the rules of its time, without what cannot be seen.
    pub(crate) fn accepted_code(code: &str) -> Self {
        let visible: String = code.chars().filter(|c| !is_invisible(*c)).collect();
        let code = CouponCode::recorded(&visible);
        Self { value: code.value().to_owned(), key: code.key().to_owned() }
    }

    /// What exclusions compare of a trigger of `kind`: coupon codes alone are compared.
    pub(super) fn look_alike(&self, kind: TriggerKind) -> Option<String> {
        (kind == TriggerKind::CouponCode).then(|| look_alike(&self.key))
    }
}

/// Who holds what somebody else wants, and what could be had instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The trigger that has the key, of the same merchant.
    pub trigger: Trigger,
    /// The name of its holder.
    pub holder: String,
    /// Three codes that were free a moment ago; none for other kinds than coupon codes.
    pub free: Vec<String>,
}

/// Whose request keeps the code that somebody else wants, and what could be had instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reserved {
    /// The code as it was typed.
    pub code: String,
    /// Who asked for it.
    pub affiliate_id: i64,
    /// Their name.
    pub affiliate: String,
    /// Three codes that were free a moment ago.
    pub free: Vec<String>,
}

/// Why a trigger was not created.
#[derive(Debug, Error)]
pub enum CreateTriggerError {
    /// The value breaks a rule of its kind.
    #[error(transparent)]
    Invalid(ValueError),
    /// Some trigger of the merchant has the key already, in force or retired.
    #[error("taken by trigger {}", .0.trigger.id)]
    Taken(Box<Taken>),
    /// Some affiliate asked for the code, and nobody has decided yet.
    #[error("reserved for affiliate {}", .0.affiliate_id)]
    Reserved(Box<Reserved>),
    /// Not for the person to mend; `NotFound` when the merchant has no such affiliate.
    #[error(transparent)]
    Database(#[from] Error),
}

/// Whether a new code goes into the stores as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Into every connected store with code creation.
    Stores,
    /// No: the stores have it already.
    VouchOnly,
}

impl Reach {
    /// Parses a coupon code by the rules that hold for it: one that Vouch will create, or one that is
    /// in the stores already.
    ///
    /// # Errors
    /// [`CodeError`] names the first rule that is broken.
    pub fn parse(self, typed: &str) -> Result<CouponCode, CodeError> {
        match self {
            Self::Stores => CouponCode::parse(typed),
            Self::VouchOnly => CouponCode::parse_existing(typed),
        }
    }
}

/// Credits every later order that carries `typed` to the affiliate, and records who decided so. A
/// coupon code is queued for the stores where codes are created.
///
/// # Errors
/// As [`create_reaching`].
pub fn create(
    conn: &mut PgConnection,
    actor: &Actor,
    affiliate_id: i64,
    kind: TriggerKind,
    typed: &str,
) -> Result<Trigger, CreateTriggerError> {
    create_reaching(conn, actor, affiliate_id, kind, typed, Reach::Stores)
}

/// [`create`], where somebody says whether the stores have the code already.
///
/// # Errors
/// As [`create_despite`].
pub fn create_reaching(
    conn: &mut PgConnection,
    actor: &Actor,
    affiliate_id: i64,
    kind: TriggerKind,
    typed: &str,
    reach: Reach,
) -> Result<Trigger, CreateTriggerError> {
    create_despite(conn, actor, affiliate_id, kind, typed, reach, None)
}

/// [`create_reaching`], although `excluded` stops affiliates from claiming the code: a member knows
/// of it and has decided so, which the audit log and the trigger's page keep.
///
/// Whether the key is free is the database's to say (`triggers_key_unique`): asking first would
/// race.
///
/// # Errors
/// [`CreateTriggerError::Taken`] if any affiliate of the merchant holds the key, in any spelling,
/// or held it until it was retired; [`CreateTriggerError::Reserved`] if one waits for it.
pub fn create_despite(
    conn: &mut PgConnection,
    actor: &Actor,
    affiliate_id: i64,
    kind: TriggerKind,
    typed: &str,
    reach: Reach,
    excluded: Option<&Excluded>,
) -> Result<Trigger, CreateTriggerError> {
    let value = TriggerValue::parse_reaching(kind, typed, reach);
    let value = value.map_err(CreateTriggerError::Invalid)?;
    create_parsed(conn, actor, affiliate_id, kind, &value, reach, excluded)
}

/// [`create_despite`] of a value that was checked before: when an affiliate asked for it.
///
/// # Errors
/// As [`create_despite`], without [`CreateTriggerError::Invalid`].
pub fn create_parsed(
    conn: &mut PgConnection,
    actor: &Actor,
    affiliate_id: i64,
    kind: TriggerKind,
    value: &TriggerValue,
    reach: Reach,
    excluded: Option<&Excluded>,
) -> Result<Trigger, CreateTriggerError> {
    let name = affiliate_name(conn, actor.merchant_id, affiliate_id)?;
    if kind == TriggerKind::CouponCode
        && let Some(reserved) = reserved(conn, actor, value, &name)?
    {
        return Err(CreateTriggerError::Reserved(Box::new(reserved)));
    }
    let created = conn.transaction(|conn| {
        let trigger = insert(conn, actor, affiliate_id, kind, value)?;
        let act = created_act(trigger.id, kind, &trigger.value, affiliate_id, &name, excluded);
        audit::record(conn, actor, act)?;
        if kind == TriggerKind::CouponCode && reach == Reach::Stores {
            pushes::queue(conn, actor, &[trigger.id])?;
        }
        Ok(trigger)
    });
    match created {
        Err(Error::DatabaseError(DatabaseErrorKind::UniqueViolation, info))
            if info.constraint_name() == Some("triggers_key_unique") =>
        {
            let taken = taken(conn, actor, kind, value, &name)?;
            Err(CreateTriggerError::Taken(Box::new(taken)))
        }
        created => Ok(created?),
    }
}

/// The request that keeps the code; none can come until the transaction ends.
fn reserved(
    conn: &mut PgConnection,
    actor: &Actor,
    value: &TriggerValue,
    wanted_by: &str,
) -> QueryResult<Option<Reserved>> {
    let (merchant_id, now) = (actor.merchant_id, actor.now);
    code_requests::hold_against_requests(conn, merchant_id)?;
    let Some(affiliate_id) = code_requests::reserved_for(conn, merchant_id, &value.key)? else {
        return Ok(None);
    };
    let affiliate = affiliate_name(conn, merchant_id, affiliate_id)?;
    let code = CouponCode::recorded(&value.value);
    let free = free_codes(conn, merchant_id, &code, wanted_by, now)?;
    Ok(Some(Reserved { code: value.value.clone(), affiliate_id, affiliate, free }))
}

fn insert(
    conn: &mut PgConnection,
    actor: &Actor,
    affiliate_id: i64,
    kind: TriggerKind,
    value: &TriggerValue,
) -> QueryResult<Trigger> {
    let trigger = diesel::insert_into(triggers::table)
        .values((
            triggers::merchant_id.eq(actor.merchant_id),
            triggers::kind.eq(kind),
            triggers::value.eq(&value.value),
            triggers::key.eq(&value.key),
            triggers::look_alike.eq(value.look_alike(kind)),
            triggers::affiliate_id.eq(affiliate_id),
            triggers::created_at.eq(actor.now),
        ))
        .returning(Trigger::as_returning())
        .get_result(conn)?;
    let since = second(actor.now);
    diesel::insert_into(trigger_owners::table)
        .values((
            trigger_owners::merchant_id.eq(actor.merchant_id),
            trigger_owners::trigger_id.eq(trigger.id),
            trigger_owners::valid_from.eq(since),
            trigger_owners::affiliate_id.eq(affiliate_id),
        ))
        .execute(conn)?;
    // An order can have come in already that a store with a fast clock placed from now on.
    let cause = RecalculationCause::TriggerCreated { trigger: trigger.words() };
    request_for_trigger(conn, actor, trigger.id, since, &cause)?;
    Ok(trigger)
}

/// What the audit log says of a trigger that was created.
pub(super) fn created_act(
    trigger_id: i64,
    kind: TriggerKind,
    value: &str,
    affiliate_id: i64,
    affiliate: &str,
    excluded: Option<&Excluded>,
) -> Act<'static> {
    let mut after =
        serde_json::json!({ "kind": kind, "value": value, "affiliate_id": affiliate_id });
    let mut summary = format!("Created {kind} {value} for {affiliate}");
    if let Some(excluded) = excluded {
        summary.push_str(&format!(", although the exclusion {} stops it", excluded.value));
        after["despite_exclusion"] =
            serde_json::json!({ "id": excluded.exclusion_id, "value": excluded.value });
    }
    summary.push('.');
    Act {
        action: "trigger.created",
        subject_kind: "trigger",
        subject_id: Some(trigger_id),
        summary,
        before: None,
        after: Some(after),
    }
}

/// The name of an affiliate of the merchant; `NotFound` if it has none of that key.
pub(super) fn affiliate_name(
    conn: &mut PgConnection,
    merchant_id: i64,
    affiliate_id: i64,
) -> QueryResult<String> {
    affiliates::table.find((merchant_id, affiliate_id)).select(affiliates::name).first(conn)
}

/// Who has the key, and what is free in its place. Triggers are never deleted, so that somebody
/// does.
fn taken(
    conn: &mut PgConnection,
    actor: &Actor,
    kind: TriggerKind,
    value: &TriggerValue,
    wanted_by: &str,
) -> QueryResult<Taken> {
    let merchant_id = actor.merchant_id;
    let trigger: Trigger = triggers::table
        .filter(triggers::merchant_id.eq(merchant_id))
        .filter(triggers::kind.eq(kind))
        .filter(triggers::key.eq(&value.key))
        .select(Trigger::as_select())
        .first(conn)?;
    let holder = affiliate_name(conn, merchant_id, trigger.affiliate_id)?;
    let free = if kind == TriggerKind::CouponCode {
        let code = CouponCode::recorded(&value.value);
        free_codes(conn, merchant_id, &code, wanted_by, actor.now)?
    } else {
        Vec::new()
    };
    Ok(Taken { trigger, holder, free })
}

/// How many codes are offered in place of one that is taken.
const OFFERED: usize = 3;
/// How many candidates are looked up at once: nearly always enough.
const CANDIDATES: usize = 16;

/// Codes like `code` that nobody of the merchant holds, held or has reserved, and no exclusion stops,
/// best first.
///
/// # Errors
/// The database's.
pub fn free_codes(
    conn: &mut PgConnection,
    merchant_id: i64,
    code: &CouponCode,
    affiliate_name: &str,
    now: DateTime<Utc>,
) -> QueryResult<Vec<String>> {
    let mut free = Vec::with_capacity(OFFERED);
    let mut candidates = suggestions(code, affiliate_name);
    loop {
        let some: Vec<CouponCode> = candidates.by_ref().take(CANDIDATES).collect();
        if some.is_empty() {
            return Ok(free);
        }
        let keys: Vec<&str> = some.iter().map(CouponCode::key).collect();
        let mut held: Vec<String> = triggers::table
            .filter(triggers::merchant_id.eq(merchant_id))
            .filter(triggers::kind.eq(TriggerKind::CouponCode))
            .filter(triggers::key.eq_any(&keys))
            .select(triggers::key)
            .load(conn)?;
        held.extend(code_requests::reserved_keys(conn, merchant_id, &keys)?);
        let stopped = exclusions::verdicts(conn, merchant_id, &keys, now)?;
        for (candidate, excluded) in some.iter().zip(&stopped) {
            if excluded.is_none() && !held.iter().any(|key| key == candidate.key()) {
                free.push(candidate.value().to_owned());
            }
            if free.len() == OFFERED {
                return Ok(free);
            }
        }
    }
}
