//! Orders as Shopify sends them (shape of API 2024-10 webhooks), signed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::SecretBox;
use serde_json::{Value, json};
use sha2::Sha256;
use vouch::features::stores::{self, Store, WebhookSecret};
use vouch::kit::audit::Actor;
use vouch::kit::secrets::Encryptor;

use super::fixture::{SHOP_SECRET, then};
use super::{Page, SECRET_KEY, TestApp};

/// base64 of HMAC-SHA-256 over the raw body.
pub(crate) fn sign(secret: &str, body: &[u8]) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    STANDARD.encode(mac.chain_update(body).finalize().into_bytes())
}

/// An order that is put together step by step.
#[derive(Clone, Debug)]
pub(crate) struct ShopifyOrder(pub Value);

fn money(amount: &str, currency: &str) -> Value {
    json!({
        "shop_money": { "amount": amount, "currency_code": currency },
        "presentment_money": { "amount": amount, "currency_code": currency },
    })
}

impl ShopifyOrder {
    /// One line of 100.00 USD, paid, by a shopper, without a code.
    pub(crate) fn new(id: u64, placed_at: DateTime<Utc>) -> Self {
        let at = placed_at.to_rfc3339();
        Self(json!({
            "id": id,
            "admin_graphql_api_id": format!("gid://shopify/Order/{id}"),
            "name": format!("#{}", id % 1_000_000),
            "order_number": id % 1_000_000,
            "test": false,
            "confirmed": true,
            "cancelled_at": null,
            "cancel_reason": null,
            "created_at": at,
            "updated_at": at,
            "processed_at": at,
            "currency": "USD",
            "presentment_currency": "USD",
            "financial_status": "paid",
            "taxes_included": false,
            "email": "shopper@customers.example",
            "contact_email": "shopper@customers.example",
            "customer": {
                "id": 115_310_627_314_723_954_u64,
                "email": "shopper@customers.example",
                "first_name": "Sia",
                "last_name": "Shopper",
            },
            "discount_codes": [],
            "discount_applications": [],
            "line_items": [],
            "shipping_lines": [],
            "refunds": [],
            "subtotal_price": "0.00",
            "total_discounts": "0.00",
            "total_line_items_price": "0.00",
            "total_price": "0.00",
            "total_tax": "0.00",
        }))
        .line("LEAVES", 1, "100.00")
    }

    /// Without any line yet.
    #[must_use]
    pub(crate) fn without_lines(mut self) -> Self {
        self.0["line_items"] = json!([]);
        self
    }

    /// One more line; its id follows from its place.
    #[must_use]
    pub(crate) fn line(mut self, sku: &str, quantity: u32, price: &str) -> Self {
        let currency = self.0["currency"].as_str().unwrap().to_owned();
        let lines = self.0["line_items"].as_array_mut().unwrap();
        lines.push(json!({
            "id": 466_157_049_000_000_000_u64 + lines.len() as u64,
            "sku": sku,
            "title": format!("Tea {sku}"),
            "name": format!("Tea {sku}"),
            "quantity": quantity,
            "current_quantity": quantity,
            "price": price,
            "price_set": money(price, &currency),
            "total_discount": "0.00",
            "tax_lines": [],
            "discount_allocations": [],
        }));
        self
    }

    /// A code that takes `amount` off the first line.
    #[must_use]
    pub(crate) fn code(mut self, code: &str, amount: &str) -> Self {
        let currency = self.0["currency"].as_str().unwrap().to_owned();
        let codes = self.0["discount_codes"].as_array_mut().unwrap();
        codes.push(json!({ "code": code, "amount": amount, "type": "fixed_amount" }));
        let applications = self.0["discount_applications"].as_array_mut().unwrap();
        let index = applications.len();
        applications.push(json!({
            "type": "discount_code", "code": code, "value": amount, "value_type": "fixed_amount",
            "target_type": "line_item", "target_selection": "all", "allocation_method": "across",
        }));
        let allocations = &mut self.0["line_items"][0]["discount_allocations"];
        allocations.as_array_mut().unwrap().push(json!({
            "amount": amount,
            "amount_set": money(amount, &currency),
            "discount_application_index": index,
        }));
        self
    }

    /// A code that only `discount_codes` knows, as on orders that were made from a draft: there the
    /// application is `manual`.
    #[must_use]
    pub(crate) fn draft_code(self, code: &str, amount: &str) -> Self {
        let mut order = self.code(code, amount);
        let applications = order.0["discount_applications"].as_array_mut().unwrap();
        let last = applications.last_mut().unwrap();
        last["type"] = json!("manual");
        last["title"] = json!("Agreed by telephone");
        last.as_object_mut().unwrap().remove("code");
        order
    }

    /// Placed by the customer of that address.
    #[must_use]
    pub(crate) fn email(self, email: &str) -> Self {
        self.with("email", json!(email)).with("contact_email", json!(email))
    }

    /// A field as Shopify would send it.
    #[must_use]
    pub(crate) fn with(mut self, field: &str, value: Value) -> Self {
        self.0[field] = value;
        self
    }

    /// In another currency.
    #[must_use]
    pub(crate) fn currency(mut self, currency: &str) -> Self {
        self.0["currency"] = json!(currency);
        self.0["presentment_currency"] = json!(currency);
        self
    }

    /// All its amounts in euros if they were in dollars, and the other way round.
    #[must_use]
    pub(crate) fn in_the_other_currency(self) -> Self {
        let (from, to) = if self.0["currency"] == "USD" {
            ("\"USD\"", "\"EUR\"")
        } else {
            ("\"EUR\"", "\"USD\"")
        };
        Self(serde_json::from_str(&self.0.to_string().replace(from, to)).unwrap())
    }

    /// As it was at a later time.
    #[must_use]
    pub(crate) fn updated_at(self, at: DateTime<Utc>) -> Self {
        self.with("updated_at", json!(at.to_rfc3339()))
    }

    /// Cancelled.
    #[must_use]
    pub(crate) fn cancelled_at(self, at: DateTime<Utc>) -> Self {
        self.with("cancelled_at", json!(at.to_rfc3339())).updated_at(at)
    }

    /// With a refund of `quantity` of line `line` (counted from 0), `amount` in all, at `at`.
    #[must_use]
    pub(crate) fn refunded(
        mut self,
        id: u64,
        line: usize,
        quantity: u32,
        amount: &str,
        at: DateTime<Utc>,
    ) -> Self {
        let refund = self.refund(id, line, quantity, amount, at);
        self.0["refunds"].as_array_mut().unwrap().push(refund);
        self.with("financial_status", json!("partially_refunded")).updated_at(at)
    }

    /// The body of refunds/create for the same.
    pub(crate) fn refund(
        &self,
        id: u64,
        line: usize,
        quantity: u32,
        amount: &str,
        at: DateTime<Utc>,
    ) -> Value {
        let currency = self.0["currency"].as_str().unwrap();
        json!({
            "id": id,
            "order_id": self.0["id"],
            "created_at": at.to_rfc3339(),
            "processed_at": at.to_rfc3339(),
            "note": null,
            "refund_line_items": [{
                "id": id * 10,
                "line_item_id": self.0["line_items"][line]["id"],
                "quantity": quantity,
                "subtotal": amount.parse::<f64>().unwrap(),
                "subtotal_set": money(amount, currency),
                "total_tax": 0,
                "total_tax_set": money("0.00", currency),
            }],
            "order_adjustments": [],
            "refund_shipping_lines": [],
            "transactions": [],
        })
    }
}

impl TestApp {
    /// Sends a message of the fixture's Shopify store, signed, with a delivery id of its own.
    pub(crate) fn shopify(&self, topic: &str, body: &Value) -> Page {
        let id = format!("{:032x}", rand::random::<u128>());
        self.shopify_as(topic, &id, body)
    }

    /// The same with a given delivery id.
    pub(crate) fn shopify_as(&self, topic: &str, delivery_id: &str, body: &Value) -> Page {
        let body = serde_json::to_vec(body).unwrap();
        self.shopify_raw(topic, delivery_id, &body, &sign(SHOP_SECRET, &body))
    }

    /// The same with further headers.
    pub(crate) fn shopify_with(&self, topic: &str, headers: &[(&str, &str)], body: &Value) -> Page {
        let body = serde_json::to_vec(body).unwrap();
        let signature = sign(SHOP_SECRET, &body);
        let id = format!("{:032x}", rand::random::<u128>());
        let mut all = vec![
            ("x-shopify-topic", topic),
            ("x-shopify-webhook-id", id.as_str()),
            ("x-shopify-hmac-sha256", signature.as_str()),
        ];
        all.extend_from_slice(headers);
        self.hook(&self.fixture.store_key, &all, &body)
    }

    /// Whatever headers and bytes, to the webhook address of any store.
    pub(crate) fn hook(&self, store_key: &str, headers: &[(&str, &str)], body: &[u8]) -> Page {
        self.anonymous().send(&format!("/hooks/shopify/{store_key}"), headers, body)
    }

    /// Connects a Shopify store to any program.
    pub(crate) fn connect_shop(&self, merchant_id: i64, address: &str, secret: &str) -> Store {
        let encryptor = Encryptor::new(&SecretBox::new(Box::new(SECRET_KEY)));
        let secret = WebhookSecret::parse(secret).unwrap();
        let actor = Actor::system(merchant_id, then());
        self.within_merchant(merchant_id, |conn| {
            Ok(stores::connect_shopify(conn, &actor, &encryptor, address, &secret).unwrap())
        })
    }

    /// Raw bytes under any signature.
    pub(crate) fn shopify_raw(
        &self,
        topic: &str,
        delivery_id: &str,
        body: &[u8],
        signature: &str,
    ) -> Page {
        let headers = [
            ("content-type", "application/json"),
            ("x-shopify-topic", topic),
            ("x-shopify-webhook-id", delivery_id),
            ("x-shopify-hmac-sha256", signature),
            ("x-shopify-shop-domain", "acme-tea.myshopify.com"),
        ];
        let path = format!("/hooks/shopify/{}", self.fixture.store_key);
        self.anonymous().send(&path, &headers, body)
    }
}
