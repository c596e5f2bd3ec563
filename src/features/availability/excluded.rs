//! Which exclusion prevents a code from being claimed.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz};
use vouch_core::code::CouponCode;
use vouch_core::look_alike::{fits, look_alikes, probes};

use crate::kit::db::schema::exclusions;
use crate::kit::db::statement::statement;
use crate::kit::db::text_enum;

/// For more codes than this, the whole list is read once instead.
const MAX_INLINE: usize = 100;

text_enum! {
    /// What an exclusion applies to.
    #[derive(Default)]
    pub enum ExclusionScope {
        /// New codes: no one can claim a code that matches.
        #[default]
        Claims = "claims", "Claims";
        /// New codes and orders: orders with a code that matches also earn nothing.
        ClaimsAndOrders = "claims_and_orders", "Claims and orders";
    }
}

/// The exclusion that matches a code.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = exclusions)]
pub struct Excluded {
    #[diesel(column_name = id)]
    pub exclusion_id: i64,
    /// The code or pattern, as typed.
    pub value: String,
    /// The merchant's internal note on its purpose; may be empty.
    pub note: String,
    pub scope: ExclusionScope,
    /// The first day, if it has one.
    pub starts_on: Option<NaiveDate>,
    /// The last day, inclusive, if it has one.
    pub ends_on: Option<NaiveDate>,
}

impl Excluded {
    /// The text for members, with the note.
    pub(crate) fn named(&self) -> String {
        if self.note.is_empty() {
            self.value.clone()
        } else {
            format!("{} ({})", self.value, self.note)
        }
    }
}

/// The exclusion of the merchant that prevents `code` from being claimed at `now`. It's `None` if
/// there's none, or if Coupon Exclusions are off for the merchant.
pub fn exclusion_of(
    conn: &mut PgConnection,
    merchant_id: i64,
    code: &CouponCode,
    now: DateTime<Utc>,
) -> QueryResult<Option<Excluded>> {
    Ok(exclusions_of(conn, merchant_id, &[code.key()], now)?.pop().flatten())
}

/// [`exclusion_of`] for many code keys, in their order, for imports.
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

/// The look-alike keys of each code.
pub(crate) fn all_look_alikes(code_keys: &[&str]) -> Vec<Vec<String>> {
    code_keys.iter().map(|key| look_alikes(key).collect()).collect()
}

/// An exclusion with the key that codes are compared with.
#[derive(QueryableByName)]
#[diesel(table_name = exclusions)]
pub(crate) struct ExclusionKey {
    pub(crate) id: i64,
    pub(crate) key: String,
}

/// The first exclusion that stops a code with one of these look-alike keys.
pub(crate) fn first_that_stops(exclusions: &[ExclusionKey], look_alikes: &[String]) -> Option<i64> {
    let stops = |key: &str| look_alikes.iter().any(|code| fits(key, code));
    exclusions.iter().find(|exclusion| stops(&exclusion.key)).map(|exclusion| exclusion.id)
}

/// The active exclusions that may stop one of these codes, with their keys; the oldest first.
fn found(
    conn: &mut PgConnection,
    merchant_id: i64,
    codes: &[Vec<String>],
    now: DateTime<Utc>,
) -> QueryResult<Vec<ExclusionKey>> {
    statement!(
        "SELECT e.id, e.key FROM merchants m JOIN exclusions e ON e.merchant_id = m.id \
         WHERE m.id = :merchant_id AND m.coupon_exclusions AND e.anchor = ANY(:probes) \
             AND e.removed_at IS NULL \
             AND (e.starts_at IS NULL OR e.starts_at <= :now) \
             AND (e.ends_at IS NULL OR e.ends_at > :now) \
         ORDER BY e.id",
        merchant_id: BigInt,
        probes: Array<Text> = probes_of(codes),
        now: Timestamptz,
    )
    .load(conn)
}

/// All active exclusions, by anchor.
struct Anchored(HashMap<String, Vec<ExclusionKey>>);

impl Anchored {
    fn load(conn: &mut PgConnection, merchant_id: i64, now: DateTime<Utc>) -> QueryResult<Self> {
        #[derive(QueryableByName)]
        #[diesel(table_name = exclusions)]
        struct Row {
            anchor: String,
            #[diesel(embed)]
            exclusion: ExclusionKey,
        }
        let all: Vec<Row> = statement!(
            "SELECT e.id, e.key, e.anchor \
             FROM merchants m JOIN exclusions e ON e.merchant_id = m.id \
             WHERE m.id = :merchant_id AND m.coupon_exclusions AND e.removed_at IS NULL \
                 AND (e.starts_at IS NULL OR e.starts_at <= :now) \
                 AND (e.ends_at IS NULL OR e.ends_at > :now)",
            merchant_id: BigInt,
            now: Timestamptz,
        )
        .load(conn)?;
        let mut anchored: HashMap<String, Vec<ExclusionKey>> = HashMap::new();
        for Row { anchor, exclusion } in all {
            anchored.entry(anchor).or_default().push(exclusion);
        }
        Ok(Self(anchored))
    }

    fn first_that_stops(&self, look_alikes: &[String]) -> Option<i64> {
        if self.0.is_empty() {
            return None;
        }
        let stopping = look_alikes.iter().flat_map(|code| {
            let found = probes(code).into_iter().filter_map(|probe| self.0.get(&probe)).flatten();
            found.filter(|exclusion| fits(&exclusion.key, code)).map(|exclusion| exclusion.id)
        });
        stopping.min()
    }
}

/// The details of these exclusions.
fn described(
    conn: &mut PgConnection,
    merchant_id: i64,
    ids: &[i64],
) -> QueryResult<HashMap<i64, Excluded>> {
    let rows = exclusions::table
        .filter(exclusions::merchant_id.eq(merchant_id))
        .filter(exclusions::id.eq_any(ids))
        .select(Excluded::as_select())
        .load(conn)?;
    Ok(rows.into_iter().map(|excluded| (excluded.exclusion_id, excluded)).collect())
}

/// The index probes for all of these codes, deduplicated and in index order. PostgreSQL would sort
/// them otherwise.
pub(crate) fn probes_of(codes: &[Vec<String>]) -> Vec<String> {
    let mut probes: Vec<String> = codes.iter().flatten().flat_map(|code| probes(code)).collect();
    probes.sort_unstable();
    probes.dedup();
    probes
}
