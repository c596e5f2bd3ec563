//! Shopify Discount Code Creation.

use std::time::{Duration, Instant};

use vouch_core::money::{Currency, MoneyError, Rate, format_plain, parse_decimal};

use super::Shopify;
use super::items::{Item, Reference};
use super::rules::{Combines, DiscountAmount, Items, Minimum, Rules, Target};
use crate::form::{Choice, Field, FieldErrors, Part, Typed};
use crate::provider::Connection;
use crate::settings::{CREATES_CODES, Checked, DiscountsForm, NewRules, Stored, YES_NO, yes_or_no};
use crate::{CallError, Client};

/// The store is asked for each while somebody waits.
const MAX_ITEMS: usize = 20;
/// So long the store is asked for products and collections; what is left is taken as typed.
const TIMEOUT: Duration = Duration::from_secs(7);
const MAX_USES: u32 = 10_000_000;
const MAX_TITLE: usize = 150;

const DISCOUNT_AMOUNTS: &[Choice] = &[("percent", "A percentage"), ("amount", "An amount")];
const ITEMS: &[Choice] =
    &[("all", "Everything"), ("collections", "Some collections"), ("products", "Some products")];
const MINIMUMS: &[Choice] =
    &[("none", "None"), ("subtotal", "An amount of goods"), ("quantity", "A number of items")];
const PURCHASES: &[Choice] =
    &[("one_time", "One-time purchases"), ("subscription", "Subscriptions"), ("both", "Both")];

pub(super) struct ShopifyDiscounts;

impl DiscountsForm for ShopifyDiscounts {
    fn parts(&self, stored: Stored<'_>) -> Vec<Part> {
        let known = rules_of(stored);
        let unit = known.as_ref().map_or(stored.currency, |rules| rules.currency).code();
        let mut parts: Vec<Part> = what_it_takes_off(unit)
            .into_iter()
            .chain(what_it_is_for(known.as_ref(), unit))
            .map(Part::Field)
            .collect();
        parts.push(Part::Label("Combines with"));
        parts.extend(
            [
                Field::checkbox("combine_order", "Order discounts"),
                Field::checkbox("combine_product", "Product discounts"),
                Field::checkbox("combine_shipping", "Shipping discounts"),
                Field::text("title", "Title in Shopify", "150").hint(
                    "{affiliate} and {code} stand for the affiliate’s name and the code. Customers may see it.",
                ),
            ]
            .map(Part::Field),
        );
        parts.push(Part::Hint("Codes start at once and have no end."));
        parts
    }

    fn typed(&self, stored: Stored<'_>) -> Typed {
        rules_of(stored).map_or_else(fresh, |rules| typed_of(stored.creates_codes, &rules))
    }

    /// Products and collections as far as they are known: the store is asked only before it's saved.
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

    /// For its currency, and for what is named by a handle.
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
    ) -> Checked {
        let known = rules_of(stored);
        let mut errors = FieldErrors::default();
        let mut client = connection.and_then(Shopify::open);
        let access = client.as_mut().map_err(|error| error.clone()).and_then(Client::access);
        let answered = access.as_ref().ok().and_then(|access| access.currency.as_deref());
        let answered = answered.and_then(|code| Currency::from_code(code).ok());
        let currency = answered.or(known.as_ref().map(|rules| rules.currency));
        if currency.is_none() && needs_money(typed) {
            errors.add(
                "",
                "The store does not answer, so its currency is not known yet. Try again in a minute, or take a percentage.",
            );
        }
        let reached = client.as_mut().ok().filter(|_| access.is_ok());
        let items = find_items(typed, reached, known.as_ref(), &mut errors);
        Checked {
            rules: new_rules(typed, currency.unwrap_or(stored.currency), items, errors),
            trouble: access.err().map(|error| error.to_string()),
            token: client.ok().and_then(|mut client| client.fresh_token()),
        }
    }
}

fn what_it_takes_off(unit: &'static str) -> [Field; 5] {
    let is_amount: fn(&Typed) -> bool = |typed| typed.text("takeoff") == "amount";
    [
        Field::radios(CREATES_CODES, "Create new codes in this store", YES_NO),
        Field::radios("takeoff", "What a shopper saves", DISCOUNT_AMOUNTS),
        Field::money("percent", "Percentage", "%")
            .hint("For a percentage.")
            .needed("one of the two")
            .applies(|typed| typed.text("takeoff") == "percent"),
        Field::money("amount", "Amount", unit)
            .hint("For an amount, in the store’s currency.")
            .needed("one of the two")
            .applies(is_amount),
        Field::checkbox("each_item", "Take the amount off each item")
            .hint("Otherwise it is taken off once per order.")
            .applies(is_amount),
    ]
}

fn what_it_is_for(known: Option<&Rules>, unit: &'static str) -> [Field; 8] {
    let titles = items_of(known).iter().map(|item| item.title.as_str());
    let titles = titles.filter(|title| !title.is_empty()).collect::<Vec<_>>().join(", ");
    let now = if titles.is_empty() { String::new() } else { format!(" Now: {titles}.") };
    [
        Field::radios("items", "Applies to", ITEMS),
        Field::textarea("item_list", "Collections or products")
            .hint(format!("Each on a line of its own: its number, its handle, or its address in the shop or the admin.{now}"))
            .optional()
            .applies(|typed| typed.text("items") != "all"),
        Field::radios("minimum", "Minimum", MINIMUMS),
        Field::money("subtotal", "Least amount of goods", unit)
            .needed("for a least amount")
            .applies(|typed| typed.text("minimum") == "subtotal"),
        Field::text("quantity", "Least number of items", "8")
            .keyboard("numeric")
            .needed("for a least number")
            .applies(|typed| typed.text("minimum") == "quantity"),
        Field::text("total_uses", "Uses in all", "8")
            .keyboard("numeric")
            .hint("How many orders can use one code. Empty for no limit.")
            .optional(),
        Field::checkbox("once_per_customer", "Once per customer"),
        Field::radios("purchases", "Counts for", PURCHASES)
            .hint("Subscriptions need an app for subscriptions in the store."),
    ]
}

fn rules_of(stored: Stored<'_>) -> Option<Rules> {
    Rules::from_json(stored.rules?)
}

fn items_of(rules: Option<&Rules>) -> &[Item] {
    match rules.map(|rules| &rules.items) {
        Some(Items::Collections(items) | Items::Products(items)) => items,
        _ => &[],
    }
}

fn known_item(rules: Option<&Rules>, id: u64) -> Item {
    let known = items_of(rules).iter().find(|item| item.id == id);
    known.cloned().unwrap_or(Item { id, title: String::new() })
}

/// What a store without rules begins with.
fn fresh() -> Typed {
    [
        (CREATES_CODES, "no"),
        ("takeoff", "percent"),
        ("percent", "10"),
        ("items", "all"),
        ("minimum", "none"),
        ("once_per_customer", "true"),
        ("purchases", "one_time"),
        ("title", "{affiliate}: {code}"),
    ]
    .into_iter()
    .collect()
}

fn typed_of(creates: bool, rules: &Rules) -> Typed {
    let plain = |minor| format_plain(minor, rules.currency);
    let mut typed = fresh();
    typed.set(CREATES_CODES, yes_or_no(creates));
    match rules.takeoff {
        DiscountAmount::Percent { rate } => typed.set("percent", rate.number()),
        DiscountAmount::Amount { minor, each_item } => {
            typed.set("takeoff", "amount");
            typed.set("percent", "");
            typed.set("amount", plain(minor));
            typed.tick("each_item", each_item);
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

/// Whether an amount of money is typed, which is in the store's currency.
fn needs_money(typed: &Typed) -> bool {
    typed.text("takeoff") == "amount" || typed.text("minimum") == "subtotal"
}

/// What kind of things the discount is for; `None` for everything.
fn target(typed: &Typed) -> Option<Target> {
    match typed.text("items") {
        "collections" => Some(Target::Collections),
        "products" => Some(Target::Products),
        _ => None,
    }
}

/// The products or collections that were typed, one on a line or between commas.
fn references(typed: &Typed, errors: &mut FieldErrors) -> Vec<Reference> {
    if target(typed).is_none() {
        return Vec::new();
    }
    let named = typed.text("item_list").split(['\n', ',']).map(str::trim);
    let mut references = Vec::new();
    for one in named.filter(|one| !one.is_empty()) {
        match Reference::parse(one) {
            Ok(reference) if !references.contains(&reference) => references.push(reference),
            Ok(_) => {}
            Err(refusal) => errors.add("item_list", refusal.to_string()),
        }
    }
    if references.is_empty() && !errors.has("item_list") {
        errors.add("item_list", "Name at least one, each on a line of its own.");
    }
    if references.len() > MAX_ITEMS {
        let words = format!("{MAX_ITEMS} are the most. Put them into a collection, and name that.");
        errors.add("item_list", words);
    }
    references
}

/// What is named, as the store calls it. What the store can't be asked for is taken as typed if it's a
/// number.
fn find_items(
    typed: &Typed,
    mut client: Option<&mut Shopify>,
    known: Option<&Rules>,
    errors: &mut FieldErrors,
) -> Vec<Item> {
    let Some(target) = target(typed) else { return Vec::new() };
    let begun = Instant::now();
    let mut items: Vec<Item> = Vec::new();
    for reference in references(typed, errors) {
        let reached = client.as_mut().filter(|_| begun.elapsed() < TIMEOUT);
        let found = reached.map(|client| client.find_item(target, &reference));
        let unknown = match (found, reference) {
            (Some(Ok(item)), _) => {
                if items.iter().all(|held| held.id != item.id) {
                    items.push(item);
                }
                continue;
            }
            (Some(Err(CallError::Refused(words))), _) => words,
            (_, Reference::Id(id)) => {
                items.push(known_item(known, id));
                continue;
            }
            (Some(Err(CallError::Denied(words))), Reference::Handle(handle)) => {
                format!("“{handle}” cannot be looked up, so enter its number. {words}")
            }
            (_, Reference::Handle(handle)) => format!(
                "The store does not answer, so “{handle}” cannot be looked up. Try again in a minute, or enter its number."
            ),
        };
        errors.add("item_list", unknown);
    }
    items
}

/// The rules, with the things that the references turned out to be.
fn new_rules(
    typed: &Typed,
    currency: Currency,
    items: Vec<Item>,
    mut errors: FieldErrors,
) -> Result<Option<NewRules>, FieldErrors> {
    let takeoff = takeoff(typed, currency, &mut errors);
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

fn takeoff(typed: &Typed, currency: Currency, errors: &mut FieldErrors) -> Option<DiscountAmount> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(rules: Option<&serde_json::Value>) -> Stored<'_> {
        Stored { creates_codes: true, rules, currency: Currency::USD }
    }

    fn typed(changes: &[(&'static str, &'static str)]) -> Typed {
        let mut typed = fresh();
        changes.iter().for_each(|(name, value)| typed.set(name, *value));
        typed
    }

    #[test]
    fn rules_that_were_saved_are_typed_alike_again() {
        for changes in [
            &[][..],
            &[
                ("takeoff", "amount"),
                ("amount", "7.50"),
                ("each_item", "true"),
                ("purchases", "both"),
            ],
            &[
                ("items", "products"),
                ("item_list", "17\n4"),
                ("minimum", "quantity"),
                ("quantity", "2"),
            ],
            &[
                ("minimum", "subtotal"),
                ("subtotal", "30.00"),
                ("total_uses", "50"),
                ("combine_product", "true"),
            ],
        ] {
            let rules = ShopifyDiscounts.parse(&typed(changes), stored(None)).unwrap().unwrap();
            let known = stored(Some(&rules.json));
            let again = ShopifyDiscounts.parse(&ShopifyDiscounts.typed(known), known);
            assert_eq!(again.unwrap(), Some(rules), "{changes:?}");
        }
    }

    #[test]
    fn what_makes_no_discount_is_refused_beside_its_field() {
        let many = "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21";
        for (changes, field) in [
            (&[("percent", "0")][..], "percent"),
            (&[("takeoff", "amount"), ("amount", "5.001")], "amount"),
            (&[("items", "products"), ("item_list", "")], "item_list"),
            (&[("items", "products"), ("item_list", "two words")], "item_list"),
            (&[("items", "collections"), ("item_list", many)], "item_list"),
            (&[("minimum", "quantity"), ("quantity", "some")], "quantity"),
            (&[("minimum", "subtotal"), ("subtotal", "0")], "subtotal"),
            (&[("total_uses", "0")], "total_uses"),
            (&[("title", " ")], "title"),
        ] {
            let errors = ShopifyDiscounts.parse(&typed(changes), stored(None)).unwrap_err();
            assert!(errors.has(field), "{changes:?}: {errors:?}");
        }
    }

    #[test]
    fn a_store_that_does_not_answer_leaves_numbers_as_typed() {
        let check = |changes: &[(&'static str, &'static str)]| {
            let away = Err(CallError::Unanswered("Away.".to_owned()));
            ShopifyDiscounts.check(away, &typed(changes), stored(None))
        };
        let number = check(&[("items", "products"), ("item_list", "17")]);
        assert!(number.rules.is_ok() && number.trouble.is_some());
        let handle = check(&[("items", "products"), ("item_list", "sencha")]);
        assert!(handle.rules.unwrap_err().has("item_list"));
        let money = check(&[("takeoff", "amount"), ("amount", "5")]);
        assert!(money.rules.unwrap_err().has(""), "in which currency?");
    }
}
