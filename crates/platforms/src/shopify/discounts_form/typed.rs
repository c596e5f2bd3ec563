//! Discount rules as their form shows them.

use vouch_core::money::format_plain;

use crate::form::Typed;
use crate::settings::{CREATES_CODES, yes_or_no};
use crate::shopify::items::Item;
use crate::shopify::rules::{DiscountAmount, Items, Minimum, Rules};

/// What a store without rules begins with.
pub(super) fn fresh() -> Typed {
    [
        (CREATES_CODES, "no"),
        ("takeoff", "percent"),
        ("percent", "10"),
        ("items", "all"),
        ("minimum", "none"),
        ("once_per_customer", "true"),
        ("once_per_order", "true"),
        ("purchases", "one_time"),
        ("title", "{affiliate}: {code}"),
    ]
    .into_iter()
    .collect()
}

pub(super) fn typed_of(creates: bool, rules: &Rules) -> Typed {
    let plain = |minor| format_plain(minor, rules.currency);
    let mut typed = fresh();
    typed.set(CREATES_CODES, yes_or_no(creates));
    match rules.takeoff {
        DiscountAmount::Percent { rate } => typed.set("percent", rate.number()),
        DiscountAmount::Amount { minor, each_item } => {
            typed.set("takeoff", "amount");
            typed.set("percent", "");
            typed.set("amount", plain(minor));
            typed.tick("once_per_order", !each_item);
        }
    }
    let (kind, items): (_, &[Item]) = match &rules.items {
        Items::All => ("all", &[]),
        Items::Collections(items) => ("collections", items),
        Items::Products(items) => ("products", items),
    };
    typed.set("items", kind);
    let ids: Vec<String> = items.iter().map(|item| item.id.to_string()).collect();
    typed.set("item_list", ids.join("\n"));
    match rules.minimum {
        Minimum::None => {}
        Minimum::Subtotal { minor } => {
            typed.set("minimum", "subtotal");
            typed.set("subtotal", plain(minor));
        }
        Minimum::Quantity { items } => {
            typed.set("minimum", "quantity");
            typed.set("quantity", items.to_string());
        }
    }
    typed.set("total_uses", rules.total_uses.map(|uses| uses.to_string()).unwrap_or_default());
    typed.tick("once_per_customer", rules.once_per_customer);
    let purchases = match (rules.one_time, rules.subscription) {
        (true, true) => "both",
        (false, true) => "subscription",
        _ => "one_time",
    };
    typed.set("purchases", purchases);
    typed.tick("combine_order", rules.combines.order);
    typed.tick("combine_product", rules.combines.product);
    typed.tick("combine_shipping", rules.combines.shipping);
    typed.set("title", rules.title.as_str());
    typed
}
