//! Coupon codes that affiliates request, which stay reserved until a member decides.

mod decide;
mod denial;
mod emails;
/// The page where members decide on requests for additional codes.
pub mod handlers;
mod lookup;
mod model;
mod request;
mod reserve;

pub use decide::{DecidedCodes, ReversedCodes, approve_codes, deny_codes, reverse_codes};
pub use denial::Denial;
pub use lookup::{Checked, answer};
pub use model::{Approved, approve, deny, open, reopen, reopen_denied_at};
pub use request::{MAX_WAITING, RequestOutcome, ask, withdraw};
pub use reserve::{Waiting, check, refusal_words, waiting};
