use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;

use crate::auth::letters;
use crate::auth::model::{Person, change_password, email_key};
use crate::auth::token::LinkToken;
use crate::db::schema::{password_resets, users};
use crate::db::{Db, Scope};
use crate::error::AppResult;
use crate::mail;
use crate::secrets::Sealer;

/// How long a link works.
const LIFETIME: Duration = Duration::hours(1);
/// Whoever asks, a person gets no more links than this in the time that one works.
const MOST: i64 = 3;

/// Sends the person of that address a link, if there is one who may sign in.
///
/// # Errors
/// The database's.
pub fn ask(
    conn: &mut PgConnection,
    sealer: &Sealer,
    email: &str,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let person: Option<Person> = users::table
        .filter(users::email_key.eq(email_key(email)))
        .filter(users::disabled_at.is_null())
        .select(Person::as_select())
        .first(conn)
        .optional()?;
    let Some(person) = person else { return Ok(()) };
    let links: i64 = password_resets::table
        .filter(password_resets::user_id.eq(person.id))
        .filter(password_resets::created_at.gt(now - LIFETIME))
        .count()
        .get_result(conn)?;
    if links >= MOST {
        return Ok(());
    }
    let token = LinkToken::new();
    diesel::insert_into(password_resets::table)
        .values((
            password_resets::token_hash.eq(&token.hash),
            password_resets::user_id.eq(person.id),
            password_resets::created_at.eq(now),
            password_resets::expires_at.eq(now + LIFETIME),
        ))
        .execute(conn)?;
    mail::post(conn, &letters::password_reset(&person, sealer, &token.text))
}

/// Whose link it is; `None` when it does not work, for whatever reason.
///
/// # Errors
/// The database's.
pub fn find(
    conn: &mut PgConnection,
    token: &str,
    now: DateTime<Utc>,
) -> QueryResult<Option<Person>> {
    password_resets::table
        .inner_join(users::table)
        .filter(password_resets::token_hash.eq(LinkToken::of(token).hash))
        .filter(password_resets::expires_at.gt(now))
        .filter(users::disabled_at.is_null())
        .select(Person::as_select())
        .first(conn)
        .optional()
}

/// Uses a link: sets the password, ends every session of the person and every other link, and tells
/// them. Of two uses at once, one finds nothing; `false` then.
///
/// # Errors
/// The database's.
pub fn take(
    conn: &mut PgConnection,
    token: &str,
    password_hash: &str,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let taken: Option<i64> = diesel::delete(password_resets::table)
        .filter(password_resets::token_hash.eq(LinkToken::of(token).hash))
        .filter(password_resets::expires_at.gt(now))
        .returning(password_resets::user_id)
        .get_result(conn)
        .optional()?;
    let Some(user_id) = taken else { return Ok(false) };
    let Some(person) = Person::find(conn, user_id).optional()? else { return Ok(false) };
    diesel::delete(password_resets::table.filter(password_resets::user_id.eq(user_id)))
        .execute(conn)?;
    change_password(conn, user_id, password_hash)?;
    mail::post(conn, &letters::password_changed(&person, now))?;
    Ok(true)
}

/// Deletes links that no longer work; the workers call it from time to time.
///
/// # Errors
/// The database's.
pub fn sweep(db: &Db, now: DateTime<Utc>) -> AppResult<usize> {
    db.run_blocking(Scope::Unowned, |conn| {
        diesel::delete(password_resets::table.filter(password_resets::expires_at.lt(now)))
            .execute(conn)
    })
}
