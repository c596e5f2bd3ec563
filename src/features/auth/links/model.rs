use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;

use super::LinkPurpose;
use super::token::{hash_of, new_token};
use crate::features::affiliates::AffiliateStatus;
use crate::features::auth::locks::{lock_enabled_user, lock_open_merchant, lock_owner};
use crate::kit::db::advisory::LockKind;
use crate::kit::db::schema::{
    affiliates, applications, invitations, links, members, merchants, users,
};
use crate::kit::db::{Db, Scope, text_enum};
use crate::kit::email::email_key;
use crate::kit::error::AppResult;
use crate::kit::session::Role;

text_enum! {
    /// Why a link no longer works, although it hasn't expired.
    pub(crate) enum LinkEnd {
        /// Its recipient has used it.
        Used = "used", "Used";
        /// A newer one was sent.
        Superseded = "superseded", "Superseded";
        /// It was withdrawn, such as with an invitation or a disabled account.
        Withdrawn = "withdrawn", "Withdrawn";
        /// Its subject's email changed.
        EmailChanged = "email_changed", "Email changed";
    }
}

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LinkSubject {
    purpose: LinkPurpose,
    merchant_id: Option<i64>,
    subject_id: i64,
}

impl LinkSubject {
    pub(crate) fn invitation(merchant_id: i64, invitation_id: i64) -> Self {
        Self::of_merchant(LinkPurpose::MemberInvitation, merchant_id, invitation_id)
    }

    /// The affiliate's account.
    pub(crate) fn affiliate(merchant_id: i64, affiliate_id: i64) -> Self {
        Self::of_merchant(LinkPurpose::PortalInvitation, merchant_id, affiliate_id)
    }

    pub(crate) fn application(merchant_id: i64, application_id: i64) -> Self {
        Self::of_merchant(LinkPurpose::Confirmation, merchant_id, application_id)
    }

    /// The person's password.
    pub(crate) fn password(user_id: i64) -> Self {
        Self { purpose: LinkPurpose::PasswordReset, merchant_id: None, subject_id: user_id }
    }

    fn of_merchant(purpose: LinkPurpose, merchant_id: i64, subject_id: i64) -> Self {
        Self { purpose, merchant_id: Some(merchant_id), subject_id }
    }
}

/// A link that works.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = links)]
pub(crate) struct ValidLink {
    /// Depending on the purpose, the ID of an invitation, affiliate, user or application.
    pub(crate) subject_id: i64,
    /// The email it was sent to, which is still the subject's email.
    pub(crate) email_key: String,
}

/// Creates a link for the recipient at `email`. The previous link for the same subject ends.
/// Returns the token, which isn't stored. Fails with `NotFound` if no link for the subject could
/// work, for example because its merchant is closed.
pub(crate) fn issue(
    conn: &mut PgConnection,
    about: LinkSubject,
    email: &str,
    now: DateTime<Utc>,
) -> QueryResult<String> {
    if !lock_grounds(conn, about)? {
        return Err(diesel::result::Error::NotFound);
    }
    // Concurrent calls for one subject run in turn, so that exactly one link is the newest.
    let subject_key = format!("{}:{}", about.purpose.as_str(), about.subject_id);
    LockKind::Links.lock_name(conn, &subject_key)?;
    end(conn, about, LinkEnd::Superseded, now)?;
    let token = new_token(about.merchant_id);
    diesel::insert_into(links::table)
        .values((
            links::token_hash.eq(hash_of(&token)),
            links::purpose.eq(about.purpose),
            links::about_merchant_id.eq(about.merchant_id),
            links::subject_id.eq(about.subject_id),
            links::email_key.eq(email_key(email)),
            links::created_at.eq(now),
            links::expires_at.eq(now + about.purpose.lifetime()),
        ))
        .execute(conn)?;
    Ok(token)
}

/// Finds the link of a token without using it. Returns `None` if it doesn't work, for any reason.
pub(crate) fn find(
    conn: &mut PgConnection,
    purpose: LinkPurpose,
    merchant_id: Option<i64>,
    token: &str,
    now: DateTime<Utc>,
) -> QueryResult<Option<ValidLink>> {
    let link: Option<ValidLink> = links::table
        .filter(links::token_hash.eq(hash_of(token)))
        .filter(links::purpose.eq(purpose))
        .filter(links::about_merchant_id.is_not_distinct_from(merchant_id))
        .filter(links::ended_at.is_null())
        .filter(links::expires_at.gt(now))
        .select(ValidLink::as_select())
        .first(conn)
        .optional()?;
    let Some(link) = link else { return Ok(None) };
    let about = LinkSubject { purpose, merchant_id, subject_id: link.subject_id };
    let present = present_address(conn, about)?;
    Ok(link.filter_by(present.as_deref()))
}

/// Uses a link, in the transaction of the action it allows. Of two concurrent uses, one finds
/// nothing. Everything the link depends on is locked first, then the subject. Changes of the email
/// use the same order, so none can happen in between.
pub(crate) fn take(
    conn: &mut PgConnection,
    purpose: LinkPurpose,
    merchant_id: Option<i64>,
    token: &str,
    now: DateTime<Utc>,
) -> QueryResult<Option<ValidLink>> {
    let Some(found) = find(conn, purpose, merchant_id, token, now)? else { return Ok(None) };
    let about = LinkSubject { purpose, merchant_id, subject_id: found.subject_id };
    // For a password reset, the person is the subject: locking them twice in two strengths could
    // deadlock.
    if merchant_id.is_some() && !lock_grounds(conn, about)? {
        return Ok(None);
    }
    lock_subject(conn, about)?;
    let used: Option<ValidLink> = diesel::update(links::table)
        .filter(links::token_hash.eq(hash_of(token)))
        .filter(links::ended_at.is_null())
        .set((links::ended_at.eq(now), links::ended_by.eq(LinkEnd::Used)))
        .returning(ValidLink::as_returning())
        .get_result(conn)
        .optional()?;
    let Some(link) = used else { return Ok(None) };
    let present = present_address(conn, about)?;
    Ok(link.filter_by(present.as_deref()))
}

/// Locks what a subject's links depend on, except the subject. Returns `false` if it no longer
/// exists.
fn lock_grounds(conn: &mut PgConnection, about: LinkSubject) -> QueryResult<bool> {
    let Some(merchant_id) = about.merchant_id else {
        return lock_enabled_user(conn, about.subject_id);
    };
    if about.purpose != LinkPurpose::MemberInvitation {
        return lock_open_merchant(conn, merchant_id);
    }
    let inviter = invitations::table
        .find((merchant_id, about.subject_id))
        .select(invitations::invited_by)
        .first(conn)
        .optional()?;
    match inviter {
        Some(inviter) => lock_owner(conn, merchant_id, inviter),
        None => Ok(false),
    }
}

fn lock_subject(conn: &mut PgConnection, about: LinkSubject) -> QueryResult<()> {
    let id = about.subject_id;
    let key = (about.merchant_id.unwrap_or_default(), id);
    match about.purpose {
        LinkPurpose::PasswordReset => {
            users::table.find(id).select(users::id).for_no_key_update().first::<i64>(conn)
        }
        LinkPurpose::MemberInvitation => invitations::table
            .find(key)
            .select(invitations::id)
            .for_no_key_update()
            .first::<i64>(conn),
        LinkPurpose::PortalInvitation => affiliates::table
            .find(key)
            .select(affiliates::id)
            .for_no_key_update()
            .first::<i64>(conn),
        LinkPurpose::Confirmation => applications::table
            .find(key)
            .select(applications::id)
            .for_no_key_update()
            .first::<i64>(conn),
    }
    .map(drop)
}

impl ValidLink {
    fn filter_by(self, present: Option<&str>) -> Option<Self> {
        (present == Some(&self.email_key)).then_some(self)
    }
}

/// The subject's current email; `None` if the link has nothing left to do.
fn present_address(conn: &mut PgConnection, about: LinkSubject) -> QueryResult<Option<String>> {
    let id = about.subject_id;
    let Some(merchant_id) = about.merchant_id else {
        return users::table
            .find(id)
            .filter(users::disabled_at.is_null())
            .select(users::email_key)
            .first(conn)
            .optional();
    };
    let open = merchants::table.find(merchant_id).filter(merchants::closed_at.is_null());
    if !diesel::select(exists(open)).get_result::<bool>(conn)? {
        return Ok(None);
    }
    let key = (merchant_id, id);
    // Only owners can invite. An invitation from a former owner doesn't work.
    let inviting_owner = members::table
        .inner_join(users::table)
        .filter(members::merchant_id.eq(merchant_id))
        .filter(members::user_id.eq(invitations::invited_by))
        .filter(members::role.eq(Role::Owner))
        .filter(users::disabled_at.is_null());
    let found = match about.purpose {
        LinkPurpose::MemberInvitation => invitations::table
            .find(key)
            .filter(invitations::accepted_at.is_null().and(invitations::withdrawn_at.is_null()))
            .filter(exists(inviting_owner))
            .select(invitations::email_key)
            .first(conn),
        LinkPurpose::PortalInvitation => affiliates::table
            .find(key)
            .filter(
                affiliates::user_id.is_null().and(affiliates::status.ne(AffiliateStatus::Denied)),
            )
            .select(affiliates::email_key)
            .first(conn),
        LinkPurpose::Confirmation => applications::table
            .find(key)
            .filter(applications::confirmed_at.is_null())
            .select(applications::email_key)
            .first(conn),
        // Password resets have no merchant.
        LinkPurpose::PasswordReset => return Ok(None),
    };
    found.optional()
}

/// Ends a subject's link, if one works.
pub(crate) fn end(
    conn: &mut PgConnection,
    about: LinkSubject,
    why: LinkEnd,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(links::table)
        .filter(links::purpose.eq(about.purpose))
        .filter(links::about_merchant_id.is_not_distinct_from(about.merchant_id))
        .filter(links::subject_id.eq(about.subject_id))
        .filter(links::ended_at.is_null())
        .set((links::ended_at.eq(now), links::ended_by.eq(why)))
        .execute(conn)
        .map(drop)
}

/// Ends all working links of a merchant.
pub(crate) fn end_of_merchant(
    conn: &mut PgConnection,
    merchant_id: i64,
    why: LinkEnd,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(links::table)
        .filter(links::about_merchant_id.eq(merchant_id))
        .filter(links::ended_at.is_null())
        .set((links::ended_at.eq(now), links::ended_by.eq(why)))
        .execute(conn)
        .map(drop)
}

/// How many links a subject was sent since then, whether they still work or not.
pub(crate) fn issued_since(
    conn: &mut PgConnection,
    about: LinkSubject,
    since: DateTime<Utc>,
) -> QueryResult<i64> {
    links::table
        .filter(links::purpose.eq(about.purpose))
        .filter(links::about_merchant_id.is_not_distinct_from(about.merchant_id))
        .filter(links::subject_id.eq(about.subject_id))
        .filter(links::created_at.gt(since))
        .count()
        .get_result(conn)
}

/// When a merchant's links expire, by subject.
pub(crate) fn expiries(
    conn: &mut PgConnection,
    purpose: LinkPurpose,
    merchant_id: i64,
) -> QueryResult<HashMap<i64, DateTime<Utc>>> {
    let rows: Vec<(i64, DateTime<Utc>)> = links::table
        .filter(links::purpose.eq(purpose))
        .filter(links::about_merchant_id.eq(merchant_id))
        .filter(links::ended_at.is_null())
        .select((links::subject_id, links::expires_at))
        .load(conn)?;
    Ok(rows.into_iter().collect())
}

/// Deletes expired links. The workers call it periodically.
pub fn sweep(db: &Db, now: DateTime<Utc>) -> AppResult<usize> {
    db.run_blocking(Scope::Instance, |conn| {
        diesel::delete(links::table.filter(links::expires_at.lt(now))).execute(conn)
    })
}
