use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::result::Error;
use serde::Serialize;
use serde_json::json;
use vouch_core::attribution::{CalculationLogic, CommissionKind};
use vouch_core::calendar::DateFormat;
use vouch_core::money::{Currency, Rate};

use super::rules::RulesColumns;
use super::slug::slug_of;
use crate::features::audit::{Act, AuditEvent};
use crate::features::auth::text::EMAIL_TAKEN;
use crate::features::auth::{self, NewUser, NewUserError};
use crate::kit::audit::{Actor, SubjectKind, record};
use crate::kit::dated;
use crate::kit::db::schema::{merchants, offer_terms, offers};
use crate::kit::session::Role;

/// The first offer of a program, so that affiliates can be added right away.
const FIRST_OFFER: &str = "Standard";
const FIRST_RATE: Rate = Rate::percent(10);

#[derive(Debug)]
pub struct NewMerchant<'a> {
    /// The program's name; 1 to 200 characters.
    pub name: &'a str,
    /// The main currency of totals.
    pub currency: Currency,
    /// The time zone of its days.
    pub time_zone: Tz,
    pub owner: Owner<'a>,
}

#[derive(Debug)]
pub enum Owner<'a> {
    /// An existing user.
    Existing(i64),
    /// A new user.
    New(NewUser<'a>),
}

/// The new rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedMerchant {
    pub merchant_id: i64,
    /// The program's part of public URLs.
    pub slug: String,
    /// The owner's user ID.
    pub owner_id: i64,
    /// The ID of the default offer.
    pub offer_id: i64,
}

/// Why a merchant couldn't be created.
#[derive(Debug, thiserror::Error)]
pub enum CreateMerchantError {
    /// The email of the new owner belongs to an existing user.
    #[error("{}", EMAIL_TAKEN)]
    EmailTaken,
    #[error(transparent)]
    Database(#[from] Error),
}

impl From<NewUserError> for CreateMerchantError {
    fn from(error: NewUserError) -> Self {
        match error {
            NewUserError::EmailTaken => Self::EmailTaken,
            NewUserError::Database(error) => Self::Database(error),
        }
    }
}

/// Whether the instance has a merchant yet. The caller holds `Scope::Instance`.
pub(crate) fn any_exists(conn: &mut PgConnection) -> QueryResult<bool> {
    diesel::select(exists(merchants::table.select(merchants::id))).get_result(conn)
}

/// Creates a merchant with its owner and everything a program needs: the default offer **Standard**
/// (10% of sale) and the calculation rules. It's one transaction, and the caller holds
/// `Scope::Instance`.
///
/// Terms and rules apply from the epoch, so earlier orders have some too.
///
/// Fails with [`CreateMerchantError::EmailTaken`] if a user already has the new owner's email.
pub fn create(
    conn: &mut PgConnection,
    new: &NewMerchant<'_>,
    now: DateTime<Utc>,
) -> Result<CreatedMerchant, CreateMerchantError> {
    conn.transaction(|conn| {
        let owner_id = match &new.owner {
            Owner::Existing(user_id) => *user_id,
            Owner::New(user) => auth::create_user(conn, user)?,
        };
        let (merchant_id, slug) = insert(conn, new, now)?;
        let actor = Actor::system(merchant_id, now);
        let event = AuditEvent::ProgramCreated { name: new.name.trim().to_owned() };
        let act = Act {
            after: Some(serde_json::json!({
                "name": new.name.trim(),
                "slug": slug,
                "currency": new.currency,
                "time_zone": new.time_zone.name(),
            })),
            ..Act::new(event, SubjectKind::Merchant, Some(merchant_id))
        };
        record(conn, &actor, act)?;
        auth::join(conn, &actor, owner_id, Role::Owner)?;
        let offer_id = insert_first_offer(conn, merchant_id, now)?;
        insert_first_rules(conn, merchant_id)?;
        Ok(CreatedMerchant { merchant_id, slug, owner_id, offer_id })
    })
}

/// Uses the first available slug: `tea-house`, `tea-house-2`, `tea-house-3`.
fn insert(
    conn: &mut PgConnection,
    new: &NewMerchant<'_>,
    now: DateTime<Utc>,
) -> QueryResult<(i64, String)> {
    let base = slug_of(new.name);
    let mut number = 1;
    loop {
        let slug = if number == 1 { base.clone() } else { format!("{base}-{number}") };
        // The unique constraint decides, because a check beforehand would race.
        let inserted = diesel::insert_into(merchants::table)
            .values((
                merchants::name.eq(new.name.trim()),
                merchants::slug.eq(&slug),
                merchants::currency.eq(new.currency.code()),
                merchants::time_zone.eq(new.time_zone.name()),
                merchants::created_at.eq(now),
            ))
            .on_conflict(merchants::slug)
            .do_nothing()
            .returning(merchants::id)
            .get_result(conn)
            .optional()?;
        if let Some(merchant_id) = inserted {
            return Ok((merchant_id, slug));
        }
        number += 1;
    }
}

fn insert_first_offer(
    conn: &mut PgConnection,
    merchant_id: i64,
    now: DateTime<Utc>,
) -> QueryResult<i64> {
    let offer_id = diesel::insert_into(offers::table)
        .values((
            offers::merchant_id.eq(merchant_id),
            offers::name.eq(FIRST_OFFER),
            offers::is_default.eq(true),
            offers::created_at.eq(now),
        ))
        .returning(offers::id)
        .get_result(conn)?;
    diesel::insert_into(offer_terms::table)
        .values((
            offer_terms::merchant_id.eq(merchant_id),
            offer_terms::offer_id.eq(offer_id),
            offer_terms::valid_from.eq(DateTime::UNIX_EPOCH),
            offer_terms::commission_kind.eq(CommissionKind::Percent),
            offer_terms::basis_points.eq(FIRST_RATE),
        ))
        .execute(conn)?;
    Ok(offer_id)
}

fn insert_first_rules(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<()> {
    let rules = RulesColumns::from(CalculationLogic::of_new_merchant());
    dated::begin(conn, (merchant_id,), rules, DateTime::UNIX_EPOCH)
}

/// What members change under Settings > General.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Queryable, Selectable, AsChangeset)]
#[diesel(table_name = merchants)]
pub(crate) struct GeneralSettings {
    pub(crate) name: String,
    /// IANA name. Past totals keep their days.
    pub(crate) time_zone: String,
    pub(crate) date_format: DateFormat,
    /// May be empty.
    pub(crate) contact_email: String,
}

impl GeneralSettings {
    pub(crate) fn of(merchant: &auth::Merchant) -> Self {
        Self {
            name: merchant.name.clone(),
            time_zone: merchant.time_zone.clone(),
            date_format: merchant.date_format,
            contact_email: merchant.contact_email.clone(),
        }
    }

    /// As currently stored.
    pub(crate) fn find(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Self> {
        merchants::table.find(merchant_id).select(Self::as_select()).first(conn)
    }

    /// Saves what differs from `before`. The public URL stays the same, because affiliates have it.
    pub(crate) fn save(
        &self,
        conn: &mut PgConnection,
        actor: &Actor,
        before: &Self,
    ) -> QueryResult<()> {
        if self == before {
            return Ok(());
        }
        conn.transaction(|conn| {
            diesel::update(merchants::table.find(actor.merchant_id)).set(self).execute(conn)?;
            let event = AuditEvent::GeneralSettingsChanged;
            let act = Act {
                before: Some(json!(before)),
                after: Some(json!(self)),
                ..Act::new(event, SubjectKind::Merchant, Some(actor.merchant_id))
            };
            record(conn, actor, act)
        })
    }
}
