use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;

use crate::features::auth::emails;
use crate::features::auth::links::{self, LinkPurpose, LinkSubject};
use crate::features::auth::model::{Person, change_password};
use crate::features::emails::post;
use crate::kit::db::schema::users;
use crate::kit::email::email_key;
use crate::kit::secrets::Encryptor;

/// Within this time, further requests send no email, because the first one is on its way.
const ONE_EMAIL_PER: Duration = Duration::minutes(1);
/// The maximum number of links per person within one link's lifetime.
const MAX_LINKS: i64 = 3;

/// Emails a link to the person with that email, if they may sign in.
pub fn ask(
    conn: &mut PgConnection,
    encryptor: &Encryptor,
    email: &str,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let person: Option<Person> = users::table
        .filter(users::email_key.eq(email_key(email)))
        .filter(users::disabled_at.is_null())
        .select(Person::as_select())
        // Concurrent requests wait, and find this link. A concurrent change that disables the
        // person waits too, and then ends it.
        .for_no_key_update()
        .first(conn)
        .optional()?;
    let Some(person) = person else { return Ok(()) };
    let about = LinkSubject::password(person.id);
    let lifetime = LinkPurpose::PasswordReset.lifetime();
    if links::issued_since(conn, about, now - ONE_EMAIL_PER)? > 0
        || links::issued_since(conn, about, now - lifetime)? >= MAX_LINKS
    {
        return Ok(());
    }
    let token = links::issue(conn, about, &person.email, now)?;
    post(conn, &emails::password_reset(&person, encryptor, &token))
}

/// The person a link belongs to; `None` if it doesn't work, for any reason.
pub(crate) fn find(
    conn: &mut PgConnection,
    token: &str,
    now: DateTime<Utc>,
) -> QueryResult<Option<Person>> {
    match links::find(conn, LinkPurpose::PasswordReset, None, token, now)? {
        Some(link) => Person::find(conn, link.subject_id).optional(),
        None => Ok(None),
    }
}

/// Uses a link: sets the password, ends all of the person's sessions and notifies them. Returns
/// `false` if the link no longer works.
pub fn take(
    conn: &mut PgConnection,
    token: &str,
    password_hash: &str,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let taken = links::take(conn, LinkPurpose::PasswordReset, None, token, now)?;
    let Some(link) = taken else { return Ok(false) };
    let person = Person::find(conn, link.subject_id)?;
    change_password(conn, person.id, password_hash)?;
    post(conn, &emails::password_changed(&person, now))?;
    Ok(true)
}
