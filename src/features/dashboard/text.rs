//! What people read on the dashboard.

/// The choices of a period, with their keys in the URL.
pub(super) const PERIODS: [(&str, &str); 5] = [
    ("7", "7 days"),
    ("30", "30 days"),
    ("90", "90 days"),
    ("month", "This month"),
    ("last-month", "Last month"),
];

pub(super) const ORDERS: &str = "Orders";
pub(super) const CONVERSIONS: &str = "Conversions";
pub(super) const REVENUE: &str = "Revenue";
pub(super) const COMMISSION: &str = "Commission";
pub(super) const REFUNDS: &str = "Refunds";

/// `Oct 25, 2026 to Nov 23, 2026`
pub(super) fn period(from: &str, to: &str) -> String {
    if from == to { from.to_owned() } else { format!("{from} to {to}") }
}

/// The line below a number: amounts in other currencies, and the previous period.
pub(super) fn comparison(others: &[String], previous: &[String]) -> String {
    let others: String = others.iter().map(|amount| format!("+ {amount} ")).collect();
    let separator = if others.is_empty() { "" } else { "· " };
    format!("{others}{separator}{} in the previous period", previous.join(" + "))
}

/// The text alternative of the chart.
pub(super) fn chart(from: &str, to: &str, best: &str, revenue: &str) -> String {
    format!(
        "Revenue and commission by day from {from} to {to}. The best day was {best} with {revenue} \
         revenue. The table below lists each day with activity."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comparison_has_all_amounts() {
        let amounts =
            |amounts: &[&str]| amounts.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>();
        let text = comparison(&amounts(&["€50.00"]), &amounts(&["$938.68", "€2.00"]));
        assert!(text.starts_with("+ €50.00 · $938.68 + €2.00 "), "{text}");
        assert!(comparison(&[], &amounts(&["$938.68"])).starts_with("$938.68 "));
    }

    #[test]
    fn a_single_day_is_named_once() {
        assert_eq!(period("Mar 1, 2026", "Mar 1, 2026"), "Mar 1, 2026");
    }
}
