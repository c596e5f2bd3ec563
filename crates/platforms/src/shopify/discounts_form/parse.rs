//! Discount rules as they are read from their form.

use vouch_core::money::{Currency, Rate};

use super::items::target;
use crate::form::{FieldErrors, Typed};
use crate::settings::NewRules;
use crate::shopify::items::Item;
use crate::shopify::rules::{Combines, DiscountAmount, Items, Minimum, Rules, Target};

const MAX_USES: u32 = 10_000_000;
const MAX_TITLE: usize = 150;

/// Whether an amount of money is typed, which is in the store's currency.
pub(super) fn needs_money(typed: &Typed) -> bool {
    typed.text("takeoff") == "amount" || typed.text("minimum") == "subtotal"
}

/// The rules, with the things that the references turned out to be.
pub(super) fn new_rules(
    typed: &Typed,
    currency: Currency,
    items: Vec<Item>,
    mut errors: FieldErrors,
) -> Result<Option<NewRules>, FieldErrors> {
    let takeoff = discount_amount(typed, currency, &mut errors);
    let minimum = minimum(typed, currency, &mut errors);
    let total_uses = typed.limit("total_uses", MAX_USES, &mut errors);
    let title = typed.text("title").trim();
    if title.is_empty() || title.chars().count() > MAX_TITLE {
        errors.add("title", format!("Enter a title of 1 to {MAX_TITLE} characters."));
    }
    let (Some(takeoff), Some(minimum), true) = (takeoff, minimum, errors.is_empty()) else {
        return Err(errors);
    };
    let purchases = typed.text("purchases");
    let rules = Rules {
        takeoff,
        currency,
        items: match target(typed) {
            None => Items::All,
            Some(Target::Collections) => Items::Collections(items),
            Some(Target::Products) => Items::Products(items),
        },
        minimum,
        total_uses,
        once_per_customer: typed.is_ticked("once_per_customer"),
        one_time: purchases != "subscription",
        subscription: matches!(purchases, "subscription" | "both"),
        combines: Combines {
            order: typed.is_ticked("combine_order"),
            product: typed.is_ticked("combine_product"),
            shipping: typed.is_ticked("combine_shipping"),
        },
        title: title.to_owned(),
    };
    Ok(Some(NewRules { json: serde_json::json!(rules), sentence: rules.sentence() }))
}

fn discount_amount(
    typed: &Typed,
    currency: Currency,
    errors: &mut FieldErrors,
) -> Option<DiscountAmount> {
    if typed.text("takeoff") == "amount" {
        let minor = typed.money("amount", Some(currency), errors)?;
        let each_item = !typed.is_ticked("once_per_order");
        return Some(DiscountAmount::Amount { minor, each_item });
    }
    let rate = Rate::parse_discount(typed.text("percent"));
    let rate = rate.map_err(|error| errors.add("percent", error.to_string())).ok()?;
    Some(DiscountAmount::Percent { rate })
}

fn minimum(typed: &Typed, currency: Currency, errors: &mut FieldErrors) -> Option<Minimum> {
    match typed.text("minimum") {
        "subtotal" => {
            let minor = typed.money("subtotal", Some(currency), errors)?;
            Some(Minimum::Subtotal { minor })
        }
        "quantity" => {
            let items = typed.count("quantity", MAX_USES, errors)?;
            Some(Minimum::Quantity { items })
        }
        _ => Some(Minimum::None),
    }
}
