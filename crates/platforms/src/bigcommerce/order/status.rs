//! The meaning of an order's status for the sale (BigCommerce's order statuses,
//! `/v2/order_statuses`).

use vouch_core::order::snapshot::PaymentState;

use super::payload::Order;

const INCOMPLETE: i64 = 0;
const REFUNDED: i64 = 4;
const CANCELLED: i64 = 5;
const DECLINED: i64 = 6;
const AWAITING_PAYMENT: i64 = 7;
const COMPLETED: i64 = 10;
const PARTIALLY_REFUNDED: i64 = 14;

/// Whether the customer stopped at the payment page, so no order was placed.
pub(super) fn is_incomplete(order: &Order) -> bool {
    order.status_id == Some(INCOMPLETE)
}

/// Whether the merchant canceled the order.
pub(super) fn is_cancelled(order: &Order) -> bool {
    order.status_id == Some(CANCELLED)
}

/// The payment state. The status comes first, because the merchant sets it and payments outside of
/// BigCommerce have no `payment_status`. A refund changes the status for good, even if the refund
/// is declined later.
pub(super) fn payment(order: &Order, is_refund_refused: bool) -> PaymentState {
    match order.status_id {
        Some(REFUNDED | PARTIALLY_REFUNDED) if is_refund_refused => return PaymentState::Paid,
        Some(REFUNDED) => return PaymentState::Refunded,
        Some(DECLINED) => return PaymentState::Voided,
        Some(PARTIALLY_REFUNDED) => return PaymentState::PartiallyRefunded,
        _ => {}
    }
    let said = order.payment_status.as_ref().map_or("", |text| text.0.trim());
    match (by_word(said, order), order.status_id) {
        (PaymentState::Paid, Some(AWAITING_PAYMENT)) => PaymentState::Pending,
        (PaymentState::PartiallyRefunded | PaymentState::Refunded, _) if is_refund_refused => {
            PaymentState::Paid
        }
        (payment, _) => payment,
    }
}

fn by_word(said: &str, order: &Order) -> PaymentState {
    match said.to_ascii_lowercase().as_str() {
        "authorized" | "capture pending" | "void pending" | "held for review" => {
            PaymentState::Authorized
        }
        "captured" | "paid" => PaymentState::Paid,
        "partially refunded" => PaymentState::PartiallyRefunded,
        "refunded" => PaymentState::Refunded,
        "void" => PaymentState::Voided,
        // The bank declined, but the customer can still pay in another way.
        "pending" | "declined" => PaymentState::Pending,
        "" if is_paid_on_delivery(order) && order.status_id != Some(COMPLETED) => {
            PaymentState::Pending
        }
        "" => by_status(order.status_id),
        _ => PaymentState::Unknown,
    }
}

fn is_paid_on_delivery(order: &Order) -> bool {
    let method = order.payment_method.as_ref().map_or("", |text| text.0.as_str());
    method.to_ascii_lowercase().contains("cash on delivery")
}

/// The state of orders without a `payment_status`. Shipped and completed orders count as paid.
fn by_status(status_id: Option<i64>) -> PaymentState {
    match status_id {
        // Shipped, partially shipped, awaiting pickup, awaiting shipment, completed, awaiting
        // fulfillment.
        Some(2 | 3 | 8..=11) => PaymentState::Paid,
        _ => PaymentState::Pending,
    }
}
