//! The currency codes of ISO 4217 and of store platforms.

/// The decimals of an unlisted currency. Stores round to two by default, and a code must have the
/// same decimals in every order, list and sum.
pub(super) const DECIMALS_OF_UNKNOWN: u32 = 2;

/// (code, decimals, English name) of currencies in WooCommerce (`get_woocommerce_currencies`) and
/// Shopify (`CurrencyCode`) that ISO 4217 doesn't list, or has withdrawn.
const NON_ISO: &[(&str, u32, &str)] = &[
    ("ANG", 2, "Netherlands Antillean guilder"),
    ("BTC", 8, "Bitcoin"),
    ("BYR", 0, "Belarusian ruble (old)"),
    ("GGP", 2, "Guernsey pound"),
    ("IMP", 2, "Manx pound"),
    ("IRT", 0, "Iranian toman"),
    ("JEP", 2, "Jersey pound"),
    ("KID", 2, "Kiribati dollar"),
    ("LTL", 2, "Lithuanian litas"),
    ("LVL", 2, "Latvian lats"),
    ("MRO", 2, "Mauritanian ouguiya (old)"),
    ("PRB", 2, "Transnistrian ruble"),
    ("STD", 2, "São Tomé and Príncipe dobra (old)"),
    ("VEF", 2, "Venezuelan bolívar (old)"),
    ("ZMK", 2, "Zambian kwacha (old)"),
];

const LETTERS: usize = 26;

/// All codes with three letters, concatenated. It gives every code a `'static` lifetime.
static ALL: [u8; LETTERS * LETTERS * LETTERS * 3] = {
    let mut all = [0; LETTERS * LETTERS * LETTERS * 3];
    let mut at = 0;
    while at < LETTERS * LETTERS * LETTERS {
        all[at * 3] = b'A' + (at / (LETTERS * LETTERS)) as u8;
        all[at * 3 + 1] = b'A' + (at / LETTERS % LETTERS) as u8;
        all[at * 3 + 2] = b'A' + (at % LETTERS) as u8;
        at += 1;
    }
    all
};

/// The code in upper case, as a static string; none if it doesn't have three letters.
pub(super) fn interned(code: &str) -> Option<&'static str> {
    let bytes: &[u8; 3] = code.as_bytes().try_into().ok()?;
    if !bytes.iter().all(u8::is_ascii_alphabetic) {
        return None;
    }
    let place = |at: usize| usize::from(bytes[at].to_ascii_uppercase() - b'A');
    let at = ((place(0) * LETTERS + place(1)) * LETTERS + place(2)) * 3;
    std::str::from_utf8(&ALL[at..at + 3]).ok()
}

/// The decimals of a listed currency.
pub(super) fn decimals(code: &str) -> Option<u32> {
    let of_iso = || iso_currency::Currency::from_code(code)?.exponent().map(u32::from);
    beside_iso(code).map(|row| row.1).or_else(of_iso)
}

pub(super) fn decimals_or_default(code: &str) -> u32 {
    decimals(code).unwrap_or(DECIMALS_OF_UNKNOWN)
}

pub(super) fn name(code: &str) -> Option<String> {
    let of_iso = || Some(iso_currency::Currency::from_code(code)?.name().to_owned());
    beside_iso(code).map(|row| row.2.to_owned()).or_else(of_iso)
}

fn beside_iso(code: &str) -> Option<&'static (&'static str, u32, &'static str)> {
    NON_ISO.iter().find(|row| row.0 == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// WooCommerce's `get_woocommerce_currencies`.
    const WOOCOMMERCE: &str = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD \
        BND BOB BRL BSD BTC BTN BWP BYR BYN BZD CAD CDF CHF CLP CNY COP CRC CUC CUP CVE CZK DJF DKK \
        DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GGP GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR \
        ILS IMP INR IQD IRR IRT ISK JEP JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR \
        LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD \
        OMR PAB PEN PGK PHP PKR PLN PRB PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLL SOS \
        SRD SSP STN SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VEF VES VND VUV \
        WST XAF XCD XOF XPF YER ZAR ZMW";

    /// Codes that only Shopify's `CurrencyCode` has. USDC is left out because no store uses it as
    /// its currency, and XXX because it isn't a currency.
    const SHOPIFY: &str = "KID LTL LVL STD VED";

    #[test]
    fn every_currency_of_a_platform_has_its_decimals() {
        for code in WOOCOMMERCE.split(' ').chain(SHOPIFY.split(' ')) {
            assert!(decimals(code).is_some(), "{code}");
            assert!(name(code).is_some(), "{code}");
        }
    }

    #[test]
    fn a_row_of_ours_says_what_iso_does_not() {
        for (code, ..) in NON_ISO {
            let of_iso = iso_currency::Currency::from_code(code).and_then(|iso| iso.exponent());
            assert_eq!(of_iso, None, "{code}");
        }
    }

    #[test]
    fn every_code_is_found_where_it_stands() {
        for code in ["AAA", "AAB", "ABA", "USD", "ZZZ"] {
            assert_eq!(interned(code), Some(code));
            assert_eq!(interned(&code.to_lowercase()), Some(code));
        }
        for code in ["", "US", "USDT", "U$D", "ÄB", "12A"] {
            assert_eq!(interned(code), None, "{code}");
        }
    }
}
