use super::fixtures::*;
use crate::attribution::record::LineNote;
use crate::attribution::*;
use crate::money::{Currency, Rate};
use crate::order::fixtures::{march, order, refund, times};
use crate::order::{LineKind, OrderSnapshot, OrderState, PaymentState, ReportedRefund, StoreEvent};

fn jane(report: OrderSnapshot, terms: Terms) -> Credit {
    jane_by(report, terms, CalculationLogic::default())
}

fn jane_by(report: OrderSnapshot, terms: Terms, rules: CalculationLogic) -> Credit {
    let candidates = [code(1, "JANE10", JANE).on(terms)];
    decided_by(report.with_code("JANE10", 0), &candidates, rules).credits.remove(0)
}

#[test]
fn each_line_is_rounded_half_to_even_once_then_summed() {
    let report = order().with_line("A", 1, 25).with_line("B", 1, 35).with_line("C", 1, 45);
    let credit = jane(report, ten_percent());
    let per_line: Vec<i64> = credit.lines.iter().map(|line| line.commission_minor).collect();
    assert_eq!((per_line, credit.commission.sale), (vec![2, 4, 4], 10));
}

#[test]
fn the_base_follows_the_merchants_calculation_logic() {
    let mut report = order().with_line("TEE", 1, 2000);
    report.lines[0].tax_minor = 380;
    report.lines[0].discount_minor = 1000;
    (report.shipping_minor, report.shipping_tax_minor) = (500, 95);
    for (include_tax, include_shipping, sale) in
        [(false, false, 100), (true, false, 138), (false, true, 150), (true, true, 198)]
    {
        let rules =
            CalculationLogic { include_tax, include_shipping, ..CalculationLogic::default() };
        let credit = jane_by(report.clone(), ten_percent(), rules);
        // Shipping with tax is 59.5, rounded half to even to 60 on its own line.
        let sale = if include_tax && include_shipping { 138 + 60 } else { sale };
        assert_eq!(credit.commission.sale, sale);
        assert_eq!(credit.lines.len(), if include_shipping { 2 } else { 1 });
    }
}

#[test]
fn currencies_of_no_and_of_three_decimals_are_counted_in_their_own_units() {
    for (currency, price, sale) in [(Currency::JPY, 1999, 200), (Currency::KWD, 1_505, 150)] {
        let report = OrderSnapshot { currency, ..order().with_line("TEE", 1, price) };
        assert_eq!(jane(report, ten_percent()).commission.sale, sale, "{currency}");
    }
}

#[test]
fn a_partial_refund_takes_its_part_and_a_full_refund_all() {
    let report = order().with_line("TEE", 2, 1000);
    let part = report.clone().with_refund(refund("1").of_line("TEE", 1, 1000));
    let credit = jane(part, ten_percent());
    assert_eq!(credit.commission, components(200, -100, 0));
    assert_eq!(
        (credit.gross_minor, credit.refunded_minor, credit.revenue_minor),
        (2000, 1000, 1000)
    );
    let mut full = report.with_refund(refund("1").of_line("TEE", 2, 2000));
    full.payment = PaymentState::Refunded;
    let credit = jane(full, ten_percent());
    assert!(credit.is_qualified(), "a refunded order is a sale that was given back");
    assert_eq!(credit.commission, components(200, -200, 0));
}

#[test]
fn cancelled_voided_and_deleted_orders_take_back_what_is_left() {
    let report = order().with_line("TEE", 2, 1000);
    let report = report.with_refund(refund("1").of_line("TEE", 1, 1000));
    let cancelled = OrderSnapshot { cancelled_at: Some(march(12)), ..report.clone() };
    let voided = OrderSnapshot { payment: PaymentState::Voided, ..report.clone() };
    for report in [cancelled, voided] {
        let credit = jane(report, ten_percent());
        assert_eq!(credit.commission, components(200, -100, -100));
        assert_eq!((credit.commission.total(), credit.revenue_minor), (0, 0));
    }
    let mut state = OrderState::from(report.with_code("JANE10", 0));
    state.apply(StoreEvent::Deleted { order_ref: "1".into(), at: march(12) }, times(12));
    let candidates = [code(1, "JANE10", JANE)];
    let attribution =
        decide(&state, &candidates, &CalculationLogic::default(), &Overrides::default());
    assert_eq!(attribution.credits[0].commission, components(200, -100, -100));
}

#[test]
fn an_edit_that_adds_raises_the_sale_and_one_that_removes_lowers_what_is_left() {
    let report = order().with_line("TEE", 2, 1000);
    let added = report.clone().with_line("CAP", 1, 500);
    assert_eq!(jane(added, ten_percent()).commission, components(250, 0, 0));
    let mut removed = report;
    removed.lines[0].remaining_quantity = Some(1);
    assert_eq!(jane(removed, ten_percent()).commission, components(200, -100, 0));
}

#[test]
fn excluded_skus_earn_nothing_and_say_so() {
    let report = order().with_line("TEE", 1, 1000).with_line("gift-card", 1, 5000);
    let excluded = |terms: Terms| Terms { excluded_skus: vec!["GIFT-CARD".into()], ..terms };
    let credit = jane(report.clone(), excluded(ten_percent()));
    assert_eq!((credit.commission.sale, credit.revenue_minor), (100, 1000));
    assert_eq!(credit.lines[1].note, Some(LineNote::ExcludedSku));
    assert_eq!(credit.lines[1].commission_minor, 0);
    assert_eq!(jane(report.clone(), excluded(per_item(70))).commission.sale, 70);
    let credit = jane(report, excluded(per_order(300)));
    let per_line: Vec<i64> = credit.lines.iter().map(|line| line.commission_minor).collect();
    assert_eq!(per_line, [300, 0]);
    let only = order().with_line("GIFT-CARD", 1, 5000);
    assert_eq!(jane(only, excluded(per_order(300))).commission, Components::default());
}

#[test]
fn flat_per_item_pays_for_the_items_that_are_kept() {
    let report = order().with_line("TEE", 3, 1000).with_line("CAP", 1, 500);
    let refunded = report.with_refund(refund("1").of_line("TEE", 2, 2000));
    assert_eq!(jane(refunded, per_item(150)).commission, components(600, -300, 0));
    // The customer kept the items but got all the money back.
    let goodwill = ReportedRefund { adjustment_minor: 1000, ..refund("1") };
    let free = order().with_line("TEE", 1, 1000).with_refund(goodwill);
    assert_eq!(jane(free, per_item(150)).commission, components(150, -150, 0));
}

#[test]
fn flat_per_order_pays_once_while_anything_is_left() {
    let report = order().with_line("TEE", 3, 1000).with_line("CAP", 1, 500);
    let credit = jane(report.clone(), per_order(500));
    assert_eq!(credit.commission, components(500, 0, 0));
    let per_line: Vec<i64> = credit.lines.iter().map(|line| line.commission_minor).collect();
    assert_eq!(per_line, [429, 71], "spread by what was paid");
    let part = report.clone().with_refund(refund("1").of_line("TEE", 3, 3000));
    assert_eq!(jane(part.clone(), per_order(500)).commission, components(500, 0, 0));
    let all = part.with_refund(refund("2").of_line("CAP", 1, 500));
    assert_eq!(jane(all, per_order(500)).commission, components(500, -500, 0));
    assert_eq!(jane(order(), per_order(500)).commission, Components::default(), "no lines");
}

#[test]
fn a_gift_that_is_left_is_no_order_to_pay_for_but_a_free_order_is_one() {
    let report = order().with_line("TEE", 1, 1000).with_line("GIFT", 1, 0);
    let refunded = report.with_refund(refund("1").of_line("TEE", 1, 1000));
    assert_eq!(jane(refunded, per_order(500)).commission, components(500, -500, 0));
    let free = order().with_line("GIFT", 1, 0);
    assert_eq!(jane(free, per_order(500)).commission, components(500, 0, 0));
}

#[test]
fn flat_amounts_are_not_paid_for_shipping() {
    let rules = CalculationLogic { include_shipping: true, ..CalculationLogic::default() };
    let report = OrderSnapshot { shipping_minor: 500, ..order().with_line("TEE", 1, 1000) };
    for terms in [per_item(150), per_order(150)] {
        let credit = jane_by(report.clone(), terms, rules);
        assert_eq!((credit.commission.sale, credit.lines[1].commission_minor), (150, 0));
    }
}

#[test]
fn a_royalty_has_no_part_in_shipping() {
    let rules = CalculationLogic { include_shipping: true, ..CalculationLogic::default() };
    let report = OrderSnapshot { shipping_minor: 500, ..order().with_line("TEE", 1, 1000) };
    let attribution = decided_by(report, &[sku(1, "TEE", MAX)], rules);
    assert_eq!(attribution.paid(), [(MAX, 100)]);
}

#[test]
fn amounts_below_nothing_pay_nothing() {
    let report = order().with_line("TEE", 1, 1000);
    for terms in [per_item(-5), per_order(-5)] {
        assert_eq!(jane(report.clone(), terms).commission, Components::default());
    }
}

#[test]
fn every_kind_of_line_earns_by_the_rules() {
    let line = |kind: LineKind| {
        let mut report = order().with_line("TEE", 1, 10_000).with_line("EXTRA", 1, 5_000);
        report.lines[1].kind = kind;
        report
    };
    let all = CalculationLogic {
        gift_cards_earn: true,
        tips_earn: true,
        include_shipping: true,
        ..CalculationLogic::default()
    };
    for (kind, by_default, allowed, note) in [
        (LineKind::Goods, 1_500, 1_500, None),
        (LineKind::GiftCard, 1_000, 1_500, Some(LineNote::GiftCard)),
        (LineKind::Tip, 1_000, 1_500, Some(LineNote::Tip)),
        (LineKind::Fee, 1_000, 1_000, Some(LineNote::Fee)),
        (LineKind::Shipping, 1_000, 1_500, Some(LineNote::ShippingLeftOut)),
    ] {
        let percent = terms(Commission::Percent { rate: Rate::percent(10) });
        let credit = jane_by(line(kind), percent.clone(), CalculationLogic::default());
        assert_eq!(credit.commission.sale, by_default, "{kind:?}");
        assert_eq!(credit.lines[1].note, note);
        assert_eq!(jane_by(line(kind), percent, all).commission.sale, allowed, "{kind:?}");
        // Shipping and tips don't count as items.
        let flat = terms(Commission::FlatPerItem { amount_minor: 100, currency: Currency::USD });
        let items = if matches!(kind, LineKind::Goods | LineKind::GiftCard) { 2 } else { 1 };
        assert_eq!(jane_by(line(kind), flat, all).commission.sale, items * 100, "{kind:?}");
    }
}
