//! Orders as WooCommerce sends them (shape of 10.9, wc/v3), signed.

use chrono::{DateTime, Utc};
use diesel::PgConnection;
use secrecy::SecretBox;
use serde_json::{Value, json};
use vouch::audit::Actor;
use vouch::secrets::Sealer;
use vouch::stores::{self, NewStore, Platform, Store, WebhookSecret};

use super::fixture::then;
use super::shopify::sign;
use super::{Page, SECRET_KEY, TestApp};

/// What signs the webhooks of WooCommerce stores.
pub const WOO_SECRET: &str = "woo-secret-of-the-tests-0123456789";

/// An order that is put together step by step.
#[derive(Clone, Debug)]
pub struct WooOrder(pub Value);

/// A time as WooCommerce writes it: in GMT, without saying so.
pub fn gmt(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S").to_string()
}

impl WooOrder {
    /// One line of 100.00 USD, paid, by a guest, without a code.
    pub fn new(id: u64, placed_at: DateTime<Utc>) -> Self {
        let at = gmt(placed_at);
        Self(json!({
            "id": id,
            "number": id.to_string(),
            "status": "processing",
            "currency": "USD",
            "prices_include_tax": false,
            "date_created_gmt": at,
            "date_modified_gmt": at,
            "date_paid_gmt": at,
            "discount_total": "0.00",
            "shipping_total": "0.00",
            "shipping_tax": "0.00",
            "total": "100.00",
            "total_tax": "0.00",
            "customer_id": 0,
            "billing": {
                "first_name": "Wanda", "last_name": "Web", "company": "",
                "email": "shopper@customers.example",
            },
            "line_items": [{
                "id": 1, "name": "Mug", "sku": "MUG", "quantity": 1, "subtotal": "100.00",
                "total": "100.00", "total_tax": "0.00", "price": 100,
            }],
            "shipping_lines": [],
            "fee_lines": [],
            "coupon_lines": [],
            "refunds": [],
        }))
    }

    /// A coupon that takes whole dollars off the line: in lower case and without cents, as
    /// WooCommerce has them.
    #[must_use]
    pub fn code(mut self, code: &str, dollars: u32) -> Self {
        self.0["line_items"][0]["total"] = json!(format!("{}.00", 100 - dollars));
        self.0["total"] = json!(format!("{}.00", 100 - dollars));
        self.0["coupon_lines"] = json!([{
            "id": 3, "code": code.to_lowercase(), "discount": dollars.to_string(),
            "discount_tax": "0", "discount_type": "percent", "nominal_amount": 10,
        }]);
        self
    }

    /// A field as WooCommerce would send it.
    #[must_use]
    pub fn with(mut self, field: &str, value: Value) -> Self {
        self.0[field] = value;
        self
    }

    /// As it was at a later time.
    #[must_use]
    pub fn at(self, at: DateTime<Utc>) -> Self {
        self.with("date_modified_gmt", json!(gmt(at)))
    }
}

/// Connects a WooCommerce store to any program, with [`WOO_SECRET`].
pub fn connect_in(conn: &mut PgConnection, merchant_id: i64, address: &str) -> Store {
    let sealer = Sealer::new(&SecretBox::new(Box::new(SECRET_KEY)));
    let secret = WebhookSecret::parse(WOO_SECRET).unwrap();
    let actor = Actor::system(merchant_id, then());
    let platform = Platform::Woocommerce;
    let new = NewStore { platform, address, webhook_secret: Some(&secret) };
    stores::connect(conn, &actor, &sealer, &new).unwrap()
}

impl TestApp {
    /// [`connect_in`] for the program.
    pub fn connect_woocommerce(&self, address: &str) -> Store {
        let merchant_id = self.fixture.merchant_id;
        self.within(|conn| Ok(connect_in(conn, merchant_id, address)))
    }

    /// Sends a message of a WooCommerce store, signed.
    pub fn woocommerce(&self, store: &Store, topic: &str, body: &Value) -> Page {
        let body = serde_json::to_vec(body).unwrap();
        let delivery = format!("{:032x}", rand::random::<u128>());
        self.woocommerce_raw(store, topic, &delivery, &body, &sign(WOO_SECRET, &body))
    }

    /// Raw bytes under any signature.
    pub fn woocommerce_raw(
        &self,
        store: &Store,
        topic: &str,
        delivery: &str,
        body: &[u8],
        signature: &str,
    ) -> Page {
        let headers = [
            ("content-type", "application/json"),
            ("x-wc-webhook-topic", topic),
            ("x-wc-webhook-signature", signature),
            ("x-wc-webhook-delivery-id", delivery),
        ];
        let path = format!("/hooks/woocommerce/{}", store.store_key);
        self.anonymous().send(&path, &headers, body)
    }
}
