use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;

use super::person::Lookup;
use crate::features::audit::{Act, AuditEvent};
use crate::kit::audit::{Actor, SubjectKind, record};
use crate::kit::db::schema::data_requests;
use crate::kit::lists::Count;
use vouch_core::email::EmailKey;

pub(super) fn act(event: AuditEvent, store_id: i64) -> Act {
    Act::new(event, SubjectKind::Store, Some(store_id))
}

/// A customer who requested their data, which the merchant sends them.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = data_requests)]
pub(crate) struct DataRequest {
    pub(crate) id: i64,
    pub(crate) store_id: i64,
    /// The customer's email. It's empty once the request is completed, or if the customer has none.
    pub(crate) email: String,
    order_refs: Vec<Option<String>>,
    pub(crate) received_at: DateTime<Utc>,
}

impl DataRequest {
    pub(crate) fn find(conn: &mut PgConnection, merchant_id: i64, id: i64) -> QueryResult<Self> {
        data_requests::table.find((merchant_id, id)).select(Self::as_select()).first(conn)
    }

    pub(crate) fn lookup(&self) -> Lookup {
        let order_refs = self.order_refs.iter().flatten().cloned().collect();
        Lookup {
            emails: vec![self.email.clone()],
            orders: Some((self.store_id, order_refs)),
            ..Lookup::default()
        }
    }

    /// The law gives a month.
    pub(crate) fn due_at(&self) -> DateTime<Utc> {
        self.received_at + chrono::Duration::days(30)
    }
}

/// Requests that wait for the merchant, the oldest first.
pub(crate) fn open(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Vec<DataRequest>> {
    data_requests::table
        .filter(data_requests::merchant_id.eq(merchant_id))
        .filter(data_requests::completed_at.is_null())
        .order(data_requests::id)
        .select(DataRequest::as_select())
        .load(conn)
}

/// How many requests wait for the merchant.
pub(crate) fn count_open(conn: &mut PgConnection, merchant_id: i64) -> QueryResult<Count> {
    let open = data_requests::table
        .filter(data_requests::merchant_id.eq(merchant_id))
        .filter(data_requests::completed_at.is_null())
        .select(data_requests::id);
    Count::of(conn, open.into_boxed::<Pg>())
}

/// Completes the requests of an erased person, because they can no longer be answered.
pub(super) fn close_of(
    conn: &mut PgConnection,
    actor: &Actor,
    mailboxes: &BTreeSet<String>,
) -> QueryResult<()> {
    for request in open(conn, actor.merchant_id)? {
        let key = EmailKey::parse(&request.email);
        if key.is_ok_and(|key| mailboxes.contains(key.as_str())) {
            complete(conn, actor, request.id)?;
        }
    }
    Ok(())
}

/// Records that the merchant has sent the customer their data, and deletes the customer's email and
/// order references.
pub(crate) fn complete(conn: &mut PgConnection, actor: &Actor, id: i64) -> QueryResult<()> {
    let store_id: i64 = diesel::update(data_requests::table.find((actor.merchant_id, id)))
        .filter(data_requests::completed_at.is_null())
        .set((
            data_requests::email.eq(""),
            data_requests::order_refs.eq(Vec::<Option<String>>::new()),
            data_requests::completed_at.eq(actor.now),
            data_requests::completed_by.eq(actor.user_id),
        ))
        .returning(data_requests::store_id)
        .get_result(conn)?;
    record(conn, actor, act(AuditEvent::DataRequestCompleted, store_id))
}
