//! What members read about their program.

pub(crate) const CHOOSE_CURRENCY: &str = "Choose a currency from the list.";
pub(crate) const CHOOSE_TIME_ZONE: &str = "Choose a time zone from the list.";
