//! Stored hashes keep up with the parameters: a sign-in rehashes a password that was hashed with
//! less work.

use argon2::Params;
use argon2::password_hash::phc::PasswordHash;
use diesel::prelude::*;

use crate::kit::db::schema::users;

/// Whether a hash took less work than the current parameters require, by memory, passes or
/// algorithm.
pub fn is_outdated(phc: &str) -> bool {
    let today = super::parameters();
    let Ok(hash) = PasswordHash::new(phc) else { return true };
    let Ok(then) = Params::try_from(&hash) else { return true };
    hash.algorithm.as_str() != "argon2id"
        || then.m_cost() < today.m_cost()
        || then.t_cost() < today.t_cost()
}

/// Replaces the hash of an unchanged password, unless the password has changed meanwhile. Sessions
/// stay open.
pub(crate) fn replace(
    conn: &mut PgConnection,
    user_id: i64,
    old: &str,
    new: &str,
) -> QueryResult<()> {
    diesel::update(users::table.find(user_id))
        .filter(users::password_hash.eq(old))
        .set(users::password_hash.eq(new))
        .execute(conn)
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_work_than_today_is_outdated_and_more_is_not() {
        let phc = super::super::hash("violet harbour 9 anvil").unwrap();
        assert!(!is_outdated(&phc));
        for (from, to, expected) in [
            ("m=19456", "m=12288", true),
            ("t=2", "t=1", true),
            ("argon2id", "argon2i", true),
            ("m=19456", "m=65536", false),
            ("t=2", "t=3", false),
        ] {
            assert_eq!(is_outdated(&phc.replacen(from, to, 1)), expected, "{from} {to}");
        }
        assert!(is_outdated("not a hash"));
    }
}
