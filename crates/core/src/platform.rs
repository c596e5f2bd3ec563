//! The platforms that stores run on.

use crate::text_enum;

text_enum! {
    /// The e-commerce platform of a store.
    pub enum Platform {
        Shopify = "shopify", "Shopify";
        Bigcommerce = "bigcommerce", "BigCommerce";
        Woocommerce = "woocommerce", "WooCommerce";
        /// Any other store, which reports its orders to Vouch's API.
        Api = "api", "API";
    }
}
