//! The currencies and time zones that a merchant can choose.

use chrono_tz::{TZ_VARIANTS, Tz};
use vouch_core::money::Currency;

use super::text;
use crate::kit::web::form::FormErrors;

/// The currencies of most stores. Other currencies can be entered by code.
const CURRENCIES: &[&str] = &[
    "AED", "ARS", "AUD", "BDT", "BGN", "BHD", "BRL", "CAD", "CHF", "CLP", "CNY", "COP", "CZK",
    "DKK", "EGP", "EUR", "GBP", "HKD", "HUF", "IDR", "ILS", "INR", "ISK", "JOD", "JPY", "KES",
    "KRW", "KWD", "MAD", "MXN", "MYR", "NGN", "NOK", "NZD", "OMR", "PEN", "PHP", "PKR", "PLN",
    "QAR", "RON", "RSD", "SAR", "SEK", "SGD", "THB", "TRY", "TWD", "UAH", "USD", "UYU", "VND",
    "ZAR",
];

/// (code, label) pairs for a form. They include `chosen` even if it's rare.
pub(crate) fn currencies(chosen: &str) -> Vec<(String, String)> {
    let mut codes: Vec<Currency> =
        CURRENCIES.iter().chain([&chosen]).filter_map(|code| Currency::known(code).ok()).collect();
    codes.sort_by_key(|currency| currency.code());
    codes.dedup();
    codes.into_iter().map(|currency| (currency.code().to_owned(), in_words(currency))).collect()
}

/// The code, and the name if it's known.
pub(crate) fn in_words(currency: Currency) -> String {
    if currency.is_known() {
        format!("{currency} – {}", currency.name())
    } else {
        currency.to_string()
    }
}

/// The currency from a form. An error goes beside `field`.
pub(crate) fn currency(errors: &mut FormErrors, field: &str, typed: &str) -> Option<Currency> {
    let found = Currency::known(typed).ok();
    if found.is_none() {
        errors.add(field, text::CHOOSE_CURRENCY);
    }
    found
}

/// (name, label) pairs for a form: places, without abbreviations or old country names.
pub(crate) fn time_zones() -> Vec<(&'static str, String)> {
    const REGIONS: [&str; 10] = [
        "Africa/",
        "America/",
        "Antarctica/",
        "Arctic/",
        "Asia/",
        "Atlantic/",
        "Australia/",
        "Europe/",
        "Indian/",
        "Pacific/",
    ];
    let mut zones = vec![("UTC", "UTC".to_owned())];
    let places = TZ_VARIANTS.iter().map(|zone| zone.name());
    let places = places.filter(|name| REGIONS.iter().any(|region| name.starts_with(region)));
    zones.extend(places.map(|name| (name, name.replace('_', " "))));
    zones
}

/// The time zone from a form. An error goes beside `field`.
pub(crate) fn time_zone(errors: &mut FormErrors, field: &str, typed: &str) -> Option<Tz> {
    let found = typed.trim().parse().ok();
    if found.is_none() {
        errors.add(field, text::CHOOSE_TIME_ZONE);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_is_valid_and_stands_once() {
        for (code, _) in currencies("XOF") {
            assert_eq!(code.parse::<Currency>().unwrap().code(), code);
        }
        assert_eq!(currencies("USD").len(), CURRENCIES.len());
        assert_eq!(currencies("XOF").len(), CURRENCIES.len() + 1);
        let zones = time_zones();
        assert!(zones.len() > 300);
        for (name, _) in zones {
            assert!(name.parse::<Tz>().is_ok(), "{name}");
        }
    }
}
