use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};

use super::emails;
use crate::features::auth::links::{self, LinkEnd, LinkPurpose, LinkSubject};
use crate::features::auth::{self, NewUser, NewUserError, lock_owner};
use crate::kit::audit::{Act, Actor, ActorKind, record};
use crate::kit::db::schema::{invitations, members, merchants, users};
use crate::kit::email;
use crate::kit::email::email_key;
use crate::kit::secrets::Encryptor;
use crate::kit::session::Role;

/// An invitation that was neither accepted nor withdrawn, as the page shows it.
#[derive(Clone, Debug)]
pub struct InvitationRow {
    /// Its key within the merchant.
    pub id: i64,
    /// To whom.
    pub email: String,
    /// As what.
    pub role: Role,
    /// When the letter was last sent.
    pub sent_at: DateTime<Utc>,
    /// Until when its link works; `None` once it's past its time.
    pub expires_at: Option<DateTime<Utc>>,
    /// Who invites.
    pub inviter: String,
}

/// An invitation whose link works, as who has the link sees it.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// By which merchant.
    pub merchant_id: i64,
    /// Its name.
    pub program: String,
    /// To whom.
    pub email: String,
    /// As what.
    pub role: Role,
    /// Who invites.
    pub inviter: String,
    /// The user of that address, if there is one who has chosen a password.
    pub account: Option<i64>,
}

/// Why somebody was not invited.
#[derive(Debug, thiserror::Error)]
pub enum InviteError {
    /// They are a member.
    #[error("Somebody with this e-mail address is a member already.")]
    Member,
    /// They are invited.
    #[error("This e-mail address is invited already. You can send the letter again below.")]
    Invited,
    /// The database's.
    #[error(transparent)]
    Database(#[from] Error),
}

/// Invites somebody by mail.
///
/// # Errors
/// [`InviteError`]; `NotFound` if the actor isn't an owner of an open program any more.
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
    let summary = format!("Invited {email} as {}.", role.label().to_lowercase());
    log(conn, actor, "invitation.created", id, summary)?;
    send(conn, actor, encryptor, id, &Invited { email, role, inviter: &actor.name })?;
    Ok(())
}

/// To whom an invitation was sent.
///
/// # Errors
/// `NotFound` if it is not open.
pub fn invited_address(
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

/// Sends the letter once more, with a new link; the one before works no longer. Answers to whom.
///
/// # Errors
/// `NotFound` if it is not open, or its program is closed.
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
    let summary = format!("Sent {email} their invitation again.");
    log(conn, actor, "invitation.sent", invitation_id, summary)?;
    // Whoever sends it again, the page behind the link names who invited.
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

/// Takes an invitation back: its link works no longer. Answers whose it was.
///
/// # Errors
/// `NotFound` if it is not open.
pub fn withdraw(conn: &mut PgConnection, actor: &Actor, invitation_id: i64) -> QueryResult<String> {
    let email: String = diesel::update(invitations::table.find((actor.merchant_id, invitation_id)))
        .filter(invitations::accepted_at.is_null().and(invitations::withdrawn_at.is_null()))
        .set(invitations::withdrawn_at.eq(actor.now))
        .returning(invitations::email)
        .get_result(conn)?;
    let about = LinkSubject::invitation(actor.merchant_id, invitation_id);
    links::end(conn, about, LinkEnd::Withdrawn, actor.now)?;
    let summary = format!("Withdrew the invitation of {email}.");
    log(conn, actor, "invitation.withdrawn", invitation_id, summary)?;
    Ok(email)
}

/// An invitation that ended because its inviter no longer is an owner.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = invitations)]
pub struct Withdrawn {
    /// Of which merchant.
    pub merchant_id: i64,
    /// Its key within the merchant.
    pub id: i64,
    /// To whom it was sent.
    pub email: String,
}

impl Withdrawn {
    /// What the audit log says.
    pub fn summary(&self) -> String {
        format!("Withdrew the invitation of {}: its sender is no longer an owner.", self.email)
    }
}

/// Withdraws what a person has sent that's still open, of one merchant or of all, for good: no one gets
/// in by the word of someone who lost the right to invite. The caller records it.
pub fn withdraw_of_inviter(
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

/// [`withdraw_of_inviter`] within the actor's merchant, and its rows in the audit log.
pub(super) fn withdraw_with_rights(
    conn: &mut PgConnection,
    actor: &Actor,
    inviter: i64,
) -> QueryResult<()> {
    let merchant_id = Some(actor.merchant_id);
    for invitation in withdraw_of_inviter(conn, inviter, merchant_id, actor.now)? {
        log(conn, actor, "invitation.withdrawn", invitation.id, invitation.summary())?;
    }
    Ok(())
}

/// The invitations that are open, the newest first.
pub fn open_invitations(
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

/// The invitation of a link, within its merchant's scope; `None` when it does not work, for whatever
/// reason.
pub fn find(
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

/// Who accepts.
pub enum Joining<'a> {
    /// Somebody who is signed in.
    Person(i64),
    /// Somebody who chooses a name and a password.
    New {
        /// What they are called.
        name: &'a str,
        /// PHC string.
        password_hash: &'a str,
    },
}

/// Makes the recipient of the link a member; answers their key. Of two uses at once, one finds nothing:
/// `None` then, as for a link that does not work, or for a person with another address.
///
/// # Errors
/// [`NewUserError::EmailTaken`] if somebody else has chosen a password for the address meanwhile.
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
    log(conn, &actor, "invitation.accepted", id, format!("{email} accepted the invitation."))?;
    let member_context = members::table.find((merchant_id, user_id));
    if !diesel::select(diesel::dsl::exists(member_context)).get_result::<bool>(conn)? {
        auth::join(conn, &actor, user_id, role)?;
    }
    Ok(Some(user_id))
}

/// An account for the address: a new one, or the one that has no password yet.
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

/// What the letter says.
struct Invited<'a> {
    email: &'a str,
    role: Role,
    inviter: &'a str,
}

/// With a new link; the one before it no longer works.
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
    email::post(conn, &emails::invitation(email, &program, inviter, *role, encryptor, &token))
}

fn log(
    conn: &mut PgConnection,
    actor: &Actor,
    action: &str,
    invitation_id: i64,
    summary: String,
) -> QueryResult<()> {
    let act = Act {
        action,
        subject_kind: "invitation",
        subject_id: Some(invitation_id),
        summary,
        before: None,
        after: None,
    };
    record(conn, actor, act)
}
