use proptest::prelude::*;

use super::*;

fn parse(text: &str, currency: Currency) -> Result<i64, MoneyError> {
    parse_decimal(text, currency)
}

#[test]
fn a_currency_knows_its_decimals_and_is_written_as_its_code() {
    for (code, exponent) in [("USD", 2), ("JPY", 0), ("KWD", 3), ("EUR", 2), ("CLF", 4)] {
        let currency = Currency::from_code(code).unwrap();
        assert_eq!((currency.code(), currency.exponent()), (code, exponent));
        let json = serde_json::to_string(&currency).unwrap();
        assert_eq!(json, format!("\"{code}\""));
        assert_eq!(serde_json::from_str::<Currency>(&json).unwrap(), currency);
    }
    for known in [Currency::USD, Currency::EUR, Currency::GBP, Currency::JPY, Currency::KWD] {
        assert_eq!(Currency::from_code(known.code()), Ok(known));
    }
    assert_eq!(" usd ".parse(), Ok(Currency::USD));
}

#[test]
fn an_unknown_currency_is_an_error() {
    for code in ["", "US", "DOLLAR", "U$D", "€"] {
        assert!(Currency::from_code(code).is_err(), "{code}");
        assert!(Currency::known(code).is_err(), "{code}");
    }
    assert!(serde_json::from_str::<Currency>("\"U$D\"").is_err());
    assert!(serde_json::from_str::<Currency>("840").is_err());
}

#[test]
fn currencies_of_platforms_have_their_decimals_and_unknown_ones_two() {
    for (code, exponent) in
        [("IRT", 0), ("GGP", 2), ("IMP", 2), ("JEP", 2), ("BYR", 0), ("BTC", 8), ("irt ", 0)]
    {
        assert_eq!(Currency::known(code).unwrap().exponent(), exponent, "{code}");
    }
    for code in ["QQQ", "zzz", "XAU", "XXX"] {
        let currency = Currency::from_code(code).unwrap();
        assert_eq!((currency.code(), currency.exponent()), (&*code.to_uppercase(), 2));
        assert!(!currency.is_known() && Currency::known(code).is_err());
        let json = serde_json::to_string(&currency).unwrap();
        assert_eq!(serde_json::from_str::<Currency>(&json).unwrap(), currency);
    }
    let unknown = Currency::from_code("QQQ").unwrap();
    assert_eq!(format_money(123_456, unknown), "QQQ\u{a0}1,234.56");
    assert_eq!(unknown.name(), "QQQ");
}

#[test]
fn numbers_of_programs_are_rounded_half_to_even() {
    let rounded = |text: &str, currency: Currency| parse_scaled(text, currency.exponent());
    for (text, currency, minor) in [
        ("16.486", Currency::USD, 1649),
        ("89.99999999999999", Currency::USD, 9000),
        ("10.005", Currency::USD, 1000),
        ("10.015", Currency::USD, 1002),
        ("10.0050001", Currency::USD, 1001),
        ("-10.015", Currency::USD, -1002),
        ("3.3333", Currency::USD, 333),
        ("1.0E-6", Currency::USD, 0),
        ("1e3", Currency::USD, 100_000),
        ("2.5E+1", Currency::USD, 2500),
        ("25e-1", Currency::USD, 250),
        ("5e-3", Currency::USD, 0),
        ("15e-3", Currency::USD, 2),
        ("6e-3", Currency::USD, 1),
        (" +5 ", Currency::USD, 500),
        (".5", Currency::USD, 50),
        ("5.", Currency::USD, 500),
        ("-0", Currency::USD, 0),
        ("0.5", Currency::JPY, 0),
        ("1.5", Currency::JPY, 2),
        ("1.2345", Currency::KWD, 1234),
        ("92233720368547758.07", Currency::USD, i64::MAX),
    ] {
        assert_eq!(rounded(text, currency), Ok(i128::from(minor)), "{text} {currency}");
    }
    for text in ["", ".", "-", "abc", "1,5", "$5", "1e", "e5", "1e1.5", "NaN", "INF", "1 0", "--1"]
    {
        assert_eq!(rounded(text, Currency::USD), Err(MoneyError::NotANumber), "{text}");
    }
    for text in ["1e40", "1e99999", &"9".repeat(40)] {
        assert_eq!(rounded(text, Currency::USD), Err(MoneyError::TooLarge), "{text}");
    }
}

#[test]
fn decimals_are_read_exactly() {
    for (text, currency, minor) in [
        ("29.10", Currency::USD, 2910),
        ("29.1", Currency::USD, 2910),
        ("1999", Currency::USD, 199_900),
        ("0.00", Currency::USD, 0),
        ("-0.05", Currency::USD, -5),
        ("12.3400", Currency::USD, 1234),
        (" 7.00 ", Currency::USD, 700),
        ("1999", Currency::JPY, 1999),
        ("1999.00", Currency::JPY, 1999),
        ("1.5", Currency::KWD, 1500),
        ("1.5050", Currency::KWD, 1505),
        ("92233720368547758.07", Currency::USD, i64::MAX),
        ("-92233720368547758.08", Currency::USD, i64::MIN),
        ("00012.00", Currency::USD, 1200),
    ] {
        assert_eq!(parse(text, currency), Ok(minor), "{text} {currency}");
    }
}

#[test]
fn what_cannot_be_read_exactly_is_refused() {
    for text in [
        "", "-", ".", "1.", ".5", "--1", "+1", "1e3", "1,000.00", "1 000", "NaN", "$5", "٣", "0x1",
        "1.2.3", "- 1",
    ] {
        assert_eq!(parse(text, Currency::USD), Err(MoneyError::NotANumber), "{text}");
    }
    assert_eq!(parse("1.005", Currency::USD), Err(MoneyError::TooPrecise(Currency::USD)));
    assert_eq!(parse("1.5", Currency::JPY), Err(MoneyError::TooPrecise(Currency::JPY)));
    assert_eq!(parse("92233720368547758.08", Currency::USD), Err(MoneyError::TooLarge));
    assert_eq!(parse(&"9".repeat(5000), Currency::JPY), Err(MoneyError::TooLarge));
}

#[test]
fn money_is_written_plainly_for_machines() {
    for (minor, currency, text) in [
        (2910, Currency::USD, "29.10"),
        (-5, Currency::USD, "-0.05"),
        (0, Currency::USD, "0.00"),
        (1999, Currency::JPY, "1999"),
        (1505, Currency::KWD, "1.505"),
        (i64::MIN, Currency::USD, "-92233720368547758.08"),
    ] {
        assert_eq!(format_plain(minor, currency), text);
    }
}

#[test]
fn money_is_written_for_people_without_a_place_to_break_the_line() {
    for (minor, currency, text) in [
        (2910, Currency::USD, "$29.10"),
        (-500, Currency::USD, "−$5.00"),
        (123_456_789, Currency::USD, "$1,234,567.89"),
        (99_999, Currency::EUR, "€999.99"),
        (1_999_000, Currency::JPY, "¥1,999,000"),
        (-1500, Currency::KWD, "−KWD\u{a0}1.500"),
        (0, Currency::GBP, "£0.00"),
    ] {
        assert_eq!(format_money(minor, currency), text);
    }
}

#[test]
fn proportions_stop_at_the_edge() {
    assert_eq!(proportion_half_even(i64::MAX, i64::MAX, 10_000), i64::MAX);
    assert_eq!(proportion_half_even(i64::MIN, i64::MAX, 10_000), i64::MIN);
    assert_eq!(proportion_half_even(100, 1, 0), 0);
    assert_eq!(proportion_half_even(100, 1, 3), 33);
}

#[test]
fn a_total_is_divided_by_largest_remainder() {
    assert_eq!(allocate(100, &[1, 1, 1]), [34, 33, 33]);
    assert_eq!(allocate(100, &[1, 1, 4]), [17, 17, 66]);
    assert_eq!(allocate(-100, &[1, 1, 1]), [-34, -33, -33]);
    assert_eq!(allocate(5, &[0, 0]), [3, 2]);
    assert_eq!(allocate(5, &[-7, 1]), [0, 5]);
    assert_eq!(allocate(i64::MIN, &[1]), [i64::MIN]);
    assert_eq!(allocate(5, &[]), Vec::<i64>::new());
}

fn any_currency() -> impl Strategy<Value = Currency> {
    prop::sample::select(vec![Currency::USD, Currency::JPY, Currency::KWD, Currency::EUR])
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(minor: i64, currency in any_currency()) {
        prop_assert_eq!(parse(&format_plain(minor, currency), currency), Ok(minor));
    }

    #[test]
    fn reading_never_panics(text in ".{0,40}", currency in any_currency()) {
        let _ = parse(&text, currency);
        let _ = Currency::from_code(&text);
    }

    #[test]
    fn parts_add_up_and_stay_within_one_unit_of_their_share(
        total: i64,
        weights in prop::collection::vec(0_i64..=i64::MAX, 1..20),
    ) {
        let parts = allocate(total, &weights);
        prop_assert_eq!(parts.len(), weights.len());
        prop_assert_eq!(parts.iter().map(|p| i128::from(*p)).sum::<i128>(), i128::from(total));
        let sum: i128 = weights.iter().map(|w| i128::from(*w)).sum();
        for (part, weight) in parts.iter().zip(&weights).filter(|_| sum > 0) {
            let exact = i128::from(total) * i128::from(*weight) / sum;
            prop_assert!((i128::from(*part) - exact).abs() <= 1);
        }
    }

    #[test]
    fn no_part_exceeds_its_weight_unless_the_total_does(
        weights in prop::collection::vec(0_i64..1_000_000, 1..20),
        share in 0_i64..=1000,
    ) {
        let total = weights.iter().sum::<i64>() * share / 1000;
        prop_assert!(allocate(total, &weights).iter().zip(&weights).all(|(p, w)| p <= w));
    }
}
