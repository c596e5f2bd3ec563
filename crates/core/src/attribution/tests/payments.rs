use super::fixtures::*;
use crate::attribution::*;
use crate::order::fixtures::order;
use crate::order::{OrderSnapshot, PaymentState};

const PAID: OrdersCountWhen = OrdersCountWhen::Paid;
const PLACED: OrdersCountWhen = OrdersCountWhen::Placed;

fn credit(payment: PaymentState, orders_count_when: OrdersCountWhen) -> Credit {
    let report = OrderSnapshot { payment, ..order().with_line("TEE", 1, 2910) };
    let report = report.with_code("JANE10", 323);
    let rules = CalculationLogic { orders_count_when, ..CalculationLogic::default() };
    decided_by(report, &[code(1, "JANE10", JANE)], rules).credits.remove(0)
}

#[test]
fn only_an_order_that_is_paid_counts() {
    use PaymentState::*;
    for payment in [Pending, Authorized, PartiallyPaid, Unknown] {
        let credit = credit(payment, PAID);
        assert!(credit.is_qualified() && credit.not_paid_yet, "{payment}");
        assert_eq!(credit.commission.total(), 291, "it shows what it will earn");
    }
    for payment in [Paid, PartiallyRefunded] {
        let credit = credit(payment, PAID);
        assert!(credit.is_qualified() && !credit.not_paid_yet, "{payment}");
        assert_eq!(credit.commission.total(), 291);
    }
    for (payment, reason) in
        [(Expired, Unqualified::PaymentExpired), (Voided, Unqualified::PaymentVoided)]
    {
        let credit = credit(payment, PAID);
        assert_eq!(credit.unqualified, Some(reason));
        assert_eq!((credit.commission.total(), credit.would_be.total()), (0, 291));
    }
}

#[test]
fn where_orders_count_when_placed_only_a_voided_payment_matters() {
    for payment in PaymentState::ALL {
        let credit = credit(*payment, PLACED);
        assert!(credit.is_qualified() && !credit.not_paid_yet, "{payment}");
        let nothing = matches!(payment, PaymentState::Voided | PaymentState::Refunded);
        assert_eq!(credit.commission.total() == 0, nothing, "{payment}");
    }
}

#[test]
fn an_unpaid_order_credits_the_one_whom_it_would_credit_when_paid() {
    // Jane used her own code, so it's unqualified, and Max's trigger for her email wins.
    let unpaid = |payment| {
        let report = order().with_line("TEE", 1, 2910).with_code("JANE10", 0);
        OrderSnapshot { payment, customer_email: Some("jane@affiliates.example".into()), ..report }
    };
    let candidates = [code(1, "JANE10", JANE), email(2, "jane@affiliates.example", MAX)];
    for payment in [PaymentState::Paid, PaymentState::Pending, PaymentState::Voided] {
        let rules = CalculationLogic { orders_count_when: PAID, ..CalculationLogic::default() };
        let attribution = decided_by(unpaid(payment), &candidates, rules);
        assert_eq!(attribution.credits[0].affiliate.id, MAX, "{payment}");
    }
}

#[test]
fn the_test_order_comes_before_the_payment_as_a_reason() {
    let report = OrderSnapshot {
        is_test: true,
        payment: PaymentState::Voided,
        ..order().with_line("TEE", 1, 2910).with_code("JANE10", 0)
    };
    let rules = CalculationLogic { orders_count_when: PAID, ..CalculationLogic::default() };
    let attribution = decided_by(report, &[code(1, "JANE10", JANE)], rules);
    assert_eq!(attribution.credits[0].unqualified, Some(Unqualified::TestOrder));
}
