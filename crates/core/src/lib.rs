//! What Vouch decides: pure rules, without SQL, HTTP or a clock. Time and randomness are passed in.
//!
//! Diesel is here for one thing: a closed set maps itself to its column ([`text_enum`]), and no
//! other crate may do that for it. It comes without a connection, so nothing here can ask a database.

mod text_enum;

/// An affiliate's status.
pub mod affiliate;
/// Who earns from an order, how much, and why.
pub mod attribution;
/// Coupon codes and the keys they are compared by.
pub mod code;
/// A conversion's status, and what it follows from.
pub mod conversion;
/// What became of messages of stores.
pub mod delivery;
/// Email addresses and the mailboxes they reach.
pub mod email;
/// Exclusion patterns and the look-alike keys they are compared by.
pub mod look_alike;
/// Exact amounts in a currency.
pub mod money;
/// What people, companies, programs and stores may be called.
pub mod name;
/// What stores say of an order, merged, and the amounts that follow.
pub mod order;
/// The platforms that stores run on.
pub mod platform;
/// SKUs and the keys they are compared by.
pub mod sku;
/// Text from outside: what is refused, and how it stands in a URL.
pub mod text;
/// The kinds of conversion triggers.
pub mod trigger;
