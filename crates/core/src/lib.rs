//! The domain rules of Vouch. No SQL, HTTP or clock: time and randomness are passed in.
//!
//! Diesel is a dependency only because an enum must implement its own column mapping here
//! ([`text_enum`]). It's built without a connection, so this crate can't query a database.

mod text_enum;

pub use self::text_enum::TextEnum;

/// The statuses of an affiliate.
pub mod affiliate;
/// Which affiliates earn from an order, how much, and why.
pub mod attribution;
/// Moments and dates in a merchant's time zone and format.
pub mod calendar;
/// Coupon codes and the keys by which they're compared.
pub mod code;
/// The status of a conversion and its inputs.
pub mod conversion;
/// The outcomes of webhook deliveries.
pub mod delivery;
/// Email addresses and the mailboxes that they reach.
pub mod email;
/// Exclusion patterns and look-alike keys.
pub mod look_alike;
/// Exact amounts in a currency.
pub mod money;
/// The rules for names of users, companies, programs and stores.
pub mod name;
/// Numbers as people read them.
pub mod number;
/// Orders: reports of stores, the merged state, and the amounts per line.
pub mod order;
/// The platforms that stores run on.
pub mod platform;
/// SKUs and the keys by which they're compared.
pub mod sku;
/// Input text: rejected characters, and encoding for URLs.
pub mod text;
/// The kinds of conversion triggers.
pub mod trigger;
