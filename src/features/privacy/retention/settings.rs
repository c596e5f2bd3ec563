use std::ops::RangeInclusive;

use diesel::prelude::*;

use crate::features::audit::{Act, AuditEvent};
use crate::kit::audit::{Actor, SubjectKind, record};
use crate::kit::db::schema::retention_settings;
use crate::kit::db::text_enum;

text_enum! {
    /// Data that a merchant retains for a number of days.
    pub(crate) enum Period {
        /// Raw bodies of webhook deliveries that were processed.
        Bodies = "bodies", "Raw webhook bodies";
        FailedBodies = "failed_bodies", "Raw bodies of failed webhooks";
        /// Names and emails on orders.
        Customers = "customers", "Customer names and emails";
        /// IP addresses in the audit log.
        AuditIps = "audit_ips", "IP addresses in the audit log";
        /// Customers of a store that was disconnected.
        Disconnected = "disconnected", "Customers of a disconnected store";
    }
}

impl Period {
    /// The allowed number of days, as in the constraints of the columns.
    pub(crate) const fn range(self) -> RangeInclusive<i32> {
        match self {
            Self::Bodies | Self::FailedBodies => 1..=365,
            Self::Customers => 30..=3650,
            Self::AuditIps => 1..=3650,
            Self::Disconnected => 0..=365,
        }
    }
}

/// How many days a merchant keeps personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = retention_settings)]
pub struct Periods {
    pub bodies_days: i32,
    pub failed_bodies_days: i32,
    pub customers_days: i32,
    pub audit_ips_days: i32,
    pub disconnected_days: i32,
}

impl Default for Periods {
    /// Bodies stay long enough to replay the deliveries of last season.
    fn default() -> Self {
        Self {
            bodies_days: 120,
            failed_bodies_days: 120,
            customers_days: 730,
            audit_ips_days: 180,
            disconnected_days: 90,
        }
    }
}

impl Periods {
    pub(crate) fn days(&self, period: Period) -> i32 {
        match period {
            Period::Bodies => self.bodies_days,
            Period::FailedBodies => self.failed_bodies_days,
            Period::Customers => self.customers_days,
            Period::AuditIps => self.audit_ips_days,
            Period::Disconnected => self.disconnected_days,
        }
    }

    pub(crate) fn set(&mut self, period: Period, days: i32) {
        *match period {
            Period::Bodies => &mut self.bodies_days,
            Period::FailedBodies => &mut self.failed_bodies_days,
            Period::Customers => &mut self.customers_days,
            Period::AuditIps => &mut self.audit_ips_days,
            Period::Disconnected => &mut self.disconnected_days,
        } = days;
    }

    fn to_json(self) -> serde_json::Value {
        let fields = Period::ALL.iter().map(|period| {
            (format!("{}_days", period.as_str()), serde_json::json!(self.days(*period)))
        });
        serde_json::Value::Object(fields.collect())
    }
}

/// The merchant's periods, or the defaults.
pub(crate) fn load(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Periods> {
    let set = retention_settings::table
        .find(merchant_id)
        .select(Periods::as_select())
        .first(conn)
        .optional()?;
    Ok(set.unwrap_or_default())
}

/// Sets the merchant's periods. The background job applies them within an hour.
pub fn save(conn: &mut PgConnection, actor: &Actor, periods: Periods) -> QueryResult<()> {
    let before = load(conn, actor.merchant_id)?;
    if before == periods {
        return Ok(());
    }
    diesel::insert_into(retention_settings::table)
        .values((
            retention_settings::merchant_id.eq(actor.merchant_id),
            periods,
            retention_settings::updated_at.eq(actor.now),
        ))
        .on_conflict(retention_settings::merchant_id)
        .do_update()
        .set((periods, retention_settings::updated_at.eq(actor.now)))
        .execute(conn)?;
    let act = Act {
        before: Some(before.to_json()),
        after: Some(periods.to_json()),
        ..Act::new(AuditEvent::RetentionChanged, SubjectKind::Merchant, None)
    };
    record(conn, actor, act)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_allowed() {
        for period in Period::ALL {
            assert!(period.range().contains(&Periods::default().days(*period)), "{period}");
        }
    }
}
