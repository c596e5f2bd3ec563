//! Which exclusion stops a code from being claimed.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Date, Nullable, Text, Timestamptz};
use vouch_core::code::CouponCode;
use vouch_core::look_alike::{fits, look_alikes, probes};

use crate::kit::db::{prepared, text_enum};

/// For more codes than these, the whole list is read once instead.
const MAX_INLINE: usize = 100;

text_enum! {
    /// What an exclusion is applied to.
    #[derive(Default)]
    pub enum ExclusionScope {
        /// Nobody may claim such a code.
        #[default]
        Claims = "claims", "Claims";
        /// And orders with one earn nothing.
        ClaimsAndOrders = "claims_and_orders", "Claims and orders";
    }
}

/// The exclusion that a code falls under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excluded {
    /// Its key within the merchant.
    pub exclusion_id: i64,
    /// The code or pattern, as typed.
    pub value: String,
    /// What it is for, in the merchant's words; may be empty. For the merchant's eyes.
    pub note: String,
    /// What it is applied to.
    pub scope: ExclusionScope,
    /// From which day on, if not always.
    pub starts_on: Option<NaiveDate>,
    /// Until which day, itself included, if not for ever.
    pub ends_on: Option<NaiveDate>,
}

impl Excluded {
    /// What a member reads: with the note.
    pub fn named(&self) -> String {
        if self.note.is_empty() {
            self.value.clone()
        } else {
            format!("{} ({})", self.value, self.note)
        }
    }
}

/// The exclusion of the merchant that stops `code` from being claimed at `now`; `None` when there
/// is none, and always while the merchant does not have Coupon Exclusions.
pub fn exclusion_of(
    conn: &mut PgConnection,
    merchant_id: i64,
    code: &CouponCode,
    now: DateTime<Utc>,
) -> QueryResult<Option<Excluded>> {
    Ok(exclusions_of(conn, merchant_id, &[code.key()], now)?.pop().flatten())
}

/// [`exclusion_of`] of many codes, by their keys, in their order: for imports.
pub fn exclusions_of(
    conn: &mut PgConnection,
    merchant_id: i64,
    code_keys: &[&str],
    now: DateTime<Utc>,
) -> QueryResult<Vec<Option<Excluded>>> {
    let codes = all_look_alikes(code_keys);
    let ids: Vec<Option<i64>> = if codes.len() <= MAX_INLINE {
        let found = found(conn, merchant_id, &codes, now)?;
        codes.iter().map(|code| first_that_stops(&found, code)).collect()
    } else {
        let list = Anchored::load(conn, merchant_id, now)?;
        codes.iter().map(|code| list.first_that_stops(code)).collect()
    };
    let mut wanted: Vec<i64> = ids.iter().flatten().copied().collect();
    wanted.sort_unstable();
    wanted.dedup();
    if wanted.is_empty() {
        return Ok(vec![None; codes.len()]);
    }
    let excluded = described(conn, merchant_id, &wanted)?;
    Ok(ids.into_iter().map(|id| excluded.get(&id?).cloned()).collect())
}

/// What each of these codes looks like.
pub(crate) fn all_look_alikes(code_keys: &[&str]) -> Vec<Vec<String>> {
    code_keys.iter().map(|key| look_alikes(key).collect()).collect()
}

/// Of exclusions with their keys, the first that stops a code that looks like one of these.
pub(crate) fn first_that_stops(
    exclusions: &[(i64, String)],
    look_alikes: &[String],
) -> Option<i64> {
    let stops = |key: &str| look_alikes.iter().any(|code| fits(key, code));
    exclusions.iter().find(|(_, key)| stops(key)).map(|(id, _)| *id)
}

/// The exclusions in force that may stop one of these codes, with their keys; the oldest first.
fn found(
    conn: &mut PgConnection,
    merchant_id: i64,
    codes: &[Vec<String>],
    now: DateTime<Utc>,
) -> QueryResult<Vec<(i64, String)>> {
    prepared::<(BigInt, Text)>(
        "SELECT e.id, e.key FROM merchants m JOIN exclusions e ON e.merchant_id = m.id \
         WHERE m.id = ? AND m.coupon_exclusions AND e.anchor = ANY(?) AND e.removed_at IS NULL \
             AND (e.starts_at IS NULL OR e.starts_at <= ?) AND (e.ends_at IS NULL OR e.ends_at > ?) \
         ORDER BY e.id",
    )
    .bind::<BigInt, _>(merchant_id)
    .bind::<Array<Text>, _>(probes_of(codes))
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(now)
    .load(conn)
}

/// All exclusions in force, by their anchors.
struct Anchored(HashMap<String, Vec<(i64, String)>>);

impl Anchored {
    fn load(conn: &mut PgConnection, merchant_id: i64, now: DateTime<Utc>) -> QueryResult<Self> {
        let all: Vec<(i64, String, String)> = prepared::<(BigInt, Text, Text)>(
            "SELECT e.id, e.key, e.anchor \
             FROM merchants m JOIN exclusions e ON e.merchant_id = m.id \
             WHERE m.id = ? AND m.coupon_exclusions AND e.removed_at IS NULL \
                 AND (e.starts_at IS NULL OR e.starts_at <= ?) \
                 AND (e.ends_at IS NULL OR e.ends_at > ?)",
        )
        .bind::<BigInt, _>(merchant_id)
        .bind::<Timestamptz, _>(now)
        .bind::<Timestamptz, _>(now)
        .load(conn)?;
        let mut anchored: HashMap<String, Vec<(i64, String)>> = HashMap::new();
        for (id, key, anchor) in all {
            anchored.entry(anchor).or_default().push((id, key));
        }
        Ok(Self(anchored))
    }

    fn first_that_stops(&self, look_alikes: &[String]) -> Option<i64> {
        if self.0.is_empty() {
            return None;
        }
        let stopping = look_alikes.iter().flat_map(|code| {
            let found = probes(code).into_iter().filter_map(|probe| self.0.get(&probe)).flatten();
            found.filter(|(_, key)| fits(key, code)).map(|(id, _)| *id)
        });
        stopping.min()
    }
}

type Sql = (BigInt, Text, Text, Text, Nullable<Date>, Nullable<Date>);
type Row = (i64, String, String, ExclusionScope, Option<NaiveDate>, Option<NaiveDate>);

/// What these exclusions say.
fn described(
    conn: &mut PgConnection,
    merchant_id: i64,
    ids: &[i64],
) -> QueryResult<HashMap<i64, Excluded>> {
    let rows: Vec<Row> = prepared::<Sql>(
        "SELECT id, value, note, scope, starts_on, ends_on FROM exclusions \
         WHERE merchant_id = ? AND id = ANY(?)",
    )
    .bind::<BigInt, _>(merchant_id)
    .bind::<Array<BigInt>, _>(ids)
    .load(conn)?;
    let excluded =
        rows.into_iter().map(|(exclusion_id, value, note, scope, starts_on, ends_on)| {
            (exclusion_id, Excluded { exclusion_id, value, note, scope, starts_on, ends_on })
        });
    Ok(excluded.collect())
}

/// What all of these codes ask for, each once and in the order of the index, as PostgreSQL would have
/// to bring it first.
pub(crate) fn probes_of(codes: &[Vec<String>]) -> Vec<String> {
    let mut probes: Vec<String> = codes.iter().flatten().flat_map(|code| probes(code)).collect();
    probes.sort_unstable();
    probes.dedup();
    probes
}
