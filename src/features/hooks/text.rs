//! What a store reads when its webhook is rejected.

pub(super) const WRONG_SIGNATURE: &str = "The signature doesn’t match the body.\n";
pub(super) const WRONG_TIME: &str = "The timestamp is too old or in the future.\n";
