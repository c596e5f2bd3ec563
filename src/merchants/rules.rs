//! Calculation Logic, dated: an order keeps the rules of the moment it was placed.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::audit::{Act, Actor, record};
use crate::credit::{Precedence, Rules};
use crate::db::schema::calculation_rules;
use crate::orders::reconsider_since;

/// Rules with the time they began to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatedRules {
    /// From this moment on.
    pub valid_from: DateTime<Utc>,
    /// The rules.
    pub rules: Rules,
}

/// The rules that hold now, and before them the ones that held earlier: the newest first, never
/// none.
///
/// # Errors
/// The database's.
pub fn rules_history(
    conn: &mut PgConnection,
    merchant_id: i64,
    limit: i64,
) -> QueryResult<Vec<DatedRules>> {
    let rows = calculation_rules::table
        .filter(calculation_rules::merchant_id.eq(merchant_id))
        .order(calculation_rules::valid_from.desc())
        .limit(limit)
        .select((
            calculation_rules::valid_from,
            calculation_rules::precedence,
            calculation_rules::include_tax,
            calculation_rules::include_shipping,
        ))
        .load::<(DateTime<Utc>, Precedence, bool, bool)>(conn)?;
    let dated = |(valid_from, precedence, include_tax, include_shipping)| DatedRules {
        valid_from,
        rules: Rules { precedence, include_tax, include_shipping, ..Rules::default() },
    };
    Ok(rows.into_iter().map(dated).collect())
}

/// Makes `rules` hold for orders placed from `actor.now` on. The same again changes nothing.
///
/// # Errors
/// The database's.
pub fn change_rules(conn: &mut PgConnection, actor: &Actor, rules: Rules) -> QueryResult<()> {
    conn.transaction(|conn| {
        // Of two changes at once, one waits here; the open row is there from the beginning.
        let open = calculation_rules::table
            .filter(calculation_rules::merchant_id.eq(actor.merchant_id))
            .filter(calculation_rules::valid_until.is_null());
        let (since, precedence, include_tax, include_shipping) = open
            .for_update()
            .select((
                calculation_rules::valid_from,
                calculation_rules::precedence,
                calculation_rules::include_tax,
                calculation_rules::include_shipping,
            ))
            .first::<(DateTime<Utc>, Precedence, bool, bool)>(conn)?;
        let before = Rules { precedence, include_tax, include_shipping, ..Rules::default() };
        if before == rules {
            return Ok(());
        }
        if since < actor.now {
            diesel::update(calculation_rules::table.find((actor.merchant_id, since)))
                .set(calculation_rules::valid_until.eq(actor.now))
                .execute(conn)?;
        }
        let values = (
            calculation_rules::precedence.eq(rules.precedence),
            calculation_rules::include_tax.eq(rules.include_tax),
            calculation_rules::include_shipping.eq(rules.include_shipping),
        );
        diesel::insert_into(calculation_rules::table)
            .values((
                calculation_rules::merchant_id.eq(actor.merchant_id),
                // Never before the row that is replaced, should a clock have gone back.
                calculation_rules::valid_from.eq(since.max(actor.now)),
                values,
            ))
            .on_conflict((calculation_rules::merchant_id, calculation_rules::valid_from))
            .do_update()
            .set(values)
            .execute(conn)?;
        record(
            conn,
            actor,
            Act {
                action: "calculation.changed",
                subject_kind: "merchant",
                subject_id: Some(actor.merchant_id),
                summary: "Changed the Calculation Logic for orders from now on.".to_owned(),
                before: Some(serde_json::json!(before)),
                after: Some(serde_json::json!(rules)),
            },
        )?;
        // A store's clock can run ahead of ours.
        reconsider_since(conn, actor, actor.now, "The Calculation Logic changed")
    })
}
