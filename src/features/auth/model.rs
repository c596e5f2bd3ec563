use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};
use diesel::sql_types::{Jsonb, Nullable};
use serde::Deserialize;
use vouch_core::calendar::{Calendar, DateFormat};
use vouch_core::money::Currency;
use vouch_core::platform::Platform;
use vouch_platforms::Reason;

use super::links::{self, LinkEnd, LinkSubject};
use super::session_store::end_sessions_of;
use super::text;
use crate::features::affiliates::AffiliateStatus;
use crate::features::audit::{Act, AuditEvent};
use crate::kit::audit::{Actor, SubjectKind, record};
use crate::kit::clock;
use crate::kit::db::constant;
use crate::kit::db::schema::{affiliates, members, merchants, users};
use crate::kit::email::{MAX_EMAIL_BYTES, email_key};
use crate::kit::session::{Role, Workspace};
use crate::kit::stored_text::{StoredText, shown};

/// A person who is signed in.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct Person {
    pub id: i64,
    /// As typed.
    pub email: String,
    pub name: String,
    /// Whether they're support staff of this instance.
    pub is_support: bool,
    /// Since when sign-in needs a code; `None` if it doesn't.
    pub two_factor_at: Option<DateTime<Utc>>,
    /// How many programs they're a member or an affiliate of.
    pub memberships: i32,
}

impl Person {
    /// Whether sign-in needs a code.
    pub(crate) fn has_two_factor(&self) -> bool {
        self.two_factor_at.is_some()
    }

    /// Whether they must set up two-factor sign-in first. Support staff always must.
    pub(crate) fn lacks_two_factor(&self, is_required: bool) -> bool {
        (is_required || self.is_support) && !self.has_two_factor()
    }

    /// Whether there's another workspace to switch to.
    pub(crate) fn has_other_programs(&self) -> bool {
        self.memberships + i32::from(self.is_support) > 1
    }

    /// A person who may sign in. Fails with `NotFound` if there's none or they're disabled.
    pub fn find(conn: &mut PgConnection, user_id: i64) -> QueryResult<Self> {
        users::table
            .find(user_id)
            .filter(users::disabled_at.is_null())
            .select(Self::as_select())
            .first(conn)
    }
}

/// What sign-in needs to know about a user.
#[derive(Clone, Debug, Queryable, Selectable)]
pub(crate) struct User {
    pub(crate) id: i64,
    /// PHC string; `None` until they choose a password.
    pub(crate) password_hash: Option<String>,
    /// Since when sign-in also needs a code.
    pub(crate) two_factor_at: Option<DateTime<Utc>>,
}

impl User {
    /// A user who may sign in. Fails with `NotFound` if there's none or they're disabled.
    pub(crate) fn find(conn: &mut PgConnection, user_id: i64) -> QueryResult<Self> {
        users::table
            .find(user_id)
            .filter(users::disabled_at.is_null())
            .select(Self::as_select())
            .first(conn)
    }

    /// The user with that email, unless disabled.
    pub(crate) fn by_email(conn: &mut PgConnection, email: &str) -> QueryResult<Option<Self>> {
        if email.trim().len() > MAX_EMAIL_BYTES {
            return Ok(None);
        }
        users::table
            .filter(users::email_key.eq(email_key(email)))
            .filter(users::disabled_at.is_null())
            .select(Self::as_select())
            .first(conn)
            .optional()
    }
}

/// Whether the instance is empty: no user can sign in yet.
pub(crate) fn is_deserted(conn: &mut PgConnection) -> QueryResult<bool> {
    diesel::select(diesel::dsl::not(diesel::dsl::exists(users::table.select(users::id))))
        .get_result(conn)
}

/// Sets a new password. Ends all of the person's sessions and any password reset link.
pub(crate) fn change_password(
    conn: &mut PgConnection,
    user_id: i64,
    password_hash: &str,
) -> QueryResult<()> {
    diesel::update(users::table.find(user_id))
        .set(users::password_hash.eq(password_hash))
        .execute(conn)?;
    end_sessions_of(conn, user_id)?;
    links::end(conn, LinkSubject::password(user_id), LinkEnd::Withdrawn, clock::now())
}

/// A tenant, with the data that every page needs.
#[derive(Clone, Debug, Queryable, Selectable)]
pub struct Merchant {
    pub id: i64,
    pub name: String,
    /// The program's part of public URLs: /join/{slug}.
    pub slug: String,
    /// The main currency of its pages.
    pub currency: Currency,
    /// IANA name.
    pub time_zone: String,
    /// Whether support has enabled Coupon Exclusions.
    pub coupon_exclusions: bool,
    /// How its pages show dates.
    pub date_format: DateFormat,
    /// Where affiliates' replies to emails from Vouch go, or "".
    pub contact_email: String,
}

impl Merchant {
    /// The merchant of the scope. Fails with `NotFound` outside its scope.
    pub fn find(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Self> {
        merchants::table.find(merchant_id).select(Self::as_select()).first(conn)
    }

    /// The time zone of the merchant's days; UTC if the name is no longer in the time zone
    /// database.
    pub(crate) fn tz(&self) -> Tz {
        self.time_zone.parse().unwrap_or(Tz::UTC)
    }

    /// The time zone and the date format of its pages.
    pub(crate) fn calendar(&self) -> Calendar {
        Calendar { zone: self.tz(), format: self.date_format }
    }
}

/// A connected store that Vouch can no longer call. Every page of its merchant shows it.
#[derive(Clone, Debug, Deserialize)]
pub struct StoreProblem {
    pub store_id: i64,
    /// The store's name on pages.
    pub store: String,
    pub platform: Platform,
    problem: Option<String>,
    reason: Option<StoredText<Reason>>,
}

impl StoreProblem {
    /// The reason, as a sentence.
    pub fn problem(&self) -> String {
        shown(self.reason.as_ref(), self.problem.as_deref()).unwrap_or_default()
    }

    /// The page where it can be fixed.
    pub fn settings_url(&self) -> String {
        crate::kit::urls::store_settings_of(self.platform, self.store_id)
    }

    /// The path of that page and of the pages below it.
    pub fn settings_path(&self) -> String {
        crate::kit::urls::store_settings(self.platform)
    }
}

/// The first problem as JSON. It's a column of the membership query, so pages need no extra query.
const STORE_PROBLEM: &str = "(SELECT jsonb_build_object('store_id', s.id, 'store', s.name, \
     'platform', s.platform, 'problem', s.access_problem, 'reason', s.access_reason) \
     FROM stores s WHERE s.merchant_id = members.merchant_id \
     AND (s.access_problem IS NOT NULL OR s.access_reason IS NOT NULL) \
     AND s.disconnected_at IS NULL ORDER BY s.id LIMIT 1)";

/// A membership: person, merchant and role.
#[derive(Clone, Debug)]
pub(crate) struct MemberContext {
    pub(crate) person: Person,
    pub(crate) merchant: Merchant,
    pub(crate) role: Role,
    /// Whether the merchant's members need two-factor sign-in.
    pub(crate) requires_two_factor: bool,
    pub(crate) store_problem: Option<StoreProblem>,
}

impl MemberContext {
    /// The membership of `user_id` with the merchant of the scope. Fails with `NotFound` if there's
    /// none, the person is disabled or the program is closed.
    pub(crate) fn find(
        conn: &mut PgConnection,
        merchant_id: i64,
        user_id: i64,
    ) -> QueryResult<Self> {
        let (person, merchant, role, requires_two_factor, problem) = members::table
            .inner_join(users::table)
            .inner_join(merchants::table)
            .filter(members::merchant_id.eq(merchant_id))
            .filter(members::user_id.eq(user_id))
            .filter(users::disabled_at.is_null())
            .filter(merchants::closed_at.is_null())
            .select((
                Person::as_select(),
                Merchant::as_select(),
                members::role,
                merchants::requires_two_factor,
                constant::<Nullable<Jsonb>>(STORE_PROBLEM),
            ))
            .first::<(_, _, _, _, Option<serde_json::Value>)>(conn)?;
        let store_problem = problem.and_then(|problem| serde_json::from_value(problem).ok());
        Ok(Self { person, merchant, role, requires_two_factor, store_problem })
    }
}

/// An affiliate's own context: the person, the merchant and the affiliate.
#[derive(Clone, Debug)]
pub(crate) struct AffiliateContext {
    pub(crate) person: Person,
    pub(crate) merchant: Merchant,
    pub(crate) affiliate_id: i64,
    /// The affiliate's name in the program.
    pub(crate) affiliate_name: String,
    /// The affiliate's status; never denied.
    pub(crate) status: AffiliateStatus,
}

impl AffiliateContext {
    /// Whether the affiliate can change anything. A disabled affiliate can only read.
    pub(crate) fn may_write(&self) -> bool {
        self.status != AffiliateStatus::Disabled
    }

    /// The context of `user_id` as that affiliate of the scope's merchant. Fails with `NotFound` if
    /// the affiliate isn't (or no longer is) theirs or is denied, the person is disabled or the
    /// program is closed.
    pub(crate) fn find(
        conn: &mut PgConnection,
        merchant_id: i64,
        affiliate_id: i64,
        user_id: i64,
    ) -> QueryResult<Self> {
        let (person, merchant, affiliate_name, status) = affiliates::table
            .inner_join(users::table)
            .inner_join(merchants::table)
            .filter(affiliates::merchant_id.eq(merchant_id))
            .filter(affiliates::id.eq(affiliate_id))
            .filter(affiliates::user_id.eq(user_id))
            .filter(affiliates::status.ne(AffiliateStatus::Denied))
            .filter(users::disabled_at.is_null())
            .filter(merchants::closed_at.is_null())
            .select((
                Person::as_select(),
                Merchant::as_select(),
                affiliates::name,
                affiliates::status,
            ))
            .first(conn)?;
        Ok(Self { person, merchant, affiliate_id, affiliate_name, status })
    }
}

/// The context of the account pages: the menu of the current workspace.
#[derive(Clone, Debug)]
pub(crate) enum AccountContext {
    /// A member of a program.
    Member(Box<MemberContext>),
    /// An affiliate of a program.
    Affiliate(Box<AffiliateContext>),
    Support,
    /// No workspace is chosen, or there is none.
    Nothing,
}

impl Workspace {
    /// Whether the person can open it now. They can't if the program is closed, or if they were
    /// disabled, removed or denied.
    pub(crate) fn is_open_to(&self, conn: &mut PgConnection, user_id: i64) -> QueryResult<bool> {
        Ok(match self {
            Self::Member { merchant_id, .. } => {
                MemberContext::find(conn, *merchant_id, user_id).optional()?.is_some()
            }
            Self::Affiliate { merchant_id, affiliate_id, .. } => {
                AffiliateContext::find(conn, *merchant_id, *affiliate_id, user_id)
                    .optional()?
                    .is_some()
            }
            Self::Support => Person::find(conn, user_id).optional()?.is_some_and(|p| p.is_support),
        })
    }
}

/// A person's workspaces, within [`crate::kit::db::Scope::Person`]: merchants first, by name.
/// Closed programs and those that denied the affiliate are left out.
pub fn workspaces_of(conn: &mut PgConnection, person: &Person) -> QueryResult<Vec<Workspace>> {
    let memberships = members::table
        .inner_join(merchants::table)
        .filter(members::user_id.eq(person.id))
        .filter(merchants::closed_at.is_null())
        .order(merchants::name)
        .select((members::merchant_id, merchants::name, members::role))
        .load::<(i64, String, Role)>(conn)?;
    let mut workspaces: Vec<Workspace> = memberships
        .into_iter()
        .map(|(merchant_id, merchant, role)| Workspace::Member { merchant_id, merchant, role })
        .collect();
    let affiliations = affiliates::table
        .inner_join(merchants::table)
        .filter(affiliates::user_id.eq(person.id))
        .filter(affiliates::status.ne(AffiliateStatus::Denied))
        .filter(merchants::closed_at.is_null())
        .order((merchants::name, affiliates::id))
        .select((affiliates::merchant_id, merchants::name, affiliates::id))
        .load::<(i64, String, i64)>(conn)?;
    workspaces.extend(affiliations.into_iter().map(|(merchant_id, merchant, affiliate_id)| {
        Workspace::Affiliate { merchant_id, merchant, affiliate_id }
    }));
    if person.is_support {
        workspaces.push(Workspace::Support);
    }
    Ok(workspaces)
}

/// The names of a person's closed programs, within [`crate::kit::db::Scope::Person`].
pub(crate) fn closed_programs_of(
    conn: &mut PgConnection,
    person_id: i64,
) -> QueryResult<Vec<String>> {
    let of_member = members::table.filter(members::user_id.eq(person_id));
    let of_affiliate = affiliates::table
        .filter(affiliates::user_id.eq(person_id))
        .filter(affiliates::status.ne(AffiliateStatus::Denied));
    merchants::table
        .filter(merchants::closed_at.is_not_null())
        .filter(
            merchants::id
                .eq_any(of_member.select(members::merchant_id))
                .or(merchants::id.eq_any(of_affiliate.select(affiliates::merchant_id))),
        )
        .order(merchants::name)
        .select(merchants::name)
        .load(conn)
}

#[derive(Debug)]
pub struct NewUser<'a> {
    /// As typed.
    pub email: &'a str,
    pub name: &'a str,
    /// PHC string.
    pub password_hash: Option<&'a str>,
    pub is_support: bool,
}

/// Why a user couldn't be created.
#[derive(Debug, thiserror::Error)]
pub enum NewUserError {
    /// Another user already has that email.
    #[error("{}", text::EMAIL_TAKEN)]
    EmailTaken,
    #[error(transparent)]
    Database(#[from] Error),
}

/// Creates a user. Fails with [`NewUserError::EmailTaken`] if the email is used, in any spelling.
pub fn create_user(conn: &mut PgConnection, user: &NewUser<'_>) -> Result<i64, NewUserError> {
    let made = conn.transaction(|conn| {
        diesel::insert_into(users::table)
            .values((
                users::email.eq(user.email.trim()),
                users::email_key.eq(email_key(user.email)),
                users::name.eq(user.name.trim()),
                users::password_hash.eq(user.password_hash),
                users::is_support.eq(user.is_support),
            ))
            .returning(users::id)
            .get_result(conn)
    });
    made.map_err(|error| match error {
        Error::DatabaseError(DatabaseErrorKind::UniqueViolation, ref info)
            if info.constraint_name() == Some("users_email_key_unique") =>
        {
            NewUserError::EmailTaken
        }
        error => NewUserError::Database(error),
    })
}

/// Counts a gained (`1`) or lost (`-1`) membership. Call it in the transaction that creates or ends
/// a membership, or links an affiliate to its account.
pub fn count_membership(conn: &mut PgConnection, user_id: i64, change: i32) -> QueryResult<()> {
    diesel::update(users::table.find(user_id))
        .set(users::memberships.eq(users::memberships + change))
        .execute(conn)?;
    Ok(())
}

/// Makes `user_id` a member of the actor's merchant. Fails with a unique violation if they are one
/// already.
pub fn join(conn: &mut PgConnection, actor: &Actor, user_id: i64, role: Role) -> QueryResult<()> {
    diesel::insert_into(members::table)
        .values((
            members::merchant_id.eq(actor.merchant_id),
            members::user_id.eq(user_id),
            members::role.eq(role),
        ))
        .execute(conn)?;
    count_membership(conn, user_id, 1)?;
    record(
        conn,
        actor,
        Act {
            after: Some(serde_json::json!({ "role": role })),
            ..Act::new(AuditEvent::MemberAdded { role }, SubjectKind::Member, Some(user_id))
        },
    )
}
