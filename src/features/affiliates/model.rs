//! Affiliates and their creation.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};
use rand::RngExt;

use super::emails;
use super::status::AffiliateStatus;
use super::terms::Terms;
use super::text;
use crate::features::audit::{Act, AuditEvent};
use crate::features::auth::count_membership;
use crate::features::offers;
use crate::kit::audit::{Actor, SubjectKind, record};
use crate::kit::dated;
use crate::kit::db::schema::affiliates;
use crate::kit::email::email_key;

#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = affiliates)]
pub struct Affiliate {
    pub id: i64,
    /// The short affiliate ID shown to users.
    pub public_id: String,
    pub name: String,
    /// As typed.
    pub email: String,
    /// The current status.
    pub status: AffiliateStatus,
    /// The current offer.
    pub offer_id: i64,
    /// Members' notes for their own use.
    pub note: String,
    /// The affiliate's free text about how to pay it; empty if there's none.
    pub payout_details: String,
    /// When it joined.
    pub created_at: DateTime<Utc>,
}

impl Affiliate {
    pub fn find(conn: &mut PgConnection, merchant_id: i64, id: i64) -> QueryResult<Self> {
        affiliates::table.find((merchant_id, id)).select(Self::as_select()).first(conn)
    }

    /// [`Affiliate::find`], locked until the transaction ends, so that changes of its terms happen
    /// one after the other.
    pub(super) fn find_locked(
        conn: &mut PgConnection,
        merchant_id: i64,
        id: i64,
    ) -> QueryResult<Self> {
        affiliates::table
            .find((merchant_id, id))
            .select(Self::as_select())
            .for_no_key_update()
            .first(conn)
    }
}

/// Whether a user signs in as this affiliate.
pub(crate) fn has_account(
    conn: &mut PgConnection,
    merchant_id: i64,
    affiliate_id: i64,
) -> QueryResult<bool> {
    affiliates::table
        .find((merchant_id, affiliate_id))
        .select(affiliates::user_id.is_not_null())
        .first(conn)
}

/// A new affiliate, validated by the form. Lengths are within the columns' limits.
#[derive(Clone, Debug)]
pub struct NewAffiliate {
    pub name: String,
    /// As typed.
    pub email: String,
    /// The initial status.
    pub status: AffiliateStatus,
    pub offer_id: i64,
    /// Members' notes for their own use.
    pub note: String,
    /// The user who signs in as this affiliate, if any.
    pub user_id: Option<i64>,
}

/// Why an affiliate couldn't be created or changed.
#[derive(Debug, thiserror::Error)]
pub enum CreateAffiliateError {
    /// Another affiliate of the merchant has that email, in any spelling.
    #[error("{}", text::EMAIL_TAKEN)]
    EmailTaken,
    /// The merchant has no such offer, or it's archived.
    #[error("{}", text::CHOOSE_OFFER)]
    UnknownOffer,
    #[error(transparent)]
    Database(#[from] Error),
}

impl CreateAffiliateError {
    pub(super) fn of(error: Error) -> Self {
        match constraint(&error) {
            Some("affiliates_email_key_unique") => Self::EmailTaken,
            Some("affiliates_offer_fkey") => Self::UnknownOffer,
            _ => Self::Database(error),
        }
    }
}

/// The constraint that rejected a statement.
fn constraint(error: &Error) -> Option<&str> {
    match error {
        Error::DatabaseError(
            DatabaseErrorKind::UniqueViolation | DatabaseErrorKind::ForeignKeyViolation,
            info,
        ) => info.constraint_name(),
        _ => None,
    }
}

/// Creates an affiliate with a unique affiliate ID, and opens its first terms.
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
        if let Some(user_id) = new.user_id {
            count_membership(conn, user_id, 1)?;
        }
        let key = (actor.merchant_id, affiliate.id);
        let terms = Terms { status: new.status, offer_id: new.offer_id };
        dated::begin(conn, key, terms, actor.now)?;
        emails::begin(conn, key, &affiliate.email)?;
        let event =
            AuditEvent::AffiliateAdded { affiliate: affiliate.name.clone(), status: new.status };
        let act = Act {
            after: Some(serde_json::json!({
                "name": affiliate.name,
                "email": affiliate.email,
                "public_id": affiliate.public_id,
                "status": affiliate.status,
                "offer_id": affiliate.offer_id,
            })),
            ..Act::new(event, SubjectKind::Affiliate, Some(affiliate.id))
        };
        record(conn, actor, act)?;
        Ok(affiliate)
    })
}

/// After this many collisions, a new affiliate ID is an error. At 1,000,000 affiliates of a
/// merchant, most IDs of four characters are taken, so the ID gets longer on the way.
const MAX_PUBLIC_ID_ATTEMPTS: usize = 12;

/// The database decides whether an affiliate ID is available. Each attempt has its own savepoint.
fn insert(
    conn: &mut PgConnection,
    actor: &Actor,
    new: &NewAffiliate,
) -> Result<Affiliate, CreateAffiliateError> {
    let mut last = Error::NotFound;
    for attempt in 0..MAX_PUBLIC_ID_ATTEMPTS {
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

/// A short ID that's easy to read out on the phone. Letters and digits alternate. Characters that
/// are easily confused (0 o, 1 i l) and vowels except `a` are missing, so that no words appear.
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
