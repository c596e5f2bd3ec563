//! The platforms that stores run on.

use crate::text_enum;

text_enum! {
    /// What a store runs on.
    pub enum Platform {
        /// Shopify.
        Shopify = "shopify", "Shopify";
        /// BigCommerce.
        Bigcommerce = "bigcommerce", "BigCommerce";
        /// WooCommerce.
        Woocommerce = "woocommerce", "WooCommerce";
        /// Any other, which reports its orders to Vouch's own API.
        Api = "api", "API";
    }
}
