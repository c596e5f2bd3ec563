use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use crate::kit::db::schema::applications;

/// A further field as it was filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The words above the field.
    pub label: String,
    /// What stood in it; may be empty.
    pub answer: String,
}

/// What was sent on the public page.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = applications)]
pub struct Application {
    /// Its key within the merchant.
    pub id: i64,
    /// What the applicant is called.
    pub name: String,
    /// As typed.
    pub email: String,
    /// The code that was wished for.
    pub code: Option<String>,
    /// Further fields.
    pub answers: serde_json::Value,
    /// When it was sent.
    pub sent_at: DateTime<Utc>,
    /// When the e-mail address was confirmed.
    pub confirmed_at: Option<DateTime<Utc>>,
}

impl Application {
    /// The further fields that were filled in.
    pub fn answers(&self) -> Vec<Answer> {
        // They were written from the same type.
        let all: Vec<Answer> = serde_json::from_value(self.answers.clone()).unwrap_or_default();
        all.into_iter().filter(|one| !one.answer.is_empty()).collect()
    }

    /// The application that made an affiliate, if one did.
    pub fn of_affiliate(
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
