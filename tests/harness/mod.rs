//! What tests share.

pub mod browser;
