//! The store platforms, with one folder for each. There's no SQL and no page here: a client gets
//! its credentials and rules when it's created, and returns the types below.
//!
//! A platform is a folder (`order` parses its payloads, `settings` and `discounts_form` define its
//! forms, the rest calls its API) and a row of [`PROVIDERS`]. How to add one: docs/platforms.md.

mod address;
pub mod api;
pub mod bigcommerce;
#[cfg(test)]
mod fixtures;
pub mod form;
pub mod http;
mod parse;
mod payload;
mod position;
mod provider;
mod reason;
pub mod settings;
pub mod shopify;
mod text;
mod webhook_secret;
pub mod woocommerce;

use std::time::Duration;

use chrono::{DateTime, Utc};
use secrecy::SecretString;

pub use self::parse::parse_message;
pub use self::payload::{PayloadError, PayloadProblem};
use self::position::Position;
pub use self::provider::{
    Connection, Envelope, Headers, PROVIDERS, PrivacyRequest, PrivacyTopic, Provider,
    WebhookDelivery, provider,
};
pub use self::reason::{ItemKind, Permission, Reason};
pub use self::webhook_secret::{SecretRefusal, WebhookSecret};

/// A client of one store. Every call takes at most ten seconds and never follows a redirect.
pub trait Client: Send {
    /// Checks what the credentials allow. It asks the store and changes nothing.
    fn access(&mut self) -> Result<StoreAccess, CallError>;

    /// The store's code with that spelling in any case, no matter who created it.
    fn find_code(&mut self, code: &str) -> Result<Option<StoreCode>, CallError>;

    /// Creates a discount with this one code under the client's rules. Fails with
    /// [`CallError::Taken`] if the store already has the code; the caller then checks who created
    /// it.
    fn create_code(&mut self, code: &NewCode) -> Result<StoreCode, CallError>;

    /// A page of the store's codes from `cursor` on. `None` starts at the first.
    fn codes(&mut self, cursor: Option<&str>) -> Result<CursorPage<StoreCode>, CallError>;

    /// A page of the orders that changed within `period`, least recently changed first, from
    /// `cursor` on. Each is a message for [`parse_message`].
    fn orders(
        &mut self,
        period: &TimeRange,
        cursor: Option<&str>,
    ) -> Result<CursorPage<OrderMessage>, CallError>;

    /// One order, for platforms whose webhooks only name it, or `None` if the store doesn't have
    /// it. Fails with [`CallError::Refused`] if the platform's webhooks contain the whole order.
    fn order(&mut self, order_ref: &str) -> Result<Option<OrderMessage>, CallError> {
        Err(CallError::Refused(Reason::OrderInWebhook { order_ref: order_ref.to_owned() }))
    }

    /// The refunds of an order with their lines, for platforms whose orders only summarize them.
    /// They're in the order's currency, which the store doesn't repeat. Returns `None` if the
    /// store doesn't have the order. Fails with [`CallError::Refused`] if the platform's webhooks
    /// contain the refunds.
    fn refunds(
        &mut self,
        order_ref: &str,
        _currency: &str,
        _read_at: DateTime<Utc>,
    ) -> Result<Option<OrderMessage>, CallError> {
        Err(CallError::Refused(Reason::RefundsInWebhook { order_ref: order_ref.to_owned() }))
    }

    /// Makes the store send its webhooks to `address`, and enables those that it disabled. Returns
    /// what a member must still do, if anything.
    fn ensure_webhooks(&mut self, address: &str) -> Result<Webhooks, CallError>;

    /// A token obtained since the client was created, for the caller to store. It's returned once.
    /// Most platforms have none.
    fn fresh_token(&mut self) -> Option<FreshToken> {
        None
    }
}

/// A token that's renewed before it expires.
pub struct FreshToken {
    pub token: SecretString,
    /// Somewhat before the token expires.
    pub expires_at: DateTime<Utc>,
}

/// What the credentials allow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreAccess {
    /// The store's own name.
    pub store_name: String,
    /// The store's currency (ISO 4217).
    pub currency: Option<String>,
    pub reads_orders: bool,
    pub creates_codes: bool,
    /// Missing permissions. Each explains how to fix it.
    pub missing: Vec<Reason>,
}

/// A code in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreCode {
    /// As the store spells it.
    pub code: String,
    /// The store's own ID of the discount.
    pub remote_ref: String,
    /// Its page in the store's admin, if there is one.
    pub admin_url: Option<String>,
    /// The trigger it was created for, if it has Vouch's mark.
    pub mark: Option<Mark>,
    pub state: CodeState,
    /// The customer's discount, in one sentence.
    pub rules: String,
    /// Whether its rules equal the client's rules.
    pub same_rules: bool,
}

/// Vouch's mark on a discount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    pub merchant_id: i64,
    pub trigger_id: i64,
}

/// Whether customers can use a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeState {
    Live,
    Scheduled,
    /// Its end date has passed, or it has no uses left.
    Expired,
    Disabled,
}

/// A code to create.
#[derive(Clone, Debug)]
pub struct NewCode {
    pub mark: Mark,
    pub code: String,
    /// The affiliate's name, for the title.
    pub affiliate: String,
    /// The code's start time.
    pub now: DateTime<Utc>,
}

#[derive(Clone, Debug)]
pub struct CursorPage<T> {
    pub rows: Vec<T>,
    /// The cursor of the next page; `None` at the end.
    pub next: Option<String>,
}

/// A time range that includes both ends.
#[derive(Clone, Copy, Debug)]
pub struct TimeRange {
    pub from: DateTime<Utc>,
    pub until: DateTime<Utc>,
}

/// An order imported from a store.
#[derive(Clone, Debug)]
pub struct OrderMessage {
    /// The platform's ID of the order.
    pub order_ref: String,
    /// The message type, for [`parse_message`].
    pub topic: &'static str,
    /// When the order last changed.
    pub changed_at: DateTime<Utc>,
    /// The message, stored as the body of a delivery.
    pub body: Vec<u8>,
}

/// The state of the store's webhooks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Webhooks {
    /// How many were created.
    pub made: usize,
    /// How many were enabled again.
    pub revived: usize,
    /// A problem that only a member can fix.
    pub problem: Option<Reason>,
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// The store's rate limit is used up. Nothing was done.
    Throttled {
        /// Given by the store, or computed from its response.
        wait: Duration,
    },
    /// No response, or one that can't be parsed. The change may or may not have been made.
    Unanswered(Reason),
    /// The credentials aren't valid, or no longer. Further calls would fail too.
    Denied(Reason),
    /// The store already has the code.
    Taken,
    /// The store rejects this permanently.
    Refused(Reason),
}

impl CallError {
    pub fn reason(&self) -> Reason {
        match self {
            Self::Throttled { .. } => Reason::RateLimited,
            Self::Taken => Reason::CodeTaken,
            Self::Unanswered(reason) | Self::Denied(reason) | Self::Refused(reason) => {
                reason.clone()
            }
        }
    }
}

impl std::error::Error for CallError {}
