//! How an affiliate gets an account: by an emailed link, which proves that the email is theirs.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::Error;

use crate::features::affiliates::Affiliate;
use crate::features::audit::{Act, AuditEvent};
use crate::features::auth::links::{self, LinkPurpose, LinkSubject};
use crate::features::auth::{
    NewUser, NewUserError, change_password, count_membership, create_user,
};
use crate::kit::audit::{Actor, ActorKind, SubjectKind, record};
use crate::kit::db::schema::{affiliates, users};

/// Creates the link for an affiliate's account and returns its token. The previous link ends.
pub(crate) fn invite(
    conn: &mut PgConnection,
    actor: &Actor,
    affiliate: &Affiliate,
) -> QueryResult<String> {
    let about = LinkSubject::affiliate(actor.merchant_id, affiliate.id);
    links::issue(conn, about, &affiliate.email, actor.now)
}

/// The invitation behind a working link.
#[derive(Clone, Debug)]
pub(crate) struct PortalInvitation {
    /// The affiliate's name.
    pub(crate) name: String,
    /// The email that got the link, and that the affiliate will sign in with.
    pub(crate) email: String,
    /// Whether that email already has an account.
    pub(crate) has_account: bool,
}

/// The user with that email, as far as an invitation needs it.
#[derive(Queryable)]
struct Known {
    id: i64,
    has_password: bool,
    is_disabled: bool,
}

fn known(conn: &mut PgConnection, email_key: &str) -> QueryResult<Option<Known>> {
    users::table
        .filter(users::email_key.eq(email_key))
        .select((users::id, users::password_hash.is_not_null(), users::disabled_at.is_not_null()))
        .first(conn)
        .optional()
}

impl PortalInvitation {
    /// The invitation of a working link; `None` if the person is disabled.
    pub(crate) fn of_link(
        conn: &mut PgConnection,
        merchant_id: i64,
        token: &str,
        now: DateTime<Utc>,
    ) -> QueryResult<Option<Self>> {
        let purpose = LinkPurpose::PortalInvitation;
        let Some(link) = links::find(conn, purpose, Some(merchant_id), token, now)? else {
            return Ok(None);
        };
        let known = known(conn, &link.email_key)?;
        if known.as_ref().is_some_and(|known| known.is_disabled) {
            return Ok(None);
        }
        let affiliate = Affiliate::find(conn, merchant_id, link.subject_id)?;
        Ok(Some(Self {
            name: affiliate.name,
            email: affiliate.email,
            has_account: known.is_some_and(|known| known.has_password),
        }))
    }
}

/// Uses the link and connects the affiliate to an account: the one with the link's email, or a new
/// one with `password_hash`. Returns the user's ID. It's `None` if the link no longer works, or if
/// there's neither an account nor a password.
pub(crate) fn accept(
    conn: &mut PgConnection,
    merchant_id: i64,
    token: &str,
    password_hash: Option<&str>,
    now: DateTime<Utc>,
) -> QueryResult<Option<i64>> {
    let accepted = conn.transaction(|conn| {
        let purpose = LinkPurpose::PortalInvitation;
        let Some(link) = links::take(conn, purpose, Some(merchant_id), token, now)? else {
            return Ok(None);
        };
        let affiliate = Affiliate::find(conn, merchant_id, link.subject_id)?;
        let user_id = user(conn, &affiliate, &link.email_key, password_hash)?
            .ok_or(Error::RollbackTransaction)?;
        diesel::update(affiliates::table.find((merchant_id, affiliate.id)))
            .set((affiliates::user_id.eq(user_id), affiliates::updated_at.eq(now)))
            .execute(conn)?;
        count_membership(conn, user_id, 1)?;
        note(conn, merchant_id, &affiliate, user_id, now)?;
        Ok(Some(user_id))
    });
    match accepted {
        Err(Error::RollbackTransaction) => Ok(None),
        accepted => accepted,
    }
}

fn note(
    conn: &mut PgConnection,
    merchant_id: i64,
    affiliate: &Affiliate,
    user_id: i64,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let actor = Actor {
        merchant_id,
        kind: ActorKind::Affiliate,
        user_id: Some(user_id),
        name: affiliate.name.clone(),
        came_from: None,
        now,
    };
    let event = AuditEvent::AffiliateAccountCreated { affiliate: affiliate.name.clone() };
    let act = Act::new(event, SubjectKind::Affiliate, Some(affiliate.id));
    record(conn, &actor, act)
}

fn user(
    conn: &mut PgConnection,
    affiliate: &Affiliate,
    email_key: &str,
    password_hash: Option<&str>,
) -> QueryResult<Option<i64>> {
    match (known(conn, email_key)?, password_hash) {
        (Some(known), _) if known.is_disabled => Ok(None),
        (Some(known), _) if known.has_password => Ok(Some(known.id)),
        (_, None) => Ok(None),
        // The account has no password yet, and the link proves the email.
        (Some(known), Some(hash)) => {
            change_password(conn, known.id, hash)?;
            Ok(Some(known.id))
        }
        (None, Some(hash)) => {
            let new = NewUser {
                email: &affiliate.email,
                name: &affiliate.name,
                password_hash: Some(hash),
                is_support: false,
            };
            match create_user(conn, &new) {
                Ok(user_id) => Ok(Some(user_id)),
                // The account was created at the same moment. Another attempt finds it.
                Err(NewUserError::EmailTaken) => Ok(None),
                Err(NewUserError::Database(error)) => Err(error),
            }
        }
    }
}
