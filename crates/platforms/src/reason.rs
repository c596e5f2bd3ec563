use serde::{Deserialize, Serialize};
use vouch_core::money::Currency;
use vouch_core::platform::Platform;

/// Why a call to a store failed, or what's missing there. Rows store it, and `text` renders it.
/// `said` is the store's own message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Reason {
    // The connection.
    Timeout,
    UnknownHost,
    ResponseTooLarge,
    NotHttps,
    InvalidUrl,
    InsecureConnection,
    PrivateNetwork,
    ConnectionRefused,
    Interrupted,
    Unreachable,
    UnreadableResponse,
    /// Something that isn't JSON, such as a web page.
    NotJson {
        status: u16,
        is_web_page: bool,
    },
    Redirected {
        platform: Platform,
        /// The host, if the response contains it.
        target: Option<String>,
    },

    // The response.
    Unavailable {
        platform: Platform,
        /// The HTTP status. `None` if the body reports it.
        status: Option<u16>,
    },
    UnexpectedResponse {
        platform: Platform,
    },
    NotFound {
        platform: Platform,
    },
    Rejected {
        platform: Platform,
        status: u16,
        said: Option<String>,
    },
    /// The store's answer, word for word.
    Said {
        platform: Platform,
        said: String,
    },
    RateLimited,
    CodeTaken,
    /// The store reports a code as taken, but doesn't list it.
    CodeNotListed,
    RepeatedPage,
    ListChanged,
    TooManyItems,
    TooManyRefunds,
    OrderInWebhook {
        order_ref: String,
    },
    RefundsInWebhook {
        order_ref: String,
    },

    // The credentials.
    NotCallable {
        platform: Platform,
    },
    NoCredentials,
    /// They're encrypted with another key.
    UndecryptableCredentials,
    UnreadableCredentials,
    TokenRejected {
        platform: Platform,
    },
    InvalidClientId,
    ClientRejected,
    AppNotAllowed,
    AppNotPermitted,
    AppNotFound,
    KeyRejected {
        said: String,
    },
    KeyNotPermitted {
        said: String,
    },
    KeyCannotRead,
    KeyReadOnly,
    MissingScope {
        scope: String,
    },
    MissingPermission {
        permission: Permission,
    },
    WrongStore {
        domain: String,
    },
    NoStore {
        platform: Platform,
    },
    StoreFrozen,
    StoreLocked,
    Blocked,

    // Codes and their discount.
    NoDiscount {
        platform: Platform,
    },
    UnreadableDiscount,
    OtherCurrency {
        theirs: String,
        own: Currency,
    },
    CodeTooLong {
        max: usize,
        length: usize,
    },
    CodeCharacters,
    /// The store has a code that it can't distinguish from this one.
    SimilarCode {
        wanted: String,
        other: String,
    },
    PromotionGone,
    PromotionNameTaken,
    NoPromotions,
    NoCoupons,
    NoItem {
        kind: ItemKind,
        item: String,
    },

    // Webhooks.
    WebhooksNeedHttps,
    WebhooksNeedPort443,
    WebhookRejected {
        topic: String,
        said: String,
    },
    WebhookDeleted,
    WebhookDuplicate,
    WebhookPaused {
        webhook: String,
    },
    NoWebhookSecret,
}

/// A permission of a BigCommerce API account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    Information,
    Transactions,
    Orders,
    Marketing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemKind {
    Collection,
    Product,
}
