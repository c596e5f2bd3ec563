mod accounts;
mod affiliates;
mod erasure;
mod orders;
mod outcome;
mod patterns;
mod whole;
mod words;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use vouch_core::email::EmailKey;

use self::erasure::Erasure;
pub(super) use self::orders::{Left, deciding_addresses, erase_bodies, erase_customers};
pub use self::outcome::{Erased, ErasureError};
pub(super) use self::patterns::NamePatterns;
pub(crate) use self::whole::erase_from_instance;
pub use self::whole::erase_person;
use super::person::{DataSubject, Lookup};
use super::requests;
use crate::features::audit::{Act, AuditEvent};
use crate::kit::audit::{Actor, SubjectKind, record};
use crate::kit::db::schema::erased_emails;
use crate::kit::pseudonyms::Pseudonyms;

/// Scanning the audit log of a large merchant takes a long time.
const TIMEOUT: &str = "SET LOCAL statement_timeout = '80s'";

/// Erases a person from all data of the actor's merchant, in the running transaction. Totals, the
/// ledger and the earners of orders stay the same. A second erasure finds nothing. Emails and the
/// instance's log follow later, see [`erase_person`].
///
/// Each of their emails becomes the same pseudonym on orders, triggers and affiliates, in this one
/// transaction. So no recalculation sees half of the change.
pub(crate) fn erase(
    conn: &mut PgConnection,
    actor: &Actor,
    pseudonyms: &Pseudonyms,
    lookup: &Lookup,
) -> Result<(DataSubject, Erased), ErasureError> {
    conn.batch_execute(TIMEOUT)?;
    let person = DataSubject::find(conn, actor.merchant_id, lookup)?;
    if person.is_unknown() && !lookup.is_repeat {
        return Ok((person, Erased::default()));
    }
    if person.login.as_ref().is_some_and(|login| Some(login.id) == actor.user_id) {
        return Err(ErasureError::Yourself);
    }
    let erasure = Erasure {
        actor,
        person: &person,
        pseudonyms: pseudonyms.of_merchant(conn, actor.merchant_id)?,
        words: NamePatterns::of(&person),
    };
    erasure.remember(conn)?;
    let mut erased = Erased::default();
    erasure.leave_team(conn, &mut erased)?;
    erasure.disable_affiliates(conn)?;
    // The audit log entries written so far name the person, so this comes after them.
    erasure.erase_words(conn, &mut erased)?;
    erasure.erase_triggers(conn, &mut erased)?;
    erasure.erase_orders(conn, lookup, &mut erased)?;
    erasure.erase_affiliates(conn, &mut erased)?;
    erasure.erase_applications(conn, &mut erased)?;
    erasure.erase_login(conn, &mut erased)?;
    requests::close_of(conn, actor, &person.mailboxes)?;
    if lookup.is_repeat && erased.is_nothing() {
        return Ok((person, erased));
    }
    let act = Act {
        after: Some(serde_json::json!(erased)),
        ..Act::new(AuditEvent::PersonErased, SubjectKind::Person, None)
    };
    record(conn, actor, act)?;
    Ok((person, erased))
}

impl Erasure<'_> {
    /// Stores the hashes of their emails, so that stores can't bring their data back.
    fn remember(&self, conn: &mut PgConnection) -> QueryResult<()> {
        for mailbox in &self.person.mailboxes {
            let Ok(key) = EmailKey::parse(mailbox) else { continue };
            diesel::insert_into(erased_emails::table)
                .values((
                    erased_emails::merchant_id.eq(self.merchant_id()),
                    erased_emails::email_hash.eq(self.pseudonyms.hash(&key)),
                    erased_emails::erased_at.eq(self.actor.now),
                ))
                .on_conflict_do_nothing()
                .execute(conn)?;
        }
        Ok(())
    }
}
