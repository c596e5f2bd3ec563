//! Coupon codes that affiliates ask for, and keep until somebody has decided.

mod further;
/// The page on which members decide about further codes.
pub mod handlers;
mod lookup;
mod model;
mod reserve;

pub use further::{
    Asked, MOST_WAITING, Reversal, approve_further, ask, count_waiting, deny_further, reverse,
    take_decided, take_waiting, waiting_page, withdraw,
};
pub use lookup::{Verdict, answer};
pub use model::{
    Approved, CodeRequest, CodeRequestOrigin, CodeRequestStatus, approve, deny, of_affiliate, open,
    pending_of, reopen, reopen_denied_at,
};
pub use reserve::{
    NotToBeHad, Refused, Waiting, check, hold_against_requests, hold_all, reservations,
    reserved_for, reserved_keys, waiting,
};
