use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};

use super::emails;
use super::text;
use crate::features::audit::{Act, AuditEvent};
use crate::features::auth::links::{self, LinkEnd, LinkPurpose, LinkSubject};
use crate::features::auth::{self, NewUser, NewUserError, lock_owner};
use crate::features::emails::post;
use crate::kit::audit::{Actor, ActorKind, SubjectKind, record};
use crate::kit::db::schema::{invitations, members, merchants, users};
use crate::kit::email::email_key;
use crate::kit::secrets::Encryptor;
use crate::kit::session::Role;

/// A row on the team page: an invitation that wasn't accepted or withdrawn.
#[derive(Clone, Debug)]
pub(crate) struct InvitationRow {
    pub(crate) id: i64,
    pub(crate) email: String,
    pub(crate) role: Role,
    /// When the email was last sent.
    pub(crate) sent_at: DateTime<Utc>,
    /// When its link expires; `None` once it has expired.
    pub(crate) expires_at: Option<DateTime<Utc>>,
    /// The name of the inviting owner.
    pub(crate) inviter: String,
}

/// An invitation with a working link, as its recipient sees it.
#[derive(Clone, Debug)]
pub(crate) struct Invitation {
    /// The inviting merchant.
    pub(crate) merchant_id: i64,
    /// The merchant's name.
    pub(crate) program: String,
    pub(crate) email: String,
    pub(crate) role: Role,
    /// The name of the inviting owner.
    pub(crate) inviter: String,
    /// The user with that email, if they have chosen a password.
    pub(crate) account: Option<i64>,
}

/// Why a person wasn't invited.
#[derive(Debug, thiserror::Error)]
pub enum InviteError {
    /// They're already a member.
    #[error("{}", text::ALREADY_MEMBER)]
    Member,
    /// They're already invited.
    #[error("{}", text::ALREADY_INVITED)]
    Invited,
    #[error(transparent)]
    Database(#[from] Error),
}

/// Invites a person by email. Fails with [`InviteError`], or `NotFound` if the actor is no longer
/// an owner of an open program.
pub fn invite(
    conn: &mut PgConnection,
    actor: &Actor,
    encryptor: &Encryptor,
    email: &str,
    role: Role,
) -> Result<(), InviteError> {
    let inviter = actor.user_id.unwrap_or_default();
    if !lock_owner(conn, actor.merchant_id, inviter)? {
        return Err(Error::NotFound.into());
    }
    let is_member = members::table
        .inner_join(users::table)
        .filter(members::merchant_id.eq(actor.merchant_id))
        .filter(users::email_key.eq(email_key(email)));
    if diesel::select(diesel::dsl::exists(is_member)).get_result(conn)? {
        return Err(InviteError::Member);
    }
    let email = email.trim();
    let inserted = conn.transaction(|conn| {
        diesel::insert_into(invitations::table)
            .values((
                invitations::merchant_id.eq(actor.merchant_id),
                invitations::email.eq(email),
                invitations::email_key.eq(email_key(email)),
                invitations::role.eq(role),
                invitations::invited_by.eq(inviter),
                invitations::created_at.eq(actor.now),
                invitations::sent_at.eq(actor.now),
            ))
            .returning(invitations::id)
            .get_result::<i64>(conn)
    });
    let id = inserted.map_err(|error| match error {
        Error::DatabaseError(DatabaseErrorKind::UniqueViolation, ref info)
            if info.constraint_name() == Some("invitations_one_open") =>
        {
            InviteError::Invited
        }
        error => InviteError::Database(error),
    })?;
    let event = AuditEvent::MemberInvited { email: email.to_owned(), role };
    log(conn, actor, event, id)?;
    send(conn, actor, encryptor, id, &Invited { email, role, inviter: &actor.name })?;
    Ok(())
}

/// The recipient of an invitation. Fails with `NotFound` if it isn't open.
pub(crate) fn invited_address(
    conn: &mut PgConnection,
    merchant_id: i64,
    invitation_id: i64,
) -> QueryResult<String> {
    invitations::table
        .find((merchant_id, invitation_id))
        .filter(invitations::accepted_at.is_null().and(invitations::withdrawn_at.is_null()))
        .select(invitations::email)
        .first(conn)
}

/// Sends the email again, with a new link. The previous link ends. Returns the recipient. Fails
/// with `NotFound` if the invitation isn't open or its program is closed.
pub fn resend(
    conn: &mut PgConnection,
    actor: &Actor,
    encryptor: &Encryptor,
    invitation_id: i64,
) -> QueryResult<String> {
    let (email, role, inviter): (String, Role, i64) =
        diesel::update(invitations::table.find((actor.merchant_id, invitation_id)))
            .filter(invitations::accepted_at.is_null().and(invitations::withdrawn_at.is_null()))
            .set(invitations::sent_at.eq(actor.now))
            .returning((invitations::email, invitations::role, invitations::invited_by))
            .get_result(conn)?;
    let event = AuditEvent::InvitationResent { email: email.clone() };
    log(conn, actor, event, invitation_id)?;
    // The page behind the link names the original inviter, even if another owner sends it again.
    let inviter = users::table.find(inviter).select(users::name).first::<String>(conn)?;
    send(
        conn,
        actor,
        encryptor,
        invitation_id,
        &Invited { email: &email, role, inviter: &inviter },
    )?;
    Ok(email)
}

/// Withdraws an invitation and ends its link. Returns the recipient. Fails with `NotFound` if it
/// isn't open.
pub(crate) fn withdraw(
    conn: &mut PgConnection,
    actor: &Actor,
    invitation_id: i64,
) -> QueryResult<String> {
    let email: String = diesel::update(invitations::table.find((actor.merchant_id, invitation_id)))
        .filter(invitations::accepted_at.is_null().and(invitations::withdrawn_at.is_null()))
        .set(invitations::withdrawn_at.eq(actor.now))
        .returning(invitations::email)
        .get_result(conn)?;
    let about = LinkSubject::invitation(actor.merchant_id, invitation_id);
    links::end(conn, about, LinkEnd::Withdrawn, actor.now)?;
    let event = AuditEvent::InvitationWithdrawn { email: email.clone(), lost_sender: false };
    log(conn, actor, event, invitation_id)?;
    Ok(email)
}

/// An invitation that ended because its inviter is no longer an owner.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = invitations)]
pub(crate) struct Withdrawn {
    pub(crate) merchant_id: i64,
    pub(crate) id: i64,
    pub(crate) email: String,
}

impl Withdrawn {
    /// For the audit log.
    pub(crate) fn event(&self) -> AuditEvent {
        AuditEvent::InvitationWithdrawn { email: self.email.clone(), lost_sender: true }
    }
}

/// Withdraws a person's open invitations permanently, for one merchant or all. So no one can join
/// through an inviter who lost the right to invite. The caller records it.
pub(crate) fn withdraw_of_inviter(
    conn: &mut PgConnection,
    inviter: i64,
    merchant_id: Option<i64>,
    now: DateTime<Utc>,
) -> QueryResult<Vec<Withdrawn>> {
    let mut of_inviter = diesel::update(invitations::table)
        .filter(invitations::invited_by.eq(inviter))
        .filter(invitations::accepted_at.is_null().and(invitations::withdrawn_at.is_null()))
        .set(invitations::withdrawn_at.eq(now))
        .into_boxed();
    if let Some(merchant_id) = merchant_id {
        of_inviter = of_inviter.filter(invitations::merchant_id.eq(merchant_id));
    }
    let withdrawn: Vec<Withdrawn> =
        of_inviter.returning(Withdrawn::as_returning()).get_results(conn)?;
    for invitation in &withdrawn {
        let about = LinkSubject::invitation(invitation.merchant_id, invitation.id);
        links::end(conn, about, LinkEnd::Withdrawn, now)?;
    }
    Ok(withdrawn)
}

/// [`withdraw_of_inviter`] within the actor's merchant, with its audit log entries.
pub(super) fn withdraw_with_rights(
    conn: &mut PgConnection,
    actor: &Actor,
    inviter: i64,
) -> QueryResult<()> {
    let merchant_id = Some(actor.merchant_id);
    for invitation in withdraw_of_inviter(conn, inviter, merchant_id, actor.now)? {
        log(conn, actor, invitation.event(), invitation.id)?;
    }
    Ok(())
}

/// Open invitations, the newest first.
pub(crate) fn open_invitations(
    conn: &mut PgConnection,
    merchant_id: i64,
) -> QueryResult<Vec<InvitationRow>> {
    let rows: Vec<(i64, String, Role, DateTime<Utc>, String)> = invitations::table
        .inner_join(users::table)
        .filter(invitations::merchant_id.eq(merchant_id))
        .filter(invitations::accepted_at.is_null().and(invitations::withdrawn_at.is_null()))
        .order(invitations::id.desc())
        .select((
            invitations::id,
            invitations::email,
            invitations::role,
            invitations::sent_at,
            users::name,
        ))
        .load(conn)?;
    let expiries = links::expiries(conn, LinkPurpose::MemberInvitation, merchant_id)?;
    let row = |(id, email, role, sent_at, inviter)| InvitationRow {
        id,
        email,
        role,
        sent_at,
        expires_at: expiries.get(&id).copied(),
        inviter,
    };
    Ok(rows.into_iter().map(row).collect())
}

/// The invitation of a link; `None` if it doesn't work, for any reason. The caller holds the
/// merchant's scope.
pub(crate) fn find(
    conn: &mut PgConnection,
    merchant_id: i64,
    token: &str,
    now: DateTime<Utc>,
) -> QueryResult<Option<Invitation>> {
    let purpose = LinkPurpose::MemberInvitation;
    let Some(link) = links::find(conn, purpose, Some(merchant_id), token, now)? else {
        return Ok(None);
    };
    let (program, email, role, inviter) = invitations::table
        .inner_join(users::table)
        .inner_join(merchants::table)
        .filter(invitations::merchant_id.eq(merchant_id))
        .filter(invitations::id.eq(link.subject_id))
        .select((merchants::name, invitations::email, invitations::role, users::name))
        .first(conn)?;
    let account = users::table
        .filter(users::email_key.eq(&link.email_key))
        .filter(users::password_hash.is_not_null())
        .select(users::id)
        .first(conn)
        .optional()?;
    Ok(Some(Invitation { merchant_id, program, email, role, inviter, account }))
}

/// The person who accepts.
pub enum Joining<'a> {
    /// A person who is signed in.
    Person(i64),
    /// A person who chooses a name and a password.
    New {
        name: &'a str,
        /// PHC string.
        password_hash: &'a str,
    },
}

/// Makes the recipient of the link a member and returns their user ID. Returns `None` if the link
/// doesn't work or the person has another email. Of two concurrent uses, one gets `None`. Fails
/// with [`NewUserError::EmailTaken`] if a password was chosen for that email meanwhile.
pub fn accept(
    conn: &mut PgConnection,
    merchant_id: i64,
    token: &str,
    joining: &Joining<'_>,
    came_from: Option<String>,
    now: DateTime<Utc>,
) -> Result<Option<i64>, NewUserError> {
    let purpose = LinkPurpose::MemberInvitation;
    if let Joining::Person(user_id) = joining {
        let found = links::find(conn, purpose, Some(merchant_id), token, now)?;
        let own: String = users::table.find(user_id).select(users::email_key).first(conn)?;
        if found.is_none_or(|link| link.email_key != own) {
            return Ok(None);
        }
    }
    let Some(link) = links::take(conn, purpose, Some(merchant_id), token, now)? else {
        return Ok(None);
    };
    let id = link.subject_id;
    let (email, role): (String, Role) = diesel::update(invitations::table.find((merchant_id, id)))
        .set(invitations::accepted_at.eq(now))
        .returning((invitations::email, invitations::role))
        .get_result(conn)?;
    let user_id = match joining {
        Joining::Person(user_id) => *user_id,
        Joining::New { name, password_hash } => begin(conn, &email, name, password_hash)?,
    };
    let name = users::table.find(user_id).select(users::name).first::<String>(conn)?;
    let kind = ActorKind::Member;
    let actor = Actor { merchant_id, kind, user_id: Some(user_id), name, came_from, now };
    log(conn, &actor, AuditEvent::InvitationAccepted { email: email.clone() }, id)?;
    let membership = members::table.find((merchant_id, user_id));
    if !diesel::select(diesel::dsl::exists(membership)).get_result::<bool>(conn)? {
        auth::join(conn, &actor, user_id, role)?;
    }
    Ok(Some(user_id))
}

/// Creates the account for an email, or completes the one that has no password yet.
fn begin(
    conn: &mut PgConnection,
    email: &str,
    name: &str,
    password_hash: &str,
) -> Result<i64, NewUserError> {
    let waiting: Option<i64> = diesel::update(users::table)
        .filter(users::email_key.eq(email_key(email)))
        .filter(users::password_hash.is_null().and(users::disabled_at.is_null()))
        .set((users::password_hash.eq(password_hash), users::name.eq(name.trim())))
        .returning(users::id)
        .get_result(conn)
        .optional()?;
    if let Some(user_id) = waiting {
        return Ok(user_id);
    }
    let new = NewUser { email, name, password_hash: Some(password_hash), is_support: false };
    auth::create_user(conn, &new)
}

/// The contents of the email.
struct Invited<'a> {
    email: &'a str,
    role: Role,
    inviter: &'a str,
}

/// Sends a new link. The previous link ends.
fn send(
    conn: &mut PgConnection,
    actor: &Actor,
    encryptor: &Encryptor,
    invitation_id: i64,
    Invited { email, role, inviter }: &Invited<'_>,
) -> QueryResult<()> {
    let about = LinkSubject::invitation(actor.merchant_id, invitation_id);
    let token = links::issue(conn, about, email, actor.now)?;
    let program =
        merchants::table.find(actor.merchant_id).select(merchants::name).first::<String>(conn)?;
    post(conn, &emails::invitation(email, &program, inviter, *role, encryptor, &token))
}

fn log(
    conn: &mut PgConnection,
    actor: &Actor,
    event: AuditEvent,
    invitation_id: i64,
) -> QueryResult<()> {
    record(conn, actor, Act::new(event, SubjectKind::Invitation, Some(invitation_id)))
}
