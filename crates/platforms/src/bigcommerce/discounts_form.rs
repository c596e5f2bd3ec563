//! The form on BigCommerce Discount Code Creation.

use serde::Deserialize as _;
use vouch_core::money::{Currency, Rate};

use super::rules::{ANY_CURRENCY, Discount, DiscountFeature, Rules, any_currency, plain};
use crate::form::{Field, FieldErrors, FormPart, SelectOption, Typed};
use crate::settings::{
    CREATES_CODES, DiscountsForm, NewRules, Stored, creates_codes_field, yes_or_no,
};

/// BigCommerce's maximum for the number of uses.
const MAX_USES: u32 = 100_000;

const KINDS: &[SelectOption] = &[
    ("promotion", "Promotions (recommended)"),
    ("coupon", "Legacy coupons (only in the store’s currency)"),
];
const DISCOUNTS: &[SelectOption] = &[
    ("percent", "Percentage off the order"),
    ("per_order", "Amount off the order"),
    ("per_item", "Amount off each item"),
    ("free_shipping", "Free shipping"),
];

pub(super) struct BigcommerceDiscounts;

impl DiscountsForm for BigcommerceDiscounts {
    fn parts(&self, _stored: Stored<'_>) -> Vec<FormPart> {
        let fields = [
            creates_codes_field(),
            Field::radios("discount", "Discount type", DISCOUNTS),
            Field::text("amount", "Discount value", "20")
                .keyboard("decimal")
                .hint("Enter a percentage such as 10, or an amount such as 12.50.")
                .needed("not for free shipping"),
            Field::text("currency", "Currency", "3")
                .hint("Enter a currency such as USD, or * for orders in any currency.")
                .needed("for promotions with amounts"),
            Field::text("minimum", "Minimum purchase amount", "20")
                .keyboard("decimal")
                .hint("Leave blank for no minimum.")
                .optional(),
            Field::text("max_uses", "Total usage limit", "6")
                .keyboard("numeric")
                .hint("Leave blank for no limit.")
                .optional(),
            Field::text("max_uses_per_customer", "Usage limit per customer", "6")
                .keyboard("numeric")
                .hint("Leave blank for no limit.")
                .optional(),
            Field::checkbox("combines", "Can be used with other promotions")
                .hint("Doesn’t apply to legacy coupons."),
            Field::radios("kind", "Create as", KINDS),
        ];
        let end = FormPart::Hint("Codes start immediately and don’t expire.");
        fields.map(FormPart::Field).into_iter().chain([end]).collect()
    }

    fn typed(&self, stored: Stored<'_>) -> Typed {
        let rules = stored.rules.and_then(|rules| Rules::deserialize(rules).ok());
        let rules = rules.unwrap_or_default();
        let count = |uses: u32| if uses == 0 { String::new() } else { uses.to_string() };
        let mut typed = Typed::default();
        typed.set(CREATES_CODES, yes_or_no(stored.creates_codes));
        typed.set("kind", rules.kind.as_str());
        typed.set("discount", rules.discount.as_str());
        typed.set("amount", rules.amount);
        typed.set("currency", any_currency::code(rules.currency));
        typed.set("minimum", rules.minimum.unwrap_or_default());
        typed.set("max_uses", count(rules.max_uses));
        typed.set("max_uses_per_customer", count(rules.max_uses_per_customer));
        typed.tick("combines", rules.combines);
        typed
    }

    fn parse(&self, typed: &Typed, _stored: Stored<'_>) -> Result<Option<NewRules>, FieldErrors> {
        let mut errors = FieldErrors::default();
        let rules = parse(typed, &mut errors);
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Some(NewRules { json: serde_json::json!(rules), sentence: rules.sentence() }))
    }
}

fn parse(typed: &Typed, errors: &mut FieldErrors) -> Rules {
    let kind = DiscountFeature::parse(typed.text("kind")).unwrap_or(DiscountFeature::Promotion);
    let discount = Discount::parse(typed.text("discount")).unwrap_or(Discount::Percent);
    let currency = currency(typed, kind, errors);
    let amount = amount(typed, discount, currency, errors);
    let minimum = unless_zero("minimum", typed).map(|_| money("minimum", typed, currency, errors));
    let in_money = matches!(discount, Discount::PerOrder | Discount::PerItem);
    if currency.is_none()
        && kind == DiscountFeature::Promotion
        && (in_money || minimum.is_some())
        && errors.is_empty()
    {
        errors.add("currency", "Enter the currency of the amount, for example USD.");
    }
    let mut limit = |field: &'static str| {
        let limit = unless_zero(field, typed).and_then(|_| typed.count(field, MAX_USES, errors));
        limit.unwrap_or(0)
    };
    Rules {
        kind,
        discount,
        amount,
        minimum,
        max_uses: limit("max_uses"),
        max_uses_per_customer: limit("max_uses_per_customer"),
        currency,
        combines: typed.is_ticked("combines"),
    }
}

/// What was typed, if anything. BigCommerce's own forms and API have 0 for no minimum and no limit.
fn unless_zero<'a>(field: &str, typed: &'a Typed) -> Option<&'a str> {
    typed.filled(field).filter(|text| !text.trim().trim_matches(['0', '.']).is_empty())
}

/// `None` for every currency.
fn currency(typed: &Typed, kind: DiscountFeature, errors: &mut FieldErrors) -> Option<Currency> {
    // V2 coupons support only the store's own currency.
    let typed = typed.filled("currency").filter(|_| kind == DiscountFeature::Promotion)?;
    if typed == ANY_CURRENCY {
        return None;
    }
    let currency = Currency::known(typed);
    let known = currency.ok();
    if known.is_none() {
        errors.add("currency", "Enter a currency code such as USD, or * for any currency.");
    }
    known
}

fn amount(
    typed: &Typed,
    discount: Discount,
    currency: Option<Currency>,
    errors: &mut FieldErrors,
) -> String {
    match discount {
        Discount::FreeShipping => String::new(),
        Discount::PerOrder | Discount::PerItem => money("amount", typed, currency, errors),
        Discount::Percent => match Rate::parse_discount(typed.text("amount")) {
            Ok(rate) => rate.number(),
            Err(error) => {
                errors.add("amount", error.to_string());
                String::new()
            }
        },
    }
}

fn money(
    field: &'static str,
    typed: &Typed,
    currency: Option<Currency>,
    errors: &mut FieldErrors,
) -> String {
    let minor = typed.money(field, currency, errors);
    minor.map(|_| plain(typed.text(field))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORED: Stored<'_> = Stored { creates_codes: true, rules: None, currency: Currency::USD };

    fn typed(changes: &[(&'static str, &'static str)]) -> Typed {
        let usual = [
            (CREATES_CODES, "yes"),
            ("kind", "promotion"),
            ("discount", "percent"),
            ("amount", "10"),
        ];
        usual.into_iter().chain(changes.iter().copied()).collect()
    }

    fn parsed(changes: &[(&'static str, &'static str)]) -> Result<NewRules, FieldErrors> {
        Ok(BigcommerceDiscounts.parse(&typed(changes), STORED)?.unwrap())
    }

    #[test]
    fn rules_that_were_saved_are_typed_alike_again() {
        let rules = parsed(&[
            ("discount", "per_item"),
            ("amount", "2.50"),
            ("currency", "usd"),
            ("minimum", "30.00"),
            ("max_uses", "100"),
            ("max_uses_per_customer", "1"),
            ("combines", "true"),
        ])
        .unwrap();
        for value in ["$2.50", "$30.00", "100"] {
            assert!(rules.sentence.contains(value), "{value}");
        }
        let known = Stored { rules: Some(&rules.json), ..STORED };
        let again = BigcommerceDiscounts.parse(&BigcommerceDiscounts.typed(known), known);
        assert_eq!(again.unwrap(), Some(rules));
    }

    #[test]
    fn every_choice_is_one_of_the_rules() {
        assert!(KINDS.iter().all(|(name, _)| DiscountFeature::parse(name).is_some()));
        assert!(DISCOUNTS.iter().all(|(name, _)| Discount::parse(name).is_some()));
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
            let errors = parsed(changes).unwrap_err();
            assert!(errors.has(field), "{changes:?}: {errors:?}");
        }
        let zeros = [("minimum", "0.00"), ("max_uses", "0"), ("max_uses_per_customer", "0")];
        assert_eq!(parsed(&zeros).unwrap().json, parsed(&[]).unwrap().json);
        let coupon = parsed(&[("kind", "coupon"), ("discount", "per_order"), ("currency", "USD")]);
        assert_eq!(coupon.unwrap().json["currency"], "*");
    }
}
