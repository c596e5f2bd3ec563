//! The webhooks that WooCommerce sends to Vouch.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::api::Api;
use crate::http::Method;
use crate::settings::Topic;
use crate::{CallError, Reason, Webhooks};

/// The required webhooks.
pub const TOPICS: [Topic; 4] = [
    Topic::new("order.created", "Order created"),
    Topic::new("order.updated", "Order updated"),
    Topic::new("order.deleted", "Order deleted"),
    Topic::new("order.restored", "Order restored"),
];
/// The maximum number of pages of webhooks. A store has a few dozen webhooks.
const MAX_PAGES: usize = 20;
const PAGE: usize = 100;
/// The prefix of the names of webhooks that Vouch creates.
const NAME_PREFIX: &str = "Vouch: ";

#[derive(Deserialize)]
struct Webhook {
    id: u64,
    #[serde(default)]
    name: String,
    status: String,
    topic: String,
    delivery_url: String,
}

pub(super) fn ensure(
    api: &Api,
    secret: Option<&SecretString>,
    address: &str,
) -> Result<Webhooks, CallError> {
    let Some(secret) = secret else {
        let problem = Some(Reason::NoWebhookSecret);
        return Ok(Webhooks { problem, ..Webhooks::default() });
    };
    let existing = list(api)?;
    let mut webhooks = Webhooks::default();
    for Topic { name: topic, label } in TOPICS {
        let label = label.unwrap_or(topic);
        let name = name(topic, secret);
        let of_topic = |w: &&Webhook| w.topic == topic && w.delivery_url == address;
        let found = existing.iter().filter(of_topic);
        // Prefers a webhook that Vouch created, then an active one.
        let best = found.max_by_key(|w| (w.name.starts_with(NAME_PREFIX), w.status == "active"));
        let answer = match best {
            None => {
                webhooks.made += 1;
                let made = json!({ "name": name, "topic": topic, "delivery_url": address,
                    "secret": secret.expose_secret(), "status": "active" });
                api.ask(Method::Post, "webhooks", Some(&made))?
            }
            Some(webhook) if webhook.status == "paused" => {
                webhooks.problem = Some(Reason::WebhookPaused { webhook: label.to_owned() });
                continue;
            }
            Some(webhook) => {
                let is_stale = webhook.name.starts_with(NAME_PREFIX) && webhook.name != name;
                if webhook.status == "active" && !is_stale {
                    continue;
                }
                webhooks.revived += usize::from(webhook.status != "active");
                let mut change = json!({ "status": "active" });
                if is_stale {
                    change["name"] = json!(name);
                    change["secret"] = json!(secret.expose_secret());
                }
                api.ask(Method::Put, &format!("webhooks/{}", webhook.id), Some(&change))?
            }
        };
        if let Err(objection) = answer {
            if objection.is_lacking() || objection.status == 401 {
                return Err(objection.into());
            }
            webhooks.problem = Some(CallError::from(objection).reason());
        }
    }
    Ok(webhooks)
}

/// Identifies the secret that the webhook was created with. WooCommerce doesn't return it, and it
/// changes when the store is connected again.
fn name(topic: &str, secret: &SecretString) -> String {
    let digest = Sha256::new().chain_update(b"webhook name").chain_update(secret.expose_secret());
    format!("{NAME_PREFIX}{topic} ({})", &hex::encode(digest.finalize())[..8])
}

fn list(api: &Api) -> Result<Vec<Webhook>, CallError> {
    let mut all = Vec::new();
    for page in 1..=MAX_PAGES {
        let some: Vec<Webhook> = api.get(&format!("webhooks?per_page={PAGE}&page={page}"))?;
        let is_last = some.len() < PAGE;
        all.extend(some);
        if is_last {
            break;
        }
    }
    Ok(all)
}
