//! The webhooks that Shopify sends to Vouch.

use serde::Deserialize;
use serde_json::{Value, json};

use super::admin::{Admin, short};
use crate::settings::Topic;
use crate::{CallError, Reason, Webhooks};

/// The required webhooks.
pub(super) const TOPICS: [Topic; 8] = [
    Topic::new("orders/create", "Order creation"),
    Topic::new("orders/updated", "Order update"),
    Topic::new("orders/paid", "Order payment"),
    Topic::new("orders/cancelled", "Order cancellation"),
    Topic::new("orders/edited", "Order edit"),
    Topic::new("orders/delete", "Order deletion"),
    Topic::new("refunds/create", "Refund create"),
    Topic { name: "app/uninstalled", label: None },
];
/// The maximum number of pages of subscriptions. One app has a few dozen subscriptions.
const MAX_PAGES: usize = 20;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    webhook_subscriptions: SubscriptionConnection,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SubscriptionConnection {
    nodes: Vec<Subscription>,
    page_info: PageInfo,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Subscription {
    id: String,
    topic: String,
    uri: String,
    format: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Changed {
    #[serde(alias = "webhookSubscriptionCreate", alias = "webhookSubscriptionDelete")]
    payload: Payload,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    user_errors: Vec<UserError>,
}

#[derive(Deserialize)]
struct UserError {
    message: String,
}

pub(super) fn ensure(admin: &mut Admin, address: &str) -> Result<Webhooks, CallError> {
    let mut webhooks = Webhooks::default();
    // Shopify would reject each of eight calls with the same reason.
    if !admin.is_local() && !address.starts_with("https://") {
        webhooks.problem = Some(Reason::WebhooksNeedHttps);
        return Ok(webhooks);
    }
    let existing = list(admin)?;
    for Topic { name, .. } in TOPICS {
        let topic = &name_in_api(name);
        let is_this =
            |s: &&Subscription| s.topic == *topic && s.uri == address && s.format == "JSON";
        if existing.iter().any(|subscription| is_this(&subscription)) {
            continue;
        }
        match create(admin, topic, address)? {
            None => webhooks.made += 1,
            Some(said) => {
                let topic = topic.clone();
                webhooks.problem = Some(Reason::WebhookRejected { topic, said });
            }
        }
    }
    // Deleted last, so no topic lacks a subscription in between.
    for stale in existing.iter().filter(|subscription| is_stale(subscription, address)) {
        delete(admin, &stale.id)?;
    }
    Ok(webhooks)
}

/// `orders/create` is `ORDERS_CREATE` in the API.
fn name_in_api(topic: &str) -> String {
    topic.to_ascii_uppercase().replace('/', "_")
}

/// A subscription of Vouch for this store, from before Vouch's URL changed.
fn is_stale(subscription: &Subscription, address: &str) -> bool {
    let path = |uri: &str| uri.split_once("/hooks/shopify/").map(|(_, key)| key.to_owned());
    subscription.uri != address
        && path(&subscription.uri).is_some_and(|key| path(address) == Some(key))
}

fn list(admin: &mut Admin) -> Result<Vec<Subscription>, CallError> {
    let mut all = Vec::new();
    let mut after = None::<String>;
    for _ in 0..MAX_PAGES {
        let listed: Listed = admin.ask(document!("webhooks"), &json!({ "after": after }))?;
        let SubscriptionConnection { nodes, page_info } = listed.webhook_subscriptions;
        all.extend(nodes);
        after = page_info.end_cursor.filter(|_| page_info.has_next_page);
        if after.is_none() {
            break;
        }
    }
    Ok(all)
}

/// Returns the store's objection, if any.
fn create(admin: &mut Admin, topic: &str, address: &str) -> Result<Option<String>, CallError> {
    let webhook = json!({ "uri": address, "format": "JSON" });
    change(admin, document!("create_webhook"), &json!({ "topic": topic, "webhook": webhook }))
}

fn delete(admin: &mut Admin, id: &str) -> Result<(), CallError> {
    // It doesn't matter if the subscription is already gone.
    change(admin, document!("delete_webhook"), &json!({ "id": id })).map(drop)
}

fn change(
    admin: &mut Admin,
    document: &str,
    variables: &Value,
) -> Result<Option<String>, CallError> {
    let changed: Changed = admin.ask(document, variables)?;
    Ok(changed.payload.user_errors.first().map(|error| short(&error.message)))
}
