//! Stores: connections to Shopify and the other platforms, and the generic API.

mod address;
mod check;
mod model;
mod secret;
mod traffic;

pub use self::address::{AddressRefusal, shopify_address};
pub use self::check::{UnreadableSecret, check_secrets};
pub use self::model::{
    ConnectError, Platform, Store, connect_shopify, disconnect, find_by_key, merchant_of_key,
};
pub use self::secret::{SecretRefusal, WebhookSecret, remove_previous_secret, replace_secret};
pub use self::traffic::Traffic;
