//! How an affiliate gets an account: by a link that was sent to their address, which proves it.

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use diesel::result::Error;

use crate::audit::{Act, Actor, ActorKind, record};
use crate::auth::{
    LinkToken, NewUser, NewUserError, User, change_password, count_place, create_user,
};
use crate::db::schema::{affiliates, portal_invitations};

/// The link works for so long.
const LINK_DAYS: i64 = 14;

/// Makes the link by which an affiliate gets an account; any before it no longer works. Answers its
/// token.
///
/// # Errors
/// The database's.
pub fn invite(conn: &mut PgConnection, actor: &Actor, affiliate_id: i64) -> QueryResult<String> {
    let token = LinkToken::new();
    let values = (
        portal_invitations::token_hash.eq(token.hash),
        portal_invitations::sent_at.eq(actor.now),
        portal_invitations::expires_at.eq(actor.now + Duration::days(LINK_DAYS)),
        portal_invitations::used_at.eq(None::<DateTime<Utc>>),
    );
    diesel::insert_into(portal_invitations::table)
        .values((
            portal_invitations::merchant_id.eq(actor.merchant_id),
            portal_invitations::affiliate_id.eq(affiliate_id),
            values.clone(),
        ))
        .on_conflict((portal_invitations::merchant_id, portal_invitations::affiliate_id))
        .do_update()
        .set(values)
        .execute(conn)?;
    Ok(token.text)
}

/// Behind a link that still works: who is invited.
#[derive(Clone, Debug, Queryable)]
pub struct Invitation {
    /// Which affiliate.
    pub affiliate_id: i64,
    /// What it is called.
    pub name: String,
    /// Where the link was sent, and what one signs in with.
    pub email: String,
}

impl Invitation {
    /// The one behind a link that still works.
    ///
    /// # Errors
    /// The database's.
    pub fn of_link(
        conn: &mut PgConnection,
        merchant_id: i64,
        token: &str,
        now: DateTime<Utc>,
    ) -> QueryResult<Option<Self>> {
        let of_affiliate = affiliates::merchant_id
            .eq(portal_invitations::merchant_id)
            .and(affiliates::id.eq(portal_invitations::affiliate_id));
        portal_invitations::table
            .inner_join(affiliates::table.on(of_affiliate))
            .filter(portal_invitations::merchant_id.eq(merchant_id))
            .filter(portal_invitations::token_hash.eq(LinkToken::of(token).hash))
            .filter(portal_invitations::used_at.is_null())
            .filter(portal_invitations::expires_at.gt(now))
            .filter(affiliates::user_id.is_null())
            .select((affiliates::id, affiliates::name, affiliates::email))
            .first(conn)
            .optional()
    }

    /// Whether the address belongs to somebody who signs in already.
    ///
    /// # Errors
    /// The database's.
    pub fn has_account(&self, conn: &mut PgConnection) -> QueryResult<bool> {
        let user = User::by_email(conn, &self.email)?;
        Ok(user.is_some_and(|user| user.password_hash.is_some()))
    }

    /// Uses the link up and gives the affiliate its account: the one of that address, or a new one
    /// with `password_hash`. Answers whose it is; `None` if the link was used meanwhile, or there is
    /// no account and no password.
    ///
    /// # Errors
    /// The database's.
    pub fn accept(
        &self,
        conn: &mut PgConnection,
        merchant_id: i64,
        password_hash: Option<&str>,
        now: DateTime<Utc>,
    ) -> QueryResult<Option<i64>> {
        let accepted = conn.transaction(|conn| {
            let used = portal_invitations::table
                .find((merchant_id, self.affiliate_id))
                .filter(portal_invitations::used_at.is_null());
            if diesel::update(used).set(portal_invitations::used_at.eq(now)).execute(conn)? == 0 {
                return Ok(None);
            }
            let user_id = self.user(conn, password_hash)?.ok_or(Error::RollbackTransaction)?;
            diesel::update(affiliates::table.find((merchant_id, self.affiliate_id)))
                .set((affiliates::user_id.eq(user_id), affiliates::updated_at.eq(now)))
                .execute(conn)?;
            count_place(conn, user_id, 1)?;
            self.note(conn, merchant_id, user_id, now)?;
            Ok(Some(user_id))
        });
        match accepted {
            Err(Error::RollbackTransaction) => Ok(None),
            accepted => accepted,
        }
    }

    fn note(
        &self,
        conn: &mut PgConnection,
        merchant_id: i64,
        user_id: i64,
        now: DateTime<Utc>,
    ) -> QueryResult<()> {
        let actor = Actor {
            merchant_id,
            kind: ActorKind::Affiliate,
            user_id: Some(user_id),
            name: self.name.clone(),
            came_from: None,
            now,
        };
        let act = Act {
            action: "affiliate.account_made",
            subject_kind: "affiliate",
            subject_id: Some(self.affiliate_id),
            summary: format!("{} can sign in now.", self.name),
            before: None,
            after: None,
        };
        record(conn, &actor, act)
    }

    fn user(
        &self,
        conn: &mut PgConnection,
        password_hash: Option<&str>,
    ) -> QueryResult<Option<i64>> {
        match (User::by_email(conn, &self.email)?, password_hash) {
            (Some(user), _) if user.password_hash.is_some() => Ok(Some(user.id)),
            (_, None) => Ok(None),
            // Made without a password, by somebody else; the link proves the address.
            (Some(user), Some(hash)) => {
                change_password(conn, user.id, hash)?;
                Ok(Some(user.id))
            }
            (None, Some(hash)) => {
                let new = NewUser {
                    email: &self.email,
                    name: &self.name,
                    password_hash: Some(hash),
                    is_support: false,
                };
                match create_user(conn, &new) {
                    Ok(user_id) => Ok(Some(user_id)),
                    // Disabled, or made this very moment: a new try finds out.
                    Err(NewUserError::EmailTaken) => Ok(None),
                    Err(NewUserError::Database(error)) => Err(error),
                }
            }
        }
    }
}
