use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Jsonb, Nullable};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::person::{Lookup, Person};
use crate::features::ingest::replay::unpack;
use crate::kit::audit::{Act, Actor, record};
use crate::kit::db::prepared;
use crate::kit::db::schema::{deliveries, merchants};

/// A large affiliate has many conversions.
const TIMEOUT: &str = "SET LOCAL statement_timeout = '80s'";

/// Rows of the merchant's as JSON, every column of them but secrets, keys that are only Vouch's own,
/// and what is made of other columns.
macro_rules! rows {
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

/// Sections of the file whose rows are found by the merchant and a list of keys.
const BY_KEYS: [(&str, Kind, &str); 15] = [
    (
        "orders",
        Kind::Order,
        rows!("SELECT * FROM orders WHERE merchant_id = ? AND id = ANY(?) ORDER BY id"),
    ),
    (
        "order_lines",
        Kind::Order,
        rows!(
            "SELECT * FROM order_lines WHERE merchant_id = ? AND order_id = ANY(?) ORDER BY order_id, position"
        ),
    ),
    (
        "order_codes",
        Kind::Order,
        rows!(
            "SELECT * FROM order_codes WHERE merchant_id = ? AND order_id = ANY(?) ORDER BY order_id, position"
        ),
    ),
    (
        "applications",
        Kind::Application,
        rows!("SELECT * FROM applications WHERE merchant_id = ? AND id = ANY(?) ORDER BY id"),
    ),
    (
        "affiliates",
        Kind::Affiliate,
        rows!("SELECT * FROM affiliates WHERE merchant_id = ? AND id = ANY(?) ORDER BY id"),
    ),
    (
        "affiliate_emails",
        Kind::Affiliate,
        rows!(
            "SELECT * FROM affiliate_emails WHERE merchant_id = ? AND affiliate_id = ANY(?) ORDER BY affiliate_id, kind, valid_from"
        ),
    ),
    (
        "affiliate_statuses",
        Kind::Affiliate,
        rows!(
            "SELECT * FROM affiliate_terms WHERE merchant_id = ? AND affiliate_id = ANY(?) ORDER BY affiliate_id, valid_from"
        ),
    ),
    (
        "conversion_triggers",
        Kind::Affiliate,
        rows!("SELECT * FROM triggers WHERE merchant_id = ? AND affiliate_id = ANY(?) ORDER BY id"),
    ),
    (
        "code_requests",
        Kind::Affiliate,
        rows!(
            "SELECT * FROM code_requests WHERE merchant_id = ? AND affiliate_id = ANY(?) ORDER BY id"
        ),
    ),
    (
        "conversions",
        Kind::Affiliate,
        rows!(
            "SELECT * FROM conversions WHERE merchant_id = ? AND affiliate_id = ANY(?) ORDER BY id"
        ),
    ),
    (
        "ledger",
        Kind::Affiliate,
        rows!(
            "SELECT e.* FROM commission_entries e JOIN conversions c ON c.merchant_id = e.merchant_id AND c.id = e.conversion_id WHERE c.merchant_id = ? AND c.affiliate_id = ANY(?) ORDER BY e.conversion_id, e.seq"
        ),
    ),
    (
        "customer_email_triggers",
        Kind::Trigger,
        rows!("SELECT * FROM triggers WHERE merchant_id = ? AND id = ANY(?) ORDER BY id"),
    ),
    (
        "invitations",
        Kind::Invitation,
        rows!("SELECT * FROM invitations WHERE merchant_id = ? AND id = ANY(?) ORDER BY id"),
    ),
    (
        "memberships",
        Kind::Login,
        rows!("SELECT * FROM members WHERE merchant_id = ? AND user_id = ANY(?)"),
    ),
    (
        "api_keys",
        Kind::Login,
        rows!("SELECT * FROM api_keys WHERE merchant_id = ? AND created_by = ANY(?) ORDER BY id"),
    ),
];

/// Whose keys a section is found by.
#[derive(Clone, Copy)]
enum Kind {
    Order,
    Application,
    Affiliate,
    Trigger,
    Invitation,
    Login,
}

impl Person {
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

/// Everything that is stored of a person in the actor's merchant, as JSON that people can read too:
/// one section for each place, times in UTC, amounts in minor units. The audit log keeps that it was
/// exported, not of whom. The emails that Vouch sent are the instance's: see
/// [`sent_emails`](super::sent_emails).
pub fn export(
    conn: &mut PgConnection,
    actor: &Actor,
    lookup: &Lookup,
) -> QueryResult<(Person, Map<String, Value>)> {
    conn.batch_execute(TIMEOUT)?;
    let merchant_id = actor.merchant_id;
    let person = Person::find(conn, merchant_id, lookup)?;
    let program: String = merchants::table.find(merchant_id).select(merchants::name).first(conn)?;
    let mut file = Map::new();
    file.insert("program".to_owned(), json!(program));
    file.insert("exported_at".to_owned(), json!(actor.now));
    file.insert("email_addresses".to_owned(), json!(person.spellings));
    file.insert("names".to_owned(), json!(person.names));
    for (section, kind, statement) in BY_KEYS {
        let rows: Value = prepared::<Jsonb>(statement)
            .bind::<BigInt, _>(merchant_id)
            .bind::<Array<BigInt>, _>(person.keys_of(kind))
            .get_result(conn)?;
        file.insert(section.to_owned(), rows);
    }
    file.insert("account".to_owned(), account(conn, &person)?);
    file.insert("audit_log".to_owned(), acts(conn, merchant_id, &person)?);
    file.insert("webhook_deliveries".to_owned(), messages(conn, merchant_id, &person)?);
    let act = Act {
        action: "person.exported",
        subject_kind: "person",
        subject_id: None,
        summary: "Exported a person’s data.".to_owned(),
        before: None,
        after: None,
    };
    record(conn, actor, act)?;
    Ok((person, file))
}

/// How they sign in, and since when they are signed in.
fn account(conn: &mut PgConnection, person: &Person) -> QueryResult<Value> {
    prepared::<Jsonb>(
        "SELECT coalesce(jsonb_agg(jsonb_build_object('name', u.name, 'email', u.email, \
             'created_at', u.created_at, 'two_factor_at', u.two_factor_at, \
             'sessions', (SELECT coalesce(jsonb_agg(jsonb_build_object( \
                 'created_at', s.created_at, 'seen_at', s.seen_at)), '[]') \
                 FROM sessions s WHERE s.user_id = u.id))), '[]') \
         FROM users u WHERE u.id = ?",
    )
    .bind::<Nullable<BigInt>, _>(person.login.as_ref().map(|login| login.id))
    .get_result(conn)
}

/// What they did, and what was done to them.
fn acts(conn: &mut PgConnection, merchant_id: i64, person: &Person) -> QueryResult<Value> {
    prepared::<Jsonb>(rows!(
        "SELECT * FROM audit_log WHERE merchant_id = ? AND (actor_user_id = ? \
             OR (subject_kind = 'affiliate' AND subject_id = ANY(?)) \
             OR (subject_kind = 'order' AND subject_id = ANY(?)) \
             OR (subject_kind = 'member' AND subject_id = ?)) ORDER BY id"
    ))
    .bind::<BigInt, _>(merchant_id)
    .bind::<Nullable<BigInt>, _>(person.login.as_ref().map(|login| login.id))
    .bind::<Array<BigInt>, _>(&person.affiliate_ids)
    .bind::<Array<BigInt>, _>(&person.order_ids)
    .bind::<Nullable<BigInt>, _>(person.login.as_ref().map(|login| login.id))
    .get_result(conn)
}

#[derive(Serialize)]
struct Message {
    topic: String,
    received_at: DateTime<Utc>,
    /// None where it's no longer kept.
    body: Option<Value>,
}

/// What stores sent of their orders, as far as it's still kept.
fn messages(conn: &mut PgConnection, merchant_id: i64, person: &Person) -> QueryResult<Value> {
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
