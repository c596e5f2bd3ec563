//! The discount rules of codes.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use vouch_core::money::{Currency, format_money, parse_decimal};

/// Every currency of the store.
pub(super) const ANY_CURRENCY: &str = "*";

/// The rules of every code created in the store. Amounts are decimal text without trailing zeros
/// (`10`, `12.5`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    pub kind: DiscountFeature,
    pub discount: Discount,
    /// Empty for free shipping.
    pub amount: String,
    /// The minimum order value, if any.
    pub minimum: Option<String>,
    /// The maximum number of uses in total; 0 for no limit.
    pub max_uses: u32,
    /// The maximum number of uses per customer; 0 for no limit.
    pub max_uses_per_customer: u32,
    /// `None`: every currency, [`ANY_CURRENCY`]. V2 coupons know the store's own alone.
    #[serde(with = "any_currency")]
    pub currency: Option<Currency>,
    /// Whether it goes together with other promotions.
    pub combines: bool,
}

/// The BigCommerce feature that codes are created with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiscountFeature {
    /// V3 promotions.
    Promotion,
    /// V2 coupons, which BigCommerce calls legacy.
    Coupon,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Discount {
    /// A percentage of the order.
    Percent,
    /// An amount, once per order.
    PerOrder,
    /// An amount off every item.
    PerItem,
    FreeShipping,
}

impl DiscountFeature {
    /// The name in forms and rules.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Promotion => "promotion",
            Self::Coupon => "coupon",
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        [Self::Promotion, Self::Coupon].into_iter().find(|kind| kind.as_str() == name)
    }
}

impl Discount {
    /// The name in forms and rules.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Percent => "percent",
            Self::PerOrder => "per_order",
            Self::PerItem => "per_item",
            Self::FreeShipping => "free_shipping",
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        let all = [Self::Percent, Self::PerOrder, Self::PerItem, Self::FreeShipping];
        all.into_iter().find(|discount| discount.as_str() == name)
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            kind: DiscountFeature::Promotion,
            discount: Discount::Percent,
            amount: "10".into(),
            minimum: None,
            max_uses: 0,
            max_uses_per_customer: 0,
            currency: None,
            combines: false,
        }
    }
}

impl Rules {
    /// The customer's discount, in one or two sentences.
    pub fn sentence(&self) -> String {
        let amount = &self.amount;
        // V2 coupons are in the store's own currency.
        let currency = match self.kind {
            DiscountFeature::Promotion => self.currency,
            DiscountFeature::Coupon => None,
        };
        let money = |amount: &str| {
            let known = currency.and_then(|of| Some((parse_decimal(amount, of).ok()?, of)));
            known.map_or_else(|| amount.to_owned(), |(minor, of)| format_money(minor, of))
        };
        let mut text = match self.discount {
            Discount::Percent => format!("{amount}% off the order"),
            Discount::PerOrder => format!("{} off the order", money(amount)),
            Discount::PerItem => format!("{} off each item", money(amount)),
            Discount::FreeShipping => "Free shipping".to_owned(),
        };
        if let Some(minimum) = &self.minimum {
            text += &format!(", with a minimum purchase of {}", money(minimum));
        }
        let has_amounts = self.minimum.is_some() || !self.is_without_money();
        if let Some(currency) = currency.filter(|_| !has_amounts) {
            text += &format!(", for orders in {currency}");
        }
        match self.max_uses_per_customer {
            0 => {}
            1 => text += ", once per customer",
            times => text += &format!(", up to {times} times per customer"),
        }
        match self.max_uses {
            0 => {}
            1 => text += ", up to 1 use in total",
            uses => text += &format!(", up to {uses} uses in total"),
        }
        text += ".";
        if self.kind == DiscountFeature::Promotion {
            text += if self.combines {
                " The discount can be combined with other promotions."
            } else {
                " The discount can’t be combined with other promotions."
            };
        }
        if self.kind == DiscountFeature::Coupon && has_amounts {
            text += " Amounts are in the store’s currency.";
        }
        text
    }

    /// A sentence that names the feature it was created with, or an empty string if it's the same
    /// as `own`'s.
    pub(super) fn made_otherwise(&self, own: &Self) -> &'static str {
        match self.kind {
            kind if kind == own.kind => "",
            DiscountFeature::Coupon => " This code is a legacy coupon.",
            DiscountFeature::Promotion => " This code is a promotion.",
        }
    }

    /// Whether the customer's discount is the same as with `own`. Between different kinds, the
    /// fields that V2 coupons don't have are ignored.
    pub(super) fn gives_as(&self, own: &Self) -> bool {
        if self.kind == own.kind {
            return self == own;
        }
        let (kind, combines) = (own.kind, own.combines);
        Self { kind, combines, currency: own.currency, ..self.clone() } == *own
    }

    fn is_without_money(&self) -> bool {
        matches!(self.discount, Discount::Percent | Discount::FreeShipping)
    }

    /// The `rules` of a V3 promotion.
    pub(super) fn of_promotion(&self) -> Value {
        let action = match self.discount {
            Discount::Percent => {
                json!({ "cart_value": { "discount": { "percentage_amount": self.amount } } })
            }
            Discount::PerOrder => {
                json!({ "cart_value": { "discount": { "fixed_amount": self.amount } } })
            }
            // Without the last field, the items that meet the minimum wouldn't be discounted.
            Discount::PerItem => json!({ "cart_items": {
                "discount": { "fixed_amount": self.amount },
                "as_total": false,
                "include_items_considered_by_condition": true,
            } }),
            Discount::FreeShipping => {
                json!({ "shipping": { "free_shipping": true, "zone_ids": "*" } })
            }
        };
        let mut rule = json!({ "action": action, "apply_once": true });
        if let Some(minimum) = &self.minimum {
            rule["condition"] = json!({ "cart": { "minimum_spend": minimum } });
        }
        json!([rule])
    }

    /// The rules of a V3 promotion and its one code. `None` if these rules can't express it.
    pub(super) fn read_promotion(promotion: &Value, code: &Value) -> Option<Self> {
        let [rule] = promotion.get("rules")?.as_array()?.as_slice() else { return None };
        let action = rule.get("action")?.as_object()?;
        let (name, action) = action.iter().next().filter(|_| action.len() == 1)?;
        let off = |kind: &str| action.get("discount")?.get(kind).and_then(decimal);
        let (discount, amount) = match name.as_str() {
            "cart_value" => match (off("percentage_amount"), off("fixed_amount")) {
                (Some(amount), None) => (Discount::Percent, amount),
                (None, Some(amount)) => (Discount::PerOrder, amount),
                _ => return None,
            },
            "cart_items" if action.get("items").is_none_or(Value::is_null) => {
                (Discount::PerItem, off("fixed_amount")?)
            }
            "shipping" => (Discount::FreeShipping, String::new()),
            _ => return None,
        };
        let cart = rule.get("condition").and_then(|condition| condition.get("cart"));
        if cart.is_some_and(|cart| cart.get("items").is_some_and(|items| !items.is_null())) {
            return None;
        }
        let minimum = cart.and_then(|cart| cart.get("minimum_spend")).and_then(decimal);
        Some(Self {
            kind: DiscountFeature::Promotion,
            discount,
            amount,
            minimum: minimum.filter(|minimum| minimum != "0"),
            max_uses: count(code, "max_uses").max(count(promotion, "max_uses")),
            max_uses_per_customer: count(code, "max_uses_per_customer"),
            currency: any_currency::parse(promotion.get("currency_code")?.as_str()?).ok()?,
            combines: promotion.get("can_be_used_with_other_promotions")?.as_bool()?,
        })
    }

    /// The `type` and the `amount` of a V2 coupon.
    pub(super) fn of_coupon(&self) -> (&'static str, &str) {
        let kind = match self.discount {
            Discount::Percent => "percentage_discount",
            Discount::PerOrder => "per_total_discount",
            Discount::PerItem => "per_item_discount",
            Discount::FreeShipping => return ("free_shipping", "0"),
        };
        (kind, &self.amount)
    }

    /// The rules of a V2 coupon. `None` if these rules can't express it. V2 has neither currencies
    /// nor combinations, so these are taken from `own`.
    pub(super) fn read_coupon(coupon: &Value, own: &Self) -> Option<Self> {
        let discount = match coupon.get("type")?.as_str()? {
            "percentage_discount" => Discount::Percent,
            "per_total_discount" => Discount::PerOrder,
            "per_item_discount" => Discount::PerItem,
            "free_shipping" => Discount::FreeShipping,
            _ => return None,
        };
        let amount = match discount {
            Discount::FreeShipping => String::new(),
            _ => coupon.get("amount").and_then(decimal)?,
        };
        let minimum = coupon.get("min_purchase").and_then(decimal);
        Some(Self {
            kind: DiscountFeature::Coupon,
            discount,
            amount,
            minimum: minimum.filter(|minimum| minimum != "0"),
            max_uses: count(coupon, "max_uses"),
            max_uses_per_customer: count(coupon, "max_uses_per_customer"),
            currency: own.currency,
            combines: own.combines,
        })
    }
}

/// A currency, or [`ANY_CURRENCY`], as BigCommerce writes them.
pub(super) mod any_currency {
    use serde::{Deserialize, Deserializer, Serializer, de};
    use vouch_core::money::{Currency, UnknownCurrency};

    use super::ANY_CURRENCY;

    pub(crate) fn parse(code: &str) -> Result<Option<Currency>, UnknownCurrency> {
        if code == ANY_CURRENCY { Ok(None) } else { Currency::from_code(code).map(Some) }
    }

    pub(crate) fn code(currency: Option<Currency>) -> &'static str {
        currency.map_or(ANY_CURRENCY, Currency::code)
    }

    pub(super) fn serialize<S: Serializer>(
        currency: &Option<Currency>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(code(*currency))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Currency>, D::Error> {
        parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// A decimal as [`Rules`] write it, from a JSON text or number: `10.0000` is `10`.
fn decimal(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    Some(plain(&text))
}

/// Removes trailing zeros.
pub(super) fn plain(text: &str) -> String {
    let text = text.trim();
    let text = match text.split_once('.') {
        Some(_) => text.trim_end_matches('0').trim_end_matches('.'),
        None => text,
    };
    let text = text.trim_start_matches('0');
    if text.is_empty() || text.starts_with('.') { format!("0{text}") } else { text.to_owned() }
}

/// A number that can be missing, null or text.
fn count(of: &Value, name: &str) -> u32 {
    let value = of.get(name);
    let number = value.and_then(Value::as_u64);
    let number = number.or_else(|| value.and_then(Value::as_str)?.parse().ok());
    number.and_then(|number| u32::try_from(number).ok()).unwrap_or(0)
}
