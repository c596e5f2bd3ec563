use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;

use crate::kit::db::schema::code_requests;
use crate::kit::db::text_enum;
use crate::kit::lists::Count;

text_enum! {
    /// The status of a code request.
    pub enum CodeRequestStatus {
        /// Pending. It reserves its code.
        Pending = "pending", "Reserved";
        /// Approved. Its code became a trigger.
        Approved = "approved", "Approved";
        /// Denied by a member. The code is available again.
        Denied = "denied", "Denied";
        /// Withdrawn by the affiliate. The code is available again.
        Withdrawn = "withdrawn", "Withdrawn";
    }
}

text_enum! {
    /// Where a code was requested.
    pub enum CodeRequestOrigin {
        /// In an application, and decided together with it.
        Application = "application", "Application";
        /// By an affiliate in the portal, and decided separately.
        Portal = "portal", "Affiliate portal";
    }
}

impl CodeRequestStatus {
    /// The color of its badge.
    pub(crate) const fn tone(self) -> &'static str {
        match self {
            Self::Pending => "wait",
            Self::Approved => "good",
            Self::Denied | Self::Withdrawn => "off",
        }
    }
}

/// A coupon code that an affiliate requested.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = code_requests)]
pub struct CodeRequest {
    pub id: i64,
    pub affiliate_id: i64,
    /// As typed.
    pub code: String,
    /// The normalized form that codes are compared by.
    pub code_key: String,
    pub status: CodeRequestStatus,
    pub requested_at: DateTime<Utc>,
    pub origin: CodeRequestOrigin,
    /// Why it was denied, shown to the affiliate; may be empty.
    pub reason: String,
    /// When it was approved, denied or withdrawn; `None` while it's pending.
    pub decided_at: Option<DateTime<Utc>>,
    /// The trigger that approval created.
    pub trigger_id: Option<i64>,
}

impl CodeRequest {
    /// Whether it's an additional code that waits for its own decision.
    pub(crate) fn is_requested(&self) -> bool {
        self.status == CodeRequestStatus::Pending && self.origin == CodeRequestOrigin::Portal
    }

    /// Whether it's an additional code that was denied.
    pub(crate) fn is_denied_request(&self) -> bool {
        self.status == CodeRequestStatus::Denied && self.origin == CodeRequestOrigin::Portal
    }

    /// The pending codes of several affiliates: (affiliate, code).
    pub(crate) fn pending_of(
        conn: &mut PgConnection,
        merchant_id: i64,
        affiliate_ids: &[i64],
    ) -> QueryResult<Vec<(i64, String)>> {
        code_requests::table
            .filter(code_requests::merchant_id.eq(merchant_id))
            .filter(code_requests::affiliate_id.eq_any(affiliate_ids))
            .filter(code_requests::status.eq(CodeRequestStatus::Pending))
            .order(code_requests::id)
            .select((code_requests::affiliate_id, code_requests::code))
            .load(conn)
    }

    /// An affiliate's requests, the newest first.
    pub(crate) fn of_affiliate(
        conn: &mut PgConnection,
        merchant_id: i64,
        affiliate_id: i64,
        limit: i64,
    ) -> QueryResult<Vec<Self>> {
        code_requests::table
            .filter(code_requests::merchant_id.eq(merchant_id))
            .filter(code_requests::affiliate_id.eq(affiliate_id))
            .order(code_requests::id.desc())
            .limit(limit)
            .select(Self::as_select())
            .load(conn)
    }

    /// How many additional codes are pending.
    pub(crate) fn count_waiting(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Count> {
        Count::of(conn, waiting(merchant_id).select(code_requests::id).into_boxed::<Pg>())
    }
}

/// Additional codes that are pending.
#[diesel::dsl::auto_type]
pub(crate) fn waiting(merchant_id: i64) -> _ {
    let pending: CodeRequestStatus = CodeRequestStatus::Pending;
    let portal: CodeRequestOrigin = CodeRequestOrigin::Portal;
    code_requests::table
        .filter(code_requests::merchant_id.eq(merchant_id))
        .filter(code_requests::status.eq(pending))
        .filter(code_requests::origin.eq(portal))
}
