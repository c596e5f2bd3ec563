/// The minus sign of numbers for people.
pub const MINUS: char = '\u{2212}';

/// Groups a whole number's digits in threes: "1234567" becomes "1,234,567".
pub fn grouped(digits: &str) -> String {
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
