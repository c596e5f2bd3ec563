use chrono::{DateTime, Utc};
use diesel::prelude::*;
use secrecy::ExposeSecret;

use super::codes::{new_recovery_codes, new_secret, recovery_hash, step_of};
use crate::features::auth::emails;
use crate::features::auth::model::Person;
use crate::features::auth::session_store::end_sessions_of;
use crate::features::emails::post;
use crate::kit::db::schema::{recovery_codes, users};
use crate::kit::secrets::{Encryptor, Use};

fn bound_to(user_id: i64) -> Use {
    Use::of_person(user_id, "two-factor")
}

/// The result of checking a code at the second step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CodeCheck {
    /// A code from the app.
    Code,
    /// A recovery code, and how many are left.
    Recovery(i64),
    /// Neither, or already used.
    Wrong,
}

/// Creates a new secret that waits for its first code. Fails with `NotFound` if two-factor sign-in
/// is already on.
pub(crate) fn begin(
    conn: &mut PgConnection,
    encryptor: &Encryptor,
    user_id: i64,
) -> QueryResult<Vec<u8>> {
    let secret = new_secret();
    diesel::update(users::table.find(user_id).filter(users::two_factor_at.is_null()))
        .set((
            users::two_factor_secret.eq(encryptor.encrypt(bound_to(user_id), &secret)),
            users::two_factor_step.eq(0),
        ))
        .returning(users::id)
        .get_result::<i64>(conn)?;
    Ok(secret.to_vec())
}

/// The secret, confirmed or not; `None` if there's none or it can't be decrypted.
pub(super) fn secret_of(
    conn: &mut PgConnection,
    encryptor: &Encryptor,
    user_id: i64,
) -> QueryResult<Option<Vec<u8>>> {
    let encrypted: Option<Vec<u8>> =
        users::table.find(user_id).select(users::two_factor_secret).first(conn)?;
    Ok(encrypted.and_then(|encrypted| match encryptor.open(bound_to(user_id), &encrypted) {
        Ok(secret) => Some(secret.expose_secret().to_vec()),
        Err(error) => {
            tracing::error!(user_id, %error, "two_factor_secret_unreadable");
            None
        }
    }))
}

/// Turns two-factor sign-in on with its first code. Ends all of the person's sessions and returns
/// the recovery codes; `None` if the code is wrong.
pub(crate) fn confirm(
    conn: &mut PgConnection,
    encryptor: &Encryptor,
    person: &Person,
    typed: &str,
    now: DateTime<Utc>,
) -> QueryResult<Option<Vec<String>>> {
    if !takes_code(conn, encryptor, person.id, typed, now)? {
        return Ok(None);
    }
    diesel::update(users::table.find(person.id)).set(users::two_factor_at.eq(now)).execute(conn)?;
    end_sessions_of(conn, person.id)?;
    post(conn, &emails::two_factor_on(person, now))?;
    replace_recovery_codes(conn, person.id).map(Some)
}

/// Checks a code or recovery code. Each works once: of two concurrent uses, the database accepts
/// one.
pub(super) fn check(
    conn: &mut PgConnection,
    encryptor: &Encryptor,
    person: &Person,
    typed: &str,
    now: DateTime<Utc>,
) -> QueryResult<CodeCheck> {
    if takes_code(conn, encryptor, person.id, typed, now)? {
        return Ok(CodeCheck::Code);
    }
    let used = diesel::delete(recovery_codes::table.find((person.id, recovery_hash(typed))))
        .execute(conn)?;
    if used == 0 {
        return Ok(CodeCheck::Wrong);
    }
    let left = recovery_codes_left(conn, person.id)?;
    post(conn, &emails::recovery_code_used(person, left, now))?;
    Ok(CodeCheck::Recovery(left))
}

fn takes_code(
    conn: &mut PgConnection,
    encryptor: &Encryptor,
    user_id: i64,
    typed: &str,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let Some(secret) = secret_of(conn, encryptor, user_id)? else { return Ok(false) };
    let Some(step) = step_of(&secret, typed, now) else { return Ok(false) };
    let taken = diesel::update(users::table.find(user_id).filter(users::two_factor_step.lt(step)))
        .set(users::two_factor_step.eq(step))
        .execute(conn)?;
    Ok(taken == 1)
}

pub(super) fn recovery_codes_left(conn: &mut PgConnection, user_id: i64) -> QueryResult<i64> {
    recovery_codes::table.filter(recovery_codes::user_id.eq(user_id)).count().get_result(conn)
}

/// Creates new recovery codes. The previous ones stop working.
pub(super) fn replace_recovery_codes(
    conn: &mut PgConnection,
    user_id: i64,
) -> QueryResult<Vec<String>> {
    diesel::delete(recovery_codes::table.filter(recovery_codes::user_id.eq(user_id)))
        .execute(conn)?;
    let codes = new_recovery_codes();
    let rows: Vec<_> = codes
        .iter()
        .map(|code| {
            (recovery_codes::user_id.eq(user_id), recovery_codes::code_hash.eq(recovery_hash(code)))
        })
        .collect();
    diesel::insert_into(recovery_codes::table).values(rows).execute(conn)?;
    Ok(codes)
}

/// Turns two-factor sign-in off and ends all of the person's sessions.
pub(crate) fn turn_off(
    conn: &mut PgConnection,
    person: &Person,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(users::table.find(person.id))
        .set((
            users::two_factor_at.eq(None::<DateTime<Utc>>),
            users::two_factor_secret.eq(None::<Vec<u8>>),
        ))
        .execute(conn)?;
    diesel::delete(recovery_codes::table.filter(recovery_codes::user_id.eq(person.id)))
        .execute(conn)?;
    end_sessions_of(conn, person.id)?;
    post(conn, &emails::two_factor_off(person, now))
}

/// Re-encrypts the secrets from `old` to `new`. Secrets that `old` can't decrypt stay unchanged.
pub(crate) fn reencrypt(
    conn: &mut PgConnection,
    old: &Encryptor,
    new: &Encryptor,
) -> QueryResult<()> {
    for (user_id, encrypted) in all_encrypted(conn)? {
        let Ok(secret) = old.open(bound_to(user_id), &encrypted) else { continue };
        // Skips a secret that was replaced since it was read.
        diesel::update(users::table.find(user_id))
            .filter(users::two_factor_secret.eq(&encrypted))
            .set(
                users::two_factor_secret.eq(new.encrypt(bound_to(user_id), secret.expose_secret())),
            )
            .execute(conn)?;
    }
    Ok(())
}

/// How many secrets there are, and which users' secrets this key can't decrypt.
pub(crate) fn check_secrets(
    conn: &mut PgConnection,
    encryptor: &Encryptor,
) -> QueryResult<(usize, Vec<String>)> {
    let all = all_encrypted(conn)?;
    let stuck: Vec<i64> = all
        .iter()
        .filter(|(user_id, encrypted)| encryptor.open(bound_to(*user_id), encrypted).is_err())
        .map(|(user_id, _)| *user_id)
        .collect();
    let of_whom = users::table.filter(users::id.eq_any(stuck)).select(users::email).load(conn)?;
    Ok((all.len(), of_whom))
}

fn all_encrypted(conn: &mut PgConnection) -> QueryResult<Vec<(i64, Vec<u8>)>> {
    users::table
        .filter(users::two_factor_secret.is_not_null())
        .order(users::id)
        .select((users::id, users::two_factor_secret.assume_not_null()))
        .load(conn)
}
