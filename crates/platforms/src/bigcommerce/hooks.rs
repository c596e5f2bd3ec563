//! Webhooks (webhooks.v3.yml).

use hmac::{Hmac, KeyInit, Mac};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use sha2::Sha256;
use vouch_core::text::percent_encode;

use super::Credentials;
use super::call::{Api, Reply};
use crate::{CallError, Reason, Webhooks};

/// The subscribed events. `created` is also sent for orders that are never completed.
const SCOPES: [&str; 4] = [
    "store/order/created",
    "store/order/updated",
    "store/order/statusUpdated",
    "store/order/refund/created",
];

/// A header that BigCommerce sends with every webhook, in addition to its signature.
pub const SECRET_HEADER: &str = "x-vouch-secret";

/// The value of that header for the store of `store_key`. Only the store and those with the client
/// secret know it.
pub fn header_secret(client_secret: &[u8], store_key: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(client_secret).expect("HMAC takes keys of any length");
    let mac = mac.chain_update("vouch: the header of a webhook: ").chain_update(store_key);
    hex::encode(mac.finalize().into_bytes())
}

pub(super) fn ensure(
    api: &mut Api,
    credentials: &Credentials,
    address: &str,
) -> Result<Webhooks, CallError> {
    let mut webhooks = Webhooks::default();
    if !api.is_local() && !is_reachable(address) {
        webhooks.problem = Some(Reason::WebhooksNeedPort443);
        return Ok(webhooks);
    }
    let store_key = address.rsplit('/').next().unwrap_or_default();
    let secret = credentials.client_secret.expose_secret().as_bytes();
    let headers = json!({ SECRET_HEADER: header_secret(secret, store_key) });
    let hooks =
        api.get(&format!("/v3/hooks?destination={}&limit=250", percent_encode(address)))?.rows()?;
    for scope in SCOPES {
        let body = json!({
            "scope": scope,
            "destination": address,
            "is_active": true,
            "headers": headers,
        });
        let same = |hook: &Value, name: &str| hook.get(name) == Some(&body[name]);
        let hook = hooks.iter().find(|hook| same(hook, "scope") && same(hook, "destination"));
        let path_of = |hook: &Value| Some(format!("/v3/hooks/{}", hook.get("id")?.as_i64()?));
        match hook.and_then(path_of).zip(hook) {
            None => {
                made(api.post("/v3/hooks", &body)?)?;
                webhooks.made += 1;
            }
            Some((path, hook)) => {
                let is_active = hook.get("is_active").and_then(Value::as_bool) == Some(true);
                if !is_active || hook.get("headers") != Some(&headers) {
                    made(api.put(&path, &body)?)?;
                    webhooks.revived += usize::from(!is_active);
                }
            }
        }
    }
    Ok(webhooks)
}

fn made(reply: Reply) -> Result<(), CallError> {
    match reply {
        Reply::Done(_) => Ok(()),
        Reply::NotFound => Err(CallError::Unanswered(Reason::WebhookDeleted)),
        Reply::Conflict => Err(CallError::Refused(Reason::WebhookDuplicate)),
        Reply::Refused(reason) => Err(CallError::Refused(reason)),
    }
}

/// Whether BigCommerce sends webhooks to that URL.
fn is_reachable(address: &str) -> bool {
    let Some(rest) = address.strip_prefix("https://") else { return false };
    let authority = rest.split('/').next().unwrap_or_default();
    match authority.rsplit_once(':') {
        Some((host, port)) if !host.contains('[') || host.ends_with(']') => port == "443",
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_on_its_own_port_is_reached() {
        assert!(is_reachable("https://vouch.example.com/hooks/bigcommerce/1-a"));
        assert!(is_reachable("https://vouch.example.com:443/hooks"));
        assert!(!is_reachable("https://vouch.example.com:8443/hooks"));
        assert!(!is_reachable("http://vouch.example.com/hooks"));
    }

    #[test]
    fn the_secret_of_the_header_depends_on_secret_and_store() {
        let one = header_secret(b"secret", "1-a");
        assert_eq!(one.len(), 64);
        assert_ne!(one, header_secret(b"secret", "1-b"));
        assert_ne!(one, header_secret(b"other", "1-a"));
    }
}
