//! Keeps erased customers erased, whatever the store sends later. An erased order keeps its stored
//! customer. On other orders, an erased customer's email is replaced with its pseudonym.

use diesel::dsl::exists;
use diesel::prelude::*;
use vouch_core::email::EmailKey;
use vouch_core::order::snapshot::{OrderSnapshot, StoreEvent};

use super::batch::Batch;
use super::delivery::IncomingDelivery;
use crate::kit::db::schema::{deliveries, erased_emails, orders};

/// The fields of a report that identify a person.
#[derive(Clone, Debug, Default)]
struct CustomerFields {
    email: Option<String>,
    reference: Option<String>,
    name: Option<String>,
}

impl CustomerFields {
    fn of(report: &OrderSnapshot) -> Self {
        Self {
            email: report.customer_email.clone(),
            reference: report.customer_ref.clone(),
            name: report.customer_name.clone(),
        }
    }

    fn put_into(self, report: &mut OrderSnapshot) {
        report.customer_email = self.email;
        report.customer_ref = self.reference;
        report.customer_name = self.name;
    }
}

impl Batch {
    /// Removes an erased customer from the event. Returns whether the event is about one, since its
    /// body isn't stored then.
    pub(super) fn erase_customer(
        &mut self,
        conn: &mut PgConnection,
        store_id: i64,
        event: &mut StoreEvent,
    ) -> QueryResult<bool> {
        let Some(order_ref) = event.touches().map(str::to_owned) else { return Ok(false) };
        let known = self.known_order(conn, store_id, &order_ref)?;
        let as_known = known
            .as_ref()
            .filter(|known| known.is_erased)
            .map(|known| known.state.report.as_ref().map(CustomerFields::of).unwrap_or_default());
        self.orders.insert((store_id, order_ref), known);
        let report = match event {
            StoreEvent::Order(report) | StoreEvent::Restored(report) => report,
            _ => return Ok(as_known.is_some()),
        };
        let customer = match as_known {
            Some(customer) => Some(customer),
            None => self
                .pseudonym_of(conn, report.customer_email.as_deref())?
                .map(|email| CustomerFields { email: Some(email), ..CustomerFields::default() }),
        };
        let is_erased = customer.is_some();
        if let Some(customer) = customer {
            customer.put_into(report);
        }
        Ok(is_erased)
    }

    /// The pseudonym of the email, if its person was erased.
    fn pseudonym_of(
        &mut self,
        conn: &mut PgConnection,
        email: Option<&str>,
    ) -> QueryResult<Option<String>> {
        let Some(mailbox) = email.and_then(|email| EmailKey::parse(email).ok()) else {
            return Ok(None);
        };
        let merchant_id = self.merchant_id;
        let Some(pseudonyms) = self.merchant_pseudonyms(conn)? else { return Ok(None) };
        let (hash, pseudonym) = (pseudonyms.hash(&mailbox), pseudonyms.email(&mailbox));
        let erased = erased_emails::table.find((merchant_id, hash));
        let is_erased: bool = diesel::select(exists(erased)).get_result(conn)?;
        Ok(is_erased.then_some(pseudonym))
    }
}

/// The delivery without its body, to store it if its customer was erased.
pub(super) fn without_body(incoming: &IncomingDelivery) -> IncomingDelivery {
    IncomingDelivery { body_gzip: Vec::new(), ..incoming.clone() }
}

/// Marks an order whose customer isn't stored. If it was processed with its customer while the
/// erasure ran, the earlier bodies are deleted.
pub(super) fn mark(
    conn: &mut PgConnection,
    incoming: &IncomingDelivery,
    order_id: i64,
) -> QueryResult<()> {
    let marked = diesel::update(orders::table.find((incoming.merchant_id, order_id)))
        .filter(orders::erased_at.is_null())
        .set(orders::erased_at.eq(incoming.received_at))
        .execute(conn)?;
    if marked == 0 {
        return Ok(());
    }
    let bodies = deliveries::table
        .filter(deliveries::merchant_id.eq(incoming.merchant_id))
        .filter(deliveries::order_id.eq(order_id))
        .filter(deliveries::body_gzip.is_not_null());
    diesel::update(bodies)
        .set((
            deliveries::body_gzip.eq(None::<Vec<u8>>),
            deliveries::detail.eq(None::<&str>),
            deliveries::reason.eq(None::<serde_json::Value>),
        ))
        .execute(conn)
        .map(drop)
}
