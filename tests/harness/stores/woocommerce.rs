//! A WooCommerce site as far as Vouch calls it (wc/v3 of 10.9).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use vouch_core::money::{Currency, Rate};
use vouch_platforms::woocommerce::{DiscountAmount, Rules};

use super::{MockStore, Platform, Reply, Request};
use crate::harness::woocommerce::{WooRefund, gmt};

pub(crate) const CONSUMER_KEY: &str = "ck_0123456789abcdef0123456789abcdef01234567";
pub(crate) const CONSUMER_SECRET: &str = "cs_0123456789abcdef0123456789abcdef01234567";

/// Ten percent, once per customer: what codes are created with.
pub(crate) fn ten_percent() -> Rules {
    Rules {
        takeoff: DiscountAmount::Percent { rate: Rate::percent(10) },
        currency: Currency::USD,
        minimum_minor: None,
        total_uses: None,
        uses_per_customer: Some(1),
        individual_use: false,
        exclude_sale_items: false,
        free_shipping: false,
    }
}

/// What the key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Permission {
    Read,
    ReadWrite,
    /// It was revoked.
    None,
}

/// The site.
pub(crate) struct WooSite {
    pub permission: Permission,
    /// What it counts in.
    pub currency: &'static str,
    /// Whether it lists the orders in its bin.
    pub lists_bin: bool,
    /// Coupons, in the order they were made.
    pub coupons: Vec<Value>,
    pub orders: Vec<Value>,
    /// Of every order, with the order's id as `parent_id`.
    pub refunds: Vec<Value>,
    /// Whether orders tell the tax of their refunds, as they do since 10.7.
    pub tells_refund_tax: bool,
    /// With their secrets, which WooCommerce does not tell.
    pub webhooks: Vec<Value>,
    next_id: u64,
}

impl WooSite {
    /// An empty one, on a port of its own.
    pub(crate) fn start() -> MockStore<Self> {
        MockStore::start(Self::new())
    }

    /// An empty one.
    pub(crate) fn new() -> Self {
        Self {
            permission: Permission::ReadWrite,
            currency: "USD",
            lists_bin: true,
            coupons: Vec::new(),
            orders: Vec::new(),
            refunds: Vec::new(),
            tells_refund_tax: false,
            webhooks: Vec::new(),
            next_id: 11,
        }
    }

    /// The codes it has, as it spells them.
    pub(crate) fn codes(&self) -> Vec<String> {
        self.coupons.iter().map(|coupon| coupon["code"].as_str().unwrap().to_owned()).collect()
    }

    /// Makes a coupon, as its owner could.
    pub(crate) fn add_coupon(&mut self, mut coupon: Value) -> Value {
        self.next_id += 1;
        let defaults = json!({
            "id": self.next_id, "amount": "0.00", "status": "publish", "discount_type": "fixed_cart",
            "description": "", "date_expires_gmt": null, "usage_count": 0, "individual_use": false,
            "product_ids": [], "excluded_product_ids": [], "usage_limit": null,
            "usage_limit_per_user": null, "limit_usage_to_x_items": null, "free_shipping": false,
            "product_categories": [], "excluded_product_categories": [],
            "exclude_sale_items": false, "minimum_amount": "0.00", "maximum_amount": "0.00",
            "email_restrictions": [], "meta_data": [],
        });
        for (name, value) in defaults.as_object().unwrap() {
            coupon.as_object_mut().unwrap().entry(name.clone()).or_insert_with(|| value.clone());
        }
        // Whatever was typed.
        coupon["code"] = json!(as_title(coupon["code"].as_str().unwrap()));
        self.coupons.push(coupon.clone());
        coupon
    }

    fn coupons(&mut self, request: &Request) -> Reply {
        if request.method == "GET" {
            let wanted = request.parameter("code").map(|code| as_title(&code));
            let found: Vec<&Value> = self
                .coupons
                .iter()
                .filter(|c| wanted.as_ref().is_none_or(|wanted| c["code"] == wanted.as_str()))
                .collect();
            return page(request, &found);
        }
        let coupon = request.json();
        let Some(code) = coupon["code"].as_str() else {
            return refusal(400, "rest_missing_callback_param", "Missing parameter(s): code");
        };
        if self.codes().contains(&as_title(code)) {
            return refusal(
                400,
                "woocommerce_rest_coupon_code_already_exists",
                "The coupon code already exists",
            );
        }
        Reply::json(201, &self.add_coupon(coupon))
    }

    fn orders(&self, request: &Request) -> Reply {
        let after = request.parameter("modified_after").unwrap_or_default();
        // Whoever names no status gets all but what is in the bin.
        let in_bin = request.parameter("status").is_some_and(|status| status == "trash");
        if in_bin && !self.lists_bin {
            return refusal(400, "rest_invalid_param", "Invalid parameter(s): status");
        }
        let mut found: Vec<&Value> = self
            .orders
            .iter()
            .filter(|order| modified(order) > after.as_str())
            .filter(|order| (order["status"] == "trash") == in_bin)
            .collect();
        found.sort_by_key(|order| modified(order).to_owned());
        page(request, &found)
    }

    /// Gives money back; answers the order as it is told then.
    pub(crate) fn refund(&mut self, order_id: u64, refund: &WooRefund, at: DateTime<Utc>) -> Value {
        let mut whole = refund.whole(at);
        whole["parent_id"] = json!(order_id);
        self.refunds.push(whole);
        let outline = refund.outline(self.tells_refund_tax);
        let order = self.order(order_id).unwrap();
        order["refunds"].as_array_mut().unwrap().push(outline);
        order["date_modified_gmt"] = json!(gmt(at));
        order.clone()
    }

    /// Deletes a refund. The order's time stays as it is.
    pub(crate) fn delete_refund(&mut self, order_id: u64, refund_id: u64) -> Value {
        self.refunds.retain(|refund| refund["id"] != refund_id);
        let order = self.order(order_id).unwrap();
        order["refunds"].as_array_mut().unwrap().retain(|refund| refund["id"] != refund_id);
        order.clone()
    }

    fn order(&mut self, id: u64) -> Option<&mut Value> {
        self.orders.iter_mut().find(|order| order["id"] == id)
    }

    fn refunds_of(&mut self, request: &Request, order_id: &str) -> Reply {
        let id = order_id.parse().unwrap_or_default();
        if self.order(id).is_none() {
            return refusal(404, "woocommerce_rest_order_invalid_id", "Invalid order ID.");
        }
        let mut found: Vec<&Value> =
            self.refunds.iter().filter(|refund| refund["parent_id"] == id).collect();
        // The newest comes first, unless another order is asked for.
        found.sort_by_key(|refund| refund["id"].as_u64());
        if request.parameter("order").is_none_or(|order| order == "desc") {
            found.reverse();
        }
        page(request, &found)
    }

    fn webhooks(&mut self, request: &Request, id: Option<u64>) -> Reply {
        let told = |webhook: &Value| {
            let mut told = webhook.clone();
            told.as_object_mut().unwrap().remove("secret");
            told
        };
        match (request.method.as_str(), id) {
            ("GET", _) => {
                let all: Vec<Value> = self.webhooks.iter().map(told).collect();
                page(request, &all.iter().collect::<Vec<_>>())
            }
            ("POST", _) => {
                let mut webhook = request.json();
                self.next_id += 1;
                webhook["id"] = json!(self.next_id);
                self.webhooks.push(webhook.clone());
                Reply::json(201, &told(&webhook))
            }
            (_, id) => {
                let Some(webhook) = self.webhooks.iter_mut().find(|w| w["id"].as_u64() == id)
                else {
                    return refusal(404, "woocommerce_rest_shop_webhook_invalid_id", "Invalid ID.");
                };
                for (name, value) in request.json().as_object().unwrap() {
                    webhook[name] = value.clone();
                }
                Reply::json(200, &told(webhook))
            }
        }
    }
}

impl Platform for WooSite {
    fn answer(&mut self, request: &Request) -> Reply {
        if request.path == "/wp-json/" {
            assert_eq!(request.header("authorization"), "", "the key is WooCommerce's alone");
            return Reply::json(200, &json!({ "name": "Acme Tea &amp; Mugs" }));
        }
        if request.path == "/wp-admin/post.php" {
            let id = request.parameter("post").and_then(|id| id.parse::<u64>().ok());
            let coupon = self.coupons.iter().find(|coupon| coupon["id"].as_u64() == id);
            return Reply::json(200, &json!(coupon));
        }
        let pair = STANDARD.encode(format!("{CONSUMER_KEY}:{CONSUMER_SECRET}"));
        let is_known = request.header("authorization") == format!("Basic {pair}");
        if !is_known || self.permission == Permission::None {
            let code = "woocommerce_rest_authentication_error";
            return refusal(401, code, "Consumer key is invalid.");
        }
        if request.method != "GET" && self.permission == Permission::Read {
            let code = "woocommerce_rest_authentication_error";
            let message = "The API key provided does not have write permissions.";
            return refusal(401, code, message);
        }
        let path = request.path.trim_start_matches("/wp-json/wc/v3/");
        match path.split('/').collect::<Vec<_>>()[..] {
            ["coupons"] => self.coupons(request),
            ["coupons", "batch"] => Reply::json(200, &json!([])),
            ["orders"] => self.orders(request),
            ["orders", id, "refunds"] => self.refunds_of(request, id),
            ["webhooks"] => self.webhooks(request, None),
            ["webhooks", id] => self.webhooks(request, id.parse().ok()),
            ["data", "currencies", "current"] => {
                Reply::json(200, &json!({ "code": self.currency }))
            }
            _ => refusal(
                404,
                "rest_no_route",
                "No route was found matching the URL and request method.",
            ),
        }
    }
}

fn refusal(status: u16, code: &str, message: &str) -> Reply {
    let body = json!({ "code": code, "message": message, "data": { "status": status } });
    Reply::json(status, &body)
}

fn modified(order: &Value) -> &str {
    order["date_modified_gmt"].as_str().unwrap()
}

fn page(request: &Request, rows: &[&Value]) -> Reply {
    let number = |name: &str, default: usize| {
        request.parameter(name).map_or(default, |text| text.parse::<usize>().unwrap())
    };
    let (size, page) = (number("per_page", 10), number("page", 1));
    assert!(size <= 100, "WordPress gives 100 at the most");
    let rows: Vec<&&Value> = rows.iter().skip(size * (page - 1)).take(size).collect();
    Reply::json(200, &json!(rows))
}

/// A code as WordPress keeps it, as the title of a post: marks of HTML encoded once, lower case.
fn as_title(code: &str) -> String {
    let plain = code.replace("&amp;", "&").to_lowercase();
    plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
