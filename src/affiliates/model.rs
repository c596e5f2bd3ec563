use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};
use rand::RngExt;

use super::status::AffiliateStatus;
use super::terms;
use crate::audit::{Act, Actor, record};
use crate::auth::email_key;
use crate::db::act_twice_if_deadlocked;
use crate::db::schema::affiliates;
use crate::offers;
use crate::orders;

/// A person or company that promotes the merchant.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = affiliates)]
pub struct Affiliate {
    /// Its key within the merchant.
    pub id: i64,
    /// The short affiliate ID that people see.
    pub public_id: String,
    /// What it is called.
    pub name: String,
    /// As typed.
    pub email: String,
    /// Where it stands with the program now.
    pub status: AffiliateStatus,
    /// The offer it is on now.
    pub offer_id: i64,
    /// What members noted for themselves.
    pub note: String,
    /// Where it wants to be paid, in its own words; empty if it did not say.
    pub payment_address: String,
    /// When it joined.
    pub created_at: DateTime<Utc>,
}

impl Affiliate {
    /// One affiliate of the merchant.
    ///
    /// # Errors
    /// `NotFound` when the merchant has none of that key.
    pub fn find(conn: &mut PgConnection, merchant_id: i64, id: i64) -> QueryResult<Self> {
        affiliates::table.find((merchant_id, id)).select(Self::as_select()).first(conn)
    }

    /// [`Affiliate::find`], locked until the transaction ends: changes of its terms must not
    /// overtake each other.
    fn find_locked(conn: &mut PgConnection, merchant_id: i64, id: i64) -> QueryResult<Self> {
        affiliates::table
            .find((merchant_id, id))
            .select(Self::as_select())
            .for_no_key_update()
            .first(conn)
    }
}

/// Whether somebody signs in as this affiliate.
///
/// # Errors
/// `NotFound` when the merchant has no such affiliate.
pub fn has_account(
    conn: &mut PgConnection,
    merchant_id: i64,
    affiliate_id: i64,
) -> QueryResult<bool> {
    affiliates::table
        .find((merchant_id, affiliate_id))
        .select(affiliates::user_id.is_not_null())
        .first(conn)
}

/// What an affiliate is made from, checked by the form: lengths are within the columns' limits.
#[derive(Clone, Debug)]
pub struct NewAffiliate {
    /// What it is called.
    pub name: String,
    /// As typed.
    pub email: String,
    /// Where it begins.
    pub status: AffiliateStatus,
    /// The offer it is on.
    pub offer_id: i64,
    /// What members note for themselves.
    pub note: String,
    /// The person who signs in as this affiliate, if one does.
    pub user_id: Option<i64>,
}

/// Why an affiliate could not be made or changed.
#[derive(Debug, thiserror::Error)]
pub enum CreateAffiliateError {
    /// Another affiliate of the merchant has that address, in some spelling.
    #[error("Another affiliate has this e-mail address already.")]
    EmailTaken,
    /// The merchant has no such offer, or it is archived.
    #[error("Choose one of the program’s offers.")]
    UnknownOffer,
    /// The database's.
    #[error(transparent)]
    Database(#[from] Error),
}

impl CreateAffiliateError {
    fn of(error: Error) -> Self {
        match constraint(&error) {
            Some("affiliates_email_key_unique") => Self::EmailTaken,
            Some("affiliates_offer_fkey") => Self::UnknownOffer,
            _ => Self::Database(error),
        }
    }
}

/// The constraint that refused a statement.
fn constraint(error: &Error) -> Option<&str> {
    match error {
        Error::DatabaseError(
            DatabaseErrorKind::UniqueViolation | DatabaseErrorKind::ForeignKeyViolation,
            info,
        ) => info.constraint_name(),
        _ => None,
    }
}

/// Makes an affiliate with an affiliate ID of its own, and opens its first terms.
///
/// # Errors
/// [`CreateAffiliateError::EmailTaken`] in any spelling; the rest as it says.
pub fn create(
    conn: &mut PgConnection,
    actor: &Actor,
    new: &NewAffiliate,
) -> Result<Affiliate, CreateAffiliateError> {
    conn.transaction(|conn| {
        if !offers::is_open(conn, actor.merchant_id, new.offer_id)? {
            return Err(CreateAffiliateError::UnknownOffer);
        }
        let affiliate = insert(conn, actor, new)?;
        terms::change(conn, actor.merchant_id, affiliate.id, new.status, new.offer_id, actor.now)?;
        record(
            conn,
            actor,
            Act {
                action: "affiliate.created",
                subject_kind: "affiliate",
                subject_id: Some(affiliate.id),
                summary: format!("Added {} as an affiliate, {}.", affiliate.name, new.status),
                before: None,
                after: Some(serde_json::json!({
                    "name": affiliate.name,
                    "email": affiliate.email,
                    "public_id": affiliate.public_id,
                    "status": affiliate.status,
                    "offer_id": affiliate.offer_id,
                })),
            },
        )?;
        Ok(affiliate)
    })
}

/// How often a new affiliate ID may collide before that is a fault. At 1,000,000 affiliates of a
/// merchant four characters are mostly taken, so that a digit is added on the way.
const PUBLIC_ID_TRIES: usize = 12;

/// Whether an affiliate ID is free is the database's to say: each try is a savepoint of its own.
fn insert(
    conn: &mut PgConnection,
    actor: &Actor,
    new: &NewAffiliate,
) -> Result<Affiliate, CreateAffiliateError> {
    let mut last = Error::NotFound;
    for attempt in 0..PUBLIC_ID_TRIES {
        // Four characters, then one more after every third collision.
        let public_id = random_public_id(4 + attempt / 3);
        let inserted = conn.transaction(|conn| {
            diesel::insert_into(affiliates::table)
                .values((
                    affiliates::merchant_id.eq(actor.merchant_id),
                    affiliates::public_id.eq(public_id),
                    affiliates::user_id.eq(new.user_id),
                    affiliates::name.eq(new.name.trim()),
                    affiliates::email.eq(new.email.trim()),
                    affiliates::email_key.eq(email_key(&new.email)),
                    affiliates::status.eq(new.status),
                    affiliates::offer_id.eq(new.offer_id),
                    affiliates::note.eq(new.note.trim()),
                    affiliates::created_at.eq(actor.now),
                    affiliates::updated_at.eq(actor.now),
                ))
                .returning(Affiliate::as_returning())
                .get_result(conn)
        });
        match inserted {
            Err(error) if constraint(&error) == Some("affiliates_public_id_unique") => last = error,
            inserted => return inserted.map_err(CreateAffiliateError::of),
        }
    }
    Err(CreateAffiliateError::Database(last))
}

/// A short name that can be read out on the telephone: letters and digits in turn, without the
/// ones that are mistaken for each other (0 o, 1 i l) and without vowels but `a`, so that no words
/// appear.
fn random_public_id(length: usize) -> String {
    const LETTERS: &[u8] = b"abcdfghjkmnpqrstvwxyz";
    const DIGITS: &[u8] = b"23456789";
    let mut rng = rand::rng();
    (0..length)
        .map(|at| {
            let set = if at % 2 == 0 { LETTERS } else { DIGITS };
            set[rng.random_range(0..set.len())] as char
        })
        .collect()
}

/// What the settings of an affiliate may change.
#[derive(Clone, Debug)]
pub struct AffiliateChange {
    /// What it is called.
    pub name: String,
    /// As typed.
    pub email: String,
    /// The offer it is on from now on.
    pub offer_id: i64,
    /// What members note for themselves.
    pub note: String,
}

/// Changes an affiliate's settings. Another offer holds for orders that are placed from now on.
///
/// # Errors
/// As [`create`]; `NotFound` when the merchant has no such affiliate.
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
            let Affiliate { id, status, offer_id, .. } = after;
            terms::change(conn, actor.merchant_id, id, status, offer_id, actor.now)?;
            orders::reconsider_since(conn, actor, actor.now, "The affiliate’s offer changed")?;
        }
        record_change(conn, actor, &before, &after)?;
        Ok(after)
    })
}

/// What affiliates change about themselves.
#[derive(Clone, Debug)]
pub struct OwnChange {
    /// What it is called.
    pub name: String,
    /// Where it wants to be paid.
    pub payment_address: String,
}

/// Changes what an affiliate says of itself; answers it as it was and as it is.
///
/// # Errors
/// `NotFound` when the merchant has no such affiliate.
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
                affiliates::payment_address.eq(&change.payment_address),
                affiliates::updated_at.eq(actor.now),
            ))
            .returning(Affiliate::as_returning())
            .get_result(conn)?;
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
            ("name", serde_json::json!(affiliate.name)),
            ("e-mail", serde_json::json!(affiliate.email)),
            ("offer", serde_json::json!(affiliate.offer_id)),
            ("note", serde_json::json!(affiliate.note)),
            ("payment address", serde_json::json!(affiliate.payment_address)),
        ]
    };
    let (mut was, mut is) = (serde_json::Map::new(), serde_json::Map::new());
    for ((name, old), (_, new)) in fields(before).into_iter().zip(fields(after)) {
        if old != new {
            was.insert(name.to_owned(), old);
            is.insert(name.to_owned(), new);
        }
    }
    if is.is_empty() {
        return Ok(());
    }
    let changed = is.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    record(
        conn,
        actor,
        Act {
            action: "affiliate.changed",
            subject_kind: "affiliate",
            subject_id: Some(after.id),
            summary: format!("Changed {} of {}.", changed, after.name),
            before: Some(was.into()),
            after: Some(is.into()),
        },
    )
}

/// Sets the status of several affiliates from now on. Answers with those that changed; the ones
/// that have the status already, or are not the merchant's, are left alone.
///
/// # Errors
/// The database's.
pub fn change_status(
    conn: &mut PgConnection,
    actor: &Actor,
    affiliate_ids: &[i64],
    status: AffiliateStatus,
) -> QueryResult<Vec<Affiliate>> {
    // In the order of their keys, so that two bulk actions cannot wait for each other in a circle.
    let changing = affiliates::table
        .filter(affiliates::merchant_id.eq(actor.merchant_id))
        .filter(affiliates::id.eq_any(affiliate_ids))
        .filter(affiliates::status.ne(status))
        .order(affiliates::id)
        .select(Affiliate::as_select())
        .for_no_key_update()
        .load(conn)?;
    for affiliate in &changing {
        terms::change(
            conn,
            actor.merchant_id,
            affiliate.id,
            status,
            affiliate.offer_id,
            actor.now,
        )?;
        set_status(conn, actor, affiliate, status, "affiliate.status_changed", "now")?;
    }
    if !changing.is_empty() {
        orders::reconsider_since(conn, actor, actor.now, "An affiliate’s status changed")?;
    }
    Ok(changing)
}

/// Takes back a change of status that was made at `since`: orders placed in between are judged as
/// if it had never been. Answers with the affiliates that have their former status again; those
/// whose terms have changed since are left alone.
///
/// # Errors
/// The database's.
pub fn undo_status(
    conn: &mut PgConnection,
    actor: &Actor,
    affiliate_ids: &[i64],
    since: DateTime<Utc>,
) -> QueryResult<Vec<Affiliate>> {
    // Each once, in the order of their keys, as above.
    let mut ids: Vec<i64> =
        affiliate_ids.iter().copied().collect::<HashSet<_>>().into_iter().collect();
    ids.sort_unstable();
    act_twice_if_deadlocked(conn, |conn| take_back(conn, actor, &ids, since))
}

fn take_back(
    conn: &mut PgConnection,
    actor: &Actor,
    affiliate_ids: &[i64],
    since: DateTime<Utc>,
) -> QueryResult<Vec<Affiliate>> {
    let mut undone = Vec::new();
    for &id in affiliate_ids {
        let Some(affiliate) = Affiliate::find_locked(conn, actor.merchant_id, id).optional()?
        else {
            continue;
        };
        let Some(before) = terms::take_back(conn, actor.merchant_id, id, since)? else {
            continue;
        };
        set_status(conn, actor, &affiliate, before.status, "affiliate.status_undone", "again")?;
        let cause = format!("{} took back a change of the affiliate’s status.", actor.name);
        orders::reconsider_affiliate(conn, actor, id, since, &cause)?;
        undone.push(affiliate);
    }
    Ok(undone)
}

fn set_status(
    conn: &mut PgConnection,
    actor: &Actor,
    affiliate: &Affiliate,
    status: AffiliateStatus,
    action: &str,
    adverb: &str,
) -> QueryResult<()> {
    diesel::update(affiliates::table.find((actor.merchant_id, affiliate.id)))
        .set((affiliates::status.eq(status), affiliates::updated_at.eq(actor.now)))
        .execute(conn)?;
    record(
        conn,
        actor,
        Act {
            action,
            subject_kind: "affiliate",
            subject_id: Some(affiliate.id),
            summary: format!(
                "{} is {adverb} {status}, after {}.",
                affiliate.name, affiliate.status
            ),
            before: Some(serde_json::json!({ "status": affiliate.status })),
            after: Some(serde_json::json!({ "status": status })),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_affiliate_id_is_short_and_easy_to_read_out() {
        for length in [4, 5, 8] {
            let id = random_public_id(length);
            assert_eq!(id.len(), length);
            assert!(!id.contains(['0', 'o', '1', 'i', 'l']), "{id}");
            assert!(id.bytes().skip(1).step_by(2).all(|b| b.is_ascii_digit()), "{id}");
        }
    }
}
