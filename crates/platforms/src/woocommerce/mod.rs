//! WooCommerce: the REST API (wc/v3) of one site.

mod access;
mod address;
mod api;
mod coupons;
mod credentials;
mod discounts_form;
mod order;
mod orders;
mod provider;
mod refunds;
mod rules;
mod settings;
mod webhooks;

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use vouch_core::platform::Platform;

use self::address::parse_domain;
use self::api::Api;
pub use self::coupons::admin_url;
pub use self::credentials::Credentials;
pub use self::order::{READ, REFUNDS};
pub(crate) use self::provider::WoocommerceProvider;
pub use self::rules::{DiscountAmount, Rules};
pub use self::webhooks::TOPICS;
use super::http::Http;
use super::{
    CallError, Client, CursorPage, NewCode, OrderMessage, Reason, StoreAccess, StoreCode,
    TimeRange, Webhooks,
};
use crate::provider::{Connection, unreadable_credentials};

/// The client of one store.
pub struct Woocommerce {
    api: Api,
    /// The secret for its webhooks.
    webhook_secret: Option<SecretString>,
    /// The rules for new codes; `None` if no codes are created.
    rules: Option<Rules>,
    /// Whether the store's currency is known to be the rules' currency.
    is_their_currency: bool,
    now: DateTime<Utc>,
}

impl Woocommerce {
    /// Fails with [`CallError::Denied`] if the credentials can't be parsed.
    pub(crate) fn open(connection: Connection<'_>) -> Result<Self, CallError> {
        let Connection { http, address, credentials, webhook_secret, rules, now, .. } = connection;
        let credentials = Credentials::from_json(credentials).ok_or_else(unreadable_credentials)?;
        let rules = rules.and_then(Rules::from_json);
        Ok(Self::new(http.clone(), address, &credentials, webhook_secret, rules, now))
    }

    /// The client of the site at `address` (without `https://`, or a local store's base URL).
    pub fn new(
        http: Http,
        address: &str,
        credentials: &Credentials,
        webhook_secret: Option<SecretString>,
        rules: Option<Rules>,
        now: DateTime<Utc>,
    ) -> Self {
        let api = Api::new(http, address, credentials);
        Self { api, webhook_secret, rules, is_their_currency: false, now }
    }

    /// Coupon amounts have no currency of their own. They're in the store's, so it's checked before
    /// the first coupon is created. If the key's user can't read the settings, the check is
    /// skipped.
    fn check_currency(&mut self) -> Result<(), CallError> {
        let own = self.rules.as_ref().filter(|rules| rules.has_amounts());
        let Some(own) = own.map(|rules| rules.currency).filter(|_| !self.is_their_currency) else {
            return Ok(());
        };
        match access::currency(&self.api)?.filter(|theirs| theirs != own.code()) {
            Some(theirs) => {
                let theirs = api::plain(&theirs);
                Err(CallError::Refused(Reason::OtherCurrency { theirs, own }))
            }
            None => {
                self.is_their_currency = true;
                Ok(())
            }
        }
    }
}

impl Client for Woocommerce {
    fn access(&mut self) -> Result<StoreAccess, CallError> {
        access::access(&self.api)
    }

    fn find_code(&mut self, code: &str) -> Result<Option<StoreCode>, CallError> {
        coupons::find(&self.api, self.rules.as_ref(), self.now, code)
    }

    fn create_code(&mut self, code: &NewCode) -> Result<StoreCode, CallError> {
        self.check_currency()?;
        let Some(rules) = &self.rules else {
            let platform = Platform::Woocommerce;
            return Err(CallError::Refused(Reason::NoDiscount { platform }));
        };
        coupons::create(&self.api, rules, code)
    }

    fn codes(&mut self, cursor: Option<&str>) -> Result<CursorPage<StoreCode>, CallError> {
        coupons::page(&self.api, self.rules.as_ref(), self.now, cursor)
    }

    fn orders(
        &mut self,
        period: &TimeRange,
        cursor: Option<&str>,
    ) -> Result<CursorPage<OrderMessage>, CallError> {
        orders::page(&self.api, period, cursor)
    }

    fn refunds(
        &mut self,
        order_ref: &str,
        currency: &str,
        read_at: DateTime<Utc>,
    ) -> Result<Option<OrderMessage>, CallError> {
        refunds::read(&self.api, order_ref, currency, read_at)
    }

    fn ensure_webhooks(&mut self, address: &str) -> Result<Webhooks, CallError> {
        webhooks::ensure(&self.api, self.webhook_secret.as_ref(), address)
    }
}
