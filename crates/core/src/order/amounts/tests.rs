use proptest::prelude::*;

use super::*;
use crate::order::fixtures::{order, refund};
use crate::order::snapshot::RefundedLine;

const PLAIN: Basis =
    Basis { include_tax: false, include_shipping: false, negative_fees_lower: false };
const TAXED: Basis =
    Basis { include_tax: true, include_shipping: false, negative_fees_lower: false };
const SHIPPED: Basis =
    Basis { include_tax: false, include_shipping: true, negative_fees_lower: false };

/// Gross amount, refunded amount and kept items of each line.
fn sums(report: OrderSnapshot, basis: Basis) -> Vec<(i64, i64, i64)> {
    let state = OrderState::from(report);
    let amounts = line_amounts(&state, basis);
    amounts.iter().map(|line| (line.gross_minor, line.refunded_minor, line.remaining)).collect()
}

#[test]
fn the_base_is_what_was_paid_after_all_discounts_without_tax_and_shipping() {
    let mut report = order().with_line("TEE", 2, 1200);
    report.shipping_minor = 500;
    report.lines[0].discount_minor = 240;
    report.lines[0].tax_minor = 130;
    assert_eq!(sums(report.clone(), PLAIN), [(2160, 0, 2)]);
    assert_eq!(sums(report.clone(), TAXED), [(2290, 0, 2)]);
    report.lines[0].tax_included = true;
    assert_eq!(sums(report.clone(), PLAIN), [(2030, 0, 2)]);
    assert_eq!(sums(report.clone(), TAXED), [(2160, 0, 2)]);
    report.lines[0].discount_minor = 9999;
    assert_eq!(sums(report, PLAIN), [(0, 0, 2)], "never below zero");
}

#[test]
fn shipping_is_a_line_of_its_own_where_it_counts() {
    let mut report = order().with_line("TEE", 1, 1000);
    (report.shipping_minor, report.shipping_tax_minor) = (500, 40);
    report.refunds = vec![ReportedRefund { shipping_minor: 200, ..refund("1") }];
    assert_eq!(sums(report.clone(), SHIPPED), [(1000, 0, 1), (500, 200, 0)]);
    let both = Basis { include_tax: true, include_shipping: true, negative_fees_lower: false };
    assert_eq!(sums(report, both), [(1000, 0, 1), (540, 200, 0)]);
}

#[test]
fn a_refund_takes_its_amount_off_its_line_and_no_more_than_was_paid() {
    let report = order().with_line("TEE", 2, 1000).with_line("CAP", 1, 500);
    let part = report.clone().with_refund(refund("1").of_line("TEE", 1, 1000));
    assert_eq!(sums(part, PLAIN), [(2000, 1000, 1), (500, 0, 1)]);
    let too_much = report.clone().with_refund(refund("1").of_line("CAP", 5, 9000));
    assert_eq!(sums(too_much, PLAIN), [(2000, 0, 2), (500, 500, 0)]);
}

#[test]
fn a_refund_of_a_line_that_the_order_does_not_have_is_spread() {
    let report = order().with_line("TEE", 2, 1000).with_line("CAP", 1, 500);
    let of_a_stranger = report.clone().with_refund(refund("1").of_line("HAT", 1, 100));
    assert_eq!(sums(of_a_stranger, PLAIN), [(2000, 80, 2), (500, 20, 1)]);
    let beside_a_line = refund("1").of_line("CAP", 1, 500).of_line("", 1, 100);
    let beside_a_line = report.clone().with_refund(beside_a_line);
    assert_eq!(sums(beside_a_line, PLAIN), [(2000, 100, 2), (500, 500, 0)]);
    // A refund for something else reduces no line.
    let fee = ReportedRefund { other_minor: 100, ..refund("1") };
    assert_eq!(given_back(&report, &fee), 100);
    assert_eq!(sums(report.with_refund(fee), PLAIN), [(2000, 0, 2), (500, 0, 1)]);
}

#[test]
fn tax_that_is_given_back_counts_where_tax_counts() {
    let mut report = order().with_line("TEE", 1, 1000);
    report.lines[0].tax_minor = 190;
    let line = RefundedLine {
        is_fee: false,
        line_ref: "TEE".into(),
        quantity: 1,
        amount_minor: Some(1000),
        tax_minor: 190,
    };
    report.refunds = vec![ReportedRefund { lines: vec![line], ..refund("1") }];
    assert_eq!(sums(report.clone(), PLAIN), [(1000, 1000, 0)]);
    assert_eq!(sums(report, TAXED), [(1190, 1190, 0)]);
}

#[test]
fn items_taken_off_by_an_edit_count_once_also_when_a_refund_shows_them_too() {
    let mut edited = order().with_line("TEE", 3, 1000);
    edited.lines[0].remaining_quantity = Some(2);
    assert_eq!(sums(edited.clone(), PLAIN), [(3000, 1000, 2)]);
    let with_refund = edited.with_refund(refund("1").of_line("TEE", 1, 1000));
    assert_eq!(sums(with_refund.clone(), PLAIN), [(3000, 1000, 2)]);
    // The edit removed two items, and so far only one of them is refunded.
    let mut half_told = with_refund;
    half_told.lines[0].remaining_quantity = Some(1);
    assert_eq!(sums(half_told, PLAIN), [(3000, 2000, 1)]);
}

#[test]
fn what_the_merchant_kept_of_a_returned_item_stays() {
    let mut report = order().with_line("TEE", 1, 1000);
    report.lines[0].remaining_quantity = Some(0);
    assert_eq!(sums(report.clone(), PLAIN), [(1000, 1000, 0)]);
    let fee = report.with_refund(refund("1").of_line("TEE", 1, 850));
    assert_eq!(sums(fee, PLAIN), [(1000, 850, 0)]);
}

#[test]
fn a_refund_that_the_report_does_not_know_of_yet_counts() {
    let mut report = order().with_line("TEE", 2, 1000);
    report.lines[0].remaining_quantity = Some(2);
    let report = report.with_refund(refund("1").of_line("TEE", 1, 1000));
    assert_eq!(sums(report, PLAIN), [(2000, 1000, 1)]);
}

#[test]
fn goodwill_is_spread_over_what_is_left_of_the_lines() {
    let report = order().with_line("TEE", 2, 1000).with_line("CAP", 1, 1000);
    let goodwill = ReportedRefund { adjustment_minor: 100, ..refund("1") };
    assert_eq!(sums(report.clone().with_refund(goodwill), PLAIN), [(2000, 67, 2), (1000, 33, 1)]);
    let after = ReportedRefund { adjustment_minor: 100, ..refund("1").of_line("TEE", 2, 2000) };
    assert_eq!(sums(report.clone().with_refund(after), PLAIN), [(2000, 2000, 0), (1000, 100, 1)]);
    let all = ReportedRefund { adjustment_minor: 99_999, ..refund("1") };
    assert_eq!(sums(report.with_refund(all), PLAIN), [(2000, 2000, 2), (1000, 1000, 1)]);
}

#[test]
fn goodwill_reaches_shipping_where_shipping_counts() {
    let mut report = order().with_line("TEE", 1, 2000);
    report.shipping_minor = 2000;
    let goodwill = ReportedRefund { adjustment_minor: 3500, ..refund("1") };
    let report = report.with_refund(goodwill);
    assert_eq!(sums(report.clone(), SHIPPED), [(2000, 2000, 1), (2000, 1500, 0)]);
    assert_eq!(sums(report, PLAIN), [(2000, 2000, 1)]);
}

#[test]
fn goodwill_brings_its_tax_where_tax_counts() {
    let mut report = order().with_line("TEE", 1, 1000);
    report.lines[0].tax_minor = 200;
    let goodwill =
        ReportedRefund { adjustment_minor: 100, adjustment_tax_minor: 20, ..refund("1") };
    let report = report.with_refund(goodwill);
    assert_eq!(sums(report.clone(), PLAIN), [(1000, 100, 1)]);
    assert_eq!(sums(report, TAXED), [(1200, 120, 1)]);
}

/// Two tees and a cap, with 20% tax on everything.
fn taxed() -> OrderSnapshot {
    let mut report = order().with_line("TEE", 2, 1000).with_line("CAP", 1, 500);
    (report.lines[0].tax_minor, report.lines[1].tax_minor) = (400, 100);
    (report.shipping_minor, report.shipping_tax_minor) = (500, 100);
    (report.tax_minor, report.total_minor) = (600, 3600);
    report
}

fn of_whom_nothing_is_said(minor: i64) -> ReportedRefund {
    ReportedRefund { undivided_minor: Some(minor), ..refund("1") }
}

#[test]
fn a_sum_without_lines_is_spread_with_the_tax_of_the_order() {
    // 12.00 contains 2.00 of tax.
    let part = taxed().with_refund(of_whom_nothing_is_said(1200));
    assert_eq!(sums(part.clone(), PLAIN), [(2000, 800, 2), (500, 200, 1)]);
    assert_eq!(sums(part, TAXED), [(2400, 960, 2), (600, 240, 1)]);
    // The amount beyond the goods reduces shipping.
    let more = taxed().with_refund(of_whom_nothing_is_said(3300));
    assert_eq!(sums(more, SHIPPED), [(2000, 2000, 2), (500, 500, 1), (500, 250, 0)]);
    let mut silent = taxed();
    (silent.tax_minor, silent.total_minor) = (0, 0);
    let by_lines = silent.with_refund(of_whom_nothing_is_said(1200));
    assert_eq!(sums(by_lines, PLAIN), [(2000, 800, 2), (500, 200, 1)]);
}

#[test]
fn a_line_without_an_amount_is_worth_what_was_paid_for_so_many() {
    let unpriced = |given: Option<i64>| {
        let mut one = ReportedRefund { undivided_minor: given, ..refund("1") }.of_line("TEE", 1, 0);
        one.lines[0].amount_minor = None;
        sums(taxed().with_refund(one), SHIPPED)
    };
    assert_eq!(unpriced(None), [(2000, 1000, 1), (500, 0, 1), (500, 0, 0)]);
    assert_eq!(unpriced(Some(1200)), unpriced(None), "to the cent what was given back");
    // The merchant didn't refund the full price.
    assert_eq!(unpriced(Some(600)), [(2000, 500, 1), (500, 0, 1), (500, 0, 0)]);
    // The refund exceeds the line's price: the rest reduces shipping, then the whole order.
    assert_eq!(unpriced(Some(1500)), [(2000, 1000, 1), (500, 0, 1), (500, 250, 0)]);
    assert_eq!(unpriced(Some(1980)), [(2000, 1100, 1), (500, 50, 1), (500, 500, 0)]);
}

#[test]
fn an_edit_counts_beside_money_that_went_back_on_the_same_line() {
    let mut edited = order().with_line("TEE", 3, 1000);
    edited.lines[0].remaining_quantity = Some(2);
    let with_money = edited.clone().with_refund(refund("1").of_line("TEE", 0, 500));
    assert_eq!(sums(with_money, PLAIN), [(3000, 1500, 2)]);
    // The edit removed the same item that was refunded, so it's subtracted once.
    let refunded = edited.with_refund(refund("1").of_line("TEE", 1, 1000));
    let with_both = refunded.with_refund(refund("2").of_line("TEE", 0, 500));
    assert_eq!(sums(with_both, PLAIN), [(3000, 1500, 2)]);
}

#[test]
fn what_a_refund_gave_back_is_told_with_tax_and_shipping() {
    let one = ReportedRefund {
        shipping_minor: 500,
        shipping_tax_minor: 100,
        adjustment_minor: 50,
        undivided_minor: Some(70),
        ..refund("1").of_line("CAP", 1, 500)
    };
    assert_eq!(given_back(&taxed(), &one), 1220);
    let mut unpriced = refund("2").of_line("TEE", 1, 0);
    unpriced.lines[0].amount_minor = None;
    assert_eq!(given_back(&taxed(), &unpriced), 1200);
}

#[test]
fn an_order_whose_money_all_went_back_has_nothing_left() {
    let mut report = order().with_line("TEE", 2, 1000);
    (report.payment, report.shipping_minor) = (PaymentState::Refunded, 500);
    assert_eq!(sums(report, SHIPPED), [(2000, 2000, 0), (500, 500, 0)]);
}

#[test]
fn without_a_report_there_are_no_lines() {
    assert!(line_amounts(&OrderState::default(), PLAIN).is_empty());
}

fn any_report() -> impl Strategy<Value = OrderSnapshot> {
    let line = (
        any::<i64>(),
        -3..9_i64,
        any::<i64>(),
        any::<i64>(),
        any::<bool>(),
        prop::option::of(-3..9_i64),
    );
    let part = (0..4_usize, -3..9_i64, prop::option::of(any::<i64>()), any::<i64>());
    let sums = (any::<i64>(), prop::option::of(any::<i64>()));
    let refunds = prop::collection::vec((prop::collection::vec(part, 0..4), sums), 0..4);
    (prop::collection::vec(line, 0..4), refunds, any::<i64>(), any::<bool>()).prop_map(
        |(lines, refunds, shipping_minor, small)| {
            let scale = |minor: i64| if small { minor % 10_000 } else { minor };
            let mut report = OrderSnapshot { shipping_minor: scale(shipping_minor), ..order() };
            for (i, (price, quantity, discount, tax, tax_included, left)) in
                lines.into_iter().enumerate()
            {
                report = report.with_line(&i.to_string(), quantity, scale(price));
                let line = &mut report.lines[i];
                (line.discount_minor, line.tax_minor) = (scale(discount), scale(tax));
                (line.tax_included, line.remaining_quantity) = (tax_included, left);
            }
            for (i, (parts, (adjustment, undivided))) in refunds.into_iter().enumerate() {
                let mut one = refund(&i.to_string());
                one.adjustment_minor = scale(adjustment);
                one.undivided_minor = undivided.map(scale);
                for (line, quantity, amount, tax) in parts {
                    one = one.of_line(&line.to_string(), quantity, 0);
                    let line = one.lines.last_mut().unwrap();
                    (line.amount_minor, line.tax_minor) = (amount.map(scale), scale(tax));
                }
                report = report.with_refund(one);
            }
            report
        },
    )
}

proptest! {
    #[test]
    fn nothing_is_negative_and_no_more_goes_back_than_was_paid(
        report in any_report(), include_tax: bool, include_shipping: bool,
    ) {
        let state = OrderState::from(report);
        for line in line_amounts(&state, Basis { include_tax, include_shipping, negative_fees_lower: false }) {
            prop_assert!(line.gross_minor >= 0);
            prop_assert!((0..=line.gross_minor).contains(&line.refunded_minor));
            prop_assert!((0..=line.quantity).contains(&line.remaining));
        }
    }

    #[test]
    fn a_further_refund_never_leaves_more(
        report in any_report(), quantity in 0..5_i64, amount in 0..5_000_i64,
    ) {
        let mut report = report;
        for line in &mut report.lines {
            line.remaining_quantity = None;
        }
        let further = report.clone().with_refund(refund("further").of_line("0", quantity, amount));
        let (before, after) = (OrderState::from(report), OrderState::from(further));
        let left = |state: &OrderState| -> i64 {
            line_amounts(state, PLAIN).iter().map(LineAmounts::net_minor).sum()
        };
        prop_assert!(left(&after) <= left(&before));
    }
}
