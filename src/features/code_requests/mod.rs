//! Coupon codes that affiliates request, which stay reserved until a member decides.

mod decide;
mod denial;
mod emails;
/// The page where members decide on requests for additional codes.
pub(crate) mod handlers;
mod lookup;
mod model;
mod request;
mod reserve;
mod text;

pub use decide::{approve_codes, reverse_codes};
pub(crate) use denial::Denial;
pub(crate) use lookup::{CodeLookup, answer};
pub use model::open;
pub(crate) use model::{approve, deny, reopen, reopen_denied_at};
pub(crate) use request::{MAX_WAITING, withdraw};
pub use request::{RequestOutcome, ask};
pub(crate) use reserve::{ReservedCode, check, waiting};
pub(crate) use text::{
    reason_too_long as reason_too_long_text, refusal as refusal_text,
    refusal_for as refusal_text_for,
};
