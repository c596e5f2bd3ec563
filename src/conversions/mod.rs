//! Conversions: one affiliate's credit for one order, or an amount given by hand.

pub mod status;

pub use status::{ConversionStatus, StatusBy, Via};
