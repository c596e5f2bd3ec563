use super::*;
use crate::Reason;

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
        &[("takeoff", "amount"), ("amount", "7.50"), ("once_per_order", ""), ("purchases", "both")],
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
        let away = Err(CallError::Unanswered(Reason::Timeout));
        ShopifyDiscounts.check(away, &typed(changes), stored(None))
    };
    let number = check(&[("items", "products"), ("item_list", "17")]);
    assert!(number.rules.is_ok() && number.trouble.is_some());
    let handle = check(&[("items", "products"), ("item_list", "sencha")]);
    assert!(handle.rules.unwrap_err().has("item_list"));
    let money = check(&[("takeoff", "amount"), ("amount", "5")]);
    assert!(money.rules.unwrap_err().has(""), "in which currency?");
}
