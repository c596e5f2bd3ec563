//! Runs a complete erasure in a merchant's and the instance's data, and repeats it for orders that
//! were being processed in the meantime.

use std::thread;
use std::time::{Duration, Instant};

use diesel::prelude::*;

use super::erase;
use super::outcome::{Erased, ErasureError};
use super::patterns::NamePatterns;
use super::words::NAME;
use crate::features::ingest::in_flight;
use crate::features::privacy::emails::erase_emails;
use crate::features::privacy::person::{DataSubject, Lookup};
use crate::kit::audit::{self, Actor};
use crate::kit::db::{Db, Scope};
use crate::kit::error::AppResult;
use crate::kit::pseudonyms::Pseudonyms;

/// The longest wait for transactions that may not know of the erasure. None of them takes longer.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// Erases a person from the actor's merchant, on the caller's thread. The caller logs the security
/// event, because only the caller knows the request.
pub fn erase_person(
    db: &Db,
    actor: &Actor,
    pseudonyms: &Pseudonyms,
    lookup: &Lookup,
) -> AppResult<Result<Erased, ErasureError>> {
    let scope = Scope::Merchant(actor.merchant_id);
    let first = db.run_blocking(scope, |conn| {
        match conn.transaction(|conn| erase(conn, actor, pseudonyms, lookup)) {
            Err(ErasureError::Database(error)) => Err(error),
            outcome => Ok(outcome),
        }
    })?;
    let (person, erased) = match first {
        Ok(done) => done,
        Err(refused) => return Ok(Err(refused)),
    };
    // Transactions that began before the commit above.
    let others = db.run_blocking(scope, |conn| in_flight::others(conn, actor.merchant_id))?;
    if !erased.is_nothing() && !others.is_empty() {
        wait_for_others(db, scope, others)?;
        let again = Lookup {
            emails: person.spellings.iter().cloned().collect(),
            is_repeat: true,
            ..lookup.clone()
        };
        db.run_blocking(scope, |conn| {
            match conn.transaction(|conn| erase(conn, actor, pseudonyms, &again)) {
                Err(ErasureError::Database(error)) => Err(error),
                _ => Ok(()),
            }
        })?;
    }
    let mut asked = person;
    asked.add_emails(&lookup.emails);
    db.run_blocking(Scope::Instance, |conn| {
        if erased.accounts > 0 {
            let user_id = asked.login.as_ref().map(|login| login.id);
            audit::erase_from_instance(conn, user_id, &[], NAME)?;
        }
        erase_emails(conn, actor.merchant_id, &asked, erased.accounts > 0)
    })?;
    Ok(Ok(erased))
}

/// Removes a person's names and emails from the reasons in the instance's log. The caller holds
/// `Scope::Instance` and acts for the operator. A merchant must not change the log through names in
/// its own data.
pub(crate) fn erase_from_instance(
    conn: &mut PgConnection,
    person: &DataSubject,
) -> QueryResult<i64> {
    audit::erase_from_instance(conn, None, &NamePatterns::list(person), NAME)
}

fn wait_for_others(db: &Db, scope: Scope, others: Vec<String>) -> AppResult<()> {
    let others: Vec<Option<String>> = others.into_iter().map(Some).collect();
    let begun = Instant::now();
    while begun.elapsed() < MAX_WAIT
        && db.run_blocking(scope, |conn| in_flight::any_of(conn, &others))?
    {
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
