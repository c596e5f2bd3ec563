//! Numbers as people read them.

use vouch_core::number::{MINUS, grouped};

/// 1234567 as "1,234,567".
pub(crate) fn thousands(number: impl TryInto<i64>) -> String {
    // No count comes near the maximum.
    let number = number.try_into().unwrap_or(i64::MAX);
    let digits = grouped(&number.unsigned_abs().to_string());
    if number < 0 { format!("{MINUS}{digits}") } else { digits }
}

/// For example "1 code" or "1,830 codes".
pub(crate) fn counted(number: impl TryInto<i64>, one: &str, many: &str) -> String {
    let number = number.try_into().unwrap_or(i64::MAX);
    if number == 1 { format!("1 {one}") } else { format!("{} {many}", thousands(number)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stand_in_threes() {
        assert_eq!([999, 1_000, -1_234_567].map(thousands), ["999", "1,000", "\u{2212}1,234,567"]);
        assert_eq!(thousands(1_000_usize), "1,000");
    }

    #[test]
    fn the_noun_follows_the_number() {
        let codes = |number: i32| counted(number, "code", "codes");
        assert_eq!([0, 1, 1_830].map(codes), ["0 codes", "1 code", "1,830 codes"]);
    }
}
