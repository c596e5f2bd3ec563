//! Coupon codes that affiliates ask for, and keep until somebody has decided.

mod model;
mod reserve;

pub use model::{
    Approved, CodeRequest, CodeRequestStatus, approve, deny, of_affiliate, open, pending_of, reopen,
};
pub use reserve::{
    NotToBeHad, Refused, check, hold_against_requests, hold_all, reserved_for, reserved_keys,
};
