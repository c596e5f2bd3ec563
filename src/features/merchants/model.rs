use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::result::Error;
use vouch_core::attribution::{CommissionKind, Rules};
use vouch_core::money::{Currency, Rate};

use super::rules::RulesColumns;
use super::slug::slug_of;
use crate::features::auth::{self, NewUser, NewUserError};
use crate::kit::audit::{Act, Actor, record};
use crate::kit::dated;
use crate::kit::db::schema::{merchants, offer_terms, offers};
use crate::kit::session::Role;

/// The offer a program begins with, so that the first affiliate can be added at once.
const FIRST_OFFER: &str = "Standard";
/// What it pays, in hundredths of a percent.
const FIRST_RATE: Rate = Rate::percent(10);

/// A merchant to be made.
#[derive(Debug)]
pub struct NewMerchant<'a> {
    /// The name of the program; 1 to 200 characters.
    pub name: &'a str,
    /// What figures are shown in first.
    pub currency: Currency,
    /// Where its days begin and end.
    pub time_zone: Tz,
    /// Who runs it.
    pub owner: Owner<'a>,
}

/// Who runs a new merchant.
#[derive(Debug)]
pub enum Owner<'a> {
    /// Somebody who signs in already.
    Existing(i64),
    /// Somebody new.
    New(NewUser<'a>),
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    /// The merchant's key.
    pub merchant_id: i64,
    /// Its part of public addresses.
    pub slug: String,
    /// The owner's key as a user.
    pub owner_id: i64,
    /// The key of the default offer.
    pub offer_id: i64,
}

/// Why a merchant could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CreateMerchantError {
    /// The new owner's address belongs to somebody who signs in already.
    #[error("Somebody signs in with this e-mail address already.")]
    EmailTaken,
    /// The database's.
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

/// Whether the installation has a merchant yet; within `Scope::Instance`.
pub fn any_exists(conn: &mut PgConnection) -> QueryResult<bool> {
    diesel::select(exists(merchants::table.select(merchants::id))).get_result(conn)
}

/// Makes a merchant with its owner and all that a program needs from the first moment on: the
/// offer **Standard** (10 % of sale, the default) and the rules of calculation. One transaction,
/// within `Scope::Instance`.
///
/// Terms and rules count from the epoch, so that orders from before have some, too.
///
/// # Errors
/// [`CreateMerchantError::EmailTaken`] when the owner is new and their address is not.
pub fn create(
    conn: &mut PgConnection,
    new: &NewMerchant<'_>,
    now: DateTime<Utc>,
) -> Result<Created, CreateMerchantError> {
    conn.transaction(|conn| {
        let owner_id = match &new.owner {
            Owner::Existing(user_id) => *user_id,
            Owner::New(user) => auth::create_user(conn, user)?,
        };
        let (merchant_id, slug) = insert(conn, new, now)?;
        let actor = Actor::system(merchant_id, now);
        record(
            conn,
            &actor,
            Act {
                action: "merchant.created",
                subject_kind: "merchant",
                subject_id: Some(merchant_id),
                summary: format!("Made the program {}.", new.name.trim()),
                before: None,
                after: Some(serde_json::json!({
                    "name": new.name.trim(),
                    "slug": slug,
                    "currency": new.currency,
                    "time_zone": new.time_zone.name(),
                })),
            },
        )?;
        auth::join(conn, &actor, owner_id, Role::Owner)?;
        let offer_id = insert_first_offer(conn, merchant_id, now)?;
        insert_first_rules(conn, merchant_id)?;
        Ok(Created { merchant_id, slug, owner_id, offer_id })
    })
}

/// Under the first slug that is free: `tea-house`, `tea-house-2`, `tea-house-3`.
fn insert(
    conn: &mut PgConnection,
    new: &NewMerchant<'_>,
    now: DateTime<Utc>,
) -> QueryResult<(i64, String)> {
    let base = slug_of(new.name);
    let mut number = 1;
    loop {
        let slug = if number == 1 { base.clone() } else { format!("{base}-{number}") };
        // The constraint decides: asking first would race.
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
    let rules = RulesColumns::from(Rules::of_new_merchant());
    dated::begin(conn, (merchant_id,), rules, DateTime::UNIX_EPOCH)
}

/// A merchant's name and time zone, as they're stored now.
pub fn general(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<(String, String)> {
    merchants::table.find(merchant_id).select((merchants::name, merchants::time_zone)).first(conn)
}

/// Changes how the program is called and where its days begin and end. Figures of earlier days
/// keep their days. Its public address stays: affiliates have it. The same again changes nothing.
pub fn rename(
    conn: &mut PgConnection,
    actor: &Actor,
    merchant: &auth::Merchant,
    name: &str,
    time_zone: Tz,
) -> QueryResult<()> {
    let (name, zone) = (name.trim(), time_zone.name());
    if merchant.name == name && merchant.time_zone == zone {
        return Ok(());
    }
    conn.transaction(|conn| {
        diesel::update(merchants::table.find(actor.merchant_id))
            .set((merchants::name.eq(name), merchants::time_zone.eq(zone)))
            .execute(conn)?;
        let pair = |name: &str, zone: &str| serde_json::json!({ "name": name, "time_zone": zone });
        record(
            conn,
            actor,
            Act {
                action: "merchant.changed",
                subject_kind: "merchant",
                subject_id: Some(actor.merchant_id),
                summary: "Changed the general settings.".to_owned(),
                before: Some(pair(&merchant.name, &merchant.time_zone)),
                after: Some(pair(name, zone)),
            },
        )
    })
}
