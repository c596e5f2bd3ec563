//! Each platform through its page, and through the control page: connected, a code created, its orders
//! credited.

use chrono::Duration;
use diesel::prelude::*;
use serde_json::Value;
use vouch::features::triggers::{self, TriggerKind};
use vouch::kit::clock;
use vouch::kit::db::schema::conversions;

use super::control_page::ControlPage;
use super::shop;
use crate::harness::stores::bigcommerce::{self, Bigcommerce};
use crate::harness::stores::shopify::{CLIENT_ID, CLIENT_SECRET};
use crate::harness::stores::woocommerce::{CONSUMER_KEY, CONSUMER_SECRET, WooSite};
use crate::harness::stores::{MockStore, Platform as _, Request};
use crate::harness::{Page, Person, TestApp};
use crate::pushes::call_out;

/// A program without stores, its owner, and the control page.
struct Scenario {
    app: TestApp,
    owner: Person,
    control_page: ControlPage,
}

impl Scenario {
    fn begin() -> Self {
        let app = TestApp::start();
        let owner = app.stranger();
        let control_page = ControlPage {
            shopify: MockStore::start(shop()),
            bigcommerce: Bigcommerce::start(),
            woocommerce: WooSite::start(),
        };
        Self { app, owner, control_page }
    }

    /// Fills the form at `path` and goes where it leads.
    fn fills(&self, path: &str, form: &str, fields: &[(&str, &str)]) -> Page {
        let answer = self.owner.submit(&self.owner.get(path), form, fields);
        assert_eq!(answer.status, 303, "{path}: {}", answer.text());
        self.owner.follow(&answer)
    }

    /// Fills the form of the page that a link leads to.
    fn follows(&self, path: &str, link: &str, fields: &[(&str, &str)]) {
        let href = self.owner.get(path).attribute(link, "href").unwrap();
        self.fills(&href, "form.stack", fields);
    }

    fn works(&self) {
        call_out(&self.app, clock::now() + Duration::seconds(5));
    }

    fn asks(&mut self, method: &str, address: &str) -> Value {
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let reply = self.control_page.answer(&Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: std::collections::HashMap::new(),
            body: String::new(),
        });
        assert_eq!(reply.status, 200, "{address}: {}", reply.body);
        serde_json::from_str(&reply.body).unwrap()
    }

    fn commissions(&self) -> Vec<i64> {
        self.app.within_merchant(self.app.fixture.stranger_merchant_id, |conn| {
            conversions::table
                .order(conversions::id)
                .select(conversions::commission_minor)
                .load(conn)
        })
    }

    /// What is left of commission after a sale, a refund of half of it, and a cancellation.
    fn sells(&mut self, platform: &str) -> [i64; 3] {
        let sale = self.asks("POST", &format!("/{platform}/orders?code=desk10"));
        let order = sale["order"].to_string();
        let mut stood = [0; 3];
        let then = ["", "/refund", "/cancellation"];
        for (commission, what) in stood.iter_mut().zip(then) {
            if !what.is_empty() {
                // WooCommerce writes the time of a change in seconds.
                std::thread::sleep(std::time::Duration::from_millis(1_100));
                self.asks("POST", &format!("/{platform}/orders/{order}{what}"));
            }
            self.works();
            *commission = *self.commissions().last().unwrap();
        }
        stood
    }
}

#[test]
fn each_platform_is_connected_gets_a_code_and_has_its_orders_credited() {
    let mut scenario = Scenario::begin();
    let (shopify, bigcommerce, woocommerce) = (
        scenario.control_page.shopify.base.clone(),
        scenario.control_page.bigcommerce.base.clone(),
        scenario.control_page.woocommerce.base.clone(),
    );
    scenario.fills(
        "/settings/shopify",
        "form[action='/settings/shopify']",
        &[("address", &shopify), ("client_id", CLIENT_ID), ("client_secret", CLIENT_SECRET)],
    );
    scenario.follows(
        "/settings/shopify",
        "a[href$='/discounts']",
        &[("creates_codes", "yes"), ("percent", "10")],
    );
    scenario.fills(
        "/settings/bigcommerce/credentials",
        "form.stack",
        &[
            ("address", &bigcommerce),
            ("client_id", bigcommerce::CLIENT_ID),
            ("client_secret", bigcommerce::CLIENT_SECRET),
            ("access_token", bigcommerce::TOKEN),
        ],
    );
    scenario.fills(
        "/settings/bigcommerce",
        "form[action$='/discounts']",
        &[("creates_codes", "yes"), ("amount", "10")],
    );
    scenario.fills(
        "/settings/woocommerce",
        "form[action='/settings/woocommerce']",
        &[
            ("address", &woocommerce),
            ("consumer_key", CONSUMER_KEY),
            ("consumer_secret", CONSUMER_SECRET),
        ],
    );
    scenario.follows(
        "/settings/woocommerce",
        "a[href$='/discounts']",
        &[("creates_codes", "yes"), ("kind", "percent"), ("amount", "10")],
    );
    let fixture = &scenario.app.fixture;
    let (merchant_id, affiliate_id) = (fixture.stranger_merchant_id, fixture.stranger_affiliate_id);
    scenario.app.within_merchant(merchant_id, |conn| {
        let actor = vouch::kit::audit::Actor::system(merchant_id, clock::now());
        Ok(triggers::create(conn, &actor, affiliate_id, TriggerKind::CouponCode, "DESK10").unwrap())
    });
    scenario.works();
    for (platform, place) in [
        ("shopify", "/discounts/0/codes/0"),
        ("bigcommerce", "/promotions/0/codes/code"),
        ("woocommerce", "/coupons/0/code"),
    ] {
        let holds = scenario.asks("GET", &format!("/{platform}"));
        let code = holds.pointer(place).and_then(Value::as_str).unwrap_or_default();
        assert!(code.eq_ignore_ascii_case("DESK10"), "{platform}: {holds:#}");
    }
    for platform in ["shopify", "bigcommerce", "woocommerce"] {
        let [sold, refunded, cancelled] = scenario.sells(platform);
        assert!(sold > 0, "{platform}");
        assert_eq!((refunded * 2, cancelled), (sold, 0), "{platform}");
    }
    assert_eq!(scenario.commissions().len(), 3, "one for each order");
}
