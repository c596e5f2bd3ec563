use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};

use super::new_offer::NewOffer;
use super::read::Offer;
use super::terms::Terms;
use super::text;
use crate::features::audit::{Act, AuditEvent};
use crate::features::recalculations::{RecalculationReason, request_since};
use crate::kit::audit::{Actor, SubjectKind, record};
use crate::kit::dated;
use crate::kit::db::schema::{affiliates, offers};

/// Why an offer couldn't be saved.
#[derive(Debug, thiserror::Error)]
pub enum SaveOfferError {
    /// Another offer of the merchant has that name, ignoring case.
    #[error("{}", text::NAME_TAKEN)]
    NameTaken,
    /// An archived offer can't be the default.
    #[error("{}", text::ARCHIVED_DEFAULT)]
    Archived,
    #[error(transparent)]
    Database(#[from] Error),
}

impl SaveOfferError {
    fn of(error: Error) -> Self {
        match &error {
            Error::DatabaseError(DatabaseErrorKind::UniqueViolation, info)
                if info.constraint_name() == Some("offers_name_unique") =>
            {
                Self::NameTaken
            }
            _ => Self::Database(error),
        }
    }
}

/// Creates an offer. Its first terms apply from the epoch, so that every order of its affiliates
/// has terms.
pub fn create(
    conn: &mut PgConnection,
    actor: &Actor,
    new: &NewOffer,
) -> Result<Offer, SaveOfferError> {
    let made = conn.transaction(|conn| {
        if new.is_default {
            yield_default(conn, actor.merchant_id)?;
        }
        let offer: Offer = diesel::insert_into(offers::table)
            .values((
                offers::merchant_id.eq(actor.merchant_id),
                offers::name.eq(new.name.trim()),
                offers::is_default.eq(new.is_default),
                offers::created_at.eq(actor.now),
            ))
            .returning(Offer::as_returning())
            .get_result(conn)?;
        let key = (actor.merchant_id, offer.id);
        dated::begin(conn, key, Terms::of(new), DateTime::UNIX_EPOCH)?;
        let event =
            AuditEvent::OfferCreated { name: offer.name.clone(), commission: new.commission };
        let after = Some(facts(&offer, Some(&Terms::of(new))));
        record(conn, actor, Act { after, ..act(event, offer.id) })?;
        QueryResult::Ok(offer)
    });
    made.map_err(SaveOfferError::of)
}

/// Changes an offer. New terms apply to orders placed from now on, and earlier orders keep theirs.
/// Fails with [`SaveOfferError`], or `NotFound` if the merchant has no such offer.
pub fn update(
    conn: &mut PgConnection,
    actor: &Actor,
    offer_id: i64,
    change: &NewOffer,
) -> Result<Offer, SaveOfferError> {
    let before = lock(conn, actor.merchant_id, offer_id)?;
    if change.is_default && before.archived_at.is_some() {
        return Err(SaveOfferError::Archived);
    }
    let changed = conn.transaction(|conn| {
        if change.is_default && !before.is_default {
            yield_default(conn, actor.merchant_id)?;
        }
        let after: Offer = diesel::update(offers::table.find((actor.merchant_id, offer_id)))
            .set((
                offers::name.eq(change.name.trim()),
                offers::is_default.eq(before.is_default || change.is_default),
            ))
            .returning(Offer::as_returning())
            .get_result(conn)?;
        let was = change_terms(conn, actor, offer_id, change)?;
        let is_same = before.name == after.name && before.is_default == after.is_default;
        if was.is_some() || !is_same {
            let event = AuditEvent::OfferChanged {
                name: after.name.clone(),
                commission: was.as_ref().map(|_| change.commission),
            };
            let terms = was.as_ref().map(|_| Terms::of(change));
            let act = Act {
                before: Some(facts(&before, was.as_ref())),
                after: Some(facts(&after, terms.as_ref())),
                ..act(event, after.id)
            };
            record(conn, actor, act)?;
        }
        QueryResult::Ok(after)
    });
    changed.map_err(SaveOfferError::of)
}

/// Activates other terms if they differ. Returns the previous ones.
fn change_terms(
    conn: &mut PgConnection,
    actor: &Actor,
    offer_id: i64,
    change: &NewOffer,
) -> QueryResult<Option<Terms>> {
    let key = (actor.merchant_id, offer_id);
    let Some(changed) = dated::change(conn, key, Some(Terms::of(change)), actor.now)? else {
        return Ok(None);
    };
    // An order from this second, or from a store whose clock is ahead, can already be stored.
    request_since(conn, actor, changed.from, &RecalculationReason::OfferTermsChanged)?;
    Ok(changed.before)
}

/// Unsets the current default. A separate statement takes the lock, so that of two concurrent calls
/// the second sees the first one's change.
fn yield_default(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<()> {
    offers::table
        .filter(offers::merchant_id.eq(merchant_id))
        .order(offers::id)
        .select(offers::id)
        .for_no_key_update()
        .load::<i64>(conn)?;
    diesel::update(offers::table.filter(offers::merchant_id.eq(merchant_id)))
        .filter(offers::is_default)
        .set(offers::is_default.eq(false))
        .execute(conn)?;
    Ok(())
}

/// While the lock is held, no affiliate can be put on the offer; see [`super::is_open`].
fn lock(conn: &mut PgConnection, merchant_id: i64, offer_id: i64) -> QueryResult<Offer> {
    offers::table
        .find((merchant_id, offer_id))
        .select(Offer::as_select())
        .for_no_key_update()
        .first(conn)
}

/// Why an offer can't be archived.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArchiveError {
    /// It's the default for new affiliates.
    #[error("{}", text::IS_DEFAULT)]
    IsDefault,
    /// Affiliates are on it.
    #[error("{}", text::IN_USE)]
    InUse,
    #[error(transparent)]
    Database(#[from] Error),
}

/// Archives an offer. No affiliate can be put on it anymore, and its past orders keep their terms.
/// Fails with [`ArchiveError`], or `NotFound` if the merchant has no such offer.
pub(crate) fn archive(
    conn: &mut PgConnection,
    actor: &Actor,
    offer_id: i64,
) -> Result<Offer, ArchiveError> {
    let offer = lock(conn, actor.merchant_id, offer_id)?;
    if offer.is_default {
        return Err(ArchiveError::IsDefault);
    }
    let someone = affiliates::table
        .filter(affiliates::merchant_id.eq(actor.merchant_id))
        .filter(affiliates::offer_id.eq(offer_id))
        .select(affiliates::id)
        .first::<i64>(conn)
        .optional()?;
    if someone.is_some() {
        return Err(ArchiveError::InUse);
    }
    if offer.archived_at.is_none() {
        set_archived(conn, actor, &offer, Some(actor.now))?;
    }
    Ok(offer)
}

/// Restores an archived offer.
pub(crate) fn restore(conn: &mut PgConnection, actor: &Actor, offer_id: i64) -> QueryResult<Offer> {
    let offer = lock(conn, actor.merchant_id, offer_id)?;
    if offer.archived_at.is_some() {
        set_archived(conn, actor, &offer, None)?;
    }
    Ok(offer)
}

fn set_archived(
    conn: &mut PgConnection,
    actor: &Actor,
    offer: &Offer,
    archived_at: Option<DateTime<Utc>>,
) -> QueryResult<()> {
    diesel::update(offers::table.find((actor.merchant_id, offer.id)))
        .set(offers::archived_at.eq(archived_at))
        .execute(conn)?;
    let name = offer.name.clone();
    let event = match archived_at {
        Some(_) => AuditEvent::OfferArchived { name },
        None => AuditEvent::OfferRestored { name },
    };
    record(conn, actor, act(event, offer.id))
}

/// The fields for the audit log. Terms are there only if they changed.
fn facts(offer: &Offer, terms: Option<&Terms>) -> serde_json::Value {
    let mut facts = serde_json::json!({ "name": offer.name, "is_default": offer.is_default });
    if let Some(terms) = terms {
        facts["commission"] = serde_json::json!(terms.commission());
        facts["excluded_skus"] = serde_json::json!(terms.excluded_skus);
        facts["auto_approve"] = serde_json::json!(terms.auto_approve);
    }
    facts
}

fn act(event: AuditEvent, offer_id: i64) -> Act {
    Act::new(event, SubjectKind::Offer, Some(offer_id))
}
