//! Many triggers at once: for imports.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use vouch_core::trigger::{Reach, TriggerKind, TriggerValue};

use super::model::created_act;
use crate::features::availability::Excluded;
use crate::features::pushes;
use crate::features::recalculations::{RecalculationReason, request_since};
use crate::kit::audit::{Actor, record_all};
use crate::kit::dated::second;
use crate::kit::db::prepared;

/// As many rows are written with one statement.
const AT_ONCE: usize = 1_000;

/// A trigger that is to be created.
#[derive(Clone, Copy, Debug)]
pub struct NewTrigger<'a> {
    /// For whom.
    pub affiliate_id: i64,
    /// What they are called.
    pub affiliate: &'a str,
    /// Its value, checked by the rules of its kind.
    pub value: &'a TriggerValue,
    /// The exclusion that stops affiliates from claiming it, where somebody has overridden that.
    pub excluded: Option<&'a Excluded>,
}

type Key<'a> = (TriggerKind, &'a str);

/// Creates all of these triggers in the running transaction, under
/// [`crate::features::availability::lock_codes_shared`]: with their owners, their lines in the audit log,
/// and their pushes. Answers which there are now; whose key somebody took a moment ago is left out.
pub fn create_all<'a>(
    conn: &mut PgConnection,
    actor: &Actor,
    new: &[NewTrigger<'a>],
    reach: Reach,
    cause: &str,
) -> QueryResult<HashMap<Key<'a>, i64>> {
    let mut new = new.to_vec();
    // Always in the same order, so that two of these cannot wait for each other.
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
    // An order can have come in already that a store with a fast clock placed from now on.
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

/// Whether a key is free is the database's to say.
fn insert<'a>(
    conn: &mut PgConnection,
    actor: &Actor,
    some: &[NewTrigger<'a>],
) -> QueryResult<Vec<(Key<'a>, i64)>> {
    let ids: HashMap<(TriggerKind, String), i64> = prepared::<(Text, Text, BigInt)>(
        "INSERT INTO triggers (merchant_id, created_at, kind, value, key, look_alike, affiliate_id) \
         SELECT ?, ?, n.* FROM unnest(?::text[], ?::text[], ?::text[], ?::text[], ?::bigint[]) AS n \
         ON CONFLICT (merchant_id, kind, key) DO NOTHING RETURNING kind, key, id",
    )
    .bind::<BigInt, _>(actor.merchant_id)
    .bind::<Timestamptz, _>(actor.now)
    .bind::<Array<Text>, _>(some.iter().map(|one| one.value.kind).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(some.iter().map(|one| one.value.value.as_str()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(some.iter().map(key).collect::<Vec<_>>())
    .bind::<Array<Nullable<Text>>, _>(some.iter().map(|one| one.value.look_alike()).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(some.iter().map(|one| one.affiliate_id).collect::<Vec<_>>())
    .load::<(TriggerKind, String, i64)>(conn)?
    .into_iter()
    .map(|(kind, key, id)| ((kind, key), id))
    .collect();
    let id = |one: &NewTrigger<'a>| ids.get(&(one.value.kind, one.value.key.clone())).copied();
    Ok(some.iter().filter_map(|one| Some((one.value.id(), id(one)?))).collect())
}

fn insert_owners(
    conn: &mut PgConnection,
    actor: &Actor,
    some: &[(i64, NewTrigger<'_>)],
) -> QueryResult<usize> {
    prepared::<()>(
        "INSERT INTO trigger_owners (merchant_id, valid_from, trigger_id, affiliate_id) \
         SELECT ?, ?, n.* FROM unnest(?::bigint[], ?::bigint[]) AS n",
    )
    .bind::<BigInt, _>(actor.merchant_id)
    .bind::<Timestamptz, _>(second(actor.now))
    .bind::<Array<BigInt>, _>(some.iter().map(|(id, _)| *id).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(some.iter().map(|(_, one)| one.affiliate_id).collect::<Vec<_>>())
    .execute(conn)
}
