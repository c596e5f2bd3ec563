use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::features::triggers::TriggerKind;

/// A new conversion trigger. The same request twice returns the same trigger.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TriggerBody {
    /// The affiliate ID or the email of the affiliate.
    #[schema(example = "a3y7")]
    pub(crate) affiliate: String,
    /// The type. Default: `coupon_code`.
    #[serde(default, rename = "type")]
    pub(crate) kind: KindBody,
    /// The coupon code, the customer's email or the SKU.
    #[schema(example = "JANE10")]
    pub(crate) value: String,
    /// Create the code even if a coupon exclusion matches it. The audit log records that.
    #[serde(default)]
    pub(crate) override_exclusions: bool,
    /// Don't create the code in your stores, because they already have it. Such a code can have 255
    /// characters and spaces. A new code can have 50 characters and no spaces.
    #[serde(default)]
    pub(crate) only_in_vouch: bool,
}

/// The part of an order that a trigger matches.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KindBody {
    /// A coupon code.
    #[default]
    CouponCode,
    /// The customer's email.
    CustomerEmail,
    /// A product's SKU.
    Sku,
}

impl From<KindBody> for TriggerKind {
    fn from(kind: KindBody) -> Self {
        match kind {
            KindBody::CouponCode => Self::CouponCode,
            KindBody::CustomerEmail => Self::CustomerEmail,
            KindBody::Sku => Self::Sku,
        }
    }
}
