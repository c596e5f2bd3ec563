//! what the control page does with a store of each platform.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::harness::bigcommerce::{message, sign as sign_message};
use crate::harness::shopify::{ShopifyOrder, sign};
use crate::harness::stores::bigcommerce::{self, Bigcommerce};
use crate::harness::stores::shopify::{CLIENT_SECRET, Shop};
use crate::harness::stores::woocommerce::{Permission, WooSite};
use crate::harness::stores::{Fault, Platform, Reply};
use crate::harness::woocommerce::{WooOrder, WooRefund, gmt};

/// What Vouch's credentials are good for.
pub(super) enum Access {
    Full,
    WithoutCodes,
    Revoked,
}

/// What happens to an order.
pub(super) enum Change {
    /// 100.00, of which the code takes 10.00 off.
    Sale {
        code: String,
    },
    /// 45.00 are given back.
    Refund,
    /// The last refund is taken back: deleted, or refused by the bank.
    RefundRemoval,
    Cancellation,
}

/// What a webhook sends.
pub(super) struct Message {
    pub to: String,
    pub topic: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

pub(super) trait Shelf: Platform {
    const NAME: &str;
    /// Stands in the calls that create a code.
    const CREATION: &str;

    fn holds(&self) -> Value;
    /// Somebody makes a code.
    fn add(&mut self, code: &str);
    fn let_in(&mut self, access: Access);
    /// What the webhooks say of a change; `None` where there is no such order.
    fn change(&mut self, id: i64, change: &Change, at: DateTime<Utc>) -> Option<Vec<Message>>;

    /// The store asks for a pause of three seconds.
    fn throttled() -> Fault {
        let limited = Reply { status: 429, headers: Vec::new(), body: String::new() };
        Fault::Instead(limited.header("retry-after", "3").header("x-retry-after", "3"))
    }
}

fn headers<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

fn new_id() -> String {
    format!("{:032x}", rand::random::<u128>())
}

impl Shelf for Shop {
    const NAME: &str = "shopify";
    const CREATION: &str = "discountCodeBasicCreate";

    fn holds(&self) -> Value {
        let discounts = self.discounts.iter().map(|discount| {
            json!({ "codes": discount.codes, "status": discount.status, "discount": discount.input })
        });
        let orders = self.orders.iter().map(|order| {
            json!({ "id": order["id"], "codes": order["discount_codes"], "refunds": order["refunds"] })
        });
        json!({
            "discounts": discounts.collect::<Vec<_>>(),
            "orders": orders.collect::<Vec<_>>(),
            "webhooks": self.webhooks,
        })
    }

    fn add(&mut self, code: &str) {
        self.add_discount(code, 0.2);
    }

    fn let_in(&mut self, access: Access) {
        let new = Self::new();
        (self.scopes, self.tokens, self.client) = (new.scopes, new.tokens, new.client);
        match access {
            Access::Full => {}
            Access::WithoutCodes => self.scopes.retain(|scope| !scope.ends_with("_discounts")),
            Access::Revoked => (self.tokens, self.client) = (Vec::new(), None),
        }
    }

    fn change(&mut self, id: i64, change: &Change, at: DateTime<Utc>) -> Option<Vec<Message>> {
        let held = || self.orders.iter().find(|order| order["id"] == id).cloned();
        let (order, topics) = match change {
            Change::Sale { code } => {
                let order = ShopifyOrder::new(id.cast_unsigned(), at)
                    .code(code, "10.00")
                    .with("total_discounts", json!("10.00"))
                    .with("total_price", json!("90.00"));
                (order, ["ORDERS_CREATE", "ORDERS_PAID"])
            }
            Change::Refund => {
                let refund_id = vouch::kit::clock::now().timestamp_millis().cast_unsigned();
                let order = ShopifyOrder(held()?).refunded(refund_id, 0, 1, "45.00", at);
                (order, ["REFUNDS_CREATE", "ORDERS_UPDATED"])
            }
            // Shopify has no such thing.
            Change::RefundRemoval => return None,
            Change::Cancellation => {
                (ShopifyOrder(held()?).cancelled_at(at), ["ORDERS_CANCELLED", "ORDERS_UPDATED"])
            }
        };
        self.put_order(&order);
        let told = topics.iter().flat_map(|topic| {
            self.webhooks.iter().filter(move |(_, of, _)| of == topic).map(|(_, topic, to)| {
                let body = match topic.as_str() {
                    "REFUNDS_CREATE" => order.0["refunds"].as_array().unwrap().last().unwrap(),
                    _ => &order.0,
                };
                let body = body.to_string().into_bytes();
                let topic = topic.to_lowercase().replacen('_', "/", 1);
                let headers = headers([
                    ("content-type", "application/json"),
                    ("x-shopify-topic", &topic),
                    ("x-shopify-webhook-id", &new_id()),
                    ("x-shopify-hmac-sha256", &sign(CLIENT_SECRET, &body)),
                    ("x-shopify-shop-domain", &self.domain),
                ]);
                Message { to: to.clone(), topic, headers, body }
            })
        });
        Some(told.collect())
    }

    fn throttled() -> Fault {
        Fault::shopify_throttled(3.0)
    }
}

impl Shelf for Bigcommerce {
    const NAME: &str = "bigcommerce";
    const CREATION: &str = "/codes";

    fn holds(&self) -> Value {
        json!({
            "promotions": self.promotions, "coupons": self.coupons, "orders": self.orders,
            "webhooks": self.hooks, "not as documented": self.faults,
        })
    }

    fn add(&mut self, code: &str) {
        let id = vouch::kit::clock::now().timestamp_millis();
        self.coupons.push(json!({
            "id": id, "name": code, "code": code, "type": "percentage_discount",
            "amount": "20.0000", "enabled": true, "num_uses": 0, "max_uses": 0,
            "max_uses_per_customer": 0,
        }));
    }

    fn let_in(&mut self, access: Access) {
        let new = Self::new();
        (self.token, self.denied) = (new.token, new.denied);
        match access {
            Access::Full => {}
            Access::WithoutCodes => self.denied = vec!["/v3/promotions", "/v2/coupons"],
            Access::Revoked => self.token = "revoked".to_owned(),
        }
    }

    fn change(&mut self, id: i64, change: &Change, at: DateTime<Utc>) -> Option<Vec<Message>> {
        if let Change::Sale { code } = change {
            self.orders.push(Self::order(id, code, at));
        }
        let order = self.orders.iter_mut().find(|order| order["order"]["id"] == id)?;
        order["order"]["date_modified"] = json!(at.to_rfc2822());
        let scope = match change {
            Change::Sale { .. } => "store/order/created",
            Change::Refund => {
                order["refunds"] = json!([{
                    "id": id + 1, "order_id": id, "created": at.to_rfc3339(), "total_amount": 45,
                    "total_tax": 0, "payments": [],
                    "items": [{ "item_type": "ORDER", "item_id": id, "requested_amount": "45.00" }],
                }]);
                "store/order/refund/created"
            }
            Change::RefundRemoval => {
                let payment = json!([{ "amount": 45, "is_declined": true }]);
                *order.pointer_mut("/refunds/0/payments")? = payment;
                "store/order/updated"
            }
            Change::Cancellation => {
                order["order"]["status_id"] = json!(5);
                order["order"]["status"] = json!("Cancelled");
                "store/order/statusUpdated"
            }
        };
        let is_told = |hook: &&Value| hook["scope"] == scope && hook["is_active"] == true;
        let told = self.hooks.iter().filter(is_told).map(|hook| {
            let body = message(scope, id).to_string().into_bytes();
            let (delivery, time) =
                (format!("msg_{}", new_id()), vouch::kit::clock::now().timestamp());
            let time = time.to_string();
            let signature = sign_message(bigcommerce::CLIENT_SECRET, &delivery, &time, &body);
            let mut headers = headers([
                ("content-type", "application/json"),
                ("webhook-id", &delivery),
                ("webhook-timestamp", &time),
                ("webhook-signature", &signature),
            ]);
            for (name, value) in hook["headers"].as_object().into_iter().flatten() {
                headers.push((name.clone(), value.as_str().unwrap().to_owned()));
            }
            let to = hook["destination"].as_str().unwrap().to_owned();
            Message { to, topic: scope.to_owned(), headers, body }
        });
        Some(told.collect())
    }
}

impl Shelf for WooSite {
    const NAME: &str = "woocommerce";
    const CREATION: &str = "created by Vouch";

    fn holds(&self) -> Value {
        json!({
            "coupons": self.coupons, "orders": self.orders, "refunds": self.refunds,
            "webhooks": self.webhooks,
        })
    }

    fn add(&mut self, code: &str) {
        self.add_coupon(json!({ "code": code, "discount_type": "percent", "amount": "20.00" }));
    }

    fn let_in(&mut self, access: Access) {
        self.permission = match access {
            Access::Full => Permission::ReadWrite,
            Access::WithoutCodes => Permission::Read,
            Access::Revoked => Permission::None,
        };
    }

    fn change(&mut self, id: i64, change: &Change, at: DateTime<Utc>) -> Option<Vec<Message>> {
        if let Change::Sale { code } = change {
            self.orders.push(WooOrder::new(id.cast_unsigned(), at).code(code, 10).0);
        }
        let order = self.orders.iter_mut().find(|order| order["id"] == id)?;
        let (order_id, refund_id) = (id.cast_unsigned(), id.cast_unsigned() + 1);
        let topic =
            if let Change::Sale { .. } = change { "order.created" } else { "order.updated" };
        let order = match change {
            Change::Sale { .. } => order.clone(),
            Change::Refund => {
                self.refund(order_id, &WooRefund::new(refund_id).line(1, 0, 4_500, 0), at)
            }
            Change::RefundRemoval => self.delete_refund(order_id, refund_id),
            Change::Cancellation => {
                order["status"] = json!("cancelled");
                order["date_modified_gmt"] = json!(gmt(at));
                order.clone()
            }
        };
        let body = order.to_string().into_bytes();
        let is_told = |hook: &&Value| hook["topic"] == topic && hook["status"] == "active";
        let told = self.webhooks.iter().filter(is_told).map(|hook| {
            let headers = headers([
                ("content-type", "application/json"),
                ("x-wc-webhook-topic", topic),
                ("x-wc-webhook-signature", &sign(hook["secret"].as_str().unwrap(), &body)),
                ("x-wc-webhook-delivery-id", &new_id()),
            ]);
            let to = hook["delivery_url"].as_str().unwrap().to_owned();
            Message { to, topic: topic.to_owned(), headers, body: body.clone() }
        });
        Some(told.collect())
    }
}
