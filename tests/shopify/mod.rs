//! Shopify: the client against the mock store, the documents against Shopify's schema, the settings.

mod cancellations;
mod client;
mod orders;
mod refunds;
mod schema;
mod settings;

use chrono::Utc;
use secrecy::SecretString;
use vouch_core::money::{Currency, Rate};
use vouch_platforms::http::Http;
use vouch_platforms::shopify::{
    Combines, Credentials, DiscountAmount, Items, Minimum, Rules, Shopify,
};
use vouch_platforms::{Mark, NewCode};

use crate::harness::stores::MockStore;
use crate::harness::stores::shopify::{Shop, TOKEN};
use crate::harness::then;

/// 10% off everything.
pub(crate) fn rules() -> Rules {
    Rules {
        takeoff: DiscountAmount::Percent { rate: Rate::percent(10) },
        currency: Currency::from_code("USD").unwrap(),
        items: Items::All,
        minimum: Minimum::None,
        total_uses: None,
        once_per_customer: false,
        one_time: true,
        subscription: false,
        combines: Combines::default(),
        title: "Affiliate {affiliate}: {code}".to_owned(),
    }
}

fn client(shop: &MockStore<Shop>, rules: Option<Rules>) -> Shopify {
    let token = Credentials::Token(SecretString::from(TOKEN));
    Shopify::new(Http::new(true), &shop.base, token, None, rules, then())
}

fn new_code(code: &str, trigger_id: i64) -> NewCode {
    NewCode {
        mark: Mark { merchant_id: 7, trigger_id },
        code: code.to_owned(),
        affiliate: "Maya Lin".to_owned(),
        now: "2026-11-23T10:00:00Z".parse::<chrono::DateTime<Utc>>().unwrap(),
    }
}
