//! The discount rules of codes that are pushed to a Shopify store.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vouch_core::money::{Currency, Rate, format_money, format_plain};

use super::items::Item;
use crate::NewCode;

/// Shopify's maximum length of a title, in characters.
const MAX_TITLE_CHARS: usize = 255;

/// The rules of every pushed code, stored as JSON in `stores.discount_rules`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    pub takeoff: DiscountAmount,
    /// The store's currency, for every amount here.
    pub currency: Currency,
    pub items: Items,
    pub minimum: Minimum,
    /// The maximum number of uses in total; `None` for no limit.
    pub total_uses: Option<u32>,
    /// Whether each customer can use it only once.
    pub once_per_customer: bool,
    /// Whether it applies to one-time purchases.
    pub one_time: bool,
    /// Whether it applies to subscriptions.
    pub subscription: bool,
    /// Which other discounts it combines with.
    pub combines: Combines,
    /// The title in the store's admin, with `{affiliate}` and `{code}` as placeholders.
    pub title: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum DiscountAmount {
    /// A percentage of the price.
    Percent {
        #[serde(rename = "basis_points")]
        rate: Rate,
    },
    /// An amount in the store's currency.
    Amount {
        /// In minor units.
        minor: i64,
        /// Off each item, instead of once per order.
        each_item: bool,
    },
}

/// What a discount applies to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "items", rename_all = "snake_case")]
pub enum Items {
    All,
    /// The products in these collections.
    Collections(Vec<Item>),
    Products(Vec<Item>),
}

/// What a discount can be limited to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    Collections,
    Products,
}

/// The minimum purchase requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Minimum {
    None,
    /// A minimum subtotal of the goods it applies to.
    Subtotal {
        /// In minor units of the store's currency.
        minor: i64,
    },
    /// A minimum quantity of the goods it applies to.
    Quantity {
        /// At least 1.
        items: u32,
    },
}

/// Which other discounts a code combines with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Combines {
    pub order: bool,
    pub product: bool,
    pub shipping: bool,
}

/// The parts of a discount in the store that are compared with the rules.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InStore {
    usage_limit: Option<u32>,
    applies_once_per_customer: bool,
    combines_with: CombinesInStore,
    minimum_requirement: Option<Value>,
    customer_gets: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CombinesInStore {
    order_discounts: bool,
    product_discounts: bool,
    shipping_discounts: bool,
}

impl Rules {
    /// Parses stored rules; `None` if they aren't Shopify's.
    pub fn from_json(json: &Value) -> Option<Self> {
        serde_json::from_value(json.clone()).ok()
    }

    pub fn title_of(&self, affiliate: &str, code: &str) -> String {
        // In one pass, so a placeholder inside a name isn't replaced.
        let mut title = String::new();
        let mut rest = self.title.as_str();
        while let Some(start) = rest.find('{') {
            title.push_str(&rest[..start]);
            rest = &rest[start..];
            let known = [("{affiliate}", affiliate), ("{code}", code)];
            match known.into_iter().find(|(name, _)| rest.starts_with(name)) {
                Some((name, value)) => {
                    title.push_str(value);
                    rest = &rest[name.len()..];
                }
                None => {
                    title.push('{');
                    rest = &rest[1..];
                }
            }
        }
        title.push_str(rest);
        title.chars().filter(|c| !c.is_control()).take(MAX_TITLE_CHARS).collect()
    }

    /// The customer's discount, in one or two sentences.
    pub fn sentence(&self) -> String {
        let mut sentence = self.takeoff_in_words();
        match self.minimum {
            Minimum::None => {}
            Minimum::Subtotal { minor } => {
                let amount = format_money(minor, self.currency);
                sentence += &format!(", with a minimum purchase of {amount}");
            }
            Minimum::Quantity { items: 1 } => sentence += ", with at least 1 item",
            Minimum::Quantity { items } => sentence += &format!(", with at least {items} items"),
        }
        match (self.one_time, self.subscription) {
            (true, true) => sentence += ", on one-time purchases and subscriptions",
            (false, true) => sentence += ", on subscriptions",
            _ => {}
        }
        if self.once_per_customer {
            sentence += ", once per customer";
        }
        match self.total_uses {
            None => {}
            Some(1) => sentence += ", up to 1 use in total",
            Some(uses) => sentence += &format!(", up to {uses} uses in total"),
        }
        sentence + ". " + &self.combines.in_words()
    }

    fn takeoff_in_words(&self) -> String {
        let on = match &self.items {
            Items::All => String::new(),
            Items::Collections(items) => format!(" for items in {}", named(items, "collection")),
            Items::Products(items) => format!(" for {}", named(items, "product")),
        };
        match (self.takeoff, &self.items) {
            (DiscountAmount::Percent { rate }, Items::All) => format!("{rate} off everything"),
            (DiscountAmount::Percent { rate }, _) => format!("{rate} off{on}"),
            (DiscountAmount::Amount { minor, each_item: true }, _) => {
                format!("{} off each item{on}", format_money(minor, self.currency))
            }
            (DiscountAmount::Amount { minor, each_item: false }, _) => {
                format!("{} off the order{on}", format_money(minor, self.currency))
            }
        }
    }

    /// `DiscountCodeBasicInput` for a new code.
    pub(super) fn input(&self, code: &NewCode, tags: &[String]) -> Value {
        let mut gets = json!({ "value": self.value(), "items": self.items_input() });
        // Sent only if it isn't the default, for the sake of stores without subscriptions.
        if !self.one_time || self.subscription {
            gets["appliesOnOneTimePurchase"] = json!(self.one_time);
            gets["appliesOnSubscription"] = json!(self.subscription);
        }
        let mut input = json!({
            "title": self.title_of(&code.affiliate, &code.code),
            "code": code.code,
            "startsAt": code.now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            "endsAt": null,
            "context": { "all": "ALL" },
            "customerGets": gets,
            "usageLimit": self.total_uses,
            "appliesOncePerCustomer": self.once_per_customer,
            "combinesWith": {
                "orderDiscounts": self.combines.order,
                "productDiscounts": self.combines.product,
                "shippingDiscounts": self.combines.shipping,
            },
            "tags": tags,
        });
        match self.minimum {
            Minimum::None => {}
            Minimum::Subtotal { minor } => {
                let from = format_plain(minor, self.currency);
                input["minimumRequirement"] =
                    json!({ "subtotal": { "greaterThanOrEqualToSubtotal": from } });
            }
            Minimum::Quantity { items } => {
                input["minimumRequirement"] = json!({
                    "quantity": { "greaterThanOrEqualToQuantity": items.to_string() }
                });
            }
        }
        input
    }

    fn value(&self) -> Value {
        match self.takeoff {
            DiscountAmount::Percent { rate } => json!({ "percentage": fraction(rate) }),
            DiscountAmount::Amount { minor, each_item } => json!({ "discountAmount": {
                "amount": format_plain(minor, self.currency),
                "appliesOnEachItem": each_item,
            } }),
        }
    }

    fn items_input(&self) -> Value {
        let gids = |target: Target, items: &[Item]| -> Vec<String> {
            items.iter().map(|item| target.gid(item.id)).collect()
        };
        match &self.items {
            Items::All => json!({ "all": true }),
            Items::Collections(items) => {
                json!({ "collections": { "add": gids(Target::Collections, items) } })
            }
            Items::Products(items) => {
                json!({ "products": { "productsToAdd": gids(Target::Products, items) } })
            }
        }
    }

    /// Whether a discount in the store matches these rules. For collections and products, only the
    /// kind is compared.
    pub(super) fn are_those_of(&self, discount: &InStore) -> bool {
        let combines = Combines {
            order: discount.combines_with.order_discounts,
            product: discount.combines_with.product_discounts,
            shipping: discount.combines_with.shipping_discounts,
        };
        let gets = &discount.customer_gets;
        let kind = match self.items {
            Items::All => "AllDiscountItems",
            Items::Collections(_) => "DiscountCollections",
            Items::Products(_) => "DiscountProducts",
        };
        discount.usage_limit == self.total_uses
            && discount.applies_once_per_customer == self.once_per_customer
            && combines == self.combines
            && gets["appliesOnOneTimePurchase"] == self.one_time
            && gets["appliesOnSubscription"] == self.subscription
            && gets["items"]["__typename"] == kind
            && self.is_takeoff(&gets["value"])
            && self.is_minimum(discount.minimum_requirement.as_ref().unwrap_or(&Value::Null))
    }

    fn is_takeoff(&self, value: &Value) -> bool {
        match self.takeoff {
            DiscountAmount::Percent { rate } => value["percentage"]
                .as_f64()
                .is_some_and(|part| (part - fraction(rate)).abs() < 0.000_01),
            DiscountAmount::Amount { minor, each_item } => {
                value["appliesOnEachItem"] == each_item
                    && self.minor(&value["amount"]["amount"]) == Some(minor)
            }
        }
    }

    fn is_minimum(&self, requirement: &Value) -> bool {
        match self.minimum {
            Minimum::None => requirement.is_null(),
            Minimum::Subtotal { minor } => {
                self.minor(&requirement["greaterThanOrEqualToSubtotal"]["amount"]) == Some(minor)
            }
            Minimum::Quantity { items } => {
                let from = &requirement["greaterThanOrEqualToQuantity"];
                from.as_str().map(str::to_owned).unwrap_or_else(|| from.to_string())
                    == items.to_string()
            }
        }
    }

    fn minor(&self, amount: &Value) -> Option<i64> {
        vouch_core::money::parse_decimal(amount.as_str()?, self.currency).ok()
    }
}

impl Combines {
    fn in_words(self) -> String {
        let kinds = [
            (self.order, "order discounts"),
            (self.product, "product discounts"),
            (self.shipping, "shipping discounts"),
        ];
        let kinds: Vec<&str> =
            kinds.iter().filter(|(combines, _)| *combines).map(|(_, kind)| *kind).collect();
        match kinds.as_slice() {
            [] => "The discount can’t be combined with other discounts.".to_owned(),
            [one] => format!("The discount can be combined with {one}."),
            [first, last] => format!("The discount can be combined with {first} and {last}."),
            _ => "The discount can be combined with order, product and shipping discounts."
                .to_owned(),
        }
    }
}

/// The fraction of 1 that Shopify expects.
#[expect(clippy::cast_precision_loss, reason = "at most 10000")]
fn fraction(rate: Rate) -> f64 {
    rate.basis_points() as f64 / 10_000.0
}

/// `the collection Tea`, `2 products`.
fn named(items: &[Item], what: &str) -> String {
    match items {
        [item] if !item.title.is_empty() => format!("the {what} “{}”", item.title),
        [_] => format!("one {what}"),
        items => format!("{} {what}s", items.len()),
    }
}
