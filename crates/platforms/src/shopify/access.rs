//! Checks what the credentials allow.

use serde::Deserialize;
use serde_json::json;

use super::admin::{Admin, short};
use crate::{CallError, Reason, StoreAccess};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    shop: ShopNode,
    current_app_installation: Installation,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShopNode {
    name: String,
    currency_code: String,
    myshopify_domain: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Installation {
    access_scopes: Vec<AccessScope>,
}

#[derive(Deserialize)]
struct AccessScope {
    handle: String,
}

pub(super) fn access(admin: &mut Admin) -> Result<StoreAccess, CallError> {
    let data: Data = admin.ask(document!("access"), &json!({}))?;
    let has = |scope: &str| {
        data.current_app_installation.access_scopes.iter().any(|held| held.handle == scope)
    };
    let reads_orders = has("read_orders") || has("write_orders");
    let creates_codes = has("write_discounts");
    let mut missing = Vec::new();
    let mut lacks = |scope: &str| missing.push(Reason::MissingScope { scope: scope.to_owned() });
    if !creates_codes {
        lacks("write_discounts");
    }
    if !reads_orders {
        lacks("read_orders");
    }
    let address = admin.base().trim_start_matches("https://");
    let is_other =
        !address.contains("://") && !data.shop.myshopify_domain.eq_ignore_ascii_case(address);
    if is_other {
        let domain = short(&data.shop.myshopify_domain);
        return Err(CallError::Denied(Reason::WrongStore { domain }));
    }
    Ok(StoreAccess {
        store_name: short(&data.shop.name),
        currency: Some(data.shop.currency_code),
        reads_orders,
        creates_codes,
        missing,
    })
}
