//! What the last checks of the stores say of triggers, for whoever shows triggers: on lists, a trigger's
//! page, the dashboard. `comparisons` writes it.

mod verdict;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};

pub use self::verdict::{StoreState, Verdict};
use crate::kit::db::prepared;
use crate::kit::urls;
use crate::kit::web::paginate::COUNT_LIMIT;

/// Whether a finding about a trigger still says something: the trigger is as it was then, and its
/// code has not been sent to the store since.
macro_rules! still_says {
    () => {
        "(EXISTS (SELECT 1 FROM triggers t \
             WHERE t.merchant_id = comparison_findings.merchant_id \
                 AND t.id = comparison_findings.trigger_id \
                 AND (t.retired_at IS NOT NULL) = (comparison_findings.verdict = 'retired')) \
         AND NOT (comparison_findings.verdict = 'vouch_only' AND EXISTS (SELECT 1 FROM pushes p \
             JOIN comparisons pc ON pc.merchant_id = p.merchant_id \
                 AND pc.id = comparison_findings.comparison_id \
             JOIN stores ps ON ps.merchant_id = p.merchant_id AND ps.id = p.store_id \
             WHERE p.merchant_id = comparison_findings.merchant_id \
                 AND p.trigger_id = comparison_findings.trigger_id AND p.store_id = pc.store_id \
                 AND (p.status = 'queued' AND ps.creates_codes OR p.settled_at >= pc.begun_at))))"
    };
}

/// [`still_says`] for conditions that Diesel puts together.
pub(crate) const STILL_SAYS: &str = still_says!();

/// What the last check of one store says of a trigger.
#[derive(Clone, Debug)]
pub struct Note {
    /// What it came to.
    pub verdict: Verdict,
    /// Whether shoppers could use the code.
    pub state: Option<StoreState>,
    /// When the check began.
    pub checked_at: DateTime<Utc>,
    /// What pages call the store.
    pub store: String,
    store_id: i64,
    admin_url: Option<String>,
}

impl Note {
    /// The check.
    pub fn url(&self) -> String {
        urls::comparison(self.store_id)
    }

    /// The discount's page in the store's admin, where there is one.
    pub fn admin_url(&self) -> Option<&str> {
        // It came from outside: nothing but the web is linked to.
        self.admin_url.as_deref().filter(|url| url.starts_with("http"))
    }

    /// What is the matter, in a few words.
    pub fn words(&self) -> &'static str {
        match (self.verdict, self.state) {
            (Verdict::VouchOnly, _) => "Missing in the store",
            (Verdict::Off, Some(StoreState::Scheduled)) => "Not started yet in the store",
            (Verdict::Off, Some(StoreState::Expired)) => "Ended or used up in the store",
            (Verdict::Off, _) => "Switched off in the store",
            (Verdict::Different, _) => "Other rules in the store",
            (Verdict::Retired, _) => "Still in the store",
            (Verdict::StoreOnly, _) => "Only in the store",
            (Verdict::Both, _) => "In the store",
        }
    }
}

type NoteRow = (i64, Verdict, Option<StoreState>, DateTime<Utc>, String, i64, Option<String>);

/// What the last checks of the connected stores say of these triggers, where that is not that all
/// is well.
///
/// # Errors
/// The database's.
pub fn of_triggers(
    conn: &mut PgConnection,
    merchant_id: i64,
    trigger_ids: &[i64],
) -> QueryResult<HashMap<i64, Vec<Note>>> {
    let rows: Vec<NoteRow> =
        prepared::<(BigInt, Text, Nullable<Text>, Timestamptz, Text, BigInt, Nullable<Text>)>(
            concat!(
                "SELECT comparison_findings.trigger_id, verdict, state, c.begun_at, s.name, s.id, \
                     admin_url \
                 FROM comparison_findings \
                 JOIN comparisons c ON c.merchant_id = comparison_findings.merchant_id \
                     AND c.id = comparison_findings.comparison_id AND c.is_shown \
                 JOIN stores s ON s.merchant_id = c.merchant_id AND s.id = c.store_id \
                     AND s.disconnected_at IS NULL \
                 WHERE comparison_findings.merchant_id = ? \
                     AND comparison_findings.trigger_id = ANY(?) \
                     AND verdict <> 'both' AND ",
                still_says!(),
                " ORDER BY s.id"
            ),
        )
        .bind::<BigInt, _>(merchant_id)
        .bind::<Array<BigInt>, _>(trigger_ids)
        .load(conn)?;
    let mut of_triggers: HashMap<i64, Vec<Note>> = HashMap::new();
    for (trigger_id, verdict, state, checked_at, store, store_id, admin_url) in rows {
        let note = Note { verdict, state, checked_at, store, store_id, admin_url };
        of_triggers.entry(trigger_id).or_default().push(note);
    }
    Ok(of_triggers)
}

/// The codes of a store that shoppers cannot use there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    /// The store.
    pub store_id: i64,
    /// What pages call it.
    pub store: String,
    /// How many; exact up to the limit of counts on pages, one more beyond it.
    pub count: i64,
}

impl Unusable {
    /// The list of them.
    pub fn url(&self) -> String {
        urls::unusable_codes(self.store_id)
    }
}

/// The connected stores whose last check found codes that are missing or off there, and are still.
///
/// # Errors
/// The database's.
pub fn unusable(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Vec<Unusable>> {
    let rows: Vec<(i64, String, i64)> = prepared::<(BigInt, Text, BigInt)>(concat!(
        "SELECT s.id, s.name, (SELECT count(*) FROM (SELECT 1 FROM comparison_findings \
                 WHERE comparison_findings.merchant_id = c.merchant_id \
                     AND comparison_findings.comparison_id = c.id \
                     AND verdict IN ('vouch_only', 'off') \
                     AND state IS DISTINCT FROM 'scheduled' AND ",
        still_says!(),
        " LIMIT ?) n) \
         FROM comparisons c \
         JOIN stores s ON s.merchant_id = c.merchant_id AND s.id = c.store_id \
             AND s.disconnected_at IS NULL \
         WHERE c.merchant_id = ? AND c.is_shown AND c.vouch_only_count + c.off_count > 0 \
         ORDER BY s.id"
    ))
    .bind::<BigInt, _>(COUNT_LIMIT + 1)
    .bind::<BigInt, _>(merchant_id)
    .load(conn)?;
    let rows = rows.into_iter().filter(|(_, _, count)| *count > 0);
    Ok(rows.map(|(store_id, store, count)| Unusable { store_id, store, count }).collect())
}
