//! The form on WooCommerce Discount Code Creation.

use serde_json::Value;
use vouch_core::money::{Currency, Rate, format_plain};

use super::Woocommerce;
use super::rules::{DiscountAmount, Rules};
use crate::form::{Field, FieldErrors, FormPart, SelectOption, Typed};
use crate::provider::Connection;
use crate::settings::{
    CREATES_CODES, CheckedRules, DiscountsForm, NewRules, Stored, creates_codes,
    creates_codes_field, yes_or_no,
};
use crate::{CallError, Client};

const MAX_USES: u32 = 1_000_000;

const KINDS: &[SelectOption] = &[
    ("percent", "Percentage discount"),
    ("cart", "Fixed cart discount"),
    ("product", "Fixed product discount"),
];

pub(super) struct WoocommerceDiscounts;

impl DiscountsForm for WoocommerceDiscounts {
    fn parts(&self, _stored: Stored<'_>) -> Vec<FormPart> {
        let fields = [
            creates_codes_field(),
            Field::select("kind", "Discount type", KINDS),
            Field::text("amount", "Coupon amount", "20")
                .keyboard("decimal")
                .hint("Enter a percentage, or an amount in the store’s currency."),
            Field::text("minimum", "Minimum spend", "20")
                .keyboard("decimal")
                .hint("In the store’s currency. Leave blank for no minimum.")
                .optional(),
            Field::text("total_uses", "Usage limit per coupon", "7")
                .keyboard("numeric")
                .hint("Leave blank for no limit.")
                .optional(),
            Field::text("uses_per_customer", "Usage limit per user", "7")
                .keyboard("numeric")
                .hint("Leave blank for no limit.")
                .optional(),
            Field::checkbox("individual_use", "Individual use only"),
            Field::checkbox("exclude_sale_items", "Exclude sale items"),
            Field::checkbox("free_shipping", "Allow free shipping")
                .hint("Your store needs a free shipping method that requires a coupon."),
        ];
        fields.map(FormPart::Field).into()
    }

    fn typed(&self, stored: Stored<'_>) -> Typed {
        let mut typed = Typed::default();
        typed.set(CREATES_CODES, yes_or_no(stored.creates_codes));
        typed.set("kind", "percent");
        let Some(rules) = stored.rules.and_then(Rules::from_json) else { return typed };
        let plain = |minor| format_plain(minor, rules.currency);
        let written = |number: Option<u32>| number.map(|n| n.to_string()).unwrap_or_default();
        let (kind, amount) = match rules.takeoff {
            DiscountAmount::Percent { rate } => ("percent", rate.number()),
            DiscountAmount::Cart { minor } => ("cart", plain(minor)),
            DiscountAmount::Product { minor } => ("product", plain(minor)),
        };
        typed.set("kind", kind);
        typed.set("amount", amount);
        typed.set("minimum", rules.minimum_minor.map(plain).unwrap_or_default());
        typed.set("total_uses", written(rules.total_uses));
        typed.set("uses_per_customer", written(rules.uses_per_customer));
        typed.tick("individual_use", rules.individual_use);
        typed.tick("exclude_sale_items", rules.exclude_sale_items);
        typed.tick("free_shipping", rules.free_shipping);
        typed
    }

    fn parse(&self, typed: &Typed, stored: Stored<'_>) -> Result<Option<NewRules>, FieldErrors> {
        parse(typed, usual_currency(stored))
    }

    /// Amounts are in the store's own currency.
    fn asks_store(&self, typed: &Typed, _stored: Stored<'_>) -> bool {
        let has_amounts = typed.text("kind") != "percent" || typed.filled("minimum").is_some();
        creates_codes(typed) && has_amounts
    }

    fn check(
        &self,
        connection: Result<Connection<'_>, CallError>,
        typed: &Typed,
        stored: Stored<'_>,
    ) -> CheckedRules {
        let usual = usual_currency(stored);
        let answer = connection.and_then(Woocommerce::open).and_then(|mut client| client.access());
        let error = match answer {
            Ok(access) => {
                let theirs = access.currency.and_then(|code| Currency::from_code(&code).ok());
                let rules = parse(typed, theirs.unwrap_or(usual));
                return CheckedRules { rules, trouble: None, token: None };
            }
            Err(error) => error.to_string(),
        };
        // The currency was checked when these were saved, and is checked again before a code is
        // created.
        let known = stored.rules.and_then(Rules::from_json);
        let rules = if known.is_some_and(|rules| rules.has_amounts()) {
            parse(typed, usual)
        } else {
            let mut errors = FieldErrors::default();
            errors.add(
                "amount",
                format!(
                    "We couldn’t get the store’s currency. {error} Save again in a minute, or use a percentage without a minimum spend."
                ),
            );
            Err(errors)
        };
        CheckedRules { rules, trouble: Some(error), token: None }
    }

    fn fixed_currency(&self, rules: &Value) -> Option<Currency> {
        let rules = Rules::from_json(rules)?;
        rules.has_amounts().then_some(rules.currency)
    }
}

fn usual_currency(stored: Stored<'_>) -> Currency {
    stored.rules.and_then(Rules::from_json).map_or(stored.currency, |rules| rules.currency)
}

fn parse(typed: &Typed, currency: Currency) -> Result<Option<NewRules>, FieldErrors> {
    if !creates_codes(typed) && typed.filled("amount").is_none() {
        return Ok(None);
    }
    let mut errors = FieldErrors::default();
    let takeoff = takeoff(typed, currency, &mut errors);
    let minimum = typed.filled("minimum");
    let minimum = minimum.and_then(|_| typed.money("minimum", Some(currency), &mut errors));
    let total_uses = typed.limit("total_uses", MAX_USES, &mut errors);
    let uses_per_customer = typed.limit("uses_per_customer", MAX_USES, &mut errors);
    let (Some(takeoff), true) = (takeoff, errors.is_empty()) else {
        return Err(errors);
    };
    let rules = Rules {
        takeoff,
        currency,
        minimum_minor: minimum,
        total_uses,
        uses_per_customer,
        individual_use: typed.is_ticked("individual_use"),
        exclude_sale_items: typed.is_ticked("exclude_sale_items"),
        free_shipping: typed.is_ticked("free_shipping"),
    };
    Ok(Some(NewRules { json: rules.to_json(), sentence: rules.sentence() }))
}

fn takeoff(typed: &Typed, currency: Currency, errors: &mut FieldErrors) -> Option<DiscountAmount> {
    let kind = typed.text("kind");
    if kind == "percent" {
        let rate = Rate::parse_discount(typed.text("amount"));
        let rate = rate.map_err(|error| errors.add("amount", error.to_string())).ok()?;
        return Some(DiscountAmount::Percent { rate });
    }
    let minor = typed.money("amount", Some(currency), errors)?;
    Some(match kind {
        "product" => DiscountAmount::Product { minor },
        _ => DiscountAmount::Cart { minor },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reason;

    const STORED: Stored<'_> = Stored { creates_codes: true, rules: None, currency: Currency::USD };

    fn typed(changes: &[(&'static str, &'static str)]) -> Typed {
        let usual = [(CREATES_CODES, "yes"), ("kind", "percent"), ("amount", "10")];
        usual.into_iter().chain(changes.iter().copied()).collect()
    }

    #[test]
    fn rules_that_were_saved_are_typed_alike_again() {
        for changes in [
            &[][..],
            &[("kind", "cart"), ("amount", "5.00"), ("minimum", "30.00"), ("total_uses", "9")],
            &[("kind", "product"), ("uses_per_customer", "1"), ("free_shipping", "true")],
        ] {
            let rules = WoocommerceDiscounts.parse(&typed(changes), STORED).unwrap().unwrap();
            let known = Stored { rules: Some(&rules.json), ..STORED };
            let again = WoocommerceDiscounts.parse(&WoocommerceDiscounts.typed(known), known);
            assert_eq!(again.unwrap(), Some(rules), "{changes:?}");
        }
    }

    #[test]
    fn what_makes_no_discount_is_refused_beside_its_field() {
        for (changes, field) in [
            (&[("amount", "0")][..], "amount"),
            (&[("amount", "")], "amount"),
            (&[("kind", "cart"), ("amount", "0")], "amount"),
            (&[("minimum", "-1")], "minimum"),
            (&[("total_uses", "0")], "total_uses"),
            (&[("uses_per_customer", "x")], "uses_per_customer"),
        ] {
            let errors = WoocommerceDiscounts.parse(&typed(changes), STORED).unwrap_err();
            assert!(errors.has(field), "{changes:?}: {errors:?}");
        }
        let nothing = typed(&[(CREATES_CODES, "no"), ("amount", " ")]);
        assert_eq!(WoocommerceDiscounts.parse(&nothing, STORED), Ok(None));
    }

    #[test]
    fn amounts_wait_for_the_currency_of_the_store() {
        let away = || Err(CallError::Unanswered(Reason::Timeout));
        let amount = typed(&[("kind", "cart")]);
        assert!(WoocommerceDiscounts.asks_store(&amount, STORED));
        assert!(!WoocommerceDiscounts.asks_store(&typed(&[]), STORED));
        let unknown = WoocommerceDiscounts.check(away(), &amount, STORED);
        assert!(unknown.rules.unwrap_err().has("amount"));
        let rules = parse(&amount, Currency::EUR).unwrap().unwrap();
        let known = Stored { rules: Some(&rules.json), ..STORED };
        let again = WoocommerceDiscounts.check(away(), &amount, known);
        assert_eq!(again.rules.unwrap(), Some(rules), "as it was asked then");
    }
}
