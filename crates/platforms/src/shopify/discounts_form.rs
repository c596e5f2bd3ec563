//! The form on Shopify Discount Code Creation.

mod items;
mod parse;
#[cfg(test)]
mod tests;
mod typed;

use vouch_core::money::Currency;

use self::items::{find_items, items_of, known_item, references};
use self::parse::{needs_money, new_rules};
use self::typed::{fresh, typed_of};
use super::Shopify;
use super::items::{Item, Reference};
use super::rules::Rules;
use crate::form::{Field, FieldErrors, FormPart, SelectOption, Typed};
use crate::provider::Connection;
use crate::settings::{CheckedRules, DiscountsForm, NewRules, Stored, creates_codes_field};
use crate::{CallError, Client};

const DISCOUNT_AMOUNTS: &[SelectOption] = &[("percent", "Percentage"), ("amount", "Fixed amount")];
const ITEMS: &[SelectOption] = &[
    ("all", "All products"),
    ("collections", "Specific collections"),
    ("products", "Specific products"),
];
const MINIMUMS: &[SelectOption] = &[
    ("none", "No minimum requirements"),
    ("subtotal", "Minimum purchase amount"),
    ("quantity", "Minimum quantity of items"),
];
const PURCHASES: &[SelectOption] =
    &[("one_time", "One-time purchase"), ("subscription", "Subscription"), ("both", "Both")];

pub(super) struct ShopifyDiscounts;

impl DiscountsForm for ShopifyDiscounts {
    fn parts(&self, stored: Stored<'_>) -> Vec<FormPart> {
        let known = rules_of(stored);
        let unit = known.as_ref().map_or(stored.currency, |rules| rules.currency).code();
        let mut parts: Vec<FormPart> = amount_fields(unit)
            .into_iter()
            .chain(condition_fields(known.as_ref(), unit))
            .map(FormPart::Field)
            .collect();
        parts.push(FormPart::Label("Combinations"));
        parts.extend(
            [
                Field::checkbox("combine_order", "Order discounts"),
                Field::checkbox("combine_product", "Product discounts"),
                Field::checkbox("combine_shipping", "Shipping discounts"),
                Field::text("title", "Discount title", "150").hint(
                    "Customers may see this title. Vouch replaces {affiliate} and {code} with the affiliate’s name and the code.",
                ),
            ]
            .map(FormPart::Field),
        );
        parts.push(FormPart::Hint("Codes start immediately and don’t expire."));
        parts
    }

    fn typed(&self, stored: Stored<'_>) -> Typed {
        rules_of(stored).map_or_else(fresh, |rules| typed_of(stored.creates_codes, &rules))
    }

    /// Uses only the products and collections that are already known. The store is called before
    /// the rules are saved.
    fn parse(&self, typed: &Typed, stored: Stored<'_>) -> Result<Option<NewRules>, FieldErrors> {
        let known = rules_of(stored);
        let currency = known.as_ref().map_or(stored.currency, |rules| rules.currency);
        let mut errors = FieldErrors::default();
        let items = references(typed, &mut errors).into_iter().map(|reference| match reference {
            Reference::Id(id) => known_item(known.as_ref(), id),
            Reference::Handle(handle) => Item { id: 0, title: handle },
        });
        new_rules(typed, currency, items.collect(), errors)
    }

    /// For its currency, and for items given by handle.
    fn asks_store(&self, typed: &Typed, _stored: Stored<'_>) -> bool {
        let mut errors = FieldErrors::default();
        references(typed, &mut errors);
        errors.is_empty()
    }

    fn check(
        &self,
        connection: Result<Connection<'_>, CallError>,
        typed: &Typed,
        stored: Stored<'_>,
    ) -> CheckedRules {
        let known = rules_of(stored);
        let mut errors = FieldErrors::default();
        let mut client = connection.and_then(Shopify::open);
        let access = client.as_mut().map_err(|error| error.clone()).and_then(Client::access);
        let answered = access.as_ref().ok().and_then(|access| access.currency.as_deref());
        let answered = answered.and_then(|code| Currency::from_code(code).ok());
        let currency = answered.or(known.as_ref().map(|rules| rules.currency));
        if currency.is_none() && needs_money(typed) {
            let reason = access.as_ref().err().map(|error| format!(" {error}")).unwrap_or_default();
            errors.add(
                "",
                format!(
                    "We couldn’t get the store’s currency.{reason} Save again in a minute, or use a percentage without a minimum amount."
                ),
            );
        }
        let reached = client.as_mut().ok().filter(|_| access.is_ok());
        let items = find_items(typed, reached, known.as_ref(), &mut errors);
        CheckedRules {
            rules: new_rules(typed, currency.unwrap_or(stored.currency), items, errors),
            trouble: access.err().map(|error| error.to_string()),
            token: client.ok().and_then(|mut client| client.fresh_token()),
        }
    }
}

fn amount_fields(unit: &'static str) -> [Field; 5] {
    let is_amount: fn(&Typed) -> bool = |typed| typed.text("takeoff") == "amount";
    [
        creates_codes_field(),
        Field::radios("takeoff", "Discount value", DISCOUNT_AMOUNTS),
        Field::money("percent", "Percentage", "%")
            .needed("for a percentage")
            .applies(|typed| typed.text("takeoff") == "percent"),
        Field::money("amount", "Amount", unit)
            .hint("In the store’s currency.")
            .needed("for a fixed amount")
            .applies(is_amount),
        Field::checkbox("once_per_order", "Only apply discount once per order")
            .hint("If not selected, the amount is taken off each eligible item.")
            .applies(is_amount),
    ]
}

fn condition_fields(known: Option<&Rules>, unit: &'static str) -> [Field; 8] {
    let titles = items_of(known).iter().map(|item| item.title.as_str());
    let titles = titles.filter(|title| !title.is_empty()).collect::<Vec<_>>().join(", ");
    let now = if titles.is_empty() { String::new() } else { format!(" Currently {titles}.") };
    [
        Field::radios("items", "Applies to", ITEMS),
        Field::textarea("item_list", "Collections or products")
            .hint(format!(
                "Only for specific collections or products. Enter one per line, as ID, handle or URL.{now}"
            ))
            .applies(|typed| typed.text("items") != "all"),
        Field::radios("minimum", "Minimum purchase requirements", MINIMUMS),
        Field::money("subtotal", "Minimum purchase amount", unit)
            .needed("for a minimum amount")
            .applies(|typed| typed.text("minimum") == "subtotal"),
        Field::text("quantity", "Minimum quantity of items", "8")
            .keyboard("numeric")
            .needed("for a minimum quantity")
            .applies(|typed| typed.text("minimum") == "quantity"),
        Field::text("total_uses", "Limit number of times this discount can be used in total", "8")
            .keyboard("numeric")
            .hint("Leave blank for no limit.")
            .optional(),
        Field::checkbox("once_per_customer", "Limit to one use per customer"),
        Field::radios("purchases", "Purchase type", PURCHASES)
            .hint("Subscriptions need a subscription app in the store."),
    ]
}

fn rules_of(stored: Stored<'_>) -> Option<Rules> {
    Rules::from_json(stored.rules?)
}
