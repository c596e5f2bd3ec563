//! Erases a person as an affiliate and as an applicant.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};

use super::erasure::Erasure;
use super::outcome::Erased;
use super::words::NAME;
use crate::features::affiliates::{self, AffiliateStatus};
use crate::features::auth::count_membership;
use crate::kit::db::schema::{affiliate_emails, affiliates as rows, applications};
use crate::kit::db::statement::statement;

/// Replaces a requested code that never became a trigger.
const CODE: &str = "ERASED";

impl Erasure<'_> {
    /// An erased person must not earn anything more.
    pub(super) fn disable_affiliates(&self, conn: &mut PgConnection) -> QueryResult<()> {
        let with_status = |conn: &mut PgConnection, status: AffiliateStatus| {
            rows::table
                .filter(rows::merchant_id.eq(self.merchant_id()))
                .filter(rows::id.eq_any(&self.person.affiliate_ids))
                .filter(rows::status.eq(status))
                .select(rows::id)
                .load::<i64>(conn)
        };
        let pending = with_status(conn, AffiliateStatus::Pending)?;
        let active = with_status(conn, AffiliateStatus::Active)?;
        affiliates::change_status(conn, self.actor, &pending, AffiliateStatus::Denied)?;
        affiliates::change_status(conn, self.actor, &active, AffiliateStatus::Disabled)?;
        Ok(())
    }

    pub(super) fn erase_affiliates(
        &self,
        conn: &mut PgConnection,
        erased: &mut Erased,
    ) -> QueryResult<()> {
        self.replace_known_emails(conn)?;
        let found: Vec<(i64, String, Option<i64>)> = rows::table
            .filter(rows::merchant_id.eq(self.merchant_id()))
            .filter(rows::id.eq_any(&self.person.affiliate_ids))
            .order(rows::id)
            .for_no_key_update()
            .select((rows::id, rows::email, rows::user_id))
            .load(conn)?;
        for (id, email, user_id) in found {
            let pseudonym = self.pseudonym(&email, id);
            diesel::update(rows::table.find((self.merchant_id(), id)))
                .set((
                    rows::name.eq(NAME),
                    rows::email.eq(&pseudonym),
                    rows::email_key.eq(&pseudonym),
                    rows::note.eq(""),
                    rows::payout_details.eq(""),
                    rows::user_id.eq(None::<i64>),
                    rows::updated_at.eq(self.actor.now),
                    rows::erased_at.eq(self.actor.now),
                ))
                .execute(conn)?;
            if let Some(user_id) = user_id {
                count_membership(conn, user_id, -1)?;
            }
            erased.affiliates += 1;
        }
        self.erase_code_requests(conn)
    }

    /// Replaces the emails in the history of every affiliate, so that orders with these emails get
    /// the same attribution as before.
    fn replace_known_emails(&self, conn: &mut PgConnection) -> QueryResult<()> {
        type Key = (i64, String, chrono::DateTime<chrono::Utc>);
        let known: Vec<(Key, Vec<Option<String>>)> = affiliate_emails::table
            .filter(affiliate_emails::merchant_id.eq(self.merchant_id()))
            .select((
                (
                    affiliate_emails::affiliate_id,
                    affiliate_emails::kind,
                    affiliate_emails::valid_from,
                ),
                affiliate_emails::emails,
            ))
            .load(conn)?;
        for ((affiliate_id, kind, from), emails) in known {
            let replaced: Vec<Option<String>> = emails
                .iter()
                .flatten()
                .map(|email| Some(self.replaced(email).unwrap_or_else(|| email.clone())))
                .collect();
            if replaced == emails {
                continue;
            }
            let row = (self.merchant_id(), affiliate_id, kind, from);
            diesel::update(affiliate_emails::table.find(row))
                .set(affiliate_emails::emails.eq(replaced))
                .execute(conn)?;
        }
        Ok(())
    }

    /// Codes that became triggers stay, because orders contain them. Other codes are replaced.
    fn erase_code_requests(&self, conn: &mut PgConnection) -> QueryResult<()> {
        statement!(
            "UPDATE code_requests SET reason = '', \
                 status = CASE WHEN status = 'pending' THEN 'withdrawn' ELSE status END, \
                 decided_at = coalesce(decided_at, now()), \
                 code = CASE WHEN trigger_id IS NULL THEN :erased ELSE code END, \
                 code_key = CASE WHEN trigger_id IS NULL THEN :erased ELSE code_key END \
             WHERE merchant_id = :merchant_id AND affiliate_id = ANY(:affiliate_ids)",
            merchant_id: BigInt = self.merchant_id(),
            affiliate_ids: Array<BigInt> = &self.person.affiliate_ids,
            erased: Text = CODE,
        )
        .execute(conn)
        .map(drop)
    }

    /// An unconfirmed application is no longer needed, so it's deleted.
    pub(super) fn erase_applications(
        &self,
        conn: &mut PgConnection,
        erased: &mut Erased,
    ) -> QueryResult<()> {
        let theirs = || {
            applications::table
                .filter(applications::merchant_id.eq(self.merchant_id()))
                .filter(applications::id.eq_any(&self.person.application_ids))
        };
        erased.applications +=
            diesel::delete(theirs().filter(applications::confirmed_at.is_null())).execute(conn)?;
        let confirmed: Vec<(i64, String)> =
            theirs().select((applications::id, applications::email)).load(conn)?;
        for (id, email) in confirmed {
            let pseudonym = self.pseudonym(&email, id);
            diesel::update(applications::table.find((self.merchant_id(), id)))
                .set((
                    applications::name.eq(NAME),
                    applications::email.eq(&pseudonym),
                    applications::email_key.eq(&pseudonym),
                    applications::code.eq(None::<String>),
                    applications::answers.eq(serde_json::json!([])),
                ))
                .execute(conn)?;
            erased.applications += 1;
        }
        Ok(())
    }
}
