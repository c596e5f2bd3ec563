//! What BigCommerce's OpenAPI says of the bodies that Vouch sends: only what is named here is
//! documented, so anything else is a fault.
//!
//! From github.com/bigcommerce/docs, `reference/`, as of 2026-04: promotions.v3.yml
//! (`DraftCouponPromotion`, `PatchCouponPromotion`, `createPromotionCode`), marketing.v2.yml
//! (`coupon_Base`), webhooks.v3.yml (`webhook_Base`, `webhook_Put`).

use serde_json::Value;

/// What a value may be.
pub(super) enum Kind {
    /// At most so many characters.
    Text(usize),
    /// Letters, digits, spaces, underscores, hyphens; at most 50.
    Code,
    /// `[0-9]+(\.[0-9]+)?`, as a text.
    Money,
    /// RFC 3339 with the offset `+00:00`.
    Time,
    Whole,
    Yes,
    One(&'static [&'static str]),
    List(&'static Kind),
    /// (name, required, kind)
    Fields(&'static [(&'static str, bool, Kind)]),
    /// Exactly one of these members, each with its kind.
    Either(&'static [(&'static str, Kind)]),
    /// Any names, text values.
    Headers,
}

use Kind::{Code, Either, Fields, Headers, List, Money, One, Text, Time, Whole, Yes};

const DISCOUNT: Kind = Either(&[("fixed_amount", Money), ("percentage_amount", Money)]);

const ACTION: Kind = Either(&[
    ("cart_value", Fields(&[("discount", true, DISCOUNT)])),
    (
        "cart_items",
        Fields(&[
            ("discount", true, DISCOUNT),
            ("as_total", false, Yes),
            ("include_items_considered_by_condition", false, Yes),
        ]),
    ),
    ("shipping", Fields(&[("free_shipping", false, Yes), ("zone_ids", true, One(&["*"]))])),
]);

const RULE: Kind = Fields(&[
    ("action", true, ACTION),
    ("apply_once", false, Yes),
    ("condition", false, Fields(&[("cart", true, Fields(&[("minimum_spend", false, Money)]))])),
]);

/// `POST /v3/promotions`
pub(super) const NEW_PROMOTION: Kind = Fields(&[
    ("redemption_type", true, One(&["COUPON"])),
    ("name", true, Text(usize::MAX)),
    ("rules", true, List(&RULE)),
    ("coupon_type", false, One(&["SINGLE", "BULK"])),
    ("currency_code", false, Text(3)),
    ("status", false, One(&["ENABLED", "DISABLED"])),
    ("start_date", false, Time),
    ("can_be_used_with_other_promotions", false, Yes),
]);

/// `PUT /v3/promotions/{id}`
pub(super) const PROMOTION: Kind = Fields(&[
    ("name", false, Text(usize::MAX)),
    ("rules", false, List(&RULE)),
    ("currency_code", false, Text(3)),
    ("status", false, One(&["ENABLED", "DISABLED"])),
    ("start_date", false, Time),
    ("can_be_used_with_other_promotions", false, Yes),
]);

/// `POST /v3/promotions/{promotion_id}/codes`
pub(super) const NEW_CODE: Kind = Fields(&[
    ("code", true, Code),
    ("max_uses", false, Whole),
    ("max_uses_per_customer", false, Whole),
]);

/// `POST /v2/coupons`
pub(super) const NEW_COUPON: Kind = Fields(&[
    ("name", true, Text(100)),
    ("code", true, Code),
    (
        "type",
        true,
        One(&[
            "per_item_discount",
            "per_total_discount",
            "shipping_discount",
            "free_shipping",
            "percentage_discount",
        ]),
    ),
    ("amount", true, Money),
    (
        "applies_to",
        true,
        Fields(&[
            ("entity", false, One(&["categories", "products"])),
            ("ids", false, List(&Whole)),
        ]),
    ),
    ("enabled", false, Yes),
    ("min_purchase", false, Money),
    ("max_uses", false, Whole),
    ("max_uses_per_customer", false, Whole),
]);

/// `POST /v3/hooks`
pub(super) const NEW_HOOK: Kind = Fields(&[
    ("scope", true, Text(100)),
    ("destination", true, Text(500)),
    ("is_active", false, Yes),
    ("headers", false, Headers),
]);

/// `PUT /v3/hooks/{webhook_id}`
pub(super) const HOOK: Kind = Fields(&[
    ("scope", false, Text(100)),
    ("destination", false, Text(500)),
    ("is_active", false, Yes),
    ("headers", false, Headers),
]);

impl Kind {
    /// What of `value` is not as documented; empty when all is.
    pub(super) fn faults(&self, value: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        self.collect("", value, &mut faults);
        faults
    }

    fn collect(&self, at: &str, value: &Value, faults: &mut Vec<String>) {
        let text = value.as_str().unwrap_or_default();
        let is_fine = match self {
            Text(most) => value.is_string() && text.chars().count() <= *most,
            Code => {
                (1..=50).contains(&text.len())
                    && text.chars().all(|c| c.is_ascii_alphanumeric() || " _-".contains(c))
            }
            Money => {
                let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
                [whole, fraction]
                    .iter()
                    .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
            }
            Time => text.ends_with("+00:00") && chrono::DateTime::parse_from_rfc3339(text).is_ok(),
            Whole => value.as_u64().is_some(),
            Yes => value.is_boolean(),
            One(words) => words.contains(&text),
            List(kind) => {
                for (i, item) in value.as_array().into_iter().flatten().enumerate() {
                    kind.collect(&format!("{at}[{i}]"), item, faults);
                }
                value.is_array()
            }
            Fields(fields) => {
                for (name, required, kind) in *fields {
                    match value.get(name) {
                        Some(member) => kind.collect(&format!("{at}.{name}"), member, faults),
                        None if *required => faults.push(format!("{at}.{name} is missing")),
                        None => {}
                    }
                }
                let known = |name: &String| fields.iter().any(|field| field.0 == name);
                let names = value.as_object().into_iter().flatten().map(|member| member.0);
                let unknown = names.filter(|name| !known(name));
                faults.extend(unknown.map(|name| format!("{at}.{name} is not documented")));
                value.is_object()
            }
            Either(members) => {
                let object = value.as_object();
                let found = object.into_iter().flatten().filter_map(|(name, member)| {
                    Some((members.iter().find(|known| known.0 == name)?, member))
                });
                let found: Vec<_> = found.collect();
                for ((name, kind), member) in &found {
                    kind.collect(&format!("{at}.{name}"), member, faults);
                }
                found.len() == 1 && object.is_some_and(|object| object.len() == 1)
            }
            Headers => {
                value.as_object().is_some_and(|headers| headers.values().all(Value::is_string))
            }
        };
        if !is_fine {
            faults.push(format!("{at} cannot be {value}"));
        }
    }
}
