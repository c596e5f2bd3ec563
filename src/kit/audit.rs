//! Who did what, when, to what: written in the transaction of the act itself.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};

use crate::kit::db::schema::audit_log;
use crate::kit::db::text_enum;

text_enum! {
    /// What kind of hand did something.
    pub enum ActorKind {
        /// Somebody who works for the merchant.
        Member = "member", "Member";
        /// An affiliate of the merchant.
        Affiliate = "affiliate", "Affiliate";
        /// Support staff of the installation.
        Support = "support", "Support";
        /// A program, by an API key.
        Api = "api", "API";
        /// Vouch itself.
        System = "system", "Vouch";
    }
}

/// Who acts, for which merchant, and when.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The merchant within which everything happens.
    pub merchant_id: i64,
    /// What kind of hand it is.
    pub kind: ActorKind,
    /// The person, if one acts.
    pub user_id: Option<i64>,
    /// The name as the log shows it, even after the person is gone.
    pub name: String,
    /// The network address of the request that asked for it, where a person's did.
    pub came_from: Option<String>,
    /// When the act takes place.
    pub now: DateTime<Utc>,
}

impl Actor {
    /// Vouch itself, for what no person decided.
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

/// What was done.
#[derive(Debug)]
pub struct Act<'a> {
    /// As noun.verb: `trigger.created`.
    pub action: &'a str,
    /// The noun: `trigger`.
    pub subject_kind: &'a str,
    /// Its key within the merchant.
    pub subject_id: Option<i64>,
    /// One sentence for people.
    pub summary: String,
    /// The changed fields as they were.
    pub before: Option<serde_json::Value>,
    /// The changed fields as they became.
    pub after: Option<serde_json::Value>,
}

/// Appends `act` to the merchant's audit log.
pub fn record(conn: &mut PgConnection, actor: &Actor, act: Act<'_>) -> QueryResult<()> {
    diesel::insert_into(audit_log::table)
        .values((
            audit_log::merchant_id.eq(actor.merchant_id),
            audit_log::at.eq(actor.now),
            audit_log::actor_kind.eq(actor.kind),
            audit_log::actor_user_id.eq(actor.user_id),
            audit_log::actor_name.eq(&actor.name),
            audit_log::came_from.eq(&actor.came_from),
            audit_log::action.eq(act.action),
            audit_log::subject_kind.eq(act.subject_kind),
            audit_log::subject_id.eq(act.subject_id),
            audit_log::summary.eq(act.summary),
            audit_log::before.eq(act.before),
            audit_log::after.eq(act.after),
        ))
        .execute(conn)?;
    Ok(())
}

/// Appends several acts at once; answers their keys, in order.
pub fn record_all(
    conn: &mut PgConnection,
    actor: &Actor,
    acts: Vec<Act<'_>>,
) -> QueryResult<Vec<i64>> {
    let rows: Vec<_> = acts
        .into_iter()
        .map(|act| {
            (
                audit_log::merchant_id.eq(actor.merchant_id),
                audit_log::at.eq(actor.now),
                audit_log::actor_kind.eq(actor.kind),
                audit_log::actor_user_id.eq(actor.user_id),
                audit_log::actor_name.eq(&actor.name),
                audit_log::came_from.eq(&actor.came_from),
                audit_log::action.eq(act.action),
                audit_log::subject_kind.eq(act.subject_kind),
                audit_log::subject_id.eq(act.subject_id),
                audit_log::summary.eq(act.summary),
                audit_log::before.eq(act.before),
                audit_log::after.eq(act.after),
            )
        })
        .collect();
    diesel::insert_into(audit_log::table).values(rows).returning(audit_log::id).get_results(conn)
}

/// Blanks the network addresses of acts before a time, a day ago at the latest, within the scope of the
/// transaction: retention. Answers how many.
pub fn forget_addresses(conn: &mut PgConnection, older_than: DateTime<Utc>) -> QueryResult<i64> {
    diesel::select(forget_audit_addresses(older_than)).get_result(conn)
}

/// Puts `substitute` in place of one person in the merchant's audit log and ledger: as the name of what
/// they did, and wherever one of `words` (their names and email addresses, of three characters or more)
/// stands whole. Amounts, times and acts stay, and a row says that it was done. Answers how many rows
/// changed. For transactions within one merchant.
pub fn erase_person(
    conn: &mut PgConnection,
    user_id: Option<i64>,
    words: &[String],
    substitute: &str,
) -> QueryResult<i64> {
    diesel::select(erase_from_records(user_id, words, substitute)).get_result(conn)
}

/// Takes the details out of what was done to a person, as an affiliate, as a member or with these orders,
/// and the network addresses out of what they did; puts `substitute` in place of `words` in the name of an
/// act without an account. Acts and times stay. For transactions within one
/// merchant. Answers how many rows changed.
pub fn erase_acts(
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

/// Blanks the network addresses in the log of the instance before a time, a day ago at the latest, within
/// `Scope::Instance`: retention. Answers how many.
pub fn forget_instance_ips(conn: &mut PgConnection, older_than: DateTime<Utc>) -> QueryResult<i64> {
    diesel::select(forget_instance_addresses(older_than)).get_result(conn)
}

/// Takes one person out of the log of the instance, within `Scope::Instance`: by their account, what
/// they did and why something was done to it; by `words`, reasons that name them. Answers how many rows
/// changed.
pub fn erase_from_instance(
    conn: &mut PgConnection,
    user_id: Option<i64>,
    words: &[String],
    substitute: &str,
) -> QueryResult<i64> {
    diesel::select(erase_from_instance_log(user_id, words, substitute)).get_result(conn)
}

#[diesel::declare_sql_function]
extern "SQL" {
    /// With the right of the schema's owner: the server itself can only append.
    fn forget_audit_addresses(older_than: Timestamptz) -> BigInt;
    /// As above.
    #[sql_name = "erase_acts"]
    fn erase_acts_about(
        user_id: Nullable<BigInt>,
        affiliate_ids: Array<BigInt>,
        order_ids: Array<BigInt>,
        words: Array<Text>,
        substitute: Text,
        erased: Timestamptz,
    ) -> BigInt;
    /// As above.
    fn forget_instance_addresses(older_than: Timestamptz) -> BigInt;
    /// As above.
    fn erase_from_instance_log(
        user_id: Nullable<BigInt>,
        words: Array<Text>,
        substitute: Text,
    ) -> BigInt;
    /// As above.
    fn erase_from_records(
        user_id: Nullable<BigInt>,
        words: Array<Text>,
        substitute: Text,
    ) -> BigInt;
}

/// One line of the log, as pages show it.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = audit_log)]
pub struct Entry {
    /// Its key within the merchant.
    pub id: i64,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// What kind of hand it was.
    pub actor_kind: ActorKind,
    /// Who it was.
    pub actor_name: String,
    /// As noun.verb.
    pub action: String,
    /// The act in one sentence.
    pub summary: String,
}

/// What happened to one subject, newest first.
pub fn history(
    conn: &mut PgConnection,
    merchant_id: i64,
    subject_kind: &str,
    subject_id: i64,
    limit: i64,
) -> QueryResult<Vec<Entry>> {
    audit_log::table
        .filter(audit_log::merchant_id.eq(merchant_id))
        .filter(audit_log::subject_kind.eq(subject_kind))
        .filter(audit_log::subject_id.eq(subject_id))
        .order(audit_log::id.desc())
        .limit(limit)
        .select(Entry::as_select())
        .load(conn)
}
