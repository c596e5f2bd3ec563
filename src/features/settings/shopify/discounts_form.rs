use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use vouch_core::money::{Currency, MoneyError, Rate, format_plain, parse_decimal};
use vouch_platforms::shopify::{
    Combines, DiscountAmount, Item, Items, Minimum, Reference, Rules, Target,
};

use crate::kit::web::form::FormErrors;
use crate::kit::web::version::{Edits, Labeled, Version, chosen, ticked};

/// The store is asked for each while somebody waits.
const MAX_ITEMS: usize = 20;
const MAX_USES: u32 = 10_000_000;
const MAX_TITLE_CHARS: usize = 150;

pub(super) const DISCOUNT_AMOUNTS: [(&str, &str); 2] =
    [("percent", "A percentage"), ("amount", "An amount")];
pub(super) const ITEMS: [(&str, &str); 3] =
    [("all", "Everything"), ("collections", "Some collections"), ("products", "Some products")];
pub(super) const MINIMUMS: [(&str, &str); 3] =
    [("none", "None"), ("subtotal", "An amount of goods"), ("quantity", "A number of items")];
pub(super) const PURCHASES: [(&str, &str); 3] =
    [("one_time", "One-time purchases"), ("subscription", "Subscriptions"), ("both", "Both")];
pub(super) const YES_NO: [(&str, &str); 2] = [("yes", "Yes"), ("no", "No")];

/// Shopify Discount Code Creation, as typed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DiscountsForm {
    pub(super) creates: String,
    pub(super) takeoff: String,
    pub(super) percent: String,
    pub(super) amount: String,
    pub(super) each_item: bool,
    pub(super) items: String,
    pub(super) item_list: String,
    pub(super) minimum: String,
    pub(super) subtotal: String,
    pub(super) quantity: String,
    pub(super) total_uses: String,
    pub(super) once_per_customer: bool,
    pub(super) purchases: String,
    pub(super) combine_order: bool,
    pub(super) combine_product: bool,
    pub(super) combine_shipping: bool,
    pub(super) title: String,
    /// Filled when only the preview is wanted.
    #[serde(skip_serializing)]
    pub(super) preview: String,
    /// What the form showed.
    #[serde(skip_serializing)]
    pub(super) version: Version,
}

impl Edits for DiscountsForm {
    fn version(&self) -> &Version {
        &self.version
    }

    fn labeled(&self, _conn: &mut PgConnection, _merchant_id: i64) -> QueryResult<Labeled> {
        let applies = |applies: bool, typed: &String| {
            if applies { typed.clone() } else { String::new() }
        };
        let is_percent = self.takeoff == "percent";
        Ok(vec![
            ("Create new codes in this store", chosen(YES_NO, &self.creates)),
            ("What a shopper saves", chosen(DISCOUNT_AMOUNTS, &self.takeoff)),
            ("Percentage", applies(is_percent, &self.percent)),
            ("Amount", applies(!is_percent, &self.amount)),
            ("Take the amount off each item", ticked(!is_percent && self.each_item)),
            ("Applies to", chosen(ITEMS, &self.items)),
            ("Collections or products", applies(self.items != "all", &self.item_list)),
            ("Minimum", chosen(MINIMUMS, &self.minimum)),
            ("Least amount of goods", applies(self.minimum == "subtotal", &self.subtotal)),
            ("Least number of items", applies(self.minimum == "quantity", &self.quantity)),
            ("Uses in all", self.total_uses.clone()),
            ("Once per customer", ticked(self.once_per_customer)),
            ("Counts for", chosen(PURCHASES, &self.purchases)),
            ("Order discounts", ticked(self.combine_order)),
            ("Product discounts", ticked(self.combine_product)),
            ("Shipping discounts", ticked(self.combine_shipping)),
            ("Title in Shopify", self.title.clone()),
        ])
    }
}

impl DiscountsForm {
    /// The form as it stands for a store.
    pub(super) fn of_store(creates: bool, rules: Option<&Rules>) -> Self {
        let form = rules.map_or_else(Self::fresh, |rules| Self::of(creates, rules));
        Self { version: Version::of(&form), ..form }
    }

    /// What a store without rules begins with.
    pub(super) fn fresh() -> Self {
        let text = str::to_owned;
        Self {
            creates: text("no"),
            takeoff: text("percent"),
            percent: text("10"),
            items: text("all"),
            minimum: text("none"),
            once_per_customer: true,
            purchases: text("one_time"),
            title: text("{affiliate}: {code}"),
            ..Self::default()
        }
    }

    /// Whether new codes are pushed into the store.
    pub(super) fn creates(&self) -> bool {
        self.creates == "yes"
    }

    /// Whether an amount of money is typed, which is in the store's currency.
    pub(super) fn needs_money(&self) -> bool {
        self.takeoff == "amount" || self.minimum == "subtotal"
    }

    /// Rules as they stand.
    pub(super) fn of(creates: bool, rules: &Rules) -> Self {
        let plain = |minor| format_plain(minor, rules.currency);
        let mut form = Self {
            creates: if creates { "yes" } else { "no" }.to_owned(),
            once_per_customer: rules.once_per_customer,
            total_uses: rules.total_uses.map(|uses| uses.to_string()).unwrap_or_default(),
            combine_order: rules.combines.order,
            combine_product: rules.combines.product,
            combine_shipping: rules.combines.shipping,
            title: rules.title.clone(),
            ..Self::fresh()
        };
        match rules.takeoff {
            DiscountAmount::Percent { rate } => form.percent = rate.number(),
            DiscountAmount::Amount { minor, each_item } => {
                form.takeoff = "amount".to_owned();
                form.percent = String::new();
                (form.amount, form.each_item) = (plain(minor), each_item);
            }
        }
        let list = |items: &[Item]| {
            items.iter().map(|item| item.id.to_string()).collect::<Vec<_>>().join("\n")
        };
        match &rules.items {
            Items::All => {}
            Items::Collections(items) => {
                (form.items, form.item_list) = ("collections".to_owned(), list(items));
            }
            Items::Products(items) => {
                (form.items, form.item_list) = ("products".to_owned(), list(items));
            }
        }
        match rules.minimum {
            Minimum::None => {}
            Minimum::Subtotal { minor } => {
                (form.minimum, form.subtotal) = ("subtotal".to_owned(), plain(minor));
            }
            Minimum::Quantity { items } => {
                (form.minimum, form.quantity) = ("quantity".to_owned(), items.to_string());
            }
        }
        form.purchases = match (rules.one_time, rules.subscription) {
            (true, true) => "both",
            (false, true) => "subscription",
            _ => "one_time",
        }
        .to_owned();
        form
    }

    /// What kind of things the discount is for; `None` for everything.
    pub(super) fn target(&self) -> Option<Target> {
        match self.items.as_str() {
            "collections" => Some(Target::Collections),
            "products" => Some(Target::Products),
            _ => None,
        }
    }

    /// The products or collections that were typed, one on a line or between commas.
    pub(super) fn references(&self, errors: &mut FormErrors) -> Vec<Reference> {
        if self.target().is_none() {
            return Vec::new();
        }
        let typed = self.item_list.split(['\n', ',']).map(str::trim).filter(|one| !one.is_empty());
        let mut references = Vec::new();
        for one in typed {
            match Reference::parse(one) {
                Ok(reference) if !references.contains(&reference) => references.push(reference),
                Ok(_) => {}
                Err(refusal) => errors.add("item_list", refusal.to_string()),
            }
        }
        if references.is_empty() && errors.of("item_list").is_empty() {
            errors.add("item_list", "Name at least one, each on a line of its own.");
        }
        if references.len() > MAX_ITEMS {
            errors.add(
                "item_list",
                format!("{MAX_ITEMS} are the most. Put them into a collection, and name that."),
            );
        }
        references
    }

    /// The rules, with the things that the references turned out to be.
    pub(super) fn rules(
        &self,
        currency: Currency,
        items: Vec<Item>,
        errors: &mut FormErrors,
    ) -> Option<Rules> {
        let takeoff = self.takeoff(currency, errors);
        let minimum = self.minimum(currency, errors);
        let total_uses = match self.total_uses.trim() {
            "" => None,
            typed => count("total_uses", typed, MAX_USES, errors),
        };
        let title = self.title.trim();
        if title.is_empty() || title.chars().count() > MAX_TITLE_CHARS {
            let words = format!("Enter a title of 1 to {MAX_TITLE_CHARS} characters.");
            errors.add("title", words);
        }
        let (takeoff, minimum) = (takeoff?, minimum?);
        errors.is_empty().then(|| Rules {
            takeoff,
            currency,
            items: match self.target() {
                None => Items::All,
                Some(Target::Collections) => Items::Collections(items),
                Some(Target::Products) => Items::Products(items),
            },
            minimum,
            total_uses,
            once_per_customer: self.once_per_customer,
            one_time: self.purchases != "subscription",
            subscription: matches!(self.purchases.as_str(), "subscription" | "both"),
            combines: Combines {
                order: self.combine_order,
                product: self.combine_product,
                shipping: self.combine_shipping,
            },
            title: title.to_owned(),
        })
    }

    fn takeoff(&self, currency: Currency, errors: &mut FormErrors) -> Option<DiscountAmount> {
        if self.takeoff == "amount" {
            let minor = money("amount", &self.amount, currency, errors)?;
            return Some(DiscountAmount::Amount { minor, each_item: self.each_item });
        }
        let rate = Rate::parse_discount(&self.percent);
        let rate = rate.map_err(|error| errors.add("percent", error.to_string())).ok()?;
        Some(DiscountAmount::Percent { rate })
    }

    fn minimum(&self, currency: Currency, errors: &mut FormErrors) -> Option<Minimum> {
        match self.minimum.as_str() {
            "subtotal" => {
                let minor = money("subtotal", &self.subtotal, currency, errors)?;
                Some(Minimum::Subtotal { minor })
            }
            "quantity" => {
                let items = count("quantity", self.quantity.trim(), MAX_USES, errors)?;
                Some(Minimum::Quantity { items })
            }
            _ => Some(Minimum::None),
        }
    }
}

fn money(field: &str, typed: &str, currency: Currency, errors: &mut FormErrors) -> Option<i64> {
    match parse_decimal(typed, currency) {
        Ok(minor @ 1..=1_000_000_000_000) => return Some(minor),
        Err(error @ MoneyError::TooPrecise(_)) => errors.add(field, format!("The amount {error}.")),
        _ => errors.add(field, format!("Enter an amount of {} above 0.", currency.code())),
    }
    None
}

fn count(field: &str, typed: &str, most: u32, errors: &mut FormErrors) -> Option<u32> {
    let number = typed.parse::<u32>().ok().filter(|number| (1..=most).contains(number));
    if number.is_none() {
        errors.add(field, format!("Enter a whole number from 1 to {most}."));
    }
    number
}
