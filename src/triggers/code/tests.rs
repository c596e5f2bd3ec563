use proptest::prelude::*;

use super::*;

#[test]
fn a_code_is_kept_as_typed_and_compared_by_its_key() {
    for (typed, value, key) in [
        ("JANE10", "JANE10", "JANE10"),
        ("  jane10\t", "jane10", "JANE10"),
        ("Ｊａｎｅ１０", "Ｊａｎｅ１０", "JANE10"), // full width
        ("straße", "straße", "STRASSE"),
        ("ﬁve", "ﬁve", "FIVE"),
        ("50%-off!", "50%-off!", "50%-OFF!"),
        ("ジェーン", "ジェーン", "ジェーン"),
        ("cafe\u{301}", "cafe\u{301}", "CAFÉ"),
    ] {
        let code = CouponCode::parse(typed).unwrap();
        assert_eq!((code.value(), code.key()), (value, key));
        assert_eq!(key_of_reported_code(typed), key);
    }
}

#[test]
fn a_refused_code_says_which_rule_it_breaks() {
    for (typed, error) in [
        ("", CodeError::Empty),
        (" \t\n ", CodeError::Empty),
        ("JANE 10", CodeError::Space),
        ("JANE\u{a0}10", CodeError::Space),
        ("JANE\n10", CodeError::Space),
        ("JANE\u{7}", CodeError::Invisible),
        ("JA\u{0}NE", CodeError::Invisible),
        ("JANE\u{200b}10", CodeError::Invisible),
        ("\u{202e}ENAJ", CodeError::Invisible),
        ("JANE\u{a8}10", CodeError::Space), // its NFKC contains a space
    ] {
        assert_eq!(CouponCode::parse(typed), Err(error), "{typed:?}");
    }
    assert!(CouponCode::parse(&"ä".repeat(50)).is_ok());
    let long = CouponCode::parse(&"ä".repeat(51)).unwrap_err();
    assert_eq!(long, CodeError::TooLong { chars: 51 });
    assert_eq!(
        long.to_string(),
        "A coupon code has at most 50 characters; this one has 51. Shorten it."
    );
}

#[test]
fn addresses_are_compared_without_regard_to_case() {
    assert_eq!(EmailKey::parse(" Jane@Example.COM ").unwrap().as_str(), "jane@example.com");
    for not_one in [
        "jane",
        "jane@",
        "@example.com",
        "a@b@c.de",
        "jane doe@example.com",
        "a@b",
        "a@.de",
        "a@b..de",
        "<a@b.de>",
        "a@b.de, c@d.ef",
    ] {
        assert_eq!(EmailKey::parse(not_one), Err(EmailError::NotAnAddress), "{not_one}");
    }
    assert_eq!(EmailKey::parse("  "), Err(EmailError::Empty));
    let long = format!("{}@example.com", "a".repeat(250));
    assert_eq!(EmailKey::parse(&long), Err(EmailError::TooLong));
}

#[test]
fn a_tag_does_not_make_another_person() {
    let same = |a, b| EmailKey::parse(a).unwrap().is_same_person(&EmailKey::parse(b).unwrap());
    assert!(same("Jane+shop@example.com", "jane@Example.com"));
    assert!(same("jane+a@example.com", "jane+b@example.com"));
    assert!(!same("jane@example.com", "jane@example.org"));
    assert!(!same("+a@example.com", "+b@example.com"));
}

#[test]
fn skus_keep_their_inner_spaces() {
    assert_eq!(SkuKey::parse(" tee shirt-m ").unwrap().as_str(), "TEE SHIRT-M");
    assert_eq!(key_of_reported_sku("tee shirt-m"), "TEE SHIRT-M");
    assert_eq!(SkuKey::parse(" "), Err(SkuError::Empty));
    assert_eq!(SkuKey::parse("A\u{200b}B"), Err(SkuError::Invisible));
    assert_eq!(SkuKey::parse(&"A".repeat(256)), Err(SkuError::TooLong));
    assert!(SkuKey::parse(&"A".repeat(255)).is_ok());
}

proptest! {
    #[test]
    fn a_key_is_its_own_key(text in "\\PC{0,30}") {
        let key = key_of_reported_code(&text);
        prop_assert_eq!(key_of_reported_code(&key), key);
    }

    #[test]
    fn an_accepted_code_keeps_every_rule(text in "[\\PC\\s]{0,60}") {
        if let Ok(code) = CouponCode::parse(&text) {
            for text in [code.value(), code.key()] {
                prop_assert!((1..=MAX_CODE_CHARS).contains(&text.chars().count()));
                prop_assert!(!text.chars().any(|c| c.is_whitespace() || c.is_control()));
            }
            prop_assert_eq!(key_of_reported_code(&text), code.key());
        }
    }
}
