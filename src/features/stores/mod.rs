//! Stores: connections to Shopify and the other platforms, and the generic API.

mod access;
mod calls;
mod check;
mod client;
pub mod clock;
mod connect;
/// The kinds of background jobs.
pub mod jobs;
mod model;
mod returns;
mod rotate;
mod secret;
mod traffic;

pub use self::access::{
    keep_access_token, note_answered, note_denied, note_webhooks, set_credentials,
    set_discount_rules,
};
pub use self::calls::{StoreCall, StoreCalls};
pub use self::check::{UnreadableSecret, check_secrets};
pub use self::client::{open_client, rules_in_words, with_connection};
pub use self::connect::{
    ConnectError, NewStore, Uninstalled, connect, connect_shopify, disconnect, uninstalled,
};
pub use self::model::{Store, find_by_key, merchant_of_key};
pub use self::returns::{ReturnRules, change_return_rules, return_rules_history};
pub use self::rotate::{Reencrypted, reencrypt_secrets};
pub use self::secret::{random_secret, remove_previous_secret, replace_secret};
pub use self::traffic::Traffic;
pub use vouch_platforms::WebhookSecret;
