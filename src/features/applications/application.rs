use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::kit::db::schema::applications;

/// An answer to a custom field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FieldAnswer {
    /// The label of the field.
    pub(crate) label: String,
    /// May be empty.
    pub(crate) answer: String,
}

/// An application from the public page.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = applications)]
pub(crate) struct Application {
    pub(crate) id: i64,
    pub(crate) name: String,
    /// As typed.
    pub(crate) email: String,
    /// The requested code.
    pub(crate) code: Option<String>,
    /// Answers to the custom fields.
    pub(crate) answers: serde_json::Value,
    pub(crate) sent_at: DateTime<Utc>,
}

impl Application {
    /// The answers to the custom fields.
    pub(crate) fn answers(&self) -> Vec<FieldAnswer> {
        // They were serialized from the same type.
        let all: Vec<FieldAnswer> =
            serde_json::from_value(self.answers.clone()).unwrap_or_default();
        all.into_iter().filter(|one| !one.answer.is_empty()).collect()
    }

    /// The application that created an affiliate, if there is one.
    pub(crate) fn of_affiliate(
        conn: &mut PgConnection,
        merchant_id: i64,
        affiliate_id: i64,
    ) -> QueryResult<Option<Self>> {
        applications::table
            .filter(applications::merchant_id.eq(merchant_id))
            .filter(applications::affiliate_id.eq(affiliate_id))
            .select(Self::as_select())
            .first(conn)
            .optional()
    }
}
