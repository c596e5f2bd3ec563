use std::collections::HashMap;

use diesel::prelude::*;
use serde_json::Value;

use super::labels::{ValueFormat, field};
use crate::features::settings::audit_log::log::AuditLine;
use crate::kit::db::schema::{affiliates, offers, triggers};

/// The names of recorded IDs.
#[derive(Default)]
pub(in super::super) struct Names {
    pub(super) offers: HashMap<i64, String>,
    pub(super) affiliates: HashMap<i64, String>,
    pub(super) triggers: HashMap<i64, String>,
}

impl Names {
    /// The names of the IDs in `lines`, within the merchant.
    pub(in super::super) fn of(
        conn: &mut PgConnection,
        merchant_id: i64,
        lines: &[AuditLine],
    ) -> QueryResult<Self> {
        let keys = |is_wanted: fn(ValueFormat) -> bool| -> Vec<i64> {
            let sides = lines.iter().flat_map(|line| [&line.before, &line.after]).flatten();
            let fields = sides.filter_map(Value::as_object).flatten();
            let of_kind =
                fields.filter(|(name, _)| field(name).is_some_and(|(_, shown)| is_wanted(shown)));
            of_kind.filter_map(|(_, value)| value.as_i64()).collect()
        };
        let mut names = Self::default();
        let of_offers = keys(|shown| matches!(shown, ValueFormat::Offer));
        if !of_offers.is_empty() {
            let rows = offers::table
                .filter(offers::merchant_id.eq(merchant_id).and(offers::id.eq_any(of_offers)))
                .select((offers::id, offers::name));
            names.offers = rows.load(conn)?.into_iter().collect();
        }
        let of_affiliates = keys(|shown| matches!(shown, ValueFormat::Affiliate));
        if !of_affiliates.is_empty() {
            let rows = affiliates::table
                .filter(affiliates::merchant_id.eq(merchant_id))
                .filter(affiliates::id.eq_any(of_affiliates))
                .select((affiliates::id, affiliates::name));
            names.affiliates = rows.load(conn)?.into_iter().collect();
        }
        let of_triggers = keys(|shown| matches!(shown, ValueFormat::Trigger));
        if !of_triggers.is_empty() {
            let rows = triggers::table
                .filter(triggers::merchant_id.eq(merchant_id))
                .filter(triggers::id.eq_any(of_triggers))
                .select((triggers::id, triggers::value));
            names.triggers = rows.load(conn)?.into_iter().collect();
        }
        Ok(names)
    }

    pub(super) fn name(&self, shown: ValueFormat, id: i64) -> String {
        let names = match shown {
            ValueFormat::Offer => &self.offers,
            ValueFormat::Affiliate => &self.affiliates,
            _ => &self.triggers,
        };
        names.get(&id).cloned().unwrap_or_else(|| "Deleted".to_owned())
    }
}
