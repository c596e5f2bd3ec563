//! One-time keys for forms that create money: each form has a random key, and the same form creates
//! the money only once. The key is claimed in the same transaction. So the second of two
//! simultaneous requests waits for the first one and gets its result.

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use rand::distr::{Alphanumeric, SampleString};
use serde::Deserialize;

use crate::kit::db::schema::one_time_keys;
use crate::kit::db::{Db, Scope, text_enum};
use crate::kit::error::AppResult;

const LENGTH: usize = 32;
/// Longer than any session, so no page with a form is older.
const RETENTION: Duration = Duration::days(90);

/// The key of one form. Render it with the macro `one_time_key`, which sends it in the field
/// `one_time_key`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct OneTimeKey(String);

text_enum! {
    /// The form that used a key.
    pub(crate) enum MoneyForm {
        AmountCredit = "amount_credit", "Amount";
        OrderCredit = "order_credit", "Order";
    }
}

/// The result of a form with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OneTimeOutcome<T> {
    /// The work was done now.
    Done(T),
    /// The same form did it earlier. Contains the id of the created row.
    Before(i64),
}

impl OneTimeKey {
    /// The key of a form that is rendered for the first time.
    pub(crate) fn random() -> Self {
        Self(Alphanumeric.sample_string(&mut rand::rng(), LENGTH))
    }

    /// The key as the form sends it.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the form had a key. A form without one might be a repetition, so render it again
    /// with a new key.
    pub(crate) fn is_valid(&self) -> bool {
        self.0.len() == LENGTH && self.0.bytes().all(|byte| byte.is_ascii_alphanumeric())
    }

    /// Runs `work` unless this key was used before. `work` returns the id of the created row. If it
    /// rejects the form, the key stays unused, so that the form can be sent again.
    pub(crate) fn once<T, E: From<diesel::result::Error>>(
        &self,
        conn: &mut PgConnection,
        merchant_id: i64,
        form: MoneyForm,
        now: DateTime<Utc>,
        work: impl FnOnce(&mut PgConnection) -> Result<(i64, T), E>,
    ) -> Result<OneTimeOutcome<T>, E> {
        let claimed = diesel::insert_into(one_time_keys::table)
            .values((
                one_time_keys::merchant_id.eq(merchant_id),
                one_time_keys::key.eq(&self.0),
                one_time_keys::form.eq(form),
                one_time_keys::used_at.eq(now),
            ))
            .on_conflict_do_nothing()
            .execute(conn)?;
        let row = one_time_keys::table.find((merchant_id, &self.0));
        if claimed == 0 {
            let used = row.filter(one_time_keys::form.eq(form));
            let id = used.select(one_time_keys::result_id.assume_not_null()).first(conn)?;
            return Ok(OneTimeOutcome::Before(id));
        }
        match work(conn) {
            Ok((id, done)) => {
                diesel::update(row).set(one_time_keys::result_id.eq(id)).execute(conn)?;
                Ok(OneTimeOutcome::Done(done))
            }
            Err(refusal) => {
                // After a database error nothing can be written, and everything is rolled back
                // anyway.
                let _ = diesel::delete(row).execute(conn);
                Err(refusal)
            }
        }
    }
}

/// Deletes keys that no form can have any more. Returns how many.
pub(crate) fn sweep(db: &Db, now: DateTime<Utc>) -> AppResult<usize> {
    db.run_blocking(Scope::Instance, |conn| {
        diesel::delete(one_time_keys::table.filter(one_time_keys::used_at.lt(now - RETENTION)))
            .execute(conn)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_key_is_one() {
        let (one, other) = (OneTimeKey::random(), OneTimeKey::random());
        assert!(one.is_valid() && other.is_valid() && one != other);
        for wrong in ["", "x", &"é".repeat(16), &" ".repeat(32), &"a".repeat(33)] {
            assert!(!OneTimeKey(wrong.to_owned()).is_valid(), "{wrong}");
        }
    }
}
