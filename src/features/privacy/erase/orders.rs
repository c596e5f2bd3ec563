//! Erases the customer data, raw bodies and attributions of a person's orders.

use std::collections::{BTreeMap, HashSet};
use std::io::Read;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz};
use flate2::read::GzDecoder;
use vouch_core::email::EmailKey;

use super::erasure::Erasure;
use super::outcome::Erased;
use super::patterns::escaped;
use super::words::NAME;
use crate::features::privacy::person::Lookup;
use crate::features::recalculations::orders_of_affiliate;
use crate::features::triggers::TriggerKind;
use crate::kit::db::schema::{affiliate_emails, deliveries, orders, triggers};
use crate::kit::db::statement::statement;
use crate::kit::pseudonyms::is_pseudonym;

/// How many deliveries without an order are searched at once.
const PORTION: i64 = 200;
/// How much of a body is searched, in bytes.
const BODY_LIMIT: u64 = 32 * 1024 * 1024;

/// What remains of an order's customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::features::privacy) enum Left<'a> {
    Nothing,
    /// Instead of their email.
    Pseudonym(&'a str),
    /// Their email, because it decides who earns. It belongs to an affiliate or a trigger.
    Address,
}

/// Removes the customer data from these orders.
pub(in crate::features::privacy) fn erase_customers(
    conn: &mut PgConnection,
    merchant_id: i64,
    order_ids: &[i64],
    left: Left<'_>,
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    let pseudonym = match left {
        Left::Pseudonym(email) => Some(email),
        Left::Nothing | Left::Address => None,
    };
    statement!(
        "UPDATE orders o SET customer_name = NULL, erased_at = coalesce(o.erased_at, :now), \
             customer_email = n.email, customer_email_key = n.key, \
             state = CASE WHEN jsonb_typeof(o.state -> 'report') = 'object' \
                 THEN jsonb_set(o.state, '{report}', (o.state -> 'report') \
                     || jsonb_build_object('customer_name', NULL, 'customer_ref', NULL, \
                         'customer_email', n.email)) \
                 ELSE o.state END \
         FROM (SELECT w.merchant_id, w.id, \
                 CASE WHEN :with_address THEN w.customer_email ELSE :pseudonym END AS email, \
                 CASE WHEN :with_address THEN w.customer_email_key ELSE :pseudonym END AS key \
             FROM orders w WHERE w.merchant_id = :merchant_id AND w.id = ANY(:order_ids)) n \
         WHERE o.merchant_id = n.merchant_id AND o.id = n.id",
        merchant_id: BigInt,
        order_ids: Array<BigInt>,
        with_address: Bool = left == Left::Address,
        pseudonym: Nullable<Text>,
        now: Timestamptz,
    )
    .execute(conn)
}

/// The keys of emails that decide who earns from orders. These are the affiliates' emails and those
/// of Customer Email triggers.
pub(in crate::features::privacy) fn deciding_addresses(
    conn: &mut PgConnection,
    merchant_id: i64,
) -> QueryResult<HashSet<String>> {
    let mut deciding: HashSet<String> = triggers::table
        .filter(triggers::merchant_id.eq(merchant_id))
        .filter(triggers::kind.eq(TriggerKind::CustomerEmail))
        .select(triggers::key)
        .load(conn)?
        .into_iter()
        .collect();
    let known: Vec<Vec<Option<String>>> = affiliate_emails::table
        .filter(affiliate_emails::merchant_id.eq(merchant_id))
        .select(affiliate_emails::emails)
        .load(conn)?;
    let keys =
        known.into_iter().flatten().flatten().filter_map(|email| EmailKey::parse(&email).ok());
    deciding.extend(keys.map(|key| key.as_str().to_owned()));
    Ok(deciding)
}

type WithoutBody = (
    diesel::dsl::Eq<deliveries::body_gzip, Option<Vec<u8>>>,
    diesel::dsl::Eq<deliveries::detail, Option<&'static str>>,
    diesel::dsl::Eq<deliveries::reason, Option<serde_json::Value>>,
);

fn without_body() -> WithoutBody {
    (deliveries::body_gzip.eq(None), deliveries::detail.eq(None), deliveries::reason.eq(None))
}

/// Deletes the bodies of the deliveries about these orders.
pub(in crate::features::privacy) fn erase_bodies(
    conn: &mut PgConnection,
    merchant_id: i64,
    order_ids: &[i64],
) -> QueryResult<usize> {
    let bodies = deliveries::table
        .filter(deliveries::merchant_id.eq(merchant_id))
        .filter(deliveries::order_id.eq_any(order_ids))
        .filter(deliveries::body_gzip.is_not_null());
    diesel::update(bodies).set(without_body()).execute(conn)
}

impl Erasure<'_> {
    /// Triggers keep crediting their affiliates, through the pseudonym.
    pub(super) fn erase_triggers(
        &self,
        conn: &mut PgConnection,
        erased: &mut Erased,
    ) -> QueryResult<()> {
        let rows: Vec<(i64, String, String)> = triggers::table
            .filter(triggers::merchant_id.eq(self.merchant_id()))
            .filter(triggers::kind.eq(TriggerKind::CustomerEmail))
            .filter(triggers::id.eq_any(&self.person.trigger_ids))
            .order(triggers::id)
            .for_update()
            .select((triggers::id, triggers::value, triggers::key))
            .load(conn)?;
        for (id, value, key) in rows {
            let Some(pseudonym) = self.replaced(&value) else { continue };
            // A trigger that lost its email to another trigger has a key that matches no email.
            let key =
                if key.contains(' ') { format!("{pseudonym} {id}") } else { pseudonym.clone() };
            diesel::update(triggers::table.find((self.merchant_id(), id)))
                .set((triggers::value.eq(pseudonym), triggers::key.eq(key)))
                .execute(conn)?;
            erased.triggers += 1;
        }
        Ok(())
    }

    pub(super) fn erase_orders(
        &self,
        conn: &mut PgConnection,
        lookup: &Lookup,
        erased: &mut Erased,
    ) -> QueryResult<()> {
        let rows: Vec<(i64, Option<String>)> = orders::table
            .filter(orders::merchant_id.eq(self.merchant_id()))
            .filter(orders::id.eq_any(&self.person.order_ids))
            .order(orders::id)
            .for_update()
            .select((orders::id, orders::customer_email_key))
            .load(conn)?;
        let mut groups: BTreeMap<Option<String>, Vec<i64>> = BTreeMap::new();
        for (id, key) in rows {
            groups.entry(key).or_default().push(id);
        }
        for (key, ids) in &groups {
            let pseudonym = key.as_deref().and_then(|key| self.replaced(key));
            let left = match (&pseudonym, key) {
                (Some(pseudonym), _) => Left::Pseudonym(pseudonym),
                // The order was being processed and has got its pseudonym in the meantime.
                (None, Some(key)) if is_pseudonym(key) => Left::Address,
                // The store assigns the order to them, but it has another email.
                (None, Some(key))
                    if deciding_addresses(conn, self.merchant_id())?.contains(key) =>
                {
                    Left::Address
                }
                (None, _) => Left::Nothing,
            };
            erased.orders += erase_customers(conn, self.merchant_id(), ids, left, self.actor.now)?;
        }
        let ids = &self.person.order_ids;
        erased.deliveries += erase_bodies(conn, self.merchant_id(), ids)?;
        erased.deliveries += self.erase_other_bodies(conn, lookup)?;
        self.erase_decisions(conn)?;
        self.erase_notes(conn)
    }

    /// Deletes the bodies of deliveries without an order that name the person, mostly failed ones.
    fn erase_other_bodies(&self, conn: &mut PgConnection, lookup: &Lookup) -> QueryResult<usize> {
        let emails = self.person.spellings.iter().chain(&self.person.mailboxes);
        let emails: Vec<String> = emails.map(|email| email.to_lowercase()).collect();
        let refs: Vec<&String> = lookup.orders.iter().flat_map(|(_, refs)| refs).collect();
        let (mut after, mut emptied) = (0, 0);
        loop {
            let portion: Vec<(i64, Vec<u8>)> = deliveries::table
                .filter(deliveries::merchant_id.eq(self.merchant_id()))
                .filter(deliveries::order_id.is_null())
                .filter(deliveries::body_gzip.is_not_null())
                .filter(deliveries::id.gt(after))
                .order(deliveries::id)
                .limit(PORTION)
                .select((deliveries::id, deliveries::body_gzip.assume_not_null()))
                .load(conn)?;
            let Some((last, _)) = portion.last() else { return Ok(emptied) };
            after = *last;
            let naming = portion.iter().filter(|(_, body)| names_any(body, &emails, &refs));
            let ids: Vec<i64> = naming.map(|(id, _)| *id).collect();
            let bodies = deliveries::table
                .filter(deliveries::merchant_id.eq(self.merchant_id()))
                .filter(deliveries::id.eq_any(ids));
            emptied += diesel::update(bodies).set(without_body()).execute(conn)?;
        }
    }

    /// Attributions contain names of affiliates, triggers and members. Only values that match
    /// completely are replaced.
    fn erase_decisions(&self, conn: &mut PgConnection) -> QueryResult<()> {
        let mut ids = self.person.order_ids.clone();
        for affiliate_id in &self.person.affiliate_ids {
            ids.extend(orders_of_affiliate(conn, self.merchant_id(), *affiliate_id)?);
        }
        ids.extend(self.orders_decided_manually(conn)?);
        ids.sort_unstable();
        ids.dedup();
        let json = |word: &str| escaped(&serde_json::to_string(word).unwrap_or_default());
        let names: Vec<String> = self.person.names.iter().map(|name| json(name)).collect();
        let mut patterns = BTreeMap::new();
        if !names.is_empty() {
            let keys = "name|affiliate|to|by|credited_by";
            patterns.insert(format!("(\"(?:{keys})\": )(?:{})", names.join("|")), NAME.to_owned());
        }
        for email in self.person.spellings.iter().chain(&self.person.mailboxes) {
            if let Some(pseudonym) = self.replaced(email) {
                patterns.insert(format!("(\"(?:value|through)\": ){}", json(email)), pseudonym);
            }
        }
        for portion in ids.chunks(1_000) {
            for (pattern, left) in &patterns {
                let left = format!("\\1\"{left}\"");
                statement!(
                    "UPDATE orders \
                     SET attribution = regexp_replace(attribution::text, :pattern, :left, 'gi')::jsonb, \
                         manual_credit = \
                             regexp_replace(manual_credit::text, :pattern, :left, 'gi')::jsonb \
                     WHERE merchant_id = :merchant_id AND id = ANY(:ids) \
                         AND (attribution::text ~* :pattern OR manual_credit::text ~* :pattern)",
                    merchant_id: BigInt = self.merchant_id(),
                    ids: Array<BigInt> = portion,
                    pattern: Text = pattern.as_str(),
                    left: Text = left.as_str(),
                )
                .execute(conn)?;
            }
        }
        Ok(())
    }

    /// Orders that a member credited manually, since their attribution contains the member's name.
    fn orders_decided_manually(&self, conn: &mut PgConnection) -> QueryResult<Vec<i64>> {
        if self.person.login.is_none() {
            return Ok(Vec::new());
        }
        orders::table
            .filter(orders::merchant_id.eq(self.merchant_id()))
            .filter(orders::manual_affiliate_id.is_not_null())
            .select(orders::id)
            .load(conn)
    }

    /// Deletes members' notes on their orders and conversions.
    fn erase_notes(&self, conn: &mut PgConnection) -> QueryResult<()> {
        statement!(
            "UPDATE conversions SET note = '', review_note = '' \
             WHERE merchant_id = :merchant_id \
                 AND (order_id = ANY(:order_ids) OR affiliate_id = ANY(:affiliate_ids)) \
                 AND (note <> '' OR review_note <> '')",
            merchant_id: BigInt = self.merchant_id(),
            order_ids: Array<BigInt> = &self.person.order_ids,
            affiliate_ids: Array<BigInt> = &self.person.affiliate_ids,
        )
        .execute(conn)?;
        statement!(
            "UPDATE orders SET fraud_note = CASE WHEN fraud_note IS NULL THEN NULL ELSE '' END, \
                 manual_credit = CASE WHEN manual_credit IS NULL THEN NULL \
                     ELSE jsonb_set(manual_credit, '{note}', '\"\"') END \
             WHERE merchant_id = :merchant_id \
                 AND (id = ANY(:order_ids) OR manual_affiliate_id = ANY(:affiliate_ids)) \
                 AND (fraud_note IS NOT NULL OR manual_credit IS NOT NULL)",
            merchant_id: BigInt = self.merchant_id(),
            order_ids: Array<BigInt> = &self.person.order_ids,
            affiliate_ids: Array<BigInt> = &self.person.affiliate_ids,
        )
        .execute(conn)?;
        let Some(login) = &self.person.login else { return Ok(()) };
        let denied = orders::table
            .filter(orders::merchant_id.eq(self.merchant_id()))
            .filter(orders::fraud_by.eq(&login.name));
        diesel::update(denied).set(orders::fraud_by.eq(NAME)).execute(conn)?;
        Ok(())
    }
}

/// Whether a body contains one of the emails, in any case, or one of the IDs as a whole value.
fn names_any(body_gzip: &[u8], emails: &[String], refs: &[&String]) -> bool {
    let mut body = Vec::new();
    if GzDecoder::new(body_gzip).take(BODY_LIMIT).read_to_end(&mut body).is_err() {
        return false;
    }
    let body = String::from_utf8_lossy(&body).to_lowercase();
    let is_part = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let stands_alone = |order_ref: &str| {
        body.match_indices(order_ref).any(|(at, _)| {
            let (before, after) = (&body[..at], &body[at + order_ref.len()..]);
            !is_part(before.chars().next_back()) && !is_part(after.chars().next())
        })
    };
    emails.iter().any(|email| body.contains(email)) || refs.iter().any(|one| stands_alone(one))
}
