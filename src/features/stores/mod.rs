//! Stores: connections to Shopify and the other platforms, and the generic API.

mod access;
mod calls;
mod check;
mod client;
pub(crate) mod clock;
mod connect;
pub mod jobs;
mod model;
mod returns;
mod rotate;
mod secret;
mod text;
mod title;
mod traffic;

pub(crate) use self::access::{keep_access_token, note_answered, note_denied, note_webhooks};
pub use self::access::{set_credentials, set_discount_rules};
pub(crate) use self::calls::{StoreCall, StoreCalls};
pub use self::check::check_secrets;
pub use self::client::open_client;
pub(crate) use self::client::{rules_in_words, with_connection};
pub(crate) use self::connect::{ConnectError, Uninstalled, uninstalled};
pub use self::connect::{NewStore, connect, connect_shopify, disconnect};
pub(crate) use self::model::any;
pub use self::model::{Store, find_by_key, merchant_of_key};
pub(crate) use self::returns::return_rules_history;
pub use self::returns::{ReturnRules, change_return_rules};
pub(crate) use self::rotate::{Reencrypted, reencrypt_secrets};
pub use self::secret::replace_secret;
pub(crate) use self::secret::{random_secret, remove_previous_secret};
pub(crate) use self::traffic::Traffic;
pub use vouch_platforms::WebhookSecret;
