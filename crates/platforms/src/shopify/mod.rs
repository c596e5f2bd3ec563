//! Shopify: the GraphQL Admin API of one store.
//!
//! The documents are the `.graphql` files in `documents/`. `tests/shopify/schema.rs` checks each
//! one with its variables against Shopify's own schema.

/// A document of `documents/`, with the fragments it uses.
macro_rules! document {
    ($name:literal $(, $fragment:literal)*) => {
        concat!(
            include_str!(concat!("documents/", $name, ".graphql"))
            $(, "\n", include_str!(concat!("documents/fragment_", $fragment, ".graphql")))*
        )
    };
}

mod access;
mod address;
mod admin;
mod credentials;
mod discounts;
mod discounts_form;
mod items;
mod order;
mod orders;
mod privacy;
mod provider;
mod rules;
mod settings;
mod token;
mod webhooks;

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use vouch_core::platform::Platform;

use self::address::parse_domain;
use self::admin::Admin;
pub use self::admin::{VERSION, admin_url};
pub use self::credentials::Credentials;
pub use self::items::{Item, ItemRefusal, Reference};
pub(crate) use self::provider::ShopifyProvider;
pub use self::rules::{Combines, DiscountAmount, Items, Minimum, Rules, Target};
use super::http::Http;
use super::{
    CallError, Client, CursorPage, FreshToken, NewCode, OrderMessage, Reason, StoreAccess,
    StoreCode, TimeRange, Webhooks,
};
use crate::provider::{Connection, unreadable_credentials};

/// The client of one store.
pub struct Shopify {
    admin: Admin,
    /// The rules for new codes; `None` if no codes are created.
    rules: Option<Rules>,
}

impl Shopify {
    /// Fails with [`CallError::Denied`] if the credentials can't be parsed.
    pub(crate) fn open(connection: Connection<'_>) -> Result<Self, CallError> {
        let Connection { http, address, credentials, token, rules, now, .. } = connection;
        let credentials = Credentials::from_json(credentials).ok_or_else(unreadable_credentials)?;
        let rules = rules.and_then(Rules::from_json);
        Ok(Self::new(http.clone(), address, credentials, token, rules, now))
    }

    /// The client of the store at `address` (`name.myshopify.com`, or a local store's base URL).
    /// `token` was obtained with these credentials earlier and hasn't expired.
    pub fn new(
        http: Http,
        address: &str,
        credentials: Credentials,
        token: Option<SecretString>,
        rules: Option<Rules>,
        now: DateTime<Utc>,
    ) -> Self {
        Self { admin: Admin::new(http, address, credentials, token, now), rules }
    }

    /// The product or collection for the input, as in the store. Fails with [`CallError::Refused`]
    /// if the store doesn't have it.
    pub fn find_item(&mut self, target: Target, typed: &Reference) -> Result<Item, CallError> {
        items::find(&mut self.admin, target, typed)
    }
}

impl Client for Shopify {
    fn access(&mut self) -> Result<StoreAccess, CallError> {
        access::access(&mut self.admin)
    }

    fn find_code(&mut self, code: &str) -> Result<Option<StoreCode>, CallError> {
        discounts::find(&mut self.admin, self.rules.as_ref(), code)
    }

    fn create_code(&mut self, code: &NewCode) -> Result<StoreCode, CallError> {
        let Some(rules) = &self.rules else {
            let platform = Platform::Shopify;
            return Err(CallError::Refused(Reason::NoDiscount { platform }));
        };
        discounts::create(&mut self.admin, rules, code)
    }

    fn codes(&mut self, cursor: Option<&str>) -> Result<CursorPage<StoreCode>, CallError> {
        discounts::page(&mut self.admin, self.rules.as_ref(), cursor)
    }

    fn orders(
        &mut self,
        period: &TimeRange,
        cursor: Option<&str>,
    ) -> Result<CursorPage<OrderMessage>, CallError> {
        orders::page(&mut self.admin, period, cursor)
    }

    fn ensure_webhooks(&mut self, address: &str) -> Result<Webhooks, CallError> {
        webhooks::ensure(&mut self.admin, address)
    }

    fn fresh_token(&mut self) -> Option<FreshToken> {
        self.admin.fresh_token()
    }
}
