//! Vouch: a self-hosted admin for affiliate programs that run on coupon codes.

pub mod affiliates;
pub mod config;
pub mod credit;
pub mod db;
pub mod money;
pub mod orders;
pub mod triggers;
