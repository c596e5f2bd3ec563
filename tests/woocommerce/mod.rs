//! WooCommerce: its webhooks, its settings, its orders and codes.

mod hooks;
