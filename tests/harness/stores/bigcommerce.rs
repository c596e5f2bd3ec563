//! A BigCommerce store, as its OpenAPI says: paths, paging, empty lists without a body, limits in
//! headers. Bodies that are not as documented are refused, and remembered as faults.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::bigcommerce_bodies::{self as bodies, Kind};
use super::{MockStore, Platform, Reply, Request};

/// The API account.
pub(crate) const CLIENT_ID: &str = "client-of-the-tests";
/// The access token that is accepted.
pub(crate) const TOKEN: &str = "bc-access-token-of-the-tests-9f2c";
/// The client secret, which signs the webhooks.
pub(crate) const CLIENT_SECRET: &str = "bc-client-secret-of-the-tests-0123456789";

pub(crate) struct Bigcommerce {
    pub token: String,
    /// Beginnings of paths that the API account has no right to.
    pub denied: Vec<&'static str>,
    pub promotions: Vec<Value>,
    pub coupons: Vec<Value>,
    /// `{order, products, coupons, refunds}` each.
    pub orders: Vec<Value>,
    pub hooks: Vec<Value>,
    /// The status of an answer to a promotion's code that is there already: not documented.
    pub duplicate: u16,
    /// What the answers say is left of the quota.
    pub requests_left: u64,
    /// What was not as documented.
    pub faults: Vec<String>,
    next_id: i64,
}

impl Bigcommerce {
    pub(crate) fn start() -> MockStore<Self> {
        MockStore::start(Self::new())
    }

    /// An empty one.
    pub(crate) fn new() -> Self {
        Self {
            token: TOKEN.to_owned(),
            denied: Vec::new(),
            promotions: Vec::new(),
            coupons: Vec::new(),
            orders: Vec::new(),
            hooks: Vec::new(),
            duplicate: 422,
            requests_left: 149,
            faults: Vec::new(),
            next_id: 100,
        }
    }

    /// Every code that shoppers can type, whoever made it.
    pub(crate) fn codes(&self) -> Vec<String> {
        let of_promotions = self.promotions.iter().filter_map(|promotion| {
            promotion.pointer("/codes/code").and_then(Value::as_str).map(str::to_owned)
        });
        let of_coupons =
            self.coupons.iter().filter_map(|coupon| coupon["code"].as_str().map(str::to_owned));
        of_promotions.chain(of_coupons).collect()
    }

    /// An order of 100.00 USD with a code that takes 10.00 off, paid, changed at `at`.
    pub(crate) fn order(id: i64, code: &str, at: DateTime<Utc>) -> Value {
        json!({
            "order": {
                "id": id, "customer_id": 0, "date_created": at.to_rfc2822(),
                "date_modified": at.to_rfc2822(), "status_id": 11, "status": "Awaiting Fulfillment",
                "payment_status": "captured", "payment_method": "Credit Card",
                "currency_code": "USD", "default_currency_code": "USD",
                "is_tax_inclusive_pricing": false, "shipping_cost_ex_tax": "0.0000",
                "shipping_cost_tax": "0.0000", "total_tax": "0.0000", "total_inc_tax": "90.0000",
                "refunded_amount": "0.0000", "discount_amount": "0.0000",
                "coupon_discount": "10.0000", "is_deleted": false,
                "billing_address": {
                    "first_name": "Sia", "last_name": "Shopper", "email": "shopper@customers.example",
                },
            },
            "products": [{
                "id": id * 10, "order_id": id, "name": "Tea", "sku": "LEAVES", "quantity": 1,
                "quantity_refunded": 0, "price_ex_tax": "100.0000", "price_inc_tax": "100.0000",
                "total_ex_tax": "100.0000", "total_inc_tax": "100.0000", "total_tax": "0.0000",
                "applied_discounts": [{
                    "id": "coupon", "amount": "10.0000", "name": code, "code": code, "target": "order",
                }],
            }],
            "coupons": [{
                "id": id * 10 + 1, "coupon_id": 1, "order_id": id, "code": code, "amount": 10,
                "type": 5, "discount": 10,
            }],
            "refunds": [],
        })
    }

    fn id(&mut self) -> i64 {
        self.next_id += 1;
        self.next_id
    }

    fn is_taken(&self, code: &str) -> bool {
        self.codes().iter().any(|known| known.eq_ignore_ascii_case(code))
    }

    /// The body as it was sent, if it is as documented.
    fn taken(&mut self, request: &Request, kind: &Kind) -> Result<Value, Reply> {
        let body = request.json();
        let faults = kind.faults(&body);
        if faults.is_empty() {
            return Ok(body);
        }
        let title = faults.join("; ");
        self.faults.extend(faults.into_iter().map(|fault| format!("{}: {fault}", request.path)));
        Err(Reply::json(422, &json!({ "status": 422, "title": title })))
    }

    fn route(&mut self, request: &Request) -> Result<Reply, Reply> {
        let path: Vec<&str> = request.path.trim_matches('/').split('/').collect();
        match (request.method.as_str(), path.as_slice()) {
            ("GET", ["v2", "store"]) => Ok(Reply::json(
                200,
                &json!({ "id": "abc123", "name": "Acme Tea", "currency": "USD" }),
            )),
            ("GET", ["v2", "orders"]) => Ok(self.list_orders(request)),
            ("GET", ["v2", "orders", id]) => self.part(id, "order"),
            ("GET", ["v2", "orders", id, part @ ("products" | "coupons")]) => self.part(id, part),
            ("GET", ["v3", "orders", "payment_actions", "refunds"]) => {
                Ok(self.all_refunds(request))
            }
            ("GET", ["v3", "orders", id, "payment_actions", "refunds"]) => {
                let refunds = self.order_of(id)?["refunds"].clone();
                Ok(Reply::json(200, &json!({ "data": refunds, "meta": {} })))
            }
            ("GET", ["v3", "promotions"]) => Ok(self.list_promotions(request)),
            ("POST", ["v3", "promotions"]) => self.make_promotion(request),
            ("GET", ["v3", "promotions", id]) => Ok(Reply::json(
                200,
                &json!({ "data": self.promotions[self.place(id)?], "meta": {} }),
            )),
            ("PUT", ["v3", "promotions", id]) => self.change_promotion(request, id),
            ("GET", ["v3", "promotions", id, "codes"]) => {
                let codes = self.promotions[self.place(id)?]["many"].clone();
                Ok(Reply::json(200, &json!({ "data": codes, "meta": { "cursor_pagination": {} } })))
            }
            ("POST", ["v3", "promotions", id, "codes"]) => self.make_code(request, id),
            ("GET", ["v2", "coupons"]) => Ok(self.list_coupons(request)),
            ("POST", ["v2", "coupons"]) => self.make_coupon(request),
            ("GET", ["v3", "hooks"]) => {
                let to = request.parameter("destination");
                let hooks = self
                    .hooks
                    .iter()
                    .filter(|hook| to.as_deref().is_none_or(|to| hook["destination"] == to));
                let hooks: Vec<&Value> = hooks.collect();
                Ok(Reply::json(200, &json!({ "data": hooks, "meta": {} })))
            }
            ("POST", ["v3", "hooks"]) => self.make_hook(request),
            ("PUT", ["v3", "hooks", id]) => self.change_hook(request, id),
            _ => Err(not_found()),
        }
    }

    fn order_of(&self, id: &str) -> Result<&Value, Reply> {
        let found = self.orders.iter().find(|order| is_called(&order["order"], id));
        found.ok_or_else(not_found)
    }

    fn part(&self, id: &str, part: &str) -> Result<Reply, Reply> {
        Ok(list(self.order_of(id)?[part].clone()))
    }

    fn list_orders(&self, request: &Request) -> Reply {
        let time = |name| request.parameter(name).map(|text| time_of(&text));
        let (from, until) = (time("min_date_modified"), time("max_date_modified"));
        let mut found: Vec<&Value> = self.orders.iter().map(|order| &order["order"]).collect();
        let modified = |order: &Value| time_of(order["date_modified"].as_str().unwrap());
        found.retain(|order| {
            from.is_none_or(|from| modified(order) >= from)
                && until.is_none_or(|until| modified(order) <= until)
        });
        found.sort_by_key(|order| modified(order));
        list(json!(paged(request, found)))
    }

    fn all_refunds(&self, request: &Request) -> Reply {
        let wanted = request.parameter("order_id:in");
        let of = |order: &&Value| {
            let id = order["order"]["id"].to_string();
            wanted.as_ref().is_none_or(|ids| ids.split(',').any(|wanted| wanted == id))
        };
        let refunds: Vec<&Value> = self
            .orders
            .iter()
            .filter(of)
            .flat_map(|order| order["refunds"].as_array().unwrap())
            .collect();
        Reply::json(200, &json!({ "data": paged(request, refunds), "meta": {} }))
    }

    fn list_promotions(&self, request: &Request) -> Reply {
        let (code, name) = (request.parameter("code"), request.parameter("name"));
        let has = |promotion: &&Value| {
            name.as_ref().is_none_or(|name| promotion["name"] == *name)
                && code.as_ref().is_none_or(|code| {
                    let many = promotion["many"].as_array().into_iter().flatten();
                    promotion["codes"]["code"] == *code
                        || many.into_iter().any(|one| one["code"] == *code)
                })
        };
        let found: Vec<&Value> = self.promotions.iter().filter(has).collect();
        let meta = json!({ "pagination": { "total": found.len() } });
        Reply::json(200, &json!({ "data": paged(request, found), "meta": meta }))
    }

    fn place(&self, id: &str) -> Result<usize, Reply> {
        let place = self.promotions.iter().position(|promotion| is_called(promotion, id));
        place.ok_or_else(not_found)
    }

    fn make_promotion(&mut self, request: &Request) -> Result<Reply, Reply> {
        let mut promotion = self.taken(request, &bodies::NEW_PROMOTION)?;
        promotion["id"] = json!(self.id());
        promotion["current_uses"] = json!(0);
        self.promotions.push(promotion.clone());
        Ok(Reply::json(201, &json!({ "data": promotion, "meta": {} })))
    }

    fn change_promotion(&mut self, request: &Request, id: &str) -> Result<Reply, Reply> {
        let (body, place) = (self.taken(request, &bodies::PROMOTION)?, self.place(id)?);
        for (name, value) in body.as_object().unwrap() {
            self.promotions[place][name] = value.clone();
        }
        Ok(Reply::json(200, &json!({ "data": self.promotions[place], "meta": {} })))
    }

    fn make_code(&mut self, request: &Request, id: &str) -> Result<Reply, Reply> {
        let (mut code, place) = (self.taken(request, &bodies::NEW_CODE)?, self.place(id)?);
        if self.is_taken(code["code"].as_str().unwrap()) {
            let body = json!({ "status": self.duplicate, "title": "The code is not unique." });
            return Err(Reply::json(self.duplicate, &body));
        }
        code["id"] = json!(self.id());
        code["current_uses"] = json!(0);
        self.promotions[place]["codes"] = code.clone();
        Ok(Reply::json(201, &json!({ "data": code, "meta": {} })))
    }

    fn list_coupons(&self, request: &Request) -> Reply {
        let code = request.parameter("code");
        let from = request.parameter("min_id").and_then(|id| id.parse().ok()).unwrap_or(0);
        let found = self.coupons.iter().filter(|coupon| {
            code.as_ref().is_none_or(|code| coupon["code"] == *code)
                && coupon["id"].as_i64().unwrap() >= from
        });
        list(json!(paged(request, found.collect())))
    }

    fn make_coupon(&mut self, request: &Request) -> Result<Reply, Reply> {
        let mut coupon = self.taken(request, &bodies::NEW_COUPON)?;
        let name_taken = self.coupons.iter().any(|known| known["name"] == coupon["name"]);
        if name_taken || self.is_taken(coupon["code"].as_str().unwrap()) {
            let body = json!([{ "status": 409, "message": "The coupon is not unique." }]);
            return Err(Reply::json(409, &body));
        }
        coupon["id"] = json!(self.id());
        coupon["num_uses"] = json!(0);
        self.coupons.push(coupon.clone());
        Ok(Reply::json(201, &coupon))
    }

    fn make_hook(&mut self, request: &Request) -> Result<Reply, Reply> {
        let mut hook = self.taken(request, &bodies::NEW_HOOK)?;
        hook["id"] = json!(self.id());
        self.hooks.push(hook.clone());
        Ok(Reply::json(200, &json!({ "data": hook, "meta": {} })))
    }

    fn change_hook(&mut self, request: &Request, id: &str) -> Result<Reply, Reply> {
        let body = self.taken(request, &bodies::HOOK)?;
        let hook = self.hooks.iter_mut().find(|hook| is_called(hook, id));
        let hook = hook.ok_or_else(not_found)?;
        for (name, value) in body.as_object().unwrap() {
            hook[name] = value.clone();
        }
        Ok(Reply::json(200, &json!({ "data": hook, "meta": {} })))
    }
}

impl Platform for Bigcommerce {
    fn answer(&mut self, request: &Request) -> Reply {
        let refused = |status: u16, title: &str| {
            Reply::json(status, &json!({ "status": status, "title": title }))
        };
        let reply = if request.header("accept") != "application/json" {
            self.faults.push("the header Accept is missing".to_owned());
            refused(406, "Not acceptable")
        } else if request.header("x-auth-token") != self.token {
            refused(401, "Unauthorized")
        } else if self.denied.iter().any(|path| request.path.starts_with(path)) {
            // copy: as BigCommerce answers
            refused(403, "You don't have a required scope to access the endpoint")
        } else {
            self.route(request).unwrap_or_else(|reply| reply)
        };
        reply
            .header("x-rate-limit-time-window-ms", "30000")
            .header("x-rate-limit-time-reset-ms", "14000")
            .header("x-rate-limit-requests-quota", "150")
            .header("x-rate-limit-requests-left", &self.requests_left.to_string())
    }
}

fn not_found() -> Reply {
    Reply::json(404, &json!({ "status": 404, "title": "Not found" }))
}

/// V2 answers an empty list with 204 and no body.
fn list(rows: Value) -> Reply {
    if rows.as_array().is_some_and(Vec::is_empty) {
        return Reply { status: 204, headers: Vec::new(), body: String::new() };
    }
    Reply::json(200, &rows)
}

/// The page that was asked for; 50 rows if nothing is said.
fn paged<'a>(request: &Request, rows: Vec<&'a Value>) -> Vec<&'a Value> {
    let number = |name: &str| request.parameter(name).and_then(|text| text.parse::<usize>().ok());
    let limit = number("limit").unwrap_or(50);
    let page = number("page").unwrap_or(1);
    rows.into_iter().skip((page - 1) * limit).take(limit).collect()
}

fn time_of(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc2822(text).unwrap().with_timezone(&Utc)
}

/// Whether `thing` has the number that an address names.
fn is_called(thing: &Value, id: &str) -> bool {
    id.parse() == Ok(thing["id"].as_i64().unwrap_or_default())
}
