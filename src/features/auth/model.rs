use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};
use diesel::sql_types::{Jsonb, Nullable};
use serde::Deserialize;
use vouch_core::money::Currency;
use vouch_core::platform::Platform;

use super::links::{self, LinkEnd, LinkSubject};
use super::session_store::end_sessions_of;
use crate::features::affiliates::AffiliateStatus;
use crate::kit::audit::{Act, Actor, record};
use crate::kit::clock;
use crate::kit::db::constant;
use crate::kit::db::schema::{affiliates, members, merchants, users};
use crate::kit::email::{MAX_EMAIL_BYTES, email_key};
use crate::kit::session::{Role, Workspace};

/// Somebody who is signed in.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct Person {
    /// Their key.
    pub id: i64,
    /// As typed.
    pub email: String,
    /// What they are called.
    pub name: String,
    /// Whether they are support staff of this installation.
    pub is_support: bool,
    /// Since when a code is asked for when they sign in; `None` if it is not.
    pub two_factor_at: Option<DateTime<Utc>>,
    /// Of how many programs they are members or affiliates.
    pub memberships: i32,
}

impl Person {
    /// Whether a code is asked for when they sign in.
    pub fn has_two_factor(&self) -> bool {
        self.two_factor_at.is_some()
    }

    /// Whether they have to set up two-factor sign-in before anything else: support staff always do.
    pub fn lacks_two_factor(&self, is_required: bool) -> bool {
        (is_required || self.is_support) && !self.has_two_factor()
    }

    /// Whether there is another place to switch to.
    pub fn has_other_programs(&self) -> bool {
        self.memberships + i32::from(self.is_support) > 1
    }

    /// A person who may still sign in.
    ///
    /// # Errors
    /// `NotFound` when there is none, or they were disabled.
    pub fn find(conn: &mut PgConnection, user_id: i64) -> QueryResult<Self> {
        users::table
            .find(user_id)
            .filter(users::disabled_at.is_null())
            .select(Self::as_select())
            .first(conn)
    }
}

/// What sign-in needs of a user.
#[derive(Clone, Debug, Queryable, Selectable)]
pub struct User {
    /// Their key.
    pub id: i64,
    /// PHC string; `None` until a password was chosen.
    pub password_hash: Option<String>,
    /// Since when a code is asked for, too.
    pub two_factor_at: Option<DateTime<Utc>>,
}

impl User {
    /// A user who may still sign in.
    ///
    /// # Errors
    /// `NotFound` when there is none, or they were disabled.
    pub fn find(conn: &mut PgConnection, user_id: i64) -> QueryResult<Self> {
        users::table
            .find(user_id)
            .filter(users::disabled_at.is_null())
            .select(Self::as_select())
            .first(conn)
    }

    /// The user of that e-mail address, unless disabled.
    pub fn by_email(conn: &mut PgConnection, email: &str) -> QueryResult<Option<Self>> {
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

/// Whether nobody can sign in yet: the installation is empty.
pub fn is_deserted(conn: &mut PgConnection) -> QueryResult<bool> {
    diesel::select(diesel::dsl::not(diesel::dsl::exists(users::table.select(users::id))))
        .get_result(conn)
}

/// Gives a person a new password, and ends every session they have and the link to a new password
/// that may be in their mailbox.
pub fn change_password(
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

/// A tenant, as every page of it needs it.
#[derive(Clone, Debug, Queryable, Selectable)]
pub struct Merchant {
    /// Its key.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its part of public addresses: /join/{slug}.
    pub slug: String,
    /// What pages show first.
    pub currency: Currency,
    /// IANA name.
    pub time_zone: String,
    /// Whether support has enabled Coupon Exclusions.
    pub coupon_exclusions: bool,
}

impl Merchant {
    /// The merchant of the scope.
    ///
    /// # Errors
    /// `NotFound` outside its scope.
    pub fn find(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Self> {
        merchants::table.find(merchant_id).select(Self::as_select()).first(conn)
    }

    /// The time zone days are counted in; UTC should the name have left the database of zones.
    pub fn tz(&self) -> Tz {
        self.time_zone.parse().unwrap_or(Tz::UTC)
    }
}

/// A connected store that can no longer be called: every page of its merchant says so.
#[derive(Clone, Debug, Deserialize)]
pub struct StoreProblem {
    /// What pages call the store.
    pub store: String,
    /// What it runs on.
    pub platform: Platform,
    /// Why, in a sentence.
    pub problem: String,
}

impl StoreProblem {
    /// The page where it's solved.
    pub fn settings_path(&self) -> String {
        crate::kit::urls::store_settings(self.platform)
    }
}

/// The first of them, as JSON, beside a member: no page asks for it apart.
const STORE_PROBLEM: &str = "(SELECT jsonb_build_object('store', s.name, 'platform', s.platform, \
     'problem', s.access_problem) FROM stores s WHERE s.merchant_id = members.merchant_id \
     AND s.access_problem IS NOT NULL AND s.disconnected_at IS NULL ORDER BY s.id LIMIT 1)";

/// A member on their seat: who, for which merchant, as what.
#[derive(Clone, Debug)]
pub struct MemberContext {
    /// Who.
    pub person: Person,
    /// For which merchant.
    pub merchant: Merchant,
    /// As what.
    pub role: Role,
    /// Whether the merchant's members need two-factor sign-in.
    pub requires_two_factor: bool,
    /// A store that needs somebody.
    pub store_problem: Option<StoreProblem>,
}

impl MemberContext {
    /// The seat of `user_id` with the merchant of the scope.
    ///
    /// # Errors
    /// `NotFound` when there is none, the person was disabled, or the program is closed.
    pub fn find(conn: &mut PgConnection, merchant_id: i64, user_id: i64) -> QueryResult<Self> {
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

/// An affiliate at their own place: who, as which affiliate of which merchant.
#[derive(Clone, Debug)]
pub struct AffiliateContext {
    /// Who.
    pub person: Person,
    /// Whose program it is.
    pub merchant: Merchant,
    /// Which affiliate of it.
    pub affiliate_id: i64,
    /// What it is called there.
    pub affiliate_name: String,
    /// Where it stands with the program; never denied.
    pub status: AffiliateStatus,
}

impl AffiliateContext {
    /// Whether the program lets them change anything: a disabled affiliate only reads.
    pub fn may_write(&self) -> bool {
        self.status != AffiliateStatus::Disabled
    }

    /// The seat of `user_id` as that affiliate of the merchant of the scope.
    ///
    /// # Errors
    /// `NotFound` when the affiliate isn't theirs (any longer) or was denied, the person was disabled, or
    /// the program is closed.
    pub fn find(
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

/// What is around the pages of one's own account: the menu of the place one is at.
#[derive(Clone, Debug)]
pub enum AccountContext {
    /// A program's, for a member.
    Member(Box<MemberContext>),
    /// The affiliate's side of a program.
    Affiliate(Box<AffiliateContext>),
    /// The pages of support staff.
    Support,
    /// No place is chosen, or there is none.
    Nothing,
}

impl Workspace {
    /// Whether a person gets to its pages now: not where the program is closed, nor if they were disabled,
    /// removed or denied.
    pub fn is_open_to(&self, conn: &mut PgConnection, user_id: i64) -> QueryResult<bool> {
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

/// Every place that a person can go to, within [`crate::kit::db::Scope::Person`]: merchants first, by name.
/// A program that is closed isn't among them, nor one that denied them as an affiliate.
pub fn workspaces_of(conn: &mut PgConnection, person: &Person) -> QueryResult<Vec<Workspace>> {
    let seats = members::table
        .inner_join(merchants::table)
        .filter(members::user_id.eq(person.id))
        .filter(merchants::closed_at.is_null())
        .order(merchants::name)
        .select((members::merchant_id, merchants::name, members::role))
        .load::<(i64, String, Role)>(conn)?;
    let mut workspaces: Vec<Workspace> = seats
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

/// A user to be made.
#[derive(Debug)]
pub struct NewUser<'a> {
    /// As typed.
    pub email: &'a str,
    /// What they are called.
    pub name: &'a str,
    /// PHC string.
    pub password_hash: Option<&'a str>,
    /// Whether they are support staff.
    pub is_support: bool,
}

/// Why a user could not be made.
#[derive(Debug, thiserror::Error)]
pub enum NewUserError {
    /// Somebody signs in with that address already.
    #[error("Somebody signs in with this e-mail address already.")]
    EmailTaken,
    /// The database's.
    #[error(transparent)]
    Database(#[from] Error),
}

/// Makes a user.
///
/// # Errors
/// [`NewUserError::EmailTaken`] in any spelling of the address.
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

/// Counts a place that a person has gained: `1`; or lost: `-1`. Whoever makes or ends a member, or
/// gives an affiliate its account, calls it in the same transaction.
pub fn count_membership(conn: &mut PgConnection, user_id: i64, change: i32) -> QueryResult<()> {
    diesel::update(users::table.find(user_id))
        .set(users::memberships.eq(users::memberships + change))
        .execute(conn)?;
    Ok(())
}

/// Makes `user_id` a member of the actor's merchant.
///
/// # Errors
/// The database's; a unique violation if they are one already.
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
            action: "member.added",
            subject_kind: "member",
            subject_id: Some(user_id),
            summary: format!("Added a member as {}.", role.label().to_lowercase()),
            before: None,
            after: Some(serde_json::json!({ "role": role })),
        },
    )
}
