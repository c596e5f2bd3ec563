//! Discount rules as they are read from their form.

use vouch_core::money::{Currency, MoneyError, Rate, parse_decimal};

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
    let total_uses =
        typed.filled("total_uses").and_then(|uses| count("total_uses", uses, &mut errors));
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
        let minor = money("amount", typed, currency, errors)?;
        return Some(DiscountAmount::Amount { minor, each_item: typed.is_ticked("each_item") });
    }
    let rate = Rate::parse_discount(typed.text("percent"));
    let rate = rate.map_err(|error| errors.add("percent", error.to_string())).ok()?;
    Some(DiscountAmount::Percent { rate })
}

fn minimum(typed: &Typed, currency: Currency, errors: &mut FieldErrors) -> Option<Minimum> {
    match typed.text("minimum") {
        "subtotal" => {
            let minor = money("subtotal", typed, currency, errors)?;
            Some(Minimum::Subtotal { minor })
        }
        "quantity" => {
            let items = count("quantity", typed.text("quantity").trim(), errors)?;
            Some(Minimum::Quantity { items })
        }
        _ => Some(Minimum::None),
    }
}

fn money(
    field: &'static str,
    typed: &Typed,
    currency: Currency,
    errors: &mut FieldErrors,
) -> Option<i64> {
    match parse_decimal(typed.text(field), currency) {
        Ok(minor @ 1..=1_000_000_000_000) => return Some(minor),
        Err(error @ MoneyError::TooPrecise(_)) => errors.add(field, format!("The amount {error}.")),
        _ => errors.add(field, format!("Enter an amount of {} above 0.", currency.code())),
    }
    None
}

fn count(field: &'static str, typed: &str, errors: &mut FieldErrors) -> Option<u32> {
    let number = typed.parse::<u32>().ok().filter(|number| (1..=MAX_USES).contains(number));
    if number.is_none() {
        errors.add(field, format!("Enter a whole number from 1 to {MAX_USES}."));
    }
    number
}
