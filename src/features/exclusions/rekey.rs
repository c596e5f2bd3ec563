//! Updates look-alike keys in the database to newer rules.

use diesel::dsl::{max, sql};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};

use super::look_alike::{Pattern, look_alike};
use crate::features::triggers::TriggerKind;
use crate::kit::db::schema::{exclusion_terms, exclusions, triggers};
use crate::kit::db::statement::{rows, statement};

/// Triggers per statement.
const AT_ONCE: usize = 1_000;

/// Updates the look-alike keys of codes, exclusions and their terms. Text with only capitals and
/// digits is skipped, since its key is the same under all rules.
pub(crate) fn rekey(conn: &mut PgConnection) -> QueryResult<()> {
    rekey_triggers(conn)?;
    rekey_exclusions(conn)?;
    rekey_terms(conn)
}

fn rekey_triggers(conn: &mut PgConnection) -> QueryResult<()> {
    let rows: Vec<(i64, i64, String, Option<String>)> = triggers::table
        .filter(triggers::kind.eq(TriggerKind::CouponCode))
        .filter(sql::<Bool>("key ~ '[^A-Z0-9_-]'"))
        .select((triggers::merchant_id, triggers::id, triggers::key, triggers::look_alike))
        .load(conn)?;
    let changed: Vec<(i64, i64, String)> = rows
        .into_iter()
        .map(|(merchant_id, id, key, held)| (merchant_id, id, look_alike(&key), held))
        .filter(|(.., new, held)| held.as_ref() != Some(new))
        .map(|(merchant_id, id, new, _)| (merchant_id, id, new))
        .collect();
    for some in changed.chunks(AT_ONCE) {
        statement!(
            "UPDATE triggers t SET look_alike = new.look_alike FROM :new \
             WHERE t.merchant_id = new.merchant_id AND t.id = new.id",
            ..new = rows!(for (merchant_id, id, look_alike) in some =>
                merchant_id: BigInt = *merchant_id,
                id: BigInt = *id,
                look_alike: Text = look_alike.as_str(),
            ),
        )
        .execute(conn)?;
    }
    Ok(())
}

/// If the new key would match nearly every code, the old key stays, which matches nothing.
fn rekey_exclusions(conn: &mut PgConnection) -> QueryResult<()> {
    let rows: Vec<(i64, i64, String, String)> = exclusions::table
        .filter(sql::<Bool>("(key ~ '[^A-Z0-9*]' OR value ~ '[^A-Za-z0-9 _*-]')"))
        .order((exclusions::merchant_id, exclusions::id))
        .select((exclusions::merchant_id, exclusions::id, exclusions::value, exclusions::key))
        .load(conn)?;
    for (merchant_id, id, value, held) in rows {
        let Ok(pattern) = Pattern::recorded(&value) else {
            tracing::warn!(merchant_id, exclusion_id = id, "exclusion_matches_nothing");
            continue;
        };
        if pattern.key() == held {
            continue;
        }
        write_exclusion(conn, (merchant_id, id), &pattern)?;
        diesel::update(exclusion_terms::table)
            .filter(exclusion_terms::merchant_id.eq(merchant_id))
            .filter(exclusion_terms::exclusion_id.eq(id))
            .filter(exclusion_terms::key.eq(&held))
            .set((
                exclusion_terms::key.eq(pattern.key()),
                exclusion_terms::anchor.eq(pattern.anchor()),
            ))
            .execute(conn)?;
    }
    Ok(())
}

/// Several exclusions can have the same key now, such as `SAVE.10` and `SAVE-10`. Each has its own
/// dates, scope and note, so all of them stay.
fn write_exclusion(
    conn: &mut PgConnection,
    (merchant_id, id): (i64, i64),
    pattern: &Pattern,
) -> QueryResult<()> {
    let most: Option<i16> = exclusions::table
        .filter(exclusions::merchant_id.eq(merchant_id))
        .filter(exclusions::key.eq(pattern.key()))
        .select(max(exclusions::twin))
        .first(conn)?;
    diesel::update(exclusions::table.find((merchant_id, id)))
        .set((
            exclusions::key.eq(pattern.key()),
            exclusions::shape.eq(pattern.shape()),
            exclusions::anchor.eq(pattern.anchor()),
            exclusions::twin.eq(most.map_or(0, |most| most + 1)),
        ))
        .execute(conn)?;
    Ok(())
}

/// Only the terms contain the former values of a changed exclusion.
fn rekey_terms(conn: &mut PgConnection) -> QueryResult<()> {
    let keys: Vec<String> = exclusion_terms::table
        .filter(sql::<Bool>("key ~ '[^A-Z0-9*]'"))
        .select(exclusion_terms::key)
        .distinct()
        .load(conn)?;
    for held in keys {
        let new = Pattern::recorded(&held).ok().filter(|pattern| pattern.key() != held);
        let Some(pattern) = new else { continue };
        diesel::update(exclusion_terms::table.filter(exclusion_terms::key.eq(&held)))
            .set((
                exclusion_terms::key.eq(pattern.key()),
                exclusion_terms::anchor.eq(pattern.anchor()),
            ))
            .execute(conn)?;
    }
    Ok(())
}
