use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Jsonb, Nullable};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use vouch_core::calendar::Calendar;

use super::person::{DataSubject, Lookup};
use crate::features::audit::{Act, AuditEvent, StoredEvent};
use crate::features::ingest::replay::unpack;
use crate::kit::audit::{Actor, SubjectKind, record};
use crate::kit::db::schema::{deliveries, merchants};
use crate::kit::db::statement::{Statement, statement};

/// Long, because an affiliate can have very many conversions.
const TIMEOUT: &str = "SET LOCAL statement_timeout = '80s'";

/// The merchant's rows as JSON, with every column except secrets, internal keys and derived columns.
macro_rules! as_json {
    ($from:literal) => {
        concat!(
            "SELECT coalesce(jsonb_agg(to_jsonb(t) - ARRAY['merchant_id', 'token_hash', \
                 'password_hash', 'two_factor_secret', 'two_factor_step', 'link_encrypted', \
                 'link_path', 'body_gzip', 'email_key', 'name_key', 'search', 'look_alike', \
                 'customer_email_key', 'lease', 'leased_until', 'key_hash']), '[]') FROM (",
            $from,
            ") t"
        )
    };
}

/// Reads rows of the merchant by a list of IDs.
type ByKeys = for<'a> fn(i64, &'a [i64]) -> Statement<'a>;

macro_rules! by_keys {
    ($from:literal) => {
        |merchant_id, ids| {
            statement!(as_json!($from), merchant_id: BigInt, ids: Array<BigInt>)
        }
    };
}

/// The sections whose rows are found by the merchant and a list of IDs.
const BY_KEYS: [(&str, Kind, ByKeys); 15] = [
    (
        "orders",
        Kind::Order,
        by_keys!(
            "SELECT * FROM orders \
             WHERE merchant_id = :merchant_id AND id = ANY(:ids) ORDER BY id"
        ),
    ),
    (
        "order_lines",
        Kind::Order,
        by_keys!(
            "SELECT * FROM order_lines \
             WHERE merchant_id = :merchant_id AND order_id = ANY(:ids) ORDER BY order_id, position"
        ),
    ),
    (
        "order_codes",
        Kind::Order,
        by_keys!(
            "SELECT * FROM order_codes \
             WHERE merchant_id = :merchant_id AND order_id = ANY(:ids) ORDER BY order_id, position"
        ),
    ),
    (
        "applications",
        Kind::Application,
        by_keys!(
            "SELECT * FROM applications \
             WHERE merchant_id = :merchant_id AND id = ANY(:ids) ORDER BY id"
        ),
    ),
    (
        "affiliates",
        Kind::Affiliate,
        by_keys!(
            "SELECT * FROM affiliates \
             WHERE merchant_id = :merchant_id AND id = ANY(:ids) ORDER BY id"
        ),
    ),
    (
        "affiliate_emails",
        Kind::Affiliate,
        by_keys!(
            "SELECT * FROM affiliate_emails \
             WHERE merchant_id = :merchant_id AND affiliate_id = ANY(:ids) ORDER BY affiliate_id, kind, valid_from"
        ),
    ),
    (
        "affiliate_statuses",
        Kind::Affiliate,
        by_keys!(
            "SELECT * FROM affiliate_terms \
             WHERE merchant_id = :merchant_id AND affiliate_id = ANY(:ids) ORDER BY affiliate_id, valid_from"
        ),
    ),
    (
        "conversion_triggers",
        Kind::Affiliate,
        by_keys!(
            "SELECT * FROM triggers \
             WHERE merchant_id = :merchant_id AND affiliate_id = ANY(:ids) ORDER BY id"
        ),
    ),
    (
        "code_requests",
        Kind::Affiliate,
        by_keys!(
            "SELECT * FROM code_requests \
             WHERE merchant_id = :merchant_id AND affiliate_id = ANY(:ids) ORDER BY id"
        ),
    ),
    (
        "conversions",
        Kind::Affiliate,
        by_keys!(
            "SELECT * FROM conversions \
             WHERE merchant_id = :merchant_id AND affiliate_id = ANY(:ids) ORDER BY id"
        ),
    ),
    (
        "ledger",
        Kind::Affiliate,
        by_keys!(
            "SELECT e.* FROM commission_entries e \
             JOIN conversions c ON c.merchant_id = e.merchant_id AND c.id = e.conversion_id \
             WHERE c.merchant_id = :merchant_id AND c.affiliate_id = ANY(:ids) ORDER BY e.conversion_id, e.seq"
        ),
    ),
    (
        "customer_email_triggers",
        Kind::Trigger,
        by_keys!(
            "SELECT * FROM triggers \
             WHERE merchant_id = :merchant_id AND id = ANY(:ids) ORDER BY id"
        ),
    ),
    (
        "invitations",
        Kind::Invitation,
        by_keys!(
            "SELECT * FROM invitations \
             WHERE merchant_id = :merchant_id AND id = ANY(:ids) ORDER BY id"
        ),
    ),
    (
        "memberships",
        Kind::Login,
        by_keys!("SELECT * FROM members WHERE merchant_id = :merchant_id AND user_id = ANY(:ids)"),
    ),
    (
        "api_keys",
        Kind::Login,
        by_keys!(
            "SELECT * FROM api_keys \
             WHERE merchant_id = :merchant_id AND created_by = ANY(:ids) ORDER BY id"
        ),
    ),
];

/// The kind of IDs that find a section's rows.
#[derive(Clone, Copy)]
enum Kind {
    Order,
    Application,
    Affiliate,
    Trigger,
    Invitation,
    Login,
}

impl DataSubject {
    fn keys_of(&self, kind: Kind) -> Vec<i64> {
        match kind {
            Kind::Order => self.order_ids.clone(),
            Kind::Application => self.application_ids.clone(),
            Kind::Affiliate => self.affiliate_ids.clone(),
            Kind::Trigger => self.trigger_ids.clone(),
            Kind::Invitation => self.invitation_ids.clone(),
            Kind::Login => self.login.iter().map(|login| login.id).collect(),
        }
    }
}

/// All stored data about a person in the actor's merchant, as readable JSON. It has one section per kind
/// of data, times in UTC and amounts in minor units.
///
/// The audit log records the export, but not the person. Emails that Vouch sent belong to the instance,
/// so [`sent_emails`](super::sent_emails) reads them.
pub(crate) fn export(
    conn: &mut PgConnection,
    actor: &Actor,
    lookup: &Lookup,
) -> QueryResult<(DataSubject, Map<String, Value>)> {
    conn.batch_execute(TIMEOUT)?;
    let merchant_id = actor.merchant_id;
    let person = DataSubject::find(conn, merchant_id, lookup)?;
    let program: String = merchants::table.find(merchant_id).select(merchants::name).first(conn)?;
    let mut file = Map::new();
    file.insert("program".to_owned(), json!(program));
    file.insert("exported_at".to_owned(), json!(actor.now));
    file.insert("email_addresses".to_owned(), json!(person.spellings));
    file.insert("names".to_owned(), json!(person.names));
    for (section, kind, by_keys) in BY_KEYS {
        let rows: Value =
            by_keys(merchant_id, &person.keys_of(kind)).scalar::<Jsonb>().get_result(conn)?;
        file.insert(section.to_owned(), rows);
    }
    file.insert("account".to_owned(), account(conn, &person)?);
    file.insert("audit_log".to_owned(), acts(conn, merchant_id, &person)?);
    file.insert("webhook_deliveries".to_owned(), messages(conn, merchant_id, &person)?);
    let act = Act::new(AuditEvent::PersonExported, SubjectKind::Person, None);
    record(conn, actor, act)?;
    Ok((person, file))
}

/// The person's account, with the start and last use of each session.
fn account(conn: &mut PgConnection, person: &DataSubject) -> QueryResult<Value> {
    statement!(
        "SELECT coalesce(jsonb_agg(jsonb_build_object('name', u.name, 'email', u.email, \
             'created_at', u.created_at, 'two_factor_at', u.two_factor_at, \
             'sessions', (SELECT coalesce(jsonb_agg(jsonb_build_object( \
                 'created_at', s.created_at, 'seen_at', s.seen_at)), '[]') \
                 FROM sessions s WHERE s.user_id = u.id))), '[]') \
         FROM users u WHERE u.id = :user_id",
        user_id: Nullable<BigInt> = person.login.as_ref().map(|login| login.id),
    )
    .scalar::<Jsonb>()
    .get_result(conn)
}

/// The audit log of the person's own actions, and of changes to their data.
fn acts(conn: &mut PgConnection, merchant_id: i64, person: &DataSubject) -> QueryResult<Value> {
    let mut rows: Value = statement!(
        as_json!(
            "SELECT * FROM audit_log WHERE merchant_id = :merchant_id \
                 AND (actor_user_id = :user_id \
                     OR (subject_kind = 'affiliate' AND subject_id = ANY(:affiliate_ids)) \
                     OR (subject_kind = 'order' AND subject_id = ANY(:order_ids)) \
                     OR (subject_kind = 'member' AND subject_id = :user_id)) ORDER BY id"
        ),
        merchant_id: BigInt,
        user_id: Nullable<BigInt> = person.login.as_ref().map(|login| login.id),
        affiliate_ids: Array<BigInt> = &person.affiliate_ids,
        order_ids: Array<BigInt> = &person.order_ids,
    )
    .scalar::<Jsonb>()
    .get_result(conn)?;
    for row in rows.as_array_mut().into_iter().flatten() {
        if let Ok(event) = StoredEvent::deserialize(&*row) {
            row["summary"] = event.text(Calendar::UTC).into();
        }
    }
    Ok(rows)
}

#[derive(Serialize)]
struct Message {
    topic: String,
    received_at: DateTime<Utc>,
    /// `None` if it's no longer stored.
    body: Option<Value>,
}

/// The webhook deliveries about the person's orders, with bodies that are still stored.
fn messages(conn: &mut PgConnection, merchant_id: i64, person: &DataSubject) -> QueryResult<Value> {
    let rows: Vec<(String, DateTime<Utc>, Option<Vec<u8>>)> = deliveries::table
        .filter(deliveries::merchant_id.eq(merchant_id))
        .filter(deliveries::order_id.eq_any(&person.order_ids))
        .order(deliveries::id)
        .select((deliveries::topic, deliveries::received_at, deliveries::body_gzip))
        .load(conn)?;
    let message = |(topic, received_at, body): (String, DateTime<Utc>, Option<Vec<u8>>)| {
        let body = body.as_deref().and_then(unpack).map(|body| {
            serde_json::from_slice(&body)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&body).into_owned()))
        });
        Message { topic, received_at, body }
    };
    let messages: Vec<Message> = rows.into_iter().map(message).collect();
    Ok(json!(messages))
}
