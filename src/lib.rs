//! Vouch: a self-hosted admin for affiliate programs that run on coupon codes.

pub mod affiliates;
pub mod credit;
pub mod money;
pub mod orders;
pub mod triggers;
