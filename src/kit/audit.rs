//! The audit log: who did what, when and to what. Entries are written in the same transaction as
//! the change. `features/audit` has the events and their sentences.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::Error;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use serde::Serialize;
use serde_json::Value;

use crate::kit::db::schema::audit_log;
use crate::kit::db::text_enum;

text_enum! {
    /// The kind of an actor.
    pub enum ActorKind {
        /// A member of the merchant's team.
        Member = "member", "Member";
        /// An affiliate of the merchant.
        Affiliate = "affiliate", "Affiliate";
        /// Support staff of the instance.
        Support = "support", "Support";
        /// A client with an API key.
        Api = "api", "API";
        /// Vouch itself.
        System = "system", "Vouch";
    }
}

text_enum! {
    /// What an event was about.
    pub enum SubjectKind {
        /// A person who promotes the merchant.
        Affiliate = "affiliate", "Affiliates";
        /// A conversion trigger.
        Trigger = "trigger", "Conversion Triggers";
        /// A credited order.
        Conversion = "conversion", "Conversions";
        /// A store's order.
        Order = "order", "Orders";
        /// The commission of affiliates.
        Offer = "offer", "Offers";
        /// A code that earns nothing.
        Exclusion = "exclusion", "Coupon Exclusions";
        /// The application form.
        Registration = "registration", "Affiliate Registration";
        /// A connection to a store.
        Store = "store", "Stores";
        /// A webhook delivery.
        Delivery = "delivery", "Webhooks";
        /// A member of the team.
        Member = "member", "Members";
        /// An invitation to the team.
        Invitation = "invitation", "Invitations";
        /// A key of the REST API.
        ApiKey = "api_key", "API keys";
        /// A file with the program's data.
        Export = "export", "Exports";
        /// The data of one person.
        Person = "person", "Privacy";
        /// An email that support read.
        Email = "email", "Emails";
        /// The program itself.
        Merchant = "merchant", "Settings";
    }
}

/// The user or process that acts, for which merchant, and when.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The merchant whose rows the event changes.
    pub merchant_id: i64,
    pub kind: ActorKind,
    /// The user; none for Vouch itself or an API key.
    pub user_id: Option<i64>,
    /// The name as the log shows it, even after the user is deleted.
    pub name: String,
    /// The IP address of the user's request; none without a request.
    pub came_from: Option<String>,
    /// The time of the event.
    pub now: DateTime<Utc>,
}

impl Actor {
    /// Vouch itself, for events that no user caused.
    pub fn system(merchant_id: i64, now: DateTime<Utc>) -> Self {
        Self {
            merchant_id,
            kind: ActorKind::System,
            user_id: None,
            name: "Vouch".to_owned(),
            came_from: None,
            now,
        }
    }
}

/// An event to append to the log. `E` is an object with plain parameters, and with `action` as
/// noun.verb: `trigger.created`.
#[derive(Debug)]
pub struct AuditRecord<E> {
    pub event: E,
    /// The noun: `trigger`.
    pub subject_kind: SubjectKind,
    /// The subject's id within the merchant.
    pub subject_id: Option<i64>,
    /// The changed fields with their old values.
    pub before: Option<Value>,
    /// The changed fields with their new values.
    pub after: Option<Value>,
}

impl<E> AuditRecord<E> {
    /// An event that changed no field.
    pub(crate) fn new(event: E, subject_kind: SubjectKind, subject_id: Option<i64>) -> Self {
        Self { event, subject_kind, subject_id, before: None, after: None }
    }
}

/// A row to append.
#[derive(Insertable)]
#[diesel(table_name = audit_log)]
struct NewEntry<'a> {
    merchant_id: i64,
    at: DateTime<Utc>,
    actor_kind: ActorKind,
    actor_user_id: Option<i64>,
    actor_name: &'a str,
    came_from: Option<&'a str>,
    action: String,
    subject_kind: SubjectKind,
    subject_id: Option<i64>,
    params: Value,
    before: Option<Value>,
    after: Option<Value>,
}

impl<'a> NewEntry<'a> {
    fn new<E: Serialize>(actor: &'a Actor, act: AuditRecord<E>) -> QueryResult<Self> {
        let AuditRecord { event, subject_kind, subject_id, before, after } = act;
        let (action, params) = split(&event)?;
        Ok(Self {
            merchant_id: actor.merchant_id,
            at: actor.now,
            actor_kind: actor.kind,
            actor_user_id: actor.user_id,
            actor_name: &actor.name,
            came_from: actor.came_from.as_deref(),
            action,
            subject_kind,
            subject_id,
            params,
            before,
            after,
        })
    }
}

/// The action and the other parameters.
fn split<E: Serialize>(event: &E) -> QueryResult<(String, Value)> {
    let mut params =
        serde_json::to_value(event).map_err(|error| Error::SerializationError(Box::new(error)))?;
    match params.as_object_mut().and_then(|params| params.remove("action")) {
        Some(Value::String(action)) => Ok((action, params)),
        _ => Err(Error::SerializationError("an event has an action".into())),
    }
}

pub fn record<E: Serialize>(
    conn: &mut PgConnection,
    actor: &Actor,
    act: AuditRecord<E>,
) -> QueryResult<()> {
    let entry = NewEntry::new(actor, act)?;
    diesel::insert_into(audit_log::table).values(entry).execute(conn).map(drop)
}

/// Appends several events at once. Returns their ids, in order.
pub(crate) fn record_all<E: Serialize>(
    conn: &mut PgConnection,
    actor: &Actor,
    acts: Vec<AuditRecord<E>>,
) -> QueryResult<Vec<i64>> {
    let entries: Vec<_> =
        acts.into_iter().map(|act| NewEntry::new(actor, act)).collect::<QueryResult<_>>()?;
    diesel::insert_into(audit_log::table).values(entries).returning(audit_log::id).get_results(conn)
}

/// Retention: blanks the IP addresses of older entries within the transaction's scope. The newest
/// possible limit is one day ago. Returns the number of changed rows.
pub fn forget_addresses(conn: &mut PgConnection, older_than: DateTime<Utc>) -> QueryResult<i64> {
    diesel::select(forget_audit_addresses(older_than)).get_result(conn)
}

/// Replaces one person in the merchant's audit log and ledger with `substitute`. This covers the
/// actor's name and every whole-word match of `words`: names and emails of three or more
/// characters. Amounts, times and events stay, and an entry records the erasure. Runs in a
/// transaction within one merchant. Returns the number of changed rows.
pub fn erase_person(
    conn: &mut PgConnection,
    user_id: Option<i64>,
    words: &[String],
    substitute: &str,
) -> QueryResult<i64> {
    diesel::select(erase_from_records(user_id, words, substitute)).get_result(conn)
}

/// Erases the details of events about a person, as an affiliate, as a member or with these orders.
/// It also blanks the IP addresses of what they did. In actor names without an account, `words`
/// become `substitute`. Events and times stay. Runs in a transaction within one merchant. Returns
/// the number of changed rows.
pub(crate) fn erase_acts(
    conn: &mut PgConnection,
    user_id: Option<i64>,
    affiliate_ids: &[i64],
    order_ids: &[i64],
    (words, substitute): (&[String], &str),
    now: DateTime<Utc>,
) -> QueryResult<i64> {
    let about = erase_acts_about(user_id, affiliate_ids, order_ids, words, substitute, now);
    diesel::select(about).get_result(conn)
}

/// Retention: blanks the IP addresses of older entries in the instance's log, within
/// `Scope::Instance`. The newest possible limit is one day ago. Returns the number of changed rows.
pub(crate) fn forget_instance_ips(
    conn: &mut PgConnection,
    older_than: DateTime<Utc>,
) -> QueryResult<i64> {
    diesel::select(forget_instance_addresses(older_than)).get_result(conn)
}

/// Erases one person from the instance's log, within `Scope::Instance`. In events by their account it
/// replaces the actor's name and blanks the IP address. From events about the account it removes the
/// reason, and in other reasons it replaces `words`. Returns the number of changed rows.
pub(crate) fn erase_from_instance(
    conn: &mut PgConnection,
    user_id: Option<i64>,
    words: &[String],
    substitute: &str,
) -> QueryResult<i64> {
    diesel::select(erase_from_instance_log(user_id, words, substitute)).get_result(conn)
}

#[diesel::declare_sql_function]
extern "SQL" {
    /// These functions run with the rights of the schema's owner, because the server's role can
    /// only append to the log.
    fn forget_audit_addresses(older_than: Timestamptz) -> BigInt;
    #[sql_name = "erase_acts"]
    fn erase_acts_about(
        user_id: Nullable<BigInt>,
        affiliate_ids: Array<BigInt>,
        order_ids: Array<BigInt>,
        words: Array<Text>,
        substitute: Text,
        erased: Timestamptz,
    ) -> BigInt;
    fn forget_instance_addresses(older_than: Timestamptz) -> BigInt;
    fn erase_from_instance_log(
        user_id: Nullable<BigInt>,
        words: Array<Text>,
        substitute: Text,
    ) -> BigInt;
    fn erase_from_records(
        user_id: Nullable<BigInt>,
        words: Array<Text>,
        substitute: Text,
    ) -> BigInt;
}
