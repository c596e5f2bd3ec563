//! The discount rules of codes that are pushed to a WooCommerce store.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use vouch_core::money::{Currency, Rate, format_money, format_plain};

/// The rules of every pushed code, stored as JSON in `stores.discount_rules`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    pub takeoff: DiscountAmount,
    /// The store's currency, for every amount here.
    pub currency: Currency,
    /// The minimum spend on goods, in minor units; `None` for no minimum.
    pub minimum_minor: Option<i64>,
    /// The maximum number of uses in total; `None` for no limit.
    pub total_uses: Option<u32>,
    /// The maximum number of uses per customer; `None` for no limit.
    pub uses_per_customer: Option<u32>,
    /// Whether it can't be combined with other coupons.
    pub individual_use: bool,
    pub exclude_sale_items: bool,
    /// Includes free shipping, if the store has such a shipping method.
    pub free_shipping: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum DiscountAmount {
    /// A percentage of the price.
    Percent {
        #[serde(rename = "basis_points")]
        rate: Rate,
    },
    /// An amount, once off the order.
    Cart {
        /// In minor units.
        minor: i64,
    },
    /// An amount off each item.
    Product {
        /// In minor units.
        minor: i64,
    },
}

impl Rules {
    /// Parses stored rules; `None` if they aren't WooCommerce's.
    pub fn from_json(json: &Value) -> Option<Self> {
        serde_json::from_value(json.clone()).ok()
    }

    /// Whether it has amounts of money, which the store interprets in its own currency.
    pub fn has_amounts(&self) -> bool {
        self.minimum_minor.is_some() || !matches!(self.takeoff, DiscountAmount::Percent { .. })
    }

    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).expect("plain structs always serialize")
    }

    /// The customer's discount, in one or two sentences.
    pub fn sentence(&self) -> String {
        let money = |minor| format_money(minor, self.currency);
        let takeoff = match self.takeoff {
            DiscountAmount::Percent { rate } => format!("{rate} off"),
            DiscountAmount::Cart { minor } => format!("{} off the order", money(minor)),
            DiscountAmount::Product { minor } => format!("{} off each item", money(minor)),
        };
        let mut parts = vec![takeoff];
        if self.exclude_sale_items {
            parts.push("except sale items".to_owned());
        }
        if let Some(minor) = self.minimum_minor {
            parts.push(format!("with a minimum spend of {}", money(minor)));
        }
        if self.free_shipping {
            parts.push("with free shipping".to_owned());
        }
        match self.uses_per_customer {
            Some(1) => parts.push("once per customer".to_owned()),
            Some(uses) => parts.push(format!("up to {uses} times per customer")),
            None => {}
        }
        match self.total_uses {
            Some(1) => parts.push("up to 1 use in total".to_owned()),
            Some(uses) => parts.push(format!("up to {uses} uses in total")),
            None => {}
        }
        let combines = if self.individual_use {
            " The discount can’t be combined with other coupons."
        } else {
            ""
        };
        format!("{}.{combines}", parts.join(", "))
    }

    /// As fields of a WooCommerce coupon.
    pub(super) fn to_coupon(&self) -> Value {
        let (kind, amount) = match self.takeoff {
            DiscountAmount::Percent { rate } => ("percent", rate.decimal()),
            DiscountAmount::Cart { minor } => ("fixed_cart", format_plain(minor, self.currency)),
            DiscountAmount::Product { minor } => {
                ("fixed_product", format_plain(minor, self.currency))
            }
        };
        let minimum = format_plain(self.minimum_minor.unwrap_or(0), self.currency);
        json!({
            "discount_type": kind,
            "amount": amount,
            "minimum_amount": minimum,
            "usage_limit": self.total_uses,
            "usage_limit_per_user": self.uses_per_customer,
            "individual_use": self.individual_use,
            "exclude_sale_items": self.exclude_sale_items,
            "free_shipping": self.free_shipping,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Rules {
        Rules {
            takeoff: DiscountAmount::Percent { rate: Rate::parse("12.5").unwrap() },
            currency: Currency::USD,
            minimum_minor: None,
            total_uses: None,
            uses_per_customer: None,
            individual_use: false,
            exclude_sale_items: false,
            free_shipping: false,
        }
    }

    #[test]
    fn a_sentence_says_all_of_it() {
        assert!(rules().sentence().starts_with("12.5%"));
        let all = Rules {
            takeoff: DiscountAmount::Cart { minor: 500 },
            minimum_minor: Some(5000),
            total_uses: Some(100),
            uses_per_customer: Some(1),
            individual_use: true,
            exclude_sale_items: true,
            free_shipping: true,
            ..rules()
        };
        for value in ["$5.00", "$50.00", "100"] {
            assert!(all.sentence().contains(value), "{value}");
        }
        for without in [
            Rules { takeoff: DiscountAmount::Product { minor: 500 }, ..all.clone() },
            Rules { uses_per_customer: None, ..all.clone() },
            Rules { individual_use: false, ..all.clone() },
            Rules { exclude_sale_items: false, ..all.clone() },
            Rules { free_shipping: false, ..all.clone() },
        ] {
            assert_ne!(without.sentence(), all.sentence(), "{without:?}");
        }
    }

    #[test]
    fn kept_rules_come_back() {
        for takeoff in [
            DiscountAmount::Percent { rate: Rate::percent(1) },
            DiscountAmount::Product { minor: 7 },
        ] {
            let rules = Rules { takeoff, ..rules() };
            assert_eq!(Rules::from_json(&rules.to_json()), Some(rules));
        }
        assert_eq!(Rules::from_json(&json!({"takeoff": {"type": "bogo"}})), None);
    }
}
