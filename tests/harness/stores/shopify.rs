//! A mock of Shopify's GraphQL Admin API 2026-10 and its token endpoint, with the texts of
//! recorded answers.

use std::time::Instant;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{Fault, MockStore, Platform, Reply, Request};
use crate::harness::shopify::ShopifyOrder;

/// An access token that a mock store accepts from the start.
pub(crate) const TOKEN: &str = "shpat_0123456789abcdef0123456789ab7d10";
/// The app of a mock store.
pub(crate) const CLIENT_ID: &str = "5c1ae2f0b3d94e7788990a1b2c3d4e5f";
/// Its secret.
pub(crate) const CLIENT_SECRET: &str = "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";

/// A discount with codes.
#[derive(Clone, Debug)]
pub(crate) struct Discount {
    pub id: String,
    /// `DiscountCodeBasic` and so on.
    pub kind: &'static str,
    /// As it was sent.
    pub input: Value,
    pub codes: Vec<String>,
    /// `ACTIVE`, `EXPIRED` or `SCHEDULED`.
    pub status: &'static str,
    pub used: u32,
}

/// What the mock store holds.
pub(crate) struct Shop {
    pub name: String,
    pub currency: String,
    pub domain: String,
    pub scopes: Vec<String>,
    /// Tokens that are good; an empty list is a removed app.
    pub tokens: Vec<String>,
    /// The app's client ID and secret; `None` once it was removed.
    pub client: Option<(String, String)>,
    /// How many tokens were granted.
    pub granted: usize,
    pub discounts: Vec<Discount>,
    /// Id, topic as in the API, address.
    pub webhooks: Vec<(String, String, String)>,
    /// Whether webhooks may go to http addresses, as they never do at Shopify.
    pub sends_to_http: bool,
    /// As their webhooks would say them.
    pub orders: Vec<Value>,
    /// Kind (`Product` or `Collection`), number, handle, title.
    pub items: Vec<(&'static str, u64, &'static str, &'static str)>,
    /// The bucket that calls are paid from.
    pub maximum: f64,
    pub restore_rate: f64,
    available: f64,
    paid_at: Instant,
    /// How many lines of an order or codes of a discount a page holds.
    pub page: usize,
    next_id: u64,
}

impl Shop {
    /// As an app finds it that was just installed.
    pub(crate) fn new() -> Self {
        let scopes = ["read_discounts", "write_discounts", "read_orders", "read_products"];
        Self {
            name: "Acme Tea".to_owned(),
            currency: "USD".to_owned(),
            domain: "acme-tea.myshopify.com".to_owned(),
            scopes: scopes.map(str::to_owned).to_vec(),
            tokens: vec![TOKEN.to_owned()],
            client: Some((CLIENT_ID.to_owned(), CLIENT_SECRET.to_owned())),
            granted: 0,
            discounts: Vec::new(),
            webhooks: Vec::new(),
            sends_to_http: false,
            orders: Vec::new(),
            items: vec![
                ("Collection", 488_001, "green-tea", "Green tea"),
                ("Product", 990_001, "sencha", "Sencha"),
                ("Product", 990_002, "matcha", "Matcha"),
            ],
            maximum: 2_000.0,
            restore_rate: 100.0,
            available: 2_000.0,
            paid_at: Instant::now(),
            page: 100,
            next_id: 1_660_207_006_002,
        }
    }

    /// Every code it holds, as spelt.
    pub(crate) fn codes(&self) -> Vec<String> {
        self.discounts.iter().flat_map(|discount| discount.codes.clone()).collect()
    }

    /// A discount that somebody made in the store's admin.
    pub(crate) fn add_discount(&mut self, code: &str, percentage: f64) -> String {
        let input = json!({
            "title": code, "code": code, "tags": [],
            "customerGets": { "value": { "percentage": percentage }, "items": { "all": true } },
        });
        self.hold("DiscountCodeBasic", input, vec![code.to_owned()])
    }

    /// A discount of any kind with any codes.
    pub(crate) fn hold(&mut self, kind: &'static str, input: Value, codes: Vec<String>) -> String {
        let id = format!("gid://shopify/DiscountCodeNode/{}", self.next_id);
        self.next_id += 1;
        let discount = Discount { id: id.clone(), kind, input, codes, status: "ACTIVE", used: 0 };
        self.discounts.push(discount);
        id
    }

    /// Takes an order as its webhook would say it; a later state of the same order replaces it.
    pub(crate) fn put_order(&mut self, order: &ShopifyOrder) {
        self.orders.retain(|held| held["id"] != order.0["id"]);
        self.orders.push(order.0.clone());
    }

    /// What its page in the admin would show.
    fn page_of_discount(&self, path: &str) -> Option<&Discount> {
        let id = path.strip_prefix("/admin/discounts/")?;
        self.discounts.iter().find(|discount| discount.id.rsplit('/').next() == Some(id))
    }

    fn grant(&mut self, request: &Request) -> Reply {
        let field = |name: &str| {
            let pairs = serde_html_form::from_str::<Vec<(String, String)>>(&request.body);
            let found = pairs.unwrap_or_default().into_iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value).unwrap_or_default()
        };
        if field("grant_type") != "client_credentials" {
            return Reply::json(400, &json!({ "error": "unsupported_grant_type" }));
        }
        if self.client != Some((field("client_id"), field("client_secret"))) {
            return Reply::json(400, &json!({ "error": "invalid_client" }));
        }
        self.granted += 1;
        let token = format!("shpca_{:028}{:04}", 0, self.granted);
        self.tokens.push(token.clone());
        let scope = self.scopes.join(",");
        Reply::json(200, &json!({ "access_token": token, "scope": scope, "expires_in": 86_399 }))
    }

    /// Pays for a call, or says that it cannot.
    fn pay(&mut self, cost: f64) -> Result<Value, Reply> {
        let restored = self.paid_at.elapsed().as_secs_f64() * self.restore_rate;
        self.paid_at = Instant::now();
        self.available = (self.available + restored).min(self.maximum);
        if cost > self.available {
            return Err(throttled(cost, self.available, self.restore_rate));
        }
        self.available -= cost;
        Ok(json!({ "cost": {
            "requestedQueryCost": cost, "actualQueryCost": cost,
            "throttleStatus": {
                "maximumAvailable": self.maximum,
                "currentlyAvailable": self.available.floor(),
                "restoreRate": self.restore_rate,
            },
        } }))
    }

    fn graphql(&mut self, request: &Request) -> Reply {
        if !self.tokens.iter().any(|token| token == request.header("x-shopify-access-token")) {
            let said =
                "[API] Invalid API key or access token (unrecognized login or wrong password)";
            return Reply::json(401, &json!({ "errors": said }));
        }
        let sent = request.json();
        let (query, given) = (sent["query"].as_str().unwrap_or_default(), &sent["variables"]);
        let operation = query.split([' ', '(', '{']).nth(1).unwrap_or_default();
        let cost = if query.starts_with("mutation") { 10.0 } else { 2.0 };
        let extensions = match self.pay(cost) {
            Ok(extensions) => extensions,
            Err(reply) => return reply,
        };
        let needed = match operation {
            "CreateCode" => "write_discounts",
            "FindCode" | "Codes" | "MoreCodes" => "read_discounts",
            "ChangedOrders" | "ReadOrder" | "MoreLines" | "ReadRefund" => "read_orders",
            "FindCollection" | "FindProduct" => "read_products",
            _ => "",
        };
        let root = root_of(query);
        if !needed.is_empty() && !self.scopes.iter().any(|scope| scope == needed) {
            return Reply::json(200, &access_denied(&root, needed, &extensions));
        }
        match self.data(operation, given) {
            Ok(data) => Reply::json(200, &json!({ "data": data, "extensions": extensions })),
            Err(error) => Reply::json(200, &json!({ "errors": [error] })),
        }
    }

    fn data(&mut self, operation: &str, given: &Value) -> Result<Value, Value> {
        Ok(match operation {
            "Access" => {
                let scopes = self.scopes.iter().map(|scope| json!({ "handle": scope }));
                json!({
                    "shop": {
                        "name": self.name,
                        "currencyCode": self.currency,
                        "myshopifyDomain": self.domain,
                    },
                    "currentAppInstallation": { "accessScopes": scopes.collect::<Vec<_>>() },
                })
            }
            "FindCode" => json!({ "codeDiscountNodeByCode": self.find_code(given) }),
            "CreateCode" => json!({ "discountCodeBasicCreate": self.create_code(given)? }),
            "Codes" => self.list_codes(given),
            "MoreCodes" => self.more_codes(given),
            "Webhooks" => {
                let nodes = self.webhooks.iter().map(|(id, topic, uri)| {
                    json!({ "id": id, "topic": topic, "uri": uri, "format": "JSON" })
                });
                let nodes: Vec<Value> = nodes.collect();
                json!({ "webhookSubscriptions": { "nodes": nodes, "pageInfo": last_page() } })
            }
            "CreateWebhook" => json!({ "webhookSubscriptionCreate": self.create_webhook(given) }),
            "DeleteWebhook" => {
                let id = given["id"].as_str().unwrap_or_default();
                self.webhooks.retain(|(held, _, _)| held != id);
                json!({ "webhookSubscriptionDelete": {
                    "deletedWebhookSubscriptionId": id, "userErrors": [],
                } })
            }
            "FindCollection" => json!({ "found": self.find_item("Collection", &given["of"]) }),
            "FindProduct" => json!({ "found": self.find_item("Product", &given["of"]) }),
            "ChangedOrders" => json!({ "orders": self.changed_orders(given) }),
            "ReadOrder" | "MoreLines" => json!({ "order": self.read_order(given) }),
            "ReadRefund" => json!({ "refund": self.read_refund(given) }),
            other => return Err(json!({ "message": format!("unknown operation {other}") })),
        })
    }

    fn find_code(&self, given: &Value) -> Value {
        let code = given["code"].as_str().unwrap_or_default().to_lowercase();
        let held = |discount: &&Discount| discount.codes.iter().any(|c| c.to_lowercase() == code);
        let found = self.discounts.iter().find(held);
        found.map_or(
            Value::Null,
            |discount| json!({ "id": discount.id, "codeDiscount": self.discount(discount, 0) }),
        )
    }

    /// A discount with a page of its codes.
    fn discount(&self, discount: &Discount, from: usize) -> Value {
        let input = &discount.input;
        let gets = &input["customerGets"];
        let percentage = gets["value"]["percentage"].as_f64();
        let percent = percentage.map_or(0.0, |part| (part * 1e4).round() / 100.0);
        let value = match percentage {
            Some(part) => json!({ "__typename": "DiscountPercentage", "percentage": part }),
            None => json!({
                "__typename": "DiscountAmount",
                "appliesOnEachItem": gets["value"]["discountAmount"]["appliesOnEachItem"],
                "amount": { "amount": gets["value"]["discountAmount"]["amount"] },
            }),
        };
        let items = [("all", "AllDiscountItems"), ("collections", "DiscountCollections")];
        let items = items.iter().find(|(kind, _)| !gets["items"][kind].is_null());
        let minimum = &input["minimumRequirement"];
        let minimum = if !minimum["subtotal"].is_null() {
            let from = &minimum["subtotal"]["greaterThanOrEqualToSubtotal"];
            json!({ "greaterThanOrEqualToSubtotal": { "amount": from } })
        } else if minimum.is_null() {
            Value::Null
        } else {
            minimum["quantity"].clone()
        };
        let combines = |kind: &str| input["combinesWith"][kind].as_bool().unwrap_or(false);
        json!({
            "__typename": discount.kind,
            "title": input["title"],
            "status": discount.status,
            "summary": format!("{percent}% off entire order"),
            "tags": input["tags"],
            "usageLimit": input["usageLimit"],
            "asyncUsageCount": discount.used,
            "appliesOncePerCustomer": input["appliesOncePerCustomer"].as_bool().unwrap_or(false),
            "combinesWith": {
                "orderDiscounts": combines("orderDiscounts"),
                "productDiscounts": combines("productDiscounts"),
                "shippingDiscounts": combines("shippingDiscounts"),
            },
            "minimumRequirement": minimum,
            "customerGets": {
                "appliesOnOneTimePurchase": gets["appliesOnOneTimePurchase"].as_bool().unwrap_or(true),
                "appliesOnSubscription": gets["appliesOnSubscription"].as_bool().unwrap_or(false),
                "items": { "__typename": items.map_or("DiscountProducts", |(_, name)| *name) },
                "value": value,
            },
            "codes": page_of(&discount.codes, from, self.page, |code| json!({ "code": code })),
        })
    }

    fn create_code(&mut self, given: &Value) -> Result<Value, Value> {
        let input = &given["discount"];
        if input["context"]["all"] != "ALL" {
            return Err(json!({
                "message": "Variable $discount of type DiscountCodeBasicInput! was provided invalid value",
                "locations": [{ "line": 1, "column": 21 }],
                "extensions": {
                    "code": "INVALID_VARIABLE",
                    "value": input,
                    "problems": [{ "path": ["context"], "explanation": "Expected value to not be null" }],
                },
            }));
        }
        if let Some((field, code, message)) = self.objection(input) {
            let errors = json!([{
                "field": ["basicCodeDiscount", field], "code": code, "message": message,
                "extraInfo": null,
            }]);
            return Ok(json!({ "codeDiscountNode": null, "userErrors": errors }));
        }
        let code = input["code"].as_str().unwrap_or_default().to_owned();
        self.hold("DiscountCodeBasic", input.clone(), vec![code]);
        let made = self.discounts.last().unwrap();
        let node = json!({ "id": made.id, "codeDiscount": self.discount(made, 0) });
        Ok(json!({ "codeDiscountNode": node, "userErrors": [] }))
    }

    fn objection(&self, input: &Value) -> Option<(&'static str, &'static str, &'static str)> {
        let Some(code) = input["code"].as_str() else {
            return Some(("code", "BLANK", "Code can't be blank"));
        };
        let taken = self.codes().iter().any(|held| held.to_lowercase() == code.to_lowercase());
        let percentage = &input["customerGets"]["value"]["percentage"];
        if code.is_empty() {
            Some(("code", "TOO_SHORT", "Code is too short (minimum is 1 character)"))
        } else if code.chars().count() > 255 {
            Some(("code", "TOO_LONG", "Code is too long (maximum is 255 characters)"))
        } else if code.contains('\n') {
            Some(("code", "INVALID", "Code cannot contain newline characters."))
        } else if taken {
            Some(("code", "TAKEN", "Code must be unique. Please try a different code."))
        } else if input["title"].as_str().is_none_or(str::is_empty) {
            Some(("title", "BLANK", "Title can't be blank"))
        } else if percentage.as_f64().is_some_and(|part| !(0.0..=1.0).contains(&part)) {
            Some(("customerGets", "VALUE_OUTSIDE_RANGE", "Value must be between 0.0 and 1.0"))
        } else if input["usageLimit"] == 0 {
            Some(("usageLimit", "GREATER_THAN", "Usage limit must be greater than 0"))
        } else {
            None
        }
    }

    fn list_codes(&self, given: &Value) -> Value {
        let from = offset(&given["after"]);
        let node = |one: &Discount| json!({ "id": one.id, "discount": self.discount(one, 0) });
        json!({ "discountNodes": page_of(&self.discounts, from, self.page.min(25), node) })
    }

    fn more_codes(&self, given: &Value) -> Value {
        let found = self.discounts.iter().find(|discount| given["id"] == discount.id.as_str());
        json!({ "discountNode": found.map(|one| {
            json!({ "id": one.id, "discount": self.discount(one, offset(&given["after"])) })
        }) })
    }

    fn create_webhook(&mut self, given: &Value) -> Value {
        let uri = given["webhook"]["uri"].as_str().unwrap_or_default();
        if !self.sends_to_http && !uri.starts_with("https://") {
            let field = ["webhookSubscription", "callbackUrl"];
            let message = "Address protocol http:// is not supported";
            let errors = json!([{ "field": field, "message": message }]);
            return json!({ "webhookSubscription": null, "userErrors": errors });
        }
        let id = format!("gid://shopify/WebhookSubscription/{}", self.next_id);
        self.next_id += 1;
        let topic = given["topic"].as_str().unwrap_or_default().to_owned();
        self.webhooks.push((id.clone(), topic, uri.to_owned()));
        json!({ "webhookSubscription": { "id": id }, "userErrors": [] })
    }

    fn find_item(&self, kind: &str, of: &Value) -> Value {
        let gid = |id: u64| format!("gid://shopify/{kind}/{id}");
        let found = self.items.iter().find(|(held, id, handle, _)| {
            *held == kind && (of["id"] == gid(*id).as_str() || of["handle"] == *handle)
        });
        found.map_or(Value::Null, |(_, id, _, title)| json!({ "id": gid(*id), "title": title }))
    }

    fn changed_orders(&self, given: &Value) -> Value {
        // updated_at:>='2026-03-01T00:00:00Z' updated_at:<='2026-03-02T00:00:00Z'
        let times: Vec<DateTime<Utc>> = given["query"]
            .as_str()
            .unwrap_or_default()
            .split('\'')
            .filter_map(|part| part.parse().ok())
            .collect();
        let changed = |order: &Value| -> DateTime<Utc> {
            order["updated_at"].as_str().unwrap().parse().unwrap()
        };
        let mut orders: Vec<&Value> = self
            .orders
            .iter()
            .filter(|order| (times[0]..=times[1]).contains(&changed(order)))
            .collect();
        orders.sort_by_key(|order| changed(order));
        page_of(
            &orders,
            offset(&given["after"]),
            self.page.min(10),
            |order| json!({ "id": gid("Order", &order["id"]), "updatedAt": changed(order).to_rfc3339() }),
        )
    }

    fn read_order(&self, given: &Value) -> Value {
        let found =
            self.orders.iter().find(|order| given["id"] == gid("Order", &order["id"]).as_str());
        let Some(order) = found else { return Value::Null };
        let applications = &order["discount_applications"];
        let lines: Vec<&Value> = each(&order["line_items"]).collect();
        let refunds =
            each(&order["refunds"]).map(|refund| json!({ "id": gid("Refund", &refund["id"]) }));
        let customer = &order["customer"];
        json!({
            "id": gid("Order", &order["id"]),
            "name": order["name"],
            "currencyCode": order["currency"],
            "createdAt": utc(&order["created_at"]),
            "processedAt": utc(&order["processed_at"]),
            "updatedAt": utc(&order["updated_at"]),
            "cancelledAt": utc(&order["cancelled_at"]),
            "test": order["test"],
            "displayFinancialStatus":
                order["financial_status"].as_str().unwrap_or("pending").to_uppercase(),
            "taxesIncluded": order["taxes_included"],
            "email": order["email"],
            "customer": if customer.is_null() { Value::Null } else { json!({
                "id": gid("Customer", &customer["id"]),
                "firstName": customer["first_name"],
                "lastName": customer["last_name"],
                "defaultEmailAddress": { "emailAddress": customer["email"] },
            }) },
            "billingAddress": null,
            "totalDiscountsSet": plain(&order["total_discounts"], order),
            "totalTaxSet": plain(&order["total_tax"], order),
            "totalPriceSet": plain(&order["total_price"], order),
            "discountCodes":
                each(&order["discount_codes"]).map(|code| code["code"].clone()).collect::<Vec<_>>(),
            "lineItems": page_of(&lines, offset(&given["after"]), self.page, |line| json!({
                "id": gid("LineItem", &line["id"]),
                "name": line["name"],
                "sku": line["sku"],
                "quantity": line["quantity"],
                "currentQuantity": line["current_quantity"],
                "originalUnitPriceSet": camel(&line["price_set"]),
                "totalDiscountSet": plain(&line["total_discount"], order),
                "discountAllocations": allocations(line, applications),
                "taxLines": taxes(line),
            })),
            "shippingLines": { "nodes": each(&order["shipping_lines"]).map(|line| json!({
                "isRemoved": line["is_removed"].as_bool().unwrap_or(false),
                "originalPriceSet": camel(&line["price_set"]),
                "discountedPriceSet": camel(&line["discounted_price_set"]),
                "discountAllocations": allocations(line, applications),
                "taxLines": taxes(line),
            })).collect::<Vec<_>>() },
            "refunds": refunds.collect::<Vec<_>>(),
        })
    }

    fn read_refund(&self, given: &Value) -> Value {
        let mut refunds = self.orders.iter().flat_map(|order| each(&order["refunds"]));
        let found = refunds.find(|refund| given["id"] == gid("Refund", &refund["id"]).as_str());
        let Some(refund) = found else { return Value::Null };
        let lines: Vec<&Value> = each(&refund["refund_line_items"]).collect();
        json!({
            "id": gid("Refund", &refund["id"]),
            "createdAt": utc(&refund["created_at"]),
            "processedAt": utc(&refund["processed_at"]),
            "refundLineItems": page_of(&lines, offset(&given["after"]), self.page, |line| json!({
                "lineItem": { "id": gid("LineItem", &line["line_item_id"]) },
                "quantity": line["quantity"],
                "subtotalSet": camel(&line["subtotal_set"]),
                "totalTaxSet": camel(&line["total_tax_set"]),
            })),
            "refundShippingLines": { "nodes": each(&refund["refund_shipping_lines"]).map(|line| json!({
                "subtotalAmountSet": camel(&line["subtotal_amount_set"]),
                "taxAmountSet": camel(&line["tax_amount_set"]),
            })).collect::<Vec<_>>() },
            "orderAdjustments": { "nodes": each(&refund["order_adjustments"]).map(|one| json!({
                "amountSet": camel(&one["amount_set"]),
                "taxAmountSet": camel(&one["tax_amount_set"]),
            })).collect::<Vec<_>>() },
        })
    }
}

impl Platform for Shop {
    fn answer(&mut self, request: &Request) -> Reply {
        match request.path.as_str() {
            "/admin/oauth/access_token" => self.grant(request),
            "/admin/api/2026-10/graphql.json" => self.graphql(request),
            path => match self.page_of_discount(path) {
                Some(discount) => Reply::json(200, &discount.input),
                None => Reply::json(404, &json!({ "errors": "Not Found" })),
            },
        }
    }
}

impl MockStore<Shop> {
    /// A shop in US dollars, with an app that has every scope Vouch asks for.
    pub(crate) fn shopify() -> Self {
        Self::start(Shop::new())
    }
}

/// As Shopify says that a call must wait.
pub(crate) fn throttled(requested: f64, available: f64, restore_rate: f64) -> Reply {
    Reply::json(
        200,
        &json!({
            "errors": [{ "message": "Throttled", "extensions": {
                "code": "THROTTLED",
                "documentation": "https://shopify.dev/api/usage/rate-limits",
            } }],
            "extensions": { "cost": {
                "requestedQueryCost": requested, "actualQueryCost": null,
                "throttleStatus": {
                    "maximumAvailable": 2000.0,
                    "currentlyAvailable": available,
                    "restoreRate": restore_rate,
                },
            } },
        }),
    )
}

impl Fault {
    /// The next call must wait so many seconds.
    pub(crate) fn shopify_throttled(seconds: f64) -> Self {
        Self::Instead(throttled(100.0 * seconds, 0.0, 100.0))
    }
}

fn access_denied(root: &str, scope: &str, extensions: &Value) -> Value {
    let needed = format!("`{scope}` access scope.");
    json!({
        "errors": [{
            "message": format!("Access denied for {root} field. Required access: {needed}"),
            "locations": [{ "line": 2, "column": 3 }],
            "extensions": {
                "code": "ACCESS_DENIED",
                "documentation": "https://shopify.dev/api/usage/access-scopes",
                "requiredAccess": needed,
            },
            "path": [root],
        }],
        "data": { root: null },
        "extensions": extensions,
    })
}

/// The first field of a document.
fn root_of(query: &str) -> String {
    let after = query.split_once('{').map_or("", |(_, rest)| rest).trim_start();
    after.split(['(', ' ', '{', ':', '\n']).next().unwrap_or_default().to_owned()
}

fn last_page() -> Value {
    json!({ "hasNextPage": false, "endCursor": null })
}

fn offset(cursor: &Value) -> usize {
    cursor.as_str().and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn page_of<T>(all: &[T], from: usize, size: usize, node: impl Fn(&T) -> Value) -> Value {
    let until = (from + size).min(all.len());
    let nodes: Vec<Value> = all[from.min(until)..until].iter().map(node).collect();
    json!({ "nodes": nodes, "pageInfo": {
        "hasNextPage": until < all.len(),
        "endCursor": until.to_string(),
    } })
}

fn each(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn gid(kind: &str, id: &Value) -> String {
    format!("gid://shopify/{kind}/{id}")
}

fn utc(time: &Value) -> Value {
    let parsed = time.as_str().and_then(|text| text.parse::<DateTime<Utc>>().ok());
    json!(parsed.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)))
}

/// A `…_set` of a webhook as the API says it.
fn camel(set: &Value) -> Value {
    if set.is_null() {
        return Value::Null;
    }
    let money = &set["shop_money"];
    json!({ "shopMoney": { "amount": money["amount"], "currencyCode": money["currency_code"] } })
}

/// A plain amount of a webhook as the API says it.
fn plain(amount: &Value, order: &Value) -> Value {
    json!({ "shopMoney": { "amount": amount, "currencyCode": order["currency"] } })
}

fn taxes(line: &Value) -> Value {
    each(&line["tax_lines"]).map(|tax| json!({ "priceSet": camel(&tax["price_set"]) })).collect()
}

fn allocations(line: &Value, applications: &Value) -> Value {
    let one = |part: &Value| {
        let application =
            &applications[part["discount_application_index"].as_u64().unwrap() as usize];
        let (kind, code) = match application["type"].as_str() {
            Some("discount_code") => ("DiscountCodeApplication", application["code"].clone()),
            Some("manual") => ("ManualDiscountApplication", Value::Null),
            _ => ("AutomaticDiscountApplication", Value::Null),
        };
        json!({
            "allocatedAmountSet": camel(&part["amount_set"]),
            "discountApplication": {
                "__typename": kind,
                "code": code,
                "targetType": application["target_type"].as_str().unwrap_or("line_item").to_uppercase(),
            },
        })
    };
    each(&line["discount_allocations"]).map(one).collect()
}
