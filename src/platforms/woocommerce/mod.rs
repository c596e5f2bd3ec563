//! WooCommerce: the REST API (wc/v3) of one site.

mod access;
mod api;
mod coupons;
mod credentials;
mod orders;
mod rules;
mod webhooks;

use chrono::{DateTime, Utc};
use secrecy::SecretString;

use self::api::Api;
pub use self::coupons::admin_url;
pub use self::credentials::Credentials;
pub use self::rules::{Rules, Takeoff};
pub use self::webhooks::TOPICS;
use super::http::Http;
use super::{Access, Batch, CallError, Client, NewCode, OrderMessage, Period, StoreCode, Webhooks};

/// A WooCommerce store as Vouch calls it.
pub struct Woocommerce {
    api: Api,
    /// What its webhooks are to be signed with.
    webhook_secret: Option<SecretString>,
    /// What new codes get; `None` where no codes are made.
    rules: Option<Rules>,
    now: DateTime<Utc>,
}

impl Woocommerce {
    /// The client of the site at `address` (without `https://`, or a local store's base URL).
    pub fn new(
        http: Http,
        address: &str,
        credentials: &Credentials,
        webhook_secret: Option<SecretString>,
        rules: Option<Rules>,
        now: DateTime<Utc>,
    ) -> Self {
        Self { api: Api::new(http, address, credentials), webhook_secret, rules, now }
    }
}

impl Client for Woocommerce {
    fn access(&mut self) -> Result<Access, CallError> {
        access::access(&self.api)
    }

    fn find_code(&mut self, code: &str) -> Result<Option<StoreCode>, CallError> {
        coupons::find(&self.api, self.rules.as_ref(), self.now, code)
    }

    fn create_code(&mut self, code: &NewCode) -> Result<StoreCode, CallError> {
        let Some(rules) = &self.rules else {
            return Err(CallError::Refused(
                "Nothing is set for what codes get in this store. Set it in Account > Settings > WooCommerce."
                    .to_owned(),
            ));
        };
        coupons::create(&self.api, rules, code)
    }

    fn codes(&mut self, cursor: Option<&str>) -> Result<Batch<StoreCode>, CallError> {
        coupons::page(&self.api, self.rules.as_ref(), self.now, cursor)
    }

    fn orders(
        &mut self,
        period: &Period,
        cursor: Option<&str>,
    ) -> Result<Batch<OrderMessage>, CallError> {
        orders::page(&self.api, period, cursor)
    }

    fn ensure_webhooks(&mut self, address: &str) -> Result<Webhooks, CallError> {
        webhooks::ensure(&self.api, self.webhook_secret.as_ref(), address)
    }
}
