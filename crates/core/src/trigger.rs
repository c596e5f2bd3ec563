//! Conversion triggers.

use crate::text_enum;

text_enum! {
    /// What ties orders to an affiliate.
    pub enum TriggerKind {
        /// A code that the shopper types at checkout.
        CouponCode = "coupon_code", "Coupon Code";
        /// The address of the customer.
        CustomerEmail = "customer_email", "Customer Email";
        /// A product: a royalty on its lines.
        Sku = "sku", "SKU";
    }
}
