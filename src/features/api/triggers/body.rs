use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::features::triggers::TriggerKind;

/// A conversion trigger that is to be created. The same request twice answers the same trigger.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TriggerBody {
    /// Who is credited: the affiliate ID, or the e-mail address.
    #[schema(example = "a3y7")]
    pub(crate) affiliate: String,
    /// What part of an order it looks at; `coupon_code` if left out.
    #[serde(default, rename = "type")]
    pub(crate) kind: KindBody,
    /// The coupon code, the customer's e-mail address or the SKU.
    #[schema(example = "JANE10")]
    pub(crate) value: String,
    /// Create a code although Coupon Exclusions stop it. The audit log keeps that.
    #[serde(default)]
    pub(crate) override_exclusions: bool,
    /// Your stores have the code already: it isn't created there, and can be up to 255 characters
    /// with spaces. A new code has up to 50 and none.
    #[serde(default)]
    pub(crate) only_in_vouch: bool,
}

/// What part of an order a trigger looks at.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KindBody {
    /// A code that the shopper types at checkout.
    #[default]
    CouponCode,
    /// The address of the customer.
    CustomerEmail,
    /// A product.
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
