use chrono::SecondsFormat;
use serde::Serialize;
use utoipa::ToSchema;

use crate::features::triggers::{TriggerRow, TriggerState};

/// A conversion trigger.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TriggerAnswer {
    /// Vouch's ID of the trigger.
    #[schema(example = "42")]
    pub(crate) id: String,
    /// `coupon_code`, `customer_email` or `sku`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The value as first entered.
    pub(crate) value: String,
    /// The affiliate ID of the current owner.
    #[schema(example = "a3y7")]
    pub(crate) affiliate_id: String,
    /// The affiliate's name.
    pub(crate) affiliate: String,
    /// `active` or `retired`. The value of a retired trigger stays reserved.
    pub(crate) state: String,
    /// Orders placed from this time on count (RFC 3339).
    #[schema(format = DateTime)]
    pub(crate) created_at: String,
    /// Orders placed from this time on no longer count (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub(crate) retired_at: Option<String>,
    /// The status of the code in each store.
    pub(crate) stores: Vec<StoreAnswer>,
}

/// The status of a code in a store.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StoreAnswer {
    /// The name of the store.
    pub(crate) store: String,
    /// `queued`, `pushed`, `failed` or `in_store`.
    pub(crate) status: String,
    /// Why it failed or waits. Can be empty.
    pub(crate) reason: String,
    /// The code of the reason, such as `timeout`. Left out if there's none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason_code: Option<String>,
}

/// Conversion triggers, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TriggersAnswer {
    /// Up to 50 of them.
    pub(crate) triggers: Vec<TriggerAnswer>,
    /// The value of `after` for the next page. Left out on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

impl TriggerAnswer {
    pub(super) fn of(row: TriggerRow) -> Self {
        let TriggerRow { trigger, holder, pushes, .. } = row;
        let state = if trigger.is_retired() { TriggerState::Retired } else { TriggerState::Active };
        let time =
            |at: chrono::DateTime<chrono::Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
        Self {
            id: trigger.id.to_string(),
            kind: trigger.kind.as_str().to_owned(),
            value: trigger.value,
            affiliate_id: holder.public_id,
            affiliate: holder.name,
            state: state.as_str().to_owned(),
            created_at: time(trigger.created_at),
            retired_at: trigger.retired_at.map(time),
            stores: pushes
                .into_iter()
                .map(|line| StoreAnswer {
                    store: line.store,
                    status: line.push.status.as_str().to_owned(),
                    reason: line.push.reason(),
                    reason_code: line.push.reason_code(),
                })
                .collect(),
        }
    }
}
