use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz};

use crate::credit::{Precedence, Rules};
use crate::db::prepared;

/// What a merchant had set when an order was placed.
pub(super) struct Setting {
    /// The day of the order, in the merchant's time zone.
    pub day: NaiveDate,
    /// The Calculation Logic.
    pub rules: Rules,
}

type Row = (Text, Nullable<Text>, Nullable<Bool>, Nullable<Bool>);

impl Setting {
    /// The setting of the moment `placed_at`; before the first one, the first.
    pub(super) fn at(
        conn: &mut PgConnection,
        merchant_id: i64,
        placed_at: DateTime<Utc>,
    ) -> QueryResult<Self> {
        let (zone, precedence, include_tax, include_shipping): (
            String,
            Option<String>,
            Option<bool>,
            Option<bool>,
        ) = prepared::<Row>(
            "SELECT m.time_zone, r.precedence, r.include_tax, r.include_shipping FROM merchants m \
             LEFT JOIN LATERAL (SELECT * FROM calculation_rules r WHERE r.merchant_id = m.id \
                 ORDER BY r.valid_from <= ? DESC, \
                     CASE WHEN r.valid_from <= ? THEN r.valid_from END DESC, r.valid_from \
                 LIMIT 1) r ON true \
             WHERE m.id = ?",
        )
        .bind::<Timestamptz, _>(placed_at)
        .bind::<Timestamptz, _>(placed_at)
        .bind::<BigInt, _>(merchant_id)
        .get_result(conn)?;
        let zone: Tz = zone.parse().unwrap_or(Tz::UTC);
        Ok(Self {
            day: placed_at.with_timezone(&zone).date_naive(),
            rules: Rules {
                precedence: precedence.as_deref().and_then(Precedence::parse).unwrap_or_default(),
                include_tax: include_tax.unwrap_or_default(),
                include_shipping: include_shipping.unwrap_or_default(),
            },
        })
    }
}
