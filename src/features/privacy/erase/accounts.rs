//! Erases a person as a member of the program, and the account they sign in with.

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};

use super::erasure::Erasure;
use super::outcome::{Erased, ErasureError};
use super::words::NAME;
use crate::features::auth::end_sessions_of;
use crate::features::auth::links::LinkPurpose;
use crate::features::team;
use crate::kit::db::schema::{invitations, links, recovery_codes, users};
use crate::kit::db::statement::statement;
use crate::kit::pseudonyms;

impl Erasure<'_> {
    /// Removes a member from the team first.
    pub(super) fn leave_team(
        &self,
        conn: &mut PgConnection,
        erased: &mut Erased,
    ) -> Result<(), ErasureError> {
        let Some(login) = self.person.login.as_ref().filter(|login| login.is_member) else {
            return Ok(());
        };
        team::end_membership(conn, self.actor, login.id)?;
        erased.memberships += 1;
        Ok(())
    }

    /// Erases the account if it has no other membership. Invitations are erased in any case.
    pub(super) fn erase_login(
        &self,
        conn: &mut PgConnection,
        erased: &mut Erased,
    ) -> QueryResult<()> {
        self.erase_invitations(conn)?;
        self.erase_sessions(conn)?;
        self.erase_links(conn)?;
        let Some(login) = &self.person.login else { return Ok(()) };
        let pseudonym = pseudonyms::of_user(login.id);
        let account = users::table
            .find(login.id)
            .filter(users::memberships.le(0))
            .filter(users::is_support.eq(false));
        let is_erased = diesel::update(account)
            .set((
                users::email.eq(&pseudonym),
                users::email_key.eq(&pseudonym),
                users::name.eq(NAME),
                users::password_hash.eq(None::<String>),
                users::two_factor_secret.eq(None::<Vec<u8>>),
                users::disabled_at.eq(self.actor.now),
            ))
            .execute(conn)?;
        if is_erased > 0 {
            end_sessions_of(conn, login.id)?;
            let of_account = links::table
                .filter(links::purpose.eq(LinkPurpose::PasswordReset))
                .filter(links::subject_id.eq(login.id));
            diesel::delete(of_account).execute(conn)?;
            diesel::delete(recovery_codes::table.filter(recovery_codes::user_id.eq(login.id)))
                .execute(conn)?;
            erased.accounts += 1;
        }
        Ok(())
    }

    /// Deletes the links sent to them for this program. Password links are deleted only with the
    /// account.
    fn erase_links(&self, conn: &mut PgConnection) -> QueryResult<()> {
        let of_merchant: Vec<(i64, String)> = links::table
            .filter(links::about_merchant_id.eq(self.merchant_id()))
            .select((links::id, links::email_key))
            .load(conn)?;
        let theirs = of_merchant.into_iter().filter(|(_, key)| self.replaced(key).is_some());
        let ids: Vec<i64> = theirs.map(|(id, _)| id).collect();
        diesel::delete(links::table.filter(links::id.eq_any(ids))).execute(conn).map(drop)
    }

    fn erase_invitations(&self, conn: &mut PgConnection) -> QueryResult<()> {
        for id in &self.person.invitation_ids {
            let row = invitations::table.find((self.merchant_id(), *id));
            let email: String = row.select(invitations::email).first(conn)?;
            let pseudonym = self.pseudonym(&email, *id);
            let is_open =
                invitations::accepted_at.is_null().and(invitations::withdrawn_at.is_null());
            diesel::update(row.filter(is_open))
                .set(invitations::withdrawn_at.eq(self.actor.now))
                .execute(conn)?;
            diesel::update(row)
                .set((invitations::email.eq(&pseudonym), invitations::email_key.eq(&pseudonym)))
                .execute(conn)?;
        }
        Ok(())
    }

    /// A flash message can contain their name.
    fn erase_sessions(&self, conn: &mut PgConnection) -> QueryResult<()> {
        let words = self.words.as_ref().map(|words| words.json());
        statement!(
            "UPDATE sessions SET state = state - 'flash' WHERE state ->> 'flash' ~* :words",
            words: Nullable<Text>,
        )
        .execute(conn)
        .map(drop)
    }
}
