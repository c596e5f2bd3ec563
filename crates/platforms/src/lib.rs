//! The store platforms: one folder for each, with all that is its own. No SQL and no pages here: a
//! client gets its credentials and rules when it's made, and answers in the terms below.
//!
//! A platform is a folder (`order` reads its payloads, `settings` and `discounts_form` are what a member
//! fills in, the rest calls its API) and a row of [`PROVIDERS`]. How one is added: docs/platforms.md.

mod address;
/// Orders of any store, as Vouch's own API takes them.
pub mod api;
/// BigCommerce.
pub mod bigcommerce;
#[cfg(test)]
mod fixtures;
/// Forms as data.
pub mod form;
/// How stores are called over HTTP.
pub mod http;
mod parse;
mod payload;
mod position;
mod provider;
/// What the settings of a platform's stores say, ask for, and read.
pub mod settings;
/// Shopify.
pub mod shopify;
mod webhook_secret;
/// WooCommerce.
pub mod woocommerce;

use std::time::Duration;

use chrono::{DateTime, Utc};
use secrecy::SecretString;

pub use self::parse::parse_message;
pub use self::payload::PayloadError;
use self::position::Position;
pub use self::provider::{
    Connection, Envelope, Headers, Message, PROVIDERS, PrivacyTopic, Provider, provider,
};
pub use self::webhook_secret::{SecretRefusal, WebhookSecret};

/// A store as Vouch calls it. Every call takes ten seconds at the most and never follows a
/// redirect.
pub trait Client: Send {
    /// What the credentials are good for: asks the store, changes nothing.
    fn access(&mut self) -> Result<Access, CallError>;

    /// The store's code of that spelling in any case, whoever made it.
    fn find_code(&mut self, code: &str) -> Result<Option<StoreCode>, CallError>;

    /// Makes a discount with this one code under the rules the client was made with.
    ///
    /// # Errors
    /// [`CallError::Taken`] when the store has the code already; the caller then looks who made it.
    fn create_code(&mut self, code: &NewCode) -> Result<StoreCode, CallError>;

    /// Some of the store's codes, from `cursor` on (`None`: from the first).
    fn codes(&mut self, cursor: Option<&str>) -> Result<Batch<StoreCode>, CallError>;

    /// Some of the orders that changed within `period`, the longest unchanged first, from `cursor`
    /// on, each as a message for [`parse_message`].
    fn orders(
        &mut self,
        period: &Period,
        cursor: Option<&str>,
    ) -> Result<Batch<OrderMessage>, CallError>;

    /// One order, for platforms whose messages only name it; `None` when the store has no such order.
    ///
    /// # Errors
    /// [`CallError`]; [`CallError::Refused`] where the messages themselves say all.
    fn order(&mut self, order_ref: &str) -> Result<Option<OrderMessage>, CallError> {
        let words =
            format!("The messages of this store say themselves what order {order_ref} is like.");
        Err(CallError::Refused(words))
    }

    /// The refunds of an order with their lines, for platforms whose orders only outline them; in
    /// the order's `currency`, which the store does not repeat. `None` when the store has no such
    /// order.
    ///
    /// # Errors
    /// [`CallError`]; [`CallError::Refused`] where the messages themselves say all.
    fn refunds(
        &mut self,
        order_ref: &str,
        currency: &str,
        read_at: DateTime<Utc>,
    ) -> Result<Option<OrderMessage>, CallError> {
        let words = format!(
            "The messages of this store say themselves what the refunds of order {order_ref} were \
             for (in {currency}, {read_at})."
        );
        Err(CallError::Refused(words))
    }

    /// Sees to it that the store sends its messages to `address`, and switches on again what it has
    /// switched off. Answers what a person must still do, if anything.
    fn ensure_webhooks(&mut self, address: &str) -> Result<Webhooks, CallError>;

    /// A token that was got with the credentials since the client was made, for whoever keeps it;
    /// answered once. Most platforms have none.
    fn fresh_token(&mut self) -> Option<FreshToken> {
        None
    }
}

/// A token that is asked for again before it ends.
pub struct FreshToken {
    /// The token.
    pub token: SecretString,
    /// When it ends, with some time to spare.
    pub expires_at: DateTime<Utc>,
}

/// What credentials are good for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// What the store calls itself.
    pub store_name: String,
    /// Its currency, ISO 4217.
    pub currency: Option<String>,
    /// Whether orders can be read.
    pub reads_orders: bool,
    /// Whether codes can be made.
    pub creates_codes: bool,
    /// What is missing, each in a sentence that says how to mend it.
    pub missing: Vec<String>,
}

/// A code as the store has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreCode {
    /// As the store spells it.
    pub code: String,
    /// The store's own id of the discount.
    pub remote_ref: String,
    /// Its page in the store's admin, where there is one.
    pub admin_url: Option<String>,
    /// The trigger it was made for, when it bears Vouch's mark.
    pub mark: Option<Mark>,
    /// Whether shoppers can use it.
    pub state: CodeState,
    /// What a shopper gets, in one sentence.
    pub rules: String,
    /// Whether its rules are those the client was made with.
    pub same_rules: bool,
}

/// Vouch's mark on a discount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Whose trigger it was made for.
    pub merchant_id: i64,
    /// The trigger's key.
    pub trigger_id: i64,
}

/// Whether shoppers can use a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeState {
    /// They can.
    Live,
    /// Not yet.
    Scheduled,
    /// No longer: its end has come, or its uses are used up.
    Expired,
    /// It was switched off.
    Disabled,
}

/// A code to make.
#[derive(Clone, Debug)]
pub struct NewCode {
    /// What it is marked with.
    pub mark: Mark,
    /// As typed.
    pub code: String,
    /// Whose it is, for the title.
    pub affiliate: String,
    /// When it starts.
    pub now: DateTime<Utc>,
}

/// A page of something.
#[derive(Clone, Debug)]
pub struct Batch<T> {
    /// What was read.
    pub rows: Vec<T>,
    /// Where to go on; `None` at the end.
    pub next: Option<String>,
}

/// A stretch of time, both ends included.
#[derive(Clone, Copy, Debug)]
pub struct Period {
    /// Its begin.
    pub from: DateTime<Utc>,
    /// Its end.
    pub until: DateTime<Utc>,
}

/// An order that was read from a store.
#[derive(Clone, Debug)]
pub struct OrderMessage {
    /// The platform's id of the order.
    pub order_ref: String,
    /// What kind of message it is, for [`parse_message`].
    pub topic: &'static str,
    /// When the order last changed.
    pub changed_at: DateTime<Utc>,
    /// The message itself, kept as a delivery.
    pub body: Vec<u8>,
}

/// How the store's webhooks stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Webhooks {
    /// How many were made anew.
    pub made: usize,
    /// How many were switched on again.
    pub revived: usize,
    /// What only a person can mend, in a sentence.
    pub problem: Option<String>,
}

/// Why a call did not do what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The store wants a pause. Nothing was done.
    #[error("The store asked for a pause.")]
    Throttled {
        /// As the store says, or works out from what it says.
        wait: Duration,
    },
    /// Nothing came back, or nothing that can be understood: it may or may not have been done.
    #[error("{0}")]
    Unanswered(String),
    /// The credentials are not good, or no longer. No further call makes sense.
    #[error("{0}")]
    Denied(String),
    /// The store has such a code already.
    #[error("The store has a code of this spelling already.")]
    Taken,
    /// The store refuses this for good, in its own words.
    #[error("{0}")]
    Refused(String),
}
