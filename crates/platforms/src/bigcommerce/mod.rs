//! BigCommerce: V3 promotions or V2 coupons, orders, webhooks.
//!
//! Facts are from BigCommerce's OpenAPI: promotions.v3.yml, marketing.v2.yml, orders.v2.oas2.yml,
//! orders.v3.yml, webhooks.v3.yml (github.com/bigcommerce/docs, `reference/`).

mod access;
mod address;
mod call;
mod coupons;
mod credentials;
mod discounts_form;
mod hooks;
mod listing;
mod mark;
mod order;
mod orders;
mod promotions;
mod provider;
mod rules;
mod settings;

use serde::Deserialize as _;

use self::address::parse_domain;
use self::call::Api;
pub use self::credentials::Credentials;
pub use self::hooks::{SECRET_HEADER, header_secret};
pub use self::order::READ;
pub(crate) use self::provider::BigcommerceProvider;
pub use self::rules::{Discount, DiscountFeature, Rules};
use super::{
    CallError, Client, CursorPage, NewCode, OrderMessage, Reason, StoreAccess, StoreCode,
    TimeRange, Webhooks,
};
use crate::provider::{Connection, unreadable_credentials};

/// The API host of all BigCommerce stores.
const HOST: &str = "https://api.bigcommerce.com/stores/";

/// The client of one store.
pub struct Bigcommerce {
    api: Api,
    credentials: Credentials,
    rules: Rules,
}

impl Bigcommerce {
    /// Fails with [`CallError::Denied`] if the credentials or the discount rules can't be parsed.
    pub(crate) fn open(connection: Connection<'_>) -> Result<Self, CallError> {
        let Connection { http, address, credentials, rules, now, .. } = connection;
        let credentials = Credentials::from_json(credentials).ok_or_else(unreadable_credentials)?;
        let rules = match rules {
            Some(rules) => Rules::deserialize(rules)
                .map_err(|_| CallError::Denied(Reason::UnreadableDiscount))?,
            None => Rules::default(),
        };
        Ok(Self { api: Api::new(http, address, &credentials, now), credentials, rules })
    }
}

/// Finds the promotion or coupon with that code in any case.
fn find(api: &mut Api, own: &Rules, code: &str) -> Result<Option<StoreCode>, CallError> {
    for spelling in mark::spellings(code) {
        if let Some(found) = promotions::find(api, own, &spelling)? {
            return Ok(Some(found));
        }
    }
    for spelling in mark::spellings(code) {
        if let Some(found) = coupons::find(api, own, &spelling)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The meaning of a rejected new code. BigCommerce doesn't document its response to an existing
/// code, so the code is looked up.
fn refused(api: &mut Api, own: &Rules, code: &str, reason: Reason) -> Result<CallError, CallError> {
    let is_there = find(api, own, code)?.is_some();
    Ok(if is_there { CallError::Taken } else { CallError::Refused(reason) })
}

impl Client for Bigcommerce {
    fn access(&mut self) -> Result<StoreAccess, CallError> {
        access::of(&mut self.api, &self.rules)
    }

    fn find_code(&mut self, code: &str) -> Result<Option<StoreCode>, CallError> {
        find(&mut self.api, &self.rules, code)
    }

    fn create_code(&mut self, code: &NewCode) -> Result<StoreCode, CallError> {
        mark::check(&code.code)?;
        match self.rules.kind {
            DiscountFeature::Promotion => promotions::create(&mut self.api, &self.rules, code),
            DiscountFeature::Coupon => coupons::create(&mut self.api, &self.rules, code),
        }
    }

    fn codes(&mut self, cursor: Option<&str>) -> Result<CursorPage<StoreCode>, CallError> {
        listing::codes(&mut self.api, &self.rules, cursor)
    }

    fn orders(
        &mut self,
        period: &TimeRange,
        cursor: Option<&str>,
    ) -> Result<CursorPage<OrderMessage>, CallError> {
        orders::changed(&mut self.api, period, cursor)
    }

    fn order(&mut self, order_ref: &str) -> Result<Option<OrderMessage>, CallError> {
        orders::one(&mut self.api, order_ref)
    }

    fn ensure_webhooks(&mut self, address: &str) -> Result<Webhooks, CallError> {
        hooks::ensure(&mut self.api, &self.credentials, address)
    }
}
