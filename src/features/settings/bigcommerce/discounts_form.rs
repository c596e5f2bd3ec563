use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use vouch_core::money::{Currency, Rate, parse_decimal};
use vouch_platforms::bigcommerce::{ANY_CURRENCY, Discount, Kind, Rules, plain};

use crate::features::stores::Store;
use crate::kit::web::form::FormErrors;
use crate::kit::web::version::{Edits, Labeled, Version, chosen, ticked};

/// The most uses that BigCommerce counts.
const MAX_USES: u32 = 100_000;

/// BigCommerce Discount Code Creation, as typed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DiscountsForm {
    pub(super) creates_codes: String,
    pub(super) kind: String,
    pub(super) discount: String,
    pub(super) amount: String,
    pub(super) currency: String,
    pub(super) minimum: String,
    pub(super) max_uses: String,
    pub(super) max_uses_per_customer: String,
    pub(super) combines: bool,
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
        Ok(vec![
            ("Create new codes in BigCommerce", chosen(Self::switches(), &self.creates_codes)),
            ("What a code takes off", chosen(Self::discounts(), &self.discount)),
            ("How much", self.amount.clone()),
            ("Currency", self.currency.clone()),
            ("Minimum order", self.minimum.clone()),
            ("Uses in all", self.max_uses.clone()),
            ("Uses per customer", self.max_uses_per_customer.clone()),
            ("Can be used together with other promotions", ticked(self.combines)),
            ("Created as", chosen(Self::kinds(), &self.kind)),
        ])
    }
}

impl DiscountsForm {
    /// Rules as they stand.
    pub(super) fn of(creates_codes: bool, rules: &Rules) -> Self {
        let count = |uses: u32| if uses == 0 { String::new() } else { uses.to_string() };
        let form = Self {
            creates_codes: if creates_codes { "yes" } else { "no" }.to_owned(),
            kind: word_of(&KINDS, rules.kind),
            discount: word_of(&DISCOUNTS, rules.discount),
            amount: rules.amount.clone(),
            currency: rules.currency.clone(),
            minimum: rules.minimum.clone().unwrap_or_default(),
            max_uses: count(rules.max_uses),
            max_uses_per_customer: count(rules.max_uses_per_customer),
            combines: rules.combines,
            preview: String::new(),
            version: Version::default(),
        };
        Self { version: Version::of(&form), ..form }
    }

    /// What a shopper gets; or what is missing before that can be said.
    pub(super) fn sentence(&self) -> Result<String, FormErrors> {
        self.parse().map(|(_, rules)| rules.sentence())
    }

    pub(super) fn parse(&self) -> Result<(bool, Rules), FormErrors> {
        let mut errors = FormErrors::new();
        let kind = of_word(&KINDS, &self.kind).unwrap_or(Kind::Promotion);
        let discount = of_word(&DISCOUNTS, &self.discount).unwrap_or(Discount::Percent);
        let currency = self.currency(kind, &mut errors);
        let amount = self.amount(discount, currency, &mut errors);
        let minimum = Some(self.minimum.trim()).filter(|typed| !typed.is_empty());
        let minimum = minimum.map(|typed| money("minimum", typed, currency, &mut errors));
        let in_money = matches!(discount, Discount::PerOrder | Discount::PerItem);
        if currency.is_none()
            && kind == Kind::Promotion
            && (in_money || minimum.is_some())
            && errors.is_empty()
        {
            errors.add("currency", "An amount of money needs its currency, for example USD.");
        }
        let rules = Rules {
            kind,
            discount,
            amount,
            minimum: minimum.filter(|minimum| minimum != "0"),
            max_uses: uses("max_uses", &self.max_uses, &mut errors),
            max_uses_per_customer: uses(
                "max_uses_per_customer",
                &self.max_uses_per_customer,
                &mut errors,
            ),
            currency: currency.map_or(ANY_CURRENCY, Currency::code).to_owned(),
            combines: self.combines,
        };
        errors.into_result().map(|()| (self.creates_codes == "yes", rules))
    }

    /// `None`: every currency.
    fn currency(&self, kind: Kind, errors: &mut FormErrors) -> Option<Currency> {
        let typed = self.currency.trim();
        // V2 coupons know the store's own currency alone.
        if kind == Kind::Coupon || typed.is_empty() || typed == ANY_CURRENCY {
            return None;
        }
        let currency = Currency::known(typed);
        currency.map_err(|error| errors.add("currency", format!("{error}."))).ok()
    }

    fn amount(
        &self,
        discount: Discount,
        currency: Option<Currency>,
        errors: &mut FormErrors,
    ) -> String {
        match discount {
            Discount::FreeShipping => String::new(),
            Discount::PerOrder | Discount::PerItem => {
                let amount = money("amount", &self.amount, currency, errors);
                if amount == "0" {
                    errors.add("amount", "Enter an amount above 0.");
                }
                amount
            }
            Discount::Percent => match Rate::parse_discount(&self.amount) {
                Ok(rate) => rate.number(),
                Err(error) => {
                    errors.add("amount", error.to_string());
                    String::new()
                }
            },
        }
    }

    pub(super) fn switches() -> [(&'static str, &'static str); 2] {
        [("yes", "Yes"), ("no", "No")]
    }

    pub(super) fn kinds() -> [(&'static str, &'static str); 2] {
        KINDS.map(|(_, word, label)| (word, label))
    }

    pub(super) fn discounts() -> [(&'static str, &'static str); 4] {
        DISCOUNTS.map(|(_, word, label)| (word, label))
    }
}

type Choice<T> = (T, &'static str, &'static str);

const KINDS: [Choice<Kind>; 2] = [
    (Kind::Promotion, "promotion", "Promotions (recommended)"),
    (
        Kind::Coupon,
        "coupon",
        "Legacy coupons: for stores whose checkout needs them; the store’s own currency only",
    ),
];
const DISCOUNTS: [Choice<Discount>; 4] = [
    (Discount::Percent, "percent", "A percentage off the order"),
    (Discount::PerOrder, "per_order", "An amount off the order"),
    (Discount::PerItem, "per_item", "An amount off each item"),
    (Discount::FreeShipping, "free_shipping", "Free shipping"),
];

fn word_of<T: PartialEq + Copy>(choices: &[Choice<T>], value: T) -> String {
    choices.iter().find(|choice| choice.0 == value).map_or("", |choice| choice.1).to_owned()
}

fn of_word<T: Copy>(choices: &[Choice<T>], word: &str) -> Option<T> {
    choices.iter().find(|choice| choice.1 == word).map(|choice| choice.0)
}

fn money(field: &str, typed: &str, currency: Option<Currency>, errors: &mut FormErrors) -> String {
    match parse_decimal(typed, currency.unwrap_or(Currency::KWD)) {
        Ok(0..=100_000_000_000) => plain(typed),
        Ok(_) => {
            errors.add(field, "This amount is no discount: enter a smaller one, above 0.");
            String::new()
        }
        Err(problem) => {
            errors.add(field, format!("This {problem}."));
            String::new()
        }
    }
}

fn uses(field: &str, typed: &str, errors: &mut FormErrors) -> u32 {
    match typed.trim() {
        "" => 0,
        typed => typed.parse().ok().filter(|uses| *uses <= MAX_USES).unwrap_or_else(|| {
            errors
                .add(field, "Enter a whole number up to 100,000, or leave it empty for no limit.");
            0
        }),
    }
}

pub(super) fn rules_of(store: &Store) -> Rules {
    let kept = store.discount_rules.clone();
    kept.and_then(|rules| serde_json::from_value(rules).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(changes: &[(&str, &str)]) -> DiscountsForm {
        let mut fields = vec![
            ("creates_codes", "yes"),
            ("kind", "promotion"),
            ("discount", "percent"),
            ("amount", "10"),
        ];
        fields.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
        fields.extend_from_slice(changes);
        serde_html_form::from_str(&serde_html_form::to_string(fields).unwrap()).unwrap()
    }

    #[test]
    fn rules_that_were_saved_are_typed_alike_again() {
        let typed = form(&[
            ("discount", "per_item"),
            ("amount", "2.50"),
            ("currency", "usd"),
            ("minimum", "30.00"),
            ("max_uses", "100"),
            ("max_uses_per_customer", "1"),
            ("combines", "true"),
        ]);
        let (creates, rules) = typed.parse().unwrap();
        assert_eq!(
            rules.sentence(),
            "$2.50 off each item from $30.00 on, once per customer, 100 uses in all, together with other promotions."
        );
        let again = DiscountsForm::of(creates, &rules).parse().unwrap();
        assert_eq!(again, (true, rules));
    }

    #[test]
    fn what_makes_no_discount_is_refused_beside_its_field() {
        for (changes, field) in [
            (&[("amount", "0")][..], "amount"),
            (&[("amount", "100.01")], "amount"),
            (&[("amount", "ten")], "amount"),
            (&[("amount", "")], "amount"),
            (&[("currency", "DOLLAR")], "currency"),
            (&[("minimum", "30")], "currency"),
            (&[("discount", "per_order"), ("amount", "5")], "currency"),
            (&[("discount", "per_order"), ("amount", "5.123"), ("currency", "USD")], "amount"),
            (&[("discount", "per_order"), ("amount", "0"), ("currency", "USD")], "amount"),
            (&[("minimum", "-1"), ("currency", "USD")], "minimum"),
            (&[("max_uses", "many")], "max_uses"),
            (&[("max_uses_per_customer", "1000001")], "max_uses_per_customer"),
        ] {
            let errors = form(changes).parse().unwrap_err();
            assert!(!errors.of(field).is_empty(), "{changes:?}: {errors:?}");
        }
        let coupon = form(&[("kind", "coupon"), ("discount", "per_order"), ("currency", "USD")]);
        assert_eq!(coupon.parse().unwrap().1.currency, "*");
    }
}
