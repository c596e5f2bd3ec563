//! Orders as WooCommerce sends them (shape of 10.9, wc/v3), signed.

use chrono::{DateTime, Utc};
use diesel::PgConnection;
use secrecy::SecretBox;
use serde_json::{Value, json};
use vouch::features::stores::{self, NewStore, Store, WebhookSecret};
use vouch::kit::audit::Actor;
use vouch::kit::secrets::Encryptor;
use vouch_core::platform::Platform;

use super::fixture::then;
use super::shopify::sign;
use super::{Page, SECRET_KEY, TestApp};

/// What signs the webhooks of WooCommerce stores.
pub(crate) const WOO_SECRET: &str = "woo-secret-of-the-tests-0123456789";

/// An order that is put together step by step.
#[derive(Clone, Debug)]
pub(crate) struct WooOrder(pub Value);

/// A time as WooCommerce writes it: in GMT, without saying so.
pub(crate) fn gmt(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S").to_string()
}

impl WooOrder {
    /// One line of 100.00 USD, paid, by a guest, without a code.
    pub(crate) fn new(id: u64, placed_at: DateTime<Utc>) -> Self {
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
    pub(crate) fn code(mut self, code: &str, dollars: u32) -> Self {
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
    pub(crate) fn with(mut self, field: &str, value: Value) -> Self {
        self.0[field] = value;
        self
    }

    /// As it was at a later time.
    #[must_use]
    pub(crate) fn at(self, at: DateTime<Utc>) -> Self {
        self.with("date_modified_gmt", json!(gmt(at)))
    }
}

impl WooOrder {
    /// One more line, paid in full: `cents` for all of it and `tax` on top. Its id is its place,
    /// counted from 1.
    #[must_use]
    pub(crate) fn line(mut self, sku: &str, quantity: u32, cents: i64, tax: i64) -> Self {
        let lines = self.0["line_items"].as_array_mut().unwrap();
        lines.push(json!({
            "id": lines.len() + 1, "name": format!("Tea {sku}"), "sku": sku, "quantity": quantity,
            "subtotal": decimal(cents), "total": decimal(cents), "total_tax": decimal(tax),
        }));
        self.add(cents + tax, tax)
    }

    /// Without any line yet.
    #[must_use]
    pub(crate) fn without_lines(self) -> Self {
        self.with("line_items", json!([]))
            .with("total", json!("0.00"))
            .with("total_tax", json!("0.00"))
    }

    /// With shipping, whose line has the id 70.
    #[must_use]
    pub(crate) fn shipping(self, cents: i64, tax: i64) -> Self {
        let line = json!([{ "id": 70, "total": decimal(cents), "total_tax": decimal(tax) }]);
        self.with("shipping_lines", line)
            .with("shipping_total", json!(decimal(cents)))
            .with("shipping_tax", json!(decimal(tax)))
            .add(cents + tax, tax)
    }

    /// A coupon that is named, and takes nothing off.
    #[must_use]
    pub(crate) fn named(self, code: &str) -> Self {
        let coupon = json!({ "id": 3, "code": code.to_lowercase(), "discount": "0" });
        self.with("coupon_lines", json!([coupon]))
    }

    fn add(mut self, cents: i64, tax: i64) -> Self {
        for (field, more) in [("total", cents), ("total_tax", tax)] {
            let so_far = self.0[field].as_str().unwrap().replace('.', "").parse::<i64>().unwrap();
            self.0[field] = json!(decimal(so_far + more));
        }
        self
    }
}

fn decimal(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100)
}

/// A refund as `GET orders/{id}/refunds` has it, put together step by step.
#[derive(Clone, Debug)]
pub(crate) struct WooRefund {
    pub id: u64,
    lines: Vec<Value>,
    shipping: Vec<Value>,
    fees: Vec<Value>,
    cents: i64,
    tax: i64,
}

impl WooRefund {
    /// Nothing goes back yet.
    pub(crate) fn new(id: u64) -> Self {
        Self { id, lines: Vec::new(), shipping: Vec::new(), fees: Vec::new(), cents: 0, tax: 0 }
    }

    /// So many of the line of that id, or only money of it.
    #[must_use]
    pub(crate) fn line(mut self, line_id: u64, quantity: u32, cents: i64, tax: i64) -> Self {
        let part = self.part(line_id, quantity, cents, tax);
        self.lines.push(part);
        self
    }

    /// Shipping.
    #[must_use]
    pub(crate) fn shipping(mut self, cents: i64, tax: i64) -> Self {
        let part = self.part(70, 0, cents, tax);
        self.shipping.push(part);
        self
    }

    /// A fee.
    #[must_use]
    pub(crate) fn fee(mut self, cents: i64, tax: i64) -> Self {
        let part = self.part(80, 0, cents, tax);
        self.fees.push(part);
        self
    }

    /// Money that is of no line.
    #[must_use]
    pub(crate) fn money(mut self, cents: i64) -> Self {
        self.cents += cents;
        self
    }

    fn part(&mut self, line_id: u64, quantity: u32, cents: i64, tax: i64) -> Value {
        self.cents += cents + tax;
        self.tax += tax;
        json!({
            "id": self.id * 10 + line_id, "quantity": -i64::from(quantity),
            "subtotal": decimal(-cents), "total": decimal(-cents), "total_tax": decimal(-tax),
            "meta_data": [
                { "id": 591, "key": "_refunded_item_id", "value": line_id.to_string() },
            ],
        })
    }

    /// As an order has it; the tax since 10.7.
    pub(crate) fn outline(&self, with_tax: bool) -> Value {
        let mut outline = json!({ "id": self.id, "reason": "", "total": decimal(-self.cents) });
        if with_tax {
            outline["total_tax"] = json!(decimal(-self.tax));
        }
        outline
    }

    /// As the list of refunds has it.
    pub(crate) fn whole(&self, at: DateTime<Utc>) -> Value {
        json!({
            "id": self.id, "date_created_gmt": gmt(at), "amount": decimal(self.cents),
            "reason": "", "refunded_by": 1, "refunded_payment": false, "meta_data": [],
            "line_items": self.lines, "shipping_lines": self.shipping, "tax_lines": [],
            "fee_lines": self.fees,
        })
    }
}

/// Connects a WooCommerce store to any program, with [`WOO_SECRET`].
pub(crate) fn connect_in(conn: &mut PgConnection, merchant_id: i64, address: &str) -> Store {
    let encryptor = Encryptor::new(&SecretBox::new(Box::new(SECRET_KEY)));
    let secret = WebhookSecret::parse(WOO_SECRET).unwrap();
    let actor = Actor::system(merchant_id, then());
    let platform = Platform::Woocommerce;
    let new = NewStore { platform, address, webhook_secret: Some(&secret) };
    stores::connect(conn, &actor, &encryptor, &new).unwrap()
}

impl TestApp {
    /// [`connect_in`] for the program.
    pub(crate) fn connect_woocommerce(&self, address: &str) -> Store {
        let merchant_id = self.fixture.merchant_id;
        self.within(|conn| Ok(connect_in(conn, merchant_id, address)))
    }

    /// Sends a message of a WooCommerce store, signed.
    pub(crate) fn woocommerce(&self, store: &Store, topic: &str, body: &Value) -> Page {
        let body = serde_json::to_vec(body).unwrap();
        let delivery = format!("{:032x}", rand::random::<u128>());
        self.woocommerce_raw(store, topic, &delivery, &body, &sign(WOO_SECRET, &body))
    }

    /// Raw bytes under any signature.
    pub(crate) fn woocommerce_raw(
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
