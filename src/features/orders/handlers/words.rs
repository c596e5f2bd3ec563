/// A merchant-friendly label for a delivery's topic. Other text, such as a member's action, stays
/// the same.
pub(crate) fn topic_label(topic: &str) -> &str {
    match topic {
        "orders/create" | "order.created" => "Order placed",
        "orders/updated" | "order.updated" => "Order updated",
        "orders/paid" => "Order paid",
        "orders/cancelled" => "Order cancelled",
        "orders/edited" => "Order edited",
        "orders/delete" | "order.deleted" => "Order deleted",
        "refunds/create" => "Refund made",
        "order.restored" => "Order restored",
        "order.read" => "Order read from the store",
        "order.refunds" => "Refund details read from the store",
        "app/uninstalled" => "App removed from the store",
        "orders/read" => "Order read from the store",
        "store/order/created" => "Order begun",
        "store/order/updated" => "Order changed",
        "store/order/statusUpdated" => "Order status changed",
        "store/order/refund/created" => "Refund made",
        "store/app/uninstalled" => "App removed from the store",
        "orders" => "Order reported by the API",
        "ledger.currency_corrected" => "Currency corrected by an update of Vouch",
        "ledger.balance_corrected" => "Balance corrected by an update of Vouch",
        other => other,
    }
}
