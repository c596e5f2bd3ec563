use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;

use super::applicant::Applicant;
use super::decide::decide_held;
use super::emails;
use super::settings::PublicProgram;
use crate::features::affiliates::{
    self, Affiliate, AffiliateStatus, CreateAffiliateError, NewAffiliate,
};
use crate::features::applications::{Application, CodeRequestOrigin};
use crate::features::auth::links::{self, LinkEnd, LinkPurpose, LinkSubject};
use crate::features::auth::lock_open_merchant;
use crate::features::availability::{UnavailableValue, lock_codes_exclusive};
use crate::features::code_requests;
use crate::features::triggers::TriggerValue;
use crate::kit::audit::{Actor, ActorKind};
use crate::kit::db::schema::{affiliates as affiliates_table, applications};
use crate::kit::db::{Db, Scope};
use crate::kit::email::email_key;
use crate::kit::error::AppResult;
use crate::kit::secrets::Encryptor;

/// An unconfirmed application is deleted this long after its link expires.
const FORGET_AFTER_HOURS: i64 = 48;

impl Application {
    /// The application behind a working confirmation link.
    pub(crate) fn of_link(
        conn: &mut PgConnection,
        merchant_id: i64,
        token: &str,
        now: DateTime<Utc>,
    ) -> QueryResult<Option<Self>> {
        let purpose = LinkPurpose::Confirmation;
        let Some(link) = links::find(conn, purpose, Some(merchant_id), token, now)? else {
            return Ok(None);
        };
        applications::table
            .find((merchant_id, link.subject_id))
            .select(Self::as_select())
            .for_update()
            .first(conn)
            .optional()
    }
}

/// The result of submitting an application.
#[derive(Debug)]
pub(crate) enum ApplicationOutcome {
    /// The answer for every email, known or not. An email is sent unless there were too many.
    Posted,
    /// The code isn't available.
    Refused(UnavailableValue),
}

/// Stores an application until its email is confirmed, and sends the confirmation link. It reserves
/// nothing. Only the email reveals whether an affiliate already has that address.
pub(crate) fn apply(
    conn: &mut PgConnection,
    shown: &PublicProgram,
    encryptor: &Encryptor,
    applicant: &Applicant,
    may_write: impl FnOnce() -> bool,
    now: DateTime<Utc>,
) -> QueryResult<ApplicationOutcome> {
    let merchant_id = shown.merchant_id;
    let code = match applicant.code.trim() {
        "" => None,
        typed => match code_requests::check(conn, merchant_id, typed, &applicant.name, now)? {
            Ok(code) => Some(code),
            Err(refused) => return Ok(ApplicationOutcome::Refused(refused)),
        },
    };
    if !may_write() {
        return Ok(ApplicationOutcome::Posted);
    }
    let known: Option<AffiliateStatus> = affiliates_table::table
        .filter(affiliates_table::merchant_id.eq(merchant_id))
        .filter(affiliates_table::email_key.eq(email_key(&applicant.email)))
        .select(affiliates_table::status)
        .first(conn)
        .optional()?;
    // A known email does the same work and then rolls it back, so the response time reveals
    // nothing.
    let token = kept_if(conn, known.is_none(), |conn| {
        let application_id = keep(conn, shown, applicant, code.as_ref(), now)?;
        let about = LinkSubject::application(merchant_id, application_id);
        links::issue(conn, about, &applicant.email, now)
    })?;
    match (known, token) {
        (Some(status), _) => emails::known(conn, shown, &applicant.email, status)?,
        (None, Some(token)) => emails::confirm(conn, shown, encryptor, applicant, &token)?,
        (None, None) => {}
    }
    Ok(ApplicationOutcome::Posted)
}

/// Runs `work` and rolls it back unless `is_kept`.
fn kept_if<T>(
    conn: &mut PgConnection,
    is_kept: bool,
    work: impl FnOnce(&mut PgConnection) -> QueryResult<T>,
) -> QueryResult<Option<T>> {
    let done = conn.transaction(|conn| {
        let done = work(conn)?;
        if is_kept { Ok(done) } else { Err(diesel::result::Error::RollbackTransaction) }
    });
    match done {
        Err(diesel::result::Error::RollbackTransaction) => Ok(None),
        done => done.map(Some),
    }
}

/// Stores an application until its email is confirmed. Returns its ID.
fn keep(
    conn: &mut PgConnection,
    shown: &PublicProgram,
    applicant: &Applicant,
    code: Option<&TriggerValue>,
    now: DateTime<Utc>,
) -> QueryResult<i64> {
    diesel::insert_into(applications::table)
        .values((
            applications::merchant_id.eq(shown.merchant_id),
            applications::name.eq(applicant.name.trim()),
            applications::email.eq(applicant.email.trim()),
            applications::email_key.eq(email_key(&applicant.email)),
            applications::code.eq(code.map(|code| &code.value)),
            applications::answers.eq(serde_json::json!(applicant.answers)),
            applications::agreed_to.eq(&shown.registration.terms),
            applications::sent_at.eq(now),
        ))
        .returning(applications::id)
        .get_result(conn)
}

/// The result of a confirmation.
#[derive(Debug)]
pub(crate) enum Confirmed {
    /// The application is now confirmed.
    Done {
        /// The code, which is reserved or already theirs.
        code: Option<String>,
        /// Whether they're already an active affiliate.
        is_active: bool,
    },
    /// The code is no longer available, so another one is needed.
    CodeGone(Box<Application>, UnavailableValue),
    /// An affiliate with that email already exists.
    Known,
    /// The link was used, has expired or never existed.
    NoSuchLink,
    /// The program doesn't accept applications at the moment.
    Closed,
}

/// Turns an application into a pending affiliate with a reserved code, and approves it if the
/// merchant chose automatic approval. `other_code` replaces a code that's no longer available.
pub(crate) fn confirm(
    conn: &mut PgConnection,
    shown: &PublicProgram,
    encryptor: &Encryptor,
    token: &str,
    other_code: Option<&str>,
    now: DateTime<Utc>,
) -> QueryResult<Confirmed> {
    let merchant_id = shown.merchant_id;
    // With this lock, an available code stays available until the end of the transaction.
    lock_codes_exclusive(conn, merchant_id)?;
    if !lock_open_merchant(conn, merchant_id)? {
        return Ok(Confirmed::NoSuchLink);
    }
    let Some(application) = Application::of_link(conn, merchant_id, token, now)? else {
        return Ok(Confirmed::NoSuchLink);
    };
    if !shown.registration.is_open {
        return Ok(Confirmed::Closed);
    }
    let code = match other_code.map(str::to_owned).or_else(|| application.code.clone()) {
        None => None,
        Some(typed) => {
            match code_requests::check(conn, merchant_id, &typed, &application.name, now)? {
                Ok(code) => Some(code),
                Err(refused) => return Ok(Confirmed::CodeGone(Box::new(application), refused)),
            }
        }
    };
    let actor = Actor {
        merchant_id,
        kind: ActorKind::Affiliate,
        user_id: None,
        name: application.name.clone(),
        came_from: None,
        now,
    };
    let Some(affiliate) = enter(conn, &actor, shown, &application, code.as_ref())? else {
        return Ok(Confirmed::Known);
    };
    links::end(conn, LinkSubject::application(merchant_id, application.id), LinkEnd::Used, now)?;
    let is_active = shown.registration.approves_automatically;
    if is_active {
        let vouch = Actor::system(merchant_id, now);
        decide_held(conn, &vouch, encryptor, &[affiliate.id], AffiliateStatus::Active, None)?;
    }
    Ok(Confirmed::Done { code: code.map(|code| code.value), is_active })
}

/// Creates the pending affiliate and the request for its code. Returns `None` if an affiliate
/// already has that email.
fn enter(
    conn: &mut PgConnection,
    actor: &Actor,
    shown: &PublicProgram,
    application: &Application,
    code: Option<&TriggerValue>,
) -> QueryResult<Option<Affiliate>> {
    let new = NewAffiliate {
        name: application.name.clone(),
        email: application.email.clone(),
        status: AffiliateStatus::Pending,
        offer_id: shown.registration.offer_for(conn, shown.merchant_id)?,
        note: String::new(),
        user_id: None,
    };
    let affiliate = match affiliates::create(conn, actor, &new) {
        Ok(affiliate) => affiliate,
        Err(CreateAffiliateError::EmailTaken) => return Ok(None),
        Err(CreateAffiliateError::UnknownOffer) => return Err(diesel::result::Error::NotFound),
        Err(CreateAffiliateError::Database(error)) => return Err(error),
    };
    diesel::update(applications::table.find((shown.merchant_id, application.id)))
        .set((
            applications::confirmed_at.eq(actor.now),
            applications::affiliate_id.eq(affiliate.id),
            applications::code.eq(code.map(|code| &code.value)),
        ))
        .execute(conn)?;
    if let Some(code) = code {
        let origin = CodeRequestOrigin::Application;
        code_requests::open(conn, actor, &affiliate, code, origin)?;
    }
    Ok(Some(affiliate))
}

/// Deletes applications that were never confirmed. Returns how many.
pub fn sweep(db: &Db, now: DateTime<Utc>) -> AppResult<usize> {
    let lifetime = LinkPurpose::Confirmation.lifetime();
    let too_old = now - lifetime - Duration::hours(FORGET_AFTER_HOURS);
    db.run_blocking(Scope::Instance, |conn| {
        let old = applications::table
            .filter(applications::confirmed_at.is_null())
            .filter(applications::sent_at.lt(too_old));
        diesel::delete(old).execute(conn)
    })
}
