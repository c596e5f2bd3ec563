//! Creates many triggers at once, for imports.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};
use vouch_core::trigger::{Reach, TriggerKind, TriggerValue};

use super::model::created_act;
use crate::features::availability::Excluded;
use crate::features::pushes;
use crate::features::recalculations::{RecalculationReason, request_since};
use crate::kit::audit::{Actor, record_all};
use crate::kit::dated::second;
use crate::kit::db::schema::triggers;
use crate::kit::db::statement::{rows, statement};

/// Rows per statement.
const AT_ONCE: usize = 1_000;

#[derive(Clone, Copy, Debug)]
pub(crate) struct NewTrigger<'a> {
    pub(crate) affiliate_id: i64,
    /// The affiliate's name.
    pub(crate) affiliate: &'a str,
    /// Validated by the rules of its kind.
    pub(crate) value: &'a TriggerValue,
    /// The exclusion that matches it, if a member has overridden that.
    pub(crate) excluded: Option<&'a Excluded>,
}

type Key<'a> = (TriggerKind, &'a str);

/// Creates these triggers in the running transaction, with their owners, audit log entries and
/// pushes. The caller holds [`crate::features::availability::lock_codes_shared`]. Returns the new
/// IDs by key. Keys that another transaction has just taken are missing.
pub(crate) fn create_all<'a>(
    conn: &mut PgConnection,
    actor: &Actor,
    new: &[NewTrigger<'a>],
    reach: Reach,
    cause: &str,
) -> QueryResult<HashMap<Key<'a>, i64>> {
    let mut new = new.to_vec();
    // Always in the same order, so that concurrent calls can't deadlock.
    new.sort_unstable_by(|a, b| key_of(a).cmp(&key_of(b)));
    let mut created = HashMap::with_capacity(new.len());
    for some in new.chunks(AT_ONCE) {
        created.extend(insert(conn, actor, some)?);
    }
    let made: Vec<(i64, NewTrigger<'_>)> =
        new.iter().filter_map(|one| Some((*created.get(&one.value.id())?, *one))).collect();
    for some in made.chunks(AT_ONCE) {
        insert_owners(conn, actor, some)?;
        let acts = some.iter().map(|(id, one)| {
            created_act(*id, one.value, one.affiliate_id, one.affiliate, one.excluded)
        });
        record_all(conn, actor, acts.collect())?;
    }
    // A store with a fast clock may already have sent an order that's placed from now on.
    let cause = RecalculationReason::TriggersCreated { by: cause.to_owned() };
    request_since(conn, actor, second(actor.now), &cause)?;
    if reach == Reach::Stores {
        let codes = made.iter().filter(|(_, one)| one.value.is_code());
        let codes: Vec<i64> = codes.map(|(id, _)| *id).collect();
        pushes::queue(conn, actor, &codes)?;
    }
    Ok(created)
}

fn key<'a>(one: &NewTrigger<'a>) -> &'a str {
    one.value.key.as_str()
}

fn key_of<'a>(one: &NewTrigger<'a>) -> (&'static str, &'a str) {
    (one.value.kind.as_str(), key(one))
}

/// The database decides whether a key is available.
fn insert<'a>(
    conn: &mut PgConnection,
    actor: &Actor,
    some: &[NewTrigger<'a>],
) -> QueryResult<Vec<(Key<'a>, i64)>> {
    #[derive(QueryableByName)]
    #[diesel(table_name = triggers)]
    struct Inserted {
        kind: TriggerKind,
        key: String,
        id: i64,
    }
    let inserted: Vec<Inserted> = statement!(
        "INSERT INTO triggers (merchant_id, created_at, :new.columns) \
         SELECT :merchant_id, :now, :new.columns FROM :new \
         ON CONFLICT (merchant_id, kind, key) DO NOTHING RETURNING kind, key, id",
        merchant_id: BigInt = actor.merchant_id,
        now: Timestamptz = actor.now,
        ..new = rows!(for one in some =>
            kind: Text = one.value.kind,
            value: Text = one.value.value.as_str(),
            key: Text = key(one),
            look_alike: Nullable<Text> = one.value.look_alike(),
            affiliate_id: BigInt = one.affiliate_id,
        ),
    )
    .load(conn)?;
    let ids: HashMap<(TriggerKind, String), i64> =
        inserted.into_iter().map(|row| ((row.kind, row.key), row.id)).collect();
    let id = |one: &NewTrigger<'a>| ids.get(&(one.value.kind, one.value.key.clone())).copied();
    Ok(some.iter().filter_map(|one| Some((one.value.id(), id(one)?))).collect())
}

fn insert_owners(
    conn: &mut PgConnection,
    actor: &Actor,
    some: &[(i64, NewTrigger<'_>)],
) -> QueryResult<usize> {
    statement!(
        "INSERT INTO trigger_owners (merchant_id, valid_from, :new.columns) \
         SELECT :merchant_id, :valid_from, :new.columns FROM :new",
        merchant_id: BigInt = actor.merchant_id,
        valid_from: Timestamptz = second(actor.now),
        ..new = rows!(for (id, one) in some =>
            trigger_id: BigInt = *id,
            affiliate_id: BigInt = one.affiliate_id,
        ),
    )
    .execute(conn)
}
